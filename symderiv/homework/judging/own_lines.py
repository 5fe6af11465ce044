"""The writer's own false lines, and what follows from them: a mistake is charged once."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import numpy as np

from symderiv.homework.judging.comparing import Answer, Comparison
from symderiv.homework.judging.situation import Situation
from symderiv.homework.judging.verdicts import Own
from symderiv.homework.understanding.arithmetic import Array, Machine, Undefined
from symderiv.homework.understanding.elaboration import (
    replaced,
    with_part,
)
from symderiv.homework.understanding.terms import (
    Add,
    Const,
    Jacobian,
    Part,
    Ref,
    Sloppy,
    Term,
    everything_in,
)
from symderiv.homework.understanding.worlds import Misfit, Unknown


class OwnLines:
    """False derivatives as they were written, by value and by form."""

    def __init__(self, situation: Situation) -> None:
        self.situation, self.understanding = situation, situation.understanding
        self.own: dict[str, Own] = {}
        self.relations: list[tuple[Jacobian, Term]] = []  # true ones between derivatives
        self.false: dict[Term, tuple[Term, int]] = {}  # derivatives as they stand, and the line

    def keep(self, at: int, left: Term, found: Comparison, line: int) -> None:
        left, times = self.situation.gradient_in(left)
        if not isinstance(left, Jacobian) or found.reading is None or found.reading.value.letters:
            return
        top = self.situation.key(left.top)
        if top != self.understanding.loss or (isinstance(left.bottom, Part) and left.bottom.indices):
            return
        key = left.bottom.key
        world = self.understanding.world(at, Machine)
        try:
            shape = world.quantity(key).shape
        except (Unknown, Misfit, Undefined):
            return
        value = found.reading.value
        if times != 1:
            value = value._replace(array=value.array / times)
        if value.shape == shape and np.any(np.asarray(value.array, dtype=float) != 0):
            self.own.setdefault(key, Own(found.reading.term, key, value, line))

    def carried(self, at: int, left: Term, right: Term) -> int | None:
        """The line of an own false derivative from which this one follows: what it changes there goes on along the chain."""
        local = self._through_a_local_one(at, left, right)
        if local is not None:
            return local
        left, times = self.situation.gradient_in(left)
        if not isinstance(left, Jacobian) or self.situation.key(left.top) != self.understanding.loss:
            return None
        for line, value in self._moved(at, left.bottom.key):
            if self._is_value(at, right, times * value):
                return line
        return None

    def _through_a_local_one(self, at: int, left: Term, right: Term) -> int | None:
        """`dG/dK = (f - q) df/dK` with the own false df/dK: the line of that one."""
        if not isinstance(left, Jacobian):
            return None
        for gradient, (written, line) in self.false.items():
            if isinstance(gradient, Jacobian) and gradient.bottom == left.bottom and gradient.top != left.top:
                if not isinstance(gradient.top, Part):
                    continue
                path = Sloppy((Jacobian(left.top, gradient.top), written), ("",))
                with contextlib.suppress(Unknown, Misfit, Undefined):
                    if self.situation.compare(at, path, right).answer is Answer.EQUAL:
                        return line
        return None

    def put_into_relation(self, at: int, left: Term, right: Term) -> int | None:
        """The line of an own false derivative that was put into a true relation: what it has entry by entry goes on, too."""
        if left in self.false:  # the same again, worked out further
            own, line = self.false[left]
            if own != right and self.situation.compare(at, own, right).answer is Answer.EQUAL:
                return line
        for whole, relation in self.relations:
            inside = [p for p in everything_in(relation) if p in self.false] if whole in everything_in(left) else []
            for factor in inside:
                own, line = self.false[factor]
                meant = replaced(left, whole, replaced(relation, factor, own))
                if self.situation.compare(at, meant, right).answer is Answer.EQUAL:
                    return line
        for factor, (own, line) in self.false.items():  # its shape may fit nowhere: what stands here is read back
            body, put = own, factor
            match own:
                case Add(((-1, inner),)):
                    body, put = inner, Add(((-1, factor),))
            meant = with_part(right, body, put) if isinstance(body, Sloppy) and factor != left else right
            if meant != right and self.situation.compare(at, left, meant).answer is Answer.EQUAL:
                return line
        return None

    def carried_step(self, at: int, old: Part, rate: Part | Const, right: Term, sign: int = -1) -> int | None:
        """The line of an own false derivative along which this step goes. sign: -1 for a step down."""
        for gradient, (written, line) in self.false.items():
            if isinstance(gradient, Jacobian) and gradient.bottom == old:
                step = Add(((1, old), (sign, _times(rate, written))))
                if right == step:  # whatever its shape
                    return line
                with contextlib.suppress(Unknown, Misfit, Undefined):
                    if self.situation.compare(at, step, right).answer is Answer.EQUAL:
                        return line
        world = self.understanding.world(at, Machine)
        try:
            before = world.quantity(old.key).array
            speed = world.quantity(rate.key).array if isinstance(rate, Part) else float(rate.value)
        except (Unknown, Misfit, Undefined):
            return None
        own = self.own.get(old.key)
        found = [(own.line, own.value.array)] if own is not None else []
        for line, value in (*found, *self._moved(at, old.key)):
            if self._is_value(at, right, before + sign * speed * value):
                return line
        return None

    def _moved(self, at: int, key: str) -> Iterator[tuple[int, Array]]:
        """What the derivative by a quantity would be after each own false line: the line and the value."""
        world, loss = self.understanding.world(at, Machine), Ref(self.understanding.loss or "")
        for own in (*reversed(list(self.own.values())), *self._with_own_slopes(at)):
            if own.bottom == key or own.line > self.understanding.document.statements[at].line:
                continue
            try:
                if not world.depends(own.bottom, key):
                    continue
                local = world.jacobian(Ref(own.bottom), Ref(key)).array
                truth = world.jacobian(loss, Ref(key)).array
                change = own.value.array - world.jacobian(loss, Ref(own.bottom)).array
            except (Unknown, Misfit, Undefined):
                continue
            yield own.line, truth + (change * local if local.ndim == 2 else np.einsum("rc,rcst->st", change, local))

    def _with_own_slopes(self, at: int) -> Iterator[Own]:
        """The derivative by z that comes of an own false slope, `da/dz = 1 - z^2`: by a, times that slope."""
        world, loss = self.understanding.world(at, Machine), Ref(self.understanding.loss or "")
        for gradient, (written, line) in self.false.items():
            match gradient:
                case Jacobian(Part(top, ()), Part(bottom, ())) if top != loss.key and bottom not in self.own:
                    with contextlib.suppress(Unknown, Misfit, Undefined):
                        above, value = world.jacobian(loss, Ref(top)), world.evaluate(self._read(at, written))
                        if not value.letters and value.shape == above.shape == world.quantity(bottom).shape:
                            yield Own(written, bottom, value._replace(array=value.array * above.array), line)

    def _read(self, at: int, term: Term) -> Term:
        return self.understanding.reader(at, False).readings(term)[0].term

    def _is_value(self, at: int, right: Term, value: Array) -> bool:
        """Whether a side has this value in some reading."""
        for lenient in (False, True):
            with contextlib.suppress(Unknown, Misfit, Undefined):
                for reading in self.understanding.reader(at, lenient).readings(right):
                    if (
                        reading.value.shape == value.shape
                        and not reading.value.letters
                        and Machine.distance(reading.value.array, value) < 1e-7
                    ):
                        return True
        return False


def _times(rate: Term, gradient: Term) -> Term:
    """A rate before a gradient, as it is written: one product."""
    if isinstance(gradient, Sloppy) and "#" not in gradient.marks:
        return Sloppy((rate, *gradient.factors), ("", *gradient.marks))
    return Sloppy((rate, gradient), ("",))
