"""Detectors that look at the shortlist of a scan."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec

import numpy as np
import pytest

from fleet.detectors.calibration import second_look
from fleet.detectors.calibration.second_look import SecondLook
from fleet.detectors.contract import Anomaly, Sensitivity
from fleet.detectors.learnt import Learnt, learn
from fleet.detectors.scan import detect
from fleet.detectors.second_looks import DEFAULT_LOOKS, looks_named, second_looks
from fleet.detectors.shortlist.joint_deviation import JointDeviation
from fleet.detectors.shortlist.subspace import SubspaceWindows
from fleet.errors import UsageError
from fleet.frames.frame import Frame, SeriesKey
from tests.fleet.detectors.series import GAUGES, points, split, wandering

OF_SUBJECT, SUBJECTS = 5, 40
STRUCK = slice(0, 25)


def subject_of(key: SeriesKey) -> int:
    return int(dict(key.labels)["instance"].removeprefix("node-")) // OF_SUBJECT


class Past:
    """A history that notes which rows of it are read."""

    def __init__(self, history: Frame) -> None:
        self.history = history
        self.read: list[int] = []

    def __call__(self, keys: Sequence[SeriesKey]) -> Frame | None:
        self.read.append(len(keys))
        rows = {key: row for row, key in enumerate(self.history.keys)}
        return self.history.select([rows[key] for key in keys])


@pytest.fixture(scope="module")
def quiet_days() -> tuple[Frame, Frame, Learnt]:
    rng = np.random.default_rng(6)
    frame, history = split(10 + wandering(rng, OF_SUBJECT * SUBJECTS, points(), 0.9), "both")
    learnt = learn(history, GAUGES)
    assert learnt is not None
    return frame, history, learnt


def struck(frame: Frame) -> Frame:
    """Five subjects of which all series swing a little more, for half a day."""
    values = frame.values.copy()
    values[STRUCK, 700:2140] += 2 * np.sin(2 * np.pi * np.arange(1440) / 120).astype(np.float32)
    return Frame(frame.start, 30, frame.keys, values)


def joint(past: Past) -> SecondLook:
    return SecondLook(JointDeviation(subject_of), past, GAUGES, subject_of)


def subjects(anomalies: list[Anomaly]) -> set[int]:
    return {anomaly.row // OF_SUBJECT for anomaly in anomalies}


def test_subjects_whose_series_are_struck_together_are_found(quiet_days: tuple[Frame, Frame, Learnt]) -> None:
    frame, history, learnt = quiet_days
    past = Past(history)
    alone = subjects(detect(struck(frame), learnt, GAUGES, Sensitivity.HIGH))
    anomalies = detect(struck(frame), learnt, GAUGES, Sensitivity.HIGH, [joint(past)])
    assert alone < subjects(anomalies) <= set(range(5))
    assert len(subjects(anomalies)) >= 4
    looked = [anomaly for anomaly in anomalies if "joint-deviation" in anomaly.detectors]
    assert all(each.p_value is not None and each.p_value < 1e-3 for each in looked)
    assert past.read == [100]
    assert repr(detect(struck(frame), learnt, GAUGES, Sensitivity.HIGH, [joint(past)])) == repr(anomalies)


def test_quiet_days_have_no_more_findings_and_the_past_is_read_for_a_shortlist_alone(
    quiet_days: tuple[Frame, Frame, Learnt],
) -> None:
    frame, history, learnt = quiet_days
    past = Past(history)
    for sensitivity in Sensitivity:
        looked = detect(frame, learnt, GAUGES, sensitivity, [joint(past)])
        assert not [anomaly for anomaly in looked if "joint-deviation" in anomaly.detectors]
    assert len(past.read) <= 2
    level = Frame(frame.start, 30, frame.keys, np.full_like(frame.values, 10))
    past.read.clear()
    assert detect(level, learnt, GAUGES, Sensitivity.EXTREME, [joint(past)]) == []
    assert past.read == []


def test_a_subject_with_very_many_series_is_looked_at_in_parts(
    quiet_days: tuple[Frame, Frame, Learnt], monkeypatch: pytest.MonkeyPatch
) -> None:
    frame, history, learnt = quiet_days
    monkeypatch.setattr(second_look, "_MOST_ROWS", 60)
    monkeypatch.setattr(second_look, "_LEAST_ROWS", 20)
    past = Past(history)
    look = SecondLook(JointDeviation(lambda _: "all"), past, GAUGES, lambda _: "all")
    assert subjects(detect(struck(frame), learnt, GAUGES, Sensitivity.HIGH, [look]))
    assert past.read == [60]


def test_without_a_past_to_read_the_screen_judges_alone(quiet_days: tuple[Frame, Frame, Learnt]) -> None:
    frame, _, learnt = quiet_days
    jumped = Frame(frame.start, 30, frame.keys, frame.values.copy())
    jumped.values[3, 1500:1800] += 10
    for detector in (JointDeviation(subject_of), SubspaceWindows()):
        anomalies = detect(jumped, learnt, GAUGES, Sensitivity.LOW, [SecondLook(detector, lambda _: None, GAUGES)])
        assert {anomaly.row for anomaly in anomalies} == {3}
        assert not any(detector.name in anomaly.detectors for anomaly in anomalies)


def test_a_detector_of_single_series_looks_at_what_is_listed(quiet_days: tuple[Frame, Frame, Learnt]) -> None:
    frame, history, learnt = quiet_days
    jumped = Frame(frame.start, 30, frame.keys, frame.values.copy())
    jumped.values[3, 1500:1620] += 10
    look = SecondLook(SubspaceWindows(), Past(history), GAUGES)
    anomalies = detect(jumped, learnt, GAUGES, Sensitivity.EXTREME, [look])
    assert {anomaly.row for anomaly in anomalies if "subspace" in anomaly.detectors} == {3}


def test_names_of_the_setting() -> None:
    assert looks_named("", GAUGES) == list(DEFAULT_LOOKS)
    assert looks_named("none", GAUGES) == []
    names = looks_named(" ecod, joint-deviation,ecod", GAUGES)
    assert names == ["ecod", "joint-deviation"]
    looks = second_looks(names, GAUGES, lambda _: None)
    assert {look.detector.name: look.subject_of is not None for look in looks} == {
        "ecod": False,
        "joint-deviation": True,
    }
    with pytest.raises(UsageError, match="no detector 'prophet'") as raised:
        looks_named("prophet", GAUGES)
    assert "prophet-forecast" in raised.value.hint


@pytest.mark.parametrize(
    ("name", "package", "command"),
    [("prophet-forecast", "prophet", "make extras-forecast"), ("lstm-autoencoder", "torch", "make extras-deep")],
)
def test_an_absent_package_is_told_before_anything_is_scanned(name: str, package: str, command: str) -> None:
    if find_spec(package):
        pytest.skip(f"{package} is installed")
    with pytest.raises(UsageError, match=name) as raised:
        looks_named(name, GAUGES)
    assert command in raised.value.hint
