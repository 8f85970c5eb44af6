"""How pods and their containers ended: restarts, kills for want of memory, evictions. Format: v1 PodStatus."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from sys import intern
from typing import NamedTuple

from fleet.collectors.kubernetes.objects import Condition, ContainerStatus, PodStatus, Terminated
from fleet.collectors.kubernetes.text import clean
from fleet.collectors.transport.decoding import decoder_of
from fleet.inventory.change import Change, ChangeKind
from fleet.inventory.inventory import ContainerRestarts, Pod
from fleet.inventory.subject import Subject, SubjectKind

_OOM = "OOMKilled"
_EVICTED = "Evicted"
_DISRUPTED = "DisruptionTarget"
"""The condition of a pod that is sent away: by eviction, preemption, a taint, or its kubelet (Kubernetes 1.26)."""
_CONDITIONS = decoder_of(list[Condition] | None)


class ContainerEnd(NamedTuple):
    """How and when (UTC) a container ended."""

    container: str
    at: datetime
    reason: str
    exit_code: int | None


class Eviction(NamedTuple):
    """How a pod was sent away (UTC)."""

    at: datetime
    reason: str
    message: str


def restarted(statuses: Iterable[ContainerStatus], since: datetime | None) -> dict[str, ContainerRestarts]:
    """The containers that were started again, by name; ``since`` is when their pod was made."""
    found: dict[str, ContainerRestarts] = {}
    for status in statuses:
        if status.restart_count > 0:
            last = (status.last_state.terminated if status.last_state else None) or Terminated()
            found[intern(clean(status.name, 63))] = ContainerRestarts(
                count=status.restart_count,
                since=since,
                ended_at=last.finished_at,
                reason=intern(clean(last.reason, 60)),
            )
    return found


def read_ends(statuses: Iterable[ContainerStatus]) -> Iterator[ContainerEnd]:
    """How containers ended before their last restart, and how they ended when they were not started again."""
    for status in statuses:
        before = status.last_state.terminated if status.last_state else None
        now = status.state.terminated if status.state else None
        failed = now if now is not None and now.exit_code != 0 else None
        for end in (before, failed):
            if end is not None and end.finished_at is not None:
                yield ContainerEnd(clean(status.name, 63), end.finished_at, clean(end.reason, 60), end.exit_code)


def eviction_of(status: PodStatus) -> Eviction | None:
    """How a pod was sent away; None for one that was not, or of which nobody says when.

    Raises:
        msgspec.DecodeError: its conditions are none.
    """
    marked = _DISRUPTED.encode() in memoryview(status.conditions).tobytes()
    if not marked and status.reason != _EVICTED:
        return None
    conditions = _CONDITIONS.decode(status.conditions) or []
    for each in conditions:
        if each.type == _DISRUPTED and each.status == "True" and each.last_transition_time is not None:
            return Eviction(each.last_transition_time, clean(each.reason, 60) or _EVICTED, clean(each.message))
    turns = [each.last_transition_time for each in conditions if each.last_transition_time is not None]
    if status.reason != _EVICTED or not turns:
        return None
    return Eviction(max(turns), _EVICTED, clean(status.message))


def pod_changes(cluster_id: str, pod: Pod, ends: Sequence[ContainerEnd], eviction: Eviction | None) -> list[Change]:
    """What happened to a pod that has its workload already."""
    changes = [_end(cluster_id, pod, each) for each in ends]
    if eviction is not None:
        changes.append(_evicted(cluster_id, pod, eviction))
    return changes


def _end(cluster_id: str, pod: Pod, end: ContainerEnd) -> Change:
    killed = end.reason == _OOM
    place = f"container {end.container} of {pod.namespace}/{pod.name}"
    words = "was killed for want of memory" if killed else f"ended with exit code {end.exit_code}"
    why = f" ({end.reason})" if end.reason and not killed else ""
    return Change(
        cluster_id=cluster_id,
        kind=ChangeKind.OOM_KILL if killed else ChangeKind.RESTART,
        subject=Subject(
            cluster_id=cluster_id,
            kind=SubjectKind.CONTAINER,
            name=pod.name,
            namespace=pod.namespace,
            workload=pod.workload,
            part=end.container,
        ),
        at=end.at,
        summary=f"{place} {words}{why}{_often(pod, end.container)}",
        after=end.reason,
        source=f"Pod {pod.namespace}/{pod.name} container status",
    )


def _often(pod: Pod, container: str) -> str:
    known = pod.restarted.get(container)
    if known is None or known.count < 2 or known.since is None:
        return ""
    return f"; {known.count} restarts since {known.since:%Y-%m-%d %H:%M} UTC"


def _evicted(cluster_id: str, pod: Pod, eviction: Eviction) -> Change:
    place = f"{pod.namespace}/{pod.name}" + (f" on {pod.node}" if pod.node else "")
    return Change(
        cluster_id=cluster_id,
        kind=ChangeKind.EVICTION,
        subject=Subject(
            cluster_id=cluster_id,
            kind=SubjectKind.POD,
            name=pod.name,
            namespace=pod.namespace,
            workload=pod.workload,
        ),
        at=eviction.at,
        summary=f"Pod {place} was sent away ({eviction.reason})" + f": {eviction.message}" * bool(eviction.message),
        after=eviction.reason,
        source=f"Pod {pod.namespace}/{pod.name} status",
    )
