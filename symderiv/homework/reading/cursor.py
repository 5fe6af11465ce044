r"""A place in the tokens of a formula: ranges, brackets that belong together, arguments.

Nothing here knows what a formula means; the readers of scripts, derivatives and brackets build on it. Brackets are matched
once beforehand, so that any range can be passed over at once and the cost stays linear.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction as Rational
from functools import lru_cache

from symderiv.homework.reading.formulas import Name, Node, Number, Product, Unread
from symderiv.homework.reading.tokens import Tokens
from symderiv.homework.reading.words import Report, Vocabulary

MAX_NESTING = 64
MAX_DIGITS = 60

_CLOSERS = {"(": ")", "[": "]", "{": "}", "lbrace": "rbrace", "begin": "end"}
_OPENERS = {closer: opener for opener, closer in _CLOSERS.items()}
OPERAND = frozenset(
    "num name greek func cmd accent ( [ { lbrace begin sum diff nabla one dots text words bar dbar word ident unknown aug ?".split()
)
BLANK = frozenset(("quad", "nl", "&"))
SIGNS = frozenset(("+", "-", "pm"))
INDEX_LETTERS = frozenset("ijklmnpqrst")


class Cursor:
    """Reads ranges of one stream of tokens."""

    def __init__(self, tokens: Tokens, text: str, report: Report, vocabulary: Vocabulary | None = None) -> None:
        """Vocabulary: what the document tells about its names."""
        known = vocabulary or Vocabulary()
        self.kinds, self.texts = tokens.kinds, tokens.texts
        self.starts, self.ends, self.gaps = tokens.starts, tokens.ends, tokens.gaps
        self.text, self.report = text, report
        self.brackets, self.jacobians = known.bracket_layers, known.jacobians
        self.d_names_derivatives = known.d_names_derivatives
        self.layers, self.d_is_name = known.bare_layers, known.d_is_name
        self.match = match_brackets(tokens.kinds)
        self.at = 0
        self.end = len(self.kinds)
        self.depth = 0

    def parse(self, low: int, high: int) -> Node:
        """The tree of a range of tokens."""
        try:
            return self.within(low, high, self.comparison)
        except RecursionError:
            self.depth = 0
            return self.unread(low, high, "nested too deeply")

    def within(self, low: int, high: int, read: Callable[[], Node]) -> Node:
        """Read a range to its end; what is left over is kept as Unread beside what was read."""
        if low >= high:
            place = self.starts[low] if low < len(self.starts) else (self.ends[-1] if self.ends else 0)
            if low > 0:
                place = self.ends[low - 1]
            return Unread((place, place), "", "nothing stands here")
        if high - low == 1:
            leaf = self.leaf(low)
            if leaf is not None:
                return leaf
        saved = self.at, self.end
        self.at, self.end = low, high
        self.depth += 1
        if self.depth > MAX_NESTING:
            node: Node = self.unread(low, high, f"nested more than {MAX_NESTING} deep")
        else:
            node = read()
            while self.at < high and self.kinds[self.at] in ("quad", "nl", "&", "row", ",", ".", ";"):
                self.at += 1
            if self.at < high:
                rest = self.unread(self.at, high, self._why())
                node = Product((self.starts[low], rest.span[1]), (node, rest), ("",))
        self.depth -= 1
        self.at, self.end = saved
        return node

    def leaf(self, at: int) -> Node | None:
        """A name or number that stands alone."""
        kind, text = self.kinds[at], self.texts[at]
        if kind == "greek" or (kind == "name" and "^" not in text):
            return Name((self.starts[at], self.ends[at]), text)
        if kind == "num" and text.isdigit() and len(text) <= MAX_DIGITS:
            return Number((self.starts[at], self.ends[at]), text, _whole(text))
        return None

    def _why(self) -> str:
        kind = self.kinds[self.at]
        if kind in _OPENERS:
            return "a bracket is closed that was not opened"
        return (
            "a relation in the middle"
            if kind == "rel"
            else f"'{self.text[self.starts[self.at] : self.ends[self.at]][:20]}' does not fit here"
        )

    def unread(self, low: int, high: int, reason: str) -> Unread:
        """What stands in a range, with the reason why it was not read."""
        if low >= high:
            place = self.ends[low - 1] if low else 0
            return Unread((place, place), "", reason)
        span = (self.starts[low], max(self.ends[high - 1], self.starts[low]))
        return Unread(span, self.text[span[0] : span[1]], reason)

    def kind(self) -> str:
        """The kind of the token here, '' at the end of the range."""
        return self.kinds[self.at] if self.at < self.end else ""

    def skip_spaces(self) -> None:
        """Pass over wide gaps and line ends."""
        while self.at < self.end and self.kinds[self.at] in BLANK:
            self.at += 1

    def split(self, low: int, high: int, marks: tuple[str, ...]) -> list[tuple[int, int]]:
        """Ranges between marks that stand outside all brackets."""
        ranges = []
        start = at = low
        while at < high:
            kind = self.kinds[at]
            if kind in marks:
                ranges.append((start, at))
                start = at + 1
            elif self.match[at] > at:
                at = min(self.match[at], high - 1)
            at += 1
        ranges.append((start, high))
        return [(low, high) for low, high in ranges if low < high]

    def argument(self) -> tuple[int, int]:
        r"""The range of a command's argument; of `\frac12` one digit each."""
        at = self.at
        if at >= self.end:
            return at, at
        if self.kinds[at] == "{":
            close = self.match[at]
            high = close if 0 <= close < self.end else self.end
            self.at = min(high + 1, self.end)
            return at + 1, high
        if self.kinds[at] == "num" and len(self.texts[at]) > 1 and self.texts[at].isdigit():
            return self._one_digit(at)
        self.at = at + 1
        if self.kinds[at] in ("accent",) and self.at < self.end:
            self.argument()
        return at, self.at

    def _one_digit(self, at: int) -> tuple[int, int]:
        """Cut the first digit off a number, in place: the number keeps the rest."""
        text = self.texts[at]
        start = self.starts[at]
        exact = self.ends[at] - start == len(text)
        self.texts[at] = text[1:]
        self.starts[at] = start + 1 if exact else start
        return -at - 1, -at  # a range that stands for the digit, read by `digit_or`

    def part(self, low: int, high: int, digit: str, place: int) -> Node:
        """A fraction's part: a range, or the digit that was cut off."""
        if low < 0:
            return Number((place, place + 1), digit, Rational(int(digit)))
        return self.within(low, high, self.listed)

    def peek_digit(self) -> tuple[str, int]:
        """The first digit of the number here and its place, for an argument of one digit."""
        if self.kind() == "num":
            return self.texts[self.at][:1], self.starts[self.at]
        return "", self.starts[self.at] if self.at < self.end else 0

    def script_range(self) -> tuple[int, int]:
        """The range of a script without its braces; passes over it."""
        at = self.at
        if at < self.end and self.kinds[at] == "{":
            close = self.match[at]
            high = close if 0 <= close < self.end else self.end
            self.at = min(high + 1, self.end)
            return at + 1, high
        self.at = self.skip_group(at) if at < self.end and self.kinds[at] == "accent" else min(at + 1, self.end)
        return at, self.at

    def skip_group(self, at: int) -> int:
        """The place after an argument or a group."""
        if at >= self.end:
            return self.end
        if self.kinds[at] == "accent":
            return self.skip_group(at + 1)
        close = self.match[at]
        if self.kinds[at] in ("+", "-"):
            return min(at + 2, self.end)
        return min(close + 1 if close > at else at + 1, self.end)

    def give_up(self) -> Node:
        """The rest as Unread, where it is nested too deeply."""
        node = self.unread(self.at, self.end, f"nested more than {MAX_NESTING} deep")
        self.at = self.end
        return node

    def signed(self, sign: int) -> int:
        """Pass over a sign; returns the sign with it."""
        kind = self.kinds[self.at]
        self.at += 1
        self.skip_spaces()
        return 0 if kind == "pm" else -sign if kind == "-" else sign

    def _holds_relation(self) -> bool:
        close = self.match[self.at]
        return close > 0 and any(self.kinds[i] == "rel" for i in range(self.at + 1, min(close, self.end)))

    # --- what the classes that build on this one read ---

    def comparison(self) -> Node:
        """A sum, or sums with relations between them."""
        raise NotImplementedError

    def listed(self) -> Node:
        """A comparison, or several with commas as a bare group."""
        raise NotImplementedError

    def product(self) -> Node:
        """Factors in written order with the marks between them."""
        raise NotImplementedError

    def atom(self) -> Node:
        """What stands here without its scripts."""
        raise NotImplementedError

    def postfix(self, node: Node) -> Node:
        """An atom with everything that hangs on it."""
        raise NotImplementedError

    def number(self) -> Number | Unread:
        """A number, with a percent sign if there is one."""
        raise NotImplementedError

    def group(self) -> Node:
        """Brackets with items, or a matrix written in them."""
        raise NotImplementedError

    def open_bar(self, at: int) -> int:
        """The bar that closes the one at a place, -1 if there is none."""
        raise NotImplementedError


@lru_cache(maxsize=1024)
def _whole(digits: str) -> Rational:
    return Rational(int(digits))


def match_brackets(kinds: list[str]) -> list[int]:
    """For every opening bracket the place of the closing one, -1 if it has none; braces are stronger than the others."""
    match = [-1] * len(kinds)
    stack: list[int] = []
    for at, kind in enumerate(kinds):
        if kind in _CLOSERS:
            stack.append(at)
        elif kind in _OPENERS:
            opener = _OPENERS[kind]
            if stack and kinds[stack[-1]] == opener:
                match[stack.pop()] = at
            else:
                _close(kinds, match, stack, at, opener)
    return match


def _close(kinds: list[str], match: list[int], stack: list[int], at: int, opener: str) -> None:
    for back in range(1, min(len(stack), 6) + 1):
        open_at = stack[-back]
        if kinds[open_at] == opener:
            del stack[len(stack) - back :]
            match[open_at] = at
            return
        if kinds[open_at] in ("{", "begin") and opener not in ("{", "begin"):
            break
    if stack and opener in ("(", "[") and kinds[stack[-1]] in ("(", "["):
        match[stack.pop()] = at  # a half-open interval
