"""How a wrong array relates to the right one: a factor (and which factor), a transpose, a sum that was left out.

This is arithmetic on two arrays of numbers; which mistake in a derivation leads there is not decided here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations_with_replacement

import numpy as np

from symderiv.oracles.evaluation import Array

RELEVANT = 1e-3  # entries smaller than this share of the largest one are not divided by
AGREEMENT = 1e-5  # how well a ratio must be constant, and meet an expression


def relative_difference(found: Array, truth: Array, floor: float) -> float:
    """The largest difference relative to the largest entry of the truth, or to `floor` where all of it is smaller."""
    return float(np.abs(found - truth).max() / max(np.abs(truth).max(), floor))


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
    return " or ".join(sign + text for text in dict.fromkeys(found[min(found)]))


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
