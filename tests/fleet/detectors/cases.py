"""The detectors under conformance, one line each: what it judges, what it sees there, what it is excused from."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.util import find_spec

import numpy as np
import pytest

from fleet.detectors.catalogue import catalogue
from fleet.detectors.contract import Detector, Scores
from fleet.frames.frame import Frame
from fleet.frames.pack import QueryKind
from tests.fleet.detectors.series import Values, pack_of, points, query, quiet, split

PACK = pack_of(query("gauge", warning=25.0, critical=40.0), query("count", QueryKind.COUNT))
PLANTED = slice(1500, 1800)
AFTER = 120
"""Columns after what was planted in which detectors that look back may still see it."""
UP, DOWN, VANISHES, CONSTANT, HOLES, NEARLY_CONSTANT, *QUIET = range(10)


class Planted(StrEnum):
    """What happens to the first rows of a scene."""

    JUMP = "jump"
    SPIKE = "spike"
    RAMP = "ramp"
    LEAK = "leak"
    ROUGHNESS = "roughness"
    GAP = "gap"


@dataclass(frozen=True)
class Case:
    """A detector and what is to be expected of it.

    Attributes:
        name: the detector's.
        judges: the kind of series that it is for: ``gauge``, ``count`` or ``state``.
        sees: what it scores higher than all quiet series.
        sided: whether it tells above from below.
        unitless: whether a series' unit and origin make no difference.
        alone: whether a series scores alone as it does among others.
        needs_past: whether a series that the history lacks is unknown to it.
        many: rows of a frame that is large for it.
        package: what has to be installed for it.
    """

    name: str
    judges: str = "gauge"
    sees: Planted = Planted.JUMP
    sided: bool = True
    unitless: bool = True
    alone: bool = True
    needs_past: bool = True
    many: int = 1000
    package: str | None = None

    @property
    def detector(self) -> Detector:
        return next(each for each in catalogue(PACK) if each.name == self.name)

    @property
    def installed(self) -> bool:
        return self.package is None or find_spec(self.package) is not None


CASES = (
    Case("robust-zscore"),
    Case("hampel", sees=Planted.SPIKE),
    Case("level-shift"),
    Case("step-change"),
    Case("trend-change", sees=Planted.RAMP),
    Case("variance-change", sees=Planted.ROUGHNESS, sided=False),
    Case("interquartile"),
    Case("count-tail", judges="count", sided=False, unitless=False, alone=False, needs_past=False),
    Case("state-change", judges="state"),
    Case("staleness", sees=Planted.GAP, sided=False),
    Case("threshold", sided=False, unitless=False, needs_past=False),
    Case("saturation", sees=Planted.LEAK, sided=False, unitless=False),
    Case("subspace", many=100),
    Case("matrix-profile", many=2),
    Case("isolation-forest", many=2),
    Case("ecod", many=2),
    Case("one-class-svm", many=2),
    Case("joint-deviation", many=100),
    Case("prophet-forecast", many=2, package="prophet"),
    Case("lstm-autoencoder", many=2, package="torch"),
)


def each_case(**wanted: bool) -> pytest.MarkDecorator:
    """A test of every case of which these attributes are so; those that are not installed are skipped and say so."""
    chosen = [case for case in CASES if all(getattr(case, name) == value for name, value in wanted.items())]
    return pytest.mark.parametrize(
        "case",
        [
            pytest.param(
                case,
                id=case.name,
                marks=pytest.mark.skipif(not case.installed, reason=f"{case.package} is not installed"),
            )
            for case in chosen
        ],
    )


@cache
def scene_of(judges: str, sees: Planted) -> tuple[Frame, Frame]:
    """Ten series of a kind, quiet in the past; in the frame something happens to the first three. Not to be written."""
    rng = np.random.default_rng(1)
    count = len(QUIET) + NEARLY_CONSTANT + 1
    jump = {"gauge": 40.0, "count": 6.0, "state": 1.0}[judges]
    values: Values
    if judges == "state":
        values = np.ones((count, points()), dtype=np.float32)
    elif judges == "count":
        values = np.repeat(rng.poisson(0.005, (count, points() // 20)), 20, axis=1).astype(np.float32)
    else:
        values = quiet(count, seed=3)
    values[CONSTANT] = 7.0
    values[NEARLY_CONSTANT] = 7.0 + 1e-6 * rng.standard_normal(values.shape[1])
    values[HOLES, rng.random(values.shape[1]) < 0.2] = np.nan
    frame, history = split(values, judges)
    planted = slice(900, PLANTED.stop) if sees is Planted.LEAK else PLANTED
    length = planted.stop - planted.start
    shape = {
        Planted.SPIKE: np.where(np.arange(length) // 10 == 20, jump, 0),
        Planted.RAMP: np.linspace(0, jump, length),
        Planted.LEAK: np.linspace(0, 0.6 * jump, length),
        Planted.ROUGHNESS: jump * (-1.0) ** (np.arange(length) // 10),
    }.get(sees, np.full(length, jump))
    frame.values[UP, planted] += shape
    frame.values[DOWN, planted] -= shape
    frame.values[UP if sees is Planted.GAP else VANISHES, PLANTED] = np.nan
    frame.values.flags.writeable = history.values.flags.writeable = False
    return frame, history


@cache
def scored(case: Case) -> Scores:
    """The scene as the detector scores it by its history."""
    return case.detector.score(*scene_of(case.judges, case.sees))
