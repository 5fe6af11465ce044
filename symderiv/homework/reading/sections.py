"""Where a document begins something new: its headings, or the questions that it answers, of one level."""

from __future__ import annotations

import re
from typing import NamedTuple

# What opens a section, the widest first; those of the first kind that is there at least twice divide the document.
_LEVELS = (
    r"#[ \t]+\S", r"##[ \t]+\S", r"\\section\*?\{", r"\\subsection\*?\{", r"###[ \t]+\S", r"####[ \t]+\S",
    r"\\paragraph\*?\{", r"\*\*[^*\n]+\*\*[.:]?[ \t]*$",
    r"\\begin\{(?:lemma|theorem|proposition|corollary|example|exercise|problem|question|task)\*?\}",
    r"(?:Q|Que|Question|Exercise|Problem|Task|Part|Aufgabe|Exercice|Ejercicio|Esercizio)\b[ \t]*[.:\d]",
    r"(?:\d{1,2}|[a-h]|[A-H])[.)][ \t]+[A-Z][\w ,'-]*$", r"\*\*[^*\n]{1,60}\*\*", r"\\textbf\{[^{}\n]{1,60}\}",
    r"\(?(?:\d{1,2}|[a-h]|[A-H])[.)][ \t]+\S",
)  # fmt: skip
_OPENINGS = tuple(re.compile(rf"^[ \t]*{level}", re.MULTILINE) for level in _LEVELS)
_FENCE = re.compile(r"^[ \t]*(?:```|~~~).*?(?:^[ \t]*(?:```|~~~)[ \t]*$|\Z)", re.MULTILINE | re.DOTALL)
MOST_SECTIONS = 30


class Section(NamedTuple):
    """A stretch of the text, from its heading on."""

    start: int
    end: int
    title: str

    def holds(self, place: int) -> bool:
        """Whether a place in the text is in it."""
        return self.start <= place < self.end


def sections(text: str) -> list[Section]:
    """The sections of a document; none where nothing divides it, or too much."""
    fences = [m.span() for m in _FENCE.finditer(text)]
    for opening in _OPENINGS:
        starts = [m.start() for m in opening.finditer(text) if not any(a <= m.start() < b for a, b in fences)]
        if 2 <= len(starts) <= MOST_SECTIONS:
            ends = [*starts[1:], len(text)]
            return [Section(a, b, _title(text, a)) for a, b in zip(starts, ends, strict=True)]
    return []


def alone(text: str, section: Section, first: Section) -> str:
    """The text with blanks in place of all other sections; what stands before the first one holds for each."""
    before, within, after = text[: first.start], text[section.start : section.end], text[section.end :]
    return before + _blank(text[first.start : section.start]) + within + _blank(after)


def _blank(text: str) -> str:
    return re.sub(r"[^\n]", " ", text)


def _title(text: str, start: int) -> str:
    line = text[start:].lstrip("\n").split("\n", 1)[0]
    return re.sub(r"\\(?:(?:sub)*section\*?|paragraph\*?|textbf|begin)|[#*{}]", "", line).strip()
