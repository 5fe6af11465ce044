"""Two layer net, ReLU + softmax, L2 regularisation.   (assignment 1, last question)

One image per row of X, y holds the class numbers.
My gradient check fails for the first layer, second layer is ~1e-9. Help?
"""
import numpy as np


def loss_and_step(X, y, W1, b1, W2, b2, reg, step_size):
    N = X.shape[0]

    # forward pass
    z1 = X.dot(W1) + b1                      # (N, H)
    h = np.maximum(0, z1)                    # ReLU
    scores = h.dot(W2) + b2                  # (N, C)

    # softmax loss
    exp_scores = np.exp(scores)
    probs = exp_scores / np.sum(exp_scores, axis=1, keepdims=True)
    correct_logprobs = -np.log(probs[np.arange(N), y])
    data_loss = np.sum(correct_logprobs) / N
    reg_loss = 0.5 * reg * np.sum(W1 * W1) + 0.5 * reg * np.sum(W2 * W2)
    loss = data_loss + reg_loss

    # backward pass
    Y = np.eye(W2.shape[1])[y]               # one hot rows
    dscores = (probs - Y) / N
    dW2 = h.T.dot(dscores) + reg * W2
    db2 = np.sum(dscores, axis=0)

    # backprop into the hidden layer
    dh = dscores.dot(W2.T)
    dz1 = dh * (z1 > 0)
    dW1 = X.T.dot(dh) + reg * W1
    db1 = np.sum(dz1)

    # parameter update
    W1 += -step_size * dW1
    b1 += -step_size * db1
    W2 += -step_size * dW2
    b2 += -step_size * db2
    return loss, W1, b1, W2, b2
