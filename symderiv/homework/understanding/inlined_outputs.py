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


def output_of_each(loss: Term) -> tuple[Term, Term] | None:
    r"""The loss with its output named, and what it is of any sample: `w x + b` of `\sum_i (w x_i + b - y_i)^2`; None without one."""
    for total in everything_in(loss):
        if not isinstance(total, SumOver) or not total.along.startswith("letter:"):
            continue
        letter = total.along.removeprefix("letter:")
        products = {p for p in everything_in(total.body) if _weighs(p, letter)}
        if len(products) == 1:
            output = output_in(total.body, products.pop())
            named = with_output_named(loss, output, Part(OUTPUT, (letter,)))
            return named, without_indices(output, frozenset({letter}))
    return None


def _weighs(term: Term, letter: str) -> bool:
    """`w x_i`, `w^T x_i`, `x_i^T w`: a weight of all samples with the input of one."""
    if not isinstance(term, Sloppy) or len(term.factors) != 2 or term.marks[0] not in ("", "cdot", "*"):
        return False
    bare = [t.body if isinstance(t, Transpose) else t for t in term.factors]
    weights = [
        t
        for t in bare
        if isinstance(t, Part) and not t.indices and base_of(t.key) in SLOPES and t.key not in HYPER_BASES
    ]
    inputs = [t for t in bare if isinstance(t, Part) and t.indices == (letter,) and base_of(t.key) in INPUTS]
    return len(weights) == len(inputs) == 1
