"""Two-layer binary classifier from scratch (reading group, week 3).

Examples are the columns of X (n_x, m), labels Y (1, m) in {0, 1}.

Forward:
    Z1 = W1 X + b1
    A1 = relu(Z1)
    Z2 = W2 A1 + b2
    A2 = sigmoid(Z2)
Cost:
    J = -1/m * sum(Y*log(A2) + (1 - Y)*log(1 - A2)) + lam/2 * (sum(W1**2) + sum(W2**2))
"""
import numpy as np


def sigmoid(z):
    return 1.0 / (1.0 + np.exp(-z))


def init(n_x, n_h, seed=0):
    rng = np.random.default_rng(seed)
    return {
        "W1": rng.normal(size=(n_h, n_x)) * np.sqrt(2.0 / n_x),
        "b1": np.zeros((n_h, 1)),
        "W2": rng.normal(size=(1, n_h)) * np.sqrt(1.0 / n_h),
        "b2": np.zeros((1, 1)),
    }


def forward(X, p):
    Z1 = p["W1"] @ X + p["b1"]
    A1 = np.maximum(Z1, 0)
    Z2 = p["W2"] @ A1 + p["b2"]
    A2 = sigmoid(Z2)
    return Z1, A1, Z2, A2


def cost(A2, Y, p, lam):
    m = Y.shape[1]
    data = -np.sum(Y * np.log(A2) + (1 - Y) * np.log(1 - A2)) / m
    return data + lam / 2 * (np.sum(p["W1"] ** 2) + np.sum(p["W2"] ** 2))


def backward(X, Y, p, lam):
    m = X.shape[1]
    W1, W2 = p["W1"], p["W2"]
    Z1, A1, Z2, A2 = forward(X, p)

    # output layer: sigmoid and log loss cancel nicely
    dZ2 = (A2 - Y) / m
    # dJ/dW2 = dJ/dZ2 A1^T + lam W2
    dW2 = dZ2 @ A1.T + lam * W2
    db2 = np.sum(dZ2, axis=1, keepdims=True)

    # hidden layer: dJ/dA1 = W2^T dJ/dZ2
    dA1 = W2.T @ dZ2
    # the slope of relu is 1 where Z1 > 0
    dZ1 = dA1 * (Z1 > 0)
    # dJ/dW1 = dJ/dZ1 X^T + lam W1
    dW1 = dZ1 @ X.T + lam * W1
    db1 = np.sum(dZ1, axis=1, keepdims=True)
    return {"W1": dW1, "b1": db1, "W2": dW2, "b2": db2}


def train(X, Y, n_h=8, lam=1e-3, lr=0.5, steps=2000):
    p = init(X.shape[0], n_h)
    for _ in range(steps):
        g = backward(X, Y, p, lam)
        for k in p:
            p[k] -= lr * g[k]
    return p
