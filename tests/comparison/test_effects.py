"""What is measured about a comparison: against differences of the loss, and the same for every model."""

import numpy as np
import pytest

import symderiv as sd
from symderiv.comparison.effects import CLASSES, GRID, gradient_sizes, races, set_up


def both(**options):
    return [sd.two_layer("tanh", "sigmoid", loss, **options) for loss in ("mse", "log")]


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


@pytest.mark.parametrize("options", [{}, {"layout": "columns"}, {"batch": False}, {"outputs": 1}])
def test_saturation_is_the_slope_of_the_loss(options):
    Z, curves = sd.compare(*both(**options)).saturation
    step = 1e-6
    for curve, loss in zip(curves, (lambda z: (sigmoid(z) - 1) ** 2, lambda z: -np.log(sigmoid(z))), strict=True):
        truth = np.abs(loss(GRID + step) - loss(GRID - step)) / (2 * step)
        assert Z.name == "Z2" and np.allclose(curve.y, truth, atol=1e-8)


def test_saturation_of_a_softmax():
    _, curves = sd.compare(*(sd.two_layer(output="softmax", loss=loss) for loss in ("mse", "cross-entropy"))).saturation
    exponentials = np.array([np.exp(GRID), *[np.ones_like(GRID)] * (CLASSES - 1)])
    a = exponentials / exponentials.sum(axis=0)
    y = np.eye(CLASSES)[:, :1]
    inner = ((a - y) * a).sum(axis=0)
    assert np.allclose(curves[0].y, np.abs(2 * a[0] * (a[0] - 1 - inner)))
    assert np.allclose(curves[1].y, np.abs(a[0] - 1))


def test_gradient_sizes_are_those_of_the_numpy_code():
    comparison = sd.compare(*both())
    setup = set_up(comparison.alignment)
    sizes = gradient_sizes(comparison.alignment, setup)
    from symderiv.training.runs import initial_parameters

    norms = []
    for seed in range(20):
        start = initial_parameters(setup.models[1], setup.sizes(setup.models[1]), seed)
        _, gradients = sd.derive(setup.models[1]).to_numpy()(**setup.data, **start)
        norms.append(np.linalg.norm(gradients["W1"]))
    assert sizes["W1"][1][1] == pytest.approx(np.median(norms))


def test_races_start_alike_and_come_out_the_same_twice():
    comparison = sd.compare(*both(), steps=60, seeds=2)
    setup = comparison.setup
    first, again = (races(comparison.alignment, setup, steps=60, seeds=2) for _ in range(2))
    assert len(first) == 4
    for race, twin in zip(first, again, strict=True):
        one, other = race.curves
        assert one.y[0] == other.y[0], "the same initial values"
        assert np.array_equal(one.y, twin.curves[0].y) and not race.failed
        assert (one.low <= one.y).all() and (one.y <= one.high).all()
    usual = first[0].curves[1]
    run = sd.train(setup.models[1], setup.data, steps=60, rate=0.5, seed=0, sizes={"h": 8}, backend="numpy")
    error = float(np.mean((run.predict(setup.data["X"]) - setup.data["Y"]) ** 2))
    assert usual.low[-1] <= error + 1e-12 and error - 1e-12 <= usual.high[-1]


def test_a_run_that_runs_away_is_told():
    models = [sd.two_layer("tanh", loss=loss) for loss in ("mse", "huber")]
    found = sd.compare(*models, data="sine", rate=50.0, steps=60, seeds=2)
    assert any("model 1" in race.failed for race in found.races)
    assert "came through at the rate 50" in found.to_markdown()


def test_regression_is_no_classification():
    """A linear output is trained on numbers, has no classes and does not saturate, at a rate at which nothing runs away."""
    found = sd.compare(
        *(sd.two_layer(hidden, "identity", "mse") for hidden in ("relu", "leaky_relu")), steps=60, seeds=2
    )
    assert found.saturation is None and "sine" in found.setup.source
    assert {race.measure for race in found.races} == {"squared error"} and not found.races[0].failed
    assert found.races[0].rate in (0.5, 0.1, 0.02)


@pytest.mark.parametrize(
    ("hidden", "said"),
    [
        ("sigmoid", "nearly 0 where $`Z^{[1]}`$ is far from 0"),
        ("relu", "It is 0 where $`Z^{[1]}`$ is below 0: there the unit learns nothing."),
        ("leaky_relu", "It is 0.01 where $`Z^{[1]}`$ is below 0: there the unit learns little."),
        ("softplus", "It is nearly 0 where $`Z^{[1]}`$ is far below 0"),
    ],
)
def test_what_is_said_of_a_slope(hidden, said):
    other = "tanh" if hidden != "tanh" else "sigmoid"
    text = sd.compare(*(sd.two_layer(h, "sigmoid", "log") for h in (hidden, other)), steps=1, seeds=1).to_markdown()
    assert said in text.split("## The networks")[0]


def test_models_without_anything_to_learn_have_no_training():
    alone = "x: parameter(1, 1); q: data(1, 1)\nf = (x - q)**2"
    models = [sd.parse_model(alone), sd.parse_model(alone.replace("**2", "**2 / 2"))]
    page = sd.compare(*models).to_markdown()
    assert "by a constant alone" in page
