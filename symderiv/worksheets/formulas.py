"""The questions of a symbolic worksheet: every derivative as a formula, from the loss backwards."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property

import numpy as np

from symderiv.calculus.derivation import Adjoint, Derivation
from symderiv.calculus.expressions import Augment, Expr, Fill, functions_in, parts_of
from symderiv.calculus.rewrites import Simplifier
from symderiv.documents.latex import Printer
from symderiv.documents.notation import notation_of
from symderiv.documents.numbers import rate_letter
from symderiv.errors import SymderivError
from symderiv.mistakes.codes import RANK
from symderiv.oracles.evaluation import Array, random_point
from symderiv.worksheets.choices import NOT_TOLD, Wrong, wrong_derivations
from symderiv.worksheets.questions import Choice, Question

NOTHING = np.zeros((0, 0))
LONGEST = 400


class Symbolic:
    """The questions of a network without numbers."""

    def __init__(self, derivation: Derivation, choices: int, seed: int) -> None:
        self.derivation, self.count = derivation, choices
        self.p = Printer(notation_of(derivation.model, derivation.options))
        self.n = self.p.notation
        self.rng = np.random.default_rng([seed, 13])
        self.point = random_point(derivation.model, 1)
        self.values: dict[Expr, Array] = {**self.point.run(derivation.model)}
        for adjoint in derivation:
            self.values[adjoint.symbol] = self.point.evaluate(adjoint.named, dict(self.values))

    @cached_property
    def is_linear_in_pieces(self) -> bool:
        """Whether an activation is a ReLU or like it."""
        return any(
            "relu" in type(slope).__name__ for e in self.derivation.model.equations for slope in functions_in(e.value)
        )

    def questions(self) -> Iterator[Question]:
        """Every question, in order."""
        for adjoint in self.derivation:
            if not isinstance(adjoint.closed, Fill):  # dJ/d(mse) = 1 is no question
                yield self._with_choices(self.derivative(adjoint), adjoint)
        yield from self.steps()

    def derivative(self, adjoint: Adjoint) -> Question:
        """One derivative, in terms of the ones before it and written out."""
        left, named = self.n.adjoint(adjoint.symbol), self.p.latex(adjoint.named)
        closed = self.p.latex(adjoint.closed)
        lines = [(left, named, "")]
        if closed != named and len(closed) <= LONGEST:
            lines.append(("", closed, ""))
        text = f"Find ${left}$. It has the shape of ${self.p.latex(adjoint.quantity)}$."
        return Question(f"d-{adjoint.symbol.name}", "backward", text, left, tuple(lines))

    def steps(self) -> Iterator[Question]:
        """The update rules."""
        rate = rate_letter(self.derivation.model)
        for symbol in self.derivation.model.parameters:
            name = self.p.latex(symbol)
            slope = self.n.adjoint(self.derivation.adjoint(symbol.name).symbol)
            text = f"How does a step of gradient descent with the learning rate ${rate}$ change ${name}$?"
            lines = ((name, rf"{name} - {rate} \, {slope}", ""),)
            yield Question(f"step-{symbol.name}", "step", text, name, lines, None, r"\leftarrow")

    def _with_choices(self, question: Question, adjoint: Adjoint) -> Question:
        """The same question with formulas to choose from: those of derivations with one mistake in them."""
        if not self.count or adjoint.term or adjoint.parts:
            return question
        right = question.lines[-1][1]
        found: dict[str, tuple[str, str]] = {}
        for wrong in wrong_derivations(self.derivation.model):
            value = self._wrong(wrong, adjoint)
            text = "" if value is None else self.p.latex(value)
            if text and len(text) <= LONGEST:
                found.setdefault(text, (wrong.slip.code, wrong.slip.words))
        by_code: dict[str, tuple[str, str]] = {}
        for text, (code, words) in sorted(found.items(), key=lambda item: RANK[item[1][0]]):
            by_code.setdefault(code, (text, words))
        likely = list(by_code.items())[: 2 * self.count]
        picked = [likely[k] for k in sorted(self.rng.permutation(len(likely))[: self.count])]
        if not picked:
            return question
        offered = [Choice(right, NOTHING)]
        offered += [Choice(text, NOTHING, (code,), words) for code, (text, words) in picked]
        order = self.rng.permutation(len(offered))
        return replace(question, choices=tuple(offered[k] for k in order))

    def _wrong(self, wrong: Wrong, adjoint: Adjoint) -> Expr | None:
        """The derivative with the mistake made in its last step, in terms of the right ones before it; None if it is right.

        It is tidied without leaning on assumptions, since only the right one may lean on them.
        """
        try:
            value = Simplifier().simplified(wrong.derivation.adjoint(adjoint.quantity.name).named)[0]
        except SymderivError:
            return None
        known = {part for e in self.derivation.model.equations for part in parts_of(e.value)}
        strange = (p for p in parts_of(value) if isinstance(p, Augment) and p not in known)
        if value.shape != adjoint.quantity.shape or wrong.slip.rule in NOT_TOLD or any(strange):
            return None
        if wrong.slip.code == "wrong-variable" and self.is_linear_in_pieces:
            return None  # Z relu'(Z) is relu(Z): that Z stands for A may as well be a missing slope
        with np.errstate(all="ignore"):
            mine = self.point.evaluate(value, dict(self.values))
        truth = self.values[adjoint.symbol]
        return None if np.allclose(mine, truth, rtol=1e-9, atol=1e-12) or not np.isfinite(mine).all() else value
