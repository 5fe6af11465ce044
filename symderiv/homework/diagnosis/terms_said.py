"""Terms in words for people, with the document's own names: `tanh'(z₁)`, `∂L/∂a₂`, `Σ_k`."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from types import MappingProxyType

from symderiv.homework.understanding.key_names import shown_name
from symderiv.homework.understanding.terms import (
    Add,
    Apply,
    Const,
    Diagonal,
    Index,
    Jacobian,
    MatMul,
    Over,
    Part,
    Power,
    Ref,
    SizeOf,
    Sloppy,
    Softmax,
    SumOver,
    Term,
    Times,
    Transpose,
)

SIGNS = {"odot": " ⊙ ", "circ": " ∘ ", ".*": " .* ", "*": " * ", "@": " @ ", "cdot": " · ", "times": " × "}
AXES = {"rows": "over the rows", "columns": "over the columns", "all": "over everything", "formal": "over the samples"}


FUNCTION = "function "  # before the name of one, among the spellings
_SPELLINGS: ContextVar[Mapping[str, str]] = ContextVar("spellings", default=MappingProxyType({}))


@contextlib.contextmanager
def spelled(spellings: Mapping[str, str]) -> Iterator[None]:
    """Inside, quantities are written as in the document: A₁ where both A₁ and a₁ are called a[1]."""
    token = _SPELLINGS.set(spellings)
    try:
        yield
    finally:
        _SPELLINGS.reset(token)


def said(term: Term) -> str:
    """A term in plain text."""
    match term:
        case Part(key, (_, None) as indices):  # kept as a row, meant as the column u_k
            return _name(key, indices) + "ᵀ"
        case Transpose(Part(key, (_, None) as indices)):
            return _name(key, indices)
        case Part(key, indices):
            return _name(key, indices)
        case Ref(key, rows, columns):
            places = (rows, columns)
            return _name(key, tuple(i + 1 if isinstance(i, int) else i for i in places))
        case Const(value):
            return str(value)
        case SizeOf(dim):
            return "(the number of units)" if dim.startswith("?") else dim.lstrip("#")
        case Apply(function, order, body):
            name = _SPELLINGS.get().get(FUNCTION + function, function)
            return f"{name}{'′' * order}({said(body)})"
        case Softmax(body, _):
            return f"softmax({said(body)})"
        case Transpose(body):
            return f"{_bracketed(body)}ᵀ"
        case Jacobian(top, bottom):
            return f"∂{_bracketed(top)}/∂{said(bottom)}"
        case Over(left, right):
            return f"{_bracketed(left)}/{_bracketed(right)}"
        case Power(base, exponent):
            return f"{_bracketed(base)}^{_bracketed(exponent)}"
        case Diagonal(body):
            return f"diag({said(body)})"
        case SumOver(along, body):
            letter = along.removeprefix("letter:")
            return f"Σ {AXES[along]} of {_bracketed(body)}" if along in AXES else f"Σ_{letter} {_bracketed(body)}"
        case Add(terms):
            first = "".join(f" {'+' if sign > 0 else '−'} {_bracketed(t)}" for sign, t in terms)
            return first[3:] if terms and terms[0][0] > 0 else first.strip().replace("− ", "−", 1)
        case Times(left, right):
            return f"{_bracketed(left)} ⊙ {_bracketed(right)}"
        case MatMul(left, right):
            return f"{_bracketed(left)} {_bracketed(right)}"
        case Sloppy(factors, marks):
            out = _bracketed(factors[0])
            for mark, factor in zip(marks, factors[1:], strict=False):
                out += SIGNS.get(mark, " ") + _bracketed(factor)
            return out
    return "(…)"


def _name(key: str, indices: tuple[Index, ...]) -> str:
    """A name with its indices as one writes them: `w_kj`."""
    places = "".join(map(str, (i for i in indices if i is not None)))
    name = shown_name(_SPELLINGS.get().get(key, key))
    is_there = name.endswith("_" + places)  # the a_j of a layer that has no other name
    return name + (f"_{places}" if places and not is_there else "")


def _bracketed(term: Term) -> str:
    text = said(term)
    is_sum = isinstance(term, (Add, SumOver, Times, Sloppy)) and (" " in text or text.startswith("−"))
    return f"({text})" if is_sum else text
