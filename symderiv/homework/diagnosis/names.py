"""Mistakes about names: another layer's quantity, another weight, another variable, another derivative than the left side says."""

from __future__ import annotations

from collections.abc import Iterator

from symderiv.homework.diagnosis.repairs import Mended, OtherPremise, premise_of, repair_of
from symderiv.homework.diagnosis.scene import Scene, places
from symderiv.homework.diagnosis.terms_said import said
from symderiv.homework.understanding.elaboration import renamed
from symderiv.homework.understanding.shapes import base_of
from symderiv.homework.understanding.terms import Index, Jacobian, Part, Term


@repair_of("wrong-layer")
def with_another_name(scene: Scene) -> Iterator[Mended]:
    """A2 for A1, X for A1, W1 for W2, w_12 for w_21: one quantity in one place."""
    for place in places(scene.right):
        match place.term:
            case Part(key, indices) if key not in ("ones", "identity", "#index"):
                for other in _others(scene, key, indices):
                    words = f"{said(place.term)} stands where {said(other)} belongs"
                    yield Mended(place.put(other), words, _code(scene, place.term, other))
            case Jacobian(top, Part(key, indices) as bottom):
                for other in _others(scene, key, indices):
                    words = f"∂{said(top)}/∂{said(bottom)} stands where ∂{said(top)}/∂{said(other)} belongs"
                    yield Mended(place.put(Jacobian(top, other)), words, _code(scene, bottom, other))
                if isinstance(top, Part):
                    for other in _others(scene, top.key, top.indices):
                        mended = Jacobian(other, bottom)
                        words = f"{said(place.term)} stands where {said(mended)} belongs"
                        yield Mended(place.put(mended), words, _code(scene, top, other))


@repair_of("wrong-layer")
def with_another_name_everywhere(scene: Scene) -> Iterator[Mended]:
    """The same where a name stands several times."""
    keys: dict[str, int] = {}
    for place in places(scene.right):
        if isinstance(place.term, Part):
            keys[place.term.key] = keys.get(place.term.key, 0) + 1
    for key in (k for k, count in keys.items() if count > 1):
        for other in scene.quantities:
            if other != key:
                here, there = Part(key, ()), Part(other, ())
                words = f"{said(here)} stands where {said(there)} belongs"
                yield Mended(renamed(scene.right, {key: other}), words, _code(scene, here, there))


def _others(scene: Scene, key: str, indices: tuple[Index, ...]) -> Iterator[Part]:
    """What may stand in a place: other names with the same indices, the same name with others."""
    for other in scene.quantities:
        if other != key:
            yield Part(other, indices)
    if len(indices) == 2:
        yield Part(key, indices[::-1])
    if indices:
        for others in scene.index_choices:
            if others != indices:
                yield Part(key, others)
                if len(others) == len(indices):
                    yield from (
                        Part(other, others)
                        for other in scene.quantities
                        if base_of(other) == base_of(key) and other != key
                    )
        for k, index in enumerate(indices):
            if isinstance(index, int):
                for number in range(1, 5):
                    if number != index:
                        yield Part(key, (*indices[:k], number, *indices[k + 1 :]))
    else:
        for others in scene.index_choices:
            if others:
                yield from (Part(other, others) for other in scene.quantities)


def _code(scene: Scene, here: Part, there: Part) -> str:
    """What it is to write one name for another."""
    weights = {*scene.understanding.weights}
    if here.key == there.key or (here.key in weights and there.key in weights and _layer(here) == _layer(there)):
        return "wrong-weight" if here.key in weights else "wrong-variable"
    if base_of(here.key) == base_of(there.key):
        return "wrong-layer"
    both = {here.key, there.key}
    inputs = {k for k in scene.quantities if k not in scene.definitions and k not in weights}
    outputs = {key for key, _ in scene.activations} | inputs
    if both <= outputs:
        return "wrong-layer"
    return "wrong-weight" if both <= weights else "wrong-variable"


def _layer(part: Part) -> str:
    return part.key.partition("[")[2]


@premise_of("wrong-left-hand-side")
def for_another_derivative(scene: Scene) -> Iterator[OtherPremise]:
    """dL/dz  written where  dL/da  is asked for: right for another quantity."""
    left: Term = scene.left
    if not isinstance(left, Jacobian) or not isinstance(left.bottom, Part):
        return
    for key in scene.quantities:
        for indices in dict.fromkeys((left.bottom.indices, *scene.index_choices)):
            other = Part(key, indices)
            if other != left.bottom:
                derivative = Jacobian(left.top, other)
                yield OtherPremise(scene.understanding, derivative, f"this is {said(derivative)}")
    for key in scene.definitions:
        if key != getattr(left.top, "key", None) and key in scene.quantities:
            derivative = Jacobian(Part(key, ()), left.bottom)
            yield OtherPremise(scene.understanding, derivative, f"this is {said(derivative)}")
