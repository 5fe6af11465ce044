"""Exercise 8: two-layer classifier in plain NumPy.

Sigmoid hidden layer, softmax output, mean cross entropy over the batch.
Samples are the rows.
    X is (n, d)
    W1 is (d, k)
    W2 is (k, c)
    Y is (n, c)
b1 and b2 are row vectors and get broadcast.
"""
import numpy as np
from scipy.special import softmax


def sigmoid(z):
    return 1.0 / (1.0 + np.exp(-z))


def sigmoid_prime(z):
    return sigmoid(z) * (1.0 - sigmoid(z))


def forward(X, W1, b1, W2, b2):
    Z1 = X @ W1 + b1                  # (n, k)
    A1 = sigmoid(Z1)                  # (n, k)
    Z2 = A1 @ W2 + b2                 # (n, c)
    P = softmax(Z2, axis=1)           # (n, c)
    return Z1, A1, Z2, P


def cross_entropy(P, Y):
    n = Y.shape[0]
    loss = -np.sum(Y * np.log(P)) / n
    return loss


def backward(X, Y, Z1, A1, P, W2):
    n = X.shape[0]

    # output layer: softmax and cross entropy together, 1/n comes below
    dZ2 = P - Y                                       # (n, c)
    dW2 = A1.T @ dZ2 / n                              # (k, c)
    db2 = np.sum(dZ2, axis=0, keepdims=True)          # (1, c)

    # hidden layer
    dA1 = dZ2 @ W2.T                                  # (n, k)
    dZ1 = dA1 * sigmoid_prime(A1)                     # (n, k)
    dW1 = X.T @ dZ1 / n                               # (d, k)
    db1 = np.sum(dZ1, axis=0, keepdims=True) / n      # (1, k)
    return dW1, db1, dW2, db2


def step(W1, b1, W2, b2, dW1, db1, dW2, db2, lr):
    # gradient descent
    W1 = W1 - lr * dW1
    b1 = b1 - lr * db1
    W2 = W2 - lr * dW2
    b2 = b2 - lr * db2
    return W1, b1, W2, b2
