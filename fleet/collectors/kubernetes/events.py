"""Events: what a cluster remembers of them, from whichever of the two APIs may be read, repetitions joined.

Formats: ``v1`` Event and ``events.k8s.io/v1`` Event. Both show the same objects, so only one of them is read: the core
API, or the newer one where the core API's events are forbidden or missing. An API server forgets an event one hour
after its last repetition (``--event-ttl``; OpenShift: three hours).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from operator import attrgetter
from sys import intern
from typing import Any, NamedTuple

from fleet.collectors.kubernetes import kinds
from fleet.collectors.kubernetes.client import KubernetesClient
from fleet.collectors.kubernetes.kinds import Kind
from fleet.collectors.kubernetes.listing import Listing, Reading, read_list
from fleet.collectors.kubernetes.objects import EventObject, InvolvedObject, NewEventObject
from fleet.collectors.kubernetes.text import NAME_CHARACTERS, clean
from fleet.errors import Forbidden, SourceError, WrongService
from fleet.frames.coverage import Coverage, CoverageStatus, QueryCoverage, combine
from fleet.frames.window import Window

SIGNAL = "events"
COLLECTOR = "kubernetes"
SCALING_REASONS = ("ScalingReplicaSet", "SuccessfulRescale")
"""Normal events that are asked for beside the warnings: who was scaled, by hand or by an autoscaler."""

_WARNINGS = "type=Warning"
_SELECTORS = (_WARNINGS, *(f"reason={reason}" for reason in SCALING_REASONS))
_MOST_READ = 200_000
"""Of each selector: what an event storm may cost in requests."""
_MOST_KEPT = 10_000
"""Of each selector, and once as many until they are joined: a storm must not fill the memory."""


class About(NamedTuple):
    """What an event is about; ``container`` is one of a pod's, or ""."""

    kind: str
    namespace: str
    name: str
    container: str


@dataclass(frozen=True, slots=True)
class SeenEvent:
    """All events of one reason on one thing (times UTC); ``message`` is that of the first one."""

    about: About
    reason: str
    message: str
    first_at: datetime
    last_at: datetime
    count: int


def collect_events(client: KubernetesClient, cluster_id: str, window: Window) -> tuple[list[SeenEvent], Coverage]:
    """The warnings and scalings that a cluster remembers now, one for each reason on each thing, by time.

    A broken endpoint never raises: coverage says what was not seen. A missing right is unknown, and never "none".

    Args:
        client: of the cluster's API server; it is not closed.
        cluster_id: whose coverage this is.
        window: of the collection that this belongs to; how far back a cluster remembers is its own affair.

    Raises:
        fleet.errors.StoreError: the credential could not be had anew.
    """
    at = datetime.now(UTC)
    listings = _read(client)
    queries = [_seen(selector, listing) for selector, listing in zip(_SELECTORS, listings, strict=False)]
    # What was not asked after a failure is as little known as what failed.
    queries += [
        QueryCoverage(query_id=selector, status=CoverageStatus.UNKNOWN, reason=queries[-1].reason)
        for selector in _SELECTORS[len(queries) :]
    ]
    error = next((listing.error for listing in listings if listing.error is not None), None)
    coverage = Coverage(
        cluster_id=cluster_id,
        signal=SIGNAL,
        collector=COLLECTOR,
        window=window,
        step_seconds=0,
        status=combine([query.status for query in queries]),
        reason="; ".join(dict.fromkeys(query.reason for query in queries if query.reason)),
        error=type(error).__name__ if error is not None else "",
        endpoint=client.endpoint.url,
        queries=queries,
        collected_at=at,
    )
    events = join_events(event for listing in listings for event in listing.items)
    return sorted(events, key=lambda event: (event.first_at, event.about, event.reason)), coverage


def join_events(events: Iterable[SeenEvent]) -> list[SeenEvent]:
    """One event for each reason on each thing, from the first time to the last, with all repetitions counted."""
    joined: dict[tuple[About, str], SeenEvent] = {}
    for event in events:
        key = (event.about, event.reason)
        joined[key] = join_two(joined[key], event) if key in joined else event
    return list(joined.values())


def join_two(one: SeenEvent, other: SeenEvent) -> SeenEvent:
    """Two events as one: the earlier one, until the later one's end."""
    first = one if one.first_at <= other.first_at else other
    return replace(first, last_at=max(one.last_at, other.last_at), count=one.count + other.count)


@dataclass(frozen=True)
class _Api:
    """One of the two APIs: where its events are, their form, and how they read as those of the core API."""

    kind: Kind
    form: type[Any]
    as_core: Callable[[Any], EventObject]


_APIS = (
    _Api(kinds.EVENTS, EventObject, lambda seen: seen),
    _Api(kinds.NEW_EVENTS, NewEventObject, attrgetter("as_core")),
)


def _read(client: KubernetesClient) -> Sequence[Listing[SeenEvent]]:
    """The lists of the first API that can be read, up to the first that failed; of closed ones, what closed them."""
    closed: list[Listing[SeenEvent]] = []
    for api in _APIS:
        listings = _read_api(client, api)
        if not _is_closed(listings[0]):
            return listings
        closed.append(listings[0])
    refused = next((listing for listing in closed if listing.error is not None), None)
    return [refused or Listing(error=_nowhere(client))]


def _read_api(client: KubernetesClient, api: _Api) -> list[Listing[SeenEvent]]:
    listings: list[Listing[SeenEvent]] = []
    for selector in _SELECTORS:
        reading = Reading(api.kind, api.form, _taker(api, selector), selector, _MOST_READ, _condense)
        listing = read_list(client, api.kind.versions[0], reading)
        listings.append(listing)
        if listing.error is not None or listing.absent:
            break
    return listings


def _is_closed(listing: Listing[SeenEvent]) -> bool:
    return listing.absent or (isinstance(listing.error, Forbidden) and not listing.items)


def _nowhere(client: KubernetesClient) -> SourceError:
    url = client.endpoint.url
    path = kinds.EVENTS.path(kinds.EVENTS.versions[0])
    return WrongService(
        f"{url}{path} does not exist, which every Kubernetes API has.",
        endpoint=url,
        hint="Check the address of the Kubernetes API.",
    )


def _seen(selector: str, listing: Listing[SeenEvent]) -> QueryCoverage:
    reasons = []
    if isinstance(listing.error, Forbidden):
        reasons.append(f"missing right: {kinds.EVENTS.right} in the whole cluster")
    elif listing.error is not None:
        reasons.append(listing.error.message)
    if listing.unreadable:
        reasons.append(f"{listing.unreadable} of them could not be understood")
    if listing.cut_at is not None:
        reasons.append(f"only the first {listing.cut_at} were read; there are more")
    if listing.lossy:
        reasons.append(f"more than {_MOST_KEPT} things have events; those that were quiet for longest were let go")
    status = CoverageStatus.PARTIAL if reasons else CoverageStatus.OK
    if listing.error is not None and not listing.items:
        status = CoverageStatus.UNKNOWN
    return QueryCoverage(query_id=selector, status=status, reason="; ".join(reasons), series=len(listing.items))


def _taker(api: _Api, selector: str) -> Callable[[Any], SeenEvent | None]:
    """Takes what a selector selects, once for all selectors: a server that knows none gives everything each time."""
    _, _, reason = selector.partition("reason=")

    def take(seen: Any) -> SeenEvent | None:
        event = api.as_core(seen)
        warns = event.type == "Warning"
        return read_event(event) if (not warns and event.reason == reason if reason else warns) else None

    return take


def read_event(seen: EventObject) -> SeenEvent | None:
    """An event with its repetitions; None for one that has no time."""
    series_end = seen.series.last_observed_time if seen.series else None
    times = [seen.event_time, seen.first_timestamp, seen.last_timestamp, series_end]
    known = [at for at in times if at is not None] or [at for at in [seen.metadata.creation_timestamp] if at]
    if not known:
        return None
    return SeenEvent(
        about=_about(seen.involved_object or InvolvedObject()),
        reason=intern(clean(seen.reason, 80)),
        message=clean(seen.message),
        first_at=min(known),
        last_at=max(known),
        count=(seen.series.count if seen.series else None) or seen.count or 1,
    )


def _about(involved: InvolvedObject) -> About:
    _, brace, container = (involved.field_path or "").partition("ontainers{")
    return About(
        intern(clean(involved.kind, 63)),
        intern(clean(involved.namespace, 63)),
        clean(involved.name, NAME_CHARACTERS),
        intern(clean(container.removesuffix("}"), 63)) if brace and involved.kind == "Pod" else "",
    )


def _condense(items: list[SeenEvent]) -> bool:
    """Joins repetitions where there are many, and keeps those that were seen last; whether others were let go."""
    if len(items) <= _MOST_KEPT:
        return False
    items[:] = sorted(join_events(items), key=attrgetter("last_at"), reverse=True)
    lossy = len(items) > _MOST_KEPT
    del items[_MOST_KEPT:]
    return lossy
