"""Computation graphs: every number on every edge against differences of the forward pass from that edge on."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
from strategies import RandomProgram, random_network

from symderiv import derive, examples, parse_model, work
from symderiv.calculus.expressions import functions_in
from symderiv.calculus.functions import Opaque
from symderiv.errors import CheckFailed, SymderivError
from symderiv.oracles.checks import WORKING_DIGITS
from symderiv.oracles.evaluation import EVALUATE, random_point
from symderiv.views.graph import graph_at
from symderiv.views.worked import work_example


def example_of(name):
    found = examples.find(name)
    return work_example(found, found.derive())[0]


def numbers(graph):
    """(start, end, value, gradient) of every edge, rounded."""
    return {
        (e.start.name or e.start.label, e.end.name or e.end.label): (
            float(e.value.item()),
            round(float(e.gradient.item()), 6),
        )
        for e in graph.edges
    }


def test_the_linear_graph():
    found = numbers(graph_at(example_of("linear-graph")))
    assert found == {("w", "u"): (1, 2), ("x", "u"): (2, 1), ("u", "+"): (2, 1), ("b", "+"): (1, 1), ("+", "f"): (3, 1)}


def test_the_logistic_graph():
    example = example_of("logistic-graph")
    slope = example.gradient("u")
    assert slope == pytest.approx(0.000910221, abs=1e-9)
    found = numbers(graph_at(example))
    assert found["w0", "×"] == (1, round(2 * slope, 6)) and found["z", "×"] == (1, round(slope, 6))
    assert found["u", "σ"] == (7, round(slope, 6)) and found["σ", "J"][1] == 1
    assert [node.label for node in graph_at(example).nodes if node.label] == ["×", "×", "×", "+", "σ"]


def test_the_sigmoid_can_be_taken_apart():
    graph = graph_at(example_of("logistic-graph"), primitive=True)
    assert [node.label for node in graph.nodes if node.label][-4:] == ["−x", "exp", "+ 1", "1/x"]
    found = numbers(graph)
    assert found["exp", "+ 1"] == (pytest.approx(np.exp(-7)), round(-1 / (1 + np.exp(-7)) ** 2, 6))


def differences(example, graph):
    """For every edge, the derivative of the output along a random change of what this edge alone carries, and ours."""
    point, h = example.point, mpmath.mpf(10) ** -30
    for edge in graph.edges:
        direction = np.asarray(np.random.default_rng(0).normal(size=edge.value.shape), dtype=object)
        changed = {}
        for node in graph.nodes:
            if node.formula is None:
                continue
            given = [changed.get(start, start.value) for start in node.inputs]
            if node is edge.end:
                given[edge.place] = given[edge.place] + direction * h
            if any(start in changed for start in node.inputs) or node is edge.end:
                rule = EVALUATE[type(node.formula)]
                changed[node] = rule(point, node.formula, *given) if node.formula.args else given[0]
        output = graph.nodes[-1]
        yield edge, (changed[output] - output.value).item() / h, (edge.gradient * direction).sum()


def programs():
    for seed in range(30):
        for make in (lambda s: parse_model(RandomProgram(s).text.replace("784", "4")), lambda s: random_network(s)[1]):
            try:
                model = make(seed)
            except SymderivError:
                continue
            if not any(isinstance(f, Opaque) for e in model.equations for f in functions_in(e.value)):
                yield seed, model


@pytest.mark.parametrize(("seed", "model"), list(programs()))
def test_every_edge_of_any_program_agrees_with_differences(seed, model):
    point = random_point(model, seed)
    values = {s.name: point.values[s] for s in model.inputs if s.name in model.relevant}
    values |= dict(point.hypers) | {name: size for name, size in point.sizes.items() if not name.isdigit()}
    example = work(derive(model, inputs=True), values)
    graph = graph_at(example)
    if graph is None:
        return
    with mpmath.workdps(WORKING_DIGITS):
        for edge, truth, own in differences(example, graph):
            assert abs(truth - own) <= 1e-20 * (1 + abs(truth)), (edge.start.label, edge.end.label)


def test_a_wrong_gradient_is_caught():
    example = example_of("worksheet")
    adjoint = example.derivation.adjoint("beta1").symbol
    example.exact[adjoint] = example.exact[adjoint] * 2
    with pytest.raises(CheckFailed, match="what comes back to beta1"):
        graph_at(example)


def test_a_large_graph_is_left_out():
    lines = ["x: (1, 1); w: (1, 1)", "h0 = tanh(w * x)", *(f"h{k} = tanh(h{k - 1} * w + x)" for k in range(1, 20))]
    assert graph_at(work(parse_model("\n".join([*lines, "J = h19**2"])), {"x": 1, "w": 0.5})) is None


def test_given_values_go_along_the_edges():
    _, rounded = work_example(examples.find("worksheet"), examples.find("worksheet").derive())
    values = [node.value for node in graph_at(rounded).nodes if node.name == "beta1"]
    assert [float(x) for x in values[0].flat] == [0.5, 0.999]
