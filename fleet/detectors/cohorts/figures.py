"""One figure a series: where it lies for most of a window, and where it lay before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from fleet.detectors.cohorts.trimmed import FloatArray
from fleet.frames.frame import Frame, SeriesKey
from fleet.frames.window import HISTORY_STEP_SECONDS

_LEAST_SEEN = 0.5
"""Share of a window that has to be seen: a median of less may be of one hour of the day."""


@dataclass(frozen=True)
class Figures:
    """Series by one figure each; a frame may be read in parts, since two numbers a series are kept.

    Attributes:
        keys: of the series.
        now: medians over the window, (len(keys),), NaN where less than half of it was seen.
        usual: their level before it, (len(keys),), NaN where it is not known.
    """

    keys: list[SeriesKey]
    now: FloatArray
    usual: FloatArray

    @classmethod
    def of(cls, frame: Frame, usual: npt.NDArray[np.float32] | None = None) -> Self:
        """The figures of a frame's series, of every fifth minute's sample.

        Args:
            frame: the window.
            usual: the level of each row before the window, NaN where it is not known.
        """
        every = max(1, HISTORY_STEP_SECONDS // frame.step_seconds)
        values = frame.values[:, ::every].astype(np.float64)
        values[~np.isfinite(values)] = np.nan
        values.sort(axis=1)
        seen = np.isfinite(values).sum(axis=1)
        rows = np.arange(len(frame.keys))
        middle = [values[rows, np.maximum(place, 0)] for place in ((seen - 1) // 2, np.minimum(seen // 2, seen - 1))]
        enough = seen >= max(1.0, _LEAST_SEEN * values.shape[1])
        before = np.full(len(frame.keys), np.nan) if usual is None else usual.astype(np.float64)
        return cls(frame.keys, np.where(enough, (middle[0] + middle[1]) / 2, np.nan), before)

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """The figures of several parts of a frame."""
        return cls(
            [key for part in parts for key in part.keys],
            np.concatenate([part.now for part in parts] or [np.zeros(0)]),
            np.concatenate([part.usual for part in parts] or [np.zeros(0)]),
        )
