"""What turns daily maxima of a family of detectors into chances, and chances into thresholds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, Self

import numpy as np
import numpy.typing as npt

from fleet.detectors.contract import FloatArray

Rows = slice | npt.NDArray[np.intp]


class Chances(Protocol):
    """Chances of the daily maxima of some series."""

    def select(self, rows: Rows) -> Self:
        """The same of some series."""
        ...

    def thresholds(self, chance: float, weekdays: Sequence[int]) -> FloatArray:
        """The scores by detector and side, one of which a quiet day on these weekdays passes with this chance.

        Args:
            weekdays: on which the judged window lies, Monday 0.

        Returns:
            (series, detectors, 2); NaN for what does not count.
        """
        ...

    def chances(self, scores: FloatArray, weekdays: Sequence[int]) -> FloatArray:
        """The chances that a quiet day reaches scores, (series, detectors, 2), with any detector on any side."""
        ...


def highest(digits: FloatArray) -> FloatArray:
    """The highest digits over detectors and sides, (series, …, detectors, 2) to (series, …); NaN where none is."""
    best = np.full(digits.shape[:-2], np.nan, dtype=np.float32)
    # One at a time: numpy is slow where it reduces few values at once.
    for detector, side in np.ndindex(*digits.shape[-2:]):
        np.fmax(best, digits[..., detector, side], out=best)
    return best
