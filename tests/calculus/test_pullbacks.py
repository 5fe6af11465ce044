"""Each pullback against central differences at pairwise distinct sizes; a factor 2 planted in each is caught."""

from __future__ import annotations

import pytest
import sympy
from oracles import pullback_error

from symderiv.calculus.expressions import (
    Augment,
    Broadcast,
    DropFirst,
    Fill,
    Map,
    MatMul,
    Softmax,
    Sum,
    Symbol,
    Transpose,
    call,
)  # fmt: skip
from symderiv.calculus.functions import FUNCTIONS, opaque, placeholder
from symderiv.calculus.pullbacks import PULLBACKS
from symderiv.calculus.shapes import size_of
from symderiv.oracles.evaluation import Point

import numpy as np  # isort: skip

A, B = Symbol("A", ("n", "d"), "parameter"), Symbol("B", ("d", "h"), "parameter")
C, row, column = (
    Symbol(name, shape, "parameter") for name, shape in (("C", ("n", "d")), ("r", (1, "d")), ("c", ("n", 1)))
)
x0, x1 = placeholder(0), placeholder(1)
SHAPE = (size_of("n"), size_of("d"))

NODES = {
    "matmul": MatMul(A, B),
    "transpose": Transpose(A),
    "map": Map(x0 * sympy.tanh(x1) + x1**2 / (2 + x0**2), (A, C)),
    "sum rows": Sum(A, 0),
    "sum columns": Sum(A, 1),
    "broadcast row": Broadcast(row, SHAPE),
    "broadcast column": Broadcast(column, SHAPE),
    "softmax rows": Softmax(A, 1),
    "softmax columns": Softmax(A, 0),
    "augment rows": Augment(A, 0),
    "augment columns": Augment(A, 1),
    "drop first row": DropFirst(A, 0),
    "drop first column": DropFirst(A, 1),
    **{name: call(name, A) for name in FUNCTIONS if name != "log"},
    "leaky_relu of 1/3": call("leaky_relu", A, sympy.Rational(1, 3)),
    "huber of 1/3": call("huber", A, sympy.Rational(1, 3)),
    "log": call("log", call("exp", A) + 1),
    "opaque": Map(opaque("g")(x0), (A,)),
    "opaque slope": Map(opaque("g", 1)(x0), (A,)),
}  # fmt: skip


def point(seed: int = 0) -> Point:
    rng = np.random.default_rng(seed)
    sizes = {"n": 3, "d": 4, "h": 5}
    values = {s: rng.normal(size=[size.value(sizes) for size in s.shape]) for s in (A, B, C, row, column)}
    return Point(sizes, {}, values)


@pytest.mark.parametrize("name", NODES)
def test_pullback_agrees_with_differences(name):
    node = NODES[name]
    assert pullback_error(PULLBACKS[type(node)], node, point()) < 1e-8


@pytest.mark.parametrize("name", [n for n in NODES if n not in ("sign", "step")])  # their slope is 0, and 2 * 0 = 0
def test_a_factor_two_is_caught(name):
    node = NODES[name]

    def planted(Y_bar, node, Y):
        return tuple(2 * adjoint for adjoint in PULLBACKS[type(node)](Y_bar, node, Y))

    assert pullback_error(planted, node, point()) > 0.1


def test_a_diagonal_softmax_is_caught():
    def diagonal(Y_bar, node, Y):
        return (Y_bar * Y * (1 - Y),)

    assert pullback_error(diagonal, Softmax(A, 1), point()) > 0.01


def test_leaves_have_no_parts():
    assert PULLBACKS[Symbol](A, A, A) == PULLBACKS[Fill](A, Fill(1, SHAPE), A) == ()
