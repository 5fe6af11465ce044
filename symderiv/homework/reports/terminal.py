"""A marking as text for a terminal: what was understood, the claims that are not simply right, notes, one line of counts.

Colours are ANSI codes of ours and only where asked for; the text of the document can bring none (see `layout`).
"""

from __future__ import annotations

import textwrap
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from functools import lru_cache

from symderiv.calculus.formats import writer
from symderiv.homework.marking import Claim, Marking
from symderiv.homework.reports.layout import (
    SIGNS,
    WORDS,
    advice_told,
    harmless,
    line_starts,
    mistakes_told,
    reading_order,
    shown,
    span_in,
    summary_line,
)

WIDTH = 96
NARROWEST = 40
MAX_ROWS = 8
"""Rows of source shown of one claim; more than a screen of it would help nobody."""
COLOURS = {"correct": "32", "notation": "36", "wrong": "1;31", "carried": "33", "uncheckable": "35", "bold": "1"}


@writer(Marking, "text")
def to_text(marking: Marking, *, every: bool = False, width: int = WIDTH, colour: bool = False) -> str:
    """The report. every: right claims too; width: columns."""
    width = max(width, NARROWEST)
    blocks = [understood(marking, width=width, colour=colour)]
    blocks.append(details(marking, every=every, width=width, colour=colour))
    blocks.append(notes(marking, width=width, colour=colour))
    blocks.append(textwrap.fill(summary_line(marking.summary), width))
    return "\n\n".join(block for block in blocks if block) + "\n"


def understood(marking: Marking, *, width: int = WIDTH, colour: bool = False) -> str:
    """What the verdicts rest on: the network, its shapes, and what was taken for granted."""
    network, width = marking.understood, max(width, NARROWEST)
    where = "What was understood" if network.inferred else "The model that it was marked against"
    lines = [_painted(where, "bold", colour)]
    for equation in network.equations:
        lines += _wrapped(equation, "  ", "      ", width)
    if not network.equations:
        lines.append("  no equation of a network")
    if network.shapes:
        shapes = "; ".join(f"{name}: {shape}" for name, shape in network.shapes.items())
        lines += _wrapped(f"shapes: {shapes}", "  ", "    ", width)
    for assumption in network.assumptions:
        lines += _wrapped(f"assumed: {assumption}", "  ", "    ", width)
    return "\n".join(lines)


def details(marking: Marking, *, every: bool = False, width: int = WIDTH, colour: bool = False) -> str:
    """Every claim that is not simply right, or every one: what it says, its verdict and why."""
    width = max(width, NARROWEST)
    starts = line_starts(marking.text)
    return "\n\n".join(
        "\n".join(_claim(marking.text, starts, claim, width, colour))
        for claim in reading_order(marking.claims)
        if every or claim.verdict != "correct"
    )


def notes(marking: Marking, *, width: int = WIDTH, colour: bool = False) -> str:
    """What was repaired and what could not be read, a line each."""
    if not marking.notes:
        return ""
    lines = [_painted("What was repaired, or could not be read", "bold", colour)]
    for line, text in marking.notes:
        lines += _wrapped(f"line {line}: {text}", "  ", "    ", max(width, NARROWEST))
    return "\n".join(lines)


def _painted(text: str, name: str, colour: bool) -> str:
    return f"\x1b[{COLOURS.get(name, '1')}m{text}\x1b[0m" if colour else text


def _wrapped(text: object, first: str, rest: str, width: int) -> list[str]:
    return textwrap.wrap(
        harmless(text), width, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False
    ) or [first.rstrip()]


def _claim(text: str, starts: list[int], claim: Claim, width: int, colour: bool) -> Iterator[str]:
    """The lines about one claim: verdict, the source with the claim underlined, and why."""
    verdict = f"{SIGNS.get(claim.verdict, '?')} {WORDS.get(claim.verdict, harmless(claim.verdict))}"
    yield f"line {claim.line}  {_painted(verdict, claim.verdict, colour)}  ({harmless(claim.kind)})"
    for source, underline in _excerpt(text, starts, claim, width - 4):
        yield f"    {source}".rstrip()
        if underline:
            yield f"    {_painted(underline, claim.verdict, colour)}"
    told = [("read as", claim.reading), ("reason", claim.message), ("expected", claim.expected)]
    if claim.root_line is not None:
        told.append(("follows", f"from line {claim.root_line}, where it is charged"))
    told += [("mistake", mistakes_told(claim)), ("remember", advice_told(claim))]
    for name, content in told:
        if content:
            yield from _wrapped(content, f"  {name:<9} ", " " * 12, width)


def _excerpt(text: str, starts: list[int], claim: Claim, width: int) -> list[tuple[str, str]]:
    """The lines of the source that the claim touches, wrapped, each with the marks under it."""
    start, end = span_in(text, claim)
    if start == end:
        if not 1 <= claim.line <= len(starts):
            return []
        start = starts[claim.line - 1]
        end = starts[claim.line] - 1 if claim.line < len(starts) else len(text)
    rows: list[tuple[str, str]] = []
    for number in range(bisect_right(starts, start) - 1, bisect_right(starts, max(start, end - 1))):
        last = starts[number + 1] - 1 if number + 1 < len(starts) else len(text)
        rows += _rows(text, (starts[number], last), (start, end), width)
        if len(rows) > MAX_ROWS:
            return [*rows[:MAX_ROWS], ("…", "")]
    return rows


def _rows(text: str, line: tuple[int, int], span: tuple[int, int], width: int) -> list[tuple[str, str]]:
    """One line in rows of the width, those of them that the span touches."""
    begins = _row_starts(text, *line, width)
    first = max(bisect_right(begins, span[0]) - 1, 0)
    rows: list[tuple[str, str]] = []
    for k in range(first, bisect_left(begins, span[1])):
        begin, end = begins[k], begins[k + 1] if k + 1 < len(begins) else line[1]
        parts = [(shown(text[at]), span[0] <= at < span[1]) for at in range(begin, end)]
        marks = "".join(("^" if inside else " ") * columns_of(part) for part, inside in parts)
        rows.append(("".join(part for part, _ in parts), marks.rstrip()))
    return [(row, marks) for row, marks in rows if marks]


@lru_cache(maxsize=4)  # a line of many claims is laid out once
def _row_starts(text: str, start: int, end: int, width: int) -> tuple[int, ...]:
    """Where the rows of a line begin."""
    starts, columns = [start], 0
    for at in range(start, end):
        size = columns_of(shown(text[at]))
        if columns + size > width:
            starts.append(at)
            columns = 0
        columns += size
    return tuple(starts)


def columns_of(text: str) -> int:
    """How many columns of a terminal it takes: none for an accent, two for a wide character."""
    return sum(
        0
        if unicodedata.combining(c) or unicodedata.category(c) == "Me"
        else 2
        if unicodedata.east_asian_width(c) in "WF"
        else 1
        for c in text
    )
