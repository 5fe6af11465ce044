"""Model files: what reads, and for what does not, one error with its place and the way out."""

from __future__ import annotations

import pytest

from symderiv import Network, derive, parse_model, read_model, total
from symderiv.errors import LocatedError, ModelError, SymderivError
from symderiv.oracles.checks import QUICK, cross_check

ROWS = """# A network of my own
X: (n, d)
Y: (n, 1)
W1: (d, h); b1: (1, h)
W2: (h, 1); b2: (1, 1)
Z1 = X @ W1 + b1
A1 = tanh(Z1)
Z2 = A1 @ W2 + b2
A2 = sigmoid(Z2)
J = -mean(Y * log(A2) + (1 - Y) * log(1 - A2))
"""

HEAD = "X: (n, d); Y: (n, k); W: (d, k); b: (1, k); lam: hyper\n"
SPELLINGS = {
    "operators": "Z = X @ W + b\nJ = sum((Z - Y)**2) / (2 * n)",
    "numpy names": "Z = np.dot(X, W) + b\nJ = np.sum(np.square(np.subtract(Z, Y))) / n",
    "methods": "Z = X.dot(W) + b\nJ = ((Z - Y)**2).sum() / n",
    "mean along an axis": "Z = X @ W + b\nE = np.mean((Z - Y)**2, axis=1, keepdims=True)\nJ = mean(E)",
    "transposes": "Z = (W.T @ X.T).T + b\nJ = np.transpose(Z - Y).mean()",
    "softmax": "P = softmax(X @ W + b, axis=-1)\nJ = -sum(Y * log(P)) / n",
    "ones": "Z = X @ W + ones((n, 1)) @ b\nJ = mean((Z - Y)**2)",
    "relu by maximum": "Z = np.maximum(0, X @ W + b)\nJ = mean((Z - Y)**2)",
    "huber": "J = sum(huber(X @ W + b - Y, 0.5))",
    "leaky": "A = leaky_relu(X @ W + b, 0.2)\nJ = mean(A * Y)",
    "opaque": "A = g(X @ W + b)\nJ = sum((A - Y)**2)",
    "declared function": "q: function\nA = q(X @ W + b)\nJ = sum((A - Y)**2)",
    "penalty": "J = mean((X @ W + b - Y)**2) + lam / 2 * sum(W**2)",
    "roots and powers": "J = sum(sqrt((X @ W + b)**2 + 1) + 2**-1 * abs(Y))",
    "exponential softmax": "E = exp(X @ W + b)\nP = E / sum(E, axis=1)\nJ = -sum(Y * log(P)) / n",
    "softplus": "J = mean(softplus(X @ W + b) - Y * (X @ W + b))",
    "assumption": "assert sum(Y, axis=1) == 1\nJ = sum((X @ W + b) * Y) + sum(sum(Y, axis=1) * (X @ W + b))",
    "stacked ones": "V: (k + 1, k)\nA = tanh(X @ W + b)\nZ = np.hstack([np.ones((n, 1)), A]) @ V\nJ = mean((Z - Y)**2)",
    "several lines": "Z = (X @ W\n     + b)\nJ = sum(\n    (Z - Y)**2\n)",
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_spelling_reads_and_derives_right(spelling):
    assert cross_check(derive(parse_model(HEAD + SPELLINGS[spelling])), oracles=QUICK).passed


def test_a_file_of_ones_own(tmp_path):
    path = tmp_path / "net.model"
    path.write_text(ROWS)
    model = read_model(path)
    assert model.title == "A network of my own"
    assert [s.name for s in model.parameters] == ["W1", "b1", "W2", "b2"]
    assert [s.name for s in model.data] == ["X", "Y"]


def test_roles_by_name():
    model = parse_model(
        "x1: (d, 1); y_train: (1, 1); A0: (d, 1); theta: (d, 1); tau: (1, 1)\nJ = sum(x1 * A0 * theta) * tau * y_train"
    )
    assert [s.name for s in model.data] == ["x1", "y_train", "A0"] and [s.name for s in model.parameters] == [
        "theta",
        "tau",
    ]


def test_roles_can_be_said():
    model = parse_model("theta: data(n, d)\nx0: parameter(d, 1)\nJ = sum(theta @ x0)")
    assert [s.name for s in model.data] == ["theta"] and [s.name for s in model.parameters] == ["x0"]


BAD = {
    # what it is: (text, line, column, what the message must say)
    "sizes": ("X: (n, d)\nW: (k, d)\nJ = sum(X @ W)", 3, 10, ["X: (n, d)", "W: (k, d)", "d ≠ k", "X @ W.T would fit"]),
    "elementwise sizes": (
        "x: (n, 1)\ny: (1, n)\nJ = sum((x - y)**2)",
        3,
        11,
        ["x: (n, 1)", "y: (1, n)", "transpose one of them"],
    ),
    "undefined name": ("X: (n, d)\nJ = sum(X @ Q)", 2, 12, ["Q is not defined", "declare it"]),
    "case slip": ("X: (n, d)\nJ = sum(x)", 2, 8, ["x is not defined", "did you mean X?"]),
    "defined twice": ("X: (n, d)\nZ = tanh(X)\nZ = exp(X)\nJ = sum(Z)", 3, 0, ["Z is defined twice, first in line 2"]),
    "declared twice": ("X: (n, d)\nX: (n, d)\nJ = sum(X)", 2, 0, ["X is defined twice, first in line 1"]),
    "unused parameter": ("X: (n, d)\nW: (d, 1)\nJ = sum(X)", 2, 0, ["parameter W is not used"]),
    "loss not a scalar": ("X: (n, d)\nW: (d, 1)\nJ = X @ W", 3, 0, ["not a scalar", "(n, 1)", "sum(...) or mean(...)"]),
    "forbidden call": ("X: (n, d)\nJ = sum(__import__('os'))", 2, 8, ["__import__ is not allowed", "tanh"]),
    "attribute": ("X: (n, d)\nJ = sum(X.__class__)", 2, 8, ["`.__class__` is not allowed", ".T"]),
    "attribute call": ("X: (n, d)\nJ = X.__init__()", 2, 4, ["`.__init__(...)` is not allowed"]),
    "comprehension": ("X: (n, d)\nJ = sum([x for x in X])", 2, 8, ["not allowed in a formula"]),
    "lambda": ("J = (lambda: 0)()", 1, 4, ["only functions with a name"]),
    "format string": ('J = f"{1}"', 1, 4, ["not allowed in a formula"]),
    "indexing": ("X: (n, d)\nJ = sum(X[0])", 2, 8, ["indexing is not allowed"]),
    "import": ("import os", 1, 0, ["not a line of a model"]),
    "loop": ("while True: pass", 1, 0, ["not a line of a model"]),
    "syntax": ("X: (n, d)\nJ = sum(X *)", 2, 11, ["not a line of a model"]),
    "nesting": ("J = " + "(" * 100_000 + "1" + ")" * 100_000, 1, 64, ["nested more than 60 deep"]),
    "one axis": ("x: (n,)\nJ = sum(x)", 1, 3, ["write (1, n) for a row or (n, 1) for a column"]),
    "negative size": ("x: (n, -1)\nJ = sum(x)", 1, 7, ["cannot read this size"]),
    "zero size": ("x: (n, 0)\nJ = sum(x)", 1, 7, ["cannot read this size"]),
    "softmax without axis": (
        "X: (n, d)\nP = softmax(X)\nJ = sum(P)",
        2,
        4,
        ["softmax needs an axis", "axis=1 if a sample is a row"],
    ),
    "huge power": ("X: (n, d)\nJ = sum(X) * 9**9**9**9", 2, 19, ["an exponent is a number up to 64"]),
    "huge number": ("X: (n, d)\nJ = sum(X) * " + "9" * 100, 2, 13, ["too many digits"]),
    "division by zero": ("X: (n, d)\nJ = sum(X) / 0", 2, 13, ["division by zero"]),
    "matrix exponent": ("X: (n, d)\nJ = sum(2**X)", 2, 11, ["an exponent must be a number"]),
    "function as name": ("tanh: (n, d)\nJ = sum(tanh)", 1, 0, ["tanh is the name of a function"]),
    "size as name": ("X: (n, d)\nn: (d, 1)\nJ = sum(X @ n)", 2, 0, ["n is the name of a size already"]),
    "adjoint name": ("X_bar: (n, d)\nJ = sum(X_bar)", 1, 0, ["leave out `_bar`"]),
    "unicode name": ("σ: (n, d)\nJ = sum(σ)", 1, 0, ["cannot be used as a name"]),
    "keepdims false": ("X: (n, d)\nJ = sum(sum(X, axis=0, keepdims=False))", 2, 32, ["keep their axis"]),
    "unknown keyword": ("X: (n, d)\nJ = sum(X, dtype=3)", 2, 4, ["only keyword arguments are axis= and keepdims="]),
    "axis of an elementwise function": ("X: (n, d)\nJ = sum(exp(X, axis=0))", 2, 8, ["exp takes no axis"]),
    "a typo in a function": ("X: (n, d)\nJ = sum(sigmiod(X))", 2, 8, ["sigmiod is not known", "did you mean sigmoid?"]),
    "used before it is defined": (
        "X: (n, d)\nA = tanh(Z)\nZ = X * 2\nJ = sum(A)",
        2,
        9,
        ["Z is not defined yet", "line 3 defines it"],
    ),
    "a size that nobody declared": (
        "X: (n, d)\nJ = sum(X) / m",
        2,
        13,
        ["m is not defined", "known sizes are n, d", "`m: hyper`"],
    ),
    "caret for a power": ("X: (n, d)\nJ = sum(X^2)", 2, 9, ["a power is written **"]),
    "a shape with an equals sign": ("X = (n, 3)\nJ = sum(X)", 1, 0, ["declared with a colon", "X: (n, 3)"]),
    "a transpose too many": ("X: (n, d)\nV: (d, h)\nJ = sum(X @ V.T)", 3, 10, ["V.T: (h, d)", "; X @ V would fit"]),
    "text as number": ("X: (n, d)\nJ = sum(X * 'a')", 2, 12, ["not allowed in a formula"]),
    "unknown assumption": ("X: (n, d)\nassert X > 0\nJ = sum(X)", 2, 0, ["this assumption is not known"]),
    "augmented sizes": (
        "x: (d, 1)\nW: (d, h)\nJ = sum(W.T @ augment(x))",
        3,
        12,
        ["W.T: (h, d)", "(d+1, 1)", "d ≠ d+1"],
    ),
    "after non-ascii text": ("X: (n, d)  # größe\nJ = sum(X @ Ω)", 2, 12, ["not defined"]),
}


@pytest.mark.parametrize("what", BAD)
def test_bad_input_gets_one_error_with_its_place(what):
    text, line, column, says = BAD[what]
    with pytest.raises(LocatedError) as caught:
        parse_model(text, "net.model")
    error = caught.value
    message = str(error)
    assert (error.line, error.column) == (line, column), message
    assert message.startswith(f"net.model, line {line}:\n")
    for part in says:
        assert part in message
    shown, caret = message.splitlines()[1:3]
    assert caret.strip() == "^" and len(caret) <= len(shown) + 1


@pytest.mark.parametrize(
    "text",
    ["", "# nothing", "J = 0x" + "f" * 5000, "W: (0x" + "f" * 5000 + ",)", "X: (n, d)\nJ = sum(X) * sqrt(-1)", "X: (n, d)\nJ = sum(X) * log(0)",
     "X: (n, d)\nJ = sum(X / zeros((n, d)))", "X: (n, d)\nJ = sum(X) * sum(ones((m, 1)))", "X: (n, d)\nJ = sum(X) * (((n**64)**64)**64)**64",
     "X: (n, d)\nJ = sum(" + "tanh(" * 12 + "X" + ")" * 12 + ")", "X: (n, d); W: (d, h)\nJ = sum(augment(tanh(X)) @ W)",
     "X: (n, d); W: (d, h)\nZ = X @ W\nassert sum(Z, axis=1) == 1\nJ = sum(Z)", "X: (n, d)\nJ = sum(X, axis=0, axis=1)", "J = " + "+".join(["1"] * 20_000), "J = " + "-" * 9000 + "1", "X: (n, d)\0", "X: (n, d)\nJ = " + "X + " * 5000 + "X",
     "J = " + "[" * 59 + "]" * 59, "J = a" + ".T" * 5000, "J = 1\n" * 10, "X: (n, d)\nJ = sum(X" + "**2" * 300 + ")"],
)  # fmt: skip
def test_strange_texts_give_an_error_and_no_crash(text):
    with pytest.raises(SymderivError):
        parse_model(text)


def test_a_file_that_is_not_text(tmp_path):
    path = tmp_path / "net.model"
    path.write_bytes(b"X: (n, d)\n\xff\xfe\n")
    with pytest.raises(ModelError, match=r"is not text: byte 10 \(line 2\)"):
        read_model(path)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(ModelError, match=r"cannot read .*No such file"):
        read_model(tmp_path / "none.model")
    with pytest.raises(ModelError, match="cannot read"):
        read_model(tmp_path)


def test_a_file_that_is_too_long(tmp_path):
    path = tmp_path / "net.model"
    path.write_text("# " + "x" * 300_000)
    with pytest.raises(ModelError, match="longer than a model needs"):
        read_model(path)


def test_large_numbers_as_sizes_are_checked_at_small_ones():
    model = parse_model(
        "X: (1000, 784); Y: (1000, 10); W: (784, 10); b: (1, 10)\nP = softmax(X @ W + b, axis=1)\nJ = -mean(Y * log(P))"
    )
    derivation = derive(model)
    assert cross_check(derivation, oracles=QUICK).passed
    assert derivation.gradient("W").to_latex().startswith(r"\frac{1}{10 \cdot 1000}")
    assert "784" in derivation.to_markdown()


def test_numbers_that_are_one_more_than_another():
    model = parse_model("x: (20, 1); W: (21, 30)\nJ = sum((W.T @ augment(x))**2)")
    assert cross_check(derive(model), oracles=QUICK).passed


def test_numbers_too_large_to_check_are_told():
    net = Network()
    x, W = net.data("x", 784, 1), net.parameter("W", 784, 3000)
    net.define("J", total((W.T @ x) ** 2))
    model = net.model()
    with pytest.raises(ModelError, match="too many to check"):
        cross_check(derive(model), oracles=QUICK)


AUGMENTED = {
    "small numbers": "x: (2, 1); y: (1, 1); W1: (3, 2); W2: (3, 1)\na = W1.T @ augment(x)\nb = sigmoid(a)\nz = W2.T @ augment(b)\nJ = (z - y)**2",
    "three in a row": "x: (3, n); y: (1, n); W1: (2, 4); W2: (1, 3)\na = tanh(W1 @ augment(x))\nz = W2 @ augment(a)\nJ = mean((z - y)**2)",
    "large numbers": "X: (784, n); Y: (10, n); W1: (100, 785); W2: (10, 101)\nA1 = tanh(W1 @ augment(X))\n"
    "A2 = softmax(W2 @ augment(A1), axis=0)\nJ = -mean(Y * log(A2))",
}


@pytest.mark.parametrize("what", AUGMENTED)
def test_ones_before_matrices_whose_sizes_are_numbers(what):
    """Right documents (paths and indices are checked there), or a clear word that the sizes need names."""
    try:
        derivation = derive(parse_model(AUGMENTED[what]))
    except ModelError as error:
        assert what == "three in a row" and "write a name for the size" in str(error)
        return
    assert "tilde" in derivation.to_markdown()


CONSTANTS = [
    "pi * sum(X**2)",
    "exp(1) * sum(X)",
    "sum(X**2 / 2 + log(2 * pi) / 2)",
    "sum(abs(sqrt(X**2 + 1)))",
    "sum(n**20 * exp(-X))",
]


@pytest.mark.parametrize("loss", CONSTANTS)
def test_constants_in_a_loss(loss):
    assert cross_check(derive(parse_model(f"X: (n, d)\nJ = {loss}"), inputs=True), oracles=QUICK).passed


def test_products_of_many_sums_stay_products():
    names = [f"a{k}" for k in range(24)]
    text = "".join(f"{name}: scalar\n" for name in names) + "J = " + " * ".join(f"({name} + 1)" for name in names)
    assert [term.name for term in parse_model(text).terms] == [""]
