"""What every detector of the catalogue keeps to. A new one takes a line in ``cases.py``."""

import tracemalloc

import numpy as np
import pytest

from fleet.detectors.catalogue import catalogue, screens
from fleet.frames.frame import Frame
from tests.fleet.detectors.cases import (
    AFTER,
    CASES,
    CONSTANT,
    DOWN,
    HOLES,
    NEARLY_CONSTANT,
    PACK,
    PLANTED,
    QUIET,
    UP,
    VANISHES,
    Case,
    Planted,
    each_case,
    scene_of,
    scored,
)
from tests.fleet.detectors.series import keys_of
from tests.fleet.detectors.table import DOCUMENT, document_table, table

IN_TIME = slice(PLANTED.start, PLANTED.stop + AFTER)


def scene(case: Case) -> tuple[Frame, Frame]:
    return scene_of(case.judges, case.sees)


def changed(frame: Frame, values: np.ndarray) -> Frame:
    return Frame(frame.start, frame.step_seconds, frame.keys, values.astype(np.float32))


def renamed(frame: Frame) -> Frame:
    """The frame with keys that differ, of series that were selected again and again."""
    return Frame(frame.start, frame.step_seconds, keys_of(frame.keys[0].query_id, len(frame.keys)), frame.values)


def highest_of_quiet(case: Case) -> float:
    return float(np.nanmax(scored(case).values[QUIET]))


def test_every_detector_of_the_catalogue_is_tested() -> None:
    assert [case.name for case in CASES] == [detector.name for detector in catalogue(PACK)]


@each_case()
def test_scores_have_the_frames_shape_and_the_contracts_types(case: Case) -> None:
    frame, _ = scene(case)
    for scores in (scored(case), case.detector.score(frame, None)):
        assert scores.values.shape == scores.signs.shape == frame.values.shape
        assert scores.values.dtype == np.float32
        assert scores.signs.dtype == np.int8
        assert not np.isinf(scores.values).any()
        assert not (scores.values < 0).any()
        assert set(np.unique(scores.signs)) <= {-1, 0, 1}


@each_case()
def test_higher_is_more_anomalous(case: Case) -> None:
    assert np.nanmax(scored(case).values[UP, IN_TIME]) > 1.2 * highest_of_quiet(case) + 0.2


@each_case(sided=True)
def test_signs_tell_the_side(case: Case) -> None:
    scores = scored(case)
    for row, side in ((UP, 1), (DOWN, -1)):
        place = IN_TIME.start + np.nanargmax(scores.values[row, IN_TIME])
        assert scores.signs[row, place] == side
        assert scores.values[row, place] > highest_of_quiet(case)


@each_case()
def test_what_was_expected_is_where_a_quiet_series_is(case: Case) -> None:
    baseline = scored(case).baseline
    if baseline is None:
        return
    low, middle, high = (each[QUIET] for each in (baseline.low, baseline.middle, baseline.high))
    values = scene(case)[0].values[QUIET]
    assert ((low <= middle) & (middle <= high)).all()
    assert ((low <= values) & (values <= high)).mean() > 0.9


@each_case()
def test_a_gap_is_not_scored_as_a_value(case: Case) -> None:
    if case.sees is Planted.GAP:
        assert (scored(case).values[QUIET] == 0).all()
        return
    gap = scored(case).values[VANISHES, PLANTED]
    assert np.isnan(gap[-60:]).all()
    assert not (gap > highest_of_quiet(case)).any()


@each_case()
def test_missing_samples_here_and_there_take_nothing_away(case: Case) -> None:
    scores = scored(case).values[HOLES]
    assert np.isfinite(scores).mean() > 0.75
    assert np.nanmax(scores) <= max(2 * highest_of_quiet(case), 1)


@each_case()
def test_a_series_that_hardly_moves_is_no_anomaly_and_its_jump_is_finite(case: Case) -> None:
    frame, history = scene(case)
    assert np.nanmax(scored(case).values[[CONSTANT, NEARLY_CONSTANT]]) <= max(highest_of_quiet(case), 1)
    rows = [CONSTANT, NEARLY_CONSTANT]
    jumped = frame.select(rows)
    jumped.values[:, PLANTED] += 0.5
    assert not np.isinf(case.detector.score(jumped, history.select(rows)).values).any()


@each_case()
def test_scoring_is_pure_and_repeats_itself(case: Case) -> None:
    """The scene's arrays cannot be written: an attempt would have raised."""
    rows = [UP, HOLES, QUIET[0]]
    frame, history = (each.select(rows) for each in scene(case))
    before = frame.values.copy(), history.values.copy()
    first, second = (case.detector.score(frame, history) for _ in range(2))
    np.testing.assert_array_equal(first.values, second.values)
    np.testing.assert_array_equal(first.signs, second.signs)
    np.testing.assert_array_equal(frame.values, before[0])
    np.testing.assert_array_equal(history.values, before[1])


@each_case(alone=True)
def test_one_series_alone_scores_as_in_the_batch(case: Case) -> None:
    frame, history = scene(case)
    for row in (UP, CONSTANT, HOLES):
        alone = case.detector.score(frame.select([row]), history.select([row]))
        np.testing.assert_allclose(alone.values[0], scored(case).values[row], rtol=1e-5, atol=1e-6)
        np.testing.assert_array_equal(alone.signs[0], scored(case).signs[row])


@each_case(alone=True)
def test_rows_of_the_history_may_come_in_any_order_and_more_of_them(case: Case) -> None:
    frame, history = scene(case)
    scores = case.detector.score(frame.select([UP, DOWN]), history.select([QUIET[0], DOWN, UP]))
    np.testing.assert_allclose(scores.values, scored(case).values[[UP, DOWN]], rtol=1e-5, atol=1e-6)


@each_case(unitless=True)
@pytest.mark.parametrize(("scale", "shift"), [(1000.0, 0.0), (0.001, 0.0), (1.0, 5.0)])
def test_units_do_not_matter(case: Case, scale: float, shift: float) -> None:
    rows = [UP, QUIET[0]]
    frame, history = (changed(each.select(rows), each.values[rows] * scale + shift) for each in scene(case))
    scores = case.detector.score(frame, history).values
    np.testing.assert_allclose(scores, scored(case).values[rows], rtol=0.02, atol=0.03)


@each_case()
def test_infinite_values_are_gaps(case: Case) -> None:
    frame, history = scene(case)
    infinite, missing = frame.select([QUIET[0]]), frame.select([QUIET[0]])
    infinite.values[0, 100:110] = np.inf
    missing.values[0, 100:110] = np.nan
    past = history.select([QUIET[0]])
    scores, expected = (case.detector.score(part, past) for part in (infinite, missing))
    np.testing.assert_array_equal(scores.values, expected.values)


@each_case()
def test_what_has_no_sample_is_unknown_and_a_past_without_any_is_none(case: Case) -> None:
    rows = [QUIET[0], QUIET[1]]
    frame, history = (each.select(rows) for each in scene(case))
    nothing, never = (changed(each, np.full_like(each.values, np.nan)) for each in (frame, history))
    if case.sees is not Planted.GAP:
        assert np.isnan(case.detector.score(nothing, history).values).all()
    assert not (case.detector.score(nothing, never).values > 0).any()
    if case.needs_past:
        scores = case.detector.score(frame, never).values
        assert np.isnan(scores).all() or np.nanmax(scores) == 0


@each_case()
@pytest.mark.parametrize("has_history", [True, False])
def test_no_series_and_a_single_sample_between_two_of_the_history(case: Case, has_history: bool) -> None:
    frame, history = scene(case)
    none = case.detector.score(frame.select([]), history.select([]) if has_history else None)
    assert none.values.shape == none.signs.shape == (0, frame.points)
    one = Frame(frame.time_at(1), frame.step_seconds, frame.keys[:1], np.ascontiguousarray(frame.values[:1, 1:2]))
    scores = case.detector.score(one, history.select([0]) if has_history else None)
    assert scores.values.shape == scores.signs.shape == (1, 1)
    assert not np.isinf(scores.values).any()


@each_case(needs_past=True)
def test_a_series_without_a_past_is_unknown_or_unremarkable(case: Case) -> None:
    frame, history = scene(case)
    scores = case.detector.score(frame.select([QUIET[0]]), history.select([QUIET[1]])).values
    assert np.isnan(scores).all() or np.nanmax(scores) == 0


@each_case()
def test_memory_stays_near_what_frame_and_history_take(case: Case) -> None:
    rows = (QUIET * case.many)[: case.many]
    frame, history = (renamed(each.select(rows)) for each in scene(case))
    case.detector.score(frame.select([0]), history.select([0]))
    tracemalloc.start()
    try:
        case.detector.score(frame, history)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 5 * (frame.values.nbytes + history.values.nbytes) + 6_000_000


@each_case()
def test_every_detector_says_what_it_assumes_and_where_it_fails(case: Case) -> None:
    text = type(case.detector).__doc__ or ""
    for word in ("Assumption:", "Fails:", "Cost:", "Source:"):
        assert word in text


def test_screens_have_least_daily_maxima() -> None:
    assert all(screen.least > 0 for screen in screens())


def test_the_documents_table_is_the_catalogues() -> None:
    written = document_table(DOCUMENT.read_text(encoding="utf-8"))
    assert written == table(), "write it anew: python -m tests.fleet.detectors.table"
