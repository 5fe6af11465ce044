"""The models of a comparison in print: names, derivatives, the factors that not all of them have, ratios."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import sympy

from symderiv.calculus.expressions import Expr, Symbol
from symderiv.comparison.alignment import Alignment, Row
from symderiv.comparison.factors import Factored, Slope
from symderiv.documents.beside import Beside
from symderiv.documents.latex import PRODUCT, SUM, Printer, Tex
from symderiv.documents.notation import notation_of

ABOVE, BELOW = "above", "below"


class Sides:
    """Prints what the models of an alignment say, each in its own notation."""

    def __init__(self, alignment: Alignment) -> None:
        self.alignment, self.names, self.models = alignment, alignment.names, alignment.models
        self.printers = [Printer(notation_of(d.model, d.options)) for d in alignment.derivations]
        self.beside = [Beside(d, p, numbers=False) for d, p in zip(alignment.derivations, self.printers, strict=True)]
        for printer, slopes in zip(self.printers, alignment.slopes, strict=True):
            printer.replace.update({slope.symbol: slope.value for slope in slopes})

    def marked(self, row: Row, k: int) -> str:
        """The closed form in model k, with the factors that not every model has over braces that name them."""
        p, adjoint, own, shared = self.printers[k], row.adjoints[k], row.own(k), row.shared
        assert adjoint is not None
        if own is None or shared is None or not own.powers or not shared.powers:
            return p.latex(adjoint.closed)
        powers: dict[Expr, Any] = dict(shared.powers)
        for place, sign in ((ABOVE, 1), (BELOW, -1)):
            part = {factor: sign * power for factor, power in own.powers.items() if sign * power > 0}
            if part:
                marker = Symbol(place, row.quantity.shape, "marked")
                body = p.tex(Factored(sympy.Integer(1), part, own.shape).product()).within(PRODUCT if sign > 0 else SUM)
                p.replace[marker] = Tex(rf"\underbrace{{{body}}}_{{{self._brace(k, part)}}}")
                powers[marker] = sympy.Integer(sign)
        return p.latex(Factored(own.constant, powers, own.shape).product())

    def _brace(self, k: int, part: dict[Expr, Any]) -> str:
        """What stands under a brace: the name of the slope that it is, or that it is only here."""
        for slope in self.alignment.slopes[k]:
            if part == {slope.symbol: 1}:
                return self.slope_name(k, slope)
        return r"\text{only here}"

    def ratio(self, row: Row, k: int) -> str:
        """The derivative of model k over that of the first, with slopes by their names; '' if it is none in closed form."""
        ratio = row.ratio(k)
        if ratio is None or (not row.same_values and not self._in_shared(ratio)):
            return ""
        p = self.printers[k]
        before = dict(p.replace)
        for i in (0, k):
            p.replace.update({slope.symbol: Tex(self.slope_name(i, slope)) for slope in self.alignment.slopes[i]})
        try:
            return p.latex(ratio.product())
        finally:
            p.replace = before

    def _in_shared(self, ratio: Factored) -> bool:
        shared = self.alignment.shared_values | self.alignment.slope_symbols
        return all(isinstance(factor, Symbol) and factor in shared for factor in ratio.powers)

    def derivative(self, k: int, quantity: Symbol) -> str:
        """The derivative of the loss of model k by a quantity."""
        n = self.printers[k].notation
        return n.derivative_of(n.loss, n.name(quantity.name))

    def adjoint(self, symbol: Symbol) -> str:
        """A derivative as running text."""
        return f"${self.printers[0].notation.adjoint(symbol)}$"

    def name(self, name: str) -> str:
        """A quantity."""
        return self.printers[0].notation.name(name)

    def slope_name(self, k: int, slope: Slope) -> str:
        """The slope of an activation by its name: σ'(Z)."""
        return self.printers[k].slope_name(slope.function, slope.Z)

    def derivatives(self, symbols: Iterable[Symbol]) -> str:
        """Several derivatives in a row, as running text."""
        return listed(f"${self.derivative(0, symbol)}$" for symbol in symbols)


def listed(items: Iterable[str]) -> str:
    """One, two and three."""
    found = list(items)
    return found[0] if len(found) == 1 else ", ".join(found[:-1]) + f" and {found[-1]}"


def short(number: Any) -> str:
    """A number in three digits."""
    text = f"{float(number):.3g}"
    mantissa, _, exponent = text.partition("e")
    return rf"${mantissa} \cdot 10^{{{int(exponent)}}}$" if exponent else text
