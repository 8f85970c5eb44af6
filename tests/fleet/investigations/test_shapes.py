"""Ramps and gaps in single series."""

from __future__ import annotations

import numpy as np
import pytest

from fleet.investigations.shapes import Ramp, block_medians, find_ramps, gap_stretches

BLOCKS = np.arange(288, dtype=np.float64)


def find_ramp(levels: np.ndarray) -> Ramp | None:
    """The largest of a series' ramps."""
    return max(find_ramps(levels), key=lambda ramp: ramp.high - ramp.low, default=None)


NOISE = np.random.default_rng(5).standard_normal(288)


def test_a_ramp_is_found_with_its_start_and_end() -> None:
    levels = 100 + np.clip(BLOCKS - 150, 0, 48) * 2 + NOISE
    levels[199:] = 100 + NOISE[199:]

    ramp = find_ramp(levels)

    assert ramp is not None
    assert ramp.first == pytest.approx(150, abs=4)
    assert ramp.last == pytest.approx(198, abs=1)
    assert ramp.low == pytest.approx(100, abs=5)
    assert ramp.high == pytest.approx(196, abs=5)
    assert ramp.fit > 0.95
    assert ramp.ended


def test_a_ramp_that_goes_on_has_not_ended() -> None:
    ramp = find_ramp(100 + np.clip(BLOCKS - 200, 0, None) * 2 + NOISE)

    assert ramp is not None
    assert ramp.last >= 285
    assert not ramp.ended


def test_of_two_climbs_the_larger_is_told() -> None:
    levels = 100 + NOISE
    levels[20:60] += np.linspace(0, 40, 40)
    levels[150:200] += np.linspace(0, 200, 50)

    ramp = find_ramp(levels)

    assert ramp is not None
    assert ramp.last == pytest.approx(199, abs=1)


def test_gaps_do_not_hide_a_ramp() -> None:
    levels = 100 + np.clip(BLOCKS - 150, 0, None) * 2 + NOISE
    levels[170:180] = np.nan

    ramp = find_ramp(levels)

    assert ramp is not None
    assert ramp.first == pytest.approx(150, abs=4)


@pytest.mark.parametrize(
    "levels",
    [
        np.full(288, 7.0),
        np.full(288, np.nan),
        100 - BLOCKS,
        np.array([1.0, 2.0, 3.0]),
    ],
    ids=["constant", "nothing", "falling", "short"],
)
def test_no_ramp_where_nothing_climbs(levels: np.ndarray) -> None:
    assert find_ramp(levels) is None


def test_noise_has_no_straight_ramp() -> None:
    fits = [find_ramp(np.random.default_rng(seed).standard_normal(288)) for seed in range(50)]

    assert sum(ramp is not None and ramp.fit > 0.8 for ramp in fits) == 0


def test_gaps_are_stretches_after_a_sample() -> None:
    values = np.ones(40, dtype=np.float32)
    values[:5] = values[10:20] = values[25:27] = values[35:] = np.nan

    assert gap_stretches(np.isnan(values), 3) == [(10, 19), (35, 39)]


def test_block_medians_ignore_gaps() -> None:
    values = np.array([1, 2, 9, np.nan, 4, 6, np.nan, np.nan, np.nan, 5], dtype=np.float32)

    assert block_medians(values, 3).tolist() == pytest.approx([2, 5, np.nan, 5], nan_ok=True)
