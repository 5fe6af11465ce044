"""What a command works on: model files, shipped examples and textbook networks, each as a job that derives it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from symderiv.errors import ModelError

if TYPE_CHECKING:
    from symderiv.calculus.derivation import Derivation
    from symderiv.textbook.examples import Example
    from symderiv.views.worked import Worked


@dataclass
class Job:
    """One model: the stem of its files, what it is about, how to derive it, and its numbers if it has any."""

    stem: str
    about: str
    derive: Callable[[], Derivation]
    numbers: Callable[[Derivation], tuple[Worked, Worked | None] | None] = lambda derivation: None


def selected(
    models: tuple[Path, ...], names: tuple[str, ...], options: dict[str, Any], *, inputs: bool = False
) -> list[Job]:
    """What to work on: model files, examples, a textbook network; all examples if nothing is said.

    options: those of NETWORK_OPTIONS and, where the command has them, of NOTATION_OPTIONS.
    """
    from symderiv.textbook import examples

    notation = {k: v for k in ("layers", "derivative", "sigmoid") if (v := options.pop(k, None)) is not None}
    network = {k: v for k, v in options.items() if v}
    jobs = [Job(file_stem(path), "", partial(_derive_file, path, inputs, notation)) for path in models]
    if not (models or names or network):
        names = examples.names()
    for name in names:
        example = examples.find(name)
        derive = partial(example.derive, inputs=inputs, **notation)
        jobs.append(Job(name, example.about, derive, partial(_numbers, example)))
    if network:
        jobs.append(_network_job(network, notation, inputs))
    return jobs


def _numbers(example: Example, derivation: Derivation) -> tuple[Worked, Worked | None] | None:
    from symderiv.views.worked import work_example

    return work_example(example, derivation)


def _derive_file(path: Path, inputs: bool, notation: dict[str, Any]) -> Derivation:
    from symderiv.calculus.sweep import derive as derive_model
    from symderiv.textbook.model_files import read_model

    return derive_model(read_model(path), inputs=inputs, **notation)


def _network_job(network: dict[str, Any], notation: dict[str, Any], inputs: bool) -> Job:
    from symderiv.calculus.sweep import derive as derive_model

    stem, about, model = textbook_network(network)
    return Job(stem, about, lambda: derive_model(model, inputs=inputs, **notation))


@dataclass
class Chosen:
    """The one model that a command works on: its name, itself, and how it is usually trained (if it is an example)."""

    name: str
    model: Any
    training: dict[str, Any]


def model_to_use(path: Path | None, example: str | None, network: dict[str, Any]) -> Chosen:
    """The model file, the example or the textbook network that was asked for.

    Raises: ModelError if it is not exactly one of them.
    """
    network = {k: v for k, v in network.items() if v}
    if (path is not None) + (example is not None) + bool(network) != 1:
        raise ModelError(
            "name one model", "a model file, --example NAME, or a network such as --hidden tanh --loss log"
        )
    if path is not None:
        from symderiv.textbook.model_files import read_model

        return Chosen(file_stem(path), read_model(path), {})
    if example is not None:
        from symderiv.textbook import examples

        found = examples.find(example)
        return Chosen(example, found.model(), found.training)
    stem, _, model = textbook_network(network)
    return Chosen(stem, model, {})


def file_stem(path: Path) -> str:
    """The name of a model's documents: its file's, without what would have a meaning in a link."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", path.stem).strip(".-") or "model"


def textbook_network(network: dict[str, Any]) -> tuple[str, str, Any]:
    """The stem, a sentence and the model of a network that options describe."""
    from symderiv.textbook.networks import layered

    network = dict(network)
    hidden = [part.strip() for part in network.pop("hidden", "").split(",") if part.strip()]
    activations = [*hidden, network.pop("output", "identity")]
    batch, penalty = not network.pop("one_sample", False), network.pop("penalty", False)
    loss = network.pop("loss", "mse")
    model = layered(activations, loss, batch=batch, penalty=penalty, **network)
    layers = activations if len(activations) <= 5 else [f"{len(activations)}-layers"]
    stem = "-".join([*layers, loss.replace("+", "-"), *network.values(), *(["penalty"] if penalty else [])])
    count = "one layer" if len(activations) == 1 else f"{len(activations)} layers"
    return stem, f"A network of {count}, {', '.join(activations)}, with the loss {loss}.", model
