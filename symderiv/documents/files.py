"""Writing files so that a failure leaves nothing half-written: aside first, then renamed into place."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from symderiv.errors import OutputError


def make_folder(folder: Path) -> None:
    """Create the folder, or say why that cannot be done."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"cannot create the folder {folder}: {error.strerror}\n  choose another one with -o DIR"
        ) from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise OutputError(f"cannot write into the folder {folder}\n  choose another one with -o DIR")


def write_file(path: Path, content: str | bytes) -> Path:
    """Write a file whole or not at all.

    Raises: OutputError with the reason.
    """
    data = content.encode() if isinstance(content, str) else content
    temporary = None
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            temporary = Path(file.name)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())  # the rename must not reach the disk before the bytes
        temporary.chmod(0o644)
        temporary.replace(path)
    except OSError as error:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
        raise OutputError(f"cannot write {path}: {error.strerror}\n  choose another folder with -o DIR") from error
    return path


@contextmanager
def replacing(path: Path, encoding: str = "utf-8") -> Iterator[IO[str]]:
    """A file that is written bit by bit and takes the place of the one before when it is whole.

    For files that can be made again at any time: no wait for the disk, and the same name aside each time, so that the next run
    writes over what one that was killed left there. What cannot be encoded stands as an escape.

    Raises: OutputError with the reason.
    """
    aside = unfinished(path)
    try:
        with aside.open("w", encoding=encoding, errors="backslashreplace", newline="") as file:
            yield file
        aside.replace(path)
    except BaseException as error:
        with suppress(OSError):
            aside.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise OutputError(f"cannot write {path}: {error.strerror}\n  choose another folder") from error
        raise


def unfinished(path: Path) -> Path:
    """Where a file is while `replacing` writes it."""
    return path.with_name(f".{path.name}.unfinished")
