r"""Units that are counted through, with weights from one to another: `net_j = \sum_i w_{ij} o_i` and `w_{13} = 0.2`.

What a unit adds up is told by the weights that there are; one to which none leads is an input.
"""

from __future__ import annotations

import math
import re
from dataclasses import replace

from symderiv.homework.marking import Assumption
from symderiv.homework.reading import formulas as f
from symderiv.homework.understanding.draft import Draft
from symderiv.homework.understanding.elaboration import replaced
from symderiv.homework.understanding.key_names import shown_name
from symderiv.homework.understanding.symbols import name_of
from symderiv.homework.understanding.terms import (
    Add,
    Apply,
    Const,
    Gathered,
    Part,
    Sloppy,
    SumOver,
    Term,
    references_in,
)
from symderiv.homework.understanding.understanding import Definition

FEWEST = 2  # weights with the numbers of two units
UNITS = range(1, 10)
CLOSE = 1e-3  # a printed number and the sum that it is


def link_numbered_units(draft: Draft) -> None:
    """Write every such sum out, and let the units without one be inputs."""
    for definition in draft.definitions:
        if (layer := _sum_over_entries(definition)) is not None:
            _count_through(draft, definition, *layer)
    sums = {d.key: found for d in draft.definitions if (found := _sum_over_units(d)) is not None}
    if not sums:
        return
    weight, output, _ = next(iter(sums.values()))
    pairs = _pairs_written(draft, weight)
    if len(pairs) < FEWEST:
        return
    forward = sum(a < b for a, b in pairs) * 2 >= len(pairs)  # w_{13} leads from 1 to 3, if most lead to a later unit
    linked: list[Definition] = []
    inputs: set[str] = set()
    for definition in draft.definitions:
        if definition.key not in sums:
            linked.append(definition)
            continue
        unit = sums[definition.key][2]
        sources = [i for i in UNITS if ((i, unit) if forward else (unit, i)) in pairs]
        if sources:
            linked.append(replace(definition, term=_added(weight, output, sources, unit, forward)))
        else:
            inputs.add(definition.key)
    draft.definitions = [d for d in linked if not _is_of_input(d.term, inputs)]


def link_by_numbers(draft: Draft) -> None:
    """`net_2 = 0.6` after `w_{12} = 0.3` and `o_1 = 2`: the sum that its weights say, where the number is that sum.

    How the sums are made is told by one that is written, `net_4 = w_{24} o_2 + w_{34} o_3`.
    """
    defined = {d.key for d in draft.definitions}
    written = next((found for d in draft.definitions if (found := _sum_written(d)) is not None), None)
    if written is None:
        return
    net, weight, output, forward = written
    values = {n.key: value for n in draft.numbers if (value := _value(n.term)) is not None and not n.indices}
    for number in list(draft.numbers):
        unit = re.fullmatch(rf"{re.escape(net)}\[(\d)\]", number.key)
        if unit is None or number.key in defined or number.key not in values:
            continue
        pairs = _pairs_written(draft, weight)
        sources = [i for i in UNITS if ((i, int(unit[1])) if forward else (int(unit[1]), i)) in pairs]
        term = _added(weight, output, sources, int(unit[1]), forward) if sources else None
        value = _sum_of(term, values) if term is not None else None
        if term is None or value is None or abs(value - values[number.key]) > CLOSE * max(1.0, abs(value)):
            continue
        draft.definitions.append(Definition(number.key, term, number.at, number.line))
        draft.numbers.remove(number)
        words = Assumption(
            f"{shown_name(number.key)} adds up what its weights lead to it", "its number shows it", number.line
        )
        draft.assumptions.append(words)


def _sum_written(definition: Definition) -> tuple[str, str, str, bool] | None:
    r"""The letters net, w and o of `net_4 = w_{24} o_2 + w_{34} o_3`, and whether w names first where it comes from."""
    unit = re.fullmatch(r"(\w+)\[(\d)\]", definition.key)
    terms = definition.term.terms if isinstance(definition.term, Add) else ()
    found = set()
    for sign, term in terms if unit else ():
        match term:
            case Sloppy((Part(weight, ()), Part(output, ())), _) if sign > 0:
                above = re.fullmatch(r"(\w+)\[(\d)(\d)\]", weight)
                below = re.fullmatch(r"(\w+)\[(\d)\]", output)
                if above and below and {above[2], above[3]} == {unit[2], below[2]}:  # type: ignore[index]
                    found.add((unit[1], above[1], below[1], above[2] == below[2]))  # type: ignore[index]
                    continue
        return None
    return found.pop() if len(found) == 1 else None


def _value(term: Term) -> float | None:
    match term:
        case Const(value):
            return float(value)
        case Add(((sign, Const(value)),)):
            return sign * float(value)
    return None


def _sum_of(term: Term, values: dict[str, float]) -> float | None:
    products = [t for _, t in term.terms] if isinstance(term, Add) else [term]
    keys = [[p.key for p in t.factors if isinstance(p, Part)] for t in products if isinstance(t, Sloppy)]
    if any(k not in values for pair in keys for k in pair):
        return None
    return sum(math.prod(values[k] for k in pair) for pair in keys)


def _count_through(draft: Draft, summed: Definition, weight: str, output: str, forward: bool) -> None:
    r"""`net_j` and `o_j` of a unit for each, where `w_{13}` and `w_{34}` show that these are no entries of one layer."""
    pairs = _pairs_written(draft, weight)
    links = pairs if forward else {(b, a) for a, b in pairs}
    targets = {b for _, b in links}
    if not targets & {a for a, _ in links}:
        return
    single: list[Definition] = []
    for definition in draft.definitions:
        if definition.key == summed.key:
            for unit in sorted(targets):
                sources = sorted(a for a, b in links if b == unit)
                term = _added(weight, output, sources, unit, forward)
                single.append(replace(definition, key=f"{summed.key}[{unit}]", term=term, indices=()))
        elif (body := _of_one_sum(definition, summed.key)) is not None:
            for unit in sorted(targets):
                made = replaced(body, Part(summed.key, definition.indices), Part(f"{summed.key}[{unit}]", ()))
                single.append(replace(definition, key=f"{definition.key}[{unit}]", term=made, indices=()))
        else:
            single.append(definition)
    draft.definitions = single


def _of_one_sum(definition: Definition, key: str) -> Term | None:
    """The formula of an output, `f(net_j)` or `1/(1 + e^{-net_j})`, of one unit."""
    match definition.term:
        case Apply(_, _, Part(own, ())) if own == key:
            return replaced(definition.term, Part(key, ()), Part(key, definition.indices))
        case Gathered(body, indices) if indices == definition.indices and len(indices) == 1:
            return body if all(r == Part(key, indices) for r in references_in(body)) and references_in(body) else None
    return None


def _sum_over_entries(definition: Definition) -> tuple[str, str, bool] | None:
    r"""The w and o of `net_j = \sum_i w_{ij} o_i`, and whether the weight names first where it comes from."""
    match definition.term:
        case Gathered(SumOver(along, Sloppy((Part(weight, (a, b)), Part(output, (i,))), ("" | "cdot" | "*",))), (j,)):
            if along == f"letter:{i}" and {a, b} == {i, j} and "[" not in weight + output:
                return weight, output, a == i
    return None


def _pairs_written(draft: Draft, weight: str) -> set[tuple[int, int]]:
    """The two numbers of every weight that is written with two; not those that a formula for all units would need."""
    found = set()
    for node in draft.document.of_kind(f.Scripted):
        name = name_of(node)
        if name is not None and name.base == weight and len(node.lower) == 1:
            body = node.lower[0].body
            if isinstance(body, f.Number) and re.fullmatch(r"\d\d", body.text):
                found.add((int(body.text[0]), int(body.text[1])))
    return found


def _sum_over_units(definition: Definition) -> tuple[str, str, int] | None:
    r"""The letters w and o and the unit j of `net[j] = \sum_i w[j]_i o_i`."""
    unit = re.search(r"\[(\d)\]$", definition.key)
    match definition.term:
        case SumOver(along, Sloppy((Part(weight, (one,)), Part(output, (other,))), ("" | "cdot" | "*",))) if unit:
            if along == f"letter:{one}" and one == other and weight.endswith(f"[{unit[1]}]"):
                return weight.partition("[")[0], output, int(unit[1])
    return None


def _added(weight: str, output: str, sources: list[int], unit: int, forward: bool) -> Term:
    marks = [f"{i}{unit}" if forward else f"{unit}{i}" for i in sources]
    products = [
        Sloppy((Part(f"{weight}[{m}]", ()), Part(f"{output}[{i}]", ())), ("",))
        for m, i in zip(marks, sources, strict=True)
    ]
    return Add(tuple((1, product) for product in products)) if len(products) > 1 else products[0]


def _is_of_input(term: Term, inputs: set[str]) -> bool:
    return isinstance(term, Apply) and isinstance(term.body, Part) and term.body.key in inputs
