"""Frames as Parquet: one object is one chunk of a whole pack.

A row is a series: ``query``, ``unit``, one ``label_<name>`` column for each label that any series has (null where a
series has not), and ``values``, a fixed-size list of float32, one for each point of the grid, NaN for a gap. The
schema's metadata holds the format's version, the grid and the pack; without them the bytes are no frame. Any
Parquet reader can read it. Pages carry checksums; that the bytes are whole is proven by the hash in the row
that names the object.
"""

from __future__ import annotations

import io
from collections import defaultdict
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from fleet.errors import CorruptObject
from fleet.frames.frame import Frame, SeriesKey
from fleet.frames.pack import QueryPack

FORMAT_VERSION = "1"
KNOWN_KEYS = 4
"""Lists of series that an encoder remembers: the chunks of one collection have the same but for what comes and goes."""
_PREFIX = "label_"
_TEXT = pa.dictionary(pa.int32(), pa.string())


class FrameEncoder:
    """Encodes the chunks of one collection; the label columns that they share are made once.

    Not safe to share between threads.

    Args:
        pack: the pack that gave the frames; it names the units.
    """

    def __init__(self, pack: QueryPack) -> None:
        self._pack = pack
        self._units = {query.id: query.unit for query in pack.queries}
        self._known: list[tuple[list[SeriesKey], dict[str, pa.Array]]] = []

    def encode(self, frame: Frame) -> bytes:
        """The frame as Parquet bytes, the same for the same frame and pack, whatever was encoded before.

        Raises:
            KeyError: a series names a query that the pack does not have.
        """
        labels = self._label_columns(frame.keys)
        flat = pa.array(np.ascontiguousarray(frame.values).reshape(-1))
        table = pa.table({**labels, "values": pa.FixedSizeListArray.from_arrays(flat, frame.points)})
        table = table.replace_schema_metadata(
            {
                "fleetscope.format": FORMAT_VERSION,
                "fleetscope.start": frame.start.astimezone(UTC).isoformat(),
                "fleetscope.step_seconds": str(frame.step_seconds),
                "fleetscope.pack": self._pack.name,
                "fleetscope.pack_hash": self._pack.content_hash,
            }
        )
        sink = io.BytesIO()
        pq.write_table(
            table,
            sink,
            row_group_size=max(1, table.num_rows),
            # Dictionaries leave little of the labels to compress: it would cost more time than it saves bytes.
            compression={**dict.fromkeys(labels, "none"), "values.list.element": "zstd"},
            use_dictionary=list(labels),
            write_statistics=False,
            # Bytes of equal weight side by side: float32 values of a slow series compress about a third better.
            column_encoding={"values.list.element": "BYTE_STREAM_SPLIT"},
            write_page_checksum=True,
        )
        return sink.getvalue()

    def _label_columns(self, keys: list[SeriesKey]) -> dict[str, pa.Array]:
        for place, (known, columns) in enumerate(self._known):
            if known == keys:
                self._known.insert(0, self._known.pop(place))
                return columns
        columns = self._made_columns(keys)
        self._known = [(list(keys), columns), *self._known[: KNOWN_KEYS - 1]]
        return columns

    def _made_columns(self, keys: list[SeriesKey]) -> dict[str, pa.Array]:
        columns = {
            "query": _text_column([key.query_id for key in keys]),
            "unit": _text_column([self._units[key.query_id] for key in keys]),
        }
        labels: defaultdict[str, list[str | None]] = defaultdict(lambda: [None] * len(keys))
        for row, key in enumerate(keys):
            for name, value in key.labels:
                labels[name][row] = value
        return columns | {_PREFIX + name: _text_column(labels[name]) for name in sorted(labels)}


class FrameDecoder:
    """Decodes the chunks of one window; series that came before are not read again.

    The label columns come first in a file. Where their names and their very bytes are those of a file that was read
    before, so are its series. It remembers the series of every file that it decodes, so let it live no longer than the
    frames. Not safe to share between threads.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[bytes, ...], list[SeriesKey]] = {}

    def decode(self, data: bytes) -> Frame:
        """The frame that was encoded, bit for bit.

        Raises:
            CorruptObject: the bytes are no frame, or were damaged.
        """
        try:
            return self._decode(data)
        except (pa.ArrowException, OSError, KeyError, ValueError, TypeError) as error:
            raise CorruptObject(f"A stored frame of {len(data)} bytes cannot be read: {error}") from None

    def _decode(self, data: bytes) -> Frame:
        file = pq.ParquetFile(pa.BufferReader(data), page_checksum_verification=True)
        facts = {key.decode(): value.decode() for key, value in (file.metadata.metadata or {}).items()}
        if facts.get("fleetscope.format") != FORMAT_VERSION:
            raise ValueError(f"format {facts.get('fleetscope.format')!r} is not {FORMAT_VERSION!r}")
        mark = _label_bytes(file, data)
        keys = self._known.get(mark)
        # Threads of Arrow's own cost more than they save on a chunk.
        table = file.read(columns=["values"] if keys is not None else None, use_threads=False)
        if keys is None:
            keys = self._known[mark] = _keys_of(table)
        values = table["values"].combine_chunks()
        flat = values.flatten().to_numpy(zero_copy_only=False)
        return Frame(
            start=datetime.fromisoformat(facts["fleetscope.start"]),
            step_seconds=int(facts["fleetscope.step_seconds"]),
            keys=list(keys),
            # Arrow's memory is read-only; a frame's owner may write.
            values=flat.reshape(table.num_rows, values.type.list_size).astype(np.float32, copy=True),
        )


def encode_frame(frame: Frame, pack: QueryPack) -> bytes:
    """One frame by itself, as ``FrameEncoder.encode`` does it."""
    return FrameEncoder(pack).encode(frame)


def decode_frame(data: bytes) -> Frame:
    """One frame by itself, as ``FrameDecoder.decode`` does it."""
    return FrameDecoder().decode(data)


def _label_bytes(file: pq.ParquetFile, data: bytes) -> tuple[bytes, ...]:
    """What decides the series of a file: the names of its columns, and all bytes before those of the values."""
    if file.metadata.num_row_groups != 1:
        raise ValueError(f"{file.metadata.num_row_groups} row groups, not 1")
    group = file.metadata.row_group(0)
    values = group.column(group.num_columns - 1)
    if values.path_in_schema != "values.list.element" or values.has_dictionary_page:
        raise ValueError("the last column is not that of the values")
    names = (name.encode() for name in file.schema_arrow.names)
    return (*names, str(group.num_rows).encode(), data[: values.data_page_offset])


def _keys_of(table: pa.Table) -> list[SeriesKey]:
    names = sorted(name for name in table.column_names if name.startswith(_PREFIX))
    columns = [_pairs_of(name.removeprefix(_PREFIX), table[name]) for name in names]
    rows = zip(*columns, strict=True) if columns else iter([()] * table.num_rows)
    queries = table["query"].to_pylist()
    # A pair is never empty, so that the filter drops nothing but None.
    return [SeriesKey(query_id, tuple(filter(None, row))) for query_id, row in zip(queries, rows, strict=True)]


def _pairs_of(label: str, column: pa.ChunkedArray) -> list[tuple[str, str] | None]:
    """A label and its value for each row, one object for all rows with the same; None where a row has not the label."""
    encoded = column.combine_chunks()
    pairs: list[tuple[str, str] | None] = [(label, value) for value in encoded.dictionary.to_pylist()]
    pairs.append(None)
    return [pairs[index] for index in encoded.indices.fill_null(len(pairs) - 1).to_pylist()]


def _text_column(values: list[str] | list[str | None]) -> pa.Array:
    return pa.array(values, type=pa.string()).cast(_TEXT)
