"""Small packs for tests."""

from __future__ import annotations

from fleet.frames.pack import (
    Direction,
    PackQuery,
    QueryKind,
    QueryPack,
    Severity,
    SignalGroup,
    SubjectLabels,
    Variant,
)
from fleet.inventory.subject import SubjectKind


def pack_of(*queries: tuple[str, str, list[str]], **alternatives: tuple[str, list[str]]) -> QueryPack:
    """A pack of queries given as id, PromQL and needed metrics, and other forms of them by their ids."""
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
                alternatives=[
                    Variant(promql=promql, needs=other)
                    for each, (promql, other) in alternatives.items()
                    if each == query_id
                ],
            )
            for query_id, promql, needs in queries
        ],
    )
