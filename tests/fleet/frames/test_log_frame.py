from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fleet.errors import CorruptObject
from fleet.frames.log_frame import Labels, LogFrame, concatenate_logs, nanoseconds, time_of
from fleet.frames.log_parquet import decode_logs, encode_logs

AT = 1_795_261_676_101_234_567


def frame_of(*rows: tuple[int, Labels, str], metadata: list[str | None] | None = None) -> LogFrame:
    """Lines at ``AT`` plus so many nanoseconds."""
    streams: list[Labels] = []
    places = []
    for _, labels, _ in rows:
        if labels not in streams:
            streams.append(labels)
        places.append(streams.index(labels))
    return LogFrame(
        np.array([AT + offset for offset, _, _ in rows], np.int64),
        np.array(places, np.int32),
        streams,
        pa.array([line for _, _, line in rows], pa.large_string()),
        None if metadata is None else pa.array(metadata, pa.large_string()),
    )


def rows_of(frame: LogFrame) -> list[tuple[int, Labels, str]]:
    return [(int(at) - AT, frame.labels(row), frame.line(row)) for row, at in enumerate(frame.timestamps_ns)]


A, B, C = {"app": "a"}, {"app": "b", "level": "error"}, {"app": "c"}


def test_times_keep_their_nanoseconds() -> None:
    at = datetime(2026, 11, 21, 12, 0, 0, 123456, tzinfo=UTC)
    assert nanoseconds(at) == int(at.timestamp()) * 1_000_000_000 + 123_456_000
    assert time_of(nanoseconds(at) + 789) == at
    assert nanoseconds(at + timedelta(microseconds=1)) - nanoseconds(at) == 1000


def test_columns_that_do_not_fit_are_no_frame() -> None:
    with pytest.raises(ValueError, match="order of time"):
        frame_of((1, A, "x"), (0, A, "y"))
    with pytest.raises(ValueError, match="rows of metadata"):
        frame_of((0, A, "x"), metadata=[None, None])
    with pytest.raises(ValueError, match="columns of"):
        LogFrame(np.zeros(1, np.int64), np.zeros(2, np.int32), [{}], pa.array(["x"], pa.large_string()))


def test_parts_of_a_frame() -> None:
    frame = frame_of((0, A, "one"), (1, B, "two"), (1, A, "three"), (5, B, "four"))
    assert rows_of(frame.between(AT + 1, AT + 5)) == [(1, B, "two"), (1, A, "three")]
    assert rows_of(frame.slice(3, 9)) == [(5, B, "four")]
    assert len(LogFrame.empty()) == 0


def test_joined_frames_are_in_order_of_time_and_know_their_streams() -> None:
    first = frame_of((2, B, "b2"), (4, A, "a4"))
    second = frame_of((0, A, "a0"), (2, C, "c2"), (4, A, "a4 again"), metadata=[None, '{"x":"1"}', None])
    joined = concatenate_logs([first, LogFrame.empty(), second])
    assert rows_of(joined) == [(0, A, "a0"), (2, B, "b2"), (2, C, "c2"), (4, A, "a4"), (4, A, "a4 again")]
    assert len(joined.streams) == 3
    assert joined.metadata.to_pylist() == [None, None, '{"x":"1"}', None, None]
    assert len(concatenate_logs([])) == 0


def test_parquet_gives_the_same_lines_back() -> None:
    lines = ["", "naïve ☃", 'a "quoted" \\ line\n\twith more', "\x1b[31mred\x1b[0m"]
    frame = frame_of(*[(number, [A, B][number % 2], line) for number, line in enumerate(lines)], (9, {}, "bare"))
    for each in (frame, LogFrame.empty(), frame.slice(1, 3)):
        back = decode_logs(encode_logs(each))
        assert rows_of(back) == rows_of(each)
        assert back.metadata is None
    assert encode_logs(frame) == encode_logs(decode_logs(encode_logs(frame)))
    with_metadata = frame_of((0, A, "x"), (1, A, "y"), metadata=['{"trace_id":"1"}', None])
    assert decode_logs(encode_logs(with_metadata)).metadata.to_pylist() == ['{"trace_id":"1"}', None]


def test_other_bytes_are_no_lines() -> None:
    whole = encode_logs(frame_of((0, A, "x" * 500)))
    for data in (b"", b"PAR1", whole[:-20], whole[:10] + b"\0\0\0\0" + whole[14:]):
        with pytest.raises(CorruptObject):
            decode_logs(data)


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("stream", pa.array([3, 7], pa.int32())),
        ("stream", pa.array([None, 0], pa.int32())),
        ("line", pa.array([None, "x"], pa.large_string())),
        ("time", pa.array([None, 5], pa.timestamp("ns", tz="UTC"))),
    ],
)
def test_rows_that_are_no_lines_are_no_lines(column: str, values: pa.Array) -> None:
    table = pq.read_table(io.BytesIO(encode_logs(frame_of((0, A, "x"), (1, A, "y")))))
    sink = io.BytesIO()
    pq.write_table(table.set_column(table.column_names.index(column), column, values), sink)
    with pytest.raises(CorruptObject):
        decode_logs(sink.getvalue())
