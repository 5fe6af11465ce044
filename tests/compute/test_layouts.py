"""Every pass gives a model whose gradients are still right, and whose loss is still the same number."""

from __future__ import annotations

import numpy as np
import pytest
from strategies import random_network

import symderiv as sd
from symderiv.calculus.shapes import ONE
from symderiv.compute.layouts import batched, fold_biases, in_columns, pair_as_logit, sample_size, with_units
from symderiv.errors import ModelError
from symderiv.oracles.checks import QUICK
from symderiv.oracles.evaluation import random_point


def in_form(model):
    model = model if sample_size(model) else batched(model)
    return model, *in_columns(model, sample_size(model))


@pytest.mark.parametrize("seed", range(16))
def test_passes_keep_the_loss_and_the_gradients(seed):
    name, model = random_network(seed)
    base, turned, flipped = in_form(model)
    folded = fold_biases(turned)
    assert sd.cross_check(sd.derive(folded.model), oracles=QUICK).passed, name
    point = random_point(base, seed)
    values = {s.name: (v.T if s.name in flipped else v) for s, v in point.values.items()}
    for bias, (holder, which) in folded.places.items():
        if which == "first":
            weights = next(w for w, place in folded.places.items() if place == (holder, "rest"))
            values[holder] = np.hstack([values[bias], values[weights]])
    there = random_point(folded.model, seed, point.sizes)
    there.values = {s: values[s.name] for s in folded.model.inputs}
    there.hypers = point.hypers
    there.sizes = {**point.sizes, **{n: int(n) for n in folded.model.sizes if n.isdigit()}}
    assert there.run(folded.model)[folded.model.loss.symbol].item() == pytest.approx(
        point.run(base)[base.loss.symbol].item(), rel=1e-12
    ), name


def test_samples_run_along_the_columns():
    for name in sd.examples.names():
        _, turned, _ = in_form(sd.examples.load(name))
        size = sample_size(turned)
        assert all(s.shape[0] != size for s in turned.symbols.values())


def test_the_mean_of_one_sample_losses():
    base = batched(sd.examples.load("worksheet"))
    point = random_point(base, 0)
    losses = []
    model = sd.examples.load("worksheet")
    for k in range(point.sizes["n"]):
        one = random_point(model, 0, {"d": point.sizes["d"], "h": point.sizes["h"]})
        one.values = {
            s: point.values[base.symbols[s.name]][:, k : k + 1]
            if s.role == "data"
            else point.values[base.symbols[s.name]]
            for s in model.inputs
        }
        losses.append(one.run(model)[model.loss.symbol].item())
    assert point.run(base)[base.loss.symbol].item() == pytest.approx(np.mean(losses))


def test_two_classes_are_one_logit():
    _, turned, _ = in_form(sd.examples.load("two-gaussians"))
    folded = fold_biases(turned).model
    assert pair_as_logit(folded, {"k": 3}) is None
    pair = pair_as_logit(folded, {"k": 2})
    assert sd.cross_check(sd.derive(pair.model), oracles=QUICK).passed
    point = random_point(folded, 0, {"d": 3, "h": 4, "m": 5, "k": 2})
    small = random_point(pair.model, 0, {"d": 3, "h": 4, "m": 5})
    for symbol in pair.model.inputs:
        if symbol.name == pair.difference:
            W = point.values[folded.symbols[pair.weights]]
            small.values[symbol] = W[:1] - W[1:]
        else:
            value = point.values[folded.symbols[symbol.name]]
            small.values[symbol] = value[:1] if symbol.name in pair.targets else value
    assert small.run(pair.model)[pair.model.loss.symbol].item() == pytest.approx(
        point.run(folded)[folded.loss.symbol].item()
    )


def test_a_softmax_that_is_used_otherwise_is_left_alone():
    text = (
        "X: (d, n); Y: (2, n); W: (2, d); b: (2, 1); V: (2, 2)\nZ = W @ X + b\nA = softmax(Z, axis=0)\n"
        "B = V @ A\nJ = -sum(Y * log(A)) / n + sum(B)\n"
    )
    folded = fold_biases(sd.parse_model(text)).model
    assert pair_as_logit(folded, {"2": 2, "n": 5, "d": 3}) is None


def test_sizes_of_one_are_no_sizes():
    model = with_units(sd.examples.load("binary-classification"), {"o": 1, "h": 2})
    assert model.symbols["A2"].shape[0] == ONE and sd.cross_check(sd.derive(model), oracles=QUICK).passed


def test_unclear_samples_are_told():
    with pytest.raises(ModelError, match="could count the samples"):
        sample_size(sd.parse_model("X: (n, m); w: (1, 1)\nJ = w * sum(X)\n"))
    with pytest.raises(ModelError, match="unclear what one sample is"):
        sample_size(sd.parse_model("X: (n, d); Y: (1, 1); W: (d, 1)\nJ = sum(X @ W) * Y\n"))
