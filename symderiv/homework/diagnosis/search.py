"""The search: every repair and every other premise, alone and then in pairs, until something makes the line right."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice

# The modules of the repairs register what they hold as they are imported.
from symderiv.homework.diagnosis import factors, losses, names, products, slopes, sums  # noqa: F401
from symderiv.homework.diagnosis.repairs import PREMISES, REPAIRS, Mended
from symderiv.homework.diagnosis.scene import Scene, runs
from symderiv.homework.judging.comparing import Answer, Comparer
from symderiv.homework.judging.situation import HARMLESS
from symderiv.homework.understanding.arithmetic import Undefined
from symderiv.homework.understanding.patience import TookTooLong, at_most
from symderiv.homework.understanding.terms import Term, everything_in
from symderiv.homework.understanding.understanding import Understanding
from symderiv.homework.understanding.worlds import Misfit, Unknown
from symderiv.mistakes.codes import RANK

SECONDS_A_LINE = 0.7
MOST_OF_A_KIND = 400  # candidates of one repair
MOST_OF_A_PAIR = 40
IN_PAIRS = (
    "missing-slope",
    "missing-batch-sum",
    "missing-mean-factor",
    "repeated-mean-factor",
    "sign",
    "constant-factor",
)
UNMARKED = frozenset({"elementwise", "grouping"})  # charity that a mended line may need as any line may


@dataclass(frozen=True, slots=True)
class Cause:
    """A mistake, or several at once, that explain a line."""

    codes: tuple[str, ...]
    words: str

    @property
    def rank(self) -> tuple[int, int]:
        """Fewer mistakes first, then what is made more often."""
        return len(self.codes), min(RANK[c] for c in self.codes)


class Search:
    """Looks for what explains one false line."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.tried: set[tuple[Term, frozenset[str]]] = {(scene.right, UNMARKED)}
        self.charity = UNMARKED

    def causes(self) -> list[Cause]:
        """The causes that fit, the likeliest first; none if nothing does, or the time is over."""
        found: dict[tuple[str, ...], Cause] = {}
        with contextlib.suppress(TookTooLong), at_most(SECONDS_A_LINE):
            for self.charity in (UNMARKED, UNMARKED | {"turned"}):
                for cause in () if found else self._single():
                    found.setdefault(cause.codes, cause)
            if not found:
                for cause in islice(self._pairs(), 1):
                    found.setdefault(cause.codes, cause)
        return _telling(sorted(found.values(), key=lambda c: c.rank))

    def _single(self) -> Iterator[Cause]:
        for code, repair in REPAIRS:
            for mended in islice(repair(self.scene), MOST_OF_A_KIND):
                if self._is_right(mended.term):
                    yield Cause((self._code(mended, code),), mended.words)
                    break
        for code, premise in PREMISES:
            for other in premise(self.scene):
                if self._is_right_with(other.understanding, other.left):
                    yield Cause((other.code or code,), other.words)
                    break

    def _code(self, mended: Mended, code: str) -> str:
        """The code of a repair; a name exchanged inside a slope is a slope taken at the wrong place."""
        own = mended.code or code
        if own in ("wrong-layer", "wrong-variable") and self._mends_slope(mended.term):
            return "slope-at-wrong-argument"
        return own

    def _mends_slope(self, mended: Term) -> bool:
        known = {place.term for place in runs(self.scene.right, below=True)}
        new = (place.term for place in runs(mended, below=True) if place.term not in known)
        return any(self._holds(self._comparer, slope, part) for part in new for slope in self.scene.slopes)

    def _pairs(self) -> Iterator[Cause]:
        repairs = [(code, repair) for code, repair in REPAIRS if code in IN_PAIRS]
        for code, repair in repairs:
            for first in islice(repair(self.scene), MOST_OF_A_PAIR):
                half = replace(self.scene, right=first.term)
                for other, again in REPAIRS:
                    if other == code:
                        continue
                    for second in islice(again(half), MOST_OF_A_PAIR):
                        if self._is_right(second.term):
                            yield Cause(
                                (first.code or code, second.code or other), f"{first.words}, and {second.words}"
                            )
                            break

    def _is_right(self, term: Term) -> bool:
        if (term, self.charity) in self.tried or self.scene.left in everything_in(term):
            return False
        self.tried.add((term, self.charity))
        return self._holds(self._comparer, self.scene.left, term)

    @cached_property
    def _comparer(self) -> Comparer:
        return Comparer(self.scene.understanding, self.scene.at)

    def _is_right_with(self, understanding: Understanding, left: Term) -> bool:
        return self._holds(Comparer(understanding, self.scene.at), left, self.scene.right)

    def _holds(self, comparer: Comparer, left: Term, right: Term) -> bool:
        with contextlib.suppress(Misfit, Unknown, Undefined):
            found = comparer.compare(left, right, lenient=False)
            return found.answer is Answer.EQUAL and set(found.edits) <= self.charity | HARMLESS
        return False


# What explains a line only in the way in which another cause does already: the wider one says no more.
SAYS_NO_MORE = {
    "dropped-chain-factor": {"missing-slope", "missing-batch-sum", "missing-output-sum"},
    "other-activation": {"missing-slope", "function-for-slope", "slope-twice", "dropped-chain-factor"},
    "wrong-left-hand-side": {
        "missing-slope",
        "missing-batch-sum",
        "dropped-chain-factor",
        "sign",
        "slope-at-wrong-argument",
    },
    "wrong-variable": {"missing-batch-sum", "slope-twice", "slope-at-wrong-argument", "dropped-chain-factor"},
    "other-loss": {"missing-mean-factor", "sign"},
}


def _telling(causes: list[Cause]) -> list[Cause]:
    """The causes without those that only say another one in wider words."""
    codes = {cause.codes[0] for cause in causes if len(cause.codes) == 1}
    return [c for c in causes if len(c.codes) > 1 or not SAYS_NO_MORE.get(c.codes[0], set()) & codes]
