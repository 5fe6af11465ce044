import numpy as np
# samples are columns: X (4, m), W1 (5, 4), W2 (3, 5), Y (3, m) one-hot
# cost: J = -(1/m) * sum over everything of Y * log(A2), softmax output

Z1 = W1 @ X + b1
A1 = np.tanh(Z1)
Z2 = W2 @ A1 + b2
A2 = np.exp(Z2) / np.sum(np.exp(Z2), axis=0)
J = -(1/m) * np.sum(Y * np.log(A2))

dZ2 = A2 - Y
dW2 = (1/m) * dZ2 @ A1.T
db2 = (1/m) * np.sum(dZ2)      # b2 has shape (3, 1)
dZ1 = (W2.T @ dZ2) * (1 - A1**2)
dW1 = (1/m) * dZ1 @ X.T
db1 = (1/m) * np.sum(dZ1, axis=1, keepdims=True)
b2 = b2 - lr * db2
