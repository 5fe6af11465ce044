"""Judges every relation of a document: definition, derivative, chain, update, shape or number; and keeps what was wrong.

A later line is judged against the truth first; only if it is false, against what follows from the writer's own false lines.
The span of the first relation covers both sides; of a later one in a chain, its own sign and side.
"""

from __future__ import annotations

import contextlib
import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property

import numpy as np

from symderiv.homework.judging.adjoints import adjoints_of
from symderiv.homework.judging.classes import letter_of_class, true_for_each_class
from symderiv.homework.judging.comparing import Answer, Comparer, Comparison
from symderiv.homework.judging.differentials import judge_differential
from symderiv.homework.judging.intercept import judge_intercept
from symderiv.homework.judging.number_claims import NumberClaim, by_the_numbers
from symderiv.homework.judging.numbers import NumberWorlds
from symderiv.homework.judging.rows import judge_rows
from symderiv.homework.judging.truths import truth_of
from symderiv.homework.judging.verdicts import FAULTS, Own, Subject, Verdict, reason_of, unjudged
from symderiv.homework.marking import Claim
from symderiv.homework.reading import formulas as f
from symderiv.homework.reading.plainly import to_text
from symderiv.homework.reading.statements import Side, Statement
from symderiv.homework.understanding.arithmetic import FUNCTIONS, Array, Machine, Undefined
from symderiv.homework.understanding.conditions import Condition, condition_of, is_condition
from symderiv.homework.understanding.elaboration import (
    Elaborator,
    NotUnderstood,
    is_number,
    relabelled,
    renamed,
    replaced,
    with_part,
    without_indices,
)
from symderiv.homework.understanding.given_values import is_rate
from symderiv.homework.understanding.inference import CONTRARY, Inference, Variant, any_function_of
from symderiv.homework.understanding.literals import agrees, is_numeric, literal, literals_in
from symderiv.homework.understanding.patience import TookTooLong, at_most
from symderiv.homework.understanding.readings import Axes, Reader
from symderiv.homework.understanding.shapes import RATES, base_of
from symderiv.homework.understanding.stated_shapes import NO_LAYERS, Stated, judge_shape, misstated, sizes_in
from symderiv.homework.understanding.symbols import HYPER_BASES, LOSS_BASES, LayerOpen, Reference
from symderiv.homework.understanding.terms import (
    Add,
    Apply,
    Const,
    Jacobian,
    Kronecker,
    Over,
    Part,
    Ref,
    SizeOf,
    Sloppy,
    Softmax,
    Stack,
    SumOver,
    Term,
    Times,
    Transpose,
    everything_in,
    is_ones,
    mapped,
    parts_of,
    references_in,
)
from symderiv.homework.understanding.understanding import ACTIVATION_WORDS, TARGET_BASES, Definition, Understanding
from symderiv.homework.understanding.worlds import Misfit, Point, Unknown, World, separates

SECONDS_A_CLAIM = 2.0
MOST_LETTERS = 3  # of an identity about any matrices
IDENTITY_SIZES = (2, 3)
SPECIAL_CASE = r"special case|single (?:example|sample)|only one (?:example|sample)|Sonderfall|Spezialfall|cas particulier|caso particular"
ASIDE = 160  # characters before a formula that may say for which activation it is
SHAPE_WORDS = re.compile(  # what may stand between a name and its shape
    r"(?:[\s$`(\[,:]|\\[(\[]|\b(?:is|are|of|the|an?|has|shape|size|matrix|vector|row|column|ist|eine?|est|une?|es|una?)\b)*",
    re.IGNORECASE,
)
EDIT_WORDS = {
    "elementwise": "an elementwise product is not marked", "grouping": "brackets are missing",
    "formal": "the sum over the samples is formal",
    "index": "a sample index says nothing here", "transposed": "a factor is transposed", "swapped": "two factors stand in the other order",
    "marked": "a matrix product is written with an elementwise sign",
    "dotted": "⊙ stands where a matrix product is meant", "turned": "the whole result is transposed",
    "implied": "a repeated index is summed", "gathered": "entries stand for the whole",
}  # fmt: skip
QUESTION = r"what|find|comput|determin|calculat|deriv|berechn|bestimm|welche|cu[aá]l|calcul|quelle|trouve"
SIGNS = {"in": " ∈ ", ":": ": ", "<-": " ← ", ":=": " := ", "->": " → "}
SIGN = re.compile(r"=|\\(?:leftarrow|gets)\b|←|<-")
PROGRAM = r"\bnp\.|\bnumpy\b|^ *def \w+\("  # arrays have the shapes that they have, there
OPEN_FUNCTION = r"([A-Za-z]+)\W{1,3}is (?:a|any|some|an arbitrary) (?:smooth |differentiable )?(?:activation )?function"
USUAL_ACTIVATIONS = ("sigmoid", "tanh", "relu", "softplus")
HARMLESS = frozenset({"oblong", "implied", "gathered"})

COSTS = {
    "wrong": 3.0,
    "uncheckable": 2.0,
    "carried": 1.0,
    "notation": 0.3,
    "correct": 0.0,
}  # of a candidate that says so


@dataclass
class Judge:
    """Judges the statements of one document, in order."""

    inference: Inference
    understanding: Understanding
    numbers: NumberWorlds = field(init=False)
    own: dict[str, Own] = field(default_factory=dict)
    claims: list[Claim] = field(default_factory=list)
    subject: Subject | None = None
    question: Subject | None = None
    question_at: int = -100
    relations: list[tuple[Jacobian, Term]] = field(default_factory=list)  # true ones between derivatives
    false: dict[Term, tuple[Term, int]] = field(default_factory=dict)  # derivatives as they stand, and the line
    rows_judged: int = 0
    shows_later: bool = False  # a derivative by something between is written out, and true, without 1/n
    nearly_later: bool = False  # it would be, but for a sign or a 2

    def __post_init__(self) -> None:
        self.numbers = NumberWorlds(self.understanding)

    def run(self, limit: float = float("inf")) -> list[Claim] | None:
        """Every claim of the document; None as soon as their costs are above a limit."""
        cost, counted = 0.0, 0
        self._name_adjoints()
        for at, statement in enumerate(self.understanding.document.statements):
            try:
                judge_rows(self, at, statement.span[0])
                self._statement(at, statement)
            except TookTooLong as error:  # the time for the whole document
                self._give_up(statement, counted, str(error))
            cost, counted = cost + sum(COSTS[c.verdict] for c in self.claims[counted:]), len(self.claims)
            if cost > limit:
                return None
        with contextlib.suppress(TookTooLong):
            judge_rows(self, len(self.understanding.document.statements), float("inf"))
        return self.claims

    def _give_up(self, statement: Statement, counted: int, reason: str) -> None:
        """Claims of a statement that nobody judges any more, those that have a verdict apart."""
        done = {c.span[1] for c in self.claims[counted:]}
        self.claims += [
            c for c in unjudged(self.understanding.document.text, statement, reason) if c.span[1] not in done
        ]

    # --- adjoint names ---
    def _name_adjoints(self) -> None:
        """What `delta_2`, `z bar` stand for: said outright, or by the first line that is true for a derivative of the loss."""
        with contextlib.suppress(TookTooLong):
            self.understanding.refine()
            self.understanding.learn_ones()
            if self.understanding.loss is not None:
                self.inference.elaborator.adjoints = adjoints_of(self.inference, self.understanding)

    # --- one statement ---
    def _elaborator(self, layers: dict[str, int]) -> Elaborator:
        key = tuple(layers.items())
        found = self._elaborators.get(key)
        if found is None:
            found = self._elaborators[key] = self.inference.elaborator.settled(layers)
        return found

    @cached_property
    def _elaborators(self) -> dict[tuple[tuple[str, int], ...], Elaborator]:
        return {}

    def _statement(self, at: int, statement: Statement) -> None:
        if is_condition(statement, self.understanding.symbols.indices):
            return
        sides = list(statement.sides)
        relations = list(statement.relations)
        if statement.is_continued:
            previous = self.subject
            signs = [statement.opening, *relations]
            if previous is None:
                for side in sides:
                    self._claim(
                        statement,
                        side.span,
                        Verdict("uncheckable", "prose", "it goes on from a line that was not read"),
                        None,
                        side,
                    )
                return
            for sign, side in zip(signs, sides, strict=True):
                self._relation(at, statement, previous, sign, side, (self._sign_start(statement, side), side.span[1]))
            return
        if len(sides) == 1:
            self._lone(at, statement, sides[0])
            return
        subject = self._subject(sides[0])
        self.subject = subject
        before = sides[0]
        for k, side in enumerate(sides[1:]):
            start = sides[0].span[0] if k == 0 else before.span[1]
            if k and re.search(r"\\\\|\n", self.understanding.document.text[start : side.span[0]]):  # on its own line
                start = self._sign_start(replace(statement, span=(start, side.span[1])), side)
            sign = relations[k]
            if sign == "=:":
                self._relation(at, statement, self._subject(side), "=:", before, (before.span[0], side.span[1]))
            elif sign == "=>" or (sign == "->" and "=" in relations[:k] and "=" in relations[k + 1 : k + 2]):
                self.subject = subject = self._subject(side)  # `f(s) = .. -> f'(s) = ..`: what follows from it
            else:
                self._relation(at, statement, subject, sign, side, (start, side.span[1]))
            before = side

    def _sign_start(self, statement: Statement, side: Side) -> int:
        """A continued line's claim begins with its relation sign."""
        text = self.understanding.document.text
        start = max(statement.span[0], 0)
        if side is statement.sides[0]:
            return start
        signs = list(SIGN.finditer(text, start, side.span[0]))
        return signs[-1].start() if signs else side.span[0]

    def _lone(self, at: int, statement: Statement, side: Side) -> None:
        """An expression without a relation: a question, or the answer to one."""
        node = f.without_brackets(side.node)
        subject = self._subject(side)
        if isinstance(node, f.Derivative):
            after = self.understanding.document.text[side.span[1] : side.span[1] + 6]
            before = self.understanding.document.text[max(0, side.span[0] - ASIDE) : side.span[0]].split("\n\n")[-1]
            before = re.sub(r"\\[A-Za-z]+", "", before)  # a heading that is the formula alone asks nothing
            asked = "" if not re.search(r"\w", before) else re.split(r"[.!;]\s", statement.lead)[-1]
            if "?" in after or "?" in statement.tail or re.search(QUESTION, asked, re.IGNORECASE):
                self.question, self.question_at = subject, at
            self.subject = subject
            return
        if statement.where != "cell" and self._lone_shape(at, statement, side):
            return
        if (
            self.question is not None
            and at - self.question_at <= 12
            and statement.where in ("display", "inline", "plain", "list")
        ):
            if isinstance(node, (f.Name, f.Scripted)) and subject.reference is not None:
                return
            if isinstance(node, (f.Text, f.Unread, f.Group)):
                return
            self._relation(at, statement, self.question, "=", side, side.span)

    def _lone_shape(self, at: int, statement: Statement, side: Side) -> bool:
        """`X is the input [n x f]`, `$p$ ($1 \\times M$)`, `R^{n x 1}` under a gradient: a shape without a relation."""
        sizes = sizes_in(side.node)
        node = f.without_brackets(side.node)
        is_product = isinstance(node, f.Product) and "times" in getattr(node, "marks", ())
        is_space = isinstance(node, f.Scripted) and isinstance(node.base, f.Name) and node.base.base == "R"
        is_pair = isinstance(side.node, f.Group) and len(side.node.items) == 2
        if sizes is None or len(sizes) != 2 or not (is_product or is_space or is_pair):
            return False
        reference = self._just_named(at, statement) or self._named_in_words(statement)
        if reference is None and is_space and self.subject is not None:
            reference = self._shaped(self.subject)
        if reference is None and is_pair:
            return False
        verdict = (
            judge_shape(self.understanding, reference, side, Verdict, self._misstated)
            if reference is not None
            else None
        )
        if verdict is not None:
            self._claim(statement, side.span, verdict, None, side)
        return True

    def _just_named(self, at: int, statement: Statement) -> Reference | None:
        """The lone name right before: `$p$ ($1 \\times M$)`."""
        before = self.understanding.document.statements[at - 1] if at else None
        if before is None or len(before.sides) != 1:
            return None
        if not SHAPE_WORDS.fullmatch(self.understanding.document.text[before.span[1] : statement.span[0]]):
            return None
        reference = self._shaped(self._subject(before.sides[0]))
        return reference if reference is not None and reference.key in self.understanding.shapes else None

    def _named_in_words(self, statement: Statement) -> Reference | None:
        """The last quantity in the words before: `X is the input [n x f]`."""
        folds = self.inference.symbols.folds
        for name in reversed(re.findall(r"[A-Za-z]\w*", statement.lead)):
            for key in (name, folds.get(name, name), name.lower() if len(name) == 1 else name):
                if key in self.understanding.shapes:
                    return Reference(key, key)
        return None

    def _subject(self, side: Side) -> Subject:
        elaborator = self._elaborator(self.inference.base_layers)
        reference: Reference | None = None
        with contextlib.suppress(LayerOpen):
            reference = self.inference.plain(side.node)
        try:
            if reference is not None:
                return Subject(side, elaborator._quantity(reference, side.node), reference)
            return Subject(side, elaborator.term(side.node), None)
        except NotUnderstood as error:
            return Subject(side, None, reference, error.reason)
        except LayerOpen:
            return Subject(side, None, reference, "open")

    # --- one relation ---
    def _relation(
        self, at: int, statement: Statement, subject: Subject, sign: str, side: Side, span: tuple[int, int]
    ) -> None:
        verdicts: list[Verdict] = []
        try:
            with at_most(SECONDS_A_CLAIM):
                for layers in self._instances(statement, subject, side):
                    verdict = self._judged(at, statement, subject, sign, side, layers)
                    if verdict is not None:
                        verdicts.append(verdict)
        except (TookTooLong, *FAULTS) as error:
            # a fault of ours in one line must not cost the others
            verdicts = [Verdict("uncheckable", "derivative", reason_of(error, "this line could not be judged"))]
        if not verdicts:
            return
        worst = max(verdicts, key=lambda v: ("correct", "notation", "uncheckable", "carried", "wrong").index(v.verdict))
        if worst.verdict == "uncheckable" and any(v.verdict in ("correct", "notation") for v in verdicts):
            worst = next(v for v in verdicts if v.verdict in ("correct", "notation"))
        if worst.verdict in ("wrong", "carried") and subject.false_since is None:
            subject.false_since = statement.line
        self._claim(statement, span, worst, subject, side)

    def _instances(self, statement: Statement, subject: Subject, side: Side) -> list[dict[str, int]]:
        whole = Statement((subject.side, side), ("=",), statement.span, statement.line, statement.where)
        return self.inference.instances(whole)

    def _claim(
        self, statement: Statement, span: tuple[int, int], verdict: Verdict, subject: Subject | None, side: Side
    ) -> None:
        text = self.understanding.document.text
        line = text.count("\n", 0, span[0]) + 1
        left = ""
        if subject is not None and subject.side is not side:
            place = next((k for k, s in enumerate(statement.sides) if s is side), 0)
            sign = statement.relations[place - 1] if place else "="
            left = f"{to_text(subject.side.node)}{SIGNS.get(sign, ' = ')}"
        self.claims.append(
            Claim(
                line,
                span,
                text[span[0] : span[1]].strip(),
                verdict.kind,
                verdict.reading or left + to_text(side.node),
                verdict.verdict,
                verdict.message,
                verdict.expected,
                verdict.mistakes,
                verdict.root,
            )
        )

    def _judged(
        self, at: int, statement: Statement, subject: Subject, sign: str, side: Side, layers: dict[str, int]
    ) -> Verdict | None:
        elaborator = self._elaborator(layers)
        if sign in ("in", ":"):
            return self._shape(subject, side, layers)
        if sign in ("<", ">", "<=", ">=", "!="):
            return None
        if sign == "->" and any(isinstance(n, f.Name) for n in f.walk(side.node)) and not _is_step(subject.side, side):
            return None  # a path from quantity to quantity
        left = subject.term
        reference = subject.reference
        reason = subject.reason
        if subject.reason == "open" or layers != self.inference.base_layers:
            try:
                reference = self.inference.plain(subject.side.node, elaborator)
                left = (
                    elaborator._quantity(reference, subject.side.node)
                    if reference
                    else elaborator.term(subject.side.node)
                )
                reason = ""
            except NotUnderstood as error:
                left, reason = None, error.reason
            except LayerOpen:
                return None
        try:
            right = elaborator.term(side.node)
        except NotUnderstood as error:
            kind = "definition" if reference is not None and not isinstance(left, Jacobian) else "derivative"
            return Verdict("uncheckable", kind, f"could not be read: {error.reason}")
        except LayerOpen:
            return None
        if left is None:
            return Verdict("uncheckable", "prose", f"the left side could not be read: {reason}")
        if layers != self.inference.base_layers and not self._exists(left, right, at):
            return None
        activations = self.inference.activations
        left, right = (activations.applied(self._entries(t), at) for t in (left, right))
        condition = condition_of(self.understanding.document, at, self.understanding.symbols.indices)
        if condition is not None:
            left, right = _under(condition, left), _under(condition, right)
        return self._by_kind(at, statement, subject, reference, left, right, sign, side)

    def _entries(self, term: Term) -> Term:
        """`x_2` where only x is known: its second entry."""
        if all(r.key in self._grounded or not r.key.endswith("]") for r in references_in(term)):
            return term
        if (
            (
                isinstance(term, Part)
                and not term.indices
                and term.key not in self._grounded
                and term.key not in self.understanding.vectors
                and (m := re.fullmatch(r"(.+?)\[(\d+)\]", term.key))
            )
            and m.group(1) in self._grounded
            and m.group(1) in self.understanding.shapes_of_data
        ):
            return Part(m.group(1), (int(m.group(2)),))
        if isinstance(term, Jacobian):
            bottom = self._entries(term.bottom)
            return Jacobian(self._entries(term.top), bottom if isinstance(bottom, Part) else term.bottom)
        return mapped(term, self._entries)

    def _exists(self, left: Term, right: Term, at: int) -> bool:
        """Whether a general formula says something about these layers: all its quantities are there."""
        shapes = self.understanding.shapes
        if not self.inference.has_layers(r.key for t in (left, right) for r in references_in(t)):
            return False
        try:
            world = self.understanding.world(at, Machine)
            for ref in (*references_in(left), *references_in(right)):
                if ref.key not in ("ones", "identity", "#index") and ref.key not in self.understanding.symbols.sizes:
                    if is_rate(ref.key):
                        continue
                    if ref.key not in shapes:
                        return False
                    world.quantity(ref.key)
            for part in (*everything_in(left), *everything_in(right)):
                loss = self.understanding.loss
                if (
                    isinstance(part, Jacobian)
                    and loss is not None
                    and self._key(part.top) == loss
                    and not world.depends(loss, part.bottom.key)
                ):
                    return False  # nothing there for the loss to depend on
        except (Unknown, Misfit, Undefined):
            return False
        return True

    def _by_kind(
        self,
        at: int,
        statement: Statement,
        subject: Subject,
        reference: Reference | None,
        left: Term,
        right: Term,
        sign: str,
        side: Side,
    ) -> Verdict | None:
        is_derivative = isinstance(left, Jacobian) or any(isinstance(p, Jacobian) for p in everything_in(left))
        if self.inference.elaborator.differentials:
            differential = judge_differential(self.understanding, at, left, right)
            if differential is not None:
                subject.sides.append((side.node, right))
                return differential
        intercept = judge_intercept(self.understanding, at, left, right)
        if intercept is not None:
            subject.sides.append((side.node, right))
            return intercept
        if self.understanding.later:
            chain = self._chain(at, left, right)
            if chain is not None and chain.verdict == "correct" and chain.message:
                subject.sides.append((side.node, right))
                return chain
            is_alone = self._per_sample(left) != left and self._per_sample(right) == right
            left, right = self._per_sample(left), self._per_sample(right)
            if is_alone and self._compare(at, left, right).answer is Answer.EQUAL:
                self.shows_later = True
            elif is_alone and not self.shows_later:
                self.nearly_later = self.nearly_later or self._is_multiple(at, left, right)
        verdict = self._number(at, statement, subject, reference, left, right, sign, side)
        if verdict is not None:
            subject.sides.append((side.node, right))
            return verdict
        subject.sides.append((side.node, right))
        if reference is not None and not is_derivative:
            update = self._update(at, reference, left, right, sign)
            if update is not None:
                return update
            return self._named_part(at, reference, right, subject) or self._definition(
                at, statement, reference, left, right
            )
        if self._is_function_said(subject, left, right):
            return Verdict("correct", "definition", "what the function is")
        fact = (
            self._fact(left, right, subject, side)
            or self._own_fact(left, right, subject, side)
            or self._matrix_fact(left, right)
        )
        if fact is not None:
            return fact
        if left == right and "Δ" in to_text(subject.side.node):
            return Verdict("correct", "update", "the step of gradient descent")
        if left == right and not is_derivative:
            return Verdict("uncheckable", "derivative", "both sides are the same")
        spelled = self._spelled_out(at, left, right)
        if spelled is not None and self._compare(at, left, spelled).answer is not Answer.UNDECIDED:
            right = spelled
        relation = self._chain(at, left, right) or self._derivative(at, statement, subject, left, right)
        if relation.verdict in ("correct", "notation"):
            self.numbers.note_relation(left, right)
            if isinstance(left, Jacobian) and any(isinstance(p, Jacobian) for p in everything_in(right)):
                self.relations.append((left, right))
        elif relation.verdict == "wrong" and isinstance(left, Jacobian):
            root = self._put_into_relation(at, left, right)
            if root is not None:
                return Verdict("carried", relation.kind, f"false, but it follows from line {root}", root=root)
            self.false.setdefault(left, (right, statement.line))
        return relation

    def _is_function_said(self, subject: Subject, left: Term, right: Term) -> bool:
        """`f(x) = x^2 + 3x` says what a function is that is no known one."""
        head = subject.side.node.factors[0] if isinstance(subject.side.node, f.Product) else None
        if not isinstance(head, f.Name) or head.base not in self.inference.symbols.functions:
            return False
        if isinstance(left, Jacobian):
            return False
        is_first = subject.sides[0][1] == right
        unknown = isinstance(left, Apply) and left.function == head.base and left.order == 0
        return is_first and (left == right or (unknown and all(p != left for p in everything_in(right))))

    def _fact(self, left: Term, right: Term, subject: Subject, side: Side) -> Verdict | None:
        r"""`\sigma'(x) = \sigma(x)(1 - \sigma(x))`: about a function and a letter that is no quantity; at numbers of both signs."""
        keys = {r.key for t in (left, right) for r in references_in(t)}
        if len(keys) != 1 or not any(isinstance(p, (Apply, Jacobian)) for p in everything_in(left)):
            return None
        key = keys.pop()
        if key in self._grounded or key == self.understanding.loss:
            return None
        outer = {p.function for t in (left, right) for p in everything_in(t) if isinstance(p, Apply)}
        if any(name not in FUNCTIONS for name in outer) and not isinstance(left, Jacobian):
            return None
        for value in (0.37, -0.83, 1.91):
            world = World(Point(Machine, {key: np.array([[value]])}, {"1": 1}), {})
            reader = Reader(world, self.understanding.axes)
            try:
                truth = world.jacobian(reader.readings(left.top)[0].term, Ref(key)).array if isinstance(left, Jacobian) else \
                    reader.readings(left)[0].value.array  # fmt: skip
                said = reader.readings(right)[0].value.array
            except (Misfit, Unknown, Undefined):
                return None
            if Machine.distance(truth.ravel(), said.ravel()) > 1e-9:
                return Verdict("wrong", "derivative", f"false, e.g. where {key} is {value}", mistakes=("unrecognised",))
        return Verdict("correct", "derivative", "an identity")

    def _own_fact(self, left: Term, right: Term, subject: Subject, side: Side) -> Verdict | None:
        """`f'(x) = 1/(1 + |x|)^2` of a function that has a formula of its own, which its matrices do not need."""
        own = self.inference.own_functions
        used = {p.function for t in (left, right) for p in everything_in(t) if isinstance(p, Apply)} & set(own)
        if not used:
            return None
        elaborator = Elaborator(**{**self.inference.elaborator.__dict__, "bodies": own})
        with contextlib.suppress(NotUnderstood, LayerOpen):
            return self._fact(elaborator.term(subject.side.node), elaborator.term(side.node), subject, side)
        return None

    def _matrix_fact(self, left: Term, right: Term) -> Verdict | None:
        """`(A B)^T = B^T A^T`: about letters that are no quantities, whatever matrices they are."""
        keys = sorted({r.key for t in (left, right) for r in references_in(t)})
        if isinstance(left, Part) or not 0 < len(keys) <= MOST_LETTERS or any(k in self._grounded for k in keys):
            return None
        if any(isinstance(p, Jacobian) for t in (left, right) for p in everything_in(t)):
            return None  # of what nothing is said: all zero
        shapes = [(rows, columns) for rows in IDENTITY_SIZES for columns in IDENTITY_SIZES]
        every = itertools.product(shapes, repeat=len(keys))
        held = [self._holds_for(dict(zip(keys, each, strict=True)), left, right) for each in every]
        return Verdict("correct", "derivative", "an identity") if True in held and False not in held else None

    def _holds_for(self, shapes: dict[str, tuple[int, int]], left: Term, right: Term) -> bool | None:
        """Whether two sides agree for matrices of these shapes; None where these do not fit."""
        draw = np.random.default_rng(1)
        values = {key: draw.normal(size=shape) for key, shape in shapes.items()}
        reader = Reader(World(Point(Machine, values, {}), {}), Axes())
        try:
            one, other = (reader.readings(t)[0].value.array for t in (left, right))
        except (Misfit, Unknown, Undefined):
            return None
        return one.shape == other.shape and Machine.distance(one, other) < 1e-9

    def _per_sample(self, term: Term) -> Term:
        """With 1/n taken later, the derivative by anything but a parameter is meant without it."""
        if isinstance(term, Jacobian) and self._key(term.top) == self.understanding.loss:
            parameters = {*self.understanding.weights, *self.understanding.biases}
            if term.bottom.key not in parameters:
                return Sloppy((SizeOf("#n"), term), ("",))
            return term
        return mapped(term, self._per_sample)

    def _is_multiple(self, at: int, left: Term, right: Term) -> bool:
        """Whether a side is right but for its sign or a factor 2."""
        factors = (Fraction(-1), Fraction(2), Fraction(1, 2))
        scaled = (Sloppy((Const(c), left), ("",)) for c in factors)
        return any(self._compare(at, each, right).answer is Answer.EQUAL for each in scaled)

    # --- numbers ---
    def _number(
        self,
        at: int,
        statement: Statement,
        subject: Subject,
        reference: Reference | None,
        left: Term,
        right: Term,
        sign: str,
        side: Side,
    ) -> Verdict | None:
        """A side made of numbers, or with printed decimals among the names; None if it is about symbols."""
        printed, halves = literal(side.node), literals_in(side.node)
        if printed is None and not is_numeric(right) and not (halves and self.numbers.has_numbers):
            return None
        if printed is None and not halves and any(is_ones(p) for p in everything_in(right)):
            return None  # 1^T Y = 1^T
        if (
            isinstance(left, Jacobian)
            and not halves
            and (not self.numbers.has_numbers or self._key(left.top) == left.bottom.key)
        ):
            return None
        if (
            (not halves or not is_numeric(right))
            and isinstance(left, Jacobian)
            and self._compare(at, left, right).answer is Answer.EQUAL
        ):
            return None
        if printed is None and not is_numeric(right) and self._compare(at, left, right).answer is Answer.EQUAL:
            return None
        verdict = NumberClaim(self, at, statement, subject, reference, left, right, side).judge()
        sections = self.inference.activations.sections
        if verdict is not None and verdict.verdict == "wrong" and statement.where == "cell" and sections:
            letters = ", ".join(sorted(sections))
            return Verdict(
                "uncheckable", verdict.kind, f"false for the last {letters} before it; which is meant is not said"
            )
        return verdict

    # --- definitions ---
    def _definition(self, at: int, statement: Statement, reference: Reference, left: Term, right: Term) -> Verdict:
        keys = {r.key for r in references_in(right)}
        if self._was_used(reference.key, at) and not self._is_forward(reference.key, at):
            return Verdict("uncheckable", "derivative", f"what {reference.key} stands for is not known")
        for definition in self.understanding.definitions:
            if definition.key == reference.key and definition.at == at:
                return Verdict("correct", "definition", "a premise")
        if isinstance(right, Part):
            used = self.inference.used
            marked = [k for k in used if base_of(k) == base_of(right.key) and k != right.key]
            if used[right.key] <= 2 and marked and right.key not in self._grounded:
                return Verdict(
                    "uncheckable", "definition", f"{right.key} is nowhere defined", mistakes=("undefined-symbol",)
                )
        if is_number(right):
            return Verdict("correct", "definition", "a value")
        if not any(d.key == reference.key for d in self.understanding.definitions):
            if self.inference._is_derived(reference) or not keys:
                return Verdict("uncheckable", "derivative", f"what {reference.key} stands for is not known")
            return Verdict("correct", "definition", "a premise")
        if isinstance(right, Part) and self.understanding.symbols.canonical(right.key) == reference.key:
            return Verdict("correct", "definition", "another name")
        found = self._compare(at, left, right)
        if found.answer is Answer.EQUAL:
            return Verdict("correct", "definition", "agrees with what was said before")
        return Verdict("correct", "definition", "a new premise: it differs from an earlier line")

    # --- names for parts of a derivative ---
    def _named_part(self, at: int, reference: Reference, right: Term, subject: Subject) -> Verdict | None:
        r"""`p_1 = \sum_j dJ/dz_j dz_j/dw`, one of the terms of a derivative, by a name that means nothing else."""
        own = next(
            (term for place, term in self._parts_named.get(reference.key, ()) if place == self._head_of(at)), None
        )
        if own is None or reference.indices:
            return None
        if right == own:
            found = self._compare(at, own, own)
            return Verdict("correct", "definition", "a name for it") if found.answer is Answer.EQUAL else None
        found = self._compare(at, own, right)
        if found.answer is Answer.EQUAL:
            return self._accepted(found, "derivative")
        if found.answer is Answer.UNDECIDED:
            return Verdict("uncheckable", "derivative", found.reason)
        return Verdict("wrong", "derivative", "this is not what stands before it", mistakes=("unrecognised",))

    def _head_of(self, at: int) -> int:
        """The statement that a continued one goes on from."""
        statements = self.understanding.document.statements
        while at and statements[at].is_continued:
            at -= 1
        return at

    @cached_property
    def _parts_named(self) -> dict[str, list[tuple[int, Term]]]:
        """(statement, what it stands for) of names that are only ever given as formulas with derivatives in them."""
        found: dict[str, list[tuple[int, Term]]] = {}
        elaborator = self._elaborator(self.inference.base_layers)
        definitions = self.understanding.definitions
        model = {d.key for d in definitions} | {r.key for d in definitions for r in references_in(d.term)}
        given = {n.key for n in self.understanding.numbers}
        known = {*model, *given, *self.inference.elaborator.adjoints, self.understanding.loss}
        for at, statement in enumerate(self.understanding.document.statements):
            if len(statement.sides) < 2 or statement.is_continued or statement.relations[0] != "=":
                continue
            with contextlib.suppress(NotUnderstood, LayerOpen):
                reference = self.inference.plain(statement.sides[0].node)
                if reference is None or reference.key in known or reference.indices:
                    continue
                term = elaborator.term(statement.sides[1].node)
                jacobians = [p for p in everything_in(term) if isinstance(p, Jacobian)]
                if len(jacobians) > 1 and all(r.key in self._grounded for r in references_in(term)):
                    found.setdefault(reference.key, []).append((at, term))
        return found

    def _spelled_out(self, at: int, left: Term, right: Term) -> Term | None:
        """A side with the parts that have names put in: as they are named before it or, where that is false, after it."""
        keys = {r.key for r in references_in(right)} & set(self._parts_named)
        if not keys:
            return None
        choices = []
        for is_before in (True, False):
            spelled: Term | None = right
            for key in keys:
                terms = [term for place, term in self._parts_named[key] if (place < at) == is_before]
                if not terms or spelled is None:
                    spelled = None
                    break
                spelled = replaced(spelled, Part(key, ()), terms[-1 if is_before else 0])
            if spelled is not None:
                choices.append(spelled)
        true = (term for term in choices if self._compare(at, left, term).answer is Answer.EQUAL)
        return next(true, choices[0] if len(choices) == 1 else None)

    def _is_forward(self, key: str, at: int) -> bool:
        """Whether the loss depends on a quantity, as it is defined first or at a statement."""
        loss = self.understanding.loss
        if loss is None or key == loss:
            return True
        return any(self.understanding.world(place, Machine).depends(loss, key) for place in (0, at))

    def _was_used(self, key: str, at: int) -> bool:
        """Whether an earlier derivative was written with a name: then the derivative says what it is."""
        return any(n < at and key in keys for n, keys in self._used_in_derivatives)

    @cached_property
    def _used_in_derivatives(self) -> list[tuple[int, set[str]]]:
        found = []
        elaborator = self._elaborator(self.inference.base_layers)
        for at, statement in enumerate(self.understanding.document.statements):
            if any(isinstance(n, f.Derivative) for s in statement.sides for n in f.walk(s.node)):
                for side in statement.sides[1:]:
                    with contextlib.suppress(NotUnderstood, LayerOpen):
                        found.append((at, {r.key for r in references_in(elaborator.term(side.node))}))
        return found

    # --- updates ---
    def _update(self, at: int, reference: Reference, left: Term, right: Term, sign: str) -> Verdict | None:
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
        rates = [r.key for r in references_in(right) if base_of(r.key) in HYPER_BASES]
        if not rates:
            return self._accumulated(at, reference, left, right)
        del base
        quantity = old[0]
        key = quantity.key
        place = Part(key, quantity.indices if isinstance(quantity, Part) else ())
        along = self._along_direction(at, quantity, rates, right)
        if along is not None:
            return along
        tops: list[Term] = [Part(self.understanding.loss, ())]
        tops += [
            p.top for p in everything_in(right) if isinstance(p, Jacobian) and p.bottom.key == key and p.top not in tops
        ]
        gradient = Jacobian(tops[0], place)
        for rate, top in ((r, t) for r in dict.fromkeys(rates) for t in tops):
            expected = Add(((1, quantity), (-1, Sloppy((Part(rate, ()), Jacobian(top, place)), ("",)))))
            if expected == right:
                return Verdict("correct", "update")
            found = self._compare(at, expected, right)
            if found.answer is Answer.EQUAL:
                in_words = any(isinstance(p, Jacobian) and p.bottom.key == key for p in everything_in(right))
                if not in_words and not self._depends(at, Jacobian(top, place)):  # 0 = 0
                    return Verdict("uncheckable", "update", f"nothing says how {self._key(top)} depends on {key}")
                return self._accepted(found, "update")
            if found.answer is Answer.UNDECIDED:
                return Verdict("uncheckable", "update", found.reason)
        unknown = self._unknown_leaf(at, quantity, right)
        if unknown is not None:
            return Verdict("uncheckable", "update", f"what {unknown} stands for is not known")
        averaged = self._averaged_step(at, quantity, rates[0], gradient, right)
        if averaged is not None:
            return averaged
        ascent = Add(((1, quantity), (1, Sloppy((Part(rates[0], ()), gradient), ("",)))))
        if self._compare(at, ascent, right).answer is Answer.EQUAL:
            return Verdict("wrong", "update", "the step goes up the gradient, not down", mistakes=("update-sign",))
        root = self._carried_step(at, place, rates[0], right)
        if root is not None:
            return Verdict("carried", "update", f"false, but it follows from line {root}", root=root)
        return Verdict("wrong", "update", "this is not the step down the gradient", mistakes=("unrecognised",))

    def _accumulated(self, at: int, reference: Reference, left: Term, right: Term) -> Verdict | None:
        """`Delta := Delta + delta a^T`, sample after sample: the gradient of the data's part of the loss, before the mean."""
        if not isinstance(right, Add) or len(right.terms) != 2 or right.terms[0] != (1, left) or right.terms[1][0] < 0:
            return None
        if any(d.key == reference.key for d in self.understanding.definitions) or self.understanding.loss is None:
            return None
        loss = self.understanding.loss
        anew = replace(
            self.understanding,
            definitions=[
                replace(d, term=_of_the_data(d.term, self.understanding.later)) if d.key == loss else d
                for d in self.understanding.definitions
            ],
        )
        for parameter in (*self.understanding.weights, *self.understanding.biases):
            gradient: Term = Jacobian(Part(loss, ()), Part(parameter, ()))
            if self.understanding.later:  # delta is n times the derivative then
                gradient = Sloppy((SizeOf("#n"), gradient), ("",))
            for part in (right.terms[1][1], SumOver("formal", right.terms[1][1])):
                with contextlib.suppress(Misfit, Unknown, Undefined):
                    if Comparer(anew, at).compare(gradient, part).answer is Answer.EQUAL:
                        return Verdict("correct", "update", f"adds up the derivative by {parameter}")
        return Verdict("uncheckable", "update", f"what {reference.key} adds up is not known")

    def _averaged_step(self, at: int, old: Term, rate: str, gradient: Jacobian, right: Term) -> Verdict | None:
        """`w - (rate/m) dJ/dw`: the mean over the samples taken in the step, if the loss does not take it."""
        one = _of_one_example(right)
        if one is not None:
            step = Sloppy((Part(rate, ()), gradient), ("",))
            if self._compare(at, Add(((1, old), (-1, step))), one).answer is Answer.EQUAL:
                return Verdict("correct", "update", "the mean over the examples of what was said of one")
        body = self.understanding.definitions_at(at).get(self.understanding.loss or "")
        for size in self.understanding.symbols.sizes:
            step = Sloppy((Over(Part(rate, ()), SizeOf(size)), gradient), ("",))
            if self._compare(at, Add(((1, old), (-1, step))), right).answer is Answer.EQUAL:
                if body is None or not any(isinstance(p, SizeOf) for p in everything_in(body)):
                    return Verdict("correct", "update", f"1/{size} is taken in the step")
                return Verdict(
                    "wrong", "update", f"1/{size} is in the loss already", mistakes=("repeated-mean-factor",)
                )
        return None

    def _along_direction(self, at: int, old: Term, rates: list[str], right: Term) -> Verdict | None:
        """A step along a direction that the document makes of the gradient; None if the step does not mention it."""
        direction = self.understanding.direction_of(getattr(old, "key", ""), at)
        if direction is None or all(r.key != direction[0] for r in references_in(right)):
            return None
        own, sign = Part(direction[0], ()), direction[1]
        steps: list[Term] = [own] if sign < 0 else [Sloppy((Part(rate, ()), own), ("",)) for rate in rates]
        if any(right == Add(((1, old), (-sign, step))) for step in steps):
            return Verdict("correct", "update", f"a step along {own.key}")
        if any(right == Add(((1, old), (sign, step))) for step in steps):
            return Verdict("wrong", "update", "the step goes up the gradient, not down", mistakes=("update-sign",))
        return Verdict("uncheckable", "update", f"a step along {own.key}, in another form than usual")

    def _step_of(self, left: Term) -> Term | None:
        rate, loss = self.inference.elaborator.step_rate, self.understanding.loss
        if rate is None or loss is None or not isinstance(left, Part):
            return None
        return Add(((-1, Sloppy((Part(rate, ()), Jacobian(Part(loss, ()), left)), ("",))),))

    @staticmethod
    def _is_old(key: str, reference: Reference) -> bool:
        return (
            base_of(key) == base_of(reference.key)
            and key != reference.key
            and ("old" in key or any(word in reference.key for word in ("new", "plus", "+")))
        )

    # --- shapes ---
    def _shape(self, subject: Subject, side: Side, layers: Mapping[str, int] = NO_LAYERS) -> Verdict | None:
        reference = self._shaped(subject)
        if reference is None and subject.reason == "open":
            with contextlib.suppress(NotUnderstood, LayerOpen):
                reference = self.inference.plain(subject.side.node, self._elaborator(dict(layers)))
            if reference is not None and reference.key not in self.understanding.shapes:
                return None
        verdict: Verdict | None = judge_shape(self.understanding, reference, side, Verdict, self._misstated, layers)
        return verdict

    def _shaped(self, subject: Subject) -> Reference | None:
        """What a stated shape is about: a gradient is shaped as its parameter."""
        term = subject.term
        if not isinstance(term, Jacobian) or not isinstance(term.bottom, Part):
            return subject.reference
        if self._key(term.top) != self.understanding.loss or term.bottom.indices:
            return None
        return Reference(term.bottom.key, term.bottom.key)

    @cached_property
    def _misstated(self) -> Stated | None:
        return misstated(self._stated, self.understanding.shapes)

    @cached_property
    def _stated(self) -> list[Stated]:
        stated: list[Stated] = []
        for statement in self.understanding.document.statements:
            if len(statement.sides) == 2 and statement.relations[0] in ("in", ":"):
                reference = self._shaped(self._subject(statement.sides[0]))
                sizes = sizes_in(statement.sides[1].node)
                if reference is not None and sizes is not None:
                    stated.append((reference.key, sizes))
        return stated

    # --- chains ---
    def _chain(self, at: int, left: Term, right: Term) -> Verdict | None:
        """Link derivative factors by name from the bottom; what is left over must be the derivative by the start of the path."""
        if not isinstance(left, Jacobian) or not isinstance(right, Sloppy):
            return None
        right = self._without_ones(right)
        if not isinstance(right, Sloppy):
            return None
        factors = list(right.factors)
        derivatives = [x for x in factors if isinstance(x, Jacobian)]
        dangling = set() if self.understanding.sums_implied else _letters_of(right) - _letters_of(left)
        if dangling and len(derivatives) == len(factors):
            return Verdict("uncheckable", "chain", f"right if it is summed over {', '.join(sorted(dangling))}")
        if dangling:
            return None  # a path through one unit of many
        if not derivatives or any(m in ("#", "/") for m in right.marks):
            return None
        world = self.understanding.world(at, Machine)
        top = self._key(left.top)
        path: list[tuple[int, str]] = []
        at_key = left.bottom.key
        while at_key != top:
            used = {i for i, _ in path}
            link = next(
                (
                    i
                    for i, x in enumerate(factors)
                    if i not in used and isinstance(x, Jacobian) and x.bottom.key == at_key
                ),
                None,
            )
            if link is None:
                break
            factor = factors[link]
            assert isinstance(factor, Jacobian)
            upper = self._key(factor.top)
            if upper is None or upper == at_key:
                break
            path.append((link, upper))
            at_key = upper
        for length in range(len(path), 0, -1):
            verdict = self._along(at, left, right, path[:length], top, world)
            if verdict is not None:
                return verdict
        return self._down(at, left, right, world)

    def _without_ones(self, product: Sloppy) -> Term:
        r"""Without `\partial a / \partial z` where a is only another name of z."""
        ones = {
            i for i, x in enumerate(product.factors) if isinstance(x, Jacobian) and self._key(x.top) == x.bottom.key
        }
        kept = [i for i in range(len(product.factors)) if i not in ones]
        if not ones or not kept or any(m in ("#", "/") for m in product.marks):
            return product
        marks = tuple(self._mark_between(product, a, b) for a, b in itertools.pairwise(kept))
        return product.factors[kept[0]] if len(kept) == 1 else Sloppy(tuple(product.factors[i] for i in kept), marks)

    def _down(self, at: int, left: Jacobian, right: Sloppy, world: World) -> Verdict | None:
        """The factors from the top on are a path, and a number is left for the derivative of where it ends: `dJ/dz 1`."""
        used: list[int] = []
        key = self._key(left.top)
        while True:
            at_key = key
            link = next(
                (
                    i
                    for i, x in enumerate(right.factors)
                    if i not in used and isinstance(x, Jacobian) and self._key(x.top) == at_key and not x.bottom.indices  # type: ignore[union-attr]
                ),
                None,
            )
            if link is None or key == left.bottom.key:
                break
            used.append(link)
            key = right.factors[link].bottom.key  # type: ignore[union-attr]
            if key is None or not separates(world, key, left.bottom.key, left.top):
                return None
        rest = [i for i in range(len(right.factors)) if i not in used]
        if not used or key is None or not rest or any(not isinstance(right.factors[i], Const) for i in rest):
            return None
        kept = tuple(right.factors[i] for i in rest)
        remaining = (
            kept[0]
            if len(kept) == 1
            else Sloppy(kept, tuple(self._mark_between(right, a, b) for a, b in itertools.pairwise(rest)))
        )
        found = self._compare(at, Jacobian(Part(key, ()), left.bottom), remaining)
        return self._accepted(found, "chain") if found.answer is Answer.EQUAL else None

    def _along(
        self, at: int, left: Jacobian, right: Sloppy, path: list[tuple[int, str]], top: str | None, world: World
    ) -> Verdict | None:
        """A path of factors taken out: what is left over must be the derivative by where it starts."""
        start = path[-1][1]
        for _, key in path:
            if key != top and not separates(world, key, left.bottom.key, left.top):
                return None
        used = {i for i, _ in path}
        rest = [i for i in range(len(right.factors)) if i not in used]
        if not rest:
            return Verdict("correct", "chain", "the factors make a path") if start == top else None
        if start == top:
            return None
        target = Jacobian(left.top, Part(start, ()))
        kept = tuple(right.factors[i] for i in rest)
        marks = tuple(self._mark_between(right, a, b) for a, b in itertools.pairwise(rest))
        remaining: Term = kept[0] if len(kept) == 1 else Sloppy(kept, marks)
        if remaining == target:
            return Verdict("correct", "chain", "the factors make a path")
        found = self._compare(at, target, remaining)
        return self._accepted(found, "chain") if found.answer is Answer.EQUAL else None

    @staticmethod
    def _mark_between(product: Sloppy, a: int, b: int) -> str:
        return product.marks[b - 1] if b == a + 1 else ""

    def _key(self, term: Term) -> str | None:
        if isinstance(term, SumOver) and isinstance(term.body, Part):
            return "sum of " + term.body.key
        return (
            term.key
            if isinstance(term, (Part, Ref))
            else next((d.key for d in self.understanding.definitions if d.term == term), None)
        )

    # --- derivatives ---
    def _compare(self, at: int, left: Term, right: Term) -> Comparison:
        return Comparer(self.understanding, at).compare(left, right)

    def _derivative(self, at: int, statement: Statement, subject: Subject, left: Term, right: Term) -> Verdict:
        kind = (
            "chain"
            if isinstance(right, Sloppy) and all(isinstance(x, Jacobian) for x in right.factors)
            else "derivative"
        )
        if right == left and subject.false_since is None:
            if "Δ" in to_text(subject.side.node):
                return Verdict("correct", "update", "the step of gradient descent")
            if to_text(subject.side.node) != to_text(subject.sides[-1][0]):
                return Verdict("correct", kind, "the same in other words")
            if self._is_one_step(at, left):
                return Verdict("correct", "chain", "a path of one step")
            return Verdict("uncheckable", kind, "both sides are the same")
        if isinstance(left, Jacobian) and self._key(left.top) == left.bottom.key and is_number(right):
            one = self.understanding.reader(at, False).readings(right)[0].value.array
            return (
                Verdict("correct", kind)
                if float(one.item()) == 1
                else Verdict("wrong", kind, "it is 1", mistakes=("forward-value-as-seed",))
            )
        strange = self._undefined_factor(left, right)
        if strange is not None:
            return Verdict("uncheckable", kind, f"{strange} is nowhere defined", mistakes=("undefined-symbol",))
        found = self._compare(at, left, right)
        if found.answer is Answer.EQUAL:
            if isinstance(left, Jacobian) and not self._depends(at, left) and not is_number(right):
                missing = f"nothing says how {self._key(left.top)} depends on {left.bottom.key}"
                return self._locally(at, left, right, kind) or Verdict("uncheckable", kind, missing)
            accepted = self._accepted(found, kind)
            if accepted.verdict == "wrong":  # for its order or a transpose: nothing to one output
                right_form = replace(accepted, expected=truth_of(self.understanding, at, left))
                return self._for_one_output(at, left, right, kind) or right_form
            if accepted.verdict == "notation" and self._is_for_one_output(at, left, right):
                return Verdict("correct", kind, "the loss is a number without a sum: there is one output unit")
            return accepted
        if found.answer is Answer.DIFFERENT and self._is_generic(at, left) and not self._is_relation(right):
            return Verdict("uncheckable", kind, f"the loss {self.understanding.loss} is never defined")
        if found.answer is Answer.UNDECIDED:
            numeric = by_the_numbers(self.numbers, left, right, at, kind)
            return self._with_layers(at, left, right, kind) or numeric or Verdict("uncheckable", kind, found.reason)
        if (
            isinstance(left, Jacobian)
            and self._key(left.top) == self.understanding.loss
            and not self._depends(at, left)
        ):
            return self._by_named_part(at, left, right, kind)
        loss = true_for_each_class(self.understanding, at, left, right)
        if loss is not None:
            return Verdict("correct", kind, f"with {loss.key} as in line {loss.line}, for each class")
        otherwise = (
            self._otherwise(at, left, right, kind)
            or self._for_one_output(at, left, right, kind)
            or self._for_one_sample(at, left, right, kind)
        )
        if otherwise is not None:
            return otherwise
        unlinked = self._unlinked(at, right)
        if unlinked is not None:
            return Verdict("uncheckable", kind, unlinked)
        if self._is_with_values(at, left, right):
            return Verdict("correct", kind, "true with the value that is put in")
        own = self._own_formula_meant(right)
        if own is not None:
            return Verdict("uncheckable", kind, f"{own} has a formula of its own, which was not put in here")
        nowhere = self._defined_nowhere(at, left, right)
        if nowhere is not None:
            return Verdict("uncheckable", kind, f"{nowhere} is nowhere defined", mistakes=("undefined-symbol",))
        unknown = self._unknown_leaf(at, left, right) or self._unknown_function(at, left, right)
        if unknown is not None and not self._is_false_for_any(unknown, at, left, right):
            return Verdict("uncheckable", kind, f"what {unknown} stands for is not known")
        if self._is_special_case(at):
            return Verdict("uncheckable", kind, "said of a special case, and false in general")
        if any(isinstance(p, SumOver) and left in everything_in(p.body) for p in everything_in(right)):
            return Verdict("uncheckable", kind, "the loss of all and the loss of each have one name here")
        root = self._carried(at, left, right)
        if root is not None:
            return Verdict("carried", kind, f"false, but it follows from line {root}", root=root)
        self._keep(at, left, found, statement.line)
        self.numbers.note_false(left, right, at, statement.line)
        if subject.false_since is not None:
            return Verdict(
                "carried",
                kind,
                f"false, as the line it goes on from (line {subject.false_since})",
                root=subject.false_since,
            )
        message = "this is not the derivative"
        if found.reason:
            message += f": {found.reason}"
        truth = truth_of(self.understanding, at, left)
        return Verdict("wrong", kind, message, mistakes=("unrecognised",), expected=truth)

    def _is_one_step(self, at: int, left: Term) -> bool:
        """Whether a derivative is a whole path by itself: its top is worked out from its bottom directly."""
        top = self._key(left.top) if isinstance(left, Jacobian) else None
        body = self.understanding.definitions_at(at).get(top or "")
        return (
            body is not None and isinstance(left, Jacobian) and left.bottom.key in {r.key for r in references_in(body)}
        )

    def _locally(self, at: int, left: Jacobian, right: Term, kind: str) -> Verdict | None:
        """`dL/dW = dL/dz a^T` for a step `z = W a + b` that the loss of the document knows nothing of: for any loss of z."""
        steps = {p.bottom.key for p in everything_in(right) if isinstance(p, Jacobian) and p.top == left.top}
        world, loss = self.understanding.world(at, Machine), self._key(left.top)
        if len(steps) != 1 or loss is None or not world.depends(step := steps.pop(), left.bottom.key):
            return None
        others = [d for d in self.understanding.definitions if d.key != loss]
        anew = replace(self.understanding, definitions=[*others, Definition(loss, any_function_of(step), 0, 1)])
        found = Comparer(anew, at).compare(left, right)
        return self._accepted(found, kind) if found.answer is Answer.EQUAL else None

    def _by_named_part(self, at: int, left: Jacobian, right: Term, kind: str) -> Verdict:
        """`dE/dP` where `P = W_3 W_2` names a part that the formulas of the model spell out: put in for it there."""
        key = left.bottom.key
        named = next((d for d in self.understanding.definitions if d.key == key and not d.indices), None)
        missing = Verdict("uncheckable", kind, f"nothing says how {self._key(left.top)} depends on {key}")
        if named is None:
            return missing
        definitions = [
            d if d is named else replace(d, term=with_part(d.term, named.term, Part(key, ())))
            for d in self.understanding.definitions
        ]
        if definitions == self.understanding.definitions:
            return missing
        found = Comparer(replace(self.understanding, definitions=definitions), at).compare(left, right)
        if found.answer is Answer.EQUAL:
            return self._accepted(found, kind)
        return missing

    def _is_generic(self, at: int, left: Term) -> bool:
        """Whether a derivative is of a loss that has only a name."""
        top = self._key(left.top) if isinstance(left, Jacobian) else self.understanding.loss
        return self.understanding.generic and (
            top is None or self.understanding.world(at, Machine).depends(top, "#weights")
        )

    def _depends(self, at: int, left: Jacobian) -> bool:
        """Whether the top of a derivative depends on its bottom: else both sides may be zero for want of an equation."""
        top = self._key(left.top)
        return (
            top is None or top == left.bottom.key or self.understanding.world(at, Machine).depends(top, left.bottom.key)
        )

    def _is_family(self, place: Term) -> bool:
        """Whether units are told by letters that several layers may share: `net_j` and `net_k`."""
        if not isinstance(place, Part):
            return False
        return "{" in place.key or (bool(_letters_of(place)) and len(self._letters_by_key.get(place.key, ())) > 1)

    @cached_property
    def _letters_by_key(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for statement in self.understanding.document.statements:
            for side in statement.sides:
                for node in f.walk(side.node):
                    if isinstance(node, f.Scripted) and node.lower:
                        with contextlib.suppress(LayerOpen):
                            reference = self.inference.elaborator.reference(node)
                            if reference is not None and len(reference.indices) == 1:
                                found.setdefault(reference.key, set()).update(
                                    i for i in reference.indices if isinstance(i, str)
                                )
        return found

    def _unknown_leaf(self, at: int, left: Term, right: Term) -> str | None:
        """A name that only formulas beside the network mention, as an accumulator: it could be anything."""
        definitions = self.understanding.definitions_at(at)
        known = self._leaves(left, definitions) | {n.key for n in self.understanding.numbers}
        known |= self._leaves(Part(self.understanding.loss or "", ()), definitions)
        direct = {r.key for r in references_in(right)}
        for leaf in sorted(self._leaves(right, definitions) - known - direct):
            if leaf in self.understanding.shapes and base_of(leaf) not in HYPER_BASES:
                return leaf
        return None

    def _unknown_function(self, at: int, left: Term, right: Term) -> str | None:
        """A function that nothing defines, which the derivative goes through and the right side writes out."""
        top = self._key(left.top) if isinstance(left, Jacobian) else None
        if top is None or not isinstance(left, Jacobian):
            return None
        world = self.understanding.world(at, Machine)
        written = {p.function for p in everything_in(right) if isinstance(p, Apply)}
        passed = {p.bottom.key for p in everything_in(right) if isinstance(p, Jacobian)}
        for key, term in self.understanding.definitions_at(at).items():
            below = key != left.bottom.key and world.depends(key, left.bottom.key)
            if (
                not below
                or not (key == top or world.depends(top, key))
                or any(k == key or world.depends(key, k) for k in passed)
            ):
                continue
            for part in everything_in(term):
                known = {*FUNCTIONS, "generic loss", *written}
                if isinstance(part, Apply) and part.function not in known:
                    return part.function
        return None

    def _is_false_for_any(self, function: str, at: int, left: Term, right: Term) -> bool:
        """Whether a function is left open on purpose (any activation, or its slope is written g'), and no usual one makes this true."""
        if function not in self._left_open:
            return False
        for name in USUAL_ACTIVATIONS:
            anew = replace(self.understanding, definitions=self._put_in(function, name))
            with contextlib.suppress(Misfit, Unknown, Undefined):
                if Comparer(anew, at).compare(left, right).answer is Answer.EQUAL:
                    return False
        return True

    def _put_in(self, function: str, name: str) -> list[Definition]:
        """The definitions with one function in the place of another."""
        return [
            replace(d, term=replace(d.term, function=name))
            if isinstance(d.term, Apply) and d.term.function == function
            else d
            for d in self.understanding.definitions
        ]

    @cached_property
    def _left_open(self) -> frozenset[str]:
        """Functions of which the document wants to know no more than that they have a slope."""
        terms: list[Term] = []
        for statement in self.understanding.document.statements:
            for layers in self.inference.instances(statement):
                for side in statement.sides[1:]:
                    with contextlib.suppress(NotUnderstood, LayerOpen):
                        terms.append(self._elaborator(layers).term(side.node))
        sloped = {p.function for t in terms for p in everything_in(t) if isinstance(p, Apply) and p.order}
        said = {x.removeprefix("var") for x in re.findall(OPEN_FUNCTION, self.understanding.document.text)}
        own = {
            p.function for d in self.understanding.definitions for p in everything_in(d.term) if isinstance(p, Apply)
        }
        return frozenset(sloped | {f for f in own if base_of(f) in said}) - set(FUNCTIONS)

    @staticmethod
    def _leaves(term: Term, definitions: Mapping[str, Term]) -> set[str]:
        """What a term goes back to."""
        found: set[str] = set()
        open_keys = [r.key for r in references_in(term)]
        while open_keys:
            key = open_keys.pop()
            if key not in found:
                found.add(key)
                open_keys += [r.key for r in references_in(definitions[key])] if key in definitions else []
        return {k for k in found if k not in definitions}

    def _is_special_case(self, at: int) -> bool:
        """'In the special case of one example ..' in a document about many; `= 0` if `z_i < 0`."""
        statements, text = self.understanding.document.statements, self.understanding.document.text
        after = statements[at + 1] if at + 1 < len(statements) else None
        if after is not None and set(after.relations) & {"<", ">", "<=", ">=", "!="}:
            between = text[statements[at].span[1] : after.span[0]]
            if re.fullmatch(
                r"[\s$,;\\()\[\]]*(?:if|when|whenever|for|where|falls|wenn|für|si|se|cuando|quando|para|pour)[\s$\\(]*",
                between,
            ):
                return True
        start = statements[at].span[0]
        words = self.understanding.document.text[max(0, start - ASIDE) : start].split("\n\n")[-1]
        return bool(
            re.search(SPECIAL_CASE, words, re.IGNORECASE)
            or re.search(CONTRARY, re.split(r"[.!?]\s", words)[-1], re.IGNORECASE)
        )

    def _otherwise(self, at: int, left: Term, right: Term, kind: str) -> Verdict | None:
        """Where a quantity was given two formulas in one place (regression, classification), either may be meant."""
        for other in self.understanding.restated:
            first = next((d for d in self.understanding.definitions if d.key == other.key), None)
            if first is None or first.term == other.term or other.at > at or letter_of_class(other) is not None:
                continue
            definitions = [other if d is first else d for d in self.understanding.definitions]
            anew = replace(self.understanding, definitions=definitions)
            with contextlib.suppress(Misfit, Unknown, Undefined):
                if Comparer(anew, at).compare(left, right).answer is Answer.EQUAL:
                    return Verdict("correct", kind, f"with {other.key} as in line {other.line}")
        return self._with_function(at, left, right, kind)

    def _for_one_output(self, at: int, left: Term, right: Term, kind: str) -> Verdict | None:
        """Right where there is one output unit, in a document that does not say how many there are."""
        anew = self._with_one_output
        is_program = re.search(PROGRAM, self.understanding.document.text, re.MULTILINE)
        marks = {m for p in everything_in(right) if isinstance(p, Sloppy) for m in p.marks}
        if anew is None or is_program or ("@" in marks and ("" not in marks or not self._conforms(anew, at, right))):
            return None  # a program's product takes what fits
        with contextlib.suppress(Misfit, Unknown, Undefined):
            found = Comparer(anew, at).compare(left, right)
            if found.answer is Answer.EQUAL and self._accepted(found, kind).verdict != "wrong":
                return Verdict(
                    "notation", kind, "right for one output unit; the document does not say that there is one"
                )
        return None

    @staticmethod
    def _conforms(understanding: Understanding, at: int, term: Term) -> bool:
        """Whether what stands on the two sides of each `@` fits together: there a number is no matrix of any size."""
        reader = understanding.reader(at, True)
        for product in (p for p in everything_in(term) if isinstance(p, Sloppy) and "@" in p.marks):
            for k in (k for k, mark in enumerate(product.marks) if mark == "@"):
                before = product.factors[: k + 1]
                left = before[0] if k == 0 else Sloppy(before, product.marks[:k])
                with contextlib.suppress(Misfit, Unknown, Undefined):
                    one, other = (reader.readings(x)[0].value.shape for x in (left, product.factors[k + 1]))
                    if one[1] != other[0]:
                        return False
        return True

    def _for_one_sample(self, at: int, left: Term, right: Term, kind: str) -> Verdict | None:
        """Right for the loss of one sample, in a document that comes to the mean over many with another loss."""
        understanding = self.understanding
        if not isinstance(left, Jacobian) or not understanding.axes.batch:
            return None
        definitions = understanding.definitions_at(at)
        letters = _letters_of(left) | _letters_of(right)
        top = self._key(left.top)
        if top is None:  # log h(x)
            tops = [r.key for r in references_in(left.top)]
            if not tops or any(base_of(k) in LOSS_BASES or k not in definitions for k in tops):
                return None
        elif top not in definitions or (letters and base_of(top) in LOSS_BASES):
            return None
        losses = {k: t for k, t in definitions.items() if base_of(k) in LOSS_BASES}
        means = {k for k, t in losses.items() if any(isinstance(p, SizeOf) for p in everything_in(t))}
        if top in means or not means:
            return None
        with contextlib.suppress(Misfit, Unknown, Undefined):
            found = Comparer(self._with_one_sample, at).compare(left, right)
            if found.answer is Answer.EQUAL and self._accepted(found, kind).verdict == "correct":
                return Verdict("correct", kind, "for one sample")
        return None

    @cached_property
    def _with_one_sample(self) -> Understanding:
        return self.inference.varied(self.inference._shaped(single=True), Variant())

    def _is_for_one_output(self, at: int, left: Term, right: Term) -> bool:
        """Whether a side is right as it stands for one output unit, where the loss adds up nothing as it is written."""
        written = self.inference.loss_as_written
        anew = self._with_one_output
        if (
            anew is None
            or written is None
            or any(isinstance(p, (SumOver, Transpose, SizeOf)) for p in everything_in(written))
        ):
            return False
        with contextlib.suppress(Misfit, Unknown, Undefined):
            found = Comparer(anew, at).compare(left, right)
            return found.answer is Answer.EQUAL and self._accepted(found, "derivative").verdict == "correct"
        return False

    @cached_property
    def _with_one_output(self) -> Understanding | None:
        """The same with one output, if nothing says that there are more."""
        understanding = self.understanding
        body = understanding.definitions_at(0).get(understanding.loss or "")
        outputs = {r.key for r in references_in(body)} if body is not None else set()
        dims = {
            d
            for k in outputs
            if base_of(k) in TARGET_BASES
            for d in understanding.shapes.get(k, ())
            if d not in ("1", "#n")
        }
        if len(dims) != 1 or self._says_more_outputs(dims):
            return None
        return replace(understanding, sizes={**understanding.sizes, dims.pop(): 1})

    def _says_more_outputs(self, dims: set[str]) -> bool:
        """Softmax, a stated size, a matrix of numbers, or a sum over outputs other than the loss."""
        understanding = self.understanding
        if any(isinstance(p, Softmax) for d in understanding.definitions for p in everything_in(d.term)):
            return True
        stated = {
            d
            for k, sizes in self._stated
            for d, s in zip(understanding.shapes.get(k, ()), sizes, strict=False)
            if s != "1"
        }
        given = any(isinstance(n.term, Stack) for n in understanding.numbers)
        return bool(stated & dims) or given or bool(understanding.symbols.indices)

    def _with_function(self, at: int, left: Term, right: Term, kind: str) -> Verdict | None:
        """'For ReLU it would be ..' in a document about tanh: judged with the activation that its sentence names."""
        start = self.understanding.document.statements[at].span[0]
        words = self.understanding.document.text[max(0, start - ASIDE) : start].split("\n\n")[-1]
        used = {d.term.function for d in self.understanding.definitions if isinstance(d.term, Apply)}
        for name, pattern in ACTIVATION_WORDS.items():
            if name in used or name == "softmax" or not re.search(pattern, words, re.IGNORECASE):
                continue
            for function in sorted(used):
                anew = replace(self.understanding, definitions=self._put_in(function, name))
                with contextlib.suppress(Misfit, Unknown, Undefined):
                    if Comparer(anew, at).compare(left, right).answer is Answer.EQUAL:
                        return Verdict("correct", kind, f"with {name} instead of {function}")
        return None

    def _unlinked(self, at: int, right: Term) -> str | None:
        """A factor between families of units that no equation links: then the letters were not understood."""
        world = self.understanding.world(at, Machine)
        for part in everything_in(right):
            if isinstance(part, Jacobian) and (self._is_family(part.bottom) or self._is_family(part.top)):
                top = self._key(part.top)
                if top is not None and top != part.bottom.key and not world.depends(top, part.bottom.key):
                    return f"nothing says how {top} depends on {part.bottom.key}"
        return None

    def _is_with_values(self, at: int, left: Term, right: Term) -> bool:
        """`dL/dn = dL/dp * 1` where the slope is 1 for the numbers given: a factor is put in as its value."""
        if not isinstance(right, Sloppy) or not self.numbers.has_numbers:
            return False
        numbers = [x.value for x in right.factors if isinstance(x, Const)]
        if not numbers or not (any(isinstance(x, Jacobian) for x in right.factors) or {0, 1} & set(numbers)):
            return False
        truths, values = self.numbers.values_of(left, at), self.numbers.values_of(right, at)
        return any(
            agrees(value, truth, np.full(value.shape, 1e-9)) == "rounded" and (0 in numbers or bool(np.any(truth != 0)))
            for truth in truths
            for value in values
        )

    def _own_formula_meant(self, right: Term) -> str | None:
        """A function with a formula of its own that the model has and a side without it may be about."""
        own = set(self.inference.own_functions)
        model = {
            p.function for d in self.understanding.definitions for p in everything_in(d.term) if isinstance(p, Apply)
        } & own
        here = {p.function for p in everything_in(right) if isinstance(p, Apply)} & own
        return min(model) if model and not here else None

    def _undefined_factor(self, left: Term, right: Term) -> str | None:
        """A rate or penalty on one side of a derivative that neither the loss nor a value knows."""
        known = {r.key for d in self.understanding.definitions for r in references_in(d.term)} | {
            n.key for n in self.understanding.numbers
        }
        on_left = {r.key for r in references_in(left)}
        for ref in references_in(right):
            if (
                base_of(ref.key) in HYPER_BASES
                and ref.key not in known
                and ref.key not in on_left
                and ref.key not in self.understanding.shapes_of_data
            ):
                return ref.key
        return None

    def _defined_nowhere(self, at: int, left: Term, right: Term) -> str | None:
        """A name that stands in no premise: neither the network nor a size nor a value says what it is."""
        definitions = self.understanding.definitions_at(at)
        known = {*definitions, *(r.key for t in definitions.values() for r in references_in(t))}
        known |= {n.key for n in self.understanding.numbers} | {key for key, _ in self._stated}
        known |= {r.key for r in references_in(left)} | set(self.own)
        return next(
            (r.key for r in references_in(right) if r.key not in known and r.key in self.understanding.shapes), None
        )

    def _is_relation(self, right: Term) -> bool:
        """Whether a side is about derivatives of the loss: then it can be false whatever the loss is."""
        return any(
            isinstance(p, Jacobian) and self._key(p.top) == self.understanding.loss for p in everything_in(right)
        )

    def _with_layers(self, at: int, left: Term, right: Term, kind: str) -> Verdict | None:
        """A name without its layer, where only names with layers exist: the layer with which the line is true."""
        shapes = self.understanding.shapes
        bare = {
            r.key for t in (left, right) for r in references_in(t) if r.key not in shapes or r.key not in self._grounded
        }
        choices: list[dict[str, str]] = [{}]
        for key in sorted(bare):
            marked = [k for k in shapes if k.startswith(key + "[")]
            if not marked or len(bare) > 2:
                return None
            choices = [{**c, key: m} for c in choices for m in marked]
        answers = []
        for choice in choices[:16]:
            if not choice:
                return None
            answers.append(self._compare(at, renamed(left, choice), renamed(right, choice)).answer)
            if answers[-1] is Answer.EQUAL:
                named = ", ".join(f"{a} read as {b}" for a, b in choice.items())
                output = self.inference._output()
                formula = self.understanding.definitions_at(at).get(output or "")
                scores = formula.body if isinstance(formula, (Apply, Softmax)) else None
                if all(b == output or scores == Part(b, ()) for b in choice.values()):
                    return Verdict("correct", kind, f"{named}, of the output")
                if len(choice) > 1 and all(
                    b.partition("[")[2] == (output or "").partition("[")[2] for b in choice.values()
                ):
                    return Verdict("correct", kind, f"{named}, of the output layer")
                return Verdict("notation", kind, f"the layer is not written: {named}")
        if all(a is Answer.DIFFERENT for a in answers):
            return Verdict("wrong", kind, "false, whichever layer is meant", mistakes=("unrecognised",))
        return None

    @cached_property
    def _grounded(self) -> set[str]:
        world = self.understanding.world(0, Machine)
        return set(world.definitions) | set(world.point.values)

    def _accepted(self, found: Comparison, kind: str) -> Verdict:
        edits = list(dict.fromkeys(e for e in found.edits if e not in HARMLESS))
        strict = self.understanding.strict
        if strict and any(e in ("transposed", "swapped") for e in edits):
            return Verdict("wrong", kind, "true only if " + ", ".join(EDIT_WORDS[e] for e in edits) + "; the document states shapes",
                           mistakes=("missing-transpose",))  # fmt: skip
        if strict and {"dotted", "marked"} & set(edits):
            sign = "⊙" if "dotted" in edits else "∘"
            return Verdict(
                "wrong", kind, f"true only if {sign} were a matrix product", mistakes=("elementwise-for-matmul",)
            )
        if edits:
            return Verdict("notation", kind, "true if read charitably: " + ", ".join(EDIT_WORDS[e] for e in edits))
        return Verdict("correct", kind)

    # --- what follows from false lines ---
    def _keep(self, at: int, left: Term, found: Comparison, line: int) -> None:
        left, times = self._gradient_in(left)
        if not isinstance(left, Jacobian) or found.reading is None or found.reading.value.letters:
            return
        top = self._key(left.top)
        if top != self.understanding.loss or (isinstance(left.bottom, Part) and left.bottom.indices):
            return
        key = left.bottom.key
        world = self.understanding.world(at, Machine)
        try:
            shape = world.quantity(key).shape
        except (Unknown, Misfit, Undefined):
            return
        value = found.reading.value
        if times != 1:
            value = value._replace(array=value.array / times)
        if value.shape == shape and np.any(np.asarray(value.array, dtype=float) != 0):
            self.own.setdefault(key, Own(found.reading.term, key, value, line))

    def _gradient_in(self, left: Term) -> tuple[Term, int]:
        """The derivative in `n dL/da`, which is meant where 1/n is taken later, and the n."""
        match left:
            case Sloppy((SizeOf(dim), Jacobian() as gradient), ("",)):
                return gradient, self.understanding.sizes.get(dim, 1)
        return left, 1

    def _carried(self, at: int, left: Term, right: Term) -> int | None:
        """The line of an own false derivative from which this one follows: what it changes there goes on along the chain."""
        left, times = self._gradient_in(left)
        if not isinstance(left, Jacobian) or self._key(left.top) != self.understanding.loss or not self.own:
            return None
        for line, value in self._moved(at, left.bottom.key):
            if self._is_value(at, right, times * value):
                return line
        return None

    def _put_into_relation(self, at: int, left: Term, right: Term) -> int | None:
        """The line of an own false derivative that was put into a true relation: what it has entry by entry goes on, too."""
        for whole, relation in self.relations:
            inside = [p for p in everything_in(relation) if p in self.false] if whole == left else []
            for factor in inside:
                own, line = self.false[factor]
                if self._compare(at, replaced(relation, factor, own), right).answer is Answer.EQUAL:
                    return line
        for factor, (own, line) in self.false.items():  # its shape may fit nowhere: what stands here is read back
            meant = with_part(right, own, factor) if isinstance(own, Sloppy) and factor != left else right
            if meant != right and self._compare(at, left, meant).answer is Answer.EQUAL:
                return line
        return None

    def _carried_step(self, at: int, old: Part, rate: str, right: Term) -> int | None:
        """The line of an own false derivative along which this step goes."""
        if old.indices or not self.own:
            return None
        world = self.understanding.world(at, Machine)
        try:
            before, speed = world.quantity(old.key).array, world.quantity(rate).array
        except (Unknown, Misfit, Undefined):
            return None
        own = self.own.get(old.key)
        found = [(own.line, own.value.array)] if own is not None else []
        for line, value in (*found, *self._moved(at, old.key)):
            if self._is_value(at, right, before - speed * value):
                return line
        return None

    def _moved(self, at: int, key: str) -> Iterator[tuple[int, Array]]:
        """What the derivative by a quantity would be after each own false line: the line and the value."""
        world, loss = self.understanding.world(at, Machine), Ref(self.understanding.loss or "")
        for own in reversed(list(self.own.values())):
            if own.bottom == key:
                continue
            try:
                if not world.depends(own.bottom, key):
                    continue
                local = world.jacobian(Ref(own.bottom), Ref(key)).array
                truth = world.jacobian(loss, Ref(key)).array
                change = own.value.array - world.jacobian(loss, Ref(own.bottom)).array
            except (Unknown, Misfit, Undefined):
                continue
            yield own.line, truth + (change * local if local.ndim == 2 else np.einsum("rc,rcst->st", change, local))

    def _is_value(self, at: int, right: Term, value: Array) -> bool:
        """Whether a side has this value in some reading."""
        for lenient in (False, True):
            with contextlib.suppress(Unknown, Misfit, Undefined):
                for reading in self.understanding.reader(at, lenient).readings(right):
                    if (
                        reading.value.shape == value.shape
                        and not reading.value.letters
                        and Machine.distance(reading.value.array, value) < 1e-7
                    ):
                        return True
        return False


def _of_one_example(term: Term) -> Term | None:
    r"""`w - \eta \delta a^T` for `w - \frac{\eta}{m} \sum_x \delta^x (a^x)^T`, where x is an example; None if it is no such mean."""
    match term:
        case Add((first, (sign, Sloppy((Over(rate, SizeOf()), SumOver(along, body)), marks)))):
            letter = along.removeprefix("letter:")
            one = without_indices(body, frozenset({letter}))
            return Add((first, (sign, Sloppy((rate, one), marks)))) if one != body else None
    return None


def _is_step(left: Side, right: Side) -> bool:
    r"""`w \to w - \eta g`."""
    node = right.node
    return isinstance(node, f.Sum) and len(node.terms) > 1 and to_text(node.terms[0][1]) == to_text(left.node)


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


def _letters_of(term: Term) -> set[str]:
    """Index letters in a term, but those of sums."""
    match term:
        case Part(_, indices):
            return {i for i in indices if isinstance(i, str)}
        case Jacobian(top, bottom):
            return _letters_of(top) | _letters_of(bottom)
        case SumOver(along, body):
            return _letters_of(body) - {along.removeprefix("letter:")}
    return set().union(*(_letters_of(part) for part in parts_of(term)))


def _under(condition: Condition, term: Term) -> Term:
    """A side for the indices that are meant: others count as zero."""
    if condition.agree:
        return relabelled(term, {condition.right: condition.left})
    differ = Add(((1, Const(Fraction(1))), (-1, Kronecker(condition.left, condition.right, ""))))
    return Times(differ, term)
