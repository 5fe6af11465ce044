"""Algebraic disguises of a formula, and formulas that are false: random rewrites of trees, each confirmed by numbers.

A disguise is a chain of identities; a mutant has one thing wrong and is kept only if its value differs from the truth at two
points with different sizes.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from .textbook_models import MODELS, Slope, Textbook, point
from .trees import (
    ONE,
    SCALAR,
    TWO,
    Add,
    Div,
    Fn,
    Had,
    Mat,
    Neg,
    Node,
    Nonconforming,
    Num,
    Ones,
    Pow,
    Scale,
    Shape,
    Size,
    T,
    Var,
    minus,
    number,
    parts,
    places,
    rebuilt,
    replaced,
    shape_of,
)  # fmt: skip

MOST_NODES = 90
Shapes = Mapping[str, Shape]
Rewrite = Callable[[Node, Shapes, random.Random], Node | None]


# --- slopes, written out ---


def slope_forms(slope: Slope) -> dict[str, Node]:
    """The ways to write the slope of an activation, by name."""
    z, a = slope.z, slope.a
    e = Fn("exp", Neg(z))
    if slope.kind == "sigmoid":
        s = Fn("sigmoid", z)
        return {
            "a(1-a)": Had(a, minus(ONE, a)), "a-a^2": minus(a, Pow(a, 2)), "prime": Fn("sigmoid'", z), "s(1-s)": Had(s, minus(ONE, s)),
            "exponentials": Div(e, Pow(Add(ONE, e), 2)), "s-s^2": minus(s, Pow(s, 2)), "(1-a)a": Had(minus(ONE, a), a),
            "partial fractions": minus(Div(ONE, Add(ONE, e)), Div(ONE, Pow(Add(ONE, e), 2))), "mirrored": Had(s, Fn("sigmoid", Neg(z))),
            "by tanh": Scale(number(Fraction(1, 4)), minus(ONE, Pow(Fn("tanh", Scale(number(Fraction(1, 2)), z)), 2))),
        }  # fmt: skip
    p, q = Fn("exp", z), Fn("exp", Neg(z))
    return {
        "1-a^2": minus(ONE, Pow(a, 2)), "(1-a)(1+a)": Had(minus(ONE, a), Add(ONE, a)), "prime": Fn("tanh'", z), "sech": Pow(Fn("sech", z), 2),
        "1-tanh^2": minus(ONE, Pow(Fn("tanh", z), 2)), "1-aa": minus(ONE, Had(a, a)), "4/()": Div(number(4), Pow(Add(p, q), 2)),
        "exponentials": minus(ONE, Pow(Div(minus(p, q), Add(p, q)), 2)),
    }  # fmt: skip


def written_out(tree: Node, rng: random.Random) -> Node:
    """The tree with every slope in one of its forms, often the usual one."""
    if isinstance(tree, Slope):
        forms = slope_forms(tree)
        return forms[rng.choice(list(forms)) if rng.random() < 0.6 else next(iter(forms))]
    return rebuilt(tree, {name: written_out(part, rng) for name, part in parts(tree).items()})


# --- identities ---


def reassociate(node: Node, shapes: Shapes, rng: random.Random) -> Node | None:
    match node:
        case Mat(Mat(a, b), c):
            return Mat(a, Mat(b, c))
        case Mat(a, Mat(b, c)):
            return Mat(Mat(a, b), c)
        case Had(Had(a, b), c):
            return Had(a, Had(b, c))
        case Had(a, Had(b, c)):
            return Had(Had(a, b), c)
        case Add(Add(a, b), c):
            return Add(a, Add(b, c))
    return None


def distribute(node: Node, shapes: Shapes, rng: random.Random) -> Node | None:
    """Over sums; a number among the terms has no place in a matrix product."""
    match node:
        case Mat(Add(a, b), c) if _is_matrix(a, shapes) and _is_matrix(b, shapes):
            return Add(Mat(a, c), Mat(b, c))
        case Mat(c, Add(a, b)) if _is_matrix(a, shapes) and _is_matrix(b, shapes):
            return Add(Mat(c, a), Mat(c, b))
        case Had(Add(a, b), c) if _is_matrix(c, shapes):
            return Add(_times(a, c, shapes), _times(b, c, shapes))
        case Had(c, Add(a, b)) if _is_matrix(c, shapes):
            return Add(_times(a, c, shapes), _times(b, c, shapes))
        case Scale(c, Add(a, b)) if _is_matrix(a, shapes) and _is_matrix(b, shapes):
            return Add(Scale(c, a), Scale(c, b))
        case Mat(Neg(a), b) | Mat(a, Neg(b)):
            return Neg(Mat(a, b))
        case Had(Neg(a), b) | Had(a, Neg(b)):
            return Neg(Had(a, b))
        case Scale(c, Neg(a)):
            return Neg(Scale(c, a))
    return None


def _is_matrix(node: Node, shapes: Shapes) -> bool:
    return shape_of(node, shapes) is not None


def _times(a: Node, c: Node, shapes: Shapes) -> Node:
    if a == ONE:
        return c
    if isinstance(a, Neg):
        return Neg(_times(a.body, c, shapes))
    return Had(a, c) if _is_matrix(a, shapes) else Scale(a, c)


def commute(node: Node, shapes: Shapes, rng: random.Random) -> Node | None:
    match node:
        case Had(a, b):
            return Had(b, a)
        case Add(a, b) if not isinstance(b, Neg) and not isinstance(a, Neg):
            return Add(b, a)
        case Add(a, Neg(b)):
            return Neg(Add(b, Neg(a))) if rng.random() < 0.7 else Add(Neg(b), a)
        case Mat(a, b) if shape_of(b, shapes) == SCALAR and shape_of(a, shapes) != SCALAR:
            return Scale(b, a)
        case Mat(a, b) if shape_of(a, shapes) == SCALAR == shape_of(b, shapes):
            return Mat(b, a)
    return None


def move_number(node: Node, shapes: Shapes, rng: random.Random) -> Node | None:
    """A number or a 1 x 1 factor to another place: 1/n, 2."""
    match node:
        case Scale(c, Mat(a, b)) if not isinstance(b, Scale) and not isinstance(a, Scale):
            return Mat(a, Scale(c, b)) if rng.random() < 0.5 else Mat(Scale(c, a), b)
        case Mat(Scale(c, a), b) | Mat(a, Scale(c, b)):
            return Scale(c, Mat(a, b))
        case Scale(c, Had(a, b)):
            return (
                Had(a, Scale(c, b))
                if rng.random() < 0.5 and _is_matrix(b, shapes)
                else Had(Scale(c, a), b)
                if _is_matrix(a, shapes)
                else None
            )
        case Had(Scale(c, a), b) | Had(a, Scale(c, b)):
            return Scale(c, Had(a, b))
        case Scale(Div(c, Size(n)), body) if c == ONE:
            return Div(body, Size(n))
        case Div(body, Size(n)) if _is_matrix(body, shapes):
            return Scale(Div(ONE, Size(n)), body)
        case Scale(Num(value), body) if value.denominator == 1 and _is_matrix(body, shapes) and value == 2:
            return Add(body, body)
    return None


def turn(node: Node, shapes: Shapes, rng: random.Random) -> Node | None:
    """(A B)^T = B^T A^T, one way or the other; twice transposed."""
    match node:
        case T(T(a)):
            return a
        case T(Mat(a, b)):
            return Mat(T(b), T(a))
        case Mat(T(a), T(b)):
            return T(Mat(b, a))
        case T(Had(a, b)):
            return Had(T(a), T(b))
        case T(Add(a, b)) if _is_matrix(a, shapes) and _is_matrix(b, shapes):
            return Add(T(a), T(b))
        case Mat(a, b):
            return T(Mat(_turned(b), _turned(a)))
        case Var() | Had():
            return T(T(node)) if rng.random() < 0.3 and shape_of(node, shapes) != SCALAR else None
    return None


def _turned(node: Node) -> Node:
    if isinstance(node, Ones):
        return Ones(node.size, not node.row)
    return node.body if isinstance(node, T) else T(node)


def negate_twice(node: Node, shapes: Shapes, rng: random.Random) -> Node | None:
    match node:
        case Neg(Neg(a)):
            return a
        case Mat(a, b):
            return Neg(Mat(Neg(a), b)) if rng.random() < 0.5 else Mat(Neg(a), Neg(b))
        case Had(a, b) if _is_matrix(a, shapes):
            return Had(Neg(a), Neg(b))
        case Add(a, Neg(b)):
            return Neg(Add(b, Neg(a)))
    return None


def multiply_by_one(node: Node, shapes: Shapes, rng: random.Random) -> Node | None:
    """By p/p with p > 0 everywhere, or plus and minus the same."""
    if not isinstance(node, Var | Had) or shape_of(node, shapes) is None:
        return None
    alike = [k for k in shapes if shapes[k] == shape_of(node, shapes) and k not in ("L", "J", "E", "l", "f")]
    if not alike:
        return None
    z: Node = Var(rng.choice(alike))
    positive = rng.choice((Add(ONE, Pow(z, 2)), Fn("exp", z), Fn("sigmoid", z)))
    match rng.randrange(4):
        case 0:
            return Had(node, Div(positive, positive))
        case 1:
            return Div(Had(node, positive), positive)
        case 2:
            return minus(Add(node, z), z)
    return Had(node, Had(Fn("exp", z), Fn("exp", Neg(z))))


def function_identity(node: Node, shapes: Shapes, rng: random.Random) -> Node | None:
    match node:
        case Fn("sigmoid", z):
            e = Fn("exp", Neg(z))
            return rng.choice(
                (Div(ONE, Add(ONE, e)), Div(Fn("exp", z), Add(Fn("exp", z), ONE)), minus(ONE, Fn("sigmoid", Neg(z))))
            )
        case Fn("tanh", z):
            p, q = Fn("exp", z), Fn("exp", Neg(z))
            return rng.choice((Div(minus(p, q), Add(p, q)), minus(Scale(TWO, Fn("sigmoid", Scale(TWO, z))), ONE)))
        case Pow(a, 2):
            return Had(a, a)
        case Had(a, b) if a == b:
            return Pow(a, 2)
    return None


IDENTITIES: dict[str, Rewrite] = {
    f.__name__: f
    for f in (reassociate, distribute, commute, move_number, turn, negate_twice, multiply_by_one, function_identity)
}  # fmt: skip


@dataclass(frozen=True)
class Formula:
    """A right side for d loss / d wrt of a model, and what was done to it."""

    model: Textbook
    wrt: str
    tree: Node
    done: tuple[str, ...]
    strict: bool = False  # wrong only where the document states shapes: a transpose or an order is not right


def by_definition(model: Textbook, tree: Node, rng: random.Random) -> Node | None:
    """One name replaced by its definition."""
    found = [(path, node) for path, node in places(tree) if isinstance(node, Var) and node.name in model.defined]
    if not found:
        return None
    path, node = rng.choice(found)
    return replaced(tree, path, model.defined[node.name])


def rewritten(model: Textbook, tree: Node, rng: random.Random) -> tuple[str, Node] | None:
    """One random identity at one random place; None if it does not apply there."""
    if rng.random() < 0.08:
        new = by_definition(model, tree, rng)
        return None if new is None else ("definition", new)
    path, node = rng.choice(list(places(tree)))
    name = rng.choice(list(IDENTITIES))
    made = IDENTITIES[name](node, model.shapes, rng)
    return None if made is None else (name, replaced(tree, path, made))


def disguise(model: Textbook, tree: Node, rng: random.Random, steps: int) -> tuple[Node, tuple[str, ...]]:
    """Several identities one after the other."""
    done: list[str] = []
    for _ in range(20 * steps):
        if len(done) == steps:
            break
        made = rewritten(model, tree, rng)
        if made is not None and len(list(places(made[1]))) <= MOST_NODES:
            done.append(made[0])
            tree = made[1]
    return tree, tuple(done)


def right_answer(name: str, wrt: str, rng: random.Random) -> Formula:
    """A true formula in disguise; confirmed by numbers."""
    model = MODELS[name]
    start = model.through[wrt] if wrt in model.through and rng.random() < 0.15 else model.gradients[wrt]
    tree, done = disguise(model, written_out(start, rng), rng, rng.randint(1, 7))
    assert error(model, wrt, tree) < 1e-9, (name, wrt, tree, done)
    return Formula(model, wrt, tree, done)


def error(model: Textbook, wrt: str, tree: Node) -> float:
    """How far a formula is from the derivative, relatively: the smaller of two points; infinite if its shape is another."""
    shape = shape_of(tree, model.shapes)
    if shape != model.shapes[wrt] and not (shape is None and model.shapes[wrt] == SCALAR):
        return float("inf")
    errors = []
    for which in (0, 1):
        at = point(model.name, which)
        truth = at.grads[wrt]
        errors.append(float(np.max(np.abs(at.of(tree) - truth)) / np.max(np.abs(truth))))
    return min(errors)


# --- mistakes ---


def drop_factor(node: Node, shapes: Shapes, rng: random.Random) -> Node | None:
    match node:
        case Had(a, b) | Mat(a, b):
            return rng.choice((a, b))
    return None


def flip_sign(node: Node, shapes: Shapes, rng: random.Random) -> Node | None:
    match node:
        case Add(a, Neg(b)):
            return Add(a, b)
        case Add(a, b):
            return minus(a, b)
        case Mat() | Scale() | Had():
            return Neg(node)
    return None


def slip_constant(node: Node, shapes: Shapes, rng: random.Random) -> Node | None:
    """A constant factor that is off by much or by a millionth."""
    if not isinstance(node, Mat | Had | Scale):
        return None
    by = rng.choice(("1.5", "2", "1/2", "1.000001", "0.999999", "3"))
    return Scale(Num(Fraction(by), by), node)


def lose_mean(node: Node, shapes: Shapes, rng: random.Random) -> Node | None:
    match node:
        case Scale(Div(c, Size()), body) if c == ONE:
            return body
    return None


def take_mean_twice(node: Node, shapes: Shapes, rng: random.Random) -> Node | None:
    match node:
        case Scale(Div(_, Size(n)), _):
            return Scale(Div(ONE, Size(n)), node)
    return None


def transpose_other(node: Node, shapes: Shapes, rng: random.Random) -> Node | None:
    match node:
        case T(a):
            return a
        case Mat(a, b):
            return Mat(T(a), b) if rng.random() < 0.5 else Mat(a, T(b))
    return None


def take_other_name(node: Node, shapes: Shapes, rng: random.Random) -> Node | None:
    """Another quantity, preferably of the same shape: a wrong layer."""
    if not isinstance(node, Var):
        return None
    alike = [k for k in shapes if k != node.name and shapes[k] == shapes[node.name]]
    others = [k for k in shapes if k != node.name and shapes[k] != SCALAR]
    pool = alike if alike and rng.random() < 0.8 else others
    return Var(rng.choice(pool)) if pool else None


def product_for_product(node: Node, shapes: Shapes, rng: random.Random) -> Node | None:
    """A matrix product for an elementwise one or the reverse."""
    match node:
        case Mat(a, b):
            return Had(a, b)
        case Had(a, b):
            return Mat(a, b)
    return None


def sum_missing(node: Node, shapes: Shapes, rng: random.Random) -> Node | None:
    match node:
        case Mat(a, Ones()) | Mat(Ones(), a):
            return a
    return None


MISTAKES: dict[str, Rewrite] = {
    f.__name__: f
    for f in (
        drop_factor, flip_sign, slip_constant, lose_mean, take_mean_twice, transpose_other, take_other_name, product_for_product, sum_missing,
    )
}  # fmt: skip
SLOPES = (
    "missing-slope",
    "slope-twice",
    "function-for-slope",
    "slope-of-other-function",
    "slope-at-activation",
    "slope-at-other-layer",
)


def slope_mistake(slope: Slope, kind: str, model: Textbook) -> Node | None:
    """A wrong slope, or what stands in its place; None where it cannot be."""
    right = next(iter(slope_forms(slope).values()))
    match kind:
        case "slope-twice":
            return Had(right, right)
        case "function-for-slope":
            return Fn(slope.kind, slope.z)
        case "slope-of-other-function":
            other = "tanh" if slope.kind == "sigmoid" else "sigmoid"
            return next(iter(slope_forms(Slope(other, slope.z, slope.a)).values()))
        case "slope-at-activation":
            return Fn(slope.kind + "'", slope.a)
        case "slope-at-other-layer":
            shapes = model.shapes
            others = [
                k
                for k in shapes
                if isinstance(slope.z, Var) and shapes[k] == shapes[slope.z.name] and Var(k) not in (slope.z, slope.a)
            ]
            return Fn(slope.kind + "'", Var(others[0])) if others else None
    return None


def with_slope_mistake(model: Textbook, tree: Node, rng: random.Random) -> tuple[str, Node] | None:
    """One slope of a tree done wrong."""
    kind = rng.choice(SLOPES)
    found = [(path, node) for path, node in places(tree) if isinstance(node, Slope)]
    if not found:
        return None
    path, slope = rng.choice(found)
    if kind == "missing-slope":
        above = dict(places(tree)).get(path[:-1])
        if not isinstance(above, Had):
            return None
        return kind, replaced(tree, path[:-1], above.left if path[-1] == "right" else above.right)
    made = slope_mistake(slope, kind, model)
    return None if made is None else (kind, replaced(tree, path, made))


def with_mistake(model: Textbook, tree: Node, rng: random.Random) -> tuple[str, Node] | None:
    """One mistake somewhere in a tree whose slopes are still to be written; None if it does not apply."""
    if rng.random() < 0.3:
        return with_slope_mistake(model, tree, rng)
    name = rng.choice(list(MISTAKES))
    path, node = rng.choice([(p, n) for p, n in places(tree)])
    if isinstance(node, Slope):
        return None
    try:
        made = MISTAKES[name](node, model.shapes, rng)
    except Nonconforming:
        return None
    return None if made is None else (name, replaced(tree, path, made))


def wrong_answer(name: str, wrt: str, rng: random.Random) -> Formula | None:
    """A formula that is false at two points, or does not conform; sometimes disguised a little. None if none was found."""
    model = MODELS[name]
    for _ in range(200):
        made = with_mistake(model, model.gradients[wrt], rng)
        if made is None:
            continue
        kind, tree = made[0], written_out(made[1], rng)
        try:
            tree, done = disguise(model, tree, rng, rng.choice((0, 0, 1, 2)))
            far = error(model, wrt, tree)
        except Nonconforming:
            if name in BATCHES and _is_about_order(kind, made[1]):
                return Formula(model, wrt, tree, (kind + " (does not conform)",), strict=True)
            continue
        if far > 1e-7 and (far < float("inf") or not _is_turned(model, wrt, tree)):
            return Formula(model, wrt, tree, (kind, *done))
    return None


BATCHES = ("binary-classification", "two-gaussians")  # every product has only one order here, nothing is 1 x 1


def _is_about_order(kind: str, tree: Node) -> bool:
    """Whether it is a transpose, or an elementwise sign for a matrix product; the reverse is mere notation."""
    return kind == "transpose_other" or (
        kind == "product_for_product" and not any(_multiplies_slope(n) for _, n in places(tree))
    )


def _multiplies_slope(node: Node) -> bool:
    return isinstance(node, Mat) and (
        isinstance(node.left, Slope) or isinstance(node.right, Slope) or _is_error_share(node)
    )


def _is_error_share(node: Mat) -> bool:
    return node.left == Var("A2") or node.right == Var("A2")


def _is_turned(model: Textbook, wrt: str, tree: Node) -> bool:
    """Whether it is the whole right answer, transposed: that is notation."""
    at = point(model.name, 0)
    value, truth = at.of(tree), at.grads[wrt]
    return value.shape == truth.shape[::-1] and bool(np.allclose(value.T, truth))
