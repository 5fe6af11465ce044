"""How long one thing may be worked on: a deadline for a claim and one for the whole document, asked for in the loops.

It is the processor's time that counts, so that a busy machine marks as an idle one does.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_deadline: ContextVar[float] = ContextVar("deadline", default=math.inf)


class TookTooLong(Exception):
    """The time for something is over; what was worked out of it says nothing."""


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """What is done inside ends after so many seconds, or with the deadline that holds outside if that is earlier."""
    outside = _deadline.set(min(_deadline.get(), time.thread_time() + seconds))
    try:
        yield
    finally:
        _deadline.reset(outside)


def is_over() -> bool:
    """Whether the deadline has passed."""
    return time.thread_time() > _deadline.get()


def go_on() -> None:
    """Nothing, as long as there is time.

    Raises: TookTooLong.
    """
    if time.thread_time() > _deadline.get():
        raise TookTooLong("took too long")
