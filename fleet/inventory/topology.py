"""What stands on what in one cluster: pods on nodes, workloads over pods, routes before workloads."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Self

from fleet.inventory.inventory import Inventory, Pod
from fleet.inventory.node import Node
from fleet.inventory.ownership import (
    cron_job_of_job,
    deployment_of_replica_set,
    owner_of_claim,
    workload_of_pod_name,
)
from fleet.inventory.subject import Subject, SubjectKind

_PODS = frozenset({SubjectKind.POD, SubjectKind.CONTAINER})
_NODES = frozenset({SubjectKind.NODE, SubjectKind.DEVICE})

_PodKey = tuple[str, str]


@dataclass(frozen=True)
class Topology:
    """Look-ups over one inventory; built once by :meth:`of`, then read only.

    Without an inventory (a Prometheus and nothing else) the same questions are answered from names alone: owners
    by the forms of pod names, routes by the workload of the same name; what stands on which node is not known.
    """

    _workloads: dict[str, set[str]] = field(default_factory=dict)
    """Names of workloads by namespace."""
    _pods: dict[_PodKey, Pod] = field(default_factory=dict)
    _pods_by_node: dict[str, list[Pod]] = field(default_factory=dict)
    _nodes_by_workload: dict[_PodKey, frozenset[str]] = field(default_factory=dict)
    _node_by_address: dict[str, str] = field(default_factory=dict)
    _cluster_id: str = ""

    @classmethod
    def of(cls, inventory: Inventory | None) -> Self:
        """The topology of what discovery saw; None gives one that knows names only."""
        if inventory is None:
            return cls()
        by_node: defaultdict[str, list[Pod]] = defaultdict(list)
        by_workload: defaultdict[_PodKey, set[str]] = defaultdict(set)
        workloads: defaultdict[str, set[str]] = defaultdict(set)
        for workload in inventory.workloads:
            workloads[workload.namespace].add(workload.name)
        for pod in sorted(inventory.pods, key=lambda each: (each.namespace, each.name)):
            if pod.workload:
                workloads[pod.namespace].add(pod.workload)
            if pod.node:
                by_node[pod.node].append(pod)
                if pod.workload:
                    by_workload[pod.namespace, pod.workload].add(pod.node)
        return cls(
            _workloads=dict(workloads),
            _pods={(pod.namespace, pod.name): pod for pod in inventory.pods},
            _pods_by_node=dict(by_node),
            _nodes_by_workload={key: frozenset(nodes) for key, nodes in by_workload.items()},
            _node_by_address=_addresses(inventory.nodes),
            _cluster_id=inventory.cluster_id,
        )

    def resolve(self, subject: Subject) -> Subject:
        """The same thing under its lasting name.

        Pods and containers get their workload (from the inventory, or by the form of the name when the pod is gone);
        so do ReplicaSets of Deployments, Jobs of CronJobs that are known, and the claims that pods make for themselves;
        nodes and devices that are named by a scrape address (``10.0.0.7:9100``) get the node's name. What
        cannot be resolved comes back as it is.
        """
        if subject.kind in _PODS and subject.workload is None:
            workload = self._workload_of_pod(subject)
            return subject.model_copy(update={"workload": workload}) if workload else subject
        if subject.kind in _NODES:
            node = self._node_named(subject.name)
            return subject.model_copy(update={"name": node}) if node and node != subject.name else subject
        if subject.kind is SubjectKind.WORKLOAD and subject.workload is None:
            maker = self._maker_of_workload(subject)
            return subject.model_copy(update={"workload": maker}) if maker else subject
        if subject.kind is SubjectKind.VOLUME and subject.workload is None and (owner := owner_of_claim(subject.name)):
            return subject.model_copy(update={"workload": owner[0], "part": owner[1]})
        return subject

    def workload_of(self, subject: Subject) -> tuple[str, str] | None:
        """Namespace and name of the workload that a subject is, belongs to, or leads to.

        A route leads to the workload of its own name; a volume belongs to the StatefulSet that its name ends with
        (``data-postgres-0``); a component is the one workload of the cluster that has its name.
        """
        if subject.kind is SubjectKind.COMPONENT:
            return self._workload_of_component(subject)
        name: str | None = None
        if subject.kind is SubjectKind.WORKLOAD or subject.kind is SubjectKind.ROUTE:
            name = subject.workload or subject.name
        elif subject.kind in _PODS:
            name = subject.workload or self._workload_of_pod(subject)
        elif subject.kind is SubjectKind.VOLUME:
            name = subject.workload or self._workload_of_volume(subject)
        return (subject.namespace or "", name) if name else None

    def node_of(self, subject: Subject) -> str | None:
        """The one node on which a subject stands, or None where it is not known or not one."""
        nodes = self.nodes_of(subject)
        return next(iter(nodes)) if len(nodes) == 1 else None

    def nodes_of(self, subject: Subject) -> frozenset[str]:
        """Every node on which a subject stands: several for a workload; none where it is not known."""
        if subject.kind in _NODES:
            return frozenset({self._node_named(subject.name) or subject.name} - {""})
        if subject.kind in _PODS:
            pod = self._pods.get((subject.namespace or "", subject.name))
            return frozenset({pod.node}) if pod and pod.node else frozenset()
        if subject.kind is SubjectKind.COMPONENT:
            node = self._node_named(subject.part or "") or self._node_named(subject.name)
            if node:
                return frozenset({node})
        workload = self.workload_of(subject)
        return self._nodes_by_workload.get(workload, frozenset()) if workload else frozenset()

    def distance(self, a: Subject, b: Subject) -> int | None:
        """How far two subjects stand apart, the same in both directions.

        0 the same thing; 1 one owns, hosts or leads to the other, or both belong to one workload; 2 on the same
        node; 3 in the same namespace; None for things that topology does not relate. Nothing relates two clusters,
        nor a whole cluster with its parts.
        """
        if a.cluster_id != b.cluster_id:
            return None
        one, other = self.resolve(a), self.resolve(b)
        if (one.identity, one.name) == (other.identity, other.name):
            return 0
        if self._one_step(one, other):
            return 1
        if self.nodes_of(one) & self.nodes_of(other):
            return 2
        namespace = _namespace_of(one)
        if namespace is not None and namespace == _namespace_of(other):
            return 3
        return None

    def members(self, node: str) -> tuple[Subject, ...]:
        """The pods on a node, by namespace and name; ``node`` is its name or one of its addresses."""
        name = self._node_named(node) or node
        return tuple(
            Subject(
                cluster_id=self._cluster_id,
                kind=SubjectKind.POD,
                name=pod.name,
                namespace=pod.namespace,
                workload=pod.workload,
            )
            for pod in self._pods_by_node.get(name, ())
        )

    def _one_step(self, one: Subject, other: Subject) -> bool:
        workload = self.workload_of(one)
        if workload is not None and workload == self.workload_of(other):
            return True
        if one.kind in _PODS and other.kind in _PODS:
            return (one.namespace, one.name) == (other.namespace, other.name)
        return self._stands_on(one, other) or self._stands_on(other, one)

    def _stands_on(self, guest: Subject, host: Subject) -> bool:
        """Whether ``host`` is a node and ``guest`` (not a node itself) stands on it."""
        return (
            host.kind is SubjectKind.NODE and guest.kind is not SubjectKind.NODE and host.name in self.nodes_of(guest)
        )

    def _workload_of_pod(self, subject: Subject) -> str | None:
        namespace = subject.namespace or ""
        pod = self._pods.get((namespace, subject.name))
        if pod is not None:
            return pod.workload
        return workload_of_pod_name(subject.name, self._workloads.get(namespace, ()))

    def _maker_of_workload(self, subject: Subject) -> str | None:
        """The Deployment or CronJob, known to exist, that makes workloads of such a name anew."""
        known = self._workloads.get(subject.namespace or "", set())
        maker = cron_job_of_job(subject.name) or deployment_of_replica_set(subject.name)
        return maker if maker in known and subject.name not in known else None

    def _workload_of_component(self, subject: Subject) -> tuple[str, str] | None:
        homes = [
            namespace
            for namespace, names in self._workloads.items()
            if subject.name in names and subject.namespace in {None, namespace}
        ]
        return (homes[0], subject.name) if len(homes) == 1 else None

    def _workload_of_volume(self, subject: Subject) -> str | None:
        stem, dash, ordinal = subject.name.rpartition("-")
        known = self._workloads.get(subject.namespace or "", set())
        while dash and ordinal.isdigit():
            _, separator, stem = stem.partition("-")
            if not separator:
                return None
            if stem in known:
                return stem
        return None

    def _node_named(self, name: str) -> str | None:
        """The node with this name, address or scrape instance (``host:port``, ``[::1]:port``), or None."""
        address = name.lower()
        return self._node_by_address.get(address) or self._node_by_address.get(_host_of(address))


def _addresses(nodes: list[Node]) -> dict[str, str]:
    """Node by name and address, and by the first label of a host name where that means one node only."""
    exact = {address.lower(): node.name for node in nodes for address in [*node.addresses, node.name]}
    short: defaultdict[str, set[str]] = defaultdict(set)
    for address, name in exact.items():
        first, dot, _ = address.partition(".")
        if dot and not first.isdigit():
            short[first].add(name)
    return {first: names.pop() for first, names in short.items() if len(names) == 1} | exact


def _host_of(instance: str) -> str:
    """The host in ``host``, ``host:port`` or ``[v6]:port``."""
    if instance.startswith("["):
        return instance[1:].partition("]")[0]
    host, colon, port = instance.rpartition(":")
    return host if colon and port.isdigit() and ":" not in host else instance


def _namespace_of(subject: Subject) -> str | None:
    return subject.name if subject.kind is SubjectKind.NAMESPACE else subject.namespace
