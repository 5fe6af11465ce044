"""Which names are those of derivatives: `delta`, `dW`, a bar that the text says to be one, what is introduced as a derivative.

Such a name is no quantity of the network, so nothing that is said of it is a definition.
"""

from __future__ import annotations

import re

from symderiv.homework.reading import formulas as f
from symderiv.homework.reading.statements import Statement
from symderiv.homework.understanding.draft import WEIGHTLIKE, Draft, layer_of
from symderiv.homework.understanding.shapes import base_of
from symderiv.homework.understanding.symbols import EACH, LOSS_BASES, Reference, name_of

DELTAS = frozenset({"delta", "Delta"})
DERIVED = DELTAS | {"nabla", "grad", "dot"}
MANY_BARS = 3
BAR_WORDS = (
    r"\bbars?\b.{0,30}\b(?:denotes?|means?|marks?|is|are|stands? for)\b.{0,30}(?:derivative|gradient|adjoint)"
    r"|\bbars?\b[^.]{0,20}\badjoint|\badjoint[^.]{0,30}\bbars?\b"
)


def said_derivatives(draft: Draft) -> set[str]:
    r"""Names that are introduced as a derivative of the loss: `\varepsilon := \partial E/\partial s`."""
    found: set[str] = set()
    seen: set[str] = set()
    for _, reference, node, _ in draft.equations():
        inner = f.without_brackets(node)
        if isinstance(inner, f.Sum) and len(inner.terms) == 1:
            inner = f.without_brackets(inner.terms[0][1])
        inner = _start_of_path(draft, inner)
        top = draft.closed(inner.top) if isinstance(inner, f.Derivative) and inner.top is not None else None
        is_loss = top is not None and (top.key == draft.loss or _is_mean_of_losses(reference, top))
        if reference.key not in seen and is_loss:
            found.add(reference.key)
        seen.add(reference.key)
    found -= _written_in_loss(draft)
    letters = {base_of(k) for k in found if layer_of(k) is not None}
    letters |= _letters_of_the_way_back(draft)
    return found | {k for k in seen if base_of(k) in letters and layer_of(k) is not None}  # D_1 beside D_2


def _is_mean_of_losses(own: Reference, top: Reference) -> bool:
    r"""Whether `D^{(l)} = \partial J/\partial \Theta^{(l)}` is by another loss than the one that most lines derive, that of one sample."""
    return base_of(top.key) in LOSS_BASES and layer_of(own.key) is not None


def _start_of_path(draft: Draft, node: f.Node) -> f.Node:
    r"""The first of `\partial E / \partial y_j \cdot \partial y_j / \partial \beta_j`, if one letter counts all of them."""
    factors = node.factors if isinstance(node, f.Product) else ()
    bottoms = [draft.closed(x.bottom) if isinstance(x, f.Derivative) else None for x in factors]
    indices = {r.indices if r is not None else () for r in bottoms}
    return factors[0] if len(factors) > 1 and len(indices) == 1 and indices != {()} else node


def _letters_of_the_way_back(draft: Draft) -> set[str]:
    r"""The D of `D_2 = V_3^T D_3 \odot 1[U_2 > 0]` and `\partial L / \partial V_2 = D_2 H_1^T`: each layer's is made of the next one's."""
    back: set[str] = set()
    for statement in draft.document.statements:
        own, layer = _layered_left(draft, statement)
        rest = [side.node for side in statement.sides[1:]]
        if own is None or layer is None or not any(f.of_kind(node, f.Transposed) for node in rest):
            continue
        if any(r.base == own.base and layer_of(r.key) == layer + 1 for r in _inside(draft, statement)):
            back.add(own.base)
    forward: set[str] = set()
    used: set[str] = set()
    for statement in draft.document.statements if back else ():
        own, _ = _layered_left(draft, statement)
        if isinstance(f.without_brackets(statement.sides[0].node), f.Derivative):
            used |= {r.base for r in _inside(draft, statement)}
        elif own is not None:
            forward |= {r.base for r in _inside(draft, statement) if r.base != own.base}
    return (back & used) - forward


def _layered_left(draft: Draft, statement: Statement) -> tuple[Reference | None, int | None]:
    """What a line says something of, if it is no delta, and its layer."""
    left = f.without_brackets(statement.sides[0].node)
    own = None if isinstance(left, f.Derivative) else draft.closed(left)
    return (None, None) if own is None or own.base in DELTAS else (own, layer_of(own.key))


def _inside(draft: Draft, statement: Statement) -> list[Reference]:
    """The quantities behind the first side."""
    nodes = (n for side in statement.sides[1:] for n in f.walk(side.node))
    return [r for n in nodes if (r := draft.closed(n)) is not None]


def introduced_in_gradients(draft: Draft) -> dict[str, int]:
    r"""The delta of `\partial E / \partial w_{ji} = \delta_j x_i`, with the statement, where no line before has it.

    Another letter only if what is said of it later is the way back through a layer: `s_j = f'(u_j) \sum_k w_{kj} \delta_k`.
    """
    found: dict[str, int] = {}
    seen: set[str] = set()
    lines = [(at, ref, node) for at, ref, node, _ in draft.equations()]
    for at, statement in enumerate(draft.document.statements):
        left = f.without_brackets(statement.sides[0].node)
        top = draft.closed(left.top) if isinstance(left, f.Derivative) and left.top is not None else None
        if top is not None and draft.loss is not None and top.key.removesuffix(EACH) == draft.loss.removesuffix(EACH):
            for name in _factors(statement.sides[-1].node):
                own = draft.closed(name)
                if own is None or own.key in seen or not own.indices or own.mark or not _are_letters(own.indices):
                    continue
                later = [n for node in (node for _, ref, node in lines if ref.key == own.key) for n in f.walk(node)]
                if own.base in DELTAS and (own.key in draft.lefts or _is_entry(draft, left)):
                    found[own.key] = at  # by an entry, so that it is no Kronecker delta
                elif any(_is_about_derivatives(draft, n, found) for n in later):
                    found[own.key] = at
        names = (n for side in statement.sides for n in f.walk(side.node) if isinstance(n, (f.Name, f.Scripted)))
        seen |= {reference.key for n in names if (reference := draft.closed(n)) is not None}
    return found


def _is_entry(draft: Draft, left: f.Node) -> bool:
    """Whether a derivative is by an entry of a matrix."""
    bottom = draft.closed(f.without_brackets(left.bottom)) if isinstance(left, f.Derivative) else None
    return bottom is not None and len(bottom.indices) == 2 and _are_letters(bottom.indices)


def _factors(node: f.Node) -> tuple[f.Node, ...]:
    r"""The two names of `\delta_j x_i`, also after a minus, and after a sum over samples."""
    node = f.without_brackets(node)
    if isinstance(node, f.Sum) and len(node.terms) == 1:
        node = f.without_brackets(node.terms[0][1])
    if isinstance(node, f.BigSum):
        node = f.without_brackets(node.body)
    is_pair = isinstance(node, f.Product) and len(node.factors) == 2 and node.marks[0] in ("", "cdot", "*", "times")
    return node.factors if is_pair and isinstance(node, f.Product) else ()


def _are_letters(indices: tuple[str | int, ...]) -> bool:
    return all(isinstance(i, str) for i in indices)


def _is_about_derivatives(draft: Draft, node: f.Node, found: dict[str, int]) -> bool:
    """A slope, the name of a derivative, or an entry of weights by which the way back goes."""
    if isinstance(node, f.Scripted) and node.primes:
        return True
    reference = draft.closed(node) if isinstance(node, (f.Name, f.Scripted)) else None
    if reference is None:
        return False
    is_weight = len(reference.indices) == 2 and reference.key in draft.derived_by
    return is_weight or reference.base in DELTAS or reference.key in found


def _written_in_loss(draft: Draft) -> set[str]:
    r"""`E = \frac12 \|g\|^2` with `g := \nabla_y E = y - t`: what the loss is written with is no derivative of it."""
    nodes = [n for _, r, node, _ in draft.equations() if r.key == draft.loss for n in f.walk(node)]
    found = (draft.closed(n) for n in nodes if isinstance(n, (f.Name, f.Scripted)))
    return {reference.key for reference in found if reference is not None}


def is_derived(draft: Draft, ref: Reference) -> bool:
    """Names of derivatives: `dW1`, `delta`, and what is said to be one."""
    if ref.base in DERIVED or ref.key in draft.said or ref.key in draft.introduced:
        return True
    if "^bar" in ref.key:
        bare = draft.symbols.canonical("".join(ref.key.rsplit("^bar", 1)))
        is_part = ref.base not in LOSS_BASES or (bars_are_derivatives(draft) and bare != draft.loss)
        if is_part and (
            bare in draft.lefts
            or bare in {d.key for d in draft.definitions}
            or (bare in draft.used and (base_of(bare) in WEIGHTLIKE or bars_are_derivatives(draft)))
        ):
            return True
    rest = ref.base[1:]
    return (
        ref.base.startswith("d")
        and bool(rest)
        and any(
            base_of(k) in (rest, draft.symbols.folds.get(rest, rest)) for k in (*draft.used, *draft.symbols.aliases)
        )
    )


def bars_are_derivatives(draft: Draft) -> bool:
    r"""'A bar denotes the derivative of the loss by that quantity'; `\bar s`, `\bar r`, `\bar q` of quantities with formulas."""
    if re.search(BAR_WORDS, draft.words, re.IGNORECASE):
        return True
    heads = draft.heads
    bare = {draft.symbols.canonical("".join(key.rsplit("^bar", 1))) for key in heads if "^bar" in key}
    return len({k for k in bare if base_of(k) not in LOSS_BASES} & (draft.lefts | heads)) >= MANY_BARS


def are_differentials(draft: Draft) -> bool:
    """`dL = .. dZ ..`: where the loss has a d of its own, d is no derivative of the loss."""
    if draft.loss is None:
        return False
    made = {base_of(key) for key in draft.lefts}
    for statement in draft.document.statements:
        head = _changed(statement.sides[0].node)
        others = {x for side in statement.sides[1:] for n in f.walk(side.node) if (x := _changed(n)) is not None}
        if head == draft.loss and others:
            return True
        if head in made and others & WEIGHTLIKE - made:
            return True  # dZ = X dW: a gradient is not worked out of that of a weight
    return False


def is_differential(draft: Draft) -> bool:
    """Whether a lone d only ever stands before a name: `d\\hat y`."""
    alone = sum(n.base == "d" and not n.accents for n in draft.document.of_kind(f.Name))
    before = sum(
        isinstance(first, f.Name) and first.base == "d" and not mark and isinstance(second, (f.Name, f.Scripted))
        for product in (draft.document.of_kind(f.Product) if alone else ())
        for first, second, mark in zip(product.factors, product.factors[1:], product.marks, strict=False)
    )
    return before > 0 and before == alone


def _changed(node: f.Node) -> str | None:
    r"""The letter in `dL`, `d\hat Y`, `dW_2`, whatever its scripts."""
    if (
        isinstance(node, f.Product)
        and len(node.factors) > 1
        and name_of(node.factors[0]) == f.Name(node.factors[0].span, "d")
    ):
        name = name_of(node.factors[1])
        return name.base if name is not None else None
    name = name_of(node)
    if name is None or name.base[0] != "d" or name.base in ("delta", "d", "diag"):
        return None
    return name.base[1:]
