r"""The penalty of weights that the formulas write one by one: `\sum_l \|W_l\|^2`, `\|w\|^2` beside W_1 and W_2, w_1 and w_2."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from functools import partial
from itertools import pairwise

from symderiv.homework.reading.formulas import (
    BigSum,
    Group,
    Name,
    Node,
    Number,
    Product,
    Script,
    Scripted,
    Sum,
    Transposed,
    of_kind,
    rebuilt,
    walk,
    with_factors_joined,
)
from symderiv.homework.reading.statements import Document
from symderiv.homework.understanding.shapes import WEIGHT_BASES

PENALISED = WEIGHT_BASES | {"beta"}
MOST = 16  # weights under one sum
Place = tuple[str, str, str]  # the letter of a weight, where its number stands, and in which bracket


def with_penalties_written_out(document: Document) -> Document:
    """The document with such sums written out, weight by weight, where a weight never stands but with its number."""
    numbers = _numbered_weights(document)
    if not numbers:
        return document

    def visit(node: Node) -> Node:
        if isinstance(node, BigSum) and (whole := _written_out(node, numbers)) is not None:
            return whole
        if isinstance(node, Product) and any(_squares(node)):
            return with_factors_joined(node, partial(_square_written_out, node, numbers), visit)
        if isinstance(node, Scripted) and (whole := _norm_written_out(node, numbers)) is not None:
            return whole
        return rebuilt(node, visit)

    return document.with_sides(visit)


def _numbered_weights(document: Document) -> dict[Place, list[int]]:
    """The numbers of each weight that has them in a formula, and never stands without, or with a letter outside of a sum."""
    numbers: defaultdict[Place, set[int]] = defaultdict(set)
    otherwise: set[str] = set()
    for statement in document.statements:
        summed = {id(n) for total in statement.of_kind(BigSum) for n in walk(total.body)}
        normed = {id(g.items[0]) for g in statement.of_kind(Group) if g.bracket == "||" and len(g.items) == 1}
        normed |= {id(name) for product in statement.of_kind(Product) for pair in _squares(product) for name in pair}
        below = {id(n.base) for n in statement.of_kind(Scripted)}
        for node in (*statement.of_kind(Scripted), *statement.of_kind(Name)):
            place, mark = _place(node)
            if place is None:
                if isinstance(node, Name) and id(node) not in below | normed:
                    otherwise.add(node.base)
            elif isinstance(mark, Number) and mark.text.isdigit():
                numbers[place].add(int(mark.text))
            elif id(node) not in summed:
                otherwise.add(place[0])
    return {
        place: sorted(found)
        for place, found in numbers.items()
        if place[0] in PENALISED and place[0] not in otherwise and 1 < len(found - {0}) <= MOST
    }


def _place(node: Node) -> tuple[Place | None, Node | None]:
    """Where the only mark of a name stands, and what it says."""
    if not isinstance(node, Scripted) or not isinstance(node.base, Name) or node.primes or node.base.accents:
        return None, None
    where, scripts = ("lower", node.lower) if node.lower else ("upper", node.upper)
    if len(scripts) != 1 or (node.lower and any(s.bracket for s in node.upper)):
        return None, None  # an exponent may stand beside the mark
    return (node.base.base, where, scripts[0].bracket), scripts[0].body


def _written_out(node: BigSum, numbers: Mapping[Place, list[int]]) -> Node | None:
    """`|W_1|^2 + |W_2|^2` for a sum over the number of a weight, and over nothing else."""
    letters = node.letters
    if node.kind != "sum" or len(letters) != 1 or len(node.indices) != 1:
        return None
    used = {place for n in of_kind(node.body, Scripted) if (place := _place(n)[0]) and _says(_place(n)[1], letters[0])}
    names = {n.base for n in of_kind(node.body, Name)} - {place[0] for place in used} - {letters[0], "F", "T", "tr"}
    if len(used) != 1 or names or not used <= numbers.keys():
        return None
    present = numbers[used.pop()]
    first = int(node.start.value) if isinstance(node.start, Number) else 1
    last = int(node.end.value) if isinstance(node.end, Number) else present[-1]
    terms = tuple((1, _numbered(node.body, letters[0], k)) for k in range(first, last + 1) if k in present)
    return Group(node.span, "(", (Sum(node.span, terms),)) if len(terms) > 1 else None


def _norm_written_out(node: Scripted, numbers: Mapping[Place, list[int]]) -> Node | None:
    r"""`\|w_1\|^2 + \|w_2\|^2` for `\|w\|^2`."""
    group = node.base
    if not isinstance(group, Group) or group.bracket != "||" or len(group.items) != 1:
        return None
    name = group.items[0]
    places = [place for place in numbers if isinstance(name, Name) and place[0] == name.base and not name.accents]
    is_square = [s.body.text for s in node.upper if isinstance(s.body, Number)] == ["2"] == ["2"] * len(node.upper)
    if len(places) != 1 or not is_square:
        return None
    _, where, bracket = places[0]
    terms = []
    for k in numbers[places[0]]:
        script = (Script(name.span, Number(name.span, str(k), Fraction(k)), bracket),)
        weight = Scripted(name.span, name, *((script, ()) if where == "lower" else ((), script)))
        terms.append((1, replace(node, base=replace(group, items=(weight,)))))
    return Group(node.span, "(", (Sum(node.span, tuple(terms)),))


def _squares(product: Product) -> Iterator[tuple[Name, Name]]:
    """The two names of each `w^T w` in a product."""
    for left, right in pairwise(product.factors):
        turned = left.body if isinstance(left, Transposed) else None
        if isinstance(turned, Name) and isinstance(right, Name) and turned.base == right.base:
            yield turned, right


def _square_written_out(product: Product, numbers: Mapping[Place, list[int]], at: int) -> Node | None:
    """`w_1^2 + w_2^2` for the `w^T w` at a place in a product."""
    pair = replace(product, factors=product.factors[at : at + 2], marks=product.marks[at : at + 1])
    name = next((one for one, _ in _squares(pair)), None)
    if name is None or not name.base.islower():
        return None
    square = Script(name.span, Number(name.span, "2", Fraction(2)))
    norm = Scripted(product.span, Group(product.span, "||", (name,)), (), (square,))
    return _norm_written_out(norm, numbers)


def _says(mark: Node | None, letter: str) -> bool:
    return isinstance(mark, Name) and mark.base == letter


def _numbered(node: Node, letter: str, number: int) -> Node:
    """The tree with a number for the letter of the sum."""
    if isinstance(node, Name) and node.base == letter:
        return Number(node.span, str(number), Fraction(number))
    return rebuilt(node, lambda part: _numbered(part, letter, number))
