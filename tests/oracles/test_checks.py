"""The product's own checks: right for every example and for random networks, and they catch what is planted."""

from __future__ import annotations

import numpy as np
import pytest
from oracles import central_differences, doubled, nested_sympy
from strategies import REWRITE_CASES, random_network
from sympy.core.cache import clear_cache

from symderiv import derive, examples, layered, parse_model, two_layer
from symderiv.calculus import functions, pullbacks, rewrites
from symderiv.calculus.derivation import Step
from symderiv.calculus.expressions import Expr, MatMul, Symbol, total
from symderiv.calculus.model import Equation, Model
from symderiv.errors import CheckFailed
from symderiv.oracles.checks import QUICK, TOLERANCE, check_steps, cross_check, step_holds
from symderiv.oracles.evaluation import random_point

NETWORKS = 48


@pytest.mark.parametrize("name", examples.names())
def test_example_is_right(name):
    report = cross_check(examples.find(name).derive(), oracles=QUICK)
    assert report.passed and report.largest <= TOLERANCE and report.steps > 0
    assert all(c.error is not None for c in report.comparisons)


@pytest.mark.parametrize("seed", range(NETWORKS))
def test_random_network_is_right(seed):
    name, model = random_network(seed)
    report = cross_check(derive(model, inputs=True), seed=seed, oracles=QUICK)
    assert report.largest <= TOLERANCE, name


@pytest.mark.parametrize("seed", range(8))
def test_gradients_agree_with_central_differences(seed):
    _, model = random_network(seed)
    derivation, point = derive(model), random_point(model, seed)
    forward = dict(point.run(model))
    for symbol in model.parameters:
        found = point.evaluate(derivation.gradient(symbol.name), dict(forward))
        truth = central_differences(model, point, symbol)
        np.testing.assert_allclose(found, truth, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(
    "hidden, output, loss",
    [("tanh", "sigmoid", "log"), ("sigmoid", "sigmoid", "mse"), ("relu", "softmax", "cross-entropy")],
)
def test_gradients_agree_with_sympy_on_one_nested_formula(hidden, output, loss):
    model = two_layer(hidden, output, loss, bias="none")
    sizes = {"n": 1, "d": 2, "h": 2, "o": 3}
    derivation, point = derive(model), random_point(model, 3, sizes=sizes)
    for symbol in model.parameters:
        found = point.evaluate(derivation.gradient(symbol.name), dict(point.run(model)))
        np.testing.assert_allclose(found, nested_sympy(model, point, symbol), rtol=1e-12, atol=1e-14)


USES_EVERY_KIND = """
X: (n, d); Y: (n, k)
W: (d + 1, h); V: (k, h); b: (1, k); U: (h, k)
Z = augment(X, axis=1) @ W
A = tanh(Z)
P = softmax(A @ V.T + b, axis=1)
J = -sum(Y * log(P)) / n + sum((A @ U)**2)
"""


KINDS = [kind for kind in pullbacks.PULLBACKS if kind.__name__ not in ("Symbol", "Fill")]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_factor_two_in_any_pullback_stops_the_document(kind, monkeypatch):
    text = USES_EVERY_KIND
    if kind.__name__ == "Augment":  # its adjoint is needed only where what is augmented has parameters
        text = (
            text.replace("A = tanh(Z)", "A0 = tanh(Z)\nA = augment(A0, axis=1)")
            .replace("V: (k, h)", "V: (k, h + 1)")
            .replace("U: (h, k)", "U: (h + 1, k)")
        )
    model = parse_model(text)
    if kind.__name__ == "DropFirst":
        W = Symbol("W", ("h", "d"), "parameter")
        model = Model((W,), (Equation(Symbol("J", (1, 1), "value"), total(kind(W, 0) ** 2)),))
    assert cross_check(derive(model), oracles=QUICK).passed
    monkeypatch.setitem(pullbacks.PULLBACKS, kind, doubled(pullbacks.PULLBACKS[kind]))
    planted = derive(model)
    with pytest.raises(CheckFailed, match="gradient"):
        cross_check(planted, oracles=QUICK)
    with pytest.raises(CheckFailed, match="pullback"):
        check_steps(planted)


@pytest.mark.parametrize("name", ["sigmoid", "softplus", "relu", "leaky_relu", "huber"])
def test_a_wrong_slope_is_caught(name, monkeypatch):
    kind = functions.FUNCTIONS[name]
    row = kind.row
    monkeypatch.setattr(kind, "row", staticmethod(lambda *args: (row(*args)[0], 2 * row(*args)[1])))
    model = parse_model(f"X: (n, d)\nW: (d, h)\nZ = X @ W\nA = {name}(Z)\nJ = sum(A**2)")
    clear_cache()
    try:
        with pytest.raises(CheckFailed):
            cross_check(derive(model), oracles=QUICK)
    finally:
        clear_cache()


@pytest.mark.parametrize("rule", rewrites.REWRITES, ids=rewrites.rule_name)
def test_a_wrong_rewrite_is_caught(rule):
    """Each rewrite made wrong by a factor, on an expression of its own: the step check names it."""
    expr = REWRITE_CASES[rewrites.rule_name(rule)]
    point = random_point(parse_model("A: (k, m); r: (1, m); Y: (k, m)\nJ = sum(A * Y) + sum(r)"), 0, digits=50)
    fired = [s for s in rewrites.Simplifier().simplified(expr)[1] if s.rule == rewrites.rule_name(rule)]
    assert fired
    right = Step("x", fired[0].rule, fired[0].before, fired[0].after)
    wrong = Step("x", fired[0].rule, fired[0].before, 2 * fired[0].after + 1)
    assert step_holds(right, point) and not step_holds(wrong, point)


def test_the_failing_step_is_named(monkeypatch):
    def wrong(Y_bar, node, Y):
        A, B = node.args
        return Y_bar @ B.T, A.T @ (2 * Y_bar)

    wrong.__name__ = "matmul_pullback"
    monkeypatch.setitem(pullbacks.PULLBACKS, MatMul, wrong)
    with pytest.raises(CheckFailed, match=r"step \d+ of \d+ is wrong: matmul-pullback, for the gradient of"):
        check_steps(derive(two_layer()))


def test_an_assumption_that_does_not_hold_is_not_swallowed():
    """Without one-hot targets the cancelled form is wrong, so it is not used."""
    model = parse_model("Z: parameter(k, m)\nY: parameter(k, m)\nA = softmax(Z, axis=0)\nJ = -sum(Y * log(A))")
    derivation = derive(model)
    assert derivation.assumptions == ()
    assert cross_check(derivation, oracles=QUICK).passed


def test_large_networks_are_checked_along_directions():
    report = cross_check(derive(layered(["tanh"] * 12 + ["sigmoid"], "log")), oracles=QUICK)
    assert report.passed and report.error("W1", "entrywise SymPy") is None


def test_gradient_has_the_shape_of_its_variable():
    for seed in range(NETWORKS):
        _, model = random_network(seed)
        for adjoint in derive(model):
            assert (
                isinstance(adjoint.closed, Expr)
                and adjoint.closed.shape == adjoint.named.shape == adjoint.quantity.shape
            )


def test_planted_mismatch_reports_its_size():
    derivation = derive(two_layer("tanh", "identity", "mse"))
    object.__setattr__(derivation.adjoints[-1], "closed", 3 * derivation.adjoints[-1].closed)
    with pytest.raises(CheckFailed, match=r"differs from complex step by 2 relative at sizes n = 2"):
        cross_check(derivation, oracles=QUICK)
