from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from fleet.errors import NotFound
from fleet.findings.finding import FindingState
from fleet.frames.pack import Severity
from storage.database import Database
from storage.findings import FindingStore
from storage.incidents import IncidentStore
from tests.storage.entities import CLUSTER, T0, finding, hours, incident, scan

QUERY = "container_mem_bytes"


@pytest.fixture
def store(database: Database) -> IncidentStore:
    return IncidentStore(database)


@pytest.fixture
def findings(database: Database) -> FindingStore:
    return FindingStore(database)


def test_an_opening_is_handed_out_until_it_was_announced(store: IncidentStore) -> None:
    known = incident("i-1", ["f"])
    assert store.record(CLUSTER, "scan-1", [known]) == ["i-1"]
    assert store.record(CLUSTER, "scan-1", [known]) == ["i-1"], "killed before the event: told again"
    store.mark_announced(["i-1"])
    assert store.record(CLUSTER, "scan-2", [known, incident("i-2", ["g"])]) == ["i-2"]


def test_recording_again_keeps_the_opening_and_an_acknowledgement(store: IncidentStore) -> None:
    store.record(CLUSTER, "scan-1", [incident("i-1", ["f"], state=FindingState.ACKNOWLEDGED)])
    opened_at = store.get("i-1").opened_at
    store.record(CLUSTER, "scan-2", [incident("i-1", ["f", "g"], severity=Severity.CRITICAL)])
    again = store.get("i-1")
    assert opened_at is not None
    assert again.opened_at == opened_at
    assert (again.state, again.scan_id) == (FindingState.ACKNOWLEDGED, "scan-2")
    assert (again.fingerprints, again.severity) == (["f", "g"], Severity.CRITICAL)


def test_findings_are_linked_and_keep_their_link(store: IncidentStore, findings: FindingStore) -> None:
    cart, other = finding(hours(0, 1)), finding(hours(0, 1), workload="other")
    earlier = finding(hours(-9, -8))
    findings.record(CLUSTER, scan("scan-1", hours(-9, 1)), [earlier, cart, other], seen_queries={QUERY})
    store.record(CLUSTER, "scan-1", [incident("i-1", [cart.fingerprint])])
    assert [each.window for each in findings.list(incident_ids=["i-1"])] == [hours(0, 1)]
    assert [each.incident_id for each in findings.list(incident_ids=["i-1"])] == ["i-1"]
    findings.record(CLUSTER, scan("scan-2", hours(1, 2)), [finding(hours(1, 2))], seen_queries={QUERY})
    assert [each.window for each in findings.list(incident_ids=["i-1"])] == [hours(0, 2)]


def test_an_incident_ends_when_its_last_finding_is_resolved(store: IncidentStore, findings: FindingStore) -> None:
    cart, other = finding(hours(0, 1)), finding(hours(0, 0.5), workload="other")
    findings.record(CLUSTER, scan("scan-1", hours(0, 1)), [cart, other], seen_queries={QUERY})
    store.record(CLUSTER, "scan-1", [incident("i-1", [cart.fingerprint, other.fingerprint])])

    still = finding(hours(1, 2), workload="other", scan_id="scan-2")
    findings.record(CLUSTER, scan("scan-2", hours(1, 2)), [still], seen_queries={QUERY})
    store.record(CLUSTER, "scan-2", [])
    assert store.get("i-1").state is FindingState.OPEN

    findings.record(CLUSTER, scan("scan-3", hours(2, 3)), [], seen_queries={QUERY})
    store.record(CLUSTER, "scan-3", [])
    ended = store.get("i-1")
    assert (ended.state, ended.ended_at) == (FindingState.RESOLVED, T0 + timedelta(hours=2))


def test_threads_that_record_the_same_incidents_leave_one_row_each(store: IncidentStore) -> None:
    incidents = [incident(f"i-{number}", [f"f-{number}"]) for number in range(10)]

    def run(number: int) -> None:
        store.record(CLUSTER, f"scan-{number}", incidents if number % 2 else incidents[::-1])

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(run, range(6)))
    assert sorted(each.id for each in store.list()) == [f"i-{number}" for number in range(10)]


def test_listing_shows_open_and_worst_first_and_filters(store: IncidentStore) -> None:
    store.record(
        CLUSTER,
        "scan-1",
        [
            incident("over", ["a"], severity=Severity.CRITICAL, state=FindingState.RESOLVED, ended_at=T0),
            incident("second", ["b"], rank=2, started_at=T0 + timedelta(hours=5)),
            incident("first", ["c"], rank=1),
            incident("worst", ["d"], rank=9, severity=Severity.CRITICAL),
        ],
    )
    assert [each.id for each in store.list()] == ["worst", "first", "second", "over"]
    assert [each.id for each in store.list(window=hours(1, 2))] == ["worst", "first"]
    assert [each.id for each in store.list(states=[FindingState.RESOLVED])] == ["over"]
    assert store.list(cluster_ids=["another"]) == []
    assert [each.id for each in store.list(scan_id="scan-1", limit=1)] == ["worst"]
    with pytest.raises(NotFound):
        store.get("nothing")
    with pytest.raises(ValueError, match="another cluster"):
        store.record("another", "scan-1", [incident("i", [])])


def test_each_scan_keeps_the_incidents_that_it_saw(store: IncidentStore) -> None:
    store.record(CLUSTER, "command", [incident("i-1", ["f"]), incident("i-2", ["g"])])
    store.record(CLUSTER, "hourly", [incident("i-1", ["f"])])
    assert {each.id for each in store.list(scan_id="command")} == {"i-1", "i-2"}
    assert {each.id for each in store.list(scan_id="hourly")} == {"i-1"}
