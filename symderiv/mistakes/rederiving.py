"""Deriving once more with a known mistake made at one place (or at several): what somebody gets who makes it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from symderiv.calculus.derivation import Derivation
from symderiv.calculus.expressions import Augment, Expr, Symbol, parts_of, symbols_in
from symderiv.calculus.model import Equation, Model
from symderiv.calculus.pullbacks import Pullback
from symderiv.calculus.rewrites import rule_name
from symderiv.calculus.shapes import Size
from symderiv.calculus.sweep import derive, right_rule
from symderiv.errors import ModelError
from symderiv.mistakes.setting import Setting
from symderiv.mistakes.wrong_losses import WRONG_LOSSES
from symderiv.mistakes.wrong_rules import WRONG_RULES

LONGEST = 40  # a longer equation is called by its name


@dataclass(frozen=True)
class Slip:
    """A known mistake made at one place.

    words: what was done, after 'this is what you get if'; equation and node: the place, where `pullback` replaces the
    right rule; loss: instead of all that, the loss that was taken for the right one.
    """

    code: str
    rule: str
    words: str
    equation: str
    node: Expr | None = None
    pullback: Pullback | None = None
    loss: Expr | None = None


def slips(model: Model) -> Iterator[Slip]:
    """Every known mistake at every place of a model where it can be made, from the loss backwards."""
    setting = Setting(model)
    for wrong in WRONG_LOSSES:
        for loss, words in wrong.losses(setting):
            with suppress(ModelError):  # a loss without one of the parameters is nobody's
                _with_loss(model, loss)
                yield Slip(wrong.code, rule_name(wrong.losses), wrong.says.format(**words), model.loss.name, loss=loss)
    for equation in reversed(model.equations):
        if equation.name in model.relevant & setting.tracked:
            for node in _nodes(model, equation):
                if any(symbol.name in setting.tracked for symbol in symbols_in(node)):
                    yield from _at(setting, equation, node)


def _at(setting: Setting, equation: Equation, node: Expr) -> Iterator[Slip]:
    text = f"{equation.name} = {equation.value}"
    place = {"at": equation.name, "here": text if len(text) <= LONGEST else equation.name}
    for wrong in WRONG_RULES:
        if isinstance(node, wrong.kinds):
            for arguments, words in wrong.choices(setting, equation, node):
                says = wrong.says.format(**place, **words)
                yield Slip(wrong.code, rule_name(wrong.rule), says, equation.name, node, wrong.chosen(arguments))


def _nodes(model: Model, equation: Equation) -> Iterator[Expr]:
    """The nodes that the sweep meets in an equation, each once."""
    values = [t.value for t in model.terms] if equation is model.loss else [equation.value]
    yield from dict.fromkeys(part for value in values for part in parts_of(value))


def rederive(model: Model, *made: Slip, tidy: bool = False) -> Derivation:
    """The derivation of somebody who makes these mistakes and no other.

    Raises: ShapeError where the shapes do not allow one of them.

    >>> from symderiv import two_layer
    >>> model = two_layer("tanh")
    >>> slip = next(slip for slip in slips(model) if slip.code == "missing-slope")
    >>> slip.words, rederive(model, slip, tidy=True).adjoint("Z1").named
    ('the slope of A1 = tanh(Z1) is left out', A1_bar)
    """
    wrong = {(slip.equation, slip.node): slip.pullback for slip in made if slip.pullback is not None}
    for loss in (slip.loss for slip in made if slip.loss is not None):
        model = _with_loss(model, loss)
    return derive(model, rules=lambda at, node: wrong.get((at, node)) or right_rule(at, node), tidy=tidy)


def _with_loss(model: Model, loss: Expr) -> Model:
    return replace(model, equations=(*model.equations[:-1], Equation(model.loss.symbol, loss)))


def merged(model: Model, sizes: Mapping[str, int]) -> Model:
    """The model with one name for sizes that are equal: there products conform that do not at general sizes."""
    fixed = {s.offset: Size("", s.offset) for symbol in model.symbols.values() for s in symbol.shape if not s.name}
    # Ones are put before what has a name, and 1 would turn repeating into nothing.
    augments = any(isinstance(part, Augment) for e in model.equations for part in parts_of(e.value))
    known = {} if augments else {number: size for number, size in fixed.items() if number > 1}
    names = {name: known.setdefault(sizes[name], Size(name)) for name in model.sizes}
    if all(size.name == name for name, size in names.items()):
        return model
    memo: dict[Expr, Expr] = {}

    def renamed(field: Any) -> Any:
        if isinstance(field, Size):
            return names[field.name] + field.offset if field.name else field
        if isinstance(field, tuple):
            return tuple(map(renamed, field))
        if not isinstance(field, Expr):
            return field
        if field not in memo:
            memo[field] = type(field)(*map(renamed, field.fields))
        return memo[field]

    def named(symbol: Symbol) -> Symbol:
        found: Symbol = renamed(symbol)
        return found

    equations = tuple(Equation(named(e.symbol), renamed(e.value), e.line) for e in model.equations)
    return replace(model, inputs=tuple(map(named, model.inputs)), equations=equations)
