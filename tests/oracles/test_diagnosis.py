"""Which mistake it was, from the numbers alone: every known one at every place, and backward passes as people write them."""

from __future__ import annotations

import time
from itertools import combinations

import numpy as np
import pytest
from strategies import random_network

import symderiv as sd
from symderiv.oracles.diagnosis import Suspects, diagnose, planted, same
from symderiv.oracles.evaluation import Point, random_point

NETWORKS = {
    **{name: sd.examples.load(name) for name in sd.examples.names()},
    **dict(random_network(seed) for seed in range(20)),
}
THREE_LAYERS = sd.layered(["tanh", "sigmoid", "softmax"], "mse+cross-entropy", penalty=True)


def function_of(model, derivation):
    """The gradients of a derivation as somebody's function, at whatever sizes it is called with."""

    def function(**arrays):
        sizes = {
            size.name: number - size.offset
            for symbol in model.inputs
            for size, number in zip(symbol.shape, arrays[symbol.name].shape, strict=True)
            if size.name
        }
        hypers = {symbol.name: arrays[symbol.name] for symbol in model.hypers}
        point = Point(sizes, hypers, {symbol: arrays[symbol.name] for symbol in model.inputs})
        memo = dict(point.run(model))
        return {s.name: point.evaluate(derivation.gradient(s.name), memo) for s in model.parameters}

    return function


def test_planted_mistakes_are_named():
    """Made at one point, named at another with other sizes; the rate is printed with what was not named."""
    missed, first, count = [], 0, 0
    for name, model in NETWORKS.items():
        suspects = Suspects(model, random_point(model, 1, {size: 2 * k + 7 for k, size in enumerate(model.sizes)}))
        for one in planted(model):
            inputs = {s.name: suspects.point.values[suspects.model.symbols[s.name]] for s in model.inputs}
            found = function_of(model, one.derivation)(**inputs, **suspects.point.hypers)
            wrong = {wrt: array for wrt, array in found.items() if not same(array, suspects.truths[wrt])}
            diagnoses = diagnose(suspects, wrong, found.keys() - wrong.keys(), 1e-6)
            count += 1
            named = (
                len(diagnoses) == 1 and one.code in diagnoses[0].mistakes and set(diagnoses[0].names) == wrong.keys()
            )
            first += named and diagnoses[0].mistakes[0] == one.code
            if not (wrong and named):
                missed.append(f"{name}: {one.words} ({one.code}), called {'; '.join(map(str, diagnoses)) or 'nothing'}")
    print(f"{count - len(missed)} of {count} mistakes named, {first} of them first of their class", *missed, sep="\n  ")
    assert count > 1500 and len(missed) <= 0.02 * count


@pytest.mark.parametrize("name", [*sd.examples.names(), *list(NETWORKS)[-4:]])
def test_a_planted_mistake_goes_through_check_gradients(name):
    model = NETWORKS[name]
    every = planted(model)
    for one in every[:: max(1, len(every) // 3)]:
        check = sd.check_gradients(model, function_of(model, one.derivation))
        assert not check and {record.name for record in check.wrong} == one.changed
        for record in check.wrong:
            assert one.code in record.mistakes and record.remark
        assert len(check.diagnoses) == 1 and str(check).count("this is what you get") == 1


def test_two_mistakes_are_told_apart():
    """Pairs at different places: both are named, or what was named gives the same numbers."""
    model = sd.two_layer("tanh", "sigmoid", "log")
    suspects = Suspects(model, random_point(model, 1, {"n": 5, "d": 7, "o": 11, "h": 13}))
    pairs = list(combinations((one for one in suspects.planted if len(one.slips) == 1), 2))[::61]
    named = tried = 0
    for one, two in pairs:
        both = None if one.places & two.places else suspects.made(*one.slips, *two.slips)
        if both is None or len(both.changed) < len(one.changed | two.changed):
            continue
        tried += 1
        wrong = {wrt: both.gradients[wrt] for wrt in both.changed}
        found = diagnose(suspects, wrong, suspects.truths.keys() - wrong.keys(), 1e-6)
        codes = {code for diagnosis in found for code in diagnosis.mistakes}
        named += {one.code, two.code} <= codes
        if not {one.code, two.code} <= codes:
            print(f"{one.words} + {two.words}, called {'; '.join(map(str, found))}")
        assert found, (one.words, two.words)
    print(f"{named} of {tried} pairs named")
    assert tried > 20 and named > 0.85 * tried


MODEL = sd.two_layer("tanh", "sigmoid", "log", outputs=1)
SQUARE = sd.two_layer("tanh", "softmax", "cross-entropy")


def forgotten_transpose(X, Y, W1, b1, W2, b2):
    n = X.shape[0]
    A1 = np.tanh(X @ W1 + b1)
    scores = np.exp(A1 @ W2 + b2)
    dZ2 = (scores / scores.sum(axis=1, keepdims=True) - Y) / n
    dZ1 = (dZ2 @ W2) * (1 - A1**2)
    return {"dW1": X.T @ dZ1, "db1": dZ1.sum(0, keepdims=True), "dW2": A1.T @ dZ2, "db2": dZ2.sum(0, keepdims=True)}


def sum_without_axis(X, Y, W1, b1, W2, b2):
    n = X.shape[0]
    A1 = np.tanh(X @ W1 + b1)
    A2 = 1 / (1 + np.exp(-(A1 @ W2 + b2)))
    dZ2 = (A2 - Y) / n
    dW2, db2 = A1.T @ dZ2, np.sum(dZ2)
    dZ1 = (dZ2 @ W2.T) * (1 - A1**2)
    dW1, db1 = X.T @ dZ1, np.sum(dZ1)
    return {"W1": dW1, "b1": db1, "W2": dW2, "b2": db2}


def slope_of_z(X, Y, W1, b1, W2, b2):
    Z1 = X.dot(W1) + b1
    A1 = np.tanh(Z1)
    A2 = 1 / (1 + np.exp(-(A1.dot(W2) + b2)))
    dZ2 = (A2 - Y) / len(X)
    dA1 = dZ2.dot(W2.T)
    dZ1 = dA1 * (1 - Z1**2)
    return {"W1": X.T.dot(dZ1), "b1": dZ1.sum(0), "W2": A1.T.dot(dZ2), "b2": dZ2.sum(0)}


def mean_at_the_biases(X, Y, W1, b1, W2, b2):
    A1 = np.tanh(X @ W1 + b1)
    dZ2 = (1 / (1 + np.exp(-(A1 @ W2 + b2))) - Y) / len(X)
    dZ1 = dZ2 @ W2.T * (1 - A1**2)
    return {"W1": X.T @ dZ1, "b1": dZ1.mean(0, keepdims=True), "W2": A1.T @ dZ2, "b2": dZ2.mean(0, keepdims=True)}


def no_slope_and_no_mean(X, Y, W1, b1, W2, b2):
    A1 = np.tanh(X @ W1 + b1)
    dZ2 = 1 / (1 + np.exp(-(A1 @ W2 + b2))) - Y
    dZ1 = dZ2 @ W2.T
    return {"W1": X.T @ dZ1, "b1": dZ1.sum(0, keepdims=True), "W2": A1.T @ dZ2, "b2": dZ2.sum(0, keepdims=True)}


def weights_on_top(X, Y, W1, b1, W2, b2):
    """dW2 from the pre-activation, dW1 from the wrong input: two slips that have nothing to do with one another."""
    Z1 = X @ W1 + b1
    A1 = np.tanh(Z1)
    dZ2 = (1 / (1 + np.exp(-(A1 @ W2 + b2))) - Y) / len(X)
    dZ1 = dZ2 @ W2.T * (1 - A1**2)
    return {"W1": -X.T @ dZ1, "b1": dZ1.sum(0, keepdims=True), "W2": Z1.T @ dZ2, "b2": dZ2.sum(0, keepdims=True)}


BY_HAND = {
    forgotten_transpose: (SQUARE, {"h": 4, "o": 4}, "W1 b1", ["missing-transpose"], "the transpose of W2 is left out in dJ/dA1"),
    sum_without_axis: (MODEL, {}, "b1", ["summed-over-everything"], "dJ/db1 is summed over the units as well"),
    slope_of_z: (MODEL, {}, "W1", ["slope-at-wrong-argument"], "the slope of A1 = tanh(Z1) has Z1 where A1 belongs"),
    mean_at_the_biases: (MODEL, {}, "b1 b2", ["repeated-mean-factor", "repeated-mean-factor"], "1/n comes twice in dJ/db1"),
    no_slope_and_no_mean: (MODEL, {}, "W1 b1 W2 b2", ["missing-mean-factor", "missing-slope"], "in W1, b1, W2 and b2, and if the slope of A1"),
    weights_on_top: (MODEL, {}, "W1 W2", ["sign", "wrong-variable"], "Z1 stands where A1 belongs in dJ/dW2"),
}  # fmt: skip


@pytest.mark.parametrize("function", BY_HAND, ids=lambda function: function.__name__)
def test_backward_passes_as_people_write_them(function):
    model, sizes, wrong, codes, says = BY_HAND[function]
    check = sd.check_gradients(model, function, sizes=sizes)
    assert set(wrong.split()) <= {record.name for record in check.wrong}
    assert sorted(diagnosis.mistakes[0] for diagnosis in check.diagnoses) == sorted(codes), str(check)
    assert says in str(check)


ROWS = """
def backward(X, Y, W1, b1, W2, b2, W3, b3):
    n = X.shape[0]
    Z1 = X @ W1 + b1
    A1 = np.tanh(Z1)
    Z2 = A1 @ W2 + b2
    A2 = 1 / (1 + np.exp(-Z2))
    Z3 = A2 @ W3 + b3
    A3 = 1 / (1 + np.exp(-Z3))
    dZ3 = (A3 - Y) / n
    dW3 = A2.T @ dZ3
    db3 = np.sum(dZ3, axis=0, keepdims=True)
    dA2 = dZ3 @ W3.T
    dZ2 = dA2 * A2 * (1 - A2)
    dW2 = A1.T @ dZ2
    db2 = np.sum(dZ2, axis=0, keepdims=True)
    dA1 = dZ2 @ W2.T
    dZ1 = dA1 * (1 - A1**2)
    dW1 = X.T @ dZ1
    db1 = np.sum(dZ1, axis=0, keepdims=True)
    return dict(W1=dW1, b1=db1, W2=dW2, b2=db2, W3=dW3, b3=db3)
"""
COLUMNS = """
def backward(X, Y, W1, b1, W2, b2, lam):
    m = X.shape[1]
    Z1 = W1 @ X + b1
    A1 = np.maximum(0, Z1)
    Z2 = W2 @ A1 + b2
    E = np.exp(Z2)
    A2 = E / E.sum(axis=0, keepdims=True)
    dA2 = (A2 - Y) / m
    dZ2 = A2 * (dA2 - np.sum(dA2 * A2, axis=0, keepdims=True))
    dW2 = dZ2 @ A1.T + lam * W2
    db2 = np.sum(dZ2, axis=1, keepdims=True)
    dA1 = W2.T @ dZ2
    dZ1 = dA1 * (Z1 > 0)
    dW1 = dZ1 @ X.T + lam * W1
    db1 = np.sum(dZ1, axis=1, keepdims=True)
    return dict(W1=dW1, b1=db1, W2=dW2, b2=db2)
"""
SINGLE = """
def backward(x, y, W1, b1, W2, b2):
    z1 = W1 @ x + b1
    a1 = 1 / (1 + np.exp(-z1))
    a2 = W2 @ a1 + b2
    delta2 = 2 * (a2 - y)
    delta1 = (W2.T @ delta2) * a1 * (1 - a1)
    return dict(W1=delta1 @ x.T, b1=delta1, W2=delta2 @ a1.T, b2=delta2)
"""
SINGLE_MODEL = sd.parse_model(
    "x: (d, 1); y: (1, 1); W1: (h, d); b1: (h, 1); W2: (1, h); b2: (1, 1)\n"
    "z1 = W1 @ x + b1\na1 = sigmoid(z1)\na2 = W2 @ a1 + b2\nL = (a2 - y)**2"
)
PROGRAMS = {
    "rows": (ROWS, sd.layered(["tanh", "sigmoid", "sigmoid"], "log")),
    "columns": (COLUMNS, sd.two_layer("relu", "softmax", "mse", "columns", scale="half-mean", penalty=True)),
    "single": (SINGLE, SINGLE_MODEL),
}
EDITS = """
rows | (A3 - Y) / n -> A3 - Y | missing-mean-factor
rows | (A3 - Y) / n -> (Y - A3) / n | sign
rows | (A3 - Y) / n -> 2 * (A3 - Y) / n | constant-factor
rows | (A3 - Y) / n -> (A3 - Y) * A3 * (1 - A3) / n | slope-twice other-loss
rows | (A3 - Y) / n -> (-Y / A3 - (1 - Y) / (1 - A3)) / n * A3 * (1 - A3) | sign
rows | (A3 - Y) / n -> (A3 - Y) / n / n | repeated-mean-factor
rows | (A3 - Y) / n -> A3 / n | -
rows | dW3 = A2.T @ dZ3 -> dW3 = A1.T @ dZ3 | wrong-layer
rows | dW3 = A2.T @ dZ3 -> dW3 = Z2.T @ dZ3 | wrong-variable
rows | dW3 = A2.T @ dZ3 -> dW3 = A2.T @ dZ3 / n | repeated-mean-factor
rows | dW3 = A2.T @ dZ3 -> dW3 = dZ3.T @ A2 | swapped-factors
rows | np.sum(dZ3, axis=0, keepdims=True) -> np.sum(dZ3) | summed-over-everything
rows | np.sum(dZ3, axis=0, keepdims=True) -> np.sum(dZ3, axis=1, keepdims=True) | summed-over-everything
rows | np.sum(dZ3, axis=0, keepdims=True) -> dZ3 | missing-batch-sum
rows | np.sum(dZ3, axis=0, keepdims=True) -> np.mean(dZ3, axis=0, keepdims=True) | repeated-mean-factor
rows | dA2 * A2 * (1 - A2) -> dA2 | missing-slope
rows | dA2 * A2 * (1 - A2) -> dA2 * A2 | function-for-slope
rows | dA2 * A2 * (1 - A2) -> dA2 * Z2 * (1 - Z2) | slope-at-wrong-argument
rows | dA2 * A2 * (1 - A2) -> dA2 * (1 - A2) | -
rows | dA2 * A2 * (1 - A2) -> dA2 * (1 - A2**2) | other-activation
rows | dA1 * (1 - A1**2) -> dA1 | missing-slope
rows | dA1 * (1 - A1**2) -> dA1 * A1 | function-for-slope
rows | dA1 * (1 - A1**2) -> dA1 * (1 - Z1**2) | slope-at-wrong-argument
rows | dA1 * (1 - A1**2) -> dA1 * (1 - np.tanh(A1)**2) | slope-at-wrong-argument
rows | dA1 * (1 - A1**2) -> dA1 * (1 - A1**2)**2 | slope-twice
rows | dA1 * (1 - A1**2) -> dA1 * (1 - A1)**2 | misplaced-square
rows | dA1 * (1 - A1**2) -> dA1 * (1 - A1) | misplaced-square
rows | dA1 * (1 - A1**2) -> dA1 * A1 * (1 - A1) | other-activation
rows | dW1 = X.T @ dZ1 -> dW1 = -X.T @ dZ1 | sign
rows | dW1 = X.T @ dZ1 -> dW1 = n * X.T @ dZ1 | missing-mean-factor
columns | (A2 - Y) / m -> (A2 - Y) | missing-mean-factor
columns | (A2 - Y) / m -> 2 * (A2 - Y) / m | constant-factor
columns | (A2 - Y) / m -> -Y / A2 / m | other-loss
columns | dZ2 = A2 * (dA2 - np.sum(dA2 * A2, axis=0, keepdims=True)) -> dZ2 = dA2 | missing-slope
columns | dZ2 = A2 * (dA2 - np.sum(dA2 * A2, axis=0, keepdims=True)) -> dZ2 = dA2 * A2 * (1 - A2) | softmax-diagonal
columns | dZ2 = A2 * (dA2 - np.sum(dA2 * A2, axis=0, keepdims=True)) -> dZ2 = A2 * dA2 | function-for-slope
columns | dA2 - np.sum(dA2 * A2, axis=0, keepdims=True) -> dA2 - np.sum(dA2 * A2) | -
columns |  + lam * W2 ->  | missing-penalty
columns |  + lam * W1 ->  + 2 * lam * W1 | constant-factor
columns | db2 = np.sum(dZ2, axis=1, keepdims=True) -> db2 = np.sum(dZ2, axis=1, keepdims=True) + lam * b2 | regularised-bias
columns | db2 = np.sum(dZ2, axis=1, keepdims=True) -> db2 = np.sum(dZ2, axis=0, keepdims=True) | summed-over-everything
columns | dA1 * (Z1 > 0) -> dA1 * A1 | function-for-slope
columns | dA1 * (Z1 > 0) -> dA1 | missing-slope
columns | dA1 = W2.T @ dZ2 -> dA1 = W2.T @ dZ2 / m | repeated-mean-factor
single | 2 * (a2 - y) -> a2 - y | constant-factor
single | 2 * (a2 - y) -> (a2 - y)**2 | -
single | 2 * (a2 - y) -> 2 * (a2 - y) * (a2 - y)**2 | forward-value-as-seed
single | 2 * (a2 - y) -> 2 * (y - a2) | sign
single | (W2.T @ delta2) * a1 * (1 - a1) -> delta2 * a1 * (1 - a1) | dropped-chain-factor
single | (W2.T @ delta2) * a1 * (1 - a1) -> (W2.T @ delta2) | missing-slope
single | W2=delta2 @ a1.T -> W2=delta2 @ z1.T | wrong-variable
single | W2=delta2 @ a1.T -> W2=delta2 | dropped-chain-factor
single | W2=delta2 @ a1.T -> W2=delta2 * a1 | -
single | W1=delta1 @ x.T -> W1=x @ delta1.T | swapped-factors
"""


def test_edited_programs_are_named():
    """Programs written by hand, edited as text: nothing of the wrong rules is in them. `-`: nothing that has a name."""
    missed, count = [], 0
    for name, (source, model) in PROGRAMS.items():
        assert sd.check_gradients(model, _run(source)), name
    for line in EDITS.strip().splitlines():
        name, edit, codes = line.split(" | ")
        old, new = edit.split(" -> ")
        wanted = set(codes.split()) - {"-"}
        source, model = PROGRAMS[name]
        assert source.count(old) == 1, line
        check = sd.check_gradients(model, _run(source.replace(old, new)))
        found = [code for diagnosis in check.diagnoses for code in diagnosis.mistakes]
        assert not check
        count += 1
        if not wanted <= set(found) or (found and not wanted):
            missed.append(f"{line}  called {found}")
        elif len(check.diagnoses) > 1:
            missed.append(f"{line}  charged {len(check.diagnoses)} times: {found}")
    print(f"{count - len(missed)} of {count} edits named", *missed, sep="\n  ")
    assert not missed


def _run(source):
    names = {"np": np}
    exec(source, names)
    return names["backward"]


def test_one_mistake_is_charged_once_and_what_is_right_stays_right():
    def without_slope(X, Y, W1, b1, W2, b2):
        A1 = np.tanh(X @ W1 + b1)
        dZ2 = (1 / (1 + np.exp(-(A1 @ W2 + b2))) - Y) / len(X)
        dZ1 = dZ2 @ W2.T
        return {"W1": X.T @ dZ1, "b1": dZ1.sum(0, keepdims=True), "W2": A1.T @ dZ2, "b2": dZ2.sum(0, keepdims=True)}

    check = sd.check_gradients(MODEL, without_slope)
    (diagnosis,) = check.diagnoses
    assert diagnosis.names == ("W1", "b1") and diagnosis.mistakes == ("missing-slope",)
    assert check.record("W1").mistakes == check.record("b1").mistakes == ("missing-slope",)
    assert check.record("b1").remark == "the same mistake as in W1" and check.record("W2").passed
    one_line = (
        "one mistake explains W1 and b1: this is what you get if the slope of A1 = tanh(Z1) is left out (missing-slope)"
    )
    assert check.record("W1").remark == one_line and check.record("W2").mistakes == ()


def test_what_nothing_explains_is_told_in_numbers():
    def anything(X, Y, W1, b1, W2, b2):
        return {"W1": W1**2, "b1": b1**3, "W2": W2**2, "b2": b2**2}

    check = sd.check_gradients(MODEL, anything)
    assert not check.diagnoses and all(not record.mistakes and "the truth" in record.remark for record in check.wrong)


def test_a_gradient_of_another_quantity_has_its_own_code():
    def right(X, Y, W1, b1, W2, b2):
        A1 = np.tanh(X @ W1 + b1)
        dZ2 = (1 / (1 + np.exp(-(A1 @ W2 + b2))) - Y) / len(X)
        dZ1 = dZ2 @ W2.T * (1 - A1**2)
        return {"W1": A1.T @ dZ2, "b1": dZ1.sum(0, keepdims=True), "W2": A1.T @ dZ2, "b2": dZ2.sum(0, keepdims=True)}

    assert sd.check_gradients(MODEL, right).record("W1").mistakes == ("wrong-left-hand-side",)


def test_special_sizes_hide_mistakes_and_that_is_said():
    def function(X, Y, W1, b1, W2, b2):
        A1 = np.tanh(X @ W1 + b1)
        dZ2 = 1 / (1 + np.exp(-(A1 @ W2 + b2))) - Y
        dZ1 = dZ2 @ W2.T * (1 - A1**2)
        return {"W1": X.T @ dZ1, "b1": dZ1, "W2": A1.T @ dZ2, "b2": dZ2}

    check = sd.check_gradients(MODEL, function, sizes={"n": 1})
    assert check and {"missing-batch-sum", "missing-mean-factor", "repeated-mean-factor"} <= set(check.hidden)
    assert "at n = 1, d = 5, h = 7, where nobody can see missing-batch-sum" in str(check)
    assert not sd.check_gradients(MODEL, function) and not sd.check_gradients(MODEL, function).hidden


def test_a_diagnosis_takes_about_a_second():
    """A generous bound for a slow machine; measured 0.5 s."""
    one = next(one for one in planted(THREE_LAYERS) if one.code == "function-for-slope")
    start = time.perf_counter()
    assert not sd.check_gradients(THREE_LAYERS, function_of(THREE_LAYERS, one.derivation))
    assert time.perf_counter() - start < 5


def test_a_deep_network_gets_no_diagnosis():
    model = sd.layered(["tanh"] * 16, "mse")
    check = sd.check_gradients(model, lambda **arrays: {s.name: 2 * arrays[s.name] for s in model.parameters})
    assert not check and not check.diagnoses
