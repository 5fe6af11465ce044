"""A model that homework is marked against: read as lines before the document, and taken out of its marking again."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from symderiv.homework.judging.verdicts import PREMISE, RESTATED
from symderiv.homework.marking import Claim, Marking

if TYPE_CHECKING:
    from symderiv.calculus.model import Model


def given_lines(model: Model | str) -> str:
    """The equations of a model as lines to read."""
    if isinstance(model, str):
        lines = [line.split("#")[0].rstrip() for line in model.splitlines()]
        return "```\n" + "\n".join(line for line in lines if line) + "\n```\n\n"
    from symderiv.documents.latex import Printer  # SymPy only where a model comes as one
    from symderiv.documents.notation import Notation

    printer = Printer(Notation(model))
    return "".join(f"$${printer.latex(e.symbol)} = {printer.latex(e.value)}$$\n" for e in model.equations) + "\n"


def without_lines(marking: Marking, text: str, before: str) -> Marking:
    """The marking of the document alone: what was read before it is taken for granted, and what differs from it is told."""
    shift, lines = len(before), before.count("\n")
    equations = {_head(c): c.reading for c in marking.claims if c.span[0] < shift and c.kind == "definition"}
    claims = tuple(
        replace(
            c,
            span=(c.span[0] - shift, c.span[1] - shift),
            line=c.line - lines,
            root_line=None if c.root_line is None or c.root_line <= lines else c.root_line - lines,
            message=_without_line_numbers(c.message, lines),
        )
        for c in (_against(c, equations) for c in marking.claims if c.span[0] >= shift)
    )
    assumptions = tuple(
        replace(a, line=None if a.line is None or a.line <= lines else a.line - lines)
        for a in marking.understood.assumptions
    )
    return replace(
        marking,
        text=text,
        claims=claims,
        understood=replace(marking.understood, inferred=False, assumptions=assumptions),
        notes=tuple((n - lines, t) for n, t in marking.notes if n > lines),
    )


def _head(claim: Claim) -> str:
    return claim.reading.partition(" = ")[0]


def _against(claim: Claim, equations: dict[str, str]) -> Claim:
    """`a = tanh(z)` where the model has a sigmoid: another network, or another meaning of a; which, its reader has to say."""
    if claim.message not in (RESTATED, PREMISE) or _head(claim) not in equations:
        return claim
    why = f"the model that was given has {equations[_head(claim)]}: another network, or {_head(claim)} means something else here"
    return replace(claim, verdict="uncheckable", message=why)


def _without_line_numbers(message: str, lines: int) -> str:
    """What a message says of lines, counted in the document alone."""

    def counted(found: re.Match[str]) -> str:
        line = int(found[1]) - lines
        return f"line {line}" if line > 0 else "the model"

    return re.sub(r"\bline (\d+)\b", counted, message)
