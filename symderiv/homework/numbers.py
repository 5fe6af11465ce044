"""Printed numbers: exact from the given values, from the writer's own rounded or false ones, or from nowhere.

A number is right within half a unit of its last digit, also when the digits are cut off. What is off but follows from
printed values that are themselves inexact is carried; what follows from neither is wrong.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from symderiv.homework import formulas as f
from symderiv.homework.arithmetic import Array, Machine, Undefined
from symderiv.homework.readings import Axes, Reader, rebuilt
from symderiv.homework.terms import Add, Const, Jacobian, Part, Power, Ref, Sloppy, Stack, Term, parts_of, references_in
from symderiv.homework.understanding import Understanding
from symderiv.homework.worlds import Misfit, Point, Unknown, World


@dataclass(frozen=True, slots=True)
class Printed:
    """A value that the document prints."""

    value: Array
    half: Array  # half a unit of the last digit, entry by entry
    line: int
    at: int
    is_exact: bool  # no digit is missing
    is_false: bool = False


@dataclass
class NumberWorlds:
    """Worlds made of a document's own numbers."""

    understanding: Understanding
    printed: dict[object, list[Printed]] = field(default_factory=dict)
    updated: dict[str, Printed] = field(default_factory=dict)
    _worlds: dict[object, World] = field(default_factory=dict)

    @property
    def has_numbers(self) -> bool:
        """Whether the document gives any values."""
        return bool(self.understanding.numbers)

    # --- given values ---
    def givens_at(self, at: int, updated: bool) -> dict[str, Array]:
        """Values of quantities without a formula, as last given before a statement, else as first given after it."""
        understanding = self.understanding
        formulas = understanding.definitions_at(at)
        chosen: dict[str, Array] = {}
        entries: dict[str, dict[tuple[int, ...], tuple[int, Array]]] = {}
        for number in understanding.numbers:
            if number.key in formulas:
                continue
            value = self._plain_value(number.term)
            if value is None:
                continue
            if number.indices:
                spots = tuple(i for i in number.indices if isinstance(i, int))
                if len(spots) == len(number.indices):
                    entries.setdefault(number.key, {})[spots] = (number.at, value)
                continue
            if number.key not in chosen or number.at <= at:
                if number.key in chosen and self._is_update(number.key, number.at):
                    continue
                chosen[number.key] = value
        for key, spots_of in entries.items():
            if key not in chosen:
                chosen[key] = _assembled({k: v for k, (_, v) in spots_of.items()})
        if updated:
            chosen.update({k: p.value for k, p in self.updated.items() if p.at < at})
        return chosen

    def _is_update(self, key: str, at: int) -> bool:
        return any(p.at == at for p in self.updated.values()) or (key, at) in self.updates

    updates: set[tuple[str, int]] = field(default_factory=set)

    def _plain_value(self, term: Term) -> Array | None:
        try:
            world = World(Point(Machine, {}, {"1": 1}), {})
            return Reader(world, self.understanding.axes).readings(term)[0].value.array
        except (Misfit, Unknown, Undefined, ValueError, IndexError):
            return None

    # --- worlds ---
    def world(self, at: int, updated: bool = False) -> World | None:
        """The exact world of the given numbers at a statement."""
        givens = self.givens_at(at, updated)
        if not givens:
            return None
        mark = (self.understanding.epoch(at), tuple(sorted((k, v.tobytes()) for k, v in givens.items())))
        found = self._worlds.get(mark)
        if found is None:
            sizes = {"1": 1, **{s: 1 for s in self.understanding.symbols.sizes}}
            for key in self.understanding.symbols.sizes:
                if key in givens:
                    sizes[key] = int(givens[key].item()) if givens[key].size == 1 else 1
            found = World(Point(Machine, givens, sizes), {})
            self.understanding._resolve(found, self.understanding.definitions_at(at), at, Machine)
            self._worlds[mark] = found
        return found

    def reader(self, at: int, updated: bool = False) -> Reader | None:
        """A reader in the exact world of the given numbers."""
        world = self.world(at, updated)
        if world is None:
            return None
        axes = self.understanding.axes
        return Reader(world, Axes(axes.layout, axes.sample_letters, axes.batch, axes.samples, {}, axes.zero_rows, axes.zero_columns))

    def values_of(self, term: Term, at: int) -> list[Array]:
        """The exact values a term can have: with the first given values, and after the updates."""
        out: list[Array] = []
        for updated in (False, True) if self.updated else (False,):
            reader = self.reader(at, updated)
            if reader is None:
                continue
            try:
                for reading in reader.readings(term)[:4]:
                    if not reading.value.letters:
                        out.append(reading.value.array)
            except (Misfit, Unknown, Undefined):
                continue
        return out

    # --- printed values ---
    def note(self, key: object, printed: Printed) -> None:
        """Remember a printed value."""
        self.printed.setdefault(key, []).append(printed)

    def printed_world(self, at: int) -> World | None:
        """The world in which every printed value stands for its quantity."""
        exact = self.world(at, bool(self.updated))
        values = dict(exact.point.values) if exact is not None else {}
        for key, entries in self.printed.items():
            before = [p for p in entries if p.at <= at]
            if isinstance(key, str) and before and before[-1].value.size:
                values[key] = before[-1].value
        if not values:
            return None
        return World(Point(Machine, values, exact.point.sizes if exact is not None else {"1": 1}), exact.definitions if exact is not None else {})

    def from_printed(self, term: Term, at: int) -> Iterator[tuple[Array, list[Printed]]]:
        """Values of a formula with the writer's own numbers put in, and which of them were used."""
        world = self.printed_world(at)
        if world is None:
            return
        used: list[Printed] = []
        replaced = self._with_printed(term, at, used)
        for ref in references_in(replaced):
            entries = [p for p in self.printed.get(ref.key, []) if p.at <= at]
            if entries:
                used.append(entries[-1])
        try:
            for reading in Reader(world, self.understanding.axes).readings(replaced)[:4]:
                if not reading.value.letters:
                    yield reading.value.array, used
        except (Misfit, Unknown, Undefined):
            return

    def _with_printed(self, term: Term, at: int, used: list[Printed]) -> Term:
        """Derivatives whose value was printed become that value."""
        if isinstance(term, Jacobian):
            entries = [p for p in self.printed.get(jacobian_key(term), []) if p.at <= at]
            if entries:
                used.append(entries[-1])
                return stack_of(entries[-1].value)
            return term
        if isinstance(term, Add):
            return Add(tuple((sign, self._with_printed(t, at, used)) for sign, t in term.terms))
        if isinstance(term, Sloppy):
            return Sloppy(tuple(self._with_printed(t, at, used) for t in term.factors), term.marks)
        parts = list(parts_of(term))
        if not parts or isinstance(term, (Part, Ref)):
            return term
        try:
            return rebuilt(term, [self._with_printed(p, at, used) for p in parts])
        except Misfit:
            return term


def jacobian_key(term: Jacobian) -> object:
    """What a derivative is known by."""
    return ("d", term.top, term.bottom)


def stack_of(value: Array) -> Term:
    """Numbers as a term."""
    rows = [[Const(Fraction(float(x)).limit_denominator(10**12)) for x in row] for row in value]
    return rows[0][0] if value.shape == (1, 1) else Stack(tuple(tuple(row) for row in rows))


def _assembled(entries: Mapping[tuple[int, ...], Array]) -> Array:
    two = all(len(k) == 2 for k in entries)
    rows = max(k[0] for k in entries) + 1
    columns = max(k[1] for k in entries) + 1 if two else 1
    out = np.full((rows, columns), np.nan)
    for spot, value in entries.items():
        out[spot[0], spot[1] if two else 0] = float(value.item())
    low_row = min(k[0] for k in entries)
    low_column = min(k[1] for k in entries) if two else 0
    return out[low_row:, low_column:]


# --- literals ---
def literal(node: f.Node) -> tuple[Array, Array] | None:
    """(values, half units) of a number, a signed number, or a matrix or list of them."""
    node = _strip(node)
    single = _signed(node)
    if single is not None:
        return np.array([[single[0]]]), np.array([[single[1]]])
    if isinstance(node, f.Matrix):
        grid = [[_signed(_strip(e)) for e in row] for row in node.rows]
    elif isinstance(node, f.Group) and len(node.items) > 1 and node.bracket in "([{":
        grid = [[_signed(_strip(e))] for e in node.items]
    else:
        return None
    if not grid or any(e is None for row in grid for e in row) or len({len(r) for r in grid}) != 1:
        return None
    values = np.array([[e[0] for e in row if e] for row in grid])
    return values, np.array([[e[1] for e in row if e] for row in grid])


def _signed(node: f.Node) -> tuple[float, float] | None:
    if isinstance(node, f.Sum) and len(node.terms) == 1:
        inner = _signed(_strip(node.terms[0][1]))
        return None if inner is None else (inner[0] * node.terms[0][0], inner[1])
    if isinstance(node, f.Number):
        return float(node.value), half_unit(node)
    if isinstance(node, f.Fraction):
        above, below = _signed(_strip(node.above)), _signed(_strip(node.below))
        if above is not None and below is not None and below[0]:
            return above[0] / below[0], 1e-9
    return None


def half_unit(node: f.Number) -> float:
    """Half a unit of the last printed digit; whole numbers are exact up to rounding."""
    if node.digits is None:
        return 0.5 if abs(node.value) >= 100 and "e" in node.text else 1e-9
    scale = 10.0 ** -node.digits
    if "%" in node.text:
        scale /= 100
    if "e" in node.text.lower():
        exponent = node.text.lower().split("e")[1]
        scale *= 10.0 ** int(exponent) if exponent.lstrip("+-").isdigit() else 1
    return scale / 2


def literals_in(node: f.Node) -> dict[Fraction, float]:
    """The inexact numbers of a formula with their half units."""
    return {n.value: half_unit(n) for n in f.walk(node) if isinstance(n, f.Number) and n.digits is not None}


def uncertainty(term: Term, halves: Mapping[Fraction, float], evaluate: object) -> float:
    """How far a value can move within the digits of its numbers."""
    base = evaluate(term)  # type: ignore[operator]
    if base is None:
        return 0.0
    total = 0.0
    for value, half in list(halves.items())[:16]:
        moved = evaluate(_moved(term, value, value + Fraction(half)))  # type: ignore[operator]
        if moved is not None and moved.shape == base.shape:
            total += float(np.max(np.abs(moved - base)))
    return total


def _moved(term: Term, old: Fraction, new: Fraction) -> Term:
    if isinstance(term, Const):
        return Const(new) if term.value == old else term
    if isinstance(term, Add):
        return Add(tuple((sign, _moved(t, old, new)) for sign, t in term.terms))
    if isinstance(term, Sloppy):
        return Sloppy(tuple(_moved(t, old, new) for t in term.factors), term.marks)
    if isinstance(term, Power):
        return Power(_moved(term.base, old, new), term.exponent)
    parts = list(parts_of(term))
    if not parts or isinstance(term, Jacobian):
        return term
    try:
        return rebuilt(term, [_moved(p, old, new) for p in parts])
    except Misfit:
        return term


def _strip(node: f.Node) -> f.Node:
    while isinstance(node, f.Group) and len(node.items) == 1 and node.bracket in "([{":
        node = node.items[0]
    return node


def agrees(value: Array, exact: Array, half: Array) -> str | None:
    """'rounded', 'cut' or None; a column against a row or a matrix turned round counts too ('turned')."""
    if value.shape != exact.shape:
        if value.size == exact.size and 1 in value.shape and 1 in exact.shape:
            exact = exact.reshape(value.shape)
        elif value.shape == exact.shape[::-1]:
            exact = exact.T
        else:
            return None
    slack = half * (1 + 1e-6) + 1e-9 * np.abs(exact)
    if np.all(np.abs(value - exact) <= slack):
        return "rounded"
    unit = 2 * half
    cut = np.where(half > 1e-8, np.trunc(exact / np.where(unit > 0, unit, 1)) * unit, exact)
    if np.all((np.abs(value - cut) <= 1e-6 * unit + 1e-9 * np.abs(exact)) | (np.abs(value - exact) <= slack)):
        return "cut"
    return None


