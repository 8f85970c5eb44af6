"""Series drawn in the terminal, with the dots of Unicode's braille signs: each sign has two columns of four."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

from fleet.findings.quantity import quantity
from interfaces.cli.query.series import Values

if TYPE_CHECKING:
    from rich.text import Text

COLOURS = ("cyan", "yellow", "green", "magenta", "red", "blue", "bright_cyan", "bright_yellow", "bright_green", "white")
"""As many series are told apart."""
_COLUMNS, _ROWS = 2, 4
_BLANK = 0x2800
# The bits of a sign's dots, by column and by row from the top (Unicode 15, "Braille Patterns").
_DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
_BARS = "▁▂▃▄▅▆▇█"
_DAY_SECONDS = 86_400


class Canvas:
    """A grid of braille signs, each of which has the colour of what was drawn last in it."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self._signs = np.zeros((height, width), dtype=np.uint8)
        self._colours = np.full((height, width), -1, dtype=np.int16)

    @property
    def dots(self) -> tuple[int, int]:
        """Columns and rows of dots."""
        return self.width * _COLUMNS, self.height * _ROWS

    def dot(self, column: int, row: int, colour: int) -> None:
        """Set a dot, counted from the left and from the top."""
        sign = row // _ROWS, column // _COLUMNS
        self._signs[sign] |= _DOTS[column % _COLUMNS][row % _ROWS]
        self._colours[sign] = colour

    def line(self, row: int) -> Iterator[tuple[str, int]]:
        """A line's signs and their colours; -1 where nothing was drawn."""
        for sign, colour in zip(self._signs[row].tolist(), self._colours[row].tolist(), strict=True):
            yield chr(_BLANK + sign) if sign else " ", colour


def chart(times: Values, lines: Sequence[Values], unit: str, *, width: int, height: int, first: int = 0) -> list[Text]:
    """Lines over time with their scale, the highest value at the top; a gap in a line stays one.

    Args:
        times: Unix seconds, ascending.
        lines: a value for each time, NaN for none.
        unit: of the values.
        width: of the whole in signs, scale and all.
        height: of the drawing in signs; the times stand in one more line below it.
        first: the number of the first line's colour.
    """
    from rich.text import Text

    low, high = _bounds(lines)
    labels = _scale(low, high, unit, height)
    margin = max(map(len, labels))
    canvas = Canvas(max(10, width - margin - 1), height)
    for number, line in enumerate(lines):
        for column, row in _dots(times, line, (low, high), canvas.dots):
            canvas.dot(column, row, first + number)
    drawn = []
    for row, label in enumerate(labels):
        text = Text(f"{label:>{margin}}{'┤' if label else '│'}", style="dim", no_wrap=True)
        for sign, colour in canvas.line(row):
            text.append(sign, style=COLOURS[colour % len(COLOURS)] if colour >= 0 else "not dim")
        drawn.append(text)
    drawn.append(Text(" " * (margin + 1) + _time_axis(times, canvas.width), style="dim", no_wrap=True))
    return drawn


def sparkline(values: Values, width: int) -> str:
    """A line of bars, each the mean of its share of the values; blank where there are none."""
    bars = ""
    low, high = _bounds([values])
    for part in np.array_split(values, min(width, len(values))):
        known = part[np.isfinite(part)]
        level = int((known.mean() - low) / (high - low) * (len(_BARS) - 1) + 0.5) if len(known) else None
        bars += " " if level is None else _BARS[level]
    return bars


def _bounds(lines: Sequence[Values]) -> tuple[float, float]:
    known = np.concatenate([line[np.isfinite(line)] for line in lines]) if lines else np.empty(0)
    if not len(known):
        return 0.0, 1.0
    low, high = float(known.min()), float(known.max())
    if low == high:
        return (min(0.0, low), max(0.0, high)) if low else (0.0, 1.0)
    return low, high


def _dots(times: Values, line: Values, bounds: tuple[float, float], dots: tuple[int, int]) -> Iterator[tuple[int, int]]:
    """Where a line has dots: neighbouring points are joined, those on both sides of a gap are not."""
    (low, high), (columns, rows) = bounds, dots
    span = float(times[-1] - times[0]) or 1.0
    before: tuple[int, int] | None = None
    for at, value in zip(times.tolist(), line.tolist(), strict=True):
        if not math.isfinite(value):
            before = None
            continue
        here = round((at - times[0]) / span * (columns - 1)), round((high - value) / (high - low) * (rows - 1))
        yield from _joined(before or here, here)
        before = here


def _joined(start: tuple[int, int], end: tuple[int, int]) -> Iterator[tuple[int, int]]:
    steps = max(abs(end[0] - start[0]), abs(end[1] - start[1]), 1)
    for step in range(steps + 1):
        share = step / steps
        yield round(start[0] + (end[0] - start[0]) * share), round(start[1] + (end[1] - start[1]) * share)


def _scale(low: float, high: float, unit: str, height: int) -> list[str]:
    """A label for each line: the bounds, and some between them."""
    every = max(1, (height - 1) // 4)
    labels = []
    for row in range(height):
        marked = row in {0, height - 1} or (row % every == 0 and height - 1 - row >= every)
        labels.append(quantity(high - (high - low) * row / max(1, height - 1), unit) if marked else "")
    return labels


def _time_axis(times: Values, width: int) -> str:
    """Times of the beginning, the middle and the end, as far as there is room."""
    long = times[-1] - times[0] >= _DAY_SECONDS
    form = "%m-%d %H:%M" if long else "%H:%M:%S" if times[-1] - times[0] < 600 else "%H:%M"
    marks = (times[0], (times[0] + times[-1]) / 2, times[-1])
    first, middle, last = (datetime.fromtimestamp(float(at), UTC).strftime(form) for at in marks)
    last += "Z"
    room = width - len(first) - len(last)
    if room < len(middle) + 4:
        return first + " " * max(1, room) + last
    left = width // 2 - len(middle) // 2 - len(first)
    return first + " " * left + middle + " " * (room - left - len(middle)) + last
