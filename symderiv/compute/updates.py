"""How parameters follow their gradients: gradient descent, momentum, Adam; one row each, in scalar formulas.

The formulas are printed for whole vectors, for Python numbers and for C. `g` is the gradient times the learning rate
where `scaled` says so (then the rate costs nothing), else the gradient.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from symderiv.compute.binding import Array
from symderiv.errors import ModelError


@dataclass(frozen=True)
class Update:
    """One rule. `states` are vectors like theta that it carries along, from 0.

    vector: lines of NumPy over `theta`, `g`, the states, scratch vectors `u` and `w` and the step count `t`, counted
    from 1; scalar: assignments, one a line, in which `{p}`, `{g}` and each state stand for one entry; before: what is
    computed once a step.
    """

    name: str
    scaled: bool
    states: tuple[str, ...]
    vector: tuple[str, ...]
    before: tuple[str, ...]
    scalar: tuple[str, ...]


UPDATES: Mapping[str, Update] = {
    rule.name: rule
    for rule in (
        # W <- W - rate dW
        Update("gradient-descent", True, (), ("subtract(theta, g, theta)",), (), ("{p} = {p} - {g}",)),
        # v <- 0.9 v + rate dW, W <- W - v
        Update(
            "momentum",
            True,
            ("v",),
            ("multiply(v, MOMENTUM, v)", "add(v, g, v)", "subtract(theta, v, theta)"),
            (),
            ("{v} = MOMENTUM * {v} + {g}", "{p} = {p} - {v}"),
        ),
        # Kingma and Ba 2015: m, q are running means of dW and dW^2, each divided by what is missing of its weight.
        Update(
            "adam",
            False,
            ("m", "q"),
            (
                "multiply(m, BETA1, m)", "multiply(g, 1 - BETA1, u)", "add(m, u, m)",
                "multiply(q, BETA2, q)", "multiply(g, g, u)", "multiply(u, 1 - BETA2, u)", "add(q, u, q)",
                "multiply(q, 1 / (1 - BETA2**t), u)", "sqrt(u, u)", "add(u, EPSILON, u)",
                "multiply(m, RATE / (1 - BETA1**t), w)", "divide(w, u, w)", "subtract(theta, w, theta)",
            ),
            ("b1 = RATE / (1 - pow(BETA1, t))", "b2 = 1 / (1 - pow(BETA2, t))"),
            (
                "{m} = BETA1 * {m} + (1 - BETA1) * {g}",
                "{q} = BETA2 * {q} + (1 - BETA2) * {g} * {g}",
                "{p} = {p} - b1 * {m} / (sqrt({q} * b2) + EPSILON)",
            ),
        ),
    )
}  # fmt: skip
CONSTANTS = {"MOMENTUM": 0.9, "BETA1": 0.9, "BETA2": 0.999, "EPSILON": 1e-8}


def find_update(name: str) -> Update:
    """The rule of that name.

    Raises: ModelError if there is none.
    """
    names = {"gd": "gradient-descent", "sgd": "gradient-descent", **{rule: rule for rule in UPDATES}}
    name = name.lower()
    if name not in names:
        raise ModelError(f"there is no optimizer {name}", f"there is {', '.join(UPDATES)}")
    return UPDATES[names[name]]


def apply_update(rule: Update, theta: Array, g: Array, states: list[Array], t: int, rate: float) -> None:
    """One update in place, in plain NumPy: what the generated code is compared with, and what stands in for it."""
    names: dict[str, Any] = {"theta": theta, "g": g, "t": t, "RATE": rate, "u": np.empty_like(g), "w": np.empty_like(g)}
    names |= {**CONSTANTS, **dict(zip(rule.states, states, strict=True))}
    names |= {name: getattr(np, name) for name in ("add", "subtract", "multiply", "divide", "sqrt")}
    for line in rule.vector:
        exec(line, names)
