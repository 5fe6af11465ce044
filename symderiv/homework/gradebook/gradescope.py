"""A submission as Gradescope's autograders report it: `results.json`, for a `run_autograder` that copies it into place.

Set the assignment's autograder points to 100. Nothing is shown to students before the grades are published.
Source: https://gradescope-autograders.readthedocs.io/en/latest/specs/
"""

from __future__ import annotations

from typing import Any

from symderiv.homework.gradebook.scores import RULE, costs, counts, score_of
from symderiv.homework.gradebook.store import Entry
from symderiv.homework.marking import Claim
from symderiv.homework.reports.layout import WORDS, harmless, reading_order, summary_line
from symderiv.mistakes.codes import BY_CODE


def results_of(entry: Entry) -> dict[str, Any]:
    """The results of a submission: a test for every line that counts, and in the output what a person has to look at."""
    claims = [] if entry.marking is None else reading_order(entry.marking.claims)
    return {
        "score": score_of(claims).percent or 0.0,
        "output": "\n".join(_output(entry, claims)),
        "output_format": "text",
        "test_output_format": "text",
        "test_name_format": "text",
        "visibility": "after_published",
        "stdout_visibility": "hidden",
        "tests": [_test(claim) for claim in claims if counts(claim)],
    }


def _output(entry: Entry, claims: list[Claim]) -> list[str]:
    """What is said of the whole submission, a line each."""
    if entry.marking is None:
        return [harmless(entry.problem), "A person has to look at it: the score of 0 says nothing."]
    lines = [summary_line(entry.marking.summary)]
    if score_of(claims).percent is None:
        lines.append("No line of it could be decided. A person has to look at it: the score of 0 says nothing.")
    left = [claim for claim in claims if not counts(claim)]
    if left:
        lines += ["For a person to look at, not counted:", *(f"- {_name(c)} ({harmless(c.message)})" for c in left)]
    return [*lines, "", RULE]


def _test(claim: Claim) -> dict[str, Any]:
    failed = costs(claim)
    return {
        "name": _name(claim),
        "score": 0 if failed else 1,
        "max_score": 1,
        "status": "failed" if failed else "passed",
        "output": "\n".join(map(harmless, _reasons(claim))),
        "visibility": "after_published",
    }


def _name(claim: Claim) -> str:
    return f"line {claim.line}: {harmless(claim.reading or claim.source)}"


def _reasons(claim: Claim) -> list[str]:
    """Verdict and reason; of a mistake, what would be right and how to avoid it."""
    said = [WORDS.get(claim.verdict, claim.verdict) + (f": {claim.message}" if claim.message else "")]
    if claim.root_line is not None:
        said.append(f"follows from line {claim.root_line}, where it is charged")
    if claim.expected:
        said.append(f"expected: {claim.expected}")
    known = [BY_CODE[code] for code in claim.mistakes if code in BY_CODE and BY_CODE[code].advice]
    return said + [f"{mistake.title}. {mistake.advice}" for mistake in known]
