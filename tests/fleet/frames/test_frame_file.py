"""Chunks in several groups of rows, of which some queries are read; and how many series are read at once."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fleet.errors import CorruptObject
from fleet.frames import parquet
from fleet.frames.frame import Frame, SeriesKey
from fleet.frames.frame_blocks import Block, Named, blocks_of, rows_by_block, whole_queries
from fleet.frames.frame_file import FrameFile
from fleet.frames.pack_file import default_pack
from fleet.frames.parquet import FrameDecoder, FrameEncoder, decode_frame, encode_frame

PACK = default_pack()
LABELS = ["query", "unit", "label_device", "label_instance"]
LATER = {b"fleetscope.seen", b"fleetscope.parts"}
"""What earlier releases did not note."""
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
    monkeypatch.setattr(parquet, "blocks_of", partial(blocks_of, most=4))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.sampled_from(QUERIES), st.integers(1, 40)))
def test_groups_are_blocks_and_all_comes_back(counts: dict[str, int]) -> None:
    whole = frame(counts)
    data = encode_frame(whole, PACK)
    back = decode_frame(data)
    assert values_of(back) == values_of(whole)
    file = FrameFile(data)
    assert file.queries == counts
    if pq.ParquetFile(pa.BufferReader(data)).metadata.num_row_groups == 1:
        assert back.keys == whole.keys
    for most in (1, 4, 50):
        blocks = list(blocks_of(counts, most))
        parts = [file.read(each) for each in blocks]
        assert all(each.holds(key) for each, part in zip(blocks, parts, strict=True) for key in part.keys)
        assert [values_of(part) for part in parts] == [
            {str(whole.keys[row]): whole.values[row].tolist() for row in rows}
            for rows in rows_by_block(blocks, whole.keys)
        ]
    named = whole.keys[::3]
    assert values_of(file.read(Named(named))).keys() == {str(key) for key in named}


def values_of(some: Frame) -> dict[str, list[float]]:
    return {str(key): row.tolist() for key, row in zip(some.keys, some.values, strict=True)}


def test_a_block_is_read_without_the_rest_of_its_query() -> None:
    """Pages that are decoded are checked: what is damaged elsewhere goes unnoticed, since nobody reads it."""
    whole = frame({"node_cpu_util": 3, "disk_busy": 40})
    data = encode_frame(whole, PACK)
    blocks = list(blocks_of(FrameFile(data).queries, 4))
    assert [(each.queries, each.parts) for each in blocks] == [(("node_cpu_util",), 1), *[(("disk_busy",), 16)] * 16]
    written = [block for block, rows in zip(blocks, rows_by_block(blocks, whole.keys), strict=True) if rows]
    metadata = pq.ParquetFile(pa.BufferReader(data)).metadata
    assert metadata.num_row_groups == len(written) > 12
    for number, own in enumerate(written):
        values = metadata.row_group(number).column(metadata.num_columns - 1)
        last = values.data_page_offset + values.total_compressed_size - 1
        damaged = FrameFile(data[:last] + bytes([data[last] ^ 1]) + data[last + 1 :])
        [lost] = rows_by_block([own], whole.keys)
        for block in written:
            if block == own:
                with pytest.raises(CorruptObject):
                    damaged.read(block)
            else:
                assert damaged.read(block).keys
        assert damaged.read(Named([key for row, key in enumerate(whole.keys) if row not in lost][:1])).keys
        with pytest.raises(CorruptObject):
            damaged.read(Named([whole.keys[lost[0]]]))


def test_chunks_of_earlier_releases_and_with_fewer_series_are_read_by_the_same_blocks() -> None:
    whole, smaller = frame({"disk_busy": 40}), frame({"disk_busy": 9})
    table = pq.read_table(pa.BufferReader(encode_frame(whole, PACK)))
    facts = {name: fact for name, fact in table.schema.metadata.items() if name not in LATER}
    sink = pa.BufferOutputStream()
    pq.write_table(table.replace_schema_metadata(facts), sink, row_group_size=7, use_dictionary=LABELS)
    ranges, few = FrameFile(sink.getvalue().to_pybytes()), FrameFile(encode_frame(smaller, PACK))
    for block in blocks_of(ranges.queries, 4):
        for file, stored in ((ranges, whole), (few, smaller)):
            assert sorted(map(str, file.read(block).keys)) == sorted(map(str, filter(block.holds, stored.keys)))


def test_how_many_series_are_seen_is_noted_and_counted_where_it_was_not() -> None:
    whole = frame({"node_cpu_util": 3, "disk_busy": 4})
    whole.values[2:, 1] = np.nan
    data = encode_frame(whole, PACK)
    assert FrameFile(data).seen.tolist() == [7, 2, 7]
    table = pq.read_table(pa.BufferReader(data))
    facts = {name: fact for name, fact in table.schema.metadata.items() if name not in LATER}
    sink = pa.BufferOutputStream()
    pq.write_table(table.replace_schema_metadata({**facts, b"fleetscope.format": b"1"}), sink, use_dictionary=LABELS)
    assert FrameFile(sink.getvalue().to_pybytes()).seen.tolist() == [7, 2, 7]


def test_what_fits_one_group_is_written_as_every_release_reads_it() -> None:
    for count, version in ((5, b"1"), (6, b"2")):
        metadata = pq.ParquetFile(pa.BufferReader(encode_frame(frame({"disk_busy": count}), PACK))).metadata
        assert metadata.metadata[b"fleetscope.format"] == version


def test_chunks_of_one_collection_share_what_is_known_of_each_group() -> None:
    encoder, decoder = FrameEncoder(PACK), FrameDecoder()
    one, other = frame({"node_cpu_util": 5, "disk_busy": 6}), frame({"node_cpu_util": 5, "disk_busy": 7})
    for each in (one, other, one):
        data = encoder.encode(each)
        assert data == encode_frame(each, PACK)
        assert values_of(decoder.decode(data)) == values_of(each)


def test_queries_stay_together_and_a_small_rest_joins_what_came_before() -> None:
    assert list(whole_queries({"a": 3, "b": 1, "c": 9, "d": 2, "e": 2}, 4)) == [("a", "b"), ("c",), ("d", "e")]
    assert list(whole_queries({"a": 8, "b": 1}, 8)) == [("a", "b")]
    assert list(blocks_of({"a": 16, "b": 1}, 8)) == [Block(("a", "b"), part, 4) for part in range(4)]
    assert list(blocks_of({"a": 32, "b": 1}, 8)) == [Block(("a", "b"), part, 8) for part in range(8)]
    assert list(whole_queries({}, 8)) == []
    assert list(blocks_of({"a": 0, "b": 3}, 8)) == [Block(("a", "b"))]
