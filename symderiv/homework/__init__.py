"""Somebody's derivation: read it, understand what it is about, judge every line, report.

reading (formulas, tokens, parser, reader) > understanding (symbols, shapes, inference) > readings > judging > marking > reports
"""

from symderiv.homework import page, terminal_report  # noqa: F401  (they give markings their to_html and to_text)
from symderiv.homework.checking import check_homework
from symderiv.homework.marking import Assumption, Claim, Marking, Understood

__all__ = ["Assumption", "Claim", "Marking", "Understood", "check_homework"]
