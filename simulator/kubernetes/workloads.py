"""Deployments, ReplicaSets, StatefulSets and DaemonSets."""

from __future__ import annotations

from simulator.cluster import SimulatedCluster
from simulator.kubernetes.meta import Object, condition, metadata, owner_reference
from simulator.kubernetes.objects import performance
from simulator.kubernetes.pods import container_of
from simulator.layout import Workload
from simulator.timeline import ROLLOUT_SECONDS, Pod, Revision
from simulator.truth import rfc3339

_REVISION = "deployment.kubernetes.io/revision"
_HISTORY = "deployment.kubernetes.io/revision-history"


def deployments(cluster: SimulatedCluster, at: float) -> list[Object]:
    """The Deployments as of a time."""
    return [
        _deployment(cluster, workload, at) for workload in cluster.layout.workloads if workload.kind == "Deployment"
    ]


def replica_sets(cluster: SimulatedCluster, at: float) -> list[Object]:
    """The ReplicaSets as of a time, those that rule no more among them."""
    return [
        found
        for workload in cluster.layout.workloads
        if workload.kind == "Deployment"
        for found in _replica_sets(cluster, workload, at)
    ]


def stateful_sets(cluster: SimulatedCluster, at: float) -> list[Object]:
    """The StatefulSets."""
    return [
        _stateful_set(cluster, workload, at) for workload in cluster.layout.workloads if workload.kind == "StatefulSet"
    ]


def daemon_sets(cluster: SimulatedCluster, at: float) -> list[Object]:
    """The DaemonSets."""
    return [_daemon_set(cluster, workload, at) for workload in cluster.layout.workloads if workload.kind == "DaemonSet"]


def revisions_until(cluster: SimulatedCluster, workload: Workload, at: float) -> list[Revision]:
    """A workload's revisions up to a time, oldest first."""
    return [revision for revision in cluster.timeline.revisions[workload.key] if revision.start <= at]


def replicas_at(cluster: SimulatedCluster, workload: Workload, at: float) -> int:
    """How many replicas a workload wants at a time."""
    more = [each for each in cluster.timeline.story.scalings if each.workload == workload and each.at <= at < each.end]
    return workload.replicas + len(more)


def _alive(cluster: SimulatedCluster, workload: Workload, at: float) -> list[Pod]:
    return [pod for pod in cluster.timeline.pods_by_workload.get(workload.key, []) if pod.alive(at)]


def _template(cluster: SimulatedCluster, workload: Workload, revision: Revision, *, hashed: bool) -> Object:
    demands = performance.demands_of(cluster.layout.profile, workload)
    labels = {"app": workload.name, **(demands.labels if demands else {})}
    if hashed:
        labels["pod-template-hash"] = revision.template_hash
    annotations = {"annotations": performance.requested_networks(demands)} if demands else {}
    return {
        "metadata": {"creationTimestamp": None, "labels": labels, **annotations},
        "spec": {
            "containers": [container_of(cluster, workload, revision.image)],
            "restartPolicy": "Always",
            "terminationGracePeriodSeconds": 30,
            "dnsPolicy": "ClusterFirst",
            "schedulerName": "default-scheduler",
        },
    }


def _deployment(cluster: SimulatedCluster, workload: Workload, at: float) -> Object:
    revisions = revisions_until(cluster, workload, at)
    current, first = revisions[-1], revisions[0]
    wanted = replicas_at(cluster, workload, at)
    alive = _alive(cluster, workload, at)
    updated = [pod for pod in alive if pod.revision.template == current.template]
    done = current.start + ROLLOUT_SECONDS
    progress = f'ReplicaSet "{workload.name}-{current.template_hash}" has successfully progressed.'
    progressing = condition(
        "Progressing", holds=True, since=first.start, reason="NewReplicaSetAvailable", message=progress
    )
    available = condition(
        "Available",
        holds=True,
        since=first.start + 30,
        reason="MinimumReplicasAvailable",
        message="Deployment has minimum availability.",
    )
    return {
        "metadata": metadata(
            cluster,
            "Deployment",
            workload.name,
            first.start,
            namespace=workload.namespace,
            changed=min(at, done),
            labels={"app": workload.name},
            annotations={_REVISION: str(current.number)},
        )
        | {"generation": len(revisions)},
        "spec": {
            "replicas": wanted,
            "selector": {"matchLabels": {"app": workload.name}},
            "template": _template(cluster, workload, current, hashed=False),
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
            "revisionHistoryLimit": 10,
            "progressDeadlineSeconds": 600,
        },
        "status": {
            "observedGeneration": len(revisions),
            "replicas": len(alive),
            "updatedReplicas": len(updated),
            "readyReplicas": len(alive),
            "availableReplicas": len(alive),
            "conditions": [
                available | {"lastUpdateTime": rfc3339(first.start + 30)},
                progressing | {"lastUpdateTime": rfc3339(min(at, done))},
            ],
        },
    }


def _replica_sets(cluster: SimulatedCluster, workload: Workload, at: float) -> list[Object]:
    revisions = revisions_until(cluster, workload, at)
    alive = _alive(cluster, workload, at)
    found = []
    for template in sorted({revision.template for revision in revisions}):
        mine = [revision for revision in revisions if revision.template == template]
        count = sum(1 for pod in alive if pod.revision.template == template)
        wanted = replicas_at(cluster, workload, at) if revisions[-1].template == template else 0
        annotations = {_REVISION: str(mine[-1].number)}
        if len(mine) > 1:
            annotations[_HISTORY] = ",".join(str(revision.number) for revision in mine[:-1])
        labels = {"app": workload.name, "pod-template-hash": mine[0].template_hash}
        ready = {"readyReplicas": count, "availableReplicas": count} if count else {}
        owner = owner_reference(cluster, "apps/v1", "Deployment", workload.namespace, workload.name)
        found.append(
            {
                "metadata": metadata(
                    cluster,
                    "ReplicaSet",
                    f"{workload.name}-{mine[0].template_hash}",
                    mine[0].start,
                    namespace=workload.namespace,
                    changed=mine[-1].start,
                    labels=labels,
                    annotations=annotations,
                    ownerReferences=[owner],
                ),
                "spec": {
                    "replicas": wanted,
                    "selector": {"matchLabels": labels},
                    "template": _template(cluster, workload, mine[0], hashed=True),
                },
                "status": {"replicas": count, **ready, "observedGeneration": 1},
            }
        )
    return found


def _stateful_set(cluster: SimulatedCluster, workload: Workload, at: float) -> Object:
    revision, count = cluster.timeline.revisions[workload.key][0], len(_alive(cluster, workload, at))
    name = f"{workload.name}-{revision.template_hash}"
    return {
        "metadata": _plain_metadata(cluster, workload, revision),
        "spec": {
            "replicas": workload.replicas,
            "selector": {"matchLabels": {"app": workload.name}},
            "serviceName": workload.name,
            "template": _template(cluster, workload, revision, hashed=False),
            "podManagementPolicy": "OrderedReady",
            "updateStrategy": {"type": "RollingUpdate"},
        },
        "status": {
            "observedGeneration": 1,
            "replicas": count,
            "readyReplicas": count,
            "availableReplicas": count,
            "currentReplicas": count,
            "updatedReplicas": count,
            "currentRevision": name,
            "updateRevision": name,
        },
    }


def _daemon_set(cluster: SimulatedCluster, workload: Workload, at: float) -> Object:
    revision, count = cluster.timeline.revisions[workload.key][0], len(_alive(cluster, workload, at))
    return {
        "metadata": _plain_metadata(cluster, workload, revision),
        "spec": {
            "selector": {"matchLabels": {"app": workload.name}},
            "template": _template(cluster, workload, revision, hashed=False),
            "updateStrategy": {"type": "RollingUpdate"},
        },
        "status": {
            "currentNumberScheduled": count,
            "desiredNumberScheduled": len(workload.places),
            "numberReady": count,
            "numberAvailable": count,
            "updatedNumberScheduled": count,
            "numberMisscheduled": 0,
            "observedGeneration": 1,
        },
    }


def _plain_metadata(cluster: SimulatedCluster, workload: Workload, revision: Revision) -> Object:
    labels = {"app": workload.name}
    made = metadata(cluster, workload.kind, workload.name, revision.start, namespace=workload.namespace, labels=labels)
    return made | {"generation": 1}
