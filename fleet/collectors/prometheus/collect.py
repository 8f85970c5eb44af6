"""A query pack over stretches of time: frames and their coverage, chunk by chunk."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from fleet.collectors.prometheus.client import PrometheusClient
from fleet.collectors.prometheus.coverage import chunk_coverage, chunk_frame, unseen
from fleet.collectors.prometheus.presence import Presence
from fleet.collectors.prometheus.span import SpanTooLarge, ask_span
from fleet.errors import CredentialMissing, SourceError
from fleet.frames.coverage import Coverage
from fleet.frames.frame import Frame
from fleet.frames.pack import QueryPack
from fleet.frames.window import Window, join_adjacent


def collect_pack(
    client: PrometheusClient,
    cluster_id: str,
    pack: QueryPack,
    windows: list[Window],
    step_seconds: int,
    chunk: timedelta,
) -> Iterator[tuple[Window, Frame, Coverage]]:
    """A pack's series over stretches of time, cut into aligned chunks in order of time.

    A broken endpoint, or a broken query, never raises: its chunks come all the same, and their coverage says what was
    not seen and why. Each query is asked once over as long a range as memory allows; the rest of the pack is not
    tried against a server that is down.

    Args:
        client: of the cluster's endpoint; it is not closed.
        cluster_id: whose coverage this is.
        pack: what to ask.
        windows: the stretches that are missing.
        step_seconds: distance of the points.
        chunk: length of the pieces.

    Raises:
        StoreUnavailable: our own credential store cannot be reached.
    """
    source = _Source(client, cluster_id, pack, step_seconds, chunk)
    for window in join_adjacent(windows):
        yield from source.window(window)


class _Source:
    """What stays the same over the windows of one collection, and the fault that ended it, if one did."""

    def __init__(
        self, client: PrometheusClient, cluster_id: str, pack: QueryPack, step_seconds: int, chunk: timedelta
    ) -> None:
        self.client = client
        self.cluster_id = cluster_id
        self.pack = pack
        self.step_seconds = step_seconds
        self.chunk = chunk
        self._probed = False
        self._fault: SourceError | CredentialMissing | None = None
        self._span_points = client.limits.span_points

    def window(self, window: Window) -> Iterator[tuple[Window, Frame, Coverage]]:
        self._probe()
        presence = None if self._fault else Presence(self.client, self.pack, window)
        rest = list(window.chunks(self.chunk))
        while rest:
            if self._fault is not None or presence is None:
                yield from (self._unseen(each) for each in rest)
                return
            chunks = self._span_of(rest)
            span = Window(start=chunks[0].start, end=chunks[-1].end)
            try:
                answers = ask_span(self.client, self.pack, presence, span, self.step_seconds, single=len(chunks) == 1)
            except SpanTooLarge:
                self._span_points = max(1, span.points(self.step_seconds) // 4)
                continue
            self._fault = answers.fault
            for each in chunks:
                frame = chunk_frame(answers, each)
                yield each, frame, chunk_coverage(self.client, self.cluster_id, self.pack, answers, each, frame)
            rest = rest[len(chunks) :]

    def _probe(self) -> None:
        if self._probed:
            return
        self._probed = True
        try:
            self.client.probe()
            self.client.recognise()
        except (SourceError, CredentialMissing) as error:
            self._fault = error

    def _span_of(self, rest: list[Window]) -> list[Window]:
        """As many of the next chunks as share one grid and are not too many points; at least one."""
        first = rest[0]
        count = 1
        for each in rest[1:]:
            on_grid = (each.start - first.start).total_seconds() % self.step_seconds == 0
            points = Window(start=first.start, end=each.end).points(self.step_seconds)
            if not on_grid or points > self._span_points:
                break
            count += 1
        return rest[:count]

    def _unseen(self, window: Window) -> tuple[Window, Frame, Coverage]:
        if self._fault is None:
            raise AssertionError("a window is unseen only by a fault")
        return unseen(self.client, self.cluster_id, self.pack, window, self.step_seconds, self._fault)
