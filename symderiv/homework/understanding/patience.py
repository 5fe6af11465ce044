"""How long one thing may be worked on: a deadline for a claim and one for the whole document, asked for in the loops.

It is the processor's time that counts, so that a busy machine marks as an idle one does.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

ASKED_TO_A_LOOK = 16  # a look at the clock takes longer than what is done between two questions


class _Deadline:
    """When to end, and how often that was asked."""

    __slots__ = ("asked", "at")

    def __init__(self, at: float) -> None:
        self.at, self.asked = at, 0


_NEVER = _Deadline(math.inf)
_deadline: ContextVar[_Deadline] = ContextVar("deadline", default=_NEVER)


class TookTooLong(Exception):
    """The time for something is over; what was worked out of it says nothing."""


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """What is done inside ends after so many seconds, or with the deadline that holds outside if that is earlier."""
    outside = _deadline.set(_Deadline(min(_deadline.get().at, time.thread_time() + seconds)))
    try:
        yield
    finally:
        _deadline.reset(outside)


def is_over() -> bool:
    """Whether the deadline has passed."""
    return time.thread_time() > _deadline.get().at


def go_on() -> None:
    """Nothing, as long as there is time.

    Raises: TookTooLong.
    """
    deadline = _deadline.get()
    if deadline.asked % ASKED_TO_A_LOOK == 0 and time.thread_time() > deadline.at:
        raise TookTooLong("took too long")
    deadline.asked += 1
