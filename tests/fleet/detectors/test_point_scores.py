"""One score for every point of a subject."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from fleet.detectors.point_scores import point_scores
from fleet.frames.frame import Frame, SeriesKey
from tests.fleet.detectors.series import NOW, keys_of, quiet, split

PLANTED = slice(1500, 1560)


def one_subject(key: SeriesKey) -> object:
    return "all"


def each_by_itself(key: SeriesKey) -> object:
    return key


@pytest.fixture
def scene() -> tuple[Frame, Frame]:
    return split(quiet(3, seed=3), "gauge")


def test_what_was_planted_comes_first_and_its_neighbourhood_before_the_rest_of_the_day(
    scene: tuple[Frame, Frame],
) -> None:
    frame, history = scene
    frame.values[0, PLANTED] += 40
    scores = point_scores(frame, history, each_by_itself)[frame.keys[0]]
    beside = np.r_[scores[1300:1480], scores[1580:1760]]
    far = np.r_[scores[:700], scores[2300:]]
    assert scores.dtype == np.float32
    assert scores[PLANTED].min() > np.median(beside)
    assert PLANTED.start - 10 <= int(scores.argmax()) < PLANTED.stop + 10
    assert np.median(beside) > np.quantile(far, 0.95)


def test_a_quiet_day_scores_as_the_past_does(scene: tuple[Frame, Frame]) -> None:
    scores = point_scores(*scene, one_subject)["all"]
    assert (scores > 2).mean() < 0.1
    assert scores.max() < 4


def test_subjects_do_not_touch_each_other(scene: tuple[Frame, Frame]) -> None:
    frame, history = scene
    quiet_alone = point_scores(frame.select([1]), history.select([1]), each_by_itself)[frame.keys[1]]
    frame.values[0, PLANTED] += 40
    scores = point_scores(frame, history, each_by_itself)
    assert list(scores) == frame.keys
    np.testing.assert_allclose(scores[frame.keys[1]], quiet_alone, rtol=1e-5)


def test_without_a_history_a_frame_is_judged_by_itself() -> None:
    values = quiet(1, seed=3)[:, ::10]
    values[0, 2000:2006] += 40
    frame = Frame(NOW - timedelta(days=15), 300, keys_of("gauge", 1), np.ascontiguousarray(values))
    assert 1995 <= int(point_scores(frame, None, one_subject)["all"].argmax()) <= 2010


def test_a_gap_is_unknown(scene: tuple[Frame, Frame]) -> None:
    frame, history = scene
    frame.values[:, 600:700] = np.nan
    scores = point_scores(frame, history, one_subject)["all"]
    assert np.isnan(scores[600:700]).all()
    assert np.isfinite(scores[:600]).all()
