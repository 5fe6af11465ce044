"""Calling somebody's function with the arrays of a point, by its names or in order, and reading what it returns."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping, Sequence
from inspect import Parameter, signature
from pathlib import Path
from typing import Any

import numpy as np

from symderiv.calculus.expressions import Symbol
from symderiv.calculus.model import Model
from symderiv.errors import FunctionError
from symderiv.oracles.evaluation import Point

PREFIXES, SUFFIXES = ("d", "d_", "grad_", "grad"), ("_grad", "_bar")
"""What may stand around a parameter's name in the keys of the answer."""


def called(model: Model, function: Callable[..., Any], point: Point) -> Any:
    """What the function returns for copies of the arrays.

    Raises: FunctionError if it cannot be called with them, or stops with an error of its own.
    """
    arrays = {symbol.name: np.array(point.values[symbol], dtype=float) for symbol in model.inputs}
    order, by_name = _arguments(function, {**point.sizes, **point.hypers, **arrays}, list(arrays), list(point.hypers))
    try:
        return function(*order, **by_name)
    except Exception as error:
        code = getattr(function, "__code__", None)
        frames = traceback.extract_tb(error.__traceback__)[1:]
        own = [frame for frame in frames if code is None or frame.filename == code.co_filename] or frames
        place = f"\n  in {Path(own[-1].filename).name}, line {own[-1].lineno}: {own[-1].line}" if own else ""
        sizes = ", ".join(f"{name} = {size}" for name, size in point.sizes.items())
        raise FunctionError(
            f"your function stopped with {type(error).__name__}: {error}{place}" + (f"\n  at {sizes}" if sizes else "")
        ) from error


def _arguments(
    function: Callable[..., Any], known: Mapping[str, Any], arrays: list[str], hypers: list[str]
) -> tuple[list[Any], dict[str, Any]]:
    """Positional and named arguments: by name if the signature has the model's names, else in the model's order."""
    try:
        parameters = list(signature(function).parameters.values())
    except (TypeError, ValueError):  # something built in
        return [known[name] for name in arrays], {}
    kinds = {parameter.kind for parameter in parameters}
    single = [p for p in parameters if p.kind not in (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)]
    asked = [p.name for p in single if p.name in known]
    foreign = [p for p in single if p.name not in known and p.default is Parameter.empty]
    takes_all = Parameter.VAR_KEYWORD in kinds
    if not foreign and (asked or takes_all) and Parameter.POSITIONAL_ONLY not in kinds:
        every = [*arrays, *hypers] if takes_all else []
        return [], {name: known[name] for name in dict.fromkeys([*asked, *every])}
    order = [p for p in single if p.kind is not Parameter.KEYWORD_ONLY]
    required = sum(p.default is Parameter.empty for p in order)
    open_ended = Parameter.VAR_POSITIONAL in kinds
    for wanted in (arrays, [*arrays, *hypers]):
        fits = required <= len(wanted) and (open_ended or len(wanted) <= len(order))
        if (
            fits
            and not any(p.kind is Parameter.KEYWORD_ONLY for p in foreign)
            and _in_order(order, wanted, [*arrays, *hypers])
        ):
            return [known[name] for name in wanted], {}
    names = ", ".join([*arrays, *hypers])
    raise FunctionError(
        f"your function takes ({', '.join(map(str, parameters))}), which is not what the model has: {names}",
        "give its arguments those names, or wrap it: "
        f"check_gradients(model, lambda {', '.join(arrays)}: your_function(...))",
    )


def _in_order(order: list[Parameter], wanted: list[str], known: list[str]) -> bool:
    """Whether no argument has the name of an input that stands elsewhere: then the order is not the model's."""
    lowered = {name.lower() for name in known}
    pairs = zip(order, wanted, strict=False)
    return all(p.name.lower() == name.lower() or p.name.lower() not in lowered for p, name in pairs)


def answer_of(returned: Any) -> tuple[Any, Mapping[str, Any]]:
    """The loss (None if it was not returned) and the gradients."""
    if isinstance(returned, Mapping):
        return None, returned
    if isinstance(returned, (tuple, list)) and len(returned) == 2:
        loss, gradients = returned
        if isinstance(gradients, Mapping) and not isinstance(loss, Mapping) and loss is not None:
            return loss, gradients
    kind = type(returned).__name__
    raise FunctionError(
        f"your function returns {'nothing' if returned is None else f'a {kind}'}",
        'it should return the gradients by their names: {"W1": dW1, "b1": db1}, or the loss and that',
    )


def spellings(name: str) -> list[str]:
    """The keys under which a gradient may be returned."""
    return [name, *(prefix + name for prefix in PREFIXES), *(name + suffix for suffix in SUFFIXES)]


def gradients_in(model: Model, wanted: Sequence[Symbol], answer: Mapping[str, Any]) -> dict[str, Any]:
    """The gradients by the names of the quantities; what else is in the answer is left alone.

    Raises: FunctionError if there are two keys for one.
    """
    found: dict[str, Any] = {}
    for name in (symbol.name for symbol in wanted):
        keys = [key for key in spellings(name) if key in answer and (key == name or key not in model.symbols)]
        if len(keys) > 1:
            raise FunctionError(f"your function returns both {keys[0]} and {keys[1]}", f"one gradient for {name}")
        if keys:
            found[name] = answer[keys[0]]
    return found
