r"""`Case u > 0:` before lines about a ReLU or a hinge: they are judged where that holds, and nowhere else."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fractions import Fraction

from symderiv.homework.judging.comparing import OTHER_SEEDS, Answer, Comparer
from symderiv.homework.judging.situation import Situation
from symderiv.homework.judging.verdicts import Verdict
from symderiv.homework.reading.plainly import to_text
from symderiv.homework.understanding.arithmetic import Arithmetic, Machine, Undefined
from symderiv.homework.understanding.elaboration import NotUnderstood
from symderiv.homework.understanding.symbols import LayerOpen
from symderiv.homework.understanding.terms import Add, Apply, Compare, Const, Part, Term
from symderiv.homework.understanding.understanding import Understanding
from symderiv.homework.understanding.worlds import Misfit, Unknown, World

WORDS = re.compile(
    r"\b(?:case|if|when|where|for|suppose|assume|say|otherwise|wenn|falls|Fall|si|cuando|caso|supongamos|quand|cas|se|quando|caso)\b[^.]*$",
    re.IGNORECASE,
)
ACTIVE = re.compile(
    r"\b(?:positive?[ensr]?|positiv[aoe]?s?|active?s?|aktiv\w*)\b|\b(?:derivative|slope|Ableitung|dérivée|derivada|derivata)\b[^.]{0,60}"
    r"\b(?:1|one|eins|un|uno|um)\b",
    re.IGNORECASE,
)
SIGNS = frozenset({"<", ">", "<=", ">="})
FAR = 900  # characters after which a case is over
MOST_TRIED = 80  # points at which a case is looked for


@dataclass
class _Within(Understanding):
    """An understanding whose worlds are those in which a case holds, by their seeds."""

    seeds: tuple[int, ...] = field(default=(0,))

    def world(self, at: int, arithmetic: Arithmetic, seed: int = 0) -> World:
        return super().world(at, arithmetic, self.seeds[seed % len(self.seeds)])


def judge_in_case(situation: Situation, at: int, left: Term, right: Term, kind: str) -> Verdict | None:
    """Right where the case that was announced before it holds; None for a line under no case, or false there, too."""
    understanding = situation.understanding
    case = _case_before(situation, at) or _case_of_numbers(situation, at)
    if case is None or not understanding.world(at, Machine).has_kinks:
        return None
    condition, words = case
    seeds: list[int] = []
    for seed in range(MOST_TRIED):
        if len(seeds) > len(OTHER_SEEDS):
            break
        try:
            world = understanding.world(at, Machine, seed)
            reading = understanding.reader(at, True).readings(condition)[0]
            if bool((world.evaluate(reading.term).array == 1).all()):
                seeds.append(seed)
        except (Misfit, Unknown, Undefined):
            return None
    if not seeds:
        return None
    fields = {k: getattr(understanding, k) for k in understanding.__dataclass_fields__}
    found = Comparer(_Within(**fields, seeds=tuple(seeds)), at).compare(left, right)
    if found.answer is not Answer.EQUAL:
        return None
    accepted = situation.accepted(found, kind)
    return accepted if accepted.verdict != "correct" else Verdict("correct", kind, f"where {words}")


def _case_of_numbers(situation: Situation, at: int) -> tuple[Term, str] | None:
    """The side of a ReLU's kink on which the given numbers lie, where the text says that its units are active."""
    if not any(ACTIVE.search(sentence.text) for sentence in situation.understanding.document.sentences):
        return None
    world = situation.numbers.world(at, False)
    if world is None:
        return None
    for definition in situation.understanding.definitions:
        match definition.term:
            case Apply("relu", 0, Part(key, ()) as inner):
                try:
                    value = world.quantity(key).array
                except (Misfit, Unknown, Undefined):
                    return None
                return (Compare(inner, ">", Const(Fraction(0))), f"{key} > 0") if (value > 0).all() else None
    return None


def _case_before(situation: Situation, at: int) -> tuple[Term, str] | None:
    """The inequality that stands alone before a line, after a word such as `case`, and ends in a colon or its line."""
    document = situation.understanding.document
    start = document.statements[at].span[0]
    for statement in reversed(document.statements[:at]):
        if start - statement.span[1] > FAR:
            return None
        if len(statement.sides) != 2 or statement.relations[0] not in SIGNS:
            continue
        after = document.text[statement.span[1] : statement.span[1] + 60]
        if not WORDS.search(statement.lead) or not re.match(
            r"[\s$)\\]*(?:\([^)]*\))?[^.\n:]{0,40}(?::|\n\s*\n|\s*\n\s*\$\$)", after
        ):
            continue
        elaborator = situation.elaborator(situation.inference.base_layers)
        try:
            one, other = (elaborator.term(side.node) for side in statement.sides)
        except (NotUnderstood, LayerOpen):
            return None
        sign = statement.relations[0]
        words = f"{to_text(statement.sides[0].node)} {sign} {to_text(statement.sides[1].node)}"
        return Compare(Add(((1, one), (-1, other))), sign, Const(Fraction(0))), words
    return None
