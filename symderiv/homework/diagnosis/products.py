"""Mistakes about products: transposes, the order of factors, a matrix product for an elementwise one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from symderiv.homework.diagnosis.repairs import Mended, repair_of
from symderiv.homework.diagnosis.scene import Scene, places, runs
from symderiv.homework.diagnosis.terms_said import said
from symderiv.homework.understanding.readings import ELEMENTWISE
from symderiv.homework.understanding.terms import Sloppy, Transpose


@repair_of("missing-transpose")
def turned(scene: Scene) -> Iterator[Mended]:
    """A  for  Aᵀ, Aᵀ  for  A: of one factor."""
    for place in runs(scene.right):
        if isinstance(place.term, Transpose):
            yield Mended(place.put(place.term.body), f"{said(place.term.body)} is transposed, which it should not be")
        else:
            yield Mended(place.put(Transpose(place.term)), f"{said(place.term)} should be transposed")


@repair_of("swapped-factors")
def in_other_order(scene: Scene) -> Iterator[Mended]:
    """B A  for  A B: of two neighbours."""
    for place in places(scene.right):
        if isinstance(place.term, Sloppy) and "#" not in place.term.marks:
            factors = place.term.factors
            for k in range(len(factors) - 1):
                other = (*factors[:k], factors[k + 1], factors[k], *factors[k + 2 :])
                words = f"{said(factors[k])} and {said(factors[k + 1])} stand in the wrong order"
                yield Mended(place.put(replace(place.term, factors=other)), words)


@repair_of("matmul-for-elementwise")
def with_other_sign_of_product(scene: Scene) -> Iterator[Mended]:
    """A ⊙ B  for  A B, and the other way round."""
    for place in runs(scene.right):
        if not isinstance(place.term, Sloppy) or "#" in place.term.marks:
            continue
        for k, mark in enumerate(place.term.marks):
            is_entrywise = mark in ELEMENTWISE or mark == "*"
            marks = (*place.term.marks[:k], "" if is_entrywise else "odot", *place.term.marks[k + 1 :])
            code = "elementwise-for-matmul" if is_entrywise else "matmul-for-elementwise"
            words = (
                f"{said(place.term)} multiplies entry by entry where a matrix product belongs"
                if is_entrywise
                else f"{said(place.term)} is a matrix product where an elementwise one belongs"
            )
            yield Mended(place.put(replace(place.term, marks=marks)), words, code)


@repair_of("matmul-for-elementwise")
def entry_by_entry(scene: Scene) -> Iterator[Mended]:
    """A Bᵀ  for  A ⊙ B: with the transpose that made the product conform."""
    for place in places(scene.right):
        product = place.term
        if not isinstance(product, Sloppy) or "#" in product.marks:
            continue
        for k, mark in enumerate(product.marks):
            for at in (k, k + 1):
                factor = product.factors[at]
                if mark not in ELEMENTWISE and isinstance(factor, Transpose):
                    factors = (*product.factors[:at], factor.body, *product.factors[at + 1 :])
                    marks = (*product.marks[:k], "odot", *product.marks[k + 1 :])
                    words = f"{said(product)} is a matrix product where an elementwise one belongs"
                    yield Mended(place.put(Sloppy(factors, marks)), words)
