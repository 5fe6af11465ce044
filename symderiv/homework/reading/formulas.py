"""What a written formula says, before anybody decides what it means: a neutral tree with a place on every node.

Juxtaposition and each product sign stay distinct, a superscript is a superscript, and `f(x)` is a name beside a group:
whether it is a layer, a power, a transpose or an application is for later stages, which know the document's symbols.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields, replace
from fractions import Fraction as Rational
from typing import Any, TypeVar


class _Kept:
    """Room beside the fields for what was once worked out of a node, which never changes: compared and shown nowhere."""

    __slots__ = ("_below", "_sorted", "_walked")
    _below: tuple[Node, ...]
    _sorted: dict[type[Node], list[Node]]
    _walked: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Node(_Kept):
    """`span` is the half-open range of characters in the document."""

    span: tuple[int, int] = field(compare=False)


N = TypeVar("N", bound=Node)


@dataclass(frozen=True, slots=True)
class Number(Node):
    """A number as printed: `digits` after the decimal point (None: a whole number), percentages already divided by 100."""

    text: str
    value: Rational
    digits: int | None = None


@dataclass(frozen=True, slots=True)
class Name(Node):
    r"""One name: `base` in ASCII (`w`, `W`, `delta`, `Delta`, `sigma`, `net`, `target`), accents from the inside out.

    `\hat y`, `ŷ`, `y_hat` and `yhat` are base `y` with accent `hat`; bold, calligraphic and upright make no difference.
    Accents: hat, bar (also overline), tilde, dot, ddot, vec is dropped; star and dagger are scripts.
    `dW`, `d\Theta`, `d\hat y`, `\mathrm{d}W` are one name (`dW`, `dTheta`, `dy` with `hat`) unless the document has a quantity d.
    """

    base: str
    accents: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Script(Node):
    """One item of a script. `bracket` is '' (`W^1`), '[' (`W^{[1]}`) or '(' (`W^{(1)}`)."""

    body: Node
    bracket: str = ""


@dataclass(frozen=True, slots=True)
class Scripted(Node):
    """A base with scripts: `W^{[1]}_{ij}` has upper ([1],) and lower (i, j). A run of digits stays one Number: `w_{12}`.

    `^T`, `^\\top` are not scripts but Transposed, also in company: `W^{1T}` is Transposed(Scripted(W, upper=(1,))).
    """

    base: Node
    lower: tuple[Script, ...] = ()
    upper: tuple[Script, ...] = ()
    primes: int = 0


@dataclass(frozen=True, slots=True)
class Transposed(Node):
    """`A^T`, `A^\\top`, `A.T`; not `A'`, which is a prime."""

    body: Node


@dataclass(frozen=True, slots=True)
class Group(Node):
    r"""Brackets round items separated by `,` `;` or `|`: '(' '[' '{' '|' (absolute value or norm bar) '||' (norm)."""

    bracket: str
    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Sum(Node):
    """Terms with their signs, +1 or -1 (0: `\\pm`). A lone `-a` is a Sum of one term."""

    terms: tuple[tuple[int, Node], ...]


@dataclass(frozen=True, slots=True)
class Product(Node):
    r"""Factors in written order; `marks[i]` stands between factor i and i+1, '' where they only stand side by side.

    Marks: '' `*` (also `\ast`) `cdot` `times` `odot` (also `\bullet`, `⊙`) `circ` `otimes` `.*` `@` `/` (a division in the line).
    A juxtaposed run binds closer than a sign in plain text only where white space says so; the order is as written.
    """

    factors: tuple[Node, ...]
    marks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Fraction(Node):
    """`\\frac{above}{below}`, also `½`."""

    above: Node
    below: Node


@dataclass(frozen=True, slots=True)
class Power(Node):
    """`a**b`, `a.^b`, `exp`-free: only where the writer used a power sign of code. `a^2` is Scripted."""

    base: Node
    exponent: Node


@dataclass(frozen=True, slots=True)
class Root(Node):
    """`\\sqrt{body}`."""

    body: Node


@dataclass(frozen=True, slots=True)
class Derivative(Node):
    r"""`\frac{dL}{dw}`, `∂L/∂w`, `dL/dw`, `\partial_w L`, `\nabla_W J`, `D_x E`, `J_s(h)` (style 'jacobian').

    style: 'd', 'partial', 'nabla', 'D', 'jacobian'. Operators are already applied: `\frac{\partial}{\partial a}[..]` has
    top the rest of the product, `\nabla_W J` only the next factor with its argument list. top None: nothing to apply it to.
    What stands above the sign belongs to the bottom: `\nabla_W^{(l)} J` has the bottom W with upper (l).
    """

    top: Node | None
    bottom: Node
    style: str = "partial"


@dataclass(frozen=True, slots=True)
class Call(Node):
    r"""A function that is certain: `\log x`, `\tanh(z)`, `\max(0, z)`, `softmax(z)`, `np.sum(Z, axis=1)`, `\mathrm{diag}(v)`.

    `function` is a Name, or Scripted for `\tanh^2 z`, `softmax'(z)`. `f(x)` with a one-letter f stays a Product.
    """

    function: Node
    arguments: tuple[Node, ...]
    keywords: tuple[tuple[str, Node], ...] = ()


@dataclass(frozen=True, slots=True)
class BigSum(Node):
    r"""`\sum_{i=1}^{n} body` (or 'prod'); index names and bounds as far as written. The body is the rest of the product."""

    kind: str
    indices: tuple[Node, ...]
    start: Node | None
    end: Node | None
    body: Node

    @property
    def letters(self) -> list[str]:
        """What it runs over, as far as it is letters."""
        return [i.base for i in self.indices if isinstance(i, Name)]


@dataclass(frozen=True, slots=True)
class Matrix(Node):
    """Rows of entries, at least one each: `\\begin{bmatrix}`, `[1 2; 3 4]`, `[[1, 2], [3, 4]]`."""

    rows: tuple[tuple[Node, ...], ...]


@dataclass(frozen=True, slots=True)
class Cases(Node):
    """`\\begin{cases}`: (value, condition) pairs, the condition as a Comparison, a Text or None."""

    rows: tuple[tuple[Node, Node | None], ...]


@dataclass(frozen=True, slots=True)
class Comparison(Node):
    """`z > 0` inside a formula (indicators, masks, conditions): '<' '>' '<=' '>=' '=' '!='."""

    left: Node
    sign: str
    right: Node


@dataclass(frozen=True, slots=True)
class Text(Node):
    """Words inside a formula."""

    text: str


@dataclass(frozen=True, slots=True)
class Ellipsis(Node):
    """`\\dots`, `\\cdots` as left-out terms."""


@dataclass(frozen=True, slots=True)
class Unread(Node):
    """What could not be read, and why. Never an exception: the rest of the document goes on."""

    source: str
    reason: str


def children_of(node: Node) -> tuple[Node, ...]:
    """The nodes directly below a node, in written order."""
    known: tuple[Node, ...] | None = getattr(node, "_below", None)
    if known is None:
        found: list[Node] = []
        for name in _parts(node.__class__):
            _collect(getattr(node, name), found)
        known = tuple(found)
        object.__setattr__(node, "_below", known)
    return known


def _parts(kind: type[Node]) -> tuple[str, ...]:
    """The fields of a kind that can hold nodes."""
    names = _PARTS.get(kind)
    if names is None:
        names = _PARTS[kind] = tuple(f.name for f in fields(kind) if "Node" in str(f.type) or "Script" in str(f.type))
    return names


_PARTS: dict[type[Node], tuple[str, ...]] = {}


def _collect(value: object, found: list[Node]) -> None:
    """The nodes in the value of a field."""
    if isinstance(value, Node):
        found.append(value)
    elif isinstance(value, tuple):
        for item in value:
            _collect(item, found)


def walk(node: Node) -> Iterator[Node]:
    """A node and everything below it."""
    return iter(getattr(node, "_walked", None) or _walked(node))


def _walked(node: Node) -> tuple[Node, ...]:
    """A dozen passes over each tree ask for the same nodes; of a huge tree they are not kept, or deep ones would fill memory."""
    stack, found = [node], []
    while stack:
        at = stack.pop()
        found.append(at)
        stack.extend(reversed(children_of(at)))
    nodes = tuple(found)
    if len(nodes) <= MAX_KEPT:
        object.__setattr__(node, "_walked", nodes)
    return nodes


MAX_KEPT = 500


def of_kind(node: Node, kind: type[N]) -> list[N]:
    """The nodes of one kind in a tree, in written order."""
    known: dict[type[Node], list[Any]] | None = getattr(node, "_sorted", None)
    if known is None:
        known = {}
        for each in walk(node):
            known.setdefault(type(each), []).append(each)
        object.__setattr__(node, "_sorted", known)
    return known.get(kind, [])


def without_brackets(node: Node) -> Node:
    """What stands inside brackets round one thing."""
    while isinstance(node, Group) and len(node.items) == 1 and node.bracket in "([{":
        node = node.items[0]
    return node


def rebuilt(node: Node, visit: Callable[[Node], Node]) -> Node:
    """The node with everything directly below it visited; itself where that changes nothing."""
    changed: dict[str, Any] = {}
    for name in _parts(node.__class__):
        value = getattr(node, name)
        new = visit(value) if isinstance(value, Node) else _all_visited(value, visit) if value else value
        if new is not value:
            changed[name] = new
    return replace(node, **changed) if changed else node


def with_factors_joined(
    product: Product, joined: Callable[[int], Node | None], visit: Callable[[Node], Node] = lambda factor: factor
) -> Node:
    """The product with one node for each pair of factors that `joined` has one for, by the place of the first of them.

    visit: what becomes of the other factors.
    """
    factors: list[Node] = []
    marks: list[str] = []
    at = 0
    while at < len(product.factors):
        marks += product.marks[at - 1 : at] if at else ()
        pair = joined(at) if at + 1 < len(product.factors) else None
        factors.append(visit(product.factors[at]) if pair is None else pair)
        at += 1 if pair is None else 2
    return factors[0] if len(factors) == 1 else replace(product, factors=tuple(factors), marks=tuple(marks))


def with_factors_opened(product: Product, opened: Callable[[Node], Product | None]) -> Product:
    """The product with the factors of an inner one in the place of each factor that `opened` has one for."""
    factors: list[Node] = []
    marks: list[str] = []
    for mark, factor in zip(("", *product.marks), product.factors, strict=True):
        inner = opened(factor)
        factors += (factor,) if inner is None else inner.factors
        marks += (mark,) if inner is None else (mark, *inner.marks)
    return replace(product, factors=tuple(factors), marks=tuple(marks[1:]))


def _all_visited(values: tuple[Any, ...], visit: Callable[[Node], Node]) -> tuple[Any, ...]:
    out: list[Any] = []
    same = True
    for value in values:  # no comprehension: deep trees need the frames
        if isinstance(value, Node):
            new: Any = visit(value)
        else:
            new = _all_visited(value, visit) if isinstance(value, tuple) else value
        same = same and new is value
        out.append(new)
    return values if same else tuple(out)
