"""What a comparison says of two gradients, against the numbers that complex steps give."""

import re

import numpy as np
import pytest

import symderiv as sd
from symderiv.calculus.expressions import symbols_in
from symderiv.comparison.factors import Slope, factored, slopes_of
from symderiv.errors import ModelError
from symderiv.oracles.evaluation import random_point
from symderiv.oracles.gradients import entry_by_entry

PAIRS = {
    "mse, log": [{"output": "sigmoid", "loss": "mse"}, {"output": "sigmoid", "loss": "log"}],
    "half, mean": [{"output": "sigmoid", "scale": "half-mean"}, {"output": "sigmoid", "scale": "mean"}],
    "columns": [{"output": "sigmoid", "loss": loss, "layout": "columns"} for loss in ("log", "mse", "huber")],
    "augmented": [{"output": "sigmoid", "loss": loss, "bias": "augmented"} for loss in ("mse", "log")],
    "one sample": [{"output": "tanh", "loss": loss, "batch": False} for loss in ("mse", "huber")],
    "softmax": [{"output": "softmax", "loss": loss} for loss in ("mse", "cross-entropy", "mse+cross-entropy")],
    "penalty": [{"output": "sigmoid", "loss": loss, "penalty": True} for loss in ("mse", "log")],
}


def truth_of(model, point, name):
    """dJ/d(name) by complex steps: of a value in the middle, the loss of the model that begins with it."""
    symbol = model.symbols[name]
    values = point.run(model)

    def loss(change):
        memo = {**values, symbol: values[symbol] + 1e-30j * change}
        for equation in model.affected_by(symbol):
            memo.pop(equation.symbol)
        for equation in model.affected_by(symbol):
            memo[equation.symbol] = point.evaluate(equation.value, memo)
        return memo[model.loss.symbol].item().imag / 1e-30

    return entry_by_entry(loss, values[symbol].shape)


@pytest.mark.parametrize("options", PAIRS.values(), ids=PAIRS)
def test_ratios_are_those_of_the_numbers(options):
    models = [sd.two_layer("tanh", **each) for each in options]
    comparison = sd.compare(*models)
    point = random_point(models[-1], 3)  # its assumptions hold for all
    values = point.run(models[-1])
    slopes = {s.symbol: point.evaluate(s.value, dict(values)) for m in models for s in slopes_of(m)}
    told = 0
    for row in comparison.rows:
        truths = [truth_of(model, point, row.quantity.name) for model in models]
        equal = all(np.allclose(t, truths[0], rtol=1e-9, atol=1e-13) for t in truths)
        assert equal == (row.relation == "equal"), row.quantity
        for k in range(1, len(models)):
            ratio = row.ratio(k)
            if ratio is not None and row.relation != "equal":
                told += 1
                found = point.evaluate(ratio.product(), {**values, **slopes})
                assert np.allclose(truths[k], found * truths[0], rtol=1e-9)
    assert told or "loss" not in options[0] or options[0]["output"] == "softmax"


@pytest.mark.parametrize("other", ["tanh", "relu", "leaky_relu", "softplus"])
def test_what_is_factored_is_the_derivative_again(other):
    """With the values of the slopes put in their places, constants and all, and the ratio of two slopes as numbers."""
    models = [sd.two_layer(hidden, "sigmoid", "log") for hidden in ("sigmoid", other)]
    comparison = sd.compare(*models, steps=1, seeds=1)
    for k, model in enumerate(models):
        point = random_point(model, 4)
        values = point.run(model)
        slopes = {s.symbol: point.evaluate(s.value, dict(values)) for s in slopes_of(model)}
        for row in comparison.rows:
            found = point.evaluate(row.factors[k].product(), {**values, **slopes})
            assert np.allclose(found, truth_of(model, point, row.quantity.name), rtol=1e-8, atol=1e-12)
    ratio = comparison.row("Z1").ratio(1)
    assert ratio.constant == 1 and sorted(ratio.powers.values()) == [-1, 1]
    (one,), (another,) = ([s for s in slopes_of(m) if s.Z.name == "Z1"] for m in models)
    assert ratio.powers == {another.symbol: 1, one.symbol: -1}


def test_a_wrong_slope_would_be_seen():
    """The numbers above tell a right ratio from a wrong one: with the slope of another activation they disagree."""
    model = sd.two_layer("tanh", "sigmoid", "mse")
    (slope,) = [s for s in slopes_of(model) if s.Z.name == "Z2"]
    wrong = Slope(slope.A, slope.Z, slope.function, (1 - slope.A * slope.A))
    found = factored(sd.derive(model).adjoint("Z2").closed)
    assert slope.symbol in found.with_slopes([slope]).powers
    assert slope.symbol not in found.with_slopes([wrong]).powers


def test_relations():
    comparison = sd.compare(*(sd.two_layer(output="sigmoid", loss=loss) for loss in ("mse", "log")))
    assert {row.quantity.name: row.relation for row in comparison.rows} == {
        "A2": "differs", "Z2": "differs", "W2": "through", "b2": "through",
        "A1": "through", "Z1": "through", "W1": "through", "b1": "through",
    }  # fmt: skip
    comparison = sd.compare(*(sd.two_layer(hidden, "sigmoid", "log") for hidden in ("sigmoid", "tanh")))
    assert comparison.row("Z1").relation == "differs" and not comparison.row("W2").same_values
    assert comparison.row("W2").relation == "equal"
    comparison = sd.compare(*(sd.two_layer(scale=scale) for scale in ("sum", "half")))
    assert {row.relation for row in comparison.rows} == {"constant"}
    assert all(row.ratio(1).constant * 2 == 1 for row in comparison.rows)
    same = sd.compare(sd.two_layer(), sd.two_layer())
    assert {row.relation for row in same.rows} == {"equal"} and not list(same.alignment.differing())


def test_a_loss_that_is_the_sum_of_others_is_found_and_no_other():
    losses = ("mse", "cross-entropy", "mse+cross-entropy")
    comparison = sd.compare(*(sd.two_layer(output="softmax", loss=loss) for loss in losses))
    assert comparison.alignment.sums == ((2, (0, 1)),)
    comparison = sd.compare(*(sd.two_layer(output="softmax", loss=loss, scale=s) for loss, s in zip(losses, ("sum", "mean", "mean"), strict=True)))  # fmt: skip
    assert comparison.alignment.sums == ()


def test_a_slope_below_the_line_is_one_factor():
    derivation = sd.derive(sd.two_layer(output="sigmoid", loss="log"))
    (slope,) = [s for s in slopes_of(derivation.model) if s.Z.name == "Z2"]
    found = factored(derivation.adjoint("A2").closed).with_slopes([slope])
    assert found.powers[slope.symbol] == -1
    assert {s.name for f in found.powers for s in symbols_in(f)} == {"A2", "Y", "sigmoid'(Z2)"}


@pytest.mark.parametrize(
    ("models", "message"),
    [
        (lambda: [sd.two_layer()], "a comparison needs two models"),
        (lambda: [sd.two_layer(), sd.layered(["tanh", "tanh", "identity"])], "not one network"),
        (lambda: [sd.two_layer(), sd.two_layer(layout="columns")], "X is data (n, d) in the one, data (d, n)"),
    ],
)
def test_what_cannot_be_compared(models, message):
    with pytest.raises(ModelError, match=re.escape(message)):
        sd.compare(*models())


def test_equal_sizes_make_no_sum():
    """1 = 1/2 + 1/n where n is 2: losses are added up at two sets of sizes."""
    models = [sd.two_layer(scale=scale) for scale in ("sum", "mean", "half")]
    assert sd.compare(*models).alignment.sums == ()
