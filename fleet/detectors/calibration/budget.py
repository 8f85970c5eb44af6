"""Sensitivity as a chance: an expected number of false findings, shared out evenly over series and days."""

from __future__ import annotations

from fleet.detectors.contract import Sensitivity

SERIES_OF_BUDGET = 5000
"""Series of the cluster whose day a sensitivity's budget is for; a smaller one has its part of it."""
LEAST_SERIES = 500
"""A cluster of fewer series has the part of so many: of the few of one machine, hardly any would ever be found else."""
_MOST = 0.01
"""However few they are, a series has a false finding in a hundred days at most."""

SIDES = (1, -1)
"""Above and below: the sides in the order of the last dimension of daily maxima."""


def chance_of(sensitivity: Sensitivity, series: int) -> float:
    """The expected number of false findings per series and day: the chance at which a series is flagged.

    A window that is shorter than a day is judged by the day's thresholds, and its scores know what the day was before
    it: the days that pass them in any of their 24 hours are those that pass them in the whole.

    Args:
        sensitivity: whose budget it is.
        series: of the cluster.
    """
    of_budget = sensitivity.false_findings_per_day / SERIES_OF_BUDGET
    own = sensitivity.false_findings_per_day * part_of_budget(series) / max(series, 1)
    return min(own, max(_MOST, of_budget))


def part_of_budget(series: int) -> float:
    """The part that a cluster of so many series has of a sensitivity's budget; more than 1 of a large one."""
    return max(series, LEAST_SERIES) / SERIES_OF_BUDGET


def false_findings_per_day(sensitivity: Sensitivity, series: int) -> float:
    """The expected number of false findings on a quiet day of a cluster of so many series."""
    return series * chance_of(sensitivity, series)
