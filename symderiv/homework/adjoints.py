"""What `delta_2`, `z bar`, `grad` stand for: said outright, or the derivative of the loss for which their first line is true."""

from __future__ import annotations

import re
from collections.abc import Iterator

from symderiv.homework.arithmetic import Machine, Undefined
from symderiv.homework.comparing import Answer, Comparer
from symderiv.homework.elaboration import Elaborator, NotUnderstood, is_number
from symderiv.homework.inference import Inference
from symderiv.homework.marking import Assumption
from symderiv.homework.shapes import base_of
from symderiv.homework.symbols import LayerOpen, Reference
from symderiv.homework.terms import Jacobian, Part, Term, references_in
from symderiv.homework.understanding import EQUAL_SIGNS, Understanding
from symderiv.homework.worlds import Misfit, Unknown


def adjoints_of(inference: Inference, understanding: Understanding) -> dict[str, Term]:
    """A derivative of the loss for each name of one."""
    finder = _Finder(inference, understanding)
    finder.find()
    return finder.found


class _Finder:
    def __init__(self, inference: Inference, understanding: Understanding) -> None:
        self.inference, self.understanding = inference, understanding
        self.found: dict[str, Term] = {}
        self.offset: int | None = None

    def find(self) -> None:
        """Names in the order of their first lines; a rule found by the first settles those that no true line settles."""
        open_names: list[Reference] = []
        for at, reference, right in self._lines():
            if reference.key in self.found:
                continue
            said = self._said(right)
            if said is None:
                said = self._matched(at, reference, right)
            if said is None:
                open_names.append(reference)
                continue
            self.found[reference.key] = said
            self._learn(reference, said)
        for reference in open_names:
            if reference.key not in self.found:
                guess = self._guess(reference)
                if guess is not None:
                    self.found[reference.key] = guess
        for key, term in self.found.items():
            assert isinstance(term, Jacobian)
            self.understanding.assumptions.append(
                Assumption(f"{key} is d{self.understanding.loss}/d{term.bottom.key}", "its first lines")
            )

    def _lines(self) -> Iterator[tuple[int, Reference, Term]]:
        for at, statement in enumerate(self.understanding.document.statements):
            if statement.is_continued or len(statement.sides) < 2 or statement.relations[0] not in EQUAL_SIGNS:
                continue
            for layers in self.inference.instances(statement):
                elaborator = Elaborator(
                    **{**self.inference.elaborator.__dict__, "layers": layers, "adjoints": self.found}
                )
                try:
                    reference = self.inference.plain(statement.sides[0].node, elaborator)
                except LayerOpen:
                    continue
                if reference is None or not self._is_name(reference):
                    continue
                for side in statement.sides[1:]:
                    try:
                        yield at, reference, elaborator.term(side.node)
                    except (NotUnderstood, LayerOpen):
                        continue

    def _is_name(self, reference: Reference) -> bool:
        if reference.base == "delta":
            return True
        if (
            self.inference._is_derived(reference)
            and "^bar" in reference.key
            and self.understanding.loss != reference.key
        ):
            return True
        return (
            reference.key not in self.understanding.definitions_at(0)
            and "^bar" in reference.key
            and self.understanding.loss != reference.key
            and reference.key.replace("^bar", "") in self.understanding.shapes
        )

    def _said(self, right: Term) -> Term | None:
        if isinstance(right, Jacobian) and isinstance(right.top, Part) and right.top.key == self.understanding.loss:
            return Jacobian(right.top, Part(right.bottom.key, ()))
        return None

    def _matched(self, at: int, reference: Reference, right: Term) -> Term | None:
        if is_number(right):
            return None
        for key in self._candidates(reference):
            term = Jacobian(Part(self.understanding.loss or "", ()), Part(key, ()))
            left = Jacobian(term.top, Part(key, reference.indices))
            try:
                if Comparer(self.understanding, at).compare(left, right, lenient=False).answer is Answer.EQUAL:
                    return term
            except (Unknown, Misfit, Undefined):
                continue
        return None

    def _candidates(self, reference: Reference) -> list[str]:
        """Quantities between the parameters and the loss, pre-activations first, the nearest layer first."""
        understanding = self.understanding
        world = understanding.world(0, Machine)
        if reference.base != "delta":
            bare = self.inference.symbols.canonical("".join(reference.key.rsplit("^bar", 1)))
            return [bare] if bare in understanding.shapes else []
        loss = understanding.loss or ""
        inner = [k for k in world.definitions if k != loss and world.depends(loss, k)]
        inner = [k for k in inner if any(world.depends(k, w) for w in understanding.weights)] or inner
        mark = _mark(reference.key)

        def rank(key: str) -> tuple[int, int]:
            other = _mark(key)
            distance = abs(mark - other) if mark is not None and other is not None else 1
            feeds = [r.key for t in understanding.definitions_at(0).values() for r in references_in(t)]
            pre = any(r.key in understanding.weights for r in references_in(world.definitions[key])) and key in feeds
            return (0 if pre else 1, distance)

        return sorted(inner, key=rank)

    def _learn(self, reference: Reference, term: Term) -> None:
        assert isinstance(term, Jacobian)
        mark, other = _mark(reference.key), _mark(term.bottom.key)
        if mark is not None and other is not None and self.offset is None:
            self.offset = other - mark
            self.letter = base_of(term.bottom.key)

    letter = "z"

    def _guess(self, reference: Reference) -> Term | None:
        candidates = self._candidates(reference)
        mark = _mark(reference.key)
        if self.offset is not None and mark is not None:
            wanted = f"{self.letter}[{mark + self.offset}]"
            candidates = [k for k in candidates if k == wanted]
        elif mark is not None:
            candidates = [k for k in candidates if _mark(k) == mark]
        if "{" in reference.key:
            family = reference.key[reference.key.index("{") :]
            candidates = [k for k in candidates if k.endswith(family)]
        if not candidates:
            return None
        return Jacobian(Part(self.understanding.loss or "", ()), Part(candidates[0], ()))


def _mark(key: str) -> int | None:
    match = re.search(r"\[(\d+)\]", key)
    return int(match.group(1)) if match else None
