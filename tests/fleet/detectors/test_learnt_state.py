"""What was learnt judges alike after it was stored, and tells how well it was learnt."""

from __future__ import annotations

import json
from datetime import timedelta
from hashlib import sha256

import numpy as np
import pytest

from fleet.detectors.calibration.budget import chance_of
from fleet.detectors.catalogue import screens
from fleet.detectors.contract import Sensitivity
from fleet.detectors.learning_quality import quality_of
from fleet.detectors.learnt import Learnt, learn, learn_in_parts
from fleet.detectors.learnt_state import learnt_of, state_of
from fleet.detectors.scan import detect
from fleet.detectors.state_parquet import decode_state, encode_state
from fleet.detectors.trained_state import LEARNING_VERSION
from fleet.frames.frame import Frame
from tests.fleet.detectors.series import GAUGES, joined, quiet, split


@pytest.fixture(scope="module")
def frames() -> tuple[Frame, Frame]:
    counts = np.round(np.abs(quiet(10, 1, 2.0) - 2))
    parts = [split(quiet(20, 0), "gauge"), split(counts, "count"), split(np.ones_like(counts), "state")]
    parts.append(split(quiet(3, 2) / 50, "ratio"))
    frame, history = joined(*(part[0] for part in parts)), joined(*(part[1] for part in parts))
    frame.values[3, 1000:1200] *= 2
    frame.values[25, 500:900] += 30
    frame.values[35, 500:900] = 0
    frame.values[2, 2000:2400] = np.nan
    frame.values[40, 1000:] += np.linspace(0, 0.5, 1880, dtype=np.float32)
    return frame, history


def known(history: Frame) -> Learnt:
    learnt = learn(history, GAUGES)
    assert learnt is not None
    return learnt


def test_what_is_read_back_judges_as_what_was_learnt(frames: tuple[Frame, Frame]) -> None:
    frame, history = frames
    learnt = known(history)
    data = encode_state(state_of(learnt))
    back = learnt_of(decode_state(data))
    assert encode_state(state_of(back)) == data
    for sensitivity in (Sensitivity.MEDIUM, Sensitivity.EXTREME):
        found = detect(frame, learnt, GAUGES, sensitivity)
        assert {anomaly.row for anomaly in found} >= {2, 3, 25, 35, 40}
        assert {anomaly.row for anomaly in found if anomaly.seconds_to_full} == {40}
        # NaN of gaps is not equal to itself.
        assert repr(detect(frame, back, GAUGES, sensitivity)) == repr(found)


def test_series_that_come_some_at_a_time_are_learnt_as_all_at_once(frames: tuple[Frame, Frame]) -> None:
    _, history = frames
    # The counts are in two parts, and one part is empty.
    parts = [history.select(list(range(*some))) for some in ((0, 7), (7, 7), (7, 25), (25, len(history.keys)))]
    learnt = learn_in_parts(parts, GAUGES)
    assert learnt is not None
    assert encode_state(state_of(learnt)) == encode_state(state_of(known(history)))
    assert learn_in_parts(parts[1:2], GAUGES) is None


def test_a_past_too_short_for_chances_is_kept_without_them(frames: tuple[Frame, Frame]) -> None:
    frame, history = frames
    hours = Frame(frame.start - timedelta(hours=20), 300, history.keys, history.values[:, -240:].copy())
    learnt = known(hours)
    assert (learnt.gauges, learnt.counts) == (None, None)
    back = learnt_of(decode_state(encode_state(state_of(learnt))))
    assert (back.gauges, back.counts) == (None, None)
    assert repr(detect(frame, back, GAUGES, Sensitivity.HIGH)) == repr(detect(frame, learnt, GAUGES, Sensitivity.HIGH))


def form_of(value: object) -> object:
    """Names and types of JSON, without its figures."""
    if isinstance(value, dict):
        return {name: form_of(each) for name, each in sorted(value.items())}
    return [form_of(value[-1])] if isinstance(value, list) and value else type(value).__name__


def test_another_form_is_another_version(frames: tuple[Frame, Frame]) -> None:
    """A stored state names screens by their place. Read by other code it would tell something else.

    Where this fails, what is learnt changed: raise ``LEARNING_VERSION``, and write the new form beside it.
    """
    state = state_of(known(frames[1]))
    columns = {name: [str(column.dtype), *column.shape[1:]] for name, column in state.columns.items()}
    form = [sorted(columns.items()), form_of(state.facts), [screen.name for screen in screens()]]
    assert (LEARNING_VERSION, sha256(json.dumps(form).encode()).hexdigest()[:16]) == (5, "925db2c43f2714b1")


def test_quality_is_told_by_query(frames: tuple[Frame, Frame]) -> None:
    _, history = frames
    history = Frame(history.start, 300, history.keys, history.values.copy())
    history.values[:5, :-100] = np.nan
    gauge, count, state, _ = quality_of(known(history))
    assert [each.query_id for each in (gauge, count, state)] == ["gauge", "count", "state"]
    assert (gauge.series, gauge.known_share, gauge.days) == (20, 0.75, 14)
    assert gauge.seasonal_share is not None
    assert gauge.seasonal_share > 0.5
    assert gauge.exceedances_expected == pytest.approx(15 * 7 * chance_of(Sensitivity.HIGH, len(history.keys)))
    assert gauge.exceedances is not None
    assert gauge.exceedances <= 1
    assert gauge.tail_shape is not None
    assert state.tail_shape is None
