"""Pods: where they run, who owns them, and what they run.

There may be tens of thousands: what repeats (namespaces, nodes, digests) is kept once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from sys import intern

from fleet.collectors.kubernetes.nodes import HUGEPAGES
from fleet.collectors.kubernetes.objects import OwnerReference, PodObject, PodSpec, PodStatus
from fleet.collectors.kubernetes.pod_ends import ContainerEnd, Eviction, eviction_of, pod_changes, read_ends, restarted
from fleet.collectors.kubernetes.quantities import parse_quantity
from fleet.collectors.kubernetes.text import NAME_CHARACTERS, clean
from fleet.inventory.change import Change
from fleet.inventory.inventory import Pod
from fleet.inventory.ownership import cron_job_of_job, deployment_of_replica_set

Owner = tuple[str, str]
"""Kind and name."""

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
"""In an image id, whatever the container runtime writes around it."""


@dataclass(frozen=True)
class Owners:
    """Who owns ReplicaSets, by namespace and name; for one that is gone or was not seen its name's form stands in."""

    of_replica_set: Mapping[tuple[str, str], Owner | None]

    def of_pod(self, namespace: str, controller: OwnerReference | None, template_hash: str = "") -> Owner | None:
        """The workload that a pod belongs to in the end, or None for one of its own and for a node's static pods."""
        if controller is None or controller.kind == "Node":
            return None
        if controller.kind == "ReplicaSet":
            return self.of_set(namespace, clean(controller.name, NAME_CHARACTERS), template_hash)
        if controller.kind == "Job":
            job = clean(controller.name, NAME_CHARACTERS)
            cron_job = cron_job_of_job(job)
            return ("CronJob", cron_job) if cron_job else ("Job", job)
        return clean(controller.kind, 63), clean(controller.name, NAME_CHARACTERS)

    def of_set(self, namespace: str, name: str, template_hash: str = "") -> Owner:
        """The owner of a ReplicaSet, or the ReplicaSet itself when nobody owns it."""
        key = (namespace, name)
        if key in self.of_replica_set:
            return self.of_replica_set[key] or ("ReplicaSet", name)
        deployment = deployment_of_replica_set(name, template_hash)
        return ("Deployment", deployment) if deployment else ("ReplicaSet", name)


@dataclass(frozen=True, slots=True)
class SeenPod:
    """A pod whose owner is still to be found, since ReplicaSets are read beside it, and what else its status tells.

    Attributes:
        pod: without its workload.
        controller: who made it, or None.
        template_hash: the label by which a ReplicaSet marks its pods.
        created_at: UTC.
        ends: how its containers ended.
        eviction: how it was sent away, or None.
        digests: of the images that its containers run, by container.
    """

    pod: Pod
    controller: OwnerReference | None
    template_hash: str
    created_at: datetime | None
    ends: tuple[ContainerEnd, ...]
    eviction: Eviction | None
    digests: tuple[tuple[str, str], ...]


class RunningImages:
    """What the youngest pod of each controller runs, by container: a tag may name another image each day."""

    def __init__(self, seen: Iterable[SeenPod]) -> None:
        self._youngest: dict[tuple[str, str, str], dict[str, str]] = {}
        ages: dict[tuple[str, str, str], datetime] = {}
        for each in seen:
            if each.controller is None or each.created_at is None or not each.digests:
                continue
            key = (each.pod.namespace, each.controller.kind, each.controller.name)
            if key not in ages or each.created_at > ages[key]:
                ages[key] = each.created_at
                self._youngest[key] = dict(each.digests)

    def of(self, namespace: str, kind: str, name: str) -> dict[str, str]:
        """Digests by container; empty where no pod tells any."""
        return self._youngest.get((namespace, kind, name), {})


def read_pod(seen: PodObject) -> SeenPod:
    """A pod of the inventory, without its owner."""
    status, spec = seen.status or PodStatus(), seen.spec or PodSpec()
    running = status.container_statuses or []
    statuses = [*(status.init_container_statuses or []), *running]
    pod = Pod(
        namespace=intern(clean(seen.metadata.namespace, 63)),
        name=clean(seen.metadata.name, NAME_CHARACTERS),
        node=intern(clean(spec.node_name, NAME_CHARACTERS)) or None,
        phase=intern(clean(status.phase, 40)),
        restarts=sum(each.restart_count for each in statuses),
        restarted=restarted(statuses, seen.metadata.creation_timestamp),
        devices=_devices(spec),
    )
    return SeenPod(
        pod,
        seen.metadata.controller,
        (seen.metadata.labels or {}).get("pod-template-hash", ""),
        seen.metadata.creation_timestamp,
        ends=tuple(read_ends(statuses)),
        eviction=eviction_of(status),
        digests=tuple(
            (intern(clean(each.name, 63)), intern(match[0]))
            for each in running
            if (match := _DIGEST.search(each.image_id or ""))
        ),
    )


def settle_pod(cluster_id: str, owners: Owners, seen: SeenPod) -> list[Change]:
    """Gives the pod its workload; returns what happened to it and its containers."""
    owner = owners.of_pod(seen.pod.namespace, seen.controller, seen.template_hash)
    if owner is not None:
        seen.pod.workload_kind, seen.pod.workload = intern(owner[0]), intern(owner[1])
    return pod_changes(cluster_id, seen.pod, seen.ends, seen.eviction)


def _devices(spec: PodSpec) -> dict[str, int]:
    """Extended resources and hugepages that all containers ask for together; limits stand in for missing requests."""
    totals: dict[str, int] = {}
    for container in spec.containers or []:
        resources = container.resources
        if resources is None:
            continue
        for name, amount in {**(resources.limits or {}), **(resources.requests or {})}.items():
            if "/" in name or name.startswith(HUGEPAGES):
                key = intern(clean(name, 317))
                totals[key] = totals.get(key, 0) + int(parse_quantity(str(amount)))
    return totals
