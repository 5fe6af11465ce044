"""`symderiv check --report`: a class's worth, with an engine of ours in place of the real one where that is enough."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

import symderiv.homework
from homework import markings
from homework.test_check_cli import FAKE, write
from homework.test_reports import HOSTILE, hostile_marking
from symderiv.cli import main
from symderiv.cli.progress import Progress
from symderiv.documents.files import replacing
from symderiv.errors import OutputError
from symderiv.homework.batches import Outcome
from symderiv.homework.gradebook import class_report, store
from symderiv.homework.gradebook.gradescope import results_of
from symderiv.homework.gradebook.questions import question_of
from symderiv.homework.gradebook.records import marking_of, record_of
from symderiv.homework.gradebook.scores import charged, score_of
from symderiv.homework.gradebook.store import Entry, engine, key_of, opened
from symderiv.homework.gradebook.submissions import LONGEST_STEM, stems_of, submissions_of
from symderiv.homework.gradebook.summary import Summary
from symderiv.homework.gradebook.tables import Tables, cell
from symderiv.homework.marking import VERDICTS, Claim, Marking, Understood


@pytest.fixture(autouse=True)
def in_a_folder_with_an_engine(monkeypatch, tmp_path):
    monkeypatch.setattr(symderiv.homework, "check_homework", markings.engine)
    monkeypatch.chdir(tmp_path)
    Path("class").mkdir()


def report(*options, folder="class", into="report"):
    return CliRunner().invoke(main, ["check", folder, "--report", into, "--jobs", "2", *options])


def written(into="report"):
    """Every file by name, without the one that the results are kept in."""
    return {
        file.relative_to(into).as_posix(): file.read_bytes()
        for file in Path(into).rglob("*")
        if file.is_file() and not file.name.startswith("results.sqlite")
    }


def rows(name):
    with Path("report", name).open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def kept(into="report"):
    """How many results there are, also while somebody writes them."""
    shutil.rmtree("copy", ignore_errors=True)
    Path("copy").mkdir()
    for file in Path(into).glob("results.sqlite*"):
        shutil.copy(file, "copy")
    with closing(sqlite3.connect("copy/results.sqlite")) as file:
        try:
            return file.execute("SELECT COUNT(*) FROM results").fetchone()[0]
        except sqlite3.Error:
            return 0


def names(**files):
    write(**{f"class/{name}": content for name, content in files.items()})


# ---------------------------------------------------------------- the whole command


def test_a_class_gets_pages_tables_and_a_page_for_the_teacher():
    names(a_md="a = b", b_md="so a = c", c_md="a = b and a = c")
    result = report()
    assert result.exit_code == 1 and not result.stderr
    assert result.stdout == "3 submissions: 1 nothing wrong, 2 something wrong. Open report/index.html in a browser.\n"
    assert sorted(written()) == [
        "claims.csv", "claims.jsonl", *(f"gradescope/{n}/results.json" for n in "abc"), "index.html",
        *(f"students/{n}.html" for n in "abc"), "submissions.csv",
    ]  # fmt: skip
    assert [(r["submission"], r["verdict"], r["page"]) for r in rows("claims.csv")] == [
        ("a.md", "correct", "students/a.html#c1"), ("b.md", "wrong", "students/b.html#c1"),
        ("c.md", "correct", "students/c.html#c1"), ("c.md", "wrong", "students/c.html#c2"),
    ]  # fmt: skip
    assert [(r["submission"], r["correct"], r["score"], r["mistakes"]) for r in rows("submissions.csv")] == [
        ("a.md", "1", "100.0", ""), ("b.md", "0", "0.0", "unrecognised"), ("c.md", "1", "50.0", "unrecognised"),
    ]  # fmt: skip
    objects = [json.loads(line) for line in Path("report/claims.jsonl").read_text().splitlines()]
    assert objects[1]["document"] == "b.md" and objects[1]["summary"]["wrong"] == 1
    for name in "abc":
        text = Path(f"class/{name}.md").read_text()
        assert written()[f"students/{name}.html"].decode() == markings.engine(text, f"{name}.md").to_html()
    assert report("--quiet").output == ""


def test_what_the_real_engine_says_is_what_the_pages_say(monkeypatch):
    from homework.generator import generate
    from symderiv.homework.checking import check_homework

    monkeypatch.setattr(symderiv.homework, "check_homework", check_homework)
    texts = {f"s{seed}": generate(seed).text for seed in (3, 7, 8)}
    for name, text in texts.items():
        Path(f"class/{name}.md").write_text(text)
    report()
    for name, text in texts.items():
        assert written()[f"students/{name}.html"].decode() == check_homework(text, f"{name}.md").to_html()
    page = written()["index.html"].decode()
    assert "3 submissions" in page and "<math" in page and "students/s3.html#c" in page


def test_a_run_that_is_killed_goes_on_to_the_bytes_of_an_unbroken_one():
    names(**{f"h{k:02d}_md": f"{'x ' * k}a = {'bc'[k % 2]}" for k in range(12)}, h05b_md="hang", z_md=b"\0\1\2")
    code = f"{FAKE}sys.argv = ['symderiv', 'check', 'class', '--report', 'report', '--jobs', '2']\nmain()\n"
    process = subprocess.Popen([sys.executable, "-c", code])
    until = time.monotonic() + 60
    while kept() < 12 and time.monotonic() < until:
        time.sleep(0.1)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert kept() == 12 and not Path("report/index.html").exists()
    broken, unbroken = report("--time-limit", "3"), report("--time-limit", "3", into="unbroken")
    assert "12 known from before" in broken.stdout and "known" not in unbroken.stdout
    assert broken.exit_code == unbroken.exit_code == 2 and broken.stderr == unbroken.stderr
    assert written() == written("unbroken")


def test_a_run_that_stops_while_it_writes_goes_on_too(monkeypatch):
    names(**{f"h{k}_md": f"{'x ' * k}a = c" for k in range(5)})

    def stop_at_three(entry, folder, write=class_report._write_student):
        if entry.stem == "h3":
            with replacing(folder / "students" / "h3.html") as file:
                file.write("half")
                raise KeyboardInterrupt
        write(entry, folder)

    with monkeypatch.context() as patched:
        patched.setattr(class_report, "_write_student", stop_at_three)
        stopped = report()
    assert stopped.exit_code == 130 and "the same command goes on from here" in stopped.stderr
    assert not Path("report/index.html").exists()
    assert "5 known from before" in report().stdout and report(into="unbroken").exit_code == 1
    assert written() == written("unbroken")


def test_a_poisoned_file_costs_only_itself():
    names(a_md="a = b", b_md=b"\0\1\2", c_md="crash", d_md="die", e_md="hang", f_md="a = c", g_md=b"x" * 1_000_001)
    result = report("--time-limit", "1")
    assert result.exit_code == 2
    assert result.stdout.startswith("7 submissions: 1 nothing wrong, 1 something wrong, 5 not marked. ")
    assert [line.partition(": ")[2] for line in result.stderr.splitlines()] == [
        r["problem"] for r in rows("submissions.csv") if r["problem"]
    ]
    assert sorted(p.name for p in Path("report/students").iterdir()) == ["a.html", "f.html"]
    assert len(list(Path("report/gradescope").iterdir())) == 7
    page = written()["index.html"].decode()
    for why in ("b.md is not text", "stopped with ValueError", "died", "took longer than 1 s", "larger than"):
        assert why in page and why in result.stderr
    assert json.loads(written()["claims.jsonl"].splitlines()[2])["error"].startswith("cannot mark c.md: ")
    start = time.monotonic()
    assert report("--time-limit", "1").stderr == result.stderr and time.monotonic() - start < 1  # not tried again


def test_a_homework_that_was_stopped_is_tried_again_with_more_time():
    with opened(Path("r.sqlite")) as results:
        results.keep("k", Outcome("h.md", reason="it took longer than 1 s"), 1.0)
        assert results.knows("k", 1.0) and results.knows("k", 0.5) and not results.knows("k", 2.0)
        results.keep("k", Outcome("h.md", markings.engine("a = b")), 2.0)
        assert results.knows("k", 60.0) and not results.knows("other", 1.0)


def test_renamed_and_copied_files_are_known_and_removed_ones_disappear():
    names(a_md="a = b", b_md="so a = c", c_md="x a = b")
    report()
    Path("report/students/notes.txt").write_text("the teacher's own")
    os.rename("class/a.md", "class/anna.md")
    shutil.copy("class/b.md", "class/bob.md")
    os.remove("class/c.md")
    result = report()
    assert "3 known from before" in result.stdout
    assert [r["submission"] for r in rows("submissions.csv")] == ["anna.md", "b.md", "bob.md"]
    assert sorted(p.name for p in Path("report/students").iterdir()) == ["anna.html", "b.html", "bob.html", "notes.txt"]
    assert sorted(p.name for p in Path("report/gradescope").iterdir()) == ["anna", "b", "bob"]
    assert b"<title>bob.md</title>" in written()["students/bob.html"]
    os.remove("report/students/notes.txt")
    report(into="afresh")
    assert written() == written("afresh")


def test_a_changed_file_model_or_rule_is_marked_anew(monkeypatch):
    names(a_md="a = b")
    write(net_model="x: (n, 1); w: (1, 1)\nJ = sum((x @ w)**2)\n")
    report()
    assert "known" in report().stdout
    assert "known" not in report("--model", "net.model").stdout and "known" in report("--model", "net.model").stdout
    Path("class/a.md").write_text("a = c")
    assert "known" not in report().stdout
    assert kept() == 3
    monkeypatch.setattr(store, "engine", lambda: "another")
    assert "known" not in report().stdout and kept() == 1  # what nobody can ask for is dropped


def test_a_key_holds_everything_that_a_result_follows_from():
    keys = [key_of(b"x", ".md", None), key_of(b"x", ".py", None), key_of(b"x", ".md", b""), key_of(b"y", ".md", None)]
    assert len({*keys, key_of(b"dx", ".m", None)}) == 5 and re.fullmatch(r"[\d.]+ [0-9a-f]{16}", engine())


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--json"], "--report writes pages, tables and JSON of its own: leave out --json"),
        (["-o", "pages", "--all"], "leave out -o and --all"),
        (["--model", "none.model"], "cannot read none.model"),
        (["-"], "the standard input is one homework and no class"),
        (["empty"], "the folder empty holds no homework"),
    ],
)
def test_what_cannot_be_is_one_error_and_exit_2(options, says):
    names(a_md="a = b")
    Path("empty").mkdir()
    result = report(*options)
    assert result.exit_code == 2 and says in result.stderr and result.stderr.startswith("error: ")
    assert not result.stdout and "Traceback" not in result.stderr


def test_only_one_run_has_a_folder_and_nothing_of_others_is_touched():
    names(a_md="a = b")
    Path("report").mkdir()
    with opened(Path("report/results.sqlite")):
        result = report()
        assert result.exit_code == 2 and "another run writes into this folder" in result.stderr
    os.remove("report/results.sqlite")
    for content in (None, b"no database, but long enough to be taken for one" * 100):
        if content:
            Path("report/results.sqlite").write_bytes(content)
        else:
            with closing(sqlite3.connect("report/results.sqlite")) as file:
                file.execute("CREATE TABLE mine (x)")
        before = Path("report/results.sqlite").read_bytes()
        result = report()
        assert (
            result.exit_code == 2
            and result.stderr.count("\n") == 2
            and Path("report/results.sqlite").read_bytes() == before
        )


def test_a_file_that_cannot_be_written_is_an_error_and_leaves_nothing_aside():
    Path("taken").mkdir()
    with pytest.raises(OutputError, match="cannot write taken"), replacing(Path("taken")) as file:
        file.write("x")
    assert sorted(p.name for p in Path(".").iterdir()) == ["class", "taken"]


def test_progress_is_for_terminals(monkeypatch, capsys):
    monkeypatch.setattr("symderiv.cli.progress.EVERY", -1)
    Progress("marked").tell(3, 10)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    progress = Progress("marked")
    progress.tell(3, 10)
    progress.clear()
    shown, gone, end = capsys.readouterr().err.split("\r")[1:]
    assert shown == "3 of 10 marked" and gone == " " * len(shown) and not end


# ---------------------------------------------------------------- names


def test_folders_in_folders_are_searched():
    for name in ("ann/hw.md", "bob/deep/hw.md", "bob/.git/x.md", "c.md", "bob/image.png", "bob/._hw.md"):
        Path("class", name).parent.mkdir(parents=True, exist_ok=True)
        Path("class", name).write_text("a = b")
    os.mkfifo("class/pipe.md")
    found = submissions_of([Path("class")])
    assert [(s.name, s.stem) for s in found] == [
        ("ann/hw.md", "ann-hw"),
        ("bob/deep/hw.md", "bob-deep-hw"),
        ("c.md", "c"),
    ]
    assert [s.name for s in submissions_of([Path("class/ann/hw.md"), Path("class/bob")])] == [
        "ann/hw.md",
        "bob/deep/hw.md",
    ]


def test_no_two_submissions_share_a_page():
    named = [
        "h.md",
        "h.txt",
        "H.md",
        "a/b.md",
        "a-b.md",
        "<b>.md",
        "b.md",
        "…",
        "x" * 200 + ".md",
        "é.md",
        "e\u0301.md",
        "漢字.md",
    ]
    stems = stems_of([(name, f"{k:012x}") for k, name in enumerate(named)])
    assert len({s.casefold() for s in stems}) == len(named)
    assert all(s and "/" not in s and len(s) <= LONGEST_STEM + 13 and not s.startswith((".", "-")) for s in stems)
    backwards = stems_of([(name, f"{k:012x}") for k, name in reversed(list(enumerate(named)))])
    assert backwards[::-1] == stems and stems[-1] == "漢字"


def test_files_of_one_name_do_not_overwrite_each_other():
    for name in ("h.md", "h.txt", "x/h.md", "x-h.md"):
        Path("class", name).parent.mkdir(exist_ok=True)
        Path("class", name).write_text(f"{name} a = b")
    report()
    pages = {r["page"] for r in rows("submissions.csv")}
    assert len(pages) == 4 and all(Path("report", page).exists() for page in pages)
    assert len(list(Path("report/gradescope").iterdir())) == 4


# ---------------------------------------------------------------- what is made of a marking


def hostile_entry(name="<script>alert(1)</script>"):
    made = hostile_marking()
    return Entry(name, "stem", made, made.to_html(), "")


@pytest.mark.parametrize(
    "made", [hostile_marking(), *map(markings.marking_of, sorted(markings.DOCUMENTS.glob("*.md"))[:3])]
)
def test_a_record_gives_the_marking_back(made):
    assert marking_of(record_of(made), made.document, made.text) == made
    with opened(Path("r.sqlite")) as results:
        submission = submissions_of([Path(".", "x.md")])[0]
        results.enter(0, submission, "k")
        results.keep("k", Outcome("x.md", made, made.to_html()), 1.0)
        (entry,) = results.entries()
    assert entry.marking.to_json() == {**made.to_json(), "document": "x.md"} and entry.page == made.to_html()


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\t=1", " =1", "＝1", "= y - z\nx"])
def test_no_cell_begins_a_formula(text):
    assert cell(text).startswith("'") and "\n" not in cell(text)
    assert cell(-1.5) == -1.5 and cell("a = b") == "a = b" and cell("") == ""


def test_hostile_text_stays_in_its_cell():
    names(**{"=cmd|' C calc'!A0_md": '= a = c, "x";\r\n=1\x1b[31m'})
    report()
    (row,) = rows("submissions.csv")
    assert row["submission"] == "'=cmd|' C calc'!A0.md"
    with (
        Path("claims.csv").open("w+", newline="") as claims,
        Path("s.csv").open("w") as other,
        Path("l").open("w") as lines,
    ):
        Tables(claims, other, lines).add(hostile_entry("=1"))
        claims.seek(0)
        found = list(csv.reader(claims))
    assert len(found) == 6 and {len(row) for row in found} == {11}
    for text in (text for row in found[1:] for text in row):
        assert all(c.isprintable() for c in text) and text[:1] not in tuple("=+-@")
    (line,) = Path("l").read_text().splitlines()
    assert json.loads(line)["document"] == hostile_marking().document


KEYS = {"score", "execution_time", "output", "output_format", "test_output_format", "test_name_format", "visibility",
        "stdout_visibility", "extra_data", "tests", "leaderboard"}  # fmt: skip
TEST_KEYS = {
    "score",
    "max_score",
    "status",
    "name",
    "name_format",
    "number",
    "output",
    "output_format",
    "tags",
    "visibility",
    "extra_data",
}
VISIBILITIES = {"hidden", "after_due_date", "after_published", "visible"}


def test_gradescope_gets_what_it_documents():
    claims = [
        Claim(k + 1, (0, 1), "s", "derivative", f"r{k}", v, "why", "what", ("sign",))
        for k, v in enumerate((*VERDICTS, "wrong"))
    ]
    for entry in (
        Entry("h.md", "h", Marking("h.md", "x", Understood(), tuple(claims)), "", ""), hostile_entry(),
        Entry("p.md", "p", None, "", "p.md is not text"), Entry("e.md", "e", Marking("e.md", "", Understood(), ()), "", ""),
    ):  # fmt: skip
        found = json.loads(json.dumps(results_of(entry)))
        assert set(found) <= KEYS and found["visibility"] in VISIBILITIES and 0 <= found["score"] <= 100
        assert isinstance(found["output"], str) and found["output_format"] == "text"
        for test in found["tests"]:
            assert set(test) <= TEST_KEYS and test["visibility"] in VISIBILITIES and "\n" not in test["name"]
            assert test["status"] == ("passed" if test["score"] == test["max_score"] == 1 else "failed")
    found = results_of(Entry("h.md", "h", Marking("h.md", "x", Understood(), tuple(claims)), "", ""))
    assert [t["score"] for t in found["tests"]] == [1, 1, 0, 1, 0] and found["score"] == 60.0
    assert "For a person to look at, not counted:\n- line 5: r4 (why)" in found["output"]
    assert "Mind the inner derivative" in found["tests"][2]["output"]


def test_the_rule_of_scores():
    def of(*verdicts):
        return score_of([Claim(1, (0, 1), "s", "derivative", "r", v) for v in verdicts])

    assert of("correct", "notation", "wrong", "carried").percent == 75.0 and of("wrong", "uncheckable").percent == 0.0
    assert of("uncheckable").percent is None and of().percent is None
    claims = [
        Claim(1, (0, 1), "s", "chain", "r", v, mistakes=m)
        for v, m in (("wrong", ("sign",)), ("carried", ("x",)), ("wrong", ()))
    ]
    assert charged(claims) == ["sign", "unrecognised"]


@pytest.mark.parametrize(
    ("reading", "kind", "question"),
    [
        ("∂J/∂W^[1] = x", "derivative", "dL/dW1"), ("dL/dW₁ = x", "chain", "dL/dW1"), ("dW^(1) = x", "derivative", "dL/dW1"),
        ("∂L/∂W_1 = 0.3", "number", "dL/dW1"), ("W₁ ← W₁ - η", "update", "update of W1"), ("W₁ ∈ 3 × 2", "shape", "shape of W1"),
        ("z_1 = w x", "definition", "definition of z1"), ("dz₂/da₁ = w", "derivative", "dz2/da1"), ("d = 3", "number", "d"),
        ("", "prose", ""), ("x" * 100 + " = 1", "prose", ""),
    ],
)  # fmt: skip
def test_what_a_claim_is_about(reading, kind, question):
    assert question_of(Claim(1, (0, 1), reading, kind, reading, "correct")) == question


# ---------------------------------------------------------------- the page for the teacher


def summary_of(entries, title="class"):
    with closing(Summary(title)) as summary:
        for entry in entries:
            summary.add(entry)
        return "".join(summary.page())


def claim(number, verdict, *mistakes, reading="dL/dW₁ = a", source="dW_1 = a", kind="derivative"):
    return Claim(number, (0, 1), source, kind, reading, verdict, "why", "", mistakes)


def entry(name, *claims):
    return Entry(name, name, Marking(name, "text", Understood(), claims), "", "")


def test_the_page_tells_mistakes_questions_and_what_is_left():
    html = summary_of(
        [entry("ann", claim(1, "wrong", "missing-slope"), claim(2, "wrong", "missing-slope")),
         entry("bob", claim(1, "wrong", "missing-slope", source="dW_1 = b"), claim(3, "uncheckable", source="q = r")),
         entry("cyd", claim(1, "correct"), claim(2, "wrong", reading="z = x", kind="number")),
         Entry("dan.md", "dan", None, "", "dan.md is not text")]
    )  # fmt: skip
    assert "4 submissions: 0 with nothing wrong, 3 with something wrong, 1 that could not be marked." in html
    assert "2 of 3 made this mistake" in html and "Decide 1 line by hand" in html and "Look at 1 file" in html
    assert "Go over" in html and "4 wrong lines" not in html and "3 wrong lines, the most on one question" in html
    assert "The factor g&#39;(z) is missing" in html and "On the way back through an activation" in html
    assert "2 of 3 submissions, 3 lines" in html and html.count('href="students/ann.html#c1"') == 1
    assert html.index('id="m-missing-slope"') < html.index('id="m-unrecognised"')
    row = html[html.index('<th scope="row"') : html.index('id="open"')]
    assert '<td class="n">3</td>' in row and '<td class="n wrong">3</td>' in html and "(2)</span>" in row
    assert 'href="students/bob.html#c2"' in html and "dan.md is not text" in html


def test_a_page_of_nothing_and_of_one():
    assert "None was found." in summary_of([entry("ann", claim(1, "correct"))])
    assert "0 submissions" in summary_of([])
    assert "nothing was recognised as a claim" in summary_of([entry("ann")])


@pytest.mark.parametrize(
    "options",
    [{}, {"viewport": {"width": 390, "height": 844}}, {"color_scheme": "dark"}],
    ids=["desktop", "phone", "dark"],
)
def test_hostile_names_and_text_do_nothing_in_a_browser(browser, options):
    name = "<img src=x onerror=alert(1)>\"'{{7*7}}\u202e"
    names(**{f"{name}_md": f"a = c {HOSTILE[:80]}", "é #?%_md": "a = c"})
    assert report().exit_code == 1
    Path("report/index.html").write_text(
        summary_of(
            [
                hostile_entry(name),
                Entry(name, "x", None, "", name),
                *(entry(f"{name}{k}", claim(1, "wrong", "sign")) for k in range(3)),
            ],
            name,
        )
    )
    context = browser.new_context(**options)
    page, seen = context.new_page(), []
    page.on("console", lambda message: seen.append(message.text))
    page.on("dialog", lambda dialog: (seen.append(dialog.message), dialog.dismiss()))
    page.on(
        "request", lambda request: seen.append(request.url) if not request.url.startswith(("file:", "data:")) else None
    )
    for file in (Path("report/index.html"), *Path("report/students").iterdir()):
        page.goto(file.absolute().as_uri())
        page.wait_for_timeout(100)
        assert (
            not seen
            and page.evaluate("document.querySelectorAll('script, img, iframe, [onerror], [onload]').length") == 0
        )
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    html = Path("report/index.html").read_text()
    assert (
        "49" not in page.title()
        and "script-src" not in html
        and not re.search("[\x00-\x08\x0b-\x1f\u202a-\u202e\ud800-\udfff]", html)
    )
    context.close()


def test_links_of_the_page_lead_to_the_students(browser):
    for name in ("é #?%.md", "漢字.md", "a b.md"):
        Path("class", name).write_text(f"{name} a = c")
    report()
    page = browser.new_page()
    page.goto(Path("report/index.html").absolute().as_uri())
    links = page.evaluate("[...document.querySelectorAll('a')].map(a => a.getAttribute('href'))")
    for link in links:
        if not link.startswith("#"):
            page.goto(
                Path("report/index.html").absolute().as_uri().replace("index.html", link)
            ) if ".html" in link else None
            assert ".html" not in link or page.locator("h1").count() == 1
    assert sum(".html" in link for link in links) == 6
    page.close()
