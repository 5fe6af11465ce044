"""Products of derivatives: `dL/da da/dz dz/dw` is a path from the top to the bottom, whatever the factors are worth."""

from __future__ import annotations

import itertools

from symderiv.homework.judging.comparing import Answer
from symderiv.homework.judging.situation import Situation, index_letters_of
from symderiv.homework.judging.verdicts import RIGHT_IF, Verdict
from symderiv.homework.understanding.arithmetic import Machine
from symderiv.homework.understanding.terms import (
    Const,
    Jacobian,
    Part,
    Sloppy,
    Softmax,
    Term,
)
from symderiv.homework.understanding.worlds import World, separates


class Chains:
    """Judges products of derivatives."""

    def __init__(self, situation: Situation) -> None:
        self.situation, self.understanding = situation, situation.understanding

    def chain(self, at: int, left: Term, right: Term) -> Verdict | None:
        """Link derivative factors by name from the bottom; what is left over must be the derivative by the start of the path."""
        if not isinstance(left, Jacobian) or not isinstance(right, Sloppy):
            return None
        right = self._without_ones(right)
        if not isinstance(right, Sloppy):
            return None
        factors = list(right.factors)
        derivatives = [x for x in factors if isinstance(x, Jacobian)]
        dangling = set() if self.understanding.sums_implied else index_letters_of(right) - index_letters_of(left)
        if dangling and len(derivatives) == len(factors):
            return Verdict("uncheckable", "chain", f"{RIGHT_IF} it is summed over {', '.join(sorted(dangling))}")
        if dangling:
            return None  # a path through one unit of many
        if not derivatives or any(m in ("#", "/") for m in right.marks):
            return None
        if not self.understanding.sums_implied and any(self._is_one_of_all(at, x) for x in derivatives):
            return Verdict(
                "uncheckable", "chain", f"{RIGHT_IF} it is summed over the outputs: each depends on every score"
            )
        world = self.understanding.world(at, Machine)
        top = self.situation.key(left.top)
        path: list[tuple[int, str]] = []
        at_key = left.bottom.key
        while at_key != top:
            used = {i for i, _ in path}
            link = next(
                (
                    i
                    for i, x in enumerate(factors)
                    if i not in used and isinstance(x, Jacobian) and x.bottom.key == at_key
                ),
                None,
            )
            if link is None:
                break
            factor = factors[link]
            assert isinstance(factor, Jacobian)
            upper = self.situation.key(factor.top)
            if upper is None or upper == at_key:
                break
            path.append((link, upper))
            at_key = upper
        for length in range(len(path), 0, -1):
            verdict = self._along(at, left, right, path[:length], top, world)
            if verdict is not None:
                return verdict
        return self._down(at, left, right, world)

    def _is_one_of_all(self, at: int, factor: Jacobian) -> bool:
        r"""`\partial p_k / \partial z_k` of a softmax: one entry, where all of them lead on."""
        match factor:
            case Jacobian(Part(key, (str(letter),)), Part(_, (other,))):
                return letter == other and isinstance(self.understanding.definitions_at(at).get(key), Softmax)
        return False

    def _without_ones(self, product: Sloppy) -> Term:
        r"""Without `\partial a / \partial z` where a is only another name of z."""
        ones = {
            i
            for i, x in enumerate(product.factors)
            if isinstance(x, Jacobian) and self.situation.key(x.top) == x.bottom.key
        }
        kept = [i for i in range(len(product.factors)) if i not in ones]
        if not ones or not kept or any(m in ("#", "/") for m in product.marks):
            return product
        marks = tuple(self._mark_between(product, a, b) for a, b in itertools.pairwise(kept))
        return product.factors[kept[0]] if len(kept) == 1 else Sloppy(tuple(product.factors[i] for i in kept), marks)

    def _down(self, at: int, left: Jacobian, right: Sloppy, world: World) -> Verdict | None:
        """The factors from the top on are a path, and a number is left for the derivative of where it ends: `dJ/dz 1`."""
        used: list[int] = []
        key = self.situation.key(left.top)
        while True:
            at_key = key
            link = next(
                (
                    i
                    for i, x in enumerate(right.factors)
                    if i not in used
                    and isinstance(x, Jacobian)
                    and self.situation.key(x.top) == at_key
                    and not x.bottom.indices  # type: ignore[union-attr]
                ),
                None,
            )
            if link is None or key == left.bottom.key:
                break
            used.append(link)
            key = right.factors[link].bottom.key  # type: ignore[union-attr]
            if key is None or not separates(world, key, left.bottom.key, left.top):
                return None
        rest = [i for i in range(len(right.factors)) if i not in used]
        if not used or key is None or not rest or any(not isinstance(right.factors[i], Const) for i in rest):
            return None
        kept = tuple(right.factors[i] for i in rest)
        remaining = (
            kept[0]
            if len(kept) == 1
            else Sloppy(kept, tuple(self._mark_between(right, a, b) for a, b in itertools.pairwise(rest)))
        )
        found = self.situation.compare(at, Jacobian(Part(key, ()), left.bottom), remaining)
        return self.situation.accepted(found, "chain") if found.answer is Answer.EQUAL else None

    def _along(
        self, at: int, left: Jacobian, right: Sloppy, path: list[tuple[int, str]], top: str | None, world: World
    ) -> Verdict | None:
        """A path of factors taken out: what is left over must be the derivative by where it starts."""
        start = path[-1][1]
        for _, key in path:
            if key != top and not separates(world, key, left.bottom.key, left.top):
                return None
        used = {i for i, _ in path}
        rest = [i for i in range(len(right.factors)) if i not in used]
        if not rest:
            return Verdict("correct", "chain", "the factors make a path") if start == top else None
        if start == top:
            return None
        target = Jacobian(left.top, Part(start, ()))
        kept = tuple(right.factors[i] for i in rest)
        marks = tuple(self._mark_between(right, a, b) for a, b in itertools.pairwise(rest))
        remaining: Term = kept[0] if len(kept) == 1 else Sloppy(kept, marks)
        if remaining == target:
            return Verdict("correct", "chain", "the factors make a path")
        found = self.situation.compare(at, target, remaining)
        return self.situation.accepted(found, "chain") if found.answer is Answer.EQUAL else None

    @staticmethod
    def _mark_between(product: Sloppy, a: int, b: int) -> str:
        return product.marks[b - 1] if b == a + 1 else ""
