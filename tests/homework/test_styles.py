"""Ways to write that courses have, each with a right line and a wrong one: what it takes to read them is told in the names."""

from __future__ import annotations

import pytest

from symderiv.homework import check_homework
from symderiv.homework.reading.sections import alone, sections

TWO = r"""# Sheet

## 1. One unit
$z = w^T x + b$, $a = \sigma(z)$, $\ell = -y\log a - (1-y)\log(1-a)$ and so $\frac{\partial \ell}{\partial w} = (a - y)\,x$.

## 2. Many examples
The examples are the columns of $X \in R^{n_0 \times m}$; $W^{[1]} \in R^{n_1 \times n_0}$, $W^{[2]} \in R^{1 \times n_1}$.
$$Z^{[1]} = W^{[1]} X + b^{[1]}, \quad A^{[1]} = \tanh(Z^{[1]}), \quad Z^{[2]} = W^{[2]} A^{[1]} + b^{[2]}, \quad A^{[2]} = \sigma(Z^{[2]})$$
$$J = -\frac1m \sum_{i=1}^m [y^{(i)} \log a^{[2](i)} + (1 - y^{(i)}) \log(1 - a^{[2](i)})]$$
$$\frac{\partial J}{\partial Z^{[2]}} = \frac1m (A^{[2]} - Y)$$
"""
CELL = """The rows of X are the samples.

```python
hidden = np.maximum(0, X.dot(W1) + b1)
scores = hidden.dot(W2) + b2
loss = 0.5 * np.sum((scores - Y) ** 2) / N
```

```python
dscores = scores - Y
dscores /= N
dhidden = dscores.dot(W2.T)
dhidden[hidden <= 0] = 0
db1 = np.sum(dhidden, axis=0)
```
"""
ENTRIES = r"""Given $x = (0.6, 0.2)^T$, $t = (0.9, 0.2)^T$ and
$$W = \begin{pmatrix} 0.3 & -0.4 \\ 0.25 & 0.7 \end{pmatrix}, \quad V = \begin{pmatrix} 0.5 & -0.2 \\ 0.8 & 0.35 \end{pmatrix}$$
$$z = W x, \quad h = \sigma(z), \quad s = V h, \quad o = \sigma(s), \quad E = E_1 + E_2, \quad E_k = \tfrac12 (t_k - o_k)^2$$
$$\delta_k = \frac{\partial E}{\partial s_k} = (o_k - t_k)\, o_k (1 - o_k)$$
"""
EXAMPLE = r"""$$s_j = \sum_i w_{ij} x_i + b_j, \quad h_j = \tanh(s_j), \quad y = \sum_j v_j h_j, \quad E = \frac12 (y - d)^2$$
The biases are all zero. Let $x_1 = 0.5$, $x_2 = -1$, $w_{11} = 0.4$, $w_{12} = 0.2$, $w_{21} = 0.3$, $w_{22} = -0.6$, $v_1 = 1.5$,
$v_2 = -0.7$ and $d = 1$. Then $s_1 = 0.4 \cdot 0.5 - 0.3 = -0.1$ and $s_2 = 0.2 \cdot 0.5 + 0.6 = 0.7$.
"""
LETTERS_ABOVE = r"""The pattern $p$; the letter $h$ above marks the hidden layer, $o$ the output layer.
$$s^h_{pj} = \sum_i u^h_{ji} x_{pi} - \theta^h_j, \quad q_{pj} = g(s^h_{pj}), \quad s^o_{pk} = \sum_j u^o_{kj} q_{pj} - \theta^o_k, \quad y_{pk} = g(s^o_{pk})$$
$$g(z) = \frac{1}{1 + e^{-z}}, \quad E_p = \frac12 \sum_k (t_{pk} - y_{pk})^2, \quad E = \sum_p E_p$$
$$\delta^o_{pk} = -\frac{\partial E_p}{\partial s^o_{pk}} = (t_{pk} - y_{pk})\, y_{pk} (1 - y_{pk})$$
"""
PATH = r"""One example $(x_k, t_k)$ at a time; $f$ is the logistic function.
$$\alpha_h = \sum_i v_{ih} x_i, \quad r_h = f(\alpha_h - \gamma_h), \quad \beta_j = \sum_h w_{hj} r_h, \quad \hat y^k_j = f(\beta_j - \theta_j)$$
$$E_k = \frac12 \sum_j (\hat y^k_j - y^k_j)^2, \quad g_j = -\frac{\partial E_k}{\partial \hat y^k_j} \frac{\partial \hat y^k_j}{\partial \beta_j}$$
"""
NUMBERED = r"""$$\varphi(v) = \frac{1}{1 + e^{-v}}$$
Data: $x_1 = 0.5$, $x_2 = -0.3$, $d = 1$, $\eta = 0.45$; $w_{11} = 0.2$, $w_{12} = 0.6$, $b_1 = -0.1$; $w_{21} = -0.4$, $w_{22} = 0.9$,
$b_2 = 0.25$; $w_{31} = 0.8$, $w_{32} = -0.7$, $b_3 = 0.15$.
$$v_1 = 0.2 \cdot 0.5 + 0.6 \cdot (-0.3) - 0.1 = -0.1800, \quad y_1 = \varphi(-0.1800) = 0.4551$$
$$v_2 = -0.4 \cdot 0.5 + 0.9 \cdot (-0.3) + 0.25 = -0.2200, \quad y_2 = \varphi(-0.2200) = 0.4452$$
$$v_3 = 0.8 \cdot 0.4551 - 0.7 \cdot 0.4452 + 0.15 = 0.2024, \quad y_3 = \varphi(0.2024) = 0.5504$$
$$e = d - y_3 = 0.4496, \quad E = \frac12 e^2$$
$$\delta_3 = e\, \varphi'(v_3) = 0.1112$$
$$w_{31} = 0.8 + 0.45 \cdot 0.1112 \cdot 0.4551 = 0.8228$$
"""
BESIDE_ONES = "Samples are rows. $U = X G$, $H = \\tanh(U)$\n\n$$K = ONES, \\quad P = K B$$\n\n$R = \\frac{1}{2n} \\|P - Y\\|_F^2$\n"
STYLES = [
    ("units worked out in numbers", NUMBERED, r"\delta_j = y_j (1 - y_j)\, \delta_3\, w_{3j}", r"\delta_j = y_j\, \delta_3\, w_{3j}"),
    ("and a number of theirs", NUMBERED, r"\delta_1 = 0.0221", r"\delta_1 = -0.0221"),
    (
        "layers named by letters above",
        LETTERS_ABOVE,
        r"\frac{\partial E_p}{\partial u^h_{ji}} = -q_{pj} (1 - q_{pj}) x_{pi} \sum_k \delta^o_{pk} u^o_{kj}",
        r"\frac{\partial E_p}{\partial u^h_{ji}} = q_{pj} (1 - q_{pj}) x_{pi} \sum_k \delta^o_{pk} u^o_{kj}",
    ),
    (
        "a step for each pattern",
        LETTERS_ABOVE,
        r"\theta^o_k \leftarrow \theta^o_k - \eta\, \delta^o_{pk}",
        r"\theta^o_k \leftarrow \theta^o_k + \eta\, \delta^o_{pk}",
    ),
    ("a derivative named by its path", PATH, r"\frac{\partial E_k}{\partial \theta_j} = g_j", r"\frac{\partial E_k}{\partial \theta_j} = -g_j"),
    ("and used", PATH, r"\frac{\partial E_k}{\partial r_h} = -\sum_j w_{hj} g_j", r"\frac{\partial E_k}{\partial r_h} = -\sum_h w_{hj} g_j"),
    ("an example of the formulas in entries, without biases", EXAMPLE, "h_2 = 0.6044", "h_2 = 0.6644"),
    ("its gradient", EXAMPLE, r"\frac{\partial E}{\partial v_2} = -0.9504", r"\frac{\partial E}{\partial v_2} = 0.9504"),
    (
        "a section with a network of its own",
        TWO,
        r"\frac{\partial J}{\partial b^{[2]}} = \frac1m \sum_{i=1}^m (a^{[2](i)} - y^{(i)})",
        r"\frac{\partial J}{\partial b^{[2]}} = \sum_{i=1}^m (a^{[2](i)} - y^{(i)})",
    ),
    (
        "a regression in matrix form",
        r"$$J = \frac{1}{2n} \|X w - y\|^2$$",
        r"\nabla_w J = \frac1n X^T (X w - y)",
        r"\nabla_w J = X^T (X w - y)",
    ),
    (
        "a residual with a name",
        "$$e = X w - y$$\n$$J = e^T e$$",
        r"\nabla_w J = 2 X^T e",
        r"\nabla_w J = X^T e",
    ),
    (
        "the entry 0 beside a sum",
        r"""$$a_j = \sum_{i=1}^D w_{ji}^{(1)} x_i + w_{j0}^{(1)}, \quad z_j = \tanh(a_j)$$
$$a_k = \sum_{j=1}^M w_{kj}^{(2)} z_j + w_{k0}^{(2)}, \quad y_k = a_k, \quad E = \frac12 \sum_{k=1}^K (y_k - t_k)^2$$""",
        r"\frac{\partial E}{\partial w_{k0}^{(2)}} = y_k - t_k",
        r"\frac{\partial E}{\partial w_{k0}^{(2)}} = (y_k - t_k) z_j",
    ),
    (
        "W_0 beside W^T A",
        r"""$$Z^1 = {W^1}^T A^0 + W_0^1, \quad A^1 = \tanh(Z^1), \quad Z^2 = {W^2}^T A^1 + W_0^2, \quad loss = \|Z^2 - y\|^2$$""",
        r"\frac{\partial loss}{\partial W_0^1} = W^2 \cdot 2 (Z^2 - y) * (1 - A^1 * A^1)",
        r"\frac{\partial loss}{\partial W_0^1} = W^2 \cdot 2 (Z^2 - y)",
    ),
    (
        "a B that is no b",
        r"$$u = A x + c, \quad h = \tanh(u), \quad r = B h + e, \quad s = v^T h + b, \quad L = \frac12 \|r - t\|^2 + \frac12 (s - y)^2$$",
        r"\frac{\partial L}{\partial B} = (r - t) h^T",
        r"\frac{\partial L}{\partial b} = r - t",
    ),
    (
        "an R that is no regulariser",
        r"$$F = X W + b, \quad R = \max(0, F), \quad S = R V + c, \quad L = \frac{1}{2} \| S - Y \|^2$$",
        r"\frac{\partial L}{\partial F} = ((S - Y) V^T) \odot 1[R > 0]",
        r"\frac{\partial L}{\partial F} = ((S - Y) V^T) \odot R",
    ),
    (
        "an upright d and a space",
        r"$$Z = X W, \quad L = \frac12 \|Z - Y\|_F^2$$" + "\n" + r"$$\mathrm{d} Z = X \, \mathrm{d} W$$",
        r"\mathrm{d} L = \operatorname{tr}((Z - Y)^T \mathrm{d} Z)",
        r"\mathrm{d} L = \operatorname{tr}(2 (Z - Y)^T \mathrm{d} Z)",
    ),
    (
        "a slope on the diagonal",
        r"""$$z^l = W^l a^{l-1} + b^l, \quad a^l = \sigma(z^l), \quad C = \frac12 \|a^L - y\|^2, \quad \delta^l = \frac{\partial C}{\partial z^l}$$
With the diagonal matrix $\Sigma'(z^l)$ of the slopes,""",
        r"\delta^l = \Sigma'(z^l) (W^{l+1})^T \delta^{l+1}",
        r"\delta^l = \Sigma'(z^{l+1}) (W^{l+1})^T \delta^{l+1}",
    ),
    (
        "labels of 0 and 1",
        r"For $z = w^T h + b$ and $y \in \{0, 1\}$ let $J = -\log \sigma((2y - 1) z)$.",
        r"\frac{\partial J}{\partial z} = \sigma(z) - y",
        r"\frac{\partial J}{\partial z} = y - \sigma(z)",
    ),
    (
        "a delta of every unit",
        r"""$$\mathrm{net}_j = \sum_i w_{ji} o_i, \quad o_j = \sigma(\mathrm{net}_j), \quad \mathrm{net}_k = \sum_j w_{kj} o_j$$
$$o_k = \sigma(\mathrm{net}_k), \quad E = \frac12 \sum_k (t_k - o_k)^2$$
For every unit $u$ let $\delta_u = -\frac{\partial E}{\partial \mathrm{net}_u}$.""",
        r"\delta_k = (t_k - o_k) o_k (1 - o_k)",
        r"\delta_k = -(t_k - o_k) o_k (1 - o_k)",
    ),
    (
        "entries of a vector that has a formula",
        ENTRIES,
        r"\frac{\partial E}{\partial h_1} = \delta_1 V_{11} + \delta_2 V_{21}",
        r"\frac{\partial E}{\partial V_{21}} = \delta_2 h_2",
    ),
    (
        "softmax regression sample by sample",
        r"""The scores are $z_{ik} = x_i^\top w_k$ for $k = 1, \dots, K$, and the $y_i$ are one-hot:
$$p_{ik} = \frac{\exp(z_{ik})}{\sum_{l=1}^K \exp(z_{il})}, \qquad L = -\sum_{i=1}^n \sum_{k=1}^K y_{ik} \log p_{ik}$$""",
        r"\frac{\partial L}{\partial w_k} = \sum_{i=1}^n (p_{ik} - y_{ik}) x_i",
        r"\frac{\partial L}{\partial w_k} = \sum_{i=1}^n (y_{ik} - p_{ik}) x_i",
    ),
    (
        "logistic regression by rows",
        r"$$p_i = \sigma(x_i^\top w), \quad \ell = -\sum_{i=1}^n [y_i \log p_i + (1 - y_i) \log(1 - p_i)]$$",
        r"\frac{\partial \ell}{\partial w} = \sum_{i=1}^n (p_i - y_i) x_i",
        r"\frac{\partial \ell}{\partial w} = \sum_{i=1}^n (p_i - y_i) p_i x_i",
    ),
    (
        "vectors that are averaged",
        r"$$h = \frac{1}{C} \sum_{c=1}^{C} e_c, \qquad z = U h, \qquad p = \mathrm{softmax}(z), \qquad L = -y^T \log p$$",
        r"\frac{\partial L}{\partial e_c} = \frac1C U^T (p - y)",
        r"\frac{\partial L}{\partial e_c} = U^T (p - y)",
    ),
    (
        "a dot product with each of several vectors",
        r"$$J = -\log \sigma(u_o^T v) - \sum_{k=1}^{K} \log \sigma(-u_k^T v)$$",
        r"\frac{\partial J}{\partial v} = (\sigma(u_o^T v) - 1) u_o + \sum_{k=1}^{K} \sigma(u_k^T v) u_k",
        r"\frac{\partial J}{\partial v} = (\sigma(u_o^T v) - 1) u_o - \sum_{k=1}^{K} \sigma(u_k^T v) u_k",
    ),
    (
        "the way back by a letter of its own",
        r"""A batch has $m$ examples, the columns of $X$.
$$U_1 = V_1 X + c_1, \quad H_1 = \tanh(U_1), \quad S = V_2 H_1 + c_2, \quad P = \mathrm{softmax}(S)$$
$$L = -\frac1m \sum_{i=1}^m \sum_k Y_{ki} \log P_{ki}$$
$$D_2 = \frac1m (P - Y), \quad \frac{\partial L}{\partial V_2} = D_2 H_1^\top$$""",
        r"D_1 = V_2^\top D_2 \odot (1 - H_1 \odot H_1)",
        r"D_1 = V_2^\top D_2 \odot (1 - U_1 \odot U_1)",
    ),
    (
        "a step up",
        r"""We maximise. Let $\mu_i = \exp(x_i^\top \theta)$ and $\ell = \sum_{i=1}^n (y_i \log \mu_i - \mu_i)$.""",
        r"\theta_j \leftarrow \theta_j + \gamma \sum_{i=1}^n (y_i - \mu_i) x_{ij}",
        r"\theta_j \leftarrow \theta_j + \gamma \sum_{i=1}^n (y_i + \mu_i) x_{ij}",
    ),
    (
        "an exponent that something is derived by",
        r"$$f = s^n / (K^n + s^n)$$",
        r"\frac{\partial f}{\partial n} = f (1 - f) \ln(s / K)",
        r"\frac{\partial f}{\partial n} = f (1 - f) \ln(K / s)",
    ),
    (
        "times counted from 0",
        r"""$$s_{t+1} = \tanh(w s_t + v u_t), \qquad t = 0, 1, 2$$
$$J = \frac{1}{2} \sum_{t=1}^{3} (s_t - r_t)^2$$
Let $\lambda_t$ be the total derivative of $J$ by $s_t$.
$$\lambda_3 = s_3 - r_3$$
$$\lambda_t = (s_t - r_t) + w (1 - s_{t+1}^2) \lambda_{t+1}, \qquad t = 2, 1$$""",
        r"\frac{dJ}{dw} = \sum_{t=0}^{2} \lambda_{t+1} (1 - s_{t+1}^2) s_t",
        r"\frac{dJ}{dw} = \sum_{t=0}^{2} \lambda_{t+1} (1 - s_{t+1}^2) s_{t+1}",
    ),
    (
        "a Jacobian with a name",
        r"""$$a_j = \sum_i w_{ji} x_i, \quad z_j = \tanh(a_j), \quad y_k = \sum_j v_{kj} z_j, \quad E = \frac12 \sum_k (y_k - t_k)^2$$
Let $J_{ki} \equiv \frac{\partial y_k}{\partial x_i}$.""",
        r"J_{ki} = \sum_j v_{kj} (1 - z_j^2) w_{ji}",
        r"J_{ki} = \sum_j v_{kj} w_{ji}",
    ),
    (
        "units that are counted through",
        r"""$$net_j = \sum_i w_{ij} o_i, \quad o_j = \sigma(net_j), \quad E = \frac12 (t - o_4)^2$$
One step for $o_1 = 1$, $o_2 = 0.5$, $t = 1$, $w_{13} = 0.3$, $w_{23} = -0.4$, $w_{34} = 0.7$.""",
        r"net_3 = 0.3 \cdot 1 - 0.4 \cdot 0.5",
        r"net_3 = 0.3 \cdot 0.5 - 0.4 \cdot 1",
    ),
    (
        "a slope of the only other activation",
        r"$$z = W x + b, \quad a = \tanh(z), \quad u = v^T a, \quad y = \sigma(u), \quad L = \frac12 (y - t)^2$$",
        r"\frac{\partial L}{\partial z} = \frac{\partial L}{\partial a} \odot g'(z)",
        r"\frac{\partial L}{\partial z} = \frac{\partial L}{\partial a} \odot g'(a)",
    ),
    (
        "a word below the loss",
        r"$$z = \theta^T x + \theta_0, \quad g = \sigma(z), \quad \mathcal{L}_{nll}(g, y) = -(y \log g + (1 - y) \log(1 - g))$$",
        r"\nabla_\theta \mathcal{L}_{nll} = (g - y) x",
        r"\nabla_\theta \mathcal{L}_{nll} = (y - g) x",
    ),
    (
        "two names for what has a formula",
        "One sample.\n\n$z = x W^T + b$\n\n$q = \\hat{y} = z$\n\nThe loss $J$ is the mean squared error.\n",
        r"\frac{\partial J}{\partial W} = (2 (q - t))^T x",
        r"\frac{\partial J}{\partial W} = (2 (q + t))^T x",
    ),
    (
        "layers counted by a letter, products with a cross",
        r"$\sigma$ is the sigmoid. Layers $l = 1, \ldots, L$: $A_0 = X$, $Z_l = W_l \times A_{l-1}$, $A_l = \sigma(Z_l)$, loss $C = -(Y \log A_L + (1 - Y) \log(1 - A_L))$.",
        r"\frac{\partial C}{\partial A_L} = -\frac{Y}{A_L} + \frac{1 - Y}{1 - A_L}",
        r"\frac{\partial C}{\partial A_L} = -\frac{Y}{A_L} - \frac{1 - Y}{1 - A_L}",
    ),
    (
        "a small letter for the weights of a softmax",
        r"We take one training sample. $s = X w + b$, $p = \text{softmax}(s)$, and $E$ is the mean squared error of $p$ and $d$. The targets $d$ are one-hot.",
        r"\nabla_b E = 2 (p - d) (\operatorname{diag}(p) - p^T p)",
        r"\nabla_b E = 2 (p - d) (\operatorname{diag}(p) + p^T p)",
    ),
    (
        "ones beside an array in brackets",
        BESIDE_ONES.replace("ONES", "[\\mathbf 1 \\;\\; H]"),
        r"\frac{\partial R}{\partial B} = \frac1n K^T (P - Y)",
        r"\frac{\partial R}{\partial B} = \frac1n H^T (P - Y)",
    ),
    (
        "ones of n samples beside an array",
        BESIDE_ONES.replace("ONES", "[\\mathbf{1}_n \\; H]"),
        r"\frac{\partial R}{\partial B} = \frac1n K^T (P - Y)",
        r"\frac{\partial R}{\partial B} = \frac1n H^T (P - Y)",
    ),
    (
        "a list before the weights",
        BESIDE_ONES.replace("ONES", "[1, H]"),
        r"\frac{\partial R}{\partial B} = \frac1n K^T (P - Y)",
        r"\frac{\partial R}{\partial B} = \frac1n H^T (P - Y)",
    ),
    (
        "ones behind an array",
        BESIDE_ONES.replace("ONES", "[H \\; \\mathbf{1}]"),
        r"\frac{\partial R}{\partial B} = \frac1n K^T (P - Y)",
        r"\frac{\partial R}{\partial B} = \frac1n H^T (P - Y)",
    ),
    (
        "ones last in a list",
        BESIDE_ONES.replace("ONES", "(H, \\mathbf{1})"),
        r"\frac{\partial R}{\partial B} = \frac1n K^T (P - Y)",
        r"\frac{\partial R}{\partial B} = \frac1n H^T (P - Y)",
    ),
    (
        "a list before the weights, with no name",
        "Samples are rows. $P = [1, H] B$\n\n$R = \\frac{1}{2n} \\|P - Y\\|_F^2$\n",
        r"\frac{\partial R}{\partial B} = \frac1n [1, H]^T (P - Y)",
        r"\frac{\partial R}{\partial B} = \frac1n H^T (P - Y)",
    ),
    (
        "a bias laid on its weights",
        "Samples are rows. $K = [1 \\; H]$, $P = K B$, $B = \\begin{pmatrix} \\beta_0 \\\\ B_1 \\end{pmatrix}$\n\n$R = \\frac{1}{2n} \\|P - Y\\|_F^2$\n",
        r"\frac{\partial R}{\partial B_1} = \frac1n H^T (P - Y)",
        r"\frac{\partial R}{\partial B_1} = \frac1n K^T (P - Y)",
    ),
    (
        "repeated letters are summed",
        "$u_j = W_{ji} x_i + b_j$, $h_j = \\tanh u_j$, $v_k = V_{kj} h_j + c_k$, $E = \\frac12 (v_k - t_k)(v_k - t_k)$\n",
        r"\frac{\partial E}{\partial v_k} = v_k - t_k",
        r"\frac{\partial E}{\partial v_k} = t_k - v_k",
    ),
    (
        "repeated letters are summed, further down",
        "$u_j = W_{ji} x_i + b_j$, $h_j = \\tanh u_j$, $v_k = V_{kj} h_j + c_k$, $E = \\frac12 (v_k - t_k)(v_k - t_k)$\n",
        r"\frac{\partial E}{\partial u_j} = (v_k - t_k) V_{kj} (1 - h_j^2)",
        r"\frac{\partial E}{\partial u_j} = (v_k - t_k) V_{kj} (1 - u_j^2)",
    ),
    (
        "any letter may be a function that its formula defines",
        r"$p = q(w x + b)$, $q(v) = \frac{1}{1 + e^{-v}}$, $L = (p - y)^2$",
        r"\frac{dL}{dw} = 2 (p - y) p (1 - p) x",
        r"\frac{dL}{dw} = 2 (p - y) p x",
    ),
    (
        "any letter may weigh what is made of the samples",
        r"$\zeta_{ij} = \sum_l \alpha_{jl} x_{il}$, $h_{ij} = \tanh(\zeta_{ij})$, $\mu_i = \sum_{j=1}^q \beta_j h_{ij}$, $S = \frac12 \sum_{i=1}^n (y_i - \mu_i)^2$",
        r"\frac{\partial S}{\partial \beta_j} = -\sum_{i=1}^n (y_i - \mu_i) h_{ij}",
        r"\frac{\partial S}{\partial \beta_j} = -(y_i - \mu_i) h_{ij}",
    ),
    (
        "samples as rows, by what stands before the residual",
        r"$v_i = x_i^T \beta$, $p_i = \sigma(v_i)$, $Q = -\frac1n \sum_{i=1}^n [y_i \ln p_i + (1 - y_i) \ln(1 - p_i)]$",
        r"\frac{\partial Q}{\partial \beta} = \frac1n X^T (p - y)",
        r"\frac{\partial Q}{\partial \beta} = \frac1n X^T (y - p)",
    ),
    (
        "a residual is part of the loss, and named like one",
        r"$F = V H$, $\phi = \frac12 \operatorname{tr}(R^T R)$, $R = F - Y$, $\frac{\partial \phi}{\partial R} = R$",
        r"\frac{\partial \phi}{\partial V} = R H^T",
        r"\frac{\partial \phi}{\partial V} = -R H^T",
    ),
    (
        "a gradient with brackets behind the loss",
        r"$z = W x$, $a = \tanh(z)$, $L = \frac12 \|a - y\|^2$",
        r"\nabla_z L = \nabla_a L (1 - a^2)",
        r"\nabla_z L = \nabla_a L (1 - a)",
    ),
    (
        "a prime before a bracket transposes",
        "One sample. $S = X V + b$, $p = \\sigma(S)$, $J = -\\sum_k (Y_k \\log p_k + (1 - Y_k) \\log(1 - p_k))$\n",
        "\\nabla_V J = X' (p - Y)",
        "\\nabla_V J = X' (Y - p)",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("before", "right", "wrong"), [s[1:] for s in STYLES], ids=[s[0] for s in STYLES])
def test_right_and_wrong(before: str, right: str, wrong: str):
    assert [c.source for c in check_homework(before).claims if c.verdict in ("wrong", "carried")] == []
    assert check_homework(f"{before}\n$${right}$$").claims[-1].verdict == "correct"
    assert check_homework(f"{before}\n$${wrong}$$").claims[-1].verdict == "wrong"


def test_sections_are_of_one_level_and_not_in_programs():
    text = "# Title\n\nintro\n\n## A\none\n\n```python\n## no heading\n```\n\n## B\ntwo\n"
    first, second = sections(text)
    assert (first.title, second.title) == ("A", "B")
    assert "two" not in alone(text, first, first) and "intro" in alone(text, first, first)
    assert alone(text, second, first).index("two") == text.index("two")
    assert sections("# Only\ntext\n") == []


def test_a_section_is_told_to_be_apart():
    marking = check_homework(TWO)
    assert any("network of its own" in a.text and a.line == 3 for a in marking.understood.assumptions)
    assert {c.verdict for c in marking.claims} == {"correct"}


def test_a_mistake_in_a_section_apart_is_wrong_and_named():
    claims = check_homework(TWO.replace(r"(a - y)\,x$", r"(y - a)\,x$")).claims
    assert [(c.line, c.mistakes) for c in claims if c.verdict == "wrong"] == [(4, ("sign",))]


def test_code_cells_work_in_place():
    assert {c.verdict for c in check_homework(CELL).claims} == {"correct"}
    wrong = [c for c in check_homework(CELL.replace("dhidden[hidden <= 0] = 0\n", "")).claims if c.verdict == "wrong"]
    assert [(c.line, c.mistakes) for c in wrong] == [(13, ("missing-slope",))]


def test_the_normal_equation_is_judged_by_the_gradient():
    text = "$$J = \\frac{1}{2n} \\|X w - y\\|^2 + \\frac{\\lambda}{2} \\|w\\|^2$$\nSetting the gradient to zero gives $%s$.\n"
    right = check_homework(text % r"(X^T X + n \lambda I) w = X^T y").claims[-1]
    assert right.verdict == "correct" and "zero" in right.message
    assert check_homework(text % r"(X^T X + \lambda I) w = X^T y").claims[-1].verdict == "uncheckable"
    alone_said = check_homework(text.replace("Setting the gradient to zero gives", "Also") % r"X^T X w = X^T y").claims[
        -1
    ]
    assert alone_said.verdict == "wrong"


def test_sums_that_are_one_or_nothing():
    text = r"""$$z = W x + b, \quad p = \mathrm{softmax}(z), \quad L = -\sum_k y_k \log p_k$$
Note $\sum_k y_k = 1$, $\sum_k p_k = 1$ and $\sum_k \frac{\partial L}{\partial z_k} = 0$, not $\sum_k z_k = 0$."""
    verdicts = [c.verdict for c in check_homework(text).claims[3:]]
    assert verdicts == ["correct", "correct", "correct", "uncheckable"]


def test_a_false_local_derivative_goes_on():
    text = "f = s^n / (K^n + s^n)\nG = 1/2 (f - q)^2\n∂f/∂n = f (1 - f) s/K\n∂f/∂K = n f (1 - f)/K\n∂G/∂K = (f - q) n f (1 - f)/K\n"
    assert [(c.verdict, c.root_line) for c in check_homework(text).claims[-2:]] == [("wrong", None), ("carried", 4)]


def test_what_a_letter_runs_over_is_no_claim():
    assert check_homework(r"For $i = 1, \dots, n$ let $z_i = w x_i + b$.").claims[0].source.startswith("z_i")


@pytest.mark.parametrize(
    "words",
    ["La perte est", "Die Verlustfunktion ist", "El coste es", "A perda é", "La funzione di costo è", "The loss is"],
)
def test_words_before_the_name_of_a_loss(words: str):
    text = f"z = w*x + b\n\np = 1/(1 + exp(-z))\n\n{words} loss = (p - y)**2\n\ndw = 2*(p - y)*p*(1 - p)*x\n"
    assert [c.verdict for c in check_homework(text).claims] == ["correct"] * 4


LAYERS = r"""One sample. $\sigma$ is the sigmoid.

$z_1 = W_1 x$, $h_1 = \sigma(z_1)$, $z_2 = W_2 h_1$, $h_2 = \sigma(z_2)$, $z_3 = W_3 h_2$, $p = \sigma(z_3)$

$L = -(y \log p + (1 - y) \log(1 - p))$

$\delta_3 = p - y$

$\delta_2 = \frac{\partial L}{\partial h_2}$

"""


def test_a_delta_unlike_the_others_is_what_its_uses_say():
    by_rule = r"$\frac{\partial L}{\partial W_2} = \delta_2 h_1^T$"
    as_said = r"$\frac{\partial L}{\partial W_2} = (\delta_2 \odot h_2 \odot (1 - h_2)) h_1^T$"
    assert [c.verdict for c in check_homework(LAYERS + by_rule).claims][-2:] == ["wrong", "correct"]
    assert [c.verdict for c in check_homework(LAYERS + as_said).claims][-2:] == ["correct", "correct"]
