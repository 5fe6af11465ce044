"""The independent choices of a writer, drawn so that no two letters collide."""

from __future__ import annotations

import random
from fractions import Fraction
from typing import Any

from .expressions import Coefficient, Key
from .networks import LAYOUTS, Network
from .notations import Notation

Switches = dict[str, Any]

UNITS = (
    ("z", "a"), ("z", "a"), ("z", "a"), ("z", "h"), ("a", "h"), ("s", "h"), ("u", "h"), ("net", "out"), ("\\alpha", "\\beta"), ("t", "h"),
    ("i", "o"), ("a", "z"), ("v", "y"),
)  # fmt: skip
LAYERLESS = (
    # weights, biases, pre-activations, activations of two layers
    (("W", "V"), ("b", "c"), ("u", "s"), ("h", "o")),
    (("U", "W"), ("b", "c"), ("z", "v"), ("h", "p")),
    (("V", "W"), ("c", "b"), ("a", "o"), ("h", "p")),
    (("W_h", "W_o"), ("b_h", "b_o"), ("z_h", "z_o"), ("a_h", "a_o")),
    (("W_h", "W_y"), ("b_h", "b_y"), ("s_h", "s_y"), ("h", "p")),
    (("A", "B"), ("a", "b"), ("u", "v"), ("h", "q")),
)
OUTPUTS = {
    "mse": ("identity", "sigmoid", "tanh", "softmax", "g"),
    "log": ("sigmoid",),
    "ce": ("softmax", "softmax", "sigmoid"),
    "mse+ce": ("softmax", "sigmoid"),
}
HIDDEN = ("sigmoid", "tanh", "relu", "g", "g", "softplus", "identity")
SIZES = ((5, 4), (5, 4, 3), (6, 5, 4, 3), (7, 6, 5, 4, 3))
DISPLAYS = {
    "tex": (
        "dollars", "dollars", "dollars_lines", "align", "align_dollars", "aligned", "brackets", "brackets_line", "equation", "inline", "parens", "list",
        "numbered_list", "mixed", "one_line",
    ),
    "unicode": ("plain", "plain", "ticks", "fence", "indented"),
    "python": ("plain", "fence", "indented", "ticks"),
}  # fmt: skip
SLOPES = {"sigmoid": ("a", "a", "s", "prime", "exp", "dot"), "tanh": ("a", "s", "sech", "prime"), "relu": ("prime", "indicator", "compare"), "softplus": ("s", "prime"), "g": ("prime", "prime", "dot"), "identity": ("prime",), "softmax": ("prime",)}  # fmt: skip
LANGUAGES = ("English", "English", "English", "English", "German", "French", "none")


def draw_network(rng: random.Random, s: Switches, seed: int) -> Network:
    """A network, and its switches noted."""
    depth = rng.choice((1, 2, 2, 2, 2, 3, 3))
    loss = rng.choice(("mse", "mse", "mse", "log", "log", "ce", "ce", "mse+ce"))
    hidden = rng.choice(HIDDEN)
    same = rng.random() < 0.75
    output = rng.choice(OUTPUTS[loss])
    acts = (*tuple(hidden if same else rng.choice(HIDDEN) for _ in range(depth - 1)), output)
    batch = rng.random() < 0.5
    if loss in ("mse", "mse+ce") and output == "softmax":
        batch = False  # the Jacobian of a batch has no short form
    mean = batch and rng.random() < 0.75
    number = rng.choice((Fraction(1), Fraction(1, 2))) if loss == "mse" else Fraction(1)
    penalty = Coefficient(Fraction(1, 2), mean and rng.random() < 0.5, "lambda") if rng.random() < 0.12 else None
    s |= {
        "layers": depth, "loss": loss, "hidden": acts[0] if depth > 1 else "none", "output": output, "batch": batch, "mean": mean, "half": number != 1,
        "penalty": penalty is not None, "bias": rng.choice((True, True, True, False)), "layout": rng.choice((*LAYOUTS, "Wx", "xW")),
        "later": mean and rng.random() < 0.35,
        "loss_stated": rng.choice(("formula",) * 8 + ("named", "missing")),
    }  # fmt: skip
    if s["loss_stated"] != "formula":
        s["penalty"], penalty, s["later"] = False, None, False
    if s["loss_stated"] == "named":
        mean = s["mean"] = batch
    return Network(
        s["layout"], SIZES[depth - 1], acts, s["bias"], loss, Coefficient(number, mean), 8 if batch else 1, penalty, seed
    )  # fmt: skip


def draw_notation(rng: random.Random, s: Switches, net: Network) -> Notation:
    """Letters, marks, signs."""
    s["dialect"] = rng.choice(("tex",) * 7 + ("unicode",) * 2 + ("python",))
    dialect = s["dialect"]
    s["naming"] = "layerless" if net.depth == 2 and rng.random() < 0.15 and dialect != "python" else "layered"
    s["mark"] = rng.choice(
        {
            "tex": ("bracket", "paren", "sup", "sub", "sub", "sub_braced", "angle"),
            "unicode": ("sub", "plain", "underscore", "bracket", "paren", "sup", "square"),
            "python": ("plain",),
        }[dialect]
    )
    s["numbering"] = rng.choice(("from 1",) * 8 + ("from 0", "shifted")) if s["naming"] == "layered" else "none"
    s["case"] = rng.choice(("lower", "mixed", "mixed", "upper"))
    if dialect == "python":
        s["case"] = rng.choice(("mixed", "upper", "upper"))
    names, used = _names(rng, s, net, dialect)
    s["samples"] = rng.choice([x for x in ("m", "n", "N") if x not in used])
    s["loss_letter"] = rng.choice(
        [
            x
            for x in ("L", "J", "E", "C", "\\ell", "\\mathcal{L}")
            if x not in used and not (x == "\\ell" and dialect == "python")
        ]
    )
    if dialect == "python":
        s["derivative"] = "dname"
    else:
        s["derivative"] = rng.choice(
            ("partial",) * 5
            + ("d", "d", "nabla", "subscript", "operator", "inline", "dname", "dname", "bar", "upright")
            if dialect == "tex"
            else ("partial", "partial", "d", "dname", "dname", "nabla")
        )
    if s["naming"] == "layerless" and s["derivative"] == "dname":
        s["derivative"] = "partial"
    if s["target"] == "d" and s["derivative"] in ("d", "dname"):
        s["derivative"] = "partial"  # nobody could tell `d z` from a product
    s["delta"] = (
        s["naming"] == "layered"
        and dialect != "python"
        and s["derivative"] != "bar"
        and s["loss_stated"] != "missing"
        and rng.random() < 0.3
    )
    s["delta_defined"] = s["delta"] and rng.random() < 0.6 and s["loss_stated"] == "formula"  # it stands after it
    s["delta_shift"] = (
        1 if s["delta"] and not s["delta_defined"] and s["numbering"] == "from 1" and rng.random() < 0.15 else 0
    )
    s["transpose"] = {"python": "dot"}.get(dialect) or rng.choice(
        ("T",) * 5 + ("top", "top", "prime", "sf", "mathrm", "dot")
        if dialect == "tex"
        else ("small", "small", "T", "dot", "prime")
    )
    s["transpose_place"] = rng.choice(("inside", "paren", "brace"))
    s["hadamard"] = (
        "*"
        if dialect == "python"
        else rng.choice(
            ("\\odot",) * 5
            + ("\\circ", "\\circ", "*", "\\cdot", "\\times", "unmarked")
            + ((".*",) if dialect == "unicode" else ())
        )
    )
    if dialect == "python":
        s["matmul"] = rng.choice(("@", "@", "np.dot"))
    else:
        s["matmul"] = rng.choice(
            (" ",) * 6
            + tuple(
                x
                for x in ("dot", "dot", "times", "@")
                if {"dot": "\\cdot", "times": "\\times"}.get(x) != s["hadamard"] and (x != "@" or dialect == "unicode")
            )
        )
    s["link"] = rng.choice(("\\cdot", "\\cdot", "", "\\times", "*"))
    s["grouping"] = "strict" if dialect == "python" else rng.choice(("strict",) * 4 + ("loose",))
    s["product_parentheses"] = rng.random() < 0.4
    s["brackets"] = rng.choice(("(", "(", "left", "["))
    s["total"] = rng.choice(
        ("sum", "sum", "sum_bare", "samples", "samples", "ones", "np") if dialect == "tex" else ("np", "sum")
    )
    s["slope_marked"] = rng.random() < 0.5
    s["bold"] = rng.random() < 0.1
    s["log"] = rng.choice(("\\log", "\\log", "\\ln"))
    s["rate"] = rng.choice([x for x in ("\\eta", "\\eta", "\\alpha", "\\epsilon") if x not in used])
    slopes = {kind: rng.choice(options) for kind, options in SLOPES.items()}
    slopes["relu_as_max"] = rng.choice(("yes", ""))
    functions = _functions(rng, s, net, used, dialect)
    s["slope_hidden"] = slopes[net.activations[0]] if net.depth > 1 else "none"
    s["slope_output"] = slopes[net.activations[-1]]
    s["function_hidden"] = functions[net.activations[0]]
    s["function_marks"] = "g" in net.activations and rng.random() < 0.2
    notation = Notation(
        dialect, names, s["mark"], s["transpose"], s["transpose_place"], s["hadamard"], s["matmul"], s["derivative"], s["link"], s["delta"], s["delta_shift"],
        s["loss_letter"], s["samples"], slopes, functions, s["function_marks"], s["slope_marked"], s["total"], s["grouping"], s["product_parentheses"],
        net.columns, s["brackets"], s["rate"], "\\lambda", s["bold"], s["log"],
    )  # fmt: skip
    notation.activations = net.activations
    return notation


def _names(rng: random.Random, s: Switches, net: Network, dialect: str) -> tuple[dict[Key, tuple[str, str]], set[str]]:
    depth = net.depth
    names: dict[Key, tuple[str, str]] = {}
    upper = s["case"] == "upper"
    if s["naming"] == "layerless":
        w, b, z, a = rng.choice(LAYERLESS)
        s["units"] = f"{w} {z} {a}"
        for l in (1, 2):
            names |= {
                ("W", l): (w[l - 1], ""),
                ("b", l): (b[l - 1], ""),
                ("Z", l): (z[l - 1], ""),
                ("A", l): (a[l - 1], ""),
            }
    else:
        pair = rng.choice(UNITS)
        if dialect == "python" and pair == ("i", "o"):
            pair = ("z", "a")
        s["units"] = " ".join(pair)
        shift = {"from 1": 0, "from 0": -1, "shifted": 1}[s["numbering"]]
        z, a = (p.upper() if upper and len(p) == 1 and pair != ("i", "o") else p for p in pair)
        if len(z) > 1 and z.isalpha():
            z, a = (f"\\{rng.choice(('mathrm', 'text'))}{{{p}}}" for p in (z, a)) if dialect == "tex" else (z, a)
        s["weight_letter"] = rng.choice(("w", "w", "\\theta") if s["case"] == "lower" else ("W", "W", "W", "\\Theta"))
        s["mark_on_units"] = rng.random() < 0.9
        letters = [(z, a)] * depth
        if not s["mark_on_units"] and depth == 2 and dialect != "python":
            letters = [("t", "h"), ("v", "p")]
        for l in range(1, depth + 1):
            bare = depth == 1 and rng.random() < 0.6 and dialect != "python"
            number = "" if bare else str(l + shift)
            weight_number = "" if bare else str(l + min(shift, 0))
            unit = number if letters[0] != letters[-1] or depth == 1 or letters[0] == (z, a) else ""
            if letters[0] == ("t", "h") and letters[-1] == ("v", "p"):
                unit = ""
            names |= {
                ("W", l): (s["weight_letter"], weight_number), ("b", l): ("b", weight_number),
                ("Z", l): (letters[l - 1][0], unit), ("A", l): (letters[l - 1][1], unit),
            }  # fmt: skip
    used = {base.split("_")[0] for base, _ in names.values()} | {"T", "i"}
    inputs = ["X"] if upper else ["x", "x", "X"]
    inputs = [x for x in inputs if x not in used and x.lower() not in used] or ["p"]
    s["input"] = rng.choice(inputs)
    layered_input = s["naming"] == "layered" and names["A", 1][1] and s["numbering"] != "from 0" and rng.random() < 0.25
    names["A", 0] = (s["input"], "")
    if layered_input:
        names["A", 0] = (names["A", 1][0], str(int(names["A", 1][1]) - 1))
        s["input"] = "a0"
    used.add(names["A", 0][0])
    targets = [
        x for x in (("Y", "Y", "D") if upper else ("y", "y", "y", "t", "d")) if x not in used and x.lower() not in used
    ]
    s["target"] = rng.choice(targets or ["r"])
    names["Y", 0] = (s["target"], "")
    used.add(s["target"])
    return names, used


def _functions(rng: random.Random, s: Switches, net: Network, used: set[str], dialect: str) -> dict[str, str]:
    if dialect == "python":
        return {
            "sigmoid": "sigmoid",
            "tanh": "np.tanh",
            "relu": "relu",
            "softplus": "softplus",
            "softmax": "softmax",
            "g": "g",
            "identity": "identity",
        }
    word = (lambda t: f"\\operatorname{{{t}}}") if rng.random() < 0.5 else (lambda t: f"\\text{{{t}}}")
    if dialect == "unicode":
        word = str
    opaque = rng.choice(
        [x for x in ("g", "g", "f", "\\phi", "h", "\\varphi") if x not in used and x.upper() not in used]
    )
    sigmoids = [
        x
        for x in ("\\sigma", "\\sigma", "\\sigma", "g", "f", "S")
        if x not in used and x.upper() not in used and x != opaque
    ] + [word("sigmoid")]
    relu = word("ReLU") if rng.random() < 0.7 else word("relu")
    return {
        "sigmoid": rng.choice(sigmoids), "tanh": "\\tanh" if rng.random() < 0.8 else word("tanh"), "relu": relu, "softplus": word("softplus"),
        "softmax": word("softmax"), "g": opaque, "identity": "id",
    }  # fmt: skip
