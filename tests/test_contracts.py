"""Every node kind has its row in every table, every rule its sentence, every public name its home."""

from __future__ import annotations

import pytest

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
    special = {"exp", "absolute", "step", "sigmoid"}
    for name, kind in FUNCTIONS.items():
        assert issubclass(kind, Elementwise) or kind in PRIMITIVES, f"no way to evaluate {name}"
        assert name in FUNCTION_NAMES or name in special, f"latex.FUNCTION_NAMES lacks {name}"


@pytest.mark.parametrize("name", [name for name in symderiv.__all__ if name != "__version__"])
def test_public_name_is_documented(name):
    assert getattr(symderiv, name).__doc__
