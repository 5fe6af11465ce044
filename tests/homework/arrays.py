"""Homework with vectors and matrices of numbers: one sample through a small net, every step with symbols, numbers and result."""

from __future__ import annotations

import math
import random
from fractions import Fraction

import numpy as np

from .expressions import Act, Coefficient, Expr, Grad, Had, Key, Name, Nonconforming, Slope, Values, nodes
from .matrices import holds, loss_text
from .mistakes import Slip, slips
from .networks import Network, bias_gradient, combined_output, input_gradient, weight_gradient
from .notations import ATOM, Notation
from .numbers import close, cut_off
from .pages import Mark, Page, Row
from .switches import Switches, draw_notation
from .words import Words


class Arrays:
    """One document at work: the exact values, and those that the writer goes on with."""

    def __init__(self, rng: random.Random, s: Switches, page: Page, words: Words, planned: int, seed: int):
        self.rng, self.s, self.page, self.words, self.planned = rng, s, page, words, planned
        self.net = _network(rng, s, seed)
        self.notation = _notation(rng, s, self.net)
        self.digits = s["digits"] = rng.choice((2, 3, 4, 4, 5))
        s["carry"] = "printed" if planned else rng.choice(("exact", "exact", "printed"))
        s["middle"] = rng.choice(("all", "all", "symbols", "numbers", "none"))
        s["vectors"] = rng.choice(("bmatrix", "bmatrix", "pmatrix", "array")) if self.notation.tex else "lists"
        self.exact = self.net.values
        self.held = _Held(
            dict(self.exact.arrays),
            dict(self.exact.grads),
            self.exact.activations,
            self.exact.columns,
            1,
            self.exact.letters,
        )
        self.held.__dict__["rounded"] = self.rounded
        self.printed: dict[Expr, str] = {}
        self.off: set[Expr] = set()
        self.slipped = False

    # ---- numbers as text -------------------------------------------------------------------------------------------

    def number(self, value: float, given: bool) -> str:
        """An entry; small ones keep two digits that count."""
        if given:
            return f"{value:g}"
        decimals = self.digits
        if value and abs(value) < 10 ** (1 - decimals):
            decimals = min(2 - math.floor(math.log10(abs(value))), 9)
        text = f"{value:.{decimals}f}"
        return text if float(text) else "0"

    def entries(self, array: np.ndarray, given: bool = False) -> list[list[str]]:
        """All entries as text."""
        return [[self.number(float(v), given) for v in row] for row in array]

    def matrix(self, entries: list[list[str]]) -> str:
        """A matrix as it is displayed; one number alone has no brackets."""
        if len(entries) == 1 and len(entries[0]) == 1:
            return entries[0][0]
        if self.s["vectors"] == "lists":
            if self.net.columns and len(entries[0]) == 1:
                return "[" + "; ".join(row[0] for row in entries) + "]"
            return "[" + "; ".join(" ".join(row) for row in entries) + "]"
        body = " \\\\ ".join(" & ".join(row) for row in entries)
        if self.s["vectors"] == "array":
            return f"\\left[\\begin{{array}}{{{'r' * len(entries[0])}}} {body} \\end{{array}}\\right]"
        return f"\\begin{{{self.s['vectors']}}} {body} \\end{{{self.s['vectors']}}}"

    def rounded(self, slope: np.ndarray) -> np.ndarray:
        """A slope as the writer goes on with it."""
        if self.s["carry"] == "exact" or self.s["middle"] not in ("all", "numbers"):
            return slope
        return np.array([[float(x) for x in row] for row in self.entries(slope)])

    def numbers(self, expr: Expr) -> str:
        """The expression with the printed numbers in place of the names."""
        n = self.notation
        spelled = _Spelled(**{f: getattr(n, f) for f in n.__dataclass_fields__})
        spelled.printed = self.printed
        spelled.slope_text = self.slope_numbers
        return spelled.write(expr)

    def slope_numbers(self, slope: Slope) -> str:
        """The entries of a slope."""
        return self.matrix(self.entries(self.held.of(slope)))

    # ---- lines ----------------------------------------------------------------------------------------------------

    def given(self, key: Key) -> Row:
        """A given array."""
        value = self.exact.arrays[key]
        self.printed[Name(key)] = self.matrix(self.entries(value, given=True))
        text = f"{self.notation.name(key)} = {self.printed[Name(key)]}"
        return Row(text, [Mark(text, "definition")])

    def line(self, what: Name | Grad, right: Expr, slip: Slip | None = None) -> Row:
        """A quantity with its value by symbols, numbers and result."""
        n = self.notation
        grad = isinstance(what, Grad)
        exact = (self.exact.grads if grad else self.exact.arrays)[what.key]
        expr = slip.expr if slip else right
        held = self.held.of(expr)
        entries = self.entries(held)
        off = (
            bool(slip)
            or any(node in self.off for node in nodes(expr))
            or any(
                isinstance(x, Slope | Act) and {Name(("Z", x.at)), Name(("A", x.at))} & self.off for x in nodes(expr)
            )
        )
        mark = Mark("", "number")
        spoiled = None if slip else self._spoil(entries, exact, held)
        if slip:
            self.planned -= 1
            self.slipped = True
            mark = Mark("", "number", "wrong", codes=(*slip.codes, "arithmetic-slip"), tag=slip.tag)
        elif spoiled:
            entries = spoiled
            self.planned -= 1
            self.slipped = True
            mark = Mark(
                "", "number", "wrong", codes=("arithmetic-slip", "wrong-value-inserted", "sign"), tag="arithmetic-slip"
            )
        else:
            mark = self._judged(entries, exact, off)
        result = self.matrix(entries)
        sides = []
        if self.s["middle"] in ("all", "symbols"):
            sides.append(n.write(expr))
        if self.s["middle"] in ("all", "numbers"):
            sides.append(self.numbers(expr))
        left = n.grad(what.key) if grad else n.name(what.key)
        mark.latex = " = ".join([left, *dict.fromkeys(x for x in sides if x != result), result])
        mark.evidence = ("array", what, entries)
        kept = (
            np.array([[float(x) for x in row] for row in entries]) if self.s["carry"] == "printed" or spoiled else held
        )
        (self.held.grads if grad else self.held.arrays)[what.key] = kept  # type: ignore[index]
        self.printed[what] = result
        if not np.allclose(kept, exact, rtol=0, atol=1e-12):
            self.off.add(what)
        return Row(mark.latex, [mark], self.words.lead(self.rng))

    def _judged(self, entries: list[list[str]], exact: np.ndarray, off: bool) -> Mark:
        pairs = [
            (t, float(v)) for row, values in zip(entries, exact, strict=True) for t, v in zip(row, values, strict=True)
        ]
        if all(close(t, v) for t, v in pairs):
            return Mark("", "number", "correct", ("notation", *(("carried",) if off else ())))
        if all(close(t, v) or cut_off(t, v) for t, v in pairs):
            return Mark("", "number", "correct", ("notation", "carried"))
        assert off, (entries, exact)
        return Mark("", "number", "carried", tag="carried" if self.slipped else "rounded-early")

    def _spoil(self, entries: list[list[str]], exact: np.ndarray, held: np.ndarray) -> list[list[str]] | None:
        if not self.planned or self.rng.random() > 0.25:
            return None
        i, j = self.rng.randrange(len(entries)), self.rng.randrange(len(entries[0]))
        text = entries[i][j]
        digits = [k for k, c in enumerate(text) if c.isdigit()][:3]
        at = self.rng.choice(digits)
        other = text[:at] + str((int(text[at]) + self.rng.choice((1, 2, 5))) % 10) + text[at + 1 :]
        if self.rng.random() < 0.3:
            other = text[1:] if text.startswith("-") else "-" + text
        unit = 1.01 * 10.0 ** -len(text.partition(".")[2])  # of 0.125 some print 0.13
        for value in (exact[i, j], held[i, j]):
            if abs(float(other) - value) < max(unit, 0.03 * max(abs(value), 0.05)) or float(other) == 0:
                return None
        return [[other if (a, b) == (i, j) else t for b, t in enumerate(row)] for a, row in enumerate(entries)]

    def backward(self, key: Key, right: Expr) -> Row:
        """A derivative, perhaps by a false formula."""
        slip = None
        if self.planned and self.rng.random() < 0.3:
            real = [s for s in slips(self.net, key, right, True, False, False) if self._real(key, right, s)]
            slip = self.rng.choice(real) if real else None
        return self.line(Grad(key), right, slip)

    def _real(self, key: Key, right: Expr, slip: Slip) -> bool:
        if slip.verdict != "wrong" or any(isinstance(n, Grad) and n not in self.printed for n in nodes(slip.expr)):
            return False
        try:
            with np.errstate(all="ignore"):
                found = self.held.of(slip.expr)
        except Nonconforming:
            return False
        target = self.exact.grads[key]
        if (
            found.shape != target.shape
            or not np.all(np.isfinite(found))
            or self.notation.write(slip.expr) == self.notation.write(right)
        ):
            return False
        # seen at a glance, whatever is rounded
        far = [
            np.max(np.abs(found - other)) > 0.05 * max(float(np.max(np.abs(other))), 0.02)
            for other in (target, self.held.of(right))
        ]
        return all(far) and holds(self.exact, key, slip.expr) == "false"

    def write(self) -> None:
        """The page."""
        net, n, page, words = self.net, self.notation, self.page, self.words
        page.prose(words.opening(net, n, self.s))
        keys: list[Key] = [("A", 0), ("Y", 0)]
        for l in range(1, net.depth + 1):
            keys += [("W", l), ("b", l)] if net.bias else [("W", l)]
        page.rows([self.given(key) for key in keys], together=True)
        forms = [
            (("Z", l), net.linear(l)) if z else (("A", l), Act(l, l))
            for l in range(1, net.depth + 1)
            for z in (True, False)
        ]
        if self.rng.random() < 0.6 or self.s["middle"] in ("none", "numbers"):
            texts = [f"{n.name(key)} = {n.write(right)}" for key, right in forms]
            page.rows([Row(text, [Mark(text, "definition")]) for text in texts], together=True)
        if words.forward:
            page.prose(words.forward)
        rows = [self.line(Name(key), right) for key, right in forms]
        page.rows(rows, together=True)
        loss = loss_text(net, n, self.s, self.rng)
        page.rows([Row(loss, [Mark(loss, "definition", accept=("notation",))], words.loss)])
        if words.backward:
            page.prose(words.backward)
        page.rows(self._gradients(), together=True)

    def _gradients(self) -> list[Row]:
        net = self.net
        last = combined_output(net, net.coefficient)
        assert last is not None
        rows = [self.backward(("Z", net.depth), last)]
        for l in range(net.depth, 0, -1):
            rows.append(self.backward(("W", l), weight_gradient(net, l)))
            if net.bias:
                rows.append(self.backward(("b", l), bias_gradient(net, l)))
            if l > 1:
                down = input_gradient(net, l)
                if self.s["through_activations"]:
                    rows.append(self.backward(("A", l - 1), down))
                    down = Grad(("A", l - 1))
                rows.append(self.backward(("Z", l - 1), Had(down, Slope(l - 1, l - 1))))
        return rows


class _Held(Values):
    """The values of the writer: a slope is found from the activation that was found before."""

    def of(self, expr: Expr) -> np.ndarray:
        """The value of an expression."""
        if isinstance(expr, Slope) and not expr.of_activation:
            a = self.arrays["A", expr.at]
            kind = self.activations[expr.layer - 1]
            found = {"sigmoid": a * (1 - a), "tanh": 1 - a * a, "relu": (a > 0) * 1.0, "identity": np.ones_like(a)}[
                kind
            ]
            return self.__dict__["rounded"](found)
        return super().of(expr)


class _Spelled(Notation):
    """The notation with numbers instead of names."""

    printed: dict[Expr, str]
    slope_text: object

    def _write(self, expr: Expr) -> tuple[str, int]:
        if isinstance(expr, Name | Grad):
            text = self.printed[expr]
            return text, (ATOM if not text.startswith("-") else 0)
        if isinstance(expr, Slope):
            return self.slope_text(expr), ATOM  # type: ignore[operator]
        return super()._write(expr)

    def _transposed(self, body: Expr) -> str:
        power = {
            "T": "T",
            "top": "\\top",
            "prime": "'",
            "dot": ".T",
            "sf": "\\mathsf{T}",
            "mathrm": "\\mathrm{T}",
            "small": "ᵀ",
        }[self.transpose]
        text = self.write(body, ATOM)
        if not text.startswith(("[", "\\begin", "\\left", "(")):
            return text  # the transpose of a number
        return text + ("'" if power == "'" else self.raised(power))

    def applied(self, kind: str, argument: str, layer: int, prime: str = "") -> str:
        """A function of numbers."""
        return super().applied(kind, argument, layer, prime)

    def name(self, key: Key, power: str = "") -> str:
        """The numbers of a quantity."""
        return self.printed[Name(key)]


def _network(rng: random.Random, s: Switches, seed: int) -> Network:
    hidden = rng.choice(("sigmoid", "tanh", "relu", "sigmoid"))
    loss, output = rng.choice((("mse", "sigmoid"), ("mse", "identity"), ("log", "sigmoid"), ("ce", "softmax")))
    sizes = rng.choice(((2, 2, 1), (3, 2, 1), (2, 3, 2), (2, 2, 2), (3, 2)))
    if output == "softmax":
        sizes = (*sizes[:-1], 3 if rng.random() < 0.5 else 2)
    s |= {
        "layers": len(sizes) - 1, "loss": loss, "hidden": hidden, "output": output, "batch": False, "mean": False, "half": loss == "mse" and rng.random() < 0.7,
        "penalty": False, "bias": rng.random() < 0.7, "layout": rng.choice(("Wx", "Wx", "WTx", "xW")), "later": False, "loss_stated": "formula", "sizes": str(sizes),
    }  # fmt: skip
    acts = (hidden,) * (len(sizes) - 2) + (output,)
    net = Network(
        s["layout"],
        sizes,
        acts,
        s["bias"],
        loss,
        Coefficient(Fraction(1, 2) if s["half"] else Fraction(1)),
        1,
        None,
        seed,
    )
    given = {
        key: np.round(value * 1.5) / 2 if key == ("A", 0) else np.round(value, 1)
        for key, value in net.parameters.items()
    }
    if loss == "ce":
        flat = np.zeros(given["Y", 0].size)
        flat[rng.randrange(flat.size)] = 1
        given["Y", 0] = flat.reshape(given["Y", 0].shape)
    elif loss == "log":
        given["Y", 0] = np.round(given["Y", 0])
    given = {key: np.where(value == 0, 0.2, value) if key[0] in "WA" else value + 0.0 for key, value in given.items()}
    net.__dict__["parameters"] = given  # where cached_property keeps its value
    return net


def _notation(rng: random.Random, s: Switches, net: Network) -> Notation:
    for _ in range(100):
        notation = draw_notation(rng, s, net)
        fits = notation.dialect == s["dialect"] if "wanted" not in s else notation.dialect == s["wanted"]
        if fits and notation.hadamard != "unmarked" and notation.matmul == " " and notation.transpose != "dot":
            break
    notation.grouping = "strict"
    notation.delta = s["delta"] = False  # an undefined delta that starts with a slip would define itself
    return notation


def write_arrays(rng: random.Random, s: Switches, page: Page, words: Words, planned: int, seed: int) -> Arrays:
    """A whole document."""
    s["wanted"] = s["dialect"]
    work = Arrays(rng, s, page, words, planned, seed)
    del s["wanted"]
    work.write()
    return work
