"""The questions of a symbolic worksheet: every derivative as a formula, from the loss backwards."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from symderiv.calculus.derivation import Adjoint, Derivation
from symderiv.calculus.rewrites import Simplifier
from symderiv.documents.latex import Printer
from symderiv.documents.notation import notation_of
from symderiv.documents.numbers import rate_letter
from symderiv.errors import SymderivError
from symderiv.mistakes.codes import RANK
from symderiv.worksheets.choices import wrong_derivations
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

    def questions(self) -> Iterator[Question]:
        """Every question, in order."""
        for adjoint in self.derivation:
            yield self._with_choices(self.derivative(adjoint), adjoint)
        yield from self.steps()

    def derivative(self, adjoint: Adjoint) -> Question:
        """One derivative, in terms of the ones before it and written out."""
        left, named = self.n.adjoint(adjoint.symbol), self.p.latex(adjoint.named)
        closed = self.p.latex(adjoint.closed)
        lines = [(left, named, "")]
        if closed != named and len(closed) <= LONGEST:
            lines.append(("", closed, ""))
        shape = self.p.shape(adjoint.quantity.shape)
        text = f"Find ${left}$, of the shape ${shape}$."
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
            try:
                value = wrong.derivation.adjoint(adjoint.quantity.name)
            except SymderivError:
                continue
            if value.named == adjoint.named or value.raw.shape != adjoint.quantity.shape:
                continue  # the mistake is made elsewhere, or gives no answer of this shape
            text = self.p.latex(Simplifier().simplified(value.named)[0])  # leaning on no assumption
            if text != right and len(text) <= LONGEST:
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
