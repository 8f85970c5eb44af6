from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fleet.errors import NotFound
from fleet.findings.correlation import correlate
from fleet.findings.finding import Finding, FindingState
from fleet.findings.incident import Harm, Incident, Phase
from fleet.frames.pack import Severity
from fleet.frames.window import Window
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


def test_an_opening_is_announced_when_it_is_one_and_again_when_it_came_back(watch: Watch, store: IncidentStore) -> None:
    def unannounced() -> list[str]:
        return store.record(CLUSTER, "scan-later", watch.all())

    (over,) = watch.scan(hours(0, 24), finding(hours(3, 5)))
    assert over.phase is Phase.RESOLVED
    assert unannounced() == []
    (first,) = watch.scan(hours(24, 25), finding(hours(24, 25), ongoing=True))
    assert unannounced() == [first.id]
    store.mark_announced([first.id])
    watch.scan(hours(25, 26))
    watch.scan(hours(26, 27))
    assert unannounced() == []
    (back,) = watch.scan(hours(29, 30), finding(hours(29, 30), ongoing=True), times=2)
    assert (back.id, back.reopenings) == (first.id, 1)
    assert unannounced() == [first.id]


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
    done = findings.record(CLUSTER, scan("scan-1", hours(-9, 1)), [earlier, cart, other], seen_queries={QUERY})
    own = [each.id for each in done.seen if each.window == cart.window and each.subject == cart.subject]
    store.record(CLUSTER, "scan-1", [incident("i-1", [cart.fingerprint], finding_ids=own)])
    assert [each.window for each in findings.list(incident_ids=["i-1"])] == [hours(0, 1)]
    assert [each.incident_id for each in findings.list(incident_ids=["i-1"])] == ["i-1"]
    findings.record(CLUSTER, scan("scan-2", hours(1, 2)), [finding(hours(1, 2))], seen_queries={QUERY})
    assert [each.window for each in findings.list(incident_ids=["i-1"])] == [hours(0, 2)]


def test_a_scan_tells_of_what_is_not_resolved_and_once_of_what_is(watch: Watch, store: IncidentStore) -> None:
    def told(window: Window) -> list[tuple[Phase, str]]:
        return [(each.phase, each.id) for each in store.told_by(scan(watch.name_of(window), window), [CLUSTER])]

    (first,) = watch.scan(hours(0, 1), finding(hours(0, 1), ongoing=True))
    for end, phases in [(2, [Phase.ENDED]), (3, [Phase.RESOLVED]), (4, [])]:
        watch.scan(hours(end - 1, end), times=2)
        assert told(hours(end - 1, end)) == [(phase, first.id) for phase in phases]
    assert told(hours(2, 3)) == [(Phase.RESOLVED, first.id)], "told again of that scan, not of another"
    watch.scan(hours(5, 6), finding(hours(5, 6), ongoing=True))
    assert told(hours(2, 3)) == [(Phase.ONGOING, first.id)]
    assert told(hours(-2, -1)) == [], "a scan of a past window knows nothing of what began after it"
    assert store.told_by(scan("hours", hours(5, 6)), ["another"]) == []


@dataclass(frozen=True)
class Watch:
    """Scans of one cluster, one after the other: what each sees is recorded, correlated and recorded again."""

    findings: FindingStore
    incidents: IncidentStore
    cluster_id: str = CLUSTER

    def scan(self, window: Window, *seen: Finding, times: int = 1) -> list[Incident]:
        """The incidents that one scan saw; ``times`` is how often it is run (it may be killed and run again)."""
        scan_id = self.name_of(window)
        for _ in range(times):
            self.findings.record(self.cluster_id, scan(scan_id, window), list(seen), seen_queries={QUERY})
            known = self.incidents.list(cluster_ids=[self.cluster_id])
            stored = self.findings.list(cluster_ids=[self.cluster_id], scan_id=scan_id)
            members = self.findings.list(incident_ids=[each.id for each in known])
            incidents = correlate(stored, None, known, scan_id, members=members)
            self.incidents.record(self.cluster_id, scan_id, incidents)
        return self.incidents.list(cluster_ids=[self.cluster_id], scan_id=scan_id)

    @staticmethod
    def name_of(window: Window) -> str:
        return f"scan-{window.start:%d-%H:%M}-{window.end:%d-%H:%M}"

    def all(self) -> list[Incident]:
        return self.incidents.list(cluster_ids=[self.cluster_id])


@pytest.fixture
def watch(store: IncidentStore, findings: FindingStore) -> Watch:
    return Watch(findings, store)


def test_an_incident_is_over_when_two_scans_see_it_no_more(watch: Watch) -> None:
    (first,) = watch.scan(hours(0, 1), finding(hours(0, 1), ongoing=True))
    assert (first.phase, first.ended_at) == (Phase.ONGOING, None)
    assert watch.scan(hours(1, 2)) == []
    (ended,) = watch.all()
    assert (ended.phase, ended.state, ended.ended_at) == (Phase.ENDED, FindingState.OPEN, T0 + timedelta(hours=1))
    watch.scan(hours(2, 3))
    (over,) = watch.all()
    assert (over.phase, over.ended_at, over.reopenings) == (Phase.RESOLVED, T0 + timedelta(hours=1), 0)


def test_an_incident_that_ended_inside_the_window_is_shown_with_its_end(watch: Watch) -> None:
    (over,) = watch.scan(hours(0, 24), finding(hours(3, 5)))
    assert (over.phase, over.ended_at) == (Phase.RESOLVED, T0 + timedelta(hours=5))
    (lately, _) = watch.scan(hours(6, 30), finding(hours(28.5, 29), workload="other"), finding(hours(3, 5)))
    assert (lately.phase, lately.ended_at) == (Phase.ENDED, T0 + timedelta(hours=29))


def test_an_incident_that_comes_back_is_the_same_one_open_again(watch: Watch) -> None:
    (first,) = watch.scan(hours(0, 1), finding(hours(0, 1), ongoing=True))
    watch.scan(hours(1, 2))
    watch.scan(hours(2, 3))
    (back,) = watch.scan(hours(5, 6), finding(hours(5, 6), ongoing=True), times=2)
    assert back.id == first.id
    assert (back.phase, back.reopenings, back.started_at) == (Phase.ONGOING, 1, T0)
    assert [(each.start, each.end) for each in back.stretches] == [
        (T0, T0 + timedelta(hours=1)),
        (T0 + timedelta(hours=5), None),
    ]
    assert len(watch.findings.list(incident_ids=[first.id])) == 2
    for start in range(6, 10):
        watch.scan(hours(start, start + 1))
    (tomorrow,) = watch.scan(hours(24, 25), finding(hours(24, 25)))
    assert tomorrow.id != first.id
    assert [each.reopenings for each in watch.all()] == [0, 1]


def test_an_acknowledged_incident_that_is_over_and_back_is_open(watch: Watch) -> None:
    done = watch.findings.record(CLUSTER, scan("scan-0", hours(0, 1)), [finding(hours(0, 1))], seen_queries={QUERY})
    (first,) = correlate(done.seen, None, [], "scan-0")
    watch.incidents.record(CLUSTER, "scan-0", [first.model_copy(update={"state": FindingState.ACKNOWLEDGED})])
    (again,) = watch.scan(hours(1, 2), finding(hours(1, 2)))
    assert again.state is FindingState.ACKNOWLEDGED
    watch.scan(hours(2, 3))
    watch.scan(hours(3, 4))
    assert watch.all()[0].state is FindingState.RESOLVED
    (back,) = watch.scan(hours(6, 7), finding(hours(6, 7)))
    assert (back.id, back.state) == (first.id, FindingState.OPEN)


def test_an_incident_is_told_alike_by_a_scan_of_a_day_and_by_those_of_hours(watch: Watch) -> None:
    def fault(until: float) -> list[Finding]:
        felt = finding(hours(0, 0.5), query_id="errors", severity=Severity.CRITICAL, service_level=True, score=9.0)
        return [felt, finding(hours(0, until), ongoing=True)]

    (day,) = watch.scan(hours(-18, 6), *fault(6))
    (hour,) = watch.scan(hours(6, 7), finding(hours(6, 7), ongoing=True))
    words = {"title", "severity", "subject", "affected", "harm", "fingerprints"}
    assert hour.model_dump(include=words) == day.model_dump(include=words)
    assert (hour.severity, hour.harm.strength, hour.phase) == (Severity.CRITICAL, 3.0, Phase.ONGOING)
    (tomorrow,) = watch.scan(hours(7, 27), *fault(27)[1:])
    told = tomorrow.severity, tomorrow.harm.service
    assert told == (Severity.CRITICAL, hour.harm.service), "nobody looked whether that is over"
    watch.findings.record(CLUSTER, scan("errors", hours(25, 28)), [], seen_queries={"errors"})
    watch.findings.record(CLUSTER, scan("errors", hours(26, 29)), [], seen_queries={"errors"})
    (later,) = watch.scan(hours(27, 30), finding(hours(27, 30), ongoing=True))
    assert (later.id, later.severity, later.harm.service) == (day.id, Severity.WARNING, "")


def test_an_incident_that_is_over_says_so_and_keeps_its_words(watch: Watch) -> None:
    (first,) = watch.scan(hours(0, 1), finding(hours(0, 1), ongoing=True))
    assert "; goes on; " in first.harm.why
    watch.scan(hours(1, 2))
    watch.scan(hours(2, 3))
    (over,) = watch.all()
    assert over.phase is Phase.RESOLVED
    assert over.harm.why == first.harm.why.replace("goes on", "ended")
    assert over.title == first.title


def test_a_weak_finding_is_stored_and_opens_an_incident_only_when_it_lasts(watch: Watch) -> None:
    def weak(window: Window, **fields: object) -> Finding:
        return finding(window, severity=Severity.INFO, score=5.0, threshold=3.0, **fields)

    assert watch.scan(hours(0, 1), weak(hours(0.5, 0.7))) == []
    assert [each.incident_id for each in watch.findings.list()] == [None]
    (opened,) = watch.scan(hours(1, 2), weak(hours(1, 2), ongoing=True))
    assert opened.started_at == hours(0.5, 1).start
    assert [each.incident_id for each in watch.findings.list()] == [opened.id]


_MINUTES = st.integers(0, 59)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_scans_that_see_it_every_other_time_leave_one_incident_open(watch: Watch, data: st.DataObject) -> None:
    mine = replace(watch, cluster_id=uuid4().hex[:12])
    ids, states = set(), set()
    for hour in range(data.draw(st.integers(2, 6), label="scans")):
        seen = []
        if hour % 2 == 0:
            first = data.draw(_MINUTES, label="from")
            last = data.draw(st.integers(first + 1, 60), label="to")
            window = hours(hour + first / 60, hour + last / 60)
            trouble = finding(window, cluster_id=mine.cluster_id, severity=Severity.CRITICAL, ongoing=last >= 55)
            seen = [trouble]
        times = data.draw(st.integers(1, 2), label="times")
        mine.scan(hours(hour, hour + 1), *seen, times=times)
        ids |= {each.id for each in mine.all()}
        states |= {each.state for each in mine.all()}
    assert len(ids) == 1
    assert states == {FindingState.OPEN}


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seen=st.lists(st.lists(st.sampled_from("abc"), unique=True, max_size=3), min_size=1, max_size=6))
def test_scans_that_are_killed_and_run_again_leave_the_same_as_those_that_are_not(
    watch: Watch, seen: list[list[str]]
) -> None:
    told = []
    for times in (1, 2):
        mine = replace(watch, cluster_id=uuid4().hex[:12])
        for hour, names in enumerate(seen):
            window = hours(hour, hour + 1)
            found = [finding(window, cluster_id=mine.cluster_id, workload=name, ongoing=True) for name in names]
            mine.scan(window, *found, times=times)
        told.append(sorted((each.started_at, each.title, each.standing, repr(each.harm)) for each in mine.all()))
    assert told[0] == told[1]


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
            # The first of its own cluster, which is no reason to stand before another cluster's second.
            incident("second", ["b"], rank=1, started_at=T0 + timedelta(hours=5)),
            incident("first", ["c"], rank=2, harm=Harm(service="route shop/cart")),
            incident("worst", ["d"], rank=9, severity=Severity.CRITICAL),
        ],
    )
    assert [each.id for each in store.list()] == ["worst", "first", "second", "over"]
    assert [each.id for each in store.list(window=hours(1, 2))] == ["worst", "first"]
    assert [each.id for each in store.list(states=[FindingState.RESOLVED])] == ["over"]
    assert store.list(cluster_ids=["another"]) == []
    assert [each.id for each in store.list(scan_id="scan-1")][:1] == ["worst"]
    with pytest.raises(NotFound):
        store.get("nothing")
    with pytest.raises(ValueError, match="another cluster"):
        store.record("another", "scan-1", [incident("i", [])])


def test_each_scan_keeps_the_incidents_that_it_saw(store: IncidentStore) -> None:
    store.record(CLUSTER, "command", [incident("i-1", ["f"]), incident("i-2", ["g"])])
    store.record(CLUSTER, "hourly", [incident("i-1", ["f"])])
    assert {each.id for each in store.list(scan_id="command")} == {"i-1", "i-2"}
    assert {each.id for each in store.list(scan_id="hourly")} == {"i-1"}
