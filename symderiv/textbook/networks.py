"""The networks of the textbooks, in any of their conventions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import sympy

from symderiv.calculus.expressions import Augment, Expr, Softmax, Symbol, apply, call, total
from symderiv.calculus.functions import activations as named_activations
from symderiv.calculus.functions import opaque
from symderiv.calculus.model import Model
from symderiv.errors import ModelError
from symderiv.textbook.builder import Network

LAYOUTS = {
    "rows": "a sample a row: Z = X W + b",
    "columns": "a sample a column: Z = W X + b",
    "transposed": "a sample a column: Z = W^T X + b",
}
BIASES = ("separate", "augmented", "none")
SCALES = {
    "sum": "no factor",
    "half": "1/2",
    "mean": "1/n over n samples",
    "half-mean": "1/(2n) over n samples",
}
ACTIVATIONS = ("identity", *named_activations(), "softmax", "g")

Loss = Callable[[Expr, Symbol], Expr]


def squared_error(A: Expr, Y: Symbol) -> Expr:
    """Σ (A - Y)², over samples and outputs."""
    return total((A - Y) ** 2)


def log_loss(A: Expr, Y: Symbol) -> Expr:
    """-Σ [Y log A + (1 - Y) log(1 - A)], in nats."""
    return -total(Y * call("log", A) + (1 - Y) * call("log", 1 - A))


def cross_entropy(A: Expr, Y: Symbol) -> Expr:
    """-Σ Y log A, in nats."""
    return -total(Y * call("log", A))


def huber_loss(A: Expr, Y: Symbol) -> Expr:
    """Σ huber(A - Y) with the bound 1."""
    return total(call("huber", A - Y))


LOSSES: dict[str, Loss] = {
    "mse": squared_error,
    "log": log_loss,
    "cross-entropy": cross_entropy,
    "huber": huber_loss,
}


def two_layer(
    hidden: str = "sigmoid",
    output: str = "identity",
    loss: str = "mse",
    layout: str = "rows",
    bias: str = "separate",
    scale: str = "mean",
    *,
    batch: bool = True,
    outputs: int | str = "o",
    penalty: bool = False,
) -> Model:
    """A network with one hidden layer; arguments as in `layered`.

    >>> two_layer("tanh", "sigmoid", "log").loss.name
    'J'
    """
    return layered([hidden, output], loss, layout, bias, scale, batch=batch, outputs=outputs, penalty=penalty)


def layered(
    activations: Sequence[str],
    loss: str = "mse",
    layout: str = "rows",
    bias: str = "separate",
    scale: str = "mean",
    *,
    batch: bool = True,
    outputs: int | str = "o",
    penalty: bool = False,
) -> Model:
    """A network with one layer for each of `activations`, from the input to the output.

    activations: names in ACTIVATIONS; "g" is a function of which only the name is known.
    loss: a name in LOSSES, or several joined with "+"; scale: the factor in front (see SCALES).
    layout: see LAYOUTS; bias: "separate", "augmented" (in the weights, its ones first) or "none".
    batch: n samples, or one; outputs: the number of output units or its name; penalty: add (lambda/2) Σ W².
    Shapes, by rows: X (n, d), Y (n, o), W1 (d, h), b1 (1, h), ..., transposed in the other layouts.
    Raises: ModelError for a name that is not known, with the ones that are.
    """
    _known("layout", layout, LAYOUTS)
    _known("bias", bias, BIASES)
    _known("scale", scale, SCALES)
    for activation in activations:
        _known("activation", activation, ACTIVATIONS)
    if not activations:
        raise ModelError("a network needs at least one layer", "give the activation of each layer")
    if not batch and "mean" in scale:
        scale = "half" if scale == "half-mean" else "sum"
    net = Network()
    rows, n = layout == "rows", "n" if batch else 1
    widths: list[int | str] = ["d", *_hidden_names(len(activations) - 1), outputs]
    X, Y = (net.data(name, *_oriented(n, width, rows)) for name, width in (("X", widths[0]), ("Y", widths[-1])))
    weights: list[Symbol] = []
    A: Expr = X
    for layer, activation in enumerate(activations, 1):
        after = widths[layer]
        fan_in = A.shape[1 if rows else 0]
        if bias == "augmented":
            A, fan_in = Augment(A, 1 if rows else 0), fan_in + 1
        W = net.parameter(f"W{layer}", *((fan_in, after) if layout != "columns" else (after, fan_in)))
        weights.append(W)
        Z = A @ W if rows else W @ A if layout == "columns" else W.T @ A
        if bias == "separate":
            Z = Z + net.parameter(f"b{layer}", *_oriented(1, after, rows))
        Z = net.define(f"Z{layer}", Z)
        A = net.define(f"A{layer}", _activated(activation, Z, 1 if rows else 0))
    factor = {"sum": sympy.Integer(1), "half": sympy.Rational(1, 2)}.get(scale) or (
        1 / net.size("n") / (2 if scale == "half-mean" else 1)
    )
    terms = {name: _loss(name)(A, Y) * factor for name in loss.split("+")}
    if len(terms) > 1:
        named = [net.define(name.replace("-", ""), value) for name, value in terms.items()]
        J: Expr = sum(named[1:], start=named[0])
    else:
        J = next(iter(terms.values()))
    if penalty:
        strength = net.hyper("lam")
        J = J + sum((strength / 2 * total(W**2) for W in weights[1:]), start=strength / 2 * total(weights[0] ** 2))
    net.define("J", J)
    return net.model()


def _oriented(samples: int | str, width: int | str, rows: bool) -> tuple[int | str, int | str]:
    return (samples, width) if rows else (width, samples)


def _hidden_names(count: int) -> list[str]:
    return ["h"] if count == 1 else [f"h{k}" for k in range(1, count + 1)]


def _activated(name: str, Z: Symbol, axis: int) -> Expr:
    if name == "identity":
        return Z
    if name == "softmax":
        return Softmax(Z, axis)
    if name == "g":
        return apply(opaque("g"), Z)
    return call(name, Z)


def _loss(name: str) -> Loss:
    _known("loss", name, LOSSES)
    return LOSSES[name]


def _known(what: str, name: str, names: Any) -> None:
    if name not in names:
        raise ModelError(f"there is no {what} called {name!r}", f"there is {', '.join(names)}")
