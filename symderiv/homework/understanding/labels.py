r"""`L = -\log p_y`, where y is the number of the right class: as the cross-entropy with the one-hot vector e_y that it is.

For a one-hot vector the two are the same function of p, so nothing is assumed. `1[k = y]`, `\delta_{ky}` and `\mathbf 1_y`
are entries of e_y, or e_y itself; `p_y` elsewhere, and what is derived by it, is the entry that e_y picks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from symderiv.homework.reading.formulas import (
    BigSum,
    Call,
    Comparison,
    Derivative,
    Fraction,
    Group,
    Name,
    Node,
    Product,
    Script,
    Scripted,
    rebuilt,
    walk,
)
from symderiv.homework.reading.statements import Document

LABELS = frozenset({"y", "c", "t", "ell", "true", "label"})
HOT = "e_"  # before a label: the name of its one-hot vector
LETTERS = ("k", "j", "i", "m")  # for the sum over classes


def with_labels(document: Document) -> Document:
    """The document with the logarithm of one share as a cross-entropy."""
    found = {(base, label) for call in document.of_kind(Call) for base, label in _picked(call)}
    shares = {b for s in document.statements for b in _shares(s.sides[0].node, [x.node for x in s.sides[1:]])}
    summed = {x for n in document.of_kind(BigSum) for x in n.letters}
    labels = {label for base, label in found if base in shares} - summed
    if len(labels) != 1 or any(
        _is_entry_of(node, min(labels)) or _is_cross_entropy(node, found) for node in document.nodes()
    ):
        return document
    label = labels.pop()
    picked = {base for base, own in found if own == label}
    used = {n.base for n in document.of_kind(Name)}
    letter = next((x for x in LETTERS if x not in used), LETTERS[0])

    def visit(node: Node) -> Node:
        span = node.span
        for _, own in _picked(node):
            if own == label and isinstance(node, Call) and isinstance(node.arguments[0], Scripted):
                index = Name(span, letter)
                share = replace(node.arguments[0], lower=(Script(span, index),))
                body = Product(span, (_hot(span, label, index), replace(node, arguments=(share,))), ("",))
                return BigSum(span, "sum", (index,), None, None, body)
        entry = _share_picked(node, picked, label)
        if entry is not None:
            index = Name(span, letter)
            body = Product(span, (_hot(span, label, index), entry(index)), ("",))
            return Group(span, "(", (BigSum(span, "sum", (index,), None, None, body),))
        match node:
            case Call(_, _, (Comparison(_, Name(_, one), "=", Name(_, other)),)) if (
                label in (one, other) and one != other
            ):
                return _hot(span, label, Name(span, other if one == label else one))
            case Scripted(_, Name(_, "delta"), (Script(_, Name(_, one)), Script(_, Name(_, other))), ()) if label in (
                one,
                other,
            ):
                return _hot(span, label, Name(span, other if one == label else one))
            case Scripted(_, Name(_, "ones" | "e"), (Script(_, Name(_, own)),), ()) if own == label:
                return _hot(span, label, None)
            case Scripted(_, Name(_, "e"), (Script(_, Name(_, own)), Script(_, Name() as index)), ()) if own == label:
                return _hot(span, label, index)
            case Product(_, (*before, Name(_, "e"), Group(_, _, (Name(_, own),))), marks) if own == label:
                return _product(span, (*map(visit, before), _hot(span, label, None)), marks[:-1])
        return rebuilt(node, visit)

    return document.with_sides(visit)


def _share_picked(node: Node, shares: set[str], label: str) -> Callable[[Name], Node] | None:
    r"""`p_y`, `\partial L / \partial p_y`, `\partial p_y / \partial s_i`: the same with another letter for y."""
    match node:
        case Scripted(_, Name(_, base), (Script(_, Name(_, own)) as script,), ()) if base in shares and own == label:
            return lambda index: replace(node, lower=(replace(script, body=index),))
        case Derivative(_, top, bottom):
            if bottom is not None and (below := _share_picked(bottom, shares, label)) is not None:
                return lambda index: replace(node, bottom=below(index))
            if top is not None and (above := _share_picked(top, shares, label)) is not None:
                return lambda index: replace(node, top=above(index))
    return None


def _product(span: tuple[int, int], factors: tuple[Node, ...], marks: tuple[str, ...]) -> Node:
    return Product(span, factors, marks) if len(factors) > 1 else factors[0]


def _picked(node: Node) -> list[tuple[str, str]]:
    r"""(p, y) of `\log p_y`."""
    match node:
        case Call(_, Name(_, "log" | "ln"), (Scripted(_, Name(_, base), (Script(_, Name(_, label)),), ()),)) if (
            label in LABELS
        ):
            return [(base, label)]
    return []


def _shares(left: Node, sides: list[Node]) -> list[str]:
    """The p of `p = softmax(s)`, `p_k = e^{s_k} / sum_j e^{s_j}`."""
    base = left.base if isinstance(left, Scripted) else left
    if not isinstance(base, Name):
        return []
    for side in sides:
        is_softmax = isinstance(side, Call) and isinstance(side.function, Name) and side.function.base == "softmax"
        is_share = isinstance(side, Fraction) and isinstance(side.below, BigSum)
        if is_softmax or is_share:
            return [base.base]
    return []


def _is_cross_entropy(node: Node, found: set[tuple[str, str]]) -> bool:
    r"""`\sum_i t_i \log q_i` beside `\log q_c`: the targets have a name already, and c is only the class that is 1."""
    inside = [n for n in walk(node) if isinstance(n, Call)] if isinstance(node, BigSum) else []
    for call in inside:
        match call:
            case Call(_, Name(_, "log" | "ln"), (Scripted(_, Name(_, base), (Script(_, Name(_, letter)),), ()),)):
                if any(base == own and letter != label for own, label in found):
                    return True
    return False


def _is_entry_of(node: Node, label: str) -> bool:
    """`y_k`: then y is a vector of targets."""
    return isinstance(node, Scripted) and isinstance(node.base, Name) and node.base.base == label and bool(node.lower)


def _hot(span: tuple[int, int], label: str, index: Name | None) -> Node:
    """The one-hot vector, or an entry of it: one name, for its letter below is no index."""
    name = Name(span, HOT + label)
    return name if index is None else Scripted(span, name, (Script(span, index),), ())
