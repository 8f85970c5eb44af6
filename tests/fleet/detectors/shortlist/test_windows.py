"""Windows of deviations, and what points get from them."""

from __future__ import annotations

from datetime import timedelta

import numpy as np

from fleet.detectors.shortlist.windows import WINDOW_POINTS, Deviations, beyond_usual, point_scores, windows_of
from fleet.frames.frame import Frame
from tests.fleet.detectors.series import NOW, keys_of, quiet, split


def test_small_gaps_are_drawn_straight_and_large_ones_seen() -> None:
    line = np.arange(40, dtype=np.float32)
    line[[5, 6]] = np.nan
    line[20:26] = np.nan
    windows, seen = windows_of(line)
    np.testing.assert_allclose(windows[0], np.arange(12))
    assert seen[0]
    assert not seen[18]
    assert windows_of(np.full(30, np.nan, dtype=np.float32))[1].sum() == 0
    assert windows_of(line[:5])[0].shape == (0, WINDOW_POINTS)


def test_a_points_score_is_the_mean_of_the_windows_that_hold_it() -> None:
    of_windows = np.zeros(20)
    of_windows[8] = 12.0
    of_windows[:3] = np.nan
    points = point_scores(of_windows)
    assert points.size == 20 + WINDOW_POINTS - 1
    np.testing.assert_allclose(points[14:20], 1.0)
    np.testing.assert_allclose(points[20:], 0.0)
    assert np.isnan(points[:3]).all()


def test_a_score_of_one_is_that_of_the_strangest_hundredth() -> None:
    usual = np.arange(101.0)
    scores = np.array([50.0, 99.0, 0.0, np.nan, 148.0])
    np.testing.assert_allclose(beyond_usual(scores, usual, 1.0), [0, 1, 0, np.nan, 2])
    np.testing.assert_allclose(beyond_usual(np.array([8.0]), np.full(9, 7.0), 0.5), [2.0])


def test_an_hours_frame_is_judged_with_the_past_before_it() -> None:
    frame, history = split(quiet(2), "gauge")
    hour = Frame(frame.start, 30, frame.keys, np.ascontiguousarray(frame.values[:, :120]))
    deviations = Deviations.of(hour, history)
    assert deviations.judged.shape == (2, WINDOW_POINTS - 1 + 12)
    np.testing.assert_array_equal(deviations.judged[:, :11], deviations.past[:, -11:])


def test_columns_take_the_score_of_the_last_sample_on_the_historys_grid() -> None:
    values = np.ones((1, 2880), dtype=np.float32)
    frame = Frame(NOW + timedelta(seconds=90), 30, keys_of("gauge", 1), values)
    deviations = Deviations.of(frame, None)
    assert deviations.grid.time_at(0) == NOW + timedelta(seconds=300)
    scores = deviations.scores(np.arange(288.0)[None, :]).values[0]
    assert (scores[:7] == 0).all()
    assert (scores[7:17] == 0).all()
    assert (scores[17:27] == 1).all()
