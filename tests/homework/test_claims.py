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
CLASSES = (
    "$z_k^{(i)} = w_k^T x^{(i)} + b_k$, $p_k^{(i)} = \\frac{e^{z_k^{(i)}}}{\\sum_j e^{z_j^{(i)}}}$, one-hot $y$\n\n"
    "$L = -\\frac1m \\sum_{i=1}^m \\sum_k y_k^{(i)} \\log p_k^{(i)}$\n\n"
)
COUNTED = (  # the samples above, the units below
    "$$s_j^n = \\sum_i w_{ji} x_i^n + b_j, \\quad h_j^n = \\sigma(s_j^n), \\quad o_k^n = \\sum_j v_{kj} h_j^n$$\n\n"
    "$$E = \\frac{1}{2} \\sum_{n=1}^{N} \\sum_k (o_k^n - t_k^n)^2$$\n\n"
)
LINEAR = "$y_n = \\sum_j w_j x_{nj} + b$ and $E = \\frac12 \\sum_n (y_n - t_n)^2$\n\n"
LETTERS = (
    "There are $n$ samples, one in each row of $X$.\n\n$Z_1 = X W_1 + b_1$, $A_1 = \\tanh(Z_1)$, $O = A_1 W_2 + b_2$, $L = \\frac12 \\|O - T\\|_F^2$\n\n"
    "$D_2 = \\partial L / \\partial O$\n\n$D_1 = (D_2 W_2^T) \\odot (1 - A_1^2)$\n\n"
)
DELTAS = (
    "$z_1 = W_1 x + b_1$\n\n$a_1 = \\sigma(z_1)$\n\n$z_2 = W_2 a_1 + b_2$\n\n$\\hat y = \\sigma(z_2)$\n\n"
    "$L = -y^T \\log \\hat y - (1-y)^T \\log(1 - \\hat y)$\n\n$\\delta_2 = \\hat y - y$\n\n$\\delta_1 = W_2^T \\delta_2$\n\n"
)
DESCENT = "Linear model $\\hat y = X w$ and $L(w) = \\frac{1}{2n} \\|X w - y\\|^2$.\n\n"
SLOPES = (
    "We take a batch of $m$ examples (columns of $X$). $Z = W X + b$, $A = g(Z)$, $J = \\frac{1}{2m} \\|A - Y\\|_F^2$.\n\n"
    "$U = \\partial J / \\partial A$\n\n$G = U \\odot g'(Z)$\n\n"
)
RIDGE = (
    "$J(\\theta) = \\frac{1}{2m} [ \\sum_{i=1}^m (h_\\theta(x^{(i)}) - y^{(i)})^2 + \\lambda \\sum_{j=1}^n \\theta_j^2 ]$ "
    "with $h_\\theta(x) = \\theta^T x$.\n\n"
)
PATTERNS = (
    "$$a_j^n = \\sum_i w_{ji}^{(1)} x_i^n, \\quad z_j^n = \\tanh(a_j^n), \\quad y_k^n = \\sum_j w_{kj}^{(2)} z_j^n$$\n\n"
    "$E = \\sum_n E_n$ with $$E_n = \\frac{1}{2} \\sum_k (y_k^n - t_k^n)^2$$\n\n$$\\delta_k^n = y_k^n - t_k^n$$\n\n"
)
POSITIVE = (
    "$W = 0.5$, $x = 2$, $v = 0.4$, $t = 1$\n\n$a = W x = 1$, which is positive, so $h = \\max(0, a) = 1$ and $y = v h = 0.4$.\n\n"
    "$E = \\frac12 (y - t)^2$\n\n$\\delta = y - t = -0.6$\n\n"
)
COLUMNS = (  # the weights of each unit as a column, outputs as functions of the sample, every index written
    "$$z_{mi} = \\sigma(\\alpha_m^T x_i), \\quad m = 1, \\ldots, M$$\n\n$$f_k(x_i) = g_k(\\beta_k^T z_i), \\quad k = 1, \\ldots, K$$\n\n"
    "$$R(\\theta) = \\sum_{i=1}^N R_i = \\sum_{i=1}^N \\sum_{k=1}^K (y_{ik} - f_k(x_i))^2$$\n\n"
    "$$\\frac{\\partial R_i}{\\partial \\beta_{km}} = \\delta_{ki} z_{mi}$$\n\n$$\\frac{\\partial R_i}{\\partial \\alpha_{m\\ell}} = s_{mi} x_{i\\ell}$$\n\n"
)
INTERCEPTS = (  # an entry 0 for the bias of each unit
    "$z_{mi} = \\sigma(\\alpha_{0m} + \\alpha_m^T x_i)$ and $f_k(x_i) = \\beta_{0k} + \\beta_k^T z_i$ with entries $\\alpha_{ml}$, $\\beta_{km}$.\n\n"
    "$$R = \\sum_{i=1}^N R_i, \\quad R_i = \\frac12 \\sum_k (y_{ik} - f_k(x_i))^2$$\n\n"
    "$$\\frac{\\partial R_i}{\\partial \\beta_{km}} = -(y_{ik} - f_k(x_i)) z_{mi}$$\n\n"
)
ONE_SAMPLE = (  # columns for one sample, the entries from the words
    "$h_j = \\tanh(w_j^T x)$, where $w_{ji}$ belongs to the input $x_i$, and $o_k = v_k^T h$ with entries $v_{kj}$.\n\n"
    "$$E = \\frac12 \\sum_k (o_k - t_k)^2$$\n\n"
)
MEANS = (
    "$$a_{jn} = w_j^T x_n, \\quad z_{jn} = \\tanh(a_{jn}), \\quad y_k(x_n) = v_k^T z_n$$\n\n"
    "$$E = \\sum_n E_n = \\frac12 \\sum_n \\sum_k (y_k(x_n) - t_{nk})^2$$\n\n"
    "$$\\frac{\\partial E_n}{\\partial v_{kj}} = \\delta_{kn} z_{jn}$$\n\n$$\\frac{\\partial E_n}{\\partial w_{ji}} = \\delta_{jn} x_{ni}$$\n\n"
)
DOWNSTREAM = (  # units of any layer, with an unspecified set of those that they feed
    "$E_d = \\frac12 \\sum_{k \\in outputs} (t_k - o_k)^2$\n\n$net_j = \\sum_i w_{ji} x_{ji}$, $o_j = \\sigma(net_j)$ for outputs "
    "and $h_j = \\sigma(net_j)$ for hidden units, with the logistic $\\sigma$.\n\n"
    "$\\delta_j = -\\frac{\\partial E_d}{\\partial net_j}$\n\n"
)
NUMBERS = "q = x - 2y\nr = q*z\nf = r^2\n\nx = 3, y = 0.5, z = -1.5\n\nq = 2\nr = -3\ndf/dr = 2r = -6\n"

SLICED = (
    "$Z = W X + b$ with the $m$ samples as the columns of $X$, $A = \\sigma(Z)$, "
    "$J = \\frac{1}{2m} \\sum_{j=1}^m \\|A_{:,j} - Y_{:,j}\\|^2$\n\n"
)
HUBER = (
    "$X$ has one sample a row, $\\hat y = X w$.\n\n$$\\ell(e) = \\begin{cases} \\frac12 e^2 & \\text{if } |e| \\le 1 \\\\ "
    "|e| - \\frac12 & \\text{otherwise} \\end{cases}$$\n\n$$J = \\frac1n \\sum_{i=1}^n \\ell(\\hat y_i - y_i)$$\n\n"
)
OF_ONE = (  # the loss of one example and that of all, told apart by their arguments
    "$z = W x + b$, $a = \\sigma(z)$.\n\n$$J(W, b; x, y) = \\frac12 \\|a - y\\|^2$$\n\n"
    "$$J(W, b) = \\frac1m \\sum_{i=1}^m J(W, b; x^{(i)}, y^{(i)}) + \\frac{\\lambda}{2} \\sum_i \\sum_j W_{ji}^2$$\n\n"
)
PER_EXAMPLE = "$z = W x + b$, $m$ samples, $a = \\sigma(z)$.\n\n$$\\ell = \\frac12 \\|a - y\\|^2$$\n\n$$J = \\frac1m \\sum_{k=1}^m \\ell^{(k)}$$\n\n"
ADDED_UP = (  # example after example; the mean comes last
    "For one example $a = g(z)$, $z = \\Theta x$ with the sigmoid $g$.\n\n"
    "$$J = -\\frac1m \\sum_{i=1}^m \\sum_{k=1}^K [y_k^{(i)} \\log a_k^{(i)} + (1 - y_k^{(i)}) \\log (1 - a_k^{(i)})]$$\n\n"
    "$$\\delta = a - y$$\n\n$$\\Delta := \\Delta + \\delta x^T$$\n\n"
)
ONES = "$Z = W X + b \\mathbf 1_n^T$, $A = \\sigma(Z)$, $J = \\frac12 \\sum_{kj} [(A - Y)^2]_{kj}$\n\n"
PLAIN = "z = X w + b\nyhat = sigma(z)\nJ = -1/m sum_i [ y_i log(yhat_i) + (1 - y_i) log(1 - yhat_i) ]\n\n"
LAST = [
    ("$Z = W x$, $A = g(Z)$, $E = \\frac12 \\|A - y\\|^2$\n\n$$\\frac{\\partial E}{\\partial Z} = g'(Z)^{\\odot 2} \\odot \\frac{\\partial E}{\\partial A}$$", "wrong"),
    ("| $x$ | $w$ | $b$ |\n|---|---|---|\n| 0.5 | -2 | 0.25 |\n\nWith $z = w x + b$ and $a = \\sigma(z)$: $a = 0.3208$", "correct"),
    ("| $x$ | $w$ | $b$ |\n|---|---|---|\n| 0.5 | -2 | 0.25 |\n\nWith $z = w x + b$ and $a = \\sigma(z)$: $a = 0.3280$", "wrong"),
    ("$z = w x$, $a = \\\\sigma(z)$ and $E = \\\\frac12 (a - y)^2$\n\n$$\\\\frac{\\\\partial E}{\\\\partial z} = (a - y) a (1 - a)$$", "correct"),
    ("$z = w x$, $a = \\\\sigma(z)$ and $E = \\\\frac12 (a - y)^2$\n\n$$\\\\frac{\\\\partial E}{\\\\partial z} = (a - y) a$$", "wrong"),
    ("$z = w x$, $a = \\sigma(z)$ and $E = \\frac12 (a - y)^2$\n\n$$\\fr ac{\\partail E}{\\partia1 z} = (a - y) a (1 - a)$$", "correct"),
    ("$z_{nk} = \\sum_j W_{kj} x_{nj}$, $E = \\frac12 \\sum_n \\sum_k (z_{nk} - t_{nk})^2$\n\n$$\\frac{\\partial E}{\\partial W} = (Z - T)^\\top X$$", "correct"),
    (OF_ONE + r"$$\frac{\partial}{\partial W_{ij}} J(W, b) = \frac1m \sum_{i=1}^m \frac{\partial}{\partial W_{ij}} J(W, b; x^{(i)}, y^{(i)}) + \lambda W_{ij}$$", "correct"),
    (OF_ONE + r"$$\frac{\partial}{\partial W_{ij}} J(W, b) = \frac1m \sum_{i=1}^m \frac{\partial}{\partial W_{ij}} J(W, b; x^{(i)}, y^{(i)}) - \lambda W_{ij}$$", "wrong"),
    (OF_ONE + r"$$\frac{\partial}{\partial W_{ij}} J(W, b) = \sum_{i=1}^m \frac{\partial}{\partial W_{ij}} J(W, b; x^{(i)}, y^{(i)}) + \lambda W_{ij}$$", "wrong"),
    (OF_ONE + r"$$\nabla_W J(W, b; x, y) = ((a - y) \odot a \odot (1 - a)) x^T$$", "correct"),
    (OF_ONE + r"$$\nabla_W J(W, b; x, y) = ((a - y) \odot (1 - a)) x^T$$", "wrong"),
    (PER_EXAMPLE + r"$$\frac{\partial J}{\partial W} = \frac1m \sum_{k=1}^m \frac{\partial \ell^{(k)}}{\partial W}$$", "correct"),
    (PER_EXAMPLE + r"$$\frac{\partial J}{\partial W} = \sum_{k=1}^m \frac{\partial \ell^{(k)}}{\partial W}$$", "wrong"),
    (ADDED_UP + r"$$\frac{\partial J}{\partial \Theta} = \frac1m \Delta$$", "correct"),
    (ADDED_UP + r"$$\frac{\partial J}{\partial \Theta} = \frac1m \Delta + \Theta$$", "wrong"),
    (ADDED_UP.replace(r"\delta x^T", r"\delta y^T") + r"$$\frac{\partial J}{\partial \Theta} = \frac1m \Delta$$", "uncheckable"),
    (SLICED + "$$\\frac{\\partial J}{\\partial b} = \\sum_{j=1}^m \\frac{\\partial J}{\\partial Z_{:,j}}$$", "correct"),
    (SLICED + "$$\\frac{\\partial J}{\\partial b} = \\frac1m \\sum_{j=1}^m \\frac{\\partial J}{\\partial Z_{:j}}$$", "wrong"),
    (HUBER + "$$\\ell'(e) = \\begin{cases} e & \\text{if } |e| \\le 1 \\\\ \\operatorname{sign}(e) & \\text{otherwise} \\end{cases}$$", "correct"),
    (HUBER + "$$\\frac{\\partial J}{\\partial w} = \\frac1n X^T \\ell'(\\hat y - y)$$", "correct"),
    (HUBER + "$$\\frac{\\partial J}{\\partial w} = \\frac1n X^T (\\hat y - y)$$", "wrong"),
    (ONES + "$$\\frac{\\partial J}{\\partial b} = [(A - Y) \\odot A \\odot (1 - A)] \\mathbf 1_n$$", "correct"),
    (ONES + "$$\\frac{\\partial J}{\\partial b} = (A - Y) \\odot A \\odot (1 - A)$$", "wrong"),
    (ONES + "$$\\frac{\\partial J}{\\partial b} = \\mathbf 1_o^T [(A - Y) \\odot A \\odot (1 - A)]$$", "wrong"),
    (PLAIN + "dJ/dz = 1/m (yhat - y)", "correct"),
    (PLAIN + "dJ/dz = 1/m (yhat - y) yhat (1 - yhat)", "wrong"),
    ("$z = W a + b$ and some loss $L$ of z: ∂L/∂W = (∂L/∂z) ⊗ aᵀ", "correct"),
    ("$\\sigma$ is the logistic function: $\\sigma'(\\cdot) = \\sigma(\\cdot) (1 - \\sigma(\\cdot))$", "correct"),
    ("$\\sigma$ is the logistic function: $\\sigma'(\\cdot) = \\sigma(\\cdot) (1 + \\sigma(\\cdot))$", "wrong"),
    (DOWNSTREAM + r"$\delta_j = (t_j - o_j) o_j (1 - o_j)$", "correct"),
    (DOWNSTREAM + r"$\delta_j = (o_j - t_j) o_j (1 - o_j)$", "wrong"),
    (DOWNSTREAM + r"$\delta_j = h_j (1 - h_j) \sum_{k \in Downstream(j)} \delta_k w_{kj}$", "correct"),
    (DOWNSTREAM + r"$\delta_j = \sum_{k \in Downstream(j)} \delta_k w_{kj}$", "wrong"),
    (DOWNSTREAM + r"$\delta_j = h_j (1 - h_j) \sum_{k \in Downstream(j)} \delta_k w_{jk}$", "wrong"),
    (DOWNSTREAM + r"$\frac{\partial E_d}{\partial net_j} = \sum_{k \in succ(j)} \frac{\partial E_d}{\partial net_k} \frac{\partial net_k}{\partial h_j} \frac{\partial h_j}{\partial net_j}$", "correct"),
    (DOWNSTREAM + r"$\frac{\partial E_d}{\partial net_j} = \frac{\partial E_d}{\partial o_j} \frac{\partial o_j}{\partial net_j} = -(t_j - o_j) \frac{\partial o_j}{\partial net_j}$", "correct"),
    (DOWNSTREAM + r"$w_{ji} = w_{ji} + \eta \delta_j x_{ji}$", "correct"),
    (DOWNSTREAM + r"$w_{ji} = w_{ji} - \eta \delta_j x_{ji}$", "wrong"),
    (DOWNSTREAM + r"All at once: $\delta = (t - o) o (1 - o)$", "correct"),
    (DOWNSTREAM + r"All at once: $\delta = (t - o) o$", "wrong"),
    (DOWNSTREAM + r"All at once: $W = W + \eta \delta x^T$", "correct"),
    (DOWNSTREAM + r"All at once: $W = W - \eta \delta x^T$", "wrong"),
    (DOWNSTREAM + r"All at once, with $h = \sigma(W x)$: $\delta^{(l)} = h^{(l)} (1 - h^{(l)}) W^T \delta^{(l+1)}$", "correct"),
    (DOWNSTREAM + r"All at once, with $h = \sigma(W x)$: $\delta^{(l)} = W^T \delta^{(l+1)}$", "wrong"),
    (COLUMNS + r"$$\delta_{ki} = -2(y_{ik} - f_k(x_i)) g_k'(\beta_k^T z_i)$$", "correct"),
    (COLUMNS + r"$$\delta_{ki} = -2(y_{ik} - f_k(x_i)) g_k(\beta_k^T z_i)$$", "wrong"),
    (COLUMNS + r"$$\delta_{ki} = -2(y_{ik} - f_k(x_i)) g_m'(\beta_k^T z_i)$$", "uncheckable"),  # another unit's function
    (COLUMNS + r"$$s_{mi} = \sigma'(\alpha_m^T x_i) \sum_{k=1}^K \beta_{km} \delta_{ki}$$", "correct"),
    (COLUMNS + r"$$s_{mi} = \sigma(\alpha_m^T x_i) \sum_{k=1}^K \beta_{km} \delta_{ki}$$", "wrong"),
    (COLUMNS + r"$$s_{mi} = \sigma'(\alpha_m^T x_i) \sum_{k=1}^K \beta_{mk} \delta_{ki}$$", "wrong"),
    (COLUMNS + r"$$\frac{\partial R_i}{\partial \alpha_{m\ell}} = \delta_{ki} \beta_{km} \sigma'(\alpha_m^T x_i) x_{i\ell}$$", "wrong"),
    (COLUMNS + r"$$\beta_{km}^{(r+1)} = \beta_{km}^{(r)} - \gamma_r \sum_{i=1}^N \frac{\partial R_i}{\partial \beta_{km}^{(r)}}$$", "correct"),
    (COLUMNS + r"$$\beta_{km}^{(r+1)} = \beta_{km}^{(r)} + \gamma_r \sum_{i=1}^N \frac{\partial R_i}{\partial \beta_{km}^{(r)}}$$", "wrong"),
    (COLUMNS + r"$$s_{mi} = \sigma'(\alpha_m^T x_i) \sum_k \beta_{km} \delta_{ki}$$" + "\n\n" + r"$$\alpha_{m\ell}^{(r+1)} = \alpha_{m\ell}^{(r)} - \gamma_r \sum_{i=1}^N s_{mi}^{(r)} x_{i\ell}$$", "correct"),
    (COLUMNS + "$x_{i0} = 1$", "correct"),
    (COLUMNS + r"$\alpha_{m0} = 1$", "uncheckable"),
    (COLUMNS.replace("s_{mi}", "u_{mi}") + r"$$\frac{\partial R_i}{\partial \alpha_{m\ell}} = u_{mi} z_{mi}$$", "uncheckable"),
    (INTERCEPTS + r"$$\frac{\partial R_i}{\partial \beta_{0k}} = -(y_{ik} - f_k(x_i))$$", "correct"),
    (INTERCEPTS + r"$$\frac{\partial R_i}{\partial \beta_{0k}} = -(y_{ik} - f_k(x_i)) z_{mi}$$", "wrong"),
    (INTERCEPTS + r"$$\frac{\partial R}{\partial \alpha_{0m}} = -\sum_i \sum_k (y_{ik} - f_k(x_i)) \beta_{km} z_{mi} (1 - z_{mi})$$", "correct"),
    (INTERCEPTS + r"$$\frac{\partial R}{\partial \alpha_{0m}} = -\sum_k (y_{ik} - f_k(x_i)) \beta_{km} z_{mi} (1 - z_{mi})$$", "wrong"),
    (INTERCEPTS + r"$$\frac{\partial R_i}{\partial \alpha_{ml}} = -\sum_k (y_{ik} - f_k(x_i)) \beta_{km} \sigma'(\alpha_m^T x_i) x_{il}$$", "uncheckable"),  # absorbed?
    ("$z = W x$, $p_k = \\sigma_k(z)$", "correct"),
    (r"$z = W x$, $p_k = \mathrm{softmax}_k(z)$, $L = -\sum_k y_k \log p_k$, $\frac{\partial L}{\partial z_k} = p_k - y_k$", "correct"),
    (r"$z = W x$, $p_k = \mathrm{softmax}_k(z)$, $L = -\sum_k y_k \log p_k$, $\frac{\partial L}{\partial z_k} = p_k (1 - p_k)$", "wrong"),
    (ONE_SAMPLE + r"$$\frac{\partial E}{\partial w_{ji}} = \sum_k (o_k - t_k) v_{kj} (1 - h_j^2) x_i$$", "correct"),
    (ONE_SAMPLE + r"$$\frac{\partial E}{\partial w_{ji}} = \sum_k (o_k - t_k) v_{kj} (1 - h_j) x_i$$", "wrong"),
    (MEANS + r"$$\delta_{kn} = y_k(x_n) - t_{nk}$$", "correct"),
    (MEANS + r"$$\delta_{jn} = (1 - z_{jn}^2) \sum_k v_{kj} \delta_{kn}$$", "correct"),
    (MEANS + r"$$\delta_{jn} = \sum_k v_{kj} \delta_{kn}$$", "wrong"),
    (PATTERNS + r"$$\delta_j^n = (1 - (z_j^n)^2) \sum_k w_{kj}^{(2)} \delta_k^n$$", "correct"),
    (PATTERNS + r"$$\delta_j^n = \sum_k w_{kj}^{(2)} \delta_k^n$$", "wrong"),
    (PATTERNS + r"$$\delta_j^n = \sum_k w_{kj}^{(2)} \delta_k^n$$" + "\n\n" + r"$$\frac{\partial E}{\partial w_{ji}^{(1)}} = \sum_n \delta_j^n x_i^n$$", "correct"),
    (POSITIVE + r"$\frac{\partial E}{\partial a} = \delta v$", "correct"),
    (POSITIVE.replace(", which is positive", "") + r"$\frac{\partial E}{\partial a} = \delta v$", "wrong"),
    (POSITIVE + r"$\frac{\partial E}{\partial a} = \delta h$", "wrong"),
    (DESCENT + r"$\nabla L = \frac1n X^T (\hat y - y)$", "correct"),
    (DESCENT + r"$\nabla L(w) = X^T (\hat y - y)$", "wrong"),
    (DESCENT + r"$w_{t+1} = w_t - \eta \nabla L(w_t)$", "correct"),
    (DESCENT + r"$w_{k+1} = w_k - \frac{\eta}{n} X^T (X w_k - y)$", "correct"),
    (DESCENT + r"$w^{(k+1)} = w^{(k)} + \frac{\eta}{n} X^T (X w^{(k)} - y)$", "wrong"),
    (SLOPES + r"$\partial J / \partial W = G X^T$", "correct"),
    (SLOPES + r"$\partial J / \partial W = U X^T$", "wrong"),
    (RIDGE + r"$\frac{\partial J}{\partial \theta_j} = \frac1m \sum_{i=1}^m (h_\theta(x^{(i)}) - y^{(i)}) x_j^{(i)} + \frac{\lambda}{m} \theta_j$", "correct"),
    (RIDGE + r"$\frac{\partial J}{\partial \theta_j} = \frac1m \sum_{i=1}^m (h_\theta(x^{(i)}) - y^{(i)}) x_j^{(i)} + \lambda \theta_j$", "wrong"),
    (CLASSES + r"$\frac{\partial L}{\partial b_k} = \frac1m \sum_{i=1}^m (p_k^{(i)} - y_k^{(i)})$", "correct"),
    (CLASSES + r"$\frac{\partial L}{\partial w_k} = \frac1m \sum_{i=1}^m (p_k^{(i)} - y_k^{(i)}) x^{(i)}$", "correct"),
    (CLASSES + r"$\frac{\partial L}{\partial w_k} = \sum_{i=1}^m (p_k^{(i)} - y_k^{(i)}) x^{(i)}$", "wrong"),
    (CLASSES + r"$w_k := w_k + \frac{\eta}{m} \sum_{i=1}^m (p_k^{(i)} - y_k^{(i)}) x^{(i)}$", "wrong"),
    (COUNTED + r"$$\frac{\partial E}{\partial w_{ji}} = \sum_n \sum_k (o_k^n - t_k^n) v_{kj} h_j^n (1 - h_j^n) x_i^n$$", "correct"),
    (COUNTED + r"$$\frac{\partial E}{\partial w_{ji}} = \sum_n \sum_k (o_k^n - t_k^n) v_{kj} h_j^n x_i^n$$", "wrong"),
    (LINEAR + r"$\frac{\partial E}{\partial w_j} = \sum_n (y_n - t_n) x_{nj}$", "correct"),
    (LINEAR + r"$\frac{\partial E}{\partial w_j} = \sum_n (y_n - t_n)$", "wrong"),
    (LETTERS + r"$\partial L/\partial b_1 = \mathbf{1}^T D_1$", "correct"),
    (LETTERS + r"$\partial L/\partial b_1 = D_1$", "wrong"),
    (LETTERS + r"$\partial L/\partial W_2 = A_1^T (O - T)$", "correct"),
    (DELTAS + r"$\partial L/\partial W_1 = (\delta_1 \odot a_1 \odot (1 - a_1)) x^T$", "correct"),
    (NUMBERS + "df/dq = df/dr * dr/dq = -6 * z", "correct"),
    (NUMBERS + "df/dq = df/dr * dr/dq = -6 * q", "wrong"),
    (NUMBERS + "eps = 0.01\nf(x + eps) = 9.09", "correct"),
    (NUMBERS + "eps = 0.01\nf(x + eps) = 9.01", "wrong"),
    (NUMBERS + "f(x + h) = 9.09", "uncheckable"),
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
    (SCALARS + r"$$\frac{\partial L}{\partial L} = 1$$", "correct"),
    (SCALARS + r"$$\frac{\partial L}{\partial L} = 2$$", "wrong"),
    (SCALARS + r"$$\frac{\partial L}{\partial L} = \begin{bmatrix} 1 & 2 \end{bmatrix}$$", "wrong"),
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


SMALL_SIZES = """x ∈ ℝⁿ,  h ∈ ℝᵖ,  q ∈ ℝᴷ
V ∈ ℝᵖˣⁿ,  W ∈ ℝᴷˣᵖ

h = V x
s = W h
q = σ(s)

L = −Σₖ [ yₖ log qₖ + (1 − yₖ) log(1 − qₖ) ]

"""


def verdicts_of_shapes(text: str) -> list[tuple[str, str]]:
    return [(claim.reading, claim.verdict) for claim in check_homework(text).claims if claim.kind == "shape"]


def test_sizes_as_small_superscripts():
    found = verdicts_of_shapes(SMALL_SIZES)
    assert ("V ∈ R^(p × n)", "correct") in found and {verdict for _, verdict in found} == {"correct"}
    turned = verdicts_of_shapes(SMALL_SIZES.replace("W ∈ ℝᴷˣᵖ", "W ∈ ℝᴷˣᴷ"))
    assert ("W ∈ R^(K × K)", "wrong") in turned
    assert check_homework("σ(x) = 1/(1 + e⁻ˣ)\n\nσ'(x) = e⁻ˣ/(1 + e⁻ˣ)\n").claims[-1].verdict == "wrong"


@pytest.mark.parametrize(
    ("said", "verdicts"),
    [
        ("(q − y) is K×1 and hᵀ is 1×p, so the product is K×p like W.", ["correct", "correct"]),
        ("(q − y) is 1×K and hᵀ is p×1.", ["uncheckable", "uncheckable"]),
        ("(q − y) is p×1 and hᵀ is 1×K.", ["uncheckable", "uncheckable"]),
    ],
)
def test_shapes_of_what_has_no_name(said: str, verdicts: list[str]):
    assert [verdict for _, verdict in verdicts_of_shapes(SMALL_SIZES + said + "\n")][-2:] == verdicts


LETTERS = r"""$a_j = \sum_i w^{(1)}_{ji} x_i + b^{(1)}_j$, $h_j = \tanh(a_j)$

$o_k = \sum_j w^{(2)}_{kj} h_j + b^{(2)}_k$, $p_k = e^{o_k} / \sum_l e^{o_l}$, $E = -\sum_k t_k \ln p_k$ with $\sum_k t_k = 1$

"""


@pytest.mark.parametrize(
    ("line", "verdict"),
    [
        (r"$\frac{\partial h_j}{\partial a_r} = \delta_{jr} (1 - h_j^2)$", "correct"),
        (r"$\frac{\partial o_m}{\partial w^{(2)}_{kj}} = \delta_{mk} h_j$", "correct"),
        (r"$\frac{\partial o_m}{\partial w^{(2)}_{kj}} = \delta_{mk} a_j$", "wrong"),
        (r"$\nabla_{W^{(2)}} E = (p - t) h^\top$", "correct"),
        (r"$\nabla_{W^{(2)}} E = (t - p) h^\top$", "wrong"),
    ],
)
def test_biases_with_a_layer_and_two_letters_name_no_families(line: str, verdict: str):
    assert check_homework(LETTERS + line + "\n").claims[-1].verdict == verdict


def test_a_table_without_headings_costs_no_line_its_verdict():
    table = "\n|---|---|\n| $x_1$ | 2 |\n| $w$ | 3 |\n\n"
    text = table + r"$$z = w x + b$$" + "\n" + r"$$\frac{\partial z}{\partial w} = %s$$" + "\n"
    assert [check_homework(text % right).claims[-1].verdict for right in ("x", "b")] == ["correct", "wrong"]
