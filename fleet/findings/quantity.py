"""Values with their units in plain words, as they stand in titles: ``97%``, ``1.5 GiB``, ``350 ms``."""

from __future__ import annotations

import math

_BYTES = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
SIGNS = {"celsius": "°C", "watts": "W", "x": "×"}
"""Units of packs that have a sign."""
CLOSE = ("%", "×", "")
"""Units that follow a number without a space."""
_MINUTE = 60.0
_HOUR = 3600.0


def quantity(value: float, unit: str, digits: int = 3) -> str:
    """A value with its unit to so many significant digits; a dash for what is not a number."""
    if not math.isfinite(value):
        return "–"
    number, name = _scaled(value, unit)
    text = _digits(number, digits)
    return f"{text}{name}" if name in CLOSE or name.startswith("/") else f"{text} {name}"


def quantity_range(low: float, high: float, unit: str) -> str:
    """A usual range: ``40–55%``; one value where both ends read the same; empty where an end is not a number."""
    if not (math.isfinite(low) and math.isfinite(high)):
        return ""
    first, last = quantity(low, unit, 2), quantity(high, unit, 2)
    if first == last:
        return last
    _, name = _scaled(low, unit)
    _, other = _scaled(high, unit)
    return f"{first.removesuffix(name).strip() if name == other else first}–{last}"


def time_span(seconds: float) -> str:
    """A length of time in the largest unit that fits: ``42 min``, ``1.5 h``, ``3 d``."""
    if seconds < 2 * _MINUTE:
        return f"{round(seconds)} s"
    if seconds < 2 * _HOUR:
        return f"{round(seconds / _MINUTE)} min"
    if seconds < 48 * _HOUR:
        return f"{_digits(seconds / _HOUR, 2)} h"
    return f"{_digits(seconds / (24 * _HOUR), 2)} d"


def time_range(low: float, high: float) -> str:
    """A range of seconds: ``3–5 h``; one length where both ends read the same."""
    first, last = time_span(low), time_span(high)
    if first == last:
        return last
    number, unit = first.split()
    return f"{number if last.endswith(f' {unit}') else first}–{last}"


def _scaled(value: float, unit: str) -> tuple[float, str]:
    """The value in a readable unit, and that unit's name as it follows the number."""
    if unit in {"bytes", "bytes/s"}:
        power = min(len(_BYTES) - 1, int(math.log(abs(value), 1024))) if abs(value) >= 1 else 0
        return value / 1024**power, _BYTES[power] + unit.removeprefix("bytes")
    if unit == "seconds":
        return _scaled_seconds(value)
    if unit == "ratio":
        return 100 * value, "%"
    if unit == "count":
        return round(value, 1), ""
    return value, unit[1:] if unit.startswith("1/") else SIGNS.get(unit, unit)


def _scaled_seconds(value: float) -> tuple[float, str]:
    size = abs(value)
    if size >= 2 * _HOUR:
        return value / _HOUR, "h"
    if size >= 2 * _MINUTE:
        return value / _MINUTE, "min"
    for factor, unit in ((1e3, "ms"), (1e6, "µs")):
        if 1 > size >= 1 / factor:
            return value * factor, unit
    return (value * 1e9, "ns") if 0 < size < 1 else (value, "s")


def _digits(value: float, digits: int) -> str:
    """Significant digits without an exponent where they can be read, no trailing zeros; whole from 100 on."""
    if value == 0 or abs(value) < 1e-9:
        return "0"
    if abs(value) < 1e-4:
        return f"{value:.1e}"
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    text = f"{value:,.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
