r"""A tree written as one line of Unicode for people, about as one would write it by hand: `dL/db2 = 2 (A2 - Y)`.

It is the near inverse of reading; nothing is simplified.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from symderiv.homework.reading.formulas import (
    BigSum,
    Call,
    Cases,
    Comparison,
    Derivative,
    Ellipsis,
    Fraction,
    Group,
    Matrix,
    Name,
    Node,
    Number,
    Power,
    Product,
    Root,
    Scripted,
    Sum,
    Text,
    Transposed,
    Unread,
)

GREEK_SIGNS = dict(
    zip(
        "alpha beta gamma delta epsilon zeta eta theta kappa lambda mu nu xi pi rho sigma tau phi chi psi omega ell "
        "Gamma Delta Theta Lambda Xi Pi Sigma Phi Psi Omega infinity nabla partial".split(),
        "αβγδεζηθκλμνξπρστφχψωℓΓΔΘΛΞΠΣΦΨΩ∞∇∂",
        strict=True,
    )
)
_MARKS = {
    "": " ",
    "*": " * ",
    "cdot": "·",
    "times": " × ",
    "odot": " ⊙ ",
    "circ": " ∘ ",
    "otimes": " ⊗ ",
    ".*": " .* ",
    "@": " @ ",
    "/": "/",
}
_ACCENTS = {"hat": "\u0302", "bar": "\u0304", "tilde": "\u0303", "dot": "\u0307", "ddot": "\u0308"}
_SIGNS = {"~": "≈", "<=": "≤", ">=": "≥", "!=": "≠", "in": "∈", "<-": "←", "->": "→", "=>": "⇒", "prop": "∝", "==": "≡"}
_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
_SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
MAX_DEPTH = 80


def sign_text(sign: str) -> str:
    """A relation as printed."""
    return _SIGNS.get(sign, sign)


def to_text(node: Node) -> str:
    """A node as one line."""
    return _write(node, 0)


def _write(node: Node, depth: int) -> str:
    if depth > MAX_DEPTH:
        return "…"
    return _WRITERS[type(node)](node, depth + 1)


def _tight(node: Node, depth: int) -> str:
    """A node as a factor: a sum in parentheses."""
    text = _write(node, depth)
    return f"({text})" if type(node) in (Sum, Comparison) else text


def _atom(node: Node, depth: int) -> str:
    """A node that something hangs on."""
    text = _write(node, depth)
    return (
        text
        if type(node) in (Name, Number, Group, Call, Scripted, Matrix, Text, Unread, Ellipsis, Transposed)
        else f"({text})"
    )


def _number(node: Number, depth: int) -> str:
    return node.text


def _name(node: Name, depth: int) -> str:
    base = GREEK_SIGNS.get(node.base, node.base)
    if base[0] == "d" and base[1:] in GREEK_SIGNS:
        base = "d" + GREEK_SIGNS[base[1:]]
    if len(base) == 1 or (len(base) == 2 and base[0] == "d" and base.isalpha()):
        return base + "".join(_ACCENTS.get(accent, f"_{accent}") for accent in node.accents)
    return base + "".join(f"_{accent}" for accent in node.accents)


def _scripted(node: Scripted, depth: int) -> str:
    base = _atom(node.base, depth)
    lower = [_script(script.body, script.bracket, depth) for script in node.lower]
    upper = [_script(script.body, script.bracket, depth) for script in node.upper]
    text = base + "'" * node.primes
    if upper and (len(upper) > 1 or node.upper[0].bracket or not upper[0].isdigit()):
        joined = ",".join(upper)
        text += f"^{joined}" if len(joined) == 1 or joined[:1] in ("[", "(") else f"^({joined})"
    elif upper:
        text += upper[0].translate(_SUPERSCRIPTS)
    if not lower:
        return text
    joined = "".join(lower) if all(len(item) == 1 for item in lower) else ",".join(lower)
    if joined.isdigit():
        return text + joined.translate(_SUBSCRIPTS)
    return f"{text}_{joined}" if joined.isalnum() else f"{text}_{{{joined}}}"


def _script(body: Node, bracket: str, depth: int) -> str:
    inner = _write(body, depth)
    if bracket not in ("", "[", "(", "."):
        return f"({_MARKS.get(bracket, bracket).strip()}{inner})"
    return f"[{inner}]" if bracket == "[" else f"({inner})" if bracket == "(" else inner


def _transposed(node: Transposed, depth: int) -> str:
    return _atom(node.body, depth) + "ᵀ"


def _group(node: Group, depth: int) -> str:
    inner = ", ".join(_write(item, depth) for item in node.items)
    opening, closing = {"(": "()", "[": "[]", "{": "{}", "|": "||", "": ("", "")}.get(node.bracket, ("‖", "‖"))
    return opening + inner + closing


def _sum(node: Sum, depth: int) -> str:
    out = ""
    for index, (sign, term) in enumerate(node.terms):
        mark = {1: "+", -1: "-", 0: "±"}[sign]
        text = _tight(term, depth)
        out += (f" {mark} " if index else mark * (sign != 1)) + text
    return out


def _product(node: Product, depth: int) -> str:
    out = _tight(node.factors[0], depth)
    before = node.factors[0]
    for mark, factor in zip(node.marks, node.factors[1:], strict=True):
        joiner = _MARKS.get(mark, f" {mark} ")
        if (
            mark == ""
            and type(factor) is Group
            and type(before) in (Name, Scripted)
            and before.span[1] == factor.span[0]
        ):
            joiner = ""  # as the writer set an argument list
        out += joiner + _tight(factor, depth)
        before = factor
    return out


def _fraction(node: Fraction, depth: int) -> str:
    below = _write(node.below, depth)
    if type(node.below) in (Product, Sum, Fraction, Comparison, Derivative, BigSum):
        below = f"({below})"
    above = _write(node.above, depth)
    if type(node.above) in (Sum, BigSum, Product, Fraction, Derivative, Comparison):
        above = f"({above})"
    return f"{above}/{below}"


def _power(node: Power, depth: int) -> str:
    return f"{_atom(node.base, depth)}**{_atom(node.exponent, depth)}"


def _root(node: Root, depth: int) -> str:
    return f"√({_write(node.body, depth)})"


def _derivative(node: Derivative, depth: int) -> str:
    bottom = _write(node.bottom, depth)
    simple = type(node.bottom) in (Name, Scripted)
    if node.style == "jacobian":
        return f"J_{_write(node.top, depth) if node.top else ''}({bottom})"
    if node.style in ("nabla", "D"):
        sign = "∇" if node.style == "nabla" else "D"
        return (
            f"{sign}_{bottom if simple else '{' + bottom + '}'} {_tight(node.top, depth) if node.top else ''}".rstrip()
        )
    d = "d" if node.style == "d" else "∂"
    below = d + (bottom if simple or type(node.bottom) is Group else f"({bottom})")
    if node.top is None:
        return f"{d}/{below}"
    top = _write(node.top, depth)
    return f"{d}{top if type(node.top) in (Name, Scripted, Group, Transposed) else f'({top})'}/{below}"


def _call(node: Call, depth: int) -> str:
    parts = [_write(argument, depth) for argument in node.arguments]
    parts += [f"{key}={_write(value, depth)}" for key, value in node.keywords]
    return f"{_write(node.function, depth)}({', '.join(parts)})"


def _big_sum(node: BigSum, depth: int) -> str:
    sign = {"sum": "Σ", "prod": "Π"}.get(node.kind, node.kind)
    below = ",".join(_write(index, depth) for index in node.indices)
    if node.start is not None:
        below = _write(node.start, depth) if type(node.start) is Comparison else f"{below}={_write(node.start, depth)}"
    end = f"^{_atom(node.end, depth)}" if node.end is not None else ""
    script = f"_{below}" if below.isalnum() else f"_{{{below}}}" if below else ""
    return f"{sign}{script}{end} {_tight(node.body, depth)}"


def _matrix(node: Matrix, depth: int) -> str:
    return "[" + "; ".join(", ".join(_write(cell, depth) for cell in row) for row in node.rows) + "]"


def _cases(node: Cases, depth: int) -> str:
    rows = [
        _write(value, depth) + (f" if {_write(condition, depth)}" if condition is not None else "")
        for value, condition in node.rows
    ]
    return "{" + "; ".join(rows) + "}"


def _comparison(node: Comparison, depth: int) -> str:
    return f"{_write(node.left, depth)} {sign_text(node.sign)} {_write(node.right, depth)}"


def _text(node: Text, depth: int) -> str:
    return node.text


def _ellipsis(node: Ellipsis, depth: int) -> str:
    return "…"


def _unread(node: Unread, depth: int) -> str:
    return f"⟨{node.source}⟩"


_WRITERS: dict[type[Node], Callable[[Any, int], str]] = {
    Number: _number,
    Name: _name,
    Scripted: _scripted,
    Transposed: _transposed,
    Group: _group,
    Sum: _sum,
    Product: _product,
    Fraction: _fraction,
    Power: _power,
    Root: _root,
    Derivative: _derivative,
    Call: _call,
    BigSum: _big_sum,
    Matrix: _matrix,
    Cases: _cases,
    Comparison: _comparison,
    Text: _text,
    Ellipsis: _ellipsis,
    Unread: _unread,
}
