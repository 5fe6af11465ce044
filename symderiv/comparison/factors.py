"""An elementwise expression as a constant times powers of factors, with the slopes of activations recognised in it.

`2 A2 (1 - A2) (A2 - Y) / n` is 2/n times the slope of `A2 = sigmoid(Z2)` times `A2 - Y`. In this form two gradients can be
laid over each other: what both have is shared, and what is left is the ratio.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import sympy

from symderiv.calculus.expressions import Broadcast, Expr, Fill, Map, Symbol, fused, symbols_in
from symderiv.calculus.functions import Scalar, has_entries, placeholder
from symderiv.calculus.model import Model
from symderiv.calculus.pullbacks import PULLBACKS
from symderiv.calculus.shapes import Shape

Powers = Mapping[Expr, Scalar]


@dataclass(frozen=True)
class Slope:
    """The slope of one activation `A = g(Z)`: its function, and its value through A where it has one."""

    A: Symbol
    Z: Symbol
    function: Scalar
    value: Expr

    @cached_property
    def symbol(self) -> Symbol:
        """The name that stands for it among factors: equal for equal functions of the same pre-activation."""
        return Symbol(f"{type(self.function).__name__}'({self.Z.name})", self.A.shape, "slope")

    @cached_property
    def factored(self) -> Factored:
        """Its value as a constant and factors."""
        return factored(self.value)


def slopes_of(model: Model) -> tuple[Slope, ...]:
    """The slope of every activation of one pre-activation, in order."""
    found = []
    for equation in model.equations:
        node = equation.value
        if not (isinstance(node, Map) and len(node.args) == 1 and isinstance(node.function, sympy.Function)):
            continue
        (Z,) = node.args
        if isinstance(Z, Symbol):
            (value,) = PULLBACKS[Map](Fill(1, node.shape), node, equation.symbol)
            found.append(Slope(equation.symbol, Z, node.function, value))
    return tuple(found)


@dataclass(frozen=True)
class Factored:
    """`constant` times the product of the factors to their powers."""

    constant: Scalar
    powers: dict[Expr, Scalar]
    shape: Shape

    def __truediv__(self, other: Factored) -> Factored:
        """The ratio, with what both have cancelled."""
        powers = dict(self.powers)
        for factor, power in other.powers.items():
            powers[factor] = powers.get(factor, sympy.Integer(0)) - power
        return Factored(self.constant / other.constant, _nonzero(powers), self.shape)

    def shared_with(self, others: Iterable[Factored]) -> Factored:
        """The factors that all of them have; the constants stay with each."""
        powers = dict(self.powers)
        for other in others:
            for factor, power in powers.items():
                theirs = other.powers.get(factor, sympy.Integer(0))
                powers[factor] = _common(power, theirs)
        return Factored(sympy.Integer(1), _nonzero(powers), self.shape)

    def product(self) -> Expr:
        """The expression again."""
        scalar, args = self.constant, list[Expr]()
        for factor, power in self.powers.items():
            scalar *= placeholder(len(args)) ** power
            args.append(Broadcast(factor, self.shape))
        return fused(scalar, tuple(args)) if args else Fill(scalar, self.shape)

    def with_slopes(self, slopes: Iterable[Slope]) -> Factored:
        """The same with every slope that it holds whole, above or below the line, as one factor."""
        powers, constant = dict(self.powers), self.constant
        for slope in slopes:
            own = slope.factored.powers
            for sign in (1, -1):
                if own and all(sign * powers.get(f, 0) >= p for f, p in own.items()):
                    for factor, power in own.items():
                        powers[factor] -= sign * power
                    powers[slope.symbol] = powers.get(slope.symbol, sympy.Integer(0)) + sign
                    constant /= slope.factored.constant**sign
        return Factored(constant, _nonzero(powers), self.shape)


def factored(expr: Expr) -> Factored:
    """An expression as factors; one that is no product is its only factor."""
    if isinstance(expr, Fill):
        return Factored(expr.value, {}, expr.shape)
    if not isinstance(expr, Map):
        return Factored(sympy.Integer(1), {expr: sympy.Integer(1)}, expr.shape)
    constant, powers = sympy.Integer(1), dict[Expr, Scalar]()
    for part in sympy.Mul.make_args(expr.function):
        if not has_entries(part):
            constant *= part
            continue
        base, power = part.as_base_exp() if not isinstance(part, sympy.exp) else (part, sympy.Integer(1))
        if not power.is_number:
            base, power = part, sympy.Integer(1)
        if isinstance(base, sympy.Add) and power.is_integer:
            content, base = base.primitive()
            constant *= content**power
        factor = _in_order(base, expr)
        if isinstance(factor, Map) and power.is_integer and _is_turned(factor):
            constant, factor = constant * (-1) ** power, fused(-factor.function, factor.args)
        powers[factor] = powers.get(factor, sympy.Integer(0)) + power
    return Factored(constant, _nonzero(powers), expr.shape)


def _in_order(function: Scalar, expr: Map) -> Expr:
    """One factor of an elementwise function as an expression, its parts in an order that does not depend on the rest."""
    own = [i for i in range(len(expr.args)) if placeholder(i) in function.free_symbols]
    own.sort(key=lambda i: (_is_data(expr.args[i]), repr(expr.args[i])))
    places = {placeholder(i): placeholder(k) for k, i in enumerate(own)}
    return fused(function.xreplace(places), tuple(expr.args[i] for i in own))


def _is_data(expr: Expr) -> bool:
    return all(symbol.role == "data" for symbol in symbols_in(expr))


def _is_turned(factor: Map) -> bool:
    """Whether a difference stands the other way round: Y - A for A - Y, the data first."""
    terms = factor.function.args
    if not isinstance(factor.function, sympy.Add) or len(terms) != 2 or any(t.is_number for t in terms):
        return False
    return bool(factor.function.coeff(placeholder(0)) == -1)


def _common(power: Scalar, other: Scalar) -> Scalar:
    """The power that two have in common: none if a factor stands above the line in one and below it in the other."""
    if power * other <= 0:
        return sympy.Integer(0)
    return min(power, other) if power > 0 else max(power, other)


def _nonzero(powers: Mapping[Expr, Scalar]) -> dict[Expr, Scalar]:
    return {factor: power for factor, power in powers.items() if power != 0}


def is_plain(expr: Factored) -> bool:
    """Whether every factor is elementwise work on named values: then a ratio of it says something."""

    def named(part: Expr) -> bool:
        return isinstance(part, Symbol) or (isinstance(part, Broadcast) and isinstance(part.args[0], Symbol))

    return all(named(f) or (isinstance(f, Map) and all(map(named, f.args))) for f in expr.powers)
