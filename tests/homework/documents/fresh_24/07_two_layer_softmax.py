"""
Assignment 2, two layer net for the digits data
student: m.ferri

Shapes: X is N x D, W1 is D x H, W2 is H x K
y holds the N integer class labels
"""
import numpy as np


def train_step(X, y, W1, b1, W2, b2, lr=0.1):
    N = X.shape[0]
    K = W2.shape[1]

    # ---- forward ----
    z1 = X @ W1 + b1
    h = np.tanh(z1)
    s = h @ W2 + b2
    e = np.exp(s)
    p = e / e.sum(axis=1, keepdims=True)

    # cross entropy, mean over the batch
    loss = -np.log(p[np.arange(N), y]).mean()

    # ---- backward ----
    # softmax + cross entropy:  dL/ds = (p - onehot(y)) / N
    ds = (p - np.eye(K)[y]) / N

    dW2 = h.T @ ds
    db2 = ds.mean(axis=0)

    dh = ds @ W2.T

    # dL/dz1 = dL/dh * (1 - tanh(z1)^2)
    dz1 = dh * (1 - z1 ** 2)

    dW1 = X.T @ dz1
    db1 = dz1.sum(axis=0)

    # ---- gradient descent ----
    W1 = W1 - lr * dW1
    b1 = b1 - lr * db1
    W2 = W2 - lr * dW2
    b2 = b2 - lr * db2
    return loss, W1, b1, W2, b2
