"""Frames: Parquet in the object store, visible only through their coverage rows."""

from __future__ import annotations

from collections.abc import Iterable

from fleet.frames.coverage import Coverage
from fleet.frames.frame import Frame
from fleet.frames.pack import QueryPack
from fleet.frames.parquet import FrameEncoder
from fleet.frames.window import Window
from storage.chunk_objects import ChunkObjects
from storage.coverage import CoverageStore
from storage.objects import ObjectStore
from storage.stored_frames import StoredFrames

CONTENT_TYPE = "application/vnd.apache.parquet"


class FrameStore:
    """Frames by (cluster, collector, pack, step, chunk).

    Every method raises StoreUnavailable or StoreError when the database or the object store does.
    """

    def __init__(self, objects: ObjectStore, coverage: CoverageStore) -> None:
        self._coverage = coverage
        self._chunks = ChunkObjects(objects, coverage, "parquet", CONTENT_TYPE)

    def save(self, chunks: Iterable[tuple[Coverage, Frame]], pack: QueryPack) -> None:
        """Store chunks as they come, as ``ChunkObjects.save`` does. One chunk's frame is held at a time.

        Args:
            chunks: what was seen of each, and its series. The coverage must be of this pack, and its window and step
                the frame's; an empty frame is stored as the row alone. A better row of a chunk that is there stays.
            pack: the pack that was asked.
        """
        encoder = FrameEncoder(pack)
        self._chunks.save((coverage, _encoded(coverage, frame, pack, encoder)) for coverage, frame in chunks)

    def open(self, cluster_id: str, collector: str, pack_hash: str, step_seconds: int, window: Window) -> StoredFrames:
        """What is stored of a window, to be read in parts: all chunks that reach into it, fetched and proven whole.

        Raises:
            CorruptObject: the bytes of a chunk are gone or not what was stored. Before it is raised, the row of every
                such chunk says that nothing is known of it: the next run asks the cluster again, and whoever opens the
                window again gets the rest.
        """
        coverage = self._coverage.list(
            window,
            cluster_ids=[cluster_id],
            collector=collector,
            pack_hash=pack_hash,
            step_seconds=step_seconds,
        )
        return StoredFrames(self._chunks, coverage, window, step_seconds)

    def load(
        self, cluster_id: str, collector: str, pack_hash: str, step_seconds: int, window: Window
    ) -> tuple[Frame, list[Coverage]]:
        """What is stored of a window: the series of all chunks that reach into it, and their coverage.

        The frame is as ``StoredFrames.read`` gives it.

        Raises:
            CorruptObject: as ``open`` does.
        """
        stored = self.open(cluster_id, collector, pack_hash, step_seconds, window)
        return stored.read(), stored.coverage


def _encoded(coverage: Coverage, frame: Frame, pack: QueryPack, encoder: FrameEncoder) -> bytes:
    _check_match(coverage, frame, pack)
    return encoder.encode(frame) if frame.keys else b""


def _check_match(coverage: Coverage, frame: Frame, pack: QueryPack) -> None:
    if coverage.pack_hash != pack.content_hash:
        raise ValueError(f"coverage of pack {coverage.pack_hash} with a frame of pack {pack.content_hash}")
    if coverage.step_seconds != frame.step_seconds:
        raise ValueError(f"coverage of step {coverage.step_seconds} s with a frame of {frame.step_seconds} s")
    points = coverage.window.points(frame.step_seconds)
    if frame.keys and (frame.start != coverage.window.start or frame.points != points):
        raise ValueError(
            f"a frame of {frame.points} points from {frame.start.isoformat()} is not its coverage's window"
        )
