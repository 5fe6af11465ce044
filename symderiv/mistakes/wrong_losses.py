"""The known mistakes about the loss, as wrong losses: one whose right gradients are what somebody gets who goes wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import TypeAlias

import sympy

from symderiv.calculus.expressions import Expr, Fill, Map, Symbol, apply, parts_of, substitute, symbols_in
from symderiv.calculus.functions import Scalar
from symderiv.mistakes.setting import Setting
from symderiv.textbook.networks import LOSSES

Losses: TypeAlias = Callable[[Setting], Iterator[tuple[Expr, dict[str, str]]]]
"""Each loss that is taken for the right one, and the words for it."""


@dataclass(frozen=True)
class WrongLoss:
    """A known mistake about the loss; says: what somebody did, after 'this is what you get if', with the words."""

    code: str
    says: str
    losses: Losses


WRONG_LOSSES: list[WrongLoss] = []


def wrong_loss(code: str, says: str) -> Callable[[Losses], Losses]:
    """Register the decorated losses as those that are taken for the right one."""

    def register(losses: Losses) -> Losses:
        WRONG_LOSSES.append(WrongLoss(code, says, losses))
        return losses

    return register


def rescaled(setting: Setting, by: Scalar) -> Expr:
    """The loss times a constant, except for the penalty."""
    if setting.penalty is None:
        return apply(lambda x: by * x, setting.loss)
    return apply(lambda x: by * x, setting.loss - setting.penalty) + setting.penalty


@wrong_loss("missing-mean-factor", "the factor 1/{count} of {loss} is lost")
def without_mean(setting: Setting) -> Iterator[tuple[Expr, dict[str, str]]]:
    """n J."""
    for count in setting.counts:
        words = {"count": f"({count})" if count.is_Mul else str(count), "loss": setting.model.loss.name}
        yield rescaled(setting, count), words


@wrong_loss("repeated-mean-factor", "the factor 1/{count} of {loss} is taken twice")
def mean_twice(setting: Setting) -> Iterator[tuple[Expr, dict[str, str]]]:
    """J / n."""
    for count in setting.counts:
        words = {"count": f"({count})" if count.is_Mul else str(count), "loss": setting.model.loss.name}
        yield rescaled(setting, 1 / count), words


@wrong_loss("constant-factor", "the derivative of {loss} gets a factor {by}")
def other_constant(setting: Setting) -> Iterator[tuple[Expr, dict[str, str]]]:
    """2 J and J / 2."""
    for by in (sympy.Integer(2), sympy.Rational(1, 2)):
        yield rescaled(setting, by), {"by": str(by), "loss": setting.model.loss.name}


@wrong_loss("sign", "the sign of the derivative of {loss} is flipped")
def other_sign(setting: Setting) -> Iterator[tuple[Expr, dict[str, str]]]:
    """-J."""
    yield rescaled(setting, sympy.Integer(-1)), {"loss": setting.model.loss.name}


@wrong_loss("other-loss", "the loss is taken to be {loss}")
def other_losses(setting: Setting) -> Iterator[tuple[Expr, dict[str, str]]]:
    """Each loss of the textbooks on the same output and target, with and without 1/2; each term of a sum alone."""
    for term in setting.model.terms:
        if len(setting.model.terms) > 1 and term.value is not setting.penalty:
            yield term.value, {"loss": f"{term.name or term.value} alone"}
    pairs = {
        (A, Y)
        for part in parts_of(setting.loss)
        if isinstance(part, Map)
        for A, Y in product(part.args, part.args)
        if isinstance(A, Symbol) and isinstance(Y, Symbol) and A.name in setting.tracked and Y.role == "data"
    }
    if len(pairs) != 1:
        return
    ((A, Y),) = pairs
    count = setting.counts[-1] if setting.counts else sympy.Integer(1)
    for (name, loss), half in product(LOSSES.items(), (1, 2)):
        scale = (
            f" / {count}" if count != 1 and half == 1 else f" / ({half} {count})" if count != 1 else " / 2" * (half - 1)
        )
        changed = apply(lambda x: x / count / half, loss(A, Y))
        yield (changed if setting.penalty is None else changed + setting.penalty), {"loss": f"{name}{scale}"}


@wrong_loss("regularised-bias", "the penalty is applied to {bias} as well")
def penalty_on_bias(setting: Setting) -> Iterator[tuple[Expr, dict[str, str]]]:
    """J + penalty, with a bias in the place of the weights."""
    if setting.penalty is None:
        return
    held = sorted(symbols_in(setting.penalty), key=lambda s: s.name)
    biases = [s for s in setting.model.parameters if s not in held]
    for some in (*([b] for b in biases), *([biases] if len(biases) > 1 else [])):
        loss = setting.loss
        for bias in some:
            loss = loss + substitute(setting.penalty, {s: bias if s is held[0] else Fill(0, s.shape) for s in held})
        yield loss, {"bias": " and ".join(bias.name for bias in some)}


@wrong_loss("missing-penalty", "the penalty on {weight} is left out")
def penalty_lost(setting: Setting) -> Iterator[tuple[Expr, dict[str, str]]]:
    """J without the penalty, of one weight or of all."""
    if setting.penalty is None:
        return
    held = sorted(symbols_in(setting.penalty), key=lambda s: s.name)
    for some in (*([w] for w in held), *([held] if len(held) > 1 else [])):
        part = substitute(setting.penalty, {s: s if s in some else Fill(0, s.shape) for s in held})
        yield setting.loss - part, {"weight": " and ".join(weight.name for weight in some)}


@wrong_loss("forward-value-as-seed", "the way back starts with the value of {loss}, not with 1")
def value_as_seed(setting: Setting) -> Iterator[tuple[Expr, dict[str, str]]]:
    """J²/2, whose gradient is J times that of J."""
    yield setting.loss**2 / 2, {"loss": setting.model.loss.name}
