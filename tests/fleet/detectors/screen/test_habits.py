"""States and gaps scored by what was learnt before."""

from __future__ import annotations

from datetime import timedelta

import numpy as np

from fleet.detectors.screen.gap_habits import learn_gaps
from fleet.detectors.screen.staleness import Staleness
from fleet.detectors.screen.state_change import StateChange
from fleet.detectors.screen.state_habits import learn_states
from fleet.frames.frame import Frame
from tests.fleet.detectors.series import NOW, Values, keys_of

POINTS, A_DAY = 4 * 288, 288


def history_of(values: Values) -> Frame:
    return Frame(NOW - timedelta(seconds=300 * values.shape[1]), 300, keys_of("state", len(values)), values)


def day_of(values: Values) -> Frame:
    return Frame(NOW, 300, keys_of("state", len(values)), values)


def test_habits_of_states_tell_levels_and_days_on_which_they_were_left() -> None:
    past = np.ones((4, POINTS), dtype=np.float32)
    past[1, [10, 11, 300, 600]] = 0
    past[2] = np.nan
    past[3, 5:] = np.nan
    past[3, :5] = [2, 2, 3, 2, 3]
    habits = learn_states(history_of(past), A_DAY)
    np.testing.assert_array_equal(habits.usual, [1, 1, np.nan, 2])
    np.testing.assert_array_equal(habits.days, [4, 4, 0, 1])
    np.testing.assert_array_equal(habits.days_off, [[0, 0], [0, 3], [0, 0], [1, 0]])
    np.testing.assert_allclose(habits.rareness[1], -np.log10([1 / (POINTS + 1), 5 / (POINTS + 1)]), rtol=1e-5)
    frame = day_of(np.array([[1, 0, 2], [1, 0, np.nan], [1, 0, 1], [2, 3, 1]], dtype=np.float32))
    scores = StateChange().scores(frame, habits)
    np.testing.assert_array_equal(scores.signs, [[0, -1, 1], [0, -1, 0], [0, 0, 0], [0, 1, -1]])
    assert np.isnan(scores.values[2]).all()
    assert scores.values[0, 1] > scores.values[1, 1] > 2


def test_habits_of_gaps_tell_who_is_usually_there_and_the_longest_gap() -> None:
    past = np.ones((5, POINTS), dtype=np.float32)
    past[1, 100:106] = np.nan
    past[2, ::10] = np.nan
    past[3, -A_DAY:] = np.nan
    past[4, :500] = np.nan
    habits = learn_gaps(history_of(past))
    np.testing.assert_array_equal(habits.there, [True, True, False, False, True])
    np.testing.assert_array_equal(habits.longest_seconds[[0, 1, 4]], [300, 2100, 300])
    frame = day_of(np.ones((5, 12), dtype=np.float32))
    frame.values[:, 2:10] = np.nan
    scores = Staleness().scores(frame, habits).values
    np.testing.assert_allclose(scores[:, 9], [8, 8 * 300 / 2100, 0, 0, 8], rtol=1e-6)
    assert (scores[:, [0, 1, 10, 11]] == 0).all()


def test_scoring_with_what_was_learnt_is_scoring_with_the_history() -> None:
    rng = np.random.default_rng(3)
    values = (rng.random((40, POINTS + A_DAY)) > 0.01).astype(np.float32)
    values[rng.random(values.shape) < 0.01] = np.nan
    frame, history = day_of(np.ascontiguousarray(values[:, POINTS:])), history_of(values[:, :POINTS])
    some = np.array([5, 0, 39])
    part = frame.select(some.tolist())
    of_states = StateChange().scores(part, learn_states(history, A_DAY).select(some))
    np.testing.assert_array_equal(of_states.values, StateChange().score(frame, history).values[some])
    of_gaps = Staleness().scores(part, learn_gaps(history).select(some))
    np.testing.assert_array_equal(of_gaps.values, Staleness().score(frame, history).values[some])
