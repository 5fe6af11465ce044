"""The questions of a worksheet, in the order in which one computes: shapes, forwards, backwards, the step.

A single weight is followed along its path where there is one path: its chain, every factor, the product, the new weight.
Where there are many, the derivatives are asked for as matrices.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from symderiv.calculus.expressions import Map, Softmax, Symbol
from symderiv.calculus.functions import sigmoid
from symderiv.calculus.shapes import SCALAR
from symderiv.compute.layouts import sample_size
from symderiv.compute.source import output_of
from symderiv.documents.numbers import NumbersAuthor, matrix_tex, number_tex, rate_letter
from symderiv.mistakes.codes import title_of
from symderiv.oracles.evaluation import Array
from symderiv.views.worked import Line, SingleWeight, Worked
from symderiv.worksheets.choices import WrongAnswers, chosen

LETTERS = "abcdefgh"
Lines = tuple[tuple[str, str, str], ...]


@dataclass(frozen=True)
class Choice:
    """One of several answers: what is printed, whether it is right, else the mistakes that give it and what was done."""

    tex: str
    value: Array
    codes: tuple[str, ...] = ()
    words: str = ""

    @property
    def is_right(self) -> bool:
        return not self.codes

    @property
    def title(self) -> str:
        """What the mistake is called."""
        return title_of(self.codes[0]) if self.codes else ""


@dataclass(frozen=True)
class Question:
    """One question. key: a stable name; text: what is asked; left: the LaTeX of what is asked for; lines: the answer worked out.

    value: the answer as numbers, None for a formula; whole: the whole numbers that answer it, of a shape or a class; relation:
    the sign between the sides of the lines; said: an answer in words; choices: the answers to choose from, in the order of print.
    """

    key: str
    part: str
    text: str
    left: str = ""
    lines: Lines = ()
    value: Array | None = None
    relation: str = "="
    said: str = ""
    choices: tuple[Choice, ...] = ()
    whole: tuple[int, ...] = ()


class Numeric:
    """The questions of a network at numbers."""

    def __init__(self, example: Worked, choices: int, seed: int) -> None:
        self.example, self.count = example, choices
        self.author = NumbersAuthor(example)
        self.p, self.n, self.model = self.author.p, self.author.n, example.model
        self.rng = np.random.default_rng([seed, 12])
        self.wrong = WrongAnswers(example) if choices else None

    def questions(self) -> Iterator[Question]:
        """Every question, in order."""
        yield Question("draw", "forward", "Draw the network: a circle for each number, an arrow for each weight.")
        yield from self.shapes()
        yield from self.forward()
        singles = [self.example.single(text) for text in self.example.weights]
        if singles:
            asked: set[str] = set()
            for single in singles:
                for question in self.path(single):
                    if question.key not in asked:  # the paths of two weights share their end
                        asked.add(question.key)
                        yield question
            for single in singles:
                yield from self.step_of(single)
        else:
            yield from self.backward()
            yield from self.steps()

    def shapes(self) -> Iterator[Question]:
        """What shape each parameter has."""
        for symbol in self.model.parameters:
            if symbol.shape != SCALAR:
                rows, columns = self.example.point.shape(symbol.shape)
                name = self.author.formula(symbol)
                what = "weight matrix" if min(rows, columns) > 1 else "parameter"
                yield Question(
                    f"shape-{symbol.name}", "forward", f"What is the shape of the {what} ${name}$?", name,
                    ((name, rf"\mathbb{{R}}^{{{rows} \times {columns}}}", ""),), relation=r"\in", whole=(rows, columns),
                )  # fmt: skip

    def forward(self) -> Iterator[Question]:
        """Every value, from the inputs to the loss."""
        output = output_of(self.model)
        for line in self.example.forward:
            name = self.author.formula(line.symbol)
            yield self._value(line, f"v-{line.symbol.name}", "forward", self._asked(line, name, output), name)
            if line.symbol is output and (found := self._class(line)):
                yield found

    def _asked(self, line: Line, name: str, output: Symbol | None) -> str:
        formula = self.author.formula(line.formula)
        if line.symbol is self.model.loss.symbol:
            return f"What is the loss ${name} = {formula}$ here?"
        if line.symbol is output:
            return f"What is the output ${name} = {formula}$ of the network?"
        if isinstance(line.formula, (Map, Softmax)):
            return f"What are the outputs ${name} = {formula}$ of this layer?"
        return f"What goes into the next layer, ${name} = {formula}$?"

    def _class(self, line: Line) -> Question | None:
        """Which class the network decides for."""
        values = line.exact.astype(float)
        samples = sample_size(self.model)
        if isinstance(line.formula, Softmax):
            classes = values.argmax(axis=line.formula.axis) + 1
            words = "the first class, the second, ..., by the largest output"
        elif isinstance(line.formula, Map) and line.formula.function.has(sigmoid) and values.size <= 6:
            classes, words = (values > 0.5).astype(int).ravel(), "0 or 1"
        else:
            return None
        several = "each sample" if samples is not None else "the sample"
        said = "class " + ", ".join(map(str, np.atleast_1d(classes)))
        text = f"Which class does the network decide for ({words}), for {several}?"
        return Question("class", "forward", text, said=said, whole=tuple(map(int, np.atleast_1d(classes))))

    def _value(self, line: Line, key: str, part: str, text: str, left: str) -> Question:
        lines = self.author.steps(left, line).lines
        return Question(key, part, text, left, lines, line.exact.astype(float))

    def backward(self) -> Iterator[Question]:
        """Every derivative as a matrix, from the loss backwards."""
        for adjoint, line in self.example.backward:
            left = self.n.adjoint(line.symbol)
            question = self._value(line, f"d-{line.symbol.name}", "backward", f"What is ${left}$?", left)
            if adjoint.quantity.role == "parameter" and not adjoint.term:
                question = self._with_choices(question, adjoint.quantity.name, None)
            yield question

    def path(self, single: SingleWeight) -> Iterator[Question]:
        """One weight: its chain, the factors that are new, and their product."""
        (chain,) = single.chains
        name = self.p.index_tex(single.weight).text
        left = self.n.derivative_of(self.n.loss, name)
        fractions = [self.author.fraction(factor) for factor, _ in chain.factors]
        arrows = r" \rightarrow ".join(dict.fromkeys(self._entry_names(single)))
        lines: Lines = ((left, r" \; ".join(fractions), ""),)
        yield Question(
            f"chain-{name}", "backward",
            f"${name}$ acts on the loss along ${arrows}$. Write ${left}$ as a product of derivatives along this path.", left, lines,
        )  # fmt: skip
        for (factor, number), fraction in zip(chain.factors, fractions, strict=True):
            value, shown = self.p.index_tex(factor.value).text, number_tex(number, self.author.digits).text
            lines = ((fraction, value, ""), ("", shown, "")) if value != shown else ((fraction, value, ""),)
            yield Question(
                f"factor-{fraction}", "backward", f"What is ${fraction}$?", fraction, lines, np.array([[float(number)]])
            )
        numbers = [number_tex(x, self.author.digits) for _, x in chain.factors]
        put = r" \cdot ".join(x.text if not k else x.within(1) for k, x in enumerate(numbers))
        total = number_tex(single.total, self.author.digits).text
        question = Question(
            f"d-{name}", "backward", f"What is ${left}$?", left, ((left, put, ""), ("", total, "")), np.array([[float(single.total)]])
        )  # fmt: skip
        assert isinstance(single.weight.matrix, Symbol)
        yield self._with_choices(question, single.weight.matrix.name, single.position)

    def _entry_names(self, single: SingleWeight) -> Iterator[str]:
        (chain,) = single.chains
        yield self.p.index_tex(single.weight).text
        for factor, _ in reversed(chain.factors):
            yield self.p.index_tex(factor.top).text

    def step_of(self, single: SingleWeight) -> Iterator[Question]:
        """The new value of one weight."""
        if single.updated is None:
            return
        name = self.p.index_tex(single.weight).text
        rate, digits = rate_letter(self.model), self.author.digits
        slope = number_tex(single.total, digits).within(2)
        before, after = (number_tex(x, digits).text for x in (single.before, single.updated))
        lines = ((name, rf"{before} - {self.author.rate()} \cdot {slope}", ""), ("", after, ""))
        text = (
            f"What is ${name}$ after a step of gradient descent with the learning rate ${rate} = {self.author.rate()}$?"
        )
        yield Question(f"step-{name}", "step", text, name, lines, np.array([[float(single.updated)]]), r"\leftarrow")

    def steps(self) -> Iterator[Question]:
        """The new value of every parameter."""
        rate = rate_letter(self.model)
        for update in self.example.updates:
            name = self.author.formula(update.symbol)
            slope = matrix_tex(self.example.used[update.adjoint], self.author.digits).within(2)
            before, after = self.author.matrix(update.before), self.author.matrix(update.after)
            lines = ((name, rf"{before} - {self.author.rate()} \cdot {slope}", ""), ("", after, ""))
            text = f"What is ${name}$ after a step of gradient descent with the learning rate ${rate} = {self.author.rate()}$?"
            yield Question(
                f"step-{update.symbol.name}", "step", text, name, lines, update.exact.astype(float), r"\leftarrow"
            )

    def _with_choices(self, question: Question, name: str, position: tuple[int, int] | None) -> Question:
        """The same question with answers to choose from, in a drawn order."""
        if self.wrong is None or question.value is None:
            return question
        wrong = tuple(chosen(self.wrong.of(name, question.value, position), self.count, self.rng))
        if not wrong:
            return question
        offered = [Choice(self._tex(question.value), question.value)]
        offered += [Choice(self._tex(w.value), w.value, w.codes, w.words) for w in wrong]
        order = self.rng.permutation(len(offered))
        return replace(question, choices=tuple(offered[k] for k in order))

    def _tex(self, value: Array) -> str:
        return matrix_tex(value.astype(object), self.author.digits).text
