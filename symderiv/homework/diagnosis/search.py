"""The search: every repair and every other premise, alone and then in pairs, until something makes the line right."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice

# The modules of the repairs register what they hold as they are imported.
from symderiv.homework.diagnosis import factors, losses, names, products, slopes, sums  # noqa: F401
from symderiv.homework.diagnosis.repairs import PREMISES, REPAIRS
from symderiv.homework.diagnosis.scene import Scene
from symderiv.homework.judging.comparing import Answer, Comparer
from symderiv.homework.judging.situation import HARMLESS
from symderiv.homework.understanding.arithmetic import Undefined
from symderiv.homework.understanding.patience import TookTooLong, at_most
from symderiv.homework.understanding.terms import Term
from symderiv.homework.understanding.understanding import Understanding
from symderiv.homework.understanding.worlds import Misfit, Unknown
from symderiv.mistakes.codes import RANK

SECONDS_A_LINE = 1.5
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
        self.tried: set[Term] = {scene.right}

    def causes(self) -> list[Cause]:
        """The causes that fit, the likeliest first; none if nothing does, or the time is over."""
        found: dict[tuple[str, ...], Cause] = {}
        with contextlib.suppress(TookTooLong), at_most(SECONDS_A_LINE):
            for cause in self._single():
                found.setdefault(cause.codes, cause)
            if not found:
                for cause in islice(self._pairs(), 1):
                    found.setdefault(cause.codes, cause)
        return sorted(found.values(), key=lambda c: c.rank)

    def _single(self) -> Iterator[Cause]:
        for code, repair in REPAIRS:
            for mended in islice(repair(self.scene), MOST_OF_A_KIND):
                if self._is_right(mended.term):
                    yield Cause((mended.code or code,), mended.words)
                    break
        for code, premise in PREMISES:
            for other in premise(self.scene):
                if self._is_right_with(other.understanding, other.left):
                    yield Cause((other.code or code,), other.words)
                    break

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
        if term in self.tried:
            return False
        self.tried.add(term)
        return self._holds(self._comparer, self.scene.left, term)

    @cached_property
    def _comparer(self) -> Comparer:
        return Comparer(self.scene.understanding, self.scene.at)

    def _is_right_with(self, understanding: Understanding, left: Term) -> bool:
        return self._holds(Comparer(understanding, self.scene.at), left, self.scene.right)

    @staticmethod
    def _holds(comparer: Comparer, left: Term, right: Term) -> bool:
        with contextlib.suppress(Misfit, Unknown, Undefined):
            found = comparer.compare(left, right, lenient=False)
            return found.answer is Answer.EQUAL and set(found.edits) <= UNMARKED | HARMLESS
        return False
