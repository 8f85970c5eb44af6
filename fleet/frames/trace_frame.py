"""A span frame: the spans of traces as columns, the spans of one trace side by side."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

_TEXT = pa.dictionary(pa.int32(), pa.string())
SCHEMA = pa.schema(
    [
        pa.field("trace_id", pa.string(), nullable=False),
        pa.field("span_id", pa.string(), nullable=False),
        pa.field("parent_id", pa.string()),
        pa.field("start_ns", pa.int64(), nullable=False),
        pa.field("duration_ns", pa.int64(), nullable=False),
        pa.field("service", _TEXT, nullable=False),
        pa.field("name", _TEXT, nullable=False),
        pa.field("kind", _TEXT, nullable=False),
        pa.field("status", _TEXT, nullable=False),
        pa.field("status_message", _TEXT),
        pa.field("attributes", pa.large_string(), nullable=False),
        pa.field("resource", _TEXT, nullable=False),
        pa.field("events", pa.large_string()),
    ]
)
KINDS = ("unspecified", "internal", "server", "client", "producer", "consumer")
"""Span kinds in the order of OTLP's numbers."""
STATUSES = ("unset", "ok", "error")
"""Status codes in the order of OTLP's numbers."""


@dataclass(frozen=True)
class SpanFrame:
    """Spans of one cluster, one row each.

    Attributes:
        table: of ``SCHEMA``. ``trace_id`` has 32 hexadecimal digits, ``span_id`` and ``parent_id`` (null for a root)
            16; ``start_ns`` are Unix nanoseconds; ``service`` is "" where the resource names none; ``kind`` and
            ``status`` are words of ``KINDS`` and ``STATUSES``; ``attributes`` and ``resource`` are JSON objects,
            ``events`` a JSON list of objects with ``name``, ``time_ns`` and ``attributes``, or null. Integers of 64
            bits are numbers there, bytes are base64. Links are not kept.
    """

    table: Any

    def __post_init__(self) -> None:
        if not self.table.schema.equals(SCHEMA):
            raise ValueError("the table has not the columns of a span frame")

    @classmethod
    def empty(cls) -> SpanFrame:
        """No spans."""
        return cls(SCHEMA.empty_table())

    def __len__(self) -> int:
        return int(self.table.num_rows)

    @property
    def nbytes(self) -> int:
        """Bytes of memory."""
        return int(self.table.nbytes)

    def texts(self, column: str) -> list[str]:
        """A column of text; None in the columns that may be null."""
        values: list[str] = self.table[column].to_pylist()
        return values

    def numbers(self, column: str) -> npt.NDArray[np.int64]:
        """``start_ns`` or ``duration_ns``."""
        values: npt.NDArray[np.int64] = self.table[column].to_numpy()
        return values

    def distinct(self, column: str) -> list[str]:
        """The values of a column, each once, sorted."""
        return sorted(value for value in self.table[column].unique().to_pylist() if value is not None)

    @property
    def traces(self) -> int:
        """How many traces."""
        return len(self._bounds()) - 1

    def trace_rows(self) -> Iterator[range]:
        """The rows of each trace, in the frame's order."""
        bounds = self._bounds().tolist()
        return (range(first, last) for first, last in pairwise(bounds))

    def slice(self, rows: range) -> SpanFrame:
        """Some adjacent rows; shares the memory of this one."""
        return SpanFrame(self.table.slice(rows.start, len(rows)))

    def trace(self, trace_id: str) -> SpanFrame:
        """The spans of one trace; none where the frame has not that trace."""
        return SpanFrame(self.table.filter(pc.equal(self.table["trace_id"], trace_id)))

    def of_traces(self, trace_ids: Collection[str]) -> SpanFrame:
        """The spans of some traces."""
        return SpanFrame(self.table.filter(pc.is_in(self.table["trace_id"], pa.array(list(trace_ids), pa.string()))))

    def _bounds(self) -> npt.NDArray[np.int64]:
        """The first row of each trace, and the number of rows."""
        ids = self.table["trace_id"]
        if not len(ids):
            return np.zeros(1, dtype=np.int64)
        whole = ids.chunk(0) if ids.num_chunks == 1 else pa.concat_arrays(ids.chunks)
        differs = pc.not_equal(whole[1:], whole[:-1]).to_numpy(zero_copy_only=False)
        return np.concatenate([[0], np.flatnonzero(differs) + 1, [len(whole)]]).astype(np.int64)


def concatenate_spans(frames: Sequence[SpanFrame]) -> SpanFrame:
    """Frames one behind the other; no trace may be in two of them."""
    tables = [frame.table for frame in frames if len(frame)]
    if not tables:
        return SpanFrame.empty()
    # Dictionaries differ from part to part; one for all makes the columns comparable.
    return SpanFrame(pa.concat_tables(tables).unify_dictionaries())
