"""Figures, units and times as they stand in reports. All times are UTC; names of months do not depend on a locale."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from fleet.findings.quantity import CLOSE, SIGNS
from fleet.frames.window import Window
from fleet.inventory.change import Change

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_BYTES = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
_PART_OF_A_WORD = 12
"""So many characters of a word that is cut are left out; of a longer one, what is there tells."""
_SECONDS = (
    (1e-3, "µs", 1e6),
    (1.0, "ms", 1e3),
    (120.0, "s", 1.0),
    (7200.0, "min", 1 / 60),
    (math.inf, "h", 1 / 3600),
)
"""Below which value in seconds which unit is used, and the factor that leads to it."""


def date_time(at: datetime) -> str:
    """``21 Nov 2026 13:45 UTC``."""
    at = at.astimezone(UTC)
    return f"{at.day} {_MONTHS[at.month - 1]} {at.year} {at:%H:%M} UTC"


def short_time(at: datetime) -> str:
    """``21 Nov 13:45``, for tables that say UTC in their heading."""
    at = at.astimezone(UTC)
    return f"{at.day} {_MONTHS[at.month - 1]} {at:%H:%M}"


def short_moment(change: Change) -> str:
    """When a change was, for tables; ``by 21 Nov 13:45`` where nobody dates it and only a look knows of it."""
    return f"by {short_time(change.at)}" if change.not_before else short_time(change.at)


def time_span(window: Window) -> str:
    """``20 Nov 2026 13:00 – 21 Nov 2026 13:00 UTC``; a span within one day names the day once."""
    start, end = window.start.astimezone(UTC), window.end.astimezone(UTC)
    if start.date() == end.date():
        return f"{start.day} {_MONTHS[start.month - 1]} {start.year} {start:%H:%M} – {end:%H:%M} UTC"
    return f"{date_time(start).removesuffix(' UTC')} – {date_time(end)}"


def short_span(start: datetime, end: datetime | None) -> str:
    """``20 Nov 13:00 – 14:20``; without an end ``since 20 Nov 13:00``."""
    if end is None:
        return f"since {short_time(start)}"
    same_day = start.astimezone(UTC).date() == end.astimezone(UTC).date()
    return (
        f"{short_time(start)} – {end.astimezone(UTC):%H:%M}" if same_day else f"{short_time(start)} – {short_time(end)}"
    )


def duration(length: timedelta) -> str:
    """``45 s``, ``12 min``, ``3 h 20 min``, ``2 d 4 h``."""
    seconds = round(length.total_seconds())
    if seconds < 60:
        return f"{seconds} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h" if hours else f"{days} d"


def unit_scale(unit: str, largest: float) -> tuple[float, str]:
    """The factor and the name that make a unit readable: values × factor are in the named unit.

    Args:
        unit: a pack query's unit.
        largest: the largest absolute value that will be shown.
    """
    largest = abs(largest) if math.isfinite(largest) else 1.0
    if unit == "ratio":
        return 100.0, "%"
    if unit in {"bytes", "bytes/s"}:
        power = min(int(math.log(largest, 1024)), len(_BYTES) - 1) if largest >= 1 else 0
        return 1 / 1024**power, _BYTES[power] + unit.removeprefix("bytes")
    if unit == "seconds":
        if largest == 0:
            return 1.0, "s"
        name, factor = next((name, factor) for limit, name, factor in _SECONDS if largest < limit)
        return factor, name
    return 1.0, "" if unit in {"count", "state"} else SIGNS.get(unit, unit)


def value(figure: float | None, unit: str) -> str:
    """A value with its unit, three significant digits: ``93.4%``, ``1.52 GiB``, ``350 ms``, ``12``; ``–`` for none."""
    if figure is None or math.isnan(figure):
        return "–"
    if math.isinf(figure):
        return "∞" if figure > 0 else "−∞"
    factor, name = unit_scale(unit, figure)
    number = _digits(figure * factor)
    if name in CLOSE or name.startswith("1/"):
        return number + name.removeprefix("1")
    return f"{number} {name}"


def _digits(figure: float) -> str:
    if figure == 0:
        return "0"
    if abs(figure) >= 1e6 or abs(figure) < 1e-3:
        return f"{figure:.2e}"
    decimals = max(0, 2 - math.floor(math.log10(abs(figure))))
    text = f"{figure:,.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def share(part: float) -> str:
    """A share of 0..1 in whole percent, never rounded to 0% or 100% unless it is."""
    percent = round(part * 100)
    if percent == 100 and part < 1:
        return "over 99%"
    if percent == 0 and part > 0:
        return "under 1%"
    return f"{percent}%"


def counted(number: int, one: str, many: str = "") -> str:
    """``1 cluster``, ``3 clusters``."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def value_range(low: float | None, high: float | None, unit: str) -> str:
    """``41% – 52%``; one value where both ends read the same."""
    first, last = value(low, unit), value(high, unit)
    return first if first == last else f"{first} – {last}"


def brief(text: str, longest: int = 90) -> str:
    """Text cut in the middle to a length: both ends of a name tell. It is cut between words where one ends nearby."""
    if len(text) <= longest:
        return text
    size = (longest - 1) * 2 // 3
    head, tail = text[:size], text[size + 1 - longest :]
    words, _, cut = head.rpartition(" ")
    if words and len(cut) <= _PART_OF_A_WORD:
        head = f"{words} "
    cut, _, words = tail.partition(" ")
    if words and len(cut) <= _PART_OF_A_WORD:
        tail = f" {words}"
    return f"{head}…{tail}"


def joined(names: Sequence[str], most: int) -> str:
    """Names with commas; beyond ``most`` of them ``and 7 more``."""
    shown = ", ".join(names[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown
