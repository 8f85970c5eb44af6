"""Frames as Parquet: one object is one chunk of a whole pack.

A row is a series: ``query``, ``unit``, one ``label_<name>`` column for each label that any series has (null where a
series has not), and ``values``, a fixed-size list of float32, one for each point of the grid, NaN for a gap. The
schema's metadata holds the format's version, the grid and the pack; without them the bytes are no frame. Any
Parquet reader can read it. Pages carry checksums; that the bytes are whole is proven by the hash in the row
that names the object.
"""

from __future__ import annotations

import io
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from fleet.errors import CorruptObject
from fleet.frames.frame import Frame, SeriesKey
from fleet.frames.pack import QueryPack

FORMAT_VERSION = "1"
_PREFIX = "label_"
_TEXT = pa.dictionary(pa.int32(), pa.string())


def encode_frame(frame: Frame, pack: QueryPack) -> bytes:
    """The frame as Parquet bytes, the same for the same frame and pack.

    Raises:
        KeyError: a series names a query that the pack does not have.
    """
    units = {query.id: query.unit for query in pack.queries}
    columns: dict[str, pa.Array] = {
        "query": _text_column([key.query_id for key in frame.keys]),
        "unit": _text_column([units[key.query_id] for key in frame.keys]),
    }
    labels = [dict(key.labels) for key in frame.keys]
    for name in sorted({name for each in labels for name in each}):
        columns[_PREFIX + name] = _text_column([each.get(name) for each in labels])
    flat = pa.array(np.ascontiguousarray(frame.values).reshape(-1))
    columns["values"] = pa.FixedSizeListArray.from_arrays(flat, frame.points)
    table = pa.table(columns).replace_schema_metadata(
        {
            "fleetscope.format": FORMAT_VERSION,
            "fleetscope.start": frame.start.astimezone(UTC).isoformat(),
            "fleetscope.step_seconds": str(frame.step_seconds),
            "fleetscope.pack": pack.name,
            "fleetscope.pack_hash": pack.content_hash,
        }
    )
    sink = io.BytesIO()
    pq.write_table(
        table,
        sink,
        compression="zstd",
        use_dictionary=[name for name in columns if name != "values"],
        # Bytes of equal weight side by side: float32 values of a slow series compress about a third better.
        column_encoding={"values.list.element": "BYTE_STREAM_SPLIT"},
        write_page_checksum=True,
    )
    return sink.getvalue()


def decode_frame(data: bytes) -> Frame:
    """The frame that was encoded, bit for bit.

    Raises:
        CorruptObject: the bytes are no frame, or were damaged.
    """
    try:
        table = pq.read_table(pa.BufferReader(data), page_checksum_verification=True)
        return _frame_of(table)
    except (pa.ArrowException, OSError, KeyError, ValueError, TypeError) as error:
        raise CorruptObject(f"A stored frame of {len(data)} bytes cannot be read: {error}") from None


def _frame_of(table: pa.Table) -> Frame:
    facts = {key.decode(): value.decode() for key, value in (table.schema.metadata or {}).items()}
    if facts.get("fleetscope.format") != FORMAT_VERSION:
        raise ValueError(f"format {facts.get('fleetscope.format')!r} is not {FORMAT_VERSION!r}")
    values = table["values"].combine_chunks()
    points = values.type.list_size
    flat = values.flatten().to_numpy(zero_copy_only=False)
    return Frame(
        start=datetime.fromisoformat(facts["fleetscope.start"]),
        step_seconds=int(facts["fleetscope.step_seconds"]),
        keys=_keys_of(table),
        # Arrow's memory is read-only; a frame's owner may write.
        values=flat.reshape(table.num_rows, points).astype(np.float32, copy=True),
    )


def _keys_of(table: pa.Table) -> list[SeriesKey]:
    columns = sorted(name for name in table.column_names if name.startswith(_PREFIX))
    labels = [name.removeprefix(_PREFIX) for name in columns]
    rows = zip(*(table[name].to_pylist() for name in columns), strict=True) if columns else [()] * table.num_rows
    return [
        SeriesKey(
            query_id, tuple((label, value) for label, value in zip(labels, row, strict=True) if value is not None)
        )
        for query_id, row in zip(table["query"].to_pylist(), rows, strict=True)
    ]


def _text_column(values: list[str] | list[str | None]) -> pa.Array:
    return pa.array(values, type=pa.string()).cast(_TEXT)
