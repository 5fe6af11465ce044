"""The computation graph of a worked example: an operation a node, and on every edge the value that goes forward along it
and the derivative of the loss that comes back.

An equation is taken apart down to single operations: a product, a sum, a function, a matrix product. A quantity that is
used twice has two edges, each with its own share of the derivative; the shares add up to the gradient.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

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
from symderiv.calculus.functions import Elementwise, Scalar, placeholder, sigmoid, softplus
from symderiv.calculus.pullbacks import PULLBACKS
from symderiv.calculus.shapes import ONE, SCALAR, Size
from symderiv.errors import CheckFailed
from symderiv.oracles.evaluation import Array
from symderiv.oracles.gradients import WORKING_DIGITS
from symderiv.views.worked import Worked

MAX_NODES = 40
WITH_PRIMITIVES = (sigmoid, softplus)
"""Functions that can be taken apart into exponentials and the like."""
SIGNS = {
    "sigmoid": "σ", "exp": "exp", "log": "log", "relu": "ReLU", "leaky_relu": "LReLU", "absolute": "|x|", "step": "x > 0",
    "softplus": "softplus",
}  # fmt: skip


@dataclass(eq=False)
class Node:
    """An operation, an input or the output: what is written in it, the name of its value if it has one, what it takes.

    symbol: a stand-in for its value, with its shape in numbers; formula: its value in the stand-ins of `inputs`, None
    for an input or a constant.
    """

    label: str
    symbol: Symbol
    inputs: tuple[Node, ...] = ()
    formula: Expr | None = None
    name: str = ""
    role: str = "operation"
    value: Array = field(default_factory=lambda: np.zeros((1, 1)))
    gradient: Array = field(default_factory=lambda: np.zeros((1, 1)))


@dataclass(frozen=True, eq=False)
class Edge:
    """The use of `start` as argument number `place` of `end`, with the derivative of the loss that comes back along it."""

    start: Node
    end: Node
    place: int
    gradient: Array

    @property
    def value(self) -> Array:
        """What goes forward."""
        return self.start.value


@dataclass(frozen=True)
class ComputationGraph:
    """Nodes in the order of the forward pass, the output last, and the edges between them."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]


def graph_at(example: Worked, *, primitive: bool = False) -> ComputationGraph | None:
    """The graph with its numbers, None if it has more than MAX_NODES nodes.

    primitive: take the sigmoid apart too, into a sign, an exponential, a sum and a reciprocal.
    Raises: CheckFailed if what comes back to a named quantity is not its gradient.
    """
    builder = _Builder(example, primitive)
    nodes = builder.nodes()
    if nodes is None:
        return None
    with mpmath.workdps(WORKING_DIGITS):
        edges = builder.edges(nodes)
    return ComputationGraph(tuple(nodes), tuple(edges))


class _TooLarge(Exception):
    pass


class _Builder:
    def __init__(self, example: Worked, primitive: bool) -> None:
        self.example, self.primitive = example, primitive
        self.point = example.point
        self.gradients = {
            adjoint.quantity.name: example.used[adjoint.symbol] for adjoint in example.derivation if not adjoint.term
        }
        self.made: list[Node] = []
        self.known: dict[Expr, Node] = {}

    def nodes(self) -> list[Node] | None:
        """Every node, in order; None if they are too many."""
        model, values = self.example.model, self.example.used
        try:
            for symbol in model.inputs:
                self.known[symbol] = self.node(
                    "", self._shape(symbol), name=symbol.name, role=symbol.role, value=values[symbol]
                )
            for equation in model.equations:
                # What two equations have in common is computed in each: a name stands for its own equation's work.
                self.known = {symbol: node for symbol, node in self.known.items() if isinstance(symbol, Symbol)}
                node = self.build(self.example.settled(equation.value))
                if node.name:
                    node = self._mapped("=", placeholder(0), node)
                node.name, node.value = equation.name, values[equation.symbol]
                self.known[equation.symbol] = node
            last = self.known[model.loss.symbol]
            last.name = ""  # the output says it
            self.node("", last.symbol.shape, (last,), last.symbol, model.loss.name, "output")
        except _TooLarge:
            return None
        return self.made

    def _shape(self, expr: Expr) -> tuple[Size, Size]:
        rows, columns = self.point.shape(expr.shape)
        return Size("", rows), Size("", columns)

    def node(
        self,
        label: str,
        shape: tuple[Size, Size],
        inputs: tuple[Node, ...] = (),
        formula: Expr | None = None,
        name: str = "",
        role: str = "operation",
        value: Array | None = None,
    ) -> Node:
        """A new node, with the value that its formula has for the values of its inputs."""
        if len(self.made) >= MAX_NODES:
            raise _TooLarge
        if value is None:
            assert formula is not None
            with mpmath.workdps(WORKING_DIGITS):
                value = np.array(self.point.evaluate(formula, {n.symbol: n.value for n in inputs}), dtype=object)
        # A name in the model starts with a letter, so this one is free.
        symbol = Symbol(f"_{len(self.made)}", shape, "value")
        made = Node(label, symbol, inputs, formula, name, role, value)
        self.made.append(made)
        return made

    def build(self, expr: Expr) -> Node:
        """The node whose value an expression is."""
        if expr not in self.known:
            args = tuple(map(self.build, expr.args))
            self.known[expr] = BUILD[type(expr)](self, expr, *args)
        return self.known[expr]

    def apply(self, label: str, kind: Callable[..., Expr], *inputs: Node) -> Node:
        """The node of one operation on nodes; none where it changes nothing."""
        formula = kind(*(node.symbol for node in inputs))
        if formula is inputs[0].symbol:
            return inputs[0]
        return self.node(label, formula.shape, inputs, formula)

    # Elementwise work, down to single operations

    def scalar(self, function: Scalar, args: Sequence[Node]) -> Node:
        """The node of a scalar function of nodes."""
        return self.split(function, {placeholder(k): node for k, node in enumerate(args)}, {})

    def split(self, f: Scalar, places: Mapping[Scalar, Node], seen: dict[Scalar, Node]) -> Node:
        if f in places:
            return places[f]
        if f not in seen:
            seen[f] = self._operation(f, lambda part: self.split(part, places, seen))
        return seen[f]

    def _operation(self, f: Scalar, split: Callable[[Scalar], Node]) -> Node:
        if isinstance(f, sympy.Add):
            return self._added(f, split)
        if isinstance(f, sympy.Mul):
            return self._multiplied(f, split)
        x = placeholder(0)
        if isinstance(f, sympy.Pow) and not isinstance(f, sympy.exp):
            sign = {2: "x²", -1: "1/x", sympy.Rational(1, 2): "√x"}.get(f.exp, f"x^{f.exp}")
            return self._mapped(sign, x**f.exp, split(f.base))
        if self.primitive and isinstance(f, WITH_PRIMITIVES):
            assert isinstance(f, Elementwise)
            return split(f.definition)
        name = type(f).__name__
        return self._mapped(SIGNS.get(name, name), f.func(x, *f.args[1:]), split(f.args[0]))

    def _mapped(self, label: str, function: Scalar, *inputs: Node) -> Node:
        if len(set(inputs)) < len(inputs):  # x * x: an argument may not stand in a Map twice, but edges are two
            stands = [Symbol(f"_{k}_{n.symbol.name}", n.symbol.shape, "value") for k, n in enumerate(inputs)]
            with mpmath.workdps(WORKING_DIGITS):
                memo: dict[Expr, Array] = {s: n.value for s, n in zip(stands, inputs, strict=True)}
                value = np.array(self.point.evaluate(Map(function, tuple(stands)), memo), dtype=object)
            return self.node(label, inputs[0].symbol.shape, inputs, Map(function, tuple(stands)), value=value)
        symbols = tuple(node.symbol for node in inputs)
        return self.node(label, inputs[0].symbol.shape, inputs, Map(function, symbols))

    def _added(self, f: Scalar, split: Callable[[Scalar], Node]) -> Node:
        constant, rest = f.as_independent(*_variables(f), as_Add=True)
        terms = sorted(sympy.Add.make_args(rest), key=_first)
        negative = [term for term in terms if term.could_extract_minus_sign()]
        x, y = placeholder(0), placeholder(1)
        if len(terms) == 1 and constant != 0:
            if negative:
                return self._mapped(f"{constant} − x", constant - x, split(-terms[0]))
            sign = f"+ {constant}" if constant > 0 else f"− {-constant}"
            return self._mapped(sign, x + constant, split(terms[0]))
        if len(terms) == 2 and len(negative) == 1:
            (positive,) = (term for term in terms if term is not negative[0])
            node = self._mapped("−", x - y, split(positive), split(-negative[0]))
        else:
            inputs = [split(term) for term in terms]
            node = self._mapped("+", sympy.Add(*map(placeholder, range(len(inputs)))), *inputs)
        if constant == 0:
            return node
        return self._mapped(f"+ {constant}" if constant > 0 else f"− {-constant}", x + constant, node)

    def _multiplied(self, f: Scalar, split: Callable[[Scalar], Node]) -> Node:
        constant, rest = f.as_independent(*_variables(f), as_Add=False)
        x, y = placeholder(0), placeholder(1)
        if constant != 1:
            label = "−x" if constant == -1 else f"÷ {1 / constant}" if (1 / constant).is_Integer else f"× {constant}"
            return self._mapped(label, constant * x, split(rest))
        factors = sorted(sympy.Mul.make_args(rest), key=_first)
        below = [g for g in factors if isinstance(g, sympy.Pow) and not isinstance(g, sympy.exp) and g.exp.is_negative]
        above = [g for g in factors if g not in below]
        if below and above:
            top, bottom = sympy.Mul(*above), sympy.Mul(*(1 / g for g in below))
            return self._mapped("÷", x / y, split(top), split(bottom))
        inputs = [split(g) for g in factors]
        return self._mapped("×", sympy.Mul(*map(placeholder, range(len(inputs)))), *inputs)

    # The numbers that come back

    def edges(self, nodes: Sequence[Node]) -> list[Edge]:
        """Every edge, from the output back; the gradient of a node is the sum of what its edges bring."""
        output = nodes[-1]
        found: list[Edge] = [Edge(output.inputs[0], output, 0, _ones())]
        output.gradient = _ones()
        for node in nodes[:-1]:
            node.gradient = np.full(node.value.shape, mpmath.mpf(0), dtype=object)
        output.inputs[0].gradient = _ones()
        for node in reversed(nodes[:-1]):
            if node.name:
                self._agree(node)
            if node.formula is None:
                continue
            for place, (start, share) in enumerate(zip(node.inputs, self._shares(node), strict=True)):
                found.append(Edge(start, node, place, share))
                start.gradient = start.gradient + share
        return found[::-1]

    def _shares(self, node: Node) -> list[Array]:
        assert node.formula is not None
        cotangent = Symbol("_bar", node.symbol.shape, "adjoint")
        memo: dict[Expr, Array] = {cotangent: node.gradient, node.symbol: node.value}
        for stand, start in zip(node.formula.args, node.inputs, strict=True):
            memo[stand] = start.value
        rule = PULLBACKS[type(node.formula)]
        adjoints = rule(cotangent, node.formula, node.symbol)
        return [np.array(self.point.evaluate(adjoint, memo), dtype=object) for adjoint in adjoints]

    def _agree(self, node: Node) -> None:
        """What came back to a named quantity must be its gradient; a rounded gradient goes on in its rounded form."""
        own = self.gradients.get(node.name)
        if own is None:  # data has none, nor has a quantity whose terms of the loss stay apart
            return
        if not self.example.is_exact:
            node.gradient = own
        elif np.abs(own - node.gradient).max() > mpmath.mpf(10) ** -30 * (1 + np.abs(own).max()):
            raise CheckFailed(f"what comes back to {node.name} in the computation graph is not its gradient")


def _ones() -> Array:
    return np.array([[mpmath.mpf(1)]], dtype=object)


def _variables(f: Scalar) -> list[Scalar]:
    return sorted(f.free_symbols, key=str)


def _first(part: Scalar) -> tuple[int, str]:
    return min((int(s.name[1:]) for s in part.free_symbols), default=-1), str(part)


def _fill(builder: _Builder, expr: Fill) -> Node:
    value = builder.point.evaluate(expr, {})
    shape = builder._shape(expr)
    label = str(expr.value) if shape == SCALAR else f"all {expr.value}"
    return builder.node(label, shape, role="constant", value=np.array(value, dtype=object))


def _symbol(builder: _Builder, expr: Symbol) -> Node:
    raise LookupError(f"{expr.name} has no node yet")


def _matmul(builder: _Builder, expr: Expr, a: Node, b: Node) -> Node:
    return builder.apply("×" if a.symbol.shape == b.symbol.shape == SCALAR else "@", MatMul, a, b)


def _transpose(builder: _Builder, expr: Expr, a: Node) -> Node:
    return a if a.symbol.shape == SCALAR else builder.apply("transpose", Transpose, a)


def _sum(builder: _Builder, expr: Sum, a: Node) -> Node:
    return a if a.symbol.shape[expr.axis] == ONE else builder.apply("Σ", lambda x: Sum(x, expr.axis), a)


BUILD: Mapping[type[Expr], Callable[..., Node]] = {
    Symbol: _symbol,
    Fill: _fill,
    MatMul: _matmul,
    Transpose: _transpose,
    Map: lambda builder, e, *args: builder.scalar(e.function, args),
    Sum: _sum,
    Broadcast: lambda builder, e, a: builder.apply("repeat", lambda x: Broadcast(x, builder._shape(e)), a),
    Softmax: lambda builder, e, a: builder.apply("softmax", lambda x: Softmax(x, e.axis), a),
    Augment: lambda builder, e, a: builder.apply("put 1 first", lambda x: Augment(x, e.axis), a),
    DropFirst: lambda builder, e, a: builder.apply("drop first", lambda x: DropFirst(x, e.axis), a),
}
