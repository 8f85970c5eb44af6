"""What the pack says of each row of a frame, as arrays: its kind of value, which side hurts, how long it must last."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import numpy as np
import numpy.typing as npt

from fleet.detectors.contract import FloatArray, Sensitivity
from fleet.frames.frame import Frame
from fleet.frames.pack import Direction, PackQuery, QueryKind, QueryPack
from fleet.inventory.subject import SubjectKind

_STRICT = {Sensitivity.LOW, Sensitivity.MEDIUM}
_STATE_SECONDS = {Sensitivity.LOW: 900, Sensitivity.MEDIUM: 600, Sensitivity.HIGH: 600, Sensitivity.EXTREME: 600}
"""How long a state has to be away from its level: shorter departures are seen on quiet clusters too."""
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
        measured, counted, states: which rows are gauges or ratios, counts, states; rows whose query the pack does
            not know, or that never hurt, are none of them.
        up, down: whether that side hurts.
        lasting: rows whose absence is news.
        pools: number of the row's query.
        absolute, relative: the least departure that matters is the larger of ``absolute`` and ``relative`` × usual.
        shortest: blocks that an anomaly has to last.
    """

    measured: npt.NDArray[np.bool_]
    counted: npt.NDArray[np.bool_]
    states: npt.NDArray[np.bool_]
    up: npt.NDArray[np.bool_]
    down: npt.NDArray[np.bool_]
    lasting: npt.NDArray[np.bool_]
    pools: npt.NDArray[np.intp]
    absolute: FloatArray
    relative: FloatArray
    shortest: npt.NDArray[np.intp]

    def sided(self, side: int) -> npt.NDArray[np.bool_]:
        """The rows that this side (+1 or -1) hurts."""
        return self.up if side > 0 else self.down

    @classmethod
    def of(cls, frame: Frame, pack: QueryPack, sensitivity: Sensitivity, block_seconds: int) -> RowRules:
        """The rules for a frame's rows, in blocks of this length."""
        queries = {query.id: query for query in pack.queries}
        numbers = {query_id: number for number, query_id in enumerate(dict.fromkeys(k.query_id for k in frame.keys))}
        rows = [queries.get(key.query_id) for key in frame.keys]

        def flags(chosen: list[bool]) -> npt.NDArray[np.bool_]:
            return np.array(chosen, dtype=np.bool_)

        def is_kind(*kinds: QueryKind) -> npt.NDArray[np.bool_]:
            return flags(
                [row is not None and row.direction is not Direction.NONE and row.kind in kinds for row in rows]
            )

        ratio = is_kind(QueryKind.RATIO)
        return cls(
            measured=is_kind(QueryKind.GAUGE, QueryKind.RATIO),
            counted=is_kind(QueryKind.COUNT),
            states=is_kind(QueryKind.STATE),
            up=flags([row is not None and row.direction in {Direction.UP, Direction.BOTH} for row in rows]),
            down=flags([row is not None and row.direction in {Direction.DOWN, Direction.BOTH} for row in rows]),
            lasting=flags([row is not None and _absence_hurts(row) for row in rows]),
            pools=np.array([numbers[key.query_id] for key in frame.keys], dtype=np.intp),
            absolute=np.where(ratio, _LEAST_RATIO_CHANGE, 0).astype(np.float32),
            relative=np.where(ratio, 0, _LEAST_GAUGE_CHANGE).astype(np.float32),
            shortest=np.array([_shortest(row, sensitivity, block_seconds) for row in rows], dtype=np.intp),
        )


def _absence_hurts(query: PackQuery) -> bool:
    return query.direction is not Direction.NONE and query.subject.kind in _LASTING_SUBJECTS


def _shortest(query: PackQuery | None, sensitivity: Sensitivity, block_seconds: int) -> int:
    """Blocks that an anomaly of this query has to last; events leave their mark on a count for 5 minutes at least."""
    kind = query.kind if query is not None else QueryKind.GAUGE
    if kind is QueryKind.STATE:
        seconds = _STATE_SECONDS[sensitivity]
    elif kind is QueryKind.COUNT or sensitivity not in _STRICT:
        seconds = 300
    else:
        seconds = 600
    return max(1, ceil(seconds / block_seconds))
