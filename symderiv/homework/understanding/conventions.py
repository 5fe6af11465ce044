"""The conventions of a document, counted over all its trees: which letters are indices, layers, functions or sizes.

The counts are evidence for all names at once; `symbols.Symbols` then says what one name with its scripts is.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping

from symderiv.homework.reading.formulas import (
    BigSum,
    Call,
    Derivative,
    Fraction,
    Group,
    Matrix,
    Name,
    Node,
    Number,
    Product,
    Scripted,
    Sum,
    Transposed,
    children_of,
    of_kind,
    walk,
    without_brackets,
)  # fmt: skip
from symderiv.homework.reading.statements import Document, Statement
from symderiv.homework.understanding.symbols import (
    FUNCTION_BASES,
    GREEK_WEIGHTS,
    LAYER_LETTERS,
    LOSS_BASES,
    Symbols,
    as_text,
    is_word,
    key_of,
    name_of,
    trees_of,
)

INDEX_LETTERS = frozenset("ijkpqrs")  # what a lower letter usually is
WITH_MARKS = frozenset(
    {"W", "U", "V", "b", "c", "B", "Z", "z", "A", "H", "h", "delta", "Delta", "net"}
)  # of a part of the network
SUMMABLE = frozenset("abcdijklmnpqrstuv")
TOP_LETTERS = frozenset({"L", "K", "H", "N", "D", "n_l"})
TIME_LETTERS = frozenset({"t", "tau"})
PRIMED = frozenset(
    {"W", "w", "X", "x", "V", "U", "A", "H", "Z", "Theta", "theta", "alpha", "beta"}
)  # arrays, not functions
NEVER_FUNCTIONS = frozenset(
    {
        "alpha",
        "eta",
        "lambda",
        "epsilon",
        "mu",
        "gamma",
        "delta",
        "beta",
        "n",
        "m",
        "N",
        "kappa",
        "W",
        "w",
        "x",
        "X",
        "e",
        "y",
        "lr",
    }
)
COMPARED = re.compile(r"(?<![A-Za-z\\_^{])([a-z])\s*(?:=|\\neq?\b|≠|!=)\s*([a-z])(?![A-Za-z_^(])")
MATRIX_BASES = frozenset("wWvVuU") | GREEK_WEIGHTS
ONES_SAID = (  # '1 is the column of n ones'
    r"(?<![\d.])\b1\b\W{0,3}(?:is|=|being|denotes|for)?\s*(?:the|a)\s+(?:\w+\s+){0,3}?"
    r"(?:column|row|vector)s?\s+(?:of|with)\s+(?:\w+\s+)?ones\b"
)
FUNCTIONS_BY_LETTER = FUNCTION_BASES - GREEK_WEIGHTS
FOLDED = frozenset({*"abhopstwxyz", "phi"})  # not u and v: U and V are weights beside them


def symbols_of(document: Document, extra: Iterable[Node] = (), apart: frozenset[str] = frozenset()) -> Symbols:
    """The conventions of a document, by counting. apart: small letters that are not their capital's."""
    counts = _Counts()
    counts.apart.update(apart)
    counts.called = called_quantities(document)
    counts.matrices = {
        s.sides[0].node.base
        for s in document.statements
        if isinstance(s.sides[0].node, Name) and isinstance(s.sides[-1].node, Matrix)
    }
    counts.formulas = _formulas_of_units(document)
    by_formula = {head for head, others in _names_in_formulas_of_calls(document) if not others}
    counts.by_formula = by_formula.difference(LOSS_BASES)
    for tree in [*trees_of(document), *extra]:
        if name_of(tree) is None or isinstance(tree, Transposed):
            counts.look(tree, ())  # a lone name is only spoken about
        else:
            counts._scripts(tree)
            if isinstance(tree, Scripted) and (name := name_of(tree)) is not None:
                counts.bases[name.base] += 1
                if tree.primes:
                    counts.primed_names.add(name.base)
        counts.together(tree)
    counts.plain_ones = counts.plain_ones or bool(re.search(ONES_SAID, document.text))
    symbols = counts.decided()
    symbols.matrices = frozenset(symbols.folds.get(b, b) for b in _given_matrices(document))
    symbols.entries = frozenset(
        symbols.folds.get(b, b) for b in _entries_in_example(document, counts.letter_sets, symbols)
    )
    symbols.by_unit = _is_by_unit(document, symbols)
    symbols.data_letters = frozenset((*_compared_with_hats(document), *_named_derivatives(document)))
    symbols.e_has_marks = any(_is_named_e(s.sides[0].node) for s in document.statements if len(s.sides) > 1)
    if symbols.by_unit and symbols.uppers_are_layers:
        symbols.layered |= {"delta", "Delta"}  # delta_1^2 is no square
    symbols.families = families_of(document, symbols, counts.letter_sets)
    if symbols.families:
        symbols.renamed = second_letters(document, symbols)
    symbols.intercepts = frozenset(_intercepts(document))
    symbols._resolved.clear()  # without families names were read otherwise
    return symbols


def _compared_with_hats(document: Document) -> Iterator[str]:
    r"""The C of `\hat C_i - C_i`, where a loss would have its letter."""
    for total in document.of_kind(Sum):
        names = [name for _, term in total.terms if (name := name_of(term)) is not None and name.base in LOSS_BASES]
        if len(names) == 2 and names[0].base == names[1].base and names[0].accents != names[1].accents:
            yield names[0].base


def _named_derivatives(document: Document) -> Iterator[str]:
    r"""The R of `R := \partial E/\partial P`: a derivative has the letter, so no loss has."""
    for statement in document.statements:
        named = name_of(statement.sides[0].node)
        if named is None or named.base not in LOSS_BASES:
            continue
        for side in statement.sides[1:]:
            node = without_brackets(side.node)
            top = name_of(node.top) if isinstance(node, Derivative) and node.top is not None else None
            if top is not None and top.base != named.base:
                yield named.base


def _is_named_e(node: Node) -> bool:
    """`e`, `e^{(p)}`."""
    name = name_of(node)
    above = node.upper if isinstance(node, Scripted) else ()
    return name is not None and name.base == "e" and all(s.bracket == "(" for s in above)


def _formulas_of_units(document: Document) -> dict[str, set[frozenset[str]]]:
    r"""For the b of `b_j = \sum_k w_{jk} x_k - \theta_j` the names of that formula."""
    found: dict[str, set[frozenset[str]]] = {}
    for statement in document.statements:
        left = statement.sides[0].node
        name = name_of(left)
        if statement.is_continued or len(statement.sides) < 2 or name is None or len(_letters_below(left)) != 1:
            continue
        if not isinstance(left, Scripted) or left.primes or not isinstance(left.base, Name):
            continue
        names = (name_of(n) for n in _written_names(statement.sides[1].node))
        found.setdefault(name.base, set()).add(frozenset(n.base for n in names if n is not None))
    return found


def _is_by_unit(document: Document, symbols: Symbols) -> bool:
    r"""Whether each unit of a layer has a formula of its own, `z_1^{(1)} = w_{11}^{(1)} x_1 + w_{21}^{(1)} x_2`, and no layer has one."""
    numbered: set[tuple[str, str]] = set()
    whole: set[tuple[str, str]] = set()
    for statement in document.statements:
        left = statement.sides[0].node
        is_formula = len(statement.sides) > 1 and any(of_kind(statement.sides[1].node, Name))
        if (
            not is_formula
            or statement.is_continued
            or not isinstance(left, Scripted)
            or not isinstance(left.base, Name)
        ):
            continue
        if any(
            set(_letters_below(n)) & symbols.indices for side in statement.sides for n in of_kind(side.node, Scripted)
        ):
            return False
        if len(left.upper) == 1 and isinstance(left.upper[0].body, Number) and left.base.base != "delta":
            place = left.base.base, left.upper[0].body.text
            (numbered if _digits_below(left) else whole).add(place)
    return len(numbered) > 1 and not numbered & whole


def _intercepts(document: Document) -> Iterator[str]:
    r"""The w of `\sum_i w_{ji} x_i + w_{j0}`, the W of `{W^l}^T A^{l-1} + W_0^l`: there the entry 0 is the bias."""
    for tree in trees_of(document):
        for node in of_kind(tree, Sum):
            terms = [term for _, term in node.terms]
            added = {name.base for term in terms if (name := name_of(term)) is not None and _has_entry_0(term)}
            summed = (part for term in terms if isinstance(term, BigSum) for part in walk(term.body))
            yield from added & {n.base for part in summed if (n := name_of(part)) is not None and _has_pair(part)}
            factors = (part for term in terms if isinstance(term, Product) for part in term.factors)
            bare = (_untransposed(part) for part in factors)
            whole = {n.base for part in bare if (n := name_of(part)) is not None and not _below(part)}
            yield from whole & {n.base for term in terms if (n := name_of(term)) is not None and _is_entry_0(term)}


def _below(node: Node) -> list[Node]:
    """What stands below a name, one by one."""
    items = node.lower if isinstance(node, Scripted) else ()
    return [x for s in items for x in (s.body.factors if isinstance(s.body, Product) else (s.body,))]


def _has_entry_0(node: Node) -> bool:
    return len(_below(node)) == 2 and any(isinstance(x, Number) and x.text == "0" for x in _below(node))


def _is_entry_0(node: Node) -> bool:
    """`W_0^l`: with a layer above, so that the 0 is none."""
    below = _below(node)
    is_alone = len(below) == 1 and isinstance(below[0], Number) and below[0].text == "0"
    return is_alone and isinstance(node, Scripted) and bool(node.upper)


def _untransposed(node: Node) -> Node:
    while isinstance(node, Transposed):
        node = node.body
    return node.items[0] if isinstance(node, Group) and len(node.items) == 1 else node


def _has_pair(node: Node) -> bool:
    return len(_below(node)) == 2 and all(isinstance(x, Name) for x in _below(node))


def _given_matrices(document: Document) -> Iterator[str]:
    """The W of `W = [[0.3, -0.2], [0.5, 0.7]]`."""
    for statement in document.statements:
        name = statement.sides[0].node
        for side in statement.sides[1:]:
            if (
                isinstance(name, Name)
                and isinstance(side.node, Matrix)
                and min(len(side.node.rows), len(side.node.rows[0])) > 1
            ):
                yield name.base


def _entries_in_example(
    document: Document, letter_sets: Mapping[str, set[tuple[str, ...]]], symbols: Symbols
) -> set[str]:
    r"""The s, w, x of `s_1 = 0.5 \cdot 1 - 1 \cdot 2`, `w_{11} = 0.5` after `s_j = \sum_i w_{ij} x_i + b_j`.

    Formulas with letters and an example with numbers stand apart: no equation is about both.
    """
    numbered: dict[str, set[str]] = {}
    equations = [s for s in document.statements if len(s.sides) > 1]
    names_of = [[n for side in s.sides for n in _written_names(side.node)] for s in equations]
    coefficients = _numbered_coefficients([n for names in names_of for n in names], letter_sets)
    for names in names_of:
        digits = [(name.base, _digits_below(n)) for n in names if (name := name_of(n)) is not None]
        if any(d for base, d in digits if base not in coefficients):
            if any(set(_letters_below(n)) & symbols.indices for n in names):
                return set()
            for base, d in digits:
                if d and base not in coefficients:
                    numbered.setdefault(base, set()).add(d)
    if any(len(s) > 1 for base, sets in letter_sets.items() if base not in MATRIX_BASES for s in sets):
        return set()  # x_{ik} of sample i: what `x_1` is then is open
    lone = {name.base for names in names_of for name in names if isinstance(name, Name)}
    weighing = {base for base in numbered if not letter_sets.get(base)}
    if not all(_weighs_entries(base, equations) for base in weighing):
        return set()
    numbered = {base: found for base, found in numbered.items() if base not in weighing - lone}
    for base, found in ((base, found) for base, found in numbered.items() if base not in weighing):
        lengths = {len(s) for s in letter_sets.get(base, ()) if set(s) <= symbols.indices}
        if {len(d) for d in found} != lengths:
            return set()
    pairs = {d for found in numbered.values() for d in found if len(d) == 2}
    if any("0" in d for found in numbered.values() for d in found):
        return set()  # the 1 of a bias would stand among what is worked out
    return set() if pairs and not any(d[0] == d[1] for d in pairs) else set(numbered)


def _weighs_entries(base: str, equations: Iterable[Statement]) -> bool:
    """The v of `y = v_1 h_1 + v_2 h_2 + c`: written with every entry of something else, each with its own number."""
    whole = False
    for statement in (s for s in equations if not isinstance(s.sides[0].node, Derivative)):
        products = [_written_names(p) for side in statement.sides[1:] for p in of_kind(side.node, Product)]
        pairs = [[(name.base, _digits_below(n)) for n in names if (name := name_of(n))] for names in products]
        mine = [pair for pair in pairs if any(b == base and d for b, d in pair)]
        if any(len({d for _, d in pair if d}) > 1 or len(pair) < 2 for pair in mine):
            return False
        whole = whole or len(mine) > 1
    return whole


def _numbered_coefficients(names: Iterable[Node], letter_sets: Mapping[str, set[tuple[str, ...]]]) -> set[str]:
    r"""The theta of `\theta_0 + \theta_1 x_i`: it begins with 0 and has no letter, so its numbers count nothing."""
    with_zero = {name.base for n in names if _digits_below(n) == "0" and (name := name_of(n)) is not None}
    return with_zero - {base for base, sets in letter_sets.items() if any(sets)}


def _written_names(node: Node) -> Iterator[Node]:
    """Names with their scripts, not the letters in these."""
    if name_of(node) is not None:
        yield node
        return
    for child in children_of(node):
        yield from _written_names(child)


def _digits_below(node: Node) -> str:
    below = _below(_untransposed(node))
    texts = [x.text for x in below if isinstance(x, Number)]
    return "".join(texts) if len(texts) == len(below) and all(t.isdecimal() for t in texts) else ""


def _letters_below(node: Node) -> list[str]:
    return [x.base for x in _below(_untransposed(node)) if isinstance(x, Name)]


def called_quantities(document: Document) -> set[str]:
    """`h_{W,b}(x) = a^{(L)}`, `f(x) = w x + b`: written like a function, but a quantity: the right side is about other names."""
    found = set()
    primed = {
        name.base
        for tree in trees_of(document)
        for node in of_kind(tree, Scripted)
        if node.primes and (name := name_of(node)) is not None
    }
    found |= {
        node.base.base
        for tree in trees_of(document)
        for node in of_kind(tree, Scripted)
        if isinstance(node.base, Name) and _is_parameter_list(node)
    }
    about = _names_in_formulas_of_calls(document)
    return found | {head for head, others in about if others and not head.startswith("sigma") and head not in primed}


def _names_in_formulas_of_calls(document: Document) -> Iterator[tuple[str, set[str]]]:
    """`q(v) = 1/(1 + e^{-v})`: the letter, and the names of its formula but for the argument and the names of functions."""
    for statement in document.statements:
        if len(statement.sides) < 2 or not isinstance(statement.sides[0].node, Product):
            continue
        factors = statement.sides[0].node.factors
        if len(factors) != 2 or not isinstance(factors[1], Group) or len(factors[1].items) != 1:
            continue
        head, argument = name_of(factors[0]), name_of(factors[1].items[0])
        if head is None or argument is None or (isinstance(factors[0], Scripted) and factors[0].primes):
            continue
        others = {n.base for side in statement.sides[1:] for n in walk(side.node) if isinstance(n, Name)} - {
            argument.base,
            "e",
            "max",
            "exp",
        }
        yield head.base, others - {head.base} - {n for n in others - GREEK_WEIGHTS if len(n) > 2}


def _is_parameter_list(node: Scripted) -> bool:
    r"""`h_\Theta`, `f_{W,b}`: what it depends on stands below, so it is a prediction."""
    below = [s.body.base for s in node.lower if isinstance(s.body, Name)]
    return (
        isinstance(node.base, Name)
        and node.base.base in ("h", "f", "H", "F")
        and len(below) == len(node.lower) > 0
        and set(below) <= {"theta", "Theta", "W", "w", "b", "beta"}
    )


def second_letters(document: Document, symbols: Symbols) -> dict[str, str]:
    """`o_i = e^{z_i} / sum_l e^{z_l}`: l runs over what i runs over."""
    firsts: set[str] = set()
    pairs: dict[str, str] = {}
    for statement in document.statements:
        if len(statement.sides) < 2 or not isinstance(statement.sides[0].node, Scripted):
            continue
        letters = [
            s.body.base
            for s in statement.sides[0].node.lower
            if isinstance(s.body, Name) and s.body.base in symbols.indices
        ]
        firsts.update(letters)
        right = statement.sides[1].node
        if len(letters) == 1 and (isinstance(right, Fraction) or (isinstance(right, Product) and "/" in right.marks)):
            for node in walk(right):
                if isinstance(node, BigSum):
                    pairs.update(dict.fromkeys(node.letters, letters[0]))
    return {a: b for a, b in pairs.items() if a not in firsts}


def families_of(
    document: Document, symbols: Symbols, letter_sets: Mapping[str, set[tuple[str, ...]]]
) -> frozenset[str]:
    """Where one letter is defined twice with different indices (`a_j = ..`, `a_k = ..`), indices name the layer.

    Also where it weighs in two layers: `a_j = sum_i w_{ji} x_i` and `y_k = sum_j w_{kj} z_j`.
    """
    defined: dict[str, set[str]] = {}
    weighing: dict[str, set[tuple[str, str, str]]] = {}
    for statement in document.statements:
        if statement.is_continued or len(statement.sides) < 2 or statement.relations[0] not in ("=", ":=", "=="):
            continue
        left = statement.sides[0].node
        if not isinstance(left, Scripted) or not isinstance(left.base, Name) or left.primes or left.upper:
            continue
        if (
            isinstance(statement.sides[1].node, (Number, Derivative))
            or left.base.base in ("delta", "Delta")
            or left.base.base.startswith("d")
        ):
            continue
        letters = tuple(s.body.base for s in left.lower if isinstance(s.body, Name))
        if len(letters) == len(left.lower) == 1 and letters[0] in symbols.indices:
            defined.setdefault(left.base.base, set()).add(letters[0])
            for node in of_kind(statement.sides[1].node, Scripted):
                pair = "".join(_letters_below(node))
                if isinstance(name := node.base, Name) and not node.upper and len(pair) == 2 and letters[0] in pair:
                    weighing.setdefault(name.base, set()).add((left.base.base, letters[0], pair))
    of_units = {letter for base, letters in defined.items() if base not in LOSS_BASES for letter in letters}
    for base in [b for b in defined if b in LOSS_BASES and not defined[b] & of_units]:
        del defined[base]  # E_n of the pattern n
    weighs_twice = any(
        one[0] != other[0] and one[1] != other[1] and one[2] != other[2] and set(one[2]) & set(other[2])
        for found in weighing.values()
        for one, other in itertools.combinations(found, 2)
    )
    alike = _alike(document, symbols.indices)
    lefts = {letter for letters in defined.values() for letter in letters}
    for a, b in list(alike.items()):
        if a in lefts and b not in lefts:  # o_r is defined, o_l only compared: r stands for both
            alike = {x: a if y == b else y for x, y in alike.items() if x != a} | {b: a}
    defined = {base: {alike.get(x, x) for x in letters} for base, letters in defined.items()}
    units = {letter for letters in defined.values() for letter in letters}
    alone = {
        base: {alike.get(ls[0], ls[0]) for ls in sets if len(ls) == 1} & units
        for base, sets in letter_sets.items()
        if base not in ("delta", "Delta") and base not in symbols.layered  # b^(1)_j, b^(2)_k: the mark tells them apart
    }
    defined_twice = any(len(letters) > 1 for letters in defined.values())
    if not (defined_twice or weighs_twice) and not (len(units) > 1 and any(len(x) > 1 for x in alone.values())):
        return frozenset()
    found = set()
    for base, sets in letter_sets.items():
        for letters in sets:
            kept = [x for x in letters if x in symbols.indices]
            if base in defined and len(kept) == 1 and kept[0] not in defined[base] and len(defined[base]) > 1:
                continue  # another letter for a family that is already known: which one is decided by its place
            if base in LOSS_BASES and not units & set(kept):
                continue  # E_n of the pattern n
            if kept:
                found.add(base + "{" + "".join(kept))
    return frozenset(found)


def _alike(document: Document, indices: frozenset[str]) -> dict[str, str]:
    r"""Letters that are compared run over the same things: `\delta_{ij}`, `i \neq j`, `i = j`; by the first of them."""
    pairs = [m for m in COMPARED.findall(document.text) if set(m) <= indices]
    for tree in trees_of(document):
        for node in of_kind(tree, Scripted):
            if (name := name_of(node)) is not None and name.base == "delta" and len(node.lower) in (1, 2):
                letters = [n.base for s in node.lower for n in walk(s.body) if isinstance(n, Name)]
                if len(letters) == 2 and set(letters) <= indices:
                    pairs.append((letters[0], letters[1]))
    first: dict[str, str] = {}
    for a, b in pairs:
        one, two = sorted((first.get(a, a), first.get(b, b)))
        first = {x: one if y == two else y for x, y in first.items()} | {two: one}
    return {x: y for x, y in first.items() if x != y}


def _is_one(node: Node) -> bool:
    return isinstance(node, Number) and node.text == "1"


class _Counts:
    def __init__(self) -> None:
        self.bracketed: Counter[str] = Counter()
        self.upper_digits: Counter[tuple[str, str]] = Counter()
        self.lower_digits: Counter[str] = Counter()
        self.lower_letters: dict[str, set[str]] = {}
        self.letter_sets: dict[str, set[tuple[str, ...]]] = {}
        self.summed: set[str] = set()
        self.alone_above: set[str] = set()
        self.above_entries: dict[
            str, set[str]
        ] = {}  # the h of `w_{ji}^h`: the names it stands above, with indices below
        self.above_wholes: set[str] = set()  # the n of `s^n`
        self.stands_above: defaultdict[str, set[str]] = defaultdict(set)  # the names that a letter stands above
        self.compared: set[str] = set()
        self.bounds: set[str] = set()
        self.below: set[str] = set()
        self.applied: Counter[str] = Counter()
        self.primed: Counter[str] = Counter()
        self.naked: Counter[str] = Counter()
        self.bare: Counter[str] = Counter()
        self.script_letters: Counter[str] = Counter()
        self.layer_tops: Counter[str] = Counter()
        self.shifted: Counter[str] = Counter()
        self.bases: Counter[str] = Counter()
        self.digit_marks: dict[str, set[str]] = {}
        self.called: set[str] = set()
        self.matrices: set[str] = set()  # given with their entries
        self.entry_bottoms: set[str] = set()  # what is derived by with an index letter
        self.by_formula: set[str] = set()  # written as functions of one letter, and nothing else is in their formulas
        self.apart: set[str] = set()
        self.unmarked: set[str] = set()
        self.transposed = 0
        self.code = False
        self.plain_ones = False
        self.upper_layer_letter = False
        self.primed_arrays: set[str] = set()
        self.formulas: dict[str, set[frozenset[str]]] = {}  # of units, by the letter
        self.after_digits: dict[str, set[tuple[str, str]]] = {}  # the j of `h_{2j}`: the h and the 2
        self.mixed: dict[str, set[str]] = {}  # `w_{j1}`, `w_{3j}`: the letters that stand beside a number below
        self.in_both: set[str] = set()  # with something above and a digit below
        self.bottoms: set[str] = set()  # of derivatives, without scripts
        self.primed_names: set[str] = set()  # `w' = ..` says what w' is
        self.layer_functions: set[str] = set()

    def look(self, node: Node, scope: tuple[str, ...]) -> None:
        match node:
            case Transposed(_, body):
                self.transposed += not (isinstance(body, Name) and body.base == "ones")  # `1^T` beside `W'`
                self.plain_ones = self.plain_ones or _is_one(body)
            case Product(_, factors, marks):
                self.code = self.code or "@" in marks
                self.plain_ones = self.plain_ones or any(
                    _is_one(one) and not mark and isinstance(after, Transposed)
                    for one, mark, after in zip(factors, marks, factors[1:], strict=False)
                )
                for mark, factor in zip(marks, factors[1:], strict=True):
                    if mark == "/":
                        self.below.update(_plain_names(factor))
                for at, factor in enumerate(factors):
                    name = name_of(factor)
                    after = factors[at + 1] if at + 1 < len(factors) and marks[at] == "" else None
                    if name is not None and _is_argument(after):
                        if isinstance(factor, Scripted) and _same_layer(factor, after):
                            self.layer_functions.add(name.base)
                        primes = (factor.primes if isinstance(factor, Scripted) else 0) or "dot" in name.accents
                        (self.primed if primes else self.applied)[name.base] += 1
                        if not isinstance(factor, Scripted) or not (factor.lower or factor.upper):
                            self.unmarked.add(name.base)
                        self._scripts(factor)
                        self.bases[name.base] += 1
                        continue
                    if name is not None and isinstance(after, Matrix) and name.base in FUNCTION_BASES:
                        self.applied[name.base] += 1  # S([0.4; 0.5])
                        continue
                    self.look(factor, scope)
                return
            case Call(_, Name(_, "dot" | "matmul", ()), (_, _)):
                self.code = True
            case Derivative(_, Name(_, base, ()), bottom) if base in FUNCTIONS_BY_LETTER:
                self.bases[base] += 1  # `d sigma/dz`: a function stands there without its argument
                self.bottoms.update([bottom.base] if isinstance(bottom, Name) and not bottom.accents else [])
                self.look(bottom, scope)
                return
            case Derivative(_, _, Name(_, base, ())):
                self.bottoms.add(base)
            case Derivative(_, _, Scripted(_, Name(_, base, ())) as bottom) if any(_letters_below(bottom)):
                self.entry_bottoms.add(base)
            case BigSum(_, _, indices, _, end, _):
                self.summed.update(n.base for i in indices for n in walk(i) if isinstance(n, Name))
                if end is not None:
                    self.bounds.update(_bound_names(end))
            case Fraction(_, _, below):
                self.below.update(_plain_names(below))
            case Name(_, base, _):
                self.bare[base] += 1
                self.naked[base] += 1
                self.bases[base] += 1
                return
            case Scripted():
                self._scripts(node)
                name = name_of(node)
                if node.primes:
                    for inner in walk(node.base):
                        if isinstance(inner, Name):
                            self.primed_arrays.add(inner.base)
                            break
                if name is not None:
                    self.naked[name.base] += 1
                    self.bases[name.base] += 1
                    for script in node.upper if name.base == "e" else ():
                        if script.bracket in ("", "(") and not isinstance(script.body, (Name, Number)):
                            self.look(script.body, scope)  # an exponent is a formula like any other
                    return
        for child in children_of(node):
            self.look(child, scope)

    def together(self, tree: Node) -> None:
        """A capital beside its small letter with the same scripts on one side: two quantities."""
        seen: dict[str, set[str]] = {}
        inner = {id(n.base) for n in walk(tree) if isinstance(n, Scripted)}
        for node in walk(tree):
            if (
                id(node) not in inner
                and isinstance(node, (Scripted, Name))
                and (name := name_of(node)) is not None
                and len(name.base) == 1
            ):
                scripts = (
                    "".join(as_text(x.body) for x in (*node.lower, *node.upper)) if isinstance(node, Scripted) else ""
                )
                seen.setdefault(name.base, set()).add(scripts)
        for base, scripts_of in seen.items():
            if base.islower() and seen.get(base.upper(), set()) & scripts_of:
                self.apart.add(base)

    def _scripts(self, node: Node) -> None:
        if not isinstance(node, Scripted) or not isinstance(node.base, Name):
            return
        base = node.base.base
        for script in node.upper:
            body = script.body
            if script.bracket in ("odot", "circ"):
                continue  # a power entry by entry says nothing of layers
            if isinstance(body, Name) and not script.bracket and node.lower and base != "e":
                self.alone_above.add(body.base)
            if isinstance(body, Name) and not script.bracket:
                self.stands_above[body.base].add(base)
                if base != "e" and any(isinstance(x, Name) for x in _below(node)):
                    self.above_entries.setdefault(body.base, set()).add(key_of(base, node.base.accents, ""))
                else:
                    self.above_wholes.add(body.base)
            if base not in ("e", "exp") and any(isinstance(n, Name) and n.base in LAYER_LETTERS for n in walk(body)):
                self.upper_layer_letter = True
            letters = [n.base for n in walk(body) if isinstance(n, Name)]
            self.script_letters.update(letters)
            if script.bracket and (
                isinstance(body, Number) or any(x in LAYER_LETTERS or x in TOP_LETTERS for x in letters)
            ):
                self.bracketed[base] += 1
            if isinstance(body, Number) and not script.bracket:
                self.upper_digits[base, body.text] += 1
            elif letters and base != "e" and any(x in LAYER_LETTERS for x in letters):
                self.bracketed[base] += 1
            if isinstance(body, Name) and body.base in TOP_LETTERS:
                self.layer_tops[body.base] += 1
            if isinstance(body, Scripted) and as_text(body) in ("n_l", "n_L"):
                self.layer_tops[as_text(body)] += 1
        if base in LOSS_BASES and is_word(node.lower):
            return
        letters = []
        below = [n for script in node.lower for n in walk(script.body) if isinstance(n, (Name, Number))]
        if node.upper and any(isinstance(n, Number) for n in below):
            self.in_both.add(base)
        if len(below) == 2 and {type(x) for x in below} == {Name, Number}:
            self.mixed.setdefault(next(x.base for x in below if isinstance(x, Name)), set()).add(base)
            if isinstance(below[0], Number) and isinstance(below[1], Name):
                self.after_digits.setdefault(below[1].base, set()).add((base, below[0].text))
        if base == "delta" and not node.upper:
            pair = [n.base for s in node.lower for n in walk(s.body) if isinstance(n, Name)]
            if len(pair) == 2:
                self.compared.update(pair)  # a Kronecker delta
        for script in node.lower:
            for part in walk(script.body):
                if isinstance(part, Name) and not part.accents:
                    letters.append(part.base)
                    self.script_letters[part.base] += 1
                    self.lower_letters.setdefault(part.base, set()).add(base)
            if isinstance(script.body, Number):
                self.lower_digits[base] += 1
                if len(node.lower) == 1 and script.body.text.isdigit() and len(script.body.text) == 1:
                    self.digit_marks.setdefault(base, set()).add(script.body.text)
            if isinstance(script.body, Sum):
                self.shifted.update(n.base for n in walk(script.body) if isinstance(n, Name))
            if isinstance(script.body, Name) and script.body.base in TOP_LETTERS:
                self.layer_tops[script.body.base] += 1
        if letters:
            self.letter_sets.setdefault(base, set()).add(tuple(letters))

    def decided(self) -> Symbols:
        one = {base for (base, text) in self.upper_digits if text in ("0", "1")}
        uppers = bool(one) or bool(self.bracketed)
        array_like = {b for b in self.bases if b not in self.functions_guess()}
        layered = set(self.bracketed)
        if one:
            layered |= (
                {
                    base
                    for base in {base for (base, _) in self.upper_digits}
                    if base in array_like and not self.lower_digits[base] and not self._is_only_squared(base)
                }
                | one
                | self.layer_functions
            )
        either = {b for b in self.bracketed if self.digit_marks.get(b) and b not in self.in_both}
        either |= {b.lower() for b in either} - self.in_both - set(self.digit_marks)  # a_k^{[2]} beside A2
        if either & {"W", "Theta", "V", "b"}:
            layered -= either  # W_2 and W^{(2)} in one document, never W^{(2)}_1: two ways to write one layer
        units = self.summed | self.compared  # letters that cannot count layers
        units |= {x for x in LAYER_LETTERS if self._is_second_letter(x)}
        general = self.upper_layer_letter or any(self.script_letters[x] and x not in units for x in LAYER_LETTERS)
        before = {b for b in self.primed if (b.isupper() or b in PRIMED) and self.bare[b] and not self.applied[b]}
        arrays = (self.primed_arrays | before) - self.functions_guess()  # the X of `X W` and `X' (p - y)`
        arrays -= {base for base in arrays - PRIMED if base in self.primed_names or not self.bare[base]}
        primes_transpose = not self.transposed and bool(arrays)
        top = next((t for t, _ in self.layer_tops.most_common()), None) if general else None
        time = frozenset(x for x in TIME_LETTERS if self.shifted[x])
        indices = set(units) & SUMMABLE
        for letter, bases in self.lower_letters.items():
            if len(letter) == 1 and (
                letter in INDEX_LETTERS
                or (
                    letter in SUMMABLE
                    and letter not in "lt"
                    and len(bases) > 1
                    and not self._is_mark_of_weights(letter)
                )
            ):
                indices.add(letter)
        for sets in self.letter_sets.values():
            for letters in sets:
                if (
                    len(letters) == 2
                    and len(set(letters) & indices) == 1
                    and all(len(x) == 1 and x.islower() for x in letters)
                ):
                    indices |= set(letters)
        indices -= LAYER_LETTERS if general else set()
        numbering = {
            letter
            for letter, bases in self.lower_letters.items()
            if letter in INDEX_LETTERS
            and letter not in self.summed
            and bases
            and all(b in self.digit_marks or b in self.mixed.get(letter, ()) or b in ("b", "c") for b in bases)
            and any(set(self.digit_marks.get(b, ())) - {"0"} for b in bases)  # theta_0 alone is the bias
            and not uppers
            and not self._counts_in_layers(letter)
        }
        indices -= numbering
        indices -= {x for x in indices if x not in "ijk" and x not in self.summed and self.bare[x] > 1}
        highest = max((int(d) for ds in self.digit_marks.values() for d in ds), default=0)
        indices -= time
        functions = self.functions_guess()
        sizes = (self.bounds | (self.below & {"n", "m", "N", "B", "M"})) - functions
        sizes = {s for s in sizes if s not in ("L",)}
        folds = self._folds()
        marks_above, samples_named = self._letters_above(indices | time | sizes)
        exponents = (frozenset("mnpi") & self.bottoms) - self.summed - self.bounds
        return Symbols(
            uppers_are_layers=uppers,
            layered=frozenset(folds.get(b, b) for b in layered),
            indices=frozenset(indices),
            sizes=frozenset(sizes) - exponents,
            functions=frozenset(functions),
            general=general,
            top=top,
            time=time,
            numbering=frozenset(numbering),
            primes_transpose=primes_transpose,
            star_elementwise=self.code,
            plain_ones=self.plain_ones,
            code=self.code,
            bare=self.bare,
            called=frozenset(self.called),
            summed_names=frozenset(self.summed) & {"x", "X"},
            exponents=exponents,
            marks_above=marks_above,
            samples_named=samples_named,
            samples_above=frozenset(self.summed) & self.alone_above,
            unmarked=frozenset(self.unmarked),
            highest=min(highest, 9),
            numbered=self._numbered(folds),
            above={b: frozenset(t for (x, t) in self.upper_digits if folds.get(x, x) == b) for b in layered},
            folds=folds,
        )

    def _letters_above(self, counting: set[str]) -> tuple[frozenset[str], frozenset[str]]:
        r"""The h and o of `w_{ji}^h`, `\theta_j^h`, `w_{kj}^o`, `\theta_k^o`; the k of `y_j^k` and `E_k`: no powers."""
        taken = self.above_wholes | LAYER_LETTERS | TOP_LETTERS | self.summed
        found = {x: names for x, names in self.above_entries.items() if len(x) == 1 and x not in taken}
        marks = {
            x
            for x, names in found.items()
            if x not in counting and any(len(names & others) > 1 for y, others in found.items() if y != x)
        }
        marks |= {x for x in self.stands_above if x not in counting and self._is_mark_of_deltas(x)}
        samples = {x for x in found if x not in marks and self.lower_letters.get(x, set()) & set(LOSS_BASES)}
        return frozenset(marks), frozenset(samples)

    def _is_mark_of_deltas(self, letter: str) -> bool:
        r"""The y of `\delta^y` beside `W_y`: above deltas only, alone below weights."""
        alone = any((letter,) in self.letter_sets.get(b, ()) for b in ("W", "U", "V"))
        return (
            self.stands_above[letter] == {"delta"} and alone and letter not in LAYER_LETTERS | TOP_LETTERS | self.summed
        )

    def _is_mark_of_weights(self, letter: str) -> bool:
        """The d of `W_d`, `b_d` and `Z_d`, as of a decoder: alone below all it stands below, and a matrix of weights among them."""
        bases = self.lower_letters[letter]
        alone = all((letter,) in self.letter_sets.get(b, ()) for b in bases)
        return bases <= WITH_MARKS and bool(bases & {"W", "U", "V"}) and alone and letter not in self.summed

    def _counts_in_layers(self, letter: str) -> bool:
        """The j of `h_{2j}` beside h_2: an entry of a layer."""
        return any(digit in self.digit_marks.get(base, ()) for base, digit in self.after_digits.get(letter, ()))

    def _is_only_squared(self, base: str) -> bool:
        """`h^2` beside `W^2` where h has no layer: it stands alone, and with no other number above it."""
        return self.bare[base] > 1 and {text for (b, text) in self.upper_digits if b == base} == {"2"}

    def functions_guess(self) -> set[str]:
        # beside W' the h of `h' (y - t)` is transposed, too
        turned = not self.transposed and bool(self.primed_arrays & PRIMED)
        found = {
            base for base, n in self.primed.items()
            if n and base not in ("W", "w", "x", "X", "y") and (not self.bare[base] or self.applied[base])
            and self.naked[base] <= n + self.applied[base]  # `h^2'` of an array that stands without an argument elsewhere
            and (self.transposed or not self.naked[base]  # `\Theta_2' (a - y)`: a transpose
                 or (base in FUNCTION_BASES - GREEK_WEIGHTS and (self.applied[base] or not turned)))
        }  # fmt: skip
        for base in self.applied:
            if base not in NEVER_FUNCTIONS and base in FUNCTION_BASES and not self.naked[base]:
                found.add(base)
        found |= {base for base in self.by_formula if self.applied[base] > 1 and not self.naked[base]}
        return found - self.called

    def _is_second_letter(self, letter: str) -> bool:
        r"""`x_{i\ell}`: below and beside another letter wherever it stands, and never l - 1: an index like the others."""
        sets = [s for found in self.letter_sets.values() for s in found if letter in s]
        return bool(sets) and all(len(s) > 1 for s in sets) and not self.shifted[letter] and not self.upper_layer_letter

    def _numbered(self, folds: Mapping[str, str]) -> dict[str, frozenset[str]]:
        found: dict[str, set[str]] = {}
        for base, digits in self.digit_marks.items():
            for name in (base, folds.get(base, base)):
                found.setdefault(name, set()).update(digits)
        return {base: frozenset(digits) for base, digits in found.items()}

    def _folds(self) -> dict[str, str]:
        """Capital and small letter of an array are one name when both are used, as A2 and a_2."""
        folds = {}
        entries = {b for b in self.letter_sets if self._is_of_entries(b)}
        for letter in FOLDED | entries:
            capital = letter.capitalize()
            if (
                (self.bases[letter] or (self.bases[f"d{letter}"] and self.bases[f"d{capital}"]))  # dz beside dZ
                and (self.bases[capital] or (letter in entries and capital in self.matrices))
                and not {letter, capital} & self.functions_guess()
                and letter not in self.apart
                and not self._are_two_units(letter, capital)
                and not self._weigh_two_units(letter, capital)
                and (letter != "t" or (self.bare["T"] and not (self.summed | self.bounds) & {"t", "T"}))  # no time
                and not {letter, capital} <= self.bottoms  # derivatives by both: two parameters
                and not (capital in MATRIX_BASES and {letter, capital} <= self.entry_bottoms)  # W_{ij} and w_{jk}
            ):
                folds[capital] = letter
        return folds

    def _are_two_units(self, letter: str, capital: str) -> bool:
        r"""`b_j = \sum_k w_{jk} x_k` beside `B_i = \sum_j W_{ij} V_j`: of other names, so in another layer."""
        one, other = (
            {frozenset(map(str.lower, names)) for names in self.formulas.get(x, ())} for x in (letter, capital)
        )
        return bool(one) and bool(other) and not one & other

    def _weigh_two_units(self, letter: str, capital: str) -> bool:
        """The w and W of these."""
        for unit in self.formulas:
            above = unit.capitalize()
            if unit != above and self._are_two_units(unit, above):
                below, top = (set().union(*self.formulas[x]) for x in (unit, above))
                if letter in below - top and capital in top - below:
                    return True
        return False

    def _is_of_entries(self, base: str) -> bool:
        """The v of v_{jk}, wherever it stands, beside a V without an index: the entries of V."""
        sets = self.letter_sets[base]
        is_bare = not any(self.letter_sets.get(base.capitalize(), ()))
        return base.islower() and bool(sets) and all(len(s) == 2 for s in sets) and not self.bare[base] and is_bare


def _is_argument(node: Node | None) -> bool:
    """What a name may be applied to: something in brackets, perhaps with a power, or a matrix, which brings its own."""
    if isinstance(node, Scripted) and isinstance(node.base, Group) and not node.lower:
        node = node.base
    return isinstance(node, Matrix) or (isinstance(node, Group) and node.bracket in "([{" and len(node.items) == 1)


def _same_layer(function: Scripted, argument: Node | None) -> bool:
    r"""`\phi^2(z^2)`: the same number above a function and above all that it is applied to."""
    if len(function.upper) != 1 or not isinstance(argument, Group) or not isinstance(function.upper[0].body, Number):
        return False
    inside = argument.items[0]
    return (
        isinstance(inside, Scripted)
        and len(inside.upper) == 1
        and isinstance(inside.base, Name)
        and isinstance(inside.upper[0].body, Number)
        and inside.upper[0].body.text == function.upper[0].body.text
    )


def _bound_names(node: Node) -> Iterator[str]:
    """The sizes in a bound: n of n, n_k, n - 1; not the k."""
    name = name_of(node)
    if name is not None:
        yield name.base
        return
    for child in children_of(node):
        yield from _bound_names(child)


def _plain_names(node: Node) -> Iterator[str]:
    for part in walk(node):
        if isinstance(part, Name) and not part.accents:
            yield part.base
