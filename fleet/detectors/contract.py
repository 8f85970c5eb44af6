"""What every detector is: series in, scores out. Higher is more anomalous, always; a threshold is somebody else's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import numpy as np
import numpy.typing as npt

from fleet.frames.frame import Frame

FloatArray = npt.NDArray[np.float32]


class Sensitivity(StrEnum):
    """A budget of false findings per cluster and day, for 5,000 series: LOW 0.1, MEDIUM 0.5, HIGH 2, EXTREME 10."""

    LOW = "LOW"
    MEDIUM = "MEDIUM"
    HIGH = "HIGH"
    EXTREME = "EXTREME"

    @property
    def false_findings_per_day(self) -> float:
        """The expected number of false findings per cluster of 5,000 series and day."""
        return {"LOW": 0.1, "MEDIUM": 0.5, "HIGH": 2.0, "EXTREME": 10.0}[self.value]


@dataclass(frozen=True)
class Baseline:
    """What a detector expected, on the scored frame's grid: three float32 arrays of the frame's shape.

    ``low`` and ``high`` bound the usual range (about the central 99%), ``middle`` is the expected value.
    """

    low: FloatArray
    middle: FloatArray
    high: FloatArray


@dataclass(frozen=True)
class Scores:
    """A detector's answer for a frame.

    Attributes:
        values: float32 of the frame's shape; higher is more anomalous, 0 is as expected, NaN where it cannot say.
        signs: +1 above, -1 below what was expected, 0 neither; int8 of the frame's shape.
        baseline: what was expected, or None for a detector that has no such notion.
    """

    values: FloatArray
    signs: npt.NDArray[np.int8]
    baseline: Baseline | None = None


class Detector(Protocol):
    """One way to see that a series is not as it was. Construction only stores parameters; scoring is pure.

    A class's docstring states its assumption, when it fails, its cost and its source.
    """

    name: str

    def score(self, frame: Frame, history: Frame | None) -> Scores:
        """Scores for every point of ``frame``.

        Args:
            frame: what is judged, step 30 s by default.
            history: earlier values of the same series on a coarser grid (5 minutes, up to 14 days, ending
                where ``frame`` starts); its rows need not be in the same order, and series may be missing.
                None where nothing is known of the past.
        """
        ...


@dataclass(frozen=True)
class Anomaly:
    """A stretch of one series that a detector holds to be anomalous.

    Attributes:
        row: the series' row in the scored frame.
        first, last: columns of the stretch, both inclusive.
        score: the stretch's score; ``threshold`` is what it had to pass at the sensitivity asked for.
        sign: +1 above, -1 below, 0 for a gap.
        observed: the most extreme value; NaN for a gap.
        baseline: low, middle and high of what was expected at that point; NaN where there is no notion of it.
        p_value: the chance of such a score on a quiet series, where the detector can say; else None.
        detectors: names of the detectors that agree.
        seconds_to_full: earliest and latest time from the frame's end until the series is full, if it fills up.
    """

    row: int
    first: int
    last: int
    score: float
    threshold: float
    sign: int
    observed: float
    baseline: tuple[float, float, float]
    p_value: float | None
    detectors: Sequence[str]
    seconds_to_full: tuple[float, float] | None = None
