"""Algebra that a hand rarely writes: rewritings of a program that save passes over large matrices, at known sizes.

The learning rate is multiplied into the head, the smallest matrix there is. A product whose inner size is 1 is an
elementwise product. Where the signal of a layer is u r^T times something, r moves over to the inputs and u out of the
product. log sigmoid(-z) = log sigmoid(z) - z, so one logarithm serves both classes of a log loss.
"""

from __future__ import annotations

from collections.abc import Mapping

import sympy

from symderiv.calculus.expressions import (
    Augment,
    Broadcast,
    DropFirst,
    Expr,
    Fill,
    Map,
    MatMul,
    Symbol,
    Transpose,
    _Axis,
    apply,
    fused,
    parts_of,
    substitute,
    symbols_in,
)
from symderiv.calculus.functions import (
    Scalar,
    has_entries,
    placeholder,
    sigmoid,
)
from symderiv.calculus.rewrites import tidied
from symderiv.calculus.shapes import ONE, SCALAR, Shape, Size
from symderiv.compute.program import Line, Program, log_sigmoid
from symderiv.errors import ShapeError, SymderivError


class FirstRow(_Axis):
    """The first row of a matrix: a node that only lowered code has."""

    __slots__ = ()

    @staticmethod
    def resize(size: Size) -> Size:
        return ONE


class RestMask(Expr):
    """1 everywhere but in the first column (axis 1) or row (axis 0), which is 0: a leaf that only lowered code has."""

    __slots__ = ("axis",)
    axis: int

    def __new__(cls, shape: Shape, axis: int) -> RestMask:
        self: RestMask = cls._intern(shape, (), (shape, axis))
        self.axis = axis
        return self

    def rebuilt(self, args: tuple[Expr, ...]) -> Expr:
        return self


LARGE = 65536
"""Matrices with more entries than this (half a megabyte) are worked on block by block."""

RATE = sympy.Dummy("rate", positive=True)  # a dummy: no hyper-parameter of any name is taken for it


class CannotLower(SymderivError):
    """The fast code has no form for something in this program; the readable code does it instead."""


def scaled_by_rate(program: Program) -> Program:
    """The program whose gradients are all multiplied by the learning rate: at the head, where it costs least."""
    adjoints = {line.symbol for line in program.backward}

    def scaled(expr: Expr) -> Expr:
        if not adjoints & set(symbols_in(expr)):
            return apply(lambda x: RATE * x, expr)
        if isinstance(expr, Map):
            ours = {placeholder(i) for i, arg in enumerate(expr.args) if adjoints & set(symbols_in(arg))}
            terms = sympy.Add.make_args(expr.function)
            function = sympy.Add(*(t if t.free_symbols & ours else RATE * t for t in terms))
            parts = [scaled(arg) if placeholder(i) in ours else arg for i, arg in enumerate(expr.args)]
            return fused(function, tuple(parts))
        if isinstance(expr, Symbol):
            return expr
        return expr.rebuilt(tuple(scaled(arg) if adjoints & set(symbols_in(arg)) else arg for arg in expr.args))

    backward = tuple(Line(line.symbol, scaled(line.value)) for line in program.backward)
    return Program(program.model, program.forward, backward, program.gradients)


def arranged(program: Program, sizes: Mapping[str, int]) -> Program:
    """The program with unit products made elementwise, lines that are used once put into their use, and reassociated."""
    lines = {line.symbol: _unit_products(_cut_inside(_masked(line.value)), sizes) for line in program.lines}
    uses: dict[Expr, int] = {}
    for value in lines.values():
        for part in parts_of(value):
            for arg in part.args:
                uses[arg] = uses.get(arg, 0) + 1
            uses.setdefault(part, 0)
        if isinstance(value, Symbol):
            uses[value] = uses.get(value, 0) + 1
    kept = {program.model.loss.symbol, *program.gradients.values()}
    put_in: dict[Expr, Expr] = {}
    backward = [line.symbol for line in program.backward]
    for symbol in backward:
        value = substitute(lines[symbol], put_in) if put_in else lines[symbol]
        lines[symbol] = value
        if symbol not in kept and isinstance(value, Map) and uses.get(symbol) == 1:
            put_in[symbol] = value
    for symbol in backward:
        if symbol in lines and symbol in kept:
            lines[symbol] = reassociated(lines[symbol], sizes)
    needed: set[Expr] = set(kept)
    result: list[Line] = []
    for line in reversed(program.lines):
        if line.symbol in needed:
            needed |= symbols_in(lines[line.symbol])
            result.insert(0, Line(line.symbol, lines[line.symbol]))
    first = {line.symbol for line in program.forward}
    return Program(
        program.model,
        tuple(line for line in result if line.symbol in first),
        tuple(line for line in result if line.symbol not in first),
        program.gradients,
    )


def complemented(program: Program) -> Program:
    """A = sigmoid(Z) as 1 - Q with Q = sigmoid(-Z) = 1 / (1 + e^Z), where A is used entry by entry alone.

    That saves a pass for the sign of Z, and `A - Y = (1 - Y) - Q` has a part that no step changes.
    """
    values = [line.value for line in program.lines]
    others = {a for v in values for part in parts_of(v) if not isinstance(part, Map) for a in part.args}
    turned: dict[Expr, Expr] = {}
    lines: dict[Expr, Expr] = {}
    for line in program.forward:
        value = line.value
        plain = isinstance(value, Map) and value.function == sigmoid(placeholder(0))
        if plain and line.symbol not in others and line.symbol.shape != SCALAR:
            lines[line.symbol] = fused(sigmoid(-placeholder(0)), value.args)
            turned[line.symbol] = apply(lambda q: 1 - q, line.symbol)
    if not turned:
        return program

    def put_in(line: Line) -> Line:
        if line.symbol in lines:
            return Line(line.symbol, lines[line.symbol])
        value = substitute(line.value, turned)
        if isinstance(value, Map):
            value = fused(tidied(value.function), value.args)
        return Line(line.symbol, value)

    return Program(
        program.model, tuple(map(put_in, program.forward)), tuple(map(put_in, program.backward)), program.gradients
    )


def _cut_inside(expr: Expr) -> Expr:
    """(A B) without its first row is (A without its first row) B, and so on inwards: a cut of a symbol is a view."""
    if not expr.args:
        return expr
    expr = expr.rebuilt(tuple(map(_cut_inside, expr.args)))
    if isinstance(expr, DropFirst):
        inner = expr.args[0]
        if isinstance(inner, MatMul):
            left, right = inner.args
            parts = (DropFirst(left, 0), right) if expr.axis == 0 else (left, DropFirst(right, 1))
            return MatMul(*map(_cut_inside, parts))
        if isinstance(inner, Transpose):
            return Transpose(_cut_inside(DropFirst(inner.args[0], 1 - expr.axis)))
        if isinstance(inner, Map):
            return fused(inner.function, tuple(_cut_inside(DropFirst(arg, expr.axis)) for arg in inner.args))
        if isinstance(inner, Broadcast):
            whole = inner.args[0]
            return Broadcast(whole if expr.axis in inner.axes else _cut_inside(DropFirst(whole, expr.axis)), expr.shape)
        if isinstance(inner, Augment) and inner.axis == expr.axis:
            return inner.args[0]
    return expr


def _masked(expr: Expr) -> Expr:
    """[1 f(W)] - [1 0], the gradient of what leaves the bias of U = [b W] out, as f(U) times a mask."""
    if not isinstance(expr, Map):
        return expr
    places = {placeholder(i): arg for i, arg in enumerate(expr.args) if isinstance(arg, Augment)}
    for first, padded in places.items():
        for second, ones in places.items():
            inner = ones.args[0]
            if isinstance(inner, Fill) and inner.value == 0 and padded is not ones and padded.axis == ones.axis:
                slope = sympy.diff(expr.function, first)
                if has_entries(slope) or sympy.diff(expr.function, second) != -slope:
                    continue
                whole: dict[Expr, Expr] = {
                    p: p.args[0] for p in parts_of(padded.args[0]) if isinstance(p, DropFirst) and p.axis == padded.axis
                }
                try:
                    value = substitute(padded.args[0], whole)
                except ShapeError:
                    continue
                mask = placeholder(len(expr.args))
                function = expr.function.xreplace({first: first * mask, second: sympy.Integer(0)})
                args = [value if arg is padded else arg for arg in expr.args]
                if value.shape == expr.shape:
                    return fused(function, (*args, RestMask(expr.shape, padded.axis)))
    return expr


def _unit_products(expr: Expr, sizes: Mapping[str, int]) -> Expr:
    if not expr.args:
        return expr
    expr = expr.rebuilt(tuple(_unit_products(arg, sizes) for arg in expr.args))
    if isinstance(expr, MatMul) and expr.args[0].shape[1] == ONE:
        return fused(placeholder(0) * placeholder(1), tuple(Broadcast(arg, expr.shape) for arg in expr.args))
    return expr


def reassociated(expr: Expr, sizes: Mapping[str, int]) -> Expr:
    """(u r f) X^T as u (f (r X)^T), with u a column, r a row: then no matrix of f's size is scaled twice.

    A constant in f comes out as well: (1 - g) (r X)^T = r X^T - g (r X)^T. Worth it while X has fewer rows than the two
    passes over f that it saves, and f is small: large matrices are worked on block by block, in the cache, where
    passes are cheap.
    """
    if not (isinstance(expr, MatMul) and isinstance(expr.args[0], Map) and isinstance(expr.args[1], Transpose)):
        return expr
    signal, inputs = expr.args[0], expr.args[1].args[0]
    height = signal.shape[0].value(sizes)
    if (
        height * signal.shape[1].value(sizes) > LARGE
        or inputs.shape[0].value(sizes) > 2 * height
        or ONE in signal.shape
    ):
        return expr
    kinds: dict[str, list[Scalar]] = {"row": [], "column": [], "rest": []}
    for factor in sympy.Mul.make_args(signal.function):
        found = {_kind(signal.args[i]) for i in range(len(signal.args)) if placeholder(i) in factor.free_symbols}
        kinds[found.pop() if len(found) == 1 else "rest" if found else "row"].append(factor)
    row, column, rest = (sympy.Mul(*kinds[kind]) for kind in ("row", "column", "rest"))
    places = {placeholder(i): arg for i, arg in enumerate(signal.args)}
    mixed = any(isinstance(places[p], Broadcast) for f in kinds["rest"] for p in f.free_symbols & places.keys())
    if mixed or not kinds["rest"] or not any(f.free_symbols & places.keys() for f in kinds["row"]):
        return expr
    bare = tuple(arg.args[0] if isinstance(arg, Broadcast) else arg for arg in signal.args)
    r = _over(row, bare)
    scaled_inputs = apply(lambda a, b: a * b, inputs, r)
    constant, varying = rest.as_independent(*map(placeholder, range(len(bare))), as_Add=True)
    sign = -1 if varying.could_extract_minus_sign() else 1
    varying_matrix = _over(sign * varying, bare)
    if constant:
        # r X^T comes out of the same product, as the row that belongs to the ones put before g.
        both = MatMul(Augment(varying_matrix, 0), Transpose(scaled_inputs))
        inner = apply(lambda a, b: constant * a + sign * b, FirstRow(both, 0), DropFirst(both, 0))
    else:
        inner = MatMul(varying_matrix, Transpose(scaled_inputs))
    return apply(lambda a, b: a * b, inner, _over(column, bare)) if kinds["column"] else inner


def _kind(arg: Expr) -> str:
    if isinstance(arg, Broadcast) and arg.axes == (0,):
        return "row"
    return "column" if isinstance(arg, Broadcast) and arg.axes == (1,) else "rest"


def _over(function: Scalar, args: tuple[Expr, ...]) -> Expr:
    """The function of those arguments that occur in it, at their own shape."""
    used = [i for i in range(len(args)) if placeholder(i) in function.free_symbols]
    numbered = {placeholder(i): placeholder(k) for k, i in enumerate(used)}
    return fused(function.xreplace(numbered), tuple(args[i] for i in used))


class log_one_plus_exp(sympy.Function):  # type: ignore[misc]
    """log(1 + e^z) = -log sigmoid(-z), from the same 1 + e^z as sigmoid(-z)."""

    is_real = True


def shared_logarithms(function: Scalar) -> Scalar:
    """log sigmoid(z) as z - log(1 + e^z), collected, so that one logarithm serves both classes."""
    found = {}
    for log in function.atoms(log_sigmoid):
        z, below = log.args[0], log.args[0].could_extract_minus_sign()
        found[log] = -log_one_plus_exp(-z) if below else z - log_one_plus_exp(z)
    function = function.xreplace(found)
    places = sorted(function.atoms(log_one_plus_exp), key=str)
    if places and function.is_polynomial(*places):
        collected = sympy.collect(sympy.expand(function), places, evaluate=False)
        return sympy.Add(*(key * sympy.factor_terms(sympy.expand(value)) for key, value in collected.items()))
    if isinstance(function, sympy.Add):
        return sympy.factor_terms(function)
    return function
