"""Objects that hold what was seen of a chunk of time, visible only through the coverage rows that name them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC
from mmap import mmap
from time import monotonic
from typing import TypeVar

from fleet.errors import CorruptObject, NotFound
from fleet.frames.coverage import Coverage
from storage.coverage import CoverageStore
from storage.objects import ObjectStore, content_key

ROWS_AT_ONCE = 8
ROWS_HELD_SECONDS = 2.0
"""A transaction costs as much as its rows: objects wait this long for their rows, and a kill loses no more."""
_Decoded = TypeVar("_Decoded")


class ChunkObjects:
    """Objects by (cluster, collector, pack, step, chunk).

    Args:
        objects: where they lie.
        coverage: where their rows are.
        extension: of their keys.
        content_type: of their bytes.
    """

    def __init__(self, objects: ObjectStore, coverage: CoverageStore, extension: str, content_type: str) -> None:
        self._objects = objects
        self._coverage = coverage
        self._extension = extension
        self._content_type = content_type

    def save(self, chunks: Iterable[tuple[Coverage, bytes]]) -> None:
        """Store chunks as they come: first their objects, then the rows that make them visible.

        Killed in between, nothing half-written is seen: at most ``ROWS_AT_ONCE`` chunks are fetched again. When
        anything is raised, here or by what gives the chunks, those that came before are stored all the same.

        Args:
            chunks: what was seen of each, and its bytes; without bytes it is stored as the row alone. A better row of
                a chunk that is there stays.
        """
        held: list[Coverage] = []
        since = monotonic()
        try:
            for coverage, data in chunks:
                held.append(self._with_object(coverage, data) if data else coverage)
                if len(held) == ROWS_AT_ONCE or monotonic() - since > ROWS_HELD_SECONDS:
                    # Taken out first, so that a failure here is not tried once more below.
                    batch, held = held, []
                    self._coverage.put(batch)
                    since = monotonic()
        finally:
            self._coverage.put(held)

    def read(self, chunk: Coverage, decode: Callable[[bytes], _Decoded]) -> _Decoded:
        """What a chunk's object holds.

        Raises:
            CorruptObject: as ``struck_out`` does.
        """
        with self.struck_out(chunk):
            return decode(self._objects.get(chunk.object_key or "", chunk.object_hash or ""))

    def fetch(self, chunk: Coverage, *, mapped: bool) -> bytes | mmap:
        """A chunk's bytes, in memory or as a mapped file.

        Raises:
            CorruptObject: as ``struck_out`` does.
        """
        get = self._objects.get_mapped if mapped else self._objects.get
        with self.struck_out(chunk):
            return get(chunk.object_key or "", chunk.object_hash or "")

    @contextmanager
    def struck_out(self, chunk: Coverage) -> Iterator[None]:
        """What is done inside reads a chunk's object.

        Raises:
            CorruptObject: its bytes are gone or not what was stored. Before it is raised, the chunk's row says that
                nothing is known of it, so that the next run asks the cluster again.
        """
        try:
            yield
        except (CorruptObject, NotFound) as failure:
            self._coverage.strike_out(chunk)
            raise CorruptObject(
                failure.message, hint="The chunk was struck out: run again, and it is fetched anew."
            ) from failure

    def _with_object(self, coverage: Coverage, data: bytes) -> Coverage:
        key = content_key(_stem(coverage), data, self._extension)
        digest = self._objects.put(key, data, self._content_type)
        return coverage.model_copy(update={"object_key": key, "object_hash": digest, "object_bytes": len(data)})


def _stem(coverage: Coverage) -> str:
    start, end = (at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ") for at in (coverage.window.start, coverage.window.end))
    return (
        f"frames/{coverage.cluster_id}/{coverage.collector}/{coverage.pack_hash}/{coverage.step_seconds}s/{start}_{end}"
    )
