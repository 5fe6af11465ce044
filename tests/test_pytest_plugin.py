"""`pytest --symderiv` in processes of its own, on homework as people write it."""

from __future__ import annotations

import importlib.metadata
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from symderiv.homework.marking import Claim
from symderiv.pytest_plugin import LONGEST, _matches, name_of

pytest_plugins = ["pytester"]

ROOT = Path(__file__).parents[1]
EXAMPLE = ROOT / "symderiv" / "homework" / "examples" / "two_layer.md"
DOCUMENTS = ROOT / "tests" / "homework" / "documents" / "development"
IS_INSTALLED = any(
    entry.value == "symderiv.pytest_plugin" for entry in importlib.metadata.entry_points(group="pytest11")
)
LOADED = () if IS_INSTALLED else ("-p", "symderiv.pytest_plugin")  # an environment made before there was a plugin

SLOPE = "homework/hw.md::line 39: dL/db2 = 2 (a2 - y)"
PROGRAM = """\
raise SystemExit("somebody ran it")
Z1 = X @ W1 + b1
A1 = np.tanh(Z1)
Z2 = A1 @ W2 + b2
loss = np.sum((Z2 - Y) ** 2) / len(X)
dZ2 = 2 * (Z2 - Y) / len(X)
dZ1 = dZ2 @ W2.T * (1 - Z1**2)
"""


@pytest.fixture
def run(pytester, monkeypatch):
    monkeypatch.setenv("PYTHONIOENCODING", "utf-8")
    monkeypatch.delenv("CI", raising=False)
    pytester.makeini("[pytest]\nfilterwarnings = error\n")

    def started(*arguments):
        return pytester.runpytest_subprocess(*LOADED, *arguments, timeout=60)

    return started


@pytest.fixture
def write(pytester):
    """Homework in the folder `homework`, by file name."""
    folder = pytester.mkdir("homework")

    def written(name, content):
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())

    return written


def ids(result):
    return [line for line in result.outlines if "::" in line]


# ---------------------------------------------------------------- verdicts


def test_a_wrong_claim_fails_with_its_diagnosis(run, write):
    write("hw.md", EXAMPLE.read_bytes())
    result = run("--symderiv", "homework", "-v")
    result.assert_outcomes(passed=13, failed=1, xfailed=1)
    assert result.ret == 1
    result.stdout.fnmatch_lines(["homework/hw.md::line 7: z1 = w1 x + b1 PASSED*", f"{SLOPE} FAILED*"])
    text = result.stdout.str()
    diagnosis = text[text.index("FAILURES") : text.index("short test summary")]
    for part in (
        "\nthe factor g′(z₂) is missing",
        "    $$\\frac{dL}{db_2} = 2(a_2 - y)$$\n      ^^^^^^^^^^^^^^^^^^^^^^^^^^^^\n",
        "  read as   dL/db₂ = 2 (a₂ - y)\n",
        "  expected  ∂L/∂z₂\n",
        "  mistake   missing-slope: the factor g'(z) is missing\n",
        "\nhomework/hw.md:39: wrong\n",
        "  assumed: g is sigmoid (line 3: said in words)",
    ):
        assert part in diagnosis
    assert "Traceback" not in text and "pytest_plugin.py" not in text
    result.stdout.fnmatch_lines([f"FAILED {SLOPE} - Failed: the f*"])


def test_what_was_understood_is_told_on_request(run, write):
    write("hw.md", EXAMPLE.read_bytes())
    assert "assumed:" not in run("--symderiv", "homework").stdout.str()


def test_carried_is_charged_once(run, write):
    write("hw.md", (DOCUMENTS / "01_blog_2_3_1.md").read_bytes())
    result = run("--symderiv", "homework", "-rx")
    result.assert_outcomes(passed=30, failed=2, xfailed=3)
    result.stdout.fnmatch_lines(["XFAIL homework/hw.md::line 53: W^(2) =* - follows from line 41"])
    run("--symderiv", "homework", "--runxfail").assert_outcomes(passed=30, failed=5)


def test_up_to_notation_passes_with_its_reading(run, write):
    write("hw.md", (DOCUMENTS / "10_residual.md").read_bytes())
    result = run("--symderiv", "homework", "-rP")
    result.assert_outcomes(passed=26, skipped=1)
    result.stdout.fnmatch_lines(["* right up to notation *", "line 29 *", "*reason    true if read charitably: *"])
    assert result.stdout.str().count("right up to notation") == 1


UNDECIDABLE = "We minimise some loss $L$.\n\n$$z = w x$$\n\n$$\\frac{dL}{dw} = 2 (z - y) x$$\n"


def test_what_is_not_decidable_is_skipped_unless_strict(run, write):
    write("hw.md", UNDECIDABLE)
    write("notes.md", "Please hand in on Friday.\n")
    result = run("--symderiv", "homework", "-rs")
    result.assert_outcomes(passed=1, skipped=2)
    result.stdout.fnmatch_lines(["SKIPPED * homework/hw.md: line 5: *", "SKIPPED * homework/notes.md: nothing in it *"])
    result = run("--symderiv", "--symderiv-strict", "homework")
    result.assert_outcomes(passed=1, failed=2)
    result.stdout.fnmatch_lines(["homework/hw.md:5: uncheckable", "FAILED homework/notes.md::no claims - *"])


def test_a_model_says_what_it_is_about(run, write, pytester):
    write("hw.md", UNDECIDABLE)
    (pytester.path / "net.model").write_text("x: (d, 1)\ny: (1, 1)\nw: (1, d)\nz = w @ x\nL = sum((z - y)**2)\n")
    result = run("--symderiv", "--symderiv-model", "net.model", "homework", "-rP")
    result.assert_outcomes(passed=2)


@pytest.mark.parametrize("name", ["none.model", "bad.model"])
def test_a_model_that_cannot_be_read_is_one_error(run, write, pytester, name):
    write("hw.md", EXAMPLE.read_bytes())
    (pytester.path / "bad.model").write_text("J = sum(x @ v)\n")
    result = run("--symderiv", "--symderiv-model", name, "homework")
    assert result.ret == pytest.ExitCode.USAGE_ERROR and "Traceback" not in result.stderr.str()
    assert result.stderr.str().count("ERROR") == 1 and name in result.stderr.str()


def test_a_file_that_cannot_be_read_is_one_failure_and_costs_only_itself(run, write):
    write("a.md", bytes(range(256)))
    write("b.md", EXAMPLE.read_bytes())
    result = run("--symderiv", "homework")
    result.assert_outcomes(passed=13, failed=2, xfailed=1)
    result.stdout.fnmatch_lines(["*a.md is not text", "FAILED homework/a.md::not marked - Failed: *"])
    assert "Traceback" not in result.stdout.str()


def test_text_of_students_moves_no_cursor(run, write):
    hostile = "$$z = w x$$\n$$L = (z - y)^2$$\n$$\\frac{dL}{dw} = (z - y) x$$ \x1b[31mred\x1b[2J \x07\x9b1m \u202e\n$$q\x1b[2J = a::b[1]$$\n"
    write("hw.md", hostile)
    write("\x1b[31mred.md", hostile)
    for arguments in (["-vv", "-rA"], ["--collect-only"]):
        text = run("--symderiv", "homework", *arguments).stdout.str()
        assert "␛[31mred.md" in text and not re.search("[\x1b\x07\x9b\u202e]", text)


# ---------------------------------------------------------------- what is homework


def test_it_is_opt_in(run, write, pytester):
    write("hw.md", EXAMPLE.read_bytes())
    write("my_backward.py", PROGRAM)
    pytester.makepyfile(test_it="def test_it():\n    import sys\n    assert 'symderiv.homework' not in sys.modules")
    run(".").assert_outcomes(passed=1)
    run(".", "--symderiv-strict", "--symderiv-model", "none.model").assert_outcomes(passed=1)


def test_neither_tests_nor_hidden_files_are_homework(run, write):
    for name in ("test_it.py", "test_backward.py"):
        write(name, "def test_it(): pass\n")
    write("solution.py", PROGRAM)
    write(".hidden.md", EXAMPLE.read_bytes())
    write("conftest.py", "")
    run("--symderiv", "homework", "homework/test_it.py").assert_outcomes(passed=2)


def test_a_program_is_marked_and_never_run(run, write, pytester):
    write("ann_backward.py", PROGRAM)
    (pytester.path / "solution.py").write_text(PROGRAM)
    result = run("--symderiv", "homework", "solution.py", "--doctest-modules")
    result.assert_outcomes(passed=10, failed=2)
    result.stdout.fnmatch_lines(["*mistake   slope-at-wrong-argument: *", "solution.py:7: wrong"])


def test_other_plugins_keep_their_documents(run, write, pytester):
    write("hw.md", "$z = w x$\n\n>>> 1 + 1\n2\n")
    (pytester.path / "named.answer").write_text("$z = w x$\n")
    run("--symderiv", "homework", "named.answer", "--doctest-glob=*.md").assert_outcomes(passed=3)


def test_settings_name_other_files(run, write, pytester):
    for name in ("a.md", "b.answer"):
        write(name, "$z = w x$\n")
    (pytester.path / "c.answer").write_text("$z = w x$\n")
    pytester.makeini("[pytest]\nsymderiv_files = homework/*.answer\n")
    result = run("--symderiv", "--collect-only", "-q")
    assert ids(result) == ["homework/b.answer::line 1: z = w x"]


@pytest.mark.parametrize(
    ("path", "pattern", "does"),
    [
        ("/x/a/hw.md", "*.md", True),
        ("/x/a/HW.MD", "*.md", True),
        ("/x/a.md/hw.py", "*.md", False),
        ("/x/a/hw.md", "a/*.md", True),
        ("/x/b/hw.md", "a/*.md", False),
        ("/test_x/a.py", "test_*.py", False),
    ],
)
def test_patterns(path, pattern, does):
    assert _matches(Path(path), [pattern]) is does


# ---------------------------------------------------------------- with the rest of pytest


def claim(reading, line=3):
    return Claim(line, (0, 1), "\\source", "derivative", reading, "correct")


def test_names_are_short_and_safe():
    assert name_of(claim("∂L/∂W₂⁻¹ = (a₁ᵀ)²")) == "line 3: ∂L/∂W2^\N{MINUS SIGN}1 = (a1^T)^2"
    assert name_of(claim("a::b = W^[1]\n:: c")) == "line 3: a: :b = W^(1) : : c"
    assert name_of(claim("")) == "line 3: \\source"
    long = name_of(claim("x" * 500)).removeprefix("line 3: ")
    assert len(long) == LONGEST and long.endswith("...")


def test_ids_are_unique_and_select_a_claim(run, write):
    write("hw.md", "$z = w x$ and $z = w x$\n$W = [1, 2]$ $z_1 = z :: x$\n")
    result = run("--symderiv", "homework", "--collect-only", "-q")
    found = ids(result)
    assert len(found) == len(set(found)) >= 3 and "homework/hw.md::line 1: z = w x (2)" in found
    selected = run("--symderiv", "-v", *found)
    for one, line in zip(found, [line for line in selected.outlines if "::" in line and "%]" in line], strict=True):
        assert line.startswith(f"{one} ")


def test_verdicts_and_mistakes_are_keywords(run, write):
    write("hw.md", EXAMPLE.read_bytes())
    keywords = "missing-slope and wrong and db2 and not correct"
    assert ids(run("--symderiv", "homework", "--collect-only", "-q", "-k", keywords)) == [SLOPE]


def test_stopping_and_going_on_with_the_last_failures(run, write):
    write("hw.md", EXAMPLE.read_bytes())
    write("matrices.md", (DOCUMENTS / "01_blog_2_3_1.md").read_bytes())
    run("--symderiv", "homework", "-x").assert_outcomes(passed=9, failed=1)
    run("--symderiv", "homework").assert_outcomes(passed=43, failed=3, xfailed=4)
    run("--symderiv", "homework", "--lf").assert_outcomes(failed=3)


def test_several_processes_find_the_same(run, write):
    for name in ("01_blog_2_3_1.md", "10_residual.md"):
        write(name, (DOCUMENTS / name).read_bytes())
    result = run("--symderiv", "homework", "-n", "2")
    result.assert_outcomes(passed=56, failed=2, skipped=1, xfailed=3)
    result.stdout.fnmatch_lines(["*mistake   arithmetic-slip: *", "homework/01_blog_2_3_1.md:4*: wrong"])


def test_junit_report(run, write, pytester):
    write("hw.md", EXAMPLE.read_bytes())
    write("control.md", "Controls do not go into XML as they are: $z = w x$ and $q \x01 \x1b = r$.\n")
    run("--symderiv", "homework", "--junitxml=report.xml")
    cases = ElementTree.parse(pytester.path / "report.xml").findall(".//testcase")
    (failed,) = [case for case in cases if case.find("failure") is not None]
    assert failed.get("classname") == "homework.hw.md" and failed.get("name") == SLOPE.split("::")[1]
    assert "missing-slope" in failed.find("failure").text


# ---------------------------------------------------------------- cost


def test_the_plugin_imports_nothing_heavy():
    code = (
        "import pytest, sys; before = set(sys.modules); import symderiv.pytest_plugin\n"
        "print(*sorted(m for m in set(sys.modules) - before if not m.startswith('symderiv.pytest_plugin')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["symderiv"]


def test_the_plugin_is_declared():
    assert (
        '[project.entry-points.pytest11]\nsymderiv = "symderiv.pytest_plugin"\n'
        in (ROOT / "pyproject.toml").read_text()
    )


def test_what_the_readme_shows(tmp_path):
    text = (ROOT / "README.md").read_text()
    commands = [line.split()[1:] for line in text.splitlines() if line.startswith(".venv/bin/pytest ")]
    (shown,) = re.findall(r"```\n(_+ line 39: .*?)```", text, re.DOTALL)
    target = tmp_path / "examples"  # a folder called symderiv would be taken for the package
    target.mkdir()
    shutil.copy(EXAMPLE, target)
    shown = shown.replace("symderiv/homework/examples", "examples")
    for arguments in commands:
        here = [argument.replace("symderiv/homework/examples", "examples") for argument in arguments]
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *LOADED, *here], cwd=tmp_path, capture_output=True, check=False
        )
        assert done.returncode == 1 and shown in done.stdout.decode()
    assert len(commands) == 2 and (tmp_path / "marks.xml").exists()
