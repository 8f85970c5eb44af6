"""Sensitivity as a chance: an expected number of false findings, shared out evenly over series and days."""

from __future__ import annotations

from fleet.detectors.contract import Sensitivity

SERIES_OF_BUDGET = 5000
"""Series of the cluster whose day a sensitivity's budget is for; a smaller one has its part of it."""

SIDES = (1, -1)
"""Above and below: the sides in the order of the last dimension of daily maxima."""


def chance_of(sensitivity: Sensitivity) -> float:
    """The expected number of false findings per series and day: the chance at which a series is flagged.

    A window that is shorter than a day is judged by the day's thresholds, and its scores know what the day was before
    it: the days that pass them in any of their 24 hours are those that pass them in the whole.
    """
    return sensitivity.false_findings_per_day / SERIES_OF_BUDGET
