"""Mini framework, assignment 2 (layers with forward / backward, rows are the samples).

loss = -mean(log p[right class]) + lam * (sum(W1**2) + sum(W2**2))      (no penalty on the biases)
"""
import numpy as np


class Dense:
    def __init__(self, n_in, n_out, lam):
        self.W = np.random.randn(n_in, n_out) * np.sqrt(2.0 / n_in)   # (n_in, n_out)
        self.b = np.zeros((1, n_out))                                 # (1, n_out)
        self.lam = lam

    def forward(self, x):
        self.cache = x
        out = x @ self.W
        out += self.b
        return out

    def backward(self, dout):
        x = self.cache
        N = x.shape[0]
        self.dW = x.T @ dout / N
        self.dW += 2 * self.lam * self.W
        self.db = dout.sum(axis=0, keepdims=True)
        self.db += 2 * self.lam * self.b
        dx = dout @ self.W.T
        return dx


class ReLU:
    def forward(self, x):
        self.cache = x
        out = np.maximum(x, 0)
        return out

    def backward(self, dout):
        dx = dout.copy()
        dx[dout <= 0] = 0
        return dx


class Softmax:
    def forward(self, z):
        p = np.exp(z - z.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        self.cache = p
        return p

    def backward(self, y):
        # softmax and cross-entropy together, y holds the class numbers
        N = y.shape[0]
        dz = self.cache.copy()
        dz[np.arange(N), y] -= 1
        dz /= N
        return dz


class Net:
    def __init__(self, d, h, k, lam=1e-3):
        self.lam = lam
        self.fc1 = Dense(d, h, lam)
        self.act = ReLU()
        self.fc2 = Dense(h, k, lam)
        self.top = Softmax()

    def loss(self, X, y):
        z1 = self.fc1.forward(X)
        a1 = self.act.forward(z1)
        z2 = self.fc2.forward(a1)
        p = self.top.forward(z2)
        data = -np.mean(np.log(p[np.arange(len(y)), y]))
        reg = self.lam * (np.sum(self.fc1.W ** 2) + np.sum(self.fc2.W ** 2))
        return data + reg

    def backward(self, y):
        dz2 = self.top.backward(y)
        da1 = self.fc2.backward(dz2)
        dz1 = self.act.backward(da1)
        self.fc1.backward(dz1)

    def step(self, lr):
        for layer in (self.fc1, self.fc2):
            layer.W -= lr * layer.dW
            layer.b -= lr * layer.db
