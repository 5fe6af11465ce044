"""C for networks of some ten units a layer: loops over units, a block of samples at a time, everything in the first cache.

Written out number by number such a network has too many sums for the registers. Here each quantity is an array of
vectors for one block of 64 samples, a product is a loop that keeps eight vectors of a row in registers, and the
gradients are added up a block at a time.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

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
)
from symderiv.calculus.functions import Scalar
from symderiv.calculus.shapes import SCALAR, Size, size_symbol
from symderiv.compute import c_source
from symderiv.compute.algebra import CannotLower, shared_logarithms
from symderiv.compute.c_source import WIDTH, part_of_vector, preamble, run_of_steps
from symderiv.compute.program import LogSoftmax, Program
from symderiv.compute.scalars import Op, Scalars, Translator, used
from symderiv.compute.updates import Update

BLOCK = 8
"""Vectors of a block."""
MOST_PRODUCTS = 4000
"""Multiplications of a sample and pass beyond which BLAS does better."""

Entry = Callable[[str, str], str]
"""The C expression for the entry in a row and column of a parameter, or in a row and vector of a batch quantity."""


def write_blocks(
    program: Program, samples: Size, sizes: Mapping[str, int], numbers: Mapping[sympy.Symbol, float], rate: float,
    starts: Mapping[str, int], length: int, rule: Update, count: int, gathered: bool, pair: tuple[str, str] | None,
) -> tuple[str, dict[str, int], int]:  # fmt: skip
    """A C module like that of `c_source.write_c`, the rows of each data matrix in the order it expects, and the
    multiplications of a sample.

    starts: where each parameter of the program begins in theta (row by row); length: entries of theta; pair: a
    parameter of two rows and the name of their difference.
    Raises: CannotLower for what does not treat its samples one by one, or is too large.
    """
    return _Blocks(program, samples, sizes, numbers, rate, starts, length, rule, count, gathered, pair).text()


@dataclass
class _Blocks:
    program: Program
    samples: Size
    sizes: Mapping[str, int]
    numbers: Mapping[sympy.Symbol, float]
    rate: float
    starts: Mapping[str, int]
    length: int
    rule: Update
    count: int
    gathered: bool
    pair: tuple[str, str] | None
    before: list[str] = field(default_factory=list)
    inner: list[str] = field(default_factory=list)
    after: list[str] = field(default_factory=list)
    work: int = 0
    fresh: Iterator[int] = field(default_factory=itertools.count)

    def text(self) -> tuple[str, dict[str, int], int]:
        self.lines: dict[Expr, Expr] = {line.symbol: line.value for line in self.program.lines}
        self.done: dict[Expr, Entry] = {}
        self.data: dict[str, int] = {}
        self.masked = c_source.is_masked(self.count)
        self.known = {
            **self.numbers,
            **{size_symbol(n): k for n, k in self.sizes.items()},
        }
        loss = self.program.model.loss.symbol
        for line in self.program.lines:
            if line.symbol.shape[1] == self.samples:
                self.stored(line.symbol)
        loss_text = self.number(loss)
        gradients = []
        for symbol, value in self.program.gradients.items():
            gradients.append(self.gradient(symbol, value))
        if self.work > MOST_PRODUCTS:
            raise CannotLower("more products than are worth it without BLAS")
        vectors = -(-self.count // WIDTH)
        rows = sum(self.data.values())
        first = 0
        places = []
        for name, height in self.data.items():
            places.append(f"  const double *x_{name} = data + {first} * stride;")
            first += height
        states = [f"  double *state_{s} = states + {k * self.length};" for k, s in enumerate(self.rule.states)]
        update = [
            line.format(p="theta[k]", g="g[k]", **{s: f"state_{s}[k]" for s in self.rule.states})
            for line in self.rule.scalar
        ]
        left = f"{vectors} - start"
        filled = (
            f"const int n = {left} < {BLOCK} ? {left} : {BLOCK};" if vectors % BLOCK else f"enum {{ n = {BLOCK} }};"
        )
        lines = [
            preamble(WIDTH, self.rate), c_source.STEP, f"  double loss, g[{self.length}];", *places, *states,
            *(part_of_vector(self.count) if self.masked else []),
            *([f"#define mask(v) ((v) < {vectors - 1} ? all(1) : part)"] if self.masked else []),
            *(f"  {line}" for line in self.before),
            f"  for (long long start = 0; start < {vectors}; start += {BLOCK}) {{",
            f"    {filled}",
            *(f"    {line}" for line in self.inner), "  }",
            *(f"  {line}" for line in self.after), f"  loss = {loss_text};", *(f"  {line}" for g in gradients for line in g),
            *(f"  const double {line};" for line in self.rule.before),
            f"  for (int k = 0; k < {self.length}; k++) {{", *(f"    {line};" for line in update), "  }",
            "  return loss;", "}", run_of_steps(self.count, rows, self.gathered), "",
        ]  # fmt: skip
        return "\n".join(lines), self.data, self.work

    def extent(self, size: Size) -> int:
        return size.value(self.sizes)

    def is_batch(self, expr: Expr) -> bool:
        return expr.shape[1] == self.samples

    # Batch quantities: arrays of a block

    def stored(self, symbol: Expr) -> Entry:
        """The entries of a batch quantity that has an array of its own."""
        if symbol not in self.done:
            assert isinstance(symbol, Symbol)
            name = f"q{len(self.done)}"
            height = self.extent(symbol.shape[0])
            self.done[symbol] = lambda i, v: f"{name}[{i}][{v}]"
            self.inner.append(f"V {name}[{height}][{BLOCK}];")
            self.fill(name, self.lines[symbol], height)
        return self.done[symbol]

    def fill(self, name: str, value: Expr, height: int) -> None:
        """Code that fills an array with an expression's values."""
        out = self.inner
        if isinstance(value, MatMul):
            left, right = value.args
            if left.shape[1] == self.samples:
                raise CannotLower("samples that meet one another")
            weights, (bias, rows, inputs) = self.parameter(left), self.operand_rows(right)
            self.work += height * (rows + bias)
            out += [
                f"for (int i = 0; i < {height}; i++) {{",
                f"  V s[{BLOCK}];",
                f"  for (int v = 0; v < {BLOCK}; v++) s[v] = all({weights('i', '0') if bias else '0.0'});",
                f"  for (int k = 0; k < {rows}; k++) {{",
                f"    const double w = {weights('i', f'(k + {int(bias)})')};",
                "#pragma GCC unroll 8",
                f"    for (int v = 0; v < {BLOCK}; v++) s[v] += w * {inputs('k', 'v')};",
                "  }",
                f"  for (int v = 0; v < {BLOCK}; v++) {name}[i][v] = s[v];",
                "}",
            ]
            return
        if isinstance(value, (Softmax, LogSoftmax)) and value.axis == 0:
            z = self.entries(value.args[0])
            last = "value / s" if isinstance(value, Softmax) else "value - log_s"
            keep = "vexp(shifted)" if isinstance(value, Softmax) else "shifted"
            out += [
                f"for (int v = 0; v < {BLOCK}; v++) {{",
                f"  V top = {z('0', 'v')}, s = all(0);",
                f"  for (int i = 1; i < {height}; i++) top = vmax(top, {z('i', 'v')});",
                f"  for (int i = 0; i < {height}; i++) {{ const V shifted = {z('i', 'v')} - top; const V value = {keep};",
                f"    {name}[i][v] = value; s += {'value' if isinstance(value, Softmax) else 'vexp(value)'}; }}",
                *(["  const V log_s = vlog(s);"] if isinstance(value, LogSoftmax) else []),
                f"  for (int i = 0; i < {height}; i++) {{ const V value = {name}[i][v]; {name}[i][v] = {last}; }}",
                "}",
            ]
            return
        statements, text = self.expression(value, "i", "v")
        out += [f"for (int i = 0; i < {height}; i++)", f"  for (int v = 0; v < {BLOCK}; v++) {{"]
        out += [f"    {line}" for line in [*statements, f"{name}[i][v] = {text};"]] + ["  }"]

    def operand_rows(self, expr: Expr) -> tuple[bool, int, Entry]:
        """A right factor: whether ones were put before it, its other rows and their entries."""
        if isinstance(expr, Augment) and expr.axis == 0:
            return True, self.extent(expr.args[0].shape[0]), self.entries(expr.args[0])
        return False, self.extent(expr.shape[0]), self.entries(expr)

    def entries(self, expr: Expr) -> Entry:
        """The entries of a batch expression; what is neither a name nor a view gets an array of its own."""
        if expr in self.done:
            return self.done[expr]
        match expr:
            case Symbol() if expr in self.lines:
                return self.stored(expr)
            case Symbol():
                self.data.setdefault(expr.name, self.extent(expr.shape[0]))
                name = f"x_{expr.name}"
                self.done[expr] = lambda i, v: f"(*(const V *)({name} + ({i}) * stride + (start + {v}) * WIDTH))"
                if (-(-self.count // WIDTH)) % BLOCK:
                    # The last block is not full: what would be beyond the data is the block's first vector again.
                    self.done[expr] = lambda i, v: (
                        f"(*(const V *)({name} + ({i}) * stride + (start + ({v} < n ? {v} : 0)) * WIDTH))"
                    )
                return self.done[expr]
            case DropFirst() if expr.axis == 0:
                inner = self.entries(expr.args[0])
                return lambda i, v: inner(f"({i} + 1)", v)
            case Broadcast() if expr.axes == (0,):
                row = self.entries(expr.args[0])
                return lambda i, v: row("0", v)
            case Broadcast() if expr.axes == (1,):
                column = self.parameter(expr.args[0])
                return lambda i, v: f"all({column(i, '0')})"
        if not self.is_batch(expr) or isinstance(expr, (Augment, Transpose, Fill)):
            raise CannotLower(f"{type(expr).__name__} beside the samples")
        name = f"q{len(self.done)}"
        self.done[expr] = lambda i, v: f"{name}[{i}][{v}]"
        height = self.extent(expr.shape[0])
        self.inner.append(f"V {name}[{height}][{BLOCK}];")
        if isinstance(expr, Sum) and expr.axis == 0:
            statements, text = self.expression(expr.args[0], "i", "v")
            terms = self.extent(expr.args[0].shape[0])
            self.inner += [
                f"for (int v = 0; v < {BLOCK}; v++) {{ V s = all(0);",
                f"  for (int i = 0; i < {terms}; i++) {{",
            ]
            self.inner += [f"    {line}" for line in [*statements, f"s += {text};"]] + [
                "  }",
                f"  {name}[0][v] = s; }}",
            ]
        else:
            self.fill(name, expr, height)
        return self.done[expr]

    def expression(self, value: Expr, i: str, v: str) -> tuple[list[str], str]:
        """An elementwise expression at one place: the statements that prepare it, and its value."""
        if not isinstance(value, Map):
            return [], self.entries(value)(i, v)
        scalars = Scalars()
        leaves: list[Op] = []
        texts: dict[Op, str] = {}
        for k, arg in enumerate(value.args):
            leaf = scalars.make("data", "leaf", k)
            leaves.append(leaf)
            texts[leaf] = self.entries(arg)(i, v)
        rate = scalars.make("rate") if self.masked else scalars.number(self.rate if self.rule.scaled else 1.0)
        root = Translator(scalars, self.known, rate).template(shared_logarithms(value.function))(leaves)
        return c_statements(
            scalars, root, texts, f"({self.rate if self.rule.scaled else 1.0!r} * mask(start + {v}))", self.fresh
        )

    def constant(self, scalar: Scalar) -> float:
        return float(scalar.xreplace({k: sympy.Float(x) for k, x in self.known.items()}))

    # Parameters and sums over the samples

    def parameter(self, expr: Expr) -> Entry:
        """The entries of a parameter, or of a view of one."""
        match expr:
            case Symbol() if expr.role == "parameter":
                columns = self.extent(expr.shape[1])
                if self.pair and expr.name == self.pair[1]:
                    start = self.starts[self.pair[0]]
                    return lambda i, j: f"(theta[{start} + {j}] - theta[{start + columns} + {j}])"
                start = self.starts[expr.name]
                return lambda i, j: f"theta[{start} + ({i}) * {columns} + {j}]"
            case Transpose():
                inner = self.parameter(expr.args[0])
                return lambda i, j: inner(j, i)
            case DropFirst():
                inner = self.parameter(expr.args[0])
                return (
                    (lambda i, j: inner(f"({i} + 1)", j)) if expr.axis == 0 else (lambda i, j: inner(i, f"({j} + 1)"))
                )
        raise CannotLower(f"{type(expr).__name__} of parameters")

    def summed(self, expr: Expr) -> str:
        """The name of the sum of a batch row over all samples, a number after the blocks."""
        name = f"total{len(self.before)}"
        self.before.append(f"V {name} = all(0);")
        statements, text = self.expression(expr, "0", "v")
        masked = " * mask(start + v)" if self.masked else ""
        self.inner += [
            "for (int v = 0; v < n; v++) {",
            *(f"  {s}" for s in statements),
            f"  {name} += {text}{masked};",
            "}",
        ]
        self.after.append(f"const double {name}_ = add_up({name});")
        return f"{name}_"

    def number(self, expr: Expr) -> str:
        """A scalar expression as C: numbers, sums over the samples, and arithmetic on them."""
        if isinstance(expr, Symbol) and expr in self.lines and expr.shape == SCALAR:
            return self.number(self.lines[expr])
        if isinstance(expr, Fill):
            return repr(self.constant(expr.value))
        if isinstance(expr, Sum) and expr.axis == 1 and self.is_batch(expr.args[0]):
            inner = expr.args[0]
            return self.summed(inner)
        if isinstance(expr, Map) and expr.shape == SCALAR:
            scalars = Scalars()
            leaves, texts = [], {}
            for k, arg in enumerate(expr.args):
                leaf = scalars.make("parameter", k)
                leaves.append(leaf)
                texts[leaf] = self.number(arg)
            root = Translator(scalars, self.known, scalars.number(1.0)).template(expr.function)(leaves)
            statements, text = c_statements(scalars, root, texts, "", self.fresh)
            self.after += statements
            return text
        raise CannotLower(f"{type(expr).__name__} as a number")

    def gradient(self, symbol: Symbol, value: Expr) -> list[str]:
        """Code that adds a gradient up over the samples and puts it into `g`."""
        value = self.lines.get(value, value)
        height, width = (self.extent(size) for size in symbol.shape)
        turned = False
        if isinstance(value, Sum) and value.axis == 1 and self.is_batch(value.args[0]):
            signal, bias, rows, inputs = value.args[0], True, 0, None
        elif isinstance(value, MatMul) and isinstance(value.args[1], Transpose) and self.is_batch(value.args[0]):
            signal, other = value.args[0], value.args[1].args[0]
            if isinstance(signal, Augment):  # [1; A] D^T is the transpose of D [1; A]^T
                signal, other, turned = other, signal, True
                height, width = width, height
            bias, rows, inputs = self.operand_rows(other)
        else:
            raise CannotLower("a gradient that is more than a sum over the samples")
        d = self.entries(signal)
        name = f"sum{len(self.before)}"
        self.work += height * width
        each = f"for (int i = 0; i < {height}; i++) for (int j = 0; j < {width}; j++)"
        self.before += [f"V {name}[{height}][{width}];", f"{each} {name}[i][j] = all(0);"]
        self.inner += [
            f"for (int i = 0; i < {height}; i++) {{",
            f"  V d[{BLOCK}];",
            f"  for (int v = 0; v < {BLOCK}; v++) d[v] = v < n ? {d('i', 'v')} : all(0);",
        ]
        if bias:
            self.inner.append(f"  {{ V s = all(0); for (int v = 0; v < {BLOCK}; v++) s += d[v]; {name}[i][0] += s; }}")
        if inputs is not None:
            self.inner += [
                f"  for (int j = 0; j < {rows}; j++) {{",
                "    V s = all(0), t = all(0);",
                "#pragma GCC unroll 4",
                f"    for (int v = 0; v < {BLOCK}; v += 2) {{",
                f"      s += d[v] * {inputs('j', 'v')};",
                f"      t += d[v + 1] * {inputs('j', '(v + 1)')};",
                "    }",
                f"    {name}[i][j + {int(bias)}] += s + t;",
                "  }",
            ]
        self.inner.append("}")
        if self.pair and symbol.name == self.pair[1]:
            start = self.starts[self.pair[0]]
            put = f"{{ const double s = add_up({name}[i][j]); g[{start} + j] = s; g[{start + width} + j] = -s; }}"
            return [f"{each} {put}"]
        start = self.starts[symbol.name]
        place = f"j * {height} + i" if turned else f"i * {width} + j"
        return [f"{each} g[{start} + {place}] = add_up({name}[i][j]);"]


def c_statements(
    scalars: Scalars, root: Op, texts: Mapping[Op, str], rate: str, numbers: Iterator[int]
) -> tuple[list[str], str]:
    """The operations that lead to `root` as C statements with names of their own, and the text of the root."""
    names = dict(texts)
    statements = []
    for op in used(scalars, [root])[0]:
        if op in names:
            continue
        if op.kind == "number":
            names[op] = f"({op.args[0]!r})"
            continue
        if op.kind == "rate":
            names[op] = rate
            continue
        text = c_source.operation(op, names.__getitem__)
        names[op] = f"u{next(numbers)}"
        statements.append(f"const {'V' if op.per_sample else 'double'} {names[op]} = {text};")
    return statements, names[root]
