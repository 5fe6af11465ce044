"""A document taken apart: its statements with their trees, the words between them, tables, headings; offsets kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import chain

from symderiv.homework.reading.formulas import N, Node, of_kind, walk


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a statement."""

    node: Node
    span: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Statement:
    r"""A relation as written, or a lone expression (one side, no relation).

    relations: one between two neighbouring sides, of `=` `:=` `==` (`\equiv`) `<-` (`\leftarrow`, `=:` turned round keeps
    its own sign `=:`) `->` `=>` `~` (`\approx`, `\simeq`) `prop` `in` `:` (name: words or shape) `<` `>` `<=` `>=` `!=`.
    continued: the line begins with a relation (kept in `opening`), so the left side is that of a statement before it.
    where: `display`, `inline`, `plain`, `code` (a fence), `cell` (table), `list`.
    lead: the words just before it on its line or in its sentence ('Let', 'Then', 'What is', 'Gradient wrt').
    tail: words or a condition after it (`i = 1, 2`, 'for all l').
    """

    sides: tuple[Side, ...]
    relations: tuple[str, ...]
    span: tuple[int, int]
    line: int
    where: str
    opening: str = ""
    lead: str = ""
    tail: str = ""

    @property
    def is_continued(self) -> bool:
        """Whether it goes on from the statement before."""
        return bool(self.opening)

    def nodes(self) -> Iterator[Node]:
        """Every node of every side."""
        return chain.from_iterable([walk(side.node) for side in self.sides])

    def of_kind(self, kind: type[N]) -> Iterator[N]:
        """The nodes of one kind of every side."""
        return chain.from_iterable([of_kind(side.node, kind) for side in self.sides])

    def with_sides(self, change: Callable[[Node], Node]) -> Statement:
        """The statement with the tree of every side changed; the spans stay."""
        nodes = [change(side.node) for side in self.sides]
        if all(node is side.node for node, side in zip(nodes, self.sides, strict=True)):
            return self
        return replace(self, sides=tuple(Side(node, side.span) for node, side in zip(nodes, self.sides, strict=True)))


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table: its cells as statements or lone expressions, one tuple a column, with the column's heading."""

    headings: tuple[str, ...]
    cells: tuple[tuple[Statement, ...], ...]
    line: int


@dataclass(frozen=True, slots=True)
class Sentence:
    """Prose between formulas, formulas blanked out by spaces (same offsets)."""

    text: str
    span: tuple[int, int]
    line: int
    is_heading: bool = False


@dataclass(frozen=True, slots=True)
class Note:
    """What was repaired or could not be read, told in the report."""

    text: str
    line: int
    span: tuple[int, int]


@dataclass(slots=True)
class Document:
    """Everything that was read, in the order of the text."""

    text: str
    name: str = "homework"
    statements: list[Statement] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    sentences: list[Sentence] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    front_matter: dict[str, str] = field(default_factory=dict)
    counts_samples: str = ""  # the writer's letter for the samples, where what is said of each is read as of layers l

    def nodes(self) -> Iterator[Node]:
        """Every node of every side of a statement; not those in tables."""
        return chain.from_iterable([statement.nodes() for statement in self.statements])

    def of_kind(self, kind: type[N]) -> Iterator[N]:
        """The nodes of one kind, as with `nodes`."""
        return chain.from_iterable([statement.of_kind(kind) for statement in self.statements])

    def with_sides(self, change: Callable[[Node], Node]) -> Document:
        """The document with the tree of every side of a statement changed; itself if that changes none."""
        statements = [statement.with_sides(change) for statement in self.statements]
        return self if statements == self.statements else replace(self, statements=statements)
