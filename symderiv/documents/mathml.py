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
    "math semantics mrow mi mn mo ms mtext mspace mfrac msqrt mroot mstyle mpadded mphantom mfenced msub msup msubsup "
    "munder mover munderover mtable mtr mtd".split()
)
ATTRIBUTES = frozenset(
    "display mathvariant stretchy fence form accent accentunder columnalign minsize maxsize largeop movablelimits "
    "lspace rspace width scriptlevel displaystyle separator linethickness symmetric".split()
)


@lru_cache(maxsize=8192)
def mathml(latex: str, display: bool = False) -> str:
    """The formula as a MathML element with its LaTeX as alttext; as `<code>` if it cannot be converted safely."""
    from latex2mathml.converter import convert

    try:
        tree = ElementTree.fromstring(convert(_prepared(latex), display="block" if display else "inline"))
        _check(tree)
    except Exception:  # latex2mathml raises many kinds; whatever it is, the reader still gets the formula's source
        return f"<code>{html.escape(latex)}</code>"
    tree.set("alttext", latex)
    ElementTree.register_namespace("", NAMESPACE)
    text = ElementTree.tostring(tree, encoding="unicode")
    return re.sub(r"\sxmlns(:\w+)?=\"[^\"]*\"", "", text).replace("<html:", "<").replace("</html:", "</")


def _prepared(latex: str) -> str:
    r"""What latex2mathml or browsers get wrong: \boldsymbol does not come out bold, \top as a prime needs a mark."""
    return latex.replace(r"\boldsymbol", r"\mathbf").replace(r"\;\odot\;", r"\odot")


def _check(tree: ElementTree.Element) -> None:
    for element in tree.iter():
        name = element.tag.removeprefix(f"{{{NAMESPACE}}}")
        if name not in ELEMENTS:
            raise ValueError(f"element {name} is not allowed")
        for attribute in list(element.attrib):
            if attribute not in ATTRIBUTES:
                del element.attrib[attribute]
