# HW3 - small MLP in plain numpy (R. Silva, section 2)
# One sample per row. Hidden layer sigmoid, output layer linear.
# Shapes: X is N x d, W1 is d x h, b1 is 1 x h, W2 is h x k, b2 is 1 x k (k outputs)
import numpy as np


def sigmoid(z):
    return 1.0 / (1.0 + np.exp(-z))


def sigmoid_prime(z):
    return sigmoid(z) * (1 - sigmoid(z))


def train_step(X, y, W1, b1, W2, b2, lr):
    # forward pass
    z1 = X @ W1 + b1
    a1 = sigmoid(z1)
    yhat = a1 @ W2 + b2

    # the loss is the sum of squared errors over all samples and outputs
    loss = np.sum((yhat - y) ** 2)

    # backward pass, d... is the derivative of the loss
    dyhat = 2 * (yhat - y)
    dW2 = a1.T @ dyhat
    db2 = np.sum(dyhat)
    da1 = dyhat @ W2.T
    dz1 = da1 * sigmoid_prime(a1)
    dW1 = X.T @ dz1
    db1 = np.sum(dz1, axis=0, keepdims=True)

    # gradient step
    W1 = W1 - lr * dW1
    b1 = b1 - lr * db1
    W2 = W2 - lr * dW2
    b2 = b2 - lr * db2
    return loss, W1, b1, W2, b2
