"""What a document does not say: a name, a function or a link between units without which a line cannot be called false."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property

from symderiv.homework.judging.comparing import Answer, Comparer
from symderiv.homework.judging.own_lines import OwnLines
from symderiv.homework.judging.situation import Situation, index_letters_of
from symderiv.homework.reading import formulas as f
from symderiv.homework.understanding.arithmetic import FUNCTIONS, Machine, Undefined
from symderiv.homework.understanding.elaboration import (
    NotUnderstood,
)
from symderiv.homework.understanding.function_letters import left_open
from symderiv.homework.understanding.shapes import base_of
from symderiv.homework.understanding.symbols import HYPER_BASES, LOSS_BASES, LayerOpen
from symderiv.homework.understanding.terms import (
    Apply,
    Jacobian,
    Part,
    Term,
    everything_in,
    references_in,
)
from symderiv.homework.understanding.understanding import Definition
from symderiv.homework.understanding.worlds import Misfit, Unknown

USUAL_ACTIVATIONS = ("sigmoid", "tanh", "relu", "softplus")


class Unknowns:
    """Finds what is not said."""

    def __init__(self, situation: Situation, own_lines: OwnLines) -> None:
        self.situation, self.own_lines = situation, own_lines
        self.inference, self.understanding = situation.inference, situation.understanding

    def _is_family(self, place: Term) -> bool:
        """Whether units are told by letters that several layers may share: `net_j` and `net_k`."""
        if not isinstance(place, Part):
            return False
        return "{" in place.key or (bool(index_letters_of(place)) and len(self._letters_by_key.get(place.key, ())) > 1)

    @cached_property
    def _letters_by_key(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for statement in self.understanding.document.statements:
            for side in statement.sides:
                for node in f.walk(side.node):
                    if isinstance(node, f.Scripted) and node.lower:
                        with contextlib.suppress(LayerOpen):
                            reference = self.inference.elaborator.reference(node)
                            if reference is not None and len(reference.indices) == 1:
                                found.setdefault(reference.key, set()).update(
                                    i for i in reference.indices if isinstance(i, str)
                                )
        return found

    def unknown_leaf(self, at: int, left: Term, right: Term) -> str | None:
        """A name that only formulas beside the network mention, or that has a line which made no sense: it could be anything."""
        definitions = self.understanding.definitions_at(at)
        known = self._leaves(left, definitions) | {n.key for n in self.understanding.numbers}
        known |= self._leaves(Part(self.understanding.loss or "", ()), definitions)
        direct = {r.key for r in references_in(right)} - self.inference.lefts
        for leaf in sorted(self._leaves(right, definitions) - known - direct):
            if leaf in self.understanding.shapes and base_of(leaf) not in HYPER_BASES:
                return leaf
        return None

    def unknown_function(self, at: int, left: Term, right: Term) -> str | None:
        """A function that nothing defines, which the derivative goes through and the right side writes out."""
        top = self.situation.key(left.top) if isinstance(left, Jacobian) else None
        if top is None or not isinstance(left, Jacobian):
            return None
        world = self.understanding.world(at, Machine)
        written = {p.function for p in everything_in(right) if isinstance(p, Apply)}
        passed = {p.bottom.key for p in everything_in(right) if isinstance(p, Jacobian)}
        for key, term in self.understanding.definitions_at(at).items():
            below = key != left.bottom.key and world.depends(key, left.bottom.key)
            if (
                not below
                or not (key == top or world.depends(top, key))
                or any(k == key or world.depends(key, k) for k in passed)
            ):
                continue
            for part in everything_in(term):
                known = {*FUNCTIONS, "generic loss", *written}
                if isinstance(part, Apply) and part.function not in known:
                    return part.function
        return None

    def is_false_for_any(self, function: str, at: int, left: Term, right: Term) -> bool:
        """Whether a function is left open on purpose (any activation, or its slope is written g'), and no usual one makes this true."""
        if function not in self._left_open:
            return False
        for name in USUAL_ACTIVATIONS:
            anew = self.understanding.with_definitions(self.put_in(function, name))
            with contextlib.suppress(Misfit, Unknown, Undefined):
                if Comparer(anew, at).compare(left, right).answer is Answer.EQUAL:
                    return False
        return True

    def put_in(self, function: str, name: str) -> list[Definition]:
        """The definitions with one function in the place of another."""
        return [
            replace(d, term=replace(d.term, function=name))
            if isinstance(d.term, Apply) and d.term.function == function
            else d
            for d in self.understanding.definitions
        ]

    @cached_property
    def _left_open(self) -> frozenset[str]:
        """Functions of which the document wants to know no more than that they have a slope."""
        terms: list[Term] = []
        for statement in self.understanding.document.statements:
            for layers in self.inference.instances(statement):
                for side in statement.sides[1:]:
                    with contextlib.suppress(NotUnderstood, LayerOpen):
                        terms.append(self.situation.elaborator(layers).term(side.node))
        sloped = {p.function for t in terms for p in everything_in(t) if isinstance(p, Apply) and p.order}
        said = left_open(self.understanding.document.text)
        own = {
            p.function for d in self.understanding.definitions for p in everything_in(d.term) if isinstance(p, Apply)
        }
        return frozenset(sloped | {f for f in own if base_of(f) in said}) - set(FUNCTIONS)

    @staticmethod
    def _leaves(term: Term, definitions: Mapping[str, Term]) -> set[str]:
        """What a term goes back to."""
        found: set[str] = set()
        open_keys = [r.key for r in references_in(term)]
        while open_keys:
            key = open_keys.pop()
            if key not in found:
                found.add(key)
                open_keys += [r.key for r in references_in(definitions[key])] if key in definitions else []
        return {k for k in found if k not in definitions}

    def unlinked(self, at: int, right: Term) -> str | None:
        """A derivative by what no equation links to it, of the loss or between families of units: then something is not understood."""
        world = self.understanding.world(at, Machine)
        for part in everything_in(right):
            is_of_loss = isinstance(part, Jacobian) and self.situation.key(part.top) == self.understanding.loss
            if isinstance(part, Jacobian) and (is_of_loss or self._is_family(part.bottom) or self._is_family(part.top)):
                top = self.situation.key(part.top)
                if top is not None and top != part.bottom.key and not world.depends(top, part.bottom.key):
                    return self.situation.unlinked(part.top, part.bottom.key)
        return None

    def own_formula_meant(self, right: Term) -> str | None:
        """A function with a formula of its own that the model has and a side without it may be about."""
        own = set(self.inference.own_functions)
        model = {
            p.function for d in self.understanding.definitions for p in everything_in(d.term) if isinstance(p, Apply)
        } & own
        here = {p.function for p in everything_in(right) if isinstance(p, Apply)} & own
        return min(model) if model and not here else None

    def nameless_loss(self, at: int, left: Term) -> str | None:
        """The E of a derivative of E where another letter has the formula: without one nothing is false."""
        top = self.situation.key(left.top) if isinstance(left, Jacobian) else None
        if top is None or base_of(top) not in LOSS_BASES:
            return None
        definitions = self.understanding.definitions_at(at)
        used = {r.key for term in definitions.values() for r in references_in(term)}
        return None if top in definitions or top in used else top

    def undefined_factor(self, left: Term, right: Term) -> str | None:
        """A rate or penalty on one side of a derivative that neither the loss nor a value knows."""
        known = {r.key for d in self.understanding.definitions for r in references_in(d.term)} | {
            n.key for n in self.understanding.numbers
        }
        on_left = {r.key for r in references_in(left)}
        for ref in references_in(right):
            if (
                base_of(ref.key) in HYPER_BASES
                and ref.key not in known
                and ref.key not in on_left
                and ref.key not in self.understanding.shapes_of_data
            ):
                return ref.key
        return None

    def defined_nowhere(self, at: int, left: Term, right: Term) -> str | None:
        """A name that stands in no premise: neither the network nor a size nor a value says what it is."""
        definitions = self.understanding.definitions_at(at)
        known = {*definitions, *(r.key for t in definitions.values() for r in references_in(t))}
        known |= {n.key for n in self.understanding.numbers} | {key for key, _ in self.situation.stated}
        known |= {r.key for r in references_in(left)} | set(self.own_lines.own)
        return next(
            (r.key for r in references_in(right) if r.key not in known and r.key in self.understanding.shapes), None
        )
