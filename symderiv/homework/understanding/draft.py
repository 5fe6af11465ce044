"""The draft of an understanding: what is known of a document so far, and what its names and equations mean by it.

Each step of the inference reads the draft and adds to it. So the same equation can say more at a later step: of a letter
that has become a function, of a name that has become one for something else.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cached_property

from symderiv.homework.marking import Assumption
from symderiv.homework.reading import formulas as f
from symderiv.homework.reading.statements import Document, Statement
from symderiv.homework.understanding.activations import Activations
from symderiv.homework.understanding.conditions import is_condition
from symderiv.homework.understanding.conventions import symbols_of
from symderiv.homework.understanding.elaboration import Elaborator, has_arithmetic
from symderiv.homework.understanding.literals import literal
from symderiv.homework.understanding.rewriting import is_of_numbers, rewritten
from symderiv.homework.understanding.symbols import (
    LOSS_BASES,
    LOSS_CALLS,
    LayerOpen,
    Reference,
    Symbols,
    name_of,
    trees_of,
)
from symderiv.homework.understanding.terms import Term
from symderiv.homework.understanding.understanding import EQUAL_SIGNS, Definition

WEIGHTLIKE = frozenset({"W", "w", "b", "V", "U", "Theta", "theta"})
CONTRARY = r"\bif\b.*\bwere\b|\bhad\b.*\bbeen\b|\bwäre|\bétai(?:t|ent)\b|\bfuera"  # to the fact
ELSEWHERE = r"\W*(?:elsewhere|otherwise|else|sonst|andernfalls|sinon|ailleurs|altrimenti|en otro caso)\b"  # one piece
Equation = tuple[int, Reference, f.Node, dict[str, int]]  # statement, left quantity, right side, layers


class Draft:
    """What is known of one document, step by step."""

    # what is found on the way outlasts a new start, as does all that is cached below
    words_as_names: set[str] = set()
    generic = False  # the loss is any function of the output
    loss_as_written: Term | None = None
    word_loss = ""  # the kind of a loss that only words name
    word_body: Term | None = None
    word_other: Term | None = None
    word_one_sided: Term | None = None
    batch = False
    sample_letters: frozenset[str] = frozenset()

    def __init__(self, document: Document, apart: frozenset[str] = frozenset()) -> None:
        document = rewritten(document)
        self.document = document
        self.apart = apart
        self.symbols: Symbols = symbols_of(document, apart=apart)
        self.assumptions: list[Assumption] = []
        self.functions: dict[str, str] = {}
        self.activations = Activations()
        self.words = " ".join(s.text for s in document.sentences)
        self.elaborator = Elaborator(self.symbols)
        self.definitions: list[Definition] = []
        self.restated: list[Definition] = []
        self.numbers: list[Definition] = []
        self.directions: list[Definition] = []
        self.own_functions: dict[str, tuple[str, Term]] = {}
        self.said: set[str] = set()
        self.fed: dict[str, str] = {}  # the argument that no line names, by what an activation makes of it
        self.introduced: dict[str, int] = {}  # the delta of `dL/dw_{ji} = delta_j x_i`, with its statement
        self.vectors: set[str] = set()  # in a dot product with another list of numbers
        self.loss: str | None = None
        self.layer_range: tuple[int, int] | None = None
        self.base_layers: dict[str, int] = {}
        self.tops: Counter[str] = Counter()
        self.used: Counter[str] = Counter()
        self.lefts: set[str] = set()
        self._open: dict[tuple[int, ...], frozenset[str]] = {}
        self.rows_of_units: frozenset[str] = frozenset()  # `w_k` of which the entries have no letter
        self.entry_counts: dict[str, int] = {}  # of vectors whose entries are named one by one
        self._equated: tuple[tuple[Elaborator, dict[str, str], dict[str, str]], list[Equation]] | None = None

    # --- layers ---
    def is_general(self, at: int) -> bool:
        """Whether a statement is about every layer."""
        return bool(self._letters_of(self.document.statements[at]))

    def _letters_of(self, statement: Statement) -> frozenset[str]:
        """Letters of layers in a statement that have no value of their own."""
        if not (self.symbols.general or self.symbols.top or self.symbols.numbering or self.symbols.time):
            return frozenset()
        key = tuple(id(side) for side in statement.sides)
        found = self._open.get(key)
        if found is None:
            nodes = (n for side in statement.sides for n in f.walk(side.node) if isinstance(n, f.Scripted))
            found = frozenset(letter for node in nodes for letter in self._open_letters(node))
            self._open[key] = found
        return found

    def instances(self, statement: Statement) -> list[dict[str, int]]:
        """Values of the layer letters of a statement: one empty choice where it has none."""
        letters = self._letters_of(statement)
        if not letters:
            return [dict(self.base_layers)]
        first, last = self.layer_range or (self._first_time(statement), max(self.symbols.highest, 1))
        return [{**self.base_layers, **dict.fromkeys(letters, layer)} for layer in range(first, last + 1)]

    def _first_time(self, statement: Statement) -> int:
        """0 where something is counted from 0: the s_0 of `s_{t+1} = f(s_t)`."""
        nodes = [n for side in statement.sides for n in f.walk(side.node) if isinstance(n, f.Scripted)]
        shifts = {sign for n in nodes for s in n.lower if isinstance(s.body, f.Sum) for sign, _ in s.body.terms[1:]}
        names = (name for n in nodes if (name := name_of(n)) is not None)
        counted = any("0" in self.symbols.numbered.get(name.base, ()) for name in names)
        return 0 if (counted or self._said_from_zero) and shifts == {1} else 1

    @cached_property
    def _said_from_zero(self) -> bool:
        """`t = 0, 1, 2` of a time."""
        return any(re.search(rf"(?<![\\\w{{]){t}\s*=\s*0\s*,", self.document.text) for t in self.symbols.time)

    def _open_letters(self, node: f.Scripted) -> set[str]:
        try:
            self.symbols.resolve(node, self.base_layers)
        except LayerOpen as error:
            return {error.letter}
        return set()

    def has_layers(self, keys: Iterable[str]) -> bool:
        """Whether general formulas are judged on the layers of all these quantities."""
        if self.layer_range is None:
            return True
        first, last = self.layer_range
        return all(m is None or first <= m <= last for m in map(layer_of, keys))

    # --- names ---
    def plain(self, node: f.Node, elaborator: Elaborator | None = None) -> Reference | None:
        r"""The quantity a side names: `z_1`, `L(y, \hat y)`, `f(x)`, not an application of a function."""
        elaborator = elaborator or self.elaborator
        if isinstance(node, f.Group) and len(node.items) == 1 and node.bracket in "([{":
            node = node.items[0]
        if isinstance(node, f.Call) and isinstance(node.function, f.Name) and node.function.base.lower() in LOSS_CALLS:
            return Reference(node.function.base, node.function.base)
        if isinstance(node, f.Product) and len(node.factors) == 2 and node.marks == ("",):
            head, group = node.factors
            if isinstance(group, f.Group) and group.bracket in "([{":
                reference = elaborator.reference(head)
                if reference is not None and not reference.primes and reference.power is None:
                    if elaborator.is_function(reference) or has_arithmetic(group) or "^bar" in reference.key:
                        return None  # \bar L (y - t) is a product
                    if (
                        reference.base in LOSS_BASES
                        or len(group.items) > 1
                        or reference.base in ("f", "h", "g", "y")
                        or reference.base in self.symbols.called
                    ):
                        return reference
            return None
        reference = elaborator.reference(node)
        if reference is None or reference.power is not None or reference.primes:
            return None
        return reference

    def closed(self, node: f.Node) -> Reference | None:
        """The quantity of a node without open layer letters."""
        try:
            return self.plain(node)
        except LayerOpen:
            return None

    def count_names(self) -> None:
        """How often each quantity is written, and how often one is what a derivative is taken of."""
        for statement in self.document.statements:
            for layers in self.instances(statement):
                elaborator = self.elaborator_at(layers)
                for side in statement.sides:
                    for node in _names_and_derivatives(side.node):
                        if isinstance(node, (f.Name, f.Scripted)):
                            self._count(node, elaborator)
                        if isinstance(node, f.Derivative) and node.top is not None:
                            top = self.plain(node.top, elaborator) if not isinstance(node.top, f.Sum) else None
                            if top is not None:
                                self.tops[top.key] += 1
                        if isinstance(node, f.Product) and (top := self.closed(node.factors[1])) is not None:
                            self.tops[top.key] += 1

    def _count(self, node: f.Node, elaborator: Elaborator) -> None:
        try:
            reference = elaborator.reference(node)
        except LayerOpen:
            return
        if reference is not None:
            self.used[reference.key] += 1

    def elaborator_at(self, layers: dict[str, int]) -> Elaborator:
        """The elaborator for these values of the layer letters."""
        if layers == self.elaborator.layers:
            return self.elaborator
        return Elaborator(**{**self.elaborator.__dict__, "layers": layers})

    # --- equations ---
    def equations(self) -> list[Equation]:
        """Everything of the form name = something; looked for again only where names have come to mean something else."""
        state = self.elaborator, dict(self.symbols.aliases), dict(self.functions)
        if self._equated is None or self._equated[0] != state:
            self._equated = state, list(self._found_equations())
        return self._equated[1]

    def _found_equations(self) -> Iterator[Equation]:
        for at, statement in enumerate(self.document.statements):
            if statement.is_continued or len(statement.sides) < 2 or is_condition(statement, self.symbols.indices):
                continue
            if re.search(CONTRARY, statement.lead.split(".")[-1], re.IGNORECASE) or re.match(ELSEWHERE, statement.tail):
                continue
            for layers in self.instances(statement):
                elaborator = self.elaborator_at(layers)
                try:
                    yield from self._named_sides(at, statement, elaborator, layers)
                except LayerOpen:
                    continue

    def _named_sides(
        self, at: int, statement: Statement, elaborator: Elaborator, layers: dict[str, int]
    ) -> Iterator[Equation]:
        left: Reference | None = None
        if "=:" in statement.relations:
            for k, side in enumerate(statement.sides[1:], 1):
                named = self.plain(side.node, elaborator) if statement.relations[k - 1] == "=:" else None
                if named is not None:
                    yield at, named, statement.sides[k - 1].node, layers
            return
        alike = self._names_with_a_value(statement, elaborator)
        if alike:
            for named in alike:
                yield at, named, statement.sides[-1].node, layers
            return
        for k, side in enumerate(statement.sides):
            if k == 0:
                left = self.plain(side.node, elaborator)
                if left is None and isinstance(side.node, f.Product):
                    left = self._words_before(side.node, elaborator)
            elif left is not None and _says_value(statement.relations[k - 1], side.node):
                if statement.relations[k - 1] == "->" and any(isinstance(n, f.Name) for n in f.walk(side.node)):
                    return  # a path from quantity to quantity
                yield at, left, side.node, layers
                middle = self.plain(statement.sides[k - 1].node, elaborator) if k > 1 else None
                last = self.plain(side.node, elaborator)
                if middle is not None and (
                    last is None or (last.key in self.with_formula and middle.key not in self.with_formula)
                ):
                    yield at, middle, side.node, layers  # the b of `a = b = f(x)`, or of `a = b = z` if z has a formula

    def _names_with_a_value(self, statement: Statement, elaborator: Elaborator) -> list[Reference]:
        """`w = c = 0`: two names that have one value by chance; not `y = a_2 = 0.7`, where one has a formula."""
        if len(statement.sides) < 3 or set(statement.relations) != {"="} or literal(statement.sides[-1].node) is None:
            return []
        named = [self.plain(side.node, elaborator) for side in statement.sides[:-1]]
        found = [n for n in named if n is not None and n.key not in self.with_formula]
        return found if len(found) == len(statement.sides) - 1 else []

    def _words_before(self, node: f.Product, elaborator: Elaborator) -> Reference | None:
        """`Loss function: J` and the like: words, then the name."""
        rest = [x for x in node.factors if not isinstance(x, f.Text)]
        return self.plain(rest[0], elaborator) if len(rest) == 1 and len(rest) < len(node.factors) else None

    @cached_property
    def with_formula(self) -> frozenset[str]:
        """Names of which something says how they are worked out."""
        found = set()
        for statement in self.document.statements:
            if "<-" not in statement.relations and any(
                is_formula(side.node) and (name_of(side.node) is None or _is_exponential(side.node))
                for side in statement.sides[1:]
            ):
                reference = self.closed(statement.sides[0].node)
                found |= {reference.key} if reference is not None else set()
        return frozenset(found)

    @cached_property
    def worked_out(self) -> frozenset[str]:
        """Names with a formula, those in the middle of `y = a = softmax(z)`, too."""
        middle = (
            self.closed(side.node)
            for statement in self.document.statements
            if set(statement.relations) <= EQUAL_SIGNS and is_formula(statement.sides[-1].node)
            for side in statement.sides[1:-1]
        )
        return self.with_formula | self.derived_by | {reference.key for reference in middle if reference is not None}

    @cached_property
    def heads(self) -> frozenset[str]:
        """What stands alone on the left of a relation, whatever is on its right."""
        found = (self.closed(s.sides[0].node) for s in self.document.statements if len(s.sides) > 1)
        return frozenset(reference.key for reference in found if reference is not None)

    @cached_property
    def derived_by(self) -> frozenset[str]:
        """What something is derived by: a beta that is, is no rate."""
        bottoms = [n.bottom for tree in trees_of(self.document) for n in f.of_kind(tree, f.Derivative)]
        bottoms += [argument for n in self.document.of_kind(f.Product) if (argument := _gradient_by(n)) is not None]
        found = (self.closed(f.without_brackets(bottom)) for bottom in bottoms)
        return frozenset(reference.key for reference in found if reference is not None)

    @cached_property
    def written_indices(self) -> dict[str, set[tuple[str | int | None, ...]]]:
        """The indices that each quantity is written with."""
        found: dict[str, set[tuple[str | int | None, ...]]] = {}
        for statement in self.document.statements:
            for layers in self.instances(statement)[:1]:
                elaborator = self.elaborator_at(layers)
                for side in statement.sides:
                    for node in f.walk(side.node):
                        if isinstance(node, f.Scripted) and (node.lower or node.upper):
                            try:
                                reference = elaborator.reference(node)
                            except LayerOpen:
                                continue
                            if reference is not None and reference.indices:
                                found.setdefault(reference.key, set()).add(reference.indices)
        return found


def _says_value(relation: str, node: f.Node) -> bool:
    """Whether a relation tells what its left side is: an assignment only where it is to a number."""
    return relation in EQUAL_SIGNS or (relation == "<-" and (literal(node) is not None or is_of_numbers(node)))


def _names_and_derivatives(node: f.Node) -> Iterator[f.Node]:
    r"""Names as wholes with their scripts, derivatives, `\nabla f ..`; of scripts only what may be an exponent."""
    is_gradient = (
        isinstance(node, f.Product) and isinstance(node.factors[0], f.Name) and node.factors[0].base == "nabla"
    )
    if isinstance(node, f.Derivative) or is_gradient:
        yield node
    if isinstance(node, f.Name):
        yield node
        return
    if isinstance(node, f.Scripted) and isinstance(node.base, f.Name):
        yield node
        for script in node.upper:
            if (not script.bracket and not isinstance(script.body, (f.Name, f.Number))) or node.base.base == "e":
                yield from _names_and_derivatives(script.body)
        return
    if isinstance(node, f.Call):
        for argument in node.arguments:
            yield from _names_and_derivatives(argument)
        return
    for child in f.children_of(node):
        yield from _names_and_derivatives(child)


def _gradient_by(node: f.Product) -> f.Node | None:
    r"""The x of `\nabla J(x)`."""
    match node.factors:
        case (f.Name(base="nabla"), _, f.Group(items=(argument,)), *_):
            return argument
    return None


def is_formula(node: f.Node) -> bool:
    """Whether names of quantities are in it, and no derivative: `tanh(1)` is a number."""
    inside = list(f.walk(node))
    functions = {id(n) for call in inside if isinstance(call, f.Call) for n in f.walk(call.function)}
    inside = [n for n in inside if id(n) not in functions]
    return any(isinstance(n, f.Name) for n in inside) and not any(isinstance(n, f.Derivative) for n in inside)


def _is_exponential(node: f.Node) -> bool:
    """`e^{x}`, which is no name."""
    name = name_of(node)
    return name is not None and name.base == "e" and isinstance(node, f.Scripted) and bool(node.upper)


def stands_for_ones(node: f.Node) -> bool:
    """A vector of ones, lying or standing."""
    node = f.without_brackets(node)
    node = f.without_brackets(node.body) if isinstance(node, f.Transposed) else node
    if isinstance(node, f.Sum) and len(node.terms) == 1:
        node = f.without_brackets(node.terms[0][1])  # (-1_n)^T
    name = name_of(node)
    return name is not None and name.base == "ones"


def layer_of(key: str) -> int | None:
    """The number of the layer in a key: 2 of `a[2]`."""
    match = re.search(r"\[(-?\d+)\]", key)
    return int(match.group(1)) if match else None
