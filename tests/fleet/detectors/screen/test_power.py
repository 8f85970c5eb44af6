"""Each screen finds a shape that the others miss, at the same rate of false alarms."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from scipy.signal import lfilter

from fleet.detectors.catalogue import screens
from fleet.detectors.profile.seasonal import SeasonalProfile, fit_profile
from fleet.detectors.screen.screen import Screen
from tests.fleet.detectors.series import Values, quiet, split

FALSE_ALARMS = 5e-4
NOON = 144


def days(rows: int, memory: float, wander: float, seed: int) -> Values:
    """Days of standardised deviations: an AR(1) process on the 5-minute grid about a level that strays day by day."""
    rng = np.random.default_rng(seed)
    steps = rng.standard_normal((rows, 400)) * np.sqrt(1 - memory**2)
    values = lfilter([1], [1, -memory], steps, axis=1)[:, -288:]
    values += wander * rng.standard_normal((rows, 1))
    return (values / np.sqrt(1 + wander**2)).astype(np.float32)


def planted(shape: str, values: Values) -> Values:
    values = values.copy()
    if shape == "spike":
        values[:, NOON : NOON + 2] += 8
    elif shape == "small spike":
        values[:, NOON : NOON + 2] += 4
    elif shape == "hour":
        values[:, NOON : NOON + 12] += 3
    elif shape == "ramp":
        values[:, NOON - 36 : NOON] += np.linspace(0, 3, 36, dtype=np.float32)
        values[:, NOON : NOON + 12] += 3
    else:
        values[:, NOON : NOON + 12] *= 3
    return values


@cache
def profile() -> SeasonalProfile:
    frame, history = split(quiet(1), "gauge", days=3)
    return fit_profile(frame, history)


def daily_maxima(screen: Screen, values: Values) -> Values:
    """Highest score of two values in a row, above."""
    signed = screen.signed(values, profile(), 300)
    assert np.isfinite(signed).mean() > 0.7
    lasting = np.minimum(signed[:, 1:], signed[:, :-1])
    return np.where(np.isfinite(lasting), lasting, -np.inf).max(axis=1)


@pytest.mark.parametrize(
    ("best", "shape", "memory", "wander"),
    [
        ("hampel", "small spike", 0.9, 0.0),
        ("level-shift", "hour", 0.6, 0.0),
        ("step-change", "hour", 0.6, 1.0),
        ("trend-change", "ramp", 0.6, 1.0),
        ("variance-change", "roughness", 0.9, 0.0),
        ("robust-zscore", "spike", 0.3, 0.0),
    ],
)
def test_each_screen_earns_its_place(best: str, shape: str, memory: float, wander: float) -> None:
    still, struck = days(10_000, memory, wander, 1), planted(shape, days(500, memory, wander, 2))
    found = {}
    for screen in screens():
        threshold = np.quantile(daily_maxima(screen, still), 1 - FALSE_ALARMS)
        found[screen.name] = float((daily_maxima(screen, struck) > threshold).mean())
    assert found[best] > 0.5
    assert max(found, key=lambda name: found[name]) == best
