"""`L_z = L_p p_z`: what stands below a quantity is what it is derived by, where the document says so or its chains show it."""

from __future__ import annotations

import re
from itertools import pairwise

from symderiv.homework.reading.formulas import Derivative, Name, Node, Product, Scripted, of_kind, rebuilt
from symderiv.homework.reading.plainly import to_text
from symderiv.homework.reading.statements import Document, Statement

SAID = re.compile(
    r"subscripts?\b.{0,60}\bderivative|derivatives?\b.{0,60}\bsubscript|dériv\w+.{0,60}\bindices?\b|\bindices?\b.{0,60}dériv"
    r"|Ableitung\w*.{0,60}\bInd(?:ex|izes)\b|\bInd(?:ex|izes)\b.{0,60}Ableitung|derivad\w+.{0,60}sub[íi]ndice",
    re.IGNORECASE | re.DOTALL,
)


def with_subscript_derivatives(document: Document) -> Document:
    """The document with derivatives for such names."""
    if not (any(map(_is_chain, document.statements)) or any(SAID.search(s.text) for s in document.sentences)):
        return document
    tops = {
        left.base
        for left, *rights in ([side.node for side in s.sides] for s in document.statements)
        if rights and isinstance(left, Name)
    }
    below = {id(script) for n in document.of_kind(Scripted) for s in (*n.lower, *n.upper) for script in (s.body,)}
    bare = {to_text(n) for n in (*document.of_kind(Name), *document.of_kind(Scripted)) if id(n) not in below}

    def visit(node: Node) -> Node:
        bottom, top = _below(node), _base(node)
        if bottom is not None and isinstance(top, Name) and top.base in tops and to_text(bottom) in bare:
            return Derivative(node.span, top, bottom, "partial")
        return rebuilt(node, visit)

    return document.with_sides(visit)


def _is_chain(statement: Statement) -> bool:
    """`L_z = L_p p_z`: the link is below the first factor, and is the second one."""
    left = _below(statement.sides[0].node)
    for product in (p for side in statement.sides[1:] for p in of_kind(side.node, Product)):
        for first, second in pairwise(product.factors):
            link, end = _below(first), _below(second)
            if left is not None and link is not None and end is not None and isinstance(second, Scripted):
                begins = to_text(_base(first)) == to_text(_base(statement.sides[0].node))
                if begins and to_text(link) == to_text(second.base) and to_text(end) == to_text(left) != to_text(link):
                    return True
    return False


def _base(node: Node) -> Node:
    return node.base if isinstance(node, Scripted) else node


def _below(node: Node) -> Node | None:
    """The z of `L_z`; None of anything else."""
    if not isinstance(node, Scripted) or len(node.lower) != 1 or node.upper or node.primes:
        return None
    body = node.lower[0].body
    return body if isinstance(body, Name | Scripted) and not node.lower[0].bracket else None
