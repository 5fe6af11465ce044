"""How well a marker reads generated homework: `python -m tests.homework.score --seeds 0:300 [--misses] [--command "symderiv check"]`.

The counting is that of score_marking.py: a report's claim belongs to the true claim that it overlaps most, a definition that is
not reported costs nothing. Tallies by switch value show which notation is read badly.
"""

from __future__ import annotations

import argparse
import json
import shlex
import subprocess
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path

from .generator import Homework, generate

SEVERITY = ("missed", "correct", "notation", "uncheckable", "carried", "wrong")
Marker = Callable[[str, str], dict]
Result = tuple[dict, str, list[str]]


def squeezed(text: str) -> tuple[str, list[int]]:
    """Text without white space, and the offset of each character that stays."""
    kept = [(c, i) for i, c in enumerate(text) if not c.isspace()]
    return "".join(c for c, _ in kept), [i for _, i in kept]


def span_of(text: str, starts: list[int], claim: dict, behind: int = 0) -> tuple[int, int]:
    """Where a true claim stands: its formula from its line on, behind the claim before it if it is there too, else the whole line."""
    line = claim["line"] - 1
    begin = starts[line]
    small, where = squeezed(text[begin : starts[min(line + 8, len(starts) - 1)]])
    needle, _ = squeezed(claim["latex"])
    passed = sum(begin + k < behind for k in where)
    at = small.find(needle, passed)
    if at < 0 or begin + where[at] >= starts[line + 1]:  # a longer chain on this line may begin as this one does
        at = small.find(needle)
    if at < 0:
        return begin, max(text.find("\n", begin), begin + 1)
    return begin + where[at], begin + where[at + len(needle) - 1] + 1


def overlap(a: tuple[int, int], b: tuple[int, int]) -> int:
    """Characters that two ranges share."""
    return max(0, min(a[1], b[1]) - max(a[0], b[0]))


def compare(text: str, truth: list[dict], reported: list[dict]) -> list[Result]:
    """For each true claim the verdict given and the mistakes named."""
    starts = [0, *(i + 1 for i, c in enumerate(text) if c == "\n"), len(text)]
    spans: list[tuple[int, int]] = []
    for claim in truth:
        spans.append(span_of(text, starts, claim, spans[-1][1] if spans else 0))
    given: list[list[dict]] = [[] for _ in truth]
    for claim in reported:
        span = tuple(claim["span"])
        best = max(range(len(truth)), key=lambda k: (overlap(spans[k], span), spans[k][0] - spans[k][1]), default=None)
        if best is not None and overlap(spans[best], span) > 0:
            given[best].append(claim)
    rows = []
    for claim, span, got in zip(truth, spans, given, strict=True):
        got = got or [c for c in reported if overlap(span, tuple(c["span"])) >= 0.5 * (span[1] - span[0])]
        verdict = max((c["verdict"] for c in got), key=SEVERITY.index) if got else "missed"
        rows.append((claim, verdict, sorted({m for c in got for m in c.get("mistakes") or []})))
    return rows


def agrees(claim: dict, verdict: str) -> bool:
    """Whether a verdict scores as right."""
    return verdict in claim["accept"] or (claim["kind"] == "definition" and verdict == "missed")


def tally(rows: list[Result]) -> Counter:
    """The counts of score_marking.py."""
    t: Counter = Counter()
    for claim, verdict, mistakes in rows:
        accept = set(claim["accept"])
        accused = verdict in ("wrong", "carried") and not accept & {"wrong", "carried"}
        t["false_accusations"] += accused
        if claim["kind"] == "definition":
            t["definitions"] += 1
            t["definitions_agree"] += agrees(claim, verdict)
            continue
        t["claims"] += 1
        t["agree"] += agrees(claim, verdict)
        t["missed"] += verdict == "missed"
        t["uncheckable"] += verdict == "uncheckable" and not agrees(claim, verdict)
        t["false_accepts"] += verdict in ("correct", "notation") and not accept & {"correct", "notation"}
        if claim["verdict"] == "wrong" and not accept & {"correct", "notation"}:
            t["roots"] += 1
            t["roots_found"] += verdict == "wrong"
            t["named"] += bool(set(mistakes) & set(claim.get("codes", [])))
    return t


def marker(command: str | None) -> Marker:
    """The marking function: a command that takes a file and prints JSON, else the one of symderiv, in this process."""
    if command:
        return lambda text, name: _by_command(command, text, name)
    from symderiv.homework import check_homework  # late: the reader need not exist to generate

    def mark(text: str, name: str) -> dict:
        report = check_homework(text, name).to_json()
        return json.loads(report) if isinstance(report, str) else report

    return mark


def _by_command(command: str, text: str, name: str) -> dict:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_text(text)
        done = subprocess.run([*shlex.split(command), str(path), "--json"], capture_output=True, text=True, check=False)
    return json.loads(done.stdout)


def file_name(homework: Homework, seed: int) -> str:
    """A name with the ending that the text has."""
    return f"homework_{seed}.{'tex' if homework.switches.get('wrapper') == 'tex' else 'md'}"


def main() -> None:
    """Generate, mark, count, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", default="0:200", help="A:B, a half-open range")
    parser.add_argument(
        "--command", help="a command that is given a file and --json; without it symderiv.homework is called in process"
    )
    parser.add_argument("--misses", action="store_true", help="print each disagreement")
    parser.add_argument("--switches", action="store_true", help="print the agreement by switch value")
    parser.add_argument("--family", help="only documents of this family")
    parser.add_argument("--write", help="write the documents and their truth into this folder instead of marking them")
    options = parser.parse_args()
    first, last = map(int, options.seeds.split(":"))
    if options.write:
        write(range(first, last), Path(options.write))
        return
    report(range(first, last), marker(options.command), options)


def write(seeds: range, folder: Path) -> None:
    """The documents and their truth as files."""
    folder.mkdir(parents=True, exist_ok=True)
    for seed in seeds:
        homework = generate(seed)
        path = folder / file_name(homework, seed)
        path.write_text(homework.text)
        path.with_suffix(".json").write_text(
            json.dumps({"doc": path.name, "switches": homework.switches, "claims": homework.claims}, indent=1)
        )


def report(seeds: range, mark: Marker, options: argparse.Namespace) -> None:
    """Totals, misses, and the agreement by switch value."""
    total: Counter = Counter()
    by_switch: dict[tuple[str, str], Counter] = defaultdict(Counter)
    by_tag: dict[str, Counter] = defaultdict(Counter)
    crashes, spent = 0, 0.0
    for seed in seeds:
        homework = generate(seed)
        if options.family and homework.switches["family"] != options.family:
            continue
        start = time.perf_counter()
        try:
            reported = mark(homework.text, file_name(homework, seed))["claims"]
        except Exception as error:
            crashes += 1
            print(f"seed {seed}: {type(error).__name__}: {error}")
            reported = []
        spent += time.perf_counter() - start
        rows = compare(homework.text, homework.claims, reported)
        counts = tally(rows)
        total += counts
        for switch, value in homework.switches.items():
            for one in value if isinstance(value, list) else [value]:
                by_switch[switch, str(one)] += counts
        for claim, verdict, _ in rows:
            by_tag[f"{claim['kind']} {claim['verdict']} {claim['diagnosis_tag']}"][
                verdict if not agrees(claim, verdict) else "agree"
            ] += 1
            if options.misses and not agrees(claim, verdict):
                print(
                    f"seed {seed} line {claim['line']} {claim['kind']}: {verdict}, should be {claim['verdict']} ({claim['diagnosis_tag']}): {claim['latex']}"
                )
        if options.misses and counts["agree"] < counts["claims"]:
            print(f"    seed {seed}: " + " ".join(f"{k}={v}" for k, v in homework.switches.items()))
    print_totals(total, by_tag, crashes, spent)
    if options.switches:
        print_switches(by_switch)


def print_totals(total: Counter, by_tag: dict[str, Counter], crashes: int, spent: float) -> None:
    """The sums, and what happened to each kind of claim."""
    for tag, counts in sorted(by_tag.items(), key=lambda item: -sum(item[1].values())):
        print(f"{tag:60} " + "  ".join(f"{k} {v}" for k, v in counts.most_common()))
    percent = 100 * total["agree"] / max(total["claims"], 1)
    print(f"agree {percent:.1f} %  {dict(total)}  crashes {crashes}  {spent:.1f} s")


def print_switches(by_switch: dict[tuple[str, str], Counter]) -> None:
    """Agreement by switch value, the worst first."""
    for (switch, value), c in sorted(by_switch.items(), key=lambda item: item[1]["agree"] / max(item[1]["claims"], 1)):
        if c["claims"] >= 20:
            share = 100 * c["agree"] / c["claims"]
            print(
                f"{share:5.1f} %  {switch} = {value}  ({c['claims']} claims, {c['false_accusations']} accused, {c['false_accepts']} accepted)"
            )


if __name__ == "__main__":
    main()
