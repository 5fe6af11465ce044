r"""A few samples that are counted through with numbers: `net^{(p)} = W x^{(p)}`, `x^{(1)} = (1, 2)`, `x^{(2)} = (-1, 1)`.

What holds for every p is said of each, as what holds for every layer is; so p becomes the letter that counts.
"""

from __future__ import annotations

from dataclasses import replace

from symderiv.homework.reading.formulas import BigSum, Comparison, Name, Node, Number, Scripted, rebuilt
from symderiv.homework.reading.statements import Document
from symderiv.homework.understanding.symbols import LAYER_LETTERS, name_of

SAMPLES = frozenset({"p", "i", "n", "k", "m", "s", "mu", "q"})
MOST = 4
WEIGHTS = frozenset({"w", "W", "v", "V", "u", "U", "b", "theta", "Theta"})


def with_numbered_samples(document: Document) -> Document:
    """The document with the letter of its samples as that of layers, where weights have none and sums end at a number."""
    letter = _letter_of_samples(document)
    if letter is None:
        return document

    def renamed(node: Node) -> Node:
        return replace(node, base="l") if isinstance(node, Name) and node.base == letter else node

    def visit(node: Node) -> Node:
        node = rebuilt(node, visit)
        if isinstance(node, Scripted):
            upper = tuple(replace(s, body=renamed(s.body)) if s.bracket == "(" else s for s in node.upper)
            return replace(node, upper=upper)
        if isinstance(node, BigSum) and node.letters == [letter]:
            start = node.start
            if isinstance(start, Comparison):
                start = replace(start, left=renamed(start.left))
            return replace(node, indices=tuple(renamed(i) for i in node.indices), start=start)
        return node

    return replace(document.with_sides(visit), counts_samples=letter)


def _letter_of_samples(document: Document) -> str | None:
    marked: dict[str, set[str]] = {}  # what stands in brackets above which names
    for node in document.of_kind(Scripted):
        name = name_of(node)
        for script in node.upper if name is not None else ():
            if script.bracket == "(" and isinstance(script.body, (Name, Number)):
                mark = script.body.base if isinstance(script.body, Name) else script.body.text
                marked.setdefault(mark, set()).add(name.base if name is not None else "")
    if LAYER_LETTERS & set(marked) or WEIGHTS & set().union(*marked.values()) or not {"1", "2"} <= set(marked):
        return None
    ends = {x: n.end for n in document.of_kind(BigSum) for x in n.letters}
    for letter in sorted(SAMPLES & set(marked)):
        end = ends.get(letter)
        is_few = isinstance(end, Number) and 2 <= end.value <= MOST
        if is_few and len(marked[letter]) > 1 and marked[letter] & marked["1"]:
            return letter
    return None
