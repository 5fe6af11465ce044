"""The definitions of a document: which of its equations say what a quantity is, and which say it again.

The first one under a heading is a premise, and what comes later is judged by it. A derivative says nothing of the network,
unless it is one of a formula in place of a name.
"""

from __future__ import annotations

import contextlib
import itertools
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from fractions import Fraction

from symderiv.homework.marking import Assumption
from symderiv.homework.reading import formulas as f
from symderiv.homework.understanding.arithmetic import FUNCTIONS
from symderiv.homework.understanding.derivative_names import is_derived
from symderiv.homework.understanding.draft import WEIGHTLIKE, Draft, is_formula, layer_of
from symderiv.homework.understanding.elaboration import NotUnderstood, is_number
from symderiv.homework.understanding.given_values import is_rate, names_before
from symderiv.homework.understanding.inlined_outputs import OUTPUT, output_of_each
from symderiv.homework.understanding.key_names import shown_name
from symderiv.homework.understanding.literals import literal
from symderiv.homework.understanding.losses import added_up, has_logs, is_written_sum, with_softmax
from symderiv.homework.understanding.objective import any_function_of, generic_call, reached_by
from symderiv.homework.understanding.samples import REGRESSION_WEIGHTS
from symderiv.homework.understanding.shapes import base_of
from symderiv.homework.understanding.suppositions import end_of_supposition
from symderiv.homework.understanding.symbols import EACH, LOSS_BASES, LayerOpen, Reference, name_of
from symderiv.homework.understanding.terms import (
    ONE,
    Add,
    Apply,
    Const,
    Gathered,
    Jacobian,
    Over,
    Part,
    Power,
    Sloppy,
    Softmax,
    Stack,
    SumOver,
    Term,
    Transpose,
    everything_in,
    mapped,
    references_in,
)
from symderiv.homework.understanding.understanding import ACTIVATION_WORDS, LOSS_WORDS, Definition, gradient_in

_Calls = dict[tuple[str, tuple[tuple[str, int], ...]], dict[Apply, None]]

OF_LOSSES = dict(LOSS_WORDS)
WORDS_OF_VERSIONS = {
    "logarithms": f"{OF_LOSSES['log']}|{OF_LOSSES['cross']}", "squares": OF_LOSSES["mse"], **ACTIVATION_WORDS,
}  # fmt: skip


def find_definitions(draft: Draft) -> None:
    """Every equation that says what a quantity is, and those that say it again."""
    seen: set[tuple[str, Term]] = set()
    calls: _Calls | None = None
    general = {at for at in range(len(draft.document.statements)) if draft.is_general(at)}
    concrete = {
        ref.key
        for at, ref, node, _ in draft.equations()
        if at not in general and is_formula(node)  # a printed value says nothing of how it is worked out
    }
    first = draft.layer_range[0] if draft.layer_range else None
    concrete = {k for k in concrete if draft.symbols.canonical(k) == k} - set(draft.symbols.aliases.values())
    concrete |= {
        k for pair in draft.symbols.aliases.items() for k in pair if first is not None and layer_of(k) == first
    }
    summands = _summands_of_the_loss(draft)
    given = _parameters_with_places(draft)
    for at, ref, node, layers in draft.equations():
        elaborator = draft.elaborator_at(layers)
        if at in general and ref.key in concrete:
            continue  # what is said of this very layer counts
        if is_derived(draft, ref) or ref.key in draft.words_as_names:
            continue
        try:
            term = elaborator.term(node)
        except (NotUnderstood, LayerOpen):
            continue
        if any(isinstance(n, f.Derivative) for n in f.walk(node)):
            _keep_direction(draft, at, ref, term)
            continue
        if (isinstance(term, Part) and term.key == ref.key) or _is_step_along(draft, ref, term):
            continue
        generic = generic_call(draft, node, layers)
        if generic is not None and ref.key in (generic, draft.loss):
            continue  # the loss itself: found below
        if generic is not None:
            draft.generic, term = True, any_function_of(generic)
        term = with_softmax(term, {d.key: d.term for d in draft.definitions})
        line = draft.document.statements[at].line
        if is_number(term):
            parameters = {*draft.derived_by, elaborator.parameter}
            term = _decimal(term) if is_rate(ref.key) and ref.key not in parameters else term
            draft.numbers.append(Definition(ref.key, term, at, line, ref.indices))
            continue
        if isinstance(term, Apply):
            calls = _calls_of_names(draft) if calls is None else calls
            _arguments_alike(draft, at, term, calls[ref.key, tuple(layers.items())])
        if any(r.key == ref.key for r in references_in(term)) or any(
            isinstance(x, Jacobian) for x in everything_in(term)
        ):
            continue
        if isinstance(term, Part) and draft.symbols.canonical(term.key) == ref.key:
            continue
        is_parameter = ref.base in REGRESSION_WEIGHTS or ref.key in {*draft.derived_by, elaborator.parameter}
        if not _is_in_range(draft, ref, term) or (is_parameter and _is_inverted(term)):
            continue
        if _is_solved_for(draft, at, ref, term):
            continue
        letters = tuple(i for i in ref.indices if isinstance(i, str))
        is_loss = ref.key == draft.loss or (
            (ref.key in summands or (ref.base in LOSS_BASES and draft.tops[ref.key] > 0))
            and ref.base not in draft.symbols.data_letters
            and not _goes_into_a_layer(draft, ref.key)
        )
        if is_loss and not letters and not ref.key.endswith(EACH) and not _is_one_entry(term):
            if ref.key == draft.loss:
                draft.loss_as_written = term
                if (output := output_of_each(term)) is not None:
                    term, of_each, kept = output
                    of_each = Gathered(of_each, kept) if kept else of_each
                    draft.definitions.append(Definition(OUTPUT, of_each, at, line, kept))
            term = added_up(term, draft.worked_out)
        if ref.indices and len(letters) < len(ref.indices):
            continue
        whole = _without_letters(term, letters) if letters else None
        wrapped: Term = whole if whole is not None else Gathered(term, letters) if letters else term
        if whole is not None:
            letters = ()
        last = next((d.term for d in reversed([*draft.definitions, *draft.restated]) if d.key == ref.key), wrapped)
        if (ref.key, wrapped) in seen and last == wrapped:
            continue  # else the document comes back to it
        seen.add((ref.key, wrapped))
        if "~" in draft.document.statements[at].relations and any(d.key == ref.key for d in draft.definitions):
            continue  # nearly that, and exactly what was said before
        if _has_already(draft, ref.key, at):
            draft.restated.append(Definition(ref.key, wrapped, at, line, letters, until=_end(draft, ref.key, at)))
            continue
        is_late = _is_tied(wrapped) and given.get(ref.key, at) < at
        draft.definitions.append(Definition(ref.key, wrapped, at, line, letters, is_late, _end(draft, ref.key, at)))
    _take_changes(draft)
    _define_summands(draft)
    _prefer_grounded(draft)
    _summands_alike(draft)
    _drop_below_first(draft, general)
    _definitions_inside_derivatives(draft)
    draft.definitions = draft.activations.section_definitions(draft.definitions)


def _parameters_with_places(draft: Draft) -> dict[str, int]:
    """The statement where a weight is first derived by, or has its value: it is no quantity of the network there."""
    found: dict[str, int] = {}
    for at, statement in enumerate(draft.document.statements):
        left = statement.sides[0].node
        named = left.bottom if isinstance(left, f.Derivative) else left
        is_value = len(statement.sides) > 1 and literal(statement.sides[-1].node) is not None
        reference = draft.closed(named) if is_value or isinstance(left, f.Derivative) else None
        if reference is not None and reference.base in WEIGHTLIKE and not reference.indices:
            found.setdefault(reference.key, at)
    return found


def _take_changes(draft: Draft) -> None:
    """`a = softmax(z)` after `a = sigma(z)`, a log loss after a squared one: from there on the document is about another network."""
    current = {d.key: d.term for d in draft.definitions}
    for again in list(draft.restated):
        before, after = (kind_of(draft.loss, again.key, term) for term in (current[again.key], again.term))
        if (
            before is not None
            and after is not None
            and before != after
            and (after != "identity" or all(r.key in current for r in references_in(again.term)))
        ):
            draft.restated.remove(again)
            place = max((k + 1 for k, d in enumerate(draft.definitions) if d.at <= again.at), default=0)
            draft.definitions.insert(place, again)
            current[again.key] = again.term


def _end(draft: Draft, key: str, at: int) -> int | None:
    """The statement before which a formula is no longer in force that an earlier one of the same quantity was supposed to become."""
    earlier = next((d for d in reversed(draft.definitions) if d.key == key), None)
    if earlier is None:
        return None
    kind = kind_of(draft.loss, key, earlier.term)
    place = end_of_supposition(draft.document, at, WORDS_OF_VERSIONS.get(kind or ""))
    statements = draft.document.statements
    return (
        None
        if place is None
        else next((k for k in range(at + 1, len(statements)) if statements[k].span[0] >= place), len(statements))
    )


def kind_of(loss: str | None, key: str, term: Term) -> str | None:
    """The activation of a layer, or whether a loss takes logarithms or squares differences; None of anything else."""
    if key == loss and not has_logs(term):
        squares = (p.base for p in everything_in(term) if isinstance(p, Power))
        return "squares" if any(isinstance(base, Add) for base in squares) else None
    if key == loss:
        return "logarithms"
    match term.body if isinstance(term, Gathered) else term:
        case Softmax():
            return "softmax"
        case Apply(function, 0, _) if function in FUNCTIONS:
            return function
        case Part(_, ()):
            return "identity"
    return None


def _is_tied(term: Term) -> bool:
    """`W^T`, a weight that stands for another one."""
    inner = term.body if isinstance(term, Transpose) else term
    return isinstance(inner, Part) and base_of(inner.key) in WEIGHTLIKE


def _summands_of_the_loss(draft: Draft) -> frozenset[str]:
    """The L_1 and L_2 of `L = L_1 + beta L_2`, the D of `J = D + R` that is written as a sum or a norm."""
    sums = [node for _, ref, node, _ in draft.equations() if ref.key == draft.loss and isinstance(node, f.Sum)]
    named = (draft.closed(n) for node in sums for n in f.walk(node) if isinstance(n, (f.Name, f.Scripted)))
    found = {r.key for r in named if r is not None and r.base in LOSS_BASES}
    terms = {r.key for node in sums for _, t in node.terms if (r := draft.closed(t)) is not None and not r.indices}
    return frozenset(found | {ref.key for _, ref, node, _ in draft.equations() if ref.key in terms and _adds_up(node)})


def _adds_up(node: f.Node) -> bool:
    """Whether a formula is written as a sum over something, or as a norm."""
    return any(isinstance(n, f.BigSum) or (isinstance(n, f.Group) and n.bracket == "||") for n in f.walk(node))


def _decimal(term: Term) -> Term:
    r"""`\eta = 0,5` in a document that has points elsewhere: a rate is no list."""
    match term:
        case Stack(((Const(whole),), (Const(part),))) | Stack(((Const(whole), Const(part)),)):
            if whole.denominator == part.denominator == 1 and whole >= 0 <= part:
                return Const(Fraction(f"{whole}.{part}"))
    return term


def _define_summands(draft: Draft) -> None:
    """`J = D + lambda/2 w^T w` after a formula of J: the D that nothing else says what it is, is the rest."""
    for again in draft.restated:
        known = {d.key for d in draft.definitions} | {r.key for d in draft.definitions for r in references_in(d.term)}
        written = again.term.terms if isinstance(again.term, Add) and not again.indices else ()
        terms = [(sign, t.body if isinstance(t, SumOver) and isinstance(t.body, Part) else t) for sign, t in written]
        new = [t for sign, t in terms if sign > 0 and isinstance(t, Part) and t.key not in known and not t.indices]
        others = {r.key for _, t in terms if t not in new for r in references_in(t)}
        if len(terms) > 1 and len(new) == 1 and base_of(again.key) in LOSS_BASES and others <= known:
            rest = tuple((-sign, t) for sign, t in terms if t != new[0])
            whole = Add(((1, Part(again.key, ())), *rest))
            draft.definitions.append(Definition(new[0].key, whole, again.at, again.line))


def _is_solved_for(draft: Draft, at: int, ref: Reference, term: Term) -> bool:
    """`b = mean(y) - w mean(x)` after the gradient by b was set to zero: where the loss is least, not what b is."""
    if ref.base not in WEIGHTLIKE | {"beta", "c"} or ref.key not in draft.derived_by:
        return False
    before = {d.key: {r.key for r in references_in(d.term)} for d in draft.definitions if d.at < at}
    targets = before.get(draft.loss or "", set()) - before.keys()
    is_used = any(ref.key in keys for keys in before.values())
    return is_used and not targets.isdisjoint(r.key for r in references_in(term))


def _is_inverted(term: Term) -> bool:
    """`(X^T X)^{-1} X^T y`: a solution, no premise."""
    powers = (p for p in everything_in(term) if isinstance(p, Power))
    inverses = (p.base for p in powers if p.exponent in (Const(Fraction(-1)), Add(((-1, ONE),))))
    return any(isinstance(part, Transpose) for base in inverses for part in everything_in(base))


def _goes_into_a_layer(draft: Draft, key: str) -> bool:
    """Whether something that has the letter of a loss is none: the R of `R = max(0, F), S = R W + b`."""
    for _, ref, node, _ in draft.equations():
        if ref.base not in LOSS_BASES and ref.key != draft.loss and not is_derived(draft, ref):
            parts = list(f.walk(node))
            if not any(isinstance(n, f.Derivative) for n in parts):
                named = (draft.closed(n) for n in parts if isinstance(n, (f.Name, f.Scripted)))
                if any(r is not None and r.key == key for r in named):
                    return True
    return False


def _prefer_grounded(draft: Draft) -> None:
    """Of `J = J_1 + J_2` and `J = mse + ce` the one whose parts have a meaning; the names of the other are names for them."""
    for other in [*draft.restated, *draft.definitions]:
        first = next((d for d in draft.definitions if d.key == other.key), None)
        if first is None or first is other or other.indices or not isinstance(first.term, Add):
            continue
        elsewhere = [d for d in (*draft.definitions, *draft.restated) if d.key != other.key]
        known = {d.key for d in elsewhere} | {r.key for d in elsewhere for r in references_in(d.term)}
        empty, full = ([r.key for r in references_in(d.term)] for d in (first, other))
        if not empty or set(empty) & known or not set(full) & known:
            continue
        draft.definitions[draft.definitions.index(first)] = replace(other, at=first.at)
        for found in (draft.restated, draft.definitions):
            if other in found:
                found.remove(other)
        if len(empty) == len(full) and all(isinstance(t, (Part, SumOver)) for _, t in first.term.terms):
            for key in empty:
                named = [k for k in full if key.endswith(f"[{k}]")] or (full[1:] if key == empty[-1] else [])
                if named and named[0] != key:
                    draft.symbols.alias(key, named[0])


def _summands_alike(draft: Draft) -> None:
    r"""`R = \sum_i R_i = \sum_i \sum_k (y_{ik} - f_{ki})^2`: what is added up is the same, so R_i has a formula."""
    defined = {d.key for d in draft.definitions}
    sums: dict[str, list[tuple[int, tuple[Term, ...], str, Term]]] = defaultdict(list)
    for at, ref, node, layers in draft.equations():
        if ref.base in LOSS_BASES and not ref.indices:
            with contextlib.suppress(NotUnderstood, LayerOpen):
                before, along, body = _sum_in(draft.elaborator_at(layers).term(node))
                sums[ref.key].append((at, before, along, body))
    for key, found in sums.items():
        for (at, scale, along, each), (_, before, other, body) in itertools.permutations(found, 2):
            is_each = isinstance(each, Part) and each.key == key + EACH and each.key not in defined
            if not is_each or along != other or along != f"letter:{each.indices[0]}" or scale not in ((), before):  # type: ignore[union-attr]
                continue
            factors = (*(before if not scale else ()), body)
            whole = Sloppy(factors, ("",) * (len(factors) - 1)) if len(factors) > 1 else body
            if all(base_of(r.key) != base_of(key) for r in references_in(whole)):
                letters = (along.removeprefix("letter:"),)
                line = draft.document.statements[at].line
                draft.definitions.append(Definition(key + EACH, Gathered(whole, letters), at, line, letters))
                defined.add(key + EACH)


def _sum_in(term: Term) -> tuple[tuple[Term, ...], str, Term]:
    """The factors before a sum, what it runs along, and its body."""
    match term:
        case SumOver(along, body):
            return (), along, body
        case Sloppy((*before, SumOver(along, body)), marks) if not any(marks):
            return tuple(before), along, body
    return (), "", term


def _has_already(draft: Draft, key: str, at: int) -> bool:
    """Whether an earlier definition under the same heading stands: then a second one is a restatement, to be judged."""
    earlier = [d for d in draft.definitions if d.key == key]
    if not earlier:
        return False
    place = draft.document.statements[at].span[0]
    before = draft.document.statements[earlier[-1].at].span[0]
    return not any(s.is_heading and before < s.span[0] <= place for s in draft.document.sentences)


def _is_in_range(draft: Draft, ref: Reference, term: Term) -> bool:
    return draft.has_layers((ref.key, *(r.key for r in references_in(term))))


def _drop_below_first(draft: Draft, general: set[int]) -> None:
    """The activation of the input layer has no pre-activation: what refers to one there is no definition."""
    if draft.layer_range is None:
        return
    first = draft.layer_range[0]
    defined = {d.key for d in draft.definitions}
    lefts = {d.key: draft.document.statements[d.at].sides[0].node for d in draft.definitions if d.at in general}
    above = {base_of(k) for k, left in lefts.items() if _is_next(left)}  # x_{l+1} = f(s_l): x_0 is the input
    bases = {base_of(k) for k in defined} - above
    renamed = {v for k, v in draft.symbols.aliases.items() if layer_of(k) == first}
    earliest = {d.key: d for d in reversed(draft.definitions)}

    def missing(definition: Definition) -> set[str]:
        """What it refers to in the first layer without a formula there."""
        keys = {r.key for r in references_in(definition.term)}
        return {k for k in keys if k not in defined and layer_of(k) == first}

    def stands(definition: Definition) -> bool:
        if definition.at not in general:
            return True
        if layer_of(definition.key) == first or definition.key in renamed:
            return not any(base_of(k) in bases for k in missing(definition))
        before = earliest[definition.key]
        return before is definition or not missing(definition) or bool(missing(before))

    draft.definitions = [d for d in draft.definitions if stands(d)]


def _is_next(node: f.Node) -> bool:
    """`x_{l+1}`."""
    scripts = (*node.lower, *node.upper) if isinstance(node, f.Scripted) else ()
    sums = [f.without_brackets(s.body) for s in scripts]
    return any(isinstance(x, f.Sum) and len(x.terms) == 2 and x.terms[1][0] > 0 for x in sums)


def _keep_direction(draft: Draft, at: int, ref: Reference, term: Term) -> None:
    r"""`m_1 = \mu m_0 + \nabla_w J`: a quantity of its own that a gradient is part of, as momentum is."""
    is_own = (
        ref.key != draft.loss
        and not ref.indices
        and not any(names_before(ref.key))
        and all(r.key != ref.key for r in references_in(term))
    )
    if is_own and isinstance(term, Add) and len(term.terms) > 1 and gradient_in(term, draft.loss) is not None:
        line = draft.document.statements[at].line
        draft.directions.append(Definition(ref.key, term, at, line))


def _is_step_along(draft: Draft, ref: Reference, term: Term) -> bool:
    """`w_new = w - eta m_1`, `w_new = w - 0.1 * 8`: a step along a direction or a number, and no quantity of the network."""
    used = {r.key for r in references_in(term)}
    before = used & set(names_before(ref.key))
    return bool(before) and (used == before or any(d.key in used for d in draft.directions))


def _calls_of_names(draft: Draft) -> _Calls:
    r"""The different `\phi(net_k)` that each quantity, in each layer, is said to be."""
    found: _Calls = defaultdict(dict)
    for _, ref, node, layers in draft.equations():
        with contextlib.suppress(NotUnderstood, LayerOpen):
            term = draft.elaborator_at(layers).term(node)
            if isinstance(term, Apply) and isinstance(term.body, Part):
                found[ref.key, tuple(layers.items())][term] = None
    return found


def _arguments_alike(draft: Draft, at: int, term: Apply, calls: Iterable[Apply]) -> None:
    r"""`z_k = \phi(net_k) = \phi(w_k^T y)`: the arguments are equal, so net_k has a formula."""
    for earlier in calls:
        part = earlier.body
        if earlier.function == term.function and isinstance(part, Part) and term.body != part:
            letters = tuple(i for i in part.indices if isinstance(i, str))
            if not any(d.key == part.key for d in draft.definitions) and part.key not in {
                r.key for r in references_in(term.body)
            }:
                body: Term = Gathered(term.body, letters) if letters else term.body
                draft.definitions.append(Definition(part.key, body, at, draft.document.statements[at].line, letters))
            return


def _definitions_inside_derivatives(draft: Draft) -> None:
    r"""`dz_2/dw_2 = d/dw_2 [w_2 a_1 + b_2]` says what z_2 is."""
    for at, statement in enumerate(draft.document.statements):
        if len(statement.sides) < 2:
            continue
        first = f.without_brackets(statement.sides[0].node)
        for side in statement.sides[1:]:
            second = f.without_brackets(side.node)
            if (
                not (isinstance(first, f.Derivative) and isinstance(second, f.Derivative))
                or first.top is None
                or second.top is None
            ):
                continue
            try:
                left = draft.plain(first.top)
                same = draft.elaborator.reference(f.without_brackets(first.bottom)) == draft.elaborator.reference(
                    f.without_brackets(second.bottom)
                )
                term = draft.elaborator.term(second.top)
            except (NotUnderstood, LayerOpen):
                continue
            if left is None or not same or isinstance(term, Part) or left.key == draft.loss:
                continue
            if not any(d.key == left.key for d in draft.definitions) and not any(
                r.key == left.key for r in references_in(term)
            ):
                draft.definitions.append(Definition(left.key, term, at, statement.line))


def link_prediction(draft: Draft) -> None:
    r"""The `\hat y` of a loss that no line defines, beside a network whose last layer the loss does not name: they are one.

    So are the `a_i` of a loss and `A_2`, where the letter alone has no formula.
    """
    loss = next((d for d in draft.definitions if d.key == draft.loss), None)
    if loss is None:
        return
    known = {d.key for d in draft.definitions} | {n.key for n in draft.numbers}
    used = {r.key for d in draft.definitions for r in references_in(d.term)}
    tops = [d for d in draft.definitions if d.key not in used and d is not loss and _is_activated(d.term)]
    if len(tops) != 1 or base_of(tops[0].key) in LOSS_BASES:
        return
    top = tops[0]
    named = {r.key for r in references_in(loss.term)}
    outputs = {k for k in named if k.endswith("^hat") or k == base_of(top.key)} - known
    if len(outputs) != 1 or any(d.key in named and _is_activated(d.term) for d in draft.definitions):
        return  # the y of `(h - y)^2` beside `h = ỹ`: it names the output, so y is the target
    hat = outputs.pop()
    draft.symbols.alias(hat, top.key)
    draft.definitions = [replace(d, term=_renamed(d.term, hat, top.key)) for d in draft.definitions]
    draft.assumptions.append(
        Assumption(f"{shown_name(hat)} is {shown_name(top.key)}", "the output of the last layer", loss.line)
    )


def _is_activated(term: Term) -> bool:
    return isinstance(term.body if isinstance(term, Gathered) else term, (Apply, Softmax))


def _renamed(term: Term, key: str, other: str) -> Term:
    if isinstance(term, Part) and term.key == key:
        return Part(other, term.indices)
    return mapped(term, lambda part: _renamed(part, key, other))


def prefer_known_names(draft: Draft) -> None:
    r"""`E = \sum 1/2 (target - output)^2` in words, then `E = E_1 + E_2`: what is about quantities of the document counts."""
    known = {d.key for d in draft.definitions} | {n.key for n in draft.numbers}

    def is_word(key: str) -> bool:
        return key not in known and len(base_of(key)) > 3

    for again in list(draft.restated):
        first = next((d for d in draft.definitions if d.key == again.key), None)
        if (
            first is not None
            and all(r.key in known for r in references_in(again.term))
            and any(is_word(r.key) for r in references_in(first.term))
        ):
            draft.definitions[draft.definitions.index(first)] = replace(again, at=first.at, line=first.line)
            draft.restated.remove(again)


# --- small letters that stand for their capital ---
def tangled_folds(draft: Draft) -> frozenset[str]:
    """Small letters folded with their capital where a definition then goes in a circle: `P` depends on `p`, so they are two."""
    terms = {d.key: d.term for d in draft.definitions}
    small = set(draft.symbols.folds.values())
    tangled = set()
    for key in terms:
        if base_of(key) in small and key in reached_by(key, terms):
            tangled.add(base_of(key))
    if "b" in small and _multiplies_and_is_added(draft, "b"):
        tangled.add("b")
    if "w" in small and _has_rows_and_entries(draft, "w"):
        tangled.add("w")
    return frozenset(tangled) | _folds_with_two_formulas(draft)


def _has_rows_and_entries(draft: Draft, key: str) -> bool:
    """Whether a weight has one index here and two there: `u_j = W_{ji} x_i` and `a = w_k h_k` are two."""
    parts = (r for d in draft.definitions for r in references_in(d.term) if isinstance(r, Part) and r.key == key)
    return {len([i for i in r.indices if isinstance(i, str)]) for r in parts} >= {1, 2}


def _multiplies_and_is_added(draft: Draft, key: str) -> bool:
    """Whether a letter stands for a weight as well as for a bias: `r = B h + e, s = v^T h + b`."""
    parts = [part for d in draft.definitions if d.key != draft.loss for part in everything_in(d.term)]
    is_added = any(isinstance(p, Add) and Part(key, ()) in [t for _, t in p.terms] for p in parts)
    return is_added and any(
        isinstance(p, Sloppy) and Part(key, ()) in p.factors and not any(map(is_written_sum, p.factors)) for p in parts
    )


def _folds_with_two_formulas(draft: Draft) -> set[str]:
    """The z of `z = x W + b` and later `Z = H W + b`: two models in one document, not two ways to write one array."""
    terms = {d.key: d.term for d in draft.definitions}

    def made_of(term: Term) -> set[str]:
        """What it comes from in the end: sigma(z) with z = w x + b from the same as sigma(w x + b)."""
        direct = {r.key for r in references_in(term)}
        return direct.union(*(reached_by(key, terms) for key in direct)) - terms.keys()

    found = set()
    for other in draft.restated:
        first = next((d for d in draft.definitions if d.key == other.key), None)
        letter = base_of(other.key)
        if first is None or letter not in draft.symbols.folds.values() or "[" in other.key:
            continue
        heads = {name.base for d in (first, other) if (name := name_of(draft.document.statements[d.at].sides[0].node))}
        if heads == {letter, letter.upper()} and made_of(first.term) != made_of(other.term):
            found |= set(draft.symbols.folds.values())
    return found


def with_sigmoid(term: Term) -> Term:
    """`1/(1 + e^{-(w x + b)})` as the function that it is, so that what it is taken of is seen as a layer."""
    match term:
        case Gathered(body):
            return replace(term, body=with_sigmoid(body))
        case Over(
            Const(one),
            Add(((1, Const(two)), (1, Apply("exp", 0, Add(terms)))))
            | Add(((1, Apply("exp", 0, Add(terms))), (1, Const(two)))),
        ) if one == two == 1 and all(sign < 0 for sign, _ in terms):
            body = terms[0][1] if len(terms) == 1 else Add(tuple((-sign, part) for sign, part in terms))
            return term if isinstance(body, Part) else Apply("sigmoid", 0, body)
    return term


def _is_one_entry(term: Term) -> bool:
    """`-log p_c`: an entry picked, not a sum over all."""
    if any(isinstance(p, SumOver) for p in everything_in(term)):
        return False
    lettered = [p for p in everything_in(term) if isinstance(p, Part) and p.indices]
    return len({p.key for p in lettered}) == 1 and bool(lettered)


def _without_letters(term: Term, letters: tuple[str, ...]) -> Term | None:
    """`a_j = g(z_j)` as `a = g(z)`: None where the letters do more than run along."""
    if isinstance(term, Softmax) and isinstance(term.body, Part):
        return Softmax(Part(term.body.key, ()), term.along) if term.body.indices == letters else None
    if isinstance(term, Apply) and isinstance(term.body, Part):
        return Apply(term.function, term.order, Part(term.body.key, ())) if term.body.indices == letters else None
    return None
