"""The page for the teacher: which mistakes, how often, on which question, with examples; what is left to decide by hand.

Submissions are added one after the other. What grows with their number lies in a database of SQLite's own on the disk, not
in memory, and the page is written row by row.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from markupsafe import Markup

from symderiv.documents.frame import stream
from symderiv.homework.gradebook.questions import left_side, question_of
from symderiv.homework.gradebook.scores import RULE, UNKNOWN, charged, counts, score_of
from symderiv.homework.gradebook.store import Entry
from symderiv.homework.marking import VERDICTS, Claim
from symderiv.homework.reports.layout import SIGNS, WORDS, counted, harmless, reading_order
from symderiv.homework.reports.page import as_latex, formula, text
from symderiv.mistakes.codes import BY_CODE, RANK, Mistake

EXAMPLES = 3
LONGEST_EXAMPLE = 300
"""Characters of somebody's line that are shown; the whole of it is one click away."""
MOST_QUESTIONS = 60
MOST_OPEN = 400
TABLES = """
CREATE TABLE submissions (name TEXT, stem TEXT, correct, notation, wrong, carried, uncheckable, score, mistakes TEXT, problem TEXT);
CREATE TABLE claims (question TEXT, label TEXT, premise, place, verdict TEXT, submission INTEGER);
CREATE TABLE mistakes (question TEXT, code TEXT, submission INTEGER);
CREATE TABLE open (name TEXT, page TEXT, line INTEGER, source TEXT, reason TEXT);
"""


@dataclass(slots=True)
class Example:
    """A line of a submission in which a mistake was made."""

    name: str
    page: str
    line: int
    source: Markup
    reason: Markup


@dataclass(slots=True)
class Made:
    """A mistake, by how many it was made, on how many lines, and examples: one of a submission, different ones first."""

    mistake: Mistake
    submissions: int = 0
    lines: int = 0
    different: dict[str, Example] = field(default_factory=dict)
    alike: list[Example] = field(default_factory=list)
    last: str = ""

    @property
    def examples(self) -> list[Example]:
        """The few that are shown."""
        return [*self.different.values(), *self.alike][:EXAMPLES]

    def add(self, entry: Entry, claim: Claim, page: str) -> None:
        """A line on which it was made."""
        self.lines += 1
        source = " ".join(claim.source.split())
        is_alike = source in self.different
        if self.last == entry.stem or len(self.alike if is_alike else self.different) >= EXAMPLES:
            return
        self.last = entry.stem
        example = Example(harmless(entry.name), page, claim.line, _shown(claim.source), text(claim.message))
        if is_alike:
            self.alike.append(example)
        else:
            self.different[source] = example


class Summary:
    """What the page tells, as it comes together."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.totals: Counter[str] = Counter()
        self.made: dict[str, Made] = {}
        self.rows = sqlite3.connect("", isolation_level=None)  # a file that SQLite removes itself
        self.rows.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; BEGIN;" + TABLES)

    def close(self) -> None:
        """Drop what was collected."""
        self.rows.close()

    def add(self, entry: Entry) -> None:
        """A submission."""
        marking = entry.marking
        self.totals["submissions"] += 1
        counts_of = [None] * len(VERDICTS) if marking is None else list(marking.summary.values())
        claims = () if marking is None else marking.claims
        codes = [_writable(code) for code in charged(claims)]
        row = [entry.name, entry.stem, *counts_of, score_of(claims).percent, "\n".join(codes), _writable(entry.problem)]
        self.rows.execute(f"INSERT INTO submissions VALUES ({', '.join('?' * len(row))})", row)
        if marking is None:
            self.totals["problems"] += 1
            return
        self.totals.update(marking.summary)
        self.totals["faultless" if marking.is_faultless else "faulty"] += 1
        self.totals["empty"] += not claims
        for code in codes:
            self._of(code).submissions += 1
        self._add_claims(entry, claims)

    def _add_claims(self, entry: Entry, claims: tuple[Claim, ...]) -> None:
        numbers = {id(claim): number for number, claim in enumerate(claims, 1)}
        self.totals["with open lines"] += any(not counts(claim) for claim in claims)
        for place, claim in enumerate(reading_order(claims)):
            page = f"{_page(entry.stem)}#c{numbers[id(claim)]}"
            question = _writable(question_of(claim))
            self.rows.execute(
                "INSERT INTO claims VALUES (?, ?, ?, ?, ?, ?)",
                (question, _writable(left_side(claim)), claim.kind == "definition", 1000 * place // len(claims), claim.verdict,
                 self.totals["submissions"]),
            )  # fmt: skip
            if not counts(claim) and self.totals["open kept"] < MOST_OPEN:
                self.totals["open kept"] += 1
                row = entry.name, page, claim.line, _writable(claim.source), _writable(claim.message)
                self.rows.execute("INSERT INTO open VALUES (?, ?, ?, ?, ?)", row)
            for code in map(_writable, charged([claim])):
                self.rows.execute("INSERT INTO mistakes VALUES (?, ?, ?)", (question, code, self.totals["submissions"]))
                self._of(code).add(entry, claim, page)

    def _of(self, code: str) -> Made:
        return self.made.setdefault(code, Made(BY_CODE.get(code, Mistake(code, harmless(code), ""))))

    def page(self) -> Iterator[str]:
        """The page, piece by piece."""
        self.rows.execute("CREATE INDEX by_question ON mistakes (question)")
        # last those without a name: they are many mistakes and not one
        made = sorted(
            self.made.values(),
            key=lambda m: (m.mistake.code == UNKNOWN, -m.submissions, -m.lines, _rank(m.mistake.code)),
        )
        questions = list(self._questions())
        return stream(
            "class.html.j2",
            styles=("homework.css", "class.css"),
            scripted=False,
            title=harmless(self.title),
            totals=self.totals,
            marked=self.totals["submissions"] - self.totals["problems"],
            lines=sum(self.totals[verdict] for verdict in VERDICTS),
            counted=counted,
            counts=[(v, SIGNS[v], WORDS[v], self.totals[v]) for v in VERDICTS],
            verdicts=VERDICTS,
            mistakes=made,
            known=next((m for m in made if m.mistake.code != UNKNOWN), None),
            unknown=self.made.get(UNKNOWN),
            questions=questions,
            hardest=max(
                (q for q in questions if q["counts"]["wrong"] > 1), key=lambda q: q["counts"]["wrong"], default=None
            ),
            others=self._others(),
            undecided=self._undecided(),
            problems=self._problems(),
            submissions=self._submissions(),
            rule=RULE,
        )

    def _questions(self) -> Iterator[dict[str, Any]]:
        """The questions that most submissions answer, in the order in which they usually come."""
        columns = ", ".join(f"SUM(verdict = '{verdict}') AS {verdict}" for verdict in VERDICTS)
        found = self.rows.execute(
            f"SELECT * FROM ({self._asked(columns)} ORDER BY stated DESC, question LIMIT {MOST_QUESTIONS}) ORDER BY place, question"
        )
        for question, label, stated, _, *verdicts in found.fetchall():
            about, _, _ = question.rpartition(" ")
            yield {
                "about": about,
                "label": _shown(as_latex(label)),
                "stated": stated,
                "counts": dict(zip(VERDICTS, verdicts, strict=True)),
                "mistake": self._commonest(question),
            }

    def _asked(self, columns: str = "1") -> str:
        """Questions that more than one submission answers, if there is more than one; premises only if somebody is wrong there."""
        least = 2 if self.totals["submissions"] > 2 else 1
        return (
            f"SELECT question, MIN(label), COUNT(DISTINCT submission) AS stated, AVG(place) AS place, {columns} FROM claims"
            f" WHERE question != '' GROUP BY question HAVING stated >= {least} AND (NOT MAX(premise) OR SUM(verdict = 'wrong'))"
        )

    def _others(self) -> int:
        """How many further questions there are."""
        (asked,) = self.rows.execute(f"SELECT COUNT(*) FROM ({self._asked()})").fetchone()
        return max(0, int(asked) - MOST_QUESTIONS)

    def _commonest(self, question: str) -> tuple[str, Markup, int] | None:
        """The mistake that most make on a question: its code, its title, how many."""
        found = self.rows.execute(
            "SELECT code, COUNT(DISTINCT submission) FROM mistakes WHERE question = ? GROUP BY code", (question,)
        ).fetchall()
        if not found:
            return None
        code, number = min(found, key=lambda pair: (-pair[1], _rank(pair[0])))
        return code, text(self._of(code).mistake.title), number

    def _undecided(self) -> Iterator[tuple[str, str, int, Markup, Markup]]:
        for name, page, line, source, reason in self.rows.execute("SELECT * FROM open ORDER BY rowid"):
            yield harmless(name), page, line, _shown(source), text(reason)

    def _problems(self) -> Iterator[tuple[str, str]]:
        for name, problem in self.rows.execute(
            "SELECT name, problem FROM submissions WHERE problem != '' ORDER BY rowid"
        ):
            yield harmless(name), harmless(problem)

    def _submissions(self) -> Iterator[dict[str, Any]]:
        for name, stem, *counts_of, score, codes, problem in self.rows.execute(
            "SELECT * FROM submissions ORDER BY rowid"
        ):
            yield {
                "name": harmless(name),
                "page": "" if problem else _page(stem),
                "counts": dict(zip(VERDICTS, counts_of, strict=True)),
                "score": score,
                "empty": not any(counts_of),
                "mistakes": [(code, text(self._of(code).mistake.title)) for code in filter(None, codes.split("\n"))],
            }


def _page(stem: str) -> str:
    return quote(f"students/{stem}.html")


def _rank(code: str) -> tuple[int, str]:
    return RANK.get(code, len(RANK)), code


def _shown(source: str) -> Markup:
    """Somebody's formula, or of a long one the beginning of its source."""
    if len(source) <= LONGEST_EXAMPLE:
        return formula(source)
    return Markup("<code>%s …</code>") % harmless(source[:LONGEST_EXAMPLE])


def _writable(running: str) -> str:
    """Text without halves of characters, which SQLite refuses."""
    return running.encode("utf-8", "backslashreplace").decode()
