"""A derivation with numbers in it: every equation, every gradient, single weights and the update, at given values.

Numbers have 50 digits, so what is printed is right to its last digit. They are carried exactly, or every named result is
rounded before it is used further, as a hand would; a value given for a computed quantity takes the place of what the
formula gives. The exact numbers are kept beside in any case, and it is they that are compared with complex-step
differences: a rounded number has no oracle, its exact twin has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product
from math import prod
from pathlib import Path as File
from typing import Any

import mpmath
import numpy as np
import sympy

from symderiv.calculus.derivation import Adjoint, Derivation
from symderiv.calculus.expressions import Expr, Fill, Map, Symbol, functions_in, fused
from symderiv.calculus.formats import Writable
from symderiv.calculus.functions import Opaque, Scalar
from symderiv.calculus.model import Model
from symderiv.calculus.shapes import size_symbol
from symderiv.calculus.sweep import derive
from symderiv.errors import CheckFailed, ModelError
from symderiv.oracles.evaluation import Array, Point
from symderiv.oracles.gradients import DIGITS, WORKING_DIGITS, complex_step_in_digits, entry_by_entry
from symderiv.textbook.examples import Example
from symderiv.textbook.values import Matrix, Values, given_values, parse_values, read_values
from symderiv.views.digits import Digits
from symderiv.views.index import Entry, Place, first_index, replaced, value, values_of
from symderiv.views.paths import Factor, parse_weight, paths_from

MAX_CHAINS = 12
"""A weight that reaches the loss in more ways than this is not written out way by way."""
TOLERANCE = 30
"""Digits to which the exact gradients must agree with complex steps."""
ENTRY_BY_ENTRY = 20_000
"""Beyond this much work, complex steps go along random directions instead of entry by entry."""
LARGEST_BITS = 1000


@dataclass(frozen=True)
class Line:
    """A named quantity (or adjoint) with its formula: the exact number, what the formula gives here, what is used.

    found differs from exact where something before it was rounded or given; used differs from found where this is.
    """

    symbol: Symbol
    formula: Expr
    exact: Array
    found: Array
    used: Array
    given: bool = False


@dataclass(frozen=True)
class Chain:
    """One way from a weight to the loss: each local derivative with its number, and their product."""

    factors: tuple[tuple[Factor, Any], ...]
    product: Any


@dataclass(frozen=True)
class SingleWeight:
    """The derivative by one weight: the sum over `chains` (none if there are too many), and the weight's own update.

    updated: None without a learning rate, and for data.
    """

    weight: Entry
    position: tuple[int, int]
    chains: tuple[Chain, ...]
    total: Any
    before: Any
    updated: Any = None


@dataclass(frozen=True)
class Update:
    """One step of gradient descent: a parameter before and after it."""

    symbol: Symbol
    adjoint: Symbol
    before: Array
    after: Array
    exact: Array


@dataclass(frozen=True)
class Worked(Writable):
    """A worked example. `value`, `gradient` and `updated` give numbers, `to_html` and its siblings whole documents.

    >>> import symderiv as sd
    >>> model = sd.parse_model("x: (1, 1); w: (1, 1)\\nJ = (w * x - 1)**2")
    >>> example = sd.work(model, {"w": 2, "x": 3}, rate=0.1)
    >>> example.value("J"), example.gradient("w"), example.updated("w")
    (25.0, 30.0, -1.0)
    """

    derivation: Derivation
    values: Values
    digits: Digits = field(default_factory=Digits)
    rate: Any = None
    weights: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for equation in self.model.equations:
            for function in functions_in(equation.value):
                if isinstance(function, Opaque):
                    raise ModelError(
                        f"{equation.name} uses {function.letter}, of which only the name is known: it has no numbers",
                        "write a function such as tanh in its place",
                        equation.name,
                    )

    @cached_property
    def model(self) -> Model:
        """The part of the model that the loss depends on."""
        whole = self.derivation.model
        return Model(
            tuple(s for s in whole.inputs if s.name in whole.relevant),
            tuple(e for e in whole.equations if e.name in whole.relevant),
            whole.assumptions,
            whole.hypers,
            whole.title,
        )

    @cached_property
    def point(self) -> Point:
        """The given values, in many digits."""
        with mpmath.workdps(WORKING_DIGITS):
            inputs: dict[Expr, Array] = {s: _array(self.values.inputs[s.name]) for s in self.model.inputs}
            hypers = {name: _number(x) for name, x in self.values.hypers.items()}
            return Point(self.values.sizes, hypers, inputs, DIGITS)

    @cached_property
    def constants(self) -> dict[Scalar, Scalar]:
        """The numbers of the sizes and hyper-parameters, as SymPy scalars."""
        found: dict[Scalar, Scalar] = {size_symbol(name): sympy.Integer(k) for name, k in self.values.sizes.items()}
        known = self.values.hypers
        found |= {
            s: sympy.Rational(known[s.name].numerator, known[s.name].denominator)
            for s in self.model.hypers
            if s.name in known
        }
        return found

    def settled(self, expr: Expr) -> Expr:
        """The expression with the numbers of sizes and hyper-parameters in its scalars; matrices stay names."""
        args = tuple(map(self.settled, expr.args))
        if isinstance(expr, Map):
            return fused(expr.function.xreplace(self.constants), args)
        if isinstance(expr, Fill):
            return Fill(expr.value.xreplace(self.constants), expr.shape)
        return expr if args == expr.args else expr.rebuilt(args)

    @property
    def rate_number(self) -> Any:
        """The learning rate in many digits."""
        return _number(self.rate)

    @property
    def is_exact(self) -> bool:
        """Whether nothing is rounded or replaced on the way."""
        return not self.digits.carried and not self.values.overrides

    # Numbers

    @cached_property
    def exact(self) -> dict[Expr, Array]:
        """The exact value of every quantity and adjoint."""
        return self._run(lambda symbol, found: found)[0]

    @cached_property
    def differences(self) -> dict[str, tuple[list[Array], list[Any]]]:
        """For each gradient, complex-step differences entry by entry, or along the directions that are listed."""
        found: dict[str, tuple[list[Array], list[Any]]] = {}
        with mpmath.workdps(WORKING_DIGITS):
            amount = sum(self.exact[equation.symbol].size for equation in self.model.equations)
            for name in self.derivation.gradients:
                symbol = self.model.symbols[name]
                shape = self.point.values[symbol].shape
                slope = complex_step_in_digits(self.model, self.point, symbol)
                if prod(shape) * amount <= ENTRY_BY_ENTRY:
                    found[name] = [], list(entry_by_entry(slope, shape).flat)
                else:
                    draws = [np.random.default_rng(k).normal(size=shape) for k in range(3)]
                    directions = [np.asarray(draw, dtype=object) for draw in draws]
                    found[name] = directions, list(map(slope, directions))
        return found

    @cached_property
    def _used(self) -> tuple[dict[Expr, Array], dict[Expr, Array]]:
        return (self.exact, self.exact) if self.is_exact else self._run(self._kept)

    @property
    def used(self) -> dict[Expr, Array]:
        """The value of every quantity and adjoint as it is used here."""
        return self._used[0]

    def _kept(self, symbol: Symbol, found: Array) -> Array:
        if symbol.name in self.values.overrides and symbol.role == "value":
            return _array(self.values.overrides[symbol.name])
        return self.digits.round_all(found) if self.digits.carried else found

    def _run(self, kept: Callable[[Symbol, Array], Array]) -> tuple[dict[Expr, Array], dict[Expr, Array]]:
        """Forwards and backwards; `kept` is what goes on in place of what a formula gives. Returns kept, found."""
        with mpmath.workdps(WORKING_DIGITS):
            memo = dict(self.point.values)
            found: dict[Expr, Array] = {}
            formulas: list[tuple[Symbol, Expr]] = [(e.symbol, e.value) for e in self.model.equations]
            formulas += [(adjoint.symbol, adjoint.named) for adjoint in self.derivation]
            for symbol, formula in formulas:
                found[symbol] = self._evaluated(symbol, formula, memo)
                memo[symbol] = kept(symbol, found[symbol])
            return {symbol: memo[symbol] for symbol in (*self.point.values, *found)}, found

    def _evaluated(self, symbol: Symbol, formula: Expr, memo: Mapping[Expr, Array]) -> Array:
        try:
            number = np.array(self.point.evaluate(formula, dict(memo)), dtype=object)
            if all(isinstance(x, (mpmath.mpf, int)) and _is_moderate(x) for x in number.flat):
                return number
        except (ArithmeticError, ValueError, TypeError):  # log(0), 1/0, a root that is not real
            pass
        quantity = symbol.name.partition("_bar")
        what = f"the derivative with respect to {quantity[0]}" if quantity[1] else symbol.name
        hint = (
            "look for a logarithm or root of something that is not above 0, a division by zero, or a huge exponential"
        )
        if self.digits.carried:
            hint += "; a number that was rounded to 0 may be the cause: more digits would keep it"
        raise ModelError(
            f"at these values, {what} is not a finite real number",
            hint,
            symbol.name,
        )

    @cached_property
    def forward(self) -> tuple[Line, ...]:
        """Every equation, in order."""
        return tuple(self._line(e.symbol, e.value, e.name in self.values.overrides) for e in self.model.equations)

    @cached_property
    def backward(self) -> tuple[tuple[Adjoint, Line], ...]:
        """Every adjoint, from the loss backwards."""
        return tuple((adjoint, self._line(adjoint.symbol, adjoint.named)) for adjoint in self.derivation)

    def _line(self, symbol: Symbol, formula: Expr, given: bool = False) -> Line:
        used, found = self._used
        return Line(symbol, formula, self.exact[symbol], found[symbol], used[symbol], given)

    @cached_property
    def updates(self) -> tuple[Update, ...]:
        """The step of gradient descent for every parameter; none without a learning rate."""
        if self.rate is None:
            return ()
        found = []
        with mpmath.workdps(WORKING_DIGITS):
            for symbol in self.model.parameters:
                adjoint = self.derivation.adjoint(symbol.name).symbol
                before = self.used[symbol]
                after = before - self.rate_number * self.used[adjoint]
                exact = self.exact[symbol] - self.rate_number * self.exact[adjoint]
                kept = self.digits.round_all(after) if self.digits.carried else after
                found.append(Update(symbol, adjoint, before, kept, exact))
        return tuple(found)

    def single(self, text: str) -> SingleWeight:
        """One weight, `W1[2,1]`, with a number for every factor on every way from it to the loss.

        Raises: ModelError for no such weight; TooManyPaths.
        """
        weight = parse_weight(text, self.model)
        position = self._position(weight, text)
        assert isinstance(weight.matrix, Symbol)
        adjoint = self.derivation.adjoint(weight.matrix.name).symbol
        paths = paths_from(self.model, weight)
        count = sum(prod(len(list(values_of(index, self.point))) for index in path.indices) for path in paths)
        if count > MAX_CHAINS:
            return self._single(weight, position, (), self.used[adjoint][position])
        with mpmath.workdps(WORKING_DIGITS):
            chains = [self._chain(factors, self.used) for factors in self._concrete(weight)]
            exact = sum((self._chain(factors, self.exact).product for factors in self._concrete(weight)), mpmath.mpf(0))
            if not _agree(exact, self.exact[adjoint][position], np.abs(self.exact[adjoint]).max()):
                raise CheckFailed(
                    f"the chains of {text} come to {exact}, its gradient is {self.exact[adjoint][position]}"
                )
            total = sum((chain.product for chain in chains), mpmath.mpf(0))
        return self._single(weight, position, tuple(chains), self._carried(total))

    def _single(self, weight: Entry, position: tuple[int, int], chains: tuple[Chain, ...], total: Any) -> SingleWeight:
        before = self.used[weight.matrix][position]
        if self.rate is None or weight.matrix not in self.model.parameters:
            return SingleWeight(weight, position, chains, total, before)
        with mpmath.workdps(WORKING_DIGITS):
            return SingleWeight(
                weight, position, chains, total, before, self._carried(before - self.rate_number * total)
            )

    def _carried(self, number: Any) -> Any:
        """A single number, rounded where named results are."""
        return self.digits.round_all(np.array([number], dtype=object))[0] if self.digits.carried else number

    def _concrete(self, weight: Entry) -> Iterator[tuple[Factor, ...]]:
        """The paths of a weight with a number for every index."""
        for path in paths_from(self.model, weight):
            for numbers in product(*(values_of(index, self.point) for index in path.indices)):
                places: dict[Place, Place] = dict(zip(path.indices, numbers, strict=True))
                yield tuple(
                    Factor(_entry(f.top, places), _entry(f.bottom, places), replaced(f.value, places))
                    for f in path.factors
                )

    def _chain(self, factors: tuple[Factor, ...], known: Mapping[Expr, Array]) -> Chain:
        numbers = [mpmath.mpf(value(factor.value, self.point, known, {})) for factor in factors]
        return Chain(tuple(zip(factors, numbers, strict=True)), mpmath.fprod(numbers))

    def _position(self, weight: Entry, text: str) -> tuple[int, int]:
        position = []
        for size, place in zip(weight.matrix.shape, (weight.row, weight.column), strict=True):
            number = place - first_index(size) if isinstance(place, int) else 0
            if number >= size.value(self.values.sizes):
                last = size.value(self.values.sizes) - 1 + first_index(size)
                raise ModelError(f"there is no {text}: with these values an index of it ends at {last}")
            position.append(number)
        return position[0], position[1]

    # For Python

    def value(self, name: str) -> Any:
        """The value of a quantity: a float if it is one number, else an array.

        Raises: ModelError if nothing has that name.
        """
        if name not in self.model.symbols:
            raise ModelError(f"there is no value {name}", f"there is {', '.join(self.model.symbols)}")
        return _plain(self.used[self.model.symbols[name]])

    def gradient(self, name: str) -> Any:
        """The derivative of the loss with respect to a quantity: a float if it is one number, else an array."""
        return _plain(self.used[self.derivation.adjoint(name).symbol])

    def updated(self, name: str) -> Any:
        """A parameter after the step of gradient descent: a float if it is one number, else an array."""
        for update in self.updates:
            if update.symbol.name == name:
                return _plain(update.after)
        if self.rate is None:
            raise ModelError("there is no update without a learning rate", "give one: rate=0.1")
        raise ModelError(f"{name} is no parameter", f"there is {', '.join(s.name for s in self.model.parameters)}")

    def to_html(self, **options: Any) -> str:
        """One self-contained page with MathML; options: title, about."""
        return str(self.write("html", **options))

    def to_markdown(self, **options: Any) -> str:
        """Markdown with `$` mathematics; options: title, about."""
        return str(self.write("md", **options))

    def to_text(self, **options: Any) -> str:
        """Plain text, as in a terminal."""
        return str(self.write("text", **options))

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/html": self.write("notebook"), "text/plain": self.write("text")}


def work(
    model: Model | Derivation,
    values: Values | Mapping[str, Any] | str | File,
    *,
    rate: float | None = None,
    digits: int = 6,
    decimals: int | None = None,
    rounded: bool = False,
    settings: Sequence[str] = (),
    weights: Sequence[str] = (),
) -> Worked:
    """Put numbers into a derivation: every step as formula, substituted, result.

    values: a mapping from names to numbers and arrays, or the text or the file that says the same (see
    `symderiv.textbook.values`); settings: lines that add to it or replace some of it, `"beta1 = [0.5, 0.999]"`;
    rate: the learning rate; digits: significant digits in print, decimals: decimals instead; rounded: every named result
    is rounded to them before it is used further; weights: the single weights to show, `"W1[2,1]"`.
    Raises: ModelError for values that do not fit; CheckFailed if a gradient disagrees with complex-step differences.
    """
    derivation = model if isinstance(model, Derivation) else derive(model)
    if isinstance(values, Values):
        read = values
    elif isinstance(values, Mapping):
        read = given_values(values, derivation.model, settings)
    elif isinstance(values, str) and ("=" in values or "\n" in values or not values.strip()):
        read = parse_values(values, derivation.model, settings=settings)
    else:
        read = read_values(values, derivation.model, settings)
    if rate is not None:
        _check_rate(rate)
    chosen = Digits(digits if decimals is None else decimals, decimals is not None, rounded)
    example = Worked(derivation, read, chosen, read.rate if rate is None else rate, tuple(weights))
    check_worked(example)
    for text in example.weights:
        example.single(text)
    return example


def work_example(example: Example, derivation: Derivation) -> tuple[Worked, Worked | None] | None:
    """A shipped example at its values, and once more with the roundings of its source; None if it has no values."""
    if not example.values_path.exists():
        return None
    exact = work(derivation, example.values_path, weights=example.weights)
    if not example.by_hand:
        return exact, None
    return exact, work(derivation, example.values_path, settings=example.by_hand, rounded=True, weights=example.weights)


def _check_rate(rate: Any) -> None:
    if isinstance(rate, bool) or not isinstance(rate, (int, float)) or not 1e-30 < abs(rate) < 1e30:
        raise ModelError(f"the learning rate {rate} is no number to work with", "give a number such as 0.1")


def check_worked(example: Worked) -> None:
    """Compare the exact gradients with complex-step differences of the forward pass, at the given values.

    Raises: CheckFailed naming the gradient that is wrong.
    """
    with mpmath.workdps(WORKING_DIGITS):
        for name in example.derivation.gradients:
            found = example.exact[example.derivation.adjoint(name).symbol]
            directions, truth = example.differences[name]
            own = [(found * d).sum() for d in directions] if directions else list(found.flat)
            scale = np.abs(found).max()
            if len(own) != len(truth) or not all(_agree(x, y, scale) for x, y in zip(own, truth, strict=True)):
                raise CheckFailed(f"the numbers of the gradient of {name} differ from complex-step differences")


def _agree(found: Any, truth: Any, scale: Any) -> bool:
    return bool(abs(found - truth) <= mpmath.mpf(10) ** -TOLERANCE * (scale + mpmath.mpf(10) ** -TOLERANCE))


def _entry(entry: Entry, places: Mapping[Place, Place]) -> Entry:
    return Entry(entry.matrix, places.get(entry.row, entry.row), places.get(entry.column, entry.column))


def _number(x: Any) -> Any:
    """A fraction or float as it is written in decimals, in many digits."""
    with mpmath.workdps(WORKING_DIGITS):
        return mpmath.mpf(repr(x)) if isinstance(x, float) else mpmath.mpf(x.numerator) / x.denominator


def _array(rows: Matrix) -> Array:
    return np.array([[_number(x) for x in row] for row in rows], dtype=object)


def _is_moderate(x: Any) -> bool:
    return bool(mpmath.isfinite(x)) and (not x or mpmath.mag(x) < LARGEST_BITS)


def _plain(matrix: Array) -> Any:
    return float(matrix.item()) if matrix.size == 1 else np.array(matrix, dtype=float)
