"""Events as changes: repeated ones joined, each on the thing that it is about."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from fleet.collectors.kubernetes.objects import EventObject, InvolvedObject
from fleet.collectors.kubernetes.pods import Owners
from fleet.collectors.kubernetes.text import NAME_CHARACTERS, clean
from fleet.inventory.change import Change, ChangeKind
from fleet.inventory.ownership import cron_job_of_job
from fleet.inventory.subject import Subject, SubjectKind
from fleet.inventory.topology import Topology

SCALING_REASONS = ("ScalingReplicaSet", "SuccessfulRescale")
"""Normal events that are asked for beside the warnings: who was scaled, by hand or by an autoscaler."""

_EVICTIONS = frozenset({"Evicted", "EvictionThresholdMet", "Preempted", "Preempting"})
_OOM_KILLS = frozenset({"OOMKilling", "SystemOOM"})
_ROLLOUT_LASTS = timedelta(minutes=15)
_KINDS = {
    "Node": SubjectKind.NODE,
    "Pod": SubjectKind.POD,
    "PersistentVolumeClaim": SubjectKind.VOLUME,
    "Route": SubjectKind.ROUTE,
    "Namespace": SubjectKind.NAMESPACE,
    "Deployment": SubjectKind.WORKLOAD,
    "StatefulSet": SubjectKind.WORKLOAD,
    "DaemonSet": SubjectKind.WORKLOAD,
    "ReplicaSet": SubjectKind.WORKLOAD,
    "Job": SubjectKind.WORKLOAD,
    "CronJob": SubjectKind.WORKLOAD,
    "HorizontalPodAutoscaler": SubjectKind.WORKLOAD,
}
_CLUSTER_WIDE = frozenset({SubjectKind.NODE, SubjectKind.NAMESPACE})


@dataclass(frozen=True)
class SeenEvent:
    """An event, or several of one reason on one subject (times UTC)."""

    uid: str
    subject: Subject
    kind: ChangeKind
    reason: str
    message: str
    first_at: datetime
    last_at: datetime
    count: int


def can_be_cause(seen: EventObject) -> EventObject | None:
    """The event itself if it is a warning or the scaling of a workload; None for others."""
    return seen if seen.type == "Warning" or seen.reason in SCALING_REASONS else None


def read_event(cluster_id: str, topology: Topology, owners: Owners, seen: EventObject) -> SeenEvent | None:
    """An event on the thing that it is about; None for one that has no time."""
    reason = clean(seen.reason, 80)
    series_end = seen.series.last_observed_time if seen.series else None
    times = [seen.event_time, seen.first_timestamp, seen.last_timestamp, series_end]
    known = [at for at in times if at is not None] or [at for at in [seen.metadata.creation_timestamp] if at]
    if not known:
        return None
    return SeenEvent(
        uid=f"{clean(seen.metadata.namespace, 63)}/{clean(seen.metadata.name, NAME_CHARACTERS)}",
        subject=_subject(cluster_id, topology, owners, seen.involved_object or InvolvedObject()),
        kind=_kind(reason),
        reason=reason,
        message=clean(seen.message),
        first_at=min(known),
        last_at=max(known),
        count=(seen.series.count if seen.series else None) or seen.count or 1,
    )


def event_changes(cluster_id: str, events: Iterable[SeenEvent], rollouts: Iterable[Change]) -> list[Change]:
    """One change for each subject and reason, at the time it was first seen, by time.

    The scaling of ReplicaSets within a rollout is part of that rollout and is left out.
    """
    rolled: dict[str, list[datetime]] = {}
    for rollout in rollouts:
        rolled.setdefault(rollout.subject.identity, []).append(rollout.at)
    joined: dict[tuple[str, str], SeenEvent] = {}
    for event in events:
        if event.reason == "ScalingReplicaSet" and _in_rollout(event, rolled.get(event.subject.identity, [])):
            continue
        key = (event.subject.identity, event.reason)
        joined[key] = _join(joined[key], event) if key in joined else event
    return sorted((_change(cluster_id, event) for event in joined.values()), key=lambda each: (each.at, each.id))


def _join(one: SeenEvent, other: SeenEvent) -> SeenEvent:
    first = one if one.first_at <= other.first_at else other
    return replace(
        first,
        last_at=max(one.last_at, other.last_at),
        count=one.count + other.count,
    )


def _in_rollout(event: SeenEvent, rollouts: list[datetime]) -> bool:
    # The event may carry whole seconds where the ReplicaSet's time was rounded the other way.
    return any(-timedelta(seconds=5) <= event.first_at - at <= _ROLLOUT_LASTS for at in rollouts)


def _change(cluster_id: str, event: SeenEvent) -> Change:
    often = f" ({event.count} times until {event.last_at:%Y-%m-%d %H:%M} UTC)" if event.count > 1 else ""
    return Change(
        cluster_id=cluster_id,
        kind=event.kind,
        subject=event.subject,
        at=event.first_at,
        summary=f"{event.reason} on {event.subject.display}: {event.message}{often}",
        # How often it came is no part of what it is: the same event read later is the same change.
        after=event.reason,
        source=f"Event {event.reason}",
    )


def _kind(reason: str) -> ChangeKind:
    if reason in SCALING_REASONS:
        return ChangeKind.SCALED
    if reason in _EVICTIONS:
        return ChangeKind.EVICTION
    return ChangeKind.OOM_KILL if reason in _OOM_KILLS else ChangeKind.EVENT


def _subject(cluster_id: str, topology: Topology, owners: Owners, involved: InvolvedObject) -> Subject:
    name = clean(involved.name, NAME_CHARACTERS)
    kind = _KINDS.get(involved.kind or "", SubjectKind.COMPONENT)
    namespace = None if kind in _CLUSTER_WIDE else clean(involved.namespace, 63) or None
    part = None
    if kind is SubjectKind.COMPONENT:
        part = clean(involved.kind, 63) or None
    elif kind is SubjectKind.WORKLOAD:
        name = _workload_name(owners, involved.kind, namespace or "", name)
    elif kind is SubjectKind.POD and (part := _container(involved)):
        kind = SubjectKind.CONTAINER
    return topology.resolve(Subject(cluster_id=cluster_id, kind=kind, name=name, namespace=namespace, part=part))


def _workload_name(owners: Owners, kind: str | None, namespace: str, name: str) -> str:
    if kind == "ReplicaSet":
        return owners.of_set(namespace, name)[1]
    return (cron_job_of_job(name) if kind == "Job" else None) or name


def _container(involved: InvolvedObject) -> str | None:
    """The container in ``spec.containers{app}``."""
    _, brace, rest = (involved.field_path or "").partition("containers{")
    return clean(rest.removesuffix("}"), 63) or None if brace else None
