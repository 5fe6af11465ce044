"""Softmax and the loss of the correct class: slipped exponents, numbers in boxes, one class and the others."""

from __future__ import annotations

import pytest

from symderiv.homework.checking import check_homework

NET = r"""$$q_j = \frac{e^j}{\sum_i e^i}$$

$$E = -\sum_i t_i \log q_i$$

$$s = \boxed{1}\boxed{3}\boxed{-1} \quad t = \boxed{1}\boxed{0}\boxed{0}$$

$$q = \boxed{0.117}\boxed{0.867}\boxed{0.016}$$

With the correct class $c$ and all other $t_i = 0$, $E = -\log(q_c)$.

"""
BY_SCORE = r"""$$\frac{\partial E}{\partial s_c} = -\frac{1}{q_c} \frac{\partial}{\partial s_c} \frac{e^{s_c}}{\sum_i e^{s_i}} = %s$$

"""


def judged(text: str) -> dict[str, str]:
    return {c.reading: c.verdict for c in check_homework(NET + text).claims}


@pytest.mark.parametrize(
    ("answer", "verdict"), [("q_c - 1", "correct"), ("q_c", "carried wrong"), ("1 - q_c", "carried wrong")]
)
def test_the_correct_class(answer: str, verdict: str) -> None:
    claims = check_homework(NET + BY_SCORE % answer).claims
    assert claims[-1].verdict in verdict
    assert claims[-2].verdict == "correct"


def test_numbers_in_boxes_are_a_list() -> None:
    found = judged(BY_SCORE % "q_c - 1")
    assert found["q = [0.117, 0.867, 0.016]"] == "correct"
    wrong = check_homework(NET.replace("0.867", "0.876") + BY_SCORE % "q_c - 1").claims
    assert [c.verdict for c in wrong if c.reading.startswith("q = ")] == ["wrong"]


@pytest.mark.parametrize(("answer", "is_right"), [("q_k", True), ("q_k - 1", False), ("-q_k", False)])
def test_another_class(answer: str, is_right: bool) -> None:
    text = BY_SCORE % "q_c - 1" + rf"For an incorrect class $k$, $$\frac{{\partial E}}{{\partial s_k}} = {answer}$$"
    assert (check_homework(NET + text).claims[-1].verdict == "correct") is is_right


def test_another_class_must_be_said() -> None:
    text = BY_SCORE % "q_c - 1" + r"$$\frac{\partial E}{\partial s_k} = q_k$$"
    assert check_homework(NET + text).claims[-1].verdict != "correct"


def test_exponents_that_are_meant_stay() -> None:
    claims = check_homework(r"$$q_j = \frac{e^j}{\sum_i e^i}$$").claims
    assert [c.reading for c in claims] == ["q_j = e^j/(Σ_i e^i)"]
