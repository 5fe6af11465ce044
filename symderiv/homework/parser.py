r"""A formula's tokens read into the neutral tree: recursive descent, every node with its place, never an exception.

It decides structure only: what is a script, a fraction, a derivative, the body of a sum. What cannot be read becomes an
Unread node with the reason, what was repaired is reported. The cost is linear: brackets are matched once beforehand.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction as Rational

from symderiv.homework.formulas import (
    BigSum,
    Call,
    Cases,
    Comparison,
    Derivative,
    Ellipsis,
    Fraction,
    Group,
    Matrix,
    Name,
    Node,
    Number,
    Power,
    Product,
    Root,
    Script,
    Scripted,
    Sum,
    Text,
    Transposed,
    Unread,
)
from symderiv.homework.tokens import Tokens
from symderiv.homework.words import Report

MAX_NESTING = 64
MAX_DIGITS = 60
MAX_EXPONENT = 400

_CLOSERS = {"(": ")", "[": "]", "{": "}", "lbrace": "rbrace", "begin": "end"}
_OPENERS = {closer: opener for opener, closer in _CLOSERS.items()}
_BRACKETS = {"(": "(", "[": "[", "lbrace": "{"}
_OPERAND = frozenset(
    "num name greek func cmd accent ( [ { lbrace begin sum diff nabla one dots text words bar dbar word ident unknown aug ?".split()
)
_MATRICES = frozenset("bmatrix pmatrix matrix vmatrix Bmatrix Vmatrix array smallmatrix psmallmatrix bsmallmatrix tabular".split())
_ROWS = frozenset("aligned split gathered align equation gather multline eqnarray alignat alignedat equation".split())
_GREEDY = frozenset("tanh sinh cosh sech sin cos tan sigmoid softmax relu diag tr exp trace det".split())
_PREFIX = _GREEDY | frozenset("log ln lg max min argmax argmin sgn sign rank arctan vec".split())
_LIBRARIES = frozenset("np numpy jnp torch tf F nn math scipy sp cp functional linalg special K backend nnf jax".split())
_NOT_D = frozenset("diag dim det dot data dtype dist delta digamma done depth d_model".split())
_INDEX_LETTERS = frozenset("ijklmnpqrst")


class Parser:
    """Reads ranges of one stream of tokens."""

    def __init__(self, tokens: Tokens, text: str, report: Report, brackets: bool = False, jacobians: bool = False) -> None:
        """brackets: the document marks layers `^{[1]}`; jacobians: `J_s(h)` is a Jacobian there."""
        self.kinds, self.texts = tokens.kinds, tokens.texts
        self.starts, self.ends, self.gaps = tokens.starts, tokens.ends, tokens.gaps
        self.text, self.report = text, report
        self.brackets, self.jacobians = brackets, jacobians
        self.match = match_brackets(tokens.kinds)
        self.at = 0
        self.end = len(self.kinds)
        self.depth = 0

    # --- ranges ---

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
            return Number((self.starts[at], self.ends[at]), text, Rational(int(text)))
        return None

    def _why(self) -> str:
        kind = self.kinds[self.at]
        if kind in _OPENERS:
            return "a bracket is closed that was not opened"
        return "a relation in the middle" if kind == "rel" else f"'{self.text[self.starts[self.at] : self.ends[self.at]][:20]}' does not fit here"

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
        while self.at < self.end and self.kinds[self.at] in ("quad", "nl", "&"):
            self.at += 1

    # --- sums and products ---

    def comparison(self) -> Node:
        """A sum, or sums with relations between them."""
        self.skip_spaces()
        left = self.sum()
        while self.kind() == "rel":
            sign = self.texts[self.at]
            self.at += 1
            right = self.sum()
            left = Comparison((left.span[0], max(right.span[1], left.span[1])), left, sign, right)
        return self.choice(left) if self.kind() == "if" and self.depth < MAX_NESTING else left

    def choice(self, value: Node) -> Node:
        """`a if b else c` of code as cases."""
        self.at += 1
        self.depth += 1
        condition = self.comparison()
        rows: list[tuple[Node, Node | None]] = [(value, condition)]
        if self.kind() == "else":
            self.at += 1
            rows.append((self.comparison(), None))
        self.depth -= 1
        return Cases((value.span[0], rows[-1][0].span[1] if len(rows) > 1 else condition.span[1]), tuple(rows))

    def sum(self) -> Node:
        """Terms with signs."""
        kinds = self.kinds
        terms: list[tuple[int, Node]] = []
        self.skip_spaces()
        start = self.starts[self.at] if self.at < self.end else (self.ends[self.at - 1] if self.at else 0)
        sign = 1
        signed = False
        while self.kind() in ("+", "-", "pm"):
            signed = True
            sign = self._signed(sign)
        terms.append((sign, self.product()))
        while True:
            self.skip_spaces()
            if self.at >= self.end or kinds[self.at] not in ("+", "-", "pm"):
                break
            sign = 1
            while self.kind() in ("+", "-", "pm"):
                sign = self._signed(sign)
            terms.append((sign, self.product()))
        if len(terms) == 1 and not (signed and terms[0][0] != 1):
            return terms[0][1]
        return Sum((start, terms[-1][1].span[1]), tuple(terms))

    def _signed(self, sign: int) -> int:
        kind = self.kinds[self.at]
        self.at += 1
        self.skip_spaces()
        return 0 if kind == "pm" else -sign if kind == "-" else sign

    def product(self) -> Node:
        """Factors in written order with the marks between them."""
        kinds = self.kinds
        self.skip_spaces()
        if self.at >= self.end or (kinds[self.at] not in _OPERAND and kinds[self.at] not in ("mul", "/", "+", "-", "pm", "'", "^", "_", "percent", ":", "!", '"')):
            place = self.ends[self.at - 1] if self.at else 0
            return Unread((place, place), "", "a term is missing")
        factors: list[Node] = []
        marks: list[str] = []
        mark = ""
        while True:
            factor = self.factor()
            if factors:
                marks.append(mark)
            factors.append(factor)
            if self._is_operator(factor):
                factors[-1] = self._apply(factor)
                break
            self.skip_spaces()
            if self.at >= self.end:
                break
            kind = kinds[self.at]
            if kind == "mul" or kind == "/":
                mark = self.texts[self.at]
                self.at += 1
                self.skip_spaces()
                if self.at >= self.end or (kinds[self.at] not in _OPERAND and kinds[self.at] not in ("+", "-", "pm")):
                    place = self.ends[self.at - 1]
                    marks.append(mark)
                    factors.append(Unread((place, place), "", "a factor is missing"))
                    break
            elif kind in ("bar", "dbar"):
                if self.open_bar(self.at) < 0:
                    if not self._evaluated():
                        break
                    self.skip_spaces()
                    if self.kind() not in _OPERAND or self.kind() in ("bar", "dbar"):
                        break
                mark = ""
            elif kind in _OPERAND:
                mark = ""
            else:
                break
        if len(factors) == 1:
            return factors[0]
        return Product((factors[0].span[0], factors[-1].span[1]), tuple(factors), tuple(marks))

    def _evaluated(self) -> bool:
        r"""Pass over `\right|_{w=1}`, where something is evaluated; whether that stands here."""
        at = self.at
        if at + 1 >= self.end or self.kinds[at] != "bar" or self.kinds[at + 1] != "_":
            return False
        while self.kind() in ("bar", "_", "^"):
            self.at += 1
            if self.kinds[self.at - 1] != "bar":
                self._script_range()
        self.report("the place where something is evaluated is left out", self.starts[at], self.ends[self.at - 1])
        return True

    def _is_operator(self, node: Node) -> bool:
        return type(node) is Derivative and node.top is None and node.style in ("d", "partial")

    def _apply(self, operator: Node) -> Node:
        r"""`\frac{d}{dz}` applied to the rest of the product."""
        assert isinstance(operator, Derivative)
        self.skip_spaces()
        if self.kind() == "mul" and self.at + 1 < self.end:
            self.at += 1
        if self.kind() not in _OPERAND or (self.kind() in ("bar", "dbar") and self.open_bar(self.at) < 0):
            return operator
        self.depth += 1
        body: Node = self.product() if self.depth <= MAX_NESTING else self._give_up()
        self.depth -= 1
        return Derivative((operator.span[0], body.span[1]), body, operator.bottom, operator.style)

    def _give_up(self) -> Node:
        node = self.unread(self.at, self.end, f"nested more than {MAX_NESTING} deep")
        self.at = self.end
        return node

    def factor(self) -> Node:
        """One factor; after a product sign it may have a sign of its own."""
        kind = self.kind()
        if kind in ("+", "-", "pm"):
            start = self.starts[self.at]
            sign = 1
            while self.kind() in ("+", "-", "pm"):
                sign = self._signed(sign)
            inner = self.power()
            return inner if sign == 1 else Sum((start, inner.span[1]), ((sign, inner),))
        return self.power()

    def power(self) -> Node:
        """An atom with its scripts, and the `**` of code."""
        base = self.postfix(self.atom())
        if self.kind() == "pow":
            self.at += 1
            if self.kind() in _OPERAND or self.kind() in ("+", "-"):
                exponent = self.factor()
            else:
                exponent = Unread((self.ends[self.at - 1], self.ends[self.at - 1]), "", "an exponent is missing")
            return Power((base.span[0], exponent.span[1]), base, exponent)
        return base

    # --- scripts ---

    def postfix(self, node: Node) -> Node:
        """An atom with everything that hangs on it: scripts, primes, `.T`, an index in code."""
        kinds = self.kinds
        at, end = self.at, self.end
        if at >= end:
            return node
        kind = kinds[at]
        if kind not in ("^", "_", "'", ".", "[") and not (kind == "num" and not self.gaps[at]):
            return node
        if type(node) in (Derivative, BigSum) and not (type(node) is Derivative and node.top is not None):  # type: ignore[attr-defined]
            return node
        lower: list[Script] = []
        upper: list[Script] = []
        primes = transposes = 0
        start, last = node.span
        while self.at < end:
            kind = kinds[self.at]
            if kind == "^" or kind == "_":
                self.at += 1
                into = upper if kind == "^" else lower
                turned, primed, last_end = self.script(into, kind == "^")
                transposes += turned
                primes += primed
                last = max(last, last_end)
            elif kind == "'":
                primes += int(self.texts[self.at])
                last = self.ends[self.at]
                self.at += 1
            elif kind == "num" and not self.gaps[self.at] and type(node) is Name and not (lower or upper or primes or transposes) and self.texts[self.at].isdigit():
                lower.append(Script((self.starts[self.at], self.ends[self.at]), self.number()))
                last = self.ends[self.at - 1]
            elif kind == "[" and self._is_index(node, bool(lower or upper)):
                last = self.index(lower, upper)
            elif kind == "." and self._is_member():
                node = self._scripted(node, start, last, lower, upper, primes, transposes)
                node = self.member(node)
                lower, upper, primes, transposes, last = [], [], 0, 0, node.span[1]
            else:
                break
        return self._scripted(node, start, last, lower, upper, primes, transposes)

    def _scripted(self, node: Node, start: int, last: int, lower: list[Script], upper: list[Script], primes: int, transposes: int) -> Node:
        if lower or upper or primes:
            if type(node) is Scripted and not node.lower and not node.upper and not node.primes:  # pragma: no cover
                node = node.base
            node = Scripted((start, last), node, tuple(lower), tuple(upper), primes)
        if transposes:
            node = Transposed((start, last), node)
        elif last > node.span[1] and not (lower or upper or primes):
            pass
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
            into.append(Script((self.starts[at], self.ends[at]), Name((self.starts[at], self.ends[at]), "star" if kind == "mul" else "plus")))
            return 0, 0, self.ends[at]
        if kind in ("-", "+"):
            self.at += 1
            inner = self.number() if self.kind() == "num" else self.atom() if self.kind() in _OPERAND else self.unread(at, at + 1, "a script is missing")
            span = (self.starts[at], max(inner.span[1], self.ends[at]))
            into.append(Script(span, Sum(span, ((-1 if kind == "-" else 1, inner),))))
            return 0, 0, span[1]
        if kind in _OPERAND and kind not in ("bar", "dbar"):
            self.depth += 1
            body = self.atom() if self.depth <= MAX_NESTING else self._give_up()
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
            for start, stop in self._split(low, high, (",", ";")):
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

    def _split(self, low: int, high: int, marks: tuple[str, ...]) -> list[tuple[int, int]]:
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

    def _item(self, low: int, high: int, into: list[Script], above: bool) -> tuple[int, int]:
        kinds, texts = self.kinds, self.texts
        if high - low == 1 and kinds[low] == "num":
            self.at = low
            body: Node = self.number()
            into.append(Script(body.span, body))
            return 0, 0
        if self._is_expression(low, high):
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
            elif kind in _OPERAND and kind not in ("bar", "dbar"):
                self.end = high
                body = self._script_atom(high)
                into.append(Script(body.span, body))
            elif kind in ("quad", "nl", "&", ".", "rel", "+", "-", "row"):
                self.at += 1
            else:
                node = self.unread(at, high, "a script that cannot be read")
                into.append(Script(node.span, node))
                self.at = high
        return turned, primed

    def _script_atom(self, high: int) -> Node:
        """One letter of a script; `h1` is h with 1, but `i1` two indices."""
        at = self.at
        if self.kinds[at] in ("name", "greek") and not (self.kinds[at] == "name" and self.texts[at] in _INDEX_LETTERS):
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
            if kind in ("+", "-", "/", "rel", "mul", "pm", "bar") and not (kind in ("mul", "+", "-") and high - low == 1):
                return True
            at = self.match[at] + 1 if self.match[at] > at else at + 1
        return False

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
            body: Node = Text((self.starts[at + 1], self.ends[close - 1]), self.text[self.starts[at + 1] : self.ends[close - 1]])
        else:
            body = self.within(at + 1, close, self.listed)
        if self.brackets:
            self.report("'[..]' after a name read as a layer above it", *span)
            upper.append(Script(span, body, "["))
        else:
            lower.append(Script(span, body, "["))
        self.at = close + 1
        return span[1]

    # --- code: members and calls ---

    def _is_member(self) -> bool:
        at = self.at
        return at + 1 < self.end and self.kinds[at + 1] in ("name", "func") and not self.gaps[at + 1] and not self.gaps[at]

    def member(self, node: Node) -> Node:
        """`X.T`, `X.sum(axis=0)`, `np.dot(A, B)`."""
        at = self.at + 1
        word = self.texts[at]
        self.at = at + 1
        if self.kinds[at] == "name" and word in ("T", "mT"):
            return Transposed((node.span[0], self.ends[at]), node)
        name = Name((self.starts[at], self.ends[at]), word)
        library = type(node) is Name and node.base in _LIBRARIES
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

    def called(self, name: Node, start: int, arguments: tuple[Node, ...], keywords: tuple[tuple[str, Node], ...], last: int) -> Node:
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
        for low, high in self._split(at + 1, close, (",", ";")):
            if high - low > 2 and self.kinds[low] in ("name", "func") and self.kinds[low + 1] == "rel" and self.texts[low + 1] == "=" and len(self.texts[low]) > 1:
                keywords.append((self.texts[low], self.within(low + 2, high, self.comparison)))
            else:
                positional.append(self.within(low, high, self.comparison))
        self.at = min(close + 1, self.end)
        return tuple(positional), tuple(keywords), self.ends[self.at - 1]

    # --- atoms ---

    def atom(self) -> Node:
        """What stands here without its scripts."""
        at = self.at
        if at >= self.end:
            place = self.ends[at - 1] if at else 0
            return Unread((place, place), "", "a factor is missing")
        kind = self.kinds[at]
        read = _ATOMS.get(kind)
        if read is not None:
            return read(self)
        self.at += 1
        reason = self.texts[at] if kind == "unknown" and self.texts[at][:1] in "a" else ""
        return self.unread(at, at + 1, f"{reason} is not understood" if reason else "this sign is not understood here")

    def number(self) -> Number | Unread:  # type: ignore[override]
        """A number, with a percent sign if there is one."""
        at = self.at
        text = self.texts[at]
        self.at += 1
        span = (self.starts[at], self.ends[at])
        if len(text) > MAX_DIGITS:
            return Unread(span, self.text[span[0] : span[1]], f"a number of more than {MAX_DIGITS} digits")
        if self.kind() == "{" and self._is_decimal_comma():
            fraction = self.texts[self.at + 3]
            span = (span[0], self.ends[self.at + 3])
            text = f"{text}.{fraction}"
            self.at += 4
        mantissa, _, exponent = text.lower().partition("e")
        if exponent and abs(int(exponent)) > MAX_EXPONENT:
            return Unread(span, text, "a number that is too large or too small")
        whole, point, decimals = mantissa.partition(".")
        value = Rational(int(whole + decimals or "0"), 10 ** len(decimals)) if point else Rational(int(whole))
        digits = len(decimals) if point else None
        if exponent:
            power = int(exponent)
            value = value * Rational(10) ** power
            digits = max((digits or 0) - power, 0) if power < 0 or digits else digits
        if self.kind() == "percent":
            span = (span[0], self.ends[self.at])
            self.at += 1
            value, digits, text = value / 100, (digits or 0) + 2, text + "%"
        return Number(span, text, value, digits)

    def _is_decimal_comma(self) -> bool:
        at = self.at
        return at + 3 < self.end and self.kinds[at : at + 4] == ["{", ",", "}", "num"] and self.texts[at + 3].isdigit()

    def name(self) -> Node:
        """A name, a derivative that begins with d, a call of a word."""
        at = self.at
        text = self.texts[at]
        if text[0] == "d":
            derivative = self.slashed()
            if derivative is not None:
                return derivative
        if text == "D" and self._is_big_d():
            return self.nabla("D")
        if text == "J" and self.jacobians:
            jacobian = self.jacobian()
            if jacobian is not None:
                return jacobian
        if text == "sum" and at + 1 < self.end and self.kinds[at + 1] == "_":
            return self.big()
        self.at += 1
        base, _, accent = text.partition("^")
        name = Name((self.starts[at], self.ends[at]), base, (accent,) if accent else ())
        if len(base) > 1 and self.kind() == "(" and not self.gaps[self.at] and self.kinds[at] == "name" and base[0] != "d":
            if self.match[self.at] >= 0:
                arguments, keywords, last = self.arguments()
                return Call((name.span[0], last), name, arguments, keywords)
        if text == "1" and self.kind() == "_":  # pragma: no cover
            return name
        return name

    def greek(self) -> Node:
        """A Greek letter."""
        at = self.at
        self.at += 1
        return Name((self.starts[at], self.ends[at]), self.texts[at])

    def word_left(self) -> Node:
        """Letters that were not cut: one name."""
        return self.name()

    def group(self) -> Node:
        """Brackets with items, or a matrix written in them."""
        at = self.at
        kind = self.kinds[at]
        close = self.match[at]
        if close < 0 or close >= self.end:
            self.report("a bracket is not closed", self.starts[at], self.ends[at])
            close = self.end
        span = (self.starts[at], self.ends[min(close, self.end - 1)])
        self.at = min(close + 1, self.end)
        if kind == "[":
            matrix = self.bracketed(at, close, span)
            if matrix is not None:
                return matrix
        items = [self.within(low, high, self.comparison) for low, high in self._split(at + 1, close, (",", ";", "bar"))] if not self._has_bars(at + 1, close) else [
            self.within(low, high, self.comparison) for low, high in self._split(at + 1, close, (",", ";"))
        ]  # fmt: skip
        if len(items) == 1 and type(items[0]) is Matrix and kind in ("(", "["):
            return Matrix(span, items[0].rows)
        return Group(span, _BRACKETS[kind], tuple(items))

    def _has_bars(self, low: int, high: int) -> bool:
        """Whether bars inside are absolute values, not `P(y | x)`."""
        bars = [at for at in range(low, high) if self.kinds[at] == "bar"]
        return len(bars) != 1

    def bracketed(self, at: int, close: int, span: tuple[int, int]) -> Node | None:
        """`[1 2; 3 4]`, `[[1, 2], [3, 4]]`, rows drawn under each other; None for a plain group."""
        inner = self._split(at + 1, close, (",", "nl"))
        if len(inner) > 0 and all(self.kinds[low] == "[" and self.match[low] == high - 1 for low, high in inner):
            return self._nested_rows(inner, span)
        if any(self.kinds[i] == ";" for i in range(at + 1, close)) and not self._inside(at, close, ";"):
            rows = [self._row(low, high) for low, high in self._split(at + 1, close, (";", "nl"))]
            return Matrix(span, tuple(rows)) if rows else None
        cells = self._cells(at + 1, close)
        drawn = [(at + 1, close)]
        while self.kind() == "nl" and self.at + 1 < self.end and self.kinds[self.at + 1] == "[" and 0 <= self.match[self.at + 1] < self.end:
            low = self.at + 1
            drawn.append((low + 1, self.match[low]))
            self.at = self.match[low] + 1
        if len(drawn) > 1:
            rows = [self._row(low, high) for low, high in drawn]
            return Matrix((span[0], self.ends[self.at - 1]), tuple(rows))
        if len(cells) > 1 and all(self._is_numeric(low, high) for low, high in cells):
            return Matrix(span, (tuple(self.within(low, high, self.comparison) for low, high in cells),))
        return None

    def _inside(self, at: int, close: int, mark: str) -> bool:
        """Whether a mark stands only inside further brackets."""
        return len(self._split(at + 1, close, (mark,))) < 2 and self.kinds[close - 1] != mark

    def _nested_rows(self, inner: list[tuple[int, int]], span: tuple[int, int]) -> Matrix:
        return Matrix(span, tuple(self._row(low + 1, high - 1) for low, high in inner))

    def _row(self, low: int, high: int) -> tuple[Node, ...]:
        cells = self._split(low, high, (",",))
        if len(cells) < 2:
            cells = self._cells(low, high)
        return tuple(self.within(start, stop, self.comparison) for start, stop in cells)

    def _cells(self, low: int, high: int) -> list[tuple[int, int]]:
        """Cells of a row separated by blanks only; one cell if there is a comma."""
        cells: list[tuple[int, int]] = []
        start = at = low
        while at < high:
            kind = self.kinds[at]
            if kind in (",", ";"):
                return [(low, high)]
            if at > start:
                before = self.kinds[at - 1]
                begins = kind in _OPERAND or (kind in ("+", "-") and self.gaps[at] and at + 1 < high and not self.gaps[at + 1])
                if self.gaps[at] and begins and before not in ("+", "-", "mul", "/", "pm", "rel"):
                    cells.append((start, at))
                    start = at
            at = self.match[at] + 1 if self.match[at] > at else at + 1
        if start < high:
            cells.append((start, high))
        return cells

    def _is_numeric(self, low: int, high: int) -> bool:
        kinds = [kind for kind in self.kinds[low:high] if kind not in ("quad", "nl")]
        return kinds in (["num"], ["-", "num"], ["+", "num"])

    def brace(self) -> Node:
        """A TeX group: what is in it; with commas in it, a group."""
        at = self.at
        close = self.match[at]
        if close < 0 or close >= self.end:
            close = self.end
            self.report("a brace is not closed", self.starts[at], self.ends[at])
        self.at = min(close + 1, self.end)
        if at + 1 >= close:
            if self.at < self.end and self.kinds[self.at] in _OPERAND:
                return self.postfix(self.atom()) if self.depth < MAX_NESTING else self._give_up()
            return Group((self.starts[at], self.ends[self.at - 1]), "", ())
        return self.within(at + 1, close, self.listed)

    def listed(self) -> Node:
        """A comparison, or several with commas as a bare group."""
        first = self.comparison()
        if self.kind() not in (",", ";"):
            return first
        items = [first]
        while self.kind() in (",", ";"):
            self.at += 1
            self.skip_spaces()
            if self.at < self.end:
                items.append(self.comparison())
        return Group((items[0].span[0], items[-1].span[1]), "", tuple(items)) if len(items) > 1 else first

    def open_bar(self, at: int) -> int:
        """The bar that closes the one here; -1 if there is none in this range."""
        kind = self.kinds[at]
        i = at + 1
        while i < self.end:
            if self.kinds[i] == kind and i > at + 1:
                return i
            if self.kinds[i] == kind:
                return -1
            i = self.match[i] + 1 if self.match[i] > i else i + 1
        return -1

    def bars(self) -> Node:
        """`|x|`, `||x||`."""
        at = self.at
        close = self.open_bar(at)
        if close < 0:
            self.at += 1
            self.report("a bar without its partner is left out", self.starts[at], self.ends[at])
            if self.kind() == "_" or self.kind() == "^":
                return self.unread(at, self.at, "a bar without its partner")
            return self.postfix(self.atom()) if self.kind() in _OPERAND and self.depth < MAX_NESTING else self.unread(at, self.at, "a bar without its partner")
        self.at = close + 1
        items = [self.within(low, high, self.comparison) for low, high in self._split(at + 1, close, (",",))]
        return Group((self.starts[at], self.ends[close]), "||" if self.kinds[at] == "dbar" else "|", tuple(items))

    def text_atom(self) -> Node:
        """Words in a formula."""
        at = self.at
        self.at += 1
        return Text((self.starts[at], self.ends[at]), self.texts[at])

    def dots(self) -> Node:
        """Left-out terms."""
        at = self.at
        self.at += 1
        return Ellipsis((self.starts[at], self.ends[at]))

    def ones(self) -> Node:
        r"""`\mathbb 1[z > 0]` is an indicator, `\mathbf 1` a vector of ones."""
        at = self.at
        self.at += 1
        span = (self.starts[at], self.ends[at])
        double = self.texts[at] == "double"
        if self.kind() in ("[", "lbrace", "(") and (double or self._holds_relation()):
            arguments, _, last = self.arguments()
            return Call((span[0], last), Name(span, "indicator"), arguments)
        if self.kind() in ("_", "{"):
            return self._indicator_below(span) or Name(span, "ones")
        return Name(span, "ones")

    def _indicator_below(self, span: tuple[int, int]) -> Node | None:
        r"""`1_{z > 0}`, `\mathbb 1_{[z > 0]}`."""
        low = self.at + (self.kinds[self.at] == "_")
        if low >= self.end or self.kinds[low] != "{" or self.match[low] < 0 or self.match[low] >= self.end:
            return None
        close = self.match[low]
        if not any(self.kinds[i] == "rel" for i in range(low + 1, close)):
            return None
        if self.kinds[low + 1] in ("[", "(", "lbrace") and self.match[low + 1] == close - 1:
            condition = self.within(low + 2, close - 1, self.comparison)
        else:
            condition = self.within(low + 1, close, self.comparison)
        self.at = close + 1
        return Call((span[0], self.ends[close]), Name(span, "indicator"), (condition,))

    def _holds_relation(self) -> bool:
        close = self.match[self.at]
        return close > 0 and any(self.kinds[i] == "rel" for i in range(self.at + 1, min(close, self.end)))

    def number_atom(self) -> Node:
        """A number, or the 1 of an indicator."""
        at = self.at
        if self.texts[at] == "1" and at + 1 < self.end and self.kinds[at + 1] in ("_", "lbrace", "["):
            node = self.number()
            if self.kind() == "_":
                return self._indicator_below(node.span) or node
            if self._holds_relation():
                arguments, _, last = self.arguments()
                return Call((node.span[0], last), Name(node.span, "indicator"), arguments)
            return node
        return self.number()

    # --- functions ---

    def function(self) -> Node:
        """A function with its scripts and its argument."""
        at = self.at
        word = self.texts[at]
        self.at += 1
        if word == "sum" and (self.kind() == "_" or (self.kind() in _OPERAND and (self.kind() not in ("(", "[", "{") or (self.kind() == "(" and self.gaps[self.at])))):
            self.at = at
            return self.big()
        if word == "arg":
            if self.kind() == "func" and self.texts[self.at] in ("max", "min"):
                word = "arg" + self.texts[self.at]
                self.at += 1
        start = self.starts[at]
        head: Node = Name((start, self.ends[self.at - 1]), word)
        if self.kind() in ("^", "_", "'"):
            head = self.postfix(head)
        kind = self.kind()
        if kind in ("(", "[", "lbrace") or (kind == "{" and self.match[self.at] > 0):
            return self._call_in_brackets(head, start, word)
        if word in _PREFIX and (kind in _OPERAND or (kind == "-" and word in _PREFIX)) and not (kind in ("bar", "dbar") and self.open_bar(self.at) < 0):
            if kind == "text":
                return head
            self.depth += 1
            argument = self._bare_argument(word in _GREEDY) if self.depth <= MAX_NESTING else self._give_up()
            self.depth -= 1
            return self.called(head, start, (argument,), (), argument.span[1])
        return head

    def _call_in_brackets(self, head: Node, start: int, word: str) -> Node:
        at = self.at
        arguments, keywords, last = self.arguments()
        if len(arguments) == 1 and self.kinds[at] == "{" and type(arguments[0]) is Group and arguments[0].bracket in ("(", "["):
            arguments = arguments[0].items
        return self.called(head, start, arguments, keywords, last)

    def _bare_argument(self, greedy: bool) -> Node:
        r"""The argument of `\log a_2`, `\tanh W x`: one factor, with the argument list of a name; greedy: all names that follow."""
        if self.kind() == "-":
            start = self.starts[self.at]
            self.at += 1
            inner = self._applied()
            return Sum((start, inner.span[1]), ((-1, inner),))
        factors = [self._applied()]
        names = ("name", "greek", "num", "accent")
        if type(factors[0]) is Number or (greedy and self._only_names_follow()):
            while self.at < self.end and self.kinds[self.at] in names:
                factors.append(self.postfix(self.atom()))
        if len(factors) == 1:
            return factors[0]
        return Product((factors[0].span[0], factors[-1].span[1]), tuple(factors), ("",) * (len(factors) - 1))

    def _only_names_follow(self) -> bool:
        at = self.at
        while at < self.end and self.kinds[at] in ("name", "greek", "num", "accent", "{", "^", "_", "'"):
            at = self.match[at] + 1 if self.match[at] > at else at + 1
        return at >= self.end or self.kinds[at] in ("+", "-", "rel", ",")

    def _applied(self) -> Node:
        """One factor, a name with the argument list right after it."""
        first = self.postfix(self.atom())
        base = first.base if type(first) is Scripted else first
        if type(base) is Name and self.kind() == "(" and 0 <= self.match[self.at] < self.end:
            group = self.postfix(self.group())
            return Product((first.span[0], group.span[1]), (first, group), ("",))
        return first

    # --- sums over an index ---

    def big(self) -> Node:
        """A sum or product sign with its bounds and its body."""
        at = self.at
        sign = self.texts[at] if self.kinds[at] == "sum" else "sum"
        start, last = self.starts[at], self.ends[at]
        self.at += 1
        indices: tuple[Node, ...] = ()
        low_bound: Node | None = None
        high_bound: Node | None = None
        while self.kind() in ("_", "^"):
            below = self.kind() == "_"
            self.at += 1
            low, high = self._script_range()
            last = self.ends[max(self.at - 1, at)]
            if below:
                indices, low_bound = self._bounds(low, high)
            else:
                high_bound = self.within(low, high, self.listed)
                if isinstance(high_bound, Comparison) and high_bound.sign == "=":
                    high_bound = high_bound.right
        self.skip_spaces()
        if self.kind() not in _OPERAND and self.kind() not in ("+", "-", "mul"):
            place = (last, last)
            return BigSum((start, last), sign, indices, low_bound, high_bound, Unread(place, "", "the sum has no body"))
        if self.kind() == "mul":
            self.at += 1
        self.depth += 1
        body = self._body() if self.depth <= MAX_NESTING else self._give_up()
        self.depth -= 1
        return BigSum((start, max(last, body.span[1])), sign, indices, low_bound, high_bound, body)

    def _body(self) -> Node:
        if self.kind() in ("+", "-", "pm"):
            start = self.starts[self.at]
            sign = 1
            while self.kind() in ("+", "-", "pm"):
                sign = self._signed(sign)
            inner = self.product()
            return Sum((start, inner.span[1]), ((sign, inner),))
        return self.product()

    def _script_range(self) -> tuple[int, int]:
        at = self.at
        if at < self.end and self.kinds[at] == "{":
            close = self.match[at]
            high = close if 0 <= close < self.end else self.end
            self.at = min(high + 1, self.end)
            return at + 1, high
        self.at = min(at + 1, self.end)
        return at, self.at

    def _bounds(self, low: int, high: int) -> tuple[tuple[Node, ...], Node | None]:
        """The index names of a sum and where they start; a condition is kept as the start."""
        if low < high and self.kinds[low] == "cmd" and self.texts[low] == "substack" and low + 1 < high and self.kinds[low + 1] == "{":
            low, high = low + 2, (self.match[low + 1] if self.match[low + 1] > 0 else high)
        if low >= high:
            return (), None
        node = self.within(low, high, self.listed)
        if isinstance(node, Comparison):
            left = node.left
            names = left.items if isinstance(left, Group) and left.bracket == "" else (left,)
            return names, node.right if node.sign == "=" else node
        if isinstance(node, Group) and node.bracket in ("", "("):
            names = tuple(item.left if isinstance(item, Comparison) else item for item in node.items)
            first = node.items[0] if node.items else None
            conditions = [item for item in node.items if isinstance(item, Comparison)]
            if isinstance(first, Comparison) and first.sign == "=":
                return names, first.right
            return names, conditions[0] if conditions else None
        if isinstance(node, Product) and all(isinstance(factor, Name) for factor in node.factors):
            return node.factors, None
        return (node,), None

    # --- commands ---

    def command(self) -> Node:
        """Commands with arguments."""
        at = self.at
        name = self.texts[at]
        self.at += 1
        if name == "frac":
            return self.fraction(at)
        if name in ("pdv", "dv"):
            return self.derivative_command(at, "partial" if name == "pdv" else "d")
        if name == "sqrt":
            return self.root(at)
        if name == "surd":
            if self.kind() not in _OPERAND:
                return self.unread(at, at + 1, "nothing under the root")
            body = self.postfix(self.atom()) if self.depth < MAX_NESTING else self._give_up()
            inner = body.items[0] if isinstance(body, Group) and body.bracket == "(" and len(body.items) == 1 else body
            return Root((self.starts[at], body.span[1]), inner)
        low, high = self.argument()
        if name == "second":
            low, high = self.argument()
            return self.within(low, high, self.listed)
        if name == "brace":
            body = self.within(low, high, self.listed)
            while self.kind() in ("_", "^"):
                self.at += 1
                self._script_range()
            return body
        if name in ("norm", "abs"):
            body = self.within(low, high, self.listed)
            return Group((self.starts[at], self.ends[self.at - 1]), "||" if name == "norm" else "|", (body,))
        if name == "binom":
            self.argument()
        return self.unread(at, self.at, "this command is not understood")

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
        if self.kinds[at] == "num" and len(self.texts[at]) > 1:
            return self._one_digit(at)
        self.at = at + 1
        if self.kinds[at] in ("accent",) and self.at < self.end:
            self.argument()
        return at, self.at

    def _one_digit(self, at: int) -> tuple[int, int]:
        """Cut the first digit off a number, in place: the number keeps the rest."""
        text = self.texts[at]
        if at == 0 or not text[0].isdigit():
            self.at = at + 1
            return at, at + 1
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

    def fraction(self, at: int) -> Node:
        """A fraction or a derivative."""
        start = self.starts[at]
        first, first_place = self._peek_digit()
        low, high = self.argument()
        second, second_place = self._peek_digit()
        below_low, below_high = self.argument()
        last = self.ends[self.at - 1] if below_low >= 0 else second_place + 1
        span = (start, max(last, start))
        if low >= 0 and below_low >= 0:
            derivative = self.differentials(low, high, below_low, below_high, span)
            if derivative is not None:
                return derivative
        if below_low >= 0 and below_low >= below_high:
            above = self.part(low, high, first, first_place)
            return Fraction(span, above, Unread((span[1], span[1]), "", "nothing below the line"))
        return Fraction(span, self.part(low, high, first, first_place), self.part(below_low, below_high, second, second_place))

    def _peek_digit(self) -> tuple[str, int]:
        if self.kind() == "num":
            return self.texts[self.at][:1], self.starts[self.at]
        return "", self.starts[self.at] if self.at < self.end else 0

    def root(self, at: int) -> Node:
        r"""`\sqrt{x}`, `\sqrt[3]{x}`."""
        degree: tuple[int, int] | None = None
        if self.kind() == "[" and 0 <= self.match[self.at] < self.end:
            degree = (self.at + 1, self.match[self.at])
            self.at = self.match[self.at] + 1
        if self.kind() == "(":
            body = self.group()
            inner = body.items[0] if isinstance(body, Group) and len(body.items) == 1 else body
            return Root((self.starts[at], body.span[1]), inner)
        place = self.at
        digit, where = self._peek_digit()
        low, high = self.argument()
        body = self.part(low, high, digit, where)
        last = self.ends[self.at - 1] if self.at > place else body.span[1]
        span = (self.starts[at], max(last, body.span[1]))
        if degree is not None:
            return self.unread(at, self.at, "a root that is not a square root")
        return Root(span, body)

    def derivative_command(self, at: int, style: str) -> Node:
        r"""`\pdv{L}{w}`, and the operator `\pdv{w}`."""
        low, high = self.argument()
        if self.kind() == "{":
            below_low, below_high = self.argument()
            top: Node | None = self.within(low, high, self.listed) if low < high else None
            bottom = self.within(below_low, below_high, self.listed)
        else:
            top, bottom = None, self.within(low, high, self.listed)
        return Derivative((self.starts[at], self.ends[self.at - 1]), top, bottom, style)

    def accent(self) -> Node:
        """An accent over a name; over a name with scripts it belongs to the name."""
        at = self.at
        accent = self.texts[at]
        self.at += 1
        if self.kind() not in _OPERAND:
            return self.unread(at, at + 1, "an accent over nothing")
        braced = self.kind() == "{"
        place = self.at
        low, high = self.argument()
        body = self.within(low, high, self.listed) if low >= 0 else self.part(low, high, self.texts[place][:1], self.starts[place] - 1)
        span = (self.starts[at], self.ends[self.at - 1])
        if not accent:
            return body
        changed = with_accent(body, accent, span if not braced or type(body) is Name else None)
        if changed is None:
            self.report("an accent over more than one name is left out", *span)
            return body
        return changed

    # --- derivatives ---

    def differential(self, low: int, high: int) -> tuple[str, bool, int] | None:
        """Whether a range begins with a differential: (style, of higher order, where its operand begins)."""
        if low >= high:
            return None
        kind, text = self.kinds[low], self.texts[low]
        if kind == "{" and self.match[low] >= high - 1:
            return self.differential(low + 1, high) if self.depth < MAX_NESTING and low + 1 < high and self.kinds[low + 1] != "{" else None
        if kind == "diff":
            style, after = "partial", low + 1
        elif kind == "name" and text == "d":
            style, after = "d", low + 1
        elif kind == "name" and text[0] == "d" and len(text) > 1 and text not in _NOT_D:
            return "d", False, low
        else:
            return None
        higher = after < high and self.kinds[after] == "^"
        return style, higher, after

    def strip_d(self, at: int) -> None:
        """Take the d off `dW`, in place."""
        text = self.texts[at]
        if self.kinds[at] == "name" and len(text) > 1 and text[0] == "d":
            self.texts[at] = text[1:]
            if self.ends[at] - self.starts[at] == len(text.replace("^hat", "hat").replace("^", "")) or self.ends[at] - self.starts[at] == len(text):
                self.starts[at] += 1

    def differentials(self, low: int, high: int, below_low: int, below_high: int, span: tuple[int, int]) -> Node | None:
        """A derivative from the two parts of a fraction; None if it is an ordinary fraction."""
        above, below = self.differential(low, high), self.differential(below_low, below_high)
        if above is None and below is None:
            return self._deltas(low, high, below_low, below_high, span)
        partial = "partial" in ((above or below_none)[0], (below or below_none)[0])
        if (above is None or below is None) and not partial:
            if not (above is not None and above[2] == high and below is None and self.kinds[low] == "name" and self.texts[low] == "d"):
                return None
            return None
        if (above and above[1]) or (below and below[1]) or self._second(below_low, below_high):
            return Unread(span, self.text[span[0] : span[1]], "second derivative")
        if above is None or below is None:
            self.report("a differential sign is lost in a derivative", *span)
        style = (above or below or below_none)[0]
        top = None
        if above is None:
            top = self.operand(low, high)
        elif above[2] < high:
            if above[2] == low:
                self.strip_d(low)
            top = self.operand(above[2], high)
        start = below_low if below is None else below[2]
        if below is not None and start == below_low:
            self.strip_d(start)
        if start >= below_high:
            return Unread(span, self.text[span[0] : span[1]], "a derivative with respect to nothing")
        return Derivative(span, top, self.operand(start, below_high), style)

    def _second(self, low: int, high: int) -> bool:
        """Whether a differential sign stands twice below the line."""
        return sum(self.kinds[at] == "diff" for at in range(low, high)) > 1

    def _deltas(self, low: int, high: int, below_low: int, below_high: int, span: tuple[int, int]) -> Node | None:
        r"""`\frac{\delta L}{\delta w}`, written by some for a partial derivative."""
        for start, stop in ((low, high), (below_low, below_high)):
            if stop - start < 2 or self.kinds[start] != "greek" or self.texts[start] != "delta":
                return None
            if self.kinds[start + 1] not in ("name", "greek", "accent", "{", "func"):
                return None
        self.report("delta over delta read as a derivative", *span)
        return Derivative(span, self.operand(low + 1, high), self.operand(below_low + 1, below_high), "partial")

    def operand(self, low: int, high: int) -> Node:
        r"""What a differential sign stands before, without a shape noted beside it (`dZ^{[2]} 2 \times m`)."""
        if self.kinds[low] == "{" and self.match[low] == high - 1:
            low, high = low + 1, high - 1
        size = ("num", "name")
        if (
            high - low > 3
            and self.kinds[high - 2] == "mul" and self.texts[high - 2] == "times"
            and self.kinds[high - 1] in size and self.kinds[high - 3] in size
        ):  # fmt: skip
            self.report("a shape beside a name is left out", self.starts[high - 3], self.ends[high - 1])
            high -= 3
        return self.within(low, high, self.listed)

    def slashed(self) -> Node | None:
        """`dL/dw`, `∂L/∂w`, `d/dz` in the line; None if that is not what stands here."""
        at = self.at
        above = self.differential(at, self.end)
        if above is None or above[1]:
            return self._second_slashed(at, above)
        style, _, low = above
        stop = self.skip_operand(low, True) if not (low < self.end and self.kinds[low] == "/") else low
        if stop < 0 or stop >= self.end or self.kinds[stop] != "/":
            return None
        below = self.differential(stop + 1, self.end)
        wrapped = False
        if below is None and stop + 1 < self.end and self.kinds[stop + 1] == "(" and self.match[stop + 1] < self.end:
            below = self.differential(stop + 2, self.match[stop + 1])
            wrapped = below is not None
        if below is None and (style != "partial" or stop + 1 >= self.end or self.kinds[stop + 1] not in ("name", "greek", "accent")):
            return None
        below_low = stop + 1 if below is None else below[2]
        below_stop = self.match[stop + 1] if wrapped else self.skip_operand(below_low, False)
        if below_stop <= below_low or (below is not None and below[1]):
            return None
        last = below_stop + 1 if wrapped else below_stop
        span = (self.starts[at], self.ends[last - 1])
        if below is None:
            self.report("a differential sign is lost in a derivative", *span)
        top = None
        if low < stop:
            if low == at:
                self.strip_d(at)
            top = self.operand(low, stop)
        if below is not None and below_low == stop + 1 + wrapped:
            self.strip_d(below_low)
        bottom = self.operand(below_low, below_stop)
        self.at = last
        return Derivative(span, top, bottom, style)

    def _second_slashed(self, at: int, above: tuple[str, bool, int] | None) -> Node | None:
        if above is None:
            return None
        after = self.skip_operand(self._skip_group(above[2] + 1), True) if above[2] > at else -1
        if 0 < after < self.end and self.kinds[after] == "/" and self.differential(after + 1, self.end):
            low = self.differential(after + 1, self.end)
            stop = self.skip_operand(low[2], False) if low else -1
            if stop > after:
                self.at = stop
                return self.unread(at, stop, "second derivative")
        return None

    def skip_operand(self, at: int, arguments: bool) -> int:
        """The place after one atom with its scripts (and its argument list), -1 if there is none."""
        kinds, end = self.kinds, self.end
        if at >= end:
            return -1
        kind = kinds[at]
        if kind == "diff":
            at += 1
        elif kind in ("name", "greek", "func", "num", "one"):
            at += 1
            if at < end and kinds[at] == "num" and not self.gaps[at] and kind == "name":
                at += 1
        elif kind == "accent":
            at = self._skip_group(at + 1)
        elif kind in ("(", "[", "{", "lbrace"):
            at = self._skip_group(at)
            arguments = False
        else:
            return -1
        while at < end:
            if kinds[at] in ("^", "_"):
                at = self._skip_group(at + 1)
            elif kinds[at] == "'":
                at += 1
            elif kinds[at] == "(" and arguments and not self.gaps[at]:
                at = self._skip_group(at)
                arguments = False
            elif kinds[at] == "[" and not self.gaps[at] and 0 <= self.match[at] < end and self.match[at] == at + 2 and self.kinds[at + 1] == "num":
                at += 3
            else:
                break
        return at

    def _skip_group(self, at: int) -> int:
        if at >= self.end:
            return self.end
        if self.kinds[at] == "accent":
            return self._skip_group(at + 1)
        close = self.match[at]
        if self.kinds[at] in ("+", "-"):
            return min(at + 2, self.end)
        return min(close + 1 if close > at else at + 1, self.end)

    def partial(self) -> Node:
        r"""`\partial L / \partial w`, `\partial_w L`; a lone sign stays a name."""
        at = self.at
        if at + 1 < self.end and self.kinds[at + 1] == "_":
            return self.nabla("partial")
        derivative = self.slashed()
        if derivative is not None:
            return derivative
        self.at += 1
        return Name((self.starts[at], self.ends[at]), "partial")

    def nabla_atom(self) -> Node:
        """A gradient sign."""
        return self.nabla("nabla")

    def _is_big_d(self) -> bool:
        """Whether D with a name below it and something behind it is a derivative."""
        at = self.at
        if at + 2 >= self.end or self.kinds[at + 1] != "_":
            return False
        low = at + 3 if self.kinds[at + 2] == "{" else at + 2
        after = self._skip_group(at + 2)
        if low >= self.end or self.kinds[low] not in ("name", "greek", "accent") or self.texts[low] in _INDEX_LETTERS:
            return False
        return after < self.end and self.kinds[after] in ("name", "greek", "accent", "(")

    def nabla(self, style: str) -> Node:
        r"""`\nabla_W J(W)`, `\partial_w L`, `D_x E`: applied to the next factor with its argument list."""
        at = self.at
        self.at += 1
        span = (self.starts[at], self.ends[at])
        if self.kind() != "_":
            return Name(span, "nabla")
        self.at += 1
        low, high = self._script_range()
        bottom = self.within(low, high, self.listed)
        last = self.ends[self.at - 1]
        self.skip_spaces()
        if self.kind() not in _OPERAND or self.kind() in ("bar", "dbar", "text"):
            return Derivative((span[0], last), None, bottom, style)
        self.depth += 1
        top = self._applied() if self.depth <= MAX_NESTING else self._give_up()
        self.depth -= 1
        return Derivative((span[0], top.span[1]), top, bottom, style)

    def jacobian(self) -> Node | None:
        """`J_s(h)`: the Jacobian of s with respect to h."""
        at = self.at
        if at + 2 >= self.end or self.kinds[at + 1] != "_":
            return None
        low, high = (at + 3, self.match[at + 2]) if self.kinds[at + 2] == "{" else (at + 2, at + 3)
        after = self._skip_group(at + 2)
        if after >= self.end or self.kinds[after] != "(" or not after < self.match[after] < self.end:
            return None
        if self.kinds[low] not in ("name", "greek", "accent"):
            return None
        close = self.match[after]
        if len(self._split(after + 1, close, (",",))) != 1:
            return None
        top = self.within(low, high, self.listed)
        bottom = self.within(after + 1, close, self.listed)
        self.at = close + 1
        return Derivative((self.starts[at], self.ends[close]), top, bottom, "jacobian")

    # --- environments ---

    def environment(self) -> Node:
        """A matrix, cases, or rows."""
        at = self.at
        kind = self.texts[at]
        close = self.match[at]
        if close < 0 or close >= self.end:
            self.report(f"{kind} is not ended", self.starts[at], self.ends[at])
            close = self.end
        self.at = min(close + 1, self.end)
        span = (self.starts[at], self.ends[self.at - 1])
        rows = [row for row in self._split(at + 1, close, ("row",)) if any(self.kinds[i] not in ("quad", "nl") for i in range(*row))]
        if kind in ("cases", "dcases", "rcases"):
            return Cases(span, tuple(self._case(low, high) for low, high in rows))
        if kind in _MATRICES or kind.endswith("matrix"):
            cells = tuple(tuple(self._cell(low, high) for low, high in self._columns(*row)) for row in rows)
            matrix = Matrix(span, cells)
            return Group(span, "|", (matrix,)) if kind == "vmatrix" else matrix
        if len(rows) == 1:
            return self.within(*rows[0], self.comparison)
        return self.unread(at, self.at, f"rows of {kind} inside a formula")

    def _columns(self, low: int, high: int) -> list[tuple[int, int]]:
        """Cells between `&`, empty ones too."""
        cells = []
        start = at = low
        while at < high:
            if self.kinds[at] == "&":
                cells.append((start, at))
                start = at + 1
            at = self.match[at] + 1 if self.match[at] > at else at + 1
        return [*cells, (start, high)]

    def _cell(self, low: int, high: int) -> Node:
        while low < high and self.kinds[low] in ("quad", "nl"):
            low += 1
        return self.within(low, high, self.listed)

    def _case(self, low: int, high: int) -> tuple[Node, Node | None]:
        cells = self._columns(low, high)
        if len(cells) == 1:
            at = next((i for i in range(low, high) if self.kinds[i] == "text"), -1)
            cells = [(low, at), (at, high)] if at > low else cells
        start, stop = cells[0]
        while stop > start and self.kinds[stop - 1] in (",", "quad", ";"):
            stop -= 1
        value = self.within(start, stop, self.comparison)
        if len(cells) < 2:
            return value, None
        start, stop = cells[1][0], cells[-1][1]
        words = []
        first = start
        while start < stop and self.kinds[start] in ("text", "quad", ","):
            words.append(self.texts[start])
            start += 1
        if start >= stop:
            return (value, Text((self.starts[first], self.ends[stop - 1]), " ".join(filter(None, words)))) if words else (value, None)
        return value, self.within(start, stop, self.comparison)


below_none = ("", False, 0)

_ATOMS: dict[str, Callable[[Parser], Node]] = {
    "num": Parser.number_atom,
    "name": Parser.name,
    "word": Parser.word_left,
    "ident": Parser.word_left,
    "greek": Parser.greek,
    "func": Parser.function,
    "(": Parser.group,
    "[": Parser.group,
    "lbrace": Parser.group,
    "{": Parser.brace,
    "bar": Parser.bars,
    "dbar": Parser.bars,
    "text": Parser.text_atom,
    "words": Parser.text_atom,
    "dots": Parser.dots,
    "one": Parser.ones,
    "sum": Parser.big,
    "cmd": Parser.command,
    "accent": Parser.accent,
    "diff": Parser.partial,
    "nabla": Parser.nabla_atom,
    "begin": Parser.environment,
}


def with_accent(node: Node, accent: str, span: tuple[int, int] | None) -> Node | None:
    """A node with an accent on its name; None if there is not one name to carry it."""
    if type(node) is Name:
        return Name(span or node.span, node.base, (*node.accents, accent))
    if type(node) is Scripted:
        base = with_accent(node.base, accent, None)
        return base and Scripted(node.span, base, node.lower, node.upper, node.primes)
    if type(node) is Transposed:
        body = with_accent(node.body, accent, None)
        return body and Transposed(node.span, body)
    if type(node) is Product and len(node.factors) == 2 and type(node.factors[1]) is Group:
        return None
    return None


def match_brackets(kinds: list[str]) -> list[int]:
    """For every opening bracket the place of the closing one, -1 if it has none; braces are stronger than the others."""
    match = [-1] * len(kinds)
    stack: list[int] = []
    for at, kind in enumerate(kinds):
        if kind in _CLOSERS:
            stack.append(at)
        elif kind in _OPENERS:
            _close(kinds, match, stack, at, _OPENERS[kind])
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

