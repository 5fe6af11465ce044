"""The page of a homework: rows of mathematics with their claims, displayed in one of many styles, and where they came to stand."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

VERDICTS = ("correct", "notation", "wrong", "carried", "uncheckable")


@dataclass
class Mark:
    """The truth about one claim."""

    latex: str
    kind: str
    verdict: str = "correct"
    accept: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    tag: str = "ok"
    evidence: tuple = ()

    def as_claim(self, line: int) -> dict:
        """The claim in the form of the truth files."""
        accept = [v for v in VERDICTS if v == self.verdict or v in self.accept]
        claim = {"line": line, "latex": self.latex, "kind": self.kind, "verdict": self.verdict, "accept": accept}
        if self.codes:
            claim["codes"] = list(self.codes)
        return claim | {"diagnosis_tag": self.tag}


@dataclass
class Row:
    """One displayed piece of mathematics, its claims, and words around it."""

    text: str
    marks: list[Mark]
    lead: str = ""
    tail: str = ""
    prefix: str = ""  # \Rightarrow, \therefore


@dataclass
class Page:
    """Lines of the document so far."""

    dialect: str
    display: str
    rng: random.Random
    lines: list[str] = field(default_factory=list)
    placed: list[tuple[int, Mark]] = field(default_factory=list)
    numbered: str = ""
    count: int = 0

    def prose(self, text: str) -> None:
        """A paragraph."""
        self.lines += [*text.split("\n"), ""]

    def rows(self, rows: list[Row], together: bool = False) -> None:
        """A group of rows; `together` where the style may show them as one block."""
        if not rows:
            return
        if self.display == "mixed":
            self._show(rows, together, self.rng.choice(["dollars", "dollars_lines", "inline", "brackets", "align"]))
        else:
            self._show(rows, together, self.display)

    def _show(self, rows: list[Row], together: bool, style: str) -> None:
        if style in ("align", "align_dollars", "aligned", "fence") and together:
            self._block(rows, style)
            return
        if style == "one_line" and together and len(rows) > 1:
            for at in range(0, len(rows), 4):
                self._joined(rows[at : at + 4])
            return
        for row in rows:
            self._single(row, style)
        if self.lines and self.lines[-1]:
            self.lines.append("")

    def _single(self, row: Row, style: str) -> None:
        text, lead = row.prefix + row.text, row.lead
        tag = self._number(style)
        start = len(self.lines)
        match style:
            case "dollars" | "one_line":
                self._words(lead)
                start = len(self.lines)
                self.lines += [f"$${text}{row.tail}{tag}$$", ""]
            case "dollars_lines" | "align_dollars" | "aligned":
                self._words(lead)
                start = len(self.lines)
                self.lines += ["$$", f"{text}{tag}", "$$", ""]
            case "brackets":
                self._words(lead)
                start = len(self.lines)
                self.lines += ["\\[", f"  {text}{row.tail}{tag}", "\\]"]
            case "brackets_line":
                self._words(lead)
                start = len(self.lines)
                self.lines += [f"\\[ {text}{tag} \\]", ""]
            case "equation" | "align":
                self._words(lead)
                start = len(self.lines)
                name = "equation" if style == "equation" else "align"
                star = "" if self.numbered == "auto" else "*"
                self.lines += [f"\\begin{{{name}{star}}}", f"{text}{row.tail}", f"\\end{{{name}{star}}}", ""]
            case "inline":
                self.lines += [f"{lead + ' ' if lead else ''}${text}{row.tail}$", ""]
            case "parens":
                self.lines += [f"{lead + ' ' if lead else ''}\\({text}\\)", ""]
            case "list":
                self.lines.append(f"- {lead + ' ' if lead else ''}${text}$")
            case "numbered_list":
                self.count += 1
                self.lines.append(f"{self.count}. {lead + ' ' if lead else ''}${text}$")
            case "ticks":
                self.lines.append(f"- {lead + ' ' if lead else ''}`{text}`")
            case "plain" | "code":
                self.lines.append(f"{lead + ' ' if lead and style == 'plain' else ''}{text}{tag}")
            case "indented":
                self._words(lead)
                start = len(self.lines)
                self.lines.append(f"    {text}")
            case "fence":
                self._words(lead)
                start = len(self.lines)
                self.lines += ["```", text, "```", ""]
            case _:
                raise ValueError(style)
        self.placed += [(start, mark) for mark in row.marks]

    def _number(self, style: str) -> str:
        if not self.numbered or style in (
            "inline",
            "parens",
            "list",
            "numbered_list",
            "ticks",
            "code",
            "indented",
            "fence",
            "equation",
            "align",
        ):
            return ""
        self.count += 1
        match self.numbered:
            case "tag" if style != "plain":
                return f" \\tag{{{self.count}}}"
            case "quad" if style != "plain":
                return f" \\quad ({self.count})"
            case "dash" if style != "plain":
                return f" \\quad - ({self.count})"
            case "plain":
                return f"    ({self.count})"
        return ""

    def _words(self, lead: str) -> None:
        if lead:
            self.lines += [lead, ""]

    def _block(self, rows: list[Row], style: str) -> None:
        for row in rows:
            if row.lead:
                self._words(row.lead)
                break
        start = len(self.lines)
        if style == "fence":
            self.lines += ["```", *(row.text for row in rows), "```", ""]
        else:
            opening, closing = {
                "align": (["\\begin{align}"], ["\\end{align}"]),
                "align_dollars": (["$$", "\\begin{align*}"], ["\\end{align*}", "$$"]),
                "aligned": (["$$\\begin{aligned}"], ["\\end{aligned}$$"]),
            }[style]
            texts = [self._aligned(row) for row in rows]
            self.lines += [*opening, *(t + " \\\\" for t in texts[:-1]), texts[-1], *closing, ""]
            start += len(opening) - 1
        # each from its own line on: a claim may be the beginning of an earlier one
        self.placed += [(start + k, mark) for k, row in enumerate(rows, 1) for mark in row.marks]

    def _aligned(self, row: Row) -> str:
        """A row with & before its relation; the claims change with it."""
        mark = row.marks[0]
        signs = [s for s in (" = ", " := ", " \\leftarrow ", " \\in ") if s in mark.latex]
        if mark.latex.startswith("= "):
            new = "&" + mark.latex
        elif signs:
            first = min(signs, key=mark.latex.index)
            new = mark.latex.replace(first, f" &{first[1:]}", 1)
        else:
            return row.text
        row.text = row.text.replace(mark.latex, new, 1)
        mark.latex = new
        return row.text

    def _joined(self, rows: list[Row]) -> None:
        """Several rows side by side in one display."""
        self._words(next((row.lead for row in rows if row.lead), ""))
        start = len(self.lines)
        self.lines += ["$$" + ", \\quad ".join(row.text for row in rows) + "$$", ""]
        self.placed += [(start, mark) for row in rows for mark in row.marks]

    def finish(self, before: list[str], after: list[str]) -> tuple[str, list[dict]]:
        """The text, and the claims with their lines."""
        lines = [*before, *self.lines, *after]
        claims = [mark.as_claim(self._line(lines, start + len(before), mark.latex)) for start, mark in self.placed]
        return "\n".join(lines) + "\n", claims

    @staticmethod
    def _line(lines: list[str], start: int, latex: str) -> int:
        for number in range(start, len(lines)):
            if latex in lines[number]:
                return number + 1
        raise AssertionError(f"{latex!r} is not on the page after line {start}")
