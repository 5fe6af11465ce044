"""
HW4, part B: backprop for a small regression net, numpy only.

X is m x D, Y is m x K, one example per row.
W1 is D x H, W2 is H x H, W3 is H x K (both hidden layers have H units)
biases are rows, they broadcast
"""
import numpy as np


def sigmoid(t):
    return 1.0 / (1.0 + np.exp(-t))


def loss_and_grads(X, Y, W1, b1, W2, b2, W3, b3):
    m = X.shape[0]

    # ---- forward
    Z1 = X @ W1 + b1
    A1 = np.maximum(0, Z1)          # relu
    Z2 = A1 @ W2 + b2
    A2 = sigmoid(Z2)
    Yhat = A2 @ W3 + b3             # linear output, it's regression

    # mean over the examples, sum over the outputs, 1/2 to kill the 2
    loss = 0.5 * np.sum((Yhat - Y) ** 2) / m

    # ---- backward (dQ means dloss/dQ)
    dYhat = (Yhat - Y) / m
    dW3 = A2.T @ dYhat
    db3 = np.sum(dYhat, axis=0, keepdims=True)

    dA2 = dYhat @ W3.T
    dZ2 = dA2 * A2 * (1 - A2)       # sigmoid slope
    dW2 = A1.T @ dZ2
    db2 = np.mean(dZ2, axis=0, keepdims=True)

    dA1 = dZ2 @ W2
    dZ1 = dA1 * (Z1 > 0)            # relu mask
    dW1 = X.T @ dZ1
    db1 = np.sum(dZ1, axis=0, keepdims=True)

    return loss, (dW1, db1, dW2, db2, dW3, db3)


# TODO: the loss goes down but the grad check says otherwise?? ask on piazza
