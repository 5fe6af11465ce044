"""Three dense layers in plain NumPy, written for the study group.

One example per row:  x (n, d),  t (n, k).
gFoo is the derivative of the loss with respect to Foo and has the shape of Foo.
"""
import numpy as np


def step(x, t, Win, bin_, Wmid, bmid, Wout, bout, lr):
    n = x.shape[0]

    # ---- forward ---------------------------------------------------
    pre1 = x @ Win + bin_
    act1 = np.maximum(pre1, 0)
    pre2 = act1 @ Wmid + bmid
    act2 = np.maximum(pre2, 0)
    out = act2 @ Wout + bout          # linear, this is regression
    loss = np.sum((out - t) ** 2) / n

    # ---- backward --------------------------------------------------
    gout = 2 * (out - t) / n
    gWout = act2.T @ gout
    gbout = gout.sum(axis=0)

    gact2 = gout @ Wout.T
    gpre2 = gact2 * (pre2 > 0)
    gWmid = act1.T @ gpre2
    gbmid = gpre2.sum(axis=0)

    gact1 = gpre2 @ Wmid.T
    gpre1 = gact1 * (pre1 > 0)
    gWin = x.T @ gpre1
    gbin = gpre1.sum(axis=0)

    # ---- descend ---------------------------------------------------
    Win -= lr * gWin
    Wmid -= lr * gWmid
    Wout -= lr * gWout
    bin_ -= lr * gbin
    bmid -= lr * gbmid
    bout -= lr * gbout
    return loss
