"""Three-layer network for the churn data (one output, sigmoid), full batch.

Rows are customers.  The loss is the binary cross entropy, averaged over the n rows.
Everything by hand, no autograd.
"""
import numpy as np


def sigmoid(s):
    return 1 / (1 + np.exp(-s))


def relu(s):
    return np.maximum(s, 0)


def step(X, T, K1, q1, K2, q2, K3, q3, lr):
    n = X.shape[0]

    # forward
    S1 = X @ K1 + q1
    R1 = relu(S1)
    S2 = R1 @ K2 + q2
    R2 = relu(S2)
    S3 = R2 @ K3 + q3
    O = sigmoid(S3)
    loss = -np.sum(T * np.log(O) + (1 - T) * np.log(1 - O)) / n

    # backward, output layer
    dS3 = (O - T) / n
    dK3 = R2.T @ dS3
    dq3 = np.sum(dS3, axis=0)

    # backward, second hidden layer
    dR2 = dS3 @ K3.T
    dS2 = dR2 * (S2 > 0)
    dK2 = R1.T @ dS2
    dq2 = np.sum(dS2, axis=0)

    # backward, first hidden layer
    dS1 = (dS2 @ K2.T) * (S1 > 0)
    dK1 = X.T @ dS1
    dq1 = np.sum(dS1, axis=0)

    # descent
    K1 -= lr * dK1
    K2 -= lr * dK2
    K3 -= lr * dK3
    q1 -= lr * dq1
    q2 -= lr * dq2
    q3 -= lr * dq3
    return loss
