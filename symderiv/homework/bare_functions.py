r"""`\sigma' = \sigma(1 - \sigma)`, `d\tanh = 1 - \tanh^2`: facts about functions whose argument nobody wrote get one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from typing import Any

from symderiv.homework.formulas import Derivative, Group, Name, Node, Product, Scripted, walk
from symderiv.homework.statements import Document, Side, Statement
from symderiv.homework.symbols import FUNCTION_BASES

NAMED = frozenset({"sigma", "tanh", "relu", "ReLU", "sigmoid"})


def with_arguments(document: Document) -> Document:
    """The document with every fact about a function alone written at an argument."""
    applied = {base for s in document.statements for base in _applications(s)}
    statements = [_pointed(s, applied) for s in document.statements]
    return document if statements == document.statements else replace(document, statements=statements)


def _applications(statement: Statement) -> Iterator[str]:
    for side in statement.sides:
        for node in walk(side.node):
            yield from (base for base in FUNCTION_BASES if _is_application(node, base))


def _pointed(statement: Statement, applied: set[str]) -> Statement:
    found = _fact(statement)
    if found is None or not (found[0] in NAMED or found[0] in applied):
        return statement
    base, argument = found
    sides = tuple(Side(_applied(side.node, base, argument), side.span) for side in statement.sides)
    return replace(statement, sides=sides)


def _fact(statement: Statement) -> tuple[str, str] | None:
    """(function, argument) if a statement is about one function that is nowhere applied in it."""
    if len(statement.sides) < 2 or statement.is_continued:
        return None
    left = statement.sides[0].node
    argument = "z"
    if isinstance(left, Scripted) and left.primes and not left.lower and not left.upper and isinstance(left.base, Name):
        base = left.base.base
    elif isinstance(left, Derivative) and isinstance(left.top, Name) and isinstance(left.bottom, Name):
        base, argument = left.top.base, left.bottom.base
        if base not in NAMED:
            return None
    else:
        return None
    if base not in FUNCTION_BASES and base not in NAMED:
        return None
    inside = [n for side in statement.sides[1:] for n in walk(side.node)]
    names = {n.base for n in inside if isinstance(n, Name)}
    bare = names == {base} and not any(_is_application(n, base) for n in inside)
    return (base, argument) if bare else None


def _is_application(node: Node, base: str) -> bool:
    """`\\sigma(z)`; `\\sigma(1 - \\sigma)` is a product."""
    if not isinstance(node, Product):
        return False
    return any(
        isinstance(a, Name) and a.base == base and isinstance(b, Group) and all(isinstance(i, Name) for i in b.items)
        for a, b in zip(node.factors, node.factors[1:], strict=False)
    )


def _applied(node: Node, base: str, argument: str) -> Node:
    """The tree with `f` and `f'` written as `f(z)` and `f'(z)`."""

    def at(function: Node) -> tuple[Node, ...]:
        end = (function.span[1], function.span[1])
        return function, Group(end, "(", (Name(end, argument),))

    def visit(part: Any) -> Any:
        if isinstance(part, Product):
            factors: list[Node] = []
            marks: list[str] = []
            for mark, factor in zip(("", *part.marks), part.factors, strict=True):
                new = visit(factor)
                pieces = new.factors if isinstance(new, Product) and _is_head(factor, base) else (new,)
                for k, piece in enumerate(pieces):
                    marks.append("" if k else mark)
                    factors.append(piece)
            return Product(part.span, tuple(factors), tuple(marks[1:]))
        if isinstance(part, Node) and _is_head(part, base):
            return Product(part.span, at(part), ("",))
        if isinstance(part, Node):
            return _rebuilt(part, visit)
        if isinstance(part, tuple):
            return tuple(visit(p) for p in part)
        return part

    result: Node = visit(node)
    return result


def _is_head(node: Node, base: str) -> bool:
    inner = node.base if isinstance(node, Scripted) and not node.lower and not node.upper else node
    return isinstance(inner, Name) and inner.base == base


def _rebuilt(node: Node, visit: Callable[[Any], Any]) -> Node:
    changes = {f.name: visit(getattr(node, f.name)) for f in fields(node) if f.name != "span"}
    return replace(node, **changes)
