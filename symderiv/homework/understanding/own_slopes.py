"""The derivative of a formula of one number, as a formula: what l'(e) is after `l(e) = ..`, whatever it is taken at."""

from __future__ import annotations

from fractions import Fraction

from symderiv.homework.understanding.terms import (
    ONE,
    Add,
    Apply,
    Compare,
    Const,
    Over,
    Part,
    Power,
    Sloppy,
    Term,
    Times,
    references_in,
)

ZERO = Const(Fraction(0))


class NoSlope(ValueError):
    """A formula that is not made of sums, products, powers and functions of numbers."""


def slope_of(term: Term, letter: Part) -> Term:
    """d term / d letter, entry by entry; pieces meet where their derivative does not matter.

    Raises: NoSlope.
    """
    if letter not in references_in(term):
        return ZERO
    match term:
        case Part():
            return ONE
        case Add(terms):
            return Add(tuple((sign, slope_of(part, letter)) for sign, part in terms))
        case Times(left, right):
            return _sum(_product(slope_of(left, letter), right), _product(left, slope_of(right, letter)))
        case Sloppy(factors, marks) if "/" not in marks and "#" not in marks:
            first, rest = factors[0], factors[1:]
            others = rest[0] if len(rest) == 1 else Sloppy(rest, marks[1:])
            return _sum(_product(slope_of(first, letter), others), _product(first, slope_of(others, letter)))
        case Over(above, below):
            change = Add(
                ((1, _product(slope_of(above, letter), below)), (-1, _product(above, slope_of(below, letter))))
            )
            return Over(change, Power(below, Const(Fraction(2))))
        case Power(base, Const(value)):
            inner = base if value == 2 else Power(base, Const(value - 1))
            return _product(_product(Const(value), inner), slope_of(base, letter))
        case Apply(function, order, body):
            return _product(Apply(function, order + 1, body), slope_of(body, letter))
        case Compare():
            return ZERO
    raise NoSlope(type(term).__name__)


def _product(left: Term, right: Term) -> Term:
    if ZERO in (left, right):
        return ZERO
    return right if left == ONE else left if right == ONE else Times(left, right)


def _sum(left: Term, right: Term) -> Term:
    return right if left == ZERO else left if right == ZERO else Add(((1, left), (1, right)))
