"""What a model refuses, and how it reads its loss."""

from __future__ import annotations

import pytest

from symderiv import parse_model
from symderiv.calculus.expressions import Symbol, total
from symderiv.calculus.model import Equation, Model
from symderiv.errors import ModelError

X, W = Symbol("X", ("n", "d"), "data"), Symbol("W", ("d", 1), "parameter")
z = Symbol("z", ("n", 1), "value")
J = Symbol("J", (1, 1), "value")


def test_needs_an_equation():
    with pytest.raises(ModelError, match="no equation"):
        Model((X,), ())


def test_refuses_a_name_used_before_it_is_defined():
    with pytest.raises(ModelError, match="uses z, which is not defined"):
        Model((X, W), (Equation(J, total(z)), Equation(z, X @ W)))


def test_refuses_a_second_definition():
    with pytest.raises(ModelError, match="defined twice"):
        Model((X, W), (Equation(z, X @ W), Equation(z, X @ W), Equation(J, total(z))))


def test_refuses_a_loss_that_is_a_matrix():
    with pytest.raises(ModelError, match="not a scalar"):
        Model((X, W), (Equation(z, X @ W),))


def test_refuses_an_unused_parameter():
    with pytest.raises(ModelError, match="parameter W is not used"):
        Model((X, W), (Equation(J, total(X)),))


@pytest.mark.parametrize(
    ("loss", "names"),
    [
        ("sum(Z**2)", [""]),
        ("mse + ce", ["mse", "ce"]),
        ("2 * mse + ce / n", ["mse", "ce"]),
        ("mse + lam * (sum(W**2) + sum(b**2))", ["mse", "penalty"]),
        ("sum(Z**2) + sum(Z)", ["1", "2"]),
        ("mse * ce", [""]),
    ],
)
def test_terms_of_the_loss(loss, names):
    text = "X: (n, d); W: (d, 1); b: (1, 1); lam: hyper\nZ = X @ W + b\nmse = mean(Z**2)\nce = sum(exp(Z))\n"
    assert [term.name for term in parse_model(f"{text}J = {loss}").terms] == names
