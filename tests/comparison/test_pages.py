"""A comparison as a document: what it says, in every format, and from the command line."""

import re
import subprocess
import sys

import numpy as np
import pytest

import symderiv as sd
from symderiv.comparison.document import comparison_document
from symderiv.comparison.examples import COMPARISONS
from symderiv.documents.chart_svg import Chart, Series, draw_chart
from symderiv.oracles.evaluation import random_point


@pytest.fixture(scope="module")
def pages():
    return {name: example.compare() for name, example in COMPARISONS.items()}


def test_the_question_of_the_coursework_is_answered(pages):
    text = pages["mse-and-log-loss"].to_markdown()
    short = text.split("## The networks")[0]
    assert "the slope $`g'(z_{2}) = a_{2} \\, (1 - a_{2})`$ stays in" in short
    assert "and it cancels" in short and "only the loss differs" in short
    assert r"2 \, (a_{2} - y) \, \underbrace{a_{2} \, (1 - a_{2})}_{g'(z_{2})}" in text
    assert r"\frac{\text{log loss}}{\text{MSE}} &= \frac{1}{2 \, g'(z_{2})}" in text


def test_a_softmax_cancels_in_one_loss_only(pages):
    short = pages["softmax-losses"].to_markdown().split("## The networks")[0]
    assert re.search(r"\*MSE:\* the softmax's derivative stays", short)
    assert re.search(r"\*cross-entropy:\* the softmax's derivative cancels .* sums to 1", short)
    assert "its loss is the sum MSE + cross-entropy" in short


def test_equal_formulas_with_other_values_are_no_ratio(pages):
    comparison = pages["sigmoid-and-tanh"]
    text = comparison.to_markdown()
    assert "their values still differ" in text and "the ratio of what is over the braces" in text
    assert "times sigmoid |" not in text


def test_formats(pages):
    for comparison in pages.values():
        page = comparison.to_html()
        assert page.count('<svg class="chart"') == 6 + ("Slopes of" in page) and "<script>" in page
        assert comparison.to_latex().count(r"\section{") == 7 + ("Slopes of" in page)
        assert "text/html" in comparison._repr_mimebundle_()


def test_names_of_users_are_harmless():
    name = r"<b>$\input{x}$ *_100%"
    comparison = sd.compare(sd.two_layer(), sd.two_layer(scale="sum"), names=[name, name], steps=2, seeds=1)
    assert comparison.names == ("b input x 100 (1)", "b input x 100 (2)")


def run(tmp_path, *words):
    command = [sys.executable, "-m", "symderiv.cli", "compare", *words]
    return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)


def test_command(tmp_path):
    result = run(tmp_path, "--output", "sigmoid", "--loss", "mse", "--loss", "log", "-n", "20", "--seeds", "2")
    assert result.returncode == 0, result.stderr
    assert {p.name for p in (tmp_path / "output/comparisons").iterdir()} == {"mse-log-loss.html", "mse-log-loss.tex", "mse-log-loss.md"}  # fmt: skip
    assert re.search(r"MSE, log loss\s+A1, Z1", result.stdout)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--hidden", "tanh"], "a comparison needs two models"),
        (["-e", "worksheet", "-e", "two-gaussians"], "are not one network: worksheet has x, y"),
        (["--loss", "mse", "--loss", "log", *["--output", "sigmoid"] * 3], "--loss is given 2 times, another option 3"),
        (
            ["--output", "sigmoid", "--loss", "mse", "--loss", "log", "-d", "nothing"],
            "there is no data generator nothing",
        ),
        (["--loss", "mse", "--loss", "log", "-n", "0"], "steps must be at least 1"),
    ],
)
def test_errors(tmp_path, words, message):
    result = run(tmp_path, *words)
    assert result.returncode == 2 and message in result.stderr and "Traceback" not in result.stderr
    assert not (tmp_path / "output").exists()


def test_a_chart_places_its_points():
    chart = Chart("T", "x", "y", (Series("one & two", [0, 1, 2], [1.0, 10.0, 0.0], [0.5, 5, 0], [2, 20, 0]),), log=True)
    svg = draw_chart(chart)
    points = re.search(r'class="line s0" points="([^"]*)"', svg)[1].split()
    assert len(points) == 2, "what is not positive has no place on a logarithmic axis"
    (x0, y0), (x1, y1) = (tuple(map(float, p.split(","))) for p in points)
    assert x0 < x1 and y0 > y1 and "one &amp; two" in svg
    ticks = [float(y) for y in re.findall(r'class="grid" x1="64" y1="([\d.]+)"', svg)]
    assert ticks == sorted(ticks, reverse=True)


def test_the_numpy_to_copy_gives_the_derivatives(pages):
    """What a formula of a comparison offers to copy, run at random numbers, against the derivations it belongs to."""
    run = 0
    for comparison in pages.values():
        point = random_point(comparison.derivations[-1].model, 5)
        for section in comparison_document(comparison).sections:
            for block in (b for inner in section.sections for b in inner.blocks):
                if not getattr(block, "numpy", ""):
                    continue
                for k, code in enumerate(re.split(r"^# .*\n", block.numpy, flags=re.MULTILINE)[1:]):
                    derivation = comparison.derivations[k]
                    values = point.run(derivation.model)
                    names = {symbol.name: value for symbol, value in values.items()}
                    exec(code, {"np": np}, names)
                    (name,) = [n for n in names if n.startswith("d") and n[1:] in derivation.model.symbols]
                    truth = point.evaluate(derivation.adjoint(name[1:]).closed, dict(values))
                    assert np.allclose(names[name], truth, rtol=1e-12)
                    run += 1
    assert run > 5


def test_a_penalty_is_told_as_a_summand():
    models = [sd.two_layer("tanh", "sigmoid", "log", penalty=penalty) for penalty in (True, False)]
    text = sd.compare(*models, names=["with", "without"], steps=2, seeds=1).to_markdown()
    assert r"is that of without plus $`\lambda \, W^{[2]}`$" in text and "plus $`-" not in text


def test_a_function_of_which_only_the_name_is_known():
    models = [sd.two_layer(hidden, "identity", "mse") for hidden in ("g", "tanh")]
    text = sd.compare(*models, names=["g", "tanh"]).to_markdown()
    assert "the slope $`g'(Z^{[1]})`$ stays in" in text and "## Training" not in text
