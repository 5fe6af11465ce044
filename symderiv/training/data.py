"""Data for training: read from CSV or NPZ, or drawn from a built-in generator; checked against the model first."""

from __future__ import annotations

import csv
import io
import zipfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import sympy

from symderiv.calculus.expressions import Map, Softmax, Symbol, parts_of
from symderiv.calculus.functions import placeholder
from symderiv.calculus.model import Model
from symderiv.calculus.shapes import ONE, Size, show
from symderiv.compute.binding import Array, bind
from symderiv.compute.layouts import batched, sample_size
from symderiv.compute.source import output_formula, targets_of
from symderiv.errors import DataError, ModelError

MOST_COLUMNS = 100_000
Drawn = tuple[Array, Array]


class Data(dict[str, Array]):
    """Arrays by the model's names; `classes` are the names of classes that a table gave as text, in their order."""

    classes: tuple[str, ...] = ()


def with_samples(model: Model) -> tuple[Model, Size]:
    """The model with a sample axis, and the size that counts the samples.

    A model of one sample is trained on many: its loss becomes the mean of theirs.
    """
    if not any(symbol.name in model.relevant for symbol in model.data):
        raise ModelError("the loss depends on no data, so there is nothing to learn from")
    size = sample_size(model)
    if size is None:
        model = batched(model)
        size = sample_size(model)
    assert size is not None
    return model, size


def two_gaussians(count: int, rng: np.random.Generator) -> Drawn:
    """Pairs of numbers from one of two normal distributions: means 1 and 2, deviations 0.5 and 0.2; classes 0 and 1."""
    labels = rng.integers(0, 2, count)
    mean, deviation = np.where(labels == 0, 1.0, 2.0), np.where(labels == 0, 0.5, 0.2)
    return mean[:, None] + deviation[:, None] * rng.standard_normal((count, 2)), labels.astype(float)[:, None]


def sine(count: int, rng: np.random.Generator) -> Drawn:
    """A regression set: x in [-2, 2] and a scaled sine of it between 0.1 and 0.9, with noise of deviation 0.02."""
    x = rng.uniform(-2, 2, (count, 1))
    return x, 0.5 + 0.4 * np.sin(1.5 * x) + 0.02 * rng.standard_normal((count, 1))


def plane(count: int, rng: np.random.Generator) -> Drawn:
    """A regression set that a linear network can learn: three inputs, y = x1 - 2 x2 + x3 / 2 with noise of 0.1."""
    x = rng.standard_normal((count, 3))
    return x, x @ np.array([[1.0], [-2.0], [0.5]]) + 0.1 * rng.standard_normal((count, 1))


def xor(count: int, rng: np.random.Generator) -> Drawn:
    """Points of the square [-1, 1]^2; class 1 where the signs of the two coordinates differ."""
    x = rng.uniform(-1, 1, (count, 2))
    return x, (x[:, :1] * x[:, 1:] < 0).astype(float)


GENERATORS: Mapping[str, Callable[[int, np.random.Generator], Drawn]] = {
    "two-gaussians": two_gaussians,
    "sine": sine,
    "plane": plane,
    "xor": xor,
}


def generate(name: str, model: Model, count: int = 1000, seed: int = 0) -> Data:
    """Data of a generator, in the shapes of the model (which must have a sample axis).

    Raises: DataError for an unknown generator, or one whose columns do not fit the model.
    """
    if name not in GENERATORS:
        raise DataError(f"there is no data generator {name}", f"there is {', '.join(GENERATORS)}")
    if count < 1 or seed < 0:
        raise DataError(
            f"cannot draw {count} samples with the seed {seed}", "at least one sample, and a seed from 0 on"
        )
    inputs, targets = GENERATORS[name](count, np.random.default_rng([seed, 1]))
    return arrange(model, inputs, targets, f"the generator {name}")


def read_data(path: Path, model: Model, inputs: Sequence[str] = (), targets: Sequence[str] = ()) -> Data:
    """Data from a .npz (arrays by the model's names) or a .csv file with a header.

    In a CSV, `targets` are the columns of the target (the last one unless given), `inputs` those of the input (all
    others). Numbers of classes, or their names, become one-hot targets where the model needs them.
    Raises: DataError with row and column for what cannot be used.
    """
    try:
        with open(path, "rb") as file:
            head = file.read(4)
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from None
    if not head:
        raise DataError(f"{path} is empty")
    return _read_npz(path, model) if head.startswith(b"PK") else _read_csv(path, model, inputs, targets)


def _read_npz(path: Path, model: Model) -> Data:
    try:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except (ValueError, OSError, zipfile.BadZipFile, KeyError) as error:
        raise DataError(f"{path} is no readable NPZ file: {error}") from None
    data = [s for s in model.data if s.name in model.relevant]
    missing = [s.name for s in data if s.name not in arrays]
    if missing:
        raise DataError(
            f"{path} holds no array {missing[0]}, {show(model.symbols[missing[0]].shape)}",
            f"it holds {', '.join(sorted(arrays)) or 'nothing'}",
        )
    for symbol in data:
        _check_finite(np.asarray(arrays[symbol.name]), f"{path}, {symbol.name}")
    return Data(bind(data, arrays)[0])


def _check_finite(array: Array, where: str) -> None:
    if array.dtype.kind not in "fiub":
        raise DataError(f"{where} does not hold numbers")
    if not np.isfinite(array).all():
        place = np.argwhere(~np.isfinite(array))[0]
        raise DataError(f"{where} holds {array[tuple(place)]} at {tuple(int(k) for k in place)}")


def _read_csv(path: Path, model: Model, inputs: Sequence[str], targets: Sequence[str]) -> Data:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise DataError(f"{path} is neither NPZ nor text") from None
    first = text.split("\n", 1)[0]
    if first.count(",") >= MOST_COLUMNS:
        raise DataError(f"{path} has {first.count(',') + 1} columns; {MOST_COLUMNS} are the most that are read")
    csv.field_size_limit(1 << 20)
    delimiter = next((d for d in ",;\t" if d in first), ",")
    try:
        reader = csv.reader(io.StringIO(text), delimiter=delimiter)
        numbered = [(reader.line_num, row) for row in reader if row]
    except csv.Error as error:
        raise DataError(f"{path} is no readable CSV file: {error}") from None
    if not numbered:
        raise DataError(f"{path} is empty")
    header = [cell.strip() for cell in numbered[0][1]]
    if all(_is_number(cell) for cell in header):
        raise DataError(f"{path} has no header", "put the names of the columns into its first line")
    double = next((name for name, times in Counter(header).items() if times > 1), None)
    if double is not None:
        raise DataError(f"{path} has two columns {double!r}")
    body, lines = [row for _, row in numbered[1:]], [number for number, _ in numbered[1:]]
    if not body:
        raise DataError(f"{path} has a header and no rows")
    for number, row in zip(lines, body, strict=True):
        if len(row) != len(header):
            raise DataError(f"{path}, row {number} has {len(row)} columns, the header {len(header)}")
    for name in (*inputs, *targets):
        if name not in header:
            raise DataError(f"{path} has no column {name}", f"it has {_some(header)}")
    shared = set(inputs) & set(targets)
    if shared:
        raise DataError(f"the column {shared.pop()} is both input and target")
    target_names = list(targets) or (header[-1:] if targets_of(model) else [])
    input_names = list(inputs) or [name for name in header if name not in target_names]
    if not input_names:
        raise DataError(
            f"{path} has no input column beside the target {', '.join(target_names)}", f"it has {_some(header)}"
        )
    columns = {name: [row[k].strip() for row in body] for k, name in enumerate(header)}
    x = np.column_stack([_numbers(path, name, columns[name], lines) for name in input_names])
    classes: dict[str, int] = {}
    if len(target_names) == 1 and not all(map(_is_number, columns[target_names[0]])) and _wants_classes(model):
        values = columns[target_names[0]]
        _refuse_missing(path, target_names[0], values, lines)
        classes = {value: k for k, value in enumerate(sorted(set(values)))}
        y = np.array([[float(classes[value])] for value in values])
    else:
        y = (
            np.column_stack([_numbers(path, name, columns[name], lines) for name in target_names])
            if target_names
            else np.empty((len(body), 0))
        )
    data = arrange(model, x, y, str(path), input_names)
    data.classes = tuple(classes)
    return data


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:12]) + (f", ... ({len(names)} in all)" if len(names) > 12 else "")


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


MISSING = ("", "nan", "na", "n/a", "null", "none", "inf", "-inf", "infinity", "-infinity", "?")


def _refuse_missing(path: Path, name: str, cells: list[str], lines: list[int]) -> None:
    for number, cell in zip(lines, cells, strict=True):
        if cell.lower() in MISSING:
            what = "has no value" if not cell else f"holds {cell!r}, which is no value,"
            raise DataError(f"{path}, row {number} {what} in the column {name}", "fill it in, or leave the row out")


def _numbers(path: Path, name: str, cells: list[str], lines: list[int]) -> Array:
    try:
        column = np.array(cells, dtype=np.float64)
    except ValueError:
        _refuse_missing(path, name, cells, lines)
        number, cell = next((k, c) for k, c in zip(lines, cells, strict=True) if not _is_number(c))
        raise DataError(f"{path}, row {number}: {cell[:40]!r} in the column {name} is no number") from None
    if not np.isfinite(column).all():
        _refuse_missing(path, name, cells, lines)
        number = lines[int(np.flatnonzero(~np.isfinite(column))[0])]
        raise DataError(f"{path}, row {number}: the number in the column {name} is too large")
    return column


def _wants_classes(model: Model) -> bool:
    """Whether the targets are classes: several a sample that sum to 1, or one whose logarithm of a chance is taken."""
    targets = {s.name for s in targets_of(model)}
    return bool(targets) and (any(a.name in targets for a in model.assumptions) or bool(_chance_targets(model)))


def arrange(model: Model, inputs: Array, targets: Array, source: str, names: Sequence[str] = ()) -> Data:
    """Rows of inputs and targets as the matrices of a model: turned, split over its symbols, one-hot where it needs it.

    Raises: DataError if the columns do not fit.
    """
    size = sample_size(model)
    target_symbols = targets_of(model)
    input_symbols = [s for s in model.data if s.name in model.relevant and s not in target_symbols]
    found = Data()
    for symbols, columns, what in ((input_symbols, inputs, "input"), (list(target_symbols), targets, "target")):
        if not symbols:
            continue
        if len(symbols) == 1:
            found[symbols[0].name] = _fitted(model, symbols[0], size, columns, source, what)
            continue
        widths = [1 if ONE in s.shape else None for s in symbols]
        if None in widths or len(symbols) != columns.shape[1]:
            raise DataError(
                f"{source} has {columns.shape[1]} {what} columns for {', '.join(s.name for s in symbols)}",
                "a file of arrays by these names (.npz) says which is which",
            )
        where = {name: k for k, name in enumerate(names)}
        order = [where.get(s.name, k) for k, s in enumerate(symbols)]
        for symbol, k in zip(symbols, order, strict=True):
            found[symbol.name] = _fitted(model, symbol, size, columns[:, k : k + 1], source, what)
    check_labels(model, found, source)
    return found


def _is_softmax_output(model: Model) -> bool:
    """Whether the output is a softmax, whose targets are one-hot whatever the loss is."""
    return isinstance(output_formula(model), Softmax)


def _fitted(model: Model, symbol: Symbol, size: Size | None, columns: Array, source: str, what: str) -> Array:
    axis = symbol.shape.index(size) if size in symbol.shape else 0
    width = symbol.shape[1 - axis]
    fixed = None if width.name and not width.name.isdigit() else int(width.name or 0) + width.offset
    one_hot = any(a.name == symbol.name for a in model.assumptions) or _is_softmax_output(model)
    if what == "target" and columns.shape[1] == 1 and one_hot and fixed != 1:
        labels = columns[:, 0]
        if not np.array_equal(labels, np.round(labels)) or labels.min() < 0 or labels.max() > 10_000:
            bad = int(np.flatnonzero((labels != np.round(labels)) | (labels < 0) | (labels > 10_000))[0])
            raise DataError(f"{source}: {labels[bad]:g} in sample {bad + 1} is no class", "classes are 0, 1, 2, ...")
        count = fixed or int(labels.max()) + 1
        if labels.min() == 1 and labels.max() == len(np.unique(labels)):
            raise DataError(f"{source}: the classes are 1 to {labels.max():g}", "count them from 0, or give them names")
        if count > 2 * max(len(labels), 5):
            raise DataError(f"{source}: {count} classes in {len(labels)} samples", "is that column the class?")
        if labels.max() >= count:
            raise DataError(
                f"{source}: the class {labels.max():g} is out of range", f"{symbol.name} has {count} classes, from 0"
            )
        columns = np.eye(max(count, 2))[labels.astype(int)]
    if fixed is not None and columns.shape[1] != fixed:
        raise DataError(
            f"{source} has {columns.shape[1]} {what} column{'s' if columns.shape[1] != 1 else ''}",
            f"{symbol.name} is {show(symbol.shape)}, so there should be {fixed}",
        )
    return np.ascontiguousarray(columns if axis == 0 else columns.T)


def _chance_targets(model: Model) -> set[str]:
    """The data y that meet y log p + (1 - y) log(1 - p): chances between 0 and 1."""
    found = set()
    for equation in model.equations:
        for part in parts_of(equation.value):
            if isinstance(part, Map) and len(part.function.atoms(sympy.log)) == 2:
                for i, arg in enumerate(part.args):
                    if isinstance(arg, Symbol) and arg.role == "data" and part.function.has(1 - placeholder(i)):
                        found.add(arg.name)
    return found


def check_labels(model: Model, data: Mapping[str, Array], source: str) -> None:
    """Targets must be in the range of the loss: between 0 and 1 for log loss, summing to 1 for cross-entropy.

    Raises: DataError naming the first sample that is not.
    """
    size = sample_size(model)
    for name in sorted(_chance_targets(model) & data.keys()):
        outside = np.argwhere((data[name] < 0) | (data[name] > 1))
        if len(outside):
            place = tuple(int(k) for k in outside[0])
            sample = place[model.symbols[name].shape.index(size)] + 1 if size in model.symbols[name].shape else 1
            raise DataError(
                f"{source}: {name} is {data[name][place]:g} in sample {sample}",
                "log loss takes targets between 0 and 1: classes are 0 and 1",
            )
    for assumption in model.assumptions:
        if assumption.name in data:
            sums = data[assumption.name].sum(axis=assumption.axis)
            wrong = np.flatnonzero(np.abs(sums - 1) > 1e-9)
            if len(wrong) or (data[assumption.name] < 0).any():
                k = (
                    int(wrong[0])
                    if len(wrong)
                    else int(np.argwhere((data[assumption.name] < 0).any(axis=assumption.axis))[0][0])
                )
                raise DataError(
                    f"{source}: the targets {assumption.name} of sample {k + 1} sum to {sums[k]:g}, or one is negative",
                    "cross-entropy on a softmax takes one-hot targets, or chances that sum to 1",
                )


def split(
    model: Model, data: Mapping[str, Array], share: float, seed: int
) -> tuple[dict[str, Array], dict[str, Array]]:
    """Training and validation data: `share` of the samples, drawn by the seed, are kept for validation.

    Raises: DataError if one part would be empty.
    """
    size = sample_size(model)
    if not share or size is None:
        return dict(data), {}
    axes = {name: model.symbols[name].shape.index(size) for name in data}
    count = next(array.shape[axes[name]] for name, array in data.items())
    kept = round(share * count)
    if not 0 < kept < count:
        raise DataError(
            f"{share:g} of {count} samples for validation leaves one part empty", "give a share between 0 and 1"
        )
    order = np.random.default_rng([seed, 2]).permutation(count)
    first, second = np.sort(order[kept:]), np.sort(order[:kept])
    parts: Any = tuple(
        {name: array.take(chosen, axis=axes[name]) for name, array in data.items()} for chosen in (first, second)
    )
    return parts  # type: ignore[no-any-return]
