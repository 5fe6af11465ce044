"""A derivation against independent oracles, before anybody reads it: every gradient and every single step.

Gradients: complex-step differences and entrywise SymPy, at pairwise distinct sizes. Steps: a rewrite must leave the
value as it is, to 50 digits at a random point; a pullback must satisfy <Ȳ, dY> = <Ā, dA> for a random direction dA,
with dY from the node's own value, by a complex step in as many digits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import mpmath
import numpy as np

from symderiv.calculus.derivation import Derivation, Step
from symderiv.calculus.expressions import Expr, Symbol
from symderiv.calculus.model import Model
from symderiv.errors import CheckFailed, ModelError
from symderiv.oracles.evaluation import EVALUATE, Array, Point, distinct_sizes, in_digits, random_point
from symderiv.oracles.gradients import complex_step, complex_step_along, entrywise_sympy

TOLERANCE = 1e-10
SMALL = 1e-4  # gradients that are zero come out as rounding errors, which have no meaningful ratio
DIGITS = 50
WORKING_DIGITS = 2 * DIGITS + 10  # a complex step of 10^-55 must not be lost beside the value
ENTRYWISE_LIMIT = 500
"""Beyond this many numbers in the forward pass, SymPy takes more than a second or two and is not run."""
COMPLEX_STEP_LIMIT = 2000
"""Beyond this many, complex steps go along random directions instead of entry by entry."""

LARGEST_CHECK = 100_000


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
    sizes = distinct_sizes(model)
    _check_work(model, sizes)
    point = random_point(model, seed, sizes)
    forward = point.run(model)
    wanted = [model.symbols[name] for name in derivation.gradients]
    own = {symbol: point.evaluate(derivation.gradient(symbol.name), dict(forward)) for symbol in wanted}
    numbers = sum(value.size for value in forward.values())
    if numbers <= COMPLEX_STEP_LIMIT:
        truth = {symbol: complex_step(model, point, symbol) for symbol in wanted}
        comparisons = [Comparison(s.name, "complex step", relative_error(own[s], truth[s])) for s in wanted]
    else:
        comparisons = [Comparison(s.name, "complex step", _directional_error(model, point, s, own[s])) for s in wanted]
    if numbers <= ENTRYWISE_LIMIT if entrywise is None else entrywise:
        explicit = entrywise_sympy(model, point, wanted)
        comparisons += [Comparison(s.name, "entrywise SymPy", relative_error(own[s], explicit[s])) for s in wanted]
    else:
        comparisons += [Comparison(s.name, "entrywise SymPy", None) for s in wanted]
    for c in comparisons:
        if c.error is not None and not c.error <= TOLERANCE:
            raise CheckFailed(
                f"the gradient of {c.quantity} is wrong: it differs from {c.oracle} by {c.error:.3g} relative "
                f"at sizes {', '.join(f'{k} = {v}' for k, v in point.sizes.items())}"
            )
    steps = check_steps(derivation, seed)
    return Report(tuple(comparisons), dict(point.sizes), steps, DIGITS)


def relative_error(found: Array, truth: Array) -> float:
    """The largest difference, relative to the largest entry of the truth, or to SMALL where all of it is smaller."""
    if found.shape != truth.shape:
        return float("inf")
    return float(np.abs(found - truth).max() / max(np.abs(truth).max(), SMALL))


def _check_work(model: Model, sizes: Mapping[str, int]) -> None:
    """Raise ModelError where the sizes are numbers so large that checking to 50 digits would take minutes."""
    numbers = sum(shape[0].value(sizes) * shape[1].value(sizes) for shape in (s.shape for s in model.symbols.values()))
    if numbers > LARGEST_CHECK:
        raise ModelError(
            f"the sizes of this model are numbers: {numbers} entries are too many to check every step",
            "write names for the large sizes, such as (n, d) for (1000, 784); the derivation is the same for all sizes",
        )


def _directional_error(model: Model, point: Point, symbol: Symbol, gradient: Array) -> float:
    """The error along three random directions: for networks with too many entries to move one by one."""
    rng = np.random.default_rng(0)
    errors = []
    for _ in range(3):
        direction: Array = np.asarray(rng.normal(size=gradient.shape))
        truth = float(complex_step_along(model, point, symbol, direction))
        scale = max(abs(truth), float(np.linalg.norm(gradient)))
        errors.append(abs(float((gradient * direction).sum()) - truth) / max(scale, SMALL))
    return max(errors)


def check_steps(derivation: Derivation, seed: int = 0) -> int:
    """Check every step of a derivation to 50 digits; the number of steps checked.

    Raises: CheckFailed naming the first step that does not hold.
    """
    model = derivation.model
    with mpmath.workdps(WORKING_DIGITS):
        point = in_digits(random_point(model, seed), model, DIGITS)
        memo: dict[Expr, Array] = dict(point.run(model))
        for adjoint in derivation:
            memo[adjoint.symbol] = point.evaluate(adjoint.closed, memo)
        distinct = dict.fromkeys(derivation.steps)
        for number, step in enumerate(distinct, 1):
            if not step_holds(step, point, memo):
                place = f"step {number} of {len(distinct)} is wrong"
                raise CheckFailed(f"{place}: {step.rule}, for the gradient of {step.target}")
        for adjoint in derivation:
            for form in (adjoint.raw, adjoint.named):
                if not _close(memo[adjoint.symbol], point.evaluate(form, memo)):
                    raise CheckFailed(f"the closed form of {adjoint.symbol.name} is not what its steps lead to")
    return len(distinct)


def step_holds(step: Step, point: Point, memo: dict[Expr, Array] | None = None) -> bool:
    """Whether a step is right at a point in many digits; `memo` holds the values of names that are no inputs."""
    memo = dict(point.values) if memo is None else memo
    with mpmath.workdps(WORKING_DIGITS):
        if step.cotangent is not None:
            left, right = _pullback_sides(step, point, memo)
        else:
            left, right = point.evaluate(step.before, memo), point.evaluate(step.after, memo)
        return left.shape == right.shape and _close(left, right)


def _pullback_sides(step: Step, point: Point, memo: dict[Expr, Array]) -> tuple[Array, Array]:
    """<Ȳ, dY> and <Ā, dA> for a random direction dA of the part that the step is about."""
    rng = np.random.default_rng(step.part)
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
    return all(
        abs(x - y) <= scale * mpmath.mpf(10) ** (5 - DIGITS)
        for x, y in zip(np.ravel(left), np.ravel(right), strict=True)
    )


def oracle_names(report: Report) -> Sequence[str]:
    """The oracles of a report, in order."""
    return tuple(dict.fromkeys(c.oracle for c in report.comparisons))
