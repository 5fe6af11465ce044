"""Values as text: what reads, what it comes to, and one clear error for everything else."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symderiv import examples, parse_model
from symderiv.errors import LocatedError, ModelError, SymderivError
from symderiv.textbook.values import given_values, parse_values, read_values

WORKSHEET = examples.load("worksheet")
NUMBERS = "x = [[2], [5]]\ny = 1\nW1 = [[-1, 2], [-2, 1], [1, 4]]\nW2 = [[1], [2], [-4]]\n"
F = Fraction


def test_the_worksheet_reads():
    values = parse_values(NUMBERS + "rate = 2", WORKSHEET)
    assert values.sizes == {"d": 2, "h": 2} and values.rate == 2 and not values.overrides
    assert values.inputs["W2"] == ((F(1),), (F(2),), (F(-4),))


@pytest.mark.parametrize(
    "text",
    [
        "x = [2, 5]; y = [1]; W1 = np.array([[-1, 2], [-2, 1], [1, 4]]); W2 = [1, 2, -4]",
        "x = (2, 5,)\ny = [[1]]\nW1 = array([[-1, -2, 1], [2, 1, 4]]).T\nW2 = numpy.array([[1], [2], [-4.0]], dtype=float)",
        '"""Notes."""\nx = [4/2, 10/2]  # a comment\ny = +1\nW1 = [\n  [-1, 2],\n  [-2, 1],\n  [1, 4],\n]\nW2 = [1, 2, -4]',
    ],
)
def test_the_same_written_otherwise(text):
    assert parse_values(text, WORKSHEET).inputs == parse_values(NUMBERS, WORKSHEET).inputs


def test_decimals_are_fractions_and_arrays_are_read():
    model = parse_model("x: (n, d); w: (d, 1)\nlam: hyper\nJ = sum((x @ w)**2) * lam")
    values = given_values({"x": np.array([[0.1, 2], [3, 4]]), "w": [0.5, 1], "lam": np.float64(0.1)}, model)
    assert values.inputs["x"][0] == (F(1, 10), F(2)) and values.hypers == {"lam": F(1, 10)}
    assert values.sizes == {"n": 2, "d": 2}


def test_a_flat_list_takes_its_axis_from_the_other_values():
    model = parse_model("X: (n, d); W: (d, o)\nJ = sum((X @ W)**2)")
    assert parse_values("W = [1, 2]\nX = [[1, 2], [3, 4]]\no = 1", model).inputs["W"] == ((F(1),), (F(2),))
    with pytest.raises(LocatedError, match="does not say whether it is a row or a column"):
        parse_values("W = [1, 2]\nX = [[1, 2], [3, 4]]", model)


def test_a_computed_quantity_can_be_given_and_lines_can_be_replaced():
    values = parse_values(NUMBERS, WORKSHEET, settings=["beta1 = [0.5, 0.999]", "y = 0; rate = 1/2"])
    assert values.overrides == {"beta1": ((F(1, 2),), (F(999, 1000),))}
    assert values.inputs["y"] == ((F(0),),) and values.rate == F(1, 2)


def test_numbers_in_shapes_and_sizes_without_a_matrix():
    model = parse_model("X: (n, 784); w: (784, 1)\nJ = mean((X @ w)**2)")
    with pytest.raises(ModelError, match=r"784 ≠ 2|784"):
        parse_values("X = [[1, 2]]\nw = [1, 2]", model)
    loose = parse_model("x: (1, d); w: (1, 1); unused: data(n, d)\nJ = sum(x * w) / n")
    with pytest.raises(ModelError, match="no value tells the size n"):
        parse_values("x = [1, 2]\nw = 3", loose)
    assert parse_values("x = [1, 2]\nw = 3\nn = 4", loose).sizes["n"] == 4


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (NUMBERS.replace("[1, 4]]", "[1, 4], [0, 0]]"), r"W1: \(d\+1, h\) is 4 × 2 \(line 3\)\n  x: \(d, 1\) is 2 × 1 \(line 1\)\n  d\+1 = 3 ≠ 4"),
        (NUMBERS.replace("[[-1, 2], [-2, 1], [1, 4]]", "[[-1, -2, 1], [2, 1, 4]]"), "its transpose would fit: add .T"),
        (NUMBERS.replace("[[-1, 2], [-2, 1], [1, 4]]", "[[1, 2]]"), "d\\+1 = 3 ≠ 1: give W1 3 rows"),
        (NUMBERS.replace("y = 1", "y = [1, 2]"), "give y 1 column|give y 1 row"),
        (NUMBERS.replace("y = 1\n", ""), "no value for y"),
        (NUMBERS + "w1 = 3", "the model has no w1\n  did you mean W1"),
        (NUMBERS + "y = 2", r"y is given twice \(line 2\)"),
        (NUMBERS + "rate = 2\neta = 3", "learning rate is given twice"),
        (NUMBERS + "rate = [1, 2]", "rate is a single number"),
        (NUMBERS + "d = 3", "d is 3 by its own line"),
        (NUMBERS + "d = 0", "d is a size"),
        (NUMBERS + "beta1 = [1, 2, 3]", "the sizes do not fit"),
        ("x = nan", "finite number"),
        ("x = [1, np.inf]", "finite number"),
        ("x = 1e999", "finite number"),
        ("x = 1e300", "too large or too small"),
        ("x = " + "9" * 60, "too large"),
        ("x = 1/0", "division by zero"),
        (NUMBERS.replace("[[2], [5]]", "[[1, 2], [3]]"), "row 1 has 2 number\\(s\\), row 2 has 1"),
        (NUMBERS.replace("[[2], [5]]", "[[1, 2], 3]"), "mixes numbers and rows"),
        ("x = [[[1]]]", "nested too deeply"),
        ("x = []", "this list is empty"),
        ("x = [True]", "this is not a number"),
        ("x = 'text'", "this is not a number"),
        ("x = y", "this is not a number"),
        ("x = 2 ** 9 ** 9", "this is not a number"),
        ("x = __import__('os').system('true')", "this is not a number"),
        ("x = [i for i in range(9)]", "this is not a number"),
        ("x, y = 1, 2", "not a line of values"),
        ("import os", "not a line of values"),
        ("x = [1, 2", "not a line of values"),
        ("x = " + "(" * 5000, "nested more than 60 deep"),
        ("x = " + "-" * 50_000 + "1", "nested too deeply|nested more|too many"),
        ("x = [" + "1," * 20_000 + "]", "more than 10000 numbers"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_one_clear_error(text, says):
    with pytest.raises(ModelError, match=says) as error:
        parse_values(text, WORKSHEET, "sheet.values")
    assert "sheet.values" in str(error.value)


def test_targets_of_a_softmax_must_sum_to_one():
    model = parse_model("x: (1, d); Y: (1, d); w: (1, d)\nA = softmax(x * w, axis=1)\nJ = -sum(Y * log(A))")
    with pytest.raises(LocatedError, match="each row of Y must sum to 1, row 1 sums to 3"):
        parse_values("x = [1, 2]\nY = [1, 2]\nw = [1, 1]", model)


@pytest.mark.parametrize(
    "value", [{"x": "text"}, {"x": [[[1]]]}, {"x": float("nan")}, {"x": []}, {1: 2}, {"x": True}, {"x": 1j}]
)
def test_python_values_that_are_no_numbers_are_refused(value):
    with pytest.raises(ModelError):
        given_values(value, WORKSHEET)


def test_too_many_numbers_to_follow_are_refused():
    model = parse_model("x: (n, 1); w: (1, 1)\nJ = sum(((x * w) @ (x * w).T)**2)")
    with pytest.raises(ModelError, match="too many numbers to follow"):
        parse_values(f"x = {list(range(1, 1001))}\nw = 1", model)


def test_a_file_that_is_no_text(tmp_path):
    (tmp_path / "a.values").write_bytes(b"x = \xff")
    with pytest.raises(ModelError, match="is not text"):
        read_values(tmp_path / "a.values", WORKSHEET)
    with pytest.raises(ModelError, match="cannot read"):
        read_values(tmp_path / "none.values", WORKSHEET)


PIECES = st.sampled_from(
    ["x", "y", "W1", "W2", "beta1", "rate", "d", " = ", "=", "[", "]", "[[", "]]", "(", ")", ",", ", ", "1", "2.5", "-", "/", "1e9", ".T",
     "np.array", "np", ".", "\n", ";", "#", "'", "\\", "nan", "__import__('os')", "lambda: 0", "*", "**", ":", "\0", "é", "{", "}", "if 1: "]
)  # fmt: skip


@settings(max_examples=300)
@given(st.lists(PIECES, max_size=30).map("".join) | st.text(max_size=60), st.lists(st.text(max_size=20), max_size=1))
def test_no_text_crashes_the_reader(text, more):
    try:
        parse_values(text, WORKSHEET, settings=more)
    except SymderivError as error:
        assert str(error)


def test_nothing_is_executed(monkeypatch):
    def ran(*args, **options):
        raise AssertionError("executed")

    for name in ("eval", "exec", "__import__"):
        monkeypatch.setattr(f"builtins.{name}", ran)
    with pytest.raises(LocatedError):
        parse_values("x = __import__('os')", WORKSHEET)


@pytest.mark.parametrize("name", examples.names())
def test_values_of_examples_fit_their_models(name):
    values = examples.find(name).values()
    assert (values is not None) == examples.find(name).values_path.exists()
