r"""Networks whose units are written one by one, with the layer above: `z_1^{(1)} = w_{11}^{(1)} x_1 + w_{21}^{(1)} x_2 + b_1^{(1)}`."""

from __future__ import annotations

import itertools

import pytest

from symderiv.homework.checking import check_homework

SIZES = [(2, 1), (2, 2), (3, 1)]
LAYERS = ["({})", "[{}]", "{}"]


def by(bottom: str, top: str = "E") -> str:
    """A derivative."""
    return rf"\frac{{\partial {top}}}{{\partial {bottom}}}"


def network(layer: str, from_to: bool, hidden: int, outputs: int) -> tuple[list[str], str, str]:
    """Right lines, and a further one right and wrong."""

    def v(letter: str, number: int, unit: int) -> str:
        return f"{letter}_{unit}^{{{layer.format(number)}}}"

    def w(number: int, source: int, target: int) -> str:
        pair = f"{source}{target}" if from_to else f"{target}{source}"
        return f"w_{{{pair}}}^{{{layer.format(number)}}}"

    def slope(a: str) -> str:
        return f"{a} (1 - {a})"

    lines = []
    for number, targets, inputs in (
        (1, hidden, ["x_1", "x_2"]),
        (2, outputs, [v("a", 1, j + 1) for j in range(hidden)]),
    ):
        for unit in range(1, targets + 1):
            weighed = [f"{w(number, i + 1, unit)} {value}" for i, value in enumerate(inputs)]
            lines.append(f"{v('z', number, unit)} = {' + '.join(weighed)} + {v('b', number, unit)}")
            lines.append(rf"{v('a', number, unit)} = \sigma({v('z', number, unit)})")
    units = range(1, outputs + 1)
    lines.append("E = " + " + ".join(rf"\frac12 ({v('a', 2, k)} - y_{k})^2" for k in units))
    for k in units:
        lines.append(rf"\delta_{k}^{{{layer.format(2)}}} = ({v('a', 2, k)} - y_{k}) {slope(v('a', 2, k))}")
        lines.append(rf"{by(w(2, 1, k))} = \delta_{k}^{{{layer.format(2)}}} {v('a', 1, 1)}")
    back = " + ".join(rf"\delta_{k}^{{{layer.format(2)}}} {w(2, 2, k)}" for k in units)
    lines.append(f"{by(v('a', 1, 2))} = {back}")
    lines.append(f"{by(v('a', 1, 1), v('z', 2, 1))} = {w(2, 1, 1)}")
    return (
        lines,
        f"{by(w(1, 1, 2))} = ({back}) {slope(v('a', 1, 2))} x_1",
        f"{by(w(1, 2, 2))} = ({back}) {slope(v('a', 1, 2))} x_1",
    )


@pytest.mark.parametrize("layer, from_to, size", list(itertools.product(LAYERS, (True, False), SIZES)))
def test_units_one_by_one(layer: str, from_to: bool, size: tuple[int, int]) -> None:
    lines, right, wrong = network(layer, from_to, *size)
    for last, verdict in ((right, "correct"), (wrong, "wrong")):
        claims = check_homework("\n\n".join(f"${line}$" for line in (*lines, last))).claims
        assert {c.verdict for c in claims[:-1]} == {"correct"}
        assert claims[-1].verdict == verdict, claims[-1]
