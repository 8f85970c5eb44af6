"""Traces that clients pushed into a cluster's Tempo."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock

from simulator.tempo.spans import Span, Trace

SEARCHABLE_SECONDS = 1.0
"""From a push until searches find it. A real Tempo takes up to half a minute."""


@dataclass
class PushedTraces:
    """What was pushed, by trace id; later pushes add spans."""

    _spans: dict[bytes, tuple[float, list[Span]]] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def add(self, spans: Mapping[bytes, list[Span]]) -> None:
        """Takes in a push."""
        with self._lock:
            for trace_id, more in spans.items():
                pushed_at, known = self._spans.get(trace_id, (time.monotonic(), []))
                self._spans[trace_id] = pushed_at, known + more

    def find(self, trace_id: bytes) -> Trace | None:
        """The trace with this id, whenever it was pushed."""
        with self._lock:
            known = self._spans.get(trace_id)
        return None if known is None else Trace(trace_id, tuple(known[1]))

    def searchable(self) -> list[Trace]:
        """The traces that searches find by now."""
        ripe = time.monotonic() - SEARCHABLE_SECONDS
        with self._lock:
            held = [(trace_id, spans) for trace_id, (pushed_at, spans) in self._spans.items() if pushed_at <= ripe]
        return [Trace(trace_id, tuple(spans)) for trace_id, spans in held]
