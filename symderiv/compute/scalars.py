"""A small network written out number by number, for one sample: what a loop over samples then runs.

Every entry of every quantity is one scalar operation or a few; equal operations are one. What is summed over the samples
(gradients, the loss) is an accumulator, and what comes after the sums is kept apart. The scalars are printed as
Python for a sample at a time and as C for a vector of samples at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

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
from symderiv.calculus.functions import Elementwise, Opaque, Scalar, placeholder, relu, sigmoid, softplus, step
from symderiv.calculus.functions import absolute as absolute_value
from symderiv.calculus.shapes import Size, size_symbol
from symderiv.compute.algebra import RATE, CannotLower, log_one_plus_exp, shared_logarithms
from symderiv.compute.program import LogSoftmax, Program

MOST_OPERATIONS = 6000
"""Beyond this a network is not small: writing it out would take longer than it saves."""


@dataclass(eq=False)
class Op:
    """One scalar operation.

    kinds: 'parameter' (args: place in theta), 'data' (name, row), 'rate', 'number' (value), 'sum' (what is added up over
    the samples), or an arithmetic operation on other operations. late: it depends on a sum over the samples.
    """

    kind: str
    args: tuple[Any, ...]
    per_sample: bool
    late: bool = False


LATENCY = {"div": 13, "exp": 35, "log": 35, "tanh": 55, "sqrt": 20, "sum": 40}
"""How long an operation takes after its operands are there, in cycles; 4 for all others."""


class Scalars:
    """The table of operations, in order; equal ones are one, and what 0 and 1 make trivial is not made.

    hurry: multiply what is there early first, so that what comes late waits for one multiplication alone.
    """

    def __init__(self, hurry: bool = False) -> None:
        self.hurry = hurry
        self.ready: dict[Op, int] = {}
        self.ops: list[Op] = []
        self._known: dict[tuple[Any, ...], Op] = {}

    def make(self, kind: str, *args: Any) -> Op:
        key = (kind, *(id(a) if isinstance(a, Op) else a for a in args))
        if key not in self._known:
            parts = [a for a in args if isinstance(a, Op)]
            per_sample = kind in ("data", "rate") or (kind != "sum" and any(a.per_sample for a in parts))
            late = kind == "sum" or any(a.late for a in parts)
            if late and per_sample:
                raise CannotLower("a sample that depends on a sum over the samples")
            self._known[key] = Op(kind, args, per_sample, late)
            self.ops.append(self._known[key])
            own = LATENCY.get(kind, 4) if parts else 0
            self.ready[self._known[key]] = own + max((self.ready[p] for p in parts), default=0)
            if len(self.ops) > MOST_OPERATIONS:
                raise CannotLower("more operations than are worth writing out one by one")
        return self._known[key]

    def number(self, value: float) -> Op:
        return self.make("number", float(value))

    def add(self, a: Op, b: Op) -> Op:
        if a.kind == b.kind == "number":
            return self.number(a.args[0] + b.args[0])
        if a.kind == "number":
            a, b = b, a
        if b.kind == "number" and b.args[0] == 0:
            return a
        if b.kind == "neg":
            return self.make("sub", a, b.args[0])
        return self.make("add", a, b)

    def sub(self, a: Op, b: Op) -> Op:
        if b.kind == "number":
            return self.add(a, self.number(-b.args[0]))
        if b.kind == "neg":
            return self.add(a, b.args[0])
        if a.kind == "number" and a.args[0] == 0:
            return self.neg(b)
        return self.make("sub", a, b)

    def mul(self, a: Op, b: Op) -> Op:
        if a.kind == b.kind == "number":
            return self.number(a.args[0] * b.args[0])
        if a.kind == "number":
            a, b = b, a
        if b.kind == "number":
            if b.args[0] == 1:
                return a
            if b.args[0] == 0:
                return b
            if b.args[0] == -1:
                return self.neg(a)
        return self.make("mul", a, b)

    def product(self, factors: Sequence[Op]) -> Op:
        """The product of several operations, from the left or, in a hurry, from the earliest."""
        if not self.hurry:
            result = factors[0]
            for factor in factors[1:]:
                result = self.mul(result, factor)
            return result
        waiting = [part for factor in factors for part in self._factors(factor)]
        while len(waiting) > 1:
            waiting.sort(key=lambda op: self.ready[op], reverse=True)
            waiting.append(self.mul(waiting.pop(), waiting.pop()))
        return waiting[0]

    def _factors(self, op: Op) -> list[Op]:
        return [f for a in op.args for f in self._factors(a)] if op.kind == "mul" else [op]

    def div(self, a: Op, b: Op) -> Op:
        if b.kind == "number":
            return self.mul(a, self.number(1 / b.args[0]))
        return self.make("div", a, b)

    def neg(self, a: Op) -> Op:
        if a.kind == "neg":
            return a.args[0]  # type: ignore[no-any-return]
        if a.kind == "number":
            return self.number(-a.args[0])
        if a.kind == "sub":
            return self.make("sub", a.args[1], a.args[0])
        return self.make("neg", a)

    def power(self, a: Op, exponent: Scalar) -> Op:
        if exponent.is_Integer and 0 < exponent <= 8:
            result = a
            for _ in range(int(exponent) - 1):
                result = self.mul(result, a)
            return result
        if exponent == sympy.Rational(1, 2):
            return self.make("sqrt", a)
        return self.make("pow", a, float(exponent))

    def total(self, ops: Sequence[Op]) -> Op:
        result = ops[0]
        for op in ops[1:]:
            result = self.add(result, op)
        return result


PLACES = {placeholder(k): k for k in range(256)}
Place = Callable[[int, int], int]
Entries = list[list[Op]]
Template = Callable[[Sequence[Op]], Op]


class Translator:
    """Scalar functions as builders of operations: translated once, built for every entry.

    known: the values of size names and hyper-parameters; rate: the operation that stands for the learning rate.
    """

    def __init__(self, scalars: Scalars, known: Mapping[sympy.Symbol, float], rate: Op) -> None:
        self.scalars, self.known, self.rate = scalars, known, rate

    def number(self, scalar: Scalar) -> Op:
        """A scalar without entries; the rate in it as a factor."""
        if scalar.has(RATE):
            constant, rest = scalar.as_independent(RATE, as_Add=False)
            if rest != RATE:
                raise CannotLower("a rate that is not a factor")
            return self.scalars.mul(self.rate, self.number(constant))
        return self.scalars.number(float(scalar.xreplace({k: sympy.Float(v) for k, v in self.known.items()})))

    def _is_number(self, symbol: sympy.Symbol) -> bool:
        return symbol in self.known or symbol == RATE

    def template(self, e: Scalar) -> Template:
        """A scalar function as a builder of operations from the operations its placeholders stand for."""
        s = self.scalars
        if e in PLACES:
            index = PLACES[e]
            return lambda args: args[index]
        if all(map(self._is_number, e.free_symbols)):
            value = self.number(e)
            return lambda args: value
        if isinstance(e, sympy.Add):
            return self._add(e)
        if isinstance(e, sympy.Mul) or (isinstance(e, sympy.Pow) and not isinstance(e, sympy.exp)):
            return self._mul(e)
        if isinstance(e, Opaque):
            raise CannotLower(f"the function {type(e).letter}, of which only the name is known")
        x = self.template(e.args[0])
        kind = type(e)
        names = {
            sympy.exp: "exp",
            sympy.log: "log",
            sympy.tanh: "tanh",
            sympy.sin: "sin",
            sympy.cos: "cos",
            step: "step",
            absolute_value: "abs",
        }
        if kind in names:
            name = names[kind]
            return lambda args: s.make(name, x(args))
        if kind is sigmoid:
            one = s.number(1.0)
            return lambda args: s.div(one, s.add(s.make("exp", s.neg(x(args))), one))
        if kind is log_one_plus_exp:
            one = s.number(1.0)
            return lambda args: s.make("log", s.add(s.make("exp", x(args)), one))
        if kind is relu:
            zero = s.number(0.0)
            return lambda args: s.make("max", x(args), zero)
        if kind is softplus:
            zero, one = s.number(0.0), s.number(1.0)

            def stable(args: Sequence[Op]) -> Op:
                value = x(args)
                tail = s.make("log", s.add(s.make("exp", s.neg(s.make("abs", value))), one))
                return s.add(s.make("max", value, zero), tail)

            return stable
        assert isinstance(e, Elementwise), kind
        inner = self.template(e.definition)
        return inner

    def _add(self, e: sympy.Add) -> Template:
        s = self.scalars
        ordered = sorted(e.args, key=lambda t: (t.could_extract_minus_sign(), t.is_number))
        terms = [
            (t.could_extract_minus_sign(), self.template(-t if t.could_extract_minus_sign() else t)) for t in ordered
        ]

        def build(args: Sequence[Op]) -> Op:
            minus, first = terms[0]
            result = s.neg(first(args)) if minus else first(args)
            for minus, term in terms[1:]:
                result = s.sub(result, term(args)) if minus else s.add(result, term(args))
            return result

        return build

    def _mul(self, e: Scalar) -> Template:
        s = self.scalars
        above: list[tuple[Template, Scalar]] = []
        below: list[tuple[Template, Scalar]] = []
        constant, rest = e.as_independent(*(f for f in e.free_symbols if not self._is_number(f)), as_Add=False)
        number = self.number(constant)
        for factor in sympy.Mul.make_args(rest):
            base, exponent = factor.as_base_exp() if not isinstance(factor, sympy.exp) else (factor, sympy.Integer(1))
            if not exponent.is_number:
                raise CannotLower("a power whose exponent varies")
            (below if exponent.is_negative else above).append((self.template(base), abs(exponent)))

        def build(args: Sequence[Op]) -> Op:
            result = s.product([number, *(s.power(base(args), exponent) for base, exponent in above)])
            for base, exponent in below:
                result = s.div(result, s.power(base(args), exponent))
            return result

        return build


@dataclass
class Unrolled:
    """The scalars of a program: the loss, and the gradient of every entry of theta (None where it is 0)."""

    scalars: Scalars
    loss: Op
    gradient: list[Op]
    data: dict[str, int]
    """How many rows each data matrix has."""


def used(scalars: Scalars, roots: Sequence[Op]) -> tuple[list[Op], dict[Op, int]]:
    """The operations that lead to the roots, in order, and how often each is used (a root once more)."""
    uses: dict[Op, int] = {}
    found: set[Op] = set()
    todo = list(roots)
    for op in roots:
        uses[op] = uses.get(op, 0) + 1
    while todo:
        op = todo.pop()
        if op not in found:
            found.add(op)
            for part in (arg for arg in op.args if isinstance(arg, Op)):
                uses[part] = uses.get(part, 0) + 1
                todo.append(part)
    return [op for op in scalars.ops if op in found], uses


@dataclass
class _Unroller:
    program: Program
    samples: Size | None
    sizes: Mapping[str, int]
    numbers: Mapping[sympy.Symbol, float]
    rate: float
    places: Mapping[str, Place]
    one: bool
    pairs: Mapping[str, tuple[Place, Place]]
    hurry: bool = False
    scalars: Scalars = field(init=False)

    def __post_init__(self) -> None:
        self.scalars = Scalars(self.hurry)
        self.lines = {line.symbol: line.value for line in self.program.lines}
        self.done: dict[Expr, Entries] = {}
        self.known = {
            **self.numbers,
            **{size_symbol(n): k for n, k in self.sizes.items()},
        }
        self.data: dict[str, int] = {}
        fixed = self.scalars.number(self.rate)
        self.apart = Translator(self.scalars, self.known, fixed)
        own = fixed if RATE in self.known else self.scalars.make("rate")
        self.in_batch = Translator(self.scalars, self.known, own)

    def is_batch(self, size: Size) -> bool:
        return size == self.samples

    def extent(self, size: Size) -> int:
        """How many entries are written out along a size: one along the samples."""
        return 1 if self.is_batch(size) else size.value(self.sizes)

    def entries(self, expr: Expr) -> Entries:
        if expr not in self.done:
            self.done[expr] = self._entries(expr)
        return self.done[expr]

    def _entries(self, expr: Expr) -> Entries:
        make = self.scalars.make
        rows, columns = (self.extent(size) for size in expr.shape)
        match expr:
            case Symbol() if expr in self.lines:
                return self.entries(self.lines[expr])
            case Symbol() if expr.name in self.pairs:
                first, second = self.pairs[expr.name]
                return [
                    [
                        self.scalars.sub(make("parameter", first(i, j)), make("parameter", second(i, j)))
                        for j in range(columns)
                    ]
                    for i in range(rows)
                ]
            case Symbol() if expr.role == "parameter":
                place = self.places[expr.name]
                return [[make("parameter", place(i, j)) for j in range(columns)] for i in range(rows)]
            case Symbol():
                if expr.shape[1] != self.samples:
                    raise CannotLower("data that are not samples in columns")
                self.data[expr.name] = rows
                return [[make("data", expr.name, i)] for i in range(rows)]
            case Fill():
                return [[self.apart.number(expr.value)] * columns for _ in range(rows)]
            case Transpose():
                inner = self.entries(expr.args[0])
                return [list(column) for column in zip(*inner, strict=True)]
            case MatMul():
                return self._product(expr)
            case Sum():
                return self._sum(self.entries(expr.args[0]), expr.args[0].shape, expr.axis)
            case Broadcast():
                inner = self.entries(expr.args[0])
                return [
                    [inner[0 if len(inner) == 1 else i][0 if len(inner[0]) == 1 else j] for j in range(columns)]
                    for i in range(rows)
                ]
            case Map():
                translator = self.in_batch if self.is_batch(expr.shape[1]) else self.apart
                template = translator.template(shared_logarithms(expr.function))
                parts = [self.entries(arg) for arg in expr.args]
                return [[template([part[i][j] for part in parts]) for j in range(columns)] for i in range(rows)]
            case Softmax() | LogSoftmax() if expr.axis == 0:
                return self._softmax(expr)
            case Augment() if expr.axis == 0:
                return [[self.scalars.number(1.0)] * columns, *self.entries(expr.args[0])]
            case Augment():
                return [[self.scalars.number(1.0), *row] for row in self.entries(expr.args[0])]
            case DropFirst():
                inner = self.entries(expr.args[0])
                return inner[1:] if expr.axis == 0 else [row[1:] for row in inner]
        raise CannotLower(f"{type(expr).__name__} along the samples")

    def _product(self, expr: MatMul) -> Entries:
        left, right = (self.entries(arg) for arg in expr.args)
        s = self.scalars
        if self.is_batch(expr.args[0].shape[1]):
            return [[self.summed(s.mul(row[0], right[0][j])) for j in range(len(right[0]))] for row in left]
        columns = list(zip(*right, strict=True))
        return [
            [s.total([s.mul(a, b) for a, b in zip(row, column, strict=True)]) for column in columns] for row in left
        ]

    def _sum(self, inner: Entries, shape: tuple[Size, Size], axis: int) -> Entries:
        if axis == 0:
            inner = [list(column) for column in zip(*inner, strict=True)]
        sums = [[self.scalars.total(row)] for row in inner]
        if self.is_batch(shape[axis]):
            sums = [[self.summed(row[0])] for row in sums]
        return sums if axis == 1 else [[row[0] for row in sums]]

    def summed(self, op: Op) -> Op:
        """The sum over the samples; of one sample, the value itself."""
        if self.one:
            return op
        constant = self.scalars.number(float(self.sizes[self.samples.name])) if self.samples else None
        if not op.per_sample and constant is not None:
            return self.scalars.mul(op, constant)
        return self.scalars.make("sum", op)

    def _softmax(self, expr: Softmax | LogSoftmax) -> Entries:
        s = self.scalars
        z = [row[0] for row in self.entries(expr.args[0])]
        top = z[0]
        for other in z[1:]:
            top = s.make("max", top, other)
        shifted = [s.sub(each, top) for each in z]
        e = [s.make("exp", each) for each in shifted]
        total = s.total(e)
        if isinstance(expr, LogSoftmax):
            log = s.make("log", total)
            return [[s.sub(each, log)] for each in shifted]
        share = s.div(s.number(1.0), total)
        return [[s.mul(each, share)] for each in e]


def unroll(
    program: Program,
    samples: Size,
    sizes: Mapping[str, int],
    numbers: Mapping[sympy.Symbol, float],
    rate: float,
    places: Mapping[str, Place],
    count: int,
    pairs: Mapping[str, tuple[Place, Place]],
    hurry: bool = False,
) -> Unrolled:
    """The program written out, for one sample (sums over the samples are the value itself) or for many.

    rate: the learning rate by which the gradients are multiplied; it stays an operation of its own in what belongs to a
    sample if `numbers` does not have it. places: for each parameter of the program, where its entry (i, j) stands in
    theta; pairs: for one that is the difference of two rows, where the two stand. hurry: see `Scalars`.
    Raises: CannotLower for a program that is too large or does not treat its samples one by one.
    """
    unroller = _Unroller(program, samples, sizes, numbers, rate, places, count == 1, pairs, hurry)
    loss = unroller.entries(program.model.loss.symbol)[0][0]
    gradient: dict[int, Op] = {}
    for symbol, value in program.gradients.items():
        for i, row in enumerate(unroller.entries(value)):
            for j, op in enumerate(row):
                if symbol.name in pairs:
                    first, second = pairs[symbol.name]
                    gradient[first(i, j)], gradient[second(i, j)] = op, unroller.scalars.neg(op)
                else:
                    gradient[places[symbol.name](i, j)] = op
    return Unrolled(unroller.scalars, loss, [gradient[k] for k in sorted(gradient)], unroller.data)
