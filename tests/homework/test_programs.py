"""Backward passes in NumPy as homework: classes, work in place, integer labels, and the silent mistakes of such programs."""

import pytest

from symderiv.homework import check_homework
from symderiv.homework.reading.in_place import folded

CLASS = '''"""Two-layer classifier. Samples are rows."""
import numpy as np


def relu(z):
    return np.maximum(z, 0)


class Net:
    def __init__(self, d, h, k, seed=0):
        rng = np.random.default_rng(seed)
        self.W1 = rng.normal(size=(d, h)) * 0.1
        self.b1 = np.zeros((1, h))
        self.W2 = rng.normal(size=(h, k)) * 0.1
        self.b2 = np.zeros((1, k))

    def forward(self, X):
        self.X = X
        self.Z1 = X @ self.W1 + self.b1
        self.A1 = relu(self.Z1)
        self.Z2 = self.A1 @ self.W2 + self.b2
        e = np.exp(self.Z2 - self.Z2.max(axis=1, keepdims=True))
        self.P = e / e.sum(axis=1, keepdims=True)
        return self.P

    def loss(self, Y):
        n = Y.shape[0]
        return -np.sum(Y * np.log(self.P)) / n

    def backward(self, Y):
        n = Y.shape[0]
        dZ2 = self.P.copy()
        dZ2 -= Y
        dZ2 /= n
        self.dW2 = self.A1.T @ dZ2
        self.db2 = dZ2.sum(axis=0, keepdims=True)
        dZ1 = dZ2 @ self.W2.T
        dZ1[self.Z1 <= 0] = 0
        self.dW1 = self.X.T @ dZ1
        self.db1 = dZ1.sum(axis=0, keepdims=True)
'''
LABELS = """import numpy as np

def train(X, y, W, b, W2, b2, reg=1e-3, step_size=1.0):
    num_examples = X.shape[0]
    for i in range(10000):
        hidden_layer = np.maximum(0, np.dot(X, W) + b)
        scores = np.dot(hidden_layer, W2) + b2
        exp_scores = np.exp(scores)
        probs = exp_scores / np.sum(exp_scores, axis=1, keepdims=True)
        logprobs = -np.log(probs[range(num_examples), y])
        loss = np.sum(logprobs) / num_examples + 0.5 * reg * np.sum(W * W) + 0.5 * reg * np.sum(W2 * W2)
        dscores = probs
        dscores[range(num_examples), y] -= 1
        dscores /= num_examples
        dW2 = np.dot(hidden_layer.T, dscores)
        db2 = np.sum(dscores, axis=0, keepdims=True)
        dhidden = np.dot(dscores, W2.T)
        dhidden[hidden_layer <= 0] = 0
        dW = np.dot(X.T, dhidden)
        db = np.sum(dhidden, axis=0, keepdims=True)
        dW2 += reg * W2
        dW += reg * W
        W += -step_size * dW
        b += -step_size * db
"""
SQUARE = """import numpy as np

# every layer has 8 units; samples are columns
def forward(params, X):
    Z1 = np.dot(params["W1"], X) + params["b1"]
    A1 = np.tanh(Z1)
    Z2 = np.dot(params["W2"], A1) + params["b2"]
    A2 = np.tanh(Z2)
    Z3 = np.dot(params["W3"], A2) + params["b3"]
    return {"Z1": Z1, "A1": A1, "Z2": Z2, "A2": A2, "Z3": Z3}

def cost(Z3, Y):
    m = Y.shape[1]
    return np.sum((Z3 - Y) ** 2) / (2 * m)

def backward(params, cache, X, Y):
    m = Y.shape[1]
    dZ3 = (cache["Z3"] - Y) / m
    dW3 = np.dot(dZ3, cache["A2"].T)
    dA2 = np.dot(params["W3"].T, dZ3)
    dZ2 = dA2 * (1 - cache["A2"] ** 2)
    dW2 = np.dot(dZ2, cache["A1"].T)
    dA1 = np.dot(params["W2"], dZ2)
    dZ1 = np.multiply(dA1, 1 - np.power(cache["A1"], 2))
    dW1 = np.dot(dZ1, X.T)
    return dW1, dW2, dW3
"""
BROADCAST = """import numpy as np

def sigmoid(t):
    return 1 / (1 + np.exp(-t))

# X: (m, d), y: (m, 1)
def loss_and_grads(X, y, W, b, v, c):
    m = len(X)
    z = X @ W + b
    h = sigmoid(z)
    s = h @ v + c
    p = sigmoid(s)
    loss = -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))
    ds = (p - y) / m
    dv = h.T @ ds
    dc = np.sum(ds)
    dh = ds @ v.T
    dz = dh * h * (1 - h)
    dW = X.T @ dz
    db = np.sum(dz)
    return loss, dW, db, dv, dc
"""


def marked(source):
    return check_homework(source, "backward.py").claims


def false_lines(source):
    """The false lines: the source and what they are called."""
    return [(c.source, c.verdict, c.mistakes[:1]) for c in marked(source) if c.verdict in ("wrong", "carried")]


@pytest.mark.parametrize(("source", "count"), [(CLASS, 9), (LABELS, 11)])
def test_a_right_program_is_right_in_every_line(source, count):
    claims = [c for c in marked(source) if c.kind == "derivative"]
    assert {c.verdict for c in claims} == {"correct"} and len(claims) == count


SILENT = [
    (SQUARE, 'dA1 = np.dot(params["W2"], dZ2)', "missing-transpose"),
    (BROADCAST, "db = np.sum(dz)", "summed-over-everything"),
    (CLASS.replace("dZ2 /= n\n", "pass\n"), "dZ2 -= Y", "missing-mean-factor"),
    (CLASS.replace("[self.Z1 <= 0] = 0", "[self.Z1 >= 0] = 0"), "dZ1[self.Z1 >= 0] = 0", "sign"),
    (CLASS.replace("self.A1.T @ dZ2", "self.A1.T @ dZ2 / n"), "dW2 = self.A1.T @ dZ2 / n", "repeated-mean-factor"),
    (LABELS.replace("dscores /= num_examples", "pass"), "dscores[range(num_examples), y] -= 1", "missing-mean-factor"),
    (LABELS.replace("        dhidden[hidden_layer <= 0] = 0\n", ""), "dW += reg * W", "missing-slope"),
    (LABELS.replace("dW2 += reg * W2", "pass"), "dW2 = np.dot(hidden_layer.T, dscores)", "missing-penalty"),
]  # fmt: skip


@pytest.mark.parametrize(("source", "line", "code"), SILENT, ids=[code for *_, code in SILENT])
def test_a_silent_mistake_is_found_on_its_line_and_named(source, line, code):
    false = false_lines(source)
    assert (line, "wrong", (code,)) in false, false
    assert all(verdict == "carried" or first == line or code == "missing-slope" for first, verdict, _ in false)


def test_claims_stand_where_the_source_has_them():
    for source in (CLASS, LABELS):
        for claim in marked(source):
            begin, end = claim.span
            assert source[begin:end].split("=")[0].strip() == claim.source.split("=")[0].strip().replace(
                "     ", "self."
            )
            assert source.count("\n", 0, begin) + 1 == claim.line


def test_what_is_read_in_between_is_not_put_together():
    source = "dZ = P - Y\ndW = A.T @ dZ\ndZ /= n\n"
    assert folded(source).text == source


def test_no_line_of_a_program_is_run(tmp_path):
    marker = tmp_path / "ran"
    source = CLASS + f"\nopen({str(marker)!r}, 'w').write('x')\ndZ2 -= __import__('os').system('true')\n"
    check_homework(source, "backward.py")
    assert not marker.exists()


PICKED = """import numpy as np

def f(X, y, W, b, K):
    N = X.shape[0]
    S = X @ W + b
    E = np.exp(S)
    P = E / E.sum(axis=1, keepdims=True)
    loss = {loss}
    dS = (P - {labels}) / {count}
    dW = X.T @ dS
    return loss, dW
"""
LOSSES = [
    "-np.log(P[np.arange(N), y]).mean()",
    "-np.mean(np.log(P[range(N), y]))",
    "np.sum(-np.log(P[np.arange(N), y] + 1e-12)) / N",
]


@pytest.mark.parametrize("labels", ["np.eye(K)[y]", "one_hot(y, K)"])
@pytest.mark.parametrize("loss", LOSSES)
def test_labels_by_number(loss: str, labels: str) -> None:
    def verdicts(count: str) -> list[str]:
        return [c.verdict for c in check_homework(PICKED.format(loss=loss, labels=labels, count=count), "f.py").claims]

    assert set(verdicts("N")) == {"correct"}
    assert "wrong" in verdicts("5")  # however many samples it is tried with
    assert "wrong" in verdicts("1")
