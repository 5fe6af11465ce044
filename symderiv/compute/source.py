"""Readable source: one line a named quantity, the document's names, forward values reused, nothing that overflows.

Two dialects of one printer. `numpy` needs NumPy alone; `array-api` is written against the array API standard and runs
unchanged on whatever implements it (NumPy, PyTorch, JAX, through array-api-compat where that is installed).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import sympy

from symderiv.calculus.expressions import (
    Augment,
    Broadcast,
    DropFirst,
    Expr,
    Fill,
    Map,
    MatMul,
    Softmax,
    Sum,
    Symbol,
    Transpose,
    parts_of,
    symbols_in,
)
from symderiv.calculus.functions import Elementwise, Opaque, Scalar, placeholder
from symderiv.calculus.model import Model
from symderiv.calculus.shapes import Shape, Size, show, size_symbol
from symderiv.compute.program import Line, LogSoftmax, Program, code_names

SUM, PRODUCT, UNARY, POWER, ATOM = range(5)


@dataclass(frozen=True)
class Piece:
    """A piece of Python and how tightly it binds."""

    text: str
    binds: int = ATOM

    def within(self, binds: int) -> str:
        """The text for a place whose parts must bind at least so tightly."""
        return self.text if self.binds >= binds else f"({self.text})"


HELPERS: Mapping[str, str] = {
    "sigmoid": """
def sigmoid(z):
    \"\"\"1 / (1 + e^-z), without overflow.\"\"\"{namespace}
    e = {np}.exp(-{np}.abs(z))
    return {np}.where(z >= 0, {ones}, e) / (1 + e)
""",
    "softplus": """
def softplus(z):
    \"\"\"log(1 + e^z), without overflow.\"\"\"{namespace}
    return {np}.where(z > 0, z, {zeros}) + {np}.log1p({np}.exp(-{np}.abs(z)))
""",
    "log_sigmoid": """
def log_sigmoid(z):
    \"\"\"log sigmoid(z) = -log(1 + e^-z), without overflow.\"\"\"{namespace}
    return {np}.where(z < 0, z, {zeros}) - {np}.log1p({np}.exp(-{np}.abs(z)))
""",
    "relu": """
def relu(z):
    \"\"\"max(0, z).\"\"\"{namespace}
    return {np}.where(z > 0, z, {zeros})
""",
    "step": """
def step(z):
    \"\"\"1 where z > 0, else 0.\"\"\"{namespace}
    return {np}.where(z > 0, {ones}, {zeros})
""",
    "softmax": """
def softmax(z, axis):
    \"\"\"e^z over its sum along the axis, without overflow.\"\"\"{namespace}
    e = {np}.exp(z - {np}.max(z, axis=axis, keepdims=True))
    return e / {np}.sum(e, axis=axis, keepdims=True)
""",
    "log_softmax": """
def log_softmax(z, axis):
    \"\"\"The logarithm of softmax, without overflow.\"\"\"{namespace}
    z = z - {np}.max(z, axis=axis, keepdims=True)
    return z - {np}.log({np}.sum({np}.exp(z), axis=axis, keepdims=True))
""",
    "augment": """
def augment(a, axis):
    \"\"\"A row (axis 0) or column (axis 1) of ones put first: the bias inside the weights.\"\"\"{namespace}
    first = a[:1, :] if axis == 0 else a[:, :1]
    return {np}.{concat}([{np}.ones_like(first), a], axis=axis)
""",
}
"""What a module defines for itself where it is used."""

NATIVE: Mapping[type[sympy.Function], str] = {
    sympy.exp: "exp",
    sympy.log: "log",
    sympy.tanh: "tanh",
    sympy.sin: "sin",
    sympy.cos: "cos",
}


@dataclass
class Writer:
    """Writes expressions as Python; `used` collects the helpers they need."""

    program: Program
    dialect: str
    names: dict[Any, str] = field(init=False)
    used: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.names = code_names(self.program)
        self.np = "np" if self.dialect == "numpy" else "xp"

    def text(self, expr: Expr) -> str:
        """The expression on one line."""
        return self.piece(expr).text

    def piece(self, expr: Expr) -> Piece:
        return _PIECES[type(expr)](self, expr)

    def call(self, name: str, *arguments: str) -> Piece:
        """A call of a function of the array library."""
        return Piece(f"{self.np}.{name}({', '.join(arguments)})")

    def help(self, name: str, *arguments: str) -> Piece:
        """A call of a helper, which the module then defines."""
        self.used.add(name)
        return Piece(f"{name}({', '.join(arguments)})")

    def size(self, size: Size) -> str:
        if not size.name or size.name.isdigit():
            return str(int(size.name or 0) + size.offset)
        name = self.names[size_symbol(size.name)]
        return f"{name} {'-' if size.offset < 0 else '+'} {abs(size.offset)}" if size.offset else name

    def shape(self, shape: Shape) -> str:
        return f"({self.size(shape[0])}, {self.size(shape[1])})"

    def scalar(self, e: Scalar, places: Mapping[Scalar, Piece]) -> Piece:
        """A scalar function, with pieces in the place of its placeholders."""
        if e in places:
            return places[e]
        if e.is_Symbol:
            return Piece(str(int(e.name)) if e.name.isdigit() else self.names[e])
        if e.is_Integer:
            return Piece(str(e), ATOM if e >= 0 else UNARY)
        if e.is_Rational:
            return self._product(e, places)
        if e.is_Number or e.is_NumberSymbol:
            return Piece(repr(float(e)), ATOM if e >= 0 else UNARY)
        if isinstance(e, sympy.Add):
            return self._sum(e, places)
        if isinstance(e, sympy.Mul):
            return self._product(e, places)
        if isinstance(e, sympy.Pow) and not isinstance(e, sympy.exp):
            return self._power(e, places)
        return self._function(e, [self.scalar(arg, places) for arg in e.args])

    def _sum(self, e: Scalar, places: Mapping[Scalar, Piece]) -> Piece:
        # A positive term first, a number before the rest: `1 - A`, `A - Y`.
        terms = sorted(e.as_ordered_terms(), key=lambda t: (t.could_extract_minus_sign(), not t.is_Number))
        text = ""
        for term in terms:
            minus = term.could_extract_minus_sign()
            piece = self.scalar(-term if minus else term, places)
            sign = (" - " if minus else " + ") if text else ("-" if minus else "")
            text += sign + piece.within(PRODUCT if sign != "-" else UNARY)
        return Piece(text, SUM)

    def _product(self, e: Scalar, places: Mapping[Scalar, Piece]) -> Piece:
        above, below = [], []
        constant, factors = e.as_coeff_mul()
        if abs(constant.p) != 1:
            above.append(Piece(str(abs(constant.p))))
        if constant.q != 1:
            below.append(Piece(str(constant.q)))
        for factor in sorted(factors, key=lambda f: bool(f.free_symbols & set(places))):
            if isinstance(factor, sympy.Pow) and not isinstance(factor, sympy.exp) and factor.exp.is_negative:
                below.append(self.scalar(1 / factor, places))
            else:
                above.append(self.scalar(factor, places))
        top = " * ".join(piece.within(PRODUCT if k == 0 else UNARY) for k, piece in enumerate(above)) or "1"
        text = top
        if below:
            bottom = " * ".join(piece.within(UNARY) for piece in below)
            text = f"{top} / " + (f"({bottom})" if len(below) > 1 else bottom)
        if constant < 0:
            return Piece(f"-{text}", UNARY if len(above) + len(below) < 2 else PRODUCT)
        return Piece(text, PRODUCT if len(above) + len(below) > 1 or below else above[0].binds if above else ATOM)

    def _power(self, e: Scalar, places: Mapping[Scalar, Piece]) -> Piece:
        if e.exp == sympy.Rational(1, 2):
            inner = self.scalar(e.base, places).text
            # A root of sizes alone is the root of a number, not of an array.
            return Piece(f"({inner}) ** 0.5", POWER) if not e.free_symbols & set(places) else self.call("sqrt", inner)
        if e.exp.is_negative:
            return self._product(e, places)
        return Piece(f"{self.scalar(e.base, places).within(ATOM)}**{self.scalar(e.exp, places).within(ATOM)}", POWER)

    def _function(self, e: Scalar, args: list[Piece]) -> Piece:
        kind = type(e)
        if kind in NATIVE:
            return self.call(NATIVE[kind], args[0].text)
        if isinstance(e, Opaque):
            return Piece(f"{opaque_name(kind)}({args[0].text})")
        if kind.__name__ in HELPERS:
            return self.help(kind.__name__, args[0].text)
        if kind.__name__ == "absolute":
            return self.call("abs", args[0].text)
        assert isinstance(e, Elementwise), kind
        stand_ins = {sympy.Symbol(f"_{k}", real=True): arg for k, arg in enumerate(args)}
        return self.scalar(kind.row(e, *stand_ins)[0], stand_ins)


def opaque_name(kind: type[Opaque]) -> str:
    """The argument that stands for an opaque function: `g`, `g_prime`, `g_prime_prime`."""
    return f"{kind.letter}{'_prime' * kind.order}"


def _map(writer: Writer, expr: Map) -> Piece:
    inner = [arg.args[0] if isinstance(arg, Broadcast) else arg for arg in expr.args]
    piece = writer.scalar(expr.function, {placeholder(i): writer.piece(arg) for i, arg in enumerate(inner)})
    stretched = tuple(
        max(sizes, key=lambda s: s != Size("", 1)) for sizes in zip(*(a.shape for a in inner), strict=True)
    )
    if stretched != expr.shape:
        return writer.call("broadcast_to", piece.text, writer.shape(expr.shape))
    return piece


def _matmul(writer: Writer, expr: MatMul) -> Piece:
    left, right = (writer.piece(arg) for arg in expr.args)
    return Piece(f"{left.within(PRODUCT)} @ {right.within(UNARY)}", PRODUCT)


def _sum(writer: Writer, expr: Sum) -> Piece:
    inner = expr.args[0]
    if isinstance(inner, Sum):
        return writer.call("sum", writer.text(inner.args[0]), "keepdims=True")
    return writer.call("sum", writer.text(inner), f"axis={expr.axis}", "keepdims=True")


def _fill(writer: Writer, expr: Fill) -> Piece:
    if writer.dialect == "numpy":
        return writer.call("full", writer.shape(expr.shape), writer.scalar(expr.value, {}).text)
    like = writer.names[next(iter(writer.program.model.inputs))]
    number = writer.scalar(1.0 * expr.value, {}).text
    return writer.call("full", writer.shape(expr.shape), number, f"dtype={like}.dtype")


_PIECES: Mapping[type[Expr], Callable[[Writer, Any], Piece]] = {
    Symbol: lambda w, e: Piece(w.names[e]),
    Fill: _fill,
    MatMul: _matmul,
    Transpose: lambda w, e: Piece(f"{w.piece(e.args[0]).within(ATOM)}.T"),
    Map: _map,
    Sum: _sum,
    Broadcast: lambda w, e: w.call("broadcast_to", w.text(e.args[0]), w.shape(e.shape)),
    Softmax: lambda w, e: w.help("softmax", w.text(e.args[0]), f"axis={e.axis}"),
    LogSoftmax: lambda w, e: w.help("log_softmax", w.text(e.args[0]), f"axis={e.axis}"),
    Augment: lambda w, e: w.help("augment", w.text(e.args[0]), f"axis={e.axis}"),
    DropFirst: lambda w, e: Piece(f"{w.piece(e.args[0]).within(ATOM)}[{'1:, :' if e.axis == 0 else ':, 1:'}]"),
}


DIALECTS = ("numpy", "array-api")


def write_source(program: Program, dialect: str = "numpy") -> str:
    """A module with `loss_and_gradients(...)` and, where the model has an output, `predict(...)`."""
    writer = Writer(program, dialect)
    parts = [_loss_and_gradients(writer)]
    output = output_of(program.model)
    if output is not None:
        parts.append(_predict(writer, output))
    helpers = [_helper(name, writer) for name in HELPERS if name in writer.used]
    title = (program.model.title or "A network and its gradients").rstrip(".").replace("\\", "\\\\").replace('"', "'")
    top = f'"""{title}. Written by symderiv."""\n\n{_imports(dialect)}'
    return "\n\n\n".join([top, *helpers, *parts]) + "\n"


def _imports(dialect: str) -> str:
    if dialect == "numpy":
        return "import numpy as np"
    return (
        "try:\n    from array_api_compat import array_namespace\nexcept ImportError:\n\n"
        '    def array_namespace(array):\n        """The library that an array belongs to."""\n'
        "        return array.__array_namespace__()"
    )


def _helper(name: str, writer: Writer) -> str:
    numpy = writer.dialect == "numpy"
    argument = "a" if name == "augment" else "z"
    return (
        HELPERS[name]
        .format(
            np=writer.np,
            namespace="" if numpy else f"\n    xp = array_namespace({argument})",
            ones="1.0" if numpy else "xp.ones_like(z)",
            zeros="0.0" if numpy else "xp.zeros_like(z)",
            concat="concatenate" if numpy else "concat",
        )
        .strip()
    )


def signature(program: Program) -> tuple[list[str], list[str]]:
    """The arguments of `loss_and_gradients`: arrays, then keyword-only hyper-parameters and opaque functions."""
    names = code_names(program)
    arrays = [names[symbol] for symbol in program.model.inputs if symbol.name in program.model.relevant]
    return arrays, [*(names[h] for h in program.model.hypers), *map(opaque_name, program.opaque)]


def _loss_and_gradients(writer: Writer) -> str:
    program, names = writer.program, writer.names
    arrays, keywords = signature(program)
    model = program.model
    loss = names[model.loss.symbol]
    value = f"float({loss}[0, 0])" if writer.dialect == "numpy" else f"{loss}[0, 0]"
    gradients = ", ".join(f'"{s.name}": {writer.text(g)}' for s, g in program.gradients.items())
    lines = [
        f"def loss_and_gradients({', '.join(arrays + (['*', *keywords] if keywords else []))}):",
        f'    """The loss {loss}, and its gradient with respect to {_listed(s.name for s in program.gradients)}.',
        "",
        *_shape_lines(writer, model.inputs),
        *(f"    {names[h]}: a number" for h in model.hypers),
        *(f"    {opaque_name(kind)}: a function of arrays" for kind in program.opaque),
        "    Each gradient has the shape of what it belongs to.",
        '    """',
        *(["    xp = array_namespace(" + arrays[0] + ")"] if writer.dialect != "numpy" else []),
        *(f"    {line}" for line in _size_lines(writer)),
        "    # Forward",
        *(f"    {names[line.symbol]} = {writer.text(line.value)}" for line in program.forward),
        "    # Backward",
        *(f"    {names[line.symbol]} = {writer.text(line.value)}" for line in program.backward),
        f"    return {value}, {{{gradients}}}",
    ]
    return "\n".join(lines)


def write_trace(program: Program) -> str:
    """A module whose `trace(...)` takes what `loss_and_gradients` takes and returns every quantity by its name."""
    writer = Writer(program, "numpy")
    arrays, keywords = signature(program)
    names = writer.names
    body = [f"{names[line.symbol]} = {writer.text(line.value)}" for line in program.lines]
    everything = ", ".join(f'"{names[line.symbol]}": {names[line.symbol]}' for line in program.lines)
    lines = [
        f"def trace({', '.join(arrays + (['*', *keywords] if keywords else []))}):",
        *(f"    {line}" for line in (*_size_lines(writer), *body)),
        f"    return {{{everything}}}",
    ]
    helpers = [_helper(name, writer) for name in HELPERS if name in writer.used]
    return "\n\n\n".join([_imports("numpy"), *helpers, "\n".join(lines)]) + "\n"


def write_lines(program: Program, lines: Iterable[Line]) -> str:
    """Lines of a program alone, for a place where what they use has its values: the sizes and functions they need go first."""
    writer = Writer(program, "numpy")
    body = [f"{writer.names[line.symbol]} = {writer.text(line.value)}" for line in lines]
    helpers = [_helper(name, writer) + "\n\n" for name in HELPERS if name in writer.used]
    return "\n".join([*helpers, *_size_lines(writer, body), *body])


def _predict(writer: Writer, output: Symbol) -> str:
    program, names = writer.program, writer.names
    needed: set[Expr] = {output}
    lines: list[str] = []
    for equation in reversed(program.model.equations):
        if equation.symbol in needed:
            needed |= set(equation.uses)
            lines.insert(0, f"    {names[equation.symbol]} = {writer.text(equation.value)}")
    arguments = [symbol for symbol in program.model.inputs if symbol in needed]
    arrays = [names[symbol] for symbol in arguments]
    opaque = predict_keywords(program, needed)
    sizes = _size_lines(writer, lines, arguments)
    return "\n".join(
        [
            f"def predict({', '.join(arrays + (['*', *opaque] if opaque else []))}):",
            f'    """The output {names[output]} of the network, {show(output.shape)}."""',
            *(["    xp = array_namespace(" + arrays[0] + ")"] if writer.dialect != "numpy" else []),
            *(f"    {line}" for line in sizes),
            *lines,
            f"    return {names[output]}",
        ]
    )


def predict_keywords(program: Program, needed: set[Expr]) -> list[str]:
    """The hyper-parameters and opaque functions on which quantities depend, as `predict` calls them."""
    names = code_names(program)
    values = [e.value for e in program.model.equations if e.symbol in needed]
    scalars = [part.function for value in values for part in parts_of(value) if isinstance(part, Map)]
    used = {symbol for scalar in scalars for symbol in scalar.free_symbols}
    kinds = {type(f) for scalar in scalars for f in scalar.atoms(Opaque)}
    return [names[h] for h in program.model.hypers if h in used] + sorted(opaque_name(k) for k in kinds if not k.order)


def _shape_lines(writer: Writer, symbols: tuple[Symbol, ...]) -> list[str]:
    return [f"    {writer.names[s]}: {show(s.shape)}" for s in symbols if s.name in writer.program.model.relevant]


def _size_lines(
    writer: Writer, lines: list[str] | None = None, inputs: tuple[Symbol, ...] | list[Symbol] | None = None
) -> list[str]:
    """`n = X.shape[0]` for each size that occurs as a number or in a shape that must be built."""
    program = writer.program
    body = lines or [writer.text(line.value) for line in program.lines]
    words = {word for line in body for word in re.findall(r"[A-Za-z_]\w*", line)}
    found = []
    for name in program.model.sizes:
        written = writer.names.get(size_symbol(name))
        if written in words:
            for symbol in inputs or program.model.inputs:
                axis = next((axis for axis in (0, 1) if symbol.shape[axis].name == name), None)
                if axis is not None and symbol in writer.names and symbol.name in program.model.relevant:
                    offset = symbol.shape[axis].offset
                    minus = f" - {offset}" if offset else ""
                    found.append(f"{written} = {writer.names[symbol]}.shape[{axis}]{minus}")
                    break
    return found


def _listed(names: Any) -> str:
    found = list(names)
    return found[0] if len(found) == 1 else ", ".join(found[:-1]) + f" and {found[-1]}"


def output_of(model: Model) -> Symbol | None:
    """The output: the last quantity that does not depend on the targets and meets one of them in an equation."""
    touched: set[Symbol] = set(targets_of(model))
    free: list[Symbol] = []
    met: Symbol | None = None
    for symbol, uses in _joined(model):
        if touched & uses:
            touched.add(symbol)
            met = next((candidate for candidate in reversed(free) if candidate in uses), met)
        elif symbol is not model.loss.symbol and any(s.role != "parameter" for s in uses):
            free.append(symbol)
    return met


def output_formula(model: Model) -> Expr | None:
    """The formula of the output; None where there is no output, or it is an input."""
    output = output_of(model)
    equation = None if output is None else model.equation(output.name)
    return None if equation is None else equation.value


def targets_of(model: Model) -> tuple[Symbol, ...]:
    """The data that no equation joins with a parameter, only with values that already depend on parameters."""
    learned = set(model.parameters)
    inputs: set[Symbol] = set()
    for symbol, uses in _joined(model):
        direct = any(s.role == "parameter" for s in uses)
        late = any(s in learned and s.role == "value" for s in uses)
        inputs |= {s for s in uses if s.role == "data" and (direct or not late)}
        if uses & learned:
            learned.add(symbol)
    return tuple(symbol for symbol in model.data if symbol not in inputs and symbol.name in model.relevant)


def _joined(model: Model) -> Iterator[tuple[Symbol, set[Symbol]]]:
    """Each equation's name and what it joins; a loss joins within each of its terms, so a penalty joins no data."""
    for equation in model.equations:
        if equation is not model.loss:
            yield equation.symbol, set(equation.uses)
    for term in model.terms:
        yield model.loss.symbol, set(symbols_in(term.value))
