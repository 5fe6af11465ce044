"""Training, side by side with its peers: `env -u OPENBLAS_CORETYPE python tests/benchmarks/train.py [W1 W2 W5 W3 W4]`.

A step is forward, loss, all gradients and the update, in float64. Every competitor is compared with plain NumPy after a
few steps (parameters within 1e-9) before it is timed. The small workloads run in one process, interleaved; W3 and W4 a
process a competitor, round-robin, because thread pools that spin slow each other down. Printed: the median time of a
step, the ratio to idiomatic NumPy, and the time of making the code and the first step. Then the memory of W4.
"""

from __future__ import annotations

import gc
import os
import statistics
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import numpy as np
from peers import PEERS, numpy_idiomatic
from workloads import SGD_SAMPLES, Workload, workload

from symderiv.compute.engine import Engine, Plan, prepare
from symderiv.compute.layouts import sample_size
from symderiv.compute.updates import find_update

ROUNDS = 9
NAMES = ("W1", "W2", "W5", "W3", "W4")
ISOLATED = ("W3", "W4")


def made(w: Workload, backend: str) -> Engine:
    """symderiv's code for a workload, with its initial parameters."""
    model = w.model()
    size = sample_size(model)
    sizes = {"n": len(w.X), "d": w.features, "h": w.hidden, "o": w.outputs, "k": w.outputs}
    plan = Plan(model, size, sizes, {}, find_update("gradient-descent"), w.rate, 1 if w.one_by_one else None)
    engine = prepare(plan, {"X": w.X, "Y": w.Y}, 10**9, backend)
    engine.storage.load(w.parameters())
    return engine


def ours(backend: str) -> Callable[[Workload], Any]:
    """symderiv as a competitor."""

    def factory(w: Workload):
        engine = made(w, backend)
        cycle = (np.arange(1 << 20) % SGD_SAMPLES)[:, None]

        def run(steps):
            if not w.one_by_one:
                return engine.run(None, steps, 1)
            loss = 0.0
            for start in range(0, steps, len(cycle)):
                loss = engine.run(cycle[: min(len(cycle), steps - start)], min(len(cycle), steps - start), 1)
            return loss

        return run, engine.storage.values

    return factory


COMPETITORS = {**PEERS, "symderiv, NumPy alone": ours("numpy"), "symderiv, C": ours("c")}


def checked(name: str, w: Workload) -> tuple[Callable[[int], float], float]:
    """A competitor that has shown that it computes the same, and the seconds until its first step was done."""
    begin = time.perf_counter()
    run, _ = COMPETITORS[name](w)
    run(1)
    first = time.perf_counter() - begin
    run, parameters = COMPETITORS[name](w)
    plain, truth = numpy_idiomatic(w)
    steps = 2 if w.name == "W4" else 7
    losses = run(steps), plain(steps)
    found, expected = parameters(), truth()
    error = max(float(np.abs(found[k] - expected[k]).max()) for k in expected)
    assert error < 1e-9 and abs(losses[0] - losses[1]) < 1e-9, f"{name} computes something else: {error}, {losses}"
    return run, first


def steps_for(run: Callable[[int], float], seconds: float) -> int:
    """So many steps that they take about that long."""
    steps = 1
    while True:
        begin = time.perf_counter()
        run(steps)
        took = time.perf_counter() - begin
        if took > seconds / 4 or steps > 1 << 22:
            return max(1, int(steps * seconds / took))
        steps *= 4


def interleaved(w: Workload) -> tuple[dict[str, list[float]], dict[str, float]]:
    """Seconds a step of each competitor, A B C then C B A, and the seconds until its first step."""
    runs: dict[str, Callable[[int], float]] = {}
    first: dict[str, float] = {}
    for name in COMPETITORS:
        try:
            runs[name], first[name] = checked(name, w)
        except ImportError:
            continue
    counts = {name: steps_for(run, 0.04) for name, run in runs.items()}
    times: dict[str, list[float]] = {name: [] for name in runs}
    gc.disable()
    for k in range(ROUNDS):
        for name in list(runs)[:: 1 if k % 2 else -1]:
            time.sleep(0.003)  # other libraries' threads stop spinning
            runs[name](max(1, counts[name] // 16))
            begin = time.perf_counter()
            runs[name](counts[name])
            times[name].append((time.perf_counter() - begin) / counts[name])
    gc.enable()
    return times, first


def alone(w: Workload, name: str) -> None:
    """One competitor in this process: prints the median seconds of a step and those until the first."""
    run, first = checked(name, w)
    steps = steps_for(run, 0.1)
    times = []
    begin = time.perf_counter()
    while time.perf_counter() - begin < 1.0 or len(times) < 3:
        start = time.perf_counter()
        run(steps)
        times.append((time.perf_counter() - start) / steps)
    print(statistics.median(times), first)


def isolated(w: Workload) -> tuple[dict[str, list[float]], dict[str, float]]:
    """As `interleaved`, a process a competitor and round."""
    times: dict[str, list[float]] = {name: [] for name in COMPETITORS if name != "Numba, fused"}
    first: dict[str, float] = {}
    for k in range(5):
        for name in list(times)[:: 1 if k % 2 else -1]:
            command = [sys.executable, __file__, "--alone", w.name, name]
            result = subprocess.run(command, capture_output=True, text=True, check=False)
            if result.returncode:
                if "ImportError" not in result.stderr and "ModuleNotFoundError" not in result.stderr:
                    print(result.stderr)
                times.pop(name)
                continue
            median, begin = map(float, result.stdout.split())
            times[name].append(median)
            first[name] = min(begin, first.get(name, begin))
    return times, first


def table(w: Workload, times: dict[str, list[float]], first: dict[str, float]) -> None:
    base = np.array(times["NumPy, idiomatic"])
    print(f"\n{w.name}: {w.features}-{w.hidden}-{w.outputs}, {w.activation}, {w.head}, n = {w.samples}")
    print(f"{'':26}{'a step':>12}{'x NumPy':>10}{'(least, most)':>18}{'to first step':>16}")
    for name, seconds in sorted(times.items(), key=lambda item: statistics.median(item[1])):
        ratios = base[: len(seconds)] / np.array(seconds)
        spread = f"({ratios.min():.3g}, {ratios.max():.3g})"
        step = statistics.median(seconds)
        shown = f"{step * 1e6:.3g} us" if step < 1e-3 else f"{step * 1e3:.3g} ms"
        print(f"{name:26}{shown:>12}{np.median(ratios):>10.3g}{spread:>18}{first[name] * 1e3:>13.0f} ms", flush=True)


def memory(w: Workload) -> None:
    """What a step holds, against the arrays it cannot do without: data, parameters, gradient, hidden layer."""
    needed = 8 * (w.X.size + w.Y.size + 2 * sum(p.size for p in w.start.values()) + w.samples * w.hidden)
    tracemalloc.start()
    engine = made(w, "numpy")
    engine.run(None, 2, 1)
    tracemalloc.reset_peak()
    engine.run(None, 2, 1)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    print(f"\nMemory of a step of {w.name}: at most {peak / 1e6:.1f} MB, {peak / needed:.2f} times the {needed / 1e6:.1f} MB "
          f"of data, parameters, gradient and hidden layer")  # fmt: skip


def main() -> None:
    if sys.argv[1:2] == ["--alone"]:
        alone(workload(sys.argv[2]), sys.argv[3])
        return
    print(
        f"OPENBLAS_CORETYPE {os.environ.get('OPENBLAS_CORETYPE', 'unset')}, {os.cpu_count()} processors, NumPy {np.__version__}"
    )
    for name in sys.argv[1:] or NAMES:
        w = workload(name)
        table(w, *(isolated(w) if name in ISOLATED else interleaved(w)))
        if name == "W4":
            memory(w)


if __name__ == "__main__":
    main()
