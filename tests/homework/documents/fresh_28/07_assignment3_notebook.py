# ---
# jupyter:
#   jupytext:
#     text_representation:
#       format_name: percent
# ---

# %% [markdown]
# # Assignment 3 - fully connected net from scratch
# Rows of `X` are examples (N x D), hidden layer ReLU, output softmax,
# loss is the cross entropy averaged over the batch. `Y` is one-hot (N x C).

# %%
import numpy as np


def forward(X, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    H = np.maximum(0, Z1)
    Z2 = H @ W2 + b2
    E = np.exp(Z2)
    P = E / np.sum(E, axis=1, keepdims=True)
    return Z1, H, P


def loss(P, Y):
    N = Y.shape[0]
    L = -np.sum(Y * np.log(P)) / N
    return L


# %% [markdown]
# Backward pass. `dA` always means dL/dA and has the shape of `A`.
# softmax + cross entropy together just give (P - Y), divided by the batch size.

# %%
def backward(X, Y, Z1, H, P, W2):
    N = X.shape[0]
    dZ2 = (P - Y) / N
    dW2 = H.T @ dZ2
    db2 = np.sum(dZ2, axis=1)
    dH = dZ2 @ W2.T
    dZ1 = dH * (Z1 > 0)
    dW1 = X.T @ dZ1 / N
    db1 = np.sum(dZ1, axis=0)
    return dW1, db1, dW2, db2


# %%
def step(W1, b1, W2, b2, dW1, db1, dW2, db2, lr):
    W1 = W1 - lr * dW1
    b1 = b1 - lr * db1
    W2 = W2 - lr * dW2
    b2 = b2 - lr * db2
    return W1, b1, W2, b2
