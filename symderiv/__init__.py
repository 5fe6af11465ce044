"""symderiv: derive, explain and check the gradients of small neural networks.

>>> import symderiv as sd
>>> derivation = sd.derive(sd.two_layer("tanh", "sigmoid", "log"))
>>> derivation.gradient("W2").shape
(Size(name='h', offset=0), Size(name='o', offset=0))

Nothing heavy is imported before a name is used: SymPy alone takes a quarter of a second.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from symderiv.calculus.bridge import from_sympy as from_sympy
    from symderiv.calculus.derivation import Derivation as Derivation
    from symderiv.calculus.expressions import call as call
    from symderiv.calculus.expressions import mean as mean
    from symderiv.calculus.expressions import softmax as softmax
    from symderiv.calculus.expressions import total as total
    from symderiv.calculus.model import Model as Model
    from symderiv.calculus.sweep import derive as derive
    from symderiv.comparison.comparing import Comparison as Comparison
    from symderiv.comparison.comparing import compare as compare
    from symderiv.errors import SymderivError as SymderivError
    from symderiv.homework.checking import check_homework as check_homework
    from symderiv.homework.marking import Marking as Marking
    from symderiv.oracles.checks import cross_check as cross_check
    from symderiv.oracles.gradient_checks import check_gradients as check_gradients
    from symderiv.textbook import examples as examples
    from symderiv.textbook.builder import Network as Network
    from symderiv.textbook.model_files import parse_model as parse_model
    from symderiv.textbook.model_files import read_model as read_model
    from symderiv.textbook.networks import layered as layered
    from symderiv.textbook.networks import two_layer as two_layer
    from symderiv.training.runs import Run as Run
    from symderiv.training.runs import train as train
    from symderiv.views.worked import work as work
    from symderiv.worksheets.worksheet import Worksheet as Worksheet
    from symderiv.worksheets.worksheet import worksheet as worksheet

_HOMES = {
    "Comparison": "comparison.comparing",
    "Derivation": "calculus.derivation",
    "Marking": "homework.marking",
    "Model": "calculus.model",
    "Network": "textbook.builder",
    "Run": "training.runs",
    "SymderivError": "errors",
    "Worksheet": "worksheets.worksheet",
    "call": "calculus.expressions",
    "compare": "comparison.comparing",
    "check_gradients": "oracles.gradient_checks",
    "check_homework": "homework.checking",
    "cross_check": "oracles.checks",
    "derive": "calculus.sweep",
    "from_sympy": "calculus.bridge",
    "layered": "textbook.networks",
    "mean": "calculus.expressions",
    "parse_model": "textbook.model_files",
    "read_model": "textbook.model_files",
    "softmax": "calculus.expressions",
    "total": "calculus.expressions",
    "train": "training.runs",
    "two_layer": "textbook.networks",
    "work": "views.worked",
    "worksheet": "worksheets.worksheet",
}
_WRITERS = {
    "comparison": ["comparison.document"],
    "oracles.gradient_checks": ["documents.gradient_table"],
    "training": ["training.report"],
    "worksheets": ["worksheets.document", "worksheets.moodle"],
}
"""For the homes of results that are documents: the modules that register how these are written."""
__all__ = ["__version__", "examples", *_HOMES]  # noqa: PLE0604


def __getattr__(name: str) -> Any:
    if name == "examples":
        value: Any = import_module("symderiv.textbook.examples")
    elif name in _HOMES:
        value = getattr(import_module(f"symderiv.{_HOMES[name]}"), name)
    else:
        raise AttributeError(f"module 'symderiv' has no attribute {name!r}")
    if name != "SymderivError":
        # These give expressions and derivations their to_latex, to_html, to_sympy, to_numpy
        import_module("symderiv.documents.writers")
        import_module("symderiv.calculus.bridge")
        import_module("symderiv.compute.functions")
        for home, writers in _WRITERS.items():
            if _HOMES.get(name, "").startswith(home):
                for module in writers:
                    import_module(f"symderiv.{module}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
