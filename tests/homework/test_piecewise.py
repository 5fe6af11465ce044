"""What is written with the ReLU in place of clip, huber and a leaky ReLU: against NumPy and finite differences."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from symderiv.homework import check_homework
from symderiv.homework.understanding.piecewise import PIECEWISE
from symderiv.homework.understanding.terms import Add, Apply, Const, Part, Power, Term, Times

X = np.array([-3.7, -1.21, -0.6, -0.05, 0.3, 0.98, 2.4])  # nowhere near a corner
CASES = [
    ("clip", (0.9,), lambda x, c: np.clip(x, -c, c)),
    ("clip", (-0.7, 1.3), np.clip),
    ("huber", (0.8,), lambda x, c: np.where(abs(x) <= c, x**2 / 2, c * (abs(x) - c / 2))),
    ("huber", (), lambda x: np.where(abs(x) <= 1, x**2 / 2, abs(x) - 1 / 2)),
    ("leaky_relu", (0.2,), lambda x, a: np.where(x > 0, x, a * x)),
    ("leakyrelu", (0.01,), lambda x, a: np.where(x > 0, x, a * x)),
]


def at(term: Term, x: np.ndarray) -> np.ndarray:
    """The value of a term with x in it."""
    match term:
        case Part("x"):
            return x
        case Const(value):
            return np.full_like(x, float(value))
        case Add(terms):
            return sum(sign * at(part, x) for sign, part in terms)
        case Times(left, right):
            return at(left, x) * at(right, x)
        case Power(base, Const(exponent)):
            return at(base, x) ** int(exponent)
        case Apply("relu", order, body):
            return np.maximum(at(body, x), 0) if order == 0 else 1.0 * (at(body, x) > 0)
        case Apply("leaky_relu", order, body):
            slope = np.where(at(body, x) > 0, 1, 0.01)
            return slope * at(body, x) if order == 0 else slope
    raise AssertionError(term)


@pytest.mark.parametrize(("name", "numbers", "function"), CASES)
def test_values_and_slopes(name, numbers, function):
    made_of = PIECEWISE[name, 1 + len(numbers)]
    bounds = [Const(Fraction(str(number))) for number in numbers]
    value, slope = (made_of(order, Part("x", ()), *bounds) for order in (0, 1))
    np.testing.assert_allclose(at(value, X), function(X, *numbers), rtol=1e-12)
    h = 1e-6
    np.testing.assert_allclose(
        at(slope, X), (function(X + h, *numbers) - function(X - h, *numbers)) / (2 * h), atol=1e-8
    )


def test_homework_with_them():
    text = r"""
$$z = w x + b$$
$$a = \mathrm{LeakyReLU}(z, 0.2)$$
$$L = \mathrm{huber}(a - y, c)$$
$$\frac{\partial L}{\partial a} = \mathrm{clip}(a - y, -c, c)$$
$$\frac{\partial L}{\partial a} = \mathrm{clip}(a - y, c)$$
$$\frac{\partial a}{\partial z} = 0.2 + 0.8 \cdot \mathbf{1}[z > 0]$$
$$\frac{\partial L}{\partial w} = \mathrm{clip}(a - y, c) \cdot \mathrm{LeakyReLU}'(z, 0.2) \, x$$
$$\frac{\partial L}{\partial a} = a - y$$
$$\frac{\partial L}{\partial b} = \mathrm{clip}(a - y, c) \cdot \mathrm{ReLU}'(z)$$
"""
    claims = [c for c in check_homework(text).claims if c.kind != "definition"]
    assert [c.verdict for c in claims] == ["correct"] * 4 + ["wrong"] * 2
    assert claims[-2].mistakes == ("other-loss",)
