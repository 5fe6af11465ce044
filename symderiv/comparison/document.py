"""A comparison in words, formulas and pictures: what differs, by which factor, why, and what that does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from symderiv.comparison.alignment import Row
from symderiv.comparison.comparing import Comparison
from symderiv.comparison.effects import FAR, MEASURES, Curve, slope_curve
from symderiv.comparison.findings import Findings, index_of
from symderiv.comparison.sides import Sides, listed, short
from symderiv.documents.chart_svg import Chart, Series, draw_chart
from symderiv.documents.content import Block, Bullets, Document, Formula, Paragraph, Picture, Section, Table
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
        self.sides = Sides(self.alignment)
        self.findings = Findings(self.comparison, self.sides)
        self.names, self.models = self.sides.names, self.sides.models
        self.printers, self.beside = self.sides.printers, self.sides.beside

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
        return Section("In short", "short", (Bullets(tuple(dict.fromkeys(self.findings.sentences()))),))

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
            rows.append((f"${self.sides.derivative(0, row.quantity)}$", *cells, self._relation(row)))
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
            marked = self.sides.marked(row, k)
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
            return f"the same, from {listed(self.sides.adjoint(s) for s in row.through)}"
        ratios = [self.sides.ratio(row, k) for k in range(1, len(self.names))]
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
                (self.sides.derivative(k, row.quantity), self.sides.marked(row, k), name)
                for k, name in enumerate(self.names)
            ]
            closed = [(a.symbol, a.closed) for a in row.adjoints if a is not None]
            code = "\n".join(
                f"# {name}\n{b.numpy(pair)}" for name, b, pair in zip(self.names, self.beside, closed, strict=True)
            )
            shapes = self.beside[0].shapes(*(part for pair in closed for part in pair))
            blocks: list[Block] = [Formula(tuple(lines), quantities=shapes, numpy=code)]
            for k in range(1, len(self.names)):
                ratio = self.sides.ratio(row, k)
                if ratio:
                    left = rf"\frac{{\text{{{self.names[k]}}}}}{{\text{{{self.names[0]}}}}}"
                    reason = "the ratio, entry by entry" if row.same_values else "the ratio of what is over the braces"
                    blocks.append(Formula(((left, ratio, reason),), result=True))
            reasons = (*self.findings.about_slopes(row), *self.findings.about_summands(row))
            if reasons:
                blocks.append(Bullets(reasons))
            spoken = f"derivative with respect to {row.quantity.name}"
            title = f"${self.sides.derivative(0, row.quantity)}$"
            sections.append(Section(title, f"part-{row.quantity.name}", tuple(blocks), spoken=spoken))
        if not sections:
            return None
        intro = Paragraph("In closed form, with what only some models have over a brace.")
        return Section("Where they part", "parting", (intro,), tuple(sections))

    # What it does

    def saturation(self) -> Section | None:
        """The derivative by the last pre-activation for a sample with the target 1."""
        if self.comparison.saturation is None:
            return None
        Z, curves = self.comparison.saturation
        z, derivative = self.printers[0].latex(Z), self.sides.derivative(0, Z)
        several = " and the other outputs at 0" if "softmax" in repr(self.models[0].equations) else ""
        size = f"size of d{self.models[0].loss.name}/d{Z.name}"
        chart = self._chart(f"Size of the derivative by {Z.name}", Z.name, size, curves, log=True)
        header = (f"${z}$", *(f"${p}$" for p in map(str, SHOWN_AT)))
        rows = [(curve.name, *(short(curve.y[index_of(at)]) for at in SHOWN_AT)) for curve in curves]
        text = (
            f"A sample with the target 1{several}. It is the more wrong, the further ${z}$ lies to the left, and "
            f"${derivative}$ is what reaches the network."
        )
        blocks = (Paragraph(text), chart, Table(header, tuple(rows)))
        return Section("Saturation of the output", "saturation", blocks)

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
            Z, is_positive = own[0][1].Z, all((c.y > 0).all() for c in curves)
            sections.append(self._chart(f"Slope of {name}", Z.name, f"slope of {name}", curves, log=is_positive))
            header = (f"${self.printers[0].latex(Z)}$", *(f"${at}$" for at in map(str, SHOWN_AT)))
            rows = [(f"${self.sides.slope_name(k, slope)}$", *(short(c.y[index_of(at)]) for at in SHOWN_AT))
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
            ratios = [f"{short(each[k][1] / each[0][1])}" if each[0][1] else "" for k in range(1, len(each))]
            cells = [f"{short(middle)} ({short(low)} to {short(high)})" for low, middle, high in each]
            rows.append((f"${self.sides.derivative(0, self.models[0].symbols[name])}$", *cells, *ratios))
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
            f"{self.comparison.races[0].rate:g}, from the same {self.comparison.seeds} sets of initial values. Losses of different "
            "kinds cannot be compared, so what is drawn is the same for all: the mean squared distance of the output from the "
            "target and, of classes, the share that is not found. The line is the median, the band goes from the lowest run to "
            "the highest."
        )
        blocks: list[Block] = [Paragraph(text)]
        rows = []
        for race in self.comparison.races:
            start = "usual initial values" if race.scale == 1 else f"initial values times {race.scale:g}"
            title = f"{race.measure[0].upper()}{race.measure[1:]}, {start}"
            log = race.measure == MEASURES[0]
            if race.curves:
                blocks.append(self._chart(title, "step", race.measure, race.curves, log=log))
            if race.failed:
                blocks.append(Paragraph(f"Not every run of {listed(race.failed)} came through: numbers ran away."))
            rows += [
                (start, race.measure, c.name, short(c.y[0]), short(c.y[-1]),
                 f"{short(c.low[-1])} to {short(c.high[-1])}" if c.low is not None and c.high is not None else "")
                for c in race.curves
            ]  # fmt: skip
        if any(race.scale == FAR for race in self.comparison.races):
            blocks.insert(1, Paragraph(
                "The start with initial values that are too large is a bad one on purpose: units like sigmoid and tanh are "
                "saturated there, and it shows which gradient still gets out."
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


as_documents(Comparison, comparison_document)
