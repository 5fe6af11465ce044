"""Deriving, side by side with tensorgrad where it is installed: `python tests/benchmarks/derive.py`.

Prints, warm and interleaved: all gradients of a two-layer network with closed forms, against one symbolic gradient of
tensorgrad after another; the growth with depth; and whole processes (--help, one example with oracles and page).
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

from symderiv import derive, two_layer
from symderiv.textbook.networks import layered

ROUNDS = 15


def milliseconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - start)


def medians(jobs: dict[str, Callable[[], object]], rounds: int = ROUNDS) -> dict[str, float]:
    """The median time of each job, run in turn A B C, C B A, ... after one warm-up."""
    times: dict[str, list[float]] = {name: [] for name in jobs}
    for job in jobs.values():
        job()
    for k in range(rounds):
        for name in list(jobs)[:: 1 if k % 2 else -1]:
            times[name].append(milliseconds(jobs[name]))
    return {name: statistics.median(values) for name, values in times.items()}


NETWORKS = {"tanh, softmax + cross-entropy": ("tanh", "softmax", "cross-entropy"), "tanh, sigmoid + log loss": ("tanh", "sigmoid", "log"),
            "sigmoid, sigmoid + squared error": ("sigmoid", "sigmoid", "mse")}  # fmt: skip


def tensorgrad_gradients(hidden: str, output: str, loss: str) -> list[Callable[[], object]] | None:
    """One job for each of the four gradients of the same network, fully simplified; None if it is not installed."""
    try:
        import tensorgrad as tg
        import tensorgrad.functions as F
    except ImportError:
        return None
    n, d, h, o = tg.symbols("n d h o")
    X, Y = tg.Variable("X", n, d), tg.Variable("Y", n, o)
    W1, b1, W2, b2 = tg.Variable("W1", d, h), tg.Variable("b1", h), tg.Variable("W2", h, o), tg.Variable("b2", o)
    A = (F.tanh if hidden == "tanh" else F.sigmoid)(X @ W1 + b1)
    Z = A @ W2 + b2
    P = F.softmax(Z, dim="o") if output == "softmax" else F.sigmoid(Z)
    if loss == "cross-entropy":
        L = -(Y @ F.log(P))
    elif loss == "mse":
        L = F.sum((P - Y) * (P - Y))
    else:
        L = -(F.sum(Y * F.log(P) + (1 - Y) * F.log(1 - P)))
    return [lambda v=v: tg.Derivative(L, v).full_simplify() for v in (W1, b1, W2, b2)]


def main() -> None:
    print(f"{'two-layer network':34s}{'symderiv: all 4':>16s}{'tensorgrad: each':>32s}{'all 4':>9s}{'ratio':>8s}")
    for name, network in NETWORKS.items():
        model = two_layer(*network)
        jobs: dict[str, Callable[[], object]] = {"own": lambda model=model: derive(model)}
        theirs = tensorgrad_gradients(*network)
        for k, job in enumerate(theirs or []):
            jobs[f"theirs {k}"] = job
        found = medians(jobs, rounds=5 if theirs else ROUNDS)
        each = [found[key] for key in found if key.startswith("theirs")]
        listed = " / ".join(f"{t:.0f}" for t in each)
        peer = (
            f"{listed:>29s} ms{sum(each):6.0f} ms{sum(each) / found['own']:8.0f}" if each else f"{'not installed':>32s}"
        )
        print(f"{name:34s}{found['own']:13.2f} ms{peer}")

    print("\ndepth        all gradients, closed forms      a layer")
    models = {depth: layered(["tanh"] * (depth - 1) + ["sigmoid"], "log") for depth in (2, 5, 10, 20, 50)}
    for depth, time_taken in medians({str(d): (lambda m=m: derive(m)) for d, m in models.items()}, rounds=7).items():
        print(f"{depth:>5s}{time_taken:27.2f} ms{time_taken / int(depth):15.3f} ms")

    print("\nthe first derivation of a process, nothing cached (median of 5)")
    for name, network in NETWORKS.items():
        code = (
            f"import time, symderiv as sd; m = sd.two_layer(*{network!r}); sd.derive; t = time.perf_counter(); "
            "sd.derive(m); print(time.perf_counter() - t)"
        )
        runs = [
            float(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout)
            for _ in range(5)
        ]
        print(f"{name:34s}{1000 * statistics.median(runs):13.2f} ms")

    print("\nwhole processes, median of 5")
    with tempfile.TemporaryDirectory() as folder:
        commands = {
            "python -c pass": [sys.executable, "-c", "pass"],
            "symderiv --help": [sys.executable, "-m", "symderiv.cli", "--help"],
            "symderiv derive -e two-gaussians": [
                *(
                    sys.executable,
                    "-m",
                    "symderiv.cli",
                    "derive",
                    "-e",
                    "two-gaussians",
                    "-f",
                    "html",
                    "-q",
                    "-o",
                    folder,
                )
            ],
        }
        jobs = {name: (lambda c=c: subprocess.run(c, check=True, capture_output=True)) for name, c in commands.items()}
        for name, time_taken in medians(jobs, rounds=5).items():
            print(f"{name:36s}{time_taken:9.0f} ms")


if __name__ == "__main__":
    main()
