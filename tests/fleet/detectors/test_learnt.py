"""What was learnt stands by itself."""

from datetime import timedelta

import numpy as np
import pytest

from fleet.detectors.contract import Sensitivity
from fleet.detectors.learnt import Learnt, learn, learn_from_itself
from fleet.detectors.learnt_state import learnt_of, state_of
from fleet.detectors.scan import detect
from fleet.frames.frame import Frame, SeriesKey
from tests.fleet.detectors.series import GAUGES, joined, keys_of, quiet, split


@pytest.fixture(scope="module")
def scene() -> tuple[Frame, Frame]:
    """Gauges, counts and states; some of each have something planted."""
    gauges, counts, states = quiet(24), np.zeros((24, 15 * 2880), dtype=np.float32), np.ones((6, 15 * 2880))
    counts[:, ::400] = 1
    parts = [
        split(values.astype(np.float32), query_id)
        for values, query_id in ((gauges, "gauge"), (counts, "count"), (states, "state"))
    ]
    frame, history = joined(*(part[0] for part in parts)), joined(*(part[1] for part in parts))
    frame.values[0, 1500:1800] += 12
    frame.values[30, 1500:1800] += 40
    frame.values[50, 1500:1800] = 0
    return frame, history


@pytest.fixture(scope="module")
def learnt(scene: tuple[Frame, Frame]) -> Learnt:
    result = learn(scene[1], GAUGES)
    assert result is not None
    return result


def test_what_was_stored_judges_as_before(scene: tuple[Frame, Frame], learnt: Learnt) -> None:
    frame, _ = scene
    anomalies = detect(frame, learnt, GAUGES, Sensitivity.HIGH)
    assert [anomaly.row for anomaly in anomalies] == [0, 30, 50]
    restored = learnt_of(state_of(learnt))
    assert detect(frame, restored, GAUGES, Sensitivity.HIGH) == anomalies
    assert restored.gauges is not None
    assert restored.seasons == ["time of day"]


def test_series_are_judged_the_same_in_any_order_and_new_ones_not_at_all(
    scene: tuple[Frame, Frame], learnt: Learnt
) -> None:
    frame, _ = scene
    order = [50, 3, 30, 0]
    part = frame.select(order)
    new = Frame(part.start, 30, [*part.keys, *keys_of("both", 1)], np.vstack([part.values, part.values[-1:]]))
    found = {anomaly.row: anomaly.score for anomaly in detect(new, learnt, GAUGES, Sensitivity.HIGH)}
    whole = {anomaly.row: anomaly.score for anomaly in detect(frame, learnt, GAUGES, Sensitivity.HIGH)}
    assert {order[row]: score for row, score in found.items()} == whole


def test_new_states_have_no_habits_of_others(scene: tuple[Frame, Frame]) -> None:
    """A restless state among many that are new does not make all of them restless."""
    frame, history = (each.select(list(range(48, 54))) for each in scene)
    history.values[0, ::50] = 0
    keys = [*frame.keys, *(SeriesKey.of("state", {"instance": f"new-{number}"}) for number in range(30))]
    grown = Frame(frame.start, 30, keys, np.vstack([frame.values, np.ones((30, frame.points), dtype=np.float32)]))
    learnt = learn(history, GAUGES)
    assert learnt is not None
    habits = learnt.aligned(keys).states
    assert (habits.days[6:] == 0).all()
    assert (habits.days_off[6:] == 0).all()
    assert np.isnan(habits.usual[6:]).all()
    np.testing.assert_array_equal(habits.days_off[:6], learnt.states.days_off)
    assert detect(grown, learnt, GAUGES, Sensitivity.HIGH) == detect(frame, learnt, GAUGES, Sensitivity.HIGH)


def test_nothing_is_learnt_from_what_is_judged(scene: tuple[Frame, Frame], learnt: Learnt) -> None:
    _, history = scene
    longer = Frame(history.start, 300, history.keys, np.pad(history.values, ((0, 0), (0, 100)), constant_values=99))
    again = learn(longer, GAUGES, history.window.end)
    assert again is not None
    np.testing.assert_array_equal(again.profile.level, learnt.profile.level)
    assert again.gauges is not None
    assert learnt.gauges is not None
    np.testing.assert_array_equal(again.gauges.unit, learnt.gauges.unit)


def test_without_a_past_there_are_no_chances(scene: tuple[Frame, Frame]) -> None:
    frame, history = scene
    assert learn(None, GAUGES) is None
    assert learn(history, GAUGES, history.start - timedelta(days=1)) is None
    itself = learn_from_itself(frame)
    assert (itself.gauges, itself.counts) == (None, None)
    short = learn(history, GAUGES, history.start + timedelta(days=1))
    assert short is not None
    assert (short.gauges, short.counts) == (None, None)
