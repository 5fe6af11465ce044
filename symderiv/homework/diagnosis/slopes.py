"""Mistakes about the slope g'(z) of an activation: forgotten, taken twice, taken at the wrong place, the value for the slope."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

from symderiv.homework.diagnosis.repairs import Mended, OtherPremise, premise_of, repair_of
from symderiv.homework.diagnosis.scene import Scene, places, runs, times
from symderiv.homework.diagnosis.terms_said import said
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
    Sloppy,
    Softmax,
    Term,
    references_in,
)

OTHER_FUNCTIONS = ("sigmoid", "tanh", "relu", "identity")


@repair_of("missing-slope")
def with_slope(scene: Scene) -> Iterator[Mended]:
    """X  for  X ⊙ g'(z): the factor is put back, behind any part of the line."""
    for slope in scene.slopes:
        for place in runs(scene.right, sums=False):
            yield Mended(place.put(times(place.term, slope)), f"the factor {said(slope)} is missing")


@repair_of("slope-twice")
def without_second_slope(scene: Scene) -> Iterator[Mended]:
    """X ⊙ g'(z) ⊙ g'(z)  for  X ⊙ g'(z): one is taken out."""
    for slope in scene.slopes:
        yield Mended(Over(scene.right, slope), f"{said(slope)} is there once too often")
        for place in runs(scene.right, sums=False):
            yield Mended(place.put(Over(place.term, slope)), f"{said(slope)} is there once too often")


@repair_of("slope-twice")
def without_second_softmax(scene: Scene) -> Iterator[Mended]:
    """D D dL/da, or y (1 - y) D dL/da  for  D dL/da, with the softmax's D = dy/dz: once is enough, as it stands inside."""
    bottom = scene.left.bottom if isinstance(scene.left, Jacobian) else None
    for key, term in scene.definitions.items():
        if isinstance(term, Softmax) and isinstance(bottom, Part) and references_in(term.body) == (bottom,):
            value = Part(key, bottom.indices)
            words = f"the derivative of {said(value)} is applied to what is {said(scene.left)} already"
            yield Mended(Over(scene.right, times(value, Add(((1, ONE), (-1, value))))), words)
            for place in runs(scene.right):
                if any(r.key == key for r in references_in(place.put(ONE))):
                    yield Mended(place.term, words)


@repair_of("misplaced-square")
def square_inside(scene: Scene) -> Iterator[Mended]:
    """(1 - a)²  for  1 - a²: the square goes to the last term, and out of it the other way round."""
    for place in places(scene.right):
        match place.term:
            case Power(Add(((sign, first), (other, last))), Const(value)) if value == 2:
                inside = Add(((sign, first), (other, Power(last, Const(value)))))
                yield Mended(place.put(inside), f"({said(place.term.base)})² stands where {said(inside)} belongs")
            case Add(((sign, first), (other, Power(last, Const(value))))) if value == 2:
                outside = Power(Add(((sign, first), (other, last))), Const(value))
                yield Mended(place.put(outside), f"{said(place.term)} stands where ({said(outside.base)})² belongs")


@repair_of("misplaced-square")
def square_of_the_value(scene: Scene) -> Iterator[Mended]:
    """1 - a  for  1 - a², with a = tanh(z): the square is put back."""
    values = {key for key, formula in scene.activations if formula.function == "tanh"}
    for place in places(scene.right):
        match place.term:
            case Add(((1, one), (-1, Part(key, _) as value))) if one == ONE and key in values:
                inside = Add(((1, ONE), (-1, Power(value, Const(Fraction(2))))))
                yield Mended(place.put(inside), f"{said(place.term)} stands where {said(inside)} belongs")


@repair_of("function-for-slope")
def slope_for_function(scene: Scene) -> Iterator[Mended]:
    """g(z)  for  g'(z): as g(z) is written, or by its name a."""
    formulas = dict(scene.activations)
    for place in places(scene.right):
        match place.term:
            case Apply(function, 0, body):
                yield Mended(
                    place.put(Apply(function, 1, body)), f"{said(place.term)} stands where {function}′ belongs"
                )
            case Part(key, _) if key in formulas:
                for slope in scene.slopes:
                    if slope.function == formulas[key].function:
                        words = f"{said(place.term)} stands where {said(slope)} belongs"
                        yield Mended(place.put(slope), words)


@repair_of("slope-at-wrong-argument")
def slope_at_its_argument(scene: Scene) -> Iterator[Mended]:
    """g'(a), g'(z of another layer), z (1 - z)  for  g'(z): with a or z where it belongs."""
    for place in places(scene.right):
        match place.term:
            case Apply(_, 1, body):
                for slope in scene.slopes:
                    if slope.body != body:
                        words = f"the slope is taken at {said(body)} instead of {said(slope.body)}"
                        yield Mended(place.put(replace(place.term, body=slope.body)), words)


def _looks_like_slope(term: Term) -> bool:
    """`1 - a^2`, `a (1 - a)`, `a - a^2`."""
    match term:
        case Add(terms):
            return len(terms) == 2 and terms[0][0] > 0 > terms[1][0]
        case Sloppy(factors, _):
            return len(factors) == 2 and any(isinstance(f, Add) for f in factors)
    return False


@repair_of("slope-at-wrong-argument")
def slope_of_its_own_layer(scene: Scene) -> Iterator[Mended]:
    """A slope that is a factor, however it is written, exchanged for the slope of each other activation."""
    for place in runs(scene.right):
        product = place.term
        if not isinstance(product, Sloppy) or "#" in product.marks:
            continue
        for k, factor in enumerate(product.factors):
            own = _slope_said(scene, factor)
            if own is None:
                continue
            for slope in scene.slopes:
                if slope.body != own:
                    factors = (*product.factors[:k], slope, *product.factors[k + 1 :])
                    words = f"the slope {said(factor)} is that of another place; {said(slope)} belongs there"
                    yield Mended(place.put(replace(product, factors=factors)), words)


def _slope_said(scene: Scene, factor: Term) -> Term | None:
    """Of which pre-activation a factor is the slope."""
    if isinstance(factor, Apply) and factor.order == 1:
        return factor.body
    if _looks_like_slope(factor):
        names = {r.key for r in references_in(factor)}
        for key, formula in scene.activations:
            if names == {key}:
                return formula.body
    return None


@repair_of("other-activation")
def with_its_own_slope(scene: Scene) -> Iterator[Mended]:
    """`1 - a^2` for a sigmoid, `1[z > 0]` for a tanh: a factor that is the slope of another function, exchanged."""
    for key, formula in scene.activations:
        own = replace(formula, order=1)
        for other, slopes in _slopes_of(Part(key, ()), formula.body):
            if other == formula.function:
                continue
            words = f"this is the slope of {other}, where {said(own)} belongs"
            for place in runs(scene.right):
                if place.term in slopes:
                    yield Mended(place.put(own), words)


def _slopes_of(a: Term, z: Term) -> Iterator[tuple[str, tuple[Term, ...]]]:
    """The slopes of the usual functions as one writes them, in terms of the value and of what it is taken of."""
    rest = Add(((1, ONE), (-1, a)))
    squares: tuple[Term, ...] = (Power(a, Const(Fraction(2))), times(a, a))
    yield (
        "sigmoid",
        (times(a, rest, ""), times(a, rest), times(rest, a), times(a, rest, "cdot"), Apply("sigmoid", 1, z)),
    )
    yield "tanh", (*(Add(((1, ONE), (-1, square))) for square in squares), Apply("tanh", 1, z))
    yield "relu", (*(Compare(x, ">", Const(Fraction(0))) for x in (z, a)), Apply("relu", 1, z))


@premise_of("softmax-diagonal")
def softmax_as_if_entrywise(scene: Scene) -> Iterator[OtherPremise]:
    """dy_k/dz_l = y_k (1[k=l] - y_l)  taken for  y_k (1 - y_k): as if softmax were a sigmoid a unit."""
    anew = scene.understanding_with(lambda t: Apply("sigmoid", 0, t.body) if isinstance(t, Softmax) else t)
    if anew is not None:
        yield OtherPremise(anew, scene.left, "only the diagonal y(1 − y) of the softmax's derivative is used")


@premise_of("other-activation")
def slope_of_another_function(scene: Scene) -> Iterator[OtherPremise]:
    """The slope of another function: h (1 - h) of a sigmoid where h is a tanh."""
    for used in dict.fromkeys(formula.function for _, formula in scene.activations):
        for name in OTHER_FUNCTIONS:
            if name != used:
                anew = scene.understanding_with(
                    lambda t, used=used, name=name: (
                        replace(t, function=name) if isinstance(t, Apply) and t.function == used else t
                    )  # type: ignore[misc]
                )
                if anew is not None:
                    yield OtherPremise(anew, scene.left, f"this is the slope of {name}, where the activation is {used}")


@premise_of("function-for-slope")
def softmax_for_its_slope(scene: Scene) -> Iterator[OtherPremise]:
    """dL/da ⊙ a  for  the derivative of a softmax."""
    left = scene.left
    if not isinstance(left, Jacobian) or not isinstance(left.bottom, Part):
        return
    for key, term in scene.definitions.items():
        if isinstance(term, Softmax) and term.body == Part(left.bottom.key, ()):
            value = Part(key, left.bottom.indices)
            other = times(Jacobian(left.top, value), value)
            yield OtherPremise(
                scene.understanding, other, f"{said(value)} stands where the derivative of the softmax belongs"
            )
