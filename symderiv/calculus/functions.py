"""Scalar functions: what they are and what their slopes are, one row each.

Elementwise work is a scalar SymPy expression in the placeholders x0, x1, ...; SymPy differentiates it. A function that
SymPy lacks is a row here: its definition in primitives (exp, log, step, ...), which the oracles evaluate, and its
slope through its own value (`sigmoid' = y (1 - y)`), which the derivation uses. The two are never computed from one
another, so a wrong slope is caught by every oracle.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, TypeAlias

import sympy

Scalar: TypeAlias = sympy.Expr


@cache
def placeholder(index: int) -> sympy.Symbol:
    """The stand-in for one entry of the argument number `index` (real, so that abs and powers simplify)."""
    return sympy.Symbol(f"x{index}", real=True)


def has_entries(scalar: Scalar) -> bool:
    """Whether a scalar depends on an entry of some matrix: of all symbols, placeholders alone are not known positive."""
    return any(not symbol.is_positive for symbol in scalar.free_symbols)


class Elementwise(sympy.Function):  # type: ignore[misc]
    """A scalar function known by its definition and its slope in the first argument (later ones are constants)."""

    is_real = True
    row: Callable[..., tuple[Scalar, Scalar]]
    defaults: tuple[Scalar, ...] = ()
    note = ""
    is_activation = False

    @property
    def definition(self) -> Scalar:
        """The value in primitives."""
        return type(self).row(self, *self.args)[0]

    def fdiff(self, argindex: int = 1) -> Scalar:
        """The slope; SymPy's `diff` calls this."""
        if argindex != 1:
            raise sympy.ArgumentIndexError(self, argindex)
        return type(self).row(self, *self.args)[1]


FUNCTIONS: dict[str, type[sympy.Function]] = {
    "exp": sympy.exp,
    "log": sympy.log,
    "tanh": sympy.tanh,
}


Row: TypeAlias = Callable[..., tuple[Scalar, Scalar]]


def elementwise(
    note: str = "", defaults: tuple[Scalar, ...] = (), *, activation: bool = False
) -> Callable[[Row], type[sympy.Function]]:
    """Make a row: the decorated function gets (y, x, ...) and returns (definition, slope).

    note: a caveat for readers; defaults: the constants after x where a caller gives none; activation: layers are made of it.
    """

    def register(row: Row) -> type[sympy.Function]:
        attributes: dict[str, Any] = {
            "row": staticmethod(row),
            "note": note,
            "defaults": defaults,
            "is_activation": activation,
            "__doc__": row.__doc__,
        }
        kind = type(row.__name__, (Elementwise,), attributes)
        kind.__module__ = __name__  # so that expressions that use it can be pickled
        FUNCTIONS[row.__name__] = kind
        return kind

    return register


@elementwise(activation=True)
def sigmoid(y: Scalar, x: Scalar) -> tuple[Scalar, Scalar]:
    """sigmoid(x) = 1 / (1 + e^-x), slope y (1 - y)."""
    return 1 / (1 + sympy.exp(-x)), y * (1 - y)


@elementwise("the slope at 0 is taken as 0")
def step(y: Scalar, x: Scalar) -> tuple[Scalar, Scalar]:
    """step(x) = 1 for x > 0, else 0; slope 0 (it has none at 0). A primitive of the oracles."""
    return y, sympy.Integer(0)


@elementwise("the sign at 0 is taken as -1")
def sign(y: Scalar, x: Scalar) -> tuple[Scalar, Scalar]:
    """sign(x) = 1 for x > 0, else -1; slope 0 (it has none at 0)."""
    return 2 * step(x) - 1, sympy.Integer(0)


@elementwise("the absolute value has no derivative at 0; -1 is taken there")
def absolute(y: Scalar, x: Scalar) -> tuple[Scalar, Scalar]:
    """absolute(x) = |x|, slope sign(x). Not SymPy's Abs, whose slope of a root is a matter of complex numbers."""
    return x * sign(x), sign(x)


@elementwise("ReLU has no derivative at 0; 0 is taken there", activation=True)
def relu(y: Scalar, x: Scalar) -> tuple[Scalar, Scalar]:
    """relu(x) = max(0, x), slope 1 where x > 0, else 0."""
    return x * step(x), step(x)


@elementwise(
    "leaky ReLU has no derivative at 0; the slope of the negative side is taken there",
    (sympy.Rational(1, 100),),
    activation=True,
)
def leaky_relu(y: Scalar, x: Scalar, leak: Scalar) -> tuple[Scalar, Scalar]:
    """leaky_relu(x) = x where x > 0, else leak x; slope 1 where x > 0, else leak."""
    return x * (leak + (1 - leak) * step(x)), leak + (1 - leak) * step(x)


@elementwise(activation=True)
def softplus(y: Scalar, x: Scalar) -> tuple[Scalar, Scalar]:
    """softplus(x) = log(1 + e^x), slope sigmoid(x)."""
    return sympy.log(1 + sympy.exp(x)), sigmoid(x)


@elementwise("clip has no derivative at its two corners; 0 is taken there", (sympy.Integer(1),))
def clip(y: Scalar, x: Scalar, bound: Scalar) -> tuple[Scalar, Scalar]:
    """clip(x) = x cut off at -bound and bound; slope 1 strictly inside, else 0."""
    inside = step(bound - absolute(x))
    return x * inside + bound * sign(x) * (1 - inside), inside


@elementwise(defaults=(sympy.Integer(1),))
def huber(y: Scalar, x: Scalar, bound: Scalar) -> tuple[Scalar, Scalar]:
    """huber(x) = x^2/2 where |x| < bound, else bound (|x| - bound/2); slope: x clipped to [-bound, bound]."""
    inside = step(bound - absolute(x))
    return inside * x**2 / 2 + (1 - inside) * bound * (absolute(x) - bound / 2), clip(x, bound)


class Opaque(sympy.Function):  # type: ignore[misc]
    """A smooth function of which only the name is known: `g(x)`; its slope is `g'(x)`, whose slope is `g''(x)`."""

    is_real = True
    letter = "g"
    order = 0

    def fdiff(self, argindex: int = 1) -> Scalar:
        """The next derivative, as another opaque function."""
        return opaque(self.letter, self.order + 1)(*self.args)

    def __reduce__(self) -> tuple[Any, ...]:
        return _call_opaque, (self.letter, self.order, self.args)


@cache
def opaque(letter: str, order: int = 0) -> type[Opaque]:
    """The opaque function `letter` (or its derivative of the given order)."""
    kind = type(f"{letter}_{order}" if order else letter, (Opaque,), {"letter": letter, "order": order})
    return kind


def _call_opaque(letter: str, order: int, args: tuple[Scalar, ...]) -> Scalar:
    return opaque(letter, order)(*args)


def is_activation(function: Scalar) -> bool:
    """Whether a call is of a function that layers are made of."""
    return isinstance(function, (sympy.tanh, Opaque)) or (isinstance(function, Elementwise) and function.is_activation)


def activations() -> tuple[str, ...]:
    """The names of these functions."""
    return ("tanh", *(name for name, kind in FUNCTIONS.items() if getattr(kind, "is_activation", False)))
