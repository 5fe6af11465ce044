"""What a formula means once its names are known: terms over labelled arrays, every product decided.

A term's value has one axis for each index letter it carries, then rows and columns. Scalars are one by one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, get_args

ENTRIES = ".size"  # behind the name of a quantity, where a size is meant: how many entries it has
ROWS, COLUMNS = ".rows", ".columns"  # so too: how many rows, or columns
Index = str | int | None  # a letter, an entry (counted from 0), or the whole axis


class _Kept:
    """Room beside the fields for what was once worked out of a term, which never changes: compared and shown nowhere."""

    __slots__ = ("_everything", "_hash", "_kinds", "_references")
    _everything: tuple[Term, ...]
    _kinds: frozenset[type]
    _references: tuple[Ref | Part, ...]
    _hash: int


@dataclass(frozen=True, slots=True)
class Const(_Kept):
    """A number that is the same everywhere."""

    value: Fraction


@dataclass(frozen=True, slots=True)
class SizeOf(_Kept):
    """A size as a number, by its name: the n of 1/n."""

    dim: str


@dataclass(frozen=True, slots=True)
class Ref(_Kept):
    """A quantity, or part of it: `rows` and `columns` say which entry, or by which letter the axis is labelled."""

    key: str
    rows: Index = None
    columns: Index = None


@dataclass(frozen=True, slots=True)
class Add(_Kept):
    """Terms with signs. A row or column is repeated over the other (the bias)."""

    terms: tuple[tuple[int, Term], ...]


@dataclass(frozen=True, slots=True)
class Times(_Kept):
    """Entry by entry; a scalar times anything; letters of the same name run together."""

    left: Term
    right: Term


@dataclass(frozen=True, slots=True)
class MatMul(_Kept):
    """Rows times columns; letters run together."""

    left: Term
    right: Term


@dataclass(frozen=True, slots=True)
class Over(_Kept):
    """left / right, entry by entry."""

    left: Term
    right: Term


@dataclass(frozen=True, slots=True)
class Power(_Kept):
    """base to a constant or scalar exponent, entry by entry."""

    base: Term
    exponent: Term


@dataclass(frozen=True, slots=True)
class Transpose(_Kept):
    """Rows and columns change places; letters stay."""

    body: Term


@dataclass(frozen=True, slots=True)
class Apply(_Kept):
    """An elementwise function, or its derivative of an order."""

    function: str
    order: int
    body: Term


@dataclass(frozen=True, slots=True)
class Softmax(_Kept):
    """Shares that add up to 1 along 'rows' (down a column), 'columns', or a letter."""

    body: Term
    along: str


@dataclass(frozen=True, slots=True)
class SumOver(_Kept):
    """The sum over a letter, or over 'rows', 'columns', 'all'."""

    along: str
    body: Term


@dataclass(frozen=True, slots=True)
class Ones(_Kept):
    """A matrix of ones; sizes by name."""

    rows: str
    columns: str


@dataclass(frozen=True, slots=True)
class OnesOf(_Kept):
    r"""`\mathbf 1_n`: a vector of ones whose size has only a letter; reading it makes Ones of it."""

    label: str


@dataclass(frozen=True, slots=True)
class Identity(_Kept):
    """The identity matrix of a size."""

    dim: str


@dataclass(frozen=True, slots=True)
class Kronecker(_Kept):
    """1 where two letters agree, or the left one and an entry's number; `dim` is the size both run over."""

    left: str
    right: str
    dim: str


@dataclass(frozen=True, slots=True)
class Diagonal(_Kept):
    """The matrix with a vector on its diagonal."""

    body: Term


@dataclass(frozen=True, slots=True)
class Label(_Kept):
    """The body with its rows or columns labelled by a letter, or one entry of it picked."""

    body: Term
    rows: Index
    columns: Index


@dataclass(frozen=True, slots=True)
class Stack(_Kept):
    """A matrix from its entries or blocks."""

    rows: tuple[tuple[Term, ...], ...]


@dataclass(frozen=True, slots=True)
class Augmented(_Kept):
    """The body with a row (or column) of ones put first, or last: the feature of the bias."""

    body: Term
    along: str
    is_last: bool = False


@dataclass(frozen=True, slots=True)
class Rest(_Kept):
    """The body without its first row or column; `along` is 'rows', 'columns', or 'first' until it is known which."""

    body: Term
    along: str


@dataclass(frozen=True, slots=True)
class Compare(_Kept):
    """1 where the comparison holds, 0 elsewhere."""

    left: Term
    sign: str
    right: Term


@dataclass(frozen=True, slots=True)
class Part(_Kept):
    """A quantity with indices that are not yet tied to its rows and columns."""

    key: str
    indices: tuple[Index, ...]


@dataclass(frozen=True, slots=True)
class Gathered(_Kept):
    """The entries for every value of the letters, put together: `a_j = ..` defines the vector. Axes are told by `placed`."""

    body: Term
    indices: tuple[Index, ...]
    placed: tuple[str | None, str | None] | None = None


@dataclass(frozen=True, slots=True)
class Sloppy(_Kept):
    """A product as written, whose kind is not decided: marks as in formulas.Product. Reading it makes terms of it."""

    factors: tuple[Term, ...]
    marks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Jacobian(_Kept):
    """d top / d bottom: a gradient for a scalar top; entries by letters; else rows, columns, rows', columns'."""

    top: Term
    bottom: Ref | Part


@dataclass(frozen=True, slots=True)
class Local(_Kept):
    """The matrix that stands for a local derivative with four axes: what is left beside an identity; see worlds.local_matrices."""

    top: Term
    bottom: Ref
    pattern: str


Term = (
    Const | SizeOf | Ref | Add | Times | MatMul | Over | Power | Transpose | Apply | Softmax | SumOver | Ones | OnesOf | Identity
    | Kronecker | Diagonal | Label | Stack | Augmented | Rest | Compare | Jacobian | Part | Sloppy | Gathered | Local
)  # fmt: skip

ONE = Const(Fraction(1))


def parts_of(term: Term) -> tuple[Term, ...]:
    """The terms directly inside a term."""
    return _PARTS.get(type(term), _no_parts)(term)


def _both(term: Times | MatMul | Over | Compare) -> tuple[Term, ...]:
    return term.left, term.right


def _body(
    term: Transpose | Diagonal | SumOver | Apply | Softmax | Augmented | Rest | Label | Gathered,
) -> tuple[Term, ...]:
    return (term.body,)


def _top_and_bottom(term: Jacobian | Local) -> tuple[Term, ...]:
    return term.top, term.bottom


_PARTS: dict[type, Callable[[Any], tuple[Term, ...]]] = {
    Add: lambda term: tuple(body for _, body in term.terms),
    Stack: lambda term: tuple(entry for row in term.rows for entry in row),
    Sloppy: lambda term: term.factors,
    Power: lambda term: (term.base, term.exponent),
    **dict.fromkeys((Times, MatMul, Over, Compare), _both),
    **dict.fromkeys((Jacobian, Local), _top_and_bottom),
    **dict.fromkeys((Transpose, Diagonal, SumOver, Apply, Softmax, Augmented, Rest, Label, Gathered), _body),
}


def _no_parts(term: Term) -> tuple[Term, ...]:
    return ()


def everything_in(term: Term) -> tuple[Term, ...]:
    """A term and all that is inside it, however deep, in the order in which it is written."""
    known: tuple[Term, ...] | None = getattr(term, "_everything", None)
    if known is not None:
        return known
    found, waiting = [], [term]
    while waiting:
        at = waiting.pop()
        if (inside := getattr(at, "_everything", None)) is not None:
            found += inside
            continue
        found.append(at)
        if (parts := _PARTS.get(type(at))) is not None:
            waiting += parts(at)[::-1]
    object.__setattr__(term, "_everything", tuple(found))
    return term._everything


def kinds_in(term: Term) -> frozenset[type]:
    """The kinds of all terms inside a term."""
    known: frozenset[type] | None = getattr(term, "_kinds", None)
    if known is None:
        known = frozenset(map(type, everything_in(term)))
        object.__setattr__(term, "_kinds", known)
    return known


def references_in(term: Term) -> tuple[Ref | Part, ...]:
    """Every quantity a term mentions, as often as it does."""
    known: tuple[Ref | Part, ...] | None = getattr(term, "_references", None)
    if known is None:
        known = tuple([part for part in everything_in(term) if isinstance(part, (Ref, Part))])
        object.__setattr__(term, "_references", known)
    return known


def _hashed_once(kind: Any) -> None:
    """Terms are asked for by their hash at every level of a formula: each keeps its own, or it would be taken of all below."""
    taken: Callable[[Term], int] = kind.__hash__

    def __hash__(term: Term) -> int:
        known: int | None = getattr(term, "_hash", None)
        if known is None:
            known = taken(term)
            object.__setattr__(term, "_hash", known)
        return known

    kind.__hash__ = __hash__


for _kind in get_args(Term):
    _hashed_once(_kind)


def mapped(term: Term, function: Callable[[Term], Term]) -> Term:
    """The term with a function applied to the parts directly below it; derivatives are left alone."""
    match term:
        case Add(terms):
            return Add(tuple((sign, function(t)) for sign, t in terms))
        case Sloppy(factors, marks):
            return Sloppy(tuple(function(t) for t in factors), marks)
        case Power(base, exponent):
            return Power(function(base), exponent)
        case SumOver(along, body):
            return SumOver(along, function(body))
        case Apply(name, order, body):
            return Apply(name, order, function(body))
        case Transpose(body):
            return Transpose(function(body))
        case Over(left, right):
            return Over(function(left), function(right))
        case Times(left, right):
            return Times(function(left), function(right))
        case MatMul(left, right):
            return MatMul(function(left), function(right))
        case Compare(left, sign, right):
            return Compare(function(left), sign, function(right))
        case Softmax(body, along):
            return Softmax(function(body), along)
        case Gathered(body, indices, placed):
            return Gathered(function(body), indices, placed)
        case Diagonal(body):
            return Diagonal(function(body))
        case Augmented(body, along, is_last):
            return Augmented(function(body), along, is_last)
        case Rest(body, along):
            return Rest(function(body), along)
        case Label(body, rows, columns):
            return Label(function(body), rows, columns)
        case Stack(rows):
            return Stack(tuple(tuple(function(entry) for entry in row) for row in rows))
    return term


def is_ones(term: Term) -> bool:
    """Whether it is a written vector of ones, of whatever size."""
    return isinstance(term, OnesOf) or term == Part("ones", ())


def letters_in(term: Term) -> set[str]:
    """The letters of all indices in a term, those of sums among them."""
    found: set[str] = set()
    for part in everything_in(term):
        if isinstance(part, Jacobian):
            found |= letters_in(part.top) | letters_in(part.bottom)
        elif isinstance(part, Part):
            found |= {i for i in part.indices if isinstance(i, str)}
    return found
