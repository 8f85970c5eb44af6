"""Chunks in several groups of rows, of which some queries are read; and how many series are read at once."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fleet.frames import parquet
from fleet.frames.frame import Frame, SeriesKey
from fleet.frames.frame_blocks import Block, blocks_of, whole_queries
from fleet.frames.frame_file import FrameFile
from fleet.frames.pack_file import default_pack
from fleet.frames.parquet import FrameDecoder, FrameEncoder, decode_frame, encode_frame

PACK = default_pack()
LABELS = ["query", "unit", "label_device", "label_instance"]
QUERIES = ("node_cpu_util", "disk_busy", "pods_by_phase")


def frame(counts: dict[str, int]) -> Frame:
    keys = [
        SeriesKey.of(query, {"instance": f"{query}-{row}"} | ({"device": "sda"} if query == "disk_busy" else {}))
        for query, count in counts.items()
        for row in range(count)
    ]
    values = np.arange(len(keys) * 3, dtype=np.float32).reshape(-1, 3)
    return Frame(datetime(2026, 3, 1, 12, tzinfo=UTC), 30, keys, values)


@pytest.fixture(autouse=True)
def small_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "ROWS_A_GROUP", 4)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.sampled_from(QUERIES), st.integers(1, 11)))
def test_groups_are_whole_queries_where_they_can_be_and_all_comes_back(counts: dict[str, int]) -> None:
    whole = frame(counts)
    data = encode_frame(whole, PACK)
    back = decode_frame(data)
    assert back.keys == whole.keys
    assert back.values.tobytes() == whole.values.tobytes()
    file = FrameFile(data, {})
    assert file.queries == counts
    metadata = pq.ParquetFile(pa.BufferReader(data)).metadata
    assert max((metadata.row_group(number).num_rows for number in range(metadata.num_row_groups)), default=0) <= 4
    for query in QUERIES:
        rows = whole.rows_of(query)
        some = file.read({query})
        assert some.keys == [whole.keys[row] for row in rows]
        assert some.values.tolist() == whole.values[rows].tolist()


def test_a_part_of_a_large_query_is_read_alone_and_the_parts_are_the_whole() -> None:
    whole = frame({"node_cpu_util": 3, "disk_busy": 11})
    file = FrameFile(encode_frame(whole, PACK), {})
    blocks = list(blocks_of(file.queries, 4))
    assert [(each.queries, each.parts) for each in blocks] == [(("node_cpu_util",), 1), *[(("disk_busy",), 3)] * 3]
    parts = [file.read(each.queries, each.keep) for each in blocks]
    assert all(each.holds(key) for each, part in zip(blocks, parts, strict=True) for key in part.keys)
    assert sorted(str(key) for part in parts for key in part.keys) == sorted(str(key) for key in whole.keys)


def test_how_many_series_are_seen_is_noted_and_counted_where_it_was_not() -> None:
    whole = frame({"node_cpu_util": 3, "disk_busy": 4})
    whole.values[2:, 1] = np.nan
    data = encode_frame(whole, PACK)
    assert FrameFile(data, {}).seen.tolist() == [7, 2, 7]
    table = pq.read_table(pa.BufferReader(data))
    facts = {name: fact for name, fact in table.schema.metadata.items() if name != b"fleetscope.seen"}
    sink = pa.BufferOutputStream()
    pq.write_table(table.replace_schema_metadata({**facts, b"fleetscope.format": b"1"}), sink, use_dictionary=LABELS)
    assert FrameFile(sink.getvalue().to_pybytes(), {}).seen.tolist() == [7, 2, 7]


def test_what_fits_one_group_is_written_as_every_release_reads_it() -> None:
    for count, version in ((4, b"1"), (5, b"2")):
        metadata = pq.ParquetFile(pa.BufferReader(encode_frame(frame({"disk_busy": count}), PACK))).metadata
        assert metadata.metadata[b"fleetscope.format"] == version


def test_chunks_of_one_collection_share_what_is_known_of_each_group() -> None:
    encoder, decoder = FrameEncoder(PACK), FrameDecoder()
    one, other = frame({"node_cpu_util": 5, "disk_busy": 6}), frame({"node_cpu_util": 5, "disk_busy": 7})
    for each in (one, other, one):
        data = encoder.encode(each)
        assert data == encode_frame(each, PACK)
        assert decoder.decode(data).keys == each.keys


def test_queries_stay_together_and_a_small_rest_joins_what_came_before() -> None:
    assert list(whole_queries({"a": 3, "b": 1, "c": 9, "d": 2, "e": 2}, 4)) == [("a", "b"), ("c",), ("d", "e")]
    assert list(whole_queries({"a": 8, "b": 1}, 8)) == [("a", "b")]
    assert list(blocks_of({"a": 16, "b": 1}, 8)) == [Block(("a", "b"), part, 3) for part in range(3)]
    assert list(whole_queries({}, 8)) == []
    assert list(blocks_of({"a": 0, "b": 3}, 8)) == [Block(("a", "b"))]
