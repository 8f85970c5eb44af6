from __future__ import annotations

import numpy as np
import pytest

from fleet.detectors.screen.running_median import running_median, running_scale
from tests.fleet.detectors.series import Values

WIDTHS = (1, 3, 7, 13, 25)


def noise(rows: int, points: int, missing: float = 0.0) -> Values:
    rng = np.random.default_rng(4)
    values = rng.standard_normal((rows, points)).astype(np.float32)
    values[rng.random(values.shape) < missing] = np.nan
    return values


@pytest.mark.parametrize("width", WIDTHS)
def test_medians_of_whole_windows_are_exact(width: int) -> None:
    values = noise(3, 600)
    windows = np.lib.stride_tricks.sliding_window_view(values, width, axis=1)
    np.testing.assert_array_equal(running_median(values, width)[:, width - 1 :], np.median(windows, axis=2))
    medians, distances = running_scale(values, width, ahead=width // 2)
    whole = slice(width // 2, 600 - width // 2)
    np.testing.assert_array_equal(medians[:, whole], np.median(windows, axis=2))
    around = np.abs(windows - np.median(windows, axis=2, keepdims=True))
    np.testing.assert_array_equal(distances[:, whole], np.median(around, axis=2))


def test_a_window_takes_every_so_many_columns() -> None:
    values = noise(2, 300)
    spaced = running_median(values, 5, ahead=6, spacing=3)
    for phase in range(3):
        part = np.ascontiguousarray(values[:, phase::3])
        np.testing.assert_array_equal(spaced[:, phase::3][:, 2:-2], running_median(part, 5, ahead=2)[:, 2:-2])


def test_gaps_move_a_median_by_half_a_rank_at_most() -> None:
    values = noise(4, 400, missing=0.3)
    medians = running_median(values, 13)
    checked = 0
    for row, column in np.argwhere(np.isfinite(medians)):
        seen = np.sort(values[row, max(0, column - 12) : column + 1])
        seen = seen[np.isfinite(seen)]
        assert seen.size >= 7
        assert seen[(seen.size - 2) // 2] <= medians[row, column] <= seen[(seen.size + 1) // 2]
        checked += 1
    assert checked > 1200


def test_windows_of_which_less_than_half_is_known_are_unknown() -> None:
    values = noise(1, 60)
    values[0, 20:40] = np.nan
    known = np.isfinite(running_median(values, 13)[0])
    assert not known[:6].any()
    assert known[6:26].all()
    assert not known[26:46].any()
    assert known[46:].all()


def test_rows_do_not_bear_on_each_other() -> None:
    values = noise(5, 700, missing=0.1)
    together = running_median(values, 13)
    for row in range(5):
        np.testing.assert_array_equal(running_median(values[row : row + 1], 13)[0], together[row])
