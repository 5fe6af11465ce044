"""To SymPy's matrix expressions and back gives the same values."""

from __future__ import annotations

import numpy as np
import pytest
import sympy
from hypothesis import given
from strategies import SYMBOLS, expressions

from symderiv import derive, two_layer
from symderiv.calculus.bridge import from_sympy, to_sympy
from symderiv.calculus.expressions import Augment, DropFirst, Softmax
from symderiv.errors import ModelError, ShapeError
from symderiv.oracles.evaluation import Point

SIZES = {"n": 2, "d": 3, "h": 4}


def has_block(expr):
    return isinstance(expr, (Augment, DropFirst, Softmax)) or any(map(has_block, expr.args))


@given(expressions)
def test_round_trip(expr):
    rng = np.random.default_rng(0)
    point = Point(SIZES, {}, {s: rng.normal(size=[size.value(SIZES) for size in s.shape]) for s in SYMBOLS})
    matrix = to_sympy(expr)
    assert tuple(matrix.shape) == tuple(size.to_sympy() for size in expr.shape)
    if has_block(expr):
        return
    back = from_sympy(matrix, {s.name: s.role for s in SYMBOLS})
    assert back.shape == expr.shape
    np.testing.assert_allclose(point.evaluate(back), point.evaluate(expr), rtol=1e-9, atol=1e-9)


def test_a_gradient_has_to_sympy():
    gradient = derive(two_layer("tanh", "identity", "mse", bias="none")).gradient("W1")
    assert gradient.to_sympy().shape == (
        sympy.Symbol("d", integer=True, positive=True),
        sympy.Symbol("h", integer=True, positive=True),
    )


def test_what_sympy_lets_pass_is_refused():
    n, o = sympy.symbols("n o", integer=True, positive=True)
    with pytest.raises(ShapeError):
        from_sympy(sympy.MatrixSymbol("A", n, n) * sympy.MatrixSymbol("B", o, n))


def test_unknown_nodes_are_named():
    with pytest.raises(ModelError, match="cannot read a SymPy"):
        from_sympy(sympy.Inverse(sympy.MatrixSymbol("A", 3, 3)))
