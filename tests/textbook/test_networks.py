"""The textbook factories in every convention, the builder, the examples."""

from __future__ import annotations

from itertools import product

import pytest

import symderiv as sd
from symderiv.errors import ModelError
from symderiv.oracles.checks import QUICK, cross_check
from symderiv.textbook.networks import ACTIVATIONS, BIASES, LAYOUTS, LOSSES, SCALES


@pytest.mark.parametrize("layout, bias", list(product(LAYOUTS, BIASES)))
def test_every_layout_with_every_bias(layout, bias):
    model = sd.two_layer("tanh", "sigmoid", "log", layout, bias)
    assert cross_check(sd.derive(model), oracles=QUICK).passed
    assert len(model.parameters) == (4 if bias == "separate" else 2)


@pytest.mark.parametrize("scale, batch", list(product(SCALES, [True, False])))
def test_every_scale(scale, batch):
    model = sd.two_layer("sigmoid", "identity", "mse", scale=scale, batch=batch)
    assert ("n" in model.sizes) == batch
    assert cross_check(sd.derive(model), oracles=QUICK).passed


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_hidden_activation(activation):
    assert cross_check(sd.derive(sd.two_layer(activation, "identity", "mse", penalty=True)), oracles=QUICK).passed


@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss(loss):
    assert cross_check(
        sd.derive(sd.two_layer("tanh", "softmax" if loss == "cross-entropy" else "sigmoid", loss)), oracles=QUICK
    ).passed


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"hidden": "tahn"}, "no activation called 'tahn'.*sigmoid"),
        ({"loss": "mse+l1"}, "no loss called 'l1'"),
        ({"layout": "row"}, "no layout called 'row'"),
        ({"bias": "none at all"}, "no bias"),
        ({"scale": "third"}, "no scale"),
    ],
)
def test_unknown_names_are_told_with_the_known_ones(arguments, says):
    with pytest.raises(ModelError, match=f"(?s){says}"):
        sd.two_layer(**arguments)


def test_regression_without_hidden_layer():
    assert cross_check(sd.derive(sd.layered(["identity"], "mse")), oracles=QUICK).passed
    assert cross_check(sd.derive(sd.layered(["sigmoid"], "log", layout="columns")), oracles=QUICK).passed
    with pytest.raises(ModelError, match="at least one layer"):
        sd.layered([])


def test_builder():
    net = sd.Network()
    x, y = net.data("x", "d", 1), net.data("y", "o", 1)
    W, b = net.parameter("W", "o", "d"), net.parameter("b", "o", 1)
    lam = net.hyper("lam")
    z = net.define("z", W @ x + b)
    net.define("L", sd.total((z - y) ** 2) + lam * sd.total(W**2))
    assert cross_check(sd.derive(net.model("by hand")), oracles=QUICK).passed
    with pytest.raises(ModelError, match="defined twice"):
        net.data("x", 1, 1)
    with pytest.raises(ModelError, match="cannot be used as a name"):
        net.data("1x", 1, 1)


def test_examples_have_models_and_stories():
    for name in sd.examples.names():
        example = sd.examples.find(name)
        assert sd.examples.load(name).loss and example.about and example.model().title
    with pytest.raises(ModelError, match="no example called 'x'"):
        sd.examples.load("x")
