"""Log frames as Parquet: one object is the lines of one query over one chunk of time.

A row is a line: ``time`` (timestamp of nanoseconds, UTC), ``stream`` (int32), one ``label_<name>`` column for each
label that any stream has (null where a line's stream has not), ``line``, and ``metadata`` (JSON text, null where a line
has none). Any Parquet reader can read it. The schema's metadata holds the format's version; without it the bytes are no
log frame. Pages carry checksums; that the bytes are whole is proven by the hash in the row that names the object.
"""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from fleet.errors import CorruptObject
from fleet.frames.log_frame import Labels, LogFrame

FORMAT_VERSION = "1"
_PREFIX = "label_"
_ROWS_A_GROUP = 100_000


def encode_logs(frame: LogFrame) -> bytes:
    """A log frame as Parquet bytes, the same for the same frame; streams without a line are left out."""
    used, stream = np.unique(frame.stream, return_inverse=True)
    streams = [frame.streams[place] for place in used.tolist()]
    indices = pa.array(stream.astype(np.int32))
    names = sorted({name for labels in streams for name in labels})
    columns = {
        "time": pa.array(frame.timestamps_ns).cast(pa.timestamp("ns", tz="UTC")),
        "stream": indices,
        **{_PREFIX + name: _label_column(name, streams, indices) for name in names},
        "line": frame.lines,
    }
    if frame.metadata is not None:
        columns["metadata"] = frame.metadata
    table = pa.table(columns).replace_schema_metadata({"fleetscope.log_format": FORMAT_VERSION})
    sink = io.BytesIO()
    pq.write_table(
        table,
        sink,
        row_group_size=_ROWS_A_GROUP,
        compression="zstd",
        use_dictionary=["stream", *(_PREFIX + name for name in names)],
        # Times are ascending: their differences are small.
        column_encoding={"time": "DELTA_BINARY_PACKED"},
        write_statistics=["time"],
        write_page_checksum=True,
    )
    return sink.getvalue()


def decode_logs(data: bytes) -> LogFrame:
    """The log frame that was encoded.

    Raises:
        CorruptObject: the bytes are no log frame, or were damaged.
    """
    try:
        return _decoded(data)
    except (pa.ArrowException, OSError, KeyError, ValueError, TypeError, IndexError) as error:
        raise CorruptObject(f"Stored log lines of {len(data)} bytes cannot be read: {error}") from None


def _decoded(data: bytes) -> LogFrame:
    file = pq.ParquetFile(pa.BufferReader(data), page_checksum_verification=True)
    facts = file.metadata.metadata or {}
    if facts.get(b"fleetscope.log_format") != FORMAT_VERSION.encode():
        raise ValueError(f"format {facts.get(b'fleetscope.log_format')!r} is not {FORMAT_VERSION!r}")
    table = file.read(use_threads=False).combine_chunks()
    lacking = [name for name in ("time", "stream", "line") if table[name].null_count]
    if lacking:
        raise ValueError(f"rows without {' and '.join(lacking)}")
    stream = table["stream"].to_numpy().astype(np.int32)
    lines = table["line"].cast(pa.large_string())
    return LogFrame(
        table["time"].cast(pa.int64()).to_numpy(),
        stream,
        _streams_of(table, stream),
        _whole(lines),
        _whole(table["metadata"].cast(pa.large_string())) if "metadata" in table.column_names else None,
    )


def _label_column(name: str, streams: list[Labels], indices: Any) -> Any:
    values = pa.array([labels.get(name) for labels in streams], pa.string()).dictionary_encode()
    return values.take(indices)


def _streams_of(table: Any, stream: Any) -> list[Labels]:
    """Each stream's labels, from the first line that it has."""
    numbers, firsts = np.unique(stream, return_index=True)
    if not np.array_equal(numbers, np.arange(len(numbers))):
        raise ValueError("streams are not numbered one after the other")
    streams: list[Labels] = [{} for _ in firsts]
    for column in table.column_names:
        if column.startswith(_PREFIX):
            for labels, value in zip(streams, table[column].take(pa.array(firsts)).to_pylist(), strict=True):
                if value is not None:
                    labels[column.removeprefix(_PREFIX)] = value
    return streams


def _whole(column: Any) -> Any:
    return column.chunk(0) if column.num_chunks == 1 else pa.concat_arrays(column.chunks)
