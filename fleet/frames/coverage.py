"""How much of what was asked was seen. Unknown is never healthy."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from fleet.frames.pack import PackQuery
from fleet.frames.window import Window


class Signal(StrEnum):
    """What a cluster is seen by, in the order in which it is told."""

    METRICS = "metrics"
    ALERTS = "alerts"
    LOGS = "logs"
    TRACES = "traces"
    EVENTS = "events"

    @property
    def of_a_moment(self) -> bool:
        """Whether a source of it only tells how things stand now: a window is then seen at its end."""
        return self in {Signal.ALERTS, Signal.EVENTS}


class CoverageStatus(StrEnum):
    """``ok`` and ``absent`` are final; ``partial`` and ``unknown`` are asked again by the next run."""

    OK = "ok"
    PARTIAL = "partial"
    ABSENT = "absent"
    UNKNOWN = "unknown"

    @property
    def final(self) -> bool:
        """Whether asking again would be waste."""
        return self in {CoverageStatus.OK, CoverageStatus.ABSENT}


class QueryCoverage(BaseModel):
    """One query of a pack: its status, why, what the server warned of, and how many series answered.

    ``promql`` is what was asked where that was not the query's first form.
    """

    model_config = ConfigDict(frozen=True)

    query_id: str
    status: CoverageStatus
    reason: str = ""
    warnings: list[str] = Field(default_factory=list)
    series: int = 0
    promql: str = ""


class Coverage(BaseModel):
    """What one collector saw of one signal of one cluster in one window.

    ``object_key`` and ``object_hash`` name the stored frame (None where there is nothing to store).
    ``endpoint`` is the address that was asked ("" where nobody was), ``asked`` the query where it was no pack,
    ``error`` the class name of the failure that made it unknown.
    """

    cluster_id: str
    signal: str
    collector: str
    window: Window
    step_seconds: int
    pack_hash: str = ""
    status: CoverageStatus
    reason: str = ""
    error: str = ""
    endpoint: str = ""
    asked: str = ""
    queries: list[QueryCoverage] = Field(default_factory=list)
    object_key: str | None = None
    object_hash: str | None = None
    object_bytes: int = 0
    collected_at: datetime | None = None

    @property
    def is_gap(self) -> bool:
        """Whether something was missed that should have been seen.

        That an operator registered no source of a signal is no gap, but for metrics: without them nothing is judged.
        """
        return not self.status.final and bool(self.endpoint or self.signal == Signal.METRICS)


def seen_queries(coverage: Iterable[Coverage]) -> set[str]:
    """The queries that were seen whole in each of these chunks: only of them does silence mean that all is well."""
    seen: set[str] = set()
    missed: set[str] = set()
    for chunk in coverage:
        for query in chunk.queries:
            (seen if query.status.final else missed).add(query.query_id)
        if not chunk.queries and not chunk.status.final:
            # A chunk of which nothing is known hides every query.
            return set()
    return seen - missed


def absent_queries(coverage: Iterable[Coverage]) -> set[str]:
    """The queries whose metrics the cluster did not have in any of these chunks."""
    return {query.query_id for chunk in coverage for query in chunk.queries if query.status is CoverageStatus.ABSENT}


def promql_asked(query: PackQuery, coverage: Iterable[Coverage], window: Window) -> str:
    """The PromQL behind a query's values in a window; where chunks were asked different forms, each on a line."""
    asked = [
        each.promql or query.promql
        for chunk in coverage
        if chunk.window.overlaps(window)
        for each in chunk.queries
        if each.query_id == query.id and each.status in {CoverageStatus.OK, CoverageStatus.PARTIAL}
    ]
    return "\n".join(dict.fromkeys(asked)) or query.promql


def combine(statuses: list[CoverageStatus]) -> CoverageStatus:
    """The status of a whole from its parts.

    Absent parts take nothing away; all absent is absent. Every remaining part unknown is unknown; any
    part unknown or partial makes the whole partial. No parts at all is unknown: nothing was seen.
    """
    seen = [status for status in statuses if status is not CoverageStatus.ABSENT]
    if not statuses:
        return CoverageStatus.UNKNOWN
    if not seen:
        return CoverageStatus.ABSENT
    if all(status is CoverageStatus.UNKNOWN for status in seen):
        return CoverageStatus.UNKNOWN
    if all(status is CoverageStatus.OK for status in seen):
        return CoverageStatus.OK
    return CoverageStatus.PARTIAL
