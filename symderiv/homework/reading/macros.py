r"""The writer's own macros: `\newcommand`, `\def`, `\DeclareMathOperator`, found in the whole document and expanded at a call.

The cost is capped; a macro that cannot be expanded stays as it is written.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

MAX_MACROS = 500
MAX_DEPTH = 12
MAX_BODY = 2_000
MAX_EXPANDED = 400_000


@dataclass(frozen=True, slots=True)
class Macro:
    """A body with `#1` to `#9`; `default` is the first argument where it may be left out."""

    arguments: int
    body: str
    default: str | None = None


@dataclass(slots=True)
class Macros:
    """The macros of a document, what calls were found to stand for, and how many characters may still be expanded."""

    known: dict[str, Macro] = field(default_factory=dict)
    cache: dict[str, str] = field(default_factory=dict)
    budget: int = MAX_EXPANDED


_DEFINITION = re.compile(
    r"\\(?:(?:re)?newcommand|providecommand|DeclareRobustCommand)\*?\s*(?:\{\s*\\([A-Za-z]+)\s*\}|\\([A-Za-z]+))"
    r"\s*(?:\[(\d)\])?\s*(?:\[([^\]\n]*)\])?\s*(?=\{)"
    r"|\\def\s*\\([A-Za-z]+)((?:#\d)*)\s*(?=\{)"
    r"|\\DeclareMathOperator\*?\s*(?:\{\s*\\([A-Za-z]+)\s*\}|\\([A-Za-z]+))\s*(?=\{)"
)
_CALL = re.compile(r"\\([A-Za-z]+)")
_PARAMETER = re.compile(r"#(\d)")


def find_macros(text: str) -> tuple[Macros, list[tuple[int, int]]]:
    """The macros that a document defines, and where the definitions stand."""
    found = Macros()
    macros = found.known
    places: list[tuple[int, int]] = []
    if not any(word in text for word in ("\\newcommand", "\\def", "\\Declare", "\\renew", "\\provide")):
        return found, places
    for match in _DEFINITION.finditer(text):
        end = closing_brace(text, match.end(), MAX_BODY)
        if end < 0 or len(macros) >= MAX_MACROS:
            continue
        body = text[match.end() + 1 : end]
        if "$" in body or "\\if" in body or "box" in body:
            continue  # layout; the command is then an unknown one and its argument is read
        command, bare, count, default, defined, parameters, operator, bare_operator = match.groups()
        if operator or bare_operator:
            macros[operator or bare_operator] = Macro(0, rf"\operatorname{{{body}}}")
        elif defined:
            macros[defined] = Macro(len(parameters) // 2, body)
        else:
            macros[command or bare] = Macro(int(count or 0), body, default if count else None)
        places.append((match.start(), end + 1))
    return found, places


def closing_brace(text: str, at: int, limit: int) -> int:
    """Where the brace that opens at a place is closed, -1 if it is not within `limit` characters."""
    depth = 0
    end = min(len(text), at + limit)
    while at < end:
        char = text[at]
        if char == "\\":
            at += 2
            continue
        if char == "{":
            depth += 1
        elif char == "}":
            depth -= 1
            if depth == 0:
                return at
        at += 1
    return -1


def expand_call(text: str, at: int, macros: Macros) -> tuple[str, int] | None:
    """What the macro called at a place stands for and the place after the call; None if there is none, or it is too long."""
    match = _CALL.match(text, at)
    if match is None or match.group(1) not in macros.known or macros.budget <= 0:
        return None
    source = text[at : match.end()]
    if (wrapped := _wrapper(text, match, macros.known)) is not None:
        return wrapped, match.end()
    expanded, after = _call(text, match, macros.known)
    whole = text[at:after]
    result = macros.cache.get(whole)
    if result is None:
        result = macros.cache[whole] = _expanded(expanded, macros)
    if result == "" and expanded.strip():
        return None
    macros.budget -= len(result) + len(source)
    return result, after


def _wrapper(text: str, match: re.Match[str], known: dict[str, Macro]) -> str | None:
    r"""What stands for the name alone of a macro like `\mathbf{#1}`, so that its argument keeps its place."""
    macro = known[match.group(1)]
    if macro.arguments != 1 or macro.default is not None or text[match.end() : match.end() + 1] != "{":
        return None
    body = macro.body.strip()
    prefix = body[:-4]
    if not body.endswith("{#1}") or "#" in prefix or not _CALL.fullmatch(prefix) or prefix[1:] in known:
        return None
    return prefix


def _expanded(text: str, macros: Macros) -> str:
    """A body with the macros in it expanded, '' where that goes on for too long."""
    for _ in range(MAX_DEPTH):
        further = _expand_all(text, macros.known)
        if further == text:
            return text + " "  # the blank keeps a body that ends in a command from the letter after the call
        if len(further) > MAX_BODY:
            return ""
        text = further
    return ""


def _expand_all(text: str, known: dict[str, Macro]) -> str:
    """One round of expansion, cut off where it grows too long."""
    out: list[str] = []
    size = done = 0
    for match in _CALL.finditer(text):
        if match.start() < done or match.group(1) not in known:
            continue
        body, after = _call(text, match, known)
        out += [text[done : match.start()], body, " "]
        size += match.start() - done + len(body) + 1
        done = after
        if size > MAX_BODY:
            break
    return "".join(out) + text[done:] if done else text


def _call(text: str, match: re.Match[str], macros: dict[str, Macro]) -> tuple[str, int]:
    macro = macros[match.group(1)]
    at = match.end()
    values: list[str] = []
    if macro.default is not None:
        end = text.find("]", at, at + MAX_BODY) if text[at : at + 1] == "[" else -1
        values.append(text[at + 1 : end] if end > 0 else macro.default)
        at = end + 1 if end > 0 else at
    while len(values) < macro.arguments:
        value, at = _argument(text, at)
        values.append(value)

    def value_of(parameter: re.Match[str]) -> str:
        index = int(parameter.group(1)) - 1
        return values[index] if index < len(values) else ""

    return _PARAMETER.sub(value_of, macro.body), at


def _argument(text: str, at: int) -> tuple[str, int]:
    while at < len(text) and text[at] == " ":
        at += 1
    if text[at : at + 1] == "{":
        end = closing_brace(text, at, MAX_BODY)
        return (text[at + 1 :], len(text)) if end < 0 else (text[at + 1 : end], end + 1)
    command = _CALL.match(text, at)
    end = command.end() if command else min(at + 1, len(text))
    return text[at:end], end
