"""The same model in another layout: samples along the columns, which is the long axis that should be contiguous.

Every pass here takes a model and gives a model, so each is checked by the same oracles as any other model:
`batched` gives a one-sample model a sample axis, `in_columns` turns a model so that samples run along the columns,
`pair_as_logit` makes the softmax of two classes one sigmoid of the difference.
"""

from __future__ import annotations

from dataclasses import dataclass

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
    apply,
    fused,
    mean,
    parts_of,
    total,
)
from symderiv.calculus.functions import placeholder, sigmoid
from symderiv.calculus.model import Equation, Model
from symderiv.calculus.rewrites import SumsToOne
from symderiv.calculus.shapes import ONE, SCALAR, Shape, Size
from symderiv.errors import ModelError


def sample_size(model: Model) -> Size | None:
    """The size that counts samples: the only one that every data matrix has and no parameter has; None for one sample.

    Raises: ModelError if several would do.
    """
    owned = {size.name for s in model.parameters for size in s.shape}
    data = [s for s in model.data if s.name in model.relevant]
    common = [
        size
        for size in dict.fromkeys(size for s in data for size in s.shape if size.name and not size.offset)
        if size.name not in owned
    ]
    found = [size for size in common if all(size in s.shape for s in data)]
    if len(found) > 1:
        raise ModelError(
            f"both {found[0]} and {found[1]} could count the samples", "give a parameter one of these sizes"
        )
    if common and not found:
        raise ModelError(f"not every data matrix has the size {common[0]}, so it is unclear what one sample is")
    return found[0] if found else None


def batched(model: Model) -> Model:
    """A model of one sample as a model of n samples, whose loss is the mean of theirs; the samples are columns.

    A data matrix (d, 1) becomes (d, n); one written as a row, (1, d), becomes (n, d).
    Raises: ModelError if a data matrix is neither a row nor a column.
    """
    count = _fresh(model, "n", "m", "samples")
    data = [s for s in model.data if s.name in model.relevant]
    rows = any(s.shape[0] == ONE != s.shape[1] for s in data)
    if any(ONE not in s.shape or (s.shape[0 if rows else 1] != ONE) for s in data):
        raise ModelError(
            "the data of one sample are rows or columns, all alike", "give them a sample size, as in X: (n, d)"
        )
    turned: dict[Expr, Expr] = {}
    for symbol in data:
        shape = (count, symbol.shape[1]) if rows else (symbol.shape[0], count)
        turned[symbol] = Symbol(symbol.name, shape, symbol.role)
    equations = []
    for equation in model.equations:
        value = _rebuilt(equation.value, turned, SCALAR if equation is model.loss else None)
        if equation is model.loss and value.shape != SCALAR:
            value = mean(value)
        new = Symbol(equation.name, value.shape, "value")
        turned[equation.symbol] = new
        equations.append(Equation(new, value, equation.line))
    inputs = tuple(turned.get(s, s) for s in model.inputs)
    return Model(inputs, tuple(equations), model.assumptions, model.hypers, model.title)  # type: ignore[arg-type]


def _fresh(model: Model, *wishes: str) -> Size:
    taken = {*model.sizes, *model.symbols, *(h.name for h in model.hypers)}
    return Size(next(name for name in (*wishes, "samples_") if name not in taken))


def _rebuilt(expr: Expr, values: dict[Expr, Expr], shape: Shape | None = None) -> Expr:
    """The expression over symbols of other shapes: what was repeated or elementwise stretches along."""
    if expr in values:
        return values[expr]
    args = [_rebuilt(arg, values) for arg in expr.args]
    if tuple(args) == expr.args:
        return expr
    if isinstance(expr, Map):
        return apply(lambda *places: expr.function.xreplace({placeholder(i): p for i, p in enumerate(places)}), *args)
    if isinstance(expr, Broadcast):
        # The repeat is put back by whatever uses it; a side that is repeated beyond that keeps its length.
        inner = args[0]
        wanted = tuple(
            new if old == ONE else size
            for new, old, size in zip(inner.shape, expr.args[0].shape, expr.shape, strict=True)
        )
        return Broadcast(inner, (wanted[0], wanted[1]))
    return expr.rebuilt(tuple(args))


def in_columns(model: Model, samples: Size) -> tuple[Model, frozenset[str]]:
    """The model with every batch quantity (features, samples), and the names of what was transposed for it."""
    turned: dict[Expr, Expr] = {}
    names = set()

    def needs_turning(symbol: Symbol) -> bool:
        return symbol.shape[0] == samples

    flip = any(needs_turning(s) for s in model.symbols.values())
    if not flip:
        return model, frozenset()
    for symbol in model.inputs:
        if needs_turning(symbol) or (symbol.role == "parameter" and symbol.shape != SCALAR):
            turned[symbol] = Transpose(_flipped(symbol))
            names.add(symbol.name)
    equations = []
    memo: dict[Expr, Expr] = {}
    for equation in model.equations:
        value = _replaced(equation.value, turned, memo)
        symbol = equation.symbol
        if needs_turning(symbol):
            symbol = _flipped(symbol)
            value = transposed(value)
            turned[equation.symbol] = Transpose(symbol)
            names.add(symbol.name)
        elif symbol.shape == SCALAR:
            value = transposed(value)  # a scalar is its own transpose, and inside, sums run along the columns again
        equations.append(Equation(symbol, _pushed(value), equation.line))
    inputs = tuple(_flipped(s) if s in turned else s for s in model.inputs)
    assumptions = tuple(SumsToOne(a.name, 1 - a.axis if a.name in names else a.axis) for a in model.assumptions)
    return Model(inputs, tuple(equations), assumptions, model.hypers, model.title), frozenset(names)


def _flipped(symbol: Symbol) -> Symbol:
    return Symbol(symbol.name, symbol.shape[::-1], symbol.role)


def _replaced(expr: Expr, values: dict[Expr, Expr], memo: dict[Expr, Expr]) -> Expr:
    if expr in values:
        return values[expr]
    if not expr.args:
        return expr
    args = tuple(_replaced(arg, values, memo) for arg in expr.args)
    return expr if args == expr.args else expr.rebuilt(args)


def transposed(expr: Expr) -> Expr:
    """The transpose of an expression, pushed down to its symbols."""
    match expr:
        case Transpose():
            return _pushed(expr.args[0])
        case Symbol():
            return expr if expr.shape == SCALAR else Transpose(expr)
        case Fill():
            return Fill(expr.value, expr.shape[::-1])
        case MatMul():
            return MatMul(transposed(expr.args[1]), transposed(expr.args[0]))
        case Map():
            return fused(expr.function, tuple(map(transposed, expr.args)))
        case Broadcast():
            return Broadcast(transposed(expr.args[0]), expr.shape[::-1])
        case Sum() if isinstance(expr.args[0], Sum):
            return total(transposed(expr.args[0].args[0]))  # of all entries: along the columns first, as everywhere
        case Sum() | Softmax() | Augment() | DropFirst():
            return type(expr)(transposed(expr.args[0]), 1 - expr.axis)
    raise AssertionError(type(expr))


def _pushed(expr: Expr) -> Expr:
    """The expression with every transpose pushed down to its symbols."""
    if isinstance(expr, Transpose):
        return transposed(expr.args[0])
    if not expr.args:
        return expr
    args = tuple(map(_pushed, expr.args))
    return expr if args == expr.args else expr.rebuilt(args)


@dataclass(frozen=True)
class Folded:
    """A model whose biases stand inside the weights, and where each parameter of the model before it is found.

    places: for each such parameter (the parameter that holds it, which part of its columns).
    """

    model: Model
    places: dict[str, tuple[str, str]]


def fold_biases(model: Model) -> Folded:
    """Z = W A + b as Z = U [1; A] with U = [b W]: one product, one gradient, where W and b have no second bias or use."""
    if any(isinstance(part, (Augment, DropFirst)) for e in model.equations for part in parts_of(e.value)):
        return Folded(model, {})
    model = _named_sizes(model)
    turned: dict[Expr, Expr] = {}
    places: dict[str, tuple[str, str]] = {}
    equations = []
    for equation in model.equations:
        found = _affine(equation.value, model)
        uses = [
            s for e in model.equations for part in parts_of(e.value) for s in part.args if found and s in found[::2]
        ]
        if found is None or len(uses) != 2 + sum(s is found[0] for s in uses) - 1 or found[0] in turned:
            equations.append(equation)
            continue
        weights, inner, bias = found
        holder = Symbol(f"{weights.name}_{bias.name}", (weights.shape[0], inner.shape[0] + 1), "parameter")
        places |= {bias.name: (holder.name, "first"), weights.name: (holder.name, "rest")}
        turned[weights] = DropFirst(holder, 1)
        turned[bias] = holder
        equations.append(Equation(equation.symbol, MatMul(holder, Augment(inner, 0)), equation.line))
    memo: dict[Expr, Expr] = {}
    equations = [Equation(e.symbol, _replaced(e.value, turned, memo), e.line) for e in equations]
    inputs: dict[Symbol, None] = {}
    for symbol in model.inputs:
        new = turned.get(symbol, symbol)
        holder_or_other = new.args[0] if isinstance(new, DropFirst) else new
        if isinstance(holder_or_other, Symbol):
            inputs.setdefault(holder_or_other)
    return Folded(Model(tuple(inputs), tuple(equations), model.assumptions, model.hypers, model.title), places)


def _affine(value: Expr, model: Model) -> tuple[Symbol, Symbol, Symbol] | None:
    """(W, A, b) if the value is W A + b with parameters W and b and a named A."""
    if not (isinstance(value, Map) and value.function == placeholder(0) + placeholder(1)):
        return None
    product = next((a for a in value.args if isinstance(a, MatMul)), None)
    repeated = next((a for a in value.args if isinstance(a, Broadcast)), None)
    bias = repeated.args[0] if repeated else next((a for a in value.args if a is not product), None)
    if (
        product is None
        or not isinstance(bias, Symbol)
        or bias.role != "parameter"
        or bias.shape != (value.shape[0], ONE)
    ):
        return None
    weights, inner = product.args
    if not (isinstance(weights, Symbol) and weights.role == "parameter" and isinstance(inner, Symbol)):
        return None
    return (weights, inner, bias) if inner.role in ("data", "value") and inner.shape[0].name else None


def _named_sizes(model: Model) -> Model:
    """The model with every size that is a number other than 1 as a name: ones can be put before a named size only."""
    numbers = {size for s in model.symbols.values() for size in s.shape if not size.name and size != ONE}
    return resized(model, {size: Size(str(size.offset)) for size in numbers})


def resized(model: Model, sizes: dict[Size, Size]) -> Model:
    """The model with some sizes replaced in its shapes; a size that becomes 1 is no longer summed over."""
    if not sizes:
        return model

    def sized(shape: Shape) -> Shape:
        return sizes.get(shape[0], shape[0]), sizes.get(shape[1], shape[1])

    turned: dict[Expr, Expr] = {s: Symbol(s.name, sized(s.shape), s.role) for s in model.symbols.values()}

    def convert(expr: Expr) -> Expr:
        if expr not in turned:
            args = tuple(map(convert, expr.args))
            match expr:
                case Fill():
                    turned[expr] = Fill(expr.value, sized(expr.shape))
                case Broadcast():
                    turned[expr] = Broadcast(args[0], sized(expr.shape))
                case Map():
                    turned[expr] = fused(expr.function, args)
                case Sum() if args[0].shape[expr.axis] == ONE:
                    turned[expr] = args[0]
                case Softmax() if args[0].shape[expr.axis] == ONE:
                    turned[expr] = Fill(1, args[0].shape)
                case _:
                    turned[expr] = expr.rebuilt(args)
        return turned[expr]

    equations = tuple(Equation(turned[e.symbol], convert(e.value), e.line) for e in model.equations)  # type: ignore[arg-type]
    inputs = tuple(turned[s] for s in model.inputs)
    return Model(inputs, equations, model.assumptions, model.hypers, model.title)  # type: ignore[arg-type]


def with_units(model: Model, sizes: dict[str, int]) -> Model:
    """The model with sizes whose value is 1 as 1: then products and sums over them are none."""
    augmented = {
        part.args[0].shape[part.axis]
        for e in model.equations
        for part in parts_of(e.value)
        if isinstance(part, Augment)
    }
    shapes = {size for s in model.symbols.values() for size in s.shape if size.name}
    return resized(
        model, {size: ONE for size in shapes if sizes.get(size.name, 0) + size.offset == 1 and size not in augmented}
    )


@dataclass(frozen=True)
class Paired:
    """A model with the softmax of two classes as one sigmoid.

    weights: the parameter whose two rows were replaced, and `difference`, which stands for the first minus the second:
    its gradient is that of the first row and, with the other sign, that of the second. targets: of these data the
    first row alone is used.
    """

    model: Model
    weights: str
    difference: str
    targets: tuple[str, ...]


def pair_as_logit(model: Model, sizes: dict[str, int]) -> Paired | None:
    """softmax over two classes is (p, 1 - p) with p = sigmoid(z_1 - z_2); None where the model is not of that form.

    The targets must sum to 1 in every sample, which is what the model assumes wherever this applies.
    """
    by_symbol: dict[Expr, Equation] = {e.symbol: e for e in model.equations}
    outputs = [e for e in model.equations if isinstance(e.value, Softmax)]
    if len(outputs) != 1:
        return None
    output, shares = outputs[0], outputs[0].value
    assert isinstance(shares, Softmax)
    logits = by_symbol.get(shares.args[0])
    if shares.axis != 0 or shares.shape[0].value(sizes) != 2 or logits is None or not isinstance(logits.value, MatMul):
        return None
    weights = logits.value.args[0]
    if not isinstance(weights, Symbol) or weights.role != "parameter":
        return None
    users = [e for e in model.equations if weights in e.uses or logits.symbol in e.uses]
    if users != [logits, output]:
        return None
    targets = {s for e in model.equations if output.symbol in e.uses for s in e.uses if s.role == "data"}
    assumed = {a.name for a in model.assumptions if a.axis == 0}
    if not targets or any(s.name not in assumed or s.shape != output.symbol.shape for s in targets):
        return None
    if any(targets & set(e.uses) and output.symbol not in e.uses for e in model.equations):
        return None
    difference = Symbol(f"{weights.name}_difference", (ONE, weights.shape[1]), "parameter")
    batch = output.symbol.shape[1]
    logit = Symbol(logits.name, (ONE, batch), "value")
    first = Symbol(output.name, (ONE, batch), "value")
    turned: dict[Expr, Expr] = {output.symbol: first}
    turned |= {s: Symbol(s.name, (ONE, batch), "data") for s in targets}
    equations = []
    for e in model.equations:
        if e is logits:
            equations.append(Equation(logit, MatMul(difference, logits.value.args[1]), e.line))
        elif e is output:
            equations.append(Equation(first, apply(sigmoid, logit), e.line))
        elif output.symbol in e.uses:
            value = _summed_over_pair(e.value, turned)
            if value is None:
                return None
            equations.append(Equation(e.symbol, value, e.line))
        else:
            equations.append(e)
    inputs = tuple(difference if s is weights else turned.get(s, s) for s in model.inputs)
    reduced = Model(inputs, tuple(equations), (), model.hypers, model.title)  # type: ignore[arg-type]
    return Paired(reduced, weights.name, difference.name, tuple(s.name for s in targets))


def _summed_over_pair(expr: Expr, turned: dict[Expr, Expr]) -> Expr | None:
    """Each sum over the two classes as f(p, y) + f(1 - p, 1 - y); None if a class is used in another way."""
    if isinstance(expr, Sum) and expr.axis == 0 and isinstance(expr.args[0], Map):
        inner = expr.args[0]
        if not all(arg in turned for arg in inner.args):
            return None
        other = inner.function.xreplace({placeholder(i): 1 - placeholder(i) for i in range(len(inner.args))})
        same = sympy.expand(other - inner.function) == 0  # as with (p - y)^2, which is the same for both classes
        both = 2 * inner.function if same else inner.function + other
        return fused(both, tuple(turned[arg] for arg in inner.args))
    if expr in turned:
        return None
    args = [_summed_over_pair(arg, turned) for arg in expr.args]
    if any(arg is None for arg in args):
        return None
    return expr.rebuilt(tuple(args)) if args else expr  # type: ignore[arg-type]
