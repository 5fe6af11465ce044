r"""Worksheets as Moodle XML: numerical, cloze and multiple-choice questions, or STACK questions with the mistakes in their feedback.

Every question holds the network and its numbers, so that it can be used by itself. Mathematics stands between \( and \), as
MathJax reads it. A wrong number that a known mistake gives is an answer of its own, worth nothing, whose feedback names the mistake.

Source: the format as Moodle and its STACK plugin export it (quiz > question > name, questiontext, ..., input, prt > node).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from html import escape
from xml.etree import ElementTree as ET

import numpy as np

from symderiv.calculus.formats import writer
from symderiv.documents.content import Block, Bullets, Formula, Paragraph, Table, aligned, pieces
from symderiv.mistakes.codes import BY_CODE
from symderiv.oracles.evaluation import Array
from symderiv.worksheets.document import printable, worksheet_document
from symderiv.worksheets.questions import Choice, Question
from symderiv.worksheets.worksheet import Worksheet

MOST_NODES = 8
STACK_VERSION = "2024032401"
RIGHT, WRONG = "<p>Correct.</p>", "<p>This is not correct.</p>"


def moodle_xml(sheets: Iterable[Worksheet], title: str, *, stack: bool = False) -> str:
    """A quiz file with the questions of some worksheets, a category a sheet; `stack`: as STACK questions."""
    quiz = ET.Element("quiz")
    for sheet in sheets:
        name = f"{title}/{printable(sheet.student) or f'seed {sheet.seed}'}"
        category = ET.SubElement(quiz, "question", type="category")
        ET.SubElement(ET.SubElement(category, "category"), "text").text = f"$course$/{name}"
        given = "".join(_html(block) for block in worksheet_document(sheet).sections[0].blocks)
        for number, question in enumerate(sheet.questions, 1):
            found = _stack(question, sheet) if stack else _core(question, sheet)
            if found is not None:
                _add(quiz, found, f"{number:02d} {_plain(question)}", given, question)
    ET.indent(quiz)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(quiz, encoding="unicode") + "\n"


@writer(Worksheet, "moodle")
def worksheet_moodle(sheet: Worksheet) -> str:
    """The questions of one worksheet as Moodle XML."""
    return moodle_xml([sheet], sheet.derivation.model.title or "Worksheet")


@writer(Worksheet, "stack")
def worksheet_stack(sheet: Worksheet) -> str:
    """The questions of one worksheet as STACK questions."""
    return moodle_xml([sheet], sheet.derivation.model.title or "Worksheet", stack=True)


# What every question has


def _add(quiz: ET.Element, question: ET.Element, name: str, given: str, asked: Question) -> None:
    """Put the name, the text and the worked answer before what tells the kind of question."""
    head: list[ET.Element] = []
    for tag, text in (
        ("name", name),
        ("questiontext", given + f"<p>{_inline(asked.text)}</p>"),
        ("generalfeedback", _answer(asked)),
    ):
        element = ET.Element(tag) if tag == "name" else ET.Element(tag, format="html")
        extra = question.find("questiontext-tail") if tag == "questiontext" else None
        ET.SubElement(element, "text").text = text + ((extra.text or "") if extra is not None else "")
        if extra is not None:
            question.remove(extra)
        head.append(element)
    for tag, text in (("defaultgrade", "1"), ("penalty", "0.3333333"), ("hidden", "0"), ("idnumber", "")):
        element = ET.Element(tag)
        element.text = text
        head.append(element)
    question[:] = [*head, *question]
    quiz.append(question)


NAMES = {
    "shape": "shape of", "v": "value of", "chain": "chain of", "factor": "factor", "d": "derivative by", "step": "after the step:",
    "class": "class",
}  # fmt: skip


def _plain(question: Question) -> str:
    """A short name without mathematics: what is asked, and of what."""
    kind, _, what = question.key.partition("-")
    letters = "".join(c if c.isalnum() else " " for c in what.replace("_bar", "").replace("\\frac", ""))
    return " ".join([NAMES.get(kind, kind), *letters.split()])[:60]


def _answer(question: Question) -> str:
    lines = _html(Formula(question.lines, relation=question.relation)) if question.lines else ""
    return lines + (f"<p>{escape(question.said)}</p>" if question.said else "")


def _html(block: Block) -> str:
    match block:
        case Paragraph(text):
            return f"<p>{_inline(text)}</p>"
        case Formula():
            body = "\n".join(aligned(block))
            return rf"<p>\[\begin{{aligned}} {escape(body, quote=False)} \end{{aligned}}\]</p>"
        case Bullets(items):
            return "<ul>" + "".join(f"<li>{_inline(item)}</li>" for item in items) + "</ul>"
        case Table(header, rows):
            head = "".join(f"<th>{_inline(cell)}</th>" for cell in header)
            body = "".join("<tr>" + "".join(f"<td>{_inline(cell)}</td>" for cell in row) + "</tr>" for row in rows)
            return f"<table><tr>{head}</tr>{body}</table>"
    return ""


def _inline(text: str) -> str:
    out = []
    for kind, content in pieces(text):
        inner = escape(content, quote=False)
        out.append(rf"\({inner}\)" if kind == "math" else f"<em>{inner}</em>" if kind == "emphasis" else inner)
    return "".join(out)


def _wrong(question: Question) -> Iterator[Choice]:
    return (choice for choice in question.choices if not choice.is_right)


def _feedback(choice: Choice) -> str:
    mistake = BY_CODE[choice.codes[0]]
    return f"<p>{escape(mistake.title[0].upper() + mistake.title[1:])}. {escape(mistake.advice)}</p>"


def _digits(value: float, decimals: int) -> str:
    return f"{value:.{decimals}f}"


# The kinds of Moodle itself


def _core(question: Question, sheet: Worksheet) -> ET.Element | None:
    """A question of Moodle's own kinds; None for one that only a person can mark."""
    if question.whole:
        return _cloze([list(question.whole)], "0", lambda number: str(int(number)))
    if question.value is None or not question.value.size:
        return _multichoice(question) if question.choices else None
    tolerance = 0.6 * 10.0**-sheet.decimals
    if question.value.size == 1:
        found = ET.Element("question", type="numerical")
        answers = [(100, question.value, RIGHT), *((0, c.value, _feedback(c)) for c in _wrong(question))]
        for fraction, value, feedback in answers:
            answer = ET.SubElement(found, "answer", fraction=str(fraction), format="moodle_auto_format")
            ET.SubElement(answer, "text").text = _digits(float(value.item()), sheet.decimals)
            ET.SubElement(ET.SubElement(answer, "feedback", format="html"), "text").text = feedback
            ET.SubElement(answer, "tolerance").text = f"{tolerance:.{sheet.decimals + 1}f}"
        return found
    if question.choices:
        return _multichoice(question)
    return _cloze(
        question.value.tolist(), f"{tolerance:.{sheet.decimals + 1}f}", lambda number: _digits(number, sheet.decimals)
    )


def _cloze(rows: list[list[float]], tolerance: str, printed: Callable[[float], str]) -> ET.Element:
    """A table of fields, one for each number."""
    found = ET.Element("question", type="cloze")
    cells = ["".join(f"<td>{{1:NUMERICAL:={printed(x)}:{tolerance}}}</td>" for x in row) for row in rows]
    ET.SubElement(found, "questiontext-tail").text = (
        "<table>" + "".join(f"<tr>{row}</tr>" for row in cells) + "</table>"
    )
    return found


def _multichoice(question: Question) -> ET.Element:
    found = ET.Element("question", type="multichoice")
    for tag, text in (("single", "true"), ("shuffleanswers", "true"), ("answernumbering", "abc")):
        ET.SubElement(found, tag).text = text
    for choice in question.choices:
        answer = ET.SubElement(found, "answer", fraction="100" if choice.is_right else "0", format="html")
        ET.SubElement(answer, "text").text = rf"<p>\({escape(choice.tex, quote=False)}\)</p>"
        feedback = RIGHT if choice.is_right else _feedback(choice)
        ET.SubElement(ET.SubElement(answer, "feedback", format="html"), "text").text = feedback
    return found


# STACK


def _stack(question: Question, sheet: Worksheet) -> ET.Element | None:
    """A STACK question for a number or a matrix: right within rounding, else each known mistake is tried in turn."""
    if question.value is None or not question.value.size:
        return None
    found = ET.Element("question", type="stack")
    ET.SubElement(found, "questiontext-tail").text = "<p>[[input:ans1]] [[validation:ans1]]</p>"
    _texts(found, "stackversion", STACK_VERSION)
    wrong = list(_wrong(question))[:MOST_NODES]
    variables = [f"ta: {_maxima(question.value, sheet.decimals)};"]
    variables += [f"w{k}: {_maxima(choice.value, sheet.decimals)};" for k, choice in enumerate(wrong, 1)]
    _texts(found, "questionvariables", "\n".join(variables))
    _texts(found, "specificfeedback", "[[feedback:prt1]]", "html")
    _texts(found, "questionnote", "")
    for tag, text in (("questionsimplify", "1"), ("assumepositive", "0"), ("assumereal", "1")):
        ET.SubElement(found, tag).text = text
    for tag, text in (
        ("prtcorrect", RIGHT),
        ("prtpartiallycorrect", "<p>Partly correct.</p>"),
        ("prtincorrect", WRONG),
    ):
        _texts(found, tag, text, "html")
    settings = (
        ("multiplicationsign", "dot"), ("sqrtsign", "1"), ("complexno", "i"), ("inversetrig", "cos-1"), ("logicsymbol", "lang"),
        ("matrixparens", "["), ("variantsselectionseed", ""),
    )  # fmt: skip
    for tag, text in settings:
        ET.SubElement(found, tag).text = text
    found.append(_input("numerical" if question.value.size == 1 else "matrix"))
    found.append(_tree(question, wrong, sheet))
    return found


def _texts(parent: ET.Element, tag: str, text: str, format: str = "") -> None:
    element = ET.SubElement(parent, tag, format=format) if format else ET.SubElement(parent, tag)
    ET.SubElement(element, "text").text = text


def _maxima(value: Array, decimals: int) -> str:
    """A number, or a matrix, for Maxima."""
    if value.size == 1:
        return _digits(float(value.item()), decimals)
    return f"matrix({', '.join('[' + ', '.join(_digits(x, decimals) for x in row) + ']' for row in value.tolist())})"


def _input(kind: str) -> ET.Element:
    found = ET.Element("input")
    settings = {
        "name": "ans1", "type": kind, "tans": "ta", "boxsize": "15", "strictsyntax": "1", "insertstars": "0", "syntaxhint": "",
        "syntaxattribute": "0", "forbidwords": "", "allowwords": "", "forbidfloat": "0", "requirelowestterms": "0",
        "checkanswertype": "0", "mustverify": "1", "showvalidation": "1", "options": "",
    }  # fmt: skip
    for tag, text in settings.items():
        ET.SubElement(found, tag).text = text
    return found


def _tree(question: Question, wrong: list[Choice], sheet: Worksheet) -> ET.Element:
    """The tree of tests: the largest distance from the answer is within rounding, or from one of the wrong ones."""
    found = ET.Element("prt")
    for tag, text in (("name", "prt1"), ("value", "1"), ("autosimplify", "1"), ("feedbackstyle", "1")):
        ET.SubElement(found, tag).text = text
    distances = [
        f"{name}: {_distance(other, question.value)};"
        for name, other in (("d0", "ta"), *((f"d{k}", f"w{k}") for k in range(1, len(wrong) + 1)))
    ]
    _texts(found, "feedbackvariables", "\n".join(distances))
    notes = [("", "right"), *((_feedback(choice), choice.codes[0]) for choice in wrong)]
    for k, (feedback, note) in enumerate(notes):
        node = ET.SubElement(found, "node")
        last = k == len(notes) - 1
        fields = {
            "name": str(k), "answertest": "NumAbsolute", "sans": f"d{k}", "tans": "0",
            "testoptions": f"{0.6 * 10.0**-sheet.decimals:.{sheet.decimals + 1}f}", "quiet": "1",
            "truescoremode": "=", "truescore": "1" if k == 0 else "0", "truepenalty": "", "truenextnode": "-1",
            "trueanswernote": f"prt1-{note}", "truefeedback": feedback,
            "falsescoremode": "=", "falsescore": "0", "falsepenalty": "", "falsenextnode": "-1" if last else str(k + 1),
            "falseanswernote": f"prt1-{k}-F", "falsefeedback": "",
        }  # fmt: skip
        for tag, text in fields.items():
            if tag.endswith("feedback"):
                _texts(node, tag, text, "html")
            else:
                ET.SubElement(node, tag).text = text
    return found


def _distance(other: str, value: Array | None) -> str:
    """How far the answer is from another value, at the worst entry."""
    if value is not None and np.size(value) == 1:
        return f"abs(ans1 - {other})"
    return f"apply(max, map(abs, flatten(args(ans1 - {other}))))"
