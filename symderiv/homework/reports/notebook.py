"""A marking as a notebook shows it: what was understood, and every claim in a row with its verdict and the reason.

Static and without a script. As on the page, formulas go through the gate of `documents.mathml` and all other text of a
student is escaped.
"""

from __future__ import annotations

from markupsafe import Markup, escape

from symderiv.calculus.formats import writer
from symderiv.documents.fragments import fragment
from symderiv.homework.marking import Assumption, Claim, Marking
from symderiv.homework.reports.layout import (
    SIGNS,
    WORDS,
    advice_told,
    harmless,
    mistakes_told,
    reading_order,
    summary_line,
)
from symderiv.homework.reports.page import as_latex, expected, file_name, formula, text, verdict_of

EXTRA = """
table.claims { width: 100%; }
table.claims :is(td, th) { padding: .45rem 1rem .45rem 0; }
table.claims td { vertical-align: top; white-space: normal; }
table.claims td.why { margin: 0; color: inherit; min-width: 16rem; }
.claims .reading { display: block; color: var(--soft); }
.claims .why div { margin-bottom: .15rem; overflow-wrap: anywhere; }
.claims .why i { margin-right: .3rem; color: var(--soft); font-style: normal; }
.claims .what { overflow-x: auto; }
"""


@writer(Marking, "notebook")
def to_fragment(marking: Marking) -> str:
    """What a notebook shows."""
    notes = [Markup("<li>line {}: {}</li>").format(line, text(note)) for line, note in marking.notes]
    told = Markup('<h2>What was repaired, or could not be read</h2>\n<ul class="why">{}</ul>\n')
    content = Markup('<h1>{}</h1>\n<p class="about">{}</p>\n{}{}{}').format(
        harmless(file_name(marking.document)),
        summary_line(marking.summary),
        _understood(marking),
        _claims(marking),
        told.format(Markup("").join(notes)) if notes else "",
    )
    return fragment(content, "marking", "homework.css", extra=EXTRA)


def _understood(marking: Marking) -> Markup:
    """The network that the verdicts rest on, folded away: what is assumed of it, too."""
    network = marking.understood
    title = "what was understood" if network.inferred else "the model that it was marked against"
    equations = [Markup("<li>{}</li>").format(formula(as_latex(equation))) for equation in network.equations]
    shapes = [
        Markup("{} is <code>{}</code>").format(formula(as_latex(name)), harmless(shape))
        for name, shape in network.shapes.items()
    ]
    blocks = [Markup('<ul class="equations">{}</ul>').format(Markup("").join(equations))] if equations else []
    if shapes:
        blocks.append(Markup("<p>{}</p>").format(Markup(", ").join(shapes)))
    if network.assumptions:
        assumed = Markup("").join(_assumption(assumption) for assumption in network.assumptions)
        blocks.append(Markup('<p>Assumed:</p><ul class="why">{}</ul>').format(assumed))
    nothing = Markup("<p>no equation of a network</p>")
    return Markup("<details><summary>{}</summary>{}</details>\n").format(title, Markup("").join(blocks) or nothing)


def _assumption(assumption: Assumption) -> Markup:
    where = [f"line {assumption.line}"] if assumption.line else []
    why = Markup(": ").join([*map(escape, where), *([text(assumption.evidence)] if assumption.evidence else [])])
    return Markup("<li>{}{}</li>").format(text(assumption.text), Markup(" ({})").format(why) if why else "")


def _claims(marking: Marking) -> Markup:
    if not marking.claims:
        return Markup()
    head = Markup("").join(Markup('<th scope="col">{}</th>').format(h) for h in ("line", "verdict", "claim", "why"))
    rows = Markup("\n").join(_row(claim) for claim in reading_order(marking.claims))
    table = Markup('<table class="data claims">\n<thead><tr>{}</tr></thead>\n<tbody>\n{}\n</tbody>\n</table>\n')
    return table.format(head, rows)


def _row(claim: Claim) -> Markup:
    verdict = verdict_of(claim)
    return Markup(
        '<tr><td>{}</td><td><span class="verdict {}">{} {}</span></td><td class="what">{}{}</td><td class="why">{}</td></tr>'
    ).format(claim.line, verdict, SIGNS[verdict], WORDS[verdict], formula(claim.source), _reading(claim), _why(claim))


def _reading(claim: Claim) -> Markup:
    if not claim.reading or claim.verdict == "correct":
        return Markup()
    return Markup('<span class="reading">read as <code>{}</code></span>').format(harmless(claim.reading))


def _why(claim: Claim) -> Markup:
    entries = [("reason", text(claim.message)), ("expected", expected(claim.expected))]
    if claim.root_line is not None:
        entries.append(("charged", escape(f"on line {claim.root_line}, from which it follows")))
    entries += [("mistake", escape(harmless(mistakes_told(claim)))), ("remember", escape(advice_told(claim)))]
    return Markup("").join(Markup("<div><i>{}</i> {}</div>").format(*entry) for entry in entries if entry[1])
