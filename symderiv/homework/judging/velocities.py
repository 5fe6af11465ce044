r"""Momentum: `v \leftarrow \mu v - \eta g`, a velocity that gathers a gradient, and the steps `w \leftarrow w + v` along it."""

from __future__ import annotations

from collections.abc import Iterator

from symderiv.homework.judging.comparing import Answer
from symderiv.homework.judging.situation import Situation
from symderiv.homework.judging.verdicts import Verdict
from symderiv.homework.understanding.arithmetic import Machine
from symderiv.homework.understanding.given_values import DATUM_BASES
from symderiv.homework.understanding.key_names import shown_name
from symderiv.homework.understanding.shapes import base_of
from symderiv.homework.understanding.symbols import Reference
from symderiv.homework.understanding.terms import ONE, Add, Const, Jacobian, Part, Sloppy, Term, references_in


class Velocities:
    """What gathers gradients, in the order of the lines."""

    def __init__(self, situation: Situation) -> None:
        self.situation = situation
        self._found: dict[str, tuple[str, int]] = {}  # the parameter whose gradient it gathers, and with which sign

    def velocity(self, at: int, reference: Reference, right: Term, sign: str) -> Verdict | None:
        """`v := mu v - eta dL/dw`; None if the loss depends on it, or it does not keep a share of itself."""
        understanding = self.situation.understanding
        loss = understanding.loss
        if loss is None or not isinstance(right, Add) or len(right.terms) < 2:
            return None
        if understanding.world(at, Machine).depends(loss, reference.key):
            return None
        kept = [t for _, t in right.terms if any(r.key == reference.key for r in references_in(t))]
        gathered = tuple(t for t in right.terms if t[1] not in kept)
        if len(kept) != 1 or not isinstance(kept[0], Sloppy) or not gathered:
            return None  # `Delta := Delta + ..` keeps all of itself
        rest = gathered[0][1] if len(gathered) == 1 and gathered[0][0] > 0 else Add(gathered)
        shares = list(_factors(rest))
        for key in self._parameters(at, loss):
            gradient = Jacobian(Part(loss, ()), Part(key, ()))
            for way, share in ((s, share) for share in shares for s in (1, -1)):
                along = gradient if share == ONE else Sloppy((share, gradient), ("",))
                if self.situation.compare(at, Add(((way, along),)), rest).answer is Answer.EQUAL:
                    self._found[reference.key] = key, way
                    return Verdict("correct", "update", f"gathers the derivative by {shown_name(key)}")
        why = f"what {shown_name(reference.key)} gathers is not the derivative by a parameter"
        return Verdict("uncheckable", "update", why) if sign != "=" else None

    def _parameters(self, at: int, loss: str) -> list[str]:
        """What the loss depends on and nothing works out, but for inputs and targets."""
        formulas = self.situation.understanding.definitions_at(at)
        reached, pending = {loss}, [loss]
        while pending:
            new = {r.key for r in references_in(formulas.get(pending.pop(), ONE))} - reached
            reached |= new
            pending += new
        return sorted(key for key in reached - formulas.keys() if base_of(key) not in DATUM_BASES)

    def step(self, left: Term, right: Term) -> Verdict | None:
        """`w := w + v`, `w := w - eta v` along a velocity; None without one."""
        match right:
            case Add(((1, old), (sign, along))) if old == left and isinstance(left, Part):
                keys = [r.key for r in references_in(along) if r.key in self._found]
                if len(keys) != 1 or not isinstance(along, (Part, Sloppy)):
                    return None
                parameter, gathered = self._found[keys[0]]
                if parameter != left.key:
                    return Verdict("uncheckable", "update", f"{keys[0]} gathers the derivative by {parameter}")
                if sign * gathered < 0:
                    return Verdict("correct", "update", f"a step along {keys[0]}")
                why = "the step goes up the gradient, not down"
                return Verdict("wrong", "update", why, mistakes=("update-sign",))
        return None


def _factors(rest: Term) -> Iterator[Term]:
    """What the gradient may be multiplied by: 1, a number, a letter or `1 - beta` that stands as a factor."""
    yield ONE
    for _, term in rest.terms if isinstance(rest, Add) else ((1, rest),):
        factors = term.factors if isinstance(term, Sloppy) else ()
        yield from (f for f in factors if isinstance(f, (Const, Part)) or (isinstance(f, Add) and (1, ONE) in f.terms))
