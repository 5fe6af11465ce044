"""How many digits of a number: in print, and where a hand rounds what it computes further with."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any

import mpmath
import numpy as np

from symderiv.errors import ModelError
from symderiv.oracles.evaluation import Array

MOST_DIGITS = 15
ENOUGH = 40
"""Digits kept of a number that is carried exactly, of the 50 that its computation has: a tie stays a tie."""
SMALLEST_BITS = -3000
"""What is below 2 to this power counts as 0: its decimal digits alone would take forever."""
_CONTEXT = Context(prec=200, rounding=ROUND_HALF_UP)


@dataclass(frozen=True)
class Digits:
    """`count` significant digits, or `count` decimals; `carried`: named results are rounded before they are used."""

    count: int = 6
    decimals: bool = False
    carried: bool = False

    def __post_init__(self) -> None:
        least = 0 if self.decimals else 1
        if isinstance(self.count, bool) or not isinstance(self.count, int) or not least <= self.count <= MOST_DIGITS:
            what = "decimals" if self.decimals else "significant digits"
            raise ModelError(f"cannot show {self.count} {what}", f"a whole number from {least} to {MOST_DIGITS}")

    @property
    def words(self) -> str:
        """`6 significant digits`, `4 decimals`."""
        noun = "decimal" if self.decimals else "significant digit"
        return f"{self.count} {noun}{'s' * (self.count != 1)}"

    def rounded(self, number: Any) -> Decimal:
        """A number to these digits, a half away from zero as by hand."""
        exact = _decimal(number)
        if not exact:
            return Decimal(0)
        place = -self.count if self.decimals else exact.adjusted() - self.count + 1
        rounded = exact.quantize(Decimal(1).scaleb(place), context=_CONTEXT)
        if not self.decimals and rounded.adjusted() > exact.adjusted():  # 9.999995 is 10.0000, not 10.00000
            rounded = rounded.quantize(Decimal(1).scaleb(place + 1), context=_CONTEXT)
        return rounded

    def round_all(self, matrix: Array) -> Array:
        """Every entry rounded, as mpmath numbers."""
        rounded: Array = np.frompyfunc(lambda x: mpmath.mpf(str(self.rounded(x))), 1, 1)(matrix)
        return rounded

    def text(self, number: Any) -> str:
        """A number in print: `24` where that is all of it, `1.00000` where it is rounded, `1.5e-9` where it is small."""
        exact, rounded = _decimal(number), self.rounded(number)
        if not rounded:
            # Rounded away to nothing: say so with its zeros, unless it is nothing.
            return "0" if not exact or not self.decimals or not self.count else f"{abs(rounded):.{self.count}f}"
        whole = abs(rounded - exact) <= abs(exact) * Decimal(10) ** (2 - ENOUGH)
        most = MOST_DIGITS if whole or self.decimals else max(self.count, 2)
        if not -6 < rounded.adjusted() < most:
            mantissa = rounded.scaleb(-rounded.adjusted())
            digits = f"{mantissa.normalize():f}" if whole else f"{mantissa:f}"
            return f"{digits}e{rounded.adjusted()}"
        return f"{rounded.normalize():f}" if whole else f"{rounded:f}"


def _decimal(number: Any) -> Decimal:
    if not number or mpmath.mag(number) < SMALLEST_BITS:
        return Decimal(0)
    with mpmath.workdps(ENOUGH + 20):  # else a number in many digits would be cut to those of a float
        return Decimal(mpmath.nstr(mpmath.mpf(number), ENOUGH, min_fixed=0, max_fixed=0))
