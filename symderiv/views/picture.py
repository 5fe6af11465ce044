"""The network drawn out at small sizes: every entry of one sample a node, every use an edge, and what a weight reaches.

The graph is read off the explicit formulas of the entries, so it is right for any layout and any sharing of weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import sympy

from symderiv.calculus.expressions import Symbol
from symderiv.calculus.model import Model
from symderiv.oracles.evaluation import Point
from symderiv.oracles.gradients import explicit_network

MAX_NODES = 60
DEFAULT_WIDTH = 2


@dataclass(frozen=True)
class Node:
    """One entry of a named quantity."""

    symbol: Symbol
    row: int
    column: int
    depth: int


@dataclass(frozen=True)
class Edge:
    """A use of `start` in `end`; `weights` are the parameter entries that multiply it there."""

    start: Node
    end: Node
    weights: tuple[tuple[Symbol, int, int], ...]


@dataclass(frozen=True)
class Graph:
    """Nodes by column, edges, and for each parameter entry the nodes whose formula uses it."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    uses: Mapping[tuple[Symbol, int, int], tuple[Node, ...]]

    @cached_property
    def columns(self) -> list[list[Node]]:
        """The nodes of each depth, in order."""
        return [[n for n in self.nodes if n.depth == d] for d in range(max(n.depth for n in self.nodes) + 1)]

    def lit(self, weight: tuple[Symbol, int, int]) -> tuple[frozenset[Node], tuple[Edge, ...]]:
        """The nodes and edges on the paths from a parameter entry to the loss."""
        nodes = set(self.uses.get(weight, ()))
        edges = [edge for edge in self.edges if weight in edge.weights]
        for edge in self.edges:  # edges come in the order of the forward pass
            if edge.start in nodes and edge not in edges:
                nodes.add(edge.end)
                edges.append(edge)
        return frozenset(nodes), tuple(edges)


def picture_sizes(model: Model, wanted: Mapping[str, int]) -> dict[str, int]:
    """Sizes for a picture of one sample: sizes that no parameter has are 1, the others as wanted or small."""
    owned = {size.name for symbol in model.parameters for size in symbol.shape}
    return {name: wanted.get(name, DEFAULT_WIDTH) if name in owned else 1 for name in model.sizes}


def graph_of(model: Model, sizes: Mapping[str, int]) -> Graph | None:
    """The graph at the given sizes, None if it has more than MAX_NODES nodes."""
    point = Point(sizes, {s.name: 0.5 for s in model.hypers}, {})
    shown = [s for s in model.symbols.values() if s.role != "parameter" and s.name in model.relevant]
    if sum(int(np.prod(point.shape(s.shape))) for s in shown) > MAX_NODES:
        return None
    formulas, names = explicit_network(model, point)
    place = {
        name: (s, i, j)
        for s, rows in names.items()
        if isinstance(s, Symbol)
        for i, row in enumerate(rows)
        for j, name in enumerate(row)
    }
    depth = _depths(model)
    nodes = {names[s][i][j]: Node(s, i, j, depth[s]) for s in shown for i, j in np.ndindex(*point.shape(s.shape))}
    edges: list[Edge] = []
    uses: dict[tuple[Symbol, int, int], list[Node]] = {}
    for top, formula in formulas:
        if top not in nodes:
            continue
        free = sorted(formula.free_symbols, key=str)
        parameters = [name for name in free if name not in nodes]
        for name in parameters:
            uses.setdefault(place[name], []).append(nodes[top])
        partners = {name: sympy.diff(formula, name).free_symbols for name in parameters}
        for name in free:
            if name in nodes:
                weights = tuple(place[w] for w in parameters if name in partners[w])
                edges.append(Edge(nodes[name], nodes[top], weights))
    return Graph(tuple(nodes.values()), tuple(edges), {k: tuple(v) for k, v in uses.items()})


def _depths(model: Model) -> dict[Symbol, int]:
    """The column of each quantity: after everything it uses; data just before what uses them first."""
    depth: dict[Symbol, int] = {}
    for equation in model.equations:
        below = [depth[s] for s in equation.uses if s in depth]
        depth[equation.symbol] = max(below, default=0) + 1
    for symbol in model.inputs:
        users = [depth[e.symbol] for e in model.equations if symbol in e.uses]
        depth[symbol] = min(users, default=1) - 1
    return depth
