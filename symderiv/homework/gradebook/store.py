"""Results that are kept: one SQLite file, a row for every content that was marked, and one for every submission of this run.

A result is found by what it follows from: the content, the ending of the file, the model, and the source of symderiv. So a
file that was renamed or handed in twice is not marked again, and every file is after a rule has changed. Every result is a
transaction of its own: a run that is killed loses what was being marked. The log is written ahead (WAL), which needs no wait
for the disk; only one run at a time has the file, so it needs no shared memory either and works on network drives.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import symderiv
from symderiv.errors import OutputError
from symderiv.homework.batches import Outcome
from symderiv.homework.gradebook.records import marking_of, record_of
from symderiv.homework.gradebook.submissions import Submission
from symderiv.homework.marking import Marking
from symderiv.homework.reports.layout import harmless

FORM = 1
"""Of the tables. A file in another form is begun anew: it holds nothing that cannot be found again."""
OURS = 0x73796D64
"""Application id in the head of the file: 'symd'."""
TABLES = """
CREATE TABLE results (key TEXT PRIMARY KEY, engine TEXT NOT NULL, name TEXT NOT NULL, record TEXT, text BLOB, page BLOB,
                      reason TEXT NOT NULL, seconds REAL NOT NULL);
CREATE TABLE submissions (place INTEGER PRIMARY KEY, name TEXT NOT NULL, stem TEXT NOT NULL, key TEXT, problem TEXT NOT NULL);
CREATE TABLE written (stem TEXT PRIMARY KEY) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """A submission with its marking and page, or with the problem that it has instead, on one line."""

    name: str
    stem: str
    marking: Marking | None
    page: str
    problem: str


@cache
def engine() -> str:
    """What marks: the version of symderiv and a digest of its source and templates, so that a changed rule marks anew."""
    digest = hashlib.sha256()
    folder = Path(symderiv.__file__).parent
    for file in sorted(folder.rglob("*")):
        if file.suffix in (".py", ".j2", ".css", ".js"):
            digest.update(
                f"{file.relative_to(folder).as_posix()}\n".encode() + hashlib.sha256(file.read_bytes()).digest()
            )
    return f"{symderiv.__version__} {digest.hexdigest()[:16]}"


def key_of(content: bytes, ending: str, model: bytes | None) -> str:
    """The key of what comes out of this content: each part with its length, so that no two are taken for each other."""
    digest = hashlib.sha256()
    for part in (engine().encode(), os.fsencode(ending), b"no model" if model is None else b"model " + model, content):
        digest.update(b"%d " % len(part) + part)
    return digest.hexdigest()


class Store:
    """The results of a class."""

    def __init__(self, file: sqlite3.Connection) -> None:
        self.file = file

    def begin(self) -> None:
        """Forget which submissions there were in the last run; their results stay."""
        self.file.execute("DELETE FROM submissions")

    def enter(self, place: int, submission: Submission, key: str | None, problem: str = "") -> None:
        """A submission of this run: the key of its content, or the problem for which there is none."""
        row = place, submission.name, submission.stem, key, _writable(problem)
        self.file.execute("INSERT INTO submissions VALUES (?, ?, ?, ?, ?)", row)

    def knows(self, key: str, seconds: float) -> bool:
        """Whether there is a result; one without a marking does not count if it had less time than this."""
        found = self.file.execute("SELECT record IS NULL, seconds FROM results WHERE key = ?", (key,)).fetchone()
        return found is not None and (not found[0] or seconds <= found[1])

    def keep(self, key: str, outcome: Outcome, seconds: float) -> None:
        """A result, for good; seconds: how long it might have taken."""
        marking = outcome.marking
        made = (
            (None, None, None)
            if marking is None
            else (record_of(marking), _packed(marking.text), _packed(outcome.page))
        )
        self.file.execute(
            "INSERT OR REPLACE INTO results VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (key, engine(), outcome.name, *made, _writable(outcome.reason), seconds),
        )

    def entries(self) -> Iterator[Entry]:
        """The submissions of this run in their order, one in memory at a time."""
        rows = self.file.execute(
            "SELECT s.name, s.stem, s.problem, r.name, r.record, r.text, r.page, r.reason"
            " FROM submissions s LEFT JOIN results r ON r.key = s.key ORDER BY s.place"
        )
        for name, stem, problem, marked_as, record, text, page, reason in rows:
            if record is None:
                yield Entry(name, stem, None, "", problem or f"cannot mark {harmless(name)}: {reason}")
                continue
            marking = marking_of(record, name, _unpacked(text))
            # the page is headed with the name of the file, and this content was marked under another one
            yield Entry(name, stem, marking, _unpacked(page) if marked_as == name else marking.to_html(), "")

    def remember(self, stem: str) -> None:
        """That files with this stem are about to be written."""
        self.file.execute("INSERT OR IGNORE INTO written VALUES (?)", (stem,))

    def left_over(self) -> list[str]:
        """The stems of files of earlier runs whose submissions are no longer there."""
        found = self.file.execute(
            "SELECT stem FROM written WHERE stem NOT IN (SELECT stem FROM submissions) ORDER BY stem"
        )
        return [stem for (stem,) in found]

    def forget(self, stem: str) -> None:
        """That files with this stem were written: they are gone."""
        self.file.execute("DELETE FROM written WHERE stem = ?", (stem,))

    def tidy(self) -> None:
        """Drop the results of other versions of symderiv, which nobody will ask for."""
        self.file.execute("DELETE FROM results WHERE engine != ?", (engine(),))


@contextmanager
def opened(path: Path) -> Iterator[Store]:
    """The store in this file, which is made if it is not there; nobody else has it meanwhile.

    Raises: OutputError if that cannot be, and if writing fails later.
    """
    file = None
    try:
        file = sqlite3.connect(path, timeout=1.0, isolation_level=None)
        _prepare(file, path)
        yield Store(file)
    except sqlite3.Error as error:
        hint = "move it away and start again"
        if isinstance(error, sqlite3.OperationalError):
            busy = "locked" in str(error)
            hint = (
                "another run writes into this folder: wait for it"
                if busy
                else "choose another folder with --report DIR"
            )
        raise OutputError(f"cannot keep results in {path}: {error}\n  {hint}") from error
    finally:
        if file is not None:
            with suppress(sqlite3.Error):
                file.close()


def _prepare(file: sqlite3.Connection, path: Path) -> None:
    """Take hold of the file, and make its tables where they are not there."""
    file.execute("PRAGMA locking_mode = EXCLUSIVE")
    (whose,) = file.execute("PRAGMA application_id").fetchone()
    (form,) = file.execute("PRAGMA user_version").fetchone()
    tables = [name for (name,) in file.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    if whose != OURS and tables:
        raise OutputError(f"{path} is a database of something else\n  choose another folder with --report DIR")
    file.execute("PRAGMA journal_mode = WAL")
    file.execute("PRAGMA synchronous = NORMAL")
    file.execute("BEGIN EXCLUSIVE")
    if form != FORM or not tables:
        for name in tables:
            file.execute(f'DROP TABLE "{name}"')
        for statement in filter(str.strip, TABLES.split(";")):
            file.execute(statement)
        file.execute(f"PRAGMA application_id = {OURS}")
        file.execute(f"PRAGMA user_version = {FORM}")
    file.execute("COMMIT")


def _writable(text: str) -> str:
    """Text without halves of characters, which SQLite refuses."""
    return text.encode("utf-8", "backslashreplace").decode()


def _packed(text: str) -> bytes:
    return zlib.compress(text.encode("utf-8", "surrogatepass"), 6)


def _unpacked(blob: bytes) -> str:
    return zlib.decompress(blob).decode("utf-8", "surrogatepass")
