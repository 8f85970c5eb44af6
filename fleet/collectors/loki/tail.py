"""Log lines as they come, over Loki's tail. Format: recorded from Loki 3.8.

A tail is not complete by Loki's own contract: lines that reach the server late may be missing, and a server that cannot
keep up drops lines, which it says. What was missed while there was no connection is read by range queries.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson
import pyarrow as pa
from websockets.exceptions import ConnectionClosed

from fleet.collectors.loki.client import API, Direction, LokiClient
from fleet.collectors.loki.lines import frame_of_streams
from fleet.collectors.loki.logql import AnyLogQuery
from fleet.collectors.loki.paging import LinePages
from fleet.collectors.transport.authorization import Authorization
from fleet.collectors.transport.closing import Closing
from fleet.collectors.transport.faults import clean_words
from fleet.collectors.transport.websocket import WebSocket, WebSocketOpener
from fleet.errors import AnswerTooLarge, QueryRefused, ServerFailed, SourceError, Throttled, Unreachable, WrongService
from fleet.frames.log_frame import Labels, LogFrame, concatenate_logs, nanoseconds

_POLL_SECONDS = 0.25
_LONGEST_PAUSE_SECONDS = 30.0
_BACKLOG_LINES = 5_000
_ENDED = {1000, 1001}
_TOO_BIG = 1009


@dataclass(frozen=True)
class DroppedLine:
    """A line that the server did not send because we were too slow; its text is not known."""

    labels: Labels
    at_ns: int


@dataclass(frozen=True)
class TailPiece:
    """What came at once: lines in order of time, lines that the server dropped, and what a reader should know."""

    frame: LogFrame
    dropped: list[DroppedLine] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


class LogTail(Closing):
    """Iterates over what comes, until it is closed. A context manager; ``close`` may be called from another thread.

    A connection that is lost is opened anew after a pause, what was missed is read in between, and a piece says so.

    Args:
        client: of the cluster's endpoint; it is not closed.
        query: which lines.
        since: from when on (aware); None for from now on.

    Raises:
        SourceError: a fault that would be there again: the query or the credential is refused, it is no Loki.
        CredentialMissing, StoreUnavailable: from the credential source and the governor.
    """

    def __init__(self, client: LokiClient, query: AnyLogQuery, *, since: datetime | None = None) -> None:
        self._client = client
        self._query = str(query)
        self._next_ns = None if since is None else nanoseconds(since)
        self._closed = threading.Event()
        self._pause_seconds = client.limits.tail_pause_seconds

    def close(self) -> None:
        """End the iteration within a moment."""
        self._closed.set()

    def __iter__(self) -> Iterator[TailPiece]:
        authorization = Authorization(self._client.endpoint, self._client.credentials)
        opener = WebSocketOpener(
            self._client.endpoint,
            authorization,
            self._client.limits.transport,
            self._client.governor,
            self._closed,
        )
        while not self._closed.is_set():
            try:
                yield from self._connected(opener)
            except SourceError as error:
                if not error.retriable:
                    raise
                yield TailPiece(LogFrame.empty(), notes=[f"The tail was lost and is opened anew: {error}"])
                self._closed.wait(self._pause_seconds)
                self._pause_seconds = min(self._pause_seconds * 2, _LONGEST_PAUSE_SECONDS)

    def _connected(self, opener: WebSocketOpener) -> Iterator[TailPiece]:
        """One connection's lines, those since the last one first."""
        start_ns = max(time.time_ns(), self._next_ns or 0)
        form = [("query", self._query), ("start", str(start_ns)), ("limit", str(_BACKLOG_LINES))]
        with opener.open(f"{self._client.prefix}{API}/tail", form) as connection:
            # The server keeps what comes meanwhile, or says what it drops.
            yield from self._missed(start_ns)
            yield from self._received(connection)

    def _missed(self, until_ns: int) -> Iterator[TailPiece]:
        if self._next_ns is not None and self._next_ns < until_ns:
            pages = LinePages(
                lambda start, end, limit: self._client.lines(
                    self._query, start, end, limit=limit, direction=Direction.FORWARD
                ),
                self._next_ns,
                until_ns,
                Direction.FORWARD,
                self._client.limits,
            )
            for frame in pages:
                self._next_ns = pages.start_ns
                yield TailPiece(frame)
                if self._closed.is_set():
                    return
        self._next_ns = until_ns

    def _received(self, connection: WebSocket) -> Iterator[TailPiece]:
        while not self._closed.is_set():
            try:
                message = connection.receive(_POLL_SECONDS)
            except ConnectionClosed as closed:
                raise self._lost(closed) from None
            if message is None:
                continue
            piece = _piece(message, self._client.endpoint.url)
            self._pause_seconds = self._client.limits.tail_pause_seconds
            if len(piece.frame):
                self._next_ns = max(self._next_ns or 0, int(piece.frame.timestamps_ns[-1]) + 1)
            yield piece

    def _lost(self, closed: ConnectionClosed) -> SourceError:
        """What the end of a connection means."""
        url = self._client.endpoint.url
        code, reason = (closed.rcvd.code, clean_words(closed.rcvd.reason)) if closed.rcvd else (0, "")
        if closed.sent is not None and closed.sent.code == _TOO_BIG:
            return AnswerTooLarge(f"A message of {url} is larger than is taken at once.", endpoint=url)
        if "only log selector" in reason:
            what = f"{url} refused the query: {reason}."
            return QueryRefused(what, endpoint=url, hint="A tail takes log queries only.")
        if "concurrent tail" in reason:
            what = f"{url} has as many tails open as it allows ({reason})."
            return Throttled(what, endpoint=url, hint="Others have to end first.")
        if code in _ENDED or "max duration" in reason:
            return Unreachable(f"{url} ended the connection ({reason or 'without a reason'}).", endpoint=url)
        if code:
            return ServerFailed(f"{url} failed ({code}{f': {reason}' if reason else ''}).", endpoint=url)
        return Unreachable(f"The connection to {url} broke off.", endpoint=url)


def _piece(message: bytes, url: str) -> TailPiece:
    """A message: in it each line is a stream of its own, equal labels repeated."""
    try:
        answer = orjson.loads(message)
        frame = frame_of_streams([(each["stream"], each["values"]) for each in answer.get("streams") or []])
        dropped = [_dropped(each) for each in answer.get("dropped_entries") or []]
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError, pa.ArrowException):
        raise WrongService(f"{url} sent a message that is none of a tail.", endpoint=url) from None
    notes = [f"The server dropped {len(dropped)} lines: more came than were taken."] if dropped else []
    return TailPiece(concatenate_logs([frame]), dropped, notes)


def _dropped(entry: dict[str, Any]) -> DroppedLine:
    return DroppedLine(dict(entry.get("labels") or {}), int(entry["timestamp"]))
