# %% [markdown]
# # DSC 140B lab 4: one hidden layer, multi-label targets
#
# pid A1598___, partner: none
#
# Every output is its own yes/no question, so sigmoid on every output unit
# and binary cross entropy, summed over the outputs, averaged over the samples.

# %%
import numpy as np


def step(X, Y, W1, b1, W2, b2, lr):
    """One full-batch gradient step.

    X (m, d)   Y (m, k)
    W1 (d, h)  b1 (1, h)
    W2 (h, k)  b2 (1, k)
    """
    m = X.shape[0]

    # forward
    Z1 = X @ W1 + b1
    A1 = 1 / (1 + np.exp(-Z1))
    Z2 = A1 @ W2 + b2
    A2 = 1 / (1 + np.exp(-Z2))
    L = -np.sum(Y * np.log(A2) + (1 - Y) * np.log(1 - A2)) / m

    # backward, output layer
    # from the pdf:  dL/dA2 = (A2 - Y) / (A2 * (1 - A2)) / m
    # and            dA2/dZ2 = A2 * (1 - A2)
    # the denominators cancel
    dZ2 = (A2 - Y) / m
    dW2 = A1.T @ dZ2
    db2 = np.sum(dZ2, axis=0, keepdims=True)

    # backward, hidden layer
    dA1 = dZ2 @ W2.T
    dZ1 = dA1 * A1
    dW1 = X.T @ dZ1
    db1 = np.sum(dZ1)

    # update
    W1 -= lr * dW1
    b1 -= lr * db1
    W2 -= lr * dW2
    b2 -= lr * db2
    return L


# %%
# TODO loss goes down but slower than Anna's, ask on piazza
