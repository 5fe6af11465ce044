"""Every kind of page in a real browser: contents, shapes and copying by keyboard, phones, paper, accessibility.

A new kind of page is one row of KINDS, with a function that builds one.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import sympy
from axe_playwright_python.sync_playwright import Axe
from documents.test_documents import opened
from playwright.sync_api import expect
from strategies import random_network

import symderiv as sd
from symderiv import derive, examples, layered
from symderiv.comparison.document import comparison_document
from symderiv.comparison.examples import COMPARISONS
from symderiv.documents.content import Document, Formula, Paragraph, Section, Table, aligned
from symderiv.documents.outline import document_of
from symderiv.documents.page import IndexEntry, IndexGroup, index_page, loss_formula, to_fragment, to_page
from symderiv.oracles.evaluation import OPAQUE_ARGUMENT, random_point, stand_in
from symderiv.oracles.gradients import complex_step, entry_by_entry

PHONE = {"viewport": {"width": 390, "height": 844}}
FIT = "document.documentElement.scrollWidth <= window.innerWidth"
CURRENT = "[...document.querySelectorAll('nav [aria-current]')].map(a => a.hash)"


def document(name="worksheet", **options):
    from symderiv.views.worked import work_example

    example = examples.find(name)
    derivation = example.derive()
    return document_of(derivation, numbers=work_example(example, derivation), **options)


def index():
    derivation = examples.find("worksheet").derive()
    entries = [IndexEntry(name, "", {"html": f"{name}.html"}, loss_formula(derivation)) for name in ("a", "b")]
    return index_page("Derivations", "All of them.", [IndexGroup("Derivations", "", entries)])


def marked():
    path = Path(sd.__file__).parent / "homework" / "examples" / "two_layer.md"
    return sd.check_homework(path.read_text(), path.name)


def class_report():
    from symderiv.homework.gradebook.store import Entry
    from symderiv.homework.gradebook.summary import Summary

    with closing(Summary("A class")) as summary:
        for name in ("ann", "bob", "cyd"):
            summary.add(Entry(name, name, marked(), "", ""))
        summary.add(Entry("dan.md", "dan", None, "", "dan.md is not text"))
        return "".join(summary.page())


def training():
    from symderiv.training.data import generate, with_samples
    from symderiv.training.plots import draw_all
    from symderiv.training.report import to_page
    from symderiv.training.runs import train

    model, _ = with_samples(examples.load("two-gaussians"))
    run = train(model, generate("two-gaussians", model, 60, 0), steps=5, rate=0.5, sizes={"h": 2})
    return to_page(run, draw_all(run, "svg"), "Training")


def plain():
    """What any document may hold, with nothing beside its formulas."""
    blocks = (
        Paragraph("A *word* and $" + " + ".join(rf"\frac{{a_{{{k}}}}}{{b}}" for k in range(30)) + "$."),
        Formula((("a", " + ".join(f"b_{{{k}}}" for k in range(60)), "a reason"),)),
        Table(("", "what"), (("$a$", "words " * 40),)),
    )
    return to_page(Document("Plain", "", tuple(Section(f"Part {k}", f"part-{k}", blocks) for k in range(4))))


@dataclass(frozen=True)
class Kind:
    """A kind of page: what builds one, whether it has contents and a script."""

    build: Callable[[], str]
    contents: bool = True
    scripted: bool = True


KINDS = {
    "derivation": Kind(lambda: to_page(document())),
    "worked example": Kind(lambda: sd.work(examples.find("worksheet").derive(), examples.find("worksheet").values_path).to_html()),
    "comparison": Kind(lambda: to_page(comparison_document(COMPARISONS["mse-and-log-loss"].compare()))),
    "worksheet": Kind(lambda: sd.worksheet(examples.load("worksheet"), choices=3).to_html(key=True)),
    "index": Kind(index, contents=False),
    "plain": Kind(plain),
    "training": Kind(training),
    "homework": Kind(lambda: marked().to_html(), scripted=False),
    "class report": Kind(class_report, scripted=False),
}  # fmt: skip


@cache
def built(kind):
    return KINDS[kind].build()


def until(page, condition):
    """Wait for a condition; Playwright's own way needs an eval, which the page's policy forbids."""
    for _ in range(100):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(20)
    pytest.fail(f"never: {condition}")


every_kind = pytest.mark.parametrize("kind", KINDS)
with_contents = pytest.mark.parametrize("kind", [name for name, kind in KINDS.items() if kind.contents])


@every_kind
@pytest.mark.parametrize("options", [{}, PHONE], ids=["desktop", "phone"])
def test_a_page_opens_without_a_message_or_a_request_and_never_scrolls_sideways(kind, options, browser, tmp_path):
    page, seen = opened(browser, built(kind), tmp_path, **options)
    assert not seen and page.evaluate(FIT)
    assert page.locator("script").count() == KINDS[kind].scripted
    ids = page.evaluate("[...document.querySelectorAll('[id]')].map(e => e.id)")
    assert len(ids) == len(set(ids))
    for attribute in ("aria-describedby", "aria-labelledby", "popovertarget"):
        named = page.evaluate(
            f"[...document.querySelectorAll('[{attribute}]')].map(e => e.getAttribute('{attribute}'))"
        )
        assert {name for names in named for name in names.split()} <= set(ids)
    within = page.evaluate(
        "[...document.querySelectorAll('a[href^=\"#\"]')].map(a => decodeURIComponent(a.getAttribute('href').slice(1)))"
    )
    assert set(within) <= set(ids)
    page.context.close()


def violations(page):
    """What axe finds; without the shades at the edges of boxes that scroll, because it judges no colours on them."""
    page.add_style_tag(content=".lines, .scroll { background: var(--box) !important; }")
    return Axe().run(page).response["violations"]


@every_kind
@pytest.mark.parametrize(
    "options", [{}, {"color_scheme": "dark"}, {**PHONE, "color_scheme": "dark"}, {"forced_colors": "active"}],
    ids=["light", "dark", "phone", "forced colours"],
)  # fmt: skip
def test_nothing_serious_for_accessibility(kind, options, browser, tmp_path):
    page, _ = opened(browser, built(kind), tmp_path, bypass_csp=True, **options)
    found = violations(page)
    serious = {v["id"]: [n["html"][:120] for n in v["nodes"]] for v in found if v["impact"] in ("serious", "critical")}
    assert not serious
    page.context.close()


def test_axe_notices_what_is_wrong(browser, tmp_path):
    page, _ = opened(browser, built("plain").replace("--soft: #57616b", "--soft: #bbb"), tmp_path, bypass_csp=True)
    assert "color-contrast" in [v["id"] for v in violations(page)]
    page.context.close()


@with_contents
@pytest.mark.parametrize("scripted", [True, False], ids=["", "without script"])
def test_the_contents_stay_beside_the_text_and_on_a_phone_behind_a_button(kind, scripted, browser, tmp_path):
    page, _ = opened(browser, built(kind), tmp_path, java_script_enabled=scripted)
    links = page.locator("nav li > a")
    sections = page.locator("main > section").count()
    assert sections <= links.count() and page.locator("nav .fold").is_hidden()
    links.last.click()
    assert links.first.is_visible() and abs(page.locator("nav").bounding_box()["y"]) < 1
    page.context.close()
    page, seen = opened(browser, built(kind), tmp_path, java_script_enabled=scripted, **PHONE)
    page.keyboard.press("End")
    fold, first = page.locator("nav .fold"), page.locator("nav li > a").first
    assert first.is_hidden()
    assert fold.bounding_box()["y"] < 20
    fold.focus()
    page.keyboard.press("Enter")
    assert first.is_visible()
    page.keyboard.press("Escape")
    assert first.is_hidden()
    fold.click()
    page.keyboard.press("Tab")
    page.locator("nav li > a").last.focus()
    page.keyboard.press("Enter")
    page.wait_for_url(lambda address: "#" in address)  # the key returns before the page has moved
    expect(first).to_be_visible(visible=not (scripted and KINDS[kind].scripted))
    assert not seen
    page.context.close()


@pytest.mark.parametrize("kind", [name for name, kind in KINDS.items() if kind.contents and kind.scripted])
def test_the_section_that_is_read_is_marked(kind, browser, tmp_path):
    page, _ = opened(browser, built(kind), tmp_path)
    first, last = (f"#{page.locator('main > section').nth(k).get_attribute('id')}" for k in (0, -1))
    until(page, f"{CURRENT}[0] === '{first}'")
    page.locator("main > section").nth(1).evaluate("e => e.scrollIntoView()")
    until(page, f"{CURRENT}[0] !== '{first}'")
    page.evaluate("scrollTo(0, 1e6)")
    until(
        page,
        f"{CURRENT}.length === 1 && document.querySelector('{last}').contains(document.querySelector({CURRENT}[0]))",
    )
    page.evaluate("scrollTo(0, 0)")
    until(page, f"{CURRENT}[0] === '{first}'")
    page.context.close()


def test_a_page_without_a_script_marks_the_section_too(browser, tmp_path):
    page, _ = opened(browser, built("homework"), tmp_path, java_script_enabled=False)
    if not page.evaluate("CSS.supports('selector(:target-current)')"):
        pytest.skip("this browser does not know :target-current")
    weights = "[...document.querySelectorAll('nav li > a')].map(a => getComputedStyle(a).fontWeight)"
    until(page, f"{weights}.join() === '600,400'")
    for place in ("#document", "#L45"):
        page.goto(page.url.partition("#")[0] + place)
        until(page, f"{weights}.join() === '400,600'")
    page.context.close()


@every_kind
def test_paper_has_no_contents_buttons_or_shapes(kind, browser, tmp_path):
    page, _ = opened(browser, built(kind), tmp_path, color_scheme="dark")
    page.emulate_media(media="print")
    for selector in ("nav", ".tools", ".shapes", ".skip"):
        assert all(page.locator(selector).evaluate_all("all => all.map(e => getComputedStyle(e).display === 'none')"))
    assert page.evaluate("getComputedStyle(document.querySelector('main')).padding") == "0px"
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    page.context.close()


# ---------------------------------------------------------------- beside a formula


def test_the_keyboard_shows_the_shapes_of_a_formula_and_escape_hides_them(browser, tmp_path):
    page, seen = opened(browser, built("derivation"), tmp_path)
    lines, shapes = page.locator("#r-W1 > .lines"), page.locator("#r-W1 > .shapes")
    assert shapes.is_hidden() and lines.get_attribute("aria-describedby") == shapes.get_attribute("id")
    lines.focus()
    assert shapes.is_visible() and page.locator(".shapes:visible").count() == 1
    assert shapes.bounding_box()["y"] >= lines.bounding_box()["y"] + lines.bounding_box()["height"]
    page.keyboard.press("Escape")
    assert shapes.is_hidden() and page.evaluate("document.activeElement.className") == "lines"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "LaTeX"
    page.locator("#r-W2 > .lines").focus()
    lines.focus()
    assert shapes.is_visible() and not seen
    page.context.close()


def test_the_pointer_may_go_onto_the_shapes(browser, tmp_path):
    page, _ = opened(browser, built("derivation"), tmp_path)
    shapes = page.locator("#r-W1 > .shapes")
    page.locator("#r-W1 > .lines").hover()
    shapes.wait_for(state="visible")
    box = shapes.bounding_box()
    page.mouse.move(box["x"] + 20, box["y"] + box["height"] / 2, steps=20)
    page.wait_for_timeout(400)
    assert shapes.is_visible()
    page.keyboard.press("Escape")
    assert shapes.is_hidden()
    page.mouse.move(1, 1)
    page.locator("#r-W1 > .lines").hover()
    shapes.wait_for(state="visible")
    page.context.close()


def test_the_shapes_are_those_of_the_derivation():
    formula = next(f for f in formulas(document().sections) if f.key == "r-W1")
    told = {q.spoken for q in formula.quantities}
    assert {
        "W2 is h+1 by 1",
        "x is d by 1",
        "y_hat is a number",
        "the derivative with respect to W1 is d+1 by h",
    } <= told
    assert r"$(h+1) \times 1$" in {q.shape for q in formula.quantities}
    derivation = examples.find("worksheet").derive()
    for formula in formulas(document_of(derivation).sections):
        assert formula.quantities, formula.lines


def formulas(parts):
    """Every displayed formula, in order."""
    for part in parts:
        if isinstance(part, Formula):
            yield part
        yield from formulas((*getattr(part, "blocks", ()), *getattr(part, "sections", ())))


@pytest.mark.parametrize("way", ["clipboard", "no clipboard"])
def test_a_formula_is_copied_as_latex_and_as_numpy(way, browser, tmp_path):
    page, seen = opened(browser, built("derivation"), tmp_path)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    if way == "no clipboard":
        page.evaluate("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
    formula = next(f for f in formulas(document().sections) if f.key == "r-W2")
    for kind, text in (
        ("latex", "\n".join([r"\begin{aligned}", *aligned(formula), r"\end{aligned}"])),
        ("numpy", formula.numpy),
    ):
        button = page.locator(f"#r-W2 [data-copies={kind}]")
        assert button.get_attribute("aria-label").startswith("Copy the formula as ")
        button.focus()
        assert button.evaluate("e => getComputedStyle(e.parentNode).pointerEvents") != "none"
        page.keyboard.press("Enter")
        until(page, "document.querySelector('[role=status]').textContent === 'Copied'")
        assert button.evaluate("e => e === document.activeElement")
        other = page.context.new_page()
        other.goto(page.url)
        assert other.evaluate("navigator.clipboard.readText()") == text
        other.close()
        page.bring_to_front()
    assert not seen
    page.context.close()


def test_buttons_are_there_without_a_pointer_that_hovers(browser, tmp_path):
    page, _ = opened(browser, built("derivation"), tmp_path, has_touch=True, is_mobile=True, **PHONE)
    tools = page.locator("#r-W1 > .tools")
    assert tools.evaluate("e => getComputedStyle(e).opacity") == "1" and page.evaluate(FIT)
    assert min(page.locator("#r-W1 button").evaluate_all("all => all.map(e => e.getBoundingClientRect().height)")) >= 24
    page.context.close()


def test_the_code_of_a_run_is_copied_whole(browser, tmp_path):
    page, _ = opened(browser, built("training"), tmp_path)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.locator("[data-copies=code]").first.click()
    until(page, "document.querySelector('[role=status]').textContent === 'Copied'")
    assert page.evaluate("navigator.clipboard.readText()") == page.locator("pre").first.text_content()
    page.context.close()


def test_a_hostile_formula_is_only_text(browser, tmp_path):
    text = "\"'><script>alert(1)</script>"
    formula = Formula((("a", rf"\text{{{text}}}", text),), numpy=text)
    page, seen = opened(browser, to_page(Document("x", "", (Section("x", "x", (formula,)),))), tmp_path)
    assert not seen and page.locator("script").count() == 1
    assert page.evaluate("document.querySelector('.formula').dataset.numpy") == text
    page.context.close()


def test_the_views_of_a_gradient_lead_to_each_other(browser, tmp_path):
    page, _ = opened(browser, built("derivation"), tmp_path)
    views = {"r-W1": "at a glance", "d-W1_bar": "step by step", "path-W1-0-0": "one weight", "n-W1_bar": "in numbers"}
    for here in views:
        links = page.locator(f"[id='{here}'] > .also a").evaluate_all(
            "all => all.map(a => [a.hash.slice(1), a.textContent])"
        )
        assert dict(links) == {anchor: view for anchor, view in views.items() if anchor != here}
    page.locator("#r-W2 .also a", has_text="one weight").click()
    page.wait_for_url(lambda address: "#" in address)
    assert page.locator(f"[id='{page.url.partition('#')[2]}']").is_visible()
    page.context.close()
    without = document_of(examples.find("worksheet").derive())
    assert not any(view == "in numbers" for f in formulas(without.sections) for _, view in f.also)


def test_a_notebook_shows_no_buttons_and_hides_the_shapes(browser, tmp_path):
    html = f"<!doctype html><title>x</title><body>{to_fragment(document())}"
    page, seen = opened(browser, html, tmp_path)
    assert not seen and page.locator("script, button").count() == 0 and page.locator(".shapes:visible").count() == 0
    page.locator("#r-W1 > .lines").focus()
    assert page.locator(".shapes:visible").count() == 1
    assert (
        page.evaluate("getComputedStyle(document.querySelector('.symderiv .result .lines')).borderLeftColor")
        == "rgb(10, 101, 82)"
    )
    page.context.close()


# ---------------------------------------------------------------- NumPy to be copied


def namespace(model, point, seed):
    """What somebody has who pastes: NumPy, every quantity of the forward pass, hyper-parameters, opaque functions."""
    names = {symbol.name: value for symbol, value in point.run(model).items()} | dict(point.hypers)
    for adjoint in derive(model):
        kinds = {f.func for e in (adjoint.named, adjoint.closed) for f in sd.calculus.expressions.functions_in(e)}
        for kind in kinds:
            if issubclass(kind, sd.calculus.functions.Opaque):
                name = f"{kind.letter}{'_prime' * kind.order}"
                names[name] = sympy.lambdify(OPAQUE_ARGUMENT, stand_in(kind), "numpy")
    return {"np": np, **names}


def models():
    yield from ((name, examples.load(name)) for name in examples.names())
    for layout in ("rows", "columns", "transposed"):
        yield layout, layered(["tanh", "g", "softmax"], "mse+cross-entropy", layout, penalty=True)
    yield from (random_network(seed) for seed in range(12))


@pytest.mark.parametrize(("name", "model"), list(models()), ids=lambda x: x if isinstance(x, str) else "")
def test_copied_numpy_computes_the_true_gradient(name, model):
    derivation = derive(model)
    point = random_point(model, 3)
    whole = document_of(derivation)
    results = {f.key[2:]: f.numpy for f in formulas(whole.sections) if f.key.startswith("r-")}
    assert set(results) == set(derivation.gradients)
    scope = namespace(model, point, 3)
    for formula in formulas(s for s in whole.sections if s.key == "steps"):
        exec(formula.numpy, scope)  # every line of the derivation, one after the other
    for symbol in model.parameters:
        alone = namespace(model, point, 3)
        exec(results[symbol.name], alone)
        truth = entry_by_entry(complex_step(model, point, symbol), point.values[symbol].shape)
        written = [line.split(" = ")[0] for line in results[symbol.name].splitlines()][-1]
        for found in (alone[written], scope[written]):
            assert np.abs(found - truth).max() <= 1e-9 * max(np.abs(truth).max(), 1e-3)
            assert found.shape == truth.shape


def test_a_wrong_line_to_copy_would_be_seen():
    model = examples.load("binary-classification")
    point, symbol = random_point(model, 3), model.symbols["W1"]
    formula = next(f for f in formulas(document_of(derive(model)).sections) if f.key == "r-W1")
    scope = namespace(model, point, 3)
    exec(formula.numpy.replace("1 - A1**2", "1 - A1"), scope)
    truth = entry_by_entry(complex_step(model, point, symbol), point.values[symbol].shape)
    assert np.abs(scope["dW1"] - truth).max() > 1e-6
