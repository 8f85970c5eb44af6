"""The simulator's labelled faults are found and explained; clusters without faults are left in peace."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from fleet.findings.incident import Incident
from fleet.inventory.cluster import cluster_id
from fleet.inventory.subject import Subject
from tests.e2e.fleets import ANCHOR, Registered, register, simulated
from tests.e2e.installation import Installation

LATE = timedelta(minutes=15)
"""A leak shows when it has grown, a counter over ten minutes when they are full."""


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_labelled_faults_are_found_and_their_causes_named(
    seed: int, installation: Installation, tmp_path: Path
) -> None:
    with simulated(tmp_path, clusters=6, seed=seed) as fleet:
        faults = fleet.truth["faults"]
        faulty = sorted({fault["cluster"] for fault in faults})
        quiet = [name for name in fleet.names if name not in faulty]
        assert len(faults) == 5
        assert len(quiet) >= 3
        troubled = register(installation, fleet, f"troubled-{seed}", faulty)
        peaceful = register(installation, fleet, f"peaceful-{seed}", quiet)
        at_high = installation.scan(troubled.names, until=ANCHOR, sensitivity="HIGH")
        at_medium = installation.scan(peaceful.names, until=ANCHOR, sensitivity="MEDIUM")
    assert [explained(troubled, at_high.scan_id, fault) for fault in faults] == [""] * len(faults)
    for name in peaceful.names:
        false = [line for line in at_medium.incidents if line.cluster == name]
        assert len(false) <= 1, false


def explained(registered: Registered, scan_id: str, fault: dict[str, Any]) -> str:
    """Why a labelled fault does not count as found and explained; empty when it does."""
    stores = registered.installation.stores
    own = cluster_id(registered.clusters[fault["cluster"]])
    start = datetime.fromisoformat(fault["start"])
    end = datetime.fromisoformat(fault["end"]) if fault["end"] else ANCHOR
    shown = {
        finding.fingerprint
        for finding in stores.findings.list(cluster_ids=[own], scan_id=scan_id)
        if finding.query_id in fault["queries"] and start - LATE <= finding.window.start <= end + LATE
    }
    incidents = stores.incidents.list(cluster_ids=[own], scan_id=scan_id)
    found = [incident for incident in incidents if shown.intersection(incident.fingerprints)]
    if not found:
        return f"{fault['id']} was not found"
    if not any(names_cause(registered, incident, fault) for incident in found):
        return f"{fault['id']}: the cause is not among the first two of {[incident.title for incident in found]}"
    return ""


def names_cause(registered: Registered, incident: Incident, fault: dict[str, Any]) -> bool:
    investigation = registered.installation.stores.investigations.of_incident(incident.id)
    assert investigation is not None
    wanted = fault["cause"]
    return any(
        cause.kind.value == wanted["kind"] and is_it(cause.subject, wanted["subject"])
        for cause in investigation.causes[:2]
    )


def is_it(subject: Subject, wanted: dict[str, Any]) -> bool:
    given = (subject.kind.value, subject.namespace or None, subject.name, subject.part or None)
    return given == tuple(wanted[field] for field in ("kind", "namespace", "name", "part"))
