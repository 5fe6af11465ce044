"""Shapes of a document's quantities, from its forward equations: who is the weight, which way samples run, what must agree."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from symderiv.homework.understanding.terms import (
    Add,
    Apply,
    Augmented,
    Compare,
    Const,
    Diagonal,
    Gathered,
    Jacobian,
    Kronecker,
    Over,
    Part,
    Power,
    SizeOf,
    Sloppy,
    Softmax,
    Stack,
    SumOver,
    Term,
    Times,
    Transpose,
    everything_in,
    is_ones,
    parts_of,
    references_in,
)  # fmt: skip

SCALAR_DIM = "1"
ELEMENTWISE_MARKS = {"odot", "circ", ".*"}
INPUTS = frozenset({"x", "X"})  # added to what comes out of a block, they are no bias: a way around it
WEIGHT_BASES = frozenset({"W", "w", "V", "U", "theta", "Theta", "A", "M", "omega", "Omega", "v", "u", "k", "K", "B"})
RATES = frozenset({"lambda", "lam", "eta", "lr"})  # numbers wherever nothing defines them
LABELS = frozenset({"y", "t"})
DATA_BASES = frozenset({"x", "X", "a", "A", "h", "H", "z", "Z", "o", "phi", "input", "beta", "s", "y"})


@dataclass
class Dims:
    """Named sizes that may turn out to be the same one."""

    parent: dict[str, str] = field(default_factory=dict)
    count: int = 0
    clashes: list[tuple[str, str]] = field(default_factory=list)

    def new(self) -> str:
        """A size nobody has named yet."""
        self.count += 1
        return f"?{self.count}"

    def root(self, dim: str) -> str:
        """The size that stands for all that are equal to it."""
        while dim in self.parent:
            dim = self.parent[dim]
        return dim

    def unify(self, a: str, b: str) -> bool:
        """Two sizes are the same. False where that contradicts: two numbers that differ."""
        a, b = self.root(a), self.root(b)
        if a == b:
            return True
        if a.isdigit() and b.isdigit():
            self.clashes.append((a, b))
            return False
        if a.isdigit() or (b.startswith("?") and not b.isdigit()):
            a, b = b, a
        # a named or numeric size stands for an anonymous one
        if not a.startswith("?") and b.startswith("?"):
            a, b = b, a
        self.parent[a] = b
        return True


Shape = tuple[str, str]


def base_of(key: str) -> str:
    """The letter of a key."""
    for stop in "^[{(":
        key = key.split(stop)[0]
    return key


@dataclass
class ShapeInference:
    """Unifies shapes over definitions.

    layout: 'columns' or 'rows' once an equation says so. scalars: the whole document is about single numbers.
    """

    defined: Mapping[str, Term]
    sample_letters: frozenset[str] = frozenset()
    batch: bool = False
    scalars: bool = False
    layout: str | None = None
    dims: Dims = field(default_factory=Dims)
    shapes: dict[str, Shape] = field(default_factory=dict)
    evidence: dict[str, str] = field(default_factory=dict)
    letters: dict[str, str] = field(default_factory=dict)
    longer: dict[tuple[Term, str], tuple[str, str]] = field(default_factory=dict)  # a size, and the size one more
    weights: list[str] = field(default_factory=list)
    biases: list[str] = field(default_factory=list)
    again: tuple[tuple[str, Term], ...] = ()  # further formulas, of other sections: they count for what is new in them
    single_indexed: frozenset[str] = frozenset()  # weights that only ever carry one index: vectors
    stated: Mapping[str, int] = field(default_factory=dict)  # how many sizes the document says that a quantity has
    with_samples: frozenset[str] = frozenset()  # what is written with a sample letter beside that of its units: `x_i^n`

    # --- the whole ---
    def infer(self, single: Iterable[str]) -> None:
        """Run over all definitions until nothing changes. single: what is a single number."""
        for key in (*single, *self._scales()):
            self._unify(self.shape(key), (SCALAR_DIM, SCALAR_DIM))
        for key, term in self.defined.items():
            self._vote(key, term)
        for _ in range(3):
            for key, term in self.defined.items():
                self.letters = {}
                self._equate(key, term)
            self._agree_on_longer()
        for key, term in self.defined.items():
            if isinstance(term, Softmax) and not self.batch and self._is_open(key):  # the softmax of one vector
                self.dims.unify(self.shape(key)[0 if self.layout == "rows" else 1], SCALAR_DIM)
        for key, term in self.again:
            if any(r.key not in self.shapes for r in references_in(term)):
                self.letters = {}
                self._equate(key, term)

    def _scales(self) -> list[str]:
        """The T of `softmax(z / T)`: given, and nothing but divided by."""
        below: dict[str, int] = {}
        for part in (p for term in self.defined.values() for p in everything_in(term)):
            if isinstance(part, Over) and isinstance(part.right, Part) and not part.right.indices:
                below[part.right.key] = below.get(part.right.key, 0) + 1
        met = Counter(r.key for term in self.defined.values() for r in references_in(term))
        return [k for k, count in below.items() if met[k] == count and k not in self.defined and k not in self.stated]

    def _agree_on_longer(self) -> None:
        """What is one less than the same size is of one size."""
        for (short, long), (other, longer) in itertools.combinations(self.longer.values(), 2):
            if self.dims.root(long) == self.dims.root(longer):
                self.dims.unify(short, other)
            elif self.dims.root(short) == self.dims.root(other):
                self.dims.unify(long, longer)

    @property
    def every_index_written(self) -> bool:
        """`s_{nj} = ..`: samples have an index like everything else, so a quantity with one index is a vector."""
        return any(isinstance(t, Gathered) and len(t.indices) == 2 for t in self.defined.values())

    @property
    def samples(self) -> str:
        """The size of the samples axis."""
        return "#n" if self.batch else SCALAR_DIM

    def _vote(self, key: str, term: Term) -> None:
        linear = self.linear(term)
        if linear is None or self.layout is not None:
            return
        weight, other, first, transposed = linear
        del weight, other, transposed
        self.layout = "columns" if first else "rows"

    def shape(self, key: str) -> Shape:
        """The shape of a quantity, new names where nothing is known."""
        if key not in self.shapes:
            if self.scalars or (key in RATES and key not in self.defined):
                self.shapes[key] = (SCALAR_DIM, SCALAR_DIM)
            else:
                self.shapes[key] = (self.dims.new(), self.dims.new())
        return self.shapes[key]

    def _is_open(self, key: str) -> bool:
        """Whether nothing is known of a shape yet."""
        return all(self.dims.root(d).startswith("?") for d in self.shape(key))

    def _has_open_side(self, key: str) -> bool:
        return any(self.dims.root(d).startswith("?") for d in self.shape(key))

    def resolved(self, key: str) -> Shape | None:
        """The shape with sizes that stand for themselves; None if nothing says what it is."""
        if key not in self.shapes:
            return None
        a, b = self.shapes[key]
        return self.dims.root(a), self.dims.root(b)

    # --- linear equations ---
    def linear(self, term: Term) -> tuple[str, Term, bool, bool] | None:
        """(weight, input, weight first, weight transposed) of `W x + b` in any order, perhaps inside an activation; else None."""
        term = _inside(term)
        terms = term.terms if isinstance(term, Add) else ((1, term),)
        if self._is_written_out(terms):
            return None
        for _, part in terms:
            found = self._linear_product(part)
            if found is not None:
                return found
        return None

    @staticmethod
    def _is_written_out(terms: tuple[tuple[int, Term], ...]) -> bool:
        """`w_11 x_1 + w_21 x_2`: a sum over entries."""
        products = [t for _, t in terms if isinstance(t, Sloppy)]
        return any(
            isinstance(f, Part) and any(isinstance(i, int) for i in f.indices) for p in products for f in p.factors
        )

    def _linear_product(self, part: Term) -> tuple[str, Term, bool, bool] | None:
        if not isinstance(part, Sloppy) or any(m in ELEMENTWISE_MARKS or m == "#" for m in part.marks):
            return None
        factors = [f for f in part.factors if not isinstance(f, (Const, SizeOf))]
        if len(factors) != 2:
            return None
        left, right = factors
        a, b = _plain(left), _plain(right)
        if (a is None and b is None) or ({a, b} & RATES) - set(self.defined):
            return None  # lambda w^T w is a number times another
        if any(isinstance(_bare(f), (Jacobian, Add)) for f in (left, right)) and (a is None or b is None):
            return None
        first = self._is_weight(a, b, right)
        if first is None:
            return None
        weight = a if first else b
        other = right if first else left
        assert weight is not None
        return weight, other, first, isinstance(left if first else right, Transpose)

    def _is_worked_out(self, key: str) -> bool:
        """Whether a formula gives it; one that only lays parameters side by side, `B = [b; W]`, does not."""
        term = self.defined.get(key)
        if isinstance(term, Stack):
            return not all(isinstance(e, Part) and e.key not in self.defined for row in term.rows for e in row)
        return term is not None

    def _is_weight(self, a: str | None, b: str | None, right: Term) -> bool | None:
        """Whether the left factor is the weight: the one that nothing defines; letters where both are undefined."""
        if a is None:
            return False if b is not None and b not in self.defined else None
        if b is None:
            return True if a not in self.defined else None
        known_a, known_b = self._is_worked_out(a), self._is_worked_out(b)
        if known_a != known_b:
            return known_b
        if known_a:
            return None
        lengths = self.stated.get(a), self.stated.get(b)
        if not self.batch and lengths in ((2, 1), (1, 2)):
            return lengths == (2, 1)  # a matrix by a vector, whatever their letters
        score = (
            (base_of(a) in WEIGHT_BASES)
            - (base_of(b) in WEIGHT_BASES)
            - (base_of(a) in DATA_BASES)
            + (base_of(b) in DATA_BASES)
        )
        if score:
            return score > 0
        if (base_of(a) in ("x", "X")) != (base_of(b) in ("x", "X")):
            return base_of(b) in ("x", "X")  # `x^T beta`
        if base_of(a).isupper() != base_of(b).isupper():
            return base_of(a).isupper()
        return True

    # --- equations ---
    def _equate(self, key: str, term: Term) -> None:
        left = self.shape(key)
        if isinstance(term, Gathered):
            self._part(key, term.indices)
            self.of(term.body)
            return
        linear = None if self.scalars else self.linear(term)
        if linear is not None:
            self._linear_shapes(left, term, linear)
            return
        if isinstance(term, Add) and self._is_written_out(term.terms):
            for part in (p for _, t in term.terms for p in ([t] if isinstance(t, Part) else parts_of(t))):
                if isinstance(part, Part) and not part.indices:
                    self._unify(self.shape(part.key), (SCALAR_DIM, SCALAR_DIM))
            for _, product in term.terms:
                match product:
                    case Sloppy((Part(one, (int(),) as at), Part(other, (int(),) as too)), _) if at == too:
                        self._unify(self.shape(one), self.shape(other))  # v_1 h_1 + v_2 h_2
            self._unify(left, (SCALAR_DIM, SCALAR_DIM))
            return
        if self._is_inner(term):
            self._inner(left, term)
            return
        right = self.of(term)
        if right is not None:
            self._unify(left, right)

    def _is_inner(self, term: Term) -> bool:
        r"""`\sum_j w_j x_j + b`: every index is summed, so it is a number for each sample."""
        terms = [t for _, t in term.terms] if isinstance(term, Add) else [term]
        sums = [t for t in terms if isinstance(t, SumOver) and t.along.startswith("letter:")]
        bound = [p for t in sums for p in (t.body.factors if isinstance(t.body, Sloppy) else ())]
        letters = {t.along.removeprefix("letter:") for t in sums}
        return (
            len(sums) == 1
            and len(bound) == 2
            and all(isinstance(p, Part) and len(p.indices) == 1 and set(p.indices) <= letters for p in bound)
            and all(isinstance(t, (SumOver, Part)) for t in terms)
        )

    def _inner(self, left: Shape, term: Term) -> None:
        in_columns = self.layout != "rows"
        self._unify(left, (SCALAR_DIM, self.samples) if in_columns else (self.samples, SCALAR_DIM))
        terms = [t for _, t in term.terms] if isinstance(term, Add) else [term]
        for part in terms:
            if isinstance(part, Part) and not part.indices and part.key not in self.defined:
                self._unify(self.shape(part.key), (SCALAR_DIM, SCALAR_DIM))
        product = next(t.body for t in terms if isinstance(t, SumOver))
        if not self.batch:
            self.of(product)
            return
        keys = [p.key for p in parts_of(product) if isinstance(p, Part)]
        weights = [k for k in keys if base_of(k) in WEIGHT_BASES and base_of(k) not in DATA_BASES]
        made = [k for k in keys if k in self.defined or k in self.with_samples]
        weights = weights or [k for k in keys if len(made) == 1 and k not in made]  # the a of `sum_j a_j h_{ij}`
        weights = weights or [k for k in keys if base_of(k) not in ("x", "X")]  # beta of a regression
        data = [k for k in keys if k not in weights]
        if len(weights) == len(data) == 1:
            self.dims.unify(self.shape(weights[0])[1], SCALAR_DIM)
            units, samples = self.shape(data[0]) if in_columns else self.shape(data[0])[::-1]
            self.dims.unify(self.shape(weights[0])[0], units)
            self.dims.unify(samples, self.samples)

    def _linear_shapes(self, out: Shape, term: Term, linear: tuple[str, Term, bool, bool]) -> None:
        weight, _, first, _ = linear
        if not self._linear_shape(out, linear):
            return
        unit, sample = out if first else out[::-1]
        self.dims.unify(sample, self.samples)
        if weight in self.single_indexed:
            self.dims.unify(unit, SCALAR_DIM)
        term = _inside(term)
        terms = term.terms if isinstance(term, Add) else ((1, term),)
        for sign, whole in terms:
            part = _without_ones(whole)
            bias = _plain(part)
            if sign < 0 and bias is not None:  # the target of a residual
                self._residual(part, out)
                continue
            if part is not whole and isinstance(part, Transpose) and bias is not None and bias not in self.defined:
                self._unify(self.shape(bias), (SCALAR_DIM, unit) if first else (unit, SCALAR_DIM))  # 1 b^T
                continue
            if bias is None or bias in self.defined or isinstance(part, Transpose) or base_of(bias) in INPUTS:
                again = self._linear_product(part)
                if again is not None and again != linear:  # V h + W x: an input past the layer
                    self._linear_shape(out, again)
                else:
                    self._residual(part, out)
                continue
            if bias not in self.biases:
                self.biases.append(bias)
            self._unify(self.shape(bias), (unit, SCALAR_DIM) if first else (SCALAR_DIM, unit))

    def _linear_shape(self, out: Shape, linear: tuple[str, Term, bool, bool]) -> bool:
        """A product of a weight and its input has the shape of what it gives; whether the input has one."""
        weight, other, first, transposed = linear
        w = self.shape(weight)
        if transposed:
            w = (w[1], w[0])
        x = self.of(other)
        if weight not in self.weights:
            self.weights.append(weight)
        if x is None:
            return False
        if first:
            self.dims.unify(w[1], x[0])
            self._unify(out, (w[0], x[1]))
        else:
            self.dims.unify(x[1], w[0])
            self._unify(out, (x[0], w[1]))
        return True

    def _residual(self, part: Term, out: Shape) -> None:
        forms = [p for p in everything_in(part) if isinstance(p, Sloppy) and self._is_form(list(p.factors), p.marks)]
        shape = self.of(part) if forms or not isinstance(part, Sloppy) else None
        if shape is not None and not self._is_scalar(shape):
            self._unify(out, shape)

    def _unify(self, a: Shape, b: Shape) -> None:
        self.dims.unify(a[0], b[0])
        self.dims.unify(a[1], b[1])

    def _is_scalar(self, shape: Shape) -> bool:
        return self.dims.root(shape[0]) == self.dims.root(shape[1]) == SCALAR_DIM

    # --- the shape of a term ---
    def of(self, term: Term) -> Shape | None:
        """The shape of a term, unifying on the way; None where it cannot be told yet."""
        match term:
            case Const() | SizeOf() | Kronecker():
                return SCALAR_DIM, SCALAR_DIM
            case Part(key, indices):
                if key in ("ones", "identity"):
                    return None
                return self._part(key, indices)
            case Transpose(body):
                shape = self.of(body)
                return None if shape is None else (shape[1], shape[0])
            case Apply(_, _, body) | Softmax(body, _):
                return self.of(body)
            case Add(terms):
                if (layer := self._layer(term)) is not None:
                    return layer
                self._difference(terms)
                return self._joint([part for _, part in terms])
            case Over(Const(), below) if (scale := self._lone(below)) is not None:
                self._unify(self.shape(scale), (SCALAR_DIM, SCALAR_DIM))
                return SCALAR_DIM, SCALAR_DIM
            case Times(left, right) | Over(left, right):
                return self._joint([left, right])
            case Compare(left, _, right):
                return self._joint([left, right])
            case Power(base, exponent):
                self.of(exponent)
                return self.of(base)
            case SumOver(along, body):
                return self._summed(along, self.of(body))
            case Sloppy():
                return self._sloppy(term)
            case Stack((((Part(_, ()) as one), (Part(_, ()) as other)),)) if (thin := _thin(one, other)) is not None:
                return self._beside_bias(thin, other if thin is one else one, "columns")
            case Stack((((Part(_, ()) as one),), ((Part(_, ()) as other),))) if (thin := _thin(one, other)) is not None:
                return self._beside_bias(thin, other if thin is one else one, "rows")
            case Stack(rows):
                for row in rows:
                    for entry in row:
                        self.of(entry)
                return str(len(rows)), str(len(rows[0]))
            case Augmented(body, along):
                return self._longer(body, along)
            case Diagonal(body):
                shape = self.of(body)
                return None if shape is None else (shape[0], shape[0])
            case Jacobian(top, bottom):
                self.of(top)
                return self._part(bottom.key, bottom.indices if isinstance(bottom, Part) else ())
        for part in parts_of(term):
            self.of(part)
        return None

    def _lone(self, below: Term) -> str | None:
        """The q of `1/q`, `1/(2q^2)`, of which nothing is known."""
        factors = [f for f in below.factors if not isinstance(f, Const)] if isinstance(below, Sloppy) else [below]
        match [f.base if isinstance(f, Power) else f for f in factors]:
            case [Part(key, ())] if key not in self.defined and self._is_open(key):
                return key
        return None

    def _longer(self, body: Term, along: str) -> Shape | None:
        """A size of its own for the axis with a 1 put to it; the caller of `infer` makes it one more."""
        shape = self.of(body)
        if shape is None:
            return None
        axis = 0 if along == "rows" else 1
        _, longer = self.longer.setdefault((body, along), (shape[axis], self.dims.new()))
        return (longer, shape[1]) if along == "rows" else (shape[0], longer)

    def _beside_bias(self, bias: Part, weights: Part, along: str) -> Shape | None:
        """`[b; W]`: one row more than the weights have."""
        axis = 0 if along == "rows" else 1
        thin, thick = self.shape(bias.key), self.shape(weights.key)
        self.dims.unify(thin[axis], SCALAR_DIM)
        self.dims.unify(thin[1 - axis], thick[1 - axis])
        return self._longer(weights, along)

    def _summed(self, along: str, shape: Shape | None) -> Shape | None:
        if shape is None:
            return None
        if along == "rows":
            return SCALAR_DIM, shape[1]
        if along == "columns":
            return shape[0], SCALAR_DIM
        if along in ("all", "formal"):
            return SCALAR_DIM, SCALAR_DIM
        if along.removeprefix("letter:") in self.sample_letters:  # the mean of the x_i
            return tuple(SCALAR_DIM if self.dims.root(d) == "#n" else d for d in shape)  # type: ignore[return-value]
        return shape

    def _part(self, key: str, indices: tuple[str | int | None, ...]) -> Shape:
        shape = self.shape(key)
        if not indices:
            return shape
        if (
            len(indices) == 2 and indices[1] is None and isinstance(indices[0], str)
        ):  # a row of the weights, of the data
            self.dims.unify(self._counted(indices[0]), shape[0])
            return SCALAR_DIM, shape[1]
        axes = [d for d in shape if self.dims.root(d) != SCALAR_DIM]
        letters = [i for i in indices if isinstance(i, str) and i not in self.sample_letters]
        if len(indices) == 2 and all(isinstance(i, str) for i in indices):
            for letter, dim in zip(indices, shape, strict=True):
                assert isinstance(letter, str)
                self.dims.unify(self._counted(letter), dim)
            return SCALAR_DIM, SCALAR_DIM
        if len(indices) == 1 and len(letters) == 1:
            beside_samples = self.every_index_written and key not in self.defined and key in self.single_indexed
            open_axes = all(self.dims.root(d).startswith("?") for d in axes)
            beside_samples = beside_samples or (bool(self.with_samples) and key in self.single_indexed)
            lone, kept = (1, 0) if self.layout != "rows" else (0, 1)
            if len(axes) == 2 and open_axes and (not self.batch or beside_samples):
                self.dims.unify(shape[lone], SCALAR_DIM)
                axes = [shape[kept]]
            elif len(axes) == 2 and self.batch and key in self.with_samples:
                self.dims.unify(shape[lone], self.samples)
                axes = [shape[kept]]
            axis = axes[0] if len(axes) == 1 else None
            if axis is not None:
                self.dims.unify(self.letters.setdefault(letters[0], self.dims.new()), axis)
            return SCALAR_DIM, SCALAR_DIM
        return SCALAR_DIM, SCALAR_DIM

    def _counted(self, letter: str) -> str:
        """Over how many a letter runs."""
        return self.samples if letter in self.sample_letters else self.letters.setdefault(letter, self.dims.new())

    def _joint(self, parts: list[Term]) -> Shape | None:
        """Sums and entrywise products: what is no scalar and no bias has one shape."""
        found: Shape | None = None
        self._same_indices(parts)
        scalar_quantity = any(self._is_scalar_quantity(p) for p in parts)
        for part in parts:
            shape = self.of(part)
            if shape is None or self._is_scalar(shape):
                continue
            if found is None:
                found = shape
            elif not any(self.dims.root(d) == SCALAR_DIM for d in (*shape, *found)) or not self.batch:
                self._unify(found, shape)
        if found is not None and scalar_quantity and all(self.dims.root(d).startswith("?") for d in found):
            self._unify(found, (SCALAR_DIM, SCALAR_DIM))  # a target beside an output that is one number
        return found if found is not None else (SCALAR_DIM, SCALAR_DIM)

    def _difference(self, terms: tuple[tuple[int, Term], ...]) -> None:
        """`h - y` of an output and a target of which nothing is known: they have one shape, a bias would be added."""
        if len(terms) != 2 or terms[0][0] == terms[1][0]:
            return
        parts = [inner for _, part in terms if isinstance(inner := _inside(part), Part) and not inner.indices]
        shapes = [self.shape(part.key) for part in parts]
        is_open = [all(self.dims.root(d).startswith("?") for d in shape) for shape in shapes]
        if sorted(is_open) == [False, True] and parts[is_open.index(False)].key in self.defined:
            self._unify(*shapes)

    def _is_scalar_quantity(self, term: Term) -> bool:
        """A defined quantity, or a function of one, that turned out to be a single number; a dot product."""
        if self._is_dot(term):
            return True
        refs = [r for r in references_in(term) if isinstance(r, Part) and not r.indices]
        return (
            bool(refs)
            and any(r.key in self.defined for r in refs)
            and all(self._is_scalar(self.shape(r.key)) for r in refs if r.key in self.defined)
            and not isinstance(term, Sloppy)
        )

    def _is_dot(self, term: Term) -> bool:
        r"""`w^T x` of two vectors, `\sum_j w_j x_j`, `\sigma(w^T x + b)`."""
        match _inside(term):
            case Add(terms):
                return any(self._is_dot(part) for _, part in terms)
            case Sloppy((Transpose(Part(one, ())), Part(other, ())), ("" | "cdot",)):
                (left, lone), (right, single) = self.resolved(one) or ("", ""), self.resolved(other) or ("", "")
                return left == right != SCALAR_DIM == lone == single
            case SumOver(along, Sloppy((Part(), Part()) as factors, _)) if not self.batch:
                return all(
                    part.indices == (along.removeprefix("letter:"),) for part in factors if isinstance(part, Part)
                )
        return False

    def _same_indices(self, parts: Iterable[Term]) -> None:
        """`y_k log p_k`, `y_k - a_k`: quantities with the same indices are of one shape."""
        first: dict[tuple[str | int | None, ...], str] = {}
        for part in parts:
            for leaf in _entries_of(part):
                if leaf.indices and all(isinstance(i, str) for i in leaf.indices):
                    if leaf.indices in first:
                        self._unify(self.shape(first[leaf.indices]), self.shape(leaf.key))
                    else:
                        first[leaf.indices] = leaf.key

    def _sloppy(self, term: Sloppy) -> Shape | None:
        self._same_indices(term.factors)
        if len(term.factors) == 3 and term.marks[1] == "" and self._dot(Sloppy(term.factors[1:], ("",))) is not None:
            term = Sloppy((term.factors[0], Sloppy(term.factors[1:], ("",))), term.marks[:1])  # y w^T x
        shapes = [self.of(f) for f in term.factors]
        if term.marks == ("#",):
            return SCALAR_DIM, SCALAR_DIM
        arrays = [(s, f) for s, f in zip(shapes, term.factors, strict=True) if s is not None and not self._is_scalar(s)]
        rows = [f for f in term.factors if isinstance(_bare(f), Part) and None in _bare(f).indices]  # type: ignore[union-attr]
        if len(term.factors) == 2 and rows and shapes[0] is not None and shapes[1] is not None:
            self.dims.unify(shapes[0][1], shapes[1][0])
            if not self.batch or _plain(term.factors[1]) is not None:  # not the column `x_n` of all samples
                self.dims.unify(shapes[1][1], self.samples)
            return shapes[0][0], shapes[1][1]
        if not arrays:
            return SCALAR_DIM, SCALAR_DIM
        is_elementwise = all(m in ELEMENTWISE_MARKS for m in term.marks)
        is_label = any(base_of(_plain(f) or "") in LABELS for _, f in arrays)
        if (
            len(arrays) == 1
            and any(
                self._is_scalar_quantity(f) if is_elementwise else is_label and self._is_dot(f) for f in term.factors
            )
        ) and all(self.dims.root(d).startswith("?") for d in arrays[0][0]):
            self._unify(arrays[0][0], (SCALAR_DIM, SCALAR_DIM))
        if len(arrays) == 1:
            return arrays[0][0]
        if all(m in ELEMENTWISE_MARKS for m in term.marks):
            for shape, _ in arrays[1:]:
                self._unify(arrays[0][0], shape)
            return arrays[0][0]
        for at, mark in enumerate(term.marks):
            one, other = shapes[at], shapes[at + 1]
            if mark not in ELEMENTWISE_MARKS or one is None or other is None:
                continue
            if [all(self.dims.root(d).startswith("?") for d in s) for s in (one, other)].count(True) == 1:
                self._unify(one, other)  # m in `m ⊙ h`
        if any(isinstance(_bare(f), Apply) for _, f in arrays) or any(m in ELEMENTWISE_MARKS for m in term.marks):
            return arrays[0][0]
        is_form = self._is_form([f for _, f in arrays], term.marks)
        if len(arrays) > 2 and (is_form or self._is_matrix_chain(term)):
            for (left, _), (right, _) in itertools.pairwise(arrays):
                self.dims.unify(left[1], right[0])
            if is_form:
                self.dims.unify(arrays[0][0][0], SCALAR_DIM)
                self.dims.unify(arrays[-1][0][1], SCALAR_DIM)
            return arrays[0][0][0], arrays[-1][0][1]
        return self._dot(term) or self._layer(term)

    def _layer(self, term: Sloppy | Add) -> Shape | None:
        """`X v + b` inside a formula, of which nothing is known: a layer, whose letters say which is the weight."""
        for part in [t for _, t in term.terms] if isinstance(term, Add) else [term]:
            linear = None if self.scalars else self._linear_product(part)
            keys = [_plain(f) for f in parts_of(part)] if linear is not None else []
            new = [k for k in keys if k is not None and k not in self.defined and self._has_open_side(k)]
            if linear is None or len(new) < 2 or len(new) < len(keys) or not any(base_of(k).isupper() for k in new):
                continue
            out = self.dims.new(), self.dims.new()
            self._linear_shapes(out, term, linear)
            return out
        return None

    def _dot(self, term: Sloppy) -> Shape | None:
        r"""`u^T v` of two small letters of which nothing is known, inside a formula: columns of one length."""
        match term.factors:
            case (Transpose(Part(one, ())), Part(other, ())) if term.marks == ("",) and one != other:
                of_samples = self.batch and {base_of(one), base_of(other)} & (DATA_BASES | set(self.defined))
                if base_of(one).islower() and base_of(other).islower() and self._is_open(one) and not of_samples:
                    self._unify(self.shape(one), self.shape(other))
                    self.dims.unify(self.shape(one)[1], SCALAR_DIM)
                    return SCALAR_DIM, SCALAR_DIM
        return None

    @staticmethod
    def _is_matrix_chain(term: Sloppy) -> bool:
        """`A_3 A_2 A_1 x`: matrices by their letters, and one thing that they are applied to."""
        keys = [_plain(f) for f in term.factors if not isinstance(f, (Const, SizeOf))]
        weights = [k for k in keys if k is not None and base_of(k) in WEIGHT_BASES]
        return None not in keys and len(weights) >= len(keys) - 1

    @staticmethod
    def _is_form(factors: list[Term], marks: tuple[str, ...]) -> bool:
        """`x^T A x`, `b^T A x`, `x^T A^T A x`: matrices between two vectors, by their letters."""
        match factors:
            case [Transpose(Part(left, ())), _, *_, Part(right, ())] if not any(marks):
                are_matrices = all(base_of(_plain(matrix) or "").isupper() for matrix in factors[1:-1])
                return base_of(left).islower() and base_of(right).islower() and are_matrices
        return False


def _thin(one: Part, other: Part) -> Part | None:
    """The bias of `[b; W]`, `[beta_0; B]`, `[w_0; w]`, by the letters; None if they do not tell."""
    small = [base_of(p.key).islower() for p in (one, other)]
    biases = ["[0]" in p.key or base_of(p.key) in ("b", "c") for p in (one, other)]
    told = next((which for which in (biases, small) if which[0] != which[1]), None)
    return None if told is None else one if told[0] else other


def _inside(term: Term) -> Term:
    """What an activation is taken of: it has the shape of the result."""
    while isinstance(term, (Apply, Softmax)):
        term = term.body
    return term


def _entries_of(term: Term) -> Iterable[Part]:
    """The indexed quantities that a term is elementwise in."""
    if isinstance(term, Part):
        yield term
    elif isinstance(term, (Apply, Power, Add, Over)):
        for part in parts_of(term):
            yield from _entries_of(part)


def _without_ones(term: Term) -> Term:
    """`b 1^T`: the bias, repeated by a row of ones."""
    if isinstance(term, Sloppy) and len(term.factors) == 2:
        rest = [f for f in term.factors if not is_ones(_bare(f))]
        if len(rest) == 1:
            return rest[0]
    return term


def _bare(term: Term) -> Term:
    while isinstance(term, Transpose):
        term = term.body
    return term


def _plain(term: Term) -> str | None:
    """The key of a factor that is a quantity by itself, perhaps transposed."""
    term = _bare(term)
    return term.key if isinstance(term, Part) and not term.indices else None
