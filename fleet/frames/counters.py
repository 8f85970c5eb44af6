"""Running totals as rates: what Prometheus' ``rate`` does without its extrapolation to the ends of a window.

A total that falls was reset in between; what stands after the fall was counted since, from zero. What happened between
a reset and the sample before it is lost, and so is a second reset, where the total has passed its last sample again
by the next. So a rate that comes soon after a reset is a least one, and counts as no lower than those before it.

Frames are float32, which holds whole numbers exactly up to 16.8 million and 7 digits beyond: a total near 10¹² (bytes)
moves in steps of 65,536, and its rate over 5 minutes in steps of 218 a second; near 2⁵³ a step is a billion, and
the rate is noise. Where totals get so large, a pack asks for ``rate(…[5m])`` instead, which the server computes in
double precision.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from fleet.frames.frame import Frame
from fleet.frames.pack import QueryKind, QueryPack
from fleet.frames.window import HISTORY_STEP_SECONDS

_ROWS_AT_ONCE = 256
_HELD_RATES = 2
"""After a reset a rate's time passes once with the reset in it, and once more in which another may not be seen."""
_OLDEST_RATES = 4
"""A counter that is reset again and again is not what it was before: rates are held by one that is no older."""


def with_rates(frame: Frame, pack: QueryPack) -> Frame:
    """The frame with the rows of counters as rates per second; the frame itself where it has none.

    On every step a rate is that of the last 5 minutes, so that those of a frame and of its history are alike.
    """
    counters = {query.id for query in pack.queries if query.kind is QueryKind.COUNTER}
    rows = np.array([row for row, key in enumerate(frame.keys) if key.query_id in counters], dtype=np.intp)
    if not rows.size:
        return frame
    values = frame.values.copy()
    for first in range(0, rows.size, _ROWS_AT_ONCE):
        part = rows[first : first + _ROWS_AT_ONCE]
        values[part] = rates(values[part], frame.step_seconds)
    return replace(frame, values=values)


def rates(totals: npt.NDArray[np.float32], step_seconds: int) -> npt.NDArray[np.float32]:
    """Rates per second over the last 5 minutes, or over one step where that is longer.

    Args:
        totals: running totals, (series, points); NaN or infinite where there is no sample.

    Returns:
        The same shape; NaN where one of the ends of a rate's time has no sample, as for all of the first 5 minutes.
        Samples that are missing in between take nothing away but resets that nobody saw. For twice a rate's time from a
        reset on, a rate is at least the lower of the last two that had none so near, where there are any within four
        times that time: so a fall that begins with a reset is seen that much later, and one that began before the
        first sample is not held.
    """
    points = totals.shape[1]
    span = max(1, round(HISTORY_STEP_SECONDS / step_seconds))
    known = np.isfinite(totals)
    filled = np.where(known, totals, 0).astype(np.float64)
    latest = np.maximum.accumulate(np.where(known, np.arange(points), -1), axis=1)
    previous = np.concatenate([np.full((len(totals), 1), -1), latest[:, :-1]], axis=1)
    before = np.take_along_axis(filled, np.maximum(previous, 0), axis=1)
    counts = known & (previous >= 0)
    reset = counts & (filled < before)
    counted = np.cumsum(np.where(counts, np.where(reset, filled, filled - before), 0), axis=1)
    result = np.full(totals.shape, np.nan, dtype=np.float32)
    both = known[:, span:] & known[:, :-span]
    result[:, span:] = np.where(both, (counted[:, span:] - counted[:, :-span]) / (span * step_seconds), np.nan)
    return _held(result, reset, span) if reset.any() else result


def _held(values: npt.NDArray[np.float32], reset: npt.NDArray[np.bool_], span: int) -> npt.NDArray[np.float32]:
    """Rates (series, points) of which those soon after a reset are no lower than before it."""
    places = np.arange(values.shape[1])
    last_reset = np.maximum.accumulate(np.where(reset, places, -_HELD_RATES * span), axis=1)
    held = places - last_reset < _HELD_RATES * span
    sure = np.where(held, np.float32(np.nan), values)
    last_sure = np.maximum.accumulate(np.where(np.isnan(sure), -1, places), axis=1)
    # One high sample before a crash is one sample.
    sure[:, span:] = np.fmin(sure[:, span:], sure[:, :-span])
    before = np.take_along_axis(sure, np.maximum(last_sure, 0), axis=1)
    known = held & (last_sure >= 0) & (places - last_sure <= _OLDEST_RATES * span)
    return np.where(known, np.maximum(values, before), values)
