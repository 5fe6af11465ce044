"""What a marking is: the claims of a document with their verdicts, and what was understood. The form others rely on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from symderiv.calculus.formats import Writable

VERDICTS = ("correct", "notation", "wrong", "carried", "uncheckable")
KINDS = ("definition", "derivative", "chain", "number", "update", "shape", "prose")


@dataclass(frozen=True, slots=True)
class Claim:
    """One claim, judged.

    span: half-open range of characters in the document over its sides. reading: how it was read, in plain text.
    message: the reason, for people. expected: what would be right, as far as known. assumptions: what this verdict leans on.
    root_line: for `carried`, the line charged.
    """

    line: int
    span: tuple[int, int]
    source: str
    kind: str
    reading: str
    verdict: str
    message: str = ""
    expected: str = ""
    mistakes: tuple[str, ...] = ()
    root_line: int | None = None

    def to_json(self) -> dict[str, Any]:
        """The claim as in MARKING.md."""
        return {
            "line": self.line,
            "span": list(self.span),
            "source": self.source,
            "kind": self.kind,
            "reading": self.reading,
            "verdict": self.verdict,
            "mistakes": list(self.mistakes),
            "message": self.message,
            "expected": self.expected,
            "root_line": self.root_line,
        }


@dataclass(frozen=True, slots=True)
class Assumption:
    """Something taken for granted, and why."""

    text: str
    evidence: str = ""
    line: int | None = None

    def __str__(self) -> str:
        where = f"line {self.line}: " if self.line else ""
        return self.text + (f" ({where}{self.evidence})" if self.evidence or where else "")


@dataclass(frozen=True, slots=True)
class Understood:
    """What the document is about, echoed before judging: equations in its own notation, shapes, assumptions."""

    equations: tuple[str, ...] = ()
    shapes: Mapping[str, str] = field(default_factory=dict)
    assumptions: tuple[Assumption, ...] = ()
    inferred: bool = True


@dataclass(frozen=True, slots=True)
class Marking(Writable):
    """A marked document. notes: (line, text) of what was repaired or could not be read.

    How it looks is decided above (`reports`): those register themselves as writers, as documents do for
    derivations, because a marking may not import upwards. Importing `symderiv.homework` brings them.
    """

    document: str
    text: str
    understood: Understood
    claims: tuple[Claim, ...]
    notes: tuple[tuple[int, str], ...] = ()

    @property
    def summary(self) -> dict[str, int]:
        """How many claims have which verdict."""
        return {verdict: sum(c.verdict == verdict for c in self.claims) for verdict in VERDICTS}

    @property
    def is_faultless(self) -> bool:
        """Nothing wrong and nothing carried."""
        return not any(c.verdict in ("wrong", "carried") for c in self.claims)

    def to_json(self) -> dict[str, Any]:
        """The report as one object."""
        return {
            "document": self.document,
            "model": {
                "equations": list(self.understood.equations),
                "shapes": dict(self.understood.shapes),
                "assumptions": [str(a) for a in self.understood.assumptions],
                "inferred": self.understood.inferred,
            },
            "claims": [c.to_json() for c in self.claims],
            "notes": [{"line": line, "text": text} for line, text in self.notes],
            "summary": self.summary,
        }

    def to_json_text(self) -> str:
        """The report as text."""
        return json.dumps(self.to_json(), ensure_ascii=False, indent=2)

    def to_text(self, **options: Any) -> str:
        """The report as plain text; options: every (claim), width, colour."""
        return str(self.write("text", **options))

    def to_html(self) -> str:
        """The report as one self-contained page: the document with every claim marked in place."""
        return str(self.write("html"))

    def to_svg(self) -> str:
        """A small picture: the lines around what is not right, with their verdicts and reasons."""
        return str(self.write("svg"))

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/html": self.write("notebook"), "text/plain": self.write("text")}
