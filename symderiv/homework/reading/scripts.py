r"""What hangs on an atom: `^`, `_`, primes, `.T`, an index in code, a layer whose `^` was lost.

A transpose among the scripts is taken out of them; a shape noted in a subscript is left out. What a script means is not
decided.
"""

from __future__ import annotations

import re

from symderiv.homework.reading.cursor import INDEX_LETTERS, MAX_NESTING, OPERAND, Cursor
from symderiv.homework.reading.formulas import (
    BigSum,
    Call,
    Derivative,
    Name,
    Node,
    Root,
    Script,
    Scripted,
    Sum,
    Text,
    Transposed,
)

_HANGING = frozenset(("^", "_", "'", ".", "[", "num", "{"))
_LIBRARIES = frozenset(
    "np numpy jnp torch tf F nn math scipy sp cp functional linalg special K backend nnf jax".split()
)


class Scripts(Cursor):
    """Reads scripts, members and argument lists."""

    def postfix(self, node: Node) -> Node:
        """An atom with everything that hangs on it: scripts, primes, `.T`, an index in code."""
        kinds = self.kinds
        at, end = self.at, self.end
        if at >= end:
            return node
        kind = kinds[at]
        if kind not in _HANGING or (kind == "num" and self.gaps[at]) or (kind == "{" and not self._is_empty(at)):
            return node
        if type(node) in (Derivative, BigSum) and not (type(node) is Derivative and node.top is not None):
            return node
        lower: list[Script] = []
        upper: list[Script] = []
        primes = transposes = 0
        start, last = node.span
        members = 0
        while self.at < end:
            kind = kinds[self.at]
            if kind == "^" or kind == "_":
                self.at += 1
                into = upper if kind == "^" else lower
                if kind == "^" and type(node) is Name and node.base == "e" and self._is_exponent():
                    last = max(last, self._exponent(upper))
                    continue
                turned, primed, last_end = self.script(into, kind == "^")
                transposes += turned
                primes += primed
                last = max(last, last_end)
            elif kind == "'":
                primes += int(self.texts[self.at])
                last = self.ends[self.at]
                self.at += 1
            elif (
                kind == "num"
                and not self.gaps[self.at]
                and type(node) is Name
                and not (lower or upper or primes or transposes)
                and self.texts[self.at].isdigit()
            ):
                lower.append(Script((self.starts[self.at], self.ends[self.at]), self.number()))
                last = self.ends[self.at - 1]
            elif kind == "[" and self._is_index(node, bool(lower or upper)):
                last = self.index(lower, upper)
            elif kind == "{" and self._is_empty(self.at):
                self.at += 2
            elif (
                kind == "name"
                and self.texts[self.at] == "T"
                and self.kinds[self.at - 1] == "]"
                and not self.gaps[self.at]
                and (lower or upper)
            ):
                transposes += 1  # `A[1]T`
                last = self.ends[self.at]
                self.at += 1
            elif kind == "." and members < MAX_NESTING and self._is_member():
                members += 1
                node = self._scripted(node, start, last, lower, upper, primes, transposes)
                node = self.member(node)
                lower, upper, primes, transposes, last = [], [], 0, 0, node.span[1]
            else:
                break
        return self._scripted(node, start, last, lower, upper, primes, transposes)

    def _is_empty(self, at: int) -> bool:
        r"""Whether `{}` stands here that only keeps a script from the one before it: `W^2{}'`."""
        return (
            self.kinds[at] == "{"
            and self.match[at] == at + 1
            and at + 2 < self.end
            and self.kinds[at + 2] in ("^", "_", "'")
            and not self.transposed_from(at, "t")
        )

    def transposed_from(self, at: int, letters: str) -> int:
        r"""Where the factor begins that `{}^{t}` stands before, as French notes write its transpose; 0 if none does."""
        kinds, texts = self.kinds[at : at + 6], self.texts[at : at + 6]
        braced = kinds[3:4] == ["{"]
        after = 6 if braced else 4
        is_prefix = kinds[:3] == ["{", "}", "^"] and self.match[at] == at + 1 and (not braced or kinds[5:] == ["}"])
        begins = at + after < self.end and self.kinds[at + after] in OPERAND
        return at + after if is_prefix and begins and texts[3 + braced] in letters else 0

    def _scripted(
        self, node: Node, start: int, last: int, lower: list[Script], upper: list[Script], primes: int, transposes: int
    ) -> Node:
        if lower or upper or primes:
            node = Scripted((start, last), node, tuple(lower), tuple(upper), primes)
        if transposes:
            node = Transposed((start, last), node)
        return node

    def script(self, into: list[Script], above: bool) -> tuple[int, int, int]:
        """Read what stands after `^` or `_`; returns (transposes, primes, end of the script)."""
        kinds, at = self.kinds, self.at
        if at >= self.end:
            return 0, 0, self.ends[at - 1]
        kind = kinds[at]
        if kind == "{" or kind in ("[", "("):
            close = self.match[at]
            high = min(close if close >= 0 else self.end, self.end)
            low = at + 1 if kind == "{" else at
            if kind != "{":
                high = min(high + 1, self.end)
            self.at = min(high + 1, self.end) if kind == "{" else high
            last = self.ends[self.at - 1]
            turned, primed = self.items(low, high, into, above)
            return turned, primed, last
        if kind == "name" and self.texts[at] == "T" and above:
            self.at += 1
            return 1, 0, self.ends[at]
        if kind == "'":
            self.at += 1
            return 0, int(self.texts[at]), self.ends[at]
        if kind in ("mul", "+") and above:
            self.at += 1
            into.append(
                Script(
                    (self.starts[at], self.ends[at]),
                    Name((self.starts[at], self.ends[at]), "star" if kind == "mul" else "plus"),
                )
            )
            return 0, 0, self.ends[at]
        if kind in ("-", "+"):
            self.at += 1
            inner = (
                self.number()
                if self.kind() == "num"
                else self.atom()
                if self.kind() in OPERAND
                else self.unread(at, at + 1, "a script is missing")
            )
            span = (self.starts[at], max(inner.span[1], self.ends[at]))
            into.append(Script(span, Sum(span, ((-1 if kind == "-" else 1, inner),))))
            return 0, 0, span[1]
        if kind in OPERAND and kind not in ("bar", "dbar"):
            self.depth += 1
            body = self.atom() if self.depth <= MAX_NESTING else self.give_up()
            self.depth -= 1
            into.append(Script(body.span, body))
            return 0, 0, body.span[1]
        return 0, 0, self.ends[at - 1]

    def items(self, low: int, high: int, into: list[Script], above: bool) -> tuple[int, int]:
        """The items of a braced script; returns how many transposes and primes were among them."""
        saved = self.at, self.end
        self.at, self.end = low, high
        self.depth += 1
        turned = primed = 0
        if self.depth > MAX_NESTING:
            node = self.unread(low, high, f"nested more than {MAX_NESTING} deep")
            into.append(Script(node.span, node))
        else:
            high = high if above else self._without_shape(low, high)
            self.end = high
            for start, stop in self.split(low, high, (",", ";")):
                more_turned, more_primed = self._item(start, stop, into, above)
                turned, primed = turned + more_turned, primed + more_primed
        self.depth -= 1
        self.at, self.end = saved
        return turned, primed

    def _without_shape(self, low: int, high: int) -> int:
        r"""The end of a script without a shape at its end: `i2\times 1` is i, `(2 \times m)` is nothing."""
        times = next((at for at in range(low, high) if self.kinds[at] == "mul" and self.texts[at] == "times"), -1)
        if times < 0:
            return high
        cut = times - 1
        if self.kinds[low] == "(" and self.match[low] == high - 1:
            cut = low
        cut = max(cut, low)
        self.report("a shape in a script is left out", self.starts[cut], self.ends[high - 1])
        return cut

    def _item(self, low: int, high: int, into: list[Script], above: bool) -> tuple[int, int]:
        kinds, texts = self.kinds, self.texts
        if kinds[low] == "mul" and above and high - low > 1:  # `^{\\odot 2}`, a power entry by entry
            entry = self.within(low + 1, high, self.comparison)
            into.append(Script((self.starts[low], max(entry.span[1], self.ends[low])), entry, texts[low]))
            return 0, 0
        if ":" in kinds[low:high] or "dots" in kinds[low:high]:
            span = (self.starts[low], self.ends[high - 1])
            into.append(Script(span, Text(span, self.text[span[0] : span[1]])))
            return 0, 0
        if high - low == 1 and kinds[low] == "num":
            self.at = low
            body: Node = self.number()
            into.append(Script(body.span, body))
            return 0, 0
        if self._is_expression(low, high) or self._is_power(low, high) or (above and self._is_entry(low, high)):
            body = self.within(low, high, self.comparison)
            into.append(Script(body.span, body))
            return 0, 0
        turned = primed = 0
        self.at = low
        while self.at < high:
            at = self.at
            kind = kinds[at]
            if kind == "name" and texts[at] == "T" and above and (at + 1 >= high or kinds[at + 1] not in ("_", "^")):
                turned += 1
                self.at += 1
            elif (kind == "{" and self.match[at] == at + 2) or kind == "}":
                self.at += 1  # `^{\\mathsf{T}}`
            elif kind == "^" and above:  # `W^{(2)^T}`
                self.at += 1
            elif kind == "'":
                primed += int(texts[at])
                self.at += 1
            elif kind in ("(", "[") and 0 <= self.match[at] < high:
                body = self.within(at + 1, self.match[at], self.listed)
                close = self.match[at]
                into.append(Script((self.starts[at], self.ends[close]), body, kind))
                self.at = close + 1
            elif kind == "mul" and texts[at] == "*" and above:
                into.append(Script((self.starts[at], self.ends[at]), Name((self.starts[at], self.ends[at]), "star")))
                self.at += 1
            elif kind == "num":
                body = self.number()
                into.append(Script(body.span, body))
            elif kind in OPERAND and kind not in ("bar", "dbar"):
                self.end = high
                body = self._script_atom(high)
                into.append(Script(body.span, body))
            elif kind in ("+", "-"):
                span = (self.starts[at], self.ends[at])
                into.append(Script(span, Name(span, "plus" if kind == "+" else "minus")))
                self.at += 1
            elif kind in ("quad", "nl", "&", ".", "rel", "row"):
                self.at += 1
            else:
                node = self.unread(at, high, "a script that cannot be read")
                into.append(Script(node.span, node))
                self.at = high
        return turned, primed

    def _script_atom(self, high: int) -> Node:
        """One letter of a script; `h1` is h with 1, but `i1` two indices."""
        at = self.at
        if self.kinds[at] in ("name", "greek") and not (self.kinds[at] == "name" and self.texts[at] in INDEX_LETTERS):
            return self.postfix(self.atom())
        node = self.atom()
        if self.at < high and self.kinds[self.at] in ("_", "'"):
            return self.postfix(node)
        return node

    def _is_expression(self, low: int, high: int) -> bool:
        kinds = self.kinds
        at = low
        while at < high:
            kind = kinds[at]
            if kind in ("+", "-", "/", "rel", "mul", "pm", "bar") and not (
                kind in ("mul", "+", "-") and high - low == 1
            ):
                return True
            at = self.match[at] + 1 if self.match[at] > at else at + 1
        return False

    def _is_power(self, low: int, high: int) -> bool:
        r"""`s^{(2)}_k` above: a name with scripts of its own; `(2)^T` is none."""
        kinds = self.kinds
        if high - low < 3 or kinds[low] != "name" or kinds[low + 1] != "^":
            return False
        after = low + 3 if kinds[low + 2] == "{" else low + 2
        return after < high and self.texts[after] not in ("T", "top", "prime", "'")

    def _is_exponent(self) -> bool:
        r"""Whether braces after `e^` hold a formula: `\sigma(z)`, `w x`, no number of a layer or sample of an error e."""
        low, high = self.at + 1, self.match[self.at] if self.kind() == "{" else -1
        if high - low < 2 or high > self.end or self.kinds[low] == "[" or self.match[low] == high - 1:
            return False
        return self.texts[high - 1] != "T" or self.kinds[high - 2] in ("^", "{")

    def _exponent(self, into: list[Script]) -> int:
        """Read a formula in braces as one script; returns where it ends."""
        close = self.match[self.at]
        body = self.within(self.at + 1, close, self.comparison)
        into.append(Script(body.span, body))
        self.at = close + 1
        return self.ends[close]

    def _is_entry(self, low: int, high: int) -> bool:
        """`e^{(Z_2)_{lj}}`: an entry of what stands in brackets, no layer."""
        after = self.match[low] + 1
        return self.kinds[low] == "(" and low < after < high and self.kinds[after] == "_"

    def _is_index(self, node: Node, scripted: bool) -> bool:
        """Whether `[` right after a name is an index of code or a layer whose `^` was lost."""
        at = self.at
        close = self.match[at]
        if self.gaps[at] or close < 0 or close >= self.end or type(node) is not Name or scripted:
            return False
        inside = range(at + 1, close)
        if len(inside) == 1 and self.kinds[at + 1] in ("num", "name"):
            return self.kinds[at + 1] == "num" or self.texts[at + 1] in ("l", "L", "i", "k", "t") or self.brackets
        if all(self.kinds[i] in ("num", "name", "+", "-", ",", ":", ".") for i in inside):
            return any(self.kinds[i] in (":", ",") for i in inside) or self.brackets
        return False

    def index(self, lower: list[Script], upper: list[Script]) -> int:
        """Read `[..]` after a name."""
        at, close = self.at, self.match[self.at]
        span = (self.starts[at], self.ends[close])
        if any(self.kinds[i] == ":" for i in range(at + 1, close)):
            body: Node = Text(
                (self.starts[at + 1], self.ends[close - 1]), self.text[self.starts[at + 1] : self.ends[close - 1]]
            )
        else:
            body = self.within(at + 1, close, self.listed)
        if self.brackets:
            self.report("'[..]' after a name read as a layer above it", *span)
            upper.append(Script(span, body, "["))
        else:
            lower.append(Script(span, body, "["))
        self.at = close + 1
        return span[1]

    def _is_member(self) -> bool:
        at = self.at
        return (
            at + 1 < self.end and self.kinds[at + 1] in ("name", "func") and not self.gaps[at + 1] and not self.gaps[at]
        )

    def member(self, node: Node) -> Node:
        """`X.T`, `X.sum(axis=0)`, `np.dot(A, B)`."""
        at = self.at + 1
        word = self.texts[at]
        self.at = at + 1
        if self.kinds[at] == "name" and word in ("T", "mT"):
            return Transposed((node.span[0], self.ends[at]), node)
        name = Name((self.starts[at], self.ends[at]), word)
        library = type(node) is Name and node.base in _LIBRARIES
        if library and self.kind() == "'":  # np.tanh_prime
            primed = Scripted((name.span[0], self.ends[self.at]), name, (), (), int(self.texts[self.at]))
            self.at += 1
            if self.kind() != "(":
                return primed
            arguments, keywords, last = self.arguments()
            return Call((node.span[0], last), primed, arguments, keywords)
        if self.kind() == "(" and self.match[self.at] >= 0 and self.match[self.at] < self.end:
            arguments, keywords, last = self.arguments()
            if not library:
                if word in ("T", "transpose", "t") and not arguments:
                    return Transposed((node.span[0], last), node)
                arguments = (node, *arguments)
            return self.called(name, node.span[0], arguments, keywords, last)
        if library:
            return Name((node.span[0], self.ends[at]), word)
        return Scripted((node.span[0], self.ends[at]), node, (Script(name.span, name, "."),))

    def called(
        self, name: Node, start: int, arguments: tuple[Node, ...], keywords: tuple[tuple[str, Node], ...], last: int
    ) -> Node:
        """A call, or the node that the contract has for it."""
        if isinstance(name, Name) and name.base == "sqrt" and len(arguments) == 1:
            return Root((start, last), arguments[0])
        return Call((start, last), name, arguments, keywords)

    def arguments(self) -> tuple[tuple[Node, ...], tuple[tuple[str, Node], ...], int]:
        """The arguments in the brackets here, and where they end."""
        at = self.at
        close = self.match[at]
        if close < 0 or close >= self.end:
            close = self.end
            self.report("a bracket is not closed", self.starts[at], self.ends[at])
        positional: list[Node] = []
        keywords: list[tuple[str, Node]] = []
        for low, high in self.split(at + 1, close, (",", ";")):
            place = (self.starts[low], self.ends[high - 1]) if low < high else (0, 0)
            word = re.fullmatch(r"(['\"])(\w+)\1", self.text[slice(*place)])
            if word is not None:
                positional.append(Text(place, word[2]))  # `sum(D, 'all')`
            elif (
                high - low > 2
                and self.kinds[low] in ("name", "func")
                and self.kinds[low + 1] == "rel"
                and self.texts[low + 1] == "="
                and len(self.texts[low]) > 1
            ):
                keywords.append((self.texts[low], self.within(low + 2, high, self.comparison)))
            else:
                positional.append(self.within(low, high, self.comparison))
        self.at = min(close + 1, self.end)
        return tuple(positional), tuple(keywords), self.ends[self.at - 1]
