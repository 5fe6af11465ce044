"""A derivation against independent oracles, before anybody reads it: every gradient and every single step.

Gradients: complex-step differences and entrywise SymPy, at pairwise distinct sizes. Steps: a rewrite must leave the
value as it is, to 50 digits at a random point; a pullback must satisfy <Ȳ, dY> = <Ā, dA> for a random direction dA,
with dY from the node's own value, by a complex step in as many digits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import mpmath
import numpy as np

from symderiv.calculus.derivation import Derivation, Step
from symderiv.calculus.expressions import Expr
from symderiv.errors import CheckFailed
from symderiv.oracles.evaluation import EVALUATE, Array, Point, in_digits, random_point
from symderiv.oracles.gradients import complex_step, entrywise_sympy

TOLERANCE = 1e-10
DIGITS = 50
ENTRYWISE_LIMIT = 2000
"""Beyond this many entries in all its quantities, the explicit network takes SymPy more than a few seconds."""


@dataclass(frozen=True)
class Comparison:
    """One gradient against one oracle: the largest difference relative to the largest entry; None if not run."""

    quantity: str
    oracle: str
    error: float | None


@dataclass(frozen=True)
class Report:
    """What was compared, at which sizes, and how many steps were checked."""

    comparisons: tuple[Comparison, ...]
    sizes: dict[str, int]
    steps: int
    digits: int

    @property
    def largest(self) -> float:
        """The largest relative error of all comparisons."""
        return max((c.error for c in self.comparisons if c.error is not None), default=0.0)

    @property
    def passed(self) -> bool:
        return self.largest <= TOLERANCE

    def error(self, quantity: str, oracle: str) -> float | None:
        """The relative error of one gradient against one oracle, None if it was not run."""
        return next((c.error for c in self.comparisons if (c.quantity, c.oracle) == (quantity, oracle)), None)


def cross_check(derivation: Derivation, *, seed: int = 0, entrywise: bool | None = None) -> Report:
    """Compare every gradient with the oracles, and check every step.

    entrywise: run SymPy on the explicit network; by default only where that stays within a second or two.
    Raises: CheckFailed naming the step or the gradient that is wrong.
    """
    model = derivation.model
    point = random_point(model, seed)
    forward = point.run(model)
    wanted = [model.symbols[name] for name in derivation.gradients]
    own = {symbol: point.evaluate(derivation.gradient(symbol.name), dict(forward)) for symbol in wanted}
    oracles = {"complex step": {symbol: complex_step(model, point, symbol) for symbol in wanted}}
    if entrywise is None:
        entrywise = sum(value.size for value in forward.values()) <= ENTRYWISE_LIMIT
    if entrywise:
        oracles["entrywise SymPy"] = entrywise_sympy(model, point, wanted)
    comparisons = [
        Comparison(symbol.name, oracle, relative_error(own[symbol], truth[symbol]))
        for oracle, truth in oracles.items()
        for symbol in wanted
    ]
    for c in comparisons:
        if c.error is None or not c.error <= TOLERANCE:
            raise CheckFailed(
                f"the gradient of {c.quantity} is wrong: it differs from {c.oracle} by {c.error:.3g} relative "
                f"at sizes {', '.join(f'{k} = {v}' for k, v in point.sizes.items())}"
            )
    if not entrywise:
        comparisons += [Comparison(symbol.name, "entrywise SymPy", None) for symbol in wanted]
    steps = check_steps(derivation, seed)
    return Report(tuple(comparisons), dict(point.sizes), steps, DIGITS)


def relative_error(found: Array, truth: Array) -> float:
    """The largest difference, relative to the largest entry of the truth (or absolute, if that is tiny)."""
    if found.shape != truth.shape:
        return float("inf")
    return float(np.abs(found - truth).max() / max(np.abs(truth).max(), 1e-30))


def check_steps(derivation: Derivation, seed: int = 0) -> int:
    """Check every step of a derivation to 50 digits; the number of steps checked.

    Raises: CheckFailed naming the first step that does not hold.
    """
    model = derivation.model
    with mpmath.workdps(2 * DIGITS + 10):
        point = in_digits(random_point(model, seed), model, DIGITS)
        memo: dict[Expr, Array] = dict(point.run(model))
        for adjoint in derivation:
            memo[adjoint.symbol] = point.evaluate(adjoint.closed, memo)
        distinct = dict.fromkeys(derivation.steps)
        rng = np.random.default_rng(seed)
        for number, step in enumerate(distinct, 1):
            left, right = _pullback_sides(step, point, memo, rng) if step.cotangent is not None else (
                point.evaluate(step.before, memo),
                point.evaluate(step.after, memo),
            )  # fmt: skip
            if left.shape != right.shape or not _close(left, right):
                raise CheckFailed(f"step {number} of {len(distinct)} is wrong: {step.rule}, for the gradient of {step.target}")
        for adjoint in derivation:
            for form in (adjoint.raw, adjoint.named):
                if not _close(memo[adjoint.symbol], point.evaluate(form, memo)):
                    raise CheckFailed(f"the closed form of {adjoint.symbol.name} is not what its steps lead to")
    return len(distinct)


def _pullback_sides(step: Step, point: Point, memo: dict[Expr, Array], rng: np.random.Generator) -> tuple[Array, Array]:
    """<Ȳ, dY> and <Ā, dA> for a random direction dA of the part that the step is about."""
    node, part = step.before, step.part
    assert step.cotangent is not None
    args = [point.evaluate(arg, memo) for arg in node.args]
    direction = np.vectorize(mpmath.mpf, otypes=[object])(rng.normal(size=args[part].shape))
    h = mpmath.mpf(10) ** -(DIGITS + 5)
    args[part] = args[part] + direction * mpmath.mpc(0, h)
    moved = EVALUATE[type(node)](point, node, *args)
    slope = np.frompyfunc(lambda x: mpmath.im(x) / h, 1, 1)(moved)
    left = (point.evaluate(step.cotangent, memo) * slope).sum()
    after = point.evaluate(step.after, memo)
    if after.shape != direction.shape:
        return np.zeros(after.shape), np.zeros(direction.shape)
    return np.asarray(left).reshape(1, 1), np.asarray((after * direction).sum()).reshape(1, 1)


def _close(left: Array, right: Array) -> bool:
    scale = max((abs(x) for x in np.ravel(right)), default=0) + mpmath.mpf(10) ** -DIGITS
    return all(abs(x - y) <= scale * mpmath.mpf(10) ** (5 - DIGITS) for x, y in zip(np.ravel(left), np.ravel(right), strict=True))


def oracle_names(report: Report) -> Sequence[str]:
    """The oracles of a report, in order."""
    return tuple(dict.fromkeys(c.oracle for c in report.comparisons))

