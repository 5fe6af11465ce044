"""Right answers in disguise are never called wrong, mutants never right; many more with `python -m tests.homework.proofs`."""

from __future__ import annotations

import random
from functools import cache

import numpy as np
import pytest

import symderiv as sd
from homework.disguises import IDENTITIES, MISTAKES, SLOPES, error, right_answer, written_out, wrong_answer
from homework.proofs import Outcome, outcomes
from homework.textbook_models import CASES, MODELS, point
from homework.trees import Nonconforming, shape_of

COUNT = 6
IDS = [f"{name}-{wrt}" for name, wrt in CASES]
MOST_UNCHECKABLE = 0.02


@cache
def judged(name: str, wrt: str, is_true: bool) -> list[Outcome]:
    """The first outcomes of a case."""
    return outcomes(name, wrt, COUNT, is_true)


def told(found: list[Outcome]) -> list[str]:
    """Bad outcomes for people."""
    return [f"{o.verdict} after {o.trial.done}: {o.trial.text.splitlines()[-1]}" for o in found if o.is_bad]


@pytest.mark.parametrize(("name", "wrt"), CASES, ids=IDS)
def test_a_right_answer_in_disguise_is_never_wrong(name: str, wrt: str):
    assert not told(judged(name, wrt, True))


@pytest.mark.parametrize(("name", "wrt"), CASES, ids=IDS)
def test_a_mutant_is_never_right(name: str, wrt: str):
    assert not told(judged(name, wrt, False))


def test_hardly_anything_is_uncheckable():
    found = [each for case in CASES for each in judged(*case, True)]
    undecided = [each for each in found if each.verdict in ("uncheckable", "missed")]
    assert len(undecided) <= MOST_UNCHECKABLE * len(found)


# --- the proofs themselves ---


@pytest.mark.parametrize(("name", "wrt"), CASES, ids=IDS)
def test_the_gradient_worked_out_by_hand_is_that_of_the_forward_pass(name: str, wrt: str):
    model = MODELS[name]
    for tree in (model.gradients[wrt], model.through.get(wrt, model.gradients[wrt])):
        assert error(model, wrt, written_out(tree, random.Random(0))) < 1e-12


@pytest.mark.parametrize("name", MODELS)
def test_the_models_are_the_shipped_examples(name: str):
    shipped, own = sd.examples.load(name), MODELS[name]
    defined = [equation.symbol.name for equation in shipped.equations]
    assert set(own.gradients) == set(sd.examples.find(name).derive().gradients)
    assert set(own.defined) <= set(defined) and own.loss == shipped.loss.name


@pytest.mark.parametrize(("name", "wrt"), CASES[::3], ids=IDS[::3])
def test_mutants_differ_and_disguises_do_not(name: str, wrt: str):
    at = point(name, 1)
    for seed in range(20):
        right = right_answer(name, wrt, random.Random(seed))
        assert np.allclose(at.of(right.tree), at.grads[wrt], rtol=1e-9)
        wrong = wrong_answer(name, wrt, random.Random(seed))
        if wrong is not None and not wrong.strict:
            assert error(wrong.model, wrt, wrong.tree) > 1e-7


def test_every_kind_of_mistake_and_identity_occurs():
    rights = [right_answer(*case, random.Random(k)) for case in CASES for k in range(12)]
    wrongs = [wrong_answer(*case, random.Random(k)) for case in CASES for k in range(40)]
    assert set(IDENTITIES) <= {step for formula in rights for step in formula.done}
    assert {*MISTAKES, *SLOPES} <= {
        formula.done[0].removesuffix(" (does not conform)") for formula in wrongs if formula is not None
    }


def test_shapes_are_checked():
    model = MODELS["binary-classification"]
    tree = written_out(model.gradients["W1"], random.Random(0))
    assert shape_of(tree, model.shapes) == model.shapes["W1"]
    with pytest.raises(Nonconforming):
        shape_of(tree, {**model.shapes, "X": ("n", "d")})
