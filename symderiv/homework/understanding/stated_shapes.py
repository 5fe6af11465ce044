"""Stated shapes: `W_1 \\in R^{3 x 2}`, `X [n x f]`, '2x1 matrix', against what the equations say."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from symderiv.homework.reading import formulas as f
from symderiv.homework.reading.statements import Side
from symderiv.homework.understanding.bias_units import BIAS_UNIT
from symderiv.homework.understanding.symbols import Reference

if TYPE_CHECKING:
    from symderiv.homework.understanding.understanding import Understanding


NO_LAYERS: Mapping[str, int] = MappingProxyType({})


def names_listed(node: f.Node) -> tuple[f.Node, ...]:
    r"""The x and y of `x, y \in R^D`, and any other left side itself."""
    is_list = isinstance(node, f.Group) and node.bracket == "" and len(node.items) > 1
    return node.items if isinstance(node, f.Group) and is_list else (node,)


def sizes_in(node: f.Node, layers: Mapping[str, int] = NO_LAYERS) -> tuple[str, ...] | None:
    """The sizes that a stated shape names, in order; layers: what the letters of layers are, for `n_{l-1}`."""
    match node:
        case f.Product(_, (f.Scripted(_, f.Name(_, "M"), lower, ()), f.Group(_, "(", (f.Name(_, "R"),))), _) if lower:
            parts = [_size(x.body, layers) for x in lower]  # M_{n,p}(R), and M_n(R) for squares
            return tuple(p for p in parts * (3 - len(parts)) if p is not None) if all(parts) else None
        case f.Product(_, factors, marks) if all(m in ("times", "", "*", "cdot") for m in marks):
            if len(factors) == 3 and isinstance(factors[1], f.Name) and factors[1].base == "x":
                factors = (factors[0], factors[2])  # `n1 x n0` in code
            parts = [_size(x, layers) for x in factors]
            return tuple(p for p in parts if p is not None) if all(parts) else None
        case f.Group(_, "{", _):
            return None  # {0, 1}: a set
        case f.Group(_, _, items) if len(items) == 1:
            return sizes_in(items[0], layers)
        case f.Group(_, _, items):
            parts = [_size(x, layers) for x in items]
            return tuple(p for p in parts if p is not None) if all(parts) else None
        case f.Scripted(_, f.Name(_, "R"), _, upper) if upper:
            return sizes_in(upper[0].body, layers)
        case f.Scripted(_, f.Group(_, _, items), (), upper) if upper and all(isinstance(i, f.Number) for i in items):
            return sizes_in(upper[0].body, layers)  # {0, 1}^{N x K}
        case f.Name(_, "R", ()):
            return ("1", "1")  # a real number
        case f.Number() | f.Name() | f.Scripted() | f.Sum():
            one = _size(node, layers)
            return (one,) if one else None
    return None


def sizes_multiplied(left: f.Node, right: f.Node) -> bool | None:
    r"""Whether `(D \times N)(N \times H) = D \times H` holds; None for what is no such line."""
    groups = left.factors if isinstance(left, f.Product) else ()
    pairs = [_pair(group) for group in groups if isinstance(group, f.Group)]
    whole = _pair(right)
    if whole is None or len(pairs) < 2 or len(pairs) < len(groups):
        return None
    known = [pair for pair in pairs if pair is not None]
    if len(known) < len(pairs):
        return None
    is_joined = all(a[1] == b[0] for a, b in pairwise(known))
    return is_joined and whole == (known[0][0], known[-1][1])


def _pair(node: f.Node) -> tuple[str, str] | None:
    r"""The sizes of `(D \times N)`."""
    inner = f.without_brackets(node)
    if not isinstance(inner, f.Product) or inner.marks != ("times",):
        return None
    sizes = [_size(x, NO_LAYERS) for x in inner.factors]
    return (sizes[0], sizes[1]) if sizes[0] is not None and sizes[1] is not None else None


def _size(node: f.Node, layers: Mapping[str, int]) -> str | None:
    match node:
        case f.Group(_, _, (inner,)):
            return _size(inner, layers)
        case f.Sum(_, ((1, one), (1, f.Number(_, text, _, None)))) if _size(one, layers) is not None:
            return f"{_size(one, layers)}+{text}"  # one more for the bias
        case f.Number(_, text, _, None):
            return text
        case f.Name(_, base, ()):
            return base
        case f.Scripted(_, f.Name(_, base, ()), lower, (), 0):
            return base + "_" + "".join(_mark(s.body, layers) for s in lower)
        case f.Scripted(_, f.Name(_, base, ()), (), (script,), 0) if _mark(script.body, layers) != "?":
            return f"{base}^{_mark(script.body, layers)}"  # n^{[1]}
    return None


def _mark(node: f.Node, layers: Mapping[str, int]) -> str:
    """A mark of a size: `n_1`, `n_h`, and `n_{l-1}` where l is a layer."""
    match node:
        case f.Number(_, text, _, _):
            return text
        case f.Name(_, base, ()):
            return str(layers.get(base, base))
        case f.Sum(_, ((1, f.Name(_, base, ())), (sign, f.Number(_, _, value, _)))) if base in layers:
            return str(layers[base] + sign * int(value))
    return "?"


def stated_ones(statements: Iterable[tuple[str, tuple[str, ...]]], shape_of: Callable[[str], Any]) -> set[str]:
    """The sizes that every statement about them says to be 1: `b \\in R`, `x \\in R^3` is a column. From (quantity, sizes)."""
    said: dict[str, set[str]] = {}
    for key, sizes in statements:
        shape = shape_of(key)
        if shape is None or len(sizes) > 2:
            continue
        sizes = (*sizes, "1")[:2]
        is_turned = any(dim == "1" and size != "1" for dim, size in zip(shape, sizes, strict=True))
        for dim, size in zip(shape, sizes, strict=True):
            said.setdefault(dim, set()).add("?" if is_turned else size)
    return {dim for dim, names in said.items() if names == {"1"}}


Stated = tuple[str, tuple[str, ...]]


def misstated(stated: Iterable[Stated], shapes: Mapping[str, tuple[str, str]]) -> Stated | None:
    """The one statement that is turned round: with it the other way, and without it, all agree with the equations."""
    pairs = [(k, s) for k, s in dict.fromkeys(stated) if len(s) == 2 and k in shapes and _may_be(s, shapes[k])]
    if _agree(pairs, shapes) or _agree([(k, s[::-1]) for k, s in pairs], shapes):
        return None
    found = []
    for n, (key, sizes) in enumerate(pairs):
        rest = [*pairs[:n], *pairs[n + 1 :]]
        if _agree(rest, shapes) and _agree([*rest, (key, sizes[::-1])], shapes):
            found.append((key, sizes))
    return found[0] if len(found) == 1 else None


def _may_be(sizes: tuple[str, ...], shape: tuple[str, str]) -> bool:
    """Whether what is 1 is said to be 1: a row that is stated as a column says nothing of the others."""
    return all((dim == "1") == (size == "1") for dim, size in zip(shape, sizes, strict=True))


def _agree(stated: Iterable[Stated], shapes: Mapping[str, tuple[str, str]]) -> bool:
    """Whether every size of the equations has one name."""
    names: dict[str, str] = {}
    return all(
        names.setdefault(dim, size) == size
        for key, sizes in stated
        for dim, size in zip(shapes[key], sizes, strict=True)
        if dim != "1"
    )


def _differ(dim: str, size: str, bound: Mapping[str, str]) -> bool:
    """Whether a size of the equations cannot be the one that is stated: two numbers, or it has another name already."""
    if dim.isdigit():
        return size.isdigit() and size != dim
    return size != "1" and not _is_same(bound.get(dim, size), size)


def _is_same(one: str, other: str) -> bool:
    """Whether two names may be one size: what is `n^1` as outputs of a layer is `m^2` as inputs of the next."""
    (letter, _, layer), (other_letter, _, other_layer) = one.partition("^"), other.partition("^")
    return one == other or (bool(layer and other_layer) and letter != other_letter and layer != other_layer)


def fits_stated(understanding: Understanding, shape: Sequence[int], side: Side) -> bool | None:
    r"""Whether a whole expression, `H^T G \in R^{m \times q}`, can have the sizes stated of it; None if turned round."""
    sizes = sizes_in(side.node)
    dims = {n: dim for dim, n in understanding.sizes.items()}
    if sizes is None or len(sizes) != 2 or len(shape) != 2:
        return False
    rows, columns = (dims.get(n, str(n)) for n in shape)
    if not _may_be(sizes, (rows, columns)) and _may_be(sizes, (columns, rows)):
        return None  # a column that is stated as a row
    return not any(_differ(d, size, understanding.stated_sizes) for d, size in zip((rows, columns), sizes, strict=True))


def _is_beside_bias(understanding: Understanding, shape: Sequence[str], stated: Sequence[str]) -> bool:
    r"""Whether a matrix has one column more than its input has units, where `a_0 = 1` or words add the unit of the bias."""
    has_unit = re.search(BIAS_UNIT, understanding.document.text, re.IGNORECASE) is not None
    known = [understanding.stated_sizes.get(dim, dim) for dim in shape]
    numbers = all(x.isdigit() for x in (known[1], stated[1]))
    rows = not _differ(shape[0], stated[0], understanding.stated_sizes)
    return has_unit and numbers and rows and int(stated[1]) == int(known[1]) + 1


def judge_shape(
    understanding: Understanding,
    reference: Reference | None,
    side: Side,
    verdict: Callable[..., Any],
    culprit: Stated | None = None,
    layers: Mapping[str, int] = NO_LAYERS,
) -> Any:
    """The verdict for a stated shape; None where it states none."""
    sizes = sizes_in(side.node, layers)
    if sizes is None or len(sizes) > 2:
        return None
    if reference is None:
        return verdict("uncheckable", "shape", "no quantity is named")
    if reference.key not in understanding.shapes:
        return verdict("correct", "shape", "a premise") if len(sizes) == 2 else None
    if culprit == (reference.key, sizes):
        turned_round = " x ".join(sizes[::-1])
        return verdict("wrong", "shape", f"it is {turned_round} by the other shapes", mistakes=("wrong-shape",))
    shape = understanding.shapes[reference.key]
    earlier = understanding.stated.get(reference.key)
    stated = (*sizes, "1") if len(sizes) == 1 else sizes
    bound = understanding.stated_sizes
    if earlier is None:
        understanding.stated[reference.key] = (stated[0], stated[1])
    clash = any(_differ(d, size, bound) for d, size in zip(shape, stated, strict=True))
    turned = not _may_be(stated, shape[::-1]) or any(
        _differ(d, size, bound) for d, size in zip(shape[::-1], stated, strict=True)
    )
    if clash and turned and _is_beside_bias(understanding, shape, stated):
        return verdict("correct", "shape", "with the column of the bias")
    if clash and turned:
        return verdict(
            "wrong", "shape", f"the equations make another size of {reference.key}", mistakes=("wrong-shape",)
        )
    pairs = zip(shape if not clash else shape[::-1], stated, strict=True)
    for dim, size in pairs:
        if not dim.isdigit() and size != "1":
            bound.setdefault(dim, size)
    return verdict("correct", "shape")
