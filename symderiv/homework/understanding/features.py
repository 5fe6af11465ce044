"""The bias as first feature: a tilde for a 1 put before a quantity, and what is counted from 0 then."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from symderiv.homework.marking import Assumption
from symderiv.homework.reading import formulas as f
from symderiv.homework.understanding.draft import Draft
from symderiv.homework.understanding.elaboration import is_list, lying
from symderiv.homework.understanding.key_names import shown_name
from symderiv.homework.understanding.symbols import LayerOpen, trees_of
from symderiv.homework.understanding.terms import (
    Augmented,
    Part,
    Rest,
    Sloppy,
    Term,
    Transpose,
    everything_in,
    references_in,
)
from symderiv.homework.understanding.understanding import Definition

TILDE = "^tilde"


def find_features(draft: Draft) -> None:
    r"""`\tilde x` that nothing defines, in a product in place of the x that is given or defined: x with a 1 put first."""
    defined = {d.key for d in draft.definitions}
    used = [r for d in draft.definitions for r in references_in(d.term)]
    plain = {r.key for r in used}
    known = {*defined, *draft.used, *(n.key for n in draft.numbers), *_named_in_tables(draft)}
    for key in sorted({r.key for r in used if TILDE in r.key} - defined):
        body = draft.symbols.canonical(key.replace(TILDE, ""))
        if body in plain or body not in known:
            continue
        at = next(d.at for d in draft.definitions if key in {r.key for r in references_in(d.term)})
        line = draft.document.statements[at].line
        along = "columns" if any(_stands_first(d.term, key) for d in draft.definitions) else "rows"
        draft.definitions.append(Definition(key, Augmented(Part(body, ()), along), at, line))
        draft.assumptions.append(
            Assumption(
                f"{shown_name(key)} is {shown_name(body)} with a 1 put first", "nothing else says what it is", line
            )
        )


def lay_lists(draft: Draft) -> None:
    """`K = [1, H]` with `P = K B`: what stands before the weights has its parts side by side."""
    for place, definition in enumerate(draft.definitions):
        sides = draft.document.statements[definition.at].sides
        before = Part(definition.key, ())
        if any(is_list(side.node) for side in sides[1:]) and any(
            p.factors[0] == before for d in draft.definitions for p in everything_in(d.term) if isinstance(p, Sloppy)
        ):
            draft.definitions[place] = replace(definition, term=lying(definition.term))


IS = re.compile(
    r"[\s$\\)]*(?:is|be|denotes?|for|means)\s+(?:the\s+)?(?:matrix\s+|part\s+of\s+)?[\s$]*(?:\\\()?(?P<plain>[A-Z](?=\s))?",
    re.IGNORECASE,
)
WITHOUT = re.compile(
    r"[\s$\\)]*without\s+(?:its|the|that|this)?\s*(?:first|leading|bias|zeroth)?\s*(column|row|entry)", re.IGNORECASE
)


def find_parts(draft: Draft) -> None:
    r"""`\bar V` is V without its first column: what the words say."""
    statements, text = draft.document.statements, draft.document.text
    for at, first in enumerate(statements):
        link = IS.match(text, first.span[1])
        second = next(
            (s for s in statements[at + 1 : at + 2] if link and s.span[0] == link.end() and len(s.sides) == 1), None
        )
        if link is None or len(first.sides) != 1 or (second is None and not link["plain"]):
            continue
        said = WITHOUT.match(text, link.end() if second is None else second.span[1])
        part = draft.closed(first.sides[0].node)
        named = None if second is None else draft.closed(second.sides[0].node)
        whole = draft.symbols.canonical(named.key if named is not None else link["plain"] or "")
        if said is None or part is None or not whole or part.key == whole:
            continue
        along = "columns" if said[1].lower() == "column" else "rows"
        draft.definitions.append(Definition(part.key, Rest(Part(whole, ()), along), at, first.line))
        draft.assumptions.append(
            Assumption(
                f"{shown_name(part.key)} is {shown_name(whole)} without its first {said[1].lower()}",
                "its words say so",
                first.line,
            )
        )


def _named_in_tables(draft: Draft) -> set[str]:
    """Quantities that have a row of their own in a table."""
    cells = [row.cells[0][0] for row in draft.document.rows if row.cells and len(row.cells[0]) == 1]
    names = [draft.plain(cell.sides[0].node) for cell in cells if len(cell.sides) == 1]
    return {draft.symbols.canonical(name.key) for name in names if name is not None}


def _stands_first(term: Term, key: str) -> bool:
    """`\\tilde X W`: the weights stand behind, so units are columns."""
    products = [p for p in everything_in(term) if isinstance(p, Sloppy) and len(p.factors) > 1]
    return any(p.factors[0] in (Part(key, ()), Transpose(Part(key, ()))) for p in products)


def counted_from_zero(draft: Draft) -> tuple[set[str], set[str]]:
    """The quantities whose rows, and those whose columns, are counted from 0: with a bias first, where a 0 is written."""
    rows, columns = _with_bias(draft.definitions)
    if not (rows | columns) & set(_indexed_by_zero(draft)):
        return set(), set()
    return rows, columns


def _with_bias(definitions: Iterable[Definition]) -> tuple[set[str], set[str]]:
    """What has a 1 put first, and the weights that meet it, by the axis."""
    rows: set[str] = set()
    columns: set[str] = set()
    longer = {
        d.key: whole for d in definitions if isinstance(whole := _upright(d.term), Augmented) and not whole.is_last
    }
    for key, term in longer.items():
        (rows if term.along == "rows" else columns).add(key)
    for product in (p for d in definitions for p in everything_in(d.term) if isinstance(p, Sloppy)):
        first, second = product.factors[:2]
        for weight, other, stands_first in ((first, second, True), (second, first, False)):
            met = _key_of(weight)
            if met is not None and _has_one(other, longer):
                meets_rows = stands_first == isinstance(weight, Transpose)
                if isinstance(weight, Part) and isinstance(other, Part) and weight.indices and other.indices:
                    meets_rows = weight.indices[0] in other.indices  # entry by entry it is the common index that tells
                (rows if meets_rows else columns).add(met)
    return rows, columns


def _upright(term: Term) -> Term:
    """`(1, x^T)^T` is x with a 1 on top."""
    match term:
        case Transpose(Augmented(Transpose(body), along, is_last)):
            return Augmented(body, "rows" if along == "columns" else "columns", is_last)
    return term


def _has_one(term: Term, longer: dict[str, Augmented]) -> bool:
    term = term.body if isinstance(term, Transpose) else term
    return (isinstance(term, Augmented) and not term.is_last) or (isinstance(term, Part) and term.key in longer)


def _key_of(term: Term) -> str | None:
    term = term.body if isinstance(term, Transpose) else term
    return term.key if isinstance(term, Part) else None


def _indexed_by_zero(draft: Draft) -> Iterator[str]:
    r"""Quantities with an index 0, or with a letter that is summed from 0."""
    from_zero = {
        x
        for tree in trees_of(draft.document)
        for n in f.of_kind(tree, f.BigSum)
        if isinstance(n.start, f.Number) and n.start.value == 0
        for x in n.letters
    }
    for tree in trees_of(draft.document):
        for node in f.of_kind(tree, f.Scripted):
            if not node.lower:
                continue
            try:
                reference = draft.elaborator.reference(node)
            except LayerOpen:
                continue
            if reference is not None and {0, *from_zero} & set(reference.indices):
                yield draft.symbols.canonical(reference.key)
            elif reference is not None and reference.mark == "0":
                yield reference.key.removesuffix("[0]")  # `v_0` of a v that is no layer's
