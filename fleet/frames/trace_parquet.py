"""Span frames as Parquet: one object is the traces of one question over one chunk of time.

A row is a span with the columns of ``trace_frame.SCHEMA``; any Parquet reader can read it. The schema's metadata holds
the format's version; without it the bytes are no span frame. Pages carry checksums; that the bytes are whole is proven
by the hash in the row that names the object.
"""

from __future__ import annotations

import io

import pyarrow as pa
import pyarrow.parquet as pq

from fleet.errors import CorruptObject
from fleet.frames.trace_frame import SCHEMA, SpanFrame

FORMAT_VERSION = "1"
_ROWS_A_GROUP = 100_000
_WORDS = ("service", "name", "kind", "status", "status_message", "resource")


def encode_spans(frame: SpanFrame) -> bytes:
    """A span frame as Parquet bytes, the same for the same frame."""
    sink = io.BytesIO()
    pq.write_table(
        frame.table.replace_schema_metadata({"fleetscope.span_format": FORMAT_VERSION}),
        sink,
        row_group_size=_ROWS_A_GROUP,
        compression="zstd",
        use_dictionary=["trace_id", *_WORDS],
        write_statistics=["start_ns"],
        write_page_checksum=True,
    )
    return sink.getvalue()


def decode_spans(data: bytes) -> SpanFrame:
    """The span frame that was encoded.

    Raises:
        CorruptObject: the bytes are no span frame, or were damaged.
    """
    try:
        file = pq.ParquetFile(pa.BufferReader(data), page_checksum_verification=True)
        facts = file.metadata.metadata or {}
        if facts.get(b"fleetscope.span_format") != FORMAT_VERSION.encode():
            raise ValueError(f"format {facts.get(b'fleetscope.span_format')!r} is not {FORMAT_VERSION!r}")
        return SpanFrame(file.read(use_threads=False).cast(SCHEMA))
    except (pa.ArrowException, OSError, KeyError, ValueError, TypeError) as error:
        raise CorruptObject(f"Stored spans of {len(data)} bytes cannot be read: {error}") from None
