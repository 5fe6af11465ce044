"""Exercise 3: two layer network, numpy only.
author: jl, handed in late (sorry)
"""
import numpy as np


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def train_step(X, Y, W1, b1, W2, b2, lr):
    # rows are samples: X is N x D, Y is N x K
    # W1 is D x H, W2 is H x K, biases are rows
    N = X.shape[0]

    # ---- forward ----
    Z1 = X @ W1 + b1
    A1 = np.tanh(Z1)
    Z2 = A1 @ W2 + b2
    A2 = sigmoid(Z2)
    loss = np.sum((A2 - Y) ** 2) / N

    # ---- backward, dA means dloss/dA and so on ----
    dA2 = 2 * (A2 - Y) / N
    # now the derivative of the sigmoid
    dZ2 = dA2 * sigmoid(Z2)
    dW2 = A1.T @ dZ2
    db2 = np.sum(dZ2, axis=0, keepdims=True)

    # hidden layer, tanh this time
    dA1 = dZ2 @ W2.T
    dZ1 = dA1 * (1 - A1 ** 2)
    dW1 = X.T @ dZ1
    db1 = np.sum(dZ1)

    # ---- gradient descent ----
    W1 = W1 - lr * dW1
    b1 = b1 - lr * db1
    W2 = W2 - lr * dW2
    b2 = b2 - lr * db2
    return W1, b1, W2, b2, loss
