"""What the README shows is what happens."""

from __future__ import annotations

import doctest
import re
import shlex
import subprocess
import sys
from pathlib import Path

README = Path(__file__).parent.parent / "README.md"
TEXT = README.read_text()


def test_python_examples():
    result = doctest.testfile(
        str(README), module_relative=False, optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    )
    assert result.attempted > 5 and not result.failed


def test_commands_and_the_error_shown(tmp_path):
    model = re.search(r"```\n(# A small classifier; rows are samples\n.*?)```", TEXT, re.DOTALL)[1]
    (tmp_path / "net.model").write_text(model)
    points = "".join(f"{k % 3},{k % 5},{k % 2}\n" for k in range(60))
    (tmp_path / "points.csv").write_text("a,b,label\n" + points)
    (tmp_path / "class.csv").write_text("name\nAnna\nBen\n")
    commands = [line for line in TEXT.splitlines() if line.startswith(".venv/bin/symderiv ")]
    assert len(commands) == 24
    assert {shlex.split(line)[1] for line in commands} == {
        "derive", "examples", "compare", "work", "train", "export", "check", "worksheet", "verify"
    }  # fmt: skip
    for line in commands:
        words = shlex.split(line, comments=True)[1:]
        if "pdf" in words:
            words[words.index("pdf")] = "html"  # the PDF has its own test, which knows whether there is a LaTeX
        words = [str(README.parent / w) if w.startswith("symderiv/") else w for w in words]
        result = subprocess.run(
            [sys.executable, "-m", "symderiv.cli", *words], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert result.returncode == (words[0] == "check"), result.stderr  # the homework has one mistake
        if words[0] == "check" and len(words) == 2:
            shown = re.search(r"```\n(line \d+  ✗ wrong.*?\n)```", TEXT, re.DOTALL)[1]
            assert shown in result.stdout and result.stdout.count("✗") == 1
        if "W2[1]" in words:
            shown = re.search(r"```\n(  dl/dW2\[1\] = .*?\n)```", TEXT, re.DOTALL)[1]
            assert shown in result.stdout
    pictures = {
        "loss.svg",
        "loss.png",
        "boundary.svg",
        "gradients.png",
        "index.html",
        "parameters.npz",
        "checkpoint.npz",
    }
    assert pictures <= {path.name for path in (tmp_path / "output" / "training" / "net").iterdir()}
    made = {str(path.relative_to(tmp_path / "output")) for path in (tmp_path / "output").rglob("*.*")}
    assert {
        "comparisons/index.html",
        "comparisons/sigmoid-tanh-relu.html",
        "worksheets/worksheet-key.tex",
        "worksheets/net.xml",
    } <= made
    assert {"worksheets/sheets/Anna.md", "worksheets/keys/Ben.html", "worksheets/two-gaussians.html"} <= made
    assert (tmp_path / "marked.html").read_text() == (tmp_path / "marked" / "two_layer.html").read_text()
    assert "def loss_and_gradients(X, Y, W1, b1, W2, b2):" in (tmp_path / "net.py").read_text()
    assert {"net.html", "net.tex", "net.md"} <= {path.name for path in (tmp_path / "output").iterdir()}
    (tmp_path / "net.model").write_text(model.replace("X @ W1", "W1 @ X"))
    result = subprocess.run(
        [sys.executable, "-m", "symderiv.cli", "derive", "net.model"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 2 and result.stderr.strip() in TEXT


def test_the_first_screen():
    """What it is, a picture, one command that sets up and does the main job, one that sets up and passes the tests."""
    first = TEXT[: TEXT.index("## Derive")]
    picture = re.search(r"!\[([^\]]+)\]\(([^)]+)\)", first)
    assert (README.parent / picture[2]).read_text().startswith("<svg") and "line 39" in picture[1]
    blocks = re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL)
    assert len(blocks) == 2 and all(
        block.startswith("python3 -m venv .venv && .venv/bin/pip install") for block in blocks
    )
    assert "symderiv examples --out output" in blocks[0] and "pytest" in blocks[1]


def test_links_lead_somewhere():
    titles = {
        re.sub(r"[^a-z0-9 -]", "", t.lower()).replace(" ", "-") for t in re.findall(r"^#+ (.*)$", TEXT, re.MULTILINE)
    }
    for target in re.findall(r"\]\(([^)]+)\)", TEXT):
        if target.startswith("#"):
            assert target[1:] in titles, target
        else:
            assert (README.parent / target).exists(), target


def test_what_it_shows_of_adding_is_in_the_code():
    """The mistake that is shown as an example is there, shortened; the activation is added for a test elsewhere."""
    shown = re.search(r"```\n(@repair_of.*?)```", TEXT, re.DOTALL)[1].splitlines()
    source = (README.parent / "symderiv" / "homework" / "diagnosis" / "slopes.py").read_text()
    assert all(line in source for line in shown if '"""' not in line)
    contracts = (README.parent / "tests" / "test_contracts.py").read_text()
    assert re.search(r"swish\(x\) = .*?$", TEXT, re.MULTILINE)[0] in contracts
