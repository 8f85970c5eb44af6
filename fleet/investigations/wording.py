"""Subjects, times and foreign text as they stand in an investigation's sentences; figures as findings write them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from fleet.findings.quantity import quantity, time_span
from fleet.inventory.change import Change
from fleet.inventory.subject import Subject, SubjectKind

__all__ = ["clock", "measured", "moment", "named", "opened", "plain", "quantity", "span", "when"]

_ALLOWED = frozenset(" .,:;/@_%+=()'-→")
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


def when(change: Change, told: Callable[[datetime], str] = clock) -> str:
    """When a change was: ``at 14:05 UTC``, or between the two looks where no object dates it."""
    if change.not_before is None:
        return f"at {told(change.at)}"
    same_day = change.not_before.astimezone(UTC).date() == change.at.astimezone(UTC).date()
    told = told if same_day else moment
    return f"between {told(change.not_before)} and {told(change.at)}"


def span(length: timedelta) -> str:
    """A length of time, ``4.2 h``."""
    return time_span(abs(length.total_seconds()))
