"""Exact print of expressions, notation, and the gate between LaTeX and MathML."""

from __future__ import annotations

import re

import pytest

from symderiv import derive, examples, parse_model
from symderiv.documents.latex import Printer, parenthesised
from symderiv.documents.mathml import mathml
from symderiv.documents.notation import Notation, notation_of, split_name
from symderiv.errors import ModelError

HEAD = "X: (n, d); Y: (n, o); W: (d, o); b: (1, o); s: parameter(); lam: hyper\nZ = X @ W + b + s\nA = sigmoid(Z)\n"
PRINTED = {
    "A - Y": r"A - Y",
    "Y - A": r"Y - A",
    "2 * (A - Y)": r"2 \, (A - Y)",
    "(A - Y) / n": r"\frac{1}{n} \, (A - Y)",
    "-(A - Y) / (2 * n)": r"\frac{1}{2 n} \, (Y - A)",
    "A * (1 - A)": r"A \odot (1 - A)",
    "(A - Y) * A * (1 - A)": r"(A - Y) \odot A \odot (1 - A)",
    "(A - Y) / (A * (1 - A))": r"\frac{A - Y}{A \odot (1 - A)}",
    "1 - A**2": r"1 - A^{\odot 2}",
    "X @ W": r"X \, W",
    "(X @ W) * A": r"(X \, W) \odot A",
    "(A - Y) @ W.T": r"(A - Y) \, W^{\top}",
    "-(X.T @ (A * Y))": r"-X^{\top} \, (A \odot Y)",
    "(X @ W).T": r"(X \, W)^{\top}",
    "sum(A, axis=0)": r"\mathbf{1}_{n}^{\top} \, A",
    "sum(A - Y, axis=1)": r"(A - Y) \, \mathbf{1}_{o}",
    "tanh(Z) + exp(-Z)": r"\tanh(Z) + e^{-Z}",
    "relu(Z)": r"\mathrm{ReLU}(Z)",
    "abs(Z)": r"\left|Z\right|",
    "g(Z)": r"g(Z)",
    "sqrt(Z**2 + 1)": r"\sqrt{1 + Z^{\odot 2}}",
    "lam * A": r"\lambda \, A",
    "s * A": r"s \, A",
    "softmax(Z, axis=1)": r"\mathrm{softmax}(Z)",
    "X @ W + b": r"X \, W + \mathbf{1}_{n} \, b",
    "log(A) * Y - (1 - Y) * log(1 - A)": r"\log(A) \odot Y - \log(1 - A) \odot (1 - Y)",
}


@pytest.mark.parametrize("text", PRINTED)
def test_expression_prints_exactly(text):
    model = parse_model(f"{HEAD}Q = {text}\nJ = sum(Q**2) + lam * sum(X @ W + b + s)")
    equation = model.equation("Q")
    assert Printer(Notation(model)).latex(equation.value) == PRINTED[text]


@pytest.mark.parametrize(
    ("layers", "name", "entry"),
    [
        ("bracket", "W^{[1]}", "W^{[1]}_{ij}"),
        ("subscript", "W_{1}", "(W_{1})_{ij}"),
        ("superscript", r"\boldsymbol{W^{1}}", "W^{1}_{ij}"),
    ],
)
def test_layer_marks(layers, name, entry):
    notation = Notation(examples.load("two-gaussians"), layers)
    assert notation.name("W1") == name and notation.name("W1", "ij") == entry


@pytest.mark.parametrize(
    ("name", "latex"),
    [
        ("y_hat", r"\hat{y}"), ("alpha2", r"\alpha^{[2]}"), ("net", r"\mathrm{net}"), ("W_out", r"W_{\text{out}}"), ("l", r"\ell"),
        ("lam", r"\lambda"), ("b_1", "b^{[1]}"), ("Theta", r"\Theta"),
    ],
)  # fmt: skip
def test_names(name, latex):
    assert Notation(examples.load("two-gaussians")).name(name) == latex


def test_unknown_notation_is_told():
    with pytest.raises(ModelError, match="no layers notation 'x'"):
        Notation(examples.load("worksheet"), "x")
    with pytest.raises(ModelError, match="no option colour"):
        notation_of(examples.load("worksheet"), {"colour": "red"})


def test_names_are_split():
    assert split_name("W12") == ("W", [], "12") and split_name("y_hat_2") == ("y", ["hat"], "2")


def test_brackets_alternate():
    assert parenthesised("a - b") == "(a - b)"
    assert parenthesised("f(a - b)") == r"\left[f(a - b)\right]"
    assert parenthesised(r"\frac{1}{n}") == r"\left(\frac{1}{n}\right)"


def test_gradient_prints_in_the_derivations_own_notation_or_another():
    derivation = derive(examples.load("two-gaussians"))
    assert derivation.gradient("b2").to_latex().startswith(r"\frac{1}{m}")


def test_every_formula_of_every_example_becomes_mathml():
    for name in examples.names():
        page = examples.find(name).derive().to_html()
        assert "<code>" not in page and page.count("<math") > 20


@pytest.mark.parametrize(
    "latex",
    [
        r"\text{<script>alert(1)</script>}", r"\mbox{<img src=x onerror=alert(1)>}", r"\tag{<b>}", r"\text{<a href='javascript:x'>}",
        r"\href{javascript:alert(1)}{x}", "<script>alert(1)</script>", r"\text{</math><script>alert(1)</script>}",
    ],
)  # fmt: skip
def test_nothing_but_mathematics_passes_the_gate(latex):
    out = mathml(latex).lower()
    assert not re.findall(r"<(?!/?(?:m[a-z]+|code)\b)", out)
    assert not re.findall(r"<[^>]*(?:href|src|on\w+)=", out)


def test_a_formula_that_cannot_be_read_shows_its_source():
    assert mathml(r"\left(").startswith("<code>") or "<math" in mathml(r"\left(")
    assert mathml("{" * 20) == f"<code>{'{' * 20}</code>"


def test_bold_and_double_struck_are_characters():
    assert (
        "𝟏" in mathml(r"\mathbf{1}_{n}") and "𝟙" in mathml(r"\mathbb{1}") and "mathvariant" not in mathml(r"\mathbf{W}")
    )


def test_names_that_look_the_same_in_print_are_refused():
    with pytest.raises(ModelError, match="W1 and W_1 would look the same"):
        Notation(parse_model("x: (d, 1); W1: (1, d); W_1: (1, d)\nJ = (W1 @ x) * (W_1 @ x)"))


def test_indices_avoid_the_names_of_quantities():
    derivation = derive(parse_model("i: parameter(n, 1); j: parameter(n, 1)\nJ = sum(i * j)"))
    assert r"\sum_{k=1}^{n}" in derivation.to_markdown()
