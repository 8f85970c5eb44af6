"""Pods: where they run, who owns them, and how their containers ended."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from fleet.collectors.kubernetes.objects import ContainerStatus, Metadata, PodObject, PodStatus, Terminated
from fleet.collectors.kubernetes.text import NAME_CHARACTERS, clean
from fleet.inventory.change import Change, ChangeKind
from fleet.inventory.inventory import Pod
from fleet.inventory.ownership import cron_job_of_job, deployment_of_replica_set
from fleet.inventory.subject import Subject, SubjectKind

Owner = tuple[str, str]
"""Kind and name."""

_OOM = "OOMKilled"


@dataclass(frozen=True)
class Owners:
    """Who owns ReplicaSets, by namespace and name; for one that is gone or was not seen its name's form stands in."""

    of_replica_set: Mapping[tuple[str, str], Owner | None]

    def of_pod(self, metadata: Metadata) -> Owner | None:
        """The workload that a pod belongs to in the end, or None for one of its own and for a node's static pods."""
        controller = metadata.controller
        if controller is None or controller.kind == "Node":
            return None
        if controller.kind == "ReplicaSet":
            return self.of_set(
                metadata.namespace or "", controller.name, (metadata.labels or {}).get("pod-template-hash")
            )
        if controller.kind == "Job":
            cron_job = cron_job_of_job(controller.name)
            return ("CronJob", cron_job) if cron_job else ("Job", controller.name)
        return clean(controller.kind, 63), clean(controller.name, NAME_CHARACTERS)

    def of_set(self, namespace: str, name: str, template_hash: str | None = None) -> Owner:
        """The owner of a ReplicaSet, or the ReplicaSet itself when nobody owns it."""
        key = (namespace, name)
        if key in self.of_replica_set:
            return self.of_replica_set[key] or ("ReplicaSet", name)
        deployment = deployment_of_replica_set(name, template_hash or "")
        return ("Deployment", deployment) if deployment else ("ReplicaSet", name)


@dataclass(frozen=True)
class SeenPod:
    """A pod and how its containers ended."""

    pod: Pod
    changes: list[Change]


def read_pod(cluster_id: str, owners: Owners, seen: PodObject) -> SeenPod:
    """A pod of the inventory with its owner."""
    status = seen.status or PodStatus()
    statuses = [*(status.init_container_statuses or []), *(status.container_statuses or [])]
    owner = owners.of_pod(seen.metadata)
    pod = Pod(
        namespace=seen.metadata.namespace or "",
        name=clean(seen.metadata.name, NAME_CHARACTERS),
        node=(seen.spec.node_name if seen.spec else None) or None,
        workload_kind=owner[0] if owner else None,
        workload=owner[1] if owner else None,
        phase=clean(status.phase, 40),
        restarts=sum(each.restart_count for each in statuses),
    )
    return SeenPod(pod, [change for each in statuses for change in _ends(cluster_id, pod, each)])


def _ends(cluster_id: str, pod: Pod, status: ContainerStatus) -> Iterator[Change]:
    """How a container ended before its last restart, and how it ended when it was not started again."""
    before = status.last_state.terminated if status.last_state else None
    if before is not None:
        yield from _end(cluster_id, pod, status, before)
    now = status.state.terminated if status.state else None
    if now is not None and now.exit_code != 0:
        yield from _end(cluster_id, pod, status, now)


def _end(cluster_id: str, pod: Pod, status: ContainerStatus, end: Terminated) -> Iterator[Change]:
    if end.finished_at is None:
        return
    container = clean(status.name, 63)
    killed = end.reason == _OOM
    place = f"container {container} of {pod.namespace}/{pod.name}"
    words = "was killed for want of memory" if killed else f"ended with exit code {end.exit_code}"
    reason = clean(end.reason, 60)
    yield Change(
        cluster_id=cluster_id,
        kind=ChangeKind.OOM_KILL if killed else ChangeKind.RESTART,
        subject=Subject(
            cluster_id=cluster_id,
            kind=SubjectKind.CONTAINER,
            name=pod.name,
            namespace=pod.namespace,
            workload=pod.workload,
            part=container,
        ),
        at=end.finished_at,
        summary=f"{place} {words}" + (f" ({reason})" if reason and not killed else ""),
        after=reason,
        source=f"Pod {pod.namespace}/{pod.name} container status",
    )
