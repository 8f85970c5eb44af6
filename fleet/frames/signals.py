"""What was seen of a cluster in a window, signal by signal."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

from fleet.frames.coverage import Coverage, CoverageStatus, Signal, combine
from fleet.frames.window import Window

NOT_ALL = "not all of the window was collected"
NOT_ASKED = "it was not asked for"
FORGOTTEN = "they were not read within the hour after the window's end, and clusters remember them no longer"


class SignalCoverage(BaseModel):
    """What was seen of one signal.

    Attributes:
        signal: of which.
        status: of all its sources and chunks together.
        seen_ratio: the share (0..1) of the window that is ``ok`` or ``absent``; of a signal that only tells of a
            moment, 1 or 0.
        reasons: why not all of it was seen, or why there is nothing to see.
        missed: whether something was not seen that should have been; that nobody is registered to be asked is no miss.
    """

    model_config = ConfigDict(frozen=True)

    signal: Signal
    status: CoverageStatus
    seen_ratio: float
    reasons: list[str]
    missed: bool = False


def by_signal(rows: Sequence[Coverage], window: Window) -> list[SignalCoverage]:
    """Every signal, in order; one without a row was not asked for, and is unknown."""
    return [_of_signal(signal, [row for row in rows if row.signal == signal], window) for signal in Signal]


def share_of(parts: Sequence[Window], whole: Window) -> float:
    """How much of a window (0..1) lies in these, which may overlap each other and its ends."""
    seconds, reached = 0.0, whole.start
    for part in sorted(parts, key=lambda each: each.start):
        start, end = max(part.start, reached), min(part.end, whole.end)
        if start < end:
            seconds += (end - start).total_seconds()
            reached = end
    return seconds / whole.seconds


def _of_signal(signal: Signal, own: Sequence[Coverage], window: Window) -> SignalCoverage:
    if not own:
        reason = FORGOTTEN if signal is Signal.EVENTS else NOT_ASKED
        return SignalCoverage(signal=signal, status=CoverageStatus.UNKNOWN, seen_ratio=0.0, reasons=[reason])
    statuses = [row.status for row in own]
    nothing_there = all(status is CoverageStatus.ABSENT for status in statuses)
    reasons = {row.reason for row in own if row.reason and (nothing_there or not row.status.final)}
    if signal.of_a_moment:
        seen = float(all(status.final for status in statuses))
    else:
        seen = share_of([row.window for row in own if row.status.final], window)
        if share_of([row.window for row in own], window) < 1:
            statuses.append(CoverageStatus.UNKNOWN)
            reasons.add(NOT_ALL)
    return SignalCoverage(
        signal=signal,
        status=combine(statuses),
        seen_ratio=seen,
        reasons=sorted(reasons),
        missed=any(row.is_gap for row in own),
    )
