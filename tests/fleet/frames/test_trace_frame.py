from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fleet.errors import CorruptObject
from fleet.frames.trace_frame import SpanFrame, concatenate_spans
from fleet.frames.trace_parquet import decode_spans, encode_spans
from tests.fleet.frames.spans import frame_of, span

TWO = frame_of(
    span("a", None, 0, 10, attributes='{"n":1}', events='[{"name":"x","time_ns":1,"attributes":{}}]'),
    span("b", "a", 1, 5, service="b", status="error", status_message="no ü"),
    span("a", None, 20, 30, trace_id="2".rjust(32, "0")),
)


def test_traces_stand_side_by_side() -> None:
    assert (len(TWO), TWO.traces) == (3, 2)
    assert [list(rows) for rows in TWO.trace_rows()] == [[0, 1], [2]]
    assert len(TWO.trace("2".rjust(32, "0"))) == 1
    assert TWO.texts("parent_id")[0] is None
    assert TWO.distinct("service") == ["a", "b"]
    assert SpanFrame.empty().traces == len(SpanFrame.empty()) == 0
    assert list(SpanFrame.empty().trace_rows()) == []


def test_frames_are_joined_though_their_words_differ() -> None:
    other = frame_of(span("a", None, 40, 50, service="c", trace_id="3".rjust(32, "0")))
    joined = concatenate_spans([TWO, SpanFrame.empty(), other])
    assert joined.texts("service") == ["a", "b", "a", "c"]
    assert joined.traces == 3
    assert len(concatenate_spans([])) == 0


def test_a_table_of_other_columns_is_no_frame() -> None:
    with pytest.raises(ValueError, match="columns"):
        SpanFrame(pa.table({"a": [1]}))


@pytest.mark.parametrize("frame", [TWO, SpanFrame.empty(), concatenate_spans([TWO, frame_of(span("a", None, 0, 1))])])
def test_parquet_gives_back_what_was_stored(frame: SpanFrame) -> None:
    data = encode_spans(frame)
    assert encode_spans(frame) == data
    again = decode_spans(data)
    assert again.table.to_pylist() == frame.table.to_pylist()
    assert pq.read_table(pa.BufferReader(data)).num_rows == len(frame)


def test_damaged_bytes_are_found_out() -> None:
    data = encode_spans(TWO)
    other = pa.BufferOutputStream()
    pq.write_table(pa.table({"a": [1]}), other)
    for wrong in (b"", data[:-9], other.getvalue().to_pybytes(), data[:20] + b"\0\0\0\0" + data[24:]):
        with pytest.raises(CorruptObject):
            decode_spans(wrong)
