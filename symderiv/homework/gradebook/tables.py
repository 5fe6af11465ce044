"""The claims of a class as tables: CSV for spreadsheets, JSON Lines for programs. Rows are written as they come."""

from __future__ import annotations

import csv
import json
from typing import IO, Any

from symderiv.homework.gradebook.scores import charged, score_of
from symderiv.homework.gradebook.store import Entry
from symderiv.homework.marking import VERDICTS, Claim
from symderiv.homework.reports.layout import harmless, reading_order

FORMULA_SIGNS = "=+-@＝＋－＠"
"""What a spreadsheet takes for the beginning of a formula, in both widths."""
ENCODING = "utf-8-sig"
"""With the mark without which Excel takes a ∂ for three letters."""
CLAIM_COLUMNS = (
    "submission", "line", "kind", "verdict", "mistakes", "source", "reading", "message", "expected", "root_line", "page",
)  # fmt: skip
SUBMISSION_COLUMNS = ("submission", *VERDICTS, "score", "mistakes", "problem", "page")


def cell(value: object) -> object:
    """A cell that is one line and no formula: what would begin one gets a quote before it. Numbers stay numbers."""
    if value is None or isinstance(value, int | float):
        return value
    text = harmless(value)
    return f"'{text}" if text.lstrip()[:1] and text.lstrip()[0] in FORMULA_SIGNS else text


class Tables:
    """The three tables, written side by side."""

    def __init__(self, claims: IO[str], submissions: IO[str], lines: IO[str]) -> None:
        self.claims = csv.writer(claims)
        self.submissions = csv.writer(submissions)
        self.lines = lines
        self.claims.writerow(CLAIM_COLUMNS)
        self.submissions.writerow(SUBMISSION_COLUMNS)

    def add(self, entry: Entry) -> None:
        """A submission: a row, its claims, and an object on a line."""
        page = "" if entry.marking is None else f"students/{entry.stem}.html"
        marking = entry.marking
        claims = () if marking is None else marking.claims
        counted: list[object] = [None] * len(VERDICTS) if marking is None else list(marking.summary.values())
        row = [entry.name, *counted, score_of(claims).percent, "; ".join(charged(claims)), entry.problem, page]
        self.submissions.writerow(map(cell, row))
        numbers = {id(claim): number for number, claim in enumerate(claims, 1)}
        for claim in reading_order(claims):
            self.claims.writerow(map(cell, _fields(entry.name, claim, f"{page}#c{numbers[id(claim)]}")))
        self.lines.write(json.dumps(_object(entry, page)) + "\n")


def _fields(name: str, claim: Claim, page: str) -> list[object]:
    codes = "; ".join(claim.mistakes)
    said = (claim.source, claim.reading, claim.message, claim.expected)
    return [name, claim.line, claim.kind, claim.verdict, codes, *said, claim.root_line, page]


def _object(entry: Entry, page: str) -> dict[str, Any]:
    """What `--json` prints of a homework, and where its page is."""
    if entry.marking is None:
        return {"document": entry.name, "error": entry.problem}
    return {**entry.marking.to_json(), "score": score_of(entry.marking.claims).percent, "page": page}
