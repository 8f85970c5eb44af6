from __future__ import annotations

from datetime import UTC, datetime

import numpy as np

from fleet.frames.counters import rates, with_rates
from fleet.frames.frame import Frame, SeriesKey
from fleet.frames.pack import QueryKind
from tests.fleet.detectors.series import Values, pack_of, query

PACK = pack_of(query("bytes", QueryKind.COUNTER), query("gauge"))
NAN = np.nan


def totals(*values: float) -> Values:
    return np.array([values], dtype=np.float32)


def test_a_total_becomes_its_rate_per_second() -> None:
    np.testing.assert_array_equal(rates(totals(100, 400, 400, 1000), 300), totals(NAN, 1, 0, 2))


def test_what_stands_after_a_reset_was_counted_from_zero() -> None:
    np.testing.assert_array_equal(rates(totals(900, 60, 360, 660), 300), totals(NAN, 0.2, 1, 1))
    np.testing.assert_array_equal(rates(totals(900, 1200, 900, 960), 300), totals(NAN, 1, 3, 1))


def test_soon_after_a_reset_a_rate_counts_as_no_lower_than_before() -> None:
    np.testing.assert_array_equal(rates(totals(0, 300, 60, 90, 390), 300), totals(NAN, 1, 1, 1, 1))
    np.testing.assert_array_equal(rates(totals(0, 300, 60, NAN, 90, 390), 300), totals(NAN, 1, 1, NAN, NAN, 1))


def test_a_counter_that_stands_still_after_its_reset_does_so_ten_minutes_later() -> None:
    np.testing.assert_array_equal(rates(totals(0, 300, 0, 0, 0, 0), 300), totals(NAN, 1, 1, 1, 0, 0))
    fine = np.concatenate([np.arange(30) * 30, np.zeros(40)]).astype(np.float32)[None, :]
    result = rates(fine, 30)[0]
    np.testing.assert_array_equal(result[10:50], 1)
    np.testing.assert_array_equal(result[50:], 0)


def test_resets_that_do_not_end_are_judged_by_what_is_counted_between_them() -> None:
    rising = totals(0, 300, 200, 100, 60, 30, 900, 800, 700)
    np.testing.assert_array_equal(rates(rising, 300), np.float32(totals(NAN, 1, 1, 1, 1, 1, 2.9, 8 / 3, 7 / 3)))
    falling = totals(0, 300, *range(200, 190, -1))
    found = rates(falling, 300)[0]
    np.testing.assert_array_equal(found[1:6], 1)
    np.testing.assert_allclose(found[6:], falling[0, 6:] / 300)


def test_one_high_sample_before_a_reset_stays_one() -> None:
    np.testing.assert_array_equal(rates(totals(0, 300, 3300, 60, 90, 390), 300), totals(NAN, 1, 10, 1, 1, 1))


def test_what_was_before_a_long_gap_holds_nothing() -> None:
    gone = totals(0, 300, NAN, NAN, NAN, NAN, NAN, 90, 120)
    np.testing.assert_allclose(rates(gone, 300)[0, -1], 0.1)


def test_a_rate_is_unknown_next_to_a_gap() -> None:
    np.testing.assert_array_equal(rates(totals(0, 300, NAN, 900, 1200), 300), totals(NAN, 1, NAN, NAN, 1))
    np.testing.assert_array_equal(rates(totals(NAN, 300, np.inf, 0), 300), totals(NAN, NAN, NAN, NAN))


def test_on_a_finer_grid_rates_are_those_of_five_minutes() -> None:
    fine = (np.arange(60) * 30 * 2.0).astype(np.float32)[None, :]
    fine[:, 33:] -= fine[:, 32]
    fine[:, 45] = np.nan
    result = rates(fine, 30)
    assert np.isnan(result[0, [*range(10), 45, 55]]).all()
    known = np.setdiff1d(np.arange(10, 60), [45, 55])
    np.testing.assert_allclose(result[0, known], 2.0)
    coarse = rates(np.ascontiguousarray(fine[:, ::10]), 300)
    np.testing.assert_allclose(coarse[0, 1:], 2.0)


def test_large_totals_lose_digits_and_stay_no_resets() -> None:
    """Near 10¹² a float32 moves in steps of 65,536: the rate is off by up to a step, and never counts from zero."""
    exact = 1e12 + 1e6 * 300 * np.arange(100)
    result = rates(exact.astype(np.float32)[None, :], 300)[0, 1:]
    assert np.abs(result - 1e6).max() <= 65_536 / 300 + 1


def test_only_counters_of_a_frame_are_turned_into_rates() -> None:
    keys = [SeriesKey.of("gauge", {}), SeriesKey.of("bytes", {"node": "a"})]
    values = np.array([[1, 2, 3], [0, 300, 900]], dtype=np.float32)
    frame = Frame(datetime(2026, 1, 1, tzinfo=UTC), 300, keys, values)
    judged = with_rates(frame, PACK)
    np.testing.assert_array_equal(judged.values, [[1, 2, 3], [NAN, 1, 2]])
    np.testing.assert_array_equal(values, [[1, 2, 3], [0, 300, 900]])
    gauges = frame.select([0])
    assert with_rates(gauges, PACK) is gauges
