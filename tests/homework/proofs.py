"""Right answers in disguise are never wrong, wrong ones never right: `python -m tests.homework.proofs [-n 200] [--misses 3]`.

For each gradient of each shipped example, N disguises and N mutants as documents of their own, in LaTeX (two notations, and by
entries) and in plain Unicode; the tally of verdicts, and examples of what should not be.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from .disguises import right_answer, wrong_answer
from .textbook_models import CASES
from .texts import document, has_index_form, has_plain_form

FORMS = ("bracket", "subscript", "plain", "index")


@dataclass(frozen=True)
class Trial:
    """A document whose last claim is known to be true or false."""

    name: str
    wrt: str
    form: str
    is_true: bool
    text: str
    done: tuple[str, ...]


@dataclass(frozen=True)
class Outcome:
    """What the marker said about the last claim."""

    trial: Trial
    verdict: str
    message: str

    @property
    def is_bad(self) -> bool:
        """A right answer called wrong, or a wrong one called right."""
        return self.verdict in (
            ("wrong", "carried", "raised") if self.trial.is_true else ("correct", "notation", "raised")
        )


def trial(name: str, wrt: str, seed: int, is_true: bool) -> Trial | None:
    """The trial of a seed; None where no such mistake can be made."""
    rng = random.Random(f"{name} {wrt} {seed} {is_true}")
    formula = right_answer(name, wrt, rng) if is_true else wrong_answer(name, wrt, rng)
    if formula is None:
        return None
    form = FORMS[seed % 2 if formula.strict else seed % len(FORMS)]
    if form == "index" and not has_index_form(formula.tree):
        form = "bracket"
    if form == "plain" and not has_plain_form(formula.tree):
        form = "subscript"
    return Trial(
        name,
        wrt,
        form,
        is_true,
        document(formula.model, wrt, formula.tree, form, rng, formula.strict or None),
        formula.done,
    )


def outcome(made: Trial) -> Outcome:
    """The verdict on the last line of a trial; 'missed' if it was not reported."""
    from symderiv.homework.checking import check_homework

    last = made.text.count("\n")
    try:
        claims = [c for c in check_homework(made.text).claims if c.line == last]
    except Exception as error:
        return Outcome(made, "raised", repr(error))
    if not claims:
        return Outcome(made, "missed", "")
    worst = max(claims, key=lambda c: ("correct", "notation", "uncheckable", "carried", "wrong").index(c.verdict))
    return Outcome(made, worst.verdict, worst.message)


def outcomes(name: str, wrt: str, count: int, is_true: bool) -> list[Outcome]:
    """The outcomes of the seeds 0 to count - 1."""
    trials = (trial(name, wrt, seed, is_true) for seed in range(count))
    return [outcome(made) for made in trials if made is not None]


def _tallied(what: str, found: list[Outcome], key: str) -> None:
    print(f"\n{what} by {key}")
    groups: dict[str, Counter[str]] = {}
    for each in found:
        names = each.trial.done if key == "what was done" else (getattr(each.trial, key),)
        for name in names:
            groups.setdefault(name, Counter())[each.verdict] += 1
    for name, counts in sorted(groups.items()):
        print(f"  {name:26s}" + "  ".join(f"{v} {n}" for v, n in counts.most_common()))


def main() -> int:
    """Run all and report; 1 if something is judged that should not be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-n", type=int, default=200)
    parser.add_argument("--misses", type=int, default=2, help="how many bad documents to print for each case")
    parser.add_argument("--only", default="", help="part of the name of an example")
    options = parser.parse_args()
    cases = [case for case in CASES if options.only in case[0]]
    start = time.perf_counter()
    bad = 0
    with ProcessPoolExecutor() as pool:
        for is_true in (True, False):
            jobs = [pool.submit(outcomes, *case, options.n, is_true) for case in cases]
            found = [each for job in jobs for each in job.result()]
            bad += _report("right answers in disguise" if is_true else "mutants", found, options.misses)
    print(f"\n{time.perf_counter() - start:.0f} s, Python {sys.version.split()[0]}, from {Path.cwd()}")
    return 1 if bad else 0


def _report(what: str, found: list[Outcome], misses: int) -> int:
    counts = Counter(each.verdict for each in found)
    bad = [each for each in found if each.is_bad]
    print(
        f"\n=== {what}: {len(found)}; {dict(counts.most_common())}; bad {len(bad)}, {100 * len(bad) / max(len(found), 1):.2f} %"
    )
    for key in ("name", "form", "what was done"):
        _tallied(what, found, key)
    shown: Counter[tuple[str, str, str]] = Counter()
    for each in sorted(bad, key=lambda o: len(o.trial.text)):
        case = each.trial.name, each.trial.wrt, each.trial.form
        shown[case] += 1
        if shown[case] <= misses:
            claim = each.trial.text.rstrip("\n").split("\n")[-1]
            print(
                f"\n--- {' '.join(case)}: {each.verdict} ({each.message}) after {', '.join(each.trial.done)}\n{claim}"
            )
    return len(bad)


if __name__ == "__main__":
    sys.exit(main())
