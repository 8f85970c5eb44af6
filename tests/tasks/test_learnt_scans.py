"""What scans learn, use and keep, and what a replay of stored days tells, on a real database and object store."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial

import numpy as np
import pytest
from pydantic import SecretStr

from fleet.detectors.contract import Sensitivity
from fleet.detectors.second_looks import DEFAULT_LOOKS
from fleet.detectors.state_parquet import encode_state
from fleet.findings.backtest import MissingDay, ReplayedDay, backtest_of
from fleet.findings.scan import Scan
from fleet.frames import parquet
from fleet.frames.coverage import Coverage, CoverageStatus, QueryCoverage
from fleet.frames.frame import Frame, SeriesKey
from fleet.frames.frame_blocks import blocks_of, whole_queries
from fleet.frames.window import CHUNK, HISTORY_CHUNK, HISTORY_STEP_SECONDS, STEP_SECONDS, Window, history_window
from fleet.inventory.cluster import Cluster
from fleet.reports.depth import SURVEY
from fleet.reports.gaps import gaps_of
from storage.database import Database
from storage.objects import ObjectStore
from storage.stores import Stores
from tasks import investigate as investigating
from tasks import judging
from tasks import learn as learning
from tasks.backtest import DAMAGED, IN_PARTS, NO_HISTORY, NOTHING_STORED, replay
from tasks.detect import judge_cluster
from tasks.investigate import investigate_incidents
from tasks.learn import learn_baselines, model_for
from tasks.outcome import ClusterOutcome
from tasks.report_material import NO_CHARTS, gather
from tests.conftest import PostgresServer, S3Server
from tests.fleet.detectors.series import pack_of, query
from tests.storage import entities

DAY = timedelta(days=1)
NOW = entities.T0.replace(hour=0)
"""The end of the history that is stored."""
PACK = pack_of(query("cpu"), query("memory", unit="bytes"), query("disk"))
KEYS = [SeriesKey.of(each.id, {"instance": f"node-{row}"}) for each in PACK.queries for row in range(8)]


@pytest.fixture(scope="module")
def opened(postgres_server: PostgresServer, s3_server: S3Server) -> Iterator[Stores]:
    database = Database(postgres_server.new_database(), SecretStr(postgres_server.password))
    database.migrate()
    objects = ObjectStore(s3_server.endpoint, s3_server.access_key, SecretStr(s3_server.secret_key), s3_server.bucket)
    objects.ensure_bucket()
    yield Stores.over(database, objects, credentials=None)  # type: ignore[arg-type]
    database.close()


@pytest.fixture
def cluster(opened: Stores, request: pytest.FixtureRequest) -> Cluster:
    name = re.sub(r"[^a-z0-9]+", "-", request.node.name[5:60]).strip("-")
    return opened.clusters.put(Cluster.model_validate({"name": name, "endpoints": {}}))


def values(window: Window, step_seconds: int) -> Frame:
    seconds = window.start.timestamp() + step_seconds * np.arange(window.points(step_seconds))
    random = np.random.default_rng(int(window.start.timestamp()) + step_seconds)
    season = 2 * np.sin(seconds / 86_400 * 2 * np.pi)
    made = 10 + season[None, :] + 0.3 * random.standard_normal((len(KEYS), len(seconds)))
    return Frame(window.start, step_seconds, KEYS, made.astype(np.float32))


def put(stores: Stores, cluster: Cluster, frame: Frame) -> Coverage:
    seen = entities.coverage(
        frame.window,
        cluster_id=cluster.id,
        pack_hash=PACK.content_hash,
        step_seconds=frame.step_seconds,
        queries=[QueryCoverage(query_id=each.id, status="ok") for each in PACK.queries],
    )
    stores.frames.save([(seen, frame)], PACK)
    [row] = [
        each for each in stores.coverage.list(frame.window, cluster_ids=[cluster.id]) if each.window == frame.window
    ]
    return row


def history(stores: Stores, cluster: Cluster, end: int = 0, days: int = 14) -> list[Coverage]:
    window = Window.before(NOW + end * DAY, days * DAY)
    return [put(stores, cluster, values(each, HISTORY_STEP_SECONDS)) for each in window.chunks(HISTORY_CHUNK)]


def bad_hours(stores: Stores, cluster: Cluster, start: float, hours: int = 2) -> Scan:
    """Some hours at 30 s, so long after midnight, of which the last is bad on one node; and their scan."""
    first = NOW + timedelta(hours=start)
    window = Window(start=first, end=first + hours * CHUNK)
    for chunk in window.chunks(CHUNK):
        frame = values(chunk, STEP_SECONDS)
        if chunk.end == window.end:
            frame.values[9] *= 3
        put(stores, cluster, frame)
    scan = entities.scan(f"scan-{cluster.name}-{start}", window, cluster_ids=[cluster.id], pack=PACK)
    return stores.scans.put(scan)


def judged(stores: Stores, scan: Scan) -> ClusterOutcome:
    return judge_cluster(stores, scan, scan.cluster_ids[0])


def told(stores: Stores, scan: Scan, since: datetime | None) -> int | None:
    """The version by which a scan's window is judged, or what begins before it."""
    version, _ = model_for(stores, scan, scan.cluster_ids[0], since)
    return version.version if version else None


def found(stores: Stores, scan: Scan) -> list[tuple[str, str, int | None]]:
    findings = stores.findings.list(scan_id=scan.id)
    return sorted((each.query_id, each.subject.name, each.model_version) for each in findings)


def test_a_day_is_learnt_once_and_judged_without_its_history(opened: Stores, cluster: Cluster) -> None:
    chunks = history(opened, cluster)
    first = bad_hours(opened, cluster, 2)
    outcome = judged(opened, first)
    assert (outcome.counts, outcome.gaps) == ({"series": len(KEYS), "findings": 1}, ())
    assert found(opened, first) == [("memory", "node-1", 1)]
    [version] = opened.models.list([cluster.id])
    assert (version.version, version.series, len(version.sources)) == (1, len(KEYS), 14)
    assert [each.query_id for each in opened.models.get(cluster.id, 1).queries] == [each.id for each in PACK.queries]
    assert opened.models.used(first.id) == {cluster.id: 1}

    # Read again, these would be gaps: nobody reads them.
    for chunk in chunks:
        opened.objects.delete(chunk.object_key or "")
    second = bad_hours(opened, cluster, 20)
    assert judged(opened, second).gaps == ()
    assert found(opened, second) == [("memory", "node-1", 1)]
    assert [each.version for each in opened.models.list([cluster.id])] == [1]


def test_the_next_day_and_a_hole_that_was_filled_are_learnt_anew(opened: Stores, cluster: Cluster) -> None:
    history(opened, cluster, days=10)
    assert judged(opened, bad_hours(opened, cluster, 2)).counts["findings"] == 1
    history(opened, cluster, end=-10, days=4)
    again = bad_hours(opened, cluster, 5)
    judged(opened, again)
    assert opened.models.used(again.id) == {cluster.id: 2}
    history(opened, cluster, end=1, days=1)
    tomorrow = bad_hours(opened, cluster, 26)
    judged(opened, tomorrow)
    assert [(each.version, each.active) for each in opened.models.list([cluster.id])] == [
        (3, True),
        (2, False),
        (1, False),
    ]
    # What is looked at from the evening before on is judged by a version that ends before that.
    assert [told(opened, tomorrow, since) for since in (None, NOW + 20 * CHUNK, NOW - CHUNK)] == [3, 2, 3]
    # A scan of an earlier window finds its own version again, and the active one stays.
    judged(opened, again)
    assert opened.models.used(again.id) == {cluster.id: 2}
    assert [each.version for each in opened.models.list([cluster.id], active=True)] == [3]


def test_a_pinned_version_judges_until_it_is_let_go(opened: Stores, cluster: Cluster) -> None:
    history(opened, cluster)
    scan = bad_hours(opened, cluster, 2)
    judged(opened, scan)
    opened.models.pin(cluster.id, 1)
    history(opened, cluster, end=1, days=1)
    tomorrow = bad_hours(opened, cluster, 26)
    judged(opened, tomorrow)
    assert found(opened, tomorrow) == [("memory", "node-1", 1)]
    opened.models.release(cluster.id, PACK.content_hash)
    judged(opened, tomorrow)
    assert opened.models.used(tomorrow.id) == {cluster.id: 2}


@pytest.mark.parametrize("gone", [False, True], ids=["altered", "gone"])
def test_damaged_state_is_learnt_anew_and_said(opened: Stores, cluster: Cluster, gone: bool) -> None:
    chunks = history(opened, cluster)
    scan = bad_hours(opened, cluster, 2)
    version, _ = model_for(opened, scan, cluster.id)
    assert version is not None
    if gone:
        opened.objects.delete(version.parts[0].object_key)
        opened.objects.delete(chunks[-1].object_key or "")
    else:
        opened.objects.put(version.parts[0].object_key, b"x" * 100, "text/plain")
    outcome = judged(opened, scan)
    told = "version 1 of what was learnt is damaged; version 2 was learnt anew and used"
    assert outcome.gaps == (told, *(damaged(1) if gone else ()))
    assert found(opened, scan) == [("memory", "node-1", 2)]
    assert [(each.version, each.damaged) for each in opened.models.list([cluster.id])] == [(2, False), (1, True)]


def damaged(*days: int) -> tuple[str]:
    """What is said of a history of which these days before ``NOW`` are damaged."""
    told = ", ".join(f"{NOW - day * DAY:%Y-%m-%d}" for day in days)
    return (f"the stored history of {told} is damaged and was left out; the next run asks the cluster for it again",)


def left_out(stores: Stores, cluster: Cluster) -> list[tuple[int, CoverageStatus]]:
    """How many days before ``NOW`` those begin of which no history is stored, and what is known of them."""
    rows = stores.coverage.list(
        Window.before(NOW, 30 * DAY), cluster_ids=[cluster.id], step_seconds=HISTORY_STEP_SECONDS
    )
    return [((NOW - row.window.start).days, row.status) for row in rows if row.object_key is None]


def test_second_looks_read_what_is_left_of_a_damaged_history_and_say_what_is_not(
    opened: Stores, cluster: Cluster
) -> None:
    chunks = history(opened, cluster)
    scan = opened.scans.put(bad_hours(opened, cluster, 2).model_copy(update={"second_looks": ["joint-deviation"]}))
    assert judged(opened, scan).gaps == ()
    [finding] = opened.findings.list(scan_id=scan.id)
    assert "joint-deviation" in finding.detectors

    opened.objects.delete(chunks[0].object_key or "")
    opened.objects.put(chunks[3].object_key or "", b"x" * 100, "text/plain")
    assert judged(opened, scan).gaps == damaged(14, 11)
    assert left_out(opened, cluster) == [(14, CoverageStatus.UNKNOWN), (11, CoverageStatus.UNKNOWN)]
    [again] = opened.findings.list(scan_id=scan.id)
    assert (again.id, "joint-deviation" in again.detectors) == (finding.id, True)

    for chunk in chunks:
        opened.objects.delete(chunk.object_key or "")
    assert judged(opened, scan).gaps == damaged(*range(14, 0, -1))
    [again] = opened.findings.list(scan_id=scan.id)
    assert (again.id, "joint-deviation" in again.detectors) == (finding.id, False)
    assert opened.models.used(scan.id) == {cluster.id: 1}


def test_reports_and_investigations_use_what_is_left_of_a_damaged_history_and_say_what_is_not(
    opened: Stores, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(investigating, "open_stores", lambda: opened)
    chunks = history(opened, cluster)
    scan = bad_hours(opened, cluster, 2)
    judged(opened, scan)
    [finding] = opened.findings.list(scan_id=scan.id)
    began = finding.window.start
    incident = entities.incident("bad-hour", [finding.fingerprint], cluster_id=cluster.id, started_at=began)
    opened.incidents.record(cluster.id, scan.id, [incident])

    opened.objects.delete(chunks[-1].object_key or "")
    assert investigate_incidents.fn(scan.id, cluster.id).gaps == damaged(1)
    assert [each.version for each in opened.models.list([cluster.id])] == [1]
    [investigation] = opened.investigations.list(cluster_ids=[cluster.id])
    assert investigation.missing[-1] == damaged(1)[0].replace("the", "The", 1) + "."

    opened.objects.put(chunks[4].object_key or "", b"x" * 100, "text/plain")
    material = gather(opened, scan, [], None, SURVEY)
    assert [each.fingerprint for each in material.charts] == [finding.fingerprint]
    assert material.charts[0].middle is not None
    assert gaps_of(material, cluster.id)[-1:] == list(damaged(10, 1))

    for chunk in opened.coverage.list(scan.window, cluster_ids=[cluster.id], step_seconds=STEP_SECONDS):
        opened.objects.delete(chunk.object_key or "")
    material = gather(opened, scan, [], None, SURVEY)
    assert (material.charts, gaps_of(material, cluster.id)[-1]) == ([], NO_CHARTS)


def test_a_version_is_learnt_without_what_is_damaged_and_anew_once_that_is_mended(
    opened: Stores, cluster: Cluster
) -> None:
    chunks = history(opened, cluster)
    judged(opened, bad_hours(opened, cluster, 2))
    opened.objects.put(chunks[7].object_key or "", b"x" * 100, "text/plain")
    history(opened, cluster, end=1, days=1)
    tomorrow = bad_hours(opened, cluster, 26)
    assert judged(opened, tomorrow).gaps == damaged(7)
    assert left_out(opened, cluster) == [(7, CoverageStatus.UNKNOWN)]
    assert len(opened.models.get(cluster.id, 2).sources) == 13
    assert opened.models.used(tomorrow.id) == {cluster.id: 2}
    # Until it is fetched again, the version that knows all that is left is used, and nothing more to be said.
    assert judged(opened, tomorrow).gaps == ()

    put(opened, cluster, values(chunks[7].window, HISTORY_STEP_SECONDS))
    assert judged(opened, tomorrow).gaps == ()
    assert opened.models.used(tomorrow.id) == {cluster.id: 3}
    assert len(opened.models.get(cluster.id, 3).sources) == 14
    assert found(opened, tomorrow) == [("memory", "node-1", 3)]


def test_without_a_history_a_window_is_judged_by_itself_and_nothing_is_kept(opened: Stores, cluster: Cluster) -> None:
    scan = bad_hours(opened, cluster, 2, hours=6)
    assert judged(opened, scan).counts["series"] == len(KEYS)
    assert all(version is None for _, _, version in found(opened, scan))
    assert opened.models.list([cluster.id]) == []
    assert opened.models.used(scan.id) == {}


def test_a_cluster_is_judged_alike_however_many_series_at_a_time(
    opened: Stores, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    history(opened, cluster)
    scan = bad_hours(opened, cluster, 2)
    judged(opened, scan)
    whole = opened.findings.list(scan_id=scan.id)
    monkeypatch.setattr(judging, "blocks_of", partial(blocks_of, most=3))
    judged(opened, scan)
    assert [each.model_dump() for each in opened.findings.list(scan_id=scan.id)] == [
        each.model_dump() for each in whole
    ]
    # Learnt query by query, it lies in an object each.
    opened.models.pin(cluster.id, 1)
    monkeypatch.setattr(learning, "whole_queries", partial(whole_queries, most=8))
    window = history_window(scan.window)
    parts = learning.learnt_blocks(
        opened.frames.open(cluster.id, "prometheus", PACK.content_hash, HISTORY_STEP_SECONDS, window), PACK
    )
    assert [{key.query_id for key in state.keys} for state, _ in parts] == [{each.id} for each in PACK.queries]


def test_clusters_that_are_stored_and_read_in_small_blocks_are_judged_as_whole_ones(
    opened: Stores, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    def seen(stored_for: Cluster) -> tuple[list[tuple[object, ...]], bytes]:
        history(opened, stored_for)
        scan = bad_hours(opened, stored_for, 2)
        judged(opened, scan)
        model = opened.models.fetch(opened.models.get(stored_for.id, 1))
        state = model.state(*model.version.parts)
        rows = sorted(range(len(state.keys)), key=lambda row: str(state.keys[row]))
        findings = opened.findings.list(scan_id=scan.id)
        told = [(each.title, each.window, each.score, each.p_value, each.series.labels) for each in findings]
        return told, encode_state(state.select(rows))

    whole = seen(cluster)
    for module in (parquet, judging, learning):
        monkeypatch.setattr(module, "blocks_of", partial(blocks_of, most=3))
    other = opened.clusters.put(Cluster.model_validate({"name": "in-small-blocks", "endpoints": {}}))
    assert seen(other) == whole
    assert whole[0]


@pytest.mark.parametrize("at_once", [24, 8])
def test_an_exporter_that_fell_silent_is_told_from_a_cluster_that_was_not_seen(
    opened: Stores, cluster: Cluster, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(judging, "blocks_of", partial(blocks_of, most=at_once))
    history(opened, cluster)
    window = entities.hours(-10, -8)
    frame = values(window, STEP_SECONDS)
    frame.values[16:, 30:150] = np.nan
    frame.values[:, 160:200] = np.nan
    put(opened, cluster, frame)
    scan = opened.scans.put(entities.scan(f"silent-{at_once}", window, cluster_ids=[cluster.id], pack=PACK))
    judged(opened, scan)
    gaps = opened.findings.list(scan_id=scan.id)
    assert sorted(each.subject.name for each in gaps) == [f"node-{row}" for row in range(8)]
    assert {each.query_id for each in gaps} == {"disk"}
    assert {each.window.end for each in gaps} == {frame.time_at(150)}


def test_a_replay_judges_each_day_by_those_before_and_keeps_nothing(opened: Stores, cluster: Cluster) -> None:
    history(opened, cluster, end=2, days=18)
    for chunk in Window(start=NOW + DAY, end=NOW + 2 * DAY).chunks(CHUNK):
        frame = values(chunk, STEP_SECONDS)
        if chunk.start.hour in {10, 11}:
            frame.values[9] *= 3
        put(opened, cluster, frame)
    put(opened, cluster, values(Window.before(NOW + 2 * DAY + CHUNK, CHUNK), STEP_SECONDS))
    days = list(replay(opened, cluster, PACK, DEFAULT_LOOKS, NOW + 3.5 * DAY, 20))
    replayed = [each for each in days if isinstance(each, ReplayedDay)]
    missing = [(each.window.start - NOW, each.reason) for each in days if isinstance(each, MissingDay)]
    assert missing == [(-17 * DAY, NOTHING_STORED), (-16 * DAY, NO_HISTORY), (2 * DAY, IN_PARTS)]
    assert [each.step_seconds for each in replayed] == [HISTORY_STEP_SECONDS] * 16 + [STEP_SECONDS] * 2
    assert {each.series for each in replayed} == {len(KEYS)}

    result = backtest_of(days, budget=10_000)
    assert result.cluster_days == pytest.approx(17 + 1 / 24)
    assert result.series_days == pytest.approx(len(KEYS) * result.cluster_days)
    medium = next(each for each in result.settings if each.sensitivity is Sensitivity.MEDIUM)
    # They are fewer than 500: what they may cost is 1% of them a day at most.
    assert medium.expected == pytest.approx(result.series_days * min(0.01, 0.5 / 5000 * 500 / len(KEYS)))
    assert [example.title for example in medium.worst if "node-1" in example.title]
    assert medium.worst[0].start == NOW + DAY + 10 * CHUNK
    assert result.suggested is Sensitivity.EXTREME
    assert backtest_of(days, budget=0).suggested is None
    assert list(result.missing) == [cluster.name]
    assert len(result.missing[cluster.name]) == 3
    assert opened.models.list([cluster.id]) == []
    assert opened.findings.list(cluster_ids=[cluster.id]) == []

    # A damaged day is not replayed, and those after it without what it taught.
    [chunk] = [each for each in opened.coverage.list(Window(start=NOW, end=NOW + DAY)) if each.cluster_id == cluster.id]
    opened.objects.delete(chunk.object_key or "")
    days = list(replay(opened, cluster, PACK, DEFAULT_LOOKS, NOW + 2 * DAY, 2))
    assert [type(each) for each in days] == [MissingDay, MissingDay, ReplayedDay]
    assert [each.reason for each in days if isinstance(each, MissingDay)] == [DAMAGED, *damaged(0)]


def test_the_step_that_learns_tells_how_many_series(
    opened: Stores, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(learning, "open_stores", lambda: opened)
    history(opened, cluster)
    scan = bad_hours(opened, cluster, 2)
    assert learn_baselines.fn(scan.id, cluster.id).counts == {"learnt": len(KEYS)}
    alone = opened.clusters.put(Cluster.model_validate({"name": "no-history", "endpoints": {}}))
    assert not learn_baselines.fn(scan.id, alone.id).seen
