"""The newest traces with errors of each chunk of time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from fleet.collectors.tempo.client import TempoClient
from fleet.collectors.tempo.collect import TraceReading, TraceRequest
from fleet.collectors.tempo.traceql import Condition, Intrinsic, Operator, Status, spans_with
from fleet.frames.coverage import Coverage
from fleet.frames.log_frame import nanoseconds, time_of
from fleet.frames.sampling import Sample, sample_chunks
from fleet.frames.trace_frame import SpanFrame, concatenate_spans
from fleet.frames.window import Window

ERRORS = spans_with(Condition(Intrinsic.STATUS, Operator.EQUAL, Status.ERROR))
_TICK = timedelta(microseconds=1)


def sample_error_traces(
    client: TempoClient, cluster_id: str, chunks: Sequence[Window], enough: int
) -> Iterator[tuple[Coverage, SpanFrame]]:
    """Of each chunk the newest traces that have a span with an error, with its coverage.

    A broken endpoint never raises: coverage says what was not seen.

    Args:
        client: of the cluster's endpoint; it is not closed.
        cluster_id: whose coverage this is.
        chunks: the pieces of time that are wanted.
        enough: how many traces of one chunk are.

    Raises:
        StoreUnavailable: our own credential store, or where budgets are kept, cannot be reached.
    """
    reading = _ErrorReading(client, cluster_id, enough)
    return sample_chunks(chunks, reading.read, reading.of_chunk)


@dataclass
class _ErrorReading:
    """Reads windows one after the other. A trace is of the chunk in which it was found to begin."""

    client: TempoClient
    cluster_id: str
    enough: int
    starts_ns: dict[str, int] = field(default_factory=dict, init=False)

    def read(self, window: Window) -> Sample[SpanFrame]:
        """The newest traces with errors of a window."""
        reading = TraceReading(self.client, self.cluster_id, TraceRequest(ERRORS, window, enough=self.enough))
        frame = concatenate_spans(list(reading))
        self.starts_ns = reading.starts_ns
        # Others of the oldest one's time may have been left out.
        oldest = time_of(min(self.starts_ns.values())) + _TICK if reading.cut else window.start
        return Sample(frame, reading.coverage, oldest)

    def of_chunk(self, frame: SpanFrame, chunk: Window) -> SpanFrame:
        """The traces of the last window read that begin in a chunk."""
        start, end = nanoseconds(chunk.start), nanoseconds(chunk.end)
        own = [trace_id for trace_id, at in self.starts_ns.items() if start <= at < end]
        return frame if len(own) == len(self.starts_ns) else frame.of_traces(own)
