r"""How long a formula is in force that comes with a condition: `If all $z_j > 0$, then h = z` says nothing of the lines that follow.

What is said of a case holds in its paragraph, or in the formulas right below where it stands displayed; what is supposed holds
until the text comes back: under the next heading, "in general", or "for the tanh" where the network has one.
"""

from __future__ import annotations

import re

from symderiv.homework.reading.statements import Document

_WORD = r"(?:if|when|whenever|for|where|as long as|wenn|falls|für|si|cuando|para|se|quando|per|quand|lorsque|pour|als|voor|gdy|dla)"
_SIGN = r"(?:=|[<>≤≥≠]|\\(?:leq?|geq?|neq?|ll|gg|lt|gt)(?![a-z]))"
_VALUE = rf"\b{_WORD}\b[^.=<>\n]{{0,40}}{_SIGN}=?\s*[-+]?\d"
_CASE = re.compile(_VALUE, re.IGNORECASE)
_CASE_BEHIND = re.compile(
    rf"[\s$,;)\]\\(]*(?:{_VALUE}|(?:otherwise|else|sonst|andernfalls|sinon|altrimenti|en otro caso|caso contrário)\b)",
    re.IGNORECASE,
)
_SUPPOSED = re.compile(
    r"\b(?:suppos\w*|assum\w*|imagin\w*|pretend|angenommen|annehmen|nehmen wir|supong\w*|suponh\w*|admett\w*|"
    r"without|with no|ohne|sans|sin|senza|sem|zonder|bez)\b",
    re.IGNORECASE,
)
_BACK = re.compile(
    r"\b(?:in general|generally|in any case|in all cases|again|back to|original\w*|as before|im Allgemeinen|allgemein|wieder|"
    r"en général|de nouveau|en general|de nuevo|in generale|di nuovo|em geral|de novo)\b",
    re.IGNORECASE,
)
_SENTENCE_ENDS = re.compile(r"(?<=[.!?;])(?<!\b\w\.\w\.)\s+")  # not behind `i.e.`
_FORMULA = re.compile(r"\$\$.*?\$\$|\$[^$\n]*\$|\\\[.*?\\\]|\\\(.*?\\\)|\\begin\{(\w+\*?)\}.*?\\end\{\1\}", re.DOTALL)
_PROSE = re.compile(r"[^\W\d_]{2,}\W+(?:[^\W\d_]+\W+)*?[^\W\d_]{2,}")  # two words
MOST_CHARACTERS = 2_000  # of a paragraph, before and behind
_BLANK = re.compile(r"\n[ \t]*\n")


def end_of_supposition(document: Document, at: int, back: str | None) -> int | None:
    """The place in the text where what a statement says is no longer in force; None if it comes without a condition.

    back: a pattern of words that also say that the text has come back to what stood before.
    """
    text, (start, stop) = document.text, document.statements[at].span
    low, high = _paragraph(text, start)
    before = text[low:start]
    is_displayed = not before.strip().strip("$\\[]")
    if is_displayed:
        before = text[_paragraph(text, max(low - 2, 0))[0] : low] if low else ""
        before = before if before.rstrip()[-1:] in (":", ",") else ""
    sentence = _SENTENCE_ENDS.split(before)[-1]
    if _CASE.search(sentence) or _CASE_BEHIND.match(text, stop):
        return _end_of_formulas(text, high) if is_displayed else high
    if _SUPPOSED.search(sentence):
        return _return(document, stop, back)
    return None


def _paragraph(text: str, place: int) -> tuple[int, int]:
    """Where the paragraph around a place begins and ends, as far as it is looked for."""
    low, high = max(place - MOST_CHARACTERS, 0), min(place + MOST_CHARACTERS, len(text))
    before = [m.end() for m in _BLANK.finditer(text, low, place)]
    after = _BLANK.search(text, place, high)
    return before[-1] if before else low, after.start() if after else high


def _end_of_formulas(text: str, place: int) -> int:
    """The end of the formulas below, as long as no words stand between them."""
    while place < len(text):
        _, end = _paragraph(text, min(place + 2, len(text)))
        if end <= place or _PROSE.search(_FORMULA.sub(" ", text[place:end])):
            break
        place = end
    return place


def _return(document: Document, place: int, back: str | None) -> int:
    """Where the words say that what was supposed is over."""
    for sentence in document.sentences:
        if sentence.span[0] < place:
            continue
        found = _BACK.search(sentence.text) or (back is not None and re.search(back, sentence.text, re.IGNORECASE))
        if sentence.is_heading or found:
            return sentence.span[0]
    return len(document.text)
