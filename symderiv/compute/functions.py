"""A derivation as a NumPy function that can be called, with its source to read."""

from __future__ import annotations

import ast
from collections.abc import Callable
from functools import cached_property
from typing import Any

from symderiv.calculus.derivation import Derivation
from symderiv.calculus.expressions import Expr
from symderiv.calculus.formats import writer
from symderiv.compute.binding import Array, bind
from symderiv.compute.program import Program, code_names, program_of
from symderiv.compute.source import opaque_name, output_of, predict_keywords, write_source
from symderiv.errors import ModelError


class NumpyFunction:
    """`f(X=..., Y=..., W1=..., ...)` gives the loss and a dict with the gradient of every parameter.

    source: the module that is run, which needs NumPy alone. Values may be arrays or nested lists; their shapes are
    checked against the model's first.
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        self.source = write_source(program)

    def __repr__(self) -> str:
        model = self.program.model
        return f"<NumpyFunction of {', '.join(s.name for s in model.inputs if s.name in model.relevant)}; see .source>"

    @cached_property
    def namespace(self) -> dict[str, Any]:
        """What the source defines."""
        return load(self.source)

    def __call__(self, /, **values: Any) -> tuple[float, dict[str, Array]]:
        """The loss and the gradients.

        Raises: ModelError for a missing or unknown name, ShapeError for sizes that disagree.
        """
        model = self.program.model
        arrays, _ = bind([s for s in model.inputs if s.name in model.relevant], values)
        # What the values are called here, and in the code.
        names = code_names(self.program)
        extra = {h.name: names[h] for h in model.hypers} | {n: n for n in map(opaque_name, self.program.opaque)}
        missing = [name for name in extra if name not in values]
        if missing:
            raise ModelError(f"there is no value for {', '.join(missing)}")
        unknown = values.keys() - {s.name for s in model.inputs} - set(extra)
        if unknown:
            raise ModelError(f"the model has no {', '.join(sorted(unknown))}", f"it has {', '.join([*arrays, *extra])}")
        function: Callable[..., tuple[float, dict[str, Array]]] = self.namespace["loss_and_gradients"]
        return function(*arrays.values(), **{code: values[name] for name, code in extra.items()})

    def predict(self, /, **values: Any) -> Array:
        """The output of the network for inputs and parameters; values of other names are ignored.

        Raises: ModelError if the model has no output apart from its loss.
        """
        model = self.program.model
        output = output_of(model)
        if output is None:
            raise ModelError("this model has no output apart from its loss")
        needed: set[Expr] = {output}
        for equation in reversed(model.equations):
            if equation.symbol in needed:
                needed.update(equation.uses)
        arrays, _ = bind([symbol for symbol in model.inputs if symbol in needed], values)
        names = code_names(self.program)
        own = {names[h]: h.name for h in model.hypers}
        extra = {code: values[own.get(code, code)] for code in predict_keywords(self.program, needed)}
        result: Array = self.namespace["predict"](*arrays.values(), **extra)
        return result


def load(source: str) -> dict[str, Any]:
    """Run a module that was generated here; its text holds identifiers and numbers of ours and nothing of a user's."""
    namespace: dict[str, Any] = {}
    exec(compile(ast.parse(source), "<symderiv>", "exec"), namespace)
    return namespace


@writer(Derivation, "numpy")
def numpy_function(derivation: Derivation) -> NumpyFunction:
    """The derivation as a NumPy function."""
    return NumpyFunction(program_of(derivation))
