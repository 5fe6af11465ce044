"""The loss: the name it has, its formula where only words or nothing say it, and what it asks of the targets.

Its name is looked for by the derivatives that are written, by usual letters and by words. A cross-entropy compares shares,
so the entries of its targets add up to 1, and what a logarithm is taken of is positive.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

from symderiv.homework.marking import Assumption
from symderiv.homework.reading import formulas as f
from symderiv.homework.understanding.derivative_names import DELTAS, bars_are_derivatives, is_derived
from symderiv.homework.understanding.draft import WEIGHTLIKE, Draft, stands_for_ones
from symderiv.homework.understanding.given_values import LOSS_NAMES
from symderiv.homework.understanding.key_names import shown_name
from symderiv.homework.understanding.literals import literal
from symderiv.homework.understanding.losses import added_up, has_logs
from symderiv.homework.understanding.samples import divides_by_samples
from symderiv.homework.understanding.shapes import base_of
from symderiv.homework.understanding.symbols import (
    EACH,
    HYPER_BASES,
    LOSS_BASES,
    LOSS_CALLS,
    LayerOpen,
    Reference,
    name_of,
)
from symderiv.homework.understanding.terms import (
    Add,
    Apply,
    Const,
    Gathered,
    Over,
    Part,
    Power,
    Ref,
    Sloppy,
    Softmax,
    SumOver,
    Term,
    everything_in,
    references_in,
)
from symderiv.homework.understanding.understanding import LOSS_WORDS, TARGET_BASES, Definition

SELDOM = ("Q", "R")  # letters of a loss that are something else more often, as of residuals
NEW_WORDS = ("new", "neu", "next", "updated", "nouveau", "nuevo", "plus")


# --- its name ---
def find_loss(draft: Draft) -> None:
    """The quantity that is derived: by what is derived most, by its letter and by words; else a letter that is free."""
    if _find_likely_loss(draft):
        return
    if draft.loss is not None and (base_of(draft.loss) in LOSS_BASES or draft.loss not in draft.lefts):
        return
    written = {k for k in draft.lefts if is_derived(draft, Reference(k, k.partition("[")[0].partition("^")[0]))}
    free = [letter for letter in ("L", "J", "E", "C") if not any(base_of(k) == letter for k in draft.used)]
    if len(written) > 2 and any(base_of(k).lstrip("d") in WEIGHTLIKE for k in written) and free:
        draft.loss = free[0]
        draft.assumptions.append(
            Assumption(f"the loss is called {free[0]}", "its derivatives are written, but no name")
        )


def _find_likely_loss(draft: Draft) -> bool:
    """Whether it is sure, though its letter is none of a loss."""
    lefts: dict[str, None] = {}  # in their order
    inside: dict[str, set[str]] = {}  # in whose formulas a quantity is
    residuals: set[str] = set()
    summed: set[str] = set()
    for _, ref, node, layers in draft.equations():
        if isinstance(f.without_brackets(node), f.Derivative):
            continue
        lefts[ref.key] = None
        if _is_difference(node):
            residuals.add(ref.key)
        if any(isinstance(n, f.Call | f.BigSum) and _adds_up(n) for n in f.walk(node)):
            summed.add(ref.key)
        elaborator = draft.elaborator_at(layers)
        for part in _outside_derivatives(node):
            if isinstance(part, (f.Name, f.Scripted)):
                try:
                    other = elaborator.reference(part)
                except LayerOpen:
                    continue
                if other is not None and other.key != ref.key and ref.base not in LOSS_BASES:
                    inside.setdefault(other.key, set()).add(ref.key)
    scores: Counter[str] = Counter()
    for key, count in draft.tops.items():
        scores[key] += min(count, 12)
    for key in dict.fromkeys((*scores, *reversed(lefts))):  # of two that are as likely, the later: a loss stands last
        if base_of(key) in LOSS_BASES or key.lower() in LOSS_CALLS or "loss" in key.lower() or "cost" in key.lower():
            scores[key] += 6 + 12 * (key in lefts) + 6 * (f"d{key}" in lefts) - 3 * (base_of(key) in SELDOM)
        if key in inside:
            scores[key] -= 8
        if any(word in key.partition("[")[2] for word in NEW_WORDS):
            scores[key] = 0  # its value after a step
        if key in residuals and inside.get(key, set()) & summed and not draft.tops[key]:
            scores[key] = 0  # E = Yhat - Y, of which V is the sum of squares
        if not draft.tops[key] and any(draft.tops[whole] > 1 for whole in inside.get(key, ())):
            scores[key] = 0  # part of what derivatives are taken of
    named = _loss_in_words(draft)
    if named is not None:
        scores[named] += 9
    if any(k.startswith(("dW", "dw", "db")) for k in draft.used):  # dW is of the cost of all, not of one example's loss
        for key in _means(draft) & scores.keys():
            scores[key] += 16
    if bars_are_derivatives(draft):
        scores = Counter({k: v for k, v in scores.items() if "^bar" not in k})
    scores = Counter({k: v for k, v in scores.items() if base_of(k) not in DELTAS and v > 0})
    of_residuals = [k for k in summed if k not in inside and any(k in inside.get(r, ()) for r in residuals)]
    if len(of_residuals) == 1 and not any(base_of(k) in LOSS_BASES for k in scores):
        draft.loss = of_residuals[0]
        return True
    if not scores:
        ends = [key for key in lefts if key not in inside and "^bar" not in key]
        if bars_are_derivatives(draft) and len(ends) == 1:
            draft.loss = ends[0]  # the bars are derivatives of what comes out in the end
        return False
    best, _ = scores.most_common(1)[0]
    letters = [k for k in draft.tops if base_of(k) in LOSS_BASES and k not in lefts and k not in LOSS_NAMES]
    if best in LOSS_NAMES and len(letters) == 1 and not draft.tops[best]:
        best = letters[0]  # `Loss = ..`, and all derivatives are of l
    if best.endswith(EACH) and best.removesuffix(EACH) in lefts:
        best = best.removesuffix(EACH)
    if base_of(best) not in LOSS_BASES and any(b in draft.symbols.functions for b in LOSS_BASES):
        return False  # l(o_2): a generic loss, derivatives of an application
    if base_of(best) in draft.symbols.functions and best not in lefts:
        return False  # l(o_2): a generic loss, derivatives of an application
    if base_of(best) not in LOSS_BASES and best not in LOSS_NAMES and _is_vector(draft, best):
        return False  # `z = W x`, and dz/dx is asked for
    draft.loss = best
    return False


def _is_difference(node: f.Node) -> bool:
    """`Yhat - Y`."""
    terms = f.without_brackets(node)
    signs = [sign for sign, _ in terms.terms] if isinstance(terms, f.Sum) else []
    return sorted(signs) == [-1, 1] and isinstance(terms, f.Sum) and all(name_of(x) is not None for _, x in terms.terms)


def _adds_up(node: f.Node) -> bool:
    is_call = isinstance(node, f.Call) and isinstance(node.function, f.Name) and node.function.base in ("sum", "mean")
    return isinstance(node, f.BigSum) or is_call


def _is_vector(draft: Draft, key: str) -> bool:
    r"""Whether it has entries: `z_i = ..` or `\partial z_i / \partial x_j`; or it is a matrix by a vector, `W x + b`."""
    if any(ref.key == key and any(isinstance(i, str) for i in ref.indices) for _, ref, _, _ in draft.equations()):
        return True
    for node in draft.document.of_kind(f.Derivative):
        top = draft.closed(node.top) if isinstance(node.top, f.Scripted) and node.top.lower else None
        if top is not None and top.key == key and top.indices:
            return True
    formulas = (f.without_brackets(node) for _, ref, node, _ in draft.equations() if ref.key == key)
    terms = (t for node in formulas for t in ([t for _, t in node.terms] if isinstance(node, f.Sum) else [node]))
    return any(isinstance(t, f.Product) and _is_matrix_by_vector(t) for t in terms)


def _is_matrix_by_vector(product: f.Product) -> bool:
    left, right, *others = (name_of(x) if isinstance(x, (f.Name, f.Scripted)) else None for x in product.factors)
    return not others and left is not None and right is not None and left.base.isupper() and right.base.islower()


def _outside_derivatives(node: f.Node) -> Iterator[f.Node]:
    """Every node that is not part of a derivative: `m + dJ/dw` does not make m a function of J."""
    if isinstance(node, f.Derivative):
        return
    yield node
    for child in f.children_of(node):
        yield from _outside_derivatives(child)


def losses_of_one(draft: Draft) -> frozenset[str]:
    r"""The L of `L = \frac12 \|a - y\|^2` beside `\sum_i L^{(i)}`: no line says what L^{(i)} is, so this one does."""
    found = {
        k for k in draft.lefts if base_of(k) in LOSS_BASES and k + EACH in draft.used and k + EACH not in draft.lefts
    }
    found -= _means(draft) if found else set()
    for _, ref, node, _ in draft.equations():
        inside = (draft.closed(n) for n in f.walk(node) if isinstance(n, (f.Name, f.Scripted)))
        if ref.key in found and any(own is not None and own.key == ref.key + EACH for own in inside):
            found.discard(ref.key)
    return frozenset(found)


def _means(draft: Draft) -> set[str]:
    """What is said to be a mean over the samples."""
    return {
        ref.key
        for _, ref, node, _ in draft.equations()
        if any(divides_by_samples(n, draft.symbols.sizes) for n in f.walk(node))
    }


def _loss_in_words(draft: Draft) -> str | None:
    """`The loss $C$ is ..`: a lone letter beside the word."""
    for statement in draft.document.statements:
        name = name_of(statement.sides[0].node)
        if (
            len(statement.sides) == 1
            and name is not None
            and name.base in LOSS_BASES
            and (reference := draft.closed(statement.sides[0].node))
        ):
            start, end = statement.span
            near = draft.document.text[max(0, start - 40) : start] + " " + draft.document.text[end : end + 30]
            if re.search(
                r"loss|cost|error|objective|Verlust|Kosten|Fehler|perte|coût|p[ée]rdida|costo|coste",
                near,
                re.IGNORECASE,
            ):
                return reference.key
    if any(
        base.startswith("d") and base[1:] in {base_of(k) for k in draft.used}
        for base in {base_of(k) for k in draft.used}
        if len(base) > 1
    ):
        match = re.search(
            r"(?:loss|cost|Verlust\w*|perte)\s+(?:function\s+)?\$?\\?(?:mathcal\{)?([LJECℒ]|ell|ℓ)(?![^\W\d_])",
            draft.document.text,
        )
        if match:
            return {"ℒ": "L", "ℓ": "ell"}.get(match[1], match[1])
    return None


def generic_call(draft: Draft, node: f.Node, layers: dict[str, int]) -> str | None:
    r"""The output o in `l(\mathbf o, y)`: a loss that only has a name, of something that has a formula."""
    if not isinstance(node, f.Product) or len(node.factors) != 2 or node.marks != ("",):
        return None
    name, group = name_of(node.factors[0]), node.factors[1]
    if name is None or name.base not in LOSS_BASES or not isinstance(group, f.Group) or len(group.items) != 2:
        return None
    if any(r.base == name.base for _, r, n, _ in draft.equations() if n is not node):
        return None
    try:
        output = draft.plain(group.items[0], draft.elaborator_at(layers))
    except LayerOpen:
        return None
    return None if output is None else draft.symbols.canonical(output.key)


# --- its formula ---
def find_spelled_loss(draft: Draft) -> None:
    """`Loss = (y - a)^2` where the derivatives are of l: the formula of the one word for it is that of the letter."""
    if draft.loss is None or any(d.key == draft.loss for d in draft.definitions):
        return
    spelled = [d for d in draft.definitions if d.key in LOSS_NAMES and not d.indices]
    if len({d.key for d in spelled}) != 1 or base_of(draft.loss) not in LOSS_BASES:
        return
    for definition in spelled:
        draft.definitions.append(replace(definition, key=draft.loss, term=added_up(definition.term, draft.worked_out)))
    evidence = "the only loss that has a formula"
    draft.assumptions.append(
        Assumption(f"{shown_name(draft.loss)} is the {shown_name(spelled[0].key)}", evidence, spelled[0].line)
    )


# --- a loss that only words name ---
def find_word_loss(draft: Draft) -> None:
    """A loss without a formula that the words name: the usual formula for the output and the target."""
    if draft.loss is None or any(d.key == draft.loss for d in draft.definitions):
        return
    kinds = [kind for kind, pattern in LOSS_WORDS if re.search(pattern, draft.words, re.IGNORECASE)]
    both = (
        "mse" in kinds
        and ("cross" in kinds or "log" in kinds)
        and re.search(r"\bsum of\b|\bplus\b|\+|Summe|somme", draft.words)
    )
    body = body_of(draft, kinds[0]) if kinds else None
    if body is None:
        return
    kind = "mse" if both else kinds[0]
    if both:
        draft.word_other, body = body, body_of(draft, "mse")
        assert body is not None
    draft.word_body = body
    if "cross" in kinds and "log" not in kinds:
        draft.word_one_sided = body_of(draft, "one-sided")
    draft.definitions.append(Definition(draft.loss, body, 0, 1))
    draft.word_loss = kind
    called = {"mse": "squared error", "log": "log loss", "cross": "cross-entropy"}[kind]
    draft.assumptions.append(Assumption(f"the loss {shown_name(draft.loss)} is the {called}", "only named in words"))


def find_generic_loss(draft: Draft) -> None:
    """A loss that nothing defines: relations between its derivatives can be judged for a generic function of the output."""
    if draft.loss is None or any(d.key == draft.loss for d in draft.definitions):
        return
    output = output_of(draft)
    if output is None:
        return
    draft.generic = True
    draft.definitions.append(Definition(draft.loss, any_function_of(output), 0, 1))
    draft.assumptions.append(
        Assumption(f"{shown_name(draft.loss)} is never defined", "only relations between its derivatives are judged")
    )


def body_of(draft: Draft, kind: str) -> Term | None:
    """The loss of a kind for the document's output and target, summed."""
    output, target = output_of(draft), _target_of(draft)
    if output is None or target is None:
        return None
    a, y = Part(output, ()), Part(target, ())
    minus = Add(((1, a), (-1, y)))
    softmax = any(isinstance(p, Softmax) for d in draft.definitions for p in everything_in(d.term))
    if kind == "one-sided" and softmax:
        return None  # it has no other side
    if kind == "one-sided" or (kind == "cross" and softmax):
        body: Term = Add(((-1, Sloppy((y, Apply("log", 0, a)), ("odot",))),))
    elif kind in ("log", "cross"):
        one = Const(Fraction(1))
        body = Add((
            (-1, Sloppy((y, Apply("log", 0, a)), ("odot",))),
            (-1, Sloppy((Add(((1, one), (-1, y))), Apply("log", 0, Add(((1, one), (-1, a))))), ("odot",))),
        ))  # fmt: skip
    else:
        body = Power(minus, Const(Fraction(2)))
    return SumOver("all", body)


def any_function_of(output: str) -> Term:
    """A sum of a function without properties, each entry with a weight of its own."""
    return SumOver("all", Sloppy((Part("#weights", ()), Apply("generic loss", 0, Part(output, ()))), ("odot",)))


def output_of(draft: Draft) -> str | None:
    """The last forward quantity: defined, and used by no other definition."""
    forward = [
        d
        for d in draft.definitions
        if d.key not in {draft.loss, *_loss_parts(draft)}
        and not d.key.startswith("<")
        and base_of(d.key) not in LOSS_BASES
    ]
    inside = {r.key for d in forward for r in references_in(d.term)}
    lasts = [d.key for d in forward if d.key not in inside]
    hats = [k for k in lasts if "^hat" in k]
    return hats[-1] if hats else (lasts[-1] if lasts else None)


def _target_of(draft: Draft) -> str | None:
    defined = {d.key for d in draft.definitions}
    for base in TARGET_BASES:
        for key in (base, draft.symbols.folds.get(base, base)):
            if key in draft.used and key not in defined:
                return key
    return None


def _loss_parts(draft: Draft) -> set[str]:
    """What a loss is added up from: the mse and ce of `J = mse + ce`."""
    loss = next((d.term for d in draft.definitions if d.key == draft.loss), None)
    if not isinstance(loss, Add):
        return set()
    bodies = [t.body if isinstance(t, SumOver) else t for _, t in loss.terms]
    return {t.key for t in bodies if isinstance(t, Part)} if all(isinstance(t, Part) for t in bodies) else set()


LOGARITHMS = ("ln", "log")


# --- what it asks of the data ---
def special_data(draft: Draft, definitions: dict[str, Term]) -> tuple[frozenset[str], frozenset[str]]:
    """Targets of a cross-entropy over softmax add up to 1; what a logarithm takes is positive."""
    shares: set[str] = set()
    positive = _under_logarithms(draft) - set(definitions)
    soft = {k for k, t in definitions.items() if any(isinstance(p, Softmax) for p in everything_in(t))}
    loss = definitions.get(draft.loss or "")
    soft |= {k for k, t in definitions.items() if _is_share_of_exponentials(t, definitions)}
    free = {r.key for t in definitions.values() for r in references_in(t)} - set(definitions)
    shares |= _stated_shares(draft) & free
    fed = {key for k in soft for key in reached_by(k, definitions)}  # data and weights
    for term in definitions.values():
        for part in everything_in(term):
            if isinstance(part, Apply) and part.function in ("log", "sqrt"):
                inside = {r.key for r in references_in(part.body)}
                positive |= inside & free
            if isinstance(part, Power) and not isinstance(part.exponent, Const):
                positive |= {r.key for r in references_in(part.base)} & free
    for written in [loss, *(t for k, t in definitions.items() if base_of(k) in LOSS_BASES and k != draft.loss)]:
        if written is None or not soft:
            continue
        parts = [
            definitions[r.key] for r in references_in(written) if r.key in definitions and r.key in _loss_parts(draft)
        ]
        whole = [written, *parts] if draft.word_other is None else [written, draft.word_other]
        beside = _beside_logarithms(definitions, soft) & free
        if beside or any(map(has_logs, whole)):
            targets = {r.key for t in (written, *parts) for r in references_in(t)} & free
            targets |= beside
            targets -= {k for k in targets if base_of(k) in HYPER_BASES or base_of(k) in ("W", "w") or k in fed}
            for key in sorted(targets - shares):
                draft.assumptions.append(
                    Assumption(
                        f"the entries of {shown_name(key)} add up to 1 for every sample", "targets of a cross-entropy"
                    )
                )
            shares |= targets
    return frozenset(shares), frozenset(positive)


def reached_by(key: str, definitions: dict[str, Term]) -> set[str]:
    """All that a quantity is worked out of."""
    found: set[str] = set()
    pending = [key]
    while pending:
        term = definitions.get(pending.pop())
        below = {r.key for r in references_in(term)} - found if term is not None else set()
        found |= below
        pending += below
    return found


def _beside_logarithms(definitions: dict[str, Term], soft: set[str]) -> set[str]:
    """What stands beside the logarithm of a softmax in a line of its own, before it is summed: `l = -sum(Y log(P), axis=1)`."""
    found: set[str] = set()
    for term in definitions.values():
        logs = (p.body for p in everything_in(term) if isinstance(p, Apply) and p.function == "log")
        if any(r.key in soft for body in logs for r in references_in(body)):
            found |= {r.key for r in references_in(term)}
    return found


def _under_logarithms(draft: Draft) -> set[str]:
    """The a of `ln a` and `ln(1 - a)`, in whatever line: it has no other value there."""
    found: set[str] = set()
    for node in draft.document.of_kind(f.Call):
        if isinstance(node.function, f.Name) and node.function.base in LOGARITHMS:
            for argument in node.arguments:
                terms = [term for _, term in argument.terms] if isinstance(argument, f.Sum) else [argument]
                found |= {reference.key for term in terms if (reference := draft.closed(term)) is not None}
    return found


def _stated_shares(draft: Draft) -> set[str]:
    r"""`\sum_i t_i = 1`, `\mathbf 1^T T = \mathbf 1^T`."""
    found = set()
    for statement in draft.document.statements:
        if len(statement.sides) != 2 or statement.relations != ("=",):
            continue
        left, right = (f.without_brackets(side.node) for side in statement.sides)
        if isinstance(left, f.Product) and stands_for_ones(right):
            rest = [x for x in left.factors if not stands_for_ones(x)]
            reference = draft.closed(rest[0]) if len(rest) == 1 < len(left.factors) else None
            if reference is not None:
                found.add(draft.symbols.canonical(reference.key))
        if isinstance(left, f.BigSum) and isinstance(right, f.Number) and right.value == 1:
            reference = draft.closed(left.body)
            if reference is not None:
                found.add(draft.symbols.canonical(reference.key))
    return found


def labels_of(draft: Draft, wanted: list[int]) -> frozenset[str]:
    r"""The labels of which it is said that they have two values: `y \in \{-1, +1\}`, `y \in \{0, 1\}`."""
    found = set()
    for statement in draft.document.statements:
        group = statement.sides[-1].node
        if len(statement.sides) != 2 or statement.relations != ("in",) or not isinstance(group, f.Group):
            continue
        values = sorted(v[0].item() for item in group.items if (v := literal(item)) is not None and v[0].size == 1)
        reference = draft.closed(statement.sides[0].node)
        if values == wanted and reference is not None:
            found.add(draft.symbols.canonical(reference.key))
    return frozenset(found)


def _is_share_of_exponentials(term: Term, definitions: dict[str, Term]) -> bool:
    r"""`e^{z_i} / Z` with `Z = \sum_k e^{z_k}` of its own."""
    whole = term.body if isinstance(term, Gathered) else term
    if not isinstance(whole, Over) or not isinstance(whole.right, (Part, Ref)):
        return False
    total = definitions.get(whole.right.key)
    inside = total.body if isinstance(total, SumOver) else None
    return all(isinstance(t, Apply) and t.function == "exp" for t in (whole.left, inside))
