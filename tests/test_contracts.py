"""Every node kind has its row in every table, every rule its sentence, every public name its home."""

from __future__ import annotations

import pytest
import sympy

import symderiv
from symderiv.calculus.bridge import _TO_SYMPY
from symderiv.calculus.expressions import KINDS
from symderiv.calculus.functions import FUNCTIONS, Elementwise
from symderiv.calculus.pullbacks import PULLBACKS
from symderiv.calculus.rewrites import REWRITES, rule_name, sums_to_one
from symderiv.documents.explanations import SENTENCES
from symderiv.documents.latex import _PRINT, FUNCTION_NAMES
from symderiv.oracles import autodiff
from symderiv.oracles.evaluation import EVALUATE, PRIMITIVES
from symderiv.oracles.gradients import EXPLICIT
from symderiv.views.graph import BUILD
from symderiv.views.index import _ENTRY

TABLES = {
    "pullbacks.PULLBACKS": PULLBACKS,
    "bridge._TO_SYMPY": _TO_SYMPY,
    "evaluation.EVALUATE": EVALUATE,
    "autodiff.FORWARD": autodiff.FORWARD,
    "gradients.EXPLICIT": EXPLICIT,
    "index._ENTRY": _ENTRY,
    "graph.BUILD": BUILD,
    "latex._PRINT": _PRINT,
}


@pytest.mark.parametrize("table", TABLES)
def test_table_has_every_node_kind(table):
    missing = [kind.__name__ for kind in KINDS if kind not in TABLES[table]]
    assert not missing, f"{table} lacks {missing}"


def test_every_primitive_is_known_to_pytorch_and_jax():
    assert autodiff.PRIMITIVES.keys() == PRIMITIVES.keys()


def test_every_rule_has_a_sentence():
    rules = {rule_name(rule) for rule in (*PULLBACKS.values(), *REWRITES, sums_to_one)}
    assert not rules - SENTENCES.keys(), "explanations.SENTENCES lacks a rule"
    assert not SENTENCES.keys() - rules, "explanations.SENTENCES explains a rule that is gone"


def test_every_function_can_be_evaluated_and_printed():
    X = symderiv.calculus.expressions.Symbol("X", ("n", "d"), "data")
    for name, kind in FUNCTIONS.items():
        assert issubclass(kind, Elementwise) or kind in PRIMITIVES, f"no way to evaluate {name}"
        assert "X" in symderiv.call(name, X).to_latex()
    assert set(FUNCTION_NAMES) <= set(FUNCTIONS), "a name for a function that there is not"


def test_an_activation_is_one_row(monkeypatch):
    """A row added to `functions` alone is derived, printed, checked, compared, trained, exported, asked about and marked."""
    from symderiv.calculus import functions
    from symderiv.textbook import networks

    monkeypatch.setattr(functions, "FUNCTIONS", dict(functions.FUNCTIONS))
    monkeypatch.setattr("symderiv.calculus.expressions.FUNCTIONS", functions.FUNCTIONS)

    @functions.elementwise(activation=True)
    def swish(y, x):
        """swish(x) = x sigmoid(x), slope y + sigmoid(x) (1 - y)."""
        return x / (1 + sympy.exp(-x)), y + functions.sigmoid(x) * (1 - y)

    monkeypatch.setattr(networks, "ACTIVATIONS", (*networks.ACTIVATIONS, "swish"))
    model = symderiv.two_layer("swish", "sigmoid", "log", outputs=1)
    derivation = symderiv.derive(model)
    assert symderiv.cross_check(derivation).passed and r"\mathrm{swish}" in derivation.to_markdown()
    run = symderiv.train(model, {"X": [[0, 0], [0, 1], [1, 0], [1, 1]], "Y": [0, 1, 1, 0]}, steps=5)
    assert "sigmoid(Z1)" in run.function.source and run.history[-1, 1] < run.history[0, 1]
    assert (
        "swish"
        in symderiv.compare(
            model, symderiv.two_layer("tanh", "sigmoid", "log", outputs=1), steps=2, seeds=1
        ).to_markdown()
    )
    key = symderiv.worksheet(model, seed=1).to_markdown(key=True)
    assert {claim.verdict for claim in symderiv.check_homework(key).claims} == {"correct"}


@pytest.mark.parametrize("name", [name for name in symderiv.__all__ if name != "__version__"])
def test_public_name_is_documented(name):
    assert getattr(symderiv, name).__doc__
