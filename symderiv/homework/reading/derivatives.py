r"""Derivatives in all their spellings: fractions, slashes, `\nabla_W J`, `\partial_w l`, `D_x E`, `J_s(h)`, operators.

A lost differential sign and a shape beside a name are repaired and reported. Which quantity is meant is not decided.
"""

from __future__ import annotations

from symderiv.homework.reading.cursor import INDEX_LETTERS, MAX_NESTING, OPERAND
from symderiv.homework.reading.formulas import (
    Derivative,
    Name,
    Node,
    Number,
    Product,
    Script,
    Scripted,
    Transposed,
    Unread,
)
from symderiv.homework.reading.scripts import Scripts
from symderiv.homework.reading.words import with_accent

_NOT_D = frozenset("diag dim det dot data dtype dist delta digamma done depth d_model".split())
_NONE = ("", False, 0)


class Derivatives(Scripts):
    """Reads derivatives."""

    def is_operator(self, node: Node) -> bool:
        """Whether a node is a derivative that is not applied to anything yet."""
        return type(node) is Derivative and node.top is None and node.style in ("d", "partial")

    def apply(self, operator: Node) -> Node:
        r"""`\frac{d}{dz}` applied to the rest of the product."""
        assert isinstance(operator, Derivative)
        self.skip_spaces()
        if self.kind() == "mul" and self.at + 1 < self.end:
            self.at += 1
        if self.kind() not in OPERAND or (self.kind() in ("bar", "dbar") and self.open_bar(self.at) < 0):
            return operator
        self.depth += 1
        body: Node = self.product() if self.depth <= MAX_NESTING else self.give_up()
        self.depth -= 1
        return Derivative((operator.span[0], body.span[1]), body, operator.bottom, operator.style)

    def evaluated(self) -> bool:
        r"""Pass over `\right|_{w=1}`, where something is evaluated; whether that stands here."""
        at = self.at
        if at + 1 >= self.end or self.kinds[at] != "bar" or self.kinds[at + 1] != "_":
            return False
        while self.kind() in ("bar", "_", "^"):
            self.at += 1
            if self.kinds[self.at - 1] != "bar":
                self.script_range()
        self.report("the place where something is evaluated is left out", self.starts[at], self.ends[self.at - 1])
        return True

    def differential(self, low: int, high: int) -> tuple[str, bool, int] | None:
        """Whether a range begins with a differential: (style, of higher order, where its operand begins)."""
        if low >= high:
            return None
        kind, text = self.kinds[low], self.texts[low]
        if kind == "{" and self.match[low] == low + 2 and (self.kinds[low + 1] == "diff" or self.texts[low + 1] == "d"):
            style = "partial" if self.kinds[low + 1] == "diff" else "d"
            return style, low + 3 < high and self.kinds[low + 3] == "^", low + 3
        if kind == "{" and self.match[low] >= high - 1:
            return (
                self.differential(low + 1, high)
                if self.depth < MAX_NESTING and low + 1 < high and self.kinds[low + 1] != "{"
                else None
            )
        if kind == "diff":
            style, after = "partial", low + 1
        elif kind == "name" and text == "d":
            style, after = "d", low + 1
        elif kind == "name" and text[0] == "d" and len(text) > 1 and text[1] != "^" and text not in _NOT_D:
            return "d", False, low
        else:
            return None
        higher = after < high and self.kinds[after] == "^"
        return style, higher, after

    def strip_d(self, at: int) -> None:
        """Take the d off `dW`, in place."""
        text = self.texts[at]
        if self.kinds[at] == "name" and len(text) > 1 and text[0] == "d":
            self.texts[at] = with_accent(text[1:])
            if self.text[self.starts[at] : self.starts[at] + 1] == "d":  # not where a macro stands for it
                self.starts[at] += 1

    def differentials(self, low: int, high: int, below_low: int, below_high: int, span: tuple[int, int]) -> Node | None:
        """A derivative from the two parts of a fraction; None if it is an ordinary fraction."""
        above, below = self.differential(low, high), self.differential(below_low, below_high)
        if above is None and below is None:
            return self._deltas(low, high, below_low, below_high, span)
        partial = "partial" in ((above or _NONE)[0], (below or _NONE)[0])
        if (above is None or below is None) and not partial:
            return None  # `dZ / m`
        if (above and above[1]) or (below and below[1]) or self._second(below_low, below_high):
            return Unread(span, self.text[span[0] : span[1]], "second derivative")
        if above is None or below is None:
            self.report("a differential sign is lost in a derivative", *span)
        style = (above or below or _NONE)[0]
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

    def slashed_deltas(self) -> Node | None:
        """`δL/δw` in the line; None if that is not what stands here."""
        at, kinds = self.at, self.kinds
        operands = ("name", "greek", "accent", "{")
        if at + 1 >= self.end or kinds[at + 1] not in operands:
            return None
        stop = self.skip_operand(at + 1, True)
        if not 0 < stop < self.end - 2 or kinds[stop] != "/" or kinds[stop + 2] not in operands:
            return None
        if kinds[stop + 1] != "greek" or self.texts[stop + 1] != "delta":
            return None
        last = self.skip_operand(stop + 2, False)
        span = (self.starts[at], self.ends[last - 1])
        self.report("delta over delta read as a derivative", *span)
        node = Derivative(span, self.operand(at + 1, stop), self.operand(stop + 2, last), "partial")
        self.at = last
        return node

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
        if below is None and (
            style != "partial" or stop + 1 >= self.end or self.kinds[stop + 1] not in ("name", "greek", "accent")
        ):
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
        after = self.skip_operand(self.skip_group(above[2] + 1), True) if above[2] > at else -1
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
            if at < end and kinds[at] == "num" and not self.gaps[at] and kind in ("name", "greek"):
                at += 1
        elif kind == "accent":
            at = self.skip_group(at + 1)
        elif kind in ("(", "[", "{", "lbrace"):
            at = self.skip_group(at)
            arguments = False
        else:
            return -1
        while at < end:
            if kinds[at] in ("^", "_"):
                at = self.skip_group(at + 1)
            elif kinds[at] == "'":
                at += 1
            elif kinds[at] == "(" and arguments and not self.gaps[at]:
                at = self.skip_group(at)
                arguments = False
            elif (
                kinds[at] == "["
                and not self.gaps[at]
                and 0 <= self.match[at] < end
                and self.match[at] == at + 2
                and self.kinds[at + 1] == "num"
            ):
                at += 3
            else:
                break
        return at

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

    def is_big_d(self) -> bool:
        """Whether D with a name below it and something behind it is a derivative."""
        at = self.at
        if self.d_names_derivatives or at + 2 >= self.end or self.kinds[at + 1] != "_":
            return False
        low = at + 3 if self.kinds[at + 2] == "{" else at + 2
        after = self.skip_group(at + 2)
        if low >= self.end or self.kinds[low] not in ("name", "greek", "accent") or self.texts[low] in INDEX_LETTERS:
            return False
        return after < self.end and self.kinds[after] in ("name", "greek", "accent", "(")

    def nabla(self, style: str) -> Node:
        r"""`\nabla_W J(W)`, `\partial_w L`, `D_x E`: applied to the next factor with its argument list."""
        at = self.at
        self.at += 1
        span = (self.starts[at], self.ends[at])
        below = self.at if self.kind() == "_" else self.skip_group(self.at + 1) if self.kind() == "^" else self.end
        if below >= self.end or self.kinds[below] != "_":
            return Name(span, "nabla")
        bottom, turned, second = self._bottom()
        node = self._with_top(span, bottom, style)
        if second:
            return self.unread(at, self.at, "second derivative")
        return Transposed(node.span, node) if turned else node

    def _bottom(self) -> tuple[Node, bool, bool]:
        """The name below a gradient sign with what stands above the sign; whether that is a transpose, and a second order."""
        upper: list[Script] = []
        bottom: Node | None = None
        turned = primes = 0
        while (kind := self.kind()) in ("_", "^", "'"):
            if kind == "_" and type(bottom) is not Name and bottom is not None:
                break
            self.at += 1
            if kind == "_":
                low, high = self.script_range()
                below = self.within(low, high, self.listed)
                bottom = below if bottom is None else self._marked(bottom, below)
                if type(bottom) is Name and self.kind() == "num" and not self.gaps[self.at]:
                    bottom = self._marked(bottom, self.number())  # `∇_α3`, as α3 is written
                if type(bottom) is Name and self._is_index_below(bottom):
                    lower: list[Script] = []
                    last = self.index(lower, upper)
                    bottom = Scripted((bottom.span[0], last), bottom, tuple(lower)) if lower else bottom
            elif kind == "^":
                more_turned, more_primes, _ = self.script(upper, True)
                turned, primes = turned + more_turned, primes + more_primes
            else:
                primes += int(self.texts[self.at - 1])
        assert bottom is not None
        if not upper and not primes:
            return bottom, turned > 0, False
        body = upper[0].body if upper else None
        second = not self.layers and type(body) is Number and body.text == "2" and not upper[0].bracket
        span = (min(part.span[0] for part in (bottom, *upper)), self.ends[self.at - 1])
        if type(bottom) is Scripted:
            return (
                Scripted(span, bottom.base, bottom.lower, (*bottom.upper, *upper), bottom.primes + primes),
                turned > 0,
                second,
            )
        return Scripted(span, bottom, (), tuple(upper), primes), turned > 0, second

    def _is_index_below(self, bottom: Node) -> bool:
        """Whether `[3]` belongs to the name below: `∇_W[3] L`, as W[3] is written."""
        if self.kind() != "[" or not self._is_index(bottom, False):
            return False
        after = self.match[self.at] + 1
        return after < self.end and self.kinds[after] in ("name", "greek", "accent")

    def _marked(self, name: Node, mark: Node) -> Node:
        """`∇_W_o`: a name below the sign that has a mark below itself."""
        return Scripted((name.span[0], mark.span[1]), name, (Script(mark.span, mark),))

    def _with_top(self, span: tuple[int, int], bottom: Node, style: str) -> Node:
        """A derivative applied to the factor that stands here."""
        last = self.ends[self.at - 1]
        self.skip_spaces()
        if self.kind() not in OPERAND or self.kind() in ("bar", "dbar", "text"):
            return Derivative((span[0], last), None, bottom, style)
        self.depth += 1
        top = self.applied() if self.depth <= MAX_NESTING else self.give_up()
        self.depth -= 1
        whole = (span[0], top.span[1])
        if type(top) is Transposed:  # `∇_z L.T`: a loss is a number, so its gradient is meant
            return Transposed(whole, Derivative(whole, top.body, bottom, style))
        return Derivative(whole, top, bottom, style)

    def jacobian(self) -> Node | None:
        """`J_s(h)`: the Jacobian of s with respect to h."""
        at = self.at
        if at + 2 >= self.end or self.kinds[at + 1] != "_":
            return None
        low, high = (at + 3, self.match[at + 2]) if self.kinds[at + 2] == "{" else (at + 2, at + 3)
        after = self.skip_group(at + 2)
        if after >= self.end or self.kinds[after] != "(" or not after < self.match[after] < self.end:
            return None
        if self.kinds[low] not in ("name", "greek", "accent"):
            return None
        close = self.match[after]
        if len(self.split(after + 1, close, (",",))) != 1:
            return None
        top = self.within(low, high, self.listed)
        bottom = self.within(after + 1, close, self.listed)
        self.at = close + 1
        return Derivative((self.starts[at], self.ends[close]), top, bottom, "jacobian")

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

    def applied(self) -> Node:
        """One factor, a name with the argument list right after it."""
        first = self.postfix(self.atom())
        base = first.base if type(first) is Scripted else first
        is_list = self.kind() == "(" and 0 <= self.match[self.at] < self.end
        if type(base) is Name and is_list and not self._holds_relation():  # `E (z > 0)` is a product
            group = self.postfix(self.group())
            return Product((first.span[0], group.span[1]), (first, group), ("",))
        return first
