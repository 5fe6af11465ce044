"""Index notation, single-weight paths and the picture: each compared with the gradients they show."""

from __future__ import annotations

import numpy as np
import pytest
from strategies import random_network

from symderiv import derive, examples, parse_model
from symderiv.calculus.shapes import ONE
from symderiv.documents.latex import Printer
from symderiv.documents.notation import notation_of
from symderiv.errors import CheckFailed, ModelError
from symderiv.oracles.evaluation import random_point
from symderiv.views.index import Entry, Index, entry, letters_of, value
from symderiv.views.paths import check_paths, parse_weight, paths_from
from symderiv.views.picture import graph_of, picture_sizes

DERIVATIONS = [examples.find(name).derive() for name in examples.names()] + [
    derive(random_network(seed)[1]) for seed in range(16)
]


@pytest.mark.parametrize("derivation", DERIVATIONS, ids=lambda d: d.model.title or "random")
def test_index_form_has_the_value_of_every_entry(derivation):
    model, letters = derivation.model, letters_of(derivation.model)
    point = random_point(model, 0)
    known = dict(point.run(model))
    for adjoint in derivation:
        known[adjoint.symbol] = point.evaluate(adjoint.closed, known)
    for adjoint in derivation:
        row = letters.index(adjoint.quantity.shape[0])
        column = letters.index(adjoint.quantity.shape[1], (row,))
        form = entry(adjoint.named, row, column, letters)
        truth = known[adjoint.symbol]
        for place in np.ndindex(truth.shape):
            bound = {
                index: k + index.start
                for index, k in zip((row, column), place, strict=True)
                if isinstance(index, Index)
            }
            assert value(form, point, known, bound) == pytest.approx(truth[place], rel=1e-10, abs=1e-12)


def weights_of(model):
    """A first, a last and an off-diagonal entry of every parameter."""
    for symbol in model.parameters:
        starts = [None if s == ONE else (0 if s.name and s.offset else 1) for s in symbol.shape]
        yield Entry(symbol, *starts)
        yield Entry(symbol, *(s if s is None else s + k for s, k in zip(starts, (1, 0), strict=True)))
        yield Entry(symbol, *(s if s is None else s + k for s, k in zip(starts, (0, 1), strict=True)))


@pytest.mark.parametrize("derivation", DERIVATIONS, ids=lambda d: d.model.title or "random")
def test_paths_add_up_to_the_gradient(derivation):
    for weight in weights_of(derivation.model):
        paths = paths_from(derivation.model, weight)
        assert paths
        check_paths(derivation, weight, paths)


def test_a_lost_path_is_noticed():
    derivation = examples.find("two-gaussians").derive()
    weight = parse_weight("W1[2,1]", derivation.model)
    with pytest.raises(CheckFailed, match="add up to"):
        check_paths(derivation, weight, paths_from(derivation.model, weight)[:1])


def test_a_skip_connection_has_paths_of_its_own():
    derivation = derive(parse_model("x: (d, 1)\nW: (d, d)\nh = tanh(W @ x)\nz = W @ h + h\nJ = sum(z**2)"))
    weight = parse_weight("W[1,2]", derivation.model)
    paths = paths_from(derivation.model, weight)
    assert sorted(path.quantities for path in paths) == [("W", "h", "z", "J"), ("W", "h", "z", "J"), ("W", "z", "J")]
    check_paths(derivation, weight, paths)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("W1[0,1]", "indices of W1 start at 1"),
        ("W1[1]", r"takes 2 index\(es\), not 1"),
        ("V[1,1]", "there is no parameter V"),
        ("W1[1,2", "cannot read the weight"),
        ("Z1[1,1]", "there is no parameter Z1"),
    ],
)
def test_bad_weights_are_told(text, says):
    with pytest.raises(ModelError, match=says):
        parse_weight(text, examples.load("two-gaussians"))


def test_the_bias_row_has_index_zero():
    model = examples.load("worksheet")
    assert parse_weight("W1[0,1]", model).row == 0
    assert parse_weight("W2[2]", model).row == 2
    assert parse_weight("W2[2,1]", model).row == 2


def test_letters_avoid_the_names_of_sizes():
    derivation = examples.find("two-gaussians").derive()
    printer = Printer(notation_of(derivation.model, derivation.options))
    sizes = {size for symbol in derivation.model.symbols.values() for size in symbol.shape if size != ONE}
    assert {printer.letters.index(size).letter for size in sizes}.isdisjoint(derivation.model.sizes)


@pytest.mark.parametrize("name", examples.names())
def test_what_a_weight_lights_up_ends_at_the_loss(name):
    model = examples.load(name)
    graph = graph_of(model, picture_sizes(model, {}))
    assert graph is not None
    for weight in graph.uses:
        nodes, edges = graph.lit(weight)
        assert any(node.symbol is model.loss.symbol for node in nodes) and (edges or len(nodes) == 1)


def test_a_weight_lights_exactly_what_changes_with_it():
    model = examples.load("two-gaussians")
    sizes = picture_sizes(model, {})
    graph = graph_of(model, sizes)
    point = random_point(model, 0, sizes=sizes)
    before = point.run(model)
    for weight in graph.uses:
        symbol, row, column = weight
        moved = random_point(model, 0, sizes=sizes)
        moved.values[symbol] = moved.values[symbol].copy()
        moved.values[symbol][row, column] += 0.5
        after = moved.run(model)
        changed = {
            (s, i, j)
            for s in before
            for i, j in np.ndindex(before[s].shape)
            if before[s][i, j] != after[s][i, j] and s is not symbol
        }
        assert {(n.symbol, n.row, n.column) for n in graph.lit(weight)[0]} == changed
