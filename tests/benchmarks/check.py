"""Checking homework, side by side with Math-Verify and SymPy where they are installed: `python tests/benchmarks/check.py`.

Prints, warm and interleaved: reading and judging one claim; claims a second on whole documents (given ones from the folder
SYMDERIV_HOMEWORK, and generated homework); one page from the shell. `--profile` tells where the time goes.
"""

from __future__ import annotations

import argparse
import cProfile
import logging
import os
import pstats
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT)]

from symderiv.homework.checking import check_homework  # noqa: E402

DOCUMENTS = Path(os.environ.get("SYMDERIV_HOMEWORK", ROOT.parent / "shared"))
LIMIT = 20.0

MODEL = r"""$$z = w h + b$$
$$a = \sigma(z)$$
$$L = (a - y)^2$$
"""
PLAIN = r"\frac{1}{1+e^{-z}}"
CLAIMS: list[tuple[str, str, str, bool]] = [  # by, claim, the truth in the letters of the claim, is it right
    ("a", r"2(a-y)", r"2(a-y)", True),
    ("a", r"-2(y-a)", r"2(a-y)", True),
    ("a", r"(a-y)", r"2(a-y)", False),
    ("z", r"2(a-y)(a-a^2)", r"2(a-y)a(1-a)", True),
    ("z", r"2(a-y)a(1-a)", r"2(a-y)a(1-a)", True),
    ("z", r"2(a-y)a(1+a)", r"2(a-y)a(1-a)", False),
    ("z", r"-2(y-a)(a-a^2)", r"2(a-y)a(1-a)", True),
    ("z", r"2\left(a-y\right)\frac{e^{-z}}{(1+e^{-z})^2}", rf"2\left(a-y\right){PLAIN}\left(1-{PLAIN}\right)", True),
    (
        "z",
        rf"2\left({PLAIN}-y\right){PLAIN}\left(1-{PLAIN}\right)",
        r"2\left(\frac{1}{1+e^{-z}}-y\right)\frac{e^{-z}}{(1+e^{-z})^2}",
        True,
    ),
    ("z", r"2(a-y)", r"2(a-y)a(1-a)", False),
    ("w", r"2(a-y)a(1-a)h", r"2(a-y)a(1-a)h", True),
    ("w", r"2h(a-y)(a-a^2)", r"2(a-y)a(1-a)h", True),
    ("w", r"2(a-y)a h-2(a-y)a^2 h", r"2(a-y)a(1-a)h", True),
    ("w", r"(a-y)(a(1-a)+a(1-a))h", r"2(a-y)a(1-a)h", True),
    ("w", r"2(a-y)a(1-a)w", r"2(a-y)a(1-a)h", False),
    ("w", r"2.0001(a-y)a(1-a)h", r"2(a-y)a(1-a)h", False),
    ("h", r"2(a-y)w a(1-a)", r"2(a-y)a(1-a)w", True),
    ("h", r"2w a^2-2w a^3-2w y a+2w y a^2", r"2(a-y)a(1-a)w", True),
    ("b", r"\frac{2(a-y)(1-a)}{\frac{1}{a}}", r"2(a-y)a(1-a)", True),
    ("b", r"-2a(1-a)y+2a^2(1-a)", r"2(a-y)a(1-a)", True),
]

Judge = Callable[[str, str, str], bool | None]


class Late(Exception):
    """A peer took too long."""


def _late(*_: object) -> None:
    raise Late


def document_of(by: str, claim: str) -> str:
    """The model and one claim."""
    return MODEL + rf"$$\frac{{\partial L}}{{\partial {by}}} = {claim}$$"


def own(by: str, claim: str, truth: str) -> bool | None:
    """The whole way: the model is read and understood again for one claim."""
    verdict = check_homework(document_of(by, claim)).claims[-1].verdict
    return {"correct": True, "notation": True, "wrong": False, "carried": False}.get(verdict)


def sympy_judge() -> dict[str, Judge]:
    """SymPy's own reader (ANTLR) and simplify; {} if it is not installed."""
    try:
        import sympy
        from sympy.parsing.latex import parse_latex

        parse_latex("x")
    except Exception as error:
        print(f"SymPy's parse_latex is left out: {error}")
        return {}

    def judge(by: str, claim: str, truth: str) -> bool | None:
        names = {sympy.Symbol("e"): sympy.E}
        return sympy.simplify(parse_latex(claim).subs(names) - parse_latex(truth).subs(names)) == 0

    return {"SymPy parse_latex + simplify": judge}


def math_verify_judge() -> dict[str, Judge]:
    """Math-Verify; {} if it is not installed."""
    try:
        from math_verify import LatexExtractionConfig, parse, verify
    except ImportError as error:
        print(f"Math-Verify is left out: {error}")
        return {}
    logging.disable(logging.CRITICAL)
    config = [LatexExtractionConfig()]

    def judge(by: str, claim: str, truth: str) -> bool | None:
        sides = [parse(f"${side}$", extraction_config=config, parsing_timeout=None) for side in (truth, claim)]
        return bool(verify(*sides, timeout_seconds=None))

    return {"Math-Verify parse + verify": judge}


def once(job: Callable[[], object]) -> tuple[float, object]:
    """The milliseconds of a job and its result; 'late' or 'failed' instead of one."""
    signal.signal(signal.SIGALRM, _late)
    signal.setitimer(signal.ITIMER_REAL, LIMIT)
    start = time.perf_counter()
    try:
        result = job()
    except Late:
        result = "late"
    except Exception:
        result = "failed"
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    return 1000 * (time.perf_counter() - start), result


def marginal(rounds: int) -> float:
    """Milliseconds a claim, when the model has been read: the same claims in one document, without the model's share."""
    # each claim reads its own text: a factor that differs keeps what is remembered from helping
    claims = [
        rf"$$\frac{{\partial L}}{{\partial {by}}} = \frac{{{k}}}{{{k}}} \cdot {claim}$$"
        for k in range(2, 7)
        for by, claim, _, right in CLAIMS
        if right
    ]
    whole, alone = MODEL + "\n".join(claims), MODEL + claims[0]
    times = [(once(lambda: check_homework(whole))[0], once(lambda: check_homework(alone))[0]) for _ in range(rounds)]
    return (statistics.median(t for t, _ in times) - statistics.median(t for _, t in times)) / (len(claims) - 1)


def compare_with_peers(rounds: int) -> None:
    """One claim after the other by everyone in turn."""
    judges: dict[str, Judge] = {"symderiv, model and all": own, **math_verify_judge(), **sympy_judge()}
    times: dict[str, list[float]] = {name: [] for name in judges}
    right: dict[str, int] = dict.fromkeys(judges, 0)
    for by, claim, truth, is_right in CLAIMS:
        each: dict[str, list[float]] = {name: [] for name in judges}
        for k in range(rounds + 1):
            for name in list(judges)[:: 1 if k % 2 else -1]:
                if "symderiv" not in name:
                    _forget_sympy()
                taken, verdict = once(lambda name=name: judges[name](by, claim, truth))
                if k:
                    each[name].append(taken)
                else:
                    right[name] += verdict is is_right
        for name in judges:
            times[name].append(statistics.median(each[name]))
    base = statistics.mean(times["symderiv, model and all"])
    print(f"\n{'reading and judging one claim':38s}{'median':>10s}{'mean':>10s}{'ratio':>8s}   right")
    for name in judges:
        mean = statistics.mean(times[name])
        print(
            f"{name:38s}{statistics.median(times[name]):7.2f} ms{mean:7.2f} ms{mean / base:8.1f}   {right[name]} of {len(CLAIMS)}"
        )
    more = marginal(rounds)
    print(f"{'symderiv, each further claim':38s}{more:7.2f} ms{more:7.2f} ms{more / base:8.2f}")
    for name in list(judges)[1:]:
        print(f"  {name} takes {statistics.mean(times[name]) / more:.0f} times as long as a further claim")


def _forget_sympy() -> None:
    module = sys.modules.get("sympy.core.cache")
    if module is not None:
        module.clear_cache()


def documents() -> dict[str, list[str]]:
    """The documents to check, by kind."""
    from tests.homework.generator import generate

    generated = [generate(seed).text for seed in range(60)]
    found = {"given documents": [p.read_text() for p in sorted((DOCUMENTS / "seeds").glob("*.txt"))]}
    found["practice documents"] = [
        p.read_text() for p in sorted((DOCUMENTS / "practice").glob("practice_[0-9]*[13579].md"))
    ]
    found["documents of the tests"] = [p.read_text() for p in sorted((ROOT / "tests/homework/documents").glob("*.md"))]
    return {kind: texts for kind, texts in found.items() if texts} | {"generated homework": generated}


def whole_documents(rounds: int) -> None:
    """Claims a second of one core, warm."""
    print(
        f"\n{'whole documents, warm':28s}{'documents':>10s}{'claims':>8s}{'a document':>12s}{'a claim':>10s}{'claims/s':>10s}"
    )
    for kind, texts in documents().items():
        claims = sum(len(check_homework(text).claims) for text in texts)
        taken = sum(min(once(lambda text=text: check_homework(text))[0] for _ in range(rounds)) for text in texts)
        print(
            f"{kind:28s}{len(texts):10d}{claims:8d}{taken / len(texts):9.1f} ms{taken / claims:7.2f} ms{1000 * claims / taken:10.0f}"
        )


def from_the_shell() -> None:
    """Start to end of a process for one page."""
    page = next(iter(documents().values()))[0]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "homework.md"
        path.write_text(page)
        commands = {
            "python -c pass": [sys.executable, "-c", "pass"],
            "python -c 'import numpy'": [sys.executable, "-c", "import numpy"],
            "import check_homework": [sys.executable, "-c", "from symderiv.homework.checking import check_homework"],
            "symderiv check PAGE": [sys.executable, "-m", "symderiv.cli", "check", str(path)],
        }
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        print(f"\n{'whole processes, median of 5':38s}")
        times: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(6):
            for name, command in commands.items():
                times[name].append(
                    once(lambda c=command: subprocess.run(c, capture_output=True, check=False, env=environment))[0]
                )
        for name, taken in times.items():
            print(f"{name:38s}{statistics.median(taken[1:]):7.0f} ms")


def profile() -> None:
    """Where the time goes: the given documents and generated homework, by own time and with what was called."""
    for kind in ("given documents", "generated homework"):
        texts = documents().get(kind)
        if not texts:
            continue
        for text in texts:
            check_homework(text)
        profiler = cProfile.Profile()
        profiler.enable()
        for text in texts:
            check_homework(text)
        profiler.disable()
        print(f"\n=== {kind}")
        for order in ("tottime", "cumulative"):
            pstats.Stats(profiler).sort_stats(order).print_stats(25)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    if options.profile:
        profile()
        return
    compare_with_peers(options.rounds)
    whole_documents(options.rounds)
    from_the_shell()


if __name__ == "__main__":
    main()
