"""Gradients by other ways than ours: complex-step differences, and SymPy differentiating the explicit network."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import mpmath
import numpy as np
import sympy

from symderiv.calculus.expressions import (
    Augment,
    Broadcast,
    DropFirst,
    Expr,
    Fill,
    Map,
    MatMul,
    Softmax,
    Sum,
    Symbol,
    Transpose,
)
from symderiv.calculus.functions import Elementwise, Opaque, placeholder, step
from symderiv.calculus.model import Model
from symderiv.calculus.shapes import size_symbol
from symderiv.oracles.evaluation import OPAQUE_ARGUMENT as _x
from symderiv.oracles.evaluation import Array, Point, stand_in


def complex_step(model: Model, point: Point, wrt: Symbol) -> Array:
    """dJ/dW by J(W + i h E) / h for every entry E: exact to rounding, for there is no difference to cancel.

    Shapes: that of `wrt`. Source: Squire and Trapp 1998.
    """
    slope = _slope_along(model, point, wrt)
    result = np.zeros(point.values[wrt].shape, dtype=object if point.digits else float)
    for place in np.ndindex(result.shape):
        direction = np.zeros(result.shape, dtype=result.dtype)
        direction[place] = 1
        result[place] = slope(direction)
    return result


def complex_step_along(model: Model, point: Point, wrt: Symbol, direction: Array) -> Any:
    """The derivative of the loss when `wrt` moves along `direction`, by one complex step."""
    return _slope_along(model, point, wrt)(direction)


def _slope_along(model: Model, point: Point, wrt: Symbol) -> Callable[[Array], Any]:
    """The derivative along a direction; what does not depend on `wrt` is evaluated once.

    At a point in many digits the step is as small as those digits ask for, and the result is exact to all of them.
    """
    h = mpmath.mpf(10) ** -(point.digits + 5) if point.digits else 1e-30
    unit = mpmath.mpc(0, h) if point.digits else 1j * h
    affected = model.affected_by(wrt)
    moved = {wrt, *(equation.symbol for equation in affected)}
    known: dict[Expr, Array] = {symbol: value for symbol, value in point.run(model).items() if symbol not in moved}

    def slope(direction: Array) -> Any:
        memo = {**known, wrt: point.values[wrt] + unit * direction}
        for equation in affected:
            memo[equation.symbol] = point.evaluate(equation.value, memo)
        loss = memo[model.loss.symbol].item()
        return loss.imag / h

    return slope


Entries = list[list[Any]]


def entrywise_sympy(model: Model, point: Point, wrt: Sequence[Symbol]) -> dict[Symbol, Array]:
    """dJ/dW for every W by writing the network out entry by entry and letting SymPy differentiate each entry.

    Every entry of every quantity and node is a SymPy symbol of its own; SymPy differentiates the scalar formula of each
    entry by each symbol in it, and the total derivatives are added up from the inputs forwards. This shares neither
    rules nor direction with the sweep. (One nested formula for the whole loss would be SymPy alone, but takes seconds;
    the tests do that at the smallest sizes.)
    """
    formulas, names = explicit_network(model, point, every_node=True)
    memo = point.run(model)
    values = {name: float(x) for expr, own in names.items() for name, x in _named(own, point.evaluate(expr, memo))}
    local = [(top, bottom, sympy.diff(f, bottom)) for top, f in formulas for bottom in sorted(f.free_symbols, key=str)]
    order = list(values)
    numbers = sympy.lambdify(order, [slope for _, _, slope in local], modules=[{"step": lambda x: x > 0}, "mpmath"])(
        *values.values()
    )
    place = {name: k for k, name in enumerate(name for symbol in wrt for row in names[symbol] for name in row)}
    totals = {name: np.eye(len(place))[k] for name, k in place.items()}
    for (top, bottom, _), slope in zip(local, numbers, strict=True):
        if bottom in totals:
            totals[top] = totals.get(top, 0) + float(slope) * totals[bottom]
    gradient = totals.get(names[model.loss.symbol][0][0], np.zeros(len(place)))
    return {symbol: np.array([[gradient[place[name]] for name in row] for row in names[symbol]]) for symbol in wrt}


Formulas = list[tuple[sympy.Symbol, sympy.Expr]]


def explicit_network(model: Model, point: Point, *, every_node: bool = False) -> tuple[Formulas, dict[Expr, Entries]]:
    """The formula of every entry, in order, and the names of the entries of every quantity.

    every_node: the nodes inside an equation get names of their own too, so that every formula is one step long.
    """
    constants: dict[Any, Any] = {size_symbol(name): sympy.Integer(size) for name, size in point.sizes.items()}
    constants |= {symbol: sympy.Float(point.hypers[symbol.name]) for symbol in model.hypers}
    names: dict[Expr, Entries] = {}
    formulas: Formulas = []

    def named(expr: Expr, name: str) -> Entries:
        rows, columns = point.shape(expr.shape)
        names[expr] = [[sympy.Symbol(f"{name}_{i}_{j}") for j in range(columns)] for i in range(rows)]
        return names[expr]

    found: dict[Expr, Entries] = {symbol: named(symbol, symbol.name) for symbol in model.symbols.values()}

    def explicit(expr: Expr) -> Entries:
        if expr not in found:
            value = EXPLICIT[type(expr)](point, constants, expr, *map(explicit, expr.args))
            if every_node and not isinstance(expr, Fill):
                formulas.extend(_named(named(expr, f"_{len(names)}"), np.array(value, dtype=object)))
                value = names[expr]
            found[expr] = value
        return found[expr]

    for e in (equation for equation in model.equations if equation.name in model.relevant):
        value = np.array(explicit(e.value), dtype=object)
        formulas.extend(_named(names[e.symbol], value))
    return formulas, names


def _named(names: Entries, values: Array) -> list[tuple[sympy.Symbol, Any]]:
    return [(names[i][j], values[i, j]) for i, j in np.ndindex(values.shape)]


@cache
def _entry(scalar: sympy.Expr) -> sympy.Expr:
    """A scalar function in what SymPy can differentiate itself: definitions instead of our functions and slopes."""
    while scalar.atoms(Elementwise) - scalar.atoms(step):
        scalar = scalar.replace(
            lambda e: isinstance(e, Elementwise) and not isinstance(e, step), lambda e: e.definition
        )
    return scalar.replace(lambda e: isinstance(e, Opaque), lambda e: stand_in(type(e)).xreplace({_x: e.args[0]}))


def _map(point: Point, constants: Mapping[Any, Any], expr: Map, *args: Entries) -> Entries:
    function = _entry(expr.function).xreplace(constants)
    rows, columns = point.shape(expr.shape)
    places = [placeholder(k) for k in range(len(args))]
    return [
        [function.xreplace({p: a[i][j] for p, a in zip(places, args, strict=True)}) for j in range(columns)]
        for i in range(rows)
    ]


def _matmul(point: Point, constants: Mapping[Any, Any], expr: Expr, a: Entries, b: Entries) -> Entries:
    return [[sympy.Add(*(x * row[j] for x, row in zip(left, b, strict=True))) for j in range(len(b[0]))] for left in a]


def _flipped(a: Entries) -> Entries:
    return [list(column) for column in zip(*a, strict=True)]


def _along(axis: int, rows: Callable[[Entries], Entries], a: Entries) -> Entries:
    """Work down the rows of `a` for axis 0, of its transpose for axis 1."""
    return rows(a) if axis == 0 else _flipped(rows(_flipped(a)))


def _softmax_down(a: Entries) -> Entries:
    sums = [sympy.Add(*map(sympy.exp, column)) for column in _flipped(a)]
    return [[sympy.exp(x) / total for x, total in zip(row, sums, strict=True)] for row in a]


def _broadcast(point: Point, constants: Mapping[Any, Any], expr: Expr, a: Entries) -> Entries:
    rows, columns = point.shape(expr.shape)
    wide = [row * columns if len(row) == 1 else row for row in a]
    return wide * rows if len(wide) == 1 else wide


def _fill(point: Point, constants: Mapping[Any, Any], expr: Fill) -> Entries:
    rows, columns = point.shape(expr.shape)
    return [[expr.value.xreplace(constants)] * columns for _ in range(rows)]


def _given(point: Point, constants: Mapping[Any, Any], expr: Symbol) -> Entries:
    raise LookupError(f"{expr.name} has no entries yet")


EXPLICIT: Mapping[type[Expr], Callable[..., Entries]] = {
    Symbol: _given,
    Fill: _fill,
    MatMul: _matmul,
    Transpose: lambda point, constants, e, a: _flipped(a),
    Map: _map,
    Sum: lambda point, constants, e, a: _along(e.axis, lambda r: [[sympy.Add(*c) for c in _flipped(r)]], a),
    Broadcast: _broadcast,
    Softmax: lambda point, constants, e, a: _along(e.axis, _softmax_down, a),
    Augment: lambda point, constants, e, a: _along(e.axis, lambda r: [[sympy.Integer(1)] * len(r[0]), *r], a),
    DropFirst: lambda point, constants, e, a: _along(e.axis, lambda r: r[1:], a),
}
