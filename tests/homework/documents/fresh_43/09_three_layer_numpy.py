"""Assignment 1, part C: three-layer network, forward and backward by hand.

No autograd allowed. Rows are examples.
"""
import numpy as np

rng = np.random.default_rng(0)
n, d, h1, h2, k = 7, 5, 4, 6, 3

X = rng.normal(size=(n, d))
labels = rng.integers(0, k, size=n)
Y = np.eye(k)[labels]          # one-hot, shape (n, k)

W1 = rng.normal(size=(d, h1)) * 0.5
b1 = rng.normal(size=h1) * 0.1
W2 = rng.normal(size=(h1, h2)) * 0.5
b2 = rng.normal(size=h2) * 0.1
W3 = rng.normal(size=(h2, k)) * 0.5
b3 = np.zeros(k)
lr = 0.1

# ---- forward ----
Z1 = X @ W1 + b1
A1 = np.maximum(Z1, 0)         # ReLU
Z2 = A1 @ W2 + b2
A2 = np.tanh(Z2)
Z3 = A2 @ W3 + b3
expZ = np.exp(Z3)
P = expZ / expZ.sum(axis=1, keepdims=True)   # softmax over each row
loss = -np.sum(Y * np.log(P)) / n            # mean cross-entropy

# ---- backward ----
# softmax + cross-entropy together; the 1/n of the mean goes in here once
dZ3 = (P - Y) / n
dW3 = A2.T @ dZ3
db3 = dZ3.sum(axis=0)

dA2 = dZ3 @ W3.T
dZ2 = dA2 * (1 - A2 ** 2)      # tanh' = 1 - tanh^2
dW2 = A1.T @ dZ2
db2 = dZ2.sum(axis=0)

dA1 = dZ2 @ W2.T
dZ1 = dA1 * (Z1 > 0)           # ReLU'
dW1 = X.T @ dZ1
db1 = dZ1.sum(axis=0)

# ---- one step of gradient descent ----
W3 = W3 - lr * dW3
W2 = W2 - lr * dW2
W1 = W1 - lr * dW1
