r"""Networks unit by unit, as the delta rule is taught: `net_j = \sum_i w_{ij} o_i`, `o_j = f(net_j)`; the letters are the layers.

What is said of a unit j, of the units i that feed it and of the units k that it feeds is said of the layers l, l - 1 and
l + 1, and of the last one where a target stands.
"""

from __future__ import annotations

import itertools
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
    Transposed,
    rebuilt,
    walk,
)
from symderiv.homework.reading.plainly import to_text
from symderiv.homework.reading.statements import Document, Statement
from symderiv.homework.understanding.symbols import COUNTING, LOSS_BASES

WEIGHTS = frozenset({"w", "W", "theta", "v"})


@dataclass(frozen=True, slots=True)
class Units:
    """The names of a network unit by unit: `net_j`, `o_j`, `w_{ij}`, inputs (`o_i`, or `x_{ji}`), the target t, and j and i.

    hidden: what else the outputs of hidden units are called. fed_sum: the weighted sum as it is written. vectors: what the
    outputs of all units together are called.
    """

    net: str
    out: str
    hidden: frozenset[str]
    weight: str
    fed: str
    target: str
    own: str
    below: str
    fed_sum: Node
    vectors: frozenset[str]
    beside: frozenset[str] = frozenset()

    def level(self, letter: str) -> int:
        """How many layers above the own unit."""
        return 0 if letter == self.own or letter in self.beside else -1 if letter == self.below else 1


def with_unit_layers(document: Document) -> Document:
    r"""`net_j` becomes `net^{[l]}_j`, and `o_i` beside it `o^{[l-1]}_i`."""
    units = _units_of(document)
    if units is None:
        return document
    groups: list[list[Statement]] = []
    for statement in document.statements:
        if statement.is_continued and groups:
            groups[-1].append(statement)  # it is about the same units
        else:
            groups.append([statement])
    return replace(document, statements=[s for group in groups for s in _layered(group, units)])


# --- which names ---
def _units_of(document: Document) -> Units | None:
    sums = {
        found: side.node
        for statement in document.statements
        for side in statement.sides[1:]
        if (found := _weighted_sum(statement.sides[0].node, side.node)) is not None
    }
    if len(sums) != 1:
        return None  # every layer has its own letters, or there are no units
    (net, weight, fed, own, below), fed_sum = sums.popitem()
    outs = _outputs(document, net)
    compared = [(out, target) for out in outs if (target := _target(document, out)) is not None]
    if not compared or len(set(outs.values())) > 1:
        return None  # no target, or another function in every layer
    out, target = compared[0]
    hidden = frozenset(outs) - {out}
    if fed not in (out, "x", "in", "a") and fed not in hidden:
        return None
    vectors = _vectors(document, weight, fed) if fed != out else frozenset()
    beside = _fed_on(document, weight, fed_sum, own) - {own, below}
    units = Units(net, out, hidden, weight, fed, target, own, below, fed_sum, vectors, beside)
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
    if len(weights) != 1 or len(others) != 1 or _base(others[0]) == _base(left):
        return None  # `delta_j = \\sum_k delta_k w_{kj}` is the way back
    return _base(left), _base(weights[0]), _base(others[0]), own[0], index.base


def _fed_on(document: Document, weight: str, fed_sum: Node, own: str) -> frozenset[str]:
    r"""The h of `w_{kh}`: what stands where the weighted sum has i, beside what is neither j nor i."""
    written = next(n for n in walk(fed_sum) if isinstance(n, Scripted) and _base(n) == weight)
    place = 1 - _letters(written).index(own)
    pairs = [_letters(n) for n in document.of_kind(Scripted) if _base(n) == weight]
    upper = {pair[1 - place] for pair in pairs if len(pair) == 2} - {*_letters(written)}
    lower = {pair[place] for pair in pairs if len(pair) == 2 and pair[1 - place] in upper & COUNTING}
    return frozenset((lower & (COUNTING | {"h"})) - upper)


def _outputs(document: Document, net: str) -> dict[str, str]:
    """The o of `o_j = f(net_j)`, with its f."""
    found: dict[str, str] = {}
    for statement in document.statements:
        left = statement.sides[0].node
        for side in statement.sides[1:]:
            node = side.node
            arguments: tuple[Node, ...] = node.arguments if isinstance(node, Call) else ()
            function = to_text(node.function) if isinstance(node, Call) else ""
            if isinstance(node, Product) and len(node.factors) == 2 and isinstance(node.factors[1], Group):
                arguments, function = node.factors[1].items, to_text(node.factors[0])
            is_net = len(arguments) == 1 and _base(arguments[0]) == net and _letters(arguments[0]) == _letters(left)
            if is_net and len(_letters(left)) == 1 and _base(left) != net:
                found.setdefault(_base(left), function)
    return found


def _target(document: Document, out: str) -> str | None:
    """The t of `(t_k - o_k)^2`."""
    for node in document.of_kind(Scripted):
        if isinstance(node.base, Group) and len(node.base.items) == 1:
            inner = node.base.items[0]
            parts = [part for _, part in inner.terms] if isinstance(inner, Sum) and len(inner.terms) == 2 else []
            bases = [_base(part) for part in parts if len(_letters(part)) == 1]
            if len(bases) == 2 and out in bases and len(set(bases)) == 2:
                return next(b for b in bases if b != out)
    return None


def _is_about_letters(document: Document, units: Units) -> bool:
    """Whether no unit has a number, and nothing a layer already, but for lines without units."""
    named = (units.net, units.out, units.weight, *units.hidden)
    for statement in document.statements:
        nodes = list(statement.nodes())
        with_units = [n for n in nodes if isinstance(n, Scripted) and _base(n) in named]
        has_layers = any(isinstance(n, Name) and n.base in ("l", "L", "ell") for n in nodes)
        if has_layers and any(_letters(n) for n in nodes):
            return False
        for node in with_units:
            marks = [*node.lower, *(s for s in node.upper if s.bracket)]
            is_numbered = any(not isinstance(s.body, Name) for s in marks) or any(s.bracket for s in node.upper)
            is_numbered = is_numbered and not _is_threshold(node)
            if is_numbered and not has_layers:
                return False
    return True


def _is_threshold(node: Scripted) -> bool:
    """The w_{c0} of a unit c that has a letter."""
    below = [s.body for s in node.lower]
    return not node.upper and len(below) == 2 and isinstance(below[0], Name) and to_text(below[1]) == "0"


def _base(node: Node) -> str:
    return node.base.base if isinstance(node, Scripted) and isinstance(node.base, Name) else ""


def _letters(node: Node) -> list[str]:
    """The index letters of a name: `w_{ij}` has i and j."""
    if not isinstance(node, Scripted) or not isinstance(node.base, Name):
        return []
    found = [s.body.base for s in node.lower if isinstance(s.body, Name) and len(s.body.base) == 1]
    return found if len(found) == len(node.lower) else []


# --- letters to layers ---
def _layered(group: list[Statement], units: Units) -> list[Statement]:
    names = [n for statement in group for n in statement.nodes() if _letters(n)]
    letters = {x for n in names for x in _letters(n)} | {x for statement in group for x in _summed(statement)}
    if not letters:
        return [_of_vectors(statement, units) for statement in group]
    targets = {x for n in names if _base(n) == units.target for x in _letters(n)}
    level = {x: units.level(x) for x in letters}
    if units.own not in letters and max(level.values(), default=0) > 0 and units.below in letters:
        level[units.below] = 0  # w_{ki}: of a unit k that i feeds
    shift = -level[min(targets)] if targets else -max(level.values(), default=0) if units.own not in letters else 0
    anchor = "L" if targets else "l"

    def visit(node: Node) -> Node:
        found = _letters(node)
        if _is_written_as_vectors(node, units):
            return visit(units.fed_sum)
        if not found or _base(node) == units.target or not isinstance(node, Scripted):
            return rebuilt(node, visit)
        if _base(node) in LOSS_BASES and not {units.own, units.below} & set(found):
            return node  # E_d of the pattern d
        base = replace(node.base, base=units.out) if _base(node) in units.hidden else node.base  # type: ignore[call-arg]
        if _base(node) == units.fed != units.out and len(found) == 2:  # x_{ji} is what unit i puts out
            source = min(found, key=lambda x: level[x])
            assert isinstance(base, Name)
            lower = tuple(s for s in node.lower if isinstance(s.body, Name) and s.body.base == source)
            node, base, found = replace(node, lower=lower), replace(base, base=units.out), [source]
        mark = _layer(anchor, max(level[x] for x in found) + shift, node.span)
        return replace(node, base=base, upper=(Script(node.span, mark, "["), *node.upper))

    return [statement.with_sides(visit) for statement in group]


def _of_vectors(statement: Statement, units: Units) -> Statement:
    r"""`W = W + \mu \delta x^T`: the same for all units of a layer at once; of the last one where the target stands."""
    names = {n.base for n in statement.of_kind(Name)}
    is_no_formula = len(statement.sides) + statement.is_continued < 2
    is_no_formula = is_no_formula or not all(
        any(isinstance(n, Name) for n in walk(side.node)) for side in statement.sides
    )
    about = {units.weight, units.weight.upper(), *units.vectors} | ({units.out} if "delta" in names else set())
    if is_no_formula or not names & about:
        return statement
    anchor = "L" if units.target in names else "l"
    has_layers = bool(names & {"l", "L", "ell"})
    renamed = {
        units.weight.upper(): units.weight,
        units.fed: units.out,
        **dict.fromkeys(units.hidden | units.vectors, units.out),
    }
    layered = {units.out, units.net, units.weight, units.fed, "delta", *renamed}

    def visit(node: Node) -> Node:
        if not has_layers and _is_product_of_vectors(node, units.weight, units.fed):
            return visit(Name(node.span, units.net))
        if has_layers and isinstance(node, Product):
            node = _with_layer_of_delta(node, units.weight)
        inner = node.base if isinstance(node, Scripted) else node
        if not isinstance(inner, Name) or inner.base not in layered:
            return rebuilt(node, visit)
        base = replace(inner, base=renamed.get(inner.base, inner.base))
        if isinstance(node, Scripted) or has_layers:
            return replace(node, base=base) if isinstance(node, Scripted) and has_layers else node
        below = inner.base == units.fed != units.out
        return Scripted(node.span, base, (), (Script(node.span, _layer(anchor, -1 if below else 0, node.span), "["),))

    return statement.with_sides(visit)


def _vectors(document: Document, weight: str, fed: str) -> frozenset[str]:
    r"""The a of `a = \sigma(W x)` beside the formulas of single units."""
    found = set()
    for statement in document.statements:
        left, right = statement.sides[0].node, statement.sides[-1].node
        arguments: tuple[Node, ...] = right.arguments if isinstance(right, Call) else ()
        if isinstance(right, Product) and len(right.factors) == 2 and isinstance(right.factors[1], Group):
            arguments = right.factors[1].items
        product = arguments[0] if len(arguments) == 1 else None
        if (
            isinstance(left, Name)
            and len(statement.sides) == 2
            and product
            and _is_product_of_vectors(product, weight, fed)
        ):
            found.add(left.base)
    return frozenset(found)


def _with_layer_of_delta(node: Product, weight: str) -> Product:
    r"""`W^T \delta^{l+1}`: the weights of that layer."""
    factors = list(node.factors)
    for k, (first, second) in enumerate(itertools.pairwise(node.factors)):
        name = first.body if isinstance(first, Transposed) else first
        if isinstance(name, Name) and name.base in (weight, weight.upper()) and _base(second) == "delta":
            assert isinstance(second, Scripted)
            marked = Scripted(name.span, name, (), tuple(replace(s, bracket="[") for s in second.upper))
            factors[k] = replace(first, body=marked) if isinstance(first, Transposed) else marked
    return replace(node, factors=tuple(factors))


def _is_product_of_vectors(node: Node, weight: str, fed: str) -> bool:
    """`W x`: the weighted sums of all units."""
    if not isinstance(node, Product) or len(node.factors) != 2 or node.marks[0] not in ("", "cdot"):
        return False
    first, second = (x.base if isinstance(x, Name) else "" for x in node.factors)
    return first in (weight, weight.upper()) and second == fed


def _is_written_as_vectors(node: Node, units: Units) -> bool:
    r"""`\vec w_j \vec x_j`: the weighted sum of unit j without its entries."""
    factors = node.factors if isinstance(node, Product) and len(node.factors) == 2 else ()
    bare = [x.body if isinstance(x, Transposed) else x for x in factors]
    return [_base(x) for x in bare] == [units.weight, units.fed] and all(_letters(x) == [units.own] for x in bare)


def _summed(statement: Statement) -> Iterator[str]:
    for node in statement.nodes():
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
