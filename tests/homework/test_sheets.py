"""Sheets with two exercises, each about a model of its own with the same letters: a number here, a matrix there."""

from __future__ import annotations

import itertools

import pytest

from symderiv.homework.checking import check_homework


def by(bottom: str, top: str = "L") -> str:
    """The derivative of the loss."""
    return rf"\frac{{\partial {top}}}{{\partial {bottom}}}"


EXERCISES = {
    "line": [r"$\hat y = w x + b$, $L = (\hat y - y)^2$", rf"${by('w')} = 2(\hat y - y) x$"],
    "logistic": [
        r"$z = w^T x + b$, $a = \sigma(z)$, $L = -y\log a - (1-y)\log(1-a)$",
        rf"${by('z')} = a - y$",
        rf"${by('w')} = (a - y) x$",
    ],
    "softmax": [
        r"$z = W x + b$, $p = \mathrm{softmax}(z)$, $L = -\sum_k y_k \log p_k$",
        rf"${by('z')} = p - y$",
        rf"${by('W')} = (p - y) x^T$",
    ],
    "ridge": [r"$J(w) = \frac1n \|Xw - y\|^2 + \lambda \|w\|^2$", r"$\nabla J(w) = \frac2n X^T (Xw - y) + 2\lambda w$"],
    "samples": [
        r"$E = \frac12 \sum_{n=1}^N (y_n - t_n)^2$, $y_n = w^T x_n$",
        r"$\nabla_w E = \sum_{n=1}^N (y_n - t_n) x_n$",
    ],
    "graph": [
        "$q = x + y$, $f = q z$ with $x = -2$, $y = 5$, $z = -4$",
        "$q = 3$, $f = -12$",
        rf"${by('x', 'f')} = z = -4$",
    ],
}
OPENINGS = ["### Exercise {}\n\n", "**Aufgabe {}.** ", "{}) "]
PAIRS = list(itertools.permutations(EXERCISES, 2))


def sheet(opening: str, *exercises: list[str]) -> str:
    """One after the other."""
    return "".join(opening.format(k + 1) + "\n\n".join(lines) + "\n\n" for k, lines in enumerate(exercises))


@pytest.mark.parametrize("first, second", PAIRS, ids=map("-".join, PAIRS))
def test_each_exercise_is_about_its_own_model(first: str, second: str) -> None:
    for opening in OPENINGS:
        claims = check_homework(sheet(opening, EXERCISES[first], EXERCISES[second])).claims
        assert {c.verdict for c in claims} == {"correct"}, [(c.source, c.verdict) for c in claims]


@pytest.mark.parametrize("first, second", [pair for pair in PAIRS if "graph" not in pair], ids=str)
def test_a_false_line_of_either_is_wrong(first: str, second: str) -> None:
    for spoilt in (0, 1):
        exercises = [list(EXERCISES[first]), list(EXERCISES[second])]
        left, right = exercises[spoilt][-1].strip("$").split(" = ")
        exercises[spoilt][-1] = rf"${left} = 3 \left({right}\right)$"
        claims = check_homework(sheet(OPENINGS[0], *exercises)).claims
        verdicts = {c.verdict for c in claims if r"3 \left(" in c.source}
        assert verdicts == {"wrong"}
        assert {c.verdict for c in claims if r"3 \left(" not in c.source} == {"correct"}
