"""What is unlike its like as findings: their words, their rank, and that they change no incident's beginning."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from fleet.detectors.cohorts.cohort import Cohort, CohortKind
from fleet.detectors.cohorts.outlier import Outlier
from fleet.detectors.cohorts.peers import PeerOutlier
from fleet.detectors.contract import Sensitivity
from fleet.findings.assess import ScanContext
from fleet.findings.correlation import correlate
from fleet.findings.finding import Finding, FindingKind
from fleet.findings.peers import fleet_findings, peer_findings
from fleet.frames.frame import SeriesKey
from fleet.frames.pack import Direction, QueryKind, Severity, SubjectLabels
from fleet.frames.window import Window
from fleet.inventory.subject import Subject, SubjectKind
from fleet.reports.marks import observed
from tests.fleet.detectors.series import pack_of, query
from tests.fleet.findings import scenes
from tests.fleet.findings.scenes import BATCH, CART, CLUSTER, NOW, node, topology

WINDOW = Window(start=NOW, end=NOW + timedelta(hours=6))
CONTEXT = ScanContext(CLUSTER, "scan-1", Sensitivity.MEDIUM)
COMPONENT = SubjectLabels(kind=SubjectKind.COMPONENT, name="component", part="instance")
PACK = pack_of(
    query("load"),
    query("fsync", subject=COMPONENT, unit="seconds", severity=Severity.CRITICAL).model_copy(
        update={"title": "etcd fsync p99"}
    ),
    query("cpu", QueryKind.RATIO, unit="ratio").model_copy(update={"title": "CPU used, per node"}),
    query("both", direction=Direction.BOTH),
)
ETCD = Subject(cluster_id=CLUSTER, kind=SubjectKind.COMPONENT, name="etcd")
FSYNC = Outlier(
    query_id="fsync",
    subject=ETCD,
    cohort=Cohort(CohortKind.CLUSTERS, "openshift 4.18"),
    seen=20,
    known=22,
    sign=1,
    value=0.018,
    centre=0.01,
    low=0.008,
    high=0.0125,
    p_value=1e-7,
    q_value=0.0004,
)
WORKER = replace(
    FSYNC, query_id="load", subject=node(), cohort=Cohort(CohortKind.NODES, "worker 8 cores"), seen=8, known=8
)


def of_node(outlier: Outlier = WORKER, *known: Finding) -> list[Finding]:
    key = SeriesKey.of(outlier.query_id, {"instance": outlier.subject.name})
    return peer_findings([PeerOutlier(key, outlier)], PACK, WINDOW, CONTEXT, known)


def test_a_cluster_among_its_like() -> None:
    (finding,) = fleet_findings([FSYNC], PACK, WINDOW, CONTEXT)
    assert finding.title == "etcd fsync p99 is 1.8 times that of 19 like clusters (q 0.0004) on component etcd"
    assert (finding.kind, finding.severity, finding.ongoing) == (FindingKind.ABOVE_PEERS, Severity.WARNING, True)
    assert (finding.p_value, finding.window, finding.across_fleet) == (1e-7, WINDOW, True)
    assert finding.peers is not None
    assert (finding.peers.q_value, finding.peers.seen, finding.peers.known) == (0.0004, 20, 22)
    assert finding.strength == pytest.approx(1.7, abs=0.01)
    assert observed(finding) == "18 ms, like clusters 8 ms – 12.5 ms"


def test_words_of_shares_of_small_ratios_and_of_great_certainty() -> None:
    share = replace(WORKER, query_id="cpu", value=0.85, centre=0.35, low=-0.02, high=0.41, q_value=1e-9)
    (finding,) = of_node(share)
    assert finding.title == "CPU used is 85%, that of 7 like nodes 0–41% (q < 0.0001) on node worker-1"
    (finding,) = of_node(replace(WORKER, query_id="both", sign=-1, value=0.0004))
    assert "is 0.04 times that of 7 like nodes" in finding.title
    assert finding.kind is FindingKind.BELOW_PEERS
    assert finding.why.startswith("So little")
    (incident,) = correlate(of_node(), topology(), [], "scan-1")
    assert incident.title == "Values of load: higher than on like nodes, on node worker-1"


def test_what_is_found_beside_its_own_past_is_told_once() -> None:
    (own,) = of_node()
    known = own.model_copy(update={"kind": FindingKind.ABOVE})
    assert of_node(WORKER, known) == []
    assert of_node(WORKER, known.model_copy(update={"query_id": "cpu"})) == [own]


def test_pods_of_a_workload_share_a_finding() -> None:
    pods = [CART.model_copy(update={"name": f"cart-{number}"}) for number in range(3)]
    outliers = [
        PeerOutlier(SeriesKey.of("load", {"pod": pod.name}), replace(WORKER, subject=pod, q_value=q))
        for pod, q in zip(pods, (1e-3, 1e-6, 1e-4), strict=True)
    ]
    (finding,) = peer_findings(outliers, PACK, WINDOW, CONTEXT, [])
    assert finding.subject.name == "cart-1"
    assert finding.series.labels == {"pod": "cart-1"}


def test_what_always_was_so_moves_no_beginning() -> None:
    began = scenes.finding(node(), "node_cpu_util", 60, ongoing=True)
    elsewhere = scenes.finding(BATCH, "container_cpu_cores", 62, ongoing=True)
    standing = [*of_node(), *fleet_findings([FSYNC], PACK, WINDOW, CONTEXT)]
    alone = correlate([began, elsewhere], topology(), [], "scan-1")
    both = correlate([began, elsewhere, *standing], topology(), [], "scan-1")
    own = next(incident for incident in both if incident.fingerprints == alone[0].fingerprints)
    assert own.model_copy(update={"rank": alone[0].rank}) == alone[0]
    others = {tuple(incident.fingerprints) for incident in both if incident is not own}
    assert others == {(finding.fingerprint,) for finding in standing}
