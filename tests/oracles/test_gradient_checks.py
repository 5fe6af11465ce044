"""Somebody's backward pass: the right one passes however it is written, each wrong one is told what it is."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from strategies import random_network

import symderiv as sd
from symderiv.errors import FunctionError, ModelError, WrongGradients
from symderiv.oracles.function_calls import spellings
from symderiv.oracles.relations import named_ratio

MODEL = sd.two_layer("tanh", "sigmoid", "log", outputs=1)
LOSS = """
X: (n, d); Y: (n, k); W: (d, k); b: (1, k)
Z = X @ W + b
A = softmax(Z, axis=1)
J = -sum(Y * log(A)) / n + lam * sum(W**2)
"""
SOFTMAX = sd.parse_model("lam: hyper\n" + LOSS)


def backward(X, Y, W1, b1, W2, b2):
    """By hand, in NumPy: the loss and every gradient."""
    n = X.shape[0]
    A1 = np.tanh(X @ W1 + b1)
    A2 = 1 / (1 + np.exp(-(A1 @ W2 + b2)))
    dZ2 = (A2 - Y) / n
    dZ1 = dZ2 @ W2.T * (1 - A1**2)
    loss = -np.mean(Y * np.log(A2) + (1 - Y) * np.log(1 - A2))
    gradients = {
        "W1": X.T @ dZ1,
        "b1": dZ1.sum(axis=0, keepdims=True),
        "W2": A1.T @ dZ2,
        "b2": dZ2.sum(axis=0, keepdims=True),
    }
    return loss, gradients, dZ1


def gradients(**inputs):
    return backward(**{name: inputs[name] for name in ("X", "Y", "W1", "b1", "W2", "b2")})[1]


def positional(a, b, c, d, e, f):
    return backward(a, b, c, d, e, f)[1]


def only_positional(X, Y, W1, b1, W2, b2, /):
    return backward(X, Y, W1, b1, W2, b2)[1]


def with_sizes(X, Y, W1, b1, W2, b2, n, h, rate=0.1):
    assert n == len(X) and h == W1.shape[1] and rate == 0.1
    return backward(X, Y, W1, b1, W2, b2)[1]


def named_otherwise(X, Y, W1, b1, W2, b2):
    dW1, db1, dW2, db2 = backward(X, Y, W1, b1, W2, b2)[1].values()
    return {"dW1": dW1, "grad_b1": db1, "W2_grad": dW2, "db2": float(db2.item()), "dZ2": "anything"}


def in_place(X, Y, W1, b1, W2, b2):
    found = backward(X, Y, W1, b1, W2, b2)[1]
    for array in (X, Y, W1, b1, W2, b2):
        array[:] = np.nan
    return found


RIGHT = [gradients, positional, only_positional, with_sizes, named_otherwise, in_place]


@pytest.mark.parametrize("function", RIGHT, ids=lambda function: function.__name__)
def test_a_right_backward_pass_is_right(function):
    check = sd.check_gradients(MODEL, function)
    assert check and check.passed and not check.wrong and check.loss is None
    assert str(check).startswith("all 4 gradients are right")
    assert all(record.error < 1e-13 for record in check.records)
    check.require()


def test_a_derivation_is_as_good_and_its_inputs_are_checked():
    model = sd.parse_model("x: (d, 1); w: (1, d)\nL = (w @ x)**2")
    derivation = sd.derive(model, inputs=True)
    assert sd.check_gradients(derivation, lambda w, x: {"dw": 2 * (w @ x) * x.T, "dx": 2 * (w @ x) * w.T})
    assert "no x or dx" in str(sd.check_gradients(derivation, lambda w, x: {"dw": 2 * (w @ x) * x.T}))


@pytest.mark.parametrize("seed", range(6))
def test_the_framework_is_right_about_random_networks(seed):
    """Gradients that come from elsewhere: complex steps of the forward pass."""
    from symderiv.oracles.evaluation import Point
    from symderiv.oracles.gradients import complex_step, entry_by_entry

    _, model = random_network(seed)
    sizes = {name: 2 + k for k, name in enumerate(model.sizes)}
    hypers = {symbol.name: 0.4 for symbol in model.hypers}

    def function(**arrays):
        point = Point(sizes, hypers, {symbol: arrays[symbol.name] for symbol in model.inputs})
        found = {s.name: entry_by_entry(complex_step(model, point, s), arrays[s.name].shape) for s in model.parameters}
        return point.run(model)[model.loss.symbol], found

    check = sd.check_gradients(model, function, sizes=sizes, values=hypers, seed=seed)
    assert check and check.loss.passed, str(check)


def changed(change):
    """The right gradients with some replaced: `change` gets them, dZ1 and the number of samples."""

    def function(X, Y, W1, b1, W2, b2):
        _, found, dZ1 = backward(X, Y, W1, b1, W2, b2)
        return {**found, **change(found, dZ1, len(X))}

    return function


WRONG = {
    "transposed": (lambda g, dZ1, n: {"W1": g["W1"].T}, "W1", "shape", "got (h, d) = (11, 7): it is the transpose of the right one"),
    "transposed and doubled": (lambda g, dZ1, n: {"W1": 2 * g["W1"].T}, "W1", "shape", "transpose of the right one, up to a factor: 2 × the truth"),
    "without 1/n": (lambda g, dZ1, n: {"W2": n * g["W2"]}, "W2", "wrong", "n × the truth"),
    "1/n twice": (lambda g, dZ1, n: {"W2": g["W2"] / n}, "W2", "wrong", "1/n × the truth"),
    "factor 2": (lambda g, dZ1, n: {"W2": 2 * g["W2"]}, "W2", "wrong", "2 × the truth"),
    "factor 1/2": (lambda g, dZ1, n: {"b2": g["b2"] / 2}, "b2", "wrong", "1/2 × the truth"),
    "an odd factor": (lambda g, dZ1, n: {"W2": 1.234 * g["W2"]}, "W2", "wrong", "1.23 × the truth"),
    "sign": (lambda g, dZ1, n: {"W1": -g["W1"]}, "W1", "wrong", "-1 × the truth: the sign is wrong"),
    "bias not summed": (lambda g, dZ1, n: {"b1": dZ1}, "b1", "shape", "expected (1, h) = (1, 11), got (n, h) = (5, 11): it is not summed over n"),
    "no keepdims": (lambda g, dZ1, n: {"b1": dZ1.sum(axis=0)}, "b1", "shape", "got (h,) = (11,): with keepdims=True, or reshaped, it is right"),
    "swapped": (lambda g, dZ1, n: {"b1": g["W2"].T}, "b1", "wrong", "it is the gradient of W2, transposed"),
    "of another": (lambda g, dZ1, n: {"W1": g["W2"]}, "W1", "shape", "it is the gradient of W2"),
    "nan": (lambda g, dZ1, n: {"W1": g["W1"] * np.nan}, "W1", "not finite", "77 of 77 entries are nan"),
    "zero": (lambda g, dZ1, n: {"W1": 0 * g["W1"]}, "W1", "wrong", "it is 0 everywhere"),
    "rows": (lambda g, dZ1, n: {"W1": g["W1"] * np.arange(7)[:, None]}, "W1", "wrong", "each row is a multiple of the truth: 0, 1, 2"),
    "columns": (lambda g, dZ1, n: {"W1": g["W1"] * (2 + np.arange(11))}, "W1", "wrong", "each column is a multiple"),
    "one row": (lambda g, dZ1, n: {"W1": g["W1"] + np.outer(np.eye(7)[0], np.arange(1, 12))}, "W1", "wrong", "only row 0 is wrong"),
    "anything": (lambda g, dZ1, n: {"W1": g["W1"] ** 2}, "W1", "wrong", "77 of 77 entries are wrong, ratio to the truth"),
    "text": (lambda g, dZ1, n: {"W1": "W1"}, "W1", "not numbers", "its entries are not real numbers"),
    "complex": (lambda g, dZ1, n: {"W1": 1j * g["W1"]}, "W1", "not numbers", "its entries are not real numbers"),
    "none": (lambda g, dZ1, n: {"W1": None}, "W1", "missing", "it is None"),
    "empty": (lambda g, dZ1, n: {"W1": []}, "W1", "shape", "got (0,) = (0,)"),
    "deep": (lambda g, dZ1, n: {"W1": g["W1"][None, None]}, "W1", "shape", "or reshaped, it is right"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", WRONG)
def test_what_is_wrong_is_said(mistake):
    change, name, verdict, says = WRONG[mistake]
    check = sd.check_gradients(MODEL, changed(change))
    assert not check and [record.name for record in check.wrong] == [name]
    record = check.record(name)
    assert record.verdict == verdict and says in record.remark and says in str(check)
    assert f"{name} is wrong" in repr(check) and "\n" not in repr(check) and len(repr(check)) <= 240
    with pytest.raises(WrongGradients, match=f"^{name} is wrong\n"):
        check.require()


def test_a_record_holds_what_later_diagnoses_need():
    record = sd.check_gradients(MODEL, changed(lambda g, dZ1, n: {"W2": 2 * g["W2"]})).record("W2")
    assert record.ratio == pytest.approx(2) and record.error == pytest.approx(1)
    np.testing.assert_allclose(record.found, 2 * record.truth)


def test_a_missing_gradient_and_the_key_that_was_meant():
    text = str(sd.check_gradients(MODEL, lambda **a: {key.lower(): g for key, g in gradients(**a).items()}))
    assert "your function returns no W1 or dW1; there is w1" in text and text.startswith("W1, W2 are wrong")


def test_the_loss_is_compared_if_it_is_returned():
    assert sd.check_gradients(MODEL, lambda *inputs: backward(*inputs)[:2]).loss.passed

    def without_mean(X, Y, W1, b1, W2, b2):
        loss, found, _ = backward(X, Y, W1, b1, W2, b2)
        return len(X) * loss, found

    check = sd.check_gradients(MODEL, without_mean)
    assert not check and check.loss.remark == "n × the truth" and str(check).startswith("J is wrong")


def softmax_backward(X, Y, W, b, lam, n):
    e = np.exp(X @ W + b)
    dZ = (e / e.sum(axis=1, keepdims=True) - Y) / n
    return {"dW": X.T @ dZ + 2 * lam * W, "db": dZ.sum(axis=0, keepdims=True)}


def test_hypers_and_own_values():
    assert sd.check_gradients(SOFTMAX, softmax_backward)
    Y = np.eye(3)[[0, 2, 1, 1]]
    check = sd.check_gradients(SOFTMAX, softmax_backward, values={"Y": Y, "lam": 0.5}, sizes={"d": np.int64(2)})
    assert check and check.sizes == {"n": 4, "d": 2, "k": 3}
    with pytest.raises(ModelError, match="takes for granted that each row sums to 1"):
        sd.check_gradients(SOFTMAX, softmax_backward, values={"Y": 2 * Y})


def test_equal_sizes_leave_both_names():
    check = sd.check_gradients(
        MODEL, changed(lambda g, dZ1, n: {"W1": g["W1"].T, "W2": 2 * g["W2"]}), sizes={"n": 2, "d": 3, "h": 3}
    )
    assert check.record("W1").remark.startswith("it is the transpose of the right one;")
    assert check.record("W2").remark.startswith("2 or n × the truth;")
    assert check.record("W2").mistakes == ("missing-mean-factor", "constant-factor")


def test_augmented_weights_without_their_bias_row():
    model = sd.parse_model("X: (n, d); W: (d + 1, h)\nJ = sum((augment(X, axis=1) @ W)**2) / 2")

    def function(X, W):
        ones = np.hstack([np.ones((len(X), 1)), X])
        return {"W": X.T @ (ones @ W)}

    remark = sd.check_gradients(model, function).record("W").remark
    assert (
        "expected (d + 1, h)" in remark.replace("d+1", "d + 1")
        and "the first row is missing, that of the bias" in remark
    )


def nothing_taken():
    return {}


@pytest.mark.parametrize(
    ("function", "says"),
    [
        (lambda X: X @ X, r"your function stopped with ValueError: matmul.*\n  in test_gradient_checks.py, line \d+.*\n  at n = 5"),
        (lambda X: None, "your function returns nothing"),
        (lambda X: X, "your function returns a ndarray"),
        (lambda X: (1, 2, 3), "your function returns a tuple"),
        (nothing_taken, r"your function takes \(\), which is not what the model has: X, Y, W1"),
        (lambda params, X, Y: {}, r"your function takes \(params, X, Y\)"),
        (lambda w1, b1, w2, b2, x, y: {}, r"your function takes \(w1, b1, w2, b2, x, y\)"),
        (lambda X: {"W1": X, "dW1": X}, "returns both W1 and dW1"),
    ],
)  # fmt: skip
def test_a_function_that_does_not_do_is_one_clear_error(function, says):
    with pytest.raises(FunctionError, match=f"(?s){says}"):
        sd.check_gradients(MODEL, function)


def test_a_model_without_parameters_is_refused():
    with pytest.raises(ModelError, match="no parameter"):
        sd.check_gradients(sd.parse_model("X: (n, d)\nJ = sum(X**2)"), lambda X: {})


def test_the_error_of_the_function_is_the_cause():
    with pytest.raises(FunctionError) as caught:
        sd.check_gradients(MODEL, lambda X: 1 / 0)
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"sizes": {"q": 3}}, "no size called q"),
        ({"sizes": {"n": 0}}, "whole number from 1 on"),
        ({"sizes": {"n": 2.5}}, "whole number from 1 on"),
        ({"values": {"Q": 1}}, "no input called Q"),
        ({"values": {"X": "x"}}, "the values of X are not real numbers"),
        ({"values": {"X": [1, 2]}}, r"the values of X have the shape \(2,\), not \(n, d\)"),
        ({"values": {"X": np.ones((4, 3)), "W1": np.ones((4, 3))}}, r"W1 have the shape \(4, 3\), not \(d, h\) with d = 3"),
        ({"values": {"X": np.full((4, 3), np.nan)}}, "not every value of the model is finite"),
        ({"values": {"W2": np.full((4, 1), 1e5)}}, "not every value of the model is finite"),
    ],
)  # fmt: skip
def test_sizes_and_values_that_do_not_fit(options, says):
    with pytest.raises(ModelError, match=says):
        sd.check_gradients(MODEL, gradients, **options)


@pytest.mark.parametrize(
    ("ratio", "text"),
    [(1 / 5, "1/n"), (-1, "-1"), (5 / 7, "n/d"), (35, "n d"), (1 / 10, "1/(2 n)"), (-2.5, "-n/2"), (0.1 + 0.2, "lam"), (3.217, "3.22"), (0, "0"), (25, "n n"), (4, "4")],
)  # fmt: skip
def test_ratios_have_names(ratio, text):
    assert named_ratio(ratio, {"n": 5, "d": 7, "lam": 0.3}) == text


def test_spellings():
    assert {"W1", "dW1", "grad_W1"} <= set(spellings("W1"))


def test_what_pytest_shows(tmp_path):
    """One line in a test of somebody's says which gradient is wrong and how."""
    (tmp_path / "test_mine.py").write_text(
        "import symderiv as sd\n"
        "model = sd.parse_model('X: (n, d); y: (n, 1); w: (d, 1)\\nJ = mean((X @ w - y)**2)')\n"
        "def backward(X, y, w):\n    return {'dw': X.T @ (X @ w - y) / len(X)}\n"
        "def test_backward():\n    assert sd.check_gradients(model, backward)\n"
        "def test_table():\n    sd.check_gradients(model, backward).require()\n"
    )
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_mine.py"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert result.returncode == 1 and "2 failed" in result.stdout
    assert "assert <check_gradients: w is wrong. w: 1/2 × the truth; this is what you get if" in result.stdout
    assert "WrongGradients: w is wrong" in result.stdout
