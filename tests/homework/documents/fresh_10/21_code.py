# two layer net, samples in rows: X (m, 4), Y (m, 2), W1 (4, 3), W2 (3, 2), biases are rows
# loss: J = 1/(2m) * sum of (A2 - Y)**2
import numpy as np

m = X.shape[0]
Z1 = X @ W1 + b1
A1 = np.tanh(Z1)
A2 = A1 @ W2 + b2
dA2 = (A2 - Y) / m            # dJ/dA2
dW2 = (dA2.T @ A1).T          # dJ/dW2
db2 = np.ones((1, m)) @ dA2   # dJ/db2
dZ1 = (W2 @ dA2.T).T / np.cosh(Z1)**2   # dJ/dZ1
dW1 = np.einsum('si,sj->ij', X, dZ1)    # dJ/dW1
db1 = dZ1.sum(axis=0, keepdims=True)    # dJ/db1
