"""What is held to be usual."""

from datetime import timedelta

import numpy as np

from fleet.detectors.profile.blocks import median_last, to_blocks
from fleet.detectors.profile.seasonal import baseline_of, fit_profile
from fleet.frames.frame import Frame
from tests.fleet.detectors.series import DAY_POINTS, NOW, daily, keys_of, points, quiet, split, wandering


def test_the_band_holds_about_99_of_100_quiet_samples() -> None:
    frame, history = split(quiet(40), "gauge")
    band = baseline_of(frame, history)
    inside = (frame.values >= band.low) & (frame.values <= band.high)
    assert 0.97 < inside.mean() < 0.999
    assert (band.low <= band.middle).all()
    assert (band.middle <= band.high).all()
    assert band.low.shape == frame.values.shape
    assert band.low.dtype == np.float32


def test_the_time_of_day_is_learnt_from_three_days_on() -> None:
    values = quiet(10)
    frame, history = split(values, "gauge")
    season = daily(DAY_POINTS, 2.0)
    long = np.abs(baseline_of(frame, history).middle - (10 + season)).mean()
    _, short = split(values, "gauge", days=2)
    level = baseline_of(frame, short).middle
    assert long < 0.3
    assert np.ptp(level, axis=1).max() == 0


def test_noise_is_not_taken_for_a_season() -> None:
    rng = np.random.default_rng(1)
    frame, history = split((5 + wandering(rng, 30, points(), 0.95)).astype(np.float32), "gauge")
    assert np.std(fit_profile(frame, history).season, axis=1).mean() < 0.15


def test_outliers_of_the_past_hardly_move_it() -> None:
    frame, history = split(quiet(10), "gauge")
    dirty = history.values.copy()
    dirty[:, 1000:1060] += 500
    clean, moved = baseline_of(frame, history), baseline_of(frame, Frame(history.start, 300, history.keys, dirty))
    assert np.abs(clean.middle - moved.middle).max() < 0.5


def test_what_never_was_negative_is_not_expected_to_be() -> None:
    rng = np.random.default_rng(2)
    values = np.abs(wandering(rng, 10, points(), 0.9)).astype(np.float32) * 0.01
    frame, history = split(values, "gauge")
    assert baseline_of(frame, history).low.min() >= 0


def test_a_series_without_a_past_has_no_baseline() -> None:
    frame, history = split(quiet(4), "gauge")
    band = baseline_of(frame, history.select([0, 1, 2]))
    assert np.isnan(band.middle[3]).all()
    assert np.isfinite(band.middle[:3]).all()


def test_nothing_is_judged_by_itself() -> None:
    """A history that reaches into the frame is cut at the frame's start."""
    frame, history = split(quiet(4), "gauge")
    both = np.concatenate([history.values, np.full((4, 288), 1000, dtype=np.float32)], axis=1)
    band = baseline_of(frame, Frame(history.start, 300, history.keys, both))
    np.testing.assert_array_equal(band.middle, baseline_of(frame, history).middle)


def test_blocks_are_medians_and_need_half_of_their_samples() -> None:
    values = np.arange(25, dtype=np.float32)[None, :].copy()
    values[0, 10:16] = np.nan
    values[0, 3] = np.inf
    blocks = to_blocks(Frame(NOW, 30, keys_of("gauge", 1), values), 300)
    assert blocks.step_seconds == 300
    np.testing.assert_allclose(blocks.values[0], [5.0, np.nan, 22.0])


def test_medians_without_gaps_are_numpys() -> None:
    values = np.random.default_rng(3).random((20, 31)).astype(np.float32)
    values[values < 0.3] = np.nan
    np.testing.assert_allclose(median_last(values), np.nanmedian(values, axis=1), rtol=1e-6)
    assert np.isnan(median_last(np.full((1, 3), np.nan, dtype=np.float32))).all()


def test_a_frame_on_a_coarse_step_and_odd_times_is_judged_too() -> None:
    frame, history = split(quiet(4), "gauge")
    coarse = Frame(frame.start + timedelta(minutes=7), 600, frame.keys, np.ascontiguousarray(frame.values[:, ::20]))
    assert np.abs(baseline_of(coarse, history).middle - coarse.values).mean() < 0.8
