"""What a difference between gradients does: saturation, the sizes of the gradients through the layers, training.

Everything here is measured, with the same data, the same initial values and the same steps for every model.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from symderiv.calculus.derivation import Derivation
from symderiv.calculus.expressions import Expr, Map, Softmax, Symbol, functions_in, parts_of
from symderiv.calculus.functions import Opaque, placeholder, sigmoid
from symderiv.calculus.model import Model
from symderiv.calculus.sweep import derive
from symderiv.comparison.alignment import Alignment
from symderiv.comparison.factors import Slope
from symderiv.compute.binding import Array
from symderiv.compute.layouts import sample_size
from symderiv.compute.source import output_formula, output_of, targets_of
from symderiv.errors import SymderivError, TrainingError
from symderiv.oracles.evaluation import Point
from symderiv.training.data import Data, generate, with_samples
from symderiv.training.runs import WIDTH, initial_parameters, train

GRID = np.linspace(-8.0, 8.0, 161)
CLASSES_FIRST, NUMBERS_FIRST = ("two-gaussians", "sine", "plane"), ("sine", "plane", "two-gaussians")
"""The generators that are tried, for networks that find classes and for others."""
CLASSES = 3
"""A softmax is looked at with so many classes: with two, some mistakes and differences hide."""
SAMPLES, HYPER = 200, 0.01
SEEDS, SIZE_SEEDS, STEPS, RECORDS = 5, 20, 1000, 50
RATES = (0.5, 0.1, 0.02)
"""Unless a rate is given, the largest of these with which every run from the usual initial values comes through."""
MEASURES = ("squared error", "wrong classes")
"""The mean squared distance of the output from the target, and the share of samples whose class is not found."""
RUNAWAY = 100.0
"""A run that ends so many times as far from the targets as it began has run away, though its numbers are finite."""
FAR = 8.0
"""The initial values of the bad start are so many times the usual ones: every unit is saturated."""


@dataclass(frozen=True)
class Curve:
    """Values of one model over `x`; the middle of several runs with the range from `low` to `high` where it spreads."""

    name: str
    x: Array
    y: Array
    low: Array | None = None
    high: Array | None = None


def saturation(alignment: Alignment) -> tuple[Symbol, tuple[Curve, ...]] | None:
    """|dJ/dz| against the last pre-activation z for one sample whose target is 1 (of a softmax, the first class).

    Of several outputs the others have z = 0. None where the models have no common last pre-activation or no target, and
    where z is the output itself: then nothing can saturate.
    """
    found = [_last_pre_activation(model) for model in alignment.models]
    if found[0] is None or any(other is not found[0] for other in found) or any(map(_is_abstract, alignment.models)):
        return None
    Z = found[0]
    if any(_is_output(model, Z) for model in alignment.models):
        return None
    curves = []
    for name, derivation in zip(alignment.names, alignment.derivations, strict=True):
        slopes = _output_slopes(derivation, Z)
        if slopes is None:
            return None
        curves.append(Curve(name, GRID, np.abs(slopes)))
    return Z, tuple(curves)


def _is_output(model: Model, Z: Symbol) -> bool:
    """Whether a pre-activation is the output, perhaps under another name."""
    return output_of(model) is Z or output_formula(model) is Z


def _is_abstract(model: Model) -> bool:
    """Whether a function is known by its name only: then there are no numbers."""
    return any(isinstance(f, Opaque) for e in model.equations for f in functions_in(e.value))


def _last_pre_activation(model: Model) -> Symbol | None:
    """The value of the last equation with a matrix product."""
    return next((e.symbol for e in reversed(model.equations) if e.contracts and e is not model.loss), None)


def _output_slopes(derivation: Derivation, Z: Symbol) -> Array | None:
    """dJ/dz of the first output at every z of GRID; None if Z has no single adjoint or the model no single target."""
    model, targets = derivation.model, targets_of(derivation.model)
    adjoint = next((a for a in derivation if a.quantity is Z and not a.term), None)
    if adjoint is None or len(targets) != 1 or targets[0].shape != Z.shape:
        return None
    axis = next((p.axis for e in model.equations for p in parts_of(e.value) if isinstance(p, Softmax)), None)
    sizes = {name: int(name) if name.isdigit() else 1 for name in model.sizes}
    if axis is not None and Z.shape[axis].name:
        sizes[Z.shape[axis].name] = CLASSES
    point = Point(sizes, {h.name: HYPER for h in model.hypers}, {})
    shape = point.shape(Z.shape)
    target = np.zeros(shape)
    target.flat[0] = 1.0
    slopes = []
    behind = model.affected_by(Z)
    for z in GRID:
        logits = np.zeros(shape)
        logits.flat[0] = z
        memo: dict[Expr, Array] = {Z: logits, targets[0]: target}
        for symbol in model.inputs:
            memo.setdefault(symbol, np.zeros(point.shape(symbol.shape)))  # of a penalty: its terms do not reach Z
        for equation in behind:
            memo[equation.symbol] = point.evaluate(equation.value, memo)
        slopes.append(point.evaluate(adjoint.closed, memo).flat[0])
    return np.array(slopes)


def slope_curve(slope: Slope, name: str) -> Curve:
    """The slope of an activation over GRID."""
    values = Point({}, {}, {}).scalar(slope.function.diff(placeholder(0)), [GRID])
    return Curve(name, GRID, np.broadcast_to(values, GRID.shape))


@dataclass(frozen=True)
class Setup:
    """Data for a comparison, and the models with a sample axis; `source` says where the data came from."""

    models: tuple[Model, ...]
    data: Data
    source: str

    def sizes(self, model: Model) -> dict[str, int]:
        """Every size: those of the data, and WIDTH for the others."""
        known = {name: int(name) if name.isdigit() else WIDTH for name in model.sizes}
        for symbol in model.data:
            if symbol.name in self.data:
                for size, number in zip(symbol.shape, self.data[symbol.name].shape, strict=True):
                    if size.name:
                        known[size.name] = number - size.offset
        return known


def set_up(alignment: Alignment, source: str | Mapping[str, Array] = "", samples: int = SAMPLES) -> Setup | None:
    """Data that fit every model: a generator's name or arrays; without any, the first generator that fits.

    None if the models have nothing to learn, or no generator fits them.
    Raises: DataError for data that were asked for and do not fit.
    """
    try:
        models = tuple(with_samples(model)[0] for model in alignment.models)
        if not models[0].parameters:
            return None
    except SymderivError:
        return None
    if any(map(_is_abstract, models)):
        return None
    if isinstance(source, Mapping):
        return Setup(models, Data(source), "the data that were given")
    usual = CLASSES_FIRST if any(map(_finds_classes, models)) else NUMBERS_FIRST
    for name in (source,) if source else usual:
        try:
            data = [generate(name, model, samples) for model in models]
        except SymderivError:
            if source:
                raise
            continue
        return Setup(models, data[0], f"{samples} samples of the generator {name}")
    return None


def _finds_classes(model: Model) -> bool:
    """Whether the output is a share or a chance: of a softmax or a sigmoid."""
    formula = output_formula(model)
    return isinstance(formula, Softmax) or (isinstance(formula, Map) and formula.function.has(sigmoid))


def gradient_sizes(alignment: Alignment, setup: Setup) -> dict[str, tuple[tuple[float, float, float], ...]]:
    """For each quantity with a row, of each model: the lower quartile, median and upper quartile of the gradient's size.

    The size is the Frobenius norm, at SIZE_SEEDS sets of initial values, the same for every model.
    """
    found: dict[str, list[list[float]]] = {
        row.quantity.name: [[] for _ in alignment.models] for row in alignment.rows if None not in row.adjoints
    }
    for k, model in enumerate(setup.models):
        derivation, sizes = derive(model), setup.sizes(model)
        for seed in range(SIZE_SEEDS):
            point = _at(model, sizes, setup.data, initial_parameters(model, sizes, seed))
            memo: dict[Expr, Array] = dict(point.run(model))
            for name, sizes_found in found.items():
                value = point.evaluate(derivation.adjoint(name).closed, memo)
                sizes_found[k].append(float(np.linalg.norm(value)))
    return {
        name: tuple(tuple(map(float, np.quantile(some, (0.25, 0.5, 0.75)))) for some in each)  # type: ignore[misc]
        for name, each in found.items()
    }


def _at(model: Model, sizes: Mapping[str, int], data: Mapping[str, Array], parameters: Mapping[str, Array]) -> Point:
    arrays = {**data, **parameters}
    values: dict[Expr, Array] = {s: np.asarray(arrays[s.name], float) for s in model.inputs if s.name in arrays}
    return Point(sizes, {h.name: HYPER for h in model.hypers}, values)


@dataclass(frozen=True)
class Race:
    """Training curves of every model from the same initial values: how far the output is from the targets, by step.

    measure: what is drawn; scale: the factor on the usual initial values; rate: the learning rate; failed: the models one of
    whose runs ran away.
    """

    measure: str
    scale: float
    rate: float
    curves: tuple[Curve, ...]
    failed: tuple[str, ...]


def races(
    alignment: Alignment, setup: Setup, *, steps: int = STEPS, rate: float | None = None, seeds: int = SEEDS,
    scales: Sequence[float] = (1.0, FAR),
) -> tuple[Race, ...]:  # fmt: skip
    """Training curves, one race for each scale of the initial values and each measure.

    Losses of different kinds cannot be compared; what is measured alike for every model is the mean squared distance of the
    output from the target and, where the networks find classes, the share of samples whose class is not found.
    """
    for chosen in RATES if rate is None else (rate,):
        usual = [_runs(model, setup, scales[0], steps, chosen, seeds) for model in setup.models]
        if all(len(own) == seeds for own in usual):
            break
    found = list(_drawn(alignment, usual, scales[0], chosen, seeds))
    for scale in scales[1:]:
        runs = [_runs(model, setup, scale, steps, chosen, seeds) for model in setup.models]
        found += _drawn(alignment, runs, scale, chosen, seeds)
    return tuple(found)


def _drawn(alignment: Alignment, runs: list[list[Array]], scale: float, rate: float, seeds: int) -> Iterator[Race]:
    """The races of one scale: of each measure, the middle of every model's runs and their range."""
    failed = tuple(n for n, own in zip(alignment.names, runs, strict=True) if len(own) < seeds)
    for column, measure in enumerate(MEASURES):
        curves = []
        for name, own in zip(alignment.names, runs, strict=True):
            if own and np.isfinite([run[:, 1 + column] for run in own]).all():
                values = np.array([run[:, 1 + column] for run in own])
                curves.append(
                    Curve(name, own[0][:, 0], np.median(values, axis=0), values.min(axis=0), values.max(axis=0))
                )
        if curves or (failed and not column):
            yield Race(measure, scale, rate, tuple(curves), failed)


def _runs(model: Model, setup: Setup, scale: float, steps: int, rate: float, seeds: int) -> list[Array]:
    """For each seed that comes through: rows of (step, mean squared error, share of wrong classes, nan without classes)."""
    sizes, output, targets = setup.sizes(model), output_of(model), targets_of(model)
    if output is None or len(targets) != 1:
        return []
    truth = np.asarray(setup.data[targets[0].name], float)
    samples = sample_size(model)
    rows = targets[0].shape.index(samples) if samples in targets[0].shape else 0
    is_classes = _finds_classes(model) and bool(np.isin(truth, (0.0, 1.0)).all())
    found = []
    for seed in range(seeds):
        start = {n: scale * v for n, v in initial_parameters(model, sizes, seed).items()}
        records: list[tuple[float, float, float]] = []

        def watch(step: int, parameters: dict[str, Array]) -> None:
            point = _at(model, sizes, setup.data, parameters)
            with np.errstate(all="ignore"):  # e^-z of a far z is infinite, and 1 / (1 + e^-z) is 0, as it should be
                guess = point.run(model)[output]
            wrong = float(np.mean(_classes(guess, rows) != _classes(truth, rows))) if is_classes else float("nan")
            records.append((float(step), float(np.mean((guess - truth) ** 2)), wrong))

        with suppress(TrainingError), np.errstate(all="ignore"):  # what runs away is told by who is missing
            train(
                model, setup.data, steps=steps, rate=rate, seed=seed, sizes=_free(model, sizes), parameters=start,
                hypers={h.name: HYPER for h in model.hypers}, backend="numpy", records=RECORDS, watch=watch,
            )  # fmt: skip
            run = np.array(records)
            if run[-1, 1] < RUNAWAY * (1 + run[0, 1]):
                found.append(run)
    return found


def _free(model: Model, sizes: Mapping[str, int]) -> dict[str, int]:
    """The sizes that the data do not settle."""
    settled = {size.name for symbol in model.data for size in symbol.shape}
    return {name: number for name, number in sizes.items() if name not in settled and not name.isdigit()}


def _classes(values: Array, rows: int) -> Array:
    """The class of every sample: the larger output, or whether the only one is above 1/2."""
    by_sample = values if rows == 0 else values.T
    return by_sample[:, 0] > 0.5 if by_sample.shape[1] == 1 else by_sample.argmax(axis=1)
