"""What collecting from one Prometheus may cost."""

from __future__ import annotations

from dataclasses import dataclass, field

from fleet.collectors.transport import TransportLimits


@dataclass(frozen=True)
class PrometheusLimits:
    """Bounds of a collection.

    Attributes:
        transport: of each request.
        range_points: of one range query; Prometheus refuses more than 11,000 points.
        span_points: fetched at a time before chunks are handed out.
        span_bytes: of samples (as float32) held at a time; a span that passes it is fetched again in parts.
        concurrency: queries under way at a time.
        probe_seconds: in which a server has to answer that it is there; one that hangs is given up then.
        listing_seconds: for the list of its metrics' names.
        failures: queries in a row that fail by the server's fault before the rest is not asked.
    """

    transport: TransportLimits = field(default_factory=TransportLimits)
    range_points: int = 10_000
    span_points: int = 5_000
    span_bytes: int = 256 << 20
    concurrency: int = 4
    probe_seconds: float = 10.0
    listing_seconds: float = 20.0
    failures: int = 3
