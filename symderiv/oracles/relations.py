"""How a wrong array relates to the right one: a factor (and which factor), a transpose, a sum that was left out.

This is arithmetic on two arrays of numbers; which mistake in a derivation leads there is not decided here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations_with_replacement

import numpy as np

from symderiv.calculus.model import Model
from symderiv.oracles.checks import SMALL, relative_error
from symderiv.oracles.evaluation import Array, Point

RELEVANT = 1e-3  # entries smaller than this share of the largest one are not divided by
AGREEMENT = 1e-5  # how well a ratio must be constant, and meet an expression


def constant_ratio(found: Array, truth: Array) -> float | None:
    """The one number that `found` is times the truth, None if there is none."""
    scale = np.abs(truth).max()
    if not scale > 0:
        return None
    ratio = float((found * truth).sum() / (truth * truth).sum())
    agrees = np.abs(found - ratio * truth).max() <= AGREEMENT * max(abs(ratio), 1e-12) * scale
    return ratio if agrees else None


def ratios(found: Array, truth: Array) -> Array:
    """The ratio entry by entry, nan where the truth is too small for one."""
    large = np.abs(truth) > RELEVANT * np.abs(truth).max()
    return np.where(large, found / np.where(large, truth, 1.0), np.nan)


def ratios_by_line(found: Array, truth: Array, axis: int) -> list[float] | None:
    """A ratio for each row (axis 0) or column (axis 1), None unless it is constant in each and not the same in all."""
    lines = zip(np.moveaxis(found, axis, 0), np.moveaxis(truth, axis, 0), strict=True)
    if truth.shape[1 - axis] < 2:
        return None  # one entry a line always has a ratio
    each = [constant_ratio(mine, right) for mine, right in lines]
    return None if any(ratio is None for ratio in each) else [ratio for ratio in each if ratio is not None]


def named_ratio(ratio: float, names: Mapping[str, float]) -> str:
    """The number as the simplest expressions of sizes and hyper-parameters that meet it: `2`, `1/n`, `-n/2`.

    Two that are equally simple are both given (with n = 2: `2 or n`), for no number can tell them apart; a number that
    meets none is written with three digits.

    >>> named_ratio(0.2, {"n": 5, "d": 7})
    '1/n'
    """
    found: dict[int, list[str]] = {}
    for value, (over, under) in _expressions(names):
        if abs(abs(ratio) - value) <= AGREEMENT * value:
            found.setdefault(len(over) + len(under), []).append(_fraction(over, under))
    sign = "-" if ratio < 0 else ""
    if not found:
        return f"{ratio:.3g}"
    simplest = sorted(dict.fromkeys(found[min(found)]), key=lambda text: not text.replace("/", "").isdigit())
    return " or ".join(sign + text for text in simplest)


_Fraction = tuple[tuple[str, ...], tuple[str, ...]]


def _expressions(names: Mapping[str, float]) -> Iterator[tuple[float, _Fraction]]:
    """Values and factors over factors: 1, 2, 4 and up to two of the names, above or below the line."""
    pieces: list[tuple[float, _Fraction]] = [(1.0, ((), ()))]
    for name, value in names.items():
        pieces += [(value, ((name,), ())), (1 / value, ((), (name,)))]
    numbers: list[tuple[float, _Fraction]] = [(1.0, ((), ()))]
    for text in ("2", "4"):
        numbers += [(float(text), ((text,), ())), (1 / float(text), ((), (text,)))]
    for number, (number_over, number_under) in numbers:
        for (a, (a_over, a_under)), (b, (b_over, b_under)) in combinations_with_replacement(pieces, 2):
            over, under = number_over + a_over + b_over, number_under + a_under + b_under
            if not set(over) & set(under):
                yield number * a * b, (over, under)


def _fraction(over: tuple[str, ...], under: tuple[str, ...]) -> str:
    below = " ".join(under)
    above = " ".join(over) or "1"
    return above if not under else f"{above}/({below})" if len(under) > 1 else f"{above}/{below}"


class Naming:
    """Numbers at a point by their names in the model."""

    def __init__(self, model: Model, point: Point) -> None:
        self.sizes = point.sizes
        self.numbers: dict[str, float] = {**point.sizes, **point.hypers}
        self.by_number: dict[int, set[str]] = {}
        for shape in (symbol.shape for symbol in model.symbols.values()):
            for size in shape:
                self.by_number.setdefault(size.value(point.sizes), set()).add(str(size))

    def size(self, number: int) -> str:
        """The name of a size; the number itself where it has none, or two."""
        names = self.by_number.get(number, set())
        return next(iter(names)) if len(names) == 1 else str(number)

    def shape(self, shape: tuple[int, ...]) -> str:
        """A shape in named sizes: `(d, h)`, `(h,)`."""
        inner = ", ".join(map(self.size, shape))
        return f"({inner},)" if len(shape) == 1 else f"({inner})"

    def times(self, ratio: float) -> str:
        """`n × the truth`, and in words if it is the sign."""
        named = named_ratio(ratio, self.numbers)
        return f"{named} × the truth" + (": the sign is wrong" if named == "-1" else "")


def shape_hint(found: Array, truth: Array, naming: Naming, tolerance: float) -> str:
    """What the array is, if some other shape of it is known: each with the factor that is wrong besides."""

    def like(other: Array) -> str | None:
        """'' if it is the truth, the factor if it is a multiple, else None."""
        if relative_error(other, truth) <= tolerance:
            return ""
        ratio = constant_ratio(other, truth)
        return None if ratio is None else f", up to a factor: {naming.times(ratio)}"

    if found.T.shape == truth.shape:
        factor = like(found.T)
        return ": it is the transpose of the right one" + factor if factor is not None else ": the transposed shape"
    if found.size == truth.size and (factor := like(found.reshape(truth.shape))) is not None:
        return f": with keepdims=True, or reshaped, it is right{factor}"
    for axis in range(found.ndim):
        for keepdims in (True, False):
            summed = found.sum(axis=axis, keepdims=keepdims)
            if summed.shape == truth.shape and (factor := like(summed)) is not None:
                over = naming.size(found.shape[axis])
                return f": it is not summed over {over}; np.sum(..., axis={axis}, keepdims=True) of it is right{factor}"
    if found.ndim == 2:
        for axis, line in ((0, "row"), (1, "column")):
            rest = np.delete(truth, 0, axis)
            if relative_error(found, rest) <= tolerance:
                return f": the first {line} is missing, that of the bias; the others are right"
    return ""


def gradient_of_another(found: Array, truth: Array, others: Mapping[str, Array], tolerance: float) -> str:
    """That it is the gradient of another quantity, or the transpose of that; '' if it is not."""
    for name, other in others.items():
        if np.abs(other).max() > SMALL and relative_error(other, truth) > tolerance:
            if relative_error(found, other) <= tolerance:
                return f"it is the gradient of {name}"
            if relative_error(found.T, other) <= tolerance:
                return f"it is the gradient of {name}, transposed"
    return ""


def relation(found: Array, truth: Array, naming: Naming, tolerance: float) -> str:
    """What a wrong array of the right shape is as a whole; '' if it is nothing that has a name."""
    scale = max(np.abs(truth).max(), SMALL)
    if np.abs(found).max() <= tolerance * scale:
        return "it is 0 everywhere"
    if np.abs(truth).max() <= SMALL:
        return f"it should be 0 everywhere; the largest entry is {np.abs(found).max():.3g}"
    if found.size > 1 and (ratio := constant_ratio(found, truth)) is not None:
        return naming.times(ratio)
    square = found.shape[0] == found.shape[1] > 1
    if square and relative_error(found.T, truth) <= tolerance:
        return "it is the transpose of the right one"
    if found.size == 1:  # one number always has a ratio
        times = naming.times(float(found.item() / truth.item()))
        return "" if "." in times else times
    return ""


def difference(found: Array, truth: Array, naming: Naming, tolerance: float) -> str:
    """Where a wrong array of the right shape differs, and by what ratio."""
    if found.size == 1:
        return naming.times(float(found.item() / truth.item()))
    for axis, line in ((0, "row"), (1, "column")):
        each = ratios_by_line(found, truth, axis)
        if each is not None:
            shown = ", ".join(named_ratio(ratio, naming.numbers) for ratio in each[:6])
            more = ", ..." if len(each) > 6 else ""
            return f"each {line} is a multiple of the truth: {shown}{more} times"
    scale = max(np.abs(truth).max(), SMALL)
    wrong = np.abs(found - truth) > tolerance * scale
    place = np.unravel_index(int(np.abs(found - truth).argmax()), found.shape)
    some = f"{int(wrong.sum())} of {found.size} entries are wrong"
    for axis, line in ((0, "row"), (1, "column")):
        lines = np.flatnonzero(wrong.any(axis=1 - axis))
        if len(lines) == 1 < found.shape[axis]:
            some = f"only {line} {lines[0]} is wrong (counted from 0)"
    each_ratio = ratios(found, truth)
    span = f"ratio to the truth {np.nanmin(each_ratio):.3g} to {np.nanmax(each_ratio):.3g}"
    where = ", ".join(map(str, place))
    return f"{some}, {span}; [{where}] is {found[place]:.4g} instead of {truth[place]:.4g}"
