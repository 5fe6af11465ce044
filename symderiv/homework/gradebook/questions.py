"""What a claim is about, under one name for a whole class: students write the same derivative in many ways."""

from __future__ import annotations

import re
import unicodedata

from symderiv.homework.marking import Claim

_RELATION = re.compile(r"\s(?:=|:=|←|∈|≈|~|<|>|≤|≥|→)(?=\s|$)")
_SPELLINGS = str.maketrans(
    {"∂": "d", "𝜕": "d", "∇": "grad ", "ℓ": "L", "ℒ": "L", "^": "", "_": "", " ": ""} | dict.fromkeys("()[]{}")
)
_LOSS = re.compile(r"^d(?:[LJECl]|loss|cost)(?=/d)", re.IGNORECASE)
_SHORT = re.compile(r"^d(?=[A-Za-z]\w*$)")
_ABOUT = {"definition": "definition of ", "update": "update of ", "shape": "shape of "}
LONGEST = 80


def left_side(claim: Claim) -> str:
    """The left side of a claim as it was read."""
    return _RELATION.split(claim.reading, maxsplit=1)[0].strip()


def question_of(claim: Claim) -> str:
    """`dL/dW1` for `∂J/∂W^[1]`, `dL/dW_1` and `dW1`; with what is said of it where that is no equation: `update of W1`.

    An index in brackets, above or below is the same index, and the loss has one letter: that is how classes differ where
    they mean the same. An empty text if there is no left side.
    """
    left = unicodedata.normalize("NFKC", left_side(claim).translate(_SPELLINGS)).translate(_SPELLINGS)
    if not left or len(left) > LONGEST:
        return ""
    if claim.kind in ("derivative", "chain", "number"):
        left = _SHORT.sub("dL/d", _LOSS.sub("dL", left))
    return _ABOUT.get(claim.kind, "") + left
