"""Frames on a history's grid."""

from datetime import UTC, datetime, timedelta

import numpy as np

from fleet.detectors.profile.grid import before, decimated, preceded
from fleet.frames.frame import Frame
from tests.fleet.detectors.series import keys_of

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def counting(start: datetime, step_seconds: int, points: int = 40) -> Frame:
    return Frame(start, step_seconds, keys_of("gauge", 2), np.tile(np.arange(points, dtype=np.float32), (2, 1)))


def test_the_samples_are_those_at_multiples_of_the_step() -> None:
    grid = decimated(counting(NOON + timedelta(seconds=90), 30), 300)
    assert grid.start == NOON + timedelta(seconds=300)
    assert grid.step_seconds == 300
    assert grid.values[0].tolist() == [7, 17, 27, 37]
    assert grid.values.flags.c_contiguous


def test_a_grid_that_never_meets_the_steps_gives_the_samples_after_them() -> None:
    assert decimated(counting(NOON + timedelta(seconds=10), 30), 300).start == NOON + timedelta(seconds=310)


def test_a_step_as_long_is_left_as_it_is() -> None:
    frame = counting(NOON, 300)
    assert decimated(frame, 300) is frame


def test_a_history_is_cut_at_the_frame_and_brought_into_its_order() -> None:
    frame = counting(NOON, 30)
    history = counting(NOON - timedelta(hours=1), 300, points=20)
    history.values[1] += 100
    assert before(frame, history).values.base is not None
    other = Frame(NOON, 30, [frame.keys[1], *keys_of("new", 1)], frame.values)
    ordered = before(other, history).values
    assert ordered[0].tolist() == [100.0 + column for column in range(12)]
    assert np.isnan(ordered[1]).all()


def test_a_frame_is_preceded_by_the_samples_of_a_history() -> None:
    frame, history = counting(NOON, 30), counting(NOON - timedelta(hours=1), 300, points=20)
    other = Frame(NOON, 30, [frame.keys[1], *keys_of("new", 1)], frame.values)
    whole = preceded(other, history, NOON - timedelta(minutes=10))
    assert (whole.start, whole.points) == (NOON - timedelta(minutes=10), 60)
    assert np.flatnonzero(np.isfinite(whole.values[0, :20])).tolist() == [0, 10]
    assert whole.values[0, [0, 10]].tolist() == [10, 11]
    assert np.isnan(whole.values[1, :20]).all()
    assert (whole.values[:, 20:] == other.values).all()


def test_what_no_history_can_precede_is_left_as_it_is() -> None:
    frame, history = counting(NOON, 30), counting(NOON - timedelta(hours=1), 300)
    ten = NOON - timedelta(minutes=10)
    assert preceded(frame, None, ten) is frame
    assert preceded(frame, history, NOON) is frame
    assert preceded(counting(NOON + timedelta(hours=9), 30), history, NOON + timedelta(hours=8)).points == 40
    between = Frame(history.start + timedelta(seconds=10), 300, history.keys, history.values)
    assert preceded(frame, between, ten) is frame
