"""Which mistake a false number shows: a slip of the pen in its digits, or what comes out with a factor lost or one too many.

Numbers coincide by chance. A cause is named only where the printed digits are enough to tell it from its neighbours, and a slip
stays possible beside it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from symderiv.homework.diagnosis.scene import Scene
from symderiv.homework.diagnosis.search import Cause
from symderiv.homework.diagnosis.terms_said import said
from symderiv.homework.diagnosis.wrong_worlds import wrong_values
from symderiv.homework.judging.verdicts import FalseNumber
from symderiv.homework.understanding.arithmetic import Array
from symderiv.homework.understanding.literals import agrees
from symderiv.homework.understanding.shapes import WEIGHT_BASES, base_of
from symderiv.homework.understanding.terms import Jacobian, Part, Term

SLIP = "arithmetic-slip"
ENOUGH_DIGITS = 300  # halves of units that a number must be worth, for what else might fit it by chance to be rare
Candidate = tuple[str, Array, str]


def causes_of_number(scene: Scene, number: FalseNumber) -> list[Cause]:
    """What explains a false number, the likeliest first; a slip at the end where that is possible as well."""
    slips = [Cause((code,), words) for code, words in _slips(number)]
    if number.follows is False:  # the numbers before it do not give it: it is a slip, whatever else would
        return slips
    found: dict[str, Cause] = {}
    for code, value, words in _candidates(scene, number):
        if code not in found and value.shape == number.value.shape and _tells(number, code) and _fits(number, value):
            found[code] = Cause((code,), words)
    named = sorted(found.values(), key=lambda c: c.rank)
    return [*named, *(slips or [Cause((SLIP,), "")])] if named else slips


def _fits(number: FalseNumber, value: Array) -> bool:
    return bool(np.all(np.isfinite(value))) and agrees(number.value, value, number.half) is not None


def _tells(number: FalseNumber, code: str) -> bool:
    """Whether the digits say enough: small whole numbers are met everywhere, but the seed of a graph is such a number."""
    if code in ("forward-value-as-seed", "missing-slope"):
        return True
    size = float(np.max(np.abs(number.value)))
    return size / (0.5 if _is_whole(number) else max(float(np.min(number.half)), 1e-12)) > ENOUGH_DIGITS


def _is_whole(number: FalseNumber) -> bool:
    return bool(np.all(number.value == np.round(number.value)) and np.all(number.half < 1e-6))


# --- the pen ---
def _slips(number: FalseNumber) -> Iterator[tuple[str, str]]:
    """Digits that changed places, one that is another or got lost, a sign, the point: of a single number."""
    value, truth = number.value, number.truth
    if _fits(number, -truth) and np.any(truth != 0):
        yield "sign", "the sign is the other way round"
        return
    if value.size != 1:
        return
    digits = (
        0 if _is_whole(number) or not number.half.item() else max(0, round(-np.log10(2 * float(number.half.item()))))
    )
    mine, right = (f"{abs(float(x.item())):.{min(int(digits), 15)}f}" for x in (value, truth))
    for power in (-3, -2, -1, 1, 2, 3):
        if _fits(number, truth * 10.0**power):
            yield SLIP, f"the decimal point has moved by {abs(power)} {'place' if abs(power) == 1 else 'places'}"
            return
    if len(mine) == len(right):
        other = [k for k in range(len(mine)) if mine[k] != right[k]]
        if (
            len(other) == 2
            and other[1] == other[0] + 1
            and mine[other[0]] == right[other[1]]
            and mine[other[1]] == right[other[0]]
        ):
            yield SLIP, f"two digits have changed places: {right} became {mine}"
        elif len(other) == 1 and len(mine) > 3:
            yield SLIP, f"one digit is another: {right} became {mine}"


# --- the formula ---
def _candidates(scene: Scene, number: FalseNumber) -> Iterator[Candidate]:
    """Values that mistakes would have led to, each with its code and its words."""
    truth = number.truth
    for c, words in ((2.0, "2"), (0.5, "1/2"), (4.0, "4"), (0.25, "1/4")):
        yield "constant-factor", truth * c, f"off by the factor {words}"
    top = number.left.top if isinstance(number.left, Jacobian) else None
    if top is not None:
        for value in _values(scene, number, top):
            if value.size == 1:
                words = f"the value of {said(top)} stands where the seed 1 belongs"
                yield "forward-value-as-seed", truth * value, words
    for slope in scene.slopes:
        for value in _values(scene, number, slope):
            with np.errstate(all="ignore"):
                if _goes_with(value, truth):
                    yield "missing-slope", truth / value, f"the factor {said(slope)} is missing"
                    yield "slope-twice", truth * value, f"{said(slope)} is there once too often"
    for count in scene.counts_of_samples:
        yield "missing-mean-factor", truth * float(count), f"the factor 1/{count} is lost"
        yield "repeated-mean-factor", truth / float(count), f"the factor 1/{count} is taken twice"
    world = scene.situation.numbers.world(scene.at, number.updated)
    if isinstance(number.left, Jacobian) and world is not None:
        yield from wrong_values(scene, number.left, world)
    yield from _other_derivatives(scene, number)
    yield from _other_quantities(scene, number)


def _goes_with(value: Array, truth: Array) -> bool:
    return value.shape == truth.shape or 1 in (value.size, truth.size)


def _values(scene: Scene, number: FalseNumber, term: Term) -> list[Array]:
    return scene.situation.numbers.values_of(term, scene.at, number.updated)[:2]


def _other_derivatives(scene: Scene, number: FalseNumber) -> Iterator[Candidate]:
    """The same derivative by another quantity: of the activation it is the one without the slope."""
    left = number.left
    if not isinstance(left, Jacobian) or not isinstance(left.bottom, Part):
        return
    below = {formula.body: key for key, formula in scene.activations}
    for key in scene.quantities:
        if key == left.bottom.key:
            continue
        other = replace(left, bottom=Part(key, ()))
        for value in _values(scene, number, other):
            if below.get(Part(left.bottom.key, ())) == key:
                yield "missing-slope", value, f"this is {said(other)}: the slope is missing"
            else:
                yield "wrong-left-hand-side", value, f"this is {said(other)}"


def _other_quantities(scene: Scene, number: FalseNumber) -> Iterator[Candidate]:
    """One quantity taken for another: the value is theirs, or the truth with the one's value for the other's."""
    known = [
        (key, value) for key in scene.quantities for value in _values(scene, number, Part(key, ())) if value.size == 1
    ]
    weights = {key for key, _ in known if key not in scene.definitions and base_of(key) in WEIGHT_BASES}
    for key, value in known:
        yield "wrong-value-inserted", value, f"this is the value of {said(Part(key, ()))}"
    for key, value in known:
        for other, instead in known:
            if key != other and value.item() and base_of(key) == base_of(other):
                words = f"the value of {said(Part(other, ()))} was put in for that of {said(Part(key, ()))}"
                code = "wrong-weight" if {key, other} <= weights else "wrong-value-inserted"
                yield code, number.truth * float(instead.item()) / float(value.item()), words
    for key, value in known:
        if value.item():
            yield (
                "dropped-chain-factor",
                number.truth / float(value.item()),
                f"the factor {said(Part(key, ()))} is missing",
            )
