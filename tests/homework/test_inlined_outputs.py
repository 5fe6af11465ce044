"""A loss that holds its output without a name: linear and logistic regression as many a homework writes them."""

from __future__ import annotations

import pytest

from symderiv.homework.checking import check_homework

LINES = [
    ("L = (1/N) sum_i (w x_i + b - y_i)^2", "dL/dw = 2/N sum_i (w x_i + b - y_i) x_i", "dL/dw = 2/N sum_i (w x_i - b - y_i) x_i"),
    ("L = (1/N) sum_i (w x_i + b - y_i)^2", "dL/db = 2/N sum_i (w x_i + b - y_i)", "dL/db = 2 sum_i (w x_i + b - y_i)"),
    ("L = (1/N) sum_i (y_i - w x_i - b)^2", "dL/dw = -2/N sum_i (y_i - w x_i - b) x_i", "dL/dw = 2/N sum_i (y_i - w x_i - b) x_i"),
    (
        r"$L = \frac{1}{2n} \sum_{i=1}^n (w^T x_i + b - y_i)^2$",
        r"$\frac{\partial L}{\partial w} = \frac1n \sum_i (w^T x_i + b - y_i) x_i$",
        r"$\frac{\partial L}{\partial w} = \frac1n \sum_i (w^T x_i + b - y_i)$",
    ),
    (
        r"$J = \frac{1}{m} \sum_{i=1}^m (\theta^T x^{(i)} - y^{(i)})^2$",
        r"$\frac{\partial J}{\partial \theta} = \frac2m \sum_i (\theta^T x^{(i)} - y^{(i)}) x^{(i)}$",
        r"$\frac{\partial J}{\partial \theta} = \frac1m \sum_i (\theta^T x^{(i)} - y^{(i)}) x^{(i)}$",
    ),
    (
        "L = (1/N) sum_n (sigma(w^T x_n + b) - t_n)^2",
        "dL/db = 2/N sum_n (sigma(w^T x_n + b) - t_n) sigma(w^T x_n + b) (1 - sigma(w^T x_n + b))",
        "dL/db = 2/N sum_n (sigma(w^T x_n + b) - t_n) sigma(w^T x_n + b)",
    ),
    (
        "L = -(1/N) sum_n (t_n log(sigma(w^T x_n)) + (1 - t_n) log(1 - sigma(w^T x_n)))",
        "dL/dw = 1/N sum_n (sigma(w^T x_n) - t_n) x_n",
        "dL/dw = 1/N sum_n (t_n - sigma(w^T x_n)) x_n",
    ),
    ("L = 1/N ||X v - y||^2", "dL/dv = 2/N X^T (X v - y)", "dL/dv = 2/N X^T (X v + y)"),
    ("L = 1/N sum((X*w - y)^2)", "dL/dw = 2/N X^T (X w - y)", "dL/dw = 1/N X^T (X w - y)"),
    ("L = 1/N sum((y - X w - b)^2)", "dL/db = -2/N sum(y - X w - b)", "dL/db = -2/N (y - X w - b)"),
    ("L = 1/N ||X w + b - y||^2", "dL/db = 2/N 1^T (X w + b - y)", "dL/db = 2/N (X w + b - y)"),
    ("L = 1/2 ||W x - y||^2", "dL/dW = (W x - y) x^T", "dL/dW = 2 (W x - y) x^T"),
    (
        "L = 1/N sum((sigma(X v) - t)^2)",
        "dL/dv = 2/N X^T ((sigma(X v) - t) * sigma(X v) * (1 - sigma(X v)))",
        "dL/dv = 2/N X^T ((sigma(X v) - t) * sigma(X v))",
    ),
    (
        r"$E = \frac12 \sum_{i=1}^n (y_i - x_i^\top \beta)^2$",
        r"$\frac{\partial E}{\partial \beta} = -\sum_{i=1}^n (y_i - x_i^\top \beta) x_i$",
        r"$\frac{\partial E}{\partial \beta} = \sum_{i=1}^n (y_i - x_i^\top \beta) x_i$",
    ),
    (
        r"$E = -\frac n2 \log(2\pi v) - \frac{1}{2v} \sum_{i=1}^n (y_i - x_i^T w)^2$",
        r"$\frac{\partial E}{\partial v} = -\frac{n}{2v} + \frac{1}{2v^2} \sum_{i=1}^n (y_i - x_i^T w)^2$",
        r"$\frac{\partial E}{\partial v} = -\frac{n}{2v} - \frac{1}{2v^2} \sum_{i=1}^n (y_i - x_i^T w)^2$",
    ),
    (
        r"$E = -\frac{1}{2\sigma^2} \sum_{i=1}^n (y_i - w^T x_i)^2$",
        r"$\nabla_w E = \frac{1}{\sigma^2} \sum_{i=1}^n (y_i - w^T x_i) x_i$",
        r"$\nabla_w E = \frac{1}{\sigma} \sum_{i=1}^n (y_i - w^T x_i) x_i$",
    ),
    (
        r"$L(w) = \sum_{i=1}^n \log(1 + e^{-y_i w^T x_i})$",
        r"$\nabla L(w) = -\sum_{i=1}^n \frac{y_i x_i}{1 + e^{y_i w^T x_i}}$",
        r"$\nabla L(w) = -\sum_{i=1}^n \frac{y_i x_i}{1 + e^{-y_i w^T x_i}}$",
    ),
    (
        r"$J = \sum_{i=1}^n \max(0, 1 - y_i w^T x_i)$",
        r"$\nabla_w J = -\sum_{i=1}^n y_i x_i \mathbb 1[y_i w^T x_i < 1]$",
        r"$\nabla_w J = -\sum_{i=1}^n x_i \mathbb 1[y_i w^T x_i < 1]$",
    ),
    (
        r"$J = \frac1n \sum_{i=1}^n (\langle w, x_i \rangle - y_i)^2$",
        r"$\nabla_w J = \frac2n \sum_{i=1}^n (\langle w, x_i \rangle - y_i) x_i$",
        r"$\nabla_w J = \frac2n \sum_{i=1}^n (\langle w, x_i \rangle + y_i) x_i$",
    ),
    (
        r"$J = \frac12 \sum_{n=1}^N (t_n - w^T \phi(x_n))^2$",
        r"$\nabla_w J = -\sum_{n=1}^N (t_n - w^T \phi(x_n)) \phi(x_n)$",
        r"$\nabla_w J = -\sum_{n=1}^N (t_n + w^T \phi(x_n)) \phi(x_n)$",
    ),
    (
        r"$J = \frac12 \sum_{i=1}^N (y_i - \sum_j w_j x_{ij})^2$",
        r"$\frac{\partial J}{\partial w_j} = -\sum_{i=1}^N (y_i - \sum_k w_k x_{ik}) x_{ij}$",
        r"$\frac{\partial J}{\partial w_j} = -\sum_{i=1}^N (y_i - \sum_k w_k x_{ik}) x_{ik}$",
    ),
    (
        r"$J = \sum_i (y_i - w^T x_i)^2$",
        r"$\frac{\partial J}{\partial w} = -2 \sum_i x_i (y_i - x_i^T w)$",
        r"$\frac{\partial J}{\partial w} = -\sum_i x_i (y_i - x_i^T w)$",
    ),
]  # fmt: skip
WITH_ONES = """Rows of X are the samples, with one output.

A = X W + 1 b^T

H = tanh(A)

p = sigma(H v)

L = -mean(t*log(p) + (1-t)*log(1-p))
"""
WITHOUT_WORDS = """a = W x + b

h = relu(a)

o = v^T h + c

p = sigma(o)

L = -(1/N) sum_n [ t_n log p_n + (1-t_n) log(1-p_n) ]

dL/da_n = dL/dh_n * 1[a_n > 0]
"""
BEFORE = [
    (WITH_ONES, "dL/db = (dL/dA)^T 1", "dL/db = 2 (dL/dA)^T 1"),
    (WITH_ONES, "dL/dv = H^T (p - t)/N", "dL/dv = H^T (p - t)"),
    (WITHOUT_WORDS, "dL/dv = sum_n (p_n - t_n)/N h_n", "dL/dv = sum_n (p_n - t_n) h_n"),
    (WITHOUT_WORDS, "dL/db = sum_n dL/da_n", "dL/db = sum_n dL/da_n h_n"),
]


@pytest.mark.parametrize(("loss", "right", "wrong"), LINES + BEFORE)
def test_right_and_wrong_lines(loss: str, right: str, wrong: str):
    found = {}
    for line in (right, wrong):
        claims = check_homework(f"{loss}\n\n{line}\n").claims
        assert all(c.verdict == "correct" for c in claims[:-1]), claims
        found[line] = claims[-1].verdict
    assert found[right] in ("correct", "notation"), found
    assert found[wrong] == "wrong", found
