"""Compiled loops over the days of a past: the level that would have been foretold for each of them.

A level is the median of the last week's day medians, or, for a series that drifts, of those of the last 3 days:
whichever would have foretold the series' other days better.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fleet.detectors.compiled import compiled
from fleet.detectors.contract import FloatArray

_RECENT, _WEEK = 3, 7
_LEAST_ERRORS = 3
"""Days that were foretold, without which a drift is not told from noise."""
_RECENT_ADVANTAGE = np.float32(0.7)
"""The level of the last days is taken where its errors are at most this share of those of the last week's."""
_MAD_TO_SIGMA = np.float32(1.4826)
_HALF_MEAN_TO_SIGMA = np.float32(0.5 * 1.2533)
_NAN = np.float32(np.nan)


@compiled
def foretell(by_day: FloatArray, levels: FloatArray, foretold: npt.NDArray[np.bool_], strays: FloatArray) -> None:
    """Levels of the days of a past and of the day after it.

    The first days, before which not so many others came, have the median of the other first days instead; nothing
    foretold the first three.

    Args:
        by_day: medians of days, (rows, days), NaN for a day that was not seen.
        levels: written, (rows, days + 1); NaN where no day was seen.
        foretold: written, (rows, days): whether at least 3 days of the week before were seen.
        strays: written, (rows, days + 1): how far day medians usually lie from their levels (as a standard deviation),
            by the days that neither are the one in question nor lean on it; of the last days, and of the day after the
            past, as many of the oldest are left out.
    """
    rows, days = by_day.shape
    errors, scratch = np.empty((3, days), dtype=np.float32), np.empty(days, dtype=np.float32)
    recent, week = np.empty(days + 1, dtype=np.float32), np.empty(days + 1, dtype=np.float32)
    for row in range(rows):
        own = by_day[row]
        for day in range(days + 1):
            recent[day] = _median_before(own, day, _RECENT, scratch)
            week[day] = _median_before(own, day, _WEEK, scratch)
        for day in range(days):
            foretold[row, day] = _seen_before(own, day) >= _RECENT
            errors[0, day] = abs(recent[day] - own[day]) if foretold[row, day] else _NAN
            errors[1, day] = abs(week[day] - own[day]) if foretold[row, day] else _NAN
        for day in range(days + 1):
            drifts = _drifts(errors[0], errors[1], day, scratch)
            levels[row, day] = _first_known(recent[day] if drifts else _NAN, week[day], own, day, scratch)
        for day in range(days):
            errors[2, day] = abs(levels[row, day] - own[day])
        for day in range(days + 1):
            strays[row, day] = _stray(errors[2], day, scratch)


@compiled
def _median_before(own: FloatArray, day: int, memory: int, scratch: FloatArray) -> np.float32:
    if day >= memory:
        return _median(own, day - memory, day, day, day, scratch)
    return _median(own, 0, min(memory + 1, own.size), day, day + 1, scratch)


@compiled
def _seen_before(own: FloatArray, day: int) -> int:
    """How many days of the week before a day were seen."""
    seen = 0
    for other in range(max(0, day - _WEEK), day):
        seen += 1 if own[other] == own[other] else 0
    return seen


@compiled
def _drifts(recent: FloatArray, week: FloatArray, day: int, scratch: FloatArray) -> bool:
    """Whether the last days foretell better than the last week, as those days tell that do not lean on this one."""
    known = 0
    for other in range(recent.size):
        known += 1 if recent[other] == recent[other] else 0
    if known < _LEAST_ERRORS:
        return False
    begin, first, last = _telling(recent, day)
    ours = _median(recent, begin, recent.size, first, last, scratch)
    theirs = _median(week, begin, week.size, first, last, scratch)
    return bool(ours < _RECENT_ADVANTAGE * theirs)


@compiled
def _first_known(recent: np.float32, week: np.float32, own: FloatArray, day: int, scratch: FloatArray) -> np.float32:
    """The level, or the best there is in place of it."""
    if recent == recent:
        return recent
    if week == week:
        return week
    others = _median(own, 0, own.size, day, day + 1, scratch)
    return others if others == others or day == own.size else own[day]


@compiled
def _telling(errors: FloatArray, day: int) -> tuple[int, int, int]:
    """Which days' errors say something of a day: those from the first number on, but for those between the others.

    A day's own error does not, and neither do those of days whose levels lean much on it. Of days that have fewer such
    days after them the oldest are left out in their place: each is told by as many.
    """
    if 0 < day <= _WEEK:
        return 0, 0, _WEEK + 1
    return _after_oldest(errors, max(0, day + 1 + _RECENT - errors.size)), day, day + 1 + _RECENT


@compiled
def _after_oldest(errors: FloatArray, count: int) -> int:
    """The day after so many known errors; the first where none is to be left out."""
    for day in range(errors.size):
        if count <= 0:
            return day
        count -= 1 if errors[day] == errors[day] else 0
    return errors.size


@compiled
def _stray(errors: FloatArray, day: int, scratch: FloatArray) -> np.float32:
    begin, first, last = _telling(errors, day)
    if _known(errors, begin, first, last) < _LEAST_ERRORS:
        begin, first, last = (0, day, day + 1) if day < errors.size else (_after_oldest(errors, 1), day, day)
    count = _known(errors, begin, first, last)
    if count == 0:
        return np.float32(0)
    total = np.float32(0)
    for other in range(begin, errors.size):
        if errors[other] == errors[other] and not first <= other < last:
            total += errors[other]
    least: np.float32 = _HALF_MEAN_TO_SIGMA * total / np.float32(count)
    by_median: np.float32 = _MAD_TO_SIGMA * _median(errors, begin, errors.size, first, last, scratch)
    return by_median if by_median > least else least


@compiled
def _known(errors: FloatArray, begin: int, first: int, last: int) -> int:
    """How many errors are known from ``begin`` on, less those from ``first`` to ``last``."""
    known = 0
    for day in range(begin, errors.size):
        known += 1 if errors[day] == errors[day] and not first <= day < last else 0
    return known


@compiled
def _median(values: FloatArray, first: int, last: int, skipped: int, resumed: int, scratch: FloatArray) -> np.float32:
    """The median of the known values from ``first`` to before ``last``, less those from ``skipped`` to ``resumed``."""
    count = 0
    for place in range(first, last):
        value = values[place]
        if value == value and not skipped <= place < resumed:
            at = count
            while at > 0 and scratch[at - 1] > value:
                scratch[at] = scratch[at - 1]
                at -= 1
            scratch[at] = value
            count += 1
    if count == 0:
        return _NAN
    middle: np.float32 = np.float32(0.5) * (scratch[(count - 1) // 2] + scratch[count // 2])
    return middle
