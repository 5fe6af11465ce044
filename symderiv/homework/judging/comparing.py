"""Is this side that quantity: all readings against the truth, machine numbers to refuse, fifty digits to accept."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np

from symderiv.homework.understanding.arithmetic import (
    Arithmetic,
    Array,
    Exact,
    Machine,
    Undefined,
    is_prepared,
    prepared,
)
from symderiv.homework.understanding.readings import EDITS, Reader, Reading
from symderiv.homework.understanding.terms import (
    Const,
    Gathered,
    Jacobian,
    Ref,
    SumOver,
    Term,
    Transpose,
    everything_in,
)
from symderiv.homework.understanding.understanding import Understanding
from symderiv.homework.understanding.worlds import Misfit, Unknown, Value, World, aligned, local_matrices

OTHER_SEEDS = (1, 2, 3, 4, 5, 6)


class Answer(Enum):
    """Three values: running out of method is never 'different'."""

    EQUAL = "equal"
    DIFFERENT = "different"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class Comparison:
    """The answer; the reading that was judged and what it needed; or the reason why nothing could be said."""

    answer: Answer
    reading: Reading | None = None
    edits: tuple[str, ...] = ()
    reason: str = ""
    value: Value | None = None


class Comparer:
    """Compares sides with truths in the worlds of one place of a document.

    without: edits with which a right side is not worth reading. is_elsewhere: at other sizes, to see whether it holds there, too.
    """

    def __init__(
        self, understanding: Understanding, at: int, without: frozenset[str] = frozenset(), is_elsewhere: bool = False
    ) -> None:
        self.understanding, self.at, self.without, self.is_elsewhere = understanding, at, without, is_elsewhere
        self.machine = understanding.world(at, Machine)
        self._targets: dict[Term, list[Reading]] = {}

    @property
    def exact(self) -> World:
        """The same place with fifty digits; built when something is to be accepted."""
        return self.understanding.world(self.at, Exact)

    # --- the truth of a left side ---
    def targets(self, left: Term) -> list[Reading]:
        """How the left side can be read: a value; a local derivative keeps its four axes."""
        found = self._targets.get(left)
        if found is None:
            reader = self.understanding.reader(self.at, lenient=False)
            is_derivative = isinstance(left, Jacobian)
            found = self._derivatives(left) if is_derivative else reader.readings(reader.sized(left))  # type: ignore[arg-type]
            self._targets[left] = found
        return found

    def _derivatives(self, left: Jacobian) -> list[Reading]:
        reader = self.understanding.reader(self.at, lenient=False)
        out: list[Reading] = []
        places = [(left.bottom, ())] if isinstance(left.bottom, Ref) else list(reader._placed(left.bottom))
        for place, edits in places:
            for top in reader.readings(left.top)[:3]:
                term = Jacobian(top.term, place)
                try:
                    out.append(Reading(term, self.machine.jacobian(top.term, place), (*edits, *top.edits)))
                except (Misfit, Undefined):
                    continue
        if not out:
            raise Misfit("the derivative does not exist")
        return out

    # --- comparison ---
    def compare(self, left: Term, right: Term, lenient: bool = True) -> Comparison:
        """Whether the right side is the left side, in the cheapest reading."""
        try:
            targets = self.targets(left)
        except Unknown as error:
            return Comparison(Answer.UNDECIDED, reason=self.understanding.nowhere_defined(error.key))
        except (Misfit, Undefined) as error:
            return Comparison(Answer.UNDECIDED, reason=f"the left side could not be evaluated: {error}")
        last = Comparison(Answer.DIFFERENT, value=targets[0].value)
        for mode in (False, True) if lenient else (False,):
            found = self._compared(targets, right, mode)
            if found.answer is Answer.EQUAL and (
                self._differs_elsewhere(targets, found) or self._is_a_size_by_chance(left, right, mode)
            ):
                found = Comparison(Answer.DIFFERENT, found.reading, value=found.value)
            if found.answer is not Answer.DIFFERENT:
                return found
            if found.reading is not None:
                last = found
        return last

    def _is_a_size_by_chance(self, left: Term, right: Term, lenient: bool) -> bool:
        """Whether both sides agree here only because a number, as the 5 of `(Z - Y)/5`, is how many samples there are here."""
        sizes = {size for size in self.understanding.sizes.values() if size > 1}
        numbers = {abs(p.value) for side in (left, right) for p in everything_in(side) if isinstance(p, Const)}
        parts = {part for number in numbers for part in (number.numerator, number.denominator) if part > 1}
        if self.is_elsewhere or not any(part % size == 0 for part in parts for size in sizes):
            return False
        elsewhere = Comparer(self.understanding.at_other_sizes, self.at, self.without, is_elsewhere=True)
        return elsewhere.compare(left, right, lenient).answer is Answer.DIFFERENT

    def _differs_elsewhere(self, targets: list[Reading], found: Comparison) -> bool:
        """Whether both sides agree here only because units of a ReLU are all on, or all off, at this point."""
        if found.reading is None or found.value is None:
            return False
        if not _is_zero(found.value.array) and not self.machine.has_kinks:
            return False
        target = next((t for t in targets if t.value is found.value), targets[0])
        for seed in OTHER_SEEDS:
            world = self.understanding.world(self.at, Machine, seed)
            try:
                truth = self._value(world, target.term)
                value = _repeated_for(self._value(world, found.reading.term), truth)
            except (Misfit, Undefined, Unknown):
                continue
            if not self._agree(truth, value, Machine):
                return True
        return False

    def _compared(self, targets: list[Reading], right: Term, lenient: bool) -> Comparison:
        reader = self.understanding.reader(self.at, lenient, self.without)
        found = [self._compared_with(targets, bound, reader, lenient) for bound in reader.bound(right)]
        equal = [each for each in found if each.answer is Answer.EQUAL]
        if equal:
            return min(equal, key=lambda each: sum(EDITS.get(e, _COST.get(e, 0.0)) for e in each.edits))
        return next((each for each in found if each.reading is not None), found[0])

    def _compared_with(self, targets: list[Reading], right: Term, reader: Reader, lenient: bool) -> Comparison:
        try:
            readings = reader.readings(reader.sized(right, targets[0].value))
        except Unknown as error:
            return Comparison(Answer.UNDECIDED, reason=self.understanding.nowhere_defined(error.key))
        except Misfit as error:
            return Comparison(Answer.DIFFERENT, reason=str(error))
        except Undefined as error:
            return Comparison(Answer.UNDECIDED, reason=str(error))
        best: Comparison | None = None
        for target in targets:
            for reading in readings:
                for made, edits in self._matches(target, reading, lenient):
                    cost = made.cost + sum(_COST.get(e, 0.0) for e in edits) + target.cost
                    if (
                        best is not None
                        and best.reading is not None
                        and cost >= best.reading.cost + sum(_COST.get(e, 0.0) for e in best.edits)
                    ):
                        continue
                    if self._exactly(target, made):
                        best = Comparison(Answer.EQUAL, made, (*target.edits, *made.edits, *edits), value=target.value)
        if best is not None:
            return best
        if all(t.value.letters and t.value.array.ndim - len(t.value.letters) > 2 for t in targets):
            return Comparison(Answer.UNDECIDED, readings[0], reason="the indices leave more than entries")
        return Comparison(Answer.DIFFERENT, readings[0], value=targets[0].value)

    def _matches(self, target: Reading, reading: Reading, lenient: bool) -> list[tuple[Reading, tuple[str, ...]]]:
        """Forms of a reading that agree with the target by machine numbers, with what they needed."""
        out = []
        for made, edits in self._forms(target.value, reading):
            if self._agree(target.value, made.value, Machine):
                out.append((made, edits))
        return out

    def _forms(self, target: Value, reading: Reading) -> list[tuple[Reading, tuple[str, ...]]]:
        forms: list[tuple[Reading, tuple[str, ...]]] = [(reading, ())]
        value = reading.value
        if value.letters == target.letters and value.array.shape == target.array.shape:
            return forms
        if (
            target.array.ndim - len(target.letters) == 2
            and value.shape != target.shape
            and value.shape == target.shape[::-1]
        ):
            forms.append((self._with(reading, Transpose(reading.term)), ("turned",)))
        extra = [x for x in value.letters if x not in target.letters]
        missing = [x for x in target.letters if x not in value.letters]
        if missing and not extra and target.array.ndim - len(target.letters) == 2:
            forms.append((Reading(reading.term, _repeated(value, target), reading.edits), ()))
        if extra and not missing:
            summed = reading.term
            for letter in extra:
                summed = SumOver(letter, summed)
            if self.understanding.sums_implied:
                forms.append((self._with(reading, summed), ("implied",)))
            if len(extra) <= 2 and value.shape == (1, 1):
                for placed in (
                    (extra[0], extra[1] if len(extra) > 1 else None),
                    (extra[-1] if len(extra) > 1 else None, extra[0]),
                ):
                    forms.append((self._with(reading, Gathered(reading.term, tuple(extra), placed)), ("gathered",)))
        return [(r, e) for r, e in forms if r is not None]

    def _with(self, reading: Reading, term: Term) -> Reading:
        try:
            return Reading(term, self.machine.evaluate(term), reading.edits)
        except (Misfit, Undefined):
            return reading

    def _exactly(self, target: Reading, made: Reading) -> bool:
        if not is_prepared():
            with prepared():  # comparing is arithmetic too
                return self._exactly(target, made)
        try:
            if _is_whole_gradient(target) and made.value.array.shape == target.value.array.shape:
                return self._exactly_along(target.term, made.term)  # type: ignore[arg-type]
            truth = self._value(self.exact, target.term)
            value = _repeated_for(self._value(self.exact, made.term), truth)
        except (Misfit, Undefined, Unknown):
            return False
        return self._agree(truth, value, Exact)

    def _exactly_along(self, gradient: Jacobian, claimed: Term) -> bool:
        """Whether a gradient is what is claimed, along a generic direction: two that differ in any entry differ there.

        Entries were compared by machine numbers before; one direction is as sure as one point is, and costs as little.
        """
        key = gradient.bottom.key
        claim = self._value(self.exact, claimed).array
        truth = self.exact.along_one_direction(gradient.top, key)
        return Exact.distance(truth, self.exact.summed_along(claim, key)) < Exact.tolerance

    @staticmethod
    def _value(world: World, term: Term) -> Value:
        if isinstance(term, Jacobian):
            assert isinstance(term.bottom, Ref)
            return world.jacobian(term.top, term.bottom)
        return world.evaluate(term)

    def _agree(self, target: Value, value: Value, arithmetic: Arithmetic) -> bool:
        axes = target.array.ndim - len(target.letters)
        if axes == 2:
            return _same(target, value, arithmetic)
        if target.letters or value.letters:
            return False
        if value.array.ndim == 4:
            return (
                target.array.shape == value.array.shape
                and arithmetic.distance(target.array, value.array) < arithmetic.tolerance
            )
        return _stands_for(target.array, value.array, arithmetic)


def _is_whole_gradient(target: Reading) -> bool:
    """Whether it is the derivative of a number by all of a quantity."""
    term, value = target.term, target.value
    return (
        isinstance(term, Jacobian)
        and term.bottom == Ref(term.bottom.key)
        and not value.letters
        and value.array.ndim == 2
        and value.array.size > 1
    )


def _repeated_for(value: Value, target: Value) -> Value:
    """The value, repeated if it does not depend on some of the letters of the target."""
    fewer = value.letters != target.letters and set(value.letters) < set(target.letters)
    return _repeated(value, target) if fewer else value


def _repeated(value: Value, target: Value) -> Value:
    """A value that does not depend on some of the letters, for each of them."""
    array = aligned(value.array, value.letters, target.letters, 0)
    return Value(target.letters, array + target.array * 0) if _fits(array.shape, target.array.shape) else value


def _fits(a: tuple[int, ...], b: tuple[int, ...]) -> bool:
    return len(a) == len(b) and all(x in (1, y) for x, y in zip(a[:-2], b[:-2], strict=True)) and a[-2:] == b[-2:]


_COST = {"turned": 2.0, "implied": 0.2, "gathered": 0.5}


def _same(target: Value, value: Value, arithmetic: Arithmetic) -> bool:
    a, b = target, value
    if a.letters != b.letters:
        return False
    if a.array.shape != b.array.shape:
        return bool(_is_zero(a.array) and _is_zero(b.array))
    return arithmetic.distance(a.array, b.array) < arithmetic.tolerance


def _is_zero(array: Array) -> bool:
    return not (array != 0).any()


def _stands_for(jacobian: Array, matrix: Array, arithmetic: Arithmetic) -> bool:
    """Whether a matrix, or its transpose, or a single number stands for a local derivative."""
    if _is_zero(jacobian):
        return _is_zero(matrix)
    for found in local_matrices(jacobian, arithmetic).values():
        for candidate in (found, np.swapaxes(found, -1, -2)):
            if candidate.shape == matrix.shape and arithmetic.distance(candidate, matrix) < arithmetic.tolerance:
                return True
            if matrix.shape == (1, 1) and arithmetic.distance(candidate, matrix + candidate * 0) < arithmetic.tolerance:
                return True
        vectors = 1 in found.shape and 1 in matrix.shape and found.size == matrix.size
        if vectors and arithmetic.distance(found.ravel(), matrix.ravel()) < arithmetic.tolerance:
            return True
    return False
