"""Ways of writing that unseen homework brought up: steps, questions that change the network, words, programs, tied weights."""

from __future__ import annotations

import pytest

from symderiv.homework.checking import check_homework

FRAMES = [
    r"\boxed{%s}",
    r"\underline{%s}",
    r"\underline{\underline{%s}}",
    r"\textcolor{red}{%s}",
    r"\color{blue}{%s}",
    r"\bbox[5px]{%s}",
]


@pytest.mark.parametrize("frame", FRAMES)
@pytest.mark.parametrize(("factor", "verdict"), [("2", "correct"), ("3", "wrong")])
def test_a_framed_result_is_a_claim(frame: str, factor: str, verdict: str):
    line = frame % rf"\frac{{\partial L}}{{\partial w}} = {factor} (z - y) x"
    assert check_homework(f"$z = w x$, $L = (z - y)^2$\n\n$${line}$$").claims[-1].verdict == verdict


STEPPED = r"""$p = \sigma(b_0 + b_1 x)$, $L = \frac12 (p - y)^2$

$b_0 = -1$, $b_1 = 0.5$, $x = 1$, $y = 0$, $\eta = 0.5$

$\frac{\partial L}{\partial b_0} = 0.0887$, $\frac{\partial L}{\partial b_1} = 0.0887$

"""


@pytest.mark.parametrize(
    ("step", "verdict"),
    [
        ("b_0^{(1)} = -1.0444", "correct"),
        ("b_0^{(1)} = -1.0544", "wrong"),
        (r"b_0^{(1)} = b_0^{(0)} - \eta \frac{\partial L}{\partial b_0} = -1.0444", "correct"),
        (r"b_0^{(1)} = -1 - 0.5 \cdot 0.0887 = -1.0444", "correct"),
    ],
)
def test_steps_numbered_above_an_index(step: str, verdict: str):
    claims = check_homework(f"{STEPPED}${step}$").claims
    assert claims[-1].verdict == verdict
    assert {c.verdict for c in claims[:-1]} == {"correct"}


def test_a_step_down_an_own_gradient_of_the_wrong_sign():
    text = r"""$z = w x$, $J = \frac12 (y - z)^2$

$\frac{\partial J}{\partial w} = (y - z) x$

$w \leftarrow w - \mu (y - z) x$
"""
    assert [c.verdict for c in check_homework(text).claims][-2:] == ["wrong", "carried"]


def test_shapes_in_the_header_of_a_program():
    text = "#  W1 : (D, H)\n#  b1 : (H,)\nZ = X @ W1 + b1\nloss = np.sum((Z - Y)**2)\ndW1 = X.T @ (2 * (Z - Y))\n"
    assert [(c.kind, c.verdict) for c in check_homework(text, "net.py").claims][:2] == [("shape", "correct")] * 2


@pytest.mark.parametrize(
    ("step", "verdict"),
    [
        ("w_new = w - 0.1*dL/dw", "correct"),
        ("w_new = w + 0.1*dL/dw", "wrong"),
        ("w := w + 0.1*dL/dw", "wrong"),
        ("w_new = w - 0.1*2*(z - y)*x", "correct"),
        ("w_new = w - 0.2*(z - y)*x", "correct"),
        ("w_new = w + 0.1*2*(z - y)*x", "wrong"),
        ("w_new = w - 0.1*(z - y)*x", "wrong"),
        ("w_new = w - 0.1*(z - y)", "wrong"),
    ],
)
def test_a_step_with_the_rate_as_a_number(step: str, verdict: str):
    text = f"z = w x, L = (z - y)^2\n\ndL/dw = 2 (z - y) x\n\nWith a learning rate of 0.1: {step}\n"
    assert check_homework(text).claims[-1].verdict == verdict


UNDER_HEADINGS = r"""$z = w x$, $a = g(z)$, $L = \frac12 (a - y)^2$

Sigmoid: here $g$ is the sigmoid.

$\frac{dL}{dw} = (a - y) a (1 - a) x$

ReLU: now $g$ is the ReLU.

$\frac{dL}{dw} = SLOPE x$
"""


@pytest.mark.parametrize(
    ("slope", "verdict"), [(r"(a - y) \mathbb{1}[z > 0]", "correct"), ("(a - y) a (1 - a)", "wrong")]
)
def test_sections_say_what_a_letter_is(slope: str, verdict: str):
    claims = check_homework(UNDER_HEADINGS.replace("SLOPE", slope)).claims
    assert [c.verdict for c in claims] == ["correct"] * 4 + [verdict]


def test_lines_of_no_layer_are_judged_in_their_section():
    text = r"""# One unit

$s = \sum_j w_j x_j + b$, $o = \sigma(s)$, $E = \frac12 (o - t)^2$

$\frac{\partial E}{\partial w_j} = (o - t) o (1 - o) x_j$

# Layer l

$z^{(l)} = W^{(l)} a^{(l-1)} + b^{(l)}$, $a^{(l)} = \sigma(z^{(l)})$, $E = \frac12 \|a^{(L)} - t\|^2$

$\delta^{(l)} = (W^{(l+1)T} \delta^{(l+1)}) \odot \sigma'(z^{(l)})$
"""
    assert {c.verdict for c in check_homework(text).claims} == {"correct"}


def test_entries_weighed_one_by_one():
    text = r"""$z_j = \sum_i x_i w_{ij} + b_j$, $h_j = \sigma(z_j)$, $y = v_1 h_1 + v_2 h_2 + c$, $L = \frac12 (y - t)^2$

$\frac{\partial L}{\partial w_{11}} = (y - t) v_1 h_1 (1 - h_1) x_1$

$\frac{\partial L}{\partial w_{12}} = (y - t) v_1 h_2 (1 - h_2) x_1$
"""
    assert [c.verdict for c in check_homework(text).claims][-2:] == ["correct", "wrong"]


ROWS_OF_SAMPLES = """Samples are rows. Z = X W + b

A = tanh(Z), S = A V + c, P = s(S), where s is the sigmoid

L = 1/n sum_i -[Y log P + (1-Y) log(1-P)]

dL/dW = """


@pytest.mark.parametrize(
    ("gradient", "verdict"),
    [
        ("X^T ((P - Y)/n V^T .* (1 - A^2))", "correct"),
        ("X^T (P - Y)/n V^T .* (1 - A^2)", "notation"),
        ("X^T (1 - A^2) .* (P - Y)/n V^T", "notation"),
        ("X^T (1/n) * (P - Y)/(P .* (1-P)) .* P .* (1 - P) V^T .* (1 - A^2)", "notation"),
        ("X^T (P - Y)/n V^T .* (1 - A)", "wrong"),
        ("X^T (P + Y)/n V^T .* (1 - A^2)", "wrong"),
    ],
)
def test_divisions_in_a_line_without_brackets(gradient: str, verdict: str):
    assert check_homework(ROWS_OF_SAMPLES + gradient).claims[-1].verdict == verdict


def test_a_tied_weight_is_a_parameter_before():
    text = """u = W x, h = relu(u), r = V h, E = 1/2 ||r - x||^2

dE/dV = (r - x) h^T

g = (V^T (r - x)) o step(u)

dE/dW = g x^T

Now put V = W^T. Then

dE/dW = g x^T + h (r - x)^T

dE/dW = g x^T + 2 h (r - x)^T
"""
    assert [c.verdict for c in check_homework(text).claims][4:] == ["correct"] * 5 + ["wrong"]


def test_a_penalty_beside_a_data_term_by_any_letter():
    text = r"""$P = \sigma(X W + b)$, $D = -\frac1N \sum_n [y_n \ln p_n + (1-y_n) \ln (1-p_n)]$, $J = D + \frac{\lambda}{2} \|W\|^2$

$\frac{\partial J}{\partial W} = \frac1N X^T (P - Y) + \lambda W$
"""
    assert check_homework(text).claims[-1].verdict == "correct"
    assert check_homework(text.replace(r"\lambda W$", r"2 \lambda W$")).claims[-1].verdict == "wrong"


SECOND_QUESTION = r"""$Z = X W + b$, $A = \sigma(Z)$, $L = \frac{1}{2n} \sum_{i=1}^n \|a_i - y_i\|^2$

$\frac{\partial L}{\partial Z} = \frac1n (A - Y) \odot A \odot (1 - A)$

Two lines are new: $A = \mathrm{softmax}(Z)$ and

$L = -\frac1n \sum_{i=1}^n \sum_k y_{ik} \log a_{ik}$

$\frac{\partial L}{\partial Z} = \frac1n GRADIENT$
"""


@pytest.mark.parametrize(
    ("gradient", "verdict"),
    [("(A - Y)", "correct"), (r"(A - Y) \odot A \odot (1 - A)", "wrong"), ("(Y - A)", "wrong")],
)
@pytest.mark.parametrize("heading", ["", "## Question 2\n\n"])
def test_a_second_question_changes_the_network(gradient: str, verdict: str, heading: str):
    text = SECOND_QUESTION.replace("Two lines", heading + "Two lines").replace("GRADIENT", gradient)
    claims = check_homework(text).claims
    assert claims[-1].verdict == verdict
    assert {c.verdict for c in claims[:-1]} == {"correct"}


@pytest.mark.parametrize(("slope", "verdict"), [("1 - h^2", "correct"), ("1 - u^2", "wrong")])
def test_subscripts_that_are_derivatives(slope: str, verdict: str):
    text = rf"""$u = w x + b$, $h = \tanh(u)$, $z = v h + c$, $p = \sigma(z)$, $L = -y \ln p - (1 - y) \ln(1 - p)$

$L_p = \frac{{p - y}}{{p (1 - p)}}$, $p_z = p (1 - p)$, $L_z = L_p \, p_z = p - y$, $L_h = L_z \, v$

$h_u = {slope}$
"""
    claims = check_homework(text).claims
    assert claims[-1].verdict == verdict and claims[-1].kind == "derivative"
    assert {c.verdict for c in claims[:-1]} == {"correct"}


def test_derivatives_in_words():
    text = """pre_hidden = weight_in * input + bias_in
hidden = tanh(pre_hidden)
loss = (hidden - target)^2

d loss / d hidden = 2 * (hidden - target)
d hidden / d pre_hidden = 1 - hidden^2
d loss / d weight_in = d loss / d hidden * (1 - hidden^2)
"""
    assert [c.verdict for c in check_homework(text).claims][-3:] == ["correct", "correct", "wrong"]


def test_a_notebook_kept_as_a_program():
    text = r"""# %% [markdown]
# # Two layers
# Rows of X are samples.
#
# $$A = \tanh(X W), \qquad \hat{Y} = A V$$
#
# $$L = \frac{1}{n} \sum_i \sum_k (\hat{Y}_{ik} - Y_{ik})^2$$

# %%
def backward(X, Y, A, Yhat, V, n):
    # $\frac{\partial L}{\partial \hat{Y}} = \frac{2}{n} (\hat{Y} - Y)$
    dYhat = 2 * (Yhat - Y) / n
    dV = A.T @ dYhat
    dA = dYhat @ V
    return dV, dA
"""
    assert [c.verdict for c in check_homework(text, "net.py").claims][-4:] == [*["correct"] * 3, "wrong"]


def test_two_weights_by_the_case_of_one_letter():
    text = r"""$u_j^\mu = \sum_k w_{jk} x_k^\mu$, $V_j^\mu = \tanh(u_j^\mu)$, $h_i^\mu = \sum_j W_{ij} V_j^\mu$

$E = \frac12 \sum_\mu \sum_i (t_i^\mu - h_i^\mu)^2$

$\frac{\partial E}{\partial W_{ij}} = -\sum_\mu (t_i^\mu - h_i^\mu) V_j^\mu$

$\frac{\partial E}{\partial w_{jk}} = -\sum_\mu \sum_i (t_i^\mu - h_i^\mu) W_{ij} (1 - (V_j^\mu)^2) x_k^\mu$

$\frac{\partial E}{\partial w_{jk}} = -\sum_\mu \sum_i (t_i^\mu - h_i^\mu) W_{ij} (1 - (V_j^\mu)^2) V_k^\mu$
"""
    assert [c.verdict for c in check_homework(text).claims][-3:] == ["correct", "correct", "wrong"]


VERSIONS = r"""$z = w x + b$, $a = \sigma(z)$

MSE: $L = \frac12 (a - y)^2$, $\frac{dL}{dz} = (a - y) a (1 - a)$

Log loss: $L = -[y \ln a + (1 - y) \ln(1 - a)]$, $\frac{dL}{dz} = a - y$

"""


@pytest.mark.parametrize(
    ("line", "verdict"),
    [
        (r"Back to MSE: $L = \frac12 (a - y)^2$, $\frac{dL}{dw} = (a - y) a (1 - a) x$", "correct"),
        (r"Back to MSE: $L = \frac12 (a - y)^2$, $\frac{dL}{dw} = (a - y) x$", "wrong"),
        (r"With the squared error it was $\frac{dL}{dz} = (a - y) a (1 - a)$", "correct"),
        (r"So $\frac{dL}{dz} = (a - y) a (1 - a)$", "wrong"),
        (r"Now tanh: $a = \tanh(z)$, $L = \frac12 (a - y)^2$, $\frac{dL}{dz} = (a - y) (1 - a^2)$", "correct"),
        (r"Now tanh: $a = \tanh(z)$, $L = \frac12 (a - y)^2$, $\frac{dL}{dz} = (a - y) a (1 - a)$", "wrong"),
    ],
)
def test_a_document_that_compares(line: str, verdict: str):
    claims = check_homework(VERSIONS + line).claims
    assert claims[-1].verdict == verdict
    assert {c.verdict for c in claims[:-1]} == {"correct"}


MATRICES = r"""$x \in \mathcal{M}_{p,1}(\mathbb{R})$, $U \in \mathcal{M}_{q,p}(\mathbb{R})$

$z = U x$, $a = \sigma(z)$, $o = V a$, $L = \frac12 \|o - t\|^2$

"""


@pytest.mark.parametrize(
    ("line", "verdict"),
    [
        (r"\partial L/\partial a = {}^{t}V (o - t)", "correct"),
        (r"\partial L/\partial a = {}^tV (o - t)", "correct"),
        (r"\partial L/\partial V = (o - t)\, {}^{t}a", "correct"),
        (r"\partial L/\partial V = {}^{t}a (o - t)", "wrong"),
        (r"\partial L/\partial a = V (o - t)", "wrong"),
        (r"a \in \mathcal{M}_{q,1}(\mathbb{R})", "correct"),
        (r"V \in \mathcal{M}_{q,r}(\mathbb{R})", "wrong"),
    ],
)
def test_transposes_before_and_spaces_of_matrices_as_in_french_notes(line: str, verdict: str):
    assert check_homework(MATRICES + f"${line}$").claims[-1].verdict == verdict


SUMS = """```matlab
Z = X*W + b;
A = tanh(Z);
Y = A*V + c;
J = sum((Y - T).^2, 'all')/(2*N);
dY = (Y - T)/N;
dJ_dV = A'*dY;
dZ = (dY*V') .* (1 - A.^2);
%s
```
"""


@pytest.mark.parametrize(
    ("line", "verdict"),
    [
        ("dJ_dc = sum(dY, 1);", "correct"),
        ("dJ_dc = sum(dY, 2);", "wrong"),
        ("dJ_db = sum(dZ, 'all');", "wrong"),
    ],
)
def test_sums_along_dimensions_that_are_counted_from_one(line: str, verdict: str):
    assert check_homework(SUMS % line).claims[-1].verdict == verdict


EXAMPLE = r"""$Z^{[1]} = W^{[1]} X + b^{[1]}$, $A^{[1]} = \sigma(Z^{[1]})$, $m$ examples

$J = -\frac{1}{m} \sum_{i=1}^{m} ( y^{(i)} \log a^{[1](i)} + (1 - y^{(i)}) \log (1 - a^{[1](i)}) )$

For one example $\mathcal{L} = -y \log a^{[1]} - (1 - y) \log (1 - a^{[1]})$

$dz^{[1]} = a^{[1]} - y$

"""


@pytest.mark.parametrize(
    ("line", "verdict"),
    [
        ("dW^{[1]} = dz^{[1]} x^T", "correct"),
        ("db^{[1]} = dz^{[1]}", "correct"),
        ("dW^{[1]} = 2 dz^{[1]} x^T", "wrong"),
        (r"dW^{[1]} = \frac{1}{m} dZ^{[1]} X^T", "correct"),
        ("dW^{[1]} = dZ^{[1]} X^T", "wrong"),
    ],
)
def test_small_letters_are_of_one_example_and_capitals_of_all(line: str, verdict: str):
    text = (
        EXAMPLE
        + r"All at once: $dZ^{[1]} = A^{[1]} - Y$, $db^{[1]} = \frac{1}{m} \sum_i dz^{[1](i)}$"
        + f"\n\n${line}$"
    )
    assert check_homework(text).claims[-1].verdict == verdict


LOGISTIC = r"""$s_j = \sum_i w_{ij} e_i$, $h_j = g(s_j) = \tanh(s_j)$, $r_k = \sum_j v_{jk} h_j$, $o_k = \sigma(r_k)$

$E = \frac12 \sum_k (t_k - o_k)^2$, $\delta_k := (t_k - o_k) o_k (1 - o_k)$

"""


@pytest.mark.parametrize(
    ("line", "verdict"),
    [
        (r"\frac{\partial E}{\partial v_{jk}} = -\delta_k h_j", "correct"),
        (r"\frac{\partial E}{\partial s_j} = -g'(s_j) \sum_k v_{jk} \delta_k", "correct"),
        (r"\frac{\partial E}{\partial s_j} = -(1 - h_j^2) \sum_{k in D(j)} v_{jk} \delta_k", "correct"),
        (r"\frac{\partial E}{\partial s_j} = -h_j (1 - h_j) \sum_k v_{jk} \delta_k", "wrong"),
        (r"g'(s) = 1 - g(s)^2", "correct"),
        (r"g'(s) = 1 - g(s)", "wrong"),
    ],
)
def test_a_delta_that_is_minus_the_derivative_and_a_function_said_in_passing(line: str, verdict: str):
    text = LOGISTIC + r"$\frac{\partial E}{\partial r_k} = -\delta_k$" + f"\n\n${line}$"
    assert check_homework(text).claims[-1].verdict == verdict


@pytest.mark.parametrize(("mask", "verdict"), [("z > 0", "correct"), ("y > 0", "wrong"), ("x > 0", "wrong")])
def test_a_mask_in_brackets_after_a_plain_line(mask: str, verdict: str):
    text = f"z = W x\n\na = relu(z)\n\ny = V a\n\nL = 1/2 ||y - t||^2\n\n∂L/∂z = ∂L/∂a ({mask})\n"
    assert check_homework(text).claims[-1].verdict == verdict


@pytest.mark.parametrize(
    ("line", "verdict"),
    [(r"x \frac{\partial \ell}{\partial u}", "correct"), (r"\frac{\partial \ell}{\partial u} x", "wrong")],
)
def test_numerator_layout_turns_the_derivative_by_a_matrix(line: str, verdict: str):
    text = rf"""In numerator layout: $x \in \mathbb{{R}}^n$, $A \in \mathbb{{R}}^{{m \times n}}$, $u = A x + a$, $\ell = \frac12 \|u - t\|^2$

$\frac{{\partial \ell}}{{\partial u}} = (u - t)^T$

$\frac{{\partial \ell}}{{\partial A}} = {line}$"""
    assert check_homework(text).claims[-1].verdict == verdict


@pytest.mark.parametrize(("size", "verdict"), [("n^1", "correct"), ("m^1", "wrong")])
def test_sizes_of_one_layer_are_two(size: str, verdict: str):
    text = rf"""$W^l \in \mathbb{{R}}^{{m^l \times n^l}}$, $W_0^l \in \mathbb{{R}}^{{n^l \times 1}}$

$Z^1 = (W^1)^T x + W_0^1$, $A^1 = \text{{ReLU}}(Z^1)$, $Z^2 = (W^2)^T A^1 + W_0^2$, $J = \frac12 \|Z^2 - y\|^2$

$\frac{{\partial J}}{{\partial W_0^2}} = \frac{{\partial J}}{{\partial Z^2}}$

$\frac{{\partial J}}{{\partial Z^1}} \in \mathbb{{R}}^{{{size} \times 1}}$"""
    marked = check_homework(text)
    assert [claim.verdict for claim in marked.claims[-2:]] == ["correct", verdict]
