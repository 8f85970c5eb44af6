"""What was learnt from a cluster's past, as it is stored: plain arrays and JSON, and nothing that runs when read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import JsonValue

from fleet.frames.frame import SeriesKey

LEARNING_VERSION = 5
"""Of what learning makes of a past. Raise it when arrays or facts change their form or their meaning: what an earlier
version learnt is then learnt anew, and never read."""

_NAME = re.compile(r"(?!query$|label_)[a-z][a-z0-9_]{0,62}")
_KINDS = "biuf"


@dataclass(frozen=True)
class TrainedState:
    """What learning made of some series.

    Attributes:
        keys: the series, each once.
        columns: arrays by name (lower case, digits and underscores; none of them ``query`` or ``label_…``), of
            booleans, integers or floats in the machine's byte order, with ``len(keys)`` as their first dimension and up
            to two more, which are not empty.
        facts: what is true of all of them, as JSON: numbers, pooled tails, the grid. NaN and infinities are allowed in
            columns, not here.
    """

    keys: list[SeriesKey]
    columns: dict[str, npt.NDArray[Any]]
    facts: dict[str, JsonValue]

    def __post_init__(self) -> None:
        for name, column in self.columns.items():
            if not _NAME.fullmatch(name):
                raise ValueError(f"{name!r} is no name of a column")
            if column.dtype.kind not in _KINDS or not column.dtype.isnative:
                raise ValueError(f"column {name} is of {column.dtype}, which is not stored")
            if not 1 <= column.ndim <= 3 or column.shape[0] != len(self.keys) or 0 in column.shape[1:]:
                raise ValueError(f"column {name} has the shape {column.shape} for {len(self.keys)} series")

    @property
    def nbytes(self) -> int:
        """Bytes of the columns."""
        return sum(column.nbytes for column in self.columns.values())

    def select(self, rows: Sequence[int] | npt.NDArray[np.intp]) -> TrainedState:
        """The state of some series."""
        wanted = np.asarray(rows, dtype=np.intp)
        columns = {name: column[wanted] for name, column in self.columns.items()}
        return TrainedState([self.keys[row] for row in wanted.tolist()], columns, self.facts)
