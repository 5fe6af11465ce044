"""Mistakes about the loss: right for another loss, without its penalty, with its value where the seed belongs."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from symderiv.homework.diagnosis.repairs import Mended, OtherPremise, premise_of, repair_of
from symderiv.homework.diagnosis.scene import Scene, times
from symderiv.homework.diagnosis.terms_said import said
from symderiv.homework.understanding.shapes import base_of
from symderiv.homework.understanding.symbols import HYPER_BASES
from symderiv.homework.understanding.terms import (
    ONE,
    Add,
    Apply,
    Const,
    Jacobian,
    Over,
    Part,
    Power,
    SumOver,
    Term,
    references_in,
)
from symderiv.homework.understanding.understanding import TARGET_BASES


@repair_of("forward-value-as-seed")
def without_value(scene: Scene) -> Iterator[Mended]:
    """f · da/dw  for  1 · da/dw: the value of what is derived stands where dL/dL = 1 belongs."""
    if isinstance(scene.left, Jacobian) and isinstance(scene.left.top, Part):
        top = scene.left.top
        yield Mended(
            Over(scene.right, top), f"the value of {said(top)} stands where ∂{said(top)}/∂{said(top)} = 1 belongs"
        )


@premise_of("missing-penalty")
def without_penalty(scene: Scene) -> Iterator[OtherPremise]:
    """The derivative of the loss without its penalty."""
    loss = scene.understanding.loss
    body = scene.definitions.get(loss or "")
    if isinstance(body, Add) and len(body.terms) > 1:
        for k, (_, part) in enumerate(body.terms):
            if any(base_of(r.key) in HYPER_BASES for r in references_in(part)):
                rest = Add((*body.terms[:k], *body.terms[k + 1 :]))
                anew = scene.understanding_with_loss(rest)
                yield OtherPremise(anew, scene.left, f"the derivative of the penalty {said(part)} is missing")


@premise_of("other-loss")
def with_another_loss(scene: Scene) -> Iterator[OtherPremise]:
    """The gradient of the log loss for that of the squared error, and the like."""
    for loss, words in other_losses(scene):
        yield OtherPremise(scene.understanding_with_loss(loss), scene.left, f"this is right for {words}")


def other_losses(scene: Scene) -> Iterator[tuple[Term, str]]:
    """The usual losses of the same output and target, with their names."""
    for output, target in _outputs_and_targets(scene):
        n = scene.size_of_samples if scene.is_with_samples else None
        a, y = Part(output, ()), Part(target, ())
        difference = Add(((1, a), (-1, y)))
        log = Add(
            (
                (-1, times(y, Apply("log", 0, a))),
                (-1, times(Add(((1, ONE), (-1, y))), Apply("log", 0, Add(((1, ONE), (-1, a)))))),
            )
        )
        cross = Add(((-1, times(y, Apply("log", 0, a))),))
        square = Power(difference, Const(Fraction(2)))
        for body, words in (
            (times(Const(Fraction(1, 2)), square, ""), "half the squared error"),
            (square, "the squared error"),
            (log, "the log loss"),
            (cross, "the cross-entropy"),
        ):
            total: Term = SumOver("all", body)
            yield total, words + (" (summed)" if n is not None else "")
            if n is not None:
                yield times(Over(ONE, n), total, ""), words + " (mean)"


def _outputs_and_targets(scene: Scene) -> Iterator[tuple[str, str]]:
    """What the loss compares: a quantity of the network with one that nothing defines."""
    loss = scene.understanding.loss
    body = scene.definitions.get(loss or "")
    if body is None:
        return
    names = list(dict.fromkeys(r.key for r in references_in(body)))
    outputs = [k for k in names if k in scene.definitions]
    targets = [k for k in names if k not in scene.definitions and (base_of(k) in TARGET_BASES or len(names) == 2)]
    shapes = scene.understanding.shapes
    for output in outputs:
        for target in targets:
            if shapes.get(output) == shapes.get(target):
                yield output, target
