"""Networks of the homework: forward pass, loss, and derivatives by the complex step, in plain NumPy."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from .expressions import (
    Add,
    Coefficient,
    Diag,
    Div,
    Expr,
    Grad,
    Had,
    Key,
    Mul,
    Name,
    Neg,
    One,
    Slope,
    T,
    Total,
    Values,
    activate,
    minus,
    scaled,
)

LAYOUTS = ("Wx", "xW", "WTx", "xWT")
STEP = 1e-30


@dataclass(frozen=True)
class Network:
    """A feed-forward network; layer l maps A_{l-1} to A_l."""

    layout: str
    sizes: tuple[int, ...]
    activations: tuple[str, ...]
    bias: bool
    loss: str
    coefficient: Coefficient  # before the summed loss
    samples: int
    penalty: Coefficient | None = None  # before the sum of squares of the weights
    seed: int = 0

    @property
    def depth(self) -> int:
        """The number of layers with weights."""
        return len(self.activations)

    @property
    def columns(self) -> bool:
        """Whether samples are columns."""
        return self.layout in ("Wx", "WTx")

    @cached_property
    def parameters(self) -> dict[Key, np.ndarray]:
        """Random input, target and weights."""
        rng = np.random.default_rng(self.seed)
        found: dict[Key, np.ndarray] = {("A", 0): rng.normal(size=self._shape(self.sizes[0], self.samples))}
        for l, (n, k) in enumerate(zip(self.sizes, self.sizes[1:], strict=False), 1):
            found["W", l] = rng.normal(size=(k, n) if self.layout in ("Wx", "xWT") else (n, k)) * 1.4 / np.sqrt(n)
            if self.bias:
                found["b", l] = rng.normal(size=self._shape(k, 1)) * 0.5
        target = rng.uniform(0.2, 0.8, size=self._shape(self.sizes[-1], self.samples))
        if self.activations[-1] == "softmax":  # what holds for one-hot targets holds for any that add up to 1
            target = target / np.sum(target, axis=0 if self.columns else 1, keepdims=True)
        found["Y", 0] = target
        return found

    def _shape(self, units: int, samples: int) -> tuple[int, int]:
        return (units, samples) if self.columns else (samples, units)

    def linear(self, l: int) -> Expr:
        """The pre-activation of layer l as an expression."""
        w, a = Name(("W", l)), Name(("A", l - 1))
        product = {"Wx": Mul(w, a), "xW": Mul(a, w), "WTx": Mul(T(w), a), "xWT": Mul(a, T(w))}[self.layout]
        return Add(product, Name(("b", l))) if self.bias else product

    def forward(self, given: dict[Key, np.ndarray]) -> dict[Key, np.ndarray]:
        """All quantities; what is given is not computed, and may carry leading axes."""
        found = dict(given)
        for l in range(1, self.depth + 1):
            if ("Z", l) not in found:
                w, a = found["W", l], found["A", l - 1]
                flip = np.swapaxes(w, -1, -2)
                z = {"Wx": (w, a), "xW": (a, w), "WTx": (flip, a), "xWT": (a, flip)}[self.layout]
                found["Z", l] = np.matmul(*z) + found["b", l] if self.bias else np.matmul(*z)
            if ("A", l) not in found:
                found["A", l] = activate(self.activations[l - 1], found["Z", l], self.columns)
        return found

    def loss_of(self, found: dict[Key, np.ndarray]) -> np.ndarray:
        """The loss, one number for each leading index."""
        a, y = found["A", self.depth], found["Y", 0]
        match self.loss:
            case "mse":
                body = (a - y) ** 2
            case "log":
                body = -(y * np.log(a) + (1 - y) * np.log(1 - a))
            case "ce":
                body = -y * np.log(a)
            case _:
                body = (a - y) ** 2 / 2 - y * np.log(a)
        values = Values({}, {}, (), True, self.samples, LETTERS)
        total = values.number(self.coefficient) * np.sum(body, axis=(-1, -2))
        if self.penalty:
            for l in range(1, self.depth + 1):
                total = total + values.number(self.penalty) * np.sum(found["W", l] ** 2, axis=(-1, -2))
        return total

    @cached_property
    def values(self) -> Values:
        """All quantities and the derivatives of the loss by each, found by the complex step."""
        base = self.forward({k: v.astype(complex) for k, v in self.parameters.items()})
        grads = {key: self.gradient(key, base) for key in base if key != ("Y", 0)}
        arrays = {key: value.real for key, value in base.items()}
        return Values(arrays, grads, self.activations, self.columns, self.samples, LETTERS)

    def gradient(self, key: Key, base: dict[Key, np.ndarray]) -> np.ndarray:
        """dL/dkey, everything after `key` computed anew."""
        given = {k: base[k] for k in base if k[0] in "WbY" or k == ("A", 0)}
        for k in base:
            if k[0] in "ZA" and _order(k) < _order(key):
                given[k] = base[k]
        shape = base[key].shape
        steps = np.eye(shape[0] * shape[1]).reshape(-1, *shape) * 1j * STEP
        given[key] = base[key] + steps
        return (self.loss_of(self.forward(given)).imag / STEP).reshape(shape)

    def jacobian(self, top: Key, bottom: Key) -> np.ndarray:
        """d top / d bottom as an array with the axes of both."""
        base = self.forward({k: v.astype(complex) for k, v in self.parameters.items()})
        if top == ("L", 0):
            return self.gradient(bottom, base).reshape(1, 1, *base[bottom].shape)
        given = {k: base[k] for k in base if k[0] in "WbY" or k == ("A", 0)}
        given |= {k: base[k] for k in base if k[0] in "ZA" and _order(k) < _order(bottom)}
        shape = base[bottom].shape
        given[bottom] = base[bottom] + np.eye(shape[0] * shape[1]).reshape(-1, *shape) * 1j * STEP
        found = np.broadcast_to(self.forward(given)[top], (shape[0] * shape[1], *base[top].shape))
        return np.moveaxis(found.imag / STEP, 0, -1).reshape(*base[top].shape, *shape)


LETTERS = {"lambda": 0.37, "eta": 0.11}


def _order(key: Key) -> float:
    return {"A": 3 * key[1] + 2, "Z": 3 * key[1] + 1, "W": 3 * key[1], "b": 3 * key[1]}[key[0]]


# ---- the relations of the backward pass ---------------------------------------------------------------------------


def weight_gradient(net: Network, l: int) -> Expr:
    """dL/dW_l by dL/dZ_l, without penalty."""
    d, a = Grad(("Z", l)), Name(("A", l - 1))
    return {"Wx": Mul(d, T(a)), "xW": Mul(T(a), d), "WTx": Mul(a, T(d)), "xWT": Mul(T(d), a)}[net.layout]


def bias_gradient(net: Network, l: int) -> Expr:
    """dL/db_l by dL/dZ_l."""
    d = Grad(("Z", l))
    return Total(d) if net.samples > 1 else d


def input_gradient(net: Network, l: int) -> Expr:
    """dL/dA_{l-1} by dL/dZ_l."""
    d, w = Grad(("Z", l)), Name(("W", l))
    return {"Wx": Mul(T(w), d), "xW": Mul(d, T(w)), "WTx": Mul(w, d), "xWT": Mul(d, w)}[net.layout]


def output_gradient(net: Network, factor: Coefficient, split: bool) -> Expr:
    """dL/dA of the output; `factor` is the coefficient of the loss as this line takes it."""
    a, y = Name(("A", net.depth)), Name(("Y", 0))
    if net.loss == "mse":
        return scaled(factor.times(2), minus(a, y))
    if net.loss == "log":
        one_a, one_y = minus(One(), a), minus(One(), y)
        if split:
            return scaled(factor, Add(Neg(Div(y, a)), Div(one_y, one_a)))
        return scaled(factor, Div(minus(a, y), Had(a, one_a)))
    if net.loss == "ce":
        return scaled(factor, Neg(Div(y, a))) if not factor.is_one else Neg(Div(y, a))
    return scaled(factor, minus(minus(a, y), Div(y, a)))


def combined_output(net: Network, factor: Coefficient) -> Expr | None:
    """dL/dZ of the output in one step, where activation and loss meet nicely."""
    a, y, last = Name(("A", net.depth)), Name(("Y", 0)), net.activations[-1]
    d = minus(a, y)
    if (net.loss, last) in (("log", "sigmoid"), ("ce", "softmax")):
        return scaled(factor, d)
    if last == "softmax" and net.loss in ("mse", "mse+ce") and net.samples == 1:
        jacobian = minus(Diag(a), Mul(a, T(a)) if net.columns else Mul(T(a), a))
        through = Mul(jacobian, d) if net.columns else Mul(d, jacobian)
        if net.loss == "mse":
            return scaled(factor.times(2), through)
        return scaled(factor, Add(d, through))
    if last == "softmax":
        return None
    if net.loss == "mse":
        if last == "identity":
            return scaled(factor.times(2), d)
        return Had(scaled(factor.times(2), d), Slope(net.depth, net.depth))
    return None


def activation_step(net: Network, l: int) -> Expr:
    """dL/dZ_l by dL/dA_l, for an elementwise activation."""
    if net.activations[l - 1] == "identity":
        return Grad(("A", l))
    return Had(Grad(("A", l)), Slope(l, l))


def taken_later(net: Network) -> Values:
    """The values in a document that takes 1/m only in the gradients of the parameters."""
    values = net.values
    grads = {k: g * net.samples if k[0] in "ZA" else g for k, g in values.grads.items()}
    return replace(values, grads=grads)
