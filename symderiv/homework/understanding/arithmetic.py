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
from itertools import cycle, islice, repeat
from typing import Any

import numpy as np

Array = Any
DIGITS = 50
MOST_ORDERS = 3  # derivatives of a function
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
        """The largest difference, relative to the largest value; what cancels to nothing leaves some 1e-17."""
        if left.size == right.size == 1:  # as most are: without the array, in a tenth of the time
            a, b = left.item(), right.item()
            difference = abs(a - b) / max(abs(a), abs(b), 1e-8)
        else:
            difference = _largest(left - right) / max(_largest(left), _largest(right), 1e-8)
        return math.inf if math.isnan(difference) else difference


def _largest(array: Array) -> float:
    return float(np.maximum.reduce(np.abs(array), axis=None, initial=0.0))


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
        scale = max(np.abs(left).max(), np.abs(right).max(), Decimal("1e-12"))
        return float(np.abs(left - right).max() / scale)


Arithmetic = type[Machine] | type[Exact]


# --- elementwise functions: (arithmetic, x) -> the value at x, then the derivative of every order, as far as they are asked for ---
Orders = Iterator[Array]


def _sigmoid(a: Arithmetic, x: Array) -> Orders:
    s = 1 / (1 + a.exp(-x))
    yield s
    u = s * (1 - s)
    yield u
    yield u * (1 - 2 * s)
    yield u * (1 - 6 * u)


def _tanh(a: Arithmetic, x: Array) -> Orders:
    e = a.exp(-2 * x)
    t = (1 - e) / (1 + e)
    yield t
    u = 1 - t * t
    yield u
    yield -2 * t * u
    yield u * (6 * t * t - 2)


def _exp(a: Arithmetic, x: Array) -> Orders:
    yield from repeat(a.exp(x))


def _log(a: Arithmetic, x: Array) -> Orders:
    yield a.log(x)
    yield 1 / x
    yield -1 / (x * x)
    yield 2 / (x * x * x)


def _sqrt(a: Arithmetic, x: Array) -> Orders:
    r = a.sqrt(x)
    half: Array = a.number(Fraction(1, 2))
    yield r
    yield half / r
    yield -half * half / (x * r)
    yield 3 * half * half * half / (x * x * r)


def _step(x: Array) -> Array:
    return (x > 0) * 1 + x * 0


def _straight(x: Array, slope: Array) -> Orders:
    """A function made of straight lines through the origin."""
    yield x * slope
    yield slope
    yield from repeat(x * 0)


def _relu(a: Arithmetic, x: Array) -> Orders:
    return _straight(x, _step(x))


def _leaky_relu(a: Arithmetic, x: Array) -> Orders:
    slope = a.number(Fraction(1, 100))
    return _straight(x, slope + (1 - slope) * _step(x))


def _abs(a: Arithmetic, x: Array) -> Orders:
    return _straight(x, 2 * _step(x) - 1)


def _softplus(a: Arithmetic, x: Array) -> Orders:
    yield a.log(1 + a.exp(x))
    yield from _sigmoid(a, x)


def _silu(a: Arithmetic, x: Array) -> Orders:
    """x s(x) with the logistic s: the k-th derivative is k s^(k-1) + x s^(k)."""
    before: Array = x * 0
    for k, here in enumerate(_sigmoid(a, x)):
        yield k * before + x * here
        before = here


def _elu(a: Arithmetic, x: Array) -> Orders:
    on = _step(x)
    bent = (1 - on) * a.exp((1 - on) * x)
    yield on * x + bent - (1 - on)
    yield on + bent
    yield from repeat(bent)


def _softsign(a: Arithmetic, x: Array) -> Orders:
    sign = 2 * _step(x) - 1
    share = 1 / (1 + sign * x)
    yield x * share
    yield share * share
    yield -2 * sign * share * share * share
    yield 6 * share * share * share * share


def _sin(a: Arithmetic, x: Array) -> Orders:
    yield a.sin(x)
    yield from _cos(a, x)


def _cos(a: Arithmetic, x: Array) -> Orders:
    yield a.cos(x)
    yield -a.sin(x)
    yield -a.cos(x)
    yield a.sin(x)


def _cosh(a: Arithmetic, x: Array) -> Orders:
    e, f = a.exp(x), a.exp(-x)
    yield from cycle(((e + f) / 2, (e - f) / 2))


def _sinh(a: Arithmetic, x: Array) -> Orders:
    return islice(_cosh(a, x), 1, None)


def _sech(a: Arithmetic, x: Array) -> Orders:
    s, t = 1 / next(_cosh(a, x)), next(_tanh(a, x))
    yield s
    yield -s * t
    yield s * (2 * t * t - 1)
    yield s * t * (5 - 6 * t * t)


def _identity(a: Arithmetic, x: Array) -> Orders:
    yield x
    yield x * 0 + 1
    yield from repeat(x * 0)


FUNCTIONS: dict[str, Callable[[Arithmetic, Array], Orders]] = {
    "sigmoid": _sigmoid, "tanh": _tanh, "relu": _relu, "leaky_relu": _leaky_relu, "softplus": _softplus, "exp": _exp,
    "log": _log, "sqrt": _sqrt, "abs": _abs, "sin": _sin, "cos": _cos, "cosh": _cosh, "sinh": _sinh, "sech": _sech,
    "identity": _identity, "silu": _silu, "elu": _elu, "softsign": _softsign,
}  # fmt: skip


@lru_cache(maxsize=64)
def _coefficients(name: str) -> tuple[Fraction, ...]:
    """Numbers of its own for each name that nobody defines: any function would do, so a generic one stands for it."""
    draw = random.Random("symderiv " + name)
    return tuple(Fraction(draw.choice((-1, 1)) * draw.randint(300, 900), 1009) for _ in range(4))


def _opaque(name: str, a: Arithmetic, x: Array) -> Orders:
    """1/2 + c0 (s(c1 x) - 1/2)/2 + c2 (s(c3 x) - 1/2)/2 with the logistic s: smooth, and a logarithm has a value at it."""
    first, inner, second, other = _coefficients(name)
    numbers: list[Array] = [a.number(c) for c in (first / 2, inner, second / 2, other)]
    c0, c1, c2, c3 = numbers
    for order, (one, two) in enumerate(zip(_sigmoid(a, c1 * x), _sigmoid(a, c3 * x), strict=True)):
        waves: Array = c0 * c1**order * one + c2 * c3**order * two
        yield waves + a.number(Fraction(1, 2) - (first + second) / 4) if order == 0 else waves


def derivatives(name: str, arithmetic: Arithmetic, x: Array, upto: int) -> list[Array]:
    """A named function at x and its derivatives up to an order; an unknown name is a generic function.

    Raises: Undefined where there is no value.
    """
    if upto > MOST_ORDERS:
        raise Undefined("a derivative of higher order")
    if not is_prepared():
        with prepared():
            return derivatives(name, arithmetic, x, upto)
    function = FUNCTIONS.get(name)
    try:
        orders = function(arithmetic, x) if function else _opaque(name, arithmetic, x)
        return list(islice(orders, upto + 1))
    except (decimal.DecimalException, ZeroDivisionError, ValueError) as error:
        raise Undefined(f"{name} has no value there") from error


def apply_function(name: str, arithmetic: Arithmetic, x: Array, order: int = 0) -> Array:
    """The derivative of an order (0: the function itself) of a named function.

    Raises: Undefined where there is no value.
    """
    return derivatives(name, arithmetic, x, order)[order]
