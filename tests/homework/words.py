"""The words around the mathematics."""

from __future__ import annotations

import random
from dataclasses import dataclass

from .networks import Network
from .notations import Notation

NAMES = {
    "sigmoid": "sigmoid", "tanh": "tanh", "relu": "ReLU", "softplus": "softplus", "identity": "identity (linear)", "softmax": "softmax",
}  # fmt: skip
LOSSES = {
    "mse": "mean squared error",
    "log": "binary cross-entropy (log loss)",
    "ce": "cross-entropy",
    "mse+ce": "sum of squared error and cross-entropy",
}
LEADS = {
    "English": ("", "", "We get", "Hence", "So", "Then", "Therefore", "Now", "Next,"),
    "German": ("", "", "Damit gilt", "Also", "Daraus folgt", "Es ist"),
    "French": ("", "", "Donc", "On obtient", "Alors"),
    "none": ("",),
}
CHAINS = {
    "English": ("By the chain rule", "Chain rule:", ""),
    "German": ("Nach der Kettenregel", "Kettenregel:"),
    "French": ("Par la règle de la chaîne",),
    "none": ("",),
}
PHRASES = {
    # forward, loss, backward, update, define
    "English": ("Forward pass:", "The loss is", "Backward pass", "Gradient descent:", "Define"),
    "German": ("Vorwärts:", "Die Verlustfunktion ist", "Rückwärts", "Gradientenabstieg:", "Wir definieren"),
    "French": ("Passe avant :", "La perte est", "Rétropropagation", "Descente de gradient :", "On pose"),
    "none": ("", "", "", "", ""),
}
TITLES = {
    "English": (
        "# Backpropagation",
        "Homework 3, problem 2",
        "## Gradients of a small network",
        "Deriving the gradients by hand",
    ),
    "German": ("# Übung 4, Rückwärtspropagierung", "Aufgabe 2"),
    "French": ("# Devoir 2, rétropropagation",),
    "none": ("# Backprop",),
}


@dataclass
class Words:
    """One writer's words."""

    language: str
    rng: random.Random
    talkative: bool

    @property
    def forward(self) -> str:
        """Before the forward pass."""
        return PHRASES[self.language][0]

    @property
    def loss(self) -> str:
        """Before the loss."""
        return PHRASES[self.language][1]

    @property
    def backward(self) -> str:
        """Before the backward pass."""
        return PHRASES[self.language][2]

    @property
    def update(self) -> str:
        """Before the updates."""
        return PHRASES[self.language][3]

    @property
    def define(self) -> str:
        """Before a definition."""
        return PHRASES[self.language][4]

    def title(self) -> str:
        """The first line."""
        return self.rng.choice(TITLES[self.language])

    def lead(self, rng: random.Random) -> str:
        """Words before a line."""
        return rng.choice(LEADS[self.language]) if self.talkative else ""

    def chain(self, rng: random.Random) -> str:
        """Words before a chain."""
        return rng.choice(CHAINS[self.language]) if self.talkative else ""

    def opening(self, net: Network, n: Notation, s: dict) -> str:
        """What the document says about the network before its equations."""
        parts = []
        wrap = (lambda t: f"${t}$") if n.tex else str
        if s["batch"]:
            parts.append(
                f"There are {wrap(n.samples)} samples, one in each {'column' if net.columns else 'row'} of {wrap(n.name(('A', 0)))}."
            )
        else:
            parts.append("We take one training sample.")
        for kind in dict.fromkeys(net.activations):
            if kind == "g":
                parts.append(
                    f"{wrap(n.letter(n.functions['g']))} is a differentiable activation function, applied elementwise."
                )
            elif (
                kind in ("sigmoid", "relu", "softmax", "softplus", "tanh")
                and n.functions[kind].lstrip("\\") != NAMES[kind].lower()
            ):
                parts.append(f"{wrap(n.letter(n.functions[kind]))} is the {NAMES[kind]} function.")
        if n.hadamard in ("\\odot", "\\circ", "*") and n.dialect != "python" and s["says_hadamard"]:
            parts.append(f"{wrap(n.letter_of_mark(n.hadamard))} is the elementwise product.")
        if net.activations[-1] == "softmax":
            parts.append(f"The targets {wrap(n.name(('Y', 0)))} are one-hot.")
        if n.derivative == "dname" and s["says_dname"]:
            w = n.name(("W", min(2, net.depth)))
            parts.append(
                f"We write {wrap('d' + w)} for the derivative of the loss {wrap(n.name(('L', 0)))} by {wrap(w)}, and so on."
            )
        if n.derivative == "bar":
            parts.append("A bar denotes the derivative of the loss by that quantity.")
        return " ".join(parts)

    def named_loss(self, net: Network, n: Notation) -> str:
        """The loss in words only."""
        wrap = (lambda t: f"${t}$") if n.tex else str
        return f"The loss {wrap(n.name(('L', 0)))} is the {LOSSES[net.loss]}" + (
            " over the samples." if net.samples > 1 else "."
        )
