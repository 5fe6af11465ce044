"""Readable code against differences of the forward pass, at extremes, and in the libraries it claims to run on."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import warnings

import numpy as np
import pytest
from strategies import random_network

import symderiv as sd
from symderiv.compute.functions import load
from symderiv.compute.program import divides, program_of
from symderiv.compute.source import output_of, targets_of, write_source, write_trace
from symderiv.errors import ModelError, ShapeError
from symderiv.oracles.evaluation import OPAQUE_ARGUMENT, random_point, stand_in
from symderiv.oracles.gradients import complex_step, entry_by_entry


def arguments(model, point, program):
    """The point's values by name, with the oracle's stand-ins for opaque functions."""
    import sympy

    values = {symbol.name: value for symbol, value in point.values.items()} | dict(point.hypers)
    for kind in program.opaque:
        name = f"{kind.letter}{'_prime' * kind.order}"
        values[name] = sympy.lambdify(OPAQUE_ARGUMENT, stand_in(kind), "numpy")
    return values


def worst_error(model, seed=1):
    function = sd.derive(model).to_numpy()
    point = random_point(model, seed)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        loss, gradients = function(**arguments(model, point, function.program))
    assert loss == pytest.approx(point.run(model)[model.loss.symbol].item(), rel=1e-12)
    errors = []
    for symbol in model.parameters:
        truth = entry_by_entry(complex_step(model, point, symbol), point.values[symbol].shape)
        assert gradients[symbol.name].shape == truth.shape
        errors.append(np.abs(gradients[symbol.name] - truth).max() / max(np.abs(truth).max(), 1e-4))
    return max(errors)


@pytest.mark.parametrize("name", sd.examples.names())
def test_examples_agree_with_complex_steps(name):
    assert worst_error(sd.examples.load(name)) < 1e-11


@pytest.mark.parametrize("seed", range(24))
def test_random_networks_agree_with_complex_steps(seed):
    name, model = random_network(seed)
    assert worst_error(model) < 1e-11, name


def test_a_wrong_line_would_be_seen(monkeypatch):
    model = sd.examples.load("binary-classification")
    program = program_of(sd.derive(model))
    source = write_source(program)
    assert "dZ1 = dA1 * (1 - A1**2)" in source
    right, wrong = load(source), load(source.replace("(1 - A1**2)", "(1 - A1)"))
    point = random_point(model, 0)
    values = [point.values[s] for s in model.inputs]
    W1 = model.symbols["W1"]
    truth = entry_by_entry(complex_step(model, point, W1), point.values[W1].shape)
    assert np.abs(right["loss_and_gradients"](*values)[1]["W1"] - truth).max() < 1e-14
    assert np.abs(wrong["loss_and_gradients"](*values)[1]["W1"] - truth).max() > 1e-6


@pytest.mark.parametrize(
    "loss, output", [("log", "sigmoid"), ("cross-entropy", "softmax"), ("mse+log", "sigmoid"), ("mse", "sigmoid")]
)
@pytest.mark.parametrize("layout", ["rows", "columns"])
def test_nothing_overflows_at_a_thousand(loss, output, layout):
    model = sd.layered([output], loss, layout, outputs="o")
    function = sd.derive(model).to_numpy()
    rows = layout == "rows"
    X = np.array([[1000.0], [-1000.0], [3.0]])
    Y = np.eye(2)[[0, 1, 0]]
    W = np.array([[1.0, -1.0]])
    values = {"X": X, "Y": Y, "W1": W, "b1": np.zeros((1, 2))}
    values = values if rows else {name: value.T for name, value in values.items()}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        value, gradients = function(**values)
        wrong, _ = function(**{**values, "Y": 1 - values["Y"]})
    assert np.isfinite(value) and all(np.isfinite(g).all() for g in gradients.values())
    assert value < 1 and (wrong > 600 or loss == "mse")


def test_hand_written_sigmoids_are_stable_too():
    text = "X: (n, d); Y: (n, 1); W: (d, 1)\nZ = X @ W\nP = 1 / (1 + exp(-Z))\nJ = -mean(Y * log(P) + (1 - Y) * log(1 - P))\n"
    function = sd.derive(sd.parse_model(text)).to_numpy()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        loss, gradients = function(X=[[1.0], [1.0]], Y=[[0.0], [1.0]], W=[[-1000.0]])
    assert loss == pytest.approx(500) and np.isfinite(gradients["W"]).all()


def test_divisions_that_cancel_are_gone():
    for name in ("two-gaussians", "binary-classification", "classification-sigmoid"):
        program = program_of(sd.derive(sd.examples.load(name)))
        assert not any(divides(line.value) for line in program.lines)


def test_names_shapes_and_reuse_in_the_source():
    source = sd.derive(sd.examples.load("two-gaussians")).to_numpy().source
    for line in (
        "A0: (d, m)",
        "Z1 = W1 @ A0 + b1",
        "dZ2 = dZ2_mse + dZ2_ce",
        "dW2 = dZ2 @ A1.T",
        "dA1 = W2.T @ dZ2",
        "m = A0.shape[1]",
    ):
        assert line in source
    assert source.count("np.tanh") == 2  # once in the gradient function, once in predict
    compile(source, "source", "exec")


def test_an_exported_module_needs_numpy_alone(tmp_path):
    source = sd.derive(sd.examples.load("worksheet")).to_numpy().source
    (tmp_path / "net.py").write_text(source)
    code = (
        "import sys\nsys.modules['symderiv'] = sys.modules['sympy'] = None\nimport net\n"
        "loss, g = net.loss_and_gradients(*map(__import__('numpy').array, ([[2.], [5.]], [[1.]], [[-1., 2.], [-2., 1.], [1., 4.]], [[1.], [2.], [-4.]])))\n"
        'print(f\'{loss:.6f} {g["W2"][1, 0]:.7f} {g["W1"][2, 0]:.6f}\')\n'
    )
    result = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert result.stdout.split() == ["0.387902", "-0.0462390", "-0.231195"], result.stderr


ARRAYS = {
    "numpy": lambda: (np.asarray, np.asarray),
    "torch": lambda: (pytest.importorskip("torch").tensor, lambda t: t.numpy()),
    "jax": lambda: (pytest.importorskip("jax").numpy.asarray, np.asarray),
}


@pytest.fixture
def in_doubles():
    """JAX in float64, and afterwards as it was: other tests look at that."""
    jax = sys.modules.get("jax") or (importlib.util.find_spec("jax") and importlib.import_module("jax"))
    before = jax.config.jax_enable_x64 if jax else None
    if jax:
        jax.config.update("jax_enable_x64", True)
    yield
    if jax:
        jax.config.update("jax_enable_x64", before)


@pytest.mark.parametrize("library", ARRAYS)
def test_the_array_api_dialect_runs_unchanged(library, in_doubles):
    into, back = ARRAYS[library]()
    for seed in (2, 5, 7, 13, 21):
        name, model = random_network(seed)
        program = program_of(sd.derive(model))
        if program.opaque:
            continue
        namespace = load(write_source(program, "array-api"))
        point = random_point(model, seed)
        values = {s.name: into(v) for s, v in point.values.items()}
        loss, gradients = namespace["loss_and_gradients"](*values.values(), **point.hypers)
        expected_loss, expected = sd.derive(model).to_numpy()(
            **{s.name: v for s, v in point.values.items()}, **point.hypers
        )
        assert float(loss) == pytest.approx(expected_loss, rel=1e-12), name
        for key, gradient in expected.items():
            assert np.allclose(back(gradients[key]), gradient, rtol=1e-11, atol=1e-14), name


def test_the_trace_gives_every_quantity():
    model = sd.examples.load("two-gaussians")
    program = program_of(sd.derive(model))
    point = random_point(model, 0)
    found = load(write_trace(program))["trace"](*(point.values[s] for s in model.inputs))
    truth = point.run(model)
    assert list(found)[:4] == ["Z1", "A1", "Z2", "A2"]
    assert all(np.allclose(found[s.name], truth[s]) for s in truth if s.name in found)


def test_wrong_calls_are_told_by_name():
    function = sd.derive(sd.examples.load("regression-sigmoid")).to_numpy()
    right = {"x": np.ones((3, 1)), "y": 1, "w1": np.ones((2, 3)), "b1": np.ones((2, 1)), "w2": np.ones((1, 2)), "b2": 0}
    assert np.isfinite(function(**right)[0])
    with pytest.raises(ShapeError, match=r"w1 .*\(h, d\).*\n.*d .*is 3 by x[^\n]*\n.*transpose"):
        function(**{**right, "w1": np.ones((3, 2))})
    with pytest.raises(ModelError, match="no value for b2"):
        function(**{k: v for k, v in right.items() if k != "b2"})
    with pytest.raises(ModelError, match="the model has no w3"):
        function(**right, w3=1)
    with pytest.raises(ModelError, match="not an array of numbers"):
        function(**{**right, "x": ["a", "b", "c"]})


def test_outputs_and_targets():
    for name, output, targets in (
        ("two-gaussians", "A2", ["Y"]), ("worksheet", "y_hat", ["y"]), ("linear-3-2-1", "y_hat", ["y"]),
        ("logistic-graph", None, []), ("regression-linear", "z2", ["y"]),
    ):  # fmt: skip
        model = sd.examples.load(name)
        assert [s.name for s in targets_of(model)] == targets
        assert (found.name if (found := output_of(model)) else None) == output


@pytest.mark.parametrize("name", ["np", "float", "step", "relu", "dW", "self", "max", "log_sigmoid"])
def test_names_that_code_uses_itself(name):
    """As a size, a hyper-parameter or a parameter: the code calls them something else, callers do not."""
    X, Y, W = np.arange(8.0).reshape(4, 2), np.ones((4, 1)), np.array([[0.3], [-0.2]])
    expected = np.mean((np.maximum(X @ W, 0) - Y) ** 2)
    texts = (
        f"X: (n, {name}); Y: (n, 1); W: ({name}, 1); lam: hyper\nP = relu(X @ W)\nJ = lam * sum((P - Y)**2) / {name} / 2 / lam\n",
        f"X: (n, d); Y: (n, 1); W: (d, 1); {name}: hyper\nP = relu(X @ W)\nJ = {name} * mean((P - Y)**2) / {name}\n",
        f"X: (n, d); Y: (n, 1); {name}: parameter(d, 1)\nP = relu(X @ {name})\nJ = mean((P - Y)**2)\n",
    )
    cases = list(zip(texts, ({"W": W, "lam": 3.0}, {"W": W, name: 2.0}, {name: W}), strict=True))
    for text, extra in cases[:1] if name in ("step", "relu") else cases:  # models know these two as functions
        function = sd.derive(sd.parse_model(text)).to_numpy()
        assert function(X=X, Y=Y, **extra)[0] == pytest.approx(expected)


def test_a_hyper_parameter_called_learning_rate_is_its_own():
    text = "X: (n, d); Y: (n, 1); W: (d, 1); learning_rate: hyper\nP = X @ W\nJ = mean((P - Y)**2) + learning_rate * sum(W**2)\n"
    data = {"X": np.arange(20.0).reshape(10, 2) / 20, "Y": np.ones((10, 1))}
    run = sd.train(
        sd.parse_model(text), data, steps=1, rate=0.05, hypers={"learning_rate": 1.0}, parameters={"W": [[1.0], [2.0]]}
    )
    gradient = 2 * data["X"].T @ (data["X"] @ [[1.0], [2.0]] - 1) / 10 + 2 * np.array([[1.0], [2.0]])
    assert np.allclose(run.parameters["W"], np.array([[1.0], [2.0]]) - 0.05 * gradient)
