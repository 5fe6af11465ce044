"""Random networks and expressions. A network is drawn from a seed, so that a failing one can be named and drawn again."""

from __future__ import annotations

import random

from hypothesis import strategies as st

from symderiv.calculus.expressions import (
    Augment,
    Broadcast,
    DropFirst,
    Fill,
    Map,
    Softmax,
    Sum,
    Symbol,
    Transpose,
    apply,
    call,
)
from symderiv.calculus.functions import placeholder
from symderiv.calculus.model import Model
from symderiv.calculus.shapes import broadcast, size_of
from symderiv.textbook.networks import BIASES, LAYOUTS, SCALES, layered

HIDDEN = ("sigmoid", "tanh", "relu", "leaky_relu", "softplus", "identity", "g")
OUTPUTS_BY_LOSS = {
    "mse": ("identity", "sigmoid", "tanh", "softmax", "g"),
    "log": ("sigmoid",),
    "cross-entropy": ("softmax", "sigmoid"),
    "huber": ("identity", "tanh"),
    "mse+cross-entropy": ("softmax", "sigmoid"),
    "mse+log": ("sigmoid",),
}


def random_network(seed: int) -> tuple[str, Model]:
    """A network of 1 to 4 layers in a random convention, and its name."""
    rng = random.Random(seed)
    loss = rng.choice(list(OUTPUTS_BY_LOSS))
    depth = 1 + seed % 4
    activations = [rng.choice(HIDDEN) for _ in range(depth - 1)] + [rng.choice(OUTPUTS_BY_LOSS[loss])]
    layout, bias, scale = rng.choice(list(LAYOUTS)), rng.choice(BIASES), rng.choice(list(SCALES))
    batch, penalty = rng.random() < 0.7, rng.random() < 0.3
    outputs = "o" if activations[-1] == "softmax" or rng.random() < 0.6 else 1
    name = f"{seed}: {'-'.join(activations)} {loss} {layout} {bias} {scale} batch={batch} penalty={penalty} o={outputs}"
    return name, layered(activations, loss, layout, bias, scale, batch=batch, outputs=outputs, penalty=penalty)


SYMBOLS = tuple(
    Symbol(name, shape, "parameter")
    for name, shape in {
        "A": ("n", "d"), "B": ("d", "h"), "C": ("n", "h"), "D": ("d", "n"), "r": (1, "h"), "c": ("n", 1), "s": (1, 1), "E": ("n", "d"),
    }.items()
)  # fmt: skip


def _grow(children):
    pair = st.tuples(children, children)
    return st.one_of(
        children.map(Transpose),
        st.tuples(children, st.sampled_from([0, 1])).map(lambda t: Sum(*t) if t[0].shape[t[1]].name else t[0]),
        st.tuples(children, st.sampled_from([0, 1])).map(lambda t: Softmax(*t)),
        st.tuples(children, st.sampled_from([0, 1])).map(lambda t: DropFirst(Augment(*t), t[1])),
        st.tuples(children, st.sampled_from(["tanh", "sigmoid", "softplus"])).map(lambda t: call(t[1], t[0])),
        st.tuples(children, st.sampled_from([2, -1, 3])).map(lambda t: t[1] * t[0]),
        pair.map(lambda t: t[0] @ t[1] if t[0].shape[1] == t[1].shape[0] else t[0]),
        pair.map(lambda t: t[0] @ t[1].T if t[0].shape[1] == t[1].shape[1] else t[1]),
        st.tuples(pair, st.sampled_from(["+", "-", "*", "/"])).map(lambda t: _combined(*t[0], t[1])),
    )


def _combined(a, b, operator):
    if broadcast(a.shape, b.shape) is None:
        return a
    if operator == "/":
        return apply(lambda x, y: x / (2 + y**2), a, b)
    return apply({"+": lambda x, y: x + y, "-": lambda x, y: x - y, "*": lambda x, y: x * y}[operator], a, b)


expressions = st.recursive(st.sampled_from(SYMBOLS), _grow, max_leaves=6)
"""Expressions over SYMBOLS, at most six leaves."""

_A, _Y, _r = Symbol("A", ("k", "m"), "parameter"), Symbol("Y", ("k", "m"), "data"), Symbol("r", (1, "m"), "parameter")
_a, _y = placeholder(0), placeholder(1)
REWRITE_CASES = {
    "product-with-ones": Fill(1, (size_of(1), size_of("k"))) @ _A,
    "constant-entries": Sum(Fill(3, _A.shape), 0),
    "sum-of-repeats": Sum(Broadcast(_r, _A.shape) * _A, 0),
    "softmax-sums-to-one": Sum(Softmax(_A, 0), 0),
    "push-transpose": _A.T.T,
    "pull-out-constant": Sum(3 * _A, 0),
    "cut-off-ones": DropFirst(Augment(_A, 0), 0),
    "scalar-calculus": Map((_a - _y) / (_a * (1 - _a)) + 1 / _a, (_A, _Y)),
}
"""For each rewrite, an expression on which it fires."""


class RandomProgram:
    """The text of a random model file: any shapes, any nesting, unlike any textbook network; for crashes and wrong rules."""

    FUNCTIONS = ("tanh", "sigmoid", "relu", "softplus", "g", "leaky_relu", "huber", "abs", "square")
    SCALED = (
        "2 * ({})",
        "-({})",
        "1 - ({})",
        "({})**2",
        "({})**3",
        "sqrt(1 + ({})**2)",
        "1 / (2 + ({})**2)",
        "log(1 + ({})**2)",
    )
    LOSSES = ("sum({})", "mean(({})**2)", "sum(({})**2) / 2", "sum(tanh({}))", "exp(-mean(({})**2))")

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.shapes: dict[str, tuple[str, str]] = {}
        pool = [
            "X",
            "Y",
            "y",
            "W1",
            "W2",
            "b1",
            "V",
            "theta",
            "w_out",
            "x0",
            "x1",
            "E",
            "I",
            "S",
            "beta1",
            "l",
            "i",
            "j",
        ]
        inputs = self.random.sample(pool, self.random.randint(2, 4))
        lines = []
        for name in inputs:
            self.shapes[name] = (self._size(), self._size())
            lines.append(f"{name}: data({', '.join(self.shapes[name])})")
        for name in ["Z1", "e", "A1", "p", "m1"][: self.random.randint(1, 4)]:
            text, shape = self._expression(self.random.randint(1, 3))
            lines.append(f"{name} = {text}")
            self.shapes[name] = shape
        terms = [
            self.random.choice(self.LOSSES).format(self._expression(2)[0])
            for _ in range(self.random.choice([1, 1, 2, 3]))
        ]
        self.text = "\n".join([*lines, "J = " + " + ".join(terms)])

    def _size(self) -> str:
        return self.random.choice(["n", "d", "h", "o", "1", "3", "784"])

    def _expression(self, depth: int) -> tuple[str, tuple[str, str]]:
        kind = self.random.random()
        if depth == 0 or kind < 0.15:
            name = self.random.choice(list(self.shapes))
            return name, self.shapes[name]
        a, (rows, columns) = self._expression(depth - 1)
        axis = self.random.choice([0, 1])
        if kind < 0.3:
            return f"{self.random.choice(self.FUNCTIONS)}({a})", (rows, columns)
        if kind < 0.4:
            return f"({a}).T", (columns, rows)
        if kind < 0.48:
            return f"softmax({a}, axis={axis})", (rows, columns)
        if kind < 0.56:
            return f"{self.random.choice(['sum', 'mean'])}({a}, axis={axis})", ("1", columns) if axis == 0 else (
                rows,
                "1",
            )
        if kind < 0.64:
            return self.random.choice(self.SCALED).format(a), (rows, columns)
        b, (other_rows, other_columns) = self._expression(depth - 1)
        sign = self.random.choice("+-*")
        if columns == other_rows and kind < 0.85:
            return f"({a}) @ ({b})", (rows, other_columns)
        if columns == other_columns and kind < 0.85:
            return f"({a}) @ ({b}).T", (rows, other_rows)
        if other_rows in ("1", rows) and other_columns in ("1", columns):
            return f"({a}) {sign} ({b})", (rows, columns)
        return a, (rows, columns)
