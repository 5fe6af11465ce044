"""
Homework 2, problem 3: two-layer softmax classifier.

Rows are samples.  Y holds one-hot labels, lam is the L2 strength
(on the weight matrices only).
"""
import numpy as np

np.random.seed(0)
X = np.random.randn(6, 4)
Y = np.eye(3)[np.random.randint(0, 3, 6)]
N = X.shape[0]

W1 = 0.5 * np.random.randn(4, 5)
b1 = 0.1 * np.random.randn(5)
W2 = 0.5 * np.random.randn(5, 3)
b2 = 0.1 * np.random.randn(3)
lam = 0.01
lr = 0.1

# ---- forward ----
Z1 = X @ W1 + b1
A1 = np.maximum(0, Z1)
scores = A1 @ W2 + b2
expS = np.exp(scores)
P = expS / np.sum(expS, axis=1, keepdims=True)
data_loss = -np.sum(Y * np.log(P)) / N
loss = data_loss + 0.5 * lam * (np.sum(W1 * W1) + np.sum(W2 * W2))

# ---- backward ----
# d<name> is the gradient of the loss w.r.t. <name>
dscores = (P - Y) / N
dW2 = A1.T @ dscores + lam * W2
db2 = np.sum(dscores, axis=0)
dA1 = dscores @ W2.T
dZ1 = dA1 * (Z1 > 0)
# average over the batch
dW1 = X.T @ dZ1 / N + lam * W1
db1 = np.sum(dZ1, axis=0) + lam * b1

# ---- update ----
W2 = W2 - lr * dW2
b2 = b2 - lr * db2
