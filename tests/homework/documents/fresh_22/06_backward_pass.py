# mlp_by_hand.py  --  lab 4: gradients without autograd
# one example per ROW: X is (m, n_in), Y is (m, n_out)
# W1 is (n_in, n_hid), W2 is (n_hid, n_out)
import numpy as np

m = X.shape[0]

# ---------- forward ----------
Z1 = X @ W1 + b1
A1 = 1 / (1 + np.exp(-Z1))                # sigmoid
Yhat = A1 @ W2 + b2                       # linear output unit(s)
loss = np.sum((Yhat - Y) ** 2) / (2 * m)

# ---------- backward ----------
# dloss/dYhat = (Yhat - Y) / m
dYhat = (Yhat - Y) / m

# dloss/dW2 = A1^T dYhat
dW2 = A1.T @ dYhat
db2 = np.sum(dYhat, axis=0, keepdims=True)

# dloss/dA1 = dYhat W2^T
dA1 = np.dot(dYhat, W2.T)

# sigmoid'(z) = sigmoid(z) * (1 - sigmoid(z))
dZ1 = dA1 * A1 * (1 - A1)

dW1 = X.T @ dZ1
db1 = dZ1.sum(axis=0, keepdims=True)

# ---------- gradient step ----------
W1 = W1 - lr * dW1
b1 = b1 - lr * db1
W2 = W2 - lr * dW2
b2 = b2 - lr * db2
