"""The sweep: fan-out, several loss terms, deep networks, textbook closed forms."""

from __future__ import annotations

import pytest

from symderiv import derive, parse_model, two_layer
from symderiv.calculus.rewrites import SumsToOne
from symderiv.calculus.shapes import size_symbol
from symderiv.errors import ModelError
from symderiv.oracles.checks import QUICK, cross_check
from symderiv.textbook.networks import layered

n = size_symbol("n")


def test_log_loss_cancels_the_slope():
    derivation = derive(two_layer("tanh", "sigmoid", "log", outputs=1))
    assert derivation.adjoint("Z2").closed.to_latex(layers="subscript") == r"\frac{1}{n} \, (A_{2} - Y)"
    assert derivation.gradient("W2").to_latex(layers="subscript") == r"\frac{1}{n} \, A_{1}^{\top} \, (A_{2} - Y)"


def test_squared_error_keeps_the_slope():
    derivation = derive(two_layer("tanh", "sigmoid", "mse", scale="half-mean"))
    s = derivation.model.symbols
    assert derivation.adjoint("Z2").closed is (s["A2"] - s["Y"]) * s["A2"] * (1 - s["A2"]) / n


def test_two_terms_are_propagated_apart_and_added_before_the_first_product():
    derivation = derive(two_layer("tanh", "softmax", "mse+cross-entropy", layout="columns"))
    symbols = [adjoint.symbol.name for adjoint in derivation]
    assert symbols[2:7] == ["A2_bar_mse", "A2_bar_crossentropy", "Z2_bar_mse", "Z2_bar_crossentropy", "Z2_bar"]
    assert derivation.assumptions == (SumsToOne("Y", 0),)


def test_squared_error_on_softmax_assumes_nothing():
    assert derive(two_layer("tanh", "softmax", "mse")).assumptions == ()


def test_penalty_joins_at_the_weight():
    derivation = derive(two_layer("tanh", "identity", "mse", penalty=True))
    adjoint = derivation.adjoint("W1")
    assert {c.via for c in adjoint.contributions} == {"Z1", "J"}
    assert cross_check(derivation, oracles=QUICK).passed


TWICE = """
x: (d, 1); y: (d, 1); W: (d, d); b: (d, 1)
h = tanh(W @ x + b)
z = W @ h + b + h
J = sum((z - y)**2) + sum(h**2) / 2
"""


def test_shared_weights_and_skip_connections_add_up():
    derivation = derive(parse_model(TWICE))
    assert len(derivation.adjoint("W").contributions) == 2
    h = [adjoint for adjoint in derivation if adjoint.quantity.name == "h"]
    assert [len(adjoint.contributions) for adjoint in h] == [
        2,
        1,
        0,
    ]  # two uses in z, one in the loss's second term, their sum
    assert cross_check(derivation, oracles=QUICK).passed


def test_same_parameter_twice_in_one_equation():
    model = parse_model("W: (d, d)\nx: (d, 1)\nJ = sum((W @ W.T @ x)**2) + sum(W * W)")
    assert cross_check(derive(model), oracles=QUICK).passed


def test_inputs_on_request():
    model = two_layer()
    assert "X" not in derive(model).gradients
    derivation = derive(model, inputs=True)
    assert {"X", "Y"} <= derivation.gradients.keys()
    assert cross_check(derivation, oracles=QUICK).passed


def test_there_is_no_gradient_for_a_stranger():
    with pytest.raises(ModelError, match="there is one for"):
        derive(two_layer()).gradient("V")


def test_fifty_layers():
    model = layered(["tanh"] * 49 + ["sigmoid"], "log")
    derivation = derive(model)
    assert len(derivation.gradients) == 100
    assert derivation.gradient("W1").shape == model.symbols["W1"].shape
    assert cross_check(derivation, oracles=["complex step"]).passed


def test_without_parameters_there_is_nothing_to_update_but_inputs_work():
    derivation = derive(parse_model("x: (n, 1)\nJ = sum(x**2)"), inputs=True)
    assert derivation.gradient("x") is 2 * derivation.model.symbols["x"]


def test_a_term_of_the_loss_is_not_taken_for_the_loss():
    """In J = exp(s) + t**2 the slope of the first term is exp(s), which is not J."""
    derivation = derive(parse_model("s: parameter(); t: parameter()\nJ = exp(s) + t**2"))
    assert cross_check(derivation, oracles=QUICK).passed
    assert derivation.gradient("s").to_latex() == "e^{s}"
    assert derive(parse_model("s: parameter()\nJ = exp(s)")).gradient("s").to_latex() == "J"
