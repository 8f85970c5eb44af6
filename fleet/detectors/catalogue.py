"""Every detector that a scan runs."""

from __future__ import annotations

from fleet.detectors.contract import Detector
from fleet.detectors.screen.count_tail import CountTail
from fleet.detectors.screen.hampel import Hampel
from fleet.detectors.screen.interquartile import Interquartile
from fleet.detectors.screen.level_shift import LevelShift
from fleet.detectors.screen.robust_zscore import RobustZScore
from fleet.detectors.screen.screen import Screen
from fleet.detectors.screen.staleness import Staleness
from fleet.detectors.screen.state_change import StateChange
from fleet.detectors.screen.step_change import StepChange
from fleet.detectors.screen.threshold import Threshold
from fleet.detectors.screen.trend_change import TrendChange
from fleet.detectors.screen.variance_change import VarianceChange
from fleet.frames.pack import QueryPack


def screens() -> tuple[Screen, ...]:
    """The detectors for gauges and ratios; their shares of the false-alarm budget sum to 1.

    The interquartile distance is none of them: beyond a quartile it orders the values of a series as the robust z-score
    does, so that against the series' own past it finds the same.
    """
    return (RobustZScore(), Hampel(), LevelShift(), StepChange(), TrendChange(), VarianceChange())


def catalogue(pack: QueryPack) -> tuple[Detector, ...]:
    """All detectors, each once."""
    return (*screens(), Interquartile(), CountTail(), StateChange(), Staleness(), Threshold(pack))
