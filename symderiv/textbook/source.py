"""Text in Python's grammar from a stranger: read with caps, parsed with `ast`, never executed, errors with their place."""

from __future__ import annotations

import ast
import re
import warnings
from pathlib import Path
from typing import Any, NoReturn

from symderiv.errors import LocatedError, ModelError

MAX_LENGTH = 262_144
MAX_NESTING = 60


def read_text(path: str | Path, what: str = "a model") -> str:
    """The text of a file.

    what: what it holds, for the error when it is longer than that can be.
    Raises: ModelError for a file that cannot be read, is too long or is not text.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            content = file.read(MAX_LENGTH + 1)
    except OSError as error:
        raise ModelError(f"cannot read {path}: {error.strerror}") from error
    if len(content) > MAX_LENGTH:
        raise ModelError(f"{path} is longer than {what} needs", f"at most {MAX_LENGTH} bytes")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise ModelError(f"{path} is not text: byte {error.start} (line {line}) is not UTF-8") from error


class Source:
    """A text with its lines. `file` is its name in errors, `what` says what a line of it is, `hint` how one looks."""

    def __init__(self, text: str, file: str, what: str, hint: str) -> None:
        self.text, self.file, self.what, self.hint = text, file, what, hint
        self.lines = re.split(r"\r\n|\r|\n", text)  # as Python counts them

    def parsed(self) -> ast.Module:
        """The syntax tree.

        Raises: LocatedError for what is no Python or nested too deeply; ModelError where there is no place to tell.
        """
        self._check_nesting()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                tree = ast.parse(self.text)
        except SyntaxError as error:
            line = min(error.lineno or 1, len(self.lines))
            message = (error.msg or "invalid syntax")[:1].lower() + (error.msg or "invalid syntax")[1:]
            raise LocatedError(
                f"not {self.what}: {message}",
                self.hint,
                self.file,
                line,
                max((error.offset or 1) - 1, 0),
                self.lines[line - 1],
            ) from None
        except (RecursionError, MemoryError, ValueError):
            hint = "give parts of the formula names of their own"
            raise ModelError(f"{self.file} cannot be read: a formula is nested too deeply", hint) from None
        level: list[tuple[ast.AST, int]] = [(tree, 0)]
        while level:
            node, depth = level.pop()
            if depth > 4 * MAX_NESTING:
                self.fail(node, "this formula is nested too deeply", "give parts of it names of their own")
            level.extend((child, depth + 1) for child in ast.iter_child_nodes(node))
        return tree

    def _check_nesting(self) -> None:
        depth = 0
        for number, line in enumerate(self.lines, 1):
            for column, character in enumerate(line):
                if character == "#":
                    break
                depth += (character in "([{") - (character in ")]}")
                if depth > MAX_NESTING:
                    raise LocatedError(
                        f"parentheses are nested more than {MAX_NESTING} deep", "give parts of the formula names of their own",
                        self.file, number, column, line,
                    )  # fmt: skip
        if "\0" in self.text:
            raise ModelError(f"{self.file} is not text: it has a NUL byte")

    def fail(self, node: Any, message: str, hint: str = "", column: int | None = None) -> NoReturn:
        """Raise a LocatedError at the place of a node, or at another column of its line."""
        line = getattr(node, "lineno", 1)
        text = self.lines[line - 1] if line <= len(self.lines) else ""
        if column is None:
            column = len(text.encode()[: getattr(node, "col_offset", 0)].decode(errors="ignore"))
        raise LocatedError(message, hint, self.file, line, column, text)
