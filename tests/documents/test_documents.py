"""Whole documents with real parts: a LaTeX run for every .tex, a browser for every page, hostile titles."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from strategies import RandomProgram

from symderiv import derive, examples, layered, parse_model
from symderiv.documents.files import make_folder, write_file
from symderiv.documents.markdown import to_markdown
from symderiv.documents.outline import document_of
from symderiv.documents.page import to_page
from symderiv.documents.tex import to_pdf, to_tex
from symderiv.errors import CheckFailed, OutputError

OUTPUT = Path(__file__).parents[2] / "output"
HOSTILE = r"# <script>document.title='owned'</script> $\input{/etc/passwd}$ \write18{x} *b* [a](javascript:b) `c` 漢 %"


def hostile_document():
    return document_of(derive(parse_model(HOSTILE + "\nX: (n, d); W: (d, 1)\nJ = sum((X @ W)**2)")))


def compiled(pdflatex, folder, tex):
    (folder / "doc.tex").write_text(tex)
    command = [pdflatex, "-no-shell-escape", "-halt-on-error", "-interaction=nonstopmode", "doc.tex"]
    result = subprocess.run(command, cwd=folder, capture_output=True, check=False)
    return result.returncode, result.stdout.decode(errors="replace")


@pytest.mark.parametrize("path", sorted(OUTPUT.rglob("*.tex")), ids=lambda path: path.name)
def test_every_tex_file_of_the_output_compiles(path, pdflatex, tmp_path):
    status, log = compiled(pdflatex, tmp_path, path.read_text())
    assert status == 0, log[-2000:]
    assert "Undefined" not in log and not re.search(r"Overfull \\hbox \((\d{3,})", log)


def test_latex_of_hostile_and_deep_documents_compiles(pdflatex, tmp_path):
    for document in (
        hostile_document(),
        document_of(derive(layered(["tanh", "relu", "g", "softmax"], "mse+cross-entropy", penalty=True))),
    ):
        status, log = compiled(pdflatex, tmp_path, to_tex(document))
        assert status == 0, log[-2000:]


def test_pdf(pdflatex):
    assert examples.find("linear-3-2-1").derive() and to_pdf(
        document_of(examples.find("linear-3-2-1").derive())
    ).startswith(b"%PDF")


def test_pdf_without_latex_says_what_to_do(monkeypatch):
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(OutputError, match=r"pdflatex, which is not installed\n.*leave pdf out"):
        to_pdf(hostile_document())


def opened(browser, html, tmp_path, **options):
    path = tmp_path / "page.html"
    path.write_text(html)
    page = browser.new_context(**options).new_page()
    seen = []
    page.on("console", lambda message: seen.append(message.text))
    page.on("pageerror", lambda error: seen.append(str(error)))
    page.on(
        "request", lambda request: seen.append(request.url) if not request.url.startswith(("file:", "data:")) else None
    )
    page.goto(path.as_uri())
    return page, seen


@pytest.mark.parametrize("path", sorted(OUTPUT.glob("*.html")), ids=lambda path: path.name)
def test_every_page_of_the_output_opens_without_an_error_or_a_request(path, browser, tmp_path):
    page, seen = opened(browser, path.read_text(), tmp_path)
    assert not seen
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert page.evaluate("[...document.querySelectorAll('math')].every(m => m.getAttribute('alttext'))")
    if path.name != "index.html":
        assert page.locator("math").count() > 20 and page.locator("svg.network circle").count() >= 3
    page.context.close()


def test_the_index_leads_to_every_document(browser):
    page = browser.new_page()
    page.goto((OUTPUT / "index.html").as_uri())
    linked = set(page.evaluate("[...document.querySelectorAll('a')].map(a => a.getAttribute('href'))"))
    files = {str(path.relative_to(OUTPUT)) for path in OUTPUT.rglob("*.*")} - {"index.html"}
    files = {name for name in files if not name.startswith(("training/", "."))}
    assert {link for link in linked if not link.startswith("#")} == files
    page.close()


def test_page_fits_a_phone(browser, tmp_path):
    page, seen = opened(
        browser, examples.find("two-gaussians").derive().to_html(), tmp_path, viewport={"width": 390, "height": 800}
    )
    assert not seen and page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.context.close()


def test_clicking_a_weight_lights_its_path_and_shows_its_formula(browser, tmp_path):
    page, seen = opened(browser, examples.find("binary-classification").derive().to_html(), tmp_path)
    assert page.locator("svg .lit").count() == 0
    page.locator("a.pick[data-key='W1-1-0'] line.hit").click(force=True)
    lit = set(page.evaluate("[...document.querySelectorAll('svg g.lit')].map(e => e.id)"))
    assert lit == {"n-Z1-1-0", "n-A1-1-0", "n-Z2-0-0", "n-A2-0-0", "n-J-0-0"}
    assert page.locator(".picked math").count() > 3 and page.locator(".picked h3").count() == 1
    page.locator("a.pick[data-key='W2-0-1'] line.hit").click(force=True)
    assert page.locator("svg g.lit").count() == 3
    page.locator("a.pick[data-key='W1-1-0']").focus()
    page.keyboard.press("Enter")
    assert page.locator("svg g.lit").count() == 5 and not seen
    page.context.close()


def test_dark_and_light_differ(browser, tmp_path):
    colours = []
    for scheme in ("light", "dark"):
        page, _ = opened(browser, examples.find("linear-graph").derive().to_html(), tmp_path, color_scheme=scheme)
        colours.append(page.evaluate("getComputedStyle(document.body).backgroundColor"))
        page.context.close()
    assert colours[0] != colours[1]


def test_a_hostile_title_is_only_text(browser, tmp_path):
    page, seen = opened(browser, to_page(hostile_document()), tmp_path)
    assert not seen and page.title().startswith("<script>") and page.locator("h1 *").count() == 0
    page.context.close()
    heading = to_markdown(hostile_document()).splitlines()[0]
    assert r"\<script\>" in heading and r"\[a\]\(javascript:b\)" in heading and r"\$\\input" in heading


def test_markdown_formulas_are_fenced_and_balanced():
    for name in examples.names():
        text = examples.find(name).derive().to_markdown()
        fences = re.findall(r"^```(\w*)$", text, re.MULTILINE)
        assert fences and fences[::2] == ["math"] * (len(fences) // 2) and not any(fences[1::2])
        assert len(re.findall(r"\$`", text)) == len(re.findall(r"`\$", text))


def test_notebook_display():
    bundle = derive(examples.load("linear-3-2-1"))._repr_mimebundle_()
    assert "<math" in bundle["text/html"] and "<script" not in bundle["text/html"] and r"\frac" in bundle["text/plain"]


def test_notebook_kernel_shows_a_derivation():
    import nbformat
    from nbclient import NotebookClient

    source = "import symderiv as sd\nsd.derive(sd.two_layer('tanh', 'sigmoid', 'log'))"
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
    NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    assert "<math" in notebook.cells[0].outputs[0]["data"]["text/html"]


def test_a_document_is_not_written_for_a_wrong_derivation():
    derivation = examples.find("worksheet").derive()
    object.__setattr__(derivation.adjoints[-1], "closed", 2 * derivation.adjoints[-1].closed)
    with pytest.raises(CheckFailed):
        derivation.to_html()


def test_the_document_carries_the_table_of_its_checks():
    text = examples.find("two-gaussians").derive().to_markdown()
    assert "| gradient with respect to | complex step | entrywise SymPy |" in text and "< 10^{-12}" in text
    assert "each column of $`Y`$ sums to 1" in text


def test_transposes_and_batch_sums_are_explained():
    for layout in ("rows", "columns", "transposed"):
        text = derive(layered(["tanh", "sigmoid"], "log", layout)).to_markdown()
        assert text.count("Why the transpose") >= 3 and text.count("Where the sum comes from") == 2


def test_files_are_written_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "a.txt"
    write_file(path, "old")

    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.replace", full)
    with pytest.raises(OutputError, match="No space left"):
        write_file(path, "new")
    assert path.read_text() == "old" and [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="choose another one with -o"):
        make_folder(tmp_path / "file" / "below")


def test_deep_and_residual_networks_have_documents():
    """Paths are summed layer by layer: at ten layers, all index combinations at once took minutes."""
    assert "earlier results put in" in derive(layered(["tanh"] * 11 + ["sigmoid"], "log")).to_markdown()
    lines = ["x: (d, 1)", *(f"W{k}: (d, d)" for k in range(1, 9)), "h0 = tanh(x)"]
    lines += [f"h{k} = tanh(W{k} @ h{k - 1}) + h{k - 1}" for k in range(1, 9)]
    text = derive(parse_model("\n".join([*lines, "J = sum(h8**2)"]))).to_markdown()
    assert "is left out: more than 64 paths lead from it to the loss" in text


@pytest.mark.parametrize("seed", range(24))
def test_any_program_has_a_right_derivation_and_documents(seed):
    text = RandomProgram(seed).text
    derivation = derive(parse_model(text), inputs=True)
    document = document_of(derivation)  # checks every gradient and every step
    assert "<code>" not in to_page(document), text
    assert to_tex(document) and to_markdown(document)
