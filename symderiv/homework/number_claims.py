"""One side with numbers: against the exact value, the printed ones and the side before it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from symderiv.homework.arithmetic import Undefined
from symderiv.homework.elaboration import is_number
from symderiv.homework.numbers import Printed, agrees, literal, uncertainty
from symderiv.homework.shapes import base_of
from symderiv.homework.statements import Side
from symderiv.homework.symbols import Reference
from symderiv.homework.terms import Add, Jacobian, Part, Sloppy, Term
from symderiv.homework.verdicts import Subject, Verdict
from symderiv.homework.worlds import Misfit, Unknown

if TYPE_CHECKING:
    from symderiv.homework.judging import Judge


@dataclass
class NumberClaim:
    """One side with numbers, against the exact value, the printed ones and the side before it."""

    judge_: Judge
    at: int
    subject: Subject
    reference: Reference | None
    left: Term
    right: Term
    side: Side
    printed: tuple[np.ndarray, np.ndarray] | None  # type: ignore[type-arg]
    halves: dict[object, float]

    def judge(self) -> tuple[Verdict, object, object] | None:
        """(verdict, value, half units); None where the side is not about numbers after all."""
        numbers = self.judge_.numbers
        kind = "number"
        if self._is_given():
            return Verdict("correct", "definition", "a given value"), None, None
        exact = numbers.values_of(self.left, self.at)
        if self.reference is not None and self.reference.key not in self.judge_.understanding.definitions_at(self.at):
            stepped = self._updated_values()
            if stepped:
                exact, kind = stepped, "update"
        if self.printed is not None:
            value, half = self.printed
        else:
            found = numbers.values_of(self.right, self.at) or self._alone()
            if not found:
                return (Verdict("uncheckable", kind, "its value could not be worked out"), None, None) if is_number(self.right) else None
            value = found[0]
            half = np.full(value.shape, self._slack() + 1e-9)
        for truth in exact:
            how = agrees(value, truth, half)
            if how == "rounded":
                return Verdict("correct", kind), value, half
            if how == "cut":
                return Verdict("correct", kind, "its digits are cut off, not rounded"), value, half
        before = self._before(value, half)
        return self._not_exact(kind, exact, before, value, half), value, half

    def _is_given(self) -> bool:
        if self.reference is None or not is_number(self.right):
            return False
        for number in self.judge_.understanding.numbers:
            if number.at == self.at and number.key == self.reference.key:
                formulas = self.judge_.understanding.definitions_at(self.at)
                if number.key in formulas or number.key in self.judge_.inference.elaborator.adjoints:
                    return False
                earlier = [n for n in self.judge_.understanding.numbers if n.key == number.key and n.at < self.at and n.indices == number.indices]
                return not earlier and self.printed is not None
        return False

    def _updated_values(self) -> list[object]:
        """One step down the gradient from the given value: `w_new = 3 - 0.1 (-16) = 4.6`."""
        judge, numbers = self.judge_, self.judge_.numbers
        loss = judge.understanding.loss
        if self.reference is None or loss is None:
            return []
        key, indices = self.reference.key, self.reference.indices
        if key not in numbers.givens_at(self.at, False):
            base = base_of(key)
            olds = [k for k in numbers.givens_at(self.at, False) if base_of(k) == base and ("new" in key or "+" in key or "neu" in key)]
            if len(olds) != 1:
                return []
            key = olds[0]
        out: list[object] = []
        for rate in judge.rates_at(self.at):
            step = Add(((1, Part(key, indices)), (-1, Sloppy((Part(rate, ()), Jacobian(Part(loss, ()), Part(key, indices))), ("",)))))
            reader = numbers.reader(self.at, False)
            if reader is None:
                continue
            try:
                out.extend(r.value.array for r in reader.readings(step)[:2])
            except (Misfit, Unknown, Undefined):
                continue
        if out and not indices:
            numbers.updated[key] = Printed(np.asarray(out[0]), np.zeros(1), 0, self.at, True)
        return out

    def _alone(self) -> list[object]:
        """The value of numbers alone, where the document gives none."""
        value = self.judge_.numbers._plain_value(self.right)
        return [] if value is None else [value]

    def _slack(self) -> float:
        def evaluate(term: Term) -> object:
            found = self.judge_.numbers.values_of(term, self.at) or ([v] if (v := self.judge_.numbers._plain_value(term)) is not None else [])
            return found[0] if found else None

        return uncertainty(self.right, self.halves, evaluate)  # type: ignore[arg-type]

    def _before(self, value: object, half: object) -> bool | None:
        """Whether the side before it, worked out, gives this number; None if there is none."""
        for node, term in reversed(self.subject.sides):
            if not is_number(term):
                continue
            before = self.judge_.numbers._plain_value(term)
            if before is None or (literal(node) is not None and literal(self.side.node) is None):
                continue
            return agrees(value, before, half) is not None  # type: ignore[arg-type]
        return None

    def _not_exact(self, kind: str, exact: list[object], before: bool | None, value: object, half: object) -> Verdict:
        numbers = self.judge_.numbers
        for node, term in [*reversed(self.subject.sides), (self.subject.side.node, self._formula())]:
            if term is None:
                continue
            del node
            for found, used in numbers.from_printed(term, self.at):
                inexact = [p for p in used if not p.is_exact or p.is_false]
                if inexact and agrees(value, found, half) is not None:  # type: ignore[arg-type]
                    false = [p for p in inexact if p.is_false]
                    root = (false or inexact)[-1]
                    why = "follows from" if false else "right for the rounded value in"
                    return Verdict("carried", kind, f"{why} line {root.line}", mistakes=() if false else ("rounded-early",), root=root.line)
        if not exact:
            if before is True:
                return Verdict("correct", kind, "the numbers give this")
            if before is False:
                return Verdict("wrong", kind, "the numbers before it do not give this", mistakes=("arithmetic-slip",))
            return Verdict("uncheckable", kind, "the document does not say how to work it out")
        if before:
            return Verdict("carried" if self.subject.false_since else "wrong", kind, "not the value, though the numbers before it give it",
                           mistakes=("wrong-value-inserted",), root=self.subject.false_since)  # fmt: skip
        return Verdict("wrong", kind, f"the value is {_shown(exact[0])}", mistakes=("arithmetic-slip",), expected=_shown(exact[0]))

    def _formula(self) -> Term | None:
        if self.reference is not None and not isinstance(self.left, Jacobian):
            return self.judge_.understanding.definitions_at(self.at).get(self.reference.key)
        return None


def _shown(value: object) -> str:
    array = np.asarray(value, dtype=float)
    return f"{array.item():.6g}" if array.size == 1 else "[" + "; ".join(" ".join(f"{x:.6g}" for x in row) for row in array) + "]"
