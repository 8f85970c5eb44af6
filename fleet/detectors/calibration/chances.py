"""What turns daily maxima of a family of detectors into chances, and chances into thresholds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, Self

import numpy as np
import numpy.typing as npt

from fleet.detectors.contract import FloatArray

Rows = slice | npt.NDArray[np.intp]


class Chances(Protocol):
    """Chances of the daily maxima of some series. A digit is a factor of ten: 3 digits are one in a thousand."""

    @property
    def shape(self) -> tuple[int, int]:
        """Detectors and sides."""
        ...

    def select(self, rows: Rows) -> Self:
        """The same of some series."""
        ...

    def digits(self, maxima: FloatArray) -> FloatArray:
        """Digits by detector and side, (series, detectors, 2), of maxima of that shape."""
        ...

    def heights(self, digits: FloatArray) -> FloatArray:
        """The scores that have so many digits (series,), by detector and side: (series, detectors, 2)."""
        ...

    def no_news(self, weekdays: Sequence[int]) -> FloatArray:
        """Digits that a day on these weekdays (Monday 0) has to pass in order to be news for its series, (series,)."""
        ...

    def needed(self, chance: float) -> float:
        """The highest digits over detectors and sides that a quiet day of a series reaches with this chance."""
        ...

    def chance(self, digits: float) -> float:
        """The chance that a quiet day of a series reaches these digits with any detector on any side."""
        ...


def highest(digits: FloatArray) -> FloatArray:
    """The highest digits over detectors and sides, (series, …, detectors, 2) to (series, …); NaN where none is."""
    known = np.isfinite(digits)
    best = np.where(known, digits, -np.inf).max(axis=(-2, -1), initial=-np.inf)
    return np.where(known.any(axis=(-2, -1)), best, np.nan).astype(np.float32)
