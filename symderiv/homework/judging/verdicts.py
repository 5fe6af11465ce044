"""What judging passes around: the left side that is spoken about, a verdict, the writer's own false values."""

from __future__ import annotations

from dataclasses import dataclass, field

from symderiv.homework.reading import formulas as f
from symderiv.homework.reading.statements import Side
from symderiv.homework.understanding.symbols import Reference
from symderiv.homework.understanding.terms import Term
from symderiv.homework.understanding.worlds import Value


@dataclass
class Subject:
    """The left side that is being spoken about: its tree, its term, its place."""

    side: Side
    term: Term | None
    reference: Reference | None
    reason: str = ""
    false_since: int | None = None  # the line of the first false side of the chain
    sides: list[tuple[f.Node, Term]] = field(default_factory=list)  # what was already said to be equal to it


@dataclass
class Own:
    """The writer's own value of a derivative, where it is false."""

    term: Term
    bottom: str
    value: Value
    line: int


@dataclass
class Verdict:
    """What was decided about one relation."""

    verdict: str
    kind: str
    message: str = ""
    reading: str = ""
    mistakes: tuple[str, ...] = ()
    root: int | None = None
    expected: str = ""
