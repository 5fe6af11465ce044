r"""Commands of TeX that a scan or a hasty hand spoilt: `\partail`, `\de1ta`, `\ frac`, `\fr ac`, `\\frac`; mended at the same length.

Only what is no command at all is touched, and only where one known command is meant beyond doubt; each repair is told.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

MEANT = frozenset(
    (
        "frac dfrac tfrac partial nabla delta Delta sigma Sigma alpha beta gamma lambda theta Theta omega epsilon varepsilon "
        "odot circ cdot times sum prod left right leftarrow rightarrow Rightarrow text mathrm mathbf mathbb boldsymbol "
        "operatorname hat bar tilde vec tanh log begin end quad qquad softmax underbrace overline sqrt exp"
    ).split()
)
SHORT = frozenset(
    "prime pm pi phi psi rho eta mu nu xi chi tau to in ln min max dim det tr top bot not neq ne leq geq".split()
)
_WITH_DIGIT = re.compile(r"\\([A-Za-z]*[01][A-Za-z01]*)(?![A-Za-z0-9])")
_APART = re.compile(r"\\ ([a-z]{3,12})(?=\s*[{\\(^_])")
_TORN = re.compile(r"\\([a-z]{1,8}) ([a-z]{1,8})(?=\s*\{)")
_COMMAND = re.compile(r"\\([A-Za-z]{5,14})(?![A-Za-z])")
_DOUBLED = re.compile(r"\\\\([A-Za-z]+)")
_SINGLE = re.compile(r"(?<!\\)\\([A-Za-z]+)")
Repair = tuple[str, int, int]


def with_commands_mended(text: str) -> tuple[str, list[Repair]]:
    """The text with spoilt commands as they were meant, each as long as before; and what was done where."""
    notes: list[Repair] = []

    def mended(match: re.Match[str], command: str) -> str:
        notes.append((f"{match.group()} was read as \\{command}", *match.span()))
        return f"\\{command}".rjust(len(match.group()))

    def digits(match: re.Match[str]) -> str:
        name = match[1].replace("1", "l").replace("0", "o")
        return mended(match, name) if name in MEANT else match.group()

    def apart(match: re.Match[str]) -> str:
        return mended(match, match[1]) if match[1] in MEANT else match.group()

    def torn(match: re.Match[str]) -> str:
        name = match[1] + match[2]
        return mended(match, name) if name in MEANT and match[1] not in MEANT | SHORT else match.group()

    def swapped(match: re.Match[str]) -> str:
        name = match[1]
        found = {other for other in _with_letters_swapped(name) if other in MEANT} if name not in MEANT else set()
        return mended(match, found.pop()) if len(found) == 1 else match.group()

    if _is_escaped(text):
        first = next(m for m in _DOUBLED.finditer(text) if m[1] in MEANT)
        notes.append(("every backslash is doubled, as in a string of a program, and was read as one", *first.span()))
        text = re.sub(r"(\\+)\1", lambda m: m[1].rjust(len(m.group())), text)
    for pattern, repair in ((_WITH_DIGIT, digits), (_APART, apart), (_TORN, torn), (_COMMAND, swapped)):
        text = pattern.sub(repair, text)
    return text, notes


def _is_escaped(text: str) -> bool:
    r"""Whether commands of TeX begin with two backslashes, and none with one."""
    return any(m[1] in MEANT for m in _DOUBLED.finditer(text)) and not any(
        m[1] in MEANT | SHORT for m in _SINGLE.finditer(text)
    )


def _with_letters_swapped(name: str) -> Iterator[str]:
    for k in range(len(name) - 1):
        yield name[:k] + name[k + 1] + name[k] + name[k + 2 :]
