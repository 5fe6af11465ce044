"""Networks that worksheets are made for: one path or many, every activation and layout."""

from functools import cache

import symderiv as sd

NETWORKS = {
    "the worksheet of the coursework": lambda: sd.examples.find("worksheet").derive(),
    "sigmoids, columns, one sample": lambda: _two(
        "sigmoid", "sigmoid", "mse", "columns", scale="half", batch=False, outputs=1
    ),
    "tanh, log loss, one sample": lambda: _two("tanh", "sigmoid", "log", "columns", batch=False, outputs=1),
    "tanh, log loss, rows": lambda: _two("tanh", "sigmoid", "log", "rows", outputs=1),
    "softmax, one sample": lambda: _two("tanh", "softmax", "cross-entropy", "columns", batch=False),
    "softmax, several samples": lambda: _two("tanh", "softmax", "cross-entropy"),
    "ReLU, regression": lambda: _two("relu", "identity", "mse", "columns", scale="half", batch=False, outputs=1),
    "the output is the loss": lambda: sd.examples.find("logistic-graph").derive(),
    "two terms": lambda: sd.examples.find("two-gaussians").derive(),
    "a penalty": lambda: _two("sigmoid", "identity", "mse", "rows", scale="half-mean", penalty=True),
}


def _two(*arguments, **options):
    return sd.derive(sd.two_layer(*arguments, **options))


@cache
def derivation_of(name):
    """The derivation, made once: worksheets of one network share it."""
    return NETWORKS[name]()
