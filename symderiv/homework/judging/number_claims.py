"""One side with numbers: against the exact value, the printed ones and the side before it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from symderiv.homework.judging.comparing import Answer
from symderiv.homework.judging.numbers import NumberWorlds, Printed, jacobian_key
from symderiv.homework.judging.situation import Situation
from symderiv.homework.judging.verdicts import PREMISE, FalseNumber, Subject, Verdict
from symderiv.homework.reading import formulas as f
from symderiv.homework.reading.statements import Side, Statement
from symderiv.homework.understanding.arithmetic import Array
from symderiv.homework.understanding.elaboration import replaced
from symderiv.homework.understanding.given_values import DATA_BASES, LOSS_NAMES, Event, is_rate, names_before
from symderiv.homework.understanding.key_names import shown_name
from symderiv.homework.understanding.literals import (
    EXACT,
    agrees,
    fitted,
    is_numeric,
    literal,
    literals_in,
    mapped,
    shown,
    uncertainty,
    with_number,
)
from symderiv.homework.understanding.symbols import Reference
from symderiv.homework.understanding.terms import (
    ONE,
    Add,
    Apply,
    Const,
    Jacobian,
    Part,
    Power,
    Sloppy,
    Stack,
    SumOver,
    Term,
    everything_in,
    references_in,
)
from symderiv.homework.understanding.understanding import ACTIVATION_WORDS

RESULT_WORDS = (
    r"\b(?:so|thus|hence|therefore|then|we get|gives?|output|result|yields?|becomes|evaluates|also|ergibt|entonces)\b"
)
CHOSEN_WORDS = (
    r"\b(?:take|suppose|assume|let|say|example|for instance|if|Beispiel|angenommen|nehmen|sei|exemple|prenons|supposons|"
    r"ejemplo|supongamos|tomemos|esempio|supponiamo|prendiamo|exemplo|suponha)\b"
)
NEARLY = 1e-6  # so little a value may be off where only its last digit is
MOST_SLACK = 0.1  # of the value: coarser numbers settle nothing
CUT = "its digits are cut off, not rounded"


@dataclass
class NumberClaim:
    """A side that holds numbers, to be judged as a value of the left side."""

    situation: Situation
    at: int
    statement: Statement
    subject: Subject
    reference: Reference | None
    left: Term
    right: Term
    side: Side
    kind: str = "number"
    value: Array | None = None
    half: Array | None = None
    event: Event | None = None
    is_after_steps: bool = False
    expected: list[tuple[Array, bool]] = field(default_factory=list)  # exact values; whether after the latest steps

    @property
    def numbers(self) -> NumberWorlds:
        """The worlds of the document's numbers."""
        return self.situation.numbers

    # --- the whole ---
    def judge(self) -> Verdict | None:
        """The verdict; None where the side is about symbols after all. A printed value is remembered."""
        self._name_the_loss()
        self._name_after_steps()
        printed = literal(self.side.node)
        is_alone = printed is not None or is_numeric(self.right)
        if not is_alone and not (literals_in(self.side.node) and self.numbers.has_numbers):
            return None
        shape = self._as_shape()
        if shape is not None:
            return shape
        self._find_event()
        given = self._as_given(printed)
        if given is not None:
            return given
        if printed is not None:
            self.value, self.half = printed
        elif is_alone:
            self.value = self.numbers.plain_value(self.right)
        self.expected = [(self._of_each(truth), updated) for truth, updated in self._exact()]
        if not is_alone:
            return self._mixed()
        if self.value is None:
            return Verdict("uncheckable", self.kind, "its value could not be worked out")
        self._repeat()
        if self.half is None:
            slack = self._slack(self.numbers.plain_value)
            if self.expected:
                slack = min(slack, MOST_SLACK * max(float(np.max(np.abs(t))) for t, _ in self.expected))
            self.half = np.full(self.value.shape, slack + EXACT)
        verdict = self._compared(printed is not None)
        other = self._other_direction() if verdict.verdict == "wrong" else None
        if other is not None:
            verdict = Verdict("uncheckable", verdict.kind, f"a step along {other}, which has no formula here")
        if printed is not None:
            self._remember(verdict)
        return verdict

    def _other_direction(self) -> str | None:
        """The quantity outside the model, as a velocity, whose value stands in a step: `w = 0.25 - 0.1 * 3.65`."""
        if self.event is None or self.event.kind != "step":
            return None
        understanding = self.situation.understanding
        defined = understanding.definitions_at(self.at)
        model = {*defined, *(r.key for t in defined.values() for r in references_in(t))}
        values = {float(v) for v in literals_in(self.side.node)}
        given = self.numbers.state(self.at).base
        return next(
            (
                key
                for key, value in given.items()
                if key not in model and not is_rate(key) and value.size == 1 and float(value.item()) in values
            ),
            None,
        )

    def _repeat(self) -> None:
        """`p_i = 0.5`: every entry has this value."""
        letters = [i for i in (self.left.indices if isinstance(self.left, Part) else ()) if isinstance(i, str)]
        shapes = {truth.shape for truth, _ in self.expected}
        if letters and self.value is not None and self.value.size == 1 and len(shapes) == 1:
            shape = shapes.pop()
            self.value = np.full(shape, self.value.item())
            self.half = None if self.half is None else np.full(shape, self.half.item())

    def _name_the_loss(self) -> None:
        """`loss = 0.42` speaks of the loss under its letter."""
        loss = self.situation.understanding.loss
        if self.reference is None or loss is None or self.reference.key == loss or self.reference.indices:
            return
        if self.reference.key in LOSS_NAMES and self.reference.key not in self.situation.understanding.definitions_at(
            self.at
        ):
            self.left, self.reference = Part(loss, ()), None

    def _name_after_steps(self) -> None:
        """`p_new = 0.8` after a step: p, worked out with the new values."""
        if self.reference is None or self.reference.indices or self.numbers.state(self.at).since is None:
            return
        formulas = self.situation.understanding.definitions_at(self.at)
        old = next((name for name in names_before(self.reference.key) if name in formulas), None)
        if old is not None and self.reference.key not in formulas:
            self.left, self.reference, self.is_after_steps = Part(old, ()), None, True

    def _as_shape(self) -> Verdict | None:
        """`W = 3 x 2` of a matrix whose entries are given."""
        term = self.right
        if (
            self.reference is None
            or not isinstance(term, Sloppy)
            or set(term.marks) != {"times"}
            or len(self.statement.sides) > 2
        ):
            return None
        sizes = tuple(int(x.value) for x in term.factors if isinstance(x, Const) and x.value.denominator == 1)
        given = self.numbers.state(self.at).base.get(self.reference.key)
        if len(sizes) != 2 or len(term.factors) != 2 or given is None or given.size == 1:
            return None
        if given.shape == sizes:
            return Verdict("correct", "shape")
        return Verdict(
            "wrong", "shape", f"its entries are {given.shape[0]} x {given.shape[1]}", mistakes=("wrong-shape",)
        )

    def _find_event(self) -> None:
        if self.statement.where == "cell" and len(self.statement.sides) == 1:
            return  # a cell restates
        if self.reference is not None and isinstance(self.left, Part):
            indices = tuple(i for i in self.reference.indices if isinstance(i, int))
            if len(indices) == len(self.reference.indices):
                self.event = self.numbers.given.event(self.reference.key, self.at, indices)

    def _as_given(self, printed: tuple[Array, Array] | None) -> Verdict | None:
        event = self.event
        if (
            isinstance(self.left, Stack)
            and printed is not None
            and all(isinstance(e, Part) for row in self.left.rows for e in row)
        ):
            return Verdict("correct", "definition", "given values")
        if event is None or event.kind == "step" or not isinstance(self.left, Part):
            if self.numbers.is_seed(self.left) and printed is not None:
                return Verdict("correct", "number", "given: it stands for the loss")
            return None
        if len(self.statement.sides) > 2 and not self._is_last_number(printed):
            return self._own_arithmetic(printed)
        if event.kind == "again":
            return Verdict("correct", "number", "the given value")
        if len(self.statement.sides) > 2 and self.subject.sides:
            return self._own_arithmetic(printed)
        if self._is_result():
            return Verdict("uncheckable", "number", "nothing says how it is worked out")
        return Verdict("correct", "definition", "a given value")

    def _is_last_number(self, printed: tuple[Array, Array] | None) -> bool:
        return printed is not None and self.side is self.statement.sides[-1]

    def _is_result(self) -> bool:
        """A value that the text calls a result, of a quantity without a formula that nothing is computed from."""
        assert self.reference is not None
        name = self.reference.base
        used = any(
            r.key == self.reference.key for d in self.situation.understanding.definitions for r in references_in(d.term)
        )
        is_output = (
            "^hat" in self.reference.key
            or name in LOSS_NAMES
            or self.reference.key == self.situation.understanding.loss
        )
        if self._looks_computed():
            return True
        if is_rate(self.reference.key):
            return False
        return is_output or (not used and bool(re.search(RESULT_WORDS, self.statement.lead, re.IGNORECASE)))

    def _looks_computed(self) -> bool:
        """Decimals for a unit of a network with an activation: no value that somebody chose."""
        assert self.reference is not None
        printed = literal(self.side.node)
        if printed is None or self.reference.base in DATA_BASES or is_rate(self.reference.key):
            return False
        if not 1e-8 < float(np.min(printed[1])) < 6e-4:
            return False
        words = self.situation.inference.words
        return any(re.search(pattern, words, re.IGNORECASE) for pattern in ACTIVATION_WORDS.values())

    def _as_definition(self, kind: str) -> Verdict:
        """A quantity that numbers alone define; a delta is a derivative, of which it is not known what it is of."""
        if self.reference is not None and self.reference.base in ("delta", "Delta"):
            return Verdict("uncheckable", kind, f"what {shown_name(self.reference.key)} stands for is not known")
        return Verdict("correct", kind, "taken as its definition: nothing else says how it is worked out")

    def _own_arithmetic(self, printed: tuple[Array, Array] | None) -> Verdict | None:
        """A quantity without a formula, worked out in numbers: the arithmetic is all there is to judge."""
        if printed is None:
            if not is_numeric(self.right):
                return None
            before = self._before(self.numbers.plain_value(self.right))
            if before is False:
                return self._slip("number")
            return self._as_definition("number")
        self.value, self.half = printed
        before = self._before(self.value)
        if before is False and not self._is_within_digits():
            return self._slip("number")
        return Verdict("correct", "number", "the numbers give this")

    # --- the truth ---
    def _exact(self) -> Iterator[tuple[Array, bool]]:
        """Exact values of the left side; where steps were taken, before or after them, as far as the line can mean either."""
        numbers = self.numbers
        if self.event is not None and self.event.kind == "step":
            self.kind = "update"
            for value, _ in numbers.steps(self.at, self.event.target, self.event.indices):
                yield value, False
            return
        for updated in self._generations():
            for value in numbers.values_of(self.left, self.at, updated):
                yield value, updated

    def _of_each(self, whole: Array) -> Array:
        """`W = 0.1192` (both): one number for a whole whose entries are all equal is said of each of them."""
        is_one = self.value is not None and self.value.size == 1
        return whole[:1, :1] if is_one and np.allclose(whole, whole[0, 0], rtol=1e-9, atol=1e-12) else whole

    def _generations(self) -> tuple[bool, ...]:
        state = self.numbers.state(self.at)
        if self.is_after_steps:
            return (True,)
        if state.since is None or self.at < state.since:
            return (False,)
        key = jacobian_key(self.left) if isinstance(self.left, Jacobian) else getattr(self.left, "key", None)
        was_printed = any(p.at < state.since for p in self.numbers.printed.get(key, []))
        if was_printed and not self.numbers.given.model_changed(state.since, self.at):
            return (True,)
        if isinstance(self.left, Jacobian) and self._is_one_pass(state.since):
            return (False,)
        return True, False

    def _is_one_pass(self, since: int) -> bool:
        """Whether the steps so far have names of their own, `w_5^+`, and nothing was worked out forwards with them yet."""
        given, numbers = self.numbers.given, self.numbers
        steps = [e for e in given.events if e.kind == "step" and since <= e.at + 1 <= self.at + 1]
        forward = numbers.understanding.definitions_at(self.at)
        again = any(since <= p.at <= self.at for key in forward for p in numbers.printed.get(key, []))
        return bool(steps) and all(e.key != e.target for e in steps) and not again

    # --- comparing ---
    def _compared(self, is_printed: bool) -> Verdict:
        assert self.value is not None and self.half is not None
        if self._is_uncomputable():
            if re.search(CHOSEN_WORDS, self._sentence(), re.IGNORECASE):
                return Verdict("correct", "definition", "a value chosen for an example")
            return Verdict(
                "uncheckable", self.kind, "the document does not give all it is worked out from: taken as it stands"
            )
        if not is_printed:
            return self._middle()
        found = self._agreement(self.value, self.half)
        if found is not None:
            before = self._before(self.value)
            verdict = self._right(found)
            if before is False and verdict.verdict == "correct":
                verdict.message = "the value is right, but the numbers shown before it do not give it"
            return verdict
        return self._from_printed() or self._nearly() or self._false()

    def _nearly(self) -> Verdict | None:
        """Off in the last of many digits: rounded somewhere on the way, in steps that are not shown."""
        assert self.value is not None and self.half is not None
        for truth, _ in self.expected:
            found = fitted(self.value, truth)
            if found is not None and np.all(
                np.abs(self.value - found[0]) <= np.minimum(5 * self.half, NEARLY * np.abs(found[0]))
            ):
                return Verdict("correct", self.kind, "the last digit is off: rounded on the way")
        return None

    def _agreement(self, value: Array, half: Array) -> str | None:
        found = [how for truth, _ in self.expected if (how := agrees(value, truth, half))]
        return min(found, key=len, default=None) if found else None

    def _right(self, how: str) -> Verdict:
        note = CUT if "cut" in how else ""
        if "turned" in how:
            return Verdict("notation", self.kind, "the whole result is transposed" + ("; " + note if note else ""))
        return Verdict("correct", self.kind, note)

    def _middle(self) -> Verdict:
        """Numbers worked out further on: right if they are the printed or given values of the names before them."""
        assert self.value is not None and self.half is not None
        found = self._agreement(self.value, self.half)
        if found is not None:
            return self._right(found)
        carried = self._from_printed()
        if carried is not None:
            if "rounded-early" in carried.mistakes:
                return Verdict("correct", self.kind, "its numbers are the printed values")
            return carried
        if not self.expected and self.event is None:
            before = self._before(self.value)
            if before is not None:
                return self._by_arithmetic(before)
            formulas = self.situation.understanding.definitions_at(self.at)
            if self.reference is not None and isinstance(self.left, Part) and self.left.key not in formulas:
                return self._as_definition(self.kind)
            return self._unknown()
        if self._is_right_with_brackets():
            return Verdict("notation", self.kind, "brackets are missing: a minus before a square belongs to the number")
        if self._final_is_right():
            return Verdict("correct", self.kind, "the value after it is right, but these numbers do not give it")
        return self._with_false_numbers() or self._as_its_result() or self._false()

    def _as_its_result(self) -> Verdict | None:
        """Numbers that come to the number behind them, which follows from an earlier slip: so do they."""
        assert self.value is not None
        sides = list(self.statement.sides)
        after = sides[sides.index(self.side) + 1 :] if self.side in sides else []
        own = self.value, self.half
        for result in filter(None, (literal(side.node) for side in after)):
            if agrees(self.value, *result):
                self.value, self.half = result
                carried = self._from_printed()
                self.value, self.half = own
                if carried is not None and carried.verdict == "carried":
                    return carried
        return None

    def _with_false_numbers(self) -> Verdict | None:
        """Right once the false numbers printed before that stand in it are put right: the latest of their lines is charged."""
        assert self.half is not None
        term, used = self.right, []
        shown = {abs(float(n.value)): n.value for n in f.walk(self.side.node) if isinstance(n, f.Number)}
        for printed in reversed(self._all_printed()):
            written = float(printed.value.flat[0]) if printed.is_false and printed.value.size == 1 else 0.0
            number = shown.pop(abs(written), None)
            if number is None or printed.truth is None or not written:
                continue
            ratio = float(printed.truth.flat[0]) / written
            term = with_number(term, number, Fraction(float(number) * ratio))
            used.append(printed)
        value = self.numbers.plain_value(term) if used else None
        if value is None or not np.any(np.abs(value) > self.half) or self._agreement(value, self.half) is None:
            return None  # a zero would hide other mistakes
        return self._carried(used)

    def _is_right_with_brackets(self) -> bool:
        """`-4^2` where (-4)^2 is meant."""
        value = self.numbers.plain_value(_with_minus_inside(self.right))
        if value is None or self.half is None or value.shape != self.half.shape:
            return False
        return self._agreement(value, self.half) is not None

    def _final_is_right(self) -> bool:
        """Whether a number after this side in the same chain is the exact value."""
        sides = list(self.statement.sides)
        after = sides[sides.index(self.side) + 1 :] if self.side in sides else []
        for side in after:
            found = literal(side.node)
            if found is not None and self._agreement(*found):
                return bool(np.any(found[0] != 0))
        return False

    def _mixed(self) -> Verdict | None:
        """Numbers among names: `-(y - a) a (1 - a) 0.5`."""
        numbers = self.numbers
        for truth, updated in self.expected:

            def valued(term: Term, updated: bool = updated) -> Array | None:
                found = numbers.values_of(term, self.at, updated)
                return found[0] if found else None

            for value in numbers.values_of(self.right, self.at, updated):
                slack = min(self._slack(valued), MOST_SLACK * float(np.max(np.abs(truth))))
                how = agrees(value, truth, np.full(value.shape, slack + EXACT))
                if how is not None:
                    return self._right(how.replace("cut", "rounded"))
                self.half = np.full(value.shape, EXACT)
        for updated in self._generations():
            for value, used in self._printed_values(self.left, updated):
                for own, more in numbers.from_printed(self.right, self.at, updated):
                    if agrees(own, value, np.full(own.shape, 1e-9)):
                        carried = self._carried([*used, *more])
                        if carried is None or "rounded-early" in carried.mistakes:
                            return Verdict("correct", self.kind, "its numbers are the printed values")
                        return carried
        if self.half is not None and self._final_is_right():
            return Verdict("correct", self.kind, "the value after it is right, but this does not give it")
        return None

    def _slack(self, evaluate: object) -> float:
        """How far the side can move within its digits, which may be cut off: a whole unit of the last one."""
        halves = {
            v: 2 * h
            for v, h in literals_in(self.side.node).items()
            if not self.numbers.is_exact_number(float(v), self.at)
        }
        return uncertainty(self.right, halves, evaluate)  # type: ignore[arg-type]

    # --- what the numbers before it give ---
    def _before(self, value: Array | None) -> bool | None:
        """Whether the numeric side just before it, worked out, gives this number; None if there is none."""
        if value is None:
            return None
        half = self.half if self.half is not None else np.full(value.shape, EXACT)
        for node, term in reversed(self.subject.sides):
            if not is_numeric(term):
                continue
            before = self.numbers.plain_value(term)
            if before is None:
                return None
            printed = literal(node)
            if printed is not None and printed[1].size == half.size:
                half = np.maximum(half, printed[1].reshape(half.shape))
            return agrees(value, before, half) is not None
        return None

    # --- what follows from printed values ---
    def _printed_values(self, term: Term, updated: bool) -> Iterator[tuple[Array, list[Printed]]]:
        if self.event is not None and self.event.kind == "step" and term is self.left:
            yield from self.numbers.steps(self.at, self.event.target, self.event.indices, printed=True)
            return
        yield from self.numbers.from_printed(term, self.at, updated)

    def _from_printed(self) -> Verdict | None:
        """Right for the writer's own rounded or false values: carried, with the line charged."""
        assert self.value is not None and self.half is not None
        formulas = [self.left, *(term for _, term in reversed(self.subject.sides) if not is_numeric(term))]
        if isinstance(self.left, Jacobian):
            formulas += self.numbers.relations.get(jacobian_key(self.left), [])
        fallback: Verdict | None = None
        for term, slopes in [*((t, []) for t in formulas), *self._with_printed_slopes(formulas)]:
            for updated in self._generations():
                for found, others in self._printed_values(term, updated):
                    used = [*others, *slopes]
                    if agrees(self.value, self._of_each(found), self.half) is None:
                        continue
                    since = self.subject.false_since
                    if since is not None and term is not self.left and term in [t for _, t in self.subject.sides]:
                        return Verdict("carried", self.kind, f"follows from line {since}", root=since)
                    verdict = self._carried(used)
                    if not self.expected and (verdict is None or "rounded-early" in verdict.mistakes):
                        # without the exact value nobody knows that rounding did harm
                        fallback = Verdict("correct", self.kind, "right for the printed values")
                    elif verdict is not None:
                        return verdict
        if fallback is not None:
            return fallback
        if self.subject.false_since is None and self._before(self.value):
            return self._after_middle()
        return None

    def _with_printed_slopes(self, formulas: list[Term]) -> Iterator[tuple[Term, list[Printed]]]:
        """Formulas with the value put in that was printed of a slope: 0.22 for `sigma'(z_1)`."""
        for slope, entries in self.numbers.printed.items():
            printed = entries[-1]
            if isinstance(slope, Apply) and printed.value.size == 1 and printed.at < self.at:
                for term in formulas:
                    if slope in everything_in(term):
                        yield replaced(term, slope, Const(Fraction(str(float(printed.value.item()))))), [printed]

    def _after_middle(self) -> Verdict | None:
        """The numbers of the side before were the printed ones: what they give is rounded early."""
        for node, term in reversed(self.subject.sides):
            if is_numeric(term) and literal(node) is None:
                shown = {abs(float(n.value)) for n in f.walk(node) if isinstance(n, f.Number)}
                used = [p for p in self._all_printed() if not p.is_exact and any(p.holds(n) for n in shown)]
                return (self._carried(used) or self._rounded_here(node)) if self.expected else None
        return None

    def _rounded_here(self, node: f.Node) -> Verdict | None:
        """`(-0.537)(-0.119)` where -0.5373 and -0.1186 were printed: right within its digits, and too coarse for the result."""
        assert self.value is not None
        near = [
            bool(np.all(np.abs(self.value - fits[0]) <= MOST_SLACK * float(np.max(np.abs(fits[0])))))
            for truth, _ in self.expected
            if (fits := fitted(self.value, truth)) is not None
        ]
        if not literals_in(node) or not any(near):
            return None
        line = self.statement.line
        why = "right for the numbers before it, which are rounded too coarsely"
        return Verdict("carried", self.kind, why, mistakes=("rounded-early",), root=line)

    def _all_printed(self) -> list[Printed]:
        return [p for entries in self.numbers.printed.values() for p in entries if p.at <= self.at]

    def _carried(self, used: list[Printed]) -> Verdict | None:
        inexact = [p for p in used if not p.is_exact or p.is_false]
        if not inexact:
            return None
        false = [p for p in inexact if p.is_false]
        if false:
            root = max(false, key=lambda p: p.at).root
            return Verdict("carried", self.kind, f"follows from line {root}", root=root)
        root = min(p.root or p.line for p in inexact)
        return Verdict(
            "carried", self.kind, f"right for the rounded value in line {root}", mistakes=("rounded-early",), root=root
        )

    # --- false ---
    def _identity(self) -> Verdict | None:
        r"""`\sum_k p_k = 1` of a softmax: true for all values; `\sum_k t_k = 1` of labels is something that one assumes."""
        keys = {r.key for r in references_in(self.left)}
        if isinstance(self.left, Part) or not (keys or any(isinstance(p, Apply) for p in everything_in(self.left))):
            return None
        sides = self.left, self.right
        with_one = [Add(((1, side), (1, ONE))) for side in sides]  # what cancels is 0 up to rounding
        if any(self.situation.compare(self.at, *pair).answer is Answer.EQUAL for pair in (sides, with_one)):
            return Verdict("correct", self.kind, "true for all values")
        defined = self.situation.understanding.definitions_at(self.at)
        if isinstance(self.left, SumOver) and not keys & set(defined):
            return Verdict("correct", "definition", PREMISE)
        return None

    def _unknown(self) -> Verdict:
        identity = self._identity()
        if identity is not None:
            return identity
        verdict = Verdict("uncheckable", self.kind, "the document does not say how to work it out")
        if self.value is not None and self.half is not None:
            verdict.number = FalseNumber(self.left, self.value, self.half, self.value, None)
        return verdict

    def _by_arithmetic(self, before: bool) -> Verdict:
        if before:
            return Verdict("correct", self.kind, "the numbers give this")
        if self._is_within_digits():
            return Verdict("correct", self.kind, "within the digits of the numbers before it")
        return self._slip(self.kind)

    def _is_within_digits(self) -> bool:
        """Whether rounded values before it, as far as their digits leave them open, can give this number."""
        node, term = next(((n, t) for n, t in reversed(self.subject.sides) if is_numeric(t)), (None, None))
        if node is None or term is None or self.value is None or self.half is None:
            return False
        halves = {v: h for v, h in literals_in(node).items() if not self.numbers.is_exact_number(float(v), self.at)}
        slack = uncertainty(term, halves, self.numbers.plain_value) if halves else 0.0
        before = self.numbers.plain_value(term)
        if not slack or before is None or before.shape != self.value.shape:
            return False
        return bool(np.all(np.abs(before - self.value) <= self.half + slack))

    def _slip(self, kind: str) -> Verdict:
        """The numbers before it do not give it."""
        verdict = Verdict("wrong", kind, "the numbers before it do not give this", mistakes=("arithmetic-slip",))
        truth = next((self.numbers.plain_value(t) for _, t in reversed(self.subject.sides) if is_numeric(t)), None)
        if truth is not None and self.value is not None and self.half is not None and truth.shape == self.value.shape:
            verdict.number = FalseNumber(self.left, self.value, self.half, truth, False)
        return verdict

    def _false(self) -> Verdict:
        assert self.value is not None
        before = self._before(self.value)
        if not self.expected:
            return self._unknown() if before is None else self._by_arithmetic(before)
        truth = self.expected[0][0]
        if True in self._generations() and self.event is None and not any(updated for _, updated in self.expected):
            return Verdict(
                "uncheckable", self.kind, "after the steps the document does not give all it is worked out from"
            )
        if fitted(self.value, truth) is None and not self.situation.understanding.scalars:
            if isinstance(self.left, Part):
                self.numbers.doubted.add(self.left.key)
            return Verdict(
                "uncheckable", self.kind, f"its shape {self.value.shape} is not that of the model, {truth.shape}"
            )
        if self._leans_on_doubt():
            return Verdict(
                "uncheckable", self.kind, "it leans on a quantity whose printed shape is not that of the model"
            )
        since = self.subject.false_since
        if before and since is not None:
            return Verdict(
                "carried", self.kind, f"not the value, but the numbers before it (line {since}) give it", root=since
            )
        return Verdict(
            "wrong",
            self.kind,
            f"the value is {shown(truth)}",
            mistakes=self._mistakes(truth, before),
            expected=shown(truth),
            number=self._false_number(truth, before),
        )

    def _false_number(self, truth: Array, follows: bool | None) -> FalseNumber | None:
        """What is to be explained; nothing where the shapes differ."""
        assert self.value is not None and self.half is not None
        if self.value.shape != truth.shape:
            return None
        return FalseNumber(self.left, self.value, self.half, truth, follows, self.expected[0][1])

    def _sentence(self) -> str:
        """The words of the line before the formula."""
        start = self.statement.span[0]
        text = self.situation.understanding.document.text
        return text[text.rfind("\n", 0, start) + 1 : start]

    def _is_uncomputable(self) -> bool:
        return isinstance(self.left, Part) and self.numbers.is_uncomputable(self.left.key, self.at)

    def _leans_on_doubt(self) -> bool:
        """Whether the left side depends on a quantity whose formula was not read as it was meant."""
        world = self.numbers.world(self.at)
        if world is None:
            return False
        tops = {ref.key for ref in references_in(self.left)}
        if self.event is not None and self.event.kind == "step":
            tops.add(self.situation.understanding.loss or "")
        return any(world.depends(top, doubted) for top in tops for doubted in self.numbers.doubted)

    def _mistakes(self, truth: Array, before: bool | None) -> tuple[str, ...]:
        assert self.value is not None and self.half is not None
        if self.event is not None and self.event.kind == "step":
            for printed in (False, True):
                for up, _ in self.numbers.steps(self.at, self.event.target, self.event.indices, 1, printed):
                    if agrees(self.value, up, self.half):
                        return ("update-sign",)
        if isinstance(self.left, Jacobian) and self.left.top == self.left.bottom:
            return ("forward-value-as-seed",)
        if isinstance(self.left, Part) and self._flipped_step():
            return ("update-sign",)
        if agrees(self.value, -truth, self.half):
            return ("sign", "arithmetic-slip")
        if literal(self.side.node) is None or before:
            return ("wrong-value-inserted",)
        return ("arithmetic-slip",)

    def _flipped_step(self) -> bool:
        """`theta_3 = theta_2 + eta v_3` where the rule subtracts."""
        assert isinstance(self.left, Part) and self.value is not None and self.half is not None
        formula = self.situation.understanding.definitions_at(self.at).get(self.left.key)
        if (
            not isinstance(formula, Add)
            or len(formula.terms) != 2
            or not any("[" in r.key for r in references_in(formula.terms[0][1]))
        ):
            return False
        flipped = Add((formula.terms[0], (-formula.terms[1][0], formula.terms[1][1])))
        found = [v for v, _ in self.numbers.from_printed(flipped, self.at, False)]
        return any(agrees(self.value, v, self.half) for v in found)

    # --- remembering ---
    def _remember(self, verdict: Verdict) -> None:
        key = self._key()
        if key is None or self.value is None or verdict.verdict == "uncheckable":
            return
        updated = next((u for t, u in self.expected if agrees(self.value, t, self.half)), None)
        if updated is None:
            updated = self._generations()[0]
        if self.event is not None and self.event.kind == "step":
            updated = True
            key = self.event.target if not self.event.indices else None
        if key is None:
            return
        is_false = verdict.verdict in ("wrong", "carried") and "rounded-early" not in verdict.mistakes
        root = verdict.root if verdict.verdict == "carried" else self.statement.line
        generation = self.numbers.generation(self.at + 1 if self.kind == "update" else self.at, updated)
        off = self._entries_off()
        truth = self.expected[0][0] if self.expected else None
        self.numbers.note(
            key,
            Printed(self.value, self.statement.line, self.at, not np.any(off), is_false, root, generation, off, truth),
        )

    def _entries_off(self) -> Array:
        """Which printed entries are not the exact value; without one, those with decimals."""
        assert self.value is not None and self.half is not None
        for truth, _ in self.expected:
            found = fitted(self.value, truth)
            if found is not None:
                return ~np.isclose(self.value, found[0], rtol=1e-9, atol=1e-12)
        return self.half > 1e-8

    def _key(self) -> object:
        if isinstance(self.left, Jacobian):
            return jacobian_key(self.left)
        if isinstance(self.left, Part) and not self.left.indices:
            return self.left.key
        return self.left if self.statement.where == "cell" or isinstance(self.left, Apply) else None


def _with_minus_inside(term: Term) -> Term:
    if isinstance(term, Add):
        inside: list[tuple[int, Term]] = []
        for sign, part in term.terms:
            if sign < 0 and isinstance(part, Power) and isinstance(part.base, Const):
                inside.append((1, Power(Add(((-1, part.base),)), part.exponent)))
            else:
                inside.append((sign, _with_minus_inside(part)))
        return Add(tuple(inside))
    return mapped(term, _with_minus_inside)


def by_the_numbers(numbers: NumberWorlds, left: Term, right: Term, at: int, kind: str) -> Verdict | None:
    """A relation between symbols that could not be judged in general, for the numbers that the document gives."""
    how = numbers.settles(left, right, at) if numbers.has_numbers else None
    if how is None:
        return None
    return Verdict(
        "notation" if "turned" in how else "correct",
        kind,
        "true for the numbers given; it could not be judged in general",
    )
