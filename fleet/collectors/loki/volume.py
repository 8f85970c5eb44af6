"""How much a query would make a Loki look through, asked before it is."""

from __future__ import annotations

from fleet.collectors.loki.answers import LogVolume
from fleet.collectors.loki.client import LokiClient
from fleet.collectors.loki.logql import AnyLogQuery, count_over_time
from fleet.errors import Forbidden, QueryRefused, ServerFailed, SourceTimeout, WrongService
from fleet.frames.window import Window

_NOT_OFFERED = (WrongService, QueryRefused, Forbidden, ServerFailed)
"""A failing index does not mean that lines cannot be read."""


def volume_of(client: LokiClient, query: AnyLogQuery, window: Window) -> LogVolume:
    """What the query's streams hold in a window, from the cheapest source that the server offers.

    The index of chunks (``index/stats``) is not routed by OpenShift's gateway, and knows nothing of chunks that are
    still in memory; the index of volumes may be turned off; counting lines is what is left, and needs the server to
    read them. Where nothing is offered, or the answer takes too long, nothing is known.

    Raises:
        SourceError: the server did not answer at all.
    """
    volume = LogVolume()
    for ask in (client.index_stats, client.index_volume):
        try:
            volume = ask(query.selector, window)
        except _NOT_OFFERED:
            continue
        except SourceTimeout:
            # Whether lines can be read, only reading them tells.
            return LogVolume()
        if volume.known:
            return volume
    return _counted(client, query, window) if volume == LogVolume() else volume


def _counted(client: LokiClient, query: AnyLogQuery, window: Window) -> LogVolume:
    count = count_over_time(query, max(1, round(window.seconds)))
    try:
        answer = client.query(count, window.end, seconds=client.limits.probe_seconds)
    except (*_NOT_OFFERED, SourceTimeout):
        return LogVolume()
    return LogVolume(entries=answer.count)
