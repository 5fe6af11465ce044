"""Mistakes about numbers in front and factors: 1/n, 2, the sign, a factor of the chain left out or too many."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

from symderiv.homework.diagnosis.repairs import Mended, repair_of
from symderiv.homework.diagnosis.scene import Place, Scene, places, runs, summands, times, without_factor
from symderiv.homework.diagnosis.terms_said import said
from symderiv.homework.understanding.elaboration import is_number
from symderiv.homework.understanding.shapes import base_of
from symderiv.homework.understanding.symbols import HYPER_BASES
from symderiv.homework.understanding.terms import (
    ONE,
    Add,
    Apply,
    Compare,
    Const,
    Jacobian,
    Over,
    Part,
    Power,
    SizeOf,
    Sloppy,
    Term,
    Transpose,
    everything_in,
    references_in,
)

OPPOSITE = {"<": ">", ">": "<", "<=": ">", ">=": "<"}
CONSTANTS = (Fraction(2), Fraction(1, 2), Fraction(4), Fraction(1, 4), Fraction(3), Fraction(1, 3))


@repair_of("missing-mean-factor")
def with_mean(scene: Scene) -> Iterator[Mended]:
    """X  for  (1/n) X."""
    if scene.is_with_samples:
        n = scene.size_of_samples
        for place in summands(scene.right):
            yield Mended(place.put(times(Over(ONE, n), place.term, "")), f"the factor 1/{said(n)} is lost")


@repair_of("repeated-mean-factor")
def without_second_mean(scene: Scene) -> Iterator[Mended]:
    """(1/n) X  for  X, where X has it already."""
    if scene.is_with_samples:
        n = scene.size_of_samples
        for place in summands(scene.right):
            yield Mended(place.put(times(n, place.term, "")), f"1/{said(n)} is taken twice")


@repair_of("sign")
def with_other_sign(scene: Scene) -> Iterator[Mended]:
    """-X  for  X: the whole, one summand of it, or a difference the other way round."""
    yield Mended(Add(((-1, scene.right),)), "the sign is the other way round")
    for place in places(scene.right):
        if isinstance(place.term, Compare) and place.term.sign in OPPOSITE:
            opposite = replace(place.term, sign=OPPOSITE[place.term.sign])
            yield Mended(place.put(opposite), "the comparison is the other way round")
        if isinstance(place.term, Add):
            terms = place.term.terms
            for k, (sign, part) in enumerate(terms):
                other = Add((*terms[:k], (-sign, part), *terms[k + 1 :]))
                yield Mended(place.put(other), f"the sign before {said(part)} is the other way round")
            turned = Add(tuple((-sign, part) for sign, part in terms))
            yield Mended(place.put(turned), f"({said(place.term)}) has the other sign")


@repair_of("constant-factor")
def with_constant(scene: Scene) -> Iterator[Mended]:
    """2 X, X/2  for  X: the whole or one summand."""
    for place in summands(scene.right):
        for number in CONSTANTS:
            mended = place.put(times(Const(number), place.term, ""))
            if 1 / number in scene.counts_of_samples:
                yield Mended(
                    mended, f"the factor {number} is lost: there are {1 / number} samples", "missing-mean-factor"
                )
            yield Mended(mended, f"off by the factor {1 / number}" + _where(scene, place))


def _where(scene: Scene, place: Place) -> str:
    return "" if place.term == scene.right else f" in {said(place.term)}"


@repair_of("constant-factor")
def with_number_of_units(scene: Scene) -> Iterator[Mended]:
    """A mean over the units taken or not: the factor is how many there are."""
    shapes = scene.understanding.shapes
    for dim in dict.fromkeys(d for key in scene.quantities for d in shapes.get(key, ())):
        if not dim.isdigit() and dim != "#n":
            for mended in (times(SizeOf(dim), scene.right, ""), times(Over(ONE, SizeOf(dim)), scene.right, "")):
                yield Mended(mended, "off by the number of units")


@repair_of("dropped-chain-factor")
def with_link(scene: Scene) -> Iterator[Mended]:
    """X  for  X · da/dz: a derivative between two neighbours on the way, put back."""
    for key, term in scene.definitions.items():
        for below in dict.fromkeys(r.key for r in references_in(term)):
            if below in scene.quantities and key in scene.quantities:
                link = Jacobian(Part(key, ()), Part(below, ()))
                words = f"the factor {said(link)} is missing"
                for put in _beside(scene, link):
                    yield Mended(put, words)


@repair_of("dropped-chain-factor")
def with_quantity(scene: Scene) -> Iterator[Mended]:
    """X  for  X a, W X: a factor of the path, put back on either side; the f of df/ds itself is no link of it."""
    own = scene.left.top.key if isinstance(scene.left, Jacobian) and isinstance(scene.left.top, Part) else None
    for key in scene.quantities:
        for indices in scene.index_choices:
            part = Part(key, indices)
            words = f"the factor {said(part)} is missing"
            code = "constant-factor" if base_of(key) in HYPER_BASES else "unrecognised" if key == own else ""
            for factor in (part,) if indices else (part, Transpose(part)):
                for put in _beside(scene, factor):
                    yield Mended(put, words, code)


def _beside(scene: Scene, factor: Term) -> Iterator[Term]:
    """The line with one more factor: on either side of the whole and of each of its factors."""
    for place in runs(scene.right, sums=False):
        yield place.put(Sloppy((place.term, factor), ("",)))
        yield place.put(Sloppy((factor, place.term), ("",)))


@repair_of("wrong-variable")
def without_factor_too_many(scene: Scene) -> Iterator[Mended]:
    """X a  for  X: a factor that does not belong there is taken out, and named for what it is."""
    for place in places(scene.right):
        product = place.term
        if not isinstance(product, Sloppy) or "#" in product.marks:
            continue
        for k, factor in enumerate(product.factors):
            if factor == SizeOf("#n"):
                continue  # n times a derivative is how one with 1/n taken later is kept
            words = f"the factor {said(factor)} does not belong there"
            yield Mended(place.put(without_factor(product, k)), words, _code_of(factor))
        for k in range(len(product.factors) - 1 if len(product.factors) > 2 else 0):
            pair = product.factors[k : k + 2]
            if any(isinstance(f, Add) for f in pair):  # a (1 - a)
                words = f"the factor {said(Sloppy(pair, product.marks[k : k + 1]))} does not belong there"
                yield Mended(place.put(without_factor(product, k, 2)), words, "slope-twice")


def _code_of(factor: Term) -> str:
    """What it is to have this factor too often."""
    if is_number(factor):
        return "constant-factor"
    if any(isinstance(p, SizeOf) for p in everything_in(factor)):
        return "repeated-mean-factor"
    if any(isinstance(p, Apply) and p.order for p in everything_in(factor)) or isinstance(factor, (Add, Power)):
        return "slope-twice"
    return "wrong-variable"


@repair_of("regularised-bias")
def without_summand(scene: Scene) -> Iterator[Mended]:
    """X + λ b  for  X: a summand that does not belong there is taken out."""
    for place in places(scene.right):
        if isinstance(place.term, Add) and len(place.term.terms) > 1:
            terms = place.term.terms
            for k, (_, part) in enumerate(terms):
                rest = (*terms[:k], *terms[k + 1 :])
                is_penalty = any(base_of(r.key) in HYPER_BASES for r in references_in(part))
                code = (
                    "regularised-bias"
                    if is_penalty and scene.bottom in scene.understanding.biases
                    else "wrong-variable"
                )
                mended = rest[0][1] if len(rest) == 1 and rest[0][0] > 0 else Add(rest)
                if is_number(mended) and place.term != scene.right:
                    continue  # what is wrong then is the whole factor, such as the 1 - a of a slope, not its a
                yield Mended(place.put(mended), f"{said(part)} does not belong there", code)


@repair_of("constant-factor")
def with_other_exponent(scene: Scene) -> Iterator[Mended]:
    """x^2  for  x, and the other way round."""
    for place in places(scene.right):
        if isinstance(place.term, Power) and isinstance(place.term.exponent, Const):
            for exponent in (place.term.exponent.value - 1, place.term.exponent.value + 1):
                mended = place.term.base if exponent == 1 else replace(place.term, exponent=Const(exponent))
                yield Mended(place.put(mended), f"the exponent of {said(place.term.base)} is another")
