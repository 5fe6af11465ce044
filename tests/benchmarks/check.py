"""Checking homework, side by side with Math-Verify and SymPy where they are installed: `python tests/benchmarks/check.py`.

Prints, warm and interleaved: reading and judging one claim, of a network and of two formulas; claims a second on whole
documents (given ones from the folder SYMDERIV_HOMEWORK, and generated homework); one page from the shell. Peers give a verdict;
to name the mistake behind a false line takes longer than to find it false, so both are told. `--profile` tells where the time goes.
"""

from __future__ import annotations

import argparse
import contextlib
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
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT)]

from symderiv.homework import checking, systems  # noqa: E402
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

IDENTITIES: list[
    tuple[str, str, bool]
] = [  # claim, truth, is it right: what peers are measured with, without a network
    (r"2(a-y)a(1-a)", r"2(a-y)(a-a^2)", True),
    (r"\frac{1}{1+e^{-z}}\left(1-\frac{1}{1+e^{-z}}\right)", r"\frac{e^{-z}}{(1+e^{-z})^2}", True),
    (r"\frac{e^{z}}{1+e^{z}}", r"\frac{1}{1+e^{-z}}", True),
    (r"1-\tanh^2(z)", r"\frac{4}{(e^{z}+e^{-z})^2}", True),
    (r"\frac{a-y}{a(1-a)}", r"\frac{1-y}{1-a}-\frac{y}{a}", True),
    (r"-\frac{y}{a}+\frac{1-y}{1-a}", r"-\frac{y-a}{a(1-a)}", True),
    (r"2(a-y)", r"2(a-y)a(1-a)", False),
    (r"(a-y)w(1-h^2)x", r"(a-y)w x-(a-y)w h^2 x", True),
    (r"2(a-y)a(1-a)w h(1-h)x", r"2(a-y)(a-a^2)w(h-h^2)x", True),
    (r"-(y-p)p(1-p)h", r"(p-y)p(1-p)h", True),
    (r"(a-y)(a(1-a)+1)", r"(a-y)a(1-a)-(y-a)", True),
    (r"(a-y)(a-a^2+1)", r"(a-y)(2a-2a^2+1)", False),
    (r"\frac{1}{2}(y-(h w+k u))^2", r"\frac{1}{2}(h w+k u-y)^2", True),
    (r"\tanh(z)", r"\frac{e^{z}-e^{-z}}{e^{z}+e^{-z}}", True),
    (r"-\left(y\ln(a)+(1-y)\ln(1-a)\right)", r"-y\ln(a)-\ln(1-a)+y\ln(1-a)", True),
    (r"\ln(1+e^{-z})", r"\ln(1+e^{z})-z", True),
    (r"\frac{e^{u}}{e^{u}+e^{v}}", r"\frac{1}{1+e^{v-u}}", True),
    (r"\frac{e^{u}}{e^{u}+e^{v}}\cdot\frac{e^{v}}{e^{u}+e^{v}}", r"\frac{e^{u+v}}{(e^{u}+e^{v})^2}", True),
    (
        r"\left(\frac{1}{1+e^{-(w x+b)}}-y\right)\frac{1}{1+e^{-(w x+b)}}\left(1-\frac{1}{1+e^{-(w x+b)}}\right)x",
        r"\frac{e^{-(w x+b)}\left(1-y-y e^{-(w x+b)}\right)x}{(1+e^{-(w x+b)})^3}",
        True,
    ),
    (r"2(a-y)a(1-a)w\left(1-\tanh^2(v x+b)\right)x", r"2(a-y)a(1-a)w\tanh^2(v x+b)x", False),
]


class Task(NamedTuple):
    """One claim: as a document for symderiv, as two formulas for its peers."""

    document: str
    claim: str
    truth: str
    is_right: bool


TASKS = {
    "derivatives of a network, which is read and understood again for each": [
        Task(MODEL + rf"$$\frac{{\partial L}}{{\partial {by}}} = {claim}$$", claim, truth, right)
        for by, claim, truth, right in CLAIMS
    ],
    "two formulas": [Task(f"$${truth} = {claim}$$", claim, truth, right) for claim, truth, right in IDENTITIES],
}
Judge = Callable[[Task], bool | None]


class Late(Exception):
    """A peer took too long."""


def _late(*_: object) -> None:
    raise Late


def told(task: Task) -> bool | None:
    """The verdict, and the name of the mistake where there is one."""
    verdict = check_homework(task.document).claims[-1].verdict
    return {"correct": True, "notation": True, "wrong": False, "carried": False}.get(verdict)


def judged(task: Task) -> bool | None:
    """The verdict alone, which is all that peers give."""
    with without_names():
        return told(task)


@contextlib.contextmanager
def without_names() -> Iterator[None]:
    """Inside, mistakes are not looked for."""
    named = checking.diagnosed, systems.diagnosed
    checking.diagnosed = systems.diagnosed = lambda judge, claims: claims
    try:
        yield
    finally:
        checking.diagnosed, systems.diagnosed = named


def sympy_judge() -> dict[str, Judge]:
    """SymPy's own reader (ANTLR) and simplify; {} if it is not installed."""
    try:
        import sympy
        from sympy.parsing.latex import parse_latex

        parse_latex("x")
    except Exception as error:
        print(f"SymPy's parse_latex is left out: {error}")
        return {}

    def judge(task: Task) -> bool | None:
        names = {sympy.Symbol("e"): sympy.E}
        return sympy.simplify(parse_latex(task.claim).subs(names) - parse_latex(task.truth).subs(names)) == 0

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

    def judge(task: Task) -> bool | None:
        formulas = (task.truth, task.claim)
        sides = [parse(f"${formula}$", extraction_config=config, parsing_timeout=None) for formula in formulas]
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
    """One claim after the other by everyone in turn; a peer's share is told of its mean and of its median."""
    judges: dict[str, Judge] = {"symderiv: the verdict": judged, "symderiv: and the mistake": told}
    judges |= math_verify_judge() | sympy_judge()
    for what, tasks in TASKS.items():
        times, right = interleaved(judges, tasks, rounds)
        print(
            f"\n{what:52s}\n{len(tasks)} claims, milliseconds each  {'median':>10s}{'mean':>10s}{'times the verdict':>20s}   right"
        )
        medians = {name: statistics.median(each) for name, each in times.items()}
        means = {name: statistics.mean(each) for name, each in times.items()}
        base = next(iter(judges))
        for name in judges:
            ratios = f"{medians[name] / medians[base]:8.1f} {means[name] / means[base]:8.1f}"
            print(f"{name:29s}{medians[name]:10.2f}{means[name]:10.2f}   {ratios}   {right[name]:2d} of {len(tasks)}")
        if tasks[0].document.startswith(MODEL):
            print(f"{'symderiv: a further claim':29s}{marginal(rounds):10.2f}")


def interleaved(
    judges: dict[str, Judge], tasks: list[Task], rounds: int
) -> tuple[dict[str, list[float]], dict[str, int]]:
    """The median time of each claim, and how many verdicts were right, by judge."""
    times: dict[str, list[float]] = {name: [] for name in judges}
    right: dict[str, int] = dict.fromkeys(judges, 0)
    for task in tasks:
        each: dict[str, list[float]] = {name: [] for name in judges}
        for k in range(rounds + 1):
            for name in list(judges)[:: 1 if k % 2 else -1]:
                if "symderiv" not in name:
                    _forget_sympy()
                taken, verdict = once(lambda name=name: judges[name](task))
                if k:
                    each[name].append(taken)
                else:
                    right[name] += verdict is task.is_right
        for name in judges:
            times[name].append(statistics.median(each[name]))
    return times, right


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
    """Claims a second of one core, warm: verdicts alone, and with the names of mistakes."""
    print(f"\n{'whole documents, warm':28s}{'documents':>10s}{'claims':>8s}{'verdicts/s':>12s}{'with mistakes/s':>17s}")
    for kind, texts in documents().items():
        claims = sum(len(check_homework(text).claims) for text in texts)
        with_names = _seconds(texts, rounds)
        with without_names():
            alone = _seconds(texts, rounds)
        print(f"{kind:28s}{len(texts):10d}{claims:8d}{claims / alone:12.0f}{claims / with_names:17.0f}")


def _seconds(texts: list[str], rounds: int) -> float:
    """The shortest times of all documents together."""
    return sum(min(once(lambda text=text: check_homework(text))[0] for _ in range(rounds)) for text in texts) / 1000


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
