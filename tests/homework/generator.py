"""Homework with its truth known by construction: `generate(seed)`.

A document is written from a network, a notation and planned mistakes. What a line claims is a tree (expressions.py), which is
both spelled (notations.py) and evaluated (networks.py, complex step), so that every verdict is confirmed by numbers.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, field

from .arrays import write_arrays
from .general import draw_general, write_general
from .indices import write_indices
from .matrices import write_matrices
from .numbers import write_numbers
from .pages import Mark, Page
from .switches import DISPLAYS, LANGUAGES, Switches, draw_network, draw_notation
from .words import Words


@dataclass
class Homework:
    """A document, the truth about its claims, the switches it was drawn with; `marks` carry the evidence for each claim."""

    text: str
    claims: list[dict]
    switches: Switches
    marks: list[Mark] = field(default_factory=list)
    model: object = None


def generate(seed: int) -> Homework:
    """The homework of a seed."""
    rng = random.Random(seed)
    family = rng.choice(FAMILIES)
    return WRITERS[family](rng, {"family": family}, seed)


def _matrix(rng: random.Random, s: Switches, seed: int) -> Homework:
    net = draw_network(rng, s, seed)
    notation = draw_notation(rng, s, net)
    _draw_course(rng, s, notation.dialect, net.depth)
    words = Words(s["language"], rng, s["talkative"])
    page = _page(rng, s, notation.dialect)
    page.prose(words.title())
    planned = rng.choice((1, 1, 1, 2, 3)) if rng.random() < 0.5 else 0
    writer = write_matrices(net, notation, rng, s, page, words, planned)
    return _finished(page, s, notation.dialect, writer)


def _numbers(rng: random.Random, s: Switches, seed: int) -> Homework:
    dialect = s["dialect"] = rng.choice(("tex", "tex", "unicode"))
    _draw_course(rng, s, dialect, 1)
    words = Words(s["language"], rng, s["talkative"])
    page = _page(rng, s, dialect)
    page.prose(words.title())
    work = write_numbers(rng, s, page, words, rng.choice((1, 1, 2)) if rng.random() < 0.5 else 0)
    return _finished(page, s, dialect, work)


def _indices(rng: random.Random, s: Switches, seed: int) -> Homework:
    dialect = s["dialect"] = rng.choice(("tex", "tex", "tex", "unicode"))
    _draw_course(rng, s, dialect, 1)
    words = Words(s["language"], rng, s["talkative"])
    page = _page(rng, s, dialect)
    page.prose(words.title())
    work = write_indices(rng, s, page, words, rng.choice((1, 1, 2)) if rng.random() < 0.5 else 0, seed)
    return _finished(page, s, dialect, work)


def _arrays(rng: random.Random, s: Switches, seed: int) -> Homework:
    dialect = s["dialect"] = rng.choice(("tex", "tex", "unicode"))
    _draw_course(rng, s, dialect, 2)
    words = Words(s["language"], rng, s["talkative"])
    page = _page(rng, s, dialect)
    page.prose(words.title())
    work = write_arrays(rng, s, page, words, rng.choice((1, 1, 2)) if rng.random() < 0.5 else 0, seed)
    return _finished(page, s, dialect, work)


def _general(rng: random.Random, s: Switches, seed: int) -> Homework:
    net, notation = draw_general(rng, s, seed)
    _draw_course(rng, s, notation.dialect, net.depth)
    words = Words(s["language"], rng, s["talkative"])
    page = _page(rng, s, notation.dialect)
    page.prose(words.title())
    writer = write_general(net, notation, rng, s, page, words, rng.choice((1, 1, 2)) if rng.random() < 0.5 else 0)
    return _finished(page, s, notation.dialect, writer)


def _finished(page: Page, s: Switches, dialect: str, model: object) -> Homework:
    for switch in UNUSED.get(s["family"], ()):  # else the tallies by switch would blame what was never written
        s.pop(switch, None)
    before, after = wrapper(s, dialect)
    if before:
        page.lines = [re.sub(r"^#+ (.*)", r"\\section*{\1}", line) for line in page.lines]
    text, claims = page.finish(before, after)
    s["mistakes"] = sorted({c["diagnosis_tag"] for c in claims if "codes" in c}) or ["none"]
    return Homework(text, claims, s, [m for _, m in page.placed], model)


def _draw_course(rng: random.Random, s: Switches, dialect: str, depth: int) -> None:
    """The switches that concern the course of the document rather than its signs."""
    s |= {
        "language": rng.choice(LANGUAGES), "talkative": rng.random() < 0.6, "display": rng.choice(DISPLAYS[dialect]),
        "numbered": rng.choice(("", "", "", "tag", "quad", "dash") if dialect == "tex" else ("", "", "", "plain") if dialect == "unicode" else ("",)),
        "prefix": rng.choice(("", "", "", "\\Rightarrow", "\\therefore", "\\implies", "\\text{So }")), "wrapper": rng.choice(("markdown",) * 4 + ("tex",)),
        "alias": rng.choice(("none", "stated", "stated", "direct", "chained")), "alias_letter": rng.choice(("\\hat{y}", "\\hat{y}", "\\hat{y}", "\\tilde{y}", "\\bar{y}")),
        "activation_formula": rng.random() < 0.3, "shapes": rng.choice(("", "", "", "letters", "numbers", "words")), "loss_sums": rng.choice(("outer", "indexed", "norm")),
        "split_log": rng.random() < 0.5, "through_activations": rng.random() < 0.4, "slope_first": rng.random() < 0.25,
        "bias_first": rng.random() < 0.2, "detail": rng.choice(("layer by layer", "layer by layer", "delta_first")),
        "closed": rng.choice(("none", "none", "some", "all")), "parameters_only": rng.random() < 0.4, "chains": rng.random() < 0.4,
        "locals": rng.random() < 0.35, "updates": rng.random() < 0.4, "arrow": rng.choice((":=", "\\leftarrow", "=")), "continued": rng.choice(("", "", "", "same line", "next line")), "chain_tail": rng.random() < 0.4,
        "says_hadamard": rng.random() < 0.6, "says_dname": rng.random() < 0.6,
    }  # fmt: skip


def _page(rng: random.Random, s: Switches, dialect: str) -> Page:
    return Page(dialect, s["display"], rng, numbered=s["numbered"])


def wrapper(s: Switches, dialect: str) -> tuple[list[str], list[str]]:
    """The lines before and after the page: nothing, or a whole .tex file."""
    if s["wrapper"] != "tex" or dialect != "tex" or s["display"] in ("list", "numbered_list"):
        s["wrapper"] = "markdown"
        return [], []
    return ["\\documentclass{article}", "\\usepackage{amsmath,amssymb}", "\\begin{document}", ""], ["\\end{document}"]


COURSE = (
    "prefix", "alias", "alias_letter", "activation_formula", "shapes", "split_log", "slope_first", "bias_first", "detail", "closed", "parameters_only",
    "continued", "chain_tail", "says_hadamard", "says_dname", "arrow",
)  # fmt: skip
UNUSED = {
    "numbers": (*COURSE, "locals", "loss_sums", "through_activations"), "indices": (*COURSE, "loss_sums", "through_activations"),
    "arrays": (*COURSE, "locals", "chains", "updates"), "general": ("alias", "alias_letter", "activation_formula", "bias_first", "detail", "closed", "parameters_only", "continued", "locals", "shapes"),
}  # fmt: skip
FAMILIES = ("matrix",) * 6 + ("numbers",) * 2 + ("indices", "indices", "general", "arrays")
WRITERS = {"matrix": _matrix, "numbers": _numbers, "indices": _indices, "general": _general, "arrays": _arrays}
