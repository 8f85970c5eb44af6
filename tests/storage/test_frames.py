from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import numpy as np
import pytest
from sqlalchemy import text

from fleet.errors import CorruptObject, StoreError, StoreUnavailable
from fleet.frames.coverage import Coverage, CoverageStatus, QueryCoverage, seen_queries
from fleet.frames.frame import Frame, SeriesKey
from fleet.frames.window import Window
from storage.chunk_objects import ROWS_AT_ONCE
from storage.coverage import CoverageStore
from storage.database import Database
from storage.frames import FrameStore
from storage.objects import ObjectStore
from tests.storage.entities import CLUSTER, coverage, hours, pack

PACK_HASH = pack().content_hash


@pytest.fixture
def rows(database: Database) -> CoverageStore:
    return CoverageStore(database)


@pytest.fixture
def frames(objects: ObjectStore, rows: CoverageStore) -> FrameStore:
    return FrameStore(objects, rows)


def frame(window: Window, value: float, *names: str) -> Frame:
    keys = [SeriesKey.of("container_mem_bytes", {"pod": name}) for name in names]
    return Frame(window.start, 30, keys, np.full((len(keys), window.points(30)), value, dtype=np.float32))


def save(frames: FrameStore, seen: Coverage, series: Frame) -> Coverage:
    """Store one chunk, and give back what is stored of it now."""
    frames.save([(seen, series)], pack())
    return next(each for each in load(frames, seen.window)[1] if each.window == seen.window)


def load(frames: FrameStore, window: Window) -> tuple[Frame, list[Coverage]]:
    return frames.load(CLUSTER, "prometheus", PACK_HASH, 30, window)


def hourly(first: int, last: int) -> Iterator[tuple[Coverage, Frame]]:
    for start in range(first, last):
        window = hours(start, start + 1)
        yield coverage(window), frame(window, start, "a", "b")


def missing(rows: CoverageStore, *chunks: Window) -> list[Window]:
    return rows.missing(CLUSTER, "prometheus", PACK_HASH, 30, chunks)


def test_chunks_come_back_as_one_frame_over_the_window(frames: FrameStore) -> None:
    save(frames, coverage(hours(0, 1)), frame(hours(0, 1), 1, "a", "b"))
    save(frames, coverage(hours(2, 3)), frame(hours(2, 3), 3, "b"))
    whole, seen = load(frames, hours(0, 3))
    assert [chunk.window for chunk in seen] == [hours(0, 1), hours(2, 3)]
    assert all(chunk.object_hash and chunk.object_bytes for chunk in seen)
    assert whole.window == hours(0, 3)
    by_pod = {key.label("pod"): whole.values[row] for row, key in enumerate(whole.keys)}
    assert np.isnan(by_pod["a"][120:]).all()
    assert (by_pod["b"][:120] == 1).all()
    assert np.isnan(by_pod["b"][120:240]).all()
    assert (by_pod["b"][240:] == 3).all()


def test_a_window_that_cuts_through_chunks_gets_their_parts(frames: FrameStore) -> None:
    for start in range(3):
        save(frames, coverage(hours(start, start + 1)), frame(hours(start, start + 1), start, "a"))
    cut, seen = load(frames, hours(0.5, 2.25))
    assert len(seen) == 3
    assert cut.window == hours(0.5, 2.25)
    assert cut.values[0].tolist() == [0.0] * 60 + [1.0] * 120 + [2.0] * 30


def test_nothing_stored_is_an_empty_frame_without_coverage(frames: FrameStore) -> None:
    empty, seen = load(frames, hours(0, 1))
    assert (empty.keys, seen) == ([], [])


def test_an_absent_chunk_is_a_row_without_an_object(frames: FrameStore, rows: CoverageStore) -> None:
    stored = save(frames, coverage(hours(0, 1), CoverageStatus.ABSENT), frame(hours(0, 1), 0))
    assert stored.object_key is None
    assert missing(rows, hours(0, 1)) == []
    assert load(frames, hours(0, 1))[1] == [stored]


def test_an_object_without_its_row_is_not_seen(
    frames: FrameStore, rows: CoverageStore, objects: ObjectStore, database: Database
) -> None:
    stored = save(frames, coverage(hours(0, 1)), frame(hours(0, 1), 1, "a"))
    with database.session() as session:
        session.connection().execute(text("DELETE FROM coverage"))
    assert objects.exists(stored.object_key or "")
    assert load(frames, hours(0, 1))[1] == []
    assert missing(rows, hours(0, 1)) == [hours(0, 1)]


@pytest.mark.parametrize("damage", ["truncated", "other bytes", "gone"])
def test_damaged_frames_are_never_read_and_asked_for_again(
    frames: FrameStore, rows: CoverageStore, objects: ObjectStore, damage: str
) -> None:
    stored = save(frames, coverage(hours(0, 1)), frame(hours(0, 1), 1, "a"))
    key = stored.object_key or ""
    data = objects.get(key, stored.object_hash or "")
    if damage == "gone":
        objects.delete(key)
    else:
        objects.put(key, data[:-7] if damage == "truncated" else b"x" * len(data), "application/octet-stream")
    with pytest.raises(CorruptObject, match="fetched anew"):
        load(frames, hours(0, 1))
    empty, [unknown] = load(frames, hours(0, 1))
    assert empty.keys == []
    assert unknown.status is CoverageStatus.UNKNOWN
    assert "damaged" in unknown.reason
    assert seen_queries([unknown]) == set()
    assert missing(rows, hours(0, 1)) == [hours(0, 1)]
    save(frames, coverage(hours(0, 1)), frame(hours(0, 1), 1, "a"))
    assert load(frames, hours(0, 1))[0].values[0, 0] == 1


def test_two_writers_of_one_chunk_leave_a_row_that_names_whole_bytes(frames: FrameStore) -> None:
    def write(number: int) -> None:
        status = CoverageStatus.OK if number % 2 else CoverageStatus.PARTIAL
        save(frames, coverage(hours(0, 1), status), frame(hours(0, 1), number, "a"))

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(write, range(12)))
    whole, [seen] = load(frames, hours(0, 1))
    assert seen.status is CoverageStatus.OK
    assert whole.values[0, 0] % 2 == 1


def test_however_far_a_collection_came_what_is_seen_is_whole(frames: FrameStore, rows: CoverageStore) -> None:
    """Looked at from outside before each chunk, which is where a kill would leave the stores."""
    chunks = 2 * ROWS_AT_ONCE + 3
    window = hours(0, chunks)

    def looked_at() -> Iterator[tuple[Coverage, Frame]]:
        for number, chunk in enumerate(hourly(0, chunks)):
            whole, seen = load(frames, window)
            # Not a chunk more than a batch would be fetched again.
            assert number - ROWS_AT_ONCE < len(seen) <= number
            assert np.isfinite(whole.values[:, : 120 * len(seen)]).all()
            assert np.isnan(whole.values[:, 120 * len(seen) :]).all()
            yield chunk

    frames.save(looked_at(), pack())
    assert missing(rows, *window.chunks()) == []
    assert load(frames, window)[0].values[:, ::120].tolist() == [list(range(chunks))] * 2


def test_rows_do_not_wait_for_a_slow_collection(
    frames: FrameStore, rows: CoverageStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.chunk_objects.ROWS_HELD_SECONDS", 0.0)

    def looked_at() -> Iterator[tuple[Coverage, Frame]]:
        for number, chunk in enumerate(hourly(0, 4)):
            assert len(rows.list(hours(0, 4))) == number
            yield chunk

    frames.save(looked_at(), pack())


def test_what_came_before_a_failure_is_stored(frames: FrameStore, rows: CoverageStore) -> None:
    def failing() -> Iterator[tuple[Coverage, Frame]]:
        yield from hourly(0, 3)
        raise StoreUnavailable("the vault is sealed")

    with pytest.raises(StoreUnavailable, match="sealed"):
        frames.save(failing(), pack())
    assert missing(rows, *hours(0, 4).chunks()) == [hours(3, 4)]
    assert load(frames, hours(0, 3))[0].values[0, ::120].tolist() == [0, 1, 2]


def test_a_frame_that_is_not_its_coverage_is_refused(frames: FrameStore) -> None:
    with pytest.raises(ValueError, match="not its coverage's window"):
        save(frames, coverage(hours(0, 1)), frame(hours(0, 2), 1, "a"))
    with pytest.raises(ValueError, match="of pack"):
        save(frames, coverage(hours(0, 1), pack_hash="0" * 16), frame(hours(0, 1), 1, "a"))
    with pytest.raises(ValueError, match="of step"):
        save(frames, coverage(hours(0, 1), step_seconds=60), frame(hours(0, 1), 1, "a"))


def test_only_final_chunks_are_not_asked_again(rows: CoverageStore) -> None:
    statuses = [CoverageStatus.OK, CoverageStatus.PARTIAL, CoverageStatus.ABSENT, CoverageStatus.UNKNOWN]
    rows.put(coverage(hours(start, start + 1), status) for start, status in enumerate(statuses))
    chunks = [hours(start, start + 1) for start in range(5)]
    assert missing(rows, *chunks) == [hours(1, 2), hours(3, 4), hours(4, 5)]
    assert missing(rows, hours(0.25, 0.75), hours(0.5, 1.5)) == [hours(0.5, 1.5)]
    assert missing(rows) == []
    assert rows.missing(CLUSTER, "prometheus", "another", 30, chunks) == chunks
    assert rows.missing("another", "prometheus", PACK_HASH, 30, chunks) == chunks
    assert rows.missing(CLUSTER, "prometheus", PACK_HASH, 300, chunks) == chunks


def test_coverage_gives_way_only_to_what_saw_as_much(rows: CoverageStore) -> None:
    window = hours(0, 1)

    def put(status: CoverageStatus, **fields: str) -> Coverage:
        rows.put([coverage(window, status, **fields)])
        [only] = rows.list(window)
        return only

    put(CoverageStatus.UNKNOWN, reason="timed out")
    assert put(CoverageStatus.UNKNOWN, reason="refused").reason == "refused"
    assert put(CoverageStatus.OK, object_key="a").object_key == "a"
    kept = put(CoverageStatus.UNKNOWN)
    assert (kept.status, kept.object_key) == (CoverageStatus.OK, "a")
    assert put(CoverageStatus.OK, object_key="b").object_key == "b"


def test_coverage_is_stored_all_or_nothing_and_as_often_as_one_likes(rows: CoverageStore) -> None:
    chunks = [coverage(hours(start, start + 1)) for start in range(5)]
    with pytest.raises(StoreError):
        rows.put([*chunks, coverage(hours(5, 6), cluster_id="z\0")])
    assert rows.list(hours(0, 6)) == []
    for _ in range(2):
        rows.put(chunks)
        assert rows.list(hours(0, 6)) == chunks
    rows.put([])
    twice = [coverage(hours(0, 1), object_key="a"), coverage(hours(0, 1), object_key="b")]
    rows.put(twice)
    assert rows.list(hours(0, 1)) == twice[1:]


def test_writers_of_the_same_chunks_do_not_block_each_other(rows: CoverageStore) -> None:
    chunks = [coverage(hours(start, start + 1)) for start in range(60)]

    def write(number: int) -> None:
        rows.put(chunks if number % 2 else reversed(chunks))

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(write, range(24)))
    assert rows.list(hours(0, 60)) == chunks


def test_part_of_a_chunk_is_not_listed_beside_the_whole(rows: CoverageStore) -> None:
    half = Window(start=hours(0, 1).start, end=hours(0, 1).start + timedelta(minutes=30))
    listed: list[list[Window]] = []
    for seen in (
        coverage(half, CoverageStatus.UNKNOWN),
        coverage(hours(0, 1), CoverageStatus.PARTIAL),
        coverage(hours(0, 1)),
        coverage(hours(1, 2), CoverageStatus.UNKNOWN),
    ):
        rows.put([seen])
        listed.append([each.window for each in rows.list(hours(0, 9))])
    # What saw only some of the whole does not make a part superfluous.
    assert listed == [[half], [half, hours(0, 1)], [hours(0, 1)], [hours(0, 1), hours(1, 2)]]


def test_coverage_is_listed_by_filter(rows: CoverageStore) -> None:
    rows.put([coverage(hours(0, 1)), coverage(hours(1, 2), cluster_id="another")])
    rows.put([coverage(hours(0, 24), step_seconds=300)])
    assert [each.window for each in rows.list(hours(0, 2), cluster_ids=[CLUSTER])] == [hours(0, 1), hours(0, 24)]
    assert [each.window for each in rows.list(hours(0, 2), step_seconds=30)] == [hours(0, 1), hours(1, 2)]
    assert rows.list(hours(1, 2), collector="loki") == []
    assert [each.cluster_id for each in rows.list(hours(1, 2), pack_hash=PACK_HASH, step_seconds=30)] == ["another"]


def test_a_query_is_seen_only_when_every_chunk_saw_it() -> None:
    def chunk(status: CoverageStatus, **queries: CoverageStatus) -> Coverage:
        seen = [QueryCoverage(query_id=name, status=each) for name, each in queries.items()]
        return coverage(hours(0, 1), status, queries=seen)

    ok, partial = CoverageStatus.OK, CoverageStatus.PARTIAL
    first = chunk(partial, a=ok, b=partial, c=CoverageStatus.ABSENT)
    assert seen_queries([first, chunk(ok, a=ok, b=ok, c=ok)]) == {"a", "c"}
    assert seen_queries([first, chunk(CoverageStatus.UNKNOWN)]) == set()
    assert seen_queries([]) == set()
