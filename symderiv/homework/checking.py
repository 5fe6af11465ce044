"""The whole way of a document: read, understand, judge, tell."""

from __future__ import annotations

from symderiv.homework.inference import Inference
from symderiv.homework.judging import Judge
from symderiv.homework.marking import Marking, Understood
from symderiv.homework.reader import read


def check_homework(text: str, name: str = "homework") -> Marking:
    """Read a derivation and mark every line.

    text: Markdown, TeX or plain lines. name: what to call it in the report.
    """
    document = read(text, name)
    inference = Inference(document)
    understanding = inference.run()
    claims = Judge(inference, understanding).run()
    understood = Understood(
        equations=(), shapes={k: f"{a} x {b}" for k, (a, b) in understanding.shapes.items()}, assumptions=tuple(understanding.assumptions)
    )
    return Marking(name, text, understood, tuple(claims), tuple((n.line, n.text) for n in document.notes))
