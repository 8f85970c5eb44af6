"""What is learnt from a history, of all days and of all days but one."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from fleet.detectors.profile.blocks import median_without_each
from fleet.detectors.profile.seasonal import Season, SeasonalProfile, fit_profile
from fleet.frames.frame import Frame
from tests.fleet.detectors.series import Values, keys_of

SLOTS = 288
END = datetime(2026, 3, 2, tzinfo=UTC)


def judged_and_history(values: Values) -> tuple[Frame, Frame]:
    """The last day of values at 5 minutes, and the days before it."""
    past = values.shape[1] - SLOTS
    keys = keys_of("gauge", values.shape[0])
    history = Frame(END - timedelta(seconds=300 * past), 300, keys, np.ascontiguousarray(values[:, :past]))
    return Frame(END, 300, keys, np.ascontiguousarray(values[:, past:])), history


def weekly(rows: int, days: int, seed: int = 0) -> Values:
    """Half as much on two days of seven, the judged one among them."""
    rng = np.random.default_rng(seed)
    times = np.arange((days + 1) * SLOTS) / SLOTS
    weekend = (times - days) % 7 < 2
    values = (10 + 3 * np.sin(2 * np.pi * times)) * (1 - 0.5 * weekend)
    return np.asarray(values + 0.5 * rng.standard_normal((rows, times.size)), dtype=np.float32)


def daily(rows: int, days: int) -> Values:
    """The same course on each day."""
    times = np.arange((days + 1) * SLOTS) / SLOTS
    noise = np.random.default_rng(3).standard_normal((rows, times.size))
    return np.asarray(10 + 3 * np.sin(2 * np.pi * times) + 0.5 * noise, dtype=np.float32)


def test_medians_without_each_value_are_those_of_the_others() -> None:
    from fleet.detectors.profile.day_loops import slot_medians

    rng = np.random.default_rng(2)
    values = np.round(rng.standard_normal((5, 13, 40)) * 3).astype(np.float32)
    values[rng.random(values.shape) < 0.3] = np.nan
    values[0, 1:, 0] = np.nan
    medians, others = np.empty((5, 40), dtype=np.float32), np.empty_like(values)
    slot_medians(values, medians, others)
    plain, without_each = median_without_each(values.transpose(0, 2, 1))
    np.testing.assert_array_equal(medians, plain)
    np.testing.assert_array_equal(others, without_each.transpose(0, 2, 1))
    for day in range(13):
        seen = np.isfinite(values[1, day])
        expected = np.nanmedian(np.delete(values[1], day, axis=0), axis=0)
        np.testing.assert_allclose(others[1, day][seen], expected[seen])


def test_a_day_is_not_judged_by_itself() -> None:
    """Whatever happens on one day of the past, the others are what it is measured by."""
    frame, history = judged_and_history(daily(6, 14))
    hours = slice(9 * SLOTS, 9 * SLOTS + 72)

    def beside_another_day(factor: float) -> Values:
        values = history.values.copy()
        values[:, hours] *= factor
        past = fit_profile(frame, Frame(history.start, 300, history.keys, values)).standardised_past()
        return np.asarray(past[:, 9, :72] / np.median(np.abs(past[:, 12]), axis=1, keepdims=True))

    strange, stranger, strangest = (beside_another_day(factor) for factor in (3, 5, 7))
    np.testing.assert_allclose(strangest - strange, 2 * (stranger - strange), rtol=0.02)
    assert (np.median(strange, axis=1) > 10).all()


def test_all_days_are_measured_by_one_size() -> None:
    """A wild day widens the spread of all others: beside them it would seem wilder than it is."""
    frame, history = judged_and_history(daily(6, 14))
    wild = history.values.copy()
    wild[:, 9 * SLOTS : 10 * SLOTS] += 30 * np.random.default_rng(5).standard_normal((6, SLOTS), dtype=np.float32)
    past = fit_profile(frame, Frame(history.start, 300, history.keys, wild)).standardised_past()
    strays = np.abs(past).mean(axis=2)
    np.testing.assert_allclose(strays[:, 9] / strays[:, 10:13].mean(axis=1), 60, rtol=0.15)


def test_weekdays_are_learnt_from_three_weeks_on() -> None:
    for days, seasons in ((2, ()), (14, (Season.TIME_OF_DAY,)), (28, (Season.TIME_OF_DAY, Season.WEEKDAY))):
        frame, history = judged_and_history(weekly(8, days))
        profile = fit_profile(frame, history)
        assert profile.seasons == seasons
        error = np.abs(profile.expected(frame) - (weekly(200, days)[:, -SLOTS:].mean(axis=0))).mean()
        assert error < 0.4 if Season.WEEKDAY in seasons else error > 1


def test_weekdays_that_are_alike_are_not_told_apart() -> None:
    values = np.random.default_rng(4).standard_normal((30, 29 * SLOTS)).astype(np.float32)
    profile = fit_profile(*judged_and_history(values))
    assert profile.seasons == (Season.TIME_OF_DAY, Season.WEEKDAY)
    assert np.std(profile.season, axis=1).mean() < 0.08


def test_what_was_learnt_stands_without_its_past_and_in_another_order() -> None:
    frame, history = judged_and_history(weekly(5, 14))
    learnt = fit_profile(frame, history)
    stored = SeasonalProfile.of_columns(learnt.columns, learnt.end, learnt.slot_seconds)
    np.testing.assert_array_equal(stored.standardised(frame), learnt.standardised(frame))
    with pytest.raises(ValueError, match="past"):
        stored.standardised_past()
    aligned = stored.aligned(np.array([3, -1, 0]))
    other = Frame(frame.start, 300, keys_of("other", 3), frame.values[[3, 1, 0]])
    deviations = aligned.standardised(other)
    np.testing.assert_array_equal(deviations[[0, 2]], learnt.standardised(frame)[[3, 0]])
    assert np.isnan(deviations[1]).all()
    assert aligned.known.tolist() == [True, False, True]


def test_a_frame_may_be_judged_in_pieces() -> None:
    frame, history = judged_and_history(weekly(150, 14))
    frame.values[3, 7] = np.inf
    profile = fit_profile(frame, history)
    highest = np.empty(150, dtype=np.float32)

    def keep_highest(rows: slice, deviations: Values) -> None:
        highest[rows] = np.nanmax(deviations, axis=1)

    profile.judge_in_pieces(frame, keep_highest)
    np.testing.assert_array_equal(highest, np.nanmax(profile.standardised(frame), axis=1))


def test_rows_are_learnt_each_for_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """On one processor or many, alone or among others."""
    frame, history = judged_and_history(weekly(150, 14))
    together = fit_profile(frame, history)
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0})
    by_one = fit_profile(frame, history)
    alone = fit_profile(frame.select([140]), history)
    for name, column in together.columns.items():
        np.testing.assert_array_equal(column, by_one.columns[name])
        np.testing.assert_array_equal(column[[140]], alone.columns[name])
