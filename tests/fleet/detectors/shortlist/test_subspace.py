"""Windows of many lengths, whitened."""

from __future__ import annotations

from datetime import timedelta

import numpy as np

from fleet.detectors.shortlist.subspace import MOST_DISTANCE, SubspaceWindows, distances, together
from fleet.detectors.shortlist.windows import Deviations
from fleet.frames.frame import Frame
from tests.fleet.detectors.series import NOW, Values, keys_of

DAY = 288


def scene(rows: int, *, roughness: float = 0.9, days: int = 8, gap_days: int = 0) -> tuple[Frame, Frame]:
    """Wandering series without a season; the last day is judged."""
    rng = np.random.default_rng(5)
    values = np.empty((rows, days * DAY))
    values[:, 0] = rng.standard_normal(rows)
    for column in range(1, days * DAY):
        values[:, column] = roughness * values[:, column - 1] + rng.standard_normal(rows)
    past = at(values[:, :-DAY], NOW - timedelta(days=days - 1 + gap_days))
    return at(values[:, -DAY:], NOW), past


def at(values: Values, start: object = NOW) -> Frame:
    return Frame(start, 300, keys_of("gauge", len(values)), (50 + values).astype(np.float32))  # type: ignore[arg-type]


def test_a_step_that_wandering_does_not_take_is_found_where_no_value_is_extreme() -> None:
    frame, history = scene(8)
    frame.values[0] = 50 + np.where(np.arange(DAY) < 150, -3, 3)
    scores = SubspaceWindows().score(frame, history).values
    assert np.abs(frame.values[0] - 50).max() < np.abs(history.values - 50).max()
    assert 146 <= int(np.nanargmax(scores[0])) <= 153
    assert np.nanmax(scores[0]) > np.nanmax(scores[1:])


def test_roughness_without_extreme_values_is_found() -> None:
    frame, history = scene(8)
    frame.values[0, 100:140] = 50 + 3 * (-1.0) ** np.arange(40)
    scores = SubspaceWindows().score(frame, history).values
    assert np.nanmin(scores[0, 102:138]) > np.nanmax(scores[1:])


def test_a_typical_point_is_about_one_away() -> None:
    frame, history = scene(20)
    found = distances(Deviations.of(frame, history), every_column=True)
    assert found.shape == (20, 8 * DAY)
    assert 0.8 < np.nanmedian(found) < 1.2
    assert np.nanmax(found) < 4


def test_a_wild_value_counts_for_so_much_and_no_more() -> None:
    frame, history = scene(3)
    frame.values[0, 100] = 1e9
    assert np.nanmax(distances(Deviations.of(frame, history), every_column=False)) == MOST_DISTANCE


def test_spans_do_not_reach_across_a_hole_between_the_past_and_the_frame() -> None:
    frame, history = scene(2, gap_days=7)
    wild = Frame(history.start, 300, history.keys, history.values.copy())
    wild.values[:, -1] = 90
    plain, other = (distances(Deviations.of(frame, past), every_column=True)[:, -DAY:] for past in (history, wild))
    # The one wild value moves what was learnt a little; a span over it would be far off.
    np.testing.assert_allclose(other, plain, rtol=0.1)


def test_series_of_a_subject_are_judged_together_and_the_furthest_has_the_score() -> None:
    frame, history = scene(6)
    frame.values[:3, 100:110] = 54
    frame.values[0, 100:110] = 56
    single = SubspaceWindows().score(frame, history).values
    joint = SubspaceWindows(lambda key: frame.keys.index(key) // 3).score(frame, history).values
    assert int(np.argmax(joint[:, 100])) == 0
    assert (joint[1:3, 100] < joint[0, 100]).all()
    # Three together are less often far by chance than each of them.
    assert joint[0, 100] / np.nanmax(joint[3:]) > single[0, 100] / np.nanmax(single[3:])


def test_series_of_no_subject_are_unknown() -> None:
    frame, history = scene(2)
    scores = SubspaceWindows(lambda key: None if key == frame.keys[0] else "one").score(frame, history).values
    assert np.isnan(scores[0]).all()
    assert np.isfinite(scores[1]).all()


def test_what_is_not_known_of_one_series_leaves_a_subject_to_the_others() -> None:
    nan = np.nan
    both = together(np.array([[3, nan, nan], [4, 2, nan]], dtype=np.float32))
    np.testing.assert_allclose(both, [np.sqrt(12.5), 2, nan])
