"""Where the reading is doubted before the writer is."""

from __future__ import annotations

import pytest

from symderiv.homework.checking import check_homework

NETWORK = r"""$z = W x + b$, $h = \sigma(z)$, $y = V h + c$, with the loss $L = \frac12 \|y - t\|^2$.

$\frac{\partial L}{\partial y} = y - t$, $\frac{\partial L}{\partial V} = (y - t) h^T$

"""
UNREAD = r"$\frac{\partial L}{\partial c} = (y - t) \circledast q$"
UNKNOWN = r"$\frac{\partial L}{\partial h} = q (y - t)$"
UNEXPLAINED = r"$\frac{\partial L}{\partial z} = V^T h \odot h$"
FOLLOWING = r"$\frac{\partial L}{\partial W} = (V^T h \odot h) x^T$"
EXPLAINED = r"$\frac{\partial L}{\partial z} = (V^T (y - t)) \odot h \odot (1 - z)$"


def verdicts(*lines: str) -> list[str]:
    return [c.verdict for c in check_homework(NETWORK + "\n\n".join(lines)).claims[6:]]


@pytest.mark.parametrize("open_lines", [[], [UNREAD], [UNKNOWN]])
def test_one_line_not_understood_casts_no_doubt(open_lines: list[str]):
    assert verdicts(*open_lines, UNEXPLAINED, FOLLOWING)[-2:] == ["wrong", "carried"]


@pytest.mark.parametrize("order", [slice(None), slice(None, None, -1)])
def test_what_nothing_explains_is_doubted_beside_lines_not_understood(order: slice):
    lines = [UNREAD, UNKNOWN, UNEXPLAINED][order]
    assert verdicts(*lines) == ["uncheckable"] * 3
    assert verdicts(UNREAD, UNKNOWN, UNEXPLAINED, FOLLOWING)[-1] == "uncheckable"


def test_a_known_mistake_is_told_beside_lines_not_understood():
    claims = check_homework(NETWORK + "\n\n".join([UNREAD, UNKNOWN, EXPLAINED])).claims
    assert claims[-1].verdict == "wrong"
    assert claims[-1].mistakes == ("slope-at-wrong-argument",)


def test_an_entry_left_unsummed_is_understood():
    chain = r"$\frac{\partial L}{\partial h_j} = \frac{\partial L}{\partial y_i} \frac{\partial y_i}{\partial h_j}$"
    chains = [chain, chain.replace("h_j", "z_j")]
    assert verdicts(*chains, UNEXPLAINED)[-1] == "wrong"


def test_where_most_lines_are_false_the_model_is_doubted():
    lines = [rf"$\frac{{\partial L}}{{\partial {name}}} = {name} \odot {name} \odot {name}$" for name in "cVWbx"]
    claims = check_homework(NETWORK.split("\n\n")[0] + "\n\n" + "\n\n".join(lines)).claims[4:]
    assert {c.verdict for c in claims} == {"uncheckable"}
    assert "most lines contradict" in claims[0].message
