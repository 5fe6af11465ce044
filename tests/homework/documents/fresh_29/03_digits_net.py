"""
Assignment 3: digits with one hidden layer, NumPy only.

X is (n_x, m), one example per column. Y is (n_y, m), one-hot columns.

Forward:
    Z1 = W1 X + b1
    A1 = tanh(Z1)
    Z2 = W2 A1 + b2
    A2 = softmax(Z2)          (column by column)
    J = -(1/m) sum_i sum_k Y_ki log(A2_ki)

Backward, worked out on paper first:
    dJ/dZ2 = (1/m) (A2 - Y)
    dJ/dW2 = dJ/dZ2 A1^T
    dJ/dA1 = W2^T dJ/dZ2
    dJ/dZ1 = dJ/dA1 * (1 - A1^2)       (* is entry by entry)
    dJ/dW1 = dJ/dZ1 X^T
The biases get the same dZ, summed over the examples.
"""
import numpy as np


def forward(X, W1, b1, W2, b2):
    Z1 = W1 @ X + b1
    A1 = np.tanh(Z1)
    Z2 = W2 @ A1 + b2
    E = np.exp(Z2 - Z2.max(axis=0, keepdims=True))   # so that exp does not overflow
    A2 = E / E.sum(axis=0, keepdims=True)
    return Z1, A1, Z2, A2


def backward(X, Y, Z1, A1, A2, W2):
    m = X.shape[1]
    dZ2 = (A2 - Y) / m
    dW2 = dZ2 @ A1.T
    db2 = np.sum(dZ2, axis=0, keepdims=True)
    dA1 = W2.T @ dZ2
    dZ1 = dA1 * (1 - Z1 ** 2)
    dW1 = dZ1 @ X.T
    db1 = np.sum(dZ1, axis=1, keepdims=True)
    return dW1, db1, dW2, db2


def step(W1, W2, dW1, dW2, lr):
    W1 = W1 - lr * dW1
    W2 = W2 - lr * dW2
    return W1, W2
