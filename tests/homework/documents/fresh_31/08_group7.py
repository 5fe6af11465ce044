"""Sheet 5, group 7. We did questions 1 and 2 as code (not run on real data yet)."""
import numpy as np

# samples are rows:
#   X is (n, d)
#   W1 is (d, h), b1 is (1, h)
#   W2 is (h, k), b2 is (1, k)


def question1(X, Y, W1, b1, W2, b2, n, lr):
    # forward: tanh, then sigmoid
    Z1 = X @ W1 + b1
    A1 = np.tanh(Z1)
    Z2 = A1 @ W2 + b2
    A2 = 1 / (1 + np.exp(-Z2))
    loss = np.sum((A2 - Y) ** 2) / (2 * n)

    # backward, second layer
    dA2 = (A2 - Y) / n
    dZ2 = dA2 * A2 * (1 - A2)
    dW2 = A1.T @ dZ2
    db2 = dZ2.sum(axis=0, keepdims=True)

    # backward, first layer
    dA1 = dZ2 @ W2.T
    dZ1 = dA1 * (1 - np.tanh(A1) ** 2)
    dW1 = X.T @ dZ1
    db1 = dZ1.sum(axis=1, keepdims=True)

    # one step
    W1 -= lr * dW1
    W2 -= lr * dW2
    return loss, dW1, db1, dW2, db2


def question2(X, Y, W1, b1, W2, b2, n):
    # same hidden layer, softmax on top, cross entropy
    A1 = np.tanh(X @ W1 + b1)
    Z2 = A1 @ W2 + b2
    P = np.exp(Z2) / np.exp(Z2).sum(axis=1, keepdims=True)
    loss = -np.sum(Y * np.log(P)) / n
    # only this line of the backward pass is new
    dZ2 = (P - Y) / n
    return loss, dZ2
