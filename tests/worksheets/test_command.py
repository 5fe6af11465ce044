"""`symderiv worksheet`: files, class lists, errors."""

import csv
import subprocess
import sys

import pytest

from symderiv.worksheets.students import read_students


def run(folder, *words):
    command = [sys.executable, "-m", "symderiv.cli", "worksheet", *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_files(tmp_path):
    result = run(tmp_path, "--seed", "7", "-f", "html,latex,md,moodle,stack", "--choices", "2")
    assert result.returncode == 0, result.stderr
    made = {p.name for p in (tmp_path / "output/worksheets").iterdir()}
    both = {f"worksheet{key}.{ending}" for key in ("", "-key") for ending in ("html", "tex", "md")}
    assert made == both | {"worksheet.xml", "worksheet-stack.xml"}
    sheet, key = ((tmp_path / f"output/worksheets/worksheet{k}.md").read_text() for k in ("", "-key"))
    assert ": right" not in sheet and ": right" in key and key.count("```math") > sheet.count("```math")


def test_pdf(tmp_path, pdflatex):
    assert run(tmp_path, "-f", "pdf", "-o", ".").returncode == 0
    assert (tmp_path / "worksheet-key.pdf").read_bytes().startswith(b"%PDF")


def test_a_class_gets_numbers_of_their_own(tmp_path):
    (tmp_path / "class.csv").write_text(
        'id;name\n1;Anna B.\n2;Björn Ödegård\n3;"Li, Wei"\n4;anna b\n', encoding="utf-8-sig"
    )
    result = run(tmp_path, "--students", "class.csv", "-f", "md,moodle", "-o", "made")
    assert result.returncode == 0 and "4 sheets" in result.stdout, result.stderr
    sheets = sorted((tmp_path / "made/sheets").iterdir())
    assert [p.stem for p in sheets] == ["Anna-B", "Björn-Ödegård", "Li-Wei", "anna-b-2"]
    assert len({p.read_text().split("## Given")[1] for p in sheets}) == 4
    assert {p.name for p in (tmp_path / "made/keys").iterdir()} == {*(p.name for p in sheets), "answers.csv"}
    with (tmp_path / "made/keys/answers.csv").open(encoding="utf-8", newline="") as file:
        heading, *rows = csv.reader(file)
    assert [row[0] for row in rows] == ["Anna B.", "Björn Ödegård", "Li, Wei", "anna b"]
    column = next(k for k, name in enumerate(heading) if "v-y_hat" in name)
    key = (tmp_path / "made/keys/Li-Wei.md").read_text()
    assert f"&= {rows[2][column]}" in key and len({tuple(row[2:]) for row in rows}) == 4
    first = (tmp_path / "made/sheets/Li-Wei.md").read_text()
    assert "For Li, Wei." in first
    (tmp_path / "class.csv").write_text("name\nLi, Wei\n".replace("Li, Wei", '"Li, Wei"'))
    run(tmp_path, "--students", "class.csv", "-f", "md", "-o", "again")
    assert (tmp_path / "again/sheets/Li-Wei.md").read_text() == first, "the numbers are the student's, not the list's"


def test_lists_are_read(tmp_path):
    file = tmp_path / "list.csv"
    file.write_text("Anna\nBen\n")
    assert [s.name for s in read_students(file)] == ["Anna", "Ben"]
    file.write_text("email,Name\na@x,Anna\nb@x,Ben\n")
    assert [s.name for s in read_students(file)] == ["Anna", "Ben"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "names no student"),
        ("name\nAnna\nAnna\n", "row 2: Anna is named twice"),
        ("name,group\n,1\n", "row 2: there is no name"),
    ],
)
def test_lists_that_are_no_lists(tmp_path, text, message):
    (tmp_path / "list.csv").write_text(text)
    result = run(tmp_path, "--students", "list.csv")
    assert result.returncode == 2 and message in result.stderr and not (tmp_path / "output").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["-e", "worksheet", "--hidden", "tanh"], "one network is asked about"),
        (["-f", "docx"], "there is no format docx"),
        (["--size", "h=two"], "cannot read the size 'h=two'"),
        (["--students", "missing.csv"], "cannot read missing.csv"),
        (["-e", "nothing"], "there is no example called 'nothing'"),
    ],
)
def test_errors(tmp_path, words, message):
    result = run(tmp_path, *words)
    assert result.returncode == 2 and message in result.stderr and "Traceback" not in result.stderr
    assert not (tmp_path / "output").exists()
