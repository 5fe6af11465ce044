"""Documents as one self-contained HTML page: MathML, no request to anywhere, a policy that allows only its own script."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from symderiv.calculus.derivation import Derivation
from symderiv.documents.content import Document, Picture, Section
from symderiv.documents.fragments import scoped
from symderiv.documents.frame import environment, render
from symderiv.documents.latex import Printer
from symderiv.documents.notation import notation_of
from symderiv.documents.outline import CLICK


def to_page(document: Document, links: tuple[tuple[str, str], ...] = ()) -> str:
    """The document as a page; `links` are (file, text) of the same document in other formats."""
    return render("document.html.j2", document=document, links=links)


@dataclass(frozen=True)
class IndexEntry:
    """One document on a page that leads to several: its files by format, and a formula that says what it is about."""

    document: Document
    files: dict[str, str]
    formula: str = ""


def index_page(title: str, about: str, entries: Sequence[IndexEntry]) -> str:
    """A page that leads to several documents."""
    return render("index.html.j2", title=title, about=about, entries=entries)


def loss_formula(derivation: Derivation) -> str:
    """The loss of a derivation, as the formula of its entry."""
    printer = Printer(notation_of(derivation.model, derivation.options))
    loss = derivation.model.loss
    return f"{printer.latex(loss.symbol)} = {printer.latex(loss.value)}"


def to_fragment(document: Document) -> str:
    """The document without page around it, for a notebook: static, its weights under each other."""
    return environment().get_template("fragment.html.j2").render(document=_static(document), style=scoped())


def _static(part: Any) -> Any:
    """A document, section or block whose pictures do not ask to be clicked: without a script nothing would happen."""
    if isinstance(part, Document | Section):
        changed: dict[str, Any] = {"sections": tuple(map(_static, part.sections))}
        if isinstance(part, Section):
            changed["blocks"] = tuple(map(_static, part.blocks))
        return replace(part, **changed)
    if isinstance(part, Picture) and part.clickable:
        return replace(part, caption=part.caption.removesuffix(CLICK).rstrip(), clickable=False)
    return part
