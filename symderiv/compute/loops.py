"""A tiny network as plain Python numbers with the loop over steps inside: what costs nothing but its arithmetic.

A NumPy call takes as long as some thirty multiplications of Python floats; below a few hundred operations a step,
plain floats are faster, and a whole step of a 2-2-1 network takes less than one NumPy call.
"""

from __future__ import annotations

import re

from symderiv.compute.scalars import Op, Unrolled, used
from symderiv.compute.updates import CONSTANTS, Update

FORMS = {
    "add": "{} + {}", "sub": "{} - {}", "mul": "{} * {}", "div": "{} / {}", "neg": "-{}", "exp": "exp({})",
    "log": "log({})", "tanh": "tanh({})", "sqrt": "sqrt({})", "sin": "sin({})", "cos": "cos({})", "abs": "abs({})",
    "max": "max({}, {})", "step": "(1.0 if {} > 0 else 0.0)", "pow": "{} ** {}",
}  # fmt: skip
"""Each arithmetic operation in Python."""

_CALLS = ("exp", "log", "tanh", "sqrt", "sin", "cos", "abs", "max", "step")


def write_loop(unrolled: Unrolled, rule: Update, rate: float, count: int) -> str:
    """A module with `run(theta, states, steps, first)`.

    steps: for one sample a step (`count` 1) the samples, as tuples of their numbers; else a list of samples a step.
    It returns theta, the states, the last loss, and None; or, where a function is left its range (exp of 710), the
    sample or samples of the step that could not be done in place of None, with theta as it was before that step.
    """
    text = _Text(unrolled, count == 1)
    numbers = [f"p{k}" for k in range(len(unrolled.gradient))]
    states = {name: [f"{name}{k}" for k in range(len(numbers))] for name in rule.states}
    fields = ", ".join(f"{name}_{k}" for name, rows in unrolled.data.items() for k in range(rows))
    first, before, after = text.lines()
    updates = text.updates(rule, states)
    counts = bool(rule.before)
    head = (
        f"for t, {'chosen' if count > 1 else f'({fields},)'} in enumerate(steps, first):"
        if counts
        else (f"for {fields}, in steps:" if count == 1 else "for chosen in steps:")
    )
    inner = [f"for {fields}, in chosen:", *(f"    {line}" for line in before)] if count > 1 else before
    body = [*(f"{op} = 0.0" for op in text.sums.values()), *first, *inner, *after, *updates]
    current = "chosen" if count > 1 else f"({fields},)"
    used = sorted({c for line in body for c in re.findall(r"\b(exp|log|tanh|sqrt|sin|cos)\(", line)})
    constants = {**CONSTANTS, "RATE": rate}
    needed = [f"{name} = {value!r}" for name, value in constants.items() if any(name in line for line in body)]
    every = [numbers, *states.values()]
    sources = ["theta", *(f"states[{k}]" for k in range(len(states)))]
    results = ", ".join(
        ["[" + ", ".join(numbers) + "]", "[" + ", ".join("[" + ", ".join(v) + "]" for v in states.values()) + "]"]
    )
    lines = [
        *([f"from math import {', '.join(used)}", ""] if used else []),
        "",
        "def run(theta, states, steps, first=1):",
        *(f"    {', '.join(names)}, = {source}" for names, source in zip(every, sources, strict=True)),
        *(f"    {line}" for line in needed),
        "    loss = 0.0",
        *(f"    {name} = None" for name in (["chosen"] if count > 1 else fields.split(", "))),
        "    try:",
        f"        {head}",
        *(f"            {line}" for line in body),
        "    except (OverflowError, ZeroDivisionError, ValueError):",
        f"        return {results}, loss, {current}",
        f"    return {results}, loss, None",
    ]
    return "\n".join(lines) + "\n"


class _Text:
    """The operations as Python: what is used once stands where it is used, the rest has a name."""

    def __init__(self, unrolled: Unrolled, one: bool) -> None:
        self.unrolled = unrolled
        self.one = one
        self.order, self.uses = used(unrolled.scalars, [unrolled.loss, *unrolled.gradient])
        self.sums = {op: f"s{k}" for k, op in enumerate(o for o in self.order if o.kind == "sum")}
        self.names: dict[Op, str] = {}

    def lines(self) -> tuple[list[str], list[str], list[str]]:
        """The lines before the samples, those of a sample, and those that come after the sums."""
        first: list[str] = []
        before: list[str] = []
        after: list[str] = []
        gradients = set(self.unrolled.gradient)
        for op in self.order:
            if op.kind in ("parameter", "data", "number", "rate"):
                continue
            if op.kind == "sum":
                before.append(f"{self.sums[op]} += {self.text(op.args[0])}")
                continue
            plain = op in gradients and self.uses[op] == 1
            # A gradient that reads a parameter is taken before any parameter moves.
            if (self.uses[op] > 1 and not self._trivial(op)) or (plain and self._reads_parameter(op)):
                name = f"t{len(self.names)}"
                place = after if op.late else before if op.per_sample or self.one else first
                place.append(f"{name} = {self.text(op)}")
                self.names[op] = name
        after.append(f"loss = {self.text(self.unrolled.loss)}")
        return first, before, after

    def _trivial(self, op: Op) -> bool:
        return op.kind == "neg" and op.args[0].kind in ("data", "parameter")

    def _reads_parameter(self, op: Op) -> bool:
        if op.kind == "parameter":
            return True
        return any(
            isinstance(a, Op) and a not in self.names and a.kind != "sum" and self._reads_parameter(a) for a in op.args
        )

    def text(self, op: Op) -> str:
        """An operation on one line; parts with a name as that."""
        if op in self.names:
            return self.names[op]
        if op.kind == "parameter":
            return f"p{op.args[0]}"
        if op.kind == "data":
            return f"{op.args[0]}_{op.args[1]}"
        if op.kind == "number":
            return repr(op.args[0]) if op.args[0] >= 0 else f"({op.args[0]!r})"
        if op.kind == "rate":
            return "RATE"
        if op.kind == "sum":
            return self.sums[op]
        parts = [self.text(arg) if isinstance(arg, Op) else repr(arg) for arg in op.args]
        if op.kind not in _CALLS:
            parts = [self._within(part, arg) for part, arg in zip(parts, op.args, strict=True)]
            if op.kind in ("mul", "add") and parts[0].startswith("(") and self._same(op.args[0], op.kind):
                parts[0] = parts[0][1:-1]  # a * b * c goes from the left all the same
        return FORMS[op.kind].format(*parts)

    def _same(self, op: Op, kind: str) -> bool:
        return op.kind == kind and op not in self.names

    def _within(self, part: str, arg: Op | float) -> str:
        simple = (
            not isinstance(arg, Op)
            or arg in self.names
            or arg.kind in ("parameter", "data", "number", "rate", "sum", *_CALLS)
        )
        return part if simple else f"({part})"

    def updates(self, rule: Update, states: dict[str, list[str]]) -> list[str]:
        lines = list(rule.before)
        for k, gradient in enumerate(self.unrolled.gradient):
            values = {name: names[k] for name, names in states.items()}
            g = self._within(self.text(gradient), gradient)
            if len(rule.scalar) == 1:
                lines.append(f"p{k} -= {self.text(gradient)}")
                continue
            if not re.fullmatch(r"\w+", g):
                lines.append(f"g = {g}")
                g = "g"
            lines += [line.format(p=f"p{k}", g=g, **values) for line in rule.scalar]
        return lines
