r"""A unit that is always 1, `a_0^{(2)} = 1`, with the bias as column 0 of the weights: where a line is about that column.

The formulas leave the unit to words, so for all other columns it is as if there were no bias. Where `\Theta_{i0}` stands, each
weighted sum gets it as a bias of its own.
"""

from __future__ import annotations

import re
from dataclasses import replace
from fractions import Fraction

from symderiv.homework.reading.formulas import Name, Node, Number, Product, Script, Scripted, Sum
from symderiv.homework.reading.statements import Document, Side, Statement
from symderiv.homework.understanding.symbols import name_of

BIAS_UNIT = r"_\{?0\}?(?:\^[^=\n]{1,8})?\s*=\s*1\b|\bbias[ -](?:unit|neuron|node)"  # `a_0^{(2)} = 1`
BIAS_COLUMN = r"\bbias[ -](?:column|weight|term)|\bcolumn 0\b"


def with_bias_units(document: Document) -> Document:
    r"""`z^{(2)} = \Theta^{(1)} a^{(1)}` with `\Theta_0^{(1)}` added."""
    weights = {name.base for n in document.of_kind(Scripted) if _is_of_column(n) and (name := name_of(n)) is not None}
    if not weights or not re.search(f"{BIAS_COLUMN}|{BIAS_UNIT}", document.text, re.IGNORECASE):
        return document
    statements = [_with_bias(s, weights) for s in document.statements]
    return document if statements == document.statements else replace(document, statements=statements)


def _is_of_column(node: Scripted) -> bool:
    r"""`\Theta_{i0}^{(2)}`."""
    below = [x for s in node.lower for x in (s.body.factors if isinstance(s.body, Product) else (s.body,))]
    is_pair = len(below) == 2 and isinstance(below[0], Name) and isinstance(below[1], Number) and below[1].text == "0"
    return is_pair and bool(node.upper) and isinstance(node.base, Name) and node.base.base != "Delta"


def _with_bias(statement: Statement, weights: set[str]) -> Statement:
    if len(statement.sides) < 2 or name_of(statement.sides[0].node) is None:
        return statement
    left, side, *others = statement.sides
    product = side.node
    if not isinstance(product, Product) or len(product.factors) != 2 or product.marks[0] not in ("", "cdot", "*", "@"):
        return statement
    first = product.factors[0]
    is_weighted = isinstance(first, Scripted) and isinstance(first.base, Name) and first.base.base in weights
    if not is_weighted or not isinstance(first, Scripted) or first.lower or name_of(product.factors[1]) is None:
        return statement
    bias = replace(first, lower=(Script(first.span, Number(first.span, "0", Fraction(0))),))
    total: Node = Sum(product.span, ((1, product), (1, bias)))
    return replace(statement, sides=(left, Side(total, side.span), *others))
