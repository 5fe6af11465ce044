"""Judges every relation of a document: definition, derivative, chain, update, shape or number; and keeps what was wrong.

A later line is judged against the truth first; only if it is false, against what follows from the writer's own false lines.
The span of the first relation covers both sides; of a later one in a chain, its own sign and side.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property

from symderiv.homework.judging.adjoints import adjoints_of
from symderiv.homework.judging.chains import Chains
from symderiv.homework.judging.comparing import Answer, Comparison
from symderiv.homework.judging.denials import is_taken_back
from symderiv.homework.judging.derivatives import Derivatives
from symderiv.homework.judging.differentials import judge_differential
from symderiv.homework.judging.facts import Facts
from symderiv.homework.judging.intercept import judge_intercept
from symderiv.homework.judging.named_parts import NamedParts
from symderiv.homework.judging.number_claims import NumberClaim
from symderiv.homework.judging.optimum import is_at_optimum, judge_optimum, judge_solution
from symderiv.homework.judging.otherwise import Otherwise
from symderiv.homework.judging.own_lines import OwnLines
from symderiv.homework.judging.pieces import judge_in_case
from symderiv.homework.judging.rows import judge_rows
from symderiv.homework.judging.situation import Situation
from symderiv.homework.judging.unknowns import Unknowns
from symderiv.homework.judging.updates import Updates
from symderiv.homework.judging.verdicts import (
    FAULTS,
    PREMISE,
    RESTATED,
    FalseNumber,
    OpenLine,
    Subject,
    Verdict,
    reason_of,
    unjudged,
)
from symderiv.homework.marking import Claim
from symderiv.homework.reading import formulas as f
from symderiv.homework.reading.plainly import to_text
from symderiv.homework.reading.statements import Side, Statement
from symderiv.homework.understanding.arithmetic import Array, Machine, Undefined
from symderiv.homework.understanding.conditions import Condition, condition_of, is_condition, is_range
from symderiv.homework.understanding.derivative_names import is_derived
from symderiv.homework.understanding.draft import WEIGHTLIKE, layer_of
from symderiv.homework.understanding.elaboration import (
    NotUnderstood,
    OpenFunction,
    entry_of,
    is_number,
    relabelled,
    replaced,
)
from symderiv.homework.understanding.given_values import is_rate
from symderiv.homework.understanding.inference import Inference
from symderiv.homework.understanding.key_names import shown_name
from symderiv.homework.understanding.literals import agrees, is_numeric, literal, literals_in, shown
from symderiv.homework.understanding.patience import TookTooLong, at_most
from symderiv.homework.understanding.shapes import base_of
from symderiv.homework.understanding.stated_shapes import (
    NO_LAYERS,
    Stated,
    fits_stated,
    judge_shape,
    misstated,
    names_listed,
    sizes_in,
    sizes_multiplied,
)
from symderiv.homework.understanding.symbols import EACH, LOSS_BASES, LayerOpen, Reference, name_of
from symderiv.homework.understanding.terms import (
    Add,
    Const,
    Jacobian,
    Kronecker,
    Part,
    Sloppy,
    Term,
    Times,
    everything_in,
    is_ones,
    mapped,
    references_in,
)
from symderiv.homework.understanding.understanding import Definition, Understanding
from symderiv.homework.understanding.worlds import Misfit, Unknown

SECONDS_A_CLAIM = 2.0
SHAPE_WORDS = re.compile(  # what may stand between a name and its shape
    r"(?:[\s$`(\[,:]|\\[(\[]|\b(?:is|are|of|the|an?|has|shape|size|matrix|vector|row|column|ist|eine?|est|une?|es|una?)\b)*",
    re.IGNORECASE,
)
QUESTION = r"what|find|comput|determin|calculat|deriv|berechn|bestimm|welche|cu[aá]l|calcul|quelle|trouve"
SIGNS = {"in": " ∈ ", ":": ": ", "<-": " ← ", ":=": " := ", "->": " → "}
SIGN = re.compile(r"=|\\(?:leftarrow|gets)\b|←|<-")
NO_SUCH_LAYER = "no layer has all the quantities that it is about"
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
    claims: list[Claim] = field(default_factory=list)
    silent: list[Claim] = field(default_factory=list)
    subject: Subject | None = None
    question: Subject | None = None
    question_at: int = -100
    rows_judged: int = 0
    shows_later: bool = False  # a derivative by something between is written out, and true, without 1/n
    nearly_later: bool = False  # it would be, but for a sign or a 2
    suspects: dict[int, tuple[int, Term, Term]] = field(default_factory=dict)  # false claims: statement and sides
    open_lines: list[OpenLine] = field(default_factory=list)
    false_numbers: dict[int, tuple[int, FalseNumber]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.situation = Situation(self.inference, self.understanding)
        self.numbers = self.situation.numbers
        self.own_lines = OwnLines(self.situation)
        self.unknowns = Unknowns(self.situation, self.own_lines)
        self.otherwise = Otherwise(self.situation, self.unknowns)
        self.facts, self.parts, self.chains = Facts(self.situation), NamedParts(self.situation), Chains(self.situation)
        self.updates = Updates(self.situation, self.own_lines, self.unknowns, self.otherwise)
        self.derivatives = Derivatives(self.situation, self.own_lines, self.unknowns, self.otherwise)

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
                adjoints = adjoints_of(self.inference, self.understanding)
                self.inference.elaborator.adjoints = adjoints
                self.understanding.put(adjoints)

    # --- one statement ---

    def _statement(self, at: int, statement: Statement) -> None:
        if is_condition(statement, self.understanding.symbols.indices) or is_range(
            statement, self.understanding.symbols.counting
        ):
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
        subject = self.situation.subject(sides[0])
        self.subject = subject
        before = sides[0]
        for k, side in enumerate(sides[1:]):
            start = sides[0].span[0] if k == 0 else before.span[1]
            if k and re.search(r"\\\\|\n", self.understanding.document.text[start : side.span[0]]):  # on its own line
                start = self._sign_start(replace(statement, span=(start, side.span[1])), side)
            sign = relations[k]
            if sign == "=:":
                self._relation(
                    at, statement, self.situation.subject(side), "=:", before, (before.span[0], side.span[1])
                )
            elif sign == "=>" or (sign == "->" and "=" in relations[:k] and "=" in relations[k + 1 : k + 2]):
                self.subject = subject = self.situation.subject(side)  # `f(s) = .. -> f'(s) = ..`: what follows from it
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
        subject = self.situation.subject(side)
        if isinstance(node, f.Derivative):
            after = self.understanding.document.text[side.span[1] : side.span[1] + 6]
            # a heading that is the formula alone asks nothing
            before = re.sub(r"\\[A-Za-z]+", "", self.situation.words_before(side.span[0]))
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
            reference = self.situation.shaped(self.subject)
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
        reference = self.situation.shaped(self.situation.subject(before.sides[0]))
        return reference if reference is not None and reference.key in self.understanding.shapes else None

    def _named_in_words(self, statement: Statement) -> Reference | None:
        """The last quantity in the words before: `X is the input [n x f]`."""
        folds = self.inference.symbols.folds
        for name in reversed(re.findall(r"[A-Za-z]\w*", statement.lead)):
            for key in (name, folds.get(name, name), name.lower() if len(name) == 1 else name):
                if key in self.understanding.shapes:
                    return Reference(key, key)
        return None

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
            if sign in ("=", ":=", "<-") and self._instances(statement, subject, side) != [self.inference.base_layers]:
                self._keep_silent(statement, span, subject, side)
            return
        worst = max(verdicts, key=lambda v: ("correct", "notation", "uncheckable", "carried", "wrong").index(v.verdict))
        if worst.verdict == "uncheckable" and any(v.verdict in ("correct", "notation") for v in verdicts):
            worst = next(v for v in verdicts if v.verdict in ("correct", "notation"))
        if worst.verdict == "wrong" and sign == "~" and literal(side.node) is None:
            worst = Verdict("uncheckable", worst.kind, "not equal; how near it is, and where, cannot be judged")
        if worst.verdict in ("wrong", "carried") and is_taken_back(self.understanding.document.text, span):
            worst = Verdict(
                "uncheckable", worst.kind, "false, and the text does not claim it: it asks for it or takes it back"
            )
        if worst.verdict in ("wrong", "carried") and subject.false_since is None:
            subject.false_since = statement.line
        worst.at = at
        self._claim(statement, span, worst, subject, side)

    def _is_below_the_first(self, key: str) -> bool:
        """The z_0 of `z_l = w_l a_{l-1} + b_l`, where layers begin with 1: no premise has it."""
        first = self.inference.layer_range[0] if self.inference.layer_range is not None else None
        return first is not None and layer_of(key) == first and key not in self._in_premises

    @cached_property
    def _in_premises(self) -> set[str]:
        understanding = self.understanding
        made = {key for d in understanding.definitions for key in (d.key, *(r.key for r in references_in(d.term)))}
        return made | {n.key for n in understanding.numbers}

    def _keep_silent(self, statement: Statement, span: tuple[int, int], subject: Subject, side: Side) -> None:
        """A general formula about layers that are not there: told in the end, and no reason for or against a candidate."""
        before, self.claims = self.claims, []
        kind = (
            "definition" if subject.reference is not None and not isinstance(subject.term, Jacobian) else "derivative"
        )
        verdict = Verdict("uncheckable", kind, NO_SUCH_LAYER)
        if literal(side.node) is not None and "=" not in statement.relations:
            verdict = Verdict("correct", "definition", "a value to begin with")  # Delta W^l := 0
        self._claim(statement, span, verdict, subject, side)
        self.silent += self.claims
        self.claims = before

    def _instances(self, statement: Statement, subject: Subject, side: Side) -> list[dict[str, int]]:
        whole = Statement((subject.side, side), ("=",), statement.span, statement.line, statement.where)
        return self.inference.instances(whole)

    def _claim(
        self, statement: Statement, span: tuple[int, int], verdict: Verdict, subject: Subject | None, side: Side
    ) -> None:
        text = self.understanding.document.text
        is_open = verdict.verdict == "uncheckable" and self._is_about_open_loss(subject)
        if is_open and (verdict.sides is not None or verdict.number is not None):
            self.open_lines.append(OpenLine(len(self.claims), verdict.at, verdict.sides, verdict.number))
        elif verdict.verdict == "wrong" and verdict.sides is not None:
            self.suspects[len(self.claims)] = verdict.at, *verdict.sides
        elif verdict.verdict == "wrong" and verdict.number is not None:
            self.false_numbers[len(self.claims)] = verdict.at, verdict.number
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

    def _is_about_open_loss(self, subject: Subject | None) -> bool:
        """Whether the left side is the derivative of a loss that nobody defines."""
        term, understanding = (subject.term if subject is not None else None), self.understanding
        top = term.top.key if isinstance(term, Jacobian) and isinstance(term.top, Part) else None
        is_defined = any(d.key == top for d in understanding.definitions) and not understanding.generic
        return top is not None and top == understanding.loss and not is_defined

    def _judged(
        self, at: int, statement: Statement, subject: Subject, sign: str, side: Side, layers: dict[str, int]
    ) -> Verdict | None:
        elaborator = self.situation.elaborator(layers)
        if sign in ("in", ":"):
            return self._shape(subject, side, layers)
        if sign in ("<", ">", "<=", ">=", "!="):
            return None
        if (fits := sizes_multiplied(subject.side.node, side.node)) is not None:
            words = "the sizes fit" if fits else "the sizes make another one"
            return Verdict("correct" if fits else "wrong", "shape", words, mistakes=() if fits else ("wrong-shape",))
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
            if isinstance(error, OpenFunction) and kind == "definition" and _is_alone(side.node):
                return Verdict("correct", kind, "a premise; which function it is, is left open")
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
        if all(r.key in self.situation.grounded or not r.key.endswith("]") for r in references_in(term)):
            return term
        if (
            isinstance(term, Part)
            and not term.indices
            and term.key not in self.situation.grounded
            and term.key not in self.understanding.vectors
            and (m := re.fullmatch(r"(.+?)\[(\d+)\]", term.key))
        ):
            known = self.situation.grounded & self.understanding.shapes_of_data
            whole = next((k for k in (m[1], m[1] + EACH) if k in known), None)
            if whole is not None:
                return entry_of(whole, m[2], self.understanding.shapes[whole])
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
                    if ref.key not in shapes or self._is_below_the_first(ref.key):
                        return False
                    world.quantity(ref.key)
            for part in (*everything_in(left), *everything_in(right)):
                loss = self.understanding.loss
                if (
                    isinstance(part, Jacobian)
                    and loss is not None
                    and self.situation.key(part.top) == loss
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
            chain = self.chains.chain(at, left, right)
            if chain is not None and chain.verdict == "correct" and chain.message:
                subject.sides.append((side.node, right))
                return chain
            is_alone = self.situation.per_sample(left) != left and self.situation.per_sample(right) == right
            whole = left
            left, right = self.situation.per_sample(left), self.situation.per_sample(right)
            if self._is_in_full(at, subject, whole, left, right):
                subject.sides.append((side.node, right))
                return Verdict("correct", "derivative", "with 1/n, as it is written in full")
            if is_alone and self.situation.compare(at, left, right).answer is Answer.EQUAL:
                self.shows_later = True
            elif is_alone and not self.shows_later:
                self.nearly_later = self.nearly_later or self._is_multiple(at, left, right)
        verdict = self._number(at, statement, subject, reference, left, right, sign, side)
        if verdict is not None:
            subject.sides.append((side.node, right))
            return verdict
        subject.sides.append((side.node, right))
        if reference is not None and not is_derivative:
            update = self.updates.update(at, reference, left, right, sign)
            if update is not None and update.verdict in ("wrong", "carried", "notation"):
                turned = self.otherwise.samples_as_columns(right)
                again = self.updates.update(at, reference, left, turned, sign) if turned != right else None
                update = again if again is not None and again.verdict == "correct" else update
            if update is not None:
                return update
            return (
                self.parts.named_part(at, reference, right, subject)
                or self.parts.said_again(at, reference, right)
                or self._definition(at, statement, reference, left, right)
            )
        if self.facts.is_function_said(subject, left, right):
            return Verdict("correct", "definition", "what the function is")
        fact = (
            self.facts.fact(left, right, subject, side)
            or self.facts.own_fact(left, right, subject, side)
            or self.facts.matrix_fact(left, right)
        )
        if fact is not None and fact.verdict == "wrong" and self.otherwise.is_special_case(at):
            return Verdict("uncheckable", fact.kind, "said of a special case, and false in general")
        if fact is not None:
            fact.sides = left, right
            return fact
        if left == right and "Δ" in to_text(subject.side.node):
            return Verdict("correct", "update", "the step of gradient descent")
        if left == right and not is_derivative and to_text(subject.side.node) != to_text(side.node):
            return Verdict("correct", "derivative", "an identity")
        if left == right and not is_derivative:
            return Verdict("uncheckable", "derivative", "both sides are the same")
        spelled = self.parts.spelled_out(at, left, right)
        if spelled is not None and self.situation.compare(at, left, spelled).answer is not Answer.UNDECIDED:
            right = spelled
        relation = self.chains.chain(at, left, right) or self.derivatives.derivative(
            at, statement, subject, left, right
        )
        if relation.verdict in ("wrong", "notation"):
            relation = (
                self.otherwise.with_rows(at, left, right, relation.kind)
                or self.otherwise.with_columns_of_samples(at, left, right, relation.kind)
                or relation
            )
        if relation.verdict == "wrong":
            relation = judge_optimum(self.situation, at, left, right) or relation
        if relation.verdict in ("correct", "notation") and (array := self._array_as_number(left, right)) is not None:
            return Verdict("uncheckable", relation.kind, f"{array} is said to be more than the number that it is here")
        if relation.verdict in ("correct", "notation"):
            self.numbers.note_relation(left, right)
            earlier = self.own_lines.false.get(left)
            if earlier is not None and earlier[1] < statement.line and not relation.message:
                relation.message = f"puts right what line {earlier[1]} says"
            if isinstance(left, Jacobian) and any(isinstance(p, Jacobian) for p in everything_in(right)):
                self.own_lines.relations.append((left, right))
            return relation
        if relation.verdict in ("wrong", "carried"):
            relation = judge_in_case(self.situation, at, left, right, relation.kind) or relation
        if relation.verdict == "wrong" and is_derivative:
            if self._puts_numbers(at, left, right):
                return Verdict("correct", relation.kind, "with a value of the document in the place of its name")
            root = self.own_lines.put_into_relation(at, left, right)
            if root is not None:
                return Verdict("carried", relation.kind, f"false, but it follows from line {root}", root=root)
            self.own_lines.false.setdefault(left, (right, statement.line))
        if relation.verdict == "wrong" and self._is_of_one_among_all(subject.side.node):
            return Verdict("uncheckable", relation.kind, "said of one example, and the formulas are those of all")
        if relation.verdict == "wrong" and relation.sides is None:
            relation.sides = left, right
        return relation

    def _is_of_one_among_all(self, node: f.Node) -> bool:
        r"""The x of `\partial \hat y / \partial x` where the formulas have X, which holds all examples: no derivative of the loss."""
        if not isinstance(node, f.Derivative) or node.top is None or not self.understanding.axes.batch:
            return False
        symbols = self.understanding.symbols
        top, bottom = self.inference.closed(node.top), name_of(node.bottom)
        if top is None or bottom is None or bottom.base in WEIGHTLIKE:
            return False
        is_loss = top.key == self.understanding.loss or base_of(top.key) in set(LOSS_BASES) - symbols.data_letters
        return symbols.folds.get(bottom.base.capitalize()) == bottom.base and not is_loss

    def _array_as_number(self, left: Term, right: Term) -> str | None:
        """A quantity that the document states to be an array where its formulas together make it a number: nothing is shown by it."""
        shapes = self.understanding.shapes
        numbers = {k for k, sizes in self.situation.stated if set(sizes) - {"1"} and shapes.get(k) == ("1", "1")}
        return next((r.key for side in (left, right) for r in references_in(side) if r.key in numbers), None)

    def _puts_numbers(self, at: int, left: Term, right: Term) -> bool:
        """`df/dq = -6 z` after `df/dr = -6`: whole numbers that were worked out before, put for their names."""
        for term, size in self.numbers.whole_numbers(at):
            for sign in (1, -1):
                named = replaced(right, Const(Fraction(abs(size))), Add(((sign if size > 0 else -sign, term),)))
                if named != right and self.situation.compare(at, left, named).answer is Answer.EQUAL:
                    return True
        return False

    def _is_in_full(self, at: int, subject: Subject, whole: Term, left: Term, right: Term) -> bool:
        """`dJ/dX = (dH + dZ W)/m` where names are meant without 1/n: a derivative in full, or by the data, is as it is written."""
        if whole == left or not isinstance(whole, Jacobian):
            return False
        is_by_data = whole.bottom.key not in self.understanding.definitions_at(at)
        if not is_by_data and not isinstance(subject.side.node, f.Derivative):
            return False
        if self.situation.compare(at, left, right).answer is Answer.EQUAL:
            return False
        found = self.situation.compare(at, whole, right)
        return found.answer is Answer.EQUAL and self.situation.accepted(found, "derivative").verdict == "correct"

    def _is_multiple(self, at: int, left: Term, right: Term) -> bool:
        """Whether a side is right but for its sign or a factor 2."""
        factors = (Fraction(-1), Fraction(2), Fraction(1, 2))
        scaled = (Sloppy((Const(c), left), ("",)) for c in factors)
        return any(self.situation.compare(at, each, right).answer is Answer.EQUAL for each in scaled)

    # --- numbers ---
    def _is_elsewhere(self, node: f.Node) -> bool:
        """`E(w_1 + \\epsilon)`: the loss at another point than that of the document."""
        if not isinstance(node, f.Product) or len(node.factors) != 2 or node.marks != ("",):
            return False
        head, argument = name_of(node.factors[0]), node.factors[1]
        if head is None or head.base not in {*LOSS_BASES, self.understanding.loss} or not isinstance(argument, f.Group):
            return False
        has_itself = any(name_of(n) == head for n in f.walk(argument))  # `f (1 - f)`
        return not has_itself and any(isinstance(item, f.Sum) for item in argument.items)

    def _loss_elsewhere(self, at: int, node: f.Node, printed: tuple[Array, Array] | None) -> Verdict:
        """`L(w + 0.001) = 1.0291`, as in a check by differences: one parameter has another value."""
        group = node.factors[1] if isinstance(node, f.Product) else None
        loss = self.understanding.loss
        if printed is not None and loss is not None and isinstance(group, f.Group) and len(group.items) == 1:
            with contextlib.suppress(NotUnderstood, LayerOpen):
                place = self.situation.elaborator({}).term(group.items[0])
                truths = self.numbers.values_where(at, Part(loss, ()), place)
                if truths and any(agrees(printed[0], truth, printed[1]) for truth in truths):
                    return Verdict("correct", "number")
                if truths:
                    value = shown(truths[0])
                    return Verdict(
                        "wrong", "number", f"the value is {value}", mistakes=("arithmetic-slip",), expected=value
                    )
        return Verdict("uncheckable", "number", "the loss at other parameters is not worked out")

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
        if self._is_elsewhere(statement.sides[0].node) and (printed is not None or is_numeric(right)):
            return self._loss_elsewhere(at, statement.sides[0].node, printed)
        if is_numeric(right) and is_at_optimum(self.situation, at, left):
            return Verdict("uncheckable", "number", "where the loss is least is not worked out")
        if printed is None and not is_numeric(right) and not (halves and self.numbers.has_numbers):
            return None
        if printed is None and not halves and any(is_ones(p) for p in everything_in(right)):
            return None  # 1^T Y = 1^T
        if (
            isinstance(left, Jacobian)
            and not halves
            and (not self.numbers.has_numbers or self.situation.key(left.top) == left.bottom.key)
        ):
            return None
        if (
            (not halves or not is_numeric(right))
            and isinstance(left, Jacobian)
            and self.situation.compare(at, left, right).answer is Answer.EQUAL
        ):
            return None
        if printed is None and not is_numeric(right) and self.situation.compare(at, left, right).answer is Answer.EQUAL:
            return None

        def judged(place: int) -> Verdict | None:
            return NumberClaim(self.situation, place, statement, subject, reference, left, right, side).judge()

        verdict = judged(at)
        sections = self.inference.activations.sections
        if verdict is not None and verdict.verdict == "wrong" and statement.where == "cell" and sections:
            others = (judged(saying.at) for sayings in sections.values() for saying in sayings)
            if any(other is not None and other.verdict == "correct" for other in others):
                reason = f"false for the last {', '.join(sorted(sections))} before it; which is meant is not said"
                return Verdict("uncheckable", verdict.kind, reason)
        return verdict

    # --- definitions ---
    def _premise(self, at: int, definition: Definition) -> Verdict:
        """Taken as it is said; on the way back it has to fit as it is written, if the document states shapes."""
        loss = self.understanding.loss
        after_loss = any(d.key == loss and d.at < at for d in self.understanding.definitions)
        if self.understanding.strict and after_loss and loss is not None:
            with contextlib.suppress(Misfit, Unknown, Undefined):
                edits = self.understanding.reader(at, True).readings(definition.term)[0].edits
                depends = self.understanding.world(at, Machine).depends(loss, definition.key)
                if {"transposed", "swapped"} & set(edits) and not depends:
                    return self.situation.accepted(Comparison(Answer.EQUAL, edits=edits), "definition")
        return Verdict("correct", "definition", PREMISE)

    def _definition(self, at: int, statement: Statement, reference: Reference, left: Term, right: Term) -> Verdict:
        keys = {r.key for r in references_in(right)}
        if not any(d.key == reference.key for d in self.understanding.definitions):
            solution = judge_solution(self.situation, self.own_lines, at, left, right)
            if solution is not None:
                return solution
        if self._was_used(reference.key, at) and not self._is_forward(reference.key, at):
            return Verdict("uncheckable", "derivative", f"what {shown_name(reference.key)} stands for is not known")
        for definition in self.understanding.definitions:
            if definition.key == reference.key and definition.at == at:
                return self._premise(at, definition)
        if isinstance(right, Part):
            used = self.inference.used
            marked = [k for k in used if base_of(k) == base_of(right.key) and k != right.key]
            if used[right.key] <= 2 and marked and right.key not in self.situation.grounded:
                return Verdict(
                    "uncheckable",
                    "definition",
                    self.understanding.nowhere_defined(right.key),
                    mistakes=("undefined-symbol",),
                )
        if is_number(right):
            return Verdict("correct", "definition", "a value")
        if not any(d.key == reference.key for d in self.understanding.definitions):
            if is_derived(self.inference, reference) or not keys:
                return Verdict("uncheckable", "derivative", f"what {shown_name(reference.key)} stands for is not known")
            return Verdict("correct", "definition", PREMISE)
        if isinstance(right, Part) and self.understanding.symbols.canonical(right.key) == reference.key:
            return Verdict("correct", "definition", "another name")
        found = self.situation.compare(at, left, right)
        if found.answer is Answer.EQUAL:
            return Verdict("correct", "definition", "agrees with what was said before")
        return Verdict("correct", "definition", RESTATED)

    # --- names for parts of a derivative ---

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
        elaborator = self.situation.elaborator(self.inference.base_layers)
        for at, statement in enumerate(self.understanding.document.statements):
            if any(isinstance(n, f.Derivative) for s in statement.sides for n in f.walk(s.node)):
                for side in statement.sides[1:]:
                    with contextlib.suppress(NotUnderstood, LayerOpen):
                        found.append((at, {r.key for r in references_in(elaborator.term(side.node))}))
        return found

    # --- updates ---

    # --- shapes ---
    def _shape(self, subject: Subject, side: Side, layers: Mapping[str, int] = NO_LAYERS) -> Verdict | None:
        names = names_listed(subject.side.node)
        if len(names) > 1:
            each = (self.situation.subject(replace(subject.side, node=name)) for name in names)
            found = [self._shape(one, side, layers) for one in each]
            return max(filter(None, found), key=lambda verdict: COSTS[verdict.verdict], default=None)
        reference = self.situation.shaped(subject)
        if reference is None and subject.reason == "open":
            with contextlib.suppress(NotUnderstood, LayerOpen):
                reference = self.inference.plain(subject.side.node, self.situation.elaborator(dict(layers)))
            if reference is not None and reference.key not in self.understanding.shapes:
                return None
        if reference is None and subject.term is not None and not isinstance(subject.term, Jacobian):
            with contextlib.suppress(Unknown, Misfit, Undefined):
                value = self.understanding.reader(0, False).readings(subject.term)[0].value
                fits = False if value.letters else fits_stated(self.understanding, value.array.shape, side)
                if fits is None:
                    return Verdict("uncheckable", "shape", "these are the sizes of its transpose")
                if fits:
                    return Verdict("correct", "shape", "the product has these sizes")
        verdict: Verdict | None = judge_shape(self.understanding, reference, side, Verdict, self._misstated, layers)
        name = name_of(subject.side.node)
        written = {f"^{accent}" for accent in name.accents} if name is not None else set()
        known = reference.key if reference is not None else ""
        if verdict is not None and verdict.verdict == "wrong" and any(accent not in known for accent in written):
            return Verdict("uncheckable", "shape", "with its accent it may be only a part: weights without their bias")
        return verdict

    @cached_property
    def _misstated(self) -> Stated | None:
        return misstated(self.situation.stated, self.understanding.shapes)

    # --- chains ---

    # --- derivatives ---

    # --- what follows from false lines ---


def _is_step(left: Side, right: Side) -> bool:
    r"""`w \to w - \eta g`."""
    node = right.node
    return isinstance(node, f.Sum) and len(node.terms) > 1 and to_text(node.terms[0][1]) == to_text(left.node)


def _under(condition: Condition, term: Term) -> Term:
    """A side for the indices that are meant: others count as zero."""
    if condition.agree:
        return relabelled(term, {condition.right: condition.left})
    differ = Add(((1, Const(Fraction(1))), (-1, Kronecker(condition.left, condition.right, ""))))
    return Times(differ, term)


def _is_alone(node: f.Node) -> bool:
    """A function at an argument, and nothing beside it."""
    return isinstance(node, f.Product) and len(node.factors) == 2 and isinstance(node.factors[1], f.Group)
