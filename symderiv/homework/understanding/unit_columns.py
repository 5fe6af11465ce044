r"""The weights of each unit as a column, `z_{mi} = \sigma(\alpha_m^T x_i)`, beside their entries `\alpha_{m\ell}`: put as sums.

So do textbooks of statistics, and with it they write outputs as functions of the sample, `f_k(x_i)` for `f_{ki}`, and
intercepts as the entry 0, `\alpha_{0m}`. Every index is written then, and so all is said entry by entry.
"""

from __future__ import annotations

from collections.abc import Iterator, Set
from dataclasses import dataclass, replace

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
    Text,
    Transposed,
    Unread,
    rebuilt,
    with_factors_joined,
    without_brackets,
)
from symderiv.homework.reading.statements import Document

OUTPUTS = frozenset({"f", "h", "y", "F"})
DATA = frozenset({"x", "X", "h", "a", "z", "o", "y", "phi"})  # `x_i^T w` is of the sample i
ELL, SHORT = "ell", "l"
FREE_LETTERS = "jqspuvcdr"
INTERCEPT = "bias"


@dataclass(frozen=True, slots=True)
class Columns:
    """How entries are written.

    entries: of each weight, the letter of its entries by that of the unit. behind: whether the unit stands second, as in
    `w_{ij}` of a unit j. weighed: the pairs of letters of what they weigh. free: letters that nothing has.
    """

    entries: dict[str, dict[str, str]]
    behind: frozenset[str]
    weighed: dict[str, set[tuple[str, ...]]]
    free: tuple[str, ...]
    with_intercepts: frozenset[str]


def with_unit_columns(document: Document) -> Document:
    r"""`\alpha_m^T x_i` becomes `\sum_l \alpha_{ml} x_{il}`, where the entries `\alpha_{ml}` are written somewhere."""
    short = _with_short_letter(document)
    columns = _columns_of(short)
    return document if columns is None else _with_sums(_with_outputs(short), columns)


# --- what is written ---
def _letters(node: Node) -> tuple[str, ...]:
    """The letters below a name: `w_{ij}` has i and j."""
    if not isinstance(node, Scripted) or not isinstance(node.base, Name):
        return ()
    found = tuple(s.body.base for s in node.lower if isinstance(s.body, Name))
    return found if len(found) == len(node.lower) and all(len(x) == 1 for x in found) else ()


def _base(node: Node) -> str:
    inner = node.base if isinstance(node, Scripted) else node
    return inner.base if isinstance(inner, Name) and not inner.accents else ""


def _with_short_letter(document: Document) -> Document:
    r"""`\alpha_{m\ell}`: the ell as l, if that is free and ell only ever stands as a second letter below, or under a sum."""
    ells = sum(n.base == ELL for n in document.of_kind(Name))
    below = [s for n in document.of_kind(Scripted) if len(n.lower) == 2 for s in n.lower]
    counted = sum(isinstance(s.body, Name) and s.body.base == ELL for s in below)
    counted += sum(n.letters.count(ELL) for n in document.of_kind(BigSum))
    if not ells or ells != counted or any(n.base == SHORT for n in document.of_kind(Name)):
        return document

    def visit(node: Node) -> Node:
        is_ell = isinstance(node, Name) and node.base == ELL
        return replace(node, base=SHORT) if is_ell and isinstance(node, Name) else rebuilt(node, visit)

    return document.with_sides(visit)


def _columns_of(document: Document) -> Columns | None:
    pairs: dict[str, set[tuple[str, ...]]] = {}
    units: dict[str, set[str]] = {}
    for node in document.of_kind(Scripted):
        if not node.primes and len(letters := _letters(node)) == 2:
            pairs.setdefault(_base(node), set()).add(letters)
    weighed = set()
    for product in document.of_kind(Product):
        for at in _weighted(product):
            weight = _column(product.factors[at])
            units.setdefault(_base(weight), set()).update(_letters(weight))
            weighed.add(_base(product.factors[at + 1]))
    if not units.keys() & pairs.keys() or units.keys() & (DATA | weighed):
        return None  # no entries are written, or samples stand where weights do
    behind = frozenset(b for b in units if pairs.get(b) and not any(p[0] in units[b] for p in pairs[b]))
    entries: dict[str, dict[str, str]] = {}
    for base, owns in units.items():
        own, end = (1, 0) if base in behind else (0, 1)
        ends = {unit: {p[end] for p in pairs.get(base, ()) if p[own] == unit} for unit in owns}
        if any(len(found) > 1 for found in ends.values()):
            return None  # of several matrices
        entries[base] = {unit: found.pop() for unit, found in ends.items() if found}
    taken = {n.base for n in document.of_kind(Name)}
    free = tuple(x for x in FREE_LETTERS if x not in taken)
    added = frozenset(_base(part) for n in document.of_kind(Sum) for _, part in n.terms if _is_intercept(part))
    return Columns(entries, behind, {b: pairs.get(b, set()) for b in weighed}, free, added) if free else None


def _weighted(node: Node) -> Iterator[int]:
    r"""Where `\alpha_m^T x_i`, or `\alpha_m^T x`, stands in a product."""
    if not isinstance(node, Product):
        return
    for at, (first, second, mark) in enumerate(zip(node.factors, node.factors[1:], node.marks, strict=False)):
        weight = _column(first)
        is_single = isinstance(second, Name) or (
            isinstance(second, Scripted) and len(_letters(second)) == 1 and not second.upper and not second.primes
        )
        if len(_letters(weight)) == 1 and is_single and _base(second) and mark in ("", "cdot"):
            yield at


def _column(node: Node) -> Node:
    r"""The `\alpha_m` of `\alpha_m^T`."""
    inner = node.body if isinstance(node, Transposed) else node
    is_plain = isinstance(node, Transposed) and isinstance(inner, Scripted) and not inner.upper and not inner.primes
    return inner if is_plain else Text(node.span, "")


# --- outputs as functions of the sample ---
def _with_outputs(document: Document) -> Document:
    """`f_k(x_i)` becomes `f_{ki}`, where a line says what it is."""
    lefts = [s.sides[0].node for s in document.statements if len(s.sides) > 1 and not s.is_continued]
    found = {_base(left.factors[0]) for left in lefts if isinstance(left, Product) and _is_output(left, 0)}
    found = {
        base
        for base in found & OUTPUTS
        if all(_base(n) != base or (len(n.lower) == 1 and not n.primes) for n in document.of_kind(Scripted))
    }
    if not found:
        return document

    def visit(node: Node) -> Node:
        if not isinstance(node, Product):
            return rebuilt(node, visit)
        return with_factors_joined(node, lambda at: _output(node, at, found), visit)

    return document.with_sides(visit)


def _output(node: Product, at: int, found: Set[str]) -> Node | None:
    head = node.factors[at]
    if not _is_output(node, at) or _base(head) not in found or not isinstance(head, Scripted):
        return None
    sample = without_brackets(node.factors[at + 1])
    assert isinstance(sample, Scripted)
    return replace(head, span=(head.span[0], node.factors[at + 1].span[1]), lower=(*head.lower, *sample.lower))


def _is_output(node: Product, at: int) -> bool:
    """Whether `f_k(x_i)` stands here in a product."""
    if at + 1 >= len(node.factors) or node.marks[at] or not isinstance(node.factors[at + 1], Group):
        return False
    head, sample = node.factors[at], without_brackets(node.factors[at + 1])
    own, other = _letters(head), _letters(sample)
    is_plain = isinstance(head, Scripted) and not head.upper and isinstance(sample, Scripted) and not sample.upper
    return is_plain and len(own) == len(other) == 1 and own != other


# --- columns to sums ---
def _with_sums(document: Document, columns: Columns) -> Document:
    def visit(node: Node, intercepts: Set[str] = frozenset()) -> Node:
        if isinstance(node, Scripted) and _base(node) in columns.entries:
            return _intercept(node)
        if isinstance(node, Sum):
            added = {_base(part) for _, part in node.terms if _is_intercept(part)}
            return rebuilt(node, lambda part: visit(part, added))
        places = set(_weighted(node))
        if not isinstance(node, Product) or not places:
            return rebuilt(node, visit)
        if any((base := _base(_column(node.factors[at]))) in columns.with_intercepts - intercepts for at in places):
            return Unread(node.span, "", f"the intercept of {base} is left out")
        pairs = {at: (_column(node.factors[at]), node.factors[at + 1]) for at in places}
        return with_factors_joined(node, lambda at: _sum(*pairs[at], columns) if at in pairs else None, visit)

    return document.with_sides(visit)


def _sum(weight: Node, other: Node, columns: Columns) -> Node:
    """The sum over the entries of a column and of what it weighs."""
    assert isinstance(weight, Scripted)
    span, own, sample = (weight.span[0], other.span[1]), _letters(weight)[0], _letters(other)
    pairs = columns.weighed[_base(other)]
    letter = columns.entries[_base(weight)].get(own, "")
    if letter in ("", own, *sample):
        letter = columns.free[0]
    end = Script(other.span, Name(other.span, letter))
    inner = other if isinstance(other, Scripted) else Scripted(other.span, other)
    is_second = bool(sample) and any(pair[1] == sample[0] for pair in pairs)  # z_{mi}: the entry before the sample
    weight = replace(weight, lower=_ordered(weight.lower, end, _base(weight) in columns.behind))
    inner = replace(inner, lower=_ordered(inner.lower, end, is_second))
    return BigSum(span, "sum", (end.body,), None, None, Product(span, (weight, inner), ("",)))


def _ordered(scripts: tuple[Script, ...], end: Script, is_second: bool) -> tuple[Script, ...]:
    return (end, *scripts) if is_second else (*scripts, end)


def _is_intercept(node: Node) -> bool:
    r"""`\alpha_{0m}`."""
    scripts = [s.body for s in node.lower] if isinstance(node, Scripted) else []
    is_zero = len(scripts) == 2 and isinstance(scripts[0], Number) and scripts[0].text == "0"
    return is_zero and isinstance(scripts[1], Name)


def _intercept(node: Scripted) -> Node:
    r"""`\alpha_{0m}`: what is added to the weighted sum of unit m."""
    if not _is_intercept(node):
        return node
    return replace(node, lower=node.lower[1:], upper=(*node.upper, Script(node.span, Text(node.span, INTERCEPT))))
