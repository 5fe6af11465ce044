"""Gradients by other ways than ours: differences of the forward pass, and SymPy differentiating the explicit network.

A difference asks for one direction at a time (`Slope`), SymPy gives every entry at once. Nothing in here looks at a
pullback, a rewrite or a slope of `calculus.functions`. PyTorch and JAX are in `autodiff`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
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

DIGITS = 50
WORKING_DIGITS = 2 * DIGITS + 10  # a complex step of 10^-55 must not be lost beside the value
PLAIN_LIMIT = 300_000
"""Beyond this many operations times entries, SymPy takes ten seconds or more for one nested formula and is not run."""

Slope = Callable[[Array], Any]
"""The derivative of the loss when a matrix moves along a direction of its shape."""


def complex_step(model: Model, point: Point, wrt: Symbol) -> Slope:
    """dJ/dW along E by Im J(W + i h E) / h: exact to rounding, for there is no difference to cancel.

    Source: Squire and Trapp 1998.
    """
    h, loss = 1e-30, _moved_loss(model, point, wrt)
    return lambda direction: float(np.imag(loss(1j * h * direction))) / h


def central_differences(model: Model, point: Point, wrt: Symbol) -> Slope:
    """dJ/dW along E by (J(W + h E) - J(W - h E)) / 2h, in 50 digits with h = 10^-20: real numbers alone.

    In float64 the best h leaves a relative error of about 1e-10, and is so wide that it steps over a kink of ReLU now
    and then. With 50 digits the truncation is about h^2 = 1e-40 and the cancellation about 1e-30.
    """
    h, loss = mpmath.mpf(10) ** -20, _moved_loss(model, point, wrt)
    return lambda direction: (loss(h * _exact(direction)) - loss(-h * _exact(direction))) / (2 * h)


def complex_step_in_digits(model: Model, point: Point, wrt: Symbol) -> Slope:
    """The complex step in more than 50 digits, which a closed form evaluated in 50 digits is compared with."""
    h, loss = mpmath.mpf(10) ** -(DIGITS + 5), _moved_loss(model, point, wrt)
    return lambda direction: mpmath.im(loss(mpmath.mpc(0, h) * _exact(direction))) / h


def entry_by_entry(slope: Slope, shape: tuple[int, int]) -> Array:
    """The gradient of that shape, from one slope an entry."""
    found: list[Any] = []
    for place in np.ndindex(shape):
        direction = np.zeros(shape)
        direction[place] = 1.0
        found.append(slope(direction))
    return np.array(found).reshape(shape)


def _exact(direction: Array) -> Array:
    """Floats as mpmath numbers of the same value."""
    return np.asarray(np.frompyfunc(mpmath.mpf, 1, 1)(direction), dtype=object)


def _moved_loss(model: Model, point: Point, wrt: Symbol) -> Callable[[Array], Any]:
    """The loss as a function of what is added to `wrt`; what does not depend on `wrt` is evaluated once."""
    affected = model.affected_by(wrt)
    moved = {wrt, *(equation.symbol for equation in affected)}
    known: dict[Expr, Array] = {symbol: value for symbol, value in point.run(model).items() if symbol not in moved}

    def loss(change: Array) -> Any:
        memo = {**known, wrt: point.values[wrt] + change}
        for equation in affected:
            memo[equation.symbol] = point.evaluate(equation.value, memo)
        return memo[model.loss.symbol].item()

    return loss


Entries = list[list[Any]]


def entrywise_sympy(model: Model, point: Point, wrt: Sequence[Symbol]) -> dict[Symbol, Array]:
    """dJ/dW for every W by writing the network out entry by entry and letting SymPy differentiate each entry.

    Every entry of every quantity and node is a SymPy symbol of its own; SymPy differentiates the scalar formula of each
    entry by each symbol in it, and the total derivatives are added up from the inputs forwards. This shares neither
    rules nor direction with the sweep. (One nested formula for the whole loss is SymPy alone, but takes seconds: see
    `plain_sympy`.)
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


def plain_sympy(model: Model, point: Point, wrt: Sequence[Symbol]) -> dict[Symbol, Array] | None:
    """dJ/dW for every W with nothing but SymPy: the whole loss as one formula in the entries of all inputs, `diff` by
    each entry, `lambdify` with common subexpressions. No chain rule of ours is anywhere in it.

    None where that would take more than ten seconds (PLAIN_LIMIT).
    """
    formulas, names = explicit_network(model, point)
    own = [name for symbol in wrt for row in names[symbol] for name in row]
    if _operations(formulas) * len(own) > PLAIN_LIMIT:
        return None
    nested: dict[sympy.Symbol, sympy.Expr] = {}
    for name, formula in formulas:
        nested[name] = formula.xreplace(nested)
    loss = nested[names[model.loss.symbol][0][0]]
    inputs = {name: float(x) for s in model.inputs for name, x in _named(names[s], point.values[s])}
    modules = [{"step": lambda x: float(x > 0)}, "math"]
    slopes = sympy.lambdify(
        list(inputs),
        [sympy.diff(loss, name) for name in own],
        modules=modules,
        cse=partial(sympy.cse, order="none", list=False),  # no canonical order, and
        docstring_limit=0,  # no docstring with all of it in print: that halves the time
    )
    numbers = iter(slopes(*inputs.values()))
    return {s: np.array([[float(next(numbers)) for _ in row] for row in names[s]]) for s in wrt}


def _operations(formulas: Formulas) -> int:
    """The nodes of the last formula once every name is replaced by its own formula, without writing that out."""
    counts: dict[Any, int] = {}
    for name, formula in formulas:
        counts[name] = sum(counts.get(node, 1) for node in sympy.preorder_traversal(formula))
    return counts[formulas[-1][0]]


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
