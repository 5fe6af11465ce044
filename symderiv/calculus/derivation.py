"""A derivation as data: a tape of named adjoints, each with the steps that lead to it. Nothing in here is LaTeX."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from symderiv.calculus.expressions import Expr, Symbol
from symderiv.calculus.formats import Writable
from symderiv.calculus.model import Model
from symderiv.calculus.rewrites import SumsToOne
from symderiv.errors import ModelError


@dataclass(frozen=True)
class Step:
    """One step: the rule used, the expression before and after it.

    A pullback step has a `cotangent`: `before` is a node whose part number `part` gets the adjoint `after` when the
    node's value has the adjoint `cotangent`. A rewrite step has none: there, before equals after.
    """

    target: str
    rule: str
    before: Expr
    after: Expr
    cotangent: Expr | None = None
    part: int = 0
    assumption: SumsToOne | None = None


@dataclass(frozen=True)
class Contribution:
    """What reaches a quantity through one equation that uses it (`via`).

    term: the summand of the loss it comes from, '' once the summands have been added up; value: the share of the
    adjoint; steps: how the adjoint of the equation's value became that share.
    """

    via: str
    term: str
    value: Expr
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class Adjoint:
    """The derivative of the loss (or of one of its terms) with respect to a named quantity.

    symbol: the name under which later adjoints use it; parts: the adjoints of the single loss terms that were added
    up, if it is such a sum; raw: the sum of what arrived, as the pullbacks left it; named: the same simplified, still
    in terms of other adjoints; closed: in terms of forward values only.
    """

    quantity: Symbol
    term: str
    symbol: Symbol
    contributions: tuple[Contribution, ...]
    parts: tuple[Symbol, ...]
    raw: Expr
    named: Expr
    closed: Expr
    rewrites: tuple[Step, ...]

    @property
    def steps(self) -> tuple[Step, ...]:
        return (*(step for c in self.contributions for step in c.steps), *self.rewrites)


@dataclass(frozen=True)
class Derivation(Writable):
    """All adjoints of a model, from the loss backwards."""

    model: Model
    adjoints: tuple[Adjoint, ...]
    options: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)

    @cached_property
    def _by_quantity(self) -> dict[str, Adjoint]:
        return {adjoint.quantity.name: adjoint for adjoint in self.adjoints if not adjoint.term}

    @cached_property
    def by_symbol(self) -> dict[str, Adjoint]:
        """The adjoints by the name of their symbol (`Z1_bar`)."""
        return {adjoint.symbol.name: adjoint for adjoint in self.adjoints}

    def adjoint(self, name: str) -> Adjoint:
        """The adjoint of the quantity `name`.

        Raises: ModelError if nothing of that name has one.
        """
        if name not in self._by_quantity:
            raise ModelError(f"there is no gradient for {name}", f"there is one for {', '.join(self._by_quantity)}")
        return self._by_quantity[name]

    def gradient(self, name: str) -> Expr:
        """The derivative of the loss with respect to `name`, in forward values only; it has the shape of `name`."""
        return self.adjoint(name).closed

    @property
    def gradients(self) -> dict[str, Expr]:
        """The closed form of the gradient of every parameter (and of the data, if they were asked for)."""
        return {s.name: self.gradient(s.name) for s in self.model.inputs if s.name in self._by_quantity}

    @property
    def steps(self) -> tuple[Step, ...]:
        """Every step, in order."""
        return tuple(step for adjoint in self.adjoints for step in adjoint.steps)

    @property
    def assumptions(self) -> tuple[SumsToOne, ...]:
        """The assumptions that some step leaned on."""
        return tuple(dict.fromkeys(step.assumption for step in self.steps if step.assumption))

    def to_html(self, **options: Any) -> str:
        """One self-contained page with MathML."""
        return str(self.write("html", **options))

    def to_markdown(self, **options: Any) -> str:
        """Markdown with `$` mathematics, as code-hosting sites render it."""
        return str(self.write("md", **options))

    def to_numpy(self) -> Any:
        """A NumPy function: `f(X=..., Y=..., W1=...)` gives (loss, {"W1": ...}); `f.source` is readable code."""
        return self.write("numpy")

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/html": self.write("notebook"), "text/plain": self.write("text")}

    def __iter__(self) -> Iterator[Adjoint]:
        return iter(self.adjoints)
