"""What every page is made of: templates, the style, running text, and a policy that allows the page's own script at most.

It knows no derivation, so that pages about other things need not import the calculus.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterator
from functools import cache
from html import escape
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from markupsafe import Markup

from symderiv.documents.content import Formula, aligned, pieces
from symderiv.documents.mathml import mathml

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).with_name("templates")


def inline(text: str, longest: int | None = None) -> Markup:
    """Running text with its mathematics as MathML; everything else is escaped.

    longest: what has more LaTeX than this scrolls inside the line, because a browser does not break mathematics.
    """
    out = []
    for kind, content in pieces(text):
        if kind == "math" and longest is not None and len(content) > longest:
            out.append(
                f'<span class="run" tabindex="0" role="group" aria-label="formula">{mathml(content.strip())}</span>'
            )
        elif kind == "math":
            out.append(mathml(content.strip()))
        else:
            out.append(f"<em>{escape(content)}</em>" if kind == "emphasis" else escape(content))
    return Markup("".join(out))


def running(text: str) -> Markup:
    """Running text of a paragraph, which may be as narrow as a phone."""
    return inline(text, longest=48)


def _display(latex: str) -> Markup:
    return Markup(mathml(latex, display=True))


def _latex(formula: Formula) -> str:
    """A displayed formula as LaTeX to be copied."""
    return "\n".join([r"\begin{aligned}", *aligned(formula), r"\end{aligned}"])


@cache
def environment() -> Environment:
    """The templates with their filters; everything that is not marked as safe is escaped."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    found = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters.update(inline=inline, running=running, display=_display, latex=_latex, safe_svg=Markup)
    found.tests["block"] = lambda block, name: type(block).__name__ == name
    return found


def numbers() -> Callable[[], int]:
    """A function that gives 1, 2, 3, ...: for ids that a page needs."""
    return count(1).__next__


def style(*names: str) -> Markup:
    """The style of every page, and that of the named files after it."""
    return Markup("".join((TEMPLATES / name).read_text(encoding="utf-8") for name in ("page.css", "chart.css", *names)))


def render(template: str, styles: tuple[str, ...] = (), scripted: bool = True, **values: object) -> str:
    """A template with the page's style and script, and the policy that allows exactly that script, or none at all."""
    return "".join(stream(template, styles, scripted, **values))


def stream(template: str, styles: tuple[str, ...] = (), scripted: bool = True, **values: object) -> Iterator[str]:
    """The page of `render` in pieces, for one that is too long to be held at once: its values may be iterators."""
    script = (TEMPLATES / "page.js").read_text(encoding="utf-8") if scripted else ""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = (
        "default-src 'none'; style-src 'unsafe-inline'; "
        + (f"script-src 'sha256-{digest}'; " if scripted else "")
        + "img-src data:; base-uri 'none'; form-action 'none'"
    )
    page = environment().get_template(template)
    yield from page.generate(style=style(*styles), script=Markup(script), policy=policy, fresh=numbers(), **values)
    yield "\n"
