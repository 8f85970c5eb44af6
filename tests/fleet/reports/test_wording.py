from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta, timezone

import pytest

from fleet.frames.window import Window
from fleet.reports.wording import (
    brief,
    counted,
    date_time,
    duration,
    joined,
    share,
    short_span,
    time_span,
    value,
    value_range,
)

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("figure", "unit", "text"),
    [
        (0.934, "ratio", "93.4%"),
        (1.05, "ratio", "105%"),
        (0, "ratio", "0%"),
        (1_632_087_572, "bytes", "1.52 GiB"),
        (0, "bytes", "0 B"),
        (2048, "bytes/s", "2 KiB/s"),
        (0.35, "seconds", "350 ms"),
        (0.0000004, "seconds", "0.4 µs"),
        (0, "seconds", "0 s"),
        (90, "seconds", "90 s"),
        (3600, "seconds", "60 min"),
        (86400, "seconds", "24 h"),
        (-0.35, "seconds", "-350 ms"),
        (12, "count", "12"),
        (12345.6, "count", "12,346"),
        (3.21, "1/s", "3.21/s"),
        (1.349, "cores", "1.35 cores"),
        (71, "celsius", "71 °C"),
        (25.7, "x", "25.7×"),
        (1, "state", "1"),
        (None, "ratio", "–"),
        (math.nan, "ratio", "–"),
        (math.inf, "seconds", "∞"),
        (1e12, "count", "1.00e+12"),
    ],
)
def test_values_with_units(figure: float | None, unit: str, text: str) -> None:
    assert value(figure, unit) == text


def test_times_are_utc_whatever_zone_they_come_in() -> None:
    tokyo = NOON.astimezone(timezone(timedelta(hours=9)))
    assert date_time(tokyo) == "21 Nov 2026 12:00 UTC"
    assert time_span(Window(start=tokyo, end=NOON + timedelta(hours=2))) == "21 Nov 2026 12:00 – 14:00 UTC"
    assert time_span(Window.before(NOON, timedelta(days=1))) == "20 Nov 2026 12:00 – 21 Nov 2026 12:00 UTC"
    assert short_span(NOON, None) == "since 21 Nov 12:00"
    assert short_span(NOON, NOON + timedelta(minutes=5)) == "21 Nov 12:00 – 12:05"
    assert short_span(NOON, NOON + timedelta(days=1)) == "21 Nov 12:00 – 22 Nov 12:00"


@pytest.mark.parametrize(
    ("seconds", "text"), [(45, "45 s"), (720, "12 min"), (12_000, "3 h 20 min"), (7_200, "2 h"), (187_200, "2 d 4 h")]
)
def test_durations(seconds: int, text: str) -> None:
    assert duration(timedelta(seconds=seconds)) == text


def test_shares_are_whole_only_when_they_are() -> None:
    assert [share(each) for each in (0, 0.001, 0.5, 0.9999, 1)] == ["0%", "under 1%", "50%", "over 99%", "100%"]


def test_lists_and_counts_and_cuts() -> None:
    assert (counted(1, "query", "queries"), counted(2, "query", "queries")) == ("1 query", "2 queries")
    assert joined(["a", "b", "c"], 2) == "a, b and 1 more" and joined(["a"], 2) == "a"
    cut = brief("a" * 50 + "b" * 50, 30)
    assert len(cut) == 30 and cut.startswith("aaa") and cut.endswith("bbb") and "…" in cut


def test_a_sentence_is_cut_between_words() -> None:
    title = (
        "Memory of a container against its limit: unusually high on container ran/manager/manager, and 1 more affected"
    )
    assert brief(title) == "Memory of a container against its limit: unusually high on … and 1 more affected"
    assert brief("on container ran/" + "x" * 100, 60).startswith("on container ran/xxx")


def test_a_range_of_one_value_is_told_once() -> None:
    assert value_range(0.41, 0.52, "ratio") == "41% – 52%"
    assert value_range(1, 1, "ratio") == "100%"
