"""The promise of a sensitivity, on few quiet days; ``benchmarks.quiet`` has them all."""

import pytest
from scipy.stats import poisson

from benchmarks.quiet.counting import counts_of, findings_of_day
from benchmarks.quiet.kinds import KINDS
from fleet.detectors.calibration.budget import chance_of, false_findings_per_day
from fleet.detectors.contract import Sensitivity

SERIES = 800
DAYS = 2


@pytest.fixture(scope="module")
def found() -> dict[str, int]:
    """Series with a finding at EXTREME, by kind of quiet data."""
    found = {}
    for kind in KINDS:
        if kind.name in {"Student's t, 3", "AR(1) 0.99 at 30 s", "counts in crowds over hours", "a fifth missing"}:
            days = [findings_of_day(kind, 3, day, [Sensitivity.EXTREME], SERIES) for day in range(DAYS)]
            (count,) = counts_of(kind, days, SERIES)
            found[kind.name] = count.found
    return found


def test_a_budget_is_neither_exceeded_nor_left(found: dict[str, int]) -> None:
    expected = len(found) * DAYS * SERIES / 5000 * Sensitivity.EXTREME.false_findings_per_day
    low, high = poisson.interval(0.9999, expected)
    assert low <= sum(found.values()) <= high


def test_no_kind_of_quiet_data_breaks_the_promise(found: dict[str, int]) -> None:
    expected = DAYS * SERIES / 5000 * Sensitivity.EXTREME.false_findings_per_day
    assert max(found.values()) <= poisson.interval(0.9999, expected)[1]


def test_small_clusters_have_the_budget_of_500_series_and_no_series_more_than_one_finding_in_100_days() -> None:
    assert chance_of(Sensitivity.HIGH, 50_000) == chance_of(Sensitivity.HIGH, 5000) == 2 / 5000
    assert false_findings_per_day(Sensitivity.HIGH, 1000) == pytest.approx(0.4)
    assert false_findings_per_day(Sensitivity.HIGH, 500) == pytest.approx(0.2)
    assert false_findings_per_day(Sensitivity.HIGH, 40) == pytest.approx(0.2)
    assert chance_of(Sensitivity.EXTREME, 40) == 0.01
    assert false_findings_per_day(Sensitivity.HIGH, 0) == 0
