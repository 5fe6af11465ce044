"""Short documents whose last line is right or wrong: what real ones taught, one habit of writing at a time."""

from __future__ import annotations

import pytest

from symderiv.homework import check_homework

SOFTMAX = "$$p_i = \\frac{e^{z_i}}{\\sum_k e^{z_k}}$$\n\n$$L = -\\sum_i y_i \\log p_i$$\n\n"
DIFFERENTIALS = (
    "The $N$ samples are the columns of $X$.\n\n$$Z = W_1 X + b_1 \\mathbf{1}^T$$\n\n$$H = \\tanh(Z)$$\n\n$$Y = W_2 H + b_2 \\mathbf{1}^T$$\n\n"
    "$$L = \\frac{1}{2} \\|Y - T\\|_F^2$$\n\n$$dL = \\operatorname{tr}((Y - T)^T dY)$$\n\n"
)
UNITS = "net_h1 = w_1*i_1 + w_2*i_2 + b_1\nnet_o1 = w_5*out_h1 + b_2\nE = 1/2*(t_1 - out_o1)^2\n\n"
SKIP = "$$s = U x + c$$\n\n$$h = \\tanh(s)$$\n\n$$q = V h + W x$$\n\n$$L = \\frac{1}{2} \\|q - y\\|^2$$\n\n"
RELU = "$$u_1 = W_1 x$$\n\n$$h = \\max(0, u_1)$$\n\n$$u_2 = W_2 h$$\n\n$$p = \\tanh(u_2)$$\n\n$$L = \\frac{1}{2} \\|p - y\\|^2$$\n\n"
SCALARS = (
    "One neuron a layer, so everything is a plain number.\n\nz₁ = w₁x + b₁\na₁ = σ(z₁)\nŷ = w₂a₁ + b₂\nL = (ŷ − y)²\n\n"
)
GRAPH = "$$q = w x + b$$\n\n$$r = \\tanh(q)$$\n\n$$s = u r$$\n\n$$E = (s - t)^2$$\n\n$$\\bar{s} = 2(s - t)$$\n\n$$\\bar{r} = \\bar{s} u$$\n\n$$\\bar{q} = \\bar{r} (1 - r^2)$$\n\n"
BATCH = (
    "There are $m$ samples, one in each column of $X$.\n\n$$Z = W X + b$$\n\n$$A = \\sigma(Z)$$\n\n"
    "$$L = -\\frac{1}{m} \\sum_i (Y \\log A + (1 - Y) \\log(1 - A))$$\n\n"
)
STEPS = (
    "$w_1 = 0.1$, $w_2 = 0.6$, $x = 0.4$, $t = 1$\n\n$h = \\sigma(w_1 x) = 0.509999$\n\n$o = w_2 h = 0.305999$\n\n"
    "$E = \\frac{1}{2}(t - o)^2 = 0.240819$\n\n"
    "$w_2^+ = w_2 - 0.5 \\frac{\\partial E}{\\partial w_2} = 0.776970$\n\n"
)
SUBSETS = "$$z = W x$$\n\n$$h = \\sigma(z)$$\n\n$$a = w^T h$$\n\n$$L = \\frac{1}{2} (a - y)^2$$\n\n$$\\frac{\\partial L}{\\partial w} = (a - y) h$$\n\n"
ROWS = "```python\nZ1 = X @ W1 + b1\nA1 = np.tanh(Z1)\nZ2 = A1 @ W2 + b2\nE = np.exp(Z2 - Z2.max(axis=1, keepdims=True))\nP = E / E.sum(axis=1, keepdims=True)\n"
ROWS += "N = X.shape[0]\nloss = -np.sum(Y * np.log(P)) / N\ndZ2 = (P - Y) / N\n"

LOGISTIC = (
    "$$h_\\theta(x) = g(\\theta^T x)$$\n\nwith the logistic function $g$.\n\n$$J(\\theta) = -\\frac{1}{m} \\sum_{i=1}^m [y^{(i)} \\log h_\\theta(x^{(i)}) "
    "+ (1 - y^{(i)}) \\log(1 - h_\\theta(x^{(i)}))] + \\frac{\\lambda}{2m} \\sum_{j=1}^n \\theta_j^2$$\n\n"
)

LAST = [
    (LOGISTIC + r"$$\frac{\partial J}{\partial \theta_0} = \frac{1}{m} \sum_{i=1}^m (h_\theta(x^{(i)}) - y^{(i)})$$", "correct"),
    (LOGISTIC + r"$$\frac{\partial J}{\partial \theta_0} = \frac{1}{m} \sum_{i=1}^m (h_\theta(x^{(i)}) - y^{(i)}) x_0^{(i)}$$", "correct"),
    (LOGISTIC + r"$$\frac{\partial J}{\partial \theta_0} = \frac{1}{m} \sum_{i=1}^m (h_\theta(x^{(i)}) - y^{(i)}) + \frac{\lambda}{m} \theta_0$$", "wrong"),
    (LOGISTIC + r"$$\frac{\partial J}{\partial \theta_0} = \sum_{i=1}^m (h_\theta(x^{(i)}) - y^{(i)})$$", "wrong"),
    (LOGISTIC + r"$$\theta_0 := \theta_0 - \frac{\alpha}{m} \sum_{i=1}^m (h_\theta(x^{(i)}) - y^{(i)})$$", "correct"),
    (LOGISTIC + r"$$\theta_0 := \theta_0 + \frac{\alpha}{m} \sum_{i=1}^m (h_\theta(x^{(i)}) - y^{(i)})$$", "wrong"),
    (SOFTMAX + r"If $i \neq j$: $\frac{\partial p_i}{\partial z_j} = -p_i p_j$", "correct"),
    (SOFTMAX + r"If $i \neq j$: $\frac{\partial p_i}{\partial z_j} = p_i p_j$", "wrong"),
    (SOFTMAX + r"If $i \neq j$: $\frac{\partial p_i}{\partial z_j} = p_i (1 - p_j)$", "wrong"),
    (DIFFERENTIALS + r"$$dY = dW_2 H + W_2 dH + db_2 \mathbf{1}^T$$", "correct"),
    (DIFFERENTIALS + r"$$dY = dW_2 H + dW_2 dH + db_2 \mathbf{1}^T$$", "wrong"),
    (DIFFERENTIALS + r"$$dY = dW_2 H + W_2 H + db_2 \mathbf{1}^T$$", "wrong"),
    (DIFFERENTIALS + r"$$dH = (1 - H \odot H) \odot dZ$$", "correct"),
    (DIFFERENTIALS + r"$$dH = (1 - H) \odot dZ$$", "wrong"),
    (DIFFERENTIALS + r"$$dL = \operatorname{tr}((Y - T) dY^T)$$", "correct"),
    (DIFFERENTIALS + r"$$dL = 2 \operatorname{tr}((Y - T)^T dY)$$", "wrong"),
    (DIFFERENTIALS + r"$$\frac{\partial L}{\partial b_2} = Y - T$$", "wrong"),  # the sum over the samples
    ("All units are logistic.\n\n" + UNITS + "dE/dw_1 = -(t_1 - out_o1)*out_o1*(1 - out_o1)*w_5*out_h1*(1 - out_h1)*i_1", "correct"),
    ("All units are logistic.\n\n" + UNITS + "dE/dw_1 = -(t_1 - out_o1)*out_o1*(1 - out_o1)*w_5*out_h1*i_1", "wrong"),
    ("out = 1/(1 + e^(-net))\n\n" + UNITS + "dE/dw_5 = -(t_1 - out_o1)*out_o1*(1 - out_o1)*out_h1", "correct"),
    (UNITS + "dE/dw_5 = -(t_1 - out_o1)*out_h1", "uncheckable"),
    (SKIP + r"$$\frac{\partial L}{\partial x} = W^T (q - y) + U^T (V^T (q - y) \odot (1 - h^2))$$", "correct"),
    (SKIP + r"$$\frac{\partial L}{\partial x} = U^T (V^T (q - y) \odot (1 - h^2))$$", "wrong"),
    (RELU + r"$$\frac{\partial L}{\partial W_2} = ((p - y) \odot (1 - p^2)) h^T$$", "correct"),
    (RELU + r"$$\frac{\partial L}{\partial W_2} = ((p - y) \odot (1 - p^2)) u_1^T$$", "wrong"),
    (SCALARS + "∂L/∂w₁ = 2(ŷ − y) · w₂ · a₁(1 − a₁) · x", "correct"),
    (SCALARS + "Write d for ∂L/∂ŷ.\n\n∂L/∂b₁ = d w₂ a₁(1 − a₁)", "correct"),
    (SCALARS + "Write d for ∂L/∂ŷ.\n\n∂L/∂b₁ = d w₂ a₁", "wrong"),
    (SCALARS + "∂L/∂b₁ = k w₂ a₁(1 − a₁)", "uncheckable"),
    (GRAPH + r"$$\bar{u} = \bar{s} r$$", "correct"),
    (GRAPH + r"$$\bar{u} = \bar{s} s$$", "wrong"),
    (BATCH + "$$dZ = A - Y$$\n\n$$dW = \\frac{1}{m} dZ X^T$$", "correct"),
    (BATCH + "$$dZ = \\frac{1}{m}(A - Y)$$\n\n$$dW = \\frac{1}{m} dZ X^T$$", "wrong"),
    (STEPS + r"$\frac{\partial o}{\partial h} = w_2 = 0.6$", "correct"),
    (STEPS + r"$\frac{\partial o}{\partial h} = w_2 = 0.776970$", "wrong"),
    (SUBSETS + r"$$\frac{\partial L}{\partial W} = ((a - y) w \odot h \odot (1 - h)) x^T$$", "correct"),
    (SUBSETS + r"$$\frac{\partial L}{\partial W} = (a - y) x^T$$", "wrong"),
    (ROWS + "dW2 = A1.T @ dZ2\n```", "correct"),
    (ROWS + "db2 = dZ2.sum(axis=1)\n```", "wrong"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "verdict"), LAST)
def test_the_last_line_is_marked(text: str, verdict: str):
    assert check_homework(text + "\n").claims[-1].verdict == verdict


CARRIED = [
    SUBSETS + "$$\\frac{\\partial L}{\\partial h} = (a - y) h$$\n\n$$\\frac{\\partial L}{\\partial z} = (a - y) h \\odot h \\odot (1 - h)$$",
    "$V \\in \\mathbb{R}^{4 \\times 3}$\n\n" + SKIP + "$$\\frac{\\partial L}{\\partial h} = V (q - y)$$\n\n$$\\frac{\\partial L}{\\partial s} = V (q - y) \\odot (1 - h^2)$$",
    BATCH + "$$\\frac{\\partial L}{\\partial W} = (A - Y) X^T$$\n\n$$W \\leftarrow W - \\eta (A - Y) X^T$$",
]  # fmt: skip


@pytest.mark.parametrize("text", CARRIED)
def test_what_follows_from_a_false_line_is_charged_there(text: str):
    before, last = check_homework(text + "\n").claims[-2:]
    assert (before.verdict, last.verdict, last.root_line) == ("wrong", "carried", before.line)
