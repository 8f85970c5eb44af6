"""From 5,000 series to the list that somebody reads."""

import pytest

from fleet.detectors.contract import Sensitivity
from fleet.detectors.learnt import Learnt, learn
from fleet.detectors.scan import detect
from fleet.findings.assess import ScanContext, findings_of
from fleet.findings.correlation import correlate
from fleet.frames.frame import Frame
from fleet.frames.pack_file import default_pack
from tests.fleet.findings.large_cluster import frames, topology
from tests.fleet.findings.scenes import CLUSTER

SEEN = tuple[Frame, Learnt | None]


@pytest.fixture(scope="module")
def seen() -> SEEN:
    frame, history = frames(seed=5)
    assert len(frame.keys) == 5000
    return frame, learn(history, default_pack())


@pytest.mark.parametrize("sensitivity", [Sensitivity.MEDIUM, Sensitivity.HIGH])
def test_three_faults_among_5000_series_are_on_top_of_a_short_list(seen: SEEN, sensitivity: Sensitivity) -> None:
    frame, learnt = seen
    pack, known = default_pack(), topology()
    anomalies = detect(frame, learnt, pack, sensitivity)
    findings = findings_of(anomalies, frame, pack, ScanContext(CLUSTER, "scan", sensitivity, topology=known))
    incidents = correlate(findings, known, [], "scan")
    assert len(incidents) <= 5, [(incident.title, incident.harm.why) for incident in incidents]
    places = [{subject.name for subject in [incident.subject, *incident.affected]} for incident in incidents[:3]]
    assert "app-7" in places[0], "users feel it, and it is critical"
    assert sorted(place for own in places[1:] for place in own if place in {"worker-31", "worker-62"}) == [
        "worker-31",
        "worker-62",
    ]
    assert all(incident.phase == "ongoing" for incident in incidents[:3])
