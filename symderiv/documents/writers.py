"""Every format of a derivation's document by its name; importing this module gives derivations their `to_...` methods."""

from __future__ import annotations

from collections.abc import Callable

from symderiv.calculus.derivation import Derivation
from symderiv.calculus.formats import writer
from symderiv.documents.content import Document
from symderiv.documents.latex import Printer
from symderiv.documents.markdown import to_markdown
from symderiv.documents.notation import notation_of
from symderiv.documents.numbers import worked_document
from symderiv.documents.outline import document_of
from symderiv.documents.page import to_fragment, to_page
from symderiv.documents.terminal import PlainNotation, to_text
from symderiv.documents.tex import to_pdf, to_tex
from symderiv.views.worked import Worked

FORMATS: dict[str, tuple[str, Callable[[Document], str | bytes]]] = {
    "html": ("html", to_page),
    "latex": ("tex", to_tex),
    "md": ("md", to_markdown),
    "pdf": ("pdf", to_pdf),
}
"""For each format of the command line: the ending of its files, and what writes it."""


def as_documents(kind: type, document: Callable[..., Document]) -> None:
    """Give the instances of a class their `to_html`, `to_latex`, `to_markdown` and what a notebook shows.

    document: makes the document of one; its options are those of the methods.
    """

    def register(format: str, write: Callable[[Document], str]) -> None:
        writer(kind, format)(lambda thing, **options: write(document(thing, **options)))

    for format, write in (("html", to_page), ("latex", to_tex), ("md", to_markdown), ("notebook", to_fragment)):
        register(format, write)


as_documents(Derivation, document_of)
as_documents(Worked, worked_document)


@writer(Worked, "text")
def worked_text(example: Worked) -> str:
    """Plain text, as in a terminal."""
    return to_text(worked_document(example, notation=plain_notation(example.derivation)))


def plain_notation(derivation: Derivation) -> PlainNotation:
    """The notation of plain text: names as in the model file."""
    return PlainNotation(derivation.model)


@writer(Derivation, "text")
def derivation_text(derivation: Derivation) -> str:
    """The gradients, a line each, in LaTeX."""
    printer = Printer(notation_of(derivation.model, derivation.options))
    lines = [
        f"{printer.latex(derivation.adjoint(name).symbol)} = {printer.latex(gradient)}"
        for name, gradient in derivation.gradients.items()
    ]
    return "\n".join(lines)
