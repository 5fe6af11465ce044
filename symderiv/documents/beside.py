"""What stands beside the formulas of a derivation: the shapes of their quantities, NumPy to be copied, links to other views."""

from __future__ import annotations

from collections.abc import Iterator

from symderiv.calculus.derivation import Derivation
from symderiv.calculus.expressions import Expr, Symbol, symbols_in
from symderiv.calculus.shapes import SCALAR
from symderiv.compute.program import Line, Program
from symderiv.compute.source import write_lines
from symderiv.documents.content import Links, Quantity
from symderiv.documents.latex import Printer
from symderiv.views.index import Elementary, Entry, IndexExpr, Total

AT_A_GLANCE, STEP_BY_STEP, ONE_WEIGHT, IN_NUMBERS = "at a glance", "step by step", "one weight", "in numbers"


class Beside:
    """What stands beside the formulas of one derivation.

    numbers: whether its document has them; weights: for a parameter, the anchor of the weight that stands for the others.
    """

    def __init__(self, derivation: Derivation, printer: Printer, *, numbers: bool) -> None:
        self.derivation, self.p, self.numbers = derivation, printer, numbers
        self.weights: dict[str, str] = {}
        model = derivation.model
        self._order = {s: k for k, s in enumerate((*model.symbols.values(), *(a.symbol for a in derivation)))}
        forward = tuple(Line(e.symbol, e.value) for e in model.equations)
        self._program = Program(model, forward, tuple(Line(a.symbol, a.named) for a in derivation), {})

    def shapes(self, *parts: Expr | IndexExpr) -> tuple[Quantity, ...]:
        """The quantities in some expressions with their shapes, in the order in which they come about."""
        found = {symbol for part in parts for symbol in _symbols(part) if symbol in self._order}
        return tuple(map(self._quantity, sorted(found, key=self._order.__getitem__)))

    def _quantity(self, symbol: Symbol) -> Quantity:
        name, _, term = symbol.name.partition("_bar")
        spoken = (
            f"the derivative{f' of {term[1:]}' if term else ''} with respect to {name}"
            if symbol.role == "adjoint"
            else name
        )
        if symbol.shape == SCALAR:
            return Quantity(self.p.latex(symbol), "a number", f"{spoken} is a number")
        rows, columns = symbol.shape
        return Quantity(self.p.latex(symbol), f"${self.p.shape(symbol.shape)}$", f"{spoken} is {rows} by {columns}")

    def numpy(self, *lines: tuple[Symbol, Expr]) -> str:
        """Equations as NumPy, in the names of the model; `dW1` is the gradient of `W1`."""
        return write_lines(self._program, (Line(symbol, value) for symbol, value in lines))

    def also(self, symbol: Symbol, here: str) -> Links:
        """Links from one view of a derivative to the others."""
        return tuple((anchor, view) for anchor, view in self._views(symbol) if view != here)

    def _views(self, symbol: Symbol) -> Iterator[tuple[str, str]]:
        quantity, _, term = symbol.name.partition("_bar")
        if not term and quantity in self.derivation.gradients:
            yield f"r-{quantity}", AT_A_GLANCE
        yield f"d-{symbol.name}", STEP_BY_STEP
        if not term and quantity in self.weights:
            yield self.weights[quantity], ONE_WEIGHT
        if self.numbers:
            yield f"n-{symbol.name}", IN_NUMBERS


def _symbols(part: Expr | IndexExpr) -> Iterator[Symbol]:
    match part:
        case Expr():
            yield from symbols_in(part)
        case Entry(matrix=matrix):
            yield from symbols_in(matrix)
        case Total(body=body):
            yield from _symbols(body)
        case Elementary(args=args):
            for arg in args:
                yield from _symbols(arg)
