"""How names are written: the table between plain identifiers and print, chosen per document."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from symderiv.calculus.expressions import Symbol, functions_in
from symderiv.calculus.functions import Opaque
from symderiv.calculus.model import Model
from symderiv.errors import ModelError

LAYERS = {
    "bracket": "W^{[1]}",
    "subscript": "W_{1}",
    "superscript": r"\boldsymbol{W^{1}}",
}
DERIVATIVES = {"partial": r"\partial", "d": "d"}
SIGMOIDS = {"sigma": r"\sigma", "g": "g"}
GREEK = (
    "alpha beta gamma delta epsilon zeta eta theta kappa lambda mu nu xi pi rho sigma tau phi chi psi omega "
    "Gamma Delta Theta Lambda Xi Pi Sigma Phi Psi Omega"
).split()
ACCENTS = {"hat": r"\hat", "tilde": r"\tilde", "star": "star"}


@dataclass(frozen=True)
class Notation:
    """The choices of one document.

    layers: how a layer number is marked, a key of LAYERS; derivative: "partial" or "d"; sigmoid: its letter, "sigma"
    or "g"; sizes: numbers for the sizes in the picture of the network.
    """

    model: Model
    layers: str = "bracket"
    derivative: str = "partial"
    sigmoid: str = "sigma"
    sizes: Mapping[str, int] = field(default_factory=dict)

    @property
    def times(self) -> str:
        """The sign of a product of numbers."""
        return r" \, "

    @property
    def matrix_times(self) -> str:
        """The sign of a matrix product."""
        return r" \, "

    def __post_init__(self) -> None:
        for what, names in (("layers", LAYERS), ("derivative", DERIVATIVES), ("sigmoid", SIGMOIDS)):
            if getattr(self, what) not in names:
                raise ModelError(f"there is no {what} notation {getattr(self, what)!r}", f"there is {', '.join(names)}")
        functions = {f for e in self.model.equations for f in functions_in(e.value)}
        if self.sigmoid == "g" and any(isinstance(f, Opaque) and f.letter == "g" for f in functions):
            raise ModelError("g is the name of a function in this model already", "leave the sigmoid its sigma")
        printed: dict[str, str] = {}
        for name in (*self.model.symbols, *(symbol.name for symbol in self.model.hypers)):
            other = printed.setdefault(self.name(name), name)
            if other != name:
                raise ModelError(f"{other} and {name} would look the same in print", "give one of them another name")

    @property
    def d(self) -> str:
        """The letter d of a derivative."""
        return DERIVATIVES[self.derivative]

    def name(self, name: str, index: str = "", accent: str = "") -> str:
        """A quantity's name, with the indices of an entry and an accent if there are any."""
        letter, suffixes, layer = split_name(name)
        base = f"{accent}{{{_letter(letter)}}}" if accent else _letter(letter)
        words = []
        for suffix in suffixes:
            if suffix in ACCENTS and suffix != "star":
                base = f"{ACCENTS[suffix]}{{{base}}}"
            else:
                words.append("*" if suffix == "star" else suffix if len(suffix) == 1 else rf"\text{{{suffix}}}")
        lower, upper = list(words), []
        if layer:
            if self.layers == "subscript":
                lower.insert(0, layer)
            else:
                upper.append(f"[{layer}]" if self.layers == "bracket" else layer)
        if self.layers == "subscript" and lower and index:
            return rf"({base}_{{{','.join(lower)}}})_{{{index}}}"
        lower += [index] if index else []
        written = base + (f"^{{{','.join(upper)}}}" if upper else "") + (f"_{{{','.join(lower)}}}" if lower else "")
        return rf"\boldsymbol{{{written}}}" if self.layers == "superscript" and layer and not index else written

    def is_scripted(self, name: str) -> bool:
        """Whether the printed name already has a superscript, so that another one needs parentheses."""
        return bool(split_name(name)[2]) and self.layers != "subscript"

    @cached_property
    def loss(self) -> str:
        """The loss in print."""
        return self.name(self.model.loss.name)

    def term(self, term: str) -> str:
        """One term of the loss; the loss itself for ''."""
        if not term:
            return self.loss
        if term.isdigit():
            return f"{self.loss}_{{{term}}}"
        return rf"{self.loss}_{{\text{{penalty}}}}" if term == "penalty" else f"{self.loss}_{{{self.name(term)}}}"

    def derivative_of(self, top: str, bottom: str) -> str:
        """d top / d bottom, both in print."""
        return rf"\frac{{{self.d} {top}}}{{{self.d} {bottom}}}"

    def adjoint(self, symbol: Symbol, index: str = "") -> str:
        """The derivative that an adjoint symbol (`Z1_bar`, `Z2_bar_ce`) stands for, or one entry of it."""
        quantity, _, term = symbol.name.partition("_bar")
        return self.derivative_of(self.term(term.removeprefix("_")), self.name(quantity, index))


def split_name(name: str) -> tuple[str, list[str], str]:
    """`W1` as W, layer 1; `y_hat` as y with the suffix hat; `a_1` as a, layer 1."""
    letter, *suffixes = name.split("_")
    match = re.fullmatch(r"([A-Za-z]+)(\d*)", letter)
    if match is None:
        return letter, suffixes, ""
    letter, layer = match.groups()
    if not layer and suffixes and suffixes[-1].isdigit():
        layer = suffixes.pop()
    return letter, suffixes, layer


def _letter(letter: str) -> str:
    if letter in ("l", "ell"):
        return r"\ell"
    if letter == "lam":
        return r"\lambda"
    if letter in GREEK:
        return "\\" + letter
    return letter if len(letter) == 1 else rf"\mathrm{{{letter}}}"


def notation_of(model: Model, options: Mapping[str, Any]) -> Notation:
    """The notation that a derivation's options ask for."""
    known = {"layers", "derivative", "sigmoid", "sizes"}
    unknown = set(options) - known
    if unknown:
        raise ModelError(f"there is no option {', '.join(sorted(unknown))}", f"there is {', '.join(sorted(known))}")
    return Notation(model, **options)
