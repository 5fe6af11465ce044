import numpy as np
# columns are samples: X (4, m), Y (2, m); W1 (3, 4), b1 (3, 1), W2 (2, 3), b2 (2, 1)
# loss J = -1/m * sum(Y*log(A2) + (1-Y)*log(1-A2))

Z1 = W1 @ X + b1
A1 = np.tanh(Z1)
A2 = 1 / (1 + np.exp(-(W2 @ A1 + b2)))

dZ2 = (A2 - Y) / m          # with the 1/m already inside
dW2 = dZ2 @ A1.T
db2 = np.sum(dZ2, axis=1, keepdims=True)
dZ1 = W2.T @ dZ2 * (1 - A1**2)
dW1 = dZ1 @ X.T
db1 = np.sum(dZ1, axis=0, keepdims=True)
