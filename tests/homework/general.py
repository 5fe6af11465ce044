"""Homework for any layer l of L: written with layer 2 of a net of four layers in mind, whose marks are l-1, l, l+1 and L."""

from __future__ import annotations

import itertools
import random
from fractions import Fraction

from .expressions import Act, Coefficient, Expr, Grad, Had, Key, Slope, nodes
from .matrices import Step, Writer, loss_text
from .mistakes import Slip
from .networks import Network, bias_gradient, combined_output, input_gradient, output_gradient, weight_gradient
from .notations import Notation
from .pages import Mark, Page, Row
from .switches import SIZES, Switches, draw_notation
from .words import Words

HERE, LAST = 2, 4


def draw_general(rng: random.Random, s: Switches, seed: int) -> tuple[Network, Notation]:
    """A deep net and a notation with symbolic layer marks."""
    loss, output = rng.choice((("mse", "same"), ("mse", "same"), ("ce", "softmax"), ("log", "sigmoid")))
    hidden = rng.choice(("sigmoid", "g", "g", "tanh", "relu"))
    if loss == "mse" and hidden == "relu":
        hidden = "g"
    batch = rng.random() < 0.35
    s |= {
        "layers": "l", "loss": loss, "hidden": hidden, "output": output, "batch": batch, "mean": batch, "half": loss == "mse" and rng.random() < 0.7, "penalty": False,
        "bias": rng.random() < 0.85, "layout": rng.choice(("Wx", "Wx", "Wx", "xW", "WTx", "xWT")), "later": False, "loss_stated": "formula",
    }  # fmt: skip
    acts = (hidden,) * 3 + (hidden if output == "same" else output,)
    net = Network(
        s["layout"],
        SIZES[-1],
        acts,
        s["bias"],
        loss,
        Coefficient(Fraction(1, 2) if s["half"] else Fraction(1), batch),
        8 if batch else 1,
        None,
        seed,
    )
    notation = draw_notation(rng, s, net)
    while notation.dialect == "python":
        notation = draw_notation(rng, s, net)
    if notation.dialect == "unicode":
        notation.mark = s["mark"] = rng.choice(("bracket", "paren"))
    ell = s["ell"] = rng.choice(("l", "l", "\\ell")) if notation.tex and notation.loss != "\\ell" else "l"
    top = "L" if notation.loss != "L" else "N" if notation.samples != "N" else "K"
    s["last_layer"] = top
    space = " " if ell == "\\ell" else ""
    marks = {1: f"{ell}{space}-{space}1".replace(" ", ""), 2: ell, 3: f"{ell}+1", 4: top}
    for key, (base, label) in list(notation.names.items()):
        if key[0] in "WbZA" and key[1]:
            notation.names[key] = (base, marks[key[1]])
        elif label:
            notation.names[key] = (base, "0")
    notation.delta_shift, s["delta_shift"] = 0, 0
    s["numbering"] = "from 1"
    return net, notation


def write_general(
    net: Network, notation: Notation, rng: random.Random, s: Switches, page: Page, words: Words, planned: int
) -> Writer:
    """A whole document."""
    s["shapes"] = ""
    writer = Writer(net, notation, rng, s, words, page, net.values, planned=planned)
    n = notation
    page.prose(words.opening(net, n, s))
    wrap = (lambda t: f"${t}$") if n.tex else str
    first = ("Z", HERE)
    rows = [f"{n.name(first)} = {n.write(net.linear(HERE))}", f"{n.name(('A', HERE))} = {n.write(Act(HERE, HERE))}"]
    if net.activations[-1] != net.activations[0]:
        rows.append(f"{n.name(('A', LAST))} = {n.write(Act(LAST, LAST))}")
        page.prose(f"Hidden layers {wrap(s['ell'] if n.tex else 'l')} and the output layer {wrap(s['last_layer'])}.")
    else:
        page.prose(f"Layers {wrap(('l' if not n.tex else s['ell']) + ' = 1, ..., ' + s['last_layer'])}.")
    start = f"{n.marked(n.names['A', HERE][0], '0')} = {n.letter(n.names['A', 0][0])}"
    if n.names["A", 0][1] == "":
        rows.insert(0, start)
    page.rows([writer.premise(text) for text in rows], together=True)
    loss = writer.premise(loss_text(net, n, s, rng), lead=words.loss)
    loss.marks[0].accept = ("notation",)
    page.rows([loss])
    if s["delta"] and s["delta_defined"]:
        left = n.grad(("Z", HERE))
        n.delta = False
        text = f"{left} = {n.fraction(('L', 0), ('Z', HERE))}"
        n.delta = True
        page.rows([Row(text, [Mark(text, "definition", accept=("notation",))], words.define)])
    if words.backward:
        page.prose(words.backward)
    page.rows(_rows(writer), together=True)
    if s["updates"]:
        page.rows([writer.update(key, False) for key in writer.memory if key[0] in "Wb"], together=True)
    return writer


def _rows(writer: Writer) -> list[Row]:
    s, rng = writer.switches, writer.rng
    steps = _steps(writer)
    rows = []
    left = writer.planned
    for k, step in enumerate(steps):
        if step.key == ("Z", HERE) and s["chains"]:
            rows.append(_chain(writer))
        wanted = left > 0 and (rng.random() < 0.4 or len(steps) - k <= left)
        slip = _slip(writer, step) if wanted else None
        left -= slip is not None
        rows.append(writer.line(step, slip))
    return rows


def _chain(writer: Writer) -> Row:
    n = writer.notation
    route: list[Key] = [("Z", HERE + 1), ("A", HERE), ("Z", HERE)]
    factors = [n.grad(route[0])] + [n.fraction(a, b) for a, b in itertools.pairwise(route)]
    join = " \\cdot " if n.tex else " · "
    text = f"{n.grad(('Z', HERE))} = {join.join(factors)}"
    links = tuple(zip([("L", 0), *route], route, strict=False))
    return Row(text, [Mark(text, "chain", evidence=("chain", ("Z", HERE), links))], writer.words.chain(writer.rng))


def _slip(writer: Writer, step: Step) -> Slip | None:
    """A mistake that needs no layer mark that this line cannot have."""
    allowed = {0, LAST} if step.key[1] == LAST else {0, HERE - 1, HERE, HERE + 1}
    for _ in range(8):
        slip = writer.slip_for(step)
        if slip and _layers(slip.expr) <= allowed:
            return slip
    return None


def _layers(expr: Expr) -> set[int]:
    return {
        n.key[1] if hasattr(n, "key") else n.at for n in nodes(expr) if hasattr(n, "key") or isinstance(n, Slope | Act)
    }


def _steps(writer: Writer) -> list[Step]:
    """Output, one layer back, its parameters."""
    net, s = writer.net, writer.switches
    factor = net.coefficient
    last = combined_output(net, factor)
    assert last is not None  # losses and outputs are drawn so
    steps = [Step(("A", LAST), output_gradient(net, factor, s["split_log"]))] if s["through_activations"] else []
    steps.append(Step(("Z", LAST), last))
    # what l+1 has is given by the step before in the recursion
    writer.memory["Z", HERE + 1] = Grad(("Z", HERE + 1))
    down = input_gradient(net, HERE + 1)
    slope = Slope(HERE, HERE)
    steps.append(Step(("Z", HERE), Had(slope, down) if s["slope_first"] else Had(down, slope)))
    steps.append(Step(("W", HERE), weight_gradient(net, HERE)))
    if net.bias:
        steps.append(Step(("b", HERE), bias_gradient(net, HERE)))
    return steps
