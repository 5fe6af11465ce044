"""A homework document read: every formula found, cut into statements, parsed; the prose, tables and notes beside them.

`read` never guesses what a name means. It raises only for a document that is too long; whatever else cannot be read becomes
an Unread node with its reason, and the rest of the document goes on.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from symderiv.errors import ModelError
from symderiv.homework.reading.characters import characters
from symderiv.homework.reading.formulas import (
    Call,
    Comparison,
    Derivative,
    Group,
    Name,
    Node,
    Number,
    Product,
    Scripted,
    Sum,
    Text,
    Unread,
    walk,
)
from symderiv.homework.reading.gluing import unglue
from symderiv.homework.reading.macros import find_macros
from symderiv.homework.reading.parser import Parser
from symderiv.homework.reading.prose import Found, find_in_line, without_owners
from symderiv.homework.reading.spans import MAX_FORMULA, Layout, Region, find_layout
from symderiv.homework.reading.spelling import with_commands_mended
from symderiv.homework.reading.splitting import Draft, Splitter, flatten
from symderiv.homework.reading.statements import Document, Note, Row, Sentence, Side, Statement
from symderiv.homework.reading.tokens import Lines, Tokens, join_decimals, tokenize
from symderiv.homework.reading.words import Vocabulary, cut_words

MAX_DOCUMENT = 1_000_000
MAX_STATEMENTS = 5_000
MAX_NOTES = 1_000
MAX_TOKENS = 150_000
MAX_LINE = 4_096  # of what is read at a time
MAX_LONG_LINE = 100_000  # nobody writes such a line: what comes behind is not read
MAX_WORDS = 200

_SEPARATOR_ROW = re.compile(r"[ \t|:>-]*-[ \t|:>-]*")
_LIST_MARKER = re.compile(
    r"[ \t>]*(?:[-*+•▪◦–][ \t]+|\(?(?:\d{1,3}|[a-zA-Z]|[ivx]{1,5})[.)][ \t]+)+(?=\S)|[ \t]*→[ \t]*|[ \t>]*(?:\\item\b\s*)"
)
_HEADING = re.compile(
    r"[ \t]*#{1,6}[ \t]+|\\(?:sub)*(?:section|chapter|paragraph)\*?\{|\*\*[^*\n]+\*\*:?[ \t]*$|\d+(?:\.\d+)*\.?[ \t]+[A-Z][\w ,'-]*$"
)
_CODE_COMMENT = re.compile(r"#.*|//.*|(?<!\S)%.*")
_TABULAR = re.compile(r"\\begin\{(tabular[x*]?)\}.*?\\end\{\1\}", re.DOTALL)
_ROW_END = re.compile(r"\\\\(?:\[[^\]\n]*\])?|\\(?:hline|toprule|midrule|bottomrule)\b|\\end\{tabular")
_PROMPT = re.compile(r"[ \t]*(?:>>>|\.\.\.|In \[\d*\]:|Out\[\d*\]:)[ \t]+")
_LOOK_BEFORE = re.compile(
    r"\{?\\(?:mathcal|mathscr|mathfrak|mathbf|mathit|mathsf|mathtt|boldsymbol|bm|pmb|bf|cal|rm|it|sf)\s*\{?\s*\Z"
)
"""A command that only changes the look of the letter after it, which is where its statement begins."""
_QUOTE = re.compile(r"[ \t]*(?:>[ \t]*)+(?=\S)")
_CODE_ONLY = re.compile(
    r"\s*(?:def|import|from|return|for|while|if|elif|else|class|print|with|assert|try|except|plt\.|@|\"\"\"|>>>\s*(?:import|print))\b"
)


@dataclass(slots=True)
class _Formula:
    """A formula that was found: its tokens, place, and where it stands."""

    tokens: Tokens
    start: int
    end: int
    where: str
    plain: bool = False
    cell: tuple[int, int] | None = None
    reason: str = ""


@dataclass(slots=True)
class _Table:
    headings: tuple[str, ...]
    columns: int
    line: int
    cells: list[list[Statement]] = field(default_factory=list)


def read(text: str, name: str = "homework") -> Document:
    """Read a document.

    Raises: ModelError for one of more than a megabyte.
    """
    if len(text) > MAX_DOCUMENT:
        raise ModelError(f"{name} is longer than a homework can be", f"at most {MAX_DOCUMENT} characters")
    return _Reader(text, name).document()


class _Reader:
    def __init__(self, text: str, name: str) -> None:
        self.out = Document(text, name)
        self.lines = Lines(text)
        self.text, mended = with_commands_mended(text)
        for message, start, end in mended:
            self.note(message, start, end)
        text = self.text
        self.macros, definitions = find_macros(text)
        self.layout: Layout = find_layout(text, definitions)
        self.work = self._without_comments()
        self.formulas: list[_Formula] = []
        self.tables: list[_Table] = []
        self.vocabulary = Vocabulary()
        self.size = 0

    def _without_comments(self) -> str:
        if not self.layout.is_tex or "%" not in self.text:
            return self.text
        return re.sub(r"(?<!\\)%[^\n]*", lambda match: " " * len(match.group()), self.text)

    def document(self) -> Document:
        """Read everything."""
        out = self.out
        out.front_matter = self.layout.front_matter
        for message, start, end in self.layout.problems:
            self.note(message, start, end)
        self._find()
        if self._has_decimal_commas():
            for formula in self.formulas:
                formula.tokens = join_decimals(formula.tokens)
        self.vocabulary.collect(formula.tokens for formula in self.formulas)
        if re.search(r"[Jj]acobian", self.text):
            self.vocabulary.jacobians = True
        previous = self.layout.body[0]
        for number, formula in enumerate(self.formulas):
            statements = self._statements(
                formula,
                previous,
                self.formulas[number + 1].start if number + 1 < len(self.formulas) else len(self.text),
            )
            previous = max(previous, formula.end)
            if formula.cell is not None:
                table, column = formula.cell
                self.tables[table].cells[column] += statements
                statements = [statement for statement in statements if statement.relations]
            for statement in statements:
                if not self._masks(statement):
                    out.statements.append(self._stated_shape(statement))
            if len(out.statements) >= MAX_STATEMENTS:
                self.note(f"only the first {MAX_STATEMENTS} statements are read", formula.end, formula.end)
                break
        out.rows = [
            Row(table.headings, tuple(tuple(cell) for cell in table.cells), table.line) for table in self.tables
        ]
        return out

    def _has_decimal_commas(self) -> bool:
        """Whether the document writes 0,5 for one half: it does so more than once, and never 0.5."""
        if re.search(r"\d\.\d", self.text):
            return False
        return len(re.findall(r"(?:^|[=+\s·*−-])0,\d", self.text)) > 1

    def note(self, message: str, start: int, end: int) -> None:
        """Tell the reader of the report something about a place."""
        if len(self.out.notes) < MAX_NOTES:
            self.out.notes.append(Note(message, self.lines.number(start), (start, end)))

    # --- finding formulas ---

    def _find(self) -> None:
        """All formulas in the order of the text, sentences and tables on the way."""
        layout = self.layout
        inline = sorted(
            (
                region
                for region in layout.regions
                if region.kind != "display" and not (layout.is_tex and region.kind == "tick")
            ),
            key=lambda region: region.start,
        )
        display = sorted(
            (region for region in layout.regions if region.kind == "display"), key=lambda region: region.start
        )
        for region in display:
            if self._is_full():
                break
            self._add(self._marked(region))
        self._code()
        self._prose(inline, display)
        self.formulas.sort(key=lambda formula: formula.start)

    def _add(self, formula: _Formula) -> None:
        self.formulas.append(formula)
        self.size += len(formula.tokens)

    def _is_full(self) -> bool:
        """Whether more was found than is ever read."""
        return len(self.formulas) > MAX_STATEMENTS or self.size > MAX_TOKENS

    def _marked(self, region: Region) -> _Formula:
        size = region.high - region.low
        limit = MAX_FORMULA if region.kind != "display" else 4 * MAX_FORMULA
        if size > limit or (
            size > MAX_FORMULA and max(map(len, self.work[region.low : region.high].split("\\\\"))) > MAX_FORMULA
        ):
            return _Formula(
                Tokens(),
                region.start,
                region.end,
                region.kind,
                reason=f"a formula of more than {MAX_FORMULA} characters",
            )
        inner = self.work[region.low : region.high]
        if region.kind == "tick":
            inner = without_owners(inner)
        tokens = tokenize(characters(inner, 0, size, self.macros, region.low), plain=region.kind == "tick")
        return _Formula(
            tokens,
            region.start,
            region.end,
            "inline" if region.kind == "tick" else region.kind,
            plain=region.kind == "tick",
        )

    def _code(self) -> None:
        """The lines of code fences."""
        code = self.layout.code
        index = 0
        while index < len(code) and not self._is_full():
            line = code[index]
            index += 1
            start, end = line.start, line.end
            while (
                index < len(code)
                and code[index].start == end + 1
                and _is_drawn_row(self.text, code[index].start, code[index].end)
                and "[" in self.text[line.start : line.end]
            ):
                end = code[index].end
                index += 1
            if end - start > MAX_LINE or _CODE_ONLY.match(self.text, start, end):
                continue
            prompt = _PROMPT.match(self.text, start, end)
            start = prompt.end() if prompt else start
            comment = _CODE_COMMENT.search(self.text, start, end)
            if comment and not self.text[start:end].lstrip().startswith("["):
                end = comment.start() if comment.start() > start else start
            self._plain(start, end, "code")

    def _plain(self, start: int, end: int, where: str, cell: tuple[int, int] | None = None) -> None:
        """The formulas of a line without marked ones."""
        if not self.text[start:end].strip():
            return
        drawn = "\n" in self.text[start:end]
        if drawn or where == "code":
            tokens = tokenize(characters(without_owners(self.text[start:end]), 0, end - start, None, start), plain=True)
            if (
                "rel" in tokens.kinds[1:]
                and (drawn or not re.search(r"[A-Za-z]{3,} [A-Za-z]{2,} [A-Za-z]{2,}", self.text[start:end]))
                and not _has_label(tokens)
            ):
                self._add(_Formula(tokens, start, end, where, True, cell))
                return
        for found in find_in_line(self.text, start, end, (), ()):
            self._add(_Formula(found.tokens, found.start, found.end, where, True, cell))

    def _prose(self, inline: list[Region], display: list[Region]) -> None:
        """Every line of prose with the marked formulas in it."""
        covered = sorted(
            [(region.start, region.end) for region in display]
            + [(line.start, line.end) for line in self.layout.code]
            + self.layout.hidden
        )
        starts = [region.start for region in inline]
        low, stop = self.layout.body
        next_covered = 0
        in_table: tuple[str, ...] | None = None
        pieces = self._pieces(low, stop)
        tabulars = [match.span() for match in _TABULAR.finditer(self.work)] if self.layout.is_tex else []
        skip_to = -1
        tabular = (-1, -1)
        for start, end in pieces:
            while next_covered < len(covered) and covered[next_covered][1] <= start:
                next_covered += 1
            if self._is_full():
                self.note("the document has more formulas than are read; only the first ones are", start, end)
                return
            if end <= skip_to:
                continue
            own = inline[bisect_left(starts, start) : bisect_left(starts, end)]
            if own and own[-1].end > end:  # a formula that goes on over the line
                end = max(own[-1].end, end)
                skip_to = end
            for left, right in _uncovered(start, end, covered, next_covered):
                if not self.text[left:right].strip():
                    continue
                mine = [region for region in own if left <= region.start and region.end <= right]
                if tabulars and "&" in self.text[left:right] and (of := _around(tabulars, left)) is not None:
                    headings = in_table if tabular == of else None
                    in_table, tabular = self._tabular_row(left, right, mine, headings), of
                    continue
                if "|" in self.text[left:right]:
                    table = self._table_row(left, right, mine, in_table)
                    if table is not None:
                        in_table = table
                        continue
                self._line(left, right, mine)
            if "|" not in self.text[start:end] and not tabular[0] <= start < tabular[1]:
                in_table = None

    def _pieces(self, low: int, stop: int) -> list[tuple[int, int]]:
        """The lines of a range, long ones in several pieces; a drawn matrix goes with the line before it."""
        pieces: list[tuple[int, int]] = []
        while low < stop:
            end = self.text.find("\n", low, stop)
            line_end = end = stop if end < 0 else end
            if end - low > MAX_LONG_LINE:
                end = low + MAX_LONG_LINE
                self.note(
                    f"the line is longer than a line can be; its first {MAX_LONG_LINE} characters are read", low, end
                )
            if (
                pieces
                and low - pieces[-1][1] == 1
                and end - low < 200
                and "[" in self.text[low:end]
                and _is_drawn_row(self.text, low, end)
            ):
                before = self.text[pieces[-1][0] : pieces[-1][1]]
                if before.rstrip().endswith("]") and ("=" in before):
                    pieces[-1] = (pieces[-1][0], end)
                    low = end + 1
                    continue
            while end - low > MAX_LINE:
                cut = self.text.rfind(" ", low, low + MAX_LINE)
                cut = cut if cut > low else low + MAX_LINE
                pieces.append((low, cut))
                low = cut
            pieces.append((low, end))
            low = line_end + 1
        return pieces

    def _line(self, start: int, end: int, regions: list[Region]) -> None:
        """A line of prose: a sentence, and the formulas in it."""
        heading = _HEADING.match(self.text, start, end)
        marker = None if heading else _LIST_MARKER.match(self.text, start, end)
        blanked = self.text[start:end]
        for region in regions:
            blanked = (
                blanked[: region.start - start] + " " * (region.end - region.start) + blanked[region.end - start :]
            )
        where = "list" if marker else "plain"
        streams: list[Tokens] = []
        kept: list[Region] = []
        for region in regions:
            formula = self._marked(region)
            if region.kind == "tick" and not _is_formula(formula.tokens):
                continue
            if formula.reason:
                self._add(formula)
                continue
            streams.append(formula.tokens)
            kept.append(region)
        low = marker.end() if marker else start
        quote = _QUOTE.match(self.text, low, end)
        low = quote.end() if quote else low
        if heading and self.text[start:end].lstrip()[:1] == "#":
            low = heading.end()
        if self.layout.is_tex:
            found = [
                Found(stream, region.start, region.end, region)
                for region, stream in zip(kept, streams, strict=True)
                if len(stream)
            ]
        elif kept and kept[0].start < low:
            found = find_in_line(self.text, start, end, kept, streams, not heading)
        else:
            found = (
                []
                if "\n" in self.text[low:end] and not kept and self._drawn(low, end, where)
                else find_in_line(self.text, low, end, kept, streams, not heading)
            )
        for each in found:
            kind = (
                "inline"
                if each.region or (kept and any(each.start <= region.start < each.end for region in kept))
                else where
            )
            plain = each.region is None or each.region.kind == "tick"
            self._add(_Formula(each.tokens, each.start, each.end, kind, plain))
            blanked = blanked[: each.start - start] + " " * (each.end - each.start) + blanked[each.end - start :]
        if blanked.strip():
            self.out.sentences.append(Sentence(blanked, (start, end), self.lines.number(start), heading is not None))

    def _drawn(self, start: int, end: int, where: str) -> bool:
        before = len(self.formulas)
        self._plain(start, end, where)
        return len(self.formulas) > before

    # --- tables ---

    def _table_row(
        self, start: int, end: int, regions: list[Region], headings: tuple[str, ...] | None
    ) -> tuple[str, ...] | None:
        """Read a line as a row of a table; None if it is not one."""
        line = self.text[start:end]
        if headings is None:
            following = self.text[end + 1 : end + 1 + MAX_LINE].split("\n", 1)[0]
            if not ("|" in following and "-" in following and _SEPARATOR_ROW.fullmatch(following.rstrip())):
                return None
            return tuple(self.text[low:high].strip() for low, high in self._cells(start, end, regions))
        if _SEPARATOR_ROW.fullmatch(line.rstrip()):
            return headings
        self._row(start, headings, self._cells(start, end, regions), regions)
        return headings

    def _tabular_row(
        self, start: int, end: int, regions: list[Region], headings: tuple[str, ...] | None
    ) -> tuple[str, ...]:
        r"""Read a line of a `tabular` as a row; the first one without formulas has the headings."""
        last = _ROW_END.search(self.work, start, end)
        cells = self._cells(start, end if last is None else last.start(), regions, "&")
        if headings is None:
            headings = tuple(self.work[low:high].strip() for low, high in cells)
            if not regions:
                return headings
        self._row(start, headings, cells, regions)
        return headings

    def _row(self, start: int, headings: tuple[str, ...], cells: list[tuple[int, int]], regions: list[Region]) -> None:
        """Read the cells of a row."""
        number = len(self.tables)
        self.tables.append(_Table(headings, len(cells), self.lines.number(start), [[] for _ in cells]))
        for column, (low, high) in enumerate(cells):
            self._cell(
                low,
                high,
                [region for region in regions if low <= region.start and region.end <= high],
                (number, column),
            )

    def _cells(self, start: int, end: int, regions: list[Region], bar: str = "|") -> list[tuple[int, int]]:
        bars = [
            at
            for at in range(start, end)
            if self.text[at] == bar
            and self.text[at - 1 : at] != "\\"
            and not any(region.start <= at < region.end for region in regions)
        ]
        edges = [start - 1, *bars, end]
        cells = [(left + 1, right) for left, right in pairwise(edges)]
        if cells and not self.text[cells[0][0] : cells[0][1]].strip():
            cells = cells[1:]
        if cells and not self.text[cells[-1][0] : cells[-1][1]].strip():
            cells = cells[:-1]
        return cells

    def _cell(self, low: int, high: int, regions: list[Region], cell: tuple[int, int]) -> None:
        inside = [region for region in regions if low <= region.start < high]
        if not inside and (self.layout.is_tex or not self.text[low:high].strip()):
            return
        if not inside and _is_code(self.text[low:high].strip()):
            low += len(self.text[low:high]) - len(self.text[low:high].lstrip())
            text = self.text[low:high].rstrip()
            tokens = tokenize(characters(without_owners(text), 0, len(text), None, low), plain=True)
            self._add(_Formula(tokens, low, low + len(text), "cell", True, cell))
            return
        streams = []
        kept = []
        for region in regions:
            formula = self._marked(region)
            if not formula.reason:
                streams.append(formula.tokens)
                kept.append(region)
        for each in find_in_line(self.text, low, high, kept, streams):
            self._add(
                _Formula(
                    each.tokens, each.start, each.end, "cell", each.region is None or each.region.kind == "tick", cell
                )
            )

    # --- statements ---

    def _statements(self, formula: _Formula, previous: int, following: int) -> list[Statement]:
        """The statements of a formula."""
        if formula.reason:
            self.note(formula.reason, formula.start, formula.end)
            span = (formula.start, formula.end)
            node = Unread(span, self.text[span[0] : span[0] + MAX_WORDS], formula.reason)
            return [Statement((Side(node, span),), (), span, self.lines.number(span[0]), formula.where)]
        if not len(formula.tokens):
            return []
        tokens = flatten(cut_words(formula.tokens, self.vocabulary, self.note))
        if not len(tokens):
            return []
        parser = Parser(tokens, self.text, self.note, self.vocabulary)
        drafts = [draft for draft in Splitter(tokens, parser.match, formula.plain).drafts() if draft.has_side()]
        if not drafts:
            return []
        if formula.cell is None:
            drafts[0].lead = f"{self._words_before(formula.start, previous)} {drafts[0].lead}".strip()
        drafts[-1].tail = f"{drafts[-1].tail} {self._words_after(formula, following)}".strip()
        found: list[Statement] = []
        for draft in drafts:
            found += self._built(draft, parser, tokens, formula)
        return found

    def _with_look(self, span: tuple[int, int], formula: _Formula) -> tuple[int, int]:
        r"""The place of a side with the `\mathcal{` before its first letter."""
        first, last = span
        while look := _LOOK_BEFORE.search(self.text, max(formula.start, first - 40), first):
            first = look.start()
        return first, last

    def _built(self, draft: Draft, parser: Parser, tokens: Tokens, formula: _Formula) -> list[Statement]:
        """Parse the sides of a draft; several statements where equations are glued together."""
        nodes = [
            self._side(low, high, index, draft, parser) for index, (low, high) in enumerate(draft.sides) if low < high
        ]
        relations = list(draft.relations[: len(nodes) - 1])
        if relations and relations[0].startswith("aug"):
            nodes, relations = self._augmented(nodes, relations)
        equations = unglue(tuple(nodes), tuple(relations))
        statements = []
        for index, equation in enumerate(equations):
            sides = tuple(Side(node, self._with_look(node.span, formula)) for node in equation.sides)
            first, last = sides[0].span[0], max(side.span[1] for side in sides)
            if index == 0 and draft.opening:
                first = min(tokens.starts[draft.low], first)
            if index:
                self.note("two equations side by side without a separator are read as two", first, last)
            statements.append(
                Statement(
                    sides,
                    equation.relations,
                    (first, last),
                    self.lines.number(first),
                    formula.where,
                    draft.opening if index == 0 else "",
                    draft.lead if index == 0 else "",
                    draft.tail if index == len(equations) - 1 else "",
                )
            )
        return [self._shaped(statement) for statement in statements]

    def _side(self, low: int, high: int, index: int, draft: Draft, parser: Parser) -> Node:
        """One side; a list in it is a bare group, words that name something a name."""
        if parser.kinds[low] == "text" and high - low == 1:
            span = (parser.starts[low], parser.ends[low])
            named = re.fullmatch(r".*\(\s*\\?([A-Za-z])\s*\)\s*", parser.texts[low])
            if named and index == 0 and draft.relations:
                place = span[0] + self.text[span[0] : span[1]].rfind(named.group(1))
                self.note(f"'{parser.texts[low]}' read as the name {named.group(1)}", *span)
                return Name((place, place + 1), named.group(1))
            word = parser.texts[low].strip()
            if re.fullmatch(r"[A-Za-z]+", word):
                return Name(span, word)
            return Text(span, word)
        try:
            return parser.within(low, high, parser.listed)
        except RecursionError:
            parser.depth = 0
            return parser.unread(low, high, "nested too deeply")

    def _augmented(self, nodes: list[Node], relations: list[str]) -> tuple[list[Node], list[str]]:
        """`w -= lr * dw` as an assignment."""
        operator = relations[0][3:]
        left, right = nodes[0], nodes[-1]
        span = (left.span[0], right.span[1])
        if operator in "+-":
            value: Node = Sum(span, ((1, left), (1 if operator == "+" else -1, right)))
        else:
            value = Product(span, (left, right), (operator,))
        return [left, value], ["<-"]

    def _shaped(self, statement: Statement) -> Statement:
        r"""`Y(2 \times m)` alone says what shape Y has."""
        if statement.relations == ("=",) and (shaped := _of_shape(statement.sides[0].node)) is not None:
            return replace(statement, sides=(Side(shaped, shaped.span), statement.sides[1]), relations=("in",))
        if len(statement.sides) != 1 or statement.opening:
            return statement
        node = statement.sides[0].node
        if type(node) is not Product or len(node.factors) != 2 or node.marks != ("",):
            return statement
        name, group = node.factors
        if type(name) not in (Name, Scripted) or type(group) is not Group or len(group.items) != 1:
            return statement
        shape = group.items[0]
        if type(shape) is not Product or not _is_shape(shape):
            return statement
        return replace(statement, sides=(Side(name, name.span), Side(shape, shape.span)), relations=("in",))

    def _masks(self, statement: Statement) -> bool:
        """Whether it is the mask of the line before, `dL/dz = dL/da (z > 0)` in plain text; then it is put there."""
        before = self.out.statements[-1] if self.out.statements else None
        if before is None or len(before.sides) < 2 or statement.relations not in ((">",), (">=",)):
            return False
        start, end = before.span[1], statement.span[1]
        side, (low, high) = before.sides[-1], statement.sides
        is_bracketed = self.text[start : statement.span[0]].strip() == "(" and self.text[end : end + 1] == ")"
        if not is_bracketed or not any(isinstance(n, Derivative) for n in walk(side.node)):
            return False
        inner = Comparison(statement.span, low.node, statement.relations[0], high.node)
        mask = Group((statement.span[0] - 1, end + 1), "(", (inner,))
        span = (side.span[0], end + 1)
        last = Side(Product(span, (side.node, mask), ("",)), span)
        self.out.statements[-1] = replace(before, sides=(*before.sides[:-1], last), span=(before.span[0], end + 1))
        return True

    def _stated_shape(self, statement: Statement) -> Statement:
        """`$W$ has shape $3 \\times 2$` as one statement."""
        before = self.out.statements[-1] if self.out.statements else None
        if before is None or len(statement.sides) != 1 or len(before.sides) != 1 or before.line != statement.line:
            return statement
        name, shape = before.sides[0], statement.sides[0]
        if (
            type(name.node) not in (Name, Scripted)
            or not _SHAPE_LEAD.search(statement.lead)
            or not _is_shape(shape.node)
        ):
            return statement
        if self.text[name.span[1] : shape.span[0]].count(".") and "shape" not in statement.lead:
            return statement
        return replace(
            statement, sides=(name, shape), relations=("in",), span=(name.span[0], statement.span[1]), lead=before.lead
        )

    # --- words round a formula ---

    def _words_before(self, start: int, previous: int) -> str:
        """The words between the formula before and this one, from the last line that has any."""
        between = self.work[max(previous, start - MAX_WORDS) : start]
        if not between or between.isspace():
            return ""
        for line in reversed(between.split("\n")):
            if "```" in line or "~~~" in line or "\\begin" in line or "\\end" in line or _CODE_ONLY.match(line):
                continue
            words = _clean(line)
            if re.search(r"[^\W\d_]{2}", words) or (
                words and re.search(r"[^\W\d_]", words) and not re.fullmatch(r"\W*\w\W*", words)
            ):
                return words
        return ""

    def _words_after(self, formula: _Formula, following: int) -> str:
        """The words after an inline formula up to the next punctuation mark or formula."""
        if formula.where in ("display", "cell"):
            return ""
        line = self.lines.starts
        at = bisect_right(line, formula.end - 1)
        end = min(line[at] - 1 if at < len(line) else len(self.text), following)
        after = re.match(r"[^.;$<`\\(|\n]{0,120}", self.work[formula.end : end])
        words = after.group().strip(" ,:*#%") if after else ""
        return words if re.search(r"[A-Za-z]{2}", words) and "=" not in words else ""


_SHAPE_LEAD = re.compile(
    r"^(?:(?:then )?(?:has|have|is|with|of)\b.{0,30}\b(?:shape|size|dimensions?)(?: of)?|(?:is|are|be|denotes?)(?: an?| the)?)$"
)


def _of_shape(node: Node) -> Node | None:
    """What `X.shape` or `shape(X)` is the shape of."""
    if (
        type(node) is Scripted
        and node.lower
        and node.lower[-1].bracket == "."
        and node.lower[-1].body == Name((0, 0), "shape")
    ):
        return node.base
    if (
        type(node) is Call
        and node.function in (Name((0, 0), "shape"), Name((0, 0), "dim"), Name((0, 0), "size"))
        and len(node.arguments) == 1
    ):
        return node.arguments[0]
    return None


def _is_shape(node: Node) -> bool:
    r"""Whether an expression can be a shape: `3 \times 2`, `(3, 2)`."""
    if type(node) is Group and node.bracket in ("(", "["):
        sizes = node.items
        return (len(sizes) == 1 and _is_shape(sizes[0])) or (
            len(sizes) > 1 and all(type(size) in (Number, Name, Scripted) for size in sizes)
        )
    return (
        type(node) is Product
        and set(node.marks) == {"times"}
        and all(type(size) in (Number, Name, Scripted) for size in node.factors)
    )


_COMMAND = re.compile(r"</?\w+>|\\[A-Za-z]+\*?|[\\$`|{}]|\*\*")


def _clean(line: str) -> str:
    """The words of a line without marks of lists, headings and emphasis."""
    words = _COMMAND.sub(" ", line)
    words = re.sub(r"^\s*(?:[-*+>#•→]+\s+)+", "", re.sub(r"\s+", " ", words).lstrip())
    return words.strip(" ,.;:([*")


def _is_drawn_row(text: str, start: int, end: int) -> bool:
    return re.fullmatch(r"[ \t]{2,}[\[⎡⎢⎣|][^\[\]=]{1,160}[\]⎤⎥⎦|][ \t]*\r?", text[start:end]) is not None


def _is_code(cell: str) -> bool:
    """`net_h1`, `1/(1+exp(-z))`: a name with a mark, or signs and no two words in a row."""
    if re.fullmatch(r"[A-Za-z]\w*", cell):
        return "_" in cell or (len(cell) > 1 and cell[-1].isdigit())
    return bool(re.search(r"[*/^+(]", cell)) and not re.search(r"[A-Za-z]{2,}[\s,]+[A-Za-z]{2,}|[$`|\\]", cell)


def _has_label(tokens: Tokens) -> bool:
    """Whether words and a colon stand before the first relation."""
    first = next((at for at, kind in enumerate(tokens.kinds) if kind in ("rel", "aug")), 0)
    return (
        ":" in tokens.kinds[:first]
        or "?" in tokens.kinds
        or sum(
            kind == "ident" and len(text) > 3
            for kind, text in zip(tokens.kinds[:first], tokens.texts[:first], strict=True)
        )
        > 1
    )


def _is_formula(tokens: Tokens) -> bool:
    """Whether what stands in backticks is mathematics, not the name of a file or a command."""
    kinds = tokens.kinds
    if not kinds or "unknown" in kinds:
        return False
    words = [text for kind, text in zip(kinds, tokens.texts, strict=True) if kind == "ident" and len(text) > 1]
    if len(kinds) == 1:
        return kinds[0] in ("num", "greek") or not words
    relations = any(kind in ("rel", "aug") for kind in kinds)
    if kinds[0] == "-" and "-" in kinds[:2] and words:
        return False
    return relations or len(words) * 2 < len(kinds) or any(kind in ("_", "^", "mul", "+") for kind in kinds)


def _around(ranges: Sequence[tuple[int, int]], at: int) -> tuple[int, int] | None:
    """The range that a place is in."""
    return next((found for found in ranges if found[0] <= at < found[1]), None)


def _uncovered(start: int, end: int, covered: Sequence[tuple[int, int]], index: int) -> list[tuple[int, int]]:
    """The parts of a range outside the covered ranges."""
    parts = []
    while index < len(covered) and covered[index][0] < end:
        left, right = covered[index]
        if left > start:
            parts.append((start, left))
        start = max(start, right)
        index += 1
    if start < end:
        parts.append((start, end))
    return parts
