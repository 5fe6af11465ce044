"""What every rule of judging asks: what a name stands for, whether two sides agree, and what an agreement is worth."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field, replace
from functools import cached_property

from symderiv.homework.judging.comparing import Comparer, Comparison
from symderiv.homework.judging.numbers import NumberWorlds
from symderiv.homework.judging.verdicts import Subject, Verdict
from symderiv.homework.reading.statements import Side
from symderiv.homework.understanding.arithmetic import Machine
from symderiv.homework.understanding.elaboration import (
    Elaborator,
    NotUnderstood,
)
from symderiv.homework.understanding.inference import Inference
from symderiv.homework.understanding.key_names import shown_name
from symderiv.homework.understanding.stated_shapes import Stated, names_listed, sizes_in
from symderiv.homework.understanding.symbols import LayerOpen, Reference
from symderiv.homework.understanding.terms import (
    Jacobian,
    Part,
    Ref,
    SizeOf,
    Sloppy,
    SumOver,
    Term,
    mapped,
    parts_of,
)
from symderiv.homework.understanding.understanding import Understanding

EDIT_WORDS = {
    "elementwise": "an elementwise product is not marked", "grouping": "brackets are missing",
    "formal": "the sum over the samples is formal",
    "index": "a sample index says nothing here", "transposed": "a factor is transposed", "swapped": "two factors stand in the other order",
    "marked": "a matrix product is written with an elementwise sign",
    "dotted": "⊙ stands where a matrix product is meant", "turned": "the whole result is transposed",
    "implied": "a repeated index is summed", "gathered": "entries stand for the whole",
}  # fmt: skip
HARMLESS = frozenset({"oblong", "implied", "gathered"})

ASIDE = 160  # characters before a formula that may say for which activation it is


@dataclass
class Situation:
    """A document as it was understood, and the worlds of its numbers."""

    inference: Inference
    understanding: Understanding
    numbers: NumberWorlds = field(init=False)

    def __post_init__(self) -> None:
        self.numbers = NumberWorlds(self.understanding)

    def words_before(self, place: int) -> str:
        """What the paragraph says right before a place, such as for which activation a formula is."""
        return self.understanding.document.text[max(0, place - ASIDE) : place].split("\n\n")[-1]

    def per_sample(self, term: Term) -> Term:
        """With 1/n taken later, the derivative by anything but a parameter is meant without it: n times the derivative."""
        if isinstance(term, Jacobian) and self.key(term.top) == self.understanding.loss:
            parameters = {*self.understanding.weights, *self.understanding.biases}
            return term if term.bottom.key in parameters else Sloppy((SizeOf("#n"), term), ("",))
        return mapped(term, self.per_sample)

    def as_read(self, term: Term) -> Term:
        """What `per_sample` made its argument of."""
        match term:
            case Sloppy((SizeOf("#n"), Jacobian() as own), ("",)):
                return own
        return mapped(term, self.as_read)

    def learn(self, key: str, term: Term) -> None:
        """From here on a name stands for a term: an accumulator, for all that was added up."""
        self.inference.elaborator.adjoints[key] = term
        self._elaborators.clear()

    def elaborator(self, layers: dict[str, int]) -> Elaborator:
        key = tuple(layers.items())
        found = self._elaborators.get(key)
        if found is None:
            found = self._elaborators[key] = self.inference.elaborator.settled(layers)
        return found

    @cached_property
    def _elaborators(self) -> dict[tuple[tuple[str, int], ...], Elaborator]:
        return {}

    def subject(self, side: Side) -> Subject:
        elaborator = self.elaborator(self.inference.base_layers)
        reference: Reference | None = None
        with contextlib.suppress(LayerOpen):
            reference = self.inference.plain(side.node)
        try:
            if reference is not None:
                return Subject(side, elaborator._quantity(reference, side.node), reference)
            return Subject(side, elaborator.term(side.node), None)
        except NotUnderstood as error:
            return Subject(side, None, reference, error.reason)
        except LayerOpen:
            return Subject(side, None, reference, "open")

    def shaped(self, subject: Subject) -> Reference | None:
        """What a stated shape is about: a gradient is shaped as its parameter."""
        term = subject.term
        if not isinstance(term, Jacobian) or not isinstance(term.bottom, Part):
            return subject.reference
        if self.key(term.top) != self.understanding.loss or term.bottom.indices:
            return None
        return Reference(term.bottom.key, term.bottom.key)

    @cached_property
    def stated(self) -> list[Stated]:
        stated: list[Stated] = []
        for statement in self.understanding.document.statements:
            if len(statement.sides) == 2 and statement.relations[0] in ("in", ":"):
                sizes = sizes_in(statement.sides[1].node)
                for name in names_listed(statement.sides[0].node):
                    reference = self.shaped(self.subject(replace(statement.sides[0], node=name)))
                    if reference is not None and sizes is not None:
                        stated.append((reference.key, sizes))
        return stated

    def key(self, term: Term) -> str | None:
        if isinstance(term, SumOver) and isinstance(term.body, Part):
            return "sum of " + term.body.key
        return (
            term.key
            if isinstance(term, (Part, Ref))
            else next((d.key for d in self.understanding.definitions if d.term == term), None)
        )

    def unlinked(self, top: Term, bottom: str) -> str:
        """What to say of a derivative for want of an equation."""
        return f"nothing says how {shown_name(self.key(top) or 'it')} depends on {shown_name(bottom)}"

    def compare(self, at: int, left: Term, right: Term) -> Comparison:
        return Comparer(self.understanding, at).compare(left, right)

    def depends(self, at: int, left: Jacobian) -> bool:
        """Whether the top of a derivative depends on its bottom: else both sides may be zero for want of an equation."""
        top = self.key(left.top)
        return (
            top is None or top == left.bottom.key or self.understanding.world(at, Machine).depends(top, left.bottom.key)
        )

    @cached_property
    def grounded(self) -> set[str]:
        world = self.understanding.world(0, Machine)
        return set(world.definitions) | set(world.point.values)

    @cached_property
    def is_of_one_example(self) -> bool:
        r"""Whether the layers are those of one example, `a^{(1)} = x^{(t)}`: then `y^{(t)}` beside them is its target."""
        samples = self.inference.sample_letters
        for statement in self.understanding.document.statements if samples else ():
            one, other = (
                (self.inference.closed(side.node) for side in statement.sides[:2])
                if len(statement.sides) > 1
                else (None, None)
            )
            if one is not None and other is not None and not one.indices and set(other.indices) & samples:
                return True
        return False

    def accepted(self, found: Comparison, kind: str) -> Verdict:
        harmless = HARMLESS | {"index"} if self.is_of_one_example and "transposed" not in found.edits else HARMLESS
        edits = list(dict.fromkeys(e for e in found.edits if e not in harmless))
        strict = self.understanding.strict
        # (y / a) ⊙ s, read as a row by a column
        is_inner = self.understanding.axes.batch and {"dotted", "marked"} & set(edits) and "transposed" in edits
        if {"index", "transposed"} <= set(edits) or is_inner:  # each sample's own product, read as one of all samples
            return Verdict("wrong", kind, "the sum over the samples is missing", mistakes=("missing-batch-sum",))
        if strict and any(e in ("transposed", "swapped") for e in edits):
            return Verdict("wrong", kind, "true only if " + ", ".join(EDIT_WORDS[e] for e in edits) + "; the document states shapes",
                           mistakes=("missing-transpose",) if "transposed" in edits else ("swapped-factors",))  # fmt: skip
        if strict and {"dotted", "marked"} & set(edits):
            sign = "⊙" if "dotted" in edits else "∘"
            return Verdict(
                "wrong", kind, f"true only if {sign} were a matrix product", mistakes=("elementwise-for-matmul",)
            )
        if edits:
            return Verdict("notation", kind, "true if read charitably: " + ", ".join(EDIT_WORDS[e] for e in edits))
        return Verdict("correct", kind)

    def gradient_in(self, left: Term) -> tuple[Term, int]:
        """The derivative in `n dL/da`, which is meant where 1/n is taken later, and the n."""
        match left:
            case Sloppy((SizeOf(dim), Jacobian() as gradient), ("",)):
                return gradient, self.understanding.sizes.get(dim, 1)
        return left, 1


def index_letters_of(term: Term) -> set[str]:
    """Index letters in a term, but those of sums."""
    match term:
        case Part(_, indices):
            return {i for i in indices if isinstance(i, str)}
        case Jacobian(top, bottom):
            return index_letters_of(top) | index_letters_of(bottom)
        case SumOver(along, body):
            return index_letters_of(body) - {along.removeprefix("letter:")}
    return set().union(*(index_letters_of(part) for part in parts_of(term)))
