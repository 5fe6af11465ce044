"""The numbers of a worksheet: nice to start from, nothing saturated, no answer that needs more digits than are asked for."""

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest

import symderiv as sd
from symderiv.errors import ModelError
from symderiv.views.digits import Digits
from symderiv.worksheets.drawing import LARGEST_TANH, draw
from worksheets.networks import NETWORKS, derivation_of


def numbers_in(sheet):
    """Every printed number of the worked answers."""
    lines = [line.used for line in sheet.example.forward] + [line.used for _, line in sheet.example.backward]
    lines += [update.after for update in sheet.example.updates]
    return [x for array in lines for x in array.flat]


@pytest.mark.parametrize("name", NETWORKS)
def test_numbers_are_nice(name):
    for seed in range(5):
        sheet = sd.worksheet(derivation_of(name), seed=seed)
        example = sheet.example
        for value in example.point.values.values():
            assert all(len(str(abs(float(x)))) <= 3 for x in value.flat), "given numbers have two digits at most"
        for x in numbers_in(sheet):
            shown = Decimal(example.digits.text(x))
            assert -shown.as_tuple().exponent <= sheet.decimals, (
                "no number is printed with more decimals than asked for"
            )
            assert not x or abs(shown) >= Decimal(10) ** (1 - sheet.decimals), "what is not 0 shows two digits"
        for equation in example.model.equations:
            value = example.exact[equation.symbol].astype(float)
            if "sigmoid" in repr(equation.value) or "softmax" in repr(equation.value):
                assert equation is example.model.loss or ((value > 0.04).all() and (value < 0.96).all())
            if repr(equation.value).startswith("tanh"):
                assert np.abs(value).max() < 0.96


@pytest.mark.parametrize("name", ["tanh, log loss, rows", "softmax, several samples", "two terms"])
def test_samples_and_units_can_be_told_apart(name):
    for seed in range(8):
        example = sd.worksheet(derivation_of(name), seed=seed).example
        for equation in example.model.equations:
            if equation.contracts:
                shown = [example.digits.text(x) for x in example.exact[equation.symbol].flat]
                assert len(set(shown)) == len(shown)
        (target,) = [s for s in example.model.data if s.name == "Y"]
        samples = example.exact[target].astype(float)
        samples = samples.T if name == "two terms" else samples
        assert len({tuple(row) for row in samples.tolist()}) > 1, "both classes occur"


@pytest.mark.parametrize("name", NETWORKS)
def test_rounding_as_one_goes_gives_the_same_answers(name):
    for seed in range(5):
        sheet = sd.worksheet(derivation_of(name), seed=seed)
        rounded = replace(sheet.example, digits=Digits(sheet.drawn.carried, True, True))
        twin = replace(sheet)
        twin.__dict__["drawn"] = replace(sheet.drawn, example=rounded)
        digits = sheet.example.digits
        for x, y in zip(numbers_in(sheet), numbers_in(twin), strict=True):
            assert digits.rounded(x) == digits.rounded(y)
        assert sheet.drawn.carried <= sheet.decimals + 2


def test_most_sheets_of_the_coursework_need_no_extra_decimals():
    sheets = [sd.worksheet(derivation_of("the worksheet of the coursework"), seed=seed) for seed in range(40)]
    assert all(sheet.drawn.carried == sheet.decimals for sheet in sheets)
    assert len({sheet.to_markdown() for sheet in sheets}) == 40, "another seed, another sheet"


def test_derivatives_are_those_of_differences():
    """A single weight's derivative against central differences of the loss of the readable NumPy code."""
    derivation = derivation_of("the worksheet of the coursework")
    function = derivation.to_numpy()
    for seed in range(6):
        sheet = sd.worksheet(derivation, seed=seed)
        given = {s.name: v.astype(float) for s, v in sheet.example.point.values.items()}
        for text, name, position in (("W^{2}_{1}", "W2", (1, 0)), ("W^{1}_{21}", "W1", (2, 0))):
            (question,) = [q for q in sheet.questions if q.key == f"d-{text}"]
            step, losses = 1e-6, []
            for sign in (1, -1):
                moved = {**given, name: given[name].copy()}
                moved[name][position] += sign * step
                losses.append(function(**moved)[0])
            assert question.value.item() == pytest.approx((losses[0] - losses[1]) / (2 * step), abs=1e-7)


def test_the_same_seed_gives_the_same_sheet():
    one, other = (sd.worksheet(derivation_of("softmax, one sample"), seed=3, choices=3) for _ in range(2))
    assert one.to_html(key=True) == other.to_html(key=True) and one.to_moodle() == other.to_moodle()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": "oral"}, "there is no kind 'oral'"),
        ({"choices": 9}, "9 wrong choices"),
        ({"decimals": 1}, "answers to 1 decimals"),
        ({"seed": -1}, "the seed must be at least 0"),
        ({"sizes": {"q": 2}}, "the model has no size q"),
        ({"sizes": {"h": 40}}, "h = 40 is no size for a worksheet"),
    ],
)
def test_what_cannot_be_asked(options, message):
    with pytest.raises(ModelError, match=message):
        sd.worksheet(sd.examples.load("worksheet"), **options)


@pytest.mark.parametrize("layer", ["G = tanh(X @ U)", "A = X @ U\nG = tanh(A)"])
def test_no_unit_is_saturated_with_or_without_a_name_for_its_argument(layer: str):
    model = sd.parse_model(
        f"X: data(n, 4)\nT: data(n, 2)\nU: (4, h)\nV: (h, 2)\n{layer}\nO = G @ V\nJ = sum((O - T)**2)/(2*n)"
    )
    for seed in range(8):
        drawn = draw(sd.derive(model), seed, 4, {}, ())
        assert abs(drawn.example.exact[model.symbols["G"]].astype(float)).max() < LARGEST_TANH
