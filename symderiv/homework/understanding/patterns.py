r"""The pattern as an index of everything, `net_{pj} = \sum_i w_{ji} o_{pi}`: where no sum runs over p, it is always the same one."""

from __future__ import annotations

from dataclasses import replace

from symderiv.homework.reading.formulas import BigSum, Name, Node, Script, Scripted, rebuilt
from symderiv.homework.reading.statements import Document
from symderiv.homework.understanding.symbols import COUNTING, LOSS_BASES, name_of

WEIGHTS = frozenset({"w", "W", "v", "V", "u", "U"})
FEWEST = 2  # names with the pattern below


def without_patterns(document: Document) -> Document:
    r"""`net_{pj}`, `o_{pj}`, `\delta_{pj}` without their p, where other letters tell the layers; the loss E_p keeps it."""
    pattern = _pattern(document)
    if pattern is None:
        return document

    def visit(node: Node) -> Node:
        node = rebuilt(node, visit)
        if not isinstance(node, Scripted) or not isinstance(node.base, Name):
            return node
        letters = _letters(node)
        if letters[:1] == [pattern] and (len(letters) > 1 or node.base.base == "Delta"):
            lower = node.lower[1:]
            return replace(node, lower=lower) if lower or node.upper or node.primes else node.base
        return node

    return document.with_sides(visit)


def _pattern(document: Document) -> str | None:
    """The letter that stands first below the quantities of units, and alone below the loss."""
    losses: set[str] = set()
    first: dict[str, set[str]] = {}  # by letter: the names it stands first below
    for node in document.of_kind(Scripted):
        letters = _letters(node)
        base = node.base.base if isinstance(node.base, Name) else ""
        if len(letters) == 1 and base in LOSS_BASES:
            losses |= {*letters}
        elif len(letters) == 2 and not node.upper:
            first.setdefault(letters[0], set()).add(base)
    summed = {
        x
        for n in document.of_kind(BigSum)
        for x in n.letters
        if not (isinstance(n.body, Scripted) and _letters(n.body) == [x])
    }
    defined: dict[tuple[str, str], set[str]] = {}  # by letter and name: the units it has a formula for
    for statement in document.statements:
        left = statement.sides[0].node
        letters = _letters(left) if len(statement.sides) > 1 and isinstance(left, Scripted) and not left.upper else []
        if len(letters) == 2 and (name := name_of(left)) is not None:
            defined.setdefault((letters[0], name.base), set()).add(letters[1])
    for letter in sorted(losses & set(first) & COUNTING - summed):
        in_layers = any(len(units) > 1 for (own, _), units in defined.items() if own == letter)
        if in_layers and len(first[letter]) >= FEWEST and not WEIGHTS & first[letter]:
            return letter
    return None


def _letters(node: Scripted) -> list[str]:
    """The letters below, if nothing else is."""
    found = [s.body.base for s in node.lower if isinstance(s, Script) and isinstance(s.body, Name)]
    return found if len(found) == len(node.lower) and all(len(x) == 1 for x in found) else []
