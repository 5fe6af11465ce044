r"""Identities about functions and letters that are no quantities: `\sigma' = \sigma (1 - \sigma)`, `(A B)^T = B^T A^T`."""

from __future__ import annotations

import contextlib
import itertools
from functools import cached_property

import numpy as np

from symderiv.homework.judging.situation import Situation
from symderiv.homework.judging.verdicts import Subject, Verdict
from symderiv.homework.reading import formulas as f
from symderiv.homework.reading.statements import Side
from symderiv.homework.understanding.arithmetic import FUNCTIONS, Machine, Undefined
from symderiv.homework.understanding.elaboration import (
    Elaborator,
    NotUnderstood,
)
from symderiv.homework.understanding.function_letters import entry_by_entry
from symderiv.homework.understanding.readings import Axes, Reader
from symderiv.homework.understanding.shapes import base_of
from symderiv.homework.understanding.symbols import HYPER_BASES, LayerOpen
from symderiv.homework.understanding.terms import (
    Apply,
    Jacobian,
    Part,
    Ref,
    Term,
    everything_in,
    references_in,
)
from symderiv.homework.understanding.worlds import Misfit, Point, Unknown, World

MOST_LETTERS = 3  # of an identity about any matrices
IDENTITY_SIZES = (2, 3)
CONSTANT = 0.173  # a value for a constant of a function


class Facts:
    """Judges identities."""

    def __init__(self, situation: Situation) -> None:
        self.situation = situation
        self.inference, self.understanding = situation.inference, situation.understanding

    def is_function_said(self, subject: Subject, left: Term, right: Term) -> bool:
        """`f(x) = x^2 + 3x` says what a function is that is no known one."""
        head = subject.side.node.factors[0] if isinstance(subject.side.node, f.Product) else None
        if not isinstance(head, f.Name) or head.base not in self.inference.symbols.functions:
            return False
        if isinstance(left, Jacobian):
            return False
        is_first = subject.sides[0][1] == right
        unknown = isinstance(left, Apply) and left.function == head.base and left.order == 0
        return is_first and (
            left in (right, entry_by_entry(right)) or (unknown and all(p != left for p in everything_in(right)))
        )

    @cached_property
    def _constants(self) -> set[str]:
        r"""The a and b of `\varphi(v) = a \tanh(b v)`."""
        own = self.inference.own_functions.values()
        return {r.key for letter, body in own for r in references_in(body) if r.key != letter}

    def fact(self, left: Term, right: Term, subject: Subject, side: Side) -> Verdict | None:
        r"""`\sigma'(x) = \sigma(x)(1 - \sigma(x))`: about a function and a letter that is no quantity; at numbers of both signs."""
        keys = {r.key for t in (left, right) for r in references_in(t)}
        constants = {k for k in keys if base_of(k) in HYPER_BASES} | keys & self._constants  # the alpha of a leaky ReLU
        constants -= {left.bottom.key} if isinstance(left, Jacobian) else set()
        keys -= constants
        if len(keys) != 1 or not any(isinstance(p, (Apply, Jacobian)) for p in everything_in(left)):
            return None
        key = keys.pop()
        if key == self.understanding.loss:
            return None
        is_quantity = key in self.situation.grounded
        if is_quantity and (isinstance(left, Jacobian) and isinstance(left.top, Part)):
            return None
        outer = {p.function for t in (left, right) for p in everything_in(t) if isinstance(p, Apply)}
        if any(name not in FUNCTIONS for name in outer) and not isinstance(left, Jacobian):
            return None
        for value in (0.37, -0.83, 1.91):
            apart = {k: np.array([[CONSTANT + 0.31 * n]]) for n, k in enumerate(sorted(constants))}
            values = {**apart, key: np.array([[value]])}
            world = World(Point(Machine, values, {"1": 1}), {})
            reader = Reader(world, self.understanding.axes)
            try:
                truth = world.jacobian(reader.readings(left.top)[0].term, Ref(key)).array if isinstance(left, Jacobian) else \
                    reader.readings(left)[0].value.array  # fmt: skip
                said = reader.readings(right)[0].value.array
            except (Misfit, Unknown, Undefined):
                return None
            if Machine.distance(truth.ravel(), said.ravel()) > 1e-9:
                if is_quantity:
                    return None  # what is wrong with it is looked for where the quantity is known
                return Verdict("wrong", "derivative", f"false, e.g. where {key} is {value}", mistakes=("unrecognised",))
        return Verdict("correct", "derivative", "an identity")

    def own_fact(self, left: Term, right: Term, subject: Subject, side: Side) -> Verdict | None:
        """`f'(x) = 1/(1 + |x|)^2` of a function that has a formula of its own, which its matrices do not need."""
        own = self.inference.own_functions
        used = {p.function for t in (left, right) for p in everything_in(t) if isinstance(p, Apply)} & set(own)
        if not used:
            return None
        elaborator = Elaborator(**{**self.inference.elaborator.__dict__, "bodies": own})
        with contextlib.suppress(NotUnderstood, LayerOpen):
            return self.fact(elaborator.term(subject.side.node), elaborator.term(side.node), subject, side)
        return None

    def matrix_fact(self, left: Term, right: Term) -> Verdict | None:
        """`(A B)^T = B^T A^T`: about letters that are no quantities, whatever matrices they are."""
        keys = sorted({r.key for t in (left, right) for r in references_in(t)})
        if (
            isinstance(left, Part)
            or not 0 < len(keys) <= MOST_LETTERS
            or any(k in self.situation.grounded for k in keys)
        ):
            return None
        if any(isinstance(p, Jacobian) for t in (left, right) for p in everything_in(t)):
            return None  # of what nothing is said: all zero
        shapes = [(rows, columns) for rows in IDENTITY_SIZES for columns in IDENTITY_SIZES]
        every = itertools.product(shapes, repeat=len(keys))
        held = [self._holds_for(dict(zip(keys, each, strict=True)), left, right) for each in every]
        return Verdict("correct", "derivative", "an identity") if True in held and False not in held else None

    def _holds_for(self, shapes: dict[str, tuple[int, int]], left: Term, right: Term) -> bool | None:
        """Whether two sides agree for matrices of these shapes; None where these do not fit."""
        draw = np.random.default_rng(1)
        values = {key: draw.normal(size=shape) for key, shape in shapes.items()}
        reader = Reader(World(Point(Machine, values, {}), {}), Axes())
        try:
            one, other = (reader.readings(t)[0].value.array for t in (left, right))
        except (Misfit, Unknown, Undefined):
            return None
        return one.shape == other.shape and Machine.distance(one, other) < 1e-9
