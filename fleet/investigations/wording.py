"""Figures, times and foreign text as they stand in an investigation's sentences."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta

from fleet.inventory.subject import Subject, SubjectKind

_ALLOWED = frozenset(" .,:;/@_%+=()'-")
"""What may stand beside letters and digits: nothing that HTML, Markdown or a terminal reads as markup."""
_ASIDE = re.compile(r"(, per [^(]*)? *(\([^)]*\))? *$")


def plain(text: str, limit: int = 120) -> str:
    """Text that came from a cluster, as data: one line, no markup, at most ``limit`` characters."""
    kept = "".join(char if char.isalnum() or char in _ALLOWED else " " for char in text[: 4 * limit])
    line = " ".join(kept.split())
    return line if len(line) <= limit else f"{line[: limit - 1].rstrip()}…"


def named(subject: Subject) -> str:
    """A subject as it stands in a sentence: ``workload shop/cart``, ``device /dev/vdb of node worker-2``."""
    name = plain("/".join(part for part in (subject.namespace, subject.name) if part))
    part = plain(subject.part or "", 80)
    if subject.kind is SubjectKind.CLUSTER:
        return "the whole cluster" + (f", {part}" if part else "")
    if subject.kind is SubjectKind.DEVICE:
        return f"device {part} of node {name}" if part else f"a device of node {name}"
    if subject.kind is SubjectKind.CONTAINER and part:
        return f"container {part} of pod {name}"
    if subject.kind is SubjectKind.COMPONENT:
        return f"{name}, {part}" if part else name
    return f"{subject.kind.value} {name}" + (f", {part}" if part else "")


def measured(title: str, subject: Subject) -> str:
    """What a query measures and on what, its title without the asides: ``File system used (device /dev/vdb of …)``."""
    return f"{plain(_ASIDE.sub('', title))} ({named(subject)})"


def opened(text: str) -> str:
    """A sentence with its first letter in upper case."""
    return text[:1].upper() + text[1:]


def clock(at: datetime) -> str:
    """A time of day, ``14:05 UTC``."""
    return at.astimezone(UTC).strftime("%H:%M UTC")


def moment(at: datetime) -> str:
    """A date and time, ``2026-03-01 14:05 UTC``."""
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


def span(length: timedelta) -> str:
    """A length of time in the unit that a person would use, ``6.5 hours``."""
    seconds = abs(length.total_seconds())
    if seconds < 90:
        return _counted(seconds, "second")
    if seconds < 5400:
        return _counted(seconds / 60, "minute")
    if seconds < 172_800:
        return _counted(round(seconds / 3600, 1), "hour")
    return _counted(round(seconds / 86_400, 1), "day")


def quantity(value: float, unit: str) -> str:
    """A value with its unit, rounded as a person would: ``97.2 %``, ``1.9 GiB``, ``340 ms``, ``3.4 cores``."""
    if math.isnan(value):
        return "no value"
    if math.isinf(value):
        return "infinity" if value > 0 else "minus infinity"
    if unit == "ratio":
        return f"{_rounded(value * 100)} %"
    if unit in {"bytes", "bytes/s"}:
        return _binary(value, unit)
    if unit in {"seconds", "s"} and abs(value) < 1:
        return f"{_rounded(value * 1000)} ms" if value else "0 s"
    shown = {"seconds": "s", "count": "", "state": "", "percent": "%"}.get(unit, unit)
    return f"{_rounded(value)} {shown}".strip()


def _binary(value: float, unit: str) -> str:
    size, prefixes = abs(value), ["", "Ki", "Mi", "Gi", "Ti", "Pi"]
    while size >= 1024 and len(prefixes) > 1:
        size /= 1024
        prefixes.pop(0)
    return f"{'-' if value < 0 else ''}{_rounded(size)} {prefixes[0]}B{unit.removeprefix('bytes')}"


def _rounded(value: float) -> str:
    """Three figures that count, no exponent, no trailing zeros."""
    if value == 0:
        return "0"
    decimals = max(0, 2 - math.floor(math.log10(abs(value))))
    text = f"{round(value, decimals):,.{min(decimals, 6)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _counted(number: float, noun: str) -> str:
    text = _rounded(number) if number % 1 and number < 10 else f"{number:.0f}"
    return f"{text} {noun}" if text == "1" else f"{text} {noun}s"
