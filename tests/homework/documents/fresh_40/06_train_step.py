"""Lab 4, task 3: one hidden layer (tanh), sigmoid output, mean log loss.

X is (m, n_x), one sample per row; Y is (m, 1).
W1 is (n_x, n_h), W2 is (n_h, 1); b1 is (1, n_h), b2 is (1, 1).
"""
import numpy as np


def train_step(X, Y, W1, b1, W2, b2, lr):
    m = X.shape[0]

    # forward
    Z1 = X @ W1 + b1
    A1 = np.tanh(Z1)
    Z2 = A1 @ W2 + b2
    A2 = 1 / (1 + np.exp(-Z2))
    loss = -np.sum(Y * np.log(A2) + (1 - Y) * np.log(1 - A2)) / m

    # backward
    dZ2 = (A2 - Y) / m
    dW2 = A1.T @ dZ2
    db2 = np.sum(dZ2, axis=0, keepdims=True)
    dA1 = dZ2 @ W2.T
    dZ1 = dA1 * (1 - A1 ** 2)
    dW1 = X.T @ dZ1 / m
    db1 = np.sum(dZ1)

    # gradient descent
    W1 = W1 - lr * dW1
    b1 = b1 - lr * db1
    W2 = W2 - lr * dW2
    b2 = b2 - lr * db2
    return loss, W1, b1, W2, b2
