"""Log lines of a window: frames piece by piece, and the coverage of it all."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from fleet.collectors.loki.client import Direction, LokiClient
from fleet.collectors.loki.logql import AnyLogQuery
from fleet.collectors.loki.paging import LineGap, LinePages
from fleet.collectors.loki.volume import volume_of
from fleet.errors import CredentialMissing, SourceError
from fleet.frames.coverage import Coverage, CoverageStatus
from fleet.frames.log_frame import LogFrame, concatenate_logs, nanoseconds, time_of
from fleet.frames.window import Window

SIGNAL = "logs"
COLLECTOR = "loki"
_GIB = 1 << 30
_TOLD_GAPS = 3


@dataclass(frozen=True)
class LogRequest:
    """What is asked for.

    Attributes:
        query: which lines.
        window: of when.
        most_lines: at most so many, from the window's end that ``direction`` begins with; None for the limits'. What
            is beyond was wanted and is missing.
        enough: a sample of so many is all that is wanted, from the same end; what is beyond is not missing.
        direction: BACKWARD reads the newest lines first, FORWARD the oldest.
    """

    query: AnyLogQuery
    window: Window
    most_lines: int | None = None
    enough: int | None = None
    direction: Direction = Direction.BACKWARD


class LogReading:
    """Iterates over the lines that were asked for, as frames of about a page each; can be iterated over once.

    Going BACKWARD, later frames are of earlier times; within each the oldest line comes first. No more than a page
    is in memory at a time. A broken endpoint never raises: the frames end, and ``coverage`` says what was not seen.

    Args:
        client: of the cluster's endpoint; it is not closed.
        cluster_id: whose coverage this is.
        request: what is asked for.

    Raises:
        StoreUnavailable: our own credential store, or where budgets are kept, cannot be reached.
    """

    def __init__(self, client: LokiClient, cluster_id: str, request: LogRequest) -> None:
        self._client = client
        self._cluster_id = cluster_id
        self._request = request
        self._left = client.limits.most_lines if request.most_lines is None else request.most_lines
        self._sampled = request.enough is not None and request.enough <= self._left
        if self._sampled and request.enough is not None:
            self._left = request.enough
        self._fault: SourceError | CredentialMissing | None = None
        self._narrowing = ""
        self._reasons: list[str] = []
        self._pages: LinePages | None = None
        self._ended = False
        self._sample = ""
        self.lines = 0

    def __iter__(self) -> Iterator[LogFrame]:
        try:
            yield from self._read()
        except (SourceError, CredentialMissing) as error:
            self._fault = error
        self._ended = True

    @property
    def cut(self) -> bool:
        """Whether there was more than enough."""
        return bool(self._sample)

    @property
    def coverage(self) -> Coverage:
        """What was seen of the window so far; the whole truth once the frames have ended."""
        status, reason = self._status()
        return Coverage(
            cluster_id=self._cluster_id,
            signal=SIGNAL,
            collector=COLLECTOR,
            window=self._request.window,
            step_seconds=0,
            pack_hash=hashlib.sha256(str(self._request.query).encode()).hexdigest(),
            status=status,
            reason=reason,
            error=type(self._fault).__name__ if self._fault is not None else "",
            endpoint=self._client.endpoint.url,
            asked=str(self._request.query),
            collected_at=datetime.now(UTC),
        )

    def _read(self) -> Iterator[LogFrame]:
        window, limits = self._affordable(), self._client.limits
        query, direction = str(self._request.query), self._request.direction
        self._pages = LinePages(
            lambda start, end, limit: self._client.lines(query, start, end, limit=limit, direction=direction),
            nanoseconds(window.start),
            nanoseconds(window.end),
            direction,
            # One more than is wanted shows whether there are more.
            replace(limits, page_lines=min(limits.page_lines, self._left + 1)),
        )
        for frame in self._pages:
            beyond = len(frame) > self._left
            if beyond:
                self._say_beyond(self.lines + self._left)
                frame = self._nearest(frame)
            self.lines += len(frame)
            self._left -= len(frame)
            if len(frame):
                yield frame
            if beyond:
                return

    def _say_beyond(self, lines: int) -> None:
        if self._sampled:
            which = "oldest" if self._request.direction is Direction.FORWARD else "newest"
            self._sample = f"a sample: the {which} {lines:,} lines of more"
        else:
            self._reasons.append(f"there are more than the {lines:,} lines that were asked for")

    def _nearest(self, frame: LogFrame) -> LogFrame:
        """The lines that still may come, from the end at which reading began."""
        if self._request.direction is Direction.FORWARD:
            return frame.slice(0, self._left)
        return frame.slice(len(frame) - self._left, len(frame))

    def _affordable(self) -> Window:
        """The window, or as much of it as the server can look through at a bearable cost."""
        window = self._request.window
        volume = volume_of(self._client, self._request.query, window)
        most = self._client.limits.scanned_bytes
        if volume.bytes is None or volume.bytes <= most:
            return window
        seconds = max(self._client.limits.shortest_span_seconds, window.seconds * most / volume.bytes)
        part = timedelta(seconds=min(seconds, window.seconds))
        forward = self._request.direction is Direction.FORWARD
        narrowed = (
            Window(start=window.start, end=window.start + part) if forward else Window.before(window.end, last=part)
        )
        self._narrowing = (
            f"the streams hold {volume.bytes / _GIB:.1f} GiB in this window, too much for one query: only its "
            f"{'first' if forward else 'last'} {_words(part)} were read"
        )
        return narrowed

    def _status(self) -> tuple[CoverageStatus, str]:
        pages = self._pages
        if not self._ended and (pages is None or not self._seen(pages)):
            return CoverageStatus.UNKNOWN, "nothing was read yet"
        if self._fault is not None and (pages is None or not self._seen(pages)):
            return CoverageStatus.UNKNOWN, str(self._fault)
        # A sample that was filled wanted nothing of the rest.
        reasons = ["" if self._sample else self._narrowing, *self._reasons]
        if pages is not None:
            reasons += [*_gap_words(pages.gaps), *(f"the server warned: {text}" for text in pages.warnings)]
        if self._fault is not None:
            reasons.append(f"read {self._until()}: {self._fault}")
        elif not self._ended:
            reasons.append("reading has not ended")
        reason = "; ".join(text for text in reasons if text)
        return (CoverageStatus.PARTIAL, reason) if reason else (CoverageStatus.OK, self._sample)

    def _seen(self, pages: LinePages) -> bool:
        """Whether any of the window was read before the fault."""
        window = self._request.window
        if self._request.direction is Direction.FORWARD:
            return pages.start_ns > nanoseconds(window.start)
        return pages.end_ns < nanoseconds(window.end)

    def _until(self) -> str:
        pages = self._pages
        if pages is None:
            raise AssertionError("something was seen")
        if self._request.direction is Direction.FORWARD:
            return f"until {time_of(pages.start_ns).isoformat()}"
        return f"back to {time_of(pages.end_ns).isoformat()}"


def collect_logs(client: LokiClient, cluster_id: str, request: LogRequest) -> tuple[LogFrame, Coverage]:
    """All lines that were asked for as one frame, in order of time, and their coverage.

    They are in memory twice for a moment: for more than a few hundred thousand lines use ``LogReading``.

    Raises:
        StoreUnavailable: as ``LogReading``.
    """
    reading = LogReading(client, cluster_id, request)
    frames = list(reading)
    if request.direction is Direction.BACKWARD:
        frames.reverse()
    return concatenate_logs(frames), reading.coverage


def _gap_words(gaps: Sequence[LineGap]) -> Iterator[str]:
    for gap in gaps[:_TOLD_GAPS]:
        yield (
            f"at {time_of(gap.at_ns).isoformat()} there are more lines of one time than the server hands out: "
            f"{gap.seen:,} were read"
        )
    if len(gaps) > _TOLD_GAPS:
        yield f"and so at {len(gaps) - _TOLD_GAPS:,} more times"


def _words(length: timedelta) -> str:
    minutes = length.total_seconds() / 60
    return f"{minutes:.0f} minutes" if minutes >= 2 else f"{length.total_seconds():.0f} seconds"
