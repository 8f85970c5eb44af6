"""Watches: writes to a kind as they come, line by line, until the time is up."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import orjson

from simulator.answers import JSON, Request
from simulator.cluster import SimulatedCluster
from simulator.kubernetes.current import kind_of, listing_at, revision_of
from simulator.kubernetes.generated import Generated
from simulator.kubernetes.meta import Object
from simulator.kubernetes.overlay import Change
from simulator.kubernetes.paging import revision_asked
from simulator.kubernetes.paths import Target
from simulator.kubernetes.reading import form_of, fulfils, identified, in_form, selected
from simulator.kubernetes.resources import Resource
from simulator.kubernetes.selectors import Condition
from simulator.kubernetes.status import Cause, invalid, status

_USUAL_SECONDS = 1800.0
_BOOKMARK_SECONDS = 1.5
"""How long before its end a watch tells how far it got."""
_BREATH_SECONDS = 0.2
_GONE = "The resourceVersion for the provided watch is too old."


@dataclass
class Watch:
    """One watch on a kind's writes; the objects that the story itself makes anew are not told of.

    Attributes:
        seconds: how long it lasts.
        revision: up to which it has told.
    """

    cluster: SimulatedCluster
    resource: Resource
    namespace: str | None
    conditions: list[Condition]
    turn: Callable[[Object], Object]
    seconds: float
    bookmarks: bool
    revision: int
    whole: bool
    ended: bool = False

    def lines(self) -> bytes:
        """What is new since the last call; at first, where no revision was given, everything that is there."""
        if self.whole:
            self.whole = False
            found = listing_at(self.cluster, self.resource, self.revision).within(self.namespace)
            items = [each.item for each in found]
            return b"".join(self._line("ADDED", item) for item in items if fulfils(item, self.conditions))
        if self.revision < self.cluster.overlay.compacted:
            self.ended = True
            gone = orjson.loads(status(410, "Expired", _GONE).answer.body)
            return orjson.dumps({"type": "ERROR", "object": gone}) + b"\n"
        changes = self.cluster.overlay.since(kind_of(self.resource), self.revision)
        if changes:
            self.revision = changes[-1].revision
        return b"".join(self._told(change) for change in changes)

    def last_lines(self) -> bytes:
        """A bookmark, if the client wants any."""
        if not self.bookmarks or self.ended:
            return b""
        metadata = {"resourceVersion": str(max(self.revision, revision_of(self.cluster))), "creationTimestamp": None}
        bookmark = identified(self.resource, {"metadata": metadata})
        return orjson.dumps({"type": "BOOKMARK", "object": bookmark}) + b"\n"

    def _told(self, change: Change) -> bytes:
        if self.namespace is not None and not change.key.startswith(f"{self.namespace}/"):
            return b""
        item = Generated(change.key, change.body).item
        before = Generated("", change.before).item if change.before is not None else None
        was = before is not None and fulfils(before, self.conditions)
        if change.type != "DELETED" and fulfils(item, self.conditions):
            return self._line("MODIFIED" if was else "ADDED", item)
        if before is None or not was:
            return b""
        # Who is deleted or leaves the selection is shown as it last was in it, at the revision of its leaving.
        before["metadata"]["resourceVersion"] = str(change.revision)
        return self._line("DELETED", before)

    def _line(self, kind: str, item: Object) -> bytes:
        return orjson.dumps({"type": kind, "object": self.turn(item)}) + b"\n"


def watch_of(cluster: SimulatedCluster, resource: Resource, target: Target, request: Request) -> Watch:
    """The watch that a request asks for.

    Raises:
        RefusedError: a parameter cannot be read (400, 500), or initial events are asked for (422).
    """
    if request.one("sendInitialEvents"):
        why = "Forbidden: sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled"
        raise invalid("ListOptions", "meta.k8s.io", "", Cause("FieldValueForbidden", "sendInitialEvents", why))
    now = revision_of(cluster)
    # A revision to come is waited for.
    asked = revision_asked(request, 2**63)
    seconds = request.one("timeoutSeconds")
    form = form_of(request)
    return Watch(
        cluster=cluster,
        resource=resource,
        namespace=target.namespace if resource.namespaced else None,
        conditions=selected(resource, request),
        turn=in_form(resource, request, cluster.observed_at(), form),
        seconds=float(seconds) if seconds.isdigit() and seconds != "0" else _USUAL_SECONDS,
        bookmarks=request.one("allowWatchBookmarks") in {"1", "true"},
        revision=asked or now,
        whole=asked == 0,
    )


async def serve_watch(
    watch: Watch,
    send: Callable[[dict[str, Any]], Awaitable[None]],
    over: Callable[[], bool],
) -> None:
    """Sends a watch's lines as they come.

    Args:
        watch: what to tell.
        send: takes ASGI messages.
        over: whether the client is gone or the server stops; asked several times a second.
    """
    loop = asyncio.get_running_loop()
    news = asyncio.Event()
    deadline = loop.time() + watch.seconds
    marked = False
    headers = [(b"content-type", JSON.encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"", "more_body": True})

    def wake() -> None:
        loop.call_soon_threadsafe(news.set)

    with watch.cluster.overlay.heard_by(wake):
        while not over() and not watch.ended and loop.time() < deadline:
            news.clear()
            lines = await loop.run_in_executor(None, watch.lines)
            if not marked and loop.time() > deadline - _BOOKMARK_SECONDS:
                marked = True
                lines += watch.last_lines()
            if lines:
                await send({"type": "http.response.body", "body": lines, "more_body": True})
            await _news_or_breath(news)
    await send({"type": "http.response.body", "body": b""})


async def _news_or_breath(news: asyncio.Event) -> None:
    try:
        await asyncio.wait_for(news.wait(), _BREATH_SECONDS)
    except TimeoutError:
        return
