"""Mistakes as edits of the tree of a right line. Whether the result is really false is decided by numbers, not here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from .expressions import (
    Act,
    Add,
    Coefficient,
    Expr,
    Grad,
    Had,
    Key,
    Mul,
    Name,
    Neg,
    One,
    Scale,
    Slope,
    Stranger,
    T,
    Total,
    minus,
    nodes,
    replace_first,
    scaled,
)
from .networks import Network


@dataclass(frozen=True)
class Slip:
    """An edited line: the main code, all codes that fit, and the verdict that it earns."""

    tag: str
    codes: tuple[str, ...]
    expr: Expr
    verdict: str = "wrong"


def slips(net: Network, key: Key, expr: Expr, strict: bool, code: bool, named_only: bool) -> Iterator[Slip]:
    """Every mistake that can be made in `expr`, the right side for dL/dkey."""
    for node in nodes(expr):
        for slip in _of_node(net, key, expr, node, strict, code):
            if not (named_only and slip.tag == "missing-mean-factor"):
                yield slip
    yield from _of_whole(net, key, expr, named_only, code)


def _of_node(net: Network, key: Key, expr: Expr, node: Expr, strict: bool, code: bool) -> Iterator[Slip]:
    def at(tag: str, *codes: str, new: Expr, verdict: str = "wrong") -> Slip:
        return Slip(tag, (tag, *codes), replace_first(expr, node, new), verdict)

    sloppy = "wrong" if strict else "notation"
    match node:
        case Had(left, Slope() as slope) | Had(Slope() as slope, left):
            yield at(
                "missing-slope", "dropped-chain-factor", *(["other-loss"] if slope.layer == net.depth else []), new=left
            )
            yield at("slope-twice", *(["other-loss"] if slope.layer == net.depth else []), new=Had(node, slope))
            if code:
                yield at("matmul-for-elementwise", "elementwise-for-matmul", new=Mul(left, slope))
        case Slope(layer, where, False):
            yield at("function-for-slope", "wrong-variable", new=Act(layer, where))
            yield at("slope-at-wrong-argument", "wrong-variable", new=Slope(layer, where, True))
            for other in (where - 1, where + 1):
                if 1 <= other <= net.depth:
                    yield at("slope-at-wrong-argument", "wrong-layer", "wrong-variable", new=Slope(layer, other))
        case T(body):
            yield at("missing-transpose", "swapped-factors", new=body, verdict=sloppy)
        case Mul(left, right):
            yield at("swapped-factors", "missing-transpose", new=Mul(right, left), verdict=sloppy)
            for kept, lost in ((left, right), (right, left)):
                if any(
                    isinstance(n, Name) and n.key[0] in "WA" and n.key != ("A", net.depth) for n in nodes(lost)
                ) and not isinstance(lost, Had):
                    extra = ["wrong-left-hand-side"] if key[0] in "WA" else []
                    yield at("dropped-chain-factor", *extra, new=kept)
            if code:
                yield at("matmul-for-elementwise", "elementwise-for-matmul", new=Had(left, right))
            if not strict and key[0] == "W" and node == expr:
                yield at("swapped-factors", "missing-transpose", new=Mul(_flip(right), _flip(left)), verdict="notation")
        case Name(("W", l)):
            for other in (l - 1, l + 1):
                if 1 <= other <= net.depth:
                    yield at("wrong-layer", "wrong-weight", "wrong-variable", new=Name(("W", other)))
        case Name(("A", l)):
            for other in (l - 1, l + 1):
                if 0 <= other <= net.depth:
                    yield at("wrong-layer", "wrong-variable", new=Name(("A", other)))
            if l >= 1:
                yield at("wrong-variable", new=Name(("Z", l)))
        case Grad((kind, l)):
            for other in (l - 1, l + 1):
                if 1 <= other <= net.depth and (kind, other) != key:
                    yield at("wrong-layer", "wrong-variable", new=Grad((kind, other)))
        case Total(body, False):
            yield at("missing-batch-sum", new=body)
            if key[1] < net.depth:
                yield at("summed-over-everything", new=Total(body, True))
        case Scale(by, body) if by.per_sample and not by.letter:
            yield at("missing-mean-factor", new=scaled(replace(by, per_sample=False), body))
        case Add(left, Neg(right)) if left == Name(("A", net.depth)) and right == Name(("Y", 0)):
            yield at("sign", new=minus(right, left))


def _flip(expr: Expr) -> Expr:
    return expr.body if isinstance(expr, T) else T(expr)


def _of_whole(net: Network, key: Key, expr: Expr, named_only: bool, code: bool) -> Iterator[Slip]:
    kind, l = key
    yield Slip("sign", ("sign",), Neg(expr))
    if not named_only:
        yield Slip("constant-factor", ("constant-factor", "other-loss"), _doubled(expr))
        first = expr
        while isinstance(first, Had | Mul):
            first = first.left
        if isinstance(first, Scale) and first.by.number != 1:
            lost = scaled(replace(first.by, number=first.by.number / first.by.number), first.body)
            yield Slip("constant-factor", ("constant-factor", "other-loss"), replace_first(expr, first, lost))
        if net.coefficient.per_sample and kind in "Wb":
            yield Slip("repeated-mean-factor", ("repeated-mean-factor",), Scale(Coefficient(per_sample=True), expr))
    if key == ("Z", net.depth):
        a = Name(("A", l))
        if net.activations[-1] == "softmax":
            diagonal = Had(minus(a, Name(("Y", 0))), Had(a, minus(One(), a)))
            yield Slip(
                "softmax-diagonal",
                ("softmax-diagonal", "other-loss", "slope-twice"),
                Scale(expr.by, diagonal)
                if isinstance(expr, Scale)
                else diagonal,  # without 1/n it would be taken later
            )
        elif net.loss == "log":
            yield Slip("other-loss", ("other-loss", "slope-twice"), Had(expr, Slope(l, l)))
    if kind == "b" and net.penalty:
        by = net.penalty.times(2)
        yield Slip("regularised-bias", ("regularised-bias",), Add(expr, Scale(by, Name(key))))
    if kind in "bZ" and not code:
        yield Slip("undefined-symbol", ("undefined-symbol",), Mul(Stranger("\\kappa"), expr), "uncheckable")


def _doubled(expr: Expr) -> Expr:
    if isinstance(expr, Scale) and not expr.by.letter:
        return Scale(expr.by.times(2), expr.body)
    return Scale(Coefficient().times(2), expr)
