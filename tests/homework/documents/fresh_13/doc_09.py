"""Assignment 2, three-layer classifier.  Rows of X are samples, Y is one-hot."""
import numpy as np


def init(d, h1, h2, k, rng):
    W1 = rng.normal(size=(d, h1)) * 0.1
    W2 = rng.normal(size=(h1, h2)) * 0.1
    W3 = rng.normal(size=(h2, k)) * 0.1
    return [W1, np.zeros(h1), W2, np.zeros(h2), W3, np.zeros(k)]


def train_step(params, X, Y, lr):
    W1, b1, W2, b2, W3, b3 = params
    N = X.shape[0]

    # forward
    Z1 = X @ W1 + b1
    H1 = np.maximum(0, Z1)
    Z2 = H1 @ W2 + b2
    H2 = np.tanh(Z2)
    S = H2 @ W3 + b3
    E = np.exp(S - S.max(axis=1, keepdims=True))
    P = E / E.sum(axis=1, keepdims=True)
    loss = -np.sum(Y * np.log(P)) / N

    # backward, output layer
    dS = (P - Y) / N
    dW3 = H2.T @ dS
    db3 = dS.sum(axis=0)

    # second hidden layer
    dH2 = dS @ W3.T
    dZ2 = dH2 * (1 - np.tanh(H2) ** 2)
    dW2 = H1.T @ dZ2 / N
    db2 = np.sum(dZ2)

    # first hidden layer; ReLU is 'on' exactly where its output is positive
    dH1 = dZ2 @ W2.T
    dZ1 = dH1 * (H1 > 0)
    dW1 = X.T @ dZ1
    db1 = np.ones(N) @ dZ1

    # descend
    W1 = W1 - lr * dW1
    b1 = b1 - lr * db1
    W2 = W2 - lr * dW2
    b2 = b2 - lr * db2
    W3 = W3 - lr * dW3
    b3 = b3 - lr * db3
    return [W1, b1, W2, b2, W3, b3], loss
