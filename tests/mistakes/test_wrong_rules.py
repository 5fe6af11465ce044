"""Every mistake in a derivation has a wrong rule, and every wrong rule is wrong: it differs from differences of the loss."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from oracles import central_differences

import symderiv as sd
from symderiv.calculus.expressions import KINDS, Augment, total
from symderiv.calculus.rewrites import rule_name
from symderiv.calculus.shapes import size_of
from symderiv.errors import ShapeError
from symderiv.mistakes.codes import BY_CODE
from symderiv.mistakes.rederiving import merged, rederive, slips
from symderiv.mistakes.wrong_losses import WRONG_LOSSES
from symderiv.mistakes.wrong_rules import WRONG_RULES
from symderiv.oracles.diagnosis import planted, same
from symderiv.oracles.evaluation import random_point

NOT_IN_A_DERIVATION = {
    "update-sign", "arithmetic-slip", "wrong-value-inserted", "rounded-early", "undefined-symbol", "wrong-shape", "unrecognised",
    "wrong-weight",  # about single entries
    "wrong-left-hand-side",  # a right derivative, called by another name
}  # fmt: skip
MODELS = {
    **{name: sd.examples.load(name) for name in sd.examples.names()},
    # What no example has: a penalty, and one bias for all units.
    "with a penalty": sd.two_layer("tanh", "sigmoid", "log", penalty=True),
    "with one bias": sd.parse_model("X: (n, d); Y: (n, o); W: (d, o); b: (1, 1)\nJ = mean((X @ W + b - Y)**2)"),
}


@cache
def planted_in(name: str, equal: bool = False):
    model = MODELS[name]
    return planted(model, sizes=dict.fromkeys(model.sizes, 3) if equal else None)


def rules_of(planted_ones) -> set[tuple[str, str]]:
    return {(slip.code, slip.rule) for one in planted_ones for slip in one.slips}


def test_every_mistake_in_a_derivation_has_a_rule():
    codes = {wrong.code for wrong in (*WRONG_RULES, *WRONG_LOSSES)}
    assert codes == BY_CODE.keys() - NOT_IN_A_DERIVATION


def test_every_rule_says_what_it_is():
    for wrong in WRONG_RULES:
        assert wrong.rule.__doc__ and wrong.choices.__doc__ and set(wrong.kinds) <= set(KINDS)
    assert all(wrong.losses.__doc__ for wrong in WRONG_LOSSES)


def test_every_rule_changes_a_gradient_somewhere():
    """At general sizes where the shapes allow it at all, else with squares."""
    general = {rule for name in MODELS for rule in rules_of(planted_in(name))}
    square = {rule for name in MODELS for rule in rules_of(planted_in(name, equal=True))}
    rules = {(w.code, rule_name(w.rule)) for w in WRONG_RULES} | {(w.code, rule_name(w.losses)) for w in WRONG_LOSSES}
    assert rules == general | square
    assert {rule for _, rule in square - general} == {
        "without-transpose", "swapped", "elementwise", "matrix-product-with-slope", "slope-of-another-layer"
    }  # fmt: skip


@pytest.mark.parametrize("name", MODELS)
def test_what_is_planted_differs_from_differences_and_the_rest_does_not(name):
    model = MODELS[name]
    point = random_point(model, 0)
    truths = {s.name: central_differences(model, point, s) for s in model.parameters}
    assert planted_in(name)
    for one in planted_in(name):
        for wrt, gradient in one.gradients.items():
            assert same(gradient, truths[wrt], 1e-5) == (wrt not in one.changed), (one.words, wrt)


def test_a_mistake_that_changes_nothing_is_none():
    """With one output, an elementwise product with its weights is the matrix product."""
    model = sd.two_layer("tanh", outputs=1)
    slip = next(s for s in slips(model) if s.code == "elementwise-for-matmul" and "dA1" in s.words)
    assert not any(slip.words == one.words for one in planted(model))


def test_a_mistake_may_not_conform():
    model = sd.two_layer("tanh")
    slip = next(slip for slip in slips(model) if slip.code == "missing-transpose" and "W2" in slip.words)
    with pytest.raises(ShapeError):
        rederive(model, slip)
    square = merged(model, {"n": 2, "d": 4, "h": 3, "o": 3})
    assert [str(size) for size in square.symbols["W2"].shape] == ["o", "o"]
    slip = next(slip for slip in slips(square) if slip.code == "missing-transpose" and "W2" in slip.words)
    assert repr(rederive(square, slip, tidy=True).adjoint("A1").named) == "Z2_bar @ W2"


def test_equal_sizes_change_no_value():
    model = sd.examples.load("two-gaussians")
    sizes = {"d": 3, "m": 2, "k": 3, "h": 2}
    one, two = merged(model, sizes), model
    point = random_point(model, 0, sizes)
    moved = type(point)(sizes, {}, {one.symbols[s.name]: point.values[s] for s in model.inputs})
    for name in ("W1", "b2"):
        mine = moved.evaluate(sd.derive(one).gradient(name), moved.run(one))
        np.testing.assert_allclose(mine, point.evaluate(sd.derive(two).gradient(name), point.run(two)))
    assert merged(model, {"d": 2, "m": 3, "k": 4, "h": 5}) is model


def test_ones_are_put_before_sizes_with_names():
    net = sd.Network()
    X, W, V = net.data("X", "n", 2), net.parameter("W", 3, "h"), net.parameter("V", 2, "d")
    C = net.define("C", X @ V)
    net.define("J", total((Augment(C, 1) @ net.parameter("U", size_of("d") + 1, "h")) ** 2) + total(W**2))
    assert merged(net.model(), {"n": 2, "d": 2, "h": 3}).sizes == ("n", "h")


def test_two_mistakes_at_once():
    model = sd.two_layer("tanh", "sigmoid", "mse")
    both = [slip for slip in slips(model) if slip.code == "missing-slope"]
    assert [slip.equation for slip in both] == ["A2", "A1"]
    derivation = rederive(model, *both, tidy=True)
    assert [repr(derivation.adjoint(name).named) for name in ("Z2", "Z1")] == ["A2_bar", "A1_bar"]


def test_each_slope_once():
    """A slope inside a formula on one line is found too, in each function."""
    model = sd.parse_model("x: (d, 1); w: (1, d); y: (1, 1)\nJ = (tanh(sigmoid(w @ x)) - y)**2")
    words = [one.words for one in planted(model) if one.code == "missing-slope"]
    assert (
        len(words) == 2
        and len({repr(one.derivation.gradient("w")) for one in planted(model) if one.code == "missing-slope"}) == 2
    )
