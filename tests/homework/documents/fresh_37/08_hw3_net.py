# hw3_net.py -- Homework 3, problem 2 (neural net from scratch, no autograd)
#
# m samples in the rows, d features, h hidden units (tanh), K independent sigmoid outputs
# X is m x d, W1 is d x h, W2 is h x K, Y is m x K
import numpy as np
from scipy.special import expit as sigmoid


def train_step(X, Y, W1, b1, W2, b2, lr):
    m = X.shape[0]

    # ---- forward ----
    Z1 = X @ W1 + b1
    A1 = np.tanh(Z1)
    Z2 = A1 @ W2 + b2
    A2 = sigmoid(Z2)
    L = -np.sum(Y * np.log(A2) + (1 - Y) * np.log(1 - A2)) / m

    # ---- backward ----
    # dL/dA2 = (A2 - Y) / (A2 * (1 - A2)) / m
    # dA2/dZ2 = A2 * (1 - A2)
    # the denominators cancel
    dZ2 = (A2 - Y) / m
    dW2 = A1.T @ dZ2
    db2 = np.sum(dZ2, axis=0)

    # hidden layer
    dA1 = dZ2 @ W2.T
    dZ1 = dA1 * (1 - np.tanh(A1) ** 2)
    dW1 = X.T @ dZ1
    db1 = np.sum(dZ1)

    # ---- gradient descent ----
    W1 = W1 - lr * dW1
    b1 = b1 - lr * db1
    W2 = W2 - lr * dW2
    b2 = b2 - lr * db2
    return L, W1, b1, W2, b2
