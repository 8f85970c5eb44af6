"""What judging some of a cluster's series has to know of all of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Flags = npt.NDArray[np.bool_]

_WHOLE_CLUSTER = 0.7
"""Where more than this share of all series is missing, we could not see: that is coverage, and no finding."""


@dataclass(frozen=True)
class Whole:
    """A cluster's frame, of which some series at a time are judged.

    Attributes:
        series: how many there are.
        unseen: columns at which nearly the whole cluster is missing.
    """

    series: int
    unseen: Flags

    @classmethod
    def of(cls, series: int, seen: npt.NDArray[np.int64]) -> Whole:
        """The whole of which so many series have a sample at each column."""
        # Where nothing is seen at any column, nothing can be said to have vanished.
        return cls(series, np.asarray(seen < (1 - _WHOLE_CLUSTER) * seen.max(initial=1)))
