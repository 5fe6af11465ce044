"""Worlds made of a document's own numbers: exact from what it gives, or from the writer's own rounded or false ones.

A number is right within half a unit of its last digit, also when the digits are cut off. What is off but follows from
printed values that are themselves inexact is carried; what follows from neither is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product as cartesian

import numpy as np

from symderiv.homework.reading import formulas as f
from symderiv.homework.understanding.arithmetic import FUNCTIONS, Array, Machine, Undefined
from symderiv.homework.understanding.elaboration import NotUnderstood
from symderiv.homework.understanding.given_values import NO_BIAS_WORDS, GivenValues, State, is_rate
from symderiv.homework.understanding.literals import agrees, fitted, literal, mapped, stack_of
from symderiv.homework.understanding.readings import Axes, Reader
from symderiv.homework.understanding.shapes import INPUTS, base_of
from symderiv.homework.understanding.symbols import LOSS_BASES, LayerOpen
from symderiv.homework.understanding.terms import (
    Add,
    Apply,
    Jacobian,
    Part,
    Ref,
    SumOver,
    Term,
    Times,
    everything_in,
    references_in,
)
from symderiv.homework.understanding.understanding import Understanding
from symderiv.homework.understanding.worlds import Misfit, Point, Unknown, World, separates

TROUBLE = (Misfit, Unknown, Undefined, ValueError, IndexError, ZeroDivisionError)
MOST_TURNED = 9  # so many vectors are tried both ways
SLOPES_BY_VALUE: Mapping[str, Callable[[Array], Array]] = {
    "sigmoid": lambda a: a * (1 - a), "tanh": lambda a: 1 - a * a, "relu": lambda a: (a > 0) * 1.0,
}  # fmt: skip
NO_QUANTITIES = frozenset({"ones", "identity", "#index"})
Generation = tuple[int, tuple[int, ...]]


class _BySlopes(World):
    """A world whose slopes are worked out from printed activations: a (1 - a) for sigma'(z), also of a false or a rounded a."""

    def __init__(self, world: World, slopes: Mapping[tuple[str, Term], Array]) -> None:
        super().__init__(world.point, world.definitions)
        self.slopes = slopes

    def _orders_of(self, term: Apply, x: Array, more: int) -> Array:
        slope = self.slopes.get((term.function, term.body)) if term.order + more == 1 else None
        return slope if slope is not None and slope.shape == x.shape else super()._orders_of(term, x, more)


@dataclass(frozen=True, slots=True)
class Printed:
    """A value that the document prints. root: the line charged for what is off in it."""

    value: Array
    line: int
    at: int
    is_exact: bool  # nothing is off, not even a digit
    is_false: bool = False
    root: int | None = None
    generation: Generation = (0, ())
    off: Array = None  # which entries are off, where that is known
    truth: Array | None = None  # the exact value, where that is known

    def rounds(self, size: float) -> bool:
        """Whether a number is one of its rounded entries."""
        equal = np.abs(np.abs(self.value) - size) <= 1e-12
        return not self.is_exact and not self.is_false and bool(np.any(equal if self.off is None else equal & self.off))

    def holds(self, size: float) -> bool:
        """Whether a number is one of its entries."""
        return bool(np.any(np.abs(np.abs(self.value) - size) <= 1e-12))


@dataclass
class NumberWorlds:
    """The numbers of one document."""

    understanding: Understanding
    printed: dict[object, list[Printed]] = field(default_factory=dict)
    false: dict[object, tuple[Term, int, int]] = field(default_factory=dict)  # formula, statement, line
    relations: dict[object, list[Term]] = field(
        default_factory=dict
    )  # true ones between derivatives, by their left side
    doubted: set[str] = field(default_factory=set)  # quantities whose printed shape is not that of their formula
    _worlds: dict[object, World | None] = field(default_factory=dict)
    _twins: dict[int, World] = field(default_factory=dict)
    _readers: dict[int, Reader] = field(default_factory=dict)  # each holds its world, so that its id stays its own
    _stand_ins: dict[int, frozenset[str]] = field(default_factory=dict)

    @property
    def has_numbers(self) -> bool:
        """Whether the document gives any values."""
        return bool(self.understanding.numbers)

    # --- givens ---
    @cached_property
    def given(self) -> GivenValues:
        """The given values and the steps, sorted."""
        skipped = frozenset(self.understanding.elaborator.adjoints) | NO_QUANTITIES
        skipped |= frozenset(d.key for d in self.understanding.directions)
        if self.family is not None:
            skipped |= frozenset(k for k in self.understanding.shapes if _timed(k)[0] == self.family[0])
        return GivenValues(self.understanding, self.plain_value, self._step_from, skipped)

    def plain_value(self, term: object) -> Array | None:
        """The value of numbers alone; none where a function is applied that nobody defines."""
        if _is_opaque(term):  # type: ignore[arg-type]
            return None
        try:
            world = World(Point(Machine, {}, {str(k): k for k in range(1, 9)}), {})
            value = Reader(world, self.understanding.axes).readings(term)[0].value  # type: ignore[arg-type]
        except TROUBLE:
            return None
        return None if value.letters else np.asarray(value.array, dtype=float)

    def state(self, at: int) -> State:
        """Which values hold at a statement."""
        return self.given.state(at)

    def generation(self, at: int, updated: bool) -> Generation:
        """What tells apart printed values that do not belong together."""
        return self.state(at).generation + updated, self.understanding.epoch(at)

    # --- exact worlds ---
    def world(self, at: int, updated: bool = False) -> World | None:
        """The exact world of the given numbers at a statement, before or after the latest steps."""
        state = self.state(at)
        return self._world_of(at, state.values(updated), frozenset(state.pending) if updated else frozenset())

    def _world_of(self, at: int, givens: Mapping[str, Array], stepped: frozenset[str] = frozenset()) -> World | None:
        if not givens and not self._has_supposed:
            return None
        mark = (self.understanding.epoch(at), tuple(sorted((k, v.shape, v.tobytes()) for k, v in givens.items())))
        if mark not in self._worlds:
            self._worlds[mark] = None  # a circle leads nowhere
            self._worlds[mark] = self._built(at, dict(givens), stepped)
        return self._worlds[mark]

    @cached_property
    def _has_supposed(self) -> bool:
        """Whether a quantity with a formula has a value, `z = -4`, that is perhaps only supposed."""
        formulas = self.understanding.definitions_at(len(self.understanding.document.statements))
        return any(n.key in formulas and n.key != self.understanding.loss for n in self.understanding.numbers)

    def _built(self, at: int, givens: dict[str, Array], stepped: frozenset[str]) -> World:
        directions = {d.key: d.term for d in self.understanding.directions}
        definitions = {**directions, **self.understanding.definitions_at(at)}
        for key in definitions:
            givens.pop(key, None)
        self._with_seed(definitions)
        turned, sizes = self._turned(givens)
        values = {**self._zero_biases(definitions, sizes), **turned, **self._entries(turned)}
        world = World(Point(Machine, values, sizes), {})
        self._resolve(world, definitions)
        world = self._with_gradient_families(world, definitions, values, sizes)
        if self._has_zeros(world, values):
            world = World(Point(Machine, values, sizes), {})
            self._resolve(world, definitions)
        stand_ins = self._uncomputable(world, at, values, stepped)
        if stand_ins:
            values.update(stand_ins)
            world = World(Point(Machine, values, sizes), {})
            self._resolve(world, definitions)
            world = self._with_missing_weights(world, definitions, values, sizes)
            self._stand_ins[id(world)] = frozenset(stand_ins)
        return world

    def _zero_biases(self, definitions: Mapping[str, Term], sizes: Mapping[str, int]) -> dict[str, Array]:
        """'All biases are zero': those of which no value is given."""
        understanding = self.understanding
        if not re.search(NO_BIAS_WORDS, understanding.document.text, re.IGNORECASE):
            return {}
        sums = (t for term in definitions.values() for t in everything_in(term) if isinstance(t, Add))
        added = (
            part.key
            for t in sums
            if all(sign > 0 for sign, _ in t.terms) and not all(isinstance(p, Part) for _, p in t.terms)
            for _, part in t.terms
            if isinstance(part, Part) and part.key not in definitions and base_of(part.key) not in INPUTS
        )
        shapes = {key: understanding.shapes.get(key, ()) for key in added}
        return {key: np.zeros([sizes[d] for d in s]) for key, s in shapes.items() if s and set(s) <= set(sizes)}

    # --- a weight that is not given, where what it gives is ---
    def _with_missing_weights(
        self, world: World, definitions: Mapping[str, Term], values: dict[str, Array], sizes: Mapping[str, int]
    ) -> World:
        """Two weights that give the printed value: what is the same with both does not depend on which it was."""
        found: list[dict[str, Array]] = []
        for key, term in definitions.items():
            missing = {
                r.key for r in references_in(term) if r.key not in values and r.key not in definitions
            } - NO_QUANTITIES
            if key not in values or len(missing) != 1:
                continue
            solved = self._solved(world, term, missing.pop(), values[key])
            if solved is not None:
                found.append(solved)
        if not found:
            return world
        worlds = []
        for n in range(2):
            chosen = {k: v for each in found for k, v in ({k: pair[n] for k, pair in each.items()}).items()}
            worlds.append(World(Point(Machine, {**values, **chosen}, sizes), {}))
            self._resolve(worlds[-1], definitions)
        values.update(worlds[0].point.values)
        self._twins[id(worlds[0])] = worlds[1]
        return worlds[0]

    def _solved(self, world: World, term: Term, missing: str, value: Array) -> dict[str, Array] | None:
        """Two solutions for the weight of a linear equation."""
        shape = self.understanding.shapes.get(missing)
        dims = None if shape is None else tuple(world.point.sizes.get(d, 0) for d in shape)
        if dims is None or 0 in dims:
            return None
        zero = np.zeros(dims)
        there = World(Point(Machine, {**world.point.values, missing: zero}, world.point.sizes), dict(world.definitions))
        try:
            chosen = Reader(there, self.axes).readings(term)[0]
            slope = there.jacobian(chosen.term, Ref(missing)).array.reshape(value.size, zero.size)
        except TROUBLE:
            return None
        if chosen.value.array.shape != value.shape:
            return None
        rest = np.ravel(value - chosen.value.array)
        first, *_ = np.linalg.lstsq(slope, rest, rcond=None)
        if not np.allclose(slope @ first, rest, rtol=1e-9, atol=1e-9):
            return None
        free = np.eye(zero.size) - np.linalg.pinv(slope) @ slope
        second = first + free @ np.linspace(0.3, 1.1, zero.size)
        return {missing: np.stack([first.reshape(dims), second.reshape(dims)])}

    @staticmethod
    def _has_zeros(world: World, values: dict[str, Array]) -> bool:
        """An argument that is 0 up to rounding becomes 0: the slope of a ReLU depends on it."""
        found = False
        for term in world.definitions.values():
            if (
                isinstance(term, Apply)
                and term.function in ("relu", "leaky_relu", "abs")
                and isinstance(term.body, Ref)
            ):
                try:
                    array = world.quantity(term.body.key).array
                except TROUBLE:
                    continue
                if np.any((array != 0) & (np.abs(array) < 1e-12)):
                    values[term.body.key] = np.where(np.abs(array) < 1e-12, 0.0, array)
                    found = True
        return found

    def _with_seed(self, definitions: dict[str, Term]) -> None:
        """A loss of which only the gradient by one quantity is given: any loss with that gradient does."""
        loss = self.understanding.loss
        if loss is None or self._is_loss_defined or self._seed is None:
            return
        key, value = self._seed
        definitions[loss] = SumOver("all", Times(stack_of(value), Part(key, ())))

    @property
    def _is_loss_defined(self) -> bool:
        """Whether the document itself says what the loss is; a generic function that stands for it does not."""
        understanding = self.understanding
        return not understanding.generic and any(d.key == understanding.loss for d in understanding.definitions)

    @cached_property
    def _seed(self) -> tuple[str, Array] | None:
        elaborator = self.understanding.elaborator
        for statement in self.understanding.document.statements:
            if len(statement.sides) != 2 or statement.relations != ("=",):
                continue
            value = literal(statement.sides[1].node)
            if value is None:
                continue
            try:
                left = elaborator.term(statement.sides[0].node)
            except (NotUnderstood, LayerOpen):
                continue
            if (
                isinstance(left, Jacobian)
                and left.top == Part(self.understanding.loss or "", ())
                and isinstance(left.bottom, Part)
            ):
                return None if left.bottom.indices or left.bottom == left.top else (left.bottom.key, value[0])
        return None

    def is_seed(self, left: Term) -> bool:
        """Whether a derivative is the one that the document gives instead of a loss."""
        loss = self.understanding.loss
        if self._seed is None or self._is_loss_defined:
            return False
        return left == Jacobian(Part(loss or "", ()), Part(self._seed[0], ()))

    # --- which way vectors lie, and the sizes ---
    def _turned(self, givens: Mapping[str, Array]) -> tuple[dict[str, Array], dict[str, int]]:
        """Given vectors as rows or columns, so that the sizes of the quantities agree."""
        shapes = self.understanding.shapes
        vectors = [k for k, v in givens.items() if 1 in v.shape and v.size > 1 and k in shapes][:MOST_TURNED]
        best: tuple[float, tuple[bool, ...], dict[str, int]] | None = None
        for choice in cartesian((False, True), repeat=len(vectors)):
            sizes: dict[str, int] = {}
            cost = 0.1 * sum(choice)
            ways = dict(zip(vectors, choice, strict=True))
            for key, value in givens.items():
                if key in shapes:
                    shape = value.shape[::-1] if ways.get(key) else value.shape
                    cost += sum(
                        sizes.setdefault(d, 1 if d == "1" else n) != n for d, n in zip(shapes[key], shape, strict=True)
                    )
            if best is None or cost < best[0]:
                best = (cost, choice, sizes)
        assert best is not None
        ways = dict(zip(vectors, best[1], strict=True))
        turned = {k: (v.T if ways.get(k) else v) for k, v in givens.items()}
        sizes = {"1": 1, **{str(n): n for v in turned.values() for n in v.shape}, **best[2]}
        for name in self.understanding.symbols.sizes:
            if name in turned and turned[name].size == 1:
                sizes[name] = int(turned[name].item())
            else:
                sizes.setdefault(name, best[2].get("#n", 1))
        return turned, sizes

    def _entries(self, values: Mapping[str, Array]) -> dict[str, Array]:
        """`x_2` where x is a given vector: its entry; `x_0 = 1` is the feature of the bias."""
        out: dict[str, Array] = {}
        axes = self.understanding.axes
        for key in self.understanding.shapes:
            head, _, mark = key.partition("[")
            whole = values.get(head)
            if key in self.understanding.vectors:
                continue
            if whole is None or key in values or not mark[:-1].isdigit() or 1 not in whole.shape or whole.size == 1:
                continue
            place = int(mark[:-1])
            if place == 0 and (axes.zero_rows or axes.zero_columns):
                out[key] = np.ones((1, 1))
            elif 1 <= place <= whole.size:
                out[key] = np.array([[np.ravel(whole)[place - 1]]])
        return out

    # --- formulas ---
    def _resolve(self, world: World, definitions: Mapping[str, Term]) -> None:
        """Definitions with their products decided, in the order in which they need each other."""
        resolved: dict[str, Term] = {}
        world.definitions = resolved
        reader = Reader(world, self.axes)
        pending = dict(definitions)
        while pending:
            ready = [
                k
                for k, t in pending.items()
                if not ({r.key for r in references_in(t)} - {k} - NO_QUANTITIES) & set(pending)
            ]
            if not ready:
                break
            for key in ready:
                written = pending.pop(key)
                term = None if _is_opaque(written) else self._chosen(reader, key, written)
                if term is not None:
                    resolved[key] = term

    @property
    def axes(self) -> Axes:
        """The axes of the document, with entries of a bias feature."""
        return self.understanding.axes

    def _chosen(self, reader: Reader, key: str, term: Term) -> Term | None:
        for lenient in (False, True):
            try:
                readings = Reader(reader.world, self.axes, lenient).readings(term) if lenient else reader.readings(term)
            except TROUBLE:
                continue
            sizes, shape = reader.world.point.sizes, self.understanding.shapes.get(key)
            wanted = None if shape is None else tuple(sizes.get(d, 0) for d in shape)
            best = next((r for r in readings if r.value.shape == wanted and not r.value.letters), readings[0])
            if key == self.understanding.loss:
                best = next((r for r in readings if r.value.is_scalar and not r.value.letters), best)
                if not best.value.is_scalar or best.value.letters:
                    return SumOver("all", best.term)
            return best.term
        return None

    def _uncomputable(
        self, world: World, at: int, values: Mapping[str, Array], stepped: frozenset[str]
    ) -> dict[str, Array]:
        """Values printed for quantities whose own inputs are missing: they count as given."""
        found: dict[str, Array] = {}
        formulas = self.understanding.definitions_at(at)
        for number in self.understanding.numbers:
            if number.key not in formulas or number.indices or number.key == self.understanding.loss:
                continue
            if number.key in values or number.key in found:
                continue
            if {r.key for r in references_in(formulas[number.key])} & stepped:
                continue  # it was printed before the steps
            try:
                world.quantity(number.key)
            except TROUBLE:
                value = self.plain_value(number.term)
                if value is not None and not self._would_follow(world, number.key, {**values, **found}):
                    found[number.key] = value
        return found

    def _would_follow(self, world: World, key: str, values: Mapping[str, Array]) -> bool:
        """Whether it is computed from another quantity that only waits for its own value."""
        term = self.understanding.definitions_at(0).get(key)
        if term is None:
            return False
        formulas = self.understanding.definitions_at(0)
        for ref in references_in(term):
            if ref.key in NO_QUANTITIES or ref.key in values:
                continue
            if ref.key in formulas and any(n.key == ref.key and not n.indices for n in self.understanding.numbers):
                continue
            try:
                world.quantity(ref.key)
            except TROUBLE:
                return False
        return True

    def is_uncomputable(self, key: str, at: int) -> bool:
        """Whether a quantity with a formula has its value only from the document."""
        world = self.world(at)
        return world is not None and key in self._stand_ins.get(id(world), frozenset())

    # --- gradients by time: g_t is the gradient at theta_{t-1} ---
    def _with_gradient_families(
        self, world: World, definitions: Mapping[str, Term], values: dict[str, Array], sizes: Mapping[str, int]
    ) -> World:
        if self.family is None:
            return world
        base, parameter, offset = self.family
        for t in sorted(t for b, t in map(_timed, self.understanding.shapes) if b == base and t is not None):
            gradient = self._gradient_at(world, f"{parameter}[{t + offset}]", parameter)
            if gradient is None:
                break
            values[f"{base}[{t}]"] = gradient
            world = World(Point(Machine, values, sizes), {})
            self._resolve(world, definitions)
        return world

    @cached_property
    def family(self) -> tuple[str, str, int] | None:
        """(g, theta, -1): the quantity by time that is the gradient by another, as its first printed value shows."""
        understanding = self.understanding
        definitions = understanding.definitions_at(0)
        numbered = {b for b, t in map(_timed, definitions) if t is not None}
        series = [
            n
            for n in understanding.numbers
            if _timed(n.key)[1] is not None and _timed(n.key)[0] not in numbered and not n.indices
        ]
        series = [n for n in series if any(r.key == n.key for t in definitions.values() for r in references_in(t))]
        if understanding.loss is None or not series or not numbered:
            return None
        skipped = frozenset(n.key for n in series) | NO_QUANTITIES
        givens = (
            GivenValues(understanding, self.plain_value, lambda *_: None, skipped)
            .state(len(understanding.document.statements))
            .base
        )
        turned, sizes = self._turned(givens)
        world = World(Point(Machine, turned, sizes), {})
        self._resolve(world, {k: t for k, t in definitions.items() if k not in turned})
        first = series[0]
        base, t = _timed(first.key)
        printed = [
            v for n in series if n.key == first.key and n.at == first.at and (v := self.plain_value(n.term)) is not None
        ]
        for parameter in sorted(numbered):
            for offset in (-1, 0):
                gradient = self._gradient_at(world, f"{parameter}[{(t or 0) + offset}]", parameter)
                if (
                    gradient is not None
                    and np.any(gradient)
                    and any(agrees(v, gradient, np.full(v.shape, 1e-6)) for v in printed)
                ):
                    return base, parameter, offset
        return None

    def _gradient_at(self, world: World, place: str, parameter: str) -> Array | None:
        loss = self.understanding.loss
        try:
            value = world.quantity(place).array
            there = World(
                Point(Machine, {**world.point.values, parameter: value}, world.point.sizes), world.definitions
            )
            self._resolve(there, self.understanding.definitions_at(0))
            return np.asarray(there.jacobian(Ref(loss or ""), Ref(parameter)).array, dtype=float)
        except TROUBLE:
            return None

    # --- values ---
    def values_of(self, term: Term, at: int, updated: bool = False) -> list[Array]:
        """The exact values a term can have."""
        return self.values_in(self.world(at, updated), term)

    def settles(self, left: Term, right: Term, at: int) -> str | None:
        """Whether two sides have one value for the numbers given: 'rounded' or 'rounded turned'; None: nothing can be said."""
        truths, values = self.values_of(left, at), self.values_of(right, at)
        for truth in truths:
            for value in values:
                how = agrees(value, truth, np.full(value.shape, 1e-9))
                if how is not None and np.any(np.abs(truth - np.round(truth)) > 1e-6):
                    return how
        return None

    def _reader(self, world: World) -> Reader:
        """The reader of a world: formulas of one document are made of the same parts."""
        found = self._readers.get(id(world))
        if found is None:
            found = self._readers[id(world)] = Reader(world, self.axes)
        return found

    def values_in(self, world: World | None, term: Term) -> list[Array]:
        """The values a term can have in a world."""
        if world is None or _is_opaque(term):
            return []
        out: list[Array] = []
        for part in _jacobians(term):
            if not any(world.depends(r.key, part.bottom.key) for r in references_in(part.top)):
                return []  # nothing leads from one to the other: rather no value than 0
        try:
            for reading in self._reader(world).readings(term)[:4]:
                if not reading.value.letters and reading.value.array.ndim == 2:
                    out.append(np.asarray(reading.value.array, dtype=float))
        except TROUBLE:
            return out
        twin = self._twins.get(id(world))
        if twin is not None:
            others = self.values_in(twin, term)
            out = [
                v for v in out if any(v.shape == o.shape and np.allclose(v, o, rtol=1e-9, atol=1e-9) for o in others)
            ]
        return out

    def values_where(self, at: int, term: Term, place: Term) -> list[Array]:
        """The values of a term where the one given quantity in `place`, `w + 0.001`, has the value of that instead."""
        world = self.world(at)
        keys = {r.key for r in references_in(place) if not is_rate(r.key)}
        moved = self.values_in(world, place) if len(keys) == 1 else []
        if world is None or len(moved) != 1 or not keys <= set(world.point.values):
            return []
        values = {**world.point.values, keys.pop(): moved[0]}
        return self.values_in(World(Point(Machine, values, world.point.sizes), world.definitions), term)

    # --- steps ---
    def _step_from(
        self, at: int, key: str, indices: tuple[str | int, ...], base: dict[str, Array], generation: int
    ) -> Array | None:
        """One step down the gradient from given values."""
        del generation
        found = self._steps(self._world_of(at, base), at, key, indices, base, -1)
        return found[0] if found else None

    def steps(
        self, at: int, key: str, indices: tuple[str | int, ...], sign: int = -1, printed: bool = False
    ) -> list[tuple[Array, list[Printed]]]:
        """The values after one step (sign 1: up the gradient), exact or with the printed gradient; which prints were used."""
        base, after = self.given.bases.get((at, key, indices), (self.state(at).values(False), False))
        if not printed:
            return [(v, []) for v in self._steps(self._world_of(at, base), at, key, indices, base, sign)]
        old = self._old_value(key, indices, base)
        if old is None or self.understanding.loss is None:
            return []
        gradient, factors = self._step_along(at, key, indices, base)
        out: list[tuple[Array, list[Printed]]] = []
        both = (
            (after, not after) if self.state(at).since is not None else (after,)
        )  # all steps may be from the old values
        for value, used in (pair for updated in both for pair in self.from_printed(gradient, at, updated)):
            found = fitted(old, value)
            if found is not None:
                out.extend((old + sign * factor * found[0], used) for factor in factors)
        return out

    def _old_value(self, key: str, indices: tuple[str | int, ...], base: Mapping[str, Array]) -> Array | None:
        whole = base.get(key)
        if whole is None or not indices:
            return whole
        place = self.given.spot(key, indices, whole)
        return None if place is None else whole[place[0] : place[0] + 1, place[1] : place[1] + 1]

    def _steps(
        self,
        world: World | None,
        at: int,
        key: str,
        indices: tuple[str | int, ...],
        base: Mapping[str, Array],
        sign: int,
    ) -> list[Array]:
        loss = self.understanding.loss
        if world is None or loss is None or key not in base:
            return []
        along, factors = self._step_along(at, key, indices, base)
        gradients = self.values_in(world, along)
        old = _entry(base[key], key, indices, self.understanding.axes)
        if not gradients or old is None:
            return []
        fits = fitted(old, gradients[0])
        return [] if fits is None else [old + sign * factor * fits[0] for factor in factors]

    def _step_along(
        self, at: int, key: str, indices: tuple[str | int, ...], base: Mapping[str, Array]
    ) -> tuple[Term, list[float]]:
        """What a step goes along, the gradient or the document's own direction, and the factors it may have."""
        direction = self.understanding.direction_of(key, at)
        if direction is None:
            return Jacobian(Part(self._loss_of(key, at), ()), Part(key, indices)), self._rates(base)
        own, sign = direction
        return Part(own, indices), self._rates(base) if sign > 0 else [-1.0]  # v = mu v - eta dJ/dw is added

    def _loss_of(self, key: str, at: int) -> str:
        """The loss that a step makes smaller: the document's, or the one whose gradient was worked out last.

        Where the document's loss does not depend on it, the latest that does.
        """
        loss = self.understanding.loss or ""
        graph = World(Point(Machine, {}, {}), self.understanding.definitions_at(at))
        worked_out = {
            entries[-1].at: left[1].key
            for left, entries in self.printed.items()
            if isinstance(left, tuple) and isinstance(left[1], Part) and left[2] == Part(key, ())
            if entries[-1].at <= at and graph.depends(left[1].key, key)
        }
        latest = worked_out[max(worked_out)] if worked_out else loss
        if latest != loss:
            world = self._world_of(at, self.state(at).values(False))
            if world is not None and self.values_in(world, Jacobian(Part(latest, ()), Part(key, ()))):
                return latest
        if graph.depends(loss, key):
            return loss
        others = [d.key for d in self.understanding.definitions if base_of(d.key) in LOSS_BASES and d.at <= at]
        return next((k for k in reversed(others) if graph.depends(k, key)), loss)

    def said_rates(self, at: int) -> list[float]:
        """The learning rates that the document gives or speaks of."""
        return self._said_rates(self.state(at).base)

    def _said_rates(self, base: Mapping[str, Array]) -> list[float]:
        given = [float(v.item()) for k, v in base.items() if is_rate(k) and v.size == 1]
        return list(dict.fromkeys(given if self._spoken_rate is None else [*given, self._spoken_rate]))

    def _rates(self, base: Mapping[str, Array]) -> list[float]:
        return self._said_rates(base) or self._shown_rates

    @cached_property
    def _shown_rates(self) -> list[float]:
        """The 0.1 of `w = 0.8 - 0.1 * 0.3296`, where only the steps show the rate: what all of them have in common."""
        shared: set[float] | None = None
        for statement in self.understanding.document.statements:
            for side in statement.sides[1:]:
                factors = _step_factors(statement.sides[0].node, side.node)
                if factors:
                    shared = factors if shared is None else shared & factors
        return sorted(shared or ())

    @cached_property
    def _spoken_rate(self) -> float | None:
        """'with a learning rate of 0.5', 'of one half'."""
        for sentence in self.understanding.document.sentences:
            low, high = sentence.span
            text = self.understanding.document.text[low : high + 40]
            match = re.search(
                r"(?:learning rate|step size|Lernrate|tasa de aprendizaje|taux d.apprentissage)"
                r"(?:(?: of| is)?\s+(?P<words>one half|one tenth)|[^0-9\n]{0,40}?(?<!_)(?<!_\{)(?P<digits>\d*(?:\.|,|\{,\})?\d+))",
                text,
                re.IGNORECASE,
            )
            if match:
                return (
                    float(re.sub(r"\{?,\}?", ".", match["digits"]))
                    if match["digits"]
                    else 1 / {"half": 2, "tenth": 10}[match["words"].lower()[4:]]
                )
        return None

    # --- printed values ---
    def note(self, key: object, printed: Printed) -> None:
        """Remember a printed value."""
        self.printed.setdefault(key, []).append(printed)

    def whole_numbers(self, at: int) -> Iterator[tuple[Term, int]]:
        """Derivatives whose value was printed as a whole number larger than 1, with that number."""
        for key, entries in self.printed.items():
            if not isinstance(key, tuple):
                continue
            for printed in entries:
                size = printed.value.item() if printed.value.size == 1 else 0.0
                if printed.at < at and not printed.is_false and abs(size) > 1 and size == int(size):
                    yield Jacobian(key[1], key[2]), int(size)

    def note_false(self, left: Term, right: Term, at: int, line: int) -> None:
        """A false derivative in symbols has a value too: numbers that follow from it are carried."""
        if isinstance(left, Jacobian) and isinstance(left.bottom, Part) and not left.bottom.indices:
            self.false[jacobian_key(left)] = (right, at, line)

    def note_relation(self, left: Term, right: Term) -> None:
        """A true relation between derivatives: numbers may be worked out along it."""
        if isinstance(left, Jacobian) and any(True for _ in _jacobians(right)):
            self.relations.setdefault(jacobian_key(left), []).append(right)

    def _false_value(self, key: object, at: int, generation: Generation) -> Printed | None:
        """The value that a false derivative has with the numbers in force."""
        right, since, line = self.false.get(key, (None, 0, 0))
        if right is None or since > at:
            return None
        values = self.values_of(right, at, generation[0] > self.state(at).generation)
        return Printed(values[0], line, at, False, True, line, generation) if values else None

    def is_exact_number(self, value: float, at: int) -> bool:
        """Whether a literal is a given value or a plain number rather than a rounded one."""
        size = abs(value)
        equal = [p for es in self.printed.values() for p in es if p.at <= at and p.holds(size)]
        if any(p.rounds(size) for p in equal):
            return False
        if equal or any(np.any(np.abs(np.abs(v) - size) <= 1e-12) for v in self.state(at).values(True).values()):
            return True
        return len(f"{size:.10g}".replace(".", "").lstrip("0")) <= 1

    def last_printed(self, key: object, at: int, generation: Generation) -> Printed | None:
        """The latest value printed for a quantity or derivative that still belongs here."""
        entries = [p for p in self.printed.get(key, []) if p.at <= at and p.generation == generation]
        return entries[-1] if entries else self._false_value(key, at, generation)

    def printed_world(self, at: int, updated: bool) -> World | None:
        """The world in which every printed value stands for its quantity."""
        exact = self.world(at, updated)
        generation = self.generation(at, updated)
        values = dict(exact.point.values) if exact is not None else {}
        for key in self.printed:
            last = self.last_printed(key, at, generation)
            if isinstance(key, str) and last is not None:
                values[key] = self._shaped(exact, key, last.value)
        if not values:
            return None
        sizes = exact.point.sizes if exact is not None else {"1": 1}
        world = World(Point(Machine, values, sizes), exact.definitions if exact is not None else {})
        missing = {k: t for k, t in self.understanding.definitions_at(at).items() if k not in world.definitions}
        if missing and exact is None:
            self._resolve(world, self.understanding.definitions_at(at))
        return world

    def _shaped(self, exact: World | None, key: str, value: Array) -> Array:
        try:
            shape = exact.quantity(key).array if exact is not None else value
        except TROUBLE:
            return value
        if value.size == shape.size:
            return (
                value.reshape(shape.shape)
                if 1 in value.shape or value.shape == shape.shape
                else value.T.reshape(shape.shape)
            )
        return value

    def from_printed(self, term: Term, at: int, updated: bool) -> Iterator[tuple[Array, list[Printed]]]:
        """Values of a formula with the writer's own numbers put in, and which of them were used."""
        world = self.printed_world(at, updated)
        if world is None:
            return
        generation = self.generation(at, updated)
        yield from self._from_printed_in(world, term, at, generation)
        slopes = self._by_activations(world, at, generation)
        if slopes is not None:
            yield from self._from_printed_in(slopes, term, at, generation)
        yield from self._from_false(term, at, updated, generation)

    def _from_false(
        self, term: Term, at: int, updated: bool, generation: Generation
    ) -> Iterator[tuple[Array, list[Printed]]]:
        """Values worked out without rounding from the writer's own false ones: the rest was printed, but not used."""
        exact = self.world(at, updated)
        latest = {key: self.last_printed(key, at, generation) for key in self.printed if isinstance(key, str)}
        false = {k: p for k, p in latest.items() if p is not None and p.is_false and p.root == p.line}
        if exact is None or not false:
            return
        values = {key: self._shaped(exact, key, p.value) for key, p in false.items()}
        world = World(Point(Machine, {**exact.point.values, **values}, exact.point.sizes), exact.definitions)
        keys = [r.key for r in references_in(term)]
        used = [p for key, p in false.items() if any(k != key and world.depends(k, key) for k in keys)]
        if used:
            for value in self.values_in(world, self._opened(term, world)):
                yield value, used

    def _by_activations(self, world: World, at: int, generation: Generation) -> World | None:
        """The same world with slopes worked out from printed activations."""
        slopes: dict[tuple[str, Term], Array] = {}
        for key, term in world.definitions.items():
            last = self.last_printed(key, at, generation)
            if last is not None and isinstance(term, Apply) and not term.order and term.function in SLOPES_BY_VALUE:
                value = self._shaped(world, key, last.value)
                slopes[term.function, term.body] = SLOPES_BY_VALUE[term.function](value)
        return _BySlopes(world, slopes) if slopes else None

    def _from_printed_in(
        self, world: World, term: Term, at: int, generation: Generation
    ) -> Iterator[tuple[Array, list[Printed]]]:
        known_as = jacobian_key(term) if isinstance(term, Jacobian) else getattr(term, "key", None)
        again = self.last_printed(known_as, at, generation)
        if again is not None and not (isinstance(term, Part) and term.indices):
            yield again.value, [again]
        used: list[Printed] = []
        replaced = self._with_printed(term, at, generation, used, is_top=True)
        self._used_in(replaced, world, at, generation, used, set())
        for value in self.values_in(world, self._opened(replaced, world)):
            yield value, used
        if isinstance(term, Jacobian):
            yield from self._along_printed(term, world, at, generation, 0)
            yield from self._from_own(term, world, at, generation)
        if isinstance(term, Part):
            yield from self._timed_gradient(term, world, at, generation)

    @staticmethod
    def _opened(term: Term, world: World) -> Term:
        """A quantity as its formula: its own printed value is not asked for."""
        if isinstance(term, Part) and not term.indices and term.key in world.definitions:
            return world.definitions[term.key]
        return term

    def _timed_gradient(
        self, term: Part, world: World, at: int, generation: Generation
    ) -> Iterator[tuple[Array, list[Printed]]]:
        base, t = _timed(term.key)
        family = self.family
        if family is None or t is None or family[0] != base:
            return
        place = f"{family[1]}[{t + family[2]}]"
        last = self.last_printed(place, at, generation)
        value = self._gradient_at(world, place, family[1])
        if value is not None and last is not None:
            yield value, [last]

    def _along_printed(
        self, term: Jacobian, world: World, at: int, generation: Generation, depth: int
    ) -> Iterator[tuple[Array, list[Printed]]]:
        """Printed single numbers along a path: dL/da times da/dz for dL/dz."""
        if depth > 4 or not isinstance(term.top, Part) or isinstance(term.bottom, Ref) or term.bottom.indices:
            return
        for key in {**self.printed, **self.false}:
            if (
                not isinstance(key, tuple)
                or key[1] != term.top
                or key[2].indices
                or key[2].key in (term.bottom.key, term.top.key)
            ):
                continue
            first = self.last_printed(key, at, generation)
            middle = key[2].key
            if first is None or first.value.size != 1 or not world.depends(middle, term.bottom.key):
                continue
            if not separates(world, middle, term.bottom.key, term.top):
                continue
            rest = Jacobian(Part(middle, ()), term.bottom)
            last = self.last_printed(jacobian_key(rest), at, generation)
            if last is not None and last.value.size == 1:
                yield first.value * last.value, [first, last]
            for value, used in self._along_printed(rest, world, at, generation, depth + 1):
                yield first.value * value, [first, *used]

    def _from_own(
        self, term: Jacobian, world: World, at: int, generation: Generation
    ) -> Iterator[tuple[Array, list[Printed]]]:
        """A printed derivative by something on the way, times the rest of the way."""
        if not isinstance(term.top, Part):
            return
        entries = [
            (key, last) for key in {**self.printed, **self.false}
            if isinstance(key, tuple) and key[1] == term.top and (last := self.last_printed(key, at, generation)) is not None
        ]  # fmt: skip
        for key, last in sorted(entries, key=lambda e: -e[1].at):
            middle = key[2]
            if middle.indices or middle.key == term.bottom.key or middle.key == term.top.key:
                continue
            if not world.depends(middle.key, term.bottom.key) or not separates(
                world, middle.key, term.bottom.key, term.top
            ):
                continue
            weight = self._shaped(world, middle.key, last.value)
            through = SumOver("all", Times(stack_of(weight), Part(middle.key, ())))
            for value in self.values_in(world, Jacobian(through, term.bottom)):
                used = [last]
                self._used_in(Part(middle.key, ()), world, at, generation, used, set(), is_open=True)
                yield value, used

    def _used_in(
        self,
        term: Term,
        world: World,
        at: int,
        generation: Generation,
        used: list[Printed],
        seen: set[str],
        is_open: bool = True,
    ) -> None:
        """The printed values that a formula leans on, through formulas of quantities that were not printed."""
        for ref in references_in(term):
            last = self.last_printed(ref.key, at, generation)
            top = is_open and term == ref
            if last is not None and not top:
                used.append(last)
            elif ref.key not in seen and ref.key in world.definitions:
                seen.add(ref.key)
                self._used_in(world.definitions[ref.key], world, at, generation, used, seen, is_open=False)

    def _with_printed(
        self, term: Term, at: int, generation: Generation, used: list[Printed], is_top: bool = False
    ) -> Term:
        """Derivatives whose value was printed become that value."""
        if isinstance(term, Jacobian):
            last = None if is_top else self.last_printed(jacobian_key(term), at, generation)
            if last is None:
                return term
            used.append(last)
            exact = self.values_of(term, at)
            value = last.value
            if exact and value.shape != exact[0].shape and value.size == exact[0].size:
                value = value.reshape(exact[0].shape)
            return stack_of(value)
        return mapped(term, lambda part: self._with_printed(part, at, generation, used))


def _step_factors(left: f.Node, node: f.Node) -> set[float]:
    r"""The numbers of the product that is taken from a number, `0.8 - 0.1 * 0.3`, or from the name, `w - 0.1 \delta x`."""
    if not isinstance(node, f.Sum) or len(node.terms) != 2 or node.terms[1][0] > 0:
        return set()
    (_, start), (_, product) = node.terms
    is_name = start == left
    if not isinstance(product, f.Product) or not (
        is_name or (literal(start) is not None and len(product.factors) == 2)
    ):
        return set()
    values = [found for factor in product.factors if (found := literal(factor)) is not None]
    if len(values) != (1 if is_name else 2):
        return set()
    return {float(v.item()) for v, _ in values if v.size == 1 and 0 < v.item() <= 1}


def _entry(whole: Array, key: str, indices: tuple[str | int, ...], axes: Axes) -> Array | None:
    if not indices:
        return whole
    numbers = [i for i in indices if isinstance(i, int)]
    low = (0 if key in axes.zero_rows else 1, 0 if key in axes.zero_columns else 1)
    try:
        if len(numbers) == 2:
            r, c = numbers[0] - low[0], numbers[1] - low[1]
            return (
                whole[r : r + 1, c : c + 1] if r >= 0 and c >= 0 and r < whole.shape[0] and c < whole.shape[1] else None
            )
        if len(numbers) == 1 and 1 in whole.shape:
            flat = np.ravel(whole)
            k = numbers[0] - (low[0] if whole.shape[1] == 1 else low[1])
            return np.array([[flat[k]]]) if 0 <= k < flat.size else None
    except IndexError:
        return None
    return None


def _is_opaque(term: Term) -> bool:
    """Whether it holds a function that nobody defines: any function stands for it, but it has no value."""
    return any(isinstance(part, Apply) and part.function not in FUNCTIONS for part in everything_in(term))


def _timed(key: str) -> tuple[str, int | None]:
    """`v[3]` as v and 3."""
    head, _, mark = key.partition("[")
    return (head, int(mark[:-1])) if mark and mark[:-1].isdigit() else (key, None)


def _jacobians(term: Term) -> Iterator[Jacobian]:
    return (part for part in everything_in(term) if isinstance(part, Jacobian))


def jacobian_key(term: Jacobian) -> object:
    """What a derivative is known by."""
    return ("d", term.top, term.bottom)
