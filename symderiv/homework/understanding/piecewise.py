"""Functions that are made of pieces, in terms of the ReLU: `clip(x, c)`, `huber(x, c)`, `LeakyReLU(x, a)` and their slopes."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from symderiv.homework.understanding.terms import ONE, Add, Apply, Const, Over, Power, Term, Times

HALF, TWO = Const(Fraction(1, 2)), Const(Fraction(2))
USUAL_LEAKS = (Const(Fraction(1, 100)), Over(ONE, Const(Fraction(100))))


def leaky_relu(order: int, x: Term, leak: Term) -> Term:
    """a x + (1 - a) relu(x); slope a + (1 - a) 1[x > 0]."""
    if leak in USUAL_LEAKS:
        return Apply("leaky_relu", order, x)
    line = Times(leak, x) if order == 0 else leak
    return Add(((1, line), (1, Times(Add(((1, ONE), (-1, leak))), Apply("relu", order, x)))))


def clip(order: int, x: Term, bound: Term) -> Term:
    """x cut off at -c and c: relu(x + c) - relu(x - c) - c."""
    above, below = Apply("relu", order, Add(((1, x), (1, bound)))), Apply("relu", order, Add(((1, x), (-1, bound))))
    ends = ((1, above), (-1, below))
    return Add((*ends, (-1, bound))) if order == 0 else Add(ends)


def clip_between(order: int, x: Term, lower: Term, upper: Term) -> Term:
    """x cut off at both ends, as NumPy has it: relu(x - lower) - relu(x - upper) + lower."""
    above, below = Apply("relu", order, Add(((1, x), (-1, lower)))), Apply("relu", order, Add(((1, x), (-1, upper))))
    ends = ((1, above), (-1, below))
    return Add((*ends, (1, lower))) if order == 0 else Add(ends)


def huber(order: int, x: Term, bound: Term = ONE) -> Term:
    """x^2/2 near 0, c (|x| - c/2) further out: (relu(x + c)^2 - relu(x - c)^2 - c^2)/2 - c x; its slope is clip(x, c)."""
    if order > 0:
        return clip(order - 1, x, bound)
    above, below = (Power(Apply("relu", 0, Add(((1, x), (sign, bound)))), TWO) for sign in (1, -1))
    squares = Times(HALF, Add(((1, above), (-1, below), (-1, Power(bound, TWO)))))
    return Add(((1, squares), (-1, Times(bound, x))))


# By the name, in small letters, and the number of arguments.
PIECEWISE: dict[tuple[str, int], Callable[..., Term]] = {
    ("leakyrelu", 2): leaky_relu, ("leaky_relu", 2): leaky_relu, ("lrelu", 2): leaky_relu, ("prelu", 2): leaky_relu,
    ("clip", 2): clip, ("clip", 3): clip_between, ("clamp", 3): clip_between,
    ("huber", 1): huber, ("huber", 2): huber,
}  # fmt: skip
