"""Lowering: a program at known sizes as a tape of array operations, each operation once.

This is where the algebra that a hand rarely writes is used. The learning rate is multiplied into the head, the smallest
matrix there is. A product whose inner size is 1 is an elementwise product. Where the signal of a layer is
u r^T times something, r moves over to the inputs and u out of the product (`reassociated`). The loss is taken from
quantities that the forward pass has computed: log sigmoid(-z) = log sigmoid(z) - z, so one logarithm serves both.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

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
    _Axis,
    apply,
    fused,
    parts_of,
    substitute,
    symbols_in,
)
from symderiv.calculus.functions import (
    Elementwise,
    Opaque,
    Scalar,
    has_entries,
    placeholder,
    relu,
    sigmoid,
    softplus,
    step,
)
from symderiv.calculus.functions import absolute as absolute_value
from symderiv.calculus.rewrites import tidied
from symderiv.calculus.shapes import ONE, SCALAR, Shape, Size
from symderiv.compute.program import Line, LogSoftmax, Program, log_sigmoid
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

RATE = sympy.Symbol("learning_rate", positive=True)


class CannotLower(SymderivError):
    """The fast code has no form for something in this program; the readable code does it instead."""


@dataclass(eq=False)
class Node:
    """One operation: its name, its operands (nodes, views of nodes, numbers) and the shape of the result."""

    op: str
    args: tuple[Operand, ...]
    shape: tuple[int, int]
    name: str = ""


@dataclass(frozen=True)
class View:
    """A part of a node's value, without a copy: with ones put first, without its first row or column, transposed."""

    node: Node
    augmented: bool = False
    dropped: int | None = None
    first: bool = False
    turned: bool = False

    @property
    def shape(self) -> tuple[int, int]:
        rows, columns = self.node.shape
        rows += self.augmented
        if self.first:
            rows = 1
        if self.dropped is not None:
            rows, columns = (rows - 1, columns) if self.dropped == 0 else (rows, columns - 1)
        return (columns, rows) if self.turned else (rows, columns)


Operand = Node | View | float

ELEMENTWISE = {
    "add": "add", "sub": "subtract", "mul": "multiply", "div": "divide", "neg": "negative", "exp": "exp", "log": "log",
    "log1p": "log1p", "tanh": "tanh", "maximum": "maximum", "step": "heaviside", "abs": "absolute",
    "sqrt": "sqrt", "sin": "sin", "cos": "cos", "pow": "power",
}  # fmt: skip
"""The elementwise operations of a tape and NumPy's names for them."""

_DIRECT = {sympy.exp: "exp", sympy.log: "log", sympy.tanh: "tanh", sympy.sin: "sin", sympy.cos: "cos"}


def owner(operand: Operand) -> Node | None:
    """The node that an operand is, or is a view of."""
    return operand.node if isinstance(operand, View) else operand if isinstance(operand, Node) else None


@dataclass
class Tape:
    """The operations in order; `loss` is a scalar node, `gradients` the node of each parameter's gradient."""

    nodes: list[Node] = field(default_factory=list)
    gradients: dict[str, Node] = field(default_factory=dict)
    loss: Node | None = None
    _known: dict[tuple[object, ...], Node] = field(default_factory=dict)

    def node(self, op: str, *args: Operand, shape: tuple[int, int], name: str = "") -> Node:
        """The node of an operation, which is new only if there is none alike."""
        key = (op, name, shape, *(a if isinstance(a, (View, float)) else id(a) for a in args))
        if key not in self._known:
            self._known[key] = node = Node(op, args, shape, name)
            self.nodes.append(node)
        return self._known[key]


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
    if not kinds["rest"] or not any(
        f.free_symbols & set(map(placeholder, range(len(signal.args)))) for f in kinds["row"]
    ):
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


def lower(program: Program, sizes: Mapping[str, int], numbers: Mapping[sympy.Symbol, float]) -> Tape:
    """The tape of a program whose samples are columns.

    sizes: what every size name stands for; numbers: the values of hyper-parameters and of the rate.
    Raises: CannotLower for what fast code has no form for.
    """
    return _Lowering(program, sizes, numbers).run()


class _Lowering:
    def __init__(self, program: Program, sizes: Mapping[str, int], numbers: Mapping[sympy.Symbol, float]) -> None:
        self.program, self.sizes = program, sizes
        self.numbers = {**numbers, **{sympy.Symbol(n, integer=True, positive=True): k for n, k in sizes.items()}}
        self.tape = Tape()
        self.lines: dict[Expr, Expr] = {line.symbol: line.value for line in program.lines}
        self.done: dict[Expr, Operand] = {}

    def run(self) -> Tape:
        for line in self.program.forward:
            if line.symbol.shape != SCALAR:
                self.operand(line.symbol)
        self.tape.loss = self.scalar_node(self.program.model.loss.symbol)
        for line in self.program.backward:
            self.operand(line.symbol)
        for symbol, gradient in self.program.gradients.items():
            found = self.operand(gradient)
            if not isinstance(found, Node) or found.op == "input" or found in self.tape.gradients.values():
                # A gradient has a place of its own, so it is a copy where it is also something else.
                found = self.tape.node("add", found, 0.0, shape=self.shape(symbol), name=symbol.name)
            self.tape.gradients[symbol.name] = found
        return self.tape

    def shape(self, expr: Expr) -> tuple[int, int]:
        return expr.shape[0].value(self.sizes), expr.shape[1].value(self.sizes)

    def number(self, scalar: Scalar) -> float:
        return float(
            scalar.xreplace(
                {k: sympy.Float(v) if isinstance(v, float) else sympy.Integer(v) for k, v in self.numbers.items()}
            )
        )

    def operand(self, expr: Expr) -> Operand:
        if expr not in self.done:
            self.done[expr] = self._operand(expr)
        return self.done[expr]

    def _operand(self, expr: Expr) -> Operand:
        match expr:
            case Symbol():
                if expr in self.lines:
                    return self.operand(self.lines[expr])
                return self.tape.node("input", shape=self.shape(expr), name=expr.name)
            case Fill():
                return self.number(expr.value)
            case RestMask():
                return self.tape.node("mask", shape=self.shape(expr), name=str(expr.axis))
            case Transpose():
                inner = self.operand(expr.args[0])
                view = inner if isinstance(inner, View) else View(self.as_node(inner, expr.args[0]))
                return replace(view, turned=not view.turned)
            case Augment() if expr.axis == 0:
                inner = self.operand(expr.args[0])
                return View(self.as_node(inner, expr.args[0]), augmented=True)
            case FirstRow():
                inner = self.operand(expr.args[0])
                return View(self.as_node(inner, expr.args[0]), first=True)
            case DropFirst():
                inner = self.operand(expr.args[0])
                return View(self.as_node(inner, expr.args[0]), dropped=expr.axis)
            case Broadcast():
                return self.operand(expr.args[0])
            case MatMul():
                return self.dot(self.matrix(expr.args[0]), self.matrix(expr.args[1]))
            case Sum():
                return self.sum(self.matrix(expr.args[0]), expr.axis)
            case Softmax():
                return self._softmax(expr)[0]
            case LogSoftmax():
                return self._softmax(expr)[1]
            case Map():
                places = {placeholder(i): self.operand(arg) for i, arg in enumerate(expr.args)}
                result = self.scalar(shared_logarithms(expr.function), places)
                if self.shape_of(result) != self.shape(expr) and not isinstance(result, float):
                    raise CannotLower("an elementwise function of repeated rows or columns alone")
                return result
        raise CannotLower(f"{type(expr).__name__} along axis {getattr(expr, 'axis', '')}")

    def as_node(self, operand: Operand, expr: Expr) -> Node:
        if isinstance(operand, Node):
            return operand
        if isinstance(operand, float):
            raise CannotLower("a constant matrix")
        raise CannotLower("a view of a view")

    def matrix(self, expr: Expr) -> Operand:
        """An operand of a product; a constant becomes a matrix."""
        found = self.operand(expr)
        if isinstance(found, float):
            return self.full(found, self.shape(expr))
        if self.shape_of(found) != self.shape(expr):
            raise CannotLower("a product with a repeated row or column")
        return found

    def full(self, value: float, shape: tuple[int, int]) -> Node:
        return self.tape.node("full", value, shape=shape, name=f"{shape}")

    def shape_of(self, operand: Operand) -> tuple[int, int]:
        return (1, 1) if isinstance(operand, float) else operand.shape

    def dot(self, left: Operand, right: Operand) -> Node:
        return self.tape.node("dot", left, right, shape=(self.shape_of(left)[0], self.shape_of(right)[1]))

    def sum(self, operand: Operand, axis: int) -> Node:
        """A sum as a product with ones: for BLAS that is less work than NumPy's reduction has overhead."""
        rows, columns = self.shape_of(operand)
        if axis == 0:
            return self.dot(self.full(1.0, (1, rows)), operand)
        return self.dot(operand, self.full(1.0, (columns, 1)))

    def _softmax(self, expr: Softmax | LogSoftmax) -> tuple[Operand, Operand]:
        if expr.axis != 0:
            raise CannotLower("softmax along a row")
        z = self.operand(expr.args[0])
        shape = self.shape_of(z)
        top = self.tape.node("max0", z, shape=(1, shape[1]))
        shifted = self.tape.node("sub", z, top, shape=shape)
        e = self.tape.node("exp", shifted, shape=shape)
        total = self.sum(e, 0)
        if isinstance(expr, LogSoftmax):
            return 0.0, self.tape.node("sub", shifted, self.tape.node("log", total, shape=total.shape), shape=shape)
        return self.tape.node("div", e, total, shape=shape), 0.0

    # Scalars: the loss and its terms

    def scalar_node(self, symbol: Symbol) -> Node:
        """The loss as one scalar node: a sum of numbers times total sums."""
        terms = list(self._scalar_terms(self.lines[symbol], 1.0))
        args: list[Operand] = []
        for factor, node in terms:
            args += [factor, node]
        return self.tape.node("combine", *args, shape=(1, 1))

    def _scalar_terms(self, expr: Expr, factor: float) -> Iterator[tuple[float, Operand]]:
        if isinstance(expr, Symbol) and expr in self.lines:
            yield from self._scalar_terms(self.lines[expr], factor)
        elif isinstance(expr, Map) and _is_affine(expr):
            places = list(map(placeholder, range(len(expr.args))))
            for place, arg in zip(places, expr.args, strict=True):
                yield from self._scalar_terms(arg, factor * self.number(sympy.diff(expr.function, place)))
            constant = expr.function.xreplace(dict.fromkeys(places, sympy.Integer(0)))
            if constant:
                yield factor * self.number(constant), 1.0
        elif isinstance(expr, Sum):
            inner = expr.args[0].args[0] if isinstance(expr.args[0], Sum) else expr.args[0]
            yield from self._total(inner, factor)
        else:
            yield factor, self.tape.node("item", self.matrix(expr), shape=(1, 1))

    def _total(self, expr: Expr, factor: float) -> Iterator[tuple[float, Operand]]:
        """The sum of all entries: each term of the summand that is a product of two is one dot product."""
        function: Scalar = placeholder(0)
        args: tuple[Expr, ...] = (expr,)
        if isinstance(expr, Map):
            function, args = shared_logarithms(expr.function), expr.args
        places = {placeholder(i): self.operand(arg) for i, arg in enumerate(args)}
        shape = self.shape(expr)
        for term in sympy.Add.make_args(function):
            constant, rest = term.as_independent(*places, as_Add=False)
            number = factor * self.number(constant)
            factors = [f for f in sympy.Mul.make_args(rest) if f != 1]
            if not factors:
                yield number * shape[0] * shape[1], 1.0
                continue
            if len(factors) == 1 and isinstance(factors[0], sympy.Pow) and factors[0].exp == 2:
                factors = [factors[0].base] * 2
            if len(factors) > 2:
                factors = [sympy.Mul(*factors[:-1]), factors[-1]]
            operands = [self._filled(self.scalar(f, places), shape) for f in factors]
            yield number, self.tape.node("total", *operands, shape=(1, 1))

    def _filled(self, operand: Operand, shape: tuple[int, int]) -> Operand:
        if isinstance(operand, (float, View)) or operand.shape != shape:
            return self.tape.node("add", operand, self.full(0.0, shape), shape=shape)
        return operand

    # Elementwise functions

    def scalar(self, e: Scalar, places: Mapping[Scalar, Operand]) -> Operand:
        """A scalar function as operations on whole arrays."""
        if e in places:
            return places[e]
        if not e.free_symbols & places.keys():
            return self.number(e)
        if isinstance(e, sympy.Add):
            return self._add(e, places)
        if isinstance(e, sympy.Mul) or (isinstance(e, sympy.Pow) and not isinstance(e, sympy.exp)):
            return self._mul(e, places)
        kind = type(e)
        if isinstance(e, Opaque):
            raise CannotLower(f"the function {kind.letter}, of which only the name is known")
        x = self.scalar(e.args[0], places)
        if kind in _DIRECT:
            return self.on(_DIRECT[kind], x)
        if kind is sigmoid:
            return self.on("div", 1.0, self._one_plus_exp(x))
        if kind is log_one_plus_exp:
            return self.on("log", self._one_plus_exp(self.on("neg", x)))
        if kind is relu:
            return self.on("maximum", x, 0.0)
        if kind is step:
            return self.on("step", x, 0.0)
        if kind is absolute_value:
            return self.on("abs", x)
        if kind is softplus:
            return self.on(
                "add", self.on("maximum", x, 0.0), self.on("log1p", self.on("exp", self.on("neg", self.on("abs", x))))
            )
        assert isinstance(e, Elementwise), kind
        stand_in = sympy.Symbol("_", real=True)  # what comes after the argument are constants
        return self.scalar(kind.row(e, stand_in, *e.args[1:])[0], {stand_in: x})

    def _one_plus_exp(self, x: Operand) -> Operand:
        """1 + e^-x, which sigmoid and log sigmoid share; where it is infinite, sigmoid is 0 all the same."""
        minus = x.args[0] if isinstance(x, Node) and x.op == "neg" else self.on("neg", x)
        return self.on("add", self.on("exp", minus), 1.0)

    def on(self, op: str, *args: Operand) -> Operand:
        if op == "neg" and isinstance(args[0], Node) and args[0].op == "neg":
            return args[0].args[0]
        rows = max(self.shape_of(a)[0] for a in args)
        columns = max(self.shape_of(a)[1] for a in args)
        return self.tape.node(op, *args, shape=(rows, columns))

    def _add(self, e: Scalar, places: Mapping[Scalar, Operand]) -> Operand:
        constant, plus, minus = 0.0, list[Operand](), list[Operand]()
        for term in e.args:
            negative = term.could_extract_minus_sign()
            value = self.scalar(-term if negative else term, places)
            if isinstance(value, float):
                constant += -value if negative else value
            else:
                (minus if negative else plus).append(value)
        if not plus and not minus:
            return constant
        plus.sort(key=self._extent, reverse=True)
        if not plus:
            result: Operand = self.on("sub", constant, minus[0])
            constant, minus = 0.0, minus[1:]
        else:
            result = plus[0]
        for value in plus[1:]:
            result = self.on("add", result, value)
        for value in minus:
            result = self.on("sub", result, value)
        return self.on("add", result, constant) if constant else result

    def _extent(self, operand: Operand) -> int:
        rows, columns = self.shape_of(operand)
        return rows * columns

    def _mul(self, e: Scalar, places: Mapping[Scalar, Operand]) -> Operand:
        constant, above, below = 1.0, list[Operand](), list[Operand]()
        for factor in sympy.Mul.make_args(e):
            if not factor.free_symbols & places.keys():
                constant *= self.number(factor)
                continue
            base, exponent = factor.as_base_exp() if not isinstance(factor, sympy.exp) else (factor, sympy.Integer(1))
            if not exponent.is_number:
                raise CannotLower("a power whose exponent varies")
            value = self._power(self.scalar(base, places), abs(exponent))
            (below if exponent.is_negative else above).append(value)
        above.sort(key=self._extent, reverse=True)
        if constant != 1 and above:
            smallest = min(range(len(above)), key=lambda k: self._extent(above[k]))
            above[smallest] = (
                self.on("neg", above[smallest]) if constant == -1 else self.on("mul", above[smallest], constant)
            )
            constant = 1.0
        result: Operand = above[0] if above else constant
        for value in above[1:]:
            result = self.on("mul", result, value)
        for value in below:
            result = self.on("div", result, value)
        return result

    def _power(self, base: Operand, exponent: Scalar) -> Operand:
        if exponent == 1:
            return base
        if exponent == sympy.Rational(1, 2):
            return self.on("sqrt", base)
        if exponent.is_Integer and exponent <= 8:
            half = self._power(base, sympy.Integer(int(exponent) // 2))
            square = self.on("mul", half, half)
            return self.on("mul", square, base) if exponent % 2 else square
        return self.on("pow", base, float(exponent))


def _is_affine(expr: Map) -> bool:
    """Whether the function is a constant plus multiples of its arguments."""
    places = list(map(placeholder, range(len(expr.args))))
    return not any(sympy.diff(expr.function, p).free_symbols & set(places) for p in places)


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
