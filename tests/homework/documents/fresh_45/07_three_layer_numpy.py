"""
Lab 3: three-layer multi-label classifier, numpy only.

X  : (N, D)   one sample per row
Y  : (N, C)   0/1 targets, several can be 1
W1 : (D, H1), b1 : (H1,)
W2 : (H1, H2), b2 : (H2,)
W3 : (H2, C), b3 : (C,)
"""
import numpy as np


def sigmoid(z):
    return 1.0 / (1.0 + np.exp(-z))


def forward(X, W1, b1, W2, b2, W3, b3):
    z1 = X @ W1 + b1
    a1 = np.tanh(z1)
    z2 = a1 @ W2 + b2
    a2 = np.tanh(z2)
    z3 = a2 @ W3 + b3
    a3 = sigmoid(z3)
    return z1, a1, z2, a2, z3, a3


def train_step(X, Y, W1, b1, W2, b2, W3, b3, lr=0.1):
    N = X.shape[0]
    z1, a1, z2, a2, z3, a3 = forward(X, W1, b1, W2, b2, W3, b3)

    # binary cross-entropy, summed over the classes and averaged over the rows
    loss = -np.sum(Y * np.log(a3) + (1 - Y) * np.log(1 - a3)) / N

    # output layer (sigmoid + cross-entropy simplify nicely)
    dz3 = (a3 - Y) / N
    dW3 = a2.T @ dz3
    db3 = np.sum(dz3, axis=0)

    # second hidden layer (slope of tanh from the stored activation)
    da2 = dz3 @ W3.T
    dz2 = da2 * (1 - a2 ** 2)
    dW2 = a1.T @ dz2
    db2 = np.sum(dz2, axis=0)

    # first hidden layer
    da1 = dz2 @ W2
    dz1 = da1 * (1 - a1 ** 2)
    dW1 = X.T @ dz1
    db1 = np.mean(dz1, axis=0)

    # gradient descent
    W3 = W3 - lr * dW3
    b3 = b3 - lr * db3
    W2 = W2 - lr * dW2
    b2 = b2 - lr * db2
    W1 = W1 - lr * dW1
    b1 = b1 - lr * db1
    return loss, W1, b1, W2, b2, W3, b3
