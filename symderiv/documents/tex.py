r"""Documents as LaTeX that compiles with pdflatex and standard packages, and as PDF where a LaTeX is installed."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from symderiv.documents.content import (
    Block,
    Bullets,
    Document,
    Formula,
    Paragraph,
    Picture,
    Section,
    Table,
    WeightPath,
    aligned,
    pieces,
)
from symderiv.errors import OutputError

PREAMBLE = r"""\documentclass[11pt,a4paper]{article}
\usepackage[T1]{fontenc}
\usepackage[utf8]{inputenc}
\usepackage{lmodern}
\usepackage{amsmath,amssymb}
\usepackage{graphicx}
\usepackage[margin=24mm]{geometry}
\usepackage[hidelinks]{hyperref}
\setlength{\parindent}{0pt}
\setlength{\parskip}{5pt plus 2pt}
\emergencystretch=4em
% A formula wider than the page is scaled down to it.
\newsavebox{\formulabox}
\newcommand{\fitted}[1]{\sbox{\formulabox}{$\displaystyle #1$}%
  \ifdim\wd\formulabox>\linewidth\resizebox{\linewidth}{!}{\usebox{\formulabox}}\else\usebox{\formulabox}\fi}
"""
ESCAPES = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}", "$": r"\$",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
}  # fmt: skip
SECTIONS = ("section", "subsection", "subsubsection")


def to_tex(document: Document) -> str:
    """The whole document, ready for pdflatex."""
    title = _escaped(document.title)
    lines = [PREAMBLE + rf"\title{{{title}}}", r"\author{}", r"\date{}", r"\begin{document}", r"\maketitle"]
    if document.about:
        lines.append(_inline(document.about))
    for section in document.sections:
        lines += _section(section, 0)
    return "\n".join([*lines, r"\end{document}"]) + "\n"


def _section(section: Section, level: int) -> Iterator[str]:
    # Mathematics in a heading would need a plain twin for the bookmarks; there are none of those levels to miss.
    title = _inline(section.title).replace("$", r"$\displaystyle ", 1)
    yield rf"\{SECTIONS[level]}{'*' if '$' in title else ''}{{{title}}}"
    for block in section.blocks:
        yield from _block(block)
    for inner in section.sections:
        yield from _section(inner, level + 1)


def _block(block: Block) -> Iterator[str]:
    match block:
        case Paragraph(text):
            yield from ("", _inline(text), "")
        case Bullets(items, plain):
            mark = "[]" if plain else ""
            yield from (
                r"\begin{itemize}\setlength{\itemsep}{1pt}",
                *(rf"\item{mark} {_inline(item)}" for item in items),
                r"\end{itemize}",
            )
        case Formula(result=result):
            body = "\n".join(aligned(block, r" \\[4pt]"))
            inner = rf"\begin{{aligned}} {body} \end{{aligned}}"
            yield rf"\[ \fitted{{{rf'{chr(92)}boxed{{{inner}}}' if result else inner}}} \]"
        case Table(header, rows):
            columns = "l" * len(header)
            yield r"\begin{center}\renewcommand{\arraystretch}{1.6}"
            yield rf"\resizebox{{\ifdim\width>\linewidth\linewidth\else\width\fi}}{{!}}{{\begin{{tabular}}{{{columns}}}\hline"
            yield " & ".join(map(_inline, header)) + r" \\ \hline"
            yield from (" & ".join(_inline(cell) for cell in row) + r" \\" for row in rows)
            yield r"\hline\end{tabular}}\end{center}"
        case WeightPath(typical=True):
            yield rf"\paragraph{{The weight ${block.name}$.}}"
            for inner_block in block.blocks:
                yield from _block(inner_block)
        case Picture() | WeightPath():
            return


def _inline(text: str) -> str:
    out = []
    for kind, content in pieces(text):
        if kind == "math":
            out.append(f"${content.strip()}$")
        else:
            out.append(rf"\emph{{{_escaped(content)}}}" if kind == "emphasis" else _escaped(content))
    return "".join(out)


def _escaped(text: str) -> str:
    """Plain text; what the fonts of the document do not have is left out."""
    known = "".join(c for c in text if c.isprintable() and ord(c) < 0x180)
    return re.sub(r"[\\&%#_{}$~^]", lambda m: ESCAPES[m[0]], known)


def to_pdf(document: Document) -> bytes:
    """The document as PDF, by pdflatex without shell access.

    Raises: OutputError if no LaTeX is installed, or if it fails.
    """
    program = shutil.which("pdflatex")
    if program is None:
        raise OutputError(
            "a PDF needs pdflatex, which is not installed\n"
            "  install a LaTeX (on Debian: texlive-latex-recommended), or leave pdf out of --format: "
            "the HTML page prints well"
        )
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "document.tex")
        source.write_text(to_tex(document))
        command = [program, "-no-shell-escape", "-halt-on-error", "-interaction=nonstopmode", source.name]
        path = f"{Path(program).parent}:/usr/bin:/bin"
        environment = {"PATH": path, "HOME": folder, "SOURCE_DATE_EPOCH": "0", "FORCE_SOURCE_DATE": "1"}
        result = subprocess.run(command, cwd=folder, capture_output=True, env=environment, timeout=120, check=False)
        if result.returncode:
            log = result.stdout.decode(errors="replace")
            first = next((line for line in log.splitlines() if line.startswith("!")), "no message")
            raise OutputError(f"pdflatex failed: {first}")
        return source.with_suffix(".pdf").read_bytes()
