"""Every form of the code makes the same steps as the readable function with a plain update."""

from __future__ import annotations

import ctypes
import itertools
import shutil

import numpy as np
import pytest
from strategies import random_network

import symderiv as sd
from symderiv.compute import algebra, arrays, c_source, engine, loops
from symderiv.compute.engine import Plan, ReadableEngine, _plain_storage, prepare
from symderiv.compute.updates import UPDATES, find_update
from symderiv.errors import ModelError
from symderiv.oracles.evaluation import random_point
from symderiv.training.data import with_samples

needs_cc = pytest.mark.skipif(c_source.compiler() is None, reason="no C compiler")
SAMPLES = 11


def force(monkeypatch, form):
    """Make one form the cheapest by far."""
    monkeypatch.setattr(engine, "PYTHON_OPERATION", 1e-15 if form == "python" else 1.0)
    monkeypatch.setattr(engine, "NUMPY_CALL", 1.0 if form == "python" else 1e-9)


def a_plan(model, rule="gradient-descent", batch=None, seed=3, rate=0.05):
    model, size = with_samples(model)
    point = random_point(model, seed, {**random_point(model, seed).sizes, size.name: SAMPLES})
    data = {s.name: point.values[s] for s in model.data if s.name in model.relevant}
    parameters = {s.name: point.values[s] for s in model.parameters}
    return Plan(model, size, point.sizes, point.hypers, find_update(rule), rate, batch), data, parameters


def steps_of(made, parameters, order, steps=5):
    made.storage.load(parameters)
    loss = made.run(order, steps, 1)
    return loss, made.storage.values()


def disagreement(model, form, rule="gradient-descent", batch=None, monkeypatch=None):
    plan, data, parameters = a_plan(model, rule, batch)
    order = None if batch is None else np.random.default_rng(0).integers(0, SAMPLES, (5, batch))
    expected_loss, expected = steps_of(ReadableEngine(plan, data, _plain_storage(plan)), parameters, order)
    force(monkeypatch, form)
    made = prepare(plan, data, 10**9, "c" if form == "c" else "numpy")
    loss, found = steps_of(made, parameters, order)
    error = max(np.abs(found[name] - expected[name]).max() for name in expected)
    return max(error, abs(loss - expected_loss) / max(1, abs(expected_loss))), made


CASES = [*sd.examples.names(), *range(14)]


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("form", ["python", "numpy"])
def test_steps_agree_with_the_readable_ones(case, form, monkeypatch):
    name, model = (case, sd.examples.load(case)) if isinstance(case, str) else random_network(case)
    for rule, batch in (("gradient-descent", None), ("momentum", 4), ("adam", 1), ("adam", None)):
        if "g(" in repr([e.value for e in model.equations]):
            continue  # a function of which only the name is known cannot be trained
        error, made = disagreement(model, form, rule, batch, monkeypatch)
        assert error < 1e-11 and made.backend == form, (name, rule, batch, made.why)


@needs_cc
@pytest.mark.parametrize("case", ["two-gaussians", "worksheet", "linear-3-2-1", 5])
@pytest.mark.parametrize(
    "rule, batch", [("gradient-descent", None), ("adam", 4), ("momentum", 1), ("gradient-descent", 8)]
)
def test_compiled_steps_agree(case, rule, batch, monkeypatch):
    """11 samples, 4, 1 and 8: the last vector is not full, or there is one number, or it is just full."""
    name, model = (case, sd.examples.load(case)) if isinstance(case, str) else random_network(case)
    error, made = disagreement(model, "c", rule, batch, monkeypatch)
    assert error < 1e-11 and made.backend == "c", (name, made.why)


@needs_cc
@pytest.mark.parametrize("samples", [17, 64, 200])
@pytest.mark.parametrize("case", ["two-gaussians", "worksheet", "binary-classification", 5, 13, 34])
def test_compiled_blocks_agree(case, samples, monkeypatch):
    """Blocks that are not full, just full, and several of them; a mask in the last vector or none."""
    monkeypatch.setitem(globals(), "SAMPLES", samples)
    name, model = (case, sd.examples.load(case)) if isinstance(case, str) else random_network(case)
    for rule, batch in (("gradient-descent", None), ("adam", 16)):
        plan, data, parameters = a_plan(model, rule, batch)
        order = None if batch is None else np.random.default_rng(0).integers(0, samples, (5, batch))
        expected_loss, expected = steps_of(ReadableEngine(plan, data, _plain_storage(plan)), parameters, order)
        made = engine._offer_c_blocks(plan, data, engine._prepare(plan, data), 10).build()
        loss, found = steps_of(made, parameters, order)
        assert max(np.abs(found[k] - expected[k]).max() for k in expected) < 1e-11, (name, rule)
        assert loss == pytest.approx(expected_loss, rel=1e-9)


@needs_cc
def test_functions_in_c_are_accurate(tmp_path):
    """Against NumPy, for a vector and for one number; near 0, far out, at infinity."""
    kernels = c_source.KERNELS.read_text()
    x = np.concatenate(
        [
            np.linspace(-745, 709, 4001),
            np.linspace(-1, 1, 2000),
            np.logspace(-300, -1, 90),
            [0.0, -40.0, 40.0, 710.0, np.inf],
        ]
    )
    x = np.concatenate([x, np.zeros(-len(x) % 8)])
    for width in (1, 8):
        body = "".join(
            f"void {f}_(double *x) {{ for (long i = 0; i < {len(x)}; i += WIDTH) {{ V v; __builtin_memcpy(&v, x + i, sizeof v); "
            f"v = {f}(v); __builtin_memcpy(x + i, &v, sizeof v); }} }}\n"
            for f in ("vexp", "vtanh", "vlog", "vabs", "vstep", "vsqrt")
        )
        (tmp_path / "k.c").write_text(f"#define WIDTH {width}\n{kernels}\n{body}")
        library = tmp_path / f"k{width}.so"
        import subprocess

        subprocess.run(
            [
                c_source.compiler(),
                *c_source.FLAGS,
                "-ffp-contract=fast",
                str(tmp_path / "k.c"),
                "-o",
                str(library),
                "-lm",
            ],
            check=True,
        )
        loaded = ctypes.CDLL(str(library))
        with np.errstate(all="ignore"):
            for name, truth, points in (
                ("vexp", np.exp, x[x > -708]), ("vtanh", np.tanh, x), ("vlog", np.log, np.abs(x)[np.abs(x) > 1e-300]),
                ("vabs", np.abs, x), ("vstep", lambda v: np.heaviside(v, 0.0), x), ("vsqrt", np.sqrt, np.abs(x)),
            ):  # fmt: skip
                values = np.zeros(len(x))
                values[: len(points)] = points
                getattr(loaded, f"{name}_")(ctypes.c_void_p(values.ctypes.data))
                expected = truth(points)
                found = values[: len(points)]
                same = (found == expected) | (np.abs(found - expected) <= 8e-16 * np.abs(expected) + 1e-320)
                if name == "vlog":
                    same |= np.abs(found - expected) < 2e-16
                assert same.all(), (width, name, points[~same][:3], found[~same][:3], expected[~same][:3])


@pytest.mark.parametrize(
    "place, name, wrong",
    [
        (loops.FORMS, "sub", "{} + {}"),
        (loops.FORMS, "tanh", "tanh(1.01 * {})"),
        (arrays.ELEMENTWISE, "sub", "add"),
        (arrays.ELEMENTWISE, "tanh", "sin"),
    ],
)
def test_a_planted_error_in_a_table_is_seen(place, name, wrong, monkeypatch):
    monkeypatch.setitem(place, name, wrong)
    form = "python" if place is loops.FORMS else "numpy"
    error, _ = disagreement(sd.examples.load("two-gaussians"), form, monkeypatch=monkeypatch)
    assert error > 1e-6


def test_a_planted_error_in_the_algebra_is_seen(monkeypatch):
    """The reassociation with its constant lost."""
    right = algebra.reassociated
    monkeypatch.setattr(
        algebra,
        "reassociated",
        lambda expr, sizes: right(expr, sizes) * 1 if right(expr, sizes) is expr else -right(expr, sizes),
    )
    error, _ = disagreement(sd.examples.load("classification-sigmoid"), "numpy", monkeypatch=monkeypatch)
    assert error > 1e-6


def test_large_matrices_go_block_by_block(monkeypatch):
    """With a small limit every elementwise run is cut into blocks, the last one shorter."""
    for module in (algebra, arrays):
        monkeypatch.setattr(module, "LARGE", 20)
    monkeypatch.setattr(arrays, "BLOCK", 2 * SAMPLES)
    for case in (*sd.examples.names(), 0, 2, 5, 7, 13):
        name, model = (case, sd.examples.load(case)) if isinstance(case, str) else random_network(case)
        for rule, batch in (("gradient-descent", None), ("adam", 7)):
            error, made = disagreement(model, "numpy", rule, batch, monkeypatch)
            assert error < 1e-11, (name, rule)
    assert "for start in range" in made.source


def test_numbers_that_leave_their_range_take_the_stable_step(monkeypatch):
    """exp of 800 is too large for a Python float; that one step is done by the readable function."""
    model = sd.examples.load("binary-classification")
    for form, batch in itertools.product(("python", "numpy"), (None, 1, 3)):
        plan, data, parameters = a_plan(model, batch=batch)
        parameters = {k: v * 3000 for k, v in parameters.items()}
        order = None if batch is None else np.random.default_rng(0).integers(0, SAMPLES, (5, batch))
        _, expected = steps_of(ReadableEngine(plan, data, _plain_storage(plan)), parameters, order)
        force(monkeypatch, form)
        made = prepare(plan, data, 100, "numpy")
        assert made.backend == form
        _, found = steps_of(made, parameters, order)
        assert all(np.allclose(found[k], expected[k], rtol=1e-12) for k in expected)


def test_without_a_compiler_numpy_does_it(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    plan, data, _ = a_plan(sd.examples.load("two-gaussians"))
    made = prepare(plan, data, 100, "c")
    assert made.backend in ("numpy", "python") and "no C compiler" in made.why


def test_a_compiler_that_fails_is_no_end(monkeypatch, tmp_path):
    broken = tmp_path / "cc"
    broken.write_text("#!/bin/sh\necho broken >&2\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setattr(shutil, "which", lambda name: str(broken))
    plan, data, _ = a_plan(sd.examples.load("two-gaussians"))
    made = prepare(plan, data, 100, "c")
    assert made.backend in ("numpy", "python") and "broken" in made.why


def test_unknown_names_are_told():
    plan, data, _ = a_plan(sd.examples.load("two-gaussians"))
    with pytest.raises(ModelError, match="no backend gpu"):
        prepare(plan, data, 1, "gpu")
    with pytest.raises(ModelError, match=r"no optimizer lion\n.*adam"):
        find_update("lion")


def test_what_the_fast_forms_lack_the_readable_one_does():
    """A normalisation over the batch joins the samples: no form that treats them one by one can do it."""
    text = "X: (n, d); Y: (n, 1); W: (d, 1)\nZ = X @ W\nM = Z - mean(Z)\nJ = mean((M - Y)**2)\n"
    plan, data, parameters = a_plan(sd.parse_model(text))
    made = prepare(plan, data, 100, "auto")
    _, found = steps_of(made, parameters, None)
    _, expected = steps_of(ReadableEngine(plan, data, _plain_storage(plan)), parameters, None)
    assert np.allclose(found["W"], expected["W"], rtol=1e-12)


def test_adam_is_what_its_paper_says():
    """One step from zero state moves every entry by the rate, against its gradient's sign (up to epsilon)."""
    rule = UPDATES["adam"]
    from symderiv.compute.updates import apply_update

    theta, g = np.array([1.0, -2.0, 3.0]), np.array([0.5, -4.0, 1e-3])
    states = [np.zeros(3), np.zeros(3)]
    apply_update(rule, theta, g, states, 1, 0.1)
    assert np.allclose(theta, [0.9, -1.9, 2.9], atol=2e-6)
