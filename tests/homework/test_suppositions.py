"""What is said of a case, supposed, asked or taken back says nothing of the other lines; one sample's loss is not that of all."""

from __future__ import annotations

import pytest

from symderiv.homework.checking import check_homework

NET = r"""One example, $u = A x + e$, $h = \max(0, u)$, $s = v^T h$, $L = \frac12 (s - y)^2$.

"""
OPEN, CUT = (
    r"$\frac{\partial L}{\partial e} = (s - y) v$",
    r"$\frac{\partial L}{\partial e} = (s - y) v \odot 1[u > 0]$",
)


def verdicts(text: str) -> list[str]:
    return [c.verdict for c in check_homework(text).claims]


def last(text: str) -> tuple[str, str]:
    claim = check_homework(text).claims[-1]
    return claim.verdict, claim.message


@pytest.mark.parametrize(
    "aside",
    [
        r"A ReLU means: if $u_j > 0$ then $h_j = u_j$, and if $u_j \le 0$ then $h_j = 0$.",
        r"Remember that $h_j = u_j$ for $u_j > 0$ and $h_j = 0$ otherwise.",
        r"For small $u$ we nearly have $h \approx u$.",
        r"Wenn alle $u_j > 0$ sind, dann ist $h = u$.",
    ],
)
def test_what_holds_in_a_case_is_no_premise_for_the_rest(aside: str):
    assert last(NET + aside + "\n\n" + CUT)[0] == "correct"
    assert last(NET + aside + "\n\n" + OPEN)[0] in ("uncheckable", "wrong")


def test_in_its_own_sentence_it_holds():
    assert last(NET + rf"If all $u_j > 0$, then $h = u$ and {OPEN}.")[0] == "correct"


def test_a_supposition_ends_where_the_text_comes_back():
    supposed = NET + "Assume that every unit is active, i.e. $h = u$.\n\n" + OPEN + "\n\n"
    assert last(supposed)[0] == "correct"
    assert last(supposed + "In general:\n\n" + CUT)[0] == "correct"
    assert last(supposed + "In general:\n\n" + OPEN)[0] == "wrong"


def test_a_supposition_ends_where_the_first_activation_is_named_again():
    text = r"""One example, $a = \tanh(w x + b)$, $L = (a - y)^2$ with numbers only.

Suppose for once that there is no activation: $a = w x + b$. Then $\frac{\partial L}{\partial w} = 2 (a - y) x$.

For the tanh, %s
"""
    assert last(text % r"$\frac{\partial L}{\partial w} = 2 (a - y)(1 - a^2) x$")[0] == "correct"
    assert last(text % r"$\frac{\partial L}{\partial w} = 2 (a - y) x$")[0] in ("uncheckable", "wrong")


LOGISTIC = r"""One example, numbers: $z = w x + b$, $p = \sigma(z)$, $L = -y \ln p - (1 - y) \ln(1 - p)$.

"""


@pytest.mark.parametrize(
    "cases",
    [
        r"For $y = 1$ the loss is $L = -\ln p$. For $y = 0$ it is $L = -\ln(1 - p)$.",
        r"Quando $y = 1$, $L = -\ln p$; quando $y = 0$, $L = -\ln(1 - p)$.",
    ],
)
def test_the_loss_of_one_label_is_not_that_of_both(cases: str):
    text = LOGISTIC + cases + "\n\n"
    assert last(text + r"$\frac{\partial L}{\partial w} = (p - y) x$")[0] == "correct"
    verdict, message = last(text + r"$\frac{\partial L}{\partial w} = (p - 1) x$")
    assert verdict == "uncheckable" and "as in line 3" in message


@pytest.mark.parametrize("label", [0, 1])
def test_a_value_behind_or_before_a_line_holds_for_it(label: int):
    line = rf"\frac{{\partial L}}{{\partial z}} = p - {label}"
    for said in (rf"${line}$ for $y = {label}$.", rf"If the label is $y = {label}$, then ${line}$."):
        claims = check_homework(LOGISTIC + said).claims
        assert next(c for c in claims if r"\partial z" in c.source).verdict == "correct"
    wrong = rf"If the label is $y = {1 - label}$, then ${line}$."
    assert last(LOGISTIC + wrong)[0] in ("wrong", "uncheckable")


def test_the_value_of_one_sentence_is_not_that_of_the_next():
    text = LOGISTIC + r"If $y = 1$ then $\frac{\partial L}{\partial z} = p - 1$." + "\n\n"
    assert last(text + r"$\frac{\partial L}{\partial w} = (p - 1) x$")[0] in ("wrong", "uncheckable")


def test_where_a_quantity_has_a_value_its_derivative_is_not_judged():
    """At z = 0 the slope of the logistic function is 1/4: what follows from a value put in after deriving is left open."""
    assert last(LOGISTIC + r"If $z = 0$ then $\frac{\partial L}{\partial b} = y$.")[0] == "uncheckable"


def test_given_values_are_put_in_behind_the_formula():
    text = r"""$a = \sigma(z)$, $z = w x + b$, $C = \frac12 (a - y)^2$. The one training input is $x = 1$, its output $y = 0$.

$\frac{\partial C}{\partial w} = (a - y) \sigma'(z) x = a \sigma'(z)$

"""
    assert verdicts(text)[-1] == "correct"
    assert last(text + r"$\frac{\partial C}{\partial b} = a \sigma'(z)$")[0] == "uncheckable"
    assert last(text + r"$\frac{\partial C}{\partial b} = 2 a \sigma'(z)$")[0] == "wrong"


EACH = r"""For each sample $z_i = w^T x_i + b$, $p_i = \sigma(z_i)$ and $L_i = \frac12 (p_i - y_i)^2$. The cost is $J = \frac1m \sum_{i=1}^m L_i$.

"""
SLOPE = r"(p_i - y_i) p_i (1 - p_i)"


@pytest.mark.parametrize(
    ("line", "allowed"),
    [
        (rf"\frac{{\partial L_i}}{{\partial w}} = {SLOPE} x_i", ("correct",)),
        (rf"\frac{{\partial L_i}}{{\partial b}} = {SLOPE}", ("correct",)),
        (rf"\frac{{\partial L_i}}{{\partial b}} = 2 {SLOPE}", ("wrong",)),
        (rf"\frac{{\partial L_i}}{{\partial b}} = \frac1m {SLOPE}", ("wrong",)),
        (rf"\frac{{\partial L_i}}{{\partial b}} = \sum_{{i=1}}^m {SLOPE}", ("wrong", "uncheckable")),
        (r"\frac{\partial J}{\partial w} = \frac1m \sum_{i=1}^m \frac{\partial L_i}{\partial w}", ("correct",)),
        (r"\frac{\partial J}{\partial w} = \sum_{i=1}^m \frac{\partial L_i}{\partial w}", ("wrong",)),
        (rf"\frac{{\partial J}}{{\partial w}} = {SLOPE} x_i", ("wrong",)),
    ],
)
def test_the_derivative_of_the_loss_of_one_sample(line: str, allowed: tuple[str, ...]):
    assert last(f"{EACH}${line}$")[0] in allowed


@pytest.mark.parametrize(
    ("line", "verdict"),
    [
        (rf"Stochastic gradient descent with sample $i$: $w \leftarrow w - \eta {SLOPE} x_i$", "correct"),
        (rf"Stochastic gradient descent with sample $i$: $w \leftarrow w + \eta {SLOPE} x_i$", "wrong"),
        (rf"Gradient descent: $w \leftarrow w - \eta {SLOPE} x_i$", "wrong"),
        (
            rf"With mini-batches of $B$ samples: $w \leftarrow w - \frac{{\eta}}{{B}} \sum_{{i \in B}} {SLOPE} x_i$",
            "uncheckable",
        ),
    ],
)
def test_a_step_along_the_gradient_of_one_sample(line: str, verdict: str):
    assert last(EACH + line)[0] == verdict


@pytest.mark.parametrize(
    ("before", "behind"),
    [
        ("Can we write ", "? No, the 2 would be lost."),
        ("It is not true that ", "."),
        ("A common mistake is to write ", "."),
        ("~~", "~~"),
        ("A friend has ", ", which is wrong."),
    ],
)
def test_what_the_text_takes_back_is_not_charged(before: str, behind: str):
    false = r"$\frac{\partial L}{\partial z} = z - y$"
    text = r"$z = w x + b$, $L = (z - y)^2$" + "\n\n"
    assert last(text + before + false + behind)[0] == "uncheckable"
    assert last(text + "Hence " + false + ".")[0] == "wrong"


@pytest.mark.parametrize(
    ("case", "slope", "verdict"),
    [
        ("the logistic function", "h (1 - h)", "correct"),
        ("tanh", "1 - h^2", "correct"),
        ("the identity", "1", "correct"),
        ("tanh", "h (1 - h)", "wrong"),
    ],
)
def test_an_activation_case_by_case(case: str, slope: str, verdict: str):
    text = rf"""One example, numbers: $z = w x + b$, $h = g(z)$, $L = \frac12 (h - y)^2$.

$\frac{{\partial L}}{{\partial b}} = (h - y) g'(z)$

With {case}: $\frac{{\partial L}}{{\partial b}} = (h - y) \cdot ({slope})$
"""
    found = last(text)[0]
    assert found == verdict or (verdict == "wrong" and found == "uncheckable")


def test_one_entry_of_a_softmax_leads_nowhere_alone():
    text = r"""One sample: $p_k = \frac{e^{z_k}}{\sum_m e^{z_m}}$, $L = -\sum_k y_k \ln p_k$.

"""
    assert (
        last(
            text
            + r"$\frac{\partial L}{\partial z_k} = \sum_m \frac{\partial L}{\partial p_m} \frac{\partial p_m}{\partial z_k}$"
        )[0]
        == "correct"
    )
    assert last(
        text + r"$\frac{\partial L}{\partial z_k} = \frac{\partial L}{\partial p_k} \frac{\partial p_k}{\partial z_k}$"
    )[0] not in ("correct", "notation")


def test_accumulators_of_a_general_layer():
    """The Delta that is added to is no derivative of the loss itself, in whatever layer."""
    text = r"""$a^{(1)} = x$, $z^{(2)} = \Theta^{(1)} a^{(1)}$, $a^{(2)} = g(z^{(2)})$, $z^{(3)} = \Theta^{(2)} a^{(2)}$, $a^{(3)} = g(z^{(3)})$ with the sigmoid $g$.

$J = -\frac1m \sum_{i=1}^m \sum_{k=1}^K [y_k^{(i)} \log a_k^{(3)} + (1 - y_k^{(i)}) \log(1 - a_k^{(3)})]$

$\delta^{(3)} = a^{(3)} - y$ and $\delta^{(2)} = (\Theta^{(2)})^T \delta^{(3)} .* g'(z^{(2)})$

$\Delta_{ij}^{(l)} := \Delta_{ij}^{(l)} + a_j^{(l)} \delta_i^{(l+1)}$

In the end $D_{ij}^{(l)} = \frac1m \Delta_{ij}^{(l)}$ and $\frac{\partial J}{\partial \Theta_{ij}^{(l)}} = D_{ij}^{(l)}$.
"""
    added = next(c for c in check_homework(text).claims if ":=" in c.source)
    assert (added.verdict, added.message) == ("correct", "adds up the derivative by Θ₁")
    assert "wrong" not in verdicts(text)


def test_an_entry_of_the_last_layer_in_the_loss():
    """`a_i` beside A_1 and A_2 is of the last one; `R := dE/dP` is a derivative, though R may be a loss."""
    text = r"""The columns of $X$ are $n$ samples. $Z_1 = W_1 X + b_1$, $A_1 = \tanh(Z_1)$, $Z_2 = W_2 A_1 + b_2$, $A_2 = \sigma(Z_2)$

$$J = -\frac1n \sum_{i=1}^n [y_i \ln a_i + (1 - y_i) \ln(1 - a_i)]$$

$$R := \frac{\partial J}{\partial Z_2} = \frac1n (A_2 - Y)$$

$$\frac{\partial J}{\partial b_2} = \sum_{i=1}^n R_i$$
"""
    assert set(verdicts(text)) == {"correct"}


def test_of_an_endless_line_the_beginning_is_read():
    text = "$z = w x$, $L = z^2$\n" + "word " * 40_000 + r"$\frac{\partial L}{\partial z} = z$"
    marking = check_homework(text)
    assert [c.source for c in marking.claims] == ["z = w x", "L = z^2"]
    assert any("longer than a line can be" in note for _, note in marking.notes)


@pytest.mark.parametrize(
    ("factor", "verdict"), [(r"\frac{1}{T} W^T", "correct"), (r"\frac{1}{T^2} W^T", "wrong"), ("W^T", "wrong")]
)
def test_a_temperature_is_a_number(factor: str, verdict: str):
    text = r"""One sample, $z = W x + b$, $p = \mathrm{softmax}(z / T)$, $L = -\sum_k y_k \ln p_k$.

$\frac{\partial L}{\partial W} = \frac{1}{T} (p - y) x^T$

"""
    assert last(rf"{text}$\frac{{\partial L}}{{\partial x}} = {factor} (p - y)$")[0] == verdict


@pytest.mark.parametrize(
    "words",
    [
        "The output is a linear unit, so",
        r"With the identity $\tanh' = 1 - \tanh^2$ we get",
        "The output needs no slope, it is linear. Hence",
    ],
)
def test_words_about_the_output_do_not_excuse_a_slope_of_the_hidden_layer(words: str):
    text = rf"""One example: $z = W x + b$, $h = \tanh(z)$, $s = v^T h$, $L = \frac12 (s - y)^2$.

{words} $\frac{{\partial L}}{{\partial z}} = (s - y) v$
"""
    assert last(text)[0] == "wrong"


OUTPUT_BY_TWO_NAMES = r"""We take one sample, and f is the sigmoid function.

$u = x W + b$

$\tilde{y} = h = f(u)$

$E = \sum_k (h_k - y_k)^2$

$dh = 2 (h - y)$

$du = dh \odot f(u) \odot (1 - f(u))$

"""


@pytest.mark.parametrize(("line", "verdict"), [("$db = du$", "correct"), ("$db = 2 du$", "wrong")])
def test_a_target_is_not_the_output_because_it_shares_its_letter(line: str, verdict: str):
    """Else the loss is zero, and so is each side of everything."""
    assert check_homework(OUTPUT_BY_TWO_NAMES + line + "\n").claims[-1].verdict == verdict


LOSS_UNSAID = r"""There are n samples, one in each row of X.

`U2 = X @ W1`
`H2 = softplus(U2)`
`U3 = H2 @ W2`
`H3 = g(U3)`
`y_hat = H3`

`dy_hat = 1/n * (y_hat - Y)`
`dU3 = dy_hat * g_prime(U3)`
`dW2 = H2.T @ dU3`
`dH2 = dU3 @ W2.T`
`dU2 = dH2 * softplus_prime(U2) * softplus_prime(U2)`
`dW1 = 1/n * X.T @ dU2`
"""


def test_a_second_mean_is_no_convention_that_makes_another_line_false():
    found = {claim.line: claim.verdict for claim in check_homework(LOSS_UNSAID).claims}
    assert [found[line] for line in (11, 12, 13, 14)] == ["correct", "correct", "wrong", "wrong"]
