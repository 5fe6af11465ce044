"""The language: typed matrix expressions of nine kinds, checked at construction.

Every expression is a matrix with a symbolic shape; a scalar is (1, 1). Expressions are immutable and interned (two that
are built alike are one object), so equality is identity and a shared part is worked on once however deep a network is.
All elementwise work is one kind, `Map`, around a scalar SymPy expression. Broadcasting is never implicit: the
operators `+ - * / **` insert a `Broadcast` where NumPy would stretch a side.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar
from weakref import WeakValueDictionary

import sympy

from symderiv.calculus.formats import Writable
from symderiv.calculus.functions import FUNCTIONS, Scalar, placeholder
from symderiv.calculus.shapes import ONE, SCALAR, Shape, Size, broadcast, show, size_of
from symderiv.errors import ShapeError

_E = TypeVar("_E", bound="Expr")
_A = TypeVar("_A", bound="_Axis")

_interned: WeakValueDictionary[tuple[Any, ...], Any] = WeakValueDictionary()


class Expr(Writable):
    """A matrix expression. `shape` is its symbolic shape, `args` its parts, `fields` what it was built from."""

    __slots__ = ("__weakref__", "args", "fields", "shape")
    shape: Shape
    args: tuple[Expr, ...]
    fields: tuple[Any, ...]

    @classmethod
    def _intern(cls: type[_E], shape: Shape, args: tuple[Expr, ...], fields: tuple[Any, ...]) -> _E:
        # The parts are interned already, so their identities are enough of a key; the key holds no reference to them,
        # but the expression it leads to does.
        key = (cls, *(id(f) if isinstance(f, Expr) else f for f in _flat(fields)))
        known: _E | None = _interned.get(key)
        if known is None:
            known = object.__new__(cls)
            known.shape, known.args, known.fields = shape, args, fields
            _interned[key] = known
        return known

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), self.fields

    def rebuilt(self, args: tuple[Expr, ...]) -> Expr:
        """The same node around other parts."""
        raise NotImplementedError

    def __repr__(self) -> str:
        return _written(self)

    def _repr_latex_(self) -> str:
        return rf"$\displaystyle {self.to_latex()}$"

    def to_sympy(self) -> Any:
        """This expression as a SymPy matrix expression (see `symderiv.calculus.bridge`)."""
        return self.write("sympy")

    @property
    def T(self) -> Expr:
        return Transpose(self)

    def __matmul__(self, other: Expr) -> Expr:
        return MatMul(self, other)

    def __add__(self, other: Any) -> Expr:
        return apply(lambda a, b: a + b, self, other)

    def __radd__(self, other: Any) -> Expr:
        return apply(lambda a, b: b + a, self, other)

    def __sub__(self, other: Any) -> Expr:
        return apply(lambda a, b: a - b, self, other)

    def __rsub__(self, other: Any) -> Expr:
        return apply(lambda a, b: b - a, self, other)

    def __mul__(self, other: Any) -> Expr:
        return apply(lambda a, b: a * b, self, other)

    def __rmul__(self, other: Any) -> Expr:
        return apply(lambda a, b: b * a, self, other)

    def __truediv__(self, other: Any) -> Expr:
        return apply(lambda a, b: a / b, self, other)

    def __rtruediv__(self, other: Any) -> Expr:
        return apply(lambda a, b: b / a, self, other)

    def __pow__(self, exponent: int | float | Scalar) -> Expr:
        return apply(lambda a: a ** as_scalar(exponent), self)

    def __neg__(self) -> Expr:
        return apply(lambda a: -a, self)


def _flat(fields: tuple[Any, ...]) -> list[Any]:
    return [f for field in fields for f in (("(", *field, ")") if isinstance(field, tuple) else (field,))]


def as_scalar(value: Scalar | int | float) -> Scalar:
    """A number or SymPy scalar as a SymPy scalar; 0.1 is 1/10. Text is refused: SymPy would execute it."""
    if isinstance(value, float):
        return sympy.Rational(str(value))
    if isinstance(value, (int, sympy.Expr)):
        return sympy.sympify(value)
    raise TypeError(f"expected a number or a SymPy scalar, not {type(value).__name__}")


class Symbol(Expr):
    """A named matrix. `role` is 'data', 'parameter', 'value' (a named equation) or 'adjoint'."""

    __slots__ = ("name", "role")
    name: str
    role: str

    def __new__(cls, name: str, shape: tuple[Size | int | str, Size | int | str], role: str) -> Symbol:
        sized = (size_of(shape[0]), size_of(shape[1]))
        self: Symbol = cls._intern(sized, (), (name, sized, role))
        self.name, self.role = name, role
        return self

    def rebuilt(self, args: tuple[Expr, ...]) -> Symbol:
        return self


class Fill(Expr):
    """A matrix whose entries are all `value`, a scalar in numbers, size names and hyper-parameters."""

    __slots__ = ("value",)
    value: Scalar

    def __new__(cls, value: Scalar | int, shape: Shape) -> Fill:
        scalar = as_scalar(value)
        self: Fill = cls._intern(shape, (), (scalar, shape))
        self.value = scalar
        return self

    def rebuilt(self, args: tuple[Expr, ...]) -> Fill:
        return self


class MatMul(Expr):
    """A B: (n, k) times (k, m)."""

    __slots__ = ()

    def __new__(cls, left: Expr, right: Expr) -> MatMul:
        if left.shape[1] != right.shape[0]:
            sides = [(name_of(left, "left"), show(left.shape)), (name_of(right, "right"), show(right.shape))]
            hint = f"{left.shape[1]} ≠ {right.shape[0]}" + _way_out(left, right).replace(".T.T", "")
            raise ShapeError("a matrix product needs equal inner sizes", sides, hint)
        return cls._intern((left.shape[0], right.shape[1]), (left, right), (left, right))

    def rebuilt(self, args: tuple[Expr, ...]) -> MatMul:
        return MatMul(*args)


class Transpose(Expr):
    """A^T."""

    __slots__ = ()

    def __new__(cls, matrix: Expr) -> Transpose:
        return cls._intern(matrix.shape[::-1], (matrix,), (matrix,))

    def rebuilt(self, args: tuple[Expr, ...]) -> Transpose:
        return Transpose(*args)


class Map(Expr):
    """A scalar function of the entries at one place: `function` in the placeholders x0, x1, ... of `args`."""

    __slots__ = ("function",)
    function: Scalar

    def __new__(cls, function: Scalar, args: tuple[Expr, ...]) -> Map:
        if any(arg.shape != args[0].shape for arg in args):
            raise ShapeError("elementwise work needs equal shapes", [(name_of(a), show(a.shape)) for a in args])
        self: Map = cls._intern(args[0].shape, args, (function, args))
        self.function = function
        return self

    def rebuilt(self, args: tuple[Expr, ...]) -> Expr:
        return fused(self.function, args)


class _Axis(Expr):
    """A node that acts along one axis: 0 goes down the rows, 1 along the columns, as in NumPy."""

    __slots__ = ("axis",)
    axis: int

    @staticmethod
    def resize(size: Size) -> Size:
        """The size along the axis, after the work."""
        return size

    def __new__(cls: type[_A], matrix: Expr, axis: int) -> _A:
        shape = list(matrix.shape)
        shape[axis] = cls.resize(shape[axis])
        self = cls._intern((shape[0], shape[1]), (matrix,), (matrix, axis))
        self.axis = axis
        return self

    def rebuilt(self, args: tuple[Expr, ...]) -> Expr:
        return type(self)(args[0], self.axis)


class Sum(_Axis):
    """The sum along `axis`, which keeps size 1: (n, d) to (1, d) or (n, 1)."""

    __slots__ = ()

    @staticmethod
    def resize(size: Size) -> Size:
        return ONE


class Softmax(_Axis):
    """e^z over the sum of e^z along `axis`: a node of its own, so that its Jacobian is never taken as diagonal."""

    __slots__ = ()


class Augment(_Axis):
    """A row (axis 0) or column (axis 1) of ones put first: the bias inside the weights."""

    __slots__ = ()

    @staticmethod
    def resize(size: Size) -> Size:
        return size + 1


class DropFirst(_Axis):
    """All but the first row (axis 0) or column (axis 1): undoes Augment."""

    __slots__ = ()

    @staticmethod
    def resize(size: Size) -> Size:
        return size + -1


class Broadcast(Expr):
    """A matrix whose sides of size 1 are repeated up to `shape`: the adjoint of Sum."""

    __slots__ = ()

    def __new__(cls, matrix: Expr, shape: Shape) -> Expr:  # type: ignore[misc]  # or simpler
        if isinstance(matrix, Broadcast):
            matrix = matrix.args[0]
        if matrix.shape == shape:
            return matrix
        if isinstance(matrix, Fill):
            return Fill(matrix.value, shape)
        if broadcast(matrix.shape, shape) != shape:
            raise ShapeError(f"cannot repeat up to {show(shape)}", [(name_of(matrix), show(matrix.shape))])
        return cls._intern(shape, (matrix,), (matrix, shape))

    def rebuilt(self, args: tuple[Expr, ...]) -> Expr:
        return Broadcast(args[0], self.shape)

    @property
    def axes(self) -> tuple[int, ...]:
        """The axes along which it repeats."""
        return tuple(axis for axis in (0, 1) if self.args[0].shape[axis] != self.shape[axis])


KINDS: tuple[type[Expr], ...] = (
    Symbol, Fill, MatMul, Transpose, Map, Sum, Broadcast, Softmax, Augment, DropFirst,
)  # fmt: skip


def name_of(expr: Expr, otherwise: str = "expression") -> str:
    """A short name for an error message."""
    if isinstance(expr, Symbol):
        return expr.name
    if isinstance(expr, Transpose) and isinstance(expr.args[0], Symbol):
        return f"{expr.args[0].name}.T"
    return otherwise


def _way_out(left: Expr, right: Expr) -> str:
    if left.shape[1] == right.shape[1]:
        return f"; {name_of(left, 'left')} @ {name_of(right, 'right')}.T would fit"
    if left.shape[0] == right.shape[0]:
        return f"; {name_of(left, 'left')}.T @ {name_of(right, 'right')} would fit"
    if left.shape[0] == right.shape[1]:
        return f"; {name_of(right, 'right')} @ {name_of(left, 'left')} would fit"
    return ""


def fused(function: Scalar, args: tuple[Expr, ...]) -> Expr:
    """Map(function, args) with inner maps folded in, constants filled in and repeated arguments merged."""
    places: dict[Expr, Scalar] = {}
    values: list[Scalar] = []
    for arg in args:
        if isinstance(arg, Fill):
            values.append(arg.value)
        elif isinstance(arg, Map):
            inner = [places.setdefault(part, placeholder(len(places))) for part in arg.args]
            values.append(_fill_in(arg.function, inner))
        else:
            values.append(places.setdefault(arg, placeholder(len(places))))
    scalar = _fill_in(function, values)
    free = scalar.free_symbols
    kept = [(part, place) for part, place in places.items() if place in free]
    if not kept:
        return Fill(scalar, args[0].shape)
    if len(kept) < len(places):
        scalar = scalar.xreplace({place: placeholder(i) for i, (_, place) in enumerate(kept)})
    if scalar == placeholder(0):
        return kept[0][0]
    return Map(scalar, tuple(part for part, _ in kept))


def _fill_in(function: Scalar, values: list[Scalar]) -> Scalar:
    """The function with placeholder i replaced by value i, all at once."""
    return function.xreplace({placeholder(i): value for i, value in enumerate(values) if value != placeholder(i)})


def apply(function: Callable[..., Scalar], *operands: Any) -> Expr:
    """Elementwise `function` of expressions and scalars, stretched to a common shape as NumPy does.

    Raises: ShapeError if two operands have no common shape.
    """
    shape = SCALAR
    for operand in operands:
        if isinstance(operand, Expr):
            common = broadcast(shape, operand.shape)
            if common is None:
                sides = [(name_of(o), show(o.shape)) for o in operands if isinstance(o, Expr)]
                raise ShapeError(
                    "elementwise work needs equal shapes, or a side of size 1", sides, _stretch_hint(sides)
                )
            shape = common
    args = [o for o in operands if isinstance(o, Expr)]
    places = iter(placeholder(i) for i in range(len(args)))
    scalar = function(*(next(places) if isinstance(o, Expr) else as_scalar(o) for o in operands))
    return fused(scalar, tuple(Broadcast(arg, shape) for arg in args))


def _stretch_hint(sides: list[tuple[str, str]]) -> str:
    shapes = {shape for _, shape in sides}
    outer = len(shapes) == 2 and all("1" in shape.strip("()").split(", ") for shape in shapes)
    return "a row with a column would give a full matrix: transpose one of them" if outer else ""


def call(name: str, matrix: Expr, *constants: Any) -> Expr:
    """The elementwise function `name` of FUNCTIONS, applied to a matrix; `constants` as in its row, or its defaults."""
    given = tuple(map(as_scalar, constants)) or getattr(FUNCTIONS[name], "defaults", ())
    return apply(lambda x: FUNCTIONS[name](x, *given), matrix)


def total(matrix: Expr, axis: int | None = None) -> Expr:
    """The sum of the entries, along one axis (size 1 is kept) or of all of them."""
    axes = (0, 1) if axis is None else (axis,)
    for each in axes:
        if matrix.shape[each] != ONE:
            matrix = Sum(matrix, each)
    return matrix


def mean(matrix: Expr, axis: int | None = None) -> Expr:
    """The mean of the entries, along one axis (size 1 is kept) or of all of them."""
    axes = (0, 1) if axis is None else (axis,)
    count = sympy.Mul(*(matrix.shape[each].to_sympy() for each in axes))
    return apply(lambda x: x / count, total(matrix, axis))


def substitute(expr: Expr, values: Mapping[Expr, Expr], memo: dict[Expr, Expr] | None = None) -> Expr:
    """The expression with every occurrence of a key replaced by its value."""
    memo = {} if memo is None else memo
    if expr in values:
        return values[expr]
    if expr not in memo:
        args = tuple(substitute(arg, values, memo) for arg in expr.args)
        memo[expr] = expr if args == expr.args else expr.rebuilt(args)
    return memo[expr]


def parts_of(expr: Expr) -> Iterator[Expr]:
    """The expression and everything in it, each once however often it is shared."""
    seen = {expr}
    todo = [expr]
    while todo:
        each = todo.pop()
        yield each
        for arg in each.args:
            if arg not in seen:
                seen.add(arg)
                todo.append(arg)


def symbols_in(expr: Expr) -> set[Symbol]:
    """Every Symbol that occurs in the expression."""
    return {part for part in parts_of(expr) if isinstance(part, Symbol)}


def functions_in(expr: Expr) -> set[Scalar]:
    """Every application of a scalar function in the elementwise work of the expression."""
    return {f for part in parts_of(expr) if isinstance(part, Map) for f in part.function.atoms(sympy.Function)}


def softmax(matrix: Expr, axis: int) -> Expr:
    """Softmax along an axis: 1 where a sample is a row, 0 where it is a column."""
    return Softmax(matrix, axis)


def _written(expr: Expr) -> str:
    """The expression on one line, as in NumPy."""
    parts = [f"({_written(arg)})" if isinstance(arg, (Map, MatMul)) else _written(arg) for arg in expr.args]
    match expr:
        case Symbol():
            return expr.name
        case Fill():
            return str(expr.value)
        case MatMul():
            return " @ ".join(parts)
        case Transpose():
            return f"{parts[0]}.T"
        case Map():
            places = {f"x{i}": part for i, part in enumerate(parts)}
            return re.sub(r"\bx\d+\b", lambda match: places.get(match[0], match[0]), str(expr.function))
        case Broadcast():
            return parts[0]
    return f"{type(expr).__name__.lower()}({_written(expr.args[0])}, axis={expr.fields[1]})"
