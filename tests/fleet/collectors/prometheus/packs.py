"""Small packs for tests."""

from __future__ import annotations

from fleet.frames.pack import Direction, PackQuery, QueryKind, QueryPack, Severity, SignalGroup, SubjectLabels
from fleet.inventory.subject import SubjectKind


def pack_of(*queries: tuple[str, str, list[str]]) -> QueryPack:
    """A pack of queries given as id, PromQL and needed metrics."""
    return QueryPack(
        name="small",
        version=1,
        queries=[
            PackQuery(
                id=query_id,
                title=query_id,
                group=SignalGroup.CPU,
                promql=promql,
                unit="count",
                kind=QueryKind.GAUGE,
                direction=Direction.UP,
                subject=SubjectLabels(kind=SubjectKind.CLUSTER),
                severity=Severity.INFO,
                needs=needs,
            )
            for query_id, promql, needs in queries
        ],
    )
