"""Documents as Markdown: fenced `math` blocks and dollar-backtick mathematics, which code-hosting sites render safely."""

from __future__ import annotations

import re
from collections.abc import Iterator

from symderiv.documents.content import (
    Block,
    Bullets,
    Document,
    Formula,
    Paragraph,
    Picture,
    Section,
    Table,
    WeightPath,
    aligned,
    pieces,
)


def to_markdown(document: Document) -> str:
    """The whole document."""
    lines = [f"# {_escaped(document.title)}", ""]
    if document.about:
        lines += [_inline(document.about), ""]
    for section in document.sections:
        lines += _section(section, 2)
    return "\n".join(lines).rstrip() + "\n"


def _escaped(text: str) -> str:
    """Plain text on one line, with every character that Markdown or HTML could take for its own escaped."""
    return re.sub(r"([\\`*_{}\[\]<>()#+!|$~&])", r"\\\1", " ".join(text.split()))


def _section(section: Section, level: int) -> Iterator[str]:
    yield from (f"{'#' * level} {_inline(section.title)}", "")
    for block in section.blocks:
        yield from _block(block)
    for inner in section.sections:
        yield from _section(inner, level + 1)


def _block(block: Block) -> Iterator[str]:
    match block:
        case Paragraph(text):
            yield from (_inline(text), "")
        case Bullets(items):
            yield from (f"- {_inline(item)}" for item in items)
            yield ""
        case Formula():
            yield from ("```math", r"\begin{aligned}", *aligned(block), r"\end{aligned}", "```", "")
        case Table(header, rows):
            yield f"| {' | '.join(map(_cell, header))} |"
            yield f"|{'---|' * len(header)}"
            yield from (f"| {' | '.join(map(_cell, row))} |" for row in rows)
            yield ""
        case WeightPath(typical=True):
            yield from (f"**The weight $`{block.name}`$**", "")
            for inner in block.blocks:
                yield from _block(inner)
        case Picture() | WeightPath():
            return


def _cell(text: str) -> str:
    return _inline(text).replace("|", r"\|")


def _inline(text: str) -> str:
    out = []
    for kind, content in pieces(text):
        out.append(f"$`{content.strip()}`$" if kind == "math" else f"*{content}*" if kind == "emphasis" else content)
    return "".join(out)
