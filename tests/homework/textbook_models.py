"""The shipped examples once more, as trees of the proofs, with their gradients worked out by hand.

Values and derivatives are those of NumPy: forward pass and complex step. Nothing of symderiv is used, so that what its marker
says can be held against it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache

import numpy as np

from .trees import (
    ONE,
    SCALAR,
    TWO,
    Add,
    Augment,
    Div,
    Drop,
    Fn,
    Grad,
    Had,
    Mat,
    Neg,
    Node,
    Num,
    Ones,
    Point,
    Pow,
    Scale,
    Shape,
    Size,
    T,
    Total,
    Var,
    minus,
    number,
)  # fmt: skip

STEP = 1e-30
LETTERS = ("d", "h", "o", "n", "k", "m")
SIZES = (
    {"d": 3, "h": 4, "o": 2, "n": 5, "k": 3, "m": 6, "1": 1},
    {"d": 4, "h": 2, "o": 3, "n": 7, "k": 5, "m": 3, "1": 1},
)


@dataclass(frozen=True)
class Slope(Node):
    """The slope of an activation at z; `a` is its value. Written out in some way before anything else happens."""

    kind: str
    z: Node
    a: Node


@dataclass(frozen=True)
class Textbook:
    """A model and the right gradients; `targets`: data between 0 and 1, whose columns add up to 1 under a softmax."""

    name: str
    shapes: Mapping[str, Shape]
    equations: tuple[tuple[str, Node], ...]
    gradients: Mapping[str, Node]
    through: Mapping[str, Node] = field(default_factory=dict)  # the same by way of derivatives by intermediates
    targets: tuple[str, ...] = ()

    @property
    def loss(self) -> str:
        """The name of the loss."""
        return self.equations[-1][0]

    @property
    def defined(self) -> dict[str, Node]:
        """The definition of each name that has one."""
        return dict(self.equations)


def forward(
    model: Textbook,
    values: dict[str, np.ndarray],
    sizes: Mapping[str, int],
    changed: str = "",
    change: np.ndarray | None = None,
):
    """The values of all names; one of them may be pushed aside."""
    values = dict(values)
    if changed in values:
        values[changed] = values[changed] + change
    for name, tree in model.equations:
        values[name] = Point(values, {}, sizes).of(tree)
        if name == changed:
            values[name] = values[name] + change
    return values


def derivative(
    model: Textbook, values: dict[str, np.ndarray], sizes: Mapping[str, int], by: str, base: np.ndarray
) -> np.ndarray:
    """d loss / d by, entry by entry with a complex step."""
    out = np.zeros(base.shape)
    for at in np.ndindex(base.shape):
        change = np.zeros(base.shape, complex)
        change[at] = 1j * STEP
        out[at] = forward(model, values, sizes, by, change)[model.loss].imag.item() / STEP
    return out


@cache
def point(name: str, which: int) -> Point:
    """One of two generic points of a model, at sizes that are all different."""
    model, sizes = MODELS[name], dict(SIZES[which])
    sizes |= {f"{letter}+1": sizes[letter] + 1 for letter in LETTERS}
    rng = np.random.default_rng([which, len(name)])
    leaves = {k: rng.normal(0, 0.7, [sizes[d] for d in s]) for k, s in model.shapes.items() if k not in model.defined}
    for target in model.targets:
        share = rng.uniform(0.1, 0.9, leaves[target].shape)
        leaves[target] = share / share.sum(axis=0) if _has_softmax(model) else share
    values = forward(model, leaves, sizes)
    grads = {k: derivative(model, leaves, sizes, k, v) for k, v in values.items() if k != model.loss}
    return Point(values, grads, sizes)


def _has_softmax(model: Textbook) -> bool:
    return any(isinstance(tree, Fn) and tree.name == "softmax" for _, tree in model.equations)


def product(*factors: Node) -> Node:
    """A matrix product from the left."""
    out = factors[0]
    for factor in factors[1:]:
        out = Mat(out, factor)
    return out


def v(name: str) -> Var:
    return Var(name)


def _log_loss(y: Node, a: Node) -> Node:
    return Add(Had(y, Fn("log", a)), Had(minus(ONE, y), Fn("log", minus(ONE, a))))


ONE_SAMPLE = {
    "x": ("d", "1"), "y": SCALAR, "w1": ("h", "d"), "b1": ("h", "1"), "w2": ("1", "h"), "b2": SCALAR,
    "z1": ("h", "1"), "a1": ("h", "1"), "z2": SCALAR, "a2": SCALAR, "L": SCALAR,
}  # fmt: skip


def _one_sample(name: str, output: str, loss: Node, delta: Node, targets: tuple[str, ...] = ()) -> Textbook:
    """Two layers and one sample as a column."""
    first = (
        ("z1", Add(Mat(v("w1"), v("x")), v("b1"))),
        ("a1", Fn("sigmoid", v("z1"))),
        ("z2", Add(Mat(v("w2"), v("a1")), v("b2"))),
    )
    last = (("a2", Fn("sigmoid", v("z2"))),) if output else ()

    def backwards(delta2: Node, delta1: Node) -> dict[str, Node]:
        return {"w1": Mat(delta1, T(v("x"))), "b1": delta1, "w2": Mat(delta2, T(v("a1"))), "b2": delta2}

    def hidden(delta2: Node) -> Node:
        return Had(Mat(T(v("w2")), delta2), Slope("sigmoid", v("z1"), v("a1")))

    shapes = {k: s for k, s in ONE_SAMPLE.items() if output or k != "a2"}
    through = backwards(Grad("z2"), Grad("z1")) | {"b1": hidden(Grad("z2"))}
    return Textbook(name, shapes, (*first, *last, ("L", loss)), backwards(delta, hidden(delta)), through, targets)


def _regression_sigmoid() -> Textbook:
    error = minus(v("a2"), v("y"))
    return _one_sample(
        "regression-sigmoid", "sigmoid", Pow(error, 2), Scale(TWO, Had(error, Slope("sigmoid", v("z2"), v("a2"))))
    )


def _regression_linear() -> Textbook:
    error = minus(v("z2"), v("y"))
    return _one_sample("regression-linear", "", Pow(error, 2), Scale(TWO, error))


def _classification_sigmoid() -> Textbook:
    return _one_sample(
        "classification-sigmoid", "sigmoid", Neg(_log_loss(v("y"), v("a2"))), minus(v("a2"), v("y")), ("y",)
    )


def _linear_graph() -> Textbook:
    equations = (("u", Had(v("w"), v("x"))), ("f", Add(v("u"), v("b"))))
    shapes = dict.fromkeys("wxbuf", SCALAR)
    return Textbook("linear-graph", shapes, equations, {"w": v("x"), "x": v("w"), "b": ONE})


def _logistic_graph() -> Textbook:
    pairs = {"w0": "x", "w1": "y", "w2": "z"}
    terms = [Had(v(a), v(b)) for a, b in pairs.items()]
    equations = (("u", Add(Add(terms[0], terms[1]), terms[2])), ("J", Fn("sigmoid", v("u"))))
    slope = Slope("sigmoid", v("u"), v("J"))
    gradients = {a: Had(v(b), slope) for a, b in (pairs | {b: a for a, b in pairs.items()}).items()}
    through = {a: Had(Grad("u"), v(b)) for a, b in pairs.items()}
    return Textbook(
        "logistic-graph",
        dict.fromkeys(("w0", "w1", "w2", "x", "y", "z", "u", "J"), SCALAR),
        equations,
        gradients,
        through,
    )


def _linear_3_2_1() -> Textbook:
    shapes = {
        "x": ("1", "d"),
        "y": SCALAR,
        "W1": ("d", "h"),
        "W2": ("h", "1"),
        "h1": ("1", "h"),
        "y_hat": SCALAR,
        "E": SCALAR,
    }
    equations = (
        ("h1", Mat(v("x"), v("W1"))), ("y_hat", Mat(v("h1"), v("W2"))),
        ("E", Scale(number(Fraction(1, 2)), Pow(minus(v("y"), v("y_hat")), 2))),
    )  # fmt: skip
    error = minus(v("y_hat"), v("y"))
    gradients = {"W1": product(T(v("x")), error, T(v("W2"))), "W2": Mat(T(v("h1")), error)}
    through = {"W1": Mat(T(v("x")), Grad("h1")), "W2": Mat(T(v("h1")), Grad("y_hat"))}
    return Textbook("linear-3-2-1", shapes, equations, gradients, through)


def _batch(
    name: str, n: str, out: str, first: str, head: str, losses: tuple[tuple[str, Node], ...], delta2: Node
) -> Textbook:
    """A tanh layer and an output; samples are columns. delta2 is the derivative by Z2 times n."""
    shapes = {
        first: ("d", n), "Y": (out, n), "W1": ("h", "d"), "b1": ("h", "1"), "W2": (out, "h"), "b2": (out, "1"),
        "Z1": ("h", n), "A1": ("h", n), "Z2": (out, n), "A2": (out, n), **dict.fromkeys((k for k, _ in losses), SCALAR),
    }  # fmt: skip
    row = Ones(n, True)
    equations = (
        ("Z1", Add(Mat(v("W1"), v(first)), Mat(v("b1"), row))), ("A1", Fn("tanh", v("Z1"))),
        ("Z2", Add(Mat(v("W2"), v("A1")), Mat(v("b2"), row))), ("A2", Fn(head, v("Z2"))), *losses,
    )  # fmt: skip

    def backwards(delta2: Node, delta1: Node) -> dict[str, Node]:
        column = Ones(n, False)
        return {
            "W1": Mat(delta1, T(v(first))),
            "b1": Mat(delta1, column),
            "W2": Mat(delta2, T(v("A1"))),
            "b2": Mat(delta2, column),
        }

    def hidden(delta: Node) -> Node:
        return Had(Mat(T(v("W2")), delta), Slope("tanh", v("Z1"), v("A1")))

    mean = Div(ONE, Size(n))
    gradients = {k: Scale(mean, g) for k, g in backwards(delta2, hidden(delta2)).items()}
    return Textbook(name, shapes, equations, gradients, backwards(Grad("Z2"), hidden(Grad("Z2"))), ("Y",))


def _binary_classification() -> Textbook:
    loss = Neg(Scale(Div(ONE, Size("n")), Total(_log_loss(v("Y"), v("A2")))))
    return _batch("binary-classification", "n", "o", "X", "sigmoid", (("J", loss),), minus(v("A2"), v("Y")))


def _two_gaussians() -> Textbook:
    error = minus(v("A2"), v("Y"))
    mse = Scale(Div(ONE, Scale(TWO, Size("m"))), Total(Pow(error, 2)))
    ce = Neg(Scale(Div(ONE, Size("m")), Total(Had(v("Y"), Fn("log", v("A2"))))))
    share = product(Ones("k", False), Ones("k", True), Had(error, v("A2")))
    delta = Add(error, Had(v("A2"), minus(error, share)))
    return _batch("two-gaussians", "m", "k", "A0", "softmax", (("J", Add(mse, ce)),), delta)


def _worksheet() -> Textbook:
    shapes = {
        "x": ("d", "1"), "y": SCALAR, "W1": ("d+1", "h"), "W2": ("h+1", "1"), "alpha1": ("h", "1"), "beta1": ("h", "1"),
        "alpha2": SCALAR, "y_hat": SCALAR, "l": SCALAR,
    }  # fmt: skip
    equations = (
        ("alpha1", Mat(T(v("W1")), Augment(v("x")))), ("beta1", Fn("sigmoid", v("alpha1"))),
        ("alpha2", Mat(T(v("W2")), Augment(v("beta1")))), ("y_hat", Fn("sigmoid", v("alpha2"))),
        ("l", Scale(number(Fraction(1, 2)), Pow(minus(v("y"), v("y_hat")), 2))),
    )  # fmt: skip
    delta = Had(minus(v("y_hat"), v("y")), Slope("sigmoid", v("alpha2"), v("y_hat")))
    hidden = Had(Drop(Mat(v("W2"), delta)), Slope("sigmoid", v("alpha1"), v("beta1")))
    gradients = {"W1": Mat(Augment(v("x")), T(hidden)), "W2": Mat(Augment(v("beta1")), delta)}
    through = {"W1": Mat(Augment(v("x")), T(Grad("alpha1"))), "W2": Mat(Augment(v("beta1")), Grad("alpha2"))}
    return Textbook("worksheet", shapes, equations, gradients, through)


MODELS = {
    model.name: model
    for model in (
        _regression_sigmoid(), _regression_linear(), _classification_sigmoid(), _linear_graph(), _logistic_graph(), _linear_3_2_1(),
        _two_gaussians(), _worksheet(), _binary_classification(),
    )
}  # fmt: skip
CASES = [(name, wrt) for name, model in MODELS.items() for wrt in model.gradients]
__all__ = ["CASES", "MODELS", "Num", "Slope", "Textbook", "derivative", "forward", "point"]
