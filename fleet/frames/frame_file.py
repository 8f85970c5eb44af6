"""A stored chunk that is read in parts: the series of some blocks, without decoding the others."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from functools import cached_property
from mmap import MADV_DONTNEED, mmap

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from fleet.errors import CorruptObject
from fleet.frames.frame import Frame, SeriesKey, seen_at
from fleet.frames.frame_blocks import Block, Selection
from fleet.frames.series_columns import QUERY, keys_of

VALUES = "values"
FORMAT_KEY, STEP_KEY, SEEN_KEY = "fleetscope.format", "fleetscope.step_seconds", "fleetscope.seen"
PARTS_KEY = "fleetscope.parts"
GROUPS_OF_FORMAT: Mapping[str, bool] = {"1": False, "2": True}
"""Whether a format's files have several groups of rows."""
KnownSeries = dict[tuple[bytes, ...], list[SeriesKey]]
"""The series of groups that were read, by their label columns' names and very bytes."""


class FrameFile:
    """One chunk's bytes. What was stored is proven by its hash before; pages carry checksums beside.

    Args:
        data: the object's bytes, or a mapped file that holds them; it must stay open as long as this.

    Raises:
        CorruptObject: here and in every method: the bytes are no frame, or were damaged.
    """

    def __init__(self, data: bytes | mmap) -> None:
        self._data = data
        with self._explained():
            self._file = pq.ParquetFile(pa.BufferReader(pa.py_buffer(data)), page_checksum_verification=True)
            facts = {key.decode(): value.decode() for key, value in (self._file.metadata.metadata or {}).items()}
            self._check(facts.get(FORMAT_KEY))
            self.start = datetime.fromisoformat(facts["fleetscope.start"])
            self.step_seconds = int(facts[STEP_KEY])
            self._seen, self._parts = facts.get(SEEN_KEY), facts.get(PARTS_KEY)
            self.points: int = self._file.schema_arrow.field(VALUES).type.list_size

    @cached_property
    def queries(self) -> Counter[str]:
        """How many series each query has, in the file's order."""
        counts: Counter[str] = Counter()
        for group in self._counts:
            counts.update(group)
        return counts

    @cached_property
    def seen(self) -> npt.NDArray[np.int64]:
        """How many series have a sample at each point; earlier releases did not note it, so that it is counted."""
        if self._seen is None:
            return seen_at(self.read())
        with self._explained():
            seen = np.array(json.loads(self._seen), dtype=np.int64)
            if seen.shape != (self.points,):
                raise ValueError(f"{seen.size} counts for {self.points} points")
        return seen

    def read(self, wanted: Selection | None = None, known: KnownSeries | None = None) -> Frame:
        """Some series, bit for bit as they were stored.

        Args:
            wanted: which; None for all. Groups of rows that have none of them are not decoded.
            known: shared by files of one window: series that came before are not read again.
        """
        known = {} if known is None else known
        keys: list[SeriesKey] = []
        parts: list[npt.NDArray[np.float32]] = []
        for number, group in enumerate(self._groups):
            if wanted is not None and not wanted.meets(group):
                continue
            with self._explained():
                some, values = self._read_group(number, known)
            if wanted is not None and not wanted.covers(group):
                rows = [row for row, key in enumerate(some) if wanted.holds(key)]
                some, values = [some[row] for row in rows], values[rows]
            keys += some
            parts.append(values)
        self._let_go()
        # Arrow's memory is read-only; a frame's owner may write.
        whole = np.concatenate(parts) if parts else np.empty((0, self.points), dtype=np.float32)
        return Frame(self.start, self.step_seconds, keys, whole)

    @cached_property
    def _groups(self) -> list[Block]:
        """The groups of rows as blocks; earlier releases cut queries into ranges: any series may be in each of them."""
        with self._explained():
            parts = json.loads(self._parts) if self._parts is not None else [(0, 1)] * len(self._counts)
            pairs = zip(self._counts, parts, strict=True)
            return [Block(tuple(counts), part, of) for counts, (part, of) in pairs]

    @cached_property
    def _counts(self) -> list[Counter[str]]:
        """Series by query of each group of rows."""
        groups = []
        with self._explained():
            for number in range(self._file.metadata.num_row_groups):
                column = self._file.read_row_group(number, columns=[QUERY], use_threads=False)[QUERY].combine_chunks()
                names = column.dictionary.to_pylist()
                counts = np.bincount(column.indices.to_numpy(), minlength=len(names)).tolist()
                groups.append(Counter(dict(zip(names, counts, strict=True))))
        self._let_go()
        return groups

    def _read_group(self, number: int, known: KnownSeries) -> tuple[list[SeriesKey], npt.NDArray[np.float32]]:
        mark = self._label_bytes(number)
        keys = known.get(mark)
        # Threads of Arrow's own cost more than they save on a chunk.
        columns = [VALUES] if keys is not None else None
        table = self._file.read_row_group(number, columns=columns, use_threads=False)
        if keys is None:
            keys = known[mark] = keys_of(table)
        flat = table[VALUES].combine_chunks().flatten().to_numpy(zero_copy_only=False)
        if flat.dtype != np.float32:
            raise ValueError(f"values of {flat.dtype}")
        return keys, flat.reshape(table.num_rows, self.points)

    def _label_bytes(self, number: int) -> tuple[bytes, ...]:
        """What decides the series of a group: its columns' names, and all its bytes before those of the values."""
        group = self._file.metadata.row_group(number)
        first, values = group.column(0), group.column(group.num_columns - 1)
        if values.path_in_schema != f"{VALUES}.list.element" or values.has_dictionary_page:
            raise ValueError("the last column is not that of the values")
        names = (name.encode() for name in self._file.schema_arrow.names)
        start = first.dictionary_page_offset or first.data_page_offset
        return (*names, str(group.num_rows).encode(), self._data[start : values.data_page_offset])

    def _let_go(self) -> None:
        """What was read of a mapped file stays in the system's cache, and is no memory of ours."""
        if isinstance(self._data, mmap):
            self._data.madvise(MADV_DONTNEED)

    def _check(self, version: str | None) -> None:
        if version is None or version not in GROUPS_OF_FORMAT:
            raise ValueError(f"format {version!r} is none of {', '.join(GROUPS_OF_FORMAT)}")
        groups = self._file.metadata.num_row_groups
        if groups < 1 or (groups > 1) != GROUPS_OF_FORMAT[version]:
            raise ValueError(f"{groups} row groups in format {version}")

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (pa.ArrowException, OSError, KeyError, ValueError, TypeError) as error:
            raise CorruptObject(f"A stored frame of {len(self._data)} bytes cannot be read: {error}") from None
