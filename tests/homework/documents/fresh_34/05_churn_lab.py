# Week 5 lab - "no frameworks" neural net (pair: Jess + Tomek)
# churn data: 2 features, 4 hidden relu units, 1 sigmoid output
import numpy as np

rng = np.random.default_rng(7)


def sigmoid(z):
    return 1.0 / (1.0 + np.exp(-z))


def train(X, Y, lr, epochs):
    # one row per customer
    # X: (m, 2)
    # Y: (m, 1)
    m = X.shape[0]
    W1 = rng.normal(size=(2, 4))
    b1 = np.zeros((1, 4))
    W2 = rng.normal(size=(4, 1))
    b2 = np.zeros((1, 1))
    for _ in range(epochs):
        # ---- forward ----
        Z1 = X @ W1 + b1
        A1 = np.maximum(0, Z1)
        Z2 = A1 @ W2 + b2
        A2 = sigmoid(Z2)
        loss = -np.mean(Y * np.log(A2) + (1 - Y) * np.log(1 - A2))

        # ---- backward ----
        # d<name> is the gradient of the loss, the 1/m goes in at the weights
        dZ2 = A2 - Y
        dW2 = A1.T @ dZ2 / m
        db2 = np.sum(dZ2, axis=0, keepdims=True)
        dA1 = dZ2 @ W2.T
        dZ1 = dA1 * (Z1 > 0)
        dW1 = X.T @ dZ1 / m
        db1 = np.sum(dZ1, axis=1, keepdims=True) / m

        # ---- step ----
        W1 = W1 - lr * dW1
        b1 = b1 - lr * db1
        W2 = W2 - lr * dW2
        b2 = b2 - lr * db2
        print(loss)
    return W1, b1, W2, b2
