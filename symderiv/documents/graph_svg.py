"""A computation graph as SVG, from left to right: the forward value above every edge, what comes back below it.

Every edge has a place of its own for its two numbers, between the columns of the nodes, so no label can meet another.
Columns, labels and the lines that pass by are all items that are put under each other without overlap, each as near as
possible to what it is connected with.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from xml.sax.saxutils import escape, quoteattr

import numpy as np

from symderiv.documents.svg import plain_name
from symderiv.oracles.evaluation import Array
from symderiv.views.digits import Digits
from symderiv.views.graph import ComputationGraph, Edge, Node

CHARACTER, LETTER = 7.4, 8.6
"""Widths of a character in the numbers and in the nodes, generously: fonts differ."""
NODE_HEIGHT, ROW, PASSING, APART = 30, 14, 10, 12
BRACKET = 5
CURVE, MARGIN = 26, 14
MOST_ROWS, LONGEST_ROW, MATRIX_DIGITS = 4, 32, 4
"""A matrix with more rows, or longer ones, stands on its edge by its shape; its entries have at most so many digits."""


@dataclass(eq=False)
class _Item:
    """A node, the label of an edge, or the place where a long edge passes a column."""

    width: float
    height: float
    node: Node | None = None
    edge: Edge | None = None
    x: float = 0.0
    y: float = 0.0
    left: list[_Item] = field(default_factory=list)
    right: list[_Item] = field(default_factory=list)


def draw_graph(graph: ComputationGraph, digits: Digits, title: str = "The computation graph with its numbers") -> str:
    """The graph as an SVG element with title and description; ids are from the title, for several on one page."""
    layers, routes = _layered(graph, digits)
    _order(layers)
    width, height = _place(layers)
    key = "".join(c if c.isalnum() else "-" for c in title.lower())
    parts = [
        f'<svg class="flow" viewBox="0 0 {width:g} {height:g}" role="img" '
        f'aria-labelledby={quoteattr(f"{key}-title {key}-desc")} xmlns="http://www.w3.org/2000/svg" '
        f'width="{width:g}" height="{height:g}">',
        f"<title id={quoteattr(f'{key}-title')}>{escape(title)}</title>",
        f"<desc id={quoteattr(f'{key}-desc')}>{escape(_described(graph, digits))}</desc>",
    ]
    parts += [_line(route) for route in routes]
    for item in (item for layer in layers for item in layer):
        if item.edge is not None:
            parts.append(_numbers(item, item.edge, digits))
        if item.node is not None:
            parts.append(_node(item, item.node))
    return "".join(parts) + "</svg>"


def _described(graph: ComputationGraph, digits: Digits) -> str:
    """The graph in words: for those who cannot see it."""
    said = []
    for edge in graph.edges:
        start, end = (node.name or node.label for node in (edge.start, edge.end))
        value, gradient = matrix_text(edge.value, digits), matrix_text(edge.gradient, digits)
        said.append(f"{start} to {end}: {value} forward, {gradient} back.")
    return " ".join(said)


def matrix_rows(matrix: Array, digits: Digits) -> list[str]:
    """A matrix as rows of equal length; a large one as its shape, `8 × 3`."""
    if matrix.size == 1:
        return [_minus(digits.text(matrix.item()))]
    if len(matrix) <= MOST_ROWS and matrix.size <= LONGEST_ROW * MOST_ROWS:
        few = replace(digits, count=min(digits.count, MATRIX_DIGITS))
        texts = [[_minus(few.text(x)) for x in row] for row in matrix]
        widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
        rows = [" ".join(text.rjust(width) for text, width in zip(row, widths, strict=True)) for row in texts]
        if len(rows[0]) <= LONGEST_ROW:
            return rows
    return [f"{matrix.shape[0]} × {matrix.shape[1]}"]


def matrix_text(matrix: Array, digits: Digits) -> str:
    """A matrix on one line, to be spoken: `24`, `[0; 24]` for a column."""
    rows = matrix_rows(matrix, digits)
    if matrix.size == 1 or "×" in rows[0]:
        return rows[0]
    return f"[{'; '.join(' '.join(row.split()) for row in rows)}]"


def _minus(text: str) -> str:
    return text.replace("-", "−")


# Columns: nodes in the even ones, the labels of edges in the odd ones


def _layered(graph: ComputationGraph, digits: Digits) -> tuple[list[list[_Item]], list[list[_Item]]]:
    depth = _depths(graph)
    layers: list[list[_Item]] = [[] for _ in range(2 * max(depth.values()) + 1)]
    items = {node: _Item(_node_width(node), NODE_HEIGHT + (16 if _is_named(node) else 0), node) for node in graph.nodes}
    for node, item in items.items():
        layers[2 * depth[node]].append(item)
    routes = []
    for edge in graph.edges:
        start, end = 2 * depth[edge.start], 2 * depth[edge.end]
        both = [matrix_rows(matrix, digits) for matrix in (edge.value, edge.gradient)]
        widest = max(len(row) for rows in both for row in rows)
        label = _Item(widest * CHARACTER + 10 + 2 * BRACKET, 2 * ROW * max(map(len, both)) + 10, edge=edge)
        route = [items[edge.start], label]
        layers[start + 1].append(label)
        for layer in range(start + 2, end):
            passing = _Item(0, PASSING)
            layers[layer].append(passing)
            route.append(passing)
        route.append(items[edge.end])
        for one, other in itertools.pairwise(route):
            one.right.append(other)
            other.left.append(one)
        routes.append(route)
    return layers, routes


def _depths(graph: ComputationGraph) -> dict[Node, int]:
    """The column of each node: after all that it takes; what takes nothing stands just before what uses it first."""
    depth: dict[Node, int] = {}
    for node in graph.nodes:
        depth[node] = max((depth[n] + 1 for n in node.inputs), default=0)
    for node in graph.nodes:
        if not node.inputs:
            depth[node] = min((depth[e.end] - 1 for e in graph.edges if e.start is node), default=0)
    return depth


def _is_named(node: Node) -> bool:
    """Whether the name of its value stands above an operation."""
    return bool(node.name and node.label)


def _node_width(node: Node) -> float:
    inside = node.label or _name(node)
    above = len(_name(node)) * LETTER if _is_named(node) else 0
    return max(NODE_HEIGHT, len(inside) * LETTER + 14, above)


def _name(node: Node) -> str:
    return plain_name(node.name).replace("|", "")


def _order(layers: list[list[_Item]]) -> None:
    """Reorder the items of each column by where their neighbours are, to and fro a few times: fewer lines cross."""
    for sweep in range(8):
        forwards = sweep % 2 == 0
        for layer in layers if forwards else layers[::-1]:
            rank = {item: k for column in layers for k, item in enumerate(column)}
            centre = {}
            for item in layer:
                near = item.left if forwards else item.right
                # Places count as shares of their column: columns have different numbers of items.
                centre[item] = sum(rank[n] for n in near) / len(near) if near else float(rank[item])
            layer.sort(key=centre.__getitem__)


def _place(layers: list[list[_Item]]) -> tuple[float, float]:
    """Coordinates for the centre of every item; the width and height of the whole."""
    x = float(MARGIN)
    for layer in layers:
        widest = max((item.width for item in layer), default=0.0)
        for item in layer:
            item.x = x + widest / 2
            item.width = widest if item.node is None else item.width
        x += widest + CURVE
    for layer in layers:
        _settle(layer, [0.0] * len(layer))
    for sweep in range(12):
        for layer in layers if sweep % 2 else layers[::-1]:
            wanted = []
            for item in layer:
                near = [*item.left, *item.right]
                wanted.append(sum(n.y for n in near) / len(near) if near else item.y)
            _settle(layer, wanted)
    every = [item for layer in layers for item in layer]
    top = min(item.y - item.height / 2 for item in every) - MARGIN
    for item in every:
        item.y -= top
    return x - CURVE + MARGIN, max(item.y + item.height / 2 for item in every) + MARGIN


def _settle(layer: Sequence[_Item], wanted: Sequence[float]) -> None:
    """Heights in the given order, without overlap, with the smallest sum of squared distances from the wanted ones.

    With the room above each item taken off, the heights only have to increase: isotonic regression, by pooling.
    """
    room = np.cumsum([0.0, *((a.height + b.height) / 2 + APART for a, b in itertools.pairwise(layer))])
    pools: list[tuple[float, int]] = []
    for value in (w - r for w, r in zip(wanted, room, strict=True)):
        mean, count = value, 1
        while pools and pools[-1][0] > mean:
            before, number = pools.pop()
            mean, count = (mean * count + before * number) / (count + number), count + number
        pools.append((mean, count))
    heights = [mean for mean, count in pools for _ in range(count)]
    for item, height, above in zip(layer, heights, room, strict=True):
        item.y = height + float(above)


# Drawing


def _line(route: Sequence[_Item]) -> str:
    """A line through every item of a route: level below a label's value, curved between the columns."""
    points = list(_points(route))
    path = f"M{points[0][0]:.1f} {points[0][1]:.1f}"
    for (x1, y1), (x2, y2) in itertools.pairwise(points):
        if abs(y1 - y2) < 0.05:
            path += f" L{x2:.1f} {y2:.1f}"
        else:
            middle = (x1 + x2) / 2
            path += f" C{middle:.1f} {y1:.1f} {middle:.1f} {y2:.1f} {x2:.1f} {y2:.1f}"
    return f'<path d="{path}"/>'


def _points(route: Sequence[_Item]) -> Iterator[tuple[float, float]]:
    start, *between, end = route
    yield start.x + start.width / 2, _middle(start)
    for item in between:
        yield item.x - item.width / 2, item.y
        yield item.x + item.width / 2, item.y
    yield end.x - end.width / 2, _middle(end)


def _middle(item: _Item) -> float:
    """The height of the middle of a node's box: its name stands above it."""
    return item.y + (item.height - NODE_HEIGHT) / 2


def _numbers(item: _Item, edge: Edge, digits: Digits) -> str:
    """The value above the line and the derivative below it."""
    above, below = matrix_rows(edge.value, digits), matrix_rows(edge.gradient, digits)
    return _rows(item.x, item.y - 5 - ROW * (len(above) - 1), above, "forward", edge.value) + _rows(
        item.x, item.y + ROW, below, "backward", edge.gradient
    )


def _rows(x: float, first: float, rows: Sequence[str], kind: str, matrix: Array) -> str:
    """Rows of numbers under each other, `first` the base line of the first; a matrix in brackets."""
    lines = [
        f'<text class="{kind}" x="{x:.1f}" y="{first + k * ROW:.1f}" xml:space="preserve">{escape(row)}</text>'
        for k, row in enumerate(rows)
    ]
    if matrix.size == 1 or "×" in rows[0]:
        return "".join(lines)
    half = len(rows[0]) * CHARACTER / 2 + BRACKET / 2
    top, height = first - ROW + 4, ROW * len(rows) - 2
    for side in (-1, 1):
        lines.append(
            f'<path class="bracket" d="M{x + side * (half - 3):.1f} {top:.1f} h{3 * side} v{height} h{-3 * side}"/>'
        )
    return "".join(lines)


def _node(item: _Item, node: Node) -> str:
    y = _middle(item)
    width = item.width
    box = f'<rect x="{item.x - width / 2:.1f}" y="{y - NODE_HEIGHT / 2:.1f}" width="{width:.1f}" height="{NODE_HEIGHT}" rx="8"/>'
    if not node.label:
        text = f'<text class="quantity" x="{item.x:.1f}" y="{y + 5:.1f}">{_written(node)}</text>'
    else:
        text = f'<text class="sign" x="{item.x:.1f}" y="{y + 5:.1f}">{escape(node.label.replace("-", "−"))}</text>'
        if node.name:
            text += f'<text class="quantity" x="{item.x:.1f}" y="{y - NODE_HEIGHT / 2 - 5:.1f}">{_written(node)}</text>'
    return f'<g class="{node.role}">{box}{text}</g>'


def _written(node: Node) -> str:
    """The name of a node's value, with its number as a subscript."""
    base, _, lower = plain_name(node.name).partition("|")
    return escape(base) + (f'<tspan class="sub" dy="4">{escape(lower)}</tspan>' if lower else "")
