"""The same scalars as C: a vector of samples at a time, the whole run in one call, compiled by `cc` if there is one.

The source holds numbers and names of our own making alone. It is compiled for this machine into a folder that is
deleted at once, so nothing is left behind and no library from elsewhere is ever loaded.
"""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from symderiv.compute.algebra import CannotLower
from symderiv.compute.scalars import Op, Unrolled, used
from symderiv.compute.updates import CONSTANTS, Update
from symderiv.errors import SymderivError

KERNELS = Path(__file__).parent / "kernels.c"
WIDTH = 8
"""Samples of a vector: what fits the widest registers in use; the compiler splits it where they are narrower."""
FLAGS = (
    "-O2",
    "-march=native",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-w",
    "-shared",
    "-fPIC",
)

FORMS = {
    "add": "{} + {}", "sub": "{} - {}", "mul": "{} * {}", "div": "{} / {}", "neg": "-{}", "exp": "vexp({})",
    "log": "vlog({})", "tanh": "vtanh({})", "sqrt": "vsqrt({})", "abs": "vabs({})", "max": "vmax({}, {})",
    "step": "vstep({})",
}  # fmt: skip
"""Each arithmetic operation in C; what is missing here has no vector form."""
FUNCTIONS = ("exp", "log", "tanh", "sqrt", "abs", "max", "step")
"""Those of them that are functions of vectors."""


RUN = """double run(double *restrict theta, double *restrict states, const double *restrict data,
           const long long *restrict order, long long available, long long stride, long long steps, long long first) {"""
STEP = """static __attribute__((noinline)) double step(double *restrict theta, double *restrict states,
                                              const double *restrict data, long long stride, long long t) {"""


def preamble(width: int, rate: float) -> str:
    """The kernels for vectors of that width, and the constants of the update rules."""
    constants = {**CONSTANTS, "RATE": rate}
    lines = [f"#define WIDTH {width}", KERNELS.read_text(encoding="utf-8")]
    return "\n".join([*lines, *(f"static const double {name} = {value!r};" for name, value in constants.items())])


def part_of_vector(count: int) -> list[str]:
    """The last vector of `count` samples: 1 for those it has, 0 for what fills it up."""
    return [f"  V part = all(0); for (int i = 0; i < {count % WIDTH}; i++) part[i] = 1;"]


def run_of_steps(count: int, rows: int, gathered: bool) -> str:
    """`run`: the steps one after another, each on all samples or on those that `order` lists, copied together first."""
    padded = -(-count // WIDTH) * WIDTH
    if not gathered:
        inner = ["    loss = step(theta, states, data, stride, t);"]
    else:
        inner = [
            f"    for (int r = 0; r < {rows}; r++)",
            f"      for (int i = 0; i < {padded}; i++)",
            f"        ((double *)taken)[r * {padded} + i] = data[r * stride + order[i < {count} ? i : 0]];",
            f"    order += {count};",
            f"    loss = step(theta, states, (const double *)taken, {padded}, t);",
        ]
    taken = [f"  V taken[{rows * padded // WIDTH}];"] if gathered else []
    return "\n".join(
        [
            RUN,
            "  double loss = 0;",
            *taken,
            "  for (long long t = first; t < first + steps; t++) {",
            *inner,
            "  }",
            "  return loss;",
            "}",
        ]
    )


class NoCompiler(SymderivError):
    """There is no C compiler, or it failed."""


def write_c(unrolled: Unrolled, rule: Update, rate: float, count: int, gathered: bool) -> str:
    """A C module with `run(theta, states, data, order, available, stride, steps, first)`, which returns the last loss.

    data: the rows of all data matrices one after another, each `stride` numbers long; order: the indices of the samples
    of each step, or null for all of them in order; available: how many samples there are.
    gathered: whether a step takes `count` samples by `order` into a place of its own.
    """
    return _C(unrolled, rule, rate, count, gathered).text()


class _C:
    def __init__(self, unrolled: Unrolled, rule: Update, rate: float, count: int, gathered: bool) -> None:
        self.u, self.rule, self.count, self.gathered = unrolled, rule, count, gathered
        self.rate = rate if rule.scaled else 1.0
        self.width = 1 if count == 1 else WIDTH
        self.masked = is_masked(count)
        self.step_rate = rate
        self.order, self.uses = used(unrolled.scalars, [unrolled.loss, *unrolled.gradient])
        self.names: dict[Op, str] = {}
        self.rows: dict[tuple[str, int], int] = {}
        for name, rows in unrolled.data.items():
            for k in range(rows):
                self.rows[name, k] = len(self.rows)

    def text(self) -> str:
        return self._one_by_one() if self.count == 1 else self._in_vectors()

    def _one_by_one(self) -> str:
        """A sample a step: everything in registers, the loop over steps around it."""
        first, inner, after = self.lines()
        count = len(self.u.gradient)
        return "\n".join([
            preamble(1, self.step_rate), RUN, "  double loss = 0; long long next = 0;",
            *(f"  double p{k} = theta[{k}];" for k in range(count)),
            *(f"  double {s}{k} = states[{i * count + k}];" for i, s in enumerate(self.rule.states) for k in range(count)),
            "  for (long long t = first; t < first + steps; t++) {",
            "    long long at = order ? *order++ : next;",
            "    if (++next == available) next = 0;",
            *(f"    const V d{k} = data[{k} * stride + at];" for k in range(len(self.rows))),
            *(f"    {line}" for line in [*first, *inner, *after, *self.updates()]),
            "  }",
            *(f"  theta[{k}] = p{k};" for k in range(count)),
            *(f"  states[{i * count + k}] = {s}{k};" for i, s in enumerate(self.rule.states) for k in range(count)),
            "  return loss;", "}", "",
        ])  # fmt: skip

    def _in_vectors(self) -> str:
        """Vectors of samples, a step a call.

        The call is not inlined: then every step runs through the very same instructions, however a run is cut into
        pieces, and a resumed run ends with the same bits.
        """
        first, inner, after = self.lines()
        count, rows = len(self.u.gradient), len(self.rows)
        sums = [op for op in self.order if op.kind == "sum"]
        vectors = -(-self.count // self.width)
        return "\n".join([
            preamble(self.width, self.step_rate),
            STEP, "  double loss = 0;",
            *(f"  double p{k} = theta[{k}];" for k in range(count)),
            *(f"  double {s}{k} = states[{i * count + k}];" for i, s in enumerate(self.rule.states) for k in range(count)),
            *(part_of_vector(self.count) if self.masked else []),
            *(f"  V {self.names[op]} = all(0);" for op in sums),
            *(f"  {line}" for line in first),
            f"  for (long long v = 0; v < {vectors}; v++) {{",
            *(f"    const V d{k} = *(const V *)(data + {k} * stride + v * WIDTH);" for k in range(rows)),
            *([f"    const V mask = v < {vectors - 1} ? all(1) : part;"] if self.masked else []),
            *(f"    {line}" for line in inner),
            "  }",
            *(f"  const double {self.names[op]}_ = add_up({self.names[op]});" for op in sums),
            *(f"  {line}" for line in [*after, *self.updates()]),
            *(f"  theta[{k}] = p{k};" for k in range(count)),
            *(f"  states[{i * count + k}] = {s}{k};" for i, s in enumerate(self.rule.states) for k in range(count)),
            "  return loss;", "}",
            run_of_steps(self.count, rows, self.gathered), "",
        ])  # fmt: skip

    def lines(self) -> tuple[list[str], list[str], list[str]]:
        first: list[str] = []
        inner: list[str] = []
        after: list[str] = []
        for op in self.order:
            if op.kind in ("parameter", "data", "number", "rate"):
                continue
            if op in self.within_sums():
                continue
            name = self.names[op] = f"{'s' if op.kind == 'sum' else 'u'}{len(self.names)}"
            if op.kind == "sum":
                inner.append(f"{name} += {self.operand(op.args[0])}{self._mask(op)};")
                continue
            kind = "V" if op.per_sample else "double"
            text = self.multiply_add(op) or operation(op, self.operand)
            (after if op.late else inner if op.per_sample else first).append(f"const {kind} {name} = {text};")
        after.append(f"loss = {self.operand(self.u.loss)};")
        return first, inner, after

    @cache  # noqa: B019
    def within_sums(self) -> frozenset[Op]:
        """For a sample at a time: the products that a sum takes up without rounding them in between.

        There the compiler may not contract on its own, which it would do differently from one copy of a loop to the
        next; for vectors it may.
        """
        if self.width > 1:
            return frozenset()
        found = set()
        for op in self.order:
            if op.kind in ("add", "sub"):
                products = [a for a in op.args if a.kind == "mul" and self.uses[a] == 1]
                found |= set(products[:1])
        found |= {
            g
            for g in self.u.gradient
            if g.kind == "mul" and self.uses[g] == 1 and self.rule.scalar == ("{p} = {p} - {g}",)
        }
        return frozenset(found)

    def multiply_add(self, op: Op) -> str:
        """a b + c, a b - c or c - a b as one operation; '' where it is none."""
        product = next((a for a in op.args if isinstance(a, Op) and a in self.within_sums()), None)
        if op.kind not in ("add", "sub") or product is None:
            return ""
        a, b = (self.operand(x) for x in product.args)
        other = self.operand(op.args[1] if op.args[0] is product else op.args[0])
        if op.kind == "add":
            return f"fma_({a}, {b}, {other})"
        return f"fma_({a}, {b}, -{other})" if op.args[0] is product else f"fma_(-{a}, {b}, {other})"

    def _mask(self, op: Op) -> str:
        """The samples that fill up the last vector count for nothing: gradients have that in their rate, the loss not."""
        has_rate = any(part.kind == "rate" for part in used(self.u.scalars, [op.args[0]])[0])
        return " * mask" if self.masked and not has_rate else ""

    def operand(self, op: Op) -> str:
        if op.kind == "parameter":
            return f"p{op.args[0]}"
        if op.kind == "data":
            return f"d{self.rows[op.args]}"
        if op.kind == "number":
            return f"({op.args[0]!r})"
        if op.kind == "rate":
            return f"({self.rate!r} * mask)"
        if op.kind == "sum":
            return f"{self.names[op]}_"
        return self.names[op]

    def updates(self) -> list[str]:
        lines = [f"const double {line};" for line in self.rule.before]
        for k, gradient in enumerate(self.u.gradient):
            if gradient in self.within_sums():
                a, b = (self.operand(x) for x in gradient.args)
                lines.append(f"p{k} = fma_(-{a}, {b}, p{k});")
                continue
            values = {name: f"{name}{k}" for name in self.rule.states}
            lines += [f"{line.format(p=f'p{k}', g=self.operand(gradient), **values)};" for line in self.rule.scalar]
        return lines


def operation(op: Op, operand: Callable[[Op], str]) -> str:
    """An operation on its operands. Functions take vectors: a number apart from the samples is a vector of it.

    Raises: CannotLower for what has no vector form.
    """
    if op.kind not in FORMS:
        raise CannotLower(f"{op.kind} has no vector form in C")
    if op.kind not in FUNCTIONS:
        return FORMS[op.kind].format(*map(operand, op.args))
    text = FORMS[op.kind].format(*(operand(arg) if arg.per_sample else f"all({operand(arg)})" for arg in op.args))
    return text if op.per_sample else f"add_up({text}) / WIDTH"


def is_masked(count: int) -> bool:
    """Whether so many samples leave a last vector that is not full; then the rate must be an operation of its own."""
    return count > 1 and count % WIDTH != 0


def compiler() -> str | None:
    """The C compiler of this machine, None if there is none."""
    return shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")


def build(source: str) -> Callable[..., float]:
    """Compile the module and return its `run`.

    Raises: NoCompiler if there is none or it fails.
    """
    program = compiler()
    if program is None:
        raise NoCompiler("there is no C compiler (cc) on this machine")
    with tempfile.TemporaryDirectory(prefix="symderiv-") as folder:
        library = Path(folder) / "run.so"
        contract = "off" if "#define WIDTH 1\n" in source else "fast"
        command = [program, *FLAGS, f"-ffp-contract={contract}", "-x", "c", "-", "-o", str(library), "-lm"]
        try:
            result = subprocess.run(command, input=source, text=True, capture_output=True, timeout=60, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise NoCompiler(f"{program} did not run: {error}") from None
        if result.returncode:
            raise NoCompiler(f"{program} failed: {result.stderr.strip().splitlines()[:1]}")
        run: Any = ctypes.CDLL(str(library)).run
    run.restype = ctypes.c_double
    run.argtypes = [ctypes.c_void_p] * 4 + [ctypes.c_longlong] * 4
    return run  # type: ignore[no-any-return]
