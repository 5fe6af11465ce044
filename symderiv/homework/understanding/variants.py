"""What a document leaves open of its loss, as candidates that all of its lines together decide between."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

from symderiv.homework.reading import formulas as f
from symderiv.homework.reading.plainly import to_text
from symderiv.homework.reading.statements import Statement
from symderiv.homework.understanding.derivative_names import DELTAS, DERIVED, is_derived
from symderiv.homework.understanding.inference import Inference
from symderiv.homework.understanding.losses import has_logs
from symderiv.homework.understanding.objective import body_of
from symderiv.homework.understanding.samples import divides_by_samples
from symderiv.homework.understanding.shapes import base_of
from symderiv.homework.understanding.symbols import EACH, LOSS_BASES
from symderiv.homework.understanding.terms import (
    Add,
    Const,
    Over,
    Part,
    SizeOf,
    Sloppy,
    SumOver,
    Term,
    everything_in,
    is_ones,
    references_in,
)
from symderiv.homework.understanding.understanding import LOSS_WORDS, Definition, Understanding


@dataclass(frozen=True, slots=True)
class Variant:
    """A candidate for what is not written: the factor of a loss in words, another loss from a place on, 1/n taken later."""

    factor: Fraction = Fraction(1)
    mean: bool = False
    switch: tuple[str, int] | None = None
    later: bool = False
    single: bool = False  # the loss is that of one sample, though the text speaks of many
    renamed: str | None = None  # another letter of a loss, of which nothing says what it is
    one_sided: bool = False  # a cross-entropy of the target alone, without that of what it is not

    @property
    def cost(self) -> float:
        """What assuming it costs."""
        assumed = (self.switch, self.later, self.single, self.one_sided, self.renamed)
        return 0.5 * sum(bool(each) for each in assumed)


def variants_of(inference: Inference) -> list[Variant]:
    """What the document leaves open, as candidates that the whole of it decides."""
    out = [Variant()]
    if inference.word_body is not None:
        factors = [Fraction(1, 2)] if inference.word_loss == "mse" else []
        out += [Variant(factor=c) for c in factors]
        out += [Variant(factor=c, mean=True) for c in (*factors, Fraction(1))]
        if inference.word_one_sided is not None:
            out += [replace(v, one_sided=True) for v in out]
    switch = _other_loss(inference)
    if switch is not None:
        out += [Variant(switch=switch)]
    if inference.batch and _is_loss_of_one(inference):
        out += [Variant(single=True)]
    if (letter := _other_letter(inference)) is not None:
        out += [Variant(renamed=letter)]
    if _has_mean(inference) and not _takes_mean_early(inference):
        out += [replace(v, later=True) for v in list(out) if v.mean or inference.word_body is None]
    return out


def varied(inference: Inference, understanding: Understanding, variant: Variant) -> Understanding:
    """The understanding under a candidate."""
    if variant.single:
        understanding = inference.shaped(single=True)
        if len(inference.elaborator.of_one) == 1:  # deltas are derivatives of the loss of one, not of the mean
            understanding = replace(understanding, loss=min(inference.elaborator.of_one))
    changed = replace(understanding, definitions=list(understanding.definitions), assumptions=list(understanding.assumptions),
                      stated={}, stated_sizes={}, later=variant.later)  # fmt: skip
    if inference.word_body is not None and (
        variant.factor != 1 or variant.mean or variant.one_sided or inference.word_other is not None
    ):
        body, other = inference.word_body, inference.word_other
        if variant.one_sided and inference.word_one_sided is not None:
            body, other = (body, inference.word_one_sided) if other is not None else (inference.word_one_sided, None)
        numbers: list[Term] = [Const(variant.factor)] if variant.factor != 1 else []
        scaled: Term = Sloppy((*numbers, body), ("",)) if numbers else body
        if other is not None:
            scaled = Add(((1, scaled), (1, other)))
        if variant.mean:
            scaled = Over(scaled, SizeOf("#n"))
        changed.definitions = [replace(d, term=scaled) if d.key == inference.loss else d for d in changed.definitions]
    written = next((d for d in changed.definitions if d.key == inference.loss), None)
    if variant.renamed is not None and written is not None:
        changed.definitions.append(replace(written, key=variant.renamed, term=Part(written.key, ()), indices=()))
    if variant.switch is not None and inference.loss is not None:
        kind, offset = variant.switch
        switched = body_of(inference, kind)
        at = next((k for k, s in enumerate(inference.document.statements) if s.span[0] >= offset), None)
        if switched is not None and at is not None:
            changed.definitions.append(Definition(inference.loss, switched, at, inference.document.statements[at].line))
    return changed


def _other_letter(inference: Inference) -> str | None:
    """The E of derivatives of E where only L has a formula."""
    written = {d.key for d in inference.definitions}
    known = written | {r.key for d in inference.definitions for r in references_in(d.term)}
    others = [
        key for key in inference.tops if base_of(key) in LOSS_BASES and key not in known and not key.endswith(EACH)
    ]
    return others[0] if inference.loss in written and len(others) == 1 else None


def _is_loss_of_one(inference: Inference) -> bool:
    """Whether a loss is written for one sample, and nothing says that samples are rows or columns."""
    if not inference.elaborator.of_one and not _is_without_samples(inference):
        return False
    if any(is_ones(p) for d in inference.definitions for p in everything_in(d.term)):
        return False  # b 1^T: the bias of each sample
    return not re.search(
        r"(?:one|each|a)\s+(?:\w+\s+)?(?:row|column)|(?:row|column)s?\s+(?:are|is|of)\s|(?:are|as)\s+(?:the\s+)?(?:row|column)s",
        inference.words,
        re.IGNORECASE,
    )


def _is_without_samples(inference: Inference) -> bool:
    """Whether the written loss has neither a mean nor a sum over samples."""
    written = [d for d in inference.definitions if d.key == inference.loss]
    if not written or inference.word_body is not None or inference.loss_as_written is None or inference.generic:
        return False
    if any(isinstance(p, SizeOf) or (isinstance(p, SumOver) and p.along.removeprefix("letter:") in inference.sample_letters)
           for p in everything_in(inference.loss_as_written)):  # fmt: skip
        return False
    letters = {
        p.along
        for p in everything_in(inference.loss_as_written)
        if isinstance(p, SumOver) and p.along.startswith("letter:")
    }
    return len(letters) <= 1 and not letters & {"letter:n", "letter:m", "letter:t", "letter:N"}


def _has_mean(inference: Inference) -> bool:
    """Whether a 1/n stands somewhere in the document but in the loss: there it may be taken later."""
    for statement in inference.document.statements:
        reference = inference.closed(statement.sides[0].node)
        is_loss = reference is not None and inference.symbols.canonical(reference.key) == inference.loss
        for side in statement.sides if not is_loss else ():
            if any(divides_by_samples(node, inference.symbols.sizes) for node in f.walk(side.node)):
                return True
    return False


def takes_mean_in_all(inference: Inference) -> bool:
    """Whether every gradient of a parameter, of two or more, takes 1/n."""
    parameters = [has_mean for is_between, has_mean in _gradient_lines(inference) if not is_between]
    return len(parameters) > 1 and all(parameters)


def _takes_mean_early(inference: Inference) -> bool:
    r"""`dz = \frac1n (a - y)`, `db = \frac1n \sum dz`: what is taken in both cannot be taken later."""
    return len({is_between for is_between, has_mean in _gradient_lines(inference) if has_mean}) > 1


def lines_repeated_with_mean(inference: Inference) -> set[int]:
    r"""The line of `dz = (a - y)` beside `dW = \frac1m x (a - y)^T`: it is said again with 1/m, so dz is meant without."""
    lines = [(is_between, has_mean, to_text(s.sides[-1].node), s.line) for is_between, has_mean, s in _lines(inference)]
    wholes = [text for is_between, has_mean, text, _ in lines if not is_between and has_mean]
    local = {s.line for s in inference.document.statements if _is_local(inference, s.sides[0].node)}
    between = [(text, n) for is_between, has_mean, text, n in lines if is_between and not has_mean and n not in local]
    return {line for text, line in between if any(text in whole for whole in wholes)}


def lines_with_late_mean(inference: Inference) -> set[int]:
    r"""The line of `db = \frac1m \sum_i dz`, where derivatives by something between are written out, and none with 1/m."""
    lines = list(_lines(inference))
    between = [
        has_mean for is_between, has_mean, s in lines if is_between and not _is_local(inference, s.sides[0].node)
    ]
    if not between or any(between):
        return set()
    return {s.line for is_between, has_mean, s in lines if has_mean and not _is_local(inference, s.sides[0].node)}


def _is_local(inference: Inference, left: f.Node) -> bool:
    """Whether it is the derivative of something else than the loss, `da/dz`."""
    if not isinstance(left, f.Derivative):
        return False
    top = inference.closed(left.top) if left.top is not None else None
    return top is None or top.key != inference.loss


def _gradient_lines(inference: Inference) -> Iterator[tuple[bool, bool]]:
    """For each line of a derivative: whether it is by something between parameter and loss, and whether 1/n is in it."""
    return ((is_between, has_mean) for is_between, has_mean, _ in _lines(inference))


def _lines(inference: Inference) -> Iterator[tuple[bool, bool, Statement]]:
    keys = {d.key for d in inference.definitions}
    between = {base_of(key) for key in keys}
    for statement in inference.document.statements:
        left = statement.sides[0].node
        reference = inference.closed(left.bottom if isinstance(left, f.Derivative) else left)
        is_delta = reference is not None and reference.base in DELTAS
        if reference is None or (reference.base in DERIVED and not is_delta) or len(statement.sides) < 2:
            continue
        if not isinstance(left, f.Derivative) and not is_derived(inference, reference) and not is_delta:
            continue
        base = base_of(reference.key).replace("^bar", "")
        if base.removeprefix("d") == base_of(inference.loss or ""):
            continue  # dL = .. of differentials
        has_mean = any(
            divides_by_samples(node, inference.symbols.sizes)
            for side in statement.sides[1:]
            for node in f.walk(side.node)
        )
        accented = (
            isinstance(left, f.Derivative)
            and base in between
            and reference.key not in keys
            and "[" not in reference.key
        )
        yield (
            is_delta or ((base in between or base.removeprefix("d") in between) and not accented),
            has_mean,
            statement,
        )  # X beside a formula of X^hat


def _other_loss(inference: Inference) -> tuple[str, int] | None:
    """Another loss that the words name after the written one: (kind, from which offset)."""
    written = [d for d in inference.definitions if d.key == inference.loss]
    if not written or inference.word_body is not None:
        return None
    place = inference.document.statements[written[0].at].span[1]
    logs = has_logs(written[0].term)
    for sentence in inference.document.sentences:
        if sentence.span[0] <= place:
            continue
        for kind, pattern in LOSS_WORDS:
            if (kind == "mse") == logs and (found := re.search(pattern, sentence.text, re.IGNORECASE)):
                return kind, sentence.span[0] + found.start()
    return None
