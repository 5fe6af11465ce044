"""
Lab 5 -- neural network from scratch, iris data

One sample per row. Shapes:
    X  : (m, 4)
    Y  : (m, 3)
    W1 : (4, 5)
    b1 : (1, 5)
    W2 : (5, 3)
    b2 : (1, 3)
"""
import numpy as np


def sigmoid(z):
    return 1.0 / (1.0 + np.exp(-z))


def sigmoid_prime(z):
    # derivative of the sigmoid at z
    return sigmoid(z) * (1.0 - sigmoid(z))


def train_step(X, Y, W1, b1, W2, b2, lr):
    m = X.shape[0]

    # ---- forward ----
    Z1 = X @ W1 + b1
    A1 = sigmoid(Z1)
    Z2 = A1 @ W2 + b2
    A2 = sigmoid(Z2)

    # mean squared error (the 1/2 makes the derivative nicer)
    cost = np.sum((A2 - Y) ** 2) / (2 * m)

    # ---- backward ----
    dA2 = (A2 - Y) / m
    dZ2 = dA2 * sigmoid_prime(Z2)
    dW2 = A1.T @ dZ2
    db2 = np.sum(dZ2, axis=0, keepdims=True)

    dA1 = dZ2 @ W2.T
    dZ1 = dA1 * sigmoid_prime(A1)
    dW1 = X.T @ dZ1
    db1 = np.mean(dZ1, axis=0, keepdims=True)

    # ---- gradient descent ----
    W1 = W1 - lr * dW1
    b1 = b1 - lr * db1
    W2 = W2 - lr * dW2
    b2 = b2 - lr * db2

    return W1, b1, W2, b2, cost
