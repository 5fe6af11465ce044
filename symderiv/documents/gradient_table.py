"""Somebody's gradients beside the derived ones, as a notebook shows the outcome: a small table."""

from __future__ import annotations

from markupsafe import Markup

from symderiv.calculus.formats import writer
from symderiv.documents.fragments import fragment
from symderiv.oracles.gradient_checks import GradientCheck, GradientRecord

EXTRA = """
table.data td { white-space: normal; vertical-align: top; }
table.data :is(.short, th) { white-space: nowrap; }
h1 { font-size: 1.05rem; }
"""


@writer(GradientCheck, "notebook")
def gradient_table(check: GradientCheck) -> str:
    """What a notebook shows: a row a gradient, with what is to be said about it."""
    rows = Markup("\n").join(_row(record) for record in check.every)
    at = Markup("<p class=about>at {}</p>").format(check.place) if check.place else Markup()
    table = Markup(
        '<h1>{}</h1>\n<table class="data">\n<thead><tr><th scope="col"></th><th scope="col">shape</th>'
        '<th scope="col">verdict</th><th scope="col">error</th><th scope="col">remark</th></tr></thead>\n'
        "<tbody>\n{}\n</tbody>\n</table>\n{}"
    ).format(check.summary, rows, at)
    return fragment(table, "gradients", "homework.css", extra=EXTRA)


def _row(record: GradientRecord) -> Markup:
    return Markup(
        '<tr><td class="short"><code>{}</code></td><td class="short">{}</td>'
        '<td class="short"><span class="verdict {}">{} {}</span></td><td class="short">{}</td><td>{}</td></tr>'
    ).format(
        record.name,
        record.shape,
        "correct" if record.passed else "wrong",
        "✓" if record.passed else "✗",
        record.verdict,
        record.error_told,
        record.remark,
    )
