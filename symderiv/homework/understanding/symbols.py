"""What one name with its scripts is, by the conventions of its document: a quantity, its layer, its indices, a power.

They are counted once for a document, in `conventions`; nothing here is about a value.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from symderiv.homework.reading.formulas import (
    Group,
    Name,
    Node,
    Number,
    Product,
    Script,
    Scripted,
    Sum,
    Text,
    Transposed,
    children_of,
    walk,
)  # fmt: skip
from symderiv.homework.reading.statements import Document

COUNTING = frozenset("ijklmnpqrst")
SAMPLE_LETTERS = frozenset({"m", "n", "i", "mu"})  # what a letter in brackets above counts
LAYER_LETTERS = frozenset({"l", "ell"})
LOSS_BASES = (
    "L",
    "J",
    "E",
    "C",
    "ell",
    "Loss",
    "loss",
    "cost",
    "Cost",
    "Q",
    "R",
    "MSE",
    "BCE",
    "CE",
    "error",
    "Error",
    "l",
)
FUNCTION_BASES = frozenset(
    {"sigma", "phi", "varphi", "psi", "rho", "g", "f", "h", "s", "S", "act", "theta", "F", "G", "Phi", "tau", "zeta"}
)
LOSS_CALLS = frozenset(
    {"ce", "mse", "bce", "nll", "loss", "cost", "crossentropy", "cross_entropy", "error", "objective"}
)
GREEK_WEIGHTS = frozenset({"theta", "Theta", "vartheta", "omega", "Omega", "beta"})
INTERCEPT = "zero"  # the accent of the w_{j0} beside a sum
EACH = "(each)"  # L_i: the loss of one sample, another quantity than L
HYPER_BASES = frozenset(
    {
        "lam",
        "reg",
        "wd",
        "eps",
        "weight_decay",
        "learning_rate",
        "step_size",
        "lmbda",
        "lambd",
        "lamda",
        "lambda_",
        "decay",
        "l2",
        "alpha",
        "eta",
        "lambda",
        "epsilon",
        "mu",
        "gamma",
        "kappa",
        "lr",
        "lrate",
        "rate",
        "beta",
        "rho",
        "nu",
    }
)


@dataclass(frozen=True, slots=True)
class Reference:
    """A written name, resolved: which quantity, which part of it, to which power, how often derived."""

    key: str
    base: str
    mark: str = ""
    indices: tuple[str | int, ...] = ()
    power: Node | None = None
    primes: int = 0


class LayerOpen(LookupError):
    """A layer script with a letter that has no value here: the statement is about every layer."""

    def __init__(self, letter: str) -> None:
        super().__init__(letter)
        self.letter = letter


def key_of(base: str, accents: tuple[str, ...], mark: str, family: str = "") -> str:
    """The name under which a quantity is known: `W[1]`, `y^hat`, `w{kj}`."""
    return (
        base + "".join("^" + a for a in accents) + (f"[{mark}]" if mark else "") + (f"{{{family}}}" if family else "")
    )


def name_of(node: Node) -> Name | None:
    """The name at the bottom of scripts and transposes."""
    while isinstance(node, (Scripted, Transposed)):
        node = node.base if isinstance(node, Scripted) else node.body
    return node if isinstance(node, Name) else None


def is_word(items: tuple[Script, ...]) -> bool:
    r"""Whether letters below are a word and no indices, as in `L_{nll}`: three or more side by side that no one counts with."""
    letters = [i.body.base for i in items if isinstance(i.body, Name) and len(i.body.base) == 1]
    together = all(a.span[1] == b.span[0] for a, b in itertools.pairwise(items))
    is_run = together and len(letters) == len(items) >= 3
    return is_run and (len(set(letters)) < len(letters) or not set(letters) <= COUNTING)


def single(items: tuple[Script, ...]) -> Node | None:
    """The body of a lone script."""
    return items[0].body if len(items) == 1 else None


@dataclass
class Symbols:
    """What scripts and letters mean in one document."""

    uppers_are_layers: bool = False
    layered: frozenset[str] = frozenset()  # bases that carry layers above: digits below are entries
    matrices: frozenset[str] = frozenset()  # bases that are given as matrices of numbers: `W_{11}` is an entry
    entries: frozenset[str] = frozenset()  # bases whose `x_1` in an example is an entry of the x_i of the formulas
    by_unit: bool = False  # every unit has a formula: digits below a layer are part of the name
    above: Mapping[str, frozenset[str]] = field(default_factory=dict)  # the numbers that stand alone above a letter
    indices: frozenset[str] = frozenset()
    sizes: frozenset[str] = frozenset()
    functions: frozenset[str] = frozenset()
    general: bool = False  # layers by a letter
    top: str | None = None
    time: frozenset[str] = frozenset()
    numbering: frozenset[str] = frozenset()  # letters for the digits below: w_i beside w_1 and w_2
    highest: int = 0
    numbered: Mapping[str, frozenset[str]] = field(default_factory=dict)  # the digits that stand alone below a letter
    primes_transpose: bool = False  # A' is the transpose, as in MATLAB
    exponents: frozenset[str] = frozenset()  # the n of `s^n` where something is derived by n
    marks_above: frozenset[str] = frozenset()  # the h and o of `w_{ji}^h` and `w_{kj}^o`: layers
    samples_named: frozenset[str] = frozenset()  # the k of `y_j^k` and `E_k`: the sample all is about
    samples_above: frozenset[str] = frozenset()  # the n of `x_i^n` where a sum runs over n
    summed_names: frozenset[str] = frozenset()
    unmarked: frozenset[str] = (
        frozenset()
    )  # functions that stand without a layer somewhere: then they are one for all layers
    called: frozenset[str] = frozenset()  # quantities written with an argument: f(x) = w x + b
    bare: Mapping[str, int] = field(default_factory=dict)  # how often a letter stands without scripts
    data_letters: frozenset[str] = frozenset()  # the C of prices, compared with C hat: no loss
    e_has_marks: bool = False  # `e^{(p)} = y^{(p)} - d^{(p)}` is an error, no exponential
    star_elementwise: bool = False  # `*` as in NumPy
    plain_ones: bool = False  # `1 b^T`: a 1 beside a matrix is a vector of ones
    code: bool = False  # lines of a program
    families: frozenset[str] = frozenset()  # `z{j`, `z{k`: where an index letter names the layer
    renamed: Mapping[str, str] = field(
        default_factory=dict
    )  # a second letter over the same units, as in a softmax's sum
    whole: frozenset[str] = frozenset()  # bases (with mark) that stand without indices
    intercepts: frozenset[str] = frozenset()  # bases whose `w_{j0}` stands beside the sum over the others: a bias
    folds: Mapping[str, str] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    _resolved: dict[tuple[int, tuple[tuple[str, int], ...]], tuple[Node, Reference | None]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )  # by node (kept, so that its id stays its own) and layers: judging asks for the same names again and again

    @property
    def counting(self) -> frozenset[str]:
        """Letters that count entries, layers or times."""
        return self.indices | self.time | (LAYER_LETTERS if self.general else frozenset())

    def alias(self, key: str, other: str) -> None:
        """Take a key for another one."""
        self.aliases[key] = other
        self._resolved.clear()

    def canonical(self, key: str) -> str:
        """The key behind aliases."""
        seen = set()
        while key in self.aliases and key not in seen:
            seen.add(key)
            key = self.aliases[key]
        return key

    # --- a written name ---
    def resolve(self, node: Node, layers: Mapping[str, int]) -> Reference | None:
        """The reference of a Name or Scripted name; None for another node.

        layers: values for the letters of layers and times in this statement.
        Raises: LayerOpen.
        """
        if not isinstance(node, (Name, Scripted)):
            return None
        at = id(node), tuple(layers.items())
        known = self._resolved.get(at)
        if known is None:
            known = self._resolved[at] = node, self._reference(node, layers)
        return known[1]

    def _reference(self, node: Name | Scripted, layers: Mapping[str, int]) -> Reference | None:
        scripted = node if isinstance(node, Scripted) else None
        name = scripted.base if scripted is not None else node
        if not isinstance(name, Name):
            return None
        base = self.folds.get(name.base, name.base)
        marks: list[str] = []
        indices: list[str | int] = []
        samples: list[str | int] = []
        power: Node | None = None
        if scripted:
            for script in scripted.upper:
                above = self._upper(script, base, layers, marks, samples)
                if base == "e" and power is not None and above is not None:
                    power = Product(script.span, (power, above), ("",))  # e^{w x}
                else:
                    power = above or power
            has_layer = any(m.lstrip("-").isdigit() for m in marks)  # not `w_5^+`
            if scripted.lower:
                self._lower(scripted.lower, base, has_layer, layers, marks, indices)
        primes = scripted.primes if scripted else 0
        family = ""
        if self.families and indices and not marks and all(isinstance(i, str) for i in indices):
            family = self._family(base, "".join(str(i) for i in indices))
        accents = name.accents
        if base in self.intercepts and 0 in indices:
            accents, indices = (*accents, INTERCEPT), [i for i in indices if i != 0]
            family = "".join(map(str, indices)) if self.families and not marks else ""
        if "dot" in accents and base in self.functions:
            primes, accents = primes + 1, tuple(a for a in accents if a != "dot")
        if primes and base not in self.functions and not self.primes_transpose:
            accents = (*accents, *("prime",) * primes)
        if self.families and not indices and not marks:
            known = [x[len(base) + 1 :] for x in self.families if x.startswith(base + "{")]
            family = known[0] if len(known) == 1 else ""
        key = self.canonical(key_of(base, accents, ",".join(marks), family))
        if (
            base in LOSS_BASES
            and base not in self.data_letters
            and len(indices) + len(samples) == 1
            and all(isinstance(i, str) for i in (*indices, *samples))
        ):
            key += EACH
        return Reference(
            key,
            base,
            ",".join(marks),
            (*indices, *samples),
            power,
            primes if base in self.functions or self.primes_transpose else 0,
        )

    def _family(self, base: str, letters: str) -> str:
        """Which of the quantities of a letter is meant: the one defined or used with these index letters, else the only one."""
        letters = "".join(self.renamed.get(x, x) for x in letters)
        known = [f[len(base) + 1 :] for f in self.families if f.startswith(base + "{")]
        if letters in known:
            return letters
        if not known and base in LOSS_BASES:
            return ""  # E_n of the pattern n
        return known[0] if len(known) == 1 else letters

    def _upper(
        self, script: Script, base: str, layers: Mapping[str, int], marks: list[str], samples: list[str | int]
    ) -> Node | None:
        body = script.body
        if (base == "e" and not (self.e_has_marks and script.bracket == "(")) or script.bracket in ("odot", "circ"):
            return body
        layer = self._layer(body, layers)
        if script.bracket:
            if layer is not None:
                marks.append(layer)
            elif isinstance(body, Name) and (body.base in self.indices | SAMPLE_LETTERS):
                samples.append(body.base)
            else:
                marks.append(as_text(body))
            return None
        if isinstance(body, Number):
            is_layer = self.uppers_are_layers and not marks  # after a layer in brackets it is a power
            mark, squared = body.text[:-1], body.text[-1:]
            if (
                is_layer
                and squared == "2"
                and mark in self.above.get(base, ())
                and body.text[:-1] + "1" not in self.above[base]
            ):
                marks.append(mark)  # h⁴²: the square of h⁴
                return replace(body, text="2", value=type(body.value)(2))
            if is_layer and body.digits is None and body.value < 20 and base in self.layered:
                marks.append(str(body.value))
                return None
            return body
        if layer is not None and self._has_layer_letter(body):
            marks.append(layer)
            return None
        if isinstance(body, Name) and body.base in self.summed_names and body.base not in self.indices:
            samples.append(body.base)  # delta^{x,l}: summed over the examples x
            return None
        if isinstance(body, Name) and body.base in self.exponents:
            return body
        if isinstance(body, Name) and body.base in self.marks_above | self.samples_named and not script.bracket:
            if body.base in self.marks_above:
                marks.append(body.base)
            return None
        if isinstance(body, Name) and body.base in ("m", "n", "mu", "p", "i"):
            if body.base in self.samples_above:
                samples.append(body.base)
            return None  # the number of the sample, the same all over the line
        if isinstance(body, Name) and body.base in ("*", "star", "ast", "dagger"):
            marks.append("*")
            return None
        if isinstance(body, Text) or (
            isinstance(body, Name) and len(body.base) > 1 and body.base not in ("alpha", "beta", "gamma")
        ):
            marks.append(as_text(body))
            return None
        return body

    def _has_layer_letter(self, body: Node) -> bool:
        names = {n.base for n in walk(body) if isinstance(n, Name)}
        return (
            bool(names & ((LAYER_LETTERS if self.general else frozenset()) | self.time | self.numbering))
            or self.top in names
            or (self.top is not None and self.top in as_text(body))
        )

    def _lower(
        self,
        items: tuple[Script, ...],
        base: str,
        has_layer: bool,
        layers: Mapping[str, int],
        marks: list[str],
        indices: list[str | int],
    ) -> None:
        words: list[str] = []
        if base in LOSS_BASES and is_word(items):
            marks.append("".join(as_text(i.body) for i in items))
            return
        if len(items) > 1 and all(
            isinstance(i.body, Name) and i.body.base in ("W", "b", "w", "theta", "Theta") for i in items
        ):
            return  # h_{W,b}: what it depends on
        parts = [p for i in items for p in (i.body.factors if isinstance(i.body, Product) else (i.body,))]
        mixed = len(parts) > 1 and any(
            isinstance(p, Name) and p.base in self.indices for p in parts
        )  # Y_{1j}: an entry
        mixed_number = any(isinstance(p, Number) for p in parts)
        for item in items:
            body = item.body
            if isinstance(body, Product) and all(isinstance(f, (Name, Number)) for f in body.factors):
                flat: tuple[Node, ...] = body.factors
            else:
                flat = (body,)
            for part in flat:
                if isinstance(part, Number):
                    digits = part.text if part.text.isdecimal() else str(part.value)
                    if not digits.isdecimal() or (has_layer and self.by_unit):
                        words.append(digits)  # W_{0.1}: no entry
                    elif mixed and not has_layer and not marks and digits in self.numbered.get(base, ()):
                        words.append(digits)  # a_{2i} beside A_2: entry i of layer 2
                    elif (
                        has_layer
                        or mixed
                        or base in self.layered | self.entries
                        or (base in self.matrices and len(digits) == 2)
                    ):
                        many = len(items) > 1 or len(flat) > 1 or len(digits) == 1
                        indices.extend([int(digits)] if many else [int(d) for d in digits])
                    elif len(items) > 1 and not words and all(isinstance(i.body, Number) for i in items):
                        words.append(digits)
                    else:
                        words.append(digits)
                    continue
                layer = self._layer(part, layers)
                if layer is not None and self._has_layer_letter(part):
                    if mixed_number and isinstance(part, Name) and part.base in self.numbering:
                        words.append(layer)  # w_{j1} is w_{21} for j = 2
                    else:
                        marks.append(layer)
                elif isinstance(part, Name) and part.base in self.indices:
                    indices.append(part.base)
                else:
                    words.append(as_text(part))
        if words:
            marks.append("".join(words) if all(len(w) == 1 or not w.isdigit() for w in words) else ",".join(words))

    def _layer(self, body: Node, layers: Mapping[str, int]) -> str | None:
        """The layer that a script says, as a number where its letters have values."""
        if isinstance(body, Number) and body.digits is None:
            return str(body.value)
        value = self._layer_value(body, layers)
        return None if value is None else str(value)

    def _layer_value(self, body: Node, layers: Mapping[str, int]) -> int | None:
        match body:
            case Number(_, _, value, None):
                return int(value)
            case Name(_, base, ()) | Scripted(_, Name(_, base, ()), _, (), 0):
                if isinstance(body, Scripted):
                    base = as_text(body)
                if (
                    (base in LAYER_LETTERS and self.general)
                    or base == self.top
                    or base in self.time
                    or base in self.numbering
                ):
                    if base in layers:
                        return layers[base]
                    raise LayerOpen(base)
                return None
            case Group(_, _, (inner,)):
                return self._layer_value(inner, layers)
            case Sum(_, terms):
                values = [(sign, self._layer_value(part, layers)) for sign, part in terms]
                if any(v is None for _, v in values):
                    return None
                return sum(sign * v for sign, v in values if v is not None)
        return None


def as_text(node: Node) -> str:
    """A script as plain text, for a mark."""
    match node:
        case Number(_, text, _, _) | Text(_, text):
            return text.strip()
        case Name(_, base, accents):
            return base + "".join("^" + a for a in accents)
        case Scripted(_, base, lower, upper, primes):
            return (
                as_text(base)
                + "".join("_" + as_text(s.body) for s in lower)
                + "".join(as_text(s.body) for s in upper)
                + "'" * primes
            )
        case Sum(_, terms):
            return "".join(("+" if s > 0 else "-") + as_text(t) for s, t in terms)
    return ",".join(as_text(c) for c in children_of(node))


# --- counting over a document ---
def trees_of(document: Document) -> Iterator[Node]:
    """Every side of every statement, tables included."""
    for statement in document.statements:
        for side in statement.sides:
            yield side.node
    for row in document.rows:
        for cell in row.cells:
            for statement in cell:
                for side in statement.sides:
                    yield side.node
