"""What a derivation's document says, in order: the network, every gradient step by step, the updates, single weights,
and how it was checked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from symderiv.calculus.derivation import Adjoint, Contribution, Derivation
from symderiv.calculus.expressions import (
    Augment,
    Broadcast,
    Expr,
    Map,
    Softmax,
    Symbol,
    functions_in,
    parts_of,
    symbols_in,
)
from symderiv.calculus.functions import Elementwise, placeholder, step
from symderiv.calculus.model import Equation
from symderiv.calculus.shapes import ONE, SCALAR, Size
from symderiv.documents.beside import AT_A_GLANCE, ONE_WEIGHT, STEP_BY_STEP, Beside
from symderiv.documents.content import (
    Block,
    Bullets,
    Document,
    Formula,
    Paragraph,
    Picture,
    Section,
    Table,
    WeightPath,
)
from symderiv.documents.explanations import explain
from symderiv.documents.latex import POWER, Printer, Tex
from symderiv.documents.notation import notation_of
from symderiv.documents.numbers import numbers_section, rate_letter
from symderiv.documents.svg import draw, weight_key
from symderiv.errors import ModelError
from symderiv.oracles.checks import QUICK, Report, cross_check, oracle_names
from symderiv.views.index import UNIT, Entry, Index, Place, entry, first_index
from symderiv.views.paths import Path, TooManyPaths, check_paths, local_derivatives, parse_weight, paths_from
from symderiv.views.picture import Graph, graph_of, picture_sizes
from symderiv.views.worked import Worked

LONGEST_CLOSED = 900
"""A closed form of more characters of LaTeX than this is not written out: its named form says more."""
MOST_PARTS = 90
MAX_PICKED = 40
LONGEST_INLINE = 90
CLICK = "Click a weight to see its paths to the loss."


def document_of(
    derivation: Derivation,
    *,
    title: str = "",
    about: str = "",
    weight: str = "",
    report: Report | None = None,
    numbers: tuple[Worked, Worked | None] | None = None,
) -> Document:
    """The document of a derivation, proven right first.

    weight: the entry (`W1[2,1]`) whose paths are shown first; report: the cross-check, made here if it is None;
    numbers: the derivation at given values, and once more with the roundings of its source.
    Raises: CheckFailed if a gradient or a step is wrong: then there is no document.
    """
    report = report or cross_check(derivation, oracles=QUICK)
    return _Author(derivation, weight, report, numbers).document(title or derivation.model.title or "Derivation", about)


@dataclass
class _Author:
    derivation: Derivation
    weight: str
    report: Report
    numbers: tuple[Worked, Worked | None] | None = None

    def __post_init__(self) -> None:
        self.model = self.derivation.model
        self.p = Printer(notation_of(self.model, self.derivation.options))
        self.n = self.p.notation
        self.beside = Beside(self.derivation, self.p, numbers=self.numbers is not None)
        self.counted: dict[Expr, int] = {}

    def document(self, title: str, about: str) -> Document:
        weights = self.weights()  # first: the other parts link to the weights that it shows
        sections: list[Section | None] = [self.result(), self.network(), self.steps(), self.updates(), weights]
        sections += [numbers_section(*self.numbers, self.beside) if self.numbers else None, self.checks()]
        return Document(title, about, tuple(section for section in sections if section))

    # The parts of the document

    def result(self) -> Section:
        """The gradients at a glance."""
        return Section("The result", "result", (*map(self.gradient, self.derivation.gradients), *self.conventions()))

    def gradient(self, name: str) -> Formula:
        """One gradient: in terms of the derivatives before it, and in forward values alone."""
        adjoint = self.derivation.adjoint(name)
        shown = self.shown(adjoint)
        named, closed = self.p.latex(adjoint.named), self.p.latex(shown)
        lines = [(self.n.adjoint(adjoint.symbol), named, f"${self.p.shape(adjoint.quantity.shape)}$")]
        if closed != named:
            lines.append(("", closed, ""))
        return Formula(
            tuple(lines),
            key=f"r-{name}",
            quantities=self.beside.shapes(adjoint.symbol, adjoint.named, shown),
            numpy=self.beside.numpy((adjoint.symbol, shown)),
            also=self.beside.also(adjoint.symbol, AT_A_GLANCE),
        )

    def conventions(self) -> Iterator[Block]:
        items = []
        if any(symbol.shape != SCALAR for symbol in self.model.inputs):
            items.append(
                r"$\odot$ multiplies entry by entry; a fraction, a power and a function of a matrix are taken entry by entry, "
                "and a number added to a matrix is added to every entry."
            )
        samples = self._broadcast_size()
        if samples:
            size, ones = self.p.size(samples), self.p.ones(samples, row=False)
            items.append(
                f"${ones}$ is a column of ${size}$ ones: a product with it, or with the row "
                f"${self.p.ones(samples, row=True)}$, repeats something ${size}$ times or adds up ${size}$ entries."
            )
        if any(isinstance(e, Augment) for equation in self.model.equations for e in parts_of(equation.value)):
            items.append(
                "A tilde means: with a 1 put first; the weights that meet it are the bias. Its indices start at 0."
            )
        items += self._definitions()
        items += [f"{note[0].upper()}{note[1:]}." for note in self._function_notes()]
        if len(self.model.terms) > 1:
            terms = " + ".join(self.n.term(term.name) for term in self.model.terms)
            items.append(
                f"The loss has several terms, ${self.n.loss} = {terms}$. Each is propagated on its own; they are added where "
                "they meet, before the first matrix product on the way back or at a parameter."
            )
        for assumption in self.derivation.assumptions:
            what = "column" if assumption.axis == 0 else "row"
            items.append(
                f"*Assumption:* each {what} of ${self.n.name(assumption.name)}$ sums to 1. It is used where marked below."
            )
        if items:
            yield Bullets(tuple(items))

    def _broadcast_size(self) -> Size | None:
        for equation in self.model.equations:
            for part in parts_of(equation.value):
                if isinstance(part, Broadcast) and part.args[0].shape != SCALAR:
                    return part.shape[part.axes[0]]
        return None

    def _definitions(self) -> list[str]:
        """What the functions of the model and of its slopes are."""
        shown = [e.value for e in self.model.equations] + [adjoint.named for adjoint in self.derivation]
        found = {
            f for expr in shown for f in functions_in(expr) if isinstance(f, Elementwise) and not isinstance(f, step)
        }
        used = {f.func(placeholder(0), *f.args[1:]) for f in found}
        x = {placeholder(0): Tex("x")}
        forms = sorted(f"{self.p.scalar(f, x, True).text} = {self.p.scalar(f.definition, x, True).text}" for f in used)
        brackets = (
            [r"$\mathbf{1}[\ldots]$ is 1 where the condition holds, else 0."] if any("> 0" in f for f in forms) else []
        )
        return [f"${form}$." for form in forms] + brackets

    def _function_notes(self) -> list[str]:
        kinds = {type(f) for e in self.model.equations for f in functions_in(e.value)}
        return sorted(kind.note for kind in kinds if issubclass(kind, Elementwise) and kind.note)

    def network(self) -> Section:
        """The forward pass: equations, shapes, the same entry by entry, and the picture."""
        lines, entries = [], []
        for equation in self.model.equations:
            if equation.name in self.model.relevant:
                shape = "" if equation.symbol.shape == SCALAR else f"${self.p.shape(equation.symbol.shape)}$"
                lines.append(
                    (
                        self.p.latex(equation.symbol),
                        self.p.latex(equation.value),
                        self._axis_note(equation.value) or shape,
                    )
                )
                row, column = self._indices(equation.symbol)
                left = self.p.index_tex(Entry(equation.symbol, row, column)).text
                right = self.p.index_tex(entry(equation.value, row, column, self.p.letters)).text
                entries.append((left, right, ""))
        equations = [(e.symbol, e.value) for e in self.model.equations if e.name in self.model.relevant]
        shapes = self.beside.shapes(*(part for equation in equations for part in equation))
        forward = Formula(tuple(lines), quantities=shapes, numpy=self.beside.numpy(*equations))
        blocks: list[Block] = [Paragraph("Forward pass, with the shape of each value:"), forward]
        rows = [(f"${self.p.latex(s)}$", s.role, f"${self.p.shape(s.shape)}$") for s in self.model.inputs]
        rows += [(f"${self.n.name(s.name)}$", "hyper-parameter", "a number") for s in self.model.hypers]
        blocks.append(Table(("name", "role", "shape"), tuple(rows)))
        if any(s.shape != SCALAR for s in self.model.symbols.values()):
            blocks += [Paragraph("The same entry by entry:"), Formula(tuple(entries), quantities=shapes)]
        if self.graph:
            blocks.append(Picture(draw(self.graph, self.n, "The network for one sample"), self._caption()))
        return Section("The network", "network", tuple(blocks))

    def _axis_note(self, value: Expr) -> str:
        if isinstance(value, Softmax):
            which = "column by column" if value.axis == 0 else "row by row"
            return f"${self.p.shape(value.shape)}$, {which}"
        return ""

    def _caption(self) -> str:
        sizes = self._sizes_in_words(self.sizes)
        at = f" at {sizes}" if sizes else ""
        return f"One sample{at}. {CLICK}"

    def _sizes_in_words(self, values: Mapping[str, int]) -> str:
        """The values of the named sizes, for a caption or a sentence."""
        sizes = {
            size.name: size for s in self.model.symbols.values() for size in s.shape if size.name and not size.offset
        }
        return ", ".join(_size_as(self.p.size(sizes[name]), value) for name, value in values.items() if name in sizes)

    def steps(self) -> Section:
        """Every adjoint, from the loss backwards."""
        intro = Paragraph(
            "From the loss backwards. Each derivative has the shape of the quantity it is taken with respect to; each line "
            "says what it uses."
        )
        sections = [self.adjoint(adjoint) for adjoint in self.derivation]
        return Section("Step by step", "steps", (intro,), tuple(sections))

    def adjoint(self, adjoint: Adjoint) -> Section:
        """How one adjoint comes about: chain rule, local derivatives, matrix form, substitution, cancellation."""
        blocks: list[Block] = []
        if adjoint.parts:
            blocks.append(
                Paragraph(
                    "The terms of the loss meet here, before the first matrix product on the way back, and are added."
                )
            )
        uses: dict[tuple[str, str], list[Contribution]] = {}
        for contribution in adjoint.contributions:
            uses.setdefault((contribution.via, contribution.term), []).append(contribution)
        if len(uses) > 1:
            added = " + ".join(f"s_{{{k}}}" for k in range(1, len(uses) + 1))
            quantity = self.p.latex(adjoint.quantity)
            blocks.append(Paragraph(f"${quantity}$ is used in {len(uses)} places; their shares ${added}$ are added."))
        for k, group in enumerate(uses.values(), 1):
            blocks += self.chain(adjoint, group, f"s_{{{k}}}" if len(uses) > 1 else "")
        blocks += self.matrix_form(adjoint)
        title = f"${self.n.adjoint(adjoint.symbol)}$"
        term = f", term {adjoint.term}," if adjoint.term else ""
        spoken = f"derivative of {self.model.loss.name}{term} with respect to {adjoint.quantity.name}"
        also = self.beside.also(adjoint.symbol, STEP_BY_STEP)
        return Section(title, f"d-{adjoint.symbol.name}", tuple(blocks), spoken=spoken, also=also)

    def chain(self, adjoint: Adjoint, uses: list[Contribution], share: str) -> Iterator[Block]:
        """The chain rule through one equation, entry by entry, and why each step is right.

        uses: what came through that equation, from one term of the loss; share: the name of the result where it is
        only one of several that are added, else ''.
        """
        via, term = uses[0].via, uses[0].term
        equation = self.model.equation(via)
        assert equation is not None
        in_loss = equation is self.model.loss
        if in_loss and term:
            equation = Equation(equation.symbol, next(t.value for t in self.model.terms if t.name == term))
        row, column = self._indices(adjoint.quantity)
        bottom = Entry(adjoint.quantity, row, column)
        quantity = self.p.latex(adjoint.quantity)
        top_name = self.n.term(term) if in_loss else self.p.latex(equation.symbol)
        written = f"{top_name} = {self.p.latex(equation.value)}"
        lead = f"${quantity}$ is used in ${written if len(written) <= LONGEST_INLINE else top_name}$"
        if in_loss and not share:
            lead = f"${quantity}$ stands in the loss itself" + (f", in its term ${top_name}$" if term else "")
        yield Paragraph(f"{lead}; its share of the derivative is ${share}$." if share else f"{lead}.")
        name = self.p.index_tex(bottom).text
        left = share or self.n.derivative_of(self.n.term(adjoint.term), name)
        above = self.derivation.by_symbol
        source = None if in_loss else (above.get(f"{via}_bar_{term}") or above[f"{via}_bar"]).symbol
        shares, lines = [], []
        for factor, fresh in local_derivatives(equation, bottom, self.p.letters, ()):
            top = top_name if in_loss else self.p.index_tex(factor.top).text
            sums = " ".join(self.p.sigma(index) for index in fresh if isinstance(index, Index))
            slope = self.p.index_tex(factor.value)
            if source is None:
                shares.append((slope.text, ""))
            else:
                cotangent = f"{sums} {self.n.adjoint(source, self.p.places(factor.top.row, factor.top.column))}".strip()
                times = "" if factor.value == UNIT else rf" \, {slope.within(POWER)}"
                shares.append((f"{cotangent}{times}", cotangent))
            lines.append((self.n.derivative_of(top, name), slope.text, "local derivative"))
        if not shares:
            lines = [(left, "0", "its entries cancel there")]
        elif len(shares) > 1:
            # Several occurrences in one equation: each line of its own would claim to be the whole.
            lines = [(left, " + ".join(text for text, _ in shares), "chain rule, one summand for each occurrence")]
        elif not in_loss:
            lines.insert(0, (left, rf"{shares[0][1]} \, {lines[0][0]}", "chain rule"))
        elif share:
            lines = [(left, shares[0][0], "local derivative")]
        elif lines[0][1] == self.p.latex(adjoint.closed):
            lines = []
        if lines:
            above_it = (source,) if source is not None else ()
            shapes = self.beside.shapes(adjoint.quantity, equation.symbol, equation.value, *above_it)
            yield Formula(tuple(lines), quantities=shapes)
        steps = [step for contribution in uses for step in contribution.steps]
        reasons = dict.fromkeys(filter(None, (explain(step, self.p) for step in steps)))
        if reasons:
            yield Bullets(tuple(reasons))

    def matrix_form(self, adjoint: Adjoint) -> Iterator[Block]:
        """The adjoint in matrices: as it arrives, with shapes, with earlier results put in, and cancelled."""
        left, short = self.n.adjoint(adjoint.symbol), self.is_short(adjoint.closed)
        closed = self.p.latex(adjoint.closed) if short else ""
        used = sorted((s for s in symbols_in(adjoint.named) if s.role == "adjoint"), key=lambda s: s.name)
        earlier: dict[Expr, Expr] = {s: self.derivation.by_symbol[s.name].closed for s in used}
        self.p.replace = dict(earlier) if short else {}
        substituted = self.p.latex(adjoint.named)
        self.p.replace = {}
        named = self.p.latex(adjoint.named)
        forms = [(named, ""), (substituted, "earlier results put in")]
        if adjoint.raw is not adjoint.named:
            forms.insert(0, (self.p.latex(adjoint.raw), "as it arrives"))
        lines: list[tuple[str, str, str]] = []
        seen = {closed} if short else set()
        for text, reason in forms:
            if text not in seen:
                seen.add(text)
                if not reason:
                    text, reason = self.p.shaped(adjoint.named), "in matrices, with shapes"
                    if adjoint.quantity.shape == SCALAR:
                        text, reason = named, "together"
                lines.append(("" if lines else left, text, reason))
        shapes = self.beside.shapes(adjoint.symbol, adjoint.named, *((adjoint.closed,) if short else ()))
        if lines:
            yield Formula(tuple(lines), quantities=shapes, numpy=self.beside.numpy((adjoint.symbol, adjoint.named)))
        reasons = list(dict.fromkeys(filter(None, (explain(step, self.p) for step in adjoint.rewrites))))
        reasons += [
            f"*Cancellation:* ${below}$ stands below the line in ${self.n.adjoint(s)}$ and is multiplied back here, so it drops out."
            for s, value in earlier.items()
            if isinstance(s, Symbol)
            and s in (adjoint.named.args if isinstance(adjoint.named, Map) else ())
            and (below := self.p.denominator(value))
            and not self.p.denominator(adjoint.closed)
        ]
        if reasons:
            yield Bullets(tuple(reasons))
        row, column = self._indices(adjoint.quantity)
        if adjoint.quantity.shape != SCALAR and used:
            index = self.p.index_tex(entry(adjoint.named, row, column, self.p.letters)).text
            lines = [(self.n.adjoint(adjoint.symbol, self.p.places(row, column)), index, "entry by entry")]
            yield Formula(tuple(lines), quantities=self.beside.shapes(adjoint.symbol, adjoint.named))
        if short:
            yield Formula(
                ((left, closed, f"${self.p.shape(adjoint.quantity.shape)}$"),),
                result=True,
                quantities=self.beside.shapes(adjoint.symbol, adjoint.closed),
                numpy=self.beside.numpy((adjoint.symbol, adjoint.closed)),
            )
        else:
            yield Paragraph(
                "Written out in forward values alone this becomes long; the form above is the one to compute."
            )

    def shown(self, adjoint: Adjoint) -> Expr:
        """The closed form, or the named one where the closed one is too long to read."""
        return adjoint.closed if self.is_short(adjoint.closed) else adjoint.named

    def is_short(self, expr: Expr) -> bool:
        """Whether an expression is worth writing out; the parts are counted first, which is cheap for a deep one."""
        return self._parts_in(expr) <= MOST_PARTS and len(self.p.latex(expr)) <= LONGEST_CLOSED

    def _parts_in(self, expr: Expr) -> int:
        if expr not in self.counted:
            self.counted[expr] = 1 + sum(map(self._parts_in, expr.args))
        return self.counted[expr]

    def updates(self) -> Section | None:
        """Gradient descent."""
        rate = rate_letter(self.model)
        lines = []
        slopes = {symbol: self.derivation.adjoint(symbol.name).symbol for symbol in self.model.parameters}
        for symbol, slope in slopes.items():
            name = self.p.latex(symbol)
            lines.append((name, rf"{name} - {rate} \, {self.n.adjoint(slope)}", ""))
        if not lines:
            return None
        text = (
            f"Gradient descent with the learning rate ${rate}$ moves every parameter against its gradient. All gradients are "
            "taken at the old values, then all parameters change together:"
        )
        step = Formula(tuple(lines), relation=r"\leftarrow", quantities=self.beside.shapes(*slopes, *slopes.values()))
        return Section("The updates", "updates", (Paragraph(text), step))

    def weights(self) -> Section:
        """Single weights: each as the sum over its paths."""
        chosen = parse_weight(self.weight, self.model) if self.weight else None
        blocks: list[Block] = [
            Paragraph(
                "The derivative with respect to one weight is the sum, over all paths from it to the loss, of the product of "
                "the local derivatives on the path. Where an entry reaches many others, the path carries an index that is "
                "summed over. A factor here is the derivative through that one equation alone, everything else in it held "
                "fixed; where a quantity occurs in an equation several times, each occurrence has a path and a factor of its own."
            )
        ]
        picked = self._picked(chosen)
        typical = {chosen, *(self._typical(symbol, picked) for symbol in self.model.parameters)}
        if chosen is not None and self._symbol(chosen).name not in self.derivation.gradients:
            raise ModelError(
                f"{self._symbol(chosen).name} is data", "--inputs derives with respect to the data as well"
            )
        for k, (weight, key) in enumerate(picked.items()):
            shown = weight == chosen or (chosen is None and k == 0)
            try:
                paths = paths_from(self.model, weight)
            except TooManyPaths as error:
                if weight == chosen:
                    raise
                blocks.append(Paragraph(f"${self.p.index_tex(weight).text}$ is left out: {error.message}."))
                continue
            blocks.append(self.weight_path(weight, paths, key, shown, weight in typical))
            if weight in typical:
                self.beside.weights.setdefault(self._symbol(weight).name, f"path-{key}")
        return Section("One weight at a time", "weights", tuple(blocks))

    def _picked(self, chosen: Entry | None) -> dict[Entry, str]:
        """The weights to explain, with their keys: the chosen one, every one in the picture, one of each parameter."""
        found: dict[Entry, str] = {}
        if chosen is not None:
            found[chosen] = weight_key((self._symbol(chosen), *self._position(chosen)))
        drawn = self.graph.uses if self.graph and len(self.graph.uses) <= MAX_PICKED else {}
        for symbol in self.model.parameters:
            places = sorted((row, column) for s, row, column in drawn if s is symbol) or [
                (1, 0) if ONE not in symbol.shape else (0, 0)
            ]
            found.update((self._entry(symbol, *place), weight_key((symbol, *place))) for place in places)
        return found

    def _typical(self, symbol: Symbol, picked: dict[Entry, str]) -> Entry:
        """The weight of a parameter that stands for the others: off the diagonal if there is one, so that i and j differ."""
        own = [weight for weight in picked if weight.matrix is symbol]
        return next((w for w in own if w.row != w.column), own[0]) if own else self._entry(symbol, 0, 0)

    def _entry(self, symbol: Symbol, row: int, column: int) -> Entry:
        places: list[Place] = []
        for size, number in zip(symbol.shape, (row, column), strict=True):
            places.append(None if size == ONE else number + first_index(size))
        return Entry(symbol, places[0], places[1])

    def _position(self, weight: Entry) -> tuple[int, int]:
        position = []
        for size, place in zip(weight.matrix.shape, (weight.row, weight.column), strict=True):
            position.append(place - first_index(size) if isinstance(place, int) else 0)
        return position[0], position[1]

    def _symbol(self, weight: Entry) -> Symbol:
        assert isinstance(weight.matrix, Symbol)
        return weight.matrix

    def weight_path(self, weight: Entry, paths: tuple[Path, ...], key: str, chosen: bool, typical: bool) -> WeightPath:
        """The paths of one weight: factors named, then their values, compared with the gradient first."""
        check_paths(self.derivation, weight, paths)
        name = self.p.index_tex(weight).text
        left = self.n.derivative_of(self.n.loss, name)
        blocks: list[Block] = []
        if len(paths) > 1:
            parts = [f"p_{{{k}}}" for k in range(1, len(paths) + 1)]
            blocks.append(Paragraph(f"{len(paths)} paths lead to the loss, and what they carry is added:"))
            blocks.append(Formula(((left, " + ".join(parts), ""),), quantities=self.beside.shapes(weight)))
        for k, path in enumerate(paths, 1):
            start = left if len(paths) == 1 else f"p_{{{k}}}"
            arrows = r" \rightarrow ".join(self.n.name(quantity) for quantity in path.quantities)
            blocks.append(Paragraph(f"Path{f' {k}' if len(paths) > 1 else ''}: ${arrows}$."))
            lines = (
                (start, self._factors(path), "every factor named"),
                ("", self._factor_values(path), "every factor's value"),
            )
            ends = (end for f in path.factors for end in (f.top, f.bottom, f.value))
            blocks.append(Formula(lines, quantities=self.beside.shapes(*ends)))
        places = ",".join(str(place) for place in (weight.row, weight.column) if place is not None)
        spoken = f"{self._symbol(weight).name} {places}"
        also = self.beside.also(self.derivation.adjoint(self._symbol(weight).name).symbol, ONE_WEIGHT)
        return WeightPath(key, name, spoken, tuple(blocks), chosen, typical, also)

    def _factors(self, path: Path) -> str:
        sums = " ".join(self.p.sigma(index) for index in path.indices)
        factors = r" \; ".join(
            self.n.derivative_of(self.p.index_tex(f.top).text, self.p.index_tex(f.bottom).text) for f in path.factors
        )
        return f"{sums} {factors}".strip()

    def _factor_values(self, path: Path) -> str:
        sums = " ".join(self.p.sigma(index) for index in path.indices)
        values = [self.p.index_tex(f.value).within(POWER) for f in path.factors if f.value != UNIT]
        product = r" \cdot ".join(values) or "1"
        return f"{sums} {product}".strip()

    def checks(self) -> Section:
        """The table of the oracles, as part of the document."""
        oracles = oracle_names(self.report)
        quantities = dict.fromkeys(c.quantity for c in self.report.comparisons)
        rows = []
        for quantity in quantities:
            errors = [self.report.error(quantity, oracle) for oracle in oracles]
            rows.append((f"${self.n.name(quantity)}$", *(_error(e) for e in errors)))
        sizes = self._sizes_in_words(self.report.sizes)
        different = "pairwise different " if len(self.report.sizes) > 1 else ""
        at = f", at the {different}sizes {sizes}" if sizes else ""
        text = (
            f"Before this page was written, every gradient was compared with independent ways to the same number{at}. "
            f"The table holds the largest difference relative to the largest entry. Besides, each of the {self.report.steps} single "
            f"steps was checked to {self.report.digits} digits at a random point: a rewriting must not change the value, a "
            "derivative must agree with how the value really changes."
        )
        return Section(
            "How this was checked",
            "checks",
            (Paragraph(text), Table(("gradient with respect to", *oracles), tuple(rows))),
        )

    # Small things

    @cached_property
    def sizes(self) -> dict[str, int]:
        """The sizes of the picture."""
        return picture_sizes(self.model, self.n.sizes)

    @cached_property
    def graph(self) -> Graph | None:
        """The network drawn out, None if it is too large to draw."""
        return graph_of(self.model, self.sizes)

    def _indices(self, symbol: Symbol) -> tuple[Place, Place]:
        row = self.p.letters.index(symbol.shape[0])
        return row, self.p.letters.index(symbol.shape[1], (row,))


def _size_as(size: str, value: int) -> str:
    """The value of a size in a check or picture; a number that is too large for that is said to be replaced."""
    return f"${value}$ in place of ${size}$" if size.isdigit() else f"${size} = {value}$"


def _error(error: float | None) -> str:
    """An error for print. Rounding differs from machine to machine, so what is below 1e-12 is said as that."""
    if error is None:
        return "not run at this size"
    return "$< 10^{-12}$" if error < 1e-12 else f"{error:.0e}"
