"""What words say of the activations of hidden and output units, and from where on."""

from __future__ import annotations

import pytest

from symderiv.homework.checking import check_homework
from symderiv.homework.reading.reader import read
from symderiv.homework.understanding.activations import _pairs, sayings_of
from symderiv.homework.understanding.inference import Inference

NET = """- `z1 = W1 x + b1`, `a1 = phi(z1)`
- `z2 = W2 a1 + b2`, `ŷ = g(z2)`

"""
GIVEN = "`x = [2, 1]`, `y = 1`, `W1 = [[0.3, 0.1], [0.2, 0.4]]`, `b1 = [0, 0]`, `W2 = [[0.5, 0.6]]`, `b2 = 0`\n\n"
LINEAR = "`z1 = [0.7, 0.8]`, `a1 = [0.7, 0.8]`, `ŷ = 0.83`\n\n"
CURVED = "`a1 = [0.6682, 0.6900]`, `ŷ = 0.6788`\n"


def judged(text: str) -> list[tuple[str, str]]:
    return [(c.source, c.verdict) for c in check_homework(NET + text).claims if c.kind == "number"]


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("hidden activation: tanh, output activation: linear", [("hidden", "tanh"), ("output", "identity")]),
        ("sigmoid at hidden and output", [("hidden", "sigmoid"), ("output", "sigmoid")]),
        ("relu hidden units and a linear output unit", [("hidden", "relu"), ("output", "identity")]),
        ("a linear combination of the hidden units", []),
        ("hidden and output units, tanh and sigmoid", []),
    ],
)
def test_roles_and_kinds(text: str, pairs: list[tuple[str, str]]) -> None:
    assert list(_pairs(text)) == pairs


def test_each_section_has_its_own_activations() -> None:
    one = "## One\n\nHidden activation: linear, output activation: linear.\n\n" + GIVEN + LINEAR
    two = "## Two\n\nThe same, but sigmoid at hidden and output units.\n\n" + CURVED
    assert {v for _, v in judged(one + two)} == {"correct"}


def test_a_slip_in_a_section_stays_wrong() -> None:
    one = "## One\n\nHidden activation: linear, output activation: linear.\n\n" + GIVEN + LINEAR.replace("0.83", "0.93")
    two = "## Two\n\nThe same, but sigmoid at hidden and output units.\n\n" + CURVED.replace("0.6788", "0.6988")
    assert [s for s, v in judged(one + two) if v == "wrong"] == ["ŷ = 0.93", "ŷ = 0.6988"]


def test_one_saying_holds_everywhere() -> None:
    inference = Inference(read(NET + "Hidden units are tanh, the output unit is linear.\n"))
    inference.run()
    assert inference.functions == {"phi": "tanh", "g": "identity"}


def test_what_is_only_supposed_says_nothing() -> None:
    inference = Inference(read(NET + "If the hidden units were tanh units, the output unit could be linear.\n"))
    assert sayings_of(inference) == []
