"""Which metrics a server has: an empty answer means ``absent`` only when the metric is known to be missing."""

from __future__ import annotations

import threading
from datetime import timedelta

from fleet.collectors.prometheus.client import PrometheusClient
from fleet.errors import SourceError
from fleet.frames.pack import PackQuery, QueryPack, Variant
from fleet.frames.window import Window

_NAMES_A_QUESTION = 100
"""As many as an address still holds where a server takes no POST."""


class Presence:
    """The metrics of a server in one window.

    The list of metric names is the proof. Where it cannot be had whole (a proxy without that path, a Thanos
    store that did not answer), one count over the metrics that the pack needs, at the window's end, chooses between a
    query's forms and judges queries whose answers are empty. Threads share it.
    """

    def __init__(self, client: PrometheusClient, pack: QueryPack, window: Window) -> None:
        self._client = client
        self._window = window
        self._needed = sorted({name for query in pack.queries for form in query.variants for name in form.needs})
        self._lock = threading.Lock()
        self._counted: set[str] | None = None
        self._count_failed = False
        self._listed = self._list()

    def chosen(self, query: PackQuery) -> Variant | None:
        """The query's first form whose metrics the server has; None where it is known to have none of them.

        Where the server's metrics are not known, it is the query's own form.
        """
        if self._listed is not None:
            return _first_in(self._listed, query)
        counted = self._counted_once() if query.alternatives else None
        # What is not there at the window's end may have been before.
        return (_first_in(counted, query) if counted else None) or query.variants[0]

    def known_after_empty(self, form: Variant) -> bool | None:
        """Whether the server has the metrics of a form whose answer was empty; None when it cannot be told."""
        names = self._listed if self._listed is not None else self._counted_once()
        return None if names is None else names.issuperset(form.needs)

    def missing(self, query: PackQuery) -> list[list[str]]:
        """Of each of the query's forms the metrics that the server is known not to have."""
        names = (self._listed if self._listed is not None else self._counted_once()) or set()
        return [[name for name in form.needs if name not in names] for form in query.variants]

    def _counted_once(self) -> set[str] | None:
        with self._lock:
            if self._counted is None and not self._count_failed:
                self._counted = self._count()
        return self._counted

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
        found: set[str] = set()
        try:
            for first in range(0, len(self._needed), _NAMES_A_QUESTION):
                selector = "|".join(self._needed[first : first + _NAMES_A_QUESTION])
                answer = self._client.query(
                    f'count by (__name__) ({{__name__=~"{selector}"}})', self._window.end - timedelta(seconds=1)
                )
                if answer.notes.warnings:
                    self._count_failed = True
                    return None
                found.update(dict(sample.labels).get("__name__", "") for sample in answer.samples)
        except SourceError:
            self._count_failed = True
            return None
        return found


def _first_in(names: set[str], query: PackQuery) -> Variant | None:
    return next((form for form in query.variants if names.issuperset(form.needs)), None)
