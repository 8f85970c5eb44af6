"""The traces of a window: frames piece by piece, and the coverage of it all."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice

from fleet.collectors.tempo.answers import FoundTrace
from fleet.collectors.tempo.batch import Batch
from fleet.collectors.tempo.client import FetchedTrace, TempoClient
from fleet.collectors.tempo.pages import TracePages
from fleet.collectors.tempo.traceql import TagSearch, TraceQuery
from fleet.errors import (
    CredentialMissing,
    Forbidden,
    HeldBack,
    SourceError,
    TlsFailed,
    Unauthorized,
    Unreachable,
)
from fleet.frames.coverage import Coverage, CoverageStatus
from fleet.frames.trace_frame import SpanFrame, concatenate_spans
from fleet.frames.window import Window

SIGNAL = "traces"
COLLECTOR = "tempo"
_FINAL = (Unreachable, TlsFailed, Unauthorized, Forbidden, HeldBack, CredentialMissing)
_AHEAD = 64
"""Traces fetched between two looks at the bounds."""
_IN_A_ROW = 8
_Fault = SourceError | CredentialMissing


@dataclass(frozen=True)
class TraceRequest:
    """What is asked for.

    Attributes:
        query: which traces; a trace with one matching span is read whole.
        window: in which they start.
        most_traces: at most so many, the newest; None for the limits'. What is beyond was wanted and is missing.
        enough: a sample of so many is all that is wanted, the newest; what is beyond is not missing.
    """

    query: TraceQuery | TagSearch
    window: Window
    most_traces: int | None = None
    enough: int | None = None


class TraceReading:
    """Iterates over the traces that were asked for, newest first, as frames; can be iterated over once.

    No more than a batch of answers is in memory at a time. A broken endpoint, or a broken trace, never raises:
    ``coverage`` says what was not seen. Of a window that ended lately the last two minutes are searched once more at
    the end: searches find a trace up to half a minute after it was received.

    Args:
        client: of the cluster's endpoint; it is not closed.
        cluster_id: whose coverage this is.
        request: what is asked for.
        now: the clock.

    Attributes:
        spans: how many were read.
        starts_ns: when each trace that was fetched, or could not be, begins, by its id, the newest first.

    Raises:
        StoreUnavailable: our own credential store, or where budgets are kept, cannot be reached.
    """

    def __init__(
        self,
        client: TempoClient,
        cluster_id: str,
        request: TraceRequest,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._client = client
        self._cluster_id = cluster_id
        self._request = request
        self._now = now
        self._left = client.limits.most_traces if request.most_traces is None else request.most_traces
        self._sampled = request.enough is not None and request.enough <= self._left
        if self._sampled and request.enough is not None:
            self._left = request.enough
        self._sample = ""
        self._full = False
        self.starts_ns: dict[str, int] = {}
        self._lost: list[str] = []
        self._incomplete: list[str] = []
        self._reasons: list[str] = []
        self._failures = 0
        self._fault: _Fault | None = None
        self._unsearched: _Fault | None = None
        self._ended = False
        self._searched_at = now()
        self.spans = 0
        self._bytes = 0

    def __iter__(self) -> Iterator[SpanFrame]:
        with ThreadPoolExecutor(self._client.limits.concurrency, thread_name_prefix="tempo") as threads:
            yield from self._read(threads, self._request.window)
            if not self._stopped and self._recent:
                yield from self._read(threads, self._last_minutes())
        self._ended = True

    @property
    def traces(self) -> int:
        """Traces that were read."""
        return len(self.starts_ns) - len(self._lost)

    @property
    def cut(self) -> bool:
        """Whether there was more than enough."""
        return bool(self._sample)

    @property
    def coverage(self) -> Coverage:
        """What was seen of the window so far; the whole truth once the frames have ended."""
        status, reason = self._status()
        form = self._request.query
        asked = str(form) if isinstance(form, TraceQuery) else str(form.form())
        return Coverage(
            cluster_id=self._cluster_id,
            signal=SIGNAL,
            collector=COLLECTOR,
            window=self._request.window,
            step_seconds=0,
            pack_hash=hashlib.sha256(asked.encode()).hexdigest(),
            status=status,
            reason=reason,
            error=type(self._fault).__name__ if self._fault is not None else "",
            endpoint=self._client.endpoint.url,
            asked=asked,
            collected_at=datetime.now(UTC),
        )

    def _read(self, threads: ThreadPoolExecutor, window: Window) -> Iterator[SpanFrame]:
        self._searched_at = self._now()
        pages = TracePages(self._client, self._request.query, window)
        found = self._found(pages)
        batch = Batch()
        while chunk := self._next(found):
            for some, fetched in zip(pieces := _pieces(chunk), threads.map(self._fetch, pieces), strict=True):
                for trace, each in zip(some, fetched, strict=True):
                    self._take(trace, each, batch)
                if batch.size >= self._client.limits.batch_bytes:
                    yield from self._decoded(batch)
                    batch = Batch()
                if self._full:
                    break
            if self._stopped:
                break
        yield from self._decoded(batch)
        self._fault = self._fault or self._unsearched
        if pages.crowded:
            self._reasons.append(f"{len(pages.crowded)} seconds hold more traces than a search finds")

    def _found(self, pages: TracePages) -> Iterator[FoundTrace]:
        """New traces until the searches end or fail: what was found before one that fails is read all the same."""
        try:
            yield from (each for each in pages if each.trace_id not in self.starts_ns)
        except (SourceError, CredentialMissing) as error:
            self._unsearched = error

    def _next(self, found: Iterator[FoundTrace]) -> list[FoundTrace]:
        """The next traces to fetch; none where enough were read."""
        chunk = list(islice(found, min(_AHEAD, self._left) + 1))
        if len(chunk) > self._left:
            self._say_beyond(self.traces + self._left)
            chunk = chunk[: self._left]
        self._left -= len(chunk)
        return chunk

    def _say_beyond(self, traces: int) -> None:
        if self._sampled:
            self._sample = f"a sample: the newest {traces:,} traces of more"
        else:
            self._reasons.append(f"more traces match than the {traces:,} newest, which were read")

    def _fetch(self, traces: list[FoundTrace]) -> list[FetchedTrace | _Fault]:
        """One after the other; the rest is not tried after a fault that holds for all."""
        fetched: list[FetchedTrace | _Fault] = []
        for trace in traces:
            fault = self._fault or (fetched[-1] if fetched and isinstance(fetched[-1], _FINAL) else None)
            fetched.append(fault or self._fetched(trace))
        return fetched

    def _fetched(self, trace: FoundTrace) -> FetchedTrace | _Fault:
        try:
            return self._client.fetch(trace.trace_id)
        except (SourceError, CredentialMissing) as error:
            return error

    def _take(self, trace: FoundTrace, fetched: FetchedTrace | _Fault, batch: Batch) -> None:
        self.starts_ns[trace.trace_id] = trace.start_ns
        if isinstance(fetched, FetchedTrace):
            self._failures = 0
            if not fetched:
                self._lose(trace.trace_id, "it was found, and is not there")
            elif fetched.incomplete:
                self._incomplete.append(fetched.incomplete)
            batch.add(trace.trace_id, fetched)
            return
        self._failures += 1
        self._lose(trace.trace_id, str(fetched))
        if isinstance(fetched, _FINAL) or self._failures >= self._client.limits.failures:
            self._fault = fetched

    def _lose(self, trace_id: str, why: str) -> None:
        self._lost.append(f"trace {trace_id}: {why}")

    def _decoded(self, batch: Batch) -> Iterator[SpanFrame]:
        for frame in batch.frames(self._lose):
            self.spans += len(frame)
            self._bytes += frame.nbytes
            if len(frame):
                yield frame
        limits = self._client.limits
        if not self._full and (self.spans >= limits.most_spans or self._bytes >= limits.frame_bytes):
            self._full = True
            if self._sampled:
                self._sample = f"a sample: the newest {self.traces:,} traces, whose spans are as many as are kept"
            else:
                text = f"the {self.spans:,} spans of the newest traces are as many as are read at a time"
                self._reasons.append(text)

    @property
    def _stopped(self) -> bool:
        return self._fault is not None or self._full or self._left <= 0

    @property
    def _recent(self) -> bool:
        """Whether spans of the window may not have been there to be found yet."""
        return self._searched_at < self._request.window.end + self._unsearchable

    @property
    def _unsearchable(self) -> timedelta:
        return timedelta(seconds=self._client.limits.searchable_seconds)

    def _last_minutes(self) -> Window:
        window = self._request.window
        return Window(start=max(window.start, window.end - self._unsearchable), end=window.end)

    def _status(self) -> tuple[CoverageStatus, str]:
        if self._fault is not None and not self.traces:
            return CoverageStatus.UNKNOWN, str(self._fault)
        reasons = list(self._reasons)
        if self._lost:
            lost = f"{len(self._lost)} of {len(self.starts_ns)}"
            reasons.append(f"{lost} traces could not be read, such as {self._lost[0]}")
        if self._incomplete:
            reasons.append(f"{len(self._incomplete)} traces are not whole: {self._incomplete[0]}")
        if self._fault is not None:
            reasons.append(f"the rest was not read: {self._fault}")
        elif not self._ended:
            reasons.append("reading has not ended")
        elif self._recent:
            reasons.append("the window ended so lately that searches may not find all of its traces yet")
        return (CoverageStatus.PARTIAL, "; ".join(reasons)) if reasons else (CoverageStatus.OK, self._sample)


def _pieces(chunk: list[FoundTrace]) -> list[list[FoundTrace]]:
    """What a thread fetches at a time: handing over each trace by itself costs a tenth of fetching it."""
    return [chunk[at : at + _IN_A_ROW] for at in range(0, len(chunk), _IN_A_ROW)]


def collect_traces(client: TempoClient, cluster_id: str, request: TraceRequest) -> tuple[SpanFrame, Coverage]:
    """All traces that were asked for as one frame, newest first, and their coverage.

    Raises:
        StoreUnavailable: as ``TraceReading``.
    """
    reading = TraceReading(client, cluster_id, request)
    frame = concatenate_spans(list(reading))
    return frame, reading.coverage
