"""What a command works on: model files, shipped examples and textbook networks, each as a job that derives it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from symderiv.calculus.derivation import Derivation


@dataclass
class Job:
    """One model: the stem of its files, what it is about, and how to derive it."""

    stem: str
    about: str
    derive: Callable[[], Derivation]


def selected(
    models: tuple[Path, ...], names: tuple[str, ...], options: dict[str, Any], *, inputs: bool = False
) -> list[Job]:
    """What to work on: model files, examples, a textbook network; all examples if nothing is said.

    options: those of NETWORK_OPTIONS and, where the command has them, of NOTATION_OPTIONS.
    """
    from symderiv.textbook import examples

    notation = {k: v for k in ("layers", "derivative", "sigmoid") if (v := options.pop(k, None)) is not None}
    network = {k: v for k, v in options.items() if v}
    jobs = [Job(_stem(path), "", partial(_derive_file, path, inputs, notation)) for path in models]
    if not (models or names or network):
        names = examples.names()
    for name in names:
        example = examples.find(name)
        jobs.append(Job(name, example.about, partial(example.derive, inputs=inputs, **notation)))
    if network:
        jobs.append(_network_job(network, notation, inputs))
    return jobs


def _stem(path: Path) -> str:
    """The name of a model's documents: its file's, without what would have a meaning in a link."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", path.stem).strip(".-") or "model"


def _derive_file(path: Path, inputs: bool, notation: dict[str, Any]) -> Derivation:
    from symderiv.calculus.sweep import derive as derive_model
    from symderiv.textbook.model_files import read_model

    return derive_model(read_model(path), inputs=inputs, **notation)


def _network_job(network: dict[str, Any], notation: dict[str, Any], inputs: bool) -> Job:
    from symderiv.calculus.sweep import derive as derive_model
    from symderiv.textbook.networks import layered

    hidden = [part.strip() for part in network.pop("hidden", "").split(",") if part.strip()]
    activations = [*hidden, network.pop("output", "identity")]
    batch, penalty = not network.pop("one_sample", False), network.pop("penalty", False)
    loss = network.pop("loss", "mse")
    model = layered(activations, loss, batch=batch, penalty=penalty, **network)
    layers = activations if len(activations) <= 5 else [f"{len(activations)}-layers"]
    stem = "-".join([*layers, loss.replace("+", "-"), *network.values(), *(["penalty"] if penalty else [])])
    count = "one layer" if len(activations) == 1 else f"{len(activations)} layers"
    about = f"A network of {count}, {', '.join(activations)}, with the loss {loss}."
    return Job(stem, about, lambda: derive_model(model, inputs=inputs, **notation))
