"""Documents as one self-contained HTML page: MathML, no request to anywhere, a policy that allows only its own script."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from markupsafe import Markup

from symderiv.calculus.derivation import Derivation
from symderiv.documents.content import Document, pieces
from symderiv.documents.latex import Printer
from symderiv.documents.mathml import mathml
from symderiv.documents.notation import notation_of

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).with_name("templates")


def inline(text: str) -> Markup:
    """Running text with its mathematics as MathML; everything else is escaped."""
    out = []
    for kind, content in pieces(text):
        if kind == "math":
            out.append(mathml(content.strip()))
        else:
            out.append(f"<em>{escape(content)}</em>" if kind == "emphasis" else escape(content))
    return Markup("".join(out))


def _display(latex: str) -> Markup:
    return Markup(mathml(latex, display=True))


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(inline=inline, display=_display, safe_svg=Markup)
    environment.tests["block"] = lambda block, name: type(block).__name__ == name
    return environment


def render(template: str, **values: object) -> str:
    """A template with the page's style and script, and the policy that allows exactly that script."""
    script = (TEMPLATES / "page.js").read_text()
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    style = (TEMPLATES / "page.css").read_text()
    page = _environment().get_template(template)
    return page.render(style=Markup(style), script=Markup(script), policy=policy, **values) + "\n"


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
             "loss": f"{printer.latex(loss.symbol)} = {printer.latex(loss.value)}"}
        )  # fmt: skip
    return render("index.html.j2", items=entries)


def to_fragment(document: Document) -> str:
    """The document without page around it, for a notebook: static, its weights under each other."""
    return (
        _environment()
        .get_template("fragment.html.j2")
        .render(document=document, style=Markup((TEMPLATES / "page.css").read_text()))
    )
