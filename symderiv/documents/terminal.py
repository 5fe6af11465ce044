"""Documents as plain text for a terminal: the formulas of the other formats, laid out in Unicode, no LaTeX left.

A formula is read from the LaTeX that the printer wrote (nobody else's ever comes here) and becomes a box: lines of equal
width with one of them the base line. Names are those of the model file, so that `W2[1]` is what `--weight` takes.
"""

from __future__ import annotations

import re
import textwrap
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from symderiv.calculus.expressions import Symbol
from symderiv.documents.content import (
    Block,
    Bullets,
    Document,
    Formula,
    Paragraph,
    Picture,
    Section,
    Table,
    WeightPath,
    pieces,
)
from symderiv.documents.notation import Notation

WIDTH = 96


@dataclass(frozen=True)
class PlainNotation(Notation):
    """Names as they stand in the model file: `W1`, `y_hat`, `W2[1,2]`, `dl/dW1`."""

    @property
    def times(self) -> str:
        """A dot: `a (b)` would read as a call."""
        return r" \cdot "

    @property
    def matrix_times(self) -> str:
        """As in the model file."""
        return r"\mathrm{ @ }"

    def name(self, name: str, index: str = "", accent: str = "") -> str:
        """A name, the indices of an entry in square brackets; ones put first as the model file says it."""
        base = rf"\mathrm{{augment({name})}}" if accent else rf"\mathrm{{{name}}}"
        if not index:
            return base
        places = index.split(",") if "," in index else re.findall(r"\w'*", index)
        return rf"{base}\mathrm{{[{','.join(places)}]}}"

    def is_scripted(self, name: str) -> bool:
        """No name has a superscript here."""
        return False

    def term(self, term: str) -> str:
        """One term of the loss; the loss itself for ''."""
        return rf"\mathrm{{{self.model.loss.name}}}" + (rf"\mathrm{{_{term}}}" if term else "")

    def derivative_of(self, top: str, bottom: str) -> str:
        """d top / d bottom, on one line."""
        return rf"\mathrm{{d}}{top}\mathrm{{/d}}{bottom}"

    def adjoint(self, symbol: Symbol, index: str = "") -> str:
        """The derivative that an adjoint symbol stands for, or one entry of it."""
        quantity, _, term = symbol.name.partition("_bar")
        return self.derivative_of(self.term(term.removeprefix("_")), self.name(quantity, index))


@dataclass(frozen=True)
class Box:
    """Lines of equal width; `base` is the number of the line on which its neighbours stand."""

    lines: tuple[str, ...]
    base: int = 0

    @property
    def width(self) -> int:
        """How many columns it takes."""
        return _width(self.lines[0])

    def beside(self, other: Box) -> Box:
        """Both on one base line."""
        above, below = max(self.base, other.base), max(len(b.lines) - b.base for b in (self, other))
        padded = []
        for box in (self, other):
            blank = " " * box.width
            top = [blank] * (above - box.base)
            padded.append([*top, *box.lines, *[blank] * (below - (len(box.lines) - box.base))])
        return Box(tuple(a + b for a, b in zip(*padded, strict=True)), above)

    def over(self, other: Box, between: str = "", base: int | None = None) -> Box:
        """This above the other, both centred, with a line of `between` if given; the base is this one's unless said."""
        width = max(self.width, other.width)
        lines = [_centred(line, width) for line in self.lines]
        lines += [between * width] if between else []
        lines += [_centred(line, width) for line in other.lines]
        return Box(tuple(lines), self.base if base is None else base)

    @property
    def text(self) -> str:
        return "\n".join(line.rstrip() for line in self.lines)


def _width(text: str) -> int:
    return sum(not unicodedata.combining(c) for c in text)


def _centred(text: str, width: int) -> str:
    left = (width - _width(text)) // 2
    return " " * left + text + " " * (width - _width(text) - left)


def _line(text: str) -> Box:
    return Box((text,))


COMMANDS = {
    r"\cdot": " · ", r"\odot": " ⊙ ", r"\top": "ᵀ", r"\,": " ", r"\;": " · ", r"\partial": "∂", r"\ell": "ℓ", r"\vdots": "⋮",
    r"\cdots": "⋯", r"\ddots": "⋱", r"\tanh": "tanh", r"\log": "log", r"\leftarrow": " ← ", r"\rightarrow": " → ", r"\times": " × ",
    r"\eta": "rate", r"\alpha": "rate", r"\epsilon": "rate", r"\text": "", r"\sigma": "sigmoid",
    r"\left|": "|", r"\right|": "|", r"\ldots": "…", "&": " ",
    r"\sum": "Σ", r"\delta": "δ", r"\pi": "π",
}  # fmt: skip
SUPERSCRIPTS = dict(zip("0123456789-+n", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺ⁿ", strict=True))
TOKEN = re.compile(
    r"\\(?:left|right)[(\[\]).|]|\\begin\{bmatrix\}|\\end\{bmatrix\}|\\\\|\\[A-Za-z]+|\\[,;]|[{}^_&]|\s+|[^\\{}^_&\s]+"
)
WORDS = (r"\mathrm", r"\text", r"\mathbf", r"\boldsymbol")


class _Reader:
    """Reads LaTeX of ours. `flat`: on one line, fractions with a stroke and matrices as `[1 2; 3 4]`."""

    def __init__(self, latex: str, flat: bool) -> None:
        self.tokens = TOKEN.findall(latex)
        self.flat = flat
        self.at = 0

    def box(self, *ends: str) -> Box:
        """Everything up to one of the ends, which is passed."""
        found = _line("")
        while self.at < len(self.tokens):
            token = self.tokens[self.at]
            if token in ends:
                self.at += 1
                break
            found = self._next(found)
        return found

    def _group(self) -> Box:
        """An argument: what stands in braces, or one token."""
        while self.tokens[self.at].isspace():
            self.at += 1
        if self.tokens[self.at] == "{":
            self.at += 1
            return self.box("}")
        return self._next(_line(""))

    def _words(self) -> Box:
        """An argument that is text, spaces and underscores included."""
        self.at += 1
        start, depth = self.at, 1
        while depth:
            depth += {"{": 1, "}": -1}.get(self.tokens[self.at], 0)
            self.at += 1
        return _line("".join(self.tokens[start : self.at - 1]))

    def _next(self, before: Box) -> Box:
        token = self.tokens[self.at]
        self.at += 1
        if token.isspace():
            after = self.tokens[self.at] if self.at < len(self.tokens) else ""
            return (
                before.beside(_line(" "))
                if before.lines[before.base][-1:].isalnum() and after[:1].isalnum()
                else before
            )
        if token == "{":
            return before.beside(self.box("}"))
        if token == r"\mathbf":
            word = self._group().text
            return before.beside(_line("ones" if word == "1" else word))
        if token in WORDS:
            return before.beside(self._words() if self.tokens[self.at] == "{" else self._group())
        if token == "^":
            return before.beside(self._raised(self._group()))
        if token == "_":
            return before.beside(_line(f"[{self._group().text}]"))
        if token == r"\sum":
            return before.beside(self._sum())
        if token == r"\frac":
            return before.beside(self._fraction(self._group(), self._group()))
        if token == r"\sqrt":
            inner = self._group()
            return before.beside(_line("√")).beside(_bracketed(inner, "()"))
        if token == r"\underbrace":
            above = self._group()
            self.at += 1  # the underscore
            brace = "╰" + "─" * (above.width - 2) + "╯" if above.width > 1 else "│"
            return before.beside(above.over(_line(brace)).over(self._group()))
        if token == r"\begin{bmatrix}":
            return before.beside(self._matrix())
        if token.startswith(r"\left") and len(token) == 6 and token[-1] in "([":
            inner = self.box(r"\right)", r"\right]")
            return before.beside(_bracketed(inner, "()" if token[-1] == "(" else "[]"))
        text = COMMANDS.get(token, token)
        # The printer leaves a space around + and - and its product signs bring their own.
        return before.beside(_line(f" {text} " if text in ("+", "-") and before.width else text))

    def _sum(self) -> Box:
        bounds = {"_": "", "^": ""}
        while self.at < len(self.tokens) and self.tokens[self.at] in bounds:
            sign = self.tokens[self.at]
            self.at += 1
            bounds[sign] = self._group().text
        lower, upper = bounds["_"], bounds["^"]
        return _line(f"Σ[{lower}..{upper}] " if upper else f"Σ[{lower}] ")

    def _raised(self, exponent: Box) -> Box:
        text = exponent.text.replace("⊙", "").strip()
        if text == "ᵀ":
            return _line(text)
        if len(exponent.lines) == 1 and all(c in SUPERSCRIPTS for c in text):
            return _line("".join(SUPERSCRIPTS[c] for c in text))
        return _line("^").beside(_bracketed(exponent, "()"))

    def _fraction(self, top: Box, bottom: Box) -> Box:
        if self.flat or (len(top.lines) == len(bottom.lines) == 1 and top.width + bottom.width < 6):
            parts = [f"({b.text})" if re.search(r"[ +·-]", b.text) else b.text for b in (top, bottom)]
            return _line("/".join(parts))
        return top.over(bottom, "─", len(top.lines))

    def _matrix(self) -> Box:
        rows: list[list[Box]] = [[]]
        while True:
            rows[-1].append(self.box("&", r"\\", r"\end{bmatrix}"))
            end = self.tokens[self.at - 1]
            if end == r"\end{bmatrix}":
                break
            if end == r"\\":
                rows.append([])
        texts = [[cell.text for cell in row] for row in rows]
        if self.flat:
            return _line(f"[{'; '.join(' '.join(row) for row in texts)}]")
        widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
        lines = ["  ".join(cell.rjust(w) for cell, w in zip(row, widths, strict=True)) for row in texts]
        return _bracketed(Box(tuple(lines), (len(lines) - 1) // 2), "[]")


BRACKETS = {"[": "⎡⎢⎣", "]": "⎤⎥⎦", "(": "⎛⎜⎝", ")": "⎞⎟⎠"}


def _bracketed(box: Box, pair: str) -> Box:
    count = len(box.lines)
    sides = []
    for mark in pair:
        top, middle, bottom = tuple(BRACKETS[mark])
        sides.append(Box((mark,) if count == 1 else (top, *[middle] * (count - 2), bottom), box.base))
    return sides[0].beside(box).beside(sides[1])


def formula_box(latex: str, flat: bool = False) -> Box:
    """A formula of ours laid out in plain text; `flat` on one line."""
    return _Reader(latex, flat).box()


def to_text(document: Document) -> str:
    """The whole document as plain text."""
    lines = [_inline(document.title, plain=True), "=" * min(_width(document.title), WIDTH)]
    for section in document.sections:
        lines += _section(section, "-")
    return "\n".join(line.rstrip() for line in lines).rstrip() + "\n"


def _section(section: Section, rule: str) -> Iterator[str]:
    blocks = [block for block in section.blocks if not isinstance(block, Picture)]
    if not blocks and not section.sections:
        return
    title = _inline(section.title)
    yield from ("", title, rule * _width(title), "")
    for block in blocks:
        yield from _block(block)
    for inner in section.sections:
        yield from _section(inner, ".")


def _block(block: Block) -> Iterator[str]:
    match block:
        case Paragraph(text):
            yield from (*textwrap.wrap(_inline(text), WIDTH), "")
        case Bullets(items):
            for item in items:
                yield from textwrap.wrap(_inline(item), WIDTH, initial_indent="- ", subsequent_indent="  ")
            yield ""
        case Formula():
            yield from _formula(block)
            yield ""
        case Table(header, rows):
            yield from _table([header, *rows])
            yield ""
        case WeightPath():
            yield from (f"The weight {formula_box(block.name, True).text}:", "")
            for part in block.blocks:
                yield from _block(part)
        case Picture():
            return


def _formula(formula: Formula) -> Iterator[str]:
    """The lines of a formula, relation signs and reasons under each other."""
    sign = COMMANDS.get(formula.relation, f" {formula.relation} ")
    boxes = [(formula_box(left), formula_box(right), reason) for left, right, reason in formula.lines]
    left_width = max(left.width for left, _, _ in boxes)
    right_width = max((right.width for _, right, _ in boxes if right.width < WIDTH // 2), default=0)
    for left, right, reason in boxes:
        padded = _line(" " * (left_width - left.width)).beside(left)
        box = _line("  ").beside(padded).beside(_line(sign)).beside(right)
        if reason:
            box = box.beside(_line(" " * max(right_width - right.width, 0) + f"   ({_inline(reason)})"))
        yield from box.text.split("\n")


def _table(rows: list[tuple[str, ...]]) -> Iterator[str]:
    texts = [[_inline(cell) for cell in row] for row in rows]
    widths = [max(map(_width, column)) for column in zip(*texts, strict=True)]
    for row in texts:
        yield "  " + "  ".join(cell + " " * (w - _width(cell)) for cell, w in zip(row, widths, strict=True)).rstrip()


def _inline(text: str, plain: bool = False) -> str:
    """Running text on one line; control characters of a title from a stranger are left out."""
    if plain:
        return "".join(c for c in " ".join(text.split()) if c.isprintable())
    return "".join(formula_box(content, True).text if kind == "math" else content for kind, content in pieces(text))
