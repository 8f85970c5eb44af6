"""Scans of one hour after the other, on a real database and object store."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import numpy as np
import pytest
from pydantic import SecretStr

from fleet.errors import CorruptObject
from fleet.findings.finding import Finding
from fleet.findings.scan import Scan
from fleet.frames.coverage import QueryCoverage
from fleet.frames.frame import Frame
from fleet.frames.window import CHUNK, HISTORY_CHUNK, HISTORY_STEP_SECONDS, STEP_SECONDS, Window
from fleet.inventory.cluster import Cluster
from storage.database import Database
from storage.objects import ObjectStore
from storage.stores import Stores
from tasks.detect import judge_cluster
from tasks.frames import open_window
from tests.conftest import PostgresServer, S3Server
from tests.fleet.detectors.series import keys_of, pack_of, query
from tests.storage import entities

DAY = entities.T0.replace(hour=0)
PACK = pack_of(query("gauge"))
KEYS = keys_of("gauge", 20)


@pytest.fixture
def opened(postgres_server: PostgresServer, s3_server: S3Server) -> Iterator[Stores]:
    database = Database(postgres_server.new_database(), SecretStr(postgres_server.password))
    database.migrate()
    objects = ObjectStore(s3_server.endpoint, s3_server.access_key, SecretStr(s3_server.secret_key), s3_server.bucket)
    objects.ensure_bucket()
    yield Stores.over(database, objects, credentials=None)  # type: ignore[arg-type]
    database.close()


def hour(number: float) -> datetime:
    return DAY + timedelta(hours=number)


def put(stores: Stores, cluster: Cluster, window: Window, step_seconds: int, shift: Window | None = None) -> None:
    """Quiet values of a chunk, but for the third series within a shift."""
    points = window.points(step_seconds)
    noise = np.random.default_rng(int(window.start.timestamp())).standard_normal((len(KEYS), points))
    frame = Frame(window.start, step_seconds, KEYS, (10 + 0.5 * noise).astype(np.float32))
    inside = [shift is not None and shift.contains(frame.time_at(column)) for column in range(points)]
    frame.values[3, inside] += 2
    queries = [QueryCoverage(query_id="gauge", status="ok")]
    seen = entities.coverage(
        window, cluster_id=cluster.id, pack_hash=PACK.content_hash, step_seconds=step_seconds, queries=queries
    )
    stores.frames.save([(seen, frame)], PACK)


@pytest.fixture
def cluster(opened: Stores) -> Cluster:
    """Two quiet weeks, and a morning with a shift of four spreads from a quarter to eight to half past ten."""
    cluster = opened.clusters.put(Cluster.model_validate({"name": "hourly", "endpoints": {}}))
    for day in Window.before(DAY, 14 * HISTORY_CHUNK).chunks(HISTORY_CHUNK):
        put(opened, cluster, day, HISTORY_STEP_SECONDS)
    for chunk in Window(start=hour(3), end=hour(13)).chunks(CHUNK):
        put(opened, cluster, chunk, STEP_SECONDS, Window(start=hour(7.75), end=hour(10.5)))
    return cluster


def scanned(stores: Stores, cluster: Cluster, number: int) -> tuple[Scan, list[Finding]]:
    """The scan of one hour, and what it told."""
    window = Window(start=hour(number), end=hour(number + 1))
    scan = stores.scans.put(entities.scan(f"hour-{number}", window, cluster_ids=[cluster.id], pack=PACK))
    assert judge_cluster(stores, scan, cluster.id).counts["series"] == len(KEYS)
    return scan, stores.findings.list(scan_id=scan.id)


def test_hours_tell_one_story_from_where_it_began(opened: Stores, cluster: Cluster) -> None:
    told = {number: scanned(opened, cluster, number)[1] for number in range(6, 13)}
    assert [number for number, findings in told.items() if findings] == [7, 8, 9, 10]
    [finding] = opened.findings.list(cluster_ids=[cluster.id])
    assert abs(finding.window.start - hour(7.75)) <= timedelta(minutes=5)
    assert abs(finding.window.end - hour(10.5)) <= timedelta(minutes=5)
    assert len(finding.series.object_keys) == 4


def test_damage_before_an_hour_costs_what_was_before_it(opened: Stores, cluster: Cluster) -> None:
    chunks = {row.window.start: row for row in opened.coverage.list(Window(start=hour(3), end=hour(13)))}
    opened.objects.delete(chunks[hour(6)].object_key or "")
    scan, [finding] = scanned(opened, cluster, 9)
    assert abs(finding.window.start - hour(7.75)) <= timedelta(minutes=5)
    assert open_window(opened, scan, cluster.id).read().start == hour(7)

    opened.objects.delete(chunks[hour(9)].object_key or "")
    with pytest.raises(CorruptObject):
        open_window(opened, scan, cluster.id)


def test_nothing_is_read_of_the_day_before_nor_for_a_whole_day(opened: Stores, cluster: Cluster) -> None:
    def start_of(first: float, last: float) -> datetime:
        window = Window(start=hour(first), end=hour(last))
        scan = entities.scan("scan", window, cluster_ids=[cluster.id], pack=PACK)
        return open_window(opened, scan, cluster.id).read().start

    for chunk in Window(start=hour(-2), end=hour(3)).chunks(CHUNK):
        put(opened, cluster, chunk, STEP_SECONDS)
    assert [start_of(*window) for window in ((6, 7), (0, 1), (-1, 23))] == [hour(0), hour(0), hour(-1)]
