"""Why a step is right: one sentence for each rule, in the document's own symbols and indices.

A sentence gets the step and the printer and returns text, or '' where there is nothing worth saying (an addition passes
its adjoint on unchanged). Every rule of the calculus has its sentence here; a contract test names one that is missing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sympy

from symderiv.calculus.derivation import Step
from symderiv.calculus.expressions import Broadcast, Expr, Fill, Map, Symbol, Transpose
from symderiv.calculus.functions import Elementwise, Opaque, has_entries, placeholder
from symderiv.calculus.shapes import ONE, SCALAR
from symderiv.documents.latex import Printer, Tex
from symderiv.views.index import Entry, Index, entry

Sentence = Callable[[Step, Printer], str]
SENTENCES: dict[str, Sentence] = {}


def sentence_for(rule: str) -> Callable[[Sentence], Sentence]:
    """Register the decorated function as the explanation of a rule."""

    def register(sentence: Sentence) -> Sentence:
        SENTENCES[rule] = sentence
        return sentence

    return register


def explain(step: Step, printer: Printer) -> str:
    """Why the step is right, or '' if it needs no words."""
    return SENTENCES[step.rule](step, printer)


@sentence_for("leaf-pullback")
def _leaf(step: Step, p: Printer) -> str:
    return ""


@sentence_for("matmul-pullback")
def _matmul(step: Step, p: Printer) -> str:
    """The index line that forces the transpose."""
    left, right = step.before.args
    row = p.letters.index(left.shape[0])
    inner = p.letters.index(left.shape[1], (row,))
    column = p.letters.index(right.shape[1], (row, inner))
    a = p.index_tex(entry(left, row, inner, p.letters, (column,))).text
    b = p.index_tex(entry(right, inner, column, p.letters, (row,))).text
    y_bar = _adjoint_entry(step, row, column, p)
    where = "" if isinstance(step.cotangent, Symbol) else r" ($\bar{y}$ is what comes from above)"
    own, other, summed = (a, b, column) if step.part == 0 else (b, a, row)
    beside = left if step.part == 1 else right
    turned, transposed = p.latex(beside), _transposed(beside, p)
    if not isinstance(summed, Index):
        gets = f"{y_bar} \\, {other}" if step.part == 0 else f"{other} \\, {y_bar}"
        outer = step.before.args[step.part].shape.count(ONE) == 0
        why = "a column times a row" if outer else "in shapes that fit"
        return (
            f"*Why the transpose:* ${own}$ is used once, multiplied by ${other}$, so it gets ${gets}${where}. As a matrix product, "
            f"{why}, that takes the transpose of ${turned}$, which is ${transposed}$."
        )
    line = rf"\sum_{{{p.place(summed)}}} " + (rf"{y_bar} \, {other}" if step.part == 0 else rf"{other} \, {y_bar}")
    which, side, end = ("second", "right", "first") if step.part == 0 else ("first", "left", "last")
    return (
        f"*Why the transpose:* ${own}$ is used once for every ${p.place(summed)}$, multiplied by ${other}$, so it "
        f"gets ${line}${where}. The sum runs over the {which} index of ${turned}$, but a matrix product sums over the {end} index "
        f"of its {side} factor. So that factor has to be ${transposed}$."
    )


def _transposed(expr: Expr, p: Printer) -> str:
    return p.latex(expr.args[0] if isinstance(expr, Transpose) else expr.T)


def _adjoint_entry(step: Step, row: Any, column: Any, p: Printer) -> str:
    """The entry of what comes from above: its name, or a bar if it has none of its own."""
    cotangent = step.cotangent
    if isinstance(cotangent, Symbol):
        return p.index_tex(Entry(cotangent, row, column)).text
    index = p.places(row, column)
    return r"\bar{y}" + (f"_{{{index}}}" if index else "")


@sentence_for("transpose-pullback")
def _transpose(step: Step, p: Printer) -> str:
    return f"${p.latex(step.before.args[0])}$ stands transposed in the forward equation, so the result is turned back."


@sentence_for("map-pullback")
def _map(step: Step, p: Printer) -> str:
    assert isinstance(step.before, Map)
    slope = step.before.function.diff(placeholder(step.part))
    if slope == 1:
        return ""
    if not has_entries(slope):
        return f"A constant factor, ${p.number(slope)}$, stays."
    kinds = step.before.function.atoms(sympy.Function)
    notes = [f" ({kind.note})" for kind in map(type, kinds) if issubclass(kind, Elementwise) and kind.note]
    product = "is multiplied by" if step.before.shape == SCALAR else "is multiplied, entry by entry, by"
    opaque = "; only the name of the function is known" if any(isinstance(k, Opaque) for k in kinds) else ""
    part = p.latex(step.before.args[step.part])
    scalar = step.before.shape == SCALAR
    work = "" if scalar else f"Elementwise work: an entry depends on the same entry of ${part}$ only. "
    rule = _slope_of_one_function(step.before, p)
    return f"{work}What comes from above {product} the slope{rule}{opaque}{''.join(notes)}."


def _slope_of_one_function(node: Map, p: Printer) -> str:
    """For A = f(Z) with a known f: the rule f'(z) = ..., and what f(z) is called."""
    function = node.function
    if not isinstance(function, sympy.Function) or function.args[0] != placeholder(0) or isinstance(function, Opaque):
        return ""
    z = {placeholder(0): Tex("z")}
    name = p.scalar(function, z, True).text
    slope = p.scalar(function.diff(placeholder(0)), z, True).text
    return rf", $\frac{{{p.notation.d}}}{{{p.notation.d} z}} {name} = {slope}$"


@sentence_for("sum-pullback")
def _sum(step: Step, p: Printer) -> str:
    return "Every entry stands in the sum once, with factor 1, so every entry gets the adjoint of the sum."


@sentence_for("broadcast-pullback")
def _broadcast(step: Step, p: Printer) -> str:
    assert isinstance(step.before, Broadcast)
    repeated = p.latex(step.before.args[0])
    sizes = [p.size(step.before.shape[axis]) for axis in step.before.axes]
    times = r" \times ".join(sizes)
    ones = " That sum is the product with a vector of ones." if not isinstance(step.after, Fill) else ""
    return (
        f"*Where the sum comes from:* the same ${repeated}$ is used ${times}$ times, each time with factor 1, and every use sends its "
        f"share back: the shares are added.{ones}"
    )


@sentence_for("softmax-pullback")
def _softmax(step: Step, p: Printer) -> str:
    axis = getattr(step.before, "axis", 0)
    group = "column" if axis == 0 else "row"
    return (
        rf"Softmax is not elementwise: within one {group}, $\frac{{{p.notation.d} a_{{r}}}}{{{p.notation.d} z_{{s}}}} = "
        rf"a_{{r}} (\delta_{{rs}} - a_{{s}})$, so every output depends on every input. Summed over the outputs, the Jacobian gives "
        rf"the entrywise product with $\bar{{a}}_{{s}} - \sum_{{r}} \bar{{a}}_{{r}} a_{{r}}$, where $\bar{{a}}$ is what comes from above."
    )


@sentence_for("augment-pullback")
def _augment(step: Step, p: Printer) -> str:
    what = "row" if getattr(step.before, "axis", 0) == 0 else "column"
    return f"The first {what} holds the constant ones; a constant has no derivative, so that {what} is dropped (index $1{{:}}$)."


@sentence_for("drop-first-pullback")
def _drop_first(step: Step, p: Printer) -> str:
    return "What was dropped has no influence: its adjoint is zero."


@sentence_for("push-transpose")
def _push_transpose(step: Step, p: Printer) -> str:
    return r"Transposes: $(A^{\top})^{\top} = A$ and $(A B)^{\top} = B^{\top} A^{\top}$."


@sentence_for("scalar-calculus")
def _scalar_calculus(step: Step, p: Printer) -> str:
    assert isinstance(step.before, Map)
    powers = step.before.function.atoms(sympy.Pow)
    cancels = any(power.exp.is_negative and has_entries(power) for power in powers)
    return "Common denominator, and what stands above and below cancels." if cancels else ""


@sentence_for("pull-out-constant")
def _pull_out_constant(step: Step, p: Printer) -> str:
    return "A constant factor may stand in front of a product or a sum."


@sentence_for("product-with-ones")
def _product_with_ones(step: Step, p: Printer) -> str:
    return "A product with ones is a sum."


@sentence_for("constant-entries")
def _constant_entries(step: Step, p: Printer) -> str:
    return "Equal entries add up to their number times the entry."


@sentence_for("sum-of-repeats")
def _sum_of_repeats(step: Step, p: Printer) -> str:
    return "A factor that is the same all along the sum comes out of it."


@sentence_for("cut-off-ones")
def _cut_off_ones(step: Step, p: Printer) -> str:
    return "Dropping the ones that were put first gives the matrix back."


@sentence_for("softmax-sums-to-one")
def _softmax_sums_to_one(step: Step, p: Printer) -> str:
    return "The outputs of a softmax sum to 1."


@sentence_for("sums-to-one")
def _sums_to_one(step: Step, p: Printer) -> str:
    assert step.assumption is not None
    what = "column" if step.assumption.axis == 0 else "row"
    name, sums = p.notation.name(step.assumption.name), f"{p.latex(step.before)} = {p.latex(step.after)}"
    return f"*Assumption used:* each {what} of ${name}$ sums to 1 (one-hot targets do), so ${sums}$."
