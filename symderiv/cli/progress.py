"""How far a long run is: one line on the terminal that is written over, and nothing where there is no terminal."""

from __future__ import annotations

import sys
import time

import click

EVERY = 0.2
"""Seconds between two lines; more often nobody could read."""


class Progress:
    """So many of so many, and how long the rest will take. what: `marked`."""

    def __init__(self, what: str) -> None:
        self.what = what
        self.is_shown = sys.stderr.isatty()
        self.started = self.last = time.monotonic()
        self.begun: int | None = None
        self.width = 0

    def tell(self, done: int, count: int) -> None:
        """Show how far it is, if that was not shown a moment ago."""
        now = time.monotonic()
        if not self.is_shown or now - self.last < EVERY:
            return
        self.last = now
        if self.begun is None:  # what was there already came in no time and says nothing about the rest
            self.begun, self.started = done, now
        rate = (done - self.begun) / (now - self.started) if now > self.started else 0.0
        left = f", {_time((count - done) / rate)} to go" if rate and done < count else ""
        self._show(f"{done} of {count} {self.what}{left}")

    def clear(self) -> None:
        """Take the line away."""
        if self.width:
            self._show("")
            click.echo("\r", nl=False, err=True)
            self.width = 0

    def _show(self, line: str) -> None:
        click.echo("\r" + line.ljust(self.width), nl=False, err=True)
        self.width = len(line)


def _time(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
