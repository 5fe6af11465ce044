"""Text becomes trees with positions: where the formulas are, how they are cut into statements, what each says as written.

Nothing here knows what a letter means; see `symderiv.homework.understanding`.
"""
