"""What mends a line, and where it is registered: a repair undoes one known mistake in one place.

A repair is a small function that gets the scene and yields mended right sides, each with what it did in words. `search` tries
them all; the one that makes the line right names the mistake. A premise is the same for mistakes about the network itself:
it yields what the document would have to be about for the line to be right.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from symderiv.homework.diagnosis.scene import Scene
from symderiv.homework.understanding.terms import Term
from symderiv.homework.understanding.understanding import Understanding
from symderiv.mistakes.codes import BY_CODE


class Mended(NamedTuple):
    """A mended right side and what was wrong, in words that go on '.. is missing'; `code` where it is not the repair's own."""

    term: Term
    words: str
    code: str = ""


class OtherPremise(NamedTuple):
    """A document that says something else in one place, or another left side, for which the line is right."""

    understanding: Understanding
    left: Term
    words: str
    code: str = ""


Repair = Callable[[Scene], Iterator[Mended]]
Premise = Callable[[Scene], Iterator[OtherPremise]]
REPAIRS: list[tuple[str, Repair]] = []
PREMISES: list[tuple[str, Premise]] = []


def repair_of(code: str) -> Callable[[Repair], Repair]:
    """Register the decorated function as what undoes the mistake with this code."""
    assert code in BY_CODE, code

    def register(repair: Repair) -> Repair:
        REPAIRS.append((code, repair))
        return repair

    return register


def premise_of(code: str) -> Callable[[Premise], Premise]:
    """Register the decorated function as what this mistake takes the network for."""
    assert code in BY_CODE, code

    def register(premise: Premise) -> Premise:
        PREMISES.append((code, premise))
        return premise

    return register
