"""A line through points that are given all at once: in tables, lists and pairs; every number after them is judged."""

from __future__ import annotations

import pytest

from symderiv.homework.checking import check_homework

X, Y = (1, 2, 4), (2, 3, 5)
SLOPE, INTERCEPT, RATE = 0.3, 0.5, 0.1
FORMS = {
    "columns": "| $x_i$ | $y_i$ |\n|---|---|\n| 1 | 2 |\n| 2 | 3 |\n| 4 | 5 |",
    "columns of plain names": "| x | y |\n|---|---|\n| 1 | 2 |\n| 2 | 3 |\n| 4 | 5 |",
    "numbered rows": "| $i$ | $x_i$ | $y_i$ |\n|---|---|---|\n| 1 | 1 | 2 |\n| 2 | 2 | 3 |\n| 3 | 4 | 5 |",
    "named rows": "| Sample | x | y |\n|---|---|---|\n| A | 1 | 2 |\n| B | 2 | 3 |\n| C | 4 | 5 |",
    "numbered columns": "| $i$ | 1 | 2 | 3 |\n|---|---|---|---|\n| $x_i$ | 1 | 2 | 4 |\n| $y_i$ | 2 | 3 | 5 |",
    "headings that are a row": "| $x$ | 1 | 2 | 4 |\n|---|---|---|---|\n| $y$ | 2 | 3 | 5 |",
    "pairs by name": "$(x_1, y_1) = (1, 2)$, $(x_2, y_2) = (2, 3)$, $(x_3, y_3) = (4, 5)$",
    "points": "The points are $(1, 2)$, $(2, 3)$ and $(4, 5)$.",
    "points in prose": "Data: (1, 2), (2, 3), (4, 5)",
    "points with names": "Data points $(x_i, y_i)$: $(1, 2)$, $(2, 3)$, $(4, 5)$",
    "a set": r"$D = \{(1, 2), (2, 3), (4, 5)\}$",
    "element of a set": r"$(x, y) \in \{(1, 2), (2, 3), (4, 5)\}$",
    "vectors": "$x = (1, 2, 4)$, $y = (2, 3, 5)$",
    "lists": "$x_i = 1, 2, 4$ and $y_i = 2, 3, 5$",
    "one by one": "$x_1 = 1, x_2 = 2, x_3 = 4$ and $y_1 = 2, y_2 = 3, y_3 = 5$",
}
ERRORS = [SLOPE * x + INTERCEPT - y for x, y in zip(X, Y, strict=True)]
LOSS = sum(e * e for e in ERRORS) / 3
GRADIENT = 2 / 3 * sum(e * x for e, x in zip(ERRORS, X, strict=True))


def written(
    data: str, slope: str, intercept: str, second: float = 1.1, loss: float = LOSS, step: float = RATE * GRADIENT
) -> str:
    """The homework: the model, the data, the outputs, the loss, the slope's gradient in numbers, its step."""
    return rf"""Model $\hat y_i = {slope} x_i + {intercept}$, $J = \frac{{1}}{{3}} \sum_{{i=1}}^3 ({slope} x_i + {intercept} - y_i)^2$

{data}

Start: ${slope} = {SLOPE}$, ${intercept} = {INTERCEPT}$, $\alpha = {RATE}$.

$\hat y_1 = 0.8$, $\hat y_2 = {second}$, $\hat y_3 = 1.7$

$J = {loss:.3f}$

$\frac{{\partial J}}{{\partial {slope}}} = \frac{{2}}{{3}}[(0.8 - 2)(1) + (1.1 - 3)(2) + (1.7 - 5)(4)]$

${slope} := {slope} - \alpha \frac{{\partial J}}{{\partial {slope}}} = {SLOPE - step:.3f}$
"""


@pytest.mark.parametrize("slope, intercept", [("m", "c"), ("w", "b"), (r"\theta_1", r"\theta_0")])
@pytest.mark.parametrize("data", FORMS.values(), ids=FORMS)
def test_the_samples_are_found(data: str, slope: str, intercept: str) -> None:
    claims = check_homework(written(data, slope, intercept)).claims
    assert {c.verdict for c in claims} == {"correct"}, [(c.source, c.verdict) for c in claims]
    assert sum(c.kind == "number" for c in claims) >= 5


@pytest.mark.parametrize("data", FORMS.values(), ids=FORMS)
def test_what_they_do_not_give_is_wrong(data: str) -> None:
    def wrong(**slip: float) -> list[str]:
        return [c.source for c in check_homework(written(data, "w", "b", **slip)).claims if c.verdict == "wrong"]

    assert wrong(second=1.2) == [r"\hat y_2 = 1.2"]
    assert wrong(loss=LOSS / 2) == [f"J = {LOSS / 2:.3f}"]
    assert wrong(step=-RATE * GRADIENT) == [f"= {SLOPE + RATE * GRADIENT:.3f}"]


def test_points_that_are_no_samples_stay_out() -> None:
    text = written("", "w", "b").replace(
        "Start:", "The error is drawn at the points $(0, 1)$ and $(3, 2)$ of the plane $(w, b)$."
    )
    assert [c.verdict for c in check_homework(text).claims if c.source.startswith(r"\hat y_1")] == ["uncheckable"]
