from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from fleet.detectors.screen.rise_habits import RiseHabits, learn_rises
from fleet.detectors.screen.saturation import Saturation
from fleet.frames.frame import Frame
from fleet.frames.pack import Direction, QueryKind
from tests.fleet.detectors.series import NOW, Values, keys_of, pack_of, query

PACK = pack_of(
    query("used", QueryKind.RATIO, unit="ratio"),
    query("free", direction=Direction.DOWN, critical=10.0),
    query("unbounded"),
    query("share", QueryKind.RATIO, Direction.NONE),
)
ROWS, A_DAY, DAYS = 200, 288, 14
TIME = np.arange((DAYS + 1) * A_DAY) / A_DAY - DAYS
"""Days since the judged day began."""


def noise(memory: float = 0.9) -> Values:
    rng = np.random.default_rng(2)
    steps = rng.standard_normal((ROWS, TIME.size + 500)) * np.sqrt(1 - memory**2)
    for column in range(1, steps.shape[1]):
        steps[:, column] += memory * steps[:, column - 1]
    return steps[:, 500:]


def phases() -> Values:
    return np.random.default_rng(3).random((ROWS, 1))


def parts(values: Values, query_id: str = "used") -> tuple[Frame, RiseHabits]:
    keys = keys_of(query_id, len(values))
    past, today = (np.ascontiguousarray(part, dtype=np.float32) for part in np.split(values, [DAYS * A_DAY], axis=1))
    history = Frame(NOW - timedelta(days=DAYS), 300, keys, past)
    return Frame(NOW, 300, keys, today), learn_rises(history, PACK)


QUIET = {
    "level": lambda: 0.5 + 0.05 * noise(),
    "near full": lambda: 0.9 + 0.02 * noise(),
    "season": lambda: 0.5 + 0.2 * np.sin(2 * np.pi * (TIME + phases())) + 0.02 * noise(),
    "season and drift": lambda: 0.6 + 0.15 * np.sin(2 * np.pi * (TIME + phases())) + 0.005 * TIME + 0.02 * noise(),
    "log rotated daily": lambda: 0.2 + 0.7 * np.mod(TIME + phases(), 1) + 0.01 * noise(),
    "log rotated in 30 hours": lambda: 0.2 + 0.7 * np.mod(TIME / 1.25 + phases(), 1) + 0.01 * noise(),
    "log rotated weekly": lambda: 0.2 + 0.7 * np.mod(TIME / 7 + phases(), 1) + 0.01 * noise(),
    "garbage collected": lambda: 0.2 + 0.7 * np.mod(TIME * 36 + phases(), 1) + 0.01 * noise(),
    "one step": lambda: 0.5 + 0.3 * (TIME + 0 * phases() > 0.4) + 0.02 * noise(),
}


@pytest.mark.parametrize("kind", QUIET)
def test_what_goes_up_and_comes_down_again_does_not_fill_up(kind: str) -> None:
    frame, habits = parts(QUIET[kind]())
    assert np.nanmax(Saturation(PACK).scores(frame, habits).values, axis=1).max() < 1


def test_a_new_leak_is_full_when_it_is_said_to_be() -> None:
    frame, habits = parts(0.4 + 0.6 * np.maximum(TIME - 0.25, 0) + 0.005 * noise())
    scores = Saturation(PACK).scores(frame, habits)
    assert (np.nanmax(scores.values[:, :60], axis=1) == 0).all()
    assert (scores.values[:, -1] > 4).all()
    assert (scores.signs[:, -1] == 1).all()
    full = Saturation(PACK).time_to_full(frame, habits)
    true = (1 - (0.4 + 0.45)) / 0.6 * 86_400
    assert (full.low <= full.middle).all()
    assert (full.middle <= full.high).all()
    assert abs(np.median(full.middle) / true - 1) < 0.15
    assert ((full.low < true) & (true < full.high)).mean() > 0.7


def test_a_steady_leak_is_told_though_it_is_no_faster_than_ever() -> None:
    frame, habits = parts(0.93 + 0.03 * (TIME - 1) + 0.03 * np.sin(2 * np.pi * (TIME + 0.4)) + 0.003 * noise())
    assert (np.nanmax(Saturation(PACK).scores(frame, habits).values, axis=1) >= 1).mean() > 0.9
    slow, slow_habits = parts(0.6 + 0.005 * (TIME - 1) + 0.003 * noise())
    assert np.nanmax(Saturation(PACK).scores(slow, slow_habits).values) < 1


def test_what_runs_out_is_full_below() -> None:
    frame, habits = parts(100 - 120 * np.maximum(TIME - 0.3, 0) + noise(), "free")
    scores = Saturation(PACK).scores(frame, habits)
    assert (scores.values[:, -1] > 4).all()
    assert (scores.signs[:, -1] == -1).all()


def test_without_a_bound_or_a_past_nothing_is_known() -> None:
    rising = 0.4 + 0.5 * np.maximum(TIME - 0.25, 0) + 0.01 * noise()
    for query_id in ("unbounded", "share"):
        frame, habits = parts(rising, query_id)
        assert np.isnan(Saturation(PACK).scores(frame, habits).values).all()
    new = rising.copy()
    new[:, : (DAYS - 2) * A_DAY] = np.nan
    frame, habits = parts(new)
    assert np.isnan(Saturation(PACK).scores(frame, habits).values).all()
    assert np.isnan(Saturation(PACK).time_to_full(frame, habits).middle).all()
    assert np.isnan(Saturation(PACK).score(frame, None).values).all()


def test_an_hour_after_the_past_goes_on_where_it_ended() -> None:
    """The last day of the past is kept apart: a leak that began in it is seen in an hour; days later it is a gap."""
    values = (0.4 + 0.005 * noise() + 0.6 * np.maximum(TIME - 0.25, 0)).astype(np.float32)
    keys, ends = keys_of("used", ROWS), DAYS * A_DAY + 192
    history = Frame(NOW - timedelta(days=DAYS), 300, keys, np.ascontiguousarray(values[:, :ends]))
    habits = learn_rises(history, PACK)
    hour = Frame(history.window.end, 300, keys, np.ascontiguousarray(values[:, ends : ends + 12]))
    assert (Saturation(PACK).scores(hour, habits).values[:, -1] > 4).all()
    later = Frame(hour.start + timedelta(days=3), 300, keys, hour.values)
    assert (Saturation(PACK).scores(later, habits).values[:, -1] == 0).all()
