"""Findings joined into incidents."""

import time
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleet.findings.correlation import correlate
from fleet.findings.finding import ONE_EPISODE, Finding, FindingKind, FindingState
from fleet.findings.incident import Incident, Phase
from fleet.findings.opening import is_enough, opens_incident
from fleet.findings.relations import groups_of
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


def incidents(
    *findings: Finding, known: tuple[Incident, ...] = (), members: tuple[Finding, ...] = ()
) -> list[Incident]:
    return correlate(list(findings), topology(), list(known), "scan", members=members)


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


def test_silence_from_the_beginning_of_what_was_seen_on_may_have_begun_with_its_job() -> None:
    job = Subject(cluster_id=CLUSTER, kind=SubjectKind.COMPONENT, name="node-exporter")
    (first,) = incidents(finding(job, "targets_up_ratio", 0, 20, kind=FindingKind.BELOW, ongoing=True))
    fewer = finding(job, "targets_up_ratio", 0, 140, kind=FindingKind.BELOW, ongoing=True)
    silent = finding(node(), "node_cpu_util", 80, 60, kind=FindingKind.GAP, ongoing=True)
    assert len(incidents(fewer, silent, known=(first,))) == 2, "it was seen to begin later"
    silent = silent.model_copy(update={"undated": True})
    (same,) = incidents(fewer, silent, known=(first,))
    assert same.id == first.id and set(same.finding_ids) == {fewer.id, silent.id}
    assert [each.id for each in incidents(fewer, silent, known=(same,))] == [first.id]
    elsewhere = finding(job, "queue_length", 0, 140, ongoing=True)
    assert len(incidents(elsewhere, silent)) == 2, "more of something hides no exporter"
    over = finding(job, "targets_up_ratio", 0, 20, kind=FindingKind.BELOW)
    assert len(incidents(over, silent)) == 2


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


def test_what_an_incident_had_before_comes_back_to_it() -> None:
    memory, cpu = finding(CART, "container_mem_bytes", 0, 60), finding(CART, "container_cpu_cores", 0, 60)
    (first,) = incidents(memory, cpu)
    (later,) = incidents(finding(CART, "container_cpu_cores", 0, 120, ongoing=True), known=(first,))
    assert set(later.fingerprints) == {memory.fingerprint, cpu.fingerprint} and len(later.finding_ids) == 1
    (back,) = incidents(finding(CART, "container_mem_bytes", 200, 60), known=(later,))
    assert back.id == later.id == first.id


def test_what_stands_for_an_incident_does_so_until_something_is_clearly_stronger() -> None:
    (first,) = incidents(finding(CART, "container_mem_bytes", 0, ongoing=True))
    more = finding(CART, "container_cpu_cores", 30, ongoing=True, score=30)
    seen = [finding(CART, "container_mem_bytes", 0, 90, ongoing=True), more]
    (same,) = incidents(*seen, known=(first,))
    assert same.fingerprints[0] == first.fingerprints[0]
    assert incidents(*seen, known=(same,)) == [same]
    much = more.model_copy(update={"score": 50.0})
    (turned,) = incidents(seen[0], much, known=(same,))
    assert turned.fingerprints[0] == much.fingerprint
    worse = finding(CART, "container_restarts", 60, severity=Severity.CRITICAL, score=5)
    (critical,) = incidents(seen[0], much, worse, known=(turned,))
    assert critical.fingerprints[0] == worse.fingerprint


def test_an_incident_is_told_by_its_last_day_and_by_what_is_not_over() -> None:
    def member(place: Subject, start: float, state: FindingState = FindingState.RESOLVED) -> Finding:
        return finding(place, "some", start).model_copy(update={"incident_id": first.id, "state": state})

    (first,) = incidents(finding(node(), "node_cpu_util", 0, ongoing=True))
    goes_on = finding(node(), "node_cpu_util", 0, 48 * 60, ongoing=True)
    gone, lately, unsure = member(BATCH, 0), member(CART, 30 * 60), member(device(), 0, FindingState.OPEN)
    (told,) = incidents(goes_on, known=(first,), members=(gone, lately, unsure))
    assert {each.identity for each in told.affected} == {each.identity for each in (node(), CART, device())}
    assert told.finding_ids == [goes_on.id], "the others were not seen"


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


def test_the_same_trouble_that_comes_back_is_one_incident() -> None:
    cpu = [finding(node(), "node_cpu_util", start) for start in (0, 240)]
    (incident,) = incidents(*cpu)
    assert incident.reopenings == 1
    assert len(incident.fingerprints) == 1
    assert incident.finding_ids == [each.id for each in sorted(cpu, key=lambda each: each.window.start, reverse=True)]
    assert len(incidents(cpu[0], finding(node(), "node_cpu_util", 60 + 361))) == 2, "later it is another"


def test_a_shared_side_effect_does_not_make_two_faults_one() -> None:
    def fault(place: Subject, start: float) -> list[Finding]:
        return [
            finding(place, "node_cpu_util", start, severity=Severity.CRITICAL),
            finding(CLUSTER_WIDE, "cluster_cpu_util", start + 1, severity=Severity.INFO),
        ]

    assert len(incidents(*fault(node("worker-1"), 0), *fault(node("worker-2"), 200))) == 2
    (first,) = incidents(*fault(node("worker-1"), 0))
    (other,) = incidents(*fault(node("worker-2"), 100), known=(first,))
    assert other.id != first.id


def test_a_resolved_incident_that_comes_back_is_open_again_with_its_id() -> None:
    (first,) = incidents(finding(node(), "node_cpu_util", 0))
    resolved = first.model_copy(update={"state": FindingState.RESOLVED})
    (back,) = incidents(finding(node(), "node_cpu_util", 300, ongoing=True), known=(resolved,))
    assert (back.id, back.reopenings, back.phase, back.started_at) == (first.id, 1, Phase.ONGOING, NOW)
    (unlike,) = incidents(finding(node(), "node_mem_util", 300, ongoing=True), known=(resolved,))
    assert unlike.id != first.id


def test_what_splits_stays_the_incident_that_it_was() -> None:
    early, late = finding(CART, "container_mem_bytes", 0), finding(CART, "container_restarts", 70)
    (known,) = incidents(early, late)
    apart = finding(CART, "container_restarts", 90)
    (same,) = incidents(early, apart, known=(known,))
    assert same.id == known.id


WEAK = {"severity": Severity.INFO, "score": 5.0}


@pytest.mark.parametrize(
    ("fields", "enough"),
    [
        ({"severity": Severity.CRITICAL, "minutes": 5}, True),
        ({"kind": FindingKind.GAP, **WEAK}, True),
        ({"severity": Severity.WARNING, "minutes": 10, "score": 5.0}, False),
        ({"severity": Severity.WARNING, "minutes": 10, "score": 9.0}, True),
        ({"severity": Severity.WARNING, "minutes": 20, "score": 5.0}, True),
        ({"severity": Severity.WARNING, "minutes": 5, "score": 5.0, "ongoing": True}, True),
        ({"severity": Severity.INFO, "minutes": 30, "score": 40.0}, False),
        ({"severity": Severity.INFO, "minutes": 90, "score": 5.0}, False),
        ({"severity": Severity.INFO, "minutes": 90, "score": 8.0}, True),
    ],
)
def test_a_lone_finding_opens_an_incident_when_it_is_bad_long_or_strong(
    fields: dict[str, object], enough: bool
) -> None:
    lone = finding(node(), "node_cpu_util", 0, **fields)  # type: ignore[arg-type]
    assert is_enough(lone) is enough
    assert len(incidents(lone)) == enough


def test_weak_findings_that_agree_open_one_together() -> None:
    brief = {"severity": Severity.WARNING, "score": 5.0}
    one = finding(node(), "node_cpu_util", 0, 10, **brief)  # type: ignore[arg-type]
    assert opens_incident([one, finding(node(), "node_load_per_core", 0, 10, **brief)])  # type: ignore[arg-type]
    hints = [finding(place, "some", 0, 10, **WEAK) for place in (node(), CART, BATCH)]  # type: ignore[arg-type]
    assert opens_incident(hints)
    assert not opens_incident([*hints[:2], finding(CLUSTER_WIDE, "cluster_cpu_util", 0, 10, **WEAK)])  # type: ignore[arg-type]


def test_a_known_incident_goes_on_with_findings_that_would_open_none() -> None:
    (known,) = incidents(finding(node(), "node_cpu_util", 0))
    weak = finding(node(), "node_cpu_util", 70, 5, **WEAK)  # type: ignore[arg-type]
    assert incidents(weak) == []
    assert [each.id for each in incidents(weak, known=(known,))] == [known.id]


def test_the_rank_is_explained() -> None:
    felt = finding(route("shop", "catalog"), "ingress_5xx_ratio", 0, severity=Severity.CRITICAL, ongoing=True)
    load = finding(node("worker-1"), "node_cpu_util", 0)
    first, second = incidents(load, felt)
    assert first.harm.why == (
        "critical; users feel it on route shop/catalog; goes on; 5.0 times its threshold; new within 14 days"
    )
    assert second.harm.why == "warning; ended; touches 1 node; 5.0 times its threshold; new within 14 days"


def test_news_comes_before_what_recurs_daily() -> None:
    daily, news = finding(device("worker-1"), "disk_busy", 0), finding(device("worker-2"), "disk_busy", 0, score=18)
    earlier = {daily.fingerprint: [NOW - timedelta(days=day) for day in range(1, 6)]}
    ranked = correlate([daily, news], topology(), [], "scan", earlier)
    assert [each.subject.name for each in ranked] == ["worker-2", "worker-1"]
    assert ranked[1].harm.why.endswith("seen on 5 of the 14 days before")


def _many(places: list[tuple[int, int, int, int]]) -> list[Finding]:
    subjects = [
        CART,
        BATCH,
        node("worker-1"),
        node("worker-2"),
        device("worker-1"),
        route("shop", "cart"),
        route("shop", "catalog"),
        CLUSTER_WIDE,
        Subject(cluster_id=CLUSTER, kind=SubjectKind.NAMESPACE, name="shop"),
        Subject(cluster_id=CLUSTER, kind=SubjectKind.COMPONENT, name="etcd"),
    ]
    made = [
        finding(
            subjects[place % len(subjects)],
            f"query_{query}",
            start,
            length,
            kind=list(FindingKind)[query % 3],
            severity=list(Severity)[place % 3],
        )
        for place, query, start, length in places
    ]
    apart: list[Finding] = []
    for each in made:
        # Stretches of one fingerprint that are not far apart are one finding.
        same = [other.window for other in apart if other.fingerprint == each.fingerprint]
        if all(each.window.start > one.end + ONE_EPISODE or each.window.end + ONE_EPISODE < one.start for one in same):
            apart.append(each)
    return apart


_PLACES = st.lists(
    st.tuples(st.integers(0, 29), st.integers(0, 5), st.integers(0, 1500), st.integers(1, 200)), max_size=25
)


@settings(max_examples=60)
@given(_PLACES, st.randoms())
def test_groups_are_a_partition_and_ids_stay_in_any_order(
    places: list[tuple[int, int, int, int]], order: object
) -> None:
    findings = _many(places)
    groups = groups_of(findings, topology())
    assert sorted(each.id for group in groups for each in group) == sorted(each.id for each in findings)
    found = incidents(*findings)
    members = [each for incident in found for each in incident.finding_ids]
    assert len(members) == len(set(members))
    assert [incident.rank for incident in found] == list(range(1, len(found) + 1))
    shuffled = list(findings)
    order.shuffle(shuffled)  # type: ignore[attr-defined]
    assert incidents(*shuffled) == found
    again = incidents(*shuffled, known=tuple(found))
    assert {incident.id for incident in again} == {incident.id for incident in found}


def test_two_thousand_findings_take_no_time_however_close_they_are() -> None:
    findings = [
        finding(place, f"query_{number}", number / 100)
        for number in range(500)
        for place in (node("worker-1"), CART, CLUSTER_WIDE, route("shop", "cart"))
    ]
    began = time.process_time()
    incidents(*findings)
    assert time.process_time() - began < 2
