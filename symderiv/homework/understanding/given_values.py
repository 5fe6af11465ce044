"""The values a document gives, in the order of the text: givens, values given anew, steps down the gradient.

A state is what holds at a line: the values before the latest steps, and after them. Each state has a generation, so that a
value printed for another one is not put in.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from symderiv.homework.reading import formulas as f
from symderiv.homework.reading.statements import Side
from symderiv.homework.understanding.arithmetic import Array
from symderiv.homework.understanding.literals import literal
from symderiv.homework.understanding.shapes import base_of
from symderiv.homework.understanding.symbols import HYPER_BASES
from symderiv.homework.understanding.understanding import Definition, Understanding

ONLINE_WORDS = (
    r"\bSGD\b|stochasti|\bonline\b|\bepoch|Epoche|(?:after|for|nach|für) (?:every|each|jede[mnrs]?) "
    r"(?:single )?(?:sample|example|pattern|point|Beispiel|Muster)|with the (?:new|updated) (?:w|b|weights|parameters|values)"
)
NEW_MARKS = ("new", "neu", "next", "updated", "nouveau", "nuevo", "plus", "+", "*", "upd")
DATA_BASES = frozenset({"x", "X", "y", "Y", "w", "W", "b", "B", "t", "theta", "v", "u", "U", "V", "i", "target"})
DATUM_BASES = frozenset({"x", "y", "t", "X", "Y", "target", "i", "in", "input"})
LOSS_NAMES = frozenset({"loss", "Loss", "LOSS", "error", "Error", "cost", "Cost", "err", "MSE", "BCE"})
STEP_WORDS = (
    r"updat|learning rate|gradient descent|new weight|new value|Lernrate|aktualisier|\bstep\b|descent|adjust|actualiz|"
    r"\bpaso\b|descenso|tasa de aprendizaje|Schritt\b|Gradientenabstieg|mise à jour|taux d.apprentissage"
)
NO_BIAS_WORDS = r"\bbias(?:es| terms| vectors)(?:[\s$=]|\b(?:are|all|both|set|initiali[sz]ed|start|equal|to|at)\b)+(?:zeros?\b|0(?![.\d]))"
AGAIN_WORDS = r"same (?:numbers|values|inputs|weights) (?:again|as before)|as before|original values"
RESTART_WORDS = (
    r"\bsame (?:start|initial|original)|\boriginal (?:values|weights|parameters)|\breset\b|"
    r"\bstart(?:ing)? (?:over|afresh|again from)|\bback (?:to|at) the (?:start|initial|original)"
)


@dataclass(frozen=True, slots=True)
class Event:
    """A printed value of a quantity without a formula. kind: 'given', 'again' (the same value), 'anew', 'step'."""

    key: str
    at: int
    indices: tuple[str | int, ...]
    value: Array
    kind: str
    target: str  # the quantity it is a value of: w for w_new


@dataclass
class State:
    """Values before the latest steps and after them; `since`: the first of these steps; `origin`: before all steps."""

    base: dict[str, Array] = field(default_factory=dict)
    pending: dict[str, Array] = field(default_factory=dict)
    since: int | None = None
    generation: int = 0
    origin: dict[str, Array] = field(default_factory=dict)

    def values(self, updated: bool) -> dict[str, Array]:
        """The values in force."""
        return {**self.base, **self.pending} if updated else dict(self.base)

    def copy(self) -> State:
        """A state of its own."""
        return State(dict(self.base), dict(self.pending), self.since, self.generation, dict(self.origin))


# the exact value of a quantity one step down the gradient, None if it cannot be worked out
Stepper = Callable[[int, str, tuple[str | int, ...], dict[str, Array], int], Array | None]


class GivenValues:
    """Sorts the numbers of a document into givens and steps, and keeps the state after each."""

    def __init__(
        self,
        understanding: Understanding,
        evaluate: Callable[[object], Array | None],
        step: Stepper,
        skipped: frozenset[str],
    ) -> None:
        self.understanding, self.evaluate, self.step, self.skipped = understanding, evaluate, step, skipped
        self.events: list[Event] = []
        self.states: list[tuple[int, State]] = []
        self._entries: dict[str, dict[tuple[int, ...], Array]] = {}
        self.bases: dict[tuple[int, str, tuple[str | int, ...]], tuple[dict[str, Array], bool]] = {}
        self._read()

    # --- asking ---
    def state(self, at: int) -> State:
        """What holds at a statement: values given there count, steps taken there do not."""
        after = bisect_right(self.states, at, key=lambda s: s[0])
        return self.states[after - 1][1] if after else self._first

    def event(self, key: str, at: int, indices: tuple[str | int, ...]) -> Event | None:
        """What a printed value of a quantity is at a statement."""
        return self._by_place.get((key, at, indices))

    @cached_property
    def _by_place(self) -> dict[tuple[str, int, tuple[str | int, ...]], Event]:
        return {(e.key, e.at, e.indices): e for e in reversed(self.events)}

    # --- reading ---
    @property
    def _loss_names(self) -> frozenset[str]:
        loss = self.understanding.loss
        return LOSS_NAMES - {loss} if loss is not None else frozenset()

    def _read(self) -> None:
        state = State()
        self._seen: dict[tuple[str, tuple[str | int, ...]], int] = {}
        restarts = self._restarts()
        for at, key, indices, value, last in self._numbers():
            while restarts and restarts[0] <= at:
                state = self._restarted(state, restarts.pop(0))
            event = self._classified(at, key, indices, value, last, state)
            self.events.append(event)
            if event.kind == "step":
                state = self._stepped(state, event)
                # a step counts from the next statement on
                self.states.append((at + 1, state))
            elif event.kind in ("given", "anew"):
                state = self._given(state, event)
                self.states.append((at, state))
            self._seen[key, indices] = at
        for at in restarts:
            state = self._restarted(state, at)
        self._first = self._before_all()
        self.states.sort(key=lambda s: s[0])

    def _restarts(self) -> list[int]:
        """The statements from which the values before all steps hold again, as the text says."""
        starts = sorted(s.span[0] for s in self.understanding.document.statements)
        sentences = self.understanding.document.sentences
        said = [s.span[0] for s in sentences if re.search(RESTART_WORDS, s.text, re.IGNORECASE)]
        return sorted(bisect_left(starts, offset) for offset in said)

    def _restarted(self, state: State, at: int) -> State:
        """What holds after 'the same start': the steps taken so far are forgotten."""
        if state.since is None or state.since >= at:
            return state
        new = State(dict(state.origin), generation=state.generation + 2, origin=state.origin)
        self.states.append((at, new))
        return new

    def _before_all(self) -> State:
        """A value that is only given later holds from the start."""
        base: dict[str, Array] = {}
        for event in self.events:
            if event.kind == "given" and not event.indices:
                base.setdefault(event.key, event.value)
        for key, entries in self._entries.items():
            if key not in base and entries:
                assembled = _assembled(entries)
                if assembled is not None:
                    base[key] = assembled
        first = State(base)
        for _, state in self.states:
            for key, value in base.items():
                state.base.setdefault(key, value)
        return first

    def _numbers(self) -> list[tuple[int, str, tuple[str | int, ...], Array, Definition]]:
        """The last value of every chain of numbers of a quantity without a formula."""
        found: dict[tuple[int, str, tuple[str | int, ...]], tuple[Array, Definition]] = {}
        understanding = self.understanding
        for number in understanding.numbers:
            if (
                number.key in self.skipped
                or number.key in self._loss_names
                or number.key in understanding.definitions_at(number.at)
            ):
                continue
            if any(isinstance(i, str) for i in number.indices):
                continue
            value = self.evaluate(number.term)
            if value is not None:
                before = found.get((number.at, number.key, number.indices))
                if before is not None and not _near(before[0], value):
                    continue  # worked out wrongly: what was meant stands before it
                found[number.at, number.key, number.indices] = (value, number)
        return [
            (at, key, indices, value, number)
            for (at, key, indices), (value, number) in sorted(found.items(), key=lambda x: x[0][0])
        ]

    def _classified(
        self, at: int, key: str, indices: tuple[str | int, ...], value: Array, number: Definition, state: State
    ) -> Event:
        target = self._old_of(key, state)
        if target is not None:
            return Event(key, at, indices, value, "step", target)
        known = self._known(key, indices, state)
        if known is None:
            return Event(key, at, indices, value, "given", key)
        alike = known.size == value.size and np.allclose(np.ravel(known), np.ravel(value), rtol=1e-9, atol=1e-12)
        if alike and not self._is_small_step(at, key, known):
            return Event(key, at, indices, value, "again", key)
        kind = "step" if self._is_step(at, key, known, number) else "anew"
        return Event(key, at, indices, value, kind, key)

    def _known(self, key: str, indices: tuple[str | int, ...], state: State) -> Array | None:
        whole = state.pending.get(key, state.base.get(key))
        if whole is None and not indices:
            whole = self._entry(key, state)
        if not indices or whole is None:
            entries = self._entries.get(key, {})
            spot = tuple(i for i in indices if isinstance(i, int))
            return whole if not indices else entries.get(spot)
        place = self.spot(key, indices, whole)
        return None if place is None else whole[place[0] : place[0] + 1, place[1] : place[1] + 1]

    def _entry(self, key: str, state: State) -> Array | None:
        """`x_2` where x is a given vector."""
        head, _, mark = key.partition("[")
        whole = state.base.get(head)
        if whole is None or not mark[:-1].isdigit() or 1 not in whole.shape or not 1 <= int(mark[:-1]) <= whole.size:
            return None
        return np.array([[np.ravel(whole)[int(mark[:-1]) - 1]]]) if whole.size > 1 else None

    def spot(self, key: str, indices: tuple[str | int, ...], whole: Array) -> tuple[int, int] | None:
        """The row and column of an entry."""
        axes = self.understanding.axes
        numbers = [i for i in indices if isinstance(i, int)]
        low = (0 if key in axes.zero_rows else 1, 0 if key in axes.zero_columns else 1)
        if len(numbers) == 2:
            place = (numbers[0] - low[0], numbers[1] - low[1])
        elif len(numbers) == 1 and 1 in whole.shape:
            place = (numbers[0] - low[0], 0) if whole.shape[1] == 1 else (0, numbers[0] - low[1])
        else:
            return None
        inside = 0 <= place[0] < whole.shape[0] and 0 <= place[1] < whole.shape[1]
        return place if inside else None

    def _old_of(self, key: str, state: State) -> str | None:
        """w for w_new, w_1^+."""
        return next((old for old in names_before(key) if old in state.base), None)

    def _is_step(self, at: int, key: str, known: Array, number: Definition) -> bool:
        """Whether another value of a quantity is one step down the gradient: by its form, its sign, or the words about it."""
        if is_rate(key) or self._is_datum_line(at, key):
            return False
        statement = self.understanding.document.statements[at]
        if "->" in statement.relations or "<-" in statement.relations or ":=" in statement.relations:
            return True
        for side in statement.sides[1:]:
            if literal(side.node) is None and (_mentions(side, known) or _goes_on_from(statement.sides[0], side)):
                return True
        if base_of(key) in DATUM_BASES and any(
            base_of(k) not in DATUM_BASES and not is_rate(k) for k in self._given_keys()
        ):
            return False  # words about new weights say nothing of the data
        before = self._seen.get((key, number.indices), self._seen.get((key, ()), 0))
        return bool(re.search(STEP_WORDS, self._words_between(before, at), re.IGNORECASE))

    def _is_small_step(self, at: int, key: str, known: Array) -> bool:
        """`b := 0.4 - 0.1 * 0.0369 = 0.40`: a step, though its rounded result is the old value."""
        if is_rate(key) or self._is_datum_line(at, key):
            return False
        sums = [side for side in self.understanding.document.statements[at].sides[1:] if isinstance(side.node, f.Sum)]
        return any(len(s.node.terms) > 1 and _mentions(s, known) for s in sums if isinstance(s.node, f.Sum))

    def _is_datum_line(self, at: int, key: str) -> bool:
        """`x = 1, w_1 = 0.5, y = 0.5`: data on the same line, given anew."""
        line = self.understanding.document.statements[at].line
        near = (n for k in (line - 1, line, line + 1) for n in self._numbers_by_line[k])
        others = [n for n in near if n.key != key and n.at != at]
        return any(base_of(n.key) in DATUM_BASES and n.key in self._given_keys() for n in others)

    @cached_property
    def _numbers_by_line(self) -> dict[int, list[Definition]]:
        found: dict[int, list[Definition]] = defaultdict(list)
        for number in self.understanding.numbers:
            found[number.line].append(number)
        return found

    def _given_keys(self) -> set[str]:
        return {e.key for e in self.events if e.kind in ("given", "anew")}

    def _words_between(self, before: int, at: int) -> str:
        statements = self.understanding.document.statements
        low, high = statements[before].span[1], statements[at].span[0]
        inside = " ".join(s.text for s in self.understanding.document.sentences if low <= s.span[0] < high)
        return inside + " " + statements[at].lead

    def _given(self, state: State, event: Event) -> State:
        new = state.copy()
        if event.kind == "anew" and base_of(event.key) in DATUM_BASES and new.pending and event.key not in new.pending:
            if re.search(ONLINE_WORDS, self.understanding.document.text, re.IGNORECASE):
                new.base.update(new.pending)
                new.pending, new.since = {}, None
            new.generation += 2  # else the next sample may be met with the new weights or with the old ones
        elif event.kind == "anew":
            new.pending, new.since = {}, None
            new.generation += 2
        if event.indices:
            whole = new.base.get(event.key)
            place = None if whole is None else self.spot(event.key, event.indices, whole)
            if whole is not None and place is not None:
                changed = whole.copy()
                changed[place] = float(event.value.item()) if event.value.size == 1 else np.nan
                new.base[event.key] = changed
            elif event.value.size == 1:
                self._entries.setdefault(event.key, {})[tuple(i for i in event.indices if isinstance(i, int))] = (
                    event.value
                )
                assembled = _assembled(self._entries[event.key])
                if assembled is not None:
                    new.base[event.key] = assembled
        else:
            new.base[event.key] = event.value
        if new.origin and event.key in new.base:
            new.origin[event.key] = new.base[event.key]
        return new

    def _stepped(self, state: State, event: Event) -> State:
        new = state.copy()
        steps = [e for e in self.events[:-1] if e.kind == "step" and self._in(new, e)]
        again = any(e.target == event.target and e.indices == event.indices for e in steps)
        is_second = again and event.target in new.pending
        if is_second:  # a second step of the same quantity: the first ones are done
            new.base.update(new.pending)
            new.pending, new.since = {}, None
            new.generation += 1
        if new.since is None:
            new.since = event.at
        for key, value in new.base.items():
            new.origin.setdefault(key, value)
        self.bases[event.at, event.target, event.indices] = (dict(new.base), is_second)
        exact = self.step(event.at, event.target, event.indices, dict(new.base), new.generation)
        value = event.value if exact is None else exact
        whole = new.pending.get(event.target, new.base.get(event.target))
        if event.indices and whole is not None:
            place = self.spot(event.target, event.indices, whole)
            changed = whole.copy()
            if place is not None and value.size == 1:
                changed[place] = float(value.item())
            value = changed
        elif whole is not None and value.shape != whole.shape and value.size == whole.size:
            value = value.reshape(whole.shape)
        new.pending[event.target] = value
        if event.key != event.target:
            new.pending[event.key] = value
        return new

    @staticmethod
    def _in(state: State, event: Event) -> bool:
        return state.since is not None and event.at >= state.since

    def model_changed(self, low: int, at: int) -> bool:
        """Whether the document says something new about the model between two statements, or takes its numbers again."""
        if any(low < d.at <= at for d in self.understanding.definitions):
            return True
        return bool(re.search(AGAIN_WORDS, self._words_between(low, at), re.IGNORECASE))


def names_before(key: str) -> Iterator[str]:
    """What a quantity with a mark of the time after a step is called before it: w, w_old for w_new."""
    if "[" not in key:
        return
    head, mark = key[:-1].split("[", 1)
    for word in NEW_MARKS:
        if word in mark:
            rest = mark.replace(word, "").strip(",")
            yield f"{head}[{rest}]" if rest else head
            yield f"{head}[{rest + ',' if rest else ''}old]"
            yield f"{head}[old]"


def _near(left: Array, right: Array) -> bool:
    return left.size == right.size and bool(np.allclose(np.ravel(left), np.ravel(right), rtol=0.02, atol=1e-9))


def is_rate(key: str) -> bool:
    """A learning rate or penalty: `alpha`, but not the layer `alpha^1`."""
    return base_of(key) in HYPER_BASES and "[" not in key


def _goes_on_from(left: Side, right: Side) -> bool:
    """`b = b - alpha dJ/db`: the right side begins with what stands on the left."""
    terms = right.node.terms if isinstance(right.node, f.Sum) else ()
    return len(terms) > 1 and terms[0][0] > 0 and terms[0][1] == left.node


def _mentions(side: Side, known: Array) -> bool:
    """Whether a side begins with the old value, as a step does: `2 - 0.1 (..)`."""
    numbers = {abs(float(n.value)) for n in f.walk(side.node) if isinstance(n, f.Number)}
    return all(any(abs(abs(float(k)) - n) <= 1e-9 + 1e-6 * n for n in numbers) for k in np.ravel(known))


def _assembled(entries: dict[tuple[int, ...], Array]) -> Array | None:
    """A matrix or column from its entries, if none is missing."""
    if not entries or len({len(k) for k in entries}) != 1 or any(v.size != 1 for v in entries.values()):
        return None
    two = len(next(iter(entries))) == 2
    low = [min(k[a] for k in entries) for a in range(2 if two else 1)]
    high = [max(k[a] for k in entries) for a in range(2 if two else 1)]
    shape = high[0] - low[0] + 1, high[1] - low[1] + 1 if two else 1
    if shape[0] * shape[1] != len(entries):
        return None
    out = np.zeros(shape)
    for spot, value in entries.items():
        out[spot[0] - low[0], spot[1] - low[1] if two else 0] = float(value.item())
    return out
