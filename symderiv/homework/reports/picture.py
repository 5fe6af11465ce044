"""A marking as a small SVG picture: what was found, with the lines before it, to put into a text about the homework.

It shows the source as it was written, a sign for every verdict, and under what is not right the reason and the mistake.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from xml.sax.saxutils import escape

from symderiv.calculus.formats import writer
from symderiv.homework.marking import Marking
from symderiv.homework.reports.layout import (
    SEVERITY,
    SIGNS,
    WORDS,
    harmless,
    line_starts,
    named_mistakes,
    reading_order,
    summary_line,
)

BEFORE, AFTER, MOST_LINES = 4, 1, 30
"""Lines with claims that are shown before and after one that is not right, and of all."""
WIDTH, COLUMNS, HEIGHT, INDENT = 860, 92, 26, 56
STYLE = (
    "text{font:14px ui-monospace,'DejaVu Sans Mono',monospace;fill:#1d232b}.s{fill:#59636e;font-size:12px}.n{font-weight:bold}"
    ".b{fill:#fff}.r{font:14px system-ui,'DejaVu Sans',sans-serif}.correct{fill:#1a6b35}.notation{fill:#1d4f9c}.wrong{fill:#a4240f}"
    ".carried{fill:#7a4d00}.uncheckable{fill:#5b3f86}.w{fill:#fcdcd6}.c{fill:#fcebc4}.u{fill:#ebe6f2}"
    "@media(prefers-color-scheme:dark){text{fill:#e4e7ea}.b{fill:#15191e}.s{fill:#a3adb8}.correct{fill:#7fd69a}.notation{fill:#92bdf8}"
    ".wrong{fill:#ff9d8a}.carried{fill:#f1c35f}.uncheckable{fill:#c6aef0}.w{fill:#4a1d17}.c{fill:#41310c}.u{fill:#302742}}"
)
BACK = {"wrong": "w", "carried": "c", "uncheckable": "u"}


@writer(Marking, "svg")
def to_svg(marking: Marking) -> str:
    """The lines around what is not right, with their verdicts, as an SVG element with a title."""
    rows = list(_rows(marking))
    height = HEIGHT * (len(rows) + 1) + 24
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img" '
        f'aria-labelledby="t"><title id="t">{escape(f"{harmless(marking.document)}, marked: {summary_line(marking.summary)}")}</title>',
        f'<style>{STYLE}</style><rect class="b" width="{WIDTH}" height="{height}" rx="6"/>',
    ]
    for k, (back, body) in enumerate(rows):
        y = 12 + HEIGHT * k
        if back:
            parts.append(f'<rect class="{back}" x="0" y="{y}" width="{WIDTH}" height="{HEIGHT}"/>')
        parts.append(body.format(y=y + 18))
    y = 12 + HEIGHT * len(rows) + 18
    parts.append(f'<text class="s" x="{INDENT}" y="{y}">{escape(summary_line(marking.summary))}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def _rows(marking: Marking) -> Iterator[tuple[str, str]]:
    """Each row: the class behind it, and its text, in which {y} is where it stands."""
    starts = line_starts(marking.text)
    by_line: dict[int, list[int]] = {}
    claims = reading_order(marking.claims)
    for k, claim in enumerate(claims):
        by_line.setdefault(claim.line, []).append(k)
    for line in _shown(by_line, [c.line for c in claims if c.verdict in BACK]):
        own = [claims[k] for k in by_line[line]]
        worst = max(own, key=lambda c: SEVERITY.get(c.verdict, 0))
        end = starts[line] - 1 if line < len(starts) else len(marking.text)
        source = textwrap.shorten(harmless(marking.text[starts[line - 1] : end]), COLUMNS, placeholder=" …")
        yield (
            BACK.get(worst.verdict, ""),
            (
                f'<text class="s" x="8" y="{{y}}">{line}</text>'
                f'<text class="n {worst.verdict}" x="34" y="{{y}}">{SIGNS[worst.verdict]}</text>'
                f'<text x="{INDENT}" y="{{y}}">{_escaped(source)}</text>'
            ),
        )
        if worst.verdict in BACK:
            told = f"{WORDS[worst.verdict]}: {worst.message}" if worst.message else WORDS[worst.verdict]
            told += "".join(f" ({code})" for code in named_mistakes(worst)[:1])
            for text in textwrap.wrap(harmless(told), COLUMNS):
                yield (
                    BACK[worst.verdict],
                    f'<text class="r {worst.verdict}" x="{INDENT}" y="{{y}}">{_escaped(text)}</text>',
                )


def _shown(by_line: dict[int, list[int]], faults: list[int]) -> list[int]:
    """The lines with claims around the faults; the first ones where there are none."""
    lines = sorted(by_line)
    near = {k for fault in faults for at in [lines.index(fault)] for k in range(at - BEFORE, at + AFTER + 1)}
    chosen = [lines[k] for k in sorted(near) if 0 <= k < len(lines)] or lines
    return chosen[:MOST_LINES]


def _escaped(text: str) -> str:
    """For SVG, and for the one field that is filled in afterwards."""
    return escape(text).replace("{", "{{").replace("}", "}}")
