import numpy as np

# Lab 3: 2-layer network, tanh hidden layer, softmax output
# X: (n_x, m)   one column per example
# Y: (n_y, m)   one-hot


def init_params(n_x, n_h, n_y, seed=1):
    rng = np.random.RandomState(seed)
    params = {
        "W1": rng.randn(n_h, n_x) * 0.01,
        "b1": np.zeros((n_h, 1)),
        "W2": rng.randn(n_y, n_h) * 0.01,
        "b2": np.zeros((n_y, 1)),
    }
    return params


def softmax(Z):
    e = np.exp(Z - np.max(Z, axis=0, keepdims=True))
    return e / np.sum(e, axis=0, keepdims=True)


def forward(X, params):
    W1, b1, W2, b2 = params["W1"], params["b1"], params["W2"], params["b2"]
    Z1 = np.dot(W1, X) + b1
    A1 = np.tanh(Z1)
    Z2 = np.dot(W2, A1) + b2
    A2 = softmax(Z2)
    cache = (Z1, A1, Z2, A2)
    return A2, cache


def compute_cost(A2, Y):
    m = Y.shape[1]
    cost = -np.sum(Y * np.log(A2)) / m
    return cost


def backward(X, Y, params, cache):
    m = X.shape[1]
    W2 = params["W2"]
    Z1, A1, Z2, A2 = cache

    dZ2 = A2 - Y
    dW2 = np.dot(dZ2, A1.T) / m
    db2 = np.sum(dZ2, axis=0, keepdims=True) / m
    dA1 = np.dot(W2.T, dZ2)
    dZ1 = dA1 * (1 - np.power(A1, 2))
    dW1 = np.dot(dZ1, X.T)
    db1 = np.sum(dZ1, axis=1, keepdims=True) / m
    return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}


def update(params, grads, lr=0.5):
    params["W1"] = params["W1"] - lr * grads["dW1"]
    params["b1"] = params["b1"] - lr * grads["db1"]
    params["W2"] = params["W2"] - lr * grads["dW2"]
    params["b2"] = params["b2"] - lr * grads["db2"]
    return params
