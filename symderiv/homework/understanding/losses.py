"""Losses as people write them: a body entry by entry, its indices and sums stripped, added up over everything."""

from __future__ import annotations

from collections.abc import Mapping

from symderiv.homework.understanding.shapes import DATA_BASES, WEIGHT_BASES, base_of
from symderiv.homework.understanding.symbols import HYPER_BASES
from symderiv.homework.understanding.terms import (
    Add,
    Apply,
    Compare,
    Const,
    Over,
    Part,
    Power,
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
)  # fmt: skip


def added_up(term: Term, formulas: frozenset[str] = frozenset()) -> Term:
    """The loss with every array term summed over all its entries; what is a number already stays.

    formulas: what is worked out by a formula: an `alpha` of these is a quantity of the network, no rate.
    """
    match term:
        case Add(terms) if all(isinstance(t, Part) and not t.indices for _, t in terms):
            return term  # `J = J_1 + J_2`, `f = u + b`: numbers
        case Add(terms):
            return Add(tuple((sign, added_up(t, formulas)) for sign, t in terms))
        case Over(SumOver("all", body), SizeOf() as size) if has_logs(body):
            return Over(SumOver("all", entrywise(body)), _mean_of(body, size))  # mean(t * log(p)) outside of a program
        case SumOver("all", _):
            return term
        case SumOver(_, body):
            return added_up(body, formulas)
        case Sloppy(factors, ("#",)):
            return added_up(factors[0], formulas)
        case Over(left, right) if not has_arrays(right, formulas):
            return Over(added_up(left, formulas), right)
        case Sloppy(factors, marks) if "#" not in marks:
            return _product(factors, marks, formulas)
    if not has_arrays(term, formulas):
        return term
    return SumOver("all", entrywise(term))


def _mean_of(body: Term, size: SizeOf) -> SizeOf:
    """What a mean counts: of `mean(sum(t * log(p), axis=1))` the rows alone."""
    summed = {p.along for p in everything_in(body) if isinstance(p, SumOver)} & {"rows", "columns"}
    if size.dim != "mean:all" or len(summed) != 1:
        return size
    return SizeOf("mean:rows" if summed == {"columns"} else "mean:columns")


def has_logs(term: Term) -> bool:
    """Whether a logarithm is taken somewhere, as in a log loss."""
    return any(isinstance(p, Apply) and p.function == "log" for p in everything_in(term))


def _product(factors: tuple[Term, ...], marks: tuple[str, ...], formulas: frozenset[str]) -> Term:
    before_sum = any(isinstance(f, SumOver) and f.along.startswith("letter:") for f in factors)
    arrays = [f for f in factors if has_arrays(f, formulas) and not (before_sum and _is_scale(f, formulas))]
    numbers = [f for f in factors if f not in arrays and not is_written_sum(f)]
    if not arrays:
        return Sloppy(factors, marks)
    if len(arrays) == 1:
        body = added_up(arrays[0], formulas)
    elif any(is_matrix_product(f) for f in arrays) or any(isinstance(f, SumOver) for f in arrays):
        if any(isinstance(f, SumOver) for f in arrays) and not isinstance(arrays[0], SumOver):
            inner = tuple(f.body if isinstance(f, SumOver) else f for f in arrays)
            body = SumOver("all", entrywise(Sloppy(inner, ("odot",) * (len(inner) - 1))))
        else:
            body = Sloppy(tuple(arrays), ("",) * (len(arrays) - 1))
    else:
        body = SumOver("all", entrywise(Sloppy(tuple(arrays), ("odot",) * (len(arrays) - 1))))
    return Sloppy((*numbers, body), ("",) * len(numbers)) if numbers else body


def _is_scale(term: Term, formulas: frozenset[str]) -> bool:
    r"""The `\frac{1}{2v}` of `\frac{1}{2v} \sum_i (y_i - x_i^T \beta)^2`: no index, and nothing works it out."""
    if not isinstance(term, Over) or not isinstance(term.left, Const):
        return False
    return all(isinstance(p, Part) and not p.indices and p.key not in formulas for p in references_in(term.right))


def is_written_sum(term: Term) -> bool:
    r"""The `\mathbf 1^T` of `\mathbf 1^T [y \odot \log a]`: what it adds up is summed anyway."""
    return is_ones(term.body if isinstance(term, Transpose) else term)


def layerless(key: str) -> str:
    """A key without its index letters."""
    return key.split("{")[0]


def has_arrays(term: Term, formulas: frozenset[str] = frozenset()) -> bool:
    """Whether a term mentions a quantity that may be more than a number."""
    if isinstance(term, SizeOf):
        return False
    if isinstance(term, Part):
        is_rate = base_of(term.key) in HYPER_BASES and term.key not in formulas
        return not is_rate or "[" in term.key  # beta[2]: an activation, no rate
    if isinstance(term, Stack):
        return True
    return any(has_arrays(p, formulas) for p in parts_of(term))


def is_matrix_product(term: Term) -> bool:
    """`y^T log a` and the like: written as a matrix product."""
    if isinstance(term, Transpose):
        return True
    return isinstance(term, Sloppy) and ("@" in term.marks or any(is_matrix_product(f) for f in term.factors))


def _is_layer(factors: tuple[Term, ...]) -> bool:
    """`X w` in a loss, with the data or a weight as a capital: what a layer does, entry by entry only after that."""
    if len(factors) != 2 or not all(isinstance(f, Part) and not f.indices for f in factors):
        return False
    bases = {base_of(f.key) for f in factors if isinstance(f, Part)}
    return len(bases) == 2 and bool(bases & WEIGHT_BASES - DATA_BASES) and any(b.isupper() for b in bases)


def entrywise(term: Term, inside: bool = False) -> Term:
    r"""The term entry by entry: indices gone, products marked.

    inside: it is the argument of a function, where a written sum is one number: `\log \sum_j e^{z_j}`.
    """

    def within(part: Term) -> Term:
        return entrywise(part, True)

    match term:
        case Part(key, indices):
            return Part(key, tuple(i for i in indices if not isinstance(i, str)))
        case Add(terms):
            return Add(tuple((sign, entrywise(t, inside)) for sign, t in terms))
        case SumOver("all", _):
            return term
        case SumOver(along, body) if inside and along.startswith("letter:"):
            return SumOver(along, _with_letters(body, {along.removeprefix("letter:")}))
        case SumOver(_, body):
            return entrywise(body, inside)
        case Sloppy(factors, ("#",)):
            return entrywise(factors[0], inside)
        case Sloppy(factors, marks):
            if any(is_matrix_product(f) for f in factors) or _is_layer(factors):
                return term
            return Sloppy(tuple(entrywise(t, inside) for t in factors), ("odot",) * len(marks))
        case Apply(function, order, body):
            return Apply(function, order, within(body))
        case Power(base, exponent):
            return Power(within(base), exponent)
        case Over(left, right):
            return Over(entrywise(left, inside), within(right))
        case Times(left, right):
            return Times(entrywise(left, inside), entrywise(right, inside))
        case Compare(left, sign, right):
            return Compare(within(left), sign, within(right))
    return term


def _with_letters(term: Term, letters: set[str]) -> Term:
    """What a sum runs over: of its indices those that are summed here."""
    match term:
        case Part(key, indices):
            return Part(key, tuple(i for i in indices if not isinstance(i, str) or i in letters))
        case SumOver(along, body) if along.startswith("letter:"):
            return SumOver(along, _with_letters(body, letters | {along.removeprefix("letter:")}))
    return mapped(term, lambda part: _with_letters(part, letters))


def with_softmax(term: Term, exponentials: Mapping[str, Term]) -> Term:
    """`e^{z_i} / sum_j e^{z_j}`, also with the sum written out: the softmax of z. exponentials: `E = e^z` by name."""
    match term:
        case Over(Apply("exp", 0, Part(key, indices)), below) if _is_total(below, key):
            return Softmax(Part(key, indices), "units")
        case Over(Part(key, _), SumOver(along, Part(other, _))) if along != "all" and layerless(key) == layerless(
            other
        ):
            match exponentials.get(key):
                case Apply("exp", 0, Part(_, _) as body):
                    return Softmax(body, "units")
        case Over(left, right):
            return Over(with_softmax(left, exponentials), with_softmax(right, exponentials))
    return term


def _is_total(term: Term, key: str) -> bool:
    match term:
        case SumOver(_, Apply("exp", 0, Part(other, _))):
            return base_of(other) == base_of(key) and layerless(other) == layerless(key)
        case Add(terms):
            return len(terms) > 1 and all(
                sign > 0
                and isinstance(t, Apply)
                and t.function == "exp"
                and isinstance(t.body, Part)
                and t.body.key == key
                for sign, t in terms
            )
    return False
