"""What a false line is about, and the places in it where something may be put, taken out or exchanged."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from itertools import islice, permutations
from typing import Any, NamedTuple

from symderiv.homework.diagnosis.terms_said import FUNCTION
from symderiv.homework.judging.situation import Situation
from symderiv.homework.understanding.elaboration import relabelled
from symderiv.homework.understanding.shapes import WEIGHT_BASES, base_of
from symderiv.homework.understanding.terms import (
    Add,
    Apply,
    Const,
    Gathered,
    Index,
    Jacobian,
    MatMul,
    Over,
    Part,
    Power,
    SizeOf,
    Sloppy,
    SumOver,
    Term,
    Times,
    everything_in,
    mapped,
    parts_of,
    references_in,
)
from symderiv.homework.understanding.understanding import Understanding, copy_of

GREEK_LETTERS = {"sigma": "σ", "phi": "φ", "psi": "ψ", "theta": "θ", "rho": "ρ", "varphi": "φ"}
MOST_LETTERS = 3  # of a line whose pairs are all tried
MOST_FACTORS = 6  # of a product whose runs are tried one by one


class Place(NamedTuple):
    """Something in a term, and how the whole looks with another thing there."""

    term: Term
    put: Callable[[Term], Term]


@dataclass
class Scene:
    """A false relation: which statement, and its two sides; and what the document says around it."""

    situation: Situation
    at: int
    left: Term
    right: Term
    variant: Understanding | None = None

    @property
    def understanding(self) -> Understanding:
        """What the document is about, or a variant of that."""
        return self.variant if self.variant is not None else self.situation.understanding

    @cached_property
    def definitions(self) -> dict[str, Term]:
        """The premises in force."""
        return self.understanding.definitions_at(self.at)

    @cached_property
    def spellings(self) -> dict[str, str]:
        """How the document writes its names: g for the sigmoid that it calls g, A₁ though it says a₁ elsewhere."""
        found = dict(self.understanding.capitals)
        letters = self.understanding.elaborator.functions
        for function in set(letters.values()):
            own = [letter for letter, meant in letters.items() if meant == function]
            if len(own) == 1:
                found[FUNCTION + function] = GREEK_LETTERS.get(own[0], own[0])
        return found

    @cached_property
    def bottom(self) -> str | None:
        """By what the left side is a derivative."""
        return next((p.bottom.key for p in everything_in(self.left) if isinstance(p, Jacobian)), None)

    @cached_property
    def quantities(self) -> list[str]:
        """The names of the network, in the order of the document."""
        keys: dict[str, None] = {}
        for key, term in self.definitions.items():
            keys.update(dict.fromkeys(r.key for r in references_in(term)))
            keys[key] = None
        shapes = self.understanding.shapes
        return [k for k in keys if k in shapes and not k.startswith(("<", "#"))]

    @cached_property
    def index_choices(self) -> list[tuple[Index, ...]]:
        """Ways in which the line writes indices: those that stand there, and each of their letters."""
        found: dict[tuple[Index, ...], None] = {(): None}
        for side in (self.left, self.right):
            for ref in _parts_with_indices(side):
                found[ref] = None
        letters = sorted({i for each in found for i in each if isinstance(i, str)})
        found.update({(letter,): None for letter in letters})
        if len(letters) <= MOST_LETTERS:
            found.update(dict.fromkeys(permutations(letters, 2)))
        return sorted(found, key=len)

    @cached_property
    def activations(self) -> list[tuple[str, Apply]]:
        """The quantities that are a function of another, entry by entry: name and formula."""
        found = []
        for key, term in self.definitions.items():
            body = term.body if isinstance(term, (Gathered, SumOver)) else term
            if isinstance(body, Apply) and body.order == 0:
                found.append((key, body))
        return found

    @cached_property
    def slopes(self) -> list[Apply]:
        """`g'(z)` of each activation, as the line would write it: those near the left side first, every letter tried."""
        found: dict[Apply, None] = {}
        for _, formula in self.activations:
            slope = replace(formula, order=1)
            letters = sorted({i for each in _parts_with_indices(slope.body) for i in each if isinstance(i, str)})
            if letters:
                mine = [i for each in self.index_choices if len(each) == 1 for i in each if isinstance(i, str)]
                for letter in dict.fromkeys(mine):
                    found[replace(slope, body=relabelled(slope.body, {letters[0]: letter}))] = None
                found[slope] = None
            elif isinstance(slope.body, Part):
                for indices in self.index_choices:
                    found[Apply(slope.function, 1, Part(slope.body.key, indices))] = None
            else:
                found[slope] = None
        return list(found)

    def understanding_with(self, change: Callable[[Term], Term]) -> Understanding | None:
        """What the document would be about with every formula changed; None if that changes none."""
        changed = [replace(d, term=_changed(d.term, change)) for d in self.understanding.definitions]
        if changed == self.understanding.definitions:
            return None
        return self.understanding.with_definitions(changed)

    def understanding_with_copy(self, key: str, user: str) -> Understanding:
        """The document where one formula has a copy of a quantity, equal in value, of which no derivative is taken."""
        copy = copy_of(key)
        definitions = [
            replace(
                d, term=_changed(d.term, lambda t: Part(copy, t.indices) if isinstance(t, Part) and t.key == key else t)
            )
            if d.key == user
            else d
            for d in self.understanding.definitions
        ]
        own = [replace(d, key=copy) for d in self.understanding.definitions if d.key == key]
        found = self.understanding.with_definitions([*own, *definitions])
        if key in found.shapes and copy not in found.shapes:
            found.shapes = {**found.shapes, copy: found.shapes[key]}
        return found

    @cached_property
    def depths(self) -> dict[str, int]:
        """How far from the data a quantity is; a weight is where what uses it first is."""
        found: dict[str, int] = {}
        for key in self.quantities:
            self._depth(key, found)
        leaves = [k for k in self.quantities if k not in self.definitions and self.is_weight(k)]
        for leaf in leaves:
            users = [
                found[k]
                for k, term in self.definitions.items()
                if k in found and any(r.key == leaf for r in references_in(term))
            ]
            found[leaf] = min(users, default=0)
        return found

    def is_weight(self, key: str) -> bool:
        """Whether a name is that of a weight."""
        if key in self.understanding.weights:
            return True
        is_leaf = key not in self.definitions and base_of(key) in WEIGHT_BASES
        return is_leaf and all(base_of(other) != base_of(key) for other in self.definitions)  # A0 beside A1 = ..

    @cached_property
    def layer_inputs(self) -> set[str]:
        """What goes into a layer or comes out of one: activations, what is multiplied by a weight, given data."""
        weights = set(self.understanding.weights)
        found = {key for key, _ in self.activations} | {
            k for k in self.quantities if k not in self.definitions
        } - weights
        for term in self.definitions.values():
            for part in everything_in(term):
                if isinstance(part, (Sloppy, MatMul)):
                    names = {r.key for r in references_in(part)}
                    found |= names - weights if names & weights and len(names) == 2 else set()
        return found

    def _depth(self, key: str, found: dict[str, int]) -> int:
        if key not in found:
            found[key] = 0  # a circle leads nowhere
            below = {r.key for r in references_in(self.definitions[key])} - {key} if key in self.definitions else set()
            found[key] = 1 + max((self._depth(k, found) for k in below), default=-1)
        return found[key]

    def understanding_with_loss(self, loss: Term) -> Understanding:
        """What the document would be about with another loss."""
        return self.understanding.with_loss(lambda _: loss)

    @cached_property
    def size_of_samples(self) -> SizeOf:
        """n, by the letter that the document has for it."""
        letter = next((s for s in ("m", "n", "N") if s in self.understanding.symbols.sizes), "#n")
        return SizeOf(letter)

    @cached_property
    def counts_of_samples(self) -> set[Fraction]:
        """The numbers by which a loss over samples divides: the 3 of `1/3 Σ`; a 2 may be that of the square."""
        loss = self.definitions.get(self.understanding.loss or "")
        if loss is None or not self.is_with_samples:
            return set()
        found = {p.right.value for p in everything_in(loss) if isinstance(p, Over) and isinstance(p.right, Const)}
        return found if self.understanding.sizes.get("#n") == 2 else found - {2}

    @cached_property
    def is_with_samples(self) -> bool:
        """Whether there is more than one sample."""
        return self.understanding.axes.batch


def _changed(term: Term, change: Callable[[Term], Term]) -> Term:
    new = change(term)
    return new if new is not term else mapped(term, lambda part: _changed(part, change))


def _parts_with_indices(term: Term) -> Iterator[tuple[Index, ...]]:
    for ref in references_in(term):
        if isinstance(ref, Part) and ref.indices and ref.key != "#index":
            yield ref.indices


def places(term: Term, below: bool = True) -> Iterator[Place]:
    """Every part of a term but what is inside derivatives, the whole first, with all else around it.

    below: also in what is divided by; what is put in there would be taken out.
    """
    yield Place(term, lambda new: new)
    if isinstance(term, Jacobian):
        return
    for k, part in _inside(term):
        if below or not (k == 1 and isinstance(term, (Over, Power))):
            for place in places(part, below):
                yield Place(place.term, _around(term, k, place.put))


def _inside(term: Term) -> Iterator[tuple[int, Term]]:
    """The parts of a term with their positions, without the indices of a bracket, which are no quantity."""
    parts = enumerate(parts_of(term))
    return islice(parts, 1) if isinstance(term, Sloppy) and term.marks == ("#",) else parts


def _around(term: Term, k: int, put: Callable[[Term], Term]) -> Callable[[Term], Term]:
    return lambda new: with_part_at(term, k, put(new))


def with_part_at(term: Term, k: int, new: Term) -> Term:
    """The term with its k-th part exchanged."""
    count = iter(range(len(parts_of(term))))
    if isinstance(term, (Power, Over)):  # both parts may be exchanged here
        parts: list[Any] = list(parts_of(term))
        parts[k] = new
        return type(term)(*parts)
    return mapped(term, lambda part: new if next(count) == k else part)


def runs(term: Term, below: bool = False, sums: bool = True) -> Iterator[Place]:
    """Every place, and every run of factors inside a product, as one factor.

    sums: also the summands of a sum that is itself a factor; `1 - a^2` is no place for another factor.
    """
    for place in places(term, below) if sums else _on_the_way(term):
        yield place
        product = place.term
        if isinstance(product, Sloppy) and 2 < len(product.factors) <= MOST_FACTORS and "#" not in product.marks:
            for length in range(2, len(product.factors)):
                for first in range(len(product.factors) - length + 1):
                    last = first + length
                    run = Sloppy(product.factors[first:last], product.marks[first : last - 1])
                    yield Place(run, _as_one_factor(product, first, last, place.put))


def _on_the_way(term: Term, in_product: bool = False) -> Iterator[Place]:
    """The places where one more factor of a chain can stand: not inside a factor, an exponent or what is divided by."""
    yield Place(term, lambda new: new)
    if isinstance(term, (Jacobian, Power, Apply)) or (in_product and isinstance(term, Add)):
        return
    is_product = isinstance(term, (Sloppy, Times, MatMul))
    for k, part in _inside(term):
        if not (k == 1 and isinstance(term, Over)):
            for place in _on_the_way(part, in_product or is_product):
                yield Place(place.term, _around(term, k, place.put))


def _as_one_factor(product: Sloppy, first: int, last: int, put: Callable[[Term], Term]) -> Callable[[Term], Term]:
    def made(new: Term) -> Term:
        factors = (*product.factors[:first], new, *product.factors[last:])
        return put(Sloppy(factors, (*product.marks[:first], *product.marks[last - 1 :])))

    return made


def summands(term: Term) -> Iterator[Place]:
    """The whole, and each of the summands that it is made of, also below a sum over an index."""
    yield Place(term, lambda new: new)
    for place in places(term):
        if isinstance(place.term, Add) and len(place.term.terms) > 1:
            for k, (_, part) in enumerate(place.term.terms):
                yield Place(part, _around(place.term, k, place.put))
        elif isinstance(place.term, SumOver):
            yield Place(place.term.body, _around(place.term, 0, place.put))


def times(term: Term, factor: Term, mark: str = "odot") -> Term:
    """The term with one more factor."""
    return Sloppy((term, factor), (mark,))


def without_factor(product: Sloppy, first: int, count: int = 1) -> Term:
    """A product with neighbouring factors left out."""
    factors = (*product.factors[:first], *product.factors[first + count :])
    is_at_end = first + count == len(product.factors)
    marks = (
        product.marks[: max(first - 1, 0)] if is_at_end else (*product.marks[:first], *product.marks[first + count :])
    )
    return factors[0] if len(factors) == 1 else Sloppy(factors, marks)
