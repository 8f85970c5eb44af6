"""Events as changes, each on the thing that it is about, under that thing's lasting name."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from fleet.collectors.kubernetes.events import SCALING_REASONS, About, SeenEvent, join_two
from fleet.collectors.kubernetes.pods import Owners
from fleet.inventory.change import Change, ChangeKind
from fleet.inventory.ownership import cron_job_of_job
from fleet.inventory.subject import Subject, SubjectKind
from fleet.inventory.topology import Topology

_EVICTIONS = frozenset({"Evicted", "EvictionThresholdMet", "Preempted", "Preempting"})
_OOM_KILLS = frozenset({"OOMKilling", "SystemOOM"})
_ROLLOUT_LASTS = timedelta(minutes=15)
_SAME_MOMENT = timedelta(minutes=1)
"""Between what a pod's status says of its end and the event of it."""
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
class Known:
    """What of a cluster is known when its events are looked at."""

    cluster_id: str
    topology: Topology
    owners: Owners
    changes: list[Change]


def event_changes(known: Known, events: Iterable[SeenEvent]) -> list[Change]:
    """One change for each subject and reason, at the time it was first seen, by time.

    What another change tells already is left out: the scaling of ReplicaSets within a rollout, and the single kill or
    eviction of a pod whose status has it.
    """
    told: defaultdict[tuple[ChangeKind, str], list[Change]] = defaultdict(list)
    for change in known.changes:
        told[change.kind, change.subject.identity].append(change)
    joined: dict[tuple[str, str], tuple[Subject, SeenEvent]] = {}
    for event in events:
        subject, kind = _subject(known, event.about), _kind(event.reason)
        if kind is ChangeKind.SCALED and _in_rollout(event, told[ChangeKind.ROLLOUT, subject.identity]):
            continue
        if event.count == 1 and _is_told(event, subject, told[kind, subject.identity]):
            continue
        key = (subject.identity, event.reason)
        first, seen = joined.get(key, (subject, event))
        if seen is not event:
            first, event = (first if seen.first_at <= event.first_at else subject), join_two(seen, event)
        joined[key] = (first, event)
    changes = [_change(known.cluster_id, subject, event) for subject, event in joined.values()]
    return sorted(changes, key=lambda each: (each.at, each.id))


def _in_rollout(event: SeenEvent, rollouts: Iterable[Change]) -> bool:
    # The event may carry whole seconds where the ReplicaSet's time was rounded the other way.
    return any(-timedelta(seconds=5) <= event.first_at - rollout.at <= _ROLLOUT_LASTS for rollout in rollouts)


def _is_told(event: SeenEvent, subject: Subject, changes: Iterable[Change]) -> bool:
    kind = _kind(event.reason)
    if kind not in {ChangeKind.OOM_KILL, ChangeKind.EVICTION}:
        return False
    return any(
        change.subject.name == subject.name and abs(event.first_at - change.at) <= _SAME_MOMENT for change in changes
    )


def _change(cluster_id: str, subject: Subject, event: SeenEvent) -> Change:
    often = f" ({event.count} times until {event.last_at:%Y-%m-%d %H:%M} UTC)" if event.count > 1 else ""
    return Change(
        cluster_id=cluster_id,
        kind=_kind(event.reason),
        subject=subject,
        at=event.first_at,
        summary=f"{event.reason} on {subject.display}: {event.message}{often}",
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


def _subject(known: Known, about: About) -> Subject:
    kind = _KINDS.get(about.kind, SubjectKind.COMPONENT)
    name, part = about.name, None
    namespace = None if kind in _CLUSTER_WIDE else about.namespace or None
    if kind is SubjectKind.COMPONENT:
        part = about.kind or None
    elif kind is SubjectKind.WORKLOAD:
        name = _workload_name(known.owners, about.kind, namespace or "", name)
    elif kind is SubjectKind.POD and about.container:
        kind, part = SubjectKind.CONTAINER, about.container
    subject = Subject(cluster_id=known.cluster_id, kind=kind, name=name, namespace=namespace, part=part)
    return known.topology.resolve(subject)


def _workload_name(owners: Owners, kind: str, namespace: str, name: str) -> str:
    if kind == "ReplicaSet":
        return owners.of_set(namespace, name)[1]
    return (cron_job_of_job(name) if kind == "Job" else None) or name
