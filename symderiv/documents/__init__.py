"""How a derivation is written down: notation, LaTeX, MathML, pictures, pages, and the sentences between formulas."""
