r"""The samples that a document gives all at once: columns or rows of a table, lists `x_i = 1, 2, 4`, points `(1, 2), (2, 3)`."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction

from symderiv.homework.reading import formulas as f
from symderiv.homework.reading.statements import Row, Statement
from symderiv.homework.understanding.draft import Draft
from symderiv.homework.understanding.given_values import DATUM_BASES
from symderiv.homework.understanding.literals import literal
from symderiv.homework.understanding.symbols import Reference
from symderiv.homework.understanding.tables import heading_of, mentions, place_of, tables_of
from symderiv.homework.understanding.terms import Const, Stack, Term

NUMBER = r"[-+\u2212]?\d*\.?\d+"
POINT = rf"\(\s*({NUMBER})\s*,\s*({NUMBER})\s*\)"
BETWEEN = r"(?:[\s,;$&]|\\[,;]|\\q?quad|and|und|et|y|e|^[-*] )*"
POINTS = re.compile(rf"{POINT}(?:{BETWEEN}{POINT})+", re.MULTILINE)
POINT_WORDS = r"(?:points?|data|samples?|pairs?|examples?|observations?|Punkte|Daten\w*|Beispiele|puntos|datos|données|punti|dati)\b"
NAME_OF_EACH = r"([A-Za-z](?:_\{?\w\}?|\^\{?\(\w\)\}?)?)"
NAMES = re.compile(rf"\(\s*{NAME_OF_EACH}\s*,\s*{NAME_OF_EACH}\s*\)")
BEFORE = 60  # so many characters before the points tell what they are


def take_samples(draft: Draft) -> Iterator[tuple[str, Term, int, int]]:
    """(quantity, its values as a column, statement, line) of what has a value for each sample."""
    for rows in tables_of(draft.document.rows):
        yield from _in_columns(draft, rows)
        yield from _in_rows(draft, rows)
    yield from _in_lists(draft)
    yield from _in_points(draft)


def _in_columns(draft: Draft, rows: Sequence[Row]) -> Iterator[tuple[str, Term, int, int]]:
    """A sample in each row: the columns `x_i` and `y_i`."""
    for column, heading in enumerate(rows[0].headings):
        cells = [row.cells[column] if column < len(row.cells) else () for row in rows]
        yield from _values(draft, heading_of(heading.strip()), [_number_in(cell) for cell in cells], rows[0])


def _in_rows(draft: Draft, rows: Sequence[Row]) -> Iterator[tuple[str, Term, int, int]]:
    """A sample in each column: a row begins with `x_i`; the headings may be such a row."""
    first, *others = rows[0].headings or ("",)
    yield from _values(draft, heading_of(first.strip()), [_number(h) for h in others], rows[0])
    for row in rows:
        if row.cells and len(row.cells[0]) == 1:
            yield from _values(draft, row.cells[0][0].sides[0].node, [_number_in(c) for c in row.cells[1:]], row)


def _number_in(cell: Sequence[Statement]) -> Term | None:
    """The number of a cell."""
    is_one = len(cell) == 1 and len(cell[0].sides) == 1
    return _entry(cell[0].sides[0].node) if is_one else None


def _entry(node: f.Node) -> Term | None:
    found = literal(node)
    return Const(Fraction(str(float(found[0].item())))) if found is not None and found[0].size == 1 else None


def _number(text: str) -> Term | None:
    """The number that a heading is."""
    bare = text.strip(" $`").replace("\u2212", "-")
    return Const(Fraction(bare)) if re.fullmatch(NUMBER, bare) else None


def _values(
    draft: Draft, name: f.Node | None, numbers: Sequence[Term | None], row: Row
) -> Iterator[tuple[str, Term, int, int]]:
    """The values of what a name says, where its row or column is full of numbers."""
    entries = [n for n in numbers if n is not None]
    reference = _sampled(draft, name) if name is not None and len(entries) == len(numbers) > 1 else None
    if reference is not None:
        yield reference.key, _column(entries), place_of(draft, row), row.line


def _column(entries: Iterable[Term]) -> Stack:
    return Stack(tuple((e,) for e in entries))


def _in_lists(draft: Draft) -> Iterator[tuple[str, Term, int, int]]:
    """`x_i = 1, 2, 4`, `x_i: 1, 2, 4`: the values one after the other."""
    for at, statement in enumerate(draft.document.statements):
        values = statement.sides[-1].node
        if (
            len(statement.sides) != 2
            or statement.relations[0] not in ("=", ":", "in")
            or not isinstance(values, f.Group)
        ):
            continue
        numbers = [_entry(item) for item in values.items]
        entries = [n for n in numbers if n is not None]
        name = statement.sides[0].node
        if len(entries) < max(2, len(numbers)) or not isinstance(name, f.Scripted):
            continue  # a list for a bare x is a vector, which is read as it is
        reference = _sampled(draft, name)
        if reference is not None and any(isinstance(i, str) for i in reference.indices):
            yield reference.key, _column(entries), at, statement.line


def _in_points(draft: Draft) -> Iterator[tuple[str, Term, int, int]]:
    """`(x_i, y_i)`: (1, 2), (2, 3); 'the points (1, 2) and (2, 3)'."""
    text = draft.document.text
    starts = [s.span[0] for s in draft.document.statements]
    for run in POINTS.finditer(text):
        before = text[max(run.start() - BEFORE, 0) : run.start()]
        names = NAMES.findall(before)
        if not names and not before.endswith("{") and not re.search(POINT_WORDS, before, re.IGNORECASE):
            continue
        pairs = names[-1:] or [("x", "y"), ("x", "t")]
        found = [[_sampled(draft, node) for name in pair if (node := heading_of(name)) is not None] for pair in pairs]
        references = next((pair for pair in found if len(pair) == 2 and None not in pair), None)
        if references is None:
            continue
        at = max(bisect_left(starts, run.end()) - 1, 0)
        for reference, values in zip(references, zip(*re.findall(POINT, run.group()), strict=True), strict=True):
            entries = [n for value in values if (n := _number(value)) is not None]
            if reference is not None:
                yield reference.key, _column(entries), at, text.count("\n", 0, run.start()) + 1


def _sampled(draft: Draft, name: f.Node) -> Reference | None:
    """The quantity of a name if it has one value for each sample: an index is a letter, here or elsewhere in the document."""
    reference = draft.closed(name)
    if reference is None or any(isinstance(i, int) for i in reference.indices):
        return None
    letters = draft.symbols.indices
    if any(mentions(name, letter) for letter in letters):
        return reference
    elsewhere = (n for n in draft.document.of_kind(f.Scripted) if any(mentions(n, letter) for letter in letters))
    is_datum = reference.base in DATUM_BASES
    found = (draft.closed(n) for n in elsewhere) if is_datum else ()
    return reference if any(r is not None and r.key == reference.key for r in found) else None
