"""Model files: forward equations as people write them in NumPy, read with `ast` and never executed.

    X: (n, d)                          # data, by its name (x, y, t, A0, y_train); `X: data(n, d)` says so for any
    W1: (d, h); b1: (1, h)             # parameters
    lam: hyper                         # a scalar that is not trained
    Z1 = X @ W1 + b1
    A1 = tanh(Z1)
    J = mean((A1 - Y)**2)              # the last equation is the loss
    assert sum(Y, axis=1) == 1         # an assumption about the data

Only the constructs below are looked at; everything else in Python's grammar is an error with its place. Length,
nesting, digits and exponents are capped before any SymPy object exists.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NoReturn

import sympy

from symderiv.calculus.expressions import (
    Augment,
    Expr,
    Fill,
    Map,
    Softmax,
    Sum,
    Symbol,
    apply,
    as_scalar,
    call,
    mean,
    total,
)
from symderiv.calculus.functions import FUNCTIONS, opaque
from symderiv.calculus.model import Model
from symderiv.calculus.shapes import ONE, SCALAR, Shape, Size, show, size_of, size_symbol
from symderiv.errors import LocatedError, ModelError, ShapeError
from symderiv.textbook.builder import Network, check_name
from symderiv.textbook.source import Source, read_text

MAX_DIGITS = 40
MAX_EXPONENT = 64
MAX_OPERATIONS, MAX_FUNCTIONS = 150, 8
"""Elementwise work in one equation: beyond this, SymPy's calculus of a single scalar formula takes seconds."""
LARGEST_SIZE = 10**6
LARGEST_LITERAL_SIZE = 5
"""A larger size is kept as a name that reads like the number, so that checks and pictures can use a smaller one."""

ALIASES = {
    "ln": "log", "logistic": "sigmoid", "sigma": "sigmoid", "ReLU": "relu", "abs": "absolute", "fabs": "absolute",
    "LeakyReLU": "leaky_relu", "Huber": "huber",
}  # fmt: skip
OPAQUE = ("g", "f", "phi", "psi")
DATA = re.compile(r"[xytXYT](\d+|_\w+)?|[aA]_?0|\w*[tT]argets?|\w*[lL]abels?")
"""Names that are data unless their declaration says otherwise: `X`, `y_train`, `x1`, `A0`; but not `theta`."""

LINE_HINT = "write `NAME: (rows, columns)` to declare a matrix, `NAME = ...` for an equation"

Value = Any
"""An Expr, or a SymPy scalar (SymPy is untyped)."""


def read_model(path: str | Path) -> Model:
    """The model in a file.

    Raises: LocatedError with line and caret for what cannot be read; ModelError for a file that is not text.
    """
    text = read_text(path)
    return parse_model(text, Path(path).name)


def parse_model(text: str, file: str = "<model>") -> Model:
    """The model that a text describes; `file` is its name in error messages."""
    try:
        return _Reader(text, file, large_as_names=True).model()
    except LocatedError:
        # 784 + 1 and 785 are not one name: with the numbers themselves they agree, or the error is a real one.
        return _Reader(text, file, large_as_names=False).model()


class _Reader:
    def __init__(self, text: str, file: str, large_as_names: bool) -> None:
        self.file = file
        self.source = Source(text, file, "a line of a model", LINE_HINT)
        self.large_as_names = large_as_names
        self.literals: dict[int, Size] = {}
        self.lines = self.source.lines
        self.text = text
        self.net = Network()
        self.matrices: dict[str, Symbol] = {}
        self.hypers: dict[str, sympy.Symbol] = {}
        self.sizes: dict[str, ast.AST | None] = {}
        self.functions: set[str] = set()
        self.places: dict[str, ast.AST] = {}

    def model(self) -> Model:
        tree = self.source.parsed()
        if self.large_as_names:
            self._name_numbers(tree)
        for statement in tree.body:
            self._statement(statement)
        try:
            return self.net.model(self._title())
        except ModelError as error:
            place = self.places.get(error.subject)
            if place is None:
                raise ModelError(f"{self.file}: {error.message}", error.hint) from error
            self._fail(place, error.message, error.hint)

    def _name_numbers(self, tree: ast.Module) -> None:
        """Let numbers stand for named sizes: all of them where ones are put before something, else the large ones.

        Of consecutive numbers the smallest is the name: 784 and 785 become `784` and `784 + 1`.
        """
        smallest = 1 if re.search(r"augment|vstack|hstack", self.text) else LARGEST_LITERAL_SIZE
        shapes = [node.annotation for node in tree.body if isinstance(node, ast.AnnAssign)]
        constants = (c.value for shape in shapes for c in ast.walk(shape) if isinstance(c, ast.Constant))
        base = 0
        for number in sorted({n for n in constants if type(n) is int and smallest < n <= LARGEST_SIZE}):
            base = base if number - 1 in self.literals else number
            self.literals[number] = Size(str(base), number - base)

    def _title(self) -> str:
        first = self.lines[0].strip()
        return first.lstrip("# ").strip() if first.startswith("#") else ""

    def _fail(self, node: Any, message: str, hint: str = "", column: int | None = None) -> NoReturn:
        self.source.fail(node, message, hint, column)

    # Statements

    def _statement(self, node: ast.stmt) -> None:
        match node:
            case ast.AnnAssign(target=ast.Name(id=name), value=None):
                self._declaration(name, node)
            case ast.Assign(targets=[ast.Name(id=name)]):
                self._equation(name, node)
            case ast.Assert():
                self._assumption(node)
            case ast.Expr(value=ast.Constant(value=str())):
                pass  # a docstring
            case _:
                hint = "a model has declarations `W: (d, h)`, equations `Z = X @ W` and `assert sum(Y, axis=0) == 1`"
                self._fail(node, "this is not a line of a model", hint)

    def _declaration(self, name: str, node: ast.AnnAssign) -> None:
        self._new(name, node)
        role = "data" if DATA.fullmatch(name) else "parameter"
        shape: Shape = SCALAR
        match node.annotation:
            case ast.Name(id="hyper"):
                self.hypers[name] = self.net.hyper(name)
                return
            case ast.Name(id="function"):
                self.functions.add(name)
                return
            case ast.Name(id="scalar"):
                pass
            case ast.Call(func=ast.Name(id="data" | "parameter" as role), args=[rows, columns], keywords=[]):
                shape = (self._size(rows), self._size(columns))
            case ast.Call(func=ast.Name(id="data" | "parameter" as role), args=[], keywords=[]):
                pass
            case ast.Tuple(elts=[rows, columns]):
                shape = (self._size(rows), self._size(columns))
            case ast.Tuple(elts=[]):
                pass
            case ast.Tuple(elts=[only]):
                size = (ast.get_source_segment(self.text, only) or "n")[:20]
                self._fail(
                    node.annotation, f"{name} has one axis", f"write (1, {size}) for a row or ({size}, 1) for a column"
                )
            case _:
                self._fail(
                    node.annotation, f"cannot read the shape of {name}", "write (rows, columns), `scalar` or `hyper`"
                )
        for named in (side.name for side in shape if side.name):
            if named in self.matrices or named in self.hypers:
                self._fail(node.annotation, f"{named} is a matrix already, it cannot be a size too")
            self.sizes.setdefault(named, node)
        declare = self.net.data if role == "data" else self.net.parameter
        self.matrices[name] = declare(name, *shape)

    def _size(self, node: ast.expr) -> Size:
        match node:
            case ast.Constant(value=int() as number) if not isinstance(number, bool) and 1 <= number <= LARGEST_SIZE:
                return self.literals.get(number, size_of(number))
            case ast.Name(id=name):
                self._checked(name, node)
                return size_of(name)
            case ast.BinOp(left=left, op=ast.Add(), right=ast.Constant(value=int() as number)) if (
                type(number) is int and 0 < number < 100
            ):
                return self._size(left) + number
            case ast.BinOp(left=ast.Constant(value=int() as number), op=ast.Add(), right=right) if (
                type(number) is int and 0 < number < 100
            ):
                return self._size(right) + number
        self._fail(
            node, "cannot read this size", "a size is a name, a number from 1 on, or a name plus a number: n, 3, d + 1"
        )

    def _equation(self, name: str, node: ast.Assign) -> None:
        if isinstance(node.value, ast.Tuple):
            self._fail(
                node, "a shape is declared with a colon", f"{name}: {ast.get_source_segment(self.text, node.value)}"
            )
        value = self._value(node.value)
        self._new(name, node)
        if not isinstance(value, Expr):
            self._fail(node.value, f"{name} is a constant", "use the number where it is needed")
        self.matrices[name] = self.net.define(name, value, node.lineno)

    def _assumption(self, node: ast.Assert) -> None:
        match node.test:
            case ast.Compare(left=ast.Call() as left, ops=[ast.Eq()], comparators=[ast.Constant(value=1)]):
                value = self._value(left)
                if isinstance(value, Sum) and isinstance(value.args[0], Symbol):
                    if value.args[0].role != "data":
                        self._fail(node, f"{value.args[0].name} is not data, so this cannot be assumed of it")
                    self.net.assume_sums_to_one(value.args[0], value.axis)
                    return
        self._fail(
            node, "this assumption is not known", "write `assert sum(Y, axis=0) == 1` (each column of Y sums to 1)"
        )

    def _checked(self, name: str, node: ast.AST) -> None:
        try:
            check_name(name)
        except ModelError as error:
            self._fail(node, error.message, error.hint)

    def _new(self, name: str, node: ast.AST) -> None:
        self._checked(name, node)
        if name in self.places:
            line = getattr(self.places[name], "lineno", 0)
            self._fail(node, f"{name} is defined twice, first in line {line}", "give the second one a name of its own")
        if name in self.sizes:
            self._fail(node, f"{name} is the name of a size already", "give one of the two another name")
        if name in FUNCTIONS or name in ALIASES or name in self._calls():
            self._fail(node, f"{name} is the name of a function", "give the matrix another name")
        self.places[name] = node

    # Expressions

    def _value(self, node: ast.expr) -> Value:
        value = self._read(node)
        scalar = value.function if isinstance(value, Map) else value.value if isinstance(value, Fill) else value
        if isinstance(scalar, sympy.Expr):
            if scalar.has(sympy.zoo, sympy.nan, sympy.oo, -sympy.oo, sympy.I):
                self._fail(
                    node,
                    "this is not a real number",
                    "look for a division by zero, or a root or logarithm of a number below it",
                )
            if scalar.count_ops() > MAX_OPERATIONS or len(scalar.atoms(sympy.Function)) > MAX_FUNCTIONS:
                self._fail(node, "this formula is too long for one equation", "give parts of it names of their own")
        return value

    def _read(self, node: ast.expr) -> Value:
        match node:
            case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
                return self._number(node, number)
            case ast.Name(id=name):
                return self._name(name, node)
            case ast.UnaryOp(op=ast.USub() | ast.UAdd() as op, operand=operand):
                value = self._value(operand)
                return -value if isinstance(op, ast.USub) else value
            case ast.BinOp(left=left, op=op, right=right):
                return self._operation(node, op, left, right)
            case ast.Attribute(value=inner, attr="T"):
                return self._matrix(inner).T
            case ast.Call():
                return self._call(node)
            case ast.Attribute(attr=attribute):
                self._fail(node, f"`.{attribute}` is not allowed", "the only attribute is .T")
            case ast.Subscript():
                self._fail(node, "indexing is not allowed", "declare the parts as matrices of their own")
        self._fail(node, "this is not allowed in a formula", "use + - * / **, @, .T, numbers, names and function calls")

    def _number(self, node: ast.AST, number: int | float) -> sympy.Expr:
        extreme = isinstance(number, float) and number != 0 and not 1e-30 < abs(number) < 1e30
        if (
            extreme
            or (isinstance(number, int) and number.bit_length() > 3.3 * MAX_DIGITS)
            or len(str(number)) > MAX_DIGITS
        ):
            self._fail(node, "this number is too large or has too many digits", f"at most {MAX_DIGITS} digits")
        return as_scalar(number)

    def _name(self, name: str, node: ast.AST) -> Value:
        if name in self.matrices:
            return self.matrices[name]
        if name in self.hypers:
            return self.hypers[name]
        if name in self.sizes:
            return size_symbol(name)
        if name == "pi":
            return sympy.pi
        known = [*self.matrices, *self.hypers, *self.sizes]
        near = [k for k in known if k.lower() == name.lower()] or get_close_matches(name, known, 1, 0.6)
        later = [line for line, text in enumerate(self.lines, 1) if re.match(rf"\s*{name}\s*=[^=]", text)]
        if later:
            self._fail(node, f"{name} is not defined yet", f"line {later[0]} defines it: move that line up")
        sizes = f"; known sizes are {', '.join(self.sizes)}" if self.sizes else ""
        declare = f"declare it (`{name}: hyper` for a number, `{name}: (rows, columns)` for a matrix){sizes}"
        hint = f"did you mean {near[0]}?" if near else declare
        self._fail(node, f"{name} is not defined", hint)

    def _operation(self, node: ast.BinOp, op: ast.operator, left: ast.expr, right: ast.expr) -> Value:
        a, b = self._value(left), self._value(right)
        match op:
            case ast.MatMult():
                if not (isinstance(a, Expr) and isinstance(b, Expr)):
                    self._fail(node, "@ is a product of two matrices", "use * with a number")
                return self._shaped(node, lambda: a @ b, left, right)
            case ast.Add():
                return self._shaped(node, lambda: a + b, left, right)
            case ast.Sub():
                return self._shaped(node, lambda: a - b, left, right)
            case ast.Mult():
                return self._shaped(node, lambda: a * b, left, right)
            case ast.Div():
                if b == 0:
                    self._fail(right, "division by zero")
                return self._shaped(node, lambda: a / b, left, right)
            case ast.Pow():
                return self._power(node, a, b)
        hint = "a power is written **" if isinstance(op, ast.BitXor) else "use + - * / ** and @"
        self._fail(node, "this operator is not allowed", hint, self._operator_column(node, left, right))

    def _power(self, node: ast.BinOp, base: Value, exponent: Value) -> Value:
        if isinstance(exponent, Expr):
            self._fail(node.right, "an exponent must be a number", "write exp(b * log(a)) for a**b")
        if not exponent.is_Rational or abs(exponent) > MAX_EXPONENT or exponent.q > MAX_EXPONENT:
            self._fail(node.right, f"an exponent is a number up to {MAX_EXPONENT}")
        if (
            not isinstance(base, Expr)
            and base.is_Rational
            and max(abs(base.p), base.q).bit_length() * abs(exponent) > 256
        ):
            self._fail(node, "this number is too large")
        if base == 0 and exponent < 0:
            self._fail(node, "division by zero")
        result = base**exponent
        scalar = result.function if isinstance(result, Map) else result
        if isinstance(scalar, sympy.Expr) and any(
            abs(power.exp) > MAX_EXPONENT for power in scalar.atoms(sympy.Pow) if power.exp.is_Rational
        ):
            self._fail(node, f"powers of powers come to an exponent of more than {MAX_EXPONENT}")
        return result

    def _shaped(self, node: ast.BinOp, make: Callable[[], Value], left: ast.expr, right: ast.expr) -> Value:
        """Do what `make` does; if sizes do not agree, say so with the source text of both sides and a caret."""
        try:
            return make()
        except ShapeError as error:
            names = [_shortened(ast.unparse(side)) for side in (left, right)]
            sides = [shape for _, shape in error.sides][-2:]
            for old, new in zip(("left", "right"), names, strict=True):
                error.hint = (
                    error.hint.replace(f"{old} @", f"{new} @")
                    .replace(f"@ {old}", f"@ {new}")
                    .replace(f"{old}.T", f"{new}.T")
                )
            table = "\n".join(f"  {name}: {shape}" for name, shape in zip(names, sides, strict=True))
            self._fail(node, f"{error.operation}\n{table}", error.hint, self._operator_column(node, left, right))

    def _operator_column(self, node: ast.BinOp, left: ast.expr, right: ast.expr) -> int | None:
        if left.end_lineno != node.lineno or right.lineno != node.lineno:
            return None
        line = self.lines[node.lineno - 1].encode()
        between = line[left.end_col_offset : right.col_offset]
        skipped = len(between) - len(between.lstrip(b" )"))
        return len(line[: (left.end_col_offset or 0) + skipped].decode(errors="ignore"))

    # Calls

    def _calls(self) -> dict[str, Callable[[ast.Call, list[ast.expr], dict[str, ast.expr]], Value]]:
        return {
            "sum": lambda n, a, k: total(self._one(n, a), self._axis(n, k)),
            "mean": lambda n, a, k: mean(self._one(n, a), self._axis(n, k)),
            "softmax": self._softmax,
            "augment": lambda n, a, k: Augment(self._one(n, a), self._axis(n, k) or 0),
            "transpose": lambda n, a, k: self._one(n, a).T,
            "square": lambda n, a, k: self._one(n, a) ** 2,
            "sqrt": lambda n, a, k: self._root(n, a),
            "maximum": lambda n, a, k: self._maximum(n, a),
            "dot": lambda n, a, k: self._two(n, a, ast.MatMult()),
            "matmul": lambda n, a, k: self._two(n, a, ast.MatMult()),
            "multiply": lambda n, a, k: self._two(n, a, ast.Mult()),
            "add": lambda n, a, k: self._two(n, a, ast.Add()),
            "subtract": lambda n, a, k: self._two(n, a, ast.Sub()),
            "divide": lambda n, a, k: self._two(n, a, ast.Div()),
            "ones": lambda n, a, k: self._filled(n, a, 1),
            "zeros": lambda n, a, k: self._filled(n, a, 0),
            "vstack": lambda n, a, k: self._stacked(n, a, 0),
            "hstack": lambda n, a, k: self._stacked(n, a, 1),
        }

    def _call(self, node: ast.Call) -> Value:
        keywords = {k.arg or "**": k.value for k in node.keywords}
        if len(keywords) < len(node.keywords):
            self._fail(node, "a keyword argument is given twice")
        match node.func:
            case ast.Name(id=name) | ast.Attribute(value=ast.Name(id="np" | "numpy"), attr=name):
                args = list(node.args)
            case ast.Attribute(value=inner, attr="sum" | "mean" | "dot" | "transpose" as name):
                args = [inner, *node.args]
            case ast.Attribute(attr=name):
                self._fail(
                    node, f"`.{name}(...)` is not allowed", "call functions by name: " + ", ".join(self._calls())
                )
            case _:
                self._fail(node, "only functions with a name can be called")
        if name in ("sum", "mean", "softmax") and len(args) == 2 and "axis" not in keywords:
            keywords["axis"] = args.pop()
        unknown = set(keywords) - {"axis", "keepdims"}
        if unknown or any(isinstance(arg, ast.Starred) for arg in args):
            self._fail(node, f"{name} is not called like this", "the only keyword arguments are axis= and keepdims=")
        if keywords and name not in ("sum", "mean", "softmax", "augment"):
            self._fail(node, f"{name} takes no axis", "axis= belongs to sum, mean, softmax and augment")
        calls = self._calls()
        if name in calls:
            return calls[name](node, args, keywords)
        name = ALIASES.get(name, name)
        if name in FUNCTIONS:
            return self._elementwise(node, name, args)
        if (name in OPAQUE or name in self.functions) and name not in self.matrices:
            matrix = self._one(node, args)
            return apply(opaque(name), matrix)
        near = get_close_matches(name, [*calls, *FUNCTIONS, *ALIASES], 1, 0.6)
        if near:
            self._fail(node, f"the function {name} is not known", f"did you mean {near[0]}?")
        known = ", ".join(sorted({*calls, *FUNCTIONS} - {"step", "clip"}))
        self._fail(
            node,
            f"the function {name} is not allowed",
            f"allowed are {known}; `{name}: function` declares a smooth one",
        )

    def _elementwise(self, node: ast.Call, name: str, args: list[ast.expr]) -> Value:
        defaults = getattr(FUNCTIONS[name], "defaults", ())
        if not 1 <= len(args) <= 1 + len(defaults):
            self._fail(node, f"{name} takes {1 + len(defaults)} argument(s), not {len(args)}")
        value = self._value(args[0])
        constants = [self._value(arg) for arg in args[1:]]
        if any(isinstance(constant, Expr) for constant in constants):
            self._fail(args[1], f"the second argument of {name} is a number or a hyper-parameter")
        if isinstance(value, Expr):
            return call(name, value, *constants)
        return FUNCTIONS[name](value, *(constants or defaults))

    def _softmax(self, node: ast.Call, args: list[ast.expr], keywords: dict[str, ast.expr]) -> Expr:
        axis = self._axis(node, keywords)
        matrix = self._one(node, args)
        if axis is None:
            if ONE not in matrix.shape:
                hint = "axis=1 if a sample is a row, axis=0 if it is a column"
                self._fail(node, f"softmax needs an axis: its argument is {show(matrix.shape)}", hint)
            axis = 0 if matrix.shape[1] == ONE else 1
        return Softmax(matrix, axis)

    def _axis(self, node: ast.Call, keywords: dict[str, ast.expr]) -> int | None:
        if "keepdims" in keywords:
            match keywords["keepdims"]:
                case ast.Constant(value=True):
                    pass
                case _:
                    self._fail(
                        keywords["keepdims"],
                        "sums keep their axis here, with size 1",
                        "leave keepdims out, or keepdims=True",
                    )
        match keywords.get("axis"):
            case None | ast.Constant(value=None):
                return None
            case ast.Constant(value=int(axis)) if axis in (0, 1) and not isinstance(axis, bool):
                return axis
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int(back))) if back in (1, 2):
                return 2 - back
        self._fail(keywords["axis"], "an axis is 0 (down the rows) or 1 (along the columns)")

    def _matrix(self, node: ast.expr) -> Expr:
        value = self._value(node)
        return value if isinstance(value, Expr) else Fill(value, (ONE, ONE))

    def _one(self, node: ast.Call, args: list[ast.expr]) -> Expr:
        if len(args) != 1:
            self._fail(node, f"one matrix is needed here, not {len(args)} arguments")
        return self._matrix(args[0])

    def _two(self, node: ast.Call, args: list[ast.expr], op: ast.operator) -> Value:
        if len(args) != 2:
            self._fail(node, f"two matrices are needed here, not {len(args)} arguments")
        product = ast.copy_location(ast.BinOp(left=args[0], op=op, right=args[1]), node)
        return self._operation(product, op, args[0], args[1])

    def _root(self, node: ast.Call, args: list[ast.expr]) -> Value:
        if len(args) != 1:
            self._fail(node, "sqrt takes one argument")
        value = self._value(args[0])
        return value ** sympy.Rational(1, 2)

    def _maximum(self, node: ast.Call, args: list[ast.expr]) -> Value:
        values = [self._value(arg) for arg in args]
        matrices = [value for value in values if isinstance(value, Expr)]
        if len(values) != 2 or len(matrices) != 1 or not any(value == 0 for value in values):
            self._fail(node, "maximum is known with 0 only", "maximum(0, Z) is relu(Z)")
        return call("relu", matrices[0])

    def _filled(self, node: ast.Call, args: list[ast.expr], value: int) -> Expr:
        match args:
            case [ast.Tuple(elts=[rows, columns])]:
                sizes = self._size(rows), self._size(columns)
                for size in sizes:
                    if size.name and size.name not in self.sizes and not size.name.isdigit():
                        self._fail(
                            args[0], f"the size {size.name} is not the size of any matrix declared before this line"
                        )
                return Fill(value, sizes)
        self._fail(node, "a shape is needed here", "write ones((n, 1))")

    def _stacked(self, node: ast.Call, args: list[ast.expr], axis: int) -> Expr:
        match args:
            case [ast.Tuple(elts=[first, second]) | ast.List(elts=[first, second])]:
                ones, matrix = self._matrix(first), self._matrix(second)
                shape = list(matrix.shape)
                shape[axis] = ONE
                if isinstance(ones, Fill) and ones.value == 1 and ones.shape == tuple(shape):
                    return Augment(matrix, axis)
        name = "vstack" if axis == 0 else "hstack"
        self._fail(
            node,
            f"{name} is known for putting ones before a matrix",
            f"{name}([ones(...), X]), or augment(X, axis={axis})",
        )


def _shortened(text: str) -> str:
    short = text if len(text) <= 40 else text[:37] + "..."
    return short if short.replace(".T", "").isidentifier() else f"({short})"
