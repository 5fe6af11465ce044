r"""Networks unit by unit, as the delta rule is taught: `net_j = \sum_i w_{ij} o_i`, `o_j = f(net_j)`; the letters are the layers.

What is said of a unit j, of the units i that feed it and of the units k that it feeds is said of the layers l, l - 1 and
l + 1, and of the last one where a target stands.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

from symderiv.homework.reading.formulas import (
    BigSum,
    Call,
    Comparison,
    Group,
    Name,
    Node,
    Number,
    Product,
    Script,
    Scripted,
    Sum,
    rebuilt,
    walk,
)
from symderiv.homework.reading.statements import Document, Side, Statement

WEIGHTS = frozenset({"w", "W", "theta", "v"})


@dataclass(frozen=True, slots=True)
class Units:
    """The names of a network unit by unit: `net_j`, `o_j`, `w_{ij}`, inputs (`o_i`, or `x_{ji}`), the target t, and j and i."""

    net: str
    out: str
    weight: str
    fed: str
    target: str
    own: str
    below: str

    def level(self, letter: str) -> int:
        """How many layers above the own unit."""
        return 0 if letter == self.own else -1 if letter == self.below else 1


def with_unit_layers(document: Document) -> Document:
    r"""`net_j` becomes `net^{[l]}_j`, and `o_i` beside it `o^{[l-1]}_i`."""
    units = _units_of(document)
    if units is None:
        return document
    statements = [_layered(s, units) for s in document.statements]
    return replace(document, statements=statements)


# --- which names ---
def _units_of(document: Document) -> Units | None:
    sums = {
        found
        for statement in document.statements
        for side in statement.sides[1:]
        if (found := _weighted_sum(statement.sides[0].node, side.node)) is not None
    }
    if len(sums) != 1:
        return None  # every layer has its own letters, or there are no units
    net, weight, fed, own, below = sums.pop()
    out = _output(document, net)
    target = _target(document, out) if out is not None else None
    if out is None or target is None or (fed != out and fed not in ("x", "in", "a")):
        return None
    units = Units(net, out, weight, fed, target, own, below)
    return units if _is_about_letters(document, units) else None


def _weighted_sum(left: Node, right: Node) -> tuple[str, str, str, str, str] | None:
    r"""(net, w, o, j, i) of `net_j = \sum_i w_{ij} o_i`."""
    own = _letters(left)
    sums = [n for n in walk(right) if isinstance(n, BigSum) and len(n.indices) == 1]
    if len(own) != 1 or len(sums) != 1 or not isinstance(left, Scripted):
        return None
    index, body = sums[0].indices[0], sums[0].body
    if not isinstance(index, Name) or not isinstance(body, Product) or len(body.factors) != 2:
        return None
    pair = {own[0], index.base}
    weights = [x for x in body.factors if set(_letters(x)) == pair and _base(x) in WEIGHTS]
    others = [x for x in body.factors if x not in weights and set(_letters(x)) in ({index.base}, pair)]
    if len(weights) != 1 or len(others) != 1:
        return None
    return _base(left), _base(weights[0]), _base(others[0]), own[0], index.base


def _output(document: Document, net: str) -> str | None:
    """The o of `o_j = f(net_j)`."""
    for statement in document.statements:
        left = statement.sides[0].node
        for side in statement.sides[1:]:
            node = side.node
            arguments: tuple[Node, ...] = node.arguments if isinstance(node, Call) else ()
            if isinstance(node, Product) and len(node.factors) == 2 and isinstance(node.factors[1], Group):
                arguments = node.factors[1].items
            is_net = len(arguments) == 1 and _base(arguments[0]) == net and _letters(arguments[0]) == _letters(left)
            if is_net and len(_letters(left)) == 1 and _base(left) != net:
                return _base(left)
    return None


def _target(document: Document, out: str) -> str | None:
    """The t of `(t_k - o_k)^2`."""
    for node in (n for s in document.statements for side in s.sides for n in walk(side.node)):
        if isinstance(node, Scripted) and isinstance(node.base, Group) and len(node.base.items) == 1:
            inner = node.base.items[0]
            parts = [part for _, part in inner.terms] if isinstance(inner, Sum) and len(inner.terms) == 2 else []
            bases = [_base(part) for part in parts if len(_letters(part)) == 1]
            if len(bases) == 2 and out in bases and len(set(bases)) == 2:
                return next(b for b in bases if b != out)
    return None


def _is_about_letters(document: Document, units: Units) -> bool:
    """Whether no unit has a number, and nothing a layer already."""
    for node in (n for s in document.statements for side in s.sides for n in walk(side.node)):
        if isinstance(node, Name) and node.base in ("l", "L", "ell"):
            return False
        if isinstance(node, Scripted) and _base(node) in (units.net, units.out, units.weight):
            marks = [*node.lower, *(s for s in node.upper if s.bracket)]
            if any(not isinstance(s.body, Name) for s in marks) or any(s.bracket for s in node.upper):
                return False
    return True


def _base(node: Node) -> str:
    return node.base.base if isinstance(node, Scripted) and isinstance(node.base, Name) else ""


def _letters(node: Node) -> list[str]:
    """The index letters of a name: `w_{ij}` has i and j."""
    if not isinstance(node, Scripted) or not isinstance(node.base, Name):
        return []
    found = [s.body.base for s in node.lower if isinstance(s.body, Name) and len(s.body.base) == 1]
    return found if len(found) == len(node.lower) else []


# --- letters to layers ---
def _layered(statement: Statement, units: Units) -> Statement:
    names = [n for side in statement.sides for n in walk(side.node) if _letters(n)]
    letters = {x for n in names for x in _letters(n)} | set(_summed(statement))
    targets = {x for n in names if _base(n) == units.target for x in _letters(n)}
    level = {x: units.level(x) for x in letters}
    if units.own not in letters and max(level.values(), default=0) > 0 and units.below in letters:
        level[units.below] = 0  # w_{ki}: of a unit k that i feeds
    shift = -level[min(targets)] if targets else -max(level.values(), default=0) if units.own not in letters else 0
    anchor = "L" if targets else "l"

    def visit(node: Node) -> Node:
        found = _letters(node)
        if not found or _base(node) == units.target or not isinstance(node, Scripted):
            return rebuilt(node, visit)
        base = node.base
        if _base(node) == units.fed != units.out and len(found) == 2:  # x_{ji} is what unit i puts out
            source = min(found, key=lambda x: level[x])
            assert isinstance(base, Name)
            lower = tuple(s for s in node.lower if isinstance(s.body, Name) and s.body.base == source)
            node, base, found = replace(node, lower=lower), replace(base, base=units.out), [source]
        mark = _layer(anchor, max(level[x] for x in found) + shift, node.span)
        return replace(node, base=base, upper=(Script(node.span, mark, "["), *node.upper))

    sides = tuple(Side(visit(side.node), side.span) for side in statement.sides)
    return replace(statement, sides=sides)


def _summed(statement: Statement) -> Iterator[str]:
    for node in (n for side in statement.sides for n in walk(side.node)):
        if isinstance(node, BigSum):
            for index in node.indices:
                name = index.left if isinstance(index, Comparison) else index
                if isinstance(name, Name) and len(name.base) == 1:
                    yield name.base


def _layer(anchor: str, steps: int, span: tuple[int, int]) -> Node:
    name = Name(span, anchor)
    if not steps:
        return name
    number = Number(span, str(abs(steps)), Fraction(abs(steps)))
    return Sum(span, ((1, name), (1 if steps > 0 else -1, number)))
