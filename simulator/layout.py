"""What a simulated cluster is made of before anything happens to it: nodes, workloads and where their pods stand."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import ceil

from simulator.randomness import stream, token_of

GIB = 2**30
MIB = 2**20


@dataclass(frozen=True)
class Profile:
    """A kind of cluster: what its platform brings along.

    Attributes:
        name: as it stands in the registration's labels.
        openshift: whether it is OpenShift.
        control_plane_metrics: whether Prometheus sees etcd and the scheduler.
        gpus: whether Prometheus has metrics of GPUs.
        ptp: whether it is made for radio access: PTP with metrics, SR-IOV, huge pages.
        gpu_nodes: how many workers have GPUs.
        storage: whether it runs OpenShift Data Foundation.
        hub: whether it manages the fleet's other clusters.
        metrics_generator: whether Tempo makes metrics of its traces.
        forms: which form of a query of the pack its releases answer, by id, where that is not the first (0).
    """

    name: str
    openshift: bool
    control_plane_metrics: bool = True
    gpus: bool = False
    ptp: bool = False
    gpu_nodes: int = 0
    storage: bool = False
    hub: bool = False
    metrics_generator: bool = False
    forms: Mapping[str, int] = field(default_factory=dict, hash=False)


_KUBERNETES = {"stored_objects": 1}
"""All are older than 1.34."""
_COREDNS = {"dns_forward_avg": 1}
"""Before 1.11."""
_KUBE_STATE_METRICS = {"cpu_commitment": 1, "container_mem_vs_limit": 1, "hpa_at_max": 1}
"""Before 2.0."""
_FEW_BUCKETS = {"apiserver_slow_burn_5m": 2, "apiserver_slow_burn_1h": 2}
"""The API server's largest histograms are not scraped."""

PROFILES = (
    Profile("openshift", openshift=True, storage=True, metrics_generator=True, forms=_KUBERNETES),
    Profile("vanilla", openshift=False, metrics_generator=True, forms=_KUBERNETES | _COREDNS),
    Profile("telco", openshift=True, ptp=True, gpu_nodes=1, forms=_KUBERNETES),
    Profile(
        "managed",
        openshift=False,
        control_plane_metrics=False,
        forms=_KUBERNETES | _COREDNS | _KUBE_STATE_METRICS | _FEW_BUCKETS,
    ),
    Profile("accelerated", openshift=True, gpus=True, gpu_nodes=3, forms=_KUBERNETES),
)


@dataclass(frozen=True)
class Node:
    """A node; ``devices`` are its disks without ``/dev/``."""

    name: str
    address: str
    control_plane: bool
    cores: int
    memory_bytes: int
    devices: tuple[str, ...] = ("vda", "vdb")


@dataclass(frozen=True)
class Workload:
    """A Deployment, StatefulSet or DaemonSet with one container a pod.

    ``places`` are the nodes of its pods by ordinal, with one more than ``replicas`` for a scale-up.
    """

    namespace: str
    kind: str
    name: str
    image: str
    replicas: int
    places: tuple[str, ...]
    cpu_cores: float
    cpu_limited: bool
    memory_bytes: int
    memory_limit_bytes: int
    routed: bool
    batch: bool = False

    @property
    def key(self) -> tuple[str, str]:
        """Namespace and name, unique in a cluster."""
        return self.namespace, self.name


@dataclass(frozen=True)
class Layout:
    """One cluster's parts."""

    cluster: str
    seed: int
    profile: Profile
    nodes: tuple[Node, ...]
    workloads: tuple[Workload, ...]

    @cached_property
    def namespaces(self) -> tuple[str, ...]:
        """The names of the namespaces that have workloads, sorted."""
        return tuple(sorted({workload.namespace for workload in self.workloads}))

    @cached_property
    def node_by_name(self) -> dict[str, Node]:
        """The nodes by name."""
        return {node.name: node for node in self.nodes}

    def workload(self, namespace: str, name: str) -> Workload:
        """The workload with this name.

        Raises:
            KeyError: the cluster has none.
        """
        return self._workload_by_key[namespace, name]

    @cached_property
    def _workload_by_key(self) -> dict[tuple[str, str], Workload]:
        return {workload.key: workload for workload in self.workloads}

    def instance(self, node: Node, port: int = 9100) -> str:
        """The ``instance`` label of a node's exporter: the node's name on OpenShift, else address and port."""
        return node.name if self.profile.openshift and port == 9100 else f"{node.address}:{port}"

    @property
    def monitoring_namespace(self) -> str:
        """Where Prometheus and the node exporters run."""
        return "openshift-monitoring" if self.profile.openshift else "monitoring"


@dataclass(frozen=True)
class _Blueprint:
    namespace: str
    name: str
    kind: str = "Deployment"
    replicas: int = 2
    cpu_cores: float = 0.25
    memory_mib: int = 400
    routed: bool = False
    batch: bool = False
    cpu_limited: bool = True


# Each list is used from the front; more workloads than it has come as further services of its namespaces.
_APPLICATIONS = (
    _Blueprint("shop", "cart", routed=True),
    _Blueprint("shop", "checkout", routed=True),
    _Blueprint("payments", "gateway", routed=True),
    _Blueprint("reporting", "batch-export", replicas=1, batch=True, cpu_limited=False, memory_mib=700),
    _Blueprint("payments", "ledger", "StatefulSet", 1, 0.35, 900),
    _Blueprint("shop", "catalog", replicas=2, routed=True, memory_mib=600),
    _Blueprint("ran", "cell-manager", replicas=2, cpu_cores=0.5, memory_mib=800),
    _Blueprint("ran", "session-proxy", replicas=1, routed=True, cpu_cores=0.4),
)
_FIRST_APPLICATION = 4
_PLATFORM_DEPLOYMENTS = 2
_MORE_SERVICES = ("pricing", "search", "stock", "invoices", "loyalty", "alarms", "topology", "charging")


def _platform(openshift: bool) -> tuple[_Blueprint, ...]:
    monitoring = "openshift-monitoring" if openshift else "monitoring"
    dns, ingress = ("openshift-dns", "openshift-ingress") if openshift else ("kube-system", "ingress")
    router = "router-default" if openshift else "haproxy-ingress"
    return (
        _Blueprint(monitoring, "node-exporter", "DaemonSet", 0, 0.02, 40, cpu_limited=False),
        _Blueprint(monitoring, "prometheus-k8s", "StatefulSet", 1, 0.6, 2600, cpu_limited=False),
        _Blueprint(ingress, router, replicas=1, cpu_cores=0.3, memory_mib=300, cpu_limited=False),
        _Blueprint(dns, "dns-default" if openshift else "coredns", replicas=1, cpu_cores=0.05, memory_mib=60),
    )


def build_layout(seed: int, cluster: str, profile: Profile, nodes: int | None, workloads: int, pods: int = 0) -> Layout:
    """The layout of one cluster.

    Args:
        seed: the fleet's seed.
        cluster: the cluster's name, which makes it differ from its neighbours.
        profile: what the platform brings along.
        nodes: how many nodes (at least 3); None for 4 to 6.
        workloads: how many workloads, the four of the platform among them (at least 9).
        pods: at least so many pods: further replicas of the applications make up for what is lacking.
    """
    draws = stream(seed, cluster, "layout")
    count = draws.randint(4, 6) if nodes is None else nodes
    node_list = _nodes(draws, cluster, profile, count)
    blueprints = [*_platform(profile.openshift), *_applications(workloads - _FIRST_APPLICATION)]
    blueprints = _grown(blueprints, pods - count)
    placed = tuple(_place(draws, blueprint, node_list, index) for index, blueprint in enumerate(blueprints))
    return Layout(cluster, seed, profile, node_list, placed)


def _grown(blueprints: list[_Blueprint], pods: int) -> list[_Blueprint]:
    """The workloads with at least so many pods, DaemonSets' not counted."""
    growing = [each for each in blueprints if each.kind == "Deployment" and not each.batch][_PLATFORM_DEPLOYMENTS:]
    lacking = max(0, pods - sum(each.replicas for each in blueprints))
    more = {each.name: lacking // len(growing) + (index < lacking % len(growing)) for index, each in enumerate(growing)}
    return [replace(each, replicas=each.replicas + more.get(each.name, 0)) for each in blueprints]


def _nodes(draws: random.Random, cluster: str, profile: Profile, count: int) -> tuple[Node, ...]:
    masters = 3 if count >= 6 else 1
    network = draws.randint(16, 200)
    made = []
    for index in range(count):
        control_plane = index < masters
        role = ("master" if profile.openshift else "control") if control_plane else "worker"
        number = index if control_plane else index - masters
        name = f"{role}-{number}.{cluster}.example.net" if profile.openshift else f"{cluster}-{role}-{number}"
        address = f"10.{network}.{index // 200}.{10 + index % 200}"
        cores = 8 if control_plane else draws.choice((8, 8, 16))
        made.append(Node(name, address, control_plane, cores, cores * 4 * GIB))
    return tuple(made)


def _applications(count: int) -> list[_Blueprint]:
    chosen = list(_APPLICATIONS[:count])
    for index in range(len(_APPLICATIONS), count):
        name = _MORE_SERVICES[index % len(_MORE_SERVICES)]
        turn = (index - len(_APPLICATIONS)) // len(_MORE_SERVICES)
        namespace = ("shop", "payments", "ran", "reporting")[index % 4]
        suffix = f"-{turn + 1}" if turn else ""
        chosen.append(_Blueprint(namespace, f"{name}{suffix}", routed=index % 2 == 0))
    return chosen


def _place(draws: random.Random, plan: _Blueprint, nodes: tuple[Node, ...], index: int) -> Workload:
    workers = [node.name for node in nodes if not node.control_plane]
    if plan.kind == "DaemonSet":
        places = tuple(node.name for node in nodes)
        replicas = len(nodes)
    else:
        # The batch workload stands beside the first front service: it is the neighbour that can get noisy.
        offset = _FIRST_APPLICATION if plan.batch else index
        replicas = plan.replicas
        places = tuple(workers[(offset + ordinal) % len(workers)] for ordinal in range(replicas + 1))
    memory = int(plan.memory_mib * MIB * draws.uniform(0.8, 1.25))
    return Workload(
        namespace=plan.namespace,
        kind=plan.kind,
        name=plan.name,
        image=f"registry.example.net/{plan.namespace}/{plan.name}",
        replicas=replicas,
        places=places,
        cpu_cores=plan.cpu_cores * draws.uniform(0.7, 1.4),
        cpu_limited=plan.cpu_limited,
        memory_bytes=memory,
        memory_limit_bytes=ceil(memory * draws.uniform(1.7, 2.4) / (32 * MIB)) * 32 * MIB,
        routed=plan.routed,
        batch=plan.batch,
    )


def file_system(node: Node, device: str) -> str:
    """The ``device`` label of the file system on a node's disk: one of its partitions."""
    return f"/dev/{device}{4 if device == node.devices[0] else 1}"


def template_hash(layout: Layout, workload: Workload, number: int) -> str:
    """The pod template's hash of a workload's revision, as it stands in ReplicaSet and pod names."""
    return token_of(10, layout.seed, layout.cluster, workload.namespace, workload.name, "template", number)
