"""A derivation against independent oracles, before anybody reads it: every gradient and every single step.

Gradients: the oracles of ORACLES, at pairwise distinct sizes. Steps: a rewrite must leave the value as it is, to 50
digits at a random point; a pullback must satisfy <Ȳ, dY> = <Ā, dA> for a random direction dA, with dY from the node's
own value, by a complex step in as many digits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec

import mpmath
import numpy as np

from symderiv.calculus.derivation import Derivation, Step
from symderiv.calculus.expressions import Expr, Symbol
from symderiv.calculus.model import Model
from symderiv.errors import CheckFailed, ModelError
from symderiv.oracles.autodiff import jax_gradients, torch_gradients
from symderiv.oracles.evaluation import (
    EVALUATE,
    Array,
    Point,
    distinct_sizes,
    in_digits,
    random_point,
    sizes_from_the_loss,
)
from symderiv.oracles.gradients import (
    DIGITS,
    WORKING_DIGITS,
    Slope,
    central_differences,
    complex_step,
    complex_step_in_digits,
    entry_by_entry,
    entrywise_sympy,
    plain_sympy,
)

TOLERANCE = 1e-10
SMALL = 1e-4  # gradients that are zero come out as rounding errors, which have no meaningful ratio
ENTRYWISE_LIMIT = 500
"""Beyond this many numbers in the forward pass, SymPy takes more than a second or two and is not run."""
COMPLEX_STEP_LIMIT = 2000
"""Beyond this many, complex steps go along random directions instead of entry by entry."""
DIGITS_LIMIT = 250
"""The same for differences in 50 digits, which are a thousand times slower."""
DIRECTIONS = 3

LARGEST_CHECK = 100_000


@dataclass(frozen=True)
class Oracle:
    """Another way to every gradient: from a slope an entry, or `whole`, all of them at once (None if too large).

    limit: the numbers in the forward pass beyond which slopes are taken along random directions only, and a whole
    gradient is not asked for; exact_point: whether its forward pass has 50 digits; exact_own: whether our closed form
    is evaluated in 50 digits too; small: whether it is asked at other sizes than the report's (`sizes_from_the_loss`);
    library: what must be installed for it.
    """

    name: str
    slope: Callable[[Model, Point, Symbol], Slope] | None = None
    whole: Callable[[Model, Point, Sequence[Symbol]], dict[Symbol, Array] | None] | None = None
    limit: float = float("inf")
    exact_point: bool = False
    exact_own: bool = False
    small: bool = False
    tolerance: float = TOLERANCE
    library: str = ""

    @property
    def installed(self) -> bool:
        """Whether what it needs is there."""
        return not self.library or find_spec(self.library) is not None


ORACLES: dict[str, Oracle] = {
    oracle.name: oracle
    for oracle in (
        Oracle("complex step", slope=complex_step, limit=COMPLEX_STEP_LIMIT),
        Oracle("central differences", slope=central_differences, limit=DIGITS_LIMIT, exact_point=True),
        Oracle(
            f"{DIGITS} digits",
            slope=complex_step_in_digits,
            limit=DIGITS_LIMIT,
            exact_point=True,
            exact_own=True,
            tolerance=10.0 ** (10 - DIGITS),
        ),
        Oracle("entrywise SymPy", whole=entrywise_sympy, limit=ENTRYWISE_LIMIT),
        Oracle("plain SymPy", whole=plain_sympy, limit=ENTRYWISE_LIMIT, small=True),
        Oracle("PyTorch", whole=torch_gradients, library="torch"),
        Oracle("JAX", whole=jax_gradients, library="jax"),
    )
}
"""Every oracle by its name, in the order of the tables."""

QUICK = ("complex step", "entrywise SymPy")
"""Two that share nothing and together take a few hundredths of a second: what every document is checked with."""


@dataclass(frozen=True)
class Comparison:
    """One gradient against one oracle: the largest difference relative to the largest entry; None if not run."""

    quantity: str
    oracle: str
    error: float | None
    tolerance: float = TOLERANCE

    @property
    def passed(self) -> bool:
        """Whether nothing speaks against the gradient; a nan does."""
        return self.error is None or self.error <= self.tolerance


@dataclass(frozen=True)
class Report:
    """What was compared, at which sizes, how many steps were checked, and the oracles that are not installed.

    failed_step: the sentence about the first step that does not hold, '' if all do.
    """

    comparisons: tuple[Comparison, ...]
    sizes: dict[str, int]
    steps: int
    digits: int
    absent: tuple[str, ...] = ()
    failed_step: str = ""

    @property
    def largest(self) -> float:
        """The largest relative error of all comparisons; infinite if one of them is not a number."""
        errors = [c.error for c in self.comparisons if c.error is not None]
        return max((float("inf") if np.isnan(error) else error for error in errors), default=0.0)

    @property
    def passed(self) -> bool:
        return all(c.passed for c in self.comparisons) and not self.failed_step

    def error(self, quantity: str, oracle: str) -> float | None:
        """The relative error of one gradient against one oracle, None if it was not run."""
        return next((c.error for c in self.comparisons if (c.quantity, c.oracle) == (quantity, oracle)), None)


def cross_check(derivation: Derivation, *, seed: int = 0, oracles: Sequence[str] | None = None) -> Report:
    """Compare every gradient with the oracles, and check every step.

    oracles: names in ORACLES; by default every one that is installed.
    Raises: CheckFailed naming the step or the gradient that is wrong; ModelError for an oracle that there is not.
    """
    report = examine(derivation, seed=seed, oracles=oracles)
    for c in report.comparisons:
        if not c.passed:
            raise CheckFailed(
                f"the gradient of {c.quantity} is wrong: it differs from {c.oracle} by {c.error:.3g} relative "
                f"at sizes {', '.join(f'{k} = {v}' for k, v in report.sizes.items())}"
            )
    if report.failed_step:
        raise CheckFailed(report.failed_step)
    return report


def examine(derivation: Derivation, *, seed: int = 0, oracles: Sequence[str] | None = None) -> Report:
    """The same as `cross_check`, with what is wrong in the report instead of raised."""
    asked = [_oracle(name) for name in (ORACLES if oracles is None else oracles)]
    model = derivation.model
    sizes = distinct_sizes(model)
    _check_work(model, sizes)
    ours = _Own(derivation, random_point(model, seed, sizes))
    small = (
        _Own(derivation, random_point(model, seed, sizes_from_the_loss(model))) if any(o.small for o in asked) else ours
    )
    comparisons = [
        Comparison(symbol.name, oracle.name, error, oracle.tolerance)
        for oracle in asked
        if oracle.installed
        for symbol, error in (small if oracle.small else ours).errors(oracle)
    ]
    steps, failed = 0, ""
    try:
        steps = check_steps(derivation, seed)
    except CheckFailed as error:
        failed = str(error)
    absent = tuple(oracle.name for oracle in asked if not oracle.installed)
    return Report(tuple(comparisons), dict(sizes), steps, DIGITS, absent, failed)


def _oracle(name: str) -> Oracle:
    if name not in ORACLES:
        raise ModelError(f"there is no oracle called {name!r}", f"there is {', '.join(ORACLES)}")
    return ORACLES[name]


class _Own:
    """The gradients of a derivation at a point, in float64 and in 50 digits, and their errors."""

    def __init__(self, derivation: Derivation, point: Point) -> None:
        self.derivation, self.model, self.point = derivation, derivation.model, point
        self.wanted = [self.model.symbols[name] for name in derivation.gradients]
        forward = point.run(self.model)
        self.numbers = sum(value.size for value in forward.values())
        self.values = self._gradients(point, forward)

    def _gradients(self, point: Point, forward: dict[Expr, Array]) -> dict[Symbol, Array]:
        return {s: point.evaluate(self.derivation.gradient(s.name), dict(forward)) for s in self.wanted}

    def errors(self, oracle: Oracle) -> list[tuple[Symbol, float | None]]:
        """The error of every gradient against one oracle."""
        if oracle.whole:
            truth = None if self.numbers > oracle.limit else oracle.whole(self.model, self.point, self.wanted)
            return [(s, relative_error(self.values[s], truth[s]) if truth else None) for s in self.wanted]
        assert oracle.slope is not None
        errors: list[tuple[Symbol, float | None]] = []
        with mpmath.workdps(WORKING_DIGITS):
            point = in_digits(self.point, self.model, DIGITS) if oracle.exact_point else self.point
            own = self._gradients(point, point.run(self.model)) if oracle.exact_own else self.values
            for symbol in self.wanted:
                slope = oracle.slope(self.model, point, symbol)
                if self.numbers <= oracle.limit:
                    error = relative_error(own[symbol], entry_by_entry(slope, point.values[symbol].shape))
                else:
                    error = directional_error(slope, own[symbol])
                errors.append((symbol, error))
        return errors


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


def directional_error(slope: Slope, gradient: Array) -> float:
    """The error along a few random directions: for networks with too many entries to move one by one."""
    rng = np.random.default_rng(0)
    errors = []
    for _ in range(DIRECTIONS):
        direction: Array = np.asarray(rng.normal(size=gradient.shape))
        truth = slope(direction)
        scale = max(abs(truth), float(np.linalg.norm(gradient.astype(float))), SMALL)
        errors.append(float(abs((gradient * direction).sum() - truth) / scale))
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
