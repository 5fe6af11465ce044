"""Training: steps of an update rule over data, with a history, checkpoints, and an honest end when numbers run away."""

from __future__ import annotations

import operator
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import sympy

from symderiv.calculus.derivation import Derivation
from symderiv.calculus.expressions import Augment, Broadcast, Expr, Map, MatMul, Symbol, Transpose, parts_of
from symderiv.calculus.formats import Writable
from symderiv.calculus.functions import placeholder
from symderiv.calculus.model import Model
from symderiv.compute.binding import Array, bind
from symderiv.compute.engine import Engine, Plan, prepare, readable_step, taken
from symderiv.compute.functions import NumpyFunction, load
from symderiv.compute.layouts import sample_size
from symderiv.compute.program import code_names
from symderiv.compute.source import output_of, targets_of, write_trace
from symderiv.compute.updates import find_update
from symderiv.errors import DataError, ModelError, TrainingError
from symderiv.training.checkpoints import Checkpoint, fingerprint, form_of, load_checkpoint, remove_leftovers, save
from symderiv.training.data import check_labels, split, with_samples

WIDTH = 8
"""What a size that the data do not settle, as the width of a hidden layer, is unless it is given."""
SAVE_SECONDS = 60.0
"""A checkpoint is never older than this, however many steps lie between two."""
CHUNK_SECONDS = 0.3
"""Steps between two looks at the parameters, the clock and the keyboard take about so long."""


@dataclass
class Run(Writable):
    """A finished (or interrupted) run.

    history: one row a record: step, training loss, validation loss (nan without), then the size (Frobenius norm) of each
    parameter's gradient; `columns` names them. parameters: in the shapes of the model. function: the readable function
    of the loss and its gradients.
    """

    model: Model
    parameters: dict[str, Array]
    history: Array
    columns: tuple[str, ...]
    steps: int
    seconds: float
    backend: str
    source: str
    why: str
    sizes: dict[str, int]
    settings: dict[str, Any]
    data: dict[str, Array] = field(repr=False)
    validation: dict[str, Array] = field(repr=False)
    hypers: dict[str, float]
    function: NumpyFunction = field(repr=False)
    classes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        held = f", validation loss {self.validation_loss:.6g}" if self.validation else ""
        return f"<Run: {self.steps} steps ({self.backend}), loss {self.history[0, 1]:.6g} to {self.loss:.6g}{held}>"

    def to_html(self, **options: Any) -> str:
        """One self-contained page: losses, pictures (if matplotlib is installed), settings, code; option: title."""
        return str(self.write("html", **options))

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/html": self.write("notebook"), "text/plain": self.write("text")}

    def accuracy(self, *, validation: bool = False) -> float | None:
        """The share of training (or validation) samples whose class is found; None where there are no classes."""
        found = self.decided(self.validation if validation else self.data)
        return None if found is None else float((found[1] == found[2]).mean())

    def decided(self, data: Mapping[str, Array]) -> tuple[Array, Array, Array] | None:
        """The inputs as rows, the classes of the samples and those that the network decides for; None without classes."""
        targets, output = targets_of(self.model), output_of(self.model)
        if len(self.inputs) != 1 or len(targets) != 1 or output is None or not data:
            return None
        samples = sample_size(self.model)
        y = data[targets[0].name]
        if targets[0].shape != output.shape or not np.isin(y, (0.0, 1.0)).all():
            return None
        x = data[self.inputs[0].name]
        parts = [(x, self.inputs[0]), (y, targets[0]), (self.predict(x), output)]
        x, y, p = (a if symbol.shape[0] == samples else a.T for a, symbol in parts)
        if y.shape[1] == 1:
            return x, y[:, 0].astype(int), (p[:, 0] > 0.5).astype(int)
        return x, y.argmax(axis=1), p.argmax(axis=1)

    @property
    def loss(self) -> float:
        """The training loss at the end."""
        return float(self.history[-1, 1])

    @property
    def validation_loss(self) -> float:
        """The validation loss at the end; nan if nothing was kept for validation."""
        return float(self.history[-1, 2])

    def predict(self, *inputs: Any, **named: Any) -> Array:
        """The output for new inputs, given by name or, if there is one input, as it is."""
        if inputs:
            free = [s.name for s in self.inputs]
            if len(free) != len(inputs):
                raise ModelError(f"the network takes {', '.join(free)}, not {len(inputs)} arrays")
            named = {**dict(zip(free, inputs, strict=True)), **named}
        return self.function.predict(**named, **self.parameters, **self.hypers)

    @property
    def inputs(self) -> tuple[Symbol, ...]:
        """The data that the output depends on."""
        output = output_of(self.model)
        needed: set[Expr] = {output} if output is not None else set()
        for equation in reversed(self.model.equations):
            if equation.symbol in needed:
                needed.update(equation.uses)
        return tuple(s for s in self.model.data if s in needed)


def train(
    model: Model | Derivation,
    data: Mapping[str, Any],
    *,
    steps: int = 1000,
    rate: float = 0.1,
    seed: int = 0,
    batch: int | None = None,
    optimizer: str = "gradient-descent",
    validation: float = 0.0,
    sizes: Mapping[str, int] | None = None,
    hypers: Mapping[str, float] | None = None,
    parameters: Mapping[str, Any] | None = None,
    shuffle: bool = True,
    backend: str = "auto",
    records: int = 200,
    checkpoint: Path | str | None = None,
    every: int | None = None,
    resume: bool = False,
    progress: Callable[[int, float], None] | None = None,
    watch: Callable[[int, dict[str, Array]], None] | None = None,
) -> Run:
    """Train a network: `steps` steps of the optimizer on `data`, arrays by the model's names.

    batch: samples of a step, drawn without replacement epoch by epoch (in order without `shuffle`); None for all.
    sizes: widths that the data do not settle; parameters: initial values, instead of seeded ones. validation: the share
    of samples kept apart. records: about how often the losses are written down. checkpoint: a file that is rewritten
    every `every` steps (and at the end), from which `resume` goes on to the same numbers. progress: called now and then
    with the step and the latest recorded loss; watch: called at every record with the step and the parameters.
    A model of one sample is trained on the mean loss of many.
    Raises: DataError, ModelError, ShapeError for what does not fit, TrainingError if a quantity is no longer finite.
    """
    if isinstance(model, Derivation):
        model = model.model
    if not model.parameters:
        raise ModelError("there is nothing to train: the model has no parameters")
    model, samples = with_samples(model)
    rule = find_update(optimizer)
    steps, seed, records = _whole("steps", steps), _whole("seed", seed), _whole("records", records)
    batch = None if batch is None else _whole("batch", batch)
    every = None if every is None else _whole("every", every)
    rate, validation = float(rate), float(validation)
    _check_numbers(steps=steps, rate=rate, batch=batch, every=every, records=records, seed=seed, validation=validation)
    _check_names("data matrix", data, [s.name for s in model.data])
    _check_names("parameter", parameters or {}, [s.name for s in model.parameters])
    _check_names("hyper-parameter", hypers or {}, [h.name for h in model.hypers])
    arrays, known = bind([s for s in model.data if s.name in model.relevant], dict(data))
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            raise DataError(f"{name} holds a value that is not finite")
    check_labels(model, arrays, "the data")
    if (batch is not None or validation) and any(s.shape == (samples, samples) for s in model.data if s.name in arrays):
        raise ModelError(
            "a data matrix has the samples along both axes", "train on all samples, without batch or validation"
        )
    training, kept = split(model, arrays, validation, seed)
    count = next(iter(training.values())).shape[_axis(model, next(iter(training)), samples)]
    if batch is not None and batch > count:
        raise DataError(f"a batch of {batch} is more than there are samples to train on, {count}")
    given = bind([s for s in model.parameters if s.name in (parameters or {})], dict(parameters or {}), known)[1]
    numbers = {name: int(name) for name in model.sizes if name.isdigit()}
    asked = _checked_sizes(model, sizes, {**given, **numbers})
    sizes = {**dict.fromkeys(model.sizes, WIDTH), **given, **asked, **numbers, samples.name: count}
    hypers = {symbol.name: float((hypers or {}).get(symbol.name, 0.01)) for symbol in model.hypers}
    if not all(map(np.isfinite, hypers.values())):
        raise ModelError(f"hyper-parameters must be finite, not {hypers}")
    place = Path(checkpoint) if checkpoint else None
    if place is not None:
        remove_leftovers(place)
    form = form_of(place) if resume and place is not None and backend == "auto" else ""
    plan = Plan(model, samples, sizes, hypers, rule, rate, None if batch == count and not shuffle else batch)
    engine = prepare(plan, training, steps, backend, form)
    start = initial_parameters(model, sizes, seed)
    start |= bind([s for s in model.parameters if s.name in (parameters or {})], dict(parameters or {}), sizes)[0]
    engine.storage.load(start)
    settings = {
        "model and data": fingerprint(model, arrays), "optimizer": rule.name, "rate": rate, "batch": batch, "seed": seed,
        "validation": validation, "shuffle": shuffle, "sizes": dict(sorted(sizes.items())), "hyper-parameters": hypers,
        "initial values": fingerprint(model, start), "form of the code": engine.backend,
    }  # fmt: skip
    trainer = _Trainer(engine, training, kept, steps, records, _Order(count, batch, seed, shuffle), settings)
    trainer.checkpoint, trainer.every, trainer.watch = place, every or max(1, steps // 10), watch
    if resume:
        if trainer.checkpoint is None:
            raise TrainingError("there is nothing to resume from", "name the checkpoint")
        length, states = len(engine.storage.theta), len(engine.states)
        trainer.restore(load_checkpoint(trainer.checkpoint, settings, length, states, len(trainer.columns)))
        if trainer.step > steps:
            raise TrainingError(f"the checkpoint is from step {trainer.step}, beyond the {steps} asked for")
    began = time.perf_counter()
    trainer.run(progress)
    return Run(
        model, engine.storage.values(), np.array(trainer.history), trainer.columns, trainer.step,
        time.perf_counter() - began, engine.backend, engine.source, engine.why, sizes, settings, training, kept, hypers,
        engine.function, getattr(data, "classes", ()),
    )  # fmt: skip


def _whole(name: str, value: Any) -> int:
    try:
        return operator.index(value)
    except TypeError:
        raise ModelError(f"{name} must be a whole number, not {value!r}") from None


def _check_names(what: str, given: Mapping[str, Any], known: list[str]) -> None:
    for name in given:
        if name not in known:
            raise ModelError(f"the model has no {what} {name}", f"it has {', '.join(known) or 'none'}")


def _check_numbers(
    *, steps: int, rate: float, batch: int | None, every: int | None, records: int, seed: int, validation: float
) -> None:
    if seed < 0:
        raise ModelError(f"the seed must be at least 0, not {seed}")
    if not 0 <= validation < 1:
        raise ModelError(
            f"a share of {validation:g} for validation leaves one part empty", "give a share from 0 to below 1"
        )
    for name, value in (("steps", steps), ("batch", batch), ("every", every), ("records", records)):
        if value is not None and value < 1:
            raise ModelError(f"{name} must be at least 1, not {value}")
    if not (np.isfinite(rate) and rate > 0):
        raise ModelError(f"the learning rate must be a positive number, not {rate}")


def _checked_sizes(model: Model, sizes: Mapping[str, int] | None, known: Mapping[str, int]) -> dict[str, int]:
    for name, size in (sizes or {}).items():
        if name not in model.sizes:
            raise ModelError(f"the model has no size {name}", f"it has {', '.join(model.sizes)}")
        if size < 1:
            raise ModelError(f"the size {name} must be at least 1, not {size}")
        if known.get(name, size) != size:
            by = "the model" if name.isdigit() else "the data"
            raise ModelError(f"the size {name} is {known[name]} by {by}, not {size}")
    return dict(sizes or {})


def _axis(model: Model, name: str, samples: Any) -> int:
    return model.symbols[name].shape.index(samples)


def initial_parameters(model: Model, sizes: Mapping[str, int], seed: int) -> dict[str, Array]:
    """Seeded initial values: normal with deviation 1 / sqrt(inputs of the unit), and 0 for what is only added.

    A row or column of weights that meets ones put first is a bias and 0 as well. Source: LeCun et al. 1998.
    """
    rng = np.random.default_rng([seed, 0])
    found = {}
    for symbol in model.parameters:
        shape = (symbol.shape[0].value(sizes), symbol.shape[1].value(sizes))
        value = rng.standard_normal(shape)
        contracted = _contraction(model, symbol)
        if contracted is None:
            multiplied = any(symbol in e.uses and not _only_added(e.value, symbol) for e in model.equations)
            found[symbol.name] = value if multiplied else np.zeros(shape)
            continue
        axis, augmented = contracted
        value /= np.sqrt(shape[axis] - augmented)
        if augmented:
            value[(0, slice(None)) if axis == 0 else (slice(None), 0)] = 0.0
        found[symbol.name] = value
    return found


def _contraction(model: Model, symbol: Symbol) -> tuple[int, bool] | None:
    """The axis of a parameter that a product sums over, and whether that axis meets ones; None if it is in no product."""
    for equation in model.equations:
        for part in parts_of(equation.value):
            if isinstance(part, MatMul):
                for place, (own, other) in enumerate((part.args, part.args[::-1])):
                    turned = isinstance(own, Transpose)
                    if (own.args[0] if turned else own) is symbol:
                        axis = 1 if place == 0 else 0
                        return 1 - axis if turned else axis, any(isinstance(p, Augment) for p in parts_of(other))
    return None


def _only_added(value: Expr, symbol: Symbol) -> bool:
    """Whether a parameter does nothing in an expression but be added to the rest."""
    for part in parts_of(value):
        for k, arg in enumerate(part.args):
            if arg is symbol or (isinstance(arg, Broadcast) and arg.args[0] is symbol):
                if isinstance(part, Broadcast):
                    continue
                if not isinstance(part, Map) or sympy.diff(part.function, placeholder(k)) != 1:
                    return False
    return True


@dataclass
class _Order:
    """Which samples a step takes: a permutation an epoch, made anew from the seed, so any step can be found again."""

    count: int
    batch: int | None
    seed: int
    shuffle: bool
    _epoch: tuple[int, Array] | None = None

    def of(self, first: int, steps: int) -> Array | None:
        """The indices of steps first, first + 1, ..., (steps, batch); None for all samples."""
        if self.batch is None:
            return None
        per_epoch = self.count // self.batch
        rows = np.empty((steps, self.batch), dtype=np.int64)
        done = 0
        while done < steps:
            epoch, place = divmod(first + done, per_epoch)
            take = min(steps - done, per_epoch - place)
            chosen = self._permutation(epoch)[place * self.batch : (place + take) * self.batch]
            rows[done : done + take] = chosen.reshape(take, self.batch)
            done += take
        return rows

    def _permutation(self, epoch: int) -> Array:
        if not self.shuffle:
            return np.arange(self.count)
        if self._epoch is None or self._epoch[0] != epoch:
            self._epoch = epoch, np.random.default_rng([self.seed, 3, epoch]).permutation(self.count)
        return self._epoch[1]


class _Trainer:
    def __init__(
        self, engine: Engine, data: dict[str, Array], validation: dict[str, Array], steps: int, records: int,
        order: _Order, settings: dict[str, Any],
    ) -> None:  # fmt: skip
        self.engine, self.data, self.validation = engine, data, validation
        self.steps, self.order, self.settings = steps, order, settings
        self.function = engine.function
        self.records = max(1, steps // records)
        self.step = 0
        self.history: list[list[float]] = []
        self.columns = ("step", "loss", "validation loss", *(s.name for s in engine.plan.model.parameters))
        self.checkpoint: Path | None = None
        self.watch: Callable[[int, dict[str, Array]], None] | None = None
        self.every = steps
        self.pace = 0.0
        self.saved = 0.0  # when the last checkpoint was written; 0 if none was in this run

    def restore(self, found: Checkpoint) -> None:
        self.step = found.step
        self._set(found.theta, found.states)
        self.history = found.history.tolist()

    def save(self) -> None:
        if self.checkpoint is not None:
            theta, states = self.engine.storage.theta, self.engine.states
            save(self.checkpoint, Checkpoint(self.step, theta, states, np.array(self.history), self.settings))
            self.saved = time.perf_counter()

    def run(self, progress: Callable[[int, float], None] | None) -> None:
        """All steps that are left; stopped from the keyboard, what is done is saved first."""
        try:
            self._run(progress)
        except KeyboardInterrupt:
            self.save()
            raise

    def _run(self, progress: Callable[[int, float], None] | None) -> None:
        began = time.perf_counter()
        if not self.history:
            self.record()
        told = time.perf_counter()
        while self.step < self.steps:
            goal = min(self.steps, _next(self.step, self.records), _next(self.step, self.every))
            self.advance(min(goal, self.step + self.chunk()))
            if self.step % self.records == 0 or self.step == self.steps:
                self.record()
            waited = time.perf_counter() - (self.saved or began) > SAVE_SECONDS
            if waited or self.step % self.every == 0 or self.step == self.steps:
                self.save()
            if progress is not None and (time.perf_counter() - told > 0.1 or self.step == self.steps):
                told = time.perf_counter()
                progress(self.step, self.history[-1][1])

    def chunk(self) -> int:
        """So many steps at once that a look in between costs nothing and is never far."""
        return max(1, min(100_000, int(CHUNK_SECONDS / self.pace))) if self.pace else 16

    def advance(self, to: int) -> None:
        """Steps up to number `to`; if the parameters are then not finite, find out which quantity was the first."""
        engine, first = self.engine, self.step
        before = engine.storage.theta.copy(), [state.copy() for state in engine.states]
        began = time.perf_counter()
        try:
            engine.run(self.order.of(first, to - first), to - first, first + 1)
            self.pace = (time.perf_counter() - began) / (to - first)
            if not np.isfinite(engine.storage.theta).all():
                self._set(*before)
                self.explain(first, to)
            self.step = to
        except KeyboardInterrupt:
            # Somewhere between two steps: back to where the step count is right, so that what is saved is.
            self._set(*before)
            self.step = first
            raise

    def _set(self, theta: Array, states: list[Array]) -> None:
        self.engine.storage.theta[...] = theta
        for state, value in zip(self.engine.states, states, strict=True):
            state[...] = value

    def explain(self, first: int, to: int) -> None:
        """Go through the steps again one by one and name the first quantity that is not finite.

        The readable code does not overflow where fast code may (a loss that enters its own gradient): if it comes
        through, its steps stand.
        """
        trace = load(write_trace(self.function.program))["trace"]
        plan, storage = self.engine.plan, self.engine.storage
        names = code_names(self.function.program)
        inputs = [s for s in plan.model.inputs if s.name in plan.model.relevant]
        arguments = {symbol.name: names[symbol] for symbol in (*inputs, *plan.model.hypers)}
        for step in range(first, to):
            order = self.order.of(step, 1)
            chosen = None if order is None else order[0]
            known = {**taken(plan, self.data, chosen), **storage.values(), **plan.hypers}
            with np.errstate(all="ignore"):
                values = trace(**{code: known[name] for name, code in arguments.items()})
            for name, value in values.items():
                if not np.isfinite(value).all():
                    raise self.diverged(step + 1, name, value)
            readable_step(self.engine, chosen, step + 1)
            for symbol in plan.model.parameters:
                if not np.isfinite(storage.part(symbol.name)).all():
                    raise self.diverged(step + 1, symbol.name, storage.part(symbol.name))

    def diverged(self, step: int, name: str, value: Array) -> TrainingError:
        kind = "infinite" if np.isinf(value).any() and not np.isnan(value).any() else "undefined (nan)"
        kept = f"; the last checkpoint, {self.checkpoint}, is from before" if self.saved else ""
        rate = self.engine.plan.rate
        return TrainingError(
            f"at step {step}, {name} became {kind}; the run was stopped{kept}",
            f"a learning rate below {rate:g} is the usual way out" if step > 1 else "look at the data and the initial values", name,
        )  # fmt: skip

    def record(self) -> None:
        """Write the losses and the sizes of the gradients down."""
        plan, storage = self.engine.plan, self.engine.storage
        values = storage.values()
        with np.errstate(all="ignore"):
            loss, gradients = self.function(**self.data, **values, **plan.hypers)
            held = self.function(**self.validation, **values, **plan.hypers)[0] if self.validation else float("nan")
        if not np.isfinite(loss):
            raise self.diverged(self.step, plan.model.loss.name, np.array(loss))
        norms = [float(np.linalg.norm(gradients[s.name])) for s in plan.model.parameters]
        self.history.append([float(self.step), loss, held, *norms])
        if self.watch is not None:
            self.watch(self.step, values)


def _next(step: int, interval: int) -> int:
    """The next multiple of the interval after a step."""
    return (step // interval + 1) * interval
