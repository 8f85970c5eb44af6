"""Live tails over WebSocket: what is there already, then each line as it comes."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

import orjson

from simulator.answers import Request
from simulator.loki.entries import Labels
from simulator.loki.pages import page_of
from simulator.loki.parameters import NS, limit_of, nanoseconds, refused
from simulator.loki.parser import parse_query
from simulator.loki.pipeline import Pipeline
from simulator.loki.pushed import Entry
from simulator.loki.query import LogQuery
from simulator.loki.tenants import Logs

_MOST_TAILS = 10
_MOST_DELAY_SECONDS = 5
_LOOKBACK_NS = 3600 * NS
_NO_LIMIT = 2**31
_BREATH_SECONDS = 0.1
_INTERNAL_ERROR = 1011
"""The code of every close that the server begins."""
_TOO_LONG = "reached tail max duration limit"
Send = Callable[[dict[str, Any]], Awaitable[None]]


class Tails:
    """A cluster's open tails by tenant; a server's state."""

    def __init__(self) -> None:
        self._open: Counter[str] = Counter()
        self._lock = Lock()
        self.ended = 0

    def end(self) -> None:
        """Closes the tails that are open, as a server does with those that lasted too long."""
        self.ended += 1

    @contextmanager
    def counted(self, tenant: str) -> Iterator[int]:
        """How many tails a tenant has open, with this one, which is counted meanwhile."""
        with self._lock:
            self._open[tenant] += 1
            count = self._open[tenant]
        try:
            yield count
        finally:
            with self._lock:
                self._open[tenant] -= 1


@dataclass
class Tail:
    """One tail: what it is about, and how far it has told.

    Attributes:
        query: the lines that are wanted; None where numbers were asked for, which closes the tail.
        delay_ns: for so long lines are held back.
        limit: so many lines that are there already are told at most.
        told_ns: up to this time (not with it) the cluster's own lines have been told.
    """

    logs: Logs
    query: LogQuery | None
    delay_ns: int
    limit: int
    start_ns: int
    told_ns: int = 0
    feed: deque[Entry] = field(default_factory=deque)

    def backlog(self) -> bytes:
        """A frame with the newest lines that are there already, oldest first; from now on the rest is news."""
        if self.query is None:
            return b""
        with self.logs.pushed.lock:
            self.told_ns = time.time_ns() - self.delay_ns
            view, pipeline = self.logs.view(self.query.matchers), Pipeline(self.query)
            page = page_of(view, pipeline, self.start_ns, self.told_ns, self.limit, backward=True)
            self.feed.clear()
            self.feed.extend(self.logs.pushed.later(self.told_ns))
        lines = [
            ({**stream, **metadata, **parsed}, stamp_ns, text)
            for stamp_ns, text, stream, metadata, parsed in page.lines()
        ]
        return _frame(lines[::-1])

    def news(self) -> bytes:
        """A frame with what came since the last call; empty where there is nothing."""
        if self.query is None:
            return b""
        now = time.time_ns() - self.delay_ns
        pipeline = Pipeline(self.query)
        found = [*self._own(self.query, pipeline, now), *self._pushed(self.query, pipeline, now)]
        self.told_ns = now
        return _frame(found)

    def _own(self, query: LogQuery, pipeline: Pipeline, now: int) -> Iterator[tuple[Labels, int, str]]:
        view = self.logs.told(query.matchers)
        page = page_of(view, pipeline, self.told_ns, now, _NO_LIMIT, backward=False)
        for stamp_ns, text, stream, metadata, parsed in page.lines():
            yield _shown(pipeline, stream, metadata, parsed), stamp_ns, text

    def _pushed(self, query: LogQuery, pipeline: Pipeline, now: int) -> Iterator[tuple[Labels, int, str]]:
        conditions = [(each.name, each.holds) for each in query.matchers]
        for _ in range(len(self.feed)):
            entry = self.feed.popleft()
            if entry.stamp_ns > now:
                self.feed.append(entry)
                continue
            if not all(holds(entry.labels.get(name, "")) for name, holds in conditions):
                continue
            parsed = pipeline.run(entry.line, entry.labels, entry.metadata)
            if parsed is not None:
                yield _shown(pipeline, entry.labels, entry.metadata, parsed), entry.stamp_ns, entry.line


def _shown(pipeline: Pipeline, stream: Labels, metadata: Labels, parsed: Labels) -> Labels:
    """Live lines come with what was stored beside them only where the query looks at lines."""
    return stream if pipeline.empty else {**stream, **metadata, **parsed}


def _frame(lines: Sequence[tuple[Labels, int, str]]) -> bytes:
    """One stream object for each line, as Loki tells them."""
    if not lines:
        return b""
    streams = [
        {"stream": dict(sorted(labels.items())), "values": [[str(stamp_ns), text]]} for labels, stamp_ns, text in lines
    ]
    return orjson.dumps({"streams": streams})


def tail_of(logs: Logs, request: Request) -> Tail:
    """The tail that a request asks for.

    Raises:
        RefusedError: a parameter is wrong (400).
        QueryError: the query cannot be read.
    """
    query = parse_query(request.one("query"))
    delay = request.one("delay_for", "0")
    if not delay.isdigit():
        raise refused(f'strconv.Atoi: parsing "{delay}": invalid syntax')
    if int(delay) > _MOST_DELAY_SECONDS:
        raise refused(f"delay_for can't be greater than {_MOST_DELAY_SECONDS}")
    start_ns = nanoseconds(request, "start", time.time_ns() - _LOOKBACK_NS)
    lines = query if isinstance(query, LogQuery) else None
    return Tail(logs, lines, int(delay) * NS, limit_of(request), start_ns)


async def serve_tail(tail: Tail, send: Send, over: Callable[[], bool]) -> None:
    """Accepts the WebSocket and sends frames as lines come.

    Args:
        tail: what to tell.
        send: takes ASGI messages.
        over: whether the client is gone or the server stops; asked several times a second.
    """
    await send({"type": "websocket.accept"})
    if tail.query is None:
        await _close(send, "only log selector is supported")
        return
    tails = tail.logs.cluster.state(Tails)
    with tails.counted(tail.logs.tenant) as count:
        if count > _MOST_TAILS:
            text = f"max concurrent tail requests limit exceeded, count > limit ({count} > {_MOST_TAILS})"
            await _close(send, f"rpc error: code = Code(400) desc = {text}")
            return
        await _tell(tail, tails, send, over)


async def _tell(tail: Tail, tails: Tails, send: Send, over: Callable[[], bool]) -> None:
    loop, ended = asyncio.get_running_loop(), tails.ended
    with tail.logs.pushed.heard_by(tail.feed):
        frame = await loop.run_in_executor(None, tail.backlog)
        while not over():
            if frame:
                await send({"type": "websocket.send", "text": frame.decode()})
            if tails.ended != ended:
                await _close(send, _TOO_LONG)
                return
            await asyncio.sleep(_BREATH_SECONDS)
            frame = await loop.run_in_executor(None, tail.news)


async def _close(send: Send, reason: str) -> None:
    await send({"type": "websocket.close", "code": _INTERNAL_ERROR, "reason": reason[:123]})
