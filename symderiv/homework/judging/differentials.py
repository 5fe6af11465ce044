r"""`dL = tr(E^T dY)`, `dZ = dW X + db 1^T`: how a small change goes on, in documents that derive by differentials.

A differential is true if it holds for every small change of the parameters, or of all; or, with the rest held fixed, for a
change of just what stands on the right.
"""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass, field

from symderiv.homework.judging.comparing import Answer, Comparer
from symderiv.homework.judging.verdicts import Verdict
from symderiv.homework.understanding.arithmetic import Arithmetic, Array, Undefined
from symderiv.homework.understanding.elaboration import CHANGE
from symderiv.homework.understanding.shapes import base_of
from symderiv.homework.understanding.terms import Part, Ref, Term, references_in
from symderiv.homework.understanding.understanding import TARGET_BASES, Understanding
from symderiv.homework.understanding.worlds import Misfit, Unknown, World

FIXED = r"\b(?:fix|constant|hold|keep|only|alone|vary|with respect to|contribut|term|fest|konstant|fij|constante)"
NEAR = 300  # characters of text before a line in which the rest is said to be fixed


@dataclass
class _Moving(Understanding):
    """An understanding in whose worlds quantities have small changes. moving: those of their own; the others follow."""

    moving: frozenset[str] = field(default_factory=frozenset)
    apart: bool = False  # each of the moving ones by itself, though one may depend on another

    def _built(self, at: int, arithmetic: Arithmetic, seed: int) -> World:
        world = super()._built(at, arithmetic, seed)
        directions = self.values([k for k in self.shapes if k in self.moving], arithmetic, seed + 100)
        for key in self.shapes:
            with contextlib.suppress(Misfit, Unknown, Undefined):
                world.point.values[CHANGE + key] = (  # type: ignore[index]
                    directions[key]
                    if key in directions and (self.apart or key not in world.definitions)
                    else _change(world, key, directions)
                )
        return world


def _change(world: World, key: str, directions: dict[str, Array]) -> Array:
    total = world.quantity(key).array * 0
    for moved, direction in directions.items():
        if moved != key and world.depends(key, moved):
            local = world.jacobian(Ref(key), Ref(moved)).array
            total = total + (local * direction).sum(axis=(-1, -2), keepdims=local.ndim == 2)
    return total


def changes_in(term: Term) -> set[str]:
    """The quantities whose differentials stand in a term."""
    return {r.key.removeprefix(CHANGE) for r in references_in(term) if r.key.startswith(CHANGE)}


def judge_differential(understanding: Understanding, at: int, left: Term, right: Term) -> Verdict | None:
    """The verdict for an equation between differentials; None for one without."""
    on_right, on_left = changes_in(right), changes_in(left)
    if not on_right or not on_left:
        return None
    parameters = frozenset(k for k in (*understanding.weights, *understanding.biases) if base_of(k) not in TARGET_BASES)
    leaves = frozenset(k for k in understanding.shapes if k not in understanding.definitions_at(at))
    answers = [_holds(understanding, at, left, right, moving, False) for moving in (parameters, leaves)]
    if Answer.EQUAL in answers:
        return Verdict("correct", "derivative")
    alone = isinstance(left, Part) and _holds(understanding, at, left, right, frozenset(on_right), True) is Answer.EQUAL
    if alone and (len(on_right) == 1 or _is_fixed(understanding, at)):
        return Verdict("correct", "derivative", "what does not stand here is held fixed")
    if alone or Answer.UNDECIDED in answers:
        return Verdict("uncheckable", "derivative", "true only if nothing else changes, which is not said")
    return Verdict("wrong", "derivative", "the differential is another", mistakes=("unrecognised",))


def _holds(
    understanding: Understanding, at: int, left: Term, right: Term, moving: frozenset[str], apart: bool
) -> Answer:
    fields = {k: getattr(understanding, k) for k in understanding.__dataclass_fields__}
    anew = _Moving(**fields, moving=moving, apart=apart)
    anew.shapes = {**anew.shapes}
    try:
        return Comparer(anew, at).compare(left, right).answer
    except (Misfit, Unknown, Undefined):
        return Answer.UNDECIDED


def _is_fixed(understanding: Understanding, at: int) -> bool:
    start = understanding.document.statements[at].span[0]
    return re.search(FIXED, understanding.document.text[max(0, start - NEAR) : start], re.IGNORECASE) is not None
