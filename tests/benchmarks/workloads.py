"""Five training workloads, from one sample of a 2-2-1 network to matrices that BLAS decides; and their plain reference."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

import symderiv as sd

SGD_SAMPLES = 256


@dataclass
class Workload:
    """A two-layer network with data: features, hidden units, outputs, activation, head, samples a step, rate."""

    name: str
    features: int
    hidden: int
    outputs: int
    activation: str
    head: str
    samples: int
    rate: float
    X: Any = field(init=False)
    Y: Any = field(init=False)
    start: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        rng = np.random.default_rng(0)
        rows = SGD_SAMPLES if self.one_by_one else self.samples
        if self.name == "W2":
            labels = rng.integers(0, 2, rows)
            near, far = rng.normal(1, 0.5, (rows, 2)), rng.normal(2, 0.2, (rows, 2))
            self.X, self.Y = np.where(labels[:, None] == 0, near, far), np.eye(2)[labels]
        else:
            self.X = rng.normal(size=(rows, self.features))
            if self.outputs > 1:
                self.Y = np.eye(self.outputs)[rng.integers(0, self.outputs, rows)]
            else:
                self.Y = (self.X[:, :1] + 0.3 * rng.normal(size=(rows, 1)) > 0).astype(float)
        if self.one_by_one:
            weights = [[-2.0, 1.0], [1.0, 4.0]], [[-1.0, 2.0]], [[2.0], [-4.0]], [[1.0]]
            self.X[0], self.Y[0] = (2.0, 5.0), 1.0
        else:
            weights = (
                rng.normal(size=(self.features, self.hidden)) / self.features**0.5, np.zeros((1, self.hidden)),
                rng.normal(size=(self.hidden, self.outputs)) / self.hidden**0.5, np.zeros((1, self.outputs)),
            )  # fmt: skip
        self.start = {k: np.array(v) for k, v in zip(("W1", "b1", "W2", "b2"), weights, strict=True)}

    @property
    def one_by_one(self) -> bool:
        """One sample a step, in order."""
        return self.samples == 1

    def parameters(self) -> dict[str, Any]:
        """Fresh copies of the initial values."""
        return {name: value.copy() for name, value in self.start.items()}

    def model(self) -> Any:
        """The network for symderiv."""
        if self.head == "softmax mse+ce":
            return sd.parse_model(
                "X: (n, d); Y: (n, k); W1: (d, h); b1: (1, h); W2: (h, k); b2: (1, k)\nZ1 = X @ W1 + b1\n"
                "A1 = tanh(Z1)\nZ2 = A1 @ W2 + b2\nA2 = softmax(Z2, axis=1)\nmse = sum((A2 - Y)**2) / (2 * n)\n"
                "ce = -sum(Y * log(A2)) / n\nJ = mse + ce\n"
            )
        output, loss, scale = {
            "sigmoid half": ("sigmoid", "mse", "half"), "sigmoid mse": ("sigmoid", "mse", "mean"),
            "sigmoid log": ("sigmoid", "log", "mean"), "softmax ce": ("softmax", "cross-entropy", "mean"),
        }[self.head]  # fmt: skip
        return sd.two_layer(self.activation, output, loss, scale=scale)


WORKLOADS = {
    w.name: w
    for w in (
        Workload("W1", 2, 2, 1, "sigmoid", "sigmoid half", 1, 0.05),
        Workload("W2", 2, 2, 2, "tanh", "softmax mse+ce", 1000, 0.1),
        Workload("W5", 10, 16, 1, "tanh", "sigmoid log", 256, 0.1),
        Workload("W3", 784, 128, 10, "tanh", "softmax ce", 64, 0.05),
    )
}


def workload(name: str) -> Workload:
    """One of the five; the largest is made when it is asked for."""
    return Workload("W4", 1024, 2048, 1, "sigmoid", "sigmoid mse", 1024, 0.1) if name == "W4" else WORKLOADS[name]
