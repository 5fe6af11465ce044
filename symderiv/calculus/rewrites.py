"""Simplification: scalar calculus inside one elementwise function, and a few named rewrites of matrix structure.

`simplified` brings an expression to its closed form bottom-up and returns every rewrite that fired, so that each can be
shown and checked. A rewrite that leans on something that is not an identity says so in its assumption.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import sympy

from symderiv.calculus.expressions import (
    Augment,
    Broadcast,
    DropFirst,
    Expr,
    Fill,
    Map,
    MatMul,
    Softmax,
    Sum,
    Symbol,
    Transpose,
    apply,
    fused,
    total,
)
from symderiv.calculus.functions import Scalar, has_entries, placeholder
from symderiv.calculus.shapes import ONE


@dataclass(frozen=True)
class SumsToOne:
    """The assumption that the entries of a data matrix sum to 1 along `axis`, as one-hot targets do."""

    name: str
    axis: int

    def __str__(self) -> str:
        return f"each {'column' if self.axis == 0 else 'row'} of {self.name} sums to 1"


@dataclass(frozen=True)
class Rewrite:
    """One use of a rewrite: the rule's name, the expression before and after, what it assumed (if anything)."""

    rule: str
    before: Expr
    after: Expr
    assumption: SumsToOne | None = None


Rule = Callable[[Expr], Expr | None]
REWRITES: list[Rule] = []


def rewrite(rule: Rule) -> Rule:
    """Register a rewrite; it returns None where it does not apply."""
    REWRITES.append(rule)
    return rule


def rule_name(rule: Callable[..., object]) -> str:
    """The stable name of a rule: its function's name with dashes."""
    return rule.__name__.replace("_", "-")


@rewrite
def push_transpose(expr: Expr) -> Expr | None:
    """(Aᵀ)ᵀ = A, and (A B)ᵀ = Bᵀ Aᵀ and the like where a transpose inside meets the one outside and both go."""
    if not isinstance(expr, Transpose):
        return None
    inner = expr.args[0]
    if isinstance(inner, Transpose):
        return inner.args[0]
    if expr.shape == (ONE, ONE):
        return inner
    if isinstance(inner, Fill):
        return Fill(inner.value, expr.shape)
    if not any(isinstance(arg, Transpose) for arg in inner.args):
        return None
    match inner:
        case MatMul():
            return MatMul(inner.args[1].T, inner.args[0].T)
        case Map():
            return fused(inner.function, tuple(arg.T for arg in inner.args))
        case Broadcast():
            return Broadcast(inner.args[0].T, expr.shape)
        case Sum() | Softmax() | Augment() | DropFirst():
            return type(inner)(inner.args[0].T, 1 - inner.axis)
    return None


@rewrite
def scalar_calculus(expr: Expr) -> Expr | None:
    """Cancel and collect inside one elementwise function."""
    if not isinstance(expr, Map):
        return None
    tidy = tidied(expr.function)
    return None if tidy == expr.function else fused(tidy, expr.args)


@rewrite
def pull_out_constant(expr: Expr) -> Expr | None:
    """A (c B) = c (A B), and likewise out of transposes, sums, repeats and cuts: c is a number, 1/n or a hyper-parameter."""
    if not isinstance(expr, (MatMul, Transpose, Sum, Broadcast, DropFirst)):
        return None
    constant, args = sympy.Integer(1), list[Expr]()
    for arg in expr.args:
        factor, rest = split_constant(arg)
        constant, args = constant * factor, [*args, rest]
    if constant == 1:
        return None
    return apply(lambda x: constant * x, expr.rebuilt(tuple(args)))


@rewrite
def product_with_ones(expr: Expr) -> Expr | None:
    """1ᵀ A is the sum of A down its rows, A 1 along its columns; a longer ones-matrix repeats that."""
    if isinstance(expr, MatMul):
        left, right = expr.args
        if isinstance(left, Fill):
            return Broadcast(total(apply(lambda x: left.value * x, right), 0), expr.shape)
        if isinstance(right, Fill):
            return Broadcast(total(apply(lambda x: right.value * x, left), 1), expr.shape)
    return None


@rewrite
def constant_entries(expr: Expr) -> Expr | None:
    """Equal entries: their sum is their count times the entry, and what is left of a cut has the same entries."""
    if not (isinstance(expr, (Sum, DropFirst)) and isinstance(expr.args[0], Fill)):
        return None
    count = expr.args[0].shape[expr.axis].to_sympy() if isinstance(expr, Sum) else 1
    return Fill(expr.args[0].value * count, expr.shape)


@rewrite
def sum_of_repeats(expr: Expr) -> Expr | None:
    """A factor that is the same all along the axis comes out of the sum: Σ_i a_j b_ij = a_j Σ_i b_ij."""
    if not isinstance(expr, Sum):
        return None
    inner = expr.args[0]
    if isinstance(inner, Broadcast) and expr.axis in inner.axes:
        return Broadcast(apply(lambda x: inner.shape[expr.axis].to_sympy() * x, inner.args[0]), expr.shape)
    if not isinstance(inner, Map):
        return None
    constant = [i for i, arg in enumerate(inner.args) if isinstance(arg, Broadcast) and expr.axis in arg.axes]
    factors = sympy.Mul.make_args(inner.function)
    moving = {placeholder(i) for i in range(len(inner.args)) if i not in constant}
    outside = sympy.Mul(
        *(f for f in factors if f.free_symbols & {placeholder(i) for i in constant} and not f.free_symbols & moving)
    )
    if outside == 1:
        return None
    summed = total(fused(inner.function / outside, inner.args), expr.axis)
    shortened = tuple(
        Broadcast(inner.args[i].args[0], expr.shape) if i in constant else summed for i in range(len(inner.args))
    )
    return fused(outside * placeholder(len(shortened)), (*shortened, summed))


@rewrite
def cut_off_ones(expr: Expr) -> Expr | None:
    """Dropping the ones that were put first gives the matrix back; dropping commutes with elementwise work."""
    if not isinstance(expr, DropFirst):
        return None
    inner, axis = expr.args[0], expr.axis
    if isinstance(inner, Augment) and inner.axis == axis:
        return inner.args[0]
    if isinstance(inner, Map) and any(isinstance(arg, (Augment, Broadcast)) for arg in inner.args):
        return fused(inner.function, tuple(DropFirst(arg, axis) for arg in inner.args))
    if isinstance(inner, Broadcast) and axis in inner.axes:
        return Broadcast(inner.args[0], expr.shape)
    return None


@rewrite
def softmax_sums_to_one(expr: Expr) -> Expr | None:
    """The outputs of a softmax sum to 1 along its axis."""
    if isinstance(expr, Sum) and isinstance(expr.args[0], Softmax) and expr.args[0].axis == expr.axis:
        return Fill(1, expr.shape)
    return None


def sums_to_one(expr: Expr, assumptions: tuple[SumsToOne, ...]) -> tuple[Expr, SumsToOne] | None:
    """The sum of a target whose entries sum to 1 is 1: only where that was assumed."""
    if isinstance(expr, Sum):
        inner, axis = expr.args[0], expr.axis
        if isinstance(inner, Transpose):
            inner, axis = inner.args[0], 1 - axis
        for assumption in assumptions:
            if isinstance(inner, Symbol) and (inner.name, axis) == (assumption.name, assumption.axis):
                return Fill(1, expr.shape), assumption
    return None


def split_constant(expr: Expr) -> tuple[Scalar, Expr]:
    """(c, rest) with expr = c rest, c free of matrices; a whole fill counts as constant."""
    if isinstance(expr, Fill):
        return expr.value, Fill(1, expr.shape)
    if not isinstance(expr, Map):
        return sympy.Integer(1), expr
    if isinstance(expr.function, sympy.Add):
        constant, rest = expr.function.primitive()
    else:
        constant, rest = expr.function.as_independent(*map(placeholder, range(len(expr.args))), as_Add=False)
    return constant, expr if constant == 1 else fused(rest, expr.args)


MOST_OPERATIONS, LARGEST_POWER = 40, 8
"""Larger fractions are left as they are: to cancel them SymPy multiplies out, which can take minutes."""


@lru_cache(maxsize=4096)
def tidied(function: Scalar) -> Scalar:
    """The scalar function with fractions cancelled, constants in front, and `1 - x` kept the way people write it.

    Without a denominator nothing is multiplied out or factored: a person's form is already the shorter one.
    """
    powers = function.atoms(sympy.Pow)
    large = function.count_ops() > MOST_OPERATIONS or any(
        abs(p.exp) > LARGEST_POWER for p in powers if p.exp.is_Rational
    )
    if not large and any(power.exp.is_negative and has_entries(power.base) for power in powers):
        joined = sympy.factor(sympy.cancel(sympy.together(function)))
        if isinstance(function, sympy.Add) or joined.count_ops() <= function.count_ops():
            function = joined
    function = function.replace(lambda e: isinstance(e, sympy.Add), _constant_in_front)
    if not isinstance(function, sympy.Mul):
        return function
    constant, factors = sympy.Integer(1), list[Scalar]()
    for factor in function.args:
        content, rest = _positive_first(factor)
        constant, factors = constant * content, [*factors, rest]
    if constant.could_extract_minus_sign():
        for i, factor in enumerate(factors):  # -(y - a) is a - y
            if isinstance(factor, sympy.Add) and not factor.as_coeff_Add()[0]:
                constant, factors[i] = -constant, sympy.Add(*(-term for term in factor.args))
                break
    return sympy.Mul(constant, *factors)


def _constant_in_front(total: Scalar) -> Scalar:
    """a/n + b/n as (a + b)/n: a factor without matrices that all terms share, numbers apart, comes out."""
    constants = [sympy.Mul(*(f for f in sympy.Mul.make_args(term) if not has_entries(f))) for term in total.args]
    ratios = [constant / constants[0] for constant in constants]
    if constants[0].is_Rational or not all(ratio.is_Rational for ratio in ratios):
        return total
    common = constants[0] / constants[0].as_coeff_Mul()[0]
    return common * sympy.Add(*(term / common for term in total.args))


def _positive_first(factor: Scalar) -> tuple[Scalar, Scalar]:
    """`2 x - 2` as -2 and `1 - x`, also under a power: no common number, and the constant term is positive."""
    if factor.is_Rational:
        return factor, sympy.Integer(1)
    base, exponent = factor.as_base_exp()
    if not (isinstance(base, sympy.Add) and exponent.is_integer):
        return sympy.Integer(1), factor
    content, base = base.primitive()
    if base.as_coeff_Add()[0].is_negative:
        content, base = -content, sympy.Add(*(-term for term in base.args))
    return content**exponent, base**exponent


class Simplifier:
    """Brings expressions to closed form under the assumptions of one model; remembers every part it has seen."""

    def __init__(self, assumptions: tuple[SumsToOne, ...] = ()) -> None:
        self.assumptions = assumptions
        self._known: dict[Expr, tuple[Expr, tuple[Rewrite, ...]]] = {}

    def simplified(self, expr: Expr) -> tuple[Expr, tuple[Rewrite, ...]]:
        """The closed form and the rewrites used on the way, innermost first, each once."""
        if expr not in self._known:
            used: dict[Rewrite, None] = {}
            args = []
            for arg in expr.args:
                simple, rewrites = self.simplified(arg)
                args.append(simple)
                used.update(dict.fromkeys(rewrites))
            result = expr if tuple(args) == expr.args else expr.rebuilt(tuple(args))
            # Rebuilding may fold new parts together, whose own parts are new in turn: go on until nothing fires.
            if result is not expr:
                result, rewrites = self.simplified(result)
                used.update(dict.fromkeys(rewrites))
            elif step := self._first_that_fires(expr):
                used[step] = None
                result, rewrites = self.simplified(step.after)
                used.update(dict.fromkeys(rewrites))
            self._known[expr] = result, tuple(used)
            self._known.setdefault(result, (result, ()))
        return self._known[expr]

    def _first_that_fires(self, expr: Expr) -> Rewrite | None:
        assumed = sums_to_one(expr, self.assumptions)
        if assumed:
            return Rewrite(rule_name(sums_to_one), expr, *assumed)
        for rule in REWRITES:
            after = rule(expr)
            if after is not None and after is not expr:
                return Rewrite(rule_name(rule), expr, after)
        return None
