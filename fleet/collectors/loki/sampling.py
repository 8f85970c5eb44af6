"""The newest error lines of each chunk of time, from all tenants of a Loki."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from fleet.collectors.loki.client import LokiClient
from fleet.collectors.loki.collect import COLLECTOR, SIGNAL, LogReading, LogRequest
from fleet.collectors.loki.error_lines import ErrorSource, error_sources
from fleet.errors import CredentialMissing, SourceError
from fleet.frames.coverage import Coverage, CoverageStatus, combine
from fleet.frames.log_frame import LogFrame, concatenate_logs, nanoseconds, time_of
from fleet.frames.sampling import Sample, sample_chunks
from fleet.frames.window import Window

_Fault = SourceError | CredentialMissing
_TICK = timedelta(microseconds=1)


def sample_error_lines(
    client: LokiClient, cluster_id: str, chunks: Sequence[Window], enough: int
) -> Iterator[tuple[Coverage, LogFrame]]:
    """Of each chunk the newest error lines, with its coverage.

    A broken endpoint never raises: coverage says what was not seen. A tenant that may not be read makes it partial.

    Args:
        client: of the cluster's endpoint; it is not closed.
        cluster_id: whose coverage this is.
        chunks: the pieces of time that are wanted; at least one.
        enough: how many lines of one chunk are.

    Raises:
        StoreUnavailable: our own credential store, or where budgets are kept, cannot be reached.
    """
    whole = Window(start=min(each.start for each in chunks), end=max(each.end for each in chunks))
    reading = _ErrorReading(client, cluster_id, whole, enough)
    return sample_chunks(
        chunks, reading.read, lambda frame, chunk: frame.between(nanoseconds(chunk.start), nanoseconds(chunk.end))
    )


@dataclass
class _ErrorReading:
    """Reads windows one after the other; whom to ask for what is found out once, for all of them."""

    client: LokiClient
    cluster_id: str
    whole: Window
    enough: int
    sources: list[ErrorSource] | None = field(default=None, init=False)

    def read(self, window: Window) -> Sample[LogFrame]:
        """The newest error lines of a window, of all tenants together."""
        try:
            if self.sources is None:
                self.sources = error_sources(self.client, self.whole)
        except (SourceError, CredentialMissing) as error:
            return replace(self._unseen(window, error), answers=False)
        return self._newest(window, list(self._parts(self.sources, window)))

    def _parts(self, sources: Sequence[ErrorSource], window: Window) -> Iterator[Sample[LogFrame]]:
        wanted = window
        for source in sources:
            if source.fault is not None:
                yield self._unseen(window, source.fault)
            for query in source.queries:
                part = self._answer(source, LogRequest(query, wanted, enough=self.enough))
                yield part
                if part.whole_since > wanted.start:
                    # What is older than a full sample is not wanted of the others either.
                    wanted = Window(start=part.whole_since - _TICK, end=window.end)

    def _answer(self, source: ErrorSource, request: LogRequest) -> Sample[LogFrame]:
        reading = LogReading(source.client, self.cluster_id, request)
        frame = concatenate_logs(list(reading)[::-1])
        return Sample(frame, reading.coverage, _oldest(frame) if reading.cut else request.window.start)

    def _newest(self, window: Window, parts: Sequence[Sample[LogFrame]]) -> Sample[LogFrame]:
        frame = concatenate_logs([part.frame for part in parts])
        whole_since = max((part.whole_since for part in parts), default=window.start)
        if len(frame) > self.enough:
            frame = frame.slice(len(frame) - self.enough, len(frame))
            whole_since = max(whole_since, _oldest(frame))
        coverage = self._together(window, [part.coverage for part in parts])
        if whole_since > window.start and coverage.status is CoverageStatus.OK:
            coverage = coverage.model_copy(update={"reason": f"a sample: the newest {len(frame):,} lines of more"})
        return Sample(frame, coverage, whole_since)

    def _together(self, window: Window, parts: Sequence[Coverage]) -> Coverage:
        missing = [part for part in parts if not part.status.final]
        return self._coverage(window).model_copy(
            update={
                "status": combine([part.status for part in parts]) if parts else CoverageStatus.OK,
                "reason": "; ".join(dict.fromkeys(part.reason for part in missing)),
                "error": next((part.error for part in missing if part.error), ""),
                "asked": "\n".join(dict.fromkeys(part.asked for part in parts if part.asked)),
            }
        )

    def _unseen(self, window: Window, fault: _Fault) -> Sample[LogFrame]:
        told = {"status": CoverageStatus.UNKNOWN, "reason": str(fault), "error": type(fault).__name__}
        return Sample(LogFrame.empty(), self._coverage(window).model_copy(update=told), window.start)

    def _coverage(self, window: Window) -> Coverage:
        return Coverage(
            cluster_id=self.cluster_id,
            signal=SIGNAL,
            collector=COLLECTOR,
            window=window,
            step_seconds=0,
            status=CoverageStatus.OK,
            endpoint=self.client.endpoint.url,
            collected_at=datetime.now(UTC),
        )


def _oldest(frame: LogFrame) -> datetime:
    """Behind the first line, for others of its time may have been left out."""
    return time_of(int(frame.timestamps_ns[0])) + _TICK
