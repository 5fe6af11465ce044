"""Arrays for the names of a model: two-dimensional, float64, of shapes that agree on what n, d and h are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from symderiv.calculus.expressions import Symbol
from symderiv.calculus.shapes import Shape, show
from symderiv.errors import ModelError, ShapeError

Array = np.ndarray[Any, Any]


def bind(
    symbols: Iterable[Symbol], values: Mapping[str, Any], sizes: Mapping[str, int] | None = None
) -> tuple[dict[str, Array], dict[str, int]]:
    """Each symbol's value as a float64 matrix, and what the size names stand for.

    A number stands for a (1, 1) matrix and a flat array for a row or column, where the shape says which.
    Raises: ModelError for a missing value or one that is no array of numbers, ShapeError for sizes that disagree.
    """
    arrays: dict[str, Array] = {}
    symbols = list(symbols)
    known: dict[str, tuple[int, str]] = {name: (size, "what was given") for name, size in (sizes or {}).items()}
    # A number that the model writes as a size is kept as a name where ones are put before it.
    known |= {s.name: (int(s.name), "the model") for e in symbols for s in e.shape if s.name.isdigit()}
    for symbol in symbols:
        if symbol.name not in values:
            raise ModelError(f"there is no value for {symbol.name}, {show(symbol.shape)}", subject=symbol.name)
        array = _matrix(symbol, values[symbol.name])
        before = set(known)
        for axis, size in enumerate(symbol.shape):
            found = array.shape[axis]
            if size.name and size.name not in known:
                if found <= size.offset:
                    raise ShapeError(
                        f"{symbol.name} is too small",
                        [(symbol.name, show(symbol.shape)), ("its value", str(array.shape))],
                    )
                known[size.name] = found - size.offset, f"{symbol.name} {array.shape}"
            expected = size.offset + (known[size.name][0] if size.name else 0)
            if found != expected:
                _disagree(symbol, array, axis, known, before)
        arrays[symbol.name] = array
    return arrays, {name: size for name, (size, _) in known.items()}


def _disagree(symbol: Symbol, array: Array, axis: int, known: Mapping[str, tuple[int, str]], before: set[str]) -> None:
    size = symbol.shape[axis]
    sides = [(symbol.name, f"{show(symbol.shape)}, but its value is {array.shape}")]
    if size.name:
        sides.append((size.name, f"is {known[size.name][0]} by {known[size.name][1]}"))
    # The transpose is the way out if it fits all sizes that other values settle; one that is met first here fits anyhow.
    turned = array.shape[::-1]
    fits = all(
        (s.name and s.name not in before) or found == s.offset + (known[s.name][0] if s.name else 0)
        for s, found in zip(symbol.shape, turned, strict=True)
    )
    hint = f"its transpose, {turned}, would fit" if fits and turned != array.shape else ""
    raise ShapeError(f"the value of {symbol.name} does not fit the model", sides, hint)


def _matrix(symbol: Symbol, value: Any) -> Array:
    try:
        array = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ModelError(
            f"the value of {symbol.name} is not an array of numbers: {error}", subject=symbol.name
        ) from None
    if array.ndim == 0:
        array = array.reshape(1, 1)
    if array.ndim == 1:
        array = array.reshape(_flat_shape(symbol.shape, array.size))
    if array.ndim != 2:
        raise ModelError(
            f"the value of {symbol.name} has {array.ndim} dimensions, its shape {show(symbol.shape)} two",
            subject=symbol.name,
        )
    return array


def _flat_shape(shape: Shape, count: int) -> tuple[int, int]:
    """A flat array is a column where the shape has one column, else a row."""
    return (count, 1) if not shape[1].name and shape[1].offset == 1 else (1, count)
