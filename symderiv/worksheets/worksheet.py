"""`worksheet`: a network, a seed and what is asked become a sheet, its key, and questions for a learning platform."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any

from symderiv.calculus.derivation import Derivation
from symderiv.calculus.expressions import Symbol
from symderiv.calculus.formats import Writable
from symderiv.calculus.model import Model
from symderiv.calculus.shapes import SCALAR
from symderiv.calculus.sweep import derive
from symderiv.errors import ModelError
from symderiv.views.index import first_index
from symderiv.views.paths import TooManyPaths, parse_weight, paths_from
from symderiv.views.worked import Worked
from symderiv.worksheets.drawing import Drawn, draw, is_bias, sizes_of
from symderiv.worksheets.formulas import Symbolic
from symderiv.worksheets.questions import Numeric, Question

KINDS = ("numeric", "symbolic")
MOST_CHOICES = 5


@dataclass(frozen=True)
class Worksheet(Writable):
    """One sheet: the same derivation, kind and seed give the same sheet.

    decimals: of every answer; choices: wrong answers offered beside the right one, 0 for none; student: whose it is.

    >>> import symderiv as sd
    >>> sheet = sd.worksheet(sd.examples.load("worksheet"), seed=1)
    >>> sheet.questions[1].text
    'What is the shape of the weight matrix $W^{[1]}$?'
    """

    derivation: Derivation
    kind: str = "numeric"
    seed: int = 0
    decimals: int = 4
    choices: int = 0
    sizes: tuple[tuple[str, int], ...] = ()
    student: str = ""

    @cached_property
    def drawn(self) -> Drawn:
        """The numbers."""
        return draw(self.derivation, self.seed, self.decimals, dict(self.sizes), self.weights)

    @property
    def example(self) -> Worked:
        """The network worked through at these numbers."""
        return self.drawn.example

    @cached_property
    def questions(self) -> tuple[Question, ...]:
        """Every question with its answer, in order."""
        if self.kind == "symbolic":
            return tuple(Symbolic(self.derivation, self.choices, self.seed).questions())
        return tuple(Numeric(self.example, self.choices, self.seed).questions())

    @cached_property
    def weights(self) -> tuple[str, ...]:
        """The single weights that are followed: of every weight matrix one off the diagonal, the last layer first.

        None where one of them reaches the loss in several ways: then derivatives are asked for as matrices.
        """
        model = self.derivation.model
        sizes = sizes_of(model, dict(self.sizes))
        found = tuple(_weight(s, sizes) for s in reversed(model.parameters) if not is_bias(model, s))
        return found if all(_ways(model, text, sizes) == 1 for text in found) else ()

    def to_html(self, **options: Any) -> str:
        """The sheet as a page; `key=True`: with the answers."""
        return str(self.write("html", **options))

    def to_markdown(self, **options: Any) -> str:
        """The sheet as Markdown; `key=True`: with the answers, as `symderiv check` reads them."""
        return str(self.write("md", **options))

    def to_moodle(self) -> str:
        """The questions as Moodle XML, with STACK questions for those that have a number as answer."""
        return str(self.write("moodle"))

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/html": self.write("notebook"), "text/plain": repr(self)}

    def __repr__(self) -> str:
        return f"<Worksheet: {len(self.questions)} questions, {self.kind}, seed {self.seed}>"


def _weight(symbol: Symbol, sizes: Mapping[str, int]) -> str:
    """One entry of a weight matrix: the second of the first unit, or what there is of it."""
    places = []
    for k, size in enumerate(symbol.shape):
        if size != SCALAR[0]:
            last = size.value(sizes) - 1 + first_index(size)
            places.append(str(min(2 if k == 0 and symbol.shape[1] != SCALAR[0] else 1, last)))
    return f"{symbol.name}[{','.join(places)}]"


def _ways(model: Model, text: str, sizes: Mapping[str, int]) -> int:
    """In how many ways a weight reaches the loss at these sizes."""
    try:
        paths = paths_from(model, parse_weight(text, model))
    except TooManyPaths:
        return 0
    return sum(prod(index.end.value(sizes) - index.start + 1 for index in path.indices) for path in paths)


def worksheet(
    model: Model | Derivation,
    *,
    kind: str = "numeric",
    seed: int = 0,
    decimals: int = 4,
    choices: int = 0,
    sizes: Mapping[str, int] | None = None,
    student: str = "",
) -> Worksheet:
    """An exercise sheet for a network, with its key.

    kind: "numeric", with drawn numbers, or "symbolic"; decimals: of the answers; choices: wrong answers from known mistakes
    beside each right one; sizes: instead of two of everything; student: a name at the top.
    Raises: ModelError for what cannot be asked.
    """
    if kind not in KINDS:
        raise ModelError(f"there is no kind {kind!r} of worksheets", f"there is {' and '.join(KINDS)}")
    if not 0 <= choices <= MOST_CHOICES:
        raise ModelError(f"{choices} wrong choices are not offered", f"a number from 0 to {MOST_CHOICES}")
    if not 2 <= decimals <= 8:
        raise ModelError(f"answers to {decimals} decimals are not asked for", "a number from 2 to 8")
    if seed < 0:
        raise ModelError(f"the seed must be at least 0, not {seed}")
    derivation = model if isinstance(model, Derivation) else derive(model)
    if not derivation.model.parameters:
        raise ModelError("the network has no parameters, so there is no gradient to ask for")
    sizes_of(derivation.model, sizes or {})
    return Worksheet(derivation, kind, seed, decimals, choices, tuple(sorted((sizes or {}).items())), student)
