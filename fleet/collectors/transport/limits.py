"""What one endpoint may cost: time, tries, bytes and connections."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TransportLimits:
    """Bounds of one endpoint's requests.

    Attributes:
        connect_seconds: for the TCP connection and, again, for the TLS handshake.
        request_seconds: for one request as a whole, its tries and pauses included. Silence is no fault before
            that: a server that evaluates a heavy query says nothing meanwhile.
        attempts: tries of one request when its fault may pass.
        longest_pause_seconds: a server that asks for a longer pause is not asked again.
        answer_bytes: of one answer, after decompression.
        connections: at a time.
        compress: ask for gzip. It saves a slow line, and costs the cluster's Prometheus and us several times
            the CPU of the answer itself.
    """

    connect_seconds: float = 5.0
    request_seconds: float = 60.0
    attempts: int = 3
    longest_pause_seconds: float = 30.0
    answer_bytes: int = 64 << 20
    connections: int = 4
    compress: bool = False
