"""Nothing that is read makes the marker hang, crash, swell or touch anything; more in hostile.py, run as a script."""

from __future__ import annotations

import subprocess
import sys
import time
from fractions import Fraction

import numpy as np
import pytest

from homework.hostile import CLAIM, MATRICES, MODEL, MOST_MEMORY, NET, ROOT, SECONDS, bombs, mutations, run_guarded
from symderiv.homework import check_homework, checking
from symderiv.homework.judging import judge
from symderiv.homework.understanding.arithmetic import Machine
from symderiv.homework.understanding.inference import Inference
from symderiv.homework.understanding.patience import TookTooLong, at_most, go_on, is_over
from symderiv.homework.understanding.terms import Const, Identity, Ones, Ref
from symderiv.homework.understanding.worlds import MOST_KEPT, Point, TooLarge, World

MUTATIONS = 100


@pytest.fixture(scope="module", params=["bombs", "mutations"])
def found(request: pytest.FixtureRequest) -> dict:
    """What happened to all documents of a kind, in a guarded process."""
    return run_guarded(request.param, SECONDS, MUTATIONS)


def test_every_document_ends_in_time_with_a_report_or_the_documented_error(found: dict):
    assert found["count"] >= 100
    assert not found["failures"]


def test_memory_stays_small(found: dict):
    assert 0 < found["memory"] < MOST_MEMORY


def test_no_file_process_or_socket_is_touched_and_nothing_is_compiled(found: dict):
    assert not found["events"]


def test_the_guard_sees_what_it_should():
    """Planted: a marker that opened a file would be noticed (in a process of its own, since a hook cannot be removed)."""
    code = "from tests.homework.hostile import guarded\nseen = guarded()\ntry: open('/etc/hostname')\nexcept PermissionError: print(seen)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "open" in done.stdout


def test_documents_are_what_they_seem():
    names = [name for name, _ in mutations(60)]
    assert len(set(names)) == 60 and any(name.startswith("noise") for name in names)
    assert len(bombs()) > 100


# --- what was mended, each by itself ---

CRASHED = {
    "a matrix without rows": r"$$z = \begin{bmatrix}\end{bmatrix} x$$",
    "a function of nothing": "$$a = g(z)$$\n$$\\frac{da}{dz} = g'()$$",
    "a function of nothing inside itself": "$$a = g(z)$$\n$$b = g'(g'(\\",
    "nothing between brackets": "$$z = w ()$$\n$$z = []$$",
    "a fraction as an index": "$$y_{i} = w_{ij} x_j$$\n$$y_{i.1} = 2$$\n$$y_{i 0.25} = 2$$",
    "a gradient sign with a prime": "$$\\nabla_a' = 2$$",
    "a derivative whose brackets are lost": "$\\frac}{\\partial wh{$ = 1",
    "a power that is no machine number": MODEL + CLAIM % "(1.0000001)^{1e15}",
    "a number that is no machine number": "$w = 1e300$, $x = 3e390$\n$$L = w x$$",
}


@pytest.mark.parametrize("text", CRASHED.values(), ids=CRASHED.keys())
def test_what_crashed_once_is_marked(text: str):
    assert not [c.message for c in check_homework(text).claims if NET.search(c.message)]


SOURCE = "import numpy as np\nZ = X @ W + b\nL = np.sum(Z**2)\n"
SOURCES = {
    "nested lambdas": SOURCE + "dW = " + "lambda: " * 500 + "x",
    "a number of many digits": SOURCE + "dW = 0x" + "f" * 5000,
    "old ends of lines": SOURCE.replace("\n", "\r") + "dW = 2 * X.T @ Z\r",
    "many branches": SOURCE + "if x:\n    y = 1\n" + "elif x:\n    y = 1\n" * 1000,
    "deep brackets": SOURCE + "dW = " + "(" * 20_000 + "x" + ")" * 20_000,
    "many lines": SOURCE + "dW = 2 * X.T @ Z\n" * 3_000,
}


@pytest.mark.parametrize("text", SOURCES.values(), ids=SOURCES.keys())
def test_source_that_does_harm_is_marked(text: str):
    assert not [c.message for c in check_homework(text, "x.py").claims if NET.search(c.message)]


def test_a_long_product_of_numbers_is_read_whole():
    text = "$$L = w^{20}$$\n$$\\frac{dL}{dw} = 20 %s$$"
    assert [check_homework(text % (" w" * n)).claims[-1].verdict for n in (19, 18)] == ["correct", "wrong"]


def test_a_product_of_too_many_matrices_is_not_called_wrong():
    claim = check_homework(MATRICES + CLAIM % (" ".join(["W_2"] * 70))).claims[-1]
    assert (claim.verdict, claim.message) == ("uncheckable", "a product of more than 64 factors")


def test_a_line_that_takes_too_long_does_not_cost_the_others(monkeypatch: pytest.MonkeyPatch):
    text = MATRICES + CLAIM % (" ".join(["W_2"] * 60)) + CLAIM % "2 W_2^T (Z_2 - Y) (1 - A_1^2) X^T"
    monkeypatch.setattr(judge, "SECONDS_A_CLAIM", 0.2)
    slow, after = check_homework(text).claims[-2:]
    assert (slow.verdict, slow.message) == ("uncheckable", "took too long")
    assert after.message != "took too long"


def test_without_time_every_line_is_in_the_report_undecided(monkeypatch: pytest.MonkeyPatch):
    text = MODEL + CLAIM % "2 (a_1 - y) a_1 (1 - a_1) x" * 50
    whole = check_homework(text).claims
    monkeypatch.setattr(checking, "SECONDS_A_DOCUMENT", 0.0)
    claims = check_homework(text).claims
    assert [c.span for c in claims] == [c.span for c in whole]
    assert claims[-1].verdict == "uncheckable" and claims[-1].message == "took too long"


def test_a_fault_in_the_understanding_leaves_every_line_undecided(monkeypatch: pytest.MonkeyPatch):
    text = MODEL + CLAIM % "2 (a_1 - y) a_1 (1 - a_1) x"
    whole = check_homework(text)
    monkeypatch.setattr(Inference, "run", lambda self: {}["a"])
    marking = check_homework(text)
    assert [c.span for c in marking.claims] == [c.span for c in whole.claims]
    assert {(c.verdict, c.message) for c in marking.claims} == {
        ("uncheckable", "the document could not be understood (KeyError)")
    }


def test_the_earlier_of_two_deadlines_holds():
    with at_most(0.0):
        time.sleep(0.001)
        with pytest.raises(TookTooLong), at_most(60.0):
            go_on()
        assert is_over()
    go_on()
    assert not is_over()


def test_arrays_that_would_fill_the_memory_are_refused():
    world = World(Point(Machine, {"x": np.ones((400, 1))}, {"1": 1, "n": 10**9}), {})
    for term in (Identity("n"), Ones("n", "1"), Ones("1000", "1000")):
        with pytest.raises(TooLarge):
            world.evaluate(term)
    with pytest.raises(TooLarge):
        world.jacobian(Ref("x"), Ref("x"))


def test_a_world_forgets_before_it_grows_large():
    world = World(Point(Machine, {}, {"1": 1}), {})
    for k in range(MOST_KEPT // 400):
        world.evaluate(Const(Fraction(k)))
    assert len(world._known) < MOST_KEPT // 500
