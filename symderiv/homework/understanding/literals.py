"""Numbers as printed: their value, half a unit of their last digit, and whether an exact value agrees with them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction

import numpy as np

from symderiv.homework.reading import formulas as f
from symderiv.homework.understanding.arithmetic import Array
from symderiv.homework.understanding.readings import rebuilt
from symderiv.homework.understanding.terms import (
    Add,
    Const,
    Jacobian,
    Part,
    Power,
    SizeOf,
    Sloppy,
    Stack,
    SumOver,
    Term,
    parts_of,
)
from symderiv.homework.understanding.worlds import Misfit

EXACT = 1e-9  # half a unit of what is printed without a digit missing
MOVED = 16  # so many numbers of a side are moved to see how far its value can go


def literal(node: f.Node) -> tuple[Array, Array] | None:
    """(values, half units) of a number, a signed number, or a matrix or list of them."""
    node = bare(node)
    single = _signed(node)
    if single is not None:
        return np.array([[single[0]]]), np.array([[single[1]]])
    if isinstance(node, f.Transposed):
        inner = literal(node.body)
        if inner is None or is_list(node.body):
            return inner  # [1, 2]^T: a list lies in the line, so this is a column
        return inner[0].T, inner[1].T
    if isinstance(node, f.Matrix):
        grid = [[_signed(bare(e)) for e in row] for row in node.rows]
    elif isinstance(node, f.Group) and len(node.items) > 1 and node.bracket in "([{":
        grid = [[_signed(bare(e))] for e in node.items]
    else:
        return None
    if not grid or any(e is None for row in grid for e in row) or len({len(r) for r in grid}) != 1:
        return None
    values = np.array([[e[0] for e in row if e] for row in grid])
    return values, np.array([[e[1] for e in row if e] for row in grid])


def is_list(node: f.Node) -> bool:
    """`(1, 2)`: a vector whose direction is not written."""
    node = bare(node)
    return isinstance(node, f.Group) and len(node.items) > 1


def _signed(node: f.Node) -> tuple[float, float] | None:
    if isinstance(node, f.Sum) and len(node.terms) == 1 and node.terms[0][0]:
        inner = _signed(bare(node.terms[0][1]))
        return None if inner is None else (inner[0] * node.terms[0][0], inner[1])
    if isinstance(node, f.Number):
        return float(node.value), half_unit(node)
    if isinstance(node, f.Fraction):
        above, below = _signed(bare(node.above)), _signed(bare(node.below))
        if above is not None and below is not None and below[0] and max(above[1], below[1]) <= EXACT:
            return above[0] / below[0], EXACT  # 3.892/7 is worked out from rounded digits: no printed value
    if (
        isinstance(node, f.Product) and len(node.factors) == 2 and node.marks[0] in ("times", "cdot", "*")
    ):  # 1.2 x 10^{-3}
        head, power = _signed(bare(node.factors[0])), _ten_to(node.factors[1])
        if head is not None and power is not None:
            return head[0] * power, (head[1] if head[1] > EXACT else EXACT / power) * power
    return None


def _ten_to(node: f.Node) -> float | None:
    if (
        not isinstance(node, f.Scripted)
        or not isinstance(node.base, f.Number)
        or node.base.value != 10
        or len(node.upper) != 1
    ):
        return None
    exponent = _signed(bare(node.upper[0].body))
    return None if exponent is None or abs(exponent[0]) > 300 else float(10.0 ** exponent[0])


def half_unit(node: f.Number) -> float:
    """Half a unit of the last printed digit (`digits` counts percentages and powers of ten); whole numbers are exact."""
    if node.digits is None:
        return 0.5 if abs(node.value) >= 100 and "e" in node.text.lower() else EXACT
    return float(10.0**-node.digits) / 2


def literals_in(node: f.Node) -> dict[Fraction, float]:
    """The inexact numbers of a formula with their half units."""
    return {n.value: half_unit(n) for n in f.walk(node) if isinstance(n, f.Number) and n.digits is not None}


def uncertainty(term: Term, halves: Mapping[Fraction, float], evaluate: Callable[[Term], Array | None]) -> float:
    """How far a value can move within the digits of its numbers."""
    base = evaluate(term)
    if base is None or not np.all(np.isfinite(base)):
        return 0.0
    total = 0.0
    for value, half in list(halves.items())[:MOVED]:
        moved = evaluate(with_number(term, value, value + Fraction(half)))
        if moved is not None and moved.shape == base.shape and np.all(np.isfinite(moved)):
            total += float(np.max(np.abs(moved - base)))
    return total


def with_number(term: Term, old: Fraction, new: Fraction) -> Term:
    """The term with another number in the place of one."""
    if isinstance(term, Const):
        return Const(new) if term.value == old else term
    return mapped(term, lambda part: with_number(part, old, new))


def mapped(term: Term, change: Callable[[Term], Term]) -> Term:
    """The same node with every part changed; derivatives stay."""
    if isinstance(term, Add):
        return Add(tuple((sign, change(t)) for sign, t in term.terms))
    if isinstance(term, Sloppy):
        return Sloppy(tuple(change(t) for t in term.factors), term.marks)
    if isinstance(term, Power):
        return Power(change(term.base), change(term.exponent))
    if isinstance(term, SumOver):
        return SumOver(term.along, change(term.body))
    parts = list(parts_of(term))
    if not parts or isinstance(term, Jacobian):
        return term
    try:
        return rebuilt(term, [change(p) for p in parts])
    except Misfit:
        return term


def is_numeric(term: Term) -> bool:
    """Numbers alone, whatever is done with them: no quantity, no size."""
    if isinstance(term, Part):
        return term.key in ("identity", "ones")
    if isinstance(term, (SizeOf, Jacobian)):
        return False
    return all(is_numeric(part) for part in parts_of(term))


def stack_of(value: Array) -> Term:
    """Numbers as a term."""
    rows = [[Const(Fraction(float(x)).limit_denominator(10**12)) for x in row] for row in value]
    return rows[0][0] if value.shape == (1, 1) else Stack(tuple(tuple(row) for row in rows))


def bare(node: f.Node) -> f.Node:
    """What stands inside brackets round one thing."""
    while isinstance(node, f.Group) and len(node.items) == 1 and node.bracket in "([{":
        node = node.items[0]
    return node


def fitted(value: Array, exact: Array) -> tuple[Array, bool] | None:
    """The exact value in the shape of the printed one, and whether a matrix had to be turned; None if they differ in shape."""
    if value.shape == exact.shape:
        return exact, False
    if value.size == exact.size and 1 in value.shape and 1 in exact.shape:
        return exact.reshape(value.shape), False
    if value.shape == exact.shape[::-1]:
        return exact.T, True
    return None


def agrees(value: Array, exact: Array, half: Array) -> str | None:
    """How printed digits agree: 'rounded', 'cut' (digits left off instead of rounded), the same with ' turned'; None: they do not."""
    found = fitted(value, exact)
    tries = [] if found is None else [found]
    if value.shape == exact.shape and value.shape[0] == value.shape[1] > 1:
        tries.append((exact.T, True))
    for truth, turned in tries:
        how = _digits(value, truth, half)
        if how:
            return how + (" turned" if turned else "")
    return None


def _digits(value: Array, exact: Array, half: Array) -> str | None:
    slack = half * (1 + 1e-6) + 1e-9 * np.abs(exact) + 1e-15  # 5.55e-17 is what a program prints for 0
    if np.all(np.abs(value - exact) <= slack):
        return "rounded"
    unit = 2 * half
    cut = np.where(half > 1e-8 * np.abs(exact), np.trunc(exact / np.where(unit > 0, unit, 1)) * unit, exact)
    if np.all((np.abs(value - cut) <= 1e-6 * unit + 1e-9 * np.abs(exact)) | (np.abs(value - exact) <= slack)):
        return "cut"
    return None


def shown(value: Array) -> str:
    """A value for people."""
    array = np.asarray(value, dtype=float) + 0.0  # -0.0 is 0
    return (
        f"{array.item():.6g}"
        if array.size == 1
        else "[" + "; ".join(" ".join(f"{x:.6g}" for x in row) for row in array) + "]"
    )
