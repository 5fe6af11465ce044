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
from pathlib import Path
from typing import Any

from symderiv.compute.scalars import Op, Unrolled
from symderiv.compute.tape import CannotLower
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
    "-ffp-contract=fast",
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
        found: set[Op] = set()
        todo = [unrolled.loss, *unrolled.gradient]
        while todo:
            op = todo.pop()
            if op not in found:
                found.add(op)
                todo += [arg for arg in op.args if isinstance(arg, Op)]
        self.order = [op for op in unrolled.scalars.ops if op in found]
        self.names: dict[Op, str] = {}
        self.rows: dict[tuple[str, int], int] = {}
        for name, rows in unrolled.data.items():
            for k in range(rows):
                self.rows[name, k] = len(self.rows)

    def text(self) -> str:
        first, inner, after = self.lines()
        count = len(self.u.gradient)
        sums = [op for op in self.order if op.kind == "sum"]
        vectors = -(-self.count // self.width)
        rows = len(self.rows)
        constants = {**CONSTANTS, "RATE": self.step_rate}
        lines = [f"#define WIDTH {self.width}", KERNELS.read_text(encoding="utf-8")]
        lines += [f"static const double {name} = {value!r};" for name, value in constants.items()]
        lines += [
            "double run(double *restrict theta, double *restrict states, const double *restrict data,",
            "           const long long *restrict order, long long available, long long stride, long long steps, long long first) {",
            "  double loss = 0;",
            *(f"  double p{k} = theta[{k}];" for k in range(count)),
            *(
                f"  double {s}{k} = states[{i * count + k}];"
                for i, s in enumerate(self.rule.states)
                for k in range(count)
            ),
        ]
        if self.masked:
            lanes = self.count % self.width
            lines.append(f"  V part = all(0); for (int i = 0; i < {lanes}; i++) part[i] = 1;")
        if self.count == 1:
            lines.append("  long long next = 0;")
        elif self.gathered:
            lines.append(f"  V taken[{rows}][{vectors}];")
        lines.append("  for (long long t = first; t < first + steps; t++) {")
        lines += [f"    V {self.names[op]} = all(0);" for op in sums] + [f"    {line}" for line in first]
        if self.count == 1:
            lines += [
                "    long long at = order ? *order++ : next;",
                "    if (++next == available) next = 0;",
                *(f"    const V d{k} = data[{k} * stride + at];" for k in range(rows)),
                *(f"    {line}" for line in inner),
            ]
        else:
            if self.gathered:
                padded = vectors * self.width
                lines += [
                    f"    for (int r = 0; r < {rows}; r++)",
                    f"      for (int i = 0; i < {padded}; i++)",
                    f"        ((double *)taken[r])[i] = data[r * stride + order[i < {self.count} ? i : 0]];",
                    f"    order += {self.count};",
                ]
                source = [f"taken[{k}][v]" for k in range(rows)]
            else:
                source = [f"*(const V *)(data + {k} * stride + v * WIDTH)" for k in range(rows)]
            lines += [
                f"    for (long long v = 0; v < {vectors}; v++) {{",
                *(f"      const V d{k} = {text};" for k, text in enumerate(source)),
                *([f"      const V mask = v < {vectors - 1} ? all(1) : part;"] if self.masked else []),
                *(f"      {line}" for line in inner),
                "    }",
                *(f"    const double {self.names[op]}_ = add_up({self.names[op]});" for op in sums),
            ]
        lines += [f"    {line}" for line in after] + [f"    {line}" for line in self.updates()]
        lines.append("  }")
        lines += [f"  theta[{k}] = p{k};" for k in range(count)]
        lines += [f"  states[{i * count + k}] = {s}{k};" for i, s in enumerate(self.rule.states) for k in range(count)]
        lines += ["  return loss;", "}"]
        return "\n".join(lines) + "\n"

    def lines(self) -> tuple[list[str], list[str], list[str]]:
        first: list[str] = []
        inner: list[str] = []
        after: list[str] = []
        for op in self.order:
            if op.kind in ("parameter", "data", "number", "rate"):
                continue
            name = self.names[op] = f"{'s' if op.kind == 'sum' else 'u'}{len(self.names)}"
            if op.kind == "sum":
                inner.append(f"{name} += {self.operand(op.args[0])}{self._mask(op)};")
                continue
            if op.kind not in FORMS:
                raise CannotLower(f"{op.kind} has no vector form in C")
            kind = "V" if op.per_sample else "double"
            called = op.kind in ("exp", "log", "tanh", "sqrt", "abs", "max", "step")
            # Functions take vectors; a number apart from the samples is a vector of it, and of the result the mean.
            parts = [f"all({self.operand(a)})" if called and not a.per_sample else self.operand(a) for a in op.args]
            text = FORMS[op.kind].format(*parts)
            if called and not op.per_sample:
                text = f"add_up({text}) / {self.width}"
            (after if op.late else inner if op.per_sample else first).append(f"const {kind} {name} = {text};")
        after.append(f"loss = {self.operand(self.u.loss)};")
        return first, inner, after

    def _mask(self, op: Op) -> str:
        """The samples that fill up the last vector count for nothing: gradients have that in their rate, the loss not."""
        return " * mask" if self.masked and not _has_rate(op.args[0]) else ""

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
            values = {name: f"{name}{k}" for name in self.rule.states}
            lines += [f"{line.format(p=f'p{k}', g=self.operand(gradient), **values)};" for line in self.rule.scalar]
        return lines


def is_masked(count: int) -> bool:
    """Whether so many samples leave a last vector that is not full; then the rate must be an operation of its own."""
    return count > 1 and count % WIDTH != 0


def _has_rate(op: Op) -> bool:
    seen: set[Op] = set()
    todo = [op]
    while todo:
        each = todo.pop()
        if each.kind == "rate":
            return True
        for arg in each.args:
            if isinstance(arg, Op) and arg not in seen:
                seen.add(arg)
                todo.append(arg)
    return False


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
        command = [program, *FLAGS, "-x", "c", "-", "-o", str(library), "-lm"]
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
