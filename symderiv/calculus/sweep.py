"""The reverse sweep: from the loss back through the equations, every pullback a recorded step.

A quantity that several equations use gets one contribution from each, and they are added (fan-out). A loss of several
terms is propagated term by term through the head of the network (elementwise work and softmax), where each term cancels
in its own way; before the first matrix product on the way back the terms are added up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import sympy

from symderiv.calculus.derivation import Adjoint, Contribution, Derivation, Step
from symderiv.calculus.expressions import Expr, Fill, Symbol, apply, substitute, symbols_in
from symderiv.calculus.model import Equation, Model
from symderiv.calculus.pullbacks import PULLBACKS, Pullback
from symderiv.calculus.rewrites import Rewrite, Simplifier, rule_name
from symderiv.calculus.shapes import SCALAR

Rules: TypeAlias = Callable[[str, Expr], Pullback]
"""The pullback to use for a node in the equation of that name."""


def right_rule(equation: str, node: Expr) -> Pullback:
    """The same rule wherever a node of its kind stands."""
    return PULLBACKS[type(node)]


def derive(
    model: Model, *, inputs: bool = False, rules: Rules = right_rule, tidy: bool = True, **options: Any
) -> Derivation:
    """Derive the gradient of every parameter of the model (and, with `inputs`, of the data) by the chain rule.

    rules: others than the right ones give what somebody gets who goes wrong there; tidy: whether anything is
    simplified, which takes most of the time. `options` are kept for the documents (see
    `symderiv.documents.notation.Notation`).
    """
    return Derivation(model, tuple(_Sweep(model, inputs, rules, tidy).adjoints()), options)


Share = tuple[Symbol, Expr, tuple[Step, ...]]


def pull_back(
    expr: Expr, cotangent: Expr, value: Expr, tracked: frozenset[str], target: str, rules: Rules = right_rule
) -> Iterator[Share]:
    """Push `cotangent` from an expression down to each tracked name in it; yields name, contribution and its steps.

    `value` is the name of the expression, if it has one; `target` that of the equation it stands in.
    """
    if isinstance(expr, Symbol):
        if expr.name in tracked:
            yield expr, cotangent, ()
        return
    rule = rules(target, expr)
    for part, adjoint in enumerate(rule(cotangent, expr, value)):
        arg = expr.args[part]
        if any(symbol.name in tracked for symbol in symbols_in(arg)):
            step = Step(target, rule_name(rule), expr, adjoint, cotangent, part)
            for symbol, contribution, steps in pull_back(arg, adjoint, arg, tracked, target, rules):
                yield symbol, contribution, (step, *steps)


class _Sweep:
    def __init__(self, model: Model, inputs: bool, rules: Rules, tidy: bool) -> None:
        self.model, self.rules, self.tidy = model, rules, tidy
        wanted = {s.name for s in model.inputs if inputs or s.role == "parameter"}
        for equation in model.equations:
            if any(symbol.name in wanted for symbol in equation.uses):
                wanted.add(equation.name)
        self.tracked = frozenset(wanted & model.relevant)
        self.simplifier = Simplifier(model.assumptions)
        self.closed: dict[Expr, Expr] = {}
        # For each quantity, by the loss term they come from, the contributions that have arrived; the term is "" once
        # the terms have been added up.
        self.arrived: dict[Symbol, dict[str, list[Contribution]]] = {}

    def adjoints(self) -> Iterator[Adjoint]:
        """Every adjoint, from the loss backwards; an input comes right after the first equation that uses it."""
        equations = self.model.equations
        first_use: dict[Symbol, int] = {}
        for place in reversed(range(len(equations))):
            first_use.update(dict.fromkeys(equations[place].uses, place))
        for place, equation in reversed(tuple(enumerate(equations))):
            if equation is self.model.loss:
                for term in self.model.terms:
                    # The value of a single term has no name: J names their sum.
                    name = term.value if term.name else equation.symbol
                    self._send(equation.name, term.value, Fill(1, SCALAR), name, term.name)
            elif equation.symbol in self.arrived:
                yield from self._finish(equation)
            for symbol in self.model.inputs:
                if first_use.get(symbol) == place and symbol in self.arrived:
                    yield self._adjoint(symbol, [c for some in self.arrived[symbol].values() for c in some])

    def _pass_on(self, equation: Equation, cotangent: Symbol, term: str) -> None:
        """Carry the adjoint of an equation's value to everything the equation uses; a constant one as its value."""
        closed = self.closed[cotangent]
        known = closed if isinstance(closed, Fill) else cotangent
        self._send(equation.name, equation.value, known, equation.symbol, term)

    def _send(self, via: str, expr: Expr, cotangent: Expr, value: Expr, term: str) -> None:
        for symbol, share, steps in pull_back(expr, cotangent, value, self.tracked, via, self.rules):
            contribution = Contribution(via, term, share, steps)
            self.arrived.setdefault(symbol, {}).setdefault(term, []).append(contribution)

    def _finish(self, equation: Equation) -> Iterator[Adjoint]:
        """The adjoints of an equation's value: one a loss term while they stay apart, then their sum."""
        arrived = self.arrived[equation.symbol]
        terms = {term: arrived[term] for term in ("", *(t.name for t in self.model.terms)) if term in arrived}
        if len(terms) == 1 or "" in terms:
            adjoint = self._adjoint(equation.symbol, [c for some in terms.values() for c in some])
            yield adjoint
            self._pass_on(equation, adjoint.symbol, next(iter(terms)) if len(terms) == 1 else "")
            return
        single = {term: self._adjoint(equation.symbol, some, term) for term, some in terms.items()}
        yield from single.values()
        if equation.contracts:
            added = self._adjoint(equation.symbol, [], parts=tuple(adjoint.symbol for adjoint in single.values()))
            yield added
            self._pass_on(equation, added.symbol, "")
        else:
            for term, adjoint in single.items():
                self._pass_on(equation, adjoint.symbol, term)

    def _adjoint(
        self, quantity: Symbol, contributions: list[Contribution], term: str = "", parts: tuple[Symbol, ...] = ()
    ) -> Adjoint:
        raw = apply(sympy.Add, *(c.value for c in contributions), *parts)
        named, tidying = self._simplified(raw)
        closed, rewrites = self._simplified(substitute(named, self.closed))
        # The shape is that of the quantity, unless a rule is wrong.
        symbol = Symbol(f"{quantity.name}_bar{f'_{term}' if term else ''}", raw.shape, "adjoint")
        self.closed[symbol] = closed
        steps = tuple(
            Step(quantity.name, r.rule, r.before, r.after, assumption=r.assumption)
            for r in dict.fromkeys((*tidying, *rewrites))
        )
        return Adjoint(quantity, term, symbol, tuple(contributions), parts, raw, named, closed, steps)

    def _simplified(self, expr: Expr) -> tuple[Expr, tuple[Rewrite, ...]]:
        return self.simplifier.simplified(expr) if self.tidy else (expr, ())
