"""The two forward evaluators, NumPy and entry by entry, agree; points satisfy what they must."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
import sympy
from strategies import random_network

from symderiv import parse_model
from symderiv.errors import ModelError
from symderiv.oracles.evaluation import distinct_sizes, random_point, sizes_from_the_loss
from symderiv.oracles.gradients import explicit_network


@pytest.mark.parametrize("seed", range(12))
def test_explicit_entries_have_the_values_of_the_matrices(seed):
    _, model = random_network(seed)
    point = random_point(model, seed)
    formulas, names = explicit_network(model, point)
    forward = point.run(model)
    numbers = {names[s][i][j]: float(x) for s, value in forward.items() for (i, j), x in np.ndenumerate(value)}
    for name, formula in formulas:
        found = sympy.lambdify(list(numbers), formula, modules=[{"step": lambda x: float(x > 0)}, "math"])(
            *numbers.values()
        )
        assert found == pytest.approx(numbers[name], rel=1e-12, abs=1e-12)


def test_sizes_are_pairwise_distinct_and_none_is_a_number_of_the_shapes():
    model = parse_model("X: (n, 2)\nW: (2, h); V: (h, 3)\nJ = sum(X @ W @ V)")
    sizes = distinct_sizes(model)
    assert len({*sizes.values(), 1, 2, 3}) == len(sizes) + 3


def test_the_sizes_from_the_loss_are_nearest_the_loss():
    model = parse_model("X: (d, n); W: (h, d); V: (2, h)\nA = W @ X\nZ = V @ A\nJ = sum(Z**2)")
    assert sizes_from_the_loss(model) == {"n": 3, "h": 4, "d": 5}


def test_targets_that_sum_to_one_do_so_to_all_digits():
    model = parse_model("Z: parameter(k, m)\nY: (k, m)\nA = softmax(Z, axis=0)\nJ = -sum(Y * log(A))")
    with mpmath.workdps(60):
        point = random_point(model, 0, digits=50)
        total = point.values[model.symbols["Y"]].sum(axis=0)
        assert all(abs(x - 1) < mpmath.mpf(10) ** -55 for x in total)


def test_a_loss_that_is_never_finite_is_said():
    with pytest.raises(ModelError, match="no point"):
        random_point(parse_model("x: (n, 1)\nJ = sum(log(-exp(x)))"), 0)
