"""A class list: a CSV with a name a student, and the seed of each student's own numbers."""

from __future__ import annotations

import csv
import io
import re
import zlib
from dataclasses import dataclass
from pathlib import Path

from symderiv.errors import DataError

HEADINGS = ("name", "student", "full name", "id", "email")
MOST_STUDENTS = 2000


@dataclass(frozen=True)
class Student:
    """One student: the name as in the list, and the stem of the files, which no other student has."""

    name: str
    stem: str

    def seed(self, seed: int) -> int:
        """The seed of the student's numbers: the same in whatever order or length of the list."""
        return zlib.crc32(f"{seed}:{self.name}".encode())


def read_students(path: Path) -> tuple[Student, ...]:
    """The students of a CSV: the column called name, student, id or the like, else the first one.

    Raises: DataError for a file without names, with one twice, or with too many.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise DataError(f"{path} is not UTF-8 text", "save the list as CSV in UTF-8") from None
    separator = ";" if text.partition("\n")[0].count(";") > text.partition("\n")[0].count(",") else ","
    rows = [row for row in csv.reader(io.StringIO(text), delimiter=separator) if any(cell.strip() for cell in row)]
    headings = [cell.strip().lower() for cell in rows[0]] if rows else []
    column = next((headings.index(h) for h in HEADINGS if h in headings), None)
    names = [row[column or 0].strip() if len(row) > (column or 0) else "" for row in rows[column is not None :]]
    if not names:
        raise DataError(f"{path} names no student", "a name a line, or a column with the heading name")
    for line, name in enumerate(names, 1 + (column is not None)):
        if not name:
            raise DataError(f"{path}, row {line}: there is no name", "remove the row, or fill it in")
        if names.count(name) > 1:
            raise DataError(f"{path}, row {line}: {name} is named twice", "tell them apart, by a number for instance")
    if len(names) > MOST_STUDENTS:
        raise DataError(f"{path} names {len(names)} students", f"at most {MOST_STUDENTS} in one go")
    taken: set[str] = set()
    return tuple(Student(name, _stem(name, taken)) for name in names)


def _stem(name: str, taken: set[str]) -> str:
    """The name as a file name that is not taken yet, in upper or lower case."""
    base = re.sub(r"[^\w.-]+", "-", name).strip(".-") or "student"
    stem, number = base, 1
    while stem.lower() in taken:
        number += 1
        stem = f"{base}-{number}"
    taken.add(stem.lower())
    return stem
