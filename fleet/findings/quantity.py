"""Values with their units in plain words, as they stand in titles: ``97%``, ``1.5 GiB``, ``350 ms``."""

from __future__ import annotations

import math

_BYTES = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
_MINUTE = 60.0
_HOUR = 3600.0


def quantity(value: float, unit: str) -> str:
    """A value with its unit to three significant digits; a dash for what is not a number."""
    if not math.isfinite(value):
        return "–"
    if unit in {"bytes", "bytes/s"}:
        return _bytes(value) + unit.removeprefix("bytes")
    if unit == "ratio":
        return f"{_digits(100 * value)}%"
    if unit == "seconds":
        return _seconds(value)
    if unit == "count":
        return _digits(round(value, 1))
    if unit.startswith("1/"):
        return f"{_digits(value)}{unit[1:]}"
    return f"{_digits(value)} {unit}"


def quantity_range(low: float, high: float, unit: str) -> str:
    """A usual range: ``40–55%``; one value where both ends read the same; empty where an end is not a number."""
    if not (math.isfinite(low) and math.isfinite(high)):
        return ""
    first, last = quantity(low, unit), quantity(high, unit)
    if first == last:
        return last
    number, _, _ = first.partition(" ")
    suffix = last.removeprefix(last.rstrip("%")) or last.partition(" ")[2]
    if suffix and first.endswith(suffix):
        first = first.removesuffix(suffix).strip() or number
    return f"{first}–{last}"


def time_span(seconds: float) -> str:
    """A length of time in the largest unit that fits: ``42 min``, ``1.5 h``, ``3 d``."""
    if seconds < 2 * _MINUTE:
        return f"{round(seconds)} s"
    if seconds < 2 * _HOUR:
        return f"{round(seconds / _MINUTE)} min"
    if seconds < 48 * _HOUR:
        return f"{_digits(seconds / _HOUR)} h"
    return f"{_digits(seconds / (24 * _HOUR))} d"


def _bytes(value: float) -> str:
    power = min(len(_BYTES) - 1, int(math.log(abs(value), 1024))) if abs(value) >= 1 else 0
    return f"{_digits(value / 1024**power)} {_BYTES[power]}"


def _seconds(value: float) -> str:
    size = abs(value)
    if size == 0:
        return "0 s"
    if size >= 2 * _HOUR:
        return f"{_digits(value / _HOUR)} h"
    if size >= 2 * _MINUTE:
        return f"{_digits(value / _MINUTE)} min"
    for factor, unit in ((1.0, "s"), (1e3, "ms"), (1e6, "µs"), (1e9, "ns")):
        if size * factor >= 1:
            return f"{_digits(value * factor)} {unit}"
    return f"{value:.1e} s"


def _digits(value: float) -> str:
    """Three significant digits without an exponent, no trailing zeros; whole numbers from 100 on."""
    if value == 0 or abs(value) < 1e-4:
        return "0" if abs(value) < 1e-9 else f"{value:.1e}"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    text = f"{value:.{max(0, 2 - math.floor(math.log10(abs(value))))}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
