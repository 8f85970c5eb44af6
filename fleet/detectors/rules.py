"""What the pack says of each row of a frame, as arrays: its kind of value, which side hurts, how long it must last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np
import numpy.typing as npt

from fleet.detectors.contract import FloatArray, Sensitivity
from fleet.frames.frame import SeriesKey
from fleet.frames.pack import Direction, PackQuery, QueryKind, QueryPack
from fleet.inventory.subject import SubjectKind

Flags = npt.NDArray[np.bool_]

STATE_SECONDS = {Sensitivity.LOW: 900, Sensitivity.MEDIUM: 600, Sensitivity.HIGH: 600, Sensitivity.EXTREME: 600}
"""How long a state has to be away from its level: shorter departures are seen on quiet clusters too."""
_GAUGE_SECONDS = 600
"""Two points on the history's grid: what is seen at one of them only is a spike."""
_COUNT_SECONDS = 300
"""Events leave their mark on a count for 5 minutes at least."""
_LASTING_SUBJECTS = {SubjectKind.CLUSTER, SubjectKind.NODE, SubjectKind.DEVICE, SubjectKind.COMPONENT}
"""Things whose absence is news; pods, workloads, volumes and routes come and go by somebody's will."""
_LEAST_RATIO_CHANGE = 0.02
"""Two points of a hundred: a smaller departure of a share may be certain, and still matters to nobody."""
_LEAST_GAUGE_CHANGE = 0.1
"""A tenth of what is usual."""


@dataclass(frozen=True)
class RowRules:
    """Rules by row of a frame.

    Attributes:
        measured, counted, states: which rows are gauges (or rates of counters) or ratios, counts, states; rows whose
            query the pack does not know, or that never hurt, are none of them.
        up, down: whether that side hurts.
        lasting: rows whose absence is news.
        pools: number of the row's query.
        absolute, relative: the least departure that matters is the larger of ``absolute`` and ``relative`` × usual.
        warning: the pack's warning bound, NaN where there is none; ``warning_side`` is the side (+1 or −1) beyond it.
        shortest: points of the history's grid that an anomaly has to last.
        apart: points of it by which counts lie apart that have no event in common.
    """

    measured: Flags
    counted: Flags
    states: Flags
    up: Flags
    down: Flags
    lasting: Flags
    pools: npt.NDArray[np.intp]
    absolute: FloatArray
    relative: FloatArray
    warning: FloatArray
    warning_side: FloatArray
    shortest: npt.NDArray[np.intp]
    apart: npt.NDArray[np.intp]

    def sided(self, side: int) -> Flags:
        """The rows that this side (+1 or -1) hurts."""
        return self.up if side > 0 else self.down

    def select(self, rows: slice | npt.NDArray[np.intp]) -> RowRules:
        """The rules of some rows."""
        return RowRules(**{name: column[rows] for name, column in vars(self).items()})

    @classmethod
    def of(cls, keys: Sequence[SeriesKey], pack: QueryPack, step_seconds: int) -> RowRules:
        """The rules for series on a grid of this step."""
        queries = {query.id: query for query in pack.queries}
        numbers = {query_id: number for number, query_id in enumerate(dict.fromkeys(key.query_id for key in keys))}
        pools = np.array([numbers[key.query_id] for key in keys], dtype=np.intp)
        of_query = [_rule_of(queries.get(query_id), step_seconds) for query_id in numbers]
        columns = {
            name: np.array([rule[name] for rule in of_query], dtype=dtype)[pools] for name, dtype in _COLUMNS.items()
        }
        return cls(pools=pools, **columns)


_COLUMNS: dict[str, type[np.generic]] = {
    **dict.fromkeys(("measured", "counted", "states", "up", "down", "lasting"), np.bool_),
    **dict.fromkeys(("absolute", "relative", "warning", "warning_side"), np.float32),
    **dict.fromkeys(("shortest", "apart"), np.intp),
}


def _rule_of(query: PackQuery | None, step_seconds: int) -> dict[str, float]:
    """What holds for all series of a query; for one that the pack lacks, nothing hurts."""
    if query is None or query.direction is Direction.NONE:
        return {**dict.fromkeys(_COLUMNS, 0), "warning": np.nan, "warning_side": 1, "shortest": 1, "apart": 1}
    ratio = query.kind is QueryKind.RATIO
    counted = query.kind is QueryKind.COUNT
    warning = query.thresholds.warning
    return {
        "measured": query.kind in {QueryKind.GAUGE, QueryKind.RATIO, QueryKind.COUNTER},
        "counted": counted,
        "states": query.kind is QueryKind.STATE,
        "up": query.direction in {Direction.UP, Direction.BOTH},
        "down": query.direction in {Direction.DOWN, Direction.BOTH},
        "lasting": query.subject.kind in _LASTING_SUBJECTS,
        "absolute": _LEAST_RATIO_CHANGE if ratio else 0,
        "relative": 0 if ratio else _LEAST_GAUGE_CHANGE,
        "warning": np.nan if warning is None else warning,
        "warning_side": -1 if query.direction is Direction.DOWN else 1,
        "shortest": max(1, ceil((_COUNT_SECONDS if counted else _GAUGE_SECONDS) / step_seconds)),
        "apart": max(1, ceil(max(_COUNT_SECONDS, query.range_seconds) / step_seconds)),
    }
