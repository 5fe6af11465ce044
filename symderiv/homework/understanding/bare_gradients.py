r"""`\nabla_W = \nabla_Z^T X`: gradients written without their loss, so that what stands behind one is a factor.

So it is behind a D that has a formula, `D_l = \mathrm{diag}(..)`, which is no sign of a derivative.
"""

from __future__ import annotations

from dataclasses import replace

from symderiv.homework.reading.formulas import (
    Derivative,
    Name,
    Node,
    Product,
    Script,
    Scripted,
    Transposed,
    rebuilt,
    with_factors_opened,
)
from symderiv.homework.reading.plainly import to_text
from symderiv.homework.reading.statements import Document
from symderiv.homework.understanding.symbols import LOSS_BASES, name_of


def with_bare_gradients(document: Document) -> Document:
    r"""`\nabla_H^T X`, where `\nabla_W = ..` stands without a loss: that gradient times X, and not one of X."""
    gradients = [n for n in document.of_kind(Derivative) if n.style == "nabla"]
    lefts = [s.sides[0].node for s in document.statements if len(s.sides) > 1]
    is_bare = any(isinstance(n, Derivative) and n.style == "nabla" and n.top is None for n in lefts)
    tops = {name.base for n in gradients if n.top is not None and (name := name_of(n.top)) is not None}
    if not is_bare or tops & set(LOSS_BASES):
        return document

    def cut(node: Node) -> tuple[Node, Node] | None:
        match node:
            case Derivative(_, top, _, "nabla") if top is not None:
                return replace(node, top=None), top
            case Transposed(_, Derivative() as body) if (pair := cut(body)) is not None:
                return replace(node, body=pair[0]), pair[1]
        return None

    def opened(node: Node) -> Product | None:
        pair = cut(node)
        return None if pair is None else Product(node.span, (pair[0], visit(pair[1])), ("",))

    def visit(node: Node) -> Node:
        if isinstance(node, Product):
            node = with_factors_opened(node, opened)
        return opened(node) or rebuilt(node, visit)

    return document.with_sides(visit)


def with_transposed_gradients(document: Document) -> Document:
    r"""`\frac{\partial}{\partial Z} J.T` as the derivative transposed: a loss is a number."""

    def visit(node: Node) -> Node:
        node = rebuilt(node, visit)
        match node:
            case Derivative(span, Transposed(_, Name(_, base) as loss)) if base in LOSS_BASES:
                return Transposed(span, replace(node, top=loss))
            case Derivative(_, Product(_, (Transposed(_, Name(_, base) as loss), *others), _) as top) if (
                base in LOSS_BASES
            ):
                gradient = Transposed(node.span, replace(node, top=loss))
                return replace(top, factors=(gradient, *others))
        return node

    return document.with_sides(visit)


def with_matrices_d(document: Document) -> Document:
    r"""`D_l W_l`, where `D_l = \mathrm{diag}(..)` says what D_l is: a product."""
    lefts = [s.sides[0].node for s in document.statements if len(s.sides) > 1]
    named = {to_text(x.lower[0].body) for x in lefts if isinstance(x, Scripted) and _is_d(x.base) and len(x.lower) == 1}
    if not named:
        return document

    def visit(node: Node) -> Node:
        node = rebuilt(node, visit)
        match node:
            case Derivative(span, top, bottom, "D") if top is not None and to_text(bottom) in named:
                name = Name((span[0], span[0] + 1), "D")
                return Product(
                    span, (Scripted((span[0], bottom.span[1]), name, (Script(bottom.span, bottom),)), top), ("",)
                )
        return node

    def joined(node: Node) -> Node:
        """Without products as factors of products."""
        node = rebuilt(node, joined)
        return with_factors_opened(node, _begun_with_d) if isinstance(node, Product) else node

    return document.with_sides(lambda node: joined(visit(node)))


def _is_d(node: Node) -> bool:
    return isinstance(node, Name) and node.base == "D" and not node.accents


def _begun_with_d(node: Node) -> Product | None:
    is_one = isinstance(node, Product) and isinstance(node.factors[0], Scripted) and _is_d(node.factors[0].base)
    return node if isinstance(node, Product) and is_one else None
