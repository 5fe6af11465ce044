"""The whole way of a document: read, understand, judge under each candidate, tell."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from symderiv.homework.diagnosis.naming import diagnosed
from symderiv.homework.given_model import given_lines, without_lines
from symderiv.homework.judging.verdicts import FAULTS, reason_of, unjudged
from symderiv.homework.marking import Assumption, Claim, Marking, Understood
from symderiv.homework.reading.in_place import folded
from symderiv.homework.reading.python_source import as_lines, is_python, with_programs, with_programs_folded
from symderiv.homework.reading.reader import read
from symderiv.homework.reading.sections import Section, sections
from symderiv.homework.reading.statements import Document
from symderiv.homework.systems import doubted, systems_apart, under_best_candidate
from symderiv.homework.understanding.arithmetic import prepared
from symderiv.homework.understanding.echo import understood_of
from symderiv.homework.understanding.patience import TookTooLong, at_most

if TYPE_CHECKING:
    from symderiv.calculus.model import Model

SECONDS_A_DOCUMENT = 10.0  # a long one takes less than one


def check_homework(text: str, name: str = "homework", model: Model | str | None = None) -> Marking:
    """Read a derivation and mark every line.

    text: Markdown, TeX or plain lines. name: what to call it in the report. model: what it is about, where the document does not
    say it: a Model, or lines as in a model file; they are read as if they stood before the document.
    """
    before = "" if model is None else given_lines(model)
    with prepared():
        marking = _checked(before + text, name)
    return marking if not before else without_lines(marking, text, before)


def _checked(text: str, name: str) -> Marking:
    if is_python(name, text):
        return _checked_program(text, name)
    source = with_programs_folded(text)
    marking = _judged_in_time(read(with_programs(source.text), name), source.text, sections(source.text))
    if not source.spans:
        return marking
    return replace(marking, text=text, claims=source.restored(marking.claims, text))


def _checked_program(text: str, name: str) -> Marking:
    """A program: what it does in place is put together before it is read, and each verdict goes back to its line."""
    source = folded(text)
    marking = _judged_in_time(read(as_lines(source.text), name), source.text, [])
    return replace(marking, text=text, claims=source.restored(marking.claims, text))


def _judged_in_time(document: Document, text: str, parts: list[Section]) -> Marking:
    try:
        with at_most(SECONDS_A_DOCUMENT):
            return _judged(document, text, parts)
    except (TookTooLong, *FAULTS) as error:
        # no line has a verdict without an understanding of the whole, but all of them stay in the report
        reason = reason_of(error, "the document could not be understood")
        claims = [c for s in document.statements for c in unjudged(text, s, reason)]
        return Marking(document.name, text, Understood(), _inside(claims, text), _notes(document))


def _judged(document: Document, text: str, parts: list[Section]) -> Marking:
    """A document judged as a whole, but for sections that are about a network of their own."""
    whole = under_best_candidate(document)
    apart = dict(systems_apart(whole, text, parts))
    replaced = tuple(
        replace(c, verdict="uncheckable") if any(section.holds(c.span[0]) for section in apart) else c
        for c in whole.claims
    )  # their mistakes are looked for in the section alone
    mine = _inside(diagnosed(whole.judge, replaced), text)
    claims = list(doubted(tuple(c for c in mine if not any(section.holds(c.span[0]) for section in apart))))
    silent = [c for c in whole.judge.silent if not any(section.holds(c.span[0]) for section in apart)]
    claims += _inside(silent, text)
    understood = understood_of(whole.judge.understanding, whole.variant)
    for section, own_claims in apart.items():
        claims += own_claims
        about = Assumption("this section is about a network of its own", section.title, _line_of(text, section.start))
        understood = replace(understood, assumptions=(*understood.assumptions, about))
    return Marking(
        document.name,
        text,
        understood,
        tuple(sorted(claims, key=lambda c: c.span) if apart or silent else claims),
        _notes(document),
    )


def _line_of(text: str, place: int) -> int:
    return text.count("\n", 0, place) + 1


def _inside(claims: Iterable[Claim], text: str) -> tuple[Claim, ...]:
    """The claims that stand in the text itself, not in the lines that code was read as."""
    return tuple(c for c in claims if c.span[1] <= len(text))


def _notes(document: Document) -> tuple[tuple[int, str], ...]:
    return tuple((n.line, n.text) for n in document.notes)
