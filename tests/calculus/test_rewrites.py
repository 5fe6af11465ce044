"""Simplification keeps the value, reaches the textbook form, and says what it assumed."""

from __future__ import annotations

import numpy as np
import pytest
import sympy
from hypothesis import given
from strategies import REWRITE_CASES, SYMBOLS, expressions

from symderiv.calculus.expressions import Fill, Sum, Symbol, apply, call, symbols_in
from symderiv.calculus.functions import placeholder
from symderiv.calculus.rewrites import REWRITES, Simplifier, SumsToOne, tidied
from symderiv.calculus.shapes import size_symbol
from symderiv.calculus.sweep import pull_back
from symderiv.oracles.evaluation import Point

A, Y = Symbol("A", ("k", "m"), "value"), Symbol("Y", ("k", "m"), "data")
a, y, n = placeholder(0), placeholder(1), size_symbol("n")


def point_for(symbols, seed=1):
    sizes = {"n": 2, "d": 3, "h": 4, "k": 5, "m": 3}
    rng = np.random.default_rng(seed)
    return Point(sizes, {}, {s: rng.normal(size=[size.value(sizes) for size in s.shape]) for s in symbols})


@given(expressions)
def test_simplifying_keeps_shape_and_value(expr):
    simple, steps = Simplifier().simplified(expr)
    point = point_for(SYMBOLS)
    assert simple.shape == expr.shape
    np.testing.assert_allclose(point.evaluate(simple), point.evaluate(expr), rtol=1e-9, atol=1e-9)
    for step in steps:
        np.testing.assert_allclose(point.evaluate(step.after), point.evaluate(step.before), rtol=1e-9, atol=1e-9)


@given(expressions)
def test_simplifying_twice_changes_nothing(expr):
    simple, _ = Simplifier().simplified(expr)
    assert Simplifier().simplified(simple) == (simple, ())


@given(expressions)
def test_the_gradient_of_any_expression_agrees_with_a_complex_step(expr):
    point = point_for(SYMBOLS)
    ones = Fill(1, expr.shape)
    wanted = symbols_in(expr)
    found = {symbol: np.zeros(point.values[symbol].shape) for symbol in wanted}
    for symbol, adjoint, _ in pull_back(expr, ones, expr, frozenset(s.name for s in wanted), "y"):
        found[symbol] = found[symbol] + point.evaluate(Simplifier().simplified(adjoint)[0])
    rng = np.random.default_rng(0)
    for symbol in wanted:
        direction = rng.normal(size=point.values[symbol].shape)
        moved = Point(point.sizes, {}, {**point.values, symbol: point.values[symbol] + 1e-30j * direction})
        truth = moved.evaluate(expr).sum().imag / 1e-30
        assert (found[symbol] * direction).sum() == pytest.approx(truth, rel=1e-8, abs=1e-8)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (-y / a / n + (1 - y) / (1 - a) / n, "(x0 - x1)/(n*x0*(1 - x0))"),
        ((a - y) / (a * (1 - a)) * a * (1 - a), "x0 - x1"),
        (a / n + y / n, "(x0 + x1)/n"),
        (a * (1 - a), "x0*(1 - x0)"),
        (-(y - a) * sympy.Rational(2) / n, "2*(x0 - x1)/n"),
        (-y / a, "-x1/x0"),
    ],
)
def test_scalar_calculus_reaches_the_textbook_form(before, after):
    assert str(tidied(before)) == after
    assert sympy.simplify(before - tidied(before)) == 0


def test_cross_entropy_on_softmax_needs_its_assumption():
    A_bar = -Y / A
    S = apply(lambda p, q, r: p * (q - r), A, A_bar, Sum(A_bar * A, 0))
    with_it, steps = Simplifier((SumsToOne("Y", 0),)).simplified(S)
    without, _ = Simplifier().simplified(S)
    assert with_it is A - Y
    assert [step.assumption for step in steps if step.assumption] == [SumsToOne("Y", 0)]
    assert with_it is not without


def test_every_rewrite_is_exercised():
    used = {step.rule for case in REWRITE_CASES.values() for step in Simplifier().simplified(case)[1]}
    assert used == {rule.__name__.replace("_", "-") for rule in REWRITES}


def test_tanh_slope_goes_through_the_value():
    Z = Symbol("Z", ("k", "m"), "value")
    ((_, adjoint, _),) = pull_back(call("tanh", Z), Y, A, frozenset(["Z"]), "A")
    assert adjoint is Y * (1 - A**2)
