"""The functions that homework names: values against NumPy, each derivative against differences of the one before."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from symderiv.homework.understanding.arithmetic import FUNCTIONS, MOST_ORDERS, Exact, Machine, derivatives

X = [0.3, 1.7, 2.6]
BOTH = [-2.3, -0.7, *X]
LOGISTIC = lambda x: 1 / (1 + np.exp(-x))  # noqa: E731
VALUES = {
    "sigmoid": LOGISTIC, "tanh": np.tanh, "relu": lambda x: np.maximum(x, 0), "leaky_relu": lambda x: np.maximum(x, x / 100),
    "softplus": lambda x: np.logaddexp(x, 0), "exp": np.exp, "log": np.log, "sqrt": np.sqrt, "abs": np.abs, "sin": np.sin,
    "cos": np.cos, "cosh": np.cosh, "sinh": np.sinh, "sech": lambda x: 1 / np.cosh(x), "identity": lambda x: x,
    "silu": lambda x: x * LOGISTIC(x), "elu": lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))),
    "softsign": lambda x: x / (1 + np.abs(x)),
}  # fmt: skip


@pytest.mark.parametrize("name", FUNCTIONS)
def test_values_and_derivatives(name):
    points = X if name in ("log", "sqrt") else BOTH
    values = derivatives(name, Machine, np.array(points), 0)[0]
    np.testing.assert_allclose(values, VALUES[name](np.array(points)), rtol=1e-12)
    x, h = np.array([Exact.number(Fraction(str(p))) for p in points], dtype=object), Decimal("1e-12")
    orders, above, below = (derivatives(name, Exact, at, MOST_ORDERS) for at in (x, x + h, x - h))
    for k in range(MOST_ORDERS):
        slope = (above[k] - below[k]) / (2 * h)
        assert Exact.distance(np.asarray(slope), np.asarray(orders[k + 1])) < 1e-20, k + 1


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize(("left", "right"), [(np.inf, 1.0), (np.inf, np.inf), (np.nan, 1.0)])
def test_what_is_no_number_is_far_from_everything(left, right, count):
    with np.errstate(invalid="ignore"):
        assert Machine.distance(np.full((1, count), left), np.full((1, count), right)) == np.inf
