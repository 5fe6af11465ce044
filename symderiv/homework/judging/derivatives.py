"""Derivatives: the side against the truth, then every way in which it could still be right, then whose mistake it is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from symderiv.homework.judging.classes import true_for_each_class
from symderiv.homework.judging.comparing import Answer, Comparer
from symderiv.homework.judging.number_claims import by_the_numbers
from symderiv.homework.judging.numbers import Printed, jacobian_key
from symderiv.homework.judging.otherwise import Otherwise, letter_of_sample
from symderiv.homework.judging.own_lines import OwnLines
from symderiv.homework.judging.situation import Situation
from symderiv.homework.judging.truths import truth_of
from symderiv.homework.judging.unknowns import Unknowns
from symderiv.homework.judging.verdicts import Subject, Verdict
from symderiv.homework.reading.plainly import to_text
from symderiv.homework.reading.statements import Statement
from symderiv.homework.understanding.arithmetic import Machine
from symderiv.homework.understanding.elaboration import (
    is_number,
    with_part,
)
from symderiv.homework.understanding.key_names import shown_name
from symderiv.homework.understanding.literals import agrees
from symderiv.homework.understanding.objective import any_function_of
from symderiv.homework.understanding.terms import (
    Const,
    Jacobian,
    Part,
    Sloppy,
    SumOver,
    Term,
    everything_in,
    references_in,
)
from symderiv.homework.understanding.understanding import Definition


class Derivatives:
    """Judges what is said of a derivative."""

    def __init__(self, situation: Situation, own_lines: OwnLines, unknowns: Unknowns, otherwise: Otherwise) -> None:
        self.situation, self.own_lines, self.unknowns, self.otherwise = situation, own_lines, unknowns, otherwise
        self.understanding, self.numbers = situation.understanding, situation.numbers

    def derivative(self, at: int, statement: Statement, subject: Subject, left: Term, right: Term) -> Verdict:
        kind = (
            "chain"
            if isinstance(right, Sloppy) and all(isinstance(x, Jacobian) for x in right.factors)
            else "derivative"
        )
        if right == left and subject.false_since is None:
            if "Δ" in to_text(subject.side.node):
                return Verdict("correct", "update", "the step of gradient descent")
            if to_text(subject.side.node) != to_text(subject.sides[-1][0]):
                return Verdict("correct", kind, "the same in other words")
            if self._is_one_step(at, left):
                return Verdict("correct", "chain", "a path of one step")
            return Verdict("uncheckable", kind, "both sides are the same")
        if isinstance(left, Jacobian) and (seed := self._seed(at, statement, left, right, kind)) is not None:
            return seed
        strange = self.unknowns.undefined_factor(left, right)
        if strange is not None:
            return Verdict(
                "uncheckable", kind, self.understanding.nowhere_defined(strange), mistakes=("undefined-symbol",)
            )
        found = self.situation.compare(at, left, right)
        if found.answer is Answer.EQUAL and isinstance(left, Jacobian) and (letter := letter_of_sample(left)):
            if any(isinstance(p, SumOver) and p.along == f"letter:{letter}" for p in everything_in(right)):
                return Verdict("uncheckable", kind, "a sum over the samples beside the loss of one of them")
            if found.edits:
                return self.otherwise.for_one_sample(at, left, right, kind) or self.situation.accepted(found, kind)
        if found.answer is Answer.EQUAL:
            if isinstance(left, Jacobian) and not self.situation.depends(at, left) and not is_number(right):
                missing = self.situation.unlinked(left.top, left.bottom.key)
                return self._locally(at, left, right, kind) or Verdict("uncheckable", kind, missing)
            accepted = self.situation.accepted(found, kind)
            if accepted.verdict == "wrong":  # for its order or a transpose: nothing to one output
                if self.otherwise.is_special_case(at):
                    return Verdict("uncheckable", kind, "said of a special case, and false in general")
                right_form = replace(accepted, expected=truth_of(self.understanding, at, left))
                return self.otherwise.for_one_output(at, left, right, kind) or right_form
            if accepted.verdict == "notation" and self.otherwise.is_for_one_output(at, left, right):
                return Verdict("correct", kind, "the loss is a number without a sum: there is one output unit")
            return accepted
        if found.answer is Answer.DIFFERENT and self._is_generic(at, left) and not self._is_relation(right):
            return Verdict(
                "uncheckable",
                kind,
                self.understanding.nowhere_defined(self.understanding.loss or ""),
                sides=(left, right),
            )
        if found.answer is Answer.DIFFERENT and (nameless := self.unknowns.nameless_loss(at, left)) is not None:
            return Verdict("uncheckable", kind, self.understanding.nowhere_defined(nameless))
        if found.answer is Answer.UNDECIDED:
            numeric = by_the_numbers(self.numbers, left, right, at, kind)
            return (
                self.otherwise.with_layers(at, left, right, kind)
                or numeric
                or Verdict("uncheckable", kind, found.reason)
            )
        if (
            isinstance(left, Jacobian)
            and self.situation.key(left.top) == self.understanding.loss
            and not self.situation.depends(at, left)
        ):
            return self._locally(at, left, right, kind) or self._by_named_part(at, left, right, kind)
        loss = true_for_each_class(self.understanding, at, left, right)
        if loss is not None:
            return Verdict("correct", kind, f"with {shown_name(loss.key)} as in line {loss.line}, for each class")
        otherwise = (
            self.otherwise.otherwise(at, left, right, kind)
            or self.otherwise.at_given_sizes(at, left, right, kind)
            or self.otherwise.for_labels(at, left, right, kind)
            or self.otherwise.for_one_output(at, left, right, kind)
            or self.otherwise.for_one_sample(at, left, right, kind)
        )
        if otherwise is not None:
            return otherwise
        unlinked = self.unknowns.unlinked(at, right)
        if unlinked is not None:
            return Verdict("uncheckable", kind, unlinked)
        if self._is_with_values(at, left, right):
            return Verdict("correct", kind, "true with the value that is put in")
        own = self.unknowns.own_formula_meant(right)
        if own is not None:
            return Verdict("uncheckable", kind, f"{own} has a formula of its own, which was not put in here")
        nowhere = self.unknowns.defined_nowhere(at, left, right)
        if nowhere is not None:
            return Verdict(
                "uncheckable", kind, self.understanding.nowhere_defined(nowhere), mistakes=("undefined-symbol",)
            )
        unknown = self.unknowns.unknown_leaf(at, left, right) or self.unknowns.unknown_function(at, left, right)
        if unknown is not None and not self.unknowns.is_false_for_any(unknown, at, left, right):
            return Verdict("uncheckable", kind, f"what {unknown} stands for is not known")
        if self.otherwise.is_special_case(at):
            return Verdict("uncheckable", kind, "said of a special case, and false in general")
        if any(isinstance(p, SumOver) and left in everything_in(p.body) for p in everything_in(right)):
            return Verdict("uncheckable", kind, "the loss of all and the loss of each have one name here")
        root = self.own_lines.carried(at, left, right)
        if root is not None:
            return Verdict("carried", kind, f"false, but it follows from line {root}", root=root)
        self.own_lines.keep(at, left, found, statement.line)
        self.numbers.note_false(left, right, at, statement.line)
        if subject.false_since is not None:
            return Verdict(
                "carried",
                kind,
                f"false, as the line it goes on from (line {subject.false_since})",
                root=subject.false_since,
            )
        message = "this is not the derivative"
        if found.reason:
            message += f": {found.reason}"
        truth = truth_of(self.understanding, at, left)
        return Verdict("wrong", kind, message, mistakes=("unrecognised",), expected=truth)

    def _seed(self, at: int, statement: Statement, left: Jacobian, right: Term, kind: str) -> Verdict | None:
        """dL/dL = 1, with which the way back begins; another number is a false value that goes on."""
        if self.situation.key(left.top) != left.bottom.key or not is_number(right):
            return None
        seed = np.asarray(self.understanding.reader(at, False).readings(right)[0].value.array, dtype=float)
        if seed.size != 1:
            return None
        if seed.item() == 1:
            return Verdict("correct", kind)
        generation = self.numbers.generation(at, False)
        false = Printed(seed, statement.line, at, False, True, statement.line, generation, seed != 1, seed * 0 + 1)
        self.numbers.note(jacobian_key(left), false)
        return Verdict("wrong", kind, "it is 1", mistakes=("forward-value-as-seed",))

    def _is_one_step(self, at: int, left: Term) -> bool:
        """Whether a derivative is a whole path by itself: its top is worked out from its bottom directly."""
        top = self.situation.key(left.top) if isinstance(left, Jacobian) else None
        body = self.understanding.definitions_at(at).get(top or "")
        return (
            body is not None and isinstance(left, Jacobian) and left.bottom.key in {r.key for r in references_in(body)}
        )

    def _locally(self, at: int, left: Jacobian, right: Term, kind: str) -> Verdict | None:
        """`dL/dW = dL/dz a^T` for a step `z = W a + b` that the loss of the document knows nothing of: for any loss of z."""
        steps = {p.bottom.key for p in everything_in(right) if isinstance(p, Jacobian) and p.top == left.top}
        world, loss = self.understanding.world(at, Machine), self.situation.key(left.top)
        if len(steps) != 1 or loss is None or not world.depends(step := steps.pop(), left.bottom.key):
            return None
        others = [d for d in self.understanding.definitions if d.key != loss]
        shapes = {**self.understanding.shapes, "#weights": self.understanding.shapes.get(step, ("1", "1"))}
        definitions = [*others, Definition(loss, any_function_of(step), 0, 1)]
        anew = replace(self.understanding, definitions=definitions, shapes=shapes)
        found = Comparer(anew, at).compare(left, right)
        return self.situation.accepted(found, kind) if found.answer is Answer.EQUAL else None

    def _by_named_part(self, at: int, left: Jacobian, right: Term, kind: str) -> Verdict:
        """`dE/dP` where `P = W_3 W_2` names a part that the formulas of the model spell out: put in for it there."""
        key = left.bottom.key
        named = next((d for d in self.understanding.definitions if d.key == key and not d.indices), None)
        missing = Verdict("uncheckable", kind, self.situation.unlinked(left.top, key))
        if named is None:
            return missing
        definitions = [
            d if d is named else replace(d, term=with_part(d.term, named.term, Part(key, ())))
            for d in self.understanding.definitions
        ]
        if definitions == self.understanding.definitions:
            return missing
        found = Comparer(replace(self.understanding, definitions=definitions), at).compare(left, right)
        if found.answer is Answer.EQUAL:
            return self.situation.accepted(found, kind)
        return missing

    def _is_generic(self, at: int, left: Term) -> bool:
        """Whether a derivative is of a loss that has only a name."""
        top = self.situation.key(left.top) if isinstance(left, Jacobian) else self.understanding.loss
        return self.understanding.generic and (
            top is None or self.understanding.world(at, Machine).depends(top, "#weights")
        )

    def _is_with_values(self, at: int, left: Term, right: Term) -> bool:
        """`dL/dn = dL/dp * 1` where the slope is 1 for the numbers given: a factor is put in as its value."""
        if not isinstance(right, Sloppy) or not self.numbers.has_numbers:
            return False
        numbers = [x.value for x in right.factors if isinstance(x, Const)]
        if not numbers or not (any(isinstance(x, Jacobian) for x in right.factors) or {0, 1} & set(numbers)):
            return False
        truths, values = self.numbers.values_of(left, at), self.numbers.values_of(right, at)
        return any(
            agrees(value, truth, np.full(value.shape, 1e-9)) == "rounded" and (0 in numbers or bool(np.any(truth != 0)))
            for truth in truths
            for value in values
        )

    def _is_relation(self, right: Term) -> bool:
        """Whether a side is about derivatives of the loss: then it can be false whatever the loss is."""
        return any(
            isinstance(p, Jacobian) and self.situation.key(p.top) == self.understanding.loss
            for p in everything_in(right)
        )
