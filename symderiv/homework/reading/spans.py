r"""Where mathematics stands in a document: between dollars, in TeX environments, backticks, code fences; and the lines of prose.

It decides by delimiters alone. What is mathematics in a plain line is for `prose`. An unclosed dollar ends with its line or
paragraph and never swallows the document; every search for a closing mark is remembered, so that the cost stays linear.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

MAX_FORMULA = 4_096

_ENVIRONMENTS = (
    "equation|align|aligned|gather|gathered|multline|eqnarray|split|alignat|flalign|displaymath|math|dmath|"
    "IEEEeqnarray|subequations"
)
_OPENER = re.compile(
    r"\\\\\[(?!\s*-?\d*\.?\d+\s*(?:pt|em|ex|mm|cm))|\\\\\(|\\\\|\\\$|\$\$|\$|\\\(|\\\["
    rf"|\\begin\{{(?P<environment>{_ENVIRONMENTS})\*?\}}|`+|<!--"
)
_CLOSERS = {"\\[": "\\]", "\\(": "\\)", "\\\\[": "\\\\]", "\\\\(": "\\\\)", "<!--": "-->"}
_FENCE = re.compile(r"[ \t]{0,12}(?:>[ \t]?){0,12}(```+|~~~+)[ \t]*([^\s`]*)[^`\n]*$", re.M)
_MATH_FENCES = frozenset(["math"])
_TEX_FENCES = frozenset(["latex", "tex", "katex"])
_CODE_FENCES = frozenset(
    [
        "",
        "text",
        "txt",
        "none",
        "plain",
        "plaintext",
        "python",
        "py",
        "python3",
        "pycon",
        "ipython",
        "numpy",
        "matlab",
        "octave",
        "julia",
        "asciimath",
        "output",
    ]
)
_BLANK_LINES = re.compile(r"\n[ \t>]*\r?\n")
_WORD = re.compile(
    r"(?<![\\A-Za-z_^{])(?!(?:log|exp|tanh|max|min|softmax|sigmoid|relu|ReLU|net|out|diag)\b)[A-Za-z]{3,}"
)
_SIGN = re.compile(r"[\\^_=<>+*/]")
_TEXT_COMMAND = re.compile(r"\\(?:text|mbox|mathrm|operatorname|textrm|intertext|label|textbf)\*?\{[^{}]*\}")
_TEX_COMMENT = re.compile(r"(?<!\\)%[^\n]*")
_VERBATIM = re.compile(r"\\begin\{(verbatim|lstlisting|minted|tikzpicture|thebibliography)\*?\}.*?\\end\{\1\*?\}", re.S)


@dataclass(frozen=True, slots=True)
class Region:
    """Marked mathematics: kind 'display', 'inline' or 'tick' (backticks); the inner range has no delimiters."""

    kind: str
    start: int
    end: int
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class CodeLine:
    """A line of a code fence."""

    start: int
    end: int
    language: str


@dataclass(slots=True)
class Layout:
    """The marked mathematics of a document in order, its code lines, and what is neither prose nor mathematics."""

    regions: list[Region] = field(default_factory=list)
    code: list[CodeLine] = field(default_factory=list)
    hidden: list[tuple[int, int]] = field(default_factory=list)
    body: tuple[int, int] = (0, 0)
    front_matter: dict[str, str] = field(default_factory=dict)
    is_tex: bool = False
    problems: list[tuple[str, int, int]] = field(default_factory=list)


def find_layout(text: str, definitions: list[tuple[int, int]]) -> Layout:
    """Take a document apart. definitions: where macros are defined."""
    layout = Layout(body=(0, len(text)))
    layout.hidden += definitions
    _front_matter(text, layout)
    _tex_body(text, layout)
    fences = _fences(text, layout)
    _mathematics(text, layout, fences)
    layout.hidden.sort()
    return layout


def _front_matter(text: str, layout: Layout) -> None:
    match = re.match(r"\ufeff?---[ \t]*\r?\n(.{0,4000}?)\n(?:---|\.\.\.)[ \t]*(?:\r?\n|$)", text, re.S)
    if match is None:
        return
    entries = [re.match(r"\s*([\w .-]{1,60}?)\s*:\s*(.*?)\s*$", line) for line in match.group(1).split("\n")]
    if not any(entries):
        return
    for entry in entries:
        if entry:
            layout.front_matter[entry.group(1)] = entry.group(2).strip("\"'")
    layout.body = (match.end(), len(text))


def _tex_body(text: str, layout: Layout) -> None:
    begin = text.find("\\begin{document}")
    layout.is_tex = begin >= 0 or "\\documentclass" in text[:20_000]
    if not layout.is_tex:
        return
    start = begin + len("\\begin{document}") if begin >= 0 else layout.body[0]
    end = text.find("\\end{document}", start)
    layout.body = (start, end if end >= 0 else len(text))
    layout.hidden += [match.span() for match in _TEX_COMMENT.finditer(text, *layout.body)]
    layout.hidden += [
        match.span()
        for match in _VERBATIM.finditer(text, *layout.body)
        if match.group(1) in ("tikzpicture", "thebibliography")
    ]
    for match in _VERBATIM.finditer(text, *layout.body):
        if match.group(1) not in ("tikzpicture", "thebibliography"):
            _code_lines(
                text, text.find("\n", match.start()) + 1, text.rfind("\n", match.start(), match.end()) + 1, "", layout
            )


def _fences(text: str, layout: Layout) -> list[tuple[int, int]]:
    """Code fences: their lines are noted, what they cover is returned."""
    covered: list[tuple[int, int]] = []
    opened: re.Match[str] | None = None
    for match in _FENCE.finditer(text, *layout.body):
        if opened is None:
            opened = match
            continue
        if match.group(1)[0] != opened.group(1)[0] or len(match.group(1)) < len(opened.group(1)) or match.group(2):
            continue
        _fence(text, opened, match, layout, covered)
        opened = None
    if opened is not None:
        layout.problems.append(("a code fence is not closed", opened.start(), opened.end()))
        layout.hidden.append(opened.span())
    return covered


def _fence(
    text: str, opened: re.Match[str], closed: re.Match[str], layout: Layout, covered: list[tuple[int, int]]
) -> None:
    language = opened.group(2).lower().strip("{}.")
    low, high = min(opened.end() + 1, closed.start()), closed.start()
    layout.hidden += [opened.span(), closed.span()]
    if language in _TEX_FENCES and re.search(r"\$|\\begin|\\\[", text[low:high]):
        return
    covered.append((opened.start(), closed.end()))
    if language in _MATH_FENCES or language in _TEX_FENCES:
        layout.regions.append(Region("display", opened.start(), closed.end(), low, high))
    elif language in _CODE_FENCES:
        _code_lines(text, low, high, language, layout)
    else:
        layout.hidden.append((low, high))


def _code_lines(text: str, low: int, high: int, language: str, layout: Layout) -> None:
    while low < high:
        end = text.find("\n", low, high)
        end = high if end < 0 else end
        if text[low:end].strip():
            layout.code.append(CodeLine(low, end, language))
        low = end + 1


class _Search:
    """Finds the next place of a mark; what was found is remembered, so that a scan stays linear."""

    def __init__(self, text: str, end: int) -> None:
        self.text, self.end = text, end
        self.found: dict[str, int] = {}

    def next(self, mark: str, at: int) -> int:
        known = self.found.get(mark, -2)
        if known == -1 or known >= at:
            return known
        known = self.found[mark] = self.text.find(mark, at, self.end)
        return known

    def blank(self, at: int) -> int:
        """Where the paragraph ends."""
        known = self.found.get("\n\n", -2)
        if known >= at:
            return known
        match = _BLANK_LINES.search(self.text, at, self.end)
        known = self.found["\n\n"] = match.start() if match else self.end
        return known

    def line(self, at: int) -> int:
        """Where the line ends."""
        known = self.next("\n", at)
        return self.end if known < 0 else known


def _mathematics(text: str, layout: Layout, fences: list[tuple[int, int]]) -> None:
    at, end = layout.body
    search = _Search(text, end)
    hidden = sorted(fences + layout.hidden)
    skip = 0
    while True:
        match = _OPENER.search(text, at, end)
        if match is None:
            return
        while skip < len(hidden) and hidden[skip][1] <= match.start():
            skip += 1
        if skip < len(hidden) and hidden[skip][0] <= match.start():
            at = hidden[skip][1]
            continue
        at = _one(text, match, search, layout)


def _one(text: str, match: re.Match[str], search: _Search, layout: Layout) -> int:
    """Read what an opening mark opens; returns where to go on."""
    mark, start, low = match.group(), match.start(), match.end()
    if match.group("environment"):
        return _environment(text, match, search, layout)
    if mark in ("\\\\", "\\$"):
        return low
    if mark == "$":
        return _dollar(text, start, search, layout)
    if mark == "$$":
        return _double_dollar(text, start, search, layout)
    if mark[0] == "`":
        return _tick(text, start, mark, search, layout)
    close = search.next(_CLOSERS[mark], low)
    if mark == "<!--":
        layout.hidden.append((start, close + 3 if close >= 0 else low))
        return close + 3 if close >= 0 else low
    kind = "display" if mark.endswith("[") else "inline"
    limit = search.blank(low) if kind == "inline" else min(search.end, low + 2 * MAX_FORMULA)
    if close < 0 or close > limit or (kind == "display" and _has_prose_paragraph(text, low, close)):
        return _unclosed(text, kind, start, low, search, layout)
    after = close + len(_CLOSERS[mark])
    layout.regions.append(Region(kind, start, after, low, close))
    return after


def _environment(text: str, match: re.Match[str], search: _Search, layout: Layout) -> int:
    start = match.start()
    name = match.group()[len("\\begin{") : -1]
    mark = f"\\end{{{name}}}"
    close = search.next(mark, match.end())
    if close < 0 or close > start + 8 * MAX_FORMULA:
        return _unclosed(text, "display", start, match.end(), search, layout)
    if match.group("environment") == "subequations":
        return match.end()
    after = close + len(mark)
    layout.regions.append(Region("display", start, after, start, after))
    return after


def _dollar(text: str, start: int, search: _Search, layout: Layout) -> int:
    low = start + 1
    limit = search.blank(low)
    close = low
    while True:
        close = search.next("$", close)
        if close < 0 or close > limit:
            break
        if text[close - 1] == "\\":
            close += 1
            continue
        if close == low or not _is_mathematics(text, low, close):
            return low
        after = close + 1
        ticks = text[low] == "`" and text[close - 1] == "`" and close - low > 2
        layout.regions.append(Region("inline", start, after, low + ticks, close - ticks))
        return after
    line = search.line(low)
    if low < line and re.search(r"[\\^_=]", text[low:line]) and _is_mathematics(text, low, line):
        return _unclosed(text, "inline", start, low, search, layout)
    return low


def _is_mathematics(text: str, low: int, high: int) -> bool:
    """Whether what stands between two dollars is a formula, not the words between two prices."""
    inner = text[low:high]
    if text[high + 1 : high + 2].isdigit() and re.match(r"[\d.,]+\s", inner):
        return False
    if len(inner) > MAX_FORMULA:
        return True
    bare = _TEXT_COMMAND.sub(" ", inner) if "\\" in inner else inner
    words = len(_WORD.findall(bare))
    return words < 2 or len(_SIGN.findall(bare)) >= words + (inner[-1:].isspace() and words > 3)


def _double_dollar(text: str, start: int, search: _Search, layout: Layout) -> int:
    low = start + 2
    close = search.next("$$", low)
    if close < 0 or close > low + 8 * MAX_FORMULA or _has_prose_paragraph(text, low, close):
        return _unclosed(text, "display", start, low, search, layout)
    if not text[low:close].strip():
        return close if text[low:close] else low
    layout.regions.append(Region("display", start, close + 2, low, close))
    return close + 2


def _has_prose_paragraph(text: str, low: int, high: int) -> bool:
    """Whether a formula goes on over a blank line into words: then its end is lost."""
    inner = text[low : min(high, low + 8 * MAX_FORMULA)]
    if _BLANK_LINES.search(inner) is None:
        return False
    for paragraph in _BLANK_LINES.split(inner)[1:]:
        bare = _TEXT_COMMAND.sub(" ", paragraph)
        if re.search(r"(?<![\\A-Za-z])[A-Za-z]{3,} +[A-Za-z]{2,}", bare) or re.match(r"\s*(?:#|[-*] )", paragraph):
            return True
    return False


def _unclosed(text: str, kind: str, start: int, low: int, search: _Search, layout: Layout) -> int:
    """A formula whose end is missing: it ends with its line, or where a paragraph ends."""
    end = search.line(low)
    if kind == "display" and not text[low:end].strip():
        end = min(search.blank(low), low + MAX_FORMULA)
    end = max(end, low)
    layout.problems.append(("a formula is not closed; it is read to the end of its line", start, end))
    if text[low:end].strip():
        layout.regions.append(Region(kind, start, end, low, end))
    return max(end, start + 1)


def _tick(text: str, start: int, mark: str, search: _Search, layout: Layout) -> int:
    low = start + len(mark)
    close = search.next(mark, low)
    if close < 0 or close > search.blank(low) or close == low:
        return low
    after = close + len(mark)
    layout.regions.append(Region("tick", start, after, low, close))
    return after
