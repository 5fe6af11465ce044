"""The network as SVG: one column a quantity, one circle an entry, weights as edges that can be clicked.

Each clickable weight carries the ids of everything on its paths, so the page's script only toggles a class.
"""

from __future__ import annotations

from xml.sax.saxutils import escape, quoteattr

from symderiv.calculus.expressions import Symbol
from symderiv.documents.notation import Notation, split_name
from symderiv.views.picture import Edge, Graph, Node

DX, DY, R, MARGIN = 118, 62, 19, 46
GREEK_LETTERS = dict(
    zip(
        "alpha beta gamma delta epsilon zeta eta theta kappa lambda mu nu xi pi rho sigma tau phi chi psi omega".split(),
        "αβγδεζηθκλμνξπρστφχψω",
        strict=True,
    )
)
HAT = {"hat": "\u0302", "tilde": "\u0303"}


def weight_key(weight: tuple[Symbol, int, int]) -> str:
    """The key of a parameter entry in ids: `W1-2-1`, positions counted from 0."""
    return f"{weight[0].name}-{weight[1]}-{weight[2]}"


def plain_name(name: str, index: str = "") -> str:
    """A name as plain text for a picture: Greek letters, hats, then layer and index as subscripts follow in SVG."""
    letter, suffixes, layer = split_name(name)
    text = {"l": "ℓ", "lam": "λ"}.get(letter) or GREEK_LETTERS.get(letter, letter)
    text += "".join(HAT.get(suffix, "") for suffix in suffixes)
    lower = ",".join(part for part in (layer, *(s for s in suffixes if s not in HAT), index) if part)
    return text + (f"|{lower}" if lower else "")


def _label(x: float, y: float, name: str, cls: str = "name") -> str:
    base, _, lower = name.partition("|")
    cls += " long" if len(base) > 2 else ""
    sub = f'<tspan class="sub" dy="4">{escape(lower)}</tspan>' if lower else ""
    return f'<text class="{cls}" x="{x:g}" y="{y:g}">{escape(base)}{sub}</text>'


def draw(graph: Graph, notation: Notation, title: str, *, clickable: bool = True) -> str:
    """The graph as an SVG element with title and description; `clickable`: its weights lead to their paths."""
    rows = max(len(column) for column in graph.columns)
    height = 2 * MARGIN + (rows - 1) * DY + 24
    width = 2 * MARGIN + (len(graph.columns) - 1) * DX
    place: dict[Node, tuple[float, float]] = {}
    for depth, column in enumerate(graph.columns):
        top = height / 2 - (len(column) - 1) * DY / 2
        for k, node in enumerate(column):
            place[node] = MARGIN + depth * DX, top + k * DY
    ids = {node: f"n-{weight_key((node.symbol, node.row, node.column))}" for node in graph.nodes}
    edge_ids = {edge: f"e{k}" for k, edge in enumerate(graph.edges)}
    parts = [
        f'<svg class="network" viewBox="0 0 {width:g} {height:g}" role="group" aria-labelledby="net-title net-desc" '
        f'xmlns="http://www.w3.org/2000/svg" width="{width:g}" height="{height:g}">',
        f'<title id="net-title">{escape(title)}</title>',
        '<desc id="net-desc">Each circle is one number of the forward pass, inputs left, the loss right. '
        f"Each line between two layers is a weight{'; choosing one shows its paths to the loss' * clickable}.</desc>",
    ]
    for edge, name in edge_ids.items():
        parts.append(_edge(edge, name, place, graph, ids, edge_ids, clickable))
    biases = [w for w, users in graph.uses.items() if not any(w in edge.weights for edge in graph.edges) and users]
    for weight in biases:
        parts.append(_bias(weight, place, graph, ids, edge_ids, clickable))
    for node, (x, y) in place.items():
        index = _index(node, graph)
        parts.append(
            f'<g id={quoteattr(ids[node])} class="node {node.symbol.role}"><circle cx="{x:g}" cy="{y:g}" r="{R}"/>'
            f"{_label(x, y + 5, plain_name(node.symbol.name, index))}</g>"
        )
    return "".join(parts) + "</svg>"


def _index(node: Node, graph: Graph) -> str:
    """The position of an entry among those drawn of its quantity, counted from 1; '' if it is alone."""
    alone = sum(other.symbol is node.symbol for other in graph.nodes) == 1
    return "" if alone else str(max(node.row, node.column) + 1)


def _lights(weight: tuple[Symbol, int, int], graph: Graph, ids: dict[Node, str], edge_ids: dict[Edge, str]) -> str:
    nodes, edges = graph.lit(weight)
    return " ".join(sorted([*(ids[n] for n in nodes), *(edge_ids[e] for e in edges)]))


def _edge(
    edge: Edge,
    name: str,
    place: dict[Node, tuple[float, float]],
    graph: Graph,
    ids: dict[Node, str],
    edge_ids: dict[Edge, str],
    clickable: bool,
) -> str:
    (x1, y1), (x2, y2) = place[edge.start], place[edge.end]
    line = f'x1="{x1 + R:g}" y1="{y1:g}" x2="{x2 - R:g}" y2="{y2:g}"'
    if not edge.weights:
        return f'<line id="{name}" class="use" {line}/>'
    shape = f'<line id="{name}" class="weight" {line}/>'
    if not clickable:
        return shape
    return _clickable(edge.weights[0], graph, ids, edge_ids, f'<line class="hit" {line}/>{shape}')


def _bias(
    weight: tuple[Symbol, int, int],
    place: dict[Node, tuple[float, float]],
    graph: Graph,
    ids: dict[Node, str],
    edge_ids: dict[Edge, str],
    clickable: bool,
) -> str:
    x, y = place[graph.uses[weight][0]]
    top = y - R - 12
    shape = f'<line class="weight" x1="{x - 9:g}" y1="{top:g}" x2="{x - 4:g}" y2="{y - R:g}"/>'
    shape += _label(x - 16, top + 1, plain_name(weight[0].name), "bias")
    return _clickable(weight, graph, ids, edge_ids, shape) if clickable else shape


def _clickable(
    weight: tuple[Symbol, int, int], graph: Graph, ids: dict[Node, str], edge_ids: dict[Edge, str], shape: str
) -> str:
    key = weight_key(weight)
    name = f"{weight[0].name}[{weight[1] + 1},{weight[2] + 1}]"
    lights = quoteattr(_lights(weight, graph, ids, edge_ids))
    return (
        f'<a class="pick" href="#path-{escape(key)}" data-key={quoteattr(key)} data-lights={lights} '
        f"aria-label={quoteattr('paths of the weight ' + name)}><title>{escape(name)}</title>{shape}</a>"
    )
