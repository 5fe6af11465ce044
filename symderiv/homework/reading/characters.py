r"""Unicode mathematics and macros rewritten as plain TeX, each new character with the place it came from.

It decides only spelling: `ŷ₁ᵀ` is `\hat{y}_{1}^{T}`. What is a name or a product is left to the parser.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from symderiv.homework.reading.macros import Macros, expand_call

MAX_EXPANDED = 16_384

_GREEK = {
    "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ε": "epsilon", "ϵ": "epsilon", "ζ": "zeta", "η": "eta",
    "θ": "theta", "ϑ": "theta", "ι": "iota", "κ": "kappa", "λ": "lambda", "μ": "mu", "µ": "mu", "ν": "nu", "ξ": "xi",
    "π": "pi", "ρ": "rho", "σ": "sigma", "ς": "sigma", "τ": "tau", "υ": "upsilon", "φ": "phi", "ϕ": "phi", "χ": "chi",
    "ψ": "psi", "ω": "omega", "Γ": "Gamma", "Δ": "Delta", "∆": "Delta", "Θ": "Theta", "Λ": "Lambda", "Ξ": "Xi", "Π": "Pi",
    "Φ": "Phi", "Ψ": "Psi", "Ω": "Omega", "ℓ": "ell",
}  # fmt: skip
_SIGNS = {
    "∂": r"\partial ", "∇": r"\nabla ", "∑": r"\sum ", "Σ": r"\sum ", "∏": r"\prod ", "√": r"\surd ",
    "·": r"\cdot ", "⋅": r"\cdot ", "∙": r"\cdot ", "×": r"\times ", "✕": r"\times ", "⊙": r"\odot ", "∘": r"\circ ", "⨀": r"\odot ",
    "•": r"\bullet ", "⊗": r"\otimes ", "∗": "*", "÷": "/", "∕": "/", "⁄": "/", "⊘": "/", "−": "-", "–": "-", "—": "-", "±": r"\pm ",
    "≈": r"\approx ", "≃": r"\approx ", "≅": r"\approx ", "≡": r"\equiv ", "≔": ":=", "≜": ":=", "←": r"\leftarrow ",
    "→": r"\to ", "⟶": r"\to ", "⟵": r"\leftarrow ", "↦": r"\to ", "⇒": r"\Rightarrow ", "⟹": r"\Rightarrow ",
    "⇔": r"\iff ", "∴": r"\therefore ", "∵": r"\because ", "∈": r"\in ", "∉": r"\notin ", "≤": r"\le ", "≥": r"\ge ", "⩽": r"\le ",
    "⩾": r"\ge ", "≠": r"\ne ", "∝": r"\propto ", "∼": r"\sim ", "ℝ": r"\mathbb{R}", "∞": r"\infty ",
    "‖": r"\|", "∥": r"\|", "…": r"\dots ", "⋯": r"\dots ", "⋮": r"\dots ",
    "⋱": r"\dots ", "½": r"\frac{1}{2}", "⅓": r"\frac{1}{3}", "¼": r"\frac{1}{4}", "⅔": r"\frac{2}{3}", "¾": r"\frac{3}{4}",
    "′": "'", "’": "'", "‘": "'", "″": "''", "⟨": r"\langle ", "⟩": r"\rangle ", "⊤": r"\top ", "𝟙": r"\mathbb{1}", "𝟏": r"\mathbf{1}",
    "⎡": "[", "⎢": "[", "⎣": "[", "⎤": "]", "⎥": "]", "⎦": "]", "∀": r"\forall ", "⌊": "(", "⌋": ")",
    "⬅": r"\leftarrow ", "\u00a0": " ", "\u2009": " ", "\u202f": " ", "\u2003": " ", "\u200b": " ", "\ufeff": " ", "“": '"', "”": '"',
}  # fmt: skip
_SUPERSCRIPTS = dict(
    zip(
        "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻᴬᴮᴰᴱᴳᴴᴵᴶᴷᴸᴹᴺᴼᴾᴿᵀᵁⱽᵂ",
        "0123456789+-=()abcdefghijklmnoprstuvwxyzABDEGHIJKLMNOPRTUVW",
        strict=True,
    )
)
_SUBSCRIPTS = dict(zip("₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ", "0123456789+-=()aehijklmnoprstuvx", strict=True))
_ACCENTS = {
    "\u0302": "hat", "\u0304": "bar", "\u0305": "bar", "\u0303": "tilde", "\u0307": "dot", "\u0308": "ddot", "\u20d7": "vec",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Characters:
    """A text to read and where each of its characters stands; `starts` None: each at `base` plus its index."""

    text: str
    base: int
    starts: list[int] | None = None
    ends: list[int] | None = None


class _Writer:
    def __init__(self) -> None:
        self.out: list[str] = []
        self.starts: list[int] = []
        self.ends: list[int] = []

    def write(self, text: str, start: int, end: int) -> None:
        self.out.append(text)
        self.starts.extend([start] * len(text))
        self.ends.extend([end] * len(text))


def characters(text: str, start: int, end: int, macros: Macros | None = None, shift: int = 0) -> Characters:
    """The characters of a part of a text as TeX; `shift` is added to every place."""
    part = text[start:end]
    start += shift
    if part.isascii() and not (macros and macros.known and "\\" in part):
        return Characters(part, start)
    writer = _Writer()
    at = 0
    while at < len(part) and len(writer.starts) <= MAX_EXPANDED:
        at = _write_one(part, at, start, macros, writer)
    return Characters("".join(writer.out), start, writer.starts, writer.ends)


def _write_one(part: str, at: int, base: int, macros: Macros | None, writer: _Writer) -> int:
    """Rewrite what stands at a place; returns the place after it."""
    char = part[at]
    if char == "\\" and macros and macros.known:
        call = expand_call(part, at, macros)
        if call is not None:
            body, after = call
            inner = characters(body, 0, len(body))
            writer.write(inner.text, base + at, base + after)
            return after
    if char < "\x80":
        accent = _ACCENTS.get(part[at + 1]) if at + 1 < len(part) and char.isalpha() else None
        if accent:
            writer.write(f"\\{accent}{{{char}}}", base + at, base + at + 2)
            return at + 2
        writer.write(char, base + at, base + at + 1)
        return at + 1
    return _write_unicode(part, at, base, writer)


def _write_unicode(part: str, at: int, base: int, writer: _Writer) -> int:
    char = part[at]
    for table, mark in ((_SUPERSCRIPTS, "^"), (_SUBSCRIPTS, "_")):
        if char in table:
            return _write_script(part, at, base, writer, table, mark)
    after = at + 1
    accent = _ACCENTS.get(part[after]) if after < len(part) else None
    if char in _GREEK:
        body = f"\\{_GREEK[char]} "
    elif char in _SIGNS:
        writer.write(_SIGNS[char], base + at, base + after)
        return after
    else:
        body, own = _letter(part, at)
        accent = accent or own
    if accent:
        after += part[after : after + 1] in _ACCENTS
        body = f"\\{accent}{{{body}}}"
    writer.write(body, base + at, base + after)
    return after


def _letter(part: str, at: int) -> tuple[str, str | None]:
    """A letter in another alphabet as an ordinary one, and its accent if it carries one and stands alone."""
    char = part[at]
    plain = unicodedata.normalize("NFKC", char)
    if plain in _GREEK:
        return f"\\{_GREEK[plain]} ", None
    if plain in _SIGNS:
        return _SIGNS[plain], None
    decomposed = unicodedata.normalize("NFD", plain)
    if len(decomposed) == 2 and decomposed[1] in _ACCENTS and decomposed[0].isascii():
        before, after = part[at - 1 : at], part[at + 1 : at + 2]
        in_word = (before.isalpha() and (before != "d" or part[at - 2 : at - 1].isalpha())) or after.isalpha()
        if not in_word or after in _SUPERSCRIPTS or after in _SUBSCRIPTS:
            return decomposed[0], _ACCENTS[decomposed[1]]
    if plain.isascii() and plain.isprintable() and "\\" not in plain:
        return plain, None
    return char, None


def _write_script(part: str, at: int, base: int, writer: _Writer, table: dict[str, str], mark: str) -> int:
    start = at
    is_shape = part[at - 1 : at] in ("ℝ", "R")  # the cross of ℝᵖˣⁿ is written as a small x
    writer.write(mark + "{", base + at, base + at)
    while at < len(part) and part[at] in table:
        is_cross = is_shape and part[at] == "ˣ" and start < at
        writer.write(r"\times " if is_cross else table[part[at]], base + at, base + at + 1)
        at += 1
    writer.write("}", base + at - 1, base + at)
    writer.ends[-1] = base + at
    writer.starts[-1] = base + max(at - 1, start)
    return at
