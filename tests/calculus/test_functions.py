"""Each function's slope against SymPy differentiating its definition."""

from __future__ import annotations

import pytest
import sympy

from symderiv.calculus.functions import FUNCTIONS, Elementwise, opaque, placeholder, step

x = placeholder(0)


def spelled_out(scalar):
    while scalar.atoms(Elementwise) - scalar.atoms(step):
        scalar = scalar.replace(
            lambda e: isinstance(e, Elementwise) and not isinstance(e, step), lambda e: e.definition
        )
    return scalar.replace(step, lambda t: sympy.Integer(1 if t > 0 else 0))


@pytest.mark.parametrize("name", [n for n, kind in FUNCTIONS.items() if issubclass(kind, Elementwise) and n != "step"])
@pytest.mark.parametrize("at", [-1.3, -0.2, 0.15, 0.9, 2.4])
def test_slope_is_the_derivative_of_the_definition(name, at):
    constants = [sympy.Rational(1, 2)] if name in ("leaky_relu", "huber", "clip") else []
    function = FUNCTIONS[name](x, *constants)
    h = sympy.Rational(1, 10**12)
    point = sympy.Rational(str(at))
    here, above, below = (spelled_out(function.subs(x, v)) for v in (point, point + h, point - h))
    truth = sympy.N((above - below) / (2 * h), 20)
    assert abs(sympy.N(spelled_out(function.diff(x).subs(x, point)), 20) - truth) < 1e-9
    assert here.is_number


def test_opaque_functions_count_their_primes():
    g = opaque("g")(x)
    assert g.diff(x) == opaque("g", 1)(x)
    assert g.diff(x, 2) == opaque("g", 2)(x)
    assert (g**2).diff(x) == 2 * g * opaque("g", 1)(x)
