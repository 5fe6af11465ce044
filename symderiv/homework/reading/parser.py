r"""A formula's tokens read into the neutral tree: recursive descent, every node with its place, never an exception.

It decides structure only: what is a script, a fraction, a derivative, the body of a sum. What cannot be read becomes an
Unread node with the reason, what was repaired is reported. The cost is linear: brackets are matched once beforehand.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction as Rational
from functools import lru_cache

from symderiv.homework.reading.brackets import Brackets
from symderiv.homework.reading.cursor import BLANK, MAX_DIGITS, MAX_NESTING, OPERAND, SIGNS
from symderiv.homework.reading.formulas import (
    BigSum,
    Call,
    Cases,
    Comparison,
    Derivative,
    Ellipsis,
    Fraction,
    Group,
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

MAX_EXPONENT = 240  # with MAX_DIGITS before it still a machine number
_AFTER_DIGITS = frozenset(("{", "dots", "percent"))

_GREEDY = frozenset("tanh sinh cosh sech sin cos tan sigmoid softmax relu diag tr exp trace det".split())
_PREFIX = _GREEDY | frozenset("log ln lg max min argmax argmin sgn sign rank arctan vec".split())


class Parser(Brackets):
    """Reads a formula."""

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
        if self.kind() == "," and self.at + 1 < self.end and self.kinds[self.at + 1] == "else":
            self.at += 1
        if self.kind() == "else":
            self.at += 1
            rows.append((self.comparison(), None))
        self.depth -= 1
        return Cases((value.span[0], rows[-1][0].span[1] if len(rows) > 1 else condition.span[1]), tuple(rows))

    def sum(self) -> Node:
        """Terms with signs."""
        kinds, end = self.kinds, self.end
        while self.at < end and kinds[self.at] in BLANK:
            self.at += 1
        at = self.at
        start = self.starts[at] if at < end else (self.ends[at - 1] if at else 0)
        sign = 1
        signed = False
        while self.at < end and kinds[self.at] in SIGNS:
            signed = True
            sign = self.signed(sign)
        first = self.product()
        while self.at < end and kinds[self.at] in BLANK:
            self.at += 1
        if not signed and (self.at >= end or kinds[self.at] not in SIGNS):
            return first
        terms: list[tuple[int, Node]] = [(sign, first)]
        while True:
            self.skip_spaces()
            if self.at >= self.end or kinds[self.at] not in SIGNS:
                break
            if self.at + 1 == self.end and kinds[self.at] == "+" and _is_named(terms[-1][1]):
                terms[-1] = terms[-1][0], self.with_plus(terms[-1][1])  # `w+ = w - g`
                break
            sign = 1
            while self.kind() in ("+", "-", "pm"):
                sign = self.signed(sign)
            terms.append((sign, self.product()))
        if len(terms) == 1 and not (signed and terms[0][0] != 1):
            return terms[0][1]
        return Sum((start, terms[-1][1].span[1]), tuple(terms))

    def with_plus(self, node: Node) -> Node:
        """A name with the plus sign that stands here as its script."""
        place = (self.starts[self.at], self.ends[self.at])
        self.at += 1
        plus = Script(place, Name(place, "plus"))
        span = (node.span[0], place[1])
        if isinstance(node, Scripted):
            return Scripted(span, node.base, node.lower, (*node.upper, plus), node.primes)
        return Scripted(span, node, (), (plus,))

    def product(self) -> Node:
        """Factors in written order with the marks between them."""
        kinds = self.kinds
        self.skip_spaces()
        if self.at >= self.end or (
            kinds[self.at] not in OPERAND
            and kinds[self.at] not in ("mul", "/", "+", "-", "pm", "'", "^", "_", "percent", ":", "!", '"')
        ):
            place = self.ends[self.at - 1] if self.at else 0
            return Unread((place, place), "", "a term is missing")
        factors: list[Node] = []
        marks: list[str] = []
        mark = ""
        while True:
            read = _ATOMS.get(kinds[self.at]) if self.at < self.end else None
            if read is not None:
                factor = self.postfix(read(self))
                if self.at < self.end and kinds[self.at] == "pow":
                    factor = self.raised(factor)
            else:
                factor = self.factor()
            if factors:
                marks.append(mark)
            factors.append(factor)
            if type(factor) is Derivative and self.is_operator(factor):
                factors[-1] = self.apply(factor)
                break
            while self.at < self.end and kinds[self.at] in BLANK:
                self.at += 1
            if self.at >= self.end:
                break
            kind = kinds[self.at]
            if kind == "mul" or kind == "/":
                mark = self.texts[self.at]
                self.at += 1
                self.skip_spaces()
                if self.at >= self.end or (kinds[self.at] not in OPERAND and kinds[self.at] not in ("+", "-", "pm")):
                    place = self.ends[self.at - 1]
                    marks.append(mark)
                    factors.append(Unread((place, place), "", "a factor is missing"))
                    break
            elif kind in ("bar", "dbar"):
                if self.open_bar(self.at) < 0:
                    if not self.evaluated():
                        break
                    self.skip_spaces()
                    if self.kind() not in OPERAND or self.kind() in ("bar", "dbar"):
                        break
                mark = ""
            elif kind in OPERAND:
                mark = ""
            else:
                break
        if len(factors) == 1:
            return factors[0]
        return Product((factors[0].span[0], factors[-1].span[1]), tuple(factors), tuple(marks))

    def factor(self) -> Node:
        """One factor; after a product sign it may have a sign of its own."""
        kind = self.kind()
        if kind in ("+", "-", "pm"):
            start = self.starts[self.at]
            sign = 1
            while self.kind() in ("+", "-", "pm"):
                sign = self.signed(sign)
            inner = self.power()
            return inner if sign == 1 else Sum((start, inner.span[1]), ((sign, inner),))
        return self.power()

    def power(self) -> Node:
        """An atom with its scripts, and the `**` of code."""
        base = self.postfix(self.atom())
        return self.raised(base) if self.kind() == "pow" else base

    def raised(self, base: Node) -> Node:
        """`a**b` from the power sign on."""
        self.at += 1
        if self.kind() in OPERAND or self.kind() in ("+", "-"):
            exponent = self.factor()
        else:
            exponent = Unread((self.ends[self.at - 1], self.ends[self.at - 1]), "", "an exponent is missing")
        return Power((base.span[0], exponent.span[1]), base, exponent)

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

    def number(self) -> Number | Unread:
        """A number, with a percent sign if there is one."""
        at = self.at
        text = self.texts[at]
        self.at += 1
        span = (self.starts[at], self.ends[at])
        if self.at >= self.end or self.kinds[self.at] not in _AFTER_DIGITS:
            known = _read_number(text)
            if known is not None:
                return Number(span, text, *known)
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
        if point and self.kind() == "dots" and not self.gaps[self.at]:  # more digits were left out
            span = (span[0], self.ends[self.at])
            self.at += 1
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
            beside = at + 1 < self.end and not self.gaps[at + 1]
            if text == "d" and (not self.d_is_name or beside or self._is_upright(at)):
                differential = self.lone_differential()
                if differential is not None:
                    return differential
        if text == "D" and self.is_big_d():
            return self.nabla("D")
        if text == "J" and self.jacobians:
            jacobian = self.jacobian()
            if jacobian is not None:
                return jacobian
        if text == "sum" and at + 1 < self.end and self.kinds[at + 1] == "_":
            return self.big()
        self.at += 1
        if text == "I" and self.kind() in ("(", "[", "lbrace") and self._holds_relation():
            arguments, _, last = self.arguments()
            return Call((self.starts[at], last), Name((self.starts[at], self.ends[at]), "indicator"), arguments)
        base, _, accent = text.partition("^")
        name = Name((self.starts[at], self.ends[at]), base, (accent,) if accent else ())
        if (
            len(base) > 1
            and self.kind() == "("
            and not self.gaps[self.at]
            and self.kinds[at] == "name"
            and base[0] != "d"
        ) and self.match[self.at] >= 0:
            arguments, keywords, last = self.arguments()
            return Call((name.span[0], last), name, arguments, keywords)
        return name

    def lone_differential(self) -> Name | Scripted | None:
        r"""`d\Theta`, `d\hat y`, `d\mathbf W`, `d{z^{(3)}}`, `\mathrm{d}W`: a name as `dW` is; None if that does not stand here."""
        at = self.at
        low = at + 1
        if low >= self.end:
            return None
        kind = self.kinds[low]
        start = self.starts[at]
        is_upright = self._is_upright(at)
        if kind == "greek" or (kind == "name" and is_upright):
            if self.gaps[low] and not is_upright and self.text[self.starts[low]] != "\\":
                return None
            self.at = low + 1
            return Name((start, self.ends[low]), "d" + self.texts[low])
        if kind == "{" and self.match[low] == low + 2 and self.kinds[low + 1] in ("name", "greek"):
            self.at = low + 3
            return Name((start, self.ends[low + 1]), "d" + self.texts[low + 1])
        if kind == "{" and self.match[low] > low + 2 and self.depth < MAX_NESTING:
            inside = self.within(low + 1, self.match[low], self.comparison)
            self.at = self.match[low] + 1
            if isinstance(inside, Scripted) and isinstance(inside.base, Name):
                name = replace(inside.base, base="d" + inside.base.base)
                return replace(inside, base=name, span=(start, inside.span[1]))
            self.at = at
            return None
        if kind == "accent" and self.depth < MAX_NESTING:
            self.at = low
            self.depth += 1
            body = self.accent()
            self.depth -= 1
            if type(body) is Name:
                return Name((start, body.span[1]), "d" + body.base, body.accents)
            self.at = at
        return None

    def _is_upright(self, at: int) -> bool:
        r"""Whether a letter stands in `\mathrm{d}`, or in place of a macro of its own."""
        return self.text[self.ends[at] : self.ends[at] + 1] == "}" or self.text[self.starts[at]] == "\\"

    def greek(self) -> Node:
        """A Greek letter."""
        at = self.at
        if self.texts[at] == "delta":
            derivative = self.slashed_deltas()
            if derivative is not None:
                return derivative
        self.at += 1
        return Name((self.starts[at], self.ends[at]), self.texts[at])

    def word_left(self) -> Node:
        """Letters that were not cut: one name."""
        return self.name()

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

    def number_atom(self) -> Node:
        """A number, or the 1 of an indicator, but not that of `h_1 [w (z > 0)]`."""
        at = self.at
        is_script = at > 0 and self.kinds[at - 1] in ("_", "^")
        if (
            self.texts[at] == "1"
            and not is_script
            and at + 1 < self.end
            and self.kinds[at + 1] in ("_", "lbrace", "[", "(")
        ):
            node = self.number()
            if self.kind() == "_":
                return self._indicator_below(node.span) or node
            if self._holds_relation():
                arguments, _, last = self.arguments()
                return Call((node.span[0], last), Name(node.span, "indicator"), arguments)
            return node
        return self.number()

    def function(self) -> Node:
        """A function with its scripts and its argument."""
        at = self.at
        word = self.texts[at]
        self.at += 1
        if word == "sum" and (
            self.kind() == "_"
            or (
                self.kind() in OPERAND
                and (self.kind() not in ("(", "[", "{") or (self.kind() == "(" and self.gaps[self.at]))
            )
        ):
            self.at = at
            return self.big()
        if word == "arg" and self.kind() == "func" and self.texts[self.at] in ("max", "min"):
            word = "arg" + self.texts[self.at]
            self.at += 1
        start = self.starts[at]
        head: Node = Name((start, self.ends[self.at - 1]), word)
        if self.kind() in ("^", "_", "'"):
            head = self.postfix(head)
        kind = self.kind()
        if kind in ("(", "[", "lbrace") or (kind == "{" and self.match[self.at] > 0 and not self._is_scripted_letter()):
            return self._call_in_brackets(head, start, word)
        if (
            word in _PREFIX
            and (kind in OPERAND or (kind == "-" and word in _PREFIX))
            and not (kind in ("bar", "dbar") and self.open_bar(self.at) < 0)
        ):
            if kind == "text":
                return head
            self.depth += 1
            argument = self._bare_argument(word in _GREEDY) if self.depth <= MAX_NESTING else self.give_up()
            self.depth -= 1
            return self.called(head, start, (argument,), (), argument.span[1])
        return head

    def _is_scripted_letter(self) -> bool:
        r"""Whether the braces here hold a letter whose scripts follow: `\log \mathbf{h}_2`, `\log {y}_i`, not `\log{x}^2`."""
        after = self.match[self.at] + 1
        if after >= self.end or self.kinds[after] not in ("_", "^", "'"):
            return False
        command = "\\" in self.text[self.ends[self.at - 1] : self.starts[self.at + 1]]
        return self.kinds[after] == "_" or command

    def _call_in_brackets(self, head: Node, start: int, word: str) -> Node:
        at = self.at
        arguments, keywords, last = self.arguments()
        if (
            len(arguments) == 1
            and self.kinds[at] == "{"
            and type(arguments[0]) is Group
            and arguments[0].bracket in ("(", "[")
        ):
            arguments = arguments[0].items
        return self.called(head, start, arguments, keywords, last)

    def _bare_argument(self, greedy: bool) -> Node:
        r"""The argument of `\log a_2`, `\tanh W x`: one factor, with the argument list of a name; greedy: all names that follow."""
        if self.kind() == "-":
            start = self.starts[self.at]
            self.at += 1
            inner = self.applied()
            return Sum((start, inner.span[1]), ((-1, inner),))
        factors = [self.applied()]
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
            low, high = self.script_range()
            last = self.ends[max(self.at - 1, at)]
            if below:
                indices, low_bound = self._bounds(low, high)
            else:
                high_bound = self.within(low, high, self.listed)
                if isinstance(high_bound, Comparison) and high_bound.sign == "=":
                    high_bound = high_bound.right
        self.skip_spaces()
        if self.kind() not in OPERAND and self.kind() not in ("+", "-", "mul"):
            place = (last, last)
            return BigSum((start, last), sign, indices, low_bound, high_bound, Unread(place, "", "the sum has no body"))
        if self.kind() == "mul":
            self.at += 1
        self.depth += 1
        body = self._body() if self.depth <= MAX_NESTING else self.give_up()
        self.depth -= 1
        return BigSum((start, max(last, body.span[1])), sign, indices, low_bound, high_bound, body)

    def _body(self) -> Node:
        if self.kind() in ("+", "-", "pm"):
            start = self.starts[self.at]
            sign = 1
            while self.kind() in ("+", "-", "pm"):
                sign = self.signed(sign)
            inner = self.product()
            return Sum((start, inner.span[1]), ((sign, inner),))
        return self.product()

    def _bounds(self, low: int, high: int) -> tuple[tuple[Node, ...], Node | None]:
        """The index names of a sum and where they start; a condition is kept as the start."""
        if (
            low < high
            and self.kinds[low] == "cmd"
            and self.texts[low] == "substack"
            and low + 1 < high
            and self.kinds[low + 1] == "{"
        ):
            low, high = low + 2, (self.match[low + 1] if self.match[low + 1] > 0 else high)
        if low >= high:
            return (), None
        word = next((i for i in range(low, high) if self.texts[i] == "in" and self.kinds[i] != "rel"), high)
        if low < word < high - 1:  # `sum_{k in outputs}` in plain text
            return self._bounds(low, word)
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
            if self.kind() not in OPERAND:
                return self.unread(at, at + 1, "nothing under the root")
            body = self.postfix(self.atom()) if self.depth < MAX_NESTING else self.give_up()
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
                self.script_range()
            return body
        if name in ("norm", "abs"):
            body = self.within(low, high, self.listed)
            return Group((self.starts[at], self.ends[self.at - 1]), "||" if name == "norm" else "|", (body,))
        if name == "binom":
            self.argument()
        return self.unread(at, self.at, "this command is not understood")

    def fraction(self, at: int) -> Node:
        """A fraction or a derivative."""
        start = self.starts[at]
        first, first_place = self.peek_digit()
        low, high = self.argument()
        second, second_place = self.peek_digit()
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
        return Fraction(
            span, self.part(low, high, first, first_place), self.part(below_low, below_high, second, second_place)
        )

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
        digit, where = self.peek_digit()
        low, high = self.argument()
        body = self.part(low, high, digit, where)
        last = self.ends[self.at - 1] if self.at > place else body.span[1]
        span = (self.starts[at], max(last, body.span[1]))
        if degree is not None:
            return self.unread(at, self.at, "a root that is not a square root")
        return Root(span, body)

    def accent(self) -> Node:
        """An accent over a name; over a name with scripts it belongs to the name."""
        at = self.at
        accent = self.texts[at]
        self.at += 1
        if self.kind() not in OPERAND:
            return self.unread(at, at + 1, "an accent over nothing")
        braced = self.kind() == "{"
        digit, place = self.peek_digit()
        low, high = self.argument()
        body = self.part(low, high, digit, place)
        span = (self.starts[at], self.ends[self.at - 1])
        if not accent:
            return body
        changed = with_accent(body, accent, span if not braced or type(body) is Name else None)
        if changed is None:
            self.report("an accent over more than one name is left out", *span)
            return body
        return changed


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


@lru_cache(maxsize=4096)
def _read_number(text: str) -> tuple[Rational, int | None] | None:
    """Value and decimals of an ordinary number; None if it takes a closer look."""
    if len(text) > MAX_DIGITS or "e" in text or "E" in text:
        return None
    whole, point, decimals = text.partition(".")
    if not point:
        return Rational(int(whole)), None
    return Rational(int(whole + decimals or "0"), 10 ** len(decimals)), len(decimals)


def _is_named(node: Node) -> bool:
    return type(node) is Name or (type(node) is Scripted and type(node.base) is Name)


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
