"""What a document consists of, before it becomes HTML, LaTeX or Markdown.

Running text is a plain string in which `$...$` is mathematics in LaTeX and `*...*` is emphasis. Everything that came
from a user stands inside mathematics and has been through the notation, so text is ours and mathematics is generated.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

Links = tuple[tuple[str, str], ...]
"""Places of the same document: their anchors, and what they are in a word or two."""


@dataclass(frozen=True)
class Paragraph:
    """Running text."""

    text: str


@dataclass(frozen=True)
class Quantity:
    """A named quantity of a formula: its name in LaTeX, its shape as running text, and both in words."""

    name: str
    shape: str
    spoken: str


@dataclass(frozen=True)
class Formula:
    """A displayed formula; `lines` are (left side, right side, reason), where an empty left side continues.

    What pages show beside it, and other formats leave out: key, its anchor; quantities, whose shapes are told; numpy, the
    same as Python to be copied; also, links to other views of what it is about.
    """

    lines: tuple[tuple[str, str, str], ...]
    result: bool = False
    relation: str = "="
    key: str = ""
    quantities: tuple[Quantity, ...] = ()
    numpy: str = ""
    also: Links = ()


@dataclass(frozen=True)
class Bullets:
    """A list of short texts; `plain`: they have marks of their own, such as (a)."""

    items: tuple[str, ...]
    plain: bool = False


@dataclass(frozen=True)
class Table:
    """Cells of running text under a header."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Picture:
    """The network, or a computation graph; only formats that can show SVG do.

    spoken: what it is, in words; clickable: it has weights whose paths are shown beside it.
    """

    svg: str
    caption: str
    spoken: str = "network"
    clickable: bool = True


@dataclass(frozen=True)
class WeightPath:
    """The paths of one weight: its key in the picture, how it is written and spoken, and the blocks that explain it.

    chosen: it is shown open; typical: formats that cannot be clicked show it too, and not the others; also: links to other
    views of the parameter.
    """

    key: str
    name: str
    spoken: str
    blocks: tuple[Block, ...]
    chosen: bool = False
    typical: bool = False
    also: Links = ()


@dataclass(frozen=True)
class Section:
    """A heading with its blocks and sections.

    key: its anchor; spoken: its title in words where that is a formula; also: links to other views of what it is about.
    """

    title: str
    key: str
    blocks: tuple[Block, ...] = ()
    sections: tuple[Section, ...] = ()
    spoken: str = ""
    also: Links = ()


Block = Paragraph | Formula | Bullets | Table | Picture | WeightPath


@dataclass(frozen=True)
class Document:
    """A whole document. Its title may come from a user: it is plain text, without mathematics or emphasis."""

    title: str
    about: str
    sections: tuple[Section, ...] = field(default_factory=tuple)


def pieces(text: str) -> Iterator[tuple[str, str]]:
    """The pieces of running text: ('text' | 'math' | 'emphasis', content)."""
    for part in re.split(r"(\$[^$]*\$)", text):
        if part.startswith("$"):
            yield "math", part[1:-1]
            continue
        for small in re.split(r"(\*[^*]+\*)", part):
            if small.startswith("*") and len(small) > 2:
                yield "emphasis", small[1:-1]
            elif small:
                yield "text", small


def aligned(formula: Formula, end: str = r" \\") -> Iterator[str]:
    """The lines of a formula for an `aligned` environment: relation signs and reasons under each other."""
    for k, (left, right, reason) in enumerate(formula.lines):
        note = rf" && {text_in_math(reason)}" if reason else ""
        yield f"{left} &{formula.relation} {right}{note}" + (end if k < len(formula.lines) - 1 else "")


def text_in_math(reason: str) -> str:
    r"""A reason, which may hold mathematics, as `\text{...}` inside a formula."""
    return " ".join(content if kind == "math" else rf"\text{{{content}}}" for kind, content in pieces(reason))
