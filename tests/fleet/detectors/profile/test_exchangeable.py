"""On quiet data the days of the past deviate as the judged day after them does: that is what scores are measured by."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from fleet.detectors.profile.seasonal import fit_profile
from fleet.frames.frame import Frame
from tests.fleet.detectors.series import Values, keys_of, wandering

SLOTS, DAYS, ROWS = 288, 14, 1200
END = datetime(2026, 3, 2, tzinfo=UTC)
TIMES = np.arange((DAYS + 1) * SLOTS, dtype=np.float32) / SLOTS
"""In days; the last is the judged one."""


def normal(rng: np.random.Generator) -> Values:
    return rng.standard_normal((ROWS, TIMES.size), dtype=np.float32)


def heavy_tailed(rng: np.random.Generator) -> Values:
    return rng.standard_t(3, (ROWS, TIMES.size)).astype(np.float32)


def remembering(rng: np.random.Generator) -> Values:
    return wandering(rng, ROWS, TIMES.size, 0.99)


def rhythmic(rng: np.random.Generator) -> Values:
    """Weekends of each series fall on other days, so that the judged day is any weekday."""
    weekend = (TIMES + rng.integers(0, 7, (ROWS, 1))) % 7 >= 5
    season = (3 + 2 * np.sin(2 * np.pi * TIMES)) * (1 - 0.4 * weekend)
    drift = 0.04 * rng.standard_normal((ROWS, 1)) * TIMES
    return np.asarray(season + drift + 0.5 * wandering(rng, ROWS, TIMES.size, 0.9), dtype=np.float32)


def quantised(rng: np.random.Generator) -> Values:
    return np.round(2 * normal(rng))


def missing(rng: np.random.Generator) -> Values:
    values = normal(rng)
    values[rng.random(values.shape) < 0.2] = np.nan
    return values


def resetting(rng: np.random.Generator) -> Values:
    """What grows from restart to restart, about every 17 hours; it has been doing so for ten days."""
    burn_in = 10 * SLOTS
    growth = np.cumsum(rng.random((ROWS, burn_in + TIMES.size)), axis=1)
    restarts = rng.random(growth.shape) < 1 / 200
    last = np.maximum.accumulate(np.where(restarts, growth, 0), axis=1)
    return np.asarray((growth - last)[:, burn_in:], dtype=np.float32)


@pytest.mark.parametrize(
    "kind", [normal, heavy_tailed, remembering, rhythmic, quantised, missing, resetting], ids=lambda kind: kind.__name__
)
def test_past_days_deviate_as_the_judged_day_does(kind: Callable[[np.random.Generator], Values]) -> None:
    values, keys = 20 + kind(np.random.default_rng(7)), keys_of("gauge", ROWS)
    before, after = (np.ascontiguousarray(part) for part in np.split(values, [DAYS * SLOTS], axis=1))
    frame = Frame(END, 300, keys, after)
    profile = fit_profile(frame, Frame(END - timedelta(days=DAYS), 300, keys, before))
    past = np.abs(profile.standardised_past())
    assert np.isnan(past[:, :3]).all()
    past_maxima = np.nanmax(past[:, 3:], axis=2).ravel()
    judged_maxima = np.nanmax(np.abs(profile.standardised(frame)), axis=1)
    for quantile, tolerance in ((0.5, 0.03), (0.9, 0.06)):
        assert np.quantile(judged_maxima, quantile) == pytest.approx(np.quantile(past_maxima, quantile), rel=tolerance)
    for share, deviation in ((0.1, 0.03), (0.01, 0.0085)):
        bound = np.quantile(past_maxima, 1 - share)
        # Values on a grid may all lie on the bound itself: half of those count.
        beyond = ((judged_maxima > bound * 1.0001).mean() + (judged_maxima > bound * 0.9999).mean()) / 2
        of_past = ((past_maxima > bound * 1.0001).mean() + (past_maxima > bound * 0.9999).mean()) / 2
        assert beyond == pytest.approx(of_past, abs=deviation)
