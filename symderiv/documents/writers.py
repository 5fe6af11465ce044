"""Every format of a derivation's document by its name; importing this module gives derivations their `to_...` methods."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

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


@writer(Derivation, "html")
def derivation_page(derivation: Derivation, **options: Any) -> str:
    """One self-contained page; options: title, about, weight."""
    return to_page(document_of(derivation, **options))


@writer(Derivation, "latex")
def derivation_tex(derivation: Derivation, **options: Any) -> str:
    """A LaTeX document; options: title, about, weight."""
    return to_tex(document_of(derivation, **options))


@writer(Derivation, "md")
def derivation_markdown(derivation: Derivation, **options: Any) -> str:
    """Markdown; options: title, about, weight."""
    return to_markdown(document_of(derivation, **options))


@writer(Derivation, "notebook")
def derivation_fragment(derivation: Derivation, **options: Any) -> str:
    """What a notebook shows."""
    return to_fragment(document_of(derivation, **options))


@writer(Worked, "html")
def worked_page(example: Worked, **options: Any) -> str:
    """One self-contained page; options: title, about, primitive."""
    return to_page(worked_document(example, **options))


@writer(Worked, "latex")
def worked_tex(example: Worked, **options: Any) -> str:
    """A LaTeX document; options: title, about."""
    return to_tex(worked_document(example, **options))


@writer(Worked, "md")
def worked_markdown(example: Worked, **options: Any) -> str:
    """Markdown; options: title, about."""
    return to_markdown(worked_document(example, **options))


@writer(Worked, "notebook")
def worked_fragment(example: Worked) -> str:
    """What a notebook shows."""
    return to_fragment(worked_document(example))


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
