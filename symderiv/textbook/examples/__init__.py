"""The shipped examples: the networks of real coursework, each in the convention of its own source.

An example is a model file beside this one and its row here: how it is written down, and the sizes of its picture.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from symderiv.calculus.derivation import Derivation
from symderiv.calculus.model import Model
from symderiv.calculus.sweep import derive
from symderiv.errors import ModelError
from symderiv.textbook.model_files import read_model
from symderiv.textbook.values import Values, read_values


@dataclass(frozen=True)
class Example:
    """One shipped example: options are those of the notation, sizes those of the picture.

    training: the data (a generator's name), steps, rate and widths with which it is trained unless others are given.
    weights: the single weights that its source works out; by_hand: the values that its source wrote down rounded.
    """

    name: str
    about: str
    options: dict[str, str] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    inputs: bool = False
    training: dict[str, Any] = field(default_factory=dict)
    weights: tuple[str, ...] = ()
    by_hand: tuple[str, ...] = ()

    @property
    def path(self) -> Path:
        """Its model file."""
        return Path(__file__).with_name(f"{self.name}.model")

    @property
    def values_path(self) -> Path:
        """Its file of values; not every example has one."""
        return Path(__file__).with_name(f"{self.name}.values")

    def values(self) -> Values | None:
        """Its values, None if it has none."""
        return read_values(self.values_path, self.model()) if self.values_path.exists() else None

    def model(self) -> Model:
        return read_model(self.path)

    def derive(self, *, inputs: bool = False, **options: Any) -> Derivation:
        """Its derivation, written in the example's own notation except where `options` say otherwise."""
        return derive(self.model(), inputs=inputs or self.inputs, **{"sizes": self.sizes, **self.options, **options})


SUBSCRIPT = {"layers": "subscript"}
EXAMPLES = {
    example.name: example
    for example in (
        Example(
            "regression-sigmoid",
            "A regression network with the squared error of one sample, sigmoid in both layers.",
            {**SUBSCRIPT, "derivative": "d", "sigmoid": "g"},
            {"d": 3, "h": 2},
            training={"data": "sine", "steps": 20_000, "rate": 1.0, "sizes": {"h": 8}},
        ),
        Example(
            "regression-linear",
            "The same with a linear output, which is what regression usually takes.",
            {**SUBSCRIPT, "derivative": "d", "sigmoid": "g"},
            {"d": 3, "h": 2},
            training={"data": "sine", "steps": 20_000, "rate": 0.2, "sizes": {"h": 8}},
        ),
        Example(
            "classification-sigmoid",
            "The same as a classifier with log loss: the slope of the output cancels.",
            {**SUBSCRIPT, "derivative": "d", "sigmoid": "g"},
            {"d": 3, "h": 2},
            training={"data": "two-gaussians", "steps": 20_000, "rate": 1.0, "sizes": {"h": 3}},
        ),
        Example(
            "linear-graph",
            "f = w x + b as a computation graph, with the derivative by every input.",
            SUBSCRIPT,
            inputs=True,
        ),
        Example(
            "logistic-graph",
            "A sigmoid of w0 x + w1 y + w2 z as a computation graph, with the derivative by every input.",
            {**SUBSCRIPT, "derivative": "d"},
            inputs=True,
        ),
        Example(
            "linear-3-2-1",
            "No activation and no bias: the chain rule with matrices alone.",
            sizes={"d": 3, "h": 2},
            training={"data": "plane", "steps": 1000, "rate": 0.1, "sizes": {"h": 2}},
        ),
        Example(
            "two-gaussians",
            "Two classes, softmax output, two loss terms that are propagated apart and added.",
            {"derivative": "d"},
            {"d": 2, "h": 2, "k": 2},
            training={"data": "two-gaussians", "steps": 20_000, "rate": 0.5, "sizes": {"h": 2}},
        ),
        Example(
            "worksheet",
            "A worksheet network: ones put before the inputs of each layer, so that the weights hold the bias.",
            {"layers": "superscript", "derivative": "d"},
            {"d": 2, "h": 2},
            training={"data": "two-gaussians", "steps": 20_000, "rate": 2.0, "sizes": {"h": 2}},
            weights=("W2[1]", "W1[2,1]"),
            by_hand=("beta1 = [0.5, 0.999]", "y_hat = 0.119623"),
        ),
        Example(
            "binary-classification",
            "A tanh layer and a sigmoid output, log loss averaged over n samples as columns.",
            SUBSCRIPT,
            {"d": 3, "h": 2, "o": 1},
            training={"data": "xor", "steps": 20_000, "rate": 1.0, "sizes": {"h": 8}},
        ),
    )
}


def names() -> tuple[str, ...]:
    """The names of all examples."""
    return tuple(EXAMPLES)


def find(name: str) -> Example:
    """The example called `name`.

    Raises: ModelError with the names there are.
    """
    if name not in EXAMPLES:
        raise ModelError(f"there is no example called {name!r}", f"there is {', '.join(EXAMPLES)}")
    return EXAMPLES[name]


def load(name: str) -> Model:
    """The model of the example called `name`."""
    return find(name).model()
