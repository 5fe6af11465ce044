"""What `delta_2`, `z bar`, `grad` stand for: said outright, or the derivative of the loss for which their first line is true."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from typing import Any

from symderiv.homework.judging.comparing import Answer, Comparer
from symderiv.homework.marking import Assumption
from symderiv.homework.reading.formulas import Derivative, Name, Node, Product, Scripted, walk
from symderiv.homework.reading.statements import Statement
from symderiv.homework.understanding.arithmetic import Machine, Undefined
from symderiv.homework.understanding.derivative_names import DELTAS, bars_are_derivatives, is_derived
from symderiv.homework.understanding.draft import WEIGHTLIKE
from symderiv.homework.understanding.elaboration import (
    Elaborator,
    NotUnderstood,
    by_letters,
    is_number,
    letters_of,
    replaced,
)
from symderiv.homework.understanding.given_values import is_rate
from symderiv.homework.understanding.inference import Inference
from symderiv.homework.understanding.key_names import shown_name
from symderiv.homework.understanding.shapes import base_of
from symderiv.homework.understanding.symbols import EACH, LOSS_BASES, LayerOpen, Reference, name_of
from symderiv.homework.understanding.terms import (
    Add,
    Const,
    Gathered,
    Jacobian,
    Part,
    SizeOf,
    Sloppy,
    Term,
    references_in,
)
from symderiv.homework.understanding.understanding import EQUAL_SIGNS, Understanding
from symderiv.homework.understanding.unnamed import vectors_given_or_made
from symderiv.homework.understanding.worlds import Misfit, Unknown

_DELTA = r"(?:\\[dD]elta|δ|Δ|\bdelta)"
STEP_UP = re.compile(
    r"(?:\+|(?:\\Delta|Δ|\bDelta|\bd(?=[wWbv]))\s*[A-Za-z][\w{}^()\[\],]*\s*:?=)\s*(?:\\eta|η|eta|\\alpha|α|\\epsilon|ε|lr|lrate)\b"
    rf"[^=\n$]{{0,12}}?{_DELTA}"
)
_SUM = r"(?:\\sum|sum|Σ|∑)_?(?:\{[^{}=]*(?:\{[^{}]*\})?[^{}=]*\}|\\?\w+)\s*"
MINUS = re.compile(rf"=\s*-\s*(?:{_SUM})?{_DELTA}")
SAID_MINUS = re.compile(  # 'delta is minus the slope of E'
    r"(?:\bdelta|δ)\b[^.\n]{0,60}\b(?:minus|negative|negativ\w*|menos|moins)\b[^.\n]{0,30}(?:slope|derivative|gradient|Ableitung|derivad|dériv)",
    re.IGNORECASE,
)

BOUND = re.compile(r"(?:\\leq?|\\geq?|<|>|≤|≥)\s*(?:\\delta|δ)(?![A-Za-z_^])")


def adjoints_of(inference: Inference, understanding: Understanding) -> dict[str, Term]:
    """A derivative of the loss for each name of one."""
    finder = _Finder(inference, understanding)
    finder.find()
    return finder.found


class _Finder:
    def __init__(self, inference: Inference, understanding: Understanding) -> None:
        self.inference, self.understanding = inference, understanding
        self.found: dict[str, Term] = {}
        self.offset: int | None = None
        self.matched = 0  # deltas that are derivatives by the same letter
        self.signs: set[int] = set()  # of the deltas so far
        self.first_letters: dict[str, str] = {}  # the index letters of a name where it was found

    def find(self) -> None:
        """Names in the order of their first lines; a rule found by the first settles those that no true line settles."""
        open_names: list[Reference] = []
        self._find_introduced()
        for at, reference, right in self._lines():
            if reference.key in self.found:
                self._tell_apart(at, reference, right)
                continue
            said = self._said(right)
            if said is None or not self._may_be(reference, said):
                said = self._matched(at, reference, right)
            elif self._breaks_rule(at, reference, said):
                said = None
            if said is None:
                open_names.append(reference)
                continue
            self.found[reference.key] = said
            self.first_letters[reference.key] = letters_of(reference.indices)
            self._learn(reference, said)
            self._say_of_every_unit(reference, said)
        for reference in open_names:
            if reference.key not in self.found:
                guess = self._guess(reference)
                if guess is not None:
                    self.found[reference.key] = guess
        self._find_used()
        self._find_introduced_by_letter()
        self._find_entries()
        for key, term in self.found.items():
            sign, jacobian = _signed(term)
            slope = f"d{shown_name(jacobian.top.key)}/d{shown_name(jacobian.bottom.key)}"
            meaning = f"{shown_name(key)} is {'-' if sign < 0 else ''}{slope}"
            self.understanding.assumptions.append(Assumption(meaning, "its first lines"))

    def _say_of_every_unit(self, reference: Reference, said: Term) -> None:
        r"""`for every unit u let \delta_u = -dE/dnet_u`: said of delta_j, delta_k and so on, by the letters that layers have."""
        sign, jacobian = _signed(said)
        family, bottom = reference.key.partition("{")[2], jacobian.bottom.key
        if not family or bottom in self.understanding.shapes or not bottom.endswith("{" + family):
            return
        for key in self.understanding.shapes:
            stem, _, letters = key.partition("{")
            own = reference.key.removesuffix(family) + letters
            if letters and stem == bottom.partition("{")[0] and own not in self.found:
                self.found[own] = _with_sign(sign, Jacobian(jacobian.top, Part(key, ())))
                self.first_letters[own] = letters.removesuffix("}")

    def _find_entries(self) -> None:
        r"""`\delta_1 = -0.06` after `\delta_k = dE/ds_k` of a vector s that is worked out of lists: the first entry."""
        vectors = vectors_given_or_made(self.inference)
        for key in self.inference.used:
            match = re.fullmatch(r"([^\[\]{}]+)\[(\d)\]", key)
            whole = self.found.get(match[1]) if match else None
            if match is None or whole is None or key in self.found:
                continue
            sign, jacobian = _signed(whole)
            if jacobian.bottom.key in vectors and not jacobian.bottom.indices:
                entry = Part(jacobian.bottom.key, (int(match[2]),))
                self.found[key] = _with_sign(sign, Jacobian(jacobian.top, entry))

    def _find_introduced(self) -> None:
        r"""`\partial E / \partial w_{ji} = \delta_j x_i`: the derivative by the pre-activation for which that is true."""
        for key, at in self.inference.introduced.items():
            for left, right, name in self._gradients_with(at):
                said = self._making_true(at, left, right, name) if name.key == key else None
                if said is not None:
                    self.found[key] = said
                    self.first_letters[key] = ",".join(str(i) for i in name.indices)

    def _find_introduced_by_letter(self) -> None:
        r"""`\partial E / \partial w_{ji} = \delta_j x_i` after one with `\delta_k`: the letter of the index tells which is meant."""
        for at in range(len(self.understanding.document.statements)):
            for left, right, name in self._gradients_with(at):
                letters = ",".join(str(i) for i in name.indices)
                own = by_letters(name.key, letters)
                first = self.first_letters.get(name.key)
                if name.key not in self.found or own in self.found or not first or letters == first:
                    continue
                said = self._making_true(at, left, right, name)
                if said is not None and said != self.found[name.key]:
                    self.found[own] = said

    def _gradients_with(self, at: int) -> Iterator[tuple[Term, Term, Part]]:
        """The sides of a derivative of the loss, and each delta with index letters that is multiplied there."""
        statement = self.understanding.document.statements[at]
        if statement.is_continued or len(statement.sides) < 2 or not isinstance(statement.sides[0].node, Derivative):
            return
        elaborator = replace(self.inference.elaborator, adjoints={})
        with contextlib.suppress(NotUnderstood, LayerOpen):
            left, right = (elaborator.term(statement.sides[k].node) for k in (0, -1))
            names = {
                r
                for r in references_in(right)
                if isinstance(r, Part) and r.key in {*self.inference.introduced, *self.found}
            }
            for name in sorted(names, key=str) if len(names) == 1 else ():
                if name.indices and all(isinstance(i, str) for i in name.indices):
                    yield left, right, name

    def _making_true(self, at: int, left: Term, right: Term, name: Part) -> Term | None:
        """The derivative for which a line is true; None if the name there is not yet one."""
        top = Part(self.understanding.loss or "", ())
        defined = self.understanding.definitions_at(at)
        by = left.bottom.key if isinstance(left, Jacobian) else ""
        for key in (k for k in self._inner() if by in {r.key for r in references_in(defined[k])}):
            for sign in (1, -1):
                adjoint = _with_sign(sign, Jacobian(top, Part(key, name.indices)))
                with contextlib.suppress(Unknown, Misfit, Undefined):
                    line = replaced(right, name, adjoint)
                    if Comparer(self.understanding, at).compare(left, line, lenient=False).answer is Answer.EQUAL:
                        return _with_sign(sign, Jacobian(top, Part(key, ())))
        return None

    def _find_used(self) -> None:
        r"""`\bar a_2 \, \partial a_2 / \partial z_2` where bars are derivatives, and no line says what this one is."""
        if not any("^bar" in key for key in self.found) and not bars_are_derivatives(self.inference):
            return
        for key in self.inference.used:
            reference = Reference(key, base_of(key))
            if "^bar" in key and key not in self.found and key not in self.inference.lefts and self._is_name(reference):
                guess = self._guess(reference)
                if guess is not None:
                    self.found[key] = guess

    def _tell_apart(self, at: int, reference: Reference, right: Term) -> None:
        r"""`\delta_j = dE/da_j` after `\delta_k = dE/dy_k`: the letter of the index tells which is meant."""
        letters = letters_of(reference.indices)
        said = self._said(right)
        if said is None and letters and letters != self.first_letters.get(reference.key):
            said = self._matched(at, reference, right)
            if said is not None and not self._is_pre_activation(key := _signed(said)[1].bottom.key):
                said = said if self._is_used_as(reference, key) else None  # a slope may be missing
            said = said or self._by_its_letter(reference)
        if said is not None and letters and said != self.found[reference.key]:
            self.found.setdefault(by_letters(reference.key, letters), said)

    def _lines(self) -> Iterator[tuple[int, Reference, Term]]:
        for at, statement in enumerate(self.understanding.document.statements):
            if statement.is_continued or len(statement.sides) < 2 or statement.relations[0] not in EQUAL_SIGNS:
                continue
            for layers in self.inference.instances(statement):
                elaborator = Elaborator(
                    **{**self.inference.elaborator.__dict__, "layers": layers, "adjoints": self.found}
                )
                try:
                    reference = self.inference.plain(statement.sides[0].node, elaborator)
                except LayerOpen:
                    continue
                if reference is None or not (
                    self._is_name(reference) or self._is_given_so(statement, reference, elaborator)
                ):
                    continue
                for side in statement.sides[1:]:
                    try:
                        yield at, reference, elaborator.term(side.node)
                    except (NotUnderstood, LayerOpen):
                        continue

    def _is_given_so(self, statement: Statement, reference: Reference, elaborator: Elaborator) -> bool:
        r"""`\varepsilon := \partial J / \partial p`: any letter that is said to be a derivative of the loss and has no formula."""
        if is_derived(self.inference, reference) and reference.key not in self.inference.said:
            return False  # dW says itself what it is
        is_data = reference.key in self.understanding.shapes_of_data and reference.key not in self.inference.said
        if is_data or reference.key in self.understanding.definitions_at(0):
            return False
        with contextlib.suppress(NotUnderstood, LayerOpen):
            right = elaborator.term(statement.sides[1].node)
            body = _signed(right)[1]
            return (isinstance(body, Jacobian) or _is_entrywise(body)) and self._said(right) is not None
        return False

    def _is_delta(self, reference: Reference) -> bool:
        r"""A delta, or another letter with layers that is said to be a derivative: `D_2 = \partial L / \partial O`."""
        return reference.base in DELTAS or (reference.key in self.inference.said and _mark(reference.key) is not None)

    def _is_name(self, reference: Reference) -> bool:
        if reference.base not in DELTAS and self._is_delta(reference):
            return True
        if reference.base == "Delta":
            return reference.key not in self._accumulators
        if reference.base == "delta":
            is_bound = re.search(BOUND, self.understanding.document.text) is not None  # of a Huber loss
            return not is_bound and not self._is_in_loss(reference.key)
        if (
            is_derived(self.inference, reference)
            and "^bar" in reference.key
            and self.understanding.loss != reference.key
        ):
            return True
        return (
            reference.key not in self.understanding.definitions_at(0)
            and "^bar" in reference.key
            and self.understanding.loss != reference.key
            and reference.key.replace("^bar", "") in self.understanding.shapes
        )

    @cached_property
    def _accumulators(self) -> set[str]:
        r"""The Delta of `\Delta := \Delta + \delta a^T`, and of the step `\Delta w`."""
        found = set()
        for statement in self.understanding.document.statements:
            left = statement.sides[0].node
            if isinstance(left, Product) and _is_delta(left.factors[0]) and not left.marks[0]:
                found |= {k for k in self.inference.used if base_of(k) == "Delta"}
            name = name_of(left)
            if name is None or name.base != "Delta":
                continue
            names = [n for s in statement.sides[1:] for n in walk(s.node) if isinstance(n, Name | Scripted)]
            for layers in self.inference.instances(statement):
                elaborator = self.inference.elaborator_at(layers)
                with contextlib.suppress(LayerOpen):
                    reference = self.inference.plain(left, elaborator)
                    if reference is not None and any(self.inference.plain(n, elaborator) == reference for n in names):
                        found.add(reference.key)
        return found

    def _is_in_loss(self, key: str) -> bool:
        """Whether the loss is written with a name."""
        loss = self.understanding.loss
        return loss is not None and self.understanding.world(0, Machine).depends(loss, key)

    def _said(self, right: Term) -> Term | None:
        sign, path = _signed(right)
        body = _end_of_path(path)
        if not isinstance(body, Jacobian) or not isinstance(body.top, Part):
            return None
        bottom = body.bottom.key
        if "[" in bottom and bottom not in self.understanding.shapes:
            return None  # said of every layer: the last one has no such quantity
        if self._is_loss(body.top.key):
            return _with_sign(sign, Jacobian(Part(self.understanding.loss or "", ()), Part(body.bottom.key, ())))
        if base_of(body.top.key) in LOSS_BASES and body.top.key in self.understanding.definitions_at(0):
            return _with_sign(sign, Jacobian(body.top, Part(body.bottom.key, ())))  # another loss of the document
        return None

    def _may_be(self, reference: Reference, said: Term) -> bool:
        r"""`\bar b = -\bar z` does not say what b bar is: a bar stands over the very quantity."""
        sign, jacobian = _signed(said)
        candidates = self._candidates(reference) if "^bar" in reference.key else []
        return not candidates or (sign > 0 and jacobian.bottom.key in candidates)

    def _breaks_rule(self, at: int, reference: Reference, said: Term) -> bool:
        """`delta_0 = dh_0`, or `-dh_0`, where delta_2 and delta_1 were dL/dz_2 and dL/dz_1: nothing is named anew."""
        if not self._is_delta(reference):
            return False
        sign, jacobian = _signed(said)
        if self.signs and sign not in self.signs:
            return True
        bottom, named = jacobian.bottom.key, self._named(reference)
        is_explicit = isinstance(self.understanding.document.statements[at].sides[1].node, Derivative)
        if is_explicit and (named is not None or not self.matched):
            return self._is_only_used_as(reference, named or self._pre_activation_beside(bottom), bottom)
        if not self.matched or _mark(reference.key) is None or base_of(bottom) == self.letter:
            return False
        if is_explicit:
            return self._is_only_used_as(reference, self._ruled(reference), bottom)
        return _mark(bottom) is not None and (self.matched > 1 or self._follows_rule_later(at, reference))

    def _is_only_used_as(self, reference: Reference, ruled: str, key: str) -> bool:
        r"""`\delta_2 = \partial L / \partial h_2` where delta_3 was dL/dz_3: no line is true of that, but one is of dL/dz_2."""
        is_other = ruled != key and ruled in self.understanding.shapes
        return is_other and self._is_used_as(reference, ruled) and not self._is_used_as(reference, key)

    def _pre_activation_beside(self, key: str) -> str:
        """The z_1 of a_1: what has the same layer, and takes parameters; itself if it is the one."""
        beside = [k for k in self._inner() if _mark(k) == _mark(key) is not None and self._is_pre_activation(k)]
        return key if key in beside or len(beside) != 1 else beside[0]

    def _named(self, reference: Reference) -> str | None:
        """The v of delta_v, where there is a v."""
        named = reference.key.partition("[")[2].removesuffix("]")
        return named if named in self.understanding.shapes else None

    def _ruled(self, reference: Reference) -> str:
        """The quantity by which a delta is a derivative if it is like those before it."""
        return f"{self.letter}[{(_mark(reference.key) or 0) + (self.offset or 0)}]"

    def _follows_rule_later(self, at: int, reference: Reference) -> bool:
        """Whether a line after this one is true of what the delta before it stands for: a factor is missing here then."""
        ruled = self._ruled(reference)
        left = Jacobian(Part(self.understanding.loss or "", ()), Part(ruled, reference.indices))
        if ruled not in self.understanding.shapes:
            return False
        for later, other, right in self._lines():
            if later > at and other.key == reference.key:
                with contextlib.suppress(Unknown, Misfit, Undefined):
                    if Comparer(self.understanding, later).compare(left, right, lenient=False).answer is Answer.EQUAL:
                        return True
        return False

    def _is_loss(self, key: str) -> bool:
        """Whether it is the loss; that of each pattern is, where one pattern is looked at."""
        understanding = self.understanding
        if key == understanding.loss:
            return True
        one = [d for d in understanding.definitions if d.key == key and not isinstance(d.term, Gathered)]
        return key.removesuffix(EACH) == understanding.loss and bool(one) and not understanding.axes.batch

    def _matched(self, at: int, reference: Reference, right: Term) -> Term | None:
        if is_number(right):
            return None
        signs: tuple[int, ...] = (1, -1) if self._may_be_minus() else (1,)
        if self._is_counted(reference) and len(self.signs) == 1:
            signs = tuple(self.signs)  # as those before it
        for sign in signs:
            for key in self._candidates(reference):
                is_told = self.offset is not None and (
                    self.matched > 1
                    or self.inference.is_general(at)
                    or (self._has_sister(reference) and not self._is_used_as(reference, key))
                )
                if self._is_counted(reference) and is_told and base_of(key) != self.letter:
                    continue  # the deltas before have told which
                top = Part(self.understanding.loss or "", ())
                left = _with_sign(sign, Jacobian(top, Part(key, reference.indices)))
                if self.understanding.later:
                    left = Sloppy((SizeOf("#n"), left), ("",))
                try:
                    if Comparer(self.understanding, at).compare(left, right, lenient=False).answer is Answer.EQUAL:
                        return _with_sign(sign, Jacobian(top, Part(key, ())))
                except (Unknown, Misfit, Undefined):
                    continue
        return None

    def _by_its_letter(self, reference: Reference) -> Term | None:
        r"""The other pre-activation that is written with the same index: `a_j = \sum_i w_{ji} x_i` for `\delta_j`."""
        own = tuple(i for i in reference.indices if i not in self.understanding.axes.sample_letters)
        defined = self.understanding.definitions_at(0)
        taken = _signed(self.found[reference.key])[1].bottom.key
        named = [
            key
            for key in self._candidates(reference)
            if key != taken and self._is_pre_activation(key) and getattr(defined[key], "indices", ()) == own
        ]
        return Jacobian(Part(self.understanding.loss or "", ()), Part(named[0], ())) if len(named) == 1 else None

    def _is_pre_activation(self, key: str) -> bool:
        """Whether its formula takes parameters."""
        defined = self.understanding.definitions_at(0)
        return any(base_of(r.key) in WEIGHTLIKE and r.key not in defined for r in references_in(defined[key]))

    def _has_sister(self, reference: Reference) -> bool:
        """Whether its layer has the quantity by which the delta before is a derivative."""
        return _mark(reference.key) is not None and self._ruled(reference) in self.understanding.shapes

    def _is_used_as(self, reference: Reference, key: str) -> bool:
        """Whether a line with the name is true if it is the derivative by this quantity."""
        adjoint = Jacobian(Part(self.understanding.loss or "", ()), Part(key, ()))
        others = {name: said for name, said in self.found.items() if name != reference.key}
        for at, statement in enumerate(self.understanding.document.statements):
            for layers in self.inference.instances(statement):
                with contextlib.suppress(NotUnderstood, LayerOpen, Unknown, Misfit, Undefined):
                    with_name, with_adjoint = (
                        [
                            Elaborator(
                                **{**self.inference.elaborator.__dict__, "layers": layers, "adjoints": adjoints}
                            ).term(side.node)
                            for side in statement.sides
                        ]
                        for adjoints in (others, {**others, reference.key: adjoint})
                    )
                    if any(
                        reference.key in {r.key for r in references_in(named)}
                        and Comparer(self.understanding, at).compare(with_adjoint[0], right, lenient=False).answer
                        is Answer.EQUAL
                        for named, right in zip(with_name[1:], with_adjoint[1:], strict=True)
                    ):
                        return True
        return False

    def _may_be_minus(self) -> bool:
        r"""`w \leftarrow w + \eta \delta x`, `\partial E / \partial v = -\delta h`: then delta may be minus the derivative."""
        text = self.understanding.document.text
        return (
            bool(STEP_UP.search(text) or MINUS.search(text) or SAID_MINUS.search(text)) or self._steps_up_in_numbers()
        )

    def _steps_up_in_numbers(self) -> bool:
        r"""`w_{31} = 0.7 + 0.5 \cdot 0.1143 \cdot 0.6177` where w_31 was 0.7, and the rate 0.5."""
        numbers = self.understanding.numbers
        rates = {value for n in numbers if is_rate(n.key) and (value := _number(n.term)) is not None}
        values: dict[tuple[str, tuple[str | int, ...]], Fraction] = {}
        for number in numbers:
            match number.term:
                case Add(((sign, Const(old)), (step, Sloppy((Const(rate), *_), _)))):
                    if rate in rates and values.get((number.key, number.indices)) == sign * old:
                        return step > 0
            if (value := _number(number.term)) is not None:
                values.setdefault((number.key, number.indices), value)
        return False

    def _candidates(self, reference: Reference) -> list[str]:
        """Quantities between the parameters and the loss, pre-activations first, the nearest layer first."""
        understanding = self.understanding
        world = understanding.world(0, Machine)
        if not self._is_delta(reference):
            bare = self.inference.symbols.canonical("".join(reference.key.rsplit("^bar", 1)))
            return [bare] if bare in understanding.shapes else []
        inner = [*understanding.weights] if self._is_of_weights(reference) else self._inner()
        mark = _mark(reference.key)

        def rank(key: str) -> tuple[int, int]:
            other = _mark(key)
            distance = abs(mark - other) if mark is not None and other is not None else 1
            feeds = [r.key for t in understanding.definitions_at(0).values() for r in references_in(t)]
            made_of = references_in(world.definitions[key]) if key in world.definitions else ()
            pre = any(r.key in understanding.weights for r in made_of) and key in feeds
            return (0 if pre else 1, distance)

        return sorted(inner, key=rank)

    def _is_counted(self, reference: Reference) -> bool:
        """Whether the deltas before tell which quantity it is of."""
        return self._is_delta(reference) and not self._is_of_weights(reference)

    def _is_of_weights(self, reference: Reference) -> bool:
        r"""`\Delta^{(2)} = \delta^{(3)} a^{(2)T}`: where small deltas are derivatives, a capital one is of the weights."""
        if reference.base != "Delta" or set(reference.indices) & self.inference.sample_letters:
            return False  # what each sample has is of no weight
        return any(base_of(key) == "delta" for key in self.inference.used)

    def _inner(self) -> list[str]:
        """Quantities between the parameters and the loss."""
        world, loss = self.understanding.world(0, Machine), self.understanding.loss or ""
        inner = [k for k in world.definitions if k != loss and world.depends(loss, k)]
        return [k for k in inner if any(world.depends(k, w) for w in self.understanding.weights)] or inner

    def _learn(self, reference: Reference, term: Term) -> None:
        sign, jacobian = _signed(term)
        mark, other = _mark(reference.key), _mark(jacobian.bottom.key)
        if self._is_of_weights(reference):
            return  # it says nothing of the small ones
        if mark is not None and other is not None and self.offset is None:
            self.offset = other - mark
            self.letter = base_of(jacobian.bottom.key)
        if self._is_delta(reference):
            self.signs.add(sign)
            self.matched += self.letter == base_of(jacobian.bottom.key)

    letter = "z"

    def _guess(self, reference: Reference) -> Term | None:
        candidates = self._candidates(reference)
        mark = _mark(reference.key)
        if not self._is_delta(reference):
            mark = None  # a bar stands over the very quantity
        elif self.offset is not None and mark is not None and self._is_counted(reference):
            wanted = f"{self.letter}[{mark + self.offset}]"
            candidates = [k for k in candidates if k == wanted]
        elif mark is not None:
            candidates = [k for k in candidates if _mark(k) == mark - self._marks_above(reference, candidates)]
        if "{" in reference.key:
            family = reference.key[reference.key.index("{") :]
            candidates = [k for k in candidates if k.endswith(family)]
        if not candidates:
            return None
        named = self._named(reference)
        chosen = named if named is not None and named in candidates else candidates[0]
        before = self._pre_activation_beside(chosen)
        if self._is_delta(reference) and self._is_only_used_as(reference, before, chosen):
            chosen = before
        sign = -1 if self._is_delta(reference) and self.signs == {-1} else 1  # as those before it
        return _with_sign(sign, Jacobian(Part(self.understanding.loss or "", ()), Part(chosen, ())))

    def _marks_above(self, reference: Reference, candidates: list[str]) -> int:
        """How far the deltas count beyond the layers: delta_4 of three layers is dL/dz_3; general ones follow their letter."""
        if self.inference.symbols.general:
            return 0
        known = {
            k for k, said in self.found.items() if _mark(_signed(said)[1].bottom.key) is None
        }  # D_2 of the scores S
        same = [k for k in self.inference.used if base_of(k) == reference.base and k not in known]
        deltas = [m for k in same if (m := _mark(k)) is not None]
        layers = [m for k in candidates if (m := _mark(k)) is not None]
        return max(0, max(deltas) - max(layers)) if deltas and layers else 0


def _is_delta(node: Node) -> bool:
    name = name_of(node)
    return name is not None and name.base == "Delta"


def _end_of_path(term: Term) -> Term:
    r"""`\partial L / \partial a \cdot \partial a / \partial z` says as much as `\partial L / \partial z`."""
    links = [x for x in term.factors if isinstance(x, Jacobian)] if isinstance(term, Sloppy) else []
    if not isinstance(term, Sloppy) or len(links) < len(term.factors):
        return term
    if all(isinstance(b.top, Part) and b.top.key == a.bottom.key for a, b in pairwise(links)):
        return Jacobian(links[0].top, links[-1].bottom)
    return term


def _is_entrywise(term: Term) -> bool:
    r"""`\partial E / \partial y_j \cdot \partial y_j / \partial \beta_j`, one letter for all: another path may be one of several."""
    links = [x for x in term.factors if isinstance(x, Jacobian)] if isinstance(term, Sloppy) else []
    indices = {x.bottom.indices if isinstance(x.bottom, Part) else () for x in links}
    return len(links) > 1 and len(indices) == 1 and indices != {()}


def _number(term: Term) -> Fraction | None:
    sign, body = _signed(term)
    return sign * body.value if isinstance(body, Const) else None


def _signed(term: Term) -> tuple[int, Any]:
    """The sign before a term, and the term."""
    if isinstance(term, Add) and len(term.terms) == 1:
        return term.terms[0]
    return 1, term


def _with_sign(sign: int, term: Term) -> Term:
    return term if sign > 0 else Add(((-1, term),))


def _mark(key: str) -> int | None:
    match = re.search(r"\[(\d+)\]", key)
    return int(match.group(1)) if match else None
