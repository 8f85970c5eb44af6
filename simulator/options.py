"""What a simulated fleet should be like."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path

DEFAULT_PACK = Path(__file__).parents[1] / "fleet" / "frames" / "packs" / "cluster-health.yaml"
SETTLE = timedelta(minutes=2)


class FaultKind(StrEnum):
    """The faults that can be planted; each is also the name of the cause that explains it."""

    MEMORY_LEAK = "memory-leak"
    NOISY_NEIGHBOUR = "noisy-neighbour"
    BAD_ROLLOUT = "bad-rollout"
    DISK_FILLING = "disk-filling"
    EXPORTER_DOWN = "exporter-down"


class BrokenMode(StrEnum):
    """How a cluster's endpoints can fail to serve.

    TRUNCATED, HUGE, PARTIAL and STORE_DOWN (a Thanos lacks one of its stores) concern Prometheus' queries only.
    SELF_SIGNED, EXPIRED_CERTIFICATE, WRONG_NAME and UNKNOWN_CA hold from the start of the server on. THROTTLED refuses
    each path's first request, SLOW takes a second for each answer, FORBIDDEN refuses everything for want of rights,
    WRONG_SERVICE is another product's server.
    """

    HANG = "hang"
    HTML = "html"
    TRUNCATED = "truncated"
    HUGE = "huge"
    UNAUTHORIZED = "unauthorized"
    SELF_SIGNED = "self-signed"
    EXPIRED_CERTIFICATE = "expired-certificate"
    WRONG_NAME = "wrong-name"
    UNKNOWN_CA = "unknown-ca"
    UNAVAILABLE = "503"
    PARTIAL = "partial"
    FORBIDDEN = "forbidden"
    WRONG_SERVICE = "wrong-service"
    THROTTLED = "throttled"
    SLOW = "slow"
    STORE_DOWN = "store-down"


CERTIFICATE_FAULTS = frozenset(
    {BrokenMode.SELF_SIGNED, BrokenMode.EXPIRED_CERTIFICATE, BrokenMode.WRONG_NAME, BrokenMode.UNKNOWN_CA}
)
"""Modes that need a server of their own, with a certificate of their own."""


def mode_of(broken: Mapping[str, BrokenMode], cluster: str, api: str) -> BrokenMode | None:
    """How an API of a cluster is broken: as its own entry (``fra-01/prometheus``) says, else as its cluster's does."""
    return broken.get(f"{cluster}/{api}", broken.get(cluster))


def last_full_hour(now: datetime) -> datetime:
    """The end of the last hour that had two minutes to settle at ``now`` (UTC)."""
    return (now.astimezone(UTC) - SETTLE).replace(minute=0, second=0, microsecond=0)


@dataclass(frozen=True)
class FleetOptions:
    """How many clusters, how big, and what goes wrong in them.

    Attributes:
        clusters: how many clusters, 1 to 1,000.
        seed: the same seed and anchor give the same fleet, sample by sample.
        faults: None for the default mix; otherwise exactly these kinds, spread over the clusters; empty for none.
        anchor: a full UTC hour; faults lie within the 24 hours before it. None: the last full hour.
        nodes: nodes a cluster (at least 3); None for 4 to 6.
        workloads: workloads a cluster, those of the platform among them (at least 9).
        pods: at least so many pods a cluster, by further replicas of its applications.
        directory: where certificates, tokens, registration and truth are written; None for a temporary one.
        pack: the query pack's YAML file.
        port: the port on 127.0.0.1; 0 for a free one.
        broken: clusters that fail to serve, by name, or one of their APIs, by ``name/api``.
        denied: rights taken from a cluster's tokens, by the cluster's name: ``list pods``, ``create pods/exec``,
            ``list clusterpolicies.nvidia.com``, ``* secrets``, ``get *``.
        bulk_spans: so many further spans a cluster, 50 to a trace, in the hour before the anchor, for benchmarks.
        multi_tenant: clusters whose Loki wants to be told a tenant (``X-Scope-OrgID``): ``application``,
            ``infrastructure`` or ``audit`` on OpenShift, ``platform`` elsewhere; others have what is pushed to them.
        thanos: clusters before whose Prometheus stands a Thanos Query.
    """

    clusters: int = 3
    seed: int = 1
    faults: tuple[FaultKind, ...] | None = None
    anchor: datetime | None = None
    nodes: int | None = None
    workloads: int = 12
    pods: int = 0
    directory: Path | None = None
    pack: Path = DEFAULT_PACK
    port: int = 0
    broken: dict[str, BrokenMode] = field(default_factory=dict)
    denied: dict[str, tuple[str, ...]] = field(default_factory=dict)
    bulk_spans: int = 0
    multi_tenant: tuple[str, ...] = ()
    thanos: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not 1 <= self.clusters <= 1000:
            raise ValueError("clusters must be 1 to 1000")
        if self.nodes is not None and not 3 <= self.nodes <= 1000:
            raise ValueError("nodes must be 3 to 1000")
        if not 9 <= self.workloads <= 2000:
            raise ValueError("workloads must be 9 to 2000")
        if not 0 <= self.pods <= 50_000:
            raise ValueError("pods must be 0 to 50000")
        if self.anchor is not None and (self.anchor.tzinfo is None or self.anchor.timestamp() % 3600):
            raise ValueError("anchor must be a full hour with a time zone")
