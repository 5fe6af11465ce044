"""Names for what the formulas leave without one: the argument of an activation, what a derivative is taken by, an entry.

Elsewhere in the document it often has a name, and what is said of that name could not be judged without it.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace

from symderiv.homework.marking import Assumption
from symderiv.homework.reading import formulas as f
from symderiv.homework.understanding.derivative_names import DELTAS
from symderiv.homework.understanding.draft import Draft, layer_of
from symderiv.homework.understanding.elaboration import NotUnderstood, is_number, replaced
from symderiv.homework.understanding.inlined_outputs import OUTPUT, output_in, with_output_named
from symderiv.homework.understanding.key_names import shown_name
from symderiv.homework.understanding.samples import weight_of_design
from symderiv.homework.understanding.shapes import base_of
from symderiv.homework.understanding.symbols import EACH, LayerOpen, name_of
from symderiv.homework.understanding.terms import (
    Add,
    Apply,
    Const,
    Gathered,
    Jacobian,
    Over,
    Part,
    Power,
    Sloppy,
    Stack,
    SumOver,
    Term,
    everything_in,
    mapped,
    references_in,
)
from symderiv.homework.understanding.understanding import Definition

FED = "net"  # what an activation is taken of, where no line names it


def name_expressions(draft: Draft) -> None:
    r"""`d(a_2-y)^2/d(a_2-y)`: what stands below without a name gets one; what is the text of a definition has one."""
    expanded: dict[str, Term] = {}
    for definition in draft.definitions:
        if isinstance(definition.term, (Add, Power, Over, Sloppy, Apply)):
            expanded.setdefault(definition.key, definition.term)
    if draft.loss is not None and draft.loss_as_written is not None:
        expanded[draft.loss] = draft.loss_as_written
    found: dict[Term, str] = {}
    for node in draft.document.of_kind(f.Derivative):
        if _is_named(node.bottom):
            continue
        try:
            term = draft.elaborator.term(node.bottom)
        except (NotUnderstood, LayerOpen):
            continue
        if not is_number(term) and term not in expanded.values() and term not in found:
            found[term] = f"<{len(found) + 1}>"
    for term, key in found.items():
        expanded[key] = term
        draft.definitions = [replace(d, term=replaced(d.term, term, Part(key, ()))) for d in draft.definitions]
        draft.definitions.append(Definition(key, term, 0, 1))
    draft.elaborator.expanded = expanded


def _is_named(node: f.Node) -> bool:
    node = f.without_brackets(node)
    if isinstance(node, f.Product) and len(node.factors) == 2 and isinstance(node.factors[1], f.Group):
        node = node.factors[0]
    return name_of(node) is not None


def name_parts(draft: Draft) -> None:
    """`h = ReLU(W_1 x + b_1)` and somewhere `z_1 = W_1 x + b_1`: then h is ReLU(z_1)."""
    for named in sorted(draft.definitions, key=lambda d: d.key == OUTPUT):  # a name that the document has goes first
        if named.key == draft.loss or not isinstance(named.term, (Add, Sloppy)) or named not in draft.definitions:
            continue  # it may be another name by now: of two with one formula the first keeps it
        part = Part(named.key, ())
        draft.definitions = [
            d
            if d.key == named.key or named.key in {r.key for r in references_in(d.term)}
            else replace(d, term=replaced(d.term, named.term, part))
            for d in draft.definitions
        ]


def name_arguments(draft: Draft) -> None:
    r"""`h = \sigma(w_1 x)` and later `\sigma'(z_1)`: the argument that nobody named is z_1."""
    defined = {d.key for d in draft.definitions}
    derived = {
        k[1:] for k in draft.used if k[:1] == "d" and base_of(k[1:]) in ("z", "Z", "net") and k[1:] not in draft.used
    }
    if derived - defined and any(base_of(k) in {base_of(d) for d in derived} for k in draft.used):  # dZ2 without a Z2
        draft.used.update(derived - defined)
        draft.elaborator.known |= derived
    else:
        derived = set()
    missing = [
        k for k in draft.used
        if base_of(k) in ("z", "a", "net", "s", "u", "in", "v", "Z", "A") and k not in defined and "^" not in k
    ]  # fmt: skip
    if missing and any(isinstance(d.term, Apply) for d in draft.definitions):
        inside = {r.key for d in draft.definitions for r in references_in(d.term)}
        arguments = (_arguments(draft) - inside) | derived
        missing = [k for k in missing if k in arguments]
    for key in sorted(missing, key=lambda k: "[" not in k):  # z_1 before the z of `g(z) = ..`
        fits: list[tuple[int, Apply]] = []
        for n, definition in enumerate(draft.definitions):
            term = definition.term
            if isinstance(term, Apply) and not isinstance(term.body, (Part, Const)):
                marks = {layer_of(r.key) for r in references_in(term.body)}
                if layer_of(key) is None or layer_of(key) in marks or layer_of(definition.key) == layer_of(key):
                    fits.append((n, term))
        bodies = {t.body for _, t in fits}
        if len(bodies) != 1:
            continue
        body = bodies.pop()
        for n, term in fits:
            draft.definitions[n] = replace(draft.definitions[n], term=Apply(term.function, term.order, Part(key, ())))
        draft.definitions.append(Definition(key, body, 0, draft.definitions[fits[0][0]].line))
        draft.assumptions.append(
            Assumption(f"{shown_name(key)} is the argument of the activation", "it is named nowhere else")
        )


def name_outputs(draft: Draft) -> None:
    """`J = (X w + b - y)^T (X w + b - y)`: the output gets a name, as if a line before had said it."""
    for n, definition in enumerate(draft.definitions):
        products = [p for p in everything_in(definition.term) if weight_of_design(p, draft.symbols.folds) is not None]
        if definition.key != draft.loss or len(set(products)) != 1:
            continue
        output = output_in(definition.term, products[0])
        named = with_output_named(definition.term, output, Part(OUTPUT, ()))
        draft.definitions[n : n + 1] = [
            Definition(OUTPUT, output, definition.at, definition.line),
            replace(definition, term=named),
        ]
        return


def _arguments(draft: Draft) -> set[str]:
    """The names at which a slope or an activation is taken somewhere."""
    found: set[str] = set()
    for statement in draft.document.statements:
        for side in statement.sides:
            try:
                term = draft.elaborator.term(side.node)
            except (NotUnderstood, LayerOpen):
                continue
            applied = (p.body for p in everything_in(term) if isinstance(p, Apply))
            found |= {body.key for body in applied if isinstance(body, Part)}
            found |= {p.bottom.key for p in everything_in(term) if isinstance(p, Jacobian)}
    return found


def name_fed(draft: Draft) -> None:
    r"""`h = \sigma(W_1 x)`, `\delta_2 = (o - t) \odot o \odot (1 - o)`: a delta may be the derivative by what no line names."""
    if not any(base_of(k) in DELTAS for k in draft.used) and not draft.introduced:
        return
    for n, definition in enumerate(draft.definitions):
        gathered = definition.term if isinstance(definition.term, Gathered) else None
        term = gathered.body if gathered is not None else definition.term
        if not isinstance(term, Apply) or isinstance(term.body, (Part, Const)) or definition.key == draft.loss:
            continue
        base, stop, mark = definition.key.partition("[")
        key = f"{FED}{stop}{mark}" if stop and base_of(base) == base else f"{FED}[{definition.key}]"
        if any(d.key == key for d in draft.definitions):
            continue
        body = term.body if gathered is None else replace(gathered, body=term.body)
        letters = definition.indices if gathered is not None else ()
        draft.definitions[n] = replace(definition, term=replace(term, body=Part(key, ())), indices=())
        draft.fed[definition.key] = key
        draft.definitions.append(Definition(key, body, definition.at, definition.line, letters))


def vectors_given_or_made(draft: Draft) -> set[str]:
    """What is given as a list of numbers, and what is worked out of such: W x, then what is worked out of it."""
    vectors = {n.key for n in draft.numbers if isinstance(n.term, Stack) and len(n.term.rows) > 1}
    for _ in draft.definitions:
        found = {d.key for d in draft.definitions if vectors & {r.key for r in references_in(d.term)}} - {draft.loss}
        if found <= vectors:
            break
        vectors |= found
    return vectors


def find_entries(draft: Draft) -> None:
    """`(t_1 - o_1)^2` where t and o are vectors: their entries, not quantities of their own."""
    vectors = vectors_given_or_made(draft)
    made = vectors & {d.key for d in draft.definitions}
    draft.numbers = [_of_vector(draft, number, made) for number in draft.numbers]
    defined = {d.key for d in draft.definitions} | {n.key for n in draft.numbers}
    entries: dict[str, Part] = {}
    for key in {r.key for d in draft.definitions for r in references_in(d.term)} - defined:
        entry = _entry_in(key, vectors & defined)
        if entry is not None and (draft.used[entry.key] > 1 or entry.key in {d.key for d in draft.definitions}):
            entries[key] = entry

    def put(term: Term) -> Term:
        if isinstance(term, Add) and (whole := _summed_whole(term, entries)) is not None:
            return SumOver("all", Part(whole, ()))
        return entries[term.key] if isinstance(term, Part) and term.key in entries else mapped(term, put)

    if entries:
        draft.definitions = [replace(d, term=put(d.term)) for d in draft.definitions]
        lengths = {n.key: len(n.term.rows) for n in draft.numbers if isinstance(n.term, Stack)}
        named = Counter(part.key for part in entries.values())
        draft.entry_counts = {k: n for k, n in named.items() if lengths.get(k) == n}
    draft.entry_counts |= _summed_entries(draft)


def _summed_entries(draft: Draft) -> dict[str, int]:
    """h has two entries where `y = v_1 h_1 + v_2 h_2` takes them all, one product each."""
    found: dict[str, int] = {}
    for term in (d.term for d in draft.definitions if isinstance(d.term, Add)):
        products = [t for _, t in term.terms if isinstance(t, Sloppy) and len(t.factors) == 2]
        for k in (0, 1):
            entries = [p.factors[k] for p in products]
            keys = {e.key for e in entries if isinstance(e, Part)}
            indices = [e.indices for e in entries if isinstance(e, Part)]
            if len(keys) == 1 and len(entries) > 1 and indices == [(i,) for i in range(1, len(entries) + 1)]:
                found[keys.pop()] = len(entries)
    return found


def _summed_whole(term: Add, entries: dict[str, Part]) -> str | None:
    """The E_k of `E_1 + E_2`: all there are of them."""
    named = [entries.get(p.key) if isinstance(p, Part) and sign > 0 else None for sign, p in term.terms]
    keys = {e.key if e is not None else "" for e in named}
    return keys.pop() if len(named) > 1 and len(keys) == 1 and all(k.endswith(EACH) for k in keys) else None


def _of_vector(draft: Draft, number: Definition, vectors: set[str]) -> Definition:
    """The value of z_1 as one of the vector z, where z has a formula."""
    entry = _entry_in(number.key, vectors)
    if entry is None or not has_number_below(draft.document.statements[number.at].sides[0].node):
        return number
    return Definition(entry.key, number.term, number.at, number.line, tuple(i for i in entry.indices if i is not None))


def _entry_in(key: str, vectors: set[str]) -> Part | None:
    """The z_1 of z; the E_1 of `E_k = (t_k - o_k)^2`."""
    match = re.fullmatch(r"(.+?)\[(\d)\]", key)
    whole = next((k for k in (match[1], match[1] + EACH) if k in vectors), None) if match else None
    return Part(whole, (int(match[2]),)) if match and whole is not None else None


def has_number_below(node: f.Node) -> bool:
    """Whether a digit stands below a name, and nothing above."""
    return isinstance(node, f.Scripted) and not node.upper and any(isinstance(s.body, f.Number) for s in node.lower)


def spread_values(draft: Draft) -> None:
    """The values of entries that have names of their own, given as a list."""
    used = {r.key for d in draft.definitions for r in references_in(d.term)}
    for number in list(draft.numbers):
        entries = [e for row in number.term.rows for e in row] if isinstance(number.term, Stack) else []
        names = entry_names(number.key, len(entries))
        if len(entries) > 1 and number.key not in used and all(name in used for name in names):
            draft.numbers += [replace(number, key=k, term=e) for k, e in zip(names, entries, strict=True)]


def entry_names(key: str, count: int) -> list[str]:
    """x[1], x[2] of x; w[11], w[12] of w[1]."""
    base, _, mark = key.removesuffix("]").partition("[")
    return [f"{base}[{mark}{k}]" for k in range(1, count + 1)]
