"""Values for what a model leaves open, read as text in NumPy's syntax and never executed.

    x = [[2], [5]]                     # a column; [2, 5] where the shape says row or column anyway
    W1 = np.array([[-1, 2], [-2, 1], [1, 4]])
    lam = 1/10                         # a hyper-parameter
    n = 4                              # a size, where no matrix tells it
    rate = 2                           # the learning rate
    beta1 = [0.5, 0.999]               # a computed quantity: from here on this value is used, as a hand rounded it

Numbers are kept as fractions, so that 0.1 is 1/10. The sizes come from all values together; where two of them disagree,
the error names both.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from fractions import Fraction
from math import prod
from pathlib import Path
from typing import Any, NoReturn

from symderiv.calculus.expressions import Symbol, parts_of
from symderiv.calculus.model import Model
from symderiv.calculus.shapes import ONE, SCALAR, Size, show
from symderiv.errors import ModelError
from symderiv.textbook.source import Source, read_text

MAX_ENTRIES = 10_000
"""Numbers in all values together, and in any quantity or part of a formula: more, and nobody follows them."""
LARGEST_SIZE = 10_000
MAX_DIGITS = 40
LARGEST, SMALLEST = Fraction(10**30), Fraction(1, 10**30)
RATES = ("rate", "learning_rate", "eta")
LINE_HINT = "write `NAME = number` or `NAME = [[row], [row]]`"

Matrix = tuple[tuple[Fraction, ...], ...]
Literal = Fraction | list["Literal"]


@dataclass(frozen=True)
class Values:
    """Numbers for everything that a model leaves open.

    inputs: each data and parameter matrix on the way to the loss, by rows; sizes: what they come to; hypers: the
    hyper-parameters; rate: the learning rate, if one is given; overrides: values to use in place of computed ones.
    """

    model: Model
    inputs: Mapping[str, Matrix]
    sizes: Mapping[str, int]
    hypers: Mapping[str, Fraction]
    rate: Fraction | None = None
    overrides: Mapping[str, Matrix] = field(default_factory=dict)


def read_values(path: str | Path, model: Model, settings: Sequence[str] = ()) -> Values:
    """The values in a file; `settings` are lines that are added to it or replace lines of it.

    Raises: LocatedError with line and caret, or ModelError where it is about no line (a missing name).
    """
    return parse_values(read_text(path, "a file of values"), model, Path(path).name, settings)


def parse_values(text: str, model: Model, file: str = "<values>", settings: Sequence[str] = ()) -> Values:
    """The values that a text gives; `file` is its name in error messages, `settings` as in `read_values`."""
    given: dict[str, _Given] = {}
    for source in (Source(text, file, "a line of values", LINE_HINT), *map(_setting, settings)):
        given.update(_Lines(source).given())
    return _Binder(model, given, file).values()


def given_values(values: Mapping[str, Any], model: Model, settings: Sequence[str] = ()) -> Values:
    """The values in a mapping from names to numbers, lists or arrays; `settings` as in `read_values`."""
    given: dict[str, _Given] = {}
    for name, value in values.items():
        if not isinstance(name, str):
            raise ModelError(f"{name!r} is not the name of a value", "names are text: {'x': [2, 5]}")
        nested = value.tolist() if hasattr(value, "tolist") else value
        given[name] = _Given(name, _from_python(nested, name, 0), None, None)
    for source in map(_setting, settings):
        given.update(_Lines(source).given())
    return _Binder(model, given, "values").values()


def _setting(text: str) -> Source:
    return Source(text, f"--set {text[:40]!r}", "a value", LINE_HINT)


@dataclass(frozen=True)
class _Given:
    """One value as it was written, with its place if it came from a text."""

    name: str
    literal: Literal
    source: Source | None
    node: ast.AST | None

    def fail(self, message: str, hint: str = "") -> NoReturn:
        if self.source is None:
            raise ModelError(message, hint, self.name)
        self.source.fail(self.node, message, hint)

    @property
    def place(self) -> str:
        line = getattr(self.node, "lineno", 0)
        return f" (line {line})" if line else ""


class _Lines:
    """Reads the lines of one text."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.entries = 0

    def given(self) -> dict[str, _Given]:
        found: dict[str, _Given] = {}
        for node in self.source.parsed().body:
            match node:
                case ast.Assign(targets=[ast.Name(id=name)], value=value):
                    if name in found:
                        self.source.fail(node, f"{name} is given twice{found[name].place}", "leave one of them out")
                    found[name] = _Given(name, self._literal(value, 0), self.source, value)
                case ast.Expr(value=ast.Constant(value=str())):
                    pass  # a docstring
                case _:
                    self.source.fail(node, "this is not a line of values", LINE_HINT)
        return found

    def _literal(self, node: ast.expr, depth: int) -> Literal:
        match node:
            case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
                self.entries += 1
                if self.entries > MAX_ENTRIES:
                    self.source.fail(
                        node, f"these are more than {MAX_ENTRIES} numbers", "take a few samples of the data"
                    )
                return self._number(node, number)
            case ast.UnaryOp(op=ast.USub() | ast.UAdd() as op, operand=operand):
                value = self._literal(operand, depth)
                if isinstance(value, Fraction):
                    return -value if isinstance(op, ast.USub) else value
            case ast.BinOp(left=left, op=ast.Div(), right=right):
                above, below = self._literal(left, depth), self._literal(right, depth)
                if isinstance(above, Fraction) and isinstance(below, Fraction):
                    if below == 0:
                        self.source.fail(right, "division by zero")
                    return self._in_range(node, above / below)
            case ast.List(elts=parts) | ast.Tuple(elts=parts):
                if depth == 2:
                    self.source.fail(
                        node, "lists are nested too deeply", "a matrix is a list of rows: [[1, 2], [3, 4]]"
                    )
                if not parts:
                    self.source.fail(node, "this list is empty", "every size is at least 1")
                return [self._literal(part, depth + 1) for part in parts]
            case ast.Call(
                func=ast.Name(id="array" | "asarray") | ast.Attribute(value=ast.Name(id="np" | "numpy"), attr="array" | "asarray"),
                args=[inner],
            ) if not isinstance(inner, ast.Starred) and all(k.arg == "dtype" for k in node.keywords):  # fmt: skip
                return self._literal(inner, depth)
            case ast.Attribute(value=inner, attr="T"):
                rows = self._literal(inner, depth)
                return _transposed(rows) if isinstance(rows, list) and isinstance(rows[0], list) else rows
            case ast.Name(id="nan" | "NaN" | "inf") | ast.Attribute(attr="nan" | "inf" | "NaN"):
                self.source.fail(node, "a value must be a finite number")
        self.source.fail(node, "this is not a number", "values are numbers, fractions 1/3, lists and np.array([...])")

    def _number(self, node: ast.expr, number: int | float) -> Fraction:
        if isinstance(number, int):
            if number.bit_length() > 3.3 * MAX_DIGITS:
                self.source.fail(node, "this number is too large", f"at most {MAX_DIGITS} digits")
            return self._in_range(node, Fraction(number))
        if number in (float("inf"), float("-inf")):
            self.source.fail(node, "a value must be a finite number")
        return self._in_range(node, Fraction(repr(number)))

    def _in_range(self, node: ast.expr, number: Fraction) -> Fraction:
        if number and not SMALLEST < abs(number) < LARGEST:
            self.source.fail(node, "this number is too large or too small", "between 1e-30 and 1e30")
        if max(number.numerator.bit_length(), number.denominator.bit_length()) > 256:
            self.source.fail(node, "this fraction has too many digits")
        return number


def _transposed(rows: list[Any]) -> list[Any]:
    return [list(column) for column in zip(*rows, strict=False)] if len({*map(len, rows)}) == 1 else rows


def _from_python(value: Any, name: str, depth: int) -> Literal:
    """A number or nested sequence of numbers as a literal: what a caller has in hand, arrays included."""
    if isinstance(value, (list, tuple)):
        if depth == 2:
            raise ModelError(f"{name} has more than two axes", "a value is a number, a list or a list of rows", name)
        if not value:
            raise ModelError(f"{name} is empty", "every size is at least 1", name)
        return [_from_python(part, name, depth + 1) for part in value]
    if isinstance(value, bool) or not isinstance(value, (int, float, Fraction)):
        raise ModelError(
            f"{name} holds {type(value).__name__}, not numbers", "write numbers and lists of numbers", name
        )
    if isinstance(value, float) and not -float("inf") < value < float("inf"):
        raise ModelError(f"{name} holds {value}: a value must be a finite number", "", name)
    number = Fraction(repr(value)) if isinstance(value, float) else Fraction(value)
    if number and not SMALLEST < abs(number) < LARGEST:
        raise ModelError(f"{name} holds {value}: this is too large or too small", "between 1e-30 and 1e30", name)
    return number


@dataclass
class _Bound:
    """A size and the value that told it."""

    number: int
    by: str


class _Binder:
    """Matches values with the shapes of a model."""

    def __init__(self, model: Model, given: dict[str, _Given], file: str) -> None:
        self.model, self.given, self.file = model, given, file
        self.sizes: dict[str, _Bound] = {
            size: _Bound(int(size), "the model itself") for size in model.sizes if size.isdigit()
        }
        self.needed = [s for s in model.inputs if s.name in model.relevant]
        self.matrices: dict[str, Matrix] = {}

    def values(self) -> Values:
        hypers = {s.name for s in self.model.hypers}
        rates = [
            name
            for name in RATES
            if name in self.given and name not in (*self.model.symbols, *hypers, *self.model.sizes)
        ]
        if len(rates) > 1:
            self.given[rates[1]].fail(f"the learning rate is given twice, as {' and '.join(rates)}", "leave one out")
        for given in self.given.values():
            self._check_known(given, hypers, rates)
        self._check_complete(hypers)
        for name in self.model.sizes:
            if name in self.given:
                self._size_line(self.given[name])
        # Overrides come last, so that a wrong one is not what the inputs are blamed for.
        computed = [e.symbol for e in self.model.equations if e.name in self.given]
        self._fit_all([s for s in self.model.inputs if s.name in self.given])
        inputs = {s.name: self.matrices[s.name] for s in self.needed}
        parts = {part for e in self._relevant() for part in parts_of(e.value)}
        used = {size.name for part in parts for size in part.shape} | {
            str(s) for p in parts for s in _scalar_symbols(p)
        }
        for size in self.model.sizes:
            if size not in self.sizes and size in used:
                raise ModelError(f"{self.file}: no value tells the size {size}", f"add a line `{size} = 4`", size)
        self._fit_all(computed)
        sizes = {name: bound.number for name, bound in self.sizes.items()}
        self._check_amount(sizes)
        self._check_assumptions(inputs)
        return Values(
            self.model,
            inputs,
            sizes,
            {name: self._scalar(self.given[name]) for name in hypers if name in self.given},
            self._scalar(self.given[rates[0]]) if rates else None,
            {symbol.name: self.matrices[symbol.name] for symbol in computed},
        )

    def _relevant(self) -> Iterator[Any]:
        return (e for e in self.model.equations if e.name in self.model.relevant)

    def _check_known(self, given: _Given, hypers: set[str], rates: list[str]) -> None:
        known = [*self.model.symbols, *hypers, *self.model.sizes, *rates]
        if given.name not in known:
            near = [k for k in known if k.lower() == given.name.lower()] or get_close_matches(given.name, known, 1, 0.6)
            have = f"it has {', '.join(list(self.model.symbols)[:20])}"
            given.fail(f"the model has no {given.name}", f"did you mean {near[0]}?" if near else have)
        if self.model.equation(given.name) is not None and given.name not in self.model.relevant:
            given.fail(f"the loss does not depend on {given.name}", "leave the line out")

    def _check_complete(self, hypers: set[str]) -> None:
        # Hyper-parameters are looked for in the equations that count: one that nothing uses needs no number.
        used = {str(s) for e in self._relevant() for p in parts_of(e.value) for s in _scalar_symbols(p)}
        missing = [s for s in self.needed if s.name not in self.given]
        lines = [f"{s.name} = {_template(s, self.sizes)}" for s in missing]
        lines += [f"{name} = 0.1" for name in sorted(hypers & used) if name not in self.given]
        if lines:
            names = ", ".join(line.partition(" =")[0] for line in lines)
            shape = "" if len(lines) > 8 else "".join(f"\n    {line}" for line in lines)
            shapes = "".join(f"; {s.name} is {show(s.shape)}" for s in missing[:8] if s.shape != SCALAR)
            raise ModelError(
                f"{self.file}: no value for {names}",
                f"add lines such as{shape}\n  {shapes.removeprefix('; ')}".rstrip(),
            )

    def _size_line(self, given: _Given) -> None:
        number = self._scalar(given)
        if number.denominator != 1 or not 1 <= number <= LARGEST_SIZE:
            given.fail(f"{given.name} is a size", f"a whole number from 1 to {LARGEST_SIZE}")
        if self.sizes.setdefault(given.name, _Bound(int(number), f"its own line{given.place}")).number != number:
            given.fail(f"{given.name} is {self.sizes[given.name].number} by {self.sizes[given.name].by}")

    def _scalar(self, given: _Given) -> Fraction:
        literal = given.literal
        while isinstance(literal, list) and len(literal) == 1:
            literal = literal[0]
        if not isinstance(literal, Fraction):
            given.fail(f"{given.name} is a single number", f"write `{given.name} = 0.1`")
        return literal

    # Shapes

    def _fit_all(self, symbols: list[Symbol]) -> None:
        """Fit the values whose shape is plain first; a flat list then has its axis from the sizes they told."""
        later = []
        for symbol in symbols:
            rows = self._rows(symbol, self.given[symbol.name])
            if rows is None:
                later.append(symbol)
            else:
                self._fit(symbol, rows)
        for symbol in later:
            given = self.given[symbol.name]
            flat = given.literal
            assert isinstance(flat, list)
            known = [self._known(size) for size in symbol.shape]
            if known[1] == 1 and known[0] != 1:
                self._fit(symbol, [[x] for x in flat])
            elif known[0] == 1:
                self._fit(symbol, [flat])
            else:
                given.fail(
                    f"{symbol.name} is {show(symbol.shape)}: one flat list does not say whether it is a row or a column",
                    "write [[1, 2]] for a row, [[1], [2]] for a column",
                )

    def _known(self, size: Size) -> int | None:
        if not size.name:
            return size.offset
        return self.sizes[size.name].number + size.offset if size.name in self.sizes else None

    def _rows(self, symbol: Symbol, given: _Given) -> list[Any] | None:
        """The value as rows; None for a flat list that could be a row or a column."""
        literal = given.literal
        if not isinstance(literal, list):
            return [[literal]]
        nested = [isinstance(part, list) for part in literal]
        if not any(nested):
            if len(literal) == 1 or symbol.shape[0] == ONE:
                return [literal]
            return [[x] for x in literal] if symbol.shape[1] == ONE else None
        if not all(nested):
            given.fail(f"{symbol.name} mixes numbers and rows", "a matrix is a list of rows: [[1, 2], [3, 4]]")
        lengths = [len(row) for row in literal if isinstance(row, list)]
        if len(set(lengths)) > 1:
            row = next(k for k, length in enumerate(lengths) if length != lengths[0])
            given.fail(
                f"the rows of {symbol.name} differ: row 1 has {lengths[0]} number(s), row {row + 1} has {lengths[row]}"
            )
        return literal

    def _fit(self, symbol: Symbol, rows: list[Any]) -> None:
        given, found = self.given[symbol.name], (len(rows), len(rows[0]))
        if any(isinstance(x, list) for row in rows for x in row):
            given.fail(f"{symbol.name} has more than two axes", "a value is a number, a list or a list of rows")
        for axis, (size, number) in enumerate(zip(symbol.shape, found, strict=True)):
            known = self._known(size)
            if known is None and number - size.offset >= 1:
                self.sizes[size.name] = _Bound(
                    number - size.offset, f"{symbol.name}: {show(symbol.shape)} is {_by(found)}{given.place}"
                )
            elif number != known:
                self._disagree(symbol, given, found, axis, known)
        self.matrices[symbol.name] = tuple(map(tuple, rows))

    def _disagree(
        self, symbol: Symbol, given: _Given, found: tuple[int, int], axis: int, known: int | None
    ) -> NoReturn:
        size, what = symbol.shape[axis], ("row", "column")[axis]
        message = f"the sizes do not fit\n  {symbol.name}: {show(symbol.shape)} is {_by(found)}{given.place}"
        if known is None:
            given.fail(message, f"{size} comes to at least {size.offset + 1}: give {symbol.name} more {what}s")
        if size.name:
            bound = self.sizes[size.name]
            message += f"\n  {bound.by}" if ":" in bound.by else f"\n  {size.name} is {bound.number} by {bound.by}"
            fact = f"{size} = {known} ≠ {found[axis]}"
        else:
            fact = f"{found[axis]} ≠ {known}"
        wanted = [self._known(s) for s in symbol.shape]
        if all(w in (None, f) for w, f in zip(wanted, found[::-1], strict=True)):
            given.fail(message, f"{fact}; its transpose would fit: add .T, or write rows for columns")
        given.fail(message, f"{fact}: give {symbol.name} {known} {what}{'s' * (known != 1)}")

    # What the numbers must be

    def _check_amount(self, sizes: Mapping[str, int]) -> None:
        total = 0
        for equation in self._relevant():
            for part in {*parts_of(equation.value), equation.symbol}:
                count = prod(s.value(sizes) for s in part.shape)
                total += count
                if count > MAX_ENTRIES or total > 5 * MAX_ENTRIES:
                    raise ModelError(
                        f"{self.file}: at these sizes {equation.name} comes to too many numbers to follow",
                        "take fewer samples or a smaller network",
                    )

    def _check_assumptions(self, inputs: Mapping[str, Matrix]) -> None:
        for assumption in self.model.assumptions:
            rows = inputs.get(assumption.name)
            if rows is None:
                continue
            groups = list(zip(*rows, strict=True)) if assumption.axis == 0 else rows
            for k, group in enumerate(groups, 1):
                if abs(sum(group) - 1) > Fraction(1, 10**12):
                    what = "column" if assumption.axis == 0 else "row"
                    self.given[assumption.name].fail(
                        f"each {what} of {assumption.name} must sum to 1, {what} {k} sums to {float(sum(group)):g}",
                        "the targets of a cross-entropy on a softmax are one-hot, or probabilities",
                    )


def _scalar_symbols(part: Any) -> set[Any]:
    scalar = getattr(part, "function", getattr(part, "value", None))
    return scalar.free_symbols if scalar is not None else set()


def _by(found: tuple[int, int]) -> str:
    return f"{found[0]} × {found[1]}"


def _template(symbol: Symbol, known: Mapping[str, _Bound]) -> str:
    """How a value of this shape is written; sizes that nothing tells are 2."""
    rows, columns = (
        size.value({size.name: known[size.name].number if size.name in known else 2}) for size in symbol.shape
    )
    if symbol.shape == SCALAR:
        return "1"
    if rows * columns > 16:
        return f"np.array([...])  # {rows} × {columns}"
    return str([[i * columns + j + 1 for j in range(columns)] for i in range(rows)])
