"""Each known mistake in a short homework: rejected, named, and said in the document's own symbols."""

import numpy as np
import pytest

from symderiv.homework import check_homework
from symderiv.homework.diagnosis import search
from symderiv.homework.diagnosis.repairs import PREMISES, REPAIRS
from symderiv.mistakes.codes import BY_CODE, MISTAKES

COLUMNS = r"""For $m$ training samples, the columns of $X$:
$$Z_1 = W_1 X + b_1, \quad A_1 = \tanh(Z_1), \quad Z_2 = W_2 A_1 + b_2, \quad A_2 = \sigma(Z_2)$$
$$J = \frac{1}{2m} \sum_{i=1}^m \| a_2^{(i)} - y^{(i)} \|^2$$
"""
ROWS = r"""The rows of $X$ are the samples; $X \in R^{n \times d}$, $W \in R^{d \times h}$, $V \in R^{h \times o}$.
$$Z = X W + b, \quad H = \tanh(Z), \quad S = H V + c, \quad P = \mathrm{softmax}(S)$$
$$L = -\frac1n \sum_{i=1}^n \sum_k Y_{ik} \log P_{ik}$$
"""
ONE = r"""One sample; $z = w x + b$, $a = \sigma(z)$, $u = v a + c$, $E = \frac12 (u - y)^2$.
"""
UNITS = r"""
$$a_j = \sum_i w_{ji} x_i, \quad z_j = \sigma(a_j), \quad y_k = \sum_j v_{kj} z_j, \quad E = \frac12 \sum_k (y_k - t_k)^2$$
"""
PENALTY = r"""With $m$ samples, $z_i = w^T x_i + b$, $p_i = \sigma(z_i)$ and
$$J = -\frac1m \sum_{i=1}^m [y_i \log p_i + (1 - y_i) \log(1 - p_i)] + \frac{\lambda}{2} \|w\|^2$$
"""
GRAPH = """x = 2.5, y = -1.3, z = 4
q = x + y = 1.2
f = q * z = 4.8
"""
LINES = [
    ("missing-slope", COLUMNS, r"\frac{\partial J}{\partial Z_1} = W_2^T \frac{\partial J}{\partial Z_2}", "tanh′(Z₁)"),
    ("missing-slope", ONE, r"\frac{dE}{dw} = (u - y) v x", "σ′(z)"),
    ("missing-slope", UNITS, r"\frac{\partial E}{\partial w_{ji}} = \sum_k (y_k - t_k) v_{kj} x_i", "σ′(a_j)"),
    ("slope-twice", COLUMNS, r"\frac{\partial J}{\partial W_1} = (\frac{\partial J}{\partial Z_1} \odot (1 - A_1^2)) X^T", "once too often|1 − A₁^2"),
    ("slope-twice", ROWS, r"\frac{\partial L}{\partial S} = P \odot (1 - P) \odot \frac1n (P - Y)", "what is ∂L/∂S already"),
    ("function-for-slope", ONE, r"\frac{dE}{dz} = (u - y) v \sigma(z)", "σ(z)"),
    ("slope-at-wrong-argument", COLUMNS, r"\frac{\partial J}{\partial Z_1} = W_2^T \frac{\partial J}{\partial Z_2} \odot (1 - Z_1^2)", "Z₁"),
    ("slope-at-wrong-argument", ONE, r"\frac{dE}{dz} = (u - y) v \sigma'(a)", "a"),
    ("misplaced-square", COLUMNS, r"\frac{\partial J}{\partial Z_1} = W_2^T \frac{\partial J}{\partial Z_2} \odot (1 - A_1)^2", "(1 − A₁)² stands where"),
    ("misplaced-square", COLUMNS, r"\frac{\partial J}{\partial Z_1} = W_2^T \frac{\partial J}{\partial Z_2} \odot (1 - A_1)", "1 − A₁ stands where"),
    ("softmax-diagonal", ROWS, r"\frac{\partial L}{\partial S} = \frac{\partial L}{\partial P} \odot P \odot (1 - P)", "diagonal"),
    ("missing-batch-sum", COLUMNS, r"\frac{\partial J}{\partial b_2} = \frac{\partial J}{\partial Z_2}", "not summed over the samples"),
    ("missing-mean-factor", PENALTY, r"\frac{\partial J}{\partial b} = \sum_{i=1}^m (p_i - y_i)", "1/m is lost"),
    ("repeated-mean-factor", COLUMNS, r"\frac{\partial J}{\partial W_2} = \frac1m \frac{\partial J}{\partial Z_2} A_1^T", "1/m is taken twice"),
    ("missing-output-sum", UNITS, r"\frac{\partial E}{\partial z_j} = (y_k - t_k) v_{kj}", "sum over k"),
    ("summed-over-everything", ROWS, r"\frac{\partial L}{\partial c} = \frac1n \sum_{i=1}^n \sum_k (P_{ik} - Y_{ik})", "should stay|summed"),
    ("sign", ONE, r"\frac{dE}{du} = y - u", "sign"),
    ("missing-transpose", ROWS, r"\frac{\partial L}{\partial H} = \frac{\partial L}{\partial S} V", "transposed"),
    ("swapped-factors", ROWS, r"\frac{\partial L}{\partial V} = \frac{\partial L}{\partial S} H^T", "order|transposed"),
    ("constant-factor", ONE, r"\frac{dE}{dv} = 2 (u - y) a", "factor 2"),
    ("other-loss", COLUMNS, r"\frac{\partial J}{\partial Z_2} = \frac1m (A_2 - Y)", "log loss|σ′"),
    ("regularised-bias", PENALTY, r"\frac{\partial J}{\partial b} = \frac1m \sum_{i=1}^m (p_i - y_i) + \lambda b", "λ b|lambda b"),
    ("missing-penalty", PENALTY, r"\frac{\partial J}{\partial w} = \frac1m \sum_{i=1}^m (p_i - y_i) x_i", "penalty"),
    ("wrong-layer", COLUMNS, r"\frac{\partial J}{\partial W_2} = \frac{\partial J}{\partial Z_2} X^T", "X stands where A₁ belongs"),
    ("wrong-layer", COLUMNS, r"\frac{\partial J}{\partial W_2} = \frac{\partial J}{\partial Z_2} A_2^T", "A₂ stands where A₁ belongs"),
    ("wrong-layer", UNITS, r"\frac{\partial E}{\partial z_j} = \sum_k (y_k - t_k) w_{kj}", "w_kj stands where v_kj belongs"),
    ("wrong-weight", UNITS, r"\frac{\partial E}{\partial z_j} = \sum_k (y_k - t_k) v_{jk}", "v_jk stands where v_kj belongs"),
    ("wrong-variable", ONE, r"\frac{dE}{dx} = (u - y) v \sigma'(z) x", "x stands where w belongs"),
    ("dropped-chain-factor", ONE, r"\frac{dE}{dw} = (u - y) \sigma'(z) x", "v is missing|∂u/∂a is missing"),
    ("wrong-left-hand-side", ONE, r"\frac{dE}{da} = (u - y) a", "∂E/∂v"),
    ("update-sign", COLUMNS, r"W_1 := W_1 + \eta \frac{\partial J}{\partial W_1}", "up the gradient"),
    ("forward-value-as-seed", PENALTY, r"\frac{\partial J}{\partial b} = J \frac1m \sum_{i=1}^m (p_i - y_i)", "∂J/∂J"),
    ("forward-value-as-seed", COLUMNS, r"\frac{\partial J}{\partial A_2} = \frac{1}{2 m^2} \left[\sum_{ki} \left[(A_2 - Y)^2\right]_{ki}\right] (A_2 - Y)", "∂J/∂J"),
    ("forward-value-as-seed", GRAPH, r"\frac{df}{dq} = 19.2", "seed"),
    ("sign", GRAPH, r"\frac{df}{dz} = -1.2", "sign"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("code", "text", "line", "words"), LINES, ids=[f"{code}-{k}" for k, (code, *_) in enumerate(LINES)]
)
def test_a_mistake_is_named_in_the_symbols_of_the_document(code, text, line, words):
    claim = check_homework(f"{text}\n$${line}$$\n").claims[-1]
    assert claim.verdict == "wrong", (claim.verdict, claim.message)
    assert code in claim.mistakes, (claim.mistakes, claim.message)
    assert any(each in claim.message for each in words.split("|")), claim.message


SLIPS = [
    ("1.23456 * 2 = 2.49612", "two digits have changed places|one digit"),
    ("1.23456 * 2 = 2.46192", "two digits have changed places"),
    ("1.23456 * 2 = 2.46972", "one digit is another"),
    ("1.23456 * 2 = 24.6912", "decimal point"),
    ("1.23456 * 2 = -2.46912", "sign"),
]


@pytest.mark.parametrize(("line", "words"), SLIPS)
def test_a_slip_of_the_pen_is_recognised_by_its_digits(line, words):
    claim = check_homework(f"We get\n\nk = {line}\n").claims[-1]
    assert claim.verdict == "wrong" and {"arithmetic-slip", "sign"} & set(claim.mistakes)
    assert any(each in claim.message for each in words.split("|")), claim.message


def test_a_new_mistake_beside_an_old_one_is_charged_alone():
    text = COLUMNS + "\n".join(
        (
            r"$$\frac{\partial J}{\partial A_2} = A_2 - Y$$",
            r"$$\frac{\partial J}{\partial Z_2} = (A_2 - Y) \odot A_2 \odot (1 - A_2)$$",
            r"$$\frac{\partial J}{\partial b_2} = (A_2 - Y) \odot A_2 \odot (1 - A_2)$$",
        )
    )
    first, second, third = check_homework(text).claims[-3:]
    assert (first.verdict, first.mistakes) == ("wrong", ("missing-mean-factor",))
    assert (second.verdict, second.root_line) == ("carried", first.line)
    assert (third.verdict, third.mistakes) == ("wrong", ("missing-batch-sum",))
    assert f"the rest follows from line {first.line}" in third.message


def test_a_correction_is_recognised_and_nothing_is_carried_after_it():
    lines = (r"\frac{dE}{du} = y - u", r"\frac{dE}{du} = u - y", r"\frac{dE}{dv} = (u - y) a")
    wrong, mended, after = check_homework(ONE + "\n\n".join(f"$${line}$$" for line in lines)).claims[-3:]
    assert (wrong.verdict, mended.verdict, after.verdict) == ("wrong", "correct", "correct")
    assert mended.message == f"puts right what line {wrong.line} says"


def test_two_mistakes_on_one_line_are_both_told():
    claim = check_homework(
        COLUMNS + r"$$\frac{\partial J}{\partial b_2} = A_2 \odot (1 - A_2) \odot (A_2 - Y)$$"
    ).claims[-1]
    assert set(claim.mistakes) == {"missing-mean-factor", "missing-batch-sum"}


def test_a_sum_over_the_units_is_not_called_another_quantity_besides():
    line = r"$$\frac{\partial L}{\partial c} = \sum_k \frac{\partial L}{\partial S_{ik}}$$"
    assert check_homework(f"{ROWS}\n{line}\n").claims[-1].mistakes == ("summed-over-everything",)


def test_what_hides_a_wrong_layer_is_said():
    text = r"""$W_1$ is $2 \times 2$, $W_2$ is $2 \times 2$; one sample, $x$ is $2 \times 1$.
$$z_1 = W_1 x, \quad a_1 = \sigma(z_1), \quad z_2 = W_2 a_1, \quad E = \frac12 \|z_2 - y\|^2$$
$$\frac{\partial E}{\partial a_1} = W_1^T \frac{\partial E}{\partial z_2}$$
"""
    claim = check_homework(text).claims[-1]
    assert claim.mistakes[:1] == ("wrong-layer",) and "2 × 2" in claim.message


def test_a_false_line_without_a_known_cause_has_no_name():
    claim = check_homework(ONE + r"$$\frac{dE}{dv} = u^3 \sin(x) y + c$$").claims[-1]
    assert (claim.verdict, claim.mistakes) == ("wrong", ("unrecognised",))


def test_a_right_line_is_never_searched(monkeypatch):
    monkeypatch.setattr(search.Search, "causes", lambda self: pytest.fail("searched"))
    assert check_homework(ONE + r"$$\frac{dE}{dv} = (u - y) a$$").is_faultless


def test_the_search_ends_by_count_and_so_in_the_same_way_everywhere():
    text = UNITS + r"$$\frac{\partial E}{\partial w_{ji}} = \sum_k y_k t_k v_{kj} \sigma'(a_j) x_i x_i$$"
    assert len({str(check_homework(text).claims) for _ in range(3)}) == 1


def test_every_repair_has_a_known_code_and_every_code_its_sentence():
    assert {code for code, _ in (*REPAIRS, *PREMISES)} <= set(BY_CODE)
    assert all(mistake.title and (mistake.advice or mistake.code == "unrecognised") for mistake in MISTAKES)


OPEN = r"$z = w x + b$, $a = \sigma(z)$, target $y$." + "\n\n"
CONDITIONS = [
    (r"$$\frac{dJ}{dz} = a - y$$ $$\frac{dJ}{dw} = (a - y) x$$", "the log loss of a and y"),
    (r"$$\frac{dJ}{dz} = 2 (a - y) a (1 - a)$$", "the squared error of a and y"),
    (r"$$\frac{dJ}{dz} = -(1 - a)$$ $$\frac{dJ}{dw} = -(1 - a) x$$", "−log(a)"),
]


@pytest.mark.parametrize(("lines", "loss"), CONDITIONS)
def test_a_loss_that_nobody_defined_is_looked_for_and_told_as_a_condition(lines, loss):
    claims = [c for c in check_homework(OPEN + lines).claims if c.kind == "derivative"]
    assert all(c.verdict == "uncheckable" and c.message.endswith(f"right if J is {loss}") for c in claims)


def test_without_a_loss_that_fits_there_is_no_condition():
    claim = check_homework(OPEN + r"$$\frac{dJ}{dz} = a^3 - y x$$").claims[-1]
    assert claim.verdict == "uncheckable" and "right if" not in claim.message


NUMBERS = r"""$$h = \tanh(V x + c), \quad s = q^T h + k, \quad p = \sigma(s), \quad E = (p - t)^2$$
$$x = \begin{bmatrix} 1 \\ -2 \end{bmatrix}, \quad V = \begin{bmatrix} 0.5 & 0.2 \\ -0.3 & 0.4 \end{bmatrix}, \quad c = \begin{bmatrix} 0.1 \\ 0.2 \end{bmatrix}$$
$$q = \begin{bmatrix} 1.5 \\ -0.7 \end{bmatrix}, \quad k = 0.3, \quad t = 0$$
"""


def numbers_alone():
    """dE/dq_1 with each mistake about the slope of the output, worked out here by hand."""
    h = np.tanh(np.array([0.5 - 0.4 + 0.1, -0.3 - 0.8 + 0.2]))
    s = 1.5 * h[0] - 0.7 * h[1] + 0.3
    p = 1 / (1 + np.exp(-s))
    outer, slope = 2 * p * h[0], p * (1 - p)
    at_p = 1 / (1 + np.exp(-p))
    return {
        "correct": outer * slope,
        "missing-slope": outer,
        "slope-twice": outer * slope**2,
        "function-for-slope": outer * p,
        "slope-at-wrong-argument": outer * at_p * (1 - at_p),
        "other-activation": outer * (1 - p**2),
        "constant-factor": outer * slope / 2,
        "sign": -outer * slope,
        "arithmetic-slip": outer * slope * 1.37,
    }


@pytest.mark.parametrize("code", numbers_alone())
def test_a_number_alone_shows_the_mistake(code):
    line = rf"$$\frac{{\partial E}}{{\partial q_1}} = {numbers_alone()[code]:.5f}$$"
    claim = check_homework(NUMBERS + line).claims[-1]
    if code == "correct":
        assert claim.verdict == "correct"
    else:
        assert claim.verdict == "wrong" and claim.mistakes[0] == code, claim
