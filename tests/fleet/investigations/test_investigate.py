"""What every investigation keeps to, whatever it finds."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from fleet.findings.incident import Incident
from fleet.frames.coverage import Coverage, CoverageStatus, QueryCoverage
from fleet.frames.frame import SeriesKey
from fleet.frames.pack import Severity
from fleet.inventory.change import ChangeKind
from fleet.inventory.inventory import Gap
from fleet.inventory.subject import Subject, SubjectKind
from fleet.investigations.investigate import investigate
from fleet.investigations.investigation import CauseKind, EvidenceKind, Investigation, Verdict
from fleet.investigations.question import Question
from tests.fleet.investigations import faults
from tests.fleet.investigations.town import CLUSTER, WINDOW, Town, hour, pod_name, workload

ALL = [
    faults.memory_leak,
    faults.noisy_neighbour,
    faults.bad_rollout,
    faults.disk_filling,
    faults.exporter_down,
    faults.node_failure,
    faults.saturation,
]


def _town(*plants: object) -> Town:
    town = Town()
    for plant in plants:
        plant(town)  # type: ignore[operator]
    return town


def _asked(place: Subject, at: float) -> Question:
    return Question(cluster_id=CLUSTER, place=place, at=hour(at), window=WINDOW)


def _cited(found: Investigation) -> set[str]:
    return {
        each
        for rows in (
            *(sentence.evidence for sentence in found.narrative),
            *(symptom.evidence for symptom in found.symptoms),
            *(cause.supports for cause in found.causes),
            *(cause.against for cause in found.causes),
        )
        for each in rows
    }


@pytest.mark.parametrize("plant", ALL, ids=lambda plant: plant.__name__)
@pytest.mark.parametrize("inventory", [True, False])
def test_every_claim_rests_on_evidence_that_exists(plant: object, inventory: bool) -> None:
    town = _town(plant)

    found = investigate(town.question(), town.material(inventory=inventory))

    known = {each.id for each in found.evidence}
    assert found.narrative
    assert all(sentence.evidence for sentence in found.narrative)
    assert all(cause.supports for cause in found.causes)
    assert _cited(found) <= known
    assert [each.id for each in found.evidence] == [f"E{number}" for number in range(1, len(found.evidence) + 1)]


@pytest.mark.parametrize("plant", ALL, ids=lambda plant: plant.__name__)
def test_metric_evidence_says_how_to_ask_again_and_where_the_answer_lies(plant: object) -> None:
    town = _town(plant)

    found = investigate(town.question(), town.material())

    metrics = [each for each in found.evidence if each.kind is EvidenceKind.METRIC]
    assert metrics
    for each in metrics:
        assert each.query in {query.promql for query in town.pack.queries}
        assert each.endpoint == "https://prometheus.example.net"
        assert each.window is not None
        assert each.labels
        assert each.object_keys
        assert len(each.content_hash) == 64
    assert all(each.content_hash for each in found.evidence)


@pytest.mark.parametrize("plant", ALL, ids=lambda plant: plant.__name__)
def test_the_same_question_has_the_same_answer(plant: object) -> None:
    first, second = (investigate(town.question(), town.material()) for town in (_town(plant), _town(plant)))

    assert first == second


def test_the_order_of_findings_does_not_matter() -> None:
    town = _town(faults.noisy_neighbour)
    material = town.material()

    forth = investigate(town.question(), material)
    back = investigate(town.question(), replace(material, findings=list(reversed(material.findings))))

    assert forth.causes == back.causes
    assert forth.id == back.id


def test_another_time_or_place_is_another_investigation() -> None:
    material = Town().material()
    asked = [
        _asked(workload("shop", "cart"), 10),
        _asked(workload("shop", "cart"), 11),
        _asked(workload("shop", "checkout"), 10),
    ]

    assert len({investigate(question, material).id for question in asked}) == 3


def test_content_hashes_follow_the_values() -> None:
    town, other = _town(faults.bad_rollout), Town(seed=9)
    faults.bad_rollout(other)

    one, two = (investigate(each.question(), each.material()) for each in (town, other))

    hashes = [{each.content_hash for each in found.evidence if each.fingerprint} for found in (one, two)]
    assert hashes[0].isdisjoint(hashes[1])


def test_a_quiet_place_has_no_cause_and_says_what_was_looked_at() -> None:
    town = Town()

    found = investigate(_asked(workload("shop", "cart"), 12), town.material())

    assert found.verdict is Verdict.NOT_ENOUGH_EVIDENCE
    assert found.causes == []
    assert found.symptoms == []
    assert "Nothing at workload shop/cart left its usual range" in found.narrative[0].text
    assert f"{len(town.series)} series" in found.narrative[0].text


@pytest.mark.parametrize(
    ("place", "at"),
    [
        (workload("shop", "cart"), 10.5),
        (Subject(cluster_id=CLUSTER, kind=SubjectKind.NODE, name="worker-0"), 10.5),
        (Subject(cluster_id=CLUSTER, kind=SubjectKind.NAMESPACE, name="shop"), 11),
        (Subject(cluster_id=CLUSTER, kind=SubjectKind.CLUSTER), 10.2),
        (Subject(cluster_id=CLUSTER, kind=SubjectKind.ROUTE, namespace="shop", name="cart"), 10.5),
    ],
    ids=lambda value: value.kind.value if isinstance(value, Subject) else "",
)
def test_a_named_place_and_time_needs_no_incident(place: Subject, at: float) -> None:
    town = _town(faults.noisy_neighbour)

    found = investigate(_asked(place, at), town.material())

    assert found.incident_id is None
    assert found.causes[0].kind is CauseKind.NOISY_NEIGHBOUR
    assert found.causes[0].subject == workload("reporting", "batch-export")


def test_a_named_place_works_on_weak_deviations_without_any_finding() -> None:
    town = _town(faults.bad_rollout)
    town.findings.clear()

    found = investigate(_asked(workload("shop", "checkout"), 14.5), town.material())

    assert found.causes[0].kind is CauseKind.ROLLOUT
    assert all(each.fingerprint is None for each in found.evidence)


def test_a_place_is_not_blamed_for_what_happened_at_another_time() -> None:
    town = _town(faults.bad_rollout)

    found = investigate(_asked(workload("shop", "checkout"), 4), town.material())

    assert found.verdict is Verdict.NOT_ENOUGH_EVIDENCE


def test_an_incident_is_asked_about_by_its_findings() -> None:
    town = _town(faults.bad_rollout)
    incident = Incident(
        id="incident-7",
        cluster_id=CLUSTER,
        scan_id="scan-1",
        title="Errors at checkout",
        subject=workload("shop", "checkout"),
        severity=Severity.CRITICAL,
        started_at=hour(14.05),
        fingerprints=[each.fingerprint for each in town.findings],
    )

    found = investigate(Question.of_incident(incident, WINDOW), town.material())

    assert found.incident_id == "incident-7"
    assert len(found.symptoms) == 2
    assert found.causes[0].kind is CauseKind.ROLLOUT


def test_what_could_not_be_seen_is_said_and_lowers_confidence() -> None:
    town = _town(faults.bad_rollout)
    whole = town.material()
    blind = Coverage(
        cluster_id=CLUSTER,
        signal="metrics",
        collector="prometheus",
        window=WINDOW,
        step_seconds=30,
        status=CoverageStatus.PARTIAL,
        queries=[
            QueryCoverage(query_id="node_ready", status=CoverageStatus.UNKNOWN, reason="time-out after 30 s"),
            QueryCoverage(query_id="pvc_used_ratio", status=CoverageStatus.OK),
        ],
    )
    inventory = town.inventory.model_copy(update={"gaps": [Gap(part="events", reason="403: not allowed to list")]})
    partial = replace(whole, coverage=[*whole.coverage, blind], inventory=inventory, history=None)

    first, second = investigate(town.question(), whole), investigate(town.question(), partial)

    assert first.missing == []
    assert second.missing == [
        "The inventory lacks events: 403: not allowed to list.",
        "Not wholly seen: node_ready (time-out after 30 s).",
        "There is no history before the window: what is usual was judged from the window alone.",
    ]
    assert second.causes[0].confidence < first.causes[0].confidence


def test_a_frame_without_a_signal_says_so() -> None:
    town = _town(faults.bad_rollout)
    for key in [key for key in town.series if key.query_id in {"targets_up_ratio", "container_restarts"}]:
        del town.series[key]

    found = investigate(town.question(), town.material())

    assert found.missing == ["No series tell of: container restarts, reachability of scrape targets."]


@pytest.mark.parametrize("plant", ALL, ids=lambda plant: plant.__name__)
def test_a_pack_with_other_ids_serves_as_well(plant: object) -> None:
    town = _town(plant)
    renamed = {query.id: f"own_{number}" for number, query in enumerate(town.pack.queries)}
    pack = town.pack.model_copy(
        update={"queries": [each.model_copy(update={"id": renamed[each.id]}) for each in town.pack.queries]}
    )
    expected = investigate(town.question(), town.material()).causes[0]
    town.pack = pack
    town.series = {SeriesKey(renamed[key.query_id], key.labels): row for key, row in town.series.items()}
    town.past = {SeriesKey(renamed[key.query_id], key.labels): row for key, row in town.past.items()}
    town.findings = [
        each.model_copy(
            update={
                "query_id": renamed[each.query_id],
                "series": each.series.model_copy(update={"query_id": renamed[each.query_id]}),
            }
        )
        for each in town.findings
    ]

    found = investigate(town.question(), town.material())

    assert (found.causes[0].kind, found.causes[0].subject) == (expected.kind, expected.subject)


def test_text_of_the_cluster_stays_data() -> None:
    town = _town(faults.bad_rollout)
    town.changes.clear()
    evil = "<script>alert(1)</script>\n# **Ignore all** [link](https://x.example) `rm` {{ 7*7 }} \x1b[31m" + "A" * 5000
    subject = workload("shop", "checkout")
    town.change(ChangeKind.ROLLOUT, subject, 14, evil, before=evil, after=evil, source=evil)
    town.change(ChangeKind.SCALED, subject, 14.01, evil)

    found = investigate(town.question(), town.material())

    texts = [
        *(each.text for each in found.narrative),
        *(each.title for each in found.causes),
        *(each.summary for each in found.evidence),
        *(each.summary for each in found.symptoms),
    ]
    assert any("Ignore all" in text for text in texts)
    assert not any(sign in text for text in texts for sign in "<>[]{}`*#|\x1b\n")
    assert max(map(len, texts)) < 500


def test_a_query_that_the_pack_no_longer_has_is_left_out() -> None:
    town = _town(faults.bad_rollout)
    stale = town.findings[0].model_copy(update={"query_id": "gone", "fingerprint": "ffff"})

    found = investigate(town.question(), replace(town.material(), findings=[*town.findings, stale]))

    assert len(found.symptoms) == 2


def test_changes_beside_the_inventory_count_too() -> None:
    town = _town(faults.bad_rollout)
    changes, town.changes = town.changes, []
    material = replace(town.material(), changes=changes)

    found = investigate(town.question(), material)

    assert found.causes[0].kind is CauseKind.ROLLOUT
    assert found.causes[0].started_at == hour(14)
    assert EvidenceKind.CHANGE in {each.kind for each in found.evidence}


def test_confidence_grows_with_evidence() -> None:
    bare, fuller, whole = Town(), Town(), Town()
    pod = {"pod": pod_name("checkout", 0)}
    for town in (bare, fuller, whole):
        town.plant("container_mem_bytes", faults.ramp_to(0.9 * 2**30, 12, 16), **pod)
        town.found("container_mem_bytes", 13, 16, 0.9 * 2**30, **pod)
    for town in (fuller, whole):
        town.plant("container_mem_vs_limit", faults.ramp_to(0.97, 12, 16), **pod)
    whole.change(ChangeKind.OOM_KILL, workload("shop", "checkout"), 16, "Container checkout was killed: OOMKilled")

    scores = [investigate(town.question(), town.material()).causes[0].confidence for town in (bare, fuller, whole)]

    assert scores == sorted(scores)
    assert scores[0] < scores[1] < scores[2]


def test_a_window_that_begins_within_the_frame_limits_what_is_sought() -> None:
    town = _town(faults.bad_rollout)
    late = replace(_asked(workload("shop", "cart"), 23.5), window=WINDOW.before(WINDOW.end, timedelta(hours=1)))

    found = investigate(late, town.material())

    assert all(each.window is None or each.window.overlaps(late.window) for each in found.evidence)
