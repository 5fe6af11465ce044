"""Tables: what their rows say a quantity is: values or shapes beside names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from symderiv.homework.reading import formulas as f
from symderiv.homework.reading.reader import read
from symderiv.homework.reading.statements import Row, Side, Statement
from symderiv.homework.reading.tokens import GREEK
from symderiv.homework.understanding.draft import Draft
from symderiv.homework.understanding.elaboration import NotUnderstood
from symderiv.homework.understanding.given_values import is_rate
from symderiv.homework.understanding.literals import literal
from symderiv.homework.understanding.stated_shapes import sizes_in
from symderiv.homework.understanding.symbols import LayerOpen
from symderiv.homework.understanding.terms import Term

NAME_WORDS = r"^(?:node|variable|name|quantity|param\w*|symbol|weight|var\.?|unit|edge|gate|Knoten|Variable)$"
VALUE_WORDS = r"^(?:value|data|forward|forward value|val\.?|initial value|activation|result|Wert)$"
SHAPE_WORDS = r"^(?:shape|size|dimensions?|dims?|Form|Größe|tamaño|dimensión|taille)$"
GRADIENT_WORDS = r"^(?:grad|gradient|grad\.|derivative|backward|backward value|local gradient|Gradient)$"


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell with one number, and what its column is."""

    statement: Statement
    side: Side
    heading: str
    column: int


def take_values(draft: Draft) -> Iterator[tuple[str, Term, int, int]]:
    """(quantity, value, statement, line) of tables that give the value of a name."""
    for rows in tables_of(draft.document.rows):
        if len(rows) == 1:
            yield from _under_names(draft, rows[0])
    for row in draft.document.rows:
        named = named_cell(row)
        if named is None or len(named.sides) != 1:
            continue
        for cell in cells_of(row):
            if re.match(VALUE_WORDS, cell.heading, re.IGNORECASE):
                try:
                    reference = draft.plain(named.sides[0].node)
                    term = draft.elaborator.term(cell.side.node)
                except (NotUnderstood, LayerOpen):
                    continue
                if reference is not None and not reference.indices:
                    yield reference.key, term, place_of(draft, row), row.line


def _under_names(draft: Draft, row: Row) -> Iterator[tuple[str, Term, int, int]]:
    """The values of a lone row under the names `w_1`, `x_1`, `t`: all its headings are names."""
    found = []
    for heading, cell in zip(row.headings, row.cells, strict=False):
        node = heading_of(heading.strip())
        try:
            reference = draft.plain(node) if isinstance(node, (f.Name, f.Scripted)) else None
        except LayerOpen:
            return
        if reference is None or reference.indices or len(cell) != 1 or literal(cell[0].sides[0].node) is None:
            return
        found.append((reference.key, draft.elaborator.term(cell[0].sides[0].node), place_of(draft, row), row.line))
    if len(found) > 1 and all(key in draft.used or is_rate(key) for key, *_ in found):
        yield from found


def shape_rows(rows: Sequence[Row]) -> Iterator[tuple[f.Node, tuple[str, ...]]]:
    """(name, sizes) of tables that give the shape of a name."""
    for row in rows:
        places = [k for k, h in enumerate(row.headings) if re.match(SHAPE_WORDS, h.strip(), re.IGNORECASE)]
        cells = row.cells
        if len(places) != 1 or len(cells) <= places[0] or len(cells[0]) != 1 or len(cells[places[0]]) != 1:
            continue
        name, shape = cells[0][0].sides, cells[places[0]][0].sides
        sizes = sizes_in(shape[0].node) if len(name) == len(shape) == 1 else None
        if sizes is not None and len(sizes) == 2:
            yield name[0].node, sizes


def tables_of(rows: Sequence[Row]) -> Iterator[list[Row]]:
    """Rows that stand below each other under the same headings."""
    table: list[Row] = []
    for row in rows:
        if table and (row.headings != table[0].headings or row.line != table[-1].line + 1):
            yield table
            table = []
        table.append(row)
    if table:
        yield table


def place_of(draft: Draft, row: Row) -> int:
    """The statement before which it stands, or that stands in it."""
    before = [n for n, s in enumerate(draft.document.statements) if s.span[0] < end_of(row)]
    return before[-1] if before else 0


def end_of(row: Row) -> float:
    """Where its last formula ends."""
    return max((s.span[1] for cell in row.cells for s in cell), default=0)


def named_cell(row: Row) -> Statement | None:
    """The cell of the name, where the heading or its place says so."""
    for column, (heading, cell) in enumerate(zip(row.headings, row.cells, strict=False)):
        is_named = re.match(NAME_WORDS, heading.strip(), re.IGNORECASE) or (column == 0 and any(
            re.match(VALUE_WORDS + "|" + GRADIENT_WORDS, h.strip(), re.IGNORECASE) for h in row.headings[1:]
        ))  # fmt: skip
        if is_named and len(cell) == 1 and isinstance(cell[0].sides[0].node, (f.Name, f.Scripted)):
            return cell[0]
    return None


def cells_of(row: Row) -> Iterator[Cell]:
    """Its cells with one number."""
    for column, (heading, cell) in enumerate(zip(row.headings, row.cells, strict=False)):
        if (
            len(cell) == 1
            and len(cell[0].sides) == 1
            and not cell[0].relations
            and literal(cell[0].sides[0].node) is not None
        ):
            yield Cell(cell[0], cell[0].sides[0], heading.strip(), column)


def heading_of(text: str) -> f.Node | None:
    """The formula of a heading."""
    if not text or len(text) > 40:
        return None
    text = text if "$" in text or "`" in text else rf"$\{text}$" if text in GREEK else f"`{text}`"
    statements = read(text).statements
    if len(statements) != 1 or len(statements[0].sides) != 1:
        return None
    node = statements[0].sides[0].node
    return node if isinstance(node, (f.Name, f.Scripted, f.Derivative, f.Sum, f.Product)) else None


def mentions(node: f.Node, letter: str) -> bool:
    """Whether a letter stands as an index in a heading."""
    scripts = [s for n in f.walk(node) if isinstance(n, f.Scripted) for s in (*n.lower, *n.upper)]
    return any(isinstance(s.body, f.Name) and s.body.base == letter for s in scripts)
