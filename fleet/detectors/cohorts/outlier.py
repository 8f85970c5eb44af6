"""A member of a cohort that is unlike the others, and the metrics by which members are compared."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fleet.detectors.cohorts.cohort import Cohort
from fleet.detectors.cohorts.comparison import Column, Departures
from fleet.detectors.cohorts.scale import scale_of
from fleet.detectors.cohorts.trimmed import FloatArray
from fleet.frames.pack import Direction, PackQuery
from fleet.inventory.subject import Subject


@dataclass(frozen=True)
class Outlier:
    """A member that is unlike the others of its cohort.

    Attributes:
        query_id: of the metric; ``subject``: the member.
        cohort: what it is a member of; ``seen`` of its ``known`` members were compared, itself among them.
        sign: +1 above the others, -1 below.
        value: of the member: the median of the window, in the metric's unit.
        centre, low, high: of the others: their centre, and about the central 99% of them.
        p_value: the chance of such a departure where nothing is wrong.
        q_value: the false-discovery rate at which it is a discovery, over all comparisons of the scan.
    """

    query_id: str
    subject: Subject
    cohort: Cohort
    seen: int
    known: int
    sign: int
    value: float
    centre: float
    low: float
    high: float
    p_value: float
    q_value: float

    @classmethod
    def of(
        cls, query_id: str, subject: Subject, cohort: Cohort, column: Column, departures: Departures, member: int
    ) -> Outlier:
        """What is to be said of a column's member."""
        return cls(
            query_id=query_id,
            subject=subject,
            cohort=cohort,
            seen=departures.size,
            known=column.values.size,
            sign=int(departures.sign[member]),
            value=float(column.values[member]),
            centre=float(departures.centre[member]),
            low=float(departures.low[member]),
            high=float(departures.high[member]),
            p_value=float(departures.chance[member]),
            q_value=float(departures.q[member]),
        )


def is_compared(query: PackQuery) -> bool:
    """Whether members of a cohort are compared by a query: one that hurts, of levels or shares, alike among likes."""
    return query.alike and query.direction is not Direction.NONE and scale_of(query) is not None


def column_of(query: PackQuery, cohort: Cohort, members: list[str], now: FloatArray, usual: FloatArray) -> Column:
    """A query's column of a cohort.

    Raises:
        ValueError: members are not compared by this query.
    """
    scale = scale_of(query)
    if scale is None:
        raise ValueError(f"{query.id} is of kind {query.kind}, by which nothing is compared")
    known = usual if np.isfinite(usual).any() else None
    return Column(f"{cohort.kind} {scale.name}", scale, query.direction, members, now, known)
