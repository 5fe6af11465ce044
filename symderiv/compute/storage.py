"""All parameters as one flat vector, so that an update is one operation; and each parameter as a part of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from symderiv.calculus.model import Model
from symderiv.compute.binding import Array
from symderiv.compute.layouts import Folded


@dataclass
class Storage:
    """`theta` and `gradient` as flat vectors with a view for each parameter of the folded model.

    model: the model as the user wrote it; flipped: what the folded model holds transposed.
    """

    model: Model
    folded: Folded
    flipped: frozenset[str]
    sizes: Mapping[str, int]
    theta: Array = field(init=False)
    gradient: Array = field(init=False)
    views: dict[str, Array] = field(init=False)
    gradients: dict[str, Array] = field(init=False)

    def __post_init__(self) -> None:
        shapes = {
            s.name: (s.shape[0].value(self.sizes), s.shape[1].value(self.sizes)) for s in self.folded.model.parameters
        }
        length = sum(rows * columns for rows, columns in shapes.values())
        self.theta, self.gradient = np.zeros(length), np.zeros(length)
        self.views, self.gradients = {}, {}
        start = 0
        for name, (rows, columns) in shapes.items():
            stop = start + rows * columns
            self.views[name] = self.theta[start:stop].reshape(rows, columns)
            self.gradients[name] = self.gradient[start:stop].reshape(rows, columns)
            start = stop

    def part(self, name: str, *, gradient: bool = False) -> Array:
        """The parameter `name` of the user's model as a view of theta, or of the gradient vector."""
        holder, which = self.folded.places.get(name, (name, "all"))
        view = (self.gradients if gradient else self.views)[holder]
        view = view[:, :1] if which == "first" else view[:, 1:] if which == "rest" else view
        return view.T if name in self.flipped else view

    def load(self, values: Mapping[str, Array]) -> None:
        """Set every parameter."""
        for symbol in self.model.parameters:
            self.part(symbol.name)[...] = values[symbol.name]

    def values(self) -> dict[str, Array]:
        """A copy of every parameter, as the user's model shapes it."""
        return {s.name: np.ascontiguousarray(self.part(s.name)) for s in self.model.parameters}
