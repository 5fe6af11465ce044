"""Worked examples: the numbers of the coursework, and numbers that other ways of computing agree with."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Context, Decimal

import mpmath
import numpy as np
import pytest
from oracles import central_differences, nested_sympy
from strategies import random_network

from symderiv import derive, examples, parse_model, work
from symderiv.calculus.expressions import Augment, Broadcast, Map, MatMul, Softmax, Sum, Transpose, functions_in
from symderiv.calculus.functions import Opaque
from symderiv.calculus.pullbacks import PULLBACKS
from symderiv.errors import CheckFailed, ModelError
from symderiv.oracles.evaluation import Point, random_point
from symderiv.views.digits import Digits
from symderiv.views.worked import check_worked, work_example

WORKSHEET = examples.find("worksheet")


def shown(example, number):
    return example.digits.text(number)


def test_the_worksheet_with_exact_intermediates():
    example, _ = work_example(WORKSHEET, WORKSHEET.derive())
    memo = {line.symbol.name: line.used for line in example.forward}
    assert [shown(example, x) for x in memo["alpha1"].flat] == ["0", "24"]
    assert shown(example, memo["y_hat"].item()) == "0.119203"
    assert shown(example, memo["l"].item()) == "0.387902"
    first, second = example.single("W2[1,1]"), example.single("W1[2,1]")
    assert (shown(example, first.total), shown(example, first.updated)) == ("-0.0462390", "2.09248")
    assert (shown(example, second.total), shown(example, second.updated)) == ("-0.231195", "1.46239")
    assert example.gradient("W2")[1] == pytest.approx(-0.0462390, abs=1e-7)
    assert example.updated("W1")[2, 0] == pytest.approx(1.46239, abs=1e-5)


def test_the_worksheet_with_its_own_roundings():
    _, example = work_example(WORKSHEET, WORKSHEET.derive())
    memo = {line.symbol.name: line.used.item() for line in example.forward if line.used.size == 1}
    assert shown(example, memo["alpha2"]) == "-1.996" and shown(example, memo["y_hat"]) == "0.119623"
    assert Digits(5).text(memo["l"]) == "0.38753"
    first, second = example.single("W2[1]"), example.single("W1[2,1]")
    assert shown(example, first.total) == "-0.0463577" and Digits(4, decimals=True).text(first.updated) == "2.0927"
    assert Digits(4, decimals=True).text(second.total) == "-0.2318"
    assert Digits(4, decimals=True).text(second.updated) == "1.4636"
    # The factors of the chain, as the sheet names them: dl/dy, dy/da2, W2_11, beta(1 - beta), x2
    numbers = [float(number) for _, number in second.chains[0].factors]
    assert numbers == pytest.approx([-0.880377, 0.119623 * 0.880377, 2, 0.25, 5])


def test_rounding_by_hand_is_rounding_by_hand():
    """The same sheet, computed line by line with `decimal`, a half away from zero."""

    def hand(x):
        x = Decimal(x)
        return (
            x.quantize(Decimal(1).scaleb(x.adjusted() - 3), context=Context(prec=60, rounding=ROUND_HALF_UP))
            if x
            else x
        )

    values = {"x": [2, 5], "y": 1, "W1": [[-1, 2], [-2, 1], [1, 4]], "W2": [1, 2, -4]}
    example = work(WORKSHEET.derive(), values, digits=4, rounded=True, rate=2)
    beta = [hand(1 / (1 + (-Decimal(a)).exp())) for a in (0, 24)]
    alpha2 = hand(1 + 2 * beta[0] - 4 * beta[1])
    y = hand(1 / (1 + (-alpha2).exp()))
    d_y = hand(y - 1)
    d_alpha2 = hand(d_y * y * (1 - y))
    d_W2 = [hand(d_alpha2), hand(beta[0] * d_alpha2), hand(beta[1] * d_alpha2)]
    assert example.value("y_hat") == float(y) and example.value("l") == float(hand((1 - y) ** 2 / 2))
    assert [float(v) for v in d_W2] == example.gradient("W2").ravel().tolist()
    assert [float(hand(w - 2 * v)) for w, v in zip((1, 2, -4), d_W2, strict=True)] == example.updated(
        "W2"
    ).ravel().tolist()


NETWORKS = [
    (name, model)
    for name, model in map(random_network, range(24))
    if not any(isinstance(f, Opaque) for e in model.equations for f in functions_in(e.value))
]


@pytest.mark.parametrize(("name", "model"), NETWORKS, ids=[name for name, _ in NETWORKS])
def test_numbers_of_any_network_agree_with_differences(name, model):
    point = random_point(model, 5, {size: 2 + k % 2 for k, size in enumerate(model.sizes)})
    values = {symbol.name: point.values[symbol] for symbol in model.inputs} | dict(point.hypers)
    example = work(model, values, rate=0.5)
    plain = Point(point.sizes, point.hypers, point.values)
    for symbol in model.parameters:
        truth = central_differences(model, plain, symbol)
        assert np.reshape(example.gradient(symbol.name), truth.shape) == pytest.approx(truth, rel=1e-5, abs=1e-7)
        assert np.reshape(example.updated(symbol.name), truth.shape) == pytest.approx(
            point.values[symbol] - 0.5 * truth, abs=1e-6
        )
    for symbol, value in plain.run(model).items():
        assert np.reshape(example.value(symbol.name), value.shape) == pytest.approx(value)


def test_numbers_agree_with_sympy_on_one_nested_formula():
    derivation = WORKSHEET.derive()
    example, _ = work_example(WORKSHEET, derivation)
    model = derivation.model
    point = Point({"d": 2, "h": 2}, {}, {s: np.array(example.point.values[s], dtype=float) for s in model.inputs})
    for symbol in model.parameters:
        assert example.gradient(symbol.name) == pytest.approx(nested_sympy(model, point, symbol), rel=1e-9, abs=1e-14)


@pytest.mark.parametrize(
    "kind", [MatMul, Transpose, Map, Sum, Broadcast, Softmax, Augment], ids=lambda kind: kind.__name__
)
def test_a_planted_wrong_rule_is_caught(kind, monkeypatch):
    text = "x: (d, n); y: (n, 1); W: (d, h); b: (1, h); v: (h + 1, 1)\nz = x.T @ W + b\na = softmax(z, axis=1).T\n"
    model = parse_model(text + "s = augment(a).T @ v\nJ = sum((s - y)**2) + sum(W**2)")
    values = {"x": [[1, 2, 0], [2, 1, 1]], "y": [1, 0, 1], "W": [[1, 2], [3, 1]], "b": [0.5, 1], "v": [1, 3, 2]}
    right = PULLBACKS[kind]

    def wrong(cotangent, node, value):
        return tuple(2 * adjoint for adjoint in right(cotangent, node, value))

    wrong.__name__ = right.__name__
    uses = []
    monkeypatch.setitem(PULLBACKS, kind, lambda *a: uses.append(1) or wrong(*a))
    PULLBACKS[kind].__name__ = right.__name__
    derivation = derive(model)
    assert uses
    with pytest.raises(CheckFailed, match="differ from complex-step differences"):
        work(derivation, values)


def test_a_planted_wrong_number_stops_the_document():
    example, _ = work_example(WORKSHEET, WORKSHEET.derive())
    adjoint = example.derivation.adjoint("W2").symbol
    example.exact[adjoint] = example.exact[adjoint] + mpmath.mpf("1e-20")
    with pytest.raises(CheckFailed, match="the numbers of the gradient of W2"):
        check_worked(example)
    with pytest.raises(CheckFailed):
        example.to_html()
    with pytest.raises(CheckFailed, match="the chains of"):
        example.single("W2[1]")


def test_saturated_values_keep_their_digits():
    model = parse_model("x: (1, 1); w: (1, 1)\na = sigmoid(w * x)\nJ = -log(1 - a)")
    example = work(model, {"x": 1, "w": 60})
    assert example.value("J") == pytest.approx(60) and example.gradient("w") == 1.0


@pytest.mark.parametrize(
    ("text", "values", "says"),
    [
        ("J = log(w * x)", {"x": 0, "w": 1}, "J is not a finite real number"),
        ("J = x / w", {"x": 1, "w": 0}, "J is not a finite real number"),
        ("J = sqrt(w * x)", {"x": -1, "w": 1}, "J is not a finite real number"),
        ("J = exp(exp(exp(w * x)))", {"x": 10, "w": 10}, "J is not a finite real number"),
        ("z = w * x\nJ = sqrt(z)", {"x": 0, "w": 1}, "with respect to z is not a finite real number"),
        ("J = g(w * x)", {"x": 1, "w": 1}, "only the name is known"),
    ],
)
def test_values_without_numbers_are_refused(text, values, says):
    with pytest.raises(ModelError, match=says):
        work(parse_model("x: (1, 1); w: (1, 1)\n" + text), values)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"digits": 0}, "cannot show 0 significant digits"),
        ({"decimals": 99}, "cannot show 99 decimals"),
        ({"rate": float("nan")}, "learning rate"),
        ({"weights": ["W1[7,1]"]}, "an index of it ends at 2"),
        ({"weights": ["V[1]"]}, "there is no parameter V"),
    ],
)
def test_bad_options_are_told(options, says):
    with pytest.raises(ModelError, match=says):
        work(WORKSHEET.derive(), WORKSHEET.values_path, **options)


def test_a_weight_with_many_ways_to_the_loss():
    model = parse_model("X: (n, 2); W: (2, h); v: (h, 1)\nH = tanh(X @ W)\nJ = sum((H @ v)**2)")
    values = {"X": [[k / 10, 1] for k in range(3)], "W": [[1, 2], [3, 4]], "v": [1, -1]}
    single = work(model, values).single("W[1,2]")
    assert len(single.chains) == 3
    values["X"] = [[k / 50, 1] for k in range(40)]
    example = work(model, values)
    assert not example.single("W[1,2]").chains and float(example.single("W[1,2]").total) == example.gradient("W")[0, 1]


@pytest.mark.parametrize(
    ("number", "digits", "text"),
    [
        ("24", Digits(), "24"),
        ("0.99999999996", Digits(), "1.00000"),
        ("-0.04623902", Digits(), "-0.0462390"),
        ("0.5", Digits(), "0.5"),
        ("-0.04635775", Digits(), "-0.0463578"),
        ("1.5e-9", Digits(), "1.5e-9"),
        ("1234567.8", Digits(), "1.23457e6"),
        ("1234567", Digits(15), "1234567"),
        ("0.00001234", Digits(4, decimals=True), "0.0000"),
        ("2.09272", Digits(4, decimals=True), "2.0927"),
        ("9.9999996", Digits(), "10.0000"),
        ("1e-5000", Digits(), "0"),
    ],
)
def test_numbers_in_print(number, digits, text):
    with mpmath.workdps(60):
        assert digits.text(mpmath.mpf(number)) == text
