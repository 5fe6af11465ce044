"""Formulas that a document only shows in numbers: a printed product, an activation, a bias as the first feature.

Each literal of a numeric side is replaced by the latest quantity that has this value; what results is kept as the formula
if one choice is better than all others. Everything that was recognised is an assumption with its evidence.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from itertools import product as cartesian

import numpy as np

from symderiv.homework.marking import Assumption
from symderiv.homework.reading import formulas as f
from symderiv.homework.reading.statements import Statement
from symderiv.homework.understanding.activations import sayings_of
from symderiv.homework.understanding.arithmetic import Array, Machine, Undefined, apply_function
from symderiv.homework.understanding.data_sets import take_samples
from symderiv.homework.understanding.draft import Draft
from symderiv.homework.understanding.elaboration import NotUnderstood, replaced
from symderiv.homework.understanding.given_values import DATA_BASES, NEW_MARKS, is_rate
from symderiv.homework.understanding.key_names import shown_name
from symderiv.homework.understanding.literals import agrees, bare, is_list, is_numeric, literal, mapped
from symderiv.homework.understanding.readings import Axes, Reader
from symderiv.homework.understanding.shapes import base_of
from symderiv.homework.understanding.symbols import EACH, LayerOpen, Reference
from symderiv.homework.understanding.tables import take_values
from symderiv.homework.understanding.terms import (
    ONE,
    Add,
    Apply,
    Augmented,
    Const,
    Jacobian,
    Over,
    Part,
    Power,
    Sloppy,
    Stack,
    Term,
    Transpose,
    parts_of,
    references_in,
)  # fmt: skip
from symderiv.homework.understanding.understanding import ACTIVATION_WORDS, Definition, Understanding
from symderiv.homework.understanding.unnamed import has_number_below, vectors_given_or_made
from symderiv.homework.understanding.worlds import Misfit, Point, Unknown, World

ROUNDED = 1e-5  # of a value that is worked out from printed ones
NEAR = 3  # so many statements before a value may hold what it is the activation of
MOST = 400  # so many ways to replace the literals are looked at
TROUBLE = (Misfit, Unknown, Undefined, ValueError, IndexError)


@dataclass(frozen=True, slots=True)
class Known:
    """A quantity with a printed value."""

    key: str
    value: Array
    half: Array
    at: int


@dataclass
class Recognised:
    """What was found; the sets tell which axes count their entries from 0."""

    zero_rows: set[str] = field(default_factory=set)
    zero_columns: set[str] = field(default_factory=set)

    def settle(self, understanding: Understanding) -> None:
        """Tell the finished understanding where a bias is the first feature."""
        understanding.axes.zero_rows = frozenset(self.zero_rows)
        understanding.axes.zero_columns = frozenset(self.zero_columns)


def recognise(draft: Draft) -> Recognised:
    """Add the formulas and values that only numbers show to what was found so far."""
    recogniser = _Recogniser(draft)
    recogniser.run()
    return recogniser.found


class _Recogniser:
    def __init__(self, draft: Draft) -> None:
        self.draft = draft
        self.elaborator = draft.elaborator.settled()
        self.found = Recognised()
        self.known: dict[str, Known] = {}
        self.used: set[str] = set()

    def run(self) -> None:
        self._drop_shapes()
        self._take_lists()
        self._find_dot_products()
        self._align()
        self._augment()
        for at, statement in enumerate(self.draft.document.statements):
            if ":" not in statement.relations:  # `X: 5 x 1` is a shape
                self._look(at, statement)
        self._find_alike()
        self._augment()

    def _drop_shapes(self) -> None:
        """`W = 3 x 2` beside a matrix, or where the text speaks of shapes, is no value."""
        numbers = self.draft.numbers
        matrices = {n.key for n in numbers if isinstance(n.term, Stack)}
        self.draft.numbers = [
            n for n in numbers if not (self._is_shape(n) and (n.key in matrices or self._speaks_of_shapes(n)))
        ]

    def _is_shape(self, number: Definition) -> bool:
        term = number.term
        if (
            not isinstance(term, Sloppy)
            or set(term.marks) != {"times"}
            or len(self.draft.document.statements[number.at].sides) != 2
        ):
            return False
        return all(isinstance(x, Const) and x.value.denominator == 1 for x in term.factors)

    def _speaks_of_shapes(self, number: Definition) -> bool:
        statements = self.draft.document.statements
        low, high = statements[max(number.at - 3, 0)].span[1], statements[number.at].span[1]
        words = " ".join(s.text for s in self.draft.document.sentences if low <= s.span[0] < high)
        return bool(re.search(r"\b(?:shapes?|dimensions?|dims?|matrix of|size of)\b", words, re.IGNORECASE))

    @property
    def formulas(self) -> set[str]:
        return {d.key for d in self.draft.definitions}

    def _take_lists(self) -> None:
        """`(x, y, z) = (2, 2, 1)`: a value for each name."""
        for at, statement in enumerate(self.draft.document.statements):
            if len(statement.sides) != 2 or statement.is_continued:
                continue
            names, values = (bare(s.node) for s in statement.sides)
            if not (
                isinstance(names, f.Group) and isinstance(values, f.Group) and len(names.items) == len(values.items) > 1
            ):
                continue
            for name, value in zip(names.items, values.items, strict=True):
                reference, term = self._plain(name), self._term(value)
                if reference is not None and term is not None and is_numeric(term):
                    self.draft.numbers.append(Definition(reference.key, term, at, statement.line, reference.indices))
        for key, term, at, line in (*take_values(self.draft), *take_samples(self.draft)):
            wholes = [n for n in self.draft.numbers if n.key == key and not any(isinstance(i, str) for i in n.indices)]
            if is_numeric(term) and key not in self.formulas and all(n.at > at for n in wholes):
                self.draft.numbers.append(Definition(key, term, at, line))
        self.draft.numbers.sort(key=lambda n: n.at)

    def _find_dot_products(self) -> None:
        r"""`w \cdot x` of two vectors that are given as lists, whose direction is not written: both lie the same way."""
        lengths: dict[str, set[int]] = {}
        for number in self.draft.numbers:
            sides = self.draft.document.statements[number.at].sides
            values = [value for side in sides[1:] if is_list(side.node) and (value := literal(side.node)) is not None]
            lengths.setdefault(number.key, set()).update([v[0].size for v in values] or [0])

        def turned(term: Term) -> Term:
            if isinstance(term, Sloppy) and term.marks == ("cdot",):
                left, right = term.factors
                if isinstance(left, Part) and isinstance(right, Part) and not left.indices and not right.indices:
                    sizes = lengths.get(left.key, {0}) | lengths.get(right.key, {0})
                    if len(sizes) == 1 and 0 not in sizes:
                        self.draft.vectors |= {left.key, right.key}
                        return Sloppy((Transpose(left), right), term.marks)
            return mapped(term, turned)

        definitions = self.draft.definitions
        definitions[:] = [replace(d, term=turned(d.term)) for d in definitions]

    # --- values of names, from a formula beside its numbers ---
    def _align(self) -> None:
        """`z = W x = [..] [..]` gives W and x where nothing else does."""
        for at, statement in enumerate(self.draft.document.statements):
            terms = [self._term(s.node) for s in statement.sides]
            for left, right in pairwise(terms):
                if (
                    left is None
                    or right is None
                    or is_numeric(left)
                    or not is_numeric(right)
                    or isinstance(left, (Part, Jacobian))
                ):
                    continue
                bound: dict[str, Term] = {}
                if self._unify(left, right, bound):
                    self._bind(at, statement, bound)

    def _bind(self, at: int, statement: Statement, bound: dict[str, Term]) -> None:
        given = {n.key for n in self.draft.numbers}
        for key, term in bound.items():
            if key not in given and key not in self.formulas and key != self.draft.loss:
                self.draft.numbers.append(Definition(key, term, at, statement.line))
                assumption = Assumption(
                    f"the value of {shown_name(key)} is the one put in for it", "its formula in numbers", statement.line
                )
                self.draft.assumptions.append(assumption)
        self.draft.numbers.sort(key=lambda n: n.at)

    def _unify(self, left: Term, right: Term, bound: dict[str, Term]) -> bool:
        if isinstance(left, Part):
            if left.indices:
                return True
            return self._unified(left.key, right, bound)
        if isinstance(left, Transpose) and isinstance(left.body, Part) and not isinstance(right, Transpose):
            turned = _turned(right)
            return turned is not None and self._unified(left.body.key, turned, bound)
        if type(left) is not type(right):
            return not list(references_in(left))
        if (
            isinstance(left, Add)
            and isinstance(right, Add)
            and [s for s, _ in left.terms] != [s for s, _ in right.terms]
        ):
            return False
        if (
            isinstance(left, Apply)
            and isinstance(right, Apply)
            and (left.function, left.order) != (right.function, right.order)
        ):
            return False
        a, b = list(parts_of(left)), list(parts_of(right))
        if len(a) != len(b) or isinstance(left, Jacobian):
            return False
        return left == right if not a else all(self._unify(x, y, bound) for x, y in zip(a, b, strict=True))

    def _unified(self, key: str, right: Term, bound: dict[str, Term]) -> bool:
        value = _plain(right)
        if value is None:
            return False
        if key in bound:
            before = _plain(bound[key])
            return before is not None and before.shape == value.shape and bool(np.allclose(before, value))
        bound[key] = right
        return True

    # --- formulas of names, from numbers ---
    def _look(self, at: int, statement: Statement) -> None:
        sides = statement.sides
        reference = self._plain(sides[0].node) if len(sides) > 1 else None
        if reference is None or statement.is_continued:
            return
        key = reference.key
        numeric = [(s.node, t) for s in sides[1:] if (t := self._term(s.node)) is not None and is_numeric(t)]
        if (
            self._is_open(reference, [t for _, t in numeric])
            and numeric
            and not self._is_entry(reference, sides[0].node)
        ):
            formula = self._from_numbers(key, numeric) or self._activation(at, key, numeric[-1][0])
            if formula is not None:
                self._add(key, formula, at, statement.line)
        if numeric:
            self._remember(reference, numeric, at)

    def _find_alike(self) -> None:
        """`out_h2` beside `out_h1 = 1/(1 + e^{-net_h1})` and a net_h2: a unit of the same kind, whatever its value."""
        for key, known in list(self.known.items()):
            computed = float(np.min(known.half)) < 0.006 and bool(np.any(known.value != np.round(known.value, 2)))
            if key in self.formulas or not computed or base_of(key) in DATA_BASES or is_rate(key):
                continue
            formula = self._like_another(key)
            if formula is not None and all(r.key in self.formulas for r in references_in(formula)):
                line = self.draft.document.statements[known.at].line
                self._add(key, formula, known.at, line)

    def _like_another(self, key: str) -> Term | None:
        """The formula of a unit of the same layer, said of this one."""
        mark = _mark(key)
        for definition in self.draft.definitions:
            other = _mark(definition.key)
            refs = {r.key for r in references_in(definition.term)}
            if base_of(definition.key) != base_of(key) or len(refs) != 1:
                continue
            inner = refs.pop()
            if mark and not other and not _mark(inner):  # out = f(net), said of every unit
                return replaced(definition.term, Part(inner, ()), Part(f"{inner}[{mark}]", ()))
            if _layer_letter(other) != _layer_letter(mark):
                continue
            if mark and other != mark and _mark(inner) == other and _layer_letter(mark):
                return replaced(definition.term, Part(inner, ()), Part(inner.replace(f"[{other}]", f"[{mark}]"), ()))
        return None

    def _is_open(self, reference: Reference, numeric: list[Term]) -> bool:
        key = reference.key
        if key in self.formulas or key in self.known or reference.indices or is_rate(key):
            return False
        is_worked_out = (reference.base == "y" and any(isinstance(t, Apply) for t in numeric)) or (
            reference.base == "v" and any(map(_adds_up, numeric)) and bool(set(numeric) & self.activated)
        )
        if reference.base in DATA_BASES and "^hat" not in key and not is_worked_out:
            return False
        mark = key.partition("[")[2]
        if mark[:-1].isdigit() and self._has_recurrence:
            return False  # a quantity by time: the recurrence or the gradient says what it is
        if reference.base.startswith("d") or "^bar" in key:
            return False  # a derivative
        return not any(word in mark for word in NEW_MARKS)

    def _is_entry(self, reference: Reference, node: f.Node) -> bool:
        """`z_1` where z is a vector that has a formula; `h^{(1)}` is the h of a sample."""
        return has_number_below(node) and bool({reference.base, reference.base + EACH} & self.vectors)

    @cached_property
    def activated(self) -> set[Term]:
        r"""The 0.48 of `\varphi(0.48)`."""
        sides = (self._term(side.node) for statement in self.draft.document.statements for side in statement.sides)
        return {t.body for t in sides if isinstance(t, Apply)}

    @cached_property
    def vectors(self) -> set[str]:
        """What is given as a list of numbers, and what is worked out of such by a formula."""
        return vectors_given_or_made(self.draft)

    @property
    def _has_recurrence(self) -> bool:
        """`v_t = beta v_{t-1} + g_t`."""
        for definition in self.draft.definitions:
            base, _, mark = definition.key.partition("[")
            if mark[:-1].isdigit() and any(
                r.key == f"{base}[{int(mark[:-1]) - 1}]" for r in references_in(definition.term)
            ):
                return True
        return False

    def _with_targets(self, term: Term) -> Term:
        """`(1 - out_1)^2` with `target_1 = 1`: the whole number in a squared difference is the target of that unit."""
        match term:
            case Power(Add(((a, Const() as one), (b, Part() as out))) as base, exponent) if a != b:
                for known in self.known.values():
                    is_same = known.value.size == 1 and float(known.value.item()) == float(one.value)
                    if is_same and base_of(known.key) in DATA_BASES and _mark(known.key) == _mark(out.key):
                        return Power(replace(base, terms=((a, Part(known.key, ())), (b, out))), exponent)
        return mapped(term, self._with_targets)

    def _add(self, key: str, formula: Term, at: int, line: int) -> None:
        formula = self._with_targets(formula)
        self.draft.definitions.append(Definition(key, formula, at, line))
        self.used |= {r.key for r in references_in(formula)}
        for product in _products(formula):
            left, right = product.factors[0], product.factors[-1]
            weight = _bare(left)
            if isinstance(right, Augmented) and isinstance(right.body, Part) and isinstance(weight, Part):
                self._tell(weight.key, isinstance(left, Transpose), right.body.key)
        about = ", ".join(dict.fromkeys(r.key for r in references_in(formula)))
        self.draft.assumptions.append(
            Assumption(f"{shown_name(key)} is computed from {about}", "its numbers show it", line)
        )

    def _remember(self, reference: Reference, numeric: list[tuple[f.Node, Term]], at: int) -> None:
        node, term = numeric[-1]
        printed = literal(node)
        value = printed[0] if printed is not None else _plain(term)
        if value is None or reference.indices or is_rate(reference.key):
            return
        half = printed[1] if printed is not None else np.full(value.shape, 1e-9)
        self.known[reference.key] = Known(reference.key, value, half, at)

    def _from_numbers(self, key: str, numeric: list[tuple[f.Node, Term]]) -> Term | None:
        for node, term in numeric:
            if literal(node) is not None:
                continue
            choices = [t for t in self._replaced(term, True)[:MOST] if any(True for _ in references_in(t))]
            choices = [t for t in choices if all(r.key != key for r in references_in(t)) and not _has_decimals(t)]
            best = self._best(choices)
            if best is not None:
                return best
        return None

    def _best(self, choices: list[Term]) -> Term | None:
        ranked = sorted(dict.fromkeys(choices), key=self._score)
        if not ranked:
            return None
        if len(ranked) > 1 and self._score(ranked[0]) == self._score(ranked[1]):
            return None
        return ranked[0]

    def _score(self, term: Term) -> float:
        """How unlikely a choice is: a quantity twice, literals left, indices that do not belong together."""
        keys = [r.key for r in references_in(term)]
        score = 3.0 * (len(keys) - len(set(keys))) + 0.4 * sum(1 for _ in _constants(term))
        score += 0.1 * sum(k in self.arguments for k in keys)
        score += 0.5 * sum(k in self.used and base_of(k) in ("w", "W", "b", "theta") for k in keys)
        score += 0.3 * sum(left.partition("[")[2] != right.partition("[")[2] for left, right in _differences(term))
        if isinstance(term, Add):
            score += 0.4 * sum(isinstance(t, Part) and base_of(t.key) in ("w", "W") for _, t in term.terms)
        for product in _products(term):
            marks = [_digits(r.key) for r in product.factors if isinstance(r, Part)]
            bases = {base_of(r.key) in ("w", "W", "theta", "v", "u") for r in product.factors if isinstance(r, Part)}
            score += 0.4 * any(base_of(r.key) == "b" for r in references_in(product))  # what is added, no factor
            score += 0.2 * (len(marks) == 2 and marks[0] != marks[1]) + 0.5 * (len(marks) == 2 and len(bases) == 1)
        return score

    @property
    def arguments(self) -> set[str]:
        """What an activation is taken of: the activation goes on, not its argument."""
        bodies = [d.term.body for d in self.draft.definitions if isinstance(d.term, Apply)]
        return {body.key for body in bodies if isinstance(body, Part)}

    # --- literals to quantities ---
    def _replaced(self, term: Term, is_linear: bool) -> list[Term]:
        """Every way to put quantities for the literals of a term."""
        known = self._sigmoid(term)
        if known:
            return known
        if isinstance(term, Const):
            return self._named(np.array([[float(term.value)]]), term, is_linear)
        if isinstance(term, Add) and len(term.terms) == 1 and isinstance(term.terms[0][1], Const):
            return self._named(np.array([[term.terms[0][0] * float(term.terms[0][1].value)]]), term, is_linear)
        if isinstance(term, Stack):
            value = _plain(term)
            return [term] if value is None else self._named(value, term, True)
        parts = list(parts_of(term))
        if not parts:
            return [term]
        choices = [self._replaced(p, self._allows_whole(term, p, is_linear)) for p in parts]
        count = 1
        for choice in choices:
            count *= len(choice)
        if count > MOST:
            return []
        return [_with_parts(term, chosen) for chosen in cartesian(*choices)]

    @staticmethod
    def _allows_whole(term: Term, part: Term, is_linear: bool) -> bool:
        """Whether a whole number in this place may be a quantity: a factor or a summand, not a structural 1 or 2."""
        if isinstance(term, Add):
            is_structural = (
                isinstance(part, Const)
                and part.value in (1, 2)
                and not any(isinstance(t, Sloppy) for _, t in term.terms)
            )
            return is_linear and not is_structural
        if isinstance(term, Sloppy):
            return is_linear and len(term.factors) == 2
        return False

    def _named(self, value: Array, term: Term, allows_whole: bool) -> list[Term]:
        is_whole = value.size == 1 and float(value.item()).is_integer()
        is_half = value.size == 1 and abs(float(value.item())) == 0.5
        if is_whole and not allows_whole:
            return [term]
        out: list[Term] = []
        for known in reversed(self.known.values()):
            if known.value.shape == value.shape and np.allclose(known.value, value, rtol=1e-12, atol=1e-15):
                out.append(Part(known.key, ()))
            elif known.value.shape == value.shape and np.allclose(known.value, -value, rtol=1e-12, atol=1e-15):
                out.append(Add(((-1, Part(known.key, ())),)))
            elif (
                value.size > 1
                and known.value.shape == value.shape[::-1]
                and np.allclose(known.value.T, value, rtol=1e-12, atol=1e-15)
            ):
                out.append(Transpose(Part(known.key, ())))
            elif self._is_with_one(value, known.value):
                out.append(Augmented(Part(known.key, ()), "rows"))
        if is_whole or is_half or not out:
            out.append(term)
        return out

    @staticmethod
    def _is_with_one(value: Array, known: Array) -> bool:
        """`[1; 0.3; 0.8]` after `[0.3; 0.8]`: the 1 of the bias stands before a known column."""
        if value.shape[1] != 1 or known.shape != (value.shape[0] - 1, 1) or known.size < 2 or value[0, 0] != 1:
            return False
        return np.allclose(known, value[1:], rtol=1e-12, atol=1e-15)

    def _sigmoid(self, term: Term) -> list[Term]:
        """`1 / (1 + e^{1.996})` after z = -1.996."""
        if (
            not isinstance(term, Over)
            or term.left != ONE
            or not isinstance(term.right, Add)
            or len(term.right.terms) != 2
        ):
            return []
        exponentials = [t for s, t in term.right.terms if isinstance(t, Apply) and t.function == "exp" and s == 1]
        ones = [t for s, t in term.right.terms if t == ONE and s == 1]
        if len(exponentials) != 1 or len(ones) != 1:
            return []
        inside = _plain(exponentials[0].body)
        if inside is None:
            return []
        found = [
            k
            for k in self.known.values()
            if k.value.shape == inside.shape and np.allclose(k.value, -inside, rtol=1e-12, atol=1e-15)
        ]
        return [Apply("sigmoid", 0, Part(k.key, ())) for k in found[-1:]]

    # --- activations ---
    def _activation(self, at: int, key: str, node: f.Node) -> Term | None:
        """A value that is a known activation of the last quantities printed before."""
        printed = literal(node)
        if printed is None or (base_of(key) in DATA_BASES and "^hat" not in key):
            return None
        value, half = printed
        is_coarse = float(np.min(half)) > 0.006
        before: list[tuple[Known, Term]] = [
            (k, Part(k.key, ())) for k in sorted(self.known.values(), key=lambda k: -k.at)
        ]
        for known, inner in [*before, *self._worked_out(at)]:
            if known.value.shape != value.shape or base_of(known.key) in DATA_BASES or at - known.at > 40:
                continue
            if self._is_switched_on(key, known, value):
                return Apply("relu", 0, inner)
            names = [] if is_coarse else [n for n in self._functions() if self._fits(n, known, value, half)]
            if len(names) == 1:
                return Apply(names[0], 0, inner)
        return None

    def _worked_out(self, at: int) -> Iterator[tuple[Known, Term]]:
        """What has a value that is not printed: net_o2 before out_o2, `w_3 i_1 + w_4 i_2` without a name just before."""
        values = {k: known.value for k, known in self.known.items()}
        formulas: list[tuple[str, Term, Term]] = [
            (d.key, d.term, Part(d.key, ())) for d in self.draft.definitions if d.at <= at
        ]
        for statement in self.draft.document.statements[max(at - NEAR, 0) : at]:
            term = self._term(statement.sides[0].node) if len(statement.sides) == 1 else None
            if isinstance(term, (Add, Sloppy)):
                formulas.append(("", term, term))
        for key, term, shown in formulas:
            if key in values or not all(r.key in values for r in references_in(term)):
                continue
            try:
                found = Reader(World(Point(Machine, values, {"1": 1}), {}), Axes()).readings(term)[0].value
            except TROUBLE:
                continue
            if not found.letters:
                array = np.asarray(found.array, dtype=float)
                yield Known(key, array, np.abs(array) * ROUNDED, at), shown

    def _is_switched_on(self, key: str, known: Known, value: Array) -> bool:
        """The value of the quantity before under another name, where the text says that hidden units are ReLUs."""
        is_hidden = "^hat" not in key and base_of(key) != base_of(known.key)
        return (
            is_hidden
            and self._has_hidden_relu
            and bool(np.all(known.value > 0))
            and np.allclose(value, known.value, rtol=1e-12, atol=1e-15)
        )

    @cached_property
    def _has_hidden_relu(self) -> bool:
        return any(s.role == "hidden" and s.kind == "relu" for s in sayings_of(self.draft))

    def _functions(self) -> list[str]:
        words = [
            n
            for n, pattern in ACTIVATION_WORDS.items()
            if n != "softmax" and re.search(pattern, self.draft.words, re.IGNORECASE)
        ]
        return list(
            dict.fromkeys([*words, *(x for x in self.draft.functions.values() if x in ("sigmoid", "tanh", "relu"))])
        )

    @staticmethod
    def _fits(name: str, known: Known, value: Array, half: Array) -> bool:
        try:
            exact = apply_function(name, Machine, known.value)
            slope = np.abs(apply_function(name, Machine, known.value, 1))
        except Undefined:
            return False
        if name == "relu" and not np.any(known.value < 0):
            return False
        return agrees(value, exact, half + slope * known.half) is not None

    # --- the bias as the first feature ---
    def _augment(self) -> None:
        """`W^T x` where W has one row more than x: a 1 stands before the features."""
        shapes = self._shapes()
        for n, definition in enumerate(self.draft.definitions):
            term = definition.term
            if (
                isinstance(term, Sloppy)
                and len(term.factors) == 2
                and not set(term.marks) & {"odot", "circ", ".*", "otimes"}
            ):
                changed = self._augmented(term, shapes)
                if changed is not None:
                    self.draft.definitions[n] = replace(definition, term=changed)

    def _shapes(self) -> dict[str, tuple[int, int]]:
        """The largest value that is printed of each quantity tells its shape."""
        found: dict[str, tuple[int, int]] = {}
        for number in self.draft.numbers:
            value = _plain(number.term)
            rows, columns = found.get(number.key, (0, 0))
            if value is not None and not number.indices and value.size > rows * columns:
                found[number.key] = value.shape
        return found

    def _augmented(self, term: Sloppy, shapes: dict[str, tuple[int, int]]) -> Term | None:
        left, right = term.factors
        a, b = _shape(left, shapes), _shape(right, shapes)
        if a is None or b is None:
            return None
        first, second = _bare(left), _bare(right)
        if not isinstance(first, Part) or not isinstance(second, Part):
            return None
        if self._is_longer(first.key, a[1], b):
            self._tell(first.key, isinstance(left, Transpose), second.key)
            return Sloppy((left, Augmented(right, "rows")), term.marks)
        if self._is_longer(second.key, b[0], a):
            self._tell(second.key, not isinstance(right, Transpose), first.key)
            return Sloppy((Augmented(left, "columns"), right), term.marks)
        return None

    def _is_longer(self, weight: str, size: int, vector: tuple[int, int]) -> bool:
        """Whether a given weight has one entry more along the product than the vector has."""
        count = max(vector)
        speaks = bool(re.search(r"\bbias|\bBias|sesgo|\bbiais", self.draft.words))
        return weight not in self.formulas and min(vector) == 1 and size == count + 1 and (count > 1 or speaks)

    def _tell(self, weight: str, rows: bool, feature: str) -> None:
        (self.found.zero_rows if rows else self.found.zero_columns).add(weight)
        which = "row" if rows else "column"
        self.draft.assumptions.append(
            Assumption(
                f"a 1 stands before the entries of {feature}: the bias as first feature",
                f"{weight} has one {which} more",
            )
        )

    # --- reading ---
    def _term(self, node: f.Node) -> Term | None:
        try:
            return self.elaborator.term(node)
        except (NotUnderstood, LayerOpen):
            return None

    def _plain(self, node: f.Node) -> Reference | None:
        try:
            return self.draft.plain(node)
        except LayerOpen:
            return None


def _adds_up(term: Term) -> bool:
    r"""`0.3 \cdot 0.6 - 0.5 \cdot 0.4 + 0.1`: what a unit adds up, or a velocity; no datum."""
    return isinstance(term, Add) and sum(isinstance(t, Sloppy) for _, t in term.terms) > 1


def _plain(term: Term) -> Array | None:
    """The value of numbers alone."""
    if not is_numeric(term):
        return None
    try:
        value = Reader(World(Point(Machine, {}, {"1": 1}), {}), Axes()).readings(term)[0].value
    except TROUBLE:
        return None
    return None if value.letters else np.asarray(value.array, dtype=float)


def _turned(term: Term) -> Term | None:
    value = _plain(term)
    if value is None:
        return None
    if isinstance(term, Stack):
        return Stack(tuple(zip(*term.rows, strict=True)))
    return term if value.size == 1 else None


def _with_parts(term: Term, parts: Iterable[Term]) -> Term:
    queue = list(parts)
    return mapped(term, lambda _: queue.pop(0))


def _constants(term: Term) -> Iterator[Fraction]:
    if isinstance(term, Const):
        yield term.value
    if isinstance(term, Power):
        yield from _constants(term.base)
        return
    for part in parts_of(term):
        yield from _constants(part)


def _has_decimals(term: Term) -> bool:
    """Whether a literal is left that is neither whole nor a simple fraction."""
    return any(value.denominator > 4 for value in _constants(term))


def _products(term: Term) -> Iterator[Sloppy]:
    if isinstance(term, Sloppy):
        yield term
    for part in parts_of(term):
        yield from _products(part)


def _differences(term: Term) -> Iterator[tuple[str, str]]:
    """`target_1 - out_1`: what is taken from what belongs to one unit."""
    if isinstance(term, Add) and len(term.terms) == 2 and term.terms[0][0] != term.terms[1][0]:
        left, right = (part for _, part in term.terms)
        if isinstance(left, Part) and isinstance(right, Part):
            yield left.key, right.key
    for part in parts_of(term):
        yield from _differences(part)


def _mark(key: str) -> str:
    """The h_1 of `out[h_1]`."""
    return key.partition("[")[2].rstrip("]")


def _layer_letter(mark: str) -> str:
    """The h of h_1: units with one letter are of one layer."""
    return "".join(c for c in mark if c.isalpha())


def _digits(key: str) -> str:
    return "".join(c for c in key.partition("[")[2] if c.isdigit())


def _bare(term: Term) -> Term:
    return term.body if isinstance(term, Transpose) else term


def _shape(term: Term, shapes: dict[str, tuple[int, int]]) -> tuple[int, int] | None:
    if isinstance(term, Transpose):
        inner = _shape(term.body, shapes)
        return None if inner is None else inner[::-1]
    return shapes.get(term.key) if isinstance(term, Part) and not term.indices else None
