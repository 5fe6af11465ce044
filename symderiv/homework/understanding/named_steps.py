"""`dw_ji = lrate * delta_j * a_i`: a step that is called as derivatives are; the rate in it tells."""

from __future__ import annotations

from dataclasses import replace

from symderiv.homework.reading.formulas import Derivative, Name, Node, Product, Scripted, Sum, rebuilt
from symderiv.homework.reading.statements import Document
from symderiv.homework.understanding.symbols import name_of

RATES = frozenset({"eta", "lr", "lrate", "rate", "mu", "alpha", "epsilon", "learning_rate"})
STEPPED = frozenset({"dw", "dW", "db", "dv", "dV", "dtheta"})


def with_named_steps(document: Document) -> Document:
    """The document with `Delta w` for such a `dw`."""
    named = {
        name.base
        for s in document.statements
        if (name := _stepped(s.sides[0].node)) is not None and any(_has_rate(x.node) for x in s.sides[1:])
    }
    if not named:
        return document

    def visit(node: Node) -> Node:
        name = _stepped(node)
        if name is None or name.base not in named:
            return rebuilt(node, visit)
        bare = replace(name, base=name.base[1:])
        stepped = replace(node, base=bare) if isinstance(node, Scripted) else bare
        return Product(node.span, (Name(name.span, "Delta"), stepped), ("",))

    return document.with_sides(visit)


def _stepped(node: Node) -> Name | None:
    name = name_of(node) if isinstance(node, (Name, Scripted)) else None
    return name if name is not None and name.base in STEPPED and not name.accents else None


def _has_rate(node: Node) -> bool:
    """Whether it is a product with a rate first, and more than a derivative with it."""
    term = node.terms[0][1] if isinstance(node, Sum) and len(node.terms) == 1 else node
    if not isinstance(term, Product):
        return False
    first = name_of(term.factors[0])
    return first is not None and first.base in RATES and not any(isinstance(n, Derivative) for n in term.factors)
