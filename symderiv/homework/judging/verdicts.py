"""What judging passes around: the left side that is spoken about, a verdict, the writer's own false values."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from symderiv.homework.marking import Claim
from symderiv.homework.reading import formulas as f
from symderiv.homework.reading.plainly import to_text
from symderiv.homework.reading.statements import Side, Statement
from symderiv.homework.understanding.arithmetic import Array
from symderiv.homework.understanding.patience import TookTooLong
from symderiv.homework.understanding.symbols import Reference
from symderiv.homework.understanding.terms import Term
from symderiv.homework.understanding.worlds import Value

# What a fault of ours looks like: the one net of a line, and that of the document, hold these.
FAULTS = (
    ArithmeticError,
    LookupError,
    TypeError,
    ValueError,
    AssertionError,
    AttributeError,
    RecursionError,
    MemoryError,
)

PREMISE = "a premise"
RIGHT_IF = "right if"  # how what is decided up to a condition begins
RESTATED = "a new premise: it differs from an earlier line"
LOG = logging.getLogger(__name__)


@contextmanager
def nothing_lost() -> Iterator[None]:
    """A fault of ours inside costs only what is worked out inside, and is told to whoever listens to the log."""
    try:
        yield
    except FAULTS:
        LOG.debug("a fault of symderiv, which cost a line its explanation", exc_info=True)


def reason_of(error: Exception, otherwise: str) -> str:
    """Why something has no verdict, in words."""
    if isinstance(error, TookTooLong):
        return str(error)
    LOG.debug(otherwise, exc_info=error)
    if isinstance(error, (RecursionError, MemoryError)):
        return "nested too deeply"
    return f"{otherwise} ({type(error).__name__})"


def unjudged(text: str, statement: Statement, reason: str) -> Iterator[Claim]:
    """The claims of a statement that cannot be judged, each with the reason."""
    before = statement.span[0]
    for side in statement.sides[0 if statement.is_continued else 1 :]:
        span = before, side.span[1]
        line, source = text.count("\n", 0, before) + 1, text[span[0] : span[1]].strip()
        yield Claim(line, span, source, "prose", to_text(side.node), "uncheckable", reason)
        before = side.span[1]


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


@dataclass(frozen=True)
class FalseNumber:
    """A printed number that is not the value: within which halves of units it was meant, and whether the side before it gives it."""

    left: Term
    value: Array
    half: Array
    truth: Array
    follows: bool | None  # from the numbers before it; None if there are none
    updated: bool = False


@dataclass(frozen=True)
class OpenLine:
    """A claim about a loss that nobody defined: its place among the claims, its statement, what is compared."""

    claim: int
    at: int
    sides: tuple[Term, Term] | None
    number: FalseNumber | None


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
    sides: tuple[Term, Term] | None = None  # of a false relation, as they were compared: what is diagnosed
    number: FalseNumber | None = None
    at: int = 0  # the number of its statement
