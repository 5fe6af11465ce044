"""Two number systems behind one set of names: machine numbers refuse quickly, fifty digits decide.

Arrays are NumPy's in both: of floats, or of `decimal.Decimal`. A function is a row: its derivatives of every order needed.
"""

from __future__ import annotations

import contextlib
import decimal
import math
import random
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np

Array = Any
DIGITS = 50
# Not the thread's own context: somebody else's precision must not decide a verdict. Overflow is an error that judging catches.
CONTEXT = decimal.Context(prec=DIGITS, Emax=10**6, Emin=-(10**6))


_PREPARED: ContextVar[bool] = ContextVar("prepared", default=False)


def is_prepared() -> bool:
    """Whether calculations run inside `prepared()`."""
    return _PREPARED.get()


@contextlib.contextmanager
def prepared() -> Iterator[None]:
    """Fifty digits, and no warnings of values that are judged anyway: once round all that is calculated, as it costs time."""
    token = _PREPARED.set(True)
    try:
        with decimal.localcontext(CONTEXT), np.errstate(all="ignore"):
            yield
    finally:
        _PREPARED.reset(token)


class Undefined(ArithmeticError):
    """A value that does not exist: the logarithm of a negative number, a division by zero."""


class Machine:
    """Floats."""

    name = "machine"
    tolerance = 1e-7  # above it two values are different for certain; below it the exact numbers decide

    @staticmethod
    def number(value: Fraction) -> float:
        """A constant."""
        try:
            return value.numerator / value.denominator
        except OverflowError as error:
            raise Undefined("a number too large") from error

    @staticmethod
    def zeros(shape: tuple[int, ...]) -> Array:
        """Zeros of a shape."""
        return np.zeros(shape)

    exp = staticmethod(np.exp)
    log = staticmethod(np.log)
    sqrt = staticmethod(np.sqrt)
    sin = staticmethod(np.sin)
    cos = staticmethod(np.cos)

    @staticmethod
    def power(base: Array, exponent: Array) -> Array:
        """base ** exponent."""
        return np.power(base, exponent)

    @staticmethod
    def distance(left: Array, right: Array) -> float:
        """The largest difference, relative to the largest value."""
        scale = max(float(np.max(np.abs(left), initial=0.0)), float(np.max(np.abs(right), initial=0.0)), 1e-12)
        difference = float(np.max(np.abs(left - right), initial=0.0)) / scale
        return math.inf if math.isnan(difference) else difference


def _elementwise(function: Callable[[Decimal], Decimal]) -> Callable[[Array], Array]:
    each = np.frompyfunc(function, 1, 1)

    def applied(array: Array) -> Array:
        return np.asarray(each(np.asarray(array, dtype=object)), dtype=object)

    return applied


def _sine(x: Decimal) -> Decimal:
    """sin x by its series after reducing x; arguments here are small."""
    total = term = x
    k = 1
    while abs(term) > Decimal(10) ** -(DIGITS + 2):
        term = -term * x * x / ((2 * k) * (2 * k + 1))
        total += term
        k += 1
        if k > 500:
            raise Undefined("an argument too large for the sine")
    return total


def _cosine(x: Decimal) -> Decimal:
    half = _sine(x / 2)
    return 1 - 2 * half * half


class Exact:
    """Decimal numbers of fifty digits."""

    name = "exact"
    tolerance = 1e-36

    @staticmethod
    def number(value: Fraction) -> Decimal:
        """A constant."""
        return CONTEXT.divide(Decimal(value.numerator), Decimal(value.denominator))

    @staticmethod
    def zeros(shape: tuple[int, ...]) -> Array:
        """Zeros of a shape."""
        return np.full(shape, Decimal(0), dtype=object)

    exp = staticmethod(_elementwise(CONTEXT.exp))
    log = staticmethod(_elementwise(CONTEXT.ln))
    sqrt = staticmethod(_elementwise(CONTEXT.sqrt))
    sin = staticmethod(_elementwise(_sine))
    cos = staticmethod(_elementwise(_cosine))

    @staticmethod
    def power(base: Array, exponent: Array) -> Array:
        """base ** exponent."""
        return np.asarray(np.frompyfunc(CONTEXT.power, 2, 1)(base, exponent), dtype=object)

    @staticmethod
    def distance(left: Array, right: Array) -> float:
        """The largest difference, relative to the largest value."""
        left, right = np.asarray(left, dtype=object), np.asarray(right, dtype=object)
        if not left.size:
            return 0.0
        scale = max(np.max(np.abs(left)), np.max(np.abs(right)), Decimal("1e-12"))
        return float(np.max(np.abs(left - right)) / scale)


Arithmetic = type[Machine] | type[Exact]


# --- elementwise functions: (arithmetic, x, order) -> the derivative of that order at x ---
def _sigmoid(a: Arithmetic, x: Array, order: int) -> Array:
    s = 1 / (1 + a.exp(-x))
    u = s * (1 - s)
    return (s, u, u * (1 - 2 * s), u * (1 - 6 * u))[order]


def _tanh(a: Arithmetic, x: Array, order: int) -> Array:
    e = a.exp(-2 * x)
    t = (1 - e) / (1 + e)
    u = 1 - t * t
    return (t, u, -2 * t * u, u * (6 * t * t - 2))[order]


def _exp(a: Arithmetic, x: Array, order: int) -> Array:
    return a.exp(x)


def _log(a: Arithmetic, x: Array, order: int) -> Array:
    return (a.log, lambda x: 1 / x, lambda x: -1 / (x * x), lambda x: 2 / (x * x * x))[order](x)


def _sqrt(a: Arithmetic, x: Array, order: int) -> Array:
    r = a.sqrt(x)
    half: Array = a.number(Fraction(1, 2))
    return (r, half / r, -half * half / (x * r), 3 * half * half * half / (x * x * r))[order] if order else r


def _step(x: Array) -> Array:
    return (x > 0) * 1 + x * 0


def _relu(a: Arithmetic, x: Array, order: int) -> Array:
    return (x * _step(x), _step(x), x * 0, x * 0)[order]


def _leaky_relu(a: Arithmetic, x: Array, order: int) -> Array:
    slope = a.number(Fraction(1, 100))
    left = slope + (1 - slope) * _step(x)
    return (x * left, left, x * 0, x * 0)[order]


def _abs(a: Arithmetic, x: Array, order: int) -> Array:
    sign = 2 * _step(x) - 1
    return (x * sign, sign, x * 0, x * 0)[order]


def _softplus(a: Arithmetic, x: Array, order: int) -> Array:
    return a.log(1 + a.exp(x)) if order == 0 else _sigmoid(a, x, order - 1)


def _sin(a: Arithmetic, x: Array, order: int) -> Array:
    return (a.sin(x), a.cos(x), -a.sin(x), -a.cos(x))[order]


def _cos(a: Arithmetic, x: Array, order: int) -> Array:
    return (a.cos(x), -a.sin(x), -a.cos(x), a.sin(x))[order]


def _cosh(a: Arithmetic, x: Array, order: int) -> Array:
    e, f = a.exp(x), a.exp(-x)
    return (e + f) / 2 if order % 2 == 0 else (e - f) / 2


def _sinh(a: Arithmetic, x: Array, order: int) -> Array:
    return _cosh(a, x, order + 1)


def _sech(a: Arithmetic, x: Array, order: int) -> Array:
    s, t = 1 / _cosh(a, x, 0), _tanh(a, x, 0)
    return (s, -s * t, s * (2 * t * t - 1), s * t * (5 - 6 * t * t))[order]


def _identity(a: Arithmetic, x: Array, order: int) -> Array:
    return (x, x * 0 + 1, x * 0, x * 0)[order]


FUNCTIONS: dict[str, Callable[[Arithmetic, Array, int], Array]] = {
    "sigmoid": _sigmoid, "tanh": _tanh, "relu": _relu, "leaky_relu": _leaky_relu, "softplus": _softplus, "exp": _exp,
    "log": _log, "sqrt": _sqrt, "abs": _abs, "sin": _sin, "cos": _cos, "cosh": _cosh, "sinh": _sinh, "sech": _sech,
    "identity": _identity,
}  # fmt: skip


@lru_cache(maxsize=64)
def _coefficients(name: str) -> tuple[Fraction, ...]:
    """Numbers of its own for each name that nobody defines: any function would do, so a generic one stands for it."""
    draw = random.Random("symderiv " + name)
    return tuple(Fraction(draw.choice((-1, 1)) * draw.randint(300, 900), 1009) for _ in range(4))


def _opaque(name: str, a: Arithmetic, x: Array, order: int) -> Array:
    """1/2 + c0 (s(c1 x) - 1/2)/2 + c2 (s(c3 x) - 1/2)/2 with the logistic s: smooth, and a logarithm has a value at it."""
    first, inner, second, other = _coefficients(name)
    numbers: list[Array] = [a.number(c) for c in (first / 2, inner, second / 2, other)]
    c0, c1, c2, c3 = numbers
    waves: Array = c0 * c1**order * _sigmoid(a, c1 * x, order) + c2 * c3**order * _sigmoid(a, c3 * x, order)
    return waves + a.number(Fraction(1, 2) - (first + second) / 4) if order == 0 else waves


def apply_function(name: str, arithmetic: Arithmetic, x: Array, order: int = 0) -> Array:
    """The derivative of an order (0: the function itself) of a named function; an unknown name is a generic function.

    Raises: Undefined where there is no value.
    """
    function = FUNCTIONS.get(name)
    if order > 3:
        raise Undefined("a derivative of higher order")
    if not is_prepared():
        with prepared():
            return apply_function(name, arithmetic, x, order)
    try:
        value = function(arithmetic, x, order) if function else _opaque(name, arithmetic, x, order)
    except (decimal.DecimalException, ZeroDivisionError, ValueError) as error:
        raise Undefined(f"{name} has no value there") from error
    return value
