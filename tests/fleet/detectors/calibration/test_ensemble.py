"""Daily maxima of several detectors as one chance."""

import numpy as np

from fleet.detectors.calibration.ensemble import Ensemble, learn_ensemble
from fleet.detectors.calibration.own_days import (
    medians_of_others,
    second_highest,
    second_of_others,
    variations,
    variations_of_others,
    with_days_of_all,
    without_oldest,
)

ROWS, DAYS = 1000, 15
POOLS = np.arange(ROWS) // 200


def maxima(seed: int) -> np.ndarray:
    """Two detectors with much in common, over series of which some are far more restless than others; above only."""
    rng = np.random.default_rng(seed)
    values = rng.standard_normal((ROWS, DAYS, 40))
    both = np.stack([values.max(axis=2), (values[:, :, ::2] + values[:, :, 1::2]).max(axis=2)], axis=2)
    result = np.full((ROWS, DAYS, 2, 2), np.nan, dtype=np.float32)
    result[..., 0] = both * rng.uniform(0.2, 5, ROWS)[:, None, None]
    return result


def learnt(days: np.ndarray) -> Ensemble:
    sides = np.tile([True, False], (ROWS, 1))
    ensemble = learn_ensemble(days, POOLS, [0.1, 0.1], [day % 7 for day in range(days.shape[1])], sides)
    assert ensemble is not None
    return ensemble


def found(ensemble: Ensemble, day: np.ndarray, chance: float) -> np.ndarray:
    return np.flatnonzero((day >= ensemble.thresholds(chance, [0])).any(axis=(1, 2)))


def test_a_quiet_day_has_as_many_false_findings_as_the_chance_says() -> None:
    counts = []
    for seed in range(12):
        days = maxima(seed)
        counts.append(len(found(learnt(days[:, :-1]), days[:, -1], 0.01)))
    assert 0.75 < np.mean(counts) / (0.01 * ROWS) < 1.25


def test_chances_of_thresholds_are_what_was_asked_for_where_the_day_is_news() -> None:
    ensemble = learnt(maxima(0)[:, :-1])
    thresholds = ensemble.thresholds(1e-5, [0])
    assert np.isnan(thresholds[:, :, 1]).all()
    chances = ensemble.chances(thresholds * 1.001, [0])[:, :, 0]
    np.testing.assert_allclose(np.quantile(chances, 0.9), 1e-5, rtol=0.1)
    assert chances.max() < 1.01e-5


def test_a_day_that_comes_every_week_is_no_news() -> None:
    days = maxima(0)
    days[0, [0, 7, 14], :, 0] = 100
    days[1, 14, :, 0] = 100
    ensemble = learnt(days[:, :-1])
    assert 0 not in found(ensemble, days[:, -1], 1e-3)
    assert 1 in found(ensemble, days[:, -1], 1e-3)


def test_a_day_that_like_series_have_every_week_is_no_news_of_one_that_had_none_last_week() -> None:
    days = maxima(0)
    of_one = days[3, 7].copy()
    days[:200, [0, 7, 14]] *= 3
    days[3, 7] = of_one
    days[250, 14] *= 3
    ensemble = learnt(days[:, :-1])
    assert 3 not in found(ensemble, days[:, -1], 1e-3)
    assert 250 in found(ensemble, days[:, -1], 1e-3)


def test_what_a_few_series_or_less_than_most_of_them_had_is_no_day_of_all() -> None:
    usual = np.ones((40, 2), dtype=np.float32)
    heights = usual.copy()
    heights[:15, 0] = heights[:25, 1] = 2
    np.testing.assert_array_equal(with_days_of_all(heights, usual, np.zeros(40, dtype=np.intp))[:, 0], heights[:, 0])
    np.testing.assert_array_equal(with_days_of_all(heights, usual, np.zeros(40, dtype=np.intp))[:, 1], 2)
    few = np.arange(40) // 10
    np.testing.assert_array_equal(with_days_of_all(heights, usual, few), heights)
    heights[30, 1] = np.nan
    assert np.isnan(with_days_of_all(heights, usual, np.zeros(40, dtype=np.intp))[30, 1])


def test_series_with_wild_days_hide_nothing_of_calm_ones() -> None:
    days = maxima(0)
    wild = np.arange(0, ROWS, 20)
    days[wild] *= np.random.default_rng(7).lognormal(0, 1, (len(wild), DAYS, 1, 1)).astype(np.float32)
    days[[1, 2, 3], -1] *= 10
    days[wild[:3], -1] = np.median(days[wild[:3]], axis=1) * 3
    hit = found(learnt(days[:, :-1]), days[:, -1], 4e-4)
    assert {1, 2, 3} <= set(hit)
    assert not set(hit) & set(wild[:3])


def test_days_differ_by_as_much_as_usual_at_least_and_by_more_where_others_were_wild() -> None:
    heights = np.ones((3, 9), dtype=np.float32)
    heights[1, 4] = 30
    heights[2, [4, 6]] = 30
    of_each = variations_of_others(heights, 0.1)
    np.testing.assert_allclose(of_each[0], 1)
    assert of_each[1, 4] == 1
    assert (np.delete(of_each[1], 4) > 2).all()
    assert (of_each[2] > 2).all()
    assert variations(heights, 0.1)[2] > variations(heights, 0.1)[1]
    # What is below the least height that is believed does not differ.
    np.testing.assert_allclose(variations(heights, 30), 1)


def test_too_short_a_past_says_nothing() -> None:
    short = np.full((10, 14, 1, 2), np.nan, dtype=np.float32)
    short[:, :5, :, 0] = 1
    sides = np.ones((10, 2), dtype=bool)
    assert learn_ensemble(short, np.zeros(10, dtype=np.intp), [1.0], list(range(7)) * 2, sides) is None


def test_a_single_day_says_nothing_however_many_series_it_has() -> None:
    sides = np.tile([True, False], (ROWS, 1))
    assert learn_ensemble(maxima(0)[:, :1], POOLS, [0.1, 0.1], [0], sides) is None
    assert learn_ensemble(maxima(0)[:, :2], POOLS, [0.1, 0.1], [0, 1], sides) is not None


def test_each_day_is_compared_with_the_others() -> None:
    heights = np.array([[1, 5, 3, np.nan, 2], [np.nan, np.nan, 4, np.nan, np.nan]], dtype=np.float32)
    np.testing.assert_array_equal(medians_of_others(heights)[0], np.float32([3, 2, 2, 2.5, 3]))
    np.testing.assert_array_equal(second_of_others(heights)[0], np.float32([3, 2, 2, 3, 3]))
    assert np.isnan(medians_of_others(heights)[1, 2])
    assert second_highest(heights).tolist() == [3, -np.inf]
    np.testing.assert_array_equal(without_oldest(heights)[0], np.float32([np.nan, 5, 3, np.nan, 2]))
    assert without_oldest(heights)[1, 2] == 4
