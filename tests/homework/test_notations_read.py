"""Ways to write that are more than a formula: biases inside the weights, steps over several lines, names for parts, ones."""

from __future__ import annotations

import pytest

from symderiv.homework.checking import check_homework

NET = r"""$$h = W^T \begin{bmatrix} 1 \\ x \end{bmatrix}$$
$$a = \sigma(h)$$
$$u = V^T \begin{bmatrix} 1 \\ a \end{bmatrix}$$
$$E = \frac{1}{2} (u - y)^2$$
"""
TILDE = r"""The input is $x$, and a tilde means a 1 put first.
$$h = W^T \tilde{x}$$
$$a = \sigma(h)$$
$$u = V^T \tilde{a}$$
$$E = \frac{1}{2} (u - y)^2$$
"""
STEP = r"""$x = 2$, $y = 1$, $w = 3$, $\eta = 0.1$

$h = w x$

$E = \frac12 (h - y)^2$

"""
BATCH = r"""$X \in \mathbb{R}^{d \times n}$, $Y \in \mathbb{R}^{k \times n}$, $W \in \mathbb{R}^{k \times d}$, $b \in \mathbb{R}^{k \times 1}$

$$Z = W X + b \mathbf{1}_n^T$$
$$J = \frac{1}{2n} \|Z - Y\|^2$$
"""
PARTS = r"""$$u = w x, \quad v = x^2, \quad E = u v + u$$
"""
PER_SAMPLE = """Logistic regression with one hidden layer, N samples as columns.

  a = W x + b

  h = relu(a)

  o = v^T h + c

  p = sigma(o)

  L = {} sum_n [ t_n log p_n + (1-t_n) log(1-p_n) ]
"""
LOG_LOSS = r"$$-(y\ln(a)+(1-y)\ln(1-a)) = "
BY_A = r"$$\frac{d}{da}\left(-y \ln a - (1-y)\ln(1-a)\right) = "
LOOSE = r"""$z_i = w^T x_i + b$, $a_i = \sigma(z_i)$

$J = {}\sum_{{i=1}}^m y_i \ln a_i + (1-y_i) \ln(1-a_i)$

"""
BISHOP = r"""$a_j = \sum_i w_{ji} x_i$, $z_j = \tanh(a_j)$

$y_k = \sum_j w_{kj} z_j$, $E = \frac12 \sum_k (y_k - t_k)^2$

"""  # one letter for the weights of both layers
LINEAR = "$z = W x + b$\n\n"
DOT = r"$L = \frac12 (w^T x - y)^2$" + "\n\n"
FORM = r"$f(x) = \frac12 x^T A x - b^T x$" + "\n\n"
MARGIN = r"$L = \log(1 + e^{-y w^T x})$" + "\n\n"
SQUARE = r"$L = \frac12 (w x - y)^2$, $g = \frac{dL}{dw}$" + "\n\n"
VELOCITY = SQUARE + r"$v \leftarrow \mu v - \eta g$" + "\n\n"
DESIGN = r"$J(w) = \|X w - y\|^2 + \lambda \|w\|^2$" + "\n\n"
SYSTEM = r"$J(x) = \frac1n (A x - b)^T (A x - b)$" + "\n\n"
LOG_SUM = r"$L = -\sum_k y_k z_k + \log \sum_j e^{z_j}$" + "\n\n"
NEURON_SUM = r"$L = \frac12 (\sum_j w_j x_j + b - y)^2$" + "\n\n"
STATED = (
    r"For $A \in \mathbb{R}^{m \times n}$, $w \in \mathbb{R}^n$, $b \in \mathbb{R}^m$ let $f(w) = \|A w - b\|^2$."
    + "\n\n"
)
PREDICTIONS = r"$L = \frac1n \sum_{i=1}^n (\hat y_i - y_i)^2$" + "\n\n"
SHARES = r"$s_i = \frac{e^{z_i}}{\sum_k e^{z_k}}$" + "\n\n"
CODER = r"""The $m$ samples are the columns of $X$.

$Z_e = W_e X + b_e$, $H = \sigma(Z_e)$, $\hat X = W_d H + b_d$, $L = \frac{1}{2m} \sum_{j=1}^m \|\hat x_j - x_j\|^2$

$\delta_d = \frac{\partial L}{\partial \hat X}$

"""
TWO_LOSSES = r"""$a = \sigma(w x)$, $L_1 = \frac12 (a - y)^2$, $L_2 = -y \ln a - (1-y) \ln(1-a)$

$\frac{\partial L_1}{\partial w} = (a - y) a (1 - a) x$, $\frac{\partial L_2}{\partial w} = (a - y) x$

"""
TAPE = r"""$v_1 = x_1 x_2$, $v_2 = \sin(x_1)$, $v_3 = v_1 + v_2$, $y = \ln(v_3)$

$\bar v_3 = \frac{1}{v_3}$

$\bar v_1 = \bar v_3$

$\bar v_2 = \bar v_3$

"""
LIKELIHOOD = r"$p_i = \sigma(w^T x_i)$, $\ell(w) = {} \sum_{{i=1}}^n [y_i \log p_i + (1-y_i)\log(1-p_i)]$" + "\n\n"
MEAN = r"$Z = X W$, $J = \frac{1}{2N} \|Z - Y\|^2$" + "\n\n"
DESIGN_ROWS = r"""The $\mathbf{x}_n^T$ are the rows of $\mathbf{X} \in \mathbb{R}^{N \times D}$.

$a_n = \mathbf{w}^T \mathbf{x}_n + b$, $y_n = \sigma(a_n)$, $E = -\sum_{n=1}^N \{t_n \ln y_n + (1 - t_n) \ln(1 - y_n)\}$

"""
EVERY_HOUSE = r"""House $i$ of $m$ has $x^{(i)} \in \mathbb{R}^d$.

$\hat y^{(i)} = w^T x^{(i)} + b$, $L = \frac{1}{2m} \sum_{i=1}^m (\hat y^{(i)} - y^{(i)})^2$

"""
CHAINED = r"""$z_1 = W_1 x$, $y_1 = g(z_1)$, $z_2 = W_2 y_1$, $y_2 = \mathrm{softmax}(z_2)$, $C = -\sum_k t_k \log y_{2,k}$

$\delta_2 = \frac{\partial C}{\partial z_2}$

$\delta_1 = \frac{\partial C}{\partial y_2} \frac{\partial y_2}{\partial z_2} \frac{\partial z_2}{\partial y_1}$

"""  # the last factor of the path for delta_1 is lost
SUMMED = "m samples are the columns of x. net = W x + b, out = f(net), C = 1/(2m) ||out - y||^2\n\n"
WORDS = "net = W x + b\nout = f(net)\nC = 1/(2m) ||out - target||^2\n\n"
RESIDUAL = "hidden = tanh(W1 x + b1)\noutput = W2 hidden + b2\nerror = output - target\nloss = 1/2 ||error||^2\n\n"
ONE_WORD = "net = w*x + b\nout = sigmoid(net)\nE = -(target*log(out) + (1 - target)*log(1 - out))\n\n"
ONE_SIDED = r"""There are $N$ samples, one in each column of $x$.

$a = w^T x + b$, $\hat y = \sigma(a)$, $\ell = -\frac1N \sum_{i=1}^N y \log \hat y$

"""
VERDICTS = [
    (ONE_SIDED, r"$\nabla_b \ell = \sum_{i=1}^N \frac1N (-\frac{y}{\hat y}) \odot \sigma'(a)$", "correct"),
    (ONE_SIDED, r"$\nabla_b \ell = \frac1N (-\frac{y}{\hat y}) \odot \sigma'(a)$", "wrong"),  # no row by a column
    (WORDS, "dC/dnet = (1/m) (out - target) * f'(net)", "correct"),  # words as names, between bars and after a prime
    (WORDS, "dC/dnet = (1/m) (out + target) * f'(net)", "wrong"),
    (RESIDUAL, "dloss/dW2 = error hidden^T", "correct"),
    (RESIDUAL, "dloss/dW2 = 2 error hidden^T", "wrong"),
    (ONE_WORD, "dE/dout = -target/out + (1 - target)/(1 - out)", "correct"),
    (ONE_WORD, "dE/dout = -target/out - (1 - target)/(1 - out)", "wrong"),
    (CHAINED, r"$\delta_1 = W_2^T \delta_2 \odot g'(z_1)$", "correct"),
    (SUMMED, "dC/db = (1/m) sum((out - y) ⊙ f'(net), axis=1)", "correct"),
    (SUMMED, "dC/db = (1/m) (out - y) ⊙ f'(net)", "wrong"),
    (DESIGN_ROWS, r"$\nabla_{\mathbf w} E = \mathbf{X}^T (\mathbf{y} - \mathbf{t})$", "correct"),  # y of all is a column
    (DESIGN_ROWS, r"$\mathbf{w} \leftarrow \mathbf{w} - \eta \mathbf{X}^T (\mathbf{y} - \mathbf{t})$", "correct"),
    (DESIGN_ROWS, r"$\nabla_{\mathbf w} E = \mathbf{X} (\mathbf{y} - \mathbf{t})$", "wrong"),
    (DESIGN_ROWS, r"$\nabla_{\mathbf w} E = \mathbf{X}^T (\mathbf{t} - \mathbf{y})$", "wrong"),
    (EVERY_HOUSE, r"$\frac{\partial L}{\partial w_j} = \frac1m \sum_{i=1}^m (\hat y^{(i)} - y^{(i)}) x_j^{(i)}$", "correct"),
    (EVERY_HOUSE, r"$\frac{\partial L}{\partial b} = \sum_{i=1}^m (\hat y^{(i)} - y^{(i)})$", "wrong"),
    (MEAN, r"$\frac{\partial J}{\partial Z} = \frac{1}{5} (Z - Y)$", "wrong"),  # five samples are what it was tried with
    (MEAN, r"$\frac{\partial J}{\partial Z} = 0.2 (Z - Y)$", "wrong"),
    (MEAN, r"$\frac{\partial J}{\partial Z} = \frac{2}{2N} (Z - Y)$", "correct"),
    (TAPE, r"$\bar x_1 = \bar v_1 x_2 + \bar v_2 \cos(x_1)$", "correct"),  # bars over what the last result depends on
    (TAPE, r"$\bar x_1 = \bar v_1 x_1 + \bar v_2 \cos(x_1)$", "wrong"),
    (TAPE, r"$\bar v_2 = \bar x_2$", "wrong"),  # no other name
    (LIKELIHOOD.format(""), r"$w \leftarrow w + \eta \sum_i (y_i - p_i) x_i$", "correct"),  # it is to become large
    (LIKELIHOOD.format("-"), r"$w \leftarrow w + \eta \sum_i (p_i - y_i) x_i$", "wrong"),
    (STATED, r"$\nabla_w f = 2 A^T (A w - b)$", "correct"),
    (STATED, r"$\nabla_w f = 2 A (A w - b)$", "wrong"),  # shapes are stated
    (PREDICTIONS, r"$\frac{\partial L}{\partial \hat y_i} = \frac2n (\hat y_i - y_i)$", "correct"),
    (PREDICTIONS, r"$\frac{\partial L}{\partial \hat y_i} = 2 (\hat y_i - y_i)$", "wrong"),  # 1/n is in the loss, not later
    (SHARES, r"$\frac{\partial s}{\partial z} = \mathrm{diag}(s) - s s^T$", "correct"),
    (SHARES, r"$\frac{\partial s}{\partial z} = \mathrm{diag}(s) + s s^T$", "wrong"),
    (CODER, r"$\frac{\partial L}{\partial W_d} = \delta_d H^T$", "correct"),  # d and e: decoder and encoder
    (CODER, r"$\frac{\partial L}{\partial W_e} = (W_d^T \delta_d) X^T$", "wrong"),
    (TWO_LOSSES, r"$w \leftarrow w - \eta (a - y) x$", "correct"),
    (TWO_LOSSES, r"$w \leftarrow w - \eta (a - y) a x$", "wrong"),
    (SQUARE, r"$v \leftarrow \mu v - \eta g$", "correct"),  # momentum in two lines
    (SQUARE, r"$v \leftarrow 0.9 v + 0.1 (w x - y) x$", "correct"),
    (SQUARE, r"$v \leftarrow \mu v - \eta (w x - y)$", "uncheckable"),
    (VELOCITY, r"$w \leftarrow w + v$", "correct"),
    (VELOCITY, r"$w \leftarrow w - v$", "wrong"),
    (DESIGN, r"$(X^T X + \lambda I) w = X^T y$", "correct"),  # without a word about zero
    (DESIGN, r"$(X^T X - \lambda I) w = X^T y$", "wrong"),
    (SYSTEM, r"$\nabla J(x) = \frac2n A^T (A x - b)$", "correct"),
    (SYSTEM, r"$A^T A x = A^T b$", "correct"),
    (SYSTEM, r"$\nabla J(x) = \frac2n A^T (A x + b)$", "wrong"),
    (LOG_SUM, r"$\frac{\partial L}{\partial z_i} = \frac{e^{z_i}}{\sum_j e^{z_j}} - y_i$", "correct"),
    (LOG_SUM, r"$\frac{\partial L}{\partial z_i} = 1 - y_i$", "wrong"),  # no sum of logarithms
    (NEURON_SUM, r"$\frac{\partial L}{\partial w_j} = (\sum_k w_k x_k + b - y) x_j$", "correct"),
    (NEURON_SUM, r"$\frac{\partial L}{\partial w_j} = (w_j x_j + b - y) x_j$", "wrong"),
    (BISHOP, r"$\frac{\partial E}{\partial w_{kj}} = (y_k - t_k) z_j$", "correct"),
    (BISHOP, r"$\frac{\partial E}{\partial w_{ji}} = (1 - z_j^2) x_i \sum_k w_{kj} (y_k - t_k)$", "correct"),
    (BISHOP, r"$\frac{\partial E}{\partial w_{ji}} = (1 - z_j) x_i \sum_k w_{kj} (y_k - t_k)$", "wrong"),
    (LINEAR, r"$\frac{\partial z}{\partial b} = I$", "correct"),  # z is no loss
    (LINEAR, r"$\frac{\partial z}{\partial x} = W$", "correct"),
    (LINEAR, r"$\frac{\partial z_i}{\partial W_{ij}} = x_j$", "correct"),
    (LINEAR, r"$\frac{\partial z_i}{\partial W_{ij}} = x_i$", "wrong"),
    (LINEAR, r"$\frac{\partial z_i}{\partial x_j} = W_{ji}$", "wrong"),
    (DOT, r"$\nabla_w L = (w^T x - y) x$", "correct"),  # y is a number beside w^T x
    (DOT, r"$\nabla_w L = (y - w^T x) x$", "wrong"),
    (FORM, r"$\nabla f(x) = \frac12 (A + A^T) x - b$", "correct"),
    (FORM, r"$\nabla f(x) = A x - b$", "wrong"),  # nothing says that A is symmetric
    (MARGIN, r"$\nabla_w L = \frac{-y x}{1 + e^{y w^T x}}$", "correct"),
    (MARGIN, r"$\nabla_w L = \frac{-y x}{1 + e^{-y w^T x}}$", "wrong"),
    (LOOSE.format("-"), r"$\frac{\partial J}{\partial z_i} = a_i - y_i$", "correct"),  # no brackets after the sum
    (LOOSE.format(r"-\frac1m "), r"$\frac{\partial J}{\partial b} = \frac1m \sum_i (a_i - y_i)$", "correct"),
    (LOOSE.format("-"), r"$\frac{\partial J}{\partial z_i} = -(a_i - y_i)$", "wrong"),
    ("", LOG_LOSS + r"-y\ln(a)-\ln(1-a)+y\ln(1-a)$$", "correct"),  # of nothing that is defined anywhere
    ("", LOG_LOSS + r"-y\ln(a)-\ln(1-a)-y\ln(1-a)$$", "wrong"),
    ("", BY_A + r"-\frac{y}{a} + \frac{1-y}{1-a}$$", "correct"),
    ("", BY_A + r"-\frac{y}{a} - \frac{1-y}{1-a}$$", "wrong"),
    (PER_SAMPLE.format("-(1/N)"), "dL/dv = sum_n (p_n - t_n)/N h_n", "correct"),
    (PER_SAMPLE.format("-(1/N)"), "dL/dv = sum_n (p_n - t_n) h_n", "wrong"),
    (PER_SAMPLE.format("-1/N"), "dL/dc = sum_n (p_n - t_n)/N", "correct"),
    (PER_SAMPLE.format("-"), "dL/dv = sum_n (p_n - t_n) h_n", "correct"),
    (PER_SAMPLE.format("-"), "dL/dv = sum_n (p_n + t_n) h_n", "wrong"),
    (NET, r"$$\frac{\partial E}{\partial V} = \begin{bmatrix} 1 \\ a \end{bmatrix} (u - y)$$", "correct"),
    (NET, r"$$\frac{\partial E}{\partial V} = (u - y) a$$", "wrong"),
    (NET, r"$$\frac{\partial E}{\partial a} = (V (u - y))_{1:}$$", "correct"),
    (NET, r"$$\frac{\partial E}{\partial a} = V_{1:} (u - y)$$", "correct"),
    (NET, r"$$\frac{\partial E}{\partial a} = V (u - y)$$", "wrong"),
    (NET, r"$$\frac{\partial E}{\partial W} = \begin{bmatrix} 1 \\ x \end{bmatrix} ((V (u - y))_{1:} \odot a \odot (1 - a))^T$$", "correct"),
    (TILDE, r"$$\frac{\partial E}{\partial V} = \tilde{a} (u - y)$$", "correct"),
    (TILDE, r"$$\frac{\partial E}{\partial W} = \tilde{x} ([V (u - y)]_{1:} \odot a \odot (1 - a))^T$$", "correct"),
    (TILDE, r"$$\frac{\partial E}{\partial W} = \tilde{x} (V (u - y) \odot \tilde{a} \odot (1 - \tilde{a}))^T$$", "wrong"),
    (TILDE + r"$$u = \sum_{j=0}^h V_j \tilde{a}_j$$", r"$$\frac{\partial E}{\partial a_j} = V_j (u - y)$$", "correct"),
    (BATCH, r"$$\frac{\partial J}{\partial b} = \frac{1}{n} (Z - Y) \mathbf{1}_n$$", "correct"),
    (BATCH, r"$$\frac{\partial J}{\partial b} = \frac{1}{n} (Z - Y) \mathbf{1}_n^T$$", "wrong"),
    (BATCH, r"$$\frac{\partial J}{\partial W} = \frac{1}{n} (Z - Y) \circ X^T$$", "wrong"),
    (BATCH, r"$$\frac{\partial J}{\partial W} = \frac{1}{n} (Z - Y) X^T$$", "correct"),
    ("$z = W x$, $J = (z - y)^2$\n", r"$$(A B)^T = B^T A^T$$", "correct"),
    ("$z = W x$, $J = (z - y)^2$\n", r"$$(A B)^T = A^T B^T$$", "uncheckable"),
    ("$z = W x$, $J = (z - y)^2$\n", r"$$\frac{\partial Q}{\partial R} = \frac{\partial Q}{\partial S} \frac{\partial R}{\partial S}$$", "uncheckable"),
    (PARTS + r"$$p = \frac{dE}{du} \frac{du}{dx}, \quad q = \frac{dE}{dv} \frac{dv}{dx}$$", r"$$\frac{dE}{dx} = p + q$$", "correct"),
    (PARTS + r"$$p = \frac{dE}{du} \frac{du}{dx}, \quad q = \frac{dE}{dv} \frac{dv}{dx}$$", r"$$\frac{dE}{dx} = p - q$$", "wrong"),
    (STEP, "$$\\begin{aligned} w &\\leftarrow w - \\eta \\frac{dE}{dw} \\\\ &\\leftarrow 3 - 0.1 \\cdot 10 \\\\ &\\leftarrow 2 \\end{aligned}$$", "correct"),
    (STEP, "$$\\begin{aligned} w &= w - \\eta \\frac{dE}{dw} \\\\ &= 3 - 0.1 \\cdot 10 \\\\ &= 2.5 \\end{aligned}$$", "wrong"),
]  # fmt: skip


@pytest.mark.parametrize(("before", "line", "verdict"), VERDICTS)
def test_the_last_claim(before: str, line: str, verdict: str):
    last = check_homework(before + "\n" + line + "\n").claims[-1]
    assert last.verdict == verdict, f"{last.reading}: {last.message}"


def test_a_line_of_a_step_has_its_own_place():
    text = STEP + "$$\\begin{aligned} w &\\leftarrow w - \\eta \\frac{dE}{dw} \\\\\n&\\leftarrow 2.5 \\end{aligned}$$\n"
    last = check_homework(text).claims[-1]
    assert (last.source, last.line, last.verdict) == (r"\leftarrow 2.5", 8, "wrong")


def test_rows_of_a_table_in_latex_say_shapes():
    text = r"""\documentclass{article}\begin{document}
The first matrix product: $$u = w x, \quad f = u + b$$
\begin{tabular}{ll}\hline
name & shape \\ \hline
$w$ & $1 \times 1$ \\
$x$ & $1 \times 1$ \\
$b$ & $1 \times 1$ \\
\hline\end{tabular}
$$\frac{\partial f}{\partial w} = x$$
\end{document}
"""
    assert [c.verdict for c in check_homework(text, "table.tex").claims] == ["correct"] * 6


GIVEN = "x: data(1, 1)\ny: data(1, 1)\nw: (1, 1)\nz = w @ x\na = sigmoid(z)\nL = (a - y)**2\n"
OTHER = "$z = w x$, $a = \\tanh(z)$, $L = (a - y)^2$\n\n$\\frac{dL}{dw} = 2 (a - y) (1 - a^2) x$\n"


def test_what_differs_from_the_given_model_is_told():
    claims = check_homework(OTHER, model=GIVEN).claims
    assert [c.verdict for c in claims] == ["correct", "uncheckable", "correct", "correct"]
    assert "the model that was given has a = sigmoid(z)" in claims[1].message
    assert all(c.verdict == "correct" for c in check_homework(OTHER).claims)


SPOILT = "$z = w x + \\dots$\n\n$L = \\frac12 (z - y)^2$\n\n$\\frac{\\partial L}{\\partial w} = (z - y) x$\n"


def test_a_formula_with_something_left_out_is_reported():
    first, *_ = check_homework(SPOILT).claims
    assert (first.line, first.verdict) == (1, "uncheckable")
    assert "left out" in first.message


def test_the_line_that_could_not_be_used_is_named():
    text = "$z = w x$\n\n$L = \\frac12 (z - y)^2 + \\dots$\n\n$\\frac{\\partial L}{\\partial z} = q$\n"
    last = check_homework(text).claims[-1]
    assert last.verdict == "uncheckable"
    assert last.message.startswith("what line 3 says of the loss L could not be taken for its formula")


def test_a_range_is_no_claim():
    text = "$i = 1, \\dots, n$ and $k = 1 \\dots K$\n\n$L = (w x - y)^2$\n"
    assert [c.line for c in check_homework(text).claims] == [3]


TWO_LETTERS = "$z = w x$\n\n$a = \\sigma(z)$\n\n$L = \\frac12 (a - y)^2$\n\n"
BY_E = "$\\frac{{\\partial E}}{{\\partial a}} = a - y$\n\n$\\frac{{\\partial E}}{{\\partial z}} = (a - y) {0}$\n"


def test_another_letter_for_the_loss_is_the_loss():
    marking = check_homework(TWO_LETTERS + BY_E.format("a (1 - a)"))
    assert [c.verdict for c in marking.claims] == ["correct"] * 5
    assert any(a.text == "E is the loss L" for a in marking.understood.assumptions)
    marking = check_homework(TWO_LETTERS + BY_E.format("a"))
    assert [c.verdict for c in marking.claims[3:]] == ["correct", "wrong"]


def test_a_loss_without_a_formula_is_never_false():
    last = check_homework(TWO_LETTERS + "$\\frac{\\partial E}{\\partial z} = 3 a$\n").claims[-1]
    assert (last.verdict, last.message) == ("uncheckable", "E is nowhere defined")


REGRESSION = "    yhat_i = {0} + b\n\n    L(w,b) = {1} (yhat_i - y_i)^2\n\n"


@pytest.mark.parametrize("product", ["w*x_i", "w x_i"])
@pytest.mark.parametrize(("mean", "factor"), [("(1/n) * sum_i", "(2/n)"), ("1/2 sum_i", "1"), ("sum_i", "2")])
def test_sums_without_bounds_over_what_one_weight_multiplies(product: str, mean: str, factor: str):
    text = REGRESSION.format(product, mean)
    text += f"    dL/dw = {factor} sum_i (yhat_i - y_i) x_i\n\n    dL/db = {factor} sum_i (yhat_i - y_i)\n\n"
    text += f"    dL/dw = {factor} (yhat_i - y_i) x_i\n"
    assert [c.verdict for c in check_homework(text).claims] == ["correct"] * 4 + ["wrong"]


def test_a_name_with_d_is_a_factor():
    text = "$O = H W$\n\n$C = \\|O - Y\\|^2$\n\n$D_O = \\frac{\\partial C}{\\partial O} = 2 (O - Y)$\n\n"
    text += "$\\frac{\\partial C}{\\partial H} = D_O W^T$\n\n$\\frac{\\partial C}{\\partial W} = D_O H^T$\n"
    assert [c.verdict for c in check_homework(text).claims[-2:]] == ["correct", "notation"]


def test_a_value_supposed_before_a_line():
    text = "$p = w x$\n\n$L = (p - y)^2 + \\lambda w^2$\n\n$\\frac{dL}{dw} = 2 (p - y) x + 2 \\lambda w$\n\nFor $\\lambda = 0$ we get\n\n"
    line = "$\\frac{{dL}}{{dw}} = {0} (p - y) x$\n"
    assert check_homework(text + line.format(2)).claims[-1].verdict == "correct"
    assert check_homework(text + line.format(3)).claims[-1].verdict == "wrong"
    assert check_homework(text.replace("For $", "Later, $") + line.format(2)).claims[-1].verdict == "wrong"


def test_a_closed_form_is_no_premise():
    text = (
        REGRESSION.format("w x_i", "(1/n) sum_i")
        + "    dL/db = (2/n) sum_i (yhat_i - y_i)\n\nSetting it to zero gives\n\n"
    )
    text += "    b = mean(y) - w mean(x)\n\n    dL/dw = (2/n) sum_i (yhat_i - y_i) x_i\n"
    assert check_homework(text).claims[-1].verdict == "correct"


RIDGE = "$X$ is $n \\times d$, $y$ is $n \\times 1$.\n\n$J = \\frac1n \\|X w - y\\|^2 + \\lambda w^T w$\n\n"
RIDGE += "$\\nabla J = \\frac2n X^T (X w - y) + {0} \\lambda w$\n\nSetting it to zero gives $w = {1}$.\n"


@pytest.mark.parametrize(
    ("factor", "solution", "verdict"),
    [
        ("2", "(X^T X + n \\lambda I)^{-1} X^T y", "correct"),
        ("2", "(X^T X + \\lambda I)^{-1} X^T y", "uncheckable"),
        ("2", "(X X^T + n \\lambda I)^{-1} X^T y", "uncheckable"),
        ("", "(X^T X + \\frac{n}{2} \\lambda I)^{-1} X^T y", "carried"),
    ],
)
def test_a_solution_is_put_into_the_gradient(factor: str, solution: str, verdict: str):
    last = check_homework(RIDGE.format(factor, solution)).claims[-1]
    assert last.verdict == verdict, last.message


def test_a_bias_at_the_minimum():
    text = (
        REGRESSION.format("w x_i", "(1/n) sum_i")
        + "    dL/db = (2/n) sum_i (yhat_i - y_i)\n\nSetting it to zero gives\n\n"
    )
    for sign, verdict in (("-", "correct"), ("+", "uncheckable")):
        assert check_homework(text + f"    b = mean(y) {sign} w mean(x)\n").claims[-1].verdict == verdict


@pytest.mark.parametrize("name", [r"\sigma", "f", "h", "g", r"\text{sigmoid}"])
def test_the_slope_of_a_function_by_its_letter_alone(name: str):
    text = f"The activation ${name}$ is the sigmoid.\n\n$z = w x$\n\n$a = {name}(z)$\n\n$L = (a - y)^2$\n\n"
    for sign, verdict in (("-", "correct"), ("+", "wrong")):
        line = rf"$\frac{{d {name}}}{{dz}} = {name}(z)(1 {sign} {name}(z))$"
        assert check_homework(text + line + "\n").claims[-1].verdict == verdict


@pytest.mark.parametrize(
    "letters", [("w", "b"), ("m", "c"), (r"\theta_1", r"\theta_0"), (r"\beta_1", r"\beta_0"), ("a", "b")]
)
@pytest.mark.parametrize("name", [r"\hat y_i", "f(x_i)", "p_i", ""])
@pytest.mark.parametrize("total", [r"\sum_i", r"\sum_{i=1}^n"])
def test_a_line_through_points(letters: tuple[str, str], name: str, total: str):
    slope, intercept = letters
    line = f"{slope} x_i + {intercept}"
    error = f"({name or line} - y_i)"
    by = r"\frac{\partial J}{\partial %s}"
    right = [
        f"J = \\frac1n {total} {error}^2",
        f"{by % slope} = \\frac2n {total} {error} x_i",
        f"{by % intercept} = \\frac2n {total} {error}",
    ]
    wrong = [f"{by % slope} = \\frac1n {total} {error} x_i", f"{by % intercept} = \\frac2n {total} {error} x_i"]
    text = "\n\n".join(f"${each}$" for each in [*([f"{name} = {line}"] if name else []), *right, *wrong])
    verdicts = [c.verdict for c in check_homework(text).claims]
    assert verdicts == ["correct"] * (len(verdicts) - 2) + ["wrong"] * 2


@pytest.mark.parametrize("argument", ["-(w^T x_i + b)", "-w^T x_i - b"])
def test_the_logistic_function_spelled_out(argument: str):
    text = rf"""$p_i = \frac{{1}}{{1 + e^{{{argument}}}}}$

$L = -\sum_i [y_i \log p_i + (1 - y_i) \log(1 - p_i)]$

$\frac{{\partial L}}{{\partial w}} = \sum_i (p_i - y_i) x_i$

$\frac{{\partial L}}{{\partial b}} = \sum_i (p_i + y_i)$
"""
    assert [c.verdict for c in check_homework(text).claims] == ["correct", "correct", "correct", "wrong"]


def verdicts_of(text: str, last: int) -> list[str]:
    return [c.verdict for c in check_homework(text).claims[-last:]]


def test_a_sum_sign_without_an_index():
    text = "p_i = w x_i + b\n\nJ = 1/n ∑ (p_i - y_i)^2\n\ndJ/db = 2/n ∑ (p_i - y_i)\n\ndJ/db = 1/n ∑ (p_i - y_i)\n"
    assert verdicts_of(text, 2) == ["correct", "wrong"]


def test_means_of_the_data():
    text = r"""$p_i = m x_i + c$, $J = \frac1n \sum_{i=1}^n (p_i - y_i)^2$

$\bar x = \frac1n\sum_i x_i$, $\bar y = \frac1n\sum_i y_i$

$\frac{\partial J}{\partial c} = 2(m\bar x + c - \bar y)$

$\frac{\partial J}{\partial c} = 2(m\bar x - c - \bar y)$
"""
    assert verdicts_of(text, 2) == ["correct", "wrong"]


def test_a_one_that_is_said_to_be_ones():
    text = "`P = X W + 1 b`, with 1 the column of N ones\n\n`L = 1/N ||P - T||^2`\n\n`dL/db = 2/N 1^T (P - T)`\n\n`dL/db = 1/N 1^T (P - T)`\n"
    assert verdicts_of(text, 2) == ["correct", "wrong"]


def test_the_part_of_a_loss_that_only_a_sum_names():
    text = r"""$h = \sigma(X w)$

$J = \frac1n \|h - y\|^2 + \frac{\lambda}{2} w^T w$

Call the first part $D$, i.e. $J = D + \frac{\lambda}{2} w^T w$.

$\frac{\partial D}{\partial h} = \frac2n (h - y)$

$\frac{\partial D}{\partial h} = \frac1n (h - y)$
"""
    assert verdicts_of(text, 2) == ["correct", "wrong"]


def test_values_after_a_step_with_numbers_in_their_names():
    text = """p = a*x + b

L = (p - y)^2

dL/da = 2*(p - y)*x and dL/db = 2*(p - y)

x = 1, y = 2, a = 0, b = 0, eta = 0.25

a1 = 0 - 0.25*(-4) = 1, b1 = 0 - 0.25*(-4) = 1

p = {0}
"""
    assert verdicts_of(text.format(2), 5) == ["correct"] * 5
    assert verdicts_of(text.format(3), 1) == ["wrong"]


def test_a_step_goes_along_the_gradient_worked_out_last():
    text = """z = w x, p = sigma(z)

L = -(t log(p) + (1-t) log(1-p))

E = (p - t)^2

x = 2, w = 0, t = 1, eta = 0.1

dL/dw = (0.5 - 1)*2 = -1

w_new = 0 + 0.1*{0}
"""
    assert verdicts_of(text.format("1"), 1) == ["correct"]
    assert verdicts_of(text.format("2"), 1) == ["wrong"]


def test_rows_of_a_derivative_are_summed():
    text = "$Z = X W + b$\n\n$L = \\frac{1}{2n}\\|Z - Y\\|_F^2$\n\n"
    line = "$\\frac{\\partial L}{\\partial b} = %s\\sum_i \\left(\\frac{\\partial L}{\\partial Z}\\right)_i$\n"
    assert verdicts_of(text + line % "", 1) == ["correct"]
    assert verdicts_of(text + line % "\\frac1n ", 1) == ["wrong"]
