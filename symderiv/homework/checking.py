"""The whole way of a document: read, understand, judge under each candidate, tell."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from symderiv.homework.diagnosis.naming import diagnosed
from symderiv.homework.judging.judge import COSTS, Judge
from symderiv.homework.judging.verdicts import FAULTS, reason_of, unjudged
from symderiv.homework.marking import Assumption, Claim, Marking, Understood
from symderiv.homework.reading.in_place import folded
from symderiv.homework.reading.python_source import as_lines, is_python, with_programs, with_programs_folded
from symderiv.homework.reading.reader import read
from symderiv.homework.reading.sections import Section, alone, sections
from symderiv.homework.reading.statements import Document
from symderiv.homework.understanding.arithmetic import prepared
from symderiv.homework.understanding.echo import understood_of
from symderiv.homework.understanding.inference import Inference
from symderiv.homework.understanding.patience import TookTooLong, at_most, is_over
from symderiv.homework.understanding.terms import references_in
from symderiv.homework.understanding.variants import Variant, takes_mean_in_all, variants_of, varied

if TYPE_CHECKING:
    from symderiv.calculus.model import Model

NO_EXPLANATION = {
    "unrecognised",
    "wrong-layer",
    "wrong-variable",
    "wrong-left-hand-side",
}  # a misread name looks the same
DOUBT_OF_A_SECTION = (
    3,
    1 / 2,
)  # so many false lines, and which share of all: the section may be less on its own than it seems
TWO_MISTAKES = 1.0  # what a line costs more that has a second mistake unless 1/n is taken later
SECONDS_A_DOCUMENT = 10.0  # a long one takes less than one


def check_homework(text: str, name: str = "homework", model: Model | str | None = None) -> Marking:
    """Read a derivation and mark every line.

    text: Markdown, TeX or plain lines. name: what to call it in the report. model: what it is about, where the document does not
    say it: a Model, or lines as in a model file; they are read as if they stood before the document.
    """
    before = "" if model is None else given_lines(model)
    with prepared():
        marking = _checked(before + text, name)
    return marking if not before else _without_lines(marking, text, before)


def given_lines(model: Model | str) -> str:
    """The equations of a model as lines to read."""
    if isinstance(model, str):
        lines = [line.split("#")[0].rstrip() for line in model.splitlines()]
        return "```\n" + "\n".join(line for line in lines if line) + "\n```\n\n"
    from symderiv.documents.latex import Printer  # SymPy only where a model comes as one
    from symderiv.documents.notation import Notation

    printer = Printer(Notation(model))
    return "".join(f"$${printer.latex(e.symbol)} = {printer.latex(e.value)}$$\n" for e in model.equations) + "\n"


def _without_lines(marking: Marking, text: str, before: str) -> Marking:
    """The marking of the document alone: what was read before it is taken for granted."""
    shift, lines = len(before), before.count("\n")
    claims = tuple(
        replace(c, span=(c.span[0] - shift, c.span[1] - shift), line=c.line - lines,
                root_line=None if c.root_line is None or c.root_line <= lines else c.root_line - lines)
        for c in marking.claims
        if c.span[0] >= shift
    )  # fmt: skip
    understood = replace(marking.understood, inferred=False)
    return replace(
        marking,
        text=text,
        claims=claims,
        understood=understood,
        notes=tuple((n - lines, t) for n, t in marking.notes if n > lines),
    )


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


@dataclass(frozen=True, slots=True)
class _Judged:
    """A document under the candidate that costs least, without the names of mistakes."""

    claims: tuple[Claim, ...]
    judge: Judge
    variant: Variant

    def within(self, section: Section) -> list[Claim]:
        """The claims of one section."""
        return [c for c in self.claims if section.holds(c.span[0])]


def _judged(document: Document, text: str, parts: list[Section]) -> Marking:
    """A document judged as a whole, but for sections that are about a network of their own."""
    whole = _under_best_candidate(document)
    apart = dict(_systems_apart(whole, text, parts))
    replaced = tuple(
        replace(c, verdict="uncheckable") if any(section.holds(c.span[0]) for section in apart) else c
        for c in whole.claims
    )  # their mistakes are looked for in the section alone
    claims = [
        c
        for c in doubted(_inside(diagnosed(whole.judge, replaced), text))
        if not any(section.holds(c.span[0]) for section in apart)
    ]
    understood = understood_of(whole.judge.understanding, whole.variant)
    for section, own_claims in apart.items():
        claims += own_claims
        about = Assumption("this section is about a network of its own", section.title, _line_of(text, section.start))
        understood = replace(understood, assumptions=(*understood.assumptions, about))
    return Marking(
        document.name,
        text,
        understood,
        tuple(sorted(claims, key=lambda c: c.span) if apart else claims),
        _notes(document),
    )


def _line_of(text: str, place: int) -> int:
    return text.count("\n", 0, place) + 1


def _systems_apart(whole: _Judged, text: str, parts: list[Section]) -> Iterator[tuple[Section, list[Claim]]]:
    """Sections with a network and a loss of their own that make more sense for themselves than in the whole; their claims."""
    name = whole.judge.understanding.document.name
    for section in parts:
        mine = whole.within(section)
        if is_over() or all(c.verdict in ("correct", "notation") for c in mine):
            continue
        with contextlib.suppress(TookTooLong, *FAULTS):
            system = _under_best_candidate(read(with_programs(alone(text, section, parts[0])), name))
            if not _is_complete(system, whole, section) or _is_followed(whole, section):
                continue
            found = doubted(diagnosed(system.judge, system.claims), *DOUBT_OF_A_SECTION)
            own = [c for c in found if section.holds(c.span[0])]
            is_told = _count_open(own) <= _count_open(mine)  # doubt makes nothing better
            if is_told and _cost(own) <= _cost(mine):
                yield section, own


def _count_open(claims: Iterable[Claim]) -> int:
    return sum(c.verdict == "uncheckable" for c in claims)


def _cost(claims: Iterable[Claim]) -> float:
    return sum(COSTS[c.verdict] for c in claims)


def _is_complete(system: _Judged, whole: _Judged, section: Section) -> bool:
    """Whether a section says itself all that it is about: its loss, and whatever has a formula elsewhere."""
    understanding, document = system.judge.understanding, system.judge.understanding.document
    own = {d.key for d in understanding.definitions if section.holds(document.statements[d.at].span[0])}
    if understanding.loss not in own:
        return False
    used = {r.key for d in understanding.definitions for r in references_in(d.term)} - own
    others = whole.judge.understanding
    elsewhere = {d.key for d in others.definitions if not section.holds(others.document.statements[d.at].span[0])} - {
        d.key for d in understanding.definitions
    }
    return not used & elsewhere


def _is_followed(whole: _Judged, section: Section) -> bool:
    """Whether a false line of a section is charged with lines behind it."""
    roots = {c.root_line for c in whole.claims if c.root_line is not None and not section.holds(c.span[0])}
    return any(c.line in roots for c in whole.within(section))


def _under_best_candidate(document: Document) -> _Judged:
    """A document judged under the candidate that costs least."""
    inference = Inference(document)
    whole = inference.run()
    best: tuple[float, tuple[Claim, ...], Judge, Variant] | None = None
    for variant in variants_of(inference):
        if best is not None and is_over():
            break
        limit = float("inf") if best is None else best[0] - variant.cost - 1e-9 + TWO_MISTAKES * variant.later
        if limit < 0:
            continue
        judge = Judge(inference, varied(inference, whole, variant))
        found = judge.run(limit)
        if found is None:
            continue  # no better than the best one, whatever comes
        cost = variant.cost + _cost(found)
        if variant.later and not judge.shows_later and not takes_mean_in_all(inference):
            # a second 1/n in a single line is a mistake sooner than a convention
            cost += -TWO_MISTAKES if judge.nearly_later else COSTS["wrong"]
        if best is None or cost < best[0]:
            best = cost, tuple(found), judge, variant
            if cost == 0:
                break  # no candidate costs less
    assert best is not None
    return _Judged(*best[1:])


def _inside(claims: Iterable[Claim], text: str) -> tuple[Claim, ...]:
    """The claims that stand in the text itself, not in the lines that code was read as."""
    return tuple(c for c in claims if c.span[1] <= len(text))


def _notes(document: Document) -> tuple[tuple[int, str], ...]:
    return tuple((n.line, n.text) for n in document.notes)


def _is_explained(claim: Claim) -> bool:
    """Whether a known mistake was found behind a false line: then it is the writer who went wrong there, not the reading."""
    return claim.kind != "number" and not set(claim.mistakes[:1]) <= NO_EXPLANATION


def doubted(claims: tuple[Claim, ...], least: int = 4, share: float = 2 / 3) -> tuple[Claim, ...]:
    """If about half of the independent lines look false, the reading is doubted first: they are reported undecided."""
    judged = [c for c in claims if c.kind in ("derivative", "chain", "update", "number") and c.verdict != "uncheckable"]
    false = [c for c in judged if c.verdict == "wrong" and not _is_explained(c)]
    if len(false) < least or len(false) < share * (len(judged) - sum(c.verdict == "carried" for c in judged)):
        return claims
    why = "most lines contradict what was understood of the model, so that is doubted first"
    return tuple(
        replace(c, verdict="uncheckable", message=f"{why}; {c.message}", mistakes=(), root_line=None)
        if c.verdict in ("wrong", "carried")
        else c
        for c in claims
    )
