"""Sizes with names, and shapes of two of them.

A size is a name plus a whole number (`n`, `d + 1`, `3`): all that the networks of a textbook need, and canonical by
construction, so that two sizes are equal exactly when they are written equal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import sympy


@dataclass(frozen=True, order=True)
class Size:
    """The size `name + offset`; without a name, the number `offset`."""

    name: str = ""
    offset: int = 0

    def __add__(self, other: int) -> Size:
        return Size(self.name, self.offset + other)

    def __str__(self) -> str:
        if not self.name:
            return str(self.offset)
        return self.name if not self.offset else f"{self.name}{self.offset:+d}"

    def value(self, sizes: Mapping[str, int]) -> int:
        """The number this size stands for when its name has the value given in `sizes`."""
        return (sizes[self.name] if self.name else 0) + self.offset

    def to_sympy(self) -> sympy.Expr:
        """The size as a SymPy scalar: a positive integer symbol plus a number."""
        return (size_symbol(self.name) if self.name else sympy.Integer(0)) + sympy.Integer(self.offset)


Shape = tuple[Size, Size]
ONE = Size("", 1)
SCALAR: Shape = (ONE, ONE)


def size_symbol(name: str) -> sympy.Symbol:
    """The SymPy symbol of a named size, usable as a scalar in expressions (`1 / (2 * n)`)."""
    return sympy.Symbol(name, integer=True, positive=True)


def size_of(size: Size | int | str) -> Size:
    """A size from a number, a name, or a Size itself."""
    if isinstance(size, Size):
        return size
    return Size("", size) if isinstance(size, int) else Size(size)


def show(shape: Shape) -> str:
    """The shape as people write it in NumPy: `(n, d)`."""
    return f"({shape[0]}, {shape[1]})"


def broadcast(left: Shape, right: Shape) -> Shape | None:
    """The common shape of two operands, or None.

    A side of size 1 stretches, as in NumPy, but one operand must already have the common shape: (n, 1) with (1, n)
    is refused, since in a network that is a forgotten transpose and never meant.
    """
    common = tuple(
        a if b == ONE else b if a == ONE else a if a == b else None for a, b in zip(left, right, strict=True)
    )
    return common if common in (left, right) else None
