r"""Brackets, bars and environments: groups, norms, matrices in TeX and in plain text, cases."""

from __future__ import annotations

from symderiv.homework.reading.cursor import MAX_NESTING, OPERAND
from symderiv.homework.reading.derivatives import Derivatives
from symderiv.homework.reading.formulas import Cases, Group, Matrix, Name, Node, Product, Text, Transposed

_BRACKETS = {"(": "(", "[": "[", "lbrace": "{"}
_MATRICES = frozenset(
    "bmatrix pmatrix matrix vmatrix Bmatrix Vmatrix array smallmatrix psmallmatrix bsmallmatrix tabular".split()
)


class Brackets(Derivatives):
    """Reads what stands between brackets."""

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
        if close == at + 2 and self.texts[at + 1] == "cdot":  # `\\sigma(\\cdot)`: of whatever it is applied to
            return Group(span, _BRACKETS[kind], (Name((self.starts[at + 1], self.ends[at + 1]), "·"),))
        if kind == "[":
            matrix = self.bracketed(at, close, span)
            if matrix is not None:
                return matrix
        marks = (",", ";") if self._has_bars(at + 1, close) else (",", ";", "bar")
        items = [
            self.within(low, high, self.comparison) if ":" not in self.kinds[low:high] else self.slice(low, high)
            for low, high in self.split(at + 1, close, marks)
        ]
        if len(items) == 1 and type(items[0]) is Matrix and kind in ("(", "["):
            return Matrix(span, items[0].rows)
        if self.texts[at] == "angle" and len(items) == 2:  # the inner product of two vectors
            left, right = items
            inner = Product((left.span[0], right.span[1]), (Transposed(left.span, left), right), ("",))
            return Group(span, "(", (inner,))
        return Group(span, _BRACKETS[kind], tuple(items))

    def slice(self, low: int, high: int) -> Node:
        """`2:end` of code as it stands."""
        if high - low > 5:
            return self.within(low, high, self.comparison)
        span = (self.starts[low], self.ends[high - 1])
        return Text(span, self.text[span[0] : span[1]])

    def _has_bars(self, low: int, high: int) -> bool:
        """Whether bars inside are absolute values, not `P(y | x)`."""
        bars = [at for at in range(low, high) if self.kinds[at] == "bar"]
        return len(bars) != 1

    def bracketed(self, at: int, close: int, span: tuple[int, int]) -> Node | None:
        """`[1 2; 3 4]`, `[[1, 2], [3, 4]]`, rows drawn under each other; None for a plain group."""
        inner = self.split(at + 1, close, (",", "nl"))
        if len(inner) > 0 and all(self.kinds[low] == "[" and self.match[low] == high - 1 for low, high in inner):
            return self._nested_rows(inner, span)
        if any(self.kinds[i] == ";" for i in range(at + 1, close)) and not self._inside(at, close, ";"):
            rows = [self._row(low, high) for low, high in self.split(at + 1, close, (";", "nl"))]
            return Matrix(span, tuple(rows)) if rows else None
        cells = self._cells(at + 1, close)
        drawn = [(at + 1, close)]
        while (
            self.kind() == "nl"
            and self.at + 1 < self.end
            and self.kinds[self.at + 1] == "["
            and 0 <= self.match[self.at + 1] < self.end
        ):
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
        return len(self.split(at + 1, close, (mark,))) < 2 and self.kinds[close - 1] != mark

    def _nested_rows(self, inner: list[tuple[int, int]], span: tuple[int, int]) -> Matrix:
        return Matrix(span, tuple(self._row(low + 1, high - 1) for low, high in inner))

    def _row(self, low: int, high: int) -> tuple[Node, ...]:
        cells = self.split(low, high, (",",))
        if len(cells) < 2:
            cells = self._cells(low, high)
        if not cells:
            return (self.unread(low, high, "a row without entries"),)
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
                begins = kind in OPERAND or (
                    kind in ("+", "-") and self.gaps[at] and at + 1 < high and not self.gaps[at + 1]
                )
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
            turned = self.transposed_from(at, "tT")
            if turned and self.depth < MAX_NESTING:
                self.at = turned
                self.depth += 1
                inner = self.postfix(self.atom())
                self.depth -= 1
                return Transposed((self.starts[at], inner.span[1]), inner)
            if self.at < self.end and self.kinds[self.at] in OPERAND:
                return self.postfix(self.atom()) if self.depth < MAX_NESTING else self.give_up()
            return Group((self.starts[at], self.ends[self.at - 1]), "", ())
        return self.within(at + 1, close, self.listed)

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
            return (
                self.postfix(self.atom())
                if self.kind() in OPERAND and self.depth < MAX_NESTING
                else self.unread(at, self.at, "a bar without its partner")
            )
        self.at = close + 1
        items = [self.within(low, high, self.comparison) for low, high in self.split(at + 1, close, (",",))]
        return Group((self.starts[at], self.ends[close]), "||" if self.kinds[at] == "dbar" else "|", tuple(items))

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
        rows = [
            row
            for row in self.split(at + 1, close, ("row",))
            if any(self.kinds[i] not in ("quad", "nl") for i in range(*row))
        ]
        if kind in ("cases", "dcases", "rcases"):
            return Cases(span, tuple(self._case(low, high) for low, high in rows))
        if kind in _MATRICES or kind.endswith("matrix"):
            if not rows:
                return self.unread(at, self.at, "a matrix without entries")
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
            return (
                (value, Text((self.starts[first], self.ends[stop - 1]), " ".join(filter(None, words))))
                if words
                else (value, None)
            )
        return value, self.within(start, stop, self.comparison)
