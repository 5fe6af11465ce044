"""What a document is about: its definitions, activations, loss, shapes, layout, numbers, and what adjoint names stand for.

Two passes over all statements before anything is judged: a forward line may come long after its use. What was assumed is
kept with its evidence. A name with several definitions has, at a line, the nearest one before it, else the first after it.
"""

from __future__ import annotations

import contextlib
import random
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property, lru_cache

from symderiv.homework.marking import Assumption
from symderiv.homework.reading.formulas import Derivative, Name, Node, Scripted, of_kind
from symderiv.homework.reading.statements import Document
from symderiv.homework.understanding.arithmetic import Arithmetic, Array, Machine, Undefined
from symderiv.homework.understanding.elaboration import Elaborator, replaced
from symderiv.homework.understanding.key_names import shown_name
from symderiv.homework.understanding.labels import HOT
from symderiv.homework.understanding.readings import Axes, Reader
from symderiv.homework.understanding.shapes import SCALAR_DIM, base_of
from symderiv.homework.understanding.symbols import LayerOpen, Symbols, name_of
from symderiv.homework.understanding.terms import (
    Add,
    Gathered,
    Jacobian,
    Ones,
    OnesOf,
    Part,
    Ref,
    Sloppy,
    Stack,
    SumOver,
    Term,
    everything_in,
    mapped,
    parts_of,
    references_in,
)  # fmt: skip
from symderiv.homework.understanding.worlds import Misfit, Point, Unknown, World

EQUAL_SIGNS = frozenset({"=", ":=", "==", "->", "~"})
TARGET_BASES = ("y", "t", "d", "target", "T", "Y", "label", "D", "r", "q")
ACTIVATION_WORDS = {
    "sigmoid": r"[Ss]igmoid|logistic(?!\s+(?:regression|loss|cost|classifier|model|cross|error))|"
    r"logistische[nr]? (?:Funktion|Aktivierung)|log[íi]stica\b(?! regres)",
    "tanh": r"tanh|hyperbolic tangent|Tangens hyperbolicus",
    "relu": r"(?<!leaky )(?<!leaky-)\brelu\b|(?<!leaky )(?:rectified|rectifier)", "softmax": r"soft-?max",
}  # fmt: skip
LOSS_WORDS = (
    ("log", r"log[- ]loss|binary cross|logistic loss|log-?likelihood"),
    ("cross", r"cross[- ]entropy|Kreuzentropie|entrop[íi]a cruzada"),
    ("mse", r"\bMSE\b|mean[- ]squared?|squared?[- ]error|quadratic (?:cost|loss)|L2 loss|least squares|quadratisch|cuadr"),
)  # fmt: skip
BATCH_WORDS = (
    r"\b(?:batch|mini-?batch|training (?:samples|examples|set)|(?:(?<!negative )samples|examples|observations)\b|per (?:sample|example)|"
    r"one (?:row|column) per (?:\w+ )?(?:sample|example|observation|instance|pattern|image|point|record|case|datum|data)|"
    r"dataset|data set|Beispiele|Stichproben|ejemplos)"
)
SIZES = (3, 4, 2, 6, 7, 8, 9, 10, 11, 12)
SAMPLES = 5
COPY = " (copy)"


CONVENTION = re.compile(
    r"summation convention|einstein|summenkonvention|convention de sommation|convenio de suma|repeated (?:ind|letter)",
    re.IGNORECASE,
)
NO_CONVENTION = re.compile(
    r"\b(?:no|not|without|never|keine?|ohne|sans|sin)\b[^.]{0,30}(?:convention|einstein|summenkonvention)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Definition:
    """A premise: this quantity is that."""

    key: str
    term: Term
    at: int  # the number of its statement
    line: int
    indices: tuple[str | int, ...] = ()
    is_late: bool = False  # of a parameter until then: `V = W^T`, after a derivative by V
    until: int | None = None  # the statement before which it is no longer in force: it was supposed

    def holds(self, at: int) -> bool:
        """Whether it is in force at a statement."""
        return self.at <= at and (self.until is None or at < self.until)


@dataclass
class Understanding:
    """Everything that judging leans on."""

    document: Document
    symbols: Symbols
    elaborator: Elaborator
    definitions: list[Definition] = field(default_factory=list)
    numbers: list[Definition] = field(default_factory=list)
    restated: list[Definition] = field(default_factory=list)
    directions: list[Definition] = field(default_factory=list)  # what a step goes along, if not the gradient: momentum
    loss: str | None = None
    shapes: dict[str, tuple[str, str]] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    counted_sizes: frozenset[str] = frozenset()  # those that the document fixes: it names or sums so many entries
    axes: Axes = field(default_factory=Axes)
    strict: bool = False
    scalars: bool = False
    assumptions: list[Assumption] = field(default_factory=list)
    positive: frozenset[str] = frozenset()
    shares: frozenset[str] = frozenset()  # data that add up to 1 over the units
    signs: frozenset[str] = frozenset()  # labels that are -1 or 1
    bits: frozenset[str] = frozenset()  # labels that are 0 or 1; a formula that holds for any number is a stronger one
    bits_count: bool = False
    layer_range: tuple[int, int] | None = None
    generic: bool = False  # nothing says what the loss is: a generic function of the output stands for it
    later: bool = False  # 1/n is taken in the gradients of the parameters only: dZ is n times the derivative
    weights: tuple[str, ...] = ()
    biases: tuple[str, ...] = ()
    inferred: bool = True
    stated: dict[str, tuple[str, str]] = field(default_factory=dict)
    stated_sizes: dict[str, str] = field(default_factory=dict)

    def refine(self) -> None:
        """Of two equal definitions the finer one counts: `f = 1/s` with `s = 1 + v` before the formula in one piece."""
        for again in self.restated:
            try:
                definitions = self.definitions_at(again.at)
                world = self.world(again.at, Machine)
                reading = Reader(world, self.axes).readings(again.term)[0]
                before = world.quantity(again.key)
            except (Misfit, Unknown, Undefined, IndexError):
                continue
            more = sum(r.key in definitions for r in references_in(again.term)) > sum(
                r.key in definitions for r in references_in(definitions[again.key])
            )
            same = (
                reading.value.array.shape == before.array.shape
                and Machine.distance(reading.value.array, before.array) < 1e-9
            )
            circle = any(world.depends(r.key, again.key) for r in references_in(again.term))
            if more and same and not circle:
                self.definitions = [
                    again if d.key == again.key and d.term == definitions[again.key] else d for d in self.definitions
                ]
                self.definitions = [replace(d, at=min(d.at, again.at)) if d is again else d for d in self.definitions]
                self._forget()

    def put(self, adjoints: Mapping[str, Term]) -> None:
        r"""Derivatives for the names that stand for them: `G = U \odot g'(Z)` where U is dJ/dA."""
        before = self.definitions
        for key, adjoint in adjoints.items():
            self.definitions = [replace(d, term=replaced(d.term, Part(key, ()), adjoint)) for d in self.definitions]
        if self.definitions != before:
            self._forget()

    def _forget(self) -> None:
        """What was worked out from the definitions, as they change."""
        for cached in ("_timeline", "_changing", "_worlds", "_readers", "at_other_sizes"):
            self.__dict__.pop(cached, None)

    @cached_property
    def sums_implied(self) -> bool:
        """Whether the document sums over repeated indices without a sign, in its equations or by its own word."""
        words = " ".join(s.text for s in self.document.sentences)
        if CONVENTION.search(words):
            return not NO_CONVENTION.search(words)
        backward = next((n for n, s in enumerate(self.document.statements) if any(s.of_kind(Derivative))), None)
        forward = (
            d for d in self.definitions if backward is None or d.at < backward
        )  # on the way back a sum may be lost
        return any(_open_letters(d.term) - set(d.indices) for d in forward)

    # --- definitions by place ---
    @cached_property
    def capitals(self) -> dict[str, str]:
        """The A[1] of a[1], where the document defines A₁ though it says a₁ elsewhere."""
        found: dict[str, str] = {}
        for definition in self.definitions:
            name = name_of(self.document.statements[definition.at].sides[0].node)
            base = base_of(definition.key)
            if name is not None and name.base != base and self.symbols.folds.get(name.base) == base:
                found[definition.key] = name.base + definition.key[len(base) :]
        return found

    @cached_property
    def _timeline(self) -> dict[str, list[Definition]]:
        found: dict[str, list[Definition]] = defaultdict(list)
        for definition in sorted(self.definitions, key=lambda d: d.at):
            bound = frozenset(definition.term.indices if isinstance(definition.term, Gathered) else ())
            found[definition.key].append(replace(definition, term=_with_implied_sums(definition.term, bound)))
        return dict(found)

    def definitions_at(self, at: int) -> dict[str, Term]:
        """The definition of every quantity for a statement."""
        chosen = {}
        for key, entries in self._timeline.items():
            before = [d for d in entries if d.holds(at)]
            if before or not entries[0].is_late:
                chosen[key] = (before[-1] if before else entries[0]).term
        return chosen

    def with_loss(self, change: Callable[[Term], Term]) -> Understanding:
        """What the document would be about with another loss."""
        return self.with_definitions(
            replace(d, term=change(d.term)) if d.key == self.loss else d for d in self.definitions
        )

    def with_definitions(self, definitions: Iterable[Definition]) -> Understanding:
        """What the document would be about with other premises; asked for again, the same, with all that was worked out for it."""
        changed = tuple(definitions)
        found = self._variants.get(changed)
        if found is None:
            found = self._variants[changed] = replace(self, definitions=list(changed))
        return found

    @cached_property
    def _variants(self) -> dict[tuple[Definition, ...], Understanding]:
        return {}

    def nowhere_defined(self, key: str) -> str:
        """Why a quantity has no formula, in words: there is none, or the line with it could not be used."""
        name = f"the loss {shown_name(key)}" if key == self.loss else shown_name(key)
        line = self._lines_about.get(key)
        if line is None:
            return f"{name} is nowhere defined"
        return f"what line {line} says of {name} could not be taken for its formula"

    @cached_property
    def _lines_about(self) -> dict[str, int]:
        """The first line that says what a quantity is, in other quantities than itself: the search asks for it at every try."""
        found: dict[str, int] = {}
        for statement in self.document.statements:
            if len(statement.sides) > 1 and not statement.is_continued:
                left, *rights = (self._keys_in(side.node) for side in statement.sides)
                if len(left) == 1 and not any(left[0] in right for right in rights):
                    found.setdefault(left[0], statement.line)
        return found

    def _keys_in(self, node: Node) -> list[str]:
        """The quantities that are written in a tree."""
        found = []
        for part in [node] if isinstance(node, (Name, Scripted)) else [*of_kind(node, Name), *of_kind(node, Scripted)]:
            with contextlib.suppress(LayerOpen):
                reference = self.elaborator.reference(part)
                found += [reference.key] if reference is not None else []
        return found

    def epoch(self, at: int) -> tuple[int, ...]:
        """What tells apart places with different definitions."""
        return tuple(
            max((i for i, d in enumerate(entries) if d.holds(at)), default=-entries[0].is_late)
            for entries in self._changing
        )

    @cached_property
    def _changing(self) -> list[list[Definition]]:
        """The quantities with several definitions, or one that comes late."""
        return [entries for entries in self._timeline.values() if len(entries) > 1 or entries[0].is_late]

    @cached_property
    def vectors(self) -> frozenset[str]:
        """Quantities that are given with several entries: `v_1 = (0.2, 0)` is no entry of v."""
        return frozenset(n.key for n in self.numbers if isinstance(n.term, Stack) and not n.indices)

    def direction_of(self, key: str, at: int) -> tuple[str, int] | None:
        """The quantity that steps of a parameter go along at a statement, and the sign of the gradient in it."""
        for direction in reversed(self.directions):
            found = gradient_in(direction.term, self.loss) if direction.at <= at else None
            if found is not None and found[1].key == key:
                return direction.key, found[0]
        return None

    # --- worlds of general sizes ---
    @cached_property
    def at_other_sizes(self) -> Understanding:
        """The same at other sizes: a 2 that is how many outputs there are here is another number there."""
        fixed = self.counted_sizes
        return replace(
            self, sizes={d: size + 1 if size > 1 and d not in fixed else size for d, size in self.sizes.items()}
        )

    def world(self, at: int, arithmetic: Arithmetic, seed: int = 0) -> World:
        """A world at general sizes, for the definitions in force at a statement."""
        key = (self.epoch(at), arithmetic.name, seed)
        found = self._worlds.get(key)
        if found is None:
            found = self._built(at, arithmetic, seed)
            self._worlds[key] = found
        return found

    @cached_property
    def _worlds(self) -> dict[tuple[tuple[int, ...], str, int], World]:
        return {}

    def reader(self, at: int, lenient: bool, without: frozenset[str] = frozenset()) -> Reader:
        """A reader of sloppy products at a statement."""
        key = (self.epoch(at), lenient, without)
        found = self._readers.get(key)
        if found is None:
            found = Reader(self.world(at, Machine), self.axes, lenient, without=without)
            self._readers[key] = found
        return found

    @cached_property
    def _readers(self) -> dict[tuple[tuple[int, ...], bool, frozenset[str]], Reader]:
        return {}

    def learn_ones(self) -> None:
        r"""The size of `\mathbf 1_m` as the equations need it: `b \mathbf 1_m^T` is as wide as there are samples."""
        found: dict[str, str] = {}
        resolved = self.world(0, Machine).definitions
        for key, term in self.definitions_at(0).items():
            labels = [p.label for p in everything_in(term) if isinstance(p, OnesOf)]
            ones = [p for p in everything_in(resolved[key]) if isinstance(p, Ones)] if key in resolved else []
            if len(labels) == len(ones):
                for label, one in zip(labels, ones, strict=True):
                    found.setdefault(label, one.rows if one.columns == "1" else one.columns)
        self.axes.ones = found
        self._readers.clear()

    def _built(self, at: int, arithmetic: Arithmetic, seed: int) -> World:
        definitions = self.definitions_at(at)
        free = [k for k in self.shapes if k not in definitions]
        values = self.values(free, arithmetic, seed)
        world = World(Point(arithmetic, values, self.sizes), {})
        self._resolve(world, definitions, at, arithmetic)
        return world

    def values(self, keys: list[str], arithmetic: Arithmetic, seed: int = 0) -> dict[str, Array]:
        """Random values for quantities that nothing defines: rational, the same in both number systems."""
        out = {}
        for key in keys:
            rows, columns = (self.sizes.get(d, 0) or (int(d) if d.isdigit() else 0) for d in self.shapes[key])
            if not rows or not columns:
                continue
            name = key.removesuffix(COPY)
            entries = _drawn(f"{seed} {name}", rows * columns, name in self.positive)
            if name in self.signs:
                entries = tuple(Fraction(1 if e > 0 else -1) for e in _drawn(f"{seed} {name}", rows * columns, False))
            if self.bits_count and name in self.bits:
                entries = tuple(Fraction(int(e > 0)) for e in _drawn(f"{seed} {name}", rows * columns, False))
            if name in self.shares:
                entries = tuple(_shares(entries, rows, columns, self.axes.unit_axis))
                if name.startswith(HOT):
                    entries = tuple(Fraction(e == max(entries)) for e in entries)  # of the label of one sample
            array = arithmetic.zeros((rows, columns))
            for k, value in enumerate(entries):
                array[k // columns, k % columns] = arithmetic.number(value)
            out[key] = array
        return out

    def _resolve(self, world: World, definitions: Mapping[str, Term], at: int, arithmetic: Arithmetic) -> None:
        """Definitions with their products decided, in the order in which they need each other."""
        resolved: dict[str, Term] = {}
        reader = Reader(world, self.axes)
        world.definitions = resolved
        if arithmetic is not Machine:
            machine = self.world(at, Machine)
            resolved.update(machine.definitions)
            return
        pending = dict(definitions)
        for _ in range(len(pending) + 1):
            progress = False
            for key, term in list(pending.items()):
                needs = {r.key for r in references_in(term)} - {key, "ones", "identity", "#index"}
                if needs & set(pending):
                    continue
                del pending[key]
                progress = True
                chosen = self._chosen(reader, key, term)
                if chosen is not None:
                    resolved[key] = chosen
            if not pending or not progress:
                break

    def _chosen(self, reader: Reader, key: str, term: Term) -> Term | None:
        try:
            readings = reader.readings(term)
        except (Misfit, Unknown, Undefined):
            try:
                readings = Reader(reader.world, self.axes, lenient=True).readings(term)
            except (Misfit, Unknown, Undefined):
                return None
        shape = self.shapes.get(key)
        wanted = tuple(self.sizes.get(d, 1) for d in shape) if shape else None
        best = readings[0]
        for reading in readings:
            if key == self.loss and reading.value.is_scalar and not reading.value.letters:
                best = reading
                break
            if wanted is not None and reading.value.shape == wanted and not reading.value.letters:
                best = reading
                break
        out = best.term
        if key == self.loss and (not best.value.is_scalar or best.value.letters):
            out = SumOver("all", out)
        return out

    @property
    def shapes_of_data(self) -> set[str]:
        """Quantities that are more than a number."""
        return {k for k, shape in self.shapes.items() if shape != (SCALAR_DIM, SCALAR_DIM)}


def gradient_in(term: Term, loss: str | None) -> tuple[int, Part | Ref] | None:
    """The sign of the gradient of the loss that is a summand, perhaps with a factor, and what it is a gradient by."""
    for sign, part in term.terms if isinstance(term, Add) else ():
        for factor in (part, *parts_of(part)):
            if isinstance(factor, Jacobian) and factor.top == Part(loss or "", ()):
                return sign, factor.bottom
    return None


def copy_of(key: str) -> str:
    """The name of a quantity with the same values that no derivative by the original reaches."""
    return key + COPY


@lru_cache(maxsize=1024)
def _drawn(seed: str, count: int, positive: bool) -> tuple[Fraction, ...]:
    """Numbers that a name always gets, whatever the document."""
    draw = random.Random(seed)
    return tuple(
        Fraction(draw.randint(100, 900), 1009) * (1 if positive or draw.random() < 0.5 else -1) for _ in range(count)
    )


def _shares(entries: Sequence[Fraction], rows: int, columns: int, unit_axis: str) -> list[Fraction]:
    """Entries made positive and adding up to 1 over the units of every sample."""
    grid = [[abs(entries[i * columns + j]) for j in range(columns)] for i in range(rows)]
    if (unit_axis == "rows" and rows > 1) or columns == 1:
        totals = [sum(grid[i][j] for i in range(rows)) for j in range(columns)]
        return [grid[i][j] / totals[j] for i in range(rows) for j in range(columns)]
    return [grid[i][j] / sum(grid[i]) for i in range(rows) for j in range(columns)]


def _with_implied_sums(term: Term, bound: frozenset[str | int | None]) -> Term:
    """`V_{kj} h_j` of a layer: summed over the letter that two factors have, and the left side has not."""
    match term:
        case Sloppy(factors, _):
            letters = [_open_letters(factor) for factor in factors]
            twice = {x for k, found in enumerate(letters) for x in found if any(x in more for more in letters[:k])}
            for letter in sorted(twice - bound):
                term = SumOver(f"letter:{letter}", term)
            return term
        case SumOver() | Part() | Jacobian():
            return term
    return mapped(term, lambda part: _with_implied_sums(part, bound))


def _open_letters(term: Term) -> set[str]:
    """Index letters that no sum binds."""
    match term:
        case Part(_, indices):
            return {i for i in indices if isinstance(i, str)}
        case SumOver(along, body):
            return _open_letters(body) - {along.removeprefix("letter:")}
        case Gathered(body, indices):
            return _open_letters(body) - set(indices)
    return set().union(*(_open_letters(part) for part in parts_of(term)))
