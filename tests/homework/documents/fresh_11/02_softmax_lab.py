"""Lab 4 -- two layer net on the spiral data, rows are samples.
X: (N, D) ; W1: (D, H) ; W2: (H, C) ; Y one-hot (N, C)
loss = mean over the N rows of -sum_c Y log P
"""
import numpy as np

def forward(X, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    A1 = np.maximum(0, Z1)
    scores = A1 @ W2 + b2
    E = np.exp(scores)
    P = E / E.sum(axis=1, keepdims=True)
    return Z1, A1, P

def backward(X, Y, Z1, A1, P, W2):
    N = X.shape[0]
    loss = -np.sum(Y * np.log(P)) / N
    dscores = (P - Y) / N
    dW2 = A1.T @ dscores
    db2 = dscores.sum(axis=0)
    dA1 = dscores @ W2.T
    dZ1 = dA1 * (Z1 > 0)
    dW1 = X.T @ dZ1
    db1 = dZ1.sum(axis=0)
    return dW1, db1, dW2, db2
