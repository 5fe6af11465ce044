r"""What some books write is first put as others do: `\sigma' = \sigma(1 - \sigma)` at an argument, `w(n)` without its step."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain

from symderiv.homework.reading.formulas import (
    BigSum,
    Call,
    Comparison,
    Derivative,
    Fraction,
    Group,
    Matrix,
    Name,
    Node,
    Number,
    Product,
    Script,
    Scripted,
    Sum,
    Text,
    Transposed,
    of_kind,
    rebuilt,
    walk,
    with_factors_joined,
)
from symderiv.homework.reading.plainly import to_text
from symderiv.homework.reading.reader import read
from symderiv.homework.reading.statements import Document, Row, Side, Statement
from symderiv.homework.understanding.bare_gradients import (
    with_bare_gradients,
    with_matrices_d,
    with_transposed_gradients,
)
from symderiv.homework.understanding.bias_units import with_bias_units
from symderiv.homework.understanding.example_losses import with_example_losses
from symderiv.homework.understanding.labels import with_labels
from symderiv.homework.understanding.named_steps import with_named_steps
from symderiv.homework.understanding.numbered_samples import with_numbered_samples
from symderiv.homework.understanding.patterns import without_patterns
from symderiv.homework.understanding.penalties import with_penalties_written_out
from symderiv.homework.understanding.shapes import WEIGHT_BASES
from symderiv.homework.understanding.step_functions import with_step_functions
from symderiv.homework.understanding.subscript_derivatives import with_subscript_derivatives
from symderiv.homework.understanding.symbols import FUNCTION_BASES, HYPER_BASES, name_of
from symderiv.homework.understanding.unit_columns import with_unit_columns
from symderiv.homework.understanding.units import with_unit_layers

NAMED = frozenset({"sigma", "tanh", "relu", "ReLU", "sigmoid"})
FORMULA_WORDS = r"formula|equation|expression|comput|definition|Formel|Gleichung|fórmula|formule|calcul|Rechnung"
STEP_LETTERS = frozenset("ntk")  # what counts patterns or steps in `w(n)`
TINY = 1e-5
SIZES = frozenset({"m", "n", "M", "N"})  # the usual letters for the number of samples
LONGEST_NAME = 20  # as a heading
WEIGHTS = frozenset({"w", "W", "theta", "Theta", "b", "beta"})
ITERATIONS = frozenset({"t", "k", "n", "r", "s", "i", "tau"})  # what counts the steps of gradient descent

STEPS_ALONE = frozenset({"r", "t", "k", "tau"})  # and no samples


def rewritten(document: Document) -> Document:
    """The document with every rewriting that applies to it."""
    for rewriting in (
        with_named_steps, with_subscript_derivatives, with_bare_gradients, with_transposed_gradients, with_matrices_d,
        with_example_losses, without_samples_in_pairs, with_turned_lefts, with_formula_rows, with_values_under_names,
        with_given_names, without_patterns, with_unit_layers, without_notes, with_penalties_written_out,
        with_entries, with_primed_indices, with_arguments, without_steps, without_iterations, without_numbered_steps, with_unit_columns,
        with_numbered_samples, with_layer_letter, with_bias_units, with_lists, with_labels,
        with_scores, with_slices, with_steps_in_one, with_sum_letters, with_both_logs_summed, with_size_below, with_features,
        without_guards, with_step_functions,
    ):  # fmt: skip
        document = rewriting(document)
    return document


# --- samples in pairs ---
def without_samples_in_pairs(document: Document) -> Document:
    """`(x, y) = (1, 2) and (3, 5)`: several samples, so neither pair says what x is."""
    after = re.compile(r"[\s$]*(?:,|;|and|und|y|et|e|then)?[\s$]*\(\s*-?\d[\d.]*\s*[,;]")
    statements = [
        s
        for s in document.statements
        if not (
            len(s.sides) == 2
            and all(isinstance(side.node, Group) and len(side.node.items) > 1 for side in s.sides)
            and after.match(document.text, s.span[1])
        )
    ]
    return document if len(statements) == len(document.statements) else replace(document, statements=statements)


# --- definitions turned round ---
def with_turned_lefts(document: Document) -> Document:
    """`z^T = x^T W` says what z is, if no other line does."""
    lefts = Counter(to_text(s.sides[0].node) for s in document.statements if len(s.sides) > 1)

    def turned(statement: Statement) -> Statement:
        left = statement.sides[0].node
        if len(statement.sides) != 2 or statement.relations != ("=",) or not isinstance(left, Transposed):
            return statement
        if name_of(left.body) is None or lefts[to_text(left.body)]:
            return statement
        right = statement.sides[1]
        return replace(
            statement, sides=(Side(left.body, statement.sides[0].span), Side(_turned(right.node), right.span))
        )

    statements = [turned(s) for s in document.statements]
    return document if statements == document.statements else replace(document, statements=statements)


def _turned(node: Node) -> Node:
    """The transpose, taken of each factor: `(x^T W)^T` is `W^T x`."""
    match node:
        case Transposed(_, body):
            return body
        case Number():
            return node
        case Product(span, factors, marks) if all(m in ("", "cdot", "@") for m in marks):
            return Product(span, tuple(_turned(x) for x in factors[::-1]), marks[::-1])
        case Sum(span, terms):
            return Sum(span, tuple((sign, _turned(t)) for sign, t in terms))
    return Transposed(node.span, node)


# --- tables of formulas ---
def with_formula_rows(document: Document) -> Document:
    """`| z | w x + b | 0.14 |`: a row with a name, its formula and perhaps its value says what a line says."""
    rows = [(row, _as_line(row)) for row in document.rows]
    if not any(line for _, line in rows):
        return document
    statements = sorted([*document.statements, *(line for _, line in rows if line)], key=lambda s: s.span)
    return replace(document, statements=statements, rows=[row for row, line in rows if line is None])


def with_values_under_names(document: Document) -> Document:
    """`| x_1 | x_2 | w |` over a single row of numbers: each name has the value below it."""
    found: list[Statement] = []
    rows: list[Row] = []
    for at, row in enumerate(document.rows):
        neighbours = document.rows[max(0, at - 1) : at] + document.rows[at + 1 : at + 2]
        is_alone = all(other.headings != row.headings for other in neighbours)
        values = _values_under_names(row) if is_alone and len(row.headings) > 1 else None
        if values is None:
            rows.append(row)
        else:
            found += values
    if not found:
        return document
    return replace(document, statements=sorted([*document.statements, *found], key=lambda s: s.span), rows=rows)


def _values_under_names(row: Row) -> list[Statement] | None:
    """What a row says of its headings, if all of these are names and all of it is numbers."""
    out: list[Statement] = []
    for heading, cell in zip(row.headings, row.cells, strict=False):
        text = heading.strip()
        written = (
            read(text if "$" in text or "`" in text else f"`{text}`").statements
            if 0 < len(text) <= LONGEST_NAME
            else []
        )
        if len(written) != 1 or len(cell) != 1 or len(written[0].sides) != 1 or len(cell[0].sides) != 1:
            return None
        name, value = written[0].sides[0].node, cell[0].sides[0]
        if name_of(name) is None or any(isinstance(n, Name) for n in walk(value.node)):
            return None
        sides = (replace(value, node=replace(name, span=value.span)), value)
        out.append(Statement(sides, ("=",), value.span, row.line, "table"))
    return out


def _as_line(row: Row) -> Statement | None:
    if not any(re.search(FORMULA_WORDS, heading, re.IGNORECASE) for heading in row.headings):
        return None
    lone = [cell[0] for cell in row.cells if len(cell) == 1 and len(cell[0].sides) == 1]
    if len(lone) < 2 or (name_of(lone[0].sides[0].node) is None and not isinstance(lone[0].sides[0].node, Derivative)):
        return None
    formulas = [s for s in lone[1:] if _is_formula(s.sides[0].node)]
    if len(formulas) != 1:
        return None
    values = [
        s for s in lone[1:] if s is not formulas[0] and not any(isinstance(n, Name) for n in walk(s.sides[0].node))
    ]
    kept = [lone[0], formulas[0], *values[:1]]
    sides = tuple(s.sides[0] for s in kept)
    span = (kept[0].span[0], kept[-1].span[1])
    return Statement(sides, ("=",) * (len(sides) - 1), span, row.line, "cell")


def _is_formula(node: Node) -> bool:
    """More than a name and more than numbers."""
    return name_of(node) is None and any(isinstance(n, Name) for n in walk(node))


# --- names that the words give ---
NAMING = (
    r"(?:call|denot\w*|name|abbreviat\w*|write)\s+(?:this|it|that|the)(?:\s+\w+){0,3}?(?:\s+(?:by|as|for))?|"
    r"(?:nenne\w*|bezeichne\w*)\s+(?:das|dies\w*|ihn|sie|wir)(?:\s+\w+){0,3}?|(?:appelons|notons)(?:\s+\w+){0,3}?|"
    r"(?:llam\w+|denot\w+)(?:\s+\w+){0,3}?"
)


def with_given_names(document: Document) -> Document:
    r"""`dJ/dZ = (A - Y)/n. Call this matrix G`: G is what stood on the left."""
    statements = list(document.statements)
    for at, (before, lone) in enumerate(itertools.pairwise(document.statements), 1):
        between = document.text[before.span[1] : lone.span[0]]
        if len(lone.sides) != 1 or name_of(lone.sides[0].node) is None or len(before.sides) < 2:
            continue
        is_named = re.search(rf"\b(?:{NAMING})[\s$\\(`]*$", between, re.IGNORECASE)
        if is_named and isinstance(before.sides[0].node, Derivative) and len(between) < 120:
            sides = (lone.sides[0], Side(before.sides[0].node, lone.sides[0].span))
            statements[at] = replace(lone, sides=sides, relations=("=",))
    return replace(document, statements=statements)


# --- notes in brackets ---
def without_notes(document: Document) -> Document:
    """`w1 = 0.2 (x1 -> h1)`, `(lr = eta) W <- W - eta dW`: an arrow or equation in round brackets is an aside."""

    def visit(part: Node) -> Node:
        if isinstance(part, Sum) and len(part.terms) == 1:
            return replace(part, terms=((part.terms[0][0], visit(part.terms[0][1])),))
        if not isinstance(part, Product):
            return part
        kept = [x for x in part.factors if not _is_note(x)]
        return kept[0] if len(kept) == 1 < len(part.factors) else part

    return document.with_sides(visit)


def _is_note(node: Node) -> bool:
    inner = node.items[0] if isinstance(node, Group) and len(node.items) == 1 else None
    if not isinstance(inner, Comparison) or not isinstance(node, Group):
        return False
    return inner.sign == "->" or (inner.sign == "=" and node.bracket == "(" and isinstance(inner.left, Name))


# --- entries of names in brackets ---
def with_entries(document: Document) -> Document:
    r"""`(W_2)_{kj}` is the entry `W^{[2]}_{kj}`: then the 2 of a `W_2` is the mark of its layer too."""
    entries = [inner for n in document.of_kind(Scripted) if (inner := _in_brackets(n))]
    if not entries:
        return document
    marked = {name.base for inner in entries if inner.lower and (name := name_of(inner))}

    def entry(node: Node) -> Node:
        inner = _in_brackets(node)
        if inner is not None and isinstance(node, Scripted):
            mark = replace((inner.lower or inner.upper)[0], bracket="[")
            return replace(node, base=inner.base, upper=(mark, *node.upper))
        is_marked = isinstance(node, Scripted) and isinstance(node.base, Name) and node.base.base in marked
        if is_marked and isinstance(node, Scripted) and len(node.lower) == 1 and isinstance(node.lower[0].body, Number):
            return replace(node, lower=(), upper=(replace(node.lower[0], bracket="["), *node.upper))
        return rebuilt(node, entry)

    return document.with_sides(entry)


def _in_brackets(node: Node) -> Scripted | None:
    """The `W_2` of an entry `(W_2)_{kj}`."""
    if not isinstance(node, Scripted) or not node.lower or not isinstance(node.base, Group):
        return None
    inner = node.base.items[0] if len(node.base.items) == 1 and node.base.bracket in ("(", "[") else None
    if not isinstance(inner, Scripted) or not isinstance(inner.base, Name) or inner.primes:
        return None
    marks = (*inner.lower, *inner.upper)
    return inner if len(marks) == 1 and isinstance(marks[0].body, (Number, Name)) else None


def with_primed_indices(document: Document) -> Document:
    r"""`\sum_{l'} A_{l'j}`: a primed letter that is summed over is another index; it gets a letter that is not taken."""
    primed = sorted({name for n in document.of_kind(BigSum) for i in n.indices if (name := _primed(i))})
    if not primed:
        return document
    taken = {n.base for n in document.of_kind(Name)}
    letters = dict(zip(primed, (x for x in "rsqpuvjik" if x not in taken), strict=False))

    def index(node: Node) -> Node:
        name = _primed(node)
        if name in letters and isinstance(node, Scripted) and isinstance(node.base, Name):
            return replace(node.base, span=node.span, base=letters[name])
        return rebuilt(node, index)

    def visit(node: Node) -> Node:
        if isinstance(node, Scripted):
            lower = tuple(replace(s, body=index(s.body)) for s in node.lower)
            return replace(rebuilt(replace(node, lower=()), visit), lower=lower)  # type: ignore[call-arg]
        if isinstance(node, BigSum):
            indices = tuple(index(i) for i in node.indices)
            return replace(rebuilt(node, visit), indices=indices)  # type: ignore[call-arg]
        return rebuilt(node, visit)

    return document.with_sides(visit)


def _primed(node: Node) -> str:
    """The l of a lone `l'`."""
    is_lone = isinstance(node, Scripted) and node.primes and not node.lower and not node.upper
    return node.base.base if is_lone and isinstance(node, Scripted) and isinstance(node.base, Name) else ""


# --- numbers in boxes ---
def with_lists(document: Document) -> Document:
    r"""`\boxed{2}\boxed{-3}\boxed{4}`: numbers side by side, with nothing between them, are a list.

    So are names that stand so before a row of as many numbers, `[x_1 \; x_2] = [0.8 \; -0.5]`.
    """
    document = document.with_sides(_as_list)
    return replace(document, statements=[_as_lists(s) for s in document.statements])


def _as_lists(statement: Statement) -> Statement:
    match [side.node for side in statement.sides]:
        case [Group(_, "[", (Product(_, names, marks),)) as left, Matrix(_, (row,)) as right]:
            if not any(marks) and len(names) == len(row) and all(_is_bare_name(x) for x in names):
                nodes = replace(left, items=names), Group(right.span, "[", row)
                sides = [replace(side, node=node) for side, node in zip(statement.sides, nodes, strict=True)]
                return replace(statement, sides=tuple(sides))
    return statement


def _is_bare_name(node: Node) -> bool:
    return isinstance(node, Name) or (isinstance(node, Scripted) and isinstance(node.base, Name))


def _as_list(node: Node) -> Node:
    if not isinstance(node, Product) or any(node.marks) or not all(_is_plain_number(x) for x in node.factors):
        return node
    return Group(node.span, "[", node.factors)


def _is_plain_number(node: Node) -> bool:
    if isinstance(node, Sum) and len(node.terms) == 1:
        node = node.terms[0][1]
    return isinstance(node, Number)


# --- scores that are left out ---
def with_scores(document: Document) -> Document:
    r"""`p_j = e^j / \sum_i e^i` where all other exponents are `o_k`: the entries of o are meant."""
    powers = chain(document.of_kind(Scripted), document.of_kind(Call))
    exponents = [e for n in powers if (e := _exponent(n))]
    bases = {e.base for e in exponents if isinstance(e, Scripted) and len(e.lower) == 1 and not e.upper}
    base = bases.pop() if len(bases) == 1 else None
    if not isinstance(base, Name):
        return document

    def scored(node: Node) -> Node:
        exponent = _exponent(node)
        if not isinstance(exponent, Name) or exponent.accents:
            return rebuilt(node, scored)
        entry = Scripted(exponent.span, replace(base, span=exponent.span), (Script(exponent.span, exponent),))
        if isinstance(node, Scripted):
            return replace(node, upper=(Script(exponent.span, entry),))
        return replace(node, arguments=(entry,))  # type: ignore[call-arg]

    def side(node: Node) -> Node:
        return scored(node) if isinstance(node, Fraction) and _is_share_of_letters(node) else node

    return document.with_sides(side)


def _exponent(node: Node) -> Node | None:
    """The x of `e^x` and of exp(x)."""
    if isinstance(node, Scripted) and isinstance(node.base, Name) and node.base.base == "e" and len(node.upper) == 1:
        return node.upper[0].body
    is_exp = isinstance(node, Call) and isinstance(node.function, Name) and node.function.base == "exp"
    return node.arguments[0] if is_exp and isinstance(node, Call) and len(node.arguments) == 1 else None


def _is_share_of_letters(node: Fraction) -> bool:
    """`e^j / \\sum_i e^i`: the sum runs over its own exponent."""
    total = node.below
    if not isinstance(_exponent(node.above), Name) or not isinstance(total, BigSum) or len(total.indices) != 1:
        return False
    return _exponent(total.body) == total.indices[0]


# --- a step over several lines ---
def with_steps_in_one(document: Document) -> Document:
    r"""`w \leftarrow w - \eta g`, below it `\leftarrow 3 - 0.1 \cdot 10`, `\leftarrow 2`: one statement, as if on one line."""
    statements: list[Statement] = []
    for statement in document.statements:
        before = statements[-1] if statements else None
        if before is not None and _goes_on(before, statement):
            statements[-1] = replace(
                before,
                sides=(*before.sides, *statement.sides),
                relations=(*before.relations, statement.opening, *statement.relations),
                span=(before.span[0], statement.span[1]),
                tail=statement.tail,
            )
        else:
            statements.append(statement)
    return document if len(statements) == len(document.statements) else replace(document, statements=statements)


def _goes_on(step: Statement, statement: Statement) -> bool:
    """Whether a line of numbers goes on from a step: from an assignment, or from `w = w - ..`."""
    if not statement.is_continued or len(step.sides) < 2 or not all(is_of_numbers(s.node) for s in statement.sides):
        return False
    name, first = step.sides[0].node, step.sides[1].node
    if name_of(name) is None:
        return False
    is_from_itself = isinstance(first, Sum) and len(first.terms) > 1 and same_name(first.terms[0][1], name)
    return step.relations[0] == "<-" or is_from_itself


def same_name(one: Node, other: Node) -> bool:
    """Whether two names are written alike, wherever they stand."""
    return to_text(one) == to_text(other)


def is_of_numbers(node: Node) -> bool:
    """Whether numbers are in it, and no names."""
    inside = list(walk(node))
    return any(isinstance(n, Number) for n in inside) and not any(isinstance(n, (Name, Derivative)) for n in inside)


# --- sums without an index ---
def with_sum_letters(document: Document) -> Document:
    """`∑ (p_i - y_i)^2`: the sum over the only letter that stands below what is summed."""

    def visit(node: Node) -> Node:
        node = rebuilt(node, visit)
        if isinstance(node, BigSum) and not node.indices and node.start is None and node.end is None:
            letters = {
                part.base: part
                for scripted in of_kind(node.body, Scripted)
                for script in scripted.lower
                for part in of_kind(script.body, Name)
            }
            if len(letters) == 1:
                return replace(node, indices=tuple(letters.values()))
        return node

    return document.with_sides(visit) if any(not n.indices for n in document.of_kind(BigSum)) else document


# --- what is meant, where more or less is written ---
def with_both_logs_summed(document: Document) -> Document:
    r"""`-\sum_i y_i \ln a_i + (1 - y_i) \ln(1 - a_i)`, whose brackets are missing: the sum and its minus are about both."""
    return document.with_sides(_both_logs_summed) if any(document.of_kind(BigSum)) else document


def _both_logs_summed(node: Node) -> Node:
    node = rebuilt(node, _both_logs_summed)
    if not isinstance(node, Sum) or [sign for sign, _ in node.terms[:2]] != [-1, 1]:
        return node
    (_, first), (_, second) = node.terms[:2]
    *before, last = first.factors if isinstance(first, Product) else (first,)
    if not isinstance(last, BigSum) or isinstance(last.body, Group) or not all(map(_has_log, (last.body, second))):
        return node
    both = Sum((last.body.span[0], second.span[1]), ((1, last.body), (1, second)))
    whole: Node = replace(last, span=(last.span[0], second.span[1]), body=both)
    if isinstance(first, Product):
        whole = replace(first, span=(first.span[0], second.span[1]), factors=(*before, whole))
    return replace(node, terms=((-1, whole), *node.terms[2:]))


def _has_log(node: Node) -> bool:
    return any(name.base in ("log", "ln") for name in of_kind(node, Name)) and not any(of_kind(node, BigSum))


def with_size_below(document: Document) -> Document:
    """`1/2m`, without a space before the number of samples: it stands below with the 2."""
    return document.with_sides(_size_below)


def _size_below(node: Node) -> Node:
    node = rebuilt(node, _size_below)
    if not isinstance(node, Product) or "/" not in node.marks:
        return node
    for k, (mark, after) in enumerate(itertools.pairwise(node.marks)):
        number, size = node.factors[k + 1 : k + 3]
        is_close = isinstance(number, Number) and isinstance(size, Name) and number.span[1] == size.span[0]
        if mark == "/" and after == "" and is_close and isinstance(size, Name) and size.base in SIZES:
            below = Product((number.span[0], size.span[1]), (number, size), ("",))
            factors = (*node.factors[: k + 1], below, *node.factors[k + 3 :])
            return replace(node, factors=factors, marks=(*node.marks[: k + 1], *node.marks[k + 2 :]))
    return node


def without_guards(document: Document) -> Document:
    """`log(p + 1e-12)`, `log(p + eps)`: what keeps a logarithm from zero is no part of the model."""
    return document.with_sides(_without_guards)


def _without_guards(node: Node) -> Node:
    node = rebuilt(node, _without_guards)
    match node:
        case Call(function=Name(base="log" | "ln"), arguments=(Sum() as inside, *_)):
            return replace(node, arguments=(_unguarded(inside), *node.arguments[1:]))
        case Call(function=Name(base="log" | "ln"), arguments=(Group(items=(Sum() as inside,)) as group, *_)):
            return replace(node, arguments=(replace(group, items=(_unguarded(inside),)), *node.arguments[1:]))
    return node


def _unguarded(inside: Sum) -> Node:
    kept = tuple((sign, term) for sign, term in inside.terms if not (sign > 0 and _is_guard(term)))
    if len(kept) in (0, len(inside.terms)):
        return inside
    return kept[0][1] if len(kept) == 1 and kept[0][0] > 0 else replace(inside, terms=kept)


def _is_guard(term: Node) -> bool:
    if isinstance(term, Name):
        return term.base in ("eps", "epsilon", "varepsilon", "EPS")
    return isinstance(term, Number) and 0 < term.value <= TINY


def with_features(document: Document) -> Document:
    r"""`\phi(x_n)`, `\phi(x)` of a feature map, which no line defines and nobody derives: the features `\phi_n`, `\phi` of the sample."""
    heads = [statement.sides[0].node for statement in document.statements if len(statement.sides) > 1]
    defined = {call[0].base for node in heads if (call := _feature(node)) is not None}
    found = {
        call[0].base for n in document.of_kind(Product) for pair in _pairs(n) if (call := _feature(pair)) is not None
    }
    primed = {n.base.base for n in document.of_kind(Scripted) if n.primes and isinstance(n.base, Name)}
    maps = found - defined - primed

    def visit(node: Node) -> Node:
        node = rebuilt(node, visit)
        if not isinstance(node, Product):
            return node
        return with_factors_joined(node, lambda k: _features_at(node, k, maps))

    return document.with_sides(visit) if maps else document


def _features_at(product: Product, k: int, maps: set[str]) -> Node | None:
    call = (
        _feature(Product(product.span, product.factors[k : k + 2], ("",)))
        if product.marks[k : k + 1] == ("",)
        else None
    )
    if call is None or call[0].base not in maps:
        return None
    name, argument = call
    span = (name.span[0], product.factors[k + 1].span[1])
    return replace(argument, span=span, base=name) if isinstance(argument, Scripted) else replace(name, span=span)


def _pairs(product: Product) -> Iterator[Product]:
    for k, mark in enumerate(product.marks):
        if mark == "":
            yield Product(product.span, product.factors[k : k + 2], ("",))


def _feature(node: Node) -> tuple[Name, Node] | None:
    r"""The phi and the x_n of `\phi(x_n)`."""
    match node:
        case Product(factors=(Name(base="phi" | "varphi" | "psi") as name, Group(items=(argument,)))):
            head = name_of(argument)
            return (name, argument) if head is not None and head.base == "x" else None
    return None


# --- all but the first ---
def with_slices(document: Document) -> Document:
    r"""`W_{1:}`, `W[1:, :]` and `(W d)[1:]` as `(..)_{1:}`: the rows after the first, of a whole that stands in brackets."""
    return document.with_sides(_sliced)


def _sliced(node: Node) -> Node:
    if isinstance(node, Product) and any(_is_slice_group(x) for x in node.factors[1:]):
        factors: list[Node] = []
        marks: list[str] = []
        for mark, factor in zip(("", *node.marks), node.factors, strict=True):
            if factors and not mark and isinstance(factor, Group) and _is_slice_group(factor):
                factors[-1] = _all_but_first(factors[-1], [Script(x.span, x) for x in factor.items])
            else:
                factors.append(_sliced(factor))
                marks.append(mark)
        return (
            _product(replace(node, factors=tuple(factors), marks=tuple(marks[1:])), factors)
            if len(factors) > 1
            else factors[0]
        )
    if isinstance(node, Scripted) and (sample := _one_of_all(node)) is not None:
        return sample
    if isinstance(node, Scripted) and isinstance(node.base, Name) and any(is_slice(s.body) for s in node.lower):
        kept = tuple(s for s in node.lower if not is_slice(s.body))
        whole = replace(node, lower=kept) if kept or node.upper or node.primes else node.base
        scripts = [replace(s, body=Text(s.span, part)) for s in node.lower if isinstance(s.body, Text) and is_slice(s.body)
                   for part in s.body.text.split(",")]  # fmt: skip
        return _all_but_first(whole, scripts)
    return rebuilt(node, _sliced)


def _one_of_all(node: Scripted) -> Node | None:
    """`Z_{:,j}`, `Z_{:j}`, `Z_{j,:}` as Z_j: one of the samples that are the columns, or rows, of what is no weight."""
    if not isinstance(node.base, Name) or node.base.base in WEIGHT_BASES - {"A"}:
        return None
    letters: list[Script] = []
    colons = 0
    for script in node.lower:
        text = script.body.text.replace(" ", "") if isinstance(script.body, Text) else None
        if text == ":":
            colons += 1
        elif text is not None and (found := re.fullmatch(r":,?([a-z])|([a-z]),?:", text)):
            colons += 1
            letters.append(replace(script, body=Name(script.span, found[1] or found[2])))
        else:
            letters.append(script)
    is_one = colons == 1 and len(letters) == 1 and isinstance(letters[0].body, Name) and len(letters[0].body.base) == 1
    return replace(node, lower=tuple(letters)) if is_one else None


def _all_but_first(node: Node, scripts: list[Script]) -> Node:
    group = node if isinstance(node, Group) else Group(node.span, "(", (node,))
    return Scripted(node.span, rebuilt(group, _sliced), tuple(scripts))


def is_slice(node: Node) -> bool:
    """`1:` or `2:`, all but the first (counted from 0 or 1), perhaps `:` for all of the other axis."""
    return (
        isinstance(node, Text) and re.fullmatch(r"\s*(?:[12]?:|:\s*,\s*[12]:|[12]:\s*,\s*:)\s*", node.text) is not None
    )


def _is_slice_group(node: Node) -> bool:
    return isinstance(node, Group) and node.bracket == "[" and bool(node.items) and all(is_slice(x) for x in node.items)


# --- functions without their argument ---
def with_arguments(document: Document) -> Document:
    """Every fact about a function alone, at an argument."""
    applied = {base for s in document.statements for base in _applied_bases(s)}
    statements = [_pointed(s, applied) for s in document.statements]
    return document if statements == document.statements else replace(document, statements=statements)


def _applied_bases(statement: Statement) -> set[str]:
    """The letters of functions that stand before an argument."""
    products = statement.of_kind(Product)
    return {base for product in products for base in _applications(product)} & FUNCTION_BASES


def _pointed(statement: Statement, applied: set[str]) -> Statement:
    found = _fact(statement)
    if found is None or not (found[0] in NAMED or found[0] in applied):
        return statement
    base, argument = found
    return statement.with_sides(lambda node: _applied(node, base, argument))


def _fact(statement: Statement) -> tuple[str, str] | None:
    """(function, argument) if a statement is about one function that is nowhere applied in it."""
    if len(statement.sides) < 2 or statement.is_continued:
        return None
    left = statement.sides[0].node
    argument = "z"
    if isinstance(left, Scripted) and left.primes and not left.lower and not left.upper and isinstance(left.base, Name):
        base = left.base.base
    elif isinstance(left, Derivative) and isinstance(left.top, Name) and isinstance(left.bottom, Name):
        base, argument = left.top.base, left.bottom.base
        if base not in NAMED:
            return None
    else:
        return None
    if base not in FUNCTION_BASES and base not in NAMED:
        return None
    inside = [n for side in statement.sides[1:] for n in walk(side.node)]
    names = {n.base for n in inside if isinstance(n, Name)}
    bare = names == {base} and all(base not in _applications(n) for n in inside if isinstance(n, Product))
    return (base, argument) if bare else None


def _applications(product: Product) -> Iterator[str]:
    r"""The names before an argument: `\sigma(z)`; `\sigma(1 - \sigma)` is a product."""
    for a, b in zip(product.factors, product.factors[1:], strict=False):
        if isinstance(a, Name) and isinstance(b, Group) and all(isinstance(i, Name) for i in b.items):
            yield a.base


def _applied(node: Node, base: str, argument: str) -> Node:
    """The tree with `f` and `f'` written as `f(z)` and `f'(z)`."""

    def visit(part: Node) -> Node:
        if isinstance(part, Product):
            return _product(part, [visit(x) for x in part.factors])
        if _is_head(part, base):
            end = (part.span[1], part.span[1])
            return Product(part.span, (part, Group(end, "(", (Name(end, argument),))), ("",))
        return rebuilt(part, visit)

    return visit(node)


def _is_head(node: Node, base: str) -> bool:
    inner = node.base if isinstance(node, Scripted) and not node.lower and not node.upper else node
    return isinstance(inner, Name) and inner.base == base


# --- steps written like arguments ---
def without_steps(document: Document) -> Document:
    """`w_{ji}(n)`, `e_j(n)`: where weights are written so, the letter counts steps and all is meant at the same one.

    The value after the step, `w(n+1)`, is marked new.
    """
    letter = _step_letter(document)
    if letter is None:
        return document

    def visit(part: Node) -> Node:
        if not isinstance(part, Product):
            return rebuilt(part, visit)
        factors: list[Node] = []
        marks: list[str] = []
        for mark, factor in zip(("", *part.marks), part.factors, strict=True):
            ahead = _step(factor, letter) if factors and not mark and name_of(factors[-1]) is not None else None
            if ahead is None:
                factors.append(visit(factor))
                marks.append(mark)
            elif ahead > 0:
                factors[-1] = _marked_new(factors[-1])
        return (
            _product(replace(part, factors=tuple(factors), marks=tuple(marks[1:])), factors)
            if len(factors) > 1
            else factors[0]
        )

    return document.with_sides(visit)


def without_iterations(document: Document) -> Document:
    """`w_{k+1} = w_k - eta dL/dw`: a step, whatever counts the steps."""
    parameters = frozenset(base for s in document.statements for base in _derived_by(s))
    statements = [_as_step(s, parameters) for s in document.statements]
    return document if statements == document.statements else replace(document, statements=statements)


def _as_step(statement: Statement, parameters: frozenset[str]) -> Statement:
    left = statement.sides[0].node
    name = name_of(left)
    if name is None or not isinstance(left, Scripted) or len(statement.sides) < 2:
        return statement
    nexts = [x for script in (*left.lower, *left.upper) if (x := _before_next(script.body)) is not None]
    nodes = [n for side in statement.sides[1:] for n in walk(side.node) if isinstance(n, Scripted)]
    has_rate = any(_is_rate_of(n, letter) for letter in nexts for n in nodes)  # \gamma_r
    stepped = WEIGHTS | (parameters if has_rate else _derived_by(statement))
    if name.base not in stepped:
        return statement
    first = statement.sides[1].node.terms[0][1] if isinstance(statement.sides[1].node, Sum) else None
    if (
        len(nexts) != 1
        or first is None
        or _without_scripts(left, {_next(nexts[0])}) != _without_scripts(first, {nexts[0]})
    ):
        return statement
    places = {nexts[0], _next(nexts[0])}
    if any(to_text(s.body) == _next(nexts[0]) for n in nodes for s in (*n.lower, *n.upper)):
        return statement  # `w_{k+1} = w_k - eta v_{k+1}`: a velocity with steps of its own

    def visit(part: Node) -> Node:
        own = name_of(part) if isinstance(part, Scripted) else None
        if own is not None and own.base in stepped:
            return _without_scripts(part, places)
        if isinstance(part, Scripted) and _is_rate_of(part, nexts[0]):
            return part.base
        if isinstance(part, Scripted) and own is not None and nexts[0] in STEPS_ALONE:  # \delta_{ki}^{(r)}
            kept = tuple(s for s in part.upper if s.bracket != "(" or to_text(s.body) != nexts[0])
            part = replace(part, upper=kept) if kept or part.lower or part.primes else part.base
        return rebuilt(part, visit)

    return statement.with_sides(visit)


def without_numbered_steps(document: Document) -> Document:
    """`a1 = 0 - 0.5 (-1)` beside an a = 0 of the model, `w_2^{(1)} = 0.4` beside w_2: the same after a step."""
    stepped = _names_in_steps(document)
    if not stepped:
        return document

    def visit(part: Node) -> Node:
        name = _numbered(part)
        return name if name is not None and to_text(name) in stepped else rebuilt(part, visit)

    def changed(statement: Statement) -> Statement:
        left = statement.sides[0].node
        name = _numbered(left)
        again = statement.with_sides(visit)
        is_step = name is not None and to_text(name) in stepped and len(statement.sides) > 1 and not _is_start(left)
        return replace(again, relations=("<-", *again.relations[1:])) if is_step else again

    return replace(document, statements=[changed(s) for s in document.statements])


def _names_in_steps(document: Document) -> set[str]:
    """What is derived by and given without a number, and has one only where it is worked out, from numbers or the one before."""
    derived = {to_text(n.bottom) for n in document.of_kind(Derivative) if name_of(n.bottom) is not None}
    given = {
        to_text(name)
        for left, *rest in ([side.node for side in s.sides] for s in document.statements)
        if rest and name_of(left) is not None and is_of_numbers(rest[0])
        for name in (left, _numbered(left) if _is_start(left) else None)
        if name is not None
    }
    numbered = {to_text(name) for n in document.of_kind(Scripted) if (name := _numbered(n)) is not None}
    numbered &= derived & given
    for statement in document.statements if numbered else ():
        left = _numbered(statement.sides[0].node)
        inside = {to_text(name) for n in statement.of_kind(Scripted) if (name := _numbered(n)) is not None}
        is_worked_out = left is not None and (
            (len(statement.sides) > 1 and is_of_numbers(statement.sides[1].node))
            or (to_text(left) in inside and any(n.base in HYPER_BASES for n in statement.of_kind(Name)))
        )
        numbered -= inside if left is None or not is_worked_out else inside - {to_text(left)}
    return numbered


def _numbered(node: Node) -> Node | None:
    """The w of `w_1`, the w_2 of `w_2^{(1)}`."""
    if not isinstance(node, Scripted) or not isinstance(node.base, Name) or node.primes or node.base.accents:
        return None
    if len(node.upper) == 1 and node.upper[0].bracket == "(" and isinstance(node.upper[0].body, Number):
        return replace(node, upper=()) if node.lower else node.base
    lower = node.lower[0].body if len(node.lower) == 1 and not node.upper else None
    return node.base if isinstance(lower, Number) and len(lower.text) == 1 else None  # w_{12} is an entry


def _is_start(node: Node) -> bool:
    """`w_2^{(0)}`, before the first step."""
    upper = node.upper if isinstance(node, Scripted) and _numbered(node) is not None else ()
    return len(upper) == 1 and isinstance(upper[0].body, Number) and upper[0].body.value == 0


def _derived_by(statement: Statement) -> frozenset[str]:
    """The letters by which a derivative is taken."""
    nodes = statement.of_kind(Derivative)
    return frozenset(name.base for n in nodes if (name := name_of(n.bottom)) is not None)


def _is_rate_of(node: Scripted, letter: str) -> bool:
    r"""`\gamma_r`: a rate of the step r."""
    is_rate = isinstance(node.base, Name) and node.base.base in HYPER_BASES and not node.upper and not node.primes
    return is_rate and [to_text(s.body) for s in node.lower] == [letter]


def _next(letter: str) -> str:
    return f"{letter} + 1"


def _before_next(node: Node) -> str | None:
    """The k of `k + 1`."""
    match node:
        case Sum(_, ((1, Name(_, letter, ())), (1, Number(_, "1")))) if letter in ITERATIONS:
            return letter
    return None


def _without_scripts(node: Node, texts: set[str]) -> Node:
    """A name without the scripts that say one of these."""
    if not isinstance(node, Scripted):
        return node
    lower = tuple(s for s in node.lower if to_text(s.body) not in texts)
    upper = tuple(s for s in node.upper if to_text(s.body) not in texts)
    if (lower, upper) == (node.lower, node.upper):
        return node
    return replace(node, lower=lower, upper=upper) if lower or upper or node.primes else node.base


def _step_letter(document: Document) -> str | None:
    """The letter that stands as the only argument of weights and of two other names, or of three names of units, `e_k(n)`."""
    heads: dict[str, Counter[str]] = {}
    of_units: dict[str, set[str]] = {}
    for statement in document.statements:
        for side in statement.sides:
            for node in walk(side.node):
                if isinstance(node, Product):
                    for head, group in zip(node.factors, node.factors[1:], strict=False):
                        name = name_of(head)
                        if name is not None and isinstance(group, Group) and len(group.items) == 1:
                            inner = group.items[0]
                            if isinstance(inner, Name) and inner.base in STEP_LETTERS:
                                heads.setdefault(inner.base, Counter())[name.base] += 1
                                if isinstance(head, Scripted) and head.lower and not head.primes:
                                    of_units.setdefault(inner.base, set()).add(name.base)
    summed = {x for n in document.of_kind(BigSum) for x in n.letters}
    for letter, names in heads.items():
        if len(names) > 2 and (WEIGHTS & set(names) or (len(of_units.get(letter, ())) > 2 and letter not in summed)):
            return letter
    return None


def _step(node: Node, letter: str) -> int | None:
    """How many steps ahead a group says: 0 for (n), 1 for (n+1); None for any other group."""
    if not isinstance(node, Group) or node.bracket != "(" or len(node.items) != 1:
        return None
    inner = node.items[0]
    if isinstance(inner, Name):
        return 0 if inner.base == letter else None
    if isinstance(inner, Sum) and len(inner.terms) == 2:
        (_, first), (sign, second) = inner.terms
        if isinstance(first, Name) and first.base == letter and isinstance(second, Number):
            return sign * int(second.value)
    return None


def _marked_new(node: Node) -> Node:
    mark = Script(node.span, Text(node.span, "new"))
    if isinstance(node, Scripted):
        return replace(node, upper=(*node.upper, mark))
    return Scripted(node.span, node, (), (mark,))


# --- another letter for the layers ---
def with_layer_letter(document: Document) -> Document:
    r"""`p^{(k)} = A^{(k)} v^{(k-1)}`: where a weight of one layer stands before something of the layer below, k counts layers.

    It becomes l, and the letter of the top layer L.
    """
    found = _layer_letter(document)
    if found is None:
        return document
    letters = {found: "l", found.upper(): "L"}

    def renamed(part: Node) -> Node:
        if isinstance(part, Name) and not part.accents:
            return replace(part, base=letters.get(part.base, part.base))
        return rebuilt(part, renamed)

    def visit(part: Node) -> Node:
        if isinstance(part, Scripted) and part.upper:
            upper = tuple(replace(s, body=renamed(s.body)) if s.bracket else s for s in part.upper)
            return rebuilt(replace(part, upper=upper), visit)
        return rebuilt(part, visit)

    return document.with_sides(visit)


def _layer_letter(document: Document) -> str | None:
    letters: Counter[str] = Counter()
    for statement in document.statements:
        for side in statement.sides:
            for node in walk(side.node):
                if isinstance(node, Scripted) and any(
                    isinstance(n, Name) and n.base in ("l", "ell") for s in node.upper for n in walk(s.body)
                ):
                    return None
                if isinstance(node, Product):
                    for first, second in zip(node.factors, node.factors[1:], strict=False):
                        letter = _one_below(first, second)
                        if letter is not None:
                            letters[letter] += 1
    return letters.most_common(1)[0][0] if letters else None


def _one_below(first: Node, second: Node) -> str | None:
    """k of `A^{(k)} v^{(k-1)}` or `A^{(k+1)} v^{(k)}`."""
    one, two = _shift(first), _shift(second)
    if one is None or two is None or one[:2] == two[:2] or one[1] != two[1] or one[2] - two[2] != 1:
        return None
    return one[1]


def _shift(node: Node) -> tuple[str, str, int] | None:
    """(letter, letter above in brackets, how much is added to it)."""
    node = node.body if isinstance(node, Transposed) else node
    name = name_of(node)
    if name is None or not isinstance(node, Scripted):
        return None
    for script in node.upper:
        body = script.body
        if script.bracket and isinstance(body, Name) and len(body.base) == 1 and body.base.islower():
            return name.base, body.base, 0
        if script.bracket and isinstance(body, Sum) and len(body.terms) == 2:
            (_, letter), (sign, number) = body.terms
            if isinstance(letter, Name) and isinstance(number, Number):
                return name.base, letter.base, sign * int(number.value)
    return None


# --- trees ---
def _product(old: Product, factors: list[Node]) -> Product:
    """A product with new factors: products that stand without a sign become part of it."""
    flat: list[Node] = []
    marks: list[str] = []
    for mark, factor in zip(("", *old.marks), factors, strict=True):
        pieces = factor.factors if isinstance(factor, Product) else (factor,)
        inner = factor.marks if isinstance(factor, Product) else ()
        flat.extend(pieces)
        marks.extend((mark, *inner))
    return Product(old.span, tuple(flat), tuple(marks[1:]))
