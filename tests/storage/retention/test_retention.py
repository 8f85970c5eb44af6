"""What goes and what stays, on a real database and a real object store; and that a kill leaves nothing half."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from sqlalchemy import text

from fleet.errors import NotFound
from fleet.findings.finding import FindingState
from fleet.findings.scan import ScanState
from fleet.frames.coverage import Coverage
from fleet.frames.frame import Frame, SeriesKey
from fleet.frames.window import Window
from fleet.inventory.change import Change, ChangeKind
from fleet.inventory.cluster import Cluster
from fleet.inventory.inventory import Inventory
from fleet.investigations.investigation import Evidence, EvidenceKind, Investigation, Verdict
from fleet.reports.delivery import Delivery
from fleet.reports.record import ReportFormat, ReportKind, ReportRecord
from storage.credentials.store import CredentialStore
from storage.database import Database
from storage.objects import ObjectStore
from storage.retention import sweep
from storage.retention.expired import Expired
from storage.retention.lifetimes import DataKind, Lifetimes
from storage.retention.retention import Retention
from storage.stores import Stores
from tests.conftest import PostgresServer, S3Server
from tests.storage.entities import CLUSTER, T0, coverage, finding, hours, incident, pack, scan, subject

LIFETIMES = Lifetimes()
DAY = timedelta(days=1)


@pytest.fixture
def stores(database: Database, objects: ObjectStore, credentials: CredentialStore) -> Stores:
    for folder in ("frames", "models", "reports"):
        objects.delete_all([each.key for each in objects.under(folder)])
    return Stores.over(database, objects, credentials)


@pytest.fixture
def retention(stores: Stores) -> Retention:
    return Retention(stores.database, stores.objects)


def after(days: float) -> datetime:
    """So long after the end of the hour at T0."""
    return T0 + timedelta(hours=1) + timedelta(days=days)


def store(stores: Stores, window: Window, **fields: Any) -> Coverage:
    """A chunk with its frame, as it is stored."""
    seen = coverage(window, collected_at=window.end, **fields)
    step = seen.step_seconds
    keys = [SeriesKey.of("container_mem_bytes", {"pod": "a"})]
    values = np.full((1, window.points(step)), window.start.timestamp() % 977, dtype=np.float32)
    stores.frames.save([(seen, Frame(window.start, step, keys, values))], pack())
    [stored] = [
        each
        for each in stores.coverage.list(window, cluster_ids=[seen.cluster_id], step_seconds=step)
        if each.window == window and each.collector == seen.collector
    ]
    return stored


def investigation(investigation_id: str, keys: list[str], at: datetime = T0, **fields: Any) -> Investigation:
    evidence = Evidence(id="E1", kind=EvidenceKind.METRIC, summary="memory rose", object_keys=keys)
    return Investigation(
        id=investigation_id,
        cluster_id=CLUSTER,
        place=subject(),
        at=at,
        window=hours(0, 1),
        evidence=[evidence],
        verdict=Verdict.PROBABLE_CAUSE,
        created_at=at,
        **fields,
    )


def by_kind(expired: list[Expired]) -> dict[DataKind, tuple[int, int]]:
    return {each.kind: (each.rows, each.kept) for each in expired if each.rows or each.kept}


def readable(stores: Stores, chunk: Coverage) -> bool:
    """Whether a chunk's object is there; the bytes that are there are those that were stored."""
    assert chunk.object_key is not None
    assert chunk.object_hash is not None
    try:
        stores.objects.get(chunk.object_key, chunk.object_hash)
    except NotFound:
        return False
    return True


def test_chunks_go_by_kind_and_what_is_cited_stays_while_its_neighbours_go(
    stores: Stores, retention: Retention
) -> None:
    chunks = [store(stores, hours(start, start + 1)) for start in range(4)]
    history = store(stores, Window(start=T0 - DAY, end=T0), step_seconds=300)
    logs = store(stores, hours(0, 1), collector="loki")
    cited, suspected = chunks[1], chunks[2]
    stores.investigations.put(investigation("i1", [str(cited.object_key)]))
    ongoing = finding(hours(2, 3))
    ongoing.series.object_keys = [str(suspected.object_key)]
    stores.findings.record(CLUSTER, scan("s1", hours(2, 3)), [ongoing], seen_queries=[])

    now = after(40)
    told = retention.expire(LIFETIMES, now, dry_run=True)
    assert by_kind(told) == {DataKind.FRAMES: (2, 2), DataKind.EVIDENCE: (1, 0)}
    assert len(stores.coverage.list(hours(0, 4), step_seconds=30)) == 5
    done = retention.expire(LIFETIMES, now)
    assert done == told
    assert done[0].object_bytes == chunks[0].object_bytes + chunks[3].object_bytes
    assert [each.window for each in stores.coverage.list(hours(0, 4), step_seconds=30)] == [
        cited.window,
        suspected.window,
    ]
    frame, _ = stores.frames.load(CLUSTER, "prometheus", pack().content_hash, 30, hours(0, 4))
    assert np.isfinite(frame.values[0]).tolist() == [False] * 120 + [True] * 240 + [False] * 120

    # The objects of what went last until the next run, for whoever is just reading them.
    assert all(readable(stores, each) for each in [*chunks, history, logs])
    later = datetime.now(UTC) + 2 * DAY
    swept = retention.sweep(later)
    assert swept.objects == 3
    assert [readable(stores, each) for each in [*chunks, history, logs]] == [False, True, True, False, True, False]
    assert retention.sweep(later).objects == 0

    assert by_kind(retention.expire(LIFETIMES, after(61))) == {DataKind.FRAMES: (0, 2), DataKind.HISTORY: (1, 0)}
    for number in (5, 6):
        resolving = scan(f"s{number}", hours(number, number + 1))
        stores.findings.record(CLUSTER, resolving, [], seen_queries=["container_mem_bytes"])
    assert by_kind(retention.expire(LIFETIMES, after(62)))[DataKind.FRAMES] == (1, 1)
    # The cited frame goes with its investigation, and not before.
    assert by_kind(retention.expire(LIFETIMES, after(399.9)))[DataKind.FRAMES] == (0, 1)
    done = retention.expire(LIFETIMES, after(401))
    assert by_kind(done)[DataKind.INVESTIGATIONS] == (1, 0)
    assert by_kind(done)[DataKind.FRAMES] == (1, 0)
    retention.sweep(later)
    assert not readable(stores, cited)


def test_old_time_that_somebody_has_just_asked_for_is_left_for_a_day(stores: Stores, retention: Retention) -> None:
    now = after(90)
    chunk = coverage(hours(0, 1), collected_at=now - DAY / 2)
    stores.coverage.put([chunk])
    assert by_kind(retention.expire(LIFETIMES, now)) == {}
    assert by_kind(retention.expire(LIFETIMES, now + DAY)) == {DataKind.FRAMES: (1, 0)}


def test_what_somebody_is_just_writing_anew_is_left_to_the_next_run(stores: Stores, retention: Retention) -> None:
    chunk = store(stores, hours(0, 1))
    anew = text("""UPDATE coverage SET body = jsonb_set(body, '{collected_at}', to_jsonb(CAST(:at AS text)))""")
    now = after(40)
    with ThreadPoolExecutor(1) as threads:
        with stores.database.session() as session:
            session.connection().execute(anew, {"at": (now - DAY / 2).isoformat()})
            expiring = threads.submit(retention.expire, LIFETIMES, now)
            wait([expiring], timeout=1)
        assert by_kind(expiring.result(30)) == {}
    assert [each.object_key for each in stores.coverage.list(hours(0, 1))] == [chunk.object_key]


def test_a_chunk_that_is_collected_again_while_objects_are_swept_keeps_its_object(
    stores: Stores, retention: Retention, monkeypatch: pytest.MonkeyPatch
) -> None:
    chunks = [store(stores, hours(start, start + 1)) for start in range(3)]
    retention.expire(LIFETIMES, after(40))
    delete_all = stores.objects.delete_all

    def deleting(keys: Sequence[str]) -> None:
        if all(readable(stores, each) for each in chunks):
            store(stores, hours(2, 3))
        delete_all(keys)

    monkeypatch.setattr(sweep, "_BATCH", 1)
    monkeypatch.setattr(stores.objects, "delete_all", deleting)
    assert retention.sweep(datetime.now(UTC) + 2 * DAY).objects == 2
    assert [readable(stores, each) for each in chunks] == [False, False, True]


def test_a_run_right_behind_another_leaves_what_somebody_may_be_reading(stores: Stores, retention: Retention) -> None:
    chunk = store(stores, hours(0, 1))
    retention.expire(LIFETIMES, after(40))
    let_go = text("UPDATE objects_let_go SET let_go_at = let_go_at + interval '1 day'")
    with stores.database.session() as session:
        session.connection().execute(let_go)
    tomorrow = datetime.now(UTC) + DAY + timedelta(minutes=1)
    assert retention.sweep(tomorrow).objects == 0
    assert readable(stores, chunk)
    assert retention.sweep(tomorrow + DAY).objects == 1
    with stores.database.session() as session:
        assert session.connection().execute(text("SELECT count(*) FROM objects_let_go")).scalar_one() == 0


def test_rules_that_a_prometheus_judged_are_evidence(stores: Stores, retention: Retention) -> None:
    stores.coverage.put([coverage(hours(0, 1), collected_at=T0, signal="alerts", step_seconds=0)])
    short = LIFETIMES.model_copy(update={"evidence_days": 1})
    assert by_kind(retention.expire(short, after(2))) == {DataKind.EVIDENCE: (1, 0)}


def test_an_object_whose_row_was_never_written_is_swept_after_a_day_of_grace(
    stores: Stores, retention: Retention
) -> None:
    stores.objects.put(f"frames/{CLUSTER}/prometheus/x/30s/half.parquet", b"half", "text/plain")
    stores.objects.put("reports/fleet/never.pdf", b"half", "text/plain")
    stores.objects.put("elsewhere/kept", b"whole", "text/plain")
    assert retention.sweep(datetime.now(UTC)).objects == 0
    late = datetime.now(UTC) + DAY + timedelta(minutes=1)
    assert retention.sweep(late, dry_run=True) == retention.sweep(late)
    assert retention.sweep(late).objects == 0
    assert stores.objects.exists("elsewhere/kept")


def test_results_go_by_kind_and_what_is_still_needed_stays(stores: Stores, retention: Retention) -> None:
    stores.clusters.put(Cluster(id=CLUSTER, name="edge"))
    old, seen = hours(0, 1), scan("old", hours(0, 1))
    ended = {"state": FindingState.RESOLVED}
    for workload, cluster_id, fields in (
        ("cart", CLUSTER, ended),
        ("open", CLUSTER, {}),
        ("struck", "ffffffffffff", {}),
    ):
        found = finding(old, workload=workload, cluster_id=cluster_id, **fields)
        stores.findings.record(cluster_id, seen, [found], seen_queries=[])
    stores.incidents.record(CLUSTER, "old", [incident("over", ["f1"], ended_at=after(0), **ended)])
    stores.incidents.record(CLUSTER, "old", [incident("going-on", ["f2"])])
    stores.investigations.put(investigation("i-over", [], incident_id="over"))
    stores.investigations.put(investigation("i-going-on", [], incident_id="going-on"))
    for name, state in (("old", ScanState.COMPLETED), ("last", ScanState.COMPLETED), ("crashed", ScanState.RUNNING)):
        at = T0 + timedelta(minutes=name == "last")
        stores.scans.put(scan(name, old, state=state, created_at=at))
    for days in (0, 1):
        stores.inventories.put(Inventory(cluster_id=CLUSTER, observed_at=T0 + timedelta(days=days)))
    stores.inventories.put(Inventory(cluster_id="ffffffffffff", observed_at=T0))
    change = {"kind": ChangeKind.ROLLOUT, "subject": subject(), "summary": "rollout", "cluster_id": CLUSTER}
    stores.changes.put([Change(at=T0, **change), Change(at=T0 + 2 * DAY, **change)])
    forms = [stores.report_objects.put(ReportKind.FLEET, name, ReportFormat.PDF, b"%PDF") for name in ("r1", "r2")]
    for name, stored in zip(("r1", "r2"), forms, strict=True):
        stores.reports.put(
            ReportRecord(
                id=name,
                kind=ReportKind.FLEET,
                title=name,
                created_at=T0,
                window=old,
                formats={ReportFormat.PDF: stored},
            )
        )
        stores.outbox.enqueue(Delivery.of(name, ["sre@example.org"], name, T0))
    stores.outbox.mark_sent(stores.outbox.list(report_id="r1")[0].id)

    now = T0 + timedelta(days=401)
    told = retention.expire(LIFETIMES, now, dry_run=True)
    done = retention.expire(LIFETIMES, now)
    assert by_kind(done) == {
        DataKind.SCANS: (2, 0),
        DataKind.FINDINGS: (2, 0),
        DataKind.INCIDENTS: (1, 0),
        DataKind.INVESTIGATIONS: (1, 0),
        DataKind.REPORTS: (1, 0),
        DataKind.INVENTORIES: (2, 0),
        DataKind.CHANGES: (1, 0),
    }
    assert told == done
    assert [each.subject.name for each in stores.findings.list()] == ["open"]
    assert [each.id for each in stores.incidents.list()] == ["going-on"]
    assert [each.id for each in stores.investigations.list()] == ["i-going-on"]
    assert [each.id for each in stores.scans.list()] == ["last"]
    assert stores.findings.list(scan_id="old") == []
    assert stores.inventories.versions(CLUSTER) == [T0 + DAY]
    assert stores.inventories.versions("ffffffffffff") == []
    assert [each.id for each in stores.reports.list()] == ["r2"]
    assert [each.report_id for each in stores.outbox.list()] == ["r2"]
    assert retention.sweep(datetime.now(UTC) + 2 * DAY).objects == 1
    assert stores.report_objects.get(forms[1]) == b"%PDF"
    with pytest.raises(NotFound):
        stores.report_objects.get(forms[0])
    assert by_kind(retention.expire(LIFETIMES, now)) == {}


def test_usage_tells_rows_bytes_and_the_oldest(stores: Stores, retention: Retention) -> None:
    chunks = [store(stores, hours(start, start + 1)) for start in range(3)]
    usage = retention.usage(LIFETIMES)
    frames = next(each for each in usage.kinds if each.kind is DataKind.FRAMES)
    assert (frames.rows, frames.oldest, frames.days) == (3, T0, 30)
    assert frames.object_bytes == usage.object_bytes == sum(each.object_bytes for each in chunks)
    assert usage.objects == 3
    assert usage.database_bytes > 100_000
    assert [each.rows for each in usage.kinds if each.kind is not DataKind.FRAMES] == [0] * (len(DataKind) - 1)


RUN = """
import sys
from datetime import datetime
from pydantic import SecretStr
from storage.database import Database
from storage.objects import ObjectStore
from storage.retention import chunks, sweep
from storage.retention.lifetimes import Lifetimes
from storage.retention.retention import Retention
dsn, endpoint, access_key, bucket, now, later = sys.argv[1:]
password, secret = (SecretStr(sys.stdin.readline().strip()) for _ in range(2))
chunks._BATCH = sweep._BATCH = 3
retention = Retention(Database(dsn, password), ObjectStore(endpoint, access_key, secret, bucket))
print("begun", flush=True)
retention.sweep(datetime.fromisoformat(later))
retention.expire(Lifetimes(), datetime.fromisoformat(now))
print("done", flush=True)
"""


@pytest.fixture
def run(migrated_dsn: str, postgres_server: PostgresServer, s3_server: S3Server) -> Callable[[], subprocess.Popen[str]]:
    def start() -> subprocess.Popen[str]:
        times = [after(40).isoformat(), (datetime.now(UTC) + 2 * DAY).isoformat()]
        where = [migrated_dsn, s3_server.endpoint, s3_server.access_key, s3_server.bucket, *times]
        process = subprocess.Popen(
            [sys.executable, "-W", "error", "-c", RUN, *where], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert process.stdin is not None
        process.stdin.write(f"{postgres_server.password}\n{s3_server.secret_key}\n")
        process.stdin.flush()
        return process

    return start


def test_killed_anywhere_no_row_names_what_is_gone_and_a_rerun_finishes(
    stores: Stores, run: Callable[[], subprocess.Popen[str]]
) -> None:
    chunks = [store(stores, hours(start, start + 1)) for start in range(60)]
    cited = chunks[::7]
    stores.investigations.put(investigation("i1", [str(each.object_key) for each in cited]))
    kills = 0
    for pause in (0.0, 0.05, 0.2, 30.0, 30.0):
        process = run()
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        try:
            process.wait(pause)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            kills += 1
        process.communicate()
        rows = stores.coverage.list(hours(0, 60))
        assert all(readable(stores, row) for row in rows)
        assert all(readable(stores, each) for each in cited)
    assert kills > 0
    assert [row.window for row in rows] == [each.window for each in cited]
    left = {each.key for each in stores.objects.under("frames")}
    assert left == {each.object_key for each in cited}
