r"""Names for parts of a derivative: `p_1 = \sum_j dJ/dz_j dz_j/dw`, put in where they are used."""

from __future__ import annotations

import contextlib
from functools import cached_property

from symderiv.homework.judging.comparing import Answer
from symderiv.homework.judging.situation import Situation
from symderiv.homework.judging.verdicts import Subject, Verdict
from symderiv.homework.understanding.elaboration import (
    NotUnderstood,
    replaced,
)
from symderiv.homework.understanding.symbols import LayerOpen, Reference
from symderiv.homework.understanding.terms import (
    Jacobian,
    Part,
    Term,
    everything_in,
    references_in,
)
from symderiv.homework.understanding.understanding import EQUAL_SIGNS


class NamedParts:
    """Names that are given as formulas with derivatives in them."""

    def __init__(self, situation: Situation) -> None:
        self.situation = situation
        self.inference, self.understanding = situation.inference, situation.understanding

    def named_part(self, at: int, reference: Reference, right: Term, subject: Subject) -> Verdict | None:
        r"""`p_1 = \sum_j dJ/dz_j dz_j/dw`, one of the terms of a derivative, by a name that means nothing else."""
        own = next(
            (term for place, term in self._parts_named.get(reference.key, ()) if place == self._head_of(at)), None
        )
        if own is None or reference.indices:
            return None
        if right == own:
            found = self.situation.compare(at, own, own)
            return Verdict("correct", "definition", "a name for it") if found.answer is Answer.EQUAL else None
        found = self.situation.compare(at, own, right)
        if found.answer is Answer.EQUAL:
            return self.situation.accepted(found, "derivative")
        if found.answer is Answer.UNDECIDED:
            return Verdict("uncheckable", "derivative", found.reason)
        return Verdict("wrong", "derivative", "this is not what stands before it", mistakes=("unrecognised",))

    def said_again(self, at: int, reference: Reference, right: Term) -> Verdict | None:
        r"""`J_{ki} = \sum_j w_{kj} w_{ji}` after `J_{ki} \equiv \partial y_k / \partial x_i`: no new premise, but what that one is."""
        place, own = self._entries_named.get((reference.key, reference.indices), (at, right))
        if place >= at:
            return None
        found = self.situation.compare(at, own, right)
        if found.answer is Answer.EQUAL:
            return self.situation.accepted(found, "derivative")
        if found.answer is Answer.UNDECIDED:
            return None
        line = self.understanding.document.statements[place].line
        message = f"this is not what line {line} calls so"
        return Verdict("wrong", "derivative", message, mistakes=("unrecognised",), sides=(own, right))

    @cached_property
    def _entries_named(self) -> dict[tuple[str, tuple[str | int, ...]], tuple[int, Term]]:
        """Where a name with indices is first said to hold a derivative, and what it is said to be."""
        found: dict[tuple[str, tuple[str | int, ...]], tuple[int, Term]] = {}
        elaborator = self.situation.elaborator(self.inference.base_layers)
        for at, statement in enumerate(self.understanding.document.statements):
            if len(statement.sides) < 2 or statement.is_continued or statement.relations[0] not in EQUAL_SIGNS:
                continue
            with contextlib.suppress(NotUnderstood, LayerOpen):
                reference = self.inference.plain(statement.sides[0].node)
                if reference is None or not reference.indices or reference.key in self.inference.elaborator.adjoints:
                    continue
                term = elaborator.term(statement.sides[1].node)
                is_derivative = any(isinstance(p, Jacobian) for p in everything_in(term))
                if is_derivative and all(r.key in self.situation.grounded for r in references_in(term)):
                    found.setdefault((reference.key, reference.indices), (at, term))
        return found

    def _head_of(self, at: int) -> int:
        """The statement that a continued one goes on from."""
        statements = self.understanding.document.statements
        while at and statements[at].is_continued:
            at -= 1
        return at

    @cached_property
    def _parts_named(self) -> dict[str, list[tuple[int, Term]]]:
        """(statement, what it stands for) of names that are only ever given as formulas with derivatives in them."""
        found: dict[str, list[tuple[int, Term]]] = {}
        elaborator = self.situation.elaborator(self.inference.base_layers)
        definitions = self.understanding.definitions
        model = {d.key for d in definitions} | {r.key for d in definitions for r in references_in(d.term)}
        given = {n.key for n in self.understanding.numbers}
        known = {*model, *given, *self.inference.elaborator.adjoints, self.understanding.loss}
        for at, statement in enumerate(self.understanding.document.statements):
            if len(statement.sides) < 2 or statement.is_continued or statement.relations[0] != "=":
                continue
            with contextlib.suppress(NotUnderstood, LayerOpen):
                reference = self.inference.plain(statement.sides[0].node)
                if reference is None or reference.key in known or reference.indices:
                    continue
                term = elaborator.term(statement.sides[1].node)
                jacobians = [p for p in everything_in(term) if isinstance(p, Jacobian)]
                if len(jacobians) > 1 and all(r.key in self.situation.grounded for r in references_in(term)):
                    found.setdefault(reference.key, []).append((at, term))
        return found

    def spelled_out(self, at: int, left: Term, right: Term) -> Term | None:
        """A side with the parts that have names put in: as they are named before it or, where that is false, after it."""
        keys = {r.key for r in references_in(right)} & set(self._parts_named)
        if not keys:
            return None
        choices = []
        for is_before in (True, False):
            spelled: Term | None = right
            for key in keys:
                terms = [term for place, term in self._parts_named[key] if (place < at) == is_before]
                if not terms or spelled is None:
                    spelled = None
                    break
                spelled = replaced(spelled, Part(key, ()), terms[-1 if is_before else 0])
            if spelled is not None:
                choices.append(spelled)
        true = (term for term in choices if self.situation.compare(at, left, term).answer is Answer.EQUAL)
        return next(true, choices[0] if len(choices) == 1 else None)
