"""Shapes are checked when an expression is built; equal expressions are one object."""

from __future__ import annotations

import pickle

import pytest

from symderiv.calculus.expressions import Augment, Broadcast, Map, MatMul, Sum, Symbol, as_scalar, call, mean, total
from symderiv.calculus.functions import opaque, placeholder
from symderiv.calculus.shapes import Size, broadcast, size_of
from symderiv.errors import ShapeError

X, W = Symbol("X", ("n", "d"), "data"), Symbol("W", ("d", "h"), "parameter")
b = Symbol("b", (1, "h"), "parameter")


def test_sizes_are_canonical():
    assert Size("d") + 1 == Size("d", 1) and str(Size("d", 1)) == "d+1" and str(Size("", 3)) == "3"
    assert Size("d", 1).value({"d": 3}) == 4


@pytest.mark.parametrize(
    ("left", "right", "common"),
    [
        (("n", "h"), (1, "h"), ("n", "h")),
        (("n", "h"), ("n", 1), ("n", "h")),
        (("n", "h"), (1, 1), ("n", "h")),
        (("n", 1), (1, "n"), None),
        (("n", "h"), ("n", "d"), None),
    ],
)
def test_broadcasting(left, right, common):
    def shape(pair):
        return tuple(map(size_of, pair))

    assert broadcast(shape(left), shape(right)) == (shape(common) if common else None)


def test_equal_expressions_are_one_object():
    assert X @ W + b is X @ W + b
    assert X @ W is not W.T @ X.T


@pytest.mark.parametrize(
    "expr",
    [X @ W + b, call("sigmoid", X), Sum(Augment(X, 1), 0), mean(X**2), Map(opaque("g", 1)(placeholder(0)), (X,))],
)
def test_pickling_gives_the_same_object(expr):
    assert pickle.loads(pickle.dumps(expr)) is expr


def test_matmul_error_names_both_sides_and_the_way_out():
    with pytest.raises(ShapeError) as caught:
        MatMul(X, Symbol("V", ("h", "d"), "parameter"))
    text = str(caught.value)
    assert "X  (n, d)" in text and "V  (h, d)" in text and "d ≠ h" in text and "X @ V.T would fit" in text


def test_row_and_column_do_not_stretch_into_a_matrix():
    with pytest.raises(ShapeError, match="transpose one of them"):
        Symbol("a", ("n", 1), "value") - Symbol("y", (1, "n"), "data")


def test_repeated_arguments_are_merged():
    squared = X * X
    assert isinstance(squared, Map) and squared.args == (X,)


def test_text_is_not_a_scalar():
    with pytest.raises(TypeError):
        as_scalar("__import__('os')")  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        X * "2"


def test_mean_divides_by_the_number_of_entries():
    n, d = Size("n").to_sympy(), Size("d").to_sympy()
    assert mean(X) is total(X) / (n * d)


def test_broadcast_of_a_broadcast_is_one():
    once = Broadcast(b, (size_of("n"), size_of("h")))
    assert isinstance(once, Broadcast) and once.args == (b,)
