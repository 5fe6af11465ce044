"""Steps of gradient descent: `w := w - rate dL/dw`, also along a direction, averaged, or added up sample after sample."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator
from fractions import Fraction

from symderiv.homework.judging.comparing import Answer, Comparer
from symderiv.homework.judging.otherwise import Otherwise, says_rows
from symderiv.homework.judging.own_lines import OwnLines
from symderiv.homework.judging.pieces import judge_in_case
from symderiv.homework.judging.situation import Situation
from symderiv.homework.judging.unknowns import Unknowns
from symderiv.homework.judging.velocities import Velocities
from symderiv.homework.judging.verdicts import Verdict
from symderiv.homework.reading import formulas as f
from symderiv.homework.understanding.arithmetic import Machine, Undefined
from symderiv.homework.understanding.elaboration import (
    is_number,
    without_indices,
)
from symderiv.homework.understanding.key_names import shown_name
from symderiv.homework.understanding.shapes import RATES, base_of
from symderiv.homework.understanding.symbols import EACH, HYPER_BASES, LOSS_BASES, Reference
from symderiv.homework.understanding.terms import (
    ONE,
    Add,
    Apply,
    Const,
    Jacobian,
    Over,
    Part,
    SizeOf,
    Sloppy,
    SumOver,
    Term,
    Transpose,
    everything_in,
    mapped,
    references_in,
)
from symderiv.homework.understanding.worlds import Misfit, Unknown

UP = r"\bmaximi[sz]|\bmaximier|\bascent\b|\buphill\b|\bAufstieg|\bmaximis|\bmaximizar"
MINI_BATCH = r"mini-?(?:batch|lot)"
OF_SOME = (
    rf"stochasti|stochasty|estoc[aá]stic|\bSGD\b|{MINI_BATCH}|\bon-?line\b|"
    r"(?:one|a single|single|each|every) (?:\w+ )?(?:sample|example|pattern)|"
    r"einzelne[snm]? (?:Beispiel|Muster)|un (?:seul )?exemple|un (?:solo )?ejemplo|um (?:único )?exemplo|un singolo esempio"
)
DOWN = r"\bminimi[sz]|\bminimier|\bdescent\b|\bdownhill\b|\bAbstieg|\bdescente\b|\bdescenso\b"


class Updates:
    """Judges steps of parameters."""

    def __init__(self, situation: Situation, own_lines: OwnLines, unknowns: Unknowns, otherwise: Otherwise) -> None:
        self.situation, self.own_lines, self.unknowns = situation, own_lines, unknowns
        self.otherwise = otherwise
        self.velocities = Velocities(situation)
        self.inference, self.understanding = situation.inference, situation.understanding

    def update(self, at: int, reference: Reference, left: Term, right: Term, sign: str) -> Verdict | None:
        """`w := w - rate dL/dw`, also with `w_new`, or `Delta w = - rate dL/dw`."""
        base = base_of(reference.key)
        if base in LOSS_BASES:
            return None
        old = [r for r in references_in(right) if r.key == reference.key or self._is_old(r.key, reference)]
        if not old or not isinstance(right, (Add, Sloppy)):
            return None
        if (
            isinstance(right, Add)
            and len(right.terms) == 2
            and right.terms[0] == (1, left)
            and right.terms[1] == (1, self._step_of(left))
        ):
            return Verdict("correct", "update")
        if self.understanding.loss is None:
            down = (
                isinstance(right, Add) and right.terms[0] == (1, left) and all(sign < 0 for sign, _ in right.terms[1:])
            )
            return (
                Verdict("correct", "update", "an update")
                if down
                else Verdict("uncheckable", "update", "the loss is nowhere named")
            )
        momentum = self.velocities.step(left, right) or self.velocities.velocity(at, reference, right, sign)
        if momentum is not None:
            return momentum
        keys = [r.key for r in references_in(right) if base_of(r.key) in HYPER_BASES and r.key != reference.key]
        rates = [Part(key, ()) for key in dict.fromkeys(keys)]
        if not rates:
            return self._by_number(at, old[0], right) or self._accumulated(at, reference, left, right)
        del base
        quantity = old[0]
        key = self._parameter(at, quantity.key)
        place = Part(key, quantity.indices if isinstance(quantity, Part) else ())
        along = self._along_direction(at, quantity, rates, right)
        if along is not None:
            return along
        tops: list[Term] = [Part(self.understanding.loss, ())]
        latest = self._latest_loss(at)
        if latest is not None and latest not in tops:
            tops = [latest] if self._sums_samples(right) else [*tops, latest]  # not a step down the loss of one
        tops += [
            p.top
            for p in everything_in(right)
            if isinstance(p, Jacobian) and p.top not in tops and (p.bottom.key == key or self._is_of_one(p.top, right))
        ]
        gradient = Jacobian(tops[0], place)
        tops.sort(key=lambda top: not self._is_of_one(top, right))
        for rate, top in ((r, t) for r in rates for t in tops):
            expected = _step(quantity, -1, rate, Jacobian(top, place))
            if expected == right:
                return Verdict("correct", "update")
            found = self.situation.compare(at, expected, right)
            if found.answer is Answer.EQUAL:
                in_words = any(isinstance(p, Jacobian) and p.bottom.key == key for p in everything_in(right))
                if not in_words and not self.situation.depends(at, Jacobian(top, place)):  # 0 = 0
                    return Verdict("uncheckable", "update", self.situation.unlinked(top, key))
                accepted = self.situation.accepted(found, "update")
                turned = _step(quantity, -1, rate, Transpose(Jacobian(top, place)))
                if accepted.verdict == "wrong" and says_rows(self.understanding.document.text) and right == turned:
                    return Verdict("correct", "update", "derivatives are rows here, and turned for the step")
                return (accepted.verdict == "wrong" and self._carried(at, place, rates[0], right)) or accepted
            if found.answer is Answer.UNDECIDED:
                return Verdict("uncheckable", "update", found.reason)
        unknown = self.unknowns.unknown_leaf(at, quantity, right)
        if unknown is not None:
            return Verdict("uncheckable", "update", f"what {unknown} stands for is not known")
        averaged = self._averaged_step(at, quantity, rates[0], gradient, right)
        if averaged is not None:
            return averaged
        ascent = _step(quantity, 1, rates[0], gradient)
        if self.situation.compare(at, ascent, right).answer is Answer.EQUAL:
            return self._down_or_up(at, 1, place, rates[0], right)
        step = _step(quantity, -1, rates[0], gradient)
        within = judge_in_case(self.situation, at, step, right, "update")
        if within is not None:
            return within
        some = self._of_some_samples(at, [_step(quantity, -1, rate, gradient) for rate in rates], right)
        if some is not None:
            return some
        message = "this is not the step down the gradient"
        return self._carried(at, place, rates[0], right) or Verdict(
            "wrong", "update", message, mistakes=("unrecognised",), sides=(step, right)
        )

    def _of_some_samples(self, at: int, steps: Iterable[Term], right: Term) -> Verdict | None:
        """A step along the gradient of one sample, or of some of them, where the words before it say so."""
        words = self.situation.words_before(self.understanding.document.statements[at].span[0])
        if not self.understanding.axes.batch or re.search(OF_SOME, words, re.IGNORECASE) is None:
            return None
        one = self.otherwise.with_one_sample.with_loss(_without_mean)
        with contextlib.suppress(Misfit, Unknown, Undefined):
            for step in steps:
                found = Comparer(one, at).compare(step, right)
                if found.answer is Answer.EQUAL and self.situation.accepted(found, "update").verdict == "correct":
                    return Verdict("correct", "update", "a step along the gradient of one sample")
        if re.search(MINI_BATCH, words, re.IGNORECASE) is not None and self._sums_samples(right):
            return Verdict("uncheckable", "update", "a step along the gradient of some of the samples")
        return None

    def _carried(self, at: int, place: Part, rate: Part | Const, right: Term) -> Verdict | None:
        """A false step along an own false derivative."""
        root = self.own_lines.carried_step(at, place, rate, right, 1 if self._goes_up(at) else -1)
        if root is None:
            return None
        return Verdict("carried", "update", f"false, but it follows from line {root}", root=root)

    def _latest_loss(self, at: int) -> Part | None:
        """The loss whose derivative was worked out last: a document that compares two takes a step down the second, too."""
        formulas = self.understanding.definitions_at(at)
        for statement in reversed(self.understanding.document.statements[:at]):
            for derivative in (side.node for side in statement.sides if isinstance(side.node, f.Derivative)):
                top = self.inference.closed(derivative.top) if derivative.top is not None else None
                if top is not None and base_of(top.key) in LOSS_BASES and top.key in formulas and not top.indices:
                    return Part(top.key, ())
        return None

    def _goes_up(self, at: int) -> bool:
        """Whether the text before speaks of maximising, and not of minimising since."""
        before = self.understanding.document.text[: self.understanding.document.statements[at].span[0]]
        up, down = (max((m.start() for m in re.finditer(w, before, re.IGNORECASE)), default=-1) for w in (UP, DOWN))
        return up > down or (up == down and self._is_likelihood(at))

    def _is_likelihood(self, at: int) -> bool:
        r"""Whether the logarithms of probabilities are added, `\sum_i y_i \log p_i + ..`: that is to become large."""
        loss = self.understanding.definitions_at(at).get(self.understanding.loss or "")
        signs = set(_signs_of_logarithms(loss, 1)) if loss is not None else set()
        return signs == {1}

    def _sums_samples(self, right: Term) -> bool:
        """Whether a sum over the samples is written."""
        letters = self.understanding.axes.sample_letters or self.inference.sample_letters
        return any(isinstance(p, SumOver) and p.along.removeprefix("letter:") in letters for p in everything_in(right))

    def _is_of_one(self, top: Term, right: Term) -> bool:
        """The E_p of a step that is taken for each pattern p, and not for their sum."""
        letters = top.indices if isinstance(top, Part) and top.key == f"{self.understanding.loss}{EACH}" else ()
        summed = {p.along for p in everything_in(right) if isinstance(p, SumOver)}
        counted = set(letters) & self.understanding.axes.sample_letters
        return bool(counted) and not summed & {"samples", "all", *(f"letter:{x}" for x in counted)}

    def _by_number(self, at: int, old: Term, right: Term) -> Verdict | None:
        """`w - 0.1 dL/dw`: the rate is a number of the line, or one that the document says."""
        numbers = _factors_of_step(old, right)
        if not numbers or self.understanding.loss is None or not isinstance(old, Part):
            return None
        place = Part(self._parameter(at, old.key), old.indices)
        gradient = Jacobian(Part(self.understanding.loss, ()), place)
        if not self.situation.depends(at, gradient):
            return None
        stated = [Const(Fraction(str(rate))) for rate in self.situation.numbers.said_rates(at)]
        rates = [*numbers, *stated]
        if not stated:  # a 2 may have come in
            rates += [Const(rate.value * c) for rate in numbers for c in (Fraction(1, 2), Fraction(2))]
        for sign in (-1, 1):
            for rate in rates:
                found = self.situation.compare(at, _step(old, sign, rate, gradient), right)
                if found.answer is Answer.UNDECIDED:
                    return Verdict("uncheckable", "update", found.reason)
                if found.answer is Answer.EQUAL:
                    return self._down_or_up(at, sign, place, rate, right) or self.situation.accepted(found, "update")
        carried = (self._carried(at, place, rate, right) for rate in (*numbers, *stated))
        step = _step(old, -1, (stated or numbers)[0], gradient)
        message = "this is not the step down the gradient"
        return next((c for c in carried if c is not None), None) or Verdict(
            "wrong", "update", message, mistakes=("unrecognised",), sides=(step, right)
        )

    def _down_or_up(self, at: int, sign: int, place: Part, rate: Part | Const, right: Term) -> Verdict | None:
        """What is to be said of a step along the gradient that goes up; None of one that goes down."""
        if sign < 0:
            return None
        if self._goes_up(at):
            return Verdict("correct", "update", "a step up: this is to become as large as possible")
        message = "the step goes up the gradient, not down"
        carried = self._carried(at, place, rate, right)  # down the own derivative, whose sign is flipped
        return carried or Verdict("wrong", "update", message, mistakes=("update-sign",))

    def _accumulated(self, at: int, reference: Reference, left: Term, right: Term) -> Verdict | None:
        """`Delta := Delta + delta a^T`, sample after sample: the gradient of the data's part of the loss, before the mean."""
        if not isinstance(right, Add) or len(right.terms) != 2 or right.terms[0] != (1, left) or right.terms[1][0] < 0:
            return None
        if any(d.key == reference.key for d in self.understanding.definitions) or self.understanding.loss is None:
            return None
        loss = self.understanding.loss
        anew = self.understanding.with_loss(lambda term: _of_the_data(term, self.understanding.later))
        for parameter in (*self.understanding.weights, *self.understanding.biases):
            gradient: Term = Jacobian(Part(loss, ()), Part(parameter, ()))
            if self.understanding.later:  # delta is n times the derivative then
                gradient = Sloppy((SizeOf("#n"), gradient), ("",))
            for part in (right.terms[1][1], SumOver("formal", right.terms[1][1])):
                with contextlib.suppress(Misfit, Unknown, Undefined):
                    if Comparer(anew, at).compare(gradient, part).answer is Answer.EQUAL:
                        self.situation.learn(reference.key, self.situation.as_read(part))
                        return Verdict("correct", "update", f"adds up the derivative by {shown_name(parameter)}")
        return Verdict("uncheckable", "update", f"what {shown_name(reference.key)} adds up is not known")

    def _averaged_step(self, at: int, old: Term, rate: Part, gradient: Jacobian, right: Term) -> Verdict | None:
        """`w - (rate/m) dJ/dw`: the mean over the samples taken in the step, if the loss does not take it."""
        one = _of_one_example(right)
        if one is not None:
            step = Sloppy((rate, gradient), ("",))
            if self.situation.compare(at, Add(((1, old), (-1, step))), one).answer is Answer.EQUAL:
                return Verdict("correct", "update", "the mean over the examples of what was said of one")
        body = self.understanding.definitions_at(at).get(self.understanding.loss or "")
        for size in self.understanding.symbols.sizes:
            step = Sloppy((Over(rate, SizeOf(size)), gradient), ("",))
            if self.situation.compare(at, Add(((1, old), (-1, step))), right).answer is Answer.EQUAL:
                if body is None or not any(isinstance(p, SizeOf) for p in everything_in(body)):
                    return Verdict("correct", "update", f"1/{size} is taken in the step")
                return Verdict(
                    "wrong", "update", f"1/{size} is in the loss already", mistakes=("repeated-mean-factor",)
                )
        return None

    def _along_direction(self, at: int, old: Term, rates: list[Part], right: Term) -> Verdict | None:
        """A step along a direction that the document makes of the gradient; None if the step does not mention it."""
        direction = self.understanding.direction_of(getattr(old, "key", ""), at)
        if direction is None or all(r.key != direction[0] for r in references_in(right)):
            return None
        own, sign = Part(direction[0], ()), direction[1]
        steps: list[Term] = [own] if sign < 0 else [Sloppy((rate, own), ("",)) for rate in rates]
        if any(right == Add(((1, old), (-sign, step))) for step in steps):
            return Verdict("correct", "update", f"a step along {shown_name(own.key)}")
        if any(right == Add(((1, old), (sign, step))) for step in steps):
            return Verdict("wrong", "update", "the step goes up the gradient, not down", mistakes=("update-sign",))
        return Verdict("uncheckable", "update", f"a step along {shown_name(own.key)}, in another form than usual")

    def _step_of(self, left: Term) -> Term | None:
        rate, loss = self.inference.elaborator.step_rate, self.understanding.loss
        if rate is None or loss is None or not isinstance(left, Part):
            return None
        return self.inference.elaborator.step_along(rate, Jacobian(Part(loss, ()), left))

    def _parameter(self, at: int, key: str) -> str:
        """The w of w_old, where the network has w alone."""
        world, loss = self.understanding.world(at, Machine), self.understanding.loss or ""
        bare = key.replace("[old]", "")
        return bare if not world.depends(loss, key) and world.depends(loss, bare) else key

    @staticmethod
    def _is_old(key: str, reference: Reference) -> bool:
        return (
            base_of(key) == base_of(reference.key)
            and key != reference.key
            and ("old" in key or any(word in reference.key for word in ("new", "plus", "+")))
        )


def _factors_of_step(old: Term, right: Term) -> list[Const]:
    """The positive numbers that a step is multiplied by, if it is more than numbers."""
    if not isinstance(right, Add) or len(right.terms) != 2 or right.terms[0] != (1, old):
        return []
    step = right.terms[1][1]
    factors = [f for part in everything_in(step) if isinstance(part, Sloppy) for f in part.factors]
    return [f for f in factors if isinstance(f, Const) and f.value > 0] if not is_number(step) else []


def _step(old: Term, sign: int, rate: Term, gradient: Term) -> Term:
    """The old value with the rate times a derivative; the weights `w_k` of one unit are kept as a row, meant as a column."""
    step = Add(((1, old), (sign, Sloppy((rate, gradient), ("",)))))
    return Transpose(step) if isinstance(old, Part) and None in old.indices else step


def _signs_of_logarithms(term: Term, sign: int) -> Iterator[int]:
    """The signs with which `y log p` is added; a `log(1 + e^z)` is of another kind."""
    match term:
        case Add(terms):
            for each, part in terms:
                yield from _signs_of_logarithms(part, sign * each)
        case SumOver(_, body):
            yield from _signs_of_logarithms(body, sign)
        case Sloppy(factors, _) if any(isinstance(x, Apply) and x.function == "log" for x in factors):
            yield sign
        case Sloppy(factors, _):
            for part in factors:
                yield from _signs_of_logarithms(part, sign)


def _of_one_example(term: Term) -> Term | None:
    r"""`w - \eta \delta a^T` for `w - \frac{\eta}{m} \sum_x \delta^x (a^x)^T`, where x is an example; None if it is no such mean."""
    match term:
        case Add((first, (sign, Sloppy((Over(rate, SizeOf()), SumOver(along, body)), marks)))):
            letter = along.removeprefix("letter:")
            one = without_indices(body, frozenset({letter}))
            return Add((first, (sign, Sloppy((rate, one), marks)))) if one != body else None
    return None


def _without_mean(term: Term) -> Term:
    """A loss whose sum over the samples is not divided by how many there are."""
    return ONE if isinstance(term, SizeOf) else mapped(term, _without_mean)


def _of_the_data(term: Term, keep_mean: bool) -> Term:
    """A loss without its penalties, and without its mean unless that is kept."""
    match term:
        case Add(terms):
            data = [(s, t) for s, t in terms if not any(base_of(r.key) in RATES for r in references_in(t))]
            return Add(tuple((s, _of_the_data(t, keep_mean)) for s, t in data)) if data else term
        case Sloppy(factors, marks) if not keep_mean and any(_is_mean(f) for f in factors):
            rest = tuple(f for f in factors if not _is_mean(f))
            return rest[0] if len(rest) == 1 else Sloppy(rest, marks[: len(rest) - 1])
    return term


def _is_mean(term: Term) -> bool:
    """`1/m`."""
    return (
        isinstance(term, Over)
        and any(isinstance(p, SizeOf) for p in everything_in(term.right))
        and is_number(term.left)
    )
