"""`J(W, b)` of all examples beside `J(W, b; x, y)` of one: one letter, told apart by what it is applied to."""

from __future__ import annotations

from collections.abc import Iterator

from symderiv.homework.reading.formulas import Group, Name, Node, Product, Scripted, rebuilt, with_factors_joined
from symderiv.homework.reading.statements import Document
from symderiv.homework.understanding.symbols import LOSS_BASES

EXAMPLES = frozenset({"x", "y", "t", "X", "Y", "T", "z", "d"})  # an input, its target, or the pair of them
FREE_LETTERS = ("L", "ell", "C", "E")


def with_example_losses(document: Document) -> Document:
    """The loss of one example under a letter of its own, where the document tells it from that of all by its arguments."""
    applied = {found for n in document.of_kind(Product) for found in _applications(n)}
    shared = {
        long for long in applied for short in applied if long[0] == short[0] and _is_of_one_example(short[1], long[1])
    }
    used = {n.base for n in document.of_kind(Name)}
    letter = next((each for each in FREE_LETTERS if each not in used), None)
    if letter is None or len({base for base, _ in shared}) != 1:
        return document
    base, arguments = shared.pop()

    def visit(node: Node) -> Node:
        if isinstance(node, Product) and (base, arguments) in _applications(node):
            node = _renamed(node, (base, arguments), letter)
        return rebuilt(node, visit)

    return document.with_sides(visit)


def _applications(product: Product) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The losses before their arguments, and the letters of these: `J(W, b; x^{(i)}, y^{(i)})` has W, b, x, y."""
    for head, group in zip(product.factors, product.factors[1:], strict=False):
        if isinstance(head, Name) and head.base in LOSS_BASES and isinstance(group, Group):
            yield head.base, tuple(_letter(item) for item in group.items)


def _letter(node: Node) -> str:
    inner = node.base if isinstance(node, Scripted) else node
    return inner.base if isinstance(inner, Name) else ""


def _is_of_one_example(short: tuple[str, ...], long: tuple[str, ...]) -> bool:
    """Whether arguments go on with an example."""
    return len(long) > len(short) > 0 and long[: len(short)] == short and set(long[len(short) :]) <= EXAMPLES


def _renamed(product: Product, application: tuple[str, tuple[str, ...]], letter: str) -> Node:
    """`J(W, b; x^{(i)}, y^{(i)})` as `L^{(i)}`, whatever stands around it."""

    def loss(at: int) -> Node | None:
        pair = Product(product.span, product.factors[at : at + 2], product.marks[at : at + 1])
        return _named(pair, letter) if application in _applications(pair) else None

    return with_factors_joined(product, loss)


def _named(pair: Product, letter: str) -> Node:
    """The letter, with the scripts that the example has."""
    head, group = pair.factors
    example = group.items[-1] if isinstance(group, Group) else head
    name = Name(head.span, letter)
    is_one = isinstance(example, Scripted) and (example.lower or example.upper)
    return Scripted(pair.span, name, example.lower, example.upper) if is_one and isinstance(example, Scripted) else name
