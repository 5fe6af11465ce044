"""Each oracle by itself: right for random networks, and it alone catches what is planted."""

from __future__ import annotations

import re

import mpmath
import numpy as np
import pytest
from oracles import doubled
from strategies import random_network
from sympy.core.cache import clear_cache
from test_checks import USES_EVERY_KIND

from symderiv import derive, layered, parse_model, two_layer
from symderiv.calculus import functions, pullbacks
from symderiv.calculus.expressions import MatMul
from symderiv.errors import CheckFailed, ModelError
from symderiv.oracles import checks
from symderiv.oracles.checks import ORACLES, Comparison, Report, cross_check, examine
from symderiv.oracles.evaluation import random_point
from symderiv.oracles.gradients import central_differences, entry_by_entry, plain_sympy

SMALL_NETWORKS = (0, 1, 5, 8, 12, 16, 21, 22)  # those that SymPy can do as one formula in about a second


@pytest.fixture(params=ORACLES)
def oracle(request):
    if not ORACLES[request.param].installed:
        pytest.skip(f"needs {ORACLES[request.param].library}, which is not installed")
    return request.param


def test_random_networks_are_right(oracle):
    for seed in SMALL_NETWORKS:
        name, model = random_network(seed)
        report = cross_check(derive(model, inputs=True), seed=seed, oracles=[oracle])
        assert report.passed and report.comparisons, name
        assert all(c.error is not None for c in report.comparisons), name


def test_every_node_kind_is_right(oracle):
    one_sample = re.sub(r"\bn\b", "1", USES_EVERY_KIND)
    report = cross_check(derive(parse_model(one_sample)), oracles=[oracle])
    assert all(c.oracle == oracle and c.error is not None for c in report.comparisons)


@pytest.mark.parametrize("axis", [0, 1])
def test_both_axes_are_right(oracle, axis):
    widths = {0: ("(d + 1, h)", "(m, d)", "(m, h)"), 1: ("(d, h + 1)", "(m, d)", "(m, h + 1)")}[axis]
    model = parse_model(
        f"B: parameter(d, h); X: {widths[1]}; Y: data{widths[2]}; V: parameter{'(m, d + 1)' if axis == 0 else '(m, d)'}\n"
        f"C = augment(B, axis={axis})\nZ = V @ C\nP = softmax(Z, axis={axis})\nm1 = mean(P * Y, axis={axis})\n"
        "J = sum(abs(m1 - 0.3)) + mean(leaky_relu(X @ B)**2)"
    )
    assert cross_check(derive(model), oracles=[oracle]).passed


def test_a_planted_pullback_is_caught(oracle, monkeypatch):
    monkeypatch.setitem(pullbacks.PULLBACKS, MatMul, doubled(pullbacks.PULLBACKS[MatMul]))
    with pytest.raises(CheckFailed, match=rf"the gradient of \w+ is wrong: it differs from {oracle} by"):
        cross_check(derive(two_layer("tanh", bias="none", batch=False)), oracles=[oracle])


@pytest.mark.parametrize("name", ["sigmoid", "leaky_relu"])
def test_a_planted_slope_is_caught(oracle, name, monkeypatch):
    kind = functions.FUNCTIONS[name]
    row = kind.row
    monkeypatch.setattr(kind, "row", staticmethod(lambda *args: (row(*args)[0], row(*args)[1] * (1 + 1e-6))))
    clear_cache()
    try:
        with pytest.raises(CheckFailed, match=f"differs from {oracle} by"):
            cross_check(
                derive(parse_model(f"X: (n, d)\nW: (d, h)\nZ = X @ W\nJ = sum({name}(Z)**2)")), oracles=[oracle]
            )
    finally:
        clear_cache()


@pytest.mark.parametrize("name", ["complex step", "central differences", "50 digits"])
def test_large_networks_go_along_directions(name, monkeypatch):
    model = layered(["tanh"] * 3, "mse")
    monkeypatch.setattr(checks, "entry_by_entry", None)
    monkeypatch.setitem(ORACLES, name, checks.Oracle(**{**vars(ORACLES[name]), "limit": 10}))
    assert cross_check(derive(model), oracles=[name]).passed
    monkeypatch.setitem(pullbacks.PULLBACKS, MatMul, doubled(pullbacks.PULLBACKS[MatMul]))
    with pytest.raises(CheckFailed, match=f"differs from {name}"):
        cross_check(derive(model), oracles=[name])


def test_fifty_digits_are_fifty_digits():
    """An error that float64 cannot see at all is seen."""
    derivation = derive(two_layer("tanh", "identity", "mse"))
    adjoint = derivation.adjoints[-1]
    object.__setattr__(adjoint, "closed", adjoint.closed + adjoint.closed / 10**30)
    assert all(c.passed for c in examine(derivation, oracles=["complex step"]).comparisons)
    with pytest.raises(CheckFailed, match="differs from 50 digits by 1e-30"):
        cross_check(derivation, oracles=["50 digits"])


def test_central_differences_do_not_step_over_a_kink():
    model = parse_model("W: parameter(1, 1)\nJ = sum(relu(W))")
    point = random_point(model, 0)
    W = model.symbols["W"]
    for value, slope in ((1e-12, 1.0), (-1e-12, 0.0)):
        point.values[W] = np.array([[value]])
        with mpmath.workdps(50):
            exact = checks.in_digits(point, model, 50)
            assert float(entry_by_entry(central_differences(model, exact, W), (1, 1)).item()) == slope


def test_plain_sympy_is_not_asked_for_hours():
    model = layered(["tanh"] * 4, "mse")
    assert plain_sympy(model, random_point(model, 0), model.parameters) is None
    report = examine(derive(model), oracles=["plain SymPy"])
    assert {c.error for c in report.comparisons} == {None} and report.passed


def test_what_is_not_installed_is_said(monkeypatch):
    monkeypatch.setitem(ORACLES, "JAX", checks.Oracle("JAX", whole=checks.jax_gradients, library="no_such_library"))
    report = examine(derive(two_layer(batch=False)), oracles=["complex step", "JAX"])
    assert report.absent == ("JAX",) and checks.oracle_names(report) == ("complex step",)


def test_an_unknown_oracle_is_refused():
    with pytest.raises(ModelError, match="no oracle called 'Delphi'"):
        cross_check(derive(two_layer(batch=False)), oracles=["Delphi"])


def test_nan_is_not_right():
    report = Report((Comparison("W", "complex step", float("nan")),), {}, 1, 50)
    assert not report.passed and report.largest == float("inf")


def test_jax_is_left_as_it_was():
    jax = pytest.importorskip("jax")
    cross_check(derive(two_layer(batch=False)), oracles=["JAX"])
    assert jax.numpy.ones(1).dtype == np.float32
