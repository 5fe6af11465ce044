"""The values of a document's quantities at one point, and their derivatives by forward differentiation.

One object answers every question of judging: what is this term here, and how does it change with that quantity. It knows
nothing of pullbacks, so what it says is independent of the derivation. Shapes are actual sizes, pairwise distinct where the
document allows, so that what conforms here conforms in general.
"""

from __future__ import annotations

import decimal
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, lru_cache
from typing import Any, NamedTuple, get_args

import numpy as np

from symderiv.homework.understanding.arithmetic import (
    MOST_ORDERS,
    Arithmetic,
    Array,
    Exact,
    Undefined,
    apply_function,
    derivatives,
    is_prepared,
    prepared,
)
from symderiv.homework.understanding.patience import go_on
from symderiv.homework.understanding.terms import (
    COLUMNS,
    ENTRIES,
    ROWS,
    Add,
    Apply,
    Augmented,
    Compare,
    Const,
    Diagonal,
    Gathered,
    Identity,
    Index,
    Jacobian,
    Kronecker,
    Label,
    Local,
    MatMul,
    Ones,
    Over,
    Power,
    Ref,
    Rest,
    SizeOf,
    Softmax,
    Stack,
    SumOver,
    Term,
    Times,
    Transpose,
    everything_in,
    references_in,
)  # fmt: skip

MAX_DEPTH = 120
MAX_ENTRIES = 100_000  # of one array; networks as people write them stay below 2 000
MAX_SIZE = 1_000  # of an axis
MAX_REMEMBERED = 1_000  # entries of a value that is kept by its term
MOST_KEPT = 50_000_000  # bytes of everything that one world keeps
ONE_WAY = " along one direction"  # behind the name of a quantity that everything changes with
KINKED = frozenset({"relu", "leaky_relu", "abs"})
BYTES = {"machine": 8, "exact": 112}  # of an entry
OVERHEAD = 500  # bytes of an array beside its entries


class Misfit(ValueError):
    """Shapes that do not fit together."""


class TooLarge(Undefined):
    """More entries than are worked with: that says nothing about what is compared."""


class Unknown(LookupError):
    """A quantity without a value: nobody defined it, or its definition could not be read."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


class Value(NamedTuple):
    """array: one axis a letter, then rows and columns. tangent: the same with a leading axis, a direction each; or None."""

    letters: tuple[str, ...]
    array: Array
    tangent: Array = None

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.array.shape[-2:]  # type: ignore[no-any-return]

    @property
    def is_scalar(self) -> bool:
        """One by one, with or without letters."""
        return bool(self.array.shape[-2:] == (1, 1))


def aligned(array: Array, letters: tuple[str, ...], onto: tuple[str, ...], lead: int) -> Array:
    """The array with its letter axes in the order `onto`, new ones of size one."""
    order, new = _alignment(letters, onto, lead)
    return array.transpose(order)[new]


@lru_cache(maxsize=4096)
def _alignment(letters: tuple[str, ...], onto: tuple[str, ...], lead: int) -> tuple[list[int], tuple[Any, ...]]:
    """The order of the axes, and the index that puts the new ones between them."""
    order = [lead + letters.index(letter) for letter in onto if letter in letters]
    new = (slice(None) if letter in letters else None for letter in onto)
    last = lead + len(order)
    return [*range(lead), *order, last, last + 1], (*(slice(None),) * lead, *new, ...)


def _moved(array: Array, axis: int, place: int) -> Array:
    """The array with an axis (counted from behind) moved to a place before it; one of size one stays where it was."""
    order, new = _move(array.ndim, axis, place)
    return array.transpose(order)[new]


@lru_cache(maxsize=1024)
def _move(count: int, axis: int, place: int) -> tuple[list[int], tuple[Any, ...]]:
    order = [k for k in range(count) if k != count + axis]
    order.insert(place, count + axis)
    return order, (..., None) if axis == -1 else (..., None, slice(None))


@lru_cache(maxsize=4096)
def _union(*letters: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted({letter for each in letters for letter in each}))


def _bounded(left: Value, right: Value, onto: tuple[str, ...]) -> None:
    """Nothing, if what two values make together is small enough to be worked with.

    Raises: Undefined.
    """
    count = left.array.size * right.array.size
    if left.tangent is None and right.tangent is None and count <= MAX_ENTRIES:
        return
    runs = {
        **dict(zip(right.letters, right.array.shape, strict=False)),
        **dict(zip(left.letters, left.array.shape, strict=False)),
    }
    entries = math.prod(runs[letter] for letter in onto) * math.prod(map(max, left.shape, right.shape))
    directions = max(v.tangent.shape[0] if v.tangent is not None else 1 for v in (left, right))
    _allowed(entries * directions)


def _allowed(entries: int) -> None:
    if entries > MAX_ENTRIES:
        raise TooLarge("too many entries")


def _joined(left: Value, right: Value) -> tuple[tuple[str, ...], Array, Array, Array, Array]:
    count = len(left.letters)
    if left.letters == right.letters and (not count or left.array.shape[:count] == right.array.shape[:count]):
        if left.array.size * right.array.size > MAX_ENTRIES:
            _bounded(left, right, left.letters)
        return left.letters, left.array, right.array, left.tangent, right.tangent
    onto = _union(left.letters, right.letters)
    _bounded(left, right, onto)
    arrays = [aligned(v.array, v.letters, onto, 0) for v in (left, right)]
    for at, letter in enumerate(onto):
        sizes = {a.shape[at] for a in arrays} - {1}
        if len(sizes) > 1:
            raise Misfit(f"the index {letter} runs over two ranges")
    tangents = [None if v.tangent is None else aligned(v.tangent, v.letters, onto, 1) for v in (left, right)]
    return onto, arrays[0], arrays[1], tangents[0], tangents[1]


def _sum_of(left: Array, right: Array) -> Array:
    if left is None:
        return right
    return left if right is None else left + right


@dataclass(frozen=True, slots=True)
class Point:
    """A place where everything is evaluated: given values of quantities, and the sizes by name."""

    arithmetic: Arithmetic
    values: Mapping[str, Array]
    sizes: Mapping[str, int]


class World:
    """Evaluates terms at a point.

    definitions: the term behind a quantity; a quantity of the point has no need of one. A value of the point wins over a
    definition: that is how a printed number, or the writer's own result, takes a quantity's place.
    """

    def __init__(self, point: Point, definitions: Mapping[str, Term]) -> None:
        self.point, self.definitions = point, definitions
        self.arithmetic = point.arithmetic
        self._values: dict[tuple[str, str | None], Value] = {}
        self._gradients: dict[tuple[Term, str], Value] = {}
        self._depends: dict[tuple[str, str], bool] = {}
        self._open: set[str] = set()
        self._applied: dict[int, tuple[Apply, list[Array]]] = {}  # by the term, too
        self._known: dict[int, tuple[Term, Value]] = {}  # by the term itself, kept so that its id stays its own
        self._kept = 0

    # --- asking ---
    def evaluate(self, term: Term) -> Value:
        """The value of a term.

        Raises: Misfit, Unknown, Undefined.
        """
        if (known := self._known.get(id(term))) is not None:
            return known[1]
        if not is_prepared():
            with prepared():
                return self.evaluate(term)
        try:
            value = self._value(term, None)
        except (decimal.DecimalException, ZeroDivisionError, OverflowError) as error:
            raise Undefined("no value there") from error
        except ValueError as error:  # NumPy: shapes of letters that do not fit
            raise error if isinstance(error, Misfit) else Misfit("an index runs over two ranges") from error
        except RecursionError as error:
            raise Undefined("nested too deeply") from error
        self._remember(term, value)
        return value

    def _remember(self, term: Term, value: Value) -> None:
        """What was asked for once stands inside what is asked for next: readings are built up from their parts."""
        if value.array.size <= MAX_REMEMBERED:
            self._keep(value)
            self._known[id(term)] = term, value

    def _keep(self, value: Value) -> None:
        """Count a value that is about to be kept; what was kept is given up where it is too much."""
        entries = value.array.size + (0 if value.tangent is None else value.tangent.size)
        self._kept += entries * BYTES[self.arithmetic.name] + OVERHEAD
        if self._kept > MOST_KEPT:
            self._values.clear()
            self._gradients.clear()
            self._known.clear()
            self._kept = 0

    @cached_property
    def has_kinks(self) -> bool:
        """Whether a quantity has pieces, as behind a ReLU: one point shows one of them only."""
        parts = (part for term in self.definitions.values() for part in everything_in(term))
        return any(isinstance(p, Compare) or (isinstance(p, Apply) and p.function in KINKED) for p in parts)

    def depends(self, key: str, on: str) -> bool:
        """Whether the definition of a quantity leads to another one."""
        found = self._depends.get((key, on))
        if found is None:
            self._depends[key, on] = False  # a circle leads nowhere
            found = key == on or self._term_depends(self.definitions.get(key), on)
            self._depends[key, on] = found
        return found

    def _term_depends(self, term: Term | None, on: str) -> bool:
        return term is not None and any(self.depends(ref.key, on) for ref in references_in(term))

    # --- evaluation ---
    def _value(self, term: Term, bottom: str | None) -> Value:
        go_on()
        if bottom is None and (known := self._known.get(id(term))) is not None:
            return known[1]
        return getattr(self, _METHODS[type(term)])(term, bottom)  # type: ignore[no-any-return]

    def _constant(self, value: Fraction) -> Value:
        array = self.arithmetic.zeros((1, 1))
        array[0, 0] = self.arithmetic.number(value)
        return Value((), array)

    def _const(self, term: Const, bottom: str | None) -> Value:
        return self._constant(term.value)

    def _sizeof(self, term: SizeOf, bottom: str | None) -> Value:
        return self._constant(Fraction(self.size(term.dim)))

    def size(self, dim: str) -> int:
        """A size by its name, or the size of a quantity's axis."""
        if dim.endswith(ENTRIES):
            return math.prod(self.quantity(dim.removesuffix(ENTRIES)).shape)
        for axis, end in enumerate((ROWS, COLUMNS)):
            if dim.endswith(end):
                return self.quantity(dim.removesuffix(end)).shape[axis]
        size = int(dim) if dim.isdecimal() else self.point.sizes.get(dim)
        if size is None:
            raise Unknown(dim)
        if size > MAX_SIZE:
            raise TooLarge("too many entries")
        return size

    def quantity(self, key: str, bottom: str | None = None) -> Value:
        """A quantity as a whole, with its change along every entry of `bottom`, or along one direction of it."""
        changed = bottom and bottom.removesuffix(ONE_WAY)
        if changed is not None and key != changed and not self.depends(key, changed):
            bottom = changed = None
        found = self._values.get((key, bottom))
        if found is not None:
            return found
        if key == changed:
            whole = self.quantity(key)
            found = self._seeded(whole) if bottom == changed else whole._replace(tangent=self._direction(whole)[None])
        elif key in self.point.values and (bottom is None or key not in self.definitions):
            found = Value((), self.point.values[key])
        else:
            found = self._defined(key, bottom)
        self._keep(found)
        self._values[key, bottom] = found
        return found

    def _defined(self, key: str, bottom: str | None) -> Value:
        definition = self.definitions.get(key)
        if definition is None or key in self._open or len(self._open) > MAX_DEPTH:
            raise Unknown(key)
        self._open.add(key)
        try:
            value = self._value(definition, bottom)
        finally:
            self._open.discard(key)
        given = self.point.values.get(key)
        return value if given is None else Value(value.letters, given, value.tangent)

    def _seeded(self, value: Value) -> Value:
        size = value.array.size
        _allowed(size * size)
        eye = self.arithmetic.zeros((size, size))
        for k in range(size):
            eye[k, k] = self.arithmetic.number(Fraction(1))
        return Value(value.letters, value.array, eye.reshape((size, *value.array.shape)))

    def _direction(self, value: Value) -> Array:
        """A generic direction of a value: one number for each entry, different and none of them small."""
        array = self.arithmetic.zeros(value.array.shape)
        flat = array.reshape(-1)
        for k in range(flat.size):
            flat[k] = self.arithmetic.number(Fraction(500 + 389 * (k + 1) % 1009, 1009))
        return array

    def _ref(self, term: Ref, bottom: str | None) -> Value:
        return self._labelled(self.quantity(term.key, bottom), term.rows, term.columns)

    def _label(self, term: Label, bottom: str | None) -> Value:
        return self._labelled(self._value(term.body, bottom), term.rows, term.columns)

    def _labelled(self, value: Value, rows: Index, columns: Index) -> Value:
        """Rows and columns picked or labelled; an axis of size one takes any letter and stays."""
        for axis, index in ((-2, rows), (-1, columns)):
            if index is None:
                continue
            size = value.array.shape[axis]
            if isinstance(index, int):
                if not 0 <= index < size:
                    raise Misfit(f"there is no entry {index + 1} of {size}")
                pick = slice(index, index + 1)
                where = (..., pick, slice(None)) if axis == -2 else (..., pick)
                value = Value(
                    value.letters, value.array[where], None if value.tangent is None else value.tangent[where]
                )
            else:
                value = self._lettered(value, axis, index)
        return value

    @staticmethod
    def _lettered(value: Value, axis: int, letter: str) -> Value:
        if letter in value.letters:  # the same letter twice: the diagonal
            at = value.letters.index(letter)

            def diagonal(a: Array) -> Array:
                first = a.ndim - 2 - len(value.letters) + at
                if a.shape[first] != a.shape[axis]:
                    raise Misfit(f"the index {letter} runs over two ranges")
                moved = np.diagonal(a, axis1=first, axis2=a.ndim + axis)
                moved = np.moveaxis(moved, -1, first)
                return np.expand_dims(moved, axis)

            return _each(value, diagonal)
        onto = _union(value.letters, (letter,))
        at = onto.index(letter)

        def labelled(a: Array) -> Array:
            return _moved(a, axis, a.ndim - 2 - len(value.letters) + at)

        return Value(onto, labelled(value.array), None if value.tangent is None else labelled(value.tangent))

    def _add(self, term: Add, bottom: str | None) -> Value:
        total: Value | None = None
        for sign, part in term.terms:
            value = self._value(part, bottom)
            if sign < 0:
                value = _each(value, lambda a: -a)
            total = value if total is None else self._added(total, value)
        return total if total is not None else self._constant(Fraction(0))

    @staticmethod
    def _added(left: Value, right: Value) -> Value:
        a, b = left.shape, right.shape
        if (
            a != b
            and not (left.is_scalar or right.is_scalar)
            and not all(x == y or 1 in (x, y) for x, y in zip(a, b, strict=True))
        ):
            raise Misfit(f"{a} plus {b}")
        letters, x, y, dx, dy = _joined(left, right)
        array = x + y
        tangent = _sum_of(dx, dy)
        if tangent is not None and tangent.shape[1:] != array.shape:
            tangent = tangent + array * 0  # repeated like the value
        return Value(letters, array, tangent)

    def _times(self, term: Times, bottom: str | None) -> Value:
        return self.entrywise_product(self._value(term.left, bottom), self._value(term.right, bottom))

    def combined(self, term: Times | MatMul, left: Value, right: Value) -> Value:
        """A product whose parts are evaluated already.

        Raises: Misfit.
        """
        if not is_prepared():
            with prepared():
                return self.combined(term, left, right)
        try:
            value = self.entrywise_product(left, right) if isinstance(term, Times) else self.matrix_product(left, right)
        except ValueError as error:
            raise error if isinstance(error, Misfit) else Misfit("an index runs over two ranges") from error
        self._remember(term, value)
        return value

    @staticmethod
    def entrywise_product(left: Value, right: Value) -> Value:
        """left times right, entry by entry."""
        if left.shape != right.shape and not (left.is_scalar or right.is_scalar):
            raise Misfit(f"{left.shape} times {right.shape}, entry by entry")
        letters, x, y, dx, dy = _joined(left, right)
        tangent = _sum_of(None if dx is None else dx * y, None if dy is None else x * dy)
        return Value(letters, x * y, tangent)

    def _matmul(self, term: MatMul, bottom: str | None) -> Value:
        return self.matrix_product(self._value(term.left, bottom), self._value(term.right, bottom))

    @staticmethod
    def matrix_product(left: Value, right: Value) -> Value:
        """Rows times columns."""
        if left.shape[1] != right.shape[0]:
            raise Misfit(f"{left.shape} times {right.shape}")
        letters, x, y, dx, dy = _joined(left, right)
        tangent = _sum_of(None if dx is None else np.matmul(dx, y), None if dy is None else np.matmul(x, dy))
        return Value(letters, np.matmul(x, y), tangent)

    def _over(self, term: Over, bottom: str | None) -> Value:
        left, right = self._value(term.left, bottom), self._value(term.right, bottom)
        if left.shape != right.shape and not (left.is_scalar or right.is_scalar):
            is_share = isinstance(term.right, SumOver) and all(
                b in (1, a) for a, b in zip(left.shape, right.shape, strict=True)
            )
            if not is_share:  # E / E.sum(axis=1, keepdims=True): the sum stands for each of its row
                raise Misfit(f"{left.shape} divided by {right.shape}")
        letters, x, y, dx, dy = _joined(left, right)
        self._finite_quotient(y)
        array = x / y
        tangent = _sum_of(None if dx is None else dx / y, None if dy is None else -array * dy / y)
        return Value(letters, array, tangent)

    @staticmethod
    def _finite_quotient(below: Array) -> None:
        if (below == 0).any():
            raise Undefined("a division by zero")

    def _power(self, term: Power, bottom: str | None) -> Value:
        base, exponent = self._value(term.base, bottom), self._value(term.exponent, bottom)
        if exponent.tangent is not None or not exponent.is_scalar or exponent.letters:
            return self._general_power(base, exponent)
        whole = self._whole(term.exponent)
        if whole is not None:
            return self._whole_power(base, whole)
        return self._general_power(base, exponent)

    @staticmethod
    def _whole(exponent: Term) -> int | None:
        sign = 1
        if isinstance(exponent, Add) and len(exponent.terms) == 1:
            sign, exponent = exponent.terms[0]
        if isinstance(exponent, Const) and exponent.value.denominator == 1 and abs(exponent.value) <= 64:
            return sign * int(exponent.value)
        return None

    def _whole_power(self, base: Value, n: int) -> Value:
        if n == 0:
            return _each(Value(base.letters, base.array), lambda a: a * 0 + 1)
        if n < 0:
            self._finite_quotient(base.array)
        low = base.array ** (n - 1) if n > 0 else (1 / base.array) ** (1 - n)
        tangent = None if base.tangent is None else n * low * base.tangent
        return Value(base.letters, low * base.array, tangent)

    def _general_power(self, base: Value, exponent: Value) -> Value:
        letters, x, y, dx, dy = _joined(base, exponent)
        if (x <= 0).any():
            raise Undefined("a fractional power of a number that is not positive")
        array = self.arithmetic.power(x, y)
        if self.arithmetic is not Exact and not np.all(np.isfinite(array)):
            raise Undefined("a number too large")
        tangent = _sum_of(
            None if dx is None else array * y / x * dx,
            None if dy is None else array * apply_function("log", self.arithmetic, x) * dy,
        )
        return Value(letters, array, tangent)

    def _transpose(self, term: Transpose, bottom: str | None) -> Value:
        return _each(self._value(term.body, bottom), lambda a: a.swapaxes(-1, -2))

    def _apply(self, term: Apply, bottom: str | None) -> Value:
        body = self._value(term.body, bottom)
        value = self._orders_of(term, body.array, 0)
        if self.arithmetic is not Exact and not np.isfinite(value).all():
            raise Undefined(f"{term.function} has no value there")
        if body.tangent is None:
            return Value(body.letters, value)
        return Value(body.letters, value, self._orders_of(term, body.array, 1) * body.tangent)

    def _orders_of(self, term: Apply, x: Array, more: int) -> Array:
        """The derivative of an order higher by `more`: fifty digits are dear, and whatever changes, the place is the same."""
        known = self._applied.get(id(term))
        if known is None or len(known[1]) <= term.order + more:
            exact = self.arithmetic is Exact and term.order < MOST_ORDERS
            orders = derivatives(term.function, self.arithmetic, x, term.order + max(more, exact))
            known = term, orders
            if x.size <= MAX_REMEMBERED:
                self._applied[id(term)] = known
        return known[1][term.order + more]

    def _axis(self, value: Value, along: str) -> int:
        if along in ("rows", "columns"):
            return -2 if along == "rows" else -1
        if along not in value.letters:
            raise Misfit(f"nothing carries the index {along}")
        return value.letters.index(along) - len(value.letters) - 2

    def _softmax(self, term: Softmax, bottom: str | None) -> Value:
        body = self._value(term.body, bottom)
        axis = self._axis(body, term.along)
        if body.array.shape[axis] == 1:
            raise Misfit("the softmax of one number is 1, whatever it is")
        powers = self.arithmetic.exp(body.array)
        share = powers / np.sum(powers, axis=axis, keepdims=True)
        if body.tangent is None:
            return Value(body.letters, share)
        mean = np.sum(share * body.tangent, axis=axis, keepdims=True)
        return Value(body.letters, share, share * (body.tangent - mean))

    def _sumover(self, term: SumOver, bottom: str | None) -> Value:
        body = self._value(term.body, bottom)
        if term.along == "all":
            axes = tuple(range(-2 - len(body.letters), 0))
            summed = _each(
                body, lambda a: np.asarray(np.sum(a, axis=axes)).reshape((*a.shape[: a.ndim - len(axes)], 1, 1))
            )
            return Value((), summed.array, summed.tangent)
        if term.along in ("rows", "columns"):
            axis = self._axis(body, term.along)
            return _each(body, lambda a: np.sum(a, axis=axis, keepdims=True))
        axis = self._axis(body, term.along)
        summed = _each(body, lambda a: np.sum(a, axis=axis))
        return Value(tuple(x for x in body.letters if x != term.along), summed.array, summed.tangent)

    def _ones(self, term: Ones, bottom: str | None) -> Value:
        _allowed(self.size(term.rows) * self.size(term.columns))
        return Value(
            (),
            self.arithmetic.zeros((self.size(term.rows), self.size(term.columns)))
            + self.arithmetic.number(Fraction(1)),
        )

    def _identity(self, term: Identity, bottom: str | None) -> Value:
        size = self.size(term.dim)
        return Value((), self._seeded(Value((), self.arithmetic.zeros((1, size)))).tangent[:, 0, :])

    def _kronecker(self, term: Kronecker, bottom: str | None) -> Value:
        if term.left == term.right:
            return self._constant(Fraction(1))
        size = self.size(term.dim)
        eye = self._seeded(Value((), self.arithmetic.zeros((1, size)))).tangent[:, 0, :]
        if term.right.isdigit():
            if not 1 <= int(term.right) <= size:
                raise Misfit(f"there is no entry {term.right} of {size}")
            return Value((term.left,), eye[int(term.right) - 1][:, None, None])
        return Value(_union((term.left,), (term.right,)), eye[:, :, None, None])

    def _diagonal(self, term: Diagonal, bottom: str | None) -> Value:
        body = self._value(term.body, bottom)
        if 1 not in body.shape or body.letters:
            raise Misfit("diag() wants a vector")
        size = max(body.shape)
        _allowed(size * max(body.array.size, 0 if body.tangent is None else body.tangent.size))

        def spread(a: Array) -> Array:
            flat = a.reshape((*a.shape[:-2], size))
            out = self.arithmetic.zeros((*flat.shape, size))
            for k in range(size):
                out[..., k, k] = flat[..., k]
            return out

        return _each(body, spread)

    def _gathered(self, term: Gathered, bottom: str | None) -> Value:
        value = self._value(term.body, bottom)
        for axis, letter in zip((-2, -1), term.placed or (None, None), strict=True):
            if letter is None:
                continue
            if letter not in value.letters or value.array.shape[axis] != 1:
                raise Misfit(f"nothing carries the index {letter}")
            at = value.letters.index(letter)
            count = len(value.letters)

            def gathered(a: Array, axis: int = axis, at: int = at, count: int = count) -> Array:
                a = np.squeeze(a, axis=axis) if a.shape[axis] == 1 else a
                return np.moveaxis(a, a.ndim - 1 - count + at, a.ndim - 1 if axis == -1 else a.ndim - 2)

            value = Value(
                tuple(x for x in value.letters if x != letter),
                gathered(value.array),
                None if value.tangent is None else gathered(value.tangent),
            )
        return value

    def _stack(self, term: Stack, bottom: str | None) -> Value:
        rows = [[self._value(entry, bottom) for entry in row] for row in term.rows]
        size = next((v.tangent.shape[0] for row in rows for v in row if v.tangent is not None), None)
        letters = _union(*(v.letters for row in rows for v in row))

        def block(v: Value, tangent: bool) -> Array:
            array = aligned(v.array, v.letters, letters, 0)
            if not tangent:
                return array
            if v.tangent is None:
                return self.arithmetic.zeros((size or 1, *array.shape))
            return aligned(v.tangent, v.letters, letters, 1)

        _allowed(sum(v.array.size for row in rows for v in row) * (size or 1))
        try:
            array = np.concatenate([np.concatenate([block(v, False) for v in row], axis=-1) for row in rows], axis=-2)
            tangent = None
            if size is not None:
                tangent = np.concatenate(
                    [np.concatenate([block(v, True) for v in row], axis=-1) for row in rows], axis=-2
                )
        except ValueError as error:
            raise Misfit("the rows of a matrix differ in length") from error
        return Value(letters, array, tangent)

    def _augmented(self, term: Augmented, bottom: str | None) -> Value:
        axis = -2 if term.along == "rows" else -1

        def longer(a: Array, fill: int) -> Array:
            first = (a[..., :1, :] if axis == -2 else a[..., :1]) * 0 + fill
            return np.concatenate([a, first] if term.is_last else [first, a], axis=axis)

        body = self._value(term.body, bottom)
        return Value(body.letters, longer(body.array, 1), None if body.tangent is None else longer(body.tangent, 0))

    def _rest(self, term: Rest, bottom: str | None) -> Value:
        value = self._value(term.body, bottom)
        if value.shape[0 if term.along == "rows" else 1] < 2:
            raise Misfit("nothing is left without the first")
        return _each(value, lambda a: a[..., 1:, :] if term.along == "rows" else a[..., 1:])

    def _compare(self, term: Compare, bottom: str | None) -> Value:
        left, right = self._value(term.left, None), self._value(term.right, None)
        letters, x, y, _, _ = _joined(left, right)
        signs: dict[str, Callable[[Array, Array], Array]] = {
            ">": np.greater, "<": np.less, ">=": np.greater_equal, "<=": np.less_equal, "=": np.equal, "!=": np.not_equal,
        }  # fmt: skip
        holds = signs[term.sign](x, y).astype(bool)
        one: Array = self.arithmetic.number(Fraction(1))
        return Value(letters, np.where(holds, one, one * 0))

    # --- derivatives ---
    def _jacobian(self, term: Jacobian, bottom: str | None) -> Value:
        if bottom is not None:
            raise Undefined("a derivative of a derivative")
        assert isinstance(term.bottom, Ref)
        gradient = self.jacobian(term.top, term.bottom)
        if gradient.array.ndim - len(gradient.letters) > 2:
            raise Misfit("a derivative with four axes inside a formula")
        return gradient

    def _local(self, term: Local, bottom: str | None) -> Value:
        if bottom is not None:
            raise Undefined("a derivative of a derivative")
        whole = self.jacobian(term.top, term.bottom)
        found = local_matrices(whole.array, self.arithmetic) if whole.array.ndim == 4 and not whole.letters else {}
        if term.pattern not in found:
            raise Misfit("no matrix stands for this derivative")
        return Value((), found[term.pattern])

    def jacobian(self, top: Term, bottom: Ref) -> Value:
        """d top / d bottom: for a scalar top a value of the shape of bottom; for a matrix the axes are top's, then bottom's."""
        if not is_prepared():
            with prepared():
                return self.jacobian(top, bottom)
        whole = self._gradients.get((top, bottom.key))
        if whole is None:
            try:
                whole = self._whole_jacobian(top, bottom.key)
            except (decimal.DecimalException, ZeroDivisionError, OverflowError) as error:
                raise Undefined("no value there") from error
            self._keep(whole)
            self._gradients[top, bottom.key] = whole
        return self._entry_of(whole, bottom)

    def along_one_direction(self, top: Term, key: str) -> Array:
        """How a term without letters changes along the direction of `summed_along`: what it costs does not grow with the entries.

        Raises: as evaluate.
        """
        if not is_prepared():
            with prepared():
                return self.along_one_direction(top, key)
        try:
            value = self._value(top, key + ONE_WAY)
        except (decimal.DecimalException, ZeroDivisionError, OverflowError) as error:
            raise Undefined("no value there") from error
        return value.array * 0 if value.tangent is None else value.tangent[0]

    def summed_along(self, gradient: Array, key: str) -> Array:
        """A gradient by a quantity, applied to one direction of it."""
        return np.asarray(np.sum(gradient * self._direction(self.quantity(key)))).reshape((1, 1))

    def _whole_jacobian(self, top: Term, key: str) -> Value:
        base = self.quantity(key)
        if base.letters:
            raise Undefined("a derivative by a family")
        value = self._value(top, key)
        k = base.array.size
        _allowed(value.array.size * k)
        tangent = self.arithmetic.zeros((k, *value.array.shape)) if value.tangent is None else value.tangent
        moved = tangent.transpose((*range(1, tangent.ndim), 0)).reshape((*value.array.shape, *base.shape))
        if value.is_scalar:  # the ones of the top go
            moved = moved.reshape((*moved.shape[:-4], *base.shape))
        return Value(value.letters, moved)

    def _entry_of(self, whole: Value, bottom: Ref) -> Value:
        four = whole.array.ndim - len(whole.letters) > 2
        if not four:
            return self._labelled(whole, bottom.rows, bottom.columns)
        rows, columns = whole.array.shape[-4], whole.array.shape[-3]
        array = whole.array.reshape((*whole.array.shape[:-4], rows * columns, *whole.array.shape[-2:]))
        array = np.moveaxis(array, -3, 0)  # the letter that sorts first stands first
        part = self._labelled(Value(("\0", *whole.letters), array), bottom.rows, bottom.columns)
        order = tuple(x for x in part.letters if x != "\0")
        array = aligned(part.array, part.letters, (*order, "\0"), 0)
        if array.shape[-1] == array.shape[-2] == 1:
            return Value(order, array.reshape((*array.shape[:-3], rows, columns)))
        local = Value(order, array.reshape((*array.shape[:-3], rows, columns, *array.shape[-2:])))
        return (
            self._sample_by_sample(local)
            if order and (rows, columns) == array.shape[-2:] and 1 in (rows, columns)
            else local
        )

    def _sample_by_sample(self, local: Value) -> Value:
        """Entries that depend on their own sample alone: d a_r / d z_s, one for each sample."""
        *lead, rows, columns, _, _ = local.array.shape
        n = rows * columns
        flat = local.array.reshape((*lead, n, n))
        own = np.diagonal(flat, axis1=-2, axis2=-1)
        spread = self.arithmetic.zeros(flat.shape)
        for k in range(n):
            spread[..., k, k] = own[..., k]
        if self.arithmetic.distance(spread, flat) > self.arithmetic.tolerance:
            return local
        return Value(local.letters, np.array(own).reshape((*lead, rows, columns)))


_METHODS: dict[type[Term], str] = {kind: "_" + kind.__name__.lower() for kind in get_args(Term)}


def _each(value: Value, function: Callable[[Array], Array]) -> Value:
    """A linear function of the array, hence of its change."""
    return Value(value.letters, function(value.array), None if value.tangent is None else function(value.tangent))


def local_matrices(jacobian: Array, arithmetic: Arithmetic) -> dict[str, Array]:
    """The matrices that stand for d top[r, c] / d bottom[s, t]: an identity on a pair of axes is left out.

    'full': both are vectors, the Jacobian itself. 'entries': each entry depends on its own entry alone. 'rows', 'columns': an
    identity on the rows or columns, e.g. W for d(W x)/dx. 'crossed', 'turned': on rows and columns of each other, as d(W'x)/dW.
    """
    r, c, s, t = jacobian.shape
    found: dict[str, Array] = {}
    if (r == 1 or c == 1) and (s == 1 or t == 1):
        found["full"] = jacobian.reshape((r * c, s * t))
    for name, fits in (("rows", r == s), ("columns", c == t), ("crossed", r == t), ("turned", c == s)):
        if not fits:
            continue
        matrix = _first_of(jacobian, name)
        if arithmetic.distance(_spread_over(matrix, name, jacobian.shape, arithmetic), jacobian) < arithmetic.tolerance:
            found[name] = matrix
    if (r, c) == (s, t):
        matrix = arithmetic.zeros((r, c))
        whole = arithmetic.zeros(jacobian.shape)
        for i in range(r):
            for j in range(c):
                matrix[i, j] = whole[i, j, i, j] = jacobian[i, j, i, j]
        if arithmetic.distance(whole, jacobian) < arithmetic.tolerance:
            found["entries"] = matrix
    return found


def _first_of(jacobian: Array, name: str) -> Array:
    """The block at the first entry of the identity."""
    return {
        "rows": jacobian[0, :, 0, :], "columns": jacobian[:, 0, :, 0], "crossed": jacobian[0, :, :, 0], "turned": jacobian[:, 0, 0, :],
    }[name]  # fmt: skip


def _spread_over(matrix: Array, name: str, shape: tuple[int, ...], arithmetic: Arithmetic) -> Array:
    whole = arithmetic.zeros(shape)
    r, c, _, _ = shape
    for k in range(r if name in ("rows", "crossed") else c):
        if name == "rows":
            whole[k, :, k, :] = matrix
        elif name == "columns":
            whole[:, k, :, k] = matrix
        elif name == "crossed":
            whole[k, :, :, k] = matrix
        else:
            whole[:, k, k, :] = matrix
    return whole


def separates(world: World, middle: str, bottom: str, top: Term) -> bool:
    """Whether every way from the bottom to the top leads through the middle."""
    tops = [r.key for r in references_in(top)]
    seen: set[str] = set()
    stack = list(tops)
    while stack:
        key = stack.pop()
        if key == middle or key in seen:
            continue
        if key == bottom:
            return False
        seen.add(key)
        definition = world.definitions.get(key)
        if definition is not None:
            stack.extend(r.key for r in references_in(definition))
    return True
