"""A worked example in words and formulas: each step as formula, with the numbers put in, and its result.

Small matrices are written out; of large ones the corners are. Where a number is rounded or given before it is used, the
exact one stands beside it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from symderiv.calculus.derivation import Derivation
from symderiv.calculus.expressions import (
    Augment,
    Broadcast,
    DropFirst,
    Expr,
    Fill,
    Symbol,
    Transpose,
    parts_of,
)
from symderiv.calculus.model import Model
from symderiv.calculus.shapes import SCALAR
from symderiv.documents.beside import IN_NUMBERS, Beside
from symderiv.documents.content import Block, Bullets, Document, Formula, Paragraph, Picture, Section, Table
from symderiv.documents.graph_svg import draw_graph
from symderiv.documents.latex import ATOM, PRODUCT, SUM, Printer, Tex
from symderiv.documents.notation import Notation, notation_of
from symderiv.views.digits import Digits
from symderiv.views.graph import graph_at
from symderiv.views.index import Entry, entry
from symderiv.views.paths import TooManyPaths
from symderiv.views.worked import Line, SingleWeight, Worked, check_worked

LARGEST_SHOWN = 6
"""A matrix with more rows or columns than this shows its corners only."""
CORNER = 3
FILLS = (Symbol, Transpose, Augment, DropFirst, Broadcast, Fill)
"""What is written as one matrix of numbers; everything else is written as work on such matrices."""

Lines = list[tuple[str, str, str]]


def worked_document(
    example: Worked, *, title: str = "", about: str = "", notation: Notation | None = None, primitive: bool = False
) -> Document:
    """A document that holds the worked example alone, compared with complex-step differences first.

    primitive: the sigmoid is taken apart in the computation graph.
    """
    about = about or "A worked example: every step as formula, with the numbers put in, and its result."
    title = title or example.derivation.model.title or "Worked example"
    return Document(title, about, tuple(NumbersAuthor(example, notation, primitive).sections()))


def numbers_section(example: Worked, by_hand: Worked | None = None, beside: Beside | None = None) -> Section:
    """The worked example as a part of a derivation's document; `by_hand`: the same with the roundings of its source.

    beside: links to the other parts of that document.
    """
    author = NumbersAuthor(example, outer=beside)
    sections = list(author.sections())
    if by_hand is not None:
        sections.append(author.comparison(by_hand))
    intro = Paragraph(
        "The same once more at given values: each step as formula, with the numbers put in, and its result."
    )
    return Section("With numbers", "numbers", (intro,), tuple(sections))


def rate_letter(model: Model) -> str:
    """The learning rate in print: the first usual letter that the model does not use."""
    taken = {*model.symbols, *(symbol.name for symbol in model.hypers)}
    return next((rf"\{name}" for name in ("eta", "alpha", "epsilon") if name not in taken), r"\text{rate}")


def number_tex(number: Any, digits: Digits) -> Tex:
    """A number in print; a negative one binds as weakly as a sum."""
    text, _, exponent = digits.text(number).partition("e")
    if exponent:
        text = rf"{text} \cdot 10^{{{exponent}}}"
    if text.startswith("-"):
        return Tex(f"{{{text}}}", SUM, bool(exponent), True)  # the braces make it a sign, not a difference, in MathML
    return Tex(text, PRODUCT if exponent else ATOM, bool(exponent), True)


def matrix_tex(matrix: np.ndarray[Any, Any], digits: Digits) -> Tex:
    """A matrix of numbers written out, the corners of a large one; a single number without brackets."""
    if matrix.size == 1:
        return number_tex(matrix.item(), digits)
    rows, columns = (_shown(count) for count in matrix.shape)
    lines = []
    for i in rows:
        if i is None:
            lines.append(" & ".join(r"\ddots" if j is None else r"\vdots" for j in columns))
        else:
            lines.append(" & ".join(r"\cdots" if j is None else number_tex(matrix[i, j], digits).text for j in columns))
    body = r" \\ ".join(lines)
    # The braces are for MathML: there a bracket grows with all that stands in its group.
    return Tex(rf"{{\begin{{bmatrix}} {body} \end{{bmatrix}}}}")


def _shown(count: int) -> list[int | None]:
    """The places of a row or column that are written, None for the dots between them."""
    return list(range(count)) if count <= LARGEST_SHOWN else [*range(CORNER), None, count - 1]


@dataclass
class NumbersAuthor:
    """Writes the parts of a worked example; `primitive`: the sigmoid is taken apart in the computation graph."""

    example: Worked
    notation: Notation | None = None
    primitive: bool = False
    outer: Beside | None = None

    def __post_init__(self) -> None:
        check_worked(self.example)
        derivation: Derivation = self.example.derivation
        self.model, self.digits = self.example.model, self.example.digits
        self.n = self.notation or notation_of(derivation.model, derivation.options)
        self.p = Printer(self.n)
        self.beside = Beside(derivation, self.p, numbers=True)

    def sections(self) -> Iterator[Section]:
        """Every part, in order."""
        yield self.given()
        yield self.forward()
        yield self.backward()
        singles = list(self.singles())
        if singles:
            yield Section("Single weights", "n-weights", tuple(singles))
        if self.example.updates:
            yield self.updates()
        yield self.graph()

    # With and without numbers

    def formula(self, expr: Expr) -> str:
        """The formula in names."""
        return self.p.latex(expr)

    def substituted(self, expr: Expr) -> str:
        """The formula with numbers in place of its names."""
        known, times, matrix_times = self.example.used, self.p.times, self.p.matrix_times

        def numbers(part: Expr) -> Tex | None:
            if isinstance(part, FILLS) and all(isinstance(inner, FILLS) for inner in parts_of(part)):
                if isinstance(part, Fill) and part.shape == SCALAR:
                    return None
                return matrix_tex(self.example.point.evaluate(part, dict(known)), self.digits)
            return None

        self.p.numbers, self.p.times, self.p.matrix_times = numbers, r" \cdot ", r" \, "
        try:
            return self.p.latex(self.example.settled(expr))
        finally:
            self.p.numbers, self.p.times, self.p.matrix_times = None, times, matrix_times

    def matrix(self, matrix: np.ndarray[Any, Any]) -> str:
        """A matrix of numbers, to the digits of the example."""
        return matrix_tex(matrix, self.digits).text

    def steps(self, left: str, line: Line) -> Formula:
        """A line as formula, substituted, result; the exact number beside one that is not."""
        lines: Lines = [(left, self.formula(line.formula), "")]
        for text, reason in ((self.substituted(line.formula), "numbers put in"), (self.matrix(line.found), "")):
            if text.strip("{}") != lines[-1][1].strip("{}"):
                lines.append(("", text, reason))
        if line.given:
            lines.append((left, self.matrix(line.used), "given: used from here on"))
        shown, exact = self.matrix(line.used), self.matrix(line.exact)
        if self.digits.carried and not line.given and shown != self.matrix(line.found):
            lines.append((left, shown, "rounded"))
        if exact != shown:
            note = f"exactly ${exact}$"
            lines[-1] = (*lines[-1][:2], f"{lines[-1][2]}; {note}" if lines[-1][2] else note)
        shapes, numpy = self.beside.shapes(line.symbol, line.formula), self.beside.numpy((line.symbol, line.formula))
        return Formula(tuple(lines), quantities=shapes, numpy=numpy)

    # The parts

    def given(self) -> Section:
        """The values, and how numbers are carried."""
        lines: Lines = [(self.formula(s), self.matrix(self.example.used[s]), s.role) for s in self.model.inputs]
        values = self.example.values
        for symbol in self.model.hypers:
            if symbol in self.example.constants:
                number = self.example.point.hypers[symbol.name]
                lines.append((self.n.name(symbol.name), number_tex(number, self.digits).text, "hyper-parameter"))
        if self.example.rate is not None:
            lines.append((rate_letter(self.model), self.rate(), "learning rate"))
        items = []
        if self.digits.carried:
            items.append(
                f"Every named result is rounded to {self.digits.words} before it is used further, as by hand; where that "
                "changes what is printed, the exact number stands beside it."
            )
            items.append(
                "The chain of a single weight is multiplied out before it is rounded, so its last digit can differ from that "
                "of the matrix form, which is rounded at every step."
            )
        elif values.overrides:
            items.append(f"Numbers are carried exactly and printed to {self.digits.words}, save for what is given:")
        else:
            items.append(f"Numbers are carried exactly and printed to {self.digits.words}.")
        for name in values.overrides:
            items.append(
                f"${self.n.name(name)}$ is given: from there on the given value is used in place of the computed one."
            )
        items += self._ones()
        items.append(
            "The exact gradients at these values were compared with complex-step differences of the forward pass before "
            "this was written."
        )
        return Section("Given", "n-given", (Formula(tuple(lines)), Bullets(tuple(items)), *self.with_ones()))

    def with_ones(self) -> Iterator[Block]:
        """The equations with a 1 put first, entry by entry: they show which index counts from 0."""
        lines = []
        for equation in self.model.equations:
            if any(isinstance(part, Augment) for part in parts_of(equation.value)):
                row = self.p.letters.index(equation.symbol.shape[0])
                column = self.p.letters.index(equation.symbol.shape[1], (row,))
                left = self.p.index_tex(Entry(equation.symbol, row, column)).text
                lines.append((left, self.p.index_tex(entry(equation.value, row, column, self.p.letters)).text, ""))
        if lines:
            yield Formula(tuple(lines))

    def _ones(self) -> list[str]:
        """What putting a 1 first and leaving it out again look like, where the network has that."""
        adjoints = [adjoint.named for adjoint in self.example.derivation]
        values = [equation.value for equation in self.model.equations]
        found = [part for value in values for part in parts_of(value) if isinstance(part, Augment)]
        cut = [part for value in adjoints for part in parts_of(value) if isinstance(part, DropFirst)]
        items = []
        if found:
            items.append(
                f"${self.p.latex(found[0])}$ is ${self.p.latex(found[0].args[0])}$ with a 1 put first; the weights that meet the 1 "
                "are the bias, and their index is 0."
            )
        if cut:
            along = "row" if cut[0].axis == 0 else "column"
            items.append(f"${self.p.latex(cut[0])}$ leaves out the first {along}, which belongs to that 1.")
        return items

    def rate(self) -> str:
        """The learning rate as a number."""
        return number_tex(self.example.rate_number, self.digits).text

    def forward(self) -> Section:
        """The forward pass."""
        blocks = tuple(self.steps(self.formula(line.symbol), line) for line in self.example.forward)
        return Section("Forward pass in numbers", "n-forward", blocks)

    def backward(self) -> Section:
        """The gradients, from the loss backwards, each in terms of those before it."""
        intro = Paragraph("From the loss backwards, each derivative by means of the ones before it:")
        blocks = []
        for _, line in self.example.backward:
            also = self.outer.also(line.symbol, IN_NUMBERS) if self.outer else ()
            steps = self.steps(self.n.adjoint(line.symbol), line)
            blocks.append(replace(steps, key=f"n-{line.symbol.name}", also=also))
        return Section("Gradients in numbers", "n-backward", (intro, *blocks))

    def singles(self) -> Iterator[Block]:
        """The chosen weights, each factor on each of their paths with its number."""
        for text in self.example.weights or self._typical():
            try:
                yield from self.single(self.example.single(text))
            except TooManyPaths as error:
                if self.example.weights:
                    raise
                yield Paragraph(f"A single weight is left out: {error.message}.")

    def _typical(self) -> Iterator[str]:
        """One weight of each of the first parameters: off the diagonal where there is such a one."""
        for symbol in self.model.parameters[:4]:
            shape = self.example.point.shape(symbol.shape)
            if shape != (1, 1):
                row = min(1, shape[0] - 1)
                yield self._named(symbol, (row, 0 if row else min(1, shape[1] - 1)))

    def _named(self, symbol: Symbol, position: tuple[int, int]) -> str:
        places = [
            str(k + (0 if size.name and size.offset else 1))
            for size, k in zip(symbol.shape, position, strict=True)
            if size != SCALAR[0]
        ]
        return f"{symbol.name}[{','.join(places)}]" if places else symbol.name

    def single(self, single: SingleWeight) -> Iterator[Block]:
        """One weight: its chains with a number under every factor, their sum, and its update."""
        name = self.p.index_tex(single.weight).text
        left = self.n.derivative_of(self.n.loss, name)
        total = number_tex(single.total, self.digits).text
        if not single.chains:
            yield Paragraph(f"${name}$ reaches the loss in too many ways to write them out; ${left} = {total}$.")
            return
        lines: Lines = []
        several = len(single.chains) > 1
        for k, chain in enumerate(single.chains, 1):
            start = f"c_{{{k}}}" if several else left
            factors = [
                (self.fraction(f), self.p.index_tex(f.value).within(PRODUCT), number_tex(x, self.digits))
                for f, x in chain.factors
            ]
            lines.append((start, r" \; ".join(fraction for fraction, _, _ in factors), ""))
            under = [rf"\underbrace{{{form}}}_{{{x.text}}}" for _, form, x in factors]
            lines.append(("", r" \cdot ".join(under), "" if several else "its number under every factor"))
            number = number_tex(chain.product, self.digits).text
            lines.append(("", number if several else total, ""))
        if several:
            added = " + ".join(f"c_{{{k}}}" for k in range(1, len(single.chains) + 1))
            numbers = [number_tex(chain.product, self.digits) for chain in single.chains]
            put = " + ".join(x.text if not k else x.within(PRODUCT) for k, x in enumerate(numbers))
            lines += [(left, added, ""), ("", put, "numbers put in"), ("", total, "")]
        yield Paragraph(f"The weight ${name}$" + (f", {len(single.chains)} ways to the loss:" if several else ":"))
        steps = [tuple(self.fraction(f) for f, _ in chain.factors) for chain in single.chains]
        if len(set(steps)) < len(steps):
            yield Paragraph(
                "Where a quantity occurs several times in one equation, each occurrence is a way of its own, and a factor "
                "here is the part of the derivative that comes through it; together they are the derivative."
            )
        yield Formula(tuple(lines))
        yield from self._single_update(single, name)

    def fraction(self, factor: Any) -> str:
        """One local derivative on a path: of its upper entry by its lower one."""
        return self.n.derivative_of(self.p.index_tex(factor.top).text, self.p.index_tex(factor.bottom).text)

    def _single_update(self, single: SingleWeight, name: str) -> Iterator[Block]:
        if single.updated is not None:
            before = number_tex(single.before, self.digits).text
            slope = number_tex(single.total, self.digits).within(PRODUCT)
            after = number_tex(single.updated, self.digits).text
            yield Formula(
                ((name, rf"{before} - {self.rate()} \cdot {slope}", ""), ("", after, "")), relation=r"\leftarrow"
            )

    def updates(self) -> Section:
        """The step of gradient descent."""
        rate = rate_letter(self.model)
        text = Paragraph("All gradients were taken at the old values; now all parameters change together:")
        blocks: list[Block] = [text]
        for update in self.example.updates:
            name = self.formula(update.symbol)
            slope = matrix_tex(self.example.used[update.adjoint], self.digits).within(PRODUCT)
            exact = self.matrix(update.exact)
            lines = (
                (name, rf"{name} - {rate}{self.p.times}{self.n.adjoint(update.adjoint)}", ""),
                ("", rf"{self.matrix(update.before)} - {self.rate()} \cdot {slope}", "numbers put in"),
                ("", self.matrix(update.after), f"exactly ${exact}$" if exact != self.matrix(update.after) else ""),
            )
            blocks.append(Formula(lines, relation=r"\leftarrow"))
        return Section("The update in numbers", "n-updates", tuple(blocks))

    def graph(self) -> Section:
        """The computation graph with its numbers."""
        graph = graph_at(self.example, primitive=self.primitive)
        if graph is None:
            text = "The computation graph is left out: it has too many operations to be read."
            return Section("Computation graph", "n-graph", (Paragraph(text),))
        caption = (
            "Above each line the value that goes forward along it, below it the derivative of the loss that comes back."
        )
        if any(node.symbol.shape != SCALAR for node in graph.nodes):
            caption += " Matrices are written to four digits, large ones by their shape."
        svg = draw_graph(graph, self.digits)
        return Section("Computation graph", "n-graph", (Picture(svg, caption, "computation graph", clickable=False),))

    def comparison(self, by_hand: Worked) -> Section:
        """The numbers that come out with the roundings of the source, beside the exact ones."""
        check_worked(by_hand)
        rows = []
        for line in by_hand.forward:
            what = "given" if line.given else ""
            rows.append(self._compared(self.formula(line.symbol), line.exact, line.used, what))
        for text in by_hand.weights:
            single, exact = by_hand.single(text), self.example.single(text)
            name = self.p.index_tex(single.weight).text
            slope = self.n.derivative_of(self.n.loss, name)
            rows.append(self._compared(slope, exact.total, single.total, ""))
            if single.updated is not None:
                step = rf"{name} - {self.rate()} \cdot {slope}"
                rows.append(self._compared(step, exact.updated, single.updated, "updated"))
        lead = Paragraph(
            f"The source rounds as it goes. With what it wrote down in place of the computed values, and every other result "
            f"rounded to {by_hand.digits.words}, its own numbers come out:"
        )
        return Section(
            "With the roundings of the source", "n-by-hand", (lead, Table(("", "exact", "rounded", ""), tuple(rows)))
        )

    def _compared(self, name: str, exact: Any, used: Any, what: str) -> tuple[str, str, str, str]:
        texts = [
            matrix_tex(x, self.digits).text if isinstance(x, np.ndarray) else number_tex(x, self.digits).text
            for x in (exact, used)
        ]
        return f"${name}$", f"${texts[0]}$", f"${texts[1]}$", what
