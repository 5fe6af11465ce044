"""A marking as JSON and back, without its name and its text: what the results are kept as.

The report's own JSON (`Marking.to_json`) is for readers: it tells an assumption as one sentence, from which the assumption
does not come back.
"""

from __future__ import annotations

import json
from typing import Any

from symderiv.homework.marking import Assumption, Claim, Marking, Understood


def record_of(marking: Marking) -> str:
    """The marking in ASCII: a text can hold what no file may."""
    understood = marking.understood
    return json.dumps(
        {
            "equations": list(understood.equations),
            "shapes": dict(understood.shapes),
            "assumptions": [[a.text, a.evidence, a.line] for a in understood.assumptions],
            "inferred": understood.inferred,
            "claims": [claim.to_json() for claim in marking.claims],
            "notes": [list(note) for note in marking.notes],
        }
    )


def marking_of(record: str, name: str, text: str) -> Marking:
    """The marking that a record was made from, under this name."""
    kept = json.loads(record)
    return Marking(
        name,
        text,
        Understood(
            tuple(kept["equations"]),
            kept["shapes"],
            tuple(Assumption(*fields) for fields in kept["assumptions"]),
            kept["inferred"],
        ),
        tuple(map(_claim, kept["claims"])),
        tuple((line, note) for line, note in kept["notes"]),
    )


def _claim(fields: dict[str, Any]) -> Claim:
    return Claim(**{**fields, "span": tuple(fields["span"]), "mistakes": tuple(fields["mistakes"])})
