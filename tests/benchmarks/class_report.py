"""A class's worth: `python tests/benchmarks/class_report.py [--sizes 200 2000]`, on generated homework.

Prints for each size submissions and claims a second, from a cold start to the last file, and the peak memory of the command
and of its processes; then, for the largest, whether a run that is killed twice ends with the bytes of the unbroken one.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT)]

COMMAND = """
import resource, sys
from symderiv.cli import main
try:
    main()
finally:
    peaks = [resource.getrusage(who).ru_maxrss / 1024 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    print(*peaks, file=sys.stderr)
"""
"""Of the children the one with the highest peak counts; that is what the system tells."""


@dataclass
class Run:
    """How long it took, and the peak memory in MB of the command and of the largest of its processes."""

    seconds: float
    own: float
    worker: float


def write_class(folder: Path, size: int) -> None:
    """So many submissions, no two alike."""
    from tests.homework.generator import generate

    folder.mkdir()
    for seed in range(size):
        (folder / f"student{seed:04d}.md").write_text(generate(seed).text)


def command(folder: Path, report: Path) -> list[str]:
    """The command that reports on a class."""
    return [sys.executable, "-c", COMMAND, "check", str(folder), "--report", str(report), "--quiet"]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def run(folder: Path, report: Path) -> Run:
    """The whole command."""
    start = time.perf_counter()
    done = subprocess.run(command(folder, report), env=environment(), capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - start
    own, worker = done.stderr.split()[-2:]
    return Run(seconds, float(own), float(worker))


def killed(folder: Path, report: Path, after: float) -> int:
    """The command, killed after so many seconds; how many results are there then."""
    process = subprocess.Popen(command(folder, report), env=environment(), stderr=subprocess.DEVNULL)
    time.sleep(after)
    process.send_signal(signal.SIGKILL)
    process.wait()
    with tempfile.TemporaryDirectory() as place:  # a copy: the next run finds what this one left
        for file in report.glob("results.sqlite*"):
            shutil.copy(file, place)
        with closing(sqlite3.connect(Path(place, "results.sqlite"))) as copy:
            return int(copy.execute("SELECT COUNT(*) FROM results").fetchone()[0])


def digests(report: Path) -> dict[str, str]:
    """What was written, file by file, without the file that the results are kept in."""
    return {
        file.relative_to(report).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(report.rglob("*"))
        if file.is_file() and not file.name.startswith("results.sqlite")
    }


def claims_in(report: Path) -> Iterator[int]:
    """The number of claims of every submission."""
    with (report / "claims.jsonl").open() as lines:
        for line in lines:
            yield len(json.loads(line).get("claims", ()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[200, 2000])
    options = parser.parse_args()
    print(f"{len(os.sched_getaffinity(0))} cores, load {os.getloadavg()[0]:.1f}")
    print(
        f"{'submissions':>11s}{'claims':>8s}{'seconds':>9s}{'a second':>10s}{'claims/s':>10s}{'again':>8s}{'own MB':>9s}{'worker MB':>11s}"
    )
    with tempfile.TemporaryDirectory() as place:
        base = Path(place)
        for size in options.sizes:
            folder, report = base / "class", base / "unbroken"
            shutil.rmtree(folder, ignore_errors=True)
            shutil.rmtree(report, ignore_errors=True)
            write_class(folder, size)
            first, again = run(folder, report), run(folder, report)
            claims = sum(claims_in(report))
            print(
                f"{size:11d}{claims:8d}{first.seconds:9.1f}{size / first.seconds:10.1f}{claims / first.seconds:10.0f}"
                f"{again.seconds:8.1f}{first.own:9.0f}{first.worker:11.0f}",
                flush=True,
            )
        broken = base / "broken"
        kept = [killed(folder, broken, first.seconds * share) for share in (0.4, 0.35)]
        rest = run(folder, broken)
        same = digests(broken) == digests(report)
        print(f"killed with {kept[0]} and {kept[1]} of {size} results, went on for {rest.seconds:.1f} s: ", end="")
        print("the same bytes as unbroken" if same else f"DIFFERENT: {_different(digests(report), digests(broken))}")
        if not same:
            sys.exit(1)


def _different(expected: dict[str, str], found: dict[str, str]) -> list[str]:
    return sorted(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name))[:10]


if __name__ == "__main__":
    main()
