"""`symderiv check`: somebody's derivation, marked line by line.

Exit status: 0 nothing wrong, 1 something wrong or carried, 2 a homework (or the model) could not be read or marked at all.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from symderiv.cli.console import errors_told, red
from symderiv.cli.selection import file_stem
from symderiv.errors import HomeworkError, OutputError

if TYPE_CHECKING:
    from symderiv.homework.batches import Outcome, Setup


@click.command(short_help="Mark somebody's derivation line by line.")
@click.argument(
    "homeworks", nargs=-1, required=True, type=click.Path(path_type=Path, allow_dash=True), metavar="HOMEWORK..."
)
@click.option(
    "--model", type=click.Path(path_type=Path), help="The network it is about. [default: read from the homework]"
)
@click.option("--all", "-a", "every", is_flag=True, help="Show right claims too.")
@click.option("--json", "as_json", is_flag=True, help="As JSON; of several homeworks, an object a line.")
@click.option(
    "--html",
    "--out",
    "-o",
    "out",
    type=click.Path(path_type=Path),
    metavar="DIR|FILE",
    help="Write a page a homework: NAME.html in this folder, or this .html file.",
)
@click.option(
    "--report",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Of a class, also from folders inside folders: a page a student, tables, a page for the teacher.",
)
@click.option("--jobs", "-j", type=click.IntRange(min=1), help="Processes for many homeworks. [default: one a core]")
@click.option(
    "--time-limit",
    type=click.FloatRange(min=0, min_open=True),
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="For each homework.",
)
@click.option("--quiet", "-q", is_flag=True, help="Print nothing but errors (and the JSON, if asked for).")
def check(
    homeworks: tuple[Path, ...],
    model: Path | None,
    every: bool,
    as_json: bool,
    out: Path | None,
    report: Path | None,
    jobs: int | None,
    time_limit: float,
    quiet: bool,
) -> None:
    """Mark derivations of gradients: every claim that is stated gets a verdict and a reason.

    \b
    symderiv check homework.md                   the report, on the terminal
    symderiv check homework.md -o report.html    the document with its claims marked in place
    symderiv check submissions/ -o marked/       every .md, .txt, .tex and .py in the folder
    symderiv check submissions/ --report class/  a class: goes on where an interrupted run stopped
    symderiv check homework.md --json            for other programs
    symderiv check - < homework.md

    Verdicts: ✓ correct, ≈ correct up to notation, ✗ wrong, → carried over from an earlier mistake, ? not decidable from
    what the document says. Exit status: 0 nothing wrong, 1 something wrong or carried, 2 a homework could not be read.
    """
    try:
        with errors_told():
            import symderiv.homework as package
            from symderiv.documents.files import make_folder
            from symderiv.homework.batches import Setup, find_homework, mark_all

            if report is not None:
                _refuse_with_report({"--json": as_json, "-o": out is not None, "--all": every})
                setup = Setup(package.check_homework, model, pages=True, time_limit=time_limit)
                sys.exit(_report(homeworks, setup, report, jobs or _cores(), quiet))
            files = find_homework(homeworks)
            targets = _targets(files, out) if out is not None else []
            setup = Setup(package.check_homework, model, pages=out is not None, time_limit=time_limit)
            outcomes = mark_all(files, setup, jobs or _cores())
            if targets:
                make_folder(targets[0].parent)
            with closing(outcomes):
                status = _tell(outcomes, targets, len(files), _Form(every, as_json, quiet))
    except KeyboardInterrupt:
        click.echo("\nstopped" + ("; the same command goes on from here" if report is not None else ""), err=True)
        sys.exit(130)
    sys.exit(status)


def _refuse_with_report(given: dict[str, bool]) -> None:
    """A report writes what those options ask for, each into its own file.

    Raises: HomeworkError that names them.
    """
    names = " and ".join(name for name, is_given in given.items() if is_given)
    if names:
        raise HomeworkError(f"--report writes pages, tables and JSON of its own: leave out {names}")


def _report(homeworks: tuple[Path, ...], setup: Setup, folder: Path, jobs: int, quiet: bool) -> int:
    """Report on a class, tell it in a line, and find the exit status."""
    from symderiv.cli.progress import Progress
    from symderiv.homework.gradebook.class_report import report_class
    from symderiv.homework.reports.layout import counted

    progress = Progress("marked")

    def complain(problem: str) -> None:
        progress.clear()
        click.echo(f"{red('error:')} {problem}", err=True)

    result = report_class(homeworks, setup, folder, jobs, progress.tell, complain)
    progress.clear()
    if not quiet:
        parts = [
            (result.faultless, "nothing wrong"), (result.faulty, "something wrong"), (result.problems, "not marked"),
            (result.reused, "known from before"),
        ]  # fmt: skip
        told = ", ".join(f"{number} {what}" for number, what in parts if number)
        _say(f"{counted(result.submissions, 'submission')}: {told}. Open {_name(folder / 'index.html')} in a browser.")
    return 2 if result.problems else 1 if result.faulty else 0


@dataclass(frozen=True)
class _Form:
    """How outcomes are told."""

    every: bool
    as_json: bool
    quiet: bool


def _tell(outcomes: Generator[Outcome, None, None], targets: list[Path], count: int, form: _Form) -> int:
    """Tell every outcome as it comes, write its page, and find the exit status."""
    from symderiv.documents.files import write_file

    faultless, faulty, failed = 0, 0, 0
    for k, outcome in enumerate(outcomes):
        marking = outcome.marking
        if marking is None:
            failed += 1
            click.echo(f"{red('error:')} {outcome.problem}", err=True)
        else:
            faultless, faulty = faultless + marking.is_faultless, faulty + (not marking.is_faultless)
            if targets:
                write_file(targets[k], outcome.page.encode("utf-8", "backslashreplace"))
        if form.as_json:
            _tell_json(outcome, alone=count == 1)
        elif marking is not None and not form.quiet:
            _tell_text(outcome, form.every, alone=count == 1)
    if not (form.as_json or form.quiet):
        if count > 1:
            parts = [(faultless, "nothing wrong"), (faulty, "something wrong"), (failed, "not marked")]
            _say(f"{count} homeworks: " + ", ".join(f"{number} {what}" for number, what in parts if number))
        if targets and failed < count:
            _say(f"Open {_name(targets[0])} in a browser." if count == 1 else f"Pages in {_name(targets[0].parent)}/")
    return 2 if failed else 1 if faulty else 0


def _tell_json(outcome: Outcome, alone: bool) -> None:
    """One homework as an object over several lines; of several, each as an object on a line of its own."""
    marking = outcome.marking
    if not alone:
        told = marking.to_json() if marking else {"document": outcome.name, "error": outcome.problem}
        _say(json.dumps(told))  # in ASCII: a text can hold characters that some take for the end of a line
    elif marking is not None:
        is_unicode = (getattr(sys.stdout, "encoding", "") or "").lower().replace("-", "") == "utf8"
        _say(marking.to_json_text() if is_unicode else json.dumps(marking.to_json(), indent=2))


def _tell_text(outcome: Outcome, every: bool, alone: bool) -> None:
    from symderiv.homework.reports.layout import harmless, summary_line
    from symderiv.homework.reports.terminal import details, notes

    marking = outcome.marking
    assert marking is not None
    width = min(shutil.get_terminal_size((96, 24)).columns, 120)
    if alone:
        _say(marking.to_text(every=every, width=width, colour=True).rstrip("\n"))
        return
    name = click.style(harmless(outcome.name), bold=True)
    _say(f"{name}: {summary_line(marking.summary)}")
    told = [details(marking, every=every, width=width - 2, colour=True)]
    told += [notes(marking, width=width - 2, colour=True)] if every else []
    for block in filter(None, told):
        _say("\n" + "\n".join(f"  {line}".rstrip() for line in block.split("\n")))
    if any(told):
        _say("")


def _say(text: str) -> None:
    """Print it: colours on a terminal only and not against NO_COLOR; what the terminal cannot show as an escape."""
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")
    click.echo(text, color=False if os.environ.get("NO_COLOR") else None)


def _name(path: Path) -> str:
    from symderiv.homework.reports.layout import harmless

    return harmless(path)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _targets(files: list[Path], out: Path) -> list[Path]:
    """The page of every homework: different ones, and none of them a homework.

    Raises: HomeworkError, OutputError where that cannot be.
    """
    if out.suffix.lower() in (".html", ".htm") and not out.is_dir():
        if len(files) > 1:
            raise HomeworkError(
                f"{len(files)} homeworks do not fit into one page {_name(out)}", "name a folder: -o DIR"
            )
        if _is_any_of(out, files):
            raise OutputError(f"the page would overwrite the homework {_name(out)}\n  choose another name with -o")
        return [out]
    taken: set[str] = set()
    targets = []
    for file in files:
        for stem in _stems(file):
            target = out / f"{stem}.html"
            if target.name.lower() not in taken and not _is_any_of(target, files):
                break
        taken.add(target.name.lower())
        targets.append(target)
    return targets


def _stems(file: Path) -> Iterator[str]:
    """Names for the page of a homework, the plainest first."""
    stem = "stdin" if str(file) == "-" else file_stem(file)
    yield stem
    if file.suffix:
        stem += f"-{file.suffix[1:]}" if file.suffix[1:].isalnum() else ""
        yield stem
    number = 2
    while True:
        yield f"{stem}-{number}"
        number += 1


def _is_any_of(target: Path, files: list[Path]) -> bool:
    """Whether it is one of the homeworks, under whatever name."""
    paths = [file for file in files if str(file) != "-"]
    if target.absolute() in [path.absolute() for path in paths]:
        return True
    if not target.exists():
        return False
    return any(path.exists() and target.samefile(path) for path in paths)
