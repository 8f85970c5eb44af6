from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from fleet.detectors.contract import Sensitivity
from fleet.errors import NotFound
from fleet.findings.finding import Finding, FindingKind, FindingState, PeerEvidence, SeriesRef
from fleet.frames.pack import Severity
from fleet.frames.window import Window
from fleet.inventory.subject import Subject, SubjectKind
from storage.database import Database
from storage.findings import FindingStore
from tests.storage.entities import CLUSTER, T0, finding, hours, scan

QUERY = "container_mem_bytes"
MINUTE = timedelta(minutes=1)


@pytest.fixture
def store(database: Database) -> FindingStore:
    return FindingStore(database)


def record(store: FindingStore, scan_id: str, window: Window, *findings: Finding, **scan_fields: object) -> list[str]:
    """Record what a scan found, every query seen; the ids of what was resolved."""
    seen = [each.model_copy(update={"scan_id": scan_id}) for each in findings]
    done = store.record(CLUSTER, scan(scan_id, window, **scan_fields), seen, seen_queries={QUERY})
    return [each.id for each in done.resolved]


def test_recording_again_changes_nothing(store: FindingStore) -> None:
    record(store, "scan-1", hours(0, 1), finding(hours(0, 0.5)))
    [first] = store.list()
    record(store, "scan-1", hours(0, 1), finding(hours(0, 0.5)))
    [again] = store.list()
    assert again.id == first.id
    assert again.first_seen_at == first.first_seen_at
    assert again.window == hours(0, 0.5)


def test_a_scan_s_findings_are_counted_by_severity(store: FindingStore) -> None:
    worse = finding(hours(0, 0.5), workload="other", severity=Severity.CRITICAL)
    record(store, "scan-1", hours(0, 1), finding(hours(0, 0.5)), worse)
    record(store, "scan-2", hours(2, 3), finding(hours(2.5, 3)))
    assert store.severities("scan-1") == {Severity.WARNING: 1, Severity.CRITICAL: 1}
    assert store.severities("scan-2") == {Severity.WARNING: 1}
    assert store.severities("scan-3") == {}


def test_a_sighting_that_touches_extends_the_episode(store: FindingStore) -> None:
    record(store, "scan-1", hours(0, 1), finding(hours(0.5, 1), ongoing=True, score=4))
    [before] = store.list()
    record(store, "scan-2", hours(1, 3), finding(hours(2, 3), score=9))
    [after] = store.list()
    assert after.id == before.id
    assert after.window == hours(0.5, 3)
    assert after.first_seen_at == before.first_seen_at
    assert (after.score, after.ongoing, after.scan_id) == (9, False, "scan-2")


def test_beyond_an_hour_a_new_episode_begins(store: FindingStore) -> None:
    later = Window(start=T0 + timedelta(hours=2) + MINUTE, end=T0 + timedelta(hours=3))
    record(store, "scan-1", hours(0, 3), finding(hours(0, 1)), finding(later))
    episodes = store.list()
    assert sorted(each.window.start for each in episodes) == [T0, later.start]
    assert len({each.id for each in episodes}) == 2


def test_a_sighting_that_bridges_two_episodes_makes_them_one(store: FindingStore) -> None:
    record(store, "scan-1", hours(0, 6), finding(hours(0, 1)), finding(hours(4, 5)))
    earliest = min(store.list(), key=lambda each: each.window.start)
    record(store, "scan-2", hours(0, 6), finding(hours(0.5, 4.5)))
    [whole] = store.list()
    assert whole.id == earliest.id
    assert whole.window == hours(0, 5)


def test_an_episode_is_dated_by_its_earliest_sighting(store: FindingStore) -> None:
    record(store, "scan-1", hours(2, 3), finding(hours(2, 3), undated=True))
    record(store, "scan-2", hours(2, 4), finding(hours(2, 4), undated=True))
    assert [each.undated for each in store.list()] == [True]
    record(store, "scan-3", hours(0, 4), finding(hours(1, 4)))
    record(store, "scan-4", hours(2, 5), finding(hours(2, 5), undated=True))
    assert [(each.undated, each.window) for each in store.list()] == [(False, hours(1, 5))]


def test_two_sightings_of_one_scan_meet_in_one_row(store: FindingStore) -> None:
    done = store.record(
        CLUSTER, scan("scan-1", hours(0, 3)), [finding(hours(0, 1)), finding(hours(1.5, 2))], seen_queries={QUERY}
    )
    assert [each.window for each in done.seen] == [hours(0, 2)]


def test_the_evidence_of_every_sighting_is_kept(store: FindingStore) -> None:
    def with_keys(window: Window, *keys: str) -> Finding:
        plain = finding(window)
        return plain.model_copy(update={"series": plain.series.model_copy(update={"object_keys": list(keys)})})

    record(store, "scan-1", hours(0, 1), with_keys(hours(0, 1), "a", "b"))
    record(store, "scan-2", hours(1, 2), with_keys(hours(1, 2), "b", "c"))
    assert store.list()[0].series.object_keys == ["a", "b", "c"]


def test_an_acknowledgement_survives_a_new_sighting(store: FindingStore) -> None:
    record(store, "scan-1", hours(0, 1), finding(hours(0, 1), state=FindingState.ACKNOWLEDGED))
    record(store, "scan-2", hours(1, 2), finding(hours(1, 2)))
    assert store.list()[0].state is FindingState.ACKNOWLEDGED


def test_a_scan_of_the_past_does_not_overwrite_the_present(store: FindingStore) -> None:
    record(store, "scan-1", hours(2, 3), finding(hours(2, 3), ongoing=True, score=9))
    record(store, "scan-2", hours(1, 2), finding(hours(1.5, 2), ongoing=True, score=4))
    [after] = store.list()
    assert after.window == hours(1.5, 3)
    assert after.score == 9


def test_what_two_scans_should_have_seen_and_did_not_is_resolved(store: FindingStore) -> None:
    record(store, "scan-1", hours(0, 1), finding(hours(0.5, 1), ongoing=True), finding(hours(0, 1), workload="other"))
    assert record(store, "scan-2", hours(1, 2), finding(hours(1, 2), workload="other")) == []
    gone, _ = sorted(store.list(), key=lambda each: each.subject.name)
    assert (gone.state, gone.ongoing, gone.quiet_at) == (FindingState.OPEN, False, [hours(1, 2).end])
    resolved = record(store, "scan-3", hours(2, 3), finding(hours(2, 3), workload="other"))
    gone, still = sorted(store.list(), key=lambda each: each.subject.name)
    assert resolved == [gone.id]
    assert (gone.state, gone.ongoing, still.state) == (FindingState.RESOLVED, False, FindingState.OPEN)
    assert store.list(states=[FindingState.OPEN]) == [still]
    assert record(store, "scan-3", hours(2, 3), finding(hours(2, 3), workload="other")) == []


def test_a_scan_that_runs_again_or_looks_at_the_same_is_one_look(store: FindingStore) -> None:
    record(store, "scan-1", hours(0, 1), finding(hours(0, 1)))
    for scan_id in ("scan-2", "scan-2", "by-hand"):
        assert record(store, scan_id, hours(1, 2)) == []
    assert store.list()[0].quiet_at == [hours(1, 2).end]


def test_two_looks_within_half_an_hour_are_too_soon(store: FindingStore) -> None:
    record(store, "scan-1", hours(0, 1), finding(hours(0, 1)))
    assert record(store, "scan-2", hours(1, 1.2)) == []
    assert record(store, "scan-3", hours(1.2, 1.4)) == []
    assert len(record(store, "scan-4", hours(1.4, 1.6))) == 1


def test_what_ended_well_inside_the_window_is_over_at_once(store: FindingStore) -> None:
    lately = finding(hours(20, 23), workload="lately")
    assert record(store, "scan-1", hours(0, 24), finding(hours(3, 4)), lately) == [store.list(window=hours(3, 4))[0].id]
    assert [each.subject.name for each in store.list(states=[FindingState.OPEN])] == ["lately"]


def test_the_end_of_a_query_that_was_seen_in_part_is_not_sure(store: FindingStore) -> None:
    store.record(CLUSTER, scan("scan-1", hours(0, 24)), [finding(hours(3, 4))], seen_queries=set())
    assert store.list()[0].state is FindingState.OPEN


def test_a_resolved_finding_opens_again_only_when_it_goes_on(store: FindingStore) -> None:
    record(store, "scan-1", hours(0, 1), finding(hours(0, 1)))
    record(store, "scan-2", hours(1, 2))
    record(store, "scan-3", hours(2, 3))
    record(store, "scan-4", hours(0, 2), finding(hours(0, 1)))
    assert store.list()[0].state is FindingState.RESOLVED
    record(store, "scan-5", hours(0, 2), finding(hours(0, 1.5)))
    (again,) = store.list()
    assert (again.state, again.quiet_at) == (FindingState.OPEN, [hours(2, 3).end]), "one look is behind this end still"


def test_a_query_that_was_not_seen_resolves_nothing(store: FindingStore) -> None:
    record(store, "scan-1", hours(0, 1), finding(hours(0, 1)))
    for number in (1, 2, 3):
        window = hours(number, number + 1)
        done = store.record(CLUSTER, scan(f"scan-{number + 1}", window), [], seen_queries={"another_query"})
        assert done.resolved == []
    assert store.list()[0].state is FindingState.OPEN
    assert store.list()[0].quiet_at == []


def test_a_scan_of_the_past_or_of_less_sensitivity_resolves_nothing(store: FindingStore) -> None:
    record(store, "scan-1", hours(5, 6), finding(hours(5, 6), sensitivity=Sensitivity.HIGH))
    record(store, "scan-2", hours(1, 2))
    record(store, "scan-3", hours(5, 8), sensitivity=Sensitivity.LOW)
    record(store, "scan-4", hours(5, 9), sensitivity=Sensitivity.LOW)
    assert store.list()[0].quiet_at == []
    record(store, "scan-5", hours(5, 7), sensitivity=Sensitivity.HIGH)
    assert len(record(store, "scan-6", hours(5, 8), sensitivity=Sensitivity.HIGH)) == 1


def test_what_lies_before_the_window_is_over_at_any_sensitivity(store: FindingStore) -> None:
    record(store, "scan-1", hours(0, 1), finding(hours(0, 1), sensitivity=Sensitivity.EXTREME))
    record(store, "scan-2", hours(1, 2), sensitivity=Sensitivity.LOW)
    assert len(record(store, "scan-3", hours(2, 3), sensitivity=Sensitivity.LOW)) == 1


def test_earlier_findings_of_a_fingerprint_are_known_for_a_fortnight(store: FindingStore) -> None:
    for day in (-20, -3, -1):
        window = hours(24 * day, 24 * day + 1)
        record(store, f"scan{day}", window, finding(window), finding(window, workload="other"))
    record(store, "scan-1", hours(0, 1), finding(hours(0, 1)))
    now = store.list(scan_id="scan-1")
    earlier = store.earlier(CLUSTER, now)
    assert {mark: sorted(starts) for mark, starts in earlier.items()} == {
        now[0].fingerprint: [hours(day, day + 1).start for day in (-72, -24, 0)]
    }
    assert store.earlier(CLUSTER, []) == {}


def test_other_clusters_are_left_alone(store: FindingStore) -> None:
    other = "ffffffffffff"
    store.record(other, scan("scan-0", hours(0, 1)), [finding(hours(0, 1), cluster_id=other)], seen_queries={QUERY})
    assert record(store, "scan-1", hours(0, 2)) == []
    assert [each.cluster_id for each in store.list(cluster_ids=[other])] == [other]
    with pytest.raises(ValueError, match="another cluster"):
        record(store, "scan-1", hours(0, 2), finding(hours(0, 1), cluster_id=other))


def test_threads_that_record_the_same_findings_leave_one_row_each(store: FindingStore) -> None:
    findings = [finding(hours(0, 1), workload=f"workload-{number}") for number in range(20)]

    def run(number: int) -> None:
        for shift in range(3):
            ordered = findings if number % 2 else findings[::-1]
            moved = [
                each.model_copy(update={"window": hours(0.1 * shift, 1 + 0.1 * number + 0.1 * shift)})
                for each in ordered
            ]
            record(store, f"scan-{number}", hours(0, 3), *moved)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(run, range(6)))
    rows = store.list()
    assert len(rows) == len(findings)
    assert {each.window for each in rows} == {hours(0, 1 + 0.1 * 5 + 0.1 * 2)}


def test_listing_filters_and_orders(store: FindingStore) -> None:
    record(
        store,
        "scan-1",
        hours(0, 10),
        finding(hours(0, 1), workload="a", severity="info"),
        finding(hours(4, 5), workload="b", severity="critical"),
        finding(hours(8, 9), workload="c", severity="info"),
    )
    assert [each.subject.name for each in store.list()] == ["b", "c", "a"]
    assert [each.subject.name for each in store.list(window=hours(1, 8.5))] == ["b", "c"]
    assert [each.subject.name for each in store.list(limit=1)] == ["b"]
    assert store.list(scan_id="scan-2") == []
    assert store.get(store.list()[0].id).subject.name == "b"
    with pytest.raises(NotFound):
        store.get("nothing")


def test_each_scan_keeps_what_it_saw_when_others_see_the_same(store: FindingStore) -> None:
    record(store, "command", hours(0, 24), finding(hours(3, 4)), finding(hours(5, 6), workload="other"))
    record(store, "hourly", hours(1, 25), finding(hours(3, 4.5)))
    assert len(store.list(scan_id="command")) == 2
    assert [each.window for each in store.list(scan_id="hourly")] == [hours(3, 4.5)]


def test_a_rerun_replaces_what_the_scan_saw(store: FindingStore) -> None:
    record(store, "again", hours(0, 24), finding(hours(3, 4)), finding(hours(5, 6), workload="other"))
    record(store, "again", hours(0, 24), finding(hours(3, 4)))
    assert [each.window for each in store.list(scan_id="again")] == [hours(3, 4)]


def test_a_scan_has_seen_what_its_finding_became_part_of(store: FindingStore) -> None:
    record(store, "early", hours(0, 4), finding(hours(1, 2)))
    record(store, "late", hours(4, 8), finding(hours(6, 7)))
    record(store, "bridge", hours(0, 8), finding(hours(1.5, 6.5)))
    for scan_id in ("early", "late", "bridge"):
        assert [each.window for each in store.list(scan_id=scan_id)] == [hours(1, 7)], scan_id


def test_a_finding_among_peers_is_over_only_when_it_could_be_compared(store: FindingStore) -> None:
    peers = PeerEvidence(members="pods", cohort="shop/cart", seen=5, known=5, q_value=0.001)
    unlike = finding(hours(0, 1), kind=FindingKind.ABOVE_PEERS, peers=peers, ongoing=True)
    [stored] = store.record(CLUSTER, scan("scan-0", hours(0, 1)), [unlike], seen_queries={QUERY}).seen
    pair = (QUERY, stored.subject.identity)
    for number in (1, 2, 3):
        window = hours(number, number + 1)
        store.record(CLUSTER, scan(f"scan-{number}", window), [], seen_queries={QUERY}, not_alike={pair})
    assert store.get(stored.id).state is FindingState.OPEN
    for number in (4, 5):
        store.record(CLUSTER, scan(f"scan-{number}", hours(number, number + 1)), [], seen_queries={QUERY})
    assert store.get(stored.id).state is FindingState.RESOLVED


@pytest.mark.parametrize(
    ("kind", "cited"), [(FindingKind.ABOVE, ["chunk-0", "chunk-1", "chunk-2"]), (FindingKind.ABOVE_PEERS, ["chunk-2"])]
)
def test_what_shows_a_finding_is_cited_and_no_more(store: FindingStore, kind: FindingKind, cited: list[str]) -> None:
    for number in range(3):
        series = SeriesRef(query_id=QUERY, promql="up", labels={}, object_keys=[f"chunk-{number}"])
        record(
            store,
            f"scan-{number}",
            hours(number, number + 1),
            finding(hours(number, number + 1), kind=kind, series=series, ongoing=True),
        )
    [whole] = store.list()
    assert (whole.window, whole.series.object_keys) == (hours(0, 3), cited)


def test_a_cluster_among_its_like_is_judged_part_by_part(store: FindingStore) -> None:
    """That one component is like its like says nothing of another by the same query."""
    etcd = Subject(cluster_id=CLUSTER, kind=SubjectKind.COMPONENT, name="etcd")
    peers = PeerEvidence(members="clusters", cohort="openshift 4.18", seen=8, known=8, q_value=0.001)
    unlike = finding(hours(0, 1), kind=FindingKind.ABOVE_PEERS, peers=peers, ongoing=True, subject=etcd)
    own = (QUERY, etcd.identity)
    [stored] = store.record_compared(CLUSTER, scan("scan-0", hours(0, 1)), [unlike], judged={own}).seen
    for number, judged in enumerate([(QUERY, "component/router")] * 3, start=1):
        store.record_compared(CLUSTER, scan(f"scan-{number}", hours(number, number + 1)), [], judged={judged})
    assert store.get(stored.id).state is FindingState.OPEN
    for number in (4, 5):
        store.record_compared(CLUSTER, scan(f"scan-{number}", hours(number, number + 1)), [], judged={own})
    assert store.get(stored.id).state is FindingState.RESOLVED
