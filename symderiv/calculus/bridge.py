"""To SymPy's matrix expressions and back.

An edge format for people who work on in SymPy, never used inside: SymPy's matrix expressions do not check symbolic
sizes and do not cancel elementwise products.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import sympy
from sympy.matrices.expressions.applyfunc import ElementwiseApplyFunction

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
)
from symderiv.calculus.formats import writer
from symderiv.calculus.functions import Scalar, placeholder
from symderiv.calculus.shapes import ONE, SCALAR, Size
from symderiv.errors import ModelError


@writer(Expr, "sympy")
def to_sympy(expr: Expr) -> sympy.Expr:
    """The expression as a SymPy matrix expression (a 1 x 1 matrix stays a matrix)."""
    return _TO_SYMPY[type(expr)](expr, *map(to_sympy, expr.args))


def _ones(rows: Size, columns: Size) -> sympy.MatrixExpr:
    return sympy.OneMatrix(rows.to_sympy(), columns.to_sympy())


def _summed(matrix: sympy.Expr, shape: tuple[Size, Size], axis: int) -> sympy.Expr:
    return _ones(ONE, shape[0]) * matrix if axis == 0 else matrix * _ones(shape[1], ONE)


def _repeated(matrix: sympy.Expr, shape: tuple[Size, Size], axes: tuple[int, ...]) -> sympy.Expr:
    for axis in axes:
        matrix = _ones(shape[0], ONE) * matrix if axis == 0 else matrix * _ones(ONE, shape[1])
    return matrix


def _map(expr: Map, *args: sympy.Expr) -> sympy.Expr:
    """Sums, entrywise products and functions of one matrix: what SymPy can say of elementwise work."""
    matrices = {placeholder(i): arg for i, arg in enumerate(args)}

    def convert(scalar: Scalar) -> sympy.Expr:
        if scalar in matrices:
            return matrices[scalar]
        if not scalar.free_symbols & matrices.keys():
            return scalar * _ones(*expr.shape)
        if isinstance(scalar, sympy.Add):
            return sympy.MatAdd(*map(convert, scalar.args)).doit()
        if isinstance(scalar, sympy.Mul):
            constant, rest = scalar.as_independent(*matrices, as_Add=False)
            factors = [convert(factor) for factor in sympy.Mul.make_args(rest)]
            return constant * (factors[0] if len(factors) == 1 else sympy.HadamardProduct(*factors))
        x = sympy.Dummy("x", real=True)
        inner = scalar.args[0]
        function = sympy.Lambda(x, scalar.func(x, *scalar.args[1:]))
        return ElementwiseApplyFunction(function, convert(inner))

    return convert(expr.function)


def _softmax(expr: Softmax, z: sympy.Expr) -> sympy.Expr:
    x = sympy.Dummy("x", real=True)
    e = ElementwiseApplyFunction(sympy.Lambda(x, sympy.exp(x)), z)
    sums = _repeated(_summed(e, expr.shape, expr.axis), expr.shape, (expr.axis,))
    return sympy.HadamardProduct(e, ElementwiseApplyFunction(sympy.Lambda(x, 1 / x), sums))


def _augment(expr: Augment, matrix: sympy.Expr) -> sympy.Expr:
    rows, columns = expr.args[0].shape
    blocks = [[_ones(ONE, columns)], [matrix]] if expr.axis == 0 else [[_ones(rows, ONE), matrix]]
    return sympy.BlockMatrix(blocks)


def _drop_first(expr: DropFirst, matrix: sympy.Expr) -> sympy.Expr:
    return matrix[1:, :] if expr.axis == 0 else matrix[:, 1:]


_TO_SYMPY: Mapping[type[Expr], Callable[..., sympy.Expr]] = {
    Symbol: lambda e: sympy.MatrixSymbol(e.name, *(size.to_sympy() for size in e.shape)),
    Fill: lambda e: e.value * _ones(*e.shape),
    MatMul: lambda e, a, b: sympy.MatMul(a, b),
    Transpose: lambda e, a: sympy.Transpose(a),
    Map: _map,
    Sum: lambda e, a: _summed(a, e.args[0].shape, e.axis),
    Broadcast: lambda e, a: _repeated(a, e.shape, e.axes),
    Softmax: _softmax,
    Augment: _augment,
    DropFirst: _drop_first,
}


def from_sympy(matrix: sympy.Expr, roles: Mapping[str, str] | None = None) -> Expr:
    """A SymPy matrix expression in our language; `roles` gives the role of a symbol by name ('value' otherwise).

    Reads sums, products, entrywise products and powers, elementwise functions, transposes, ones and zeros.
    Raises: ModelError for anything else; ShapeError where SymPy had let unequal symbolic sizes pass.
    """
    roles = roles or {}

    def convert(m: Any) -> Expr:
        match m:
            case sympy.MatrixSymbol():
                return Symbol(m.name, (_size(m.shape[0]), _size(m.shape[1])), roles.get(m.name, "value"))
            case sympy.MatAdd():
                return apply(sympy.Add, *map(convert, m.args))
            case sympy.MatMul():
                scalar, factors = m.as_coeff_matrices()
                product = convert(factors[0])
                for factor in factors[1:]:
                    product = product @ convert(factor)
                return scalar * product if scalar != 1 else product
            case sympy.HadamardProduct():
                return apply(sympy.Mul, *map(convert, m.args))
            case sympy.HadamardPower():
                return apply(lambda x: x**m.exp, convert(m.base))
            case sympy.MatPow() if m.shape == (1, 1):
                return apply(lambda x: x**m.exp, convert(m.base))
            case ElementwiseApplyFunction():
                return apply(m.function, convert(m.expr))
            case sympy.Transpose():
                return convert(m.arg).T
            case sympy.OneMatrix() | sympy.ZeroMatrix():
                return Fill(int(isinstance(m, sympy.OneMatrix)), (_size(m.shape[0]), _size(m.shape[1])))
        if isinstance(m, sympy.Expr) and not getattr(m, "is_Matrix", False):
            return Fill(m, SCALAR)
        raise ModelError(f"cannot read a SymPy {type(m).__name__}", "write it with sums, products and applyfunc")

    return convert(matrix)


def _size(size: sympy.Expr) -> Size:
    offset, rest = sympy.sympify(size).as_coeff_Add()
    if rest == 0:
        return Size("", int(offset))
    if not (rest.is_Symbol and offset.is_Integer):
        raise ModelError(f"cannot use {size} as a size", "a size is a name, a number, or a name plus a number")
    return Size(rest.name, int(offset))
