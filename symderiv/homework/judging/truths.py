r"""What would be right instead of a false derivative of the loss: `\partial L/\partial z_2 a_1^T`, by the next equation on the way up.

A candidate is shown only if the comparison that marks homework calls it right as it stands.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from fractions import Fraction

from symderiv.homework.judging.comparing import Answer, Comparer
from symderiv.homework.understanding.arithmetic import Machine, Undefined
from symderiv.homework.understanding.key_names import shown_name
from symderiv.homework.understanding.terms import (
    Add,
    Apply,
    Const,
    Jacobian,
    Over,
    Part,
    SizeOf,
    Sloppy,
    SumOver,
    Term,
    Transpose,
    references_in,
)
from symderiv.homework.understanding.understanding import Understanding
from symderiv.homework.understanding.worlds import Misfit, Unknown

Candidate = tuple[Term, str]


def truth_of(understanding: Understanding, at: int, left: Term) -> str:
    """A right formula for the left side, in plain text; empty if none of the usual ones is."""
    loss = understanding.loss
    if not isinstance(left, Jacobian) or not isinstance(left.bottom, Part) or left.bottom.indices:
        return ""
    if loss is None or left.top != Part(loss, ()) or left.bottom.key == loss:
        return ""
    comparer = Comparer(understanding, at)
    for term, text in _candidates(understanding, at, loss, left.bottom):
        if _is_right(comparer, left, term) and _is_right(Comparer(understanding.at_other_sizes, at), left, term):
            return text
    return ""


def _is_right(comparer: Comparer, left: Term, term: Term) -> bool:
    with contextlib.suppress(Misfit, Unknown, Undefined):
        found = comparer.compare(left, term, lenient=False)
        return found.answer is Answer.EQUAL and not found.edits
    return False


def _candidates(understanding: Understanding, at: int, loss: str, bottom: Part) -> Iterator[Candidate]:
    definitions = understanding.definitions_at(at)
    world = understanding.world(at, Machine)
    users = [
        key
        for key, term in definitions.items()
        if any(r.key == bottom.key for r in references_in(term)) and (key == loss or world.depends(loss, key))
    ]
    if len(users) != 1:
        return
    if users[0] == loss:
        yield from _by_loss(understanding, definitions[loss], bottom)
        return
    above = Jacobian(Part(loss, ()), Part(users[0], ()))
    called = f"∂{shown_name(loss)}/∂{shown_name(users[0])}"
    formula = definitions[users[0]]
    if isinstance(formula, Apply) and formula.body == bottom:
        yield from _by_output(understanding, definitions, loss, users[0])
        slope = Apply(formula.function, 1, bottom)
        yield Sloppy((above, slope), ("odot",)), f"{called} ⊙ {formula.function}'({shown_name(bottom.key)})"
        return
    for _, term in formula.terms if isinstance(formula, Add) else ((1, formula),):
        if term == bottom:
            yield above, called
            yield SumOver("formal", above), f"Σ {called} over the samples"
        elif isinstance(term, Sloppy) and len(term.factors) == 2:
            numbers = {key for key, shape in understanding.shapes.items() if shape == ("1", "1")}
            yield from _by_product(above, called, term.factors, bottom, numbers)


def _by_product(
    above: Jacobian, called: str, factors: tuple[Term, ...], bottom: Part, numbers: set[str]
) -> Iterator[Candidate]:
    """`z = A B`: dL/dA = dL/dz B^T and dL/dB = A^T dL/dz; a number needs no transpose."""
    left, right = factors
    across = [t if isinstance(t, Part) and t.key in numbers else _turned(t) for t in factors]
    if left == bottom:
        yield Sloppy((above, across[1]), ("",)), f"{called} {_text(across[1])}"
    if right == bottom:
        yield Sloppy((across[0], above), ("",)), f"{_text(across[0])} {called}"
    if left == Transpose(bottom):
        yield Sloppy((right, Transpose(above)), ("",)), f"{_text(right)} ({called})ᵀ"
    if right == Transpose(bottom):
        yield Sloppy((Transpose(above), left), ("",)), f"({called})ᵀ {_text(left)}"


def _turned(term: Term) -> Term:
    return term.body if isinstance(term, Transpose) else Transpose(term)


def _text(term: Term) -> str:
    if isinstance(term, Transpose):
        return f"{_text(term.body)}ᵀ"
    return shown_name(term.key) if isinstance(term, Part) else "(…)"


def _by_loss(understanding: Understanding, loss: Term, output: Part) -> Iterator[Candidate]:
    """`a - y` and `-y/a + (1 - y)/(1 - a)`, with the usual factors."""
    one = Const(Fraction(1))
    for target in (Part(r.key, ()) for r in references_in(loss) if r.key != output.key):
        a, y = shown_name(output.key), shown_name(target.key)
        rest = Over(Add(((1, one), (-1, target))), Add(((1, one), (-1, output))))
        bodies: tuple[Candidate, ...] = (
            (Add(((1, output), (-1, target))), f"({a} - {y})"),
            (Add(((-1, Over(target, output)), (1, rest))), f"(-{y}/{a} + (1 - {y})/(1 - {a}))"),
            (Add(((-1, Over(target, output)),)), f"(-{y}/{a})"),
        )
        for body, text in bodies:
            yield from _scaled(understanding, body, text)


def _by_output(
    understanding: Understanding, definitions: dict[str, Term], loss: str, output: str
) -> Iterator[Candidate]:
    """`a - y` for the argument of the output, where slope and loss cancel."""
    refs = [r.key for r in references_in(definitions[loss])]
    if output in refs:
        for key in dict.fromkeys(k for k in refs if k != output):
            body = Add(((1, Part(output, ())), (-1, Part(key, ()))))
            yield from _scaled(understanding, body, f"({shown_name(output)} - {shown_name(key)})")


def _scaled(understanding: Understanding, body: Term, text: str) -> Iterator[Candidate]:
    """A body with the factors that losses have: 1, 2, 1/2, and the same over the number of samples."""
    letter = next((s for s in ("m", "n", "N") if s in understanding.symbols.sizes), "")
    samples = SizeOf(letter or "#n")
    yield body, text[1:-1]
    for number in (Fraction(2), Fraction(1, 2)):
        yield Sloppy((Const(number), body), ("",)), f"{number} {text}"
    for number, below in ((Fraction(1), "{}"), (Fraction(2), "{}"), (Fraction(1, 2), "(2{})")):
        over = Over(Const(number), samples)
        yield Sloppy((over, body), ("",)), f"{number.numerator}/{below.format(letter or 'n')} {text}"
