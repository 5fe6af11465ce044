"""The code of one training run: which form fits a network, a batch size and a number of steps, and how to run it.

Four forms, one result (to rounding). `python`: the network as plain numbers, for a few hundred operations a step.
`numpy`: buffers and BLAS. `c`: plain numbers for a vector of samples, compiled. `readable`: the function that people
read, for whatever the others cannot express. The cost model that chooses is at the top; its figures were measured on
one machine and matter only where two forms are within a factor two of each other.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import repeat
from typing import Any

import numpy as np

from symderiv.calculus.model import Model
from symderiv.calculus.shapes import Size
from symderiv.calculus.sweep import derive
from symderiv.compute import arrays, c_blocks, c_source, loops
from symderiv.compute.algebra import RATE, CannotLower, arranged, complemented, scaled_by_rate
from symderiv.compute.binding import Array
from symderiv.compute.functions import NumpyFunction, load
from symderiv.compute.layouts import Folded, fold_biases, in_columns, pair_as_logit, with_units
from symderiv.compute.program import Program, program_of
from symderiv.compute.scalars import Place, Unrolled, unroll
from symderiv.compute.storage import Storage
from symderiv.compute.tape import Tape, lower
from symderiv.compute.updates import CONSTANTS, Update, apply_update
from symderiv.errors import ModelError

PYTHON_OPERATION = 14e-9
"""Seconds of one operation on Python floats."""
NUMPY_CALL, NUMPY_ENTRY = 0.6e-6, 0.5e-9
"""Seconds of a NumPy call, and of one entry in it."""
C_OPERATION, C_COMPILE = 0.15e-9, 0.3
"""Seconds of one operation on one sample in C, and of compiling."""
MOST_UNROLLED = 400
"""Operations of a sample that C code is worth writing out one by one for."""

BACKENDS = ("auto", "numpy", "c")


@dataclass(frozen=True)
class Plan:
    """What a run computes: the model (with a sample axis), its sizes, the batch size, the update rule and its rate.

    batch: samples of a step; None for all of them.
    """

    model: Model
    samples: Size | None
    sizes: Mapping[str, int]
    hypers: Mapping[str, float]
    rule: Update
    rate: float
    batch: int | None


class Engine:
    """Code that makes steps: `theta` and `states` change in place.

    backend: the form in use; source: its code; why: why not the one that was asked for, if so.
    """

    backend = "readable"
    source = ""
    why = ""

    def __init__(self, plan: Plan, data: Mapping[str, Array], storage: Storage) -> None:
        self.plan, self.data, self.storage = plan, data, storage
        self.states = [np.zeros_like(storage.theta) for _ in plan.rule.states]

    @cached_property
    def function(self) -> NumpyFunction:
        """The readable function of the loss and its gradients, for what is not a step or cannot be a fast one."""
        return NumpyFunction(program_of(derive(self.plan.model)))

    def run(self, order: Array | None, steps: int, first: int) -> float:
        """Make steps number `first` and on; `order` holds the indices of each step's samples, None for all of them.

        Returns: the loss of the last step, before its update.
        """
        raise NotImplementedError


def readable_step(engine: Engine, chosen: Array | None, t: int) -> tuple[float, dict[str, Array]]:
    """One step with the readable function, which neither overflows nor needs any particular form."""
    plan, storage = engine.plan, engine.storage
    with np.errstate(all="ignore"):
        loss, gradients = engine.function(**taken(plan, engine.data, chosen), **storage.values(), **plan.hypers)
    for name, gradient in gradients.items():
        storage.part(name, gradient=True)[...] = gradient
    g = storage.gradient * plan.rate if plan.rule.scaled else storage.gradient
    with np.errstate(all="ignore"):
        apply_update(plan.rule, storage.theta, g, engine.states, t, plan.rate)
    return loss, gradients


def taken(plan: Plan, data: Mapping[str, Array], chosen: Array | None) -> dict[str, Array]:
    """The data of some samples."""
    if chosen is None or plan.samples is None:
        return dict(data)
    found = {}
    for symbol in plan.model.data:
        if symbol.name in data:
            axis = symbol.shape.index(plan.samples)
            found[symbol.name] = np.take(data[symbol.name], chosen, axis=axis)
    return found


class ReadableEngine(Engine):
    """Steps with the readable function."""

    def __init__(self, plan: Plan, data: Mapping[str, Array], storage: Storage, why: str = "") -> None:
        super().__init__(plan, data, storage)
        self.source, self.why = self.function.source, why

    def run(self, order: Array | None, steps: int, first: int) -> float:
        loss = 0.0
        for k in range(steps):
            loss, _ = readable_step(self, None if order is None else order[k], first + k)
        return loss


@dataclass
class _Prepared:
    """A model in the form that fast code is written from."""

    storage: Storage
    program: Program
    columns: dict[str, Array]
    sizes: dict[str, int]
    pair: arrays.Pair | None
    places: dict[str, Place]
    pairs: dict[str, tuple[Place, Place]]


def layout(plan: Plan) -> tuple[Storage, Model, frozenset[str]]:
    """Where the parameters of a plan are stored, the folded model in columns, and what was transposed for it.

    Raises: CannotLower if the model has no sample axis.
    """
    if plan.samples is None:
        raise CannotLower("the model has no sample axis")
    model = with_units(plan.model, {k: v for k, v in plan.sizes.items() if k != plan.samples.name})
    model, flipped = in_columns(model, plan.samples)
    folded = fold_biases(model)
    numbers = {name: int(name) for name in folded.model.sizes if name.isdigit()}
    return Storage(plan.model, folded, flipped, {**plan.sizes, **numbers}), folded.model, flipped


def _prepare(plan: Plan, data: Mapping[str, Array]) -> _Prepared:
    storage, folded, flipped = layout(plan)
    assert plan.samples is not None
    sizes = {**storage.sizes, plan.samples.name: plan.batch or plan.sizes[plan.samples.name]}
    columns = {
        s.name: np.ascontiguousarray(data[s.name].T if s.name in flipped else data[s.name])
        for s in folded.data
        if s.name in data
    }
    paired = pair_as_logit(folded, sizes)
    if paired is not None and not all(
        np.allclose(columns[t].sum(axis=0), 1, rtol=0, atol=1e-12) for t in paired.targets
    ):
        paired = None
    program = program_of(derive(paired.model if paired else folded))
    places: dict[str, Place] = {}
    start = 0
    for name, view in storage.views.items():
        places[name] = _row_major(start, view.shape[1])
        start += view.size
    pairs: dict[str, tuple[Place, Place]] = {}
    if paired:
        whole = places[paired.weights]
        pairs[paired.difference] = (lambda i, j: whole(0, j)), (lambda i, j: whole(1, j))
        for target in paired.targets:
            columns[target] = np.ascontiguousarray(columns[target][:1])
    pair = arrays.Pair(paired.weights, paired.difference) if paired else None
    return _Prepared(storage, program, columns, sizes, pair, places, pairs)


def _row_major(start: int, columns: int) -> Place:
    return lambda i, j: start + i * columns + j


def _numbers(plan: Plan, *, with_rate: bool) -> dict[Any, float]:
    numbers: dict[Any, float] = {symbol: float(plan.hypers[symbol.name]) for symbol in plan.model.hypers}
    return {**numbers, RATE: plan.rate} if with_rate else numbers


class NumpyEngine(Engine):
    """Steps in generated NumPy code over buffers."""

    backend = "numpy"

    def __init__(self, plan: Plan, data: Mapping[str, Array], ready: _Prepared, tape: Tape) -> None:
        super().__init__(plan, data, ready.storage)
        names = list(ready.columns)
        batches = names if plan.batch is not None else []
        self.source = arrays.write_steps(tape, names, batches, ready.pair, plan.rule)
        storage = ready.storage
        given: dict[str, Any] = {}
        for name, columns in ready.columns.items():
            rows, count = columns.shape[0], plan.batch or columns.shape[1]
            whole = np.ones((rows + 1, count))
            given[f"{name}_ones"], given[name] = whole, whole[1:]
            if plan.batch is None:
                whole[1:] = columns
            else:
                given[f"gather {name}"] = _gatherer(columns, whole[1:])
        for name, view in storage.views.items():
            given[name], given[f"gradient of {name}"] = view, storage.gradients[name]
        if ready.pair is not None:
            given[ready.pair.difference] = np.empty((1, storage.views[ready.pair.weights].shape[1]))
            given[f"gradient of {ready.pair.difference}"] = storage.gradients[ready.pair.weights][:1]
        namespace = load(self.source)
        namespace.update(CONSTANTS, RATE=plan.rate)
        if plan.rule.before:  # of the rules, Adam alone needs room to work in
            namespace.update(u=np.empty_like(storage.theta), w=np.empty_like(storage.theta))
        self._run = namespace["build"](given, storage.theta, storage.gradient, self.states)

    def run(self, order: Array | None, steps: int, first: int) -> float:
        with np.errstate(all="ignore"):
            return float(self._run(steps if order is None else order, first))


def _gatherer(columns: Array, out: Array) -> Any:
    """Copies the chosen samples into the buffer: from rows where a sample is long, which memory likes better."""
    if len(columns) >= 32:
        rows = np.ascontiguousarray(columns.T)
        held = np.empty((out.shape[1], len(columns)))

        def from_rows(chosen: Array) -> None:
            rows.take(chosen, 0, held, "clip")
            out[...] = held.T

        return from_rows
    held = np.empty(out.shape)

    def from_columns(chosen: Array) -> None:
        columns.take(chosen, 1, held, "clip")
        out[...] = held

    return from_columns


class PythonEngine(Engine):
    """Steps on plain Python numbers."""

    backend = "python"

    def __init__(self, plan: Plan, data: Mapping[str, Array], ready: _Prepared, unrolled: Unrolled) -> None:
        super().__init__(plan, data, ready.storage)
        count = ready.sizes[plan.samples.name] if plan.samples else 1
        self.source = loops.write_loop(unrolled, plan.rule, plan.rate, count)
        self.table = list(zip(*(row.tolist() for name in unrolled.data for row in ready.columns[name]), strict=True))
        self.single = count == 1
        # Picking by an index array is done in C; a table of tuples has no such way of its own.
        self.objects = np.empty(len(self.table), dtype=object)
        self.objects[:] = self.table
        self._run = load(self.source)["run"]

    def run(self, order: Array | None, steps: int, first: int) -> float:
        theta, states = self.storage.theta, self.states
        if order is None:
            todo: Any = repeat(self.table[0] if self.single else self.table, steps)
        elif self.single:
            todo = iter(self.objects.take(order[:, 0]).tolist())
        else:
            todo = iter(self.objects.take(order).tolist())
        loss = 0.0
        while operator.length_hint(todo):
            left = operator.length_hint(todo)
            values, carried, loss, failed = self._run(
                theta.tolist(), [s.tolist() for s in states], todo, first + steps - left
            )
            theta[...] = values
            for state, carry in zip(states, carried, strict=True):
                state[...] = carry
            if failed is None:
                break
            # exp left its range: this one step in the form that does not overflow.
            at = first + steps - operator.length_hint(todo) - 1
            loss, _ = readable_step(self, None if order is None else order[at - first], at)
        return float(loss)


class CEngine(Engine):
    """Steps in compiled C; `rows` says how many rows of which data matrix the source expects, in order."""

    backend = "c"

    def __init__(
        self, plan: Plan, data: Mapping[str, Array], ready: _Prepared, source: str, rows: Mapping[str, int]
    ) -> None:
        super().__init__(plan, data, ready.storage)
        self.source = source
        self._run = c_source.build(source)
        every = [row for name in rows for row in ready.columns[name]]
        self.available = len(every[0])
        # Whole vectors: the last one is filled up with copies of the first sample, whose values are as finite as any.
        self.stride = -(-self.available // c_source.WIDTH) * c_source.WIDTH
        room = np.empty(len(every) * self.stride + c_source.WIDTH)
        start = -room.ctypes.data // 8 % c_source.WIDTH
        self.rows = room[start : start + len(every) * self.stride].reshape(len(every), self.stride)
        for place, row in zip(self.rows, every, strict=True):
            place[: self.available], place[self.available :] = row, row[0]
        length = len(self.storage.theta)
        self.flat_states = np.zeros(max(1, len(self.states) * length))
        self.states = [self.flat_states[k * length : (k + 1) * length] for k in range(len(self.states))]

    def run(self, order: Array | None, steps: int, first: int) -> float:
        held = None if order is None else np.ascontiguousarray(order, dtype=np.int64)
        pointer = None if held is None else held.ctypes.data
        theta, states = self.storage.theta.ctypes.data, self.flat_states.ctypes.data
        return float(
            self._run(theta, states, self.rows.ctypes.data, pointer, self.available, self.stride, steps, first)
        )


@dataclass(frozen=True)
class _Offer:
    """One form that can make the steps: its name, seconds a step by the cost model, and what makes it."""

    form: str
    cost: float
    build: Callable[[], Engine]


def prepare(plan: Plan, data: Mapping[str, Array], steps: int, backend: str = "auto", form: str = "") -> Engine:
    """The code for a run of so many steps.

    form: the one form that will do ('python', 'numpy', 'c', 'readable'), for a run that was begun in it.

    backend: 'numpy' needs NumPy alone (plain Python where that is faster); 'c' compiles if it can; 'auto' compiles
    where that pays within the run.
    Raises: ModelError for an unknown backend.
    """
    if backend not in BACKENDS:
        raise ModelError(f"there is no backend {backend}", f"there is {', '.join(BACKENDS)}")
    try:
        ready = _prepare(plan, data)
    except CannotLower as reason:
        return ReadableEngine(plan, data, _plain_storage(plan), str(reason))
    if form == "readable":
        return ReadableEngine(plan, data, _plain_storage(plan))
    offers: list[_Offer] = []
    reasons: list[str] = []
    makers = {"numpy": _offer_numpy, "python": _offer_python, "c": _offer_c, "c blocks": _offer_c_blocks}
    # Every parameter takes an operation at least: where that alone costs more, nothing is written out in Python.
    least = PYTHON_OPERATION * len(ready.storage.theta) * _count(plan, ready)
    for kind, maker in makers.items():
        if kind.startswith("c") and backend == "numpy":
            continue
        if kind == "python" and any(offer.cost < least for offer in offers) and form != "python":
            continue
        try:
            offers.append(maker(plan, data, ready, steps))
        except CannotLower as reason:
            if not (kind == "python" and backend != "c"):
                reasons.append(str(reason))
    offers = [offer for offer in offers if form in ("", offer.form)]
    # Where C is asked for it comes first, whatever it costs; else the cheapest form does.
    offers.sort(key=lambda offer: (backend == "c" and offer.form != "c", offer.cost))
    why = "" if backend != "c" or (offers and offers[0].form == "c") else "; ".join(dict.fromkeys(reasons))
    for offer in offers:
        try:
            engine = offer.build()
        except (CannotLower, c_source.NoCompiler) as reason:
            why = str(reason)
            continue
        engine.why = why if backend == "c" and engine.backend != "c" else ""
        return engine
    return ReadableEngine(plan, data, _plain_storage(plan), "; ".join(dict.fromkeys(reasons)))


def _count(plan: Plan, ready: _Prepared) -> int:
    assert plan.samples is not None
    return ready.sizes[plan.samples.name]


def _program(plan: Plan, ready: _Prepared, *, with_rate: bool) -> Program:
    return complemented(scaled_by_rate(ready.program) if with_rate else ready.program)


def _offer_python(plan: Plan, data: Mapping[str, Array], ready: _Prepared, steps: int) -> _Offer:
    count = _count(plan, ready)
    unrolled = _unrolled(plan, ready, with_rate=plan.rule.scaled, fixed_rate=True)
    cost = PYTHON_OPERATION * len(unrolled.scalars.ops) * count
    return _Offer("python", cost, lambda: PythonEngine(plan, data, ready, unrolled))


def _offer_numpy(plan: Plan, data: Mapping[str, Array], ready: _Prepared, steps: int) -> _Offer:
    program = arranged(_program(plan, ready, with_rate=plan.rule.scaled), ready.sizes)
    tape = lower(program, ready.sizes, _numbers(plan, with_rate=True))
    entries = sum(node.shape[0] * node.shape[1] for node in tape.nodes)
    cost = NUMPY_CALL * len(tape.nodes) + NUMPY_ENTRY * entries
    return _Offer("numpy", cost, lambda: NumpyEngine(plan, data, ready, tape))


def _offer_c(plan: Plan, data: Mapping[str, Array], ready: _Prepared, steps: int) -> _Offer:
    count = _count(plan, ready)
    # For vectors that are not full the rate is an operation of its own, which holds their mask.
    masked = c_source.is_masked(count)
    unrolled = _unrolled(plan, ready, with_rate=masked or plan.rule.scaled, fixed_rate=not masked, hurry=count == 1)
    operations = len(unrolled.scalars.ops)
    if operations > MOST_UNROLLED:
        raise CannotLower("the network is too large to be written out number by number")
    gathered = plan.batch is not None and count > 1

    def build() -> Engine:
        source = c_source.write_c(unrolled, plan.rule, plan.rate, count, gathered)
        return CEngine(plan, data, ready, source, unrolled.data)

    return _Offer("c", C_OPERATION * operations * max(count, 8) + C_COMPILE / max(steps, 1), build)


def _offer_c_blocks(plan: Plan, data: Mapping[str, Array], ready: _Prepared, steps: int) -> _Offer:
    count = _count(plan, ready)
    if count < 2 * c_source.WIDTH:
        raise CannotLower("too few samples a step for blocks of vectors")
    assert plan.samples is not None
    masked = c_source.is_masked(count)
    starts = {name: place(0, 0) for name, place in ready.places.items()}
    pair = (ready.pair.weights, ready.pair.difference) if ready.pair else None
    source, rows, work = c_blocks.write_blocks(
        _program(plan, ready, with_rate=masked or plan.rule.scaled), plan.samples, ready.sizes,
        _numbers(plan, with_rate=False), plan.rate, starts, len(ready.storage.theta), plan.rule, count, plan.batch is not None, pair,
    )  # fmt: skip
    cost = C_OPERATION * work * count + C_COMPILE / max(steps, 1)
    return _Offer("c", cost, lambda: CEngine(plan, data, ready, source, rows))


def _unrolled(plan: Plan, ready: _Prepared, *, with_rate: bool, fixed_rate: bool, hurry: bool = False) -> Unrolled:
    assert plan.samples is not None
    if len(ready.storage.theta) > MOST_UNROLLED:
        raise CannotLower("the network is too large to be written out number by number")
    return unroll(
        _program(plan, ready, with_rate=with_rate), plan.samples, ready.sizes, _numbers(plan, with_rate=fixed_rate),
        plan.rate if plan.rule.scaled else 1.0, ready.places, _count(plan, ready), ready.pairs, hurry,
    )  # fmt: skip


def _plain_storage(plan: Plan) -> Storage:
    """Storage for the model as it stands: nothing folded, nothing transposed."""
    return Storage(plan.model, Folded(plan.model, {}), frozenset(), plan.sizes)
