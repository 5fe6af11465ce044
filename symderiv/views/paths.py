"""One weight: its derivative as the sum over the paths from it to the loss, every factor named.

A path is a chain of named quantities. Where an entry reaches several entries of the next quantity (all samples, all
units of the next layer), the path carries an index that is summed over.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product

from symderiv.calculus.derivation import Derivation
from symderiv.calculus.expressions import Augment, Expr, Map, Softmax, Symbol
from symderiv.calculus.functions import placeholder
from symderiv.calculus.model import Equation, Model
from symderiv.calculus.shapes import ONE, show
from symderiv.errors import CheckFailed, ModelError
from symderiv.oracles.evaluation import Array, Point, random_point
from symderiv.views.index import (
    UNIT,
    Delta,
    Elementary,
    Entry,
    Index,
    IndexExpr,
    Letters,
    Place,
    Total,
    entry,
    first_index,
    letters_of,
    product_of,
    replaced,
    value,
    values_of,
)

MAX_PATHS = 64
LARGEST_INDEX = 30


class TooManyPaths(ModelError):
    """Skip connections multiply paths: too many to write out."""


@dataclass(frozen=True)
class Factor:
    """One local derivative on a path: of the entry `top` by the entry `bottom`."""

    top: Entry
    bottom: Entry
    value: IndexExpr


@dataclass(frozen=True)
class Path:
    """The factors from the loss down to the weight, and the indices summed over on the way."""

    factors: tuple[Factor, ...]
    indices: tuple[Index, ...]

    @property
    def quantities(self) -> tuple[str, ...]:
        """The names on the path, from the weight up to the loss."""
        entries = [factor.bottom for factor in reversed(self.factors)] + [self.factors[0].top]
        return tuple(e.matrix.name for e in entries if isinstance(e.matrix, Symbol))

    @property
    def value(self) -> IndexExpr:
        """The product of the factors, summed over the indices."""
        body = product_of(tuple(f.value for f in self.factors if f.value != UNIT) or (UNIT,))
        for index in reversed(self.indices):
            body = Total(index, body)
        return body


def parse_weight(text: str, model: Model) -> Entry:
    """The entry that `W1[2,1]` or `b1[3]` names, counted from 1 (from 0 where the weights hold the bias).

    Raises: ModelError for a name that is no parameter or data, or for the wrong number of indices.
    """
    match = re.fullmatch(r"\s*([A-Za-z]\w*)\s*(?:\[\s*(\d{1,6})\s*(?:,\s*(\d{1,6})\s*)?\])?\s*", text)
    if not match:
        raise ModelError(f"cannot read the weight {text!r}", "write it as W1[2,1], b1[3], or w for a scalar")
    name = match[1]
    symbol = model.symbols.get(name)
    if symbol is None or symbol.role not in ("parameter", "data"):
        raise ModelError(f"there is no parameter {name}", f"there is {', '.join(s.name for s in model.parameters)}")
    numbers = [int(group) for group in match.groups()[1:] if group is not None]
    open_axes = [axis for axis in (0, 1) if symbol.shape[axis] != ONE]
    if len(numbers) == 2 and len(open_axes) < 2:
        numbers = [numbers[axis] for axis in open_axes]
    if len(numbers) != len(open_axes):
        raise ModelError(
            f"{name} has the shape {show(symbol.shape)}, so it takes {len(open_axes)} index(es), not {len(numbers)}"
        )
    places: list[Place] = [None, None]
    for axis, number in zip(open_axes, numbers, strict=True):
        size = symbol.shape[axis]
        start = first_index(size)
        last = None if size.name else size.offset
        if number < start or (last is not None and number > last):
            raise ModelError(
                f"{text.strip()}: indices of {name} start at {start}" + (f" and end at {last}" if last else "")
            )
        if number > LARGEST_INDEX:
            raise ModelError(
                f"{text.strip()}: the index {number} is too large to check",
                f"up to {LARGEST_INDEX} will do: the form is the same for all",
            )
        places[axis] = number
    return Entry(symbol, places[0], places[1])


def paths_from(model: Model, weight: Entry) -> tuple[Path, ...]:
    """Every path from the weight to the loss.

    Raises: TooManyPaths if there are more than MAX_PATHS.
    """
    letters = letters_of(model)
    found: list[Path] = []
    todo: list[tuple[Entry, tuple[Factor, ...], tuple[Index, ...]]] = [(weight, (), ())]
    while todo:
        bottom, factors, indices = todo.pop()
        if bottom.matrix is model.loss.symbol:
            found.append(Path(factors, indices))
        if len(found) + len(todo) > MAX_PATHS:
            raise TooManyPaths(f"more than {MAX_PATHS} paths lead from it to the loss")
        for equation in reversed(model.equations):
            if bottom.matrix in equation.uses and equation.name in model.relevant:
                for factor, fresh in local_derivatives(equation, bottom, letters, indices):
                    todo.append((factor.top, (factor, *factors), (*indices, *fresh)))
    return tuple(found)


def local_derivatives(
    equation: Equation, bottom: Entry, letters: Letters, taken: tuple[Index, ...]
) -> list[tuple[Factor, tuple[Index, ...]]]:
    """Every way in which `bottom` enters the equation: the factor, and the indices of its top that stay free."""
    busy: tuple[Place, ...] = (*taken, bottom.row, bottom.column)
    row = letters.index(equation.symbol.shape[0], busy)
    column = letters.index(equation.symbol.shape[1], (*busy, row))
    top = Entry(equation.symbol, row, column)
    found = []
    for bound, slope in _derivatives(equation, top, bottom, letters, busy):
        places = {place: bound.get(place, place) for place in (row, column)}
        fixed = Entry(equation.symbol, places[row], places[column])
        fresh = tuple(place for place in (row, column) if isinstance(place, Index) and place not in bound)
        found.append((Factor(fixed, bottom, replaced(slope, places)), fresh))
    return found


Term = tuple[dict[Place, Place], IndexExpr]


def _derivatives(
    equation: Equation, top: Entry, bottom: Entry, letters: Letters, taken: tuple[Place, ...]
) -> list[Term]:
    expr = equation.value
    if isinstance(expr, Softmax) and expr.args[0] is bottom.matrix:
        return [_softmax_derivative(expr.axis, top, bottom)]
    written = entry(expr, top.row, top.column, letters, taken)
    if isinstance(expr, Map) and isinstance(written, Elementary):
        return _merged(_map_derivative(written, bottom, top))
    return _merged(_derivative(written, bottom))


def _softmax_derivative(axis: int, top: Entry, bottom: Entry) -> Term:
    """∂y_k/∂z_l = y_k (δ_kl - y_l): the outputs of one group depend on all its inputs, not on other groups."""
    k, sample = (top.row, top.column) if axis == 0 else (top.column, top.row)
    l, own = (bottom.row, bottom.column) if axis == 0 else (bottom.column, bottom.row)
    at_l = Entry(top.matrix, bottom.row, bottom.column)
    x, y, delta = map(placeholder, range(3))
    return {sample: own} if sample is not None else {}, Elementary(x * (delta - y), (top, at_l, Delta(k, l)))


def _map_derivative(written: Elementary, bottom: Entry, top: Entry) -> list[Term]:
    """The derivative of elementwise work, its own value written as the name it has (a (1 - a))."""
    count = len(written.args)
    found = []
    for i, arg in enumerate(written.args):
        slope = written.function.diff(placeholder(i)).xreplace({written.function: placeholder(count)})
        for bound, inner in _derivative(arg, bottom):
            found.append((bound, _scaled(Elementary(slope, (*written.args, top)), inner)))
    return found


def _derivative(expr: IndexExpr, bottom: Entry) -> list[Term]:
    """The derivative by one entry: for each place where its matrix occurs, the index equalities and the coefficient."""
    match expr:
        case Entry(matrix, row, column):
            if matrix is bottom.matrix or (isinstance(matrix, Augment) and matrix.args[0] is bottom.matrix):
                pairs = ((row, bottom.row), (column, bottom.column))
                return [({mine: theirs for mine, theirs in pairs if mine is not None}, UNIT)]
            return []
        case Total(index, body):
            found: list[Term] = []
            for bound, inner in _derivative(body, bottom):
                if index in bound:
                    rest = {k: v for k, v in bound.items() if k != index}
                    found.append((rest, replaced(inner, {index: bound[index]})))
                else:
                    found.append((bound, Total(index, inner)))
            return found
        case Elementary(function, args):
            found = []
            for i, arg in enumerate(args):
                for bound, inner in _derivative(arg, bottom):
                    found.append((bound, _scaled(Elementary(function.diff(placeholder(i)), args), inner)))
            return found
        case Delta():
            return []


def _merged(terms: list[Term]) -> list[Term]:
    """Terms under the same equalities added up: one factor for each way the indices can meet."""
    merged: list[Term] = []
    for bound, slope in terms:
        for k, (other, before) in enumerate(merged):
            if other == bound:
                merged[k] = other, Elementary(placeholder(0) + placeholder(1), (before, slope))
                break
        else:
            merged.append((bound, slope))
    return merged


def _scaled(slope: Elementary, inner: IndexExpr) -> IndexExpr:
    used = [i for i in range(len(slope.args)) if placeholder(i) in slope.function.free_symbols]
    renamed = slope.function.xreplace({placeholder(i): placeholder(k) for k, i in enumerate(used)})
    args = tuple(slope.args[i] for i in used)
    slim: IndexExpr = args[0] if renamed == placeholder(0) else Elementary(renamed, args)
    if inner == UNIT:
        return slim
    if slim == UNIT:
        return inner
    return product_of((slim, inner))


def check_paths(derivation: Derivation, weight: Entry, paths: tuple[Path, ...], seed: int = 0) -> None:
    """Compare the sum over the paths with the gradient's entry, at small sizes that have it.

    Raises: CheckFailed if they differ.
    """
    model = derivation.model
    assert isinstance(weight.matrix, Symbol)
    name = weight.matrix.name
    point = random_point(model, seed, sizes=_sizes_with(weight, model))
    forward = point.run(model)
    gradient = point.evaluate(derivation.gradient(name), dict(forward))
    total = sum(_carried(path, point, forward) for path in paths)
    expected = value(Entry(weight.matrix, weight.row, weight.column), point, {weight.matrix: gradient}, {})
    if abs(total - expected) > 1e-10 * max(abs(expected), 1e-3):
        raise CheckFailed(f"the paths of {name} add up to {total}, the gradient's entry is {expected}")


def _carried(path: Path, point: Point, forward: Mapping[Expr, Array]) -> float:
    """What a path carries, factor by factor from the weight up, keeping one number for each entry reached.

    Summing over all indices at once would take time that grows exponentially with depth.
    """
    reached: dict[tuple[int, ...], float] = {(): 1.0}
    live: tuple[Index, ...] = ()
    for factor in reversed(path.factors):
        above = tuple(place for place in (factor.top.row, factor.top.column) if isinstance(place, Index))
        fresh = [index for index in above if index not in live]
        sums: dict[tuple[int, ...], float] = {}
        for numbers, carried in reached.items():
            for choice in product(*(values_of(index, point) for index in fresh)):
                bound = {**dict(zip(live, numbers, strict=True)), **dict(zip(fresh, choice, strict=True))}
                entry = tuple(bound[index] for index in above)
                sums[entry] = sums.get(entry, 0.0) + carried * value(factor.value, point, forward, bound)
        reached, live = sums, above
    return reached[()]


def _sizes_with(weight: Entry, model: Model) -> dict[str, int]:
    """Sizes 2 and 3 in turn: any mix-up of indices changes a number, and deep networks stay small."""
    sizes = {name: 2 + k % 2 for k, name in enumerate(model.sizes)}
    for size, place in zip(weight.matrix.shape, (weight.row, weight.column), strict=True):
        if size.name and isinstance(place, int):
            sizes[size.name] = max(sizes[size.name], place)
    return sizes
