"""A small cluster and findings on its parts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from fleet.findings.finding import Finding, FindingKind, SeriesRef, episode_id, fingerprint
from fleet.frames.pack import Severity
from fleet.frames.window import Window
from fleet.inventory.inventory import Inventory, Pod, Workload
from fleet.inventory.node import Node
from fleet.inventory.subject import Subject, SubjectKind
from fleet.inventory.topology import Topology

CLUSTER = "c0ffee"
NOW = datetime(2026, 1, 15, tzinfo=UTC)


def topology() -> Topology:
    """Two workers; cart on worker-1, gateway on both, batch on worker-1."""
    places = [
        ("shop", "cart", "cart-6f7d8b9c4d-x2x1q", "worker-1"),
        ("payments", "gateway", "gateway-5c9d7f8b6d-aaaaa", "worker-1"),
        ("payments", "gateway", "gateway-5c9d7f8b6d-bbbbb", "worker-2"),
        ("reporting", "batch", "batch-7b8c9d4f5g-ccccc", "worker-1"),
        ("shop", "catalog", "catalog-7b8c9d4f5g-ddddd", "worker-2"),
    ]
    return Topology.of(
        Inventory(
            cluster_id=CLUSTER,
            observed_at=NOW,
            nodes=[Node(name=f"worker-{n}", addresses=[f"10.0.0.{n}"]) for n in (1, 2)],
            workloads=[Workload(namespace=ns, kind="Deployment", name=name) for ns, name, _, _ in places],
            pods=[
                Pod(namespace=ns, name=pod, node=node, workload_kind="Deployment", workload=name)
                for ns, name, pod, node in places
            ],
        )
    )


def node(name: str = "worker-1") -> Subject:
    return Subject(cluster_id=CLUSTER, kind=SubjectKind.NODE, name=name)


def device(name: str = "worker-1", part: str = "/dev/vda4") -> Subject:
    return Subject(cluster_id=CLUSTER, kind=SubjectKind.DEVICE, name=name, part=part)


def route(namespace: str, name: str) -> Subject:
    return Subject(cluster_id=CLUSTER, kind=SubjectKind.ROUTE, name=name, namespace=namespace)


def container(namespace: str, pod: str, workload: str) -> Subject:
    return Subject(
        cluster_id=CLUSTER,
        kind=SubjectKind.CONTAINER,
        name=pod,
        namespace=namespace,
        workload=workload,
        part=workload,
    )


CART = container("shop", "cart-6f7d8b9c4d-x2x1q", "cart")
BATCH = container("reporting", "batch-7b8c9d4f5g-ccccc", "batch")
CLUSTER_WIDE = Subject(cluster_id=CLUSTER, kind=SubjectKind.CLUSTER)


def finding(
    subject: Subject,
    query_id: str,
    start: float,
    minutes: float = 60,
    *,
    severity: Severity = Severity.WARNING,
    kind: FindingKind = FindingKind.ABOVE,
    ongoing: bool = False,
    score: float = 20.0,
) -> Finding:
    """A finding that starts ``start`` minutes after NOW."""
    begin = NOW + timedelta(minutes=start)
    mark = fingerprint(CLUSTER, query_id, subject, kind)
    return Finding(
        id=episode_id(mark, begin),
        fingerprint=mark,
        cluster_id=CLUSTER,
        scan_id="scan",
        query_id=query_id,
        subject=subject,
        what="What it is",
        title=f"{query_id} on {subject.display}",
        service_level=subject.kind is SubjectKind.ROUTE,
        kind=kind,
        severity=severity,
        window=Window(start=begin, end=begin + timedelta(minutes=minutes)),
        ongoing=ongoing,
        score=score,
        threshold=4.0,
        sensitivity="MEDIUM",
        detectors=["robust-zscore"],
        unit="ratio",
        series=SeriesRef(query_id=query_id, promql=query_id, labels={}),
    )
