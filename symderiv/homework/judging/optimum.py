r"""`X^T X w = X^T y`, after 'setting the gradient to zero': true only where the loss is least, and judged by the gradient.

It is right if the difference of its sides is the gradient by some parameter, up to a number.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

import numpy as np

from symderiv.homework.judging.comparing import Answer, Comparer
from symderiv.homework.judging.own_lines import OwnLines
from symderiv.homework.judging.situation import Situation
from symderiv.homework.judging.verdicts import Verdict
from symderiv.homework.understanding.arithmetic import Array, Machine, Undefined
from symderiv.homework.understanding.key_names import shown_name
from symderiv.homework.understanding.readings import Reader
from symderiv.homework.understanding.terms import (
    Add,
    Const,
    Jacobian,
    Part,
    Power,
    Ref,
    Sloppy,
    Term,
    Transpose,
    everything_in,
    kinds_in,
    references_in,
)
from symderiv.homework.understanding.worlds import Misfit, Unknown, Value, World

SOLVING = (
    r"\b(?:zero|vanish\w*|null\w*|optim\w+|minimi\w+|stationary|normal equations?|closed[- ]form|solv\w+|solution|"
    r"gleich 0|setzen|cero|igual\w* a 0|annul\w+)\b|= ?0\b"
)
AT_OPTIMUM = (
    r"\bat the (?:minimum|optimum)\b|\b(?:minimum|optimum) (?:is |lies )?at\b|\b(?:is|to|equals?) (?:zero|0)\b|"
    r"\bnormal equations?\b|\bclosed[- ]form\b"
)
START = r"\b(?:start|begin|initial|anfangs|inizi|inici|départ|valeurs? initiale)"
SMALL = 1e-9
NEAR = 200  # characters of text before a line in which something is set to zero
LARGEST = 1000  # denominators of the number by which the sides may be off


def judge_optimum(situation: Situation, at: int, left: Term, right: Term) -> Verdict | None:
    """The verdict for an equation that holds where the gradient is zero; None if nothing speaks of that."""
    understanding = situation.understanding
    if understanding.loss is None or any(
        isinstance(p, Jacobian) for side in (left, right) for p in everything_in(side)
    ):
        return None
    is_about_itself = isinstance(left, Part) and left.key in understanding.definitions_at(at)
    is_said = re.search(SOLVING, _words_before(situation, at), re.IGNORECASE) is not None
    if is_about_itself or not (is_said or Transpose in kinds_in(left)):
        return None  # `X^T X w = X^T y` says it without words
    difference = Add(((1, left), (-1, right)))
    for key in dict.fromkeys((*understanding.weights, *understanding.biases, *(r.key for r in references_in(left)))):
        gradient = Jacobian(Part(understanding.loss, ()), Part(key, ()))
        for factor in dict.fromkeys(_factors(situation, at, key, difference)):
            scaled = Sloppy((Const(factor), difference), ("",))
            here = Comparer(understanding, at, is_elsewhere=True)  # at other sizes the factor 2/n is another number
            if here.compare(gradient, scaled).answer is Answer.EQUAL:
                return Verdict("correct", "derivative", f"true where the derivative by {shown_name(key)} is zero")
    why = "true only where the loss is least, and that is not worked out"
    return Verdict("uncheckable", "derivative", why) if is_said else None


class _Inverting(World):
    """A world in which the power -1 of a matrix is its inverse."""

    def _power(self, term: Power, bottom: str | None) -> Value:
        base = self._value(term.base, bottom)
        rows, columns = base.shape
        if self._whole(term.exponent) != -1 or rows != columns or rows == 1 or base.letters or base.tangent is not None:
            return super()._power(term, bottom)
        try:
            return Value((), np.linalg.inv(base.array))
        except np.linalg.LinAlgError as error:
            raise Undefined("a matrix without an inverse") from error


def judge_solution(situation: Situation, own_lines: OwnLines, at: int, left: Term, right: Term) -> Verdict | None:
    """`w = (X^T X)^{-1} X^T y`, `b = mean(y) - w mean(x)`: put into the gradient, it makes it zero."""
    understanding = situation.understanding
    key = re.split(r"[\^\[]", left.key)[0] if isinstance(left, Part) else ""
    is_free = Power in kinds_in(right) and key not in understanding.definitions_at(
        at
    )  # the x of `J(x) = \|A x - b\|^2`
    is_parameter = key in (*understanding.weights, *understanding.biases) or is_free
    if understanding.loss is None or not is_parameter or isinstance(right, Part) or not references_in(right):
        return None
    if Power not in kinds_in(right) and re.search(SOLVING, _words_before(situation, at), re.IGNORECASE) is None:
        return None  # `w = c` is another name
    found = [_where_it_is_zero(situation, own_lines, at, key, value) for value in _solutions(situation, at, key, right)]
    if not found:
        return Verdict("uncheckable", "derivative", "its shapes do not fit") if Power in kinds_in(right) else None
    verdicts = {each.verdict: each for each in found}
    return verdicts.get("correct") or verdicts.get("carried") or found[0]


def _solutions(situation: Situation, at: int, key: str, right: Term) -> Iterator[Array]:
    """What a side can be, as a value of a parameter."""
    understanding = situation.understanding
    world = understanding.world(at, Machine)
    with contextlib.suppress(Misfit, Unknown, Undefined):
        shape = world.quantity(key).shape
        for reading in Reader(_Inverting(world.point, world.definitions), understanding.axes).readings(right):
            if reading.value.shape == shape and not reading.value.letters:
                yield reading.value.array


def _where_it_is_zero(situation: Situation, own_lines: OwnLines, at: int, key: str, value: Array) -> Verdict:
    """Whether the gradient is zero there, or the writer's own false one."""
    world = situation.understanding.world(at, Machine)
    there = World(replace(world.point, values={**world.point.values, key: value}), world.definitions)
    gradient = Ref(situation.understanding.loss or ""), Ref(key)
    largest = SMALL * float(np.abs(world.jacobian(*gradient).array).max())
    own = own_lines.own.get(key)
    if float(np.abs(there.jacobian(*gradient).array).max()) < largest:
        return Verdict("correct", "derivative", f"the derivative by {shown_name(key)} is zero there")
    if own is not None and float(np.abs(there.evaluate(own.term).array).max()) < largest:
        return Verdict("carried", "derivative", f"false, but it follows from line {own.line}", root=own.line)
    return Verdict("uncheckable", "derivative", f"the derivative by {shown_name(key)} is not zero there")


def is_at_optimum(situation: Situation, at: int, left: Term) -> bool:
    """Whether the value of a parameter is said to be the one at which the gradient is zero."""
    understanding = situation.understanding
    if not isinstance(left, Part) or left.key not in (*understanding.weights, *understanding.biases):
        return False
    words = _words_before(situation, at)
    begins = re.search(START, words.rpartition("\n")[2], re.IGNORECASE) is not None
    return not begins and re.search(AT_OPTIMUM, words, re.IGNORECASE) is not None


def _words_before(situation: Situation, at: int) -> str:
    """The text just before a line."""
    document = situation.understanding.document
    start = document.statements[at].span[0]
    return document.text[max(0, start - NEAR) : start]


def _factors(situation: Situation, at: int, key: str, difference: Term) -> Iterator[Fraction]:
    """The numbers by which the gradient may be a multiple of the difference, from one entry at one point."""
    understanding = situation.understanding
    world = understanding.world(at, Machine)
    with contextlib.suppress(Misfit, Unknown, Undefined):
        gradient: Array = world.jacobian(Ref(understanding.loss or ""), Ref(key)).array
        reader = understanding.reader(at, lenient=False)
        for reading in reader.readings(reader.sized(difference)):
            value: Array = reading.value.array
            if value.shape == gradient.shape and np.any(value):
                largest = np.unravel_index(int(np.argmax(np.abs(value))), value.shape)
                yield Fraction(float(gradient[largest]) / float(value[largest])).limit_denominator(LARGEST)
