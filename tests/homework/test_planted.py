"""Each known mistake, planted by deriving once more with a wrong rule, printed as homework: rejected, and named.

`PYTHONPATH=tests python -m homework.test_planted` does so for every example and twenty random networks, and lists what is not named.
"""

from __future__ import annotations

import logging
import re
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from strategies import random_network

import symderiv as sd
from symderiv.documents.latex import Printer
from symderiv.documents.notation import notation_of
from symderiv.homework import check_homework
from symderiv.oracles.diagnosis import planted

NOTATION = {"layers": "bracket", "derivative": "partial", "sigmoid": "sigma"}
FEW = ("regression-linear", "logistic-graph", "linear-3-2-1", "binary-classification")
UNDECIDABLE = ("could not be read", "is nowhere defined")  # printed with names that the document never introduces
# By the rules of marking a whole result that lies transposed is notation: these two are that.
WHOLE_TURNED = {"swapped-factors", "missing-transpose"}


def written(model, derivation) -> str:
    """The model, and every adjoint in terms of those before it, a display each."""
    printer = Printer(notation_of(model, NOTATION))
    pairs = [(e.symbol, e.value) for e in model.equations]
    pairs += [(adjoint.symbol, adjoint.named) for adjoint in derivation.adjoints]
    text = "\n\n".join(f"$${printer.latex(left)} = {printer.latex(right)}$$" for left, right in pairs)
    for term in model.terms:  # the adjoints call a term of the loss J_{mse}, so its formula does here
        if term.name:
            text = re.sub(rf"(?<!_\{{)\\mathrm\{{{term.name}\}}", lambda m: f"J_{{{m.group()}}}", text)
    return text


@dataclass
class Rates:
    """How many planted mistakes were there, rejected, called notation, and named; and which were not."""

    counts: Counter = field(default_factory=Counter)
    missed: list[str] = field(default_factory=list)

    def add(self, model) -> None:
        for one in planted(model):
            claims = check_homework(written(model, one.derivation)).claims
            wrong = [c for c in claims if c.verdict == "wrong"]
            if not wrong and any(why in c.message for c in claims for why in UNDECIDABLE):
                self.counts["undecidable"] += 1
                continue
            if not wrong and one.code in WHOLE_TURNED and any(c.verdict == "notation" for c in claims):
                continue
            self.counts["planted"] += 1
            self.counts["rejected"] += bool(wrong)
            self.counts["accepted"] += all(c.verdict in ("correct", "notation") for c in claims)
            if any(_class_of(one) & set(c.mistakes) for c in wrong):
                self.counts["named"] += 1
            else:
                self.missed.append(f"{one.code}: {one.words}; called {[c.mistakes for c in wrong]}")


def _class_of(one) -> set[str]:
    """The code, and what is the same mistake by another name: a loss that is one term alone lacks the other."""
    return {one.code, "missing-penalty"} if one.code == "other-loss" and one.words.endswith("alone") else {one.code}


@pytest.mark.parametrize("name", FEW)
def test_planted_mistakes_are_rejected_and_named(name, caplog):
    rates = Rates()
    with caplog.at_level(logging.DEBUG, "symderiv"):
        rates.add(sd.examples.load(name))
    assert not caplog.records, "a fault of ours costs a line its explanation, silently but for the log"
    count = rates.counts["planted"]
    assert count > 20 and rates.counts["rejected"] == count and rates.counts["accepted"] == 0
    assert rates.counts["named"] >= 0.96 * count, rates.missed


@pytest.mark.parametrize("seed", range(0, 24, 2))
def test_what_is_derived_right_is_right(seed):
    name, model = random_network(seed)
    claims = check_homework(written(model, sd.derive(model))).claims
    assert not [c for c in claims if c.verdict in ("wrong", "carried")], name


def networks() -> Iterator[tuple[str, object]]:
    """The shipped examples and twenty random networks."""
    yield from ((name, sd.examples.load(name)) for name in sd.examples.names())
    yield from (random_network(seed) for seed in range(20))


def main() -> None:
    """Print the rates of every network, what was not named, and faults of ours on the way."""
    logging.basicConfig(format="%(message)s")
    logging.getLogger("symderiv").setLevel(logging.DEBUG)
    total: Counter = Counter()
    for name, model in networks():
        rates = Rates()
        rates.add(model)
        total.update(rates.counts)
        print(f"{name}: {dict(rates.counts)}", *rates.missed, sep="\n    ", flush=True)
    print(dict(total))


if __name__ == "__main__":
    sys.exit(main())
