"""What collecting from one Tempo may cost."""

from __future__ import annotations

from dataclasses import dataclass, field

from fleet.collectors.transport import TransportLimits


@dataclass(frozen=True)
class TempoLimits:
    """Bounds of a collection.

    Attributes:
        transport: of each request.
        page_traces: asked for in one search.
        largest_page_traces: where a second holds more traces than a page; Tempo's own limit is 262,144.
        span_seconds: of one search; Tempo refuses more than 168 hours.
        most_traces: of one collection, the newest ones.
        most_spans: of one collection.
        frame_bytes: of the spans of one collection in memory.
        batch_bytes: of answers that are decoded at a time.
        concurrency: traces fetched at a time.
        failures: traces in a row that cannot be fetched before the rest is given up.
        searchable_seconds: after a span ended until searches find it for certain; it was seen to take half a minute.
    """

    transport: TransportLimits = field(default_factory=TransportLimits)
    page_traces: int = 4_000
    largest_page_traces: int = 20_000
    span_seconds: int = 24 * 3600
    most_traces: int = 25_000
    most_spans: int = 200_000
    frame_bytes: int = 192 << 20
    batch_bytes: int = 2 << 20
    concurrency: int = 4
    failures: int = 5
    searchable_seconds: int = 120
