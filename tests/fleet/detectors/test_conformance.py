"""What every detector of the catalogue keeps to."""

from functools import cache

import numpy as np
import pytest

from fleet.detectors.catalogue import catalogue, screens
from fleet.detectors.contract import Detector
from fleet.frames.frame import Frame
from fleet.frames.pack import QueryKind
from tests.fleet.detectors.series import DAY_POINTS, GAUGES, Values, pack_of, points, query, quiet, split

PACK = pack_of(query("gauge", warning=25.0, critical=40.0), query("count", QueryKind.COUNT))
DETECTORS = catalogue(PACK)
every_detector = pytest.mark.parametrize("detector", DETECTORS, ids=lambda detector: detector.name)
PLANTED = slice(1500, 1800)
BRIEF = {"hampel": slice(1500, 1540), "step-change": slice(1500, 1620)}
"""Where something shorter is planted for detectors that are for it."""
VISIBLE = {
    "hampel": slice(1505, 1535),
    "step-change": slice(1570, 1620),
    "trend-change": slice(1770, 1800),
}
"""Columns that a detector has to see; the others see the middle of what is planted."""


Scene = tuple[Frame, Frame]


@cache
def scene_of(name: str) -> Scene:
    """Twelve series of the kind that a detector is for, quiet in the past.

    In the frame row 0 jumps up, row 1 down, and row 2 vanishes; row 3 is constant, row 4 has holes throughout.
    For the variance they jump up and down every five minutes instead.
    """
    rng = np.random.default_rng(1)
    planted = BRIEF.get(name, PLANTED)
    jump: float | Values = 40.0
    if name == "state-change":
        values, jump = np.ones((12, points()), dtype=np.float32), 1.0
    elif name == "count-tail":
        values = np.repeat(rng.poisson(0.005, (12, points() // 20)), 20, axis=1).astype(np.float32)
        jump = 6.0
    elif name == "variance-change":
        values, jump = quiet(12, seed=3), np.where(np.arange(300) // 10 % 2, np.float32(40), np.float32(0))
    else:
        values = quiet(12, seed=3)
    values[3] = 7.0
    values[4, rng.random(values.shape[1]) < 0.2] = np.nan
    frame, history = split(values, "count" if name == "count-tail" else "gauge")
    frame.values[0, planted] += jump
    frame.values[1, planted] -= jump
    frame.values[2, PLANTED] = np.nan
    frame.values.flags.writeable = history.values.flags.writeable = False
    return frame, history


@pytest.fixture
def scene(detector: Detector) -> Scene:
    return scene_of(detector.name)


@every_detector
def test_scores_have_the_frames_shape_and_the_contracts_types(detector: Detector, scene: Scene) -> None:
    frame, history = scene
    for past in (history, None):
        scores = detector.score(frame, past)
        assert scores.values.shape == scores.signs.shape == frame.values.shape
        assert scores.values.dtype == np.float32
        assert scores.signs.dtype == np.int8
        assert not np.isinf(scores.values).any()
        assert np.nanmin(scores.values) >= 0
        assert set(np.unique(scores.signs)) <= {-1, 0, 1}


@every_detector
def test_higher_is_more_anomalous(detector: Detector, scene: Scene) -> None:
    scores = detector.score(*scene).values
    worst = {"staleness": 2}.get(detector.name, 0)
    middle = VISIBLE.get(detector.name, slice(1650, 1780))
    assert np.nanmedian(scores[worst, middle]) > 3 * np.nanmedian(scores[5:, middle]) + 0.5
    if detector.name != "staleness":
        assert (detector.score(*scene).signs[0, middle] == 1).all()


@pytest.mark.parametrize("detector", screens(), ids=lambda detector: detector.name)
def test_signs_tell_the_side(detector: Detector, scene: Scene) -> None:
    scores = detector.score(*scene)
    side = 1 if detector.name == "variance-change" else -1
    assert (scores.signs[1, VISIBLE.get(detector.name, slice(1650, 1780))] == side).all()
    assert scores.baseline is not None
    assert np.nanmax(np.abs(scores.baseline.middle[5] - scene[0].values[5])) < 5


@every_detector
def test_a_gap_is_not_scored_as_a_value(detector: Detector, scene: Scene) -> None:
    frame, history = scene
    scores = detector.score(frame, history)
    gap = scores.values[2, PLANTED]
    if detector.name == "staleness":
        assert gap[-1] == gap.max() > 10
        assert (scores.values[5] == 0).all()
    elif detector.name not in {"level-shift", "step-change", "trend-change", "variance-change"}:
        assert np.isnan(gap).all()
    else:
        assert np.isnan(gap[-60:]).all()


@every_detector
def test_missing_samples_here_and_there_take_nothing_away(detector: Detector, scene: Scene) -> None:
    scores = detector.score(*scene).values
    known = np.isfinite(scores[4]) if detector.name != "staleness" else np.ones(DAY_POINTS, dtype=bool)
    assert known.mean() > 0.75
    assert np.nanmax(scores[4]) <= max(2 * np.nanmax(scores[5:]), 1)


@every_detector
def test_a_constant_series_is_no_anomaly_and_its_jump_is_finite(detector: Detector, scene: Scene) -> None:
    frame, history = scene
    assert np.nanmax(detector.score(frame, history).values[3]) < 1
    jumped = Frame(frame.start, 30, frame.keys, frame.values.copy())
    jumped.values[3, PLANTED] = 7.5
    assert not np.isinf(detector.score(jumped, history).values[3]).any()


@every_detector
def test_scoring_is_pure_and_repeats_itself(detector: Detector, scene: Scene) -> None:
    frame, history = scene
    assert not frame.values.flags.writeable
    assert not history.values.flags.writeable
    first, second = detector.score(frame, history), detector.score(frame, history)
    np.testing.assert_array_equal(first.values, second.values)
    np.testing.assert_array_equal(first.signs, second.signs)


@pytest.mark.parametrize(
    "detector", [each for each in DETECTORS if each.name != "count-tail"], ids=lambda each: each.name
)
def test_one_series_alone_scores_as_in_the_batch(detector: Detector, scene: Scene) -> None:
    """Counts are left out: their rates lean on like series, by design."""
    frame, history = scene
    batch = detector.score(frame, history)
    for row in (0, 3, 4):
        alone = detector.score(frame.select([row]), history.select([row]))
        np.testing.assert_allclose(alone.values[0], batch.values[row], rtol=1e-5)
        np.testing.assert_array_equal(alone.signs[0], batch.signs[row])


@every_detector
def test_rows_of_the_history_may_come_in_any_order_and_more_of_them(detector: Detector, scene: Scene) -> None:
    frame, history = scene
    shuffled = history.select([7, 2, 0, 11, 1])
    scores = detector.score(frame.select([0, 1, 2]), shuffled)
    ordered = detector.score(frame.select([0, 1, 2]), history.select([0, 1, 2, 7, 11]))
    np.testing.assert_allclose(scores.values, ordered.values, rtol=1e-5)


@pytest.mark.parametrize("detector", screens(), ids=lambda detector: detector.name)
@pytest.mark.parametrize(("scale", "shift"), [(1000.0, 0.0), (0.001, 0.0), (1.0, 5.0)])
def test_units_do_not_matter(detector: Detector, scene: Scene, scale: float, shift: float) -> None:
    frame, history = scene
    rows = [0, 1, 5, 6]

    def changed(one: Frame) -> Frame:
        part = one.select(rows)
        return Frame(part.start, part.step_seconds, part.keys, (part.values * scale + shift).astype(np.float32))

    plain = detector.score(frame.select(rows), history.select(rows)).values
    other = detector.score(changed(frame), changed(history)).values
    np.testing.assert_allclose(other, plain, rtol=0.02, atol=0.02)


@every_detector
def test_infinite_values_are_gaps(detector: Detector, scene: Scene) -> None:
    frame, history = scene
    rows = [5, 6]
    infinite, missing = frame.select(rows), frame.select(rows)
    infinite.values[0, 100:110] = np.inf
    missing.values[0, 100:110] = np.nan
    scores, expected = (detector.score(part, history.select(rows)) for part in (infinite, missing))
    np.testing.assert_array_equal(scores.values, expected.values)


@every_detector
def test_a_series_without_a_past_is_unknown_or_unremarkable(detector: Detector, scene: Scene) -> None:
    frame, history = scene
    scores = detector.score(frame.select([5]), history.select([6])).values
    if detector.name in {"threshold", "count-tail"}:
        return
    assert np.isnan(scores).all() or np.nanmax(scores) == 0


@every_detector
def test_every_detector_says_what_it_assumes_and_where_it_fails(detector: Detector) -> None:
    text = type(detector).__doc__ or ""
    for word in ("Assumption:", "Fails:", "Cost:", "Source:"):
        assert word in text


def test_the_shares_of_the_budget_sum_to_one() -> None:
    assert sum(screen.share for screen in screens()) == pytest.approx(1)
    assert len({detector.name for detector in catalogue(GAUGES)}) == len(catalogue(GAUGES))
