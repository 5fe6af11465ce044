r"""Two equations set side by side without a separator, as scanners leave them: `\frac{dZ}{db} = 1 \frac{dJ}{db} = \frac1m ..`.

A middle side ends in what is really the next left side. It is cut off only where a chain of equal sides is not plausible:
the derivative there does not continue the path of the one asked about, a weight matrix cannot be multiplied like that, or
the sign after it is an assignment. Every cut is reported.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

from symderiv.homework.reading.formulas import (
    BigSum,
    Call,
    Derivative,
    Matrix,
    Name,
    Node,
    Number,
    Product,
    Scripted,
    Sum,
    walk,
)
from symderiv.homework.reading.plainly import to_text

LOSSES = frozenset("J L E C loss ell cost error err S R".split())


@dataclass(frozen=True, slots=True)
class Equation:
    """Sides with the relations between them."""

    sides: tuple[Node, ...]
    relations: tuple[str, ...]


def unglue(sides: tuple[Node, ...], relations: tuple[str, ...]) -> list[Equation]:
    """The equations that a chain of sides consists of, mostly one."""
    if len(sides) < 3:
        return [Equation(sides, relations)]
    found: list[Equation] = []
    current, signs = [sides[0]], []
    for index in range(1, len(sides)):
        side = sides[index]
        signs.append(relations[index - 1])
        if index < len(sides) - 1:
            parts = split_last(side)
            if parts is not None and _is_next_left(current[0], parts[0], parts[1], sides[index + 1], relations[index]):
                found.append(Equation((*current, parts[0]), tuple(signs)))
                current, signs = [parts[1]], []
                continue
        current.append(side)
    return [*found, Equation(tuple(current), tuple(signs))]


def split_last(node: Node) -> tuple[Node, Node] | None:
    """A side without its last factor, and that factor; None unless it only stands beside the others."""
    if type(node) is Product:
        rest, last = node.factors[:-1], node.factors[-1]
        if node.marks[-1] != "":
            deeper = split_last(last) if type(last) in (BigSum, Sum) else None
            return deeper and (_with_end(node, (*rest, deeper[0])), deeper[1])
        if type(last) in (Derivative, Name, Scripted):
            return (
                rest[0]
                if len(rest) == 1
                else replace(node, span=(node.span[0], rest[-1].span[1]), factors=rest, marks=node.marks[:-1])
            ), last
        deeper = split_last(last)
        return deeper and (_with_end(node, (*rest, deeper[0])), deeper[1])
    if type(node) is Sum:
        sign, term = node.terms[-1]
        deeper = split_last(term)
        return deeper and (
            replace(node, span=(node.span[0], deeper[0].span[1]), terms=(*node.terms[:-1], (sign, deeper[0]))),
            deeper[1],
        )
    if type(node) is BigSum:
        deeper = split_last(node.body)
        return deeper and (replace(node, span=(node.span[0], deeper[0].span[1]), body=deeper[0]), deeper[1])
    return None


def _with_end(node: Product, factors: tuple[Node, ...]) -> Node:
    return replace(node, span=(node.span[0], factors[-1].span[1]), factors=factors)


def _is_next_left(left: Node, rest: Node, last: Node, following: Node, sign: str) -> bool:
    if type(last) is Derivative:
        return last.top is not None and _starts_anew(left, rest, last, following)
    if sign in (":=", "<-"):
        return True
    return _is_next_weight(left, rest, last, following) or _is_next_update(left, rest, last, following)


def _starts_anew(left: Node, rest: Node, last: Derivative, following: Node) -> bool:
    """Whether a derivative at the end of a side cannot belong to a path for the one on the left."""
    before = _last_factor(rest)
    if last == left:
        return True
    if type(last.top) is Product and _is_loss(last.top.factors[0]):
        last = replace(last, top=last.top.factors[0])  # `\frac{\partial}{\partial u} L \circ g'`
    linked = type(before) is Derivative and _same(before.bottom, last.top)
    if type(before) is Derivative and not linked and _same(before.top, last.bottom):
        linked = not _runs_forward(rest)  # a path may be written backwards, but not turn round
    if type(left) is not Derivative or left.top is None:
        if last.top is not None and type(left) in (Name, Scripted) and left == last.top:
            return True  # `z = wx \frac{dz}{dw} = x`
        return type(before) is Derivative and not linked and type(rest) is not Derivative
    if linked:
        return False
    if _is_last_quantity(last.top) and not _is_loss(left.top):
        return True  # what is in the network never depends on the loss
    if _is_parameter(last.bottom) and _is_parameter(left.bottom) and not _same(last.bottom, left.bottom):
        name = _base(last.bottom)
        may_be_inner = (
            name is not None and name.base in ("U", "V") and _goes_on(rest, following)
        )  # pre-activations, too
        return _same(last.top, left.top) and not may_be_inner
    if _same(last.bottom, left.bottom):
        if _same(last.top, left.top) or not _is_loss(last.top):
            return False
        return _is_last_quantity(last.top) or (type(last.top) is Name and not _goes_on(rest, following))
    if type(before) is Derivative:
        return True
    if _same(last.top, left.top):
        return False
    return _same(last.top, left.bottom) or not _goes_on(rest, following)


def _goes_on(rest: Node, following: Node) -> bool:
    """Whether the next side repeats a factor of this one, so that it is this one with its last factor written out."""
    ours, theirs = _factors(rest), _factors(following)
    factors = {to_text(factor) for factor in ours if type(factor) not in (Number, Name)}
    begins = type(ours[0]) is not Number and _same(ours[0], theirs[0])
    return begins or _is_of_numbers(following) or any(to_text(factor) in factors for factor in theirs)


def _is_of_numbers(node: Node) -> bool:
    """`0.3`, `[1 2]^T [3 4]`."""
    return _is_number(node) or not any(type(part) in (Name, Scripted, Call) for part in walk(node))


def _factors(node: Node) -> tuple[Node, ...]:
    if type(node) is Sum and len(node.terms) == 1:
        node = node.terms[0][1]
    return node.factors if type(node) is Product else (node,)


def _is_parameter(node: Node) -> bool:
    """Whether a name is a weight or a bias by its letter: a path never runs through one."""
    name = _base(node)
    return name is not None and name.base in ("w", "W", "b", "B", "theta", "Theta", "V", "U")


def _runs_forward(node: Node) -> bool:
    """Whether two derivatives stand side by side as links of a path from the top down."""
    factors = node.factors if type(node) is Product else ()
    return any(
        type(left) is Derivative and type(right) is Derivative and _same(left.bottom, right.top)
        for left, right in pairwise(factors)
    )


def _last_factor(node: Node) -> Node:
    while True:
        if type(node) is Product:
            node = node.factors[-1]
        elif type(node) is Sum:
            node = node.terms[-1][1]
        elif type(node) is BigSum:
            node = node.body
        else:
            return node


def _same(left: Node | None, right: Node | None) -> bool:
    return left is not None and right is not None and to_text(left).strip("()") == to_text(right).strip("()")


def _base(node: Node | None) -> Name | None:
    if type(node) is Scripted:
        node = node.base
    return node if type(node) is Name else None


def _is_loss(node: Node | None) -> bool:
    name = _base(node)
    return name is not None and name.base in LOSSES


def _is_last_quantity(node: Node | None) -> bool:
    name = _base(node)
    return name is not None and name.base in ("J", "L", "ell", "loss", "cost", "err", "error")


def _is_next_weight(left: Node, rest: Node, last: Node, following: Node) -> bool:
    """`W^1 = [..] W^2 = [..]`, `w_1 = 0.5 w_2 = 0.3`: a sister of the left name, and values that cannot be a product."""
    ours, other = _base(left), _base(last)
    if ours is None or other is None or ours != other or left == last:
        return False
    if type(rest) is Matrix and type(following) is Matrix:
        return len(rest.rows[0]) != len(following.rows) if rest.rows else True
    return _is_number(rest) and _is_number(following) and ours.base in ("w", "W", "b", "theta", "x", "y")


def _is_number(node: Node) -> bool:
    if type(node) is Sum and len(node.terms) == 1:
        node = node.terms[0][1]
    return type(node) is Number


def _is_next_update(left: Node, rest: Node, last: Node, following: Node) -> bool:
    """`w = w - a dJ/dw b = b - ..`: both equations begin by repeating their left side."""
    return _base(last) is not None and _repeats(left, rest) and _repeats(last, following)


def _repeats(left: Node, right: Node) -> bool:
    return (
        type(right) is Sum
        and len(right.terms) > 1
        and right.terms[0][1] == left
        and any(type(part) is Derivative for part in walk(right))
    )
