"""Lowering: a program at known sizes as a tape of array operations, each operation once.

Equal operations are one; what transposes, cuts or puts ones first is a view of a buffer, not work; sums are products
with ones; the loss is taken from quantities that the forward pass has computed.
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
)
from symderiv.calculus.functions import (
    Elementwise,
    Opaque,
    Scalar,
    placeholder,
    relu,
    sigmoid,
    softplus,
    step,
)
from symderiv.calculus.functions import absolute as absolute_value
from symderiv.calculus.shapes import SCALAR, size_symbol
from symderiv.compute.algebra import CannotLower, FirstRow, RestMask, log_one_plus_exp, shared_logarithms
from symderiv.compute.program import LogSoftmax, Program


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


def lower(program: Program, sizes: Mapping[str, int], numbers: Mapping[sympy.Symbol, float]) -> Tape:
    """The tape of a program whose samples are columns.

    sizes: what every size name stands for; numbers: the values of hyper-parameters and of the rate.
    Raises: CannotLower for what fast code has no form for.
    """
    return _Lowering(program, sizes, numbers).run()


class _Lowering:
    def __init__(self, program: Program, sizes: Mapping[str, int], numbers: Mapping[sympy.Symbol, float]) -> None:
        self.program, self.sizes = program, sizes
        self.numbers = {**numbers, **{size_symbol(n): k for n, k in sizes.items()}}
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
