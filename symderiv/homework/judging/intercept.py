r"""`\theta_0` with `x_0 = 1`, beside `\theta^T x` and a penalty that begins at 1: a bias that is the first of the weights.

Lines that speak of the entry 0 are judged with a parameter of its own that is added to the product; all others need not know.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from symderiv.homework.judging.comparing import Answer, Comparer
from symderiv.homework.judging.verdicts import Verdict
from symderiv.homework.understanding.arithmetic import Undefined
from symderiv.homework.understanding.shapes import SCALAR_DIM, base_of
from symderiv.homework.understanding.symbols import HYPER_BASES, LOSS_BASES
from symderiv.homework.understanding.terms import (
    ONE,
    Add,
    Jacobian,
    Part,
    Sloppy,
    SumOver,
    Term,
    everything_in,
    mapped,
    references_in,
)
from symderiv.homework.understanding.understanding import Understanding
from symderiv.homework.understanding.worlds import Misfit, Unknown

OWN = "#0"  # behind the key of the weights: their entry 0
TROUBLE = (Misfit, Unknown, Undefined)


def judge_intercept(understanding: Understanding, at: int, left: Term, right: Term) -> Verdict | None:
    r"""The verdict for a derivative by `\theta_0`, or a step of it; None for any other line."""
    if right == ONE and isinstance(left, Part) and _is_absorbed(understanding, left):
        return Verdict("correct", "definition", "the feature of the bias")
    place = left.bottom if isinstance(left, Jacobian) else left
    if not isinstance(place, Part):  # the step of it
        steps = [p.bottom for p in everything_in(left) if isinstance(p, Jacobian)]
        place = steps[0] if len(steps) == 1 else place
    if not isinstance(place, Part) or place.indices != (0,) or place.key in understanding.definitions_at(at):
        return None
    met = {x.key for p in _products(understanding, place.key) for x in references_in(p)} - {place.key}
    if not met or place.key in understanding.axes.zero_rows | understanding.axes.zero_columns:
        return None
    anew = _with_own(understanding, place.key)
    left, right = (_of_own(term, place.key, met) for term in (left, right))
    try:
        if isinstance(left, Jacobian):
            return _told(Comparer(anew, at).compare(left, right).answer, "derivative")
        if not isinstance(left, Part):
            return _told(Comparer(anew, at).compare(left, right).answer, "update")
        return _step(anew, at, Part(place.key + OWN, ()), right)
    except TROUBLE as error:
        return Verdict("uncheckable", "derivative", str(error))


def _is_absorbed(understanding: Understanding, left: Part) -> bool:
    r"""`x_{i0} = 1`, `z_{0i} = 1`: the entry 0, for every sample, of what weights weigh without a bias beside them."""
    letters = {i for i in left.indices if isinstance(i, str)}
    if not letters & understanding.axes.sample_letters or [i for i in left.indices if i not in letters] != [0]:
        return False
    defined = {d.key for d in understanding.definitions}
    met = {x.key for p in _products(understanding, left.key) for x in references_in(p)} - {left.key}
    beside = {base_of(r.key) for d in understanding.definitions for r in references_in(d.term)} & {"b", "bias"}
    return bool(met - defined) and not beside


def _products(understanding: Understanding, key: str) -> Iterator[Sloppy]:
    """The products of the weights with what they weigh."""
    for definition in understanding.definitions:
        if base_of(definition.key) in LOSS_BASES:
            continue
        for part in everything_in(definition.term):
            if isinstance(part, Sloppy) and len(part.factors) == 2 and key in {r.key for r in references_in(part)}:
                yield part


def _with_own(understanding: Understanding, key: str) -> Understanding:
    """The entry 0 as a parameter that is added to every product of the others."""
    own = Part(key + OWN, ())
    products = set(_products(understanding, key))

    def added(term: Term) -> Term:
        is_product = term in products or (isinstance(term, SumOver) and term.body in products)
        return Add(((1, term), (1, own))) if is_product else mapped(term, added)

    definitions = [replace(d, term=added(d.term)) for d in understanding.definitions]
    shapes = {**understanding.shapes, own.key: (SCALAR_DIM, SCALAR_DIM)}
    return replace(understanding, definitions=definitions, shapes=shapes)


def _of_own(term: Term, key: str, met: set[str]) -> Term:
    r"""`\theta_0` as the own parameter, `x_0` as the 1 that it weighs."""
    if isinstance(term, Part) and term.key == key and term.indices == (0,):
        return Part(key + OWN, ())
    if isinstance(term, Part) and ((term.key in met and 0 in term.indices) or term.key in {f"{x}[0]" for x in met}):
        return ONE
    if isinstance(term, Jacobian):
        bottom = _of_own(term.bottom, key, met)
        return Jacobian(_of_own(term.top, key, met), bottom) if isinstance(bottom, Part) else term
    return mapped(term, lambda t: _of_own(t, key, met))


def _step(understanding: Understanding, at: int, own: Part, right: Term) -> Verdict | None:
    rates = [r for r in references_in(right) if base_of(r.key) in HYPER_BASES and r.key != "lambda"]
    if understanding.loss is None or not rates or own not in everything_in(right):
        return None
    gradient = Jacobian(Part(understanding.loss, ()), own)
    down = Add(((1, own), (-1, Sloppy((Part(rates[0].key, ()), gradient), ("",)))))
    return _told(Comparer(understanding, at).compare(down, right).answer, "update")


def _told(answer: Answer, kind: str) -> Verdict:
    match answer:
        case Answer.EQUAL:
            return Verdict("correct", kind, "the entry 0 is the bias: what it weighs is 1")
        case Answer.DIFFERENT:
            return Verdict("wrong", kind, "this is not the derivative by the bias", mistakes=("unrecognised",))
    return Verdict("uncheckable", kind, "the entry 0 could not be told apart")
