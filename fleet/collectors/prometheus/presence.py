"""Which metrics a server has: an empty answer means ``absent`` only when the metric is known to be missing."""

from __future__ import annotations

import threading
from datetime import timedelta

from fleet.collectors.prometheus.client import PrometheusClient
from fleet.errors import SourceError
from fleet.frames.pack import PackQuery, QueryPack
from fleet.frames.window import Window


class Presence:
    """The metrics of a server in one window.

    The list of metric names is the proof. Where it cannot be had whole (a proxy without that path, a Thanos
    store that did not answer), queries whose answers are empty are judged by one count over the metrics that
    the pack needs, at the window's end. Threads share it.
    """

    def __init__(self, client: PrometheusClient, pack: QueryPack, window: Window) -> None:
        self._client = client
        self._window = window
        self._needed = sorted({name for query in pack.queries for name in query.needs})
        self._lock = threading.Lock()
        self._counted: set[str] | None = None
        self._count_failed = False
        self._listed = self._list()

    def missing(self, query: PackQuery) -> list[str]:
        """Metrics that the query needs and that the server is known not to have, before it is asked."""
        return [] if self._listed is None else [name for name in query.needs if name not in self._listed]

    def missing_after_empty(self, query: PackQuery) -> list[str] | None:
        """The same once its answer was empty; None when it cannot be told."""
        if self._listed is not None:
            return self.missing(query)
        with self._lock:
            if self._counted is None and not self._count_failed:
                self._counted = self._count()
        if self._counted is None:
            return None
        return [name for name in query.needs if name not in self._counted]

    def _list(self) -> set[str] | None:
        try:
            names, notes = self._client.label_values(
                "__name__", self._window, seconds=self._client.limits.listing_seconds
            )
        except SourceError:
            # No fault of the collection: the queries themselves show whether the server answers.
            return None
        return None if notes.warnings else set(names)

    def _count(self) -> set[str] | None:
        selector = "|".join(self._needed)
        try:
            answer = self._client.query(
                f'count by (__name__) ({{__name__=~"{selector}"}})', self._window.end - timedelta(seconds=1)
            )
        except SourceError:
            self._count_failed = True
            return None
        if answer.notes.warnings:
            self._count_failed = True
            return None
        return {dict(sample.labels).get("__name__", "") for sample in answer.samples}
