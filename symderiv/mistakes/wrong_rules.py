"""The known mistakes as wrong rules: each has the signature of the right rule that it replaces, and a code.

A rule gets `Y_bar`, the node and `Y` as its right one does (see `symderiv.calculus.pullbacks`), and then what it may
choose: which part it goes wrong in, which other quantity it takes. Its choices list what there is to choose at a node.
Where the shapes do not allow the mistake it raises ShapeError, as NumPy would. Where in a network a mistake is made,
`rederiving` decides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import wraps
from itertools import product
from typing import Any, TypeAlias

import sympy

from symderiv.calculus.expressions import (
    Augment,
    Broadcast,
    Expr,
    Fill,
    Map,
    MatMul,
    Softmax,
    apply,
    fused,
    name_of,
    substitute,
    symbols_in,
    total,
)
from symderiv.calculus.functions import Scalar, is_activation, placeholder, relu, sigmoid
from symderiv.calculus.model import Equation
from symderiv.calculus.pullbacks import PULLBACKS, Pullback
from symderiv.calculus.shapes import ONE, SCALAR, show
from symderiv.errors import ShapeError
from symderiv.mistakes.setting import Setting, bare

Parts: TypeAlias = tuple[Expr, ...]
Choice: TypeAlias = tuple[tuple[Any, ...], dict[str, str]]
"""What a rule gets after its right arguments, and the words for it in its sentence."""
Choices: TypeAlias = Callable[[Setting, Equation, Expr], Iterable[Choice]]

BY_HEART = (sigmoid, sympy.tanh, relu)


@dataclass(frozen=True)
class WrongRule:
    """A known mistake in a pullback.

    says: what somebody did, after 'this is what you get if', with the words of the choice and {here}, the equation.
    """

    code: str
    says: str
    kinds: tuple[type[Expr], ...]
    choices: Choices
    rule: Callable[..., Parts]

    def chosen(self, arguments: tuple[Any, ...]) -> Pullback:
        """The rule with its choice made: then it has the signature of a right one."""

        @wraps(self.rule)
        def pullback(Y_bar: Expr, node: Expr, Y: Expr) -> Parts:
            return self.rule(Y_bar, node, Y, *arguments)

        return pullback


WRONG_RULES: list[WrongRule] = []


def wrong_rule(
    code: str, kinds: type[Expr] | tuple[type[Expr], ...], choices: Choices, says: str
) -> Callable[[Callable[..., Parts]], Callable[..., Parts]]:
    """Register the decorated rule as what somebody does who makes that mistake at a node of these kinds."""

    def register(rule: Callable[..., Parts]) -> Callable[..., Parts]:
        WRONG_RULES.append(WrongRule(code, says, kinds if isinstance(kinds, tuple) else (kinds,), choices, rule))
        return rule

    return register


def right_but(Y_bar: Expr, node: Expr, Y: Expr, part: int, wrong: Expr) -> Parts:
    """The adjoints of the right rule, with another one for one part."""
    parts = PULLBACKS[type(node)](Y_bar, node, Y)
    return (*parts[:part], wrong, *parts[part + 1 :])


def fitted(adjoint: Expr, part: Expr) -> Expr:
    """The adjoint as the way back goes on with it: of a parameter any array ends there, others must be repeatable."""
    symbol = bare(part)
    return adjoint if symbol is not None and symbol.role == "parameter" else Broadcast(adjoint, part.shape)


# Elementwise functions: the slope


def an_activation(setting: Setting, equation: Equation, node: Expr) -> Iterator[Choice]:
    """Each activation in the elementwise work of a node."""
    assert isinstance(node, Map)
    for call in sorted(node.function.atoms(sympy.Function), key=str):
        if is_activation(call):
            value = equation.name if call == equation.value.fields[0] else "its value"
            words = {"value": value, "argument": _entries(call.args[0], node)}
            yield (call,), {**words, "f": getattr(call, "letter", type(call).__name__)}


def with_slope(Y_bar: Expr, node: Expr, Y: Expr, call: Scalar, slope: Scalar) -> Parts:
    """Y = F(g(u), a, ...)  gives  Ā = Ȳ ∘ (∂F/∂a + ∂F/∂g · slope · ∂u/∂a): the chain rule with `slope` for g'(u)."""
    assert isinstance(node, Map)
    f, count = node.function, len(node.args)
    g = sympy.Symbol("g", real=True)
    outer, seed = f.xreplace({call: g}), placeholder(count)

    def partial(x: Scalar) -> Scalar:
        return (outer.diff(x) + outer.diff(g) * slope * call.args[0].diff(x)).xreplace({g: call})

    value = {f: placeholder(count + 1)}
    parts = (*node.args, Y_bar, Y)
    return tuple(fused(seed * partial(placeholder(i)).xreplace(value), parts) for i in range(count))


@wrong_rule("missing-slope", Map, an_activation, "the slope of {here} is left out")
def without_slope(Y_bar: Expr, node: Expr, Y: Expr, call: Scalar) -> Parts:
    """A = g(Z)  gives  Z̄ = Ā."""
    return with_slope(Y_bar, node, Y, call, sympy.Integer(1))


@wrong_rule("slope-twice", Map, an_activation, "the slope of {here} is applied twice")
def slope_twice(Y_bar: Expr, node: Expr, Y: Expr, call: Scalar) -> Parts:
    """A = g(Z)  gives  Z̄ = Ā ∘ g'(Z) ∘ g'(Z)."""
    return with_slope(Y_bar, node, Y, call, call.fdiff(1) ** 2)


@wrong_rule("function-for-slope", Map, an_activation, "{f} itself stands for the slope of {here}")
def function_for_slope(Y_bar: Expr, node: Expr, Y: Expr, call: Scalar) -> Parts:
    """A = g(Z)  gives  Z̄ = Ā ∘ g(Z)."""
    return with_slope(Y_bar, node, Y, call, call)


@wrong_rule("slope-at-wrong-argument", Map, an_activation, "the slope of {here} is taken at {value}, not {argument}")
def slope_at_value(Y_bar: Expr, node: Expr, Y: Expr, call: Scalar) -> Parts:
    """A = g(Z)  gives  Z̄ = Ā ∘ g'(A)."""
    return with_slope(Y_bar, node, Y, call, type(call)(call, *call.args[1:]).fdiff(1))


@wrong_rule("slope-at-wrong-argument", Map, an_activation, "the slope of {here} has {argument} where {value} belongs")
def value_formula_at_argument(Y_bar: Expr, node: Expr, Y: Expr, call: Scalar) -> Parts:
    """A = tanh(Z)  gives  Z̄ = Ā ∘ (1 - Z²): the formula for A, with Z."""
    return with_slope(Y_bar, node, Y, call, call.fdiff(1).xreplace({call: call.args[0]}))


def a_tanh(setting: Setting, equation: Equation, node: Expr) -> Iterator[Choice]:
    """Each tanh in the elementwise work of a node."""
    for (call,), words in an_activation(setting, equation, node):
        if isinstance(call, sympy.tanh):
            yield (call,), words


@wrong_rule("misplaced-square", Map, a_tanh, "the slope of {here} is taken to be (1 - {value})², not 1 - {value}²")
def square_of_difference(Y_bar: Expr, node: Expr, Y: Expr, call: Scalar) -> Parts:
    """A = tanh(Z)  gives  Z̄ = Ā ∘ (1 - A)²."""
    return with_slope(Y_bar, node, Y, call, (1 - call) ** 2)


@wrong_rule("misplaced-square", Map, a_tanh, "the slope of {here} is taken to be 1 - {value}, not 1 - {value}²")
def square_lost(Y_bar: Expr, node: Expr, Y: Expr, call: Scalar) -> Parts:
    """A = tanh(Z)  gives  Z̄ = Ā ∘ (1 - A)."""
    return with_slope(Y_bar, node, Y, call, 1 - call)


def another_activation(setting: Setting, equation: Equation, node: Expr) -> Iterator[Choice]:
    """For each activation each other one whose slope people know by heart."""
    for (call,), words in an_activation(setting, equation, node):
        for kind in BY_HEART:
            if not isinstance(call, kind):
                yield (call, kind), {**words, "other": kind.__name__}


@wrong_rule("other-activation", Map, another_activation, "the slope of {here} is taken to be that of {other}")
def slope_of_another_activation(Y_bar: Expr, node: Expr, Y: Expr, call: Scalar, kind: Any) -> Parts:
    """A = tanh(Z)  gives  Z̄ = Ā ∘ A ∘ (1 - A), the slope of a sigmoid in terms of its value."""
    other = kind(call.args[0])
    return with_slope(Y_bar, node, Y, call, other.fdiff(1).xreplace({other: call}))


def another_layer(setting: Setting, equation: Equation, node: Expr) -> Iterator[Choice]:
    """Each other activation of the same shape."""
    if equation.symbol in setting.layers and node is equation.value:
        for A, Z in setting.layers.items():
            if A is not equation.symbol and A.shape == node.shape:
                yield (A, Z), {"other": A.name}


@wrong_rule("slope-at-wrong-argument", Map, another_layer, "the slope of {here} is taken at {other}, of another layer")
def slope_of_another_layer(Y_bar: Expr, node: Expr, Y: Expr, A: Expr, Z: Expr) -> Parts:
    """A1 = g(Z1)  gives  Z̄1 = Ā1 ∘ g'(Z2)."""
    assert isinstance(node, Map)
    slope = node.function.diff(placeholder(0)).xreplace({node.function: placeholder(1)})
    return (fused(slope * placeholder(2), (Z, A, Y_bar)),)


def a_way_to_multiply(setting: Setting, equation: Equation, node: Expr) -> Iterator[Choice]:
    """At an activation, each way to turn the two that are multiplied."""
    if equation.symbol in setting.layers and node is equation.value:
        yield from (((turns,), {}) for turns in product((False, True), repeat=2))


@wrong_rule(
    "matmul-for-elementwise",
    Map,
    a_way_to_multiply,
    "a matrix product with the slope of {here} stands for the elementwise one",
)
def matrix_product_with_slope(Y_bar: Expr, node: Expr, Y: Expr, turns: tuple[bool, bool]) -> Parts:
    """A = g(Z)  gives  Z̄ = Ā g'(Z), also with either transposed."""
    assert isinstance(node, Map)
    slope = node.function.diff(placeholder(0)).xreplace({node.function: placeholder(1)})
    left, right = Y_bar, fused(slope, (*node.args, Y))
    product_of_both = (left.T if turns[0] else left) @ (right.T if turns[1] else right)
    if product_of_both.shape != node.shape:
        raise ShapeError("the way back goes on with another shape", [(name_of(node.args[0]), show(node.shape))])
    return (product_of_both,)


def a_turned_sign(setting: Setting, equation: Equation, node: Expr) -> Iterator[Choice]:
    """Each function of -x, 1 - x and the like."""
    assert isinstance(node, Map)
    for call in sorted(node.function.atoms(sympy.Function), key=str):
        if any(call.args[0].diff(x).is_negative for x in call.args[0].free_symbols):
            yield (call,), {"argument": _entries(call.args[0], node)}


@wrong_rule("sign", Map, a_turned_sign, "the sign of the inner derivative of {argument} is lost in {here}")
def inner_sign_lost(Y_bar: Expr, node: Expr, Y: Expr, call: Scalar) -> Parts:
    """J = log(1 - a)  gives  ā = J̄ / (1 - a)."""
    return with_slope(Y_bar, node, Y, call, -call.fdiff(1))


def a_factor(setting: Setting, equation: Equation, node: Expr) -> Iterator[Choice]:
    """In w x + v y, each other name for the x that is the slope of w."""
    assert isinstance(node, Map)
    for part, arg in enumerate(node.args):
        slope = node.function.diff(placeholder(part))
        for other, instead in enumerate(node.args):
            if slope.is_Symbol and slope in map(placeholder, range(len(node.args))) and slope != placeholder(other):
                factor = name_of(node.args[int(slope.name[1:])])
                words = {"other": name_of(instead), "factor": factor, "what": setting.derivative(arg)}
                yield (part, instead), words


@wrong_rule("wrong-variable", Map, a_factor, "{other} stands where {factor} belongs in {what}")
def another_factor(Y_bar: Expr, node: Expr, Y: Expr, part: int, instead: Expr) -> Parts:
    """u = w x  gives  w̄ = ū w."""
    return right_but(Y_bar, node, Y, part, Y_bar * instead)


# Softmax


def once(setting: Setting, equation: Equation, node: Expr) -> Iterator[Choice]:
    """Nothing to choose."""
    yield (), {}


@wrong_rule("missing-slope", Softmax, once, "the derivative of {here} is left out")
def without_jacobian(Y_bar: Expr, node: Expr, Y: Expr) -> Parts:
    """A = softmax(Z)  gives  Z̄ = Ā."""
    return (Y_bar,)


@wrong_rule("softmax-diagonal", Softmax, once, "only the diagonal of the derivative of {here} is used")
def softmax_diagonal(Y_bar: Expr, node: Expr, Y: Expr) -> Parts:
    """A = softmax(Z)  gives  Z̄ = Ā ∘ A ∘ (1 - A)."""
    return (apply(lambda y_bar, y: y_bar * y * (1 - y), Y_bar, Y),)


@wrong_rule("function-for-slope", Softmax, once, "the softmax itself stands for the derivative of {here}")
def softmax_for_jacobian(Y_bar: Expr, node: Expr, Y: Expr) -> Parts:
    """A = softmax(Z)  gives  Z̄ = Ā ∘ A."""
    return (Y_bar * Y,)


@wrong_rule("slope-twice", Softmax, once, "the derivative of {here} is applied twice")
def jacobian_twice(Y_bar: Expr, node: Expr, Y: Expr) -> Parts:
    """A = softmax(Z)  gives  Z̄ = S S Ā with the Jacobian S."""
    return PULLBACKS[Softmax](PULLBACKS[Softmax](Y_bar, node, Y)[0], node, Y)


@wrong_rule("slope-twice", Softmax, once, "the derivative of {here} is applied, and then its diagonal once more")
def jacobian_and_diagonal(Y_bar: Expr, node: Expr, Y: Expr) -> Parts:
    """A = softmax(Z)  gives  Z̄ = (S Ā) ∘ A ∘ (1 - A)."""
    return softmax_diagonal(PULLBACKS[Softmax](Y_bar, node, Y)[0], node, Y)


# Matrix products


def factor_product(Y_bar: Expr, part: int, factor: Expr) -> Expr:
    """Ȳ F for the left part, F Ȳ for the right one; with F = Bᵀ or Aᵀ that is the right rule."""
    return factor @ Y_bar if part else Y_bar @ factor


def a_part(setting: Setting, equation: Equation, node: Expr) -> Iterator[Choice]:
    """Each part of a product that has a derivative."""
    for part, arg in enumerate(node.args):
        if any(s.name in setting.tracked for s in symbols_in(arg)):
            factor = node.args[1 - part]
            yield (part,), {"what": setting.derivative(arg), "factor": name_of(bare(factor) or factor, "a factor")}


def a_part_turned(setting: Setting, equation: Equation, node: Expr) -> Iterator[Choice]:
    """The same, with each way to turn the two factors."""
    for ((part,), words), turned in product(a_part(setting, equation, node), (False, True)):
        yield (part, turned), words


@wrong_rule("missing-transpose", MatMul, a_part, "the transpose of {factor} is left out in {what}")
def without_transpose(Y_bar: Expr, node: Expr, Y: Expr, part: int) -> Parts:
    """Y = A B  gives  Ā = Ȳ B  or  B̄ = A Ȳ."""
    return right_but(Y_bar, node, Y, part, fitted(factor_product(Y_bar, part, node.args[1 - part]), node.args[part]))


@wrong_rule("swapped-factors", MatMul, a_part_turned, "the factors of {what} stand in the wrong order")
def swapped(Y_bar: Expr, node: Expr, Y: Expr, part: int, turned: bool) -> Parts:
    """Y = A B  gives  Ā = Bᵀ Ȳ  or  B̄ = Ȳ Aᵀ; turned: B Ȳ or Ȳ A."""
    factor = node.args[1 - part] if turned else node.args[1 - part].T
    return right_but(Y_bar, node, Y, part, fitted(factor_product(Y_bar, 1 - part, factor), node.args[part]))


@wrong_rule("swapped-factors", MatMul, a_part, "the factors of {what} are swapped, and the other one is transposed")
def turned_product(Y_bar: Expr, node: Expr, Y: Expr, part: int) -> Parts:
    """Y = A B  gives  Ā = B Ȳᵀ  or  B̄ = Ȳᵀ A: the right one, transposed."""
    turned = factor_product(Y_bar.T, 1 - part, node.args[1 - part])
    return right_but(Y_bar, node, Y, part, fitted(turned, node.args[part]))


@wrong_rule("elementwise-for-matmul", MatMul, a_part_turned, "an elementwise product with {factor} stands in {what}")
def elementwise(Y_bar: Expr, node: Expr, Y: Expr, part: int, turned: bool) -> Parts:
    """Y = A B  gives  Ā = Ȳ ∘ Bᵀ  or  B̄ = Aᵀ ∘ Ȳ; turned: with B or A."""
    factor = node.args[1 - part] if turned else node.args[1 - part].T
    return right_but(Y_bar, node, Y, part, fitted(Y_bar * factor, node.args[part]))


@wrong_rule("dropped-chain-factor", MatMul, a_part, "the factor {factor} is left out in {what}")
def without_factor(Y_bar: Expr, node: Expr, Y: Expr, part: int) -> Parts:
    """Y = A B  gives  Ā = Ȳ  or  B̄ = Ȳ."""
    return right_but(Y_bar, node, Y, part, fitted(Y_bar, node.args[part]))


def a_share_of_many(setting: Setting, equation: Equation, node: Expr) -> Iterator[Choice]:
    """Each part that is no parameter, where the product sums over several units."""
    for (part,), words in a_part(setting, equation, node):
        symbol = bare(node.args[part])
        if node.shape[1 - part] != ONE and not (symbol is not None and symbol.role == "parameter"):
            yield (part,), words


@wrong_rule("missing-output-sum", MatMul, a_share_of_many, "only the first unit's share arrives in {what}, not the sum")
def first_share(Y_bar: Expr, node: Expr, Y: Expr, part: int) -> Parts:
    """Y = A B  gives  ā_ij = ȳ_i1 b_j1, not the sum over k of ȳ_ik b_jk."""
    axis = 1 - part
    ones = (ONE, Y_bar.shape[1] + -1) if axis else (Y_bar.shape[0] + -1, ONE)
    first = PULLBACKS[MatMul](Y_bar * Augment(Fill(0, ones), axis), node, Y)
    return right_but(Y_bar, node, Y, part, first[part])


def another_quantity(setting: Setting, equation: Equation, node: Expr) -> Iterator[Choice]:
    """For each factor each other one of its kind: weights for a weight, activations and data for an activation."""
    for (part,), words in a_part(setting, equation, node):
        symbol = bare(node.args[1 - part])
        for other in setting.factors:
            if (
                symbol is not None
                and other is not symbol
                and (other.role == symbol.role == "parameter") == ("parameter" in (other.role, symbol.role))
            ):
                yield (part, symbol, other), {**words, "other": other.name}


@wrong_rule("wrong-layer", MatMul, another_quantity, "{other} stands where {factor} belongs in {what}")
def of_another_layer(Y_bar: Expr, node: Expr, Y: Expr, part: int, symbol: Expr, other: Expr) -> Parts:
    """Y = A1 W2  gives  W̄2 = A2ᵀ Ȳ  or  Ā1 = Ȳ W1ᵀ."""
    factor = substitute(node.args[1 - part], {symbol: other}).T
    return right_but(Y_bar, node, Y, part, fitted(factor_product(Y_bar, part, factor), node.args[part]))


def before_activation(setting: Setting, equation: Equation, node: Expr) -> Iterator[Choice]:
    """For each factor that is an activation its pre-activation."""
    for (part,), words in a_part(setting, equation, node):
        symbol = bare(node.args[1 - part])
        if symbol in setting.layers:
            other = setting.layers[symbol]
            yield (part, symbol, other), {**words, "other": other.name}


wrong_rule("wrong-variable", MatMul, before_activation, "{other} stands where {factor} belongs in {what}")(
    of_another_layer
)


# Biases: sums over the samples


def an_axis_of_samples(setting: Setting, equation: Equation, node: Expr) -> Iterator[Choice]:
    """The axis of the samples, where a bias is repeated along it."""
    return _axes(setting, node, True)


def an_axis_of_units(setting: Setting, equation: Equation, node: Expr) -> Iterator[Choice]:
    """The axis of the units, where a bias is repeated along it."""
    return _axes(setting, node, False)


def _axes(setting: Setting, node: Expr, of_samples: bool) -> Iterator[Choice]:
    assert isinstance(node, Broadcast)
    symbol = bare(node.args[0])
    # A bias has an entry a unit: where it is repeated along one axis, that is the samples' though the sizes be equal.
    is_bias = symbol is not None and symbol.role == "parameter" and len(node.axes) == 1
    for axis in node.axes:
        if (is_bias or node.shape[axis].name in setting.samples) == of_samples:
            yield (axis,), {"what": setting.derivative(node.args[0]), "size": str(node.shape[axis])}


@wrong_rule("missing-batch-sum", Broadcast, an_axis_of_samples, "{what} is not summed over the {size} samples")
@wrong_rule("missing-output-sum", Broadcast, an_axis_of_units, "{what} is not summed over the {size} units")
def without_sum(Y_bar: Expr, node: Expr, Y: Expr, axis: int) -> Parts:
    """Z = b repeated  gives  b̄ = Z̄, as it is along one axis."""
    assert isinstance(node, Broadcast)
    for each in node.axes:
        Y_bar = Y_bar if each == axis else total(Y_bar, each)
    return (Y_bar,)


@wrong_rule("summed-over-everything", Broadcast, an_axis_of_samples, "{what} is summed over the units as well")
def sum_of_all(Y_bar: Expr, node: Expr, Y: Expr, axis: int) -> Parts:
    """Z = b repeated  gives  b̄ = the sum of all entries of Z̄."""
    return (total(Y_bar),)


@wrong_rule("summed-over-everything", Broadcast, an_axis_of_samples, "{what} is summed over the units, not the samples")
def sum_along_units(Y_bar: Expr, node: Expr, Y: Expr, axis: int) -> Parts:
    """Z = b repeated along the samples  gives  b̄ = the sum of Z̄ along the units."""
    return (total(Y_bar, 1 - axis),)


# Constants, and shares that are lost, anywhere


def a_name(setting: Setting, equation: Equation, node: Expr) -> Iterator[Choice]:
    """Each name that a node acts on directly; what only passes through an activation was named at the other end."""
    for part, arg in enumerate(node.args):
        symbol = bare(arg)
        if symbol is None or symbol.name not in setting.tracked:
            continue
        last = equation.symbol.shape == SCALAR and equation.symbol not in setting.layers
        if symbol.role == "parameter" or isinstance(node, MatMul) or last:
            yield (part,), {"what": setting.derivative(symbol)}


def a_name_and_constant(setting: Setting, equation: Equation, node: Expr) -> Iterator[Choice]:
    """Each name with 2 and 1/2."""
    for ((part,), words), by in product(a_name(setting, equation, node), (sympy.Integer(2), sympy.Rational(1, 2))):
        yield (part, by), {**words, "by": str(by)}


def a_name_and_count(setting: Setting, equation: Equation, node: Expr) -> Iterator[Choice]:
    """Each name with each size that the loss is divided by."""
    for ((part,), words), count in product(a_name(setting, equation, node), setting.counts):
        yield (part, count), {**words, "count": f"({count})" if count.is_Mul else str(count)}


@wrong_rule("constant-factor", (Map, MatMul, Broadcast, Softmax), a_name_and_constant, "{what} gets a factor {by}")
@wrong_rule("missing-mean-factor", (Map, MatMul, Broadcast, Softmax), a_name_and_count, "1/{count} is lost in {what}")
def scaled(Y_bar: Expr, node: Expr, Y: Expr, part: int, by: Scalar) -> Parts:
    """Ā = c times the right one."""
    right = PULLBACKS[type(node)](Y_bar, node, Y)[part]
    return right_but(Y_bar, node, Y, part, apply(lambda x: by * x, right))


@wrong_rule(
    "repeated-mean-factor", (Map, MatMul, Broadcast, Softmax), a_name_and_count, "1/{count} comes twice in {what}"
)
def divided_again(Y_bar: Expr, node: Expr, Y: Expr, part: int, count: Scalar) -> Parts:
    """Ā = the right one, by n once more."""
    return scaled(Y_bar, node, Y, part, 1 / count)


@wrong_rule("sign", (Map, MatMul, Broadcast, Softmax), a_name, "the sign of {what} is flipped")
def flipped(Y_bar: Expr, node: Expr, Y: Expr, part: int) -> Parts:
    """Ā = the right one, with a minus."""
    return scaled(Y_bar, node, Y, part, sympy.Integer(-1))


def a_name_used_twice(setting: Setting, equation: Equation, node: Expr) -> Iterator[Choice]:
    """Each name that other equations use too; a penalty is no use."""
    for part, arg in enumerate(node.args):
        symbol = bare(arg)
        if symbol is not None and symbol.name in setting.tracked:
            uses = [e for e in setting.model.equations if symbol in e.uses and e.name in setting.model.relevant]
            in_penalty = setting.penalty is not None and symbol in symbols_in(setting.penalty)
            if len(uses) - in_penalty > 1 and not (in_penalty and equation is setting.model.loss):
                yield (part,), {"what": setting.derivative(symbol)}


@wrong_rule(
    "missing-output-sum",
    (Map, MatMul, Broadcast, Softmax),
    a_name_used_twice,
    "what comes through {at} is missing in {what}",
)
def without_share(Y_bar: Expr, node: Expr, Y: Expr, part: int) -> Parts:
    """h used in two places  gives  h̄ = the share of one of them."""
    return right_but(Y_bar, node, Y, part, Fill(0, node.args[part].shape))


def _entries(scalar: Scalar, node: Expr) -> str:
    """A scalar with the names of what its placeholders stand for."""
    return repr(fused(scalar, node.args))
