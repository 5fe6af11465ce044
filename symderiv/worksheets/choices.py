"""Plausible wrong answers: what comes out if a known mistake is made on the way back, told apart from the right one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from symderiv.calculus.derivation import Derivation
from symderiv.calculus.expressions import Expr, Symbol
from symderiv.calculus.model import Model
from symderiv.errors import SymderivError
from symderiv.mistakes.codes import RANK
from symderiv.mistakes.rederiving import Slip, rederive, slips
from symderiv.mistakes.setting import Setting
from symderiv.oracles.evaluation import Array, Point
from symderiv.views.worked import Worked

OFFERED = frozenset(
    "missing-slope slope-twice function-for-slope slope-at-wrong-argument misplaced-square other-activation softmax-diagonal "
    "constant-factor missing-mean-factor repeated-mean-factor sign".split()
)
"""The mistakes that a number alone can show; others are seen in a formula."""
OF_THE_WHOLE = frozenset("constant-factor missing-mean-factor repeated-mean-factor sign".split())
"""Those that are seen in a number because the whole is off by a factor: with a penalty in the loss, only a part of it is."""
NOT_TOLD = frozenset(
    [
        "slope-of-another-layer",
        "jacobian-twice",
        "jacobian-and-diagonal",
        "inner-sign-lost",
        "without-factor",
        "of-pre-activation",
    ]
)
"""Rules of these codes whose number nobody would trace back."""
ENOUGH = 310
"""A wrong value is worth at least so many halves of its last digit, for what else might give it by chance to be rare."""
APART = 5
"""It differs from the right one by so many units of the last digit: less might be a rounding."""


@dataclass(frozen=True)
class Wrong:
    """A wrong derivation with the mistake that was made in it."""

    slip: Slip
    derivation: Derivation


@dataclass(frozen=True)
class WrongValue:
    """A wrong number (or matrix) for one derivative; the mistake that gives it, and the others that give the same."""

    value: Array
    codes: tuple[str, ...]
    words: str


@lru_cache(maxsize=32)
def wrong_derivations(model: Model, numbers: bool = False) -> tuple[Wrong, ...]:
    """Every derivation with one known mistake in it; they hold for all numbers, so a class's worksheets share them.

    numbers: only mistakes that a number alone can show.
    """
    found = []
    offered = OFFERED - (OF_THE_WHOLE if Setting(model).penalty is not None else frozenset())
    for slip in slips(model):
        if not numbers or (slip.code in offered and slip.rule not in NOT_TOLD):
            try:
                found.append(Wrong(slip, rederive(model, slip)))
            except SymderivError:
                continue  # the shapes do not allow it at general sizes
    return tuple(found)


class WrongAnswers:
    """The wrong numbers that known mistakes give at one drawing."""

    def __init__(self, example: Worked) -> None:
        self.model, self.digits = example.derivation.model, example.digits
        exact = {s: value.astype(float) for s, value in example.exact.items()}
        hypers = {name: float(x) for name, x in example.values.hypers.items()}
        self.point = Point(example.values.sizes, hypers, {s: exact[s] for s in example.point.values})
        self.forward: dict[Expr, Array] = {
            s: v for s, v in exact.items() if isinstance(s, Symbol) and s.role != "adjoint"
        }
        self.runs = [(wrong, self._run(wrong)) for wrong in wrong_derivations(self.model, True)]

    def _run(self, wrong: Wrong) -> dict[Expr, Array]:
        memo = dict(self.forward)
        loss = wrong.derivation.model.loss  # another one, if that is the mistake
        memo[loss.symbol] = self.point.evaluate(loss.value, dict(memo))
        with np.errstate(all="ignore"):
            for adjoint in wrong.derivation:
                memo[adjoint.symbol] = self.point.evaluate(adjoint.named, dict(memo))
        return memo

    def of(self, name: str, truth: Array, position: tuple[int, int] | None = None) -> tuple[WrongValue, ...]:
        """The wrong values of dJ/d(name), or of one entry of it: each differs from the truth and from the others in print.

        The commonest mistake first; the codes of others that give the same value come with it.
        """
        found: dict[tuple[str, ...], WrongValue] = {}
        for wrong, memo in self.runs:
            value = self._value(wrong, memo, name, truth.shape, position)
            if value is None or np.abs(value - truth.astype(float)).max() < APART * 10.0**-self.digits.count:
                continue
            shown = self._shown(value)
            if shown not in found:
                found[shown] = WrongValue(value, (wrong.slip.code,), wrong.slip.words)
            elif wrong.slip.code not in found[shown].codes:
                before = found[shown]
                codes = sorted({*before.codes, wrong.slip.code}, key=RANK.__getitem__)
                words = wrong.slip.words if codes[0] == wrong.slip.code else before.words
                found[shown] = WrongValue(before.value, tuple(codes), words)
        return tuple(sorted(found.values(), key=lambda w: RANK[w.codes[0]]))

    def _value(
        self, wrong: Wrong, memo: dict[Expr, Array], name: str, shape: tuple[int, ...], position: tuple[int, int] | None
    ) -> Array | None:
        try:
            value = memo[wrong.derivation.adjoint(name).symbol]
        except SymderivError:
            return None
        if position is not None:
            value = (
                value[position].reshape(1, 1) if value.shape == self.forward[self.model.symbols[name]].shape else value
            )
        if value.shape != shape or not np.isfinite(value).all():
            return None
        places = max(len(text.partition(".")[2]) for text in self._shown(value))
        return value if ENOUGH * 0.5 * 10.0**-places < np.abs(value).max() < 1000 else None

    def _shown(self, value: Array) -> tuple[str, ...]:
        return tuple(self.digits.text(x) for x in value.flat)


def chosen(wrong: tuple[WrongValue, ...], count: int, rng: np.random.Generator) -> Iterator[WrongValue]:
    """`count` of the wrong values, each with another mistake, the common ones more likely."""
    by_code: dict[str, WrongValue] = {}
    for value in wrong:
        by_code.setdefault(value.codes[0], value)
    likely = list(by_code.values())[: 2 * count]
    yield from (likely[k] for k in sorted(rng.permutation(len(likely))[:count]))
