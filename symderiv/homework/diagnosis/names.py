"""Mistakes about names: another layer's quantity, another weight, another variable, another derivative than the left side says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from symderiv.homework.diagnosis.repairs import Mended, OtherPremise, premise_of, repair_of
from symderiv.homework.diagnosis.scene import Scene, places, runs
from symderiv.homework.diagnosis.terms_said import said
from symderiv.homework.understanding.elaboration import renamed
from symderiv.homework.understanding.shapes import base_of
from symderiv.homework.understanding.terms import Apply, Index, Jacobian, Part, Softmax, Term, references_in


@repair_of("wrong-layer")
def with_another_name(scene: Scene) -> Iterator[Mended]:
    """A2 for A1, X for A1, W1 for W2, w_12 for w_21: one quantity in one place."""
    for place in places(scene.right):
        match place.term:
            case Part(key, indices) if key not in ("ones", "identity", "#index"):
                for other in _others(scene, key, indices):
                    words = f"{said(place.term)} stands where {said(other)} belongs" + _hidden(scene, key, other.key)
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
def with_another_name_throughout(scene: Scene) -> Iterator[Mended]:
    """`z (1 - z)`  for  `a (1 - a)`: the same where a name stands several times, in the whole or in one part."""
    for place in runs(scene.right, below=True):
        names = Counter(r.key for r in references_in(place.term))
        for key in (k for k, count in names.items() if count > 1):
            for other in scene.quantities:
                if other != key:
                    here, there = Part(key, ()), Part(other, ())
                    words = f"{said(here)} stands where {said(there)} belongs"
                    yield Mended(place.put(renamed(place.term, {key: other})), words, _code(scene, here, there))


def _others(scene: Scene, key: str, indices: tuple[Index, ...]) -> Iterator[Part]:
    """What may stand in a place: other names with the same indices, the same name with others, then any."""
    found: dict[Part, None] = {Part(other, indices): None for other in scene.quantities}
    if len(indices) == 2:
        found[Part(key, indices[::-1])] = None
    for k, index in enumerate(indices):
        if isinstance(index, int):
            found.update({Part(key, (*indices[:k], number, *indices[k + 1 :])): None for number in range(1, 5)})
    for others in scene.index_choices:
        found[Part(key, others)] = None
        found.update({Part(other, others): None for other in scene.quantities})
    found.pop(Part(key, indices), None)
    yield from found


def _hidden(scene: Scene, key: str, other: str) -> str:
    """Why nobody noticed: where both have the same shape in numbers, every product still conforms."""
    stated = scene.understanding.stated
    if (
        key != other
        and key in stated
        and stated[key] == stated.get(other)
        and all(size.isdigit() for size in stated[key])
    ):
        return f"; both are {stated[key][0]} × {stated[key][1]}, so the shapes do not show it"
    return ""


def _code(scene: Scene, here: Part, there: Part) -> str:
    """What it is to write one name for another."""
    is_weight = {part.key: scene.is_weight(part.key) for part in (here, there)}
    if here.key == there.key:
        return "wrong-weight" if is_weight[here.key] else "wrong-variable"
    if is_weight[here.key] != is_weight[there.key]:
        return "wrong-variable"
    if scene.depths.get(here.key) == scene.depths.get(there.key):
        return "wrong-weight" if is_weight[here.key] else "wrong-variable"
    same_kind = base_of(here.key) == base_of(there.key) or {here.key, there.key} <= scene.layer_inputs
    return "wrong-layer" if same_kind else "wrong-variable"


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
                formula = scene.definitions.get(key)
                is_value = isinstance(formula, (Apply, Softmax)) and formula.body == Part(left.bottom.key, ())
                words = f"this is {said(derivative)}" + (": the slope is missing" if is_value else "")
                yield OtherPremise(scene.understanding, derivative, words, "missing-slope" if is_value else "")
    for key in scene.definitions:
        if key != getattr(left.top, "key", None) and key in scene.quantities:
            derivative = Jacobian(Part(key, ()), left.bottom)
            yield OtherPremise(scene.understanding, derivative, f"this is {said(derivative)}")
