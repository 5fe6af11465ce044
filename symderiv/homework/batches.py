"""Many homeworks at once: read, marked by several processes, told in order or as they come; a bad one costs only itself.

A process of its own that dies or takes too long can be replaced without losing what the others do, and it is known on which
homework it died: that is why there is no executor here. One homework alone is marked in this process.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain
from multiprocessing import connection, get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from symderiv.errors import HomeworkError, SymderivError
from symderiv.homework.marking import Marking
from symderiv.homework.reports.layout import harmless

ENDINGS = (".md", ".txt", ".tex", ".py")
MAX_BYTES = 1_000_000
TIME_LIMIT = 60.0
START_LIMIT = 60.0
"""Seconds that a process may take to start."""

Check = Callable[..., Marking]


@dataclass(frozen=True, slots=True)
class Homework:
    """A homework that was read: its text as `Path.read_text()` gives it, and what there is to say about its encoding."""

    name: str
    text: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a homework: its marking and, where asked for, its page; or the problem, on one line.

    reason: the problem without the name of the homework, if it came up in marking and not in reading.
    """

    name: str
    marking: Marking | None = None
    page: str = ""
    problem: str = ""
    reason: str = ""


def unmarked(name: str, reason: str) -> Outcome:
    """What became of a homework that could not be marked."""
    return Outcome(name, problem=f"cannot mark {harmless(name)}: {reason}", reason=reason)


@dataclass(frozen=True, slots=True)
class Setup:
    """How homeworks are marked: by which function, against which model file, with a page or not, in how many seconds."""

    check: Check
    model: Path | None = None
    pages: bool = False
    time_limit: float = TIME_LIMIT


def find_homework(paths: Iterable[Path], *, nested: bool = False) -> list[Path]:
    """Files as they are, folders as the homeworks in them, by name; each file once. `-` stands for itself.

    nested: those in folders inside them too.

    Raises: HomeworkError for a folder without any.
    """
    found: dict[Path, Path] = {}
    for path in paths:
        files = [path]
        if str(path) != "-" and path.is_dir():
            files = _in_folders(path) if nested else _in_folder(path)
            if not files:
                raise HomeworkError(f"the folder {harmless(path)} holds no homework: no {', '.join(ENDINGS)}")
        for file in files:
            key = file if str(file) == "-" else file.absolute()
            found.setdefault(key, file)
    return list(found.values())


def _in_folder(folder: Path) -> list[Path]:
    try:
        return [file for file in sorted(folder.iterdir()) if _is_homework(file)]
    except OSError as error:
        raise HomeworkError(f"cannot read the folder {harmless(folder)}: {error.strerror}") from error


def _in_folders(folder: Path) -> list[Path]:
    """Those of a folder and all visible ones inside. A folder that cannot be listed stands for what may be in it."""
    found: list[Path] = []

    def stand_for(error: OSError) -> None:
        found.append(Path(error.filename))

    for inside, folders, files in os.walk(folder, onerror=stand_for):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [file for file in (Path(inside, name) for name in files) if _is_homework(file)]
    if folder in found:
        raise HomeworkError(f"cannot read the folder {harmless(folder)}")
    return sorted(found)


def _is_homework(file: Path) -> bool:
    return file.suffix.lower() in ENDINGS and not file.name.startswith(".") and os.path.isfile(file)


def read_homework(path: Path) -> Homework:
    """A file, or with `-` the standard input.

    Raises: HomeworkError with one line that says why not.
    """
    name = "stdin" if str(path) == "-" else str(path)
    return homework_of(read_content(path, name), name)


def read_content(path: Path, name: str) -> bytes:
    """The bytes of a file, or with `-` of the standard input; name: what to call it if that fails.

    Raises: HomeworkError with one line that says why not.
    """
    try:
        if str(path) == "-":
            content = sys.stdin.buffer.read(MAX_BYTES + 1)
        else:
            with path.open("rb") as file:
                content = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:  # ValueError: a name with a NUL in it
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise HomeworkError(f"cannot read {harmless(name)}: {reason}") from error
    if len(content) > MAX_BYTES:
        raise HomeworkError(f"{harmless(name)} is larger than a homework may be, {MAX_BYTES:,} bytes")
    return content


def homework_of(content: bytes, name: str) -> Homework:
    """The homework that a file with this content is.

    Raises: HomeworkError if it is not text.
    """
    text, note = _decoded(content, harmless(name))
    # As Python reads a file, so that offsets are those that everybody counts.
    return Homework(name, text.replace("\r\n", "\n").replace("\r", "\n"), note)


def _decoded(content: bytes, name: str) -> tuple[str, str]:
    """The text, and a note if it is not simply UTF-8. A byte order mark of UTF-8 stays: `Path.read_text()` keeps it too."""
    try:
        if content.startswith((b"\xff\xfe\0\0", b"\0\0\xfe\xff")):
            return content.decode("utf-32"), "read as UTF-32"
        if content.startswith((b"\xff\xfe", b"\xfe\xff")):
            return content.decode("utf-16"), "read as UTF-16"
    except UnicodeDecodeError:
        raise HomeworkError(f"{name} is not text: it begins as UTF-16 and does not go on so") from None
    note = ""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        if 0 not in content:
            place = content.count(b"\n", 0, error.start) + 1
            note = f"not UTF-8 (first on line {place}), so it was read as Windows-1252 (Latin-1): accents may be wrong"
        try:
            text = content.decode("cp1252")
        except UnicodeDecodeError:
            text = content.decode("latin-1")
    strange = sum(c < 32 and c not in b"\t\n\f\r" for c in content)
    if strange * 20 > len(content) or (strange and 0 in content and not note and not _is_utf8(content)):
        raise HomeworkError(f"{name} is not text")
    return text, note


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def mark_all(paths: Iterable[Path], setup: Setup, jobs: int = 1) -> Generator[Outcome, None, None]:
    """Mark homeworks, in the order of the paths; with more than one job, in so many processes.

    Raises: ModelError if the model cannot be read.
    """
    paths = list(paths)
    if setup.model is not None:
        _read_model(setup.model)  # an error in it is one error, not one a homework

    def homeworks() -> Iterator[Homework | Outcome]:
        for path in paths:
            try:
                yield read_homework(path)
            except HomeworkError as error:
                yield Outcome("stdin" if str(path) == "-" else str(path), problem=str(error))

    jobs = min(jobs, len(paths))
    return _in_order(mark_apart(homeworks(), setup, jobs) if jobs > 1 else _mark_here(enumerate(homeworks()), setup))


Finished = Generator[tuple[int, Outcome], None, None]


def mark_apart(homeworks: Iterator[Homework | Outcome], setup: Setup, jobs: int) -> Finished:
    """Mark homeworks in so many other processes: outcomes with the places of their homeworks, as soon as they are there.

    A homework is asked for when there is somebody to mark it, and no outcome waits for another.
    """
    first = next(homeworks, None)
    if first is not None:  # else nobody need be hired
        yield from _Crew(chain((first,), homeworks), setup, jobs).outcomes()


def _in_order(finished: Finished) -> Generator[Outcome, None, None]:
    """One after the other, as soon as it and all before it are there."""
    done: dict[int, Outcome] = {}
    told = 0
    with contextlib.closing(finished):
        for place, outcome in finished:
            done[place] = outcome
            while told in done:
                yield done.pop(told)
                told += 1


def _mark_here(homeworks: Iterator[tuple[int, Homework | Outcome]], setup: Setup) -> Finished:
    model = _read_model(setup.model)
    for place, homework in homeworks:
        if isinstance(homework, Outcome):
            yield place, homework
            continue
        try:
            with _stopped_after(setup.time_limit):
                outcome = mark(homework, setup, model)
        except _TooLong:
            outcome = unmarked(homework.name, f"it took longer than {setup.time_limit:g} s")
        yield place, outcome


def mark(homework: Homework, setup: Setup, model: Any = None) -> Outcome:
    """Mark one homework. Whatever goes wrong in it is its outcome's problem."""
    name = homework.name
    marked = len(homework.text) - len(homework.text.removeprefix("\ufeff"))
    try:
        marking = setup.check(homework.text[marked:], name=name, model=model)
        if marked:
            marking = _moved(marking, marked, homework.text)
        if homework.note:
            marking = replace(marking, notes=((1, homework.note), *marking.notes))
        return Outcome(name, marking, marking.to_html() if setup.pages else "")
    except SymderivError as error:
        return unmarked(name, harmless(error))
    except Exception as error:  # a bug of ours must not cost the other homeworks
        what = " ".join(harmless(error).split())[:200]
        stopped = f"the marking stopped with {type(error).__name__}" + (f" ({what})" if what else "")
        return unmarked(name, f"{stopped}, which is a bug in symderiv")


def _moved(marking: Marking, by: int, text: str) -> Marking:
    """The marking of the text without its first characters as one of the whole text."""
    claims = tuple(replace(c, span=(c.span[0] + by, c.span[1] + by)) for c in marking.claims)
    return replace(marking, text=text, claims=claims)


def _read_model(path: Path | None) -> Any:
    if path is None:
        return None
    from symderiv.textbook.model_files import read_model

    return read_model(path)


class _TooLong(BaseException):
    """The time is over. No Exception, so that nobody who catches those goes on."""


@contextlib.contextmanager
def _stopped_after(seconds: float) -> Iterator[None]:
    """Stop the block after so long, where the system can do that."""
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: Any) -> None:
        raise _TooLong

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds, 1.0)  # and again, in case that somebody swallows the first
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _serve(pipe: Connection, setup: Setup) -> None:
    """What a process of the crew does: say that it is ready, then mark what comes until nothing comes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the one that started it decides
    model = _read_model(setup.model)
    pipe.send(None)
    with contextlib.suppress(EOFError, OSError):
        while True:
            homework = pipe.recv()
            if hasattr(signal, "setitimer"):  # dies by itself if nobody is left to stop it
                signal.setitimer(signal.ITIMER_REAL, setup.time_limit + 10)
            outcome = mark(homework, setup, model)
            try:
                pipe.send(outcome)
            except (TypeError, AttributeError, ValueError) as error:
                pipe.send(unmarked(homework.name, f"its marking cannot be sent ({type(error).__name__})"))


class _Worker:
    """A process, the homework it has (its place and name), and when it must be done."""

    def __init__(self, setup: Setup) -> None:
        context = get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs, setup), daemon=True)
        self.process.start()
        theirs.close()
        self.task: tuple[int, str] | None = None
        self.deadline = time.monotonic() + START_LIMIT

    def stop(self) -> None:
        self.pipe.close()
        self.process.kill()
        self.process.join()


class _Crew:
    """Several processes that mark what comes."""

    def __init__(self, homeworks: Iterator[Homework | Outcome], setup: Setup, jobs: int) -> None:
        self.coming = enumerate(homeworks)
        self.setup = setup
        self.jobs = jobs
        self.workers: list[_Worker] = []
        self.done: list[tuple[int, Outcome]] = []

    def outcomes(self) -> Finished:
        """Each as soon as it is there."""
        try:
            for _ in range(self.jobs):
                self._hire()
            while self.workers:
                self._wait()
                yield from self.done
                self.done.clear()
            # Only where no process can be started at all is there something left.
            yield from _mark_here(self.coming, self.setup)
        finally:
            for worker in self.workers:
                worker.stop()

    def _hire(self) -> None:
        with contextlib.suppress(OSError):  # fewer, then
            self.workers.append(_Worker(self.setup))

    def _wait(self) -> None:
        """Until something happens: an outcome, a death, the end of somebody's time."""
        seconds = max(0.0, min(worker.deadline for worker in self.workers) - time.monotonic())
        ready = connection.wait([worker.pipe for worker in self.workers], seconds)
        for worker in list(self.workers):
            if worker.pipe in ready:
                try:
                    outcome = worker.pipe.recv()
                except Exception:  # it died, perhaps in the middle of a word
                    self._replace(worker, "the process that marked it died")
                    continue
                if worker.task is not None:
                    self.done.append((worker.task[0], outcome))
                self._give(worker)
            elif time.monotonic() >= worker.deadline:
                self._replace(worker, f"it took longer than {self.setup.time_limit:g} s")

    def _give(self, worker: _Worker) -> None:
        """The next homework to this worker; without one it is let go."""
        for place, homework in self.coming:
            if isinstance(homework, Outcome):
                self.done.append((place, homework))
                continue
            worker.task = place, homework.name
            worker.deadline = time.monotonic() + self.setup.time_limit
            with contextlib.suppress(OSError):  # it died meanwhile, which the next wait finds
                worker.pipe.send(homework)
            return
        self.workers.remove(worker)
        worker.stop()

    def _replace(self, worker: _Worker, why: str) -> None:
        """Let a worker go that died or hangs; another takes its place, unless it never got as far as to work."""
        self.workers.remove(worker)
        worker.stop()
        if worker.task is not None:
            place, name = worker.task
            self.done.append((place, unmarked(name, why)))
            self._hire()
