"""Numbers in homework: exact, rounded early, cut off, slips, steps down the gradient, formulas that only numbers show, tables."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

import numpy as np
import pytest

from symderiv.homework.checking import check_homework
from symderiv.homework.marking import Claim
from symderiv.homework.reading.reader import read
from symderiv.homework.understanding.inference import Inference
from symderiv.homework.understanding.literals import agrees, literal
from symderiv.homework.understanding.terms import Apply, Augmented, Part, parts_of

NET = """z = w*x + b, a = tanh(z), L = (a - y)^2

x = 1.5, w = 0.8, b = -0.2, y = 0.5, eta = 0.1

"""


def claims_of(text: str) -> list[Claim]:
    return list(check_homework(text).claims)


def verdicts(text: str) -> list[str]:
    """The verdict of each claim after the premises."""
    return [c.verdict for c in claims_of(NET + text) if c.line > NET.count("\n")]


def last(text: str, premises: str = NET) -> Claim:
    return claims_of(premises + text)[-1]


def formulas(text: str) -> dict[str, object]:
    understanding = Inference(read(text)).run()
    return {d.key: d.term for d in understanding.definitions}


# --- literals ---
def side(text: str) -> tuple[np.ndarray, np.ndarray] | None:  # type: ignore[type-arg]
    return literal(read(f"q = {text}").statements[0].sides[1].node)


@pytest.mark.parametrize(
    ("text", "value", "half"),
    [
        ("0.50", 0.5, 0.005),
        ("-3", -3, 1e-9),
        ("57.4%", 0.574, 0.0005),
        ("1.2e-3", 0.0012, 5e-5),
        ("(-0.25)", -0.25, 0.005),
    ],
)
def test_literal(text: str, value: float, half: float) -> None:
    found = side(text)
    assert found is not None
    assert found[0].item() == pytest.approx(value)
    assert found[1].item() == pytest.approx(half)


def test_literal_of_a_list_is_a_column() -> None:
    found = side("(1, -2.5)")
    assert found is not None
    assert found[0].tolist() == [[1], [-2.5]]


def test_a_product_is_no_literal() -> None:
    assert side("2 * 3") is None


@pytest.mark.parametrize(
    ("value", "exact", "half", "how"),
    [
        (0.46, 0.4621, 0.005, "rounded"),
        (0.46, 0.4699, 0.005, "cut"),
        (-0.46, -0.4699, 0.005, "cut"),
        (0.46, 0.4501, 0.005, None),
        (-0.16, -0.169, 0.005, "cut"),
        (0.2636, 0.26368, 0.00005, "cut"),
        (3, 3.2, 1e-9, None),
        (8.31e-7, 8.3153e-7, 5e-10, "cut"),
    ],
)
def test_agrees(value: float, exact: float, half: float, how: str | None) -> None:
    assert agrees(np.array([[value]]), np.array([[exact]]), np.array([[half]])) == how


def test_agrees_turned() -> None:
    matrix = np.array([[1.0, 2.0], [3.0, 4.0]])
    half = np.full((2, 2), 0.05)
    assert agrees(matrix, matrix.T, half) == "rounded turned"
    assert agrees(np.array([[1.0], [2.0]]), np.array([[1.0, 2.0]]), np.full((2, 1), 0.05)) == "rounded"


# --- values ---
def test_right_values() -> None:
    assert set(
        verdicts("z = w*x + b = 0.8*1.5 - 0.2 = 1.0\na = tanh(1.0) = 0.7616\nL = 0.0684\ndL/da = 2(a - y) = 0.5232\n")
    ) == {"correct"}


def test_digits_cut_off_are_correct_with_a_note() -> None:
    claim = last("a = 0.761\n")
    assert claim.verdict == "correct"
    claim = last("dL/da = 0.523\nda/dz = 0.419\n")
    assert (claim.verdict, claim.message) == ("correct", "its digits are cut off, not rounded")


def test_rounded_early_is_carried_to_the_line_of_the_rounding() -> None:
    claim = last("a = 0.76\nL = (0.76 - 0.5)^2 = 0.0676\n")
    assert (claim.verdict, claim.mistakes, claim.root_line) == ("carried", ("rounded-early",), 5)


def test_a_slip_is_wrong_even_after_rounding() -> None:
    claim = last("a = 0.76\nL = (0.76 - 0.5)^2 = 0.0776\n")
    assert (claim.verdict, claim.mistakes) == ("wrong", ("arithmetic-slip",))


def test_what_follows_from_a_slip_is_carried() -> None:
    claims = [
        c
        for c in claims_of(NET + "a = 0.86\ndL/da = 2(0.86 - 0.5) = 0.72\nda/dz = 0.42\ndL/dz = 0.72*0.42 = 0.302\n")
        if c.line > 4
    ]
    assert [(c.line, c.verdict) for c in claims] == [
        (5, "wrong"),
        (6, "carried"),
        (6, "carried"),
        (7, "correct"),
        (8, "carried"),
        (8, "carried"),
    ]
    assert claims[-1].root_line == 5


def test_a_value_from_elsewhere_is_wrong() -> None:
    assert last("a = 0.7616\ndL/da = 2(0.7616 - 1.5) = -1.4768\n").verdict in ("wrong", "carried")
    assert "wrong" in verdicts("a = 0.7616\ndL/da = 2(0.7616 - 1.5) = -1.4768\n")


def test_a_right_value_after_a_wrong_product_is_correct_and_reported() -> None:
    claim = last("a = 0.7616\ndL/da = 2*(0.7616 - 0.4) = 0.5232\n")
    assert claim.verdict == "correct"
    assert "numbers shown" in claim.message


def test_coarse_digits_settle_nothing() -> None:
    assert "wrong" in verdicts("a = 0.7616\ndL/dw = 0.5232*0.2*1.5 = 0.157\n")


def test_the_last_of_many_digits_may_be_off() -> None:
    assert last("a = 0.761594156\n").message == ""
    assert last("a = 0.761594158\n").verdict == "correct"
    assert last("a = 0.7616942\n").verdict == "wrong"


def test_a_minus_before_a_square_needs_brackets() -> None:
    premises = "$$x = \\begin{bmatrix} 1 \\\\ -4 \\end{bmatrix}$$\n\n"
    claims = claims_of(premises + "$$\\|x\\|^2 = 1^2 + -4^2 = 17$$\n")
    assert [c.verdict for c in claims[-2:]] == ["notation", "correct"]


def test_trace_is_not_the_sum_of_the_entries() -> None:
    premises = "$$A = \\begin{bmatrix} 1 & 2 \\\\ 3 & 4 \\end{bmatrix}$$\n\n"
    assert last("$$tr(A) = 5$$\n", premises).verdict == "correct"
    assert last("$$tr(A) = 10$$\n", premises).verdict == "wrong"


def test_a_function_that_nobody_defines_has_no_value() -> None:
    text = "$z = w x$, $a = f(z)$, $L = (a - y)^2$, $x = 2$, $w = 1$, $y = 0.5$\n\n$$a = 0.9$$\n\n$$\\frac{dL}{dw} = 0.3$$\n"
    assert "wrong" not in {c.verdict for c in claims_of(text)}


def test_a_missing_weight_does_not_stop_the_rest() -> None:
    text = "`z = W x + b`, `a = ReLU(z)`, `o = v · a`, `L = ½(o − y)²`\n\n`b = (0, 0.5)`, `v = (1, 0.8)`, `x = (1, 2)`, `y = 1`, `z = (−1.5, 2.5)`\n\n"
    claims = claims_of(text + "```text\na = (0, 2.5)\no = 2.0\n∂L/∂z = (0, 0.8)\n∂L/∂b = (0, 0.9)\n```\n")
    assert [c.verdict for c in claims if c.line > 4] == ["correct", "correct", "correct", "wrong"]
    assert [c.verdict for c in claims if c.source.startswith("z = (")] == ["uncheckable"]


def test_percent() -> None:
    assert last("a = 76.2%\n").verdict == "correct"
    assert last("a = 77.2%\n").verdict == "wrong"


def test_numbers_alone_are_judged_as_they_stand() -> None:
    assert last("2*(0.76 - 0.5) = 0.52\n").verdict == "correct"
    assert last("2*(0.76 - 0.5) = 0.62\n").verdict == "wrong"


def test_nothing_says_how_it_is_computed() -> None:
    assert last("dL/dq = 0.3\n").verdict == "uncheckable"


# --- steps ---
def test_step_and_new_forward_pass() -> None:
    assert set(verdicts("dL/dw = 0.3296\nw_new = 0.8 - 0.1*0.3296 = 0.767\nz = 0.767*1.5 - 0.2 = 0.9506\n")) == {
        "correct"
    }


def test_step_up_the_gradient() -> None:
    claims = claims_of(NET + "w = 0.8 + 0.1*0.3296 = 0.833\n")[-2:]
    assert claims[0].verdict == "wrong"
    assert claims[0].mistakes == ("update-sign",)


def test_old_values_do_not_hold_after_a_step() -> None:
    assert last("z = 1.0\nw = 0.8 - 0.1*0.3296 = 0.767\nb = -0.2 - 0.1*0.2197 = -0.222\nz = 1.0\n").verdict == "wrong"


def test_two_steps() -> None:
    text = """L = (w*x - y)^2

x = 2, y = 1, w = 1, eta = 0.1

dL/dw = 2*(2 - 1)*2 = 4
w = 1 - 0.1*4 = 0.6
dL/dw = 2*(1.2 - 1)*2 = 0.8
w = 0.6 - 0.1*0.8 = 0.52
L = 0.0016
"""
    assert {c.verdict for c in claims_of(text)} == {"correct"}


def test_recurrence_with_the_gradient_by_time() -> None:
    text = """One weight θ, ŷ = θ·x, x = 2, y = 3, J(θ) = ½(ŷ − y)², η = 0.1, β = 0.9, v₀ = 0, θ₀ = 0.5

v_t = β·v_{t−1} + g_t
θ_t = θ_{t−1} − η·v_t

g₁ = (0.5·2 − 3)·2 = −4
v₁ = −4
θ₁ = 0.9
g₂ = (0.9·2 − 3)·2 = −2.4
v₂ = 0.9·(−4) + (−2.4) = −5.0
θ₂ = 0.9 − 0.1·(−5.0) = 1.4
g₃ = (1.4·2 − 3)·3 = −0.6

| t | g_t | v_t | θ_t |
|---|-----|-----|-----|
| 1 | −4 | −4 | 0.9 |
| 2 | −2.4 | −5.0 | 1.4 |
"""
    claims = [c for c in claims_of(text) if c.line >= 6]
    wrong = [c.line for c in claims if c.verdict == "wrong"]
    assert set(wrong) == {10, 12}
    assert {c.root_line for c in claims if c.verdict == "carried" and c.line == 11} == {10}
    assert [c.verdict for c in claims if c.line == 17] == ["correct", "carried", "carried"]


# --- what only numbers show ---
def test_weighted_sum_and_activation_are_recognised() -> None:
    text = """x1 = 0.5, x2 = -1.2, w1 = 0.7, w2 = 0.3, b = 0.25, v = 1.6

We use the sigmoid for the hidden neuron.

net = 0.7 * 0.5 + 0.3 * (-1.2) + 0.25 = 0.24
h = 0.5597
o = 1.6 * 0.5597 = 0.8955
do/dw1 = 0.1971
do/dw2 = 0.1971
"""
    found = formulas(text)
    assert found["h"] == Apply("sigmoid", 0, Part("net", ()))
    by_line = {c.line: c.verdict for c in claims_of(text)}
    assert by_line[8] == "correct"
    assert by_line[9] == "wrong"


def test_sigmoid_written_in_numbers() -> None:
    found = formulas("$x = 2$, $w = 0.4$\n\n$$z = w x = 0.8$$\n\n$$p = \\frac{1}{1 + e^{-0.8}} = 0.69$$\n")
    assert found["p"] == Apply("sigmoid", 0, Part("z", ()))


def test_an_ambiguous_expression_is_not_guessed() -> None:
    found = formulas("u = 0.5, v = 0.5, k = 0.7\n\nq = 0.5 * 0.7 = 0.35\n")
    assert "q" not in found


def test_no_activation_without_its_formula_or_name() -> None:
    text = "x1 = 0.5, w1 = 0.7\n\nWe use the sigmoid.\n\nnet = 0.7 * 0.5 = 0.35\nh = 0.632\n"
    assert claims_of(text)[-1].verdict == "uncheckable"


def test_values_come_from_the_formula_beside_its_numbers() -> None:
    claims = claims_of("$$z = w x + b = 2 \\cdot 3 + 1 = 7$$\n\n$$\\frac{dz}{dw} = 3$$\n\n$$\\frac{dz}{dx} = 4$$\n")
    assert [c.verdict for c in claims[-2:]] == ["correct", "wrong"]


def test_bias_as_first_feature() -> None:
    text = r"""$$x = \begin{bmatrix} 2 \\ 5 \end{bmatrix}, \quad W = \begin{bmatrix} -1 & 2 \\ -2 & 1 \\ 1 & 4 \end{bmatrix}$$

We add a one to the example for the bias.

$$z = W^T x = \begin{bmatrix} 0 \\ 24 \end{bmatrix}$$
"""
    assert isinstance(formulas(text)["z"].factors[1], Augmented)  # type: ignore[attr-defined]
    assert claims_of(text)[-1].verdict == "correct"
    assert claims_of(text.replace("24", "25"))[-1].verdict == "wrong"


def test_a_gradient_given_instead_of_a_loss() -> None:
    text = r"""$$y = W x$$

$$W = \begin{bmatrix} 1 & 2 \\ 3 & 4 \end{bmatrix}, \quad x = \begin{bmatrix} 1 \\ -1 \end{bmatrix}$$

$$\frac{\partial J}{\partial y} = \begin{bmatrix} 1 \\ 2 \end{bmatrix}$$

$$\frac{\partial J}{\partial x} = \begin{bmatrix} 7 \\ 10 \end{bmatrix}$$
"""
    assert claims_of(text)[-1].verdict == "correct"
    assert claims_of(text.replace("10", "11"))[-1].verdict == "wrong"


# --- tables ---
def test_table_of_nodes() -> None:
    text = """a = 3, b = -2

c = a * b, L = c^2

| node | value | grad |
|---|---|---|
| c | -6 | -12 |
| a | 3 | 24 |
| b | -2 | -35 |
"""
    assert [c.verdict for c in claims_of(text) if c.line > 6] == [
        "correct",
        "correct",
        "correct",
        "correct",
        "correct",
        "wrong",
    ]


def test_table_gives_values() -> None:
    text = "| name | value |\n|---|---|\n| a | 3 |\n| b | -2 |\n\nc = a * b = -6\n\nc = a * b = -7\n"
    assert [c.verdict for c in claims_of(text) if c.line == 6][-1] == "correct"
    assert [c.verdict for c in claims_of(text) if c.line == 8][-1] == "wrong"


def test_table_of_samples() -> None:
    text = """$p = \\sigma(z)$, $z = w u + k$ with $w = 2$, $k = -1$.

| u | z | p |
|---|---|---|
| 0 | -1 | 0.269 |
| 0.3 | -0.4 | 0.420 |
"""
    assert [c.verdict for c in claims_of(text) if c.line > 4] == ["correct", "correct", "correct", "wrong"]


# --- worksheets with truth by construction ---
ACTIVATIONS: dict[str, tuple[Callable[[float], float], Callable[[float], float]]] = {
    "sigmoid": (lambda z: 1 / (1 + math.exp(-z)), lambda a: a * (1 - a)),
    "tanh": (math.tanh, lambda a: 1 - a * a),
}


class Worksheet:
    """A net of one hidden unit, worked out with rounded numbers; one slip at most."""

    def __init__(self, seed: int, slip: str | None) -> None:
        self.draw = random.Random(seed)
        self.digits = self.draw.choice([2, 3, 4])
        self.slip = slip
        self.lines: list[str] = []
        self.truth: dict[int, str] = {}
        self.exact: dict[str, float] = {}
        self.own: dict[str, float] = {}
        self.write()

    def number(self, name: str, exact: float, own: float, shown: str = "") -> None:
        value = round(own, self.digits)
        is_slip = name == self.slip
        if is_slip:
            value = round(value + self.draw.choice([-1, 1]) * self.draw.randint(12, 50) * 10**-self.digits, self.digits)
        unit = 10**-self.digits
        cut = math.trunc(exact / unit) * unit
        is_right = abs(value - exact) <= unit / 2 * (1 + 1e-6) or abs(value - cut) < 1e-9
        self.exact[name], self.own[name] = exact, value
        self.lines.append(f"{name} = {shown + ' = ' if shown else ''}{value:.{self.digits}f}")
        self.truth[len(self.lines)] = "wrong" if is_slip else "correct" if is_right else "carried"

    def write(self) -> None:
        name = self.draw.choice(sorted(ACTIVATIONS))
        function, slope = ACTIVATIONS[name]
        x, w, b, v, y = (round(self.draw.uniform(0.2, 1.5) * self.draw.choice([-1, 1]), 1) for _ in range(5))
        self.lines += [
            "z = w*x + b",
            f"h = {name}(z)",
            "o = v*h",
            "L = 0.5*(o - y)^2",
            "",
            f"x = {x}, w = {w}, b = {b}, v = {v}, y = {y}, eta = 0.5",
            "",
        ]
        exact, own = self.exact, self.own
        self.number("z", w * x + b, w * x + b, "w*x + b")
        self.number("h", function(exact["z"]), function(own["z"]), f"{name}({own['z']})")
        self.number("o", v * exact["h"], v * own["h"])
        self.number("L", 0.5 * (exact["o"] - y) ** 2, 0.5 * (own["o"] - y) ** 2)
        self.number("dL/do", exact["o"] - y, own["o"] - y, "o - y")
        self.number("dL/dv", exact["dL/do"] * exact["h"], own["dL/do"] * own["h"], "dL/do * h")
        self.number("dL/dh", exact["dL/do"] * v, own["dL/do"] * v)
        self.number("dh/dz", slope(exact["h"]), slope(own["h"]))
        self.number("dL/dz", exact["dL/dh"] * exact["dh/dz"], own["dL/dh"] * own["dh/dz"], "dL/dh * dh/dz")
        self.number("dL/dw", exact["dL/dz"] * x, own["dL/dz"] * x)
        self.number("w_new", w - 0.5 * exact["dL/dw"], w - 0.5 * own["dL/dw"])
        self.number("v_new", v - 0.5 * exact["dL/dv"], v - 0.5 * own["dL/dv"])
        self.number("b_new", b - 0.5 * exact["dL/dz"], b - 0.5 * own["dL/dz"])
        self.number("z", exact["w_new"] * x + exact["b_new"], own["w_new"] * x + own["b_new"])


SLIPS = (None, "h", "L", "dL/do", "dL/dh", "dL/dz", "w_new")


@pytest.mark.parametrize("slip", SLIPS)
@pytest.mark.parametrize("seed", range(6))
def test_worksheets(seed: int, slip: str | None) -> None:
    sheet = Worksheet(seed, slip)
    order = ("correct", "notation", "uncheckable", "carried", "wrong")
    found: dict[int, str] = {}
    for claim in claims_of("\n".join(sheet.lines) + "\n"):
        if claim.line in sheet.truth:
            found[claim.line] = max(found.get(claim.line, "correct"), claim.verdict, key=order.index)
    assert found == sheet.truth, "\n".join(sheet.lines)


# --- a function applied to a matrix ---
def test_a_function_letter_before_a_matrix() -> None:
    text = r"""$$z = W x$$ $$a = \sigma(z)$$

$$W = \begin{bmatrix} 1 & 2 \\ 3 & 4 \end{bmatrix}, \quad x = \begin{bmatrix} 1 \\ -1 \end{bmatrix}$$

$$a = \sigma(\begin{bmatrix} -1 \\ -1 \end{bmatrix}) = \begin{bmatrix} 0.269 \\ 0.269 \end{bmatrix}$$
"""
    assert [c.verdict for c in claims_of(text)][-2:] == ["correct", "correct"]
    assert claims_of(text.replace("0.269 \\end", "0.267 \\end"))[-1].verdict == "wrong"
    opaque = text.replace(r"\sigma", "g").replace("0.269", "0.369")  # of no usual activation
    assert {c.verdict for c in claims_of(opaque)[-2:]} == {"uncheckable"}


# --- rounding, where it is known to do harm ---
def test_a_fraction_of_rounded_digits() -> None:
    assert [c.verdict for c in claims_of("s = 7, v = ln(s) = 1.946, q = v/s = 1.946/7 = 0.278")][-2:] == ["correct"] * 2


def test_without_the_exact_value_rounding_is_not_charged() -> None:
    assert last("dQ/dw = 1.333\n\nw := 0.8 - 0.1 * 1.333 = 0.667\n", NET.replace("L =", "P =")).verdict != "carried"


# --- vectors as lists, momentum, values after a step ---
MOMENTUM = r"""$$w = (0.5, -1), \quad b = 0.2, \quad x = (2, 1), \quad y = 1, \quad \eta = 0.5, \quad \mu = 0.9$$

$$m_0 = (0.2, 0), \quad s = w \cdot x + b, \quad p = \sigma(s), \quad J = -y \ln p - (1 - y) \ln(1 - p)$$

$$\nabla_w J = (p - y) x = (-0.900, -0.450)$$

$$m_1 = \mu m_0 + \nabla_w J = (-0.720, -0.450)$$

$$w_{new} = w - \eta m_1 = (0.860, -0.775)$$

$$s_{new} = 1.15$$
"""


def test_vectors_as_lists_and_momentum() -> None:
    assert {c.verdict for c in claims_of(MOMENTUM)} == {"correct"}


@pytest.mark.parametrize(
    ("right", "wrong", "line"),
    [
        ("(-0.900", "(0.900", 5),
        ("(-0.720", "(-0.780", 7),
        (r"w - \eta", r"w + \eta", 9),
        ("(0.860", "(0.950", 9),
        ("1.15", "1.25", 11),
    ],
)
def test_a_slip_in_momentum(right: str, wrong: str, line: int) -> None:
    assert right in MOMENTUM
    found = [c for c in claims_of(MOMENTUM.replace(right, wrong)) if c.verdict == "wrong"]
    assert found and found[0].line == line


# --- a recurrence beside its numbers ---
RECURRENCE = r"""$$a_t = w h_{t-1} + u x_t, \quad h_t = \tanh(a_t)$$ $$o = v h_2, \quad L = \frac{1}{2} (o - y)^2$$

$w = 0.5$, $u = 1$, $v = 2$, $h_0 = 0$, $x_1 = 1$, $x_2 = -0.5$, $y = 0.3$

$h_1 = \tanh(1) = 0.7616$, $h_2 = \tanh(0.5 \cdot 0.7616 - 0.5) = -0.1186$, $o = -0.2373$

$\frac{\partial L}{\partial w} = -0.807$

$\frac{\partial L}{\partial v} = (-0.537) \cdot (-0.119) = 0.0639$
"""


def test_numbers_do_not_stand_in_the_way_of_a_recurrence() -> None:
    claims = claims_of(RECURRENCE)
    assert {c.verdict for c in claims[:-1]} == {"correct"}
    assert claims_of(RECURRENCE.replace("0.807", "0.817"))[-3].verdict == "wrong"


def test_rounded_in_the_line_itself() -> None:
    claim = claims_of(RECURRENCE)[-1]
    assert (claim.verdict, claim.mistakes, claim.root_line) == ("carried", ("rounded-early",), claim.line)
    assert claims_of(RECURRENCE.replace("0.0639", "0.0739"))[-1].verdict == "wrong"


# --- values put in among derivatives, false formulas with a value ---
GATE = r"""n = w a + b, p = max(0, n), L = (p - 3)^2

w = -1.5, a = 2, b = 4

$\frac{dL}{dp} = 2(p-3) = -4$

"""


@pytest.mark.parametrize(
    ("line", "verdict"),
    [
        (r"$\frac{dL}{dn} = \frac{dL}{dp} \cdot 1 = -4$", "correct"),
        (r"$\frac{dL}{dn} = \frac{dL}{dp} \cdot 0 = 0$", "wrong"),
        (r"$\frac{dL}{dn} = 2(p-3) = -4$", "wrong"),
        (r"$\frac{dL}{dw} = \frac{dL}{dp} \cdot 2 = -8$", "correct"),
        (r"$\frac{dL}{dw} = \frac{dL}{dp} \cdot 4 = -16$", "wrong"),
    ],
)
def test_a_value_put_in_beside_a_derivative(line: str, verdict: str) -> None:
    assert claims_of(GATE + line)[-2].verdict == verdict


def test_numbers_after_a_false_formula() -> None:
    text = r"""r = e^{-z}, f = r^2, z = 0.5

$\frac{df}{dr} = 2r = 1.213$

$\frac{dr}{dz} = e^{-z}$

$\frac{df}{dz} = 1.213 \cdot 0.607 = 0.736$
"""
    claims = claims_of(text)
    assert [c.verdict for c in claims[-3:]] == ["wrong", "carried", "carried"]
    assert claims[-1].root_line == claims[-3].line


# --- a linear equation inside an activation ---
def test_an_affine_map_inside_its_activation() -> None:
    text = r"""$h = \sigma(W x + b)$, $o = \sigma(V h + c)$, $L = \frac12 \|o - y\|^2$

$\frac{\partial L}{\partial c} = (o - y) \odot o \odot (1 - o)$

$\frac{\partial L}{\partial V} = [(o - y) \odot o \odot (1 - o)] h^T$

$\frac{\partial L}{\partial V} = (o - y) h^T$
"""
    assert [c.verdict for c in claims_of(text)[-3:]] == ["correct", "correct", "wrong"]


# --- a batch: columns of a table, one value for every sample, a second loss ---
TABLE = r"""Model $h(x) = \theta_0 + \theta_1 x$ with $m = 3$ samples and

$$J(\theta_0, \theta_1) = \frac{1}{2m} \sum_{i=1}^{m} (h(x_i) - y_i)^2$$

We start with $\theta_0 = 0$, $\theta_1 = 0$ and $\alpha = 0.05$.

| $i$ | $x_i$ | $y_i$ |
|---|---|---|
| 1 | 1 | 2 |
| 2 | 2 | 3 |
| 3 | 4 | 6 |

$$\frac{\partial J}{\partial \theta_1} = \frac{1}{m} \sum_{i=1}^{m} (h(x_i) - y_i) x_i = \frac{1}{3} (-2 \cdot 1 - 3 \cdot 2 - 6 \cdot 4) = -10.667$$

$$\theta_1 \leftarrow 0 - 0.05 \cdot (-10.667) = 0.533$$
"""


def test_columns_of_a_table_are_the_sample() -> None:
    assert {c.verdict for c in claims_of(TABLE)} == {"correct"}
    slip = claims_of(TABLE.replace("- 6 \\cdot 4", "- 6 \\cdot 3").replace("-10.667", "-8.667"))
    assert next(c.verdict for c in slip if c.verdict != "correct") == "wrong"


def test_a_second_loss_and_a_value_for_every_sample() -> None:
    text = r"""

Now $p_i = \sigma(w x_i + c)$ and $Q = -\frac{1}{m} \sum_{i=1}^{m} [y_i \ln p_i + (1 - y_i) \ln(1 - p_i)]$ with

$$\frac{\partial Q}{\partial w} = \sum_{i=1}^{m} (p_i - y_i) x_i$$

Data: $x = (-1; 1; 2)$, $y = (0; 0; 1)$. With $w = c = 0$ we have $p_i = 0.5$, so $\frac{\partial Q}{\partial c} = 0.167$ and

$$\frac{\partial Q}{\partial w} = 0.5 \cdot (-1) + 0.5 \cdot 1 - 0.5 \cdot 2 = -1$$

$$w \leftarrow 0 - 0.3 \cdot (-1) = 0.3$$
"""
    claims = claims_of(TABLE + text.replace("Data:", r"Data: $\alpha = 0.3$,"))
    found = [(c.source, c.verdict) for c in claims if c.verdict != "correct"]
    assert [v for _, v in found] == ["wrong", "carried", "carried", "carried", "carried"]


# --- one letter, two families of units ---
def test_delta_by_its_index_letter() -> None:
    text = r"""$$a_j = \sum_i w_{ji}^{(1)} x_i, \qquad z_j = \tanh(a_j), \qquad y_k = \sum_j w_{kj}^{(2)} z_j$$

$$E = \frac{1}{2} \sum_k (y_k - t_k)^2$$

$$\delta_k = \frac{\partial E}{\partial y_k}, \qquad \delta_j = \frac{\partial E}{\partial a_j}$$

$$\delta_j = (1 - z_j^2) \sum_k w_{kj}^{(2)} \delta_k, \qquad \frac{\partial E}{\partial w_{ji}^{(1)}} = \delta_j x_i$$

$$\frac{\partial E}{\partial w_{kj}^{(2)}} = \delta_k a_j$$
"""
    assert [c.verdict for c in claims_of(text)[-3:]] == ["correct", "correct", "wrong"]


# --- functions by a formula of their own ---
def test_a_function_by_its_own_formula() -> None:
    text = r"""Let $f(x) = x^2 + 3x$ and $g(x) = \sin(x)$. Then $f'(x) = 2x + 3$ and $g'(x) = \cos(x)$.

With $u = g(x)$ and $y = f(u)$: $\frac{dy}{dx} = f'(u) g'(x) = (2u + 3) \cos(x)$.
"""
    assert {c.verdict for c in claims_of(text)} == {"correct"}
    assert [c.verdict for c in claims_of(text.replace("2x + 3$", "2x + 1$"))][2] == "wrong"
    assert claims_of(text.replace("(2u + 3)", "(2x + 3)"))[-1].verdict == "wrong"


def test_an_own_activation_among_matrices() -> None:
    text = r"""$z = W x + b$, $a = f(z)$, $L = \frac12 \|a - y\|^2$ where $f(u) = \frac{u}{1+|u|}$.

$f'(u) = \frac{1}{(1+|u|)^2}$

$\frac{\partial L}{\partial W} = ((a-y) \odot f'(z)) x^T$

$\frac{\partial L}{\partial b} = (a-y) \odot \frac{1}{(1+|z|)^2}$

$f'(u) = \frac{1}{1+|u|}$

$\frac{\partial L}{\partial b} = (a-y) \odot f(z)$
"""
    assert [c.verdict for c in claims_of(text)[-5:]] == ["correct", "correct", "correct", "wrong", "wrong"]


TWO_WEIGHTS = """z = W x, L = (z - y)^2

W = [[0.5, 0.5]], x = [2, 2], y = 1, eta = 0.1

"""


def test_one_number_for_equal_entries_is_said_of_each() -> None:
    text = "## Update\n\nW := 0.5 - 0.1*4 = {}  (both entries)\n"
    assert last(text.format("0.1"), TWO_WEIGHTS).verdict == "correct"
    assert last(text.format("0.2"), TWO_WEIGHTS).verdict == "wrong"


def test_one_number_for_different_entries_is_said_of_none() -> None:
    premises = TWO_WEIGHTS.replace("x = [2, 2]", "x = [2, 3]")
    assert last("dL/dW = 6\n", premises).verdict != "correct"


def test_the_same_start_again_after_steps() -> None:
    step = "The new weight is $w = 0.8 - 0.1 \\cdot 0.3296 = {}$.\n\n"
    first = last(step.format("0.7670"))
    assert (first.verdict, first.kind) == ("correct", "update")
    again = "## Second run\n\nWe take the same start, and the target is $y = -0.5$.\n\n$a = {}$\n"
    assert last(step.format("0.7670") + again.format("0.7616")).verdict == "correct"
    assert last(step.format("0.7670") + again.format("0.7400")).verdict == "wrong"


# --- entries of vectors, numbered vectors, the rate only in the steps ---
def test_an_entry_below_a_derivative() -> None:
    text = r"""Logits $z = (1, 2, 0.5)$, target $y = (0, 1, 0)$, $p = \mathrm{softmax}(z)$, $L = -\sum_k y_k \log p_k$

$\frac{\partial L}{\partial z_1} = 0.231$, $\frac{\partial L}{\partial z_2} = 0.629 - 1 = -0.371$
"""
    assert {c.verdict for c in claims_of(text)} == {"correct"}
    assert claims_of(text.replace("0.231", "0.629"))[-3].verdict == "wrong"


def test_a_numbered_vector_is_no_entry() -> None:
    text = r"""$s = w \cdot x + b$, $J = \frac12 (s - y)^2$, $w = (1, -2)$, $b = 0.1$, $x = (0.5, 1)$, $y = 0$

$\mu = 0.5$, $v = (0.2, -0.2)$ and $\eta = 0.1$:

$v_1 = \mu v - \eta \nabla_w J = (0.17, 0.04)$

$w_1 = w + v_1 = (1.17, -1.96)$
"""
    assert {c.verdict for c in claims_of(text)} == {"correct"}
    assert claims_of(text.replace("(1.17", "(1.37"))[-1].verdict == "wrong"


def test_the_rate_that_only_the_steps_show() -> None:
    premises = NET.replace(", eta = 0.1", "")
    steps = "w_new = 0.8 - 0.1 * 0.3296 = 0.767\n\nb_new = -0.2 - 0.1 * 0.2197 = -0.222\n"
    assert {c.verdict for c in claims_of(premises + steps)} == {"correct"}
    assert last(steps.replace("-0.222", "-0.232"), premises).verdict == "wrong"
    up = steps.replace("-0.2 - 0.1", "-0.2 + 0.1").replace("-0.222", "-0.178")
    assert [c.verdict for c in claims_of(premises + up)[-2:]] == ["wrong", "carried"]


# --- assignments without an equals sign, lists turned round ---
def test_an_assignment_is_a_step() -> None:
    text = r"""$z = w x + b$, $L = (z - y)^2$, $w = 2$, $b = 1$, $x = 1.5$, $y = 3$, $\alpha = 0.1$

$w \leftarrow 1.7$, $b \leftarrow 0.8$
"""
    assert {c.verdict for c in claims_of(text)} == {"correct"}
    assert claims_of(text.replace("0.8", "0.9"))[-1].verdict == "wrong"


def test_a_list_turned_round_is_a_column() -> None:
    text = r"""$x = [1, 2]^T$, $W = [[0.1, 0.2], [0.3, -0.1]]$, $b = [0.1, -0.1]^T$

$z = W x + b = [0.6, 0.0]^T$
"""
    assert {c.verdict for c in claims_of(text)} == {"correct"}
    assert claims_of(text.replace("0.6", "0.7"))[-1].verdict == "wrong"


# --- a unit of the same kind ---
def test_a_unit_like_another() -> None:
    text = r"""$net_{h1} = w_1 x_1 + b$, $out_{h1} = \frac{1}{1+e^{-net_{h1}}}$, $w_1 = 0.15$, $w_2 = 0.25$, $x_1 = 0.5$, $b = 0.35$

$net_{h2} = w_2 x_1 + b = 0.475$ and $out_{h2} = 0.616567$
"""
    assert {c.verdict for c in claims_of(text)} == {"correct"}
    assert claims_of(text.replace("0.616567", "0.626567"))[-1].verdict == "wrong"


# --- an activation that only its values show ---
def test_an_activation_by_its_values() -> None:
    text = r"""$z = W x$, $a = g(z)$, $L = \frac12 \|a - y\|^2$

$$W = \begin{bmatrix} 1 & 2 \\ 3 & 4 \end{bmatrix}, \quad x = \begin{bmatrix} 1 \\ -1 \end{bmatrix}, \quad y = \begin{bmatrix} 0 \\ 1 \end{bmatrix}$$

$$a = g(\begin{bmatrix} -1 \\ -1 \end{bmatrix}) = \begin{bmatrix} 0.2689 \\ 0.2689 \end{bmatrix}$$

$$\frac{\partial L}{\partial z} = \begin{bmatrix} 0.0529 \\ -0.1437 \end{bmatrix}$$
"""
    assert {c.verdict for c in claims_of(text)} == {"correct"}
    assert claims_of(text.replace("0.0529", "0.0629"))[-1].verdict == "wrong"


POINTS = r"""Model $\hat{{y}} = w x + b$ with $n = 3$ points, $w = 2$, $b = 1$, and $E = \frac{{1}}{{2n}} \sum_{{i=1}}^{{n}} (\hat{{y}}_i - y_i)^2$.

| $i$ | $x_i$ | $y_i$ | $\hat{{y}}_i$ | $(\hat{{y}}_i - y_i)\, x_i$ |
|---|---|---|---|---|
| 1 | 1 | 1 | 3 | 2 |
| 2 | 2 | 2.5 | 5 | {} |
| 3 | 4 | 7 | 9 | 8 |

$E = \frac{{1}}{{6}} (4 + 6.25 + 4) = 2.375$

"""


def test_a_table_of_points_gives_the_data() -> None:
    claims = claims_of(POINTS.format("5.0") + "$\\frac{\\partial E}{\\partial w} = \\frac{1}{3} (2 + 5 + 8) = 5$\n")
    assert {c.verdict for c in claims} == {"correct"}


def test_a_false_cell_is_charged_for_what_is_worked_out_from_it() -> None:
    claims = claims_of(POINTS.format("6.0") + "$\\frac{\\partial E}{\\partial w} = \\frac{1}{3} (2 + 6 + 8) = 5.33$\n")
    wrong = [c for c in claims if c.verdict == "wrong"]
    assert [c.line for c in wrong] == [6] and wrong[0].expected == "5"
    assert [c.verdict for c in claims[-2:]] == ["carried", "carried"] and claims[-2].root_line == 6


def test_a_number_from_a_false_formula_is_charged_to_the_formula() -> None:
    false = "$\\frac{\\partial E}{\\partial b} = \\sum_{i=1}^{n} (\\hat{y}_i - y_i)$\n\n"
    number = "$\\frac{\\partial E}{\\partial b} = 2 + 2.5 + 2 = %s$\n"
    claims = claims_of(POINTS.format("5.0") + false + number % "6.5")
    assert [(c.verdict, c.root_line) for c in claims[-2:]] == [("carried", claims[-3].line)] * 2
    assert claims_of(POINTS.format("5.0") + false + number % "7.5")[-1].verdict != "correct"


BIAS_FIRST = r"""ReLU hidden units, a sigmoid output unit, the bias is the first feature. $x = \begin{bmatrix} 2 \\ 1 \end{bmatrix}$, $y = 1$

$$\ell = \frac{1}{2} (y - \hat{y})^2$$

$$U^1 = \begin{bmatrix} 0.1 & 0.2 \\ 0.3 & 0.5 \\ 0.2 & -0.4 \end{bmatrix}, \quad U^2 = \begin{bmatrix} 0.4 \\ -0.6 \\ 0.9 \end{bmatrix}$$

$$p^1 = U^{1T} x = \begin{bmatrix} 0.1 & 0.3 & 0.2 \\ 0.2 & 0.5 & -0.4 \end{bmatrix} \begin{bmatrix} 1 \\ 2 \\ 1 \end{bmatrix}
= \begin{bmatrix} 0.9 \\ 0.8 \end{bmatrix}$$

$$q^1 = \begin{bmatrix} 0.9 \\ 0.8 \end{bmatrix}$$

$$p^2 = \begin{bmatrix} 0.4 & -0.6 & 0.9 \end{bmatrix} \begin{bmatrix} 1 \\ 0.9 \\ 0.8 \end{bmatrix} = 0.58$$

$$\hat{y} = \frac{1}{1 + e^{-0.58}} = 0.6411$$

"""


def test_a_one_before_the_activations() -> None:
    found = formulas(BIAS_FIRST)
    assert found["q[1]"] == Apply("relu", 0, Part("p[1]", ()))
    assert any(isinstance(p, Augmented) and p.body == Part("q[1]", ()) for p in parts_of(found["p[2]"]))  # type: ignore[arg-type]
    claims = claims_of(BIAS_FIRST + r"$$\frac{dp^2}{dq_1^1} = U_{11}^2 = -0.6$$")
    assert {c.verdict for c in claims} == {"correct"}
    claims = claims_of(BIAS_FIRST + r"$$\frac{dp^2}{dq_1^1} = U_{21}^2 = 0.9$$")
    assert [c.verdict for c in claims[-2:]] == ["wrong", "carried"]  # one slip, charged once


def test_sizes_that_the_given_values_show_to_be_one() -> None:
    claims = claims_of(BIAS_FIRST + r"$$\frac{d\ell}{dU_{21}^2} = -(y - \hat{y}) \hat{y} (1 - \hat{y}) q_2^1$$")
    assert claims[-1].verdict == "correct"
    claims = claims_of(BIAS_FIRST + r"$$\frac{d\ell}{dU_{21}^2} = -(y - \hat{y}) \hat{y} (1 - \hat{y}) q_1^1$$")
    assert claims[-1].verdict == "wrong"


def test_a_loss_under_its_word_and_under_a_letter() -> None:
    text = "z = w*x + b, a = tanh(z)\n\nx = 1.5, w = 0.8, b = -0.2, y = 0.5\n\n$$\\text{{Loss}} = (y - a)^2$$\n\n"
    text += "$$\\frac{{\\partial l}}{{\\partial a}} = -2 (y - a) = {}$$\n"
    assert {c.verdict for c in claims_of(text.format("0.5232"))} == {"correct"}
    assert last(text.format("0.5332"), "").verdict == "wrong"


def test_the_rate_that_only_a_step_with_names_shows() -> None:
    text = """$z = W x$, $L = \\frac12 \\|z - y\\|^2$, $W = \\begin{pmatrix} 1 & 2 \\end{pmatrix}$,
$x = \\begin{pmatrix} 3 \\\\ 1 \\end{pmatrix}$, $y = 4$

$W \\leftarrow W - 0.5 (z - y) x^T = \\begin{pmatrix} %s & 1.5 \\end{pmatrix}$
"""
    assert claims_of(text % "-0.5")[-1].verdict == "correct"
    assert claims_of(text % "2.5")[-1].verdict == "wrong"


SGD = """z = w*x + b
E = 1/2 (z - t)^2

w = 0.5, b = 0, learning rate eta = 0.1{}

x = 2, t = 3
dE/dw = -4
w_new = 0.9
b_new = 0.2

x = 1, t = 0
z = {}
"""


@pytest.mark.parametrize("said, new, old", [(", SGD", "correct", "wrong"), ("", "correct", "correct")])
def test_the_next_sample_meets_the_new_weights(said: str, new: str, old: str) -> None:
    assert claims_of(SGD.format(said, 1.1))[-1].verdict == new
    assert claims_of(SGD.format(said, 0.5))[-1].verdict == old
    assert claims_of(SGD.format(said, 0.7))[-1].verdict == "wrong"


def test_a_value_chosen_for_an_example() -> None:
    text = "$z = w x$, $a = \\sigma(z)$\n\n{} $z = 4$ and $y = 0$. Then $a = 0.982$.\n"
    assert claims_of(text.format("Suppose"))[2].verdict == "correct"
    assert claims_of(text.format("The result is"))[2].verdict == "uncheckable"


DELTA_RULE = """Sigmoid neuron: $net = w_1 x_1 + w_2 x_2 + b$, $o = \\sigma(net)$, $E = \\frac12(t - o)^2$

| w1 | w2 | b | x1 | x2 | t | eta |
|---|---|---|---|---|---|---|
| 0.1 | 0.2 | 0 | 1 | 0 | 1 | 0.5 |

$net = 0.1$, $o = 0.525$, $\\delta = (t - o) o (1 - o) = 0.1185$

$\\Delta w_1 = \\eta \\delta x_1 = {}$ and $\\Delta w_2 = 0$

$w_1 = 0.1 + 0.0592 = 0.1592$
"""


def test_values_under_names_and_a_step_of_zero() -> None:
    assert {c.verdict for c in claims_of(DELTA_RULE.format("0.0592"))} == {"correct"}
    assert [c.source for c in claims_of(DELTA_RULE.format("0.592")) if c.verdict == "wrong"] == ["= 0.592"]


VECTORS = """x = [1; 2], W = [0.5 -1; 1 0.5], y = [1; 0]

z = W x, o = softmax(z), E = -sum(y * log(o))

z = W x = [-1.5; 3]

o = softmax([-1.5; 3]) = [0.01; 0.99]

dE/dz = [0.01; 0.99] - [1; 0] = [-0.99; 0.99]
"""


def test_numbers_that_come_to_a_carried_result_are_carried() -> None:
    claims = claims_of(VECTORS)
    assert {(c.line, c.verdict) for c in claims if c.verdict != "correct"} == {
        (5, "wrong"),
        (7, "carried"),
        (9, "carried"),
    }


def test_no_zero_has_a_sign() -> None:
    text = "x = 1, w = -2, y = 1\n\nz = w x, a = max(0, z), L = (a - y)^2\n\na = max(0, -2) = 0.5\n"
    assert claims_of(text)[-1].message.startswith("the value is 0")
