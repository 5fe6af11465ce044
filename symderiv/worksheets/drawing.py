"""Numbers for a worksheet: few digits to start from, no saturated unit, and results that the asked digits suffice for.

A drawing is kept if whoever rounds every intermediate result to the asked decimals gets the same answers as whoever carries all
of them: then no number needs more digits than are asked for, and a key has one right answer. A large network has no such numbers;
then one or two decimals more are carried, and the sheet says so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import sympy

from symderiv.calculus.derivation import Derivation
from symderiv.calculus.expressions import Expr, Map, MatMul, Softmax, Symbol, parts_of
from symderiv.calculus.functions import huber, relu, sigmoid
from symderiv.calculus.model import Model
from symderiv.compute.layouts import sample_size
from symderiv.compute.source import output_formula, targets_of
from symderiv.errors import ModelError
from symderiv.oracles.evaluation import Array, Point
from symderiv.textbook.values import Values, given_values
from symderiv.views.digits import Digits
from symderiv.views.worked import Worked, check_worked

INPUTS = (-2, -1, -0.5, 0.5, 1, 1.5, 2, 3)
WEIGHTS = (-1.5, -1, -0.5, 0.5, 1, 1.5)
BIASES = (-1, -0.5, 0, 0.5, 1)
TARGETS = (-1, -0.5, 0, 0.5, 1, 1.5, 2)
RATES = (0.1, 0.2, 0.5, 1)
HYPERS = (0.1, 0.2, 0.5)
LEAST_OUTPUT, LARGEST_TANH = 0.05, 0.95
"""An output of a sigmoid or softmax is at least so far from 0 and 1, one of tanh at most so far from 0."""
NEAR_A_TIE = 1e-7
"""A result so near to the middle between two roundings is not taken: two people may round it differently."""
ALMOST_NOTHING = 1e-20
TRIES = 600
"""Drawings before one more decimal is carried."""
MOST_CARRIED = 2


@dataclass(frozen=True)
class Drawn:
    """A network at drawn numbers; `carried`: the decimals that intermediate results need for the answers to be right."""

    example: Worked
    carried: int


def draw(derivation: Derivation, seed: int, decimals: int, sizes: Mapping[str, int], weights: tuple[str, ...]) -> Drawn:
    """The network at drawn numbers, worked through: the same seed, the same numbers.

    Raises: ModelError if no drawing is nice; CheckFailed if a gradient disagrees with complex-step differences.
    """
    niceness = _Niceness(derivation, decimals)
    urn = _Urn(derivation.model, sizes_of(derivation.model, sizes), np.random.default_rng([seed, 11]))
    for carried in range(decimals, decimals + MOST_CARRIED + 1):
        for _ in range(TRIES):
            point, rate = urn.drawn()
            if niceness.holds(point, rate, carried):
                values = _values(derivation.model, point, rate)
                example = Worked(derivation, values, Digits(decimals, True), values.rate, weights)
                if _comes_out_alike(example, carried):
                    check_worked(example)
                    return Drawn(example, carried)
    raise ModelError(
        f"there are no numbers for this network whose results show two digits at {decimals} decimals",
        "ask for more decimals, or for a smaller network",
    )


def sizes_of(model: Model, given: Mapping[str, int]) -> dict[str, int]:
    """What every size is: two of everything, one output (three of a softmax) unless something else is asked for."""
    for name in given:
        if name not in model.sizes:
            raise ModelError(f"the model has no size {name}", f"it has {', '.join(model.sizes) or 'none'}")
        if not 1 <= given[name] <= 6:
            raise ModelError(f"{name} = {given[name]} is no size for a worksheet", "a whole number from 1 to 6")
    samples, targets = sample_size(model), targets_of(model)
    softmax = any(isinstance(e.value, Softmax) for e in model.equations)
    outputs = {size.name for t in targets for size in t.shape if size.name and size != samples}
    usual = dict.fromkeys(outputs, 3 if softmax else 1)
    return {n: int(n) if n.isdigit() else given.get(n, usual.get(n, 2)) for n in model.sizes}


class _Urn:
    """What numbers are drawn from, for each input of a model."""

    def __init__(self, model: Model, sizes: Mapping[str, int], rng: np.random.Generator) -> None:
        self.model, self.sizes, self.rng = model, sizes, rng
        targets = targets_of(model)
        self.draws: list[tuple[Symbol, Callable[[tuple[int, int]], Array], tuple[int, int]]] = []
        for symbol in (s for s in model.inputs if s.name in model.relevant):
            shape = (symbol.shape[0].value(sizes), symbol.shape[1].value(sizes))
            if symbol in targets:
                draw = self._target(output_formula(model))
            else:
                draw = self._of(INPUTS if symbol.role == "data" else BIASES if is_bias(model, symbol) else WEIGHTS)
            self.draws.append((symbol, draw, shape))

    def drawn(self) -> tuple[Point, float]:
        """Values for the inputs and hyper-parameters, and the learning rate."""
        values: dict[Expr, Array] = {symbol: draw(shape) for symbol, draw, shape in self.draws}
        hypers = {h.name: float(self.rng.choice(HYPERS)) for h in self.model.hypers}
        return Point(self.sizes, hypers, values), float(self.rng.choice(RATES))

    def _of(self, numbers: Sequence[float]) -> Callable[[tuple[int, int]], Array]:
        array = np.array(numbers, dtype=float)
        return lambda shape: array[self.rng.integers(0, len(array), shape)]

    def _target(self, output: Expr | None) -> Callable[[tuple[int, int]], Array]:
        """Targets that the output can reach: one-hot for a softmax, 0 or 1 for a sigmoid, any simple number otherwise."""
        if isinstance(output, Softmax):
            return lambda shape: self._one_hot(shape, output.axis)
        if isinstance(output, Map) and output.function.has(sigmoid):
            return self._both_classes
        return self._of(TARGETS)

    def _both_classes(self, shape: tuple[int, int]) -> Array:
        labels = self.rng.integers(0, 2, shape).astype(float)
        if labels.size > 1 and (labels == labels.flat[0]).all():
            labels.flat[0] = 1 - labels.flat[0]
        return labels

    def _one_hot(self, shape: tuple[int, int], axis: int) -> Array:
        hot = np.zeros(shape)
        classes, others = self.rng.integers(0, shape[axis], shape[1 - axis]), np.arange(shape[1 - axis])
        if len(set(classes)) == 1 < len(classes):  # samples of one class alone would hide a sample taken for another
            classes[0] = (classes[0] + 1) % shape[axis]
        hot[(classes, others) if axis == 0 else (others, classes)] = 1.0
        return hot


def is_bias(model: Model, symbol: Symbol) -> bool:
    """Whether a parameter stands in no matrix product."""
    products = (part for e in model.equations for part in parts_of(e.value) if isinstance(part, MatMul))
    return not any(symbol in part.args or any(symbol in arg.args for arg in part.args) for part in products)


class _Niceness:
    """What makes numbers nice for one network."""

    def __init__(self, derivation: Derivation, decimals: int) -> None:
        self.derivation, self.model, self.decimals = derivation, derivation.model, decimals
        self.forward = [e for e in self.model.equations if e.name in self.model.relevant]

    def holds(self, point: Point, rate: float, places: int) -> bool:
        """Whether nothing is saturated, every result shows two digits, and rounding to `places` as one goes changes no answer."""
        with np.errstate(all="ignore"):
            exact = self._exact(point, rate)
            return exact is not None and self._survives_rounding(point, rate, exact, places)

    def _exact(self, point: Point, rate: float) -> dict[Expr, Array] | None:
        """Every value, derivative and step; None as soon as one of them is not nice."""
        memo = dict(point.values)
        for e in self.forward:
            value = memo[e.symbol] = point.evaluate(e.value, dict(memo))
            if not (_is_open(e.value, point, memo) and _is_readable(value, self.decimals)):
                return None
            if e.contracts and len(np.unique(np.round(value, self.decimals))) < value.size:
                return None  # equal units would hide that one was taken for the other
        for adjoint in self.derivation:
            memo[adjoint.symbol] = point.evaluate(adjoint.named, dict(memo))
            if not _is_readable(memo[adjoint.symbol], self.decimals):
                return None
        for symbol in self.model.parameters:
            slope = memo[self.derivation.adjoint(symbol.name).symbol]
            if not slope.any() or not _is_readable(memo[symbol] - rate * slope, self.decimals):
                return None
        return memo

    def _survives_rounding(self, point: Point, rate: float, exact: dict[Expr, Array], places: int) -> bool:
        """Whether the same with every result rounded before it is used further comes out alike."""
        memo = dict(point.values)
        formulas = [(e.symbol, e.value) for e in self.forward] + [(a.symbol, a.named) for a in self.derivation]
        for symbol, formula in formulas:
            memo[symbol] = np.round(point.evaluate(formula, dict(memo)), places)
            if not _are_alike(exact[symbol], memo[symbol], self.decimals):
                return False
        return all(
            _are_alike(exact[s] - rate * exact[bar], np.round(memo[s] - rate * memo[bar], places), self.decimals)
            for s in self.model.parameters
            for bar in [self.derivation.adjoint(s.name).symbol]
        )


def _is_open(formula: Expr, point: Point, memo: Mapping[Expr, Array]) -> bool:
    """Whether no unit of an activation is saturated, or at a kink, also where its argument has no name: tanh(X @ W)."""
    return all(_is_unsaturated(part, point, memo) for part in parts_of(formula))


def _is_unsaturated(formula: Expr, point: Point, memo: Mapping[Expr, Array]) -> bool:
    if isinstance(formula, Softmax):
        value = np.exp(point.evaluate(formula.args[0], dict(memo)))
        return bool((value / value.sum(axis=formula.axis, keepdims=True) > LEAST_OUTPUT).all())
    if not isinstance(formula, Map) or len(formula.args) != 1:
        return True
    z = point.evaluate(formula.args[0], dict(memo))
    kind = type(formula.function)
    if kind is sigmoid:
        return bool((np.abs(z) < np.log(1 / LEAST_OUTPUT - 1)).all())
    if kind is sympy.tanh:
        return bool((np.abs(np.tanh(z)) < LARGEST_TANH).all())
    if kind in (relu, huber) or "relu" in kind.__name__:
        return bool((np.abs(z) > 0.1).all() and (z > 0).any())
    return True


def _is_readable(value: Array, decimals: int) -> bool:
    """Whether every number is of a moderate size, shows at least two digits if it is not 0, and is near no tie."""
    if not np.isfinite(value).all() or np.abs(value).max() > 100:
        return False
    scaled = value * 10.0**decimals
    is_tie = np.abs(np.abs(scaled - np.floor(scaled)) - 0.5) < NEAR_A_TIE * 10.0**decimals
    is_small = (np.abs(value) > 1e-12) & (np.abs(np.round(value, decimals)) < 9.5 * 10.0**-decimals)
    return not is_tie.any() and not is_small.any()


def _are_alike(exact: Array, carried: Array, decimals: int) -> bool:
    """Whether two numbers show the same decimals."""
    return bool((np.abs(np.round(exact, decimals) - np.round(carried, decimals)) < 10.0 ** -(decimals + 3)).all())


def _values(model: Model, point: Point, rate: float) -> Values:
    numbers = {s.name: point.values[s].tolist() for s in model.inputs if s in point.values}
    return given_values({**numbers, **point.hypers, "rate": rate}, model)


def _comes_out_alike(example: Worked, carried: int) -> bool:
    """The same once more in 50 digits: what was drawn in floating point is kept only if it holds there."""
    digits = example.digits
    rounded = replace(example, digits=Digits(carried, True, True))
    pairs = [(a.used, b.used) for a, b in zip(example.forward, rounded.forward, strict=True)]
    pairs += [(a.used, b.used) for (_, a), (_, b) in zip(example.backward, rounded.backward, strict=True)]
    pairs += [(a.after, b.after) for a, b in zip(example.updates, rounded.updates, strict=True)]
    numbers = [(x, y) for a, b in pairs for x, y in zip(a.flat, b.flat, strict=True)]
    for text in example.weights:
        one, other = example.single(text), rounded.single(text)
        numbers += [(one.total, other.total), (one.updated, other.updated)]
        for chain, twin in zip(one.chains, other.chains, strict=True):
            numbers += [(x, y) for (_, x), (_, y) in zip(chain.factors, twin.factors, strict=True)]
    if any(x and abs(x) < ALMOST_NOTHING for x, _ in numbers):
        return False  # what cancels is 0 on paper, and a rest of the fiftieth digit here
    return all(digits.rounded(x) == digits.rounded(y) for x, y in numbers)
