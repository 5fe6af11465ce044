"""The command line as people use it: real processes, their files, their errors."""

from __future__ import annotations

import filecmp
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from oracles import doubled

from symderiv.calculus import pullbacks
from symderiv.calculus.expressions import MatMul
from symderiv.cli import main

ROOT = Path(__file__).parent.parent


def run(*args, cwd=None):
    return subprocess.run(
        [sys.executable, "-m", "symderiv.cli", *args], capture_output=True, text=True, cwd=cwd, check=False
    )


def test_a_model_file_becomes_documents(tmp_path):
    (tmp_path / "net.model").write_text(
        "x: (d, 1); y: (1, 1); w: (1, d); b: (1, 1)\nz = w @ x + b\nL = (z - y)**2 / 2\n"
    )
    result = run("derive", "net.model", "-o", "out", "--weight", "w[2]", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["net.html", "net.md", "net.tex"]
    assert "steps checked" in result.stdout and "\x1b" not in result.stdout + result.stderr
    page = (tmp_path / "out" / "net.html").read_text()
    assert page.index('id="path-w-0-1"') < page.index('id="path-w-0-0"')


def test_all_examples_are_what_is_committed(tmp_path):
    """output/ is byte-reproducible, and up to date."""
    result = run("examples", "--quiet", "--out", str(tmp_path))
    assert result.returncode == 0 and not result.stdout and not result.stderr
    made, committed = (
        {
            str(path.relative_to(folder))
            for path in folder.rglob("*")
            if path.is_file() and not path.name.startswith(".")
        }
        for folder in (tmp_path, ROOT / "output")
    )
    # What `symderiv train` writes is in a folder of its own.
    assert made == {name for name in committed if not name.startswith("training/")}
    different = filecmp.cmpfiles(tmp_path, ROOT / "output", made, shallow=False)
    assert not different[1] and not different[2], "run `symderiv examples --out output` and commit output/"


def test_derive_without_a_model_writes_the_derivations(tmp_path):
    result = run("derive", "--quiet", "-o", str(tmp_path), "-f", "html")
    assert result.returncode == 0, result.stderr
    names = {path.name for path in tmp_path.iterdir()}
    assert "index.html" in names and len(names) == 10
    assert (tmp_path / "worksheet.html").read_text().count("<h2") > 5


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(shell):
    result = run("completion", shell)
    assert result.returncode == 0 and "_SYMDERIV_COMPLETE" in result.stdout


def test_examples_are_completed():
    environment = {
        **os.environ,
        "_SYMDERIV_COMPLETE": "bash_complete",
        "COMP_WORDS": "symderiv derive -e two",
        "COMP_CWORD": "3",
    }
    command = [sys.executable, "-m", "symderiv.cli"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["plain,two-gaussians"]


@pytest.mark.parametrize("command", sorted(main.commands))
def test_every_command_has_examples_in_its_help(command):
    result = run(command, "--help")
    assert result.returncode == 0 and f"\n  symderiv {command}" in result.stdout


def test_textbook_network_from_options(tmp_path):
    result = run(
        "derive",
        "--hidden",
        "tanh,relu",
        "--output",
        "softmax",
        "--loss",
        "mse+cross-entropy",
        "--penalty",
        "-o",
        str(tmp_path),
        "-f",
        "md",
    )
    assert result.returncode == 0, result.stderr
    (path,) = tmp_path.iterdir()
    assert path.name == "tanh-relu-softmax-mse-cross-entropy-penalty.md"


def test_work_on_the_terminal_and_into_a_folder(tmp_path):
    (tmp_path / "net.model").write_text("x: (d, 1); w: (1, d); b: (1, 1)\nz = w @ x + b\nL = (z - 1)**2 / 2\n")
    (tmp_path / "net.values").write_text("x = [1, 2]\nw = [0.5, -1]\nb = 3\n")
    result = run("work", "net.model", "--rate", "0.1", "--weight", "w[2]", cwd=tmp_path)
    assert result.returncode == 0 and not result.stderr
    assert "dL/dw[2] = dL/dz · dz/dw[2]" in result.stdout and "w[2] ← -1 - 0.1 · 1\n" in result.stdout
    assert sorted(p.name for p in tmp_path.iterdir()) == ["net.model", "net.values"]
    result = run("work", "net.model", "-o", "out", "-f", "html,latex,md", "--primitive", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [
        "net-numbers.html",
        "net-numbers.md",
        "net-numbers.tex",
    ]
    assert '<svg class="flow"' in (tmp_path / "out" / "net-numbers.html").read_text()


def test_work_on_the_worksheet_as_it_was_rounded():
    result = run("work", "-e", "worksheet", "--set", "beta1 = [0.5, 0.999]", "--set", "y_hat = 0.119623", "--rounded")
    for part in ("= -1.996 ", "y_hat = 0.119623", "= -0.0463577", "← 2.09272", "← 1.46358"):
        assert part in result.stdout


def test_examples_list():
    assert "two-gaussians" in run("examples").stdout
    entries = json.loads(run("examples", "--json").stdout)
    assert {"name", "about", "title", "model"} == entries[0].keys()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["derive", "none.model"], "cannot read none.model"),
        (["derive", "-e", "nothing"], "no example called 'nothing'"),
        (["derive", "-e", "worksheet", "-f", "docx"], "no format docx"),
        (["derive", "-e", "worksheet", "--weight", "W9[1,1]"], "no parameter W9"),
        (["derive", "--hidden", "tahn"], "no activation called 'tahn'"),
        (["derive", "--loss", "x"], "no loss called 'x'"),
        (["derive", "-e", "worksheet", "-e", "worksheet"], "two documents would be called worksheet"),
        (["derive", "-e", "worksheet", "-o", "/proc/none"], "cannot create the folder"),
        (["derive", "bad.model"], "bad.model, line 2:"),
        (["derive", "good.model", "bad.model"], "bad.model, line 2:"),
        (["derive", "binary.model"], "is not text"),
        (["derive", "deep.model"], "nested more than 60 deep"),
        (["work"], "one network is worked through"),
        (["work", "good.model", "-e", "worksheet"], "one network is worked through"),
        (["work", "-e", "nothing"], "no example called 'nothing'"),
        (["work", "good.model"], "no values for good: give them with --values FILE"),
        (["work", "good.model", "--values", "none.values"], "cannot read none.values"),
        (["work", "good.model", "--values", "bad.values"], "bad.values, line 2:"),
        (["work", "good.model", "--set", "x = [1, 2]"], "no value for w"),
        (["work", "bad.model"], "bad.model, line 2:"),
        (["work", "-e", "worksheet", "--set", "beta1 = [1, 2, 3]"], "--set 'beta1 = [1, 2, 3]', line 1:"),
        (["work", "-e", "worksheet", "--set", "y = __import__('os')"], "this is not a number"),
        (["work", "-e", "worksheet", "--digits", "0"], "cannot show 0 significant digits"),
        (["work", "-e", "worksheet", "--rate", "nan"], "the learning rate nan"),
        (["work", "-e", "worksheet", "--weight", "W2[7]"], "an index of it ends at 2"),
        (["work", "-e", "worksheet", "-f", "html"], "a format needs a folder"),
        (["work", "-e", "worksheet", "-o", "out", "-f", "docx"], "no format docx"),
        (["work", "-e", "worksheet", "-o", "/proc/none"], "cannot create the folder"),
    ],
)
def test_bad_input_is_one_error_and_exit_2(arguments, says, tmp_path):
    (tmp_path / "good.model").write_text("x: (n, 1); w: (1, 1)\nJ = sum((x @ w)**2)\n")
    (tmp_path / "bad.model").write_text("x: (n, 1); w: (1, 1)\nJ = sum(x @ v)\n")
    (tmp_path / "bad.values").write_text("w = 2\nx = [1, nan]\n")
    (tmp_path / "binary.model").write_bytes(bytes(range(256)))
    (tmp_path / "deep.model").write_text("J = " + "(" * 100_000 + "1" + ")" * 100_000)
    before = sorted(tmp_path.rglob("*"))
    result = run(*arguments, cwd=tmp_path)
    assert result.returncode == 2 and says in result.stderr
    assert "Traceback" not in result.stderr and result.stderr.startswith("error: ") and not result.stdout
    assert sorted(tmp_path.rglob("*")) == before


def test_a_failed_check_is_exit_1_and_writes_nothing(tmp_path):
    code = (
        "import sys\nfrom symderiv.calculus import pullbacks\nfrom symderiv.calculus.expressions import MatMul\n"
        "right = pullbacks.PULLBACKS[MatMul]\n"
        "pullbacks.PULLBACKS[MatMul] = lambda Y_bar, node, Y: tuple(2 * a for a in right(Y_bar, node, Y))\n"
        "pullbacks.PULLBACKS[MatMul].__name__ = 'matmul_pullback'\n"
        f"sys.argv = ['symderiv', 'derive', '-o', {str(tmp_path / 'out')!r}]\nfrom symderiv.cli import main\nmain()\n"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert result.returncode == 1 and "the gradient of" in result.stderr and not (tmp_path / "out").exists()


def test_help_imports_nothing_heavy():
    code = "import sys\nimport symderiv.cli\nprint([m for m in ('sympy', 'numpy', 'jinja2') if m in sys.modules])"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    )
    assert "derive" in run("--help").stdout


def verify(*arguments):
    return CliRunner().invoke(main, ["verify", *arguments])


def test_verify_shows_a_table_and_exits_with_0(tmp_path):
    (tmp_path / "net.model").write_text("x: (d, 1); w: (1, d); b: (1, 1)\nL = (w @ x + b)**2 / 2\n")
    result = verify(str(tmp_path / "net.model"), "-e", "linear-graph", "--seed", "3")
    assert result.exit_code == 0 and "\x1b" not in result.output
    lines = result.output.splitlines()
    assert lines[0] == "net; d = 2" and "steps hold to 50 digits" in lines[1]
    for oracle in ("complex step", "central differences", "50 digits", "entrywise SymPy", "plain SymPy"):
        assert oracle in lines[2]
    assert [line.split()[0] for line in lines[3:5]] == ["w", "b"] and "linear-graph" in lines
    assert lines[-1].startswith("All right: 5 gradients in 2 models, ")


def test_verify_takes_textbook_networks():
    result = verify("--hidden", "relu", "--output", "softmax", "--loss", "cross-entropy", "--one-sample", "--inputs")
    assert result.exit_code == 0 and result.output.startswith("relu-softmax-cross-entropy; d = 2")
    assert "\n  X " in result.output


def test_verify_as_json():
    result = verify("-e", "linear-3-2-1", "--json")
    (model,) = json.loads(result.output)["models"]
    assert result.exit_code == 0 and model["passed"] and model["sizes"] == {"d": 2, "h": 3}
    assert {entry["gradient"] for entry in model["errors"]} == {"W1", "W2"}
    assert all(entry["error"] < 1e-9 for entry in model["errors"])


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_verify_exits_with_1_if_a_gradient_is_wrong(options, monkeypatch):
    monkeypatch.setitem(pullbacks.PULLBACKS, MatMul, doubled(pullbacks.PULLBACKS[MatMul]))
    result = verify("-e", "linear-3-2-1", "-e", "linear-graph", *options)
    assert result.exit_code == 1
    if options:
        found = json.loads(result.output)
        assert not found["passed"] and [model["passed"] for model in found["models"]] == [False, True]
        assert "matmul-pullback" in found["models"][0]["failed_step"]
    else:
        assert "is wrong: matmul-pullback" in result.output
        assert result.output.splitlines()[-1] == "WRONG: linear-3-2-1: W1, W2"


def test_verify_colours_only_a_terminal(monkeypatch):
    monkeypatch.setitem(pullbacks.PULLBACKS, MatMul, doubled(pullbacks.PULLBACKS[MatMul]))
    result = CliRunner().invoke(main, ["verify", "-e", "linear-3-2-1"], color=True)
    assert "\x1b[31m" in result.output


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["none.model"], "cannot read none.model"),
        (["-e", "nothing"], "no example called 'nothing'"),
        (["--loss", "x"], "no loss called 'x'"),
        (["data.model"], "data has no parameter"),
        (["--seed", "x"], "not a valid integer"),
        (["--seed", "-1"], "not in the range"),
    ],
)
def test_verify_exits_with_2_for_bad_input(arguments, says, tmp_path, monkeypatch):
    (tmp_path / "data.model").write_text("X: (n, d)\nJ = sum(X**2)\n")
    monkeypatch.chdir(tmp_path)
    result = verify(*arguments)
    assert result.exit_code == 2 and says in result.stderr and not result.stdout


def test_training_an_example_twice_gives_the_same_bytes(tmp_path):
    for folder in ("a", "b"):
        result = run("train", "-e", "two-gaussians", "-n", "500", "-o", folder, cwd=tmp_path)
        assert result.returncode == 0, result.stderr
        assert "500 steps in" in result.stdout and "\x1b" not in result.stdout + result.stderr
    names = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert {
        "boundary.png",
        "boundary.svg",
        "gradients.svg",
        "history.csv",
        "index.html",
        "loss.svg",
        "parameters.npz",
    } <= set(names)
    match, mismatch, errors = filecmp.cmpfiles(tmp_path / "a", tmp_path / "b", names, shallow=False)
    assert sorted(match) == names and not mismatch and not errors


def test_training_resumes_and_refuses_another_run(tmp_path):
    settings = ["-e", "worksheet", "--backend", "numpy", "--batch", "8", "-o", "r"]
    assert run("train", *settings, "-n", "50", cwd=tmp_path).returncode == 0
    assert run("train", *settings, "-n", "90", "--resume", cwd=tmp_path).returncode == 0
    result = run("train", *settings, "-n", "120", "--resume", "--seed", "3", cwd=tmp_path)
    assert result.returncode == 2 and "belongs to another run" in result.stderr and "Traceback" not in result.stderr


def test_training_tells_what_is_wrong_with_data_and_options(tmp_path):
    (tmp_path / "d.csv").write_text("a,b,y\n1,,0\n")
    (tmp_path / "file").write_text("")
    cases = {
        ("-e", "binary-classification", "-d", "d.csv"): "row 2 has no value in the column b",
        ("-e", "binary-classification", "-d", "none.csv"): "cannot read none.csv",
        ("-e", "linear-graph",): "there are no data to train on",
        ("-e", "two-gaussians", "-n", "0"): "steps must be at least 1",
        ("-e", "two-gaussians", "--size", "h=x"): "cannot read the size 'h=x'",
        ("-e", "two-gaussians", "-e", "worksheet", "d.model"): "name one model",
        ("-e", "two-gaussians", "-o", "file"): "cannot create the folder file",
        ("-e", "two-gaussians", "--optimizer", "lion"): "no optimizer lion",
        (): "name one model",
    }  # fmt: skip
    for words, message in cases.items():
        result = run("train", *words, cwd=tmp_path)
        assert result.returncode == 2 and message in result.stderr, (words, result.stderr)
        assert "Traceback" not in result.stderr
    assert not (tmp_path / "output" / "training").exists() or not list(
        (tmp_path / "output" / "training").glob("*/parameters.npz")
    )


def test_show_source_and_export_print_code(tmp_path):
    shown = run("train", "-e", "worksheet", "--batch", "1", "--backend", "numpy", "--show-source", cwd=tmp_path)
    assert "def loss_and_gradients(x, y, W1, W2)" in shown.stdout and "The steps: python" in shown.stdout
    assert not list(tmp_path.iterdir())
    exported = run("export", "-e", "worksheet", "--dialect", "array-api", cwd=tmp_path)
    assert exported.returncode == 0 and "array_namespace" in exported.stdout
    compile(exported.stdout, "net.py", "exec")
    assert "no dialect fortran" in run("export", "-e", "worksheet", "--dialect", "fortran").stderr


def test_the_page_of_a_run_opens_without_an_error(tmp_path, browser):
    assert (
        run(
            "train",
            "--hidden",
            "tanh",
            "--loss",
            "mse",
            "-d",
            "sine",
            "-n",
            "200",
            "--validation",
            "0.2",
            "-o",
            "r",
            cwd=tmp_path,
        ).returncode
        == 0
    )
    page = browser.new_page()
    problems = []
    page.on("console", lambda message: problems.append(message.text))
    page.on(
        "request",
        lambda request: problems.append(request.url) if not request.url.startswith(("file:", "data:")) else None,
    )
    page.goto((tmp_path / "r" / "index.html").as_uri())
    assert page.locator("img.plot").count() == 3
    assert page.evaluate("[...document.images].every(i => i.naturalWidth > 100)")
    assert not problems
    page.close()
