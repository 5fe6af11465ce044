r"""`\Theta(A)`, where words call Theta the Heaviside function: the slope of a ReLU."""

from __future__ import annotations

import re
from fractions import Fraction

from symderiv.homework.reading.formulas import (
    Call,
    Comparison,
    Group,
    Name,
    Node,
    Number,
    Product,
    rebuilt,
    with_factors_joined,
)
from symderiv.homework.reading.statements import Document
from symderiv.homework.understanding.symbols import name_of

_WORDS = r"(?:Heaviside|unit step|step function|Stufenfunktion|Sprungfunktion|escal[oó]n|[ée]chelon)"
_SAID = re.compile(
    rf"{_WORDS}[^.\n$]{{0,40}}\$\\?([A-Za-z]+)\b|\$\\?([A-Za-z]+)(?:\([^$]*\))?\$[^.\n$]{{0,30}}{_WORDS}", re.IGNORECASE
)


def with_step_functions(document: Document) -> Document:
    r"""The document with `1[A > 0]` for `\Theta(A)`."""
    letters = {letter for said in _SAID.finditer(document.text) for letter in said.groups() if letter}
    letters -= {name.base for s in document.statements if len(s.sides) > 1 and (name := name_of(s.sides[0].node))}

    def visit(node: Node) -> Node:
        node = rebuilt(node, visit)
        if not isinstance(node, Product):
            return node
        factors = node.factors
        return with_factors_joined(node, lambda at: _step(factors[at], factors[at + 1], letters))

    return document.with_sides(visit) if letters else document


def _step(head: Node, group: Node, letters: set[str]) -> Node | None:
    match head, group:
        case Name(span, letter), Group(_, "(", (argument,)) if letter in letters:
            positive = Comparison(argument.span, argument, ">", Number(argument.span, "0", Fraction(0)))
            return Call((span[0], group.span[1]), Name(span, "indicator"), (positive,))
    return None
