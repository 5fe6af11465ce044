"""How the keys of quantities are written for people: `a[1]` as a₁."""

from __future__ import annotations

import re
from functools import lru_cache

from symderiv.homework.reading.plainly import GREEK_SIGNS
from symderiv.homework.understanding.symbols import INTERCEPT

LOWERED = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


@lru_cache(maxsize=4096)
def shown_name(key: str) -> str:
    """A key for people: `a[1]` is a₁, `y^hat` is ŷ, `lambda` is λ."""
    word = re.match(r"[A-Za-z]+", key)
    if word is not None and word.group() in GREEK_SIGNS:
        key = GREEK_SIGNS[word.group()] + key[word.end() :]
    name = re.sub(r"\[(\d+)\]", lambda m: m.group(1).translate(LOWERED), key)
    name = re.sub(r"\[([^\]]+)\]", r"_\1", name)
    name = re.sub(r"\{([^}]+)\}", r"_\1", name).replace("(each)", "_i")
    if f"^{INTERCEPT}" in name:
        name = name.replace(f"^{INTERCEPT}", "") + "₀"
    for accent, mark in (
        ("^hat", "\u0302"),
        ("^bar", "\u0304"),
        ("^tilde", "\u0303"),
        ("^dot", "\u0307"),
        ("^prime", "'"),
    ):
        if accent in name:
            base, rest = name.split(accent, 1)
            name = base[:1] + mark + base[1:] + rest
    return name
