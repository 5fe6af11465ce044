"""Gradients by the automatic differentiation of PyTorch and JAX, where they are installed: in float64, on the CPU.

A small forward evaluator of its own: one row a node kind, in the functions that both libraries share with NumPy. A
scalar function is evaluated through its definition in primitives, so the slopes are theirs, not ours; softmax is theirs
altogether. Neither library is imported before it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

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
)
from symderiv.calculus.functions import step
from symderiv.calculus.model import Model
from symderiv.oracles.evaluation import Array, Point

Tensor = Any


@dataclass
class TensorPoint(Point):
    """A point whose values are tensors of a library: `xp` is its module of functions, `softmax` its softmax."""

    xp: Any = None
    softmax: Callable[[Tensor, int], Tensor] | None = None

    def primitive(self, kind: type[sympy.Function], x: Tensor) -> Tensor:
        if isinstance(x, (int, float)):
            x = self.xp.asarray(x, dtype=self.xp.float64)
        return PRIMITIVES[kind](self.xp, x)

    def node(self, expr: Expr, *args: Tensor) -> Tensor:
        return FORWARD[type(expr)](self, expr, *args)

    def loss(self, model: Model, values: Mapping[Expr, Tensor]) -> Tensor:
        """The loss, a tensor without axes, when the inputs have these values."""
        moved = TensorPoint(self.sizes, self.hypers, dict(values), 0, self.xp, self.softmax)
        return moved.run(model)[model.loss.symbol].reshape(())


PRIMITIVES: dict[type[sympy.Function], Callable[[Any, Tensor], Tensor]] = {
    sympy.exp: lambda xp, x: xp.exp(x),
    sympy.log: lambda xp, x: xp.log(x),
    sympy.tanh: lambda xp, x: xp.tanh(x),
    sympy.sin: lambda xp, x: xp.sin(x),
    sympy.cos: lambda xp, x: xp.cos(x),
    # Ones and zeros like x, not 1.0 and 0.0: those would be of 32 bits in PyTorch.
    step: lambda xp, x: xp.where(x > 0, xp.ones_like(x), xp.zeros_like(x)),
}
"""Each primitive of the definitions in a library's own functions."""


def _fill(point: TensorPoint, expr: Fill) -> Tensor:
    return point.xp.full(point.shape(expr.shape), float(point.number(expr.value)), dtype=point.xp.float64)


def _softmax(point: TensorPoint, expr: Softmax, z: Tensor) -> Tensor:
    assert point.softmax is not None
    return point.softmax(z, expr.axis)


def _augment(point: TensorPoint, expr: Augment, a: Tensor) -> Tensor:
    ones = point.xp.ones_like(a[:1] if expr.axis == 0 else a[:, :1])
    return point.xp.concatenate([ones, a], axis=expr.axis)


FORWARD: Mapping[type[Expr], Callable[..., Tensor]] = {
    Symbol: lambda point, e: point.values[e],
    Fill: _fill,
    MatMul: lambda point, e, a, b: a @ b,
    Transpose: lambda point, e, a: a.T,
    Map: lambda point, e, *args: point.xp.broadcast_to(point.scalar(e.function, list(args)), tuple(args[0].shape)),
    Sum: lambda point, e, a: point.xp.sum(a, axis=e.axis, keepdims=True),
    Broadcast: lambda point, e, a: point.xp.broadcast_to(a, point.shape(e.shape)),
    Softmax: _softmax,
    Augment: _augment,
    DropFirst: lambda point, e, a: a[1:] if e.axis == 0 else a[:, 1:],
}


def torch_gradients(model: Model, point: Point, wrt: Sequence[Symbol]) -> dict[Symbol, Array]:
    """dJ/dW for every W by `torch.autograd`.

    Raises: ImportError where PyTorch is not installed.
    """
    import torch

    tensors = TensorPoint(point.sizes, point.hypers, {}, 0, torch, lambda z, axis: torch.softmax(z, dim=axis))
    values: dict[Expr, Tensor] = {
        s: torch.tensor(point.values[s], dtype=torch.float64, requires_grad=s in wrt) for s in model.inputs
    }
    found = torch.autograd.grad(tensors.loss(model, values), [values[s] for s in wrt], materialize_grads=True)
    return {symbol: gradient.numpy() for symbol, gradient in zip(wrt, found, strict=True)}


def jax_gradients(model: Model, point: Point, wrt: Sequence[Symbol]) -> dict[Symbol, Array]:
    """dJ/dW for every W by `jax.grad`. 64 bits are switched on for this call alone.

    Raises: ImportError where JAX is not installed.
    """
    import jax
    import numpy as np

    home = jax if hasattr(jax, "enable_x64") else import_module("jax.experimental")  # where it was before 0.8
    with home.enable_x64(True):
        softmax = jax.nn.softmax
        tensors = TensorPoint(point.sizes, point.hypers, {}, 0, jax.numpy, lambda z, axis: softmax(z, axis=axis))
        values: dict[Expr, Tensor] = {
            s: jax.numpy.asarray(point.values[s], dtype=jax.numpy.float64) for s in model.inputs
        }

        def loss(moved: list[Tensor]) -> Tensor:
            return tensors.loss(model, {**values, **dict(zip(wrt, moved, strict=True))})

        found = jax.jit(jax.grad(loss))([values[s] for s in wrt])  # compiled as one: faster than node by node
        return {symbol: np.asarray(gradient) for symbol, gradient in zip(wrt, found, strict=True)}
