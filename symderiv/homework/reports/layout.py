"""What both reports share: signs and words of the verdicts, harmless text, and a document cut into pieces under its claims.

Text of students goes to terminals and browsers: what has no glyph, moves the cursor or turns the direction of writing is
shown as what it is (`␛`, `⟨U+202E⟩`) and does nothing.
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise

from symderiv.homework.marking import VERDICTS, Claim, Marking
from symderiv.mistakes.codes import BY_CODE, title_of

SIGNS = {"correct": "✓", "notation": "≈", "wrong": "✗", "carried": "→", "uncheckable": "?"}
WORDS = {
    "correct": "correct",
    "notation": "up to notation",
    "wrong": "wrong",
    "carried": "carried",
    "uncheckable": "not decidable",
}
SEVERITY = {verdict: k for k, verdict in enumerate(("correct", "notation", "uncheckable", "carried", "wrong"))}


MOST_LINES = 20_000
FIRST_LINES = 2_000


@lru_cache(maxsize=4096)
def shown(character: str) -> str:
    """One character as it may be shown: itself, a space for every kind of space, else its name or code point."""
    if character.isprintable():
        return character
    code = ord(character)
    if character in "\t\n" or unicodedata.category(character) == "Zs":
        return " "
    if character == "\ufeff":  # a byte order mark, which nobody wrote
        return ""
    if code < 32:
        return chr(0x2400 + code)
    return "␡" if code == 127 else f"⟨U+{code:04X}⟩"


def harmless(text: object) -> str:
    """Text on one line, every character as it may be shown."""
    return "".join(map(shown, " ".join(str(text).split("\n"))))


def named_mistakes(claim: Claim) -> list[str]:
    """The mistakes of a claim that have a name."""
    return [mistake for mistake in claim.mistakes if mistake != "unrecognised"]


def mistakes_told(claim: Claim) -> str:
    """The mistakes of a claim in words, each with its code; several are what may have been, the likeliest first."""
    return " · ".join(f"{title_of(code)} ({code})" if code in BY_CODE else code for code in named_mistakes(claim))


def advice_told(claim: Claim) -> str:
    """What to tell whoever made the likeliest mistake of a claim."""
    codes = [code for code in named_mistakes(claim) if code in BY_CODE]
    return BY_CODE[codes[0]].advice if codes and claim.verdict == "wrong" else ""


def counted(number: int, noun: str) -> str:
    """A number with its noun: 1 claim, 2 claims."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def summary_line(summary: dict[str, int]) -> str:
    """`27 correct, 1 up to notation, 4 wrong, 0 carried, 1 not decidable`."""
    if not any(summary.values()):
        return "nothing in it was recognised as a claim"
    return ", ".join(f"{summary[verdict]} {WORDS[verdict]}" for verdict in VERDICTS)


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a line: its offsets, the verdict that it is coloured with, and the numbers of the claims that begin here."""

    start: int
    end: int
    verdict: str = ""
    opening: tuple[int, ...] = ()


@dataclass(slots=True)
class Line:
    """A line of the document: its number, offsets, pieces, and the numbers of the claims that are told beside it."""

    number: int
    start: int
    end: int
    pieces: list[Piece] = field(default_factory=list)
    claims: list[int] = field(default_factory=list)


def line_starts(text: str) -> list[int]:
    """The offset of every line. Only a line feed ends one, as in a file that Python reads."""
    starts = [0]
    while (at := text.find("\n", starts[-1])) >= 0:
        starts.append(at + 1)
    return starts


def span_in(text: str, claim: Claim) -> tuple[int, int]:
    """The span of a claim, within the text whatever it says."""
    start, end = (min(max(0, at), len(text)) for at in claim.span)
    return start, max(start, end)


def cut(marking: Marking) -> list[Line]:
    """The document in lines and pieces; of a huge one its beginning and the lines around claims.

    Where claims overlap, the innermost one colours: a span around another yields to it; of others, the worst.
    """
    text = marking.text
    starts = line_starts(text)
    spans = [span_in(text, claim) for claim in marking.claims]
    over: dict[int, list[int]] = {}
    beside: dict[int, list[int]] = {}
    for k, (start, end) in enumerate(spans):
        first = bisect_right(starts, start) - 1
        last = bisect_right(starts, max(start, end - 1)) - 1
        if end > start:
            for touched in range(first, last + 1):
                over.setdefault(touched, []).append(k)
        else:
            first = min(max(marking.claims[k].line, 1), len(starts)) - 1
        beside.setdefault(first, []).append(k)
    lines = []
    for k in _shown(len(starts), {*over, *beside}):
        end = starts[k + 1] - 1 if k + 1 < len(starts) else len(text)
        line = Line(k + 1, starts[k], end, claims=sorted(beside.get(k, []), key=lambda c: (spans[c][0], -spans[c][1])))
        line.pieces = _pieces(line, over.get(k, []), spans, marking.claims)
        lines.append(line)
    return lines


def _shown(count: int, touched: set[int]) -> Iterable[int]:
    """Which lines: all, or where there are more than anybody reads the first and those near a claim."""
    if count <= MOST_LINES:
        return range(count)
    near = {line for k in touched for line in range(max(k - 3, 0), min(k + 4, count))}
    return sorted(near | set(range(FIRST_LINES)))


def left_out(marking: Marking, lines: list[Line]) -> list[tuple[int, str]]:
    """A note where lines are not shown."""
    missing = marking.text.count("\n") + 1 - len(lines)
    return [(lines[-1].number, f"{missing:,} lines without claims are not shown")] if missing > 1 else []


def _pieces(line: Line, over: list[int], spans: list[tuple[int, int]], claims: tuple[Claim, ...]) -> list[Piece]:
    """The line cut wherever a claim begins or ends, from left to right with the claims that are open."""
    begins: dict[int, list[int]] = {}
    ends: dict[int, list[int]] = {}
    for k in over:
        begins.setdefault(max(spans[k][0], line.start), []).append(k)
        ends.setdefault(min(spans[k][1], line.end), []).append(k)
    pieces = []
    active: dict[int, None] = {}
    for start, end in pairwise(sorted({line.start, line.end, *begins, *ends})):
        for k in ends.get(start, ()):
            active.pop(k, None)
        active.update(dict.fromkeys(begins.get(start, ())))
        inner = [k for k in active if not any(_is_inside(spans[j], spans[k]) for j in active)]
        verdict = max((claims[k].verdict for k in inner), key=lambda v: SEVERITY.get(v, 0), default="")
        opening = sorted((k for k in begins.get(start, ()) if spans[k][0] == start), key=lambda k: -spans[k][1])
        pieces.append(Piece(start, end, verdict, tuple(opening)))
    return pieces


def _is_inside(inner: tuple[int, int], outer: tuple[int, int]) -> bool:
    return inner != outer and outer[0] <= inner[0] and inner[1] <= outer[1]


def reading_order(claims: Iterable[Claim]) -> list[Claim]:
    """The claims as they stand in the document."""
    return sorted(claims, key=lambda claim: (claim.span[0], -claim.span[1], claim.line))
