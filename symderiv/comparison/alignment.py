"""The gradients of several models quantity by quantity: which are equal, which differ, and by which factor.

Formulas are compared, and beside them the values: `A1.T @ dZ2` is one formula in a network of sigmoids and in one of tanh,
but A1 is another number there. A ratio is given only where both sides mean the same numbers by their names.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Literal

import mpmath

from symderiv.calculus.derivation import Adjoint, Derivation
from symderiv.calculus.expressions import Symbol, parts_of, symbols_in
from symderiv.calculus.model import Model
from symderiv.calculus.rewrites import split_constant
from symderiv.calculus.shapes import show
from symderiv.comparison.factors import Factored, Slope, factored, is_plain, slopes_of
from symderiv.errors import ModelError
from symderiv.mistakes.setting import Setting
from symderiv.oracles.evaluation import distinct_sizes, random_point

Relation = Literal["equal", "constant", "through", "differs"]
"""equal: one formula; constant: but for a number in front; through: the same step from an earlier derivative that differs;
differs: here is where they part."""
DIGITS = 40


@dataclass(frozen=True)
class Row:
    """One quantity in every model.

    adjoints: the derivative with respect to it in each model, None where a model keeps the terms of its loss apart there;
    relation: how they stand to each other; through: the earlier derivatives by which they differ; same_values: whether the
    names in the formulas stand for the same numbers in every model.
    """

    quantity: Symbol
    adjoints: tuple[Adjoint | None, ...]
    relation: Relation
    through: tuple[Symbol, ...]
    factors: tuple[Factored | None, ...]
    same_values: bool

    @cached_property
    def shared(self) -> Factored | None:
        """The factors that every model has; None where one has no formula."""
        known = [f for f in self.factors if f is not None]
        return known[0].shared_with(known[1:]) if len(known) == len(self.factors) else None

    def own(self, k: int) -> Factored | None:
        """What model k has beyond what is shared."""
        found = self.factors[k]
        return found / self.shared if found is not None and self.shared is not None else None

    def ratio(self, k: int, to: int = 0) -> Factored | None:
        """The derivative of model k over that of model `to`, None where that is no work on single entries."""
        one, other = self.factors[k], self.factors[to]
        if one is None or other is None:
            return None
        found = one / other
        return found if is_plain(found) else None


class Alignment:
    """Several derivations of one network; `names` says what each is called.

    Raises: ModelError if they do not share their parameters and data, or if there are fewer than two.
    """

    def __init__(self, derivations: Sequence[Derivation], names: Sequence[str]) -> None:
        if len(derivations) < 2:
            raise ModelError("a comparison needs two models", "symderiv compare one.model other.model")
        self.derivations, self.names = tuple(derivations), tuple(names)
        self.models = tuple(d.model for d in derivations)
        for name, model in zip(self.names[1:], self.models[1:], strict=True):
            _check_shared(self.names[0], self.models[0], name, model)

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        """Every quantity that each model has, from the loss backwards."""
        orders = [list(dict.fromkeys(a.quantity.name for a in d if a.quantity.shape)) for d in self.derivations]
        common = [name for name in orders[0] if all(name in order for order in orders[1:])]
        losses = {model.loss.name for model in self.models}
        return tuple(self._row(name) for name in common if name not in losses)

    def row(self, name: str) -> Row:
        """The row of the quantity `name`.

        Raises: ModelError if the models do not all have one.
        """
        for row in self.rows:
            if row.quantity.name == name:
                return row
        raise ModelError(
            f"there is no {name} in every model", f"there is {', '.join(r.quantity.name for r in self.rows)}"
        )

    def _row(self, name: str) -> Row:
        adjoints = [next((a for a in d if a.quantity.name == name and not a.term), None) for d in self.derivations]
        known = [a for a in adjoints if a is not None]
        factors = [f and f.with_slopes(s) for f, s in zip(map(_factors_of, adjoints), self.slopes, strict=True)]
        meant = {s for a in known for s in symbols_in(a.closed)}
        same_values = meant <= self.shared_values | self.slope_symbols
        through: tuple[Symbol, ...] = ()
        relation: Relation = "differs"
        if len(known) == len(adjoints):
            powers = [f.powers for f in factors if f is not None]
            if all(p == powers[0] for p in powers):
                constants = [f.constant for f in factors if f is not None]
                relation = "equal" if all(c == constants[0] for c in constants) else "constant"
            elif all(a.named == known[0].named for a in known):
                through = tuple(
                    sorted((s for s in symbols_in(known[0].named) if s.role == "adjoint"), key=lambda s: s.name)
                )
                if all(_arrives_whole(d, a, through) for d, a in zip(self.derivations, known, strict=True)):
                    relation = "through"
        return Row(self.models[0].symbols[name], tuple(adjoints), relation, through, tuple(factors), same_values)

    @cached_property
    def slopes(self) -> tuple[tuple[Slope, ...], ...]:
        """The slopes of each model's activations."""
        return tuple(slopes_of(model) for model in self.models)

    @cached_property
    def slope_symbols(self) -> set[Symbol]:
        """The slopes, by their names, whose pre-activation is the same number in every model."""
        return {slope.symbol for slopes in self.slopes for slope in slopes if slope.Z in self.shared_values}

    @cached_property
    def shared_values(self) -> set[Symbol]:
        """The names that stand for the same number in every model, given the same data and parameters."""
        first, *others = self.models
        shared = set(first.inputs)
        for equation in first.equations:
            twins = [model.equation(equation.name) for model in others]
            if all(t is not None and t.value == equation.value for t in twins) and set(equation.uses) <= shared:
                shared.add(equation.symbol)
        return shared

    def differing(self) -> Iterator[str]:
        """The names that are defined otherwise in one model than in another, the loss last."""
        for equation in self.models[0].equations:
            twins = [model.equation(equation.name) for model in self.models[1:]]
            if any(t is None or t.value != equation.value for t in twins):
                yield equation.name

    @cached_property
    def sums(self) -> tuple[tuple[int, tuple[int, ...]], ...]:
        """(k, others): the models whose loss is the sum of those of others, as compared in 40 digits at two points."""
        found = []
        for k in range(len(self.models)):
            rest = [i for i in range(len(self.models)) if i != k]
            for count in range(2, len(rest) + 1):
                found += [(k, some) for some in combinations(rest, count) if self._adds_up(k, some)]
        return tuple(found)

    def _adds_up(self, k: int, some: tuple[int, ...]) -> bool:
        own = (k, *some)
        names = {s.name for i in own for s in symbols_in(Setting(self.models[i]).loss)}
        shared = {symbol.name for symbol in self.shared_values}
        if not names <= shared:
            return False
        for seed in (0, 1):
            with mpmath.workdps(DIGITS):
                # At other sizes each time: 1 = 1/2 + 1/n where n is 2.
                sizes = {name: size + 3 * seed for name, size in distinct_sizes(self.models[k]).items()}
                point = random_point(self.models[k], seed, sizes, digits=DIGITS)
                losses = [point.run(self.models[i])[self.models[i].loss.symbol].item() for i in own]
                if abs(losses[0] - sum(losses[1:])) > mpmath.mpf(10) ** (5 - DIGITS) * abs(losses[0]):
                    return False
        return True


def _arrives_whole(derivation: Derivation, adjoint: Adjoint, earlier: tuple[Symbol, ...]) -> bool:
    """Whether the earlier derivatives still stand in the closed form as they were: then nothing of them has cancelled."""
    if isinstance(adjoint.named, Symbol):
        return True
    parts = set(parts_of(adjoint.closed))
    return all(split_constant(derivation.by_symbol[s.name].closed)[1] in parts for s in earlier)


def _factors_of(adjoint: Adjoint | None) -> Factored | None:
    return None if adjoint is None else factored(adjoint.closed)


def _check_shared(name: str, first: Model, other_name: str, other: Model) -> None:
    """Two models share a network if they have the same data and parameters, in the same shapes."""
    ours, theirs = ({s.name: s for s in model.inputs} for model in (first, other))
    for mine, yours, have, lack in ((ours, theirs, name, other_name), (theirs, ours, other_name, name)):
        missing = [n for n in mine if n not in yours]
        if missing:
            raise ModelError(
                f"{name} and {other_name} are not one network: {have} has {', '.join(missing)}, {lack} has not",
                "name data and parameters alike in both, and give both the same layers",
            )
    for n, symbol in ours.items():
        if symbol.shape != theirs[n].shape or symbol.role != theirs[n].role:
            raise ModelError(
                f"{name} and {other_name} are not one network: {n} is {symbol.role} {show(symbol.shape)} in the one, "
                f"{theirs[n].role} {show(theirs[n].shape)} in the other",
                "give it the same shape, with the same names of sizes, in both",
            )
