"""`compare`: several derivations of one network, aligned; what they do is measured when it is asked for."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from symderiv.calculus.derivation import Derivation
from symderiv.calculus.expressions import Symbol
from symderiv.calculus.formats import Writable
from symderiv.calculus.model import Model
from symderiv.calculus.sweep import derive
from symderiv.comparison.alignment import Alignment, Row
from symderiv.comparison.effects import (
    SEEDS,
    STEPS,
    Curve,
    Race,
    Setup,
    gradient_sizes,
    races,
    saturation,
    set_up,
)
from symderiv.compute.binding import Array
from symderiv.errors import ModelError
from symderiv.oracles.checks import QUICK, cross_check

LONGEST_NAME = 40


@dataclass
class Comparison(Writable):
    """Several derivations of one network side by side.

    rows: every quantity that all have, from the loss backwards; `row("Z2").ratio(1)` is how many times the derivative of the
    second model is that of the first. data, steps, rate (None: one that fits), seeds: of the training curves.
    """

    alignment: Alignment
    data: str | Mapping[str, Array] = ""
    steps: int = STEPS
    rate: float | None = None
    seeds: int = SEEDS

    @property
    def names(self) -> tuple[str, ...]:
        """What the models are called."""
        return self.alignment.names

    @property
    def derivations(self) -> tuple[Derivation, ...]:
        return self.alignment.derivations

    @property
    def rows(self) -> tuple[Row, ...]:
        return self.alignment.rows

    def row(self, name: str) -> Row:
        """The row of the quantity `name`.

        Raises: ModelError if the models do not all have one.
        """
        return self.alignment.row(name)

    @cached_property
    def saturation(self) -> tuple[Symbol, tuple[Curve, ...]] | None:
        """The last pre-activation z, and |dJ/dz| against it for one sample with the target 1; None without such a z."""
        return saturation(self.alignment)

    @cached_property
    def setup(self) -> Setup | None:
        """The data that the models are trained on; None if there are none that fit."""
        return set_up(self.alignment, self.data)

    @cached_property
    def gradient_sizes(self) -> dict[str, tuple[tuple[float, float, float], ...]]:
        """By quantity, of each model: quartiles of the gradient's Frobenius norm over initial values."""
        return gradient_sizes(self.alignment, self.setup) if self.setup else {}

    @cached_property
    def races(self) -> tuple[Race, ...]:
        """Training curves from the usual initial values, and from ones so large that every unit is saturated."""
        if self.setup is None:
            return ()
        return races(self.alignment, self.setup, steps=self.steps, rate=self.rate, seeds=self.seeds)

    def to_html(self, **options: Any) -> str:
        """One self-contained page with pictures; options: title, about."""
        return str(self.write("html", **options))

    def to_markdown(self, **options: Any) -> str:
        """Markdown with `$` mathematics; options: title, about."""
        return str(self.write("md", **options))

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/html": self.write("notebook"), "text/plain": repr(self)}

    def __repr__(self) -> str:
        rows = [f"d{row.quantity.name}: {row.relation}" for row in self.rows]
        return f"<Comparison of {', '.join(self.names)}: {'; '.join(rows)}>"


def compare(
    *models: Model | Derivation,
    names: Sequence[str] = (),
    data: str | Mapping[str, Array] = "",
    steps: int = STEPS,
    rate: float | None = None,
    seeds: int = SEEDS,
) -> Comparison:
    """Two or more models that share a network, compared gradient by gradient; each is proven right first.

    names: what to call them; data: a generator's name or arrays by the models' names, for the training curves (else a
    generator that fits); steps, rate, seeds: of these curves; without a rate one is taken with which no run runs away.
    Raises: ModelError if the models do not share their data and parameters; CheckFailed if a gradient is wrong.

    >>> from symderiv import two_layer
    >>> comparison = compare(*(two_layer(output="sigmoid", loss=loss) for loss in ("mse", "log")), names=["MSE", "log loss"])
    >>> comparison.row("Z2").ratio(0, to=1).product()
    2*sigmoid'(Z2)
    """
    derivations = [model if isinstance(model, Derivation) else derive(model) for model in models]
    if names and len(names) != len(models):
        raise ModelError(f"there are {len(models)} models and {len(names)} names", "give each model one name")
    called = [_printable(name, k) for k, name in enumerate(names or [d.model.title for d in derivations], 1)]
    if len(set(called)) < len(called):
        called = [f"{name} ({k})" for k, name in enumerate(called, 1)]
    for name, value in (("steps", steps), ("seeds", seeds)):
        if value < 1:
            raise ModelError(f"{name} must be at least 1, not {value}")
    if rate is not None and not 0 < rate < float("inf"):
        raise ModelError(f"the learning rate must be a positive number, not {rate}")
    for derivation in derivations:
        cross_check(derivation, oracles=QUICK)
    return Comparison(Alignment(derivations, called), data, steps, rate, seeds)


def _printable(name: str, k: int) -> str:
    """A name that every format can print inside and outside of formulas."""
    kept = " ".join(re.sub(r"[^A-Za-z0-9 .,+/():-]+", " ", name).split())
    return kept[:LONGEST_NAME].strip() or f"model {k}"
