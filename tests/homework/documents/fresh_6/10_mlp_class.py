r"""
Homework 4 -- two-layer regression network, gradients derived by hand.

Samples are the rows: X is N x D and Y is N x K; \mathbf{1} is the column of N ones.

    Z_1 = X W_1 + \mathbf{1} b_1
    A_1 = \tanh(Z_1)
    Z_2 = A_1 W_2 + \mathbf{1} b_2
    L = \frac{1}{N} \sum_{n} \| z_{2,n} - y_n \|^2     (z_{2,n}: n-th row of Z_2)

Backward:

    \frac{\partial L}{\partial Z_2} = \frac{2}{N} (Z_2 - Y)
    \frac{\partial L}{\partial b_2} = \mathbf{1}^T \frac{\partial L}{\partial Z_2}
    \frac{\partial L}{\partial Z_1} = \left( \frac{\partial L}{\partial Z_2} W_2^T \right) \odot (1 - A_1 \odot A_1)
"""
from dataclasses import dataclass

import numpy as np


@dataclass
class TwoLayerNet:
    W1: np.ndarray
    b1: np.ndarray
    W2: np.ndarray
    b2: np.ndarray
    lr: float

    def forward(self, X):
        self.Z1 = X @ self.W1 + self.b1
        self.A1 = np.tanh(self.Z1)
        self.Z2 = self.A1 @ self.W2 + self.b2
        return self.Z2

    def backward(self, X, Y):
        N = X.shape[0]
        ones = np.ones((N, 1))
        self.dZ2 = 2 / N * (self.Z2 - Y)
        self.dW2 = self.A1.T @ self.dZ2
        self.db2 = ones.T @ self.dZ2
        self.dA1 = self.dZ2 @ self.W2.T
        self.dZ1 = self.dA1 * (1 - self.A1 ** 2)
        self.dW1 = X.T @ self.dZ1
        self.db1 = ones.T @ self.dZ1

    def step(self):
        self.W1 -= self.lr * self.dW1
        self.b1 -= self.lr * self.db1
        self.W2 -= self.lr * self.dW2
        self.b2 -= self.lr * self.db2
