"""A marking as one self-contained page: the document as it was written, every claim marked in place, its reasons beside it.

The page needs no script and its policy allows none. Formulas go through the gate of `documents.mathml`; what does not pass,
or is code, stands as source. Details open without a script: a link to something inside them does it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from markupsafe import Markup, escape

from symderiv.calculus.formats import writer
from symderiv.documents.frame import render
from symderiv.documents.mathml import mathml
from symderiv.homework.marking import VERDICTS, Claim, Marking
from symderiv.homework.reports.layout import (
    SIGNS,
    WORDS,
    Line,
    Piece,
    advice_told,
    cut,
    harmless,
    left_out,
    mistakes_told,
    shown,
    summary_line,
)

LONGEST_FORMULA = 2_000
"""Longer ones stand as source: a browser would take seconds to lay them out, and nobody would read them."""
PROSE = frozenset(
    "is are be has have the of and with by shape matrix vector where since then let if to for so we".split()
)
_SENTENCE = re.compile(r"[A-Za-z]{3,} +[A-Za-z]{3,}")
_LOWERED = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")
_CODE = re.compile(r"@|\*|\bnp\.|\.T\b|\.sum\(|\[:")
_LEAVE_OUT = re.compile(r"\\(?:label|tag)\*?\{[^{}]*\}|\\(?:nonumber|notag)\b|(?:\\\\\s*)+$|^(?:\s*\\\\)+")
_UNKNOWN_COMMAND = re.compile(r">[^<]*\\[^<]*<")


@dataclass(frozen=True, slots=True)
class Told:
    """A claim as the page tells it: everything is either harmless text or ready-made markup."""

    number: int
    line: int
    verdict: str
    sign: str
    word: str
    kind: str
    formula: Markup
    entries: tuple[tuple[str, Markup], ...]
    root_line: int | None
    is_open: bool


@writer(Marking, "html")
def to_html(marking: Marking) -> str:
    """The page."""
    lines = cut(marking)
    if len(lines) > 1 and lines[-1].start == lines[-1].end and not lines[-1].claims:
        lines.pop()  # the text ends with a line feed
    told = [_told(k, claim) for k, claim in enumerate(marking.claims)]
    beside = {k: line.number for line in lines for k in line.claims}
    understood = marking.understood
    return render(
        "homework.html.j2",
        styles=("homework.css",),
        scripted=False,
        title=harmless(file_name(marking.document)),
        inferred=understood.inferred,
        counts=[(v, SIGNS[v], WORDS[v], marking.summary[v]) for v in VERDICTS],
        summary=summary_line(marking.summary),
        faults=[told[k] for k in sorted(beside, key=lambda k: (beside[k], marking.claims[k].span)) if told[k].is_open],
        equations=[formula(as_latex(equation)) for equation in understood.equations],
        shapes=[
            (formula(as_latex(name)), Markup("<code>%s</code>") % harmless(shape))
            for name, shape in understood.shapes.items()
        ],
        assumptions=[(text(a.text), text(a.evidence), a.line) for a in understood.assumptions],
        lines=[(line.number, _source(marking, line, told), [told[k] for k in line.claims]) for line in lines],
        notes=[(line, text(note)) for line, note in (*marking.notes, *left_out(marking, lines))],
        last=lines[-1].number if lines else 0,
    )


def file_name(document: str) -> str:
    """The last part of a path; where it lies says nothing to the student."""
    return document.rsplit("/", 1)[-1] if re.fullmatch(r"[\w./ -]*\w", document) else document


def verdict_of(claim: Claim) -> str:
    """The verdict of a claim; one that has no sign is not decidable."""
    return claim.verdict if claim.verdict in VERDICTS else "uncheckable"


def _told(number: int, claim: Claim) -> Told:
    verdict = verdict_of(claim)
    entries = [("read as", Markup("<code>%s</code>") % harmless(claim.reading) if claim.reading else Markup())]
    entries += [("reason", text(claim.message)), ("expected", expected(claim.expected))]
    entries.append(("mistake", escape(harmless(mistakes_told(claim)))))
    entries.append(("remember", escape(advice_told(claim))))
    return Told(
        number=number + 1,
        line=claim.line,
        verdict=verdict,
        sign=SIGNS[verdict],
        word=WORDS[verdict],
        kind=harmless(claim.kind),
        formula=formula(claim.source),
        entries=tuple((name, content) for name, content in entries if content),
        root_line=claim.root_line,
        is_open=verdict != "correct",
    )


def formula(latex: str) -> Markup:
    """A formula of somebody's as MathML if it is one and converts safely, else as its source."""
    source = Markup("<code>%s</code>") % harmless(latex)
    words = re.sub(r"\\(?:text|mathrm|textbf|textit|mbox)\s*\{[^{}]*\}|\\[A-Za-z]+", " ", latex)
    is_prose = PROSE & set(re.findall(r"[A-Za-z]+", words)) or ("\\" not in latex and _SENTENCE.search(latex))
    if len(latex) > LONGEST_FORMULA or _is_code(latex) or is_prose:
        return source
    cleaned = "".join(c if c.isprintable() else " " for c in latex).strip()
    cleaned = _paired(re.sub(r"(?<!\\)\$", "", _LEAVE_OUT.sub("", cleaned))).strip()
    if "\\" not in cleaned:  # plain text: w_out is one name
        cleaned = re.sub(r"([_^])([A-Za-z]{2,})", r"\1{\2}", cleaned)
    cleaned = re.sub(r"(?<!\\)&\s*(?==)", "", cleaned)  # where lines of several are aligned
    if r"\begin" not in cleaned:
        cleaned = re.sub(r"(?<!\\)&", " ", cleaned)
    if not cleaned:
        return source
    found = mathml(cleaned)
    return source if found.startswith("<code") or _UNKNOWN_COMMAND.search(found) else Markup(found)


def _paired(latex: str) -> str:
    """With a partner for every brace: a claim may begin or end inside what stands around it."""
    depth = 0
    kept = []
    for part in re.split(r"((?<!\\)[{}])", latex):
        if part == "}" and not depth:
            continue
        depth += (part == "{") - (part == "}")
        kept.append(part)
    return "".join(kept) + "}" * depth


def as_latex(plain: str) -> str:
    """Plain mathematics as LaTeX: `W^[1]_ij` has the superscript [1], `e^(-z)` the exponent -z, `w₁₂` an index."""
    found = re.sub(r"\^(\[[^\]]*\])", r"^{\1}", plain)
    found = re.sub(r"\^\((\w)\)", r"^{(\1)}", found)
    found = re.sub(r"\^\(([^()]*)\)", r"^{\1}", found)
    found = re.sub(r"_([A-Za-z0-9]{2,})", r"_{\1}", found)
    found = re.sub("[₀-₉]+", lambda m: "_{" + m[0].translate(_LOWERED) + "}", found)
    return re.sub(r"\b(ln|log|exp|tanh|cosh|max)\(", r"\\\1(", found)


def _is_code(latex: str) -> bool:
    return "\\" not in latex and bool(_CODE.search(latex))


def text(running: str) -> Markup:
    """Running text of the marking; what stands between dollars is a formula."""
    parts = re.split(r"\$([^$]+)\$", running)
    return Markup("").join(formula(part) if k % 2 else escape(harmless(part)) for k, part in enumerate(parts))


def expected(said: str) -> Markup:
    """What would be right: a formula, or running text with formulas."""
    if "$" in said or not said:
        return text(said)
    return formula(said) if "\\" in said else Markup("<code>%s</code>") % harmless(said)


def _source(marking: Marking, line: Line, told: list[Told]) -> Markup:
    """A line as it was written, with a sign before every claim and its colour behind it."""
    return Markup("").join(_piece(marking.text, piece, told) for piece in line.pieces)


def _piece(document: str, piece: Piece, told: list[Told]) -> Markup:
    signs = Markup("").join(
        Markup('<a class="sign {0}" href="#c{1}" aria-label="claim {1}: {2}">{3}</a>').format(
            told[k].verdict, told[k].number, told[k].word, told[k].sign
        )
        for k in piece.opening
    )
    written = document[piece.start : piece.end]
    content = escape(written) if written.isprintable() else Markup("").join(map(_character, written))
    if not piece.verdict:
        return signs + content
    verdict = piece.verdict if piece.verdict in VERDICTS else "uncheckable"
    return signs + Markup('<mark class="{}">{}</mark>').format(verdict, content)


def _character(character: str) -> Markup:
    visible = character if character == "\t" else shown(character)
    if len(visible) > 1:
        return Markup('<span class="odd">{}</span>').format(visible)
    return escape(visible)
