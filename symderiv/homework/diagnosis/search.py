"""The search: every repair and every other premise, alone and then in pairs, until something makes the line right."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice

# The modules of the repairs register what they hold as they are imported.
from symderiv.homework.diagnosis import factors, losses, names, products, slopes, sums  # noqa: F401
from symderiv.homework.diagnosis.repairs import PREMISES, REPAIRS, Mended, Repair
from symderiv.homework.diagnosis.scene import Scene, runs
from symderiv.homework.diagnosis.sums import summed_over_units
from symderiv.homework.diagnosis.terms_said import said
from symderiv.homework.judging.chains import Chains
from symderiv.homework.judging.comparing import Answer, Comparer
from symderiv.homework.judging.own_lines import OwnLines
from symderiv.homework.judging.situation import HARMLESS
from symderiv.homework.understanding.arithmetic import Undefined
from symderiv.homework.understanding.patience import TookTooLong, at_most
from symderiv.homework.understanding.terms import Jacobian, Part, Sloppy, Term, everything_in, references_in
from symderiv.homework.understanding.worlds import Misfit, Unknown
from symderiv.mistakes.codes import RANK, title_of

SECONDS_A_LINE = 3.0  # a net: what ends a search is the number of tries, which is the same on every machine
MOST_SINGLE = 1000
MOST_TRIED = 1200  # for one line
MOST_IN_ALL = 4000  # for one document: where nothing explains it, its other lines get only
LEAST_TRIED = 400
READINGS_A_TRY = 4  # what can be read in many ways takes longer
PARTS_A_TRY = 40  # and so does what is very long
BRACKETS_A_TRY = 1000  # ways to put brackets into products: those of ten factors are as many
MOST_OF_A_KIND = 400  # candidates of one repair
MOST_OF_A_PAIR = 40
MOST_BESIDE = 12
IN_PAIRS = (
    "missing-slope",
    "missing-batch-sum",
    "missing-mean-factor",
    "repeated-mean-factor",
    "sign",
    "constant-factor",
)
UNMARKED = frozenset({"elementwise", "grouping"}) | HARMLESS  # charity that a mended line may need as any line may
TOO_MUCH = frozenset({"formal", "index"})
TURNED = UNMARKED | {"turned"}  # more than that: taken only where nothing else explains the line

# What explains a line only in the way in which another cause does already: the wider one says no more.
SAYS_NO_MORE = {
    "dropped-chain-factor": {"missing-slope", "missing-batch-sum", "missing-output-sum", "other-activation"},
    "other-activation": {"missing-slope", "function-for-slope", "slope-twice"},
    "wrong-left-hand-side": {
        "missing-slope", "missing-batch-sum", "dropped-chain-factor", "sign", "slope-at-wrong-argument",
    },
    "wrong-variable": {
        "missing-batch-sum", "summed-over-everything", "slope-twice", "slope-at-wrong-argument", "dropped-chain-factor",
    },
    "other-loss": {"missing-mean-factor", "sign"},
    "missing-output-sum": {"missing-penalty"},
}  # fmt: skip
WIDE = frozenset(SAYS_NO_MORE) - {"missing-output-sum"}


@dataclass(frozen=True, slots=True)
class Cause:
    """A mistake, or several at once, that explain a line. mended: what would be right in its place, if that was found."""

    codes: tuple[str, ...]
    words: str
    mended: str = ""

    @property
    def rank(self) -> tuple[int, int]:
        """Fewer mistakes first, then what is made more often."""
        return len(self.codes), min(RANK[c] for c in self.codes)


@dataclass
class Budget:
    """How many tries a document has left."""

    tries: int = MOST_IN_ALL


class Search:
    """Looks for what explains one false line."""

    def __init__(self, scene: Scene, own_lines: OwnLines | None = None, budget: Budget | None = None) -> None:
        self.scene, self.own_lines, self.budget = scene, own_lines, budget or Budget()
        self.tried: set[Term] = {scene.right}
        self.spent = 0
        for part in everything_in(scene.right):
            everything_in(part)  # kept by each part, of which all that is tried is made

    def causes(self) -> list[Cause]:
        """The causes that fit, the likeliest first; none if nothing does, or the time is over."""
        plain: dict[tuple[str, ...], Cause] = {}
        turned: dict[tuple[str, ...], Cause] = {}
        with contextlib.suppress(TookTooLong), at_most(SECONDS_A_LINE):
            for cause, is_plain in self._single():
                (plain if is_plain else turned).setdefault(cause.codes, cause)
            if not plain and not turned:
                plain = {cause.codes: cause for cause in islice(self._beside_an_earlier_one(), 1)}
            if not plain and not turned and self.spent < MOST_SINGLE:
                plain = {cause.codes: cause for cause in islice(self._pairs(), 1)}
        if all(set(codes) <= WIDE for codes in plain):
            plain = {**turned, **plain}
        return _telling(sorted(plain.values(), key=lambda c: c.rank))

    def _single(self) -> Iterator[tuple[Cause, bool]]:
        """One repair or premise each, and whether the line is right with it as it stands, not only turned."""
        for cause in islice(self._with_link(), 1):
            yield cause, True
        for cause, is_plain in self._mended_by("missing-output-sum", summed_over_units):
            yield cause, is_plain
            if is_plain:
                return  # a letter on the right alone: no other mistake leaves one behind
        # What has few candidates is tried before the tries are used up; what is told first is a matter of the rank.
        premises = list(self._other_premises())
        yield from self._mended_by("forward-value-as-seed", losses.without_value)
        try:
            yield from self._mended()
        except TookTooLong:
            yield from premises
            raise
        yield from premises

    def _mended(self) -> Iterator[tuple[Cause, bool]]:
        """One repair each, the likeliest mistakes first."""
        for code, repair in sorted(REPAIRS, key=lambda each: RANK[each[0]]):
            yield from self._mended_by(code, repair)

    def _mended_by(self, code: str, repair: Repair) -> Iterator[tuple[Cause, bool]]:
        """What one repair does to make the line right, up to the first way in which it is right as it stands."""
        for mended in islice(repair(self.scene), MOST_OF_A_KIND):
            needed = self._needed(mended.term)
            if needed is not None and needed <= TURNED and self._holds_at_other_sizes(mended.term, code):
                yield Cause((self._code(mended, code),), mended.words, said(mended.term)), needed <= UNMARKED
                if needed <= UNMARKED:
                    break

    def _other_premises(self) -> Iterator[tuple[Cause, bool]]:
        """What the line would be right for."""
        for code, premise in PREMISES:
            for other in premise(self.scene):
                needed = _charity(Comparer(other.understanding, self.scene.at, TOO_MUCH), other.left, self.scene.right)
                if needed is not None and needed <= UNMARKED:
                    yield Cause((other.code or code,), other.words), True
                    if not other.code:
                        break

    def _with_link(self) -> Iterator[Cause]:
        """A product of derivatives that is a path once a link is put in: `dL/dh da/dw` lacks dh/da."""
        chain, scene = self.scene.right, self.scene
        if not isinstance(chain, Sloppy) or not all(isinstance(x, Jacobian) for x in chain.factors):
            return
        chains = Chains(scene.situation)
        for key, term in scene.definitions.items():
            for below in dict.fromkeys(r.key for r in references_in(term)):
                link = Jacobian(Part(key, ()), Part(below, ()))
                for k in range(len(chain.factors) + 1):
                    mended = Sloppy((*chain.factors[:k], link, *chain.factors[k:]), ("",) * len(chain.factors))
                    self._pay_for(mended, list(everything_in(mended)))
                    verdict = chains.chain(scene.at, scene.left, mended)
                    if verdict is not None and verdict.verdict == "correct":
                        code = (
                            "missing-slope" if any(key == a for a, _ in scene.activations) else "dropped-chain-factor"
                        )
                        yield Cause((code,), f"the factor {said(link)} is missing", said(mended))

    def _beside_an_earlier_one(self) -> Iterator[Cause]:
        """One repair after which the line follows from an own false one: that one was charged there."""
        if self.own_lines is None or not self.own_lines.own:
            return
        for code, repair in REPAIRS:
            if code in WIDE:
                continue
            for mended in islice(repair(self.scene), MOST_BESIDE):
                root = self.own_lines.carried(self.scene.at, self.scene.left, mended.term)
                if root is not None:
                    words = f"{mended.words}; the rest follows from line {root}"
                    yield Cause((mended.code or code,), words)

    def _pairs(self) -> Iterator[Cause]:
        repairs = [(code, repair) for code, repair in REPAIRS if code in IN_PAIRS]
        for code, repair in repairs:
            for first in islice(repair(self.scene), MOST_OF_A_PAIR):
                half = replace(self.scene, right=first.term)
                for other, again in REPAIRS:
                    if other in WIDE:
                        continue  # beside another mistake they would explain anything
                    for second in islice(again(half), MOST_OF_A_PAIR if other != code else 0):
                        needed = self._needed(second.term)
                        if needed is not None and needed <= TURNED:
                            codes = first.code or code, second.code or other
                            words = f"{first.words}, and besides: {title_of(codes[1])}"
                            yield Cause(codes, words, said(second.term))
                            break

    def _needed(self, term: Term) -> frozenset[str] | None:
        """The charity with which the line would be right with this right side; None if it would not, or was tried before."""
        if term in self.tried:
            return None
        parts = list(everything_in(term))
        if self.scene.left in parts:
            return None
        self.tried.add(term)
        self._pay_for(term, parts)
        return _charity(self._comparer, self.scene.left, term)

    def _pay_for(self, term: Term, parts: list[Term]) -> None:
        """Counts a try; what is long, or can be read in many ways, counts for several."""
        if self.spent > (MOST_TRIED if self.budget.tries > 0 else LEAST_TRIED):
            raise TookTooLong("no known mistake was found in so many tries")
        readings = self.scene.understanding.reader(self.scene.at, False).count(term)
        brackets = sum(len(part.factors) ** 3 for part in parts if isinstance(part, Sloppy))
        cost = 1 + readings // READINGS_A_TRY + len(parts) // PARTS_A_TRY + brackets // BRACKETS_A_TRY
        self.spent += cost
        self.budget.tries -= cost

    def _holds_at_other_sizes(self, term: Term, code: str) -> bool:
        """Whether a constant is one: the 2 may be how many outputs there are here."""
        if code != "constant-factor":
            return True
        others = self.scene.understanding.at_other_sizes
        return _charity(Comparer(others, self.scene.at, TOO_MUCH), self.scene.left, term) is not None

    @cached_property
    def _comparer(self) -> Comparer:
        return Comparer(self.scene.understanding, self.scene.at, TOO_MUCH)

    def _code(self, mended: Mended, code: str) -> str:
        """The code of a repair; a name exchanged inside a slope is a slope taken at the wrong place."""
        own = mended.code or code
        return (
            "slope-at-wrong-argument"
            if own in ("wrong-layer", "wrong-variable") and self._mends_slope(mended.term)
            else own
        )

    def _mends_slope(self, mended: Term) -> bool:
        known = {place.term for place in runs(self.scene.right, below=True)}
        new = (place.term for place in runs(mended, below=True) if place.term not in known)
        return any(_charity(self._comparer, slope, part) is not None for part in new for slope in self.scene.slopes)


def _charity(comparer: Comparer, left: Term, right: Term) -> frozenset[str] | None:
    """What a true relation needs to be read as such; None if it is not true."""
    with contextlib.suppress(Misfit, Unknown, Undefined):
        found = comparer.compare(left, right, lenient=False)
        return frozenset(found.edits) if found.answer is Answer.EQUAL else None
    return None


def _telling(causes: list[Cause]) -> list[Cause]:
    """The causes without those that only say another one in wider words."""
    codes = {cause.codes[0] for cause in causes if len(cause.codes) == 1}
    return [c for c in causes if len(c.codes) > 1 or not SAYS_NO_MORE.get(c.codes[0], set()) & codes]
