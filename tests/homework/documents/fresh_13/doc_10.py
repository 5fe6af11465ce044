# Homework 5: a residual block, trained with the mean squared error.
# The m samples are the columns of X and Y; biases are columns.
import numpy as np


def sigmoid(t):
    return 1.0 / (1.0 + np.exp(-t))


def gradients(X, Y, W1, b1, W2, b2, W3, b3):
    m = X.shape[1]

    Z1 = W1 @ X + b1                            # (h, m)
    H1 = sigmoid(Z1)
    Z2 = W2 @ H1 + b2                           # (h, m)
    R = np.tanh(Z2)
    H2 = H1 + R                                 # skip connection
    Yhat = W3 @ H2 + b3                         # (k, m)
    J = np.sum((Yhat - Y) ** 2) / (2 * m)

    # output layer
    dYhat = (Yhat - Y) / m
    dW3 = dYhat @ H1.T
    db3 = np.sum(dYhat, axis=1, keepdims=True)
    dH2 = W3.T @ dYhat

    # residual branch
    dR = dH2
    dZ2 = dR * (1 - R ** 2)
    dW2 = dZ2 @ H1.T
    db2 = np.sum(dZ2, axis=1, keepdims=True)

    # first layer
    dH1 = W2.T @ dZ2
    dZ1 = dH1 * H1 * (1 - H1)
    dW1 = dZ1 @ X.T
    db1 = np.sum(dZ1 * H1 * (1 - H1), axis=1, keepdims=True)
    return dW1, db1, dW2, db2, dW3, db3


def step(params, grads, lr):
    W1, b1, W2, b2, W3, b3 = params
    dW1, db1, dW2, db2, dW3, db3 = grads
    W1 -= lr * dW1
    b1 -= lr * db1
    W2 -= lr * dW2
    b2 -= lr * db2
    W3 -= lr * dW3
    b3 += -lr * db3
