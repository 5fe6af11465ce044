"""Derivatives worked out in numbers with one known mistake in them: what somebody who makes it gets, from whom only the number is seen.

A world carries the change of every value along with it. Here one function passes on a change that is wrong: without its slope, with
the slope twice, with another one. That is the mistake of `symderiv.mistakes.wrong_rules`, forwards instead of backwards, on the
document's own equations.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np

from symderiv.homework.diagnosis.scene import Scene
from symderiv.homework.diagnosis.terms_said import said
from symderiv.homework.understanding.arithmetic import Array, apply_function
from symderiv.homework.understanding.terms import Apply, Gathered, Part, Softmax, SumOver, Term, everything_in
from symderiv.homework.understanding.worlds import Value, World

BY_HEART = ("sigmoid", "tanh", "relu")
FUNCTIONS_OF_LAYERS = frozenset([*BY_HEART, "leaky_relu", "softplus", "elu", "silu", "softsign"])
Change = Callable[[World, "Apply | Softmax", Array, Array], Array]
"""From the world, the function, its argument and the right slope to the slope that is taken."""


class WrongWorld(World):
    """A world in which one function passes on a wrong change."""

    def __init__(self, world: World, wrong: Term, change: Change) -> None:
        super().__init__(world.point, world.definitions)
        self.wrong, self.change = wrong, change

    def _apply(self, term: Apply, bottom: str | None) -> Value:
        found = super()._apply(term, bottom)
        if term != self.wrong or found.tangent is None:
            return found
        body = self._value(term.body, bottom)
        assert body.tangent is not None
        slope = self.change(self, term, body.array, self._orders_of(term, body.array, 1))
        return Value(found.letters, found.array, slope * body.tangent)

    def _softmax(self, term: Softmax, bottom: str | None) -> Value:
        found = super()._softmax(term, bottom)
        if term != self.wrong or found.tangent is None:
            return found
        body = self._value(term.body, bottom)
        assert body.tangent is not None
        return Value(found.letters, found.array, self.change(self, term, found.array, body.tangent))


def _missing(world: World, term: Apply | Softmax, x: Array, slope: Array) -> Array:
    return np.ones_like(slope)


def _twice(world: World, term: Apply | Softmax, x: Array, slope: Array) -> Array:
    return slope * slope


def _function(world: World, term: Apply | Softmax, x: Array, slope: Array) -> Array:
    assert isinstance(term, Apply)
    return apply_function(term.function, world.arithmetic, x)


def _at_value(world: World, term: Apply | Softmax, x: Array, slope: Array) -> Array:
    assert isinstance(term, Apply)
    return apply_function(term.function, world.arithmetic, apply_function(term.function, world.arithmetic, x), 1)


def _formula_at_argument(world: World, term: Apply | Softmax, x: Array, slope: Array) -> Array:
    """z (1 - z) and 1 - z^2: the formula for the value, with the argument."""
    return _through_value(term, x)


def _through_value(term: Apply | Softmax | str, y: Array) -> Array:
    name = term.function if isinstance(term, Apply) else term
    if name == "sigmoid":
        return y * (1 - y)
    return 1 - y * y if name == "tanh" else np.where(y > 0, 1.0, 0.0)


def _square_of_difference(world: World, term: Apply | Softmax, x: Array, slope: Array) -> Array:
    assert isinstance(term, Apply)
    value: Array = (1 - apply_function(term.function, world.arithmetic, x)) ** 2
    return value


def _another(name: str) -> Change:
    def change(world: World, term: Apply | Softmax, x: Array, slope: Array) -> Array:
        assert isinstance(term, Apply)
        return _through_value(name, apply_function(term.function, world.arithmetic, x))

    return change


SLOPES: Mapping[str, tuple[tuple[Change, str], ...]] = {
    "missing-slope": ((_missing, "the factor {slope} is missing"),),
    "slope-twice": ((_twice, "{slope} is there once too often"),),
    "function-for-slope": ((_function, "{value} stands where {slope} belongs"),),
    "slope-at-wrong-argument": (
        (_at_value, "the slope is taken at {value}, not at {argument}"),
        (_formula_at_argument, "{argument} stands where {value} belongs in the slope"),
    ),
}


def _softmax_left_out(world: World, term: Apply | Softmax, share: Array, change: Array) -> Array:
    return change


def _softmax_diagonal(world: World, term: Apply | Softmax, share: Array, change: Array) -> Array:
    return share * (1 - share) * change


def _softmax_itself(world: World, term: Apply | Softmax, share: Array, change: Array) -> Array:
    return share * change


SOFTMAX: Mapping[str, tuple[Change, str]] = {
    "softmax-diagonal": (_softmax_diagonal, "only the diagonal of the softmax's derivative is used"),
    "missing-slope": (_softmax_left_out, "the softmax's derivative is left out"),
    "function-for-slope": (_softmax_itself, "the softmax itself stands for its derivative"),
}


def wrong_values(scene: Scene, left: Term, world: World) -> Iterator[tuple[str, Array, str]]:
    """(code, value, words): what the derivative `left` comes to with each known mistake at each function of the document."""
    for key, definition in world.definitions.items():
        whole = definition.body if isinstance(definition, (Gathered, SumOver)) else definition
        if isinstance(whole, Apply) and whole.order == 0 and whole.function in FUNCTIONS_OF_LAYERS:
            yield from _at_function(scene, left, world, key, whole)
        for part in everything_in(definition):
            if isinstance(part, Softmax):
                for code, (change, text) in SOFTMAX.items():
                    for value in scene.situation.numbers.values_in(WrongWorld(world, part, change), left)[:1]:
                        yield code, value, text


def _at_function(scene: Scene, left: Term, world: World, key: str, function: Apply) -> Iterator[tuple[str, Array, str]]:
    numbers, written = scene.situation.numbers, dict(scene.activations).get(key, function)
    words = {
        "slope": said(Apply(written.function, 1, written.body)), "value": said(Part(key, ())), "argument": said(written.body),
    }  # fmt: skip
    for code, changes in SLOPES.items():
        for change, text in changes:
            for value in numbers.values_in(WrongWorld(world, function, change), left)[:1]:
                yield code, value, text.format(**words)
    if function.function == "tanh":
        for value in numbers.values_in(WrongWorld(world, function, _square_of_difference), left)[:1]:
            yield "misplaced-square", value, f"(1 − {words['value']})² stands where {words['slope']} belongs"
    for name in BY_HEART:
        if name != function.function:
            for value in numbers.values_in(WrongWorld(world, function, _another(name)), left)[:1]:
                yield "other-activation", value, f"the slope of {words['value']} is taken to be that of {name}"
