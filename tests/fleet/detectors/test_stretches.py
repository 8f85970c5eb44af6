"""Stretches of time out of flags and scores."""

import numpy as np

from fleet.detectors.calibration.lasting import lasting_maxima
from fleet.detectors.stretches import joined_runs, lasting, reach, runs_of


def test_runs() -> None:
    flags = np.zeros((3, 10), dtype=bool)
    flags[0, [0, 1, 4, 9]] = True
    flags[2, 3:7] = True
    runs = runs_of(flags)
    assert runs.tolist() == [[0, 0, 1], [0, 4, 4], [0, 9, 9], [2, 3, 6]]
    assert joined_runs(runs, 2).tolist() == [[0, 0, 4], [0, 9, 9], [2, 3, 6]]


def test_reach_walks_over_short_breaks_only() -> None:
    beyond = np.zeros(30, dtype=bool)
    beyond[[2, 8, 9, 10, 13, 14, 20]] = True
    assert reach(beyond, 10, 10, 2) == (8, 14)
    assert reach(beyond, 10, 10, 5) == (2, 20)
    assert reach(np.zeros(5, dtype=bool), 1, 3, 2) == (1, 3)


def test_what_lasts_is_as_high_as_its_lowest_neighbour() -> None:
    scores = np.array([[1, 5, 4, np.nan, 9, 2], [1, 5, 4, np.nan, 9, 2]], dtype=np.float32)
    held = lasting(scores, np.array([1, 2]))
    none = -np.inf
    assert held.tolist() == [[1, 5, 4, none, 9, 2], [1, 4, 4, none, 2, 2]]


def test_the_highest_lasting_score_of_each_day_is_the_highest_at_which_something_lasts() -> None:
    rng = np.random.default_rng(0)
    signed = rng.standard_normal((6, 60)).astype(np.float32)
    signed[rng.random(signed.shape) < 0.1] = np.nan
    weights = rng.uniform(0, 1.25, signed.shape).astype(np.float32)
    shortest = np.array([1, 2, 3] * 2)
    maxima = np.empty((6, 3, 2), dtype=np.float32)
    lasting_maxima(signed, weights, 20, shortest, maxima)
    for place, side in enumerate((1, -1)):
        for day in range(3):
            part = slice(20 * day, 20 * day + 20)
            expected = lasting(side * signed[:, part] * weights[:, part], shortest).max(axis=1)
            np.testing.assert_allclose(maxima[:, day, place], np.maximum(expected, 0))
