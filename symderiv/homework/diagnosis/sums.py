"""Mistakes about sums: over the samples, over units, over an axis that should stay."""

from __future__ import annotations

from collections.abc import Iterator

from symderiv.homework.diagnosis.repairs import Mended, OtherPremise, premise_of, repair_of
from symderiv.homework.diagnosis.scene import Scene, places, runs, summands, without_factor
from symderiv.homework.diagnosis.terms_said import said
from symderiv.homework.understanding.arithmetic import Machine
from symderiv.homework.understanding.terms import (
    Part,
    Sloppy,
    SumOver,
    Term,
    everything_in,
    is_ones,
    letters_in,
    references_in,
)


@repair_of("missing-batch-sum")
def summed_over_samples(scene: Scene) -> Iterator[Mended]:
    """dL/dz  for  Σ over the samples of dL/dz."""
    axes = scene.understanding.axes
    if not axes.batch:
        return
    letters = sorted(_free_letters(scene.right) & axes.sample_letters)
    for along in (axes.sample_axis, *(f"letter:{letter}" for letter in letters)):
        for place in (*summands(scene.right), *runs(scene.right)):
            yield Mended(place.put(SumOver(along, place.term)), f"{said(place.term)} is not summed over the samples")


@repair_of("missing-output-sum")
def summed_over_units(scene: Scene) -> Iterator[Mended]:
    """δ_k w_kj  for  Σ_k δ_k w_kj: over each letter that the left side has not."""
    letters = _free_letters(scene.right) - _free_letters(scene.left) - scene.understanding.axes.sample_letters
    for letter in sorted(letters):
        for place in runs(scene.right):
            if letter in letters_in(place.term):
                yield Mended(place.put(SumOver(f"letter:{letter}", place.term)), f"the sum over {letter} is missing")


@repair_of("summed-over-everything")
def summed_over_samples_alone(scene: Scene) -> Iterator[Mended]:
    """Σ over everything  for  Σ over the samples: the units keep their axis."""
    for place in places(scene.right):
        if isinstance(place.term, SumOver):
            for along in ("rows", "columns"):
                if along != place.term.along:
                    mended = place.put(SumOver(along, place.term.body))
                    yield Mended(mended, f"{said(place.term.body)} is summed over an axis that should stay")
            for letter in sorted(letters_in(place.term.body)):
                mended = place.put(SumOver(f"letter:{letter}", place.term.body))
                yield Mended(mended, f"the sum in {said(place.term)} should go over {letter}")
            words = f"{said(place.term.body)} is summed, though nothing is to be summed here"
            yield Mended(place.put(place.term.body), words)


@repair_of("summed-over-everything")
def with_ones_of_the_samples(scene: Scene) -> Iterator[Mended]:
    """1ᵀ Z  for  Z 1: ones that add up the units where the samples should be."""
    axes = scene.understanding.axes
    for place in places(scene.right) if axes.batch else ():
        product = place.term
        if not isinstance(product, Sloppy):
            continue
        for k in (0, len(product.factors) - 1):
            if any(is_ones(p) for p in everything_in(product.factors[k])):
                rest = without_factor(product, k)
                words = f"the ones add up {said(rest)} over the wrong axis"
                yield Mended(place.put(SumOver(axes.sample_axis, rest)), words)


def _free_letters(term: Term) -> set[str]:
    """The letters of indices that no sum binds, as far as they stand on quantities."""
    bound = {p.along.removeprefix("letter:") for p in _sums_in(term)}
    return {i for r in references_in(term) if isinstance(r, Part) for i in r.indices if isinstance(i, str)} - bound


def _sums_in(term: Term) -> Iterator[SumOver]:
    for place in places(term):
        if isinstance(place.term, SumOver):
            yield place.term


@premise_of("missing-output-sum")
def without_one_path(scene: Scene) -> Iterator[OtherPremise]:
    """dL/du ∂u/∂h  for  Σ over the users u of h: a quantity that is used twice, and only one way back is taken."""
    if scene.bottom is None:
        return
    world = scene.understanding.world(scene.at, Machine)
    for key in scene.quantities:
        if key != scene.bottom and not world.depends(key, scene.bottom):
            continue
        users = [user for user, term in scene.definitions.items() if any(r.key == key for r in references_in(term))]
        if len(users) > 1:
            for user in users:
                words = f"the share that comes back from {said(Part(user, ()))} to {said(Part(key, ()))} is missing"
                yield OtherPremise(scene.understanding_with_copy(key, user), scene.left, words)
