"""Penalties of weights that the formulas write one by one: as sums over their numbers, and as norms of all of them."""

from __future__ import annotations

import pytest

from symderiv.homework.checking import check_homework

LAYERS = r"""$Z_1 = W_1 X + b_1 1^T$, $H_1 = \tanh(Z_1)$, $Z_2 = W_2 H_1 + b_2 1^T$, $P = \sigma(Z_2)$

$C = -\frac1m \sum_{j=1}^m [y_j \log p_j + (1-y_j) \log(1-p_j)] + \frac{\lambda}{2m} PENALTY$

$\frac{\partial C}{\partial W_2} = \frac1m (P - Y) H_1^T + GRADIENT$
"""
UNITS = r"""$z = w_1 x_1 + w_2 x_2$

$J = (z - y)^2 + \lambda PENALTY$

$\partial J/\partial w_1 = 2 (z-y) x_1 + GRADIENT$
"""


def last(text: str, penalty: str, gradient: str) -> str:
    claims = check_homework(text.replace("PENALTY", penalty).replace("GRADIENT", gradient)).claims
    assert all(c.verdict == "correct" for c in claims[:-1])
    return claims[-1].verdict


@pytest.mark.parametrize(
    "penalty",
    [r"\sum_{l=1}^2 \|W_l\|_F^2", r"\sum_l \|W_l\|^2", r"\sum_{k=1}^{L} \|W_k\|^2", r"\|W\|^2", r"\sum_{l=1}^2 \mathrm{tr}(W_l^T W_l)"],
)  # fmt: skip
@pytest.mark.parametrize("marked", [False, True])
def test_of_layers(penalty: str, marked: bool) -> None:
    def layered(text: str) -> str:
        for letter in "12lk":
            text = text.replace(f"W_{letter}", f"W^{{[{letter}]}}") if marked else text
        return text

    text, penalty = layered(LAYERS), layered(penalty)
    assert last(text, penalty, layered(r"\frac{\lambda}{m} W_2")) == "correct"
    assert last(text, penalty, layered(r"\frac{2\lambda}{m} W_2")) == "wrong"
    assert last(text, penalty, "0") == "wrong"


@pytest.mark.parametrize("penalty", [r"\sum_{i=1}^2 w_i^2", r"\sum_j w_j^2", r"\|w\|^2", r"\|w\|_2^2", "w^T w"])
def test_of_single_weights(penalty: str) -> None:
    assert last(UNITS, penalty, r"2 \lambda w_1") == "correct"
    assert last(UNITS, penalty, r"2 \lambda w_2") == "wrong"
    assert last(UNITS, penalty, r"\lambda w_1") == "wrong"
