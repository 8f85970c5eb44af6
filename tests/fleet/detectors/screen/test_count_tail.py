from __future__ import annotations

from datetime import timedelta

import numpy as np

from fleet.detectors.screen.count_rates import learn_rates, learn_rates_without_each_day
from fleet.detectors.screen.count_tail import CountTail
from fleet.frames.frame import Frame
from tests.fleet.detectors.series import NOW, Values, keys_of

ROWS, DAYS, A_DAY = 1500, 14, 288


def history_of(values: Values) -> Frame:
    values = np.ascontiguousarray(values, dtype=np.float32)
    start = NOW - timedelta(seconds=300 * values.shape[1])
    return Frame(start, 300, keys_of("count", len(values)), values)


def day_of(values: Values) -> Frame:
    return Frame(NOW, 300, keys_of("count", len(values)), np.ascontiguousarray(values, dtype=np.float32))


def crowds(rng: np.random.Generator) -> Values:
    """Events that come some at a time, now and then."""
    shape = (ROWS, (DAYS + 1) * A_DAY)
    return (rng.poisson(0.003, shape) * rng.geometric(0.2, shape)).astype(np.float32)


def test_days_of_the_past_are_judged_as_a_day_never_seen() -> None:
    values = crowds(np.random.default_rng(5))
    history, detector = history_of(values[:, :-A_DAY]), CountTail()
    today = detector.signed(values[:, -A_DAY:], learn_rates(history), 300).max(axis=1)
    fair = detector.signed(history.values, learn_rates_without_each_day(history, A_DAY), 300)
    flattering = detector.signed(history.values, learn_rates(history), 300)

    def high(digits: Values) -> float:
        return float(np.quantile(digits.reshape(ROWS, DAYS, A_DAY).max(axis=2), 0.999))

    assert 0.75 < high(fair) / np.quantile(today, 0.999) < 1.33
    assert high(flattering) < 0.8 * high(fair)


def test_crowded_events_need_higher_counts_than_single_ones() -> None:
    rng = np.random.default_rng(6)
    single = rng.poisson(0.015, (ROWS, DAYS * A_DAY)).astype(np.float32)
    five = np.zeros((ROWS, A_DAY), dtype=np.float32)
    five[:, 100] = 5
    crowded = learn_rates(history_of(crowds(rng)))
    of_single, of_crowds = (
        CountTail().signed(five, rates, 300)[:, 100] for rates in (learn_rates(history_of(single)), crowded)
    )
    assert np.median(of_single) > 6
    assert np.median(of_crowds) < 4


def test_many_small_counts_in_an_hour_are_improbable_together() -> None:
    rng = np.random.default_rng(7)
    rates = learn_rates(history_of(rng.poisson(0.05, (20, DAYS * A_DAY)).astype(np.float32)))
    values = np.zeros((20, A_DAY), dtype=np.float32)
    values[:, 100:112] = 1
    digits = CountTail().signed(values, rates, 300)
    assert (digits[:, 100] < 2).all()
    assert np.median(digits[:, 111]) > 8


def test_a_series_without_a_past_has_the_rate_of_its_like_on_any_grid() -> None:
    rng = np.random.default_rng(8)
    past = rng.poisson(0.2, (50, DAYS * A_DAY)).astype(np.float32)
    past[0] = np.nan
    rates = learn_rates(history_of(past))
    assert abs(rates.rate[0] - 0.2) < 0.02
    coarse = rng.poisson(0.2, (50, A_DAY)).astype(np.float32)
    fine = np.repeat(coarse, 10, axis=1)
    np.testing.assert_allclose(
        CountTail().signed(fine, rates, 30)[:, 9::10], CountTail().signed(coarse, rates, 300), rtol=1e-5
    )


def test_scoring_with_what_was_learnt_is_scoring_with_the_history() -> None:
    values = crowds(np.random.default_rng(9))[:100]
    frame, history = day_of(values[:, -A_DAY:]), history_of(values[:, :-A_DAY])
    whole = CountTail().score(frame, history)
    some = np.array([7, 3, 50])
    part = CountTail().scores(frame.select(some.tolist()), learn_rates(history).select(some))
    np.testing.assert_array_equal(part.values, whole.values[some])
    np.testing.assert_array_equal(part.signs, whole.signs[some])


def test_one_event_is_one_however_many_counts_it_stands_in() -> None:
    """As ``increase(…[10m])`` tells of it each 5 minutes, among series that never had any."""
    rates = learn_rates(history_of(np.zeros((50, DAYS * A_DAY))))
    values = np.zeros((2, A_DAY), dtype=np.float32)
    values[:, 100:102] = 1
    once, twice = CountTail().signed(values, rates.select(slice(2)), 300, np.array([2, 1])).max(axis=1)
    alone = CountTail().signed(values, rates.select(slice(2)), 300)[0, 100]
    assert once == alone
    assert twice > 1.7 * once
    # Two of them, ten minutes apart, are two.
    values[:, 102:104] = 1
    both = CountTail().signed(values, rates.select(slice(2)), 300, np.array([2, 2])).max(axis=1)
    assert both.min() > 1.7 * once
