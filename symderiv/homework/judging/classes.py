r"""`L = -\log p_k`: the loss where k is the correct class. What is said of it is judged with each class in turn as that one."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from itertools import product

from symderiv.homework.judging.comparing import Answer, Comparer
from symderiv.homework.reading import formulas as f
from symderiv.homework.reading.statements import Document
from symderiv.homework.understanding.arithmetic import Undefined
from symderiv.homework.understanding.conditions import NEAR, condition_of
from symderiv.homework.understanding.terms import (
    ONE,
    Const,
    Jacobian,
    Kronecker,
    Part,
    SumOver,
    Term,
    everything_in,
    letters_in,
    mapped,
)
from symderiv.homework.understanding.understanding import Definition, Understanding
from symderiv.homework.understanding.worlds import Misfit, Unknown

CHOICES = ((1, 2), (2, 1))  # the correct class, another one
OTHER_CLASS = re.compile(
    r"\b(?:incorrect|other|wrong|false|remaining|different)\s+(?:class\w*|label|index|entr\w+|unit)\W*$", re.IGNORECASE
)


def letter_of_class(definition: Definition) -> str | None:
    """The k of `L = -log p_k`, if nothing sums over it."""
    letters = letters_in(definition.term)
    sums = any(isinstance(p, SumOver) for p in everything_in(definition.term))
    return letters.pop() if len(letters) == 1 and not definition.indices and not sums else None


def true_for_each_class(understanding: Understanding, at: int, left: Term, right: Term) -> Definition | None:
    """The loss of one class with which two sides agree, whichever class is the correct one; None if there is none."""
    for own in understanding.restated:
        letter = letter_of_class(own) if own.key == understanding.loss and own.at <= at else None
        if letter is not None and all(
            _agree(understanding, at, own, left, right, places) for places in _places(understanding, at, letter, left)
        ):
            return own
    return None


def _places(understanding: Understanding, at: int, letter: str, left: Term) -> Iterator[dict[str, int]]:
    """Numbers for the letter of the correct class and for those of the left side: each class, or another one if that is said."""
    other = _other_class(understanding.document, at, understanding.symbols.indices)
    condition = condition_of(understanding.document, at, understanding.symbols.indices)
    if condition is not None and not condition.agree and letter in (condition.left, condition.right):
        other = condition.right if condition.left == letter else condition.left
    free = sorted(letters_in(left) - {letter, other})
    for own, another in CHOICES:
        for chosen in product((own, another), repeat=len(free)):
            places = {letter: own, **dict(zip(free, chosen, strict=True))}
            yield places if other is None else {**places, other: another, letter: own}


def _other_class(document: Document, at: int, indices: frozenset[str]) -> str | None:
    """The j of 'for an incorrect class j', just before the formula or the one that it goes on from."""
    while at > 0 and document.statements[at].is_continued:
        at -= 1
    start = document.statements[at].span[0]
    for statement in reversed(document.statements[:at]):
        if start - statement.span[1] > NEAR or len(statement.sides) > 1:
            return None
        node = statement.sides[0].node
        if isinstance(node, f.Name) and node.base in indices and OTHER_CLASS.search(statement.lead):
            return node.base
    return None


def _agree(
    understanding: Understanding, at: int, own: Definition, left: Term, right: Term, places: Mapping[str, int]
) -> bool:
    loss = replace(own, term=_put(own.term, places))
    definitions = [loss if d.key == own.key else d for d in understanding.definitions]
    comparer = Comparer(replace(understanding, definitions=definitions), at)
    with contextlib.suppress(Misfit, Unknown, Undefined):
        return comparer.compare(_put(left, places), _put(right, places)).answer is Answer.EQUAL
    return False


def _put(term: Term, places: Mapping[str, int]) -> Term:
    """The term with numbers for index letters."""
    match term:
        case Part(key, indices):
            return Part(key, tuple(places.get(i, i) if isinstance(i, str) else i for i in indices))
        case Jacobian(top, bottom):
            below = _put(bottom, places)
            return Jacobian(_put(top, places), below if isinstance(below, Part) else bottom)
        case Kronecker(one, two, _) if one in places and two in places:
            return ONE if places[one] == places[two] else Const(Fraction(0))
        case SumOver(along, _) if along.removeprefix("letter:") in places:
            return term  # it has a letter of its own
    return mapped(term, lambda part: _put(part, places))
