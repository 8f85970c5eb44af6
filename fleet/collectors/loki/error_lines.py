"""Which queries find the lines that tell of errors, in a Loki of which nothing is known beforehand.

Loki 3 keeps with each line the level that it detected (``detected_level``); where it does, that is asked for, and the
text of lines whose level it did not know. An older one is asked for the text alone: what JSON, logfmt, klog and plain
lines say of their level. Both are line by line, so that streams without labels of levels are not left out.

Of OpenShift's logs those of applications and of the infrastructure are looked through: audit events have levels of
another meaning, and are most of the volume.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from fleet.collectors.loki.client import LokiClient
from fleet.collectors.loki.gateway import GATEWAY, LogTenant, tenants_of
from fleet.collectors.loki.logql import (
    AnyLogQuery,
    Contains,
    LabelFilter,
    LineFilter,
    LogQuery,
    Match,
    Matcher,
    any_of,
    one_of,
)
from fleet.collectors.loki.place_labels import place_labels_of
from fleet.errors import Forbidden, SourceError
from fleet.frames.log_frame import nanoseconds
from fleet.frames.window import Window

LEVEL = "detected_level"
ERROR_LEVELS = ("error", "critical", "fatal")
_UNDETECTED = "unknown"
ERROR_TEXT = (
    r"""(?i:\b(?:level|lvl|severity)(?:_?text)?\\?["']?\s*[:=]\s*\\?["']?(?:err|crit|fatal|panic|alert|emerg))"""
    r"""|\b(?:ERROR|FATAL|CRITICAL|SEVERE|PANIC)\b"""
    r"""|(?:^|")[EF]\d{4} \d\d:"""
)
"""RE2: a field of that name, a word in capitals, or klog's first letter."""
_LOOKED_THROUGH = ("application", "infrastructure")
EVERY_STREAM = "service_name"
"""Loki 3 gives each stream this label."""
_SAMPLED_LINES = 20


@dataclass(frozen=True)
class ErrorSource:
    """What is to be asked for errors.

    Attributes:
        tenant: of OpenShift's gateway; "" where a server has but one.
        client: asks it.
        queries: no line is found by two of them; none where the server holds no logs of that time.
        fault: why this tenant cannot be asked.
    """

    tenant: str
    client: LokiClient
    queries: tuple[AnyLogQuery, ...] = ()
    fault: SourceError | None = None


def error_sources(client: LokiClient, window: Window) -> list[ErrorSource]:
    """Whom to ask how for the error lines of a window.

    Args:
        client: of the endpoint; those of the tenants share its connections.
        window: when.

    Raises:
        SourceError: the endpoint answers neither as a Loki nor as a gateway.
    """
    tenants = tenants_of(client, window)
    return [_source(each, window) for each in tenants if not each.name or each.name in _LOOKED_THROUGH]


def _source(tenant: LogTenant, window: Window) -> ErrorSource:
    """A tenant that fails takes nothing from the others."""
    fault = tenant.fault
    try:
        queries = error_queries(tenant.client, window) if fault is None else ()
    except SourceError as error:
        queries, fault = (), error
    return ErrorSource(tenant.name, tenant.client, queries, fault)


def error_queries(client: LokiClient, window: Window) -> tuple[LogQuery, ...]:
    """The queries for one tenant, by the labels that its streams have and by what it keeps with its newest lines.

    Raises:
        SourceError: it does not answer.
    """
    selecting = _selecting(label_names(client, window), client)
    return queries_of_level(client, window, LogQuery(selecting), ERROR_LEVELS, ERROR_TEXT) if selecting else ()


def queries_of_level(
    client: LokiClient, window: Window, streams: LogQuery, levels: Sequence[str], text: str
) -> tuple[LogQuery, ...]:
    """The queries for a query's lines of some levels; none where there is no such stream in the window.

    Args:
        client: of one tenant.
        window: when.
        streams: which lines.
        levels: as Loki detects them.
        text: an expression (RE2) for what lines say of their level, where Loki detects none.

    Raises:
        SourceError: it does not answer.
    """
    start, end = nanoseconds(window.start), nanoseconds(window.end)
    newest = client.lines(streams.selector, start, end, limit=_SAMPLED_LINES).frame
    if not len(newest):
        return ()
    told = LineFilter(Contains.REGEX, text)
    if not all(LEVEL in labels for labels in newest.streams):
        return (streams.narrowed(told),)
    return (
        streams.narrowed(LabelFilter(LEVEL, Match.REGEX, any_of(levels))),
        streams.narrowed(told, LabelFilter(LEVEL, Match.EQUAL, _UNDETECTED)),
    )


def label_names(client: LokiClient, window: Window) -> list[str]:
    """Names of the labels of all streams; of those with a namespace, where nothing else may be asked for.

    Raises:
        SourceError: it does not answer.
    """
    try:
        return client.labels(window)
    except Forbidden:
        # Behind OpenShift's gateway a person's own logs are asked for by namespace.
        for matcher in ('{kubernetes_namespace_name=~".+"}', '{k8s_namespace_name=~".+"}'):
            if names := client.labels(window, matcher):
                return names
        return []


def _selecting(names: Collection[str], client: LokiClient) -> tuple[Matcher, ...]:
    """Matchers for as many streams as can be chosen by one label each; none where there are no streams."""
    places = place_labels_of(names)
    if places.tenant and places.tenant in names:
        own = one_of(places.tenant, _LOOKED_THROUGH)
        return (own, any_value(places.namespace)) if _guarded(client) else (own,)
    for label in (EVERY_STREAM, places.namespace, *sorted(names)):
        if label in names:
            return (any_value(label),)
    return ()


def any_value(label: str) -> Matcher:
    """A matcher for the streams that have a label."""
    return Matcher(label, Match.REGEX, ".+")


def _guarded(client: LokiClient) -> bool:
    """Whether the gateway wants a namespace to be named, as it does for the tenant of applications."""
    return f"{GATEWAY}/application" in client.endpoint.url + client.prefix
