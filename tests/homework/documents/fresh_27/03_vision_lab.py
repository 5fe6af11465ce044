# CS 543 Computer Vision, lab 4: patch classifier, backward pass by hand
# student: M. Okafor
#
# rows are patches!
#   X  : (N, D)
#   Y  : (N, C)     one-hot
#   W1 : (D, H)
#   b1 : (H,)
#   W2 : (H, C)
#   b2 : (C,)

import numpy as np


def train_step(X, Y, W1, b1, W2, b2, lr):
    N = X.shape[0]

    # ---- forward ----
    S1 = X @ W1 + b1
    H1 = np.maximum(S1, 0)
    S2 = H1 @ W2 + b2
    P = np.exp(S2) / np.exp(S2).sum(axis=1, keepdims=True)
    loss = -np.sum(Y * np.log(P)) / N

    # ---- backward ----
    # softmax and cross entropy together are easy
    dS2 = (P - Y) / N
    dW2 = H1.T @ dS2
    db2 = dS2.sum(axis=0)
    dH1 = dS2 @ W2.T
    # relu lets the gradient through where it was on
    dS1 = dH1 * (S1 > 0)
    dW1 = X.T @ dH1
    db1 = dS1.sum()

    # ---- sgd ----
    W2 -= lr * dW2
    b2 -= lr * db2
    W1 -= lr * dW1
    b1 -= lr * db1
    return loss, W1, b1, W2, b2
