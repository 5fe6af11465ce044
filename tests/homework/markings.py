"""Markings made by hand from documents whose verdicts are known, and an engine that can be put in place of the real one."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

from symderiv.homework.marking import Assumption, Claim, Marking, Understood

DOCUMENTS = Path(__file__).parent / "documents"


def truths(path):
    """The true claims of a document, whichever form its file has."""
    found = json.loads(path.read_text())
    return found["claims"] if isinstance(found, dict) else found


def claims_of(text, entries):
    """Claims with the spans that their LaTeX has in the text, white space aside."""
    starts = [0]
    for at, character in enumerate(text):
        if character == "\n":
            starts.append(at + 1)
    starts.append(len(text))
    for entry in entries:
        begin = starts[entry["line"] - 1]
        window = text[begin : starts[min(entry["line"] + 7, len(starts) - 1)]]
        kept = [(c, k) for k, c in enumerate(window) if not c.isspace()]
        at = "".join(c for c, _ in kept).find(needle := "".join(entry["latex"].split()))
        if at < 0:
            end = text.find("\n", begin)
            span = begin, len(text) if end < 0 else end
        else:
            span = begin + kept[at][1], begin + kept[at + len(needle) - 1][1] + 1
        yield Claim(
            line=entry["line"],
            span=span,
            source=text[slice(*span)],
            kind=entry["kind"],
            reading="",
            verdict=entry["verdict"],
            message="" if entry["reason"] == "premise" else entry["reason"],
            mistakes=tuple(entry.get("codes", ())),
            root_line=entry.get("root_line") or (12 if entry["verdict"] == "carried" else None),
        )


def marking_of(path, entries=None):
    text = path.read_text()
    return Marking(
        document=path.name,
        text=text,
        understood=Understood(
            equations=("z_1 = w_1 x + b_1", "a_1 = g(z_1)", "L = (a_2 - y)^2"),
            shapes={"x": "(n_in, 1)", "w_1": "(n_hidden, n_in)"},
            assumptions=(
                Assumption("one sample, a column", "nothing sums over samples", 3),
                Assumption("g is any slope"),
            ),
        ),
        claims=tuple(claims_of(text, truths(path.with_suffix(".json")) if entries is None else entries)),
        notes=((4, "a closing brace was put in"),),
    )


def marking(text, *claims, **fields):
    """A marking of a text; a claim is (source, verdict) or (source, verdict, more fields)."""
    made = []
    for source, verdict, *more in claims:
        start = text.index(source)
        values = {"kind": "derivative", "reading": "", "line": text.count("\n", 0, start) + 1} | (
            more[0] if more else {}
        )
        made.append(Claim(span=(start, start + len(source)), source=source, verdict=verdict, **values))
    return Marking("homework.md", text, fields.pop("understood", Understood()), tuple(made), **fields)


def engine(text, name="homework", model=None):
    """Marks `a = b` right, `a = c` wrong; does what a text asks for: crash, hang, die, swallow what stops it."""
    if "crash" in text:
        raise ValueError("planted\n\x1b[31mred")
    if "hang" in text:
        while True:
            try:
                time.sleep(0.05)
            except Exception:
                continue
    if "die" in text:
        os._exit(9)
    found = []
    for source, verdict in (("a = b", "correct"), ("a = c", "wrong")):
        at = text.find(source)
        if at >= 0:
            found.append(
                Claim(
                    text.count("\n", 0, at) + 1,
                    (at, at + len(source)),
                    source,
                    "derivative",
                    source,
                    verdict,
                    "so it is",
                )
            )
    understood = Understood(inferred=model is None)
    return Marking(name, text, understood, tuple(found))
