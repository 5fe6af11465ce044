"""What was understood, told before judging: equations as written, shapes by named sizes, assumptions with their evidence."""

from __future__ import annotations

import itertools
import re

from symderiv.homework.marking import Assumption, Understood
from symderiv.homework.reading.formulas import Derivative
from symderiv.homework.reading.plainly import to_text
from symderiv.homework.understanding.key_names import shown_name
from symderiv.homework.understanding.terms import references_in
from symderiv.homework.understanding.understanding import Understanding
from symderiv.homework.understanding.variants import Variant

UNITS = ("d", "h", "o", "p", "q", "r", "s", "u", "v")


def understood_of(understanding: Understanding, variant: Variant) -> Understood:
    """The echo of an understanding."""
    return Understood(
        equations=tuple(_equations(understanding)),
        shapes=_shapes(understanding),
        assumptions=tuple(
            dict.fromkeys([*_frame(understanding), *understanding.assumptions, *_chosen(understanding, variant)])
        ),
    )


def _equations(understanding: Understanding) -> list[str]:
    """The lines from which the model was taken, each once, in the order of the document."""
    out: dict[str, None] = {}
    for definition in sorted(understanding.definitions, key=lambda d: d.at):
        statement = understanding.document.statements[definition.at]
        if definition.key.startswith("<") or len(statement.sides) < 2 or definition.line != statement.line:
            continue
        first, second = statement.sides[0].node, statement.sides[1].node
        if isinstance(first, Derivative) and not isinstance(second, Derivative):
            continue
        line = " = ".join(to_text(side.node) for side in statement.sides)
        letter = understanding.document.counts_samples
        out[re.sub(r"(?<=[(_{])l\b", letter, line) if letter else line] = None
    return list(out)


def _shapes(understanding: Understanding) -> dict[str, str]:
    names = {"1": "1", "#n": next((s for s in ("m", "n", "N") if s in understanding.symbols.sizes), "n")}
    taken = {*names.values(), *understanding.shapes}  # a size is not called what a quantity is called
    pool = (u for u in itertools.chain(UNITS, map("n{}".format, itertools.count(1))) if u not in taken)
    out = {}
    defined = {d.key for d in understanding.definitions}
    order = [*understanding.weights, *understanding.biases, *sorted(defined), *sorted(understanding.shapes)]
    for key in dict.fromkeys(order):
        shape = understanding.shapes.get(key)
        if shape is None or shape == ("1", "1") or key.startswith(("<", "#")):
            continue
        for dim in shape:
            if dim not in names:
                names[dim] = dim if dim.isdigit() else next(pool)
        rows, columns = (names[dim] for dim in shape)
        out[shown_name(understanding.capitals.get(key, key))] = f"{rows} × {columns}"
    return out


def _frame(understanding: Understanding) -> list[Assumption]:
    """Layout, one sample or many, what the loss is."""
    out = []
    if understanding.scalars:
        out.append(Assumption("every quantity is a single number", "no vectors, matrices, sums or transposes occur"))
    elif understanding.weights:
        first = next(
            (
                d
                for d in understanding.definitions
                if understanding.weights[0] in {r.key for r in references_in(d.term)}
            ),
            None,
        )
        way = "columns" if understanding.axes.layout == "columns" else "rows"
        line = first.line if first is not None else None
        out.append(
            Assumption(
                f"vectors and samples are {way}",
                f"the weight stands {'before' if way == 'columns' else 'behind'} its input",
                line,
            )
        )
    if not understanding.scalars and not understanding.document.counts_samples:
        many = understanding.axes.batch
        out.append(
            Assumption(
                "many samples at once" if many else "one sample",
                "sums, means or words about samples" if many else "nothing sums over samples",
            )
        )
    if understanding.loss is not None:
        out.append(Assumption(f"the loss is {shown_name(understanding.loss)}", "what is differentiated"))
    return out


def _chosen(understanding: Understanding, variant: Variant) -> list[Assumption]:
    """What was chosen because most lines are true with it."""
    out = []
    why = "most lines are true with it"
    if variant.factor != 1 or variant.mean:
        scale = ("1/(2n)" if variant.factor != 1 else "1/n") if variant.mean else str(variant.factor)
        out.append(Assumption(f"the loss has the factor {scale}", why))
    if variant.later:
        out.append(Assumption("1/n is taken later, in the gradients of the parameters", why))
    if variant.single:
        out.append(Assumption("the formulas are those of one sample", why))
    if variant.one_sided:
        out.append(Assumption("the cross-entropy is that of the targets alone, without (1 - y) log(1 - a)", why))
    if variant.renamed is not None:
        out.append(
            Assumption(f"{variant.renamed} is the loss {understanding.loss}", f"nothing else says what it is; {why}")
        )
    if variant.switch is not None:
        name = {"mse": "the squared error", "log": "the log loss", "cross": "the cross-entropy"}[variant.switch[0]]
        line = understanding.document.text.count("\n", 0, variant.switch[1]) + 1
        out.append(Assumption(f"from line {line} on the loss is {name}", "the words there; " + why, line))
    return out
