"""The answers of many worksheets as one table, a row a student: what a teacher lays beside a pile of sheets."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from symderiv.worksheets.document import LETTERS
from symderiv.worksheets.questions import Question
from symderiv.worksheets.worksheet import Worksheet


def answers_csv(sheets: Sequence[Worksheet]) -> str:
    """Student, seed, and the answer to every question; of a matrix its rows, of choices the letter as well."""
    memory = io.StringIO()
    table = csv.writer(memory, lineterminator="\n")
    longest = max((sheet.questions for sheet in sheets), key=len)
    table.writerow(["student", "seed", *(f"{k} {question.key}" for k, question in enumerate(longest, 1))])
    for sheet in sheets:
        table.writerow([sheet.student, sheet.seed, *(_answer(question, sheet) for question in sheet.questions)])
    return memory.getvalue()


def _answer(question: Question, sheet: Worksheet) -> str:
    told = question.said or " x ".join(map(str, question.whole))
    if question.value is not None:
        rows = [" ".join(f"{x:.{sheet.decimals}f}" for x in row) for row in question.value.tolist()]
        told = "; ".join(rows)
    right = next((letter for letter, c in zip(LETTERS, question.choices, strict=False) if c.is_right), "")
    return f"({right}) {told}".strip() if right else told
