"""Investigate: rank causes for a cluster's incidents, or for a place and a time that somebody asked about."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from prefect import task

from blocks.stores import open_stores
from fleet.detectors.learnt_state import learnt_of
from fleet.findings.assess import findings_of
from fleet.findings.finding import Finding
from fleet.findings.scan import Scan
from fleet.frames.coverage import Coverage
from fleet.frames.frame import Frame
from fleet.frames.window import STEP_SECONDS, Window, history_window
from fleet.inventory.change import HAPPENINGS, Change, ChangeKind
from fleet.inventory.subject import Subject, SubjectKind
from fleet.inventory.topology import Topology
from fleet.investigations.investigate import investigate
from fleet.investigations.question import Material, Question
from fleet.investigations.timeline import DAY_BEFORE
from storage.stored_model import StoredModel
from storage.stores import Stores
from tasks.frames import context_of, load_frame, open_history, open_window
from tasks.judging import judge, states_of
from tasks.learn import open_model
from tasks.outcome import ClusterOutcome, Stage
from tasks.policy import STEP

LOOK_BACK = timedelta(hours=6)
"""A scan's window may be one hour: what led to an incident lies before it, and is stored if it was ever collected."""


@task(name="investigate_incidents", task_run_name="investigate-{cluster_id}", **STEP)
def investigate_incidents(scan_id: str, cluster_id: str) -> ClusterOutcome:
    """Investigate every incident of a cluster that the scan saw, and that began at some time."""
    stores = open_stores()
    scan, cluster = stores.scans.get(scan_id), stores.clusters.get(cluster_id)
    seen = stores.findings.list(cluster_ids=[cluster.id], scan_id=scan.id)
    findings = [finding for finding in seen if not finding.kind.among_peers]
    began = {finding.fingerprint for finding in findings}
    known = stores.incidents.list(cluster_ids=[cluster.id], scan_id=scan.id)
    # What always was so, and stands out among its like alone, has no cause that time could tell, and is none.
    incidents = [incident for incident in known if began & set(incident.fingerprints)]
    window = Window(start=scan.window.start - LOOK_BACK, end=scan.window.end)
    gaps: tuple[str, ...] = ()
    if incidents:
        stored = load_frame(stores, cluster.id, scan.pack, window, STEP_SECONDS)
        if stored.frame is None:
            gap = "the series in which its findings were seen are not stored any more"
            return ClusterOutcome(Stage.INVESTIGATE, cluster.id, cluster.name, seen=False, gaps=(gap,))
        model, gaps = open_model(stores, scan, cluster.id, stored.frame.start)
        material = material_of(stores, scan, cluster.id, stored.frame, stored.coverage, findings, model)
        gaps = (*gaps, *material.unread)
        for incident in incidents:
            stores.investigations.put(investigate(Question.of_incident(incident, window), material))
    counts = {"investigations": len(incidents)}
    return ClusterOutcome(Stage.INVESTIGATE, cluster.id, cluster.name, gaps=gaps, counts=counts)


@task(name="investigate_place", task_run_name="investigate-{cluster_id}", **STEP)
def investigate_place(scan_id: str, cluster_id: str, place: dict[str, str | None]) -> ClusterOutcome:
    """Investigate a place and a time; the investigation gets the inquiry's id, so that the caller can fetch it."""
    stores = open_stores()
    inquiry, cluster = stores.scans.get(scan_id), stores.clusters.get(cluster_id)
    stored = load_frame(stores, cluster.id, inquiry.pack, inquiry.window, STEP_SECONDS)
    if stored.frame is None:
        gap = "no series was seen around that time: there is nothing to investigate"
        return ClusterOutcome(Stage.INVESTIGATE, cluster.id, cluster.name, seen=False, gaps=(gap,))
    topology = Topology.of(stores.inventories.latest(cluster.id))
    model, gaps = open_model(stores, inquiry, cluster.id)
    frames = open_window(stores, inquiry, cluster.id)
    sensitivity = inquiry.sensitivity
    judged = judge(frames, states_of(model), inquiry.pack, [sensitivity], since=inquiry.window.start)[sensitivity]
    context = context_of(inquiry, cluster.id, frames.coverage, topology, model)
    findings = findings_of(judged.anomalies, judged.frame, inquiry.pack, context)
    material = material_of(stores, inquiry, cluster.id, stored.frame, stored.coverage, findings, model)
    answer = investigate(question_of(stores, inquiry, cluster.id, place), material)
    stores.investigations.put(answer.model_copy(update={"id": inquiry.id}))
    gaps = (*gaps, *material.unread)
    return ClusterOutcome(Stage.INVESTIGATE, cluster.id, cluster.name, gaps=gaps, counts={"investigations": 1})


def question_of(stores: Stores, inquiry: Scan, cluster_id: str, place: dict[str, str | None]) -> Question:
    """What was asked: an incident where one is named, else the most particular place."""
    if incident_id := place.get("incident_id"):
        return Question.of_incident(stores.incidents.get(incident_id), inquiry.window)
    at = datetime.fromisoformat(str(inquiry.parameters["at"]))
    return Question(cluster_id=cluster_id, place=subject_of(cluster_id, place), at=at, window=inquiry.window)


def subject_of(cluster_id: str, place: dict[str, str | None]) -> Subject:
    """The most particular subject that a caller's words name; the cluster itself when they name none."""
    namespace, workload, node = place.get("namespace"), place.get("workload"), place.get("node")
    if workload:
        return Subject(
            cluster_id=cluster_id, kind=SubjectKind.WORKLOAD, name=workload, namespace=namespace, workload=workload
        )
    if node:
        return Subject(cluster_id=cluster_id, kind=SubjectKind.NODE, name=node)
    if namespace:
        return Subject(cluster_id=cluster_id, kind=SubjectKind.NAMESPACE, name=namespace)
    return Subject(cluster_id=cluster_id, kind=SubjectKind.CLUSTER)


def _changes(stores: Stores, cluster_id: str, window: Window) -> list[Change]:
    """Every change, and the latest of what merely happened: a storm of kills must not push a rollout out of sight."""
    changes = [kind for kind in ChangeKind if kind not in HAPPENINGS]
    return [
        *stores.changes.list(cluster_ids=[cluster_id], window=window, kinds=changes, limit=None),
        *stores.changes.list(cluster_ids=[cluster_id], window=window, kinds=HAPPENINGS),
    ]


def material_of(
    stores: Stores,
    scan: Scan,
    cluster_id: str,
    frame: Frame,
    coverage: list[Coverage],
    findings: Sequence[Finding],
    model: StoredModel | None,
) -> Material:
    """All that is known of a cluster around a scan; of its history the last day: the rest has been learnt from."""
    past = history_window(scan.window)
    last_day = Window(start=frame.start - DAY_BEFORE, end=past.end)
    stored = open_history(stores, cluster_id, scan.pack, last_day)
    history = stored.frames.read()
    return Material(
        frame=frame,
        history=history if history.keys else None,
        learnt=[learnt_of(state) for _, state in states_of(model)],
        pack=scan.pack,
        findings=findings,
        inventory=stores.inventories.latest(cluster_id),
        coverage=coverage,
        changes=_changes(stores, cluster_id, Window(start=past.start, end=datetime.now(UTC))),
        now=datetime.now(UTC),
        unread=stored.gaps,
    )
