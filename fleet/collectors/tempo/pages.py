"""All traces of a window, newest first, though one search finds only so many of them.

Where a search is full, its stretch of time is halved, until each part holds fewer than were asked for: what a full
search leaves out is not said, and a Tempo without the hint for the newest leaves out some of any age.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from fleet.collectors.tempo.answers import FoundTrace
from fleet.collectors.tempo.client import TempoClient
from fleet.collectors.tempo.traceql import TagSearch, TraceQuery
from fleet.frames.log_frame import nanoseconds
from fleet.frames.window import Window


class TracePages:
    """Iterates over the traces that start within a window; each comes once. Can be iterated over once.

    Args:
        client: whom to ask.
        query: for what.
        window: when.
    """

    def __init__(self, client: TempoClient, query: TraceQuery | TagSearch, window: Window) -> None:
        self._client = client
        self._query = query
        self._start_ns, self._end_ns = nanoseconds(window.start), nanoseconds(window.end)
        self._first = int(window.start.timestamp())
        self._last = -int(-window.end.timestamp() // 1)
        self._known: set[str] = set()
        self.crowded: list[datetime] = []
        """Seconds that hold more traces than one search finds."""

    def __iter__(self) -> Iterator[FoundTrace]:
        span = self._client.limits.span_seconds
        waiting = [(begin, min(begin + span, self._last)) for begin in range(self._first, self._last, span)]
        while waiting:
            begin, end = waiting.pop()
            found = self._found(begin, end, self._client.limits.page_traces)
            if len(found) >= self._client.limits.page_traces:
                if end - begin > 1:
                    middle = (begin + end) // 2
                    waiting += [(begin, middle), (middle, end)]
                    continue
                found = self._crowd(begin)
            yield from self._fresh(found)

    def _found(self, begin: int, end: int, limit: int) -> list[FoundTrace]:
        window = Window(start=datetime.fromtimestamp(begin, UTC), end=datetime.fromtimestamp(end, UTC))
        return self._client.search(self._query, window, limit)

    def _crowd(self, second: int) -> list[FoundTrace]:
        """The traces of one second, by as large a search as may be."""
        limit = self._client.limits.largest_page_traces
        found = self._found(second, second + 1, limit)
        if len(found) >= limit:
            self.crowded.append(datetime.fromtimestamp(second, UTC))
        return found

    def _fresh(self, found: list[FoundTrace]) -> Iterator[FoundTrace]:
        for trace in sorted(found, key=lambda each: -each.start_ns):
            if self._start_ns <= trace.start_ns < self._end_ns and trace.trace_id not in self._known:
                self._known.add(trace.trace_id)
                yield trace
