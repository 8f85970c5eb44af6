"""Compiled loops over the days of a past: medians by slot of the day, of all days and of all days but one.

All arrays are of shape (rows, days, slots) or (rows, slots), float32, NaN for gaps. What is judged by a profile is
compared with days that the profile did not see; to compare like with like, each day of the past needs a profile of its
own, learnt from the other days. A median without one of its values follows from the values next to the
middle, so that the profiles of all days cost little more than one.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fleet.detectors.compiled import compiled
from fleet.detectors.contract import FloatArray

_NAN = np.float32(np.nan)
_INFINITY = np.float32(np.inf)
_HALF = np.float32(0.5)
_LANES = 16
"""Sums that run side by side, so that adding up does not wait for itself."""
Doubles = npt.NDArray[np.float64]


@compiled
def slot_medians(values: FloatArray, medians: FloatArray, others: FloatArray) -> None:
    """Medians over the days of each slot, and for each day those of the other days.

    Args:
        values: (rows, days, slots).
        medians: written, (rows, slots); NaN where no day has a value.
        others: written, (rows, days, slots); may be ``values`` itself. Where a day has a gap: the median of all.
    """
    rows, days, slots = values.shape
    ordered = np.empty((days, slots), dtype=np.float32)
    middles = np.empty((3, slots), dtype=np.float32)
    for row in range(rows):
        _copy_for_sorting(values[row], ordered)
        _sort_days(ordered)
        _middles(ordered, medians[row], middles)
        for day in range(days):
            _chosen(values[row, day], medians[row], middles[0], middles[1], middles[2], others[row, day])


@compiled
def count_known(values: FloatArray, by_slot: FloatArray, by_day: FloatArray) -> None:
    """Write how many values of each slot, (rows, slots), and of each day, (rows, days), are known."""
    rows, days, slots = values.shape
    for row in range(rows):
        of_slots = by_slot[row]
        of_slots[:] = 0
        for day in range(days):
            own, known = values[row, day], 0
            for slot in range(slots):
                known += 1 if own[slot] == own[slot] else 0
            for slot in range(slots):
                of_slots[slot] += np.float32(1) if own[slot] == own[slot] else np.float32(0)
            by_day[row, day] = known


@compiled
def add_up_days(values: FloatArray, totals: Doubles, counts: Doubles) -> None:
    """Write the sum of what is known of each day, and how many values that is: (rows, days)."""
    rows, days, slots = values.shape
    total, count = np.empty(_LANES, dtype=np.float64), np.empty(_LANES, dtype=np.float64)
    for row in range(rows):
        for day in range(days):
            total[:] = 0
            count[:] = 0
            for first in range(0, slots, _LANES):
                own = values[row, day, first : min(first + _LANES, slots)]
                for lane in range(own.size):
                    total[lane] += own[lane] if own[lane] == own[lane] else np.float32(0)
                    count[lane] += 1.0 if own[lane] == own[lane] else 0.0
            totals[row, day], counts[row, day] = total.sum(), count.sum()


@compiled
def smooth_slots(values: FloatArray, weights: FloatArray) -> None:
    """Circular weighted means over neighbouring slots, in place, gaps left out; NaN where all neighbours are gaps.

    Args:
        values: (rows, slots).
        weights: 5, 15, 25, … of them.
    """
    rows, slots = values.shape
    width = weights.size
    known = np.empty(slots + width - 1, dtype=np.float32)
    filled = np.empty(slots + width - 1, dtype=np.float32)
    total = np.empty(slots, dtype=np.float32)
    share = np.empty(slots, dtype=np.float32)
    for row in range(rows):
        gaps = _fill_around(values[row], width // 2, filled, known)
        _weighted_sums(filled, weights, total)
        share[:] = weights.sum()
        if gaps:
            _weighted_sums(known, weights, share)
        for slot in range(slots):
            values[row, slot] = total[slot] / share[slot] if share[slot] > 0 else _NAN


@compiled
def _weighted_sums(values: FloatArray, weights: FloatArray, sums: FloatArray) -> None:
    """Sums over the weights' width, five of them at a time, so that a sum is seldom put down."""
    sums[:] = 0
    for first in range(0, weights.size, 5):
        here, weight = values[first:], weights[first : first + 5]
        one, two, three, four, five = weight[0], weight[1], weight[2], weight[3], weight[4]
        second, third, fourth, fifth = here[1:], here[2:], here[3:], here[4:]
        for slot in range(sums.size):
            total = sums[slot] + one * here[slot] + two * second[slot] + three * third[slot]
            sums[slot] = total + four * fourth[slot] + five * fifth[slot]


@compiled
def shrink_slots(values: FloatArray, told: FloatArray) -> None:
    """Each row times how much of it is told from noise, in place; gaps become 0: nothing is known to differ there."""
    rows, slots = values.shape
    for row in range(rows):
        for slot in range(slots):
            value = values[row, slot]
            values[row, slot] = value * told[row] if value == value else 0


@compiled
def centred_variance(values: FloatArray, centre: FloatArray, variance: FloatArray) -> None:
    """Take each row's centre away from it, in place, and write the variance of what is known of it."""
    rows, slots = values.shape
    total, squares, count = np.empty(_LANES), np.empty(_LANES), np.empty(_LANES)
    for row in range(rows):
        total[:] = 0
        squares[:] = 0
        count[:] = 0
        for first in range(0, slots, _LANES):
            own = values[row, first : min(first + _LANES, slots)]
            for lane in range(own.size):
                value = own[lane] - centre[row]
                own[lane] = value
                known = value == value
                total[lane] += value if known else np.float32(0)
                squares[lane] += value * value if known else np.float32(0)
                count[lane] += 1.0 if known else 0.0
        seen = max(count.sum(), 1.0)
        variance[row] = max(squares.sum() / seen - (total.sum() / seen) ** 2, 0.0)


@compiled
def blend_spreads(local: FloatArray, scale: float, pooled: FloatArray, floor: FloatArray, weight: float) -> None:
    """Slots' own spreads, in place, shrunk to those of their rows and never below their rows' floors.

    Args:
        local: (rows, slots); a gap becomes the row's spread.
        scale: what ``local`` is multiplied with.
        pooled: spreads of the rows, (rows,); ``floor`` likewise.
        weight: of the slots' own spreads.
    """
    rows, slots = local.shape
    factor, part, rest = np.float32(scale), np.float32(weight), np.float32(1 - weight)
    for row in range(rows):
        common, least = pooled[row], floor[row]
        for slot in range(slots):
            own = local[row, slot] * factor
            own = own if own == own else common
            local[row, slot] = max(np.sqrt(part * own * own + rest * common * common), least)


@compiled
def standardise(
    residual: FloatArray, spread: FloatArray, stray: FloatArray, scale: FloatArray, deviations: FloatArray
) -> None:
    """Residuals in units of a spread that has the course of each row's own, and a size that is given.

    Args:
        residual: (rows, slots).
        spread: of the same shape, a part of the rows' own spreads; ``stray``, (rows,): the other, independent part.
        scale: the size, (rows,): quadratic means over the slots.
    """
    rows, slots = residual.shape
    for row in range(rows):
        common = stray[row] * stray[row]
        total = np.float32(0)
        for slot in range(slots):
            variance = spread[row, slot] * spread[row, slot] + common
            deviations[row, slot] = residual[row, slot] / np.sqrt(variance)
            total += spread[row, slot] * spread[row, slot]
        factor = np.sqrt(total / np.float32(slots)) / scale[row]
        for slot in range(slots):
            deviations[row, slot] *= factor


@compiled
def _fill_around(values: FloatArray, half: int, filled: FloatArray, known: FloatArray) -> int:
    """A row with its ends continued by its other ends, 0 in gaps, and 1 where it is known; how many gaps it has."""
    slots, gaps = values.size, 0
    for slot in range(slots):
        gaps += 0 if values[slot] == values[slot] else 1
    for slot in range(slots):
        value = values[slot]
        filled[half + slot] = value if value == value else 0
        known[half + slot] = 1 if value == value else 0
    for place in range(half):
        before, after = half + (place - half) % slots, half + place % slots
        filled[place], known[place] = filled[before], known[before]
        filled[half + slots + place], known[half + slots + place] = filled[after], known[after]
    return gaps


@compiled
def _copy_for_sorting(values: FloatArray, ordered: FloatArray) -> None:
    days, slots = values.shape
    for day in range(days):
        for slot in range(slots):
            value = values[day, slot]
            ordered[day, slot] = value if value == value else _INFINITY


@compiled
def _sort_days(ordered: FloatArray) -> None:
    """Sort the days of each slot by exchanges between neighbours, the same for all slots: loops without a branch."""
    days, slots = ordered.shape
    for turn in range(days):
        for day in range(turn % 2, days - 1, 2):
            smaller, larger = ordered[day], ordered[day + 1]
            for slot in range(slots):
                one, other = smaller[slot], larger[slot]
                smaller[slot] = one if one < other else other
                larger[slot] = other if one < other else one


@compiled
def _middles(ordered: FloatArray, median: FloatArray, middles: FloatArray) -> None:
    """The median of each slot's values, and what it is without a value that lies below it, on it, or above it."""
    days, slots = ordered.shape
    for slot in range(slots):
        count = 0
        while count < days and ordered[count, slot] < _INFINITY:
            count += 1
        half = count // 2
        if count == 0:
            median[slot] = middles[0, slot] = middles[1, slot] = middles[2, slot] = _NAN
        elif count == 1:
            median[slot] = ordered[0, slot]
            middles[0, slot] = middles[1, slot] = middles[2, slot] = _NAN
        elif count % 2 == 0:
            low, high = ordered[half - 1, slot], ordered[half, slot]
            median[slot] = middles[1, slot] = _HALF * (low + high)
            middles[0, slot], middles[2, slot] = high, low
        else:
            low, middle, high = ordered[half - 1, slot], ordered[half, slot], ordered[half + 1, slot]
            median[slot] = middle
            middles[0, slot] = _HALF * (middle + high)
            middles[1, slot] = _HALF * (low + high)
            middles[2, slot] = _HALF * (low + middle)


@compiled
def _chosen(
    values: FloatArray, median: FloatArray, below: FloatArray, on: FloatArray, above: FloatArray, others: FloatArray
) -> None:
    """The medians without a day's values; everything is read before anything is chosen, so that it runs in vectors."""
    for slot in range(values.size):
        value, middle, low, same, high = values[slot], median[slot], below[slot], on[slot], above[slot]
        without = low if value < middle else same
        without = high if value > middle else without
        others[slot] = without if value == value else middle
