"""Rows of tables: a node with its value and gradient, quantities by time, or a sample a row; each cell with a number is a claim."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from symderiv.homework import formulas as f
from symderiv.homework.arithmetic import Array
from symderiv.homework.elaboration import NotUnderstood
from symderiv.homework.literals import agrees, literal
from symderiv.homework.number_claims import shown
from symderiv.homework.reader import read
from symderiv.homework.statements import Row, Side, Statement
from symderiv.homework.symbols import LayerOpen
from symderiv.homework.terms import Jacobian, Part, Ref, Stack, Term, mapped, parts_of, references_in
from symderiv.homework.verdicts import Subject, Verdict
from symderiv.homework.worlds import Point, World

if TYPE_CHECKING:
    from symderiv.homework.inference import Inference
    from symderiv.homework.judging import Judge

NAME_WORDS = r"^(?:node|variable|name|quantity|param\w*|symbol|weight|var\.?|unit|edge|gate|Knoten|Variable)$"
VALUE_WORDS = r"^(?:value|data|forward|forward value|val\.?|initial value|activation|result|Wert)$"
GRADIENT_WORDS = r"^(?:grad|gradient|grad\.|derivative|backward|backward value|local gradient|Gradient)$"
TIMES = ("t", "k", "n", "i", "step", "iteration", "epoch", "iter")


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell with one number, and what its column is."""

    statement: Statement
    side: Side
    heading: str
    column: int


def judge_rows(judge: Judge, at: int, before: float) -> None:
    """Judge the rows that end before a place, and that were not judged yet."""
    rows = judge.understanding.document.rows
    while judge.rows_judged < len(rows) and _end(rows[judge.rows_judged]) <= before:
        row = rows[judge.rows_judged]
        judge.rows_judged += 1
        _RowJudge(judge, row, max(at - 1, 0)).run()


def take_values(inference: Inference) -> Iterator[tuple[str, Term, int, int]]:
    """(quantity, value, statement, line) of tables that give the value of a name."""
    for row in inference.document.rows:
        named = _named_cell(row)
        if named is None or len(named.sides) != 1:
            continue
        for cell in _numbers(row):
            if re.match(VALUE_WORDS, cell.heading, re.IGNORECASE):
                try:
                    reference = inference.plain(named.sides[0].node)
                    term = inference.elaborator.term(cell.side.node)
                except (NotUnderstood, LayerOpen):
                    continue
                if reference is not None and not reference.indices:
                    yield reference.key, term, _place(inference, row), row.line


def take_columns(inference: Inference) -> Iterator[tuple[str, Term, int, int]]:
    """(quantity, values, statement, line) of tables with a sample in each row: the columns `x_i` and `y_i` beside `i`."""
    for rows in _tables(inference.document.rows):
        letters = {h.strip("$` ") for h in rows[0].headings} & inference.symbols.indices
        for column, heading in enumerate(rows[0].headings):
            node = _heading(heading.strip())
            if node is None or not any(_mentions(node, letter) for letter in letters):
                continue
            cells = [next((c for c in _numbers(row) if c.column == column), None) for row in rows]
            try:
                reference = inference.plain(node)
                entries = [inference.elaborator.term(c.side.node) for c in cells if c is not None]
            except (NotUnderstood, LayerOpen):
                continue
            if reference is not None and len(entries) == len(rows) > 1:
                yield reference.key, Stack(tuple((e,) for e in entries)), _place(inference, rows[0]), rows[0].line


def _tables(rows: Sequence[Row]) -> Iterator[list[Row]]:
    """Rows that stand below each other under the same headings."""
    table: list[Row] = []
    for row in rows:
        if table and (row.headings != table[0].headings or row.line != table[-1].line + 1):
            yield table
            table = []
        table.append(row)
    if table:
        yield table


def _place(inference: Inference, row: Row) -> int:
    before = [n for n, s in enumerate(inference.document.statements) if s.span[0] < _end(row)]
    return before[-1] if before else 0


def _end(row: Row) -> float:
    return max((s.span[1] for cell in row.cells for s in cell), default=0)


def _named_cell(row: Row) -> Statement | None:
    """The cell of the name, where the heading or its place says so."""
    for column, (heading, cell) in enumerate(zip(row.headings, row.cells, strict=False)):
        is_named = re.match(NAME_WORDS, heading.strip(), re.IGNORECASE) or (column == 0 and any(
            re.match(VALUE_WORDS + "|" + GRADIENT_WORDS, h.strip(), re.IGNORECASE) for h in row.headings[1:]
        ))  # fmt: skip
        if is_named and len(cell) == 1 and isinstance(cell[0].sides[0].node, (f.Name, f.Scripted)):
            return cell[0]
    return None


def _numbers(row: Row) -> Iterator[Cell]:
    for column, (heading, cell) in enumerate(zip(row.headings, row.cells, strict=False)):
        if (
            len(cell) == 1
            and len(cell[0].sides) == 1
            and not cell[0].relations
            and literal(cell[0].sides[0].node) is not None
        ):
            yield Cell(cell[0], cell[0].sides[0], heading.strip(), column)


class _RowJudge:
    def __init__(self, judge: Judge, row: Row, at: int) -> None:
        self.judge, self.row, self.at = judge, row, at

    def run(self) -> None:
        cells = list(_numbers(self.row))
        named = _named_cell(self.row)
        if named is not None:
            for cell in cells:
                self._of_node(named, cell)
            return
        nodes = {cell.column: node for cell in cells if (node := _heading(cell.heading)) is not None}
        time = self._time(cells)
        if time is not None:
            letter, cell = time
            for other in cells:
                node = nodes.get(other.column)
                if other is not cell and node is not None and _mentions(node, letter):
                    self._claim(other, self._entry(Side(node, other.side.span), letter, cell.side.node))
            return
        self._sample(cells, nodes)

    def _of_node(self, named: Statement, cell: Cell) -> None:
        judge = self.judge
        subject = judge._subject(named.sides[0])
        loss = judge.understanding.loss
        if re.match(VALUE_WORDS, cell.heading, re.IGNORECASE):
            self._claim(cell, subject)
        elif (
            re.match(GRADIENT_WORDS, cell.heading, re.IGNORECASE) and loss is not None and subject.reference is not None
        ):
            reference = subject.reference
            node = f.Derivative(
                named.sides[0].node.span, f.Name(named.sides[0].node.span, loss), named.sides[0].node, "d"
            )
            term = Jacobian(Part(loss, ()), Part(reference.key, reference.indices))
            self._claim(cell, Subject(Side(node, named.sides[0].span), term, None))

    def _entry(self, heading: Side, letter: str, number: f.Node) -> Subject:
        """The heading for the number of the row: an entry where its letter is an index, else a quantity by time."""
        side = Side(_put(heading.node, letter, number), heading.span)
        whole = self.judge._subject(heading)
        if whole.term is None or not isinstance(number, f.Number) or letter not in _letters(whole.term):
            return self.judge._subject(side)
        place = int(number.value)
        reference = whole.reference
        if reference is not None:
            reference = replace(reference, indices=tuple(place if i == letter else i for i in reference.indices))
        return Subject(side, _at_entry(whole.term, letter, place), reference)

    @staticmethod
    def _time(cells: list[Cell]) -> tuple[str, Cell] | None:
        for cell in cells:
            letter = cell.heading.strip("$` ")
            if letter in TIMES and isinstance(cell.side.node, f.Number) and cell.side.node.digits is None:
                return letter[0] if letter in ("step", "iteration", "iter", "epoch") else letter, cell
        return None

    def _claim(self, cell: Cell, subject: Subject) -> None:
        if subject.term is not None:
            self.judge._relation(self.at, cell.statement, subject, "=", cell.side, cell.side.span)

    # --- a sample a row ---
    def _sample(self, cells: list[Cell], nodes: dict[int, f.Node]) -> None:
        """Columns without a formula give the sample; those with one are worked out from it."""
        judge = self.judge
        formulas = judge.understanding.definitions_at(self.at)
        given: dict[str, Array] = {}
        worked: list[tuple[Cell, Subject, str]] = []
        for cell in cells:
            if cell.column not in nodes:
                continue
            subject = judge._subject(Side(nodes[cell.column], cell.side.span))
            reference = subject.reference
            value = literal(cell.side.node)
            if reference is None or reference.indices or value is None:
                continue
            if reference.key in formulas:
                worked.append((cell, subject, reference.key))
            else:
                given[reference.key] = value[0]
        if not worked or not given:
            return
        numbers = judge.numbers
        base = numbers.state(self.at).values(bool(numbers.state(self.at).pending))
        world = numbers._world_of(self.at, {**base, **given})
        printed: dict[str, tuple[Array, bool]] = {}
        for cell, subject, key in worked:
            found = literal(cell.side.node)
            assert found is not None
            exact = numbers._values_in(world, Part(key, ()))
            if not exact:
                continue
            verdict = self._compared(found, exact, formulas[key], printed, {**base, **given})
            printed[key] = (
                found[0],
                verdict.verdict in ("wrong", "carried") and "rounded-early" not in verdict.mistakes,
            )
            judge._claim(cell.statement, cell.side.span, verdict, subject, cell.side)

    def _compared(
        self,
        found: tuple[Array, Array],
        exact: list[Array],
        formula: Term,
        printed: dict[str, tuple[Array, bool]],
        givens: dict[str, Array],
    ) -> Verdict:
        value, half = found
        for truth in exact:
            how = agrees(value, truth, half)
            if how:
                return Verdict("correct", "number", "its digits are cut off, not rounded" if "cut" in how else "")
        numbers = self.judge.numbers
        used = [printed[r.key] for r in references_in(formula) if r.key in printed]
        world = numbers._world_of(self.at, givens)
        if used and world is not None:
            values = {**world.point.values, **{k: v for k, (v, _) in printed.items()}}
            own = World(Point(world.arithmetic, values, world.point.sizes), world.definitions)
            key = next((k for k, t in self.judge.understanding.definitions_at(self.at).items() if t == formula), "")
            for truth in numbers._values_in(own, world.definitions.get(key, formula)):
                if agrees(value, truth, half):
                    false = any(is_false for _, is_false in used)
                    why = "right for the other printed values of the row"
                    return Verdict(
                        "carried", "number", why, mistakes=() if false else ("rounded-early",), root=self.row.line
                    )
        expected = shown(exact[0])
        return Verdict("wrong", "number", f"the value is {expected}", mistakes=("arithmetic-slip",), expected=expected)


def _heading(text: str) -> f.Node | None:
    """The formula of a heading."""
    if not text or len(text) > 40:
        return None
    statements = read(text if "$" in text or "`" in text else f"`{text}`").statements
    if len(statements) != 1 or len(statements[0].sides) != 1:
        return None
    node = statements[0].sides[0].node
    return node if isinstance(node, (f.Name, f.Scripted, f.Derivative, f.Sum, f.Product)) else None


def _mentions(node: f.Node, letter: str) -> bool:
    scripts = [s for n in f.walk(node) if isinstance(n, f.Scripted) for s in (*n.lower, *n.upper)]
    return any(isinstance(s.body, f.Name) and s.body.base == letter for s in scripts)


def _letters(term: Term) -> set[str]:
    """The letters of its indices."""
    own = {i for i in term.indices if isinstance(i, str)} if isinstance(term, Part) else set()
    below = (term.top, term.bottom) if isinstance(term, Jacobian) else parts_of(term)
    return own.union(*(_letters(part) for part in below))


def _at_entry(term: Term, letter: str, place: int) -> Term:
    """The term with a number for an index letter."""
    if isinstance(term, Part):
        return Part(term.key, tuple(place if i == letter else i for i in term.indices))
    if isinstance(term, Jacobian):
        bottom = _at_entry(term.bottom, letter, place)
        assert isinstance(bottom, (Part, Ref))
        return Jacobian(_at_entry(term.top, letter, place), bottom)
    return mapped(term, lambda part: _at_entry(part, letter, place))


def _put(node: f.Node, letter: str, number: f.Node) -> f.Node:
    """The heading with the number of the row for its time letter."""
    if isinstance(node, f.Sum):
        return replace(node, terms=tuple((sign, _put(t, letter, number)) for sign, t in node.terms))
    if isinstance(node, f.Product):
        return replace(node, factors=tuple(_put(t, letter, number) for t in node.factors))
    if isinstance(node, f.Group):
        return replace(node, items=tuple(_put(t, letter, number) for t in node.items))
    if isinstance(node, f.Scripted):
        return replace(
            node,
            lower=tuple(
                replace(s, body=number) if isinstance(s.body, f.Name) and s.body.base == letter else s
                for s in node.lower
            ),
            upper=tuple(
                replace(s, body=number) if isinstance(s.body, f.Name) and s.body.base == letter else s
                for s in node.upper
            ),
        )
    if isinstance(node, f.Derivative):
        return replace(
            node,
            top=None if node.top is None else _put(node.top, letter, number),
            bottom=_put(node.bottom, letter, number),
        )
    return node
