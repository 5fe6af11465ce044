"""Somebody's own backward pass against the derived gradients: what is wrong, by how much, and which mistake it was.

The function is called once, at a random point with pairwise different sizes, with copies of the arrays. What each of
its gradients gets is a record of its own (`GradientRecord`) with both arrays; the mistakes are those of `diagnosis`.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import sympy

from symderiv.calculus.derivation import Derivation
from symderiv.calculus.expressions import Expr, Symbol
from symderiv.calculus.formats import Writable
from symderiv.calculus.model import Model
from symderiv.calculus.shapes import SCALAR, Shape, show
from symderiv.calculus.sweep import derive
from symderiv.errors import ModelError, WrongGradients
from symderiv.oracles.checks import LARGEST_CHECK, cross_check, relative_error
from symderiv.oracles.diagnosis import Diagnosis, Suspects, diagnose, hidden, ranked, same
from symderiv.oracles.evaluation import Array, Point, random_point
from symderiv.oracles.function_calls import answer_of, called, gradients_in, spellings
from symderiv.oracles.relations import (
    Naming,
    constant_ratio,
    difference,
    gradient_of_another,
    relation,
    shape_hint,
)

TOLERANCE = 1e-6
"""A backward pass in float64 is right to about 1e-14; this leaves room for float32 and for log(a + 1e-8)."""
MOST_EQUATIONS = 30
"""Deeper networks get no diagnosis: every mistake at every place would take many seconds."""


@dataclass(frozen=True, eq=False)
class GradientRecord:
    """One gradient of somebody's: the verdict on it.

    verdict: 'right', 'wrong' (values), 'shape', 'missing', 'not finite' or 'not numbers'; shape: what it should have,
    in named sizes; error: the largest difference relative to the largest entry; ratio: the constant that it is times
    the truth, if it is one; remark: what is to be said about it, on one line; mistakes: the codes of the known mistakes
    that give these numbers (`symderiv.mistakes.codes`), the most frequent first.
    """

    name: str
    shape: str
    verdict: str
    error: float | None = None
    ratio: float | None = None
    remark: str = ""
    truth: Array | None = field(default=None, repr=False)
    found: Array | None = field(default=None, repr=False)
    mistakes: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        return self.verdict == "right"

    @property
    def error_told(self) -> str:
        """The error in print: its order of magnitude, nothing where there is none."""
        return "" if self.error is None else f"{self.error:.0e}" if self.error else "0"


@dataclass(frozen=True, eq=False)
class GradientCheck(Writable):
    """What came out: true exactly if every gradient (and the loss, if it was returned) is right.

    records: one a parameter, in order of declaration; loss: that of the loss, None if it was not returned; sizes and
    seed: of the point; diagnoses: the mistakes that were found, each once however many gradients it spoils; hidden:
    the mistakes that nobody could see at the sizes that were given. As text and in a notebook it is a table; its repr is one
    line, which is what pytest shows of a failed `assert`.
    """

    records: tuple[GradientRecord, ...]
    loss: GradientRecord | None
    sizes: dict[str, int]
    seed: int
    diagnoses: tuple[Diagnosis, ...] = ()
    hidden: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        return not self.wrong

    @property
    def wrong(self) -> tuple[GradientRecord, ...]:
        """The records that did not pass, the loss first."""
        return tuple(record for record in self.every if not record.passed)

    @property
    def every(self) -> tuple[GradientRecord, ...]:
        """All records, that of the loss first."""
        return (*((self.loss,) if self.loss else ()), *self.records)

    @property
    def place(self) -> str:
        """The sizes at which it was checked, and what nobody can see at them."""
        sizes = ", ".join(f"{name} = {size}" for name, size in self.sizes.items())
        return sizes + (f", where nobody can see {', '.join(self.hidden)}" if sizes and self.hidden else "")

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
        rows = [("", "shape", "", "error", "")]
        rows += [(r.name, r.shape, r.verdict, r.error_told, r.remark) for r in self.every]
        widths = [max(len(row[k]) for row in rows) for k in range(4)]
        lines = ["  ".join((*(c.ljust(w) for c, w in zip(row, widths, strict=False)), row[4])).rstrip() for row in rows]
        at = [f"  at {self.place}"] if self.place else []
        return "\n".join([self.summary, *(f"  {line}" for line in lines), *at])

    def __repr__(self) -> str:
        """One line of fewer than 240 characters: pytest cuts longer ones, and shows a line break as two characters."""
        wrong = "; ".join(f"{record.name}: {record.remark or record.verdict}" for record in self.wrong)
        text = f"<check_gradients: {self.summary}" + (f". {wrong}" if wrong else "")
        return text + ">" if len(text) < 235 else f"{text[:230]} ...>"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/html": self.write("notebook"), "text/plain": str(self)}

    @property
    def summary(self) -> str:
        """Which gradients are wrong, in a few words."""
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
    random ones (labels 0 and 1, say); tolerance: of the relative error. The known mistakes that give the wrong
    gradients are in `diagnoses` and in the records' `mistakes`.
    Raises: FunctionError if the function fails or returns something else; ModelError for sizes or values that do not
    fit; CheckFailed if our own gradients are wrong.

    >>> import numpy as np, symderiv as sd
    >>> model = sd.parse_model("X: (n, d); y: (n, 1); w: (d, 1)\\nJ = sum((X @ w - y)**2) / (2 * n)")
    >>> print(sd.check_gradients(model, lambda X, y, w: {"w": X.T @ (X @ w - y)}))
    w is wrong
         shape          error
      w  (d, 1)  wrong  4e+00  n × the truth; this is what you get if the factor 1/n of J is lost (missing-mean-factor)
      at n = 5, d = 7
    """
    derivation = model if isinstance(model, Derivation) else derive(model)
    model = derivation.model
    if not derivation.gradients:
        raise ModelError("the model has no parameter, so there is no gradient to check", "parameter(...) declares one")
    cross_check(derivation, oracles=["complex step"])
    point = _point(derivation, sizes or {}, values or {}, seed)
    with np.errstate(all="ignore"):  # what is not finite is said in the next line
        forward = point.run(model)
    if not all(np.isfinite(value).all() for value in forward.values()):
        raise ModelError("at these values, not every value of the model is finite", "the loss must be a number")
    loss, answer = answer_of(called(model, function, point))
    wanted = [model.symbols[name] for name in derivation.gradients]
    truths = {s.name: point.evaluate(derivation.gradient(s.name), dict(forward)) for s in wanted}
    found = gradients_in(model, wanted, answer)
    naming = Naming(model, point)
    records = []
    for symbol in wanted:
        if found.get(symbol.name) is None:
            records.append(_missing(symbol, truths, answer))
        else:
            records.append(_marked(symbol, found[symbol.name], truths[symbol.name], truths, naming, tolerance))
    J = model.loss.symbol
    marked_loss = None if loss is None else _marked(J, loss, forward[J], {}, naming, tolerance)
    check = GradientCheck(tuple(records), marked_loss, dict(point.sizes), seed)
    numbers = sum(value.size for value in forward.values())
    if len(model.equations) <= MOST_EQUATIONS and numbers <= LARGEST_CHECK:
        check = _diagnosed(check, model, point, tolerance)
    return replace(check, records=tuple(_told(record, naming, tolerance) for record in check.records))


# The point


def _point(derivation: Derivation, sizes: Mapping[str, int], values: Mapping[str, Any], seed: int) -> Point:
    """The random point, with what was given in place of what was drawn."""
    model = derivation.model
    hypers = {symbol.name for symbol in model.hypers}
    inputs = {symbol.name: symbol for symbol in model.inputs}
    for name in values:
        if name not in inputs and name not in hypers:
            raise ModelError(f"there is no input called {name}", f"there is {', '.join([*inputs, *sorted(hypers)])}")
    given = {name: _array(name, value) for name, value in values.items() if name in inputs}
    point = random_point(model, seed, _sizes(model, sizes, {inputs[name]: array for name, array in given.items()}))
    numbers = {name: _array(name, value) for name, value in values.items() if name in hypers}
    for name, number in numbers.items():
        if number.size != 1:
            raise ModelError(f"the value of {name} must be one number")
    hyper_values = {**point.hypers, **{name: number.item() for name, number in numbers.items()}}
    arrays: dict[Expr, Array] = {**point.values, **{inputs[name]: array for name, array in given.items()}}
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


def _array(name: str, value: Any) -> Array:
    """A copy of somebody's numbers; a plain number is a matrix of one entry."""
    try:
        array: Array = np.array(value, dtype=float)
    except (TypeError, ValueError) as error:
        raise ModelError(f"the values of {name} are not real numbers") from error
    return array if array.ndim else array.reshape(1, 1)


def _sizes(model: Model, wanted: Mapping[str, int], given: Mapping[Symbol, Array]) -> dict[str, int]:
    """A number for every size: what was wanted, what the given arrays have, and different primes for the rest."""
    for name, number in wanted.items():
        if name not in model.sizes:
            raise ModelError(f"there is no size called {name}", f"there is {', '.join(model.sizes)}")
        if not isinstance(number, (int, np.integer)) or number < 1:
            raise ModelError(f"the size {name} must be a whole number from 1 on, not {number!r}")
    known = {name: int(number) for name, number in wanted.items()}
    for symbol, array in given.items():
        if array.ndim != 2:
            raise ModelError(f"the values of {symbol.name} have the shape {array.shape}, not {show(symbol.shape)}")
        for size, number in zip(symbol.shape, array.shape, strict=True):
            if size.name:
                known.setdefault(size.name, number - size.offset)
            if size.value(known) != number or known.get(size.name, 1) < 1:
                where = f" with {size} = {size.value(known)}" if size.name else ""
                raise ModelError(
                    f"the values of {symbol.name} have the shape {array.shape}, not {show(symbol.shape)}{where}"
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


# The verdicts


def _missing(symbol: Symbol, truths: Mapping[str, Array], answer: Mapping[str, Any]) -> GradientRecord:
    """The record of a gradient that is not there, with a key that may have been meant."""
    name = symbol.name
    known = {spelling for other in truths for spelling in spellings(other)}
    rest = {str(key).lower(): str(key) for key in answer if key not in known}
    near = [rest[key] for key in difflib.get_close_matches(name.lower(), rest, 1, 0.6)]
    hint = f"; there is {near[0]}" if near else ""
    remark = (
        f"your function returns no {name} or d{name}{hint}" if not known & answer.keys() & set(spellings(name)) else ""
    )
    return GradientRecord(name, show(symbol.shape), "missing", None, None, remark or "it is None", truths[name])


def _marked(
    symbol: Symbol, given: Any, truth: Array, truths: Mapping[str, Array], naming: Naming, tolerance: float
) -> GradientRecord:
    """The record of one array that was returned; `truths` are those of all gradients."""
    name, shape = symbol.name, show(symbol.shape)
    try:
        raw = np.asarray(given)
        if np.iscomplexobj(raw) and raw.imag.any():
            raise TypeError("complex")
        found: Array = np.array(raw.real if np.iscomplexobj(raw) else raw, dtype=float)
    except (TypeError, ValueError):
        remark = f"its entries are not real numbers: {str(given)[:40]!r}"
        return GradientRecord(name, shape, "not numbers", None, None, remark, truth)
    if symbol.shape == SCALAR and found.size == 1:
        found = found.reshape(1, 1)  # a plain number is as good
    if not np.isfinite(found).all():
        bad = int((~np.isfinite(found)).sum())
        remark = f"{bad} of {found.size} entries are nan or infinite"
        return GradientRecord(name, shape, "not finite", None, None, remark, truth, found)
    others = {other: array for other, array in truths.items() if other != name}
    confused = gradient_of_another(found, truth, others, tolerance)
    if found.shape != truth.shape:
        remark = f"expected {_shapes(symbol.shape, truth)}, got {naming.shape(found.shape)} = {found.shape}"
        remark += f": {confused}" if confused else shape_hint(found, truth, naming, tolerance)
        mistakes = ("wrong-left-hand-side",) if confused else ()
        return GradientRecord(name, shape, "shape", None, None, remark, truth, found, mistakes)
    error = relative_error(found, truth)
    if error <= tolerance:
        return GradientRecord(name, shape, "right", error, 1.0, "", truth, found)
    remark = confused or relation(found, truth, naming, tolerance)
    mistakes = ("wrong-left-hand-side",) if confused else ()
    return GradientRecord(name, shape, "wrong", error, constant_ratio(found, truth), remark, truth, found, mistakes)


def _shapes(shape: Shape, truth: Array) -> str:
    named = show(shape)
    return named if named == str(truth.shape) else f"{named} = {truth.shape}"


# The mistakes


def _diagnosed(check: GradientCheck, model: Model, point: Point, tolerance: float) -> GradientCheck:
    """The check with the mistakes that explain it; with those that its sizes hide if nothing is wrong."""
    known = {record.name: record for record in check.records if record.name in {s.name for s in model.parameters}}
    arrays = {name: (r.found, r.truth) for name, r in known.items() if r.found is not None and r.truth is not None}
    right = [name for name, (found, truth) in arrays.items() if same(found, truth, tolerance)]
    wrong = {
        name: found
        for name, (found, _) in arrays.items()
        if name not in right and known[name].verdict in ("wrong", "shape")
    }
    if wrong:
        diagnoses = tuple(diagnose(Suspects(model, point), wrong, right, tolerance))
        records = tuple(_explained(record, diagnoses) for record in check.records)
        return replace(check, records=records, diagnoses=diagnoses)
    every = list(check.sizes.values())
    if check.passed and (1 in every or len(set(every)) < len(every)):
        return replace(check, hidden=hidden(model, Suspects(model, point)))
    return check


def _explained(record: GradientRecord, diagnoses: tuple[Diagnosis, ...]) -> GradientRecord:
    """The record with its mistakes; what explains several gradients is said at the first of them."""
    own = [diagnosis for diagnosis in diagnoses if record.name in diagnosis.names]
    if not own:
        return record
    new = [diagnosis for diagnosis in own if diagnosis.names[0] == record.name]
    before = dict.fromkeys(diagnosis.names[0] for diagnosis in own if diagnosis not in new)
    pieces = [record.remark] if record.remark else []
    if before:
        pieces.append(f"the same mistake as in {', '.join(before)}")
    if new:
        names = new[0].names
        together = all(diagnosis.names == names for diagnosis in new)
        lead = "one mistake explains" if len(new) == 1 else "two mistakes explain"
        told = [f"if {one}" if together else f"if {one}, in {_listed(one.names)}" for one in new]
        start = f"{lead} {_listed(names)}: " if together and len(names) > 1 else ""
        pieces.append(f"{start}this is what you get {' and '.join(told) if together else ', and '.join(told)}")
    codes = ranked((*record.mistakes, *(code for diagnosis in own for code in diagnosis.mistakes)))
    return replace(record, remark="; ".join(pieces), mistakes=codes)


def _listed(names: tuple[str, ...]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]


def _told(record: GradientRecord, naming: Naming, tolerance: float) -> GradientRecord:
    """A wrong record about which nothing is known by name says where it differs."""
    if record.verdict != "wrong" or record.remark or record.found is None or record.truth is None:
        return record
    return replace(record, remark=difference(record.found, record.truth, naming, tolerance))
