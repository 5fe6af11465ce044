"""A worksheet and its key as documents: the same questions, once with room for the answers, once with the answers.

The key is written so that `symderiv check` reads it: given values and equations first, then every answer as an equation.
"""

from __future__ import annotations

from collections.abc import Iterator

from symderiv.calculus.expressions import Symbol
from symderiv.calculus.model import Model
from symderiv.calculus.shapes import SCALAR
from symderiv.compute.layouts import sample_size
from symderiv.documents.content import Block, Bullets, Document, Formula, Paragraph, Picture, Section, Table
from symderiv.documents.latex import Printer
from symderiv.documents.notation import notation_of
from symderiv.documents.numbers import NumbersAuthor, number_tex, rate_letter
from symderiv.documents.svg import draw
from symderiv.documents.writers import as_documents
from symderiv.views.picture import graph_of
from symderiv.worksheets.questions import Question
from symderiv.worksheets.worksheet import Worksheet

LETTERS = "abcdefgh"
PARTS = {"forward": "Forwards", "backward": "Backwards", "step": "The step"}
ROOM = r"\ldots\ldots\ldots\ldots\ldots"


def worksheet_document(sheet: Worksheet, *, key: bool = False, title: str = "", about: str = "") -> Document:
    """The sheet as a document; key: with the answers."""
    title = title or sheet.derivation.model.title or "Worksheet"
    title += ": key" if key else ""
    about = about or (f"For {printable(sheet.student)}." if sheet.student else "")
    sections: list[Section] = [_symbolic_given(sheet) if sheet.kind == "symbolic" else _given(sheet)]
    number = 1
    for part, heading in PARTS.items():
        own = [q for q in sheet.questions if q.part == part]
        if own:
            blocks = [
                block for k, q in enumerate(own, number) for block in (*_question(q, k, key), *_drawn(q, sheet, key))
            ]
            sections.append(Section(heading, part, tuple(blocks)))
            number += len(own)
    return Document(title, about, tuple(sections))


def printable(name: str) -> str:
    """A student's name as running text: letters, digits and a few signs."""
    return " ".join("".join(c if c.isalnum() or c in " .,'-" else " " for c in name).split())[:80]


def _given(sheet: Worksheet) -> Section:
    """The network, its numbers, and how to round."""
    author = NumbersAuthor(sheet.example)
    model, p = author.model, author.p
    blocks: list[Block] = [*_terms(model, p), Paragraph("The network:")]
    lines = [(p.latex(e.symbol), p.latex(e.value), "") for e in model.equations]
    blocks.append(Formula(tuple(lines)))
    ones = list(author.with_ones())
    if ones:
        blocks += [Paragraph("Entry by entry, the index of what meets the 1 put first is 0:"), *ones]
    blocks.append(Paragraph("Its numbers:"))
    numbers = [(p.latex(s), author.matrix(sheet.example.used[s]), "") for s in model.inputs]
    numbers += [
        (author.n.name(s.name), number_tex(sheet.example.point.hypers[s.name], author.digits).text, "")
        for s in model.hypers
    ]
    numbers.append((rate_letter(model), author.rate(), ""))
    blocks.append(Formula(tuple(numbers)))
    rounding = f"Give every answer to {sheet.decimals} decimals."
    if sheet.drawn.carried == sheet.decimals:
        rounding += " The numbers are such that you may round every intermediate result to them as well."
    else:
        rounding += f" Carry {sheet.drawn.carried} decimals on the way."
    blocks.append(Paragraph(rounding))
    return Section("Given", "given", tuple(blocks))


def _symbolic_given(sheet: Worksheet) -> Section:
    """The network, with shapes."""
    model = sheet.derivation.model
    p = Printer(notation_of(model, sheet.derivation.options))
    lines = [
        (p.latex(e.symbol), p.latex(e.value), "" if e.symbol.shape == SCALAR else f"${p.shape(e.symbol.shape)}$")
        for e in model.equations
        if e.name in model.relevant
    ]
    rows = [(f"${p.latex(s)}$", s.role, f"${p.shape(s.shape)}$") for s in model.inputs if isinstance(s, Symbol)]
    blocks: list[Block] = list(_terms(model, p))
    blocks += [Paragraph("The network, with the shape of each value:"), Formula(tuple(lines))]
    return Section("Given", "given", (*blocks, Table(("name", "role", "shape"), tuple(rows))))


def _terms(model: Model, p: Printer) -> Iterator[Block]:
    """What the terms of the loss are called, where it has several."""
    if len(model.terms) > 1:
        terms = " + ".join(p.notation.term(term.name) for term in model.terms)
        yield Paragraph(f"The loss has several terms, ${p.notation.loss} = {terms}$, each with derivatives of its own.")


def _question(question: Question, number: int, key: bool) -> Iterator[Block]:
    """One question: with its answer in the key, with room for it or its choices on the sheet."""
    yield Paragraph(f"*{number}.* {question.text}")
    if question.choices:
        yield Bullets(tuple(_choices(question, key)), plain=True)
    if key and question.lines:
        yield Formula(question.lines, relation=question.relation)
    if key and question.said:
        yield Paragraph(f"Answer: {question.said}.")
    if not key and not question.choices and question.key != "draw":
        left = f"{question.left} {question.relation} " if question.left else ""
        yield Paragraph(f"${left}{ROOM}$")


def _drawn(question: Question, sheet: Worksheet, key: bool) -> Iterator[Block]:
    """The picture of the network, which is the answer to the first question."""
    if key and question.key == "draw":
        model, sizes = sheet.derivation.model, dict(sheet.example.values.sizes)
        samples = sample_size(model)
        graph = graph_of(model, {**sizes, **({samples.name: 1} if samples else {})})
        if graph is not None:
            notation = notation_of(model, sheet.derivation.options)
            yield Picture(
                draw(graph, notation, "The network", clickable=False),
                "The network for one sample.",
                "network",
                clickable=False,
            )


def _choices(question: Question, key: bool) -> Iterator[str]:
    """The answers to choose from; in the key with what is wrong about each."""
    for letter, choice in zip(LETTERS, question.choices, strict=False):
        told = ""
        if key:
            told = ": right" if choice.is_right else f": {choice.title} ({choice.codes[0]})"
        yield f"({letter}) ${choice.tex}${told}"


as_documents(Worksheet, worksheet_document)
