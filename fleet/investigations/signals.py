"""Which queries of a pack carry which signal: the one place where hypotheses meet query ids.

A query plays a role when its id is one of the default pack's, or when it needs one of the role's metrics and is about
the right kind of subject, so that a pack of other ids serves as well.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from fleet.frames.pack import Direction, PackQuery, QueryKind, QueryPack, SignalGroup
from fleet.inventory.subject import SubjectKind


class Role(StrEnum):
    """What a query's value means to a hypothesis."""

    CONTAINER_CPU = "container-cpu"
    CONTAINER_MEMORY = "container-memory"
    MEMORY_OF_LIMIT = "memory-of-limit"
    THROTTLING = "throttling"
    RESTARTS = "restarts"
    OOM_KILLS = "oom-kills"
    NODE_CPU = "node-cpu"
    NODE_READY = "node-ready"
    NODE_PRESSURE = "node-pressure"
    DISK_SPACE = "disk-space"
    TARGETS_UP = "targets-up"
    ERRORS = "errors"
    LATENCY = "latency"


_IN_PODS = frozenset({SubjectKind.POD, SubjectKind.CONTAINER, SubjectKind.WORKLOAD})
_ON_NODES = frozenset({SubjectKind.NODE})


@dataclass(frozen=True)
class _Signature:
    """How a role's queries are known: by id, or by all of metrics, kinds and unit that are given."""

    ids: frozenset[str]
    metrics: frozenset[str] = field(default_factory=frozenset)
    kinds: frozenset[SubjectKind] = field(default_factory=frozenset)
    units: frozenset[str] = field(default_factory=frozenset)

    def fits(self, query: PackQuery) -> bool:
        """Whether a query plays the role."""
        if query.id in self.ids:
            return True
        return (
            bool(self.metrics.intersection(query.needs))
            and query.subject.kind in self.kinds
            and (not self.units or query.unit in self.units)
        )


_RATIO = frozenset({"ratio", "percent"})

_SIGNATURES: dict[Role, _Signature] = {
    Role.CONTAINER_CPU: _Signature(
        frozenset({"container_cpu_cores"}),
        frozenset({"container_cpu_usage_seconds_total"}),
        _IN_PODS,
        frozenset({"cores"}),
    ),
    Role.CONTAINER_MEMORY: _Signature(
        frozenset({"container_mem_bytes"}),
        frozenset({"container_memory_working_set_bytes", "container_memory_rss", "container_memory_usage_bytes"}),
        _IN_PODS,
        frozenset({"bytes"}),
    ),
    Role.MEMORY_OF_LIMIT: _Signature(
        frozenset({"container_mem_vs_limit"}),
        frozenset({"container_memory_working_set_bytes", "container_memory_rss", "container_memory_usage_bytes"}),
        _IN_PODS,
        _RATIO,
    ),
    Role.THROTTLING: _Signature(
        frozenset({"container_throttle_ratio"}),
        frozenset({"container_cpu_cfs_throttled_periods_total", "container_cpu_cfs_throttled_seconds_total"}),
        _IN_PODS,
    ),
    Role.RESTARTS: _Signature(
        frozenset({"container_restarts"}), frozenset({"kube_pod_container_status_restarts_total"}), _IN_PODS
    ),
    Role.OOM_KILLS: _Signature(
        frozenset({"container_oom_kills"}),
        frozenset({"container_oom_events_total", "kube_pod_container_status_last_terminated_reason"}),
        _IN_PODS,
    ),
    Role.NODE_CPU: _Signature(
        frozenset({"node_cpu_util", "node_load_per_core"}),
        frozenset({"node_cpu_seconds_total", "node_load1", "node_load5"}),
        _ON_NODES,
    ),
    Role.NODE_READY: _Signature(frozenset({"node_ready"})),
    Role.NODE_PRESSURE: _Signature(frozenset({"node_pressure"})),
    Role.DISK_SPACE: _Signature(
        frozenset({"fs_used_ratio", "pvc_used_ratio"}),
        frozenset({"node_filesystem_avail_bytes", "kubelet_volume_stats_available_bytes"}),
        frozenset({SubjectKind.DEVICE, SubjectKind.NODE, SubjectKind.VOLUME}),
        _RATIO,
    ),
    Role.TARGETS_UP: _Signature(
        frozenset({"targets_up_ratio"}), frozenset({"up"}), frozenset({SubjectKind.COMPONENT}), _RATIO
    ),
    Role.ERRORS: _Signature(frozenset({"ingress_5xx_ratio"})),
    Role.LATENCY: _Signature(frozenset({"route_latency_seconds"})),
}


@dataclass(frozen=True)
class Signals:
    """The roles of a pack's queries."""

    _ids: dict[Role, frozenset[str]]

    @classmethod
    def of(cls, pack: QueryPack) -> Signals:
        """The roles that this pack's queries play."""
        return cls(
            {role: frozenset(query.id for query in pack.queries if _plays(role, query)) for role in Role},
        )

    def ids(self, *roles: Role) -> frozenset[str]:
        """Ids of the queries that play any of these roles."""
        return frozenset().union(*(self._ids[role] for role in roles))

    def has(self, role: Role) -> bool:
        """Whether the pack can see this signal at all."""
        return bool(self._ids[role])


def _plays(role: Role, query: PackQuery) -> bool:
    if _SIGNATURES[role].fits(query):
        return True
    served = query.group is SignalGroup.INGRESS and query.direction is Direction.UP
    if role is Role.ERRORS:
        return served and query.kind is QueryKind.RATIO
    if role is Role.LATENCY:
        return served and query.unit in {"seconds", "s", "ms", "milliseconds"}
    if "kube_node_status_condition" not in query.needs or query.subject.kind is not SubjectKind.NODE:
        return False
    # Of a node's conditions, readiness hurts when it falls and the pressures when they rise.
    hurts = {Role.NODE_READY: Direction.DOWN, Role.NODE_PRESSURE: Direction.UP}
    return role in hurts and query.direction is hurts[role]


def exporter_of(query: PackQuery) -> str:
    """The family of metrics that a query reads (``node``, ``container``, ``kube``): one exporter's series share it."""
    return query.needs[0].split(":")[0].split("_")[0].lower()
