"""Formulas of the proofs as small trees: shapes, values (NumPy alone) and texts. No part of symderiv is used.

`expressions.py` knows what a writer of homework writes; a disguise needs more (quotients, powers, exponentials, rows of ones),
so this is a second little language. Shapes are symbolic, `("h", "n")`; a plain number has none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from fractions import Fraction

import numpy as np

Shape = tuple[str, str]
SCALAR: Shape = ("1", "1")


class Nonconforming(Exception):
    """The shapes of a product or sum do not fit as it is written."""


@dataclass(frozen=True)
class Node:
    """A node; parts are other nodes."""


@dataclass(frozen=True)
class Num(Node):
    """A number; `text` if its digits matter."""

    value: Fraction
    text: str = ""


@dataclass(frozen=True)
class Size(Node):
    """A size as a number, such as the n of 1/n."""

    name: str


@dataclass(frozen=True)
class Var(Node):
    """A quantity of the model."""

    name: str


@dataclass(frozen=True)
class Grad(Node):
    """The derivative of the loss by a quantity, by its name."""

    name: str


@dataclass(frozen=True)
class Ones(Node):
    """A column of ones, or a row."""

    size: str
    row: bool


@dataclass(frozen=True)
class T(Node):
    """Transpose."""

    body: Node


@dataclass(frozen=True)
class Mat(Node):
    """Matrix product."""

    left: Node
    right: Node


@dataclass(frozen=True)
class Had(Node):
    """Elementwise product."""

    left: Node
    right: Node


@dataclass(frozen=True)
class Div(Node):
    """Elementwise quotient."""

    top: Node
    bottom: Node


@dataclass(frozen=True)
class Add(Node):
    """Sum; a difference is the sum with a Neg. A number goes with anything."""

    left: Node
    right: Node


@dataclass(frozen=True)
class Neg(Node):
    """Minus."""

    body: Node


@dataclass(frozen=True)
class Scale(Node):
    """A number, or a 1 x 1 matrix, before anything."""

    by: Node
    body: Node


@dataclass(frozen=True)
class Fn(Node):
    """A function of each entry; softmax down the rows."""

    name: str
    body: Node


@dataclass(frozen=True)
class Pow(Node):
    """A whole power of each entry."""

    body: Node
    power: int


@dataclass(frozen=True)
class Total(Node):
    """The sum of all entries."""

    body: Node


@dataclass(frozen=True)
class Augment(Node):
    """A row of ones put before."""

    body: Node


@dataclass(frozen=True)
class Drop(Node):
    """The first row left out."""

    body: Node


def sigmoid(z: np.ndarray) -> np.ndarray:
    """The logistic function, of complex numbers too."""
    return 1 / (1 + np.exp(-z))


def softmax(z: np.ndarray) -> np.ndarray:
    """Shares down the rows."""
    e = np.exp(z)
    return e / e.sum(axis=0, keepdims=True)


FUNCTIONS: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {
    "sigmoid": sigmoid, "sigmoid'": lambda z: sigmoid(z) * (1 - sigmoid(z)), "tanh": np.tanh, "tanh'": lambda z: 1 - np.tanh(z) ** 2,
    "sech": lambda z: 1 / np.cosh(z), "exp": np.exp, "log": np.log, "softmax": softmax,
}  # fmt: skip


def parts(node: Node) -> dict[str, Node]:
    """The parts of a node by their field."""
    return {f.name: part for f in fields(node) if isinstance(part := getattr(node, f.name), Node)}


def rebuilt(node: Node, new: Mapping[str, Node]) -> Node:
    """The node with some parts replaced."""
    return type(node)(**{f.name: new.get(f.name, getattr(node, f.name)) for f in fields(node)})


Path = tuple[str, ...]


def places(node: Node, path: Path = ()) -> Iterator[tuple[Path, Node]]:
    """Every node with the way to it, the top first."""
    yield path, node
    for name, part in parts(node).items():
        yield from places(part, (*path, name))


def replaced(node: Node, path: Path, new: Node) -> Node:
    """The tree with the node at a place replaced."""
    if not path:
        return new
    return rebuilt(node, {path[0]: replaced(parts(node)[path[0]], path[1:], new)})


def number(value: int | Fraction) -> Num:
    """A whole number or a fraction."""
    return Num(Fraction(value))


def minus(left: Node, right: Node) -> Node:
    """left - right."""
    return Add(left, Neg(right))


ONE, TWO = number(1), number(2)


def shape_of(node: Node, shapes: Mapping[str, Shape]) -> Shape | None:
    """The symbolic shape, None for a plain number.

    Raises: Nonconforming.
    """

    def of(part: Node) -> Shape | None:
        return shape_of(part, shapes)

    match node:
        case Num() | Size():
            return None
        case Var(name) | Grad(name):
            return shapes[name]
        case Ones(size, row):
            return ("1", size) if row else (size, "1")
        case T(body):
            shape = of(body)
            return shape and shape[::-1]
        case Mat(left, right):
            a, b = of(left), of(right)
            if a is None or b is None or a[1] != b[0]:
                raise Nonconforming(f"{a} times {b}")
            return a[0], b[1]
        case Had(a, b) | Div(a, b) | Add(a, b):
            one, other = of(a), of(b)
            if one is not None and other is not None and one != other:
                raise Nonconforming(f"{one} with {other}")
            return one or other
        case Neg(body) | Fn(_, body) | Pow(body, _):
            return of(body)
        case Scale(by, body):
            if of(by) not in (None, SCALAR):
                raise Nonconforming("scaled by a matrix")
            return of(body) or of(by)
        case Total(body):
            of(body)
            return SCALAR
        case Augment(body):
            shape = of(body)
            assert shape
            return shape[0] + "+1", shape[1]
        case Drop(body):
            shape = of(body)
            if shape is None or not shape[0].endswith("+1"):
                raise Nonconforming("no row of ones to leave out")
            return shape[0].removesuffix("+1"), shape[1]
    raise TypeError(node)


@dataclass(frozen=True)
class Point:
    """Values of the names, of derivatives, and of the sizes."""

    values: Mapping[str, np.ndarray]
    grads: Mapping[str, np.ndarray]
    sizes: Mapping[str, int]

    def of(self, node: Node) -> np.ndarray:
        """The value; shapes have been checked by `shape_of`, so that broadcasting hides nothing."""
        match node:
            case Num(value):
                return np.array(float(value))
            case Size(name):
                return np.array(float(self.sizes[name]))
            case Var(name):
                return self.values[name]
            case Grad(name):
                return self.grads[name]
            case Ones(size, row):
                return np.ones((1, self.sizes[size]) if row else (self.sizes[size], 1))
            case T(body):
                return self.of(body).T
            case Mat(left, right):
                return self.of(left) @ self.of(right)
            case Had(left, right) | Scale(left, right):
                return self.of(left) * self.of(right)
            case Div(top, bottom):
                return self.of(top) / self.of(bottom)
            case Add(left, right):
                return self.of(left) + self.of(right)
            case Neg(body):
                return -self.of(body)
            case Fn(name, body):
                return FUNCTIONS[name](self.of(body))
            case Pow(body, power):
                return self.of(body) ** power
            case Total(body):
                return self.of(body).sum().reshape(1, 1)
            case Augment(body):
                value = self.of(body)
                return np.vstack([np.ones((1, value.shape[1])), value])
            case Drop(body):
                return self.of(body)[1:]
        raise TypeError(node)
