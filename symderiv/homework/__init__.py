"""Somebody's derivation: read it, understand what it is about, judge every line, report.

`reading` (text to trees) < `understanding` (trees to a network, its shapes and terms) < `judging` (a verdict for each
claim) < `reports`; each imports only what stands before it, and `marking` is what all of them fill.
"""

from symderiv.homework.checking import check_homework
from symderiv.homework.marking import Assumption, Claim, Marking, Understood
from symderiv.homework.reports import notebook, page, picture, terminal  # noqa: F401  (they give markings their to_html, to_svg, to_text)

__all__ = ["Assumption", "Claim", "Marking", "Understood", "check_homework"]
