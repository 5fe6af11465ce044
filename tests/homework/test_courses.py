"""Conventions of single courses: each with a line that is right in it, and with one that is not."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from symderiv.homework.checking import check_homework


class Course(NamedTuple):
    """A document with a hole, what is right there, and what is wrong."""

    text: str
    right: str
    wrong: str


COURSES = {
    "bars before brackets": Course(
        r"""$z = w x + b$, $y = \sigma(z)$, $\mathcal{L} = \frac12 (y - t)^2$

$\overline{\mathcal{L}} = 1$

$$\overline{y} = %s$$

$$\overline{z} = \overline{y} \, \sigma'(z)$$
""",
        r"\overline{\mathcal{L}} \, (y - t)",
        r"\overline{\mathcal{L}} \, (t - y)",
    ),
    "the true class ell": Course(
        r"""$a_1 = W_1 x + b_1$, $h_1 = g(a_1)$, $a_2 = W_2 h_1 + b_2$, $\hat y = softmax(a_2)$

Loss: $\mathscr{L}(\theta) = -\log \hat y_\ell$ with the true class $\ell$.

$$\nabla_{a_2} \mathscr{L}(\theta) = %s$$
""",
        r"-(e(\ell) - \hat y)",
        r"e(\ell) - \hat y",
    ),
    "entries of a picked share": Course(
        r"""$a = W x + b$, $\hat y = softmax(a)$, $L = -\log \hat y_\ell$

$$\frac{\partial L}{\partial a_i} = \frac{\partial L}{\partial \hat y_\ell} \frac{\partial \hat y_\ell}{\partial a_i} = %s$$
""",
        r"-(1_{(\ell = i)} - \hat y_i)",
        r"-(1_{(\ell = i)} + \hat y_i)",
    ),
    "hidden units h of a rule for units j": Course(
        """net_j = sum_i w_ji x_ji
o_j = sigma(net_j)
E = 1/2 sum_k (t_k - o_k)^2

delta_j = -dE/dnet_j

%s
""",
        "delta_h = o_h (1 - o_h) sum_k w_kh delta_k",
        "delta_h = sum_k w_kh delta_k",
    ),
    "derivatives written together": Course(
        """A0 is N x C0, W0 is C1 x C0, Y is N x C1

    Z0 = A0 @ W0.T + b0
    A1 = np.tanh(Z0)
    L = np.sum((A1 - Y)**2) / (N * C1)
    dLdA1 = %s
    dLdZ0 = dLdA1 * (1 - A1 * A1)
""",
        "2 * (A1 - Y) / (N * C1)",
        "2 * (A1 - Y) / N",
    ),
    "gradients without their loss": Course(
        r"""$\tilde H = X W_h^\top + \mathbf 1 b_h^\top$, $H = \tanh(\tilde H)$, $\hat Y = H W_y^\top + \mathbf 1 b_y^\top$,
$L = \frac{1}{2} \|\hat Y - Y\|^2$

$$\nabla_{\hat Y} = \hat Y - Y$$

$$\nabla_{W_y} = %s$$
""",
        r"\nabla_{\hat Y}^\top H",
        r"\nabla_{\hat Y}^\top X",
    ),
    "a rate before the step": Course(
        r"""$net_j = \sum_u w_{ju} x_u$, $o_j = \tanh(net_j)$, $net_k = \sum_j w_{kj} o_j$, $o_k = net_k$

$$E_p = \frac{1}{2} \sum_k (d_k - o_k)^2$$

$$\Delta w_{kj} = %s$$

$$w_{kj}^{new} = w_{kj} + \eta \, \Delta w_{kj}$$
""",
        r"-\frac{\partial E_p}{\partial w_{kj}}",
        r"\frac{\partial E_p}{\partial w_{kj}}",
    ),
    "a function said in code": Course(
        r"""`σ` is tanh applied to each entry. $s = W x + b$, $h = \sigma(s)$, $\ell = \sum_i (h_i - y_i)^2$

$$\sigma'(s) = %s$$
""",
        r"\frac{4}{(e^{s} + e^{-s})^2}",
        r"\sigma(s) (1 - \sigma(s))",
    ),
    "sums that the weights say": Course(
        r"""Alle Neuronen benutzen $f(net) = \frac{1}{1+e^{-net}}$. $o_1 = 2$, $t = 1$, $w_{12} = 0{,}3$, $w_{13} = -0{,}4$,
$w_{24} = 0{,}8$, $w_{34} = -0{,}5$

$net_2 = 0{,}6$, $o_2 = 0{,}6457$, $net_3 = -0{,}8$, $o_3 = 0{,}3100$

$$net_4 = w_{24} o_2 + w_{34} o_3 = 0{,}3615$$

$$o_4 = 0{,}5894$$

$$E = \frac12 (t - o_4)^2$$

$$\delta_4 = (o_4 - t) o_4 (1 - o_4) = -0{,}0994$$

$$\delta_3 = %s$$
""",
        r"o_3 (1 - o_3) w_{34} \delta_4",
        r"o_3 (1 - o_3) w_{24} \delta_4",
    ),
    "names before a row of numbers": Course(
        r"""$[x_1 \; x_2 \; t] = [0.8 \; -0.5 \; 1]$, $[w_1 \; w_2] = [0.5 \; -0.3]$

$y = w_1 x_1 + w_2 x_2$, $E = \frac12 (t - y)^2$

$$y = %s$$
""",
        "0.55",
        "0.65",
    ),
    "capitals in the upper layer": Course(
        r"""$$b_j^{(\mu)} = \sum_k w_{jk} x_k^{(\mu)} - \theta_j, \qquad V_j^{(\mu)} = g(b_j^{(\mu)})$$

$$B_i^{(\mu)} = \sum_j W_{ij} V_j^{(\mu)} - \Theta_i, \qquad O_i^{(\mu)} = g(B_i^{(\mu)})$$

$$H = \frac{1}{2}\sum_{\mu}\sum_{i} (t_i^{(\mu)} - O_i^{(\mu)})^2$$

$$\Delta_i^{(\mu)} = (t_i^{(\mu)} - O_i^{(\mu)})\, g'(B_i^{(\mu)})$$

$$\frac{\partial H}{\partial W_{mn}} = -\sum_{\mu} \Delta_m^{(\mu)} V_n^{(\mu)}$$

$$\frac{\partial H}{\partial \Theta_m} = %s$$
""",
        r"\sum_{\mu} \Delta_m^{(\mu)}",
        r"-\sum_{\mu} \Delta_m^{(\mu)}",
    ),
    "samples with numbers": Course(
        r"""$x^{(1)} = (1, 2)^T$, $d^{(1)} = 1$, $x^{(2)} = (-1, 1)^T$, $d^{(2)} = 0$,
$W = \begin{bmatrix} 0.2 & -0.1 \\ 0.4 & 0.3 \end{bmatrix}$, $v = (0.5, -0.6)^T$

$h^{(p)} = \sigma(W x^{(p)})$, $y^{(p)} = v^T h^{(p)}$, $E = \frac{1}{2} \sum_{p=1}^{2} (y^{(p)} - d^{(p)})^2$

$e^{(p)} = y^{(p)} - d^{(p)}$

$$\frac{\partial E}{\partial v} = e^{(1)} h^{(1)} + e^{(2)} h^{(2)} = %s$$
""",
        "(-0.6251, -0.9033)^T",
        "(-0.6251, -0.9933)^T",
    ),
    "sigma in one section, tanh in the next": Course(
        r"""$Z^1 = {W^1}^T x + W_0^1$, $A^1 = f(Z^1)$, $Z^2 = {W^2}^T A^1 + W_0^2$, $A^2 = \sigma(Z^2)$,
$L = -(y \log A^2 + (1 - y) \log (1 - A^2))$

### Sigmoid

$f(z) = \sigma(z)$

$$f'(Z^1) = %s$$

### Tanh

$f(z) = \tanh(z)$, so $f'(Z^1) = 1 - A^1 * A^1$
""",
        "A^1 * (1 - A^1)",
        "1 - A^1 * A^1",
    ),
    "the pattern below every unit": Course(
        """net_pj = sum_i w_ji o_pi + theta_j
o_pj = 1 / (1 + exp(-net_pj))
net_pk = sum_j w_kj o_pj + theta_k
o_pk = 1 / (1 + exp(-net_pk))

E_p = - sum_k [ t_pk ln(o_pk) + (1 - t_pk) ln(1 - o_pk) ]

%s
""",
        "dE_p/dnet_pk = o_pk - t_pk",
        "dE_p/dnet_pk = t_pk - o_pk",
    ),
    "a unit that is 1": Course(
        r"""$a^{(1)} = x^{(t)}$, add $a_0^{(1)} = 1$. $z^{(2)} = \Theta^{(1)} a^{(1)}$, $a^{(2)} = g(z^{(2)})$, add $a_0^{(2)} = 1$.
$z^{(3)} = \Theta^{(2)} a^{(2)}$, $a^{(3)} = g(z^{(3)})$ with $g(z) = \frac{1}{1+e^{-z}}$ and

$$J(\Theta) = -\frac{1}{m}\sum_{t=1}^{m}\sum_{k=1}^{K}\left[ y_k^{(t)} \log a_k^{(3)(t)} + (1-y_k^{(t)})\log(1- a_k^{(3)(t)}) \right]
+ \frac{\lambda}{2m}\sum_{l=1}^{2}\sum_{i}\sum_{j \geq 1} (\Theta_{ij}^{(l)})^2$$

$$\delta^{(3)} = a^{(3)} - y^{(t)}$$

$$\Delta^{(2)} := \Delta^{(2)} + \delta^{(3)} (a^{(2)})^T$$

$$\frac{\partial}{\partial \Theta_{ij}^{(2)}} J(\Theta) = \frac{1}{m}\Delta_{ij}^{(2)} + \frac{\lambda}{m}\Theta_{ij}^{(2)} \quad \text{for } j \geq 1$$

$$\frac{\partial}{\partial \Theta_{i0}^{(2)}} J(\Theta) = %s$$
""",
        r"\frac{1}{m}\Delta_{i0}^{(2)}",
        r"\frac{1}{m}\Delta_{i0}^{(2)} + \frac{\lambda}{m}\Theta_{i0}^{(2)}",
    ),
    "a dot between spaces": Course(
        """    a = W x + b
    h = relu(a)
    o = v . h + c
    L = (o - y)^2

    dL/dv = %s
""",
        "2 (o - y) * h",
        "2 (o - y) * a",
    ),
    "a prediction that the loss alone names": Course(
        r"""$Z_1 = W_1 X + b_1$, $A_1 = \sigma(Z_1)$, $Z_2 = W_2 A_1 + b_2$, $A_2 = \sigma(Z_2)$ for $m$ examples in columns

$$J = -\frac{1}{m} \sum_{i=1}^{m} \left[ y_i \log \hat{y}_i + (1 - y_i) \log(1 - \hat{y}_i) \right]$$

$$\frac{\partial J}{\partial Z_2} = %s$$
""",
        r"\frac{1}{m} (A_2 - Y)",
        r"A_2 (1 - A_2)",
    ),
    "layers counted from 0 upwards": Course(
        r"""$$s_\ell = W_\ell x_\ell + b_\ell, \qquad x_{\ell+1} = \sigma(s_\ell)$$

with the logistic $\sigma$, $C = \frac12 \| x_3 - y \|^2$, $D_\ell = \mathrm{diag}(x_{\ell+1} \odot (1 - x_{\ell+1}))$,
and the costate $p_\ell := \frac{\partial C}{\partial x_\ell}$.

$$\frac{\partial C}{\partial W_\ell} = %s$$
""",
        r"D_\ell\, p_{\ell+1}\, x_\ell^T",
        r"D_\ell\, p_\ell\, x_\ell^T",
    ),
    "Heaviside's function": Course(
        r"""$A = X W + \mathbf{1}_n b^\top$, $H = \max(0, A)$, $F = H V + \mathbf{1}_n c^\top$, $L = \frac{1}{2n} \|F - Y\|_F^2$

$G := \frac{\partial L}{\partial F} = \frac{1}{n} (F - Y)$. Mit der Heaviside-Funktion $\Theta$:

$$\frac{\partial L}{\partial A} = %s$$
""",
        r"(G V^\top) \odot \Theta(A)",
        r"(G V^\top) \odot \Theta(H V)",
    ),
    "one unit in every layer": Course(
        r"""$\sigma$ is the sigmoid. $z_l = w_l a_{l-1} + b_l$, $a_l = \sigma(z_l)$ for $l$ from 1 to 3, $a_0 = x$, $C = (a_3 - y)^2$

$$\frac{\partial a_l}{\partial z_l} = %s$$
""",
        "a_l (1 - a_l)",
        "a_l (1 + a_l)",
    ),
    "rows of what is said to have rows": Course(
        """X is N x D, W is D x K, Y is N x K, b is 1 x K

    Yhat = X W + b
    L = 1/(2N) * sum_n sum_k (Yhat_nk - Y_nk)^2
    dL/db = %s
""",
        "sum_n (Yhat_n - Y_n)/N",
        "sum_n (Yhat_n - Y_n)",
    ),
    "a sum over t in bits": Course(
        r"""$s = B h + c$, $\pi = \mathrm{softmax}(s)$ and the surprisal $S = -\sum_t g_t \log_2 \pi_t$ of the one-hot $g$

$$\frac{\partial S}{\partial s} = %s$$
""",
        r"\frac{1}{\ln 2}(\pi - g)",
        r"\pi - g",
    ),
    "a residual called as losses are": Course(
        """X is D x N, Y is K x N

    Yhat = W @ X + b
    E = Yhat - Y
    V = np.sum(E**2) / (2*N)
    dYhat = %s
    dW = dYhat @ X.T
""",
        "E / N",
        "2 * E / N",
    ),
    "prices called as losses are": Course(
        r"""$X \in \mathbb{R}^{N \times D}$, $C \in \mathbb{R}^{N \times 1}$, $\hat C = X w + \mathbf{1} b$,
$\mathcal{L} = \frac{1}{N} \sum_{i=1}^{N} (\hat C_i - C_i)^2$

$$\frac{\partial \mathcal{L}}{\partial w} = %s$$
""",
        r"\frac{2}{N} X^\top (\hat C - C)",
        r"\frac{1}{N} X^\top (\hat C - C)",
    ),
    "steps called as derivatives are": Course(
        """w_ji is the weight to unit j from unit i. (w31, w32, w41, w42) = (0.3, -0.2, 0.5, 0.4)
(w53, w54) = (0.6, -0.7)
(a1, a2, t5) = (1, 0.5, 1)
lrate = 0.5

net_j = sum_i w_ji * a_i
a_j = 1/(1 + exp(-net_j))

a3 = 0.5498
a4 = 0.6682
a5 = 0.4656

E = 0.5*(t5 - a5)^2 = 0.1428

delta5 = (t5 - a5)*a5*(1 - a5) = 0.1330
delta4 = a4*(1 - a4)*w54*delta5 = %s

dw53 = lrate*delta5*a3 = 0.0366
""",
        "-0.02064",
        "0.02064",
    ),
    "M hidden units beside n samples": Course(
        r"""$v_{im} = \alpha_{0m} + \sum_{l=1}^{p} \alpha_{ml} x_{il}$, $z_{im} = \sigma(v_{im})$,
$f_{ik} = \beta_{0k} + \sum_{m=1}^{M} \beta_{km} z_{im}$, $R_i = \sum_{k=1}^{K} (y_{ik} - f_{ik})^2$,
$R(\theta) = \frac{1}{n}\sum_{i=1}^{n} R_i$

$$\frac{\partial R_i}{\partial z_{im}} = %s$$
""",
        r"-2 \sum_{k=1}^{K} (y_{ik} - f_{ik}) \beta_{km}",
        r"-2 (y_{ik} - f_{ik}) \beta_{km}",
    ),
    "a function with two constants": Course(
        r"""$\varphi(v) = a\tanh(bv)$, $v_k = \sum_j w_{kj} x_j$, $y_k = \varphi(v_k)$, $E = \frac12 \sum_k (d_k - y_k)^2$

$$\varphi'(v) = %s$$
""",
        r"a b [1 - \tanh^2(bv)]",
        r"a [1 - \tanh^2(bv)]",
    ),
    "a loss transposed": Course(
        r"""$o_0 = X$, $i_1 = o_0 W_1^T + b_1$, $J = \frac{1}{2} \sum (i_1 - y)^2$

$$\frac{\partial}{\partial i_1} J = i_1 - y$$

$$\frac{\partial}{\partial W_1} J = %s$$
""",
        r"\frac{\partial}{\partial i_1} J.T \times o_0",
        r"\frac{\partial}{\partial i_1} J.T \times i_1",
    ),
}


@pytest.mark.parametrize("name", COURSES)
def test_what_is_right_in_a_course_is_right(name: str):
    course = COURSES[name]
    claims = check_homework(course.text % course.right).claims
    assert {c.verdict for c in claims if "_0^{(2)} = 1" not in c.source} == {"correct"}


@pytest.mark.parametrize("name", COURSES)
def test_what_is_wrong_in_a_course_is_wrong(name: str):
    course = COURSES[name]
    claims = check_homework(course.text % course.wrong).claims
    found = [c for c in claims if course.wrong in c.source]
    assert found
    assert "wrong" in {c.verdict for c in found}


def test_sizes_that_are_multiplied():
    text = (
        r"$W \in \mathbb{R}^{D \times H}$, $(D\times N)(N\times H) = D\times H$, $(D\times N)(H\times N) = D\times H$"
    )
    assert [c.verdict for c in check_homework(text).claims] == ["correct", "correct", "wrong"]


def test_several_names_of_one_shape():
    text = (
        r"$x, y \in \mathbb{R}^{D}$, $W \in \mathbb{R}^{K \times D}$, $z = W x$, $h = \tanh(z)$, $L = \|W^T h - y\|^2$"
    )
    assert {c.verdict for c in check_homework(text).claims} == {"correct"}


SUMMED_BY_HAND = r"""$z_m = \sigma(\sum_l \alpha_{ml} x_l)$, $T_k = \sum_m \beta_{km} z_m$, $R = \sum_k (y_k - T_k)^2$

$$\frac{\partial R}{\partial T_k} = -2 (y_k - T_k)$$

$$\frac{\partial R}{\partial z_m} = %s$$

$$s_m = -2 (y_k - T_k) \beta_{km} \sigma'(\sum_l \alpha_{ml} x_l)$$
"""


def test_a_sum_lost_on_the_way_back_is_no_convention():
    verdicts = [
        [c.verdict for c in check_homework(SUMMED_BY_HAND % right).claims][4]
        for right in (r"-2 \sum_k (y_k - T_k) \beta_{km}", r"-2 (y_k - T_k) \beta_{km}")
    ]
    assert verdicts == ["correct", "wrong"]


AGAIN = r"""$z = w x + b$, $y = \sigma(z)$, $E = \frac12 (y-t)^2$, with $w = 0.5$, $b = 0.1$, $x = 2$, $t = 1$.

$z = 1.1$

$y = 0.7503$

Now the other one:

$z = %s$

$y = 0.6566$
"""


def test_another_value_of_the_same_quantity_may_be_of_another_sample():
    assert [c.verdict for c in check_homework(AGAIN % "0.6482").claims][-2:] == ["uncheckable", "uncheckable"]


def test_a_slip_in_a_repeated_value_is_one():
    assert [c.verdict for c in check_homework(AGAIN % "1.7").claims][-2] == "uncheckable"
    assert [c.verdict for c in check_homework((AGAIN % "1.1").replace("0.6566", "0.7053")).claims][-1] == "wrong"


OWN_SLOPE = r"""$z_1 = w_1 x + b_1$, $a_1 = \tanh(z_1)$, $y = w_2 a_1 + b_2$, $C = (y - t)^2$

$$\frac{\partial a_1}{\partial z_1} = 1 - z_1^2$$

$$\frac{\partial C}{\partial b_1} = 2 (y - t) w_2 %s$$
"""


@pytest.mark.parametrize(
    ("slope", "verdict"), [("(1 - z_1^2)", "carried"), ("(1 - a_1^2)", "correct"), ("(1 + z_1^2)", "wrong")]
)
def test_an_own_false_slope_is_charged_once(slope: str, verdict: str):
    assert check_homework(OWN_SLOPE % slope).claims[-1].verdict == verdict


def test_an_own_false_slope_of_arrays_is_charged_once():
    text = r"""$z = W x + b$, $h = \sigma(z)$, $y = V h + c$, $C = \frac12 \|y - t\|^2$

$$\frac{\partial h}{\partial z} = z \odot (1 - z)$$

$$\frac{\partial C}{\partial W} = (V^T (y - t) \odot z \odot (1 - z)) x^T$$
"""
    assert [c.verdict for c in check_homework(text).claims][-2:] == ["wrong", "carried"]


def test_sizes_in_brackets_beside_letters():
    text = "W1 is (n, h), W2 is (h, 1); b1 is (1, h), b2 is (1, 1)\n\nZ = X @ W1 + b1\nA = tanh(Z)\nY = A @ W2 + b2\n"
    shapes = [c for c in check_homework(text).claims if c.kind == "shape"]
    assert [c.verdict for c in shapes] == ["correct"] * 4


COMMA = r"""$z = w x + b$, $\hat y = \sigma(z)$, $L = \frac12 (\hat y - y)^2$, avec $w = 0{,}5$, $b = 0{,}1$, $x = 2$, $y = 1$,
et le taux d'apprentissage $\eta = 0%s2$.

$$\frac{\partial L}{\partial b} = -0{,}0468$$

$$b \leftarrow b - \eta \frac{\partial L}{\partial b} = %s$$
"""


@pytest.mark.parametrize("comma", [",", "{,}", "."])
def test_a_learning_rate_with_a_decimal_comma(comma: str):
    assert check_homework(COMMA % (comma, "0{,}1094")).claims[-1].verdict == "correct"
    assert check_homework(COMMA % (comma, "0{,}1468")).claims[-1].verdict != "correct"


ROWS = r"""$x \in \mathbb{R}^{3}$, $W \in \mathbb{R}^{2 \times 3}$, $z = W x$, $h = \tanh(z)$, $V \in \mathbb{R}^{4 \times 2}$, $y = V h$,
$L = \frac12 \|y - t\|^2$. %s

$$\frac{\partial L}{\partial y} = (y - t)^T$$

$$\frac{\partial L}{\partial h} = %s$$
"""


@pytest.mark.parametrize("words", ["Les gradients sont des vecteurs lignes.", "Los gradientes son vectores fila."])
def test_derivatives_as_rows_in_other_languages(words: str):
    claims = check_homework(ROWS % (words, "(y - t)^T V")).claims
    assert [c.verdict for c in claims if c.kind == "derivative"] == ["correct", "correct"]
    claims = check_homework(ROWS % (words, "(y - t)^T V^T")).claims
    assert [c.verdict for c in claims if c.kind == "derivative"][-1] == "wrong"


WRITTEN_FOR = r"""$$z^{[1]} = W^{[1]} x + b^{[1]}, \quad a^{[1]} = \tanh(z^{[1]}), \quad z^{[2]} = W^{[2]} a^{[1]} + b^{[2]}, \quad
a^{[2]} = \sigma(z^{[2]}), \quad L = -y \log a^{[2]} - (1-y) \log(1 - a^{[2]})$$

From here on we write $a$ for $a^{[2]}$.

$$\frac{\partial L}{\partial z^{[2]}} = %s$$
"""


@pytest.mark.parametrize(("right", "verdict"), [("a - y", "correct"), ("y - a", "wrong")])
def test_a_letter_written_for_one_of_a_layer(right: str, verdict: str):
    assert check_homework(WRITTEN_FOR % right).claims[-1].verdict == verdict


PRIMES_TRANSPOSE = """u₁ = X W₁ + b₁,  h₁ = φ(u₁),  u₂ = h₁ W₂ + b₂,  p = σ(u₂)

J = -[d ln p + (1 - d) ln(1 - p)]

∂J/∂W₂ = %s

∂J/∂W₁ = X' (((p - d) W₂') ⊙ φ'(u₁))
"""


@pytest.mark.parametrize(("right", "verdict"), [("h₁' (p - d)", "correct"), ("X' (p - d)", "wrong")])
def test_a_prime_on_a_unit_transposes_beside_transposed_weights(right: str, verdict: str):
    assert [c.verdict for c in check_homework(PRIMES_TRANSPOSE % right).claims][-2:] == [verdict, "correct"]


QUOTIENT = """There are n samples, one in each column of X.

Z = W X,  A = tanh(Z),  P = σ(V A)

J = -(1/n) Σ_i [t ln P + (1 - t) ln(1 - P)]

∂J/∂Z = (1/n) %s
"""


@pytest.mark.parametrize(
    ("right", "verdict"),
    [
        ("V^T · ((P - t) / (P × (1 - P)) × P × (1 - P)) × (1 - A²)", "correct"),
        ("V^T · (P - t) / (P × (1 - P)) × P × (1 - P) × (1 - A²)", "notation"),
        ("V^T · (P - t) / (P × (1 - P)) × P × (1 - P) × (1 - A)", "wrong"),
    ],
)
def test_a_quotient_of_the_last_factor_before_the_stroke(right: str, verdict: str):
    assert check_homework(QUOTIENT % right).claims[-1].verdict == verdict


def test_a_shape_of_weights_without_their_bias_column_is_no_false_one():
    text = r"""$\Theta_1 \in \mathbb{R}^{s \times (n+1)}$, $\Theta_2 \in \mathbb{R}^{K \times (s+1)}$

$a_1 = [1; x]$, $z_2 = \Theta_1 a_1$, $a_2 = [1; g(z_2)]$, $z_3 = \Theta_2 a_2$, $a_3 = g(z_3)$ with the sigmoid g.

$J = -\sum_{k=1}^{K} (y_k \log (a_3)_k + (1 - y_k) \log(1 - (a_3)_k))$

Without the first column this is $\bar{\Theta}_2$ = `Theta2(:,2:end)`, so $\bar{\Theta}_2 \in \mathbb{R}^{K \times s}$.
"""
    assert "wrong" not in {c.verdict for c in check_homework(text).claims}


ABOVE_DELTAS = r"""$u = x W_h^\top + b_h$, $h = \tanh(u)$, $v = h W_y^\top + b_y$, $\ell = \frac12 \|v - y\|^2$.

We write $\delta^y = \frac{\partial \ell}{\partial v}$.

$$\delta^y = v - y$$

$$\frac{\partial \ell}{\partial W_{y,ij}} = %s$$

$$\nabla_{W_y} \ell = (\delta^y)^\top h$$
"""


@pytest.mark.parametrize(("right", "verdict"), [(r"\delta^y_i h_j", "correct"), (r"\delta^y_i x_j", "wrong")])
def test_a_delta_whose_layer_stands_above_it(right: str, verdict: str):
    assert [c.verdict for c in check_homework(ABOVE_DELTAS % right).claims][-3:] == ["correct", verdict, "correct"]


NAMED_OUTPUT = """    net = W X + b
    out = net

    W = [0.2 0.4; 1.2 1.4]
    X = [0.5; -0.5]
    b = [0.1; 0.2]

    net = [%s; 0.1]
    out = [%s; 0.1]
"""


@pytest.mark.parametrize(("value", "verdicts"), [("0", ["correct"] * 2), ("0.3", ["wrong", "carried"])])
def test_an_output_that_is_the_net_input_is_read(value: str, verdicts: list[str]):
    assert [c.verdict for c in check_homework(NAMED_OUTPUT % (value, value)).claims][-2:] == verdicts
