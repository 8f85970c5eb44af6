"""Anomalies of the shortlist: strange by their shape, within the range of their usual values."""

import numpy as np
import pytest

from fleet.detectors.contract import Detector
from fleet.detectors.shortlist.ecod import Ecod
from fleet.detectors.shortlist.isolation_forest import IsolationForest
from fleet.detectors.shortlist.matrix_profile import MatrixProfile
from fleet.detectors.shortlist.one_class_svm import OneClassSvm
from tests.fleet.detectors.series import quiet, split

DETECTORS = (Ecod(), IsolationForest(), MatrixProfile(), OneClassSvm())


@pytest.mark.parametrize("detector", DETECTORS, ids=lambda detector: detector.name)
def test_a_usual_range_passed_through_twenty_times_as_fast_is_strange(detector: Detector) -> None:
    frame, history = split(quiet(2, seed=8), "gauge")
    columns = np.arange(1200, 1800)
    frame.values[0, columns] += np.where(columns // 10 % 2, 0.9, -0.9)
    scores = detector.score(frame, history).values
    assert np.nanmedian(scores[0, 1300:1700]) > 1.1 * np.nanmax(scores[1])


def test_what_happened_before_is_usual_to_the_matrix_profile() -> None:
    frame, history = split(quiet(1, seed=8), "gauge")
    burst = 3 * np.sin(np.arange(30) / 3)
    frame.values[0, 1500:1800] += np.repeat(burst, 10)
    new = np.nanmax(MatrixProfile().score(frame, history).values)
    history.values[0, 2000:2030] += burst
    known = np.nanmax(MatrixProfile().score(frame, history).values)
    assert known < 0.5 * new


def test_without_a_history_the_matrix_profile_finds_the_loneliest_hour_of_the_frame() -> None:
    frame, _ = split(quiet(1, seed=8), "gauge")
    frame.values[0, 1500:1620] += 6
    scores = MatrixProfile().score(frame, None).values[0]
    assert 1500 <= np.nanargmax(scores) < 1620
