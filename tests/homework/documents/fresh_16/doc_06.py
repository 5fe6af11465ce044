"""Programming assignment, part 3: a three-layer classifier from scratch.

LINEAR -> RELU -> LINEAR -> TANH -> LINEAR -> SIGMOID, examples are columns,
cross-entropy cost with an L2 penalty.
"""
import numpy as np


def sigmoid(Z):
    return 1 / (1 + np.exp(-Z))


class ThreeLayerNet:

    def __init__(self, n_x, n_h1, n_h2, n_y, lambd=0.1, seed=3):
        np.random.seed(seed)
        self.lambd = lambd
        self.W1 = np.random.randn(n_h1, n_x) * 0.01     # (n_h1, n_x)
        self.b1 = np.zeros((n_h1, 1))                   # (n_h1, 1)
        self.W2 = np.random.randn(n_h2, n_h1) * 0.01    # (n_h2, n_h1)
        self.b2 = np.zeros((n_h2, 1))                   # (n_h2, 1)
        self.W3 = np.random.randn(n_y, n_h2) * 0.01     # (n_y, n_h2)
        self.b3 = np.zeros((n_y, 1))                    # (n_y, 1)

    def forward(self, X):
        # X has one column per example, shape (n_x, m)
        self.Z1 = np.dot(self.W1, X) + self.b1
        self.A1 = np.maximum(0, self.Z1)
        self.Z2 = np.dot(self.W2, self.A1) + self.b2
        self.A2 = np.tanh(self.Z2)
        self.Z3 = np.dot(self.W3, self.A2) + self.b3
        self.A3 = sigmoid(self.Z3)
        return self.A3

    def cost(self, Y):
        m = Y.shape[1]
        cross_entropy = -(1 / m) * np.sum(Y * np.log(self.A3) + (1 - Y) * np.log(1 - self.A3))
        l2 = (self.lambd / (2 * m)) * (np.sum(np.square(self.W1)) + np.sum(np.square(self.W2)) + np.sum(np.square(self.W3)))
        cost = cross_entropy + l2
        return cost

    def backward(self, X, Y):
        m = X.shape[1]

        # layer 3: sigmoid and cross-entropy together give A - Y
        dZ3 = self.A3 - Y
        dW3 = (1 / m) * np.dot(dZ3, self.A2.T) + (self.lambd / m) * self.W3
        db3 = (1 / m) * np.sum(dZ3, axis=1, keepdims=True)

        # layer 2: tanh, whose derivative is 1 - A2^2
        dA2 = np.dot(self.W3.T, dZ3)
        dZ2 = dA2 * (1 - np.power(self.A2, 2))
        dW2 = (1 / m) * np.dot(dZ2, self.A1.T) + (self.lambd / m) * self.W2
        db2 = np.sum(dZ2, axis=1, keepdims=True)

        # layer 1: relu
        dA1 = np.dot(self.W2, dZ2)
        dZ1 = dA1 * (self.Z1 > 0)
        dW1 = (1 / m) * np.dot(dZ1, X.T) + (self.lambd / m) * self.W1
        db1 = (1 / m) * np.sum(dZ1, axis=1, keepdims=True) + (self.lambd / m) * self.b1

        return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2, "dW3": dW3, "db3": db3}

    def update(self, grads, learning_rate):
        self.W1 = self.W1 - learning_rate * grads["dW1"]
        self.b1 = self.b1 - learning_rate * grads["db1"]
        self.W2 = self.W2 - learning_rate * grads["dW2"]
        self.b2 = self.b2 - learning_rate * grads["db2"]
        self.W3 = self.W3 - learning_rate * grads["dW3"]
        self.b3 = self.b3 - learning_rate * grads["db3"]
