# multi-output linear regression, one layer, rows = samples
# X (n, 5)   W (5, 3)   b (3,)   Y (n, 3)
import numpy as np

def step(X, Y, W, b, vW, lr=0.1, mu=0.9, lam=1e-3):
    n = X.shape[0]
    P = X @ W + b
    R = P - Y
    loss = 0.5 * np.sum(R ** 2) / n + 0.5 * lam * np.sum(W ** 2)

    dP = R / n
    dW = X.T @ dP + lam * W
    db = np.sum(dP)
    dX = dP @ W.T

    vW = mu * vW - lr * dW
    W = W + vW
    b = b - lr * db
    return loss, W, b, vW
