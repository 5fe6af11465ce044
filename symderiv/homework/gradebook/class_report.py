"""The whole way of a class: mark what is new, keep it, and write everything from what is kept.

In the folder: `index.html` for the teacher, `students/NAME.html`, `gradescope/NAME/results.json`, `claims.csv`,
`claims.jsonl`, `submissions.csv`, and `results.sqlite`, from which all of it can be made again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass
from pathlib import Path

from symderiv.documents.files import make_folder, replacing, unfinished
from symderiv.errors import HomeworkError, ModelError, OutputError
from symderiv.homework.batches import Homework, Setup, homework_of, mark_apart, read_content
from symderiv.homework.gradebook import tables
from symderiv.homework.gradebook.gradescope import results_of
from symderiv.homework.gradebook.store import Entry, Store, key_of, opened
from symderiv.homework.gradebook.submissions import Submission, described, submissions_of
from symderiv.homework.gradebook.summary import Summary

Tell = Callable[[int, int], None]
"""Called with how many are done, of how many."""


@dataclass(slots=True)
class Result:
    """What became of a class: how many of which kind, how many results were there already, and the problems, a line each."""

    faultless: int = 0
    faulty: int = 0
    reused: int = 0
    problems: int = 0

    @property
    def submissions(self) -> int:
        """How many in all."""
        return self.faultless + self.faulty + self.problems


def report_class(
    paths: Sequence[Path], setup: Setup, folder: Path, jobs: int, tell: Tell, complain: Callable[[str], None]
) -> Result:
    """Mark the homeworks in these files and folders and write the report; what cannot be marked is complained about.

    Raises: HomeworkError if there is none, ModelError if the model cannot be read, OutputError if something cannot be written.
    """
    submissions = submissions_of(paths)
    for place in (folder, folder / "students", folder / "gradescope"):
        make_folder(place)
    with opened(folder / "results.sqlite") as store:
        result = Result(reused=_mark(submissions, setup, store, jobs, tell))
        _write(described(paths), store, folder, result, complain)
        _remove_left_over(store, folder)
        store.tidy()
    return result


def _mark(submissions: Sequence[Submission], setup: Setup, store: Store, jobs: int, tell: Tell) -> int:
    """Keep a result for every submission; how many there were already."""
    model = _content_of_model(setup)
    keys: dict[int, str] = {}  # of what is being marked, by the place at which it was asked for
    done = asked = reused = 0

    def new() -> Iterator[Homework]:
        nonlocal asked, done, reused
        for place, submission in enumerate(submissions):
            key, problem = None, ""
            try:
                content = read_content(submission.path, submission.name)
                homework = homework_of(content, submission.name)
                key = key_of(content, submission.path.suffix, model)
            except HomeworkError as error:
                problem = str(error)
            store.enter(place, submission, key, problem)
            if key is not None and not store.knows(key, setup.time_limit):
                keys[asked] = key
                asked += 1
                yield homework
            else:
                reused += key is not None
                done += 1
                tell(done, len(submissions))

    store.begin()
    with closing(mark_apart(new(), setup, min(jobs, len(submissions)))) as finished:
        for place, outcome in finished:
            store.keep(keys.pop(place), outcome, setup.time_limit)
            done += 1
            tell(done, len(submissions))
    return reused


def _content_of_model(setup: Setup) -> bytes | None:
    """What the model says; an error in it is one error, not one a homework."""
    if setup.model is None:
        return None
    from symderiv.textbook.model_files import read_model

    read_model(setup.model)
    try:
        return setup.model.read_bytes()
    except OSError as error:
        raise ModelError(f"cannot read {setup.model}: {error.strerror}") from error


def _write(title: str, store: Store, folder: Path, result: Result, complain: Callable[[str], None]) -> None:
    """Every file, from what is kept, in one go over the submissions."""
    with ExitStack() as stack:
        summary = stack.enter_context(closing(Summary(title)))
        names = ("claims.csv", tables.ENCODING), ("submissions.csv", tables.ENCODING), ("claims.jsonl", "utf-8")
        made = tables.Tables(*(stack.enter_context(replacing(folder / name, encoding)) for name, encoding in names))
        for entry in store.entries():
            store.remember(entry.stem)
            _write_student(entry, folder)
            made.add(entry)
            summary.add(entry)
            if entry.marking is None:
                result.problems += 1
                complain(entry.problem)
            else:
                result.faultless += entry.marking.is_faultless
                result.faulty += not entry.marking.is_faultless
        with replacing(folder / "index.html") as page:
            page.writelines(summary.page())


def _write_student(entry: Entry, folder: Path) -> None:
    """The page of a submission and its results for Gradescope; without a marking there is no page."""
    page = folder / "students" / f"{entry.stem}.html"
    if entry.marking is None:
        _remove(page)
    else:
        with replacing(page) as file:
            file.write(entry.page)
    make_folder(folder / "gradescope" / entry.stem)
    with replacing(folder / "gradescope" / entry.stem / "results.json") as file:
        file.write(json.dumps(results_of(entry), indent=2) + "\n")


def _remove_left_over(store: Store, folder: Path) -> None:
    """The files of submissions that are no longer there; nothing that somebody else put into the folder."""
    for stem in store.left_over():
        _remove(folder / "students" / f"{stem}.html")
        _remove(folder / "gradescope" / stem / "results.json")
        with suppress(OSError):  # somebody put something into it
            (folder / "gradescope" / stem).rmdir()
        store.forget(stem)


def _remove(file: Path) -> None:
    try:
        file.unlink(missing_ok=True)
        unfinished(file).unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(f"cannot remove {file}: {error.strerror}") from error
