"""
11-785 HW1P1 warm-up: a 2-layer MLP, backward pass written out (andrewid: tkowalcz)

    A0 is N x C0
    W0 is C1 x C0
    W1 is C2 x C1
    Y is N x C2
    the biases b0, b1 are rows and get broadcast over the batch

Loss is the MSE as in the writeup, averaged over the N samples and the C2 outputs.
"""
import numpy as np


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def train_step(A0, Y, W0, b0, W1, b1, N, C2, lr):
    # ---------- forward ----------
    Z0 = A0 @ W0.T + b0
    A1 = sigmoid(Z0)
    Z1 = A1 @ W1.T + b1
    A2 = np.tanh(Z1)
    L = np.sum((A2 - Y) ** 2) / (N * C2)

    # ---------- backward ----------
    dLdA2 = 2 * (A2 - Y) / (N * C2)
    dA2dZ1 = 1 - A2 * A2
    dLdZ1 = dLdA2 * dA2dZ1
    dLdW1 = dLdZ1.T @ A1
    dLdb1 = dLdZ1.sum(axis=0, keepdims=True)

    dLdA1 = dLdZ1 @ W1
    # slope of the sigmoid, A1 is what the layer has stored
    dA1dZ0 = sigmoid(A1) * (1 - sigmoid(A1))
    dLdZ0 = dLdA1 * dA1dZ0
    dLdW0 = dLdZ0.T @ A0
    # one bias for all samples -> average them
    dLdb0 = dLdZ0.mean(axis=0, keepdims=True)

    # ---------- SGD ----------
    W1 = W1 - lr * dLdW1
    b1 = b1 - lr * dLdb1
    W0 = W0 - lr * dLdW0
    return L, W0, W1, b1, dLdb0
