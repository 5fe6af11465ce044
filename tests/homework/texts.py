"""Trees of the proofs as LaTeX, as plain Unicode, and in index form."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, field

from .textbook_models import Textbook
from .trees import (
    SCALAR,
    Add,
    Augment,
    Div,
    Drop,
    Fn,
    Grad,
    Had,
    Mat,
    Neg,
    Node,
    Nonconforming,
    Num,
    Ones,
    Pow,
    Scale,
    Shape,
    Size,
    T,
    Total,
    Var,
    parts,
    places,
    shape_of,
)  # fmt: skip

SUM, ENTRYWISE, PRODUCT, ATOM = range(4)
LETTERS = {"alpha": "α", "beta": "β", "y_hat": "ŷ"}
GREEK = {"alpha": r"\alpha", "beta": r"\beta"}
FUNCTIONS = {"sigmoid": r"\sigma", "sigmoid'": r"\sigma'", "tanh": r"\tanh", "tanh'": r"\tanh'", "log": r"\log", "exp": r"\exp",
             "sech": r"\operatorname{sech}", "softmax": r"\operatorname{softmax}"}  # fmt: skip
PLAIN = {"sigmoid": "σ", "sigmoid'": "σ'"}


@dataclass
class Writer:
    """One way of writing. style: 'bracket' or 'subscript' (LaTeX), 'plain' (Unicode)."""

    model: Textbook
    style: str
    rng: random.Random
    marks: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        choose = self.rng.choice
        self.marks = {
            "matmul": choose((" ", r" \, ", r" \cdot ", " ")), "hadamard": choose((r" \odot ", r" \circ ")),
            "transpose": choose(("T", r"\top", r"\mathsf{T}")), "exp": choose(("e", "exp")), "d": choose((r"\partial ", "d ")),
            "fit": choose(("left", "")),
        }  # fmt: skip
        if self.is_plain:
            self.marks |= {"matmul": choose((" ", " @ ", " ")), "hadamard": " ⊙ ", "transpose": choose(("ᵀ", "^T"))}

    @property
    def is_plain(self) -> bool:
        """Whether it is plain text."""
        return self.style == "plain"

    # --- names ---
    def name(self, name: str, entry: str = "") -> str:
        """A quantity, or an entry of it."""
        base, layer = _split(name)
        if self.is_plain:
            return LETTERS.get(base, base) + layer + (f"_{{{entry}}}" if entry else "")
        base = r"\hat{y}" if base == "y_hat" else GREEK.get(base, r"\ell" if base == "l" else base)
        if self.style == "bracket" or not layer:
            return base + (f"^{{[{layer}]}}" if layer else "") + (f"_{{{entry}}}" if entry else "")
        return rf"({base}_{{{layer}}})_{{{entry}}}" if entry else f"{base}_{{{layer}}}"

    def size(self, name: str) -> str:
        """A size."""
        return name

    def derivative(self, bottom: str, entry: str = "") -> str:
        """d loss / d bottom."""
        top, below = self.name(self.model.loss), self.name(bottom, entry)
        if self.is_plain:
            return f"∂{top}/∂{below}"
        d = self.marks["d"]
        return rf"\frac{{{d}{top}}}{{{d}{below}}}"

    # --- formulas ---
    def write(self, node: Node, least: int = SUM) -> str:
        """The text, in parentheses if it binds weaker than `least`."""
        text, binds = self._write(node)
        return text if binds >= least else self.parentheses(text)

    def parentheses(self, text: str) -> str:
        """Text in round or growing parentheses."""
        if self.is_plain or (self.marks["fit"] == "" and r"\frac" not in text):
            return f"({text})"
        return rf"\left({text}\right)"

    def _write(self, node: Node) -> tuple[str, int]:
        match node:
            case Num(value, text):
                if text and "/" not in text:
                    return text, ATOM
                if value.denominator == 1:
                    return str(value), ATOM
                a, b = value.numerator, value.denominator
                return (f"({a}/{b})", ATOM) if self.is_plain else (rf"\frac{{{a}}}{{{b}}}", ATOM)
            case Size(name):
                return self.size(name), ATOM
            case Var(name):
                return self.name(name), ATOM
            case Grad(name):
                return self.derivative(name), PRODUCT if self.is_plain else ATOM
            case Ones(size, row):
                sign = rf"\mathbf{{1}}_{{{size}}}"
                return sign + (self.raised(self.marks["transpose"]) if row else ""), ATOM
            case T(body):
                return self._transposed(body), ATOM
            case Mat(left, right):
                return self._matmul(left, right)
            case Had(left, right):
                return self._hadamard(left, right)
            case Div(top, bottom):
                return self._quotient(top, bottom)
            case Add(left, Neg(body)):
                return f"{self.write(left)} - {self.write(body, ENTRYWISE)}", SUM
            case Add(left, Mat(Var(), Ones(_, True)) as bias) if self.is_plain:
                return f"{self.write(left)} + {self.write(bias.left)}", SUM
            case Add(left, right):
                return (
                    f"{self.write(left)} + {self.write(right, SUM if not self._starts_negative(right) else ATOM)}",
                    SUM,
                )
            case Neg(body):
                return f"-{self.write(body, ENTRYWISE)}", SUM
            case Scale(by, body):
                return self._scaled(by, body)
            case Fn(name, body):
                return self._applied(name, body, "")
            case Pow(Fn("tanh" | "sech" as name, body), power):
                return self._applied(name, body, str(power))
            case Pow(body, power):
                return self._power(body, str(power))
            case Total(body):
                return self._total(body)
            case Augment(body):
                return self._augmented(body), ATOM
            case Drop(body):
                text = self.parentheses(self.write(body))
                return text + ("_{1:}" if not self.is_plain else "[1:]"), ATOM
        raise TypeError(node)

    @staticmethod
    def _starts_negative(node: Node) -> bool:
        while isinstance(node, Add):
            node = node.left
        return isinstance(node, Neg)

    def raised(self, power: str) -> str:
        """A superscript."""
        if self.is_plain:
            return {"2": "²", "ᵀ": "ᵀ", "^T": "^T"}[power]
        return f"^{power}" if len(power) == 1 else f"^{{{power}}}"

    def _power(self, body: Node, power: str) -> tuple[str, int]:
        text = self.write(body, ATOM)
        if "^" in text and isinstance(body, Var | T):
            text = self.parentheses(text)
        return text + self.raised(power), ATOM

    def _transposed(self, body: Node) -> str:
        text = self.write(body, ATOM)
        if not isinstance(body, Var | Grad) or "^" in text or r"\frac" in text:
            text = (
                text
                if text.endswith((")", r"\right)")) and text.startswith(("(", r"\left(")) and _is_one_group(text)
                else self.parentheses(text)
            )
        elif isinstance(body, Grad):
            text = self.parentheses(text)
        return text + self.raised(self.marks["transpose"])

    def _matmul(self, left: Node, right: Node) -> tuple[str, int]:
        if self.is_plain and isinstance(right, Ones):
            return f"sum({self.write(left)}, axis=1, keepdims=True)", ATOM
        if self.is_plain and isinstance(left, Ones):
            return f"sum({self.write(right)}, axis=0, keepdims=True)", ATOM
        a = self.write(left, PRODUCT)
        b = self.write(right, ATOM if isinstance(right, Mat | Scale) else PRODUCT)
        return f"{a}{self.marks['matmul']}{b}", PRODUCT

    def _hadamard(self, left: Node, right: Node) -> tuple[str, int]:
        if self._is_scalar(Had(left, right)):
            a, b = self.write(left, PRODUCT), self.write(right, ATOM if isinstance(right, Scale) else PRODUCT)
            return f"{a}{self.marks['matmul'] if not self.is_plain else ' '}{b}", PRODUCT
        a, b = self.write(left, ENTRYWISE), self.write(right, ENTRYWISE)
        if isinstance(left, Mat):
            a = self.parentheses(a)
        if isinstance(right, Mat | Scale):
            b = self.parentheses(b)
        return f"{a}{self.marks['hadamard']}{b}", ENTRYWISE

    def _is_scalar(self, node: Node) -> bool:
        try:
            return shape_of(node, self.model.shapes) == SCALAR
        except Nonconforming:  # a mutant
            return False

    def _quotient(self, top: Node, bottom: Node) -> tuple[str, int]:
        if not self.is_plain:
            return rf"\frac{{{self.write(top)}}}{{{self.write(bottom)}}}", ATOM
        return f"({self.write(top, ATOM)}/{self.write(bottom, ATOM)})", ATOM

    def _scaled(self, by: Node, body: Node) -> tuple[str, int]:
        a, b = self.write(by, PRODUCT), self.write(body, ATOM if isinstance(body, Had | Scale) else PRODUCT)
        glue = r" \cdot " if isinstance(body, Num) or b[:1].isdigit() else " "
        if self.is_plain:
            glue = " · " if b[:1].isdigit() or isinstance(by, Num) else " "
        return f"{a}{glue}{b}", PRODUCT

    def _applied(self, name: str, body: Node, power: str) -> tuple[str, int]:
        if name == "exp" and self.marks["exp"] == "e":
            inner = self.write(body)
            return (f"e^({inner})" if self.is_plain else f"e^{{{inner}}}"), ATOM
        head = PLAIN.get(name, name) if self.is_plain else FUNCTIONS[name]
        return head + (self.raised(power) if power else "") + self.parentheses(self.write(body)), ATOM

    def _total(self, body: Node) -> tuple[str, int]:
        if self.is_plain:
            return f"sum({self.write(body)})", ATOM
        return rf"\sum_{{i,j}} \left[{self.write(body)}\right]_{{ij}}", ENTRYWISE

    def _augmented(self, body: Node) -> str:
        if self.is_plain:
            return f"[1; {self.write(body)}]"
        return rf"\begin{{bmatrix}} 1 \\ {self.write(body)} \end{{bmatrix}}"

    # --- index form ---
    def entry(self, node: Node, row: str, column: str, fresh: list[str]) -> tuple[str, int]:
        """One entry of a tree; '' is the index of an axis of length 1."""

        def of(part: Node, i: str = row, j: str = column, least: int = SUM) -> str:
            text, binds = self.entry(part, i, j, fresh)
            return text if binds >= least else self.parentheses(text)

        match node:
            case Var(name):
                letters = [x for x in (row, column) if x]
                return self.name(name, "".join(letters)), ATOM
            case Ones():
                return "1", ATOM
            case T(body):
                return self.entry(body, column, row, fresh)
            case Mat(left, right):
                return self._summed(left, right, row, column, fresh)
            case Had(left, right):
                return f"{of(left, least=PRODUCT)} {of(right, least=PRODUCT)}", PRODUCT
            case Scale(by, body):
                a = self.write(by, PRODUCT) if shape_of(by, self.model.shapes) is None else of(by, "", "", PRODUCT)
                return f"{a} {of(body, least=PRODUCT)}", PRODUCT
            case Div(top, bottom):
                return rf"\frac{{{of(top)}}}{{{of(bottom)}}}", ATOM
            case Add(left, Neg(body)):
                return f"{of(left)} - {of(body, least=PRODUCT)}", SUM
            case Add(left, right):
                return f"{of(left)} + {of(right, least=ATOM if self._starts_negative(right) else SUM)}", SUM
            case Neg(body):
                return f"-{of(body, least=PRODUCT)}", SUM
            case Pow(body, power):
                text = of(body, least=ATOM)
                return (text if text.endswith(")") and _is_one_group(text) else f"({text})") + f"^{power}", ATOM
            case Fn("exp", body) if self.marks["exp"] == "e":
                return f"e^{{{of(body)}}}", ATOM
            case Fn(name, body):
                return FUNCTIONS[name] + self.parentheses(of(body)), ATOM
        return self.write(node), ATOM

    def _summed(self, left: Node, right: Node, row: str, column: str, fresh: list[str]) -> tuple[str, int]:
        shape = shape_of(left, self.model.shapes)
        assert shape is not None
        inner = "" if shape[1] == "1" else fresh.pop(0)
        a, b = self.entry(left, row, inner, fresh), self.entry(right, inner, column, fresh)
        texts = [text if binds >= PRODUCT else self.parentheses(text) for text, binds in (a, b)]
        texts = [text for text in texts if text != "1"] or ["1"]
        if any(r"\sum" in text for text in texts[:-1]):
            texts = [self.parentheses(text) if r"\sum" in text else text for text in texts[:-1]] + texts[-1:]
        body = " ".join(texts)
        if not inner:
            return body, PRODUCT
        limits = rf"\sum_{{{inner}=1}}^{{{shape[1]}}}" if self.marks["fit"] else rf"\sum_{{{inner}}}"
        return f"{limits} {body}", ENTRYWISE


def _is_one_group(text: str) -> bool:
    """Whether the first parenthesis closes at the end."""
    depth = 0
    for at, sign in enumerate(text):
        depth += (sign == "(") - (sign == ")")
        if depth == 0 and sign == ")":
            return at == len(text) - 1
    return False


def _split(name: str) -> tuple[str, str]:
    match = re.fullmatch(r"([A-Za-z_]+?)(\d*)", name)
    assert match
    return match[1], match[2]


# --- documents ---


def document(model: Textbook, wrt: str, tree: Node, form: str, rng: random.Random, stated: bool | None = None) -> str:
    """The model's equations and one claim, the last line. form: bracket, subscript, plain, or index; stated: with shapes."""
    writer = Writer(model, "bracket" if form == "index" else form, rng)
    lines = [f"{writer.name(name)} = {_definition(writer, body)}" for name, body in model.equations]
    if form == "index":
        letters = [x if size != "1" else "" for x, size in zip("ij", model.shapes[wrt], strict=True)]
        right = writer.entry(tree, *letters, list("klqrstuvwabc"))[0]
        lines.append(f"{writer.derivative(wrt, ''.join(letters))} = {right}")
    else:
        lines.append(f"{writer.derivative(wrt)} = {writer.write(tree)}")
    notes = _notes(model, writer) if (rng.random() < 0.5 if stated is None else stated) else []
    if not writer.is_plain:
        lines = [f"$${line}$$" for line in lines]
    if any(isinstance(body, Fn) and body.name == "softmax" for _, body in model.equations):
        lines.insert(
            0, "The columns of Y are one-hot, so each of them adds up to 1; the softmax is taken over each column."
        )
    return "\n\n".join([*notes, *lines]) + "\n"


def has_index_form(tree: Node) -> bool:
    """Whether it can be written by entries."""
    return not any(
        isinstance(n, Augment | Drop | Total | Grad) or (isinstance(n, Fn) and n.name == "softmax") for n in _all(tree)
    )


def has_plain_form(node: Node) -> bool:
    """Whether it can be written as plain text: ones stand only where a sum or a repeated bias is meant."""
    match node:
        case Ones():
            return False
        case Mat(body, Ones(_, False)) | Mat(Ones(_, True), body):
            return has_plain_form(body)
        case Add(left, Mat(Var(), Ones(_, True))):
            return has_plain_form(left)
    return all(has_plain_form(part) for part in parts(node).values())


def _all(node: Node) -> list[Node]:
    return [n for _, n in places(node)]


def _definition(writer: Writer, body: Node) -> str:
    """The right side of a definition; a bias is added to each column without saying so."""
    match body:
        case Add(left, Mat(Var(), Ones()) as bias):
            return f"{writer.write(left)} + {writer.write(bias.left)}"
    return writer.write(body)


def _notes(model: Textbook, writer: Writer) -> list[str]:
    """The shapes of what is given."""
    given = [k for k, s in model.shapes.items() if k not in model.defined]
    if writer.is_plain:
        return []
    return [", ".join(rf"${writer.name(k)} \in {_space(model.shapes[k])}$" for k in given) + "."]


def _space(shape: Shape) -> str:
    if shape == SCALAR:
        return r"\mathbb{R}"
    sizes = r" \times ".join(f"({d})" if "+" in d else d for d in shape)
    return rf"\mathbb{{R}}^{{{sizes}}}"
