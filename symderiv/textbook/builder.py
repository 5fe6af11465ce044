"""A builder for any straight-line network: declare matrices, write equations with Python operators, end with the loss."""

from __future__ import annotations

import keyword
import re

import sympy

from symderiv.calculus.expressions import Expr, Symbol
from symderiv.calculus.model import Equation, Model, softmax_targets
from symderiv.calculus.rewrites import SumsToOne
from symderiv.calculus.shapes import Size, size_symbol
from symderiv.errors import ModelError

NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*(_[A-Za-z0-9]+)*")
"""A name starts with a letter; parts are joined with single underscores."""


class Network:
    """A network under construction.

    >>> net = Network()
    >>> x, y = net.data("x", "d", 1), net.data("y", "o", 1)
    >>> W, b = net.parameter("W", "o", "d"), net.parameter("b", "o", 1)
    >>> z = net.define("z", W @ x + b)
    >>> L = net.define("L", total((z - y) ** 2))  # doctest: +SKIP
    """

    def __init__(self) -> None:
        self._inputs: list[Symbol] = []
        self._equations: list[Equation] = []
        self._hypers: list[sympy.Symbol] = []
        self._assumptions: list[SumsToOne] = []
        self._taken: set[str] = set()

    def data(self, name: str, rows: Size | int | str, columns: Size | int | str) -> Symbol:
        """Declare a matrix of data of shape (rows, columns)."""
        return self._declare(name, rows, columns, "data")

    def parameter(self, name: str, rows: Size | int | str, columns: Size | int | str) -> Symbol:
        """Declare a matrix of parameters of shape (rows, columns)."""
        return self._declare(name, rows, columns, "parameter")

    def hyper(self, name: str) -> sympy.Symbol:
        """Declare a positive scalar that is not trained, such as the strength of a penalty."""
        self._take(name)
        symbol = sympy.Symbol(name, positive=True)
        self._hypers.append(symbol)
        return symbol

    def size(self, name: str) -> sympy.Symbol:
        """A named size as a scalar, for 1/n."""
        return size_symbol(name)

    def define(self, name: str, value: Expr, line: int = 0) -> Symbol:
        """Write the equation `name = value`; the last one is the loss."""
        self._take(name)
        symbol = Symbol(name, value.shape, "value")
        self._equations.append(Equation(symbol, value, line))
        return symbol

    def assume_sums_to_one(self, symbol: Symbol, axis: int) -> None:
        """Assume that the entries of a data matrix sum to 1 along an axis."""
        self._assumptions.append(SumsToOne(symbol.name, axis))

    def model(self, title: str = "") -> Model:
        """The finished model; targets of a cross-entropy on a softmax are assumed to sum to 1.

        Raises: ModelError (see `Model`).
        """
        found = softmax_targets(self._inputs, self._equations)
        assumptions = tuple(dict.fromkeys((*self._assumptions, *found)))
        return Model(tuple(self._inputs), tuple(self._equations), assumptions, tuple(self._hypers), title)

    def _declare(self, name: str, rows: Size | int | str, columns: Size | int | str, role: str) -> Symbol:
        self._take(name)
        symbol = Symbol(name, (rows, columns), role)
        self._inputs.append(symbol)
        return symbol

    def _take(self, name: str) -> None:
        check_name(name)
        if name in self._taken:
            raise ModelError(f"{name} is defined twice", "give the second one a name of its own")
        self._taken.add(name)


def check_name(name: str) -> None:
    """Raise ModelError unless `name` can be used for a quantity."""
    if not NAME.fullmatch(name) or keyword.iskeyword(name):
        raise ModelError(f"{name!r} cannot be used as a name", "a name is letters and digits, parts joined with one _")
    if "_bar" in name:
        raise ModelError(f"{name} looks like the name of an adjoint", "leave out `_bar`: symderiv names those itself")
