"""The notebooks run and say what they said; what a notebook shows of results is static, escaped and readable in any notebook."""

from __future__ import annotations

import ast
import re

import nbformat
import numpy as np
import pytest

import symderiv as sd
from notebooks import FOLDER, NOTEBOOKS, ROOT, executed, plain

OTHERS = {"numpy", "IPython.display"}
NUMBER = re.compile(r"-?\d+\.?\d*(?:e[+-]?\d+)?")
LARGEST = 650_000

by_name = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def committed(path):
    return nbformat.read(path, as_version=4)


def code(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def outputs(notebook):
    return [output for cell in code(notebook) for output in cell.outputs]


def text_of(output):
    return output.text if output.output_type == "stream" else output.data["text/plain"]


def is_picture(output):
    data = output.get("data", {})
    html = data.get("text/html", "")
    return "<svg" in html or "data:image/svg+xml" in html or any(kind.startswith("image/") for kind in data)


def assert_same_text(found, expected):
    """The same words, and numbers that agree to two digits: the last ones depend on the machine."""
    assert NUMBER.sub("#", found).split() == NUMBER.sub("#", expected).split()
    numbers = [[float(n) for n in NUMBER.findall(text)] for text in (found, expected)]
    assert numbers[0] == pytest.approx(numbers[1], rel=0.02, abs=1e-9)


def test_there_are_six():
    assert [path.name[:2] for path in NOTEBOOKS] == ["00", "01", "02", "03", "04", "05"]
    assert sorted(FOLDER.iterdir()) == NOTEBOOKS


@by_name
def test_a_notebook_runs_and_says_what_it_said(path):
    before, now = committed(path), executed(path)  # raises where a cell does
    assert [c.source for c in code(now)] == [c.source for c in code(before)]
    for cell, old in zip(code(now), code(before), strict=True):
        kinds = [output.output_type for output in cell.outputs]
        assert kinds == [output.output_type for output in old.outputs], cell.id
        assert all(output.get("name") != "stderr" for output in cell.outputs), cell.id
        for output, expected in zip(cell.outputs, old.outputs, strict=True):
            assert_same_text(text_of(output), text_of(expected))
            assert output.get("data", {}).keys() == expected.get("data", {}).keys()
    assert any(map(is_picture, outputs(now)))


@by_name
def test_a_notebook_uses_public_names_alone(path):
    for cell in code(committed(path)):
        for node in ast.walk(ast.parse(cell.source)):
            if isinstance(node, ast.Import):
                assert {alias.name for alias in node.names} <= OTHERS | {"symderiv"}, cell.id
            if isinstance(node, ast.ImportFrom):
                public = set(sd.__all__) if node.module == "symderiv" else {alias.name for alias in node.names}
                assert node.module in OTHERS | {"symderiv"} and {a.name for a in node.names} <= public, cell.id
            if isinstance(node, ast.Attribute):
                assert not node.attr.startswith("_"), (cell.id, node.attr)
                if isinstance(node.value, ast.Name) and node.value.id == "sd":
                    assert node.attr in sd.__all__, (cell.id, node.attr)


@by_name
def test_a_notebook_holds_nothing_of_the_moment_or_the_machine(path):
    written, notebook = path.read_text(encoding="utf-8"), committed(path)
    assert path.stat().st_size < LARGEST
    assert plain(committed(path)) == notebook and nbformat.writes(notebook) + "\n" == written
    assert [cell.execution_count for cell in code(notebook)] == list(range(1, len(code(notebook)) + 1))
    ids = [cell.id for cell in notebook.cells]
    assert len(set(ids)) == len(ids) and all(re.fullmatch("[a-z][a-z-]*", i) for i in ids)
    assert any(map(is_picture, outputs(notebook)))
    assert "<script" not in written and "0x" not in "".join(map(text_of, outputs(notebook)))
    assert not any(place in written for place in (str(ROOT), "/tmp/", "/home/", "ipykernel_"))


# What the package gives a notebook to show


def is_static(html):
    return "<script" not in html and not re.search(r"<[^>]*\son\w+=", html) and html.count("<style>") == 1


@pytest.fixture(scope="module")
def run():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(40, 2))
    model = sd.two_layer("tanh", "sigmoid", "log", outputs=1)
    return sd.train(model, {"X": x, "Y": x[:, :1] > 0}, steps=50, validation=0.25, batch=10)


def test_a_run_shows_losses_and_pictures(run):
    shown = run._repr_mimebundle_()
    html = shown["text/html"]
    assert is_static(html) and html.count("data:image/svg+xml;base64,") == 3 and "validation loss" in html
    assert f"{run.loss:.4g}" in html and f"{run.loss:.4g}" in shown["text/plain"] and "batches of 10" in html
    assert run.backend not in shown["text/plain"] and f"{run.seconds:.2g}" not in shown["text/plain"]


def test_a_run_without_matplotlib_shows_losses_alone(run, monkeypatch):
    monkeypatch.setattr("symderiv.training.report.available", lambda: False)
    html = run._repr_mimebundle_()["text/html"]
    assert "<img" not in html and "validation loss" in html and "<img" not in run.to_html()


def test_the_page_of_a_run_is_that_of_the_command(run, tmp_path):
    from symderiv.cli.train import _write_page

    _write_page(run, tmp_path, "xor")
    assert (tmp_path / "index.html").read_text(encoding="utf-8") == run.to_html(title="Training xor")


def test_a_title_from_a_model_file_is_text():
    model = sd.parse_model("# <img src=x onerror=alert(1)>\nX: (n, 1); y: (n, 1); w: (1, 1)\nJ = mean((X @ w - y)**2)")
    html = sd.train(model, {"X": [[1], [2]], "y": [[2], [4]]}, steps=3)._repr_mimebundle_()["text/html"]
    assert is_static(html) and "&lt;img src=x" in html


def test_a_marking_shows_every_claim_with_its_reason():
    text = "$z = w x$, $a = \\sigma(z)$\n\n$L = (a - y)^2$\n\n$$\\frac{dL}{dz} = 2(a - y)$$\n\n$$\\frac{dL}{dw} = 2(a - y) x$$\n"
    marking = sd.check_homework(text)
    html = marking._repr_mimebundle_()["text/html"]
    assert is_static(html) and html.count("<tr>") == 1 + len(marking.claims)
    assert "✗ wrong" in html and "missing-slope" in html and "read as" in html and "<math" in html
    assert ("→ carried" in html) == any(claim.verdict == "carried" for claim in marking.claims)
    assert marking._repr_mimebundle_()["text/plain"] == marking.to_text()


@pytest.mark.parametrize("hostile", ["<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "</style></div>"])
def test_what_a_student_writes_is_text(hostile):
    text = f"$z = w x$\n\n$L = (z - y)^2$\n\n$\\frac{{dL}}{{dz}} = 3(z - \\text{{{hostile}}} y)$ {hostile}\n"
    html = sd.check_homework(text, name=hostile)._repr_mimebundle_()["text/html"]
    assert is_static(html) and hostile not in html


def test_a_gradient_check_shows_its_table():
    model = sd.parse_model("X: (n, d); y: (n, 1); w: (d, 1)\nJ = mean((X @ w - y)**2)")
    right = sd.check_gradients(model, lambda X, y, w: {"w": 2 * X.T @ (X @ w - y) / len(X)})
    wrong = sd.check_gradients(model, lambda X, y, w: {"w": 2 * X.T @ (X @ w - y)})
    for check, sign in ((right, "✓ right"), (wrong, "✗ wrong")):
        shown = check._repr_mimebundle_()
        assert is_static(shown["text/html"]) and sign in shown["text/html"] and shown["text/plain"] == str(check)
    assert "n × the truth" in wrong._repr_mimebundle_()["text/html"]


def test_a_gradient_shows_itself_as_a_formula():
    gradient = sd.derive(sd.two_layer("tanh", "sigmoid", "log")).gradient("W2")
    assert gradient._repr_latex_() == rf"$\displaystyle {gradient.to_latex()}$"


NOTEBOOK = """<!doctype html><meta charset="utf-8"><style>
.notebook:not(.other) :is(td, th, tr) { text-align: right; padding: 9px; } .notebook tbody tr:nth-child(odd) { background: red; }
.notebook table { table-layout: fixed; font-size: 12px; }
</style><div class="notebook">"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_is_shown_keeps_its_style_in_a_notebook(browser, run, scheme):
    derivation = sd.derive(sd.examples.load("linear-3-2-1"))
    marking = sd.check_homework("$z = w x$\n\n$L = (z - y)^2$\n\n$\\frac{dL}{dz} = 2(z - y)$\n")
    shown = "".join(each._repr_mimebundle_()["text/html"] for each in (derivation, marking, run, derivation))
    page = browser.new_context(color_scheme=scheme, viewport={"width": 900, "height": 700}).new_page()
    page.set_content(NOTEBOOK + shown)
    style = "([at, name]) => [...document.querySelectorAll(at)].map(e => getComputedStyle(e)[name])"

    def styles(at, name):
        return set(page.evaluate(style, [at, name]))

    (ink,), (paper,) = styles(".symderiv", "color"), styles(".symderiv", "backgroundColor")
    assert ink != paper and styles(".symderiv circle", "stroke") == {ink}
    assert styles(".symderiv circle", "fill") <= {paper, *styles(".symderiv .data circle", "fill")}
    assert styles(".symderiv tr", "backgroundColor") == {"rgba(0, 0, 0, 0)"}
    assert styles(".symderiv .left", "textAlign") == {"right"} and styles(".symderiv .right", "textAlign") == {"left"}
    assert styles(".symderiv .claims td", "textAlign") == {"left"}
    assert page.evaluate("document.documentElement.scrollWidth") <= 900
    page.context.close()
