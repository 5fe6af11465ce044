"""Names the mistakes of a document that was judged: each false line gets the causes that explain it, and says how one sees it."""

from __future__ import annotations

import contextlib
from dataclasses import replace

from symderiv.homework.diagnosis.conditions import condition_of
from symderiv.homework.diagnosis.numbers import causes_of_number
from symderiv.homework.diagnosis.scene import Scene
from symderiv.homework.diagnosis.search import Budget, Cause, Search
from symderiv.homework.diagnosis.terms_said import spelled
from symderiv.homework.judging.judge import Judge
from symderiv.homework.judging.verdicts import RIGHT_IF, nothing_lost
from symderiv.homework.marking import Claim
from symderiv.homework.understanding.patience import TookTooLong
from symderiv.homework.understanding.terms import Term

UNNAMED = {"unrecognised", "missing-transpose", "elementwise-for-matmul"}  # the judge says no more than that

NUMBERS = {"arithmetic-slip", "wrong-value-inserted", "sign"}


def diagnosed(judge: Judge, claims: tuple[Claim, ...]) -> tuple[Claim, ...]:
    """The claims with what is wrong in the wrong ones."""
    out, budget = list(claims), Budget()
    for place, (at, left, right) in judge.suspects.items():
        if out[place].verdict == "wrong" and set(out[place].mistakes) <= UNNAMED:
            with nothing_lost():
                out[place] = _named(out[place], causes_of(judge, at, left, right, budget))
    for place, (at, number) in judge.false_numbers.items():
        if out[place].verdict == "wrong" and set(out[place].mistakes) <= NUMBERS:
            with nothing_lost():
                scene = Scene(judge.situation, at, number.left, number.left)
                with spelled(scene.spellings):
                    causes = causes_of_number(scene, number)
                out[place] = _explained(out[place], causes)
                is_slip = number.follows is False or number.updated  # whatever the values are, or by the new ones
                if not causes and not is_slip:
                    _doubt_other_value(out, place)
    with nothing_lost(), contextlib.suppress(TookTooLong):
        found = condition_of(judge.situation, judge.open_lines)
        for place in found[1] if found is not None else ():
            words = f"{out[place].message}; {RIGHT_IF} {judge.understanding.loss} is {found[0]}"  # type: ignore[index]
            out[place] = replace(out[place], message=words)
    return tuple(out)


def causes_of(judge: Judge, at: int, left: Term, right: Term, budget: Budget) -> list[Cause]:
    """What explains a false relation."""
    scene = Scene(judge.situation, at, left, right)
    with spelled(scene.spellings):
        found = Search(scene, judge.own_lines, budget).causes()
        if not found and judge.otherwise.with_one_output is not None:  # nothing says that there are more
            found = Search(replace(scene, variant=judge.otherwise.with_one_output), budget=budget).causes()
        return found


def _explained(claim: Claim, causes: list[Cause]) -> Claim:
    """A false number with what led to it, as far as its digits say."""
    if not causes:
        return claim
    codes = tuple(dict.fromkeys(code for cause in causes for code in cause.codes))
    words = [cause.words for cause in causes if cause.words]
    return replace(claim, mistakes=codes, message="; ".join([claim.message, *words[:2]]))


def _doubt_other_value(out: list[Claim], place: int) -> None:
    """A value that nothing explains, of what had its true value in an earlier line: of another sample, or after another step.

    What follows from it, and nothing else of its line, is as open.
    """
    claim = out[place]
    quantity, value = _parted(claim)
    before = [_parted(c)[1] for c in out[:place] if c.verdict in ("correct", "notation") and _parted(c)[0] == quantity]
    is_bare = not claim.source.startswith("=")  # c = a b = -7: the value of what stands there
    if is_bare and before and value not in before:
        is_root = all(c.verdict != "wrong" for c in out if c.line == claim.line and c is not claim)
        for k, c in enumerate(out):
            if c is claim or (is_root and c.verdict == "carried" and c.root_line == claim.line):
                words = f"an earlier line has another value, so this may be another sample or step; {c.message}"
                out[k] = replace(c, verdict="uncheckable", message=words, mistakes=(), root_line=None)


def _parted(claim: Claim) -> tuple[str, str]:
    """What the number of a claim is of, and the number, as they were read; nothing of another claim."""
    quantity, _, value = claim.reading.partition(" = ")
    return (quantity, value) if claim.kind == "number" else ("", "")


def _named(claim: Claim, causes: list[Cause]) -> Claim:
    """A false relation with what explains it, and what would be right."""
    if not causes:
        return claim
    codes = tuple(dict.fromkeys(code for cause in causes for code in cause.codes))
    first, *others = causes
    message = first.words + (": with that mended, the line is right" if first.mended else "")
    if others:
        message += "; it may also be that " + ", or ".join(other.words for other in others[:2])
    return replace(claim, mistakes=codes, message=message, expected=claim.expected or first.mended)
