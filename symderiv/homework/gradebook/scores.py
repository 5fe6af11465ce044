"""What a marking is worth, by one rule that is printed wherever a score stands."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from symderiv.homework.marking import Claim

RULE = (
    "Every line with a verdict is one point, and a wrong one loses it. A line that is carried over from an earlier mistake"
    " keeps its point: the mistake is charged once, where it was made. A line that could not be decided is neither right nor"
    " wrong: it does not count, and a person has to look at it. The score is the share of the points, in percent."
)
COSTLY = ("wrong",)
OPEN = ("uncheckable",)
UNKNOWN = "unrecognised"
"""The code of what is false without a name."""


@dataclass(frozen=True, slots=True)
class Score:
    """Points reached, out of how many."""

    points: int
    possible: int

    @property
    def percent(self) -> float | None:
        """The share; None where nothing could be decided."""
        return round(100 * self.points / self.possible, 2) if self.possible else None


def counts(claim: Claim) -> bool:
    """Whether a claim is a point to reach."""
    return claim.verdict not in OPEN


def costs(claim: Claim) -> bool:
    """Whether a claim loses its point."""
    return claim.verdict in COSTLY


def score_of(claims: Iterable[Claim]) -> Score:
    """The score by RULE."""
    counted = [claim for claim in claims if counts(claim)]
    return Score(sum(not costs(claim) for claim in counted), len(counted))


def charged(claims: Iterable[Claim]) -> list[str]:
    """The likeliest mistake of each line that costs something, each once, as they come; what has no name is UNKNOWN."""
    return list(dict.fromkeys((claim.mistakes or (UNKNOWN,))[0] for claim in claims if costs(claim)))
