"""Every detector, by what it is for."""

from __future__ import annotations

from fleet.detectors.contract import Detector
from fleet.detectors.extras.lstm_autoencoder import LstmAutoencoder
from fleet.detectors.extras.prophet_forecast import ProphetForecast
from fleet.detectors.screen.count_tail import CountTail
from fleet.detectors.screen.hampel import Hampel
from fleet.detectors.screen.interquartile import Interquartile
from fleet.detectors.screen.level_shift import LevelShift
from fleet.detectors.screen.robust_zscore import RobustZScore
from fleet.detectors.screen.saturation import Saturation
from fleet.detectors.screen.screen import Screen
from fleet.detectors.screen.staleness import Staleness
from fleet.detectors.screen.state_change import StateChange
from fleet.detectors.screen.step_change import StepChange
from fleet.detectors.screen.threshold import Threshold
from fleet.detectors.screen.trend_change import TrendChange
from fleet.detectors.screen.variance_change import VarianceChange
from fleet.detectors.shortlist.ecod import Ecod
from fleet.detectors.shortlist.isolation_forest import IsolationForest
from fleet.detectors.shortlist.joint_deviation import JointDeviation
from fleet.detectors.shortlist.matrix_profile import MatrixProfile
from fleet.detectors.shortlist.one_class_svm import OneClassSvm
from fleet.detectors.shortlist.subjects import subjects_of
from fleet.detectors.shortlist.subspace import SubspaceWindows
from fleet.frames.pack import QueryPack


def screens() -> tuple[Screen, ...]:
    """For gauges and ratios, over whole frames; each finds what the others miss.

    The interquartile distance is none of them: beyond a quartile it ranks a series' values as the robust z-score does,
    so that against the series' own past it finds the same.
    """
    return (
        RobustZScore(),
        Hampel(),
        LevelShift(),
        StepChange(),
        TrendChange(),
        VarianceChange(),
    )


def of_other_kinds(pack: QueryPack) -> tuple[Detector, ...]:
    """For counts, states, gaps and bounds, over whole frames."""
    return (CountTail(), StateChange(), Staleness(), Threshold(pack), Saturation(pack))


def of_shortlist(pack: QueryPack) -> tuple[Detector, ...]:
    """For the few series that the screen passes on: up to a tenth of a second a series."""
    return (
        SubspaceWindows(),
        MatrixProfile(),
        IsolationForest(),
        Ecod(),
        OneClassSvm(),
        JointDeviation(subjects_of(pack)),
    )


def extras() -> tuple[ProphetForecast | LstmAutoencoder, ...]:
    """Those that need packages which only some installations have; scoring raises ``UsageError`` without them."""
    return (ProphetForecast(), LstmAutoencoder())


def catalogue(pack: QueryPack) -> tuple[Detector, ...]:
    """All detectors, each once."""
    return (*screens(), Interquartile(), *of_other_kinds(pack), *of_shortlist(pack), *extras())
