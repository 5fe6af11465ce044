"""Index notation: the entry at (i, j) of an expression, with every sum written out.

Each size has a letter of its own, so that `Z1_ik = Σ_j X_ij W1_jk + b1_k` shows which index runs over what. Indices start
at 1; along an axis that holds the bias they start at 0, so dropping or adding that row changes no index.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import count
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
from symderiv.calculus.functions import Scalar, placeholder
from symderiv.calculus.model import Model
from symderiv.calculus.shapes import ONE, Size
from symderiv.oracles.evaluation import Array, Point

LETTERS = ("i", "j", "k", "l", "p", "q", "r", "s", "t", "u", "v")


def first_index(size: Size) -> int:
    """The first index along an axis: 0 where it holds the bias (d + 1), else 1."""
    return 0 if size.name and size.offset else 1


@dataclass(frozen=True)
class Index:
    """A letter that runs over a size; `primes` tells apart several over the same size."""

    letter: str
    size: Size
    primes: int = 0

    @property
    def start(self) -> int:
        """0 along an axis that holds the bias, else 1."""
        return first_index(self.size)

    @property
    def end(self) -> Size:
        """The last value."""
        return self.size if self.start else self.size + -1


Place = Index | int | None
"""An index, a fixed number, or None along an axis of size 1."""


@dataclass(frozen=True)
class Entry:
    """One entry of a named matrix, or of one with ones put first."""

    matrix: Expr
    row: Place
    column: Place


@dataclass(frozen=True)
class Total:
    """The sum of `body` over `index`."""

    index: Index
    body: IndexExpr


@dataclass(frozen=True)
class Elementary:
    """A scalar function, in placeholders, of other index expressions."""

    function: Scalar
    args: tuple[IndexExpr, ...]


@dataclass(frozen=True)
class Delta:
    """1 if both places are equal, else 0."""

    left: Place
    right: Place


IndexExpr = Entry | Total | Elementary | Delta
UNIT = Elementary(sympy.Integer(1), ())


class Letters:
    """Gives every size its letter, in order of appearance, and fresh copies of it where one is taken.

    Letters that are names of sizes are avoided: k' running to k would be read wrongly.
    """

    def __init__(self, avoid: tuple[str, ...] = ()) -> None:
        self._letters: dict[object, str] = {}
        self._free = (letter for number in count() for letter in [_letter(number)] if letter not in avoid)

    def index(self, size: Size, taken: tuple[Place, ...] = ()) -> Place:
        """An index over `size` that is none of `taken`; None for size 1."""
        if size == ONE:
            return None
        key = size.name or size.offset
        if key not in self._letters:
            self._letters[key] = next(self._free)
        letter = self._letters[key]
        used = {place.primes for place in taken if isinstance(place, Index) and place.letter == letter}
        primes = next(k for k in range(len(used) + 1) if k not in used)
        return Index(letter, size, primes)


def letters_of(model: Model) -> Letters:
    """The letters of a model's sizes, in the order in which the sizes appear."""
    names = (*model.sizes, *model.symbols, *(symbol.name for symbol in model.hypers))
    letters = Letters(avoid=tuple(part for name in names for part in name.split("_")))
    for symbol in model.symbols.values():
        for size in symbol.shape:
            letters.index(size)
    return letters


def _letter(number: int) -> str:
    around, place = divmod(number, len(LETTERS))
    return LETTERS[place] + (f"_{around}" if around else "")


def entry(expr: Expr, row: Place, column: Place, letters: Letters, taken: tuple[Place, ...] = ()) -> IndexExpr:
    """The entry of an expression at (row, column); fresh indices of its sums avoid `taken`."""
    return _ENTRY[type(expr)](expr, row, column, letters, (*taken, row, column))


def _matmul(expr: Expr, row: Place, column: Place, letters: Letters, taken: tuple[Place, ...]) -> IndexExpr:
    left, right = expr.args
    inner = letters.index(left.shape[1], taken)
    factors = (entry(left, row, inner, letters, taken), entry(right, inner, column, letters, taken))
    product = product_of(factors)
    return Total(inner, product) if isinstance(inner, Index) else product


def _map(expr: Map, row: Place, column: Place, letters: Letters, taken: tuple[Place, ...]) -> IndexExpr:
    return Elementary(expr.function, tuple(entry(arg, row, column, letters, taken) for arg in expr.args))


def _sum(expr: Sum, row: Place, column: Place, letters: Letters, taken: tuple[Place, ...]) -> IndexExpr:
    inner = letters.index(expr.args[0].shape[expr.axis], taken)
    places = (inner, column) if expr.axis == 0 else (row, inner)
    body = entry(expr.args[0], *places, letters, taken)
    return Total(inner, body) if isinstance(inner, Index) else body


def _broadcast(expr: Broadcast, row: Place, column: Place, letters: Letters, taken: tuple[Place, ...]) -> IndexExpr:
    places = [None if axis in expr.axes else place for axis, place in enumerate((row, column))]
    return entry(expr.args[0], places[0], places[1], letters, taken)


def _softmax(expr: Softmax, row: Place, column: Place, letters: Letters, taken: tuple[Place, ...]) -> IndexExpr:
    exponential = Map(sympy.exp(placeholder(0)), expr.args)
    top = entry(exponential, row, column, letters, taken)
    bottom = _sum(Sum(exponential, expr.axis), row, column, letters, taken)
    return Elementary(placeholder(0) / placeholder(1), (top, bottom))


_ENTRY: Mapping[type[Expr], Callable[..., IndexExpr]] = {
    Symbol: lambda e, i, j, letters, taken: Entry(e, i, j),
    Fill: lambda e, i, j, letters, taken: Elementary(e.value, ()),
    MatMul: _matmul,
    Transpose: lambda e, i, j, letters, taken: entry(e.args[0], j, i, letters, taken),
    Map: _map,
    Sum: _sum,
    Broadcast: _broadcast,
    Softmax: _softmax,
    Augment: lambda e, i, j, letters, taken: Entry(e, i, j),
    DropFirst: lambda e, i, j, letters, taken: entry(e.args[0], i, j, letters, taken),
}


def product_of(factors: tuple[IndexExpr, ...]) -> IndexExpr:
    """The product of several index expressions as one function of their parts."""
    product: Scalar = sympy.Integer(1)
    parts: dict[IndexExpr, Scalar] = {}
    for factor in factors:
        function, args = (
            (factor.function, factor.args) if isinstance(factor, Elementary) else (placeholder(0), (factor,))
        )
        own = {placeholder(i): parts.setdefault(arg, placeholder(len(parts))) for i, arg in enumerate(args)}
        product *= function.xreplace(own)
    if product == placeholder(0):
        return next(iter(parts))
    return Elementary(product, tuple(parts))


def replaced(expr: IndexExpr, places: Mapping[Place, Place]) -> IndexExpr:
    """The expression with free indices replaced."""
    match expr:
        case Entry(matrix, row, column):
            return Entry(matrix, places.get(row, row), places.get(column, column))
        case Delta(left, right):
            ends = places.get(left, left), places.get(right, right)
            if all(isinstance(end, int) for end in ends):
                return Elementary(sympy.Integer(int(ends[0] == ends[1])), ())
            return Delta(*ends)
        case Elementary(function, args):
            return Elementary(function, tuple(replaced(arg, places) for arg in args))
        case Total(index, body):
            return Total(index, replaced(body, {k: v for k, v in places.items() if k != index}))


def value(expr: IndexExpr, point: Point, forward: Mapping[Expr, Array], bound: Mapping[Index, int]) -> Any:
    """The number that an index expression stands for, with its free indices bound: an oracle for these views."""
    match expr:
        case Entry(matrix, row, column):
            number = forward[matrix] if matrix in forward else point.evaluate(matrix, dict(forward))
            return number[_position(row, matrix.shape[0], bound), _position(column, matrix.shape[1], bound)]
        case Delta(left, right):
            return 1 if _bound(left, bound) == _bound(right, bound) else 0
        case Elementary(function, args):
            return point.scalar(function, [value(arg, point, forward, bound) for arg in args])
        case Total(index, body):
            return sum(value(body, point, forward, {**bound, index: k}) for k in values_of(index, point))


def values_of(index: Index, point: Point) -> Iterator[int]:
    """The numbers that an index runs through."""
    yield from range(index.start, index.end.value(point.sizes) + 1)


def _bound(place: Place, bound: Mapping[Index, int]) -> int | None:
    return bound[place] if isinstance(place, Index) else place


def _position(place: Place, size: Size, bound: Mapping[Index, int]) -> int:
    number = _bound(place, bound)
    return 0 if number is None else number - first_index(size)
