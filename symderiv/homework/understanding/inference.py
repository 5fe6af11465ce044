"""From a document to an understanding of it: names, activations, definitions, loss, shapes, sizes, adjoint names, in this order.

What a step is about has a module of its own; here they are put in order, with the layers, the names that mean one quantity
and the sizes of the shapes.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property

from symderiv.homework.marking import Assumption
from symderiv.homework.reading import formulas as f
from symderiv.homework.reading.tokens import GREEK
from symderiv.homework.understanding.activations import said_of_every_unit
from symderiv.homework.understanding.derivative_names import (
    DERIVED,
    are_differentials,
    bars_are_derivatives,
    introduced_in_gradients,
    is_differential,
    said_derivatives,
)
from symderiv.homework.understanding.draft import WEIGHTLIKE, Draft, layer_of, stands_for_ones
from symderiv.homework.understanding.elaboration import Elaborator
from symderiv.homework.understanding.features import counted_from_zero, find_features, find_parts, lay_lists
from symderiv.homework.understanding.function_letters import (
    arguments_named,
    find_functions,
    name_layer_functions,
    own_functions,
)
from symderiv.homework.understanding.literals import literal
from symderiv.homework.understanding.numbered_units import link_by_numbers, link_numbered_units
from symderiv.homework.understanding.objective import (
    find_generic_loss,
    find_loss,
    find_spelled_loss,
    find_word_loss,
    generic_call,
    labels_of,
    losses_of_one,
    special_data,
)
from symderiv.homework.understanding.premises import (
    find_definitions,
    link_prediction,
    prefer_known_names,
    tangled_folds,
    with_sigmoid,
)
from symderiv.homework.understanding.readings import Axes
from symderiv.homework.understanding.recognition import recognise
from symderiv.homework.understanding.samples import (
    SAMPLE_SIZES,
    drop_samples,
    entries_of_samples,
    indices_of,
    into_softmax,
    is_batch,
    is_one_pattern,
    letters_of_samples,
    samples_first,
    stand_first,
    strip_samples,
    turned_letters,
    weights_of_designs,
)
from symderiv.homework.understanding.shape_hints import (
    as_dot_products,
    axes_by_name,
    given_as_numbers,
    given_ones,
    is_scalar_document,
    is_strict,
    loss_as_product,
    said_to_be_numbers,
    single_indexed,
    stated_sizes,
    vectors_by_letter,
    vectors_of_units,
)
from symderiv.homework.understanding.shapes import SCALAR_DIM, ShapeInference, base_of
from symderiv.homework.understanding.stated_shapes import stated_ones
from symderiv.homework.understanding.symbols import HYPER_BASES, Reference, name_of, trees_of
from symderiv.homework.understanding.terms import (
    Gathered,
    Part,
    Softmax,
    Term,
    Transpose,
    references_in,
)
from symderiv.homework.understanding.understanding import SAMPLES, SIZES, Definition, Understanding
from symderiv.homework.understanding.unnamed import (
    find_entries,
    name_arguments,
    name_expressions,
    name_fed,
    name_outputs,
    name_parts,
    spread_values,
)

MORE_SIZES = (13, 14, 15, 16, 17, 18)  # in turn, where a document has more sizes than SIZES
MOST_COUNTED = 12  # sizes that are taken as written
MOST_LAYERS = 5
LAYERS = 3  # how deep a network general formulas are judged on
RATE_WORDS = (
    r"(?:learning rate|step(?: |-)?(?:size|length)|Lernrate|Schrittweite|taux d.apprentissage|tasa de aprendizaje|"
    r"taxa de aprendizado)\s+(?:is\s+|of\s+|be\s+|ist\s+)?[$`(]*\\?([A-Za-z]+)\b"
)

# 'write $a$ for $a^{[2]}$': the layer is dropped
WRITTEN_FOR = r"\$([A-Za-z])\$ (?:for|instead of|statt|für|pour|por|al posto di) \$([A-Za-z])\^\{?[\[(](\d)[\])]\}?\$"
SELDOM_RATES = frozenset({"epsilon", "lambda", "beta", "gamma"})  # the rate of a step only if there is no other


class Inference(Draft):
    """One document's understanding, built step by step."""

    def run(self) -> Understanding:
        """Everything, in order."""
        if re.search(r"(?<!\.)\*\W{0,3}(?:is|denotes|means)\W.{0,20}element", self.document.text):
            self.symbols.star_elementwise = True
        self._find_layers()
        find_functions(self)
        self._elaborate_again()
        self._find_aliases()
        self.count_names()
        self.lefts = {ref.key for _, ref, _, _ in self.equations()}
        find_loss(self)
        self.rows_of_units = vectors_of_units(self)
        self._elaborate_again()
        self.said = said_derivatives(self)
        self.introduced = introduced_in_gradients(self)
        self.lefts |= set(self.introduced)
        self.elaborator.lefts = frozenset(self.lefts)
        find_definitions(self)
        tangled = (tangled_folds(self) | self._turned_folds) - self.apart
        if tangled:
            self.__init__(self.document, self.apart | tangled)  # type: ignore[misc]
            return self.run()
        link_prediction(self)
        for letter in self.apart & self._turned:  # the rows of X are the columns x_i
            self.definitions = [replace(d, term=samples_first(d.term, Part(letter, ()))) for d in self.definitions]
            names = letter.capitalize(), letter
            # what is given is the data
            data, made = names if names[0] in {n.key for n in self.numbers} else names[::-1]
            self.definitions.insert(0, Definition(made, Transpose(Part(data, ())), 0, 1))
        link_numbered_units(self)
        link_by_numbers(self)
        self.definitions = [replace(d, term=with_sigmoid(d.term)) for d in self.definitions]
        find_features(self)
        lay_lists(self)
        find_parts(self)
        said_of_every_unit(self)
        find_entries(self)
        spread_values(self)
        recognised = recognise(self)
        prefer_known_names(self)
        name_expressions(self)
        self._find_steps()
        find_spelled_loss(self)
        find_word_loss(self)
        find_generic_loss(self)
        understanding = self.shaped()
        rows, columns = counted_from_zero(self)
        recognised.zero_rows |= rows
        recognised.zero_columns |= columns
        recognised.settle(understanding)
        understanding.axes.ones_stand = any(
            stands_for_ones(n) for tree in trees_of(self.document) for n in f.of_kind(tree, f.Transposed)
        )
        understanding.assumptions.extend(self.assumptions)
        return understanding

    @cached_property
    def _turned(self) -> frozenset[str]:
        """The letters whose samples are rows of the capital: found once, even if what they are part of is begun anew."""
        return turned_letters(self)

    @property
    def _turned_folds(self) -> frozenset[str]:
        """Small letters folded with a capital that has its samples the other way."""
        return frozenset(self.symbols.folds.values()) & self._turned

    def _elaborate_again(self) -> None:
        special = {"e", "pi", "I", "Id", "delta", "ones", "nabla"} - self.lefts - arguments_named(self)
        special -= {n.base for n in self.document.of_kind(f.Name) if "bar" in n.accents} | self.derived_by
        if is_differential(self):
            special.add("d")
        if "T" not in self.lefts and not self.symbols.bare["T"]:
            special.add("T")
        if "Delta" not in self.lefts:
            special.add("Delta")
        axes = axes_by_name(self)
        known = frozenset(k for k in self.used if k not in special and k not in self.symbols.sizes and k not in axes)
        self.elaborator = Elaborator(
            self.symbols,
            dict(self.base_layers),
            self.functions,
            self.loss,
            known,
            lefts=frozenset(self.lefts),
            text=self.document.text,
            differentials=are_differentials(self),
            rows=self.rows_of_units,
            parameter=self._only_parameter(),
            of_one=losses_of_one(self),
            axes=axes,
        )
        self.own_functions = own_functions(self)
        self.elaborator.bodies = self.own_functions

    def _only_parameter(self) -> str | None:
        """What the loss is called with, `J(x)`; or the parameter of a model that has no other, by its letter."""
        called = {
            argument.base
            for product in self.document.of_kind(f.Product)
            if isinstance(product.factors[0], f.Name) and product.factors[0].base == self.loss
            and isinstance(group := product.factors[1], f.Group) and len(group.items) == 1
            and isinstance(argument := group.items[0], f.Name)
        }  # fmt: skip
        if len(called) == 1:
            return called.pop()
        letters = {base_of(k) for k in self.used if base_of(k) in WEIGHTLIKE | {"beta"}}
        return min(letters) if len(letters) == 1 and letters <= set(self.used) else None

    # --- layers ---
    def _find_layers(self) -> None:
        if not self.symbols.general and not self.symbols.top:
            return
        first = self._first_layer()
        said = self._said_depth() or self._given_depth()
        layers = LAYERS if said is None else said - first
        self.layer_range = (first, first + layers)
        if self.symbols.top:
            self.base_layers = {self.symbols.top: first + layers}
        if self.document.counts_samples:
            letter = self.document.counts_samples
            self.layer_range = (
                1,
                max(int(n.end.value) for n in self.document.of_kind(f.BigSum) if isinstance(n.end, f.Number)),
            )
            self.assumptions.append(Assumption(f"{letter} counts the samples", "they have numbers in brackets"))
            return
        why = "layers by a letter" if said is None else f"{self.symbols.top or 'the last layer'} = {said}"
        self.assumptions.append(Assumption(f"formulas for a general layer are judged on {layers} layers", why))

    def _said_depth(self) -> int | None:
        """The 2 of 'for example L = 2', if the document says one depth."""
        depths = set()
        for statement in self.document.statements:
            left, right = statement.sides[0].node, statement.sides[-1].node
            if isinstance(left, f.Name) and left.base == self.symbols.top and len(statement.sides) == 2:
                depths |= {int(right.value)} if isinstance(right, f.Number) and right.value.denominator == 1 else set()
        return depths.pop() if len(depths) == 1 and 2 <= max(depths) <= MOST_LAYERS else None

    def _given_depth(self) -> int | None:
        """The 2 of a net whose numbers are given: weights of two layers or more, and nothing of a later layer."""
        given: dict[str, set[int]] = {}
        for statement in self.document.statements:
            reference = self.closed(statement.sides[0].node) if len(statement.sides) > 1 else None
            layer = layer_of(reference.key) if reference is not None else None
            if reference is not None and layer is not None and literal(statement.sides[-1].node) is not None:
                given.setdefault(reference.base, set()).add(layer)
        is_net = any(base in WEIGHTLIKE and len(layers) > 1 for base, layers in given.items())
        depth = max(itertools.chain.from_iterable(given.values()), default=0)
        return depth if is_net and 2 <= depth <= MOST_LAYERS else None

    def _first_layer(self) -> int:
        """0 where a^0 is the input, 1 where it is a^1."""
        for statement in self.document.statements:
            for side in statement.sides:
                name = name_of(side.node)
                if (
                    name is None
                    or not isinstance(side.node, f.Scripted)
                    or name.base not in ("a", "A", "h", "x", "z", "o")
                ):
                    continue
                others = [name_of(s.node) for s in statement.sides if s is not side]
                if any(o is not None and o.base in ("x", "X") for o in others):
                    for script in (*side.node.upper, *side.node.lower):
                        if isinstance(script.body, f.Number):
                            return int(script.body.value)
        for statement in self.document.statements:
            text = self.document.text[statement.span[0] : statement.span[1]]
            if (
                re.search(r"[zas]\^?\{?[\[(]?\{?\(?l\s*\+\s*1", text)
                and not re.search(r"l\s*-\s*1", text)
                and "delta" not in text
            ):
                return 1
        return 0

    # --- aliases ---
    def _find_aliases(self) -> None:
        r"""`\hat y = a_2`: one quantity under two names, unless both have a formula of their own."""
        formulas = {
            ref.key
            for at, ref, node, layers in self.equations()
            if self.plain(node, self.elaborator_at(layers)) is None
            and not (self.is_general(at) and layer_of(ref.key) == (self.layer_range or (0, 0))[0])
        }
        meanings: dict[str, set[str]] = {}
        for _, ref, node, layers in self.equations():
            other = self.plain(node, self.elaborator_at(layers))
            if other is not None:
                meanings.setdefault(ref.key, set()).add(other.key)
        self.words_as_names = {
            k for k, v in meanings.items() if len(v) > 1 and len(base_of(k)) > 3 and base_of(k) not in GREEK
        }
        for short, base, layer in re.findall(WRITTEN_FOR, self.document.text):
            if short not in formulas:
                self.symbols.alias(short, f"{self.symbols.folds.get(base, base)}[{layer}]")
        said = re.search(RATE_WORDS, self.document.text, re.IGNORECASE)
        if said and said[1] not in HYPER_BASES | set(self.symbols.layered) and not self.symbols.bare.get("eta"):
            self.symbols.alias(said[1], "eta")
        for _, ref, node, layers in list(self.equations()):
            other = self.plain(node, self.elaborator_at(layers))
            if (
                other is None
                or isinstance(f.without_brackets(node), f.Number)
                or generic_call(self, node, layers) is not None
            ):
                continue
            if ref.key == other.key or _is_hyper(ref) or _is_hyper(other) or ref.key in self.words_as_names:
                continue
            if (
                any(w in ref.mark or w in other.mark for w in ("new", "old", "t", "next"))
                or other.key in self.symbols.sizes
            ):
                continue
            if ref.base in DERIVED or other.base in DERIVED or ref.base.startswith("d") or other.base.startswith("d"):
                continue
            if bars_are_derivatives(self) and "^bar" in ref.key and "^bar" in other.key:
                continue
            if ref.key in formulas and other.key in formulas:
                continue
            one, two = self.symbols.canonical(ref.key), self.symbols.canonical(other.key)
            keep, drop = (one, two) if one in formulas else (two, one)
            if keep != drop and not (one in formulas and two in formulas):
                self.symbols.alias(drop, keep)

    def _find_steps(self) -> None:
        r"""`\Delta w`: one step of gradient descent, with the rate that the document has."""
        # the letters of sums, as patterns mu, are none
        counted = {x for n in self.document.of_kind(f.BigSum) for x in n.letters}
        no_rates = counted | {d.key for d in self.definitions}
        rates = [k for k in self.used if base_of(k) in HYPER_BASES and k not in no_rates]
        gathers = re.search(
            r"Delta[^=\n]{0,20}(?::?=|\\leftarrow|←)\s*\\?Delta", self.document.text
        )  # sample after sample
        zeroed = gathers and re.search(r"Delta\s*\S+\s*(?::=|=|\\leftarrow)\s*0(?![.,\d{])", self.document.text)
        if self.loss is not None and rates and not zeroed:
            self.elaborator.step_rate = max(rates, key=lambda k: (base_of(k) not in SELDOM_RATES, self.used[k]))
            self.elaborator.step_sign = self._sign_before_rate(self.elaborator.step_rate)

    def _sign_before_rate(self, rate: str) -> int:
        r"""-1 for the `\Delta w` of `w + \eta \Delta w`, 1 for that of `w - \eta \Delta w`, 0 where no rate stands before it."""
        for total in self.document.of_kind(f.Sum):
            for sign, term in total.terms:
                names = [n.base if isinstance(n, f.Name) else "" for n in getattr(term, "factors", ())]
                if names[:2] == [rate, "Delta"]:
                    return -sign
        return 0

    # --- shapes and sizes ---
    def shaped(self, single: bool = False) -> Understanding:
        """The understanding with the shapes that its definitions have. single: they are about one sample."""
        sample_letters = letters_of_samples(self)
        if is_one_pattern(self, sample_letters):
            drop_samples(self, sample_letters)
            single = True
        strip_samples(self, sample_letters)
        name_parts(self)
        name_layer_functions(self)
        name_arguments(self)
        name_fed(self)
        name_outputs(self)
        definitions: dict[str, Term] = {}
        for definition in self.definitions:
            definitions.setdefault(definition.key, definition.term)
        self.elaborator.per_sample = frozenset(
            d.key for d in self.definitions if isinstance(d.term, Gathered) and set(d.term.indices) <= sample_letters
        )
        batch = is_batch(self, definitions, sample_letters) and not single
        self.batch, self.sample_letters = self.batch or batch, sample_letters
        scalars = is_scalar_document(self)
        lower = vectors_by_letter(self) if not batch or sample_letters else set()
        lower -= into_softmax(definitions)  # theta x of a softmax is no number
        lower -= {key for key, term in definitions.items() if isinstance(term, Softmax)}  # nor is its beta^T beta
        definitions = {k: as_dot_products(t, lower) for k, t in definitions.items()}
        self.definitions = [replace(d, term=as_dot_products(d.term, lower)) for d in self.definitions]
        again = tuple((d.key, d.term) for d in self.definitions if definitions[d.key] is not d.term)
        vectors = (single_indexed(self) | self.vectors) - into_softmax(definitions)
        vectors |= weights_of_designs(self, definitions)
        entries = entries_of_samples(self, sample_letters)
        entries |= {fed for key, fed in self.fed.items() if key in entries}
        stated = {key: len(sizes) for key, sizes in stated_sizes(self, None)}
        shapes = ShapeInference(
            definitions, sample_letters, batch, scalars, again=again, single_indexed=vectors, with_samples=entries,
            stated=stated,
        )  # fmt: skip
        if self.rows_of_units & {"x", "X", "h", "a", "phi"}:
            shapes.layout = "rows"  # s_{nk} = w_k^T x_n
        elif sample_letters and not self.rows_of_units and stand_first(self, sample_letters):
            shapes.layout = "rows"
        numbers = [*given_as_numbers(self, definitions), *said_to_be_numbers(self, definitions)]
        shapes.infer([*numbers, *loss_as_product(self, definitions)])
        for key in lower & set(shapes.shapes):
            shapes.dims.unify(shapes.shapes[key][1], SCALAR_DIM)
        if batch and sample_letters and not scalars and is_scalar_document(self, sample_letters):
            for dim in {shapes.dims.root(d) for shape in shapes.shapes.values() for d in shape} - {"#n"}:
                shapes.dims.unify(dim, SCALAR_DIM)
        for dim in stated_ones(stated_sizes(self, shapes.layout), shapes.resolved):
            shapes.dims.unify(dim, SCALAR_DIM)
        for dim in given_ones(self, shapes.resolved):
            shapes.dims.unify(dim, SCALAR_DIM)
        return self._sized(definitions, shapes, sample_letters, batch, scalars)

    def _sized(
        self,
        definitions: dict[str, Term],
        shapes: ShapeInference,
        sample_letters: frozenset[str],
        batch: bool,
        scalars: bool,
    ) -> Understanding:
        keys = set(definitions) | {r.key for t in definitions.values() for r in references_in(t)} | set(self.used)
        keys -= {"ones", "identity", "#index"}
        layout = shapes.layout or "columns"
        resolved: dict[str, tuple[str, str]] = {}
        indexed = {
            r.key
            for t in definitions.values()
            for r in references_in(t)
            if any(isinstance(i, str) for i in indices_of(r))
        }
        for key in sorted(keys):
            is_rate = (
                base_of(key) in HYPER_BASES - self.derived_by - {self.elaborator.parameter}
                and key not in definitions
                and layer_of(key) is None
                and key not in indexed
            )
            if is_rate or key == self.loss:
                resolved[key] = (SCALAR_DIM, SCALAR_DIM)
                continue
            shape = shapes.resolved(key)
            if shape is None:
                shape = (SCALAR_DIM, SCALAR_DIM) if scalars else None
            if shape is not None:
                resolved[key] = shape
        self._free_targets(resolved, shapes)
        sizes = self._assign_sizes(resolved, batch)
        counted = {dim for dim, _ in self._counted(resolved)} | {dim for dim in sizes if dim.isdigit()}
        for key, count in self.entry_counts.items():  # a formula that names each entry is about so many
            fixed = {d: count for d in resolved.get(key, ())[:1] if d not in (SCALAR_DIM, "#n")}
            sizes.update(fixed)
            counted |= fixed.keys()
        for short, long in shapes.longer.values():
            sizes[shapes.dims.root(long)] = sizes.get(shapes.dims.root(short), 1) + 1
        latest = {**definitions, **{d.key: d.term for d in self.definitions}}  # a second question may change the loss
        of_versions = [
            special_data(self, version)
            for version in ([definitions, latest] if latest != definitions else [definitions])
        ]
        shares, positive = (frozenset[str]().union(*found) for found in zip(*of_versions, strict=True))
        axes = Axes(layout, sample_letters, batch)
        return Understanding(
            document=self.document, symbols=self.symbols, elaborator=self.elaborator, definitions=self.definitions, numbers=self.numbers,
            loss=self.loss, shapes=resolved, sizes=sizes, counted_sizes=frozenset(counted), axes=axes, scalars=scalars,
            shares=shares, positive=positive,
            layer_range=self.layer_range, restated=self.restated, generic=self.generic, directions=self.directions,
            weights=tuple(shapes.weights), biases=tuple(shapes.biases), strict=is_strict(self), signs=labels_of(self, [-1, 1]),
            bits=labels_of(self, [0, 1]),
        )  # fmt: skip

    def _free_targets(self, resolved: dict[str, tuple[str, str]], shapes: ShapeInference) -> None:
        """A single sample in a column or row: an axis that nothing tells apart from one is one."""
        for key, (a, b) in resolved.items():
            resolved[key] = (shapes.dims.root(a), shapes.dims.root(b))

    def _assign_sizes(self, resolved: dict[str, tuple[str, str]], batch: bool) -> dict[str, int]:
        sizes = {SCALAR_DIM: 1, "#n": SAMPLES}
        pool = itertools.chain(SIZES, itertools.cycle(MORE_SIZES))
        for shape in resolved.values():
            for dim in shape:
                if dim not in sizes and not dim.isdigit():
                    sizes[dim] = next(pool)
                elif dim.isdigit() and dim not in sizes:
                    sizes[dim] = int(dim)
        for dim, size in self._counted(resolved):
            if dim in sizes and not dim.isdigit() and dim != "#n":
                sizes[dim] = size
        for name in self.symbols.sizes:
            sizes.setdefault(name, SAMPLES if batch and name in SAMPLE_SIZES else 7)
        return sizes

    def _counted(self, resolved: dict[str, tuple[str, str]]) -> Iterator[tuple[str, int]]:
        r"""(size, number) of `\sum_{k=1}^{2} e_k`: as many as are counted."""
        for statement in self.document.statements:
            for node in (n for side in statement.sides for n in f.walk(side.node)):
                if (
                    not isinstance(node, f.BigSum)
                    or not isinstance(node.end, f.Number)
                    or not isinstance(node.start, f.Number)
                ):
                    continue
                letters = node.letters
                for inner in f.walk(node.body):
                    reference = self.closed(inner) if isinstance(inner, f.Scripted) else None
                    if reference is None or len(letters) != 1 or node.start.value != 1 or node.end.value > MOST_COUNTED:
                        continue
                    shape = resolved.get(self.symbols.canonical(reference.key))
                    if shape is not None and letters[0] in reference.indices:
                        at = reference.indices.index(letters[0])
                        axes = [d for d in shape if d != SCALAR_DIM] if len(reference.indices) == 1 else list(shape)
                        if len(axes) > at and (len(reference.indices) == 2 or len(axes) == 1):
                            yield axes[at], int(node.end.value)


def _is_hyper(reference: Reference) -> bool:
    r"""Whether a letter is one of rates and penalties: beta, but not the `\beta^3` of a layer."""
    return reference.base in HYPER_BASES and layer_of(reference.key) is None
