"""Every detector that a scan runs."""

from __future__ import annotations

from fleet.detectors.contract import Detector
from fleet.detectors.count_tail import CountTail
from fleet.detectors.interquartile import Interquartile
from fleet.detectors.level_shift import LevelShift
from fleet.detectors.robust_zscore import RobustZScore
from fleet.detectors.screen import Screen
from fleet.detectors.staleness import Staleness
from fleet.detectors.state_change import StateChange
from fleet.detectors.threshold import Threshold
from fleet.frames.pack import QueryPack


def screens() -> tuple[Screen, ...]:
    """The detectors for gauges and ratios; their shares of the false-alarm budget sum to 1."""
    return (RobustZScore(), Interquartile(), LevelShift())


def catalogue(pack: QueryPack) -> tuple[Detector, ...]:
    """All detectors, each once."""
    return (*screens(), CountTail(), StateChange(), Staleness(), Threshold(pack))
