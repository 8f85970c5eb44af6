"""Findings on quiet days, counted and compared with what a sensitivity promises."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import poisson

from benchmarks.quiet.kinds import Kind, cluster_day
from fleet.detectors.contract import Sensitivity
from fleet.detectors.learnt import learn
from fleet.detectors.scan import detect
from fleet.detectors.second_looks import DEFAULT_LOOKS, second_looks

CONFIDENCE = 0.999
SERIES = 5000


@dataclass(frozen=True)
class Count:
    """Series with a finding over some quiet cluster-days of one kind.

    Attributes:
        found: how many there were.
        cluster_days: of 5,000 series each.
    """

    kind: str
    sensitivity: Sensitivity
    found: int
    cluster_days: float

    @property
    def expected(self) -> float:
        """What the sensitivity promises."""
        return self.sensitivity.false_findings_per_day * self.cluster_days

    @property
    def interval(self) -> tuple[int, int]:
        """The numbers between which a Poisson number of this expectation lies with 99.9%."""
        low, high = poisson.interval(CONFIDENCE, self.expected)
        return int(low), int(high)

    @property
    def inside(self) -> bool:
        """Whether the promise is kept."""
        low, high = self.interval
        return low <= self.found <= high


def findings_of_day(
    kind: Kind, seed: int, day: int, sensitivities: Sequence[Sensitivity], series: int = SERIES, hour: int = 0
) -> dict[Sensitivity, int]:
    """How many series of one quiet day from an hour on have a finding, by sensitivity; the same for the same seed."""
    rng = np.random.default_rng([seed, day, *kind.name.encode()])
    history, frame, pack = cluster_day(kind, rng, day % 7, series, hour)
    learnt = learn(history, pack)
    places = {key: place for place, key in enumerate(history.keys)}
    looks = second_looks(DEFAULT_LOOKS, pack, lambda keys: history.select([places[key] for key in keys]))
    return {each: len({anomaly.row for anomaly in detect(frame, learnt, pack, each, looks)}) for each in sensitivities}


def counts_of(kind: Kind, days: Sequence[dict[Sensitivity, int]], series: int = SERIES) -> list[Count]:
    """The counts of a kind's days, by sensitivity; a sensitivity counts the days on which it was asked for."""
    return [
        Count(kind.name, each, sum(day[each] for day in asked), len(asked) * series / SERIES)
        for each in Sensitivity
        if (asked := [day for day in days if each in day])
    ]
