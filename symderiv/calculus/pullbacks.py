"""The pullback of each node kind: from the adjoint of its value to the adjoints of its parts.

Each rule follows from <Ȳ, dY> = Σ <Ā, dA>, where <A, B> is the sum over the entrywise product. A rule gets the adjoint
`Y_bar`, the node and `Y`, a name for the node's value if it has one (so that a slope can use it), and returns the
adjoints of the node's parts in order.
"""

from __future__ import annotations

from collections.abc import Callable

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
from symderiv.calculus.functions import placeholder

Pullback = Callable[[Expr, Expr, Expr], tuple[Expr, ...]]
PULLBACKS: dict[type[Expr], Pullback] = {}


def pullback_of(kind: type[Expr]) -> Callable[[Pullback], Pullback]:
    """Register the decorated rule as the pullback of `kind`."""

    def register(rule: Pullback) -> Pullback:
        PULLBACKS[kind] = rule
        return rule

    return register


@pullback_of(Symbol)
@pullback_of(Fill)
def leaf_pullback(Y_bar: Expr, node: Expr, Y: Expr) -> tuple[Expr, ...]:
    """A name or a constant has no parts."""
    return ()


@pullback_of(MatMul)
def matmul_pullback(Y_bar: Expr, node: Expr, Y: Expr) -> tuple[Expr, ...]:
    """Y = A B  gives  Ā = Ȳ Bᵀ  and  B̄ = Aᵀ Ȳ.

    Shapes: A (n, k), B (k, m), Ȳ (n, m).
    Source: dY = dA B + A dB.
    """
    A, B = node.args
    return Y_bar @ B.T, A.T @ Y_bar


@pullback_of(Transpose)
def transpose_pullback(Y_bar: Expr, node: Expr, Y: Expr) -> tuple[Expr, ...]:
    """Y = Aᵀ  gives  Ā = Ȳᵀ."""
    return (Y_bar.T,)


@pullback_of(Map)
def map_pullback(Y_bar: Expr, node: Expr, Y: Expr) -> tuple[Expr, ...]:
    """Y = f(A, B, ...) entry by entry  gives  Ā = Ȳ ∘ ∂f/∂a, B̄ = Ȳ ∘ ∂f/∂b, ...

    Where f itself occurs in a slope, Y stands for it: sigmoid' = Y (1 - Y).
    """
    assert isinstance(node, Map)
    f, count = node.function, len(node.args)
    seed, value = placeholder(count), placeholder(count + 1)
    parts = (*node.args, Y_bar, Y)
    return tuple(fused(seed * f.diff(placeholder(i)).xreplace({f: value}), parts) for i in range(count))


@pullback_of(Sum)
def sum_pullback(Y_bar: Expr, node: Expr, Y: Expr) -> tuple[Expr, ...]:
    """Y = the sum of A along an axis  gives  Ā = Ȳ repeated along that axis."""
    return (Broadcast(Y_bar, node.args[0].shape),)


@pullback_of(Broadcast)
def broadcast_pullback(Y_bar: Expr, node: Expr, Y: Expr) -> tuple[Expr, ...]:
    """Y = A repeated along an axis  gives  Ā = the sum of Ȳ along that axis: each copy sends its share back."""
    assert isinstance(node, Broadcast)
    for axis in node.axes:
        Y_bar = total(Y_bar, axis)
    return (Y_bar,)


@pullback_of(Softmax)
def softmax_pullback(Y_bar: Expr, node: Expr, Y: Expr) -> tuple[Expr, ...]:
    """Y = softmax(Z) along an axis  gives  Z̄ = Y ∘ (Ȳ - the sum of Ȳ ∘ Y along that axis).

    Source: ∂y_k/∂z_l = y_k (δ_kl - y_l): every output depends on every input of its group.
    """
    assert isinstance(node, Softmax)
    return (apply(lambda y, y_bar, inner: y * (y_bar - inner), Y, Y_bar, Sum(Y_bar * Y, node.axis)),)


@pullback_of(Augment)
def augment_pullback(Y_bar: Expr, node: Expr, Y: Expr) -> tuple[Expr, ...]:
    """Y = A with ones put first  gives  Ā = Ȳ without its first row (column): a constant has no adjoint."""
    assert isinstance(node, Augment)
    return (DropFirst(Y_bar, node.axis),)


@pullback_of(DropFirst)
def drop_first_pullback(Y_bar: Expr, node: Expr, Y: Expr) -> tuple[Expr, ...]:
    """Y = A without its first row (column)  gives  Ā = Ȳ with zeros put first: Augment(Ȳ) minus Augment(0)."""
    assert isinstance(node, DropFirst)
    return (Augment(Y_bar, node.axis) - Augment(Fill(0, Y_bar.shape), node.axis),)
