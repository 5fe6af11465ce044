"""A NumPy forward and backward pass as lines to read: parsed with `ast`, never executed; every character keeps its place.

What is no mathematics (imports, definitions of activations, initial values, calls) is blanked, `self.` goes, the `return` of
a loss becomes `loss =`, and what a call of the forward pass gives its results is added behind the text.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator

from symderiv.homework.reading.in_place import Folded, folded, rows_in_place

MOST_SOURCE = 200_000  # characters
ACTIVATIONS = frozenset({"softmax", "sigmoid", "relu", "tanh", "softplus", "logistic", "leaky_relu", "identity"})
LOSS_NAMES = re.compile(r"loss|cost|objective|nll|cross_?entropy|mse", re.IGNORECASE)
COMMENT = (
    r"^[ \t]*#[ \t]*(?:[\w ,]+:[ \t]+)?((?:\S*/d|d?\w+'?\([^=\n]*\)[ \t]*=)[^\n]*"
    r"|(?:\w+ )?(?:loss|cost|error)[ :]*\w*[ \t]*=[^\n]*|\$[^$\n]*=[^$\n]*\$\.?)[ \t]*$"
)
SHAPE_COMMENT = (
    r"^[ \t]*#[ \t]*([^\n]*\b\w+(?: is| *:| is of shape| has shape) +(?:\(\w+, ?\w*\)|\w+ ?[x×] ?\w+\b)[^\n]*)$"
)
TEXT_CELL = re.compile(
    r"^#[ \t]*%%[ \t]*\[markdown\][^\n]*\n((?:#(?![ \t]*%%)[^\n]*\n|[ \t]*\n)*)", re.MULTILINE | re.IGNORECASE
)
RANDOM = re.compile(r"\b(?:random|default_rng)\b|\.(?:standard_)?(?:normal|randn|uniform)\(")
INITIAL = re.compile(r"^(?:\w+\.)*(?:zeros|ones|empty|full|array|asarray|copy)(?:_like)?\(")
FENCE = re.compile(
    r"^([ \t]*)(```+|~~~+)[ \t]*(?:python|py|python3|ipython)\b[^\n]*\n(.*?)^[ \t]*\2", re.M | re.S | re.I
)
SHIFT = re.compile(r"\b(\w+)( - +(?:(?:np|numpy)\.(?:max|amax)\( *\1\b|\1\.max\()[^()]*\))")  # of a softmax: it cancels


def is_python(name: str, text: str) -> bool:
    """Whether a document is Python source: by its name, and it parses."""
    if not name.endswith(".py"):
        return False
    return _parses(text)


def _parsed(text: str) -> ast.Module:
    """The tree of a source; nothing is compiled beyond it.

    Raises: SyntaxError, ValueError, RecursionError, MemoryError.
    """
    if len(text) > MOST_SOURCE:
        raise ValueError("too long for a backward pass")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a backslash in somebody's string
        return ast.parse(text)


def with_programs_folded(text: str) -> Folded:
    """A document whose fenced Python, all of it together, has what it does in place put together; its line numbers stay."""
    blank = re.sub(r"[^\r\n]", " ", text)
    rows: set[int] = set()
    program = blank
    for fence in FENCE.finditer(text):
        begin, stop = fence.span(3)
        if not fence[1] and _parses(text[begin:stop]):
            program = program[:begin] + text[begin:stop] + program[stop:]
            first = text.count("\n", 0, begin) + 1
            rows.update(range(first, first + text.count("\n", begin, stop) + 1))
    if not rows or not _parses(program):
        return Folded(text)
    source = folded(program)
    if not source.last and not source.spans:
        return Folded(text)
    olds, news = text.splitlines(keepends=True), source.text.splitlines(keepends=True)
    pairs = zip(olds, news[: len(olds)], strict=True)
    lines = [new if row in rows else old for row, (old, new) in enumerate(pairs, 1)]
    more = "".join(news[len(olds) :]).strip()
    return Folded("".join(lines) + (f"\n\n```python\n{more}\n```\n" if more else ""), source.last, source.spans)


def _parses(text: str) -> bool:
    try:
        _parsed(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def with_programs(text: str) -> str:
    """A document with its fenced Python blocks as lines of mathematics; a block that does not parse stays as it is."""
    added: list[str] = []
    pieces, end = [], 0
    for fence in FENCE.finditer(text):
        begin, stop = fence.span(3)
        block = text[begin:stop]
        if fence[1]:
            continue  # within a list: its indentation is not the program's
        try:
            lines = as_lines(block)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        pieces += [text[end:begin], _without_rows(lines[: len(block)], rows_in_place(block))]
        added.append(lines[len(block) :].strip())
        end = stop
    more = "\n".join(x for x in added if x)
    return "".join(pieces) + text[end:] + (f"\n\n```\n{more}\n```\n" if more else "")


def _without_rows(lines: str, rows: set[int]) -> str:
    """The lines with some of them blank: what is worked out in place says nothing line by line."""
    kept = lines.splitlines(keepends=True)
    return "".join(re.sub(r"[^\r\n]", " ", line) if row in rows else line for row, line in enumerate(kept, 1))


def as_lines(text: str) -> str:
    """The source as lines of mathematics at the same offsets, more lines behind it for what calls say.

    Raises: SyntaxError.
    """
    return _Source(text).lines()


class _Source:
    def __init__(self, text: str) -> None:
        self.text = text
        self.out = list(re.sub(r"[^\n]", " ", text))
        self.starts = [0, *(match.end() for match in re.finditer(r"\r\n?|\n", text))]  # lines as Python counts them
        self.returned: dict[str, ast.expr] = {}
        self.added: list[str] = []

    def lines(self) -> str:
        tree = _parsed(self.text)
        functions = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)]
        for function in functions:
            for statement in ast.walk(function):
                if isinstance(statement, ast.Return) and statement.value is not None:
                    self.returned[function.name] = statement.value
        self._block(tree.body, None)
        self._comments()
        self._text_cells()
        return "".join(self.out) + "\n" + "\n".join(self.added) + "\n"

    # --- places ---
    def _offset(self, line: int, column: int) -> int:
        begin = self.starts[line - 1]
        row = self.text[begin : self.starts[line] if line < len(self.starts) else len(self.text)]
        return begin + len(row.encode()[:column].decode(errors="ignore"))

    def _place(self, node: ast.stmt | ast.expr) -> tuple[int, int]:
        begin = self._offset(node.lineno, node.col_offset)
        return begin, self._offset(node.end_lineno or node.lineno, node.end_col_offset or 0)

    def _keep(self, node: ast.stmt | ast.expr) -> None:
        """Copy a node's text, without `self.` and with sizes by their letter."""
        begin, end = self._place(node)
        piece = self.text[begin:end]
        piece = re.sub(r"\bself\.", "     ", piece)
        piece = re.sub(r"\b(?:numpy|jnp|torch)\.", lambda m: "np.".rjust(len(m.group())), piece)
        piece = re.sub(
            r"\b\w+\.shape\[[01]\]|\blen\(\w+\)|\b\w+\.size\(0\)", lambda m: "N".ljust(len(m.group())), piece
        )
        piece = SHIFT.sub(lambda m: m[1] + " " * len(m[2]), piece)
        piece = re.sub(r"([-+*/]?=)( +)(?= )", r"\2\1", piece)  # the gap before the sign, where it parts nothing
        self.out[begin:end] = list(piece)

    # --- statements ---
    def _block(self, body: list[ast.stmt], function: str | None) -> None:
        for statement in body:
            match statement:
                case ast.FunctionDef(name=name, body=inner):
                    if name.lower() not in ACTIVATIONS and not name.startswith("test"):
                        self._block(inner, name)
                case ast.ClassDef(body=inner):
                    self._block(inner, None)
                case ast.Expr(value=ast.Constant(value=str())):
                    self._words(statement)
                case ast.For(body=inner) | ast.While(body=inner) | ast.With(body=inner):
                    self._block(inner, function)
                case ast.If():
                    for inner in _branches(statement):
                        self._block(inner, function)
                case ast.Return(value=value) if (
                    value is not None
                    and not isinstance(value, ast.Tuple)
                    and function is not None
                    and LOSS_NAMES.search(function)
                ):
                    self._keep(value)
                    begin = self._offset(statement.lineno, statement.col_offset)
                    if self.text[begin : begin + 7] == "return ":
                        self.out[begin : begin + 7] = list("loss = ")
                case ast.Assign(targets=[target], value=value):
                    self._assignment(statement, target, value)
                case ast.AugAssign():
                    self._keep(statement)

    def _comments(self) -> None:
        """A comment of a line of its own that is one equation: `# dloss/dP = 2 (P - Y) / N`, `# tanh: tanh'(z) = 1 - tanh(z)^2`."""
        for match in re.finditer(f"{COMMENT}|{SHAPE_COMMENT}", self.text, re.MULTILINE):
            begin, end = match.span(1 if match[1] else 2)
            if not "".join(self.out[begin:end]).strip():
                self.out[begin:end] = list(self.text[begin:end])

    def _text_cells(self) -> None:
        """The comments under `# %% [markdown]`, the text of a notebook that is kept as a program."""
        for cell in TEXT_CELL.finditer(self.text):
            for line in re.finditer(r"^#[ \t]?([^\n]*)$", cell.group(1), re.MULTILINE):
                begin, end = (cell.start(1) + place for place in line.span(1))
                self.out[begin:end] = list(self.text[begin:end])

    def _words(self, statement: ast.stmt) -> None:
        """A docstring: its lines as they are, the quotes gone."""
        begin, end = self._place(statement)
        piece = re.sub(r"\"\"\"|'''", "   ", self.text[begin:end])
        self.out[begin:end] = list(piece)

    def _assignment(self, statement: ast.Assign, target: ast.expr, value: ast.expr) -> None:
        source = self.text[slice(*self._place(value))]
        if (
            isinstance(value, ast.Constant)
            or RANDOM.search(source)
            or (isinstance(value, ast.Call) and INITIAL.match(source))
            or ((".shape" in source or source.startswith("len(")) and not isinstance(value, ast.BinOp))
        ):
            return
        if isinstance(target, ast.Tuple):
            self._call(target, value)
            return
        name = _plain(target)
        if name is None or (isinstance(value, (ast.Name, ast.Attribute)) and _plain(value) == name):
            return
        if isinstance(value, ast.Call) and (called := _plain(value.func)) in self.returned and called is not None:
            returned = self.returned[called]
            if not isinstance(returned, ast.Tuple) and called.lower() not in ACTIVATIONS:
                self._add(name, returned)
                return
        self._keep(statement)

    def _call(self, target: ast.Tuple, value: ast.expr) -> None:
        """`Z1, H, P = forward(X)`: each name is what the function returns at its place."""
        called = _plain(value.func) if isinstance(value, ast.Call) else None
        returned = self.returned.get(called or "")
        if not isinstance(returned, ast.Tuple) or len(returned.elts) != len(target.elts):
            return
        for name_node, given in zip(target.elts, returned.elts, strict=True):
            name = _plain(name_node)
            if name is not None and _plain(given) != name:
                self._add(name, given)

    def _add(self, name: str, value: ast.expr) -> None:
        source = re.sub(r"\bself\.|\bnp\.", "", " ".join(self.text[slice(*self._place(value))].split()))
        self.added.append(f"{name} = {source}")


def _plain(node: ast.expr) -> str | None:
    """The name of a variable or an attribute of self."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self":
        return node.attr
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str):
        return node.slice.value  # cache['Z1']
    return None


def _branches(statement: ast.If) -> Iterator[list[ast.stmt]]:
    """The bodies under `if`, every `elif` and `else`."""
    yield statement.body
    while len(statement.orelse) == 1 and isinstance(inner := statement.orelse[0], ast.If):
        statement = inner
        yield statement.body
    yield statement.orelse
