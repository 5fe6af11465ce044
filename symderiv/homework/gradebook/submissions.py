"""Which files are submissions, what they are called, and names for their pages that no two of them share."""

from __future__ import annotations

import hashlib
import os
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from symderiv.errors import HomeworkError
from symderiv.homework.batches import find_homework

LONGEST_STEM = 50
"""Characters; file systems allow 255 bytes, and a character can take four."""


@dataclass(frozen=True, slots=True)
class Submission:
    """A file to mark. name: what to call it, from the folder of the class on. stem: the name of its page, without ending."""

    path: Path
    name: str
    stem: str


def submissions_of(paths: Sequence[Path]) -> list[Submission]:
    """Every homework in files and folders, and in folders inside them, in the order of their names.

    Raises: HomeworkError for a folder without any, and for the standard input, which is no class.
    """
    if any(str(path) == "-" for path in paths):
        raise HomeworkError("the standard input is one homework and no class", "name files or a folder with --report")
    root = class_folder(paths)
    named = sorted(
        ((_name(file, root), file) for file in find_homework(paths, nested=True)),
        key=lambda pair: (pair[0].casefold(), pair[0], os.fsencode(pair[1])),
    )
    stems = stems_of([(name, hashlib.sha256(os.fsencode(file)).hexdigest()[:12]) for name, file in named])
    return [Submission(file, name, stem) for (name, file), stem in zip(named, stems, strict=True)]


def class_folder(paths: Sequence[Path]) -> Path:
    """The folder of the class: the one that was named, or the deepest one around all that was."""
    folders = [os.path.abspath(path if path.is_dir() else path.parent) for path in paths]
    try:
        return Path(os.path.commonpath(folders))
    except ValueError:  # on several drives
        return Path()


def _name(file: Path, root: Path) -> str:
    """The path from the folder of the class on, as text that can be written anywhere."""
    found = Path(os.path.abspath(file))
    if found.is_relative_to(root):
        found = found.relative_to(root)
    return found.as_posix().encode("utf-8", "backslashreplace").decode()


def stems_of(named: Sequence[tuple[str, str]]) -> list[str]:
    """A stem for every (name, digest): the plain name, else with its ending, else with the digest of its path.

    All of those that would share a stem get the longer one, so that none depends on the order. Where the file system knows
    no capitals or writes accents in its own way they still differ.
    """
    stems: dict[int, str] = {}
    taken: set[str] = set()
    for form in (_plain, _with_ending, _with_digest):
        tried = {k: form(*named[k]) for k in range(len(named)) if k not in stems}
        often = Counter(map(_folded, tried.values()))
        stems |= {k: stem for k, stem in tried.items() if often[_folded(stem)] == 1 and _folded(stem) not in taken}
        taken |= set(often)
    return [stems[k] for k in range(len(named))]


def _plain(name: str, digest: str) -> str:
    stem = _harmless(re.sub(r"\.[^./]*$", "", name))
    return stem if 0 < len(stem) <= LONGEST_STEM else _with_digest(name, digest)


def _with_ending(name: str, digest: str) -> str:
    return _plain(name.replace(".", "-") + ".", digest)


def _with_digest(name: str, digest: str) -> str:
    return f"{_harmless(name)[:LONGEST_STEM]}-{digest}".lstrip("-")


def _harmless(text: str) -> str:
    """Only what means nothing in a link, a shell or a file system: letters of any script, digits, and - _ . inside."""
    return re.sub(r"[^\w.-]+", "-", text).strip(".-_")


def _folded(stem: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", stem).casefold())


def described(paths: Iterable[Path]) -> str:
    """What the class is called: the name of its folder."""
    return class_folder(list(paths)).name or "submissions"
