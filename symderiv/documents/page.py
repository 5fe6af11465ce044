"""Documents as one self-contained HTML page: MathML, no request to anywhere, a policy that allows only its own script."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from zlib import crc32

from symderiv.calculus.derivation import Derivation
from symderiv.documents.content import Document, Formula, Picture
from symderiv.documents.fragments import scoped
from symderiv.documents.frame import environment, numbers, render
from symderiv.documents.latex import Printer
from symderiv.documents.notation import notation_of
from symderiv.documents.outline import CLICK

_FOR_THE_SCRIPT = re.compile(r' data-(?:latex|numpy)="[^"]*"')
"""What a page keeps beside each formula for its buttons that copy it; a notebook has none."""


def to_page(document: Document, links: tuple[tuple[str, str], ...] = ()) -> str:
    """The document as a page; `links` are (file, text) of the same document in other formats."""
    return render("document.html.j2", document=document, links=links)


@dataclass(frozen=True)
class IndexEntry:
    """One document on a page that leads to several: its files by format, and a formula that says what it is about."""

    title: str
    about: str
    files: dict[str, str]
    formula: Formula | None = None

    @property
    def links(self) -> tuple[tuple[str, str], ...]:
        """The files, each with what it is called."""
        return tuple((file, format) for format, file in self.files.items())


@dataclass(frozen=True)
class IndexGroup:
    """Documents of one kind on a page that leads to several."""

    title: str
    about: str
    entries: Sequence[IndexEntry]

    @property
    def key(self) -> str:
        """Its anchor."""
        return self.title.lower().replace(" ", "-")


def index_page(title: str, about: str, groups: Sequence[IndexGroup]) -> str:
    """A page that leads to several documents."""
    return render("index.html.j2", title=title, about=about, groups=groups)


def loss_formula(derivation: Derivation) -> Formula:
    """The loss of a derivation, as the formula of its entry."""
    printer = Printer(notation_of(derivation.model, derivation.options))
    loss = derivation.model.loss
    return Formula(((printer.latex(loss.symbol), printer.latex(loss.value), ""),))


def to_fragment(document: Document) -> str:
    """The document without page around it, for a notebook: static, its weights under each other."""
    template = environment().get_template("fragment.html.j2")
    shown = _static(document)
    number, own = numbers(), f"{crc32(repr(shown).encode()):08x}"  # ids that no other output of the notebook has
    html = template.render(document=shown, style=scoped(), fresh=lambda: f"{own}-{number()}")
    return _FOR_THE_SCRIPT.sub("", html)


def _static(part: Any) -> Any:
    """A document, section or block as it can be without a script, beside others like it.

    Pictures do not ask to be clicked, and there are no links to other views: another output may have the same anchors.
    """
    changed: dict[str, Any] = {"also": ()} if getattr(part, "also", ()) else {}
    for inner in ("sections", "blocks"):
        if hasattr(part, inner):
            changed[inner] = tuple(map(_static, getattr(part, inner)))
    if isinstance(part, Picture) and part.clickable:
        changed |= {"caption": part.caption.removesuffix(CLICK).rstrip(), "clickable": False}
    return replace(part, **changed) if changed else part
