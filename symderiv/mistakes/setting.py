"""What a mistake can be made with: which quantities of a model are weights, activations, counts of samples, a penalty."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import sympy

from symderiv.calculus.expressions import (
    Augment,
    Expr,
    Map,
    MatMul,
    Softmax,
    Symbol,
    Transpose,
    name_of,
    parts_of,
    substitute,
    symbols_in,
)
from symderiv.calculus.functions import Scalar
from symderiv.calculus.model import Model
from symderiv.calculus.shapes import SCALAR


@dataclass(frozen=True)
class Setting:
    """What the choices look at: a model, and which of its quantities play which part."""

    model: Model

    @cached_property
    def tracked(self) -> frozenset[str]:
        """The names that depend on a parameter."""
        return frozenset(
            name
            for symbol in self.model.parameters
            for name in (symbol.name, *(e.name for e in self.model.affected_by(symbol)))
        )

    @cached_property
    def samples(self) -> frozenset[str]:
        """The sizes that no parameter has: those count samples."""
        own = {size.name for symbol in self.model.parameters for size in symbol.shape}
        return frozenset(self.model.sizes) - own

    @cached_property
    def counts(self) -> tuple[Scalar, ...]:
        """The sizes that the loss is divided by, and their product."""
        scalars = [p.function for p in parts_of(self.loss) if isinstance(p, Map)]
        powers = {power for scalar in scalars for power in scalar.atoms(sympy.Pow)}
        sizes = {s for p in powers if p.exp.is_negative for s in p.base.free_symbols if s.is_integer}
        each = sorted(sizes, key=str)
        return (*each, sympy.Mul(*each)) if len(each) > 1 else tuple(each)

    @cached_property
    def loss(self) -> Expr:
        """The loss with its scalar parts, `mse` and the like, put in."""
        values: dict[Expr, Expr] = {}
        for equation in self.model.equations:
            if equation.symbol.shape == SCALAR and not equation.contracts:
                values[equation.symbol] = substitute(equation.value, values)
        return substitute(self.model.loss.value, values)

    @cached_property
    def penalty(self) -> Expr | None:
        """The term of the loss in parameters alone that the rest depends on too."""
        found = next((term.value for term in self.model.terms if term.name == "penalty"), None)
        elsewhere = {s for e in self.model.equations if e is not self.model.loss for s in e.uses}
        return found if found is not None and symbols_in(found) <= elsewhere else None

    @cached_property
    def layers(self) -> dict[Symbol, Symbol]:
        """Each activation with its pre-activation."""
        return {
            e.symbol: e.value.args[0]
            for e in self.model.equations
            if isinstance(e.value, (Map, Softmax)) and len(e.value.args) == 1 and isinstance(e.value.args[0], Symbol)
        }

    @cached_property
    def factors(self) -> tuple[Symbol, ...]:
        """The names that stand in matrix products, and every activation."""
        every = (part for e in self.model.equations for part in parts_of(e.value) if isinstance(part, MatMul))
        found = {s for part in every for arg in part.args if (s := bare(arg)) is not None}
        return tuple(sorted(found | self.layers.keys(), key=lambda s: s.name))

    def derivative(self, part: Expr) -> str:
        """What the adjoint of a part is called."""
        return f"d{self.model.loss.name}/d{name_of(bare(part) or part, '(..)')}"


def bare(expr: Expr) -> Symbol | None:
    """The name inside transposes and ones put first, None for anything else."""
    while isinstance(expr, (Transpose, Augment)):
        expr = expr.args[0]
    return expr if isinstance(expr, Symbol) else None
