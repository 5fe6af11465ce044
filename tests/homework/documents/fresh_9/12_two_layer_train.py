"""Assignment 4: shallow network for the moons data set.

X is (n_x, m), Y is (1, m): one column per example.
"""
import numpy as np


def train_step(X, Y, params, lr=0.1):
    m = X.shape[1]
    cache = {}
    grads = {}

    # ---- forward ----
    cache['Z1'] = np.dot(params['W1'], X) + params['b1']
    cache['A1'] = np.tanh(cache['Z1'])
    cache['Z2'] = np.dot(params['W2'], cache['A1']) + params['b2']
    cache['A2'] = 1 / (1 + np.exp(-cache['Z2']))

    cost = -(1 / m) * np.sum(Y * np.log(cache['A2']) + (1 - Y) * np.log(1 - cache['A2']))

    # ---- backward (the 1/m comes in with the weights) ----
    grads['dZ2'] = cache['A2'] - Y
    grads['dW2'] = (1 / m) * np.dot(grads['dZ2'], cache['A1'].T)
    grads['db2'] = (1 / m) * np.sum(grads['dZ2'], axis=1, keepdims=True)

    grads['dA1'] = np.dot(params['W2'].T, grads['dZ2'])
    grads['dZ1'] = grads['dA1'] * (1 - np.power(cache['Z1'], 2))  # tanh' = 1 - tanh^2
    grads['dW1'] = (1 / m) * np.dot(grads['dZ1'], X.T)
    grads['db1'] = np.sum(grads['dZ1'], axis=1, keepdims=True)

    # ---- gradient descent ----
    params['W1'] = params['W1'] - lr * grads['dW1']
    params['b1'] = params['b1'] - lr * grads['db1']
    params['W2'] = params['W2'] - lr * grads['dW2']
    params['b2'] = params['b2'] - lr * grads['db2']

    return params, cost
