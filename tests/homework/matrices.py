"""Homework in matrices: forward pass, loss, backward pass as relations or closed forms, chains, local derivatives, updates."""

from __future__ import annotations

import itertools
import random
from dataclasses import dataclass, field, replace
from fractions import Fraction

import numpy as np

from .expressions import (
    Act,
    Add,
    Coefficient,
    Expr,
    Grad,
    Had,
    Key,
    Mul,
    Name,
    Nonconforming,
    Scale,
    Slope,
    T,
    Total,
    Values,
    nodes,
    scaled,
    substitute,
)
from .mistakes import Slip, slips
from .networks import (
    Network,
    activation_step,
    bias_gradient,
    combined_output,
    input_gradient,
    output_gradient,
    taken_later,
    weight_gradient,
)
from .notations import Notation
from .pages import Mark, Page, Row
from .switches import Switches
from .words import Words

# mistakes that few lines allow are made more often where they are possible
WEIGHTS = {
    "regularised-bias": 8, "missing-batch-sum": 5, "summed-over-everything": 5, "missing-mean-factor": 5, "repeated-mean-factor": 2, "softmax-diagonal": 6,
    "other-loss": 6, "matmul-for-elementwise": 4, "missing-slope": 4, "missing-transpose": 3, "swapped-factors": 2, "function-for-slope": 2, "slope-twice": 3, "slope-at-wrong-argument": 2,
}  # fmt: skip


MEANS = {"missing-mean-factor", "repeated-mean-factor"}


def same(a: np.ndarray, b: np.ndarray) -> bool:
    """Equal as arrays, shapes too."""
    return a.shape == b.shape and bool(np.allclose(a, b, rtol=1e-9, atol=1e-11))


def holds(values: Values, key: Key, expr: Expr) -> str:
    """Whether dL/dkey is the value of the expression: true, transposed, nonconforming or false."""
    try:
        with np.errstate(all="ignore"):  # a mistake may divide by zero
            found = values.of(expr)
    except Nonconforming:
        return "nonconforming"
    target = values.grads[key]
    if same(found, target):
        return "true"
    return "transposed" if same(found.T, target) else "false"


@dataclass
class Step:
    """A line of the backward pass before it is written: dL/dkey by other derivatives."""

    key: Key
    relation: Expr
    closed: bool = False


@dataclass
class Writer:
    """The writer at work: what was found so far, what of it is false, the mistakes still to make."""

    net: Network
    notation: Notation
    rng: random.Random
    switches: Switches
    words: Words
    page: Page
    values: Values
    memory: dict[Key, Expr] = field(default_factory=dict)
    false: set[Key] = field(default_factory=set)
    planted: set[str] = field(default_factory=set)  # the tags so far
    planned: int = 0

    @property
    def strict(self) -> bool:
        """Whether shapes are stated, or products are written with @, as in code."""
        return bool(self.switches["shapes"]) or self.code or self.notation.matmul == "@"

    @property
    def code(self) -> bool:
        """Whether the document is code."""
        return self.notation.dialect == "python"

    def premise(self, text: str, kind: str = "definition", lead: str = "") -> Row:
        """A line that builds the model."""
        return Row(text, [Mark(text, kind, accept=("notation",) if kind == "shape" else ())], lead)

    def line(self, step: Step, slip: Slip | None = None) -> Row:
        """The row of a step, judged."""
        right = substitute(step.relation, self.memory) if step.closed else step.relation
        lhs, sign = self.notation.grad(step.key), " = "
        if slip:
            mark = Mark("", "derivative", slip.verdict, codes=slip.codes, tag=slip.tag)
            self.planted.add(slip.tag)
            if slip.verdict == "uncheckable" or slip.verdict == "notation":
                self._remember(step, right)
            else:
                self._remember(step, slip.expr)
            right = slip.expr
        else:
            mark = self._judged(step, right)
            self._remember(step, right)
        mark.evidence = (step.key, right)
        mark.accept += self._charity(right, mark.verdict)
        mark.latex = lhs + sign + self.notation.write(right)
        return Row(mark.latex, [mark], self.words.lead(self.rng), prefix=self._prefix())

    def continue_row(self, step: Step, rows: list[Row]) -> None:
        """The line goes on with the closed form: on the same line, or on a line that begins with the sign."""
        short, full = step.relation, substitute(step.relation, self.memory)
        if step.closed or full == short or self.notation.write(short) == self.notation.write(full):
            return
        mark = self._judged(replace(step, closed=True), full)
        mark.accept += self._charity(full, mark.verdict)
        text = self.notation.write(full)
        row = rows[-1]
        first = row.marks[0]
        if self.switches["continued"] == "same line":
            order = ("correct", "notation", "uncheckable", "carried", "wrong")
            worst = max(first, mark, key=lambda m: order.index(m.verdict))
            first.accept = (
                tuple(set(first.accept) | set(mark.accept)) if first.verdict == mark.verdict else worst.accept
            )
            first.verdict, first.tag = worst.verdict, worst.tag
            first.latex += f" = {text}"
            row.text = first.latex
            first.evidence = (step.key, short, full)
            return
        mark.latex, mark.evidence = f"= {text}", (step.key, full)
        rows.append(Row(mark.latex, [mark]))

    def _prefix(self) -> str:
        style = self.switches["prefix"]
        if not style or not self.notation.tex:
            return ""
        return f"{style} " if self.rng.random() < 0.5 else ""

    def _judged(self, step: Step, right: Expr) -> Mark:
        truth = holds(self.values, step.key, right)
        uses_false = any(isinstance(n, Grad) and n.key in self.false for n in nodes(right))
        if self.switches["loss_stated"] == "missing" and self._needs_loss(right):
            return Mark("", "derivative", "uncheckable", tag="loss-undefined")
        if truth == "true":
            accept = ("carried",) if uses_false or (self.false and step.closed) else ()
            return Mark("", "derivative", "correct", accept)
        assert self.false, (step, truth)
        return Mark("", "derivative", "carried", ("wrong",), tag="carried")

    def _needs_loss(self, right: Expr) -> bool:
        return any(isinstance(n, Name) and n.key == ("Y", 0) for n in nodes(right))

    def _charity(self, right: Expr, verdict: str) -> tuple[str, ...]:
        """Readings that some would report: unmarked products, missing parentheses, the mean taken later."""
        if verdict not in ("correct", "notation"):
            return ()
        found = nodes(right)
        loose = verdict == "notation"
        has_hadamard = any(isinstance(n, Had) for n in found) or any(isinstance(n, Slope) for n in found)
        n = self.notation
        if has_hadamard and not self.code:
            ambiguous = n.hadamard in ("unmarked", "\\cdot", "\\times", "*") or n.grouping == "loose"
            loose |= ambiguous or any(isinstance(x, Had) and isinstance(x.left, Mul) for x in found)
            loose |= any(isinstance(x, Had) and isinstance(x.right, Mul | Scale) for x in found) or n.matmul in (
                "dot",
                "times",
                "*",
            )
        loose |= self.switches["later"] or self.switches["loss_stated"] == "named"
        loose |= (
            any(isinstance(x, Total) for x in found) and n.total in ("sum", "sum_bare", "samples") and not self.code
        )
        if verdict == "notation":
            return ()
        return ("notation",) if loose else ()

    def _remember(self, step: Step, right: Expr) -> None:
        full = substitute(right, self.memory)
        self.memory[step.key] = full
        if holds(self.values, step.key, full) != "true":
            self.false.add(step.key)

    def slip_for(self, step: Step) -> Slip | None:
        """A mistake in this line that numbers confirm."""
        right = substitute(step.relation, self.memory) if step.closed else step.relation
        if step.closed and holds(self.values, step.key, right) != "true":
            return None
        if self.switches["loss_stated"] == "missing" and self._needs_loss(right):
            return None
        found = [
            s
            for s in slips(self.net, step.key, right, self.strict, self.code, self.switches["loss_stated"] == "named")
            if self._real(step, s)
        ]
        by_tag: dict[str, list[Slip]] = {}
        for slip in found:
            by_tag.setdefault(slip.tag, []).append(slip)
        if not by_tag:
            return None
        tags = sorted(by_tag)
        tag = self.rng.choices(tags, [WEIGHTS.get(tag, 1) for tag in tags])[0]
        return self.rng.choice(by_tag[tag])

    def _real(self, step: Step, slip: Slip) -> bool:
        if slip.verdict == "uncheckable":
            return True
        new = next((n for n in nodes(slip.expr) if isinstance(n, Grad) and n not in nodes(step.relation)), None)
        if new is not None and new.key not in self.memory:
            return False  # a derivative that the document has not come to
        if step.key == ("Z", self.net.depth) and self.switches["delta"] and not self.switches["delta_defined"]:
            return False  # the first delta says what delta is
        if not self._visible(step, slip):
            return False
        if slip.tag in ("sign", "constant-factor") and slip.tag in self.planted:
            return False  # it could as well follow from the first
        if slip.tag in MEANS and self.planted & MEANS:
            return False  # 1/m lost in one line and put in again in another: it may as well be taken later
        if slip.tag in MEANS and self.switches["later"] and self.net.depth == 1:
            return False  # too few lines would show that it is taken later
        truth = holds(self.values, step.key, slip.expr)
        if slip.verdict == "notation":
            return truth in ("nonconforming", "transposed")
        return truth == "false" or (truth == "nonconforming")

    def _visible(self, step: Step, slip: Slip) -> bool:
        right = substitute(step.relation, self.memory) if step.closed else step.relation
        return self.notation.write(right) != self.notation.write(slip.expr)

    # ---- other kinds of lines --------------------------------------------------------------------------------------------

    def path(self, top: Key, bottom: Key, short: bool) -> list[Key]:
        """The quantities from the loss down to a parameter."""
        l = bottom[1]
        full: list[Key] = [("L", 0)]
        for k in range(self.net.depth, l - 1, -1):
            full += [("A", k), ("Z", k)]
        if bottom[0] == "A":
            full = full[: full.index(("Z", l + 1)) + 1] if ("Z", l + 1) in full else full[:1]
        if bottom[0] == "Z":
            full = full[: full.index(bottom)]
        if short and len(full) > 2:
            cut = self.rng.randrange(1, len(full))
            full = [full[0], *full[cut:]]
        return [*full, bottom]

    def chain(self, bottom: Key, wrong: bool) -> Row | None:
        """dL/dbottom as a product of derivatives; a factor is missing if `wrong`."""
        route = self.path(("L", 0), bottom, self.rng.random() < 0.4)
        factors = [self._factor(a, b) for a, b in itertools.pairwise(route)]
        mark = Mark("", "chain", evidence=("chain", bottom, tuple(itertools.pairwise(route))))
        if len(factors) < 2:
            return None
        if wrong:
            losable = [
                at
                for at, (_, below) in enumerate(itertools.pairwise(route))
                if below[0] != "b" and not (below[0] == "Z" and self.net.activations[below[1] - 1] == "identity")
            ]  # a factor that is 1 may be left out
            if len(factors) < 3 or not losable:
                return None
            out = self.rng.choice(losable)
            del factors[out]
            links = list(itertools.pairwise(route))
            del links[out]
            mark = Mark(
                "",
                "chain",
                "wrong",
                codes=("dropped-chain-factor", "missing-slope"),
                tag="dropped-chain-factor",
                evidence=("chain", bottom, tuple(links)),
            )
        join = {"": " ", "\\cdot": " \\cdot ", "\\times": " \\times ", "*": " * "}[self.notation.link]
        if not self.notation.tex:
            join = {"": " · ", "\\cdot": " · ", "\\times": " × ", "*": " * "}[self.notation.link]
        if self.switches["later"] and not wrong:
            mark.accept = ("notation",)
        mark.latex = f"{self.notation.grad(bottom)} = {join.join(factors)}"
        tail = (
            " \\quad \\text{(chain rule)}"
            if self.notation.tex and self.switches["chain_tail"] and self.rng.random() < 0.5
            else ""
        )
        return Row(mark.latex, [mark], self.words.chain(self.rng), tail=tail)

    def _factor(self, top: Key, bottom: Key) -> str:
        if top == ("L", 0):
            return self.notation.grad(bottom)
        return self.notation.fraction(top, bottom)

    def local(self, top: Key, bottom: Key, wrong: bool) -> Row | None:
        """A local derivative, dz/dw = a and so on."""
        net, l = self.net, top[1]
        right: Expr | None
        codes: tuple[str, ...] = ()
        w, a = Name(("W", l)), Name(("A", l - 1))
        if bottom[0] == "A":
            right = T(w) if self.rng.random() < 0.3 else w
            swaps = [(Name(("A", l - 1)), ("wrong-variable",))] + [
                (Name(("W", k)), ("wrong-layer", "wrong-weight", "wrong-variable"))
                for k in (l - 1, l + 1)
                if 1 <= k <= net.depth
            ]
        elif bottom[0] == "W":
            right = T(a) if self.rng.random() < 0.3 else a
            swaps = [
                (w, ("wrong-variable", "wrong-left-hand-side")),
                (Name(("A", l)), ("wrong-layer", "wrong-variable")),
            ]
        elif bottom[0] == "b":
            latex = f"{self.notation.fraction(top, bottom)} = 1"
            return Row(latex, [Mark(latex, "derivative", accept=("notation",), evidence=("local", top, bottom, None))])
        else:
            if net.activations[l - 1] in ("softmax", "identity"):
                return None
            right = Slope(l, l)
            swaps = [(Act(l, l), ("function-for-slope", "wrong-variable"))] + [
                (Slope(l, k), ("slope-at-wrong-argument", "wrong-layer", "wrong-variable"))
                for k in (l - 1, l + 1)
                if 1 <= k <= net.depth
            ]
        mark = Mark("", "derivative", accept=("notation",))
        if wrong:
            before = self.notation.write(right)
            right, codes = self.rng.choice(swaps)
            if self.notation.write(right) == before or net.activations[l - 1] == "identity":
                return None
            mark = Mark("", "derivative", "wrong", codes=codes, tag=codes[0])
        mark.evidence = ("local", top, bottom, right)
        mark.latex = f"{self.notation.fraction(top, bottom)} = {self.notation.write(right)}"
        return Row(mark.latex, [mark])

    def update(self, key: Key, wrong: bool) -> Row:
        """One step of gradient descent."""
        name, rate = self.notation.name(key), self.notation.letter(self.notation.rate)
        arrow = (
            self.switches["arrow"]
            if self.notation.tex
            else {":=": ":=", "\\leftarrow": "←", "=": "="}[self.switches["arrow"]]
        )
        if self.code:
            arrow = "="
        sign = "+" if wrong else self.notation.sign()
        gap = " * " if self.code else " "
        latex = f"{name} {arrow} {name} {sign} {rate}{gap}{self.notation.grad(key)}"
        accept = ("carried",) if key in self.false and not wrong else ()
        mark = Mark(
            latex,
            "update",
            "wrong" if wrong else "correct",
            accept,
            ("update-sign", "sign") if wrong else (),
            "update-sign" if wrong else "ok",
        )
        return Row(latex, [mark])


def write_matrices(
    net: Network, notation: Notation, rng: random.Random, s: Switches, page: Page, words: Words, planned: int
) -> Writer:
    """A whole document."""
    values = taken_later(net) if s["later"] else net.values
    writer = Writer(net, notation, rng, s, words, page, values, planned=planned)
    _forward(writer)
    _loss(writer)
    _backward(writer)
    return writer


def _forward(writer: Writer) -> None:
    net, n, s, page = writer.net, writer.notation, writer.switches, writer.page
    page.prose(writer.words.opening(net, n, s))
    if s["shapes"]:
        page.rows(_shapes(writer), together=False)
    rows = []
    depth = net.depth
    alias = s["alias"]
    if s["input"] == "a0":
        rows.append(writer.premise(f"{n.name(('A', 0))} = {'X' if s['case'] == 'upper' else 'x'}"))
    for l in range(1, depth + 1):
        rows.append(writer.premise(f"{n.name(('Z', l))} = {n.write(net.linear(l))}"))
        left = n.name(("A", l))
        if l == depth and alias == "direct":
            n.spellings["A", depth] = s["alias_letter"]
            left = n.name(("A", depth))
        if l == depth and alias == "chained":
            left = (
                f"{n.name(('A', l))} = {n.letter(s['alias_letter'])}"
                if writer.rng.random() < 0.5
                else f"{n.letter(s['alias_letter'])} = {n.name(('A', l))}"
            )
        rows.append(writer.premise(f"{left} = {n.write(Act(l, l))}"))
    if alias == "stated":
        rows.append(writer.premise(f"{n.letter(s['alias_letter'])} = {n.name(('A', depth))}"))
    rows[0].lead = writer.words.forward
    page.rows(rows, together=True)
    if alias in ("stated", "chained") and writer.rng.random() < 0.7:
        n.spellings["A", depth] = s["alias_letter"]
    if s["activation_formula"]:
        _activation_formulas(writer)


def _activation_formulas(writer: Writer) -> None:
    n = writer.notation
    for kind in dict.fromkeys(writer.net.activations):
        if kind == "sigmoid":
            name = n.function("sigmoid", 1)
            right = (
                "\\frac{1}{1 + e^{-x}}" if n.tex else ("1 / (1 + np.exp(-x))" if writer.code else "1 / (1 + e^(-x))")
            )
            writer.page.rows([writer.premise(f"{name}(x) = {right}")])


def _shapes(writer: Writer) -> list[Row]:
    """The shapes of the weights, and of the input: without it a false shape of one could be that of another."""
    net, rng = writer.net, writer.rng
    wrong = rng.randrange(1, net.depth + 1) if writer.planned and rng.random() < 0.12 else 0
    rows = []
    if wrong or rng.random() < 0.5:
        rows.append(_shape_row(writer, ("A", 0), net.parameters["A", 0].shape))
    for l in range(1, net.depth + 1):
        shape = net.parameters["W", l].shape
        row = _shape_row(writer, ("W", l), shape[::-1] if l == wrong else shape)
        if l == wrong:
            writer.planned -= 1
            row.marks = [Mark(row.text, "shape", "wrong", codes=("wrong-shape",), tag="wrong-shape")]
        rows.append(row)
    return rows


def _shape_row(writer: Writer, key: Key, shape: tuple[int, ...]) -> Row:
    net, n, style = writer.net, writer.notation, writer.switches["shapes"]
    if style == "letters":
        letters = {size: f"n_{{{k}}}" if n.tex else f"n{k}" for k, size in enumerate(net.sizes)}
    else:
        letters = {size: str(size) for size in net.sizes}
    letters |= {net.samples: n.samples} if net.samples > 1 else {1: "1"}
    a, b = (letters[k] for k in shape)
    name = n.name(key)
    if not n.tex:
        return writer.premise(f"{name}: {a} x {b}", "shape")
    if style != "words":
        return writer.premise(f"{name} \\in \\mathbb{{R}}^{{{a} \\times {b}}}", "shape")
    return writer.premise(f"{name}: {a} \\times {b}", "shape")


def _loss(writer: Writer) -> None:
    net, s, page, words = writer.net, writer.switches, writer.page, writer.words
    if s["loss_stated"] == "missing":
        return
    if s["loss_stated"] == "named":
        page.prose(words.named_loss(net, writer.notation))
        return
    text = loss_text(net, writer.notation, s, writer.rng)
    row = writer.premise(text, lead=words.loss)
    row.marks[0].accept = ("notation",)
    page.rows([row])
    if s["delta_defined"] and s["delta"]:
        n = writer.notation
        rows = []
        for l in range(net.depth, 0, -1):
            left = n.grad(("Z", l))
            n.delta = False
            text = f"{left} = {n.fraction(('L', 0), ('Z', l))}"
            n.delta = True
            rows.append(
                Row(text, [Mark(text, "definition", accept=("notation",))], words.define if l == net.depth else "")
            )
        page.rows(rows, together=True)


def loss_text(net: Network, n: Notation, s: Switches, rng: random.Random) -> str:
    """The definition of the loss in one of the usual forms."""
    a, y = n.name(("A", net.depth)), n.name(("Y", 0))
    c = n.coefficient(net.coefficient)
    left, minus = n.name(("L", 0)), n.sign()
    if n.dialect == "python":
        return f"{left} = " + _python_loss(net, a, y, c) + _penalty_text(net, n)
    log = n.log if n.tex else n.log.strip("\\")
    per_sample = net.samples > 1
    gap = " " if n.tex else ""
    sums = s["loss_sums"]
    if sums == "indexed" and n.tex and not _bare(a) and s["mark"] in ("sub", "sub_braced"):
        sums = "outer"
    if sums == "indexed" and n.tex and y.isalpha():
        a, y = (_indexed(t, per_sample) for t in (a, y))
    power = "^2" if n.tex else "²"
    square = f"({a} {minus} {y}){power}"
    if net.loss == "mse" and sums == "norm":
        square = f"\\left\\| {a} {minus} {y} \\right\\|^2" if n.tex else f"‖{a} {minus} {y}‖²"
    if n.tex:
        open_, close = ("\\left[", "\\right]") if rng.random() < 0.5 else ("(", ")")
        logs = (
            f"{open_} {y} {log}({a}) + (1 - {y}) {log}(1 - {a}) {close}"
            if rng.random() < 0.7
            else f"{open_}{y} {log} {a} + (1 - {y}) {log} (1 - {a}){close}"
        )
        entropy = f"{y} {log}({a})" if rng.random() < 0.5 else f"{y} {log} {a}"
    else:
        logs = f"[{y} {log} {a} + (1 {minus} {y}) {log}(1 {minus} {a})]"
        entropy = f"{y} {log} {a}"
    total = ""
    if per_sample:
        total = f"\\sum_{{i=1}}^{{{n.samples}}} " if n.tex else "Σ_i "
    if sums in ("indexed", "double") and net.loss in ("mse", "ce", "mse+ce", "log") and n.tex and y != n.name(("Y", 0)):
        total = (f"\\sum_{{i=1}}^{{{n.samples}}} " if per_sample else "") + "\\sum_{k} "
    elif net.loss in ("ce", "mse+ce") and not per_sample:
        total = "\\sum_k " if n.tex else "Σ_k "
    c_text = c + gap if c else ""
    body = {
        "mse": f"{c_text}{total}{square}",
        "log": f"{minus}{c_text}{total}{logs}",
        "ce": f"{minus}{c_text}{total}{entropy}",
        "mse+ce": f"{n.coefficient(net.coefficient.times(Fraction(1, 2)))}{gap}{total}{square} {minus} {c_text}{total}{entropy}",
    }[net.loss]
    return f"{left} = {body}" + _penalty_text(net, n)


def _bare(name: str) -> bool:
    return "_" not in name and "^" not in name


def _indexed(name: str, per_sample: bool) -> str:
    """The entry k of sample i, or of the only one."""
    index = "ki" if per_sample else "k"
    return name + f"_{{{index}}}" if "_" not in name else f"({name})_{{{index}}}"


def _python_loss(net: Network, a: str, y: str, c: str) -> str:
    c_text = f"{c} * " if c else ""
    square, log = f"np.sum(({a} - {y})**2)", f"np.sum({y} * np.log({a}) + (1 - {y}) * np.log(1 - {a}))"
    entropy = f"np.sum({y} * np.log({a}))"
    return {
        "mse": c_text + square,
        "log": f"-{c_text}{log}",
        "ce": f"-{c_text}{entropy}",
        "mse+ce": f"{c_text}(0.5 * {square} - {entropy})",
    }[net.loss]


def _penalty_text(net: Network, n: Notation) -> str:
    if not net.penalty:
        return ""
    c = n.coefficient(net.penalty)
    names = [n.name(("W", l)) for l in range(1, net.depth + 1)]
    if n.dialect == "python":
        return f" + {c} * ({' + '.join(f'np.sum({w}**2)' for w in names)})"
    norms = " + ".join(f"\\|{w}\\|_F^2" for w in names) if n.tex else " + ".join(f"‖{w}‖²" for w in names)
    return f" + {c} {n.parentheses(norms) if len(names) > 1 else norms}"


def _steps(writer: Writer) -> list[Step]:
    """The lines of the backward pass, true."""
    net, s, rng = writer.net, writer.switches, writer.rng
    once = Coefficient(net.coefficient.number) if s["later"] else net.coefficient
    later = Coefficient(per_sample=True) if s["later"] else Coefficient()
    steps: list[Step] = []
    combined = combined_output(net, once)
    last = net.depth
    if net.activations[-1] == "softmax" and (combined is None):
        steps.append(Step(("A", last), output_gradient(net, once, s["split_log"])))
    elif combined is None or (net.activations[-1] != "softmax" and rng.random() < 0.4):
        steps.append(Step(("A", last), output_gradient(net, once, s["split_log"])))
        if combined is not None and net.activations[-1] not in ("softmax",) and rng.random() < 0.5:
            steps.append(Step(("Z", last), combined))
        else:
            steps.append(Step(("Z", last), activation_step(net, last)))
    else:
        steps.append(Step(("Z", last), combined))
    if ("Z", last) not in [x.key for x in steps]:
        return steps  # a softmax under a squared error of a batch has no short form
    via = s["through_activations"]
    for l in range(last, 0, -1):
        if s["detail"] != "delta_first":
            steps += _parameters(net, l, later, s)
        if l > 1:
            down = input_gradient(net, l)
            if via or net.activations[l - 2] == "identity":
                steps += [Step(("A", l - 1), down), Step(("Z", l - 1), activation_step(net, l - 1))]
            else:
                slope = Slope(l - 1, l - 1)
                steps.append(Step(("Z", l - 1), Had(slope, down) if s["slope_first"] else Had(down, slope)))
    if s["detail"] == "delta_first":
        for l in range(last, 0, -1):
            steps += _parameters(net, l, later, s)
    return steps


def _parameters(net: Network, l: int, later: Coefficient, s: Switches) -> list[Step]:
    weight = scaled(later, weight_gradient(net, l))
    if net.penalty:
        weight = Add(weight, scaled(net.penalty.times(2), Name(("W", l))))
    found = [Step(("W", l), weight)]
    if net.bias:
        found.append(Step(("b", l), scaled(later, bias_gradient(net, l))))
    return found[::-1] if s["bias_first"] else found


def _backward(writer: Writer) -> None:
    s, rng, page = writer.switches, writer.rng, writer.page
    steps = _steps(writer)
    if s["closed"] == "all":
        steps = [replace(step, closed=True) for step in steps]
    elif s["closed"] == "some":
        steps = [replace(step, closed=rng.random() < 0.4) for step in steps]
    # a closed form without the lines before it: only the parameters are shown
    hidden = (
        {step.key for step in steps if step.key[0] in "ZA"} if s["closed"] == "all" and s["parameters_only"] else set()
    )
    shown = [step for step in steps if step.key not in hidden]
    chosen = set(rng.sample(range(len(shown)), min(writer.planned, len(shown)))) if writer.planned > 0 else set()
    rows: list[Row] = []
    made = 0
    if writer.words.backward:
        page.prose(writer.words.backward)
    for step in steps:
        if step.key in hidden:
            writer._remember(step, substitute(step.relation, writer.memory))
            continue
        wanted = shown.index(step) in chosen or (made < writer.planned and step is shown[-1])
        before, planted = _around(writer, step, wanted)
        rows += before
        if planted:
            made += 1
            wanted = False
        slip = writer.slip_for(step) if wanted else None
        made += slip is not None
        rows.append(writer.line(step, slip))
        if not slip and s["continued"] and not writer.code and rng.random() < 0.5:
            writer.continue_row(step, rows)
    group: list[Row] = []
    for row, following in zip(rows, [*rows[1:], None], strict=True):
        group.append(row)
        if following and following.text.startswith("= "):
            continue  # a line that goes on stays beside its beginning
        if rng.random() < 0.3 or page.display not in ("align", "aligned", "align_dollars", "fence", "mixed"):
            page.rows(group, together=len(group) > 1)
            group = []
    page.rows(group, together=len(group) > 1)
    if s["updates"]:
        _updates(writer, made)


def _around(writer: Writer, step: Step, wanted: bool) -> tuple[list[Row], bool]:
    """Chains and local derivatives before a line, one of them perhaps false."""
    s, rng = writer.switches, writer.rng
    rows: list[Row] = []
    planted = False
    # with a penalty the chain through z is not all of dL/dW
    if s["chains"] and rng.random() < 0.6 and not writer.code and not (step.key[0] == "W" and writer.net.penalty):
        wrong = wanted and rng.random() < 0.4
        row = writer.chain(step.key, wrong)
        if row:
            rows.append(row)
            planted |= wrong
    if s["locals"] and rng.random() < 0.7 and not writer.code:
        for link in _links(writer.net, step.key):
            wrong = wanted and not planted and rng.random() < 0.4
            row = writer.local(*link, wrong)
            if row:
                rows.append(row)
                planted |= wrong
    return rows, planted


def _links(net: Network, key: Key) -> list[tuple[Key, Key]]:
    kind, l = key
    if kind in "Wb":
        return [(("Z", l), key)]
    if kind == "A":
        return [(("Z", l + 1), key)] if l < net.depth else []
    return ([(("Z", l + 1), ("A", l))] if l < net.depth else []) + [(("A", l), key)]


def _updates(writer: Writer, made: int) -> None:
    keys = [k for k in writer.memory if k[0] in "Wb"]
    if not keys:
        return
    ascend = made < writer.planned
    rows = [writer.update(k, ascend and k == keys[0]) for k in keys]
    rows[0].lead = writer.words.update
    writer.page.rows(rows, together=True)
