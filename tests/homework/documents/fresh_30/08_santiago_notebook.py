# %% [markdown]
# # Tarea 2 - red de dos capas para regresion
# Rows of X are samples. Model:
#
# $$Z_1 = X W_1 + b_1, \qquad A_1 = \tanh(Z_1), \qquad \hat{Y} = A_1 W_2 + b_2$$
#
# Loss (mean over the $n$ samples, summed over the outputs):
#
# $$L = \frac{1}{n} \sum_{i} \sum_{k} (\hat{Y}_{ik} - Y_{ik})^2$$

# %%
import numpy as np


def forward(X, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    A1 = np.tanh(Z1)
    Yhat = A1 @ W2 + b2
    return A1, Yhat


# %%
def backward(X, Y, A1, Yhat, W2, n):
    # $\frac{\partial L}{\partial \hat{Y}} = \frac{2}{n} (\hat{Y} - Y)$
    dYhat = 2 * (Yhat - Y) / n

    # $\frac{\partial L}{\partial W_2} = A_1^\top \frac{\partial L}{\partial \hat{Y}}$
    dW2 = A1.T @ dYhat

    # $\frac{\partial L}{\partial b_2} = \mathbf{1}^\top \frac{\partial L}{\partial \hat{Y}}$
    db2 = dYhat.sum(axis=0)

    # $\frac{\partial L}{\partial A_1} = \frac{\partial L}{\partial \hat{Y}} W_2^\top$
    dA1 = dYhat @ W2.T

    # tanh: $\frac{\partial L}{\partial Z_1} = \frac{\partial L}{\partial A_1} \odot (1 - A_1 \odot A_1)$
    dZ1 = dA1 * (1 - A1 ** 2)

    # $\frac{\partial L}{\partial W_1} = X^\top \frac{\partial L}{\partial Z_1}$
    dW1 = X.T @ dZ1

    # $\frac{\partial L}{\partial b_1} = \mathbf{1}^\top \frac{\partial L}{\partial Z_1}$
    db1 = dZ1.sum(axis=0)
    return dW1, db1, dW2, db2


# %%
def step(W1, b1, W2, b2, dW1, db1, dW2, db2, lr):
    W1 = W1 - lr * dW1
    b1 = b1 - lr * db1
    return W1, b1, W2 - lr * dW2, b2 - lr * db2
