"""What a document lets on about shapes besides its equations: all is plain numbers, `w^T x` is one, a value is given as a list.

The equations alone leave open which sizes are 1. What is stated of them counts too, and so do words, letters and values.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from fractions import Fraction

from symderiv.homework.reading import formulas as f
from symderiv.homework.reading.plainly import to_text
from symderiv.homework.reading.statements import Statement
from symderiv.homework.understanding.draft import WEIGHTLIKE, Draft
from symderiv.homework.understanding.literals import literal
from symderiv.homework.understanding.samples import SAMPLE_SIZES, letters_below
from symderiv.homework.understanding.shapes import SCALAR_DIM, base_of
from symderiv.homework.understanding.stated_shapes import names_listed, sizes_in
from symderiv.homework.understanding.symbols import LOSS_BASES, name_of
from symderiv.homework.understanding.tables import shape_rows
from symderiv.homework.understanding.terms import (
    COLUMNS,
    ROWS,
    Apply,
    Const,
    Part,
    Sloppy,
    Stack,
    Term,
    Transpose,
    everything_in,
    mapped,
    references_in,
)
from symderiv.homework.understanding.understanding import Definition
from symderiv.homework.understanding.unnamed import entry_names

SMALL_WEIGHTS = frozenset({"w", "v", "u", "theta", "beta"})
SCALAR_NAME = re.compile(
    r"\b(?:scalars?|skalare?[rns]?|escalar|scalaire)\b[^$.,;:\n]{0,20}\$\\?([A-Za-z]+)\s*(?:\$|[>,]|\\in)", re.I
)
NO_ARRAYS = re.compile(
    r"\b(?:without|no|not|forget|avoid|skip|instead of|before|ohne|keine|statt|sans|sin|sem|senza)\s+(?:\w+\s+)?"
    r"(?:vector|matri|Vektor|Matri)",
    re.IGNORECASE,
)
ARRAY_WORDS = (
    r"\b(?:vector|matri|batch|Vektor|Matri|mini-batch)|\b(?:column|row)s?[- ](?:vector|of|are|is)\b|"
    r"\b(?:as|in|are|the|by) (?:rows|columns)\b|\beach (?:row|column)\b"
)
SAYS_NUMBERS = re.compile(
    r"\b(?:everything|all|(?:every|each) (?:quantity|variable|symbol)|they)\b[^.]{0,40}\b"
    r"(?:plain |single |just |only |real )?(?:numbers?|scalars?)\b"
    r"|\bone (?:neuron|unit|node) (?:a|per|in each|in every|each) layer|\b1-1(?:-1)+\b"
    r"|\b(?:alles?|alle Größen) (?:sind|ist) (?:\w+ )?(?:Zahlen|Skalare)|\btodo (?:es|son) (?:escalar|número)",
    re.IGNORECASE,
)


def is_scalar_document(draft: Draft, samples: frozenset[str] = frozenset()) -> bool:
    """Nothing in it is more than a number, or a number for each sample: no transposes, sums, indices, capitals, matrices, shapes."""
    if draft.symbols.by_unit and not _has_products_of_arrays(draft):
        return True
    words = NO_ARRAYS.sub("", draft.words)
    is_said = SAYS_NUMBERS.search(words)
    if not is_said and re.search(ARRAY_WORDS, words):
        return False
    for statement in draft.document.statements:
        sizes = sizes_in(statement.sides[-1].node)
        is_stated = ("in" in statement.relations and sizes != ("1", "1")) or (
            ":" in statement.relations and len(set(sizes or ())) > 1
        )
        if is_stated or (_gives_vector(statement) and not _names_entries(draft, statement)):
            return False
    return not (_has_arrays(draft, samples) or (not is_said and _has_indices(draft, samples)))


def _has_products_of_arrays(draft: Draft) -> bool:
    """Whether something is turned, is a matrix of entries, or is multiplied entry by entry."""
    document = draft.document
    marks = {mark for n in document.of_kind(f.Product) for mark in n.marks}
    matrices = any(len(n.rows) * len(n.rows[0]) > 1 for n in document.of_kind(f.Matrix))
    return matrices or any(document.of_kind(f.Transposed)) or bool(marks & {"odot", "circ", ".*", "@", "otimes"})


def _has_arrays(draft: Draft, samples: frozenset[str]) -> bool:
    """Whether something is turned, summed over more than samples, multiplied as arrays are, or called as they are."""
    document = draft.document
    samples |= draft.symbols.time  # a sum over the times adds up no entries
    sums = list(document.of_kind(f.BigSum))
    called = (name_of(call.function) for call in document.of_kind(f.Call))
    return (
        _has_products_of_arrays(draft)
        or any(not isinstance(i, f.Name) or i.base not in samples for n in sums for i in n.indices)
        or (any(not n.indices for n in sums) and not _is_about_numbers(draft))
        or any(n.base in ("W", "X", "Z", "A", "ones", "H") for n in document.of_kind(f.Name))
        or any(name is not None and name.base in ("sum", "softmax", "diag", "outer", "dot") for name in called)
    )


def _has_indices(draft: Draft, samples: frozenset[str]) -> bool:
    letters = draft.symbols.indices - samples
    return any(
        isinstance(s.body, f.Name) and s.body.base in letters
        for statement in draft.document.statements
        if not _is_of_every_weight(statement)
        for n in statement.of_kind(f.Scripted)
        if isinstance(n.base, f.Name)
        for s in n.lower
    )


def _is_of_every_weight(statement: Statement) -> bool:
    r"""`w_{ij} \leftarrow w_{ij} - \eta \partial E / \partial w_{ij}`, or w_{ij} alone, spoken about: the letters tell no array."""
    left = statement.sides[0].node
    again = any(to_text(n) == to_text(left) for side in statement.sides[1:] for n in f.of_kind(side.node, f.Scripted))
    return len(statement.sides) == 1 or "<-" in statement.relations or (name_of(left) is not None and again)


def _is_about_numbers(draft: Draft) -> bool:
    """Whether values are given for single numbers alone: a sum without an index is then one over names."""
    given = {n.key for n in draft.numbers if not n.indices}
    return len(given) > 4 and not any(isinstance(n.term, Stack) or n.indices for n in draft.numbers)


def _names_entries(draft: Draft, statement: Statement) -> bool:
    """`x = (1, -2)` beside x_1 and x_2, `w_1 = (0.3, 0.5)` beside w_{11} and w_{12}: a list of numbers with names."""
    reference = draft.closed(statement.sides[0].node)
    return reference is not None and all(k in draft.used for k in entry_names(reference.key, 2))


def vectors_by_letter(draft: Draft) -> set[str]:
    r"""`w^T x`, `x_i^T w`, `v \cdot h` with a small letter, without a layer or beside the capital: a vector, so the product is a number."""
    found: set[str] = set()
    defined = {d.key for d in draft.definitions}
    for statement in draft.document.statements:
        head_of = draft.closed(statement.sides[0].node)
        defines = head_of is not None and draft.symbols.canonical(head_of.key) in defined
        for node in (n for side in statement.sides[1:] for n in f.walk(side.node)):
            if not isinstance(node, f.Product):
                continue
            for k, (first, second) in enumerate(itertools.pairwise(node.factors)):
                transposed = isinstance(first, f.Transposed) and node.marks[k] in ("", "cdot")
                head = first.body if isinstance(first, f.Transposed) else first
                name = name_of(head)
                if name is None or isinstance(second, f.Group):
                    continue
                if transposed and name.base in ("x", "phi") and isinstance(second, f.Name):  # x_i^T w
                    weight = draft.closed(second)
                    is_open = weight is not None and draft.symbols.canonical(weight.key) not in defined
                    if weight is not None and is_open and weight.base in SMALL_WEIGHTS:
                        found.add(draft.symbols.canonical(weight.key))
                is_dot = (  # not in `dW = x^T dz` of rows
                    defines and transposed and _has_capitals(draft) and _is_small(name) and _is_small(name_of(second))
                )
                if name.base not in SMALL_WEIGHTS and not is_dot:
                    continue
                marked = isinstance(head, f.Scripted)
                beside_capital = draft.symbols.folds.get(name.base.upper()) == name.base or any(
                    base_of(k) == name.base.upper() for k in draft.used
                )
                reference = draft.closed(head)
                if reference is None or reference.indices or (marked and not beside_capital):
                    continue
                if is_dot and draft.symbols.canonical(reference.key) in defined:
                    continue  # y y^T of a row
                if transposed or (node.marks[k] == "cdot" and not marked):
                    found.add(draft.symbols.canonical(reference.key))
    matrices = {key for key, sizes in stated_sizes(draft, "columns") if len(sizes) == 2 and "1" not in sizes}
    return found - matrices


def _has_capitals(draft: Draft) -> bool:
    """Whether matrices have capital letters here: then `c^T h` of small ones is a number."""
    return any(base_of(k)[:1].isupper() and base_of(k) not in LOSS_BASES for k in draft.used)


def vectors_of_units(draft: Draft) -> frozenset[str]:
    r"""The w of `z_k = w_k^T x + b_k`: a column of weights for every unit, whose entries have no letters of their own.

    In `s_{nk} = w_k^T x_n` the x is one, too: a column for every sample.
    """
    found: set[str] = set()
    for statement in draft.document.statements:
        head = draft.closed(statement.sides[0].node)
        own = set(head.indices) if head is not None else set()
        for node in (n for side in statement.sides[1:] for n in f.walk(side.node) if isinstance(n, f.Product)):
            if isinstance(node.factors[0], f.Transposed) and len(node.factors) == 2:
                pair = draft.closed(node.factors[0].body), draft.closed(node.factors[1])
                written = node.factors[1]
                if pair[1] is not None and pair[1].base in WEIGHTLIKE | {"beta"}:  # x_i^T w_k
                    pair, written = pair[::-1], node.factors[0].body
                first, second = pair
                if first is None or second is None or first.base not in WEIGHTLIKE | {"beta"}:
                    continue
                letters = [set(each.indices) for each in (first, second)]
                if len(first.indices) == 1 and letters[0] <= own and letters[1] <= own - letters[0]:
                    found |= {first.key} | ({second.key} if letters_below(written) else set())
    found |= _added_vectors(draft)
    pairs = {base_of(k) for k, found_indices in draft.written_indices.items() if any(len(i) > 1 for i in found_indices)}
    return frozenset(k for k in found if base_of(k) not in pairs)


def _added_vectors(draft: Draft) -> set[str]:
    r"""The e of `h = \frac1C \sum_c e_c` where h is what a matrix multiplies: vectors that are added, no entries."""
    found: set[str] = set()
    multiplied: set[str] = set()
    sums: dict[str, set[str]] = {}
    for statement in draft.document.statements:
        head = draft.closed(statement.sides[0].node)
        for node in (n for side in statement.sides[1:] for n in f.walk(side.node)):
            if isinstance(node, f.Product):
                for first, second in itertools.pairwise(node.factors):
                    name, other = name_of(first), draft.closed(second)
                    if name is not None and len(name.base) == 1 and name.base.isupper() and other is not None:
                        multiplied.add(other.key)
            if isinstance(node, f.BigSum):
                found |= _dotted(draft, node)
            if isinstance(node, f.BigSum) and head is not None and not head.indices:
                inner = draft.closed(f.without_brackets(node.body))
                letters = set(node.letters)
                if inner is not None and len(inner.indices) == 1 and set(inner.indices) == letters:
                    sums.setdefault(head.key, set()).add(inner.key)
    return found | {key for head, keys in sums.items() if head in multiplied for key in keys}


def _dotted(draft: Draft, node: f.BigSum) -> set[str]:
    r"""The u of `\sum_k \log \sigma(-u_k^T v)`: a vector for each k, since it is turned."""
    letters = set(node.letters)
    found = set()
    for part in f.walk(node.body):
        factors = part.factors if isinstance(part, f.Product) else ()
        for first, second in itertools.pairwise(factors):
            own = draft.closed(first.body) if isinstance(first, f.Transposed) else None
            other = draft.closed(second)
            if own is not None and other is not None and set(own.indices) == letters and not other.indices:
                found.add(own.key)
    return found


def single_indexed(draft: Draft) -> frozenset[str]:
    """Quantities that carry one index wherever they carry any."""
    return frozenset(k for k, found in draft.written_indices.items() if {len(i) for i in found} == {1})


def loss_as_product(draft: Draft, definitions: dict[str, Term]) -> list[str]:
    """The loss, where it is a product and no sum as it stands: `-y^T log p` is one number, so y and p are columns."""
    body = definitions.get(draft.loss or "")
    is_turned = body is not None and any(isinstance(p, Transpose) for p in everything_in(body))
    return [draft.loss] if draft.loss is not None and is_turned and not draft.batch else []


def stated_sizes(draft: Draft, layout: str | None) -> Iterator[tuple[str, tuple[str, ...]]]:
    """(quantity, sizes) wherever the document states them; a lone R^n is a column, so rows say nothing by it."""
    for statement in draft.document.statements:
        if len(statement.sides) != 2 or statement.relations[0] not in ("in", ":"):
            continue
        sizes = sizes_in(statement.sides[1].node)
        for name in names_listed(statement.sides[0].node):
            reference = draft.closed(name)
            if sizes is None or reference is None:
                continue
            if len(sizes) == 1 and set(reference.indices) & draft.sample_letters:
                continue  # what x^{(i)} is says nothing of how many there are
            if len(sizes) == 2 or layout != "rows":
                yield draft.symbols.canonical(reference.key), sizes
    for name, sizes in shape_rows(draft.document.rows):
        reference = draft.closed(name)
        if reference is not None:
            yield draft.symbols.canonical(reference.key), sizes


def axes_by_name(draft: Draft) -> dict[str, str]:
    """The K of `Y is N x K`, where a formula uses it: the columns of Y; samples are counted otherwise."""
    found: dict[str, str] = {}
    arrays = dict(stated_sizes(draft, None))
    for key, sizes in arrays.items():
        for name, axis in zip(sizes, (ROWS, COLUMNS), strict=False) if len(sizes) == 2 else ():
            base, _, mark = name.partition("_")
            own = f"{base}[{mark}]" if mark else base
            if base.isalpha() and base not in SAMPLE_SIZES and own not in arrays and own not in draft.lefts:
                found.setdefault(own, key + axis)
    return {name: axis for name, axis in found.items() if name in draft.used and name not in draft.symbols.sizes}


def said_to_be_numbers(draft: Draft, definitions: dict[str, Term]) -> list[str]:
    r"""The d of `x \in R^d`, and the s of 'a scalar scale $s > 0$', where formulas use them."""
    stated = dict(stated_sizes(draft, "columns"))
    arrays = {key for key, sizes in stated.items() if set(sizes) - {"1"}}
    sizes = {size for sizes in stated.values() for size in sizes}
    sizes |= set(SCALAR_NAME.findall(draft.document.text)) - arrays
    used = {r.key for term in definitions.values() for r in references_in(term)}
    return sorted(((sizes & used) | _constants_of_functions(draft)) - set(definitions))


def _constants_of_functions(draft: Draft) -> set[str]:
    r"""The a and b of `\varphi(v) = a \tanh(b v)`: what a function of one number is written with."""
    found: set[str] = set()
    for letter, body in draft.own_functions.values():
        if any(isinstance(part, Apply) for part in everything_in(body)):
            found |= {r.key for r in references_in(body) if r.key in draft.used} - {letter}
    return found


def given_ones(draft: Draft, resolved: Callable[[str], tuple[str, str] | None]) -> Iterator[str]:
    """The sizes that the given values show to be 1: `y = 2`, or a weight matrix that is given as one column."""
    formulas = {d.key for d in draft.definitions}
    stated = dict(stated_sizes(draft, "columns"))
    sizes: dict[str, set[tuple[int, int]]] = {}
    for number in draft.numbers:
        stack = number.term
        size = (len(stack.rows), len(stack.rows[0])) if isinstance(stack, Stack) else (1, 1)
        is_zero = isinstance(stack, Const) and stack.value == 0  # of any shape
        if not number.indices and number.key not in formulas and not is_zero:
            sizes.setdefault(number.key, set()).add(size)
    for key, found in sizes.items():
        dims = resolved(key) if len(found) == 1 else None
        rows, columns = found.pop()
        if dims is None or SCALAR_DIM in dims or (rows == columns == 1 and key[0].isupper()):
            continue
        if len(stated.get(key, ())) == 2 and "1" not in stated[key]:
            continue  # the list is one row or column of it
        yield from (d for d, n in zip(dims, (rows, columns), strict=True) if n == 1 and d != "#n")


def given_as_numbers(draft: Draft, definitions: dict[str, Term]) -> list[str]:
    """Parameters whose every value is a single number: that is what they are, unless it is 0 for a matrix of zeros."""
    values: dict[str, list[Definition]] = {}
    for number in draft.numbers:
        values.setdefault(number.key, []).append(number)
    return [
        key for key, given in values.items()
        if key not in definitions and base_of(key) in WEIGHTLIKE and base_of(key).islower()
        and not any(n.indices or isinstance(n.term, Stack) for n in given)
        and any(n.term != Const(Fraction(0)) for n in given)
    ]  # fmt: skip


def is_strict(draft: Draft) -> bool:
    """Whether the document states shapes: then a lost transpose is an error."""
    if draft.symbols.star_elementwise and draft.symbols.code:
        return True
    for statement in draft.document.statements:
        if "in" in statement.relations and sizes_in(statement.sides[-1].node) is not None:
            return True
        if ":" in statement.relations or "=" in statement.relations:
            sizes = sizes_in(statement.sides[-1].node)
            if sizes is not None and len(sizes) == 2 and isinstance(statement.sides[-1].node, (f.Product, f.Group)) and (
                ":" in statement.relations or "times" in getattr(statement.sides[-1].node, "marks", ())
            ) and draft.closed(statement.sides[0].node) is not None and name_of(statement.sides[0].node) is not None and (
                ":" in statement.relations or all(x.isdigit() for x in sizes)
            ):  # fmt: skip
                return True
    return False


def _gives_vector(statement: Statement) -> bool:
    """`w = (0.5, -1)`: a list of numbers as the value of one name."""
    first = f.without_brackets(statement.sides[0].node)
    if isinstance(first, f.Group) or not statement.relations:
        return False
    values = (literal(side.node) for side in statement.sides[1:])
    return any(value is not None and value[0].size > 1 for value in values)


def as_dot_products(term: Term, vectors: set[str]) -> Term:
    r"""`v \cdot h` of two columns: the row of the first times the second."""
    if isinstance(term, Sloppy) and term.marks == ("cdot",):
        left, right = term.factors
        if isinstance(left, Part) and left.key in vectors and not left.indices and isinstance(right, Part):
            return Sloppy((Transpose(left), right), ("",))
    return mapped(term, lambda t: as_dot_products(t, vectors))


def _is_small(name: f.Name | None) -> bool:
    """A small Latin letter."""
    return name is not None and len(name.base) == 1 and name.base.islower()
