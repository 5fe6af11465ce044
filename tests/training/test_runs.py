"""Runs: the same for the same seed, unbroken or not; told clearly when they cannot go on."""

from __future__ import annotations

import errno
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import symderiv as sd
from symderiv.errors import DataError, ModelError, OutputError, ShapeError, TrainingError
from symderiv.training.data import generate, two_gaussians, with_samples
from symderiv.training.runs import initial_parameters, train


def gaussians(count=300, seed=0):
    model, _ = with_samples(sd.examples.load("two-gaussians"))
    return model, generate("two-gaussians", model, count, seed)


def same(a, b):
    return all(np.array_equal(a.parameters[k], b.parameters[k]) for k in a.parameters) and np.array_equal(
        a.history, b.history, equal_nan=True
    )


def bayes_error(points, labels):
    """The error of the best decision there is: the class whose density is larger."""
    logs = [-((points - m) ** 2).sum(axis=1) / (2 * s * s) - 2 * np.log(s) for m, s in ((1, 0.5), (2, 0.2))]
    return float(((logs[1] > logs[0]) != labels).mean())


def test_two_gaussians_come_within_half_a_percent_of_the_best_possible():
    model, data = gaussians(1000)
    run = train(model, data, steps=20_000, rate=0.5, sizes={"h": 2})
    points, labels = two_gaussians(100_000, np.random.default_rng(99))
    labels = labels[:, 0].astype(bool)
    error = float((run.predict(points.T).argmax(axis=0) != labels).mean())
    best = bayes_error(points, labels)
    assert 0.01 < best < 0.02 and error < best + 0.005


@pytest.mark.parametrize("optimizer, rate", [("gradient-descent", 0.5), ("momentum", 0.1), ("adam", 0.02)])
@pytest.mark.parametrize("batch", [None, 32, 1])
def test_every_rule_learns_and_is_reproducible(optimizer, rate, batch):
    model, data = gaussians()
    settings = {
        "steps": 600,
        "rate": rate / (1 if batch is None else 4),
        "optimizer": optimizer,
        "batch": batch,
        "sizes": {"h": 3},
    }
    first, second = (train(model, data, seed=5, validation=0.2, **settings) for _ in range(2))
    assert same(first, second) and first.loss < 0.6 * first.history[0, 1]
    assert np.isfinite(first.validation_loss)
    assert not same(first, train(model, data, seed=6, validation=0.2, **settings))


@pytest.mark.parametrize("backend", ["numpy", "c"])
@pytest.mark.parametrize("optimizer, batch", [("gradient-descent", None), ("adam", 20), ("momentum", 1)])
def test_a_resumed_run_is_the_unbroken_one(tmp_path, backend, optimizer, batch):
    model, data = gaussians()
    settings = {
        "rate": 0.05,
        "optimizer": optimizer,
        "batch": batch,
        "backend": backend,
        "every": 70,
        "sizes": {"h": 3},
    }
    whole = train(model, data, steps=500, checkpoint=tmp_path / "whole.npz", **settings)

    class Stop(Exception):
        pass

    def stop(step, loss):
        if step >= 230:
            raise Stop

    import symderiv.training.runs as training

    before = training.CHUNK_SECONDS
    training.CHUNK_SECONDS = 1e-9  # a look after every few steps
    try:
        with pytest.raises(Stop):
            train(model, data, steps=500, checkpoint=tmp_path / "part.npz", progress=_always(stop), **settings)
    finally:
        training.CHUNK_SECONDS = before
    resumed = train(model, data, steps=500, checkpoint=tmp_path / "part.npz", resume=True, **settings)
    assert same(whole, resumed)


def _always(stop):
    """The clock is asked between chunks; here every call counts."""
    import symderiv.training.runs as training

    class Clock:
        now = 0.0

        def perf_counter(self):
            self.now += 1.0
            return self.now

    training.time, clock = Clock(), training.time

    def told(step, loss):
        try:
            stop(step, loss)
        except Exception:
            training.time = clock
            raise
        if step >= 500:
            training.time = clock

    return told


SCRIPT = """
import sys
import symderiv as sd
from symderiv.training.data import generate, with_samples
model, _ = with_samples(sd.examples.load("two-gaussians"))
data = generate("two-gaussians", model, 200, 0)
run = sd.train(model, data, steps=3000, rate=0.05, optimizer="adam", batch=16, sizes={"h": 3}, backend="numpy", every=25,
               checkpoint="c.npz", resume="resume" in sys.argv)
import numpy as np
np.savez("end.npz", history=run.history, **run.parameters)
"""


def test_a_run_killed_ten_times_ends_as_the_unbroken_one(tmp_path):
    """SIGKILL at random moments, each time resumed; the end is the same to the bit."""
    (tmp_path / "run.py").write_text(SCRIPT)
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    whole = tmp_path / "whole"
    whole.mkdir()
    subprocess.run([sys.executable, str(tmp_path / "run.py")], cwd=whole, env=environment, check=True, timeout=120)
    broken = tmp_path / "broken"
    broken.mkdir()
    rng, kills, tries = random.Random(1), 0, 0
    while kills < 10 and tries < 60:
        tries += 1
        resume = ["resume"] if (broken / "c.npz").exists() else []
        before = _step(broken / "c.npz")
        process = subprocess.Popen([sys.executable, str(tmp_path / "run.py"), *resume], cwd=broken, env=environment)
        # Once it has gone on by itself for a while, at any moment.
        deadline = time.time() + 60
        while _step(broken / "c.npz") <= before and process.poll() is None and time.time() < deadline:
            time.sleep(0.002)
        time.sleep(rng.uniform(0, 0.02))
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            process.wait()
            kills += 1
        assert np.load(broken / "c.npz")["theta"].size  # whole at any moment
        if (broken / "end.npz").exists():
            (broken / "end.npz").unlink()
    assert kills >= 10 or _step(broken / "c.npz") == 3000
    subprocess.run(
        [sys.executable, str(tmp_path / "run.py"), "resume"], cwd=broken, env=environment, check=True, timeout=120
    )
    one, other = np.load(whole / "end.npz"), np.load(broken / "end.npz")
    assert all(np.array_equal(one[name], other[name], equal_nan=True) for name in one.files)


def _step(path: Path) -> int:
    import json

    if not path.exists():
        return -1
    with np.load(path) as archive:
        return json.loads(archive["about"].tobytes())["step"]


def test_checkpoints_of_something_else_are_refused(tmp_path):
    model, data = gaussians()
    path = tmp_path / "c.npz"
    train(model, data, steps=20, checkpoint=path, backend="numpy")
    again = {"steps": 40, "checkpoint": path, "resume": True, "backend": "numpy"}
    assert train(model, data, **again).steps == 40
    with pytest.raises(TrainingError, match=r"belongs to another run: its rate is 0.1, not 0.2"):
        train(model, data, **again, rate=0.2)
    with pytest.raises(TrainingError, match="its model and data is"):
        train(model, gaussians(seed=1)[1], **again)
    other, _ = with_samples(sd.examples.load("worksheet"))
    with pytest.raises(TrainingError, match="belongs to another run"):
        train(other, generate("two-gaussians", other, 300, 0), **again)
    whole = path.read_bytes()
    for cut in (0, 1, 30, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:cut])
        with pytest.raises(TrainingError, match="damaged or no checkpoint"):
            train(model, data, **again)
    path.write_bytes(b"hello")
    with pytest.raises(TrainingError, match="damaged or no checkpoint"):
        train(model, data, **again)
    with pytest.raises(TrainingError, match=r"there is no checkpoint"):
        train(model, data, **{**again, "checkpoint": tmp_path / "none.npz"})


def test_a_full_disk_leaves_the_checkpoint_before(tmp_path, monkeypatch):
    model, data = gaussians()
    path = tmp_path / "c.npz"
    train(model, data, steps=20, checkpoint=path, backend="numpy")
    before = path.read_bytes()

    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match=r"No space left(.|\n)*the checkpoint before it is whole"):
        train(model, data, steps=40, checkpoint=path, resume=True, backend="numpy", every=5)
    assert path.read_bytes() == before and [p.name for p in tmp_path.iterdir()] == ["c.npz"]


@pytest.mark.parametrize("backend", ["numpy", "c"])
def test_a_run_that_diverges_says_where(backend):
    text = "X: (n, 1); Y: (n, 1); w: (1, 1)\nP = X @ w\nJ = mean((P - Y)**2)\n"
    data = {"X": np.linspace(-3, 3, 7)[:, None], "Y": np.ones((7, 1))}
    with pytest.raises(TrainingError, match=r"at step \d+, \w+ became (infinite|undefined)(.|\n)*below 1000") as caught:
        train(sd.parse_model(text), data, steps=2000, rate=1000, backend=backend)
    # The same step by plain arithmetic: w grows by the factor 1 - 2 rate mean(x^2) a step.
    w, step, x = 1.0, 0, data["X"].ravel()
    with np.errstate(all="ignore"):
        w = initial_parameters(sd.parse_model(text), {"n": 7}, 0)["w"].item()
        while np.isfinite(np.mean((x * w - 1) ** 2)) and np.isfinite(w):
            step += 1
            w -= 1000 * np.mean(2 * (x * w - 1) * x)
    assert abs(int(str(caught.value).split("at step ")[1].split(",")[0]) - step) <= 1


def test_bad_settings_are_told():
    model, data = gaussians()
    for settings, words in (
        ({"steps": 0}, "steps must be at least 1"), ({"batch": 301}, "a batch of 301 is more than there are samples"),
        ({"rate": float("nan")}, "learning rate must be"), ({"rate": -1.0}, "learning rate must be"),
        ({"sizes": {"q": 3}}, "the model has no size q"), ({"sizes": {"d": 3}}, "the size d is 2 by the data, not 3"),
        ({"validation": 1.5}, "leaves one part empty"), ({"optimizer": "lion"}, "no optimizer lion"),
        ({"parameters": {"W1": np.zeros((3, 5))}}, "does not fit"), ({"resume": True}, "nothing to resume from"),
    ):  # fmt: skip
        with pytest.raises((ModelError, ShapeError), match=words):
            train(model, data, **{"steps": 5, **settings})
    with pytest.raises(ShapeError, match=r"A0 .*\(d, m\)|Y .*\(k, m\)"):
        train(model, {"A0": data["A0"], "Y": data["Y"][:, :-1]}, steps=1)
    with pytest.raises(ModelError, match="no value for Y"):
        train(model, {"A0": data["A0"]}, steps=1)
    with pytest.raises(DataError, match="not finite"):
        train(model, {"A0": data["A0"] * np.nan, "Y": data["Y"]}, steps=1)
    with pytest.raises(DataError, match=r"targets Y of sample 1 sum to 2"):
        train(model, {"A0": data["A0"], "Y": data["Y"] * 0 + 1}, steps=1)
    binary, _ = with_samples(sd.examples.load("binary-classification"))
    with pytest.raises(DataError, match=r"Y is 2 in sample 3\n.*between 0 and 1"):
        train(binary, {"X": np.ones((2, 4)), "Y": np.array([[0, 1, 2, 1.0]])}, steps=1)


def test_given_initial_values_and_hypers():
    text = "X: (n, 1); Y: (n, 1); w: (1, 1); lam: hyper\nP = X @ w\nJ = mean((P - Y)**2) + lam * sum(w**2)\n"
    data = {"X": np.array([[1.0], [2.0]]), "Y": np.array([[1.0], [2.0]])}
    run = train(sd.parse_model(text), data, steps=1, rate=0.1, parameters={"w": 3.0}, hypers={"lam": 0.5})
    assert run.parameters["w"].item() == pytest.approx(3 - 0.1 * (2 * (2 * 1 + 2 * 4) / 2 + 2 * 0.5 * 3))


def test_initial_values_have_the_scale_of_their_unit():
    model = sd.two_layer("tanh", "sigmoid", "log")
    found = initial_parameters(model, {"n": 5, "d": 400, "h": 300, "o": 2}, 0)
    assert found["W1"].std() == pytest.approx(1 / 20, rel=0.02) and not found["b1"].any() and not found["b2"].any()
    inside = initial_parameters(sd.examples.load("worksheet"), {"d": 400, "h": 300}, 0)
    assert not inside["W1"][0].any() and inside["W1"][1:].std() == pytest.approx(1 / 20, rel=0.02)


def test_the_validation_part_is_not_trained_on():
    model, data = gaussians()
    run = train(model, data, steps=5, validation=0.25)
    assert run.data["A0"].shape[1] == 225 and run.validation["A0"].shape[1] == 75
    together = np.hstack([run.data["A0"], run.validation["A0"]])
    assert np.array_equal(np.sort(together, axis=1), np.sort(data["A0"], axis=1))


def test_an_epoch_takes_every_sample_once():
    from symderiv.training.runs import _Order

    order = _Order(count=12, batch=4, seed=0, shuffle=True)
    rows = order.of(0, 6)
    for epoch in (rows[:3], rows[3:]):
        assert sorted(epoch.ravel()) == list(range(12))
    assert not np.array_equal(rows[:3], rows[3:])
    assert np.array_equal(order.of(2, 3), rows[2:5])
    assert np.array_equal(_Order(12, 4, 0, False).of(1, 1), [[4, 5, 6, 7]])


def test_a_penalty_in_the_loss_does_not_hide_the_output():
    """The term of the parameters alone joins no data, so the targets are still targets."""
    model = sd.layered(["tanh", "sigmoid"], "log", penalty=True, outputs=1)
    run = train(model, generate("two-gaussians", model, 60, 0), steps=50, hypers={"lam": 1e-3})
    assert [s.name for s in run.inputs] == ["X"] and run.predict(np.ones((2, 2))).shape == (2, 1)


def test_a_hyper_parameter_on_the_way_to_the_output():
    text = "X: (n, d); Y: (n, 1); W: (d, 1); lam: hyper\nP = sigmoid(lam * (X @ W))\nJ = mean((P - Y)**2)\n"
    model = sd.parse_model(text)
    run = train(model, generate("two-gaussians", model, 60, 0), steps=5, hypers={"lam": 2.0})
    assert np.allclose(run.predict(np.ones((1, 2))), 1 / (1 + np.exp(-2 * run.parameters["W"].sum())))


def test_numbers_as_sizes_are_what_they_say():
    text = "X: (n, 3); Y: (n, 1); W: (4, 16); V: (16, 1)\nH = augment(X, axis=1) @ W\nP = tanh(H) @ V\nJ = mean((P - Y)**2)\n"
    model = sd.parse_model(text)
    data = generate("plane", model, 30, 0)
    for backend in ("numpy", "c"):
        run = train(model, data, steps=5, backend=backend)
        assert run.parameters["W"].shape == (4, 16)
    with pytest.raises(ModelError, match="the size 16 is 16 by the model, not 4"):
        train(model, data, steps=5, sizes={"16": 4})
    with pytest.raises(ShapeError):
        train(model, {"X": np.ones((5, 2)), "Y": np.ones((5, 1))}, steps=1)


def test_a_single_input_column_with_relu_inline():
    """u and r of the signal meet inside the slope: nothing may be moved out of it."""
    text = "X: (n, 1); Y: (n, 1); W: (1, h); V: (h, 1)\nA = relu(X @ W)\nP = A @ V\nJ = mean((P - Y)**2)\n"
    data = {"X": np.linspace(-1, 1, 40)[:, None], "Y": np.linspace(0, 1, 40)[:, None]}
    runs = [train(sd.parse_model(text), data, steps=20, backend=backend) for backend in ("numpy", "c")]
    assert np.allclose(runs[0].parameters["W"], runs[1].parameters["W"], atol=1e-12)


def test_overflow_that_only_fast_code_has_is_no_divergence():
    """A loss that enters its own gradient: the form that does not overflow takes those steps."""
    text = (
        "X: (n, 2); Y: (n, 1); W: (2, 1)\nP = sigmoid(X @ W)\nL = -mean(Y * log(P) + (1 - Y) * log(1 - P))\nJ = L**2\n"
    )
    data = {"X": [[2000, 2], [2000, -3]], "Y": [[0], [1]]}
    run = train(sd.parse_model(text), data, steps=3, rate=1e-4, backend="numpy")
    assert np.isfinite(run.parameters["W"]).all() and np.isfinite(run.loss)


def test_a_longer_run_resumes_in_the_form_it_began_in(tmp_path):
    model, data = gaussians(60)
    settings = {"checkpoint": tmp_path / "c.npz", "rate": 0.1}
    short = train(model, data, steps=20, **settings)
    longer = train(model, data, steps=200_000, resume=True, **settings)
    assert longer.backend == short.backend and longer.steps == 200_000
    with pytest.raises(TrainingError, match="beyond the 100 asked for"):
        train(model, data, steps=100, resume=True, **settings)


def test_ctrl_c_saves_what_is_done(tmp_path):
    model, data = gaussians(60)
    path = tmp_path / "c.npz"

    def press(step, loss):
        if step >= 40:
            raise KeyboardInterrupt

    import symderiv.training.runs as training

    before, training.CHUNK_SECONDS = training.CHUNK_SECONDS, 1e-9
    try:
        with pytest.raises(KeyboardInterrupt):
            train(model, data, steps=500, checkpoint=path, every=500, progress=_always(press), backend="numpy")
    finally:
        training.CHUNK_SECONDS = before
    assert _step(path) >= 40


def test_leftovers_of_a_killed_save_are_removed(tmp_path):
    (tmp_path / ".c.npz.abcd").write_bytes(b"half")
    model, data = gaussians(60)
    train(model, data, steps=5, checkpoint=tmp_path / "c.npz")
    assert [p.name for p in tmp_path.iterdir()] == ["c.npz"]


def test_a_checkpoint_of_other_arrays_is_damaged(tmp_path):
    import json

    model, data = gaussians(60)
    path = tmp_path / "c.npz"
    train(model, data, steps=5, checkpoint=path, backend="numpy")
    with np.load(path) as archive:
        good = dict(archive)
    about = json.loads(good["about"].tobytes())

    def text(**changes):
        return np.frombuffer(json.dumps({**about, **changes}).encode(), dtype=np.uint8)

    for wrong in (
        {"theta": good["theta"][:-1]}, {"theta": good["theta"] * np.nan}, {"history": good["history"][0]},
        {"history": good["history"][:0]}, {"about": text(step="7")}, {"about": text(step=-5)}, {"about": text(settings=[])},
    ):  # fmt: skip
        np.savez(path, **{**good, **wrong})
        with pytest.raises(TrainingError, match=r"damaged|belongs to another run"):
            train(model, data, steps=10, checkpoint=path, resume=True, backend="numpy")


def test_settings_may_be_numpy_numbers(tmp_path):
    model, data = gaussians(60)
    path = tmp_path / "c.npz"
    train(model, data, steps=np.int64(5), batch=np.int32(2), rate=np.float32(0.1), seed=np.int64(1), checkpoint=path)
    for settings, words in (
        ({"steps": 3.5}, "steps must be a whole number"), ({"seed": -1}, "seed must be at least 0"),
        ({"validation": float("nan")}, "leaves one part empty"), ({"hypers": {"lma": 1}}, "no hyper-parameter lma"),
        ({"parameters": {"V": 1}}, "no parameter V"),
    ):  # fmt: skip
        with pytest.raises(ModelError, match=words):
            train(model, data, **{"steps": 5, **settings})
    with pytest.raises(ModelError, match="no data matrix Q"):
        train(model, {**data, "Q": 1}, steps=1)


def test_models_that_cannot_learn_are_told():
    with pytest.raises(ModelError, match="no parameters"):
        train(sd.parse_model("X: (n, d); Y: (n, 1)\nP = sum(X, axis=1)\nJ = mean((P - Y)**2)\n"), {}, steps=1)
    with pytest.raises(ModelError, match="depends on no data"):
        train(sd.parse_model("W: (d, 1)\nJ = sum(W**2)\n"), {}, steps=1)
    graph = sd.parse_model("A: data(n, n); X: (n, d); Y: (n, 1); W: (d, 1)\nP = A @ X @ W\nJ = mean((P - Y)**2)\n")
    data = {"A": np.eye(6), "X": np.ones((6, 2)), "Y": np.ones((6, 1))}
    assert np.isfinite(train(graph, data, steps=3).loss)
    with pytest.raises(ModelError, match="samples along both axes"):
        train(graph, data, steps=3, batch=2)


@pytest.mark.parametrize("backend", ["numpy", "c"])
@pytest.mark.parametrize("batch", [None, 1, 7])
def test_ctrl_c_in_the_middle_of_steps_saves_a_state_that_belongs_to_its_step(tmp_path, backend, batch, monkeypatch):
    """The signal comes while parameters have moved and the step count has not."""
    from symderiv.training import runs

    model, data = gaussians(60)
    settings = {"steps": 300, "rate": 0.05, "optimizer": "adam", "batch": batch, "backend": backend, "every": 300}
    whole = train(model, data, checkpoint=tmp_path / "whole.npz", **settings)
    made = runs.prepare

    def interrupted(*arguments):
        engine = made(*arguments)
        run, calls = engine.run, iter(range(1000))

        def partly(order, steps, first):
            if next(calls) == 3:
                run(None if order is None else order[: steps // 2], steps // 2, first)
                raise KeyboardInterrupt
            return run(order, steps, first)

        engine.run = partly
        return engine

    monkeypatch.setattr(runs, "prepare", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train(model, data, checkpoint=tmp_path / "part.npz", **settings)
    monkeypatch.setattr(runs, "prepare", made)
    assert 0 < _step(tmp_path / "part.npz") < 300
    assert same(whole, train(model, data, checkpoint=tmp_path / "part.npz", resume=True, **settings))


def test_accuracy_is_the_share_of_right_classes():
    for name in ("two-gaussians", "binary-classification"):
        model, _ = with_samples(sd.examples.load(name))
        data = generate("two-gaussians", model, 400, 0)
        run = train(model, data, steps=500, rate=0.5, validation=0.25)
        target = data["Y"]
        right = np.mean((run.predict(data[run.inputs[0].name]) > 0.5)[0] == target[0].astype(bool))
        together = run.accuracy() * 0.75 + run.accuracy(validation=True) * 0.25
        assert together == pytest.approx(right) and right > 0.9
    regression, _ = with_samples(sd.examples.load("regression-sigmoid"))
    assert train(regression, generate("sine", regression, 50, 0), steps=5).accuracy() is None
    assert "<Run: 500 steps" in repr(run)
