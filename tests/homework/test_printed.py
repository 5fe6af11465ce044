"""What symderiv prints about its own examples reads back, and its own marker calls all of it right.

`python -m tests.homework.test_printed` lists what it does not, document by document.
"""

from __future__ import annotations

from collections import Counter
from functools import cache
from itertools import product
from pathlib import Path

import pytest

import symderiv as sd
from symderiv.documents.latex import Printer
from symderiv.documents.markdown import to_markdown
from symderiv.documents.notation import notation_of
from symderiv.documents.outline import document_of
from symderiv.documents.tex import to_tex
from symderiv.errors import ModelError
from symderiv.homework.checking import check_homework
from symderiv.homework.marking import Claim, Marking

OUTPUT = Path(__file__).parents[2] / "output"
NAMES = tuple(sd.examples.names())
NOTATIONS = [
    {"layers": layers, "derivative": d, "sigmoid": sigmoid}
    for layers, d, sigmoid in product(("bracket", "subscript", "superscript"), ("partial", "d"), ("sigma", "g"))
]
PRINTED = sorted([*OUTPUT.glob("*.md"), *OUTPUT.glob("*.tex")])
NOT_CORRECT = ("wrong", "carried", "uncheckable", "notation")


@cache
def derivation(name: str):
    """The derivation of an example."""
    return sd.examples.find(name).derive()


def equations_and_gradients(name: str, notation: dict[str, str]) -> str | None:
    """Only the model and its gradients, a display each; None where the notation cannot write it."""
    found = derivation(name)
    try:
        printer = Printer(notation_of(found.model, {**found.options, **notation}))
    except ModelError:
        return None
    pairs = [(e.symbol, e.value) for e in found.model.equations]
    pairs += [(found.adjoint(wrt).symbol, gradient) for wrt, gradient in found.gradients.items()]
    lines = [f"$${printer.latex(left)} = {printer.latex(right)}$$" for left, right in pairs]
    said = (
        [f"where ${printer.notation.name('g')} = \\sigma$ is the logistic function"]
        if notation["sigmoid"] == "g"
        else []
    )
    return "\n\n".join([*said, *lines])


def written(name: str, ending: str, layers: str) -> str:
    """The whole document of an example: forward pass, every step of the backward pass, gradients."""
    found = sd.examples.find(name).derive(layers=layers)
    document = document_of(found, title=name)
    return to_tex(document) if ending == "latex" else to_markdown(document)


def claims_with(marking: Marking, verdicts: tuple[str, ...]) -> list[str]:
    """The claims with one of the verdicts, for people."""
    return [_told(claim) for claim in marking.claims if claim.verdict in verdicts]


def _told(claim: Claim) -> str:
    return f"line {claim.line} {claim.verdict}: {claim.source} ({claim.message})"


def key_of(notation: dict[str, str]) -> str:
    """A notation in a word."""
    return "-".join(notation.values())


SHORT = [(name, notation) for name in NAMES for notation in NOTATIONS]
WHOLE = [
    (name, ending, layers)
    for name in NAMES
    for ending in ("markdown", "latex")
    for layers in ("bracket", "subscript", "superscript")
]


@pytest.mark.parametrize(("name", "notation"), SHORT, ids=[f"{n}-{key_of(k)}" for n, k in SHORT])
def test_gradients_as_printed_are_right(name: str, notation: dict[str, str]):
    text = equations_and_gradients(name, notation)
    if text is None:
        pytest.skip("this notation cannot write the example")
    marking = check_homework(text)
    assert not claims_with(marking, NOT_CORRECT)
    assert len(marking.claims) >= len(derivation(name).model.equations) + len(derivation(name).gradients)


@pytest.mark.parametrize(("name", "ending", "layers"), WHOLE, ids=["-".join(case) for case in WHOLE])
def test_a_whole_document_is_right_throughout(name: str, ending: str, layers: str):
    marking = check_homework(written(name, ending, layers), name)
    assert not claims_with(marking, NOT_CORRECT)


@pytest.mark.parametrize("path", PRINTED, ids=[path.name for path in PRINTED])
def test_the_shipped_documents_are_right_throughout(path: Path):
    assert not claims_with(check_homework(path.read_text(), path.name), NOT_CORRECT)


def main() -> None:
    """Tell what is not called right, and why."""
    whole: Counter[str] = Counter()
    documents = [(f"{n} {key_of(k)}", equations_and_gradients(n, k)) for n, k in SHORT]
    documents += [(f"{n}.{e} {layers}", written(n, e, layers)) for n, e, layers in WHOLE]
    documents += [(path.name, path.read_text()) for path in PRINTED]
    reasons: dict[str, Counter[str]] = {}
    for name, text in documents:
        if text is None:
            continue
        marking = check_homework(text, name)
        whole.update(marking.summary)
        print(f"{name}: {marking.summary}")
        for claim in marking.claims:
            if claim.verdict in NOT_CORRECT:
                reasons.setdefault(f"{claim.verdict}: {claim.message}", Counter())[claim.source] += 1
    print(f"\nall: {dict(whole)}\n")
    for reason, sources in sorted(reasons.items(), key=lambda pair: -pair[1].total()):
        print(f"{sources.total():5d} {reason}")
        for source, count in sources.most_common(3):
            print(f"        {count:3d} x {source[:240]}")


if __name__ == "__main__":
    main()
