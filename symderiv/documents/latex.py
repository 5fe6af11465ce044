r"""Expressions as LaTeX.

Precedence is data: a sum binds weakest, then entrywise products, then matrix products, then powers; parentheses are put
where a part binds weaker than its place needs. A sum down the rows is printed as a product with a row of ones,
$\mathbf{1}_n^\top A$, and a repeated row as $\mathbf{1}_n b$: then every line is literally a matrix identity.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import sympy

from symderiv.calculus.expressions import (
    Augment,
    Broadcast,
    DropFirst,
    Expr,
    Fill,
    Map,
    MatMul,
    Softmax,
    Sum,
    Symbol,
    Transpose,
)
from symderiv.calculus.formats import writer
from symderiv.calculus.functions import Opaque, Scalar, has_entries, placeholder
from symderiv.calculus.model import Equation, Model
from symderiv.calculus.shapes import ONE, SCALAR, Shape, Size
from symderiv.documents.notation import SIGMOIDS, Notation, split_name
from symderiv.views.index import Delta, Elementary, Entry, Index, IndexExpr, Letters, Place, Total, letters_of

SUM, ENTRYWISE, PRODUCT, POWER, ATOM = range(5)


@dataclass(frozen=True)
class Tex:
    """A piece of LaTeX and how tightly it binds; `scripted`: it ends in a superscript; `number`: it is no matrix.

    reaching: it ends in a sum's sign and its body, to which a factor that follows would be taken to belong.
    """

    text: str
    binds: int = ATOM
    scripted: bool = False
    number: bool = False
    reaching: bool = False

    def within(self, binds: int, *, last: bool = True) -> str:
        """The text for a place that needs parts to bind at least so tightly; `last`: no factor follows it there."""
        is_clear = self.binds >= binds and (last or not self.reaching)
        return self.text if is_clear else parenthesised(self.text)

    @property
    def base(self) -> str:
        """The text as the base of a power."""
        return self.text if self.binds == ATOM and not self.scripted else parenthesised(self.text)


def parenthesised(text: str) -> str:
    """The text in brackets: growing ones where it is tall, square ones around round ones."""
    depth = deepest = 0
    for token in re.findall(r"\\left[(\[]|\\right[)\]]|[()]", text):
        depth += 1 if token in ("(", r"\left(", r"\left[") else -1
        deepest = max(deepest, depth)
    left, right = "()" if deepest % 2 == 0 else "[]"
    tall = any(mark in text for mark in (r"\frac", r"\sum", r"\left", r"\begin"))
    return rf"\left{left}{text}\right{right}" if tall or left == "[" else f"({text})"


FUNCTION_NAMES: Mapping[str, str] = {
    "tanh": r"\tanh", "log": r"\log", "relu": r"\mathrm{ReLU}", "leaky_relu": r"\mathrm{LeakyReLU}",
    "softplus": r"\mathrm{softplus}", "huber": r"\mathrm{huber}", "clip": r"\mathrm{clip}", "sign": r"\mathrm{sign}",
}  # fmt: skip


@dataclass
class Printer:
    """Prints expressions in one notation; `replace` holds expressions that are printed as another one, or as given LaTeX.

    numbers: what is printed for an expression whose value is to be shown, None for all others; times, matrix_times: the
    signs of a product of numbers and of a matrix product.
    """

    notation: Notation
    letters: Letters = field(init=False)
    replace: dict[Expr, Expr | Tex] = field(default_factory=dict)
    numbers: Callable[[Expr], Tex | None] | None = None
    times: str = field(init=False)
    matrix_times: str = field(init=False)

    def __post_init__(self) -> None:
        self.times, self.matrix_times = self.notation.times, self.notation.matrix_times
        self.letters = letters_of(self.notation.model)

    def latex(self, expr: Expr) -> str:
        """An expression as LaTeX."""
        return self.tex(expr).text

    def tex(self, expr: Expr) -> Tex:
        if expr in self.replace:
            other = self.replace[expr]
            return other if isinstance(other, Tex) else self.tex(other)
        if self.numbers and (number := self.numbers(expr)):
            return number
        return _PRINT[type(expr)](self, expr)

    def ones(self, size: Size, *, row: bool) -> str:
        r"""A column of ones, or a row; as numbers where numbers are put in."""
        if self.numbers and (number := self.numbers(Fill(1, (ONE, size) if row else (size, ONE)))):
            return number.text
        return rf"\mathbf{{1}}_{{{self.size(size)}}}" + (r"^{\top}" if row else "")

    def size(self, size: Size) -> str:
        """A size as it stands in a shape."""
        if not size.name or size.name.isdigit():
            return str(int(size.name or 0) + size.offset)
        letter, suffixes, number = split_name(size.name)
        lower = ",".join([*(rf"\text{{{suffix}}}" for suffix in suffixes), *([number] if number else [])])
        name = (letter if len(letter) == 1 else rf"\mathrm{{{letter}}}") + (f"_{{{lower}}}" if lower else "")
        return f"{name}{size.offset:+d}" if size.offset else name

    def shape(self, shape: Shape) -> str:
        """A shape: rows x columns."""
        rows, columns = (f"({text})" if re.search("[+-]", text) else text for text in map(self.size, shape))
        return rf"{rows} \times {columns}"

    def number(self, scalar: Scalar) -> str:
        """A scalar without matrices."""
        return self.scalar(scalar, {}, True).text

    def shaped(self, expr: Expr) -> str:
        """The expression with the shape under each factor of its outermost products."""
        other = self.replace.get(expr, expr)
        return self._shaped(expr if isinstance(other, Tex) else other, SUM)

    def _shaped(self, expr: Expr, binds: int) -> str:
        if isinstance(expr, MatMul) and expr not in self.replace:
            inner = r" \; ".join(self._shaped(factor, POWER) for factor in expr.args)
            return inner if binds <= PRODUCT else parenthesised(inner)
        if isinstance(expr, Sum) and not isinstance(expr.args[0], Sum):
            size = expr.args[0].shape[expr.axis]
            ones = self._under(self.ones(size, row=expr.axis == 0), (ONE, size) if expr.axis == 0 else (size, ONE))
            body = self._shaped(expr.args[0], PRODUCT)
            return rf"{ones} \; {body}" if expr.axis == 0 else rf"{body} \; {ones}"
        if (
            isinstance(expr, Map)
            and len(expr.args) > 1
            and isinstance(expr.function, sympy.Mul)
            and expr.shape != SCALAR
        ):
            constant, factors, below = self._sorted_factors(expr.function)
            if not below:
                front = "" if constant == 1 else "-" if constant == -1 else self.number(constant) + r" \, "
                inner = front + r" \;\odot\; ".join(
                    self._under(self.scalar(f, self._places(expr), False).within(PRODUCT), expr.shape)
                    if f not in self._places(expr)
                    else self._shaped(expr.args[self._position(f, expr)], PRODUCT)
                    for f in factors
                )
                return inner if binds <= ENTRYWISE else parenthesised(inner)
        return self._under(self.tex(expr).within(binds), expr.shape)

    def denominator(self, expr: Expr) -> str:
        """What stands below the line of an elementwise fraction, constants apart; '' if nothing does."""
        if not isinstance(expr, Map):
            return ""
        below = self._sorted_factors(expr.function)[2]
        return self._joined(below, self._places(expr), expr.shape == SCALAR, sympy.Integer(1)) if below else ""

    def _under(self, text: str, shape: Shape) -> str:
        return rf"\underbrace{{{text}}}_{{{self.shape(shape)}}}"

    def _position(self, place: Scalar, expr: Map) -> int:
        return next(i for i in range(len(expr.args)) if placeholder(i) == place)

    def _places(self, expr: Map) -> dict[Scalar, Tex]:
        return {placeholder(i): self._repeated(arg, expr.shape) for i, arg in enumerate(expr.args)}

    def _repeated(self, arg: Expr, shape: Shape) -> Tex:
        """A repeated scalar needs no ones in an entrywise product or sum."""
        if isinstance(arg, Broadcast) and arg.args[0].shape == SCALAR:
            return replace(self.tex(arg.args[0]), number=True)
        return self.tex(arg)

    # Scalar functions, of matrices (entrywise) or of entries

    def scalar(self, scalar: Scalar, places: Mapping[Scalar, Tex], plain: bool) -> Tex:
        r"""A scalar function of the things that stand for its placeholders; `plain`: products are written without ⊙."""
        if scalar in places:
            return places[scalar]
        if scalar.is_Symbol:
            if scalar.is_integer:
                return Tex(self.size(Size(scalar.name)))
            return Tex(self.notation.name(scalar.name))
        if isinstance(scalar, sympy.Rational):
            if scalar < 0:
                return Tex(f"-{self.scalar(-scalar, places, plain).text}", SUM)
            return Tex(str(scalar.p) if scalar.q == 1 else rf"\frac{{{scalar.p}}}{{{scalar.q}}}")
        if scalar.is_Number or scalar.is_NumberSymbol:
            return Tex(sympy.latex(scalar))
        if isinstance(scalar, sympy.Add):
            return self._sum(scalar, places, plain)
        if isinstance(scalar, (sympy.Mul, sympy.Pow)) and not isinstance(scalar, sympy.exp):
            return self._product(scalar, places, plain)
        return self._function(scalar, places, plain)

    def _sum(self, scalar: Scalar, places: Mapping[Scalar, Tex], plain: bool) -> Tex:
        content, primitive = scalar.primitive()
        if content != 1 and all(term.is_Symbol or (-term).is_Symbol for term in primitive.args):
            return self._product(sympy.Mul(content, primitive, evaluate=False), places, plain)
        text = ""
        for term in sorted(scalar.args, key=_order_of_terms):
            negative = term.could_extract_minus_sign()
            # A number that is put in may be negative: 1 + (-2).
            tight = negative or (self.numbers and text)
            part = self.scalar(-term if negative else term, places, plain).within(ENTRYWISE if tight else SUM)
            text += (" - " if negative else " + ") + part
        text = text.removeprefix(" + ")
        return Tex("-" + text.removeprefix(" - ") if text.startswith(" - ") else text, SUM)

    def _sorted_factors(self, scalar: Scalar) -> tuple[Scalar, list[Scalar], list[Scalar]]:
        """The constant in front, the factors above the line and the factors below it, in reading order."""
        constant, above, below = sympy.Integer(1), [], []
        for factor in sympy.Mul.make_args(scalar):
            base, exponent = factor.as_base_exp() if not isinstance(factor, sympy.exp) else (factor, sympy.Integer(1))
            if not has_entries(factor):
                constant *= factor
            elif exponent.could_extract_minus_sign():
                below.append(sympy.Pow(base, -exponent))
            elif isinstance(factor, sympy.Add):
                content, rest = factor.primitive()  # SymPy keeps 2 (a - y) as 2 a - 2 y
                constant *= content
                above.append(rest)
            else:
                above.append(factor)
        return constant, sorted(above, key=_order_of_factors), sorted(below, key=_order_of_factors)

    def _product(self, scalar: Scalar, places: Mapping[Scalar, Tex], plain: bool) -> Tex:
        constant, above, below = self._sorted_factors(scalar)
        if not above and not below:
            return self._constant(scalar)
        if isinstance(scalar, sympy.Pow) and not below:
            return self._power(scalar, places, plain)
        sign = "-" if constant.could_extract_minus_sign() else ""
        front = self._constant(abs(constant) if constant.is_number else -constant if sign else constant)
        if below:
            # Symbols of the constant go into the same fraction: (a - y) over n a (1 - a).
            p, q = (-constant if sign else constant).as_numer_denom()
            top = self._joined(above, places, plain, p)
            bottom = self._joined(below, places, plain, q)
            return Tex(rf"{sign}\frac{{{top}}}{{{bottom}}}", SUM if sign else ENTRYWISE)
        body = self._joined(above, places, plain, sympy.Integer(1))
        text = body if front.text == "1" else f"{front.text}{self.times}{self._single(above, places, plain) or body}"
        reaching = self.scalar(above[-1], places, plain).reaching
        return Tex(sign + text, SUM if sign else PRODUCT if plain else ENTRYWISE, reaching=reaching)

    def _single(self, factors: list[Scalar], places: Mapping[Scalar, Tex], plain: bool) -> str:
        """A lone factor after a constant: a matrix product needs no parentheses there."""
        return self.scalar(factors[0], places, plain).within(PRODUCT) if len(factors) == 1 else ""

    def _joined(self, factors: list[Scalar], places: Mapping[Scalar, Tex], plain: bool, constant: Scalar) -> str:
        parts = [] if constant == 1 and factors else [self._constant(constant).within(PRODUCT)]
        alone = len(factors) == 1 and not parts and not self.numbers
        # A matrix product beside ⊙ gets parentheses, although it binds tighter: readers differ about that.
        least = SUM if alone else PRODUCT if plain or len(factors) == 1 else POWER
        numbers = [] if plain else [f for f in factors if all(places[s].number for s in f.free_symbols if s in places)]
        matrices = [f for f in factors if f not in numbers]
        for f in numbers:
            is_last = f == numbers[-1] and not matrices
            parts.append(self.scalar(f, places, True).within(SUM if alone else PRODUCT, last=is_last))
        texts = [self.scalar(f, places, plain).within(least, last=f == matrices[-1]) for f in matrices]
        joined = (self.times if plain else r" \odot ").join(texts)
        return self.times.join([*parts, joined] if texts else parts)

    def _constant(self, constant: Scalar) -> Tex:
        p, q = constant.as_numer_denom()
        if q == 1:
            if p.is_Rational or p.is_Symbol or isinstance(p, sympy.Add):
                return self.scalar(p, {}, True)
            parts = [
                self._constant_factor(f)
                for f in sorted(sympy.Mul.make_args(p), key=lambda f: (not f.is_number, str(f)))
            ]
            text = parts[0]
            for part in parts[1:]:
                text += (r" \cdot " if part[0].isdigit() else " ") + part
            return Tex(text, PRODUCT)
        sign = "-" if p.could_extract_minus_sign() else ""
        return Tex(
            rf"{sign}\frac{{{self._constant(-p if sign else p).text}}}{{{self._constant(q).text}}}",
            SUM if sign else ATOM,
        )

    def _constant_factor(self, factor: Scalar) -> str:
        if isinstance(factor, sympy.Pow):
            return rf"{self._constant(factor.base).within(POWER)}^{{{self._constant(factor.exp).text}}}"
        return self.scalar(factor, {}, True).within(PRODUCT)

    def _power(self, scalar: Scalar, places: Mapping[Scalar, Tex], plain: bool) -> Tex:
        base = self.scalar(scalar.base, places, plain)
        if scalar.exp == sympy.Rational(1, 2):
            return Tex(rf"\sqrt{{{base.text}}}")
        exponent = self._constant(scalar.exp).text
        return Tex(rf"{base.base}^{{{'' if plain else chr(92) + 'odot '}{exponent}}}", POWER, True)

    def _function(self, scalar: Scalar, places: Mapping[Scalar, Tex], plain: bool) -> Tex:
        args = [self.scalar(arg, places, plain).text for arg in scalar.args]
        name = type(scalar).__name__
        if name == "exp":
            return Tex(f"e^{{{args[0]}}}", ATOM, True)
        if name == "absolute":
            return Tex(rf"\left|{args[0]}\right|")
        if name == "step":
            return Tex(rf"\mathbf{{1}}\left[{args[0]} > 0\right]")
        return Tex(self._letter(scalar) + parenthesised(", ".join(args)))

    def _letter(self, function: Scalar, primes: int = 0) -> str:
        """What a function is called, with primes for its derivatives."""
        if isinstance(function, Opaque):
            primes += function.order
            letter = self.notation.name(function.letter)
            letter = f"({letter})" if primes and self.notation.is_scripted(function.letter) else letter
        else:
            name = type(function).__name__
            letter = (
                SIGMOIDS[self.notation.sigmoid]
                if name == "sigmoid"
                else FUNCTION_NAMES.get(name) or rf"\mathrm{{{name}}}".replace("_", r"\_")
            )
        return letter + "'" * primes

    def slope_name(self, function: Scalar, argument: Expr) -> str:
        """The slope of a function at an argument by its name: σ'(Z)."""
        return self._letter(function, 1) + parenthesised(self.latex(argument))

    # Index notation

    def place(self, place: Place) -> str:
        """An index, or a number."""
        if isinstance(place, Index):
            return place.letter + "'" * place.primes
        return "" if place is None else str(place)

    def places(self, row: Place, column: Place) -> str:
        """The two indices of an entry."""
        texts = [text for text in map(self.place, (row, column)) if text]
        return ("," if any(len(t) > 1 and t.isdigit() for t in texts) else "").join(texts)

    def index_tex(self, expr: IndexExpr) -> Tex:
        """An index expression as LaTeX."""
        match expr:
            case Entry(matrix, row, column):
                index = self.places(row, column)
                if isinstance(matrix, Augment):
                    along = row if matrix.axis == 0 else column
                    if isinstance(along, int) and along > 0:  # an entry after the ones is one of the matrix itself
                        return self.index_tex(Entry(matrix.args[0], row, column))
                    return Tex(self._augmented(matrix, index))
                assert isinstance(matrix, Symbol)
                if matrix.role == "adjoint":
                    return Tex(self.notation.adjoint(matrix, index), POWER)
                scripted = self.notation.is_scripted(matrix.name)
                return Tex(self.notation.name(matrix.name, index), ATOM, scripted)
            case Delta(left, right):
                return Tex(rf"\delta_{{{self.place(left)}{self.place(right)}}}")
            case Elementary(function, args):
                return self.scalar(function, {placeholder(i): self.index_tex(arg) for i, arg in enumerate(args)}, True)
            case Total(index, body):
                return Tex(rf"{self.sigma(index)} {self.index_tex(body).within(ENTRYWISE)}", ENTRYWISE)

    def sigma(self, index: Index) -> str:
        """The sign of a sum over an index, with its bounds."""
        return rf"\sum_{{{self.place(index)}={index.start}}}^{{{self.size(index.end)}}}"

    def _augmented(self, expr: Augment, index: str = "") -> str:
        inner = expr.args[0]
        if isinstance(inner, Symbol):
            return self.notation.name(inner.name, index, accent=r"\tilde")
        return rf"\left({self.latex(inner)}\right)^{{\sim}}" + (f"_{{{index}}}" if index else "")


def _first_use(scalar: Scalar) -> int:
    return min((int(s.name[1:]) for s in scalar.free_symbols if has_entries(s)), default=-1)


def _order_of_terms(term: Scalar) -> tuple[int, bool, int, str]:
    """Reading order of a sum: simple terms first, positive ones before negative ones; a negative number last."""
    negative = term.could_extract_minus_sign()
    bare = -term if negative else term
    weight = 99 if negative and bare.is_number else int(bare.count_ops()) - int(not _first_use(bare) + 1)
    return weight, negative, _first_use(bare), str(bare)


def _order_of_factors(factor: Scalar) -> tuple[int, bool, int, str]:
    """Reading order of a product: by first use, there a difference such as a - y first, then simple factors first."""
    difference = (
        isinstance(factor, sympy.Add)
        and len(factor.args) == 2
        and all(t.is_Symbol or (-t).is_Symbol for t in factor.args)
    )
    return _first_use(factor), not difference, int(factor.count_ops()), str(factor)


def _symbol(p: Printer, e: Symbol) -> Tex:
    if e.role == "adjoint":
        return Tex(p.notation.adjoint(e), POWER)
    return Tex(p.notation.name(e.name), ATOM, p.notation.is_scripted(e.name))


def _fill(p: Printer, e: Fill) -> Tex:
    if e.shape == SCALAR:
        return p.scalar(e.value, {}, True)
    ones = p.ones(e.shape[0], row=False) if e.shape[1] == ONE else p.ones(e.shape[1], row=True)
    if ONE not in e.shape:
        ones = p.ones(e.shape[0], row=False) + p.ones(e.shape[1], row=True)
    return Tex(ones if e.value == 1 else rf"{p.number(e.value)} \, {ones}", PRODUCT)


def _matmul(p: Printer, e: MatMul) -> Tex:
    times = p.times if any(arg.shape == SCALAR for arg in e.args) else p.matrix_times
    return Tex(times.join(p.tex(arg).within(PRODUCT) for arg in e.args), PRODUCT)


def _transpose(p: Printer, e: Transpose) -> Tex:
    return Tex(rf"{p.tex(e.args[0]).base}^{{\top}}", POWER, True)


def _map(p: Printer, e: Map) -> Tex:
    if e.shape != SCALAR and all(isinstance(arg, Broadcast) and arg.args[0].shape == SCALAR for arg in e.args):
        # Nothing in it has the full shape: the ones say that the number is repeated.
        places = {placeholder(i): p.tex(arg.args[0]) for i, arg in enumerate(e.args)}
        number = p.scalar(e.function, places, True).within(PRODUCT)
        return Tex(rf"{number} \, {_fill(p, Fill(1, e.shape)).text}", PRODUCT)
    return p.scalar(e.function, p._places(e), e.shape == SCALAR)


def _sum_node(p: Printer, e: Sum) -> Tex:
    inner = e.args[0]
    if isinstance(inner, Sum):
        row = p.letters.index(inner.args[0].shape[0])
        column = p.letters.index(inner.args[0].shape[1], (row,))
        index = p.places(row, column)
        return Tex(rf"\sum_{{{index}}} \left[{p.latex(inner.args[0])}\right]_{{{index}}}", PRODUCT, reaching=True)
    size = inner.shape[e.axis]
    body = p.tex(inner).within(PRODUCT)
    text = rf"{p.ones(size, row=True)} \, {body}" if e.axis == 0 else rf"{body} \, {p.ones(size, row=False)}"
    return Tex(text, PRODUCT)


def _broadcast(p: Printer, e: Broadcast) -> Tex:
    text = p.tex(e.args[0]).within(PRODUCT)
    if 0 in e.axes:
        text = rf"{p.ones(e.shape[0], row=False)} \, {text}"
    if 1 in e.axes:
        text = rf"{text} \, {p.ones(e.shape[1], row=True)}"
    return Tex(text, PRODUCT)


def _drop_first(p: Printer, e: DropFirst) -> Tex:
    rows = "1:," if e.axis == 0 else ",1:"
    index = (
        rows.strip(",") if ONE in (e.shape[1 - e.axis],) else rows.replace(",", r",\cdot" if e.axis == 0 else r"\cdot,")
    )
    return Tex(rf"{parenthesised(p.latex(e.args[0]))}_{{{index}}}", POWER)


_PRINT: Mapping[type[Expr], Callable[..., Tex]] = {
    Symbol: _symbol,
    Fill: _fill,
    MatMul: _matmul,
    Transpose: _transpose,
    Map: _map,
    Sum: _sum_node,
    Broadcast: _broadcast,
    Softmax: lambda p, e: Tex(rf"\mathrm{{softmax}}{parenthesised(p.latex(e.args[0]))}"),
    Augment: lambda p, e: Tex(
        p._augmented(e), ATOM, not isinstance(e.args[0], Symbol) or p.notation.is_scripted(e.args[0].name)
    ),
    DropFirst: _drop_first,
}


@writer(Expr, "latex")
def expression_latex(expr: Expr, **options: Any) -> str:
    """An expression as LaTeX, in the notation of `options` (see Notation)."""
    return Printer(Notation(_no_model(), **options)).latex(expr)


def _no_model() -> Model:
    """A notation needs a model only for the name of the loss; a lone expression has none, so it is J."""
    return Model((), (Equation(Symbol("J", SCALAR, "value"), Fill(0, SCALAR)),))
