"""Exemplars: single measurements that a counter or histogram kept, with the trace that each came from.

Format: Prometheus's HTTP API documentation, ``query_exemplars``. A server that stores none answers an empty list.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from fleet.collectors.prometheus.answers import Labels, Notes
from fleet.collectors.prometheus.client import PrometheusClient
from fleet.frames.window import Window

_TRACE_LABELS = ("trace_id", "traceID", "traceId")


@dataclass(frozen=True)
class Exemplar:
    """One measurement: the series that kept it, its own labels, time (UTC) and value."""

    series: Labels
    labels: Labels
    at: datetime
    value: float

    @property
    def trace_id(self) -> str:
        """The trace that it came from, or ""."""
        own = dict(self.labels)
        return next((own[name] for name in _TRACE_LABELS if name in own), "")


class _Exemplar(msgspec.Struct):
    labels: dict[str, str]
    value: str
    timestamp: float


class _Series(msgspec.Struct, rename="camel"):
    series_labels: dict[str, str]
    exemplars: list[_Exemplar]


def exemplars_of(client: PrometheusClient, promql: str, window: Window) -> tuple[list[Exemplar], Notes]:
    """The exemplars of all series that an expression reads, in order of time; those with no number or time left out.

    Raises:
        SourceError: the server does not answer, or has no such API (Prometheus before 2.26).
    """
    form = [("query", promql), ("start", f"{window.start.timestamp():.3f}"), ("end", f"{window.end.timestamp():.3f}")]
    found, notes = client.data("/api/v1/query_exemplars", form, list[_Series] | None)  # type: ignore[arg-type]
    exemplars = [
        exemplar
        for series in found or []
        for each in series.exemplars
        if (exemplar := _exemplar(tuple(sorted(series.series_labels.items())), each)) is not None
    ]
    return sorted(exemplars, key=lambda each: each.at), notes


def _exemplar(series: Labels, each: _Exemplar) -> Exemplar | None:
    try:
        at, value = datetime.fromtimestamp(each.timestamp, tz=UTC), float(each.value)
    except (ValueError, OverflowError, OSError):
        return None
    return Exemplar(series, tuple(sorted(each.labels.items())), at, value)
