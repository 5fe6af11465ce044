"""Which function a letter stands for: by its definition, by words, by its slope, by printed values, by its usual meaning."""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator

import numpy as np

from symderiv.homework.marking import Assumption
from symderiv.homework.reading import formulas as f
from symderiv.homework.reading.plainly import to_text
from symderiv.homework.reading.statements import Statement
from symderiv.homework.reading.tokens import GREEK
from symderiv.homework.understanding.activations import OPEN_LETTERS, Saying, activations_of
from symderiv.homework.understanding.arithmetic import FUNCTIONS, Array, Machine, Undefined, apply_function
from symderiv.homework.understanding.draft import Draft, layer_of
from symderiv.homework.understanding.elaboration import NotUnderstood, is_number
from symderiv.homework.understanding.key_names import shown_name
from symderiv.homework.understanding.literals import literal
from symderiv.homework.understanding.readings import Axes, Reader
from symderiv.homework.understanding.symbols import LayerOpen, name_of
from symderiv.homework.understanding.terms import Apply, Sloppy, Softmax, Term, everything_in, mapped, references_in
from symderiv.homework.understanding.understanding import ACTIVATION_WORDS, EQUAL_SIGNS
from symderiv.homework.understanding.worlds import Misfit, Point, Unknown, World

OPEN_FUNCTION = r"([A-Za-z]+)\W{1,3}is (?:a|any|some|an arbitrary) (?:smooth |differentiable )?(?:activation )?function"
MOST_TRIED = 40  # formulas by whose values a function is recognised


def find_functions(draft: Draft) -> None:
    """Which function each letter stands for: what formulas say first, what is usual last."""
    defined = _defined_functions(draft)
    draft.functions.update(defined)
    words = [
        name
        for name, pattern in ACTIVATION_WORDS.items()
        if name != "softmax" and re.search(pattern, draft.words, re.IGNORECASE)
    ]
    draft.functions.update(_functions_in_words(draft))
    draft.functions.update({k: v for k, v in _functions_by_slope(draft).items() if k not in draft.functions})
    draft.activations.add(activations_of(draft))
    draft.functions.update(draft.activations.everywhere)
    for base in sorted(draft.symbols.functions, key=lambda base: (base != "sigma", base)):
        if base in draft.functions or base in draft.activations.sections:
            continue
        if base == "sigma" and "softmax" not in words:
            draft.functions[base] = "sigmoid"
            draft.assumptions.append(Assumption("σ is the logistic function", "its usual name"))
        elif (
            len(words) == 1
            and base in OPEN_LETTERS
            and base not in left_open(draft.document.text)
            and not _applies(draft, words[0])  # tanh(z) beside g(z): g is another one
            and words[0] not in draft.functions.values()  # and so it is beside the sigmoid sigma
        ):
            draft.functions[base] = words[0]
            draft.assumptions.append(Assumption(f"{base} is {words[0]}", "the only activation that the text names"))
    draft.functions.update(_functions_by_values(draft))


def _functions_in_words(draft: Draft) -> dict[str, str]:
    """`$S$ is the sigmoid function`, 'with the sigmoid f'; a letter of which sections say different things is left to them."""
    sayings: dict[str, list[Saying]] = {}
    for at, statement in enumerate(draft.document.statements):
        base = _function_spoken_of(draft, statement)
        after = draft.document.text[statement.span[1] : statement.span[1] + 60]
        before = draft.document.text[max(0, statement.span[0] - 40) : statement.span[0]]
        for word, pattern in ACTIVATION_WORDS.items() if base else ():
            if re.match(
                rf"[\s$\\)]*(?:is|denotes|=|:|ist|est|es)\s+(?:\w+\s+){{0,2}}(?:{pattern})", after, re.IGNORECASE
            ) or re.search(rf"(?:{pattern})(?:\s+\w+)?[\s$\\(]*$", before, re.IGNORECASE):
                sayings.setdefault(base, []).append(Saying(at, statement.line, base, word))
                break
    for base in sorted(draft.symbols.functions - set(sayings)):
        for word, pattern in ACTIVATION_WORDS.items():
            said = rf"(?<![\w\\]){_letter(base)}`?\s+(?:is|denotes|ist|est|es|è)\s+(?:\w+\s+){{0,2}}(?:{pattern})"
            if (len(base) == 1 or base in GREEK) and re.search(said, draft.document.text):
                sayings[base] = [Saying(0, 0, base, word)]
    found: dict[str, str] = {}
    for base, said_of in sayings.items():
        for saying in said_of if base in OPEN_LETTERS and len({s.kind for s in said_of}) > 1 else ():
            draft.activations.define(saying)
        if base not in draft.activations.sections:
            found[base] = said_of[0].kind
            draft.assumptions.append(Assumption(f"{base} is {found[base]}", "said in words", said_of[0].line or None))
    return found


def _letter(base: str) -> str:
    """A letter as text has it: σ for sigma."""
    try:
        return unicodedata.lookup(f"GREEK SMALL LETTER {base.upper()}") if base in GREEK else base
    except KeyError:
        return base


def _function_spoken_of(draft: Draft, statement: Statement) -> str:
    """The g of a lone `$g$` in a sentence, if it is a function."""
    name = name_of(statement.sides[0].node) if len(statement.sides) == 1 else None
    return name.base if name is not None and name.base in draft.symbols.functions else ""


def _functions_by_slope(draft: Draft) -> dict[str, str]:
    """`g(z)(1 - g(z))` in the document: g is the logistic function, for of no other function is that worth writing."""
    found: dict[str, str] = {}
    for node in draft.document.of_kind(f.Product):
        for k in range(len(node.factors) - 2):
            head, group, rest = (
                node.factors[k],
                node.factors[k + 1],
                f.without_brackets(node.factors[k + 2]),
            )
            name = name_of(head)
            if (
                name is None
                or name.base not in draft.symbols.functions
                or _primes(head)
                or not isinstance(group, f.Group)
            ):
                continue
            if (
                isinstance(rest, f.Sum)
                and len(rest.terms) == 2
                and rest.terms[1] == (-1, f.Product((0, 0), (head, group), ("",)))
            ):
                found[name.base] = "sigmoid"
    for base in found:
        draft.assumptions.append(
            Assumption(f"{base} is the logistic function", f"{base}(1 - {base}) is used as its slope")
        )
    return found


def _functions_by_values(draft: Draft) -> dict[str, str]:
    """`g([0.91]) = [0.713]`: the usual activation that all printed values of a letter show."""
    seen: dict[str, list[tuple[Array, Array, Array]]] = {}
    for base, inside, outside in _printed_applications(draft):
        (x, x_half), (y, y_half) = inside, outside
        if x.shape == y.shape:
            slope_free = y_half + x_half  # no slope of these is more than 1
            seen.setdefault(base, []).append((x, y, slope_free))
    found: dict[str, str] = {}
    for base, pairs in seen.items():
        if base in draft.functions or base in draft.activations.sections:
            continue
        is_bent = any(np.any(x < 0) for x, _, _ in pairs)  # else a ReLU is the identity
        fits = [
            name
            for name in ("sigmoid", "tanh", *(["relu"] if is_bent else []))
            if all(np.all(np.abs(apply_function(name, Machine, x) - y) <= slack + 1e-9) for x, y, slack in pairs)
        ]
        if len(fits) == 1:
            found[base] = fits[0]
            draft.assumptions.append(Assumption(f"{base} is {fits[0]}", "its printed values show it"))
    return found


def _printed_applications(draft: Draft) -> Iterator[tuple[str, tuple[Array, Array], tuple[Array, Array]]]:
    """The letter, the argument and the value wherever both are printed."""
    printed: dict[str, tuple[Array, Array]] = {}
    applied: list[tuple[str, f.Node, str, tuple[Array, Array] | None]] = []
    for statement in draft.document.statements:
        left = draft.closed(statement.sides[0].node)
        for side, after in itertools.zip_longest(statement.sides, statement.sides[1:]):
            value = literal(side.node)
            if value is not None and left is not None:
                printed.setdefault(left.key, value)
            factors = side.node.factors if isinstance(side.node, f.Product) else ()
            head = name_of(factors[0]) if len(factors) == 2 else None
            if head is not None and head.base in draft.symbols.functions and not _primes(factors[0]):
                result = literal(after.node) if after is not None else None
                applied.append(
                    (head.base, f.without_brackets(factors[1]), left.key if left is not None else "", result)
                )
    for base, argument, key, result in applied:
        reference = None if isinstance(argument, (f.Matrix, f.Number, f.Sum)) else draft.closed(argument)
        inside = literal(argument) or (printed.get(reference.key) if reference is not None else None)
        outside = result or printed.get(key)
        if inside is not None and outside is not None:
            yield base, inside, outside


def _applies(draft: Draft, function: str) -> bool:
    """Whether a function is applied by its own name."""
    calls = draft.document.of_kind(f.Call)
    return any(isinstance(n.function, f.Name) and n.function.base == function for n in calls)


def _defined_functions(draft: Draft) -> dict[str, str]:
    r"""`\sigma(x) = 1/(1+e^{-x})`, also within a line, `z_j = h(a_j) = \tanh(a_j)`: recognised by its values."""
    found: dict[str, str] = {}
    tried: Counter[str] = Counter()
    for at, statement in enumerate(draft.document.statements):
        for k, applied in enumerate(statement.sides[:-1]):
            factors = applied.node.factors if isinstance(applied.node, f.Product) else ()
            if len(factors) != 2 or not isinstance(factors[1], f.Group) or len(factors[1].items) != 1:
                continue
            head, argument = name_of(factors[0]), name_of(factors[1].items[0])
            if head is None or argument is None or head.base not in draft.symbols.functions or _primes(factors[0]):
                continue
            for side in statement.sides[k + 1 :]:
                tried[head.base] += 1
                if tried[head.base] > MOST_TRIED:
                    break
                known = _recognised(draft, side.node, factors[1].items[0])
                if known is None and head.base != "sigma" and _is_sigma_of(side.node, factors[1]):
                    known = found.get("sigma", "sigmoid")
                if known:
                    found[head.base] = known
                    if isinstance(factors[0], f.Name) and head.base in OPEN_LETTERS:
                        draft.activations.define(Saying(at, statement.line, head.base, known))
    draft.activations.settle()
    return {letter: kind for letter, kind in found.items() if letter not in draft.activations.sections}


def _is_sigma_of(node: f.Node, group: f.Node) -> bool:
    r"""`\sigma(z)`, the right side of `f(z) = \sigma(z)`."""
    match node:
        case f.Product(_, (f.Name(_, "sigma"), argument)):
            return to_text(argument) == to_text(group)
    return False


def _recognised(draft: Draft, body: f.Node, argument: f.Node) -> str | None:
    """The known function that a body computes, by its values at a few points."""
    try:
        term = draft.elaborator.term(body)
        reference = draft.elaborator.reference(argument)
    except (NotUnderstood, LayerOpen):
        return None
    if reference is None or {r.key for r in references_in(term)} - {reference.key}:
        return None
    if isinstance(term, Softmax):
        return "softmax"
    points = np.array([[0.3, -1.1, 0.7, -0.2]])
    values = []
    for x in points[0]:
        world = World(Point(Machine, {reference.key: np.array([[x]])}, {}), {})
        try:
            values.append(float(Reader(world, Axes()).readings(term)[0].value.array.item()))
        except (Misfit, Unknown, Undefined, ValueError):
            return None
    for name in FUNCTIONS:
        if name == "identity":
            continue
        try:
            if np.allclose(apply_function(name, Machine, points)[0], values, rtol=1e-9, atol=1e-12, equal_nan=False):
                return name
        except Undefined:
            continue
    return None


def left_open(text: str) -> set[str]:
    """The letters of functions of which a document says no more than that they are ones."""
    return {letter.removeprefix("var") for letter in re.findall(OPEN_FUNCTION, text)}


def own_functions(draft: Draft) -> dict[str, tuple[str, Term]]:
    """`f(x) = x^2 + 3x`: functions that are no known ones, with the letter of their argument."""
    found: dict[str, tuple[str, Term]] = {}
    for statement in draft.document.statements:
        head, argument = _applied(statement.sides[0].node)
        if head is None or argument is None or head in found or head in {*draft.functions, *draft.activations.sections}:
            continue
        if head not in draft.symbols.functions or len(statement.sides) < 2 or statement.relations[0] not in EQUAL_SIGNS:
            continue
        try:
            letter, term = draft.elaborator.reference(argument), draft.elaborator.term(statement.sides[1].node)
        except (NotUnderstood, LayerOpen):
            continue
        inner = {p.function for p in everything_in(term) if isinstance(p, Apply)}
        if letter is not None and not letter.indices and head not in inner and not is_number(term):
            found[head] = letter.key, entry_by_entry(term)
    return found


def entry_by_entry(term: Term) -> Term:
    """A formula of one number as it is meant of the entries of a matrix."""
    if isinstance(term, Sloppy):
        return Sloppy(tuple(entry_by_entry(part) for part in term.factors), ("odot",) * len(term.marks))
    return mapped(term, entry_by_entry)


def arguments_named(draft: Draft) -> set[str]:
    """The letters of arguments in `f(e) = ..`: there e is a name, whatever it is elsewhere."""
    applied = (_applied(statement.sides[0].node) for statement in draft.document.statements if len(statement.sides) > 1)
    return {argument.base for _, argument in applied if isinstance(argument, f.Name)}


def name_layer_functions(draft: Draft) -> None:
    """`g^{[1]}'(Z^{[1]})` where only `A^{[1]} = tanh(Z^{[1]})` says what layer 1 does."""
    for node in draft.document.of_kind(f.Scripted):
        name = name_of(node)
        if name is None or name.base not in draft.symbols.functions or name.base in draft.functions:
            continue
        try:
            reference = draft.elaborator.reference(node)
        except LayerOpen:
            continue
        if reference is None or not reference.mark or reference.key in draft.functions:
            continue
        layer = {
            d.term.function
            for d in draft.definitions
            if isinstance(d.term, Apply) and d.term.function in FUNCTIONS and layer_of(d.key) == layer_of(reference.key)
        }
        if len(layer) == 1:
            draft.functions[reference.key] = layer.pop()
            draft.assumptions.append(
                Assumption(
                    f"{shown_name(reference.key)} is {draft.functions[reference.key]}", "the activation of its layer"
                )
            )


def _applied(node: f.Node) -> tuple[str | None, f.Node | None]:
    """The letter and the argument of `f(x)`."""
    factors = node.factors if isinstance(node, f.Product) else ()
    if len(factors) != 2 or not isinstance(factors[0], f.Name) or not isinstance(factors[1], f.Group):
        return None, None
    group = factors[1]
    is_one = len(group.items) == 1 and group.bracket in "([{" and isinstance(group.items[0], (f.Name, f.Scripted))
    return (factors[0].base, group.items[0]) if is_one else (None, None)


def _primes(node: f.Node) -> int:
    return node.primes if isinstance(node, f.Scripted) else 0
