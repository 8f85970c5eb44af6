"""Figures in plain words."""

import math

import pytest

from fleet.findings.quantity import quantity, quantity_range, time_range, time_span


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.974, "ratio", "97.4%"),
        (1.0, "ratio", "100%"),
        (0.0005, "ratio", "0.05%"),
        (1.6e9, "bytes", "1.49 GiB"),
        (0.0, "bytes", "0 B"),
        (2048, "bytes/s", "2 KiB/s"),
        (0.35, "seconds", "350 ms"),
        (3.2e-7, "seconds", "320 ns"),
        (0.0, "seconds", "0 s"),
        (300, "seconds", "5 min"),
        (9000, "seconds", "2.5 h"),
        (12.3456, "cores", "12.3 cores"),
        (1234567, "1/s", "1,234,567/s"),
        (3.0, "count", "3"),
        (-12.5, "celsius", "-12.5 °C"),
        (25.71, "x", "25.7×"),
        (math.nan, "ratio", "–"),
        (math.inf, "bytes", "–"),
    ],
)
def test_quantities(value: float, unit: str, text: str) -> None:
    assert quantity(value, unit) == text


@pytest.mark.parametrize(
    ("low", "high", "unit", "text"),
    [
        (0.4, 0.55, "ratio", "40–55%"),
        (5e8, 2e9, "bytes", "477 MiB–1.9 GiB"),
        (5e8, 6e8, "bytes", "477–572 MiB"),
        (0, 0, "count", "0"),
        (0.12, 0.22, "x", "0.12–0.22×"),
        (0.05, 2, "seconds", "50 ms–2 s"),
        (math.nan, 1, "ratio", ""),
    ],
)
def test_ranges(low: float, high: float, unit: str, text: str) -> None:
    assert quantity_range(low, high, unit) == text


def test_spans() -> None:
    assert [time_span(seconds) for seconds in (45, 2520, 5400, 9000, 260_000)] == [
        "45 s",
        "42 min",
        "90 min",
        "2.5 h",
        "3 d",
    ]


def test_ranges_of_time() -> None:
    ranges = [(10_800, 18_000), (5400, 7300), (3600, 3610), (86_400, 3 * 86_400)]
    assert [time_range(*each) for each in ranges] == ["3–5 h", "90 min–2 h", "60 min", "24 h–3 d"]
