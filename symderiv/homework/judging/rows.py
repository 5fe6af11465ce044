"""Rows of tables: a node with its value and gradient, quantities by time, or a sample a row; each cell with a number is a claim."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from symderiv.homework.judging.verdicts import Subject, Verdict
from symderiv.homework.reading import formulas as f
from symderiv.homework.reading.statements import Row, Side, Statement
from symderiv.homework.understanding.arithmetic import Array
from symderiv.homework.understanding.literals import agrees, literal, shown
from symderiv.homework.understanding.stated_shapes import sizes_in
from symderiv.homework.understanding.tables import (
    GRADIENT_WORDS,
    SHAPE_WORDS,
    VALUE_WORDS,
    Cell,
    cells_of,
    end_of,
    heading_of,
    mentions,
    named_cell,
)
from symderiv.homework.understanding.terms import Jacobian, Part, Ref, Term, letters_in, mapped, references_in
from symderiv.homework.understanding.worlds import Point, World

if TYPE_CHECKING:
    from symderiv.homework.judging.judge import Judge

TIMES = ("t", "k", "n", "i", "step", "iteration", "epoch", "iter")


def judge_rows(judge: Judge, at: int, before: float) -> None:
    """Judge the rows that end before a place, and that were not judged yet."""
    rows = judge.understanding.document.rows
    while judge.rows_judged < len(rows) and end_of(rows[judge.rows_judged]) <= before:
        row = rows[judge.rows_judged]
        judge.rows_judged += 1
        _RowJudge(judge, row, max(at - 1, 0)).run()


class _RowJudge:
    def __init__(self, judge: Judge, row: Row, at: int) -> None:
        self.judge, self.row, self.at = judge, row, at

    def run(self) -> None:
        self._shapes()
        cells = list(cells_of(self.row))
        named = named_cell(self.row)
        if named is not None:
            for cell in cells:
                self._of_node(named, cell)
            return
        nodes = {cell.column: node for cell in cells if (node := heading_of(cell.heading)) is not None}
        time = self._time(cells)
        if time is not None:
            letter, cell = time
            for other in cells:
                node = nodes.get(other.column)
                if other is not cell and node is not None and mentions(node, letter):
                    self._claim(other, self._entry(Side(node, other.side.span), letter, cell.side.node))
            return
        self._sample(cells, nodes)

    def _shapes(self) -> None:
        """The shape that a row gives of each name in its first cell."""
        cells = self.row.cells
        places = [k for k, h in enumerate(self.row.headings) if re.match(SHAPE_WORDS, h.strip(), re.IGNORECASE)]
        if len(places) != 1 or not 0 < places[0] < len(cells) or len(cells[places[0]]) != 1:
            return
        stated = cells[places[0]][0]
        if len(stated.sides) != 1 or sizes_in(stated.sides[0].node) is None:
            return
        if any(
            c.kind == "shape" and c.span[0] < stated.span[1] and stated.span[0] < c.span[1] for c in self.judge.claims
        ):
            return  # a row of LaTeX is read as a line, too
        for name in (side for statement in cells[0] for side in statement.sides[:1]):
            self.judge._relation(
                self.at, stated, self.judge.situation.subject(name), ":", stated.sides[0], stated.sides[0].span
            )

    def _of_node(self, named: Statement, cell: Cell) -> None:
        judge = self.judge
        subject = judge.situation.subject(named.sides[0])
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
        whole = self.judge.situation.subject(heading)
        if whole.term is None or not isinstance(number, f.Number) or letter not in letters_in(whole.term):
            return self.judge.situation.subject(side)
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
            subject = judge.situation.subject(Side(nodes[cell.column], cell.side.span))
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
            exact = numbers.values_in(world, Part(key, ()))
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
            for truth in numbers.values_in(own, world.definitions.get(key, formula)):
                if agrees(value, truth, half):
                    false = any(is_false for _, is_false in used)
                    why = "right for the other printed values of the row"
                    return Verdict(
                        "carried", "number", why, mistakes=() if false else ("rounded-early",), root=self.row.line
                    )
        expected = shown(exact[0])
        return Verdict("wrong", "number", f"the value is {expected}", mistakes=("arithmetic-slip",), expected=expected)


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
