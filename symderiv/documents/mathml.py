"""LaTeX to MathML, through a gate: what comes out is parsed as XML and only known elements and attributes pass.

latex2mathml does not escape text commands, so its output is never trusted; a formula that fails shows as code.
"""

from __future__ import annotations

import html
import re
from functools import lru_cache
from xml.etree import ElementTree

NAMESPACE = "http://www.w3.org/1998/Math/MathML"
ELEMENTS = frozenset(
    "math semantics mrow mi mn mo ms mtext mspace mfrac msqrt mroot mstyle mpadded mphantom mfenced msub "
    "msup msubsup munder mover munderover mtable mtr mtd".split()
)
ATTRIBUTES = frozenset(
    "display mathvariant stretchy fence form accent accentunder columnalign minsize maxsize largeop "
    "movablelimits lspace rspace width scriptlevel displaystyle separator linethickness symmetric".split()
)
ARITY = {"mfrac": 2, "mroot": 2, "msub": 2, "msup": 2, "munder": 2, "mover": 2, "msubsup": 3, "munderover": 3}


@lru_cache(maxsize=8192)
def mathml(latex: str, display: bool = False) -> str:
    """The formula as a MathML element with its LaTeX as alttext; as `<code>` if it cannot be converted safely."""
    from latex2mathml.converter import convert

    try:
        tree = ElementTree.fromstring(convert(_prepared(latex), display="block" if display else "inline"))
        _check(tree)
        _write_variants_out(tree)
    except Exception:  # latex2mathml raises many kinds; whatever it is, the reader still gets the formula's source
        return f"<code>{html.escape(latex)}</code>"
    tree.set("alttext", latex)
    ElementTree.register_namespace("", NAMESPACE)
    text = ElementTree.tostring(tree, encoding="unicode")
    return re.sub(r"\sxmlns(:\w+)?=\"[^\"]*\"", "", text).replace("<html:", "<").replace("</html:", "</")


def _prepared(latex: str) -> str:
    r"""What latex2mathml or browsers get wrong: \boldsymbol does not come out bold, \top as a prime needs a mark."""
    return latex.replace(r"\boldsymbol", r"\mathbf").replace(r"\;\odot\;", r"\odot")


def _write_variants_out(tree: ElementTree.Element) -> None:
    """Bold and double-struck letters as characters of their own: browsers have dropped mathvariant."""
    for element in tree.iter():
        variant = element.get("mathvariant", "normal")
        if variant != "normal" and element.text:
            del element.attrib["mathvariant"]
            element.text = "".join(_variant(variant, character) for character in element.text)


def _variant(variant: str, character: str) -> str:
    starts = {"bold": (0x1D400, 0x1D41A, 0x1D7CE, 0x1D6C2), "double-struck": (0x1D538, 0x1D552, 0x1D7D8, 0)}.get(
        variant
    )
    for start, first in zip(starts or (), "Aa0α", strict=False):
        offset = ord(character) - ord(first)
        if start and 0 <= offset < (10 if first == "0" else 25 if first == "α" else 26):
            return chr(start + offset)
    return character


def _check(tree: ElementTree.Element) -> None:
    for element in tree.iter():
        name = element.tag.removeprefix(f"{{{NAMESPACE}}}")
        if name not in ELEMENTS:
            raise ValueError(f"element {name} is not allowed")
        if len(element) != ARITY.get(name, len(element)):
            raise ValueError(f"{name} lacks a part")
        for attribute in list(element.attrib):
            if attribute not in ATTRIBUTES:
                del element.attrib[attribute]
