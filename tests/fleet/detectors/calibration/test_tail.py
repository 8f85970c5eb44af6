"""Chances from heights of days."""

import numpy as np
import pytest

from fleet.detectors.calibration.pareto import Pareto, Prior, fit_pareto
from fleet.detectors.calibration.tail import Expected, fit_tail, without_incident_days

EXPECTED = Expected(1.0, Prior(Pareto(0.2, 0.1)))


def heights(heavy: bool, count: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.exp(rng.standard_normal(count) * (1.0 if heavy else 0.2))


@pytest.mark.parametrize("heavy", [False, True])
@pytest.mark.parametrize("chance", [3e-3, 3e-4])
def test_heights_are_passed_as_often_as_they_say(heavy: bool, chance: float) -> None:
    """On days that were not seen, whether the height lies among those that were seen or far beyond."""
    rates = []
    for seed in range(10):
        tail = fit_tail(heights(heavy, 20_000, seed), EXPECTED)
        height = tail.height(np.array(-np.log10(chance)))
        rates.append((heights(heavy, 200_000, seed + 100) >= height).mean())
    assert 0.6 * chance < np.mean(rates) < 1.5 * chance


def test_digits_invert_heights_and_rise_with_them() -> None:
    tail = fit_tail(heights(True, 5000), EXPECTED)
    digits = np.array([0.5, 1.5, 2.5, 4.0, 6.0])
    np.testing.assert_allclose(tail.digits(tail.height(digits)), digits, rtol=1e-6)
    assert (np.diff(tail.height(digits)) > 0).all()
    assert tail.digits(np.array(np.inf)) == 9
    assert np.isnan(tail.digits(np.array(np.nan)))


def test_a_past_incident_counts_as_one_high_day_however_high_it_was() -> None:
    days = np.random.default_rng(3).exponential(size=400)
    some, huge = (fit_pareto(np.append(days, height), Prior(Pareto(1.0, 0.1))) for height in (8.0, 8000.0))
    assert some == huge


def test_heights_are_those_of_the_data_as_long_as_enough_days_lie_beyond() -> None:
    days = np.sort(heights(True, 50_000))
    believed, fitted = (fit_tail(days, Expected(1.0, EXPECTED.prior, observed)) for observed in (10, 1000))
    chance = np.array(-np.log10(10 / days.size))
    assert float(believed.height(chance)) == pytest.approx(days[-10], rel=1e-6)
    assert float(fitted.height(chance)) != pytest.approx(days[-10], rel=1e-3)


@pytest.mark.parametrize("count", [8, 20, 60, 200])
def test_incidents_of_a_few_series_do_not_make_the_rest_of_the_tail_theirs(count: int) -> None:
    """In a fortnight of 5,000 series."""
    expected = Expected(0.0, Prior(Pareto(0.43, 0.05), spread=0.03), observed=10)
    rng = np.random.default_rng(6)
    days = np.sort(rng.exponential(0.43, size=65_000))
    quiet = fit_tail(days, expected)
    incidents = fit_tail(np.concatenate([days[:-count], rng.uniform(5, 50, count)]), expected)
    for digits in (2.7, 3.4, 4.0):
        allowed = digits + (1.0 if count < 100 else 3.0)
        assert incidents.height(np.array(digits)) < quiet.height(np.array(allowed))


def test_few_excesses_lean_on_what_is_expected() -> None:
    assert fit_pareto(np.array([]), Prior(Pareto(0.3, 0.2))) == Pareto(0.3, 0.2)
    assert fit_pareto(np.full(5, 9.0), Prior(Pareto(0.3, 0.2))).scale < 4


def test_days_without_any_height_do_not_make_low_ones_improbable() -> None:
    tail = fit_tail(np.zeros(1000), EXPECTED)
    assert tail.digits(np.array(0.5)) == 0
    assert 2 < tail.digits(np.array(2.5)) < 5


def test_days_on_which_many_series_are_high_are_left_out_and_quiet_ones_are_not() -> None:
    rng = np.random.default_rng(0)
    quiet = rng.standard_normal((500, 11)).astype(np.float32)
    assert np.isfinite(without_incident_days(quiet)).all()
    quiet[:, [0, 1, 2, 7]] = np.nan
    assert np.isfinite(without_incident_days(quiet)).sum() == np.isfinite(quiet).sum()
    quiet[:100, 4] += 9
    assert np.flatnonzero(np.isnan(without_incident_days(quiet)).any(axis=0)).tolist() == [0, 1, 2, 4, 7]
