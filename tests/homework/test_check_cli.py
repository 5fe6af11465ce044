"""`symderiv check` with an engine of ours in place of the real one: files and encodings in, reports and status out."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

import symderiv.homework
from homework import markings
from symderiv.cli import main
from symderiv.errors import HomeworkError
from symderiv.homework.batches import MAX_BYTES, Setup, find_homework, mark_all, read_homework

FAKE = (
    f"import sys; sys.path[:0] = [{str(Path(__file__).parents[1])!r}, {str(Path(symderiv.__file__).parents[1])!r}]\n"
    "import symderiv.homework\nfrom homework import markings\nsymderiv.homework.check_homework = markings.engine\n"
    "from symderiv.cli import main\n"
)


@pytest.fixture(autouse=True)
def in_a_folder_with_an_engine(monkeypatch, tmp_path):
    monkeypatch.setattr(symderiv.homework, "check_homework", markings.engine, raising=False)
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.chdir(tmp_path)


def check(*arguments, **options):
    return CliRunner().invoke(main, ["check", *map(str, arguments)], **options)


def process(*arguments, **options):
    """As a process of its own."""
    code = f"{FAKE}sys.argv = ['symderiv', 'check', *{list(map(str, arguments))!r}]\nmain()\n"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, check=False, timeout=60, **options)


def write(**files):
    """Files of the current folder: the ending follows the last underscore."""
    for name, content in files.items():
        stem, _, ending = name.rpartition("_")
        Path(f"{stem}.{ending}").write_bytes(content if isinstance(content, bytes) else content.encode())


# ---------------------------------------------------------------- reading


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("ä = b".encode(), "ä = b"),
        (b"a\r\nb\rc\n", "a\nb\nc\n"),
        ("\ufeffä".encode(), "\ufeffä"),
        ("ä = b".encode("utf-16"), "ä = b"),
        (b"\xfe\xff" + "ä\r\nb".encode("utf-16-be"), "ä\nb"),
        ("ä".encode("utf-32"), "ä"),
        (b"M\xfcller \x96 2", "Müller – 2"),
        (b"M\xfc \x81", "Mü \x81"),
        (b"", ""),
        (b"one nul \0 in much text", "one nul \0 in much text"),
    ],
)
def test_encodings_and_line_ends(content, text):
    write(h_md=content)
    assert read_homework(Path("h.md")).text == text


def test_what_is_read_is_what_python_reads():
    for content in ("\ufeffa = b\r\nü = c\r", "x\u2028y\x0c\x85z\n"):
        write(h_md=content)
        assert read_homework(Path("h.md")).text == Path("h.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (bytes(range(256)), "is not text"),
        (b"\0" * 100, "is not text"),
        ("a = b".encode("utf-16-le"), "is not text"),
        (b"\xff\xfea", "is not text"),
        (b"x" * (MAX_BYTES + 1), "larger than a homework may be"),
    ],
)
def test_what_is_no_homework_costs_one_line_and_exit_2(content, says):
    write(h_md=content)
    result = check("h.md")
    assert result.exit_code == 2 and not result.stdout
    assert result.stderr.startswith("error: h.md ") and says in result.stderr and result.stderr.count("\n") == 1


def test_spans_count_a_byte_order_mark_and_translated_line_ends():
    write(h_md="\ufeffü\r\nso a = c\r\n".encode())
    (claim,) = json.loads(check("h.md", "--json").stdout)["claims"]
    text = Path("h.md").read_text(encoding="utf-8")
    assert text[slice(*claim["span"])] == "a = c" and claim["line"] == 2


def test_a_foreign_encoding_is_noted():
    write(h_md=b"M\xfcller: a = b")
    result = check("h.md")
    assert result.exit_code == 0 and "not UTF-8 (first on line 1)" in result.stdout


def test_folders_hold_what_has_an_ending_of_ours_and_each_file_counts_once():
    write(b_md="", a_tex="", c_TXT="", d_py="", e_pdf="", f_html="")
    Path(".hidden.md").write_text("")
    Path("inner.md").mkdir()
    assert [str(p) for p in find_homework([Path("."), Path("e.pdf"), Path("./a.tex")])] == [
        "a.tex", "b.md", "c.TXT", "d.py", "e.pdf",
    ]  # fmt: skip
    with pytest.raises(HomeworkError, match="holds no homework"):
        find_homework([Path("inner.md")])


# ---------------------------------------------------------------- one homework


def test_one_homework_is_told_at_length():
    write(h_md="a = b\na = c\n")
    result = check("h.md")
    assert result.exit_code == 1 and not result.stderr and "\x1b" not in result.stdout
    assert (
        "What was understood" in result.stdout and "line 2  ✗ wrong" in result.stdout and "line 1" not in result.stdout
    )
    assert result.stdout.endswith("1 correct, 0 up to notation, 1 wrong, 0 carried, 0 not decidable\n")
    assert "line 1  ✓ correct" in check("h.md", "--all").stdout
    quiet = check("h.md", "--quiet")
    assert quiet.exit_code == 1 and not quiet.output


def test_nothing_wrong_is_exit_0():
    write(h_md="a = b", n_md="Hello.")
    assert check("h.md").exit_code == check("n.md").exit_code == 0


def test_colours_on_a_terminal_and_not_against_no_color(monkeypatch):
    write(h_md="a = c")
    assert "\x1b[1;31m✗ wrong" in check("h.md", color=True).stdout
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in check("h.md", color=True).stdout


def test_json_of_one_is_one_object():
    write(h_md="ä = b, a = c")
    result = check("h.md", "--json")
    found = json.loads(result.stdout)
    assert result.exit_code == 1 and found["document"] == "h.md" and found["claims"][0]["span"] == [7, 12]


def test_standard_input():
    result = check("-", input="a = c")
    assert result.exit_code == 1 and "✗ wrong" in result.stdout
    assert json.loads(check("-", "--json", input=b"\xef\xbb\xbfa = c").stdout)["document"] == "stdin"
    assert check("-", "-o", "pages", input="a = b").exit_code == 0 and Path("pages/stdin.html").exists()


def test_a_model_file_is_used_and_its_errors_are_told():
    write(h_md="a = b", net_model="x: (n, 1); w: (1, 1)\nJ = sum((x @ w)**2)\n", bad_model="J = sum(x @ v)\n")
    assert "The model that it was marked against" in check("h.md", "--model", "net.model").stdout
    for arguments in (["h.md"], ["h.md", "net.model"]):
        result = check(*arguments, "--model", "bad.model")
        assert result.exit_code == 2 and "bad.model, line 1:" in result.stderr and not result.stdout


def test_pages_go_into_a_file_or_a_folder():
    write(h_md="a = c")
    result = check("h.md", "-o", "report.html")
    assert result.exit_code == 1 and result.stdout.endswith("Open report.html in a browser.\n")
    assert "<!doctype html>" in Path("report.html").read_text()
    assert check("h.md", "--html", "new/folder", "-q").exit_code == 1
    assert Path("new/folder/h.html").read_text() == Path("report.html").read_text()


def test_a_page_never_overwrites_a_homework():
    write(h_html="a = b", g_html="a = b")
    before = Path("h.html").read_bytes()
    result = check("h.html", "-o", "h.html")
    assert result.exit_code == 2 and "would overwrite the homework" in result.stderr
    assert check("h.html", "g.html", "-o", ".").exit_code == 0
    assert Path("h.html").read_bytes() == before and Path("h-html.html").exists() and Path("g-html.html").exists()


def test_pages_of_one_name_get_names_of_their_own():
    write(h_md="a = b", h_txt="a = b")
    for folder in ("x", "y"):
        Path(folder).mkdir()
        Path(folder, "H.md").write_text("a = b")
    assert check("h.md", "h.txt", "x", "y", "-o", "out").exit_code == 0
    assert sorted(p.name for p in Path("out").iterdir()) == ["H-md-2.html", "H-md.html", "h-txt.html", "h.html"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["none.md"], "cannot read none.md: No such file"),
        (["\x1b[31m.md"], "cannot read ␛[31m.md"),
        (["empty"], "the folder empty holds no homework"),
        (["h.md", "g.md", "-o", "x.html"], "2 homeworks do not fit into one page"),
        (["h.md", "-o", "/proc/none"], "cannot create the folder"),
        (["h.md", "--model", "none.model"], "cannot read none.model"),
        (["crash.md"], "stopped with ValueError (planted ␛[31mred), which is a bug in symderiv"),
        (["hang.md", "--time-limit", "0.2"], "cannot mark hang.md: it took longer than 0.2 s"),
        (["--jobs", "0", "h.md"], "not in the range"),
        ([], "Missing argument"),
    ],
)
def test_bad_input_is_one_error_and_exit_2(arguments, says):
    write(h_md="a = b", g_md="a = b", crash_md="crash", hang_md="hang")
    Path("empty").mkdir()
    before = sorted(Path(".").rglob("*"))
    result = check(*arguments)
    assert result.exit_code == 2 and says in result.stderr and "Traceback" not in result.stderr
    assert not result.stdout and sorted(Path(".").rglob("*")) == before


def test_a_terminal_that_knows_no_unicode_gets_escapes_and_json_stays_json():
    write(h_md="ü: a = c \U0001d400")
    environment = {**os.environ, "PYTHONIOENCODING": "cp1252"}
    result = process("h.md", env=environment)
    assert result.returncode == 1 and rb"\u2717 wrong" in result.stdout and not result.stderr
    found = json.loads(process("h.md", "--json", env=environment).stdout)
    assert found["claims"][0]["verdict"] == "wrong"


def test_neither_help_nor_marking_imports_sympy():
    write(h_md="a = c", g_md="a = b")
    for arguments in (["h.md", "-o", "out"], ["h.md", "g.md", "--json"]):
        code = (
            f"{FAKE}sys.argv = ['symderiv', 'check', *{arguments!r}]\n"
            "try:\n    main()\nfinally:\n    print('sympy' in sys.modules, file=sys.stderr)\n"
        )
        assert (
            subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False).stderr
            == "False\n"
        )
    code = f"{FAKE.splitlines()[0]}\nimport symderiv.cli\nprint(any(m.startswith('symderiv.homework') for m in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


# ---------------------------------------------------------------- many


def many(*arguments, **options):
    return check(*arguments, "--time-limit", "1.5", "--jobs", "2", **options)


def test_many_keep_their_order_and_a_bad_one_costs_only_itself():
    write(
        a_md="a = b", b_md="hang", c_md="a = c", d_md=b"\0\0\0", e_md="die", f_md="crash", g_md="a = b", h_md="\ufeffa = c"
    )  # fmt: skip
    result = many(".", "none.md", "-o", "out")
    assert result.exit_code == 2
    assert [line.split()[1:4] for line in result.stderr.splitlines()] == [
        ["cannot", "mark", "b.md:"],
        ["d.md", "is", "not"],
        ["cannot", "mark", "e.md:"],
        ["cannot", "mark", "f.md:"],
        ["cannot", "read", "none.md:"],
    ]
    assert "it took longer than 1.5 s" in result.stderr and "the process that marked it died" in result.stderr
    heads = [line.split(":")[0] for line in result.stdout.splitlines() if ".md:" in line]
    assert heads == ["a.md", "c.md", "g.md", "h.md"]
    assert "9 homeworks: 2 nothing wrong, 2 something wrong, 5 not marked\nPages in out/\n" in result.stdout
    assert "What was understood" not in result.stdout and result.stdout.count("✗ wrong") == 2
    assert sorted(p.name for p in Path("out").iterdir()) == ["a.html", "c.html", "g.html", "h.html"]


def test_json_of_many_is_an_object_a_line():
    write(a_md="a = b \u2028 \x85", b_md="crash", c_md="a = c")
    result = many("a.md", "b.md", "c.md", "--json")
    found = [json.loads(line) for line in result.stdout.splitlines()]
    assert [f["document"] for f in found] == ["a.md", "b.md", "c.md"] and result.exit_code == 2
    assert "stopped with ValueError" in found[1]["error"] and found[2]["summary"]["wrong"] == 1


@pytest.mark.parametrize("jobs", [1, 2, 3])
def test_any_number_of_processes_gives_the_same(jobs):
    write(**{f"h{k}_md": f"{'x ' * k}a = {'bc'[k % 2]}" for k in range(9)})
    outcomes = list(mark_all(find_homework([Path(".")]), Setup(markings.engine, pages=True), jobs))
    assert [o.name for o in outcomes] == [f"h{k}.md" for k in range(9)]
    assert [o.marking.is_faultless for o in outcomes] == [k % 2 == 0 for k in range(9)]
    assert all(o.page == o.marking.to_html() for o in outcomes)


def test_status_of_many():
    write(a_md="a = b", b_md="a = b", c_md="a = c")
    assert many("a.md", "b.md").exit_code == 0 and many("a.md", "c.md").exit_code == 1
    assert not many("a.md", "c.md", "-q").output


def test_where_no_process_starts_it_is_done_here(monkeypatch):
    from symderiv.homework import batches

    def refuse(setup):
        raise OSError("no more processes")

    monkeypatch.setattr(batches, "_Worker", refuse)
    write(a_md="a = b", b_md="a = c")
    assert many("a.md", "b.md").exit_code == 1


def test_no_process_is_left_behind_when_nobody_wants_the_rest():
    from multiprocessing import active_children

    write(**{f"h{k}_md": "a = b" if k else "a = c" for k in range(4)}, z_md="hang")
    outcomes = mark_all(find_homework([Path(".")]), Setup(markings.engine, time_limit=30), 2)
    assert next(outcomes).name == "h0.md"
    outcomes.close()
    assert not active_children()
