"""The generator of homework: the same seed gives the same page, every switch is used, every verdict is true.

The oracle here is apart from the generator: a forward pass of its own, central differences in real arithmetic, other sizes and
other numbers than the ones that the generator judged by.
"""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from .arrays import Arrays
from .expressions import Expr, Key, Nonconforming, Values
from .generator import Homework, generate
from .indices import Indexed
from .matrices import Writer
from .networks import LETTERS, Network
from .numbers import Worked, close, cut_off
from .score import agrees, compare, tally

SEEDS = range(400)
OTHER_SIZES = {2: (3, 4), 3: (4, 6, 3), 4: (3, 7, 4, 5), 5: (4, 3, 6, 7, 5)}


@cache
def homework(seed: int) -> Homework:
    return generate(seed)


# ---- the oracle ---------------------------------------------------------------------------------------------------------


def squash(kind: str, z: np.ndarray, columns: bool) -> np.ndarray:
    match kind:
        case "sigmoid":
            return 0.5 * (1 + np.tanh(z / 2))
        case "tanh":
            return np.tanh(z)
        case "relu":
            return np.maximum(z, 0)
        case "softplus":
            return np.logaddexp(0, z)
        case "identity":
            return z
        case "softmax":
            shifted = np.exp(z - z.max(axis=0 if columns else 1, keepdims=True))
            return shifted / shifted.sum(axis=0 if columns else 1, keepdims=True)
    return 0.7 * z + 0.4 * np.sin(1.3 * z) + 0.2


def run(
    net: Network, given: dict[Key, np.ndarray], shift: dict[Key, np.ndarray]
) -> tuple[dict[Key, np.ndarray], float]:
    v = {key: array + shift.get(key, 0) for key, array in given.items()}
    for l, kind in enumerate(net.activations, 1):
        w, a = v["W", l], v["A", l - 1]
        product = {
            "Wx": lambda w, a: w @ a,
            "xW": lambda w, a: a @ w,
            "WTx": lambda w, a: w.T @ a,
            "xWT": lambda w, a: a @ w.T,
        }[net.layout]
        v["Z", l] = product(w, a) + (v["b", l] if net.bias else 0) + shift.get(("Z", l), 0)
        v["A", l] = squash(kind, v["Z", l], net.columns) + shift.get(("A", l), 0)
    out, y = v["A", net.depth], v["Y", 0]
    total = 0.0
    if "mse" in net.loss:
        total += float(np.sum((out - y) ** 2)) * (0.5 if "+" in net.loss else 1)
    if "ce" in net.loss:
        total -= float(np.sum(y * np.log(out)))
    if net.loss == "log":
        total -= float(np.sum(y * np.log(out) + (1 - y) * np.log(1 - out)))
    total *= float(net.coefficient.number) / (net.samples if net.coefficient.per_sample else 1)
    if net.penalty:
        squares = sum(float(np.sum(v["W", l] ** 2)) for l in range(1, net.depth + 1))
        total += 0.5 * 0.37 / (net.samples if net.penalty.per_sample else 1) * squares
    return v, total


def differences(net: Network, key: Key) -> np.ndarray:
    """dL/dkey by central differences."""
    given = net.parameters
    array = run(net, given, {})[0][key]
    found = np.zeros_like(array)
    for at in np.ndindex(array.shape):
        step = np.zeros_like(array)
        h = (
            1e-4 * min(array[at], 1 - array[at]) if key == ("A", net.depth) and net.loss != "mse" else 1e-5
        )  # log stays defined
        step[at] = h
        found[at] = (run(net, given, {key: step})[1] - run(net, given, {key: -step})[1]) / (2 * h)
    return found


def oracle(net: Network, later: bool) -> Values:
    """Everything that a right side can mention, at other sizes."""
    other = replace(net, sizes=OTHER_SIZES[len(net.sizes)], samples=9 if net.samples > 1 else 1, seed=net.seed + 7)
    arrays, _ = run(other, other.parameters, {})
    grads = {key: differences(other, key) for key in arrays if key[0] != "Y"}
    if later:
        grads = {k: g * other.samples if k[0] in "ZA" else g for k, g in grads.items()}
    return Values(arrays, grads, other.activations, other.columns, other.samples, LETTERS)


def true_at(values: Values, key: Key, expr: Expr) -> bool:
    try:
        with np.errstate(all="ignore"):
            found = values.of(expr)
    except Nonconforming:
        return False
    target = values.grads[key]
    return found.shape == target.shape and bool(np.allclose(found, target, rtol=1e-5, atol=1e-7))


def chain_holds(net: Network, bottom: Key, links: tuple[tuple[Key, Key], ...]) -> bool:
    """The factors are Jacobians that multiply to the derivative of the loss."""
    if any(a[1] != b[0] for a, b in itertools.pairwise(links)) or links[0][0] != ("L", 0) or links[-1][1] != bottom:
        return False
    product = net.jacobian(*links[0])
    for link in links[1:]:
        product = np.tensordot(product, net.jacobian(*link), axes=2)
    return np.allclose(product[0, 0], net.values.grads[links[-1][1]])


def local_holds(net: Network, top: Key, bottom: Key, right: Expr | None) -> bool:
    """The Jacobian is the matrix or its transpose times an identity, or elementwise."""
    jacobian = net.jacobian(top, bottom)
    try:
        m = np.ones((1, 1)) if right is None else net.values.of(right)
    except Nonconforming:
        return False
    p, q, r, s = jacobian.shape
    if top[0] == "A":
        return m.shape == (p, q) and np.allclose(jacobian, np.einsum("pq,pr,qs->pqrs", m, np.eye(p), np.eye(q)))
    for matrix in (m, m.T):
        for free, paired in (("qs", "pr"), ("pr", "qs"), ("ps", "qr"), ("qr", "ps")):
            sizes = dict(zip("pqrs", (p, q, r, s), strict=True))
            if matrix.shape != (1, 1) and matrix.shape != tuple(sizes[c] for c in paired):
                continue
            full = np.ones([sizes[c] for c in paired]) * matrix if matrix.shape == (1, 1) else matrix
            identity = (
                np.eye(sizes[free[0]], sizes[free[1]])
                if 1 not in (sizes[free[0]], sizes[free[1]])
                else np.ones((sizes[free[0]], sizes[free[1]]))
            )
            if np.allclose(jacobian, np.einsum(f"{free},{paired}->pqrs", identity, full)):
                return True
    if right is None:  # dz/db = 1: an identity between units, the same for each sample
        summed = jacobian.sum(axis=1 if net.columns else 0).squeeze()
        return bool(np.allclose(summed, net.samples * np.eye(len(summed))))
    return False


# ---- the page -----------------------------------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_page():
    for seed in range(40):
        first, second = generate(seed), generate(seed)
        assert (first.text, first.claims, first.switches) == (second.text, second.claims, second.switches)


@pytest.mark.parametrize("seeds", [range(k, k + 100) for k in range(0, 400, 100)], ids=str)
def test_claims_stand_on_their_lines(seeds):
    for seed in seeds:
        lines = homework(seed).text.split("\n")
        for claim in homework(seed).claims:
            assert claim["latex"] in lines[claim["line"] - 1], (seed, claim)
            assert claim["verdict"] in claim["accept"]
            assert claim["verdict"] != "wrong" or claim["codes"]
            right, false = {"correct", "notation"} & set(claim["accept"]), "wrong" in claim["accept"]
            assert not (right and false), (seed, claim)


def test_every_switch_takes_every_value():
    seen = defaultdict(Counter)
    for seed in range(1500):
        for switch, value in homework(seed).switches.items():
            for one in value if isinstance(value, list) else [value]:
                seen[switch][str(one)] += 1
    assert len(seen) >= 45
    least = {
        "family": {"matrix", "numbers", "indices", "general", "arrays"},
        "layout": {"Wx", "xW", "WTx", "xWT"},
        "mark": {"bracket", "paren", "sup", "sub", "sub_braced", "angle", "plain", "underscore", "square"},
        "dialect": {"tex", "unicode", "python"},
        "derivative": {"partial", "d", "nabla", "subscript", "operator", "inline", "dname", "bar", "upright"},
        "transpose": {"T", "top", "prime", "sf", "mathrm", "dot", "small"},
        "hadamard": {"\\odot", "\\circ", "*", "\\cdot", "\\times", "unmarked", ".*"},
        "total": {"sum", "sum_bare", "samples", "ones", "np"},
        "loss": {"mse", "log", "ce", "mse+ce"},
        "hidden": {"sigmoid", "tanh", "relu", "g", "softplus", "identity"},
        "loss_stated": {"formula", "named", "missing"},
        "language": {"English", "German", "French", "none"},
        "mistakes": {
            "missing-slope", "slope-twice", "function-for-slope", "slope-at-wrong-argument", "softmax-diagonal", "missing-transpose", "swapped-factors",
            "matmul-for-elementwise", "wrong-layer", "wrong-variable", "dropped-chain-factor", "missing-batch-sum", "summed-over-everything",
            "missing-output-sum", "missing-mean-factor", "repeated-mean-factor", "constant-factor", "sign", "other-loss", "update-sign", "arithmetic-slip",
            "wrong-shape", "undefined-symbol", "wrong-left-hand-side", "regularised-bias", "none",
        },
    }  # fmt: skip
    for switch, values in least.items():
        assert values <= set(seen[switch]), (switch, values - set(seen[switch]))
    booleans = [switch for switch, values in seen.items() if set(values) <= {"True", "False"}]
    assert all(set(seen[switch]) == {"True", "False"} for switch in booleans)
    assert 0.35 < seen["mistakes"]["none"] / 1500 < 0.75


# ---- the truth ----------------------------------------------------------------------------------------------------------


def check_derivative(values: Values, mark, evidence) -> None:
    key, *sides = evidence
    truths = [true_at(values, key, side) for side in sides]
    if mark.verdict == "correct":
        assert all(truths), (mark.latex, evidence)
    elif mark.verdict in ("wrong", "notation", "carried"):
        assert not all(truths), (mark.latex, evidence)


@pytest.mark.parametrize("seeds", [range(k, k + 50) for k in range(0, 400, 50)], ids=str)
def test_verdicts_on_matrices_are_true_at_other_sizes(seeds):
    checked = Counter()
    for seed in seeds:
        page = homework(seed)
        if not isinstance(page.model, Writer):
            continue
        net = page.model.net
        values = oracle(net, bool(page.switches["later"]))
        for mark in page.marks:
            match mark.evidence:
                case ("chain", bottom, links):
                    assert chain_holds(net, bottom, links) == (mark.verdict == "correct"), mark.latex
                case ("local", top, bottom, right):
                    assert local_holds(net, top, bottom, right) == (mark.verdict == "correct"), (seed, mark.latex)
                case (tuple(), *_):
                    check_derivative(values, mark, mark.evidence)
                case _:
                    continue
            checked[mark.verdict] += 1
    assert checked["correct"] > 50


def test_verdicts_on_indices_are_true():
    checked = Counter()
    for seed in SEEDS:
        page = homework(seed)
        if not isinstance(page.model, Indexed):
            continue
        work = page.model
        for mark in page.marks:
            if not mark.evidence:
                continue
            _, line, right = mark.evidence
            if line.gives:
                grad = differences(work.net, line.gives)
                for at in np.ndindex(*(work.sizes[c] for c in line.letters)):
                    found = grad[at] if len(at) == 2 else grad[at[0], 0]
                    assert np.isclose(found, line.truth(dict(zip(line.letters, at, strict=True))), rtol=1e-5, atol=1e-8)
            assert work.holds(line, right) == (mark.verdict == "correct"), (seed, mark.latex)
            checked[mark.verdict] += 1
    assert checked["correct"] > 100


def verdict_of(text: str, exact: float) -> bool:
    return close(text, exact) or cut_off(text, exact)


def test_verdicts_on_numbers_are_true():
    checked = Counter()
    for seed in SEEDS:
        page = homework(seed)
        if not isinstance(page.model, Worked):
            continue
        work = page.model
        for mark in page.marks:
            if mark.evidence:
                kind, key, text = mark.evidence
                exact = slope(work, key[1:]) if key.startswith("d") else value(work, key)
                if kind == "update":
                    exact = work.given[key] - work.rate * slope(work, key)
                # where the sides of a rounding meet, differences are too coarse
                if abs(abs(float(text) - exact) - 0.5 * 10 ** -len(text.partition(".")[2])) > 1e-8:
                    assert (mark.verdict == "correct") == verdict_of(text, exact), (seed, mark.latex, exact)
                checked[mark.verdict] += 1
    assert checked["correct"] > 200 and checked["wrong"] > 5 and checked["carried"] > 20


def value(work: Worked, key: str) -> float:
    return work.run({})[key].real


def slope(work: Worked, key: str) -> float:
    h = 1e-6
    return (work.run({key: h})["L"].real - work.run({key: -h})["L"].real) / (2 * h)


def test_verdicts_on_arrays_of_numbers_are_true():
    checked = Counter()
    for seed in SEEDS:
        page = homework(seed)
        if not isinstance(page.model, Arrays):
            continue
        net = page.model.net
        arrays, _ = run(net, net.parameters, {})
        for mark in page.marks:
            if mark.evidence:
                _, what, entries = mark.evidence
                exact = differences(net, what.key) if type(what).__name__ == "Grad" else arrays[what.key]
                printed = np.array([[float(x) for x in row] for row in entries])
                unit = np.array([[10.0 ** -len(x.partition(".")[2]) for x in row] for row in entries])
                # where the sides of a rounding meet, differences are too coarse
                if not np.any(np.abs(np.abs(printed - exact) / unit % 1 - 0.5) < 1e-3):
                    right = [
                        verdict_of(x, v)
                        for row, values in zip(entries, exact, strict=True)
                        for x, v in zip(row, values, strict=True)
                    ]
                    assert (mark.verdict == "correct") == all(right), (seed, mark.latex)
                checked[mark.verdict] += 1
    assert checked["correct"] > 50


def test_a_marker_that_knows_the_truth_scores_full():
    for seed in range(120):
        page = homework(seed)
        starts = [0, *(i + 1 for i, c in enumerate(page.text) if c == "\n")]
        reported = []
        for claim in page.claims:
            at = page.text.index(claim["latex"], starts[claim["line"] - 1])
            span = [at, at + len(claim["latex"])]
            reported.append({"span": span, "verdict": claim["verdict"], "mistakes": claim.get("codes", [])[:1]})
        rows = compare(page.text, page.claims, reported)
        bad = [(claim, verdict) for claim, verdict, _ in rows if not agrees(claim, verdict)]
        assert not bad, (seed, bad)
        counts = tally(rows)
        assert counts["agree"] == counts["claims"] and counts["roots"] == counts["named"]
