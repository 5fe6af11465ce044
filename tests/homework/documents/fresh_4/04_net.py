# Softmax classifier with one ReLU layer, for the MNIST exercise.
#
# X is (d, m): every column is one image, m images per batch
# Y is (k, m): one-hot columns
# W1 is (h, d), b1 is (h, 1), W2 is (k, h), b2 is (k, 1)

import numpy as np


def softmax(z):
    e = np.exp(z - z.max(axis=0, keepdims=True))
    return e / e.sum(axis=0, keepdims=True)


def forward(X, W1, b1, W2, b2):
    Z1 = W1 @ X + b1
    A1 = np.maximum(0, Z1)
    Z2 = W2 @ A1 + b2
    A2 = softmax(Z2)
    return Z1, A1, Z2, A2


def cost(A2, Y, W1, W2, lam):
    m = Y.shape[1]
    # cross-entropy plus weight decay
    J = -np.sum(Y * np.log(A2)) / m + lam / (2 * m) * (np.sum(W1 ** 2) + np.sum(W2 ** 2))
    return J


def backward(X, Y, Z1, A1, A2, W1, b1, W2, b2, lam):
    m = X.shape[1]
    # softmax and cross-entropy together, 1/m is taken below
    dZ2 = A2 - Y
    dW2 = np.dot(dZ2, A1.T) / m + lam / m * W2
    db2 = np.sum(dZ2, axis=1, keepdims=True)
    # back through the hidden layer
    dA1 = np.dot(W2, dZ2)
    dZ1 = dA1 * (Z1 > 0)
    dW1 = np.dot(dZ1, X.T) / m + lam / m * W1
    db1 = np.sum(dZ1, axis=1, keepdims=True) / m + lam / m * b1
    return dW1, db1, dW2, db2


def step(params, grads, lr=0.1):
    W1, b1, W2, b2 = params
    dW1, db1, dW2, db2 = grads
    W1 = W1 - lr * dW1
    b1 = b1 - lr * db1
    W2 = W2 - lr * dW2
    b2 = b2 - lr * db2
    return W1, b1, W2, b2
