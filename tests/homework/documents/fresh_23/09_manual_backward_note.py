r"""
# manual_backward.py

README note, because torch is not available on the edge box: forward and
backward by hand for linear -> tanh -> linear -> MSE.
Rows are samples: n of them, with d features, h hidden units and k outputs.

## Forward

$$z = x W_1 + b_1$$
$$a = \tanh(z)$$
$$\hat{y} = a W_2 + b_2$$
$$L = \frac{1}{nk} \sum_{i=1}^{n} \sum_{j=1}^{k} (\hat{y}_{ij} - y_{ij})^2$$

(mean over ALL entries, same as `torch.nn.MSELoss` with its default reduction)

## Backward

$$\frac{\partial L}{\partial \hat{y}} = \frac{2}{nk} (\hat{y} - y)$$
$$\frac{\partial L}{\partial W_2} = a^T \frac{\partial L}{\partial \hat{y}}$$
$$\frac{\partial L}{\partial a} = \frac{\partial L}{\partial \hat{y}} W_2^T$$
$$\frac{\partial L}{\partial z} = \frac{\partial L}{\partial a} \odot (1 - a^2)$$

The rest is in the code below. After every change run

```
python -m pytest test_manual_backward.py
```
"""
import numpy as np


def forward_backward(x, y, W1, b1, W2, b2):
    # forward
    z = x @ W1 + b1
    a = np.tanh(z)
    yhat = a @ W2 + b2
    L = np.mean((yhat - y) ** 2)

    # backward, dfoo means dL/dfoo
    dyhat = 2 * (yhat - y) / y.size
    dW2 = a.T @ dyhat
    db2 = dyhat.sum(axis=0)
    da = dyhat @ W2.T
    dz = da * (1 - np.tanh(a) ** 2)
    dW1 = x.T @ dz
    db1 = dz.sum()
    return L, (dW1, db1, dW2, db2)


def sgd_step(W1, b1, W2, b2, dW1, db1, dW2, db2, lr):
    W1 = W1 - lr * dW1
    b1 = b1 - lr * db1
    W2 = W2 - lr * dW2
    b2 = b2 - lr * db2
    return W1, b1, W2, b2
