"""Every detector that a scan runs."""

from __future__ import annotations

from fleet.detectors.contract import Detector
from fleet.detectors.screen.count_tail import CountTail
from fleet.detectors.screen.interquartile import Interquartile
from fleet.detectors.screen.level_shift import LevelShift
from fleet.detectors.screen.robust_zscore import RobustZScore
from fleet.detectors.screen.screen import Screen
from fleet.detectors.screen.staleness import Staleness
from fleet.detectors.screen.state_change import StateChange
from fleet.detectors.screen.threshold import Threshold
from fleet.frames.pack import QueryPack


def screens() -> tuple[Screen, ...]:
    """The detectors for gauges and ratios; their shares of the false-alarm budget sum to 1."""
    return (RobustZScore(), Interquartile(), LevelShift())


def catalogue(pack: QueryPack) -> tuple[Detector, ...]:
    """All detectors, each once."""
    return (*screens(), CountTail(), StateChange(), Staleness(), Threshold(pack))
