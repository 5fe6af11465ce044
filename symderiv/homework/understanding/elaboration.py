"""From a neutral tree to a term: names become quantities, scripts entries or powers, names before groups applications.

Products stay `Sloppy` and indices stay `Part`: which product it is, and which axis an index names, needs shapes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction as Rational
from functools import cache
from itertools import takewhile

from symderiv.homework.reading import formulas as f
from symderiv.homework.reading.plainly import to_text
from symderiv.homework.understanding.arithmetic import FUNCTIONS
from symderiv.homework.understanding.own_slopes import NoSlope, slope_of
from symderiv.homework.understanding.piecewise import PIECEWISE
from symderiv.homework.understanding.rewriting import is_slice
from symderiv.homework.understanding.shapes import DATA_BASES, ELEMENTWISE_MARKS, WEIGHT_BASES, base_of
from symderiv.homework.understanding.symbols import (
    EACH,
    LAYER_LETTERS,
    LOSS_CALLS,
    Reference,
    Symbols,
    key_of,
    name_of,
)
from symderiv.homework.understanding.terms import (
    ENTRIES,
    ONE,
    Add,
    Apply,
    Augmented,
    Compare,
    Const,
    Diagonal,
    Jacobian,
    Kronecker,
    OnesOf,
    Over,
    Part,
    Power,
    Ref,
    Rest,
    SizeOf,
    Sloppy,
    Softmax,
    Stack,
    SumOver,
    Term,
    Times,
    Transpose,
    mapped,
    parts_of,
)  # fmt: skip

PARAMETERS = (WEIGHT_BASES - DATA_BASES) | {"b"}  # not of the samples, so that an index of theirs is one of units
FUNCTION_NAMES = {
    "sigmoid": "sigmoid", "logistic": "sigmoid", "sig": "sigmoid", "expit": "sigmoid", "tanh": "tanh", "tgh": "tanh",
    "relu": "relu", "ReLU": "relu", "Relu": "relu", "RELU": "relu", "exp": "exp", "log": "log", "ln": "log", "sqrt": "sqrt",
    "abs": "abs", "sech": "sech",
    "cosh": "cosh", "sinh": "sinh", "sin": "sin", "cos": "cos", "softplus": "softplus", "identity": "identity", "Sigmoid": "sigmoid",
    "id": "identity", "leakyrelu": "leaky_relu", "LeakyReLU": "leaky_relu", "Tanh": "tanh", "linear": "identity", "square": "square",
    "lrelu": "leaky_relu", "silu": "silu", "SiLU": "silu", "swish": "silu", "Swish": "silu", "elu": "elu", "ELU": "elu",
    "softsign": "softsign",
}  # fmt: skip
SOFTMAX_NAMES = {"softmax", "Softmax", "SoftMax", "softargmax"}


CAPITALS = {
    "Sigma": "sigma",
    "Phi": "phi",
    "F": "f",
    "G": "g",
    "Psi": "psi",
}  # of functions, for the matrices of their slopes
MATLAB = re.compile(r"```\s*(?:matlab|octave)|\w\s?\.[*^]\s?\w[^$\n]*;\s*$", re.IGNORECASE | re.MULTILINE)
PI = Rational("3.14159265358979323846264338327950288419716939937510582")
MOST_LAYERS = 200  # that a sum over layers is written out for


POWERS = ("", "odot", "circ")  # how an exponent is marked: `x^2`, `x^{\\odot 2}`


class NotUnderstood(ValueError):
    """A formula whose meaning is not clear; the reason is for people."""

    def __init__(self, reason: str, span: tuple[int, int] | None = None) -> None:
        super().__init__(reason)
        self.reason, self.span = reason, span


class OpenFunction(NotUnderstood):
    """`f_k = g_k(T)` of all T: which function it is, is left open."""


CHANGE = "d "  # before the key of a quantity: its differential


@dataclass
class Elaborator:
    """Terms for trees.

    layers: values for layer letters in this statement. functions: what a function letter computes, by its key.
    loss: the key of the loss, once known: then `dW` is a derivative. adjoints: what `delta[2]` or `z^bar` stand for.
    bound: values for letters that stand for an argument (in a function's definition).
    """

    symbols: Symbols
    layers: Mapping[str, int] = field(default_factory=dict)
    functions: Mapping[str, str] = field(default_factory=dict)
    loss: str | None = None
    known: frozenset[str] = frozenset()  # keys that are quantities of the document
    adjoints: dict[str, Term] = field(default_factory=dict)
    expanded: Mapping[str, Term] = field(default_factory=dict)
    lefts: frozenset[str] = frozenset()  # keys that stand on a left side
    text: str = ""  # the document
    step_rate: str | None = None  # the learning rate behind `Delta w`
    step_sign: int = 0  # of the gradient that `Delta w` is in `w + eta Delta w`, without the rate
    differentials: bool = False  # dW is a small change of W, not the derivative by it
    bodies: Mapping[str, tuple[str, Term]] = field(
        default_factory=dict
    )  # functions by their own formula: letter and body
    axes: Mapping[str, str] = field(default_factory=dict)  # the K of `Y is N x K`: the columns of Y
    parameter: str | None = None  # the only one of the document
    rows: frozenset[str] = frozenset()  # weights of which `w_k` is the column of all that leads to unit k
    per_sample: frozenset[str] = frozenset()  # losses of one sample: without an index they are summed
    of_one: frozenset[str] = frozenset()  # losses whose formula is that of one sample, and which are indexed elsewhere

    # --- entry ---
    def term(self, node: f.Node) -> Term:
        """The term of a tree.

        Raises: NotUnderstood, LayerOpen.
        """
        method: Callable[[f.Node], Term] = getattr(self, _method_of(type(node).__name__))
        return method(node)

    def settled(self, layers: Mapping[str, int] | None = None) -> Settled:
        """The same, perhaps with other layers, as long as nothing changes."""
        return Settled(**{**self.__dict__, "layers": self.layers if layers is None else layers})

    def reference(self, node: f.Node) -> Reference | None:
        """The quantity a node names, if it is a plain name."""
        return self.symbols.resolve(node, self.layers)

    # --- leaves ---
    def _number(self, node: f.Number) -> Term:
        return Const(node.value)

    def _text(self, node: f.Text) -> Term:
        raise NotUnderstood(f"the words {node.text.strip()!r} inside a formula", node.span)

    def _ellipsis(self, node: f.Ellipsis) -> Term:
        raise NotUnderstood("terms left out with dots", node.span)

    def _unread(self, node: f.Unread) -> Term:
        raise NotUnderstood(node.reason, node.span)

    def _name(self, node: f.Name) -> Term:
        return self._named(node)

    def _named(self, node: f.Name | f.Scripted) -> Term:
        reference = self.reference(node)
        assert reference is not None
        base = reference.base
        if base == "e" and reference.power is not None and (
            reference.key not in self.known or any(isinstance(n, f.Name) for n in f.walk(reference.power))
        ):  # an error e is squared at most  # fmt: skip
            return Apply("exp", 0, self.term(reference.power))
        if base == "e" and reference.key not in self.known and not reference.mark and not reference.indices:
            return Apply("exp", 0, ONE)
        if base == "pi" and reference.key not in self.known:
            return Const(PI)
        is_delta = (base == "delta" and reference.key not in self.lefts) or base == "I"  # I_{kj}
        if is_delta and len(reference.indices) == 2:
            i, j = reference.indices
            if isinstance(i, str) and isinstance(j, str):
                return Kronecker(i, j, "")
            if isinstance(i, str) != isinstance(j, str):
                letter, number = (i, j) if isinstance(i, str) else (j, i)
                return Kronecker(str(letter), str(number), "")
        if base == "ones":
            label = reference.mark or "".join(str(i) for i in reference.indices)
            return OnesOf(label) if label else Part("ones", ())
        if base in ("I", "Id") and reference.key not in self.known:
            return Part("identity", ())
        quantity = self._quantity(reference, node)
        if isinstance(reference.power, f.Name) and reference.power.base == "T" and "T" not in self.known:
            return Transpose(quantity)
        if reference.primes and self.symbols.primes_transpose and not self.is_function(reference):
            quantity = Transpose(quantity)
        return self._powered(quantity, reference.power)

    def _quantity(self, reference: Reference, node: f.Node) -> Term:
        key = reference.key
        if key in self.adjoints:
            own = by_letters(key, letters_of(reference.indices))
            if self.symbols.intercepts and (of_bias := _bias_column(self.adjoints[key], reference.indices)) is not None:
                return of_bias
            return _labelled(self.adjoints.get(own, self.adjoints[key]), reference.indices)
        if reference.primes and not (self.symbols.primes_transpose and not self.is_function(reference)):
            raise NotUnderstood(f"the slope {reference.base}' without its argument", node.span)
        if key in self.symbols.sizes and key not in self.known:
            return SizeOf(key)
        if key in self.axes and not reference.indices:
            return SizeOf(self.axes[key])
        derived = self._derived(reference)
        if derived is not None:
            return derived
        if key + EACH in self.lefts and key not in self.lefts:
            return SumOver("all", Part(key + EACH, ()))  # the loss of all, where only that of each is defined
        row = self._row_of(reference)
        return Part(key, reference.indices) if row is None else row

    def _row(self, key: str, indices: tuple[str | int | None, ...]) -> Part | None:
        """The row of the weights that `w_k` is where nothing else is written."""
        if key in self.rows and len(indices) == 1 and isinstance(indices[0], str):
            return Part(key, (indices[0], None))
        return None

    def _row_of(self, reference: Reference) -> Term | None:
        """`w_k` beside `w_kj`, or where nothing else is written: the weights into unit k, as a column."""
        row = self._row(reference.key, reference.indices)
        if row is not None:
            return Transpose(row)
        if "{" not in reference.key or len(reference.indices) != 1 or reference.key in self.known_families:
            return None
        letter = reference.indices[0]
        for family in self.symbols.families:
            base, letters = family.split("{")
            if base == reference.base and len(letters) == 2 and letters[0] == letter != letters[1]:
                return Transpose(Part(key_of(base, (), "", letters), (letter, None)))
        return None

    @property
    def known_families(self) -> set[str]:
        """Keys of families with one index."""
        return {
            f + "}"
            for f in self.symbols.families
            if len(f.split("{")[1]) == 1 and f.split("{")[0] not in ("w", "W", "v", "V")
        }

    def _derived(self, reference: Reference) -> Term | None:
        """`dW1`: the derivative of the loss by W1."""
        base = reference.base
        if self.loss is None or len(base) < 2 or base[0] != "d":
            return None
        rest = self.symbols.folds.get(base[1:], base[1:])
        accents = _accents_of(reference.key)
        if rest.endswith("hat") and len(rest) == len("hat") + 1:
            rest, accents = self.symbols.folds.get(rest[0], rest[0]), (*accents, "hat")  # dYhat
        key = self.symbols.canonical(key_of(rest, accents, reference.mark))
        if key not in self.known:
            return None
        return self._by(Part(key, reference.indices))

    def _by(self, quantity: Part) -> Term:
        """What a d before a quantity makes of it."""
        if self.differentials:
            return Part(CHANGE + quantity.key, quantity.indices)
        return Jacobian(Part(self.loss or "", ()), quantity)

    def _powered(self, body: Term, power: f.Node | None) -> Term:
        if power is None:
            return body
        return _to_power(body, self.term(power))

    # --- scripts on anything ---
    def _scripted(self, node: f.Scripted) -> Term:
        counted = self._counted(node)
        if counted is not None:
            return counted
        if isinstance(node.base, f.Name):
            return self._named(node)
        if isinstance(node.base, f.Group) and node.base.bracket in ("|", "||"):
            return self._norm(node)
        if isinstance(node.base, f.Number) and node.base.text == "1" and node.lower and not node.upper:
            return OnesOf("".join(to_text(s.body) for s in node.lower))  # 1_n
        body = self.term(node.base)
        indices: list[str | int] = []
        for at, script in enumerate(node.lower):
            inner = script.body
            if is_slice(inner) and isinstance(inner, f.Text):
                along = "first" if len(node.lower) == 1 else ("rows", "columns")[min(at, 1)]
                body = Rest(body, along) if inner.text.strip() != ":" else body
            elif isinstance(inner, f.Name) and inner.base in self.symbols.indices:
                indices.append(inner.base)
            elif isinstance(inner, f.Number) and inner.text.isdigit():
                indices.extend(int(d) for d in inner.text)
            elif isinstance(inner, f.Product):
                for each in inner.factors:
                    if isinstance(each, f.Name):
                        indices.append(each.base)
                    elif isinstance(each, f.Number) and each.text.isdigit():
                        indices.append(int(each.text))
        samples = [
            s.body.base
            for s in node.upper
            if s.bracket in ("(", "[") and isinstance(s.body, f.Name) and s.body.base in self.symbols.indices
        ]  # (\delta^3)^{(i)}
        indices.extend(samples)
        if indices:
            body = _labelled(body, tuple(indices))
        powers = [s.body for s in node.upper if s.bracket in POWERS]
        if len(powers) == 1 and isinstance(powers[0], f.Name) and powers[0].base == "T" and "T" not in self.known:
            return Transpose(body)
        if len(powers) > 1 or len(powers) + len(samples) < len(node.upper):
            raise NotUnderstood("a superscript that is neither a power nor a transpose", node.span)
        if (
            node.primes == 1
            and not powers
            and (self.symbols.primes_transpose or isinstance(node.base, (f.Group, f.Matrix)))
        ):
            return Transpose(body)
        if node.primes:
            raise NotUnderstood("a prime after brackets", node.span)
        return self._powered(body, powers[0] if powers else None)

    def _counted(self, node: f.Scripted) -> Term | None:
        """`Z2.size`: how many entries it has."""
        last = node.lower[-1] if node.lower else None
        if last is None or last.bracket != "." or last.body != f.Name(last.body.span, "size"):
            return None
        reference = self.reference(replace(node, lower=node.lower[:-1]) if node.lower[1:] else node.base)
        return SizeOf(reference.key + ENTRIES) if reference is not None else None

    def _norm(self, node: f.Scripted) -> Term:
        group = node.base
        assert isinstance(group, f.Group)
        if len(group.items) != 1:
            raise NotUnderstood("a norm of several things", node.span)
        body = self.term(group.items[0])
        powers = [s.body for s in node.upper]
        square: Term = SumOver("all", Power(body, Const(Rational(2))))
        for script in node.lower:
            if isinstance(script.body, f.Number) and script.body.value == 1:
                square = Power(SumOver("all", Apply("abs", 0, body)), Const(Rational(2)))
        if len(powers) == 1 and isinstance(powers[0], f.Number) and powers[0].value == 2:
            return square
        return self._powered(Apply("sqrt", 0, square), powers[0] if powers else None)

    def _transposed(self, node: f.Transposed) -> Term:
        is_list = isinstance(node.body, f.Group) and len(node.body.items) > 1
        if isinstance(node.body, f.Number) and node.body.text == "1":
            return Transpose(Part("ones", ()))  # b 1^T
        body = self.term(node.body)
        if is_list and isinstance(node.body, f.Group) and isinstance(node.body.items[-1], f.Transposed):
            return Transpose(with_one(Stack((tuple(self.term(item) for item in node.body.items),))))  # [1, x^T]^T
        return body if is_list else Transpose(body)  # [1, 2]^T: a list lies in the line, so this is a column

    def _group(self, node: f.Group) -> Term:
        if node.bracket == "||":
            return self._norm(f.Scripted(node.span, node))
        if not node.items:
            raise NotUnderstood("nothing between brackets", node.span)
        if len(node.items) != 1:
            return with_one(Stack(tuple((self.term(item),) for item in node.items)))
        body = self.term(node.items[0])
        if node.bracket == "[" and isinstance(body, Sloppy) and body.marks == ("",):
            beside = with_one(Stack((body.factors,)))  # `[1 X]`
            return beside if isinstance(beside, Augmented) else body
        return Apply("abs", 0, body) if node.bracket == "|" else body

    # --- sums and products ---
    def _sum(self, node: f.Sum) -> Term:
        if any(sign == 0 for sign, _ in node.terms):
            raise NotUnderstood("plus or minus", node.span)
        return Add(tuple((sign, self.term(part)) for sign, part in node.terms))

    def _product(self, node: f.Product) -> Term:
        factors: list[Term] = []
        marks: list[str] = []
        at = 0
        while at < len(node.factors):
            factor = node.factors[at]
            after = node.factors[at + 1] if at + 1 < len(node.factors) and node.marks[at] == "" else None
            applied = self._application(factor, after)
            taken = 1
            named = self._derivative_name(
                factor,
                node.factors[at + 1]
                if after is None and at + 1 < len(node.factors) and node.marks[at] == ""
                else after,
            )
            gradient = self._gradient(node.factors[at:], node.marks[at:])
            if gradient is not None:
                applied, taken = gradient
            elif named is not None:
                applied, taken = named, 2
            elif applied is not None:
                taken = 2
            else:
                applied = Part("ones", ()) if self._is_plain_ones(node, at) else self.term(factor)
            last = at + taken - 1
            if taken == 1 and isinstance(factor, f.Derivative) and isinstance(applied, Sloppy):
                factors.extend(applied.factors)  # an operator that took the rest of the product with it
                marks.extend(applied.marks)
            else:
                factors.append(applied)
            if last < len(node.marks):
                marks.append(node.marks[last])
            at += taken
        if self.symbols.star_elementwise:
            marks = ["odot" if m == "*" else m for m in marks]
        first = sum(1 for _ in takewhile(lambda x: isinstance(x, (f.Number, f.Fraction)), node.factors))
        if first < len(factors) - 1:
            factors[first] = _as_first(node.factors[first], factors[first])
            factors[-1] = _as_last(node.factors[-1], factors[-1])
        return factors[0] if len(factors) == 1 else self._divided(factors, marks)

    def _is_plain_ones(self, node: f.Product, at: int) -> bool:
        r"""The 1 of `1 b^T` and `H^T 1`: as a number it would not be written."""
        factor = node.factors[at]
        if not self.symbols.plain_ones or not isinstance(factor, f.Number) or factor.text != "1":
            return False
        if at + 1 < len(node.factors):
            after = node.factors[at + 1]
            return not node.marks[at] and (isinstance(after, f.Transposed) or (at == 0 and self._is_bias(after)))
        return not node.marks[at - 1] and not isinstance(node.factors[at - 1], f.Number)

    def _is_bias(self, node: f.Node) -> bool:
        """The b_1 of `X W_1 + 1 b_1`."""
        name = name_of(node)
        return name is not None and name.base in ("b", "c", "d")

    def _gradient(self, factors: tuple[f.Node, ...], marks: tuple[str, ...]) -> tuple[Term, int] | None:
        r"""`\nabla E(w)`, `\nabla E` where w is the only parameter: the derivative, and how many factors it takes."""
        if self.loss is None or len(factors) < 2 or factors[0] != f.Name(factors[0].span, "nabla") or marks[0]:
            return None
        top = self.reference(factors[1]) if isinstance(factors[1], (f.Name, f.Scripted)) else None
        if top is None or top.key != self.loss:
            return None
        has_argument = len(factors) > 2 and not marks[1] and isinstance(factors[2], f.Group)
        items = factors[2].items if has_argument and isinstance(factors[2], f.Group) else ()
        bottom = self.reference(items[0]) if len(items) == 1 else None
        if bottom is not None and bottom.key in self.known and bottom.power is None:
            return self._by(Part(bottom.key, bottom.indices)), 3
        if self.parameter is None:
            raise NotUnderstood("a gradient by what is not said", factors[0].span)
        return self._by(Part(self.parameter, ())), 3 if has_argument else 2

    def _derivative_name(self, factor: f.Node, after: f.Node | None) -> Term | None:
        r"""`d\hat y`, `d\Theta`: the derivative of the loss by what follows, where d is no quantity of its own."""
        if self.loss is None or after is None:
            return None
        reference = self.reference(after) if isinstance(after, (f.Name, f.Scripted)) else None
        if reference is None or reference.key not in self.known or reference.power is not None:
            return None
        gradient = Jacobian(Part(self.loss, ()), Part(reference.key, reference.indices))
        if (
            isinstance(factor, f.Scripted)
            and isinstance(factor.base, f.Name)
            and factor.base.base == "D"
            and len(factor.lower) == 1
        ):
            below = self.reference(factor.lower[0].body)  # D_x E: the derivative as a row
            if below is not None and below.key in self.known and "D" not in self.known:
                return Transpose(
                    Jacobian(self._top(Part(reference.key, reference.indices)), Part(below.key, below.indices))
                )
        if not isinstance(factor, f.Name):
            return None
        if factor.base == "Delta" and self.step_rate is not None and "Delta" not in self.known:
            return self.step_along(self.step_rate, gradient)
        if factor.base != "d" or "d" in self.known:
            return None
        derived = self._by(Part(reference.key, reference.indices))
        return Transpose(derived) if reference.primes and self.symbols.primes_transpose else derived

    def step_along(self, rate: str, gradient: Term) -> Term:
        r"""What `\Delta w` is: minus the rate times the gradient, or only what a rate is written before."""
        if self.step_sign > 0:
            return gradient
        return Add(((-1, gradient if self.step_sign else Sloppy((Part(rate, ()), gradient), ("",))),))

    def _divided(self, factors: list[Term], marks: list[str]) -> Term:
        """A division in the line takes the product so far, as calculators and NumPy do; by an array, only what is before it."""
        if "/" not in marks:
            return Sloppy(tuple(factors), tuple(marks))
        # what stands to the right of the slash: the next factor (and those written against it without any sign)
        out: list[Term] = [factors[0]]
        signs: list[str] = []
        for at, (mark, factor) in enumerate(zip(marks, factors[1:], strict=True)):
            # by a number it is all the same, but for grouping
            is_number_within = at + 1 < len(marks) and isinstance(factor, (Const, SizeOf))
            is_by_array = (
                isinstance(factor, Sloppy) and bool(set(factor.marks) & ELEMENTWISE_MARKS) and "@" not in marks
            )
            if mark == "/" and (is_number_within or is_by_array):
                out[-1] = Over(out[-1], factor)
            elif mark == "/":
                out = [Over(out[0] if len(out) == 1 else Sloppy(tuple(out), tuple(signs)), factor)]
                signs = []
            else:
                out.append(factor)
                signs.append(mark)
        return out[0] if len(out) == 1 else Sloppy(tuple(out), tuple(signs))

    def _application(self, factor: f.Node, group: f.Node | None) -> Term | None:
        r"""`g'(z)`, `\sigma(z)^2`, `L(y, a)`: a name and the group behind it."""
        power: f.Node | None = None
        indices: tuple[str | int, ...] = ()
        if isinstance(group, f.Scripted) and isinstance(group.base, f.Group) and not group.primes:
            if len(group.upper) == 1 and group.upper[0].bracket in POWERS:
                power = group.upper[0].body
            letters = [s.body for s in group.lower]
            if all(isinstance(x, f.Name) for x in letters):
                indices = tuple(x.base for x in letters if isinstance(x, f.Name))
            group = group.base
        if isinstance(group, f.Matrix):
            group = f.Group(group.span, "(", (group,))  # a matrix brings its own brackets
            if (named := self.reference(factor)) is None or not self.is_function(named):
                return None
        if not isinstance(group, f.Group) or group.bracket not in "([{":
            return None
        reference = self.reference(factor)
        if reference is None:
            return None
        if self.is_function(reference):
            if not group.items or (len(group.items) > 1 and reference.key not in self.known):
                raise NotUnderstood(
                    f"the function {reference.base} of {'several arguments' if group.items else 'nothing'}", group.span
                )
            order = reference.primes
            argument = self.term(group.items[0])
            if isinstance(factor, f.Scripted) and not set(reference.indices) <= free_letters(argument):
                letter = next(iter(reference.indices))
                raise OpenFunction(
                    f"the function {reference.base} has an index {letter}, and its argument has not", factor.span
                )
            body = self._powered(_labelled(self.apply(reference, order, argument), indices), power)
            return self._powered(body, reference.power)
        if len(group.items) > 1 or self._is_argument_list(reference, group):
            if not isinstance(factor, (f.Name, f.Scripted)):
                return None
            return self._powered(_labelled(self._named(factor), self._sample_of(reference, group)), power)
        return None

    def _sample_of(self, reference: Reference, group: f.Group) -> tuple[str | int, ...]:
        """The i of `h(x_i)`: the quantity for this sample."""
        inner = self.reference(group.items[0]) if len(group.items) == 1 else None
        if inner is None or reference.base not in self.symbols.called or reference.indices:
            return ()
        return inner.indices if all(isinstance(i, str) for i in inner.indices) else ()

    def is_function(self, reference: Reference) -> bool:
        """Whether a name before a group is applied to it."""
        return reference.base in self.symbols.functions or reference.key in self.functions

    def _is_argument_list(self, reference: Reference, group: f.Group) -> bool:
        """`J(\\theta)`, `f(x)`: the quantity with what it depends on."""
        if group.items and (reference.key == self.loss or reference.base in self.symbols.called):
            inner = self.reference(group.items[0])
            return inner is not None
        return False

    def apply(self, reference: Reference, order: int, argument: Term) -> Term:
        """A function letter applied, as far as it is known what it computes."""
        small = CAPITALS.get(reference.base)
        if order == 1 and small in self.symbols.functions and re.search(r"\bdiag", self.text):
            reference = replace(reference, key=small, base=small)
            return Diagonal(self.apply(reference, order, argument))  # Σ'(z), with the slopes on its diagonal
        own = reference.base if reference.base in self.symbols.unmarked else reference.key
        function = self.functions.get(reference.key, self.functions.get(reference.base, own))
        if function == "softmax":
            return self._softmax(argument, order)
        if function == own and reference.base in self.bodies:
            return self._put_in(reference.base, order, argument)
        return Apply(function, order, argument)

    def _put_in(self, base: str, order: int, argument: Term) -> Term:
        """A function by its own formula: `f(u)` and `f'(u)` after `f(x) = x^2 + 3x`."""
        letter, body = self.bodies[base]
        inside = replaced(body, Part(letter, ()), argument)
        if order == 0:
            return inside
        if order == 1 and isinstance(argument, Part) and not argument.indices:
            return Jacobian(inside, argument)
        try:
            for _ in range(order):
                body = slope_of(body, Part(letter, ()))
        except NoSlope as error:
            raise NotUnderstood(f"a slope of {base} at an expression") from error
        return replaced(body, Part(letter, ()), argument)

    @staticmethod
    def _softmax(argument: Term, order: int) -> Term:
        share = Softmax(argument, "units")
        if order == 0:
            return share
        return Times(share, Add(((1, ONE), (-1, share))))  # what people write: the diagonal of the Jacobian

    # --- fractions, powers, functions ---
    def _fraction(self, node: f.Fraction) -> Term:
        return Over(self.term(node.above), self.term(node.below))

    def _power(self, node: f.Power) -> Term:
        return _to_power(self.term(node.base), self.term(node.exponent))

    def _root(self, node: f.Root) -> Term:
        return Apply("sqrt", 0, self.term(node.body))

    def _call(self, node: f.Call) -> Term:
        function = name_of(node.function)
        if function is None:
            raise NotUnderstood("a function without a name", node.span)
        scripted = node.function if isinstance(node.function, f.Scripted) else None
        primes = scripted.primes if scripted else 0
        power = next((s.body for s in scripted.upper if not s.bracket), None) if scripted else None
        if isinstance(power, f.Sum):  # tanh^{-1}: the inverse function or one over it
            raise NotUnderstood(f"{function.base} to the power -1", node.span)
        called = self._called(function.base, primes, node)
        letters = tuple(s.body.base for s in scripted.lower if isinstance(s.body, f.Name)) if scripted else ()
        if (
            len(letters) == 1
            and letters[0] in self.symbols.indices
            and called == Softmax(arg := _bare(called), "units")
        ):
            called = Softmax(Part(arg.key, letters), "units")  # softmax_k(z)
        called = self._powered(called, power)
        if function.base in ("log", "lg") and scripted is not None and scripted.lower:  # log_2 p
            return Over(called, Apply("log", 0, self.term(scripted.lower[0].body)))
        return called

    def _called(self, name: str, primes: int, node: f.Call) -> Term:
        if name.lower() in LOSS_CALLS:
            return Part(name, ())
        if name in ("sum", "mean"):
            return self._reduced(name, node)
        arguments = [self.term(a) for a in node.arguments]
        if name in self.functions:
            name = self.functions[name]
        if name in SOFTMAX_NAMES and len(arguments) == 1:
            return self._softmax(arguments[0], primes)
        if name in FUNCTION_NAMES and len(arguments) == 1:
            known = FUNCTION_NAMES[name]
            return Power(arguments[0], Const(Rational(2))) if known == "square" else Apply(known, primes, arguments[0])
        if name in FUNCTIONS and len(arguments) == 1:
            return Apply(name, primes, arguments[0])
        if name in ("step", "heaviside", "Heaviside") and len(arguments) == 1 and not primes:
            return Apply("relu", 1, arguments[0])  # 1 where its argument is positive
        if (made_of := PIECEWISE.get((name.lower(), len(arguments)))) is not None:
            return made_of(primes, *arguments)
        if name in ("max", "maximum") and len(arguments) == 2 and Const(Rational(0)) in arguments:
            return Apply("relu", 0, arguments[1 - arguments.index(Const(Rational(0)))])
        if name in ("max", "maximum") and len(arguments) == 2:  # max(z, a z)
            one, other = arguments
            return Add(((1, other), (1, Apply("relu", 0, Add(((1, one), (-1, other)))))))
        if name == "ones" and arguments:
            return Part("ones", ())  # of the size that fits
        if name in ("diag", "Diag") and len(arguments) == 1:
            return Diagonal(arguments[0])
        if name in ("tr", "trace", "Tr") and len(arguments) == 1:
            return SumOver("all", Times(Part("identity", ()), arguments[0]))
        if name in ("dot", "matmul", "mul", "mm") and len(arguments) == 2:
            return Sloppy(tuple(arguments), ("@",))
        if name == "outer" and len(arguments) == 2:
            return Sloppy(tuple(arguments), ("otimes",))
        if name in ("multiply",) and len(arguments) == 2:
            return Sloppy(tuple(arguments), ("odot",))
        if name in ("transpose", "T") and len(arguments) == 1:
            return Transpose(arguments[0])
        if name in ("sign", "sgn") and len(arguments) == 1:
            positive, negative = (Compare(arguments[0], sign, Const(Rational(0))) for sign in (">", "<"))
            return Add(((1, positive), (-1, negative)))
        if name == "prod" and len(arguments) > 1:
            return Sloppy(tuple(arguments), ("",) * (len(arguments) - 1))  # the product that a chain rule means
        if name in ("power", "pow") and len(arguments) == 2:
            return Power(arguments[0], arguments[1])
        if name in ("norm",) and len(arguments) == 1:
            return Apply("sqrt", 0, SumOver("all", Power(arguments[0], Const(Rational(2)))))
        if name in ("where",) and len(arguments) == 3:
            condition, yes, no = arguments
            return Add(((1, Times(condition, yes)), (1, Times(Add(((1, ONE), (-1, condition))), no))))
        if name in ("one", "indicator", "1", "I", "ind") and len(arguments) == 1:
            return arguments[0]
        raise NotUnderstood(f"the function {name}", node.span)

    def _reduced(self, name: str, node: f.Call) -> Term:
        """`np.sum(D, axis=0)`, `sum(D, 1)`, `mean(D)`."""
        if len(node.arguments) not in (1, 2):
            raise NotUnderstood(f"what {name} is taken of", node.span)
        along = self._along(name, node)
        total = SumOver(along, self.term(node.arguments[0]))
        return total if name == "sum" else Over(total, SizeOf("mean:" + along))

    def _along(self, name: str, node: f.Call) -> str:
        """What a sum runs over: NumPy counts axes from 0, MATLAB from 1."""
        keywords = dict(node.keywords)
        axis = node.arguments[1] if len(node.arguments) == 2 else keywords.get("axis", keywords.get("dim"))
        if axis is None:
            near = self.text[max(0, node.span[0] - 3) : node.span[0] + 3]
            numpy = "np" in near or (self.symbols.code and "np." in self.text)
            return "all" if numpy or name == "mean" else "formal"
        if isinstance(axis, f.Text) and axis.text == "all":
            return "all"
        if len(node.arguments) == 1 and isinstance(axis, f.Number | f.Sum):
            return "rows" if isinstance(axis, f.Number) and axis.value == 0 else "columns"  # a Sum is -1
        first = 1 if MATLAB.search(self.text) else 0 if "np." in self.text else None
        if first is None or not isinstance(axis, f.Number) or axis.value - first not in (0, 1):
            raise NotUnderstood(f"an axis of {name}", axis.span)
        return "rows" if axis.value == first else "columns"

    def _bigsum(self, node: f.BigSum) -> Term:
        if node.kind != "sum":
            raise NotUnderstood("a product over an index", node.span)
        letters = node.letters
        is_layer = letters[:1] != [] and letters[0] in LAYER_LETTERS and self.symbols.general
        if len(letters) == 1 and (is_layer or (letters[0] in self.symbols.time and self.symbols.highest)):
            return self._layer_sum(node, letters[0])
        body = self.term(node.body)
        if not letters:
            return SumOver("formal", body)
        of_all = self._of_all_samples(body, letters[0]) if len(letters) == 1 else None
        if of_all is not None:
            return of_all
        if isinstance(node.start, f.Comparison) and node.start.sign != "in":
            body = Times(self._left_out(node.start), body)
        for letter in reversed(letters):
            body = SumOver("letter:" + letter, body)
        return body

    def _of_all_samples(self, body: Term, letter: str) -> Term | None:
        r"""The L, which is that of all, for `\sum_i L^{(i)}`, if its formula is written for one sample; so too its derivatives."""
        match body:
            case Part(key, (index,)) if index == letter and key.removesuffix(EACH) in self.of_one:
                return Part(key.removesuffix(EACH), ())
            case Jacobian(top, Part() as bottom) if letter not in bottom.indices or base_of(bottom.key) in PARAMETERS:
                whole = self._of_all_samples(top, letter)
                return Jacobian(whole, bottom) if whole is not None else None
        return None

    def _left_out(self, node: f.Comparison) -> Term:
        r"""`\sum_{i \neq j}`: 0 where the letters agree, else 1."""
        left, right = node.left, node.right
        if node.sign in (">=", ">") and isinstance(left, f.Name) and isinstance(right, f.Number):
            return ONE  # from there on, as with a start at a number
        if node.sign != "!=" or not (isinstance(left, f.Name) and isinstance(right, f.Name)):
            raise NotUnderstood("a condition under a sum", node.span)
        return Add(((1, ONE), (-1, Kronecker(left.base, right.base, ""))))

    def _layer_sum(self, node: f.BigSum, letter: str) -> Term:
        top = self.symbols.highest if letter in self.symbols.time else self.layers.get(self.symbols.top or "L", 3)
        first = int(node.start.value) if isinstance(node.start, f.Number) else 1
        last = top
        if node.end is not None:
            value = self.symbols._layer_value(node.end, {**self.layers})
            last = top if value is None else value
        if last - first > MOST_LAYERS:
            raise NotUnderstood(f"a sum over more than {MOST_LAYERS} layers", node.span)
        terms: list[tuple[int, Term]] = []
        for layer in range(first, last + 1):
            inner = replace(self, layers={**self.layers, letter: layer})
            terms.append((1, inner.term(node.body)))
        return Add(tuple(terms))

    # --- matrices, cases, comparisons ---
    def _matrix(self, node: f.Matrix) -> Term:
        return with_one(Stack(tuple(tuple(self.term(entry) for entry in row) for row in node.rows)))

    def _cases(self, node: f.Cases) -> Term:
        terms: list[tuple[int, Term]] = []
        rest: Term = ONE
        for value, condition in node.rows:
            if isinstance(value, f.Text):
                continue  # 'undefined' where two pieces meet
            body = self.term(value)
            if isinstance(condition, f.Comparison):
                holds = self._comparison(condition)
                terms.append((1, Times(holds, body)))
                rest = Times(rest, Add(((1, ONE), (-1, holds))))
            else:
                terms.append((1, Times(rest, body)))
        return Add(tuple(terms))

    def _comparison(self, node: f.Comparison) -> Term:
        left, right = node.left, node.right
        if (
            node.sign in ("=", "!=")
            and (isinstance(left, f.Name) and isinstance(right, f.Name))
            and {left.base, right.base} <= self.symbols.indices | LAYER_LETTERS
        ):
            agree = Kronecker(left.base, right.base, "")
            return agree if node.sign == "=" else Add(((1, ONE), (-1, agree)))
        if node.sign not in ("=", "!=", "<", ">", "<=", ">="):
            raise NotUnderstood("a relation inside a formula", node.span)
        return Compare(self.term(node.left), node.sign, self.term(node.right))

    # --- derivatives ---
    def _derivative(self, node: f.Derivative) -> Term:
        bottom = self._bottom(node.bottom)
        top_node = node.top
        if isinstance(top_node, f.Transposed) and (named := self.reference(top_node.body)) and named.key == self.loss:
            return Transpose(Jacobian(Part(named.key, ()), bottom))  # a loss is a number: its gradient is meant
        if isinstance(top_node, f.Product) and len(top_node.factors) > 1 and self.loss is not None:
            first = self.reference(top_node.factors[0])
            if (
                first is not None
                and first.key == self.loss
                and (
                    top_node.marks[0]
                    or not isinstance(group := top_node.factors[1], f.Group)
                    or has_arithmetic(group)  # `dL/da (1 - a^2)`
                )
            ):
                rest = (
                    f.Product(top_node.span, top_node.factors[1:], top_node.marks[1:])
                    if len(top_node.factors) > 2
                    else top_node.factors[1]
                )
                return Sloppy(
                    (Jacobian(Part(self.loss, ()), bottom), *_factors(self.term(rest))),
                    (top_node.marks[0], *_marks(self.term(rest))),
                )
        if node.top is None:
            if self.loss is None:
                raise NotUnderstood("the derivative of nothing", node.span)
            top: Term = Part(self.loss, ())
        else:
            top = self._function_by(node.top, bottom) or self._top(self.term(node.top))
        row = self._row(bottom.key, bottom.indices)
        return Jacobian(top, bottom) if row is None else Transpose(Jacobian(top, row))

    def _function_by(self, node: f.Node, bottom: Part) -> Term | None:
        r"""The sigma(a) in `d\sigma/da`: a function whose argument is what it is derived by."""
        reference = self.reference(node) if isinstance(node, (f.Name, f.Scripted)) else None
        if reference is None or reference.key in self.lefts:
            return None
        if self.is_function(reference):
            return self.apply(reference, reference.primes, bottom)
        known = FUNCTION_NAMES.get(reference.key, reference.key)
        return Apply(known, reference.primes, bottom) if known in FUNCTIONS else None

    def _top(self, term: Term) -> Term:
        """A numerator that is the text of a definition is that quantity; also where it is part of the numerator."""
        if isinstance(term, Part) and not term.indices and term.key in self.per_sample:
            return SumOver("all", term)
        for key, expression in self.expanded.items():
            if term == expression:
                return Part(key, ())
        for key, expression in self.expanded.items():
            if key.startswith("<"):
                term = replaced(term, expression, Part(key, ()))
        return term

    def _bottom(self, node: f.Node) -> Part:
        while isinstance(node, f.Group) and len(node.items) == 1:
            node = node.items[0]
        if isinstance(node, f.Transposed):
            node = node.body
        if isinstance(node, f.Product) and isinstance(node.factors[-1], f.Group) and len(node.factors) == 2:
            node = node.factors[0]
        reference = self.reference(node)
        if reference is None:
            inner = self.term(node)
            for key, term in self.expanded.items():
                if term == inner:
                    return Part(key, ())
            raise NotUnderstood("a derivative by something that is not a name", node.span)
        if reference.power is not None:
            raise NotUnderstood("a derivative by a power", node.span)
        return Part(reference.key, reference.indices)


@dataclass
class Settled(Elaborator):
    """An elaborator of which nothing changes any more: a tree is the same term whenever it is asked for."""

    _terms: dict[int, tuple[f.Node, Term]] = field(
        default_factory=dict, init=False
    )  # with its node, whose id stays its own

    def term(self, node: f.Node) -> Term:
        """The term of a tree.

        Raises: NotUnderstood, LayerOpen.
        """
        known = self._terms.get(id(node))
        if known is None:
            known = self._terms[id(node)] = node, super().term(node)
        return known[1]


def has_arithmetic(group: f.Group) -> bool:
    """`f(1 - f)`, `f(a - a^2)`, `f(a(1 - a))`: a product, no list of what f depends on."""
    return any(
        _is_with_number(item)
        if isinstance(item, f.Sum)
        else isinstance(item, f.Product) and any(isinstance(x, f.Group) and has_arithmetic(x) for x in item.factors)
        for item in group.items
    )


def _is_with_number(item: f.Sum) -> bool:
    """`1 - a^2`, `a - a^2`."""
    names = [name_of(term) for _, term in item.terms]
    is_of_one = len(names) == 2 and names[0] is not None and names[1] is not None and names[0].base == names[1].base
    return is_of_one or any(isinstance(term, f.Number) for _, term in item.terms)


@cache
def _method_of(kind: str) -> str:
    """The method for a kind of node."""
    return "_" + kind.lower()


def _to_power(base: Term, exponent: Term) -> Term:
    """A power, entry by entry; `diag(p)^{-1}` is the inverse matrix: one over each on the diagonal."""
    if isinstance(base, Diagonal) and exponent in (Const(Rational(-1)), Add(((-1, ONE),))):
        return Diagonal(Power(base.body, exponent))
    return Power(base, exponent)


def entry_of(key: str, digits: str, shape: tuple[str, str]) -> Part:
    """`x_2` of a vector x, `w_{12}` of a matrix w."""
    if len(digits) == 2 and "1" not in shape:
        return Part(key, (int(digits[0]), int(digits[1])))
    return Part(key, (int(digits),))


def letters_of(indices: tuple[str | int, ...]) -> str:
    """The letters of indices, if they are letters alone."""
    return ",".join(str(i) for i in indices) if all(isinstance(i, str) for i in indices) else ""


def free_letters(term: Term) -> set[str | int | None]:
    """The indices in a term that no sum binds."""
    match term:
        case Part(_, indices):
            return set(indices)
        case SumOver(along, body):
            return free_letters(body) - {along.removeprefix("letter:")}
    return set().union(*(free_letters(part) for part in parts_of(term)))


def by_letters(key: str, letters: str) -> str:
    """Under what an adjoint is known that only its index letters tell from another."""
    return f"{key}|{letters}"


def _bare(term: Term) -> Part:
    """The quantity without indices that a softmax is taken of."""
    body = term.body if isinstance(term, Softmax) else term
    return body if isinstance(body, Part) and not body.indices else Part("", ())


def _factors(term: Term) -> tuple[Term, ...]:
    return term.factors if isinstance(term, Sloppy) else (term,)


def _marks(term: Term) -> tuple[str, ...]:
    return term.marks if isinstance(term, Sloppy) else ()


def _labelled(term: Term, indices: tuple[str | int, ...]) -> Term:
    """A term with indices: of a quantity they are its entries."""
    if not indices:
        return term
    if isinstance(term, Part) and not term.indices:
        return Part(term.key, indices)
    if isinstance(term, Jacobian) and isinstance(term.bottom, Part) and not term.bottom.indices:
        return Jacobian(term.top, Part(term.bottom.key, indices))
    if isinstance(term, Add) and len(term.terms) == 1:
        sign, only = term.terms[0]
        return Add(((sign, _labelled(only, indices)),))
    return Sloppy((term, Part("#index", indices)), ("#",))


def _bias_column(term: Term, indices: tuple[str | int, ...]) -> Term | None:
    r"""The entries `\Delta_{i0}` of a `\Delta = \delta a^T` whose a begins with a unit that is always 1."""
    match term, indices:
        case Sloppy((delta, Transpose(Part())), _), (letter, 0):
            return _labelled(SumOver("columns", delta), (letter,))
    return None


def replaced(term: Term, old: Term, new: Term) -> Term:
    """The term with every occurrence of a part replaced."""
    return new if term == old else mapped(term, lambda t: replaced(t, old, new))


def with_part(term: Term, old: Term, new: Term) -> Term:
    """The term with a part replaced, also where it stands among the factors of a longer product: `W_3 W_2 W_1 x`."""
    if term == old:
        return new
    if isinstance(term, Sloppy) and isinstance(old, Sloppy):
        n = len(old.factors)
        for i in range(len(term.factors) - n + 1):
            if term.factors[i : i + n] == old.factors and term.marks[i : i + n - 1] == old.marks:
                factors = (*term.factors[:i], new, *term.factors[i + n :])
                return Sloppy(factors, (*term.marks[:i], *term.marks[i + n - 1 :])) if len(factors) > 1 else new
    return mapped(term, lambda t: with_part(t, old, new))


def renamed(term: Term, names: Mapping[str, str]) -> Term:
    """The term about other quantities."""
    if isinstance(term, Part):
        return Part(names.get(term.key, term.key), term.indices)
    if isinstance(term, Jacobian):
        bottom = term.bottom
        return Jacobian(
            renamed(term.top, names),
            Part(names.get(bottom.key, bottom.key), bottom.indices) if isinstance(bottom, Part) else bottom,
        )
    return mapped(term, lambda t: renamed(t, names))


def relabelled(term: Term, letters: Mapping[str, str]) -> Term:
    """The term with other index letters."""
    match term:
        case Part(key, indices):
            return Part(key, tuple(letters.get(i, i) if isinstance(i, str) else i for i in indices))
        case Jacobian(top, bottom):
            below = relabelled(bottom, letters)
            assert isinstance(below, (Part, Ref))
            return Jacobian(relabelled(top, letters), below)
        case Kronecker(left, right, dim):
            return Kronecker(letters.get(left, left), letters.get(right, right), dim)
        case SumOver(along, _) if along.removeprefix("letter:") in letters:
            return term  # it has a letter of its own
    return mapped(term, lambda t: relabelled(t, letters))


def without_indices(term: Term, letters: frozenset[str]) -> Term:
    """The term with these letters gone from its indices."""
    if isinstance(term, Part):
        return Part(term.key, tuple(i for i in term.indices if i not in letters))
    if isinstance(term, Jacobian) and isinstance(term.bottom, Part):
        bottom = Part(term.bottom.key, tuple(i for i in term.bottom.indices if i not in letters))
        return Jacobian(without_indices(term.top, letters), bottom)
    return mapped(term, lambda t: without_indices(t, letters))


def _accents_of(key: str) -> tuple[str, ...]:
    """The accents in a key: `dy^hat[2]` has the hat."""
    return tuple(key.split("[")[0].split("{")[0].split("^")[1:])


def with_one(stack: Stack) -> Term:
    """`[1; x]`, `[1, X]`, `[X, 1]`: a row or column of ones put before or behind something that is no number."""
    entries = [entry for row in stack.rows for entry in row]
    ones = [isinstance(entry, OnesOf) or entry in (ONE, Part("ones", ())) for entry in entries]
    if len(entries) != 2 or ones[0] == ones[1] or is_number(body := entries[ones.index(False)]):
        return stack
    return Augmented(body, "rows" if len(stack.rows) == 2 else "columns", ones[1])


def is_list(node: f.Node) -> bool:
    """`[1, x]`: nothing tells whether it stands or lies."""
    return isinstance(node, f.Group) and len(node.items) > 1


def _as_first(node: f.Node, term: Term) -> Term:
    """`[1, X] W`, `[1, X]^T (p - y)`: with the samples as rows."""
    if isinstance(node, f.Transposed) and is_list(node.body) and isinstance(term, Augmented):
        return Transpose(lying(term))
    return lying(term) if is_list(node) else term


def _as_last(node: f.Node, term: Term) -> Term:
    """`delta [1, x]^T`: the list stands, as behind weights."""
    turned = isinstance(node, f.Transposed) and is_list(node.body) and isinstance(term, Augmented)
    return Transpose(term) if turned else term


def lying(term: Term) -> Term:
    """The list `[1, X]` as what stands before weights: its parts side by side."""
    return replace(term, along="columns") if isinstance(term, Augmented) else term


def is_number(term: Term) -> bool:
    """Whether a term holds numbers alone: no quantity, no size."""
    if isinstance(term, (Part, SizeOf, Jacobian)):
        return False
    return all(is_number(part) for part in parts_of(term))
