"""Fetched traces that are decoded together: many at once cost less than each by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from fleet.collectors.tempo.client import FetchedTrace
from fleet.collectors.tempo.columns import frame_of_traces
from fleet.collectors.tempo.rows import SpanRow, frame_of_rows
from fleet.collectors.tempo.wire import MalformedTrace
from fleet.frames.trace_frame import SpanFrame


class Batch:
    """Traces that wait to be decoded.

    Attributes:
        size: bytes of what waits.
    """

    def __init__(self) -> None:
        self._messages: dict[str, bytes] = {}
        self._rows: list[SpanRow] = []
        self.size = 0

    def add(self, trace_id: str, fetched: FetchedTrace) -> None:
        """Take in a trace."""
        if fetched.message:
            self._messages[trace_id] = fetched.message
        self._rows += fetched.rows
        self.size += fetched.size + sum(len(row.attributes) for row in fetched.rows)

    def frames(self, lose: Callable[[str, str], None]) -> Iterator[SpanFrame]:
        """Their spans; ``lose`` is told the id of each that is broken, and how."""
        if self._rows:
            yield frame_of_rows(self._rows)
        try:
            yield frame_of_traces(list(self._messages.values()))
        except MalformedTrace:
            for trace_id, message in self._messages.items():
                try:
                    yield frame_of_traces([message])
                except MalformedTrace as error:
                    lose(trace_id, f"it is broken: {error}")
