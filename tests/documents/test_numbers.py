"""Worked examples as documents: plain text, pages, LaTeX, and pictures in which no label meets another."""

from __future__ import annotations

import re

import pytest
from documents.test_documents import compiled, opened
from strategies import random_network

from symderiv import derive, examples, parse_model, work
from symderiv.documents.latex import Printer
from symderiv.documents.notation import notation_of
from symderiv.documents.numbers import matrix_tex, worked_document
from symderiv.documents.page import to_page
from symderiv.documents.terminal import formula_box, to_text
from symderiv.documents.tex import to_tex
from symderiv.documents.writers import plain_notation
from symderiv.oracles.evaluation import random_point
from symderiv.views.digits import Digits
from symderiv.views.graph import graph_at
from symderiv.views.worked import work_example

WITH_VALUES = [name for name in examples.names() if examples.find(name).values_path.exists()]


def example_of(name):
    found = examples.find(name)
    return work_example(found, found.derive())[0]


def wide_example():
    """Seven samples of eight features: matrices that are abbreviated."""
    model = parse_model(
        "X: (n, d); Y: (n, 1); W1: (d, h); b1: (1, h); W2: (h, 1)\nA = relu(X @ W1 + b1)\nJ = mean((A @ W2 - Y)**2)"
    )
    point = random_point(model, 1, {"n": 7, "d": 8, "h": 3})
    return work(model, {s.name: point.values[s] for s in model.inputs}, rate=0.01)


def test_the_worksheet_as_plain_text():
    text = example_of("worksheet").to_text()
    for part in (
        "alpha1 = W1ᵀ @ augment(x)",
        "= ⎡-1  -2  1⎤ ⎢2⎥    (numbers put in)",
        "y_hat = sigmoid(alpha2)\n        = sigmoid(-2.00000)   (numbers put in)\n        = 0.119203",
        "l = 1/2 · (y - y_hat)²",
        "= 0.387902",
        "dl/dW2[1] = dl/dy_hat · dy_hat/dalpha2 · dalpha2/dW2[1]",
        "= (y_hat - y) · y_hat · (1 - y_hat) · beta1[1]",
        "W2[1] ← 2 - 2 · (-0.0462390)\n        ← 2.09248",
        "W1[2,1] ← 1 - 2 · (-0.231195)\n          ← 1.46239",
    ):
        assert part in text
    assert not re.search(r"[\\{}$]", text)


@pytest.mark.parametrize(
    ("latex", "text"),
    [
        (r"\frac{1}{2} \, x", "1/2 x"),
        (r"\frac{\mathrm{a} + 1}{\mathrm{b}}", "a + 1\n─────\nb"),
        (r"e^{-\mathrm{z}}", "e^(-z)"),
        (r"\mathrm{y_hat}^{2}", "y_hat²"),
        (r"\sum_{i=1}^{n} \mathrm{x}", "Σ[i=1..n] x"),
        (r"\underbrace{\mathrm{abc}}_{-0.5}", "abc\n╰─╯\n-0.5"),
        (r"{\begin{bmatrix} 1 & {-2} \\ 3 & 4 \end{bmatrix}}^{\top}", "⎡1  -2⎤ᵀ\n⎣3   4⎦"),
        (r"\left(\frac{\mathrm{aaaaa}}{\mathrm{b}}\right)", "⎛aaaaa⎞\n⎜─────⎟\n⎝  b  ⎠"),
        (r"\mathbf{1}_{n}^{\top}", "ones[n]ᵀ"),
    ],
)
def test_formulas_in_plain_text(latex, text):
    assert "\n".join(line.strip() for line in formula_box(latex).text.split("\n")) == text.strip()


@pytest.mark.parametrize("seed", range(12))
def test_any_network_in_plain_text_has_no_latex_left(seed):
    model = random_network(seed)[1]
    if "g(" in str([e.value for e in model.equations]):
        return
    point = random_point(model, seed, dict.fromkeys(model.sizes, 2))
    values = {s.name: point.values[s] for s in model.inputs} | dict(point.hypers)
    example = work(model, values, rounded=seed % 2 == 0, rate=0.1)
    text = to_text(worked_document(example, notation=plain_notation(example.derivation)))
    assert not re.search(r"[\\{}$]", text), text
    assert "<code>" not in to_page(worked_document(example))


def test_negative_numbers_are_put_in_brackets():
    model = parse_model("x: (1, 1); w: (1, 1); b: (1, 1)\nz = 2 * w - x * b - x**2\nJ = -z")
    text = work(model, {"x": -2, "w": -3, "b": -0.5}).to_text()
    assert "= 2 · (-3) - (-2)² - (-2) · (-0.5)" in text and "= -(-11)" in text and "= 11" in text


def test_large_matrices_are_abbreviated():
    example = wide_example()
    tex = matrix_tex(example.used[example.model.symbols["X"]], Digits(3))
    assert tex.text.count(r"\\") == 4 and r"\ddots" in tex.text and r"\vdots" in tex.text
    assert r"\cdots" in example.to_markdown() and "⋮" in example.to_text()


def test_what_is_rounded_or_given_is_said_with_the_exact_number_beside():
    example = work(
        examples.find("worksheet").derive(), examples.find("worksheet").values_path, settings=["beta1 = [0.5, 0.999]"]
    )
    text = example.to_text()
    assert "(given: used from here on; exactly [0.5; 1.00000])" in text and "(exactly -2.00000)" in text
    assert "save for what is given" in text and "beta1 is given: from there on" in text
    rounded = work(example.derivation, examples.find("worksheet").values_path, digits=3, rounded=True).to_text()
    assert "rounded to 3 significant digits before it is used further, as by hand" in rounded


def test_latex_of_worked_examples_compiles(pdflatex, tmp_path):
    rounded = work_example(examples.find("worksheet"), examples.find("worksheet").derive())[1]
    for example in (rounded, wide_example()):
        status, log = compiled(pdflatex, tmp_path, to_tex(worked_document(example)))
        assert status == 0, log[-2000:]
        assert "Undefined" not in log and not re.search(r"Overfull \\hbox \((\d{3,})", log)


OVERLAPS = """() => {
  const found = [];
  for (const svg of document.querySelectorAll("svg.flow")) {
    const box = (e) => e.getBoundingClientRect();
    const meet = (a, b) => a.left < b.right - 0.5 && b.left < a.right - 0.5 && a.top < b.bottom - 2 && b.top < a.bottom - 2;
    const texts = [...svg.querySelectorAll("text")], frames = [...svg.querySelectorAll("rect")], whole = box(svg);
    texts.forEach((one, k) => {
      if (box(one).left < whole.left || box(one).right > whole.right || box(one).top < whole.top || box(one).bottom > whole.bottom)
        found.push("outside: " + one.textContent);
      for (const other of texts.slice(k + 1)) if (meet(box(one), box(other))) found.push(one.textContent + " | " + other.textContent);
      for (const frame of frames)
        if (frame.parentNode !== one.parentNode && meet(box(one), box(frame))) found.push(one.textContent + " | a node");
    });
    texts.forEach((one) => {
      const frame = one.parentNode.querySelector("rect");
      if (one.classList.contains("sign") && box(one).width > box(frame).width) found.push("wider than its node: " + one.textContent);
    });
  }
  return found;
}"""


def graphs():
    yield from ((name, lambda name=name: example_of(name)) for name in WITH_VALUES)
    yield "wide", wide_example
    for seed in range(8):
        yield f"random {seed}", lambda seed=seed: random_example(seed)


def random_example(seed):
    model = random_network(seed)[1]
    if "g(" in str([e.value for e in model.equations]):
        return None
    point = random_point(model, seed)
    return work(model, {s.name: point.values[s] for s in model.inputs} | dict(point.hypers))


@pytest.mark.parametrize(("name", "make"), list(graphs()), ids=lambda x: x if isinstance(x, str) else "")
def test_no_labels_of_a_graph_overlap(name, make, browser, tmp_path):
    example = make()
    if example is None:
        return
    page, seen = opened(browser, to_page(worked_document(example, primitive=True)), tmp_path)
    assert not seen and page.evaluate(OVERLAPS) == []
    assert page.locator("svg.flow").count() == (graph_at(example, primitive=True) is not None)
    page.context.close()


def test_overlaps_are_noticed(browser, tmp_path):
    html = to_page(worked_document(example_of("linear-graph")))
    moved = re.sub(r'(<text class="forward" x=")[\d.]+(" y=")[\d.]+', r"\g<1>50\g<2>50", html)
    page, _ = opened(browser, moved, tmp_path)
    assert page.evaluate(OVERLAPS)
    page.context.close()


@pytest.mark.parametrize("name", WITH_VALUES)
def test_a_graph_says_its_numbers_in_words_and_fits_a_phone(name, browser, tmp_path):
    page, seen = opened(browser, example_of(name).to_html(), tmp_path, viewport={"width": 390, "height": 800})
    assert not seen and page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    words = page.evaluate("document.querySelector('svg.flow desc').textContent")
    assert words.count(" forward, ") == page.locator("svg.flow > path:not(.bracket)").count() > 4
    page.context.close()


def test_numbers_print_in_every_notation():
    example = example_of("worksheet")
    for options in ({}, {"layers": "subscript"}, {"sigmoid": "g"}):
        derivation = derive(example.derivation.model, **options)
        assert Printer(notation_of(derivation.model, options)).latex(derivation.model.loss.value)
        assert "0.119203" in work(derivation, example.values).to_markdown()


def test_a_notebook_shows_a_worked_example():
    bundle = example_of("linear-graph")._repr_mimebundle_()
    assert "<math" in bundle["text/html"] and "<svg" in bundle["text/html"] and "f = u + b" in bundle["text/plain"]
