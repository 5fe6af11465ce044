"""What a comparison found, in sentences: the first cause first, then what it does."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np

from symderiv.calculus.expressions import Map, apply
from symderiv.calculus.functions import Opaque, placeholder
from symderiv.calculus.rewrites import Simplifier
from symderiv.comparison.alignment import Row
from symderiv.comparison.comparing import Comparison
from symderiv.comparison.effects import GRID, MEASURES, slope_curve
from symderiv.comparison.factors import Factored, Slope
from symderiv.comparison.sides import Sides, listed, short


class Findings:
    """The sentences about one comparison."""

    def __init__(self, comparison: Comparison, sides: Sides) -> None:
        self.comparison, self.alignment, self.sides = comparison, comparison.alignment, sides
        self.names, self.models, self.printers = sides.names, sides.models, sides.printers

    def sentences(self) -> Iterator[str]:
        """The sentences that explain the difference, the first cause first."""
        differing = list(self.alignment.differing())
        if not differing:
            yield "The models are the same network with the same loss: every gradient is equal."
            return
        yield from self._about_gradients(differing)
        yield from self._about_saturation()
        yield from self._about_training()

    def _about_gradients(self, differing: list[str]) -> Iterator[str]:
        parting = [row for row in self.alignment.rows if row.relation == "differs"]
        yield from self._about_definitions(differing)
        for row in parting:
            yield from self.about_slopes(row)
            yield from self.about_summands(row)
        yield from self._about_sums()
        constants = [row for row in self.alignment.rows if row.relation == "constant"]
        if constants and not parting:
            yield (
                "The gradients differ by a constant alone: with a learning rate changed by it, every step is the same."
            )
        behind = [row for row in self.alignment.rows if row.relation == "through"]
        if behind:
            own = {f"{row.quantity.name}_bar" for row in behind}
            roots = dict.fromkeys(s for row in behind for s in row.through if s.name not in own)
            yield (
                f"{self.sides.derivatives(row.quantity for row in behind)}: the same steps in every model; they differ only through "
                f"{listed(self.sides.adjoint(s) for s in roots)}."
            )
        if any(row.relation == "equal" and not row.same_values for row in self.alignment.rows):
            changed = [name for name in differing if name != self.models[0].loss.name]
            yield (
                f"Where the table says that formulas are the same, their values still differ, since "
                f"{listed(f'${self.sides.name(name)}$' for name in changed)} is another function in each model."
            )

    def _about_definitions(self, differing: list[str]) -> Iterator[str]:
        loss = self.models[0].loss.name
        others = [name for name in differing if name != loss]
        if differing == [loss]:
            yield "The forward pass is the same; only the loss differs, so everything starts with its derivative."
        elif others and loss not in differing:
            yield f"The loss is the same; {listed(f'${self.sides.name(n)}$' for n in others)} is another function of the layer before."

    def about_slopes(self, row: Row) -> Iterator[str]:
        """At the derivative behind an activation: its slope is present, or has cancelled, in each model."""
        for k, (name, model) in enumerate(zip(self.names, self.models, strict=True)):
            equation = next((e for e in model.equations if row.quantity in e.uses and not e.contracts), None)
            own = row.own(k)
            if equation is None or equation is model.loss:
                continue
            slope = next((s for s in self.alignment.slopes[k] if s.Z is row.quantity and s.A is equation.symbol), None)
            derivative = f"${self.sides.derivative(k, row.quantity)}$"
            if slope is None:
                yield from self._about_softmax(row, k, derivative)
                continue
            letter, value = self.sides.slope_name(k, slope), self.printers[k].latex(slope.value)
            factors = row.factors[k]
            power = factors.powers.get(slope.symbol, 0) if factors else 0
            above = next((a for a in self.alignment.derivations[k] if a.quantity is slope.A and not a.term), None)
            below = above is not None and self.printers[k].denominator(above.closed)
            if power == 0 and below:
                left = (
                    f" {derivative} is then proportional to the error: a sample that is quite wrong moves the weights most."
                    if factors is not None and _is_error(factors)
                    else ""
                )
                yield (
                    f"*{name}:* ${self.sides.derivative(k, slope.A)}$ has ${below}$ below the line; the chain rule multiplies "
                    f"with the slope ${letter} = {value}$, and it cancels.{left}"
                )
            elif isinstance(slope.function, Opaque):
                yield f"*{name}:* the slope ${letter}$ stays in {derivative}; what it does depends on the function."
            elif power == 1 and own is not None and slope.symbol in own.powers:
                top = _highest(slope)
                told = [
                    f"*{name}:* the slope ${letter} = {value}$ stays in {derivative}.",
                    f"It is at most {top}." if top else "",
                    _where_small(slope, f"${self.printers[k].latex(slope.Z)}$"),
                ]
                yield " ".join(filter(None, told))

    def _about_softmax(self, row: Row, k: int, derivative: str) -> Iterator[str]:
        """A softmax's whole derivative is applied, or cancels against the logarithm of a cross-entropy."""
        adjoint = row.adjoints[k]
        if adjoint is None:
            return
        assumed = next((step.assumption for step in adjoint.steps if step.assumption), None)
        name = self.names[k]
        if assumed is not None and not any(len(s) > 1 for s in [self.alignment.models[k].terms]):
            what = "column" if assumed.axis == 0 else "row"
            yield (
                f"*{name}:* the softmax's derivative cancels against that of the logarithm, because each {what} of "
                f"${self.printers[k].notation.name(assumed.name)}$ sums to 1: {derivative} is the error alone."
            )
        elif len(self.alignment.models[k].terms) == 1:
            yield (
                f"*{name}:* the softmax's derivative stays in {derivative}: every entry is multiplied with its own output, "
                "and a mean over all outputs is taken off. A class whose output is near 0 gets almost no gradient, even if "
                "it is the right one."
            )

    def about_summands(self, row: Row) -> Iterator[str]:
        """Where one model's derivative has a summand more than the first model's, as from a penalty: which."""
        first, sums = row.adjoints[0], {k for k, _ in self.alignment.sums}
        for k, adjoint in enumerate(row.adjoints[1:], 1):
            if first is None or adjoint is None or k in sums:
                continue
            for more, name, less, fewer in ((adjoint, k, first, 0), (first, 0, adjoint, k)):
                summand = Simplifier().simplified(apply(lambda x, y: x - y, more.closed, less.closed))[0]
                text = self.printers[name].latex(summand)
                if not text.startswith("-") and 2 * len(text) < len(self.printers[fewer].latex(less.closed)):
                    derivative = self.sides.derivative(name, row.quantity)
                    yield f"*{self.names[name]}:* ${derivative}$ is that of {self.names[fewer]} plus ${text}$."
                    break

    def _about_sums(self) -> Iterator[str]:
        for k, some in self.alignment.sums:
            added = " + ".join(self.names[i] for i in some)
            yield (
                f"*{self.names[k]}:* its loss is the sum {added}, and differentiating is linear: every gradient is the sum "
                "of theirs."
            )

    def _about_saturation(self) -> Iterator[str]:
        """What a sample that is quite wrong sends back."""
        if self.comparison.saturation is not None:
            Z, curves = self.comparison.saturation
            wrong = index_of(-6)
            largest, smallest = max(curves, key=lambda c: c.y[wrong]), min(curves, key=lambda c: c.y[wrong])
            if smallest.y[wrong] and largest.y[wrong] > 1.5 * smallest.y[wrong]:
                yield (
                    f"A sample with the target 1 at ${self.printers[0].latex(Z)} = {{-6}}$ is quite wrong. What it sends back, "
                    f"$|{self.sides.derivative(0, Z)}|$, is {short(largest.y[wrong])} with {largest.name} and "
                    f"{short(smallest.y[wrong])} with {smallest.name}: {largest.y[wrong] / smallest.y[wrong]:.3g} times as much."
                )

    def _about_training(self) -> Iterator[str]:
        """How far training came."""
        for race in self.comparison.races:
            if race.measure == MEASURES[0]:
                start = (
                    "the usual initial values" if race.scale == 1 else f"initial values {race.scale:g} times as large"
                )
                worst = [(c, short(c.high[-1])) for c in race.curves if c.high is not None]
                ends = ", ".join(f"{short(c.y[-1])} with {c.name} (worst run {high})" for c, high in worst)
                lead = f"{self.comparison.steps} steps with one rate for all lead to a mean squared error of {ends}."
                told = [lead] if race.curves else []
                if race.failed:
                    told.append(f"not every run of {listed(race.failed)} came through at the rate {race.rate:g}.")
                yield f"From {start}: " + " ".join(told).replace(". not", ". Not")


def _is_error(factors: Factored) -> bool:
    """Whether what is left is a number times A - Y, a value less its target."""
    (factor, power) = next(iter(factors.powers.items()), (None, 0))
    is_difference = isinstance(factor, Map) and factor.function == placeholder(0) - placeholder(1)
    roles = [getattr(arg, "role", "") for arg in factor.args] if isinstance(factor, Map) else []
    return len(factors.powers) == 1 and power == 1 and is_difference and roles == ["value", "data"]


def _highest(slope: Slope) -> str:
    """The largest value of a slope where it is a simple fraction; '' otherwise."""
    values = slope_curve(slope, "").y
    top = float(np.max(values))
    simple = Fraction(top).limit_denominator(16)
    return str(simple) if abs(float(simple) - top) < 1e-9 else ""


def _where_small(slope: Slope, z: str) -> str:
    """Where a slope is 0 or nearly 0, and what that does, as a sentence; '' where there is nothing to say."""
    values = slope_curve(slope, "").y
    inner = values[1:-1]
    left, right = _tail(values), _tail(values[::-1])
    if left == right == "nearly 0":
        return f"It is nearly 0 where {z} is far from 0: there the unit is saturated and hardly learns, however wrong it is."
    told = [
        f"{tail} where {z} is {'far ' * (tail == 'nearly 0')}{side} 0"
        for tail, side in ((left, "below"), (right, "above"))
        if tail
    ]
    if told:
        learns = "nothing" if "0" in (left, right) else "little"
        return f"It is {' and '.join(told)}: there the unit learns {learns}."
    if (inner[:-1] * inner[1:] <= 0).any():
        return "It is 0 somewhere in between and changes its sign there."
    return ""


def _tail(values: np.ndarray[Any, Any]) -> str:
    """What a slope is far out on one side, where it is small: 0, a constant, or nearly 0."""
    far, near = values[0], values[len(values) // 4]
    if abs(far) >= 0.05:
        return ""
    if far == near:
        return f"{far:.3g}"
    return "nearly 0"


def index_of(at: float) -> int:
    """Where a z stands in GRID."""
    return int(np.argmin(np.abs(GRID - at)))
