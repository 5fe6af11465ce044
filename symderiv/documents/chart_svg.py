"""Curves as SVG: a few lines with a legend, and a band around a line where values spread.

Drawn here rather than by matplotlib because these pictures are part of a page: they take its colours (dark mode, print), their
text is text, and they are the same bytes whatever version of a library is installed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 640, 360, 64, 16, 16, 46
LINE_HEIGHT = 20
MOST_POINTS = 200
DECADES = 12
"""A logarithmic axis shows so many powers of ten below its largest value."""


@dataclass(frozen=True)
class Series:
    """One line: its points, and the band from `low` to `high` around it where there is one."""

    label: str
    x: Sequence[float]
    y: Sequence[float]
    low: Sequence[float] = ()
    high: Sequence[float] = ()


@dataclass(frozen=True)
class Chart:
    """Lines over one axis. log: the vertical axis is logarithmic, values that are not positive are left out."""

    title: str
    x_label: str
    y_label: str
    series: tuple[Series, ...]
    log: bool = False


@dataclass(frozen=True)
class _Axis:
    """One axis: the range of its values, the range on the paper, and the values that are marked."""

    low: float
    high: float
    start: float
    end: float
    ticks: tuple[float, ...]
    log: bool = False

    def place(self, value: float) -> float:
        """Where a value lies on the paper; values beyond the axis lie at its end."""
        scaled = math.log10(max(value, 1e-300)) if self.log else value
        share = min(1.0, max(0.0, (scaled - self.low) / (self.high - self.low)))
        return self.start + share * (self.end - self.start)


def draw_chart(chart: Chart) -> str:
    """The chart as an SVG element with title and description."""
    top = TOP + LINE_HEIGHT * len(chart.series)
    bottom = top + HEIGHT - TOP - BOTTOM
    xs = [x for s in chart.series for x in s.x]
    ys = [y for s in chart.series for y in (*s.y, *s.low, *s.high) if math.isfinite(y) and (y > 0 or not chart.log)]
    least = 1.0 if all(float(x).is_integer() for x in xs) else 0.0
    across = _linear(min(xs), max(xs), LEFT, WIDTH - RIGHT, tight=True, least=least)
    up = _logarithmic(min(ys), max(ys), bottom, top) if chart.log else _linear(min(ys), max(ys), bottom, top)
    name = "chart-" + "".join(c if c.isalnum() else "-" for c in chart.title.lower())
    lines = ", ".join(s.label for s in chart.series)
    return "".join(
        (
            f'<svg class="chart" viewBox="0 0 {WIDTH} {bottom + BOTTOM:g}" width="{WIDTH}" height="{bottom + BOTTOM:g}" role="img" '
            f'aria-labelledby="{name} {name}-d" xmlns="http://www.w3.org/2000/svg">',
            f'<title id="{name}">{escape(chart.title)}</title>',
            f'<desc id="{name}-d">{escape(f"{chart.y_label} against {chart.x_label}, a line for each of: {lines}.")}</desc>',
            *_grid(across, up, chart),
            *(part for k, s in enumerate(chart.series) for part in _line(k, s, across, up, chart.log)),
            "</svg>",
        )
    )


def _grid(across: _Axis, up: _Axis, chart: Chart) -> Iterator[str]:
    """The marked values, the lines at them, and what the axes are called."""
    for tick in up.ticks:
        y = up.place(tick)
        yield f'<line class="grid" x1="{across.start:g}" y1="{y:.1f}" x2="{across.end:g}" y2="{y:.1f}"/>'
        yield f'<text class="tick" x="{across.start - 8:g}" y="{y + 4:.1f}" text-anchor="end">{_number(tick, chart.log)}</text>'
    for tick in across.ticks:
        x = across.place(tick)
        yield f'<line class="grid" x1="{x:.1f}" y1="{up.start:g}" x2="{x:.1f}" y2="{up.start + 4:g}"/>'
        yield f'<text class="tick" x="{x:.1f}" y="{up.start + 18:g}" text-anchor="middle">{_number(tick, False)}</text>'
    middle = (across.start + across.end) / 2
    yield f'<line class="axis" x1="{across.start:g}" y1="{up.start:g}" x2="{across.end:g}" y2="{up.start:g}"/>'
    yield f'<text class="label" x="{middle:g}" y="{up.start + 38:g}" text-anchor="middle">{escape(chart.x_label)}</text>'
    turn = f'transform="translate(14 {(up.start + up.end) / 2:g}) rotate(-90)"'
    yield f'<text class="label" text-anchor="middle" {turn}>{escape(chart.y_label)}</text>'


def _line(k: int, series: Series, across: _Axis, up: _Axis, log: bool) -> Iterator[str]:
    """One line, its band, and its entry in the legend: told apart by colour and by dashes."""
    every = max(1, len(series.x) // MOST_POINTS)
    shown = [i for i in range(len(series.x)) if i % every == 0 or i == len(series.x) - 1]
    shown = [i for i in shown if math.isfinite(series.y[i]) and (series.y[i] > 0 or not log)]

    def points(values: Sequence[float], order: Sequence[int]) -> str:
        return " ".join(f"{across.place(series.x[i]):.1f},{up.place(values[i]):.1f}" for i in order)

    cls = f"s{k % 6}"
    if series.low:
        yield f'<polygon class="band {cls}" points="{points(series.high, shown)} {points(series.low, shown[::-1])}"/>'
    yield f'<polyline class="line {cls}" points="{points(series.y, shown)}"/>'
    y = TOP + LINE_HEIGHT * k
    yield f'<line class="line {cls}" x1="{LEFT}" y1="{y}" x2="{LEFT + 34}" y2="{y}"/>'
    yield f'<text class="legend" x="{LEFT + 42}" y="{y + 4}">{escape(series.label)}</text>'


def _linear(low: float, high: float, start: float, end: float, *, tight: bool = False, least: float = 0.0) -> _Axis:
    """An axis with about six round values, `least` apart or more; `tight`: it ends where the values do."""
    if high <= low:
        low, high = low - 0.5, high + 0.5
    rough = (high - low) / 5
    power = 10.0 ** math.floor(math.log10(rough))
    step = max(least, next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough * 0.999))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    ticks = [round(k * step, 12) for k in range(first, last + 1)]
    if tight:
        ticks = [t for t in ticks if low - 1e-9 * step <= t <= high + 1e-9 * step]
        return _Axis(low, high, start, end, tuple(ticks))
    return _Axis(ticks[0], ticks[-1], start, end, tuple(ticks))


def _logarithmic(low: float, high: float, start: float, end: float) -> _Axis:
    """An axis from one power of ten to another."""
    last = math.ceil(math.log10(high) - 1e-9)
    first = max(math.floor(math.log10(low) + 1e-9), last - DECADES)
    first = min(first, last - 1)
    step = max(1, round((last - first) / 6))
    ticks = tuple(10.0**k for k in range(first, last + 1) if (k - first) % step == 0)
    return _Axis(first, last, start, end, ticks, True)


def _number(value: float, log: bool) -> str:
    """A marked value: plain where it is short, a power of ten on a logarithmic axis."""
    if log and not 0.009 < value < 1001:
        exponent = f"{round(math.log10(value))}".replace("-", "−")
        return f'10<tspan class="sub" dy="-5">{exponent}</tspan>'
    return f"{value:g}".replace("-", "−")
