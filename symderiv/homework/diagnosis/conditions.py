"""A loss that is never defined: the usual one under which most lines are right is looked for, and told as a condition."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

from symderiv.homework.diagnosis.losses import BODIES
from symderiv.homework.diagnosis.scene import Scene, times
from symderiv.homework.diagnosis.terms_said import said
from symderiv.homework.judging.comparing import Answer, Comparer
from symderiv.homework.judging.numbers import NumberWorlds
from symderiv.homework.judging.situation import Situation
from symderiv.homework.judging.verdicts import OpenLine
from symderiv.homework.understanding.arithmetic import Undefined
from symderiv.homework.understanding.literals import agrees
from symderiv.homework.understanding.shapes import base_of
from symderiv.homework.understanding.terms import ONE, Add, Apply, Const, Over, Part, SumOver, Term, references_in
from symderiv.homework.understanding.understanding import TARGET_BASES, Definition, Understanding
from symderiv.homework.understanding.worlds import Misfit, Unknown

MOST_LOSSES = 40


def condition_of(situation: Situation, lines: list[OpenLine]) -> tuple[str, list[int]] | None:
    """The loss under which most of the lines are right, in words, and which lines these are; None if there is none."""
    if len(lines) < 1 or situation.understanding.loss is None:
        return None
    best: tuple[str, list[int]] | None = None
    for understanding, words in _candidates(situation, lines[0].at):
        numbers = NumberWorlds(understanding)
        right = [line.claim for line in lines if _is_right(understanding, numbers, line)]
        if right and (best is None or len(right) > len(best[1])):
            best = words, right
    return best if best is not None and 2 * len(best[1]) >= len(lines) else None


def _is_right(understanding: Understanding, numbers: NumberWorlds, line: OpenLine) -> bool:
    with contextlib.suppress(Misfit, Unknown, Undefined):
        if line.sides is not None:
            return Comparer(understanding, line.at).compare(*line.sides).answer is Answer.EQUAL
        if line.number is not None:
            number = line.number
            values = numbers.values_of(number.left, line.at, number.updated)
            return any(agrees(number.value, v, number.half) is not None and bool((v != 0).any()) for v in values)
    return False


def _candidates(situation: Situation, at: int) -> Iterator[tuple[Understanding, str]]:
    """The document with each of the usual losses of its outputs: with a target if it has one, else of the output alone."""
    understanding = situation.understanding
    loss = understanding.loss or ""
    scene = Scene(situation, at, Part(loss, ()), Part(loss, ()))
    used = {r.key for d in understanding.definitions if d.key != loss for r in references_in(d.term)}
    outputs = [key for key in scene.definitions if key != loss and key not in used]
    named = {r.key for r in references_in(scene.definitions[loss])} if loss in scene.definitions else set()
    outputs = [key for key in scene.definitions if key in named and key != loss] or outputs
    given = [
        k for k in understanding.shapes if k not in scene.definitions and k not in used and base_of(k) in TARGET_BASES
    ]
    means: tuple[Term, ...] = (ONE, Over(ONE, scene.size_of_samples)) if scene.is_with_samples else (ONE,)
    count = 0
    for output in outputs:
        a = Part(output, ())
        bodies = [
            (body(a, Part(y, ())), f"{words} of {said(a)} and {said(Part(y, ()))}")
            for y in given
            for body, words in BODIES
        ]
        bodies += [(form, said(form)) for form in _of_output_alone(a)]
        for body, words in bodies:
            for mean in means:
                count += 1
                if count > MOST_LOSSES:
                    return
                total = SumOver("all", body)
                whole = total if mean == ONE else times(mean, total, "")
                yield _with_loss(understanding, loss, whole), words + (", as a mean" if mean != ONE else "")


def _of_output_alone(a: Term) -> tuple[Term, ...]:
    """-ln a, -ln(1 - a), a, -a, and the squared distances from 1 and 0: what is left of a loss where the target is one of these."""
    minus = Add(((1, ONE), (-1, a)))
    return (
        Add(((-1, Apply("log", 0, a)),)),
        Add(((-1, Apply("log", 0, minus)),)),
        a,
        Add(((-1, a),)),
        *(BODIES[0][0](a, each) for each in (ONE, Const(Fraction(0)))),
    )


def _with_loss(understanding: Understanding, loss: str, term: Term) -> Understanding:
    others = [d for d in understanding.definitions if d.key != loss]
    shapes = {**understanding.shapes, loss: ("1", "1")}
    return replace(understanding, definitions=[*others, Definition(loss, term, 0, 1)], shapes=shapes, generic=False)
