"""Every error that symderiv raises on purpose, with the place, both sides and the way out in its text.

The command line turns a `SymderivError` into its text on stderr and exit status 2; anything else is a bug.
"""

from __future__ import annotations

from collections.abc import Sequence


class SymderivError(Exception):
    """Base of all errors that are somebody's input, machine or request, not a bug in symderiv."""


class ShapeError(SymderivError):
    """Two sizes that must agree do not.

    `operation` says what was tried, `sides` lists (name, shape) of what went in, `hint` is the way out.
    """

    def __init__(self, operation: str, sides: Sequence[tuple[str, str]], hint: str = "") -> None:
        self.operation = operation
        self.sides = tuple(sides)
        self.hint = hint
        width = max((len(name) for name, _ in sides), default=0)
        lines = [operation, *(f"  {name:<{width}}  {shape}" for name, shape in sides)]
        if hint:
            lines.append(f"  {hint}")
        super().__init__("\n".join(lines))


class ModelError(SymderivError):
    """A model that cannot be derived; `subject` is the name of the quantity that it is about, if it is about one."""

    def __init__(self, message: str, hint: str = "", subject: str = "") -> None:
        self.message = message
        self.hint = hint
        self.subject = subject
        super().__init__(message + (f"\n  {hint}" if hint else ""))


class LocatedError(ModelError):
    """A ModelError with the line of the model file that caused it and a caret under the place."""

    def __init__(self, message: str, hint: str, file: str, line: int, column: int, text: str) -> None:
        super().__init__(message, hint)
        self.file, self.line, self.column, self.text = file, line, column, text

    def __str__(self) -> str:
        window_start = max(0, self.column - 60)
        shown = self.text[window_start : window_start + 100].expandtabs(1)
        caret = " " * (self.column - window_start) + "^"
        hint = f"\n  {self.hint}" if self.hint else ""
        return f"{self.file}, line {self.line}:\n    {shown}\n    {caret}\n{self.message}{hint}"


class CheckFailed(SymderivError):
    """A derivation disagreed with an independent oracle: a bug in symderiv, stopped before anybody reads it."""


class FunctionError(SymderivError):
    """Somebody's function could not be called, stopped with an error of its own, or returned something else."""

    def __init__(self, message: str, hint: str = "") -> None:
        self.message = message
        self.hint = hint
        super().__init__(message + (f"\n  {hint}" if hint else ""))


class WrongGradients(SymderivError):
    """Somebody's gradients are wrong; the text is the table of `check_gradients`."""


class OutputError(SymderivError):
    """A document could not be written, or a program that makes it is not installed."""


class DataError(ModelError):
    """Data that do not fit the model, or cannot be read; the message says in which file, row and column."""


class TrainingError(ModelError):
    """A run that cannot go on: a quantity became infinite or undefined, or its checkpoint belongs to something else."""


class HomeworkError(ModelError):
    """A homework that cannot be read: no text, too long, not there; the message is one line and names the file."""
