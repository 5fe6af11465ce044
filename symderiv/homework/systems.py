"""What a document is about, and the systems in it: judged under the candidate that costs least, a section perhaps for itself."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from symderiv.homework.diagnosis.naming import diagnosed
from symderiv.homework.judging.judge import COSTS, NO_SUCH_LAYER, Judge
from symderiv.homework.judging.verdicts import FAULTS, RIGHT_IF
from symderiv.homework.marking import Claim
from symderiv.homework.reading import formulas as f
from symderiv.homework.reading.python_source import with_programs
from symderiv.homework.reading.reader import read
from symderiv.homework.reading.sections import Section, alone
from symderiv.homework.reading.statements import Document
from symderiv.homework.understanding.inference import Inference
from symderiv.homework.understanding.patience import TookTooLong, is_over
from symderiv.homework.understanding.shapes import base_of
from symderiv.homework.understanding.terms import references_in
from symderiv.homework.understanding.understanding import TARGET_BASES, Understanding
from symderiv.homework.understanding.variants import (
    Variant,
    lines_repeated_with_mean,
    lines_with_late_mean,
    takes_mean_in_all,
    variants_of,
    varied,
)

NO_EXPLANATION = {
    "unrecognised",
    "wrong-layer",
    "wrong-variable",
    "wrong-left-hand-side",
}  # a misread name looks the same
LINES_NOT_UNDERSTOOD = 2, 3 / 20  # how many, and their share: then what nothing explains may come of the same
DOUBT_OF_A_SECTION = 3, 1 / 2  # false lines, and their share of all: it may be less on its own than it seems
TWO_MISTAKES = 1.0  # what a line costs more that has a second mistake unless 1/n is taken later


@dataclass(frozen=True, slots=True)
class Judged:
    """A document under the candidate that costs least, without the names of mistakes."""

    claims: tuple[Claim, ...]
    judge: Judge
    variant: Variant

    def within(self, section: Section) -> list[Claim]:
        """The claims of one section."""
        return [c for c in (*self.claims, *self.judge.silent) if section.holds(c.span[0])]


def systems_apart(whole: Judged, text: str, parts: list[Section]) -> Iterator[tuple[Section, list[Claim]]]:
    """Sections with a network and a loss of their own that make more sense for themselves than in the whole; their claims."""
    name = whole.judge.understanding.document.name
    for section in parts:
        mine = whole.within(section)
        if is_over() or all(c.verdict == "correct" for c in mine) or _is_followed(whole, section):
            continue
        with contextlib.suppress(TookTooLong, *FAULTS):
            inference = Inference(read(with_programs(alone(text, section, parts[0])), name))
            understanding = inference.run()
            if not _is_complete(inference, understanding, whole, section):
                continue
            system = _best_candidate(inference, understanding)
            found = doubted(diagnosed(system.judge, system.claims), *DOUBT_OF_A_SECTION)
            own = [c for c in (*found, *system.judge.silent) if section.holds(c.span[0])]
            is_told = _count_open(own) <= _count_open(mine)  # doubt makes nothing better
            is_false = any(c.verdict not in ("correct", "notation") for c in mine)
            is_cheaper = _cost(own) <= _cost(mine) and (is_false or _is_shaped_otherwise(system, whole))
            false = [c for c in own if c.verdict == "wrong"]
            is_explained = all(_is_explained(c) for c in false) and not (false and _only_vanished(mine))
            if is_told and (is_cheaper or (is_explained and _count_open(own) < _count_open(mine))):
                yield section, own


def _only_vanished(claims: Iterable[Claim]) -> bool:
    """Whether all that is not right is about a layer that is not there: of that a section says too little by itself."""
    return all(c.verdict == "correct" or c.message == NO_SUCH_LAYER for c in claims)


def _count_open(claims: Iterable[Claim]) -> int:
    return sum(c.verdict == "uncheckable" for c in claims)


def _cost(claims: Iterable[Claim]) -> float:
    return sum(COSTS[c.verdict] for c in claims)


def _is_shaped_otherwise(system: Judged, whole: Judged) -> bool:
    """Whether a name is a number here and an array elsewhere, or the other way round: then the letters are used anew."""
    here, elsewhere = system.judge.understanding.shapes, whole.judge.understanding.shapes
    return any([d == "1" for d in here[k]] != [d == "1" for d in elsewhere[k]] for k in here.keys() & elsewhere.keys())


def _is_complete(inference: Inference, understanding: Understanding, whole: Judged, section: Section) -> bool:
    """Whether a section says itself all that it is about: its loss, if it has one, and whatever has a formula elsewhere."""
    document = understanding.document
    own = {d.key for d in understanding.definitions if section.holds(document.statements[d.at].span[0])}
    if understanding.loss is None:
        mine = [s for s in document.statements if section.holds(s.span[0])]
        tops = [inference.closed(d.top) for s in mine for d in s.of_kind(f.Derivative) if d.top is not None]
        if not tops or any(top is None or top.key not in own for top in tops):
            return False
    elif own.isdisjoint({understanding.loss, *inference.elaborator.of_one}):
        return False
    if inference.word_body is not None and any(
        d.key == understanding.loss for d in whole.judge.understanding.definitions
    ):
        return False  # "the loss stays as it is"
    own |= {inference.elaborator.parameter or ""}  # what the loss is called with
    own |= {n.key for n in understanding.numbers if section.holds(document.statements[n.at].span[0])}
    used = {r.key for d in understanding.definitions for r in references_in(d.term)} - own
    others = whole.judge.understanding
    before = {d.key for d in others.definitions if others.document.statements[d.at].span[0] < section.start} - {
        d.key for d in understanding.definitions
    }
    return all(base_of(key) in TARGET_BASES for key in used & before)  # the y that was an output there is a target here


def _is_followed(whole: Judged, section: Section) -> bool:
    """Whether a false line of a section is charged with lines behind it."""
    roots = {c.root_line for c in whole.claims if c.root_line is not None and not section.holds(c.span[0])}
    return any(c.line in roots for c in whole.within(section))


def under_best_candidate(document: Document) -> Judged:
    """A document judged under the candidate that costs least."""
    inference = Inference(document)
    return _best_candidate(inference, inference.run())


def _best_candidate(inference: Inference, whole: Understanding) -> Judged:
    best: tuple[float, tuple[Claim, ...], Judge, Variant] | None = None
    for variant in variants_of(inference):
        if best is not None and is_over():
            break
        limit = float("inf") if best is None else best[0] - variant.cost - 1e-9 + 2 * TWO_MISTAKES * variant.later
        if limit < 0:
            continue
        judge = Judge(inference, varied(inference, whole, variant))
        found = judge.run(limit)
        if found is None:
            continue  # no better than the best one, whatever comes
        cost = variant.cost + _cost(found)
        if variant.later and not takes_mean_in_all(inference):
            more = _cost_of_late_mean(inference, judge, found, () if best is None else best[1])
            cost += min(more, 0) if judge.shows_later else more
        if best is None or cost < best[0]:
            best = cost, tuple(found), judge, variant
            if cost == 0:
                break  # no candidate costs less
    assert best is not None
    return Judged(*best[1:])


def _cost_of_late_mean(inference: Inference, judge: Judge, found: Iterable[Claim], without: Iterable[Claim]) -> float:
    """What it costs that 1/n is taken later, where no true line shows it: a second 1/n is a mistake sooner than a convention.

    Unless lines that are false without it show it: found are the claims with it, without those of the best candidate so far.
    """
    false = {c.line for c in without if c.verdict == "wrong"}
    if lines_repeated_with_mean(inference) & false:
        return -2 * TWO_MISTAKES
    false_with = {c.line for c in found if c.verdict == "wrong"}
    mended = lines_with_late_mean(inference) & false - false_with
    return -TWO_MISTAKES if judge.nearly_later or len(mended) > len(false_with - false) else COSTS["wrong"]


def _is_explained(claim: Claim) -> bool:
    """Whether a known mistake was found behind a false line: then it is the writer who went wrong there, not the reading."""
    return claim.kind != "number" and not set(claim.mistakes[:1]) <= NO_EXPLANATION


def _is_surely_explained(claim: Claim) -> bool:
    """Whether one mistake alone, and one that a misread name does not look like, explains a false line."""
    return len(claim.mistakes) == 1 and claim.mistakes[0] not in {*NO_EXPLANATION, "dropped-chain-factor"}


def doubted(claims: tuple[Claim, ...], least: int = 4, share: float = 2 / 3) -> tuple[Claim, ...]:
    """If about half of the independent lines look false, the reading is doubted first: they are reported undecided."""
    judged = [c for c in claims if c.kind in ("derivative", "chain", "update", "number") and c.verdict != "uncheckable"]
    false = [c for c in judged if c.verdict == "wrong" and not _is_explained(c)]
    if len(false) < least or len(false) < share * (len(judged) - sum(c.verdict == "carried" for c in judged)):
        return _doubted_beside_open_ones(claims)
    why = "most lines contradict what was understood of the model, so that is doubted first"
    return tuple(_undecided(c, why) if c.verdict in ("wrong", "carried") else c for c in claims)


def _doubted_beside_open_ones(claims: tuple[Claim, ...]) -> tuple[Claim, ...]:
    """Where several derivatives were not understood, a false line that no single mistake explains is undecided, and what follows.

    Measured on documents that nobody had tuned for: of such accusations five in six were false.
    """
    mine = [c for c in claims if c.kind in ("derivative", "chain", "update")]
    is_open = [c for c in mine if c.verdict == "uncheckable" and c.kind != "update" and RIGHT_IF not in c.message]
    least, share = LINES_NOT_UNDERSTOOD
    if len(is_open) < least or len(is_open) < share * len(mine):
        return claims
    weak = {id(c) for c in mine if c.verdict == "wrong" and not _is_surely_explained(c)}
    roots = {c.line for c in claims if id(c) in weak} - {
        c.line for c in claims if c.verdict == "wrong" and id(c) not in weak
    }
    why = "other lines were not understood, which may be behind this as well"
    return tuple(_undecided(c, why) if id(c) in weak or c.root_line in roots else c for c in claims)


def _undecided(claim: Claim, why: str) -> Claim:
    return replace(claim, verdict="uncheckable", message=f"{why}; {claim.message}", mistakes=(), root_line=None)
