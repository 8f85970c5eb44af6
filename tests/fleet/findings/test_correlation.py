"""Findings joined into incidents."""

from datetime import timedelta

from fleet.findings.correlation import correlate
from fleet.findings.finding import Finding, FindingKind
from fleet.findings.incident import Incident
from fleet.frames.pack import Severity
from fleet.inventory.subject import Subject, SubjectKind
from tests.fleet.findings.scenes import (
    BATCH,
    CART,
    CLUSTER,
    CLUSTER_WIDE,
    NOW,
    container,
    device,
    finding,
    node,
    route,
    topology,
)


def incidents(*findings: Finding, known: tuple[Incident, ...] = ()) -> list[Incident]:
    return correlate(list(findings), topology(), list(known), "scan")


def noisy_neighbour(start: float = 0) -> list[Finding]:
    return [
        finding(BATCH, "container_cpu_cores", start, severity=Severity.INFO),
        finding(node(), "node_cpu_util", start + 1),
        finding(CART, "container_throttle_ratio", start + 2),
        finding(route("payments", "gateway"), "route_latency_seconds", start + 3, severity=Severity.INFO),
        finding(CLUSTER_WIDE, "cluster_cpu_util", start + 2, severity=Severity.INFO),
        finding(
            Subject(cluster_id=CLUSTER, kind=SubjectKind.NAMESPACE, name="reporting"),
            "ns_cpu_cores",
            start + 1,
            severity=Severity.INFO,
        ),
    ]


def test_a_node_and_what_suffers_on_it_are_one_incident() -> None:
    (incident,) = incidents(*noisy_neighbour())
    assert len(incident.fingerprints) == 6
    assert incident.started_at == NOW
    assert incident.rank == 1
    assert incident.severity is Severity.WARNING
    assert node() in incident.affected


def test_two_faults_in_two_places_at_one_time_are_two_incidents() -> None:
    other = [
        finding(route("shop", "catalog"), "ingress_5xx_ratio", 1, severity=Severity.CRITICAL),
        finding(route("shop", "catalog"), "route_latency_seconds", 2),
    ]
    found = incidents(*noisy_neighbour(), *other)
    assert [len(incident.fingerprints) for incident in found] == [2, 6]
    assert found[0].subject == route("shop", "catalog")
    disk = finding(device("worker-2"), "fs_used_ratio", 0)
    assert len(incidents(*other, disk)) == 2


def test_the_same_place_at_other_times_is_another_incident() -> None:
    assert len(incidents(*noisy_neighbour(), finding(node(), "node_mem_util", 300))) == 2
    assert len(incidents(finding(CART, "container_mem_bytes", 0), finding(CART, "container_restarts", 70))) == 1


def test_a_guest_joins_its_node_only_when_they_began_together() -> None:
    late = finding(CART, "container_mem_bytes", 45)
    assert len(incidents(finding(node(), "node_cpu_util", 0), late)) == 2


def test_a_disk_and_the_pressure_that_it_brings() -> None:
    pressure = Subject(cluster_id=CLUSTER, kind=SubjectKind.NODE, name="worker-1", part="DiskPressure")
    (incident,) = incidents(
        finding(device(), "fs_used_ratio", 0, 300),
        finding(pressure, "node_pressure", 240, severity=Severity.CRITICAL),
    )
    assert incident.severity is Severity.CRITICAL
    assert len(incidents(finding(device(), "fs_used_ratio", 0), finding(device("worker-2"), "fs_used_ratio", 0))) == 2


def test_a_workload_its_pods_and_its_route_are_one() -> None:
    other_pod = container("shop", "cart-6f7d8b9c4d-zzzzz", "cart")
    (incident,) = incidents(
        finding(CART, "container_mem_bytes", 0),
        finding(other_pod, "container_restarts", 30),
        finding(route("shop", "cart"), "ingress_5xx_ratio", 35),
    )
    assert len(incident.affected) == 3


def test_exporters_that_fall_silent_together_are_one_and_take_their_job_along() -> None:
    job = Subject(cluster_id=CLUSTER, kind=SubjectKind.COMPONENT, name="node-exporter")
    found = incidents(
        finding(node("worker-1"), "node_cpu_util", 0, kind=FindingKind.GAP),
        finding(node("worker-2"), "node_cpu_util", 1, kind=FindingKind.GAP),
        finding(job, "targets_up_ratio", 0, kind=FindingKind.BELOW),
    )
    assert len(found) == 1


def test_wide_findings_tie_nothing_together() -> None:
    found = incidents(
        finding(device("worker-1"), "fs_used_ratio", 0),
        finding(device("worker-2"), "disk_busy", 2),
        finding(CLUSTER_WIDE, "cluster_cpu_util", 2),
    )
    assert sorted(len(incident.fingerprints) for incident in found) == [1, 2]
    control_plane = [
        finding(Subject(cluster_id=CLUSTER, kind=SubjectKind.COMPONENT, name="etcd", part=part), "etcd_fsync_p99", 0)
        for part in ("a", "b")
    ]
    assert len(incidents(*control_plane)) == 1


def test_a_lone_slow_route_goes_with_the_node_where_its_pod_was() -> None:
    moved = finding(route("shop", "elsewhere"), "route_latency_seconds", 3, severity=Severity.INFO)
    assert len(incidents(*noisy_neighbour(), moved)) == 1
    late = finding(route("shop", "elsewhere"), "route_latency_seconds", 30, severity=Severity.INFO)
    assert len(incidents(*noisy_neighbour(), late)) == 2


def test_ids_stay_over_reruns_and_later_scans() -> None:
    (first,) = incidents(*noisy_neighbour())
    assert incidents(*reversed(noisy_neighbour()))[0].id == first.id
    later = [finding(node(), "node_cpu_util", 55, 60, ongoing=True), finding(node(), "node_load_per_core", 56)]
    (same,) = incidents(*later, known=(first,))
    assert same.id == first.id
    assert same.started_at == first.started_at
    assert same.ended_at is None
    (new,) = incidents(*later)
    assert new.id != first.id
    days_later = [finding(node(), "node_cpu_util", 3000)]
    assert incidents(*days_later, known=(first,))[0].id != first.id


def test_a_known_incident_is_claimed_once() -> None:
    (first,) = incidents(finding(node(), "node_cpu_util", 0, 600, ongoing=True))
    found = incidents(
        finding(node(), "node_cpu_util", 0, 600), finding(device("worker-2"), "fs_used_ratio", 5), known=(first,)
    )
    assert len({incident.id for incident in found}) == 2
    assert [incident.id for incident in found].count(first.id) == 1


def test_an_incident_ends_when_its_last_finding_does() -> None:
    (incident,) = incidents(finding(CART, "a", 0, 30), finding(CART, "b", 10, 50))
    assert incident.ended_at == NOW + timedelta(minutes=60)
    assert incidents(finding(CART, "a", 0, 30, ongoing=True))[0].ended_at is None


def test_harm_orders_the_incidents() -> None:
    found = incidents(
        finding(device("worker-2"), "disk_busy", 0, severity=Severity.INFO),
        finding(node("worker-1"), "node_mem_util", 0, severity=Severity.WARNING, score=900),
        finding(route("shop", "catalog"), "ingress_5xx_ratio", 300, severity=Severity.WARNING),
        finding(
            container("ran", "cell-7b8c9d4f5g-ddddd", "cell"), "container_oom_kills", 900, severity=Severity.CRITICAL
        ),
    )
    assert [incident.rank for incident in found] == [1, 2, 3, 4]
    assert [incident.severity for incident in found] == [
        Severity.CRITICAL,
        Severity.WARNING,
        Severity.WARNING,
        Severity.INFO,
    ]
    assert found[1].subject.kind is SubjectKind.ROUTE


def test_without_topology_names_alone_relate() -> None:
    found = correlate(
        [
            finding(CART, "container_mem_bytes", 0),
            finding(route("shop", "cart"), "ingress_5xx_ratio", 5),
            finding(device("10.0.0.9:9100"), "fs_used_ratio", 0),
        ],
        None,
        [],
        "scan",
    )
    assert sorted(len(incident.fingerprints) for incident in found) == [1, 2]


def test_no_findings_no_incidents() -> None:
    assert correlate([], topology(), [], "scan") == []
