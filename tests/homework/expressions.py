"""Right sides of homework as small trees, with their value: no part of symderiv is used, so that the two can disagree."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from fractions import Fraction

import numpy as np

Key = tuple[str, int]  # ("W", 1), ("Z", 2), ("A", 0) is the input, ("Y", 0) the target, ("L", 0) the loss


class Nonconforming(Exception):
    """The sizes of a product or sum do not fit as it is written."""


@dataclass(frozen=True)
class Coefficient:
    """A number, over the number of samples or not, times a letter such as the strength of the penalty."""

    number: Fraction = Fraction(1)
    per_sample: bool = False
    letter: str = ""

    def times(self, number: Fraction | int) -> Coefficient:
        """The coefficient with its number multiplied."""
        return replace(self, number=self.number * number)

    @property
    def is_one(self) -> bool:
        """Whether nothing would be written."""
        return self.number == 1 and not self.per_sample and not self.letter


@dataclass(frozen=True)
class Expr:
    """A node; parts are other nodes."""


@dataclass(frozen=True)
class Name(Expr):
    """A quantity of the network."""

    key: Key


@dataclass(frozen=True)
class Grad(Expr):
    """The derivative of the loss by a quantity, under the name that the document gives it."""

    key: Key


@dataclass(frozen=True)
class Stranger(Expr):
    """A name that nobody defined."""

    text: str


@dataclass(frozen=True)
class One(Expr):
    """The number 1 beside something of any shape."""


@dataclass(frozen=True)
class T(Expr):
    """Transpose."""

    body: Expr


@dataclass(frozen=True)
class Mul(Expr):
    """Matrix product."""

    left: Expr
    right: Expr


@dataclass(frozen=True)
class Had(Expr):
    """Elementwise product."""

    left: Expr
    right: Expr


@dataclass(frozen=True)
class Div(Expr):
    """Elementwise quotient."""

    top: Expr
    bottom: Expr


@dataclass(frozen=True)
class Add(Expr):
    """Sum; a difference is the sum with a Neg."""

    left: Expr
    right: Expr


@dataclass(frozen=True)
class Neg(Expr):
    """Minus."""

    body: Expr


@dataclass(frozen=True)
class Scale(Expr):
    """A coefficient before an expression."""

    by: Coefficient
    body: Expr


@dataclass(frozen=True)
class Slope(Expr):
    """g'(z): the slope of the activation of `layer` at the pre-activation of `at` (another layer in a mistake)."""

    layer: int
    at: int
    of_activation: bool = False  # a mistake: g'(a)


@dataclass(frozen=True)
class Act(Expr):
    """g(z), the activation itself."""

    layer: int
    at: int


@dataclass(frozen=True)
class Total(Expr):
    """Sum over the samples; over everything if `all`."""

    body: Expr
    everything: bool = False


@dataclass(frozen=True)
class Diag(Expr):
    """The diagonal matrix of a vector."""

    body: Expr


def minus(left: Expr, right: Expr) -> Expr:
    """left - right."""
    return Add(left, Neg(right))


def scaled(by: Coefficient, body: Expr) -> Expr:
    """The product, without a factor of one."""
    return body if by.is_one else Scale(by, body)


def rewrite(expr: Expr, change: Callable[[Expr], Expr | None]) -> Expr:
    """The tree with every node that `change` answers for replaced, from the top."""
    changed = change(expr)
    if changed is not None:
        return changed
    parts = {f.name: getattr(expr, f.name) for f in fields(expr)}
    new = {name: rewrite(part, change) if isinstance(part, Expr) else part for name, part in parts.items()}
    return type(expr)(**new) if new != parts else expr


def nodes(expr: Expr) -> list[Expr]:
    """All nodes, the top first."""
    found = [expr]
    for f in fields(expr):
        part = getattr(expr, f.name)
        if isinstance(part, Expr):
            found += nodes(part)
    return found


def replace_first(expr: Expr, old: Expr, new: Expr) -> Expr:
    """The tree with one occurrence replaced."""
    done = False

    def change(node: Expr) -> Expr | None:
        nonlocal done
        if not done and node == old:
            done = True
            return new
        return None

    return rewrite(expr, change)


def substitute(expr: Expr, values: Mapping[Key, Expr]) -> Expr:
    """The tree with derivatives replaced by what the writer found for them."""
    return rewrite(expr, lambda node: values.get(node.key) if isinstance(node, Grad) else None)


FUNCTIONS: dict[str, tuple[Callable, Callable]] = {
    "sigmoid": (lambda z: 1 / (1 + np.exp(-z)), lambda z: np.exp(-z) / (1 + np.exp(-z)) ** 2),
    "tanh": (np.tanh, lambda z: 1 - np.tanh(z) ** 2),
    "relu": (lambda z: np.where(z.real > 0, z, 0), lambda z: np.where(z.real > 0, 1.0, 0.0)),
    "softplus": (lambda z: np.log(1 + np.exp(z)), lambda z: 1 / (1 + np.exp(-z))),
    "identity": (lambda z: z, np.ones_like),
    # whatever holds for an activation that is only called g holds for this one
    "g": (lambda z: 0.7 * z + 0.4 * np.sin(1.3 * z) + 0.2, lambda z: 0.7 + 0.52 * np.cos(1.3 * z)),
}


@dataclass(frozen=True)
class Values:
    """What the letters stand for: arrays of the network, derivatives, and the numbers m, lambda, eta."""

    arrays: Mapping[Key, np.ndarray]
    grads: Mapping[Key, np.ndarray]
    activations: tuple[str, ...]
    columns: bool
    samples: int
    letters: Mapping[str, float]

    def of(self, expr: Expr) -> np.ndarray:
        """The value with sizes checked strictly; raises Nonconforming."""
        match expr:
            case Name(key):
                return self.arrays[key]
            case Grad(key):
                return self.grads[key]
            case Stranger():
                return np.array([[np.nan]])
            case One():
                return np.ones((1, 1))
            case T(body):
                return self.of(body).T
            case Neg(body):
                return -self.of(body)
            case Scale(by, body):
                return self.number(by) * self.of(body)
            case Mul(left, right):
                a, b = self.of(left), self.of(right)
                if a.shape[1] != b.shape[0]:
                    raise Nonconforming(f"{a.shape} times {b.shape}")
                return a @ b
            case Had(left, right):
                return _fit(self.of(left), self.of(right), np.multiply)
            case Div(left, right):
                return _fit(self.of(left), self.of(right), np.divide)
            case Add(left, right):
                return self._sum(self.of(left), self.of(right), isinstance(left, One) or isinstance(right, Neg | One))
            case Slope(layer, at, of_activation):
                return FUNCTIONS[self.activations[layer - 1]][1](self.arrays[("A" if of_activation else "Z", at)])
            case Act(layer, at):
                return activate(self.activations[layer - 1], self.arrays[("Z", at)], self.columns)
            case Total(body, everything):
                axis = None if everything else (1 if self.columns else 0)
                return np.sum(self.of(body), axis=axis, keepdims=True)
            case Diag(body):
                return np.diag(self.of(body).ravel())
        raise TypeError(expr)

    def number(self, by: Coefficient) -> float:
        """The value of a coefficient."""
        value = float(by.number) * (self.letters[by.letter] if by.letter else 1)
        return value / self.samples if by.per_sample else value

    def _sum(self, a: np.ndarray, b: np.ndarray, with_one: bool) -> np.ndarray:
        if a.shape == b.shape or (with_one and (1, 1) in (a.shape, b.shape)):
            return a + b
        bias = (a.shape[0], 1) if self.columns else (1, a.shape[1])
        if b.shape == bias:
            return a + b
        raise Nonconforming(f"{a.shape} plus {b.shape}")


def _fit(a: np.ndarray, b: np.ndarray, operation: Callable) -> np.ndarray:
    if a.shape != b.shape:
        raise Nonconforming(f"{a.shape} by {b.shape} elementwise")
    return operation(a, b)


def activate(function: str, z: np.ndarray, columns: bool) -> np.ndarray:
    """An activation, the softmax along the units."""
    if function == "softmax":
        e = np.exp(z)
        return e / np.sum(e, axis=-2 if columns else -1, keepdims=True)
    return FUNCTIONS[function][0](z)
