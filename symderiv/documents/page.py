"""Documents as one self-contained HTML page: MathML, no request to anywhere, a policy that allows only its own script."""

from __future__ import annotations

from symderiv.calculus.derivation import Derivation
from symderiv.documents.content import Document, Formula
from symderiv.documents.frame import environment, numbers, render, style
from symderiv.documents.latex import Printer
from symderiv.documents.notation import notation_of


def to_page(document: Document, links: tuple[tuple[str, str], ...] = ()) -> str:
    """The document as a page; `links` are (file, text) of the same document in other formats."""
    return render("document.html.j2", document=document, links=links)


def index_page(items: list[tuple[Document, Derivation, dict[str, str]]]) -> str:
    """A page that leads to several documents; each comes with its derivation and its files by format."""
    entries = []
    for document, derivation, files in items:
        printer = Printer(notation_of(derivation.model, derivation.options))
        loss = derivation.model.loss
        links = tuple((file, format) for format, file in files.items())
        entries.append(
            {"title": document.title, "about": document.about, "file": files["html"], "links": links,
             "loss": Formula(((printer.latex(loss.symbol), printer.latex(loss.value), ""),))}
        )  # fmt: skip
    return render("index.html.j2", items=entries)


def to_fragment(document: Document) -> str:
    """The document without page around it, for a notebook: static, its weights under each other."""
    return environment().get_template("fragment.html.j2").render(document=document, style=style(), fresh=numbers())
