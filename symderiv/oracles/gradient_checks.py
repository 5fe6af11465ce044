"""Somebody's own backward pass against the derived gradients: what is wrong, by how much, and its ratio to the truth.

The function is called once, at a random point with pairwise different sizes, with copies of the arrays. What each of
its gradients gets is a record of its own (`GradientRecord`) with both arrays, so that more can be said about it later.
"""

from __future__ import annotations

import difflib
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from inspect import Parameter, signature
from typing import Any

import numpy as np
import sympy

from symderiv.calculus.derivation import Derivation
from symderiv.calculus.expressions import Symbol
from symderiv.calculus.model import Model
from symderiv.calculus.shapes import SCALAR, Shape, show
from symderiv.calculus.sweep import derive
from symderiv.errors import FunctionError, ModelError, WrongGradients
from symderiv.oracles.checks import SMALL, cross_check
from symderiv.oracles.evaluation import Array, Point, random_point
from symderiv.oracles.ratios import constant_ratio, named_ratio, ratios, ratios_by_line, relative_difference

TOLERANCE = 1e-6
"""A backward pass in float64 is right to about 1e-14; this leaves room for float32 and for log(a + 1e-8)."""
PREFIXES, SUFFIXES = ("d", "d_", "grad_", "grad"), ("_grad", "_bar")
"""What may stand around a parameter's name in the keys of the answer."""


@dataclass(frozen=True, eq=False)
class GradientRecord:
    """One gradient of somebody's: the verdict on it.

    verdict: 'right', 'wrong' (values), 'shape', 'missing', 'not finite' or 'not numbers'; shape: what it should have,
    in named sizes; error: the largest difference relative to the largest entry; ratio: the constant that it is times
    the truth, if it is one; remark: what is to be said about it, on one line.
    """

    name: str
    shape: str
    verdict: str
    error: float | None = None
    ratio: float | None = None
    remark: str = ""
    truth: Array | None = field(default=None, repr=False)
    found: Array | None = field(default=None, repr=False)

    @property
    def passed(self) -> bool:
        return self.verdict == "right"


@dataclass(frozen=True, eq=False)
class GradientCheck:
    """What came out: true exactly if every gradient (and the loss, if it was returned) is right.

    records: one a parameter, in order of declaration; loss: that of the loss, None if it was not returned; sizes and
    seed: of the point. As text it is a table; its repr is one line, which is what pytest shows of a failed `assert`.
    """

    records: tuple[GradientRecord, ...]
    loss: GradientRecord | None
    sizes: dict[str, int]
    seed: int

    @property
    def passed(self) -> bool:
        return not self.wrong

    @property
    def wrong(self) -> tuple[GradientRecord, ...]:
        """The records that did not pass, the loss first."""
        every = (*((self.loss,) if self.loss else ()), *self.records)
        return tuple(record for record in every if not record.passed)

    def record(self, name: str) -> GradientRecord:
        """The record of one parameter.

        Raises: KeyError if the model has no such parameter.
        """
        return {record.name: record for record in self.records}[name]

    def require(self) -> None:
        """Nothing if all is right.

        Raises: WrongGradients with the table.
        """
        if not self.passed:
            raise WrongGradients(str(self))

    def __bool__(self) -> bool:
        return self.passed

    def __str__(self) -> str:
        every = (*((self.loss,) if self.loss else ()), *self.records)
        rows = [("", "shape", "", "error", "")]
        for record in every:
            error = "" if record.error is None else f"{record.error:.0e}" if record.error else "0"
            rows.append((record.name, record.shape, record.verdict, error, record.remark))
        widths = [max(len(row[k]) for row in rows) for k in range(4)]
        lines = ["  ".join((*(c.ljust(w) for c, w in zip(row, widths, strict=False)), row[4])).rstrip() for row in rows]
        sizes = ", ".join(f"{name} = {size}" for name, size in self.sizes.items())
        return "\n".join([self._summary(), *(f"  {line}" for line in lines), *([f"  at {sizes}"] if sizes else [])])

    def __repr__(self) -> str:
        """One line of fewer than 240 characters: pytest cuts longer ones, and shows a line break as two characters."""
        wrong = "; ".join(f"{record.name}: {record.remark or record.verdict}" for record in self.wrong)
        text = f"<check_gradients: {self._summary()}" + (f". {wrong}" if wrong else "")
        return text + ">" if len(text) < 235 else f"{text[:230]} ...>"

    def _summary(self) -> str:
        count = len(self.records)
        if self.passed:
            return f"all {count} gradients are right" if count != 1 else "the gradient is right"
        names = ", ".join(record.name for record in self.wrong)
        return f"{names} {'is' if len(self.wrong) == 1 else 'are'} wrong"


def check_gradients(
    model: Model | Derivation,
    function: Callable[..., Any],
    *,
    sizes: Mapping[str, int] | None = None,
    values: Mapping[str, Any] | None = None,
    seed: int = 0,
    tolerance: float = TOLERANCE,
) -> GradientCheck:
    """Compare the gradients that `function` computes with NumPy with the derived ones.

    function: gets arrays by the names of the model's data and parameters, and numbers for the hyper-parameters and
    sizes that its signature names; if its own names are others, the arrays in the model's order. It returns a dict of
    gradients, whose keys may be `W1`, `dW1` or `grad_W1`, or the loss and that dict.
    sizes: instead of different primes from 5 on (with which a factor 2 or n is told apart); values: arrays instead of
    random ones (labels 0 and 1, say); tolerance: of the relative error.
    Raises: FunctionError if the function fails or returns something else; ModelError for sizes or values that do not
    fit; CheckFailed if our own gradients are wrong.

    >>> import numpy as np, symderiv as sd
    >>> model = sd.parse_model("X: (n, d); y: (n, 1); w: (d, 1)\\nJ = sum((X @ w - y)**2) / (2 * n)")
    >>> print(sd.check_gradients(model, lambda X, y, w: {"w": X.T @ (X @ w - y)}))
    w is wrong
         shape          error
      w  (d, 1)  wrong  4e+00  n × the truth
      at n = 5, d = 7
    """
    derivation = model if isinstance(model, Derivation) else derive(model)
    model = derivation.model
    cross_check(derivation, oracles=["complex step"])
    point = _point(derivation, sizes or {}, values or {}, seed)
    forward = point.run(model)
    if not all(np.isfinite(value).all() for value in forward.values()):
        raise ModelError("at these values, not every value of the model is finite", "the loss must be a number")
    loss, answer = _answer(_called(model, function, point))
    truths = {s: point.evaluate(derivation.gradient(s.name), dict(forward)) for s in model.parameters}
    found = _found(model, answer)
    naming = _Naming(model, point)
    records = [_record(s, found, truths, naming, tolerance, answer) for s in model.parameters]
    return GradientCheck(
        tuple(records),
        None if loss is None else _marked(model.loss.symbol, loss, {}, forward[model.loss.symbol], naming, tolerance),
        dict(point.sizes),
        seed,
    )


# The point


def _point(derivation: Derivation, sizes: Mapping[str, int], values: Mapping[str, Any], seed: int) -> Point:
    """The random point, with what was given in place of what was drawn."""
    model = derivation.model
    hypers = {symbol.name for symbol in model.hypers}
    inputs = {symbol.name: symbol for symbol in model.inputs}
    for name in values:
        if name not in inputs and name not in hypers:
            raise ModelError(f"there is no input called {name}", f"there is {', '.join([*inputs, *sorted(hypers)])}")
    given = {name: np.array(value, dtype=float) for name, value in values.items() if name in inputs}
    given = {name: array.reshape(1, 1) if not array.ndim else array for name, array in given.items()}
    point = random_point(model, seed, _sizes(model, sizes, {inputs[name]: array for name, array in given.items()}))
    hyper_values = {**point.hypers, **{name: float(values[name]) for name in values if name in hypers}}
    arrays = {**point.values, **{inputs[name]: array for name, array in given.items()}}
    for assumption in derivation.assumptions:
        array = given.get(assumption.name)
        if array is not None and not np.allclose(array.sum(axis=assumption.axis), 1):
            line = "column" if assumption.axis == 0 else "row"
            raise ModelError(
                f"the values of {assumption.name} do not fit: the derivation takes for granted that each {line} sums "
                "to 1",
                "give one-hot targets, or probabilities",
            )
    return Point(point.sizes, hyper_values, arrays)


def _sizes(model: Model, wanted: Mapping[str, int], given: Mapping[Symbol, Array]) -> dict[str, int]:
    """A number for every size: what was wanted, what the given arrays have, and different primes for the rest."""
    for name, number in wanted.items():
        if name not in model.sizes:
            raise ModelError(f"there is no size called {name}", f"there is {', '.join(model.sizes)}")
        if not isinstance(number, int) or number < 1:
            raise ModelError(f"the size {name} must be a whole number from 1 on, not {number!r}")
    known = dict(wanted)
    for symbol, array in given.items():
        if array.ndim != 2:
            raise ModelError(f"the values of {symbol.name} have the shape {array.shape}, not {show(symbol.shape)}")
        for size, number in zip(symbol.shape, array.shape, strict=True):
            if size.name:
                known.setdefault(size.name, number - size.offset)
            if size.value(known) != number:
                expected = f"where {size} = {size.value(known)}" if size.name else ""
                raise ModelError(
                    f"the values of {symbol.name} have the shape {array.shape}, not {show(symbol.shape)} {expected}"
                )
    taken = {*known.values(), *(size.offset for s in model.symbols.values() for size in s.shape if not size.name)}
    prime = 3
    for name in model.sizes:
        if name not in known:
            prime = sympy.nextprime(prime)
            while prime in taken:
                prime = sympy.nextprime(prime)
            known[name] = prime
    return {name: known[name] for name in model.sizes}


# The call


def _called(model: Model, function: Callable[..., Any], point: Point) -> Any:
    """What the function returns for copies of the arrays.

    Raises: FunctionError if it cannot be called with them, or stops with an error of its own.
    """
    arrays = {symbol.name: np.array(point.values[symbol], dtype=float) for symbol in model.inputs}
    order, by_name = _arguments(function, {**point.sizes, **point.hypers, **arrays}, list(arrays), list(point.hypers))
    try:
        return function(*order, **by_name)
    except Exception as error:
        code = getattr(function, "__code__", None)
        frames = traceback.extract_tb(error.__traceback__)[1:]
        own = [frame for frame in frames if code is None or frame.filename == code.co_filename] or frames
        place = f"\n  in line {own[-1].lineno}: {own[-1].line}" if own else ""
        sizes = ", ".join(f"{name} = {size}" for name, size in point.sizes.items())
        raise FunctionError(
            f"your function stopped with {type(error).__name__}: {error}{place}" + (f"\n  at {sizes}" if sizes else "")
        ) from error


def _arguments(
    function: Callable[..., Any], known: Mapping[str, Any], arrays: list[str], hypers: list[str]
) -> tuple[list[Any], dict[str, Any]]:
    """Positional and named arguments: by name if the signature has the model's names, else in the model's order."""
    try:
        parameters = list(signature(function).parameters.values())
    except (TypeError, ValueError):  # something built in
        return [known[name] for name in arrays], {}
    kinds = {parameter.kind for parameter in parameters}
    single = [p for p in parameters if p.kind not in (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)]
    asked = [p.name for p in single if p.name in known]
    foreign = [p for p in single if p.name not in known and p.default is Parameter.empty]
    takes_all = Parameter.VAR_KEYWORD in kinds
    if not foreign and (asked or takes_all) and Parameter.POSITIONAL_ONLY not in kinds:
        every = [*arrays, *hypers] if takes_all else []
        return [], {name: known[name] for name in dict.fromkeys([*asked, *every])}
    order = [p for p in single if p.kind is not Parameter.KEYWORD_ONLY]
    required = sum(p.default is Parameter.empty for p in order)
    open_ended = Parameter.VAR_POSITIONAL in kinds
    for wanted in (arrays, [*arrays, *hypers]):
        fits = required <= len(wanted) and (open_ended or len(wanted) <= len(order))
        if fits and not any(p.kind is Parameter.KEYWORD_ONLY for p in foreign) and _in_order(order, wanted, known):
            return [known[name] for name in wanted], {}
    names = ", ".join([*arrays, *hypers])
    raise FunctionError(
        f"your function takes ({', '.join(map(str, parameters))}), which is not what the model has: {names}",
        "give its arguments those names, or wrap it: "
        f"check_gradients(model, lambda {', '.join(arrays)}: your_function(...))",
    )


def _in_order(order: list[Parameter], wanted: list[str], known: Mapping[str, Any]) -> bool:
    """Whether no argument has the name of an input that stands elsewhere: then the order is not the model's."""
    lowered = {name.lower() for name in known}
    pairs = zip(order, wanted, strict=False)
    return all(p.name.lower() == name.lower() or p.name.lower() not in lowered for p, name in pairs)


def _answer(returned: Any) -> tuple[Any, Mapping[str, Any]]:
    """The loss (None if it was not returned) and the gradients."""
    if isinstance(returned, Mapping):
        return None, returned
    if isinstance(returned, (tuple, list)) and len(returned) == 2:
        loss, gradients = returned
        if isinstance(gradients, Mapping) and not isinstance(loss, Mapping) and loss is not None:
            return loss, gradients
    kind = type(returned).__name__
    raise FunctionError(
        f"your function returns {'nothing' if returned is None else f'a {kind}'}",
        'it should return the gradients by their names: {"W1": dW1, "b1": db1}, or the loss and that',
    )


def _found(model: Model, answer: Mapping[str, Any]) -> dict[str, Any]:
    """The gradients by the names of the parameters."""
    found: dict[str, Any] = {}
    for symbol in model.parameters:
        name = symbol.name
        spelled = [name, *(p + name for p in PREFIXES), *(name + s for s in SUFFIXES)]
        keys = [key for key in spelled if key in answer and (key == name or key not in model.symbols)]
        if len(keys) > 1:
            raise FunctionError(f"your function returns both {keys[0]} and {keys[1]}", f"one gradient for {name}")
        if keys:
            found[name] = answer[keys[0]]
    return found


# The verdicts


class _Naming:
    """Numbers at a point by their names in the model."""

    def __init__(self, model: Model, point: Point) -> None:
        self.sizes = point.sizes
        self.numbers: dict[str, float] = {**point.sizes, **point.hypers}
        self.by_number: dict[int, set[str]] = {}
        for shape in (symbol.shape for symbol in model.symbols.values()):
            for size in shape:
                self.by_number.setdefault(size.value(point.sizes), set()).add(str(size))

    def size(self, number: int) -> str:
        """The name of a size; the number itself where it has none, or two."""
        names = self.by_number.get(number, set())
        return next(iter(names)) if len(names) == 1 else str(number)

    def shape(self, shape: tuple[int, ...]) -> str:
        """A shape in named sizes: `(d, h)`, `(h,)`."""
        inner = ", ".join(map(self.size, shape))
        return f"({inner},)" if len(shape) == 1 else f"({inner})"

    def times(self, ratio: float) -> str:
        """`n × the truth`, and in words if it is the sign."""
        named = named_ratio(ratio, self.numbers)
        return f"{named} × the truth" + (": the sign is wrong" if named == "-1" else "")


def _record(
    symbol: Symbol,
    found: Mapping[str, Any],
    truths: Mapping[Symbol, Array],
    naming: _Naming,
    tolerance: float,
    answer: Mapping[str, Any],
) -> GradientRecord:
    if symbol.name in found and found[symbol.name] is not None:
        return _marked(symbol, found[symbol.name], truths, truths[symbol], naming, tolerance)
    if symbol.name in found:
        remark = "it is None"
    else:
        near = difflib.get_close_matches(symbol.name.lower(), [str(key).lower() for key in answer], 1, 0.6)
        taken = {str(key).lower(): str(key) for key in answer if str(key) not in truths and str(key) not in found}
        hint = f"; there is {taken[near[0]]}" if near and near[0] in taken else ""
        remark = f"your function returns no {symbol.name} or d{symbol.name}{hint}"
    return GradientRecord(symbol.name, show(symbol.shape), "missing", None, None, remark, truths[symbol])


def _marked(
    symbol: Symbol, given: Any, truths: Mapping[Symbol, Array], truth: Array, naming: _Naming, tolerance: float
) -> GradientRecord:
    """The record of one array that was returned."""
    name, shape = symbol.name, show(symbol.shape)
    try:
        found: Array = np.array(given, dtype=float)
    except (TypeError, ValueError):
        remark = f"it is no array of real numbers but a {type(given).__name__}"
        return GradientRecord(name, shape, "not numbers", None, None, remark, truth)
    if symbol.shape == SCALAR and found.size == 1:
        found = found.reshape(1, 1)  # a plain number is as good
    if not np.isfinite(found).all():
        bad = int((~np.isfinite(found)).sum())
        remark = f"{bad} of {found.size} entries are nan or infinite"
        return GradientRecord(name, shape, "not finite", None, None, remark, truth, found)
    if found.shape != truth.shape:
        remark = f"expected {_shapes(symbol.shape, truth)}, got {naming.shape(found.shape)} = {found.shape}"
        remark += _shape_hint(found, truth, naming, tolerance)
        return GradientRecord(name, shape, "shape", None, None, remark, truth, found)
    error = relative_difference(found, truth, SMALL)
    if error <= tolerance:
        return GradientRecord(name, shape, "right", error, 1.0, "", truth, found)
    others = {s.name: t for s, t in truths.items() if s is not symbol and t.shape == truth.shape}
    remark = _relation(found, truth, naming, tolerance, others)
    return GradientRecord(name, shape, "wrong", error, constant_ratio(found, truth), remark, truth, found)


def _shapes(shape: Shape, truth: Array) -> str:
    named = show(shape)
    return named if named == str(truth.shape) else f"{named} = {truth.shape}"


def _shape_hint(found: Array, truth: Array, naming: _Naming, tolerance: float) -> str:
    """What the array is, if some other shape of it is known: each with the factor that is wrong besides."""

    def like(other: Array) -> str | None:
        """'' if it is the truth, ', times ...' if it is a multiple; else None."""
        if relative_difference(other, truth, SMALL) <= tolerance:
            return ""
        ratio = constant_ratio(other, truth)
        return None if ratio is None else f", and {naming.times(ratio)}"

    if found.T.shape == truth.shape:
        factor = like(found.T)
        return ": it is the transpose of the right one" + factor if factor is not None else ": the transposed shape"
    if found.size == truth.size and (factor := like(found.reshape(truth.shape))) is not None:
        return (
            f": the values are right{factor.replace(', and', ' up to a factor:')}, keepdims=True or reshape is missing"
        )
    for axis in range(found.ndim):
        for keepdims in (True, False):
            summed = found.sum(axis=axis, keepdims=keepdims)
            if summed.shape == truth.shape and (factor := like(summed)) is not None:
                over = naming.size(found.shape[axis])
                return f": it is not yet summed over {over}; np.sum(..., axis={axis}, keepdims=True) is right{factor}"
    if found.ndim == 2:
        for axis, line in ((0, "row"), (1, "column")):
            rest = np.delete(truth, 0, axis)
            if rest.shape == found.shape and relative_difference(found, rest, SMALL) <= tolerance:
                return f": the first {line} is missing, that of the bias; the others are right"
    return ""


def _relation(found: Array, truth: Array, naming: _Naming, tolerance: float, others: Mapping[str, Array]) -> str:
    """What a wrong array of the right shape is, as far as numbers tell."""
    scale = max(np.abs(truth).max(), SMALL)
    if np.abs(found).max() <= tolerance * scale:
        return "it is 0 everywhere"
    if np.abs(truth).max() <= SMALL:
        return f"it should be 0 everywhere; the largest entry is {np.abs(found).max():.3g}"
    for name, other in others.items():
        if np.abs(other).max() > SMALL and relative_difference(found, other, SMALL) <= tolerance:
            return f"it is the gradient of {name}"
    if found.size > 1 and (ratio := constant_ratio(found, truth)) is not None:
        return naming.times(ratio)
    if found.shape[0] == found.shape[1] and relative_difference(found.T, truth, SMALL) <= tolerance:
        if found.size > 1:
            return "it is the transpose of the right one"
    for axis, line in ((0, "row"), (1, "column")):
        each = ratios_by_line(found, truth, axis)
        if each is not None:
            shown = ", ".join(named_ratio(ratio, naming.numbers) for ratio in each[:6])
            more = ", ..." if len(each) > 6 else ""
            return f"each {line} is a multiple of the truth: {shown}{more} times"
    if found.size == 1:
        return naming.times(float(found.item() / truth.item()))
    wrong = np.abs(found - truth) > tolerance * scale
    place = np.unravel_index(int(np.abs(found - truth).argmax()), found.shape)
    some = f"{int(wrong.sum())} of {found.size} entries are wrong"
    for axis, line in ((0, "row"), (1, "column")):
        lines = np.flatnonzero(wrong.any(axis=1 - axis))
        if len(lines) == 1 < found.shape[axis]:
            some = f"only {line} {lines[0]} is wrong (counted from 0)"
    each_ratio = ratios(found, truth)
    span = f"ratio to the truth {np.nanmin(each_ratio):.3g} to {np.nanmax(each_ratio):.3g}"
    where = ", ".join(map(str, place))
    return f"{some}, {span}; [{where}] is {found[place]:.4g} instead of {truth[place]:.4g}"
