"""Which known mistake gives the numbers that somebody got: every mistake is made in turn, at the point of the numbers.

A mistake far up in the chain spoils every gradient below it and is one mistake: what explains all wrong gradients at once
is looked for first, then two mistakes together, then one gradient after another. Where several mistakes give the same
numbers they are all said, the most frequent first (`symderiv.mistakes.codes`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, islice

import numpy as np

from symderiv.calculus.derivation import Derivation
from symderiv.calculus.expressions import Expr
from symderiv.calculus.model import Model
from symderiv.calculus.sweep import derive
from symderiv.errors import ShapeError
from symderiv.mistakes.codes import RANK
from symderiv.mistakes.rederiving import Slip, merged, rederive, slips
from symderiv.oracles.checks import relative_error
from symderiv.oracles.evaluation import Array, Point, random_point
from symderiv.oracles.relations import constant_ratio

TOLERANCE = 1e-6
MOST_PAIRS = 150
"""Two mistakes at once are derived anew for each pair that could fit; beyond this many it would take seconds."""
FACTORS = {"scaled", "divided-again", "flipped", "without-mean", "mean-twice", "other-constant", "other-sign"}
SHOWN = 3  # of the causes that give the same numbers


@dataclass(frozen=True, eq=False)
class Planted:
    """A mistake made at one place or at several, and what comes of it; changed: the gradients that are not the truth."""

    slips: tuple[Slip, ...]
    derivation: Derivation
    gradients: dict[str, Array]
    changed: frozenset[str]

    @property
    def code(self) -> str:
        return self.slips[0].code

    @property
    def words(self) -> str:
        return " and ".join(slip.words for slip in self.slips)

    @property
    def is_factor(self) -> bool:
        """Whether it multiplies by a number: together with another mistake at the same place it multiplies that."""
        return self.slips[0].rule in FACTORS

    @property
    def places(self) -> frozenset[tuple[str, Expr | None]]:
        return frozenset((slip.equation, slip.node) for slip in self.slips)


@dataclass(frozen=True)
class Diagnosis:
    """What one mistake explains, charged once.

    names: the gradients; mistakes: the codes that fit, most likely first; words: what each is called here.
    """

    names: tuple[str, ...]
    mistakes: tuple[str, ...]
    words: tuple[str, ...]

    def __str__(self) -> str:
        causes = [f"{words} ({code})" for words, code in zip(self.words, self.mistakes, strict=True)]
        return ", or ".join(causes[:SHOWN])


class Suspects:
    """Every known mistake in a model, with its numbers at one point."""

    def __init__(self, model: Model, point: Point) -> None:
        # Sizes that are equal here have one name here, so that whatever NumPy would multiply conforms.
        self.model = merged(model, point.sizes)
        values: dict[Expr, Array] = {self.model.symbols[s.name]: point.values[s] for s in model.inputs}
        self.point = Point(point.sizes, point.hypers, values)
        with np.errstate(all="ignore"):
            self.memo: dict[Expr, Array] = dict(self.point.run(self.model))
        self.truths = self._gradients(derive(self.model, tidy=False), self.memo)

    @cached_property
    def planted(self) -> tuple[Planted, ...]:
        """The mistakes that change a gradient here: at each place, then those of habit, made at every place."""
        found, habits = list[Planted](), dict[tuple[str, str], list[Planted]]()
        for slip in slips(self.model):
            one = self.made(slip)
            if one is not None and one.changed:
                found.append(one)
                if not one.is_factor:
                    habits.setdefault((slip.code, slip.rule), []).append(one)
        for same_rule in habits.values():
            places = [place for one in same_rule for place in one.places]
            if len(places) == len(set(places)) > 1:
                habit = self.made(*(one.slips[0] for one in same_rule))
                found += [habit] if habit is not None and habit.changed else []
        return tuple(found)

    def made(self, *some: Slip) -> Planted | None:
        """The gradients of somebody who makes these mistakes; None where they cannot be computed."""
        try:
            derivation = rederive(self.model, *some)
            gradients = self._gradients(derivation, dict(self.memo))  # what is right is shared, the rest forgotten
        except (ShapeError, ArithmeticError):
            return None
        if not all(np.isrealobj(g) and np.isfinite(g).all() for g in gradients.values()):
            return None
        changed = frozenset(name for name, truth in self.truths.items() if not same(gradients[name], truth))
        return Planted(some, derivation, gradients, changed)

    def _gradients(self, derivation: Derivation, memo: dict[Expr, Array]) -> dict[str, Array]:
        with np.errstate(all="ignore"):
            return {s.name: self.point.evaluate(derivation.gradient(s.name), memo) for s in self.model.parameters}


def planted(model: Model | Derivation, *, seed: int = 0, sizes: Mapping[str, int] | None = None) -> tuple[Planted, ...]:
    """Every known mistake at every place of a model where it changes a gradient, at pairwise distinct sizes or others.

    >>> from symderiv import two_layer
    >>> [one.words for one in planted(two_layer("tanh")) if one.code == "missing-slope"]
    ['the slope of A1 = tanh(Z1) is left out']
    """
    model = model.model if isinstance(model, Derivation) else model
    return Suspects(model, random_point(model, seed, sizes)).planted


def hidden(model: Model, suspects: Suspects) -> tuple[str, ...]:
    """The mistakes that change nothing at the sizes of these suspects, wherever they are made, but do at distinct sizes."""
    return ranked({one.code for one in planted(model)} - {one.code for one in suspects.planted})


def ranked(codes: Iterable[str]) -> tuple[str, ...]:
    """Codes, the most frequent first."""
    return tuple(sorted(set(codes), key=RANK.__getitem__))


def same(found: Array, other: Array, tolerance: float = TOLERANCE) -> bool:
    """Whether two arrays agree, sides of size 1 apart: (h,) is as good as (1, h), and `np.sum` gives no matrix."""
    one, two = np.squeeze(found), np.squeeze(other)
    return one.shape == two.shape and relative_error(one, two) <= tolerance


def diagnose(suspects: Suspects, found: Mapping[str, Array], right: Iterable[str], tolerance: float) -> list[Diagnosis]:
    """What explains the wrong gradients `found` while those called `right` are right."""
    return _Search(suspects, found, frozenset(right), tolerance).diagnoses()


class _Search:
    def __init__(self, suspects: Suspects, found: Mapping[str, Array], right: frozenset[str], tolerance: float) -> None:
        self.suspects, self.found, self.right, self.tolerance = suspects, found, right, tolerance
        self.wrong = frozenset(found)
        self.explains = {one: self._explained(one) for one in suspects.planted}

    def _explained(self, one: Planted) -> frozenset[str]:
        names = one.changed & self.wrong
        return frozenset(name for name in names if same(self.found[name], one.gradients[name], self.tolerance))

    def diagnoses(self) -> list[Diagnosis]:
        alone = [one for one, names in self.explains.items() if names == self.wrong and not one.changed & self.right]
        if alone:
            return [self._named(self.wrong, alone)]
        return self._pair() or list(self._one_after_another())

    def _named(self, names: frozenset[str], causes: Iterable[Planted]) -> Diagnosis:
        first: dict[str, str] = {}
        for one in causes:
            first.setdefault(one.code, one.words)
        codes = ranked(first)
        return Diagnosis(tuple(n for n in self.found if n in names), codes, tuple(first[code] for code in codes))

    def _pair(self) -> list[Diagnosis]:
        """Two mistakes that together explain everything: what both touch must fit both, the rest the one that touches it."""
        fitting = []
        for one, two in islice(self._pairs(), MOST_PAIRS):
            gradients = self._together(one, two)
            if all(
                name in gradients and same(self.found[name], gradients[name], self.tolerance) for name in self.wrong
            ):
                fitting.append((one, two))
        if not fitting:
            return []
        pair = min(fitting, key=lambda pair: sorted((RANK[p.code] for p in pair), reverse=True))
        return [self._named(p.changed, self._alike(p)) for p in sorted(pair, key=lambda p: -len(p.changed))]

    def _alike(self, one: Planted) -> list[Planted]:
        """The mistakes that give the same numbers as one that explains all that it changes; itself where it does not."""
        if self.explains[one] != one.changed:
            return [one]
        return [p for p, explained in self.explains.items() if explained == p.changed == one.changed]

    def _together(self, one: Planted, two: Planted) -> Mapping[str, Array]:
        if not one.changed & two.changed:
            return {**one.gradients, **{name: two.gradients[name] for name in two.changed}}
        if not one.places & two.places:
            both = self.suspects.made(*one.slips, *two.slips)
            return both.gradients if both else {}
        factor, other = (one, two) if one.is_factor else (two, one)
        name = next(iter(factor.changed))
        place = np.abs(self.suspects.truths[name]).argmax()
        by = factor.gradients[name].flat[place] / self.suspects.truths[name].flat[place]
        return {name: by * gradient for name, gradient in other.gradients.items()}

    def _pairs(self) -> Iterator[tuple[Planted, Planted]]:
        """The pairs that could fit: what only one of them touches it must explain; a mere factor must be the factor."""
        able = [one for one in self.explains if not one.changed & self.right]
        for one, two in combinations(able, 2):
            if (
                one.changed | two.changed == self.wrong
                and one.changed - two.changed <= self.explains[one]
                and two.changed - one.changed <= self.explains[two]
                and (not one.places & two.places or one.is_factor or two.is_factor)
                and self._can_be_a_factor(one, two)
            ):
                yield one, two

    def _can_be_a_factor(self, one: Planted, two: Planted) -> bool:
        """Whether what both touch is a multiple of one of them by the factor that the other is, if that is a factor."""
        for a, b in ((one, two), (two, one)):
            for name in a.changed & b.changed:
                truth = self.suspects.truths[name]
                ratio = constant_ratio(b.gradients[name], truth) if b.gradients[name].shape == truth.shape else None
                if ratio is not None and truth.size > 1:
                    return same(self.found[name], ratio * a.gradients[name], self.tolerance)
        return True

    def _one_after_another(self) -> Iterator[Diagnosis]:
        """The mistake that explains most of what is left, until none explains anything."""
        left = self.wrong
        while left:
            best = max(
                self.explains, key=lambda one: (len(self.explains[one] & left), -len(one.changed - left)), default=None
            )
            names = self.explains[best] & left if best else frozenset[str]()
            if not best or not names:
                return
            yield self._named(
                names,
                [
                    one
                    for one, explained in self.explains.items()
                    if explained & left == names and len(one.changed - left) == len(best.changed - left)
                ],
            )
            left -= names
