from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from random import Random
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fleet.errors import CorruptObject
from fleet.frames.frame import Frame, SeriesKey
from fleet.frames.pack_file import default_pack
from fleet.frames.parquet import KNOWN_KEYS, FrameDecoder, FrameEncoder, decode_frame, encode_frame

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
PACK = default_pack()


def _frame(values: np.ndarray) -> Frame:
    keys = [
        SeriesKey.of("node_cpu_util", {"instance": f"node-{row}"})
        if row % 2
        else SeriesKey.of("disk_busy", {"instance": f"node-{row}", "device": "é\n\0"})
        for row in range(len(values))
    ]
    return Frame(START, 30, keys, values)


@settings(max_examples=60, deadline=None)
@given(hnp.arrays(np.uint32, st.tuples(st.integers(0, 6), st.integers(1, 40))))
def test_every_bit_comes_back(bits: np.ndarray) -> None:
    frame = _frame(bits.view(np.float32))
    back = decode_frame(encode_frame(frame, PACK))
    assert back.keys == frame.keys
    assert (back.start, back.step_seconds) == (frame.start, frame.step_seconds)
    assert back.values.shape == frame.values.shape
    assert back.values.tobytes() == frame.values.tobytes()
    assert back.values.flags.c_contiguous
    assert back.values.flags.writeable


def test_a_label_that_a_series_lacks_stays_apart_from_an_empty_one() -> None:
    keys = [SeriesKey.of("pods_by_phase", {}), SeriesKey.of("pods_by_phase", {"phase": ""})]
    frame = Frame(START, 30, keys, np.zeros((2, 3), dtype=np.float32))
    assert decode_frame(encode_frame(frame, PACK)).keys == keys


def test_the_start_is_kept_in_utc() -> None:
    east = START.astimezone(timezone(timedelta(hours=5, minutes=30)))
    frame = Frame(east, 30, [], np.zeros((0, 3), dtype=np.float32))
    back = decode_frame(encode_frame(frame, PACK))
    assert back.start == START
    assert back.start.utcoffset() == timedelta(0)


def test_any_parquet_reader_finds_labels_units_and_values() -> None:
    frame = _frame(np.arange(8, dtype=np.float32).reshape(2, 4))
    data = encode_frame(frame, PACK)
    table = pq.read_table(pa.BufferReader(data))
    assert table.column_names == ["query", "unit", "label_device", "label_instance", "values"]
    assert table["unit"].to_pylist() == ["ratio", "ratio"]
    assert table["label_device"].to_pylist() == ["é\n\0", None]
    assert table["values"].to_pylist()[1] == [4.0, 5.0, 6.0, 7.0]
    assert table.schema.field("values").type == pa.list_(pa.float32(), 4)
    assert table.schema.metadata[b"fleetscope.pack_hash"].decode() == PACK.content_hash
    assert pq.ParquetFile(pa.BufferReader(data)).metadata.row_group(0).column(4).compression == "ZSTD"


def test_the_same_frame_gives_the_same_bytes() -> None:
    frame = _frame(np.linspace(0, 1, 40, dtype=np.float32).reshape(4, 10))
    assert encode_frame(frame, PACK) == encode_frame(frame, PACK)


def test_a_query_that_the_pack_does_not_have_is_refused() -> None:
    frame = Frame(START, 30, [SeriesKey.of("nothing", {})], np.zeros((1, 3), dtype=np.float32))
    with pytest.raises(KeyError):
        encode_frame(frame, PACK)


KEYS = st.builds(
    SeriesKey.of,
    st.sampled_from(["node_cpu_util", "disk_busy", "pods_by_phase"]),
    st.dictionaries(st.sampled_from("abc"), st.sampled_from(["", "x", "y"])),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(KEYS, max_size=4, unique=True), min_size=2, max_size=2 * KNOWN_KEYS), st.randoms())
def test_chunks_of_one_collection_do_not_mix_their_series(lists: list[list[SeriesKey]], random: Random) -> None:
    encoder, decoder = FrameEncoder(PACK), FrameDecoder()
    for number in range(3 * len(lists)):
        keys = random.choice(lists)
        frame = Frame(START, 30, list(keys), np.full((len(keys), 3), number, dtype=np.float32))
        data = encoder.encode(frame)
        assert data == encode_frame(frame, PACK)
        back = decoder.decode(data)
        assert back.keys == keys
        assert back.values.tolist() == frame.values.tolist()
        # What the owner of a frame does to it must not show in the next.
        frame.keys.clear()
        back.keys.clear()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (SeriesKey.of("disk_busy", {"a": "x"}), SeriesKey.of("disk_busy", {"b": "x"})),
        (SeriesKey.of("disk_busy", {"a": "x"}), SeriesKey.of("disk_busy", {"a": "y"})),
        (SeriesKey.of("disk_busy", {"a": "x"}), SeriesKey.of("node_cpu_util", {"a": "x"})),
        (SeriesKey.of("disk_busy", {"a": ""}), SeriesKey.of("disk_busy", {})),
        (SeriesKey.of("disk_busy", {"a": "x", "b": "y"}), SeriesKey.of("disk_busy", {"a": "y", "b": "x"})),
    ],
)
def test_series_that_differ_in_one_thing_are_told_apart(one: SeriesKey, other: SeriesKey) -> None:
    decoder = FrameDecoder()
    lists = [[one], [other], [one, other], [other, one]]
    files = [encode_frame(Frame(START, 30, keys, np.zeros((len(keys), 3), np.float32)), PACK) for keys in lists]
    assert [decoder.decode(data).keys for data in [*files, *files]] == [*lists, *lists]


def test_known_series_are_not_read_again_and_values_are_checked_all_the_same(stored: bytes) -> None:
    decoder = FrameDecoder()
    first = decoder.decode(stored)
    again = decoder.decode(stored)
    assert all(one is other for one, other in zip(first.keys, again.keys, strict=True))
    damaged = bytearray(stored)
    damaged[len(stored) // 2] ^= 0x10
    with pytest.raises(CorruptObject):
        decoder.decode(bytes(damaged))


def test_a_unit_is_that_of_the_pack_that_asked() -> None:
    frame = _frame(np.zeros((2, 3), dtype=np.float32))
    queries = [query.model_copy(update={"unit": "percent"}) for query in PACK.queries]
    other = PACK.model_copy(update={"queries": queries})
    units = [pq.read_table(pa.BufferReader(encode_frame(frame, pack)))["unit"].to_pylist() for pack in (PACK, other)]
    assert units == [["ratio", "ratio"], ["percent", "percent"]]


def _rewritten(data: bytes, **options: Any) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(pq.read_table(pa.BufferReader(data)), sink, **options)
    return sink.getvalue().to_pybytes()


def test_files_with_compressed_labels_and_statistics_are_read_beside_others(stored: bytes) -> None:
    """So they were written at first."""
    labels = ["query", "unit", "label_device", "label_instance"]
    earlier = _rewritten(stored, compression="zstd", use_dictionary=labels, write_page_checksum=True)
    decoder = FrameDecoder()
    frames = [decoder.decode(data) for data in (earlier, stored, earlier)]
    assert [frame.keys for frame in frames] == [frames[0].keys] * 3
    assert {frame.values.tobytes() for frame in frames} == {frames[0].values.tobytes()}


@pytest.mark.parametrize("options", [{"row_group_size": 50}, {"use_dictionary": True}])
def test_a_file_in_which_labels_and_values_do_not_lie_apart_is_refused(stored: bytes, options: dict[str, Any]) -> None:
    with pytest.raises(CorruptObject):
        decode_frame(_rewritten(stored, **options))


@pytest.fixture(scope="module")
def stored() -> bytes:
    random = np.random.default_rng(7)
    return encode_frame(_frame(random.normal(size=(200, 120)).astype(np.float32)), PACK)


@pytest.mark.parametrize("share", [0, 0.01, 0.5, 0.9, 0.999])
def test_a_cut_object_is_corrupt(stored: bytes, share: float) -> None:
    with pytest.raises(CorruptObject):
        decode_frame(stored[: int(len(stored) * share)])


@pytest.mark.parametrize("share", [0.05, 0.3, 0.6, 0.9])
def test_a_changed_byte_of_the_values_is_corrupt(stored: bytes, share: float) -> None:
    damaged = bytearray(stored)
    damaged[int(len(stored) * share)] ^= 0x10
    with pytest.raises(CorruptObject):
        decode_frame(bytes(damaged))


def test_other_parquet_is_no_frame() -> None:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({"a": [1]}), sink)
    with pytest.raises(CorruptObject, match="format"):
        decode_frame(sink.getvalue().to_pybytes())


def test_text_is_no_frame() -> None:
    with pytest.raises(CorruptObject):
        decode_frame(b"<html>not here</html>")
