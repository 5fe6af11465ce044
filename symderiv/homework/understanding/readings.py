"""Typed readings of a term with sloppy products: every way to read it that conforms, each with its cost and its edits.

As written costs nothing; an elementwise product that is not marked, another grouping, a factor transposed or two factors
swapped cost something and are told. Values at one point keep apart readings that differ and merge those that do not.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import lru_cache
from itertools import chain, islice
from itertools import product as cartesian
from typing import Any, NamedTuple

import numpy as np

from symderiv.homework.understanding.arithmetic import Array, Undefined
from symderiv.homework.understanding.patience import go_on
from symderiv.homework.understanding.symbols import EACH
from symderiv.homework.understanding.terms import (
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
    OnesOf,
    Over,
    Part,
    Power,
    Ref,
    Rest,
    SizeOf,
    Sloppy,
    Softmax,
    Stack,
    SumOver,
    Term,
    Times,
    Transpose,
    everything_in,
    kinds_in,
    mapped,
    parts_of,
)  # fmt: skip
from symderiv.homework.understanding.worlds import Misfit, TooLarge, Unknown, Value, World, local_matrices

MAX_READINGS = 24
MANY_FACTORS = 8  # from here on numbers beside each other are multiplied first
MOST_FACTORS = 64
MOST_BOUND = 64  # ways to give sizes to vectors of ones
ELEMENTWISE = {"odot", "circ", ".*"}
EDITS = {
    "elementwise": 1.0,  # an elementwise product that is not marked, where a matrix product would conform too
    "grouping": 0.5,
    "oblong": 0.1,  # ones times transposed ones of another size
    "formal": 1.0,  # a sum over samples before something that keeps them
    "index": 1.0,  # a sample index that says nothing here
    "transposed": 2.0,
    "swapped": 3.0,
    "dotted": 2.0,  # the same with a sign that means nothing else
    "marked": 2.0,  # an elementwise sign where a matrix product is meant
}


class Reading(NamedTuple):
    """One way to read a formula."""

    term: Term
    value: Value
    edits: tuple[str, ...] = ()

    @property
    def cost(self) -> float:
        """How charitable it is."""
        return sum(EDITS[e] for e in self.edits)


@dataclass
class Axes:
    """Which axis is which: layout 'columns' (samples are columns) or 'rows'; letters that run over samples."""

    layout: str = "columns"
    sample_letters: frozenset[str] = frozenset()
    batch: bool = False
    samples: str = "#n"
    zero_rows: frozenset[str] = frozenset()  # keys whose first axis is counted from 0 (a bias feature)
    zero_columns: frozenset[str] = frozenset()
    ones: Mapping[str, str] = field(
        default_factory=dict
    )  # the size of `1_n` by its letter, as far as the equations say it
    ones_stand: bool = False  # `1_n^T` is written: 1_n itself is a column

    @property
    def unit_axis(self) -> str:
        """The axis of units."""
        return "rows" if self.layout == "columns" else "columns"

    @property
    def sample_axis(self) -> str:
        """The axis of samples."""
        return "columns" if self.layout == "columns" else "rows"


class Reader:
    """Readings in one world.

    lenient: whether transposes and orders may be mended. strict_star: `*` is elementwise, as in code. without: edits that
    are of no use, so that a reading that needs one is not even begun with.
    """

    def __init__(
        self,
        world: World,
        axes: Axes,
        lenient: bool = False,
        strict_star: bool = False,
        without: frozenset[str] = frozenset(),
    ) -> None:
        self.world, self.axes, self.lenient, self.strict_star, self.without = world, axes, lenient, strict_star, without
        self._memo: dict[Term, list[Reading]] = {}

    def readings(self, term: Term) -> list[Reading]:
        """All readings that conform, the cheapest first.

        Raises: Unknown for a quantity without a value; Misfit where nothing conforms; Undefined.
        """
        found = self._memo.get(term)
        if found is None:
            found = self._merged(self._generated(term))
            self._memo[term] = found
        if not found:
            raise Misfit("no reading of it conforms")
        return found

    def count(self, term: Term) -> int:
        """In how many ways a term was read, as far as it was."""
        return len(self._memo.get(term, ()))

    def sized(self, term: Term, beside: Value | None = None) -> Term:
        """Kronecker deltas with the size that their letters run over elsewhere in the term, or on the other side."""
        if Kronecker not in kinds_in(term):
            return term
        sizes: dict[str, int] = {} if beside is None else dict(zip(beside.letters, beside.array.shape, strict=False))
        for part in everything_in(term):
            if isinstance(part, Jacobian):
                for below in (part.top, part.bottom):
                    self._note_sizes(below, sizes)
            self._note_sizes(part, sizes)
        return _with_sizes(term, sizes)

    def bound(self, term: Term) -> Iterator[Term]:
        """The term with the same size for every `1_k` with the same letter: one term for every size that is possible."""
        if not self.axes.ones_stand or OnesOf not in kinds_in(term):
            yield term
            return
        labels = sorted({p.label for p in everything_in(term) if isinstance(p, OnesOf)})
        choices = [self._ones_sizes(label) for label in labels]
        for chosen in islice(cartesian(*choices), MOST_BOUND):
            sizes = dict(zip(labels, chosen, strict=True))
            yield _with_ones(term, sizes)

    def _ones_sizes(self, label: str) -> list[str]:
        """The sizes that `1_k` may have: the one that the equations say, or one name of each."""
        if label in self.axes.ones:
            return [self.axes.ones[label]]
        names: dict[int, str] = {}
        taken = {self.world.point.sizes.get(size) for size in self.axes.ones.values()}  # 1_o beside 1_n is another one
        for name, size in self.world.point.sizes.items():
            if size not in taken:
                names.setdefault(size, name)
        several = [name for size, name in names.items() if size > 1]
        return several or list(names.values())

    def _note_sizes(self, part: Term, sizes: dict[str, int]) -> None:
        """How far the letters of a quantity run."""
        if isinstance(part, Part) and part.indices and part.key not in ("ones", "identity", "#index"):
            with contextlib.suppress(Unknown, Misfit, Undefined):
                for place, _ in self._placed(part):
                    value = self.world.evaluate(place)
                    for at, letter in enumerate(value.letters):
                        sizes.setdefault(letter, value.array.shape[at])

    def _merged(self, readings: Iterable[Reading]) -> list[Reading]:
        readings = (r for r in readings if self.without.isdisjoint(r.edits)) if self.without else iter(readings)
        first = list(islice(readings, 2))
        if len(first) < 2:
            return first  # as for most terms
        best: dict[object, Reading] = {}
        for reading in chain(first, readings):
            mark = _fingerprint(reading.value)
            if mark not in best or best[mark].cost > reading.cost:
                best[mark] = reading
            go_on()
            if len(best) > 4 * MAX_READINGS:
                break
        return sorted(best.values(), key=lambda r: r.cost)[:MAX_READINGS]

    def _made(self, term: Term, edits: tuple[str, ...]) -> tuple[Reading, ...]:
        try:
            return (Reading(term, self.world.evaluate(term), edits),)
        except TooLarge:
            raise
        except (Misfit, Undefined):
            return ()

    def _generated(self, term: Term) -> Iterable[Reading]:
        read = _READ.get(type(term), Reader._by_parts)
        return read(self, term)

    def _itself(self, term: Term) -> Iterable[Reading]:
        return (Reading(term, self.world.evaluate(term)),)

    def _kronecker(self, term: Kronecker) -> Iterable[Reading]:
        return self._itself(term) if term.dim else ()  # before it is sized it has no values

    def _by_parts(self, term: Term) -> Iterable[Reading]:
        """The same node of each reading of its parts."""
        choices = [self.readings(part) for part in parts_of(term)]
        if all(len(choice) == 1 for choice in choices):
            return self._put_together(term, [choice[0] for choice in choices])
        return chain.from_iterable(self._put_together(term, chosen) for chosen in self._combined(choices))

    def _put_together(self, term: Term, parts: Sequence[Reading]) -> tuple[Reading, ...]:
        return self._made(rebuilt(term, [r.term for r in parts]), tuple(e for r in parts for e in r.edits))

    def _softmax(self, term: Softmax) -> Iterator[Reading]:
        for inner in self.readings(term.body):
            yield from self._made(Softmax(inner.term, self._softmax_axis(inner.value, term.along)), inner.edits)

    def _over(self, term: Over) -> Iterable[Reading]:
        below = term.right
        if isinstance(below, SizeOf) and below.dim.startswith("mean:"):
            return self._mean(term, below.dim[5:])
        return self._product(Sloppy((term,), ())) if self._is_of_last(term) else self._by_parts(term)

    def _mean(self, term: Over, along: str) -> Iterator[Reading]:
        """A sum over so many: as many as it runs over here."""
        for inner in self.readings(term.left):
            assert isinstance(inner.term, SumOver)
            rows, columns = self.world.evaluate(inner.term.body).shape
            count = {"rows": rows, "columns": columns}.get(along, rows * columns)
            yield from self._made(Over(inner.term, Const(Fraction(count))), inner.edits)

    def _ones_of(self, term: OnesOf) -> Iterator[Reading]:
        for size in self._ones_sizes(term.label):
            yield from self._made(Ones(size, "1"), ())
            if not self.axes.ones_stand:
                yield from self._made(Ones("1", size), ())

    def _rest(self, term: Rest) -> Iterable[Reading]:
        return self._first_left_out(term) if term.along == "first" else self._by_parts(term)

    def _first_left_out(self, term: Rest) -> Iterator[Reading]:
        for inner in self.readings(term.body):
            along = "columns" if inner.value.shape[0] == 1 else "rows"
            yield from self._made(Rest(inner.term, along), inner.edits)

    def _gathered(self, term: Gathered) -> Iterator[Reading]:
        for inner in self.readings(term.body):
            placed = self._gathered_axes(inner.value, term.indices)
            yield from self._made(Gathered(inner.term, term.indices, placed), inner.edits)

    def _times(self, term: Times) -> Iterable[Reading]:
        return self._identity_times(term) if term.left == Part("identity", ()) else self._by_parts(term)

    def _identity_times(self, term: Times) -> Iterator[Reading]:
        """Inside a trace: of the size of the body, never a 1."""
        for inner in self.readings(term.right):
            if inner.value.shape[0] == inner.value.shape[1]:
                yield from self._made(Times(Identity(str(inner.value.shape[0])), inner.term), inner.edits)

    @staticmethod
    def _combined(choices: list[list[Reading]]) -> Iterator[tuple[Reading, ...]]:
        count = 1
        for at, choice in enumerate(choices):
            count *= len(choice)
            if count > 64:
                choices = [c if k < at else c[:1] for k, c in enumerate(choices)]
                break
        yield from cartesian(*choices)

    # --- names ---
    def _part(self, part: Part) -> Iterator[Reading]:
        if part.key == "ones":
            for size in dict.fromkeys(self.world.point.sizes):
                yield from self._made(Ones(size, "1"), ())
                yield from self._made(Ones("1", size), ())
            return
        if part.key == "identity":
            for size in dict.fromkeys(self.world.point.sizes):
                yield from self._made(Identity(size), ())
            return
        for term, edits in self._placed(part):
            yield from self._made(term, edits)
            if (rest := self._from_one(term)) is not None:
                yield from self._made(rest, edits)

    def _from_one(self, place: Ref) -> Term | None:
        """`W_j` where rows are counted from 0 and j runs from 1, as over the units that the row of the bias has none of."""
        axes = self.axes
        if isinstance(place.rows, str) and place.key in axes.zero_rows:
            return Label(Rest(Ref(place.key), "rows"), place.rows, place.columns)
        if isinstance(place.columns, str) and place.key in axes.zero_columns:
            return Label(Rest(Ref(place.key), "columns"), place.rows, place.columns)
        return None

    def _placed(self, part: Part) -> Iterator[tuple[Ref, tuple[str, ...]]]:
        """The quantity with its indices on axes."""
        whole = self.world.quantity(part.key)
        rows, columns = whole.shape
        indices = part.indices
        if not indices:
            yield Ref(part.key), ()
            return
        samples = [i for i in indices if isinstance(i, str) and i in self.axes.sample_letters]
        if len(indices) == 2 and not (1 in (rows, columns) and samples):
            if len(samples) == 1 and self._sample_axis(whole) == ("rows", "columns")[1 - indices.index(samples[0])]:
                indices = indices[::-1]  # x_ij is an entry of X, whose columns are the x_i
            yield Ref(part.key, self._counted(part.key, indices[0], 0), self._counted(part.key, indices[1], 1)), ()
            if samples and self.axes.batch:
                other = tuple(i for i in indices if i not in samples)
                yield Ref(part.key, *self._unit(part.key, other[0] if other else None)), ("index",)
            return
        if len(indices) == 1:
            index = indices[0]
            if isinstance(index, str) and index in self.axes.sample_letters:
                axis = self._sample_axis(whole)
                if self.axes.batch and (columns if axis == "columns" else rows) > 1:
                    yield (Ref(part.key, None, index) if axis == "columns" else Ref(part.key, index, None)), ()
                    yield Ref(part.key), ("index",)
                else:
                    yield Ref(part.key), ()
                return
            if rows == 1 or columns == 1:
                if rows == 1 and columns > 1:
                    yield Ref(part.key, None, self._counted(part.key, index, 1)), ()
                elif columns == 1 and rows > 1:
                    yield Ref(part.key, self._counted(part.key, index, 0), None), ()
                else:
                    yield Ref(part.key), ()
                return
            yield Ref(part.key, *self._unit(part.key, index)), ()
            return
        others = [i for i in indices if i not in samples]
        if samples and len(others) <= 1 and rows * columns > 0:
            yield Ref(part.key, *self._unit(part.key, others[0] if others else None)), ()

    def _sample_axis(self, value: Value) -> str:
        """The axis of samples of one quantity: the usual one, unless only the other has their number."""
        usual, other = (0, 1) if self.axes.sample_axis == "rows" else (1, 0)
        samples = self.world.point.sizes.get(self.axes.samples)
        return ("rows", "columns")[other if value.shape[other] == samples != value.shape[usual] else usual]

    def _unit(self, key: str, index: Index) -> tuple[Index, Index]:
        if self.axes.unit_axis == "rows":
            return self._counted(key, index, 0), None
        return None, self._counted(key, index, 1)

    def _counted(self, key: str, index: Index, axis: int) -> Index:
        if isinstance(index, int):
            return index if key in (self.axes.zero_rows, self.axes.zero_columns)[axis] else index - 1
        return index

    def _gathered_axes(self, value: Value, indices: tuple[Index, ...]) -> tuple[str | None, str | None]:
        letters = [i for i in indices if isinstance(i, str) and i in value.letters]
        if len(letters) >= 2:
            return letters[0], letters[1]
        if not letters:
            return None, None
        wants_columns = (letters[0] in self.axes.sample_letters) == (self.axes.sample_axis == "columns")
        return (None, letters[0]) if wants_columns else (letters[0], None)

    # --- sums ---

    def _softmax_axis(self, value: Value, along: str) -> str:
        if along != "units":
            return along
        rows, columns = value.shape
        if rows == columns == 1 and value.letters:
            return next((x for x in value.letters if x not in self.axes.sample_letters), value.letters[0])
        if rows == 1:
            return "columns"
        if columns == 1:
            return "rows"
        return self.axes.unit_axis

    def _summed(self, term: SumOver) -> Iterator[Reading]:
        along = term.along
        for inner in self.readings(term.body):
            if along.startswith("letter:"):
                letter = along[7:]
                if letter in inner.value.letters:
                    yield from self._made(SumOver(letter, inner.term), inner.edits)
                elif _is_of_each(term.body, letter):  # without its letter it is that of all the losses together
                    yield Reading(inner.term, inner.value, tuple(e for e in inner.edits if e != "index"))
                elif letter in self.axes.sample_letters or self._runs_over_samples(inner.value):
                    yield from self._sample_sum(inner)
                else:
                    yield from self._made(SumOver("all", inner.term), (*inner.edits, "index"))
            elif along == "formal":
                yield from self._sample_sum(inner)
                yield from self._made(SumOver("all", inner.term), inner.edits)
            else:
                yield from self._made(SumOver(along, inner.term), inner.edits)

    def _runs_over_samples(self, value: Value) -> bool:
        return self.axes.batch and not value.letters

    def _sample_sum(self, inner: Reading) -> Iterator[Reading]:
        axis = self.axes.sample_axis
        size = inner.value.shape[1] if axis == "columns" else inner.value.shape[0]
        edits = tuple(e for e in inner.edits if e != "index")
        if size > 1 or not self.axes.batch:
            yield from self._made(SumOver(axis, inner.term), edits)
            if self.axes.batch:
                yield Reading(inner.term, inner.value, (*edits, "formal"))
        else:
            yield Reading(inner.term, inner.value, (*edits, "formal"))

    # --- derivatives ---
    def _jacobian(self, term: Jacobian) -> Iterator[Reading]:
        top, bottom = term.top, term.bottom
        places = [(bottom, ())] if isinstance(bottom, Ref) else list(self._placed(bottom))
        for place, edits in places:
            for inner in self.readings(top)[:4]:
                term = Jacobian(inner.term, place)
                whole = self.world.jacobian(inner.term, place)
                if whole.array.ndim - len(whole.letters) == 2:
                    yield Reading(term, whole, (*edits, *inner.edits))
                elif whole.array.ndim == 4:
                    for pattern in local_matrices(whole.array, self.world.arithmetic):
                        for matrix in (Local(inner.term, place, pattern), Transpose(Local(inner.term, place, pattern))):
                            yield from self._made(matrix, (*edits, *inner.edits))

    # --- products ---
    def _product(self, product: Sloppy) -> Iterable[Reading]:
        marks = product.marks
        if marks == ("#",):
            return self._indexed(*product.factors)
        if any(self._is_of_last(factor) for factor in product.factors):
            return (r._replace(edits=(*r.edits, "grouping")) for r in self._product(self._opened(product)))
        parts = [self._alternatives(factor) for factor in product.factors]
        if len(parts) > MANY_FACTORS:
            parts, marks = self._with_scalars_joined(parts, marks)
        if len(parts) > MOST_FACTORS:
            raise Undefined(f"a product of more than {MOST_FACTORS} factors")
        if all(len(part) == 1 for part in parts) and sum(part[0].value.shape != (1, 1) for part in parts) <= 1:
            return self._scaled([part[0] for part in parts])
        cells = {(i, i + 1): part for i, part in enumerate(parts)}
        n = len(parts)
        for length in range(2, n + 1):
            for i in range(n - length + 1):
                j = i + length
                options = (r for k in range(i + 1, j) for r in self._splits(cells[i, k], cells[k, j], marks, i, k, j))
                cells[i, j] = self._merged(options)
        return cells[0, n]

    def _opened(self, product: Sloppy) -> Sloppy:
        """`V^T (p - y) / p ⊙ h`, where only `(p - y) / p` conforms: the quotient is of the last factor before the stroke."""
        factors: list[Term] = []
        marks: list[str] = []
        for mark, factor in zip((*product.marks, ""), product.factors, strict=True):
            if isinstance(factor, Over) and isinstance(factor.left, Sloppy) and self._is_of_last(factor):
                *before, last = factor.left.factors
                factors += [*before, Over(last, factor.right)]
                marks += factor.left.marks
            else:
                factors.append(factor)
            marks.append(mark)
        return Sloppy(tuple(factors), tuple(marks[:-1]))

    def _is_of_last(self, factor: Term) -> bool:
        """Whether what is below a stroke divides not all before it, so only the last factor."""
        if not isinstance(factor, Over) or not isinstance(factor.left, Sloppy):
            return False
        below = self.readings(factor.right)
        return below[0].value.shape != (1, 1) and not any(True for _ in self._by_parts(factor))

    def _scaled(self, parts: list[Reading]) -> tuple[Reading, ...]:
        """Numbers times at most one array: no order, no bracket and no sign makes a difference."""
        whole = parts[-1]
        for part in parts[-2::-1]:
            made = self._multiplied(Times(part.term, whole.term), part, whole, (*part.edits, *whole.edits))
            if not made:
                return ()
            (whole,) = made
        return (whole,)

    def _with_scalars_joined(
        self, parts: list[list[Reading]], marks: tuple[str, ...]
    ) -> tuple[list[list[Reading]], tuple[str, ...]]:
        """The same product with neighbouring numbers as one factor: no grouping of them makes a difference."""
        joined: list[list[Reading]] = []
        kept: list[str] = []
        run: list[Reading] = []
        for mark, part in zip(("", *marks), parts, strict=True):
            is_number = len(part) == 1 and part[0].value.shape == (1, 1) and not part[0].edits
            if run and is_number:
                run.append(part[0])
                continue
            if run:
                joined[-1] = [self._scalar_product(run)]
            joined.append(part)
            kept.append(mark)
            run = part[:1] if is_number else []
        if run:
            joined[-1] = [self._scalar_product(run)]
        return joined, tuple(kept[1:])

    def _scalar_product(self, run: list[Reading]) -> Reading:
        """Numbers multiplied in pairs, so that the term stays flat."""
        while len(run) > 1:
            pairs = [(a, b, Times(a.term, b.term)) for a, b in zip(run[::2], run[1::2], strict=False)]
            odd = run[len(run) // 2 * 2 :]
            run = [Reading(term, self.world.combined(term, a.value, b.value)) for a, b, term in pairs] + odd
        return run[0]

    def _alternatives(self, factor: Term) -> list[Reading]:
        found = self.readings(factor)
        if not self.lenient:
            return found
        turned = [
            Reading(Transpose(r.term), self.world.evaluate(Transpose(r.term)), (*r.edits, "transposed"))
            for r in found
            if r.value.shape != (1, 1)
        ]
        return self._merged(iter([*found, *turned]))

    def _splits(
        self, lefts: list[Reading], rights: list[Reading], marks: tuple[str, ...], i: int, k: int, j: int
    ) -> Iterator[Reading]:
        go_on()
        mark = marks[k - 1]
        tight = _binds_tighter(marks, i, k, j)
        for left in lefts:
            for right in rights:
                edits = (*left.edits, *right.edits)
                for term, more in self._pairs(left, right, mark):
                    grouping = (
                        () if tight or (left.value.shape == (1, 1) or right.value.shape == (1, 1)) else ("grouping",)
                    )
                    yield from self._multiplied(term, left, right, (*edits, *more, *grouping))
                if self.lenient:
                    for term, more in self._pairs(right, left, mark):
                        if isinstance(term, MatMul):
                            yield from self._multiplied(term, right, left, (*edits, *more, "swapped"))

    def _multiplied(self, term: Term, left: Reading, right: Reading, edits: tuple[str, ...]) -> tuple[Reading, ...]:
        if isinstance(term, (Times, MatMul)) and term.left is left.term and term.right is right.term:
            try:
                return (Reading(term, self.world.combined(term, left.value, right.value), edits),)
            except Misfit:
                return ()
        return self._made(term, edits)

    def _pairs(self, left: Reading, right: Reading, mark: str) -> Iterator[tuple[Term, tuple[str, ...]]]:
        a, b = left.value.shape, right.value.shape
        if (1, 1) in (a, b):
            yield Times(left.term, right.term), ()
            return
        conforms = a[1] == b[0]
        if mark == "otimes":
            yield from self._outer(left, right)
            return
        if mark in ELEMENTWISE or (mark == "*" and self.strict_star):
            if a == b:
                yield Times(left.term, right.term), ()
            if conforms and self.lenient and mark not in (".*", "*"):
                yield MatMul(left.term, right.term), ("dotted" if mark == "odot" else "marked",)
            return
        if conforms:
            oblong = a[0] != b[1] and is_of_ones(left.term) and is_of_ones(right.term)
            yield MatMul(left.term, right.term), ("oblong",) if oblong else ()
        if a == b and mark != "@" and not (is_of_ones(left.term) and is_of_ones(right.term)):
            yield Times(left.term, right.term), (("elementwise",) if conforms and mark != "*" else ())
            if mark == "cdot" and a[1] == 1:  # the dot product of two columns
                yield MatMul(Transpose(left.term), right.term), ()

    def _outer(self, left: Reading, right: Reading) -> Iterator[tuple[Term, tuple[str, ...]]]:
        a, b = left.value.shape, right.value.shape
        if 1 in a and 1 in b:
            column = left.term if a[1] == 1 else Transpose(left.term)
            row = right.term if b[0] == 1 else Transpose(right.term)
            yield MatMul(column, row), ()
        elif a == b:
            yield Times(left.term, right.term), ()
        elif a[1] == b[0]:
            yield MatMul(left.term, right.term), ()

    def _indexed(self, body: Term, index: Term) -> Iterator[Reading]:
        assert isinstance(index, Part)
        for inner in self.readings(body):
            rows, _columns = inner.value.shape
            if len(index.indices) == 2:
                yield from self._made(
                    Label(inner.term, *(x - 1 if isinstance(x, int) else x for x in index.indices)), inner.edits
                )
            elif len(index.indices) == 1:
                at = index.indices[0]
                at = at - 1 if isinstance(at, int) else at
                if rows == 1:
                    yield from self._made(Label(inner.term, None, at), inner.edits)
                else:
                    yield from self._made(Label(inner.term, at, None), inner.edits)


def _with_sizes(term: Term, sizes: Mapping[str, int]) -> Term:
    if isinstance(term, Kronecker):
        size = sizes.get(term.left, sizes.get(term.right))
        return replace(term, dim=str(size)) if size else term
    return mapped(term, lambda t: _with_sizes(t, sizes))


def _with_ones(term: Term, sizes: Mapping[str, str]) -> Term:
    return Ones(sizes[term.label], "1") if isinstance(term, OnesOf) else mapped(term, lambda t: _with_ones(t, sizes))


def _binds_tighter(marks: tuple[str, ...], i: int, k: int, j: int) -> bool:
    """Whether splitting at mark k-1 is the usual grouping: an elementwise sign is looser than a matrix product, else any."""
    inside = [marks[x] for x in range(i, j - 1)]
    loose = [m for m in inside if m in ELEMENTWISE or m == "*"]
    if not loose:
        return True
    return marks[k - 1] in ELEMENTWISE or marks[k - 1] == "*"


def is_of_ones(term: Term) -> bool:
    """Whether it is a vector of ones, turned or not, with any sign."""
    while isinstance(term, Transpose) or (isinstance(term, Add) and len(term.terms) == 1):
        term = term.body if isinstance(term, Transpose) else term.terms[0][1]
    return isinstance(term, Ones)


def _fingerprint(value: Value) -> object:
    array = value.array if value.array.dtype != object else value.array.astype(float)
    total = array.item() if array.size == 1 else float(array.ravel() @ _weights(array.size))
    return value.letters, array.shape, float(f"{total:.10e}")


@lru_cache(maxsize=256)
def _weights(size: int) -> Array:
    return np.cos(np.arange(1, size + 1) * 1.7) + 1.3


def _is_of_each(term: Term, letter: str) -> bool:
    r"""The `\partial L_i / \partial W` of a sum over i."""
    match term:
        case Jacobian(Part(key, (index,)), Part(_, ())):
            return index == letter and key.endswith(EACH)
    return False


def rebuilt(term: Term, parts: list[Term]) -> Term:
    """The same node with other parts."""
    match term:
        case Add(terms):
            return Add(tuple((sign, part) for (sign, _), part in zip(terms, parts, strict=True)))
        case Times():
            return Times(*parts)
        case MatMul():
            return MatMul(*parts)
        case Over():
            return Over(*parts)
        case Power():
            return Power(*parts)
        case Compare(_, sign, _):
            return Compare(parts[0], sign, parts[1])
        case Transpose():
            return Transpose(parts[0])
        case Diagonal():
            return Diagonal(parts[0])
        case Apply(function, order, _):
            return Apply(function, order, parts[0])
        case Augmented(_, along, is_last):
            return Augmented(parts[0], along, is_last)
        case Rest(_, along):
            return Rest(parts[0], along)
        case Label(_, rows, columns):
            return Label(parts[0], rows, columns)
        case Stack(rows):
            at = iter(parts)
            return Stack(tuple(tuple(next(at) for _ in row) for row in rows))
    raise Misfit(f"cannot read a {type(term).__name__}")


# How each kind of term is read; one that is not here is read part by part.
_READ: dict[type[Term], Callable[[Reader, Any], Iterable[Reading]]] = {
    **dict.fromkeys((Const, SizeOf, Ref, Ones, Identity), Reader._itself),
    Kronecker: Reader._kronecker,
    Part: Reader._part,
    Sloppy: Reader._product,
    SumOver: Reader._summed,
    Softmax: Reader._softmax,
    Over: Reader._over,
    OnesOf: Reader._ones_of,
    Rest: Reader._rest,
    Gathered: Reader._gathered,
    Jacobian: Reader._jacobian,
    Times: Reader._times,
}
