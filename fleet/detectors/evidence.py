"""What a detector says of the series that it holds to be anomalous."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import numpy.typing as npt

from fleet.detectors.contract import FloatArray
from fleet.detectors.stretches import lasting
from fleet.frames.frame import Frame

Flags = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Evidence:
    """What one detector says about one side of some rows, on the history's grid.

    Attributes:
        detector: its name.
        side: +1 or -1.
        rows: of the frame, rising.
        flags: where it holds them to be anomalous, (rows, points): what did not last is not flagged.
        scores: oriented so that higher is further on this side, (rows, points).
        thresholds: by row.
        chance: the chance of a score on a quiet day of a row (its place here), where there is such a model.
        late: by how many points it is late, waiting for what comes after a value.
    """

    detector: str
    side: int
    rows: Ints
    flags: Flags
    scores: FloatArray
    thresholds: FloatArray
    chance: Callable[[int, float], float] | None = None
    late: int = 0

    @classmethod
    def of(
        cls,
        judged_by: tuple[str, int],
        rows: Ints,
        scores: FloatArray,
        thresholds: FloatArray,
        shortest: Ints,
        chance: Callable[[int, float], float] | None = None,
    ) -> Evidence:
        """Evidence of scores that pass their thresholds for long enough.

        Args:
            judged_by: the detector's name, and the side.
            shortest: points that an anomaly of each row has to last.
        """
        flags = lasting(scores, shortest) >= thresholds[:, None]
        with np.errstate(invalid="ignore"):
            flags &= scores >= thresholds[:, None]
        return cls(*judged_by, rows, flags, scores, thresholds, chance)

    def placed(self, first: int, points: int) -> Self:
        """The same of some of so many points, beginning with ``first``: of the others nothing is known."""
        here = slice(first, first + self.flags.shape[1])
        flags = np.zeros((len(self.rows), points), dtype=np.bool_)
        scores = np.full(flags.shape, np.nan, dtype=np.float32)
        flags[:, here], scores[:, here] = self.flags, self.scores
        return replace(self, flags=flags, scores=scores)

    def within(self, row: int, first: int, last: int) -> tuple[int, float] | None:
        """The row's place here and its highest score between two points, if any of them is flagged."""
        place = int(np.searchsorted(self.rows, row))
        if place == len(self.rows) or self.rows[place] != row or not self.flags[place, first : last + 1].any():
            return None
        return place, float(np.nanmax(self.scores[place, first : last + 1]))


def flags_of(evidence: list[Evidence], points: Frame) -> tuple[Ints, Flags]:
    """The rows of which anything is said, rising, and where it is."""
    rows = np.unique(np.concatenate([each.rows[each.flags.any(axis=1)] for each in evidence]))
    flags = np.zeros((len(rows), points.points), dtype=np.bool_)
    for each in evidence:
        here = np.isin(each.rows, rows)
        flags[np.searchsorted(rows, each.rows[here])] |= each.flags[here]
    return rows.astype(np.intp), flags
