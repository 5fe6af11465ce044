"""The value of an expression at a point, in ordinary complex numbers or in many digits.

This is how oracles look at a model: forward only. A scalar function is evaluated through its definition in primitives
(`Elementwise.definition`), never through its slope, so nothing here can inherit a wrong rule.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
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
from symderiv.calculus.functions import Elementwise, Opaque, Scalar, placeholder, step
from symderiv.calculus.model import Model
from symderiv.calculus.shapes import Size
from symderiv.errors import ModelError

Array = np.ndarray[Any, Any]


def _real(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A function of the real part alone: for the primitives with a kink, so that a complex step passes through."""
    return lambda x: function(x.real)


LARGEST_EXPONENT = 10**30


def _exp(x: Any) -> Any:
    """e^x in many digits; of a number that is itself an exponential it would take more memory than there is."""
    if abs(x) > LARGEST_EXPONENT:
        raise OverflowError("the exponential of a huge number")
    return mpmath.exp(x)


PRIMITIVES: dict[type[sympy.Function], tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    sympy.exp: (np.exp, _exp),
    sympy.log: (np.log, mpmath.log),
    sympy.tanh: (np.tanh, mpmath.tanh),
    sympy.sin: (np.sin, mpmath.sin),
    sympy.cos: (np.cos, mpmath.cos),
    step: (_real(lambda x: np.where(x > 0, 1.0, 0.0)), _real(lambda x: mpmath.mpf(1 if x > 0 else 0))),
}
"""Each primitive in complex float64 and in mpmath."""


@dataclass
class Point:
    """Numbers for everything a model leaves open: sizes, hyper-parameters, inputs. `digits` > 0 means mpmath."""

    sizes: Mapping[str, int]
    hypers: Mapping[str, Any]
    values: dict[Expr, Array]
    digits: int = 0

    def number(self, scalar: Scalar) -> Any:
        """A scalar without placeholders."""
        return self.scalar(scalar, [])

    def scalar(self, scalar: Scalar, args: list[Array]) -> Any:
        """A scalar function, entry by entry, of the arguments that its placeholders stand for."""
        places = {placeholder(i): arg for i, arg in enumerate(args)}

        def value(e: Scalar) -> Any:
            if e in places:
                return places[e]
            if e.is_Number or e.is_NumberSymbol:
                if e.is_NumberSymbol:
                    return mpmath.mpf(str(sympy.N(e, 2 * self.digits + 20))) if self.digits else float(e)
                return (
                    mpmath.mpf(e.p) / e.q
                    if self.digits and e.is_Rational
                    else mpmath.mpf(str(e))
                    if self.digits
                    else float(e)
                )
            if e.is_Symbol:
                known = self.sizes[e.name] if e.is_integer else self.hypers[e.name]
                return mpmath.mpf(known) if self.digits else known
            if isinstance(e, sympy.Add):
                return sum(map(value, e.args[1:]), value(e.args[0]))
            if isinstance(e, sympy.Mul):
                product = value(e.args[0])
                for factor in e.args[1:]:
                    product = product * value(factor)
                return product
            if isinstance(e, sympy.exp):
                return self.primitive(sympy.exp, value(e.args[0]))
            if isinstance(e, sympy.Pow):
                exponent = e.exp
                return value(e.base) ** (int(exponent) if exponent.is_Integer else value(exponent))
            if isinstance(e, Elementwise) and not isinstance(e, step):
                return value(e.definition)
            if isinstance(e, Opaque):
                return value(stand_in(type(e)).xreplace({OPAQUE_ARGUMENT: e.args[0]}))
            return self.primitive(type(e), value(e.args[0]))

        return value(scalar)

    def primitive(self, kind: type[sympy.Function], x: Any) -> Any:
        """One of PRIMITIVES, entry by entry."""
        exact = PRIMITIVES[kind][1]
        if not self.digits:
            return PRIMITIVES[kind][0](np.asarray(x))
        return np.frompyfunc(exact, 1, 1)(x) if isinstance(x, np.ndarray) else exact(x)

    def shape(self, shape: tuple[Size, Size]) -> tuple[int, int]:
        return shape[0].value(self.sizes), shape[1].value(self.sizes)

    def evaluate(self, expr: Expr, memo: dict[Expr, Array] | None = None) -> Array:
        """The matrix that the expression stands for at this point; `memo` keeps the values of shared parts."""
        memo = {} if memo is None else memo
        if expr not in memo:
            memo[expr] = self.node(expr, *(self.evaluate(arg, memo) for arg in expr.args))
        return memo[expr]

    def node(self, expr: Expr, *args: Array) -> Array:
        """The value of one node from the values of its parts."""
        return EVALUATE[type(expr)](self, expr, *args)

    def run(self, model: Model) -> dict[Expr, Array]:
        """The forward pass: every named value of the model, inputs included."""
        memo = dict(self.values)
        for equation in model.equations:
            memo[equation.symbol] = self.evaluate(equation.value, memo)
        return {symbol: memo[symbol] for symbol in model.symbols.values()}


OPAQUE_ARGUMENT = sympy.Symbol("x", real=True)


def stand_in(kind: type[Opaque]) -> Scalar:
    """A fixed smooth, positive function (or its derivative) in place of an opaque one; other letters get others."""
    x = OPAQUE_ARGUMENT
    shift = sympy.Rational(zlib.crc32(kind.letter.encode()) % 97, 50)
    return sympy.diff(2 + sympy.sin(x + shift) + x**2 / 7 + sympy.tanh(x) / 3, x, kind.order)


def _fill(point: Point, expr: Fill) -> Array:
    value = point.number(expr.value)
    if point.digits:
        return np.full(point.shape(expr.shape), value, dtype=object)
    return np.full(point.shape(expr.shape), float(value))


def _map(point: Point, expr: Map, *args: Array) -> Array:
    return np.broadcast_to(point.scalar(expr.function, list(args)), args[0].shape)


def _softmax(point: Point, expr: Softmax, z: Array) -> Array:
    e = point.primitive(sympy.exp, z)
    shares: Array = e / e.sum(axis=expr.axis, keepdims=True)
    return shares


def _augment(point: Point, expr: Augment, a: Array) -> Array:
    ones = np.ones_like(a.take([0], axis=expr.axis))
    return np.concatenate([ones, a], axis=expr.axis)


EVALUATE: Mapping[type[Expr], Callable[..., Array]] = {
    Symbol: lambda point, e: point.values[e],
    Fill: _fill,
    MatMul: lambda point, e, a, b: a @ b,
    Transpose: lambda point, e, a: a.T,
    Map: _map,
    Sum: lambda point, e, a: a.sum(axis=e.axis, keepdims=True),
    Broadcast: lambda point, e, a: np.broadcast_to(a, point.shape(e.shape)),
    Softmax: _softmax,
    Augment: _augment,
    DropFirst: lambda point, e, a: a[1:] if e.axis == 0 else a[:, 1:],
}


def distinct_sizes(model: Model) -> dict[str, int]:
    """Pairwise distinct values for the size names, distinct from the numbers that stand in shapes as well.

    With equal sizes a lost transpose, a lost 1/n or a factor 2 can hide; 1 hides everything.
    """
    taken = {1} | {s.value({}) for symbol in model.symbols.values() for s in symbol.shape if not s.name}
    sizes: dict[str, int] = {}
    for name in model.sizes:
        sizes[name] = next(k for k in range(2, 1000) if k not in taken)
        taken.add(sizes[name])
    return sizes


def sizes_from_the_loss(model: Model) -> dict[str, int]:
    """The numbers of `distinct_sizes`, the smallest for the sizes nearest the loss: in one nested formula, the sizes of
    a layer multiply with those of all layers behind it."""
    shapes = [e.symbol.shape for e in reversed(model.equations)] + [symbol.shape for symbol in model.inputs]
    names = dict.fromkeys(size.name for shape in shapes for size in shape if size.name)
    return dict(zip(names, sorted(distinct_sizes(model).values()), strict=True))


def random_point(model: Model, seed: int, sizes: Mapping[str, int] | None = None, digits: int = 0) -> Point:
    """A random point that satisfies the model's assumptions, at which the loss is finite.

    Raises: ModelError if a hundred tries find none.
    """
    sizes = distinct_sizes(model) if sizes is None else sizes
    rng = np.random.default_rng(seed)
    for _ in range(100):
        hypers = {symbol.name: round(float(rng.uniform(0.2, 0.9)), 3) for symbol in model.hypers}
        point = Point(sizes, hypers, {}, 0)
        for symbol in model.inputs:
            shape = point.shape(symbol.shape)
            # Parameters are scaled by their width: deep networks would saturate, and 1 - a^2 lose its digits.
            spread = 1.2 / max(shape) ** 0.5
            drawn = rng.uniform(0.1, 0.9, shape) if symbol.role == "data" else rng.normal(0, spread, shape)
            for assumption in model.assumptions:
                if assumption.name == symbol.name:
                    drawn = drawn / drawn.sum(axis=assumption.axis, keepdims=True)
            point.values[symbol] = drawn
        try:
            with np.errstate(all="ignore"):
                finite = all(np.isrealobj(v) and np.isfinite(v).all() for v in point.run(model).values())
        except (ArithmeticError, TypeError):  # 1/0, or a root that is not real
            finite = False
        if finite:
            return in_digits(point, model, digits) if digits else point
    raise ModelError(
        "found no point at which every value of the model is a finite real number",
        "look for a logarithm or root of something negative, a division by zero, or exponentials of exponentials",
    )


def in_digits(point: Point, model: Model, digits: int) -> Point:
    """The same point with mpmath numbers; what must sum to 1 does so to all digits."""
    exact = np.frompyfunc(lambda x: mpmath.mpf(float(x)), 1, 1)
    values = {symbol: np.asarray(exact(value), dtype=object) for symbol, value in point.values.items()}
    for symbol in model.inputs:
        for assumption in model.assumptions:
            if assumption.name == symbol.name:
                values[symbol] = values[symbol] / values[symbol].sum(axis=assumption.axis, keepdims=True)
    return Point(point.sizes, point.hypers, values, digits)
