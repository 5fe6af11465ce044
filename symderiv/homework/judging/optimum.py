r"""`X^T X w = X^T y`, after 'setting the gradient to zero': true only where the loss is least, and judged by the gradient.

It is right if the difference of its sides is the gradient by some parameter, up to a number.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from fractions import Fraction

import numpy as np

from symderiv.homework.judging.comparing import Answer
from symderiv.homework.judging.situation import Situation
from symderiv.homework.judging.verdicts import Verdict
from symderiv.homework.understanding.arithmetic import Array, Machine, Undefined
from symderiv.homework.understanding.terms import Add, Const, Jacobian, Part, Ref, Sloppy, Term, everything_in
from symderiv.homework.understanding.worlds import Misfit, Unknown

SOLVING = (
    r"\b(?:zero|vanish\w*|null\w*|optim\w+|minimi\w+|stationary|normal equations?|closed[- ]form|solv\w+|solution|"
    r"gleich 0|setzen|cero|igual\w* a 0|annul\w+)\b|= ?0\b"
)
AT_OPTIMUM = r"\bat the (?:minimum|optimum)\b|\b(?:is|to|equals?) (?:zero|0)\b|\bnormal equations?\b|\bclosed[- ]form\b"
NEAR = 200  # characters of text before a line in which something is set to zero
LARGEST = 1000  # denominators of the number by which the sides may be off


def judge_optimum(situation: Situation, at: int, left: Term, right: Term) -> Verdict | None:
    """The verdict for an equation that holds where the gradient is zero; None if nothing speaks of that."""
    understanding = situation.understanding
    start = understanding.document.statements[at].span[0]
    near = understanding.document.text[max(0, start - NEAR) : start]
    if understanding.loss is None or any(
        isinstance(p, Jacobian) for side in (left, right) for p in everything_in(side)
    ):
        return None
    is_about_itself = isinstance(left, Part) and left.key in understanding.definitions_at(at)
    if is_about_itself or re.search(SOLVING, near, re.IGNORECASE) is None:
        return None
    difference = Add(((1, left), (-1, right)))
    for key in dict.fromkeys((*understanding.weights, *understanding.biases)):
        gradient = Jacobian(Part(understanding.loss, ()), Part(key, ()))
        for factor in dict.fromkeys(_factors(situation, at, key, difference)):
            scaled = Sloppy((Const(factor), difference), ("",))
            if situation.compare(at, gradient, scaled).answer is Answer.EQUAL:
                return Verdict("correct", "derivative", f"true where the derivative by {key} is zero")
    return Verdict("uncheckable", "derivative", "true only where the loss is least, and that is not worked out")


def is_at_optimum(situation: Situation, at: int, left: Term) -> bool:
    """Whether the value of a parameter is said to be the one at which the gradient is zero."""
    understanding = situation.understanding
    if not isinstance(left, Part) or left.key not in (*understanding.weights, *understanding.biases):
        return False
    start = understanding.document.statements[at].span[0]
    near = understanding.document.text[max(0, start - NEAR) : start]
    return re.search(AT_OPTIMUM, near, re.IGNORECASE) is not None


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
