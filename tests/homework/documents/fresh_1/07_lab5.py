"""Lab 5: two layer regression net, gradients by hand.

X is (N, D), one sample per row.  Y is (N, K).
W1 is (D, H), W2 is (H, K), biases are (1, H) and (1, K).
"""
import numpy as np


def forward(X, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    A1 = np.tanh(Z1)
    P = A1 @ W2 + b2          # linear output, this is regression
    return Z1, A1, P


def loss_and_grads(X, Y, W1, b1, W2, b2):
    N = X.shape[0]
    Z1, A1, P = forward(X, W1, b1, W2, b2)
    loss = np.sum((P - Y) ** 2) / N

    # ---- backward ----
    # dloss/dP = 2 (P - Y) / N
    dP = 2.0 * (P - Y) / N

    # output layer: P = A1 W2 + b2
    dW2 = A1.T @ dP
    db2 = dP.sum(axis=0, keepdims=True)
    dA1 = dP @ W2.T

    # tanh: tanh'(z) = 1 - tanh(z)^2
    dZ1 = dA1 * (1.0 - Z1 ** 2)

    # hidden layer
    dW1 = X.T @ dZ1
    db1 = np.sum(dZ1)

    return loss, dW1, db1, dW2, db2


def sgd_step(X, Y, W1, b1, W2, b2, lr=0.05):
    loss, dW1, db1, dW2, db2 = loss_and_grads(X, Y, W1, b1, W2, b2)
    W1 = W1 - lr * dW1
    b1 = b1 - lr * db1
    W2 = W2 - lr * dW2
    b2 = b2 - lr * db2
    return loss, W1, b1, W2, b2
