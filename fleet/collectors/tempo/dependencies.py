"""Which service calls which, how often, with what outcome and how fast: from spans, or from the metrics made of them.

Edges are those of Tempo's service graphs (metrics-generator, processor ``service-graphs``): a call that both sides saw,
a call of a database or queue that only the caller saw, and a call from outside (client ``user``).
"""

from __future__ import annotations

import contextlib
import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np
import orjson

from fleet.frames.trace_frame import SpanFrame

OUTSIDE = "user"
"""The client of calls that come from outside."""
QUANTILES = (0.5, 0.95, 0.99)
_ROWS_AT_A_TIME = 10_000
_CALLERS, _CALLED = frozenset({"client", "producer"}), frozenset({"server", "consumer"})
_PREFIX = "traces_service_graph_request"
_BY = "client, server, connection_type"
Sample = tuple[Mapping[str, str], float]
"""Labels and value of an instant query's series."""


class Connection(StrEnum):
    """What kind of call an edge stands for, in the words of Tempo's label ``connection_type``."""

    SERVICE = ""
    DATABASE = "database"
    MESSAGING = "messaging_system"
    OUTSIDE = "virtual_node"


@dataclass(frozen=True)
class ServiceEdge:
    """Calls from one service to another.

    Attributes:
        client: the caller's name; ``user`` for calls from outside.
        server: the name of the service, database or queue.
        connection: what kind of call.
        calls: how many.
        errors: how many of them failed, as either side saw it.
        latency_seconds: by quantile, as the server saw it, or the client where nobody else did; empty where unknown.
    """

    client: str
    server: str
    connection: Connection
    calls: float
    errors: float
    latency_seconds: dict[float, float]


_Key = tuple[str, str, Connection]


@dataclass
class _Calls:
    seconds: list[float] = field(default_factory=list)
    errors: int = 0


def edges_of_spans(frame: SpanFrame) -> list[ServiceEdge]:
    """The edges of all calls in a frame, in order of their names.

    A call whose caller's span lacks is left out: who called is not known.
    """
    found: defaultdict[_Key, _Calls] = defaultdict(_Calls)
    for rows in _together(frame):
        spans = frame.slice(rows)
        traces = [range(each.start, each.stop) for each in spans.trace_rows()]
        columns = _Columns.of(spans)
        for trace in traces:
            _add_calls(columns, trace, found)
    return [
        ServiceEdge(*key, len(calls.seconds), calls.errors, _quantiles(calls.seconds))
        for key, calls in sorted(found.items())
    ]


def graph_queries(seconds: int) -> tuple[str, str, str]:
    """PromQL for the edges that Tempo's metrics generator counted: calls, failed calls, and buckets of their latency.

    Args:
        seconds: before the time at which they are evaluated.
    """
    return (
        f"sum by ({_BY}) (increase({_PREFIX}_total[{seconds}s]))",
        f"sum by ({_BY}) (increase({_PREFIX}_failed_total[{seconds}s]))",
        f"sum by ({_BY}, le) (increase({_PREFIX}_server_seconds_bucket[{seconds}s]))",
    )


def edges_of_metrics(calls: Sequence[Sample], failed: Sequence[Sample], buckets: Sequence[Sample]) -> list[ServiceEdge]:
    """The edges of the answers to ``graph_queries``, in order of their names; those without a call are left out.

    An edge that never failed has no failures; ordinary edges have no ``connection_type``. A bucket whose bound is no
    number is left out.
    """
    errors = {_key(labels): value for labels, value in failed}
    bounds: defaultdict[_Key, list[tuple[float, float]]] = defaultdict(list)
    for labels, value in buckets:
        with contextlib.suppress(ValueError):
            bounds[_key(labels)].append((float(labels.get("le", "inf")), value))
    return [
        ServiceEdge(*key, count, errors.get(key, 0.0), _bucket_quantiles(sorted(bounds[key])))
        for key, count in sorted((_key(labels), value) for labels, value in calls)
        if count > 0
    ]


@dataclass(frozen=True)
class _Columns:
    span_ids: list[str]
    parent_ids: list[str]
    services: list[str]
    kinds: list[str]
    failed: list[bool]
    seconds: list[float]
    attributes: list[str]

    @classmethod
    def of(cls, spans: SpanFrame) -> _Columns:
        return cls(
            spans.texts("span_id"),
            spans.texts("parent_id"),
            spans.texts("service"),
            spans.texts("kind"),
            [status == "error" for status in spans.texts("status")],
            (spans.numbers("duration_ns") / 1e9).tolist(),
            spans.texts("attributes"),
        )


def _together(frame: SpanFrame) -> Iterator[range]:
    """The rows of some traces at a time."""
    first = last = 0
    for rows in frame.trace_rows():
        last = rows.stop
        if last - first >= _ROWS_AT_A_TIME:
            yield range(first, last)
            first = last
    if last > first:
        yield range(first, last)


def _add_calls(columns: _Columns, trace: range, found: defaultdict[_Key, _Calls]) -> None:
    # A span that came twice is one call.
    once = {(columns.span_ids[row], columns.kinds[row]): row for row in trace}.values()
    rows = {columns.span_ids[row]: row for row in once}
    answered: set[int] = set()
    for row in once:
        parent_id = columns.parent_ids[row]
        parent = rows.get(parent_id)
        if parent is not None and parent != row and _is_call(columns, parent, row):
            answered.add(parent)
            messaging = columns.kinds[row] == "consumer" or columns.kinds[parent] == "producer"
            connection = Connection.MESSAGING if messaging else Connection.SERVICE
            key = columns.services[parent], columns.services[row], connection
            _count(found[key], columns.seconds[row], columns.failed[row] or columns.failed[parent])
        elif parent_id is None and columns.kinds[row] == "server":
            key = OUTSIDE, columns.services[row], Connection.OUTSIDE
            _count(found[key], columns.seconds[row], columns.failed[row])
    for row in once:
        if columns.kinds[row] in _CALLERS and row not in answered:
            target = _target(orjson.loads(columns.attributes[row]))
            if target is not None:
                _count(found[columns.services[row], *target], columns.seconds[row], columns.failed[row])


def _is_call(columns: _Columns, parent: int, row: int) -> bool:
    if columns.kinds[parent] in _CALLERS and columns.kinds[row] in _CALLED:
        return True
    return columns.services[parent] != columns.services[row]


def _count(calls: _Calls, seconds: float, failed: bool) -> None:
    calls.seconds.append(seconds)
    calls.errors += failed


def _target(attributes: dict[str, Any]) -> tuple[str, Connection] | None:
    """What was called, by the attributes of a call that only the caller saw; None where they do not say it.

    Names are those of OpenTelemetry's semantic conventions, older ones first.
    """
    named = _first(attributes, "peer.service")
    if _first(attributes, "db.system", "db.system.name"):
        database = named or _first(attributes, "db.name", "db.namespace", "db.system", "db.system.name")
        return (database, Connection.DATABASE) if database else None
    if _first(attributes, "messaging.system"):
        queue = named or _first(attributes, "messaging.destination.name", "messaging.destination", "messaging.system")
        return (queue, Connection.MESSAGING) if queue else None
    return (named, Connection.SERVICE) if named else None


def _first(attributes: dict[str, Any], *names: str) -> str:
    return next((value for name in names if isinstance(value := attributes.get(name), str) and value), "")


def _quantiles(seconds: list[float]) -> dict[float, float]:
    return dict(zip(QUANTILES, np.quantile(seconds, QUANTILES).tolist(), strict=True))


def _bucket_quantiles(buckets: list[tuple[float, float]]) -> dict[float, float]:
    """Quantiles out of cumulative buckets, as Prometheus' ``histogram_quantile`` estimates them."""
    total = buckets[-1][1] if buckets else 0.0
    if not total > 0 or not math.isinf(buckets[-1][0]) or len(buckets) < 2:
        return {}
    return {quantile: _bucket_quantile(buckets, quantile * total) for quantile in QUANTILES}


def _bucket_quantile(buckets: list[tuple[float, float]], rank: float) -> float:
    place = next(at for at, (_, count) in enumerate(buckets) if count >= rank)
    bound, count = buckets[place]
    if math.isinf(bound):
        return buckets[-2][0]
    before, lower = (buckets[place - 1][1], buckets[place - 1][0]) if place else (0.0, 0.0)
    return lower + (bound - lower) * ((rank - before) / (count - before) if count > before else 0.0)


def _key(labels: Mapping[str, str]) -> _Key:
    kind = labels.get("connection_type", "")
    known = Connection(kind) if kind in set(Connection) else Connection.SERVICE
    return labels.get("client", ""), labels.get("server", ""), known
