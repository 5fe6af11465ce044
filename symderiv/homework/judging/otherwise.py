"""Other readings of the document under which a line is right: one output unit, one sample, another loss or activation, a layer left out."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cached_property

from symderiv.homework.judging.classes import letter_of_class
from symderiv.homework.judging.comparing import Answer, Comparer
from symderiv.homework.judging.situation import ASIDE, Situation, index_letters_of
from symderiv.homework.judging.unknowns import Unknowns
from symderiv.homework.judging.verdicts import Verdict
from symderiv.homework.reading.formulas import Derivative, Name, Number, walk
from symderiv.homework.reading.statements import Statement
from symderiv.homework.understanding.arithmetic import FUNCTIONS, Machine, Undefined
from symderiv.homework.understanding.draft import CONTRARY, WEIGHTLIKE
from symderiv.homework.understanding.elaboration import is_number, renamed, replaced
from symderiv.homework.understanding.key_names import shown_name
from symderiv.homework.understanding.objective import output_of
from symderiv.homework.understanding.premises import WORDS_OF_VERSIONS, kind_of
from symderiv.homework.understanding.shapes import base_of
from symderiv.homework.understanding.symbols import EACH, HYPER_BASES, LOSS_BASES
from symderiv.homework.understanding.terms import (
    Apply,
    Const,
    Jacobian,
    Part,
    SizeOf,
    Sloppy,
    Softmax,
    Stack,
    SumOver,
    Term,
    Transpose,
    everything_in,
    mapped,
    references_in,
)
from symderiv.homework.understanding.understanding import ACTIVATION_WORDS, TARGET_BASES, Understanding
from symderiv.homework.understanding.variants import Variant, varied
from symderiv.homework.understanding.worlds import Misfit, Unknown

IDENTITY = (  # as an activation of its own, no identity that is made use of
    r"(?:\bcase\b[^.]{0,12}|\b(?:is|ist|est|es|é|è) (?:simply |just )?(?:the |die |l'|la |a )?|\b(?:with|for|mit|für|avec|pour|con|para) "
    r"(?:the |die |l'|la |a )?)(?:identity|Identität|identité|identidad|identità)(?: function| activation)?\s*[.,:;]"
)
SPECIAL_CASE = r"special case|single (?:example|sample)|only one (?:example|sample)|Sonderfall|Spezialfall|cas particulier|caso particular"
SUPPOSED = (
    r"\b(?:for|if|when|with|where|start|beginning|initially|set|setting|let|suppose|für|wenn|falls|mit|pour|si|quand|lorsque|avec|"
    r"para|cuando|con|se|quando|per|com)"
)
NUMERATORS = r"numerator[- ]layout|Zählerlayout|shape of the transposed matrix"
ROWS = (
    r"numerator layout|numérateur|row (?:vectors?|convention|gradients?)|(?:is|are|as) (?:always )?(?:a )?\\?(?:emph\{)?rows?\b|"
    r"Zeilenvektor|vecteurs?\W{1,3}lignes?\b|vector(?:es)?\W{1,3}fila"
)
PROGRAM = r"\bnp\.|\bnumpy\b|^ *def \w+\("  # arrays have the shapes that they have, there


def letter_of_sample(left: Jacobian) -> str | None:
    r"""The i of `\partial L_i / \partial W`: of the loss of one sample by what all share."""
    match left:
        case Jacobian(Part(key, (str(letter),)), Part(_, ())):
            return letter if key.endswith(EACH) else None
    return None


def says_rows(text: str) -> bool:
    """Whether a document says that derivatives by columns are rows."""
    return re.search(ROWS, text, re.IGNORECASE) is not None


class Otherwise:
    """Judges under other readings of the document."""

    def __init__(self, situation: Situation, unknowns: Unknowns) -> None:
        self.situation, self.unknowns = situation, unknowns
        self.inference, self.understanding = situation.inference, situation.understanding

    def is_special_case(self, at: int) -> bool:
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
        words = self.situation.words_before(start)
        return bool(
            re.search(SPECIAL_CASE, words, re.IGNORECASE)
            or re.search(CONTRARY, re.split(r"[.!?]\s", words)[-1], re.IGNORECASE)
        )

    def otherwise(self, at: int, left: Term, right: Term, kind: str) -> Verdict | None:
        """Where a quantity was given two formulas in one place (regression, classification), either may be meant."""
        undecided = None
        for other in self.understanding.restated:
            first = next((d for d in self.understanding.definitions if d.key == other.key), None)
            if first is None or first.term == other.term or other.at > at or letter_of_class(other) is not None:
                continue
            definitions = [replace(other, until=None) if d is first else d for d in self.understanding.definitions]
            anew = self.understanding.with_definitions(definitions)
            with contextlib.suppress(Misfit, Unknown, Undefined):
                if Comparer(anew, at).compare(left, right).answer is Answer.EQUAL:
                    formula = f"{shown_name(other.key)} as in line {other.line}"
                    if other.holds(at):
                        return Verdict("correct", kind, f"with {formula}")
                    undecided = Verdict("uncheckable", kind, f"right only with {formula}, where that is supposed")
        return (
            self._with_version_spoken_of(at, left, right, kind)
            or self._with_function(at, left, right, kind)
            or self._with_letter(at, left, right, kind)
            or self._with_value_supposed(at, left, right, kind)
            or self._with_values_given(at, left, right, kind)
            or undecided
        )

    def _with_version_spoken_of(self, at: int, left: Term, right: Term, kind: str) -> Verdict | None:
        """`So with the cross-entropy dL/dz = a - y`, after the network was changed: with the formula that the words before name."""
        definitions, loss = self.understanding.definitions, self.understanding.loss
        current = self.understanding.definitions_at(at)
        words = self.situation.words_before(self.understanding.document.statements[at].span[0])
        for other in definitions:
            version = kind_of(loss, other.key, other.term)
            if other.at > at or current.get(other.key) == other.term or version not in WORDS_OF_VERSIONS:
                continue
            if re.search(WORDS_OF_VERSIONS[version], words, re.IGNORECASE):
                anew = replace(
                    self.understanding,
                    definitions=[*(d for d in definitions if d.key != other.key), replace(other, until=None)],
                )
                with contextlib.suppress(Misfit, Unknown, Undefined):
                    if Comparer(anew, at).compare(left, right).answer is Answer.EQUAL:
                        return Verdict("correct", kind, f"with {shown_name(other.key)} as in line {other.line}")
        return None

    def with_rows(self, at: int, left: Term, right: Term, kind: str) -> Verdict | None:
        """Right where derivatives by columns are rows, in a document that says so."""
        if not says_rows(self.understanding.document.text):
            return None
        turned, said = self._as_rows(left), self._as_rows(right)
        is_other = turned != left or said != right
        if is_other and (found := self._right_as(at, turned, said, kind, "derivatives by columns are rows here")):
            return found
        if re.search(NUMERATORS, self.understanding.document.text, re.IGNORECASE) is None or self._is_vector(left):
            return None
        return self._right_as(at, Transpose(left), said, kind, "derivatives by matrices are transposed here")

    def _is_vector(self, term: Term) -> bool:
        """Whether it is no derivative of a number by a matrix."""
        shapes = self.understanding.shapes
        if not isinstance(term, Jacobian) or not isinstance(term.bottom, Part) or term.bottom.indices:
            return True
        top = shapes.get(self.situation.key(term.top) or "")
        return top != ("1", "1") or "1" in shapes.get(term.bottom.key, ("1",))

    def _as_rows(self, term: Term) -> Term:
        if isinstance(term, Jacobian) and isinstance(term.bottom, Part) and not term.bottom.indices:
            shape = self.understanding.shapes.get(term.bottom.key)
            top = self.understanding.shapes.get(self.situation.key(term.top) or "")
            is_row = shape is not None and shape[1] == "1" != shape[0] and top == ("1", "1")
            return Transpose(term) if is_row else term
        return mapped(term, self._as_rows)

    def with_columns_of_samples(self, at: int, left: Term, right: Term, kind: str) -> Verdict | None:
        """Right where what has a number for each sample, y_n, is a column as a whole, y: no shape is stated for it."""
        said = self.samples_as_columns(right)
        return None if said == right else self._right_as(at, left, said, kind, "the numbers of all samples as a column")

    def _right_as(self, at: int, left: Term, right: Term, kind: str, why: str) -> Verdict | None:
        """Right, and for what reason, if the sides are equal as they were put."""
        with contextlib.suppress(Misfit, Unknown, Undefined):
            found = self.situation.compare(at, left, right)
            if found.answer is Answer.EQUAL and self.situation.accepted(found, kind).verdict == "correct":
                return Verdict("correct", kind, why)
        return None

    def samples_as_columns(self, term: Term) -> Term:
        """The term with what has a number for each sample as a column."""
        if isinstance(term, Part):
            is_row = self.understanding.shapes.get(term.key) == ("1", "#n") and term.key not in self._row_keys
            return Transpose(term) if is_row and not term.indices else term
        return term if isinstance(term, Jacobian) else mapped(term, self.samples_as_columns)

    @cached_property
    def _row_keys(self) -> set[str]:
        """What the document states to be a row, writes as a capital, or never writes with the letter of a sample."""
        letters = self.understanding.axes.sample_letters
        each = {k for k, found in self.inference.written_indices.items() if any(set(i) & letters for i in found)}
        stated = {key for key, _ in self.situation.stated}
        symbols = self.understanding.symbols
        folded = {letter for capital, letter in symbols.folds.items() if symbols.bare.get(capital)}
        return stated | folded | (set(self.understanding.shapes) - each)

    def at_given_sizes(self, at: int, left: Term, right: Term, kind: str) -> Verdict | None:
        r"""`\delta_1 v_{11} + \delta_2 v_{21}`: entries one by one say something of as many as are given, and not of more."""
        parts = [p for side in (left, right) for p in everything_in(side) if isinstance(p, Part)]
        if not any(isinstance(i, int) for p in parts for i in p.indices) or not self._given_sizes:
            return None
        anew = replace(self.understanding, sizes={**self.understanding.sizes, **self._given_sizes})
        with contextlib.suppress(Misfit, Unknown, Undefined):
            found = Comparer(anew, at).compare(left, right, lenient=False)
            if found.answer is Answer.EQUAL:
                return self.situation.accepted(found, kind)
        return None

    @cached_property
    def _given_sizes(self) -> dict[str, int]:
        """How many rows and columns the lists of numbers have that are given."""
        found: dict[str, int] = {}
        for number in self.understanding.numbers:
            shape = self.understanding.shapes.get(number.key)
            if isinstance(number.term, Stack) and shape is not None:
                found.update(zip(shape, (len(number.term.rows), len(number.term.rows[0])), strict=True))
        return {dim: size for dim, size in found.items() if self.understanding.sizes.get(dim, size) != size > 1}

    def for_labels(self, at: int, left: Term, right: Term, kind: str) -> Verdict | None:
        r"""`(1 - 2y) \sigma((1 - 2y) z) = \sigma(z) - y`: for y = 0 and for y = 1, in a document that says that it is one of them."""
        used = {r.key for side in (left, right) for r in references_in(side)}
        defined = self.understanding.definitions_at(at)
        loss = {r.key for r in references_in(defined.get(self.understanding.loss or "", Part("", ())))}
        if not self.understanding.bits & (used | loss):
            return None
        anew = replace(self.understanding, bits_count=True)
        with contextlib.suppress(Misfit, Unknown, Undefined):
            found = Comparer(anew, at).compare(left, right, lenient=False)
            if found.answer is Answer.EQUAL:
                return Verdict("correct", kind, "for labels 0 and 1")
        return None

    def for_one_output(self, at: int, left: Term, right: Term, kind: str) -> Verdict | None:
        """Right where there is one output unit, in a document that does not say how many there are."""
        anew = self.with_one_output
        is_program = re.search(PROGRAM, self.understanding.document.text, re.MULTILINE)
        marks = {m for p in everything_in(right) if isinstance(p, Sloppy) for m in p.marks}
        if anew is None or is_program or ("@" in marks and ("" not in marks or not self._conforms(anew, at, right))):
            return None  # a program's product takes what fits
        with contextlib.suppress(Misfit, Unknown, Undefined):
            found = Comparer(anew, at).compare(left, right)
            is_summed = {"dotted", "marked"} & set(found.edits)  # an elementwise sign read as the sum over the samples
            is_right = found.answer is Answer.EQUAL and not is_summed
            if is_right and self.situation.accepted(found, kind).verdict != "wrong":
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

    def for_one_sample(self, at: int, left: Term, right: Term, kind: str) -> Verdict | None:
        """Right for the loss of one sample, in a document that comes to the mean over many with another loss."""
        understanding = self.understanding
        if not understanding.axes.batch:
            return None
        left, right = self._of_the_example(at, left, right)
        if not isinstance(left, Jacobian):
            return None
        definitions = understanding.definitions_at(at)
        letters = index_letters_of(left) | index_letters_of(right)
        top = self.situation.key(left.top)
        if top is None:  # log h(x)
            tops = [r.key for r in references_in(left.top)]
            if not tops or any(base_of(k) in LOSS_BASES or k not in definitions for k in tops):
                return None
        elif top not in definitions or (letters and base_of(top) in LOSS_BASES and not top.endswith(EACH)):
            return None
        losses = {k: t for k, t in definitions.items() if base_of(k) in LOSS_BASES}
        means = {k for k, t in losses.items() if any(isinstance(p, SizeOf) for p in everything_in(t))}
        world = understanding.world(at, Machine)
        if not means or top in means or any(world.depends(top or "", key) for key in means):
            return None
        with contextlib.suppress(Misfit, Unknown, Undefined):
            found = Comparer(self.with_one_sample, at).compare(left, right)
            if found.answer is Answer.EQUAL and self.situation.accepted(found, kind).verdict == "correct":
                return Verdict("correct", kind, "for one sample")
        return None

    def _of_the_example(self, at: int, left: Term, right: Term) -> tuple[Term, Term]:
        r"""`dW = dz a^T` in small letters, beside capitals for all samples: of the loss of one example, if that came last."""
        document, top = self.understanding.document, self.understanding.loss
        losses = [d.key for d in self.understanding.definitions if d.at <= at and base_of(d.key) in LOSS_BASES]
        names = {
            n.base.removeprefix("d") for s in document.statements[at].sides for n in walk(s.node) if isinstance(n, Name)
        }
        folds = {small: capital for capital, small in self.understanding.symbols.folds.items()}
        is_small = any(n in folds for n in names) and not any(n in folds.values() for n in names - WEIGHTLIKE)
        is_explicit = any(isinstance(n, Derivative) for s in document.statements[at].sides for n in walk(s.node))
        if not losses or losses[-1] == top or is_explicit or not is_small:
            return left, right
        return _of_loss(left, top, losses[-1]), _of_loss(right, top, losses[-1])

    @cached_property
    def with_one_sample(self) -> Understanding:
        """The same for a single sample."""
        return varied(self.inference, self.inference.shaped(single=True), Variant())

    def is_for_one_output(self, at: int, left: Term, right: Term) -> bool:
        """Whether a side is right as it stands for one output unit, where the loss adds up nothing as it is written."""
        written = self.inference.loss_as_written
        anew = self.with_one_output
        if (
            anew is None
            or written is None
            or any(isinstance(p, (SumOver, Transpose, SizeOf)) for p in everything_in(written))
        ):
            return False
        with contextlib.suppress(Misfit, Unknown, Undefined):
            found = Comparer(anew, at).compare(left, right)
            return found.answer is Answer.EQUAL and self.situation.accepted(found, "derivative").verdict == "correct"
        return False

    @cached_property
    def with_one_output(self) -> Understanding | None:
        """The same with one output, if nothing says that there are more."""
        understanding = self.understanding
        body = understanding.definitions_at(0).get(understanding.loss or "")
        outputs = {r.key for r in references_in(body)} if body is not None else set()
        targets = {k for k in outputs if base_of(k) in TARGET_BASES}
        targets |= (
            outputs - set(understanding.definitions_at(0)) - set(understanding.weights) - set(understanding.biases)
        )
        if not any(base_of(k) in TARGET_BASES for k in targets) and base_of(understanding.loss or "") not in LOSS_BASES:
            return None  # f(x) = x^T A x has no output units
        dims = {d for k in targets for d in understanding.shapes.get(k, ()) if d not in ("1", "#n")}
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
            for k, sizes in self.situation.stated
            for d, s in zip(understanding.shapes.get(k, ()), sizes, strict=False)
            if s != "1"
        }
        given = any(isinstance(n.term, Stack) for n in understanding.numbers)
        return bool(stated & dims) or given or bool(understanding.symbols.indices)

    def _with_function(self, at: int, left: Term, right: Term, kind: str) -> Verdict | None:
        """'For ReLU it would be ..' in a document about tanh: judged with the activation that its sentence names."""
        words = self.situation.words_before(self.understanding.document.statements[at].span[0])
        used = {d.term.function for d in self.understanding.definitions if isinstance(d.term, Apply)}
        for name, pattern in {**ACTIVATION_WORDS, "identity": IDENTITY}.items():
            if name in used or name == "softmax" or not re.search(pattern, words, re.IGNORECASE):
                continue
            for function in sorted(used):
                anew = self.understanding.with_definitions(self.unknowns.put_in(function, name))
                one, other = (_with_function(side, function, name) for side in (left, right))
                with contextlib.suppress(Misfit, Unknown, Undefined):
                    if Comparer(anew, at).compare(one, other).answer is Answer.EQUAL:
                        return Verdict("correct", kind, f"with {name} instead of {function}")
        return None

    def _with_value_supposed(self, at: int, left: Term, right: Term, kind: str) -> Verdict | None:
        """'For λ = 0 we get ..': true with the value that was said for it."""
        if is_number(right):
            return None
        document, defined = self.understanding.document, self.understanding.definitions_at(at)
        for condition in self._values_supposed(at):
            node, said = condition.sides[-1].node, document.text[slice(*condition.span)]
            key = self.inference.closed(condition.sides[0].node)
            is_value = condition.relations == ("=",) and isinstance(node, Number) and node.value in (0, 1)
            if key is None or not is_value or not isinstance(node, Number):
                continue
            is_by_it = isinstance(left, Jacobian) and left.bottom.key == key.key
            if is_by_it or key.key in defined:  # the value comes after the derivative, and an equation has it already
                return Verdict("uncheckable", kind, f"the derivative where {said} is not worked out")
            if self._is_right_with(at, {key.key: Const(node.value)}, left, right, kind):
                return Verdict("correct", kind, f"with {said}, as is said there")
        return None

    def _is_right_with(self, at: int, values: Mapping[str, Const], left: Term, right: Term, kind: str) -> bool:
        """Whether two sides are equal where some quantities have these values."""
        definitions = list(self.understanding.definitions)
        for key, value in values.items():
            definitions = [replace(d, term=replaced(d.term, Part(key, ()), value)) for d in definitions]
            left, right = (replaced(side, Part(key, ()), value) for side in (left, right))
        anew = self.understanding.with_definitions(definitions)
        with contextlib.suppress(Misfit, Unknown, Undefined):
            found = Comparer(anew, at).compare(left, right)
            return found.answer is Answer.EQUAL and self.situation.accepted(found, kind).verdict == "correct"
        return False

    def _with_values_given(self, at: int, left: Term, right: Term, kind: str) -> Verdict | None:
        r"""`= a \sigma'(z)` after `(a - y) \sigma'(z) x`, for the x = 1 and y = 0 that are given: the values are put in."""
        values = self._zeros_and_ones
        by = left.bottom.key if isinstance(left, Jacobian) else ""
        defined = self.understanding.definitions_at(at)
        values = {k: v for k, v in values.items() if k != by and k not in defined and base_of(k) not in HYPER_BASES}
        if not values or is_number(right):
            return None
        document = self.understanding.document
        statement = document.statements[at]
        start = statement.span[0]
        paragraph = document.text.rfind("\n\n", max(0, start - 10 * ASIDE), start)
        here = {
            n.key for n in self.understanding.numbers if paragraph < document.statements[n.at].span[0] and n.at < at
        }
        goes_on = statement.is_continued or len(statement.sides) > 2
        if self._is_right_with(at, {k: v for k, v in values.items() if goes_on or k in here}, left, right, kind):
            return Verdict("correct", kind, "with the values that are given")
        if self._is_right_with(at, {k: v for k, v in values.items() if v.value == 0}, left, right, kind):
            return Verdict("uncheckable", kind, "right only with the values that are given put in")
        return None

    @cached_property
    def _zeros_and_ones(self) -> dict[str, Const]:
        """The quantities that have the value 0 or 1, and no other one in the document."""
        given: dict[str, set[Term]] = {}
        for number in self.understanding.numbers:
            given.setdefault(number.key, set()).add(number.term)
        return {
            key: value for key, (value, *others) in given.items()
            if not others and isinstance(value, Const) and value.value in (0, 1)
        }  # fmt: skip

    def _values_supposed(self, at: int) -> Iterator[Statement]:
        """`For y = 1` before a statement, if it is not about another one in its own paragraph; `.. for y = 1` behind it."""
        statements, text = self.understanding.document.statements, self.understanding.document.text
        start, stop = statements[at].span
        after = statements[at + 1] if at + 1 < len(statements) else None
        if after is not None and re.fullmatch(
            rf"[ \t$,;)\\(]*\n?[ \t]*{SUPPOSED}[\s$\\(]*", text[stop : after.span[0]], re.IGNORECASE
        ):
            yield after
        for k, before in reversed(list(enumerate(statements[:at]))):
            if start - before.span[1] > ASIDE:
                return
            between = text[before.span[1] : statements[k + 1].span[0]]
            is_here = "\n\n" not in text[before.span[1] : start] or "\n\n" in between
            if is_here and re.search(rf"{SUPPOSED}(?: \w+){{0,3}}$", before.lead.strip(), re.IGNORECASE):
                yield before

    def _with_letter(self, at: int, left: Term, right: Term, kind: str) -> Verdict | None:
        """The g' of a g that no formula has: right where it is one of the activations that there are."""
        used = {
            p.function for d in self.understanding.definitions for p in everything_in(d.term) if isinstance(p, Apply)
        }
        open_names = {p.function for p in everything_in(right) if isinstance(p, Apply)} - used - set(FUNCTIONS)
        for letter in sorted(open_names):
            for name in sorted(used & set(FUNCTIONS)):
                meant = _with_function(right, letter, name)
                with contextlib.suppress(Misfit, Unknown, Undefined):
                    found = self.situation.compare(at, left, meant)
                    if found.answer is Answer.EQUAL and self.situation.accepted(found, kind).verdict == "correct":
                        return Verdict("correct", kind, f"{letter} is {name} here: nothing else says what it is")
        return None

    def with_layers(self, at: int, left: Term, right: Term, kind: str) -> Verdict | None:
        """A name without its layer, where only names with layers exist: the layer with which the line is true."""
        shapes = self.understanding.shapes
        bare = {
            r.key
            for t in (left, right)
            for r in references_in(t)
            if r.key not in shapes or r.key not in self.situation.grounded
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
            answers.append(self.situation.compare(at, renamed(left, choice), renamed(right, choice)).answer)
            if answers[-1] is Answer.EQUAL:
                named = ", ".join(f"{shown_name(a)} read as {shown_name(b)}" for a, b in choice.items())
                output = output_of(self.inference)
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
            sides = (
                renamed(left, choices[-1]),
                renamed(right, choices[-1]),
            )  # the last layer, as far as nothing else is said
            return Verdict("wrong", kind, "false, whichever layer is meant", mistakes=("unrecognised",), sides=sides)
        return None


def _with_function(term: Term, letter: str, name: str) -> Term:
    """A term with a function by its name."""
    body = mapped(term, lambda part: _with_function(part, letter, name))
    return replace(body, function=name) if isinstance(body, Apply) and body.function == letter else body


def _of_loss(term: Term, loss: str | None, other: str) -> Term:
    """A term with derivatives of another loss, and without the n of a mean that is taken later."""
    match term:
        case Sloppy((SizeOf("#n"), Jacobian(Part(key, ())) as gradient), ("",)) if key == loss:
            return _of_loss(gradient, loss, other)
        case Jacobian(Part(key, ()), bottom) if key == loss:
            return Jacobian(Part(other, ()), bottom)
    return mapped(term, lambda part: _of_loss(part, loss, other))
