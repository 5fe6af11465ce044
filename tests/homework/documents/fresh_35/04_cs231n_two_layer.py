# cs231n, assignment 1, Q4 "two layer net"
# my version with one-hot labels instead of the fancy indexing, easier to compare with the notes
#
# X is N x D, W1 is D x H, W2 is H x C, Y is N x C (one-hot rows)
import numpy as np


def two_layer_step(X, Y, W1, b1, W2, b2, reg, learning_rate):
    N = X.shape[0]

    # ---- forward: affine - relu - affine - softmax
    z1 = X.dot(W1) + b1
    h1 = np.maximum(0, z1)
    scores = h1.dot(W2) + b2
    exp_scores = np.exp(scores)
    probs = exp_scores / np.sum(exp_scores, axis=1, keepdims=True)

    data_loss = -np.sum(Y * np.log(probs)) / N
    reg_loss = 0.5 * reg * np.sum(W1 * W1) + 0.5 * reg * np.sum(W2 * W2)
    loss = data_loss + reg_loss

    # ---- backward
    # gradient on the scores, averaged over the minibatch
    dscores = (probs - Y) / N

    # second affine layer
    dW2 = h1.T.dot(dscores) + reg * W2
    db2 = np.sum(dscores, axis=0)
    dh1 = dscores.dot(W2.T)

    # relu: only where the input was positive
    dz1 = dh1 * (z1 > 0)

    # first affine layer (mean over the batch + regularization)
    dW1 = X.T.dot(dz1) / N + reg * W1
    db1 = np.sum(dz1)

    # ---- vanilla sgd
    W1 += -learning_rate * dW1
    b1 += -learning_rate * db1
    W2 += -learning_rate * dW2
    b2 += -learning_rate * db2
    return loss
