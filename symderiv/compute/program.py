"""A derivation as a straight-line program: the lines that code needs, in an order and a form fit for floating point.

Two things differ from the document. Logarithms of a sigmoid or softmax are taken from the pre-activation, so that
nothing overflows. And an adjoint that divides by an entry (`-Y / A2`) is put into the lines that use it wherever the
division cancels there, so that code has `A2 - Y` where a person writes two factors.
"""

from __future__ import annotations

import keyword
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import sympy

from symderiv.calculus.derivation import Derivation
from symderiv.calculus.expressions import (
    Expr,
    Fill,
    Map,
    Softmax,
    Symbol,
    _Axis,
    fused,
    parts_of,
    substitute,
    symbols_in,
)
from symderiv.calculus.functions import Opaque, Scalar, has_entries, placeholder, sigmoid, softplus
from symderiv.calculus.model import Equation, Model
from symderiv.calculus.rewrites import Simplifier
from symderiv.calculus.shapes import size_symbol
from symderiv.calculus.sweep import derive


class LogSoftmax(_Axis):
    """log softmax(z) along `axis` = z - max z - log Σ e^(z - max z): a node that only code has."""

    __slots__ = ()


class log_sigmoid(sympy.Function):  # type: ignore[misc]
    """log sigmoid(z) = -log(1 + e^-z): a scalar function that only code has."""

    is_real = True


@dataclass(frozen=True)
class Line:
    """`symbol = value`."""

    symbol: Symbol
    value: Expr


@dataclass(frozen=True)
class Program:
    """What to compute, in order: the forward lines, then the backward lines.

    gradients: for each parameter the symbol that holds its gradient.
    """

    model: Model
    forward: tuple[Line, ...]
    backward: tuple[Line, ...]
    gradients: Mapping[Symbol, Expr]

    @property
    def lines(self) -> tuple[Line, ...]:
        return self.forward + self.backward

    @cached_property
    def scalars(self) -> frozenset[sympy.Symbol]:
        """The size names and hyper-parameters that occur as numbers."""
        found = [e.function for line in self.lines for e in parts_of(line.value) if isinstance(e, Map)]
        found += [e.value for line in self.lines for e in parts_of(line.value) if isinstance(e, Fill)]
        places = {placeholder(i) for i in range(1 + max((len(s.free_symbols) for s in found), default=0))}
        return frozenset(s for scalar in found for s in scalar.free_symbols if s not in places)

    @cached_property
    def opaque(self) -> tuple[type[Opaque], ...]:
        """The functions of which only the name is known, and their derivatives."""
        scalars = [e.function for line in self.lines for e in parts_of(line.value) if isinstance(e, Map)]
        kinds = {type(f) for scalar in scalars for f in scalar.atoms(Opaque)}
        return tuple(sorted(kinds, key=lambda kind: (kind.letter, kind.order)))


def program_of(derivation: Derivation) -> Program:
    """The lines that give the loss and the gradient of every input that the derivation has one for."""
    model = _with_known_functions(derivation.model)
    if model is not derivation.model:
        wanted_data = any(symbol.name in derivation.gradients for symbol in model.data)
        derivation = derive(model, inputs=wanted_data)
    definitions: dict[Expr, Expr] = {equation.symbol: equation.value for equation in model.equations}
    forward = [Line(e.symbol, stable(e.value, definitions)) for e in model.equations if e.name in model.relevant]
    simplifier = Simplifier(model.assumptions)
    forms: dict[Expr, Expr] = {}
    for adjoint in derivation:
        forms[adjoint.symbol] = _without_division(adjoint.named, forms, simplifier)
    backward = [Line(adjoint.symbol, stable(forms[adjoint.symbol], definitions)) for adjoint in derivation]
    gradients: dict[Symbol, Expr] = {
        symbol: derivation.adjoint(symbol.name).symbol for symbol in model.inputs if symbol.name in derivation.gradients
    }
    needed: set[Expr] = {model.loss.symbol, *gradients.values()}
    kept: list[Line] = []
    for line in reversed([*forward, *backward]):
        if line.symbol in needed:
            needed |= symbols_in(line.value)
            kept.insert(0, line)
    ours = {line.symbol for line in forward}
    return Program(
        model,
        tuple(line for line in kept if line.symbol in ours),
        tuple(line for line in kept if line.symbol not in ours),
        gradients,
    )


def _with_known_functions(model: Model) -> Model:
    """The model with 1 / (1 + e^-x) as sigmoid and log(1 + e^x) as softplus: then their slopes cancel and nothing overflows."""

    def known(expr: Expr) -> Expr:
        if not expr.args:
            return expr
        args = tuple(map(known, expr.args))
        if isinstance(expr, Map):
            return fused(_known_shapes(expr.function), args)
        return expr if args == expr.args else expr.rebuilt(args)

    equations = tuple(Equation(e.symbol, known(e.value), e.line) for e in model.equations)
    same = all(new.value is old.value for new, old in zip(equations, model.equations, strict=True))
    return model if same else Model(model.inputs, equations, model.assumptions, model.hypers, model.title)


def _without_division(named: Expr, forms: Mapping[Expr, Expr], simplifier: Simplifier) -> Expr:
    """The line for an adjoint: earlier adjoints are put in where a division by an entry then cancels."""
    dividing: dict[Expr, Expr] = {
        symbol: forms[symbol] for symbol in symbols_in(named) if symbol in forms and divides(forms[symbol])
    }
    if dividing:
        joined = simplifier.simplified(substitute(named, dividing))[0]
        if not divides(joined):
            return joined
    return named


def divides(expr: Expr) -> bool:
    """Whether some entry stands below a fraction line."""
    return any(
        power.exp.is_negative and has_entries(power.base)
        for part in parts_of(expr)
        if isinstance(part, Map)
        for power in part.function.atoms(sympy.Pow)
        if power.exp.is_number
    )


def stable(expr: Expr, definitions: Mapping[Expr, Expr], memo: dict[Expr, Expr] | None = None) -> Expr:
    """The expression with log sigmoid and log softmax taken from their arguments, 1 / (1 + e^-x) as sigmoid(x)."""
    memo = {} if memo is None else memo
    if expr not in memo:
        args = tuple(stable(arg, definitions, memo) for arg in expr.args)
        result = expr if args == expr.args else expr.rebuilt(args)
        memo[expr] = _stable_map(result, definitions) if isinstance(result, Map) else result
    return memo[expr]


def _stable_map(expr: Map, definitions: Mapping[Expr, Expr]) -> Expr:
    function = _known_shapes(expr.function)
    logs = function.atoms(sympy.log)
    args = list(expr.args)
    found: dict[Scalar, Scalar] = {}
    for log in logs:
        inner = log.args[0]
        if inner in _places(args) and (shares := _softmax_of(args[_number(inner)], definitions)) is not None:
            found[log] = _place_of(LogSoftmax(shares.args[0], shares.axis), args)
            continue
        opened = inner.xreplace({p: s for p in _places(args) if (s := _sigmoid_of(p, args, definitions)) is not None})
        if isinstance(opened, sigmoid):
            found[log] = log_sigmoid(opened.args[0])
        elif isinstance(1 - opened, sigmoid):  # 1 - sigmoid(z) = sigmoid(-z)
            found[log] = log_sigmoid(-(1 - opened).args[0])
    function = function.xreplace(found)
    return expr if function == expr.function else fused(function, tuple(args))


def _known_shapes(function: Scalar) -> Scalar:
    """1 / (1 + e^-x) written as sigmoid(x), log(1 + e^x) as softplus(x), however a person wrote them."""

    def exponent(e: Scalar) -> Any:
        if isinstance(e, sympy.Add) and len(e.args) == 2 and e.args[0] == 1 and isinstance(e.args[1], sympy.exp):
            return e.args[1].args[0]
        return None

    def is_sigmoid(e: Scalar) -> bool:
        return isinstance(e, sympy.Pow) and e.exp == -1 and exponent(e.base) is not None

    def is_softplus(e: Scalar) -> bool:
        return isinstance(e, sympy.log) and exponent(e.args[0]) is not None

    if function.has(sympy.exp):
        function = function.replace(is_sigmoid, lambda e: sigmoid(-exponent(e.base)))
        function = function.replace(is_softplus, lambda e: softplus(exponent(e.args[0])))
    return function


def _places(args: list[Expr]) -> list[Scalar]:
    return [placeholder(i) for i in range(len(args))]


def _number(place: Scalar) -> int:
    return int(place.name[1:])


def _place_of(expr: Expr, args: list[Expr]) -> Scalar:
    """The placeholder of an argument, which is added if it is new."""
    if expr not in args:
        args.append(expr)
    return placeholder(args.index(expr))


def _softmax_of(arg: Expr, definitions: Mapping[Expr, Expr]) -> Softmax | None:
    value = definitions.get(arg, arg)
    return value if isinstance(value, Softmax) else None


def _sigmoid_of(place: Scalar, args: list[Expr], definitions: Mapping[Expr, Expr]) -> Scalar | None:
    """sigmoid(...) in placeholders, if that is what the argument stands for."""
    value = definitions.get(args[_number(place)])
    if not isinstance(value, Map):
        return None
    function = _known_shapes(value.function)
    if not isinstance(function, sigmoid):
        return None
    own = {placeholder(i): _place_of(arg, args) for i, arg in enumerate(value.args)}
    return function.xreplace(own)


RESERVED = {
    *keyword.kwlist, "np", "xp", "math", "float", "sum", "max", "min", "abs", "array_namespace", "sigmoid", "log_sigmoid",
    "softplus", "relu", "step", "softmax", "log_softmax", "augment",
}  # fmt: skip
"""Names that generated code uses for itself."""


def code_names(program: Program) -> dict[Any, str]:
    """An identifier for every symbol, size and hyper-parameter: its own name, `dW1` for the gradient of W1, `dZ2_mse` for
    one of a term. Who comes later gives way where two would be alike.
    """
    names: dict[Any, str] = {}
    taken = {*RESERVED, *(f"{k.letter}{'_prime' * k.order}" for k in program.opaque)}

    def give(symbol: Any, wish: str) -> None:
        while wish in taken:
            wish += "_"
        taken.add(wish)
        names[symbol] = wish

    for symbol in program.model.symbols.values():
        give(symbol, symbol.name)
    for hyper in program.model.hypers:
        give(hyper, hyper.name)
    for size in program.model.sizes:
        if not size.isdigit():
            give(size_symbol(size), size)
    for line in program.backward:
        stem, _, term = line.symbol.name.rpartition("_bar")
        give(line.symbol, f"d{stem}{term}" if stem else line.symbol.name)
    return names
