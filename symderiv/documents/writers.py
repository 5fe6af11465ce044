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
from symderiv.documents.outline import document_of
from symderiv.documents.page import to_fragment, to_page
from symderiv.documents.tex import to_pdf, to_tex

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


@writer(Derivation, "text")
def derivation_text(derivation: Derivation) -> str:
    """The gradients, a line each, in LaTeX."""
    printer = Printer(notation_of(derivation.model, derivation.options))
    lines = [
        f"{printer.latex(derivation.adjoint(name).symbol)} = {printer.latex(gradient)}"
        for name, gradient in derivation.gradients.items()
    ]
    return "\n".join(lines)
