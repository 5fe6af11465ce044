"""A comparison in words, formulas and pictures: what differs, by which factor, why, and what that does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import sympy

from symderiv.calculus.expressions import Expr, Symbol, apply
from symderiv.calculus.functions import Opaque
from symderiv.calculus.rewrites import Simplifier
from symderiv.comparison.alignment import Row
from symderiv.comparison.comparing import Comparison
from symderiv.comparison.effects import FAR, GRID, Curve, slope_curve
from symderiv.comparison.factors import Factored, Slope
from symderiv.documents.beside import Beside
from symderiv.documents.chart_svg import Chart, Series, draw_chart
from symderiv.documents.content import Block, Bullets, Document, Formula, Paragraph, Picture, Section, Table
from symderiv.documents.latex import PRODUCT, SUM, Printer, Tex
from symderiv.documents.notation import notation_of
from symderiv.documents.writers import as_documents

ABOVE, BELOW = "above", "below"
LONGEST = 700
SHOWN_AT = (-6, -4, -2, 0, 2, 4, 6)


def comparison_document(comparison: Comparison, *, title: str = "", about: str = "") -> Document:
    """The document of a comparison."""
    title = title or "Compared: " + " and ".join(comparison.names)
    about = (
        about or "The gradients of one network, side by side: where they differ, by which factor, and what that does."
    )
    return Document(title, about, tuple(section for section in _Author(comparison).sections() if section))


@dataclass
class _Author:
    comparison: Comparison

    def __post_init__(self) -> None:
        self.alignment = self.comparison.alignment
        self.names, self.models = self.alignment.names, self.alignment.models
        self.printers = [Printer(notation_of(d.model, d.options)) for d in self.alignment.derivations]
        self.beside = [
            Beside(d, p, numbers=False) for d, p in zip(self.alignment.derivations, self.printers, strict=True)
        ]
        for printer, slopes in zip(self.printers, self.alignment.slopes, strict=True):
            printer.replace.update({slope.symbol: slope.value for slope in slopes})

    def sections(self) -> Iterator[Section | None]:
        """Every part, in order."""
        yield self.short()
        yield self.networks()
        yield self.side_by_side()
        yield self.where_they_part()
        yield self.saturation()
        yield self.slopes()
        yield self.sizes()
        yield self.training()

    # What differs

    def short(self) -> Section:
        """The answer in a few sentences."""
        return Section("In short", "short", (Bullets(tuple(dict.fromkeys(self.findings()))),))

    def findings(self) -> Iterator[str]:
        """The sentences that explain the difference, the first cause first."""
        differing = list(self.alignment.differing())
        if not differing:
            yield "The models are the same network with the same loss: every gradient is equal."
            return
        yield from self._about_gradients(differing)
        yield from self._about_saturation()
        yield from self._about_training()

    def _about_gradients(self, differing: list[str]) -> Iterator[str]:
        parting = [row for row in self.alignment.rows if row.relation == "differs"]
        yield from self._about_definitions(differing)
        for row in parting:
            yield from self._about_slopes(row)
            yield from self._about_summands(row)
        yield from self._about_sums()
        constants = [row for row in self.alignment.rows if row.relation == "constant"]
        if constants and not parting:
            yield (
                "The gradients differ by a constant alone: with a learning rate changed by it, every step is the same."
            )
        behind = [row for row in self.alignment.rows if row.relation == "through"]
        if behind:
            own = {f"{row.quantity.name}_bar" for row in behind}
            roots = dict.fromkeys(s for row in behind for s in row.through if s.name not in own)
            yield (
                f"{self._list(row.quantity for row in behind)}: the same steps in every model; they differ only through "
                f"{self._and(self._adjoint(s) for s in roots)}."
            )
        if any(row.relation == "equal" and not row.same_values for row in self.alignment.rows):
            changed = [name for name in differing if name != self.models[0].loss.name]
            yield (
                f"Where the table says that formulas are the same, their values still differ, since "
                f"{self._and(f'${self._name(name)}$' for name in changed)} is another function in each model."
            )

    def _about_definitions(self, differing: list[str]) -> Iterator[str]:
        loss = self.models[0].loss.name
        others = [name for name in differing if name != loss]
        if differing == [loss]:
            yield "The forward pass is the same; only the loss differs, so everything starts with its derivative."
        elif others and loss not in differing:
            yield f"The loss is the same; {self._and(f'${self._name(n)}$' for n in others)} is another function of the layer before."

    def _about_slopes(self, row: Row) -> Iterator[str]:
        """At the derivative behind an activation: its slope is present, or has cancelled, in each model."""
        for k, (name, model) in enumerate(zip(self.names, self.models, strict=True)):
            equation = next((e for e in model.equations if row.quantity in e.uses and not e.contracts), None)
            own = row.own(k)
            if equation is None or equation is model.loss:
                continue
            slope = next((s for s in self.alignment.slopes[k] if s.Z is row.quantity and s.A is equation.symbol), None)
            derivative = f"${self._derivative(k, row.quantity)}$"
            if slope is None:
                yield from self._about_softmax(row, k, derivative)
                continue
            letter, value = self._slope_name(k, slope), self.printers[k].latex(slope.value)
            factors = row.factors[k]
            power = factors.powers.get(slope.symbol, 0) if factors else 0
            above = next((a for a in self.alignment.derivations[k] if a.quantity is slope.A and not a.term), None)
            below = above is not None and self.printers[k].denominator(above.closed)
            if power == 0 and below:
                yield (
                    f"*{name}:* ${self._derivative(k, slope.A)}$ has ${below}$ below the line; the chain rule multiplies with "
                    f"the slope ${letter} = {value}$, and it cancels. {derivative} is then proportional to the error: a sample "
                    "that is quite wrong moves the weights most."
                )
            elif isinstance(slope.function, Opaque):
                yield f"*{name}:* the slope ${letter}$ stays in {derivative}; what it does depends on the function."
            elif power == 1 and own is not None and slope.symbol in own.powers:
                top = _highest(slope)
                flat = f" It is at most {top} and" if top else " It"
                yield (
                    f"*{name}:* the slope ${letter} = {value}$ stays in {derivative}.{flat} "
                    + _when_small(slope, f"${self.printers[k].latex(slope.Z)}$")
                )

    def _about_softmax(self, row: Row, k: int, derivative: str) -> Iterator[str]:
        """A softmax's whole derivative is applied, or cancels against the logarithm of a cross-entropy."""
        adjoint = row.adjoints[k]
        if adjoint is None:
            return
        assumed = next((step.assumption for step in adjoint.steps if step.assumption), None)
        name = self.names[k]
        if assumed is not None and not any(len(s) > 1 for s in [self.alignment.models[k].terms]):
            what = "column" if assumed.axis == 0 else "row"
            yield (
                f"*{name}:* the softmax's derivative cancels against that of the logarithm, because each {what} of "
                f"${self.printers[k].notation.name(assumed.name)}$ sums to 1: {derivative} is the error alone."
            )
        elif len(self.alignment.models[k].terms) == 1:
            yield (
                f"*{name}:* the softmax's derivative stays in {derivative}: every entry is multiplied with its own output, "
                "and a mean over all outputs is taken off. A class whose output is near 0 gets almost no gradient, even if "
                "it is the right one."
            )

    def _about_summands(self, row: Row) -> Iterator[str]:
        """Where one model's derivative has a summand more than the first model's, as from a penalty: which."""
        first, sums = row.adjoints[0], {k for k, _ in self.alignment.sums}
        for k, adjoint in enumerate(row.adjoints[1:], 1):
            if first is None or adjoint is None or k in sums:
                continue
            for more, name, less, fewer in ((adjoint, k, first, 0), (first, 0, adjoint, k)):
                summand = Simplifier().simplified(apply(lambda x, y: x - y, more.closed, less.closed))[0]
                text = self.printers[name].latex(summand)
                if not text.startswith("-") and 2 * len(text) < len(self.printers[fewer].latex(less.closed)):
                    yield f"*{self.names[name]}:* ${self._derivative(name, row.quantity)}$ is that of {self.names[fewer]} plus ${text}$."
                    break

    def _about_sums(self) -> Iterator[str]:
        for k, some in self.alignment.sums:
            added = " + ".join(self.names[i] for i in some)
            yield (
                f"*{self.names[k]}:* its loss is the sum {added}, and differentiating is linear: every gradient is the sum "
                "of theirs."
            )

    def networks(self) -> Section:
        """The equations that all share, and those in which they differ."""
        differing = set(self.alignment.differing())
        shared = [e for e in self.models[0].equations if e.name not in differing and e.name in self.models[0].relevant]
        blocks: list[Block] = []
        if shared:
            p = self.printers[0]
            lines = [(p.latex(e.symbol), p.latex(e.value), f"${p.shape(e.symbol.shape)}$") for e in shared]
            shapes = self.beside[0].shapes(*(part for e in shared for part in (e.symbol, e.value)))
            code = self.beside[0].numpy(*((e.symbol, e.value) for e in shared))
            blocks += [Paragraph("In every model:"), Formula(tuple(lines), quantities=shapes, numpy=code)]
        lines = []
        for k, model in enumerate(self.models):
            p = self.printers[k]
            own = [e for e in model.equations if e.name not in {s.name for s in shared} and e.name in model.relevant]
            lines += [(p.latex(e.symbol), p.latex(e.value), self.names[k] if i == 0 else "") for i, e in enumerate(own)]
        if lines:
            blocks += [Paragraph("In each its own:"), Formula(tuple(lines))]
        return Section("The networks", "networks", tuple(blocks))

    def side_by_side(self) -> Section:
        """Every gradient in every model as a table; a formula that all have stands once, and so does one that is long."""
        rows = []
        for row in self.alignment.rows:
            cells = [self._cell(row, k) for k in range(len(self.names))]
            rows.append((f"${self._derivative(0, row.quantity)}$", *cells, self._relation(row)))
        intro = Paragraph(
            "From the loss backwards, each derivative in terms of the ones before it. What only some models have stands over "
            "a brace."
        )
        header = ("derivative", *self.names, "how they compare")
        return Section("Side by side", "side-by-side", (intro, Table(header, tuple(rows))))

    def _cell(self, row: Row, k: int) -> str:
        adjoint = row.adjoints[k]
        if adjoint is None:
            return "term by term"
        if row.relation == "differs":
            marked = self.marked(row, k)
            if len(marked) <= LONGEST:
                return f"${marked}$"
        if row.relation in ("equal", "constant"):
            marked = self.printers[k].latex(adjoint.closed)
            if len(marked) <= LONGEST / 4:
                return f"${marked}$"
        return f"${self.printers[k].latex(adjoint.named)}$"

    def _relation(self, row: Row) -> str:
        if None in row.adjoints:
            return "one model keeps the terms of its loss apart here"
        if row.relation == "equal":
            return "equal" if row.same_values else "the same formula"
        if row.relation == "through":
            return f"the same, from {self._and(self._adjoint(s) for s in row.through)}"
        ratios = [self._ratio(row, k) for k in range(1, len(self.names))]
        known = [f"{self.names[k]} is ${r}$ times {self.names[0]}" for k, r in enumerate(ratios, 1) if r]
        if known and not row.same_values:
            return "the same but for the slope"
        return "; ".join(known) or "they part here"

    def where_they_part(self) -> Section | None:
        """For each derivative at which formulas differ: its forms, the ratio, and what it comes from."""
        sections = []
        for row in self.alignment.rows:
            if row.relation != "differs" or None in row.adjoints:
                continue
            lines = [
                (self._derivative(k, row.quantity), self.marked(row, k), name) for k, name in enumerate(self.names)
            ]
            closed = [(a.symbol, a.closed) for a in row.adjoints if a is not None]
            code = "\n".join(
                f"# {name}\n{b.numpy(pair)}" for name, b, pair in zip(self.names, self.beside, closed, strict=True)
            )
            shapes = self.beside[0].shapes(*(part for pair in closed for part in pair))
            blocks: list[Block] = [Formula(tuple(lines), quantities=shapes, numpy=code)]
            for k in range(1, len(self.names)):
                ratio = self._ratio(row, k)
                if ratio:
                    left = rf"\frac{{\text{{{self.names[k]}}}}}{{\text{{{self.names[0]}}}}}"
                    reason = "the ratio, entry by entry" if row.same_values else "the ratio of what is over the braces"
                    blocks.append(Formula(((left, ratio, reason),), result=True))
            reasons = (*self._about_slopes(row), *self._about_summands(row))
            if reasons:
                blocks.append(Bullets(reasons))
            spoken = f"derivative with respect to {row.quantity.name}"
            title = f"${self._derivative(0, row.quantity)}$"
            sections.append(Section(title, f"part-{row.quantity.name}", tuple(blocks), spoken=spoken))
        if not sections:
            return None
        intro = Paragraph("In closed form, with what only some models have over a brace.")
        return Section("Where they part", "parting", (intro,), tuple(sections))

    def marked(self, row: Row, k: int) -> str:
        """The closed form in model k, with the factors that not every model has over braces that name them."""
        p, adjoint, own, shared = self.printers[k], row.adjoints[k], row.own(k), row.shared
        assert adjoint is not None
        if own is None or shared is None or not own.powers or not shared.powers:
            return p.latex(adjoint.closed)
        powers: dict[Expr, Any] = dict(shared.powers)
        for place, sign in ((ABOVE, 1), (BELOW, -1)):
            part = {factor: sign * power for factor, power in own.powers.items() if sign * power > 0}
            if part:
                marker = Symbol(place, row.quantity.shape, "marked")
                body = p.tex(Factored(sympy.Integer(1), part, own.shape).product()).within(PRODUCT if sign > 0 else SUM)
                p.replace[marker] = Tex(rf"\underbrace{{{body}}}_{{{self._brace(k, part)}}}")
                powers[marker] = sympy.Integer(sign)
        return p.latex(Factored(own.constant, powers, own.shape).product())

    def _brace(self, k: int, part: dict[Expr, Any]) -> str:
        """What stands under a brace: the name of the slope that it is, or that it is only here."""
        for slope in self.alignment.slopes[k]:
            if part == {slope.symbol: 1}:
                return self._slope_name(k, slope)
        return r"\text{only here}"

    def _ratio(self, row: Row, k: int) -> str:
        """The derivative of model k over that of the first, with slopes by their names; '' if it is none in closed form."""
        ratio = row.ratio(k)
        if ratio is None or (not row.same_values and not self._in_shared(ratio)):
            return ""
        p = self.printers[k]
        before = dict(p.replace)
        for i in (0, k):
            p.replace.update({slope.symbol: Tex(self._slope_name(i, slope)) for slope in self.alignment.slopes[i]})
        try:
            return p.latex(ratio.product())
        finally:
            p.replace = before

    def _in_shared(self, ratio: Factored) -> bool:
        shared = self.alignment.shared_values | self.alignment.slope_symbols
        return all(isinstance(factor, Symbol) and factor in shared for factor in ratio.powers)

    # What it does

    def saturation(self) -> Section | None:
        """The derivative by the last pre-activation for a sample with the target 1."""
        if self.comparison.saturation is None:
            return None
        Z, curves = self.comparison.saturation
        z, derivative = self.printers[0].latex(Z), self._derivative(0, Z)
        several = " and the other outputs at 0" if "softmax" in repr(self.models[0].equations) else ""
        size = f"size of d{self.models[0].loss.name}/d{Z.name}"
        chart = self._chart(f"Size of the derivative by {Z.name}", Z.name, size, curves, log=True)
        header = (f"${z}$", *(f"${p}$" for p in map(str, SHOWN_AT)))
        rows = [(curve.name, *(_short(curve.y[_index(at)]) for at in SHOWN_AT)) for curve in curves]
        text = (
            f"A sample with the target 1{several}. It is the more wrong, the further ${z}$ lies to the left, and "
            f"${derivative}$ is what reaches the network."
        )
        blocks = (Paragraph(text), chart, Table(header, tuple(rows)))
        return Section("Saturation of the output", "saturation", blocks)

    def _about_saturation(self) -> Iterator[str]:
        """What a sample that is quite wrong sends back."""
        if self.comparison.saturation is not None:
            Z, curves = self.comparison.saturation
            wrong = _index(-6)
            largest, smallest = max(curves, key=lambda c: c.y[wrong]), min(curves, key=lambda c: c.y[wrong])
            if smallest.y[wrong] and largest.y[wrong] > 1.5 * smallest.y[wrong]:
                yield (
                    f"A sample with the target 1 at ${self.printers[0].latex(Z)} = {{-6}}$ is quite wrong. What it sends back, "
                    f"$|{self._derivative(0, Z)}|$, is {_short(largest.y[wrong])} with {largest.name} and "
                    f"{_short(smallest.y[wrong])} with {smallest.name}: {largest.y[wrong] / smallest.y[wrong]:.3g} times as much."
                )

    def _about_training(self) -> Iterator[str]:
        """How far training came."""
        for race in self.comparison.races:
            if race.measure.startswith("mean"):
                start = "the usual initial values" if race.scale == 1 else "initial values that saturate every unit"
                worst = [(c, _short(c.high[-1])) for c in race.curves if c.high is not None]
                ends = ", ".join(f"{_short(c.y[-1])} with {c.name} (worst run {high})" for c, high in worst)
                lead = f"{self.comparison.steps} steps with one rate for all lead to a mean squared error of {ends}."
                told = [lead] if race.curves else []
                if race.failed:
                    told.append(
                        f"not every run of {self._and(race.failed)} came through at the rate {self.comparison.rate:g}."
                    )
                yield f"From {start}: " + " ".join(told).replace(". not", ". Not")

    def slopes(self) -> Section | None:
        """The slopes of the activations that differ."""
        sections: list[Block] = []
        for name in self.alignment.differing():
            own = [
                (k, slope) for k, slopes in enumerate(self.alignment.slopes) for slope in slopes if slope.A.name == name
            ]
            if len(own) < 2 or len({slope.symbol for _, slope in own}) < 2:
                continue
            curves = tuple(slope_curve(slope, self.names[k]) for k, slope in own)
            Z = own[0][1].Z
            sections.append(self._chart(f"Slope of {name}", Z.name, f"slope of {name}", curves, log=True))
            header = (f"${self.printers[0].latex(Z)}$", *(f"${at}$" for at in map(str, SHOWN_AT)))
            rows = [(f"${self._slope_name(k, slope)}$", *(_short(c.y[_index(at)]) for at in SHOWN_AT))
                    for (k, slope), c in zip(own, curves, strict=True)]  # fmt: skip
            sections.append(Table(header, tuple(rows)))
        if not sections:
            return None
        text = (
            "Every layer multiplies what passes through it on the way back with its slope. A slope below 1 in every layer "
            "makes gradients shrink with depth."
        )
        return Section("Slopes of the activations", "slopes", (Paragraph(text), *sections))

    def sizes(self) -> Section | None:
        """The sizes of the gradients through the layers."""
        setup = self.comparison.setup
        if setup is None or not self.comparison.gradient_sizes:
            return None
        rows, sizes = [], self.comparison.gradient_sizes
        for name, each in sizes.items():
            ratios = [f"{_short(each[k][1] / each[0][1])}" if each[0][1] else "" for k in range(1, len(each))]
            cells = [f"{_short(middle)} ({_short(low)} to {_short(high)})" for low, middle, high in each]
            rows.append((f"${self._derivative(0, self.models[0].symbols[name])}$", *cells, *ratios))
        header = (
            "derivative", *self.names, *(f"{name} / {self.names[0]}" for name in self.names[1:])
        )  # fmt: skip
        text = (
            f"The Frobenius norm of each derivative before training, on {setup.source}: the median over 20 sets of initial "
            "values, the same for every model, with the range of the middle half."
        )
        blocks: list[Block] = [Paragraph(text), Table(header, tuple(rows))]
        layers = [e.name for e in self.models[0].equations if e.contracts and e.name in sizes]
        if len(layers) > 1:
            number = np.arange(1.0, len(layers) + 1)
            curves = []
            for k, name in enumerate(self.names):
                low, middle, high = np.array([sizes[layer][k] for layer in layers]).T
                curves.append(Curve(name, number, middle, low, high))
            loss = self.models[0].loss.name
            title = f"Size of d{loss}/dz through the layers"
            blocks.insert(1, self._chart(title, "layer", f"size of d{loss}/dz", tuple(curves), log=True))
        return Section("Sizes of the gradients", "sizes", tuple(blocks))

    def training(self) -> Section | None:
        """Training curves, and how far each came."""
        setup = self.comparison.setup
        if setup is None or not self.comparison.races:
            return None
        text = (
            f"Each model is trained on {setup.source}, {self.comparison.steps} steps of gradient descent with the rate "
            f"{self.comparison.rate:g}, from the same {self.comparison.seeds} sets of initial values. Losses of different "
            "kinds cannot be compared, so what is drawn is the same for all: the line is the median, the band goes from the "
            "lowest run to the highest."
        )
        blocks: list[Block] = [Paragraph(text)]
        rows = []
        for race in self.comparison.races:
            start = "usual initial values" if race.scale == 1 else f"initial values times {race.scale:g}"
            title = f"{race.measure[0].upper()}{race.measure[1:]}, {start}"
            log = race.measure.startswith("mean")
            if race.curves:
                blocks.append(self._chart(title, "step", race.measure, race.curves, log=log))
            if race.failed:
                blocks.append(Paragraph(f"Not every run of {self._and(race.failed)} came through: numbers ran away."))
            rows += [
                (start, race.measure, c.name, _short(c.y[0]), _short(c.y[-1]),
                 f"{_short(c.low[-1])} to {_short(c.high[-1])}" if c.low is not None and c.high is not None else "")
                for c in race.curves
            ]  # fmt: skip
        if any(race.scale == FAR for race in self.comparison.races):
            blocks.insert(1, Paragraph(
                "The start with initial values that are too large is a bad one on purpose: there every unit is saturated, and "
                "it shows which gradient still gets out."
            ))  # fmt: skip
        header = ("start", "measure", "model", "at first", "in the end", "range in the end")
        return Section("Training", "training", (*blocks, Table(header, tuple(rows))))

    # Small things

    def _chart(self, title: str, x: str, y: str, curves: tuple[Curve, ...], *, log: bool) -> Picture:
        series = tuple(
            Series(
                c.name,
                list(c.x),
                list(c.y),
                () if c.low is None else list(c.low),
                () if c.high is None else list(c.high),
            )
            for c in curves
        )
        chart = Chart(title, x, y, series, log and any((c.y > 0).any() for c in curves))
        return Picture(draw_chart(chart), f"{title}.", spoken=title, clickable=False)

    def _derivative(self, k: int, quantity: Symbol) -> str:
        n = self.printers[k].notation
        return n.derivative_of(n.loss, n.name(quantity.name))

    def _adjoint(self, symbol: Symbol) -> str:
        return f"${self.printers[0].notation.adjoint(symbol)}$"

    def _name(self, name: str) -> str:
        return self.printers[0].notation.name(name)

    def _slope_name(self, k: int, slope: Slope) -> str:
        return self.printers[k].slope_name(slope.function, slope.Z)

    def _list(self, symbols: Any) -> str:
        return self._and(f"${self._derivative(0, symbol)}$" for symbol in symbols)

    def _and(self, items: Any) -> str:
        found = list(items)
        return found[0] if len(found) == 1 else ", ".join(found[:-1]) + f" and {found[-1]}"


def _highest(slope: Slope) -> str:
    """The largest value of a slope where it is a simple fraction; '' otherwise."""
    values = slope_curve(slope, "").y
    top = float(np.max(values))
    simple = Fraction(top).limit_denominator(16)
    return str(simple) if abs(float(simple) - top) < 1e-9 else ""


def _when_small(slope: Slope, z: str) -> str:
    """Where a slope is near 0, in words that end the sentence."""
    values = slope_curve(slope, "").y
    left, right = abs(values[0]) < 0.02, abs(values[-1]) < 0.02
    if left and right:
        return (
            f"is nearly 0 where {z} is far from 0: there the unit is saturated and hardly learns, however wrong it is."
        )
    if left or right:
        return f"is nearly 0 where {z} is far {'below' if left else 'above'} 0: there the unit hardly learns."
    return "does not vanish anywhere."


def _index(at: float) -> int:
    return int(np.argmin(np.abs(GRID - at)))


def _short(number: Any) -> str:
    """A number in three digits."""
    text = f"{float(number):.3g}"
    mantissa, _, exponent = text.partition("e")
    return rf"${mantissa} \cdot 10^{{{int(exponent)}}}$" if exponent else text


as_documents(Comparison, comparison_document)
