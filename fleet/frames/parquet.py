"""Frames as Parquet: one object is one chunk of a whole pack.

A row is a series: ``query``, ``unit``, one ``label_<name>`` column for each label that any series has (null where a
series has not), and ``values``, a fixed-size list of float32, one for each point of the grid, NaN for a gap. The
schema's metadata holds the format's version, the grid and the pack; without them the bytes are no frame. It also
holds how many series have a sample at each point. Any
Parquet reader can read it. Pages carry checksums; that the bytes are whole is proven by the hash in the row
that names the object.

Rows lie in groups of some thousand, each a block (``frame_blocks``): whole queries, or a part of one that is too large,
so that a block of a large cluster can be read without decoding the others. Which part a group is the metadata tells,
too. Version 1 has one group, version 2 several; what fits one group is written as version 1, which every release can
read.
"""

from __future__ import annotations

import io
import json
from collections import Counter
from datetime import UTC

import pyarrow as pa
import pyarrow.parquet as pq

from fleet.frames.frame import Frame, SeriesKey, seen_at
from fleet.frames.frame_blocks import Block, blocks_of, rows_by_block
from fleet.frames.frame_file import (
    FORMAT_KEY,
    GROUPS_OF_FORMAT,
    PARTS_KEY,
    SEEN_KEY,
    STEP_KEY,
    VALUES,
    FrameFile,
    KnownSeries,
)
from fleet.frames.pack import QueryPack
from fleet.frames.series_columns import label_columns, label_names, query_column, text_column

KNOWN_KEYS = 4
"""Lists of series that an encoder remembers: the chunks of one collection have the same but for what comes and goes."""
_FLAT_VALUES = f"{VALUES}.list.element"
_Columns = dict[str, pa.Array]
_Group = tuple[Block, list[int], _Columns]


class FrameEncoder:
    """Encodes the chunks of one collection; the label columns that they share are made once.

    Not safe to share between threads.

    Args:
        pack: the pack that gave the frames; it names the units.
    """

    def __init__(self, pack: QueryPack) -> None:
        self._pack = pack
        self._units = {query.id: query.unit for query in pack.queries}
        self._known: list[tuple[list[SeriesKey], list[_Group]]] = []

    def encode(self, frame: Frame) -> bytes:
        """The frame as Parquet bytes, the same for the same frame and pack, whatever was encoded before.

        Rows of one group stay in order; where there are several, they come group by group.

        Raises:
            KeyError: a series names a query that the pack does not have.
        """
        groups = self._label_groups(frame.keys)
        facts = self._facts(frame, [block for block, _, _ in groups])
        sink = io.BytesIO()
        writer: pq.ParquetWriter | None = None
        for _, rows, labels in groups:
            flat = pa.array(frame.values[rows].reshape(-1))
            table = pa.table({**labels, VALUES: pa.FixedSizeListArray.from_arrays(flat, frame.points)})
            writer = writer or _writer(sink, table.schema.with_metadata(facts))
            writer.write_table(table.replace_schema_metadata(facts), row_group_size=max(1, table.num_rows))
        if writer is not None:
            writer.close()
        return sink.getvalue()

    def _facts(self, frame: Frame, blocks: list[Block]) -> dict[str, str]:
        return {
            FORMAT_KEY: next(name for name, several in GROUPS_OF_FORMAT.items() if several == (len(blocks) > 1)),
            "fleetscope.start": frame.start.astimezone(UTC).isoformat(),
            STEP_KEY: str(frame.step_seconds),
            SEEN_KEY: json.dumps(seen_at(frame).tolist()),
            PARTS_KEY: json.dumps([(block.part, block.parts) for block in blocks]),
            "fleetscope.pack": self._pack.name,
            "fleetscope.pack_hash": self._pack.content_hash,
        }

    def _label_groups(self, keys: list[SeriesKey]) -> list[_Group]:
        for place, (known, groups) in enumerate(self._known):
            if known == keys:
                self._known.insert(0, self._known.pop(place))
                return groups
        names = label_names(keys)
        groups = [(block, rows, self._columns([keys[row] for row in rows], names)) for block, rows in _row_groups(keys)]
        self._known = [(list(keys), groups), *self._known[: KNOWN_KEYS - 1]]
        return groups

    def _columns(self, keys: list[SeriesKey], names: list[str]) -> _Columns:
        units = text_column([self._units[key.query_id] for key in keys])
        return {**query_column(keys), "unit": units, **label_columns(keys, names)}


class FrameDecoder:
    """Decodes the chunks of one window; series that came before are not read again.

    The label columns come first in a file. Where their names and their very bytes are those of a file that was read
    before, so are its series. It remembers the series of every file that it decodes, so let it live no longer than the
    frames. Not safe to share between threads.
    """

    def __init__(self) -> None:
        self._known: KnownSeries = {}

    def decode(self, data: bytes) -> Frame:
        """The frame that was encoded, bit for bit.

        Raises:
            CorruptObject: the bytes are no frame, or were damaged.
        """
        return FrameFile(data).read(known=self._known)


def encode_frame(frame: Frame, pack: QueryPack) -> bytes:
    """One frame by itself, as ``FrameEncoder.encode`` does it."""
    return FrameEncoder(pack).encode(frame)


def decode_frame(data: bytes) -> Frame:
    """One frame by itself, as ``FrameDecoder.decode`` does it."""
    return FrameDecoder().decode(data)


def _row_groups(keys: list[SeriesKey]) -> list[tuple[Block, list[int]]]:
    """Blocks of series with the rows that are written together; one without rows for no series."""
    blocks = list(blocks_of(Counter(key.query_id for key in keys)))
    groups = zip(blocks, rows_by_block(blocks, keys), strict=True)
    return [(block, rows) for block, rows in groups if rows] or [(Block(()), [])]


def _writer(sink: io.BytesIO, schema: pa.Schema) -> pq.ParquetWriter:
    labels = [name for name in schema.names if name != VALUES]
    return pq.ParquetWriter(
        sink,
        schema,
        # Dictionaries leave little of the labels to compress: it would cost more time than it saves bytes.
        compression={**dict.fromkeys(labels, "none"), _FLAT_VALUES: "zstd"},
        use_dictionary=labels,
        write_statistics=False,
        # Bytes of equal weight side by side: float32 values of a slow series compress about a third better.
        column_encoding={_FLAT_VALUES: "BYTE_STREAM_SPLIT"},
        write_page_checksum=True,
    )
