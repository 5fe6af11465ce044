"""The calculus of gradients: a small language of typed matrix expressions and the reverse sweep over it.

Read the modules in this order, each needs only those before it:
`formats` (how layers above add `to_latex` and the like), `shapes`, `functions` (scalar functions and their
slopes), `expressions` (the nine node kinds), `pullbacks` (one rule a node kind), `rewrites` (simplification),
`model` (a straight-line program), `derivation` (the result as data), `sweep` (the chain rule), `bridge` (SymPy).
"""
