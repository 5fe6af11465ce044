"""The shipped comparisons: what the coursework asks about, each between networks in its own notation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from symderiv.calculus.derivation import Derivation
from symderiv.calculus.model import Model
from symderiv.calculus.sweep import derive
from symderiv.comparison.comparing import Comparison, compare
from symderiv.textbook import examples
from symderiv.textbook.networks import two_layer


@dataclass(frozen=True)
class Example:
    """One shipped comparison: its title, what it is about, and its derivations by what they are called."""

    name: str
    title: str
    about: str
    derivations: Callable[[], dict[str, Derivation]]
    data: str = "two-gaussians"

    def compare(self) -> Comparison:
        """The comparison itself."""
        made = self.derivations()
        return compare(*made.values(), names=tuple(made), data=self.data)


def _regression_and_classification() -> dict[str, Derivation]:
    names = {"MSE": "regression-sigmoid", "log loss": "classification-sigmoid"}
    return {called: examples.find(name).derive() for called, name in names.items()}


def _hidden_activations() -> dict[str, Derivation]:
    return {name: _derived(two_layer(name, "sigmoid", "log", "columns", outputs=1)) for name in ("sigmoid", "tanh")}


def _softmax_losses() -> dict[str, Derivation]:
    losses = {"MSE": "mse", "cross-entropy": "cross-entropy", "MSE + cross-entropy": "mse+cross-entropy"}
    return {called: _derived(two_layer("tanh", "softmax", loss, "columns")) for called, loss in losses.items()}


def _derived(model: Model) -> Derivation:
    return derive(model, derivative="d")


COMPARISONS = {
    example.name: example
    for example in (
        Example(
            "mse-and-log-loss",
            "Squared error and log loss",
            "The same network of sigmoids, trained for regression with the squared error and for classification with log loss: "
            "how do the update rules differ?",
            _regression_and_classification,
        ),
        Example(
            "sigmoid-and-tanh",
            "Sigmoid and tanh in the hidden layer",
            "The same classifier with log loss; its hidden layer is of sigmoids in the one, of tanh in the other.",
            _hidden_activations,
        ),
        Example(
            "softmax-losses",
            "A softmax with the squared error, with cross-entropy, and with both",
            "A softmax output meets three losses; in one of them its derivative cancels.",
            _softmax_losses,
        ),
    )
}
