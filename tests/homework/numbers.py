"""Homework with numbers: a small net worked through by hand, with rounding, slips, and what follows from them."""

from __future__ import annotations

import cmath
import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field

from .pages import Mark, Page, Row
from .switches import Switches
from .words import Words

ACTS: dict[str, tuple[Callable, Callable]] = {
    "sigmoid": (lambda z: 1 / (1 + cmath.exp(-z)), lambda a: a * (1 - a)),
    "tanh": (cmath.tanh, lambda a: 1 - a * a),
    "relu": (lambda z: z if complex(z).real > 0 else 0 * z, lambda a: 1.0 if complex(a).real > 0 else 0.0),
    "identity": (lambda z: z, lambda a: 1.0),
}
STEP = 1e-30


@dataclass
class Quantity:
    """A number of the document: its name, its exact value, what the writer goes on with, and what is printed."""

    name: str
    exact: float
    held: float
    printed: str
    off: bool = False  # the value that the writer holds is not the exact one


@dataclass
class Term:
    """A factor of a line: symbol, number, the exact and the held value."""

    symbol: str
    number: str
    exact: float
    held: float
    off: bool
    role: str = "factor"


@dataclass
class Sheet:
    """The worked document: givens, quantities found so far."""

    rng: random.Random
    switches: Switches
    page: Page
    tex: bool
    known: dict[str, Quantity] = field(default_factory=dict)
    planned: int = 0
    slipped: bool = False

    def name(self, key: str) -> str:
        """A name such as w_{11} in the dialect."""
        base, _, index = key.partition("_")
        greek = {"yhat": "\\hat{y}", "eta": "\\eta"}.get(base, base)
        if self.tex:
            return greek + (f"_{{{index}}}" if len(index) > 1 else f"_{index}" if index else "")
        plain = {"yhat": "ŷ", "eta": "η"}.get(base, base)
        return plain + (index if self.switches["plain_index"] == "glued" else f"_{index}" if index else "")

    def derivative(self, top: str, bottom: str) -> str:
        """d top / d bottom."""
        a, b = self.name(top), self.name(bottom)
        style = self.switches["derivative"]
        if not self.tex:
            d = "∂" if style == "partial" else "d"
            return f"{d}{a}/{d}{b}"
        d = "\\partial " if style == "partial" else "d"
        return f"\\frac{{{d}{a}}}{{{d}{b}}}"

    def show(self, value: float, exact_input: bool = False) -> str:
        """A number as printed."""
        decimals = self.switches["digits"]
        if exact_input:
            return f"{value:g}"
        if value and abs(value) < 10 ** (1 - decimals):
            decimals = 2 - math.floor(math.log10(abs(value)))
        if self.switches["rounding"] == "cut":
            value = trunc(value * 10**decimals) / 10**decimals
        text = f"{value:.{decimals}f}"
        return text if float(text) else "0"

    def paren(self, number: str) -> str:
        """Negative numbers in parentheses."""
        return f"({number})" if number.startswith("-") else number

    @property
    def times(self) -> str:
        """The sign between numbers."""
        sign = self.switches["times"]
        return (
            {"dot": " \\cdot ", "times": " \\times ", "star": " * ", "paren": ""}[sign]
            if self.tex
            else {"dot": "·", "times": " × ", "star": " * ", "paren": ""}[sign]
        )

    def term(self, key: str) -> Term:
        """A known quantity as a factor."""
        q = self.known[key]
        return Term(self.name(key), q.printed, q.exact, q.held, q.off)

    def product(self, numbers: list[str]) -> str:
        """Numbers multiplied."""
        if self.switches["times"] == "paren":
            return "".join(f"({n})" for n in numbers) if len(numbers) > 1 else numbers[0]
        return self.times.join([numbers[0], *(self.paren(n) for n in numbers[1:])])


def close(text: str, exact: float) -> bool:
    """Within half a unit of the last printed digit."""
    decimals = len(text.partition(".")[2])
    return abs(float(text) - exact) <= 0.5 * 10**-decimals * (1 + 1e-6) + 1e-12


def cut_off(text: str, exact: float) -> bool:
    """The exact value with its further digits left out."""
    decimals = len(text.partition(".")[2])
    return trunc(exact * 10**decimals) == round(float(text) * 10**decimals)


def trunc(value: float) -> int:
    """Towards zero, but not because of the last bit."""
    return math.trunc(value + math.copysign(1e-7, value))


def write_numbers(rng: random.Random, s: Switches, page: Page, words: Words, planned: int) -> Worked:
    """A whole document."""
    tex = page.dialect == "tex"
    s |= {
        "net": rng.choice(("1-1", "2-1", "1-1-1", "2-2-1")), "hidden": rng.choice(("sigmoid", "sigmoid", "tanh", "relu")), "digits": rng.choice((2, 3, 4, 4, 5, 6)),
        "output": rng.choice(("sigmoid", "identity", "sigmoid")), "carry": rng.choice(("exact", "exact", "printed")), "times": rng.choice(("dot", "times", "star", "paren")),
        "derivative": rng.choice(("partial", "partial", "d")), "middle": rng.choice(("all", "all", "symbols", "numbers", "none")), "plain_index": rng.choice(("glued", "underscore")),
        "loss": rng.choice(("mse", "mse", "log")), "updates": rng.random() < 0.6, "number_bias": rng.random() < 0.6, "approx": rng.random() < 0.2, "half": rng.random() < 0.7,
        "chains": rng.random() < 0.4, "rounding": rng.choice(("round",) * 6 + ("cut",)),
    }  # fmt: skip
    if s["loss"] == "log":
        s["output"] = "sigmoid"
    if s["times"] == "star" and tex:
        s["times"] = "dot"
    if planned:
        s["carry"] = "printed"  # else what follows from a slip could not be told from another slip
    sheet = Sheet(rng, s, page, tex, planned=planned)
    worked = Worked(sheet, words)
    worked.write()
    return worked


class Worked:
    """The steps of one document."""

    def __init__(self, sheet: Sheet, words: Words):
        self.sheet, self.words, self.s, self.rng = sheet, words, sheet.switches, sheet.rng
        self.sizes = tuple(map(int, self.s["net"].split("-")))
        self.units: list[list[str]] = []
        self.lines = 0

    # ---- the model ------------------------------------------------------------------------------------------------

    def draw(self) -> None:
        """Names and given values."""
        rng = self.rng
        self.inputs = [f"x_{i}" for i in range(1, self.sizes[0] + 1)] if self.sizes[0] > 1 else ["x"]
        self.layers = []
        count, deep = 0, len(self.sizes) == 3
        given: dict[str, float] = {x: rng.choice((0.5, 1, 2, -1, 1.5, 0.3, 3)) for x in self.inputs}
        sources = self.inputs
        for l, size in enumerate(self.sizes[1:], 1):
            layer = []
            for j in range(1, size + 1):
                weights = []
                for _ in sources:
                    count += 1
                    weights.append(f"w_{count}" if count > 1 or len(self.sizes) > 2 or self.sizes[0] > 1 else "w")
                bias = (
                    (f"b_{l}" if size == 1 and deep else f"b_{j}" if deep else "b") if self.s["number_bias"] else None
                )
                if bias and deep and size > 1:
                    bias = f"b_{j}"
                if bias and deep and l == 2:
                    bias = f"b_{self.sizes[1] + 1}"
                index = f"_{j}" if l == 1 and deep and size > 1 else (f"_{l}" if deep else "")
                if deep and l == 2 and self.sizes[1] > 1:
                    index = "_3"
                z = f"z{index}"
                a = "yhat" if l == len(self.sizes) - 1 else (f"h{index}" if size > 1 else "h")
                given |= {w: round(rng.uniform(-1, 1.2), rng.choice((1, 2))) or 0.3 for w in weights}
                if bias:
                    given[bias] = round(rng.uniform(-0.5, 0.6), 1)
                layer.append((weights, bias, z, a))
            self.layers.append(layer)
            sources = [a for *_, a in layer]
        given["y"] = rng.choice((0, 1)) if self.s["loss"] == "log" else rng.choice((0, 1, 0.5, 0.8))
        self.given = given
        self.values = self.run({})
        self.rate = rng.choice((0.1, 0.5, 0.01, 1))

    def activation(self, l: int) -> str:
        """The activation of layer l (from 1)."""
        return self.s["output"] if l == len(self.layers) else self.s["hidden"]

    def run(self, shift: dict[str, complex]) -> dict[str, complex]:
        """All values, with something added to some of them."""
        v: dict[str, complex] = {k: x + shift.get(k, 0) for k, x in self.given.items()}
        sources = self.inputs
        for l, layer in enumerate(self.layers, 1):
            for weights, bias, z, a in layer:
                total = sum((v[w] * v[x] for w, x in zip(weights, sources, strict=True)), 0j)
                v[z] = total + (v[bias] if bias else 0) + shift.get(z, 0)
                v[a] = ACTS[self.activation(l)][0](v[z]) + shift.get(a, 0)
            sources = [a for *_, a in layer]
        v["L"] = self.loss(v["yhat"], v["y"])
        return v

    def loss(self, out: complex, y: complex) -> complex:
        """The loss."""
        if self.s["loss"] == "log":
            return -(y * cmath.log(out) + (1 - y) * cmath.log(1 - out))
        return (0.5 if self.s["half"] else 1) * (out - y) ** 2

    def slope(self, key: str) -> float:
        """dL/dkey by the complex step."""
        return self.run({key: 1j * STEP})["L"].imag / STEP

    # ---- lines ----------------------------------------------------------------------------------------------------

    def row(
        self,
        left: str,
        key: str,
        symbols: str,
        numbers: str,
        exact: float,
        held: float,
        off: bool,
        kind: str = "number",
        slip: bool = True,
    ) -> Row:
        """One line with its value, judged; the key is known afterwards."""
        sheet, s = self.sheet, self.s
        self.lines += 1
        text = sheet.show(held)
        mark = Mark("", kind)
        wrong = False
        if slip and sheet.planned and self.rng.random() < 0.25:
            other = self._slipped(text, exact, held)
            if other:
                text, wrong = other, True
                sheet.slipped = True
                sheet.planned -= 1
                mark = Mark("", kind, "wrong", codes=("arithmetic-slip", "wrong-value-inserted"), tag="arithmetic-slip")
        if not wrong:
            mark = self._judged(text, exact, off, kind)
        equal = " = "
        value = (" \\approx " if sheet.tex else " ≈ ") if s["approx"] and not close_exactly(text, exact) else equal
        sides = [
            x
            for x in (
                (symbols if s["middle"] in ("all", "symbols") else ""),
                (numbers if s["middle"] in ("all", "numbers") else ""),
            )
            if x
        ]
        sides = list(dict.fromkeys(x for x in sides if x != text))
        mark.latex = equal.join([left, *sides]) + value + text
        mark.evidence = ("number", key, text)
        kept = float(text) if (s["carry"] == "printed" or wrong) else held
        sheet.known[key] = Quantity(
            left, exact, kept, text, not close_exactly(text, exact) if kept != held or wrong else off
        )
        return Row(mark.latex, [mark], self.words.lead(self.rng))

    def _judged(self, text: str, exact: float, off: bool, kind: str) -> Mark:
        if close(text, exact):
            return Mark("", kind, "correct", ("carried",) if off else ())
        if cut_off(text, exact):
            return Mark("", kind, "correct", ("notation", "carried"))
        assert off, (text, exact)
        return Mark("", kind, "carried", tag="carried" if self.sheet.slipped else "rounded-early")

    def _slipped(self, text: str, exact: float, held: float) -> str | None:
        """Another number that rounding does not explain."""
        digits = [i for i, c in enumerate(text) if c.isdigit()]
        decimals = len(text.partition(".")[2])
        unit = 1.01 * 10.0**-decimals  # of 0.125 some print 0.13
        way = self.rng.choice(("digit", "digit", "double", "shift"))
        if way == "digit":
            at = self.rng.choice(digits[:3])
            other = text[:at] + str((int(text[at]) + self.rng.choice((1, 2, 3, 7))) % 10) + text[at + 1 :]
        else:
            other = f"{float(text) * (2 if way == 'double' else 10):.{decimals}f}"
        if (
            abs(float(other) - exact) < max(unit, 0.02 * max(abs(exact), 0.05))
            or abs(float(other) - held) < max(unit, 0.02 * max(abs(held), 0.05))
            or float(other) == 0
        ):
            return None
        return other

    def write(self) -> None:
        """The page."""
        self.draw()
        _sheet, page, words = self.sheet, self.sheet.page, self.words
        names = {"sigmoid": "the sigmoid", "tanh": "tanh", "relu": "ReLU", "identity": "linear"}
        hidden = f"The hidden units use {names[self.s['hidden']]}; " if len(self.layers) > 1 else ""
        page.prose(f"{hidden}{'the' if hidden else 'The'} output is {names[self.s['output']]}.")
        page.rows(self._givens(), together=True)
        page.rows(self._model(), together=True)
        if words.forward:
            page.prose(words.forward)
        page.rows(self._forward(), together=True)
        if words.backward:
            page.prose(words.backward)
        rows = self._backward()
        page.rows(rows, together=True)
        if self.s["updates"]:
            page.rows(self._updates(), together=True)

    def _givens(self) -> list[Row]:
        rows = []
        for key, value in self.given.items():
            text = f"{self.sheet.name(key)} = {value:g}"
            self.sheet.known[key] = Quantity(self.sheet.name(key), value, value, f"{value:g}")
            rows.append(Row(text, [Mark(text, "definition")]))
        return rows

    def _model(self) -> list[Row]:
        """The equations without numbers."""
        sheet, rows = self.sheet, []
        join = {"dot": " \\cdot ", "times": " ", "star": " ", "paren": " "}[self.s["times"]] if sheet.tex else "·"
        sources = self.inputs
        for l, layer in enumerate(self.layers, 1):
            for weights, bias, z, a in layer:
                right = " + ".join(
                    f"{sheet.name(w)}{join}{sheet.name(x)}" for w, x in zip(weights, sources, strict=True)
                )
                right += f" + {sheet.name(bias)}" if bias else ""
                rows.append(f"{sheet.name(z)} = {right}")
                rows.append(f"{sheet.name(a)} = {self._applied(l, sheet.name(z))}")
            sources = [a for *_, a in layer]
        rows.append(f"L = {self._loss_text(sheet.name('yhat'), sheet.name('y'))}")
        return [Row(text, [Mark(text, "definition")]) for text in rows]

    def _applied(self, l: int, z: str) -> str:
        kind = self.activation(l)
        if kind == "identity":
            return z
        if self.sheet.tex:
            return {"sigmoid": f"\\sigma({z})", "tanh": f"\\tanh({z})", "relu": f"\\max(0, {z})"}[kind]
        return {"sigmoid": f"σ({z})", "tanh": f"tanh({z})", "relu": f"max(0, {z})"}[kind]

    def _loss_text(self, out: str, y: str) -> str:
        if self.s["loss"] == "log":
            log = "\\ln" if self.sheet.tex else "ln"
            return (
                f"-[{y} {log}({out}) + (1 - {y}) {log}(1 - {out})]"
                if not y[:1].isdigit()
                else f"-[{y}{self.sheet.times or ' '}{log}({out}) + (1 - {y}){self.sheet.times or ' '}{log}(1 - {out})]"
            )
        half = ("\\frac{1}{2}" if self.sheet.tex else "½") if self.s["half"] else ""
        return f"{half}({out} - {y}){'^2' if self.sheet.tex else '²'}"

    def _forward(self) -> list[Row]:
        sheet, rows = self.sheet, []
        sources = self.inputs
        for l, layer in enumerate(self.layers, 1):
            for weights, bias, z, a in layer:
                pairs = [(sheet.term(w), sheet.term(x)) for w, x in zip(weights, sources, strict=True)]
                held = sum(w.held * x.held for w, x in pairs)
                off = any(t.off for pair in pairs for t in pair)
                numbers = " + ".join(
                    sheet.product([self.plus(w.number, k), x.number]) for k, (w, x) in enumerate(pairs)
                )
                symbols = " + ".join(f"{w.symbol}{sheet.times or ' '}{x.symbol}" for w, x in pairs)
                if bias:
                    b = sheet.term(bias)
                    held += b.held
                    numbers += f" + {sheet.paren(b.number)}"
                    symbols += f" + {b.symbol}"
                rows.append(self.row(sheet.name(z), z, symbols, numbers, self.values[z].real, held, off))
                q = sheet.known[z]
                rows.append(
                    self.row(
                        sheet.name(a), a, self._applied(l, sheet.name(z)), self._applied(l, q.printed) if self.activation(l) != "identity" else "",
                        self.values[a].real, complex(ACTS[self.activation(l)][0](q.held)).real, q.off,
                    )
                )  # fmt: skip
            sources = [a for *_, a in layer]
        out, y = sheet.known["yhat"], sheet.known["y"]
        if self.s["loss"] == "log" and not 0 < out.held < 1:
            return rows
        loss = complex(self.loss(out.held, y.held)).real
        rows.append(
            self.row("L", "L", "", self._loss_text(out.printed, y.printed), self.values["L"].real, loss, out.off)
        )
        return rows

    def plus(self, number: str, k: int) -> str:
        """A number after a plus sign."""
        return self.sheet.paren(number) if k and self.s["times"] != "paren" else number

    def gradient(self, key: str, factors: list[Term], others: list[list[Term]] | None = None) -> Row:
        """dL/dkey as a product."""
        sheet = self.sheet
        left = sheet.derivative("L", key)
        terms = factors
        slip = True
        codes: tuple[str, ...] = ()
        if sheet.planned and len(factors) > 1 and self.rng.random() < 0.2:
            lost = self.rng.randrange(1, len(factors))
            terms = factors[:lost] + factors[lost + 1 :]
            codes = (
                ("missing-slope", "dropped-chain-factor")
                if factors[lost].role == "slope"
                else ("dropped-chain-factor", "wrong-weight", "wrong-variable")
            )
        exact, held = self.slope(key), math.prod(t.held for t in terms)
        if codes and (close(sheet.show(held), exact) or abs(held - exact) < 0.02 * max(abs(exact), 0.05)):
            codes, terms = (), factors
            held = math.prod(t.held for t in terms)
        symbols = (" \\cdot " if sheet.tex else " · ").join(t.symbol for t in terms)
        row = self.row(
            left,
            f"d{key}",
            symbols,
            sheet.product([t.number for t in terms]),
            exact,
            held,
            any(t.off for t in terms) or bool(codes),
            slip=slip and not codes,
        )
        if codes:
            sheet.planned -= 1
            sheet.slipped = True
            mark = row.marks[0]
            mark.verdict, mark.accept, mark.codes, mark.tag = "wrong", (), (*codes, "arithmetic-slip"), codes[0]
            known = sheet.known[f"d{key}"]
            known.off = True
        return row

    def grad_term(self, key: str) -> Term:
        """A derivative already found as a factor."""
        q = self.sheet.known[f"d{key}"]
        return Term(self.sheet.derivative("L", key), q.printed, q.exact, q.held, q.off)

    def slope_term(self, l: int, z: str, a: str) -> Term | None:
        """The slope of an activation as a factor."""
        kind, q, name = self.activation(l), self.sheet.known[a], self.sheet.name(a)
        if kind == "identity":
            return None
        exact, held = (complex(ACTS[kind][1](v)).real for v in (q.exact, q.held))
        if kind == "relu":
            symbol = f"\\mathbb{{1}}[{self.sheet.name(z)} > 0]" if self.sheet.tex else f"({self.sheet.name(z)} > 0)"
            return Term(symbol, f"{held:g}", exact, held, held != exact, "slope")
        power = "^2" if self.sheet.tex else "²"
        texts = [
            f"{n}(1 - {n})" if kind == "sigmoid" else f"(1 - {n}{power})" for n in (name, self.sheet.paren(q.printed))
        ]
        if kind == "sigmoid":
            texts[1] = (
                f"{q.printed}{self.sheet.times or ''}(1 - {self.sheet.paren(q.printed)})"
                if self.sheet.times
                else f"{self.sheet.paren(q.printed)}(1 - {self.sheet.paren(q.printed)})"
            )
        return Term(texts[0], texts[1], exact, held, q.off, "slope")

    def _backward(self) -> list[Row]:
        sheet, rows = self.sheet, []
        out, y = sheet.term("yhat"), sheet.term("y")
        last = len(self.layers)
        (_, _, z, a) = self.layers[-1][0]
        if self.s["loss"] == "mse":
            factor = "" if self.s["half"] else "2"
            c = 1 if self.s["half"] else 2
            minus = f"({out.symbol} - {y.symbol})" if factor else f"{out.symbol} - {y.symbol}"
            shown = f"({out.number} - {sheet.paren(y.number)})" if factor else f"{out.number} - {sheet.paren(y.number)}"
            rows.append(
                self.row(
                    sheet.derivative("L", a),
                    f"d{a}",
                    factor + minus,
                    factor + shown,
                    self.slope(a),
                    c * (out.held - y.held),
                    out.off,
                )
            )
            slope = self.slope_term(last, z, a)
            rows.append(self.gradient(z, [self.grad_term(a), slope] if slope else [self.grad_term(a)]))
        else:
            rows.append(
                self.row(
                    sheet.derivative("L", z),
                    f"d{z}",
                    f"{out.symbol} - {y.symbol}",
                    f"{out.number} - {sheet.paren(y.number)}",
                    self.slope(z),
                    out.held - y.held,
                    out.off,
                )
            )
        for l in range(last, 0, -1):
            sources = self.inputs if l == 1 else [a for *_, a in self.layers[l - 2]]
            for weights, bias, z, _ in self.layers[l - 1]:
                for w, x in zip(weights, sources, strict=True):
                    if self.s["chains"] and self.rng.random() < 0.3:
                        rows.append(self._chain(w, z))
                    rows.append(self.gradient(w, [self.grad_term(z), sheet.term(x)]))
                if bias:
                    rows.append(self.gradient(bias, [self.grad_term(z)]))
            if l > 1:
                (weights, _, z, _) = self.layers[l - 1][0]
                for w, (_, _, below, a) in zip(weights, self.layers[l - 2], strict=True):
                    rows.append(self.gradient(a, [self.grad_term(z), sheet.term(w)]))
                    slope = self.slope_term(l - 1, below, a)
                    rows.append(self.gradient(below, [self.grad_term(a), slope] if slope else [self.grad_term(a)]))
        return rows

    def _chain(self, w: str, z: str) -> Row:
        join = " \\cdot " if self.sheet.tex else " · "
        text = f"{self.sheet.derivative('L', w)} = {self.sheet.derivative('L', z)}{join}{self.sheet.derivative(z, w)}"
        return Row(text, [Mark(text, "chain")])

    def _updates(self) -> list[Row]:
        sheet, rows = self.sheet, []
        rows.append(
            Row(
                f"{sheet.name('eta')} = {self.rate:g}",
                [Mark(f"{sheet.name('eta')} = {self.rate:g}", "definition")],
                self.words.update,
            )
        )
        arrow = self.rng.choice(("\\leftarrow", ":=", "new")) if sheet.tex else self.rng.choice(("←", ":=", "new"))
        for layer in self.layers:
            for weights, bias, _, _ in layer:
                for key in [*weights, *([bias] if bias else [])]:
                    q, g = sheet.known[key], sheet.known[f"d{key}"]
                    exact, held = q.exact - self.rate * g.exact, q.held - self.rate * g.held
                    ascend = bool(sheet.planned) and self.rng.random() < 0.3 and abs(self.rate * g.held) > 0.02
                    if ascend:
                        held = q.held + self.rate * g.held
                    text = sheet.show(held)
                    off = g.off
                    mark = (
                        self._judged(text, exact, off, "update")
                        if not ascend
                        else Mark(
                            "", "update", "wrong", codes=("update-sign", "sign", "arithmetic-slip"), tag="update-sign"
                        )
                    )
                    if ascend and close(text, exact):
                        continue
                    sheet.planned -= ascend
                    middle = f"{q.printed} {'+' if ascend else '-'} {sheet.product([f'{self.rate:g}', g.printed])}"
                    if self.s["times"] == "paren":
                        middle = f"{q.printed} {'+' if ascend else '-'} {self.rate:g}({g.printed})"
                    name = sheet.name(key)
                    if arrow == "new":
                        name = (
                            (name.replace("_", "^{new}_") if "_" in name else name + "^{new}")
                            if sheet.tex
                            else f"{name}_new"
                        )
                    mark.latex = f"{name} {'=' if arrow == 'new' else arrow} {middle} = {text}"
                    mark.evidence = ("update", key, text)
                    rows.append(Row(mark.latex, [mark]))
        return rows


def close_exactly(text: str, exact: float) -> bool:
    """The printed number is the value itself."""
    return abs(float(text) - exact) < 1e-12
