"""
Lab 4, system identification of the two-tank rig.

One-step-ahead NARX predictor with one tanh layer. The regressor holds two old
outputs and two old inputs, one column per sample.

    Phi is 4 x N
    Y is 2 x N
    W1 is 6 x 4
    W2 is 2 x 6
    b1 is 6 x 1

group 11, spring term
"""
import numpy as np


def train(Phi, Y, W1, b1, W2, b2, eta, n_iter):
    N = Y.shape[1]
    for _ in range(n_iter):

        # --- predictor -------------------------------------------------
        Z1 = W1 @ Phi + b1
        H = np.tanh(Z1)
        Yhat = W2 @ H + b2

        # prediction error and criterion V_N
        E = Yhat - Y
        V = np.sum(E**2) / (2*N)

        # --- gradients, dX stands for dV/dX ------------------------------
        dYhat = E / N
        dW2 = dYhat @ H.T
        db2 = np.sum(dYhat, axis=1, keepdims=True)

        dH = W2.T @ dYhat
        dZ1 = dH * (1 - Z1**2)      # derivative of tanh
        dW1 = dZ1 @ Phi.T
        db1 = np.sum(dZ1)

        # --- steepest descent --------------------------------------------
        W2 -= eta * dW2
        b2 -= eta * db2
        W1 -= eta * dW1
        b1 -= eta * db1

    return W1, b1, W2, b2
