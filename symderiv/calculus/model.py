"""A model: forward equations in order, what is data and what is a parameter, and a loss that is a sum of terms.

There is no convention in here: rows or columns, 1/2 or 1/n, bias apart or inside the weights are just other equations.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import sympy

from symderiv.calculus.expressions import (
    Augment,
    Expr,
    Map,
    MatMul,
    Softmax,
    Symbol,
    apply,
    fused,
    parts_of,
    symbols_in,
)
from symderiv.calculus.functions import Scalar, placeholder
from symderiv.calculus.rewrites import SumsToOne
from symderiv.calculus.shapes import SCALAR, show
from symderiv.errors import ModelError


@dataclass(frozen=True)
class Equation:
    """`symbol = value`, with `line` its place in a model file (0 where it has none)."""

    symbol: Symbol
    value: Expr
    line: int = 0

    @property
    def name(self) -> str:
        return self.symbol.name

    @cached_property
    def uses(self) -> tuple[Symbol, ...]:
        """The names on the right side, sorted by name."""
        return tuple(sorted(symbols_in(self.value), key=lambda s: s.name))

    @cached_property
    def contracts(self) -> bool:
        """Whether a matrix product stands on the right side: then loss terms are added up before it."""
        return any(isinstance(part, MatMul) for part in parts_of(self.value))


@dataclass(frozen=True)
class Term:
    """One summand of the loss, propagated on its own: a short name and its value."""

    name: str
    value: Expr


@dataclass(frozen=True)
class Model:
    """A straight-line program whose last value is a scalar loss.

    inputs: every data and parameter symbol, in order of declaration; equations: in order, the loss last;
    assumptions: what is taken for granted about the data.
    Raises: ModelError for a loss that is not a scalar, an unused parameter or a name used before it is defined.
    """

    inputs: tuple[Symbol, ...]
    equations: tuple[Equation, ...]
    assumptions: tuple[SumsToOne, ...] = ()
    hypers: tuple[sympy.Symbol, ...] = ()
    title: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        if not self.equations:
            raise ModelError("there is no equation, so there is nothing to derive", "the last equation is the loss")
        known = {symbol.name for symbol in self.inputs}
        for equation in self.equations:
            for symbol in equation.uses:
                if symbol.name not in known:
                    raise ModelError(
                        f"{equation.name} uses {symbol.name}, which is not defined before it", subject=equation.name
                    )
            if equation.name in known:
                raise ModelError(
                    f"{equation.name} is defined twice", "give the second value a name of its own", equation.name
                )
            known.add(equation.name)
            _check_augmented(equation)
        if self.loss.symbol.shape != SCALAR:
            shape = show(self.loss.symbol.shape)
            raise ModelError(
                f"the loss {self.loss.name} is not a scalar: its shape is {shape}",
                "the last equation is the loss; wrap it in sum(...) or mean(...)",
                self.loss.name,
            )
        for symbol in self.parameters:
            if symbol.name not in self.relevant:
                raise ModelError(
                    f"the parameter {symbol.name} is not used on the way to the loss {self.loss.name}",
                    "use it in an equation that the loss depends on, or remove its declaration",
                    symbol.name,
                )

    @property
    def loss(self) -> Equation:
        """The last equation."""
        return self.equations[-1]

    @property
    def parameters(self) -> tuple[Symbol, ...]:
        return tuple(s for s in self.inputs if s.role == "parameter")

    @property
    def data(self) -> tuple[Symbol, ...]:
        return tuple(s for s in self.inputs if s.role == "data")

    @cached_property
    def symbols(self) -> dict[str, Symbol]:
        """Every named matrix by its name: inputs first, then values."""
        return {s.name: s for s in (*self.inputs, *(e.symbol for e in self.equations))}

    @cached_property
    def relevant(self) -> frozenset[str]:
        """The names on which the loss depends."""
        found = {self.loss.name}
        for equation in reversed(self.equations):
            if equation.name in found:
                found |= {symbol.name for symbol in equation.uses}
        return frozenset(found)

    @cached_property
    def sizes(self) -> tuple[str, ...]:
        """The names of all sizes, in order of appearance."""
        names = [size.name for s in self.symbols.values() for size in s.shape if size.name]
        return tuple(dict.fromkeys(names))

    def equation(self, name: str) -> Equation | None:
        """The equation that defines `name`, None for an input."""
        return next((e for e in self.equations if e.name == name), None)

    def affected_by(self, symbol: Symbol) -> tuple[Equation, ...]:
        """The equations whose value depends on `symbol`, in order."""
        moved, affected = {symbol}, []
        for equation in self.equations:
            if moved.intersection(equation.uses):
                moved.add(equation.symbol)
                affected.append(equation)
        return tuple(affected)

    @cached_property
    def terms(self) -> tuple[Term, ...]:
        """The summands of the loss; those in parameters alone are one term, the penalty."""
        groups: dict[str, list[Expr]] = {}
        for summand in _summands(self.loss.value):
            groups.setdefault(self._term_name(summand, len(groups) + 1), []).append(summand)
        if len(groups) < 2:
            return (Term("", self.loss.value),)
        return tuple(Term(name, apply(sympy.Add, *parts)) for name, parts in groups.items())

    def _term_name(self, summand: Expr, number: int) -> str:
        names = symbols_in(summand)
        if all(symbol.role == "parameter" for symbol in names):
            return "penalty"
        if len(names) == 1 and next(iter(names)).shape == SCALAR:
            return next(iter(names)).name
        return str(number)


def _check_augmented(equation: Equation) -> None:
    """Ones are put before a named matrix with a named size: then its indices keep their numbers and the ones are 0."""
    for expr in parts_of(equation.value):
        if isinstance(expr, Augment):
            inner, size = expr.args[0], expr.args[0].shape[expr.axis]
            if not isinstance(inner, Symbol):
                hint = "A = tanh(Z), then augment(A)"
                raise ModelError(
                    "augment takes a name: give what it is put before a name of its own", hint, equation.name
                )
            if not size.name or size.offset:
                hint = f"write a name for the size in the declarations: d for {size}, d + 1 where the ones are included"
                raise ModelError(f"augment needs a size that is a plain name, not {size}", hint, equation.name)


def _summands(loss: Expr) -> Sequence[Expr]:
    """c a + d b, with a and b scalars, as [c a, d b]; anything else is one summand."""
    if not isinstance(loss, Map):
        return [loss]
    own = {placeholder(i) for i in range(len(loss.args))}
    pieces = _distributed(loss.function, own)
    if any(len(piece.free_symbols & own) != 1 for piece in pieces):
        return [loss]
    return [fused(piece, loss.args) for piece in pieces]


def _distributed(function: Scalar, own: set[Scalar]) -> list[Scalar]:
    """The terms of a sum, with constant factors multiplied in; products of sums stay as they are."""
    constant, rest = function.as_independent(*own, as_Add=False)
    if not isinstance(rest, sympy.Add):
        return [function]
    return [piece for term in rest.args for piece in _distributed(constant * term, own)]


def softmax_targets(inputs: Sequence[Symbol], equations: Sequence[Equation]) -> tuple[SumsToOne, ...]:
    """The data that meet the logarithm of a softmax output entry by entry: targets of a cross-entropy.

    They are one-hot, or at least probabilities, in every textbook; derivations say so when they use it.
    """
    every = [part for equation in equations for part in parts_of(equation.value)]
    softmax: dict[Expr, int] = {part: part.axis for part in every if isinstance(part, Softmax)}
    softmax |= {e.symbol: e.value.axis for e in equations if isinstance(e.value, Softmax)}
    found: dict[SumsToOne, None] = {}
    for expr in every:
        if isinstance(expr, Map) and expr.function.has(sympy.log):
            logged = {log.args[0] for log in expr.function.atoms(sympy.log)}
            axes = {softmax[a] for i, a in enumerate(expr.args) if placeholder(i) in logged and a in softmax}
            for target in expr.args:
                if isinstance(target, Symbol) and target.role == "data":
                    found.update(dict.fromkeys(SumsToOne(target.name, axis) for axis in sorted(axes)))
    # Rows and columns that both sum to 1 are no targets of anybody's: then nothing is assumed.
    return tuple(one for one in found if SumsToOne(one.name, 1 - one.axis) not in found)
