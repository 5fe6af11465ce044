"""How a layer above gives an expression or a derivation its `to_latex`, `to_html` and so on.

The calculus knows no LaTeX. A writer registers itself for a class and a format; the methods here look it up.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Writer = Callable[..., Any]
_writers: dict[tuple[type, str], Writer] = {}


def writer(kind: type, format: str) -> Callable[[Writer], Writer]:
    """Register the decorated function as the writer of `format` for instances of `kind`."""

    def register(function: Writer) -> Writer:
        _writers[kind, format] = function
        return function

    return register


class Writable:
    """An object that can be written in the formats for which its class has a writer."""

    __slots__ = ()

    def write(self, format: str, **options: Any) -> Any:
        """This object in `format`.

        Raises: LookupError if no writer of that format has been registered (import `symderiv` to have all).
        """
        for kind in type(self).__mro__:
            if (kind, format) in _writers:
                return _writers[kind, format](self, **options)
        raise LookupError(f"no writer of {format} for {type(self).__name__}")

    def to_latex(self, **options: Any) -> str:
        """This object as LaTeX; options as in `symderiv.documents.notation.Notation`."""
        return str(self.write("latex", **options))
