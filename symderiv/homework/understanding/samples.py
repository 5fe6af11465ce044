"""Which letters count samples, and whether there are many of them at all: a mean, a sum up to n, `x^{(i)}`, the words.

Forward equations hold for every sample, so there a letter of samples says nothing and is taken away.
"""

from __future__ import annotations

import itertools
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace

from symderiv.homework.marking import Assumption
from symderiv.homework.reading import formulas as f
from symderiv.homework.understanding.draft import WEIGHTLIKE, Draft
from symderiv.homework.understanding.elaboration import without_indices
from symderiv.homework.understanding.shapes import base_of
from symderiv.homework.understanding.stated_shapes import sizes_in
from symderiv.homework.understanding.symbols import EACH, LOSS_BASES, name_of
from symderiv.homework.understanding.terms import (
    Add,
    Gathered,
    Part,
    SizeOf,
    Sloppy,
    Softmax,
    Term,
    Transpose,
    everything_in,
    is_ones,
    mapped,
    references_in,
)
from symderiv.homework.understanding.understanding import BATCH_WORDS, Definition

REGRESSION_WEIGHTS = frozenset({"w", "theta", "beta", "omega"})
COUNTED_WORDS = r"\b([NnMm])\s+(?:\w+\s+)?(?:samples|examples|observations|patterns|data points)\b"
SAMPLE_SIZES = frozenset({"n", "m", "N", "M", "B"})
ROWS_WORDS = (
    r"(?:examples?|samples?|observations?|training data|(?:feature|input) vectors)\W+(?:\w+\W+){0,5}?(?:the )?rows of "
    r"(?:the )?(?:(?:data|design|input) matrix )?\$?\\?([A-Z]|Phi)\b"
)
ROW_OF_WORDS = (  # row i of X is x_i'
    r"\b(?:rows?|Zeilen?|lignes?|filas?|linhas?|righe|riga)\s+(?:\$?\w\$?\s+)?(?:of|von|de|di)\s+\$?\\?(?:mathbf\{|bm\{)?([A-Z])\}?\$?\s+"
    r"(?:is|are|ist|sind|est|sont|es|son|é|são|è|sono|contains?|holds?)\b"
)
SINGLE_WORDS = (
    r"\b(?:one|a single|single|ein(?:em|en|es)?|un solo|un seul|um único|uma única)\s+(?:training\s+|given\s+|data\s+)?"
    r"(?:sample|example|pattern|point|instance|observation|Beispiel|Muster|ejemplo|exemple|exemplo)\b"
)


def letters_of_samples(draft: Draft) -> frozenset[str]:
    """Letters that run over samples: bounded by n or m, or above in brackets."""
    found: set[str] = set()
    sizes = {n for head, n in _stated_rows(draft) if head == "X"} or SAMPLE_SIZES
    by_size: defaultdict[str, set[str]] = defaultdict(set)
    speaks_of_many = bool(re.search(BATCH_WORDS, draft.words, re.IGNORECASE))
    lefts = [s.sides[0].node for s in draft.document.statements if len(s.sides) > 1]
    defined_for = {  # an index of units
        script.body.base
        for left in lefts
        if isinstance(left, f.Scripted)
        for script in left.lower
        if isinstance(script.body, f.Name)
    }
    for node in draft.document.of_kind(f.BigSum):
        if node.end is not None:
            ends = {n.base for n in f.walk(node.end) if isinstance(n, f.Name)}
            plain = isinstance(node.end, (f.Name, f.Comparison))
            if ends & sizes and plain:
                for size in ends & sizes:
                    by_size[size] |= set(node.letters)
    if by_size.keys() & {"n", "N"}:
        by_size.pop("M", None)  # of hidden units then
    found.update(*by_size.values())
    for product in draft.document.of_kind(f.Product):
        if averaged := _averaged(product, sizes) - defined_for:
            found |= averaged if speaks_of_many else averaged & _letters_of_layers(draft)
    for scripted in draft.document.of_kind(f.Scripted):
        for script in scripted.upper:
            if script.bracket == "(" and isinstance(script.body, f.Name) and script.body.base in {*"ijmnk", "mu"}:
                found.add(script.body.base)
    found |= _letters_of_derivatives(draft) - defined_for
    found |= _letters_of_losses(draft) | _letters_of_stated_axes(draft)
    summed = {x for n in draft.document.of_kind(f.BigSum) for x in n.letters}
    found |= (
        _letters_of_inputs(draft)
        | ((_letters_weighed_alike(draft) | _letters_called(draft)) & summed)
        | (_letters_said_to_count(draft) - defined_for)
    )
    counted = frozenset(found & {*"abcdijkmnpqrstuv", "mu"}) - draft.symbols.time  # s_{t+1} of s_t is no other sample
    return counted - _weight_letters(draft) - _feature_letters(draft)


def _letters_of_derivatives(draft: Draft) -> set[str]:
    r"""The i of `\sum_i (dL/dZ)_i`, where a mean is taken and no name has it below: the derivatives of each sample."""
    if not draft.symbols.sizes & SAMPLE_SIZES:
        return set()
    found: set[str] = set()
    for node in draft.document.of_kind(f.BigSum):
        body = node.body if isinstance(node.body, f.Scripted) else None
        if body is None or len(letters_below(body)) != 1:
            continue  # an entry has a letter of its unit, too
        if isinstance(f.without_brackets(body.base), f.Derivative):
            found |= letters_below(body) & set(node.letters)
    named = {x for n in draft.document.of_kind(f.Scripted) if isinstance(n.base, f.Name) for x in letters_below(n)}
    return found - named


def _letters_of_stated_axes(draft: Draft) -> set[str]:
    """The i of `Y_ij` where Y is N x K."""
    stated: dict[str, tuple[str, ...]] = {}
    for statement in draft.document.statements:
        head = name_of(statement.sides[0].node)
        if head is not None and len(statement.sides) == 2 and statement.relations[0] in ("in", ":"):
            sizes = sizes_in(statement.sides[1].node)
            if sizes is not None and len(sizes) == 2 and head.base not in WEIGHTLIKE:
                stated[head.base] = sizes
    found: set[str] = set()
    for node in draft.document.of_kind(f.Scripted):
        name = name_of(node)
        letters = [s.body.base for s in node.lower if isinstance(s.body, f.Name)]
        sizes = stated.get(name.base, ()) if name is not None and len(letters) == len(node.lower) == 2 else ()
        found |= {
            x
            for x, size in zip(letters, sizes, strict=False)
            if size == "N" or (size in SAMPLE_SIZES and size.upper() == x.upper())
        }
    return found


def _letters_of_losses(draft: Draft) -> set[str]:
    r"""The n of `E = \sum_n E_n`, and of an E_n alone: where nothing but a loss has it below."""
    of_losses: set[str] = set()
    others: set[str] = set()
    for node in draft.document.of_kind(f.Scripted):
        if isinstance(node.base, f.Name):
            below = letters_below(node)
            is_loss = node.base.base in LOSS_BASES and len(below) == 1
            (of_losses if is_loss else others).update(below)
    return (of_losses - others) & draft.symbols.indices


def _letters_weighed_alike(draft: Draft) -> set[str]:
    """The i of `yhat_i = w x_i + b`: the same weight for each, so no unit has it."""
    found: set[str] = set()
    weighed: set[str] = set()  # what a weight has below it
    for node in draft.document.of_kind(f.Scripted):
        if isinstance(node.base, f.Name) and node.base.base in WEIGHTLIKE:
            weighed |= letters_below(node)
    weights = WEIGHTLIKE - {"b"} | REGRESSION_WEIGHTS
    for statement in draft.document.statements:
        left = statement.sides[0].node
        called = left.factors[-1] if isinstance(left, f.Product) else None  # f(x_i)
        if isinstance(called, f.Group) and len(called.items) == 1:
            left = called.items[0]
        letters = letters_below(left)
        if len(statement.sides) < 2 or len(letters) != 1:
            continue
        for product in (p for side in statement.sides[1:] for p in f.of_kind(side.node, f.Product)):
            factors = [x.body if isinstance(x, f.Transposed) else x for x in product.factors]
            bases = {name.base for x in factors if not letters_below(x) and (name := name_of(x)) is not None}
            weighted = {name.base for x in factors if letters_below(x) == letters and (name := name_of(x)) is not None}
            if weighted and (bases & weights or (bases & {"m", "a"} and weighted & {"x", "X"})):
                found |= letters
    return found - weighed


def _letters_called(draft: Draft) -> set[str]:
    """The i of `h(x_i)` after `h(x) = w x + b`: the same model for each."""
    models: set[tuple[str, str]] = set()
    for statement in draft.document.statements:
        names = {n.base for side in statement.sides[1:] for n in f.of_kind(side.node, f.Name)}
        if names & (WEIGHTLIKE | REGRESSION_WEIGHTS) and (call := _called(statement.sides[0].node)) is not None:
            models |= {(call[0], call[1].base)} if isinstance(call[1], f.Name) else set()
    found: set[str] = set()
    for product in draft.document.of_kind(f.Product):
        for pair in itertools.pairwise(product.factors):
            call = _called(f.Product(product.span, pair, ("",)))
            if call is not None and (name := name_of(call[1])) is not None and (call[0], name.base) in models:
                found |= letters_below(call[1])
    return found


def _called(node: f.Node) -> tuple[str, f.Node] | None:
    """The h and the x of `h(x)`."""
    match node:
        case f.Product(factors=(head, f.Group(items=(argument,)))) if (name := name_of(head)) is not None:
            return name.base, argument
    return None


def _letters_of_layers(draft: Draft) -> set[str]:
    """Letters that hidden units or inputs have as well as what the loss is made of, and no weight: no unit has them."""
    in_loss: dict[str, set[str]] = {}
    elsewhere: dict[str, set[str]] = {}
    for statement in draft.document.statements:
        name = name_of(statement.sides[0].node)
        found = in_loss if name is not None and name.base == draft.loss else elsewhere
        for node in (n for side in statement.sides for n in f.walk(side.node) if isinstance(n, f.Scripted)):
            head = name_of(node)
            if (head := name_of(node)) is not None:
                for letter in letters_below(node):
                    found.setdefault(letter, set()).add(head.base)
    weights = WEIGHTLIKE | {"b", "c", "beta"}
    return {
        letter
        for letter, names in elsewhere.items()
        if len(names - in_loss.get(letter, set())) > 1 and not names & weights
    }


def _letters_said_to_count(draft: Draft) -> set[str]:
    r"""The n of `\sum_n` without a bound, where "N samples" are said."""
    said = {s.lower() for s in re.findall(COUNTED_WORDS, draft.words)}
    sums = [n for n in draft.document.of_kind(f.BigSum) if n.end is None and len(n.indices) == 1]
    return said & {x for n in sums for x in n.letters}


def _letters_of_inputs(draft: Draft) -> set[str]:
    r"""The n of `y_n = \sum_j w_j x_{nj} + b` and `E = \sum_n (y_n - t_n)^2`: inputs have it, weights have not."""
    inputs: set[str] = set()
    weights: set[str] = set()
    summed: set[str] = set()
    sums = [n for n in draft.document.of_kind(f.BigSum) if len(n.indices) == 1]
    each = {  # the i of `R = \sum_i R_i`
        x for n in sums for x in n.letters
        if (name := name_of(n.body)) and name.base == draft.loss and letters_below(n.body) == {x}
    }  # fmt: skip
    for statement in draft.document.statements:
        head = statement.sides[0].node
        nodes = [n for side in statement.sides[1:] for n in f.walk(side.node)]
        name = name_of(head)
        if name is not None and name.base == draft.loss:
            summed |= {x for n in nodes if isinstance(n, f.BigSum) for x in n.letters}
            inputs |= {x for n in nodes if isinstance(n, f.Product) for x in _letters_weighed(n)}
        for node in (n for n in nodes if isinstance(n, f.Scripted)):
            name = name_of(node)
            is_shifted = any(isinstance(script.body, f.Sum) for script in node.lower)  # x_{i+1}
            if name is not None and name.base in ("x", "X") and not is_shifted:
                own = letters_below(head)
                inputs |= letters_below(node) & (own if len(own) == 1 else own & each)
            elif name is not None and (is_shifted or name.base in WEIGHTLIKE | {"beta", "c"}):
                weights |= letters_below(node)
    return inputs & summed - weights


def _letters_weighed(node: f.Product) -> Iterator[str]:
    r"""The i of `w x_i`, `w^T x_i` and `x_i^T w` in a loss."""
    bare = [x.body if isinstance(x, f.Transposed) else x for x in node.factors]
    for pair in itertools.pairwise(bare):
        for weight, data in (pair, pair[::-1]):
            head, name = name_of(data), name_of(weight)
            if head is None or name is None or head.base not in ("x", "X", "phi") or letters_below(weight):
                continue
            if name.base in WEIGHTLIKE - {"b"} | REGRESSION_WEIGHTS | set("vuma") and len(letters_below(data)) == 1:
                yield from letters_below(data)


def _weight_letters(draft: Draft) -> set[str]:
    """Letters that number units, because weights carry them in pairs."""
    found: set[str] = set()
    for node in draft.document.of_kind(f.Scripted):
        if isinstance(node.base, f.Name) and node.base.base in WEIGHTLIKE and node.base.base != "b":
            letters = [n.base for s in node.lower for n in f.walk(s.body) if isinstance(n, f.Name)]
            if len(letters) == 2:
                found.update(letters)
    return found


def _feature_letters(draft: Draft) -> set[str]:
    r"""The j of `\sum_{j=0}^n w_j x_j`: weights have it, too, so it counts what is weighed."""
    found: set[str] = set()
    for node in draft.document.of_kind(f.BigSum):
        if (name := name_of(node.body)) is not None and name.base in WEIGHTLIKE - {"b"}:
            found |= letters_below(node.body)  # the penalty `sum_j theta_j^2`
        if not isinstance(node.body, f.Product) or len(node.body.factors) != 2:
            continue
        letters = set(node.letters)
        below = [
            (name.base, letters_below(x))
            for x in node.body.factors
            if isinstance(x, f.Scripted) and (name := name_of(x)) is not None
        ]
        if len(below) == 2 and below[0][1] == below[1][1] == letters and {b for b, _ in below} & WEIGHTLIKE - {"b"}:
            found |= letters
    return found


def stand_first(draft: Draft, sample_letters: frozenset[str]) -> bool:
    """`x_{nj}`, `z_{nk}`: the sample is the first of two indices wherever it stands, so the samples are rows."""
    first = 0
    for node in draft.document.of_kind(f.Scripted):
        if isinstance(node.base, f.Name):
            letters = [s.body.base for s in node.lower if isinstance(s.body, f.Name)]
            letters += [
                x.base
                for s in node.lower
                if isinstance(s.body, f.Product)
                for x in s.body.factors
                if isinstance(x, f.Name)
            ]
            if len(letters) == 2 and letters[1] in sample_letters:
                return False
            first += len(letters) == 2 and letters[0] in sample_letters
    return first > 1


def is_batch(draft: Draft, definitions: dict[str, Term], sample_letters: frozenset[str]) -> bool:
    """Whether the formulas are about many samples at once."""
    if sample_letters:
        return True
    loss = definitions.get(draft.loss or "")
    if loss is not None and _is_system_for_x(draft, loss):
        return False
    if loss is not None and any(isinstance(p, SizeOf) for p in everything_in(loss)):
        return True
    means = [n for n in draft.document.of_kind(f.Fraction) if is_mean(n, draft.symbols.sizes)]
    if means and not _counts_of_inputs(draft) >= {
        n.base for m in means for n in f.walk(m.below) if isinstance(n, f.Name)
    }:
        return True
    if any(name_of(call.function) is not None and call.keywords for call in draft.document.of_kind(f.Call)):
        return True
    if any(_repeats_bias(term) for term in definitions.values()) or weights_of_designs(draft, definitions):
        return True
    if re.search(SINGLE_WORDS, draft.words, re.IGNORECASE):
        return False
    return bool(re.search(BATCH_WORDS, draft.words, re.IGNORECASE))


def _is_system_for_x(draft: Draft, loss: Term) -> bool:
    r"""`\frac1n \|A x - b\|^2`, derived by x: x is what is looked for, and n counts the rows of A."""
    products = [p.factors for p in everything_in(loss) if isinstance(p, Sloppy) and len(p.factors) == 2]
    systems = [p for p in products if p[0] == Part("A", ()) and p[1] == Part("x", ())]
    return bool(systems) and "x" in {*draft.derived_by, draft.elaborator.parameter} and "A" not in draft.worked_out


def weight_of_design(term: Term, folds: Mapping[str, str]) -> str | None:
    r"""The w of `X w`, `X \theta`, `\Phi \beta`: a capital holds the samples as rows, a small letter one weight for each column."""
    match term:
        case Sloppy((Part(data, ()), Part(weight, ())), ("" | "@" | "cdot" | "*",)):
            is_design = (
                base_of(data) in ("X", "Phi")
                and base_of(weight) in REGRESSION_WEIGHTS | {"v"}
                and "[" not in data + weight
            )
            return weight if is_design and not {"X", "W"} & set(folds) else None
    return None


def weights_of_designs(draft: Draft, definitions: dict[str, Term]) -> frozenset[str]:
    """Every w of an `X w`."""
    parts = (part for term in definitions.values() for part in everything_in(term))
    found = frozenset(w for part in parts if (w := weight_of_design(part, draft.symbols.folds)) is not None)
    return found - into_softmax(definitions) - _stated_matrices(draft)


def _stated_matrices(draft: Draft) -> set[str]:
    r"""The theta of `\theta: 5 \times 4`."""
    stated = (s for s in draft.document.statements if len(s.sides) == 2 and s.relations[0] in ("in", ":"))
    sizes = ((draft.closed(s.sides[0].node), sizes_in(s.sides[1].node) or ()) for s in stated)
    return {
        draft.symbols.canonical(ref.key) for ref, two in sizes if ref is not None and len(two) == 2 and two[1] != "1"
    }


def into_softmax(definitions: dict[str, Term]) -> set[str]:
    """What the scores of a softmax are worked out from: there are several, however its weights are indexed elsewhere."""
    scores = {
        r.key
        for term in definitions.values()
        for part in everything_in(term)
        if isinstance(part, Softmax)
        for r in references_in(part)
    }
    whole = (r for key in scores & set(definitions) for r in references_in(definitions[key]))
    return {r.key for r in whole if isinstance(r, Part) and not r.indices}


def _counts_of_inputs(draft: Draft) -> set[str]:
    r"""The C of `h = \frac1C \sum_c e_c, z = U h`: a mean over inputs says nothing of samples."""
    capitals = [d.term for d in draft.definitions if isinstance(d.term, Sloppy) and len(d.term.factors) == 2]
    pairs = [t.factors for t in capitals if isinstance(t.factors[0], Part) and base_of(t.factors[0].key).isupper()]
    inputs = {second.key for _, second in pairs if isinstance(second, Part)}
    made = [p for d in draft.definitions if d.key in inputs for p in everything_in(d.term)]
    return {p.dim for p in made if isinstance(p, SizeOf)}


def _repeats_bias(term: Term) -> bool:
    r"""`W X + b \mathbf 1_n^T`: a column for each sample."""
    if not isinstance(term, Add) or len(term.terms) < 2:
        return False
    products = (part for _, part in term.terms if isinstance(part, Sloppy) and len(part.factors) == 2)
    return any(any(is_ones(p.body if isinstance(p, Transpose) else p) for p in product.factors) for product in products)


def entries_of_samples(draft: Draft, sample_letters: frozenset[str]) -> frozenset[str]:
    """`x_i^n`: quantities that have a sample letter, with one of units or alone, wherever they carry any index.

    What a line defines as `z_{mi}` may be written as `z_m` elsewhere.
    """
    lefts = [r for _, r, _, _ in draft.equations() if len(r.indices) == 2 and len(set(r.indices) & sample_letters) == 1]
    defined_for_all = {r.key for r in lefts if r.key in draft.worked_out}
    return frozenset(
        key
        for key, found in draft.written_indices.items()
        if any(len(i) == 2 for i in found)
        and all(len(set(i) & sample_letters) == 1 or (len(i) == 1 and key in defined_for_all) for i in found)
    )


def is_one_pattern(draft: Draft, sample_letters: frozenset[str]) -> bool:
    """Forward equations entry by entry without a sample index, and a loss E_n of each pattern: all is about one pattern."""
    forward = [d for d in draft.definitions if base_of(d.key) not in LOSS_BASES and not d.key.startswith("<")]
    each = [d for d in draft.definitions if d.key.endswith(EACH)]
    if not each or not sample_letters or not any(isinstance(d.term, Gathered) for d in forward):
        return False
    letters = {i for d in forward for r in references_in(d.term) for i in indices_of(r)} | {
        i for d in forward for i in d.indices
    }
    return not letters & sample_letters and all(
        indices_of(r) or d.term != r for d in forward for r in references_in(d.term)
    )


def drop_samples(draft: Draft, letters: frozenset[str]) -> None:
    """E_n read as the loss of the one pattern."""
    draft.definitions = [_without(d, letters) for d in draft.definitions]
    draft.assumptions.append(Assumption("one pattern is looked at", "the forward equations carry no index of samples"))


def strip_samples(draft: Draft, sample_letters: frozenset[str]) -> None:
    """`z_1 = w_1 x_i + b_1`: forward equations hold for every sample, so a sample letter says nothing there."""

    def stripped(definition: Definition) -> Definition:
        if definition.key == draft.loss or base_of(definition.key.removesuffix(EACH)) in LOSS_BASES:
            return definition
        return _without(definition, sample_letters)

    draft.definitions = [stripped(d) for d in draft.definitions]
    draft.restated = [stripped(d) for d in draft.restated]


def _without(definition: Definition, letters: frozenset[str]) -> Definition:
    """A definition as if these letters did not stand below its names; `w_k^T x_i` is about one row of X, and stays."""
    if any(
        None in r.indices and set(r.indices) & letters for r in references_in(definition.term) if isinstance(r, Part)
    ):
        return definition
    term = definition.term
    if isinstance(term, Gathered):
        left = tuple(i for i in term.indices if i not in letters)
        body = without_indices(term.body, letters)
        term = Gathered(body, left) if left else body
    else:
        term = without_indices(term, letters)
    return replace(definition, term=term, indices=tuple(i for i in definition.indices if i not in letters))


def _stated_rows(draft: Draft) -> list[tuple[str, str]]:
    r"""(X, n) of `X \in R^{n \times d}`: a capital with as many rows as there may be samples."""
    found = []
    for statement in draft.document.statements:
        head, sizes = f.without_brackets(statement.sides[0].node), sizes_in(statement.sides[-1].node)
        if len(statement.sides) != 2 or statement.relations[0] not in ("in", ":") or not isinstance(head, f.Name):
            continue
        if sizes is not None and len(sizes) == 2 and sizes[0] in SAMPLE_SIZES and head.base.isupper():
            found.append((head.base, sizes[0]))
    said = re.search(ROWS_WORDS, draft.document.text, re.IGNORECASE) or re.search(ROW_OF_WORDS, draft.document.text)
    counted = [s for s in ("m", "N", "n") if s in draft.symbols.sizes]
    if said and not found and counted:
        found.append((said[1], counted[0]))
    return found


def turned_letters(draft: Draft) -> frozenset[str]:
    r"""The x of `X \in R^{n \times d}` with `z_i = x_i^T w`: the samples are rows of X and yet columns as x_i."""
    products = list(draft.document.of_kind(f.Product))
    rows = {head.lower() for head, _ in _stated_rows(draft)} or _rows_by_use(draft, products)
    if not rows:
        return frozenset()
    samples, primed = letters_of_samples(draft), draft.symbols.primes_transpose
    return frozenset(letter for letter in rows if any(_has_dot_product(n, letter, samples, primed) for n in products))


def _rows_by_use(draft: Draft, products: list[f.Product]) -> set[str]:
    """The x of `X^T (p - y)`, where nothing says what X is: rows, if x_i is a sample and X itself no weight's neighbour."""
    found: set[str] = set()
    for left, right in (pair for product in products for pair in itertools.pairwise(product.factors)):
        name = name_of(_unturned(left, draft.symbols.primes_transpose) or left)
        if name is None or not name.base.isupper() or name.base in ("W", "V", "U") or name.base in draft.heads:
            continue
        if _unturned(left, draft.symbols.primes_transpose) is not None and _is_difference(right):
            found.add(name.base.lower())
    return found


def _is_difference(node: f.Node) -> bool:
    """`(p - y)`, of two names."""
    inner = f.without_brackets(node)
    return isinstance(inner, f.Sum) and len(inner.terms) == 2 and all(name_of(t) is not None for _, t in inner.terms)


def _unturned(node: f.Node, primed: bool) -> f.Node | None:
    """The x of `x^T`, and of `x'` where primes transpose; None of anything else."""
    if isinstance(node, f.Transposed):
        return node.body
    if isinstance(node, f.Scripted) and primed and node.primes == 1:
        return replace(node, primes=0) if node.lower or node.upper else node.base
    return None


def _has_dot_product(node: f.Product, letter: str, samples: frozenset[str], primed: bool) -> bool:
    """`x_i^T w` or `w^T x_i`, where i is a sample; also `w^T x` of one."""

    def is_sample(part: f.Node) -> bool:
        if isinstance(part, f.Name):
            return part.base == letter and not part.accents
        if not isinstance(part, f.Scripted) or not isinstance(part.base, f.Name) or part.base.base != letter:
            return False
        marks = (*part.lower, *part.upper)
        return len(marks) == 1 and isinstance(marks[0].body, f.Name) and marks[0].body.base in samples

    return any(
        (inner := _unturned(left, primed)) is not None and is_sample(inner) != is_sample(right)
        for left, right in itertools.pairwise(node.factors)
    )


def samples_first(term: Term, sample: Part) -> Term:
    """`x^T w` for `w^T x`: a number for one sample, and a column of them where the samples are rows of X."""
    match term:
        case Sloppy((Transpose(weight), body), ("",)) if body == sample:
            return Sloppy((Transpose(sample), weight), ("",))
    return mapped(term, lambda t: samples_first(t, sample))


def _averaged(node: f.Product, counted: frozenset[str] | set[str]) -> set[str]:
    r"""The i of `\frac{1}{2m} \sum_i` and `(1/n) \sum_i`, where no bound is written."""
    products = [node, *(x for x in map(f.without_brackets, node.factors) if isinstance(x, f.Product))]
    below = [x.below for p in products for x in p.factors if isinstance(x, f.Fraction)]
    below += [x for p in products for mark, x in zip(p.marks, p.factors[1:], strict=True) if mark == "/"]
    names = {n.base for part in below for n in f.walk(part) if isinstance(n, f.Name)}
    sums = [x for x in node.factors if isinstance(x, f.BigSum) and x.end is None and len(x.indices) == 1]
    if len(sums) != 1 or not names or not names <= counted or isinstance(sums[0].body, f.BigSum):
        return set()
    return set(sums[0].letters)


def is_mean(node: f.Fraction, sizes: frozenset[str]) -> bool:
    """Whether a fraction has the number of samples below: `1/n`, `1/(2m)`."""
    below = [n.base for n in f.walk(node.below) if isinstance(n, f.Name)]
    others = [n for n in f.walk(node.below) if not isinstance(n, (f.Name, f.Number, f.Product, f.Group))]
    return bool(below) and not others and set(below) <= SAMPLE_SIZES | sizes


def divides_by_samples(node: f.Node, sizes: frozenset[str]) -> bool:
    r"""`\frac1n`, `2 / n`."""
    if isinstance(node, f.Fraction):
        return is_mean(node, sizes)
    if isinstance(node, f.Product) and "/" in node.marks:
        after = node.factors[node.marks.index("/") + 1]
        return isinstance(after, f.Name) and after.base in SAMPLE_SIZES | sizes
    return False


def letters_below(node: f.Node) -> set[str]:
    """The letters in the lower scripts of a name."""
    scripts = node.lower if isinstance(node, f.Scripted) else ()
    return {n.base for script in scripts for n in f.walk(script.body) if isinstance(n, f.Name)}


def indices_of(ref: object) -> tuple[str | int | None, ...]:
    """The indices of a reference."""
    return ref.indices if isinstance(ref, Part) else ()
