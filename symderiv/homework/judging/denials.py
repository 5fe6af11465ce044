r"""What the text itself takes back: `Can we write dL/dh = W (a - y)? No`, `it is not true that ..`, `~~..~~`, `.. which is wrong`."""

from __future__ import annotations

import re

_FALSE = (
    r"(?:wrong(?:ly)?|incorrect(?:ly)?|false|untrue|mistaken(?:ly)?|not (?:true|right|correct|equal|the same)|falsch|nicht richtig|"
    r"faux|fausse|incorrecte?s?|incorrect[oa]s?|fals[oa]s?|errad[oa]s?|equivocad[oa]s?|sbagliat[oa])"
)
_BEFORE = re.compile(
    rf"\b(?:{_FALSE}\b[^.!?;:]{{0,30}}|"
    r"(?:common|typical|usual|frequent|classic|tempting) (?:mistake|error|slip)\b[^.!?;]{0,40})[\s:,$]*$",
    re.IGNORECASE,
)
_BEHIND = re.compile(
    rf"[\s$,)\]\\]*(?:(?:which|that|this|it|but (?:this|that|it)|das|ce qui|lo que|o que|il che)\s+)?"
    rf"(?:is|was|has|would be|ist|est|es|é|è)\s+(?:(?:of course|clearly|not quite|just|the)\s+)?{_FALSE}\b",
    re.IGNORECASE,
)
_ASKED = re.compile(r"[\s$)\]\\]*\?(?!\W*(?:yes|ja|oui|s[íì]|sim|right|correct|true|tak)\b)", re.IGNORECASE)
_MENDED = re.compile(r"\b(?:not|no longer|nothing|isn't|without) *$", re.IGNORECASE)  # "nothing is wrong"
_STRUCK = (("~~", "~~"), ("<del>", "</del>"), ("<s>", "</s>"), (r"\sout{", "}"), (r"\st{", "}"), (r"\cancel{", "}"))

MOST_CHARACTERS = 500  # of a line, before and behind


def is_taken_back(text: str, span: tuple[int, int]) -> bool:
    """Whether the words around a formula say that it is false, only ask for it, or strike it out."""
    start, stop = span
    line = text[max(start - MOST_CHARACTERS, 0) : start].rpartition("\n")[2]
    before = re.split(r"[.!?;]\s", line[-160:])[-1]
    said = _BEFORE.search(before)
    if said is not None and not _MENDED.search(before[: said.start()]):
        return True
    return bool(_BEHIND.match(text, stop) or _ASKED.match(text, stop)) or _is_struck(
        line, text[stop : stop + MOST_CHARACTERS]
    )


def _is_struck(before: str, after: str) -> bool:
    end = after.find("\n")
    after = after if end < 0 else after[:end]
    for opening, closing in _STRUCK:
        if opening == closing:
            if before.count(opening) % 2 and closing in after:
                return True
        elif before.rfind(opening) > before.rfind(closing) and closing in after:
            return True
    return False
