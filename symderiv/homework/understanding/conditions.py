r"""`If $i \neq j$:` before a formula, `(i = j)` behind one: for which indices it is meant."""

from __future__ import annotations

import re
from dataclasses import dataclass

from symderiv.homework.reading.formulas import Ellipsis, Group, Name, Number, Product
from symderiv.homework.reading.statements import Document, Statement

WORDS = re.compile(
    r"\b(?:if|for|when|where|case|wenn|falls|für|fall|si|cuando|para|caso|pour|quand|cas|se|quando)\b", re.IGNORECASE
)
WRITTEN = re.compile(r"(?<![\w^_{])([a-z])\s*(!=|=)\s*([a-z])(?![\w^_{(])")
NEAR = 160  # characters between a condition and the formula it is about


@dataclass(frozen=True, slots=True)
class Condition:
    """Two index letters that agree or differ."""

    left: str
    agree: bool
    right: str


def is_condition(statement: Statement, indices: frozenset[str]) -> Condition | None:
    r"""`i \neq j` or `i = j` as a statement of its own."""
    if len(statement.sides) != 2 or statement.is_continued or statement.relations[0] not in ("=", "!="):
        return None
    one, two = (side.node for side in statement.sides)
    if not (isinstance(one, Name) and isinstance(two, Name)) or not {one.base, two.base} <= indices:
        return None
    return Condition(one.base, statement.relations[0] == "=", two.base)


def is_range(statement: Statement, letters: frozenset[str]) -> bool:
    r"""`i = 1, \dots, D`; `l = 1, 2, 3` of a letter that counts layers, times or entries."""
    head, last = statement.sides[0].node, statement.sides[-1].node
    parts = (
        last.items
        if isinstance(last, Group)
        else last.factors
        if isinstance(last, Product) and isinstance(last.factors[0], Number)
        else ()
    )
    is_list = any(isinstance(node, Ellipsis) for node in parts)
    if not is_list and isinstance(last, Group) and isinstance(head, Name):
        is_list = head.base in letters and len(last.items) > 1 and all(isinstance(x, Number) for x in last.items)
    return (
        len(statement.sides) == 2 and isinstance(head, Name) and len(head.base) == 1 and head.base.islower() and is_list
    )


def condition_of(document: Document, at: int, indices: frozenset[str]) -> Condition | None:
    """What a statement is said to hold for: behind it, or just before the formula that it goes on from."""
    own = _written(document.statements[at].tail, indices)
    if own is not None:
        return own
    while at > 0 and document.statements[at].is_continued:
        at -= 1
    found = _written(document.statements[at].tail, indices) or _written(document.statements[at].lead, indices)
    if found is not None or at == 0:
        return found
    start = document.statements[at].span[0]
    for before in reversed(document.statements[:at]):  # names that are only mentioned may stand between
        if start - before.span[1] > NEAR or (len(before.sides) > 1 and is_condition(before, indices) is None):
            return None
        condition = is_condition(before, indices)
        if condition is not None:
            return condition if WORDS.search(before.lead) else None
    return None


def _written(text: str, indices: frozenset[str]) -> Condition | None:
    match = WRITTEN.search(text)
    if match is None or not {match[1], match[3]} <= indices:
        return None
    return Condition(match[1], match[2] == "=", match[3])
