"""Versions of learnt state on a real database and a real object store."""

from __future__ import annotations

import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from sqlalchemy import text

from fleet.detectors.model_version import ModelVersion, QueryQuality, Training
from fleet.detectors.trained_state import TrainedState
from fleet.errors import CorruptObject, NotFound, StoreError, UsageError
from fleet.frames.frame import SeriesKey
from fleet.frames.window import Window
from fleet.inventory.cluster import Cluster
from storage.clusters import ClusterStore
from storage.database import Database
from storage.models import ModelStore
from storage.objects import ObjectStore
from storage.retention.lifetimes import DataKind, Lifetimes
from storage.retention.models import KEPT
from storage.retention.retention import Retention
from tests.conftest import PostgresServer, S3Server
from tests.storage.entities import CLUSTER

PACK = "a" * 16
DAY = timedelta(days=1)
MIDNIGHT = datetime(2026, 11, 20, tzinfo=UTC)
KEYS = [SeriesKey.of("node_cpu_util", {"instance": f"node-{row}"}) for row in range(3)]


@pytest.fixture
def models(database: Database, objects: ObjectStore) -> ModelStore:
    for folder in ("frames", "models", "reports"):
        objects.delete_all([each.key for each in objects.under(folder)])
    return ModelStore(database, objects)


def training(day: int = 0, **fields: Any) -> Training:
    end = MIDNIGHT + day * DAY
    given = {"cluster_id": CLUSTER, "pack_name": "health", "pack_hash": PACK, "sources": ["s1"], **fields}
    return Training(window=Window(start=end - 14 * DAY, end=end), **given)


def state(value: float = 1.0, query: str = "node_cpu_util") -> tuple[TrainedState, list[QueryQuality]]:
    keys = [SeriesKey(query, key.labels) for key in KEYS]
    learnt = TrainedState(keys, {"level": np.full(3, value, dtype=np.float32)}, {"slots": 288})
    return learnt, [QueryQuality(query_id=query, series=3, days=13.5)]


def save(models: ModelStore, day: int = 0, **fields: Any) -> ModelVersion:
    version = models.save(training(day, **fields), [state(day)])
    assert version is not None
    return version


def window(hours: float) -> Window:
    """An hour, so long after midnight."""
    return Window(start=MIDNIGHT + timedelta(hours=hours), end=MIDNIGHT + timedelta(hours=hours + 1))


def chosen(models: ModelStore, hours: float, *sources: str) -> int | None:
    version = models.choose(CLUSTER, PACK, window(hours), sources)
    return version.version if version else None


def active(models: ModelStore) -> tuple[int, bool]:
    [version] = models.list([CLUSTER], pack_hash=PACK, active=True)
    return version.version, version.pinned


def test_what_was_learnt_comes_back_by_part_with_its_quality(models: ModelStore) -> None:
    parts = [state(1), state(2, "disk_busy")]
    version = models.save(training(), parts)
    assert version is not None
    assert (version.version, version.active, version.pinned, version.series) == (1, True, False, 6)
    assert models.get(CLUSTER, 1) == version
    assert [each.query_id for each in version.queries] == ["node_cpu_util", "disk_busy"]
    assert models.list([CLUSTER]) == [version.model_copy(update={"queries": []})]
    stored = models.fetch(version)
    back = [stored.state(part) for part in version.parts]
    assert [each.keys for each in back] == [each.keys for each, _ in parts]
    assert [each.columns["level"].tolist() for each in back] == [[1.0] * 3, [2.0] * 3]
    assert models.save(training(1), [(TrainedState([], {}, {}), [])]) is None


def test_a_version_fits_windows_of_the_day_behind_it_if_it_was_learnt_from_all_that_is_stored(
    models: ModelStore,
) -> None:
    save(models)
    assert [chosen(models, hours) for hours in (-0.5, 0, 23.5, 24)] == [None, 1, 1, None]
    assert chosen(models, 0, "s1") == 1
    assert chosen(models, 0, "s1", "s2") is None
    assert models.choose(CLUSTER, "b" * 16, window(0), []) is None
    assert save(models, sources=["s1", "s2"]).version == 2
    assert chosen(models, 0, "s1", "s2") == 2
    # What is learnt again from the same is the same version.
    assert save(models, sources=["s1", "s2"]).version == 2


def test_a_newer_version_becomes_the_active_one_and_one_of_an_earlier_time_does_not(models: ModelStore) -> None:
    assert save(models, 1).active
    assert active(models) == (1, False)
    assert not save(models, 0).active
    assert save(models, 2).active
    assert active(models) == (3, False)
    assert [chosen(models, hours) for hours in (5, 29, 53)] == [2, 1, 3]


def test_a_pinned_version_is_used_until_it_is_let_go(models: ModelStore) -> None:
    for day in range(3):
        save(models, day)
    assert models.roll_back(CLUSTER, PACK).version == 2
    assert active(models) == (2, True)
    assert chosen(models, 72 + 5) == 2
    assert not save(models, 3).active
    assert [chosen(models, hours) for hours in (5, 29, 53, 77)] == [1, 2, 2, 2]
    assert models.roll_back(CLUSTER, PACK).version == 1
    with pytest.raises(UsageError, match="no version before version 1"):
        models.roll_back(CLUSTER, PACK)
    assert models.pin(CLUSTER, 3).pinned
    assert active(models) == (3, True)
    released = models.release(CLUSTER, PACK)
    assert released is not None
    assert (released.version, released.pinned) == (4, False)
    assert active(models) == (4, False)
    with pytest.raises(NotFound):
        models.pin(CLUSTER, 9)


def test_packs_of_a_cluster_have_active_versions_of_their_own(models: ModelStore) -> None:
    save(models)
    save(models, pack_hash="b" * 16)
    assert [(each.version, each.active) for each in models.list([CLUSTER])] == [(2, True), (1, True)]


def test_many_who_learn_and_activate_at_once_leave_one_active(models: ModelStore) -> None:
    for day in range(4):
        save(models, day)

    def work(number: int) -> None:
        if number % 3 == 0:
            models.pin(CLUSTER, 1 + number % 4)
        elif number % 3 == 1:
            models.release(CLUSTER, PACK)
        else:
            save(models, 4 + number % 2)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(work, range(24)))
    versions = models.list([CLUSTER])
    assert sum(each.active for each in versions) == 1
    # Each of the two times was learnt once, whoever was first.
    assert sorted(each.version for each in versions) == [1, 2, 3, 4, 5, 6]
    assert len({each.window.end for each in versions}) == 6


def test_the_database_itself_lets_no_two_be_active(models: ModelStore, database: Database) -> None:
    save(models, 0)
    save(models, 1)
    with pytest.raises(StoreError, match="refused a statement"), database.session() as session:
        session.connection().execute(text("UPDATE models SET active = true"))
    assert active(models) == (2, False)


@pytest.mark.parametrize("damage", ["other bytes", "gone", "another form"])
def test_a_damaged_version_is_struck_out_and_learnt_anew(
    models: ModelStore, objects: ObjectStore, database: Database, damage: str
) -> None:
    save(models, -1)
    version = save(models)
    key = version.parts[0].object_key
    if damage == "gone":
        objects.delete(key)
    elif damage == "other bytes":
        objects.put(key, b"x" * 100, "text/plain")
    else:
        digest = objects.put(key, b"PAR1", "text/plain")
        with database.session() as session:
            session.connection().execute(
                text(
                    "UPDATE models SET body = jsonb_set(body, '{parts,0,object_hash}', to_jsonb(CAST(:hash AS text)))"
                ),
                {"hash": digest},
            )
    with pytest.raises(CorruptObject, match="learnt anew"):
        stored = models.fetch(models.get(CLUSTER, 2))
        stored.state(stored.version.parts[0])
    assert chosen(models, 5) is None
    assert active(models) == (1, False)
    with pytest.raises(UsageError, match="damaged"):
        models.pin(CLUSTER, 2)
    again = save(models)
    assert (again.version, again.active) == (3, True)
    assert models.fetch(again).state(again.parts[0]).keys == KEYS


def test_what_another_release_learnt_is_not_used_even_if_it_is_pinned(models: ModelStore, database: Database) -> None:
    save(models)
    models.pin(CLUSTER, 1)
    with database.session() as session:
        session.connection().execute(text("UPDATE models SET body = jsonb_set(body, '{learning_version}', '0')"))
    assert chosen(models, 5) is None
    with pytest.raises(UsageError, match="another release"):
        models.pin(CLUSTER, 1)
    assert save(models).active
    assert active(models) == (2, False)
    with pytest.raises(UsageError, match="no version before"):
        models.roll_back(CLUSTER, PACK)


LEARN = """
import sys
from pydantic import SecretStr
from storage.database import Database
from storage.models import ModelStore
from storage.objects import ObjectStore
from tests.storage.test_models import state, training
dsn, endpoint, bucket, access_key = sys.argv[1:]
password, secret_key = sys.stdin.read().split()
objects = ObjectStore(endpoint, access_key, SecretStr(secret_key), bucket)

def learnt():
    yield state(1)
    print("stored", flush=True)
    sys.stdin.read() if not sys.stdin.closed else None
    import threading
    threading.Event().wait()

ModelStore(Database(dsn, SecretStr(password)), objects).save(training(), learnt())
"""


def test_a_learner_that_is_killed_leaves_no_version_and_what_it_stored_is_swept(
    models: ModelStore, objects: ObjectStore, migrated_dsn: str, postgres_server: PostgresServer, s3_server: S3Server
) -> None:
    command = [sys.executable, "-c", LEARN, migrated_dsn, s3_server.endpoint, s3_server.bucket, s3_server.access_key]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as learner:
        assert learner.stdin is not None
        assert learner.stdout is not None
        learner.stdin.write(f"{postgres_server.password}\n{s3_server.secret_key}\n")
        learner.stdin.close()
        assert learner.stdout.readline() == "stored\n"
        learner.send_signal(signal.SIGKILL)
    assert models.list([CLUSTER]) == []
    assert len(list(objects.under("models"))) == 1
    kept = save(models, 1)
    retention = Retention(models._database, objects)
    assert retention.sweep(datetime.now(UTC)).objects == 0
    assert retention.sweep(datetime.now(UTC) + 2 * DAY).objects == 1
    assert [each.key for each in objects.under("models")] == [kept.parts[0].object_key]


def test_the_active_the_pinned_and_the_newest_are_kept(
    models: ModelStore, database: Database, objects: ObjectStore
) -> None:
    cluster = ClusterStore(database).put(Cluster.model_validate({"id": CLUSTER, "name": "kept", "endpoints": {}}))
    for day in range(KEPT + 3):
        save(models, day)
    models.pin(CLUSTER, 2)
    retention = Retention(database, objects)
    later = datetime.now(UTC) + 31 * DAY
    [told] = [each for each in retention.expire(Lifetimes(), later, dry_run=True) if each.kind is DataKind.MODELS]
    [done] = [each for each in retention.expire(Lifetimes(), later) if each.kind is DataKind.MODELS]
    assert told == done
    assert done.rows == 2
    assert done.object_bytes > 0
    assert sorted(each.version for each in models.list([CLUSTER])) == [2, 4, 5, 6]
    assert all(models.fetch(each) for each in models.list([CLUSTER]))
    # For whoever is just reading them, the objects last until a later run.
    assert len(list(objects.under("models"))) == KEPT + 3
    assert retention.sweep(datetime.now(UTC) + 2 * DAY).objects == 2
    usage = {each.kind: each for each in retention.usage(Lifetimes()).kinds}[DataKind.MODELS]
    assert (usage.rows, usage.days) == (4, 30)
    assert usage.object_bytes == sum(part.object_bytes for each in models.list([CLUSTER]) for part in each.parts)

    # Another pack came into use, and nobody asks for this one any more: what was pinned by hand stays.
    other = save(models, pack_hash="b" * 16).version
    with database.session() as session:
        session.connection().execute(
            text("UPDATE models SET created_at = :at WHERE version = :version"), {"at": later, "version": other}
        )
    retention.expire(Lifetimes(), later)
    assert sorted(each.version for each in models.list([CLUSTER])) == [2, other]

    assert ClusterStore(database).delete(cluster.id)
    later += 31 * DAY
    retention.expire(Lifetimes(), later)
    assert models.list([CLUSTER]) == []


def test_a_scan_tells_which_version_it_used(models: ModelStore) -> None:
    first, second = save(models), save(models, 1)
    models.note_use("scan-1", first)
    models.note_use("scan-2", first)
    models.note_use("scan-1", second)
    assert models.used("scan-1") == {CLUSTER: 2}
    assert models.used("scan-2") == {CLUSTER: 1}
    assert models.used("scan-3") == {}
