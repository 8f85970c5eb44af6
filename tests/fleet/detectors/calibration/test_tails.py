"""Chances from scores."""

import numpy as np
import pytest

from fleet.detectors.calibration.tails import tails_of_body, tails_of_maxima
from fleet.detectors.stretches import joined_runs, long_runs, reach, runs_of


def maxima(heavy: bool, rows: int = 300, days: int = 14, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    draws = rng.standard_t(4, (rows, days, 288)) if heavy else rng.standard_normal((rows, days, 288))
    scale = rng.uniform(0.5, 3, rows)[:, None]
    return (draws.max(axis=2) * scale).astype(np.float32)


@pytest.mark.parametrize("heavy", [False, True])
def test_thresholds_are_passed_no_more_often_than_they_say(heavy: bool) -> None:
    """On 30,000 days that were not seen: at most once in a thousand days, and yet no bound that nothing passes."""
    days = maxima(heavy, days=114)
    past, future = days[:, :14], days[:, 14:]
    tails = tails_of_maxima(past, np.zeros(300, dtype=np.intp), least=0.1)
    assert (future > tails.thresholds(1e-3)[:, None]).mean() <= 1e-3
    assert (future > tails.thresholds(0.19)[:, None]).mean() > 1e-3


def test_thresholds_rise_as_chances_fall_and_chances_invert_them() -> None:
    tails = tails_of_maxima(maxima(True), np.arange(300, dtype=np.intp) % 3, least=0.1)
    lower, upper = tails.thresholds(1e-2), tails.thresholds(1e-5)
    assert (upper > lower).all()
    for row in (0, 7):
        assert tails.chance(row, float(upper[row])) <= 1.01e-5
    assert tails.chance(0, 0.0) <= 1
    assert tails.chance(0, 1e9) > 0


def test_a_heavy_pool_does_not_raise_the_thresholds_of_a_light_one() -> None:
    light, heavy = maxima(False), maxima(True)
    pools = np.repeat([0, 1], 300).astype(np.intp)
    together = tails_of_maxima(np.concatenate([light, heavy]), pools, least=0.1).thresholds(1e-4)[:300]
    alone = tails_of_maxima(light, pools[:300], least=0.1).thresholds(1e-4)
    assert np.median(together / alone) < 1.25


def test_past_incidents_hardly_move_the_tail_of_their_like() -> None:
    clean = maxima(False)
    dirty = clean.copy()
    dirty[:10, 5] = 100
    pools = np.zeros(300, dtype=np.intp)
    before, after = (tails_of_maxima(each, pools, least=0.1).thresholds(1e-4) for each in (clean, dirty))
    assert (after / before).max() < 1.3


def test_the_body_alone_gives_stricter_thresholds_than_normal_tails_would() -> None:
    scores = np.random.default_rng(1).standard_normal((200, 288)).astype(np.float32)
    thresholds = tails_of_body(scores, 288, least=1.0).thresholds(1e-4)
    assert (thresholds > 4.9).all()
    assert (thresholds < 25).all()


def test_runs() -> None:
    flags = np.zeros((3, 10), dtype=bool)
    flags[0, [0, 1, 4, 9]] = True
    flags[2, 3:7] = True
    runs = runs_of(flags)
    assert runs.tolist() == [[0, 0, 1], [0, 4, 4], [0, 9, 9], [2, 3, 6]]
    assert joined_runs(runs, 2).tolist() == [[0, 0, 4], [0, 9, 9], [2, 3, 6]]
    assert long_runs(runs, np.array([2, 1, 5])).tolist() == [[0, 0, 1]]


def test_reach_walks_over_short_breaks_only() -> None:
    beyond = np.zeros(30, dtype=bool)
    beyond[[2, 8, 9, 10, 13, 14, 20]] = True
    assert reach(beyond, 10, 10, 2) == (8, 14)
    assert reach(beyond, 10, 10, 5) == (2, 20)
    assert reach(np.zeros(5, dtype=bool), 1, 3, 2) == (1, 3)
