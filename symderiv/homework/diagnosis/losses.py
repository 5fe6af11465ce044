"""Mistakes about the loss: right for another loss, without its penalty, with its value where the seed belongs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction

from symderiv.homework.diagnosis.repairs import Mended, OtherPremise, premise_of, repair_of
from symderiv.homework.diagnosis.scene import Scene, times
from symderiv.homework.diagnosis.terms_said import said
from symderiv.homework.understanding.piecewise import huber
from symderiv.homework.understanding.shapes import base_of
from symderiv.homework.understanding.symbols import HYPER_BASES, LOSS_BASES
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
    everything_in,
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
    top = scene.understanding.loss
    if any(isinstance(p, Jacobian) and p.top == Part(top or "", ()) for p in everything_in(scene.right)):
        return  # a relation between derivatives holds for any loss
    for loss, words in other_losses(scene):
        yield OtherPremise(scene.understanding_with_loss(loss), scene.left, f"this is right for {words}")


def other_losses(scene: Scene) -> Iterator[tuple[Term, str]]:
    """The usual losses of the same outputs and targets, with their names."""
    n = scene.size_of_samples if scene.is_with_samples else None
    for pairs in _outputs_and_targets(scene):
        for body, words in BODIES:
            parts = [SumOver("all", body(Part(output, ()), Part(target, ()))) for output, target in pairs]
            total = parts[0] if len(parts) == 1 else Add(tuple((1, part) for part in parts))
            yield total, words + (" (summed)" if n is not None else "")
            if n is not None:
                yield times(Over(ONE, n), total, ""), words + " (mean)"


def _square(a: Term, y: Term) -> Term:
    return Power(Add(((1, a), (-1, y))), Const(Fraction(2)))


def _half_square(a: Term, y: Term) -> Term:
    return times(Const(Fraction(1, 2)), _square(a, y), "")


def _cross_entropy(a: Term, y: Term) -> Term:
    return Add(((-1, times(y, _log(a))),))


def _log_loss(a: Term, y: Term) -> Term:
    other = (Add(((1, ONE), (-1, y))), Add(((1, ONE), (-1, a))))
    return Add(((-1, times(y, _log(a))), (-1, times(other[0], _log(other[1])))))


def _huber(a: Term, y: Term) -> Term:
    return huber(0, Add(((1, a), (-1, y))))


def _log(a: Term) -> Term:
    """log |a|: with the derivative of the logarithm also where a linear output is negative."""
    return Apply("log", 0, Apply("abs", 0, a))


def _compared(scene: Scene, body: Term) -> Iterator[str]:
    """What a loss is written with; of the terms that it is a sum of, what they are written with."""
    for ref in references_in(body):
        term = scene.definitions.get(ref.key)
        is_number = scene.understanding.shapes.get(ref.key) == ("1", "1") and base_of(ref.key) in LOSS_BASES
        if term is not None and (is_number or base_of(ref.key) == base_of(scene.understanding.loss or "")):
            yield from _compared(scene, term)
        else:
            yield ref.key


MOST_OUTPUTS = 3


def _half(body: Callable[[Term, Term], Term]) -> Callable[[Term, Term], Term]:
    return lambda a, y: times(Const(Fraction(1, 2)), body(a, y), "")


BODIES: tuple[tuple[Callable[[Term, Term], Term], str], ...] = (
    (_half_square, "half the squared error"),
    (_square, "the squared error"),
    (_log_loss, "the log loss"),
    (_cross_entropy, "the cross-entropy"),
    (_half(_log_loss), "half the log loss"),
    (_half(_cross_entropy), "half the cross-entropy"),
    (_huber, "the Huber loss"),
    (_half(_huber), "half the Huber loss"),
)


def _outputs_and_targets(scene: Scene) -> Iterator[list[tuple[str, str]]]:
    """What the loss compares: quantities of the network with what nothing defines, all outputs at once."""
    body = scene.definitions.get(scene.understanding.loss or "")
    if body is None:
        return
    names = list(dict.fromkeys(_compared(scene, body)))
    outputs = [k for k in names if k in scene.definitions]
    targets = [k for k in names if k not in scene.definitions and (base_of(k) in TARGET_BASES or len(names) == 2)]
    shapes = scene.understanding.shapes
    outputs += [
        formula.body.key for key, formula in scene.activations if key in outputs and isinstance(formula.body, Part)
    ]
    if len(outputs) == len(targets) > 1:
        yield list(zip(outputs, targets, strict=True))
        return
    for output in outputs if len(outputs) <= MOST_OUTPUTS else ():
        yield from ([(output, target)] for target in targets if shapes.get(output) == shapes.get(target))
