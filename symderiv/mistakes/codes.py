"""The known mistakes: a stable code each, what to call it, and what to tell whoever made it.

Codes never change: reports, tables and tests lean on them. The sentence about one line, with its own symbols, is made where
the mistake is found; what stands here is true of the mistake wherever it is made. Their order is how often they are made, as
far as the coursework shows: where several explain a line, the first one comes first.
"""

from __future__ import annotations

from typing import NamedTuple


class Mistake(NamedTuple):
    """A known mistake. code: its stable name. title: what happened, in a few words. advice: how to see and avoid it."""

    code: str
    title: str
    advice: str


MISTAKES: tuple[Mistake, ...] = (
    Mistake("missing-slope", "the factor g'(z) is missing",
            "On the way back through an activation the chain rule multiplies with its slope g'(z)."),
    Mistake("missing-batch-sum", "not summed over the samples",
            "The bias is added to every sample, so its gradient collects a share from each: sum over the samples."),
    Mistake("missing-mean-factor", "the factor 1/n is lost",
            "A loss that is a mean over n samples puts 1/n into every gradient once."),
    Mistake("repeated-mean-factor", "the factor 1/n is taken twice",
            "1/n enters once, with the loss; what was derived from it has it already."),
    Mistake("wrong-layer", "a quantity of another layer stands there",
            "The gradient of a weight needs the input of its own layer, and the way back the weights of the layer above."),
    Mistake("slope-at-wrong-argument", "the slope is taken at the wrong place",
            "The slope is taken at the pre-activation of the same layer: g'(z), which is a(1 - a) or 1 - a² in terms of a."),
    Mistake("function-for-slope", "g(z) stands where g'(z) belongs",
            "The chain rule needs the derivative of the activation, not its value."),
    Mistake("slope-twice", "the slope g'(z) is applied twice",
            "dL/dz has the slope of its own activation already."),
    Mistake("dropped-chain-factor", "a factor of the chain is missing",
            "Every step of the path from the loss to the quantity contributes one factor."),
    Mistake("softmax-diagonal", "only the diagonal of the softmax's derivative is used",
            "Every output of a softmax depends on every input: dy_k/dz_l = y_k (1[k=l] - y_l)."),
    Mistake("other-activation", "the slope of another activation",
            "Each activation has its own slope: a(1 - a) for a sigmoid, 1 - a² for tanh, 1 or 0 for a ReLU."),
    Mistake("missing-output-sum", "a sum over units is missing",
            "A unit that feeds several others gets a share of the gradient from each: sum over them."),
    Mistake("summed-over-everything", "summed over an axis that should stay",
            "Only the samples are summed; each unit keeps its own gradient."),
    Mistake("sign", "a sign is flipped", "Mind the inner derivative of -x, 1 - x and y - a."),
    Mistake("missing-transpose", "a transpose is missing",
            "Check the shapes: a gradient has the shape of what it is the gradient of."),
    Mistake("swapped-factors", "the factors stand in the wrong order",
            "Matrix products do not commute; the shapes tell the order."),
    Mistake("matmul-for-elementwise", "a matrix product stands where an elementwise product belongs",
            "Slopes act entry by entry, weights by a matrix product."),
    Mistake("elementwise-for-matmul", "an elementwise product stands where a matrix product belongs",
            "Weights act by a matrix product, slopes entry by entry."),
    Mistake("misplaced-square", "the square is lost, or taken of the wrong thing",
            "1 - a² squares a alone; (1 - a)² squares the difference, and 1 - a nothing: three different numbers."),
    Mistake("constant-factor", "off by a constant factor",
            "Powers bring their exponent down, and a 1/2 in front of a square cancels it."),
    Mistake("other-loss", "right for another loss",
            "The seed of the way back is the derivative of the very loss that was defined."),
    Mistake("regularised-bias", "the penalty is applied to a bias", "Only what stands in the penalty gets its derivative."),
    Mistake("missing-penalty", "the derivative of the penalty is missing",
            "A penalty in the loss adds its own derivative to the gradient of what it holds."),
    Mistake("wrong-weight", "another entry of the weights stands there",
            "Follow the arrow: w_kj leads from unit j to unit k, and the way back takes the same arrow."),
    Mistake("wrong-variable", "a factor is another quantity of the network",
            "The derivative of a product by one factor is the other factor."),
    Mistake("wrong-left-hand-side", "the right side is true for another derivative",
            "Compare what the line is called with what it works out."),
    Mistake("forward-value-as-seed", "a forward value stands where the seed 1 belongs",
            "The way back begins with dL/dL = 1; the value of the loss itself never enters."),
    Mistake("update-sign", "a step up instead of down", "Gradient descent goes against the gradient."),
    Mistake("arithmetic-slip", "the numbers do not give this result", "Work the line out again from the numbers on its left."),
    Mistake("wrong-value-inserted", "a number from elsewhere was put in", "Check which quantity each number belongs to."),
    Mistake("rounded-early", "an input was rounded too coarsely", "Carry two digits more than are asked for, and round at the end."),
    Mistake("undefined-symbol", "a name that nobody defined", "Say what it stands for before it is used."),
    Mistake("wrong-shape", "the shape is not that of the quantity", "Write the sizes of every factor under it."),
    Mistake("unrecognised", "false, and no known mistake explains it", ""),
)  # fmt: skip

BY_CODE = {mistake.code: mistake for mistake in MISTAKES}
RANK = {mistake.code: place for place, mistake in enumerate(MISTAKES)}


def title_of(code: str) -> str:
    """What a mistake is called, in a few words."""
    return BY_CODE[code].title
