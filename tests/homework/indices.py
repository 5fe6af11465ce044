"""Homework in index notation: one or two layers, one sample, sums over units written out, Kronecker deltas.

An expression is a text together with its value as a function of the indices, so that both come from one construction.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from .expressions import FUNCTIONS, Coefficient, Key
from .networks import Network
from .pages import Mark, Page, Row
from .switches import Switches
from .words import Words

Where = Mapping[str, int]
SIZES = (5, 4, 3)


@dataclass(frozen=True)
class Entry:
    """Text, value, and how strongly it binds: 0 a sum, 1 a product, 2 a factor."""

    text: str
    value: Callable[[Where], float]
    binds: int = 2

    def factor(self) -> str:
        """The text as a factor."""
        return self.text if self.binds else f"({self.text})"


def product(join: str, *factors: Entry) -> Entry:
    """Factors side by side."""
    if len(factors) == 1:
        return factors[0]

    def value(at: Where) -> float:
        found = 1.0
        for f in factors:
            found *= f.value(at)
        return found

    return Entry(join.join(f.factor() for f in factors), value, 1)


def difference(a: Entry, b: Entry) -> Entry:
    """a - b."""
    return Entry(f"{a.text} - {b.text}", lambda at: a.value(at) - b.value(at), 0)


def times(number: int, a: Entry) -> Entry:
    """A number before an expression."""
    return (
        a
        if number == 1
        else Entry(
            ("-" if number == -1 else str(number)) + a.factor(), lambda at: number * a.value(at), 0 if number < 0 else 1
        )
    )


def number(n: int) -> Entry:
    """A number alone."""
    return Entry(str(n), lambda at: float(n))


@dataclass(frozen=True)
class Line:
    """A derivative: its text, its true value by the indices of the left side, and the ways to write its right side."""

    left: str
    letters: str
    truth: Callable[[Where], float]
    right: Entry
    slips: tuple[tuple[str, tuple[str, ...], Entry], ...] = ()
    kind: str = "derivative"
    uses: tuple[Key, ...] = ()
    gives: Key | None = None
    lenient: bool = False


class Indexed:
    """One document at work."""

    def __init__(self, rng: random.Random, s: Switches, page: Page, words: Words, seed: int):
        self.rng, self.s, self.page, self.words = rng, s, page, words
        self.tex = page.dialect == "tex"
        hidden = rng.choice(("sigmoid", "tanh", "g"))
        output, loss = rng.choice(
            (
                ("sigmoid", "mse"),
                ("sigmoid", "mse"),
                ("identity", "mse"),
                ("softmax", "ce"),
                ("softmax", "ce"),
                ("g", "mse"),
                ("softmax", "mse"),
                ("sigmoid", "log"),
            )
        )
        s |= {
            "hidden": hidden, "output": output, "loss": loss, "half": loss == "mse" and rng.random() < 0.7, "layers": rng.choice((1, 2, 2, 2)),
            "weights_index": rng.choice(("to from", "from to")), "units": rng.choice(("z a", "a z", "net out", "u h", "s x")), "entry_marks": rng.choice(("none", "paren", "letters")),
            "index_letters": rng.choice(("ijk", "ijk", "kji", "pqr", "dhk")), "target": rng.choice(("t", "y", "d")), "loss_letter": rng.choice(("E", "L", "J", "C")),
            "delta": rng.choice((True, True, False)), "bias": rng.random() < 0.6, "sum_limits": rng.random() < 0.4, "derivative": rng.choice(("partial", "partial", "d")),
            "join": rng.choice((" ", " ", " \\cdot ")), "slope_hidden": rng.choice(("prime", "a")), "chains": rng.random() < 0.5,
            "locals": rng.random() < 0.5, "updates": rng.random() < 0.4, "sum_first": rng.random() < 0.5,
        }  # fmt: skip
        if s["units"] == "s x":
            s["units"] = "s h"
        if s["index_letters"] == "dhk" and (s["target"] == "d" or "h" in s["units"]):
            s["index_letters"] = "ijk"
        if s["derivative"] == "d" and s["target"] == "d":
            s["target"] = "t"
        depth = s["layers"]
        self.net = Network(
            "Wx",
            SIZES[-depth - 1 :],
            ((hidden,) if depth == 2 else ()) + (output,),
            s["bias"],
            loss,
            Coefficient(Fraction(1, 2) if s["half"] else Fraction(1)),
            1,
            None,
            seed,
        )
        self.values = self.net.values
        self.depth = depth
        self.letters = tuple(s["index_letters"])[-depth - 1 :]  # by layer
        self.sizes = dict(zip(self.letters, self.net.sizes, strict=True))
        self.sizes["l" if "l" not in self.letters else "m"] = self.net.sizes[-1]
        self.other = "l" if "l" not in self.letters else "m"
        self.z, self.a = s["units"].split()
        self.output = rng.choice(("a", "hat", "o"))
        if self.output == "o" and self.a == "out":
            self.output = "hat"
        self.join = s["join"] if self.tex or s["join"] == " " else " · "

    # ---- names ----------------------------------------------------------------------------------------------------

    def entry(self, base: str, letters: str, layer: int | None = None) -> str:
        """A letter with indices, and the layer where this writer marks it."""
        if not self.tex:
            base = {"\\delta": "δ", "\\hat{y}": "ŷ"}.get(base, base)
            return f"{base}_{letters}"
        if len(base) > 1 and base.isalpha():
            base = f"\\mathrm{{{base}}}"
        mark = f"^{{({layer})}}" if layer is not None and self.s["entry_marks"] == "paren" else ""
        return base + mark + (f"_{{{letters}}}" if len(letters) > 1 else f"_{letters}")

    def symbol(self, key: Key, letters: str) -> str:
        """The text of an entry of a quantity."""
        kind, l = key
        if kind == "W":
            base = "v" if self.s["entry_marks"] == "letters" and l == self.depth and self.depth == 2 else "w"
            ordered = letters if self.s["weights_index"] == "to from" else letters[::-1]
            return self.entry(base, ordered, l)
        if kind == "A" and l == 0:
            return self.entry("x", letters)
        if kind == "A" and l == self.depth and self.output != "a":
            return self.entry({"hat": "\\hat{y}", "o": "o"}[self.output], letters)
        if kind == "Y":
            return self.entry(self.s["target"], letters)
        base = {"A": self.a, "Z": self.z, "b": "b"}[kind]
        if kind == "b" and self.s["entry_marks"] == "letters" and l == self.depth and self.depth == 2:
            base = "c"
        return self.entry(base, letters, l)

    def of(self, kind: str, l: int, letters: str | None = None) -> Entry:
        """An entry of a quantity as an expression."""
        key = (kind, l)
        letters = letters or self.indices(key)
        array = self.values.arrays[key]
        return Entry(
            self.symbol(key, letters),
            lambda at: float(array[tuple(at[c] for c in letters)] if len(letters) == 2 else array[at[letters], 0]),
        )

    def indices(self, key: Key) -> str:
        """The usual indices of a quantity."""
        kind, l = key
        if kind == "Y":
            return self.letters[-1]
        return self.letters[l] + (self.letters[l - 1] if kind == "W" else "")

    def grad(self, kind: str, l: int, letters: str | None = None) -> Entry:
        """dE/d entry."""
        key = (kind, l)
        letters = letters or self.indices(key)
        array = self.values.grads[key]
        text = (
            self.entry("\\delta", letters, l)
            if kind == "Z" and self.s["delta"]
            else self.fraction(self.s["loss_letter"], self.symbol(key, letters))
        )
        return Entry(
            text, lambda at: float(array[tuple(at[c] for c in letters)] if len(letters) == 2 else array[at[letters], 0])
        )

    def fraction(self, top: str, bottom: str) -> str:
        """d top / d bottom."""
        d = "\\partial " if self.s["derivative"] == "partial" else "d"
        if self.tex:
            return f"\\frac{{{d}{top}}}{{{d}{bottom}}}"
        d = "∂" if self.s["derivative"] == "partial" else "d"
        return f"{d}{top}/{d}{bottom}"

    def function(self, l: int) -> str:
        """The activation's name."""
        kind = self.net.activations[l - 1]
        if kind == "softmax":
            return "\\operatorname{softmax}" if self.tex else "softmax"
        name = {"sigmoid": "\\sigma", "tanh": "\\tanh", "g": "f", "identity": ""}[kind]
        return name if self.tex else {"\\sigma": "σ", "\\tanh": "tanh"}.get(name, name)

    def slope(self, l: int, wrong: str = "") -> Entry | None:
        """g'(z) as this writer writes it; `wrong` for a mistake."""
        kind = self.net.activations[l - 1]
        if kind in ("identity", "softmax"):
            return None
        c = self.letters[l]
        z, a = self.of("Z", l), self.of("A", l)
        derivative = FUNCTIONS[kind][1]
        if wrong == "function":
            return Entry(f"{self.function(l)}({z.text})", a.value)
        if wrong == "argument":
            return Entry(
                f"{self.function(l)}'({a.text})", lambda at: float(derivative(self.values.arrays["A", l])[at[c], 0])
            )
        value = lambda at: float(derivative(self.values.arrays["Z", l])[at[c], 0])  # noqa: E731
        if self.s["slope_hidden"] == "a" and kind == "sigmoid":
            return Entry(f"{a.text} (1 - {a.text})", value, 1)
        if self.s["slope_hidden"] == "a" and kind == "tanh":
            square = f"({a.text})^2" if self.tex else f"{a.text}²"
            return Entry(f"(1 - {square})", value)
        return Entry(f"{self.function(l)}'({z.text})", value)

    def sum(self, letter: str, body: Entry) -> Entry:
        """The sum over the units of a layer."""
        limits = f"_{letter}"
        if self.s["sum_limits"] and self.tex:
            limits = f"_{{{letter}=1}}^{{n_{letter}}}"
        sign = ("\\sum" if self.tex else "Σ") + limits
        return Entry(
            f"{sign} {body.factor()}",
            lambda at: sum(body.value({**at, letter: v}) for v in range(self.sizes[letter])),
            1,
        )

    # ---- lines ----------------------------------------------------------------------------------------------------

    def lines(self) -> list[Line]:
        """The backward pass."""
        found = self.output_lines()
        for l in range(self.depth, 0, -1):
            found += self.parameter_lines(l)
            if l > 1:
                found += self.hidden_lines(l - 1)
        return found

    def _line(
        self,
        kind: str,
        l: int,
        right: Entry,
        slips: list[tuple[str, tuple[str, ...], Entry]],
        uses: tuple[Key, ...] = (),
    ) -> Line:
        left = self.grad(kind, l)
        slips.append(("sign", ("sign",), times(-1, right)))
        slips.append(("constant-factor", ("constant-factor", "other-loss"), times(2, right)))
        return Line(left.text, self.indices((kind, l)), left.value, right, tuple(slips), uses=uses, gives=(kind, l))

    def output_lines(self) -> list[Line]:
        """dE/da and dE/dz of the output."""
        n, loss, last = self.depth, self.net.loss, self.net.activations[-1]
        a, y = self.of("A", n), self.of("Y", 0)
        error = difference(a, y)
        two = 1 if self.s["half"] or loss != "mse" else 2
        if loss == "mse":
            by_a = times(two, error)
        elif loss == "ce":
            by_a = Entry(
                f"-\\frac{{{y.text}}}{{{a.text}}}" if self.tex else f"-{y.text}/{a.text}",
                lambda at: -y.value(at) / a.value(at),
                0,
            )
        else:
            bottom = lambda at: a.value(at) * (1 - a.value(at))  # noqa: E731
            text = (
                f"\\frac{{{error.text}}}{{{a.text} (1 - {a.text})}}"
                if self.tex
                else f"({error.text}) / ({a.text} (1 - {a.text}))"
            )
            by_a = Entry(text, lambda at: error.value(at) / bottom(at), 2 if self.tex else 1)
        found = [self._line("A", n, by_a, [("sign", ("sign",), times(two, difference(y, a)))] if loss == "mse" else [])]
        slope = self.slope(n)
        diagonal = product(self.join, times(two, error), a, difference(number(1), a))
        if (loss, last) in (("ce", "softmax"), ("log", "sigmoid")):
            if last == "softmax" and self.s["locals"]:
                found += self._softmax_lines()
            slips = [("sign", ("sign",), difference(y, a))]
            slips.append(
                ("softmax-diagonal", ("softmax-diagonal", "slope-twice", "other-loss"), diagonal)
                if last == "softmax"
                else ("slope-twice", ("slope-twice", "other-loss"), diagonal)
            )
            found.append(self._line("Z", n, error, slips))
        elif last == "softmax":
            found += self._softmax_lines()
            o = self.other
            left = self.of("A", n, o)
            through = product(self.join, difference(left, self.of("Y", 0, o)), left, difference(self.kronecker(o), a))
            right = self.sum(o, times(two, through))
            found.append(
                self._line(
                    "Z",
                    n,
                    right,
                    [
                        ("softmax-diagonal", ("softmax-diagonal", "other-loss"), diagonal),
                        ("missing-slope", ("missing-slope", "dropped-chain-factor", "other-loss"), times(two, error)),
                    ],
                )
            )
        elif slope is None:
            found.append(self._line("Z", n, by_a, []))
        else:
            full = (
                product(self.join, times(two, error), slope)
                if loss == "mse"
                else product(self.join, self.grad("A", n), slope)
            )
            found.append(
                self._line(
                    "Z", n, full, self._slope_slips(n, times(two, error), full), () if loss == "mse" else (("A", n),)
                )
            )
        return found

    def kronecker(self, other: str) -> Entry:
        """delta_{ok}."""
        c = self.letters[-1]
        text = (
            (f"\\delta_{{{other}{c}}}" if not self.s["delta"] else f"\\mathbb{{1}}_{{{other}={c}}}")
            if self.tex
            else f"[{other}={c}]"
        )
        return Entry(text, lambda at: float(at[other] == at[c]))

    def _softmax_lines(self) -> list[Line]:
        n, o, c = self.depth, self.other, self.letters[-1]
        left = self.fraction(self.symbol(("A", n), o), self.symbol(("Z", n), c))
        a_o, a_c = self.of("A", n, o), self.of("A", n)
        truth = lambda at: a_o.value(at) * ((at[o] == at[c]) - a_c.value(at))  # noqa: E731
        wrong = product(self.join, a_o, difference(number(1), a_o))
        return [
            Line(
                left,
                o + c,
                truth,
                product(self.join, a_o, difference(self.kronecker(o), a_c)),
                (("softmax-diagonal", ("softmax-diagonal",), wrong),),
                lenient=True,
            )
        ]

    def _slope_slips(self, l: int, rest: Entry, full: Entry) -> list[tuple[str, tuple[str, ...], Entry]]:
        slope, function, argument = self.slope(l), self.slope(l, "function"), self.slope(l, "argument")
        if slope is None or function is None or argument is None:
            return []
        output = ["other-loss"] if l == self.depth else []
        return [
            ("missing-slope", ("missing-slope", "dropped-chain-factor", *output), rest),
            ("slope-twice", ("slope-twice", *output), product(self.join, full, slope)),
            ("function-for-slope", ("function-for-slope", "wrong-variable"), product(self.join, rest, function)),
            (
                "slope-at-wrong-argument",
                ("slope-at-wrong-argument", "wrong-variable"),
                product(self.join, rest, argument),
            ),
        ]

    def parameter_lines(self, l: int) -> list[Line]:
        """dE/dw and dE/db of a layer, with chain and local derivative."""
        d, a = self.grad("Z", l), self.of("A", l - 1)
        z, w = self.symbol(("Z", l), self.letters[l]), self.symbol(("W", l), self.indices(("W", l)))
        found = []
        if self.s["chains"]:
            text = f"{self.fraction(self.s['loss_letter'], z)}{self.join}{self.fraction(z, w)}"
            found.append(
                Line(
                    self.grad("W", l).text,
                    self.indices(("W", l)),
                    self.grad("W", l).value,
                    Entry(text, self.grad("W", l).value),
                    (),
                    "chain",
                )
            )
        if self.s["locals"]:
            slips = [("wrong-variable", ("wrong-variable", "wrong-left-hand-side", "wrong-layer"), self.of("W", l))]
            found.append(Line(self.fraction(z, w), self.indices(("W", l)), a.value, a, tuple(slips), lenient=True))
        slips = []
        if l > 1:
            slips.append(("wrong-variable", ("wrong-variable",), product(self.join, d, self.of("Z", l - 1))))
        slips.append(("dropped-chain-factor", ("dropped-chain-factor", "wrong-left-hand-side"), d))
        found.append(self._line("W", l, product(self.join, d, a), slips, (("Z", l),)))
        if self.net.bias:
            found.append(
                self._line(
                    "b",
                    l,
                    d,
                    [("wrong-left-hand-side", ("wrong-left-hand-side", "wrong-variable"), product(self.join, d, a))],
                    (("Z", l),),
                )
            )
        return found

    def hidden_lines(self, l: int) -> list[Line]:
        """dE/da and dE/dz of the hidden layer."""
        c = self.letters[l + 1]
        d, w = self.grad("Z", l + 1), self.of("W", l + 1)
        through = product(self.join, w, d)
        back = self.sum(c, through)
        found = []
        if self.s["locals"]:
            z, a = self.symbol(("Z", l + 1), c), self.symbol(("A", l), self.letters[l])
            found.append(
                Line(
                    self.fraction(z, a),
                    self.indices(("W", l + 1)),
                    w.value,
                    w,
                    (("wrong-variable", ("wrong-variable", "wrong-left-hand-side"), self.of("A", l)),),
                    lenient=True,
                )
            )
        missing = ("missing-output-sum", ("missing-output-sum",), through)
        if self.rng.random() < 0.4:
            found.append(
                self._line(
                    "A",
                    l,
                    back,
                    [missing, ("dropped-chain-factor", ("dropped-chain-factor", "wrong-weight"), self.sum(c, d))],
                    (("Z", l + 1),),
                )
            )
        slope = self.slope(l)
        assert slope is not None  # hidden activations are elementwise
        ordered = (
            (slope, back)
            if self.s["sum_first"]
            else (Entry(f"\\left( {back.text} \\right)" if self.tex else f"({back.text})", back.value), slope)
        )
        full = product(self.join, *ordered)
        slips = [
            (tag, codes, e)
            for tag, codes, e in self._slope_slips(l, back if self.s["sum_first"] else ordered[0], full)
            if self.s["sum_first"] is False or tag == "missing-slope"
        ]
        slips.append(("missing-output-sum", ("missing-output-sum",), product(self.join, slope, w, d)))
        slips.append(
            (
                "dropped-chain-factor",
                ("dropped-chain-factor", "wrong-weight"),
                product(self.join, slope, self.sum(c, d)),
            )
        )
        found.append(self._line("Z", l, full, slips, (("Z", l + 1),)))
        return found

    def holds(self, line: Line, right: Entry) -> bool:
        """Whether the right side has the true value at every index, also at those that only it carries."""
        loose = [c for c in self.sizes if c not in line.letters]
        letters = [*line.letters, *loose]
        for values in itertools.product(*(range(self.sizes[c]) for c in letters)):
            at = dict(zip(letters, values, strict=True))
            if not np.isclose(right.value(at), line.truth(at), rtol=1e-9, atol=1e-12):
                return False
        return True

    def write(self, planned: int) -> None:
        """The page."""
        page, words = self.page, self.words
        page.rows(self._forward(), together=True)
        page.rows([Row(text, [Mark(text, "definition", accept=("notation",))], words.loss) for text in [self._loss()]])
        if self.s["delta"]:
            text = ", ".join(
                dict.fromkeys(
                    f"{self.grad('Z', l).text} = {self.fraction(self.s['loss_letter'], self.symbol(('Z', l), self.letters[l]))}"
                    for l in range(self.depth, 0, -1)
                )
            )
            page.rows(
                [Row(text, [Mark(part, "definition", accept=("notation",)) for part in text.split(", ")], words.define)]
            )
        if words.backward:
            page.prose(words.backward)
        lines = self.lines()
        chosen = set(self.rng.sample([k for k, line in enumerate(lines) if line.slips], planned))
        false: set[Key] = set()
        rows = []
        for k, line in enumerate(lines):
            rows.append(self._row(line, k in chosen, false))
        page.rows(rows, together=True)
        if self.s["updates"]:
            page.rows(self._updates(), together=True)

    def _row(self, line: Line, wrong: bool, false: set[Key]) -> Row:
        real = [s for s in line.slips if not self.holds(line, s[2]) and s[2].text != line.right.text] if wrong else []
        if real:
            tags = sorted({tag for tag, _, _ in real})
            pick = self.rng.choice(tags)
            tag, codes, right = self.rng.choice([s for s in real if s[0] == pick])
            mark = Mark("", line.kind, "wrong", codes=codes, tag=tag, evidence=("indexed", line, right))
            if line.gives:
                false.add(line.gives)
        else:
            right = line.right
            assert self.holds(line, right), line
            used = set(line.uses) & false
            accept = (("carried",) if used else ()) + (("notation",) if line.lenient or self.join != " " else ())
            mark = Mark("", line.kind, "correct", accept, evidence=("indexed", line, right))
            if used and line.gives:
                false.add(line.gives)
        mark.latex = f"{line.left} = {right.text}"
        return Row(mark.latex, [mark], self.words.lead(self.rng))

    def _forward(self) -> list[Row]:
        rows = []
        for l in range(1, self.depth + 1):
            c = self.letters[l - 1]
            body = self.sum(c, product(" ", self.of("W", l), self.of("A", l - 1)))
            z, a = self.symbol(("Z", l), self.letters[l]), self.symbol(("A", l), self.letters[l])
            rows.append(
                f"{z} = {body.text}" + (f" + {self.symbol(('b', l), self.letters[l])}" if self.net.bias else "")
            )
            if self.net.activations[l - 1] == "softmax":
                o = self.other
                e = (lambda t: f"e^{{{t}}}") if self.tex else (lambda t: f"e^({t})")
                total = f"\\sum_{o} " if self.tex else f"Σ_{o} "
                top, bottom = e(z), total + e(self.symbol(("Z", l), o))
                rows.append(f"{a} = \\frac{{{top}}}{{{bottom}}}" if self.tex else f"{a} = {top} / {bottom}")
            elif self.net.activations[l - 1] == "identity":
                rows.append(f"{a} = {z}")
            else:
                rows.append(f"{a} = {self.function(l)}({z})")
        return [Row(text, [Mark(text, "definition")]) for text in rows]

    def _loss(self) -> str:
        c = self.letters[-1]
        a, y = self.symbol(("A", self.depth), c), self.symbol(("Y", 0), c)
        half = ("\\frac{1}{2} " if self.tex else "½ ") if self.s["half"] else ""
        sign = f"\\sum_{c} " if self.tex else f"Σ_{c} "
        log = "\\log" if self.tex else "log"
        body = {
            "mse": f"{half}{sign}({a} - {y}){'^2' if self.tex else '²'}",
            "ce": f"-{sign}{y} {log} {a}",
            "log": f"-{sign}[{y} {log} {a} + (1 - {y}) {log}(1 - {a})]",
        }[self.net.loss]
        return f"{self.s['loss_letter']} = {body}"

    def _updates(self) -> list[Row]:
        rows, eta = [], "\\eta" if self.tex else "η"
        arrow = "\\leftarrow" if self.tex else "←"
        for l in range(self.depth, 0, -1):
            w = self.symbol(("W", l), self.indices(("W", l)))
            text = f"{w} {arrow} {w} - {eta} {self.grad('W', l).text}"
            rows.append(Row(text, [Mark(text, "update", accept=("carried",))]))
        return rows


def write_indices(rng: random.Random, s: Switches, page: Page, words: Words, planned: int, seed: int) -> Indexed:
    """A whole document."""
    work = Indexed(rng, s, page, words, seed)
    activation = work.net.activations
    if "sigmoid" in activation:
        sigma = "$\\sigma$" if work.tex else "σ"
        page.prose(f"One training example. {sigma} is the sigmoid function.")
    elif "softmax" in activation:
        page.prose("One training example with a one-hot target.")
    work.write(planned)
    return work
