"""What is told of a marking: as text for a terminal, and as a page in a real browser, with hostile documents too."""

from __future__ import annotations

import re
import textwrap

import pytest

from homework.markings import DOCUMENTS, marking, marking_of, truths
from symderiv.homework import check_homework
from symderiv.homework.marking import VERDICTS, Assumption, Claim, Marking, Understood
from symderiv.homework.reports.layout import SIGNS, WORDS, cut, harmless, summary_line
from symderiv.homework.reports.page import formula
from symderiv.homework.reports.terminal import COLOURS, columns_of, to_text

PATHS = sorted(DOCUMENTS.glob("*.md"))
HOSTILE = "\n".join(
    [
        "<script>document.title = 'owned'; alert(1)</script> \x1b]0;owned\x07\x1b[31mred\x1b[0m \x9b31m",
        r"$\text{<img src=http://evil.example/x onerror=alert(2)>} = 0$ </style><style>body{background:url(//evil.example)}",
        "</mark></div></details><iframe src=http://evil.example></iframe> [x](javascript:alert(3)) \\href{javascript:alert(4)}{x}",
        "left \u202eright\u202c \u2028 between \u2029 nul \x00 bell \x07 back\x08 \x7f \ud800 \u200b\u2066 \ufeff end",
        "{{ 7*7 }} {% raw %} &lt; &amp; \" ' onload=alert(5)",
    ]
)


def hostile_marking():
    claims = [
        Claim(k + 1, (start, start + len(line)), line, line, line, verdict, line, line, (line,), 1)
        for k, (line, verdict) in enumerate(zip(HOSTILE.split("\n"), VERDICTS, strict=True))
        for start in [HOSTILE.index(line)]
    ]
    understood = Understood((HOSTILE,), {HOSTILE: HOSTILE}, (Assumption(HOSTILE, HOSTILE, 2),))
    return Marking(f"{HOSTILE}.md", HOSTILE, understood, tuple(claims), ((1, HOSTILE), (2, "in $x^2$ and $<b>$")))


def test_every_verdict_has_its_sign_word_and_colour():
    assert set(SIGNS) == set(WORDS) == set(VERDICTS) and set(VERDICTS) <= set(COLOURS)
    assert len(set(SIGNS.values())) == 5


# ---------------------------------------------------------------- pieces


def shape_of(made, line=1):
    pieces = cut(made)[line - 1].pieces
    return [(made.text[p.start : p.end], p.verdict, p.opening) for p in pieces]


def test_a_chain_around_its_sides_leaves_each_side_its_own_colour():
    made = marking("so a = b = c.", ("a = b = c", "wrong"), ("a = b", "correct"), ("c", "carried"))
    assert shape_of(made) == [
        ("so ", "", ()),
        ("a = b", "correct", (0, 1)),
        (" = ", "wrong", ()),
        ("c", "carried", (2,)),
        (".", "", ()),
    ]


def test_where_neighbours_share_a_side_the_worse_verdict_shows():
    made = marking("a = b = c", ("a = b", "correct"), ("b = c", "wrong"))
    assert shape_of(made) == [("a = ", "correct", (0,)), ("b", "wrong", (1,)), (" = c", "wrong", ())]


def test_a_claim_over_lines_opens_once_and_is_told_beside_its_first_line():
    made = marking("x\n$$a\n= b$$\n\ny", ("a\n= b", "notation"))
    assert shape_of(made, 2) == [("$$", "", ()), ("a", "notation", (0,))]
    assert shape_of(made, 3) == [("= b", "notation", ()), ("$$", "", ())]
    assert [line.claims for line in cut(made)] == [[], [0], [], [], []]


@pytest.mark.parametrize("span", [(0, 0), (-5, 2), (3, 99), (90, 99), (4, 2), (5, 6)])
def test_a_span_that_is_off_breaks_nothing(span):
    made = Marking("d", "a = b\nc = d\n", Understood(), (Claim(7, span, "a", "prose", "", "wrong"),))
    assert sum(len(line.claims) for line in cut(made)) == 1
    assert made.to_html() and "line 7" in made.to_text()


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_pieces_make_up_the_document_and_every_claim_opens_once(path):
    made = marking_of(path)
    lines = cut(made)
    assert "\n".join("".join(made.text[p.start : p.end] for p in line.pieces) for line in lines) == made.text
    opened = sorted(k for line in lines for p in line.pieces for k in p.opening)
    assert opened == list(range(len(made.claims))) == sorted(k for line in lines for k in line.claims)


def test_thousands_of_claims_on_one_line_are_cut_quickly():
    text = "a = b; " * 20_000
    claims = tuple(Claim(1, (k * 7, k * 7 + 5), "a = b", "prose", "", "correct") for k in range(20_000))
    assert len(cut(Marking("d", text, Understood(), claims))[0].pieces) == 40_000


# ---------------------------------------------------------------- terminal


def test_the_report_names_what_is_wrong_and_leaves_out_what_is_right():
    made = marking(
        "Given.\n$$dL/db = 2(a - y)$$ and $x = y$\n",
        ("dL/db = 2(a - y)", "wrong", {"reading": "dL/db = 2 (A - Y)", "message": "no slope", "expected": "2 (a - y) g'",
         "mistakes": ("missing-slope",)}),
        ("x = y", "correct"),
        understood=Understood(("z = w x + b",), {"x": "(n, 1)"}, (Assumption("one sample", "no sum", 1),)),
        notes=((2, "a brace was put in"),),
    )  # fmt: skip
    assert made.to_text() == textwrap.dedent(
        """\
        What was understood
          z = w x + b
          shapes: x: (n, 1)
          assumed: one sample (line 1: no sum)

        line 2  ✗ wrong  (derivative)
            $$dL/db = 2(a - y)$$ and $x = y$
              ^^^^^^^^^^^^^^^^
          read as   dL/db = 2 (A - Y)
          reason    no slope
          expected  2 (a - y) g'
          mistake   the factor g'(z) is missing (missing-slope)
          remember  On the way back through an activation the chain rule multiplies with its slope
                    g'(z).

        What was repaired, or could not be read
          line 2: a brace was put in

        1 correct, 0 up to notation, 1 wrong, 0 carried, 0 not decidable
        """
    )
    assert "✓ correct" in made.to_text(every=True)


def test_a_carried_claim_names_the_line_that_is_charged():
    made = marking("a = b\nc = d", ("c = d", "carried", {"root_line": 1}))
    assert "→ carried" in made.to_text() and "from line 1, where it is charged" in made.to_text()


def test_nothing_found_is_said():
    assert "nothing in it was recognised as a claim" in marking("Hello.").to_text()


@pytest.mark.parametrize("width", [40, 60, 96])
@pytest.mark.parametrize("path", PATHS[:4], ids=lambda path: path.stem)
def test_no_line_is_wider_than_the_terminal(path, width):
    for line in marking_of(path).to_text(every=True, width=width).splitlines():
        assert columns_of(line) <= width


def test_marks_stand_under_wide_and_accented_characters():
    made = marking("漢字 e\u0301 a = b", ("a = b", "wrong"))
    source, marks = made.to_text().splitlines()[4:6]
    assert marks.index("^") == 4 + columns_of("漢字 e\u0301 ") and source.endswith("a = b")


def test_a_long_line_is_shown_where_the_claim_is():
    made = marking("x" * 500 + " a = b " + "y" * 500, ("a = b", "wrong"))
    shown = [line for line in made.to_text(width=60).splitlines() if "xxx" in line or "yyy" in line]
    assert len(shown) <= 2 and "a = b" in "".join(line.removeprefix("    ") for line in shown)


def test_text_of_students_cannot_move_the_cursor_or_turn_the_direction():
    told = hostile_marking().to_text(every=True)
    assert all(c.isprintable() or c == "\n" for c in told)
    for sign in ("␛", "␀", "␇", "␡", "⟨U+202E⟩", "⟨U+2028⟩", "⟨U+009B⟩", "⟨U+D800⟩"):
        assert sign in told
    told.encode()
    coloured = to_text(hostile_marking(), every=True, colour=True)
    assert re.sub(r"\x1b\[[\d;]+m", "", coloured) == told and "\x1b[1;31m✗ wrong\x1b[0m" in coloured
    assert harmless("a\tb\u00a0c\nd") == "a b c d"


def test_summary_line():
    assert (
        summary_line({"correct": 27, "notation": 1, "wrong": 4, "carried": 0, "uncheckable": 1})
        == "27 correct, 1 up to notation, 4 wrong, 0 carried, 1 not decidable"
    )


# ---------------------------------------------------------------- page


def opened(browser, html, tmp_path, **options):
    path = tmp_path / "page.html"
    path.write_text(html)
    page = browser.new_context(**options).new_page()
    seen = []
    page.on("console", lambda message: seen.append(message.text))
    page.on("pageerror", lambda error: seen.append(str(error)))
    page.on("dialog", lambda dialog: (seen.append(f"dialog {dialog.message}"), dialog.dismiss()))
    page.on(
        "request", lambda request: seen.append(request.url) if not request.url.startswith(("file:", "data:")) else None
    )
    page.goto(path.as_uri())
    return page, seen


@pytest.mark.parametrize(
    "options",
    [{}, {"viewport": {"width": 390, "height": 844}}, {"color_scheme": "dark"}],
    ids=["desktop", "phone", "dark"],
)
def test_pages_open_without_an_error_or_a_request_and_fit(browser, tmp_path, options):
    for path in PATHS:
        page, seen = opened(browser, marking_of(path).to_html(), tmp_path, **options)
        assert not seen, path
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), path
        page.context.close()


def test_the_page_shows_the_document_as_it_is_with_every_claim_marked(browser, tmp_path):
    path = next(p for p in PATHS if {"wrong", "carried"} <= {c["verdict"] for c in truths(p.with_suffix(".json"))})
    made = marking_of(path)
    page, _ = opened(browser, made.to_html(), tmp_path)
    shown = page.evaluate(
        "[...document.querySelectorAll('.source')].map(e => { const c = e.cloneNode(true);"
        " c.querySelectorAll('.sign').forEach(s => s.remove()); return c.textContent; })"
    )
    assert "\n".join(shown) == made.text.removesuffix("\n")
    signs = page.evaluate("[...document.querySelectorAll('.sign')].map(e => e.textContent)")
    assert sorted(signs) == sorted(SIGNS[c.verdict] for c in made.claims)
    assert page.locator("details.claim").count() == len(made.claims)
    assert page.locator("details.claim[open]").count() == sum(c.verdict != "correct" for c in made.claims)
    assert page.locator("details.claim math").count() > 0.8 * len(made.claims)
    assert page.evaluate("[...document.querySelectorAll('a')].every(a => document.getElementById(a.hash.slice(1)))")
    colours = page.evaluate("[...document.querySelectorAll('mark')].map(e => getComputedStyle(e).backgroundColor)")
    assert len(set(colours)) == len({c.verdict for c in made.claims})
    page.context.close()


def test_a_sign_leads_to_the_reason_by_keyboard_without_a_script(browser, tmp_path):
    made = marking("a = b and c = d", ("a = b", "correct", {"reading": "so"}), ("c = d", "carried", {"root_line": 1}))
    page, seen = opened(browser, made.to_html(), tmp_path, java_script_enabled=False)
    assert page.locator("details.correct[open]").count() == 0
    page.locator("a.sign.correct").focus()
    page.keyboard.press("Enter")
    page.wait_for_url(lambda address: address.endswith("#c1"))  # the key returns before the page has moved
    assert page.locator("details.correct[open]").count() == 1
    page.locator("details.carried a[href='#L1']").click()
    page.wait_for_url(lambda address: address.endswith("#L1"))
    assert not seen
    page.context.close()


@pytest.mark.parametrize("policy", [True, False], ids=["", "even without the policy"])
def test_a_hostile_document_does_nothing(browser, tmp_path, policy):
    html = hostile_marking().to_html()
    shown = html if policy else re.sub(r"<meta http-equiv[^>]*>", "", html)
    page, seen = opened(browser, shown, tmp_path)
    page.wait_for_timeout(200)
    assert not seen and page.title().startswith("<script>document.title")
    assert page.evaluate("document.querySelectorAll('script, img, iframe, [onerror], [onload]').length") == 0
    assert page.evaluate("document.querySelectorAll('style').length") == 1
    assert page.evaluate(
        "[...document.querySelectorAll('[href]')].every(a => /^(#|data:,$)/.test(a.getAttribute('href')))"
    )
    assert {"⟨U+202E⟩", "⟨U+2028⟩", "⟨U+200B⟩"} <= set(page.locator(".odd").all_text_contents())
    assert page.locator(".source").count() == 5 and "␀" in page.locator(".source").nth(3).text_content()
    page.context.close()
    assert "script-src" not in html and "default-src &#39;none&#39;" in html
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]", html)


@pytest.mark.parametrize(
    "latex",
    [
        r"\frac{dL}{db_2} &= 2(a_2 - y) \\",
        r"$\hat y = \sigma(z)$",
        r"A = B \label{eq:1} \nonumber",
        r"x = \begin{bmatrix} 1 \\ 2 \end{bmatrix}",
        "z_1 = w_1 x + b_1",
    ],
)
def test_formulas_that_become_mathml(latex):
    assert formula(latex).startswith("<math")


@pytest.mark.parametrize(
    "source",
    [
        "dW1 = X.T @ dZ1",
        "w_1 is 3 x 2",
        "A^1 : hidden layer values: 2x1",
        r"\text{<b>} = 1",
        r"\unknownmacro{x} = 1",
        "{" * 3000,
        "",
        "&",
        r"\frac{1",
    ],
)
def test_what_is_no_formula_stays_source(source):
    assert formula(source).startswith("<code>") and "<b>" not in formula(source)


def test_braces_and_dollars_without_a_partner_are_left_out():
    assert formula("} = 2 x").count("<mo>") == 1 and "}" not in formula("} = 2 x")
    assert formula("bias $= b_1").count("<mo>") == 1 and ">$<" not in formula("bias $= b_1")
    assert formula(r"\frac{a}{b} + \mathbf{x").startswith("<math")


def test_names_of_plain_text_keep_their_index_together():
    assert "<msub><mi>n</mi><mrow><mi>i</mi><mi>n</mi></mrow></msub>" in formula("n_in")


def test_the_model_that_was_given_is_told_apart_from_an_inferred_one():
    assert "What was understood" in marking("x").to_html()
    given = marking("x", understood=Understood(inferred=False))
    assert "The model that it was marked against" in given.to_html() and "marked against" in given.to_text()


def test_of_a_huge_document_the_page_shows_the_lines_near_claims():
    text = "$a = b$\n" + "\n" * 30_000 + "$c = d$\n"
    claim = Claim(30_002, (text.index("$c") + 1, text.index("$c") + 6), "c = d", "definition", "c = d", "correct")
    lines = cut(Marking("huge", text, Understood(), (claim,)))
    assert len(lines) < 2_100 and lines[-2].claims == [0] and [x.number for x in lines][:3] == [1, 2, 3]
    page = Marking("huge", text, Understood(), (claim,)).to_html()
    assert "lines without claims are not shown" in page and len(page) < 1_000_000


def test_a_picture_shows_what_is_not_right():
    from xml.etree import ElementTree

    text = "$z = wx + b$, $a = \\sigma(z)$, $L = (a - y)^2$\n\n$dL/da = 2(a - y)$\n\n$dL/db = 2(a - y)$\n\n$dL/dw = 2(a - y) x$\n"
    marking = check_homework(text)
    picture = ElementTree.fromstring(marking.to_svg())
    words = ["".join(element.itertext()) for element in picture.iter() if element.tag.endswith("text")]
    assert any("dL/db = 2(a - y)" in row for row in words) and any("missing-slope" in row for row in words)
    assert [row for row in words if row in ("✓", "✗", "→")].count("✗") == 1
    hostile = ElementTree.fromstring(
        check_homework("</svg><script>alert(1)</script>{0} $dL/db = 2 &\u202e a$").to_svg()
    )
    assert not [e for e in hostile.iter() if "script" in e.tag]
