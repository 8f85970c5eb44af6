"""Drawings: where the dots are, that a gap stays one, and that the scale and the times say what they should."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from interfaces.cli.query.plot import Canvas, chart, sparkline

NOON = 1_772_712_000.0
"""2026-03-05 12:00 UTC."""


def drawn(values: list[float], unit: str = "count", *, step: float = 60, width: int = 40, height: int = 5) -> list[str]:
    times = NOON + step * np.arange(len(values))
    return [line.plain for line in chart(times, [np.array(values)], unit, width=width, height=height)]


def test_dots_of_a_sign() -> None:
    canvas = Canvas(2, 1)
    for column, row in ((0, 0), (1, 3), (2, 1)):
        canvas.dot(column, row, 3)
    assert list(canvas.line(0)) == [("⢁", 3), ("⠂", 3)]


def test_a_rising_line_goes_from_the_lower_left_to_the_upper_right() -> None:
    *lines, axis = drawn([0, 1, 2, 3, 4, 5, 6, 7, 8])
    assert [line[:2] for line in lines] == ["8┤", "6┤", "4┤", "2┤", "0┤"]
    dotted = [[place for place, sign in enumerate(line[2:]) if sign != " "] for line in lines]
    assert dotted[-1][0] == 0
    assert dotted[0][-1] == 37
    assert all(below[0] < above[0] for above, below in pairwise(dotted))
    assert axis.split() == ["12:00:00", "12:04:00", "12:08:00Z"]
    assert all(len(line) <= 40 for line in [*lines, axis])


def test_neighbours_are_joined_and_gaps_are_not() -> None:
    whole = "".join(drawn([1, 2, 1, 2, 1, 2], height=2)[:-1])
    holed = "".join(drawn([1, 2, np.nan, np.nan, 1, 2], height=2)[:-1])
    assert whole.count(" ") < holed.count(" ")
    middle = [line[14:24] for line in drawn([1, 1, np.nan, np.nan, np.nan, 1, 1], height=1)[:-1]]
    assert not "".join(middle).strip()


@pytest.mark.parametrize(
    ("values", "unit", "highest", "lowest"),
    [
        ([0.2, 0.9], "ratio", "90%", "20%"),
        ([0, 3 * 1024**3], "bytes", "3 GiB", "0 B"),
        ([5, 5, 5], "count", "5", "0"),
        ([0, 0], "count", "1", "0"),
        ([-5, -5], "", "0", "-5"),
        ([np.inf, 2, 4], "", "4", "2"),
    ],
)
def test_the_scale(values: list[float], unit: str, highest: str, lowest: str) -> None:
    *lines, _ = drawn(values, unit)
    assert lines[0].partition("┤")[0].strip() == highest
    assert lines[-1].partition("┤")[0].strip() == lowest


def test_a_long_window_has_its_days() -> None:
    assert drawn([1, 2, 3], step=86_400)[-1].split()[:2] == ["03-05", "12:00"]


def test_a_course_of_bars() -> None:
    assert sparkline(np.array([0.0, 1, 2, 3, 4, 5, 6, 7]), 8) == "▁▂▃▄▅▆▇█"
    assert sparkline(np.array([0.0, 0, np.nan, np.nan, 7, 7]), 3) == "▁ █"
    assert sparkline(np.array([3.0, 3, 3]), 24) == "███"
    assert sparkline(np.full(4, np.nan), 2) == "  "
