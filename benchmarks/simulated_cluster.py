"""One simulated cluster collected, judged, correlated and investigated in process."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from fleet.collectors.kubernetes import collect_inventory
from fleet.collectors.prometheus import PrometheusClient, collect_pack
from fleet.credentials import Credential
from fleet.detectors.contract import Sensitivity
from fleet.detectors.learnt import learn
from fleet.detectors.scan import detect
from fleet.findings.assess import ScanContext, findings_of
from fleet.findings.correlation import correlate
from fleet.findings.incident import Incident
from fleet.frames.coverage import Coverage
from fleet.frames.frame import Frame, concatenate
from fleet.frames.pack_file import default_pack
from fleet.frames.window import CHUNK, HISTORY_CHUNK, HISTORY_STEP_SECONDS, STEP_SECONDS, Window
from fleet.inventory.cluster import Cluster, Endpoint, EndpointKind
from fleet.inventory.inventory import Inventory
from fleet.inventory.topology import Topology
from fleet.investigations.investigate import investigate
from fleet.investigations.investigation import Investigation
from fleet.investigations.question import Material, Question

ANCHOR = datetime(2026, 3, 3, tzinfo=UTC)
"""Fixed, so that a run can be repeated sample by sample."""
DAY, HISTORY = timedelta(days=1), timedelta(days=14)
PACK = default_pack()


@dataclass(frozen=True)
class TokenFile:
    """A credential source over the simulator's token file."""

    path: Path

    def credential(self, *, refresh: bool = False) -> Credential:
        """The token in the file."""
        return Credential(token=SecretStr(self.path.read_text(encoding="ascii").strip()))


@dataclass(frozen=True)
class Seen:
    """What was collected of one cluster, and what it took to judge and investigate it."""

    material: Material
    incidents: list[tuple[Incident, Investigation]]
    detect_seconds: float
    investigate_seconds: float


def see_cluster(row: dict[str, Any], sensitivity: Sensitivity, *, inventory: bool, past: bool) -> Seen:
    """The last day before ``ANCHOR`` of one cluster of a simulated registration, and its incidents investigated.

    Args:
        row: the cluster's entry in the registration.
        sensitivity: of detection.
        inventory: whether the cluster API is asked.
        past: whether the two weeks before are collected as history.
    """
    endpoints = {EndpointKind(kind): Endpoint(**endpoint) for kind, endpoint in row["endpoints"].items()}
    cluster = Cluster(name=row["name"], endpoints=endpoints)
    source = TokenFile(Path(row["credential"]["token_file"]))
    known = collect_inventory(cluster, source)[0] if inventory else None
    window = Window.before(ANCHOR, DAY)
    frame, coverage = _collect(cluster, source, window, STEP_SECONDS, CHUNK)
    before = Window.before(window.start, HISTORY)
    history = _collect(cluster, source, before, HISTORY_STEP_SECONDS, HISTORY_CHUNK)[0] if past else None
    return _judged(cluster, known, frame, history, (coverage, sensitivity))


def _collect(
    cluster: Cluster, source: TokenFile, window: Window, step_seconds: int, chunk: timedelta
) -> tuple[Frame, list[Coverage]]:
    with PrometheusClient(cluster.endpoints[EndpointKind.PROMETHEUS], source) as client:
        chunks = list(collect_pack(client, cluster.id, PACK, [window], step_seconds, chunk))
    frame = concatenate([frame for _, frame, _ in chunks], window, step_seconds)
    return frame, [coverage for _, _, coverage in chunks]


def _judged(
    cluster: Cluster,
    inventory: Inventory | None,
    frame: Frame,
    history: Frame | None,
    terms: tuple[list[Coverage], Sensitivity],
) -> Seen:
    coverage, sensitivity = terms
    topology = Topology.of(inventory)
    began = time.perf_counter()
    anomalies = detect(frame, learn(history, PACK), PACK, sensitivity)
    detected = time.perf_counter()
    context = ScanContext(cluster.id, "bench", sensitivity, topology=topology, coverage=coverage)
    findings = findings_of(anomalies, frame, PACK, context)
    incidents = correlate(findings, topology, [], "bench")
    material = Material(frame, PACK, findings, ANCHOR, history, inventory, coverage)
    correlated = time.perf_counter()
    answers = [(each, investigate(Question.of_incident(each, frame.window), material)) for each in incidents]
    return Seen(material, answers, detected - began, time.perf_counter() - correlated)
