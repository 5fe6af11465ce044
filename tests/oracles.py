"""Ways to the truth that use nothing of the derivation: differences of the forward value, and SymPy on one nested formula."""

from __future__ import annotations

import numpy as np
import sympy

from symderiv.calculus.expressions import Symbol
from symderiv.calculus.functions import step
from symderiv.oracles.evaluation import EVALUATE, Point
from symderiv.oracles.gradients import explicit_network


def pullback_error(rule, node, point: Point, seed: int = 0) -> float:
    """The largest error of a pullback: <Ȳ, dY> against <Ā, dA>, with dY by central differences of the node's value."""
    rng = np.random.default_rng(seed)
    args = [point.evaluate(arg) for arg in node.args]
    Y_bar = Symbol("Y_bar", node.shape, "adjoint")
    Y = Symbol("Y", node.shape, "value")
    point.values[Y_bar] = rng.normal(size=point.shape(node.shape))
    point.values[Y] = point.evaluate(node)
    worst = 0.0
    for part, adjoint in enumerate(rule(Y_bar, node, Y)):
        if adjoint.shape != node.args[part].shape:
            return float("inf")
        direction = rng.normal(size=args[part].shape)
        h = 1e-5
        sides = []
        for sign in (1, -1):
            moved = list(args)
            moved[part] = args[part] + sign * h * direction
            sides.append((point.values[Y_bar] * EVALUATE[type(node)](point, node, *moved)).sum())
        truth = (sides[0] - sides[1]) / (2 * h)
        found = (point.evaluate(adjoint) * direction).sum()
        worst = max(worst, abs(found - truth) / max(abs(truth), 1e-3))
    return worst


def central_differences(model, point: Point, wrt: Symbol) -> np.ndarray:
    """dJ/dW entry by entry, good to about 1e-8."""
    h = 1e-6
    base = point.values[wrt]
    result = np.zeros(base.shape)
    for place in np.ndindex(base.shape):
        sides = []
        for sign in (1, -1):
            shifted = base.copy()
            shifted[place] += sign * h
            moved = Point(point.sizes, point.hypers, {**point.values, wrt: shifted})
            sides.append(moved.run(model)[model.loss.symbol].item())
        result[place] = (sides[0] - sides[1]) / (2 * h)
    return result


def nested_sympy(model, point: Point, wrt: Symbol) -> np.ndarray:
    """dJ/dW by SymPy's `diff` of the whole loss as one formula in the entries of `wrt`; all else numbers."""
    formulas, names = explicit_network(model, point)
    values: dict[sympy.Symbol, sympy.Expr] = {}
    own = {name for row in names[wrt] for name in row}
    for symbol, array in point.values.items():
        for i, j in np.ndindex(array.shape):
            name = names[symbol][i][j]
            values[name] = name if name in own else sympy.Float(float(array[i, j]), 30)
    for name, formula in formulas:
        values[name] = formula.xreplace(values)
    loss = values[names[model.loss.symbol][0][0]]
    numbers = {names[wrt][i][j]: sympy.Float(float(x), 30) for (i, j), x in np.ndenumerate(point.values[wrt])}
    result = np.zeros(point.values[wrt].shape)
    for i, j in np.ndindex(result.shape):
        slope = sympy.diff(loss, names[wrt][i][j]).xreplace(numbers)
        result[i, j] = float(slope.replace(step, lambda x: sympy.Integer(1 if x > 0 else 0)))
    return result


def doubled(rule):
    """A pullback with a factor 2 planted in it."""

    def planted(Y_bar, node, Y):
        return tuple(2 * adjoint for adjoint in rule(Y_bar, node, Y))

    planted.__name__ = rule.__name__
    return planted
