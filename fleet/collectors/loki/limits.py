"""What collecting from one Loki may cost."""

from __future__ import annotations

from dataclasses import dataclass, field

from fleet.collectors.transport import TransportLimits


@dataclass(frozen=True)
class LokiLimits:
    """Bounds of a collection.

    Attributes:
        transport: of each request.
        page_lines: asked for at a time; Loki's own limit is 5,000 unless set otherwise.
        span_seconds: of one request at most, shortened where the server gives up on it or refuses it as too long.
        shortest_span_seconds: a span of this length is not shortened further.
        most_lines: of one collection.
        scanned_bytes: that the server may have to look through for one collection; a heavier one is cut short.
        probe_seconds: for the question how much there is.
        tail_pause_seconds: before a lost tail is opened anew, at first; doubled up to 30 seconds.
    """

    transport: TransportLimits = field(default_factory=TransportLimits)
    page_lines: int = 5_000
    span_seconds: float = 24 * 3600.0
    shortest_span_seconds: float = 60.0
    most_lines: int = 1_000_000
    scanned_bytes: int = 16 << 30
    probe_seconds: float = 10.0
    tail_pause_seconds: float = 0.5
