r"""A loss that holds its output without a name: `\frac1n \sum_i (w x_i + b - y_i)^2`, `\|X w + b - y\|^2`.

The output gets one, as if a line before had defined it, so that shapes and samples are found as they are elsewhere.
"""

from __future__ import annotations

from symderiv.homework.understanding.elaboration import without_indices
from symderiv.homework.understanding.shapes import WEIGHT_BASES, base_of
from symderiv.homework.understanding.symbols import HYPER_BASES
from symderiv.homework.understanding.terms import (
    Add,
    Part,
    Sloppy,
    SumOver,
    Term,
    Transpose,
    everything_in,
    mapped,
    references_in,
)

OUTPUT = "<output>"
BIASES = frozenset({"b", "c"})
INPUTS = frozenset({"x", "X", "phi"})
SLOPES = WEIGHT_BASES | {"beta", "m", "a"}
PRODUCT = ("", "cdot", "*")


def output_in(term: Term, product: Term) -> Term:
    """The X w + b of `X w + b - y`, where X w is the product; the product where no bias stands beside it."""
    sums = (p for p in everything_in(term) if isinstance(p, Add))
    return next((output for s in sums if (output := _with_bias(s, product)) is not None), product)


def _with_bias(term: Add, product: Term) -> Term | None:
    sign = next((s for s, t in term.terms if t == product), None)
    alike = {base_of(r.key) for r in references_in(product)} & SLOPES  # theta_0 beside theta_1 x
    biases = [
        t
        for s, t in term.terms
        if s == sign and isinstance(t, Part) and not t.indices and base_of(t.key) in BIASES | alike
    ]
    return Add(((1, product), *((1, b) for b in biases))) if biases else None


def with_output_named(term: Term, output: Term, name: Part) -> Term:
    """A term with its output by name, whichever its sign and place in a sum."""
    if term == output:
        return name
    parts = {t for _, t in output.terms} if isinstance(output, Add) else set()
    if isinstance(term, Add) and parts and parts <= {t for _, t in term.terms}:
        sign = next(s for s, t in term.terms if t in parts)
        rest = tuple((s, t) for s, t in term.terms if t not in parts)
        return Add(((sign, name), *rest)) if rest or sign < 0 else name
    return mapped(term, lambda t: with_output_named(t, output, name))


def output_of_each(loss: Term) -> tuple[Term, Term, tuple[str, ...]] | None:
    r"""The loss with its output named, and what it is of any sample: `w x + b` of `\sum_i (w x_i + b - y_i)^2`; None without one.

    Last, the letters that the output keeps: none, or that of the samples where its entries are added up, `\sum_j w_j x_{ij}`.
    """
    for total in everything_in(loss):
        if not isinstance(total, SumOver) or not total.along.startswith("letter:"):
            continue
        letter = total.along.removeprefix("letter:")
        body = _with_products(total.body, letter)
        products = {p for p in everything_in(body) if _weighs(p, letter) or _weighs_entries(p, letter)}
        if len(products) == 1:
            product = products.pop()
            output = output_in(body, product)
            named = with_output_named(_with_products(loss, letter), output, Part(OUTPUT, (letter,)))
            if isinstance(product, SumOver):
                return named, output, (letter,)
            return named, without_indices(output, frozenset({letter})), ()
    return None


def _with_products(term: Term, letter: str) -> Term:
    """The term with each product of a weight and the input of one sample by itself: `w^T x_i` in `y_i w^T x_i`.

    Where the data set has its samples as rows, x_i was read as a row that is turned; here it is the row.
    """
    term = mapped(term, lambda t: _with_products(t, letter))
    if not isinstance(term, Sloppy) or any(mark not in PRODUCT for mark in term.marks):
        return term
    factors, marks = list(term.factors), list(term.marks)
    for k in range(len(marks)):
        pair = _as_row(factors[k], factors[k + 1], letter) or Sloppy((factors[k], factors[k + 1]), (marks[k],))
        if _weighs(pair, letter):
            if len(factors) == 2:
                return pair
            kept = [*factors[:k], pair, *factors[k + 2 :]]
            return Sloppy(tuple(kept), (*marks[:k], *marks[k + 1 :]))
    return term


def _as_row(left: Term, right: Term, letter: str) -> Term | None:
    """`x_i^T w` and `w^T x_i` where x_i is row i of the data, turned."""
    match left, right:
        case Transpose(Transpose(Part(key, (index, None)))), _ if index == letter:
            return Sloppy((Part(key, (letter,)), right), ("",))
        case Transpose(weight), Transpose(Part(key, (index, None))) if index == letter:
            return Sloppy((Part(key, (letter,)), weight), ("",))
    return None


def _weighs(term: Term, letter: str) -> bool:
    """`w x_i`, `w^T x_i`, `x_i^T w`: a weight of all samples with the input of one."""
    if not isinstance(term, Sloppy) or len(term.factors) != 2 or term.marks[0] not in PRODUCT:
        return False
    bare = [t.body if isinstance(t, Transpose) else t for t in term.factors]
    inputs = [t for t in bare if isinstance(t, Part) and t.indices == (letter,) and base_of(t.key) in INPUTS]
    weights = [t for t in bare if isinstance(t, Part) and not t.indices and base_of(t.key) in SLOPES]
    is_rate = any(t.key in HYPER_BASES and t.key != "beta" for t in weights)
    return len(weights) == len(inputs) == 1 and not is_rate


def _weighs_entries(term: Term, letter: str) -> bool:
    r"""`\sum_j w_j x_{ij}`: the same, entry by entry."""
    match term:
        case SumOver(along, Sloppy((Part() as one, Part() as other), ("" | "cdot" | "*",))) if along.startswith(
            "letter:"
        ):
            entry = along.removeprefix("letter:")
            weight, data = (one, other) if one.indices == (entry,) else (other, one)
            is_weight = weight.indices == (entry,) and base_of(weight.key) in SLOPES
            return (
                is_weight and sorted(map(str, data.indices)) == sorted((entry, letter)) and base_of(data.key) in INPUTS
            )
    return False
