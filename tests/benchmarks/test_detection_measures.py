"""What detection is measured by."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import pytest

from benchmarks.detection.measures import Events, best_point_f1
from benchmarks.detection.vus import Labels, Numbers, reference, vus_pr, window_of

FIGURES = (
    # seed, points, events, digits of the scores, window, VUS-PR by TSB-AD 1.5
    (1, 1000, 4, 9, 60, 0.3613293401365551),
    (2, 1000, 12, 1, 61, 0.6269005934791745),
    (3, 3000, 6, 9, 0, 0.13458106824800165),
    (4, 500, 2, 9, 125, 0.43153129361377257),
)


def scored(seed: int, points: int, events: int, digits: int) -> tuple[Numbers, Labels]:
    """Scores that tell something of the labels, in file 4 with labels at both ends."""
    rng = np.random.default_rng(seed)
    labels = np.zeros(points, dtype=np.int64)
    for start in rng.integers(0, points, events):
        labels[start : start + int(rng.integers(1, 40))] = 1
    scores = np.round(rng.standard_normal(points) + labels, digits)
    if seed == 4:
        labels[:5] = labels[-5:] = 1
    return scores, labels


@pytest.mark.parametrize(("seed", "points", "events", "digits", "window", "figure"), FIGURES)
def test_vus_pr_is_tsb_ads(seed: int, points: int, events: int, digits: int, window: int, figure: float) -> None:
    assert vus_pr(*scored(seed, points, events, digits), window) == pytest.approx(figure, abs=1e-12)


@pytest.mark.skipif(find_spec("TSB_AD") is None, reason="requirements/measuring.lock is not installed")
def test_the_package_itself_agrees() -> None:
    scores, labels = scored(5, 800, 3, 2)
    assert vus_pr(scores, labels, 40) == pytest.approx(reference(scores, labels, 40), abs=1e-12)


def test_the_buffer_is_as_wide_as_the_period() -> None:
    columns = np.arange(3000)
    noise = 0.1 * np.random.default_rng(0).standard_normal(3000)
    assert window_of(np.sin(2 * np.pi * columns / 48) + noise) in {47, 48, 49}
    assert window_of(columns.astype(float)) == 125


def test_the_best_point_f1_credits_no_point_for_another() -> None:
    labels = np.array([0, 1, 1, 1, 0, 0])
    assert best_point_f1(np.array([0.0, 0, 9, 0, 0, 0]), labels) == pytest.approx(2 * 3 / 9)
    assert best_point_f1(np.array([1.0, 9, 9, 5, 1, 2]), labels) == 1


def test_events_and_findings_are_counted_on_judged_days() -> None:
    labels, flags, judged = (np.zeros(2880, dtype=np.int64) for _ in range(3))
    judged[1440:] = 1
    labels[100:200] = labels[1500:1600] = labels[2000:2010] = 1
    flags[110] = flags[1530:1540] = flags[1550] = flags[2500:2600] = 1
    events = Events()
    events.add(flags, labels, judged, 60)
    assert (events.events, events.seen, events.findings, events.right) == (2, 1, 3, 2)
    assert events.precision == pytest.approx(2 / 3)
    assert events.recall == 0.5
    assert events.delay_minutes == 30
    assert events.false_a_day == 1


def test_shares_of_nothing_are_none() -> None:
    assert (Events().precision, Events().recall, Events().delay_minutes, Events().false_a_day) == (None,) * 4
